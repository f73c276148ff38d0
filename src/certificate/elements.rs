//! The elements that certificates and revocation lists are made of: where they lie, checked.

use const_oid::ObjectIdentifier;
use der::asn1::{BitStringRef, IntRef};
use der::{Decode, Tag, TagNumber, Tagged};

use super::reader::{DerReader, ReadError};
use super::{Span, Timestamp};

/// Reads one element of the given tag: where it lies.
#[inline(always)]
pub(crate) fn element<E: ReadError>(reader: &mut DerReader<'_, E>, tag: Tag) -> Result<Span, E> {
    let start = reader.place();
    reader.element(tag)?;
    Ok(Span::new(start, reader.place()))
}

/// The same of its contents, and what they are.
#[inline(always)]
pub(crate) fn contents<'a, E: ReadError>(
    reader: &mut DerReader<'a, E>,
    tag: Tag,
) -> Result<(Span, &'a [u8]), E> {
    let contents = reader.element(tag)?;
    let end = reader.place();
    Ok((Span::new(end - contents.len(), end), contents))
}

/// The same of an element with a context-specific tag, if it comes next.
#[inline(always)]
pub(crate) fn tagged_contents<'a, E: ReadError>(
    reader: &mut DerReader<'a, E>,
    number: u32,
    constructed: bool,
) -> Result<Option<(Span, &'a [u8])>, E> {
    let wanted = Tag::ContextSpecific { constructed, number: TagNumber(number) };
    match reader.comes_next(wanted)? {
        true => contents(reader, wanted).map(Some),
        false => Ok(None),
    }
}

#[inline(always)]
pub(crate) fn time<E: ReadError>(reader: &mut DerReader<'_, E>) -> Result<Timestamp, E> {
    let mut ahead = reader.clone();
    if let Some(contents) = ahead.usual(0x17)
        && let Some(time) = Timestamp::from_utc_time(contents)
    {
        *reader = ahead;
        return Ok(time);
    }
    E::read_on(reader, another_time)
}

fn another_time(reader: &mut DerReader<'_>) -> der::Result<Timestamp> {
    let any = reader.any()?;
    match any.tag() {
        Tag::UtcTime => Timestamp::from_utc_time(any.value()),
        Tag::GeneralizedTime => Timestamp::from_generalized_time(any.value()),
        tag => return Err(tag.unexpected_error(None).into()),
    }
    .ok_or_else(|| any.tag().value_error().into())
}

/// Reads an OBJECT IDENTIFIER without decoding it: its contents, checked.
#[inline(always)]
pub(crate) fn identifier<'a, E: ReadError>(reader: &mut DerReader<'a, E>) -> Result<&'a [u8], E> {
    let mut ahead = reader.clone();
    match ahead.usual(0x06) {
        Some(contents) if has_small_arcs(contents) => {
            *reader = ahead;
            Ok(contents)
        }
        _ => E::read_on(reader, unusual_identifier),
    }
}

/// The decoder knows what else is one, and what is wrong with it.
#[cold]
fn unusual_identifier<'a>(reader: &mut DerReader<'a>) -> der::Result<&'a [u8]> {
    let mut ahead = reader.clone();
    <ObjectIdentifier>::decode(&mut ahead).and_then(|_| reader.element(Tag::ObjectIdentifier))
}

/// Whether the contents of an OBJECT IDENTIFIER are a short one with numbers below 2^28, as nearly
/// all are.
#[inline]
fn has_small_arcs(contents: &[u8]) -> bool {
    // The first octet is two numbers: up to 2 and up to 39.
    match contents {
        // Those of X.500: attributes and extensions.
        [..=119, ..=0x7f, ..=0x7f] => true,
        // Those of purposes (RFC 5280 section 4.2.1.12).
        [0x2b, 6, 1, 5, 5, 7, 3, ..=0x7f] => true,
        [..=119, ..] => contents.len() <= 39 && ends_are_near(contents),
        _ => false,
    }
}

/// Whether each number is of four octets at most, and the last one ends.
fn ends_are_near(contents: &[u8]) -> bool {
    // An octet says with its highest bit that its number goes on: here a bit of each, the last one's lowest.
    let going_on = contents.iter().fold(0_u64, |bits, octet| bits << 1 | u64::from(octet >> 7));
    let (two, three) = (going_on & going_on >> 1, going_on >> 2 & going_on >> 3);
    going_on & 1 == 0 && two & three == 0
}

/// Where an `AlgorithmIdentifier` lies.
#[inline]
pub(crate) fn algorithm<E: ReadError>(reader: &mut DerReader<'_, E>) -> Result<Span, E> {
    let start = reader.place();
    reader.sequence(|algorithm| {
        identifier(algorithm)?;
        if !algorithm.is_finished() {
            algorithm.any()?;
        }
        Ok::<_, E>(())
    })?;
    Ok(Span::new(start, reader.place()))
}

/// Where the contents of an INTEGER lie.
#[inline]
pub(crate) fn integer<E: ReadError>(reader: &mut DerReader<'_, E>) -> Result<Span, E> {
    let mut ahead = reader.clone();
    match ahead.usual(0x02) {
        Some(octets @ ([1..=0xfe, ..] | [0, 0x80..=0xff, ..])) => {
            *reader = ahead;
            let end = reader.place();
            Ok(Span::new(end - octets.len(), end))
        }
        // The decoder knows what else is in its shortest form.
        _ => E::read_on(reader, |reader| {
            IntRef::decode(&mut reader.clone())?;
            contents(reader, Tag::Integer).map(|(span, _)| span)
        }),
    }
}

#[inline]
pub(crate) fn bit_string<'a, E: ReadError>(
    reader: &mut DerReader<'a, E>,
) -> Result<BitStringRef<'a>, E> {
    let mut ahead = reader.clone();
    if let Some([unused, octets @ ..]) = ahead.usual(0x03)
        && let Ok(string) = BitStringRef::new(*unused, octets)
    {
        *reader = ahead;
        return Ok(string);
    }
    // The decoder reads long ones, and knows what is wrong with others.
    E::read_on(reader, BitStringRef::decode)
}

/// Where the octets of a BIT STRING lie, if it is of whole octets.
#[inline]
pub(crate) fn octets<E: ReadError>(reader: &mut DerReader<'_, E>) -> Result<Span, E> {
    let string = bit_string(reader)?;
    let fault = || der::Error::from(Tag::BitString.value_error());
    let octets = string.as_bytes().ok_or_else(fault)?.len();
    let end = reader.place();
    Ok(Span::new(end - octets, end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_passes_for_an_identifier_is_what_another_decoder_reads(
            tag in prop_oneof![9 => Just(6_u8), 1 => any::<u8>()],
            octets in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x80)], 0..44),
            missing in prop_oneof![9 => Just(0), 1 => 0_usize..3],
        ) {
            let length = octets.len() as u8;
            let der = [&[tag, length][..], octets.get(missing..).unwrap_or_default()].concat();
            let theirs = ObjectIdentifier::decode(&mut DerReader::new(&der).unwrap());
            let ours: der::Result<_> = identifier(&mut DerReader::new(&der).unwrap());
            prop_assert_eq!(
                ours.map(<[u8]>::to_vec),
                theirs.map(|id: ObjectIdentifier| id.as_bytes().to_vec())
            );
        }
    }
}
