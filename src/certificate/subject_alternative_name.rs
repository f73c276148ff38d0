//! The names that a certificate is for (RFC 5280 section 4.2.1.6), as values.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use der::{Decode, Encode, Tag, TagNumber};

use super::general_name::{GeneralName, GeneralNames};

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
    GeneralNames::from_der(der)?.map(SubjectAlternativeName::of).collect()
}

impl SubjectAlternativeName {
    pub(crate) fn of(name: GeneralName<'_>) -> der::Result<Self> {
        Ok(match name {
            GeneralName::Email(address) => Self::Email(address.to_owned()),
            GeneralName::Dns(name) => Self::Dns(name.to_owned()),
            GeneralName::Uri(uri) => Self::Uri(uri.to_owned()),
            GeneralName::Ip(octets) => Self::Ip(address(octets)?),
            GeneralName::Directory(name) => {
                let tag = Tag::ContextSpecific { constructed: true, number: TagNumber(4) };
                Self::Other { tag: 4, der: der::Any::new(tag, name)?.to_der()? }
            }
            GeneralName::Other { tag, der } => Self::Other { tag, der: der.to_vec() },
        })
    }
}

/// The address of 4 or 16 octets.
pub(crate) fn address(octets: &[u8]) -> der::Result<IpAddr> {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return Ok(octets.into());
    }
    if let Ok(octets) = <[u8; 16]>::try_from(octets) {
        return Ok(octets.into());
    }
    let tag = Tag::ContextSpecific { constructed: false, number: TagNumber(7) };
    Err(tag.length_error().into())
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
