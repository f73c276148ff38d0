//! The seam: a certificate authority that issues, gives out again and revokes certificates.
//!
//! [`CertificateAuthority`] is what a program depends on. It says what AWS Private CA's API and a
//! local CA can both do, in the words of RFC 5280.

#[cfg(feature = "aws")]
pub mod acm_pca;
#[cfg(feature = "aws")]
pub mod aws;
mod error;
pub mod fleet;
#[cfg(feature = "local")]
pub mod local;
mod revocation;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use sha2::{Digest, Sha256};

pub use error::{CaError, CaState, CredentialsProblem};
pub use revocation::{Revocation, RevocationReason};

use crate::certificate::{
    Certificate, CertificateChain, DistinguishedName, KeyUsage, SubjectAlternativeName, Timestamp,
    Validity,
};
use crate::request::CertificateRequest;

/// A certificate authority.
///
/// Implementations are shared between tasks, so every method takes `&self`. In tests of a crate
/// that depends on this one, use `LocalCa::in_memory` (feature `local`) for real
/// certificates, or `MockCertificateAuthority` (feature `mock`) to provoke errors.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait CertificateAuthority: fmt::Debug + Send + Sync {
    /// The CA's own certificate, followed by those above it up to the root.
    ///
    /// # Errors
    /// [`CaError`], for a backend that has to ask for it.
    async fn certificate_chain(&self) -> Result<CertificateChain, CaError>;

    /// Issues a certificate: asks for it, and waits until it is there.
    ///
    /// # Errors
    /// Those of [`CertificateAuthority::submit`] and [`CertificateAuthority::certificate`].
    async fn issue(&self, request: IssueRequest) -> Result<IssuedCertificate, CaError> {
        let id = self.submit(request).await?;
        self.certificate(id.clone()).await.map_err(|error| error.about(id))
    }

    /// Asks for a certificate without waiting for it. Whoever saves the id can fetch the
    /// certificate with it, even after a crash.
    ///
    /// With an idempotency key, the same request again gives the same id, and another request is
    /// never answered with it: a CA that remembers the key refuses, and one that does not (AWS
    /// Private CA remembers it for five minutes) issues another certificate.
    ///
    /// # Errors
    /// [`CaError`]; nothing was issued, unless the error says that this is unknown.
    async fn submit(&self, request: IssueRequest) -> Result<CertificateId, CaError>;

    /// Gives out a certificate that was asked for, and waits for it if it is not issued yet.
    ///
    /// # Errors
    /// [`CaError::NotFound`] if this CA knows none with that id; [`CaError::Unfinished`] if it is
    /// not issued in time.
    async fn certificate(&self, id: CertificateId) -> Result<IssuedCertificate, CaError>;

    /// Revokes an issued certificate. Temporal Cloud checks no revocation lists: a revoked worker
    /// stays connected there until a certificate filter or a new CA keeps it out.
    ///
    /// # Errors
    /// [`CaError::NotFound`], or [`CaError::AlreadyRevoked`].
    async fn revoke(&self, revocation: Revocation) -> Result<(), CaError>;
}

/// What a certificate is for. It decides basic constraints, key usage and extended key usage; on
/// AWS Private CA it chooses the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CertificatePurpose {
    /// A TLS client, such as a Temporal worker: clientAuth.
    Client,
    /// A TLS server: serverAuth.
    Server,
    /// Both sides of TLS.
    ClientAndServer,
    /// A CA below this one.
    SubordinateCa {
        /// How many further CAs may follow below it; `None` for any number.
        path_len: Option<u8>,
    },
}

impl CertificatePurpose {
    /// The key usage that the purpose asks for (RFC 5280 section 4.2.1.3).
    #[must_use]
    pub fn key_usage(self) -> KeyUsage {
        match self {
            Self::SubordinateCa { .. } => {
                KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_CERT_SIGN | KeyUsage::CRL_SIGN
            }
            // RSA key exchange is gone from TLS 1.3 and from every sane TLS 1.2.
            Self::Client | Self::Server | Self::ClientAndServer => KeyUsage::DIGITAL_SIGNATURE,
        }
    }
}

/// When a certificate ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ValidityEnd {
    /// So many days of 86,400 seconds after its start.
    Days(u32),
    /// The same day and time so many months later, or the last day of that month.
    Months(u32),
    /// The same day and time so many years later.
    Years(u32),
    /// At this moment, to the second.
    At(Timestamp),
}

impl ValidityEnd {
    /// The moment that is meant, counted from `start`.
    #[must_use]
    pub fn after(self, start: Timestamp) -> Timestamp {
        match self {
            Self::Days(days) => start.plus(Duration::from_secs(86_400) * days),
            Self::Months(months) => start.plus_months(months),
            Self::Years(years) => start.plus_months(years.saturating_mul(12)),
            Self::At(end) => end,
        }
    }
}

/// When a certificate starts and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RequestedValidity {
    /// The start. Without one it is [`CLOCK_SKEW`] before the moment of issuing, but never before
    /// the CA's own, and the end is counted from the moment of issuing.
    pub not_before: Option<Timestamp>,
    /// The end.
    pub end: ValidityEnd,
}

/// How far a start that was not asked for lies in the past, so that a certificate can be used at
/// once where a clock is slow. AWS Private CA does the same.
pub const CLOCK_SKEW: Duration = Duration::from_secs(3600);

impl RequestedValidity {
    /// From now on, for so many days.
    #[must_use]
    pub fn days(days: u32) -> Self {
        Self::ending(ValidityEnd::Days(days))
    }

    /// From now on, until `end`.
    #[must_use]
    pub fn until(end: Timestamp) -> Self {
        Self::ending(ValidityEnd::At(end))
    }

    /// From now on, until an end of any kind.
    #[must_use]
    pub fn ending(end: ValidityEnd) -> Self {
        Self { not_before: None, end }
    }

    /// With this start.
    #[must_use]
    pub fn starting(mut self, not_before: Timestamp) -> Self {
        self.not_before = Some(not_before);
        self
    }

    /// The moments that are meant when a CA that is itself valid in `ca` issues `now`.
    ///
    /// # Errors
    /// [`CaError::OutlivesCa`] and [`CaError::StartsBeforeCa`] (also where the CA itself has not
    /// started yet) say by how much;
    /// [`CaError::EmptyValidity`] if the end is not after the start.
    pub fn within(self, ca: Validity, now: Timestamp) -> Result<Validity, CaError> {
        if self.not_before.is_none() && now < ca.not_before {
            return Err(CaError::StartsBeforeCa { requested: now, ca_not_before: ca.not_before });
        }
        let start = self.not_before.unwrap_or(now);
        let not_after = self.end.after(start);
        let not_before =
            self.not_before.unwrap_or_else(|| now.minus(CLOCK_SKEW).max(ca.not_before));
        if not_after > ca.not_after {
            return Err(CaError::OutlivesCa { requested: not_after, ca_not_after: ca.not_after });
        }
        if not_before < ca.not_before {
            return Err(CaError::StartsBeforeCa {
                requested: not_before,
                ca_not_before: ca.not_before,
            });
        }
        if not_after <= start {
            return Err(CaError::EmptyValidity { not_before: start, not_after });
        }
        Ok(Validity { not_before, not_after })
    }
}

/// What is asked of a CA.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssueRequest {
    /// The request whose key the certificate is for.
    pub certificate_request: CertificateRequest,
    /// The subject, where it is not to be the request's own.
    pub subject: Option<DistinguishedName>,
    /// The subject alternative names, where they are not to be the request's own.
    pub subject_alternative_names: Option<Vec<SubjectAlternativeName>>,
    /// What the certificate is for.
    pub purpose: CertificatePurpose,
    /// The key usage, where it is not to be the purpose's own.
    pub key_usage: Option<KeyUsage>,
    /// When it starts and ends.
    pub validity: RequestedValidity,
    /// The same key with the same request gives the same certificate. A local CA remembers it for
    /// ever; AWS Private CA for five minutes.
    pub idempotency_key: Option<String>,
}

impl IssueRequest {
    /// A certificate as the signing request describes it.
    #[must_use]
    pub fn new(
        certificate_request: CertificateRequest,
        purpose: CertificatePurpose,
        validity: RequestedValidity,
    ) -> Self {
        Self {
            certificate_request,
            subject: None,
            subject_alternative_names: None,
            purpose,
            key_usage: None,
            validity,
            idempotency_key: None,
        }
    }

    /// With this subject instead of the signing request's.
    #[must_use]
    pub fn with_subject(mut self, subject: DistinguishedName) -> Self {
        self.subject = Some(subject);
        self
    }

    /// With these subject alternative names instead of the signing request's.
    #[must_use]
    pub fn with_subject_alternative_names(mut self, names: Vec<SubjectAlternativeName>) -> Self {
        self.subject_alternative_names = Some(names);
        self
    }

    /// With this key usage instead of the purpose's.
    #[must_use]
    pub fn with_key_usage(mut self, key_usage: KeyUsage) -> Self {
        self.key_usage = Some(key_usage);
        self
    }

    /// With this idempotency key.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

impl IssueRequest {
    /// Whether a CA's answer is what was asked: key, subject, subject alternative names, a CA's
    /// certificate of that path length or none, and a key usage that was asked for. AWS Private CA can
    /// ignore without a word what a template does not take from the request. Extended key usage is the
    /// template's, and validity the CA's to cut. Backends check this themselves in
    /// [`issue`](CertificateAuthority::issue); whoever calls [`submit`](CertificateAuthority::submit)
    /// and [`certificate`](CertificateAuthority::certificate) apart does it here.
    ///
    /// # Errors
    /// [`CaError::WrongAnswer`] with the id, because a certificate that is wrong exists all the same.
    pub fn check(&self, issued: &IssuedCertificate) -> Result<(), CaError> {
        let certificate = &issued.certificate;
        let wrong = |reason: &str| {
            Err(CaError::WrongAnswer { id: issued.id.clone(), reason: reason.to_owned() })
        };
        if certificate.public_key_der() != self.certificate_request.public_key_der() {
            return wrong("it is for another key than the signing request's");
        }
        let asked_ca = matches!(self.purpose, CertificatePurpose::SubordinateCa { .. });
        match (asked_ca, certificate.is_ca()) {
            (true, false) => return wrong("it is no CA's certificate (RFC 5280 section 4.2.1.9)"),
            (false, true) => return wrong("it is a CA's certificate (RFC 5280 section 4.2.1.9)"),
            _ => {}
        }
        if let CertificatePurpose::SubordinateCa { path_len } = self.purpose
            && certificate.basic_constraints().and_then(|bounds| bounds.path_len) != path_len
        {
            return wrong("its path length is not the one that was asked for");
        }
        let given = &self.certificate_request;
        let names =
            self.subject_alternative_names.as_deref().unwrap_or(given.subject_alternative_names());
        let written = certificate.subject_alternative_names();
        if names.iter().any(|name| !written.contains(name))
            || written.iter().any(|name| !names.contains(name))
        {
            return wrong("its subject alternative names are not those that were asked for");
        }
        let subject = self.subject.as_ref().unwrap_or(given.subject());
        if !subject.has_attributes_of(&certificate.subject()) {
            return wrong("its subject is not the one that was asked for");
        }
        if self.key_usage.is_some_and(|usage| certificate.key_usage() != Some(usage)) {
            return wrong("its key usage is not the one that was asked for");
        }
        Ok(())
    }

    /// What two requests have in common when they ask for the same, in hexadecimal. It is stored,
    /// so its form does not follow that of the types: each field has a line with its name.
    pub(crate) fn fingerprint(&self) -> Result<String, CaError> {
        let names = |names: &[SubjectAlternativeName]| {
            crate::certificate::encode_subject_alternative_names(names)
                .map(|der| base16ct::lower::encode_string(&der))
                .map_err(|error| CaError::Backend {
                    operation: "encoding the names",
                    source: Box::new(error),
                })
        };
        let request = &self.certificate_request;
        let subject = self.subject.as_ref().unwrap_or(request.subject());
        let alternative_names = self
            .subject_alternative_names
            .as_deref()
            .unwrap_or(request.subject_alternative_names());
        let purpose = match self.purpose {
            CertificatePurpose::Client => "client".to_owned(),
            CertificatePurpose::Server => "server".to_owned(),
            CertificatePurpose::ClientAndServer => "client and server".to_owned(),
            CertificatePurpose::SubordinateCa { path_len: None } => "ca".to_owned(),
            CertificatePurpose::SubordinateCa { path_len: Some(length) } => format!("ca {length}"),
        };
        let end = match self.validity.end {
            ValidityEnd::Days(days) => format!("{days} days"),
            ValidityEnd::Months(months) => format!("{months} months"),
            ValidityEnd::Years(years) => format!("{years} years"),
            ValidityEnd::At(end) => end.to_string(),
        };
        let start = self.validity.not_before.map(|start| start.to_string()).unwrap_or_default();
        let canonical = format!(
            "issue 1\nkey {}\nsubject {}\nnames {}\npurpose {purpose}\nusage {}\nstart {start}\nend {end}\n",
            base16ct::lower::encode_string(request.public_key_der()),
            base16ct::lower::encode_string(subject.as_der()),
            names(alternative_names)?,
            self.key_usage.unwrap_or(self.purpose.key_usage()),
        );
        Ok(hash_hex(canonical.as_bytes()))
    }
}

/// SHA-256 in hexadecimal.
pub(crate) fn hash_hex(data: &[u8]) -> String {
    base16ct::lower::encode_string(&Sha256::digest(data))
}

/// What a CA calls a certificate it issued: an ARN on AWS, the serial number in hexadecimal on a
/// local CA.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CertificateId(String);

impl CertificateId {
    /// The id as the CA gave it.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as the CA gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A certificate and the chain above it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedCertificate {
    /// What the CA calls it.
    pub id: CertificateId,
    /// The certificate itself.
    pub certificate: Certificate,
    /// The issuing CA's certificate, followed by those above it up to the root.
    pub chain: CertificateChain,
}

impl IssuedCertificate {
    /// The certificate that `id` stands for, under `chain`.
    #[must_use]
    pub fn new(id: CertificateId, certificate: Certificate, chain: CertificateChain) -> Self {
        Self { id, certificate, chain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ca() -> Validity {
        Validity {
            not_before: moment("2026-01-01T00:00:00Z"),
            not_after: moment("2036-01-01T00:00:00Z"),
        }
    }

    #[test]
    fn periods_count_from_the_moment_of_issuing_and_starts_lie_an_hour_back() {
        let now = moment("2026-06-01T12:00:00Z");
        let validity = RequestedValidity::days(30).within(ca(), now).unwrap();
        assert_eq!(validity.not_before, moment("2026-06-01T11:00:00Z"));
        assert_eq!(validity.not_after, moment("2026-07-01T12:00:00Z"));
        let at_birth = RequestedValidity::days(30).within(ca(), ca().not_before).unwrap();
        assert_eq!(at_birth.not_before, ca().not_before);
    }

    #[test]
    fn what_the_ca_cannot_cover_says_by_how_much() {
        let now = moment("2026-06-01T12:00:00Z");
        let end = moment("2036-01-04T00:00:00Z");
        let error = RequestedValidity::until(end).within(ca(), now).unwrap_err();
        assert!(error.to_string().contains("3 days after its CA"), "{error}");
        let start = moment("2025-12-31T23:59:00Z");
        let error = RequestedValidity::days(1).starting(start).within(ca(), now).unwrap_err();
        assert!(error.to_string().contains("60 seconds before its CA"), "{error}");
        let before_the_ca = moment("2025-06-01T00:00:00Z");
        assert!(matches!(
            RequestedValidity::days(30).within(ca(), before_the_ca),
            Err(CaError::StartsBeforeCa { .. })
        ));
        let month = RequestedValidity::ending(ValidityEnd::Months(1)).starting(ca().not_before);
        let year = RequestedValidity::ending(ValidityEnd::Years(1)).starting(ca().not_before);
        let end = |validity: RequestedValidity| validity.within(ca(), now).unwrap().not_after;
        assert_eq!(end(month), moment("2026-02-01T00:00:00Z"));
        assert_eq!(end(year), moment("2027-01-01T00:00:00Z"));
        assert!(matches!(
            RequestedValidity::days(0).within(ca(), now),
            Err(CaError::EmptyValidity { .. })
        ));
    }
}
