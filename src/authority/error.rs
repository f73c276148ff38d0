//! Why a certificate authority cannot do what it is asked.

use std::path::PathBuf;

use super::CertificateId;
use crate::certificate::{
    CertificateError, DistinguishedName, Elapsed, SerialNumber, SubjectAlternativeNameError,
    Timestamp,
};
use crate::file::FileError;
use crate::key::KeyError;
use crate::key::encrypted::EncryptedKeyError;
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
    #[error("the certificate {serial_number} is revoked already, since {since}")]
    AlreadyRevoked {
        /// The certificate's serial number.
        serial_number: SerialNumber,
        /// When it was revoked.
        since: Timestamp,
    },
    /// The CA has taken the request, and the certificate was not ready in time. It may still be
    /// issued: ask for it again by its id.
    #[error("the certificate {id} was asked for and is not issued yet; ask for it again by its id")]
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
    /// The backend failed for a reason of its own.
    #[error("{operation} failed: {source}")]
    Backend {
        /// What was being done.
        operation: &'static str,
        /// What the backend says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
