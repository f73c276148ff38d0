//! `GeneralName` (RFC 5280 section 4.2.1.6) without a copy: names of a certificate, bases of name
//! constraints, names of distribution points.

use der::{Reader, Tag, Tagged};

use super::name::DistinguishedName;
use super::reader::DerReader;

/// One name, in the encoding it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GeneralName<'a> {
    Email(&'a str),
    Dns(&'a str),
    Uri(&'a str),
    /// Of a certificate: 4 or 16 octets. Of a constraint: twice as many, address and mask.
    Ip(&'a [u8]),
    /// DER of a `Name`.
    Directory(&'a [u8]),
    /// Another form: its tag number, and the whole element.
    Other {
        tag: u32,
        der: &'a [u8],
    },
}

impl<'a> GeneralName<'a> {
    pub(crate) fn decode(reader: &mut DerReader<'a>) -> der::Result<Self> {
        let mut ahead = reader.clone();
        let any = reader.any()?;
        let tag = any.tag();
        let Tag::ContextSpecific { number, constructed } = tag else {
            return Err(tag.unexpected_error(None).into());
        };
        let number = number.value();
        // Strings and octets are primitive in DER, the others hold an element; readers differ on
        // what they see in anything else.
        let is_primitive = matches!(number, 1 | 2 | 6 | 7 | 8);
        if number > 8 || constructed == is_primitive {
            return Err(tag.unexpected_error(None).into());
        }
        let value = any.value();
        let ia5 = || {
            let text = value.is_ascii().then(|| std::str::from_utf8(value).ok()).flatten();
            text.ok_or_else(|| der::Error::from(tag.value_error()))
        };
        Ok(match number {
            1 => Self::Email(ia5()?),
            2 => Self::Dns(ia5()?),
            4 => {
                DistinguishedName::check_der(value)?;
                Self::Directory(value)
            }
            6 => Self::Uri(ia5()?),
            7 => Self::Ip(value),
            tag => Self::Other { tag, der: ahead.tlv_bytes()? },
        })
    }

    /// The tag number of this form in `GeneralName`.
    pub(crate) fn tag(&self) -> u32 {
        match self {
            Self::Email(_) => 1,
            Self::Dns(_) => 2,
            Self::Directory(_) => 4,
            Self::Uri(_) => 6,
            Self::Ip(_) => 7,
            Self::Other { tag, .. } => *tag,
        }
    }
}

/// The names of a DER `GeneralNames`, or of its contents.
#[derive(Debug, Clone)]
pub(crate) struct GeneralNames<'a>(&'a [u8]);

impl<'a> GeneralNames<'a> {
    /// Those of contents that were decoded before.
    pub(crate) fn of_contents(contents: &'a [u8]) -> Self {
        Self(contents)
    }

    /// Those of a whole `SEQUENCE`, each of which is checked.
    pub(crate) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = DerReader::new(der)?;
        let any = reader.any()?;
        reader.finish()?;
        any.tag().assert_eq(Tag::Sequence)?;
        Self::checked(any.value())
    }

    /// Those of contents, each of which is checked, and which are not none.
    pub(crate) fn at_least_one(contents: &'a [u8]) -> der::Result<Self> {
        match contents.is_empty() {
            true => Err(Tag::Sequence.length_error().into()),
            false => Self::checked(contents),
        }
    }

    /// Those of contents, each of which is checked.
    pub(crate) fn checked(contents: &'a [u8]) -> der::Result<Self> {
        let mut reader = DerReader::new(contents)?;
        while !reader.is_finished() {
            GeneralName::decode(&mut reader)?;
        }
        Ok(Self(contents))
    }
}

impl<'a> Iterator for GeneralNames<'a> {
    type Item = GeneralName<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        take_first(&mut self.0, GeneralName::decode)
    }
}

/// Takes the first element off contents of which every element was decoded before.
pub(super) fn take_first<'a, T>(
    contents: &mut &'a [u8],
    decode: impl FnOnce(&mut DerReader<'a>) -> der::Result<T>,
) -> Option<T> {
    let mut reader = DerReader::new(std::mem::take(contents)).ok()?;
    let first = decode(&mut reader).ok()?;
    *contents = reader.read_slice(reader.remaining_len()).ok()?;
    Some(first)
}
