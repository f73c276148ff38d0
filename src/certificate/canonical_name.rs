//! Distinguished names in the form in which they are compared (RFC 5280 section 7.1).
//!
//! Two names are equal if their attributes are, part by part; texts are equal whatever string type
//! they are encoded in, whatever the case of their letters, and however many blanks stand where one
//! could. Unicode's compatibility forms (RFC 4518 section 2.3) are not folded: a name that uses
//! them equals itself alone.

use std::borrow::Cow;

use der::asn1::AnyRef;
use der::{Reader, Tag, Tagged};

use super::reader::DerReader;

/// A name's parts, each after its length: equal names have equal octets, and a name that begins
/// with the parts of another begins with its octets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct CanonicalName(Vec<u8>);

impl CanonicalName {
    /// The canonical form of a DER `Name` that was checked before.
    pub(crate) fn of(name_der: &[u8]) -> Self {
        // What cannot be decoded equals itself alone.
        Self::decode(name_der).unwrap_or_else(|_| Self(name_der.to_vec()))
    }

    fn decode(name_der: &[u8]) -> der::Result<Self> {
        let mut canonical = Vec::with_capacity(name_der.len());
        let mut reader = DerReader::new(name_der)?;
        reader.sequence(|parts| {
            while !parts.is_finished() {
                push_part(&mut canonical, parts.any()?.value())?;
            }
            Ok::<_, der::Error>(())
        })?;
        Ok(Self(canonical))
    }

    /// This name with one part more: the contents of a DER `RelativeDistinguishedName`.
    pub(crate) fn with_part(&self, contents: &[u8]) -> Self {
        let mut longer = self.0.clone();
        // A part that cannot be decoded is left out, which makes the name one that matches nothing
        // it should not: the parent's.
        let _ = push_part(&mut longer, contents);
        Self(longer)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the name lies in the subtree under `base` (RFC 5280 section 4.2.1.10).
    pub(crate) fn is_within(&self, base: &Self) -> bool {
        self.0.starts_with(&base.0)
    }

    /// How many octets a comparison looks at.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

fn push_part(canonical: &mut Vec<u8>, contents: &[u8]) -> der::Result<()> {
    let mut attributes = Vec::new();
    let mut reader = DerReader::new(contents)?;
    while !reader.is_finished() {
        attributes.push(reader.sequence(|attribute| {
            let kind = attribute.tlv_bytes()?;
            let mut canonical = kind.to_vec();
            let whole = attribute.clone().tlv_bytes()?;
            let value = attribute.any()?;
            match text(value) {
                Some(text) => {
                    canonical.push(0);
                    push_folded(&mut canonical, &text);
                }
                None => canonical.extend_from_slice(whole),
            }
            Ok::<_, der::Error>(canonical)
        })?);
    }
    // DER sorts a SET by encoding, which canonical forms do not keep.
    attributes.sort();
    let length: usize = attributes.iter().map(|attribute| attribute.len() + 4).sum();
    canonical.extend((length as u32).to_be_bytes());
    for attribute in attributes {
        canonical.extend((attribute.len() as u32).to_be_bytes());
        canonical.extend(attribute);
    }
    Ok(())
}

/// The text of a `DirectoryString` or its relatives.
fn text(value: AnyRef<'_>) -> Option<Cow<'_, str>> {
    let octets = value.value();
    match value.tag() {
        Tag::PrintableString
        | Tag::Utf8String
        | Tag::Ia5String
        | Tag::VisibleString
        | Tag::NumericString => std::str::from_utf8(octets).ok().map(Cow::Borrowed),
        // Everybody writes and reads Latin-1 there (RFC 5280 appendix B), whatever T.61 says.
        Tag::TeletexString => Some(octets.iter().copied().map(char::from).collect()),
        Tag::BmpString if octets.len().is_multiple_of(2) => {
            let units = octets.as_chunks().0.iter().copied().map(u16::from_be_bytes);
            char::decode_utf16(units).collect::<Result<String, _>>().ok().map(Cow::Owned)
        }
        _ => None,
    }
}

/// Lower case, without blanks at the ends, and with one where there were several.
fn push_folded(canonical: &mut Vec<u8>, text: &str) {
    let mut is_first = true;
    for word in text.split_whitespace() {
        if !is_first {
            canonical.push(b' ');
        }
        is_first = false;
        if word.bytes().all(|octet| octet.is_ascii_graphic()) {
            canonical.extend(word.bytes().map(|octet| octet.to_ascii_lowercase()));
        } else {
            let visible = word.to_lowercase().replace(is_mapped_to_nothing, "");
            canonical.extend(visible.into_bytes());
        }
    }
}

/// RFC 4518 section 2.2.
fn is_mapped_to_nothing(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}'
            | '\u{34f}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{1806}'
            | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2063}'
            | '\u{206a}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffc}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0001}'
            | '\u{e0020}'..='\u{e007f}'
    ) || letter.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Attribute = (u8, &'static [u8]);

    fn name(parts: &[&[Attribute]]) -> Vec<u8> {
        let tlv = |tag: u8, contents: &[u8]| [&[tag, contents.len() as u8][..], contents].concat();
        let parts: Vec<u8> = parts
            .iter()
            .flat_map(|attributes| {
                let attributes: Vec<u8> = attributes
                    .iter()
                    .flat_map(|(tag, value)| {
                        tlv(0x30, &[&[6, 3, 0x55, 4, 10][..], &tlv(*tag, value)].concat())
                    })
                    .collect();
                tlv(0x31, &attributes)
            })
            .collect();
        tlv(0x30, &parts)
    }

    fn canonical(parts: &[&[Attribute]]) -> CanonicalName {
        CanonicalName::of(&name(parts))
    }

    #[test]
    fn case_blanks_and_string_types_do_not_matter() {
        let acme = canonical(&[&[(0x13, b"Acme Inc")]]);
        for same in [
            &[(0x0c, &b"acme inc"[..])],
            &[(0x13, b"  ACME   Inc ")],
            &[(0x16, b"Acme Inc")],
            &[(0x14, b"Acme Inc")],
            &[(0x1e, b"\0A\0c\0m\0e\0 \0I\0n\0c")],
        ] {
            assert_eq!(canonical(&[same]), acme);
        }
        for other in [&[(0x0c, &b"acmeinc"[..])], &[(0x0c, b"acme inc.")], &[(0x04, b"Acme Inc")]] {
            assert_ne!(canonical(&[other]), acme);
        }
        assert_eq!(
            canonical(&[&[(0x0c, "LUČIĆ".as_bytes())]]),
            canonical(&[&[(0x0c, "lučić".as_bytes())]])
        );
    }

    #[test]
    fn a_name_is_within_the_names_that_it_begins_with() {
        let (a, b): (&[Attribute], &[Attribute]) = (&[(0x13, b"a")], &[(0x13, b"b")]);
        let name = canonical(&[a, b]);
        assert!(name.is_within(&canonical(&[a])));
        assert!(name.is_within(&canonical(&[])));
        assert!(name.is_within(&name));
        assert!(!name.is_within(&canonical(&[b])));
        assert!(!canonical(&[a]).is_within(&name));
        // A part of two attributes is no longer name.
        assert!(!canonical(&[&[(0x13, b"a"), (0x13, b"b")]]).is_within(&canonical(&[a])));
        assert!(!canonical(&[&[(0x13, b"ab")]]).is_within(&canonical(&[a])));
    }

    #[test]
    fn attributes_of_one_part_have_no_order() {
        let (a, b) = ((0x13, &b"a"[..]), (0x0c, &b"B"[..]));
        assert_eq!(canonical(&[&[a, b]]), canonical(&[&[b, a]]));
    }
}
