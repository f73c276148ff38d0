//! Intermediate certificates that are known beforehand, or remembered.

use std::cmp::Reverse;
use std::sync::{Arc, RwLock};

use super::anchor::Anchors;
use super::by_name::{ByName, Named};
use super::checks::Authority;
use super::signature::{PublicKey, SignatureError, VerifyingKey};
use crate::certificate::{CanonicalName, Certificate};

/// An intermediate certificate with whatever can be computed of it once: nothing here depends on a policy
/// or on the time.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) certificate: Certificate,
    pub(super) name: CanonicalName,
    pub(super) issuer_name: CanonicalName,
    pub(super) authority: Authority,
    pub(super) key: Result<VerifyingKey, SignatureError>,
    /// The `SubjectPublicKeyInfo`s of those who were found to have signed it.
    signed_by: Vec<Vec<u8>>,
}

impl Prepared {
    fn new(certificate: Certificate) -> Self {
        Self {
            name: CanonicalName::of(certificate.subject_der()),
            issuer_name: CanonicalName::of(certificate.issuer_der()),
            authority: Authority::of(&certificate),
            key: PublicKey::from_spki_der(certificate.public_key_der())
                .map(|key| VerifyingKey::new(&key)),
            signed_by: Vec::new(),
            certificate,
        }
    }

    /// Whether subject and issuer are the same name as RFC 5280 section 7.1 compares it.
    pub(super) fn is_self_issued(&self) -> bool {
        self.name == self.issuer_name
    }

    /// Whether the key was found to have signed it. That it was not says nothing.
    pub(super) fn is_signed_by(&self, public_key_der: &[u8]) -> bool {
        self.signed_by.iter().any(|key| key == public_key_der)
    }

    fn is_signed_with(&self, key: &VerifyingKey) -> bool {
        let (algorithm, _) = self.certificate.signature_algorithms();
        key.verify(algorithm, self.certificate.tbs_der(), self.certificate.signature()).is_ok()
    }
}

impl Named for Prepared {
    fn subject_der(&self) -> &[u8] {
        self.certificate.subject_der()
    }

    fn canonical_name(&self) -> &CanonicalName {
        &self.name
    }

    fn order(&self) -> impl Ord + use<'_> {
        order(&self.certificate)
    }
}

/// Certificates of one subject lie together, those that last longest first.
pub(super) fn order(certificate: &Certificate) -> impl Ord + use<'_> {
    let not_after = Reverse(certificate.validity().not_after);
    (certificate.subject_der(), not_after, certificate.as_der())
}

/// Known intermediates.
pub(super) type Known = ByName<Prepared>;

/// Prepares certificates, and checks every signature on one that an anchor or another of them may have made.
pub(super) fn prepare(certificates: impl Iterator<Item = Certificate>, anchors: &Anchors) -> Known {
    let mut known = Known::new(certificates.map(Prepared::new).collect());
    let signed_by: Vec<_> =
        known.iter().map(|intermediate| signers(intermediate, &known, anchors)).collect();
    for (intermediate, signed_by) in known.iter_mut().zip(signed_by) {
        intermediate.signed_by = signed_by;
    }
    known
}

/// The `SubjectPublicKeyInfo`s of those who signed a certificate.
fn signers(intermediate: &Prepared, known: &Known, anchors: &Anchors) -> Vec<Vec<u8>> {
    let name = &intermediate.issuer_name;
    let of_anchors = anchors.of_canonical_name(name).filter_map(|place| {
        let anchor = anchors.get(place)?;
        Some((anchor.trusted.public_key_der(), &anchor.key))
    });
    let of_known = known.of_canonical_name(name).filter_map(|place| {
        let other = known.get(place)?;
        Some((other.certificate.public_key_der(), other.key.as_ref().ok()?))
    });
    of_anchors
        .chain(of_known)
        .filter(|(_, key)| intermediate.is_signed_with(key))
        .map(|(public_key_der, _)| public_key_der.to_vec())
        .collect()
}

/// Intermediates that came with leaves that were accepted. What is remembered is who signed them, and nothing of the
/// verdict. Nobody waits here: who finds it occupied goes without.
#[derive(Debug)]
pub(super) struct Remembered {
    capacity: usize,
    /// The oldest first.
    intermediates: RwLock<Vec<Arc<Prepared>>>,
}

impl Remembered {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, intermediates: RwLock::default() }
    }

    /// The very certificate, octet by octet.
    pub(super) fn get(&self, certificate: &Certificate) -> Option<Arc<Prepared>> {
        let intermediates = self.intermediates.try_read().ok()?;
        intermediates.iter().find(|known| known.certificate == *certificate).cloned()
    }

    /// Remembers a certificate with a key that its signature was verified under, in place of the oldest if there
    /// are as many as may be.
    pub(super) fn put(&self, certificate: &Certificate, public_key_der: &[u8]) {
        let mut prepared = Prepared::new(certificate.clone());
        prepared.signed_by.push(public_key_der.to_vec());
        let Ok(mut intermediates) = self.intermediates.try_write() else {
            return;
        };
        intermediates.retain(|known| known.certificate != *certificate);
        while !intermediates.is_empty() && intermediates.len() >= self.capacity {
            intermediates.remove(0);
        }
        if self.capacity > 0 {
            intermediates.push(Arc::new(prepared));
        }
    }
}
