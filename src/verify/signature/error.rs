//! Why a public key cannot be used or a signature does not verify.

use crate::oid::NamedOid;

/// Why a public key cannot be used or a signature does not verify.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The `SubjectPublicKeyInfo` does not follow RFC 5280 section 4.1.2.7.
    #[error("the public key is malformed: {0}")]
    MalformedKey(#[source] der::Error),
    /// The key is of a kind that is not processed.
    #[error(
        "the public key's algorithm is {algorithm}, and only RSA, ECDSA, Ed25519 and ML-DSA keys are accepted"
    )]
    UnknownKeyAlgorithm {
        /// The key's algorithm.
        algorithm: NamedOid,
    },
    /// The key lies on a curve other than the three NIST curves.
    #[error(
        "the public key lies on the curve {curve}, and only P-256, P-384 and P-521 are accepted"
    )]
    UnknownCurve {
        /// The curve.
        curve: NamedOid,
    },
    /// The key spells out its curve's parameters, which RFC 5480 section 2.1.1 forbids: a forger
    /// can choose them so that a known key fits (CVE-2020-0601).
    #[error(
        "the public key spells out its elliptic curve instead of naming it, which RFC 5480 section 2.1.1 forbids"
    )]
    ExplicitCurve,
    /// The RSA modulus is too short to be safe, or too long to be worked with.
    #[error("the RSA key has {bits} bits, and 2048 to 8192 are accepted")]
    RsaKeySize {
        /// Length of the modulus.
        bits: usize,
    },
    /// The key's numbers are impossible for its algorithm.
    #[error("the {algorithm} public key is invalid: {rule}")]
    InvalidKey {
        /// What kind of key it claims to be.
        algorithm: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The signature's `AlgorithmIdentifier` does not follow RFC 5280 section 4.1.1.2.
    #[error("the signature's algorithm identifier is malformed: {0}")]
    MalformedAlgorithm(#[source] der::Error),
    /// The signature uses a hash function whose collisions can be found.
    #[error(
        "the signature is made with {algorithm}, whose hash function is broken: collisions can be made for it"
    )]
    BrokenHash {
        /// The signature algorithm, or the hash function in its parameters.
        algorithm: NamedOid,
    },
    /// The signature algorithm is not processed.
    #[error(
        "the signature is made with {algorithm}, which is not accepted: it has to be RSA (PKCS#1 v1.5 or PSS) or ECDSA with SHA-256, SHA-384 or SHA-512, Ed25519, or ML-DSA"
    )]
    UnknownAlgorithm {
        /// The signature algorithm, or the hash function in its parameters.
        algorithm: NamedOid,
    },
    /// The signature algorithm's parameters are not those that its definition asks for.
    #[error("the parameters of the signature algorithm {algorithm} are not accepted: {rule}")]
    Parameters {
        /// The signature algorithm.
        algorithm: NamedOid,
        /// The rule that they break.
        rule: &'static str,
    },
    /// The signature algorithm needs a key of another kind.
    #[error(
        "the signature claims to be made with {algorithm}, but the key that should have made it is {key}"
    )]
    KeyOfAnotherKind {
        /// The signature algorithm.
        algorithm: NamedOid,
        /// What the key is.
        key: &'static str,
    },
    /// The signature is not one of this key over these bytes.
    #[error("the signature does not verify: another key made it, or what it covers was changed")]
    Invalid,
}
