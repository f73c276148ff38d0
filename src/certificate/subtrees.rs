//! Name constraints (RFC 5280 section 4.2.1.10) without a copy.

use der::{Tag, TagNumber};

use super::general_name::{GeneralName, take_first};
use super::reader::DerReader;
use super::tagged_contents;

/// ```text
/// NameConstraints ::= SEQUENCE {
///      permittedSubtrees       [0]     GeneralSubtrees OPTIONAL,
///      excludedSubtrees        [1]     GeneralSubtrees OPTIONAL }
/// ```
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameConstraints<'a> {
    pub(crate) permitted: Subtrees<'a>,
    pub(crate) excluded: Subtrees<'a>,
}

impl<'a> NameConstraints<'a> {
    /// Checks the whole structure. At least one kind of subtrees has to be there, and at least one
    /// subtree in each kind: a CA that wrote none has constrained nothing, and meant to.
    pub(crate) fn from_der(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = DerReader::new(der)?;
        let constraints = reader.sequence(|fields| {
            let permitted = subtrees(fields, 0)?;
            let excluded = subtrees(fields, 1)?;
            if permitted.is_none() && excluded.is_none() {
                return Err(Tag::Sequence.length_error().into());
            }
            let none = Subtrees(&[]);
            Ok::<_, der::Error>(Self {
                permitted: permitted.unwrap_or(none),
                excluded: excluded.unwrap_or(none),
            })
        })?;
        reader.finish()?;
        Ok(constraints)
    }
}

/// The contents of a `GeneralSubtrees`, which were checked; an iterator over their bases.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subtrees<'a>(&'a [u8]);

fn subtrees<'a>(reader: &mut DerReader<'a>, number: u32) -> der::Result<Option<Subtrees<'a>>> {
    let Some((_, contents)) = tagged_contents(reader, number, true)? else {
        return Ok(None);
    };
    if contents.is_empty() {
        return Err(Tag::Sequence.length_error().into());
    }
    let mut rest = DerReader::new(contents)?;
    while !rest.is_finished() {
        base(&mut rest)?;
    }
    Ok(Some(Subtrees(contents)))
}

/// `GeneralSubtree`: RFC 5280 section 4.2.1.10 has its minimum zero, which DER leaves out, and its
/// maximum absent.
fn base<'a>(reader: &mut DerReader<'a>) -> der::Result<GeneralName<'a>> {
    let name = reader.sequence(GeneralName::decode)?;
    match name {
        GeneralName::Ip(octets) if !is_network(octets) => {
            let tag = Tag::ContextSpecific { constructed: false, number: TagNumber(7) };
            Err(tag.value_error().into())
        }
        name => Ok(name),
    }
}

/// An address and a mask of equal length, the mask as in CIDR (RFC 4632): ones before zeros.
fn is_network(octets: &[u8]) -> bool {
    let mask = match octets.len() {
        8 => octets.get(4..),
        32 => octets.get(16..),
        _ => None,
    };
    mask.is_some_and(|mask| {
        let mut from_first_zero = mask.iter().skip_while(|&&octet| octet == 0xff);
        let boundary = from_first_zero.next().copied().unwrap_or(0);
        boundary.leading_ones() == boundary.count_ones() && from_first_zero.all(|&octet| octet == 0)
    })
}

impl<'a> Iterator for Subtrees<'a> {
    type Item = GeneralName<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        take_first(&mut self.0, base)
    }
}
