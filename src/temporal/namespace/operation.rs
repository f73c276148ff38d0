//! Asynchronous operations, in which Temporal Cloud makes the changes that it has accepted.

use std::fmt;

use temporalio_protos::protos::temporal::api::cloud::operation::v1 as proto;

/// How far an operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationState {
    /// It has not begun.
    Pending,
    /// It has begun.
    InProgress,
    /// It is done.
    Fulfilled,
    /// It ended without being done.
    Failed,
    /// Somebody called it off.
    Cancelled,
    /// The server would not begin it.
    Rejected,
    /// A state that this version does not know; the operation is taken to go on.
    Unknown,
}

impl fmt::Display for OperationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::InProgress => "in progress",
            Self::Fulfilled => "fulfilled",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Unknown => "in a state that is not known here",
        })
    }
}

/// An operation, as it was when it was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operation {
    /// Its id, by which it is asked about again.
    pub id: String,
    /// How far it has come.
    pub state: OperationState,
    /// Why it failed, in the server's words; empty otherwise.
    pub failure_reason: String,
    /// After how long the server wants to be asked again.
    pub(super) check_after: Option<std::time::Duration>,
}

impl Operation {
    pub(super) fn of(operation: proto::AsyncOperation) -> Self {
        let state = state(&operation);
        let check_after = operation.check_duration.and_then(|after| {
            let (seconds, nanos) = (after.seconds.try_into().ok()?, after.nanos.try_into().ok()?);
            Some(std::time::Duration::new(seconds, nanos))
        });
        Self { id: operation.id, state, failure_reason: operation.failure_reason, check_after }
    }
}

fn state(operation: &proto::AsyncOperation) -> OperationState {
    use proto::async_operation::State;
    #[allow(deprecated)]
    let text = operation.state_deprecated.as_str();
    match (operation.state(), text) {
        (State::Pending, _) | (State::Unspecified, "pending") => OperationState::Pending,
        (State::InProgress, _) | (State::Unspecified, "in_progress") => OperationState::InProgress,
        (State::Fulfilled, _) | (State::Unspecified, "fulfilled") => OperationState::Fulfilled,
        (State::Failed, _) | (State::Unspecified, "failed") => OperationState::Failed,
        (State::Cancelled, _) | (State::Unspecified, "cancelled") => OperationState::Cancelled,
        (State::Rejected, _) => OperationState::Rejected,
        (State::Unspecified, _) => OperationState::Unknown,
    }
}
