//! The CA bundle of a Temporal Cloud namespace: the CAs whose clients it admits.
//!
//! Operations take what is there and give what is to be there instead; nothing is sent. They work
//! on DER, so a bundle that somebody encoded or ordered anew is no change.

mod admission;
mod fingerprint;

use crate::certificate::{Certificate, CertificateChain, CertificateError, DistinguishedName};
use crate::verify;
use crate::verify::{Verifier, VerifyError};
use crate::{Timestamp, pem};
pub(super) use admission::Refusal;
pub use admission::UnjudgedKey;
pub use fingerprint::{Fingerprint, FingerprintError};

/// How many certificates a bundle may have (Temporal Cloud, "Requirements for CA certificates").
pub const MAX_CERTIFICATES: usize = 16;

/// How many bytes of PEM a bundle may have, before the base64 of the API: Temporal's 32 KB (the same
/// page).
pub const MAX_BYTES: usize = 32 * 1024;

/// The certificates of a bundle, in order; there may be none.
///
/// ```
/// # #[cfg(feature = "local")] {
/// use private_ca::LocalCa;
/// use private_ca::temporal::bundle::CaBundle;
///
/// let (old, new) = (LocalCa::in_memory()?, LocalCa::in_memory()?);
/// let before = CaBundle::from_pem(old.chain().to_pem().as_bytes())?;
/// let both = before.add(new.chain().certificates())?;
/// assert_eq!(both.difference(&before).removed, new.chain().certificates());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct CaBundle {
    certificates: Vec<Certificate>,
}

/// What one bundle has and another lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BundleDifference {
    /// What only the other has.
    pub added: Vec<Certificate>,
    /// What the other lacks.
    pub removed: Vec<Certificate>,
}

impl BundleDifference {
    /// Whether both have the same certificates.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty()
    }
}

/// Why a bundle is none that Temporal Cloud takes, or why a change is refused.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// It cannot be read; a private key in it is such an error.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// It is DER perhaps.
    #[error("it is no text: a bundle is certificates in PEM, one after the other")]
    NoText,
    /// A certificate is there already.
    #[error("the CA certificate {subject} ({fingerprint}) is in the bundle already")]
    Duplicate {
        /// Its subject.
        subject: DistinguishedName,
        /// Its SHA-256 fingerprint.
        fingerprint: Fingerprint,
    },
    /// A certificate is no CA's.
    #[error(
        "the certificate {subject} is not a CA's: the bundle holds the CAs that vouch for clients, and the client presents this one itself"
    )]
    NotCa {
        /// Its subject.
        subject: DistinguishedName,
    },
    /// The issuer of a certificate is missing.
    #[error(
        "the CA certificate {subject} is neither a root nor issued by another one in the bundle: {issuer} has to be there too"
    )]
    Incomplete {
        /// Its subject.
        subject: DistinguishedName,
        /// Who issued it.
        issuer: DistinguishedName,
    },
    /// There are too many certificates.
    #[error("the bundle would have {count} certificates, and {MAX_CERTIFICATES} is the most")]
    TooMany {
        /// How many there would be.
        count: usize,
    },
    /// It is too long.
    #[error("the bundle would have {bytes} bytes of PEM, and {MAX_BYTES} is the most")]
    TooLong {
        /// How many there would be.
        bytes: usize,
    },
    /// What is to be removed is not there.
    #[error("no certificate of the bundle has the fingerprint {fingerprint}")]
    NotThere {
        /// The fingerprint that was given.
        fingerprint: Fingerprint,
    },
    /// A client that is said to be admitted now is not.
    #[error(
        "the client certificate {leaf} is not admitted now either, so whether it would be locked out cannot be told: {source}"
    )]
    NotAdmitted {
        /// The client's subject.
        leaf: DistinguishedName,
        /// Why its chain is refused.
        source: Box<VerifyError>,
    },
    /// A client that is admitted now would be locked out.
    #[error(
        "the client certificate {leaf} would be locked out: without the CA certificates that go, {source}"
    )]
    LocksOut {
        /// The client's subject.
        leaf: DistinguishedName,
        /// Why its chain would be refused.
        source: Box<VerifyError>,
    },
    /// Whether a client is admitted depends on a key that is not judged here.
    #[error("whether the client certificate {leaf} is admitted cannot be told: {source}")]
    CannotBeJudged {
        /// The client's subject.
        leaf: DistinguishedName,
        /// The key.
        source: Box<UnjudgedKey>,
    },
}

impl CaBundle {
    /// Reads PEM: any number of certificates, or nothing at all, which is the bundle of a namespace
    /// without mTLS. Certificates that are there twice count once.
    ///
    /// What a bundle breaks of Temporal's rules is not asked here, because what is on the server has to
    /// be read as it is: [`CaBundle::check`] asks.
    ///
    /// # Errors
    /// [`BundleError::Certificate`], also for a private key, which has no place in a bundle;
    /// [`BundleError::NoText`].
    pub fn from_pem(text: &[u8]) -> Result<Self, BundleError> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        if !pem::is_pem(text) {
            return Err(BundleError::NoText);
        }
        let chain = CertificateChain::from_pem_or_der(text)?;
        Ok(Self::of(chain.certificates()))
    }

    /// A bundle of these certificates; one that is there twice counts once.
    #[must_use]
    pub fn of(certificates: &[Certificate]) -> Self {
        let mut bundle = Self::default();
        for certificate in certificates {
            if !bundle.certificates.contains(certificate) {
                bundle.certificates.push(certificate.clone());
            }
        }
        bundle
    }

    /// The certificates in order.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Whether there is no certificate.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.certificates.is_empty()
    }

    /// PEM, as it is given to Temporal Cloud.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.certificates.iter().map(Certificate::to_pem).collect()
    }

    /// With more certificates, after those that are there.
    ///
    /// # Errors
    /// [`BundleError::Duplicate`] if one is there already, or given twice; what [`CaBundle::check`]
    /// says of the result.
    pub fn add(&self, certificates: &[Certificate]) -> Result<Self, BundleError> {
        let mut larger = self.clone();
        for certificate in certificates {
            if larger.certificates.contains(certificate) {
                return Err(BundleError::Duplicate {
                    subject: certificate.subject(),
                    fingerprint: Fingerprint::sha256_of(certificate),
                });
            }
            larger.certificates.push(certificate.clone());
        }
        larger.check()?;
        Ok(larger)
    }

    /// Without the certificates that have these fingerprints.
    ///
    /// What is left may lack the issuer of another certificate, which is an error; it may be nothing at
    /// all, and whether that is wise is for [`CaBundle::check_admits_still`] to say.
    ///
    /// # Errors
    /// [`BundleError::NotThere`]; what [`CaBundle::check`] says of the result.
    pub fn remove(&self, fingerprints: &[Fingerprint]) -> Result<Self, BundleError> {
        let has = |fingerprint: &&Fingerprint| {
            self.certificates.iter().any(|certificate| fingerprint.is_of(certificate))
        };
        if let Some(missing) = fingerprints.iter().find(|fingerprint| !has(fingerprint)) {
            return Err(BundleError::NotThere { fingerprint: *missing });
        }
        let goes = |certificate: &Certificate| {
            fingerprints.iter().any(|fingerprint| fingerprint.is_of(certificate))
        };
        let mut smaller = self.clone();
        smaller.certificates.retain(|certificate| !goes(certificate));
        smaller.check()?;
        Ok(smaller)
    }

    /// Whether Temporal Cloud takes it: CA certificates alone, each a root or issued by another one in
    /// the bundle, within both limits. [`requirements`](super::requirements) says everything that is
    /// wrong, and more.
    ///
    /// # Errors
    /// [`BundleError`], the first of them.
    pub fn check(&self) -> Result<(), BundleError> {
        let (count, bytes) = (self.certificates.len(), self.to_pem().len());
        if count > MAX_CERTIFICATES {
            return Err(BundleError::TooMany { count });
        }
        if bytes > MAX_BYTES {
            return Err(BundleError::TooLong { bytes });
        }
        for certificate in &self.certificates {
            let subject = certificate.subject();
            if !certificate.is_ca() {
                return Err(BundleError::NotCa { subject });
            }
            if !self.has_issuer_of(certificate) {
                return Err(BundleError::Incomplete { subject, issuer: certificate.issuer() });
            }
        }
        Ok(())
    }

    /// Whether the certificate is a root, or its issuer is in the bundle: by name and signature, or
    /// by name alone if the signature, or the key that made it, is none that is verified here.
    pub(super) fn has_issuer_of(&self, certificate: &Certificate) -> bool {
        let is_weak = verify::signature_weakness(certificate).is_some();
        let issued =
            |issuer: &Certificate| match is_weak || Verifier::new([issuer.clone()]).is_err() {
                true => issuer.subject_der() == certificate.issuer_der(),
                false => verify::issued(issuer, certificate),
            };
        issued(certificate) || self.certificates.iter().any(issued)
    }

    /// Whether a client that an earlier bundle admits is admitted by this one.
    ///
    /// # Errors
    /// [`BundleError::LocksOut`]; [`BundleError::NotAdmitted`] if the earlier one does not admit it
    /// either, because then nothing is known: the file may lack the intermediate that the client presents;
    /// [`BundleError::CannotBeJudged`].
    pub fn check_admits_still(
        &self,
        earlier: &Self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        at: Timestamp,
    ) -> Result<(), BundleError> {
        let (subject, is_admitted) =
            (leaf.subject(), |bundle: &Self| bundle.admits(leaf, intermediates, at));
        let unjudged =
            |key| BundleError::CannotBeJudged { leaf: leaf.subject(), source: Box::new(key) };
        match is_admitted(earlier) {
            Ok(()) => {}
            Err(Refusal::Unjudged(key)) => return Err(unjudged(key)),
            Err(Refusal::Refused(error)) => {
                let source = Box::new(error);
                return Err(BundleError::NotAdmitted { leaf: subject, source });
            }
        }
        is_admitted(self).map_err(|refusal| match refusal {
            Refusal::Unjudged(key) => unjudged(key),
            Refusal::Refused(error) => {
                BundleError::LocksOut { leaf: subject, source: Box::new(error) }
            }
        })
    }

    /// A verifier that trusts the certificates whose keys can be used; none if there is no such.
    pub(super) fn verifier(&self) -> Option<Verifier> {
        let usable = |certificate: &&Certificate| Verifier::new([(*certificate).clone()]).is_ok();
        Verifier::new(self.certificates.iter().filter(usable).cloned()).ok()
    }

    /// What another bundle has more and less, by the DER of the certificates.
    #[must_use]
    pub fn difference(&self, other: &Self) -> BundleDifference {
        let lacking = |all: &Self, others: &Self| -> Vec<Certificate> {
            let mut lacking = all.certificates.clone();
            lacking.retain(|certificate| !others.certificates.contains(certificate));
            lacking
        };
        BundleDifference { added: lacking(other, self), removed: lacking(self, other) }
    }
}

/// The same certificates, in any order: to Temporal Cloud they are the same bundle.
impl PartialEq for CaBundle {
    fn eq(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }
}

impl Eq for CaBundle {}
