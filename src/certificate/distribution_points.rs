//! Where revocation lists come from (RFC 5280 sections 4.2.1.13, 4.2.1.15 and 5.2.5) without a copy.

use der::asn1::BitStringRef;
use der::{Decode, Tag, TagMode, TagNumber};
use x509_cert::attr::AttributeTypeAndValue;

use super::extension_values::named_bits;
use super::general_name::GeneralNames;
use super::reader::DerReader;
use super::tagged_contents;

/// ```text
/// DistributionPoint ::= SEQUENCE {
///      distributionPoint       [0]     DistributionPointName OPTIONAL,
///      reasons                 [1]     ReasonFlags OPTIONAL,
///      cRLIssuer               [2]     GeneralNames OPTIONAL }
/// ```
#[derive(Debug, Clone)]
pub(crate) struct DistributionPoint<'a> {
    pub(crate) name: Option<PointName<'a>>,
    pub(crate) reasons: Option<Reasons>,
    pub(crate) crl_issuer: Option<GeneralNames<'a>>,
}

/// `DistributionPointName`.
#[derive(Debug, Clone)]
pub(crate) enum PointName<'a> {
    Full(GeneralNames<'a>),
    /// The contents of a `RelativeDistinguishedName`, to be added to the CRL issuer's name.
    Relative(&'a [u8]),
}

/// `ReasonFlags`, as the bits of the same number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reasons(u16);

impl Reasons {
    /// Bits 1 to 8: bit 0 is not used.
    pub(crate) const ALL: Self = Self(0b1_1111_1110);

    pub(crate) fn of_bits(bits: &BitStringRef<'_>) -> der::Result<Self> {
        named_bits(bits)?;
        let set = (1..9).filter(|&bit| bits.get(bit) == Some(true));
        Ok(Self(set.fold(0, |reasons, bit| reasons | 1 << bit)))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The points of a DER `CRLDistributionPoints`: at least one.
pub(crate) fn distribution_points(der: &[u8]) -> der::Result<Vec<DistributionPoint<'_>>> {
    let mut reader = DerReader::new(der)?;
    let points = reader.sequence(|points| {
        let mut found = Vec::new();
        while !points.is_finished() {
            found.push(points.sequence(DistributionPoint::decode)?);
        }
        Ok::<_, der::Error>(found)
    })?;
    reader.finish()?;
    if points.is_empty() {
        return Err(Tag::Sequence.length_error().into());
    }
    Ok(points)
}

impl<'a> DistributionPoint<'a> {
    fn decode(reader: &mut DerReader<'a>) -> der::Result<Self> {
        let name = PointName::decode(reader, 0)?;
        let reasons = reader
            .context_specific::<BitStringRef<'_>>(TagNumber(1), TagMode::Implicit)?
            .map(|bits| Reasons::of_bits(&bits))
            .transpose()?;
        let crl_issuer = match contents(reader, 2)? {
            Some(contents) => Some(GeneralNames::at_least_one(contents)?),
            None => None,
        };
        // Section 4.2.1.13: one of the two is there.
        match name.is_some() || crl_issuer.is_some() {
            true => Ok(Self { name, reasons, crl_issuer }),
            false => Err(Tag::Sequence.length_error().into()),
        }
    }
}

impl<'a> PointName<'a> {
    /// Reads the field of the given number if it is there. A CHOICE keeps its own tag inside it.
    pub(crate) fn decode(reader: &mut DerReader<'a>, number: u32) -> der::Result<Option<Self>> {
        let Some(choice) = contents(reader, number)? else {
            return Ok(None);
        };
        let mut reader = DerReader::new(choice)?;
        let name = if let Some(names) = contents(&mut reader, 0)? {
            Self::Full(GeneralNames::at_least_one(names)?)
        } else if let Some(attributes) = contents(&mut reader, 1)? {
            let mut rest = DerReader::new(attributes)?;
            while !rest.is_finished() {
                AttributeTypeAndValue::decode(&mut rest)?;
            }
            Self::Relative(attributes)
        } else {
            return Err(Tag::Sequence.value_error().into());
        };
        reader.finish()?;
        Ok(Some(name))
    }
}

/// The contents of a constructed element with a context-specific tag, if it comes next.
fn contents<'a>(reader: &mut DerReader<'a>, number: u32) -> der::Result<Option<&'a [u8]>> {
    Ok(tagged_contents(reader, number, true)?.map(|(_, contents)| contents))
}
