//! Judges of the point arithmetic: RustCrypto's own.

use elliptic_curve::ops::{Invert, Reduce};
use elliptic_curve::sec1::{FromSec1Point, ModulusSize, Sec1Point, ToSec1Point};
use elliptic_curve::{CurveArithmetic, CurveGroup, FieldBytes, Generate, Group, PrimeField};
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use proptest::prelude::*;

use super::interleaved::sum_of_multiples;
use super::*;

/// A curve, and RustCrypto's.
trait Judged: Curve {
    type Judge: elliptic_curve::Curve<FieldBytesSize: ModulusSize>
        + CurveArithmetic<
            AffinePoint: ToSec1Point<Self::Judge> + FromSec1Point<Self::Judge>,
            Scalar: PrimeField<Repr = FieldBytes<Self::Judge>>
                        + Reduce<FieldBytes<Self::Judge>>
                        + Invert<Output = elliptic_curve::subtle::CtOption<Scalar<Self>>>,
        >;
}

impl Judged for P256 {
    type Judge = NistP256;
}

impl Judged for P384 {
    type Judge = NistP384;
}

impl Judged for P521 {
    type Judge = NistP521;
}

/// RustCrypto's numbers modulo the order.
type Scalar<C> = <<C as Judged>::Judge as CurveArithmetic>::Scalar;

/// RustCrypto's points.
type Projective<C> = <<C as Judged>::Judge as CurveArithmetic>::ProjectivePoint;

fn ours<C: Judged>(number: Scalar<C>) -> C::Scalar {
    C::Scalar::from_be_bytes(&number.to_repr()).unwrap()
}

fn affine<C: Judged>(point: Projective<C>) -> Option<Point<C::Field>> {
    PointOnCurve::from_sec1::<C>(point.to_affine().to_sec1_point(false).as_bytes()).map(Point::from)
}

/// Whether a sum is the point that RustCrypto computed.
fn is<C: Judged>(sum: Sum<C::Field>, point: Projective<C>) -> bool {
    match affine::<C>(point) {
        None => sum.z.is_zero(),
        Some(Point { x, y }) => {
            let zz = sum.z.square();
            !sum.z.is_zero() && x * zz == sum.x && y * (zz * sum.z) == sum.y
        }
    }
}

fn table<C: Judged>(key: Projective<C>) -> Table<C::Field> {
    Table::new(affine::<C>(key).unwrap(), C::Scalar::BITS, C::KEY_WIDTH)
}

/// The sum of multiples of the generator and a key, by tables and without one.
fn sums<C: Judged>(
    by_generator: Scalar<C>,
    key: Projective<C>,
    table: &Table<C::Field>,
    by_key: Scalar<C>,
) -> [Sum<C::Field>; 2] {
    let (by_generator, by_key) = (ours::<C>(by_generator), ours::<C>(by_key));
    let sum = C::constants().generator().add_multiple(Sum::INFINITY, by_generator);
    [
        table.add_multiple(sum, by_key),
        sum_of_multiples::<C>(by_generator, affine::<C>(key).unwrap(), by_key),
    ]
}

/// Numbers at the edges: near zero, the order, half of it and powers of two, and with digits at their ends.
fn chosen<C: Judged>() -> Vec<Scalar<C>> {
    let one = <Scalar<C> as elliptic_curve::Field>::ONE;
    let mut numbers = Vec::new();
    let mut power = one;
    for _ in 0..Scalar::<C>::NUM_BITS {
        numbers.extend([power, power - one, -(power + one)]);
        power = power + power;
    }
    // (n - 1) / 2 and (n + 1) / 2.
    let half = Scalar::<C>::TWO_INV;
    numbers.extend([half, half - one, half + one]);
    // 128 in every octet, 127, and ones.
    for octet in [0x80, 0x7f, 0xff, 0x81, 0x40, 0x3f, 0x20, 0x1f] {
        let octets = FieldBytes::<C::Judge>::from_iter(std::iter::repeat_n(
            octet,
            FieldBytes::<C::Judge>::default().len(),
        ));
        numbers.push(Reduce::<FieldBytes<C::Judge>>::reduce(&octets));
    }
    numbers.push(<Scalar<C> as elliptic_curve::Field>::ZERO);
    numbers
}

fn chosen_multiples_are_those_of_rust_crypto<C: Judged>() {
    let key = Projective::<C>::generator() * Scalar::<C>::from(0xdead_beef_u64);
    let table = table::<C>(key);
    let numbers = chosen::<C>();
    // Each beside its neighbour, so that both multiplications have them all; one of them is zero.
    for (&number, &by_key) in numbers.iter().zip(numbers.iter().cycle().skip(1)) {
        let expected = Projective::<C>::generator() * number + key * by_key;
        for sum in sums::<C>(number, key, &table, by_key) {
            assert!(is::<C>(sum, expected), "{number:?} {by_key:?}");
        }
    }
}

#[test]
fn chosen_multiples_on_p256_are_those_of_rust_crypto() {
    chosen_multiples_are_those_of_rust_crypto::<P256>();
}

#[test]
fn chosen_multiples_on_p384_are_those_of_rust_crypto() {
    chosen_multiples_are_those_of_rust_crypto::<P384>();
}

#[test]
fn chosen_multiples_on_p521_are_those_of_rust_crypto() {
    chosen_multiples_are_those_of_rust_crypto::<P521>();
}

/// A key whose multiples meet the generator's: the sum is then of equal points, of opposite ones, or of one
/// and infinity.
fn sums_of_related_points_are_complete<C: Judged>() {
    let one = <Scalar<C> as elliptic_curve::Field>::ONE;
    for factor in [one, -one, one + one, Scalar::<C>::TWO_INV, -(one + one), Scalar::<C>::from(256)]
    {
        let key = Projective::<C>::generator() * factor;
        let table = table::<C>(key);
        for a in [1_u64, 2, 3, 127, 128, 129, 255, 256, 257, 1 << 40] {
            let a = Scalar::<C>::from(a);
            let meeting = Option::<Scalar<C>>::from(factor.invert_vartime()).unwrap() * a;
            for b in [a, -a, meeting, -meeting, meeting + one, -meeting - one] {
                for a in [a, -a] {
                    let expected = Projective::<C>::generator() * a + key * b;
                    for sum in sums::<C>(a, key, &table, b) {
                        assert!(is::<C>(sum, expected), "{factor:?} {a:?} {b:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn sums_of_equal_and_opposite_points_are_complete() {
    sums_of_related_points_are_complete::<P256>();
    sums_of_related_points_are_complete::<P384>();
    sums_of_related_points_are_complete::<P521>();
}

/// Walks from multiple to multiple, which is how very many can be held against RustCrypto's addition.
fn walk<C: Judged>(steps: usize) {
    let mut random = std::iter::repeat_with(Scalar::<C>::generate);
    let (step, mut number) = random.next().zip(random.next()).unwrap();
    let (factor, mut by_key) = random.next().zip(random.next()).unwrap();
    let key = Projective::<C>::generator() * factor;
    let table = table::<C>(key);
    let stride = Projective::<C>::generator() * step + key * step;
    let mut point = Projective::<C>::generator() * number + key * by_key;
    for _ in 0..steps {
        for sum in sums::<C>(number, key, &table, by_key) {
            assert!(is::<C>(sum, point), "{factor:?} {number:?} {by_key:?}");
        }
        number += step;
        by_key += step;
        point += stride;
    }
}

/// `ECDSA_STEPS` asks for more of them than a test run has time for.
#[test]
fn random_multiples_are_those_of_rust_crypto() {
    let steps = std::env::var("ECDSA_STEPS").map_or(1_000, |steps| steps.parse().unwrap());
    walk::<P256>(steps);
    walk::<P384>(steps / 4);
    walk::<P521>(steps / 4);
}

/// r, and r + n where it is below p: P-256 has such numbers below p - n, which is about 2^224.
#[test]
fn an_x_coordinate_above_the_order_is_that_of_a_number_below_it() {
    fn above<C: Curve>(r: C::Scalar) -> Option<C::Field> {
        x_above_order::<C>(r.to_limbs().as_ref())
    }
    type S = <P256 as Curve>::Scalar;
    let order = <P256 as Curve>::Field::from_limbs(S::PRIME).unwrap();
    // p - 1 - n, the last of them.
    let largest = <P256 as Curve>::Field::ZERO - <P256 as Curve>::Field::ONE;
    let last = S::from_limbs(&(largest - order).to_limbs()).unwrap();
    assert_eq!(above::<P256>(last), Some(largest));
    assert_eq!(above::<P256>(S::ONE), Some(order + <P256 as Curve>::Field::ONE));
    assert_eq!(above::<P256>(last + S::ONE), None);
    assert_eq!(above::<P256>(S::ZERO - S::ONE), None);
    let seven = <P384 as Curve>::Scalar::from_be_bytes(&[7]).unwrap();
    assert!(above::<P384>(seven).is_some());
    assert!(above::<P384>(<P384 as Curve>::Scalar::ZERO - seven).is_none());

    // A point with such a coordinate: whether it is the one that is asked for is judged by both numbers.
    let has = |x: <P256 as Curve>::Field, z: <P256 as Curve>::Field, r: S| {
        Sum { x: x * z.square(), y: z, z }.has_x_modulo_order::<P256>(r)
    };
    let z = largest - <P256 as Curve>::Field::ONE;
    assert!(has(largest, z, last) && !has(largest, z, last - S::ONE));
    assert!(has(largest - order, z, last) && has(order, z, S::ZERO));
    assert!(!has(largest, <P256 as Curve>::Field::ZERO, last));
}

/// RustCrypto's generators.
#[test]
fn generators_are_those_of_rust_crypto() {
    fn is_same<C: Judged>() -> bool {
        affine::<C>(Projective::<C>::generator()) == Some(Point::generator::<C>())
    }
    assert!(is_same::<P256>() && is_same::<P384>() && is_same::<P521>());
}

#[test]
fn tables_are_as_large_as_it_is_said() {
    fn size<C: Curve>() -> usize {
        Table::new(Point::generator::<C>(), C::Scalar::BITS, C::KEY_WIDTH).size()
    }
    assert_eq!(size::<P256>(), 256 * 1024);
    assert_eq!(P256::constants().generator().size(), 832 * 1024);
    assert_eq!(size::<P384>(), 330 * 1024);
    assert_eq!(size::<P521>().div_ceil(1024), 392);
}

/// A point, perhaps with an octet changed, and whether it is one of the curve: both say the same of it.
fn lies_on_the_curve_as_rust_crypto_says<C: Judged>(
    scalar: &[u8],
    change: Option<(proptest::sample::Index, u8)>,
) -> Result<(), TestCaseError> {
    let mut octets = FieldBytes::<C::Judge>::default();
    let places = octets.len().min(scalar.len());
    octets[..places].copy_from_slice(&scalar[..places]);
    let scalar = <Scalar<C> as Reduce<FieldBytes<C::Judge>>>::reduce(&octets);
    let point = (Projective::<C>::generator() * scalar).to_affine().to_sec1_point(false);
    let mut sec1 = point.as_bytes().to_vec();
    if let Some((place, octet)) = change
        && sec1.len() > 1
    {
        sec1[1 + place.index(point.as_bytes().len() - 1)] = octet;
    }
    let sec1 = Sec1Point::<C::Judge>::from_bytes(&sec1).unwrap();
    let theirs =
        <<C::Judge as CurveArithmetic>::AffinePoint as FromSec1Point<C::Judge>>::from_sec1_point(
            &sec1,
        );
    let ours = PointOnCurve::from_sec1::<C>(sec1.as_bytes());
    // RustCrypto reads the point at infinity too.
    prop_assert_eq!(ours.is_some(), bool::from(theirs.is_some()) && !sec1.is_identity());
    let coordinates =
        sec1.x().zip(sec1.y()).map(|(x, y)| [x, y].map(|x| C::Field::from_be_bytes(x)));
    let expected = ours.and(coordinates);
    prop_assert_eq!(ours.map(Point::from).map(|Point { x, y }| [Some(x), Some(y)]), expected);
    // Another length, also where the numbers are the same.
    let (_, shorter) = sec1.as_bytes().split_last().unwrap();
    prop_assert!(PointOnCurve::from_sec1::<C>(shorter).is_none());
    for place in [1, 1 + C::Field::OCTETS, sec1.len()] {
        let mut longer = sec1.as_bytes().to_vec();
        longer.insert(place.min(sec1.len()), 0);
        prop_assert!(PointOnCurve::from_sec1::<C>(&longer).is_none());
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_point_lies_on_its_curve_or_not(
        scalar in proptest::collection::vec(any::<u8>(), 66),
        change in proptest::option::of(any::<(proptest::sample::Index, u8)>()),
    ) {
        lies_on_the_curve_as_rust_crypto_says::<P256>(&scalar, change)?;
        lies_on_the_curve_as_rust_crypto_says::<P384>(&scalar, change)?;
        lies_on_the_curve_as_rust_crypto_says::<P521>(&scalar, change)?;
    }

    /// The digits make up the number.
    #[test]
    fn digits_add_up(number in any::<u64>(), width in 1_u32..=12) {
        let number_of_one_limb = [number];
        let digits = table::Digits::new(&number_of_one_limb, width).take(70usize.div_ceil(width as usize) + 1);
        let (mut sum, mut base) = (0_i128, 1_i128);
        for digit in digits {
            prop_assert!(digit <= 1 << (width - 1) && digit > -(1 << (width - 1)));
            sum += i128::from(digit) * base;
            base = base.saturating_mul(1 << width);
        }
        prop_assert_eq!(sum, i128::from(number));
    }

    /// So do those without neighbours.
    #[test]
    fn digits_without_neighbours_add_up(octets in any::<[u8; 66]>(), width in 3_u32..=8) {
        digits_add_up_to_the_scalar::<<P256 as Curve>::Scalar>(&octets, width)?;
        digits_add_up_to_the_scalar::<<P384 as Curve>::Scalar>(&octets, width)?;
        digits_add_up_to_the_scalar::<<P521 as Curve>::Scalar>(&octets, width)?;
    }
}

fn digits_add_up_to_the_scalar<S: Field>(octets: &[u8], width: u32) -> Result<(), TestCaseError> {
    let scalar = S::reduced_from_be_bytes(octets);
    let digits = interleaved::NonAdjacentForm::of(scalar, width).0;
    let (used, above) = digits.split_at(S::BITS as usize);
    prop_assert!(above.iter().all(|&digit| digit == 0));
    for row in digits.windows(width as usize) {
        prop_assert!(row.iter().filter(|&&digit| digit != 0).count() <= 1);
    }
    let sum = used.iter().rev().fold(S::ZERO, |sum, &digit| {
        let magnitude = S::from_be_bytes(&[digit.unsigned_abs()]).unwrap();
        sum + sum + if digit < 0 { S::ZERO - magnitude } else { magnitude }
    });
    prop_assert!(digits.iter().all(|digit| *digit == 0 || digit % 2 != 0));
    prop_assert!(digits.iter().all(|digit| u32::from(digit.unsigned_abs()) < 1 << (width - 1)));
    prop_assert_eq!(sum, scalar);
    Ok(())
}
