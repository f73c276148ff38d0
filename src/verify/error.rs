//! Why a chain is refused, with the evidence.

mod lists;
mod sentences;

use std::fmt;

use super::anchor::TrustAnchor;
use super::policies::PolicyFault;
use super::policy::Purpose;
use super::revocation::CrlReason;
use super::rule::Rule;
use super::signature::SignatureError;
use crate::certificate::{
    Certificate, Count, DistinguishedName, Elapsed, KeyUsage, SerialNumber, SubjectAlternativeName,
    Timestamp,
};
use crate::oid::NamedOid;
pub use lists::{ListError, RejectedList};
use sentences::{Because, List, Lists, Names, Only, Tried, Who};

/// Trust anchors that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// There is none, so nothing could ever be verified.
    #[error("there is no trust anchor: without one every certificate would be refused")]
    None,
    /// Name constraints for an anchor are malformed.
    #[error("the name constraints for a trust anchor are malformed: {0}")]
    NameConstraints(#[source] der::Error),
    /// An anchor's public key cannot verify signatures.
    #[error("the trust anchor {} cannot be used: {source}", Who(.subject))]
    Key {
        /// The anchor's subject.
        subject: DistinguishedName,
        /// What is the matter with its key.
        source: SignatureError,
    },
}

/// What is found of a certificate. Errors are large and rare, so they are handed on as a pointer.
pub(super) type Checked<T = ()> = Result<T, Box<VerifyError>>;

/// Why a certificate is refused.
///
/// Where several issuers were tried, [`VerifyError::NoPath`] holds all of them, and
/// [`VerifyError::cause`] is the reason that came closest to a valid path.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The certificate's last second is past (RFC 5280 section 4.1.2.5).
    #[error(
        "the certificate {} expired at {not_after}, {} before the time of verification, {at}",
        Who(.subject), Elapsed(.at.since(*.not_after))
    )]
    Expired {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// Its last second.
        not_after: Timestamp,
        /// The time of verification.
        at: Timestamp,
    },
    /// The certificate's first second is still to come (RFC 5280 section 4.1.2.5).
    #[error(
        "the certificate {} is not valid before {not_before}, {} after the time of verification, {at}; is the clock right?",
        Who(.subject), Elapsed(.not_before.since(*.at))
    )]
    NotYetValid {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// Its first second.
        not_before: Timestamp,
        /// The time of verification.
        at: Timestamp,
    },
    /// The certificate is older than version 3, which alone has extensions (RFC 5280 section 4.1.2.1).
    #[error(
        "the certificate {} is of version {version}: only version 3 says whether a certificate is a CA's, so older ones are accepted as trust anchors alone",
        Who(.subject)
    )]
    Version {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// Its version.
        version: u8,
    },
    /// The signature algorithm differs inside and outside the signed part (RFC 5280 section 4.1.1.2).
    #[error(
        "the certificate {} names one signature algorithm in its signed part and another beside it, and RFC 5280 section 4.1.1.2 asks for the same",
        Who(.subject)
    )]
    SignatureAlgorithmsDiffer {
        /// The certificate's subject.
        subject: DistinguishedName,
    },
    /// A critical extension is not processed, so the certificate must be refused (RFC 5280 section 4.2).
    #[error(
        "the certificate {} has the critical extension {extension}, which is not processed here: RFC 5280 section 4.2 asks to refuse it",
        Who(.subject)
    )]
    CriticalExtension {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The extension.
        extension: NamedOid,
    },
    /// A name of the certificate is not one that an issuer may vouch for (RFC 5280 section 4.2.1.10).
    #[error(
        "the certificate {} is for {name}, which its issuer {} may not vouch for: {breach}",
        Who(.subject), Who(.issuer)
    )]
    NameConstraint {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The issuer, at any distance, whose name constraints it breaks.
        issuer: DistinguishedName,
        /// The name.
        name: String,
        /// How it breaks them.
        breach: ConstraintBreach,
    },
    /// A name constraint has no meaning, so nothing can be said to be within it.
    #[error(
        "the certificate {} has the name constraint \"{constraint}\", which is not in the form of RFC 5280 section 4.2.1.10",
        Who(.subject)
    )]
    MalformedNameConstraint {
        /// The issuer's subject.
        subject: DistinguishedName,
        /// The constraint.
        constraint: String,
    },
    /// The path is valid under no certificate policy that you accept (RFC 5280 section 6.1).
    #[error("the certificate {} fails for its certificate policies: {fault}", Who(.subject))]
    Policy {
        /// The subject of the certificate where it shows.
        subject: DistinguishedName,
        /// What is wrong.
        fault: PolicyFault,
    },
    /// The certificate is revoked (RFC 5280 section 6.3).
    #[error(
        "the certificate {}, serial number {serial_number}, was revoked by {issuer} at {since}{}",
        Who(.subject), Because(*.reason)
    )]
    Revoked {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// Its serial number.
        serial_number: SerialNumber,
        /// When.
        since: Timestamp,
        /// Why, if the list says it.
        reason: Option<CrlReason>,
        /// Who issued the list.
        issuer: DistinguishedName,
    },
    /// Whether the certificate is revoked is unknown (RFC 5280 section 6.3).
    #[error("whether the certificate {} is revoked cannot be told: {}", Who(.subject), Lists(.lists))]
    RevocationUnknown {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The lists of its issuer, and why each does not count.
        lists: Vec<RejectedList>,
    },
    /// The certificate breaks a rule that the [`Policy`](super::Policy) has.
    #[error("the certificate {} breaks the rule {} of {}: {found}", Who(.subject), .rule.id(), .rule.source())]
    Rule {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The rule.
        rule: Rule,
        /// What was found instead.
        found: String,
    },
    /// The path is longer than the [`Policy`](super::Policy) allows.
    #[error(
        "the path from the trust anchor {} has {below} intermediate certificates, and the policy allows {allowed}",
        Who(.subject)
    )]
    TooManyIntermediates {
        /// The anchor's subject.
        subject: DistinguishedName,
        /// How many are allowed.
        allowed: usize,
        /// How many there are; whether self-issued ones count is for [`Rule::SelfIssuedCount`].
        below: usize,
    },
    /// An issuer is no certificate authority (RFC 5280 section 4.2.1.9).
    #[error(
        "the certificate {} is not a certificate authority's (its basic constraints do not say CA: true), so it cannot have issued others",
        Who(.subject)
    )]
    NotACa {
        /// The issuer's subject.
        subject: DistinguishedName,
    },
    /// A certificate authority's own certificate is presented as a peer's.
    #[error(
        "the certificate {} is a certificate authority's (CA: true), not a {purpose}'s",
        Who(.subject)
    )]
    CaAsPeer {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// What the certificate should be for.
        purpose: Purpose,
    },
    /// More intermediate certificates follow an issuer than it allows (RFC 5280 section 4.2.1.9).
    #[error(
        "the certificate {} allows at most {} below it, and this path has {below}",
        Who(.subject), Count(u64::from(*.allowed), "intermediate certificate")
    )]
    PathLength {
        /// The issuer's subject.
        subject: DistinguishedName,
        /// Its path length constraint.
        allowed: u8,
        /// How many intermediate certificates follow it; whether self-issued ones count is for
        /// [`Rule::SelfIssuedCount`].
        below: usize,
    },
    /// The key must not be used for this (RFC 5280 section 4.2.1.3).
    #[error(
        "the key of the certificate {} may be used for {}, and {needed} is needed",
        Who(.subject), Only(*.found)
    )]
    KeyUsage {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The key usage that the certificate has.
        found: KeyUsage,
        /// The key usage that is missing.
        needed: KeyUsage,
    },
    /// The certificate is for other purposes (RFC 5280 section 4.2.1.12).
    #[error(
        "the certificate {} is for {} only, not for a {purpose}",
        Who(.subject), List(.found)
    )]
    ExtendedKeyUsage {
        /// The certificate's subject: a peer's or an issuer's.
        subject: DistinguishedName,
        /// What the certificate should be for.
        purpose: Purpose,
        /// What it is for.
        found: Vec<NamedOid>,
    },
    /// The certificate is for other names (RFC 5280 section 4.2.1.6).
    #[error("the certificate {} is not for {name}: {}", Who(.subject), Names(.found))]
    Name {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The name that was asked for.
        name: SubjectAlternativeName,
        /// The names that it is for.
        found: Vec<SubjectAlternativeName>,
    },
    /// The certificate's signature does not verify, or is of a kind that is not accepted.
    #[error("the certificate {} is not vouched for by {}: {source}", Who(.subject), Who(.issuer))]
    Signature {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The subject of the certificate whose key was tried.
        issuer: DistinguishedName,
        /// What is the matter with the signature.
        source: SignatureError,
    },
    /// An issuer's public key cannot be used.
    #[error("the certificate {} has a public key that cannot be used: {source}", Who(.subject))]
    IssuerKey {
        /// The issuer's subject.
        subject: DistinguishedName,
        /// What is the matter with the key.
        source: SignatureError,
    },
    /// Nobody at hand has the issuer's name.
    #[error(
        "the issuer of the certificate {}, {issuer}, is neither among the trust anchors nor among the intermediate certificates",
        Who(.subject)
    )]
    UnknownIssuer {
        /// The certificate's subject.
        subject: DistinguishedName,
        /// The name of its issuer.
        issuer: DistinguishedName,
    },
    /// The certificate names itself as its issuer, and nobody decided to trust it.
    #[error("the certificate {} is self-signed, and it is not one of the trust anchors", Who(.subject))]
    SelfSigned {
        /// The certificate's subject.
        subject: DistinguishedName,
    },
    /// Every issuer that was tried failed.
    #[error("{}", Tried { subject, candidates })]
    NoPath {
        /// The subject of the certificate whose issuer was looked for.
        subject: DistinguishedName,
        /// The certificates that have the issuer's name, and why each failed; the one that came
        /// closest to a valid path first.
        candidates: Vec<RejectedIssuer>,
    },
    /// The certificates at hand would take too much work. The search ends there and then.
    #[error(
        "verification was given up after {limit} {work}: the certificates at hand are far more than any chain needs, or arranged to waste work"
    )]
    Budget {
        /// What was counted.
        work: &'static str,
        /// How many were allowed.
        limit: u32,
    },
}

/// How a name breaks the name constraints of an issuer (RFC 5280 section 4.2.1.10).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConstraintBreach {
    /// It lies in an excluded subtree.
    #[error("it excludes {constraint}")]
    Excluded {
        /// The subtree.
        constraint: String,
    },
    /// It lies in no permitted subtree of its form.
    #[error("it permits {} only", List(.permitted))]
    NotPermitted {
        /// The subtrees of the name's form.
        permitted: Vec<String>,
    },
    /// It is not in the form of a name of its kind, so that verifiers would differ on it.
    #[error("it has constraints, and this is not in the form that names of its kind have")]
    MalformedName,
    /// It is constrained, and nobody can say whether it lies within.
    #[error(
        "it constrains names of this form with {constraint}, and whether this one is within cannot be told"
    )]
    Unprocessed {
        /// The subtree.
        constraint: String,
    },
}

/// A certificate that could have issued another, and why it is not accepted as its issuer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RejectedIssuer {
    /// Who was tried.
    pub issuer: IssuerCandidate,
    /// Why it failed: by itself, or because no path leads on from it.
    pub error: VerifyError,
}

/// Who could have issued a certificate: he has the issuer's name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerCandidate {
    /// A trust anchor.
    Anchor(TrustAnchor),
    /// An intermediate certificate.
    Intermediate(Certificate),
}

impl IssuerCandidate {
    /// The name.
    #[must_use]
    pub fn subject(&self) -> DistinguishedName {
        match self {
            Self::Anchor(anchor) => anchor.subject(),
            Self::Intermediate(certificate) => certificate.subject(),
        }
    }

    /// The certificate, if there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<&Certificate> {
        match self {
            Self::Anchor(anchor) => anchor.certificate(),
            Self::Intermediate(certificate) => Some(certificate),
        }
    }

    /// Whether it is a trust anchor.
    #[must_use]
    pub fn is_anchor(&self) -> bool {
        matches!(self, Self::Anchor(_))
    }
}

impl fmt::Display for IssuerCandidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_anchor() { "trust anchor" } else { "intermediate" })?;
        match self.certificate() {
            Some(certificate) => write!(f, " {}", certificate.serial_number()),
            None => write!(f, " without a certificate"),
        }
    }
}

impl VerifyError {
    /// The reason that came closest to a valid path: for [`VerifyError::NoPath`] that of the first
    /// issuer that was tried, else the error itself.
    #[must_use]
    pub fn cause(&self) -> &Self {
        match self {
            Self::NoPath { candidates, .. } => {
                candidates.first().map_or(self, |best| best.error.cause())
            }
            other => other,
        }
    }

    /// How close to a valid path this is. A signature of another key shows that the certificate
    /// is not the issuer at all, only its namesake; a missing issuer may just be a dead end; any
    /// other reason is about a certificate that does fit.
    pub(super) fn rank(&self) -> u8 {
        match self.cause() {
            Self::Signature {
                source: SignatureError::Invalid | SignatureError::KeyOfAnotherKind { .. },
                ..
            } => 0,
            Self::UnknownIssuer { .. }
            | Self::SelfSigned { .. }
            | Self::Rule { rule: Rule::KeyIdentifiersMatch, .. } => 1,
            // Of a whole path, each of whose signatures verified. A list that revokes outranks one that is
            // missing: with more lists at hand the former would stay.
            Self::Policy { .. } | Self::RevocationUnknown { .. } => 3,
            Self::Revoked { .. } => 4,
            Self::Budget { .. } => 5,
            _ => 2,
        }
    }

    /// One error for all that was tried for the certificate's issuer.
    pub(super) fn no_path(
        certificate: &Certificate,
        is_self_issued: bool,
        mut candidates: Vec<RejectedIssuer>,
    ) -> Self {
        // A root whose namesakes did not sign it: that it is not trusted is the reason.
        if is_self_issued && candidates.iter().all(|other| other.error.rank() == 0) {
            return Self::SelfSigned { subject: certificate.subject() };
        }
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.error.rank()));
        let subject = certificate.subject();
        if candidates.is_empty() {
            return Self::UnknownIssuer { subject, issuer: certificate.issuer() };
        }
        Self::NoPath { subject, candidates }
    }
}
