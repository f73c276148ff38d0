//! Points on P-256, P-384 and P-521, and tables of their multiples.
//!
//! All that is computed here is public: keys, signatures and messages. It takes as long as the numbers
//! want, and is for nothing that is secret.

use std::sync::OnceLock;

use elliptic_curve::ops::{Invert, Reduce};
use elliptic_curve::scalar::IsHigh;
use elliptic_curve::sec1::{ModulusSize, Sec1Point, ToSec1Point};
use elliptic_curve::{CurveArithmetic, CurveGroup, FieldBytes, Group, PrimeField};
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;

use super::field::{self, Field};

/// A curve y^2 = x^3 - 3x + b of prime order over a [`Field`]. Numbers modulo the order are RustCrypto's.
pub(crate) trait Curve:
    elliptic_curve::Curve<FieldBytesSize: ModulusSize>
    + CurveArithmetic<
        AffinePoint: ToSec1Point<Self>,
        Scalar: PrimeField<Repr = FieldBytes<Self>> + Reduce<FieldBytes<Self>> + Invert + IsHigh,
    >
{
    type Field: Field;

    /// Bits of a digit of the generator's table. It is made once for a process.
    const GENERATOR_WIDTH: u32;
    /// Bits of a digit of a key's table.
    const KEY_WIDTH: u32;

    /// The table of the generator, and the curve's equation.
    fn constants() -> &'static Constants<Self>;
}

/// What is computed once for a process and curve.
pub(crate) struct Constants<C: Curve> {
    equation: OnceLock<Equation<C::Field>>,
    generator: OnceLock<Table<C::Field>>,
}

impl<C: Curve> Constants<C> {
    const fn new() -> Self {
        Self { equation: OnceLock::new(), generator: OnceLock::new() }
    }

    fn equation(&self) -> &Equation<C::Field> {
        self.equation.get_or_init(|| Equation::of(Point::generator::<C>()))
    }

    /// Whoever verifies with a key's table has made it before.
    pub(super) fn generator(&self) -> &Table<C::Field> {
        self.generator.get_or_init(|| {
            Table::new(&Point::generator::<C>(), C::Scalar::NUM_BITS, C::GENERATOR_WIDTH)
        })
    }
}

macro_rules! curve {
    ($name:ident, $field:ident, $generator_width:literal, $key_width:literal) => {
        impl Curve for $name {
            type Field = field::$field;

            const GENERATOR_WIDTH: u32 = $generator_width;
            const KEY_WIDTH: u32 = $key_width;

            fn constants() -> &'static Constants<Self> {
                static CONSTANTS: Constants<$name> = Constants::new();
                &CONSTANTS
            }
        }
    };
}

curve!(NistP256, P256, 10, 8);
curve!(NistP384, P384, 7, 7);
curve!(NistP521, P521, 6, 6);

/// A point other than the one at infinity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point<F> {
    x: F,
    y: F,
}

impl<F: Field> Point<F> {
    /// The generator (SEC 2 sections 2.4.2, 2.5.1 and 2.6.1).
    fn generator<C: Curve<Field = F>>() -> Self {
        let point = C::ProjectivePoint::generator().to_affine().to_sec1_point(false);
        // RustCrypto's generator has coordinates. If it had not, no key would lie on this curve.
        Self::coordinates::<C>(&point).unwrap_or(Self { x: F::ZERO, y: F::ZERO })
    }

    fn coordinates<C: Curve<Field = F>>(point: &Sec1Point<C>) -> Option<Self> {
        Some(Self { x: F::from_be_bytes(point.x()?)?, y: F::from_be_bytes(point.y()?)? })
    }

    /// The b of the curve y^2 = x^3 - 3x + b that the point lies on.
    fn b(&self) -> F {
        let three = F::ONE + F::ONE + F::ONE;
        self.y.square() - self.x * (self.x.square() - three)
    }
}

/// y^2 = x^3 - 3x + b in X = x/R and Y = y/R, after a division by R^3: Y^2/R = X (X^2 - 3/R^2) + b/R^3.
struct Equation<F> {
    three_over_r2: F,
    b_over_r3: F,
}

impl<F: Field> Equation<F> {
    /// The one that a point fulfils.
    fn of(point: Point<F>) -> Self {
        let three = F::ONE + F::ONE + F::ONE;
        Self {
            three_over_r2: three.over_r().over_r(),
            b_over_r3: point.b().over_r().over_r().over_r(),
        }
    }

    fn holds_for(&self, x_over_r: F, y_over_r: F) -> bool {
        // The two sides wait for nothing of each other, so they are computed side by side.
        let (x2, y2) = (x_over_r.square(), y_over_r.square());
        let (x3, y2) = (x_over_r * (x2 - self.three_over_r2), y2.over_r());
        y2 == x3 + self.b_over_r3
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
        let (x, y) = coordinates.split_at_checked(F::LARGEST.len())?;
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

/// A sum of points, as (X/ZZ, Y/ZZZ) with ZZ^3 = ZZZ^2; ZZ = 0 is the point at infinity. The formulas are
/// those of the Explicit-Formulas Database for `xyzz` coordinates: the cheapest to add affine points to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum<F> {
    x: F,
    y: F,
    zz: F,
    zzz: F,
}

impl<F: Field> From<Point<F>> for Sum<F> {
    fn from(Point { x, y }: Point<F>) -> Self {
        Self { x, y, zz: F::ONE, zzz: F::ONE }
    }
}

impl<F: Field> Sum<F> {
    pub(super) const INFINITY: Self = Self { x: F::ONE, y: F::ONE, zz: F::ZERO, zzz: F::ZERO };

    /// `madd-2008-s`, and the cases that it leaves out.
    fn add(self, point: Point<F>) -> Self {
        if self.zz.is_zero() {
            return point.into();
        }
        let p = point.x * self.zz - self.x;
        let r = point.y * self.zzz - self.y;
        if p.is_zero() {
            return match r.is_zero() {
                true => Self::from(point).double(),
                false => Self::INFINITY,
            };
        }
        let pp = p.square();
        let ppp = p * pp;
        let q = self.x * pp;
        let x = r.square() - ppp - q - q;
        let y = r * (q - x) - self.y * ppp;
        Self { x, y, zz: self.zz * pp, zzz: self.zzz * ppp }
    }

    /// `dbl-2008-s-1`, with a = -3. It holds for the point at infinity too; a point with y = 0 would
    /// have order 2, and the orders are odd primes.
    fn double(self) -> Self {
        let u = self.y + self.y;
        let v = u.square();
        let w = u * v;
        let s = self.x * v;
        let m = (self.x - self.zz) * (self.x + self.zz);
        let m = m + m + m;
        let x = m.square() - s - s;
        let y = m * (s - x) - w * self.y;
        Self { x, y, zz: v * self.zz, zzz: w * self.zzz }
    }

    /// Whether this is the x coordinate: x = X/ZZ is compared as x ZZ = X, without an inversion.
    fn has_x(&self, x: F) -> bool {
        !self.zz.is_zero() && x * self.zz == self.x
    }
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
    let mut inverse = product.invert();
    for (element, below) in elements.iter_mut().zip(below).rev() {
        let own = inverse * below;
        inverse = inverse * *element;
        *element = own;
    }
}

/// Multiples of a point: for the digit i of a number in base 2^width, and every value that such a digit has
/// between 1 and 2^(width - 1), the point times value times 2^(width i). A multiplication is then one addition
/// for each digit. Digits are signed, and a negative one is the mirrored point: half the values will do.
#[derive(Debug)]
pub(crate) struct Table<F> {
    width: u32,
    multiples: Vec<Point<F>>,
}

impl<F: Field> Table<F> {
    /// The table of a point of a curve whose order has so many bits.
    pub(super) fn new(point: &Point<F>, order_bits: u32, width: u32) -> Self {
        let bases = Self::bases(point, order_bits.div_ceil(width), width);
        // The multiples of all bases up to `known`, from which those up to twice as many are made.
        let half = 1_usize << (width - 1);
        let mut rows: Vec<Vec<Point<F>>> = bases.into_iter().map(|base| vec![base]).collect();
        let mut known = 1;
        while known < half {
            Self::grow(&mut rows);
            known *= 2;
        }
        Self { width, multiples: rows.concat() }
    }

    /// The point times 2^(width i), for every i below `count`.
    fn bases(point: &Point<F>, count: u32, width: u32) -> Vec<Point<F>> {
        let mut sum = Sum::from(*point);
        let mut sums = vec![sum];
        while (sums.len() as u32) < count {
            for _ in 0..width {
                sum = sum.double();
            }
            sums.push(sum);
        }
        let mut inverses: Vec<F> = sums.iter().map(|sum| sum.zzz).collect();
        invert_all(&mut inverses);
        let affine = |(sum, inverse): (&Sum<F>, F)| {
            // ZZ/ZZZ is 1/Z, and its square 1/ZZ.
            let reciprocal = sum.zz * inverse;
            Point { x: sum.x * reciprocal.square(), y: sum.y * inverse }
        };
        sums.iter().zip(inverses).map(affine).collect()
    }

    /// Makes of the multiples 1 to k of each row those from k + 1 to 2k: k plus each of them. In affine
    /// coordinates an addition is a division, and a division of many is cheap. Multiples this small of a point whose
    /// order is a prime of 256 bits or more are neither each other's mirror nor at infinity.
    fn grow(rows: &mut [Vec<Point<F>>]) {
        let pairs = rows
            .iter()
            .flat_map(|row| row.iter().map(|&below| (below, row.last().copied().unwrap_or(below))));
        let pairs: Vec<(Point<F>, Point<F>)> = pairs.collect();
        let mut divisors: Vec<F> = pairs
            .iter()
            .map(|(below, last)| match below == last {
                true => last.y + last.y,
                false => last.x - below.x,
            })
            .collect();
        invert_all(&mut divisors);
        let three = F::ONE + F::ONE + F::ONE;
        let mut sums = pairs.iter().zip(divisors).map(|((below, last), divisor)| {
            let slope = match below == last {
                true => three * (last.x.square() - F::ONE) * divisor,
                false => (last.y - below.y) * divisor,
            };
            let x = slope.square() - below.x - last.x;
            Point { x, y: slope * (last.x - x) - last.y }
        });
        for row in rows {
            let known = row.len();
            row.extend(sums.by_ref().take(known));
        }
    }

    /// Octets that it takes.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        size_of_val(self.multiples.as_slice())
    }

    /// `sum` plus the point times a number, whose big-endian octets they are. It has to be at most half
    /// the order: then its last digit takes no carry.
    pub(super) fn add_multiple(&self, sum: Sum<F>, number: &[u8], is_negative: bool) -> Sum<F> {
        let row = 1_usize << (self.width - 1);
        let digits = Digits::new(number, self.width);
        let rows = self.multiples.chunks_exact(row);
        rows.zip(digits).fold(sum, |sum, (row, digit)| {
            let Some(&Point { x, y }) =
                (digit.unsigned_abs() as usize).checked_sub(1).and_then(|place| row.get(place))
            else {
                return sum;
            };
            let y = if (digit < 0) != is_negative { F::ZERO - y } else { y };
            sum.add(Point { x, y })
        })
    }
}

/// The digits of a number in base 2^width, each from -2^(width - 1) + 1 to 2^(width - 1), the lowest first.
struct Digits<'a> {
    /// Octets that were not taken up yet; the last is the lowest.
    rest: &'a [u8],
    bits: u64,
    count: u32,
    width: u32,
    carry: u64,
}

impl<'a> Digits<'a> {
    fn new(number: &'a [u8], width: u32) -> Self {
        Self { rest: number, bits: 0, count: 0, width, carry: 0 }
    }
}

impl Iterator for Digits<'_> {
    type Item = i32;

    /// Never ends: above the number's digits are zeros.
    fn next(&mut self) -> Option<i32> {
        while self.count < self.width {
            let octet = self.rest.split_off_last().copied().unwrap_or(0);
            self.bits |= u64::from(octet) << self.count;
            self.count += 8;
        }
        let base = 1 << self.width;
        let digit = (self.bits & (base - 1)) + self.carry;
        self.bits >>= self.width;
        self.count -= self.width;
        self.carry = u64::from(digit > base / 2);
        Some(digit as i32 - (self.carry * base) as i32)
    }
}

/// A number modulo the order as a sign and a number of at most half the order, in big-endian octets.
fn halved<C: Curve>(scalar: C::Scalar) -> (bool, FieldBytes<C>) {
    match bool::from(scalar.is_high()) {
        true => (true, (-scalar).to_repr()),
        false => (false, scalar.to_repr()),
    }
}

/// Whether the x coordinate of `by_generator` G + `by_key` Q is `r` modulo the order, where Q is the point of
/// a table: the last step of ECDSA's verification (SEC 1 section 4.1.4).
pub(super) fn combination_has_x<C: Curve>(
    by_generator: C::Scalar,
    key: &Table<C::Field>,
    by_key: C::Scalar,
    r: C::Scalar,
) -> bool {
    let (is_negative, octets) = halved::<C>(by_generator);
    let sum = C::constants().generator().add_multiple(Sum::INFINITY, &octets, is_negative);
    let (is_negative, octets) = halved::<C>(by_key);
    let sum = key.add_multiple(sum, &octets, is_negative);
    x_candidates::<C>(r).into_iter().flatten().any(|x| sum.has_x(x))
}

/// The numbers below p that are `r` modulo the order n: r, and r + n where that is below p too. They
/// are at most two, because n < p < 2n.
fn x_candidates<C: Curve>(r: C::Scalar) -> [Option<C::Field>; 2] {
    let octets = r.to_repr();
    let x = C::Field::from_be_bytes(&octets);
    // The largest element is p - 1, which is p - 1 - n modulo n.
    let last_with_two = FieldBytes::<C>::try_from(C::Field::LARGEST)
        .map(|largest| <C::Scalar as Reduce<FieldBytes<C>>>::reduce(&largest).to_repr());
    let has_two = last_with_two.is_ok_and(|last| octets <= last);
    let order_less_1 =
        C::Field::from_be_bytes(&(-<C::Scalar as elliptic_curve::Field>::ONE).to_repr());
    let other = x.zip(order_less_1).filter(|_| has_two).map(|(x, order)| x + order + C::Field::ONE);
    [x, other]
}

#[cfg(test)]
mod tests;
