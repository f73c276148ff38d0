//! The sum of multiples of the generator and of a point without a table: the two multiplications share
//! their doublings (B. Möller, "Algorithms for Multi-exponentiation", 2001: interleaving).

use super::{Curve, Field, Point, Sum, bits, halved};

/// Bits of a digit that the generator is multiplied by: 64 multiples, kept for a process.
pub(super) const GENERATOR_NAF_WIDTH: u32 = 8;
/// Bits of a digit that another point is multiplied by: 8 multiples, made for one multiplication.
const POINT_NAF_WIDTH: u32 = 5;

/// `by_generator` times the generator, plus `by_point` times the point.
pub(in crate::verify::signature) fn sum_of_multiples<C: Curve>(
    by_generator: C::Scalar,
    point: Point<C::Field>,
    by_point: C::Scalar,
) -> Sum<C::Field> {
    let of_generator = C::constants().odd_multiples_of_generator();
    let of_point = odd_multiples(point, POINT_NAF_WIDTH);
    let by_generator = NonAdjacentForm::of(by_generator, GENERATOR_NAF_WIDTH);
    let by_point = NonAdjacentForm::of(by_point, POINT_NAF_WIDTH);
    let places = by_generator.0.iter().zip(&by_point.0).take(C::Scalar::BITS as usize);
    places.rev().fold(Sum::INFINITY, |sum, (&by_generator, &by_point)| {
        let sum = add_odd_multiple(sum.double(), of_generator, by_generator);
        add_odd_multiple(sum, &of_point, by_point)
    })
}

/// Adds the multiple for a digit, if it is not zero.
fn add_odd_multiple<F: Field>(sum: Sum<F>, multiples: &[Point<F>], digit: i8) -> Sum<F> {
    match multiples.get(usize::from(digit.unsigned_abs() / 2)) {
        Some(point) if digit != 0 => sum.add(point.mirrored_if(digit < 0)),
        _ => sum,
    }
}

/// 1, 3, 5, ... times a point, for every odd digit of so many bits with a sign.
pub(super) fn odd_multiples<F: Field>(point: Point<F>, width: u32) -> Vec<Point<F>> {
    // (x, y) and (x Z^2, y Z^3) lie on isomorphic curves, and additions, which do not look at b or the -3, are the same on
    // both. On the second one twice the point is affine: (X, Y). No odd multiple is twice the point or its mirror,
    // so that none of the additions is a doubling.
    let twice = Sum::from(point).double();
    let step = Point { x: twice.x, y: twice.y };
    let zz = twice.z.square();
    let first = Sum::from(Point { x: point.x * zz, y: point.y * (zz * twice.z) });
    let mut sums = vec![first];
    sums.extend((1..1 << (width - 2)).scan(first, |sum, _| {
        *sum = sum.add(step);
        Some(*sum)
    }));
    for sum in &mut sums {
        sum.z = sum.z * twice.z;
    }
    Sum::to_points(&sums)
}

/// A number in digits for each of its bits, the lowest first: zero, or odd and below 2^(width - 1), with a sign. Of
/// `width` digits in a row at most one is not zero ("width-w non-adjacent form").
pub(super) struct NonAdjacentForm(pub(super) [i8; 64 * 9]);

impl NonAdjacentForm {
    /// Of at most 8 bits each.
    pub(super) fn of<S: Field>(scalar: S, width: u32) -> Self {
        let (is_negative, number) = halved(scalar);
        let mut digits = [0; 64 * 9];
        let (mut carry, mut place) = (0, 0);
        // Of half the order, no digit lies above its bits.
        while place < S::BITS {
            if bits(number.as_ref(), place, 1) == carry {
                place += 1;
                continue;
            }
            let digit = bits(number.as_ref(), place, width) + carry;
            carry = digit >> (width - 1);
            let digit = digit as i16 - ((carry as i16) << width);
            if let Some(to) = digits.get_mut(place as usize) {
                *to = if is_negative { -digit } else { digit } as i8;
            }
            place += width;
        }
        Self(digits)
    }
}
