//! What a plan can say that no rotation comes to.

use super::{RotatedWorker, Rotation};
use crate::certificate::{Certificate, DistinguishedName, Timestamp};
use crate::temporal::bundle::{CaBundle, MAX_CERTIFICATES};

/// Why a plan is none that a rotation comes to: somebody changed its file by hand, or put two together. To go
/// on with it could lock a worker out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanFault {
    /// More certificates than any bundle has.
    #[error("{what} has {count} certificates, and {MAX_CERTIFICATES} is the most")]
    TooMany {
        /// What has them.
        what: String,
        /// How many there are.
        count: usize,
    },
    /// A CA is to go and to come.
    #[error("the CA certificate {subject} is to go and to come")]
    Both {
        /// Its subject.
        subject: DistinguishedName,
    },
    /// A certificate is to come as a CA's, and is none.
    #[error("the certificate {subject} is to come, and is not a CA's")]
    NotCa {
        /// Its subject.
        subject: DistinguishedName,
    },
    /// A worker has no name to be called by.
    #[error("workers[{place}] has an empty name")]
    NoName {
        /// Its place, from 0.
        place: usize,
    },
    /// Two workers have one name, so that a note would reach one of them alone.
    #[error("two workers are called {name}")]
    WorkerTwice {
        /// The name.
        name: String,
    },
    /// A worker's certificate before the rotation is none that the old CA ever let in.
    #[error(
        "the worker {worker} has the old certificate {leaf}, which the CA that goes never let in"
    )]
    NotOfOldCa {
        /// The worker.
        worker: String,
        /// The certificate's subject.
        leaf: DistinguishedName,
    },
    /// A worker's certificate after the rotation is none that the new CA ever lets in alone.
    #[error(
        "the worker {worker} has the new certificate {leaf}, which the new CA alone never lets in"
    )]
    NotOfNewCa {
        /// The worker.
        worker: String,
        /// The certificate's subject.
        leaf: DistinguishedName,
    },
    /// A worker was seen to connect with a certificate that it does not have.
    #[error(
        "the worker {worker} is noted as seen to connect with a new certificate, and has none: note with \"issued\" which it is, and confirm it again"
    )]
    ConfirmedWithoutCertificate {
        /// The worker.
        worker: String,
    },
    /// A worker's old certificate was given up before the new one was seen to work.
    #[error(
        "the worker {worker} is noted as needing its old certificate no more, and was not seen to connect with the new one: confirm it first"
    )]
    RetiredWithoutConfirmation {
        /// The worker.
        worker: String,
    },
}

impl Rotation {
    /// Everything that [`Rotation::plan`] and the steps after it have seen to.
    ///
    /// # Errors
    /// [`PlanFault`], the first of them.
    pub(super) fn check(&self) -> Result<(), PlanFault> {
        let comes = self.new.certificates();
        // Each worker's chain is tried at the beginning of each of them.
        few("the CA that goes", self.old.certificates())?;
        few("the CA that comes", comes)?;
        if let Some(both) = comes.iter().find(|ca| self.old.certificates().contains(ca)) {
            return Err(PlanFault::Both { subject: both.subject() });
        }
        if let Some(other) = comes.iter().find(|ca| !ca.is_ca()) {
            return Err(PlanFault::NotCa { subject: other.subject() });
        }
        for (place, worker) in self.workers.iter().enumerate() {
            if worker.name.is_empty() {
                return Err(PlanFault::NoName { place });
            }
            if self.workers.iter().take(place).any(|earlier| earlier.name == worker.name) {
                return Err(PlanFault::WorkerTwice { name: worker.name.clone() });
            }
            self.check_worker(worker)?;
        }
        Ok(())
    }

    fn check_worker(&self, worker: &RotatedWorker) -> Result<(), PlanFault> {
        let name = || worker.name.clone();
        if let Some(leaf) = worker.old.first()
            && !was_admitted(&self.old, &worker.old)
        {
            return Err(PlanFault::NotOfOldCa { worker: name(), leaf: leaf.subject() });
        }
        if let Some(new) = &worker.new
            && let Some(leaf) = new.first()
            && !was_admitted(&self.new, new)
        {
            return Err(PlanFault::NotOfNewCa { worker: name(), leaf: leaf.subject() });
        }
        if worker.confirmed.is_some() && worker.new.is_none() {
            return Err(PlanFault::ConfirmedWithoutCertificate { worker: name() });
        }
        if worker.retired.is_some() && worker.confirmed.is_none() {
            return Err(PlanFault::RetiredWithoutConfirmation { worker: name() });
        }
        Ok(())
    }
}

fn few(what: &str, certificates: &[Certificate]) -> Result<(), PlanFault> {
    match certificates.len() {
        count if count > MAX_CERTIFICATES => {
            Err(PlanFault::TooMany { what: what.to_owned(), count })
        }
        _ => Ok(()),
    }
}

/// Whether a bundle lets a chain in at any time. A path that is ever valid is so at the moment when the last of
/// its certificates begins.
fn was_admitted(bundle: &CaBundle, presented: &[Certificate]) -> bool {
    let Some((leaf, above)) = presented.split_first() else {
        return false;
    };
    let mut moments: Vec<Timestamp> = presented
        .iter()
        .chain(bundle.certificates())
        .map(|certificate| certificate.validity().not_before)
        .collect();
    moments.sort_unstable();
    moments.dedup();
    moments.into_iter().any(|at| bundle.admits(leaf, above, at).is_ok())
}
