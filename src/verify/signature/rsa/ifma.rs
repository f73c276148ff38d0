//! RSA's public operation with AVX-512's multiplication of 52-bit integers (IFMA).
//!
//! Montgomery's multiplication of a whole row: a number lies in vectors of eight limbs of 52 bits each, and
//! one instruction multiplies a limb of one number with eight of the other and adds the products up. Limbs
//! have 64 bits to grow in, and are brought back to 52 at the end of a multiplication (S. Gueron and
//! V. Krasnov, "Software Implementation of Modular Exponentiation, Using Advanced Vector Instructions
//! Architectures", 2012).
//!
//! All numbers are public, and it takes as long as they want.

#![allow(unsafe_code, reason = "one call of a function for a CPU with certain instructions")]

use std::arch::x86_64::{
    __m512i, _mm_cvtsi128_si64, _mm256_extract_epi64, _mm512_add_epi64, _mm512_alignr_epi64,
    _mm512_castsi512_si128, _mm512_extracti64x4_epi64, _mm512_madd52hi_epu64,
    _mm512_madd52lo_epu64, _mm512_maskz_set1_epi64, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_setzero_si512,
};
use std::cmp::Ordering;

use crate::verify::signature::field::negative_inverse;

const LIMB_BITS: usize = 52;
const LIMB: u64 = (1 << LIMB_BITS) - 1;

/// A number in V times 8 limbs of 52 bits, the lowest first.
type Number<const V: usize> = [[u64; 8]; V];

/// Proof that the CPU has the instructions.
#[derive(Clone, Copy)]
struct Ifma(());

impl Ifma {
    /// `None` on a CPU without them.
    fn new() -> Option<Self> {
        let has_them =
            is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        has_them.then_some(Self(()))
    }

    /// [`product`].
    fn product<const V: usize>(
        self,
        a: &Number<V>,
        b: &Number<V>,
        modulus: &Number<V>,
        negative_inverse: u64,
    ) -> Number<V> {
        // SAFETY: `Self` exists only where the CPU has `avx512f` and `avx512ifma`. The function reads and writes no
        // memory but its arguments.
        unsafe { product(a, b, modulus, negative_inverse) }
    }
}

/// A modulus, its exponent, and what Montgomery's multiplication needs of them. R is 2^(416 V), and more than four
/// times the modulus, so that factors below twice the modulus give a product below twice the modulus.
struct Montgomery<const V: usize> {
    ifma: Ifma,
    modulus: Number<V>,
    /// -1/modulus modulo 2^52.
    negative_inverse: u64,
    /// R^2 modulo the modulus.
    r_squared: Number<V>,
    exponent: u64,
}

/// An RSA public key of up to 4096 bits, on a CPU that has the instructions.
pub(super) struct RsaKey(Size);

enum Size {
    Small(Box<Montgomery<5>>),
    Medium(Box<Montgomery<8>>),
    Large(Box<Montgomery<10>>),
}

impl RsaKey {
    /// From the big-endian octets of an odd modulus, and an odd exponent. `None` if the CPU lacks the
    /// instructions, or the modulus is longer than 4096 bits.
    pub(super) fn new(modulus: &[u8], exponent: u64) -> Option<Self> {
        let ifma = Ifma::new()?;
        let size = match modulus.len() {
            ..=256 => Size::Small(Box::new(Montgomery::new(ifma, modulus, exponent)?)),
            257..=384 => Size::Medium(Box::new(Montgomery::new(ifma, modulus, exponent)?)),
            385..=512 => Size::Large(Box::new(Montgomery::new(ifma, modulus, exponent)?)),
            _ => return None,
        };
        Some(Self(size))
    }

    /// RSAVP1 (RFC 8017 section 5.2.2): whether the message that a signature, as long as the modulus, stands
    /// for is the one given, as long as the modulus too.
    pub(super) fn stands_for(&self, signature: &[u8], message: &[u8]) -> bool {
        match &self.0 {
            Size::Small(key) => key.stands_for(signature, message),
            Size::Medium(key) => key.stands_for(signature, message),
            Size::Large(key) => key.stands_for(signature, message),
        }
    }
}

impl<const V: usize> Montgomery<V> {
    const BITS: usize = LIMB_BITS * 8 * V;

    fn new(ifma: Ifma, modulus: &[u8], exponent: u64) -> Option<Self> {
        let modulus: Number<V> = from_be_bytes(modulus)?;
        let [[lowest, ..], ..] = modulus.as_slice() else {
            return None;
        };
        let negative_inverse = negative_inverse(*lowest) & LIMB;
        let mut key = Self { ifma, modulus, negative_inverse, r_squared: [[0; 8]; V], exponent };
        // R modulo the modulus, doubled up from its highest bit: that power of two is below an odd modulus.
        let mut power = [[0; 8]; V];
        let limbs = power.as_flattened_mut().iter_mut().zip(modulus.as_flattened()).enumerate();
        let highest = limbs.rev().find(|(_, (_, of_modulus))| **of_modulus != 0);
        let (place, (limb, of_modulus)) = highest?;
        *limb = 1 << of_modulus.ilog2();
        for _ in LIMB_BITS * place + of_modulus.ilog2() as usize..Self::BITS {
            power = key.doubled(&power);
        }
        // Montgomery's form of 2^i is 2^i R. For i = 416 V it is R^2.
        let mut form = key.doubled(&power);
        for bit in (0..Self::BITS.ilog2()).rev() {
            form = key.reduced(key.product(&form, &form));
            if Self::BITS >> bit & 1 == 1 {
                form = key.doubled(&form);
            }
        }
        key.r_squared = form;
        Some(key)
    }

    /// Twice a number below the modulus, modulo the modulus.
    fn doubled(&self, number: &Number<V>) -> Number<V> {
        let mut doubled = *number;
        let mut carry = 0;
        for limb in doubled.as_flattened_mut() {
            let sum = (*limb << 1) + carry;
            carry = sum >> LIMB_BITS;
            *limb = sum & LIMB;
        }
        self.reduced(doubled)
    }

    /// A number below twice the modulus, modulo the modulus.
    fn reduced(&self, mut number: Number<V>) -> Number<V> {
        if is_below(&number, &self.modulus) {
            return number;
        }
        let mut borrow = 0;
        for (limb, of_modulus) in
            number.as_flattened_mut().iter_mut().zip(self.modulus.as_flattened())
        {
            let difference = limb.wrapping_sub(*of_modulus).wrapping_sub(borrow);
            borrow = difference >> 63;
            *limb = difference & LIMB;
        }
        number
    }

    /// a b / R modulo the modulus, below twice the modulus if a and b are.
    fn product(&self, a: &Number<V>, b: &Number<V>) -> Number<V> {
        self.ifma.product(a, b, &self.modulus, self.negative_inverse)
    }

    fn stands_for(&self, signature: &[u8], message: &[u8]) -> bool {
        let numbers = (from_be_bytes(signature), from_be_bytes(message));
        let (Some(signature), Some(message)) = numbers else {
            return false;
        };
        is_below(&signature, &self.modulus) && self.power(&signature) == message
    }

    /// A number below the modulus to the power of the exponent, modulo the modulus.
    fn power(&self, base: &Number<V>) -> Number<V> {
        let form = self.product(base, &self.r_squared);
        let mut power = form;
        for bit in (1..self.exponent.ilog2()).rev() {
            power = self.product(&power, &power);
            if self.exponent >> bit & 1 == 1 {
                power = self.product(&power, &form);
            }
        }
        // The exponent is odd, and a factor that is not in Montgomery's form takes the product out of it.
        power = self.product(&power, &power);
        self.reduced(self.product(&power, base))
    }
}

fn is_below<const V: usize>(a: &Number<V>, b: &Number<V>) -> bool {
    a.as_flattened().iter().rev().cmp(b.as_flattened().iter().rev()) == Ordering::Less
}

/// `None` if the octets are too many.
fn from_be_bytes<const V: usize>(octets: &[u8]) -> Option<Number<V>> {
    let mut number = [[0; 8]; V];
    let mut limbs = number.as_flattened_mut().iter_mut();
    let (mut bits, mut count) = (0_u64, 0);
    for octet in octets.iter().rev() {
        let over = (count + 8_usize).saturating_sub(LIMB_BITS);
        bits |= u64::from(*octet) << count;
        count += 8;
        if count >= LIMB_BITS {
            *limbs.next()? = bits & LIMB;
            bits = u64::from(*octet) >> (8 - over);
            count = over;
        }
    }
    if bits != 0 {
        *limbs.next()? = bits;
    }
    Some(number)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn vector(limbs: &[u64; 8]) -> __m512i {
    let [a, b, c, d, e, f, g, h] = limbs.map(u64::cast_signed);
    _mm512_set_epi64(h, g, f, e, d, c, b, a)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn limbs(vector: __m512i) -> [u64; 8] {
    let low = _mm512_extracti64x4_epi64::<0>(vector);
    let high = _mm512_extracti64x4_epi64::<1>(vector);
    [
        _mm256_extract_epi64::<0>(low),
        _mm256_extract_epi64::<1>(low),
        _mm256_extract_epi64::<2>(low),
        _mm256_extract_epi64::<3>(low),
        _mm256_extract_epi64::<0>(high),
        _mm256_extract_epi64::<1>(high),
        _mm256_extract_epi64::<2>(high),
        _mm256_extract_epi64::<3>(high),
    ]
    .map(i64::cast_unsigned)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn lowest<const V: usize>(number: &[__m512i; V]) -> u64 {
    number
        .first()
        .map_or(0, |vector| _mm_cvtsi128_si64(_mm512_castsi512_si128(*vector)).cast_unsigned())
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn product<const V: usize>(
    a: &Number<V>,
    b: &Number<V>,
    modulus: &Number<V>,
    negative_inverse: u64,
) -> Number<V> {
    let zero = _mm512_setzero_si512();
    let (mut a_vectors, mut modulus_vectors, mut sum) = ([zero; V], [zero; V], [zero; V]);
    for (vector_of, limbs) in a_vectors.iter_mut().zip(a) {
        *vector_of = vector(limbs);
    }
    for (vector_of, limbs) in modulus_vectors.iter_mut().zip(modulus) {
        *vector_of = vector(limbs);
    }
    for limb in b.as_flattened() {
        let b = _mm512_set1_epi64(limb.cast_signed());
        for (sum, a) in sum.iter_mut().zip(a_vectors) {
            *sum = _mm512_madd52lo_epu64(*sum, a, b);
        }
        // So many times the modulus makes the lowest limb zero.
        let times = lowest(&sum).wrapping_mul(negative_inverse) & LIMB;
        let times = _mm512_set1_epi64(times.cast_signed());
        for (sum, modulus) in sum.iter_mut().zip(modulus_vectors) {
            *sum = _mm512_madd52lo_epu64(*sum, modulus, times);
        }
        // Which is then dropped, but for what it had above its 52 bits.
        let carry = _mm512_maskz_set1_epi64(1, (lowest(&sum) >> LIMB_BITS).cast_signed());
        let mut above = zero;
        for sum in sum.iter_mut().rev() {
            let vector = *sum;
            *sum = _mm512_alignr_epi64::<1>(above, vector);
            above = vector;
        }
        if let Some(first) = sum.first_mut() {
            *first = _mm512_add_epi64(*first, carry);
        }
        for ((sum, a), modulus) in sum.iter_mut().zip(a_vectors).zip(modulus_vectors) {
            *sum = _mm512_madd52hi_epu64(*sum, a, b);
            *sum = _mm512_madd52hi_epu64(*sum, modulus, times);
        }
    }
    // A limb took up four products of 52 bits in each of 8 V steps, and has not outgrown 64 bits.
    let mut number = sum.map(|vector| limbs(vector));
    let mut carry = 0;
    for limb in number.as_flattened_mut() {
        let sum = *limb + carry;
        carry = sum >> LIMB_BITS;
        *limb = sum & LIMB;
    }
    number
}

#[cfg(test)]
mod tests;
