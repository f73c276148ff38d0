//! What readers of certificates ask of the values in a name, found out while the name is checked.

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, IntRef};
use der::{Tag, Tagged};

use super::reader::{DerReader, ReadError};
use super::{Timestamp, named_bits};

/// What holds for every value in one or more names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributeValues {
    /// OpenSSL's `ASN1_PRINTABLE`, as far as it is text.
    pub(crate) are_text: bool,
    /// Go's `parseASN1String`.
    pub(crate) are_sound: bool,
}

impl AttributeValues {
    /// Of a name without attributes.
    pub(crate) const NONE: Self = Self { are_text: true, are_sound: true };

    /// Reads one more.
    #[inline]
    pub(super) fn and_next<E: ReadError>(
        &mut self,
        reader: &mut DerReader<'_, E>,
    ) -> Result<(), E> {
        // UTF8String, as nearly all are.
        if let Some(octets) = reader.usual(0x0c) {
            self.are_sound &= is_utf8(octets);
            return Ok(());
        }
        let value = reader.any()?;
        self.are_text &= is_text(value.tag());
        self.are_sound &= is_sound(value);
        Ok(())
    }
}

fn is_utf8(octets: &[u8]) -> bool {
    octets.is_ascii() || std::str::from_utf8(octets).is_ok()
}

fn is_text(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::NumericString
            | Tag::PrintableString
            | Tag::TeletexString
            | Tag::Ia5String
            | Tag::BmpString
            | Tag::Utf8String
    )
}

/// `*` and `&` are let pass in a PrintableString, as others write them.
fn is_sound(value: AnyRef<'_>) -> bool {
    let octets = value.value();
    match value.tag() {
        Tag::PrintableString => octets
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(octet)),
        Tag::Utf8String => is_utf8(octets),
        Tag::Ia5String => octets.is_ascii(),
        Tag::NumericString => octets.iter().all(|octet| octet.is_ascii_digit() || *octet == b' '),
        Tag::BmpString => {
            let (units, rest) = octets.as_chunks();
            rest.is_empty()
                && units.iter().copied().map(u16::from_be_bytes).all(
                    |unit| !matches!(unit, 0xfffe | 0xffff | 0xfdd0..=0xfdef | 0xd800..=0xdfff),
                )
        }
        // It parses numbers, bits, identifiers and times there too; a number has to fit 64 bits.
        Tag::Integer => octets.len() <= 8 && value.decode_as::<IntRef<'_>>().is_ok(),
        Tag::BitString => {
            value.decode_as::<BitStringRef<'_>>().is_ok_and(|bits| named_bits(&bits).is_ok())
        }
        Tag::ObjectIdentifier => value.decode_as::<ObjectIdentifier>().is_ok(),
        Tag::Boolean => matches!(octets, [0 | 0xff]),
        Tag::UtcTime => Timestamp::from_utc_time(octets).is_some(),
        Tag::GeneralizedTime => Timestamp::from_generalized_time(octets).is_some(),
        _ => true,
    }
}
