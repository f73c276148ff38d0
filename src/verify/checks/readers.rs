//! What Go and OpenSSL refuse when they read a certificate, where this crate reads more.

use std::net::IpAddr;

use super::{Checked, Subject};
use crate::certificate::Known;
use crate::certificate::general_name::{Forms, GeneralName};
use crate::verify::names::uri;
use crate::verify::rule::Rule;
use crate::verify::signature::{ED25519_POINT, PublicKey, RSA_PARAMETERS, SignatureError};

/// Go's `parseName` and `parseSANExtension`.
#[inline(always)]
pub(super) fn go(subject: &Subject<'_>) -> Checked {
    let certificate = subject.certificate;
    let has_names_to_read = !certificate.attribute_values().are_sound
        || certificate.forms_of_names().has_any_of(Forms::URI.or(Forms::IP))
        || certificate.has(Known::NameConstraints);
    match has_names_to_read && subject.terms.has(Rule::ReadableInGo) {
        true => names_in_go(subject),
        false => Ok(()),
    }
}

fn names_in_go(subject: &Subject<'_>) -> Checked {
    let certificate = subject.certificate;
    if !certificate.attribute_values().are_sound {
        let found = "a name has a text with characters that its string type has not";
        return subject.breaks(Rule::ReadableInGo, found);
    }
    if let Some(name) = certificate.general_names().find(|name| !is_readable_name(name)) {
        return subject.breaks(Rule::ReadableInGo, format!("it has the name {name:?}"));
    }
    if let Some(constraints) = certificate.name_constraints()
        && let Some(base) =
            constraints.permitted.chain(constraints.excluded).find(|base| !is_readable_base(base))
    {
        return subject.breaks(Rule::ReadableInGo, format!("it has the name constraint {base:?}"));
    }
    Ok(())
}

fn is_readable_name(name: &GeneralName<'_>) -> bool {
    match name {
        GeneralName::Uri(text) => uri::is_readable_in_go(text),
        // An IPv4 address in IPv6's clothes.
        GeneralName::Ip(octets) => {
            octets.len() != 16
                || !octets.starts_with(&[0; 10])
                || octets.get(10..12) != Some(&[0xff; 2])
        }
        _ => true,
    }
}

/// Go's `processExtensions`: what must not be critical for a certificate to be read at all.
pub(super) fn critical_in_go(subject: &Subject<'_>) -> Checked {
    const EXTENSIONS: &[Known] = &[
        Known::AuthorityKeyIdentifier,
        Known::SubjectKeyIdentifier,
        Known::AuthorityInformationAccess,
    ];
    match subject.certificate.critical_of(EXTENSIONS) {
        None => Ok(()),
        Some(extension) => {
            let found = format!("its {} is critical", extension.name());
            subject.breaks(Rule::PresentedAreReadable, found)
        }
    }
}

/// What Go reads and does not handle, which it refuses in a path.
pub(super) fn handled_in_go(subject: &Subject<'_>) -> Checked {
    let certificate = subject.certificate;
    let is_handled = !certificate.has_critical(Known::SubjectAlternativeName)
        || certificate.forms_of_names().has_any_of(Forms::OF_THE_WEB);
    subject.must(
        Rule::ReadableInGo,
        is_handled,
        "its critical subjectAltName has no DNS name, IP address, e-mail address or URI",
    )
}

/// A key that Go's `parsePublicKey` and `checkKeySize` let pass. Keys of other kinds than this crate's
/// are let pass too: Go reads certificates with keys that it does not know.
pub(super) fn key_in_go(subject: &Subject<'_>) -> Checked {
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
#[inline(always)]
pub(super) fn text_in_names(subject: &Subject<'_>) -> Checked {
    let holds = subject.certificate.attribute_values().are_text;
    subject.must(Rule::TextInNames, holds, "a name has an attribute that is no text")
}
