//! Why a certificate authority cannot do what it is asked.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use super::CertificateId;
use crate::certificate::{
    CertificateError, DistinguishedName, Elapsed, SerialNumber, SubjectAlternativeNameError,
    Timestamp,
};
use crate::file::FileError;
use crate::key::EncryptedKeyError;
use crate::key::KeyError;
use crate::request::RequestError;

/// Why a certificate authority cannot do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// The signing request is unusable.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The certificate would end after the CA's own.
    #[error(
        "the certificate would end at {requested}, {} after its CA, which ends at {ca_not_after}: ask for less, or for an end at {ca_not_after}",
        Elapsed(requested.since(*ca_not_after))
    )]
    OutlivesCa {
        /// The end that was asked for.
        requested: Timestamp,
        /// The CA's own end.
        ca_not_after: Timestamp,
    },
    /// The certificate would start before the CA's own.
    #[error(
        "the certificate would start at {requested}, {} before its CA, which starts at {ca_not_before}",
        Elapsed(ca_not_before.since(*requested))
    )]
    StartsBeforeCa {
        /// The start that was asked for.
        requested: Timestamp,
        /// The CA's own start.
        ca_not_before: Timestamp,
    },
    /// The certificate would end before it starts.
    #[error(
        "the certificate would start at {not_before} and end at {not_after}, so it would never be valid"
    )]
    EmptyValidity {
        /// The start.
        not_before: Timestamp,
        /// The end.
        not_after: Timestamp,
    },
    /// The CA's own certificate has ended.
    #[error(
        "the CA {subject} ended at {not_after}, {} ago: create a new one and give its chain to everyone who trusts this one",
        Elapsed(now.since(*not_after))
    )]
    Expired {
        /// The CA's subject.
        subject: DistinguishedName,
        /// The CA's end.
        not_after: Timestamp,
        /// When it was asked.
        now: Timestamp,
    },
    /// The CA's own certificate does not allow what is asked.
    #[error("the CA {subject} cannot issue this: {reason}")]
    NotAllowed {
        /// The CA's subject.
        subject: DistinguishedName,
        /// Which constraint forbids it, with its RFC section.
        reason: &'static str,
    },
    /// A distinguished name that this CA cannot write without changing it.
    #[error("the name \"{name}\" cannot be written as it is: {reason}")]
    Name {
        /// The name.
        name: DistinguishedName,
        /// What the CA cannot express.
        reason: &'static str,
    },
    /// A subject alternative name that no certificate should carry.
    #[error(transparent)]
    SubjectAlternativeName {
        /// The name and the rule that it breaks.
        source: SubjectAlternativeNameError,
    },
    /// A passphrase was given for a key that is not encrypted.
    #[error(
        "a passphrase is given for the CA's private key, and that key is not encrypted: leave the passphrase out"
    )]
    PassphraseNotNeeded,
    /// A key of a kind that this CA cannot certify or use.
    #[error("this CA does not take {what}")]
    UnsupportedKey {
        /// The kind of key.
        what: String,
    },
    /// No certificate of that id was issued by this CA.
    #[error("this CA has issued no certificate {id}")]
    NotFound {
        /// The id that was asked for.
        id: CertificateId,
    },
    /// The certificate is revoked already.
    #[error("the certificate {serial_number} is revoked already{}", since.map(|since| format!(", since {since}")).unwrap_or_default())]
    AlreadyRevoked {
        /// The certificate's serial number.
        serial_number: SerialNumber,
        /// When it was revoked, if the CA says so; AWS Private CA does not.
        since: Option<Timestamp>,
    },
    /// The CA has taken the request and has not finished it in time. It may still do so: ask for the
    /// certificate again by its id.
    #[error(
        "the CA has not finished with the certificate {id} in time; it may still do so, so ask for it again by its id"
    )]
    Unfinished {
        /// What the CA calls the certificate to be.
        id: CertificateId,
    },
    /// The idempotency key was used for another request.
    #[error(
        "the idempotency key \"{key}\" was used for another request before: use a new key, or ask for the same"
    )]
    IdempotencyConflict {
        /// The key.
        key: String,
    },
    /// A reason for a revocation is not known.
    #[error(
        "\"{name}\" is no reason for a revocation; known are unspecified, keyCompromise, cACompromise, affiliationChanged, superseded, cessationOfOperation, privilegeWithdrawn"
    )]
    UnknownReason {
        /// The name that was given.
        name: String,
    },
    /// The folder already holds something.
    #[error(
        "{} is not empty, and a CA's folder is never written over: choose another folder, or delete this one if nothing trusts it",
        path.display()
    )]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// The folder holds no CA.
    #[error(
        "{} holds no CA: create one (private-ca ca create --dir DIR --subject NAME), or name its folder",
        path.display()
    )]
    NoCa {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the CA's folder does not belong to it or was changed.
    #[error("{} does not belong to this CA: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The CA's private key is encrypted and no passphrase was given.
    #[error("the CA's private key is encrypted: its passphrase is needed")]
    PassphraseNeeded,
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A private key could not be read or made.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An encrypted private key could not be read or written.
    #[error(transparent)]
    EncryptedKey(#[from] EncryptedKeyError),
    /// A certificate could not be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A certificate was asked for and could not be fetched. It may exist: fetch it by its id.
    #[error("the certificate {id} was asked for and could not be fetched: {source}")]
    NotFetched {
        /// What the CA calls it.
        id: CertificateId,
        /// Why it could not be fetched.
        source: Box<CaError>,
    },
    /// What the CA gave out is not what was asked of it. The certificate exists all the same.
    #[error("the certificate {id} is not what was asked for: {reason}")]
    WrongAnswer {
        /// What the CA calls the certificate.
        id: CertificateId,
        /// What does not fit.
        reason: String,
    },
    /// There is no usable proof of who is asking.
    #[error("AWS cannot be asked: {problem}")]
    Credentials {
        /// What is wrong with it.
        problem: CredentialsProblem,
        /// What the backend says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Whoever asks may not do this.
    #[error(
        "the caller may not do {action}{}{}: allow it in the caller's IAM policy{}",
        resource.as_ref().map(|resource| format!(" on {resource}")).unwrap_or_default(),
        template.as_ref().map(|template| format!(" with the template {template}")).unwrap_or_default(),
        if template.is_some() {
            ", and if the CA is another account's, have it shared with a permission that covers this template, or choose one that it covers"
        } else {
            ""
        }
    )]
    AccessDenied {
        /// The action, as an IAM policy names it: `acm-pca:IssueCertificate`.
        action: String,
        /// The ARN of what it would be done to.
        resource: Option<String>,
        /// The ARN of the template that a certificate was asked for with: IAM policies can name
        /// templates, and the resource share of another account's CA does.
        template: Option<String>,
        /// What the backend says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The CA is in a state in which it cannot do this.
    #[error("the CA {ca} is {state} and cannot do this: {}", state.mend())]
    State {
        /// The CA.
        ca: String,
        /// The state that it is in.
        state: CaState,
    },
    /// A CA was created and cannot issue yet.
    #[error(
        "the CA {ca} was created and its certificate is not installed yet: {source}; when that is mended, install it"
    )]
    NotInstalled {
        /// The CA.
        ca: String,
        /// Why its certificate could not be installed.
        source: Box<CaError>,
    },
    /// There is no such CA, or not in this account and region.
    #[error(
        "there is no CA {ca}, or not for this account: check the ARN, the account of the credentials, and whether the CA is shared with it"
    )]
    NoSuchCa {
        /// The CA.
        ca: String,
    },
    /// An ARN is not one of what is needed here.
    #[error("\"{arn}\" is not the ARN of {expected}: {reason}")]
    InvalidArn {
        /// The text.
        arn: String,
        /// What it should name.
        expected: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A CA lives in one region and is asked from another.
    #[error("{arn} lives in another region than {configured}, the one that is configured: use its own, {}", arn.split(':').nth(3).unwrap_or_default())]
    Region {
        /// The ARN that was given.
        arn: String,
        /// The region that is configured.
        configured: String,
    },
    /// No region is configured.
    #[error(
        "no AWS region is configured: name one (--region, the environment variable AWS_REGION, or region in ~/.aws/config)"
    )]
    NoRegion,
    /// An account has as many as it may have.
    #[error(
        "AWS's quota is reached: {source}; delete what is not needed, or ask for more in the Service Quotas console"
    )]
    Quota {
        /// What the backend says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The backend was asked too often, also after the retries.
    #[error(
        "{operation} was throttled, also after retries: ask less often, or ask for a higher rate"
    )]
    Throttled {
        /// What was being done.
        operation: &'static str,
        /// What the backend says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The backend could not be reached, or did not answer in time. Whether it has done what was
    /// asked is not known; asking again with the same idempotency key is safe.
    #[error(
        "{operation} got no answer from AWS: check the network, the region and the endpoint. If it changes something, whether that was done is not known; asking again with the same idempotency key is safe"
    )]
    Unreachable {
        /// What was being done.
        operation: &'static str,
        /// What the backend says.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The backend failed for a reason of its own.
    #[error("{operation} failed: {source}")]
    Backend {
        /// What was being done.
        operation: &'static str,
        /// What the backend says.
        source: Box<dyn Error + Send + Sync>,
    },
}

impl CaError {
    /// An error after a certificate was asked for says which one, so that it is not lost.
    pub(crate) fn about(self, id: CertificateId) -> Self {
        match self {
            Self::Unfinished { .. } | Self::WrongAnswer { .. } | Self::NotFetched { .. } => self,
            other => Self::NotFetched { id, source: Box::new(other) },
        }
    }
}

/// What is wrong with the proof of who is asking.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsProblem {
    /// There is none.
    Missing,
    /// It could not be had from where it should come from.
    Unobtainable,
    /// It has expired.
    Expired,
    /// AWS does not accept it.
    Rejected,
    /// The clock of this machine differs too much from AWS's.
    ClockSkew {
        /// What this machine's clock said.
        here: Timestamp,
        /// What AWS's clock said, if its answer had the time.
        there: Option<Timestamp>,
    },
}

impl fmt::Display for CredentialsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str(
                "there are no credentials: sign in (aws sso login), name a profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            ),
            Self::Unobtainable => f.write_str(
                "the credentials could not be loaded: sign in again (aws sso login), and check the profile's settings",
            ),
            Self::Expired => f.write_str(
                "the credentials have expired: sign in again (aws sso login), or get new ones",
            ),
            Self::Rejected => f.write_str(
                "AWS does not accept the credentials: check the key id, the secret and the session token",
            ),
            Self::ClockSkew { here, there: Some(there) } => write!(
                f,
                "this machine's clock says {here} and AWS's {there}: set this machine's clock, because signatures carry the time"
            ),
            Self::ClockSkew { here, there: None } => write!(
                f,
                "this machine's clock says {here}, which is too far from AWS's: set this machine's clock, because signatures carry the time"
            ),
        }
    }
}

/// The state of a CA, in AWS Private CA's words (API reference, `CertificateAuthority`, `Status`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CaState {
    /// It is being made.
    Creating,
    /// It has a key and no certificate yet.
    PendingCertificate,
    /// It issues.
    Active,
    /// Its owner has switched it off.
    Disabled,
    /// Its certificate has ended.
    Expired,
    /// It could not be made.
    Failed,
    /// It is deleted, and can be restored within its restore window.
    Deleted,
    /// A state that this version does not know.
    Unknown,
}

impl CaState {
    fn mend(self) -> &'static str {
        match self {
            Self::Creating => "wait until it is made",
            Self::PendingCertificate => {
                "install its certificate first (private-ca ca install --ca ARN)"
            }
            Self::Active => "it could a moment later; ask again",
            Self::Disabled => "its owner has to enable it first (private-ca ca enable --ca ARN)",
            Self::Expired => {
                "renew its certificate with a later end, or create another CA and move to it"
            }
            Self::Failed => "delete it and create another",
            Self::Deleted => "restore it first (private-ca ca restore --ca ARN)",
            Self::Unknown => "look it up in the AWS console",
        }
    }
}

impl fmt::Display for CaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Creating => "CREATING",
            Self::PendingCertificate => "PENDING_CERTIFICATE",
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
            Self::Expired => "EXPIRED",
            Self::Failed => "FAILED",
            Self::Deleted => "DELETED",
            Self::Unknown => "in a state that this version does not know",
        })
    }
}
