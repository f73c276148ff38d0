//! Certificate extensions (RFC 5280 section 4.2): found and checked when a certificate is parsed.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::ops::BitOr;
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, BitStringRef, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagMode, TagNumber, Tagged};

use super::{CertificateError, InField, Span, contents_of, element};

/// Object identifiers that this crate processes.
pub(crate) mod oid {
    pub(crate) use const_oid::db::rfc5280::{
        ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_BASIC_CONSTRAINTS, ID_CE_EXT_KEY_USAGE,
        ID_CE_KEY_USAGE, ID_CE_NAME_CONSTRAINTS, ID_CE_SUBJECT_ALT_NAME,
        ID_CE_SUBJECT_KEY_IDENTIFIER, ID_KP_CLIENT_AUTH, ID_KP_SERVER_AUTH,
    };
}

/// The extension that says whether the subject is a CA (RFC 5280 section 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The `cA` boolean.
    pub is_ca: bool,
    /// How many intermediate certificates may follow this one in a path.
    pub path_len: Option<u8>,
}

/// The bits of the key usage extension (RFC 5280 section 4.2.1.3).
///
/// ```
/// use private_ca::KeyUsage;
///
/// let usage = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT;
/// assert!(usage.contains(KeyUsage::DIGITAL_SIGNATURE));
/// assert_eq!(usage.to_string(), "digitalSignature, keyEncipherment");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Signatures other than those on certificates and CRLs: what TLS needs.
    pub const DIGITAL_SIGNATURE: Self = Self(1 << 0);
    /// Signatures that are kept as evidence.
    pub const CONTENT_COMMITMENT: Self = Self(1 << 1);
    /// Encrypting keys: RSA key exchange in TLS 1.2.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Encrypting data itself.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Key agreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Signing certificates.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// Signing revocation lists.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// With key agreement: only to encipher.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// With key agreement: only to decipher.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "contentCommitment",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Whether every bit of `other` is set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for KeyUsage {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = (0..).zip(Self::NAMES).filter(|(bit, _)| self.0 >> bit & 1 == 1);
        for (index, (_, name)) in names.enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// A name of the subject (RFC 5280 section 4.2.1.6).
///
/// As text it has its kind before it, as OpenSSL writes it; a text without a kind is a DNS name,
/// an IP address or, with an `@`, an e-mail address:
///
/// ```
/// use private_ca::SubjectAlternativeName;
///
/// let name: SubjectAlternativeName = "worker.acme.internal".parse()?;
/// assert_eq!(name.to_string(), "DNS:worker.acme.internal");
/// # Ok::<(), private_ca::certificate::SubjectAlternativeNameError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SubjectAlternativeName {
    /// A DNS name in ASCII (A-labels), possibly with a wildcard as its first label.
    Dns(String),
    /// An IP address.
    Ip(IpAddr),
    /// An e-mail address (rfc822Name).
    Email(String),
    /// A URI, a SPIFFE id for example.
    Uri(String),
    /// Another form, as its context-specific tag number in `GeneralName` and its DER.
    Other {
        /// The tag number in `GeneralName`.
        tag: u32,
        /// The whole element.
        der: Vec<u8>,
    },
}

/// A text is no name that a certificate can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" cannot be a subject alternative name: {rule}")]
#[non_exhaustive]
pub struct SubjectAlternativeNameError {
    /// The text that was given.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl SubjectAlternativeName {
    /// A DNS name, checked against RFC 1034's preferred syntax, with `_` allowed and a wildcard
    /// (`*`) as a whole first label.
    ///
    /// # Errors
    /// [`SubjectAlternativeNameError`] with the rule that is broken.
    pub fn dns(name: &str) -> Result<Self, SubjectAlternativeNameError> {
        let error = |rule| SubjectAlternativeNameError { text: name.to_owned(), rule };
        if !name.is_ascii() {
            return Err(error("a DNS name outside ASCII is written in its xn-- form"));
        }
        if name.parse::<IpAddr>().is_ok() {
            return Err(error("it is an IP address, which is a name of another kind (IP:)"));
        }
        if name.len() > 253 {
            return Err(error("a DNS name has at most 253 characters"));
        }
        let labels = name.strip_prefix("*.").unwrap_or(name);
        let valid_label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if !labels.split('.').all(valid_label) {
            return Err(error(
                "a DNS name is labels of letters, digits and hyphens with dots between, with * as its whole first label or not at all",
            ));
        }
        Ok(Self::Dns(name.to_owned()))
    }
}

impl SubjectAlternativeName {
    /// Whether a CA may write this name, wherever it came from: the rules of the text form, and no
    /// form that nobody here can judge.
    ///
    /// # Errors
    /// [`SubjectAlternativeNameError`] with the rule that is broken.
    pub fn check(&self) -> Result<(), SubjectAlternativeNameError> {
        let error = |rule| SubjectAlternativeNameError { text: self.to_string(), rule };
        let printable = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        match self {
            Self::Dns(name) => Self::dns(name).map(drop),
            Self::Ip(_) => Ok(()),
            Self::Email(text) | Self::Uri(text) if printable(text) => Ok(()),
            Self::Email(_) | Self::Uri(_) => {
                Err(error("it has to be printable ASCII without blanks"))
            }
            Self::Other { .. } => Err(error("only DNS, IP, e-mail and URI names are issued")),
        }
    }
}

impl FromStr for SubjectAlternativeName {
    type Err = SubjectAlternativeNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |rule| SubjectAlternativeNameError { text: text.to_owned(), rule };
        let text_of_kind = |value: &str| -> Result<String, Self::Err> {
            let graphic = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
            graphic
                .then(|| value.to_owned())
                .ok_or_else(|| error("it has to be printable ASCII without blanks"))
        };
        match text.split_once(':') {
            Some(("DNS", name)) => Self::dns(name),
            Some(("IP", address)) => address
                .parse()
                .map(Self::Ip)
                .map_err(|_| error("after IP: comes an IPv4 or IPv6 address")),
            Some(("email", address)) => text_of_kind(address).map(Self::Email),
            Some(("URI", uri)) => text_of_kind(uri).map(Self::Uri),
            _ => match text.parse() {
                Ok(address) => Ok(Self::Ip(address)),
                Err(_) if text.contains("://") => text_of_kind(text).map(Self::Uri),
                Err(_) if text.contains('@') => text_of_kind(text).map(Self::Email),
                Err(_) => Self::dns(text),
            },
        }
    }
}

impl fmt::Display for SubjectAlternativeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{}", Quoted(name)),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Email(address) => write!(f, "email:{}", Quoted(address)),
            Self::Uri(uri) => write!(f, "URI:{}", Quoted(uri)),
            Self::Other { tag, der } => write!(f, "[{tag}]:{:x}", base16ct::HexDisplay(der)),
        }
    }
}

/// A name as it is; in quotes and escaped if it could be taken for several, or for none.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| byte.is_ascii_graphic() && !b",\"\\".contains(&byte);
        match self.0.is_empty() || !self.0.bytes().all(plain) {
            false => f.write_str(self.0),
            true => write!(f, "{:?}", self.0),
        }
    }
}

/// Reads the DER of a `SubjectAltName`.
pub(crate) fn decode_subject_alternative_names(
    der: &[u8],
) -> der::Result<Vec<SubjectAlternativeName>> {
    let mut reader = SliceReader::new(der)?;
    let names = reader.sequence(|names| {
        let mut found = Vec::new();
        while !names.is_finished() {
            found.push(general_name(names)?);
        }
        Ok::<_, der::Error>(found)
    })?;
    reader.finish()?;
    Ok(names)
}

fn general_name(reader: &mut SliceReader<'_>) -> der::Result<SubjectAlternativeName> {
    let whole = reader.clone().tlv_bytes()?.to_vec();
    let any = AnyRef::decode(reader)?;
    let tag = any.tag();
    let Tag::ContextSpecific { number, constructed } = tag else {
        return Err(tag.unexpected_error(None).into());
    };
    // Strings and octets: DER has them primitive, and readers differ on what else they see there.
    if constructed && [1, 2, 6, 7].contains(&number.value()) {
        return Err(tag.unexpected_error(None).into());
    }
    let ia5 = || {
        let text = std::str::from_utf8(any.value()).ok().filter(|text| text.is_ascii());
        text.map(str::to_owned).ok_or_else(|| der::Error::from(tag.value_error()))
    };
    Ok(match number.value() {
        1 => SubjectAlternativeName::Email(ia5()?),
        2 => SubjectAlternativeName::Dns(ia5()?),
        6 => SubjectAlternativeName::Uri(ia5()?),
        7 => SubjectAlternativeName::Ip(if let Ok(octets) = <[u8; 4]>::try_from(any.value()) {
            octets.into()
        } else if let Ok(octets) = <[u8; 16]>::try_from(any.value()) {
            octets.into()
        } else {
            return Err(tag.value_error().into());
        }),
        number => SubjectAlternativeName::Other { tag: number, der: whole },
    })
}

/// What the extensions of one certificate say; spans lie in its DER.
#[derive(Clone, Default)]
pub(crate) struct Extensions {
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<KeyUsage>,
    /// DER of the `ExtKeyUsageSyntax`.
    pub(crate) extended_key_usage: Option<Span>,
    /// DER of the `SubjectAltName`.
    pub(crate) subject_alternative_names: Option<Span>,
    /// The identifier's octets.
    pub(crate) subject_key_identifier: Option<Span>,
    /// The identifier's octets.
    pub(crate) authority_key_identifier: Option<Span>,
    /// Whether there are name constraints, critical or not.
    pub(crate) has_name_constraints: bool,
    /// The first critical extension that is not processed.
    pub(crate) unknown_critical: Option<ObjectIdentifier>,
}

impl Extensions {
    /// Reads the optional `[3] EXPLICIT Extensions` at the end of a `TBSCertificate`.
    pub(super) fn parse(tbs: &mut SliceReader<'_>) -> Result<Self, CertificateError> {
        let mut extensions = Self::default();
        if tbs.is_finished() {
            return Ok(extensions);
        }
        let explicit = Tag::ContextSpecific { constructed: true, number: TagNumber(3) };
        let header = der::Header::peek(tbs).in_field("extensions")?;
        header.tag().assert_eq(explicit).in_field("extensions")?;
        der::Header::decode(tbs).in_field("extensions")?;
        tbs.read_nested(header.length(), |explicit| {
            explicit.sequence(|sequence| {
                let mut seen = BTreeSet::new();
                while !sequence.is_finished() {
                    sequence.sequence(|extension| extensions.read_one(extension, &mut seen))?;
                }
                Ok::<_, CertificateError>(())
            })
        })?;
        Ok(extensions)
    }

    fn read_one(
        &mut self,
        extension: &mut SliceReader<'_>,
        seen: &mut BTreeSet<ObjectIdentifier>,
    ) -> Result<(), CertificateError> {
        let id = ObjectIdentifier::decode(extension).in_field("extension")?;
        if !seen.insert(id) {
            return Err(CertificateError::DuplicateExtension { oid: id });
        }
        let critical = Option::<bool>::decode(extension).in_field("extension's critical")?;
        let element = element(extension, Tag::OctetString).in_field("extension's extnValue")?;
        let (contents, span) = (element.1, contents_of(element));
        match id {
            oid::ID_CE_BASIC_CONSTRAINTS => {
                self.basic_constraints =
                    Some(basic_constraints(contents).in_field("basicConstraints")?);
            }
            oid::ID_CE_KEY_USAGE => {
                self.key_usage = Some(key_usage(contents).in_field("keyUsage")?);
            }
            oid::ID_CE_EXT_KEY_USAGE => {
                let purposes: Vec<ObjectIdentifier> =
                    Vec::from_der(contents).in_field("extKeyUsage")?;
                if purposes.is_empty() {
                    return Err(Tag::Sequence.length_error().into()).in_field("extKeyUsage");
                }
                self.extended_key_usage = Some(span);
            }
            oid::ID_CE_SUBJECT_ALT_NAME => {
                decode_subject_alternative_names(contents).in_field("subjectAltName")?;
                self.subject_alternative_names = Some(span);
            }
            oid::ID_CE_SUBJECT_KEY_IDENTIFIER => {
                let identifier =
                    <&OctetStringRef>::from_der(contents).in_field("subjectKeyIdentifier")?;
                self.subject_key_identifier =
                    Some(span.end.saturating_sub(identifier.as_bytes().len())..span.end);
            }
            oid::ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                self.authority_key_identifier = authority_key_identifier(contents)
                    .in_field("authorityKeyIdentifier")?
                    .map(|(start, end)| span.start + start..span.start + end);
            }
            id => {
                self.has_name_constraints |= id == oid::ID_CE_NAME_CONSTRAINTS;
                if critical == Some(true) {
                    self.unknown_critical.get_or_insert(id);
                }
            }
        }
        Ok(())
    }
}

fn basic_constraints(der: &[u8]) -> der::Result<BasicConstraints> {
    let mut reader = SliceReader::new(der)?;
    let constraints = reader.sequence(|constraints| {
        let is_ca = Option::<bool>::decode(constraints)?.unwrap_or(false);
        // A path longer than 255 certificates is verified by nobody.
        let path_len = Option::<u64>::decode(constraints)?
            .map(|length| u8::try_from(length).unwrap_or(u8::MAX));
        Ok::<_, der::Error>(BasicConstraints { is_ca, path_len })
    })?;
    reader.finish()?;
    Ok(constraints)
}

fn key_usage(der: &[u8]) -> der::Result<KeyUsage> {
    let bits = BitStringRef::from_der(der)?;
    let set = (0..9).filter(|&bit| bits.get(bit) == Some(true));
    Ok(KeyUsage(set.fold(0, |usage, bit| usage | 1 << bit)))
}

/// Where in the extension's value the key identifier's octets lie.
fn authority_key_identifier(der: &[u8]) -> der::Result<Option<(usize, usize)>> {
    let mut reader = SliceReader::new(der)?;
    let identifier = reader.sequence(|fields| {
        let identifier =
            fields.context_specific::<&OctetStringRef>(TagNumber(0), TagMode::Implicit)?;
        let place = match identifier {
            None => None,
            Some(identifier) => {
                let end = usize::try_from(fields.position())?;
                Some((end.saturating_sub(identifier.as_bytes().len()), end))
            }
        };
        while !fields.is_finished() {
            fields.tlv_bytes()?;
        }
        Ok::<_, der::Error>(place)
    })?;
    reader.finish()?;
    Ok(identifier)
}

/// The DER of a `SubjectAltName`.
pub(crate) fn encode_subject_alternative_names(
    names: &[SubjectAlternativeName],
) -> der::Result<Vec<u8>> {
    names.iter().map(to_general_name).collect::<der::Result<Vec<_>>>()?.to_der()
}

fn to_general_name(name: &SubjectAlternativeName) -> der::Result<der::Any> {
    let context = |number: u32, value: &[u8]| {
        let tag = Tag::ContextSpecific { constructed: false, number: TagNumber(number) };
        der::Any::new(tag, value)
    };
    match name {
        SubjectAlternativeName::Email(address) => context(1, address.as_bytes()),
        SubjectAlternativeName::Dns(name) => context(2, name.as_bytes()),
        SubjectAlternativeName::Uri(uri) => context(6, uri.as_bytes()),
        SubjectAlternativeName::Ip(IpAddr::V4(address)) => context(7, &address.octets()),
        SubjectAlternativeName::Ip(IpAddr::V6(address)) => context(7, &address.octets()),
        SubjectAlternativeName::Other { der, .. } => der::Any::from_der(der),
    }
}
