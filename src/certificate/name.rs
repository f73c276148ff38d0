//! Distinguished names.

use std::fmt;
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc4519::COMMON_NAME;
use der::asn1::{PrintableStringRef, SetOfVec};
use der::{Decode, Encode, Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::{RdnSequence, RelativeDistinguishedName};

use super::attribute_values::AttributeValues;
use super::identifier;
use super::reader::{DerReader, ReadError};
use crate::marks::is_mark;

/// An X.501 distinguished name (RFC 5280 section 4.1.2.4), kept in the encoding it came in.
///
/// It is read and written as comma-separated `attribute=value` pairs *in the order of the
/// encoding*, as `openssl x509 -subject` prints them: `C=DE,O=Acme,CN=Acme Root`. (RFC 4514, whose
/// escapes are used, writes the reverse order.) Attributes may repeat, as in `DC=example,DC=com`.
///
/// ```
/// use private_ca::DistinguishedName;
///
/// let name: DistinguishedName = "O=Acme\\, Inc.,CN=worker-1".parse()?;
/// assert_eq!(name.common_name().as_deref(), Some("worker-1"));
/// # Ok::<(), private_ca::certificate::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct DistinguishedName {
    der: Vec<u8>,
}

/// A text cannot be encoded as a distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// A part is not of the form `attribute=value`.
    #[error(
        "\"{part}\" in a distinguished name is not of the form ATTRIBUTE=VALUE; write it like \"O=Acme,CN=worker\", with \\ before a comma that belongs to a value"
    )]
    NoAttribute {
        /// The part as it was given.
        part: String,
    },
    /// An attribute's name is none that is known, and no dotted object identifier.
    #[error(
        "\"{attribute}\" is no attribute of a distinguished name; known are C, ST, L, STREET, O, OU, CN, DC, UID, SERIALNUMBER, GN, SN, TITLE, EMAILADDRESS, and object identifiers such as 2.5.4.3"
    )]
    UnknownAttribute {
        /// The attribute's name as it was given.
        attribute: String,
    },
    /// A value is empty, too long, or has characters that its attribute does not allow.
    #[error("the value \"{value}\" of {attribute} cannot be encoded: {rule}")]
    Value {
        /// The attribute's name as it was given.
        attribute: String,
        /// The value as it was given.
        value: String,
        /// The rule that it breaks, with its source.
        rule: &'static str,
    },
    /// The encoding is not a `Name`.
    #[error("it is not the DER encoding of a distinguished name: {0}")]
    Der(#[source] der::Error),
}

/// Attributes with a name of their own, the encoding RFC 5280 appendix A gives their values, and
/// the upper bound on their length in characters that it states.
const ATTRIBUTES: &[(&str, ObjectIdentifier, Tag, usize)] = {
    use const_oid::db::{rfc3280, rfc4519 as x520};
    &[
        ("C", x520::C, Tag::PrintableString, 2),
        ("ST", x520::ST, Tag::Utf8String, 128),
        ("L", x520::L, Tag::Utf8String, 128),
        ("STREET", x520::STREET, Tag::Utf8String, 128),
        ("O", x520::O, Tag::Utf8String, 64),
        ("OU", x520::OU, Tag::Utf8String, 64),
        ("CN", COMMON_NAME, Tag::Utf8String, 64),
        ("DC", x520::DC, Tag::Ia5String, 63),
        ("UID", x520::UID, Tag::Utf8String, 256),
        ("SERIALNUMBER", x520::SERIAL_NUMBER, Tag::PrintableString, 64),
        ("GN", x520::GIVEN_NAME, Tag::Utf8String, 64),
        ("SN", x520::SN, Tag::Utf8String, 64),
        ("TITLE", x520::TITLE, Tag::Utf8String, 64),
        ("EMAILADDRESS", rfc3280::EMAIL_ADDRESS, Tag::Ia5String, 255),
    ]
};

impl DistinguishedName {
    /// Reads the DER encoding of a `Name`.
    ///
    /// # Errors
    /// [`NameError::Der`] if it is anything else.
    pub fn from_der(der: &[u8]) -> Result<Self, NameError> {
        Self::check_der(der).map_err(NameError::Der)?;
        Ok(Self { der: der.to_vec() })
    }

    /// A name that was checked when the certificate around it was parsed.
    pub(crate) fn from_checked_der(der: &[u8]) -> Self {
        Self { der: der.to_vec() }
    }

    /// Checks that it is the DER encoding of a `Name`.
    pub(crate) fn check_der(der: &[u8]) -> der::Result<()> {
        Self::values::<der::Error>(der).map(drop)
    }

    /// The same, and what its values are.
    pub(super) fn values<E: ReadError>(der: &[u8]) -> Result<AttributeValues, E> {
        match Self::read_values(der) {
            Ok(values) => Ok(values),
            Err(error) => Err(Self::fault(der, error)),
        }
    }

    /// What is wrong with one is said as the decoder says it that makes names of them.
    #[cold]
    fn fault<E: ReadError>(der: &[u8], error: E) -> E {
        error.explained_by(|| RdnSequence::from_der(der).err())
    }

    #[inline(always)]
    fn read_values<E: ReadError>(der: &[u8]) -> Result<AttributeValues, E> {
        let mut values = AttributeValues::NONE;
        let mut reader = DerReader::<E>::failing_with(der)?;
        reader.sequence(|parts| {
            while !parts.is_finished() {
                parts.constructed(Tag::Set, |part| check_attributes(part, &mut values))?;
            }
            Ok::<_, E>(())
        })?;
        reader.finish()?;
        Ok(values)
    }

    /// The DER encoding, unchanged from what was read.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// Whether the name has no attribute at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rdns().is_empty()
    }

    /// The last common name, the most specific one, if it is text.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        self.attributes().rev().find_map(|(oid, value)| (oid == COMMON_NAME).then_some(value))
    }

    /// Whether two names have the same attributes with the same text, in any order and encoding. AWS
    /// Private CA writes names in its own order.
    pub(crate) fn has_attributes_of(&self, other: &Self) -> bool {
        let sorted = |name: &Self| {
            let mut attributes: Vec<_> = name.attributes().collect();
            attributes.sort();
            (attributes, name.rdns().iter().map(RelativeDistinguishedName::len).sum::<usize>())
        };
        sorted(self) == sorted(other)
    }

    /// Whether an attribute holds a control character, which readers of certificates disagree on.
    #[cfg(feature = "local")]
    pub(crate) fn has_control_characters(&self) -> bool {
        self.attributes().any(|(_, value)| value.chars().any(char::is_control))
    }

    /// Attribute types and their values as text, in order; values that are not text are left out.
    pub(crate) fn attributes(
        &self,
    ) -> impl DoubleEndedIterator<Item = (ObjectIdentifier, String)> + use<> {
        let attributes: Vec<_> = self
            .rdns()
            .iter()
            .flat_map(RelativeDistinguishedName::iter)
            .filter_map(|attribute| Some((attribute.oid, text_of(attribute)?)))
            .collect();
        attributes.into_iter()
    }

    pub(crate) fn rdns(&self) -> RdnSequence {
        // Checked when the value was made, so the default is never seen.
        RdnSequence::from_der(&self.der).unwrap_or_default()
    }
}

/// Checks the contents of a `RelativeDistinguishedName`.
fn check_attributes<E: ReadError>(
    part: &mut DerReader<'_, E>,
    values: &mut AttributeValues,
) -> Result<(), E> {
    while !part.is_finished() {
        part.sequence(|attribute| {
            identifier(attribute)?;
            values.and_next(attribute)
        })?;
    }
    Ok(())
}

fn text_of(attribute: &AttributeTypeAndValue) -> Option<String> {
    let value = &attribute.value;
    match value.tag() {
        Tag::PrintableString | Tag::Utf8String | Tag::Ia5String | Tag::TeletexString => {
            String::from_utf8(value.value().to_vec()).ok()
        }
        Tag::BmpString => {
            let units = value.value().chunks_exact(2).map(|pair| match pair {
                [high, low] => u16::from_be_bytes([*high, *low]),
                _ => 0,
            });
            char::decode_utf16(units).collect::<Result<_, _>>().ok()
        }
        _ => None,
    }
}

/// Splits at separators that no backslash escapes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (index, character) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if character == '\\' {
            escaped = true;
        } else if character == separator {
            parts.extend(text.get(start..index));
            start = index + separator.len_utf8();
        }
    }
    parts.extend(text.get(start..));
    parts
}

/// Undoes RFC 4514's escapes: a backslash before a character, or before two hexadecimal digits
/// of a byte. `None` if the bytes are no UTF-8 or a backslash ends the text.
fn unescape(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (b'\\', [high, low, tail @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
                bytes.push(digit(*high) << 4 | digit(*low));
                tail
            }
            (b'\\', [escaped, tail @ ..]) => {
                bytes.push(*escaped);
                tail
            }
            (b'\\', []) => return None,
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    String::from_utf8(bytes).ok()
}

fn parse_attribute(part: &str) -> Result<AttributeTypeAndValue, NameError> {
    let no_attribute = || NameError::NoAttribute { part: part.trim().to_owned() };
    let (attribute, value) = part.split_once('=').ok_or_else(no_attribute)?;
    let attribute = attribute.trim();
    let (oid, tag, limit) =
        match ATTRIBUTES.iter().find(|(name, ..)| name.eq_ignore_ascii_case(attribute)) {
            Some((_, oid, tag, limit)) => (*oid, *tag, *limit),
            None => {
                let oid = ObjectIdentifier::new(attribute)
                    .map_err(|_| NameError::UnknownAttribute { attribute: attribute.to_owned() })?;
                let known = ATTRIBUTES.iter().find(|(_, known, ..)| *known == oid);
                known.map_or((oid, Tag::Utf8String, 32_768), |(_, oid, tag, limit)| {
                    (*oid, *tag, *limit)
                })
            }
        };
    let invalid = |rule| NameError::Value {
        attribute: attribute.to_owned(),
        value: value.trim().to_owned(),
        rule,
    };
    // Unescaped blanks around a value are layout; "\ " keeps one.
    let trimmed = value.trim_start_matches(' ');
    let end = trimmed.trim_end_matches(' ');
    let backslashes = end.bytes().rev().take_while(|&byte| byte == b'\\').count();
    let trimmed = match backslashes % 2 {
        1 => trimmed.get(..=end.len()).unwrap_or(end),
        _ => end,
    };
    let text = unescape(trimmed).ok_or_else(|| {
        invalid("a backslash escapes a character or two hexadecimal digits of UTF-8")
    })?;
    if text.is_empty() {
        return Err(invalid("it is empty; leave the attribute out instead"));
    }
    if text.chars().count() > limit {
        return Err(invalid(
            "it is longer than RFC 5280 appendix A allows for this attribute (64 characters for O, OU and CN, 2 letters for C)",
        ));
    }
    if text.contains('\0') {
        return Err(invalid(
            "it contains a NUL character, which readers of certificates disagree on",
        ));
    }
    match tag {
        Tag::PrintableString if PrintableStringRef::new(&text).is_err() => {
            return Err(invalid(
                "RFC 5280 makes it a PrintableString: letters, digits, blanks and '()+,-./:=?",
            ));
        }
        Tag::Ia5String if !text.is_ascii() => {
            return Err(invalid("RFC 5280 makes it an IA5String: ASCII only"));
        }
        _ => {}
    }
    if oid == const_oid::db::rfc4519::C
        && !(text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic()))
    {
        return Err(invalid("a country is the two letters of ISO 3166"));
    }
    let value = der::Any::new(tag, text.into_bytes()).map_err(NameError::Der)?;
    Ok(AttributeTypeAndValue { oid, value })
}

impl FromStr for DistinguishedName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut rdns = RdnSequence::default();
        for part in split(text, ',') {
            let attributes: Vec<_> =
                split(part, '+').into_iter().map(parse_attribute).collect::<Result<_, _>>()?;
            let set = SetOfVec::try_from(attributes).map_err(NameError::Der)?;
            rdns.push(RelativeDistinguishedName::from(set));
        }
        Ok(Self { der: rdns.to_der().map_err(NameError::Der)? })
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, rdn) in self.rdns().iter().enumerate() {
            for (inner, attribute) in rdn.iter().enumerate() {
                f.write_str(match (index, inner) {
                    (0, 0) => "",
                    (_, 0) => ",",
                    _ => "+",
                })?;
                write_attribute(f, attribute)?;
            }
        }
        Ok(())
    }
}

fn write_attribute(f: &mut fmt::Formatter<'_>, attribute: &AttributeTypeAndValue) -> fmt::Result {
    match ATTRIBUTES.iter().find(|(_, oid, ..)| *oid == attribute.oid) {
        Some((name, ..)) => write!(f, "{name}=")?,
        None => write!(f, "{}=", attribute.oid)?,
    }
    let Some(text) = text_of(attribute) else {
        let der = attribute.value.to_der().map_err(|_| fmt::Error)?;
        return write!(f, "#{:x}", base16ct::HexDisplay(&der));
    };
    let last = text.chars().count().saturating_sub(1);
    for (index, character) in text.chars().enumerate() {
        match character {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => write!(f, "\\{character}")?,
            '#' if index == 0 => f.write_str("\\#")?,
            ' ' if index == 0 || index == last => f.write_str("\\ ")?,
            // A terminal obeys control characters and marks of direction; a name from a stranger's
            // certificate has no business moving the cursor.
            mark if is_mark(mark) => {
                let mut utf8 = [0; 4];
                for byte in mark.encode_utf8(&mut utf8).bytes() {
                    write!(f, "\\{byte:02x}")?;
                }
            }
            other => write!(f, "{other}")?,
        }
    }
    Ok(())
}

impl fmt::Debug for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DistinguishedName(\"{self}\")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(text: &str) -> String {
        let name: DistinguishedName = text.parse().unwrap();
        assert_eq!(DistinguishedName::from_der(name.as_der()).unwrap(), name);
        name.to_string()
    }

    #[test]
    fn the_written_order_is_the_encoded_order() {
        let name: DistinguishedName = "O=Acme, CN=Acme Root".parse().unwrap();
        let types: Vec<_> = name.attributes().map(|(oid, _)| oid.to_string()).collect();
        assert_eq!(types, ["2.5.4.10", "2.5.4.3"]);
        assert_eq!(name.to_string(), "O=Acme,CN=Acme Root");
    }

    #[test]
    fn repeated_attributes_multi_valued_rdns_and_escapes_stay() {
        for text in [
            "DC=example,DC=com,OU=a,OU=b,CN=x",
            "OU=Sales+CN=J. Smith,O=Acme",
            "CN=James \\\"Jim\\\" Smith\\, III",
            "CN=\\ padded\\ ",
            "CN=\\#1",
            "CN=Lučić",
            "2.5.4.12.99=x",
            "C=DE,EMAILADDRESS=a@example.com",
            "CN=a\\\\",
        ] {
            assert_eq!(round_trip(text), *text);
        }
        assert_eq!(round_trip("cn=Lu\\C4\\8Di\\C4\\87"), "CN=Lučić");
        assert_eq!(round_trip("2.5.4.3=x"), "CN=x");
        assert_eq!(round_trip("CN= a\\\\ , O= b\\  "), "CN=a\\\\,O=b\\ ");
    }

    #[test]
    fn marks_that_move_or_hide_what_is_shown_are_escaped() {
        for mark in [
            '\u{1b}', '\u{85}', '\u{9b}', '\u{61c}', '\u{202e}', '\u{2066}', '\u{2028}', '\u{180e}',
        ] {
            let escaped: String =
                mark.to_string().bytes().map(|byte| format!("\\{byte:02x}")).collect();
            let text = format!("CN=a{escaped}b");
            assert_eq!(round_trip(&text), text);
        }
    }

    #[test]
    fn what_cannot_be_encoded_says_why() {
        let error = |text: &str| text.parse::<DistinguishedName>().unwrap_err();
        assert!(matches!(error("Acme"), NameError::NoAttribute { part } if part == "Acme"));
        assert!(matches!(error(""), NameError::NoAttribute { .. }));
        assert!(matches!(error("O=a,"), NameError::NoAttribute { .. }));
        assert!(matches!(error("XY=a"), NameError::UnknownAttribute { .. }));
        for text in ["CN=", "C=Germany", "C=D1", "DC=ü", "CN=a\\", "CN=\\ff", "CN=\\00"] {
            assert!(matches!(error(text), NameError::Value { .. }), "{text}");
        }
        assert!(matches!(error(&format!("CN={}", "x".repeat(65))), NameError::Value { .. }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(values in proptest::collection::vec("[^\0]{1,20}", 1..5)) {
            let text: Vec<_> = values
                .iter()
                .map(|value| {
                    let escaped: String =
                        value.bytes().map(|byte| format!("\\{byte:02x}")).collect();
                    format!("OU={escaped}")
                })
                .collect();
            let name: DistinguishedName = text.join(",").parse().unwrap();
            prop_assert_eq!(name.attributes().map(|(_, value)| value).collect::<Vec<_>>(), values);
            prop_assert_eq!(name.to_string().parse::<DistinguishedName>().unwrap(), name);
        }

        #[test]
        fn what_passes_for_a_name_is_what_another_decoder_reads(
            texts in proptest::collection::vec("[a-z]{0,3}", 0..4),
            change in proptest::option::of(any::<(proptest::sample::Index, u8)>()),
        ) {
            let text: Vec<_> = texts.iter().map(|text| format!("2.5.4.10=x+CN=a{text}")).collect();
            let name = text.join(",").parse::<DistinguishedName>();
            let mut der = name.map_or(vec![0x30, 0], |name| name.der);
            if let Some((place, octet)) = change {
                *place.get_mut(&mut der) = octet;
            }
            let theirs = RdnSequence::from_der(&der).map(drop);
            prop_assert_eq!(DistinguishedName::check_der(&der), theirs);
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            let _ = text.parse::<DistinguishedName>();
        }
    }
}
