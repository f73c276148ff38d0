//! Why a chain is refused, with the evidence.

use std::fmt;

use super::Purpose;
use super::signature::SignatureError;
use crate::certificate::{
    Certificate, Count, DistinguishedName, Elapsed, KeyUsage, SubjectAlternativeName, Timestamp,
};
use crate::oid::NamedOid;

/// Trust anchors that cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AnchorError {
    /// There is none, so nothing could ever be verified.
    #[error("there is no trust anchor: without one every certificate would be refused")]
    None,
    /// An anchor's public key cannot verify signatures.
    #[error("the trust anchor {} cannot be used: {source}", Who(.subject))]
    Key {
        /// The anchor's subject.
        subject: DistinguishedName,
        /// What is the matter with its key.
        source: SignatureError,
    },
}

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
    /// The certificate has name constraints, which are not processed (RFC 5280 section 4.2.1.10).
    #[error(
        "the certificate {} has name constraints, which are not processed here: to ignore them would let it vouch for names that it must not",
        Who(.subject)
    )]
    NameConstraints {
        /// The certificate's subject.
        subject: DistinguishedName,
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
        /// How many intermediate certificates follow it, self-issued ones not counted.
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

/// A certificate that could have issued another, and why it is not accepted as its issuer.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RejectedIssuer {
    /// The certificate that was tried.
    pub certificate: Certificate,
    /// Whether it is a trust anchor, rather than an intermediate certificate.
    pub is_anchor: bool,
    /// Why it failed: by itself, or because no path leads on from it.
    pub error: VerifyError,
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
            Self::UnknownIssuer { .. } | Self::SelfSigned { .. } => 1,
            Self::Budget { .. } => 3,
            _ => 2,
        }
    }

    /// One error for all that was tried for the certificate's issuer.
    pub(super) fn no_path(certificate: &Certificate, mut candidates: Vec<RejectedIssuer>) -> Self {
        // A root whose namesakes did not sign it: that it is not trusted is the reason.
        if certificate.is_self_issued() && candidates.iter().all(|other| other.error.rank() == 0) {
            return Self::SelfSigned { subject: certificate.subject() };
        }
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.error.rank()));
        if candidates.len() == 1
            && let Some(only) = candidates.pop()
        {
            return only.error;
        }
        let subject = certificate.subject();
        if !candidates.is_empty() {
            Self::NoPath { subject, candidates }
        } else {
            Self::UnknownIssuer { subject, issuer: certificate.issuer() }
        }
    }
}

/// A subject in a sentence after "the certificate".
struct Who<'a>(&'a DistinguishedName);

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("without a subject's name");
        }
        self.0.fmt(f)
    }
}

/// How many items of a list a sentence holds.
const LISTED: usize = 5;

struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, item) in self.0.iter().take(LISTED).enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
        }
        match self.0.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

struct Names<'a>(&'a [SubjectAlternativeName]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str(
                "it has no subject alternative names, and a common name does not count",
            );
        }
        write!(f, "it is for {}", List(self.0))
    }
}

struct Tried<'a> {
    subject: &'a DistinguishedName,
    candidates: &'a [RejectedIssuer],
}

impl fmt::Display for Tried<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no path leads from the certificate {} to a trust anchor; {} certificates have its issuer's name",
            Who(self.subject),
            self.candidates.len()
        )?;
        for (candidate, separator) in self
            .candidates
            .iter()
            .take(LISTED)
            .zip(std::iter::once(": ").chain(std::iter::repeat("; ")))
        {
            let kind = if candidate.is_anchor { "trust anchor" } else { "intermediate" };
            let serial = candidate.certificate.serial_number();
            write!(f, "{separator}{kind} {serial}: {}", candidate.error.cause())?;
        }
        match self.candidates.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

struct Only(KeyUsage);

impl fmt::Display for Only {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.to_string().as_str() {
            "" => f.write_str("nothing at all"),
            found => write!(f, "{found} only"),
        }
    }
}
