//! Keys that verify.

use std::fmt;

use der::Decode;
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams};
use spki::AlgorithmIdentifierRef;

use super::PublicKey;
use super::curve::{P256, P384, P521};
use super::ecdsa::EcdsaKey;
use super::error::SignatureError;
use super::rsa::RsaKey;
use super::scheme::Scheme;
use crate::oid::NamedOid;

/// A public key with whatever depends on it alone computed once: points decompressed, Montgomery's
/// constants, ML-DSA's matrix, and for ECDSA a table of multiples as soon as it is worth it.
pub(crate) struct VerifyingKey {
    key: Key,
    /// For a sentence: "an RSA key".
    kind: &'static str,
}

enum Key {
    Rsa(RsaKey),
    P256(EcdsaKey<P256>),
    P384(EcdsaKey<P384>),
    P521(EcdsaKey<P521>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    MlDsa44(Box<ml_dsa::VerifyingKey<MlDsa44>>),
    MlDsa65(Box<ml_dsa::VerifyingKey<MlDsa65>>),
    MlDsa87(Box<ml_dsa::VerifyingKey<MlDsa87>>),
}

impl VerifyingKey {
    /// A key for a few signatures.
    pub(crate) fn new(key: &PublicKey<'_>) -> Self {
        let kind = key.kind();
        let key = match key {
            PublicKey::Rsa(key) => Key::Rsa(RsaKey::new(key)),
            PublicKey::P256(key) => Key::P256(EcdsaKey::new(key)),
            PublicKey::P384(key) => Key::P384(EcdsaKey::new(key)),
            PublicKey::P521(key) => Key::P521(EcdsaKey::new(key)),
            PublicKey::Ed25519(key) => Key::Ed25519(Box::new(*key)),
            PublicKey::MlDsa44(key) => Key::MlDsa44(Box::new(ml_dsa::VerifyingKey::decode(key))),
            PublicKey::MlDsa65(key) => Key::MlDsa65(Box::new(ml_dsa::VerifyingKey::decode(key))),
            PublicKey::MlDsa87(key) => Key::MlDsa87(Box::new(ml_dsa::VerifyingKey::decode(key))),
        };
        Self { key, kind }
    }

    /// Makes an ECDSA key's table now, and its generator's.
    pub(crate) fn prepare(&self) {
        match &self.key {
            Key::P256(key) => key.prepare(),
            Key::P384(key) => key.prepare(),
            Key::P521(key) => key.prepare(),
            _ => {}
        }
    }

    /// Counts a use of a key that there will be more of: after a few, an ECDSA key's table is made.
    pub(crate) fn count_use(&self) {
        match &self.key {
            Key::P256(key) => key.count_use(),
            Key::P384(key) => key.count_use(),
            Key::P521(key) => key.count_use(),
            _ => {}
        }
    }

    /// Verifies a signature over `message`, made with the algorithm of the given DER
    /// `AlgorithmIdentifier`.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`] if the signature is not this key's; others if its algorithm is
    /// not accepted or needs another kind of key.
    pub(crate) fn verify(
        &self,
        algorithm_identifier_der: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let identifier = AlgorithmIdentifierRef::from_der(algorithm_identifier_der)
            .map_err(SignatureError::MalformedAlgorithm)?;
        let scheme = Scheme::of(&identifier)?;
        let valid = match (&self.key, scheme) {
            (Key::Rsa(key), Scheme::Pkcs1(hash)) => key.verify_pkcs1(hash, message, signature),
            (Key::Rsa(key), Scheme::Pss(hash)) => key.verify_pss(hash, message, signature),
            (Key::P256(key), Scheme::Ecdsa(hash)) => key.verify(hash, message, signature),
            (Key::P384(key), Scheme::Ecdsa(hash)) => key.verify(hash, message, signature),
            (Key::P521(key), Scheme::Ecdsa(hash)) => key.verify(hash, message, signature),
            (Key::Ed25519(key), Scheme::Ed25519) => {
                // Strict: without it a key or nonce of small order makes one signature fit many
                // messages, which no honest signer produces.
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            (Key::MlDsa44(key), Scheme::MlDsa44) => ml_dsa(key, message, signature),
            (Key::MlDsa65(key), Scheme::MlDsa65) => ml_dsa(key, message, signature),
            (Key::MlDsa87(key), Scheme::MlDsa87) => ml_dsa(key, message, signature),
            _ => {
                let algorithm = NamedOid(identifier.oid);
                return Err(SignatureError::KeyOfAnotherKind { algorithm, key: self.kind });
            }
        };
        if valid { Ok(()) } else { Err(SignatureError::Invalid) }
    }
}

impl fmt::Debug for VerifyingKey {
    /// Without the numbers, which are many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("kind", &self.kind).finish_non_exhaustive()
    }
}

fn ml_dsa<P: MlDsaParams>(key: &ml_dsa::VerifyingKey<P>, message: &[u8], signature: &[u8]) -> bool {
    ml_dsa::Signature::try_from(signature)
        .is_ok_and(|signature| key.verify_with_context(message, &[], &signature))
}
