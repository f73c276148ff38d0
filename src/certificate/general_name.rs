//! `GeneralName` (RFC 5280 section 4.2.1.6) without a copy: names of a certificate, bases of name
//! constraints, names of distribution points.

use der::{Reader, Tag, TagNumber, Tagged};

use super::name::DistinguishedName;
use super::reader::{DerReader, ReadError};
use super::subject_alternative_name::address;

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
        let (number, value) = Self::check(reader)?;
        // What was checked is ASCII.
        let text = || std::str::from_utf8(value).map_err(|_| tag(number).value_error());
        Ok(match number {
            1 => Self::Email(text()?),
            2 => Self::Dns(text()?),
            4 => Self::Directory(value),
            6 => Self::Uri(text()?),
            7 => Self::Ip(value),
            tag => Self::Other { tag, der: ahead.tlv_bytes()? },
        })
    }

    /// Reads one and checks it: its tag number, and its contents.
    fn check<E: ReadError>(reader: &mut DerReader<'a, E>) -> Result<(u32, &'a [u8]), E> {
        let any = reader.any()?;
        let Tag::ContextSpecific { number, constructed } = any.tag() else {
            return Err(der::Error::from(any.tag().unexpected_error(None)).into());
        };
        let (number, value) = (number.value(), any.value());
        // Strings and octets are primitive in DER, the others hold an element; readers differ on
        // what they see in anything else.
        if number > 8 || constructed == is_primitive(number) {
            return Err(der::Error::from(any.tag().unexpected_error(None)).into());
        }
        match number {
            1 | 2 | 6 if !value.is_ascii() => Err(der::Error::from(any.tag().value_error()).into()),
            4 => Ok(DistinguishedName::check_der(value).map(|()| (number, value))?),
            _ => Ok((number, value)),
        }
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

fn is_primitive(number: u32) -> bool {
    matches!(number, 1 | 2 | 6 | 7 | 8)
}

fn tag(number: u32) -> Tag {
    Tag::ContextSpecific { constructed: !is_primitive(number), number: TagNumber(number) }
}

/// Forms of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Forms(u16);

impl Forms {
    pub(crate) const NONE: Self = Self(0);
    /// `rfc822Name`, `dNSName`, `uniformResourceIdentifier` and `iPAddress`.
    pub(crate) const OF_THE_WEB: Self = Self(1 << 1 | 1 << 2 | 1 << 6 | 1 << 7);
    pub(crate) const URI: Self = Self(1 << 6);
    pub(crate) const IP: Self = Self(1 << 7);

    pub(crate) const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one of the others is among them.
    pub(crate) fn has_any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
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
            GeneralName::check(&mut reader)?;
        }
        Ok(Self(contents))
    }

    /// Checks those of a subject, whose addresses are of one host each: the forms that there are.
    pub(super) fn forms_of_subject<E: ReadError>(der: &[u8]) -> Result<Forms, E> {
        let mut reader = DerReader::<E>::failing_with(der)?;
        let forms = reader.sequence(|names| {
            let mut forms = Forms::NONE;
            while !names.is_finished() {
                let (number, value) = GeneralName::check(names)?;
                if number == 7 {
                    address(value)?;
                }
                forms.0 |= 1 << number;
            }
            Ok::<_, E>(forms)
        })?;
        reader.finish()?;
        Ok(forms)
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
