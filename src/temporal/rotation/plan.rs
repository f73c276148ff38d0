//! The plan, and its steps.

use super::{RotatedWorker, RotationError, Step};
use crate::certificate::{Certificate, CertificateChain, Timestamp};
use crate::temporal::bundle::{CaBundle, Fingerprint};

/// A rotation under way. See [`rotation`](crate::temporal::rotation).
#[derive(Debug, Clone, PartialEq)]
pub struct Rotation {
    pub(super) old: CaBundle,
    pub(super) new: CaBundle,
    pub(super) workers: Vec<RotatedWorker>,
}

impl Rotation {
    /// A plan by which `old` goes from a bundle and `new` comes; nothing is done yet.
    ///
    /// # Errors
    /// [`RotationError`] if the old CA is not in the bundle, the new one is the old one, or both
    /// together are no bundle that Temporal Cloud takes.
    pub fn plan(
        bundle: &CaBundle,
        old: &[Certificate],
        new: &[Certificate],
    ) -> Result<Self, RotationError> {
        for (which, certificates) in [("goes", old), ("comes", new)] {
            if certificates.is_empty() {
                return Err(RotationError::NoCa { which });
            }
        }
        let is_absent = |ca: &&Certificate| !bundle.certificates().contains(ca);
        if let Some(absent) = old.iter().find(is_absent) {
            return Err(RotationError::NotThere { subject: absent.subject() });
        }
        if let Some(both) = new.iter().find(|ca| old.contains(ca)) {
            return Err(RotationError::Both { subject: both.subject() });
        }
        let rotation = Self { old: CaBundle::of(old), new: CaBundle::of(new), workers: Vec::new() };
        // Both changes, tried before anything depends on them.
        rotation.without_old(&rotation.add_new_ca(bundle)?)?;
        Ok(rotation)
    }

    /// With a worker that presents these certificates today, and that the old CA lets in at that moment.
    ///
    /// # Errors
    /// [`RotationError::NotOfOldCa`], [`RotationError::CannotBeJudged`], [`RotationError::WorkerTwice`].
    pub fn with_worker(
        mut self,
        name: impl Into<String>,
        presented: &CertificateChain,
        at: Timestamp,
    ) -> Result<Self, RotationError> {
        let (name, old) = (name.into(), presented.certificates().to_vec());
        if let Some((leaf, above)) = old.split_first() {
            let refused = |refusal| RotationError::of_old_ca(&name, leaf, refusal);
            self.old.admits(leaf, above, at).map_err(refused)?;
        }
        if self.workers.iter().any(|worker| worker.name == name) {
            return Err(RotationError::WorkerTwice { name });
        }
        self.workers.push(RotatedWorker { name, old, new: None, confirmed: None, retired: None });
        Ok(self)
    }

    /// The CAs that go.
    #[must_use]
    pub fn old(&self) -> &CaBundle {
        &self.old
    }

    /// The CAs that come.
    #[must_use]
    pub fn new_ca(&self) -> &CaBundle {
        &self.new
    }

    /// The workers, and how far each is.
    #[must_use]
    pub fn workers(&self) -> &[RotatedWorker] {
        &self.workers
    }

    /// What is left to do with the namespace's bundle as it is, in order: nothing, if the rotation is
    /// complete. Steps of different workers may be taken in any order.
    #[must_use]
    pub fn steps(&self, bundle: &CaBundle, at: Timestamp) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.new.certificates().iter().any(|ca| !bundle.certificates().contains(ca)) {
            steps.push(Step::AddNewCa);
        }
        for worker in &self.workers {
            let name = worker.name.clone();
            if worker.new.is_none() {
                steps.push(Step::Issue { worker: name.clone() });
            }
            if worker.confirmed.is_none() {
                steps.push(Step::Confirm { worker: name.clone() });
            }
            let until = worker.old_end();
            if worker.retired.is_none() && at <= until {
                steps.push(Step::AwaitOld { worker: name, until });
            }
        }
        if self.old.certificates().iter().any(|ca| bundle.certificates().contains(ca)) {
            steps.push(Step::RemoveOldCa);
        }
        steps
    }

    /// The bundle with the new CA, which may be there already.
    ///
    /// # Errors
    /// [`RotationError::Bundle`].
    pub fn add_new_ca(&self, bundle: &CaBundle) -> Result<CaBundle, RotationError> {
        let missing: Vec<_> = bundle.difference(&self.new).added;
        Ok(bundle.add(&missing)?)
    }

    /// Notes what a worker will present. Another certificate than before has to be confirmed anew, and the old
    /// one has to be given up anew: should the other not work, the worker goes back to it.
    ///
    /// # Errors
    /// [`RotationError::NotOfNewCa`] if the new CA alone would not let it in;
    /// [`RotationError::CannotBeJudged`], [`RotationError::NoWorker`].
    pub fn issued(
        &mut self,
        worker: &str,
        presented: &CertificateChain,
        at: Timestamp,
    ) -> Result<(), RotationError> {
        let worker = self.worker(worker)?;
        let name = worker.name.clone();
        let presented = presented.certificates().to_vec();
        let Some((leaf, above)) = presented.split_first() else {
            return Err(RotationError::NoCertificate { name });
        };
        let refused = |refusal| RotationError::of_new_ca(&name, leaf, refusal);
        self.new.admits(leaf, above, at).map_err(refused)?;
        let worker = self.worker(&name)?;
        if worker.new.as_ref() != Some(&presented) {
            worker.new = Some(presented);
            worker.confirmed = None;
            worker.retired = None;
        }
        Ok(())
    }

    /// Notes that the old CA has issued a worker another certificate in the midst of the rotation. The old CA
    /// then stays until the later of both ends, or until the worker is noted as retired after this.
    ///
    /// Of the two certificates the plan keeps the one that ends last. One that it has already changes nothing.
    ///
    /// # Errors
    /// [`RotationError::NotOfOldCa`] if the old CA does not let it in at that moment;
    /// [`RotationError::CannotBeJudged`], [`RotationError::NoWorker`].
    pub fn renewed(
        &mut self,
        worker: &str,
        presented: &CertificateChain,
        at: Timestamp,
    ) -> Result<(), RotationError> {
        let name = self.worker(worker)?.name.clone();
        let presented = presented.certificates().to_vec();
        let Some((leaf, above)) = presented.split_first() else {
            return Err(RotationError::NoCertificate { name });
        };
        let refused = |refusal| RotationError::of_old_ca(&name, leaf, refusal);
        self.old.admits(leaf, above, at).map_err(refused)?;
        let end = leaf.validity().not_after;
        let worker = self.worker(&name)?;
        if worker.old.first() == Some(leaf) {
            return Ok(());
        }
        // Whoever holds it may use it, whatever was said of the earlier one.
        worker.retired = None;
        if end >= worker.old_end() {
            worker.old = presented;
        }
        Ok(())
    }

    /// What a worker will present.
    ///
    /// # Errors
    /// [`RotationError::TooEarly`] if it has no certificate of the new CA yet;
    /// [`RotationError::NoWorker`].
    pub fn presented(&self, worker: &str) -> Result<CertificateChain, RotationError> {
        let found = self.workers.iter().find(|known| known.name == worker);
        let new = found.ok_or_else(|| self.unknown(worker))?.new.clone();
        new.and_then(|certificates| CertificateChain::new(certificates).ok()).ok_or_else(|| {
            RotationError::TooEarly { first: vec![Step::Issue { worker: worker.to_owned() }] }
        })
    }

    /// Notes that a worker was seen to connect with its new certificate.
    ///
    /// # Errors
    /// [`RotationError::TooEarly`] if it has none; [`RotationError::NoWorker`].
    pub fn confirmed(&mut self, worker: &str, at: Timestamp) -> Result<(), RotationError> {
        let worker = self.worker(worker)?;
        if worker.new.is_none() {
            let first = vec![Step::Issue { worker: worker.name.clone() }];
            return Err(RotationError::TooEarly { first });
        }
        worker.confirmed.get_or_insert(at);
        Ok(())
    }

    /// Notes that nobody uses a worker's old certificate any more.
    ///
    /// # Errors
    /// [`RotationError::TooEarly`] if the worker was not seen to connect with the new one;
    /// [`RotationError::NoWorker`].
    pub fn retired(&mut self, worker: &str, at: Timestamp) -> Result<(), RotationError> {
        let worker = self.worker(worker)?;
        if worker.confirmed.is_none() {
            let first = vec![Step::Confirm { worker: worker.name.clone() }];
            return Err(RotationError::TooEarly { first });
        }
        worker.retired.get_or_insert(at);
        Ok(())
    }

    /// The bundle without the old CA, which may be gone already.
    ///
    /// # Errors
    /// [`RotationError::TooEarly`] while a worker may need it; [`RotationError::NotOfNewCa`] if a worker
    /// would be locked out all the same, because its new certificate has ended for example.
    pub fn remove_old_ca(
        &self,
        bundle: &CaBundle,
        at: Timestamp,
    ) -> Result<CaBundle, RotationError> {
        let mut first = self.steps(bundle, at);
        first.retain(|step| *step != Step::RemoveOldCa);
        if !first.is_empty() {
            return Err(RotationError::TooEarly { first });
        }
        let after = self.without_old(bundle)?;
        for worker in &self.workers {
            let Some((leaf, above)) = worker.new.as_deref().and_then(<[_]>::split_first) else {
                continue;
            };
            let refused = |refusal| RotationError::of_new_ca(&worker.name, leaf, refusal);
            after.admits(leaf, above, at).map_err(refused)?;
        }
        Ok(after)
    }

    fn without_old(&self, bundle: &CaBundle) -> Result<CaBundle, RotationError> {
        let there = self.old.certificates().iter().filter(|ca| bundle.certificates().contains(ca));
        let fingerprints: Vec<_> = there.map(Fingerprint::sha256_of).collect();
        Ok(bundle.remove(&fingerprints)?)
    }

    fn unknown(&self, name: &str) -> RotationError {
        let known = self.workers.iter().map(|worker| worker.name.clone()).collect();
        RotationError::NoWorker { name: name.to_owned(), known }
    }

    fn worker(&mut self, name: &str) -> Result<&mut RotatedWorker, RotationError> {
        let unknown = self.unknown(name);
        self.workers.iter_mut().find(|worker| worker.name == name).ok_or(unknown)
    }
}
