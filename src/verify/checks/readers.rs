//! What Go and OpenSSL refuse when they read a certificate, where this crate reads more.

use std::net::IpAddr;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, IntRef};
use der::{Decode, Reader, SliceReader, Tag, Tagged};

use super::{Subject, VerifyError};
use crate::certificate::general_name::GeneralName;
use crate::certificate::{Known, Timestamp, named_bits};
use crate::verify::names::uri;
use crate::verify::rule::Rule;
use crate::verify::signature::{ED25519_POINT, PublicKey, RSA_PARAMETERS, SignatureError};

/// Go's `parseName` and `parseSANExtension`.
pub(super) fn go(subject: &Subject<'_>) -> Result<(), VerifyError> {
    if !subject.terms.has(Rule::ReadableInGo) {
        return Ok(());
    }
    let certificate = subject.certificate;
    for name in [certificate.subject_der(), certificate.issuer_der()] {
        if !all_attributes(name, is_sound_string).unwrap_or(false) {
            let found = "a name has a text with characters that its string type has not";
            return subject.breaks(Rule::ReadableInGo, found);
        }
    }
    for name in certificate.general_names() {
        let is_readable = match name {
            GeneralName::Uri(text) => uri::is_readable_in_go(text),
            // An IPv4 address in IPv6's clothes.
            GeneralName::Ip(octets) => {
                octets.len() != 16
                    || !octets.starts_with(&[0; 10])
                    || octets.get(10..12) != Some(&[0xff; 2])
            }
            _ => true,
        };
        if !is_readable {
            return subject.breaks(Rule::ReadableInGo, format!("it has the name {name:?}"));
        }
    }
    if let Some(constraints) = certificate.name_constraints()
        && let Some(base) =
            constraints.permitted.chain(constraints.excluded).find(|base| !is_readable_base(base))
    {
        return subject.breaks(Rule::ReadableInGo, format!("it has the name constraint {base:?}"));
    }
    Ok(())
}

/// Go's `processExtensions`: what must not be critical for a certificate to be read at all.
pub(super) fn critical_in_go(subject: &Subject<'_>) -> Result<(), VerifyError> {
    let mut extensions = [
        Known::AuthorityKeyIdentifier,
        Known::SubjectKeyIdentifier,
        Known::AuthorityInformationAccess,
    ]
    .into_iter();
    match extensions.find(|&extension| subject.certificate.has_critical(extension)) {
        None => Ok(()),
        Some(extension) => {
            let found = format!("its {} is critical", extension.name());
            subject.breaks(Rule::PresentedAreReadable, found)
        }
    }
}

/// What Go reads and does not handle, which it refuses in a path.
pub(super) fn handled_in_go(subject: &Subject<'_>) -> Result<(), VerifyError> {
    let certificate = subject.certificate;
    let is_known = |name: GeneralName<'_>| {
        !matches!(name, GeneralName::Directory(_) | GeneralName::Other { .. })
    };
    let is_handled = !certificate.has_critical(Known::SubjectAlternativeName)
        || certificate.general_names().any(is_known);
    subject.must(
        Rule::ReadableInGo,
        is_handled,
        "its critical subjectAltName has no DNS name, IP address, e-mail address or URI",
    )
}

/// A key that Go's `parsePublicKey` and `checkKeySize` let pass. Keys of other kinds than this crate's
/// are let pass too: Go reads certificates with keys that it does not know.
pub(super) fn key_in_go(subject: &Subject<'_>) -> Result<(), VerifyError> {
    if !subject.terms.has(Rule::ReadableInGo) {
        return Ok(());
    }
    let Err(error) = PublicKey::from_spki_der(subject.certificate.public_key_der()) else {
        return Ok(());
    };
    let is_unreadable = match &error {
        SignatureError::MalformedKey(_)
        | SignatureError::UnknownCurve { .. }
        | SignatureError::ExplicitCurve => true,
        // What numbers an RSA or Ed25519 key has, Go asks where it uses the key.
        SignatureError::InvalidKey { algorithm, rule } => match *algorithm {
            "RSA" => *rule == RSA_PARAMETERS,
            "Ed25519" => *rule != ED25519_POINT,
            _ => true,
        },
        SignatureError::RsaKeySize { bits } => *bits > 8192,
        _ => false,
    };
    match is_unreadable {
        true => subject.breaks(Rule::ReadableInGo, error.to_string()),
        false => Ok(()),
    }
}

/// Go's `domainNameValid`, with constraint set.
fn is_readable_base(base: &GeneralName<'_>) -> bool {
    let is_domain = |name: &str| {
        let labels = name.strip_prefix('.').unwrap_or(name);
        name.is_empty()
            || labels.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_graphic())
            })
    };
    match base {
        GeneralName::Dns(name) => is_domain(name),
        GeneralName::Uri(host) => is_domain(host) && host.parse::<IpAddr>().is_err(),
        GeneralName::Email(base) => match base.rsplit_once('@') {
            Some((mailbox, host)) => {
                !mailbox.is_empty() && !host.starts_with('.') && is_domain(host)
            }
            None => is_domain(base),
        },
        _ => true,
    }
}

/// OpenSSL's `ASN1_PRINTABLE`, as far as it is text.
pub(super) fn text_in_names(subject: &Subject<'_>) -> Result<(), VerifyError> {
    if !subject.terms.has(Rule::TextInNames) {
        return Ok(());
    }
    let is_text = |value: AnyRef<'_>| {
        matches!(
            value.tag(),
            Tag::NumericString
                | Tag::PrintableString
                | Tag::TeletexString
                | Tag::Ia5String
                | Tag::BmpString
                | Tag::Utf8String
        )
    };
    for name in [subject.certificate.subject_der(), subject.certificate.issuer_der()] {
        if !all_attributes(name, is_text).unwrap_or(false) {
            return subject.breaks(Rule::TextInNames, "a name has an attribute that is no text");
        }
    }
    Ok(())
}

/// Whether something holds for the values of all attributes of a name.
fn all_attributes(name_der: &[u8], holds: impl Fn(AnyRef<'_>) -> bool) -> der::Result<bool> {
    let mut all = true;
    let mut reader = SliceReader::new(name_der)?;
    reader.sequence(|parts| {
        while !parts.is_finished() {
            let mut part = SliceReader::new(AnyRef::decode(parts)?.value())?;
            while !part.is_finished() {
                part.sequence(|attribute| {
                    attribute.tlv_bytes()?;
                    all &= holds(AnyRef::decode(attribute)?);
                    Ok::<_, der::Error>(())
                })?;
            }
        }
        Ok::<_, der::Error>(())
    })?;
    Ok(all)
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
