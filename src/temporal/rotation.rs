//! The rotation of a namespace's CA, with no moment in which a worker is locked out.
//!
//! The new CA is added beside the old one; each worker is given a certificate of the new CA, and it is
//! seen to connect with it; the old certificates end or are given up; then the old CA is removed
//! (Temporal Cloud, "Update certificates"). A [`Rotation`] is the plan and how far it has come. It is
//! kept in a file, and what is left to do follows from it and from the namespace's bundle as it is,
//! so that every step can be taken again.

mod fault;
mod file;
mod plan;

use std::fmt;

use crate::certificate::{Certificate, DistinguishedName, Timestamp};
use crate::temporal::bundle::{BundleError, Refusal, UnjudgedKey};
use crate::verify::VerifyError;

pub use fault::PlanFault;
pub use file::RotationFileError;
pub use plan::Rotation;

/// A worker, or a fleet of workers that share a certificate.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RotatedWorker {
    /// What it is called in the plan.
    pub name: String,
    /// What it presents before the rotation, its own certificate first. Of several, as after a renewal by the
    /// old CA, those of the one that ends last.
    pub old: Vec<Certificate>,
    /// What it will present after it, once that is issued.
    pub new: Option<Vec<Certificate>>,
    /// When it was seen to connect with the new certificate.
    pub confirmed: Option<Timestamp>,
    /// When nobody used the old certificate any more, if that was before its end. Only who is confirmed has it.
    pub retired: Option<Timestamp>,
}

impl RotatedWorker {
    /// The end of the old certificate.
    fn old_end(&self) -> Timestamp {
        let leaf = self.old.first();
        // A plan holds no worker without a certificate.
        leaf.map_or(Timestamp::MAX, |leaf| leaf.validity().not_after)
    }
}

/// Something that is left to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step {
    /// The new CA is not in the bundle yet.
    AddNewCa,
    /// A worker has no certificate of the new CA yet.
    Issue {
        /// The worker.
        worker: String,
    },
    /// A worker was not yet seen to connect with its new certificate.
    Confirm {
        /// The worker.
        worker: String,
    },
    /// A worker's old certificate may still be in use.
    AwaitOld {
        /// The worker.
        worker: String,
        /// When the old certificate ends by itself.
        until: Timestamp,
    },
    /// Nobody needs the old CA any more, and it is still in the bundle.
    RemoveOldCa,
}

impl Step {
    /// A name for scripts, in lower case with hyphens.
    #[must_use]
    pub fn id(&self) -> &'static str {
        match self {
            Self::AddNewCa => "add-new-ca",
            Self::Issue { .. } => "issue",
            Self::Confirm { .. } => "confirm",
            Self::AwaitOld { .. } => "await-old",
            Self::RemoveOldCa => "remove-old-ca",
        }
    }

    /// The worker that it is about.
    #[must_use]
    pub fn worker(&self) -> Option<&str> {
        match self {
            Self::Issue { worker } | Self::Confirm { worker } | Self::AwaitOld { worker, .. } => {
                Some(worker)
            }
            Self::AddNewCa | Self::RemoveOldCa => None,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AddNewCa => f.write_str("add the new CA to the bundle"),
            Self::Issue { worker } => write!(f, "issue a certificate of the new CA for {worker}"),
            Self::Confirm { worker } => {
                write!(f, "see that {worker} connects with its new certificate")
            }
            Self::AwaitOld { worker, until } => write!(
                f,
                "wait until {until}, when the old certificate of {worker} ends, or say that it is not used any more"
            ),
            Self::RemoveOldCa => f.write_str("remove the old CA from the bundle"),
        }
    }
}

/// Why a rotation cannot be planned, or a step of it cannot be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RotationError {
    /// The bundle refuses the change.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// There is no CA to add, or none to remove.
    #[error(
        "a rotation takes a CA that goes and a CA that comes, and the one that {which} is missing"
    )]
    NoCa {
        /// `goes` or `comes`.
        which: &'static str,
    },
    /// The old CA is not in the bundle.
    #[error("the CA certificate {subject}, which is to go, is not in the bundle")]
    NotThere {
        /// Its subject.
        subject: DistinguishedName,
    },
    /// A CA is to go and to come.
    #[error("the CA certificate {subject} is to go and to come")]
    Both {
        /// Its subject.
        subject: DistinguishedName,
    },
    /// Two workers have one name.
    #[error("two workers are called {name}")]
    WorkerTwice {
        /// The name.
        name: String,
    },
    /// A worker has no certificate.
    #[error("the worker {name} has no certificate")]
    NoCertificate {
        /// The worker.
        name: String,
    },
    /// A worker is not in the plan.
    #[error("the plan has no worker {name}; it has {}", .known.join(", "))]
    NoWorker {
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A worker's certificate is not one that the old CA lets in, so that nothing can be said of when the
    /// worker needs it no more.
    #[error(
        "the certificate {leaf} of the worker {worker} is not let in by the CA that goes: {source}"
    )]
    NotOfOldCa {
        /// The worker.
        worker: String,
        /// The certificate's subject.
        leaf: DistinguishedName,
        /// Why it is refused.
        source: Box<VerifyError>,
    },
    /// A certificate is not one that the new CA alone lets in.
    #[error(
        "the certificate {leaf} for the worker {worker} will not be let in by the new CA alone: {source}"
    )]
    NotOfNewCa {
        /// The worker.
        worker: String,
        /// The certificate's subject.
        leaf: DistinguishedName,
        /// Why it is refused.
        source: Box<VerifyError>,
    },
    /// Whether a certificate is let in depends on a key that is not judged here.
    #[error(
        "whether the certificate {leaf} of the worker {worker} is let in cannot be told, and so not when the old CA can go: {source}"
    )]
    CannotBeJudged {
        /// The worker.
        worker: String,
        /// The certificate's subject.
        leaf: DistinguishedName,
        /// The key.
        source: Box<UnjudgedKey>,
    },
    /// Something has to be done before.
    #[error("it is too early: first {}", list(.first))]
    TooEarly {
        /// What is to be done first.
        first: Vec<Step>,
    },
}

impl RotationError {
    /// A worker's certificate that is not let in by the CA that goes.
    fn of_old_ca(worker: &str, leaf: &Certificate, refusal: Refusal) -> Self {
        let (worker, leaf) = (worker.to_owned(), leaf.subject());
        match refusal {
            Refusal::Refused(error) => Self::NotOfOldCa { worker, leaf, source: Box::new(error) },
            Refusal::Unjudged(key) => Self::CannotBeJudged { worker, leaf, source: Box::new(key) },
        }
    }

    /// A worker's certificate that is not let in by the new CA alone.
    fn of_new_ca(worker: &str, leaf: &Certificate, refusal: Refusal) -> Self {
        let (worker, leaf) = (worker.to_owned(), leaf.subject());
        match refusal {
            Refusal::Refused(error) => Self::NotOfNewCa { worker, leaf, source: Box::new(error) },
            Refusal::Unjudged(key) => Self::CannotBeJudged { worker, leaf, source: Box::new(key) },
        }
    }
}

fn list(steps: &[Step]) -> String {
    let steps: Vec<_> = steps.iter().map(ToString::to_string).collect();
    steps.join("; then ")
}
