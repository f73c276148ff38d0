//! Tables, by which the multiples of one point take no doubling.

use super::{Field, Point, Sum, bits, halved, invert_all};

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
    pub(in crate::verify::signature) fn new(point: Point<F>, order_bits: u32, width: u32) -> Self {
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
    fn bases(point: Point<F>, count: u32, width: u32) -> Vec<Point<F>> {
        let mut sum = Sum::from(point);
        let mut sums = vec![sum];
        while (sums.len() as u32) < count {
            for _ in 0..width {
                sum = sum.double();
            }
            sums.push(sum);
        }
        Sum::to_points(&sums)
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

    /// `sum` plus the point times a scalar.
    pub(in crate::verify::signature) fn add_multiple<S: Field>(
        &self,
        sum: Sum<F>,
        scalar: S,
    ) -> Sum<F> {
        // Of half the order, the last digit takes no carry.
        let (is_negative, number) = halved(scalar);
        let rows = self.multiples.chunks_exact(1 << (self.width - 1));
        rows.zip(Digits::new(number.as_ref(), self.width)).fold(sum, |sum, (row, digit)| {
            match (digit.unsigned_abs() as usize).checked_sub(1).and_then(|place| row.get(place)) {
                Some(point) => sum.add(point.mirrored_if((digit < 0) != is_negative)),
                None => sum,
            }
        })
    }
}

/// The digits of a number in base 2^width, each from -2^(width - 1) + 1 to 2^(width - 1), the lowest first.
pub(super) struct Digits<'a> {
    number: &'a [u64],
    width: u32,
    place: u32,
    carry: u64,
}

impl<'a> Digits<'a> {
    pub(super) fn new(number: &'a [u64], width: u32) -> Self {
        Self { number, width, place: 0, carry: 0 }
    }
}

impl Iterator for Digits<'_> {
    type Item = i32;

    /// Never ends: above the number's digits are zeros.
    fn next(&mut self) -> Option<i32> {
        let base = 1 << self.width;
        let digit = bits(self.number, self.place, self.width) + self.carry;
        self.place += self.width;
        self.carry = u64::from(digit > base / 2);
        Some(digit as i32 - (self.carry * base) as i32)
    }
}
