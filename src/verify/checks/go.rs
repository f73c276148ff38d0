//! What Go's crypto/x509 refuses when it reads a certificate, where this crate reads more.

use der::asn1::AnyRef;
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::{Subject, VerifyError};
use crate::certificate::Known;
use crate::certificate::general_name::GeneralName;
use crate::verify::names::uri;
use crate::verify::policy::Rule;

/// Go's `parseName` and `parseSANExtension`.
pub(super) fn readable(subject: &Subject<'_>) -> Result<(), VerifyError> {
    if !subject.terms.has(Rule::ReadableInGo) {
        return Ok(());
    }
    let certificate = subject.certificate;
    for name in [certificate.subject_der(), certificate.issuer_der()] {
        if !has_sound_strings(name).unwrap_or(false) {
            let found = "a name has a text with characters that its string type has not";
            return subject.breaks(Rule::ReadableInGo, found);
        }
    }
    let mut has_known_form = false;
    for name in certificate.general_names() {
        let is_readable = match name {
            GeneralName::Uri(text) => uri::is_readable_in_go(text),
            // An IPv4 address in IPv6's clothes.
            GeneralName::Ip(octets) => {
                octets.len() != 16
                    || !octets.starts_with(&[0; 10])
                    || octets.get(10..12) != Some(&[0xff; 2])
            }
            GeneralName::Dns(_) | GeneralName::Email(_) => true,
            GeneralName::Directory(_) | GeneralName::Other { .. } => continue,
        };
        has_known_form = true;
        if !is_readable {
            return subject.breaks(Rule::ReadableInGo, format!("it has the name {name:?}"));
        }
    }
    let is_unhandled = certificate.has_critical(Known::SubjectAlternativeName) && !has_known_form;
    subject.must(
        Rule::ReadableInGo,
        !is_unhandled,
        "its critical subjectAltName has no DNS name, IP address, e-mail address or URI",
    )
}

fn has_sound_strings(name_der: &[u8]) -> der::Result<bool> {
    let mut is_sound = true;
    let mut reader = SliceReader::new(name_der)?;
    reader.sequence(|parts| {
        while !parts.is_finished() {
            let mut part = SliceReader::new(AnyRef::decode(parts)?.value())?;
            while !part.is_finished() {
                part.sequence(|attribute| {
                    attribute.tlv_bytes()?;
                    is_sound &= is_sound_string(AnyRef::decode(attribute)?);
                    Ok::<_, der::Error>(())
                })?;
            }
        }
        Ok::<_, der::Error>(())
    })?;
    Ok(is_sound)
}

/// Go's `parseASN1String`: `*` and `&` are let pass in a PrintableString, as others write them.
fn is_sound_string(value: AnyRef<'_>) -> bool {
    let octets = value.value();
    match value.tag() {
        Tag::PrintableString => octets
            .iter()
            .all(|octet| octet.is_ascii_alphanumeric() || b" '()+,-./:=?*&".contains(octet)),
        Tag::Utf8String => std::str::from_utf8(octets).is_ok(),
        Tag::Ia5String => octets.is_ascii(),
        Tag::NumericString => octets.iter().all(|octet| octet.is_ascii_digit() || *octet == b' '),
        Tag::BmpString => {
            let (units, rest) = octets.as_chunks();
            rest.is_empty()
                && units.iter().copied().map(u16::from_be_bytes).all(
                    |unit| !matches!(unit, 0xfffe | 0xffff | 0xfdd0..=0xfdef | 0xd800..=0xdfff),
                )
        }
        _ => true,
    }
}
