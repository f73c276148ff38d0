//! Chain verification: whether a certificate leads to an authority that you decided to trust, and
//! if it does not, why.
//!
//! ```no_run
//! use private_ca::verify::{Purpose, Verification, Verifier};
//! use private_ca::{Certificate, CertificateChain};
//!
//! let anchors = CertificateChain::from_pem_or_der(&std::fs::read("ca.pem")?)?;
//! let verifier = Verifier::new(anchors.certificates().iter().cloned())?;
//!
//! let leaf = Certificate::from_pem_or_der(&std::fs::read("certificate.txt")?)?;
//! let chain = CertificateChain::from_pem_or_der(&std::fs::read("certificate_chain.txt")?)?;
//! let verified = verifier.verify(&leaf, chain.certificates(), &Verification::new(Purpose::Client))?;
//! println!("vouched for by {} until {}", verified.anchor().subject(), verified.window().not_after);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is checked
//!
//! The path search and the signatures of RFC 5280 section 6.1, and of every certificate in the
//! path: version, agreement of its two signature algorithms, validity with both ends included,
//! unknown critical extensions, basic constraints and path length, key usage, and extended key
//! usage (nested: an issuer's limits what it issues). Of the leaf, its names, if one is asked for.
//! Names of issuers are compared byte by byte, as rustls does.
//!
//! Name constraints and certificate policies are not processed: a certificate with the former, or
//! with the latter marked critical, is refused. Revocation is not checked.
//!
//! # Trust anchors are certificates
//!
//! RFC 5280 needs no more than an anchor's name and key. Private authorities hand out
//! certificates, though, and peers built on OpenSSL hold the root to what it says: an
//! anchor has to be within its validity, and if it is of version 3, it has to be a CA's and to allow
//! the path length, the key usage and the purpose. A chain that is accepted here should not fail at
//! the first such peer that it meets. An anchor's signature on itself is not checked: it proves
//! nothing.
//!
//! A leaf that is itself one of the anchors is accepted if it is self-signed, as rustls and
//! OpenSSL accept it; its path is one certificate long. Any other leaf needs its issuer, even if the
//! leaf is an anchor: else one leaf, put among the anchors by mistake, would survive its CA's
//! removal.

mod checks;
mod error;
mod names;
mod path;
pub(crate) mod signature;

use std::fmt;
use std::sync::Arc;

pub use crate::oid::NamedOid;
pub use error::{AnchorError, RejectedIssuer, VerifyError};
pub use signature::SignatureError;

use crate::certificate::{Certificate, SubjectAlternativeName, Timestamp, Validity};
use signature::PublicKey;

/// Whether `issuer` is named as the issuer of `certificate`, and its key made the signature.
pub(crate) fn issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    let (algorithm, _) = certificate.signature_algorithms();
    issuer.subject_der() == certificate.issuer_der()
        && PublicKey::from_spki_der(issuer.public_key_der())
            .and_then(|key| key.verify(algorithm, certificate.tbs_der(), certificate.signature()))
            .is_ok()
}

/// What a certificate has to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// To connect as a TLS client.
    Client,
    /// To be connected to as a TLS server.
    Server,
    /// Anything: key usage and extended key usage of the leaf do not matter, and it may be a CA's.
    Any,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "TLS client",
            Self::Server => "TLS server",
            Self::Any => "holder of any kind",
        })
    }
}

/// What to verify a certificate for: its purpose, and optionally a time and a name.
#[derive(Debug, Clone)]
pub struct Verification {
    purpose: Purpose,
    at: Option<Timestamp>,
    name: Option<SubjectAlternativeName>,
}

impl Verification {
    /// For a purpose, at the present, whatever the certificate's names.
    #[must_use]
    pub fn new(purpose: Purpose) -> Self {
        Self { purpose, at: None, name: None }
    }

    /// At another moment than the present.
    #[must_use]
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.at = Some(moment);
        self
    }

    /// Only if the certificate is for this name. A text is parsed into one:
    ///
    /// ```
    /// use private_ca::verify::{Purpose, Verification};
    ///
    /// let server = Verification::new(Purpose::Server).name("temporal.acme.internal".parse()?);
    /// # Ok::<(), private_ca::certificate::SubjectAlternativeNameError>(())
    /// ```
    #[must_use]
    pub fn name(mut self, name: SubjectAlternativeName) -> Self {
        self.name = Some(name);
        self
    }
}

/// A [`Verification`] whose time has come.
struct Terms<'a> {
    purpose: Purpose,
    at: Timestamp,
    name: Option<&'a SubjectAlternativeName>,
}

/// A trust anchor with its key decoded.
#[derive(Debug)]
struct Anchor {
    certificate: Certificate,
    key: PublicKey,
}

/// Verifies certificates against trust anchors. It is made once and used from any number of
/// threads; clones share the anchors.
#[derive(Debug, Clone)]
pub struct Verifier {
    /// In [`path::order`].
    anchors: Arc<[Anchor]>,
}

impl Verifier {
    /// A verifier that trusts the authorities of the given certificates.
    ///
    /// # Errors
    /// [`AnchorError`] if there is none, or if the public key of one cannot be used.
    pub fn new(anchors: impl IntoIterator<Item = Certificate>) -> Result<Self, AnchorError> {
        let mut anchors = anchors
            .into_iter()
            .map(|certificate| match PublicKey::from_spki_der(certificate.public_key_der()) {
                Ok(key) => Ok(Anchor { certificate, key }),
                Err(source) => Err(AnchorError::Key { subject: certificate.subject(), source }),
            })
            .collect::<Result<Vec<_>, _>>()?;
        if anchors.is_empty() {
            return Err(AnchorError::None);
        }
        anchors.sort_by(|a, b| path::order(&a.certificate).cmp(&path::order(&b.certificate)));
        anchors.dedup_by(|a, b| a.certificate == b.certificate);
        Ok(Self { anchors: anchors.into() })
    }

    /// Looks for a valid path from `leaf` over `intermediates` to one of the trust anchors.
    ///
    /// The intermediates may come in any order and be more than the path needs.
    ///
    /// # Errors
    /// [`VerifyError`], which says of every path that was tried why it is not valid.
    pub fn verify(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        verification: &Verification,
    ) -> Result<VerifiedChain, VerifyError> {
        let terms = Terms {
            purpose: verification.purpose,
            at: verification.at.unwrap_or_else(Timestamp::now),
            name: verification.name.as_ref(),
        };
        path::find(leaf, intermediates, &self.anchors, &terms)
    }
}

/// A path from a certificate to a trust anchor that was found valid. Only
/// [`Verifier::verify`] can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChain {
    path: Vec<Certificate>,
    anchor: Certificate,
    window: Validity,
}

impl VerifiedChain {
    fn new<'a>(leaf: &'a Certificate, issuers: impl Iterator<Item = &'a Certificate>) -> Self {
        let mut path = vec![leaf.clone()];
        let mut anchor = leaf;
        let mut window = leaf.validity();
        for issuer in issuers {
            let validity = issuer.validity();
            window.not_before = window.not_before.max(validity.not_before);
            window.not_after = window.not_after.min(validity.not_after);
            path.push(issuer.clone());
            anchor = issuer;
        }
        Self { path, anchor: anchor.clone(), window }
    }

    /// The certificates from the leaf to the trust anchor, both included.
    #[must_use]
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The trust anchor, the last of the path.
    #[must_use]
    pub fn anchor(&self) -> &Certificate {
        &self.anchor
    }

    /// The time in which every certificate of this very path is within its validity.
    #[must_use]
    pub fn window(&self) -> Validity {
        self.window
    }
}

/// The path from a certificate to an anchor, for any purpose, at the moment of its own validity that
/// is nearest to now: fetching one that has ended, or that has not started, is no fault.
#[cfg(feature = "aws")]
pub(crate) fn leads_to(
    certificate: &Certificate,
    anchor: Option<&Certificate>,
    pool: &[Certificate],
) -> Result<VerifiedChain, String> {
    let validity = certificate.validity();
    let moment = Timestamp::now().max(validity.not_before).min(validity.not_after);
    let verifier = Verifier::new(anchor.cloned()).map_err(|error| error.to_string())?;
    verifier
        .verify(certificate, pool, &Verification::new(Purpose::Any).at(moment))
        .map_err(|error| error.to_string())
}
