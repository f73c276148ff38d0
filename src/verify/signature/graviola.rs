//! graviola's engines, for CPUs that have the instructions they are written with: s2n-bignum's proved
//! assembly. `None` means that the CPU is another.

use graviola::hashing::{Sha256, Sha384, Sha512};
use graviola::signing::ecdsa::{P256, P384, VerifyingKey};
use graviola::signing::rsa;
use graviola::util::is_cpu_supported;

use super::scheme::Hash;

macro_rules! ecdsa {
    ($name:ident, $curve:ty) => {
        /// Verifies an ECDSA signature: `key` is a point in the uncompressed form, `signature` its two
        /// numbers at their full length.
        pub(super) fn $name(
            key: &[u8],
            hash: Hash,
            message: &[u8],
            signature: &[u8],
        ) -> Option<bool> {
            if !is_cpu_supported() {
                return None;
            }
            let key = VerifyingKey::<$curve>::from_x962_uncompressed(key).ok()?;
            let message = &[message];
            let verified = match hash {
                Hash::Sha256 => key.verify::<Sha256>(message, signature),
                Hash::Sha384 => key.verify::<Sha384>(message, signature),
                Hash::Sha512 => key.verify::<Sha512>(message, signature),
            };
            Some(verified.is_ok())
        }
    };
}

ecdsa!(p256, P256);
ecdsa!(p384, P384);

/// An RSA public key with its constants computed.
pub(super) struct RsaKey(rsa::VerifyingKey);

impl RsaKey {
    /// `None` also if the exponent has more than 32 bits.
    pub(super) fn new(pkcs1_der: &[u8]) -> Option<Self> {
        if !is_cpu_supported() {
            return None;
        }
        rsa::VerifyingKey::from_pkcs1_der(pkcs1_der).ok().map(Self)
    }

    pub(super) fn verify_pkcs1(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        match hash {
            Hash::Sha256 => self.0.verify_pkcs1_sha256(signature, message),
            Hash::Sha384 => self.0.verify_pkcs1_sha384(signature, message),
            Hash::Sha512 => self.0.verify_pkcs1_sha512(signature, message),
        }
        .is_ok()
    }

    pub(super) fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        match hash {
            Hash::Sha256 => self.0.verify_pss_sha256(signature, message),
            Hash::Sha384 => self.0.verify_pss_sha384(signature, message),
            Hash::Sha512 => self.0.verify_pss_sha512(signature, message),
        }
        .is_ok()
    }
}
