//! The prime fields of ECDSA on P-256, P-384 and P-521: those of the coordinates, and those of the scalars,
//! which are numbers modulo the order.
//!
//! An element a is kept as a R modulo p, where R is 2^64 to the number of limbs (P. Montgomery, "Modular
//! Multiplication Without Trial Division", 1985), and always below p, so that equal elements are equal limbs. Every
//! carry is written out, and why there is no other stands where it matters. fiat-crypto's arithmetic, which comes with a
//! machine-checked proof, is the judge in the tests.

mod inverse;

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Mul, Sub};

/// An element of a prime field.
pub(crate) trait Field:
    Copy
    + PartialEq
    + fmt::Debug
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + 'static
{
    /// A number below p, in limbs of 64 bits, the lowest first.
    type Limbs: AsRef<[u64]>;

    const ZERO: Self;
    const ONE: Self;
    /// p, in as many limbs as [`Self::Limbs`] has.
    const PRIME: &'static [u64];
    /// Bits of p.
    const BITS: u32;
    /// Octets of p.
    const OCTETS: usize = Self::BITS.div_ceil(8) as usize;

    fn square(self) -> Self;

    /// self * other + addend / R, for the time of the multiplication.
    fn times_plus_over_r(self, other: Self, addend: Self) -> Self;

    /// 1 / self; `None` for zero.
    fn invert(self) -> Option<Self>;

    /// The number that the element is.
    fn to_limbs(self) -> Self::Limbs;

    /// From a number, the lowest limb first; `None` if it is not below p.
    fn from_limbs(limbs: &[u64]) -> Option<Self>;

    /// From big-endian octets; `None` if the number is not below p, or they are more than the limbs have.
    fn from_be_bytes(octets: &[u8]) -> Option<Self> {
        Self::from_be_bytes_over_r(octets).map(Self::times_r)
    }

    /// The same, divided by R, which takes no multiplication: the limbs of an element are those of R times it.
    fn from_be_bytes_over_r(octets: &[u8]) -> Option<Self>;

    /// The number of big-endian octets, of which the first [`Self::OCTETS`] count, modulo p.
    fn reduced_from_be_bytes(octets: &[u8]) -> Self;

    /// self / R, for less than a multiplication.
    fn over_r(self) -> Self;

    /// self * R.
    fn times_r(self) -> Self;

    fn is_zero(self) -> bool {
        self == Self::ZERO
    }
}

/// An odd prime of N limbs, the lowest first. The highest limb is not zero.
pub(crate) trait Prime<const N: usize>: Copy + fmt::Debug + Send + Sync + 'static {
    const LIMBS: [u64; N];
}

/// A number modulo a prime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Element<P, const N: usize> {
    /// Times R, modulo the prime, and below it.
    limbs: [u64; N],
    prime: PhantomData<P>,
}

macro_rules! primes {
    ($($(#[$doc:meta])* $name:ident, $prime:ident: $limbs:literal = [$($limb:literal),*];)*) => {$(
        $(#[$doc])*
        pub(crate) type $name = Element<$prime, $limbs>;

        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $prime {}

        impl Prime<$limbs> for $prime {
            const LIMBS: [u64; $limbs] = [$($limb),*];
        }
    )*};
}

// SEC 2 sections 2.4.2, 2.5.1 and 2.6.1.
primes! {
    /// Coordinates on P-256.
    P256, P256Prime: 4 = [
        0xffff_ffff_ffff_ffff, 0x0000_0000_ffff_ffff, 0x0000_0000_0000_0000, 0xffff_ffff_0000_0001
    ];
    /// Scalars of P-256.
    P256Scalar, P256Order: 4 = [
        0xf3b9_cac2_fc63_2551, 0xbce6_faad_a717_9e84, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000
    ];
    /// Coordinates on P-384.
    P384, P384Prime: 6 = [
        0x0000_0000_ffff_ffff, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff
    ];
    /// Scalars of P-384.
    P384Scalar, P384Order: 6 = [
        0xecec_196a_ccc5_2973, 0x581a_0db2_48b0_a77a, 0xc763_4d81_f437_2ddf, 0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff
    ];
    /// Coordinates on P-521.
    P521, P521Prime: 9 = [
        0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff,
        0x0000_0000_0000_01ff
    ];
    /// Scalars of P-521.
    P521Scalar, P521Order: 9 = [
        0xbb6f_b71e_9138_6409, 0x3bb5_c9b8_899c_47ae, 0x7fcc_0148_f709_a5d0, 0x5186_8783_bf2f_966b,
        0xffff_ffff_ffff_fffa, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff,
        0x0000_0000_0000_01ff
    ];
}

/// a b + c + d: at most (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1. The low half, and the high one.
#[inline]
const fn multiply_add(a: u64, b: u64, c: u64, d: u64) -> (u64, u64) {
    let sum = a as u128 * b as u128 + c as u128 + d as u128;
    (sum as u64, (sum >> 64) as u64)
}

/// a + b + carry, and the carry.
#[inline]
const fn add_with(a: u64, b: u64, carry: bool) -> (u64, bool) {
    let (sum, first) = a.overflowing_add(b);
    let (sum, second) = sum.overflowing_add(carry as u64);
    (sum, first | second)
}

/// a - b - borrow, and the borrow.
#[inline]
const fn subtract_with(a: u64, b: u64, borrow: bool) -> (u64, bool) {
    let (difference, first) = a.overflowing_sub(b);
    let (difference, second) = difference.overflowing_sub(borrow as u64);
    (difference, first | second)
}

/// a - b modulo R, and whether b is larger.
#[inline]
fn difference<const N: usize>(mut a: [u64; N], b: &[u64; N]) -> ([u64; N], bool) {
    let mut borrow = false;
    for (a, &b) in a.iter_mut().zip(b) {
        (*a, borrow) = subtract_with(*a, b, borrow);
    }
    (a, borrow)
}

/// The limbs of big-endian octets; `None` if they are too many.
#[inline]
fn limbs_of<const N: usize>(octets: &[u8]) -> Option<[u64; N]> {
    let (highest, others) = octets.as_rchunks::<8>();
    let mut limbs = [0; N];
    let mut places = limbs.iter_mut();
    for octets in others.iter().rev() {
        *places.next()? = u64::from_be_bytes(*octets);
    }
    if !highest.is_empty() {
        *places.next()? = highest.iter().fold(0, |limb, &octet| limb << 8 | u64::from(octet));
    }
    Some(limbs)
}

/// -1/odd modulo 2^64.
pub(super) const fn negative_inverse(odd: u64) -> u64 {
    // Newton's iteration: an odd number is its own inverse modulo 8, and every step doubles the bits.
    let (mut inverse, mut bits) = (odd, 3);
    while bits < 64 {
        inverse = inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse)));
        bits *= 2;
    }
    inverse.wrapping_neg()
}

/// 2^exponent modulo an odd modulus.
#[expect(clippy::indexing_slicing, reason = "a constant's computation may not iterate otherwise")]
const fn power_of_two<const N: usize>(modulus: &[u64; N], exponent: usize) -> [u64; N] {
    let mut power = [0; N];
    power[0] = 1;
    let mut count = 0;
    while count < exponent {
        let (mut doubled, mut reduced, mut carry, mut borrow) = ([0; N], [0; N], false, false);
        let mut place = 0;
        while place < N {
            (doubled[place], carry) = add_with(power[place], power[place], carry);
            (reduced[place], borrow) = subtract_with(doubled[place], modulus[place], borrow);
            place += 1;
        }
        power = if carry || !borrow { reduced } else { doubled };
        count += 1;
    }
    power
}

impl<P: Prime<N>, const N: usize> Element<P, N> {
    /// -1/p modulo 2^64.
    const NEGATIVE_INVERSE: u64 = match P::LIMBS.as_slice() {
        [lowest, ..] => negative_inverse(*lowest),
        [] => 0,
    };
    /// R modulo p.
    const R: [u64; N] = power_of_two(&P::LIMBS, 64 * N);
    /// R^2 modulo p.
    const R_SQUARED: [u64; N] = power_of_two(&P::LIMBS, 2 * 64 * N);

    const fn new(limbs: [u64; N]) -> Self {
        Self { limbs, prime: PhantomData }
    }

    /// `None` if they are not below p.
    #[inline]
    fn below_prime(limbs: [u64; N]) -> Option<Self> {
        let (_, is_below) = difference(limbs, &P::LIMBS);
        is_below.then(|| Self::new(limbs))
    }

    /// From a number below 2p, whose highest bit may lie above the limbs.
    #[inline]
    fn reduced(limbs: [u64; N], has_high_bit: bool) -> Self {
        let (reduced, borrow) = difference(limbs, &P::LIMBS);
        Self::new(if borrow & !has_high_bit { limbs } else { reduced })
    }

    /// Adds the multiple of p that makes the lowest limb zero, and leaves that limb out: (t + q p) / 2^64, without
    /// its highest limb, and what is to be added there.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "every place is below N, and loops over places are those that the compiler unrolls before it \
                  looks at the limbs of p: with iterators a multiplication takes twice the time"
    )]
    fn without_lowest(t: [u64; N]) -> ([u64; N], u64) {
        let q = t[0].wrapping_mul(Self::NEGATIVE_INVERSE);
        let mut carry = match Self::NEGATIVE_INVERSE {
            // The lowest limb of p is 2^64 - 1, and q the lowest limb of t: their sum is q 2^64.
            1 => q,
            _ => multiply_add(q, P::LIMBS[0], t[0], 0).1,
        };
        let mut shifted = [0; N];
        for place in 1..N {
            (shifted[place - 1], carry) = multiply_add(q, P::LIMBS[place], carry, t[place]);
        }
        (shifted, carry)
    }

    /// A product of two numbers, whose lower and upper half it is, divided by R. It has to be below p R: then the
    /// quotient is below (p R + R p) / R = 2p.
    #[inline(always)]
    fn montgomery_reduced(lower: [u64; N], upper: [u64; N]) -> Self {
        let (mut t, mut carry) = (lower, false);
        for upper in upper {
            let (mut shifted, highest) = Self::without_lowest(t);
            if let Some(limb) = shifted.last_mut() {
                (*limb, carry) = add_with(highest, upper, carry);
            }
            t = shifted;
        }
        Self::reduced(t, carry)
    }
}

impl<P, const N: usize> PartialEq for Element<P, N> {
    /// The limbs have just been computed: comparing them as one piece would wait for memory.
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.limbs.iter().zip(&other.limbs).all(|(a, b)| a == b)
    }
}

impl<P: Prime<N>, const N: usize> Add for Element<P, N> {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        let (mut sum, mut carry) = (self.limbs, false);
        for (sum, limb) in sum.iter_mut().zip(other.limbs) {
            (*sum, carry) = add_with(*sum, limb, carry);
        }
        Self::reduced(sum, carry)
    }
}

impl<P: Prime<N>, const N: usize> Sub for Element<P, N> {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        let (mut limbs, borrow) = difference(self.limbs, &other.limbs);
        let lacking = if borrow { P::LIMBS } else { [0; N] };
        let mut carry = false;
        for (limb, lacking) in limbs.iter_mut().zip(lacking) {
            (*limb, carry) = add_with(*limb, lacking, carry);
        }
        Self::new(limbs)
    }
}

impl<P: Prime<N>, const N: usize> Mul for Element<P, N> {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        self.times_plus_over_r(other, Self::ZERO)
    }
}

impl<P: Prime<N>, const N: usize> Field for Element<P, N> {
    type Limbs = [u64; N];

    const ZERO: Self = Self::new([0; N]);
    const ONE: Self = Self::new(Self::R);
    const PRIME: &'static [u64] = &P::LIMBS;
    const BITS: u32 = match P::LIMBS.as_slice() {
        [.., highest] => 64 * N as u32 - highest.leading_zeros(),
        [] => 0,
    };

    /// A row for each limb of the other factor, and a step of the reduction after each (Ç. Koç, T. Acar and
    /// B. Kaliski, "Analyzing and Comparing Montgomery Multiplication Algorithms", 1996: CIOS). With t below 2p before
    /// it, and a below p, (t + a (2^64 - 1) + (2^64 - 1) p) / 2^64 is below 2p again: one bit above the limbs will do.
    #[inline]
    fn times_plus_over_r(self, other: Self, addend: Self) -> Self {
        let (mut t, mut high_bit) = (addend.limbs, false);
        for digit in other.limbs {
            let mut carry = 0;
            for (t, limb) in t.iter_mut().zip(self.limbs) {
                (*t, carry) = multiply_add(limb, digit, *t, carry);
            }
            let (high, first) = carry.overflowing_add(u64::from(high_bit));
            let (mut shifted, carry) = Self::without_lowest(t);
            let (high, second) = high.overflowing_add(carry);
            if let Some(limb) = shifted.last_mut() {
                *limb = high;
            }
            (t, high_bit) = (shifted, first | second);
        }
        Self::reduced(t, high_bit)
    }

    #[inline]
    fn square(self) -> Self {
        // What is saved below is lost again where the loops are too long to be unrolled.
        if N > 6 {
            return self * self;
        }
        let mut product = [[0; N]; 2];
        for (place, &limb) in self.limbs.iter().enumerate() {
            // Products of two different limbs, of which there will be two each.
            let mut carry = 0;
            let mut sums = product.as_flattened_mut().iter_mut().skip(2 * place + 1);
            for (&other, sum) in self.limbs.iter().skip(place + 1).zip(sums.by_ref()) {
                (*sum, carry) = multiply_add(limb, other, *sum, carry);
            }
            if let Some(sum) = sums.next() {
                *sum = carry;
            }
        }
        let mut highest_bit = 0;
        for limb in product.as_flattened_mut() {
            (*limb, highest_bit) = (*limb << 1 | highest_bit, *limb >> 63);
        }
        let mut carry = false;
        for (pair, limb) in product.as_flattened_mut().chunks_exact_mut(2).zip(self.limbs) {
            let square = u128::from(limb) * u128::from(limb);
            if let [low, high] = pair {
                (*low, carry) = add_with(*low, square as u64, carry);
                (*high, carry) = add_with(*high, (square >> 64) as u64, carry);
            }
        }
        let [lower, upper] = product;
        Self::montgomery_reduced(lower, upper)
    }

    fn invert(self) -> Option<Self> {
        let inverse = inverse::inverse(self.over_r().limbs, &P::LIMBS, Self::NEGATIVE_INVERSE)?;
        Some(Self::new(inverse).times_r())
    }

    #[inline]
    fn to_limbs(self) -> [u64; N] {
        self.over_r().limbs
    }

    #[inline]
    fn from_limbs(limbs: &[u64]) -> Option<Self> {
        Self::below_prime(limbs.try_into().ok()?).map(Self::times_r)
    }

    #[inline]
    fn from_be_bytes_over_r(octets: &[u8]) -> Option<Self> {
        Self::below_prime(limbs_of(octets)?)
    }

    fn reduced_from_be_bytes(octets: &[u8]) -> Self {
        let limbs = limbs_of(octets.get(..Self::OCTETS).unwrap_or(octets)).unwrap_or([0; N]);
        // The second factor of a multiplication may be any number of N limbs.
        Self::new(Self::R_SQUARED) * Self::new(limbs)
    }

    #[inline]
    fn over_r(self) -> Self {
        Self::montgomery_reduced(self.limbs, [0; N])
    }

    #[inline]
    fn times_r(self) -> Self {
        self * Self::new(Self::R_SQUARED)
    }
}

#[cfg(test)]
mod tests;
