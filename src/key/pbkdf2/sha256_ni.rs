//! HMAC-SHA-256 iterated with the CPU's SHA-256 instructions, in registers from the first iteration to the last.
//!
//! The sha2 crate's compression takes a block of octets and gives words. Here what one compression gives is what the
//! next one takes, so the way through memory and back is left out.

#![allow(unsafe_code, reason = "one call of a function for a CPU with certain instructions")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi32,
    _mm_unpackhi_epi64, _mm_unpacklo_epi64, _mm_xor_si128,
};

use zeroize::Zeroizing;

/// A SHA-256 state in words, as FIPS 180-4 has it.
type State = [u32; 8];

/// The constants of the rounds, four at a time (FIPS 180-4 section 4.2.2).
const K: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// Proof that the CPU has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Sha256Ni(());

impl Sha256Ni {
    /// `None` on a CPU without them.
    pub(super) fn new() -> Option<Self> {
        // SHA comes with SSE4.1 in every CPU; asked for all the same, because the call depends on it.
        (is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1")).then_some(Self(()))
    }

    /// U_1 to U_c of one block, added up, under one key.
    pub(super) fn iterate(
        self,
        inner: &State,
        outer: &State,
        first: &State,
        iterations: u32,
    ) -> Zeroizing<State> {
        // SAFETY: `Self` exists only where the CPU has `sha` and `sse4.1`, and `ssse3` and `sse2` are part
        // of the latter. The function reads and writes no memory but its arguments.
        unsafe { iterate(inner, outer, first, iterations) }
    }
}

/// A state as the instructions take it: the words `a`, `b`, `e`, `f` and `c`, `d`, `g`, `h`, each the first in the
/// highest place.
#[derive(Clone, Copy)]
struct Packed {
    abef: __m128i,
    cdgh: __m128i,
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn pack(&[a, b, c, d, e, f, g, h]: &State) -> Packed {
    let word = u32::cast_signed;
    Packed {
        abef: _mm_set_epi32(word(a), word(b), word(e), word(f)),
        cdgh: _mm_set_epi32(word(c), word(d), word(g), word(h)),
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn unpack(Packed { abef, cdgh }: Packed) -> State {
    [
        _mm_extract_epi32::<3>(abef),
        _mm_extract_epi32::<2>(abef),
        _mm_extract_epi32::<3>(cdgh),
        _mm_extract_epi32::<2>(cdgh),
        _mm_extract_epi32::<1>(abef),
        _mm_extract_epi32::<0>(abef),
        _mm_extract_epi32::<1>(cdgh),
        _mm_extract_epi32::<0>(cdgh),
    ]
    .map(i32::cast_unsigned)
}

/// Four words of a message, the first in the lowest place.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn words([w0, w1, w2, w3]: [u32; 4]) -> __m128i {
    let word = u32::cast_signed;
    _mm_set_epi32(word(w3), word(w2), word(w1), word(w0))
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn four_rounds(state: Packed, words_and_constants: __m128i) -> Packed {
    let cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, words_and_constants);
    let upper = _mm_shuffle_epi32::<0b00_00_11_10>(words_and_constants);
    let abef = _mm_sha256rnds2_epu32(state.abef, cdgh, upper);
    Packed { abef, cdgh }
}

/// The last sixteen words of the message schedule, four in a vector.
struct Schedule([__m128i; 4]);

impl Schedule {
    /// The next four (FIPS 180-4 section 6.2.2, step 1).
    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn next(&mut self) -> __m128i {
        let [w0, w1, w2, w3] = self.0;
        let next = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8::<4>(w3, w2));
        let next = _mm_sha256msg2_epu32(next, w3);
        self.0 = [w1, w2, w3, next];
        next
    }
}

/// The compression of the digest `message`, padded as what follows one block of a key.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn compress(state: Packed, message: Packed) -> Packed {
    const SWAP_PAIRS: i32 = 0b10_11_00_01;
    let (high, low) = (
        _mm_unpackhi_epi64(message.abef, message.cdgh),
        _mm_unpacklo_epi64(message.abef, message.cdgh),
    );
    let w0 = _mm_shuffle_epi32::<SWAP_PAIRS>(high);
    let w1 = _mm_shuffle_epi32::<SWAP_PAIRS>(low);
    // 0x80 after the 32 octets of the digest; a length of 64 + 32 octets in bits.
    let w2 = words([0x8000_0000, 0, 0, 0]);
    let w3 = words([0, 0, 0, (64 + 32) * 8]);
    let mut schedule = Schedule([w0, w1, w2, w3]);
    let mut now = state;
    let [k0, k1, k2, k3, later @ ..] = K;
    for (next, constants) in [(w0, k0), (w1, k1), (w2, k2), (w3, k3)] {
        now = four_rounds(now, _mm_add_epi32(next, words(constants)));
    }
    for constants in later {
        now = four_rounds(now, _mm_add_epi32(schedule.next(), words(constants)));
    }
    Packed { abef: _mm_add_epi32(state.abef, now.abef), cdgh: _mm_add_epi32(state.cdgh, now.cdgh) }
}

#[target_feature(enable = "sha,sse4.1")]
fn iterate(inner: &State, outer: &State, first: &State, iterations: u32) -> Zeroizing<State> {
    let (inner, outer) = (pack(inner), pack(outer));
    let mut digest = pack(first);
    let mut sum = digest;
    for _ in 1..iterations {
        digest = compress(outer, compress(inner, digest));
        sum.abef = _mm_xor_si128(sum.abef, digest.abef);
        sum.cdgh = _mm_xor_si128(sum.cdgh, digest.cdgh);
    }
    Zeroizing::new(unpack(sum))
}
