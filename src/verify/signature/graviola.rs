//! graviola's engines, for CPUs that have the instructions they are written with: s2n-bignum's proved
//! assembly. `None` means that the CPU is another.

use graviola::signing::rsa;
use graviola::util::is_cpu_supported;

use super::scheme::Hash;

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
