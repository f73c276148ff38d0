//! What lies in the extensions (RFC 5280 section 4.2.1) that have no file of their own, decoded.

use const_oid::ObjectIdentifier;
use der::asn1::{BitStringRef, IntRef, OctetStringRef};
use der::{Decode, Tag, TagMode, TagNumber};

use super::general_name::{GeneralName, GeneralNames};
use super::reader::{DerReader, ReadError};
use super::{
    BasicConstraints, KeyUsage, Purposes, Span, bit_string, identifier, oid, tagged_contents,
};

pub(super) fn basic_constraints<E: ReadError>(der: &[u8]) -> Result<BasicConstraints, E> {
    let mut reader = DerReader::<E>::failing_with(der)?;
    let constraints = reader.sequence(|constraints| {
        let is_ca = constraints.optional_boolean()?.unwrap_or(false);
        if constraints.is_finished() {
            return Ok(BasicConstraints { is_ca, path_len: None });
        }
        let mut ahead = constraints.clone();
        let path_len = match ahead.usual(0x02) {
            Some(&[length @ ..=0x7f]) => {
                *constraints = ahead;
                Some(length)
            }
            // A path longer than 255 certificates is verified by nobody.
            _ => E::read_on(constraints, Option::<u64>::decode)?
                .map(|length| u8::try_from(length).unwrap_or(u8::MAX)),
        };
        Ok::<_, E>(BasicConstraints { is_ca, path_len })
    })?;
    reader.finish()?;
    Ok(constraints)
}

/// Reads an `ExtKeyUsageSyntax`: at least one purpose.
pub(super) fn purposes<E: ReadError>(der: &[u8]) -> Result<Purposes, E> {
    let mut reader = DerReader::<E>::failing_with(der)?;
    let purposes = reader.sequence(|list| {
        let mut purposes = Purposes::default();
        if list.is_finished() {
            return Err(der::Error::from(Tag::Sequence.length_error()).into());
        }
        while !list.is_finished() {
            let id = identifier(list)?;
            purposes.server_auth |= id == oid::ID_KP_SERVER_AUTH.as_bytes();
            purposes.client_auth |= id == oid::ID_KP_CLIENT_AUTH.as_bytes();
            purposes.any |= id == oid::ANY_EXTENDED_KEY_USAGE.as_bytes();
        }
        Ok::<_, E>(purposes)
    })?;
    reader.finish()?;
    Ok(purposes)
}

pub(super) fn octet_string<E: ReadError>(der: &[u8]) -> Result<&[u8], E> {
    let mut reader = DerReader::<E>::failing_with(der)?;
    let octets = match reader.usual(0x04) {
        Some(octets) => octets,
        None => E::read_on(&mut reader, <&OctetStringRef>::decode)?.as_bytes(),
    };
    reader.finish()?;
    Ok(octets)
}

pub(super) fn key_usage<E: ReadError>(der: &[u8]) -> Result<KeyUsage, E> {
    let mut reader = DerReader::<E>::failing_with(der)?;
    let bits = bit_string(&mut reader)?;
    reader.finish()?;
    named_bits(&bits)?;
    Ok(KeyUsage::of_octets(bits.raw_bytes()))
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

/// What is used of an `AuthorityKeyIdentifier`: where it lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct AuthorityKeyIdentifier {
    /// The key identifier's octets.
    pub(crate) key: Option<Span>,
    /// Contents of `authorityCertIssuer`, a `GeneralNames`.
    pub(super) issuer: Option<Span>,
    /// Contents of `authorityCertSerialNumber`.
    pub(super) serial_number: Option<Span>,
}

impl AuthorityKeyIdentifier {
    pub(super) const NONE: Self = Self { key: None, issuer: None, serial_number: None };

    /// Of an extension's value, which lies at `place`.
    pub(crate) fn from_der<E: ReadError>(der: &[u8], place: Span) -> Result<Self, E> {
        let mut reader = DerReader::<E>::failing_with(der)?;
        let identifier = reader.sequence(|fields| {
            let key = match fields.usual(0x80) {
                Some(identifier) => Some(identifier.len()),
                None => fields
                    .context_specific::<&OctetStringRef>(TagNumber(0), TagMode::Implicit)?
                    .map(|identifier| identifier.as_bytes().len()),
            };
            let end = fields.place();
            let key = key.map(|length| Span::new(end.saturating_sub(length), end));
            let issuer = tagged_contents(fields, 1, true)?;
            if let Some((_, names)) = issuer {
                GeneralNames::checked(names)?;
            }
            let serial_number = tagged_contents(fields, 2, false)?;
            // The shortest encoding of an INTEGER, whose tag is implied.
            if let Some((_, serial)) = serial_number {
                IntRef::new(serial)?;
                if serial.is_empty() {
                    return Err(der::Error::from(Tag::Integer.length_error()).into());
                }
            }
            let within = |span: Span| span.within(place);
            Ok::<_, E>(Self {
                key: key.map(within),
                issuer: issuer.map(|(span, _)| within(span)),
                serial_number: serial_number.map(|(span, _)| within(span)),
            })
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
