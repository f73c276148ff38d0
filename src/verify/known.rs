//! Intermediate certificates that are known beforehand, or remembered.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::num::NonZeroUsize;
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
    /// Whether it leads to an anchor over others of its kind: whoever looks for issuers tries such first.
    pub(super) leads: bool,
    /// What is known of its signature, by the `SubjectPublicKeyInfo` of who may have made it.
    signatures: Vec<(Vec<u8>, Result<(), SignatureError>)>,
}

/// How many signatures are checked of one certificate beforehand; of more issuers of one name the rest is checked
/// when it matters.
const CHECKED_BEFOREHAND: usize = 100;

impl Prepared {
    fn new(certificate: Certificate) -> Self {
        Self {
            name: CanonicalName::of(certificate.subject_der()),
            issuer_name: CanonicalName::of(certificate.issuer_der()),
            authority: Authority::of(&certificate),
            key: PublicKey::from_spki_der(certificate.public_key_der())
                .map(|key| VerifyingKey::new(&key)),
            leads: false,
            signatures: Vec::new(),
            certificate,
        }
    }

    /// Whether subject and issuer are the same name as RFC 5280 section 7.1 compares it.
    pub(super) fn is_self_issued(&self) -> bool {
        self.name == self.issuer_name
    }

    /// What is known of its signature under a key: that it verifies, that it does not, or nothing.
    pub(super) fn signature_of(
        &self,
        public_key_der: &[u8],
    ) -> Option<&Result<(), SignatureError>> {
        let mut signatures = self.signatures.iter();
        signatures.find(|(key, _)| key == public_key_der).map(|(_, result)| result)
    }

    fn is_signed_by(&self, public_key_der: &[u8]) -> bool {
        matches!(self.signature_of(public_key_der), Some(Ok(())))
    }

    fn check_signature(&self, key: &VerifyingKey) -> Result<(), SignatureError> {
        let algorithm = self.certificate.signature_algorithm();
        key.verify(algorithm, self.certificate.tbs_der(), self.certificate.signature())
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
    let signatures: Vec<_> =
        known.iter().map(|intermediate| signatures(intermediate, &known, anchors)).collect();
    for (intermediate, signatures) in known.iter_mut().zip(signatures) {
        intermediate.signatures = signatures;
    }
    // Those whom an anchor signed lead to it, then those whom these signed, and so on.
    let mut leading: Vec<Vec<u8>> =
        anchors.iter().map(|anchor| anchor.trusted.public_key_der().to_vec()).collect();
    while let Some(key) = leading.pop() {
        for intermediate in known.iter_mut() {
            if !intermediate.leads && intermediate.is_signed_by(&key) {
                intermediate.leads = true;
                leading.push(intermediate.certificate.public_key_der().to_vec());
            }
        }
    }
    known
}

fn signatures(
    intermediate: &Prepared,
    known: &Known,
    anchors: &Anchors,
) -> Vec<(Vec<u8>, Result<(), SignatureError>)> {
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
        .take(CHECKED_BEFOREHAND)
        .map(|(public_key_der, key)| (public_key_der.to_vec(), intermediate.check_signature(key)))
        .collect()
}

/// Intermediates that came with leaves that were accepted. What is remembered is who signed them, and nothing of the
/// verdict. Nobody waits here: who finds it occupied goes without.
#[derive(Debug)]
pub(super) struct Remembered {
    capacity: NonZeroUsize,
    intermediates: RwLock<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    by_fingerprint: HashMap<[u8; 32], Arc<Prepared>>,
    /// Their fingerprints, the oldest first.
    order: VecDeque<[u8; 32]>,
}

impl Remembered {
    pub(super) fn new(capacity: NonZeroUsize) -> Self {
        Self { capacity, intermediates: RwLock::default() }
    }

    /// The very certificate, octet by octet: the fingerprint only finds it.
    pub(super) fn get(&self, certificate: &Certificate) -> Option<Arc<Prepared>> {
        let fingerprint = certificate.fingerprint_sha256();
        let shelf = self.intermediates.try_read().ok()?;
        let found = shelf.by_fingerprint.get(&fingerprint);
        found.filter(|known| known.certificate == *certificate).cloned()
    }

    /// Remembers a certificate with a key that its signature was verified under, in place of the oldest if there
    /// are as many as may be.
    pub(super) fn put(&self, certificate: &Certificate, public_key_der: &[u8]) {
        let fingerprint = certificate.fingerprint_sha256();
        let mut prepared = Prepared::new(certificate.clone());
        prepared.signatures.push((public_key_der.to_vec(), Ok(())));
        let Ok(mut shelf) = self.intermediates.try_write() else {
            return;
        };
        if shelf.by_fingerprint.insert(fingerprint, Arc::new(prepared)).is_some() {
            return;
        }
        shelf.order.push_back(fingerprint);
        if shelf.order.len() > self.capacity.get()
            && let Some(oldest) = shelf.order.pop_front()
        {
            shelf.by_fingerprint.remove(&oldest);
        }
    }
}
