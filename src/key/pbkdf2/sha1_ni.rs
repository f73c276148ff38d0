//! HMAC-SHA-1 iterated in two lanes with the CPU's SHA-1 instructions.
//!
//! Each of these instructions waits for the one before it, and a CPU that has nothing else to do
//! meanwhile is idle for half of the time. The blocks of a PBKDF2 output are independent of each other,
//! so two of them are computed side by side. A state is kept in the order in which the next message block
//! has to have it, so between two compressions nothing is moved.

#![allow(unsafe_code, reason = "one call of a function for a CPU with certain instructions")]

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_extract_epi32, _mm_or_si128, _mm_set_epi32, _mm_setzero_si128,
    _mm_sha1msg1_epu32, _mm_sha1msg2_epu32, _mm_sha1nexte_epu32, _mm_sha1rnds4_epu32,
    _mm_xor_si128,
};

use zeroize::Zeroizing;

/// A SHA-1 state in words, as FIPS 180-4 has it.
type State = [u32; 5];

/// Proof that the CPU has the instructions.
#[derive(Clone, Copy)]
pub(super) struct Lanes(());

impl Lanes {
    /// `None` on a CPU without them.
    pub(super) fn new() -> Option<Self> {
        // SHA comes with SSE4.1 in every CPU; asked for all the same, because the call depends on it.
        (is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1")).then_some(Self(()))
    }

    /// U_1 to U_c of two blocks, added up, under one key.
    pub(super) fn iterate(
        self,
        inner: &State,
        outer: &State,
        firsts: &[State; 2],
        iterations: u32,
    ) -> Zeroizing<[State; 2]> {
        // SAFETY: `Self` exists only where the CPU has `sha` and `sse4.1`, and `ssse3` and `sse2` are part
        // of the latter. The function reads and writes no memory but its arguments.
        unsafe { iterate(inner, outer, firsts, iterations) }
    }
}

/// Two SHA-1 states: `a` to `d`, the first in the highest place, and `e` in the highest place of its own.
#[derive(Clone, Copy)]
struct Pair {
    abcd: [__m128i; 2],
    e: [__m128i; 2],
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn pack(states: [&State; 2]) -> Pair {
    let word = u32::cast_signed;
    Pair {
        abcd: states.map(|&[a, b, c, d, _]| _mm_set_epi32(word(a), word(b), word(c), word(d))),
        e: states.map(|&[.., e]| _mm_set_epi32(word(e), 0, 0, 0)),
    }
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn unpack(abcd: __m128i, e: __m128i) -> State {
    [
        _mm_extract_epi32::<3>(abcd),
        _mm_extract_epi32::<2>(abcd),
        _mm_extract_epi32::<1>(abcd),
        _mm_extract_epi32::<0>(abcd),
        _mm_extract_epi32::<3>(e),
    ]
    .map(i32::cast_unsigned)
}

#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn lanes<A: Copy, B: Copy, C>(a: [A; 2], b: [B; 2], each: impl Fn(A, B) -> C) -> [C; 2] {
    let ([a0, a1], [b0, b1]) = (a, b);
    [each(a0, b0), each(a1, b1)]
}

/// Four rounds of both lanes with the function and constant `F` (FIPS 180-4 sections 4.1.1, 4.2.1).
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn rounds<const F: i32>(
    abcd: [__m128i; 2],
    before: [__m128i; 2],
    words: [__m128i; 2],
) -> [__m128i; 2] {
    let e = lanes(before, words, |before, words| _mm_sha1nexte_epu32(before, words));
    lanes(abcd, e, |abcd, e| _mm_sha1rnds4_epu32::<F>(abcd, e))
}

/// The last sixteen words of the message schedule, four in a vector.
struct Schedule([[__m128i; 2]; 4]);

impl Schedule {
    /// The next four (FIPS 180-4 section 6.1.2, step 1).
    #[inline]
    #[target_feature(enable = "sha,sse4.1")]
    fn next(&mut self) -> [__m128i; 2] {
        let [w0, w1, w2, w3] = self.0;
        let next = lanes(w0, w1, |w0, w1| _mm_sha1msg1_epu32(w0, w1));
        let next = lanes(next, w2, |next, w2| _mm_xor_si128(next, w2));
        let next = lanes(next, w3, |next, w3| _mm_sha1msg2_epu32(next, w3));
        self.0 = [w1, w2, w3, next];
        next
    }
}

/// The compression of the digests `message`, padded as what follows one block of a key.
#[inline]
#[target_feature(enable = "sha,sse4.1")]
fn compress(state: Pair, message: Pair) -> Pair {
    // 0x80 after the 20 octets of the digest; a length of 64 + 20 octets in bits.
    let end_of_message = _mm_set_epi32(0, i32::MIN, 0, 0);
    let w0 = message.abcd;
    let w1 = lanes(message.e, [end_of_message; 2], |e, end| _mm_or_si128(e, end));
    let w2 = [_mm_setzero_si128(); 2];
    let w3 = [_mm_set_epi32(0, 0, 0, (64 + 20) * 8); 2];
    let mut schedule = Schedule([w0, w1, w2, w3]);

    // The first four rounds have `e` itself; later it follows from the state four rounds ago.
    let e = lanes(state.e, w0, |e, words| _mm_add_epi32(e, words));
    let mut before = state.abcd;
    let mut now = lanes(before, e, |abcd, e| _mm_sha1rnds4_epu32::<0>(abcd, e));

    macro_rules! four_rounds {
        ($function:literal, $words:expr) => {
            (before, now) = (now, rounds::<$function>(now, before, $words));
        };
    }
    four_rounds!(0, w1);
    four_rounds!(0, w2);
    four_rounds!(0, w3);
    four_rounds!(0, schedule.next());
    four_rounds!(1, schedule.next());
    four_rounds!(1, schedule.next());
    four_rounds!(1, schedule.next());
    four_rounds!(1, schedule.next());
    four_rounds!(1, schedule.next());
    four_rounds!(2, schedule.next());
    four_rounds!(2, schedule.next());
    four_rounds!(2, schedule.next());
    four_rounds!(2, schedule.next());
    four_rounds!(2, schedule.next());
    four_rounds!(3, schedule.next());
    four_rounds!(3, schedule.next());
    four_rounds!(3, schedule.next());
    four_rounds!(3, schedule.next());
    four_rounds!(3, schedule.next());
    Pair {
        abcd: lanes(state.abcd, now, |before, after| _mm_add_epi32(before, after)),
        e: lanes(before, state.e, |after, before| _mm_sha1nexte_epu32(after, before)),
    }
}

#[target_feature(enable = "sha,sse4.1")]
fn iterate(
    inner: &State,
    outer: &State,
    firsts: &[State; 2],
    iterations: u32,
) -> Zeroizing<[State; 2]> {
    let (inner, outer) = (pack([inner; 2]), pack([outer; 2]));
    let mut digests = pack(firsts.each_ref());
    let mut sums = digests;
    for _ in 1..iterations {
        digests = compress(outer, compress(inner, digests));
        sums.abcd = lanes(sums.abcd, digests.abcd, |sum, digest| _mm_xor_si128(sum, digest));
        sums.e = lanes(sums.e, digests.e, |sum, digest| _mm_xor_si128(sum, digest));
    }
    Zeroizing::new(lanes(sums.abcd, sums.e, |abcd, e| unpack(abcd, e)))
}
