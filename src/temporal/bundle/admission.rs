//! Whether a bundle lets a client in, as a TLS server of Go's says it.

use const_oid::db::rfc5912;

use super::CaBundle;
use crate::certificate::{Certificate, DistinguishedName, Timestamp};
use crate::verify::{
    self, AnchorError, Policy, Rule, SignatureError, Verification, VerifiedChain, Verifier,
    VerifyError,
};

/// The shortest RSA key that Go takes, in bits (crypto/rsa, "Minimum key size", since Go 1.24).
const LEAST_RSA_BITS: usize = 1024;

/// A key by which a server of Go's verifies signatures, and this crate does not: what such a server says of
/// clients below it cannot be judged here.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "the certificate {subject} has a key that a TLS server of Go's takes and that is not judged here: {source}"
)]
#[non_exhaustive]
pub struct UnjudgedKey {
    /// The subject of the key's certificate.
    pub subject: DistinguishedName,
    /// Why it is not judged.
    pub source: SignatureError,
}

impl UnjudgedKey {
    /// The key of a certificate, if it is such a one: RSA with 1024 bits or more that are too few or too
    /// many for this crate, or ECDSA on P-224.
    pub(in crate::temporal) fn of(certificate: &Certificate) -> Option<Self> {
        let Err(AnchorError::Key { subject, source }) = Verifier::new([certificate.clone()]) else {
            return None;
        };
        let is_taken = match &source {
            SignatureError::RsaKeySize { bits } => *bits >= LEAST_RSA_BITS,
            SignatureError::UnknownCurve { curve } => curve.0 == rfc5912::SECP_224_R_1,
            _ => false,
        };
        is_taken.then_some(Self { subject, source })
    }
}

/// Why a client is not let in, as far as can be said.
#[derive(Debug)]
pub(in crate::temporal) enum Refusal {
    /// A server of Go's refuses it.
    Refused(VerifyError),
    /// It depends on a key that is not judged here.
    Unjudged(UnjudgedKey),
}

impl CaBundle {
    /// Whether a server of Go's lets a client in, and by which path.
    pub(in crate::temporal) fn judge(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        at: Timestamp,
    ) -> Result<VerifiedChain, Refusal> {
        let mut policy = Policy::go_tls_client();
        // Of a short RSA key Go says what it says of others; the path does not depend on it.
        if matches!(
            UnjudgedKey::of(leaf),
            Some(UnjudgedKey { source: SignatureError::RsaKeySize { bits }, .. }) if bits < 2048
        ) {
            policy = policy.without(Rule::SubjectKeyAccepted);
        }
        let verification = Verification::new(policy).at(at);
        let verified = match self.verifier() {
            Some(verifier) => verifier.verify(leaf, intermediates, &verification),
            None => verify::check_leaf(leaf, &verification).and_then(|()| {
                Err(VerifyError::UnknownIssuer { subject: leaf.subject(), issuer: leaf.issuer() })
            }),
        };
        verified.map_err(|error| {
            let key = match error {
                VerifyError::UnknownIssuer { .. }
                | VerifyError::SelfSigned { .. }
                | VerifyError::NoPath { .. }
                | VerifyError::Budget { .. } => self.unjudged_above(leaf, intermediates),
                // Go reads a key on P-224 if its point is on the curve, which is not asked here; and
                // a certificate that it cannot read is refused wherever it is presented.
                VerifyError::Rule { rule: Rule::ReadableInGo, .. } => intermediates
                    .iter()
                    .filter_map(UnjudgedKey::of)
                    .find(|key| matches!(key.source, SignatureError::UnknownCurve { .. })),
                // What is wrong with the leaf itself is wrong below any CA.
                _ => None,
            };
            match key {
                Some(key) => Refusal::Unjudged(key),
                None => Refusal::Refused(error),
            }
        })
    }

    /// Whether a server of Go's lets a client in.
    pub(in crate::temporal) fn admits(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
        at: Timestamp,
    ) -> Result<(), Refusal> {
        self.judge(leaf, intermediates, at).map(drop)
    }

    /// A key that is not judged, of a certificate that by its name may be above the leaf.
    fn unjudged_above(
        &self,
        leaf: &Certificate,
        intermediates: &[Certificate],
    ) -> Option<UnjudgedKey> {
        let mut names = vec![leaf.issuer_der()];
        let mut place = 0;
        while let Some(&name) = names.get(place) {
            place += 1;
            let pool = intermediates.iter().chain(&self.certificates);
            for certificate in pool.filter(|certificate| certificate.subject_der() == name) {
                if let Some(key) = UnjudgedKey::of(certificate) {
                    return Some(key);
                }
                if !names.contains(&certificate.issuer_der()) {
                    names.push(certificate.issuer_der());
                }
            }
        }
        None
    }
}
