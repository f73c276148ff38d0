//! A reader of DER over a slice that compiles into its callers.
//!
//! It reads what der's own `SliceReader` reads and fails as that does; der's is made of calls into
//! another crate, several for every element, which is most of the time that a certificate takes to
//! read. What is usual is read here, and whatever else there is, faults among it, is left to der. It
//! lacks that one's limit to nesting, because what is read with it has a fixed depth.
//!
//! A reader can also give up where der would go on ([`NotUsual`]), and then der's part does not lie in the
//! middle of what is read here.

use std::marker::PhantomData;

use der::asn1::AnyRef;
use der::{
    Decode, DecodeValue, EncodingRules, Error, ErrorKind, FixedTag, Header, Length, Reader, Tag,
    TagMode, TagNumber, Tagged,
};

use super::CertificateError;

/// An error of a reader. Which one it has also says what it does with an element that is not usual.
pub(crate) trait ReadError: From<Error> {
    /// The same of a field of a certificate.
    type InField: From<Self> + From<CertificateError>;

    fn in_field(self, field: &'static str) -> Self::InField;

    /// Reads something that is not usual with der, or gives up.
    fn read_on<'a, T>(
        reader: &mut DerReader<'a, Self>,
        read: impl FnOnce(&mut DerReader<'a>) -> Result<T, Error>,
    ) -> Result<T, Self>;

    /// The error that somebody else has with the same octets, if he has one and it is of interest.
    fn explained_by(self, another: impl FnOnce() -> Option<Error>) -> Self;
}

impl ReadError for Error {
    type InField = CertificateError;

    fn in_field(self, field: &'static str) -> CertificateError {
        CertificateError::Malformed { field, source: self }
    }

    #[inline]
    fn read_on<'a, T>(
        reader: &mut DerReader<'a>,
        read: impl FnOnce(&mut DerReader<'a>) -> Result<T, Self>,
    ) -> Result<T, Self> {
        read(reader)
    }

    fn explained_by(self, another: impl FnOnce() -> Option<Self>) -> Self {
        another().unwrap_or(self)
    }
}

/// There is something that is not usual, or a fault: whoever wants to know has to read it once more, and to have
/// der's errors.
#[derive(Debug)]
pub(crate) struct NotUsual;

impl From<Error> for NotUsual {
    fn from(_: Error) -> Self {
        Self
    }
}

impl From<CertificateError> for NotUsual {
    fn from(_: CertificateError) -> Self {
        Self
    }
}

impl ReadError for NotUsual {
    type InField = Self;

    fn in_field(self, _: &'static str) -> Self {
        self
    }

    #[inline]
    fn read_on<'a, T>(
        _: &mut DerReader<'a, Self>,
        _: impl FnOnce(&mut DerReader<'a>) -> Result<T, Error>,
    ) -> Result<T, Self> {
        Err(Self)
    }

    fn explained_by(self, _: impl FnOnce() -> Option<Error>) -> Self {
        self
    }
}

#[derive(Debug)]
pub(crate) struct DerReader<'a, E = Error> {
    /// What is left to read of the element whose contents are being read.
    rest: &'a [u8],
    /// Where that element ends, in octets from the beginning of the input.
    end: usize,
    error: PhantomData<fn() -> E>,
}

impl<E> Clone for DerReader<'_, E> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Self { rest: self.rest, end: self.end, error: PhantomData }
    }
}

impl<'a> DerReader<'a> {
    #[inline]
    pub(crate) fn new(octets: &'a [u8]) -> Result<Self, Error> {
        Self::failing_with(octets)
    }
}

impl<'a, E: ReadError> DerReader<'a, E> {
    /// A reader that fails as its caller chooses.
    #[inline(always)]
    pub(crate) fn failing_with(octets: &'a [u8]) -> Result<Self, E> {
        // All places in the input are a `Length`, which has 32 bits.
        Length::try_from(octets.len())?;
        Ok(Self { rest: octets, end: octets.len(), error: PhantomData })
    }

    /// How far it has come, in octets from the beginning.
    #[inline]
    pub(crate) fn place(&self) -> usize {
        self.end - self.rest.len()
    }

    /// Reads one element if its tag is this octet, its length is encoded in the shortest form and below
    /// 65,536, and all of it is there: its contents.
    #[inline(always)]
    pub(crate) fn usual(&mut self, wanted: u8) -> Option<&'a [u8]> {
        match self.rest {
            [tag, length @ ..=0x7f, rest @ ..] if *tag == wanted => {
                let (contents, rest) = rest.split_at_checked(usize::from(*length))?;
                self.rest = rest;
                Some(contents)
            }
            [tag, 0x81 | 0x82, ..] if *tag == wanted => self.usual_with_long_length(),
            _ => None,
        }
    }

    /// The same of one whose length follows in one octet or two, whatever its tag.
    fn usual_with_long_length(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = match self.rest {
            [_, 0x81, length @ 0x80..=0xff, rest @ ..] => (usize::from(*length), rest),
            [_, 0x82, high @ 1..=0xff, low, rest @ ..] => {
                (usize::from(u16::from_be_bytes([*high, *low])), rest)
            }
            _ => return None,
        };
        let (contents, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some(contents)
    }

    /// Reads one element of any tag.
    #[inline(always)]
    pub(crate) fn any(&mut self) -> Result<AnyRef<'a>, E> {
        if let Some(&octet) = self.rest.first()
            && let Some(tag) = usual_tag(octet)
            && let Some(contents) = self.usual(octet)
        {
            return Ok(AnyRef::new(tag, contents)?);
        }
        E::read_on(self, AnyRef::decode)
    }

    /// Reads one element of a tag: its contents.
    #[inline(always)]
    pub(crate) fn element(&mut self, wanted: Tag) -> Result<&'a [u8], E> {
        match octet_of(wanted).and_then(|octet| self.usual(octet)) {
            Some(contents) => Ok(contents),
            None => E::read_on(self, |reader| reader.unusual_element(wanted)),
        }
    }

    /// Reads a `BOOLEAN DEFAULT` or `OPTIONAL`, if it comes next.
    #[inline]
    pub(crate) fn optional_boolean(&mut self) -> Result<Option<bool>, E> {
        match self.rest {
            [0x01, 0x01, octet @ (0 | 0xff), rest @ ..] => {
                self.rest = rest;
                Ok(Some(*octet != 0))
            }
            [octet, ..] if *octet != 0x01 && usual_tag(*octet).is_some() => Ok(None),
            _ => E::read_on(self, Option::decode),
        }
    }

    /// Reads a `SEQUENCE`, whose contents have to be read to their end.
    #[inline(always)]
    pub(crate) fn sequence<T, F: From<E>>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, F>,
    ) -> Result<T, F> {
        self.constructed(Tag::Sequence, read)
    }

    /// The same of another tag.
    #[inline(always)]
    pub(crate) fn constructed<T, F: From<E>>(
        &mut self,
        wanted: Tag,
        read: impl FnOnce(&mut Self) -> Result<T, F>,
    ) -> Result<T, F> {
        let mut nested = self.nested(wanted)?;
        let value = read(&mut nested)?;
        nested.finish()?;
        Ok(value)
    }

    #[inline(always)]
    pub(crate) fn is_finished(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left to read.
    #[inline(always)]
    pub(crate) fn finish(mut self) -> Result<(), E> {
        match self.rest {
            [] => Ok(()),
            _ => E::read_on(&mut self, |reader| Err(reader.trailing())),
        }
    }

    /// Steps over an element of a tag: a reader of its contents, which says their places in the whole.
    #[inline(always)]
    pub(crate) fn nested(&mut self, wanted: Tag) -> Result<Self, E> {
        let contents = match octet_of(wanted).and_then(|octet| self.usual(octet)) {
            Some(contents) => contents,
            None => E::read_on(self, |reader| reader.unusual_contents(wanted))?,
        };
        Ok(Self { rest: contents, end: self.place(), error: PhantomData })
    }

    /// Steps over an element that was read before, if the very same comes next.
    #[inline]
    pub(crate) fn skip_if_same(&mut self, element: &[u8]) -> bool {
        match self.rest.strip_prefix(element) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Whether an element with this tag comes next.
    #[inline(always)]
    pub(crate) fn comes_next(&self, wanted: Tag) -> Result<bool, E> {
        match self.rest.first() {
            None => Ok(false),
            Some(&octet) => match usual_tag(octet) {
                Some(tag) => Ok(tag == wanted),
                None => E::read_on(&mut self.clone(), |reader| Ok(Tag::peek(reader)? == wanted)),
            },
        }
    }

    /// Reads an element with a context-specific tag, if it comes next.
    #[inline(always)]
    pub(crate) fn context_specific<T>(
        &mut self,
        number: TagNumber,
        mode: TagMode,
    ) -> Result<Option<T>, E>
    where
        T: DecodeValue<'a, Error = Error> + FixedTag + 'a,
    {
        match self.rest.first().map(|&octet| usual_tag(octet)) {
            None => Ok(None),
            Some(Some(tag)) if !tag.is_context_specific() || tag.number() != number => Ok(None),
            _ => E::read_on(self, |reader| Reader::context_specific(reader, number, mode)),
        }
    }
}

impl<'a> DerReader<'a> {
    #[cold]
    fn unusual_element(&mut self, wanted: Tag) -> Result<&'a [u8], Error> {
        let any = AnyRef::decode(self)?;
        any.tag().assert_eq(wanted)?;
        Ok(any.value())
    }

    #[cold]
    fn unusual_contents(&mut self, wanted: Tag) -> Result<&'a [u8], Error> {
        let header = Header::decode(self)?;
        header.tag().assert_eq(wanted)?;
        self.read_nested(header.length(), |contents| contents.read_slice(contents.remaining_len()))
    }

    #[cold]
    fn trailing(&mut self) -> Error {
        let (decoded, remaining) = (self.position(), self.remaining_len());
        self.error(ErrorKind::TrailingData { decoded, remaining })
    }

    #[cold]
    fn incomplete(&self, wanted: usize) -> Error {
        let expected_len = self.place().saturating_add(wanted);
        match Length::try_from(expected_len) {
            Ok(expected_len) => {
                let actual_len = self.input_len();
                ErrorKind::Incomplete { expected_len, actual_len }.at(self.position())
            }
            Err(overflow) => overflow,
        }
    }
}

/// The octet of a tag that certificates are made of, and that is asked for.
#[inline(always)]
fn octet_of(tag: Tag) -> Option<u8> {
    match tag {
        Tag::Integer => Some(0x02),
        Tag::BitString => Some(0x03),
        Tag::OctetString => Some(0x04),
        Tag::ObjectIdentifier => Some(0x06),
        Tag::Sequence => Some(0x30),
        Tag::Set => Some(0x31),
        Tag::ContextSpecific { constructed, number: TagNumber(number @ 0..=30) } => {
            Some(0x80 | u8::from(constructed) << 5 | number as u8)
        }
        _ => None,
    }
}

/// The tags that certificates are made of.
#[inline(always)]
fn usual_tag(octet: u8) -> Option<Tag> {
    Some(match octet {
        0x01 => Tag::Boolean,
        0x02 => Tag::Integer,
        0x03 => Tag::BitString,
        0x04 => Tag::OctetString,
        0x05 => Tag::Null,
        0x06 => Tag::ObjectIdentifier,
        0x0c => Tag::Utf8String,
        0x13 => Tag::PrintableString,
        0x16 => Tag::Ia5String,
        0x17 => Tag::UtcTime,
        0x18 => Tag::GeneralizedTime,
        0x30 => Tag::Sequence,
        0x31 => Tag::Set,
        // The number 31 says that it follows in more octets.
        0x80..=0xbf if octet & 0x1f != 0x1f => Tag::ContextSpecific {
            constructed: octet & 0x20 != 0,
            number: TagNumber(u32::from(octet & 0x1f)),
        },
        _ => return None,
    })
}

impl<'a> Reader<'a> for DerReader<'a> {
    const CAN_READ_SLICE: bool = true;

    fn encoding_rules(&self) -> EncodingRules {
        EncodingRules::Der
    }

    #[inline]
    fn input_len(&self) -> Length {
        Length::new(self.end as u32)
    }

    #[inline]
    fn position(&self) -> Length {
        Length::new(self.place() as u32)
    }

    #[inline]
    fn is_finished(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    fn read_nested<T, F, E>(&mut self, length: Length, read: F) -> Result<T, E>
    where
        F: FnOnce(&mut Self) -> Result<T, E>,
        E: From<Error>,
    {
        let end = usize::try_from((self.position() + length)?)?;
        let contents = self.rest.split_at_checked(usize::try_from(length)?);
        let (contents, rest) = contents.ok_or_else(|| Error::incomplete(self.input_len()))?;
        let mut nested = Self { rest: contents, end, error: PhantomData };
        let value = read(&mut nested)?;
        if !nested.is_finished() {
            return Err(nested.trailing().into());
        }
        self.rest = rest;
        Ok(value)
    }

    #[inline]
    fn read_slice(&mut self, length: Length) -> Result<&'a [u8], Error> {
        let length = usize::try_from(length)?;
        let parts = self.rest.split_at_checked(length);
        let (slice, rest) = parts.ok_or_else(|| self.incomplete(length))?;
        self.rest = rest;
        Ok(slice)
    }

    #[inline]
    fn read_byte(&mut self) -> Result<u8, Error> {
        let parts = self.rest.split_first();
        let (&octet, rest) = parts.ok_or_else(|| self.incomplete(1))?;
        self.rest = rest;
        Ok(octet)
    }
}

#[cfg(test)]
mod tests {
    use der::SliceReader;
    use der::asn1::{BitStringRef, IntRef, ObjectIdentifier};
    use proptest::prelude::*;

    use super::*;

    /// A reader under its own methods.
    trait Under<'a>: Reader<'a> {
        fn any(&mut self) -> Result<AnyRef<'a>, Error> {
            AnyRef::decode(self)
        }

        fn boolean(&mut self) -> Result<Option<bool>, Error> {
            Option::decode(self)
        }

        fn element(&mut self, tag: Tag) -> Result<&'a [u8], Error> {
            let any = AnyRef::decode(self)?;
            any.tag().assert_eq(tag)?;
            Ok(any.value())
        }

        fn nested(
            &mut self,
            tag: Tag,
            read: impl FnOnce(&mut Self) -> Result<(), Error>,
        ) -> Result<(), Error> {
            let header = Header::decode(self)?;
            header.tag().assert_eq(tag)?;
            self.read_nested(header.length(), read)
        }

        fn tagged<T>(&mut self, number: u32, mode: TagMode) -> Result<Option<T>, Error>
        where
            T: DecodeValue<'a, Error = Error> + FixedTag + 'a,
        {
            self.context_specific(TagNumber(number), mode)
        }
    }

    impl<'a> Under<'a> for SliceReader<'a> {}

    impl<'a> Under<'a> for DerReader<'a> {
        fn any(&mut self) -> Result<AnyRef<'a>, Error> {
            DerReader::any(self)
        }

        fn boolean(&mut self) -> Result<Option<bool>, Error> {
            self.optional_boolean()
        }

        fn element(&mut self, tag: Tag) -> Result<&'a [u8], Error> {
            DerReader::element(self, tag)
        }

        fn nested(
            &mut self,
            tag: Tag,
            read: impl FnOnce(&mut Self) -> Result<(), Error>,
        ) -> Result<(), Error> {
            match tag {
                Tag::Sequence => self.sequence(read),
                tag => self.constructed(tag, read),
            }
        }

        fn tagged<T>(&mut self, number: u32, mode: TagMode) -> Result<Option<T>, Error>
        where
            T: DecodeValue<'a, Error = Error> + FixedTag + 'a,
        {
            DerReader::context_specific(self, TagNumber(number), mode)
        }
    }

    /// What a reader makes of octets: elements with their places, in sequences and sets too, and at
    /// last why it does not go on.
    fn elements<'a>(reader: &mut impl Under<'a>, found: &mut Vec<String>) -> Result<(), Error> {
        while !reader.is_finished() {
            found.push(format!("{:?} {:?}", reader.position(), Header::peek(reader)));
            found.push(format!("{:?}", reader.peek_byte()));
            for number in 0..4 {
                let explicit = reader.clone().tagged::<u8>(number, TagMode::Explicit);
                let implicit = reader.clone().tagged::<BitStringRef<'_>>(number, TagMode::Implicit);
                found.push(format!("{explicit:?} {implicit:?}"));
            }
            found.push(format!("{:?}", reader.clone().boolean()));
            found.push(format!("{:?}", IntRef::decode(&mut reader.clone())));
            found.push(format!("{:?}", BitStringRef::decode(&mut reader.clone())));
            found.push(format!("{:?}", <ObjectIdentifier>::decode(&mut reader.clone())));
            found.push(format!("{:?}", reader.clone().tlv_bytes()));
            for tag in [
                Tag::Integer,
                Tag::BitString,
                Tag::OctetString,
                Tag::ObjectIdentifier,
                Tag::Sequence,
                Tag::Set,
                Tag::Null,
                Tag::ContextSpecific { constructed: true, number: TagNumber(0) },
            ] {
                found.push(format!("{:?}", reader.clone().element(tag)));
                let half = |nested: &mut _| Under::any(nested).map(drop);
                found.push(format!("{:?}", reader.clone().nested(tag, half)));
            }
            let mut ahead = reader.clone();
            let any = ahead.any();
            found.push(format!("{any:?}"));
            match any?.tag() {
                tag @ (Tag::Sequence | Tag::Set | Tag::ContextSpecific { .. }) => {
                    reader.nested(tag, |nested| elements(nested, found))?;
                }
                _ => *reader = ahead,
            }
        }
        Ok(())
    }

    fn read<'a>(mut reader: impl Under<'a>) -> (Vec<String>, Result<(), Error>) {
        let mut found = Vec::new();
        let end = elements(&mut reader, &mut found).and_then(|()| reader.finish());
        (found, end)
    }

    fn element() -> impl Strategy<Value = Vec<u8>> {
        let tag = prop_oneof![
            proptest::sample::select(
                &[1_u8, 2, 3, 4, 5, 6, 12, 19, 23, 48, 49, 0x80, 0xa0, 0xa3][..]
            ),
            any::<u8>(),
        ];
        let length = prop_oneof![
            4 => Just(None),
            1 => proptest::collection::vec(any::<u8>(), 1..6).prop_map(Some),
        ];
        let wrap = |tag: u8, length: Option<Vec<u8>>, contents: Vec<u8>| {
            let length = length.unwrap_or_else(|| match contents.len() {
                short @ 0..0x80 => vec![short as u8],
                long @ 0x80..0x100 => vec![0x81, long as u8],
                longer => [&[0x82][..], &(longer as u16).to_be_bytes()].concat(),
            });
            [vec![tag], length, contents].concat()
        };
        let leaf = (tag, length, proptest::collection::vec(any::<u8>(), 0..140))
            .prop_map(move |(tag, length, contents)| wrap(tag, length, contents));
        leaf.prop_recursive(4, 32, 4, move |inner| {
            let tag = proptest::sample::select(&[48_u8, 49, 0xa0, 0xa3][..]);
            (tag, proptest::collection::vec(inner, 0..4))
                .prop_map(move |(tag, contents)| wrap(tag, None, contents.concat()))
        })
    }

    proptest! {
        #[test]
        fn reads_what_ders_own_reader_reads_and_fails_as_it_does(
            mut der in element(),
            cut in proptest::option::weighted(0.3, any::<proptest::sample::Index>()),
            change in proptest::option::weighted(0.3, any::<(proptest::sample::Index, u8)>()),
        ) {
            if let Some((place, octet)) = change {
                *place.get_mut(&mut der) = octet;
            }
            if let Some(cut) = cut {
                der.truncate(cut.index(der.len()));
            }
            let ours = read(DerReader::new(&der).unwrap());
            prop_assert_eq!(ours, read(SliceReader::new(&der).unwrap()));
        }
    }
}
