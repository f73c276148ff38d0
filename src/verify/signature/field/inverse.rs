//! Inversion modulo an odd number: the binary extended Euclidean algorithm, of which 31 halvings at a time are
//! planned with the lowest and the highest bits of its numbers alone (T. Pornin, "Optimized Binary GCD for
//! Modular Inversion", 2020). It ends when there is nothing left to do: the numbers are public.

use super::{add_with, difference};

/// Halvings that are planned at a time.
const HALVINGS: u32 = 31;
/// The bits that decide about them.
const LOWEST: u64 = (1 << HALVINGS) - 1;

/// What becomes of a number: (f a + g b) / 2^31. |f| + |g| is at most 2^31.
#[derive(Clone, Copy)]
struct Row {
    f: i64,
    g: i64,
}

/// A number in limbs, the lowest first, and what lies above them, with a sign.
type Signed<const N: usize> = ([u64; N], i64);

/// The inverse of a number below an odd modulus; `None` if it is zero, or they have a common divisor.
/// `negative_inverse` is -1/modulus modulo 2^64.
pub(super) fn inverse<const N: usize>(
    number: [u64; N],
    modulus: &[u64; N],
    negative_inverse: u64,
) -> Option<[u64; N]> {
    let mut one = [0; N];
    *one.first_mut()? = 1;
    // a is u times the number modulo the modulus, and b is v times it. a is odd, whatever happens.
    let (mut a, mut b) = (*modulus, number);
    let (mut u, mut v) = ([0; N], one);
    // Two numbers of so many bits are done after that many halvings.
    for _ in 0..=(2 * 64 * N).div_ceil(HALVINGS as usize) {
        if b == [0; N] {
            return (a == one).then_some(u);
        }
        let (mut of_a, mut of_b) = planned(approximations(&a, &b));
        (a, b) = (
            absolute(combined([(&a, of_a.f), (&b, of_a.g)]), &mut of_a),
            absolute(combined([(&a, of_b.f), (&b, of_b.g)]), &mut of_b),
        );
        let reduced = |Row { f, g }: Row| {
            let [u_lowest, v_lowest] = [&u, &v].map(|limbs| limbs.first().copied().unwrap_or(0));
            let sum = u_lowest.wrapping_mul(f as u64).wrapping_add(v_lowest.wrapping_mul(g as u64));
            // So many times the modulus make the lowest bits zero, and the quotient an integer.
            let count = sum.wrapping_mul(negative_inverse) & LOWEST;
            below(combined([(&u, f), (&v, g), (modulus, count as i64)]), modulus)
        };
        (u, v) = (reduced(of_a), reduced(of_b));
    }
    None
}

/// The 31 lowest bits of both numbers, below the 33 bits from the highest one that either has; the numbers
/// themselves if they have 64 bits at most.
fn approximations<const N: usize>(a: &[u64; N], b: &[u64; N]) -> (u64, u64) {
    let [a_lowest, b_lowest] = [a, b].map(|limbs| limbs.first().copied().unwrap_or(0));
    for (a, b) in a.windows(2).zip(b.windows(2)).rev() {
        if let ([a_lower, a_upper], [b_lower, b_upper]) = (a, b)
            && a_upper | b_upper != 0
        {
            let zeros = (a_upper | b_upper).leading_zeros();
            let approximation = |upper: u64, lower: u64, lowest: u64| {
                let highest = upper << zeros | lower >> 1 >> (63 - zeros);
                highest & !LOWEST | lowest & LOWEST
            };
            return (
                approximation(*a_upper, *a_lower, a_lowest),
                approximation(*b_upper, *b_lower, b_lowest),
            );
        }
    }
    (a_lowest, b_lowest)
}

/// What 31 halvings make of two numbers, of which the first is odd. An odd second number is brought to an even one
/// before: the smaller is subtracted from the larger, and takes the first place. Because the numbers are
/// approximations, that may go wrong by little, and the true difference be negative.
fn planned((mut a, mut b): (u64, u64)) -> (Row, Row) {
    let (mut of_a, mut of_b) = (Row { f: 1, g: 0 }, Row { f: 0, g: 1 });
    let mut left = HALVINGS;
    loop {
        let halvings = (b | 1 << left).trailing_zeros();
        b >>= halvings;
        // In units of what b has become.
        of_a = Row { f: of_a.f << halvings, g: of_a.g << halvings };
        left -= halvings;
        if left == 0 {
            return (of_a, of_b);
        }
        // Which one is smaller nobody can foresee: a mask takes less time than a wrong guess.
        let mask = i64::from(b < a).wrapping_neg();
        let masked = |first: i64, second: i64| {
            let difference = second.wrapping_sub(first);
            (first.wrapping_add(difference & mask), (difference ^ mask).wrapping_sub(mask))
        };
        let ((a_next, b_next), f, g) =
            (masked(a as i64, b as i64), masked(of_a.f, of_b.f), masked(of_a.g, of_b.g));
        (a, b) = (a_next as u64, b_next as u64);
        (of_a, of_b) = (Row { f: f.0, g: g.0 }, Row { f: f.1, g: g.1 });
    }
}

/// The sum of multiples, divided by 2^31.
#[inline]
fn combined<const N: usize, const T: usize>(terms: [(&[u64; N], i64); T]) -> Signed<N> {
    let (mut sums, mut carry) = ([0; N], 0_i128);
    for (place, sum) in sums.iter_mut().enumerate() {
        for (limbs, factor) in terms {
            // 2^95 at most.
            let limb = limbs.get(place).copied().unwrap_or(0);
            carry += i128::from(limb) * i128::from(factor);
        }
        *sum = carry as u64;
        carry >>= 64;
    }
    let mut higher = carry as u64;
    for sum in sums.iter_mut().rev() {
        (*sum, higher) = (*sum >> HALVINGS | higher << (64 - HALVINGS), *sum);
    }
    (sums, (carry >> HALVINGS) as i64)
}

/// The number without its sign, which the row then has lost too. It is no larger than those it is made of.
fn absolute<const N: usize>((limbs, high): Signed<N>, row: &mut Row) -> [u64; N] {
    if high >= 0 {
        return limbs;
    }
    *row = Row { f: -row.f, g: -row.g };
    difference([0; N], &limbs).0
}

/// A number above -modulus and below twice the modulus, modulo the modulus.
fn below<const N: usize>((mut limbs, high): Signed<N>, modulus: &[u64; N]) -> [u64; N] {
    if high < 0 {
        let mut carry = false;
        for (limb, &modulus) in limbs.iter_mut().zip(modulus) {
            (*limb, carry) = add_with(*limb, modulus, carry);
        }
        return limbs;
    }
    match difference(limbs, modulus) {
        (_, true) if high == 0 => limbs,
        (reduced, _) => reduced,
    }
}
