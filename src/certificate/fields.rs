//! The fields of a `Certificate` (RFC 5280 section 4.1): where they lie, found and checked once.

use der::asn1::BitStringRef;
use der::{Reader, Tag, TagMode, TagNumber};

use super::attribute_values::AttributeValues;
use super::{
    CertificateError, DerReader, DistinguishedName, Extensions, InField, Span, Timestamp, Validity,
    algorithm, element, integer, octets, time,
};

/// Where the fields lie in the DER. A span covers tag, length and contents unless it says otherwise.
pub(super) struct Fields {
    pub(super) version: u8,
    pub(super) tbs: Span,
    /// Contents of the INTEGER.
    pub(super) serial_number: Span,
    pub(super) inner_signature_algorithm: Span,
    pub(super) issuer: Span,
    pub(super) validity: Validity,
    pub(super) subject: Span,
    pub(super) public_key: Span,
    pub(super) has_unique_identifiers: bool,
    pub(super) extensions: Extensions,
    pub(super) signature_algorithm: Span,
    /// Whether it is the same as inside.
    pub(super) algorithms_agree: bool,
    /// The octets of the BIT STRING.
    pub(super) signature: Span,
    /// Of issuer and subject.
    pub(super) attribute_values: AttributeValues,
}

impl Fields {
    /// Before they are read.
    pub(super) const NONE: Self = {
        let never = Validity { not_before: Timestamp::MAX, not_after: Timestamp::MIN };
        Self {
            version: 0,
            tbs: Span::NONE,
            serial_number: Span::NONE,
            inner_signature_algorithm: Span::NONE,
            issuer: Span::NONE,
            validity: never,
            subject: Span::NONE,
            public_key: Span::NONE,
            has_unique_identifiers: false,
            extensions: Extensions::NONE,
            signature_algorithm: Span::NONE,
            algorithms_agree: false,
            signature: Span::NONE,
            attribute_values: AttributeValues::NONE,
        }
    };

    /// Reads a whole certificate, and checks its structure.
    pub(super) fn parse(&mut self, der: &[u8]) -> Result<(), CertificateError> {
        let mut reader = DerReader::new(der)?;
        reader.sequence(|certificate| {
            let start = certificate.place();
            certificate.sequence(|tbs| self.parse_tbs(tbs))?;
            self.tbs = Span::new(start, certificate.place());
            let start = certificate.place();
            let inner = self.inner_signature_algorithm.of(der);
            self.algorithms_agree = certificate.skip_if_same(inner);
            self.signature_algorithm = match self.algorithms_agree {
                true => Span::new(start, certificate.place()),
                false => algorithm(certificate).in_field("signatureAlgorithm")?,
            };
            self.signature = octets(certificate).in_field("signatureValue")?;
            Ok::<_, CertificateError>(())
        })?;
        reader.finish()?;
        for name in [self.issuer, self.subject] {
            let values = DistinguishedName::values(name.of(der)).in_field("name")?;
            self.attribute_values.are_text &= values.are_text;
            self.attribute_values.are_sound &= values.are_sound;
        }
        Ok(())
    }

    /// The fields of `TBSCertificate`.
    fn parse_tbs(&mut self, tbs: &mut DerReader<'_>) -> Result<(), CertificateError> {
        // DER leaves out a default, so an explicit version 1 is an error of encoding.
        self.version = match version(tbs).in_field("version")? {
            None => 1,
            Some(version @ 1..=2) => version + 1,
            Some(_) => return Err(Tag::Integer.value_error().into()).in_field("version"),
        };
        self.serial_number = integer(tbs).in_field("serialNumber")?;
        self.inner_signature_algorithm = algorithm(tbs).in_field("signature")?;
        self.issuer = element(tbs, Tag::Sequence).in_field("issuer")?;
        self.validity = tbs
            .sequence(|validity| {
                let (not_before, not_after) = (time(validity)?, time(validity)?);
                Ok::<_, der::Error>(Validity { not_before, not_after })
            })
            .in_field("validity")?;
        self.subject = element(tbs, Tag::Sequence).in_field("subject")?;
        self.public_key = element(tbs, Tag::Sequence).in_field("subjectPublicKeyInfo")?;
        let of_issuer = has_unique_identifier(tbs, 1).in_field("issuerUniqueID")?;
        let of_subject = has_unique_identifier(tbs, 2).in_field("subjectUniqueID")?;
        self.has_unique_identifiers = of_issuer | of_subject;
        // RFC 5280 section 4.1.2.9: extensions are version 3's.
        if self.version < 3 && !tbs.is_finished() {
            return Err(Tag::Sequence.unexpected_error(None).into()).in_field("extensions");
        }
        self.extensions.parse(tbs)
    }
}

fn version(tbs: &mut DerReader<'_>) -> der::Result<Option<u8>> {
    // Version 3, as nearly all are.
    if tbs.clone().usual(0xa0) == Some(&[2, 1, 2]) {
        tbs.usual(0xa0);
        return Ok(Some(2));
    }
    tbs.context_specific::<u8>(TagNumber(0), TagMode::Explicit)
}

/// Reads an `issuerUniqueID` or `subjectUniqueID`, and says whether there is one.
#[inline(always)]
fn has_unique_identifier(tbs: &mut DerReader<'_>, number: u32) -> der::Result<bool> {
    let string = tbs.context_specific::<BitStringRef<'_>>(TagNumber(number), TagMode::Implicit)?;
    Ok(string.is_some())
}
