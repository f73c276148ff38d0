//! Judges of the field arithmetic: fiat-crypto's, which is proved, and for the scalars of P-521, which it lacks,
//! RustCrypto's.

use elliptic_curve::{FieldBytes, PrimeField};
use fiat_crypto::{p256_64, p256_scalar_64, p384_64, p384_scalar_64, p521_64};
use p521::NistP521;
use proptest::prelude::*;

use super::*;

/// What two numbers, as big-endian octets, make.
#[derive(Debug, PartialEq)]
struct Results {
    sum: Vec<u8>,
    difference: Vec<u8>,
    product: Vec<u8>,
    square: Vec<u8>,
}

trait Judged: Field {
    fn judge(a: &[u8], b: &[u8]) -> Results;
}

fn reversed<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut octets: [u8; N] = octets.try_into().unwrap();
    octets.reverse();
    octets
}

macro_rules! judge {
    ($name:ident, $module:ident, $limbs:literal, $octets:literal, $plain:ident, $element:ident, $from_bytes:ident,
     $to_bytes:ident, $to_montgomery:ident, $from_montgomery:ident, $add:ident, $sub:ident, $mul:ident,
     $square:ident) => {
        impl Judged for $name {
            fn judge(a: &[u8], b: &[u8]) -> Results {
                let read = |octets: &[u8]| {
                    let mut plain = $module::$plain([0; $limbs]);
                    $module::$from_bytes(&mut plain.0, &reversed::<$octets>(octets));
                    let mut element = $module::$element([0; $limbs]);
                    $module::$to_montgomery(&mut element, &plain);
                    element
                };
                let written = |operation: &dyn Fn(&mut $module::$element)| {
                    let mut element = $module::$element([0; $limbs]);
                    operation(&mut element);
                    let mut plain = $module::$plain([0; $limbs]);
                    $module::$from_montgomery(&mut plain, &element);
                    let mut octets = [0; $octets];
                    $module::$to_bytes(&mut octets, &plain.0);
                    reversed::<$octets>(&octets).to_vec()
                };
                let (a, b) = (read(a), read(b));
                Results {
                    sum: written(&|out| $module::$add(out, &a, &b)),
                    difference: written(&|out| $module::$sub(out, &a, &b)),
                    product: written(&|out| $module::$mul(out, &a, &b)),
                    square: written(&|out| $module::$square(out, &a)),
                }
            }
        }
    };
}

judge!(
    P256,
    p256_64,
    4,
    32,
    fiat_p256_non_montgomery_domain_field_element,
    fiat_p256_montgomery_domain_field_element,
    fiat_p256_from_bytes,
    fiat_p256_to_bytes,
    fiat_p256_to_montgomery,
    fiat_p256_from_montgomery,
    fiat_p256_add,
    fiat_p256_sub,
    fiat_p256_mul,
    fiat_p256_square
);
judge!(
    P256Scalar,
    p256_scalar_64,
    4,
    32,
    fiat_p256_scalar_non_montgomery_domain_field_element,
    fiat_p256_scalar_montgomery_domain_field_element,
    fiat_p256_scalar_from_bytes,
    fiat_p256_scalar_to_bytes,
    fiat_p256_scalar_to_montgomery,
    fiat_p256_scalar_from_montgomery,
    fiat_p256_scalar_add,
    fiat_p256_scalar_sub,
    fiat_p256_scalar_mul,
    fiat_p256_scalar_square
);
judge!(
    P384,
    p384_64,
    6,
    48,
    fiat_p384_non_montgomery_domain_field_element,
    fiat_p384_montgomery_domain_field_element,
    fiat_p384_from_bytes,
    fiat_p384_to_bytes,
    fiat_p384_to_montgomery,
    fiat_p384_from_montgomery,
    fiat_p384_add,
    fiat_p384_sub,
    fiat_p384_mul,
    fiat_p384_square
);
judge!(
    P384Scalar,
    p384_scalar_64,
    6,
    48,
    fiat_p384_scalar_non_montgomery_domain_field_element,
    fiat_p384_scalar_montgomery_domain_field_element,
    fiat_p384_scalar_from_bytes,
    fiat_p384_scalar_to_bytes,
    fiat_p384_scalar_to_montgomery,
    fiat_p384_scalar_from_montgomery,
    fiat_p384_scalar_add,
    fiat_p384_scalar_sub,
    fiat_p384_scalar_mul,
    fiat_p384_scalar_square
);

impl Judged for P521 {
    fn judge(a: &[u8], b: &[u8]) -> Results {
        use p521_64::*;
        let read = |octets: &[u8]| {
            let mut tight = fiat_p521_tight_field_element([0; 9]);
            fiat_p521_from_bytes(&mut tight, &reversed(octets));
            let mut loose = fiat_p521_loose_field_element([0; 9]);
            fiat_p521_relax(&mut loose, &tight);
            (tight, loose)
        };
        let written = |tight: &fiat_p521_tight_field_element| {
            let mut octets = [0; 66];
            fiat_p521_to_bytes(&mut octets, tight);
            reversed::<66>(&octets).to_vec()
        };
        let carried = |operation: &dyn Fn(&mut fiat_p521_loose_field_element)| {
            let mut loose = fiat_p521_loose_field_element([0; 9]);
            operation(&mut loose);
            let mut tight = fiat_p521_tight_field_element([0; 9]);
            fiat_p521_carry(&mut tight, &loose);
            written(&tight)
        };
        let (a, b) = (read(a), read(b));
        let (mut product, mut square) =
            (fiat_p521_tight_field_element([0; 9]), fiat_p521_tight_field_element([0; 9]));
        fiat_p521_carry_mul(&mut product, &a.1, &b.1);
        fiat_p521_carry_square(&mut square, &a.1);
        Results {
            sum: carried(&|out| fiat_p521_add(out, &a.0, &b.0)),
            difference: carried(&|out| fiat_p521_sub(out, &a.0, &b.0)),
            product: written(&product),
            square: written(&square),
        }
    }
}

impl Judged for P521Scalar {
    fn judge(a: &[u8], b: &[u8]) -> Results {
        let read = |octets: &[u8]| {
            p521::Scalar::from_repr(FieldBytes::<NistP521>::try_from(octets).unwrap()).unwrap()
        };
        let written = |scalar: p521::Scalar| scalar.to_repr().to_vec();
        let (a, b) = (read(a), read(b));
        Results {
            sum: written(a + b),
            difference: written(a - b),
            product: written(a * b),
            square: written(elliptic_curve::Field::square(&a)),
        }
    }
}

macro_rules! in_every_field {
    ($check:ident($($argument:expr)?) $($question:tt)?) => {
        $check::<P256Prime, 4>($($argument)?)$($question)?;
        $check::<P256Order, 4>($($argument)?)$($question)?;
        $check::<P384Prime, 6>($($argument)?)$($question)?;
        $check::<P384Order, 6>($($argument)?)$($question)?;
        $check::<P521Prime, 9>($($argument)?)$($question)?;
        $check::<P521Order, 9>($($argument)?)$($question)?;
    };
}

fn octets_of<F: Field>(element: F) -> Vec<u8> {
    let limbs = element.to_limbs();
    let octets: Vec<u8> = limbs.as_ref().iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    let (zeros, octets) = octets.split_at(octets.len() - F::OCTETS);
    assert!(zeros.iter().all(|&octet| octet == 0));
    octets.to_vec()
}

/// Limbs that carries run through, and any others.
fn limb() -> impl Strategy<Value = u64> {
    prop_oneof![
        proptest::sample::select(vec![
            0,
            1,
            2,
            u64::MAX,
            u64::MAX - 1,
            u64::MAX << 32,
            0xffff_ffff
        ]),
        proptest::sample::select(vec![
            1 << 32,
            (1 << 32) + 1,
            1 << 63,
            (1 << 63) - 1,
            u64::MAX >> 1
        ]),
        any::<u64>(),
    ]
}

/// Elements whose limbs, as they are kept, are such, or near the ends of what is kept.
fn element<P: Prime<N>, const N: usize>() -> impl Strategy<Value = Element<P, N>> {
    let limbs = proptest::collection::vec(limb(), N).prop_map(|limbs| {
        let mut limbs: [u64; N] = limbs.try_into().unwrap();
        // Shortened to the prime's bits, it is below twice the prime.
        let unused = limbs.len() as u32 * 64 - Element::<P, N>::BITS;
        *limbs.last_mut().unwrap() &= u64::MAX >> unused;
        Element::reduced(limbs, false)
    });
    let near_an_end = (0_u64..4, any::<bool>()).prop_map(|(distance, is_high)| {
        let mut small = [0; N];
        small[0] = distance + u64::from(is_high);
        match is_high {
            true => Element::new(difference(P::LIMBS, &small).0),
            false => Element::new(small),
        }
    });
    prop_oneof![4 => limbs, 1 => near_an_end]
}

fn is_as_judged<P: Prime<N>, const N: usize>(
    a: Element<P, N>,
    b: Element<P, N>,
) -> Result<(), TestCaseError>
where
    Element<P, N>: Judged,
{
    let is_below = |element: Element<P, N>| difference(element.limbs, &P::LIMBS).1;
    for element in [a, b, a + b, a - b, a * b, a.square(), a.over_r(), a.times_r()] {
        prop_assert!(is_below(element));
    }
    let results = Results {
        sum: octets_of(a + b),
        difference: octets_of(a - b),
        product: octets_of(a * b),
        square: octets_of(a.square()),
    };
    prop_assert_eq!(results, Element::<P, N>::judge(&octets_of(a), &octets_of(b)));
    for addend in [a, b, Element::ZERO - Element::ONE] {
        prop_assert_eq!(a.times_plus_over_r(b, addend), a * b + addend.over_r());
    }
    prop_assert_eq!(a.over_r().times_r(), a);
    prop_assert_eq!(a.over_r() * Element::ONE.times_r(), a);
    prop_assert_eq!(Element::from_be_bytes(&octets_of(a)), Some(a));
    prop_assert_eq!(Element::from_limbs(a.to_limbs().as_ref()), Some(a));
    match a.invert() {
        Some(inverse) => prop_assert_eq!(a * inverse, Element::ONE),
        None => prop_assert!(a.is_zero()),
    }
    prop_assert_eq!(a.invert().is_none(), a.is_zero());
    Ok(())
}

/// The octets of a number are read as itself if it is below p, and modulo p if that is asked for.
fn is_read_modulo_p<P: Prime<N>, const N: usize>(octets: &[u8]) -> Result<(), TestCaseError> {
    let octets = &octets[..Element::<P, N>::OCTETS];
    let mut limbs: [u64; N] = limbs_of(octets).unwrap();
    let read = Element::<P, N>::from_be_bytes(octets);
    prop_assert_eq!(read.is_some(), limbs.iter().rev().lt(P::LIMBS.iter().rev()));
    while limbs.iter().rev().ge(P::LIMBS.iter().rev()) {
        limbs = difference(limbs, &P::LIMBS).0;
    }
    let reduced = Element::<P, N>::reduced_from_be_bytes(octets);
    prop_assert_eq!(reduced.to_limbs(), limbs);
    prop_assert!(read.is_none_or(|read| read == reduced));
    let longer = [octets, &[0xa5, 0x5a]].concat();
    prop_assert_eq!(Element::reduced_from_be_bytes(&longer), reduced);
    Ok(())
}

/// `FIELD_CASES` asks for more of them than a test run has time for.
fn config() -> ProptestConfig {
    let cases = std::env::var("FIELD_CASES").map_or(4_000, |cases| cases.parse().unwrap());
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn coordinates_of_p256_are_as_fiat_crypto_has_them(a in element(), b in element()) {
        is_as_judged::<P256Prime, 4>(a, b)?;
    }

    #[test]
    fn scalars_of_p256_are_as_fiat_crypto_has_them(a in element(), b in element()) {
        is_as_judged::<P256Order, 4>(a, b)?;
    }

    #[test]
    fn coordinates_of_p384_are_as_fiat_crypto_has_them(a in element(), b in element()) {
        is_as_judged::<P384Prime, 6>(a, b)?;
    }

    #[test]
    fn scalars_of_p384_are_as_fiat_crypto_has_them(a in element(), b in element()) {
        is_as_judged::<P384Order, 6>(a, b)?;
    }

    #[test]
    fn coordinates_of_p521_are_as_fiat_crypto_has_them(a in element(), b in element()) {
        is_as_judged::<P521Prime, 9>(a, b)?;
    }

    #[test]
    fn scalars_of_p521_are_as_rust_crypto_has_them(a in element(), b in element()) {
        is_as_judged::<P521Order, 9>(a, b)?;
    }

    #[test]
    fn octets_are_read_modulo_p(
        limbs in proptest::collection::vec(limb(), 9),
        high in proptest::option::of(0_u8..=1),
    ) {
        let mut octets: Vec<u8> = limbs.iter().flat_map(|limb| limb.to_be_bytes()).collect();
        if let Some(high) = high {
            // Of 521 bits, for the fields of P-521.
            octets[..2].copy_from_slice(&[high, 0xff]);
        }
        in_every_field!(is_read_modulo_p(&octets)?);
    }
}

/// The first number that is refused is p, and octets that are too many are refused whatever they are.
#[test]
fn numbers_end_below_p() {
    fn check<P: Prime<N>, const N: usize>() {
        let largest = Element::<P, N>::ZERO - Element::ONE;
        let mut octets = octets_of(largest);
        assert_eq!(Element::<P, N>::from_be_bytes(&octets), Some(largest));
        *octets.last_mut().unwrap() += 1;
        assert_eq!(Element::<P, N>::from_be_bytes(&octets), None);
        assert_eq!(Element::<P, N>::from_limbs(&P::LIMBS), None);
        assert_eq!(Element::<P, N>::from_limbs(&P::LIMBS[1..]), None);
        assert_eq!(Element::<P, N>::from_be_bytes(&[0; 8 * 9 + 1]), None);
        assert_eq!(Element::<P, N>::from_be_bytes(&[]), Some(Element::ZERO));
        assert_eq!(Element::<P, N>::from_be_bytes(&[1]), Some(Element::ONE));
    }
    in_every_field!(check());
}

/// Small odd numbers times powers of two, and what is left of the prime beside them: some take the inversion as many
/// rounds as it has.
#[test]
fn numbers_with_few_bits_have_inverses() {
    fn check<P: Prime<N>, const N: usize>() {
        for odd in (1_u8..=255).step_by(2) {
            let mut number = Element::<P, N>::from_be_bytes(&[odd]).unwrap();
            for _ in 0..Element::<P, N>::BITS {
                let inverse = number.invert();
                assert_eq!(
                    inverse.map(|inverse| inverse * number),
                    Some(Element::ONE),
                    "{number:?}"
                );
                let mirrored = (Element::ZERO - number).invert();
                assert_eq!(mirrored, inverse.map(|inverse| Element::ZERO - inverse), "{number:?}");
                number = number + number;
            }
        }
    }
    in_every_field!(check());
}

/// Numbers with a divisor in common with the modulus have no inverse.
#[test]
fn only_what_shares_no_divisor_has_an_inverse() {
    // -1/105 modulo 2^64.
    let negative_inverse: u64 = 0x7027_0270_2702_7027;
    assert_eq!(negative_inverse.wrapping_mul(105), u64::MAX);
    let inverse = |number: u64| inverse::inverse([number, 0], &[105, 0], negative_inverse);
    for number in 0..105 {
        let shares = [3, 5, 7].iter().any(|divisor| number % divisor == 0);
        match inverse(number) {
            Some([inverse, 0]) => assert_eq!(inverse * number % 105, 1),
            found => assert!(found.is_none() && shares, "{number}"),
        }
    }
}
