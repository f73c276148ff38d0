//! What lies in the extensions (RFC 5280 section 4.2.1) that have no file of their own, decoded.

use const_oid::ObjectIdentifier;
use der::asn1::{BitStringRef, IntRef, OctetStringRef};
use der::{Decode, Reader, Tag, TagMode, TagNumber};

use super::general_name::{GeneralName, GeneralNames};
use super::reader::DerReader;
use super::{
    BasicConstraints, KeyUsage, Span, bit_string, contents_of, identifier, tagged_element,
};

pub(super) fn basic_constraints(der: &[u8]) -> der::Result<BasicConstraints> {
    let mut reader = DerReader::new(der)?;
    let constraints = reader.sequence(|constraints| {
        let is_ca = constraints.optional_boolean()?.unwrap_or(false);
        // A path longer than 255 certificates is verified by nobody.
        let path_len = Option::<u64>::decode(constraints)?
            .map(|length| u8::try_from(length).unwrap_or(u8::MAX));
        Ok::<_, der::Error>(BasicConstraints { is_ca, path_len })
    })?;
    reader.finish()?;
    Ok(constraints)
}

/// Checks an `ExtKeyUsageSyntax`: at least one purpose.
pub(super) fn check_purposes(der: &[u8]) -> der::Result<()> {
    let mut reader = DerReader::new(der)?;
    let mut count = 0_usize;
    reader.sequence(|purposes| {
        while !purposes.is_finished() {
            identifier(purposes)?;
            count += 1;
        }
        Ok::<_, der::Error>(())
    })?;
    reader.finish()?;
    match count {
        0 => Err(Tag::Sequence.length_error().into()),
        _ => Ok(()),
    }
}

pub(super) fn octet_string(der: &[u8]) -> der::Result<&[u8]> {
    let mut reader = DerReader::new(der)?;
    let octets = match reader.usual(0x04) {
        Some(octets) => octets,
        None => <&OctetStringRef>::decode(&mut reader)?.as_bytes(),
    };
    reader.finish()?;
    Ok(octets)
}

pub(super) fn key_usage(der: &[u8]) -> der::Result<KeyUsage> {
    let mut reader = DerReader::new(der)?;
    let bits = bit_string(&mut reader)?;
    reader.finish()?;
    named_bits(&bits)?;
    let set = (0..9).filter(|&bit| bits.get(bit) == Some(true));
    Ok(KeyUsage::of_bits(set))
}

/// Checks a list of named bits: what fills up its last octet is zero (X.690 section 11.2.1), or
/// readers differ on what they see.
pub(crate) fn named_bits(bits: &BitStringRef<'_>) -> der::Result<()> {
    let padding = (1_u8 << bits.unused_bits()) - 1;
    match bits.raw_bytes().last() {
        Some(last) if last & padding != 0 => Err(Tag::BitString.value_error().into()),
        _ => Ok(()),
    }
}

/// What is used of an `AuthorityKeyIdentifier`.
pub(crate) struct AuthorityKeyIdentifier {
    /// Where in the extension's value the key identifier's octets lie.
    pub(crate) key: Option<Span>,
    /// Contents of `authorityCertIssuer`, a `GeneralNames`.
    pub(super) issuer: Option<Span>,
    /// Contents of `authorityCertSerialNumber`.
    pub(super) serial_number: Option<Span>,
}

impl AuthorityKeyIdentifier {
    pub(crate) fn from_der(der: &[u8]) -> der::Result<Self> {
        let mut reader = DerReader::new(der)?;
        let identifier = reader.sequence(|fields| {
            let identifier = match fields.usual(0x80) {
                Some(identifier) => Some(identifier),
                None => fields
                    .context_specific::<&OctetStringRef>(TagNumber(0), TagMode::Implicit)?
                    .map(OctetStringRef::as_bytes),
            };
            let end = fields.place();
            let key = identifier.map(|octets| end.saturating_sub(octets.len())..end);
            let issuer = tagged_element(fields, 1, true)?;
            if let Some((_, names)) = &issuer {
                GeneralNames::checked(names)?;
            }
            let serial_number = tagged_element(fields, 2, false)?;
            // The shortest encoding of an INTEGER, whose tag is implied.
            if let Some((_, serial)) = &serial_number {
                IntRef::new(serial)?;
                if serial.is_empty() {
                    return Err(Tag::Integer.length_error().into());
                }
            }
            let (issuer, serial_number) = (issuer.map(contents_of), serial_number.map(contents_of));
            Ok::<_, der::Error>(Self { key, issuer, serial_number })
        })?;
        reader.finish()?;
        Ok(identifier)
    }
}

/// Checks an `AuthorityInfoAccessSyntax`: at least one description. Nothing is fetched from there.
pub(super) fn access_descriptions(der: &[u8]) -> der::Result<()> {
    let mut reader = DerReader::new(der)?;
    reader.sequence(|descriptions| {
        if descriptions.is_finished() {
            return Err(der::Error::from(Tag::Sequence.length_error()));
        }
        while !descriptions.is_finished() {
            descriptions.sequence(|description| {
                let _method: ObjectIdentifier = Decode::decode(description)?;
                GeneralName::decode(description).map(drop)
            })?;
        }
        Ok(())
    })?;
    reader.finish()
}
