//! Managed certificates: the CA makes the key too, keeps both, and exports them under a
//! passphrase. It is what AWS Certificate Manager does with a private CA.

#[cfg(feature = "aws")]
pub mod acm;
mod exported;
mod failure;
#[cfg(feature = "local")]
pub mod local;

use std::fmt;

use async_trait::async_trait;

pub use exported::{
    CERTIFICATE_CHAIN_FILE, CERTIFICATE_FILE, CERTIFICATE_WITH_INTERMEDIATES_FILE,
    ExportedCertificate, PLAIN_KEY_FILE, PRIVATE_KEY_FILE, check_export_passphrase,
};
pub(crate) use exported::{prepare_folder, with_intermediates};
pub use failure::FailureReason;

use crate::authority::{CaError, CertificateId};
use crate::certificate::{Certificate, SerialNumber, SubjectAlternativeName, Timestamp, Validity};
use crate::key::{KeyAlgorithm, Passphrase};

/// Days a managed certificate is valid for: ACM gives every one 395
/// (ACM User Guide, "AWS Certificate Manager certificate characteristics and limitations").
pub const VALIDITY_DAYS: u32 = 395;

/// Certificates that are requested by domain name and exported with their keys.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait ManagedCertificates: fmt::Debug + Send + Sync {
    /// Asks for a certificate. It may take a while until it is issued; ask for its status.
    ///
    /// # Errors
    /// [`ManagedError`] if the request itself is refused.
    async fn request(&self, request: ManagedRequest) -> Result<CertificateId, ManagedError>;

    /// What the certificate is and how far it is.
    ///
    /// # Errors
    /// [`CaError::NotFound`].
    async fn describe(&self, id: CertificateId) -> Result<ManagedCertificate, ManagedError>;

    /// Waits until the certificate is issued.
    ///
    /// # Errors
    /// [`ManagedError::NotIssued`] once it is clear that it never will be;
    /// [`CaError::Unfinished`] if that is not decided in time: wait again with the same id.
    async fn wait_until_issued(
        &self,
        id: CertificateId,
    ) -> Result<ManagedCertificate, ManagedError>;

    /// The certificate, its chain, and its key under the passphrase, in the form that ACM exports.
    ///
    /// # Errors
    /// [`ManagedError::ExportPassphrase`] if the passphrase breaks ACM's rules; [`ManagedError::NotIssued`]
    /// if there is nothing to export yet, or any more.
    async fn export(
        &self,
        id: CertificateId,
        passphrase: Passphrase,
    ) -> Result<ExportedCertificate, ManagedError>;

    /// Renews the certificate, and waits until it is renewed: the same id and names, another key,
    /// another serial number, another 395 days. Copies exported before stay valid until their own
    /// end; export again to have the new one.
    ///
    /// # Errors
    /// [`ManagedError::NotRenewable`], [`ManagedError::RenewalFailed`];
    /// [`CaError::Unfinished`] if it is not renewed in time.
    async fn renew(&self, id: CertificateId) -> Result<ManagedCertificate, ManagedError>;
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedRequest {
    /// The domain name, which becomes the common name and the first DNS name: at most 64 characters.
    pub domain_name: String,
    /// Further DNS names.
    pub subject_alternative_names: Vec<String>,
    /// RSA 2048, P-256 or P-384.
    pub key_algorithm: KeyAlgorithm,
    /// The same key with the same request gives the same certificate. ACM remembers it for an hour.
    pub idempotency_key: Option<String>,
}

impl ManagedRequest {
    /// A certificate for a domain name, with an RSA 2048 key as ACM's default is.
    #[must_use]
    pub fn new(domain_name: impl Into<String>) -> Self {
        Self {
            domain_name: domain_name.into(),
            subject_alternative_names: Vec::new(),
            key_algorithm: KeyAlgorithm::RSA_2048,
            idempotency_key: None,
        }
    }

    /// With these further DNS names.
    #[must_use]
    pub fn with_subject_alternative_names(mut self, names: Vec<String>) -> Self {
        self.subject_alternative_names = names;
        self
    }

    /// With this kind of key.
    #[must_use]
    pub fn with_key_algorithm(mut self, algorithm: KeyAlgorithm) -> Self {
        self.key_algorithm = algorithm;
        self
    }

    /// With this idempotency key.
    #[must_use]
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// The names as a certificate carries them, checked by ACM's rules.
    ///
    /// # Errors
    /// [`ManagedError::DomainName`] with the rule that is broken.
    pub fn checked_names(&self) -> Result<Vec<SubjectAlternativeName>, ManagedError> {
        if self.domain_name.chars().count() > 64 {
            return Err(ManagedError::DomainName {
                name: self.domain_name.clone(),
                rule: "the first domain name becomes the common name, which has at most 64 characters",
            });
        }
        let mut names = Vec::new();
        for name in std::iter::once(&self.domain_name).chain(&self.subject_alternative_names) {
            let checked = SubjectAlternativeName::dns(name).map_err(|error| {
                ManagedError::DomainName { name: name.clone(), rule: error.rule }
            })?;
            if !names.contains(&checked) {
                names.push(checked);
            }
        }
        Ok(names)
    }
}

#[cfg(any(feature = "local", feature = "aws"))]
impl ManagedRequest {
    /// What two requests have in common when they ask for the same, in hexadecimal. It is stored,
    /// so its form does not follow that of the types.
    fn fingerprint(&self) -> String {
        let names = self.subject_alternative_names.join(",");
        let canonical = format!(
            "managed 1\ndomain {}\nnames {names}\nkey {}\n",
            self.domain_name, self.key_algorithm
        );
        crate::authority::hash_hex(canonical.as_bytes())
    }
}

/// Why a managed certificate cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManagedError {
    /// The CA behind it refuses.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// A passphrase breaks ACM's rules for an export.
    #[error("the passphrase cannot be used for an export: {rule}")]
    ExportPassphrase {
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A domain name cannot be asked for.
    #[error("the domain name \"{name}\" cannot be asked for: {rule}")]
    DomainName {
        /// The name that was given.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A certificate cannot be exported in the state that it is in.
    #[error("the certificate {id} cannot be had: it is {status}")]
    NotIssued {
        /// Its id.
        id: CertificateId,
        /// Its state.
        status: CertificateStatus,
    },
    /// A certificate cannot be renewed as it is.
    #[error("the certificate {id} cannot be renewed: {reason}")]
    NotRenewable {
        /// Its id.
        id: CertificateId,
        /// Why, and what to do.
        reason: String,
    },
    /// A renewal was started and failed. The certificate stays as it was.
    #[error("the certificate {id} was not renewed: {reason}")]
    RenewalFailed {
        /// Its id.
        id: CertificateId,
        /// The reason that the CA gives.
        reason: FailureReason,
    },
    /// No DNS zone to write a record into.
    #[error(
        "this account has no public hosted zone in Route 53 for {name}: create the record where that domain's DNS is kept"
    )]
    NoHostedZone {
        /// The name of the record.
        name: String,
    },
    /// A DNS record is not one by which ACM validates a domain, so it is not written.
    #[error(
        "the DNS record {name:?} for {value:?} is not one by which ACM validates that domain, so it was not written"
    )]
    WrongRecord {
        /// The name of the record.
        name: String,
        /// The name that it stands for.
        value: String,
    },
    /// The answer of an export is not one certificate with its chain and its key.
    #[error("the export of {id} cannot be used: {reason}")]
    WrongExport {
        /// The certificate's id.
        id: CertificateId,
        /// What does not fit.
        reason: String,
    },
}

/// What is known of a managed certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManagedCertificate {
    /// Its id; a renewal does not change it.
    pub id: CertificateId,
    /// The domain name that it was asked for.
    pub domain_name: String,
    /// How far it is.
    pub status: CertificateStatus,
    /// The serial number of what would be exported now, once it is issued.
    pub serial_number: Option<SerialNumber>,
    /// From when to when that is valid, once it is issued.
    pub validity: Option<Validity>,
    /// What a public certificate waits for: a DNS record for each domain name.
    pub domain_validations: Vec<DomainValidation>,
    /// Why its last renewal failed, if it did.
    pub renewal_failure: Option<FailureReason>,
}

impl ManagedCertificate {
    /// A certificate of this id, name and status, of which nothing else is known.
    #[must_use]
    pub fn new(
        id: CertificateId,
        domain_name: impl Into<String>,
        status: CertificateStatus,
    ) -> Self {
        Self {
            id,
            domain_name: domain_name.into(),
            status,
            serial_number: None,
            validity: None,
            domain_validations: Vec::new(),
            renewal_failure: None,
        }
    }

    /// The certificate, if it is issued and good now.
    ///
    /// # Errors
    /// [`ManagedError::NotIssued`].
    pub fn issued(self) -> Result<Self, ManagedError> {
        match self.status {
            CertificateStatus::Issued { .. } => Ok(self),
            status => Err(ManagedError::NotIssued { id: self.id, status }),
        }
    }

    /// Whether a copy that was exported earlier is older than what would be exported now: it was
    /// renewed since, and the copy has to be exported and installed again.
    #[must_use]
    pub fn is_newer_than(&self, exported: &Certificate) -> bool {
        self.serial_number.as_ref().is_some_and(|serial| *serial != exported.serial_number())
            && self
                .validity
                .is_some_and(|validity| validity.not_before >= exported.validity().not_before)
    }
}

/// How a domain name is shown to be the requester's: by a record in its DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DomainValidation {
    /// The domain name.
    pub domain_name: String,
    /// Whether the record was found.
    pub is_validated: bool,
    /// The CNAME record to create; it may be missing for some seconds after the request.
    pub record: Option<CnameRecord>,
}

impl DomainValidation {
    /// The validation of a domain name.
    #[must_use]
    pub fn new(
        domain_name: impl Into<String>,
        is_validated: bool,
        record: Option<CnameRecord>,
    ) -> Self {
        Self { domain_name: domain_name.into(), is_validated, record }
    }
}

/// A DNS record of type CNAME.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CnameRecord {
    /// The name of the record.
    pub name: String,
    /// The name that it stands for.
    pub value: String,
}

/// How far a managed certificate is, in ACM's words.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateStatus {
    /// Not issued yet.
    PendingValidation,
    /// Nobody showed in time (72 hours) that the domain names are theirs.
    ValidationTimedOut,
    /// Issued, and good until the given time.
    Issued {
        /// The last second of its validity.
        not_after: Timestamp,
    },
    /// It has ended.
    Expired {
        /// The last second of its validity.
        not_after: Timestamp,
    },
    /// It was revoked.
    Revoked {
        /// Since when, if the CA says so.
        since: Option<Timestamp>,
    },
    /// It is not in use (ACM's `INACTIVE`).
    Inactive,
    /// It will never be issued.
    Failed {
        /// The reason that the CA gives.
        reason: FailureReason,
    },
    /// A status that this version does not know.
    Unknown {
        /// Its name.
        name: String,
    },
}

impl fmt::Display for CertificateStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PendingValidation => f.write_str("not issued yet"),
            Self::Issued { not_after } => write!(f, "issued, until {not_after}"),
            Self::Expired { not_after } => write!(f, "expired at {not_after}"),
            Self::ValidationTimedOut => f.write_str(
                "not issued, because nobody showed within 72 hours that the domain names are theirs; ask for a new one",
            ),
            Self::Revoked { since: Some(since) } => write!(f, "revoked since {since}"),
            Self::Revoked { since: None } => f.write_str("revoked"),
            Self::Inactive => f.write_str("inactive"),
            Self::Unknown { name } => write!(f, "in the unknown status {name}"),
            Self::Failed { reason } => write!(f, "failed: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acm_s_rules_for_a_passphrase() {
        for good in ["four", "a passphrase with blanks", &"x".repeat(128)] {
            check_export_passphrase(&Passphrase::new(good.as_bytes())).unwrap();
        }
        for bad in
            ["", "abc", "newline\n", "sharp#", "dollar$", "percent%", "ünï", &"x".repeat(129)]
        {
            check_export_passphrase(&Passphrase::new(bad.as_bytes())).unwrap_err();
        }
    }

    #[test]
    fn names_are_dns_names_and_the_first_is_short() {
        let names = ManagedRequest::new("a.example")
            .with_subject_alternative_names(vec!["b.example".into(), "a.example".into()])
            .checked_names()
            .unwrap();
        assert_eq!(names.len(), 2);
        for bad in ["", "a b", "10.0.0.1/8", &format!("{}.example", "x".repeat(60))] {
            let error = ManagedRequest::new(bad).checked_names().unwrap_err();
            assert!(matches!(error, ManagedError::DomainName { .. }), "{bad}");
        }
    }
}
