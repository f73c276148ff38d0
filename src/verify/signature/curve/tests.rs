//! Judges of the point arithmetic: RustCrypto's own.

use elliptic_curve::Generate;
use proptest::prelude::*;

use super::*;

type Scalar<C> = <C as CurveArithmetic>::Scalar;

fn affine<C: Curve>(point: C::ProjectivePoint) -> Option<Point<C::Field>> {
    PointOnCurve::from_sec1::<C>(point.to_affine().to_sec1_point(false).as_bytes()).map(Point::from)
}

/// Whether a sum is the point that RustCrypto computed.
fn is<C: Curve>(sum: Sum<C::Field>, point: C::ProjectivePoint) -> bool {
    match affine::<C>(point) {
        None => sum.zz.is_zero(),
        Some(Point { x, y }) => {
            !sum.zz.is_zero() && x * sum.zz == sum.x && y * sum.zzz == sum.y && {
                let z = sum.zz.square() * sum.zz;
                z == sum.zzz.square()
            }
        }
    }
}

fn times<C: Curve>(
    table: &Table<C::Field>,
    sum: Sum<C::Field>,
    number: Scalar<C>,
) -> Sum<C::Field> {
    let (is_negative, octets) = halved::<C>(number);
    table.add_multiple(sum, &octets, is_negative)
}

/// Numbers at the edges: near zero, the order, half of it and powers of two, and with digits at their ends.
fn chosen<C: Curve>() -> Vec<Scalar<C>> {
    let one = <Scalar<C> as elliptic_curve::Field>::ONE;
    let zero = <Scalar<C> as elliptic_curve::Field>::ZERO;
    let mut numbers = Vec::new();
    let mut power = one;
    for _ in 0..Scalar::<C>::NUM_BITS {
        numbers.extend([power, power - one, power + one, power + power - one]);
        power = power + power;
    }
    // (n - 1) / 2 and (n + 1) / 2.
    let half = Scalar::<C>::TWO_INV;
    numbers.extend([half, half - one, half + one]);
    // 128 in every octet, 127, and ones.
    for octet in [0x80, 0x7f, 0xff, 0x81, 0x40, 0x3f, 0x20, 0x1f] {
        let octets = FieldBytes::<C>::from_iter(std::iter::repeat_n(
            octet,
            FieldBytes::<C>::default().len(),
        ));
        numbers.push(Reduce::<FieldBytes<C>>::reduce(&octets));
    }
    let negatives: Vec<_> = numbers.iter().map(|&number| zero - number).collect();
    numbers.extend(negatives);
    numbers.push(zero);
    numbers
}

fn chosen_multiples_are_those_of_rust_crypto<C: Curve>() {
    let key = C::ProjectivePoint::generator() * Scalar::<C>::from(0xdead_beef_u64);
    let table = Table::new(&affine::<C>(key).unwrap(), Scalar::<C>::NUM_BITS, C::KEY_WIDTH);
    let generator = C::constants().generator();
    for number in chosen::<C>() {
        assert!(is::<C>(times::<C>(&table, Sum::INFINITY, number), key * number), "{number:?}");
        let multiple = C::ProjectivePoint::generator() * number;
        assert!(is::<C>(times::<C>(generator, Sum::INFINITY, number), multiple), "{number:?}");
    }
}

#[test]
fn chosen_multiples_on_p256_are_those_of_rust_crypto() {
    chosen_multiples_are_those_of_rust_crypto::<NistP256>();
}

#[test]
fn chosen_multiples_on_p384_are_those_of_rust_crypto() {
    chosen_multiples_are_those_of_rust_crypto::<NistP384>();
}

#[test]
fn chosen_multiples_on_p521_are_those_of_rust_crypto() {
    chosen_multiples_are_those_of_rust_crypto::<NistP521>();
}

/// A key whose multiples meet the generator's: the sum is then of equal points, of opposite ones, or of one
/// and infinity.
fn sums_of_related_points_are_complete<C: Curve>() {
    let one = <Scalar<C> as elliptic_curve::Field>::ONE;
    for factor in [one, -one, one + one, Scalar::<C>::TWO_INV, -(one + one), Scalar::<C>::from(256)]
    {
        let key = C::ProjectivePoint::generator() * factor;
        let table = Table::new(&affine::<C>(key).unwrap(), Scalar::<C>::NUM_BITS, C::KEY_WIDTH);
        for a in [1_u64, 2, 3, 127, 128, 129, 255, 256, 257, 1 << 40] {
            let a = Scalar::<C>::from(a);
            let meeting = Option::<Scalar<C>>::from(factor.invert_vartime()).unwrap() * a;
            for b in [a, -a, meeting, -meeting, meeting + one, -meeting - one] {
                for a in [a, -a] {
                    let sum = times::<C>(C::constants().generator(), Sum::INFINITY, a);
                    let sum = times::<C>(&table, sum, b);
                    let expected = C::ProjectivePoint::generator() * a + key * b;
                    assert!(is::<C>(sum, expected), "{factor:?} {a:?} {b:?}");
                }
            }
        }
    }
}

#[test]
fn sums_of_equal_and_opposite_points_are_complete() {
    sums_of_related_points_are_complete::<NistP256>();
    sums_of_related_points_are_complete::<NistP384>();
    sums_of_related_points_are_complete::<NistP521>();
}

/// Walks from multiple to multiple, which is how very many can be held against RustCrypto's addition.
fn walk<C: Curve>(steps: usize) {
    let mut random = std::iter::repeat_with(Scalar::<C>::generate);
    let (step, mut number) = random.next().zip(random.next()).unwrap();
    let stride = C::ProjectivePoint::generator() * step;
    let mut point = C::ProjectivePoint::generator() * number;
    let generator = C::constants().generator();
    for _ in 0..steps {
        assert!(is::<C>(times::<C>(generator, Sum::INFINITY, number), point), "{number:?}");
        number += step;
        point += stride;
    }
}

/// `ECDSA_STEPS` asks for more of them than a test run has time for.
#[test]
fn random_multiples_are_those_of_rust_crypto() {
    let steps = std::env::var("ECDSA_STEPS").map_or(2_000, |steps| steps.parse().unwrap());
    walk::<NistP256>(steps);
    walk::<NistP384>(steps / 4);
    walk::<NistP521>(steps / 4);
}

/// r, and r + n where it is below p: P-256 has such numbers below p - n, which is about 2^224.
#[test]
fn an_x_coordinate_above_the_order_is_a_candidate() {
    fn has_two<C: Curve>(r: Scalar<C>) -> bool {
        let [first, second] = x_candidates::<C>(r);
        let order =
            C::Field::from_be_bytes(&(-<Scalar<C> as elliptic_curve::Field>::ONE).to_repr());
        assert!(first.is_some());
        if let Some(second) = second {
            assert!(second == first.unwrap() + order.unwrap() + C::Field::ONE);
        }
        second.is_some()
    }
    let one = <Scalar<NistP256> as elliptic_curve::Field>::ONE;
    // p - 1 - n, the last of them.
    let last = Reduce::<FieldBytes<NistP256>>::reduce(
        &FieldBytes::<NistP256>::try_from(field::P256::LARGEST).unwrap(),
    );
    assert!(has_two::<NistP256>(one));
    assert!(has_two::<NistP256>(last));
    assert!(!has_two::<NistP256>(last + one));
    assert!(!has_two::<NistP256>(-one));
    assert!(has_two::<NistP384>(Scalar::<NistP384>::from(7_u64)));
    assert!(!has_two::<NistP384>(-Scalar::<NistP384>::from(7_u64)));
}

/// What the documentation says of them.
#[test]
fn tables_are_as_large_as_it_is_said() {
    fn size<C: Curve>() -> usize {
        Table::new(&Point::generator::<C>(), Scalar::<C>::NUM_BITS, C::KEY_WIDTH).size()
    }
    assert_eq!(size::<NistP256>(), 256 * 1024);
    assert_eq!(size::<NistP384>(), 330 * 1024);
    assert_eq!(size::<NistP521>().div_ceil(1024), 392);
}

/// An inversion is a product that is one.
#[test]
fn inverses_are_inverses() {
    fn check<F: Field>(octets: usize, numbers: &[u8]) {
        let elements: Vec<F> = numbers
            .iter()
            .map(|&number| {
                let mut element = vec![number; octets];
                element[0] = 0;
                F::from_be_bytes(&element).unwrap()
            })
            .collect();
        let mut inverses = elements.clone();
        invert_all(&mut inverses);
        for (element, inverse) in elements.iter().zip(inverses) {
            assert!(*element * inverse == F::ONE);
            assert!(element.invert() == inverse);
        }
        assert!(F::ZERO.invert() == F::ZERO);
        assert!(F::from_be_bytes(F::LARGEST).unwrap() + F::ONE == F::ZERO);
        let mut over = F::LARGEST.to_vec();
        *over.last_mut().unwrap() += 1;
        assert!(F::from_be_bytes(&over).is_none());
        assert!(F::from_be_bytes(&F::LARGEST[1..]).is_none());
        assert!(F::from_be_bytes(&[F::LARGEST, &[0]].concat()).is_none());
        for element in elements {
            assert!(element.over_r().times_r() == element);
            assert!(element.over_r() * F::ONE.times_r() == element);
        }
    }
    check::<field::P256>(32, &[1, 2, 0x7f, 0x80, 0xff]);
    check::<field::P384>(48, &[1, 2, 0x7f, 0x80, 0xff]);
    check::<field::P521>(66, &[1, 2, 0x7f, 0x80, 0xff]);
}

/// A point, perhaps with an octet changed, and whether it is one of the curve: both say the same of it.
fn lies_on_the_curve_as_rust_crypto_says<C: Curve>(
    scalar: &[u8],
    change: Option<(proptest::sample::Index, u8)>,
) -> Result<(), TestCaseError>
where
    C::AffinePoint: elliptic_curve::sec1::FromSec1Point<C>,
{
    let mut octets = FieldBytes::<C>::default();
    let places = octets.len().min(scalar.len());
    octets[..places].copy_from_slice(&scalar[..places]);
    let scalar = <Scalar<C> as Reduce<FieldBytes<C>>>::reduce(&octets);
    let point = (C::ProjectivePoint::generator() * scalar).to_affine().to_sec1_point(false);
    let mut sec1 = point.as_bytes().to_vec();
    if let Some((place, octet)) = change
        && sec1.len() > 1
    {
        sec1[1 + place.index(point.as_bytes().len() - 1)] = octet;
    }
    let sec1 = Sec1Point::<C>::from_bytes(&sec1).unwrap();
    let theirs = <C::AffinePoint as elliptic_curve::sec1::FromSec1Point<C>>::from_sec1_point(&sec1);
    let ours = PointOnCurve::from_sec1::<C>(sec1.as_bytes());
    // RustCrypto reads the point at infinity too.
    prop_assert_eq!(ours.is_some(), bool::from(theirs.is_some()) && !sec1.is_identity());
    prop_assert_eq!(ours.map(Point::from), ours.and_then(|_| Point::coordinates::<C>(&sec1)));
    Ok(())
}

proptest! {
    #[test]
    fn a_point_lies_on_its_curve_or_not(
        scalar in proptest::collection::vec(any::<u8>(), 66),
        change in proptest::option::of(any::<(proptest::sample::Index, u8)>()),
    ) {
        lies_on_the_curve_as_rust_crypto_says::<NistP256>(&scalar, change)?;
        lies_on_the_curve_as_rust_crypto_says::<NistP384>(&scalar, change)?;
        lies_on_the_curve_as_rust_crypto_says::<NistP521>(&scalar, change)?;
    }

    /// The digits make up the number.
    #[test]
    fn digits_add_up(number in any::<u64>(), width in 1_u32..=12) {
        let octets = number.to_be_bytes();
        let digits = Digits::new(&octets, width).take(70usize.div_ceil(width as usize) + 1);
        let (mut sum, mut base) = (0_i128, 1_i128);
        for digit in digits {
            prop_assert!(digit <= 1 << (width - 1) && digit > -(1 << (width - 1)));
            sum += i128::from(digit) * base;
            base = base.saturating_mul(1 << width);
        }
        prop_assert_eq!(sum, i128::from(number));
    }
}
