//! Why the Cloud Ops API cannot be asked, or does not do what it is asked.

use std::error::Error;
use std::time::Duration;

use super::OperationState;
use crate::file::FileError;
use crate::temporal::bundle::BundleError;
use crate::temporal::filters::FilterProblem;

/// What the server answered instead of doing what it was asked, or what the connection said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
#[non_exhaustive]
pub struct ServerAnswer {
    /// The gRPC status code by its name: `PERMISSION_DENIED`.
    pub code: &'static str,
    /// The server's words.
    pub message: String,
}

/// Why the Cloud Ops API cannot be asked, or does not do what it is asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CloudOpsError {
    /// There is no API key.
    #[error(
        "there is no API key: set TEMPORAL_CLOUD_API_KEY, or name a file that holds one (Temporal Cloud makes them under Settings, API keys)"
    )]
    NoApiKey,
    /// What is given cannot be an API key.
    #[error("the API key is empty, or has characters that an API key never has")]
    InvalidApiKey,
    /// The file of the API key cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The address cannot be used.
    #[error("the address \"{address}\" cannot be used: {reason}")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The API key would cross a network unencrypted.
    #[error(
        "{address} is not this machine: without TLS the API key could be read on the way, so plain text goes to 127.0.0.1 and [::1] alone"
    )]
    Plaintext {
        /// The address.
        address: String,
    },
    /// There is no connection, or it ends before there is an answer, at every try.
    #[error("{address} cannot be reached, at the last of {attempts} tries: {source}")]
    Unreachable {
        /// The address.
        address: String,
        /// How often it was tried.
        attempts: u32,
        /// What the connection said.
        source: ServerAnswer,
    },
    /// The API key is not one that the server knows.
    #[error("Temporal Cloud does not know the API key, or it has ended or is disabled: {source}")]
    Unauthenticated {
        /// What the server said.
        source: ServerAnswer,
    },
    /// The owner of the API key may not do this.
    #[error(
        "the owner of the API key may not {what}: it takes the permission Namespace Admin, or an account role that has it ({source})"
    )]
    PermissionDenied {
        /// What was asked.
        what: String,
        /// What the server said.
        source: ServerAnswer,
    },
    /// There is no such namespace.
    #[error(
        "the account of the API key has no namespace \"{name}\": its name has the account's id after a point, as in hello.a1b2c"
    )]
    NoNamespace {
        /// The name that was asked for.
        name: String,
        /// What the server said.
        source: ServerAnswer,
    },
    /// There is no such operation.
    #[error("Temporal Cloud knows no operation \"{id}\"")]
    NoOperation {
        /// The operation's id.
        id: String,
        /// What the server said.
        source: ServerAnswer,
    },
    /// Somebody else changed the namespace between each reading and the update that followed.
    #[error(
        "somebody else changed the namespace {namespace} each of the {attempts} times that this change was made: try again when it is quieter"
    )]
    Conflict {
        /// The namespace.
        namespace: String,
        /// How often the change was made on a fresh state.
        attempts: u32,
        /// What the server said last.
        source: ServerAnswer,
    },
    /// There are too many requests, at every try.
    #[error("Temporal Cloud takes no more requests now, at the last of {attempts} tries: {source}")]
    Throttled {
        /// How often it was tried.
        attempts: u32,
        /// What the server said.
        source: ServerAnswer,
    },
    /// The server refuses what it is asked, for another reason.
    #[error("Temporal Cloud refuses to {what}: {source}")]
    Refused {
        /// What was asked.
        what: String,
        /// What the server said.
        source: ServerAnswer,
    },
    /// The answer is not what the API promises.
    #[error("the answer of Temporal Cloud cannot be read: {what}")]
    Unreadable {
        /// What of it.
        what: &'static str,
        /// Why, if a reader said so.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// Temporal Cloud would not take the bundle; nothing was sent.
    #[error("the changed bundle would be refused: {0}")]
    Bundle(#[source] BundleError),
    /// Temporal Cloud would not take the filters; nothing was sent.
    #[error("the changed filters would be refused: {}", sentences(.problems))]
    Filters {
        /// Everything that is wrong with them.
        problems: Vec<FilterProblem>,
    },
    /// mTLS would be on without a CA; nothing was sent.
    #[error(
        "mTLS would be enabled with an empty bundle, and no client admitted: add a CA certificate with the same change"
    )]
    NoCa,
    /// Neither mTLS with a CA that has not ended nor API keys would be on; nothing was sent.
    #[error(
        "no client would be let in any more: neither API keys would be enabled, nor mTLS with a CA that has not ended"
    )]
    NoWayIn,
    /// The operation came to an end without having been done.
    #[error("the operation {id} ended {state}{}: the namespace is as it was, or Temporal's support has to mend it", because(.reason))]
    OperationFailed {
        /// The operation's id.
        id: String,
        /// How it ended.
        state: OperationState,
        /// The server's reason; it may be empty.
        reason: String,
    },
    /// The operation has not come to its end in the time that was given.
    #[error(
        "the operation {id} was not done after {} s{}; it goes on, and can be followed by its id",
        waited.as_secs(),
        source.as_ref().map(|error| format!(" ({error})")).unwrap_or_default()
    )]
    OperationPending {
        /// The operation's id.
        id: String,
        /// How long it was followed.
        waited: Duration,
        /// Why it could not be asked about, if that was so.
        source: Option<Box<CloudOpsError>>,
    },
    /// The operating system has no random numbers.
    #[error("the operating system has no random numbers: {0}")]
    Random(getrandom::Error),
}

fn because(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

fn sentences(problems: &[FilterProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Why a namespace was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError<E: Error + 'static> {
    /// The change cannot be made on the namespace as it is.
    #[error(transparent)]
    Change(E),
    /// The API cannot be asked, or does not do it.
    #[error(transparent)]
    CloudOps(#[from] CloudOpsError),
}
