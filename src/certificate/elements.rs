//! The elements that certificates and revocation lists are made of: where they lie, checked.

use const_oid::ObjectIdentifier;
use der::asn1::{BitStringRef, IntRef};
use der::{Decode, Reader, Tag, TagNumber, Tagged};

use super::reader::DerReader;
use super::{Span, Timestamp};

/// Reads one element of the given tag: where it lies, and its contents.
#[inline]
pub(crate) fn element<'a>(reader: &mut DerReader<'a>, tag: Tag) -> der::Result<(Span, &'a [u8])> {
    let start = reader.place();
    let contents = reader.element(tag)?;
    Ok((start..reader.place(), contents))
}

/// The same of an element with a context-specific tag, if it comes next.
pub(crate) fn tagged_element<'a>(
    reader: &mut DerReader<'a>,
    number: u32,
    constructed: bool,
) -> der::Result<Option<(Span, &'a [u8])>> {
    let wanted = Tag::ContextSpecific { constructed, number: TagNumber(number) };
    if reader.is_finished() || Tag::peek(reader)? != wanted {
        return Ok(None);
    }
    element(reader, wanted).map(Some)
}

/// Where the contents of an element lie: they end where it ends.
pub(crate) fn contents_of((whole, contents): (Span, &[u8])) -> Span {
    whole.end.saturating_sub(contents.len())..whole.end
}

#[inline]
pub(crate) fn time(reader: &mut DerReader<'_>) -> der::Result<Timestamp> {
    let any = reader.any()?;
    match any.tag() {
        Tag::UtcTime => Timestamp::from_utc_time(any.value()),
        Tag::GeneralizedTime => Timestamp::from_generalized_time(any.value()),
        tag => return Err(tag.unexpected_error(None).into()),
    }
    .ok_or_else(|| any.tag().value_error().into())
}

/// Reads an OBJECT IDENTIFIER without decoding it: its contents, checked.
#[inline]
pub(crate) fn identifier<'a>(reader: &mut DerReader<'a>) -> der::Result<&'a [u8]> {
    let mut ahead = reader.clone();
    match reader.element(Tag::ObjectIdentifier) {
        Ok(contents) if has_small_arcs(contents) => Ok(contents),
        // The decoder knows what else is one, and what is wrong with it.
        read => <ObjectIdentifier>::decode(&mut ahead).and(read),
    }
}

/// Whether the contents of an OBJECT IDENTIFIER are a short one with numbers below 2^28, as nearly
/// all are.
#[inline]
fn has_small_arcs(contents: &[u8]) -> bool {
    // An octet says with its highest bit that its number goes on.
    let mut going_on = 0;
    for octet in contents {
        going_on = if octet & 0x80 == 0 { 0 } else { going_on + 1 };
        if going_on > 3 {
            return false;
        }
    }
    // The first octet is two numbers: up to 2 and up to 39.
    let is_rooted = contents.first().is_some_and(|&octet| octet < 120);
    is_rooted && going_on == 0 && contents.len() <= 39
}

/// Where an `AlgorithmIdentifier` lies.
#[inline]
pub(crate) fn algorithm(reader: &mut DerReader<'_>) -> der::Result<Span> {
    let start = reader.place();
    reader.sequence(|algorithm| {
        identifier(algorithm)?;
        if !algorithm.is_finished() {
            algorithm.any()?;
        }
        Ok::<_, der::Error>(())
    })?;
    Ok(start..reader.place())
}

#[inline]
pub(crate) fn integer(reader: &mut DerReader<'_>) -> der::Result<Span> {
    let mut ahead = reader.clone();
    match element(reader, Tag::Integer) {
        Ok((whole, contents @ ([1..=0xfe, ..] | [0, 0x80..=0xff, ..]))) => {
            Ok(contents_of((whole, contents)))
        }
        // The decoder knows what else is in its shortest form.
        read => IntRef::decode(&mut ahead).and(read).map(contents_of),
    }
}

#[inline]
pub(crate) fn bit_string<'a>(reader: &mut DerReader<'a>) -> der::Result<BitStringRef<'a>> {
    match reader.clone().usual(0x03) {
        Some([0, octets @ ..]) => {
            reader.usual(0x03);
            BitStringRef::new(0, octets)
        }
        _ => BitStringRef::decode(reader),
    }
}

/// Where the octets of a BIT STRING lie, if it is of whole octets.
pub(crate) fn octets(reader: &mut DerReader<'_>) -> der::Result<Span> {
    let string = bit_string(reader)?;
    let octets = string.as_bytes().ok_or_else(|| Tag::BitString.value_error())?.len();
    let end = reader.place();
    Ok(end.saturating_sub(octets)..end)
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
            let ours = identifier(&mut DerReader::new(&der).unwrap());
            prop_assert_eq!(
                ours.map(<[u8]>::to_vec),
                theirs.map(|id: ObjectIdentifier| id.as_bytes().to_vec())
            );
        }
    }
}
