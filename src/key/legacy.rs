//! The key derivations of the 1990s. They read files that exist; nothing writes with them.

use md5::Md5;
use sha1::Sha1;
use sha2::digest::{Digest, Output};
use zeroize::{Zeroize, Zeroizing};

/// Fills `output` with as much of a digest as there is place for.
fn put(digest: &[u8], output: &mut [u8]) {
    for (place, octet) in output.iter_mut().zip(digest) {
        *place = *octet;
    }
}

/// A digest that is wiped when dropped.
fn hash<H: Digest>(parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let mut hasher = H::new();
    for part in parts {
        hasher.update(part);
    }
    let mut digest: Output<H> = hasher.finalize();
    let wiped = Zeroizing::new(digest.to_vec());
    digest.as_mut_slice().zeroize();
    wiped
}

fn iterated<H: Digest>(first: &[&[u8]], iterations: u32) -> Zeroizing<Vec<u8>> {
    let mut digest = hash::<H>(first);
    for _ in 1..iterations {
        digest = hash::<H>(&[&digest]);
    }
    digest
}

/// PBKDF1 (RFC 8018 section 5.1): the key, and after it the initialisation vector, from one digest.
pub(super) fn pbkdf1<H: Digest>(
    passphrase: &[u8],
    salt: &[u8],
    iterations: u32,
    key: &mut [u8],
    iv: &mut [u8],
) {
    let digest = iterated::<H>(&[passphrase, salt], iterations);
    put(&digest, key);
    put(digest.get(key.len()..).unwrap_or_default(), iv);
}

/// OpenSSL's `EVP_BytesToKey` with MD5 and one iteration: each digest is of the one before it, the passphrase
/// and the salt.
pub(super) fn openssl_md5(passphrase: &[u8], salt: &[u8], output: &mut [u8]) {
    let mut digest = Zeroizing::new(Vec::new());
    for place in output.chunks_mut(16) {
        digest = hash::<Md5>(&[&digest, passphrase, salt]);
        put(&digest, place);
    }
}

/// What PKCS#12's derivation is for, its "ID byte" (RFC 7292 appendix B.3).
const KEY: u8 = 1;
const IV: u8 = 2;

/// SHA-1's block and digest.
const BLOCK: usize = 64;
const DIGEST: usize = 20;

/// The passphrase as PKCS#12 has it: UTF-16 with the high octet first, and a zero at its end (RFC 7292 appendix
/// B.1). One that is not UTF-8 is taken for Latin-1, as OpenSSL does.
fn bmp_string(passphrase: &[u8]) -> Zeroizing<Vec<u8>> {
    // Sized once: a buffer that grew would leave copies behind. No character takes more octets than these.
    let mut octets = Zeroizing::new(Vec::with_capacity(2 * passphrase.len() + 2));
    match std::str::from_utf8(passphrase) {
        Ok(text) => octets.extend(text.encode_utf16().flat_map(u16::to_be_bytes)),
        Err(_) => octets.extend(passphrase.iter().flat_map(|&octet| [0, octet])),
    }
    octets.extend([0, 0]);
    octets
}

/// Octets repeated to a length.
fn repeated(octets: &[u8], length: usize) -> Zeroizing<Vec<u8>> {
    let mut blocks = Zeroizing::new(Vec::with_capacity(length));
    blocks.extend(octets.iter().cycle().take(length));
    blocks
}

/// PKCS#12's derivation (RFC 7292 appendix B.2) for one purpose.
fn pkcs12_part(id: u8, passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    let whole_blocks = |length: usize| length.div_ceil(BLOCK) * BLOCK;
    let (salt_length, length) = (whole_blocks(salt.len()), whole_blocks(passphrase.len()));
    let mut input = Zeroizing::new(Vec::with_capacity(salt_length + length));
    input.extend_from_slice(&repeated(salt, salt_length));
    input.extend_from_slice(&repeated(passphrase, length));
    for place in output.chunks_mut(DIGEST) {
        let digest = iterated::<Sha1>(&[&[id; BLOCK], &input], iterations);
        put(&digest, place);
        let addend = repeated(&digest, BLOCK);
        for block in input.chunks_exact_mut(BLOCK) {
            // block + addend + 1, modulo 2^512.
            let mut carry = 1;
            for (octet, addend) in block.iter_mut().zip(&*addend).rev() {
                let sum = u16::from(*octet) + u16::from(*addend) + carry;
                *octet = sum.to_be_bytes()[1];
                carry = sum >> 8;
            }
        }
    }
}

/// Fills the key and the initialisation vector, each by a derivation of its own.
pub(super) fn pkcs12(
    passphrase: &[u8],
    salt: &[u8],
    iterations: u32,
    key: &mut [u8],
    iv: &mut [u8],
) {
    let passphrase = bmp_string(passphrase);
    pkcs12_part(KEY, &passphrase, salt, iterations, key);
    pkcs12_part(IV, &passphrase, salt, iterations, iv);
}
