//! RSA (RFC 8017): PKCS#1 v1.5 and PSS.

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
        let exponent = key.public_exponent.as_bytes();
        let is_short = exponent.len() <= size_of::<u64>();
        let exponent = exponent.iter().fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        let is_odd = |octet: Option<&u8>| octet.is_some_and(|octet| octet & 1 == 1);
        if !is_odd(modulus.last())
            || !(is_short && exponent & 1 == 1 && (3..=LARGEST_EXPONENT).contains(&exponent))
        {
            return Err(SignatureError::InvalidKey {
                algorithm: "RSA",
                rule: "the modulus has to be odd, and the exponent odd and from 3 to 2^33 - 1",
            });
        }
        Ok(Self { pkcs1_der, bits })
    }

    /// Whether the modulus is whole octets.
    pub(super) fn has_whole_octets(&self) -> bool {
        self.bits.is_multiple_of(8)
    }
}

/// A public key that verifies: with what Montgomery's multiplication needs of the modulus.
pub(super) enum RsaKey {
    Graviola(Box<graviola::RsaKey>),
    RustCrypto(Box<rsa::PublicKey>),
}

impl RsaKey {
    /// # Errors
    /// [`SignatureError::InvalidKey`] if RustCrypto asks more of the numbers than [`RsaPublicKey`] does.
    pub(super) fn new(key: &RsaPublicKey<'_>) -> Result<Self, SignatureError> {
        // graviola's PSS is for moduli of whole octets.
        if key.has_whole_octets()
            && let Some(key) = graviola::RsaKey::new(key.pkcs1_der)
        {
            return Ok(Self::Graviola(Box::new(key)));
        }
        RsaPublicKeyRef::from_der(key.pkcs1_der)
            .map_err(SignatureError::MalformedKey)?
            .try_into()
            .map(|key| Self::RustCrypto(Box::new(key)))
            .map_err(|_| SignatureError::InvalidKey {
                algorithm: "RSA",
                rule: "the numbers are impossible",
            })
    }

    pub(super) fn verify_pkcs1(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
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

    /// The salt is as long as the hash function's output.
    pub(super) fn verify_pss(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
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
