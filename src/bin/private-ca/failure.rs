//! Why a command has no positive answer, and with which exit status the process ends.

use std::error::Error;
use std::fmt;

use private_ca::managed::ManagedError;
use private_ca::{CaError, Certificate, Timestamp, VerifyError};

/// Why a command has no positive answer. Which of these it is decides the exit status.
pub(crate) enum Failure {
    /// The question was understood, and the answer is no: exit status 1.
    No(Box<dyn Error>),
    /// The same, about a chain: everything that was tried can be shown.
    Refused(Box<Refusal>),
    /// The question could not be asked: a file is missing, or AWS is out of reach. Exit status 2.
    Unasked(Box<dyn Error>),
}

impl Failure {
    /// The library's refusal.
    pub(crate) fn of(error: impl Into<Box<dyn Error>>) -> Self {
        let error = error.into();
        match says_nothing(&*error) {
            true => Self::Unasked(error),
            false => Self::No(error),
        }
    }

    /// The same failure, with what to do next.
    pub(crate) fn advise(self, advice: impl Into<String>) -> Self {
        let advised = |error| Box::new(Advised { error, advice: advice.into() });
        match self {
            Self::No(error) => Self::No(advised(error)),
            Self::Refused(refusal) => Self::No(advised(refusal.error.into())),
            Self::Unasked(error) => Self::Unasked(advised(error)),
        }
    }
}

/// A chain that was refused.
pub(crate) struct Refusal {
    pub(crate) error: VerifyError,
    pub(crate) leaf: Certificate,
    pub(crate) at: Timestamp,
}

/// An error and what to do next.
#[derive(Debug)]
struct Advised {
    error: Box<dyn Error>,
    advice: String,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.error, self.advice)
    }
}

impl Error for Advised {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Says of an error which kind of failure it is.
pub(crate) trait OrFail<T> {
    /// The library refuses.
    fn or_no(self) -> Result<T, Failure>;
    /// An input is missing or is not what it has to be.
    fn or_unasked(self) -> Result<T, Failure>;
}

impl<T, E: Into<Box<dyn Error>>> OrFail<T> for Result<T, E> {
    fn or_no(self) -> Result<T, Failure> {
        self.map_err(Failure::of)
    }

    fn or_unasked(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Unasked(error.into()))
    }
}

/// An error and everything behind it.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// Whether an error says nothing about the question: a disk that is full, a file that is not there,
/// AWS out of reach or not knowing who asks.
fn says_nothing(error: &(dyn Error + 'static)) -> bool {
    // Errors that pass on another's text pass on its sources too, and do not show it themselves.
    let from_ca = match (error.downcast_ref(), error.downcast_ref()) {
        (Some(ManagedError::Ca(error)), _) | (None, Some(error)) => Some(error),
        _ => None,
    };
    from_ca.is_some_and(could_not_be_asked)
        || causes(error).any(|cause| cause.is::<std::io::Error>() && !exists(cause))
}

fn could_not_be_asked(error: &CaError) -> bool {
    match error {
        CaError::NotInstalled { source, .. } | CaError::NotFetched { source, .. } => {
            could_not_be_asked(source)
        }
        CaError::Credentials { .. }
        | CaError::InvalidArn { .. }
        | CaError::NoCa { .. }
        | CaError::NoRegion
        | CaError::Region { .. }
        | CaError::Throttled { .. }
        | CaError::Unreachable { .. } => true,
        _ => false,
    }
}

/// Whether an error says that something is there which must not be written over: an answer.
fn exists(error: &(dyn Error + 'static)) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::AlreadyExists)
}
