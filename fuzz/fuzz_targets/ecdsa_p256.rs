//! ECDSA on P-256 under a key with a table and under one without, beside the p256 crate.
//!
//! The factors of generator and key are the input's, so that it can look for those that digits, or the
//! addition of equal and opposite points, go wrong for. A signature that is made for them is valid; whatever
//! is changed in it, all say the same.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::AffineCoordinates;
use p256::elliptic_curve::{Group, PrimeField};
use p256::{FieldBytes, ProjectivePoint, Scalar};
use private_ca::verify::fuzzing::P256Key;

struct Key {
    factor: Scalar,
    ours: P256Key,
    judge: VerifyingKey,
}

impl Key {
    fn new(factor: Scalar) -> Self {
        let point = (ProjectivePoint::generator() * factor).to_affine();
        let judge = VerifyingKey::from_affine(point).unwrap();
        let ours = P256Key::from_sec1(judge.to_sec1_point(false).as_bytes()).unwrap();
        Self { factor, ours, judge }
    }
}

/// Keys whose multiples meet the generator's soon, and one like any other.
static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let (one, half) = (Scalar::ONE, Scalar::TWO_INV);
    let any = Scalar::from(0x0123_4567_89ab_cdef_u64).invert_vartime().unwrap();
    [one, -one, one + one, half, -half, Scalar::from(256_u64), Scalar::from(128_u64), any]
        .map(Key::new)
        .into()
});

/// A number from 32 octets, or the one that goes with another.
fn number(octets: &[u8], related: Scalar) -> Scalar {
    let number =
        <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::try_from(&octets[1..33]).unwrap());
    match octets[0] % 8 {
        0 => related,
        1 => -related,
        2 => related + Scalar::ONE,
        3 => -related - Scalar::ONE,
        // Runs of equal digits.
        4 => <Scalar as Reduce<FieldBytes>>::reduce(&FieldBytes::from([octets[1]; 32])),
        _ => number,
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((head, octets)) = input.split_first_chunk::<2>() else {
        return;
    };
    if octets.len() < 66 {
        return;
    }
    let key = &KEYS[usize::from(head[0]) % KEYS.len()];
    let by_key = number(octets, Scalar::ONE);
    // With this factor of the generator the two multiples are the same point.
    let by_generator = number(&octets[33..], by_key * key.factor);
    let sum = ProjectivePoint::generator() * by_generator
        + ProjectivePoint::generator() * (by_key * key.factor);
    // For a sum at infinity the numbers of a signature are chosen freely.
    let x = match bool::from(sum.is_identity()) {
        true => FieldBytes::from([7; 32]),
        false => sum.to_affine().x(),
    };
    let r = <Scalar as Reduce<FieldBytes>>::reduce(&x);
    let Some(inverse) = Option::<Scalar>::from(by_key.invert_vartime()) else {
        return;
    };
    // s = r / u2 and z = u1 s, so that z / s = u1 and r / s = u2.
    let s = r * inverse;
    let digest = (by_generator * s).to_repr();
    let change = head[1];
    let (r, s) = match change {
        1 => (r + Scalar::ONE, s),
        2 => (-r, s),
        3 => (r, -s),
        4 => (r, s + Scalar::ONE),
        _ => (r, s),
    };
    let Ok(signature) = Signature::from_scalars(r.to_repr(), s.to_repr()) else {
        return;
    };
    let judged = key.judge.verify_prehash(&digest, &signature).is_ok();
    let ours = key.ours.verify(&digest, signature.to_der().as_bytes());
    assert_eq!(ours, [judged; 2], "{:?} {by_generator:?} {by_key:?} {change}", key.factor);
    if change == 0 && !bool::from(sum.is_identity()) {
        assert!(judged, "{:?} {by_generator:?} {by_key:?}", key.factor);
    }
});
