//! X.509 certificates and chains: parsed once, PEM or DER in and out.
//!
//! [`Certificate`] keeps the DER it was read from and the places of its fields in it, so nothing
//! is re-encoded: names, keys and the signed part are compared and hashed as their issuer wrote
//! them. Parsing checks structure (RFC 5280 section 4.1); whether a certificate may be believed is
//! for [`verify`](crate::verify).

mod attribute_values;
mod canonical_name;
mod chain;
pub(crate) mod distribution_points;
mod elements;
mod error;
mod extension_values;
mod extensions;
mod fields;
pub(crate) mod general_name;
mod name;
pub(crate) mod policies;
mod reader;
mod serial_number;
mod span;
mod subject_alternative_name;
pub(crate) mod subtrees;
mod timestamp;

use std::fmt;

use const_oid::ObjectIdentifier;
use der::Decode;
use der::asn1::AnyRef;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use triomphe::{Arc, HeaderSlice};

use attribute_values::AttributeValues;
pub(crate) use canonical_name::CanonicalName;
pub use chain::CertificateChain;
pub(crate) use elements::{
    algorithm, bit_string, contents, element, identifier, integer, octets, tagged_contents, time,
};
pub use error::CertificateError;
pub(crate) use error::InField;
pub(crate) use extension_values::{AuthorityKeyIdentifier, named_bits};
pub use extensions::{BasicConstraints, KeyUsage};
pub(crate) use extensions::{Extensions, Known, KnownSet, Purposes, oid};
pub use name::{DistinguishedName, NameError};
pub(crate) use reader::DerReader;
pub use serial_number::{SerialNumber, SerialNumberError};
pub(crate) use span::Span;
pub use subject_alternative_name::{SubjectAlternativeName, SubjectAlternativeNameError};
pub(crate) use subject_alternative_name::{
    address, decode_subject_alternative_names, encode_subject_alternative_names,
};
pub(crate) use timestamp::{Count, Elapsed};
pub use timestamp::{Timestamp, TimestampError};

use crate::pem;
use distribution_points::{DistributionPoint, distribution_points};
use fields::Fields;
use general_name::{Forms, GeneralNames};
use policies::{PolicyConstraints, SkipCerts};
use subtrees::NameConstraints;

/// An X.509 certificate.
///
/// Cloning is cheap: clones share the DER.
#[derive(Clone)]
pub struct Certificate(Arc<HeaderSlice<Fields, [u8]>>);

/// The time in which a certificate may be used: from `not_before` to `not_after`, both included
/// (RFC 5280 section 4.1.2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// The first second.
    pub not_before: Timestamp,
    /// The last second.
    pub not_after: Timestamp,
}

impl Validity {
    /// Whether `moment` lies within.
    #[must_use]
    pub fn contains(&self, moment: Timestamp) -> bool {
        (self.not_before..=self.not_after).contains(&moment)
    }
}

impl Certificate {
    /// Reads one DER certificate and checks its structure.
    ///
    /// # Errors
    /// [`CertificateError::Malformed`] names the field that breaks RFC 5280 section 4.1.
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        // They are many fields to move, and so they are read to where they stay.
        let mut certificate = Arc::from_header_and_slice(Fields::NONE, der);
        match Arc::get_mut(&mut certificate) {
            Some(HeaderSlice { header, slice }) => header.read(slice)?,
            // Nobody else has it yet; who had it would not see it change.
            None => {
                let mut fields = Fields::NONE;
                fields.read(der)?;
                certificate = Arc::from_header_and_slice(fields, der);
            }
        }
        Ok(Self(certificate))
    }

    /// Reads a file that holds exactly one certificate, in PEM or DER.
    ///
    /// # Errors
    /// [`CertificateError`]; a private key in the file is an error of its own.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, CertificateError> {
        let mut certificates = CertificateChain::from_pem_or_der(bytes)?.0;
        match certificates.pop() {
            Some(certificate) if certificates.is_empty() => Ok(certificate),
            last => Err(CertificateError::NotOne {
                count: certificates.len() + usize::from(last.is_some()),
            }),
        }
    }

    #[inline]
    fn at(&self, span: Span) -> &[u8] {
        // Spans were measured on this very DER.
        span.of(&self.0.slice)
    }

    /// The value of an extension, if it has one: its DER, and of the subject key identifier its octets.
    #[inline]
    fn value(&self, extension: Known) -> Option<&[u8]> {
        self.0.header.extensions.value(extension).map(|span| self.at(span))
    }

    /// The DER encoding, as it was read.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.0.slice
    }

    /// PEM, with a newline at its end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        std::mem::take(&mut *pem::encode(pem::CERTIFICATE, &self.0.slice))
    }

    /// The version: 1, 2 or 3.
    #[must_use]
    pub fn version(&self) -> u8 {
        self.0.header.version
    }

    /// The serial number, unique within its issuer.
    #[must_use]
    pub fn serial_number(&self) -> SerialNumber {
        SerialNumber::from_der_contents(self.at(self.0.header.serial_number))
    }

    /// Contents of the INTEGER that is the serial number.
    pub(crate) fn serial_number_der(&self) -> &[u8] {
        self.at(self.0.header.serial_number)
    }

    /// Whom the certificate speaks of.
    #[must_use]
    pub fn subject(&self) -> DistinguishedName {
        DistinguishedName::from_checked_der(self.subject_der())
    }

    /// Who signed the certificate.
    #[must_use]
    pub fn issuer(&self) -> DistinguishedName {
        DistinguishedName::from_checked_der(self.issuer_der())
    }

    /// The DER of the subject's name.
    #[must_use]
    pub fn subject_der(&self) -> &[u8] {
        self.at(self.0.header.subject)
    }

    /// The DER of the issuer's name.
    #[must_use]
    pub fn issuer_der(&self) -> &[u8] {
        self.at(self.0.header.issuer)
    }

    /// When the certificate may be used.
    #[must_use]
    pub fn validity(&self) -> Validity {
        self.0.header.validity
    }

    /// The DER of the `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        self.at(self.0.header.public_key)
    }

    /// The basic constraints, if the certificate has that extension (RFC 5280 section 4.2.1.9).
    #[must_use]
    pub fn basic_constraints(&self) -> Option<BasicConstraints> {
        self.0.header.extensions.basic_constraints
    }

    /// Whether the basic constraints say that the subject is a certificate authority.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        self.basic_constraints().is_some_and(|constraints| constraints.is_ca)
    }

    /// What the key may be used for, if the certificate restricts it (RFC 5280 section 4.2.1.3).
    #[must_use]
    pub fn key_usage(&self) -> Option<KeyUsage> {
        self.0.header.extensions.key_usage
    }

    /// The purposes the key may be used for, if the certificate restricts them (RFC 5280 section 4.2.1.12).
    #[must_use]
    pub fn extended_key_usage(&self) -> Option<Vec<ObjectIdentifier>> {
        let value = self.value(Known::ExtendedKeyUsage)?;
        // Decoded once when the certificate was parsed, so it decodes again.
        Vec::from_der(value).ok()
    }

    /// Which purposes of TLS are among those; `None` if the certificate does not restrict them.
    pub(crate) fn purposes(&self) -> Option<Purposes> {
        self.0.header.extensions.purposes
    }

    /// The names the certificate is for, besides its subject (RFC 5280 section 4.2.1.6).
    #[must_use]
    pub fn subject_alternative_names(&self) -> Vec<SubjectAlternativeName> {
        let value = self.value(Known::SubjectAlternativeName);
        value.and_then(|value| decode_subject_alternative_names(value).ok()).unwrap_or_default()
    }

    /// The subject key identifier's octets (RFC 5280 section 4.2.1.2).
    #[must_use]
    pub fn subject_key_identifier(&self) -> Option<&[u8]> {
        self.value(Known::SubjectKeyIdentifier)
    }

    /// The authority key identifier's octets (RFC 5280 section 4.2.1.1).
    #[must_use]
    pub fn authority_key_identifier(&self) -> Option<&[u8]> {
        self.0.header.extensions.authority.key.map(|span| self.at(span))
    }

    /// The first critical extension that this crate does not process, if there is one.
    #[must_use]
    pub fn unknown_critical_extension(&self) -> Option<ObjectIdentifier> {
        self.0.header.extensions.unknown_critical
    }

    /// Which of the extensions this crate processes the certificate has.
    pub(crate) fn has(&self, extension: Known) -> bool {
        self.0.header.extensions.present.contains(extension)
    }

    /// Whether it has one of these extensions.
    pub(crate) fn has_any_of(&self, extensions: KnownSet) -> bool {
        self.0.header.extensions.present.has_any_of(extensions)
    }

    /// Whether it has the extension, marked as critical.
    pub(crate) fn has_critical(&self, extension: Known) -> bool {
        self.0.header.extensions.critical.contains(extension)
    }

    /// The first of these extensions that it has, marked as critical.
    #[inline(always)]
    pub(crate) fn critical_of(&self, extensions: &[Known]) -> Option<Known> {
        // Nearly all have none, and the set is made when this is compiled.
        let critical = self.0.header.extensions.critical;
        match critical.has_any_of(KnownSet::of(extensions)) {
            true => extensions.iter().copied().find(|&extension| critical.contains(extension)),
            false => None,
        }
    }

    /// The subject alternative names, in the encoding they came in.
    pub(crate) fn general_names(&self) -> GeneralNames<'_> {
        let value = self.value(Known::SubjectAlternativeName);
        let names = value.and_then(|value| DerReader::new(value).ok()?.any().ok());
        GeneralNames::of_contents(names.map_or(&[], AnyRef::value))
    }

    /// The issuer and the serial number of the authority's certificate, as far as the authority key
    /// identifier has them: the issuer's names, and the contents of the INTEGER.
    pub(crate) fn authority_certificate(&self) -> (Option<GeneralNames<'_>>, Option<&[u8]>) {
        let authority = self.0.header.extensions.authority;
        (
            authority.issuer.map(|span| GeneralNames::of_contents(self.at(span))),
            authority.serial_number.map(|span| self.at(span)),
        )
    }

    /// Which forms of names there are among the subject alternative names.
    pub(crate) fn forms_of_names(&self) -> Forms {
        self.0.header.extensions.alternative_names
    }

    /// What holds for every value in its two names.
    pub(crate) fn attribute_values(&self) -> AttributeValues {
        self.0.header.attribute_values
    }

    /// Whether there is an `issuerUniqueID` or `subjectUniqueID` (RFC 5280 section 4.1.2.8).
    pub(crate) fn has_unique_identifiers(&self) -> bool {
        self.0.header.has_unique_identifiers
    }

    /// The name constraints (RFC 5280 section 4.2.1.10).
    pub(crate) fn name_constraints(&self) -> Option<NameConstraints<'_>> {
        let value = self.value(Known::NameConstraints)?;
        NameConstraints::from_der(value).ok()
    }

    /// The certificate policies (RFC 5280 section 4.2.1.4).
    #[must_use]
    pub fn certificate_policies(&self) -> Option<Vec<ObjectIdentifier>> {
        let value = self.value(Known::CertificatePolicies)?;
        policies::certificate_policies(value).ok()
    }

    /// The policy mappings (RFC 5280 section 4.2.1.5); none if there is no such extension.
    pub(crate) fn policy_mappings(&self) -> Vec<(ObjectIdentifier, ObjectIdentifier)> {
        let value = self.value(Known::PolicyMappings);
        value.and_then(|value| policies::policy_mappings(value).ok()).unwrap_or_default()
    }

    /// The policy constraints (RFC 5280 section 4.2.1.11).
    pub(crate) fn policy_constraints(&self) -> Option<PolicyConstraints> {
        self.0.header.extensions.policy_constraints
    }

    /// After how many certificates anyPolicy is no match any more (RFC 5280 section 4.2.1.14).
    pub(crate) fn inhibit_any_policy(&self) -> SkipCerts {
        self.0.header.extensions.inhibit_any_policy
    }

    /// Where its revocation would be listed (RFC 5280 section 4.2.1.13).
    pub(crate) fn crl_distribution_points(&self) -> Vec<DistributionPoint<'_>> {
        let value = self.value(Known::CrlDistributionPoints);
        value.and_then(|value| distribution_points(value).ok()).unwrap_or_default()
    }

    /// Whether subject and issuer are the same name (RFC 5280 section 6.1).
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.subject_der() == self.issuer_der()
    }

    /// SHA-1 over the DER, which names a certificate among a few and proves nothing.
    #[must_use]
    pub fn fingerprint_sha1(&self) -> [u8; 20] {
        Sha1::digest(&self.0.slice).into()
    }

    /// SHA-256 over the DER.
    #[must_use]
    pub fn fingerprint_sha256(&self) -> [u8; 32] {
        Sha256::digest(&self.0.slice).into()
    }

    /// The part that the signature covers.
    pub(crate) fn tbs_der(&self) -> &[u8] {
        self.at(self.0.header.tbs)
    }

    /// The signature's octets.
    pub(crate) fn signature(&self) -> &[u8] {
        self.at(self.0.header.signature)
    }

    /// The `AlgorithmIdentifier` outside the signed part.
    pub(crate) fn signature_algorithm(&self) -> &[u8] {
        self.at(self.0.header.signature_algorithm)
    }

    /// Whether it is the one inside, as it has to be (RFC 5280 section 4.1.1.2).
    pub(crate) fn signature_algorithms_agree(&self) -> bool {
        self.0.header.algorithms_agree
    }
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.0.slice == other.0.slice
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject())
            .field("issuer", &self.issuer())
            .field("serial_number", &self.serial_number())
            .field("validity", &self.validity())
            .finish_non_exhaustive()
    }
}
