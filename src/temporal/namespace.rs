//! A namespace of Temporal Cloud, read and changed over the Cloud Ops API.
//!
//! A change is a function of the namespace as it is. It is made on a fresh reading, and an update names
//! the version that was read; if somebody else was faster, the namespace is read again and the change
//! made again, so that no writer undoes another's work. What a change does not touch is sent back byte
//! for byte, also settings that this version does not know. Temporal Cloud accepts an update first and
//! makes it in an asynchronous operation, which is followed to its end, or later by its id.
//!
//! ```no_run
//! # async fn add(ca: private_ca::Certificate) -> Result<(), Box<dyn std::error::Error>> {
//! use private_ca::temporal::namespace::{ApiKey, Change, CloudOps};
//!
//! let cloud = CloudOps::new("saas-api.tmprl.cloud:443", ApiKey::from_environment()?)?;
//! cloud
//!     .update("hello.a1b2c", |namespace| {
//!         Ok::<_, private_ca::temporal::bundle::BundleError>(
//!             Change::none().with_bundle(namespace.mtls.bundle.add(&[ca.clone()])?),
//!         )
//!     })
//!     .await?;
//! # Ok(()) }
//! ```

mod api_key;
mod call;
mod error;
mod operation;
mod state;
mod wire;

use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};

use prost::Message as _;
use temporalio_protos::protos::temporal::api::cloud::cloudservice::v1 as proto;
use tonic::Code;

use crate::certificate::Certificate;
pub use api_key::{API_KEY_VARIABLE, ApiKey};
use call::{ReadFailure, Server, Unanswered};
pub use error::{CloudOpsError, ServerAnswer, UpdateError};
pub use operation::{Operation, OperationState};
pub use state::{AuthMethod, Change, Difference, MtlsAuth, NamespaceEndpoints, NamespaceState};

/// Where Temporal Cloud's API is (Temporal Cloud, "Cloud Ops API").
pub const DEFAULT_ADDRESS: &str = "saas-api.tmprl.cloud:443";

/// How the API is asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CloudOpsOptions {
    /// Host and port.
    pub address: String,
    /// The CAs of the server, if it is not one that the operating system's CAs vouch for.
    pub server_ca: Option<Vec<Certificate>>,
    /// Without TLS; to this machine alone.
    pub plaintext: bool,
    /// How often a call is made that is not answered, or throttled.
    pub tries: u32,
    /// How often a change is made on a fresh state.
    pub attempts: u32,
    /// How long to wait before the second try; before later ones up to 32 times as long.
    pub pause: Duration,
    /// How long a single call may take.
    pub request_timeout: Duration,
    /// How long an operation is followed.
    pub patience: Duration,
    /// The longest time between two questions about an operation, whatever the server recommends.
    pub longest_poll: Duration,
}

impl Default for CloudOpsOptions {
    fn default() -> Self {
        Self {
            address: DEFAULT_ADDRESS.to_owned(),
            server_ca: None,
            plaintext: false,
            tries: 6,
            attempts: 60,
            pause: Duration::from_millis(200),
            request_timeout: call::REQUEST_TIMEOUT,
            patience: Duration::from_secs(10 * 60),
            longest_poll: Duration::from_secs(10),
        }
    }
}

/// The Cloud Ops API.
#[derive(Clone)]
pub struct CloudOps {
    server: Server,
}

/// What became of a change.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// The namespace was as it was to be. Nothing was sent.
    Unchanged(NamespaceState),
    /// The change was accepted; its operation says whether it is done.
    Sent(Sent),
}

/// A change that was accepted.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Sent {
    /// The namespace before it.
    pub before: NamespaceState,
    /// What it changes.
    pub difference: Difference,
    /// Its operation.
    pub operation: Operation,
    /// How often it was made on a fresh state.
    pub attempts: u32,
}

impl CloudOps {
    /// The API at an address, with TLS. Nothing is sent yet.
    ///
    /// # Errors
    /// [`CloudOpsError::Address`].
    pub fn new(address: impl Into<String>, key: ApiKey) -> Result<Self, CloudOpsError> {
        Self::with_options(key, CloudOpsOptions { address: address.into(), ..Default::default() })
    }

    /// The same, with other options. It has to be called within a tokio runtime.
    ///
    /// # Errors
    /// [`CloudOpsError::Address`]; [`CloudOpsError::Plaintext`] if another machine would be asked
    /// without TLS.
    pub fn with_options(key: ApiKey, options: CloudOpsOptions) -> Result<Self, CloudOpsError> {
        Ok(Self { server: Server::new(key, options)? })
    }

    /// The namespaces that the API key may read, by their full names.
    ///
    /// # Errors
    /// [`CloudOpsError`].
    pub async fn namespaces(&self) -> Result<Vec<String>, CloudOpsError> {
        let mut names = Vec::new();
        let mut request = proto::GetNamespacesRequest::default();
        loop {
            let answer = self.server.read("GetNamespaces", &request).await.map_err(|failure| {
                self.unanswered("list the namespaces", failure, |source| CloudOpsError::Refused {
                    what: "list the namespaces".to_owned(),
                    source,
                })
            })?;
            let page = proto::GetNamespacesResponse::decode(answer.as_slice())
                .map_err(|error| state::unreadable("the list of namespaces", error))?;
            names.extend(page.namespaces.into_iter().map(|namespace| namespace.namespace));
            if page.next_page_token.is_empty() || page.next_page_token == request.page_token {
                return Ok(names);
            }
            request.page_token = page.next_page_token;
        }
    }

    /// A namespace as it is.
    ///
    /// # Errors
    /// [`CloudOpsError::NoNamespace`], and others.
    pub async fn namespace(&self, name: &str) -> Result<NamespaceState, CloudOpsError> {
        let request = proto::GetNamespaceRequest { namespace: name.to_owned() };
        let answer = self.server.read("GetNamespace", &request).await.map_err(|failure| {
            self.unanswered(&format!("read the namespace {name}"), failure, no_namespace(name))
        })?;
        let message = wire::message_in(&answer, 1)
            .map_err(|error| state::unreadable("the namespace", error))?;
        match message {
            Some(message) => NamespaceState::read(&message),
            None => Err(CloudOpsError::Unreadable { what: "it has no namespace", source: None }),
        }
    }

    /// Changes a namespace and follows the operation to its end.
    ///
    /// # Errors
    /// Those of [`CloudOps::send`] and [`CloudOps::resume`].
    pub async fn update<E: Error + 'static>(
        &self,
        name: &str,
        change: impl Fn(&NamespaceState) -> Result<Change, E>,
    ) -> Result<Outcome, UpdateError<E>> {
        match self.send(name, change).await? {
            Outcome::Sent(mut sent) => {
                sent.operation = self.follow(sent.operation).await?;
                Ok(Outcome::Sent(sent))
            }
            unchanged => Ok(unchanged),
        }
    }

    /// Changes a namespace, and does not wait for the operation in which that is done.
    ///
    /// # Errors
    /// [`UpdateError::Change`] with the change's own error; [`CloudOpsError::Conflict`] if others were
    /// always faster; [`CloudOpsError::Bundle`] and [`CloudOpsError::Filters`] for what would be
    /// refused, before anything is sent.
    pub async fn send<E: Error + 'static>(
        &self,
        name: &str,
        change: impl Fn(&NamespaceState) -> Result<Change, E>,
    ) -> Result<Outcome, UpdateError<E>> {
        let id = operation_id()?;
        let mut before = self.namespace(name).await?;
        let mut attempts = 1;
        loop {
            let wanted = change(&before).map_err(UpdateError::Change)?;
            if before.is_already(&wanted) {
                return Ok(Outcome::Unchanged(before));
            }
            before.check(&wanted)?;
            let unanswered = match self.send_once(&before, &wanted, &id).await? {
                Ok(operation) => {
                    let difference = before.difference(&wanted);
                    return Ok(Outcome::Sent(Sent { before, difference, operation, attempts }));
                }
                Err(unanswered) => unanswered,
            };
            let fresh = self.namespace(name).await?;
            // The API does not say by which code it refuses a version that is past. The version itself
            // says whether it was; or an operation was in the way, which may have ended by now.
            let is_past = fresh.resource_version != before.resource_version;
            let is_busy = before.operation.is_some() || fresh.operation.is_some();
            let is_conflict = match unanswered.code {
                Code::Aborted => true,
                Code::FailedPrecondition => is_past || is_busy,
                Code::InvalidArgument | Code::AlreadyExists => is_past,
                _ => false,
            };
            if !is_conflict {
                let what = format!("update the namespace {name}");
                return Err(self.server.error(&what, 1, unanswered, no_namespace(name)).into());
            }
            if attempts >= self.server.options.attempts {
                let (namespace, source) = (name.to_owned(), unanswered.answer);
                return Err(CloudOpsError::Conflict { namespace, attempts, source }.into());
            }
            self.server.pause(attempts).await?;
            attempts += 1;
            before = self.namespace(name).await?;
        }
    }

    /// Sends an update until it is answered. One whose answer is lost may have been accepted: the
    /// operation's id says.
    async fn send_once(
        &self,
        before: &NamespaceState,
        change: &Change,
        id: &str,
    ) -> Result<Result<Operation, Unanswered>, CloudOpsError> {
        let specification = before
            .changed_specification(change)
            .map_err(|error| state::unreadable("the namespace's specification", error))?;
        let mut body = proto::UpdateNamespaceRequest {
            namespace: before.name.clone(),
            spec: None,
            resource_version: before.resource_version.clone(),
            async_operation_id: id.to_owned(),
        }
        .encode_to_vec();
        wire::push_message(&mut body, 2, &specification);
        let mut tries = 1;
        let mut may_be_accepted = false;
        loop {
            let unanswered = match self.server.once("UpdateNamespace", body.clone()).await {
                Ok(answer) => {
                    let answer = proto::UpdateNamespaceResponse::decode(answer.as_slice())
                        .map_err(|error| state::unreadable("the update's answer", error))?;
                    let operation = answer.async_operation.ok_or(CloudOpsError::Unreadable {
                        what: "the update has no operation",
                        source: None,
                    })?;
                    return Ok(Ok(Operation::of(operation)));
                }
                Err(unanswered) => unanswered,
            };
            may_be_accepted |= unanswered.is_unclear();
            if may_be_accepted {
                match self.operation(id).await {
                    Ok(operation) => return Ok(Ok(operation)),
                    Err(CloudOpsError::NoOperation { .. }) => {}
                    Err(error) => return Err(error),
                }
            }
            let again = unanswered.is_unclear() || unanswered.code == Code::ResourceExhausted;
            if !again {
                return Ok(Err(unanswered));
            }
            if tries >= self.server.options.tries {
                let what = format!("update the namespace {}", before.name);
                return Err(self.server.error(
                    &what,
                    tries,
                    unanswered,
                    no_namespace(&before.name),
                ));
            }
            self.server.pause(tries).await?;
            tries += 1;
        }
    }

    /// How far an operation has come.
    ///
    /// # Errors
    /// [`CloudOpsError::NoOperation`], and others.
    pub async fn operation(&self, id: &str) -> Result<Operation, CloudOpsError> {
        let request = proto::GetAsyncOperationRequest { async_operation_id: id.to_owned() };
        let answer = self.server.read("GetAsyncOperation", &request).await.map_err(|failure| {
            self.unanswered(&format!("tell of the operation {id}"), failure, |source| {
                CloudOpsError::NoOperation { id: id.to_owned(), source }
            })
        })?;
        let answer = proto::GetAsyncOperationResponse::decode(answer.as_slice())
            .map_err(|error| state::unreadable("the operation", error))?;
        match answer.async_operation {
            Some(operation) => Ok(Operation::of(operation)),
            None => Err(CloudOpsError::Unreadable { what: "it has no operation", source: None }),
        }
    }

    /// Follows an operation to its end, for as long as the options say.
    ///
    /// # Errors
    /// [`CloudOpsError::OperationFailed`], [`CloudOpsError::OperationPending`],
    /// [`CloudOpsError::NoOperation`].
    pub async fn resume(&self, id: &str) -> Result<Operation, CloudOpsError> {
        let operation = self.operation(id).await?;
        self.follow(operation).await
    }

    async fn follow(&self, mut operation: Operation) -> Result<Operation, CloudOpsError> {
        let options = &self.server.options;
        let begin = Instant::now();
        loop {
            match operation.state {
                OperationState::Fulfilled => return Ok(operation),
                state @ (OperationState::Failed
                | OperationState::Cancelled
                | OperationState::Rejected) => {
                    let (id, reason) = (operation.id, operation.failure_reason);
                    return Err(CloudOpsError::OperationFailed { id, state, reason });
                }
                _ => {}
            }
            let id = operation.id;
            let waited = begin.elapsed();
            let left = options.patience.saturating_sub(waited);
            if left.is_zero() {
                return Err(CloudOpsError::OperationPending { id, waited, source: None });
            }
            // A server that recommends no time at all would be asked without end.
            let least = options.longest_poll.min(Duration::from_millis(100));
            let recommended = operation.check_after.unwrap_or(Duration::from_secs(1));
            let wait = recommended.clamp(least, options.longest_poll.max(least)).min(left);
            tokio::time::sleep(wait).await;
            operation = match self.operation(&id).await {
                Ok(operation) => Operation { id, ..operation },
                Err(error) => {
                    let (waited, source) = (begin.elapsed(), Some(Box::new(error)));
                    return Err(CloudOpsError::OperationPending { id, waited, source });
                }
            };
        }
    }

    fn unanswered(
        &self,
        what: &str,
        failure: ReadFailure,
        missing: impl FnOnce(ServerAnswer) -> CloudOpsError,
    ) -> CloudOpsError {
        self.server.error(what, failure.attempts, failure.unanswered, missing)
    }
}

impl fmt::Debug for CloudOps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudOps").field("options", &self.server.options).finish_non_exhaustive()
    }
}

fn no_namespace(name: &str) -> impl FnOnce(ServerAnswer) -> CloudOpsError {
    let name = name.to_owned();
    move |source| CloudOpsError::NoNamespace { name, source }
}

/// An id for an operation, in the form of the server's own: a random UUID (RFC 9562 section 5.4).
fn operation_id() -> Result<String, CloudOpsError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(CloudOpsError::Random)?;
    let number = u128::from_be_bytes(random);
    let number = number & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{number:032x}");
    let groups = [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)];
    let parts = groups.iter().filter_map(|&(from, to)| hex.get(from..to));
    Ok(parts.collect::<Vec<_>>().join("-"))
}
