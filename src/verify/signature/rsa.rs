//! RSA (RFC 8017): PKCS#1 v1.5 and PSS.

#[cfg_attr(not(target_arch = "x86_64"), path = "rsa/no_ifma.rs")]
mod ifma;

use std::sync::OnceLock;

use der::Decode;
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pss::Pss;
use sha2::{Sha256, Sha384, Sha512};

use super::RSA_BITS;
use super::error::SignatureError;
use super::graviola;
use super::scheme::Hash;

/// The rsa crate's, and enough for all that was ever in use.
const LARGEST_EXPONENT: u64 = (1 << 33) - 1;

/// A public key: DER of an `RSAPublicKey` (RFC 8017 appendix A.1.1) with possible numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RsaPublicKey<'a> {
    pkcs1_der: &'a [u8],
    modulus: &'a [u8],
    exponent: u64,
    bits: usize,
}

impl<'a> RsaPublicKey<'a> {
    pub(super) fn from_pkcs1_der(pkcs1_der: &'a [u8]) -> Result<Self, SignatureError> {
        let key = RsaPublicKeyRef::from_der(pkcs1_der).map_err(SignatureError::MalformedKey)?;
        let modulus = key.modulus.as_bytes();
        let bits = modulus.first().map_or(0, |first| {
            modulus.len().saturating_mul(8).saturating_sub(first.leading_zeros() as usize)
        });
        if !RSA_BITS.contains(&bits) {
            return Err(SignatureError::RsaKeySize { bits });
        }
        let octets = key.public_exponent.as_bytes();
        let is_short = octets.len() <= size_of::<u64>();
        let exponent = octets.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        let is_odd = |octets: &[u8]| octets.last().is_some_and(|octet| octet & 1 == 1);
        let is_possible = is_short && (3..=LARGEST_EXPONENT).contains(&exponent);
        if !(is_odd(modulus) && is_odd(octets) && is_possible) {
            return Err(SignatureError::InvalidKey {
                algorithm: "RSA",
                rule: "the modulus has to be odd, and the exponent odd and from 3 to 2^33 - 1",
            });
        }
        Ok(Self { pkcs1_der, modulus, exponent, bits })
    }

    /// Whether the modulus is whole octets.
    pub(super) fn has_whole_octets(&self) -> bool {
        self.bits.is_multiple_of(8)
    }
}

/// A public key that verifies: with what Montgomery's multiplication needs of the modulus.
pub(super) struct RsaKey {
    pkcs1_der: Box<[u8]>,
    octets: usize,
    has_whole_limbs: bool,
    /// Where the CPU has the instructions for it.
    ifma: Option<ifma::RsaKey>,
    /// For the rest. It is made when it is first needed.
    library: OnceLock<Option<Library>>,
}

/// An engine of somebody else's.
enum Library {
    Graviola(Box<graviola::RsaKey>),
    RustCrypto(Box<rsa::PublicKey>),
}

impl RsaKey {
    pub(super) fn new(key: &RsaPublicKey<'_>) -> Self {
        Self {
            pkcs1_der: key.pkcs1_der.into(),
            octets: key.modulus.len(),
            has_whole_limbs: key.bits.is_multiple_of(64),
            ifma: ifma::RsaKey::new(key.modulus, key.exponent),
            library: OnceLock::new(),
        }
    }

    /// `None` if RustCrypto asks more of the numbers than [`RsaPublicKey`] does.
    fn library(&self) -> Option<&Library> {
        let make = || {
            // graviola 0.4 compares as many octets as its limbs have, and refuses valid signatures under a
            // modulus that does not fill them.
            if self.has_whole_limbs
                && let Some(key) = graviola::RsaKey::new(&self.pkcs1_der)
            {
                return Some(Library::Graviola(Box::new(key)));
            }
            let key = RsaPublicKeyRef::from_der(&self.pkcs1_der).ok()?;
            Some(Library::RustCrypto(Box::new(key.try_into().ok()?)))
        };
        self.library.get_or_init(make).as_ref()
    }

    pub(super) fn verify_pkcs1(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        match &self.ifma {
            Some(key) => {
                signature.len() == self.octets
                    && key.stands_for(signature, &self.pkcs1_encoding(hash, message))
            }
            None => self.library().is_some_and(|key| key.verify_pkcs1(hash, message, signature)),
        }
    }

    /// The salt is as long as the hash function's output.
    pub(super) fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        self.library().is_some_and(|key| key.verify_pss(hash, message, signature))
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017 section 9.2).
    fn pkcs1_encoding(&self, hash: Hash, message: &[u8]) -> Vec<u8> {
        let mut encoding = vec![0xff; self.octets];
        let start: &[u8] = &[0, 1];
        let algorithm = hash.digest_info();
        hash.over(message, |digest| {
            let end = [&[0], algorithm, digest].concat();
            // A modulus has 256 octets or more, and these are far fewer.
            let rest = encoding.len().saturating_sub(end.len());
            for (to, from) in encoding.iter_mut().zip(start) {
                *to = *from;
            }
            for (to, from) in encoding.iter_mut().skip(rest).zip(end) {
                *to = from;
            }
        });
        encoding
    }
}

impl Library {
    fn verify_pkcs1(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Graviola(key) => key.verify_pkcs1(hash, message, signature),
            Self::RustCrypto(key) => {
                let padding = match hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                hash.over(message, |digest| key.verify(padding, digest, signature).is_ok())
            }
        }
    }

    fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let key = match self {
            Self::Graviola(key) => return key.verify_pss(hash, message, signature),
            Self::RustCrypto(key) => key,
        };
        hash.over(message, |digest| {
            let salt = digest.len();
            match hash {
                Hash::Sha256 => key.verify(Pss::<Sha256>::new_with_salt(salt), digest, signature),
                Hash::Sha384 => key.verify(Pss::<Sha384>::new_with_salt(salt), digest, signature),
                Hash::Sha512 => key.verify(Pss::<Sha512>::new_with_salt(salt), digest, signature),
            }
            .is_ok()
        })
    }
}

#[cfg(test)]
mod tests;
