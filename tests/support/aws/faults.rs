//! What goes wrong on demand.

use std::time::Duration;

use super::wire::AwsError;
use super::{Call, State};

/// Where a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Before the first byte of the response.
    BeforeResponse,
    /// After status line and headers, which promise a body.
    AfterHeaders,
    /// In the middle of the body.
    InBody,
}

/// What happens to a call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is refused.
    Error { status: u16, code: String, message: String },
    /// It is one call too many.
    Throttle,
    /// It is not done, and the connection breaks.
    CutConnection(Cut),
    /// It is done, and the connection breaks: what is seen when a response is lost.
    CutAfterDoing(Cut),
    /// It is done, and its answer lacks the last character: whoever reads it has all but that.
    WithoutEnd,
    /// It is done and answered later.
    Delay(Duration),
    /// AWS's clock is so far ahead, and the refusal says so in its `Date`.
    ClockSkew { ahead_seconds: i64, code: &'static str },
}

impl Fault {
    pub fn error(code: &str) -> Self {
        Self::Error { status: 400, code: code.to_owned(), message: "on demand".to_owned() }
    }

    /// AWS's own trouble, which the SDK retries.
    pub fn internal() -> Self {
        Self::Error {
            status: 500,
            code: "InternalFailure".to_owned(),
            message: "on demand".to_owned(),
        }
    }

    pub(super) fn refusal(&self) -> Option<AwsError> {
        match self {
            Self::Error { status, code, message } => Some(AwsError::new(*status, code, message)),
            // "Common errors" of both API references: status 400.
            Self::Throttle => Some(AwsError::new(400, "ThrottlingException", "Rate exceeded")),
            Self::ClockSkew { code, .. } => {
                Some(AwsError::new(403, code, "Signature not yet current"))
            }
            _ => None,
        }
    }
}

pub(super) struct Planned {
    pub operation: String,
    pub times: usize,
    pub fault: Fault,
}

/// Whether a name as tests write it means this call.
pub(super) fn is_meant(operation: &str, call: &Call) -> bool {
    operation == "*" || operation == call.operation || operation == call.action()
}

impl State {
    /// The fault that is due for a call, used up by it.
    pub(super) fn due_fault(&mut self, call: &Call) -> Option<Fault> {
        let due = |planned: &&mut Planned| planned.times > 0 && is_meant(&planned.operation, call);
        let planned = self.faults.iter_mut().find(due)?;
        planned.times -= 1;
        Some(planned.fault.clone())
    }
}
