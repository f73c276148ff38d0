//! Why a revocation list does not count.

use super::VerifyError;
use crate::certificate::Timestamp;
use crate::oid::NamedOid;
use crate::verify::revocation::RevocationList;
use crate::verify::rule::Rule;
use crate::verify::signature::SignatureError;

/// A revocation list of a certificate's issuer, and why it does not count.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RejectedList {
    /// The list.
    pub list: RevocationList,
    /// Why it does not count.
    pub error: ListError,
}

/// Why a revocation list does not count.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum ListError {
    /// It is about other certificates (RFC 5280 section 5.2.5).
    #[error("{rule}")]
    Scope {
        /// Which ones.
        rule: &'static str,
    },
    /// It is from the future.
    #[error("it was made at {this_update}, after the time of verification, {at}")]
    NotYetMade {
        /// When it was made.
        this_update: Timestamp,
        /// The time of verification.
        at: Timestamp,
    },
    /// It is out of date.
    #[error("the next one was due at {next_update}, before the time of verification, {at}")]
    Expired {
        /// When the next one was due.
        next_update: Timestamp,
        /// The time of verification.
        at: Timestamp,
    },
    /// It does not say when the next one is due, which RFC 5280 section 5.1.2.5 asks for.
    #[error("it does not say when the next one is due (RFC 5280 section 5.1.2.5)")]
    NoNextUpdate,
    /// A critical extension is not processed (RFC 5280 section 5.2).
    #[error("it has the critical extension {extension}, which is not processed here")]
    CriticalExtension {
        /// The extension, of the list or of an entry.
        extension: NamedOid,
    },
    /// The signature algorithm differs inside and outside the signed part (RFC 5280 section 5.1.1.2).
    #[error("it names one signature algorithm in its signed part and another beside it")]
    SignatureAlgorithmsDiffer,
    /// It breaks a rule that the [`Policy`](crate::verify::Policy) has.
    #[error("it breaks the rule {} of {}: {}", .rule.id(), .rule.source(), .rule.sentence())]
    Rule {
        /// The rule.
        rule: Rule,
    },
    /// Nobody at hand has the name of its issuer.
    #[error(
        "its issuer is neither among the trust anchors nor among the intermediate certificates"
    )]
    NoSigner,
    /// Its signature does not verify.
    #[error("{0}")]
    Signature(#[source] SignatureError),
    /// Who signed it may not.
    #[error("its issuer is not accepted: {source}")]
    Signer {
        /// Why.
        source: Box<VerifyError>,
    },
}
