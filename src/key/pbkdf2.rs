//! PBKDF2 (RFC 8018 section 5.2) over HMAC: the cost of every passphrase.

use hmac::Hmac;
use sha1::Sha1;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_256};

use super::kdf::Prf;

/// Fills `output` with the derived key.
pub(super) fn derive(prf: Prf, passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    let derive = match prf {
        Prf::HmacSha1 => pbkdf2::pbkdf2::<Hmac<Sha1>>,
        Prf::HmacSha224 => pbkdf2::pbkdf2::<Hmac<Sha224>>,
        Prf::HmacSha256 => pbkdf2::pbkdf2::<Hmac<Sha256>>,
        Prf::HmacSha384 => pbkdf2::pbkdf2::<Hmac<Sha384>>,
        Prf::HmacSha512 => pbkdf2::pbkdf2::<Hmac<Sha512>>,
        Prf::HmacSha512_256 => pbkdf2::pbkdf2::<Hmac<Sha512_256>>,
    };
    // Its one error is a key of a length that HMAC cannot take, and HMAC takes every length.
    let _ = derive(passphrase, salt, iterations, output);
}
