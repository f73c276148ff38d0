//! Points on P-256, P-384 and P-521, and sums of their multiples.
//!
//! All that is computed here is public: keys, signatures and messages. How long it takes depends on the numbers: it
//! is for nothing that is secret.

mod interleaved;
mod table;

use std::fmt;
use std::sync::OnceLock;

use super::field::{self, Field};
pub(super) use interleaved::sum_of_multiples;
use interleaved::{GENERATOR_NAF_WIDTH, odd_multiples};
pub(crate) use table::Table;

/// A curve y^2 = x^3 - 3x + b of prime order.
pub(crate) trait Curve: Sized + fmt::Debug + 'static {
    /// What coordinates are.
    type Field: Field;
    /// Numbers modulo the order, with as many limbs as coordinates have.
    type Scalar: Field;

    /// The generator's x and y, the lowest limb first.
    const GENERATOR: [&'static [u64]; 2];
    /// Bits of a digit of the generator's table. It is made once for a process.
    const GENERATOR_WIDTH: u32;
    /// Bits of a digit of a key's table.
    const KEY_WIDTH: u32;

    fn constants() -> &'static Constants<Self>;
}

/// What is computed once for a process and curve.
pub(crate) struct Constants<C: Curve> {
    equation: OnceLock<Equation<C::Field>>,
    generator: OnceLock<Table<C::Field>>,
    odd_multiples_of_generator: OnceLock<Vec<Point<C::Field>>>,
}

impl<C: Curve> Constants<C> {
    const fn new() -> Self {
        Self {
            equation: OnceLock::new(),
            generator: OnceLock::new(),
            odd_multiples_of_generator: OnceLock::new(),
        }
    }

    fn equation(&self) -> &Equation<C::Field> {
        self.equation.get_or_init(|| Equation::of(Point::generator::<C>()))
    }

    /// Whoever verifies with a key's table has made it before.
    pub(super) fn generator(&self) -> &Table<C::Field> {
        self.generator.get_or_init(|| {
            Table::new(Point::generator::<C>(), C::Scalar::BITS, C::GENERATOR_WIDTH)
        })
    }

    /// For a key without a table.
    fn odd_multiples_of_generator(&self) -> &[Point<C::Field>] {
        self.odd_multiples_of_generator
            .get_or_init(|| odd_multiples(Point::generator::<C>(), GENERATOR_NAF_WIDTH))
    }
}

macro_rules! curves {
    ($($(#[$doc:meta])* $name:ident, $scalar:ident, $generator_width:literal, $key_width:literal,
       [$([$($limb:literal),*]),*];)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $name {}

        impl Curve for $name {
            type Field = field::$name;
            type Scalar = field::$scalar;

            const GENERATOR: [&'static [u64]; 2] = [$(&[$($limb),*]),*];
            const GENERATOR_WIDTH: u32 = $generator_width;
            const KEY_WIDTH: u32 = $key_width;

            fn constants() -> &'static Constants<Self> {
                static CONSTANTS: Constants<$name> = Constants::new();
                &CONSTANTS
            }
        }
    )*};
}

curves! {
    /// SEC 2 section 2.4.2.
    P256, P256Scalar, 10, 8, [
        [0xf4a1_3945_d898_c296, 0x7703_7d81_2deb_33a0, 0xf8bc_e6e5_63a4_40f2, 0x6b17_d1f2_e12c_4247],
        [0xcbb6_4068_37bf_51f5, 0x2bce_3357_6b31_5ece, 0x8ee7_eb4a_7c0f_9e16, 0x4fe3_42e2_fe1a_7f9b]
    ];
    /// SEC 2 section 2.5.1.
    P384, P384Scalar, 7, 7, [
        [
            0x3a54_5e38_7276_0ab7, 0x5502_f25d_bf55_296c, 0x59f7_41e0_8254_2a38,
            0x6e1d_3b62_8ba7_9b98, 0x8eb1_c71e_f320_ad74, 0xaa87_ca22_be8b_0537
        ],
        [
            0x7a43_1d7c_90ea_0e5f, 0x0a60_b1ce_1d7e_819d, 0xe9da_3113_b5f0_b8c0,
            0xf8f4_1dbd_289a_147c, 0x5d9e_98bf_9292_dc29, 0x3617_de4a_9626_2c6f
        ]
    ];
    /// SEC 2 section 2.6.1.
    P521, P521Scalar, 6, 6, [
        [
            0xf97e_7e31_c2e5_bd66, 0x3348_b3c1_856a_429b, 0xfe1d_c127_a2ff_a8de,
            0xa14b_5e77_efe7_5928, 0xf828_af60_6b4d_3dba, 0x9c64_8139_053f_b521,
            0x9e3e_cb66_2395_b442, 0x858e_06b7_0404_e9cd, 0x0000_0000_0000_00c6
        ],
        [
            0x88be_9476_9fd1_6650, 0x353c_7086_a272_c240, 0xc550_b901_3fad_0761,
            0x97ee_7299_5ef4_2640, 0x17af_bd17_273e_662c, 0x98f5_4449_579b_4468,
            0x5c8a_5fb4_2c7d_1bd9, 0x3929_6a78_9a3b_c004, 0x0000_0000_0000_0118
        ]
    ];
}

/// A point other than the one at infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point<F> {
    x: F,
    y: F,
}

impl<F: Field> Point<F> {
    fn generator<C: Curve<Field = F>>() -> Self {
        // Its coordinates are below p. If they were not, no key would lie on this curve.
        let [x, y] = C::GENERATOR.map(|limbs| F::from_limbs(limbs).unwrap_or(F::ZERO));
        Self { x, y }
    }

    /// The point, or its mirror image.
    #[inline]
    fn mirrored_if(self, is_negative: bool) -> Self {
        match is_negative {
            true => Self { x: self.x, y: F::ZERO - self.y },
            false => self,
        }
    }

    /// The b of the curve y^2 = x^3 - 3x + b that the point lies on.
    fn b(&self) -> F {
        let three = F::ONE + F::ONE + F::ONE;
        self.y.square() - self.x * (self.x.square() - three)
    }
}

/// y^2 = x^3 - 3x + b in X = x/R and Y = y/R, after a division by R^3: X (X^2 - 3/R^2) - Y^2/R = -b/R^3.
struct Equation<F> {
    three_over_r2: F,
    minus_b_over_r3: F,
}

impl<F: Field> Equation<F> {
    /// The one that a point fulfils.
    fn of(point: Point<F>) -> Self {
        let three = F::ONE + F::ONE + F::ONE;
        Self {
            three_over_r2: three.over_r().over_r(),
            minus_b_over_r3: (F::ZERO - point.b()).over_r().over_r().over_r(),
        }
    }

    fn holds_for(&self, x_over_r: F, y_over_r: F) -> bool {
        let (x2, y2) = (x_over_r.square(), y_over_r.square());
        let rest = x_over_r.times_plus_over_r(x2 - self.three_over_r2, F::ZERO - y2);
        rest == self.minus_b_over_r3
    }
}

/// A point that was found to lie on its curve. Most keys are only asked that, and so its coordinates are
/// kept as it takes the least work to find out: divided by R.
#[derive(Clone, Copy, Debug)]
pub(super) struct PointOnCurve<F> {
    x_over_r: F,
    y_over_r: F,
}

impl<F: Field> PointOnCurve<F> {
    /// A point in the uncompressed form (SEC 1 section 2.3.4); `None` if it does not lie on the curve.
    #[inline]
    pub(super) fn from_sec1<C: Curve<Field = F>>(octets: &[u8]) -> Option<Self> {
        let coordinates = octets.strip_prefix(&[0x04])?;
        let (x, y) = coordinates.split_at_checked(F::OCTETS)?;
        if y.len() != F::OCTETS {
            return None;
        }
        let (x_over_r, y_over_r) = (F::from_be_bytes_over_r(x)?, F::from_be_bytes_over_r(y)?);
        let lies_on_it = C::constants().equation().holds_for(x_over_r, y_over_r);
        lies_on_it.then_some(Self { x_over_r, y_over_r })
    }
}

impl<F: Field> From<PointOnCurve<F>> for Point<F> {
    fn from(point: PointOnCurve<F>) -> Self {
        Self { x: point.x_over_r.times_r(), y: point.y_over_r.times_r() }
    }
}

/// A sum of points, in Jacobian coordinates: (X/Z^2, Y/Z^3), and Z = 0 for the point at infinity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum<F> {
    x: F,
    y: F,
    z: F,
}

impl<F: Field> From<Point<F>> for Sum<F> {
    fn from(Point { x, y }: Point<F>) -> Self {
        Self { x, y, z: F::ONE }
    }
}

impl<F: Field> Sum<F> {
    pub(super) const INFINITY: Self = Self { x: F::ONE, y: F::ONE, z: F::ZERO };

    /// The affine addition with its divisions put off (the Explicit-Formulas Database has it as `madd`, 8M + 3S), and
    /// the cases that it leaves out.
    fn add(self, point: Point<F>) -> Self {
        if self.z.is_zero() {
            return point.into();
        }
        let zz = self.z.square();
        let h = point.x * zz - self.x;
        let r = point.y * (self.z * zz) - self.y;
        if h.is_zero() {
            return match r.is_zero() {
                true => Self::from(point).double(),
                false => Self::INFINITY,
            };
        }
        let hh = h.square();
        let hhh = h * hh;
        let v = self.x * hh;
        let x = r.square() - hhh - v - v;
        let y = r * (v - x) - self.y * hhh;
        Self { x, y, z: self.z * h }
    }

    /// The doubling for a = -3 (4M + 4S). It holds for the point at infinity too; a point with y = 0 would
    /// have order 2, and the orders are odd primes.
    fn double(self) -> Self {
        let zz = self.z.square();
        let yy = self.y.square();
        let yy2 = yy + yy;
        let v = self.x * (yy2 + yy2);
        let m = (self.x - zz) * (self.x + zz);
        let m = m + m + m;
        let x = m.square() - v - v;
        let yyyy4 = yy2.square();
        let y = m * (v - x) - yyyy4 - yyyy4;
        let yz = self.y * self.z;
        Self { x, y, z: yz + yz }
    }

    /// The points that the sums are, of which none may be at infinity.
    fn to_points(sums: &[Self]) -> Vec<Point<F>> {
        let mut inverses: Vec<F> = sums.iter().map(|sum| sum.z).collect();
        invert_all(&mut inverses);
        let point = |(sum, inverse): (&Self, F)| {
            let square = inverse.square();
            Point { x: sum.x * square, y: sum.y * (square * inverse) }
        };
        sums.iter().zip(inverses).map(point).collect()
    }

    /// Whether the x coordinate is `r` modulo the order n: the last step of ECDSA's verification (SEC 1 section
    /// 4.1.4). There are two such numbers below p at most, r and r + n, because n < p < 2n. x = X/Z^2 is compared as
    /// x Z^2 = X, without an inversion.
    pub(super) fn has_x_modulo_order<C: Curve<Field = F>>(&self, r: C::Scalar) -> bool {
        let r = r.to_limbs();
        let zz = self.z.square();
        let has_x = |x: F| x * zz == self.x;
        let Some(x) = F::from_limbs(r.as_ref()).filter(|_| !self.z.is_zero()) else {
            return false;
        };
        has_x(x) || x_above_order::<C>(r.as_ref()).is_some_and(has_x)
    }
}

/// r + n, where it is below p: where r is below p - n.
fn x_above_order<C: Curve>(r: &[u64]) -> Option<C::Field> {
    let order = C::Field::from_limbs(C::Scalar::PRIME)?;
    let first_without = (C::Field::ZERO - order).to_limbs();
    let is_below_p = r.iter().rev().lt(first_without.as_ref().iter().rev());
    C::Field::from_limbs(r).filter(|_| is_below_p).map(|x| x + order)
}

/// Replaces each element by its inverse, with one inversion for all (Montgomery's trick). None may be zero.
fn invert_all<F: Field>(elements: &mut [F]) {
    let mut product = F::ONE;
    let below: Vec<F> = elements
        .iter()
        .map(|&element| {
            let below = product;
            product = product * element;
            below
        })
        .collect();
    let mut inverse = product.invert().unwrap_or(F::ZERO);
    for (element, below) in elements.iter_mut().zip(below).rev() {
        let own = inverse * below;
        inverse = inverse * *element;
        *element = own;
    }
}

/// `count` bits of a number, from one of them on; above its limbs are zeros.
fn bits(limbs: &[u64], from: u32, count: u32) -> u64 {
    let mut limbs = limbs.iter().skip((from / 64) as usize);
    let mut next = || limbs.next().copied().unwrap_or(0);
    let (lower, upper) = (next(), next());
    let both = u128::from(upper) << 64 | u128::from(lower);
    (both >> (from % 64)) as u64 & ((1 << count) - 1)
}

/// A number modulo the order as a sign and a number of at most half the order.
fn halved<S: Field>(scalar: S) -> (bool, S::Limbs) {
    let (limbs, of_mirrored) = (scalar.to_limbs(), (S::ZERO - scalar).to_limbs());
    match of_mirrored.as_ref().iter().rev().lt(limbs.as_ref().iter().rev()) {
        true => (true, of_mirrored),
        false => (false, limbs),
    }
}

#[cfg(test)]
mod tests;
