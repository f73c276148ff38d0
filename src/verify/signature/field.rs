//! The prime fields of P-256, P-384 and P-521.
//!
//! The arithmetic is fiat-crypto's, which is generated together with a machine-checked proof that it
//! computes what it should for every input. What is written here only names its operations.

use std::fmt;
use std::ops::{Add, Mul, Sub};

use fiat_crypto::{p256_64, p384_64, p521_64};

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
    const ZERO: Self;
    const ONE: Self;
    /// The largest element, p - 1, in big-endian octets.
    const LARGEST: &'static [u8];

    fn square(self) -> Self;

    /// From as many big-endian octets as [`Self::LARGEST`] has; `None` if they are of another number, or
    /// make a value that is not below p.
    fn from_be_bytes(octets: &[u8]) -> Option<Self> {
        Self::from_be_bytes_over_r(octets).map(Self::times_r)
    }

    /// The same, divided by R. R is what Montgomery's form multiplies a number by, so that a number as it
    /// is stands for that much less of itself: that takes no multiplication. In a field that is not kept in
    /// Montgomery's form R is 1.
    fn from_be_bytes_over_r(octets: &[u8]) -> Option<Self>;

    /// self / R, for less than a multiplication.
    fn over_r(self) -> Self;

    /// self * R.
    fn times_r(self) -> Self;

    fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// 1 / self, and zero for zero: self to the power of p - 2 (Fermat). It is slow, and called a few times
    /// for a table.
    fn invert(self) -> Self {
        let mut power = Self::ONE;
        for (place, octet) in Self::LARGEST.iter().enumerate() {
            // p - 2 is one less than the largest element, whose last octet is never zero.
            let is_last = place + 1 == Self::LARGEST.len();
            let exponent = octet.wrapping_sub(u8::from(is_last));
            for bit in (0..8).rev() {
                power = power.square();
                if exponent >> bit & 1 == 1 {
                    power = power * self;
                }
            }
        }
        power
    }
}

/// The octets in the other order.
const fn reversed<const N: usize>(octets: [u8; N]) -> [u8; N] {
    let (mut reversed, mut rest, mut place) = ([0; N], octets.as_slice(), N);
    while let [first, others @ ..] = rest {
        place -= 1;
        if let (_, [last, ..]) = reversed.split_at_mut(place) {
            *last = *first;
        }
        rest = others;
    }
    reversed
}

/// Limbs of big-endian octets, the least significant first, if they make a value that is not above the largest.
#[inline]
fn limbs<const N: usize>(octets: &[u8], largest: &[u64; N]) -> Option<[u64; N]> {
    let (limbs, []) = octets.as_chunks::<8>() else {
        return None;
    };
    let mut limbs = <[[u8; 8]; N]>::try_from(limbs).ok()?.map(u64::from_be_bytes);
    limbs.reverse();
    limbs.iter().rev().le(largest.iter().rev()).then_some(limbs)
}

macro_rules! montgomery_field {
    ($(#[$doc:meta])* $name:ident, $limbs:literal limbs, $octets:literal octets, $module:ident, $element:ident, $plain:ident,
     $one:ident, $add:ident, $sub:ident, $mul:ident, $square:ident, $to_bytes:ident, $to_montgomery:ident,
     $from_montgomery:ident) => {
        $(#[$doc])*
        ///
        /// In Montgomery form; fiat-crypto keeps it below p, so that equal elements are equal limbs.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name([u64; $limbs]);

        impl PartialEq for $name {
            /// The limbs have just been computed: comparing them as one piece would wait for memory.
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.0.iter().zip(&other.0).all(|(a, b)| a == b)
            }
        }

        impl $name {
            /// Limbs of [`Field::LARGEST`], the least significant first.
            const LARGEST_LIMBS: [u64; $limbs] = {
                let mut largest = $module::$element([0; $limbs]);
                $module::$sub(
                    &mut largest,
                    &$module::$element([0; $limbs]),
                    &$module::$element(Self::ONE.0),
                );
                let mut plain = $module::$plain([0; $limbs]);
                $module::$from_montgomery(&mut plain, &largest);
                plain.0
            };
            const LARGEST: [u8; $octets] = {
                let mut octets = [0; $octets];
                $module::$to_bytes(&mut octets, &Self::LARGEST_LIMBS);
                reversed(octets)
            };
        }

        impl Field for $name {
            const ZERO: Self = Self([0; $limbs]);
            const ONE: Self = {
                let mut one = $module::$element([0; $limbs]);
                $module::$one(&mut one);
                Self(one.0)
            };
            const LARGEST: &'static [u8] = &Self::LARGEST;

            #[inline]
            fn square(self) -> Self {
                let mut out = $module::$element([0; $limbs]);
                $module::$square(&mut out, &$module::$element(self.0));
                Self(out.0)
            }

            #[inline]
            fn from_be_bytes_over_r(octets: &[u8]) -> Option<Self> {
                limbs(octets, &Self::LARGEST_LIMBS).map(Self)
            }

            #[inline]
            fn over_r(self) -> Self {
                let mut plain = $module::$plain([0; $limbs]);
                $module::$from_montgomery(&mut plain, &$module::$element(self.0));
                Self(plain.0)
            }

            #[inline]
            fn times_r(self) -> Self {
                let mut out = $module::$element([0; $limbs]);
                $module::$to_montgomery(&mut out, &$module::$plain(self.0));
                Self(out.0)
            }
        }

        montgomery_field!(@operator $name, $limbs, $module, $element, Add, add, $add);
        montgomery_field!(@operator $name, $limbs, $module, $element, Sub, sub, $sub);
        montgomery_field!(@operator $name, $limbs, $module, $element, Mul, mul, $mul);
    };
    (@operator $name:ident, $limbs:literal, $module:ident, $element:ident, $trait:ident, $method:ident, $function:ident) => {
        impl $trait for $name {
            type Output = Self;

            #[inline]
            fn $method(self, other: Self) -> Self {
                let mut out = $module::$element([0; $limbs]);
                $module::$function(&mut out, &$module::$element(self.0), &$module::$element(other.0));
                Self(out.0)
            }
        }
    };
}

montgomery_field! {
    /// The field of P-256.
    P256, 4 limbs, 32 octets, p256_64,
    fiat_p256_montgomery_domain_field_element, fiat_p256_non_montgomery_domain_field_element,
    fiat_p256_set_one, fiat_p256_add, fiat_p256_sub, fiat_p256_mul, fiat_p256_square,
    fiat_p256_to_bytes, fiat_p256_to_montgomery, fiat_p256_from_montgomery
}

montgomery_field! {
    /// The field of P-384.
    P384, 6 limbs, 48 octets, p384_64,
    fiat_p384_montgomery_domain_field_element, fiat_p384_non_montgomery_domain_field_element,
    fiat_p384_set_one, fiat_p384_add, fiat_p384_sub, fiat_p384_mul, fiat_p384_square,
    fiat_p384_to_bytes, fiat_p384_to_montgomery, fiat_p384_from_montgomery
}

/// The field of P-521.
///
/// Limbs of 58 bits and a last one of 57 that may be a little longer ("tight"); an element has more than one
/// such form, so that elements are compared by their octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct P521([u64; 9]);

impl P521 {
    const LARGEST: [u8; 66] = reversed(Self::ZERO.minus(Self::ONE).to_le_bytes());

    const fn carried(loose: &p521_64::fiat_p521_loose_field_element) -> Self {
        let mut out = p521_64::fiat_p521_tight_field_element([0; 9]);
        p521_64::fiat_p521_carry(&mut out, loose);
        Self(out.0)
    }

    const fn tight(self) -> p521_64::fiat_p521_tight_field_element {
        p521_64::fiat_p521_tight_field_element(self.0)
    }

    const fn relaxed(self) -> p521_64::fiat_p521_loose_field_element {
        let mut out = p521_64::fiat_p521_loose_field_element([0; 9]);
        p521_64::fiat_p521_relax(&mut out, &self.tight());
        out
    }

    const fn minus(self, other: Self) -> Self {
        let mut out = p521_64::fiat_p521_loose_field_element([0; 9]);
        p521_64::fiat_p521_sub(&mut out, &self.tight(), &other.tight());
        Self::carried(&out)
    }

    const fn to_le_bytes(self) -> [u8; 66] {
        let mut octets = [0; 66];
        p521_64::fiat_p521_to_bytes(&mut octets, &self.tight());
        octets
    }
}

impl Field for P521 {
    const ZERO: Self = Self([0; 9]);
    const ONE: Self = Self([1, 0, 0, 0, 0, 0, 0, 0, 0]);
    const LARGEST: &'static [u8] = &Self::LARGEST;

    #[inline]
    fn square(self) -> Self {
        let mut out = p521_64::fiat_p521_tight_field_element([0; 9]);
        p521_64::fiat_p521_carry_square(&mut out, &self.relaxed());
        Self(out.0)
    }

    fn from_be_bytes_over_r(octets: &[u8]) -> Option<Self> {
        let octets: [u8; 66] = octets.try_into().ok()?;
        if octets > Self::LARGEST {
            return None;
        }
        let mut out = p521_64::fiat_p521_tight_field_element([0; 9]);
        p521_64::fiat_p521_from_bytes(&mut out, &reversed(octets));
        Some(Self(out.0))
    }

    fn over_r(self) -> Self {
        self
    }

    fn times_r(self) -> Self {
        self
    }
}

impl PartialEq for P521 {
    fn eq(&self, other: &Self) -> bool {
        self.to_le_bytes() == other.to_le_bytes()
    }
}

impl Add for P521 {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        let mut out = p521_64::fiat_p521_loose_field_element([0; 9]);
        p521_64::fiat_p521_add(&mut out, &self.tight(), &other.tight());
        Self::carried(&out)
    }
}

impl Sub for P521 {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        self.minus(other)
    }
}

impl Mul for P521 {
    type Output = Self;

    #[inline]
    fn mul(self, other: Self) -> Self {
        let mut out = p521_64::fiat_p521_tight_field_element([0; 9]);
        p521_64::fiat_p521_carry_mul(&mut out, &self.relaxed(), &other.relaxed());
        Self(out.0)
    }
}
