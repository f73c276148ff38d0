//! Judges of ECDSA: Wycheproof, and RustCrypto's own verification.

use der::Encode;
use elliptic_curve::sec1::ToSec1Point;
use sha2::Digest;
use sha3::digest::{ExtendableOutput, Update};
use signature::hazmat::PrehashVerifier;
use wycheproof::{TestResult, ecdsa as wycheproof_ecdsa};
use wycheproof_ecdsa::TestName as Set;

use super::*;
use crate::verify::signature::curve::{P256, P384, P521};

/// What is said of a signature.
#[derive(Debug, PartialEq)]
struct Verdicts {
    with_table: bool,
    without_table: bool,
    rust_crypto: bool,
}

impl Verdicts {
    const REFUSED: Self = Self { with_table: false, without_table: false, rust_crypto: false };

    fn are(&self, expected: bool) -> bool {
        [self.with_table, self.without_table, self.rust_crypto] == [expected; 3]
    }
}

trait Judged: Curve {
    /// RustCrypto's verdict on r and s, big-endian and as long as a coordinate.
    fn rust_crypto(sec1: &[u8], digest: &[u8], r: &[u8], s: &[u8]) -> bool;
}

macro_rules! judged {
    ($curve:ident, $module:ident) => {
        impl Judged for $curve {
            fn rust_crypto(sec1: &[u8], digest: &[u8], r: &[u8], s: &[u8]) -> bool {
                let key = $module::ecdsa::VerifyingKey::from_sec1_bytes(sec1).unwrap();
                $module::ecdsa::Signature::from_slice(&[r, s].concat())
                    .is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
            }
        }
    };
}

judged!(P256, p256);
judged!(P384, p384);
judged!(P521, p521);

struct Keys<'a, C: Curve> {
    sec1: &'a [u8],
    with_table: EcdsaKey<C>,
    without_table: EcdsaKey<C>,
}

impl<'a, C: Judged> Keys<'a, C> {
    fn new(sec1: &'a [u8]) -> Self {
        let key = EcdsaPublicKey::<C>::from_sec1(sec1).unwrap();
        let (with_table, without_table) = (EcdsaKey::new(&key), EcdsaKey::new(&key));
        with_table.prepare();
        Self { sec1, with_table, without_table }
    }

    fn verdicts_on(&self, digest: &[u8], signature: &Signature<C>) -> Verdicts {
        let [r, s] = [signature.r, signature.s].map(|number| {
            let limbs = number.to_limbs();
            let octets = limbs.as_ref().iter().rev().flat_map(|limb| limb.to_be_bytes());
            let octets: Vec<u8> = octets.collect();
            octets[octets.len() - C::Field::OCTETS..].to_vec()
        });
        Verdicts {
            with_table: self.with_table.verify_digest(digest, signature),
            without_table: self.without_table.verify_digest(digest, signature),
            rust_crypto: C::rust_crypto(self.sec1, digest, &r, &s),
        }
    }

    fn verdicts(&self, hash: Hash, message: &[u8], der: &[u8]) -> Verdicts {
        let verdicts = Signature::from_der(der).map_or(Verdicts::REFUSED, |signature| {
            hash.over(message, |digest| self.verdicts_on(digest, &signature))
        });
        assert_eq!(verdicts.with_table, self.with_table.verify(hash, message, der));
        assert_eq!(verdicts.without_table, self.without_table.verify(hash, message, der));
        verdicts
    }
}

/// `ECDSA-Sig-Value` of two numbers of equal length.
fn to_der(fixed: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = fixed.split_at_checked(fixed.len() / 2).filter(|(r, s)| r.len() == s.len())?;
    let mut contents = UintRef::new(r).ok()?.to_der().ok()?;
    contents.extend(UintRef::new(s).ok()?.to_der().ok()?);
    der::asn1::AnyRef::new(der::Tag::Sequence, &contents).ok()?.to_der().ok()
}

/// Every signature of a set is taken or refused as it says.
fn judge<C: Judged>(set: Set, verdicts: impl Fn(&Keys<'_, C>, &[u8], &[u8]) -> Verdicts) {
    let is_p1363 = format!("{set:?}").ends_with("P1363");
    let mut valid = 0;
    for group in wycheproof_ecdsa::TestSet::load(set).unwrap().test_groups {
        let judged = Keys::<C>::new(&group.key.key);
        for test in group.tests {
            let der = match is_p1363 {
                // A signature of another length is refused before its numbers are read.
                true => {
                    (test.sig.len() == 2 * C::Field::OCTETS).then(|| to_der(&test.sig)).flatten()
                }
                false => Some(test.sig.to_vec()),
            };
            let verdicts = match der {
                Some(der) => verdicts(&judged, &test.msg, &der),
                None => Verdicts::REFUSED,
            };
            let expected = test.result == TestResult::Valid;
            assert_ne!(test.result, TestResult::Acceptable);
            assert!(
                verdicts.are(expected),
                "{set:?} {} {}: {verdicts:?}",
                test.tc_id,
                test.comment
            );
            valid += usize::from(expected);
        }
    }
    assert!(valid > 10, "{set:?}: {valid} are valid");
}

fn with_hash<C: Judged>(hash: Hash) -> impl Fn(&Keys<'_, C>, &[u8], &[u8]) -> Verdicts {
    move |judged, message, der| judged.verdicts(hash, message, der)
}

/// The hash functions that certificates are not signed with: of them a digest is judged.
fn with_digest<C: Judged>(
    digest: impl Fn(&[u8]) -> Vec<u8>,
) -> impl Fn(&Keys<'_, C>, &[u8], &[u8]) -> Verdicts {
    move |judged, message, der| match Signature::<C>::from_der(der) {
        Some(signature) => judged.verdicts_on(&digest(message), &signature),
        None => Verdicts::REFUSED,
    }
}

fn shake<X: ExtendableOutput + Default + Update>(octets: usize) -> impl Fn(&[u8]) -> Vec<u8> {
    move |message| {
        let mut hash = X::default();
        Update::update(&mut hash, message);
        hash.finalize_boxed(octets).to_vec()
    }
}

#[test]
fn with_and_without_table_it_is_as_wycheproof_says_on_p256() {
    for set in [Set::EcdsaSecp256r1Sha256, Set::EcdsaSecp256r1Sha256P1363] {
        judge::<P256>(set, with_hash(Hash::Sha256));
    }
    for set in [Set::EcdsaSecp256r1Sha512, Set::EcdsaSecp256r1Sha512P1363] {
        judge::<P256>(set, with_hash(Hash::Sha512));
    }
    let sha3 = |message: &[u8]| sha3::Sha3_256::digest(message).to_vec();
    judge::<P256>(Set::EcdsaSecp256r1Sha3_256, with_digest(sha3));
    let sha3 = |message: &[u8]| sha3::Sha3_512::digest(message).to_vec();
    judge::<P256>(Set::EcdsaSecp256r1Sha3_512, with_digest(sha3));
    for set in [Set::EcdsaSecp256r1Shake128, Set::EcdsaSecp256r1Shake128P1363] {
        judge::<P256>(set, with_digest(shake::<sha3::Shake128>(32)));
    }
}

#[test]
fn with_and_without_table_it_is_as_wycheproof_says_on_p384() {
    for set in [Set::EcdsaSecp384r1Sha384, Set::EcdsaSecp384r1Sha384P1363] {
        judge::<P384>(set, with_hash(Hash::Sha384));
    }
    for set in [Set::EcdsaSecp384r1Sha512, Set::EcdsaSecp384r1Sha512P1363] {
        judge::<P384>(set, with_hash(Hash::Sha512));
    }
    judge::<P384>(Set::EcdsaSecp384r1Sha256, with_hash(Hash::Sha256));
}

#[test]
fn with_and_without_table_it_is_as_wycheproof_says_on_p521() {
    for set in [Set::EcdsaSecp521r1Sha512, Set::EcdsaSecp521r1Sha512P1363] {
        judge::<P521>(set, with_hash(Hash::Sha512));
    }
}

#[test]
fn a_table_is_made_when_it_is_asked_for_or_after_some_uses() {
    let generator = p256::AffinePoint::GENERATOR.to_sec1_point(false).as_bytes().to_vec();
    let key = EcdsaKey::<P256>::new(&EcdsaPublicKey::from_sec1(&generator).unwrap());
    for _ in 0..USES_BEFORE_TABLE {
        key.count_use();
        assert!(key.table.get().is_none());
    }
    key.count_use();
    assert!(key.table.get().is_some());

    let key = EcdsaKey::<P256>::new(&EcdsaPublicKey::from_sec1(&generator).unwrap());
    key.prepare();
    assert!(key.table.get().is_some());
}
