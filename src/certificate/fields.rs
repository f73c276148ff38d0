//! The fields of a `Certificate` (RFC 5280 section 4.1): where they lie, found and checked once.

use der::asn1::BitStringRef;
use der::{Tag, TagMode, TagNumber};

use super::attribute_values::AttributeValues;
use super::reader::{DerReader, NotUsual, ReadError};
use super::{
    CertificateError, DistinguishedName, Extensions, InField, Span, Timestamp, Validity, algorithm,
    element, integer, octets, time,
};

/// Where the fields lie in the DER. A span covers tag, length and contents unless it says otherwise.
#[derive(Debug, PartialEq)]
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

    /// Reads a whole certificate, and checks its structure. Nearly all are encoded as is usual, and only the others are
    /// read by somebody who knows what else there may be, and what is wrong.
    pub(super) fn read(&mut self, der: &[u8]) -> Result<(), CertificateError> {
        match self.parse::<NotUsual>(der) {
            Ok(()) => {
                #[cfg(fuzzing)]
                self.assert_that_der_agrees(der);
                Ok(())
            }
            Err(NotUsual) => self.read_with_der(der),
        }
    }

    #[cold]
    fn read_with_der(&mut self, der: &[u8]) -> Result<(), CertificateError> {
        *self = Self::NONE;
        self.parse::<der::Error>(der)
    }

    #[cfg(fuzzing)]
    fn assert_that_der_agrees(&self, der: &[u8]) {
        let mut with_der = Self::NONE;
        let is_read = with_der.read_with_der(der).is_ok();
        assert!(is_read && *self == with_der, "{self:?}, and with der {with_der:?}");
    }

    #[inline]
    fn parse<E: ReadError>(&mut self, der: &[u8]) -> Result<(), E::InField> {
        let mut reader = DerReader::<E>::failing_with(der)?;
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
            Ok::<_, E::InField>(())
        })?;
        reader.finish()?;
        for name in [self.issuer, self.subject] {
            let values = DistinguishedName::values::<E>(name.of(der)).in_field("name")?;
            self.attribute_values.are_text &= values.are_text;
            self.attribute_values.are_sound &= values.are_sound;
        }
        Ok(())
    }

    /// The fields of `TBSCertificate`.
    fn parse_tbs<E: ReadError>(&mut self, tbs: &mut DerReader<'_, E>) -> Result<(), E::InField> {
        // DER leaves out a default, so an explicit version 1 is an error of encoding.
        self.version = match version(tbs).in_field("version")? {
            None => 1,
            Some(version @ 1..=2) => version + 1,
            Some(_) => return Err(fault::<E>(Tag::Integer.value_error())).in_field("version"),
        };
        self.serial_number = integer(tbs).in_field("serialNumber")?;
        self.inner_signature_algorithm = algorithm(tbs).in_field("signature")?;
        self.issuer = element(tbs, Tag::Sequence).in_field("issuer")?;
        self.validity = tbs
            .sequence(|validity| {
                let (not_before, not_after) = (time(validity)?, time(validity)?);
                Ok::<_, E>(Validity { not_before, not_after })
            })
            .in_field("validity")?;
        self.subject = element(tbs, Tag::Sequence).in_field("subject")?;
        self.public_key = element(tbs, Tag::Sequence).in_field("subjectPublicKeyInfo")?;
        let of_issuer = has_unique_identifier(tbs, 1).in_field("issuerUniqueID")?;
        let of_subject = has_unique_identifier(tbs, 2).in_field("subjectUniqueID")?;
        self.has_unique_identifiers = of_issuer | of_subject;
        // RFC 5280 section 4.1.2.9: extensions are version 3's.
        if self.version < 3 && !tbs.is_finished() {
            return Err(fault::<E>(Tag::Sequence.unexpected_error(None))).in_field("extensions");
        }
        self.extensions.parse(tbs)
    }
}

fn fault<E: ReadError>(fault: der::ErrorKind) -> E {
    der::Error::from(fault).into()
}

fn version<E: ReadError>(tbs: &mut DerReader<'_, E>) -> Result<Option<u8>, E> {
    // Version 3, as nearly all are.
    if tbs.clone().usual(0xa0) == Some(&[2, 1, 2]) {
        tbs.usual(0xa0);
        return Ok(Some(2));
    }
    tbs.context_specific::<u8>(TagNumber(0), TagMode::Explicit)
}

/// Reads an `issuerUniqueID` or `subjectUniqueID`, and says whether there is one.
#[inline(always)]
fn has_unique_identifier<E: ReadError>(tbs: &mut DerReader<'_, E>, number: u32) -> Result<bool, E> {
    let string = tbs.context_specific::<BitStringRef<'_>>(TagNumber(number), TagMode::Implicit)?;
    Ok(string.is_some())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use proptest::sample::Index;
    use rcgen::{
        BasicConstraints, CertificateParams, CrlDistributionPoint, CustomExtension, DnType,
        DnValue, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, KeyPair, KeyUsagePurpose,
        NameConstraints, SanType, date_time_ymd,
    };

    use super::*;

    fn usual() -> CertificateParams {
        let mut params = CertificateParams::new(["worker.acme.internal".to_owned()]).unwrap();
        params.subject_alt_names.extend([
            SanType::URI("spiffe://acme/worker".try_into().unwrap()),
            SanType::IpAddress([10, 0, 0, 7].into()),
        ]);
        params.distinguished_name.push(DnType::CountryName, "DE");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.not_after = date_time_ymd(2030, 1, 1);
        params
    }

    fn of_an_authority() -> CertificateParams {
        let mut params = usual();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(3));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("acme.internal".to_owned())],
            excluded_subtrees: Vec::new(),
        });
        params.crl_distribution_points =
            vec![CrlDistributionPoint { uris: vec!["http://crl.acme.internal/1".to_owned()] }];
        params
    }

    /// A directory name among the names, policies, and an extension that nobody knows.
    fn of_rare_extensions() -> CertificateParams {
        let name = b"\x31\x0c\x30\x0a\x06\x03\x55\x04\x03\x0c\x03one";
        let extensions: [(&[u64], &[u8]); 5] = [
            (&[2, 5, 29, 17], &[b"\x30\x12\xa4\x10\x30\x0e", &name[..]].concat()),
            (&[2, 5, 29, 32], b"\x30\x07\x30\x05\x06\x03\x2a\x03\x04"),
            (&[2, 5, 29, 36], b"\x30\x03\x80\x01\x05"),
            (&[2, 5, 29, 54], b"\x02\x01\x02"),
            (&[1, 2, 3, 4], b"\x05\x00"),
        ];
        let extensions =
            extensions.map(|(id, value)| CustomExtension::from_oid_content(id, value.to_vec()));
        let mut params = usual();
        params.subject_alt_names.clear();
        params.custom_extensions = extensions.to_vec();
        params
    }

    /// Valid after 2049, which asks for another type of time.
    fn lasting() -> CertificateParams {
        let mut params = usual();
        params.not_after = date_time_ymd(2060, 1, 1);
        params
    }

    fn with_an_old_string() -> CertificateParams {
        let mut params = usual();
        let text = DnValue::TeletexString("Acme".try_into().unwrap());
        params.distinguished_name.push(DnType::OrganizationName, text);
        params
    }

    fn der_of(params: &CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        params.self_signed(&key).unwrap().der().to_vec()
    }

    fn read_without_der(der: &[u8]) -> Option<Fields> {
        let mut fields = Fields::NONE;
        fields.parse::<NotUsual>(der).ok().map(|()| fields)
    }

    fn read(der: &[u8]) -> Result<Fields, String> {
        let mut fields = Fields::NONE;
        fields.read(der).map(|()| fields).map_err(|error| error.to_string())
    }

    fn read_with_der(der: &[u8]) -> Result<Fields, String> {
        let mut fields = Fields::NONE;
        fields.read_with_der(der).map(|()| fields).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_usual_is_read_without_der() {
        for params in [usual(), of_an_authority(), of_rare_extensions()] {
            assert!(read_without_der(&der_of(&params)).is_some());
        }
    }

    #[test]
    fn what_is_not_usual_is_read_with_der() {
        for params in [lasting(), with_an_old_string()] {
            let der = der_of(&params);
            assert_eq!(read_without_der(&der), None);
            assert_eq!(read(&der), read_with_der(&der));
            assert!(read(&der).is_ok());
        }
    }

    /// Any, and often a tag or the beginning of a length.
    fn octet() -> impl Strategy<Value = u8> {
        const TAGS: &[u8] = &[
            1, 2, 3, 4, 5, 6, 12, 18, 19, 20, 22, 23, 24, 26, 27, 28, 30, 48, 49, 0x80, 0x81, 0x82,
            0x84, 0xa0, 0xa3,
        ];
        prop_oneof![any::<u8>(), proptest::sample::select(TAGS)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn what_is_read_without_der_is_what_is_read_with_it(
            certificate in any::<Index>(),
            changes in proptest::collection::vec((any::<Index>(), octet()), 0..3),
            cut in proptest::option::weighted(0.1, any::<Index>()),
        ) {
            static CERTIFICATES: LazyLock<[Vec<u8>; 5]> = LazyLock::new(|| {
                [usual(), of_an_authority(), of_rare_extensions(), lasting(), with_an_old_string()]
                    .map(|params| der_of(&params))
            });
            let mut der = certificate.get(&*CERTIFICATES).clone();
            for (place, octet) in changes {
                *place.get_mut(&mut der) = octet;
            }
            if let Some(cut) = cut {
                der.truncate(cut.index(der.len()));
            }
            let with_der = read_with_der(&der);
            if let Some(fields) = read_without_der(&der) {
                prop_assert_eq!(Ok(&fields), with_der.as_ref());
            }
            prop_assert_eq!(read(&der), with_der);
        }
    }
}
