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
//! RFC 5280 section 6: paths are searched for among certificates in any order, and of every
//! certificate in one are checked its signature, version, validity (both ends included), name
//! chaining, basic constraints and path length, key usage, name constraints, certificate policies
//! and critical extensions; of the leaf its purpose and, if any are asked for, its names. Revocation
//! is checked with the lists that are given ([`Revocation`]), and otherwise not at all.
//!
//! What verifiers differ in are [`Rule`]s, and a [`Policy`] is a set of them:
//!
//! | policy | what it accepts |
//! | --- | --- |
//! | [`Policy::tls_client`], [`Policy::tls_server`] (the default) | what Go's, OpenSSL's and rustls's verifiers all accept |
//! | [`Policy::go_tls_client`] | what a server of Go's crypto/tls accepts: Temporal Cloud |
//! | [`Policy::rfc5280`] | RFC 5280, with the profile of its section 4 |
//! | [`Policy::web_pki`] | the same with what the CA/Browser Forum adds and excepts |
//!
//! ```
//! use private_ca::verify::{Policy, Purpose, Rule, Verification};
//!
//! let strict = Verification::new(Policy::tls_client().with(Rule::SerialNumberLength));
//! let default = Verification::new(Purpose::Client);
//! # let _ = (strict, default);
//! ```
//!
//! [`VerifiedChain::violations`] says what another policy would hold against a chain that was
//! accepted.
//!
//! # Trust anchors
//!
//! RFC 5280 needs no more than an anchor's name and key
//! ([`TrustAnchor::from_subject_and_key`]). Private authorities hand out certificates, though, and
//! peers built on Go or OpenSSL hold the root to what it says: an anchor that is given as a
//! certificate has to be within its validity, and if it is of version 3, it has to be a CA's and to
//! allow the path length, the key usage and the purpose ([`Rule::AnchorCertificate`]). A chain that
//! is accepted here should not fail at the first such peer that it meets. An anchor's signature on
//! itself is not checked: it proves nothing.
//!
//! A leaf that is itself one of the anchors is accepted if it is self-signed, as rustls and
//! OpenSSL accept it; its path is one certificate long. Any other leaf needs its issuer, even if the
//! leaf is an anchor: else one leaf, put among the anchors by mistake, would survive its CA's
//! removal.

mod anchor;
mod budget;
mod by_name;
mod chain;
mod checks;
mod error;
mod known;
mod names;
mod path;
mod policies;
mod policy;
mod revocation;
mod rule;
pub(crate) mod signature;

use std::num::NonZeroUsize;
use std::sync::Arc;

pub use crate::oid::NamedOid;
pub use anchor::TrustAnchor;
pub use budget::Budget;
pub use chain::VerifiedChain;
pub use error::{
    AnchorError, ConstraintBreach, IssuerCandidate, ListError, RejectedIssuer, RejectedList,
    VerifyError,
};
pub use policies::PolicyFault;
pub use policy::{Policy, PolicyDifference, Purpose};
pub use revocation::{CrlReason, Revocation, RevocationList};
pub use rule::{Rule, UnknownRule};
pub use signature::SignatureError;
#[cfg(fuzzing)]
#[doc(hidden)]
pub use signature::fuzzing;

use crate::certificate::{CanonicalName, Certificate, SubjectAlternativeName, Timestamp};
use crate::parallel;
use anchor::{Anchor, Anchors};
use known::{Known, Remembered};
use signature::{PublicKey, VerifyingKey};

/// Whether `issuer` is named as the issuer of `certificate`, and its key made the signature.
pub(crate) fn issued(issuer: &Certificate, certificate: &Certificate) -> bool {
    let algorithm = certificate.signature_algorithm();
    issuer.subject_der() == certificate.issuer_der()
        && PublicKey::from_spki_der(issuer.public_key_der())
            .and_then(|key| key.verify(algorithm, certificate.tbs_der(), certificate.signature()))
            .is_ok()
}

/// Why a certificate's own signature is not made with RSA or ECDSA and SHA-256 or stronger.
pub(crate) fn signature_weakness(certificate: &Certificate) -> Option<String> {
    let algorithm = certificate.signature_algorithm();
    match signature::is_rsa_or_ecdsa(algorithm) {
        Ok(true) => None,
        Ok(false) => Some("the signature is made with neither RSA nor ECDSA".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}

/// What to verify a certificate for: a policy with its purpose, and optionally a time, names,
/// revocation lists and a budget.
#[derive(Debug, Clone)]
pub struct Verification {
    policy: Policy,
    at: Option<Timestamp>,
    names: Vec<SubjectAlternativeName>,
    revocation: Option<Revocation>,
    budget: Budget,
}

impl Verification {
    /// Under a policy, or for a purpose under its default policy; at the present, whatever the
    /// certificate's names, and without asking for revocation.
    #[must_use]
    pub fn new(policy: impl Into<Policy>) -> Self {
        Self {
            policy: policy.into(),
            at: None,
            names: Vec::new(),
            revocation: None,
            budget: Budget::default(),
        }
    }

    /// At another moment than the present.
    #[must_use]
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.at = Some(moment);
        self
    }

    /// Only if the certificate is for this name; for all of them, if there are several. A text is
    /// parsed into one:
    ///
    /// ```
    /// use private_ca::verify::{Purpose, Verification};
    ///
    /// let server = Verification::new(Purpose::Server).name("temporal.acme.internal".parse()?);
    /// # Ok::<(), private_ca::certificate::SubjectAlternativeNameError>(())
    /// ```
    #[must_use]
    pub fn name(mut self, name: SubjectAlternativeName) -> Self {
        self.names.push(name);
        self
    }

    /// Only if no certificate is revoked.
    #[must_use]
    pub fn revocation(mut self, revocation: Revocation) -> Self {
        self.revocation = Some(revocation);
        self
    }

    /// With another budget than the default one.
    #[must_use]
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    fn terms(&self) -> Terms<'_> {
        Terms {
            policy: &self.policy,
            purpose: self.policy.purpose(),
            at: self.at.unwrap_or_else(Timestamp::now),
            names: &self.names,
            revocation: self.revocation.as_ref(),
            budget: self.budget,
        }
    }
}

/// A [`Verification`] whose time has come.
#[derive(Clone, Copy)]
struct Terms<'a> {
    policy: &'a Policy,
    purpose: Purpose,
    at: Timestamp,
    names: &'a [SubjectAlternativeName],
    revocation: Option<&'a Revocation>,
    budget: Budget,
}

impl Terms<'_> {
    fn has(&self, rule: Rule) -> bool {
        self.policy.has(rule)
    }

    /// Whether subject and issuer are the same name (RFC 5280 section 6.1).
    fn is_self_issued(&self, certificate: &Certificate) -> bool {
        let (subject, issuer) = (certificate.subject_der(), certificate.issuer_der());
        subject == issuer
            || !self.has(Rule::ByteExactNames)
                && CanonicalName::of(subject) == CanonicalName::of(issuer)
    }

    /// For the signer of a revocation list, which has no purpose in TLS and no name.
    fn of_crl_signer(&self) -> Self {
        Self { purpose: Purpose::Any, names: &[], ..*self }
    }
}

/// Whom a verification can rest on.
#[derive(Clone, Copy)]
struct Authorities<'a> {
    anchors: &'a Anchors,
    known: &'a Known,
    remembered: Option<&'a Remembered>,
    preparation: Preparation,
}

impl<'a> Authorities<'a> {
    fn knows(&self, certificate: &Certificate) -> bool {
        let mut namesakes = self.known.of_name(certificate.subject_der());
        namesakes.any(|place| {
            self.known.get(place).is_some_and(|known| known.certificate == *certificate)
        })
    }

    /// The keys that can be prepared.
    fn keys(self) -> impl Iterator<Item = &'a VerifyingKey> {
        let of_known = self.known.iter().filter_map(|known| known.key.as_ref().ok());
        self.anchors.iter().map(|anchor| &anchor.key).chain(of_known)
    }
}

/// When a [`Verifier`] makes the tables by which ECDSA signatures under the keys of its trust anchors and known
/// intermediates are verified in a quarter of the time. RSA keys and others need none.
///
/// A table takes 256 KiB for each key on P-256, 330 KiB on P-384 and 392 KiB on P-521, and a curve's generator takes
/// 832, 330 and 392 KiB once for a process. What a key's takes to make, some fifteen signatures win back
/// ([`manual::performance`](crate::manual::performance)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Preparation {
    /// Of each key when it has verified a few signatures, by whoever uses it then; others do not wait.
    #[default]
    WhenUsed,
    /// Of all anchors and known intermediates at once, so that no verification takes longer than others.
    AtOnce,
    /// Not at all.
    Never,
}

/// Verifies certificates against trust anchors. It is made once and used from any number of
/// threads; clones share what it holds.
#[derive(Debug, Clone)]
pub struct Verifier {
    anchors: Arc<Anchors>,
    known: Arc<Known>,
    remembered: Option<Arc<Remembered>>,
    preparation: Preparation,
}

impl Verifier {
    /// A verifier that trusts the given authorities.
    ///
    /// # Errors
    /// [`AnchorError`] if there is none, or if the public key of one cannot be used.
    pub fn new(
        anchors: impl IntoIterator<Item = impl Into<TrustAnchor>>,
    ) -> Result<Self, AnchorError> {
        let anchors = anchors
            .into_iter()
            .map(|trusted| Anchor::new(trusted.into()))
            .collect::<Result<Vec<_>, _>>()?;
        if anchors.is_empty() {
            return Err(AnchorError::None);
        }
        Ok(Self {
            anchors: Arc::new(Anchors::new(anchors)),
            known: Arc::default(),
            remembered: None,
            preparation: Preparation::default(),
        })
    }

    /// The same with intermediate certificates that are known beforehand, besides those it knew: paths may go over
    /// them whether or not they come with a leaf. The signatures on them are checked now, each under every
    /// anchor and every other of them that has its issuer's name (100 at most), and their keys are prepared
    /// ([`Preparation`]): a leaf that a known intermediate issued costs one signature, however long its path.
    ///
    /// They are not trusted. Of a known intermediate everything but its signature, which time and policy
    /// cannot change, is asked in every verification, as of one that came with the leaf. One whose key cannot be used,
    /// or that leads to no anchor, is only in the way: it is tried after those that lead to one and those that came
    /// with the leaf.
    ///
    /// ```no_run
    /// use private_ca::CertificateChain;
    /// use private_ca::verify::Verifier;
    ///
    /// let roots = CertificateChain::from_pem_or_der(&std::fs::read("roots.pem")?)?;
    /// let issuing = CertificateChain::from_pem_or_der(&std::fs::read("issuing.pem")?)?;
    /// let verifier = Verifier::new(roots.certificates().iter().cloned())?
    ///     .with_intermediates(issuing.certificates().iter().cloned());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_intermediates(self, intermediates: impl IntoIterator<Item = Certificate>) -> Self {
        let known = self.known.iter().map(|known| known.certificate.clone());
        let known = Arc::new(known::prepare(known.chain(intermediates), &self.anchors));
        Self { known, ..self }.prepared()
    }

    /// The same, remembering up to so many intermediate certificates that came with leaves it accepted, the
    /// oldest forgotten first: their signatures are not checked again, and their keys are prepared when they are used
    /// often. A peer still has to send them. Clones remember together.
    ///
    /// Without it nothing is remembered, and a verification costs what it costs, whatever came
    /// before; where the intermediates are at hand, [`Verifier::with_intermediates`] is the better way. Why
    /// it is safe is in [`manual::verification`](crate::manual::verification). An intermediate with a
    /// prepared key takes a few hundred KiB ([`Preparation`]).
    #[must_use]
    pub fn remembering(self, capacity: NonZeroUsize) -> Self {
        Self { remembered: Some(Arc::new(Remembered::new(capacity))), ..self }
    }

    /// The same with its keys' tables made at another time.
    #[must_use]
    pub fn with_preparation(self, preparation: Preparation) -> Self {
        Self { preparation, ..self }.prepared()
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
        path::find(leaf, intermediates, self.authorities(), &verification.terms())
            .map_err(|error| *error)
    }

    /// Verifies many leaves, each with the intermediates that came with it, on as many threads as the machine
    /// has cores; the answers come in the order of the leaves. Where `verification` names no time, the
    /// present is that of the call.
    ///
    /// ```no_run
    /// use private_ca::verify::{Purpose, Verification, Verifier};
    /// use private_ca::{Certificate, CertificateChain};
    ///
    /// # fn audit(verifier: &Verifier, fleet: &[CertificateChain]) {
    /// let chains = fleet.iter().filter_map(|chain| chain.certificates().split_first());
    /// let verdicts = verifier.verify_many(chains, &Verification::new(Purpose::Client));
    /// let refused = verdicts.iter().filter(|verdict| verdict.is_err()).count();
    /// println!("{refused} of {} would be refused", verdicts.len());
    /// # }
    /// ```
    pub fn verify_many<'a>(
        &self,
        chains: impl IntoIterator<Item = (&'a Certificate, &'a [Certificate])>,
        verification: &Verification,
    ) -> Vec<Result<VerifiedChain, VerifyError>> {
        let chains: Vec<_> = chains.into_iter().collect();
        let terms = verification.terms();
        parallel::map(&chains, |(leaf, intermediates)| {
            path::find(leaf, intermediates, self.authorities(), &terms).map_err(|error| *error)
        })
    }

    fn prepared(self) -> Self {
        if self.preparation == Preparation::AtOnce {
            self.authorities().keys().for_each(VerifyingKey::prepare);
        }
        self
    }

    fn authorities(&self) -> Authorities<'_> {
        Authorities {
            anchors: &self.anchors,
            known: &self.known,
            remembered: self.remembered.as_deref(),
            preparation: self.preparation,
        }
    }
}

/// What is wrong with a leaf by itself, whoever issued it.
pub(crate) fn check_leaf(
    leaf: &Certificate,
    verification: &Verification,
) -> Result<(), VerifyError> {
    checks::check(leaf, checks::Role::Leaf, &verification.terms()).map_err(|error| *error)
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
