//! Intermediates that the verifier knows beforehand, keys that are prepared, and many chains at once.

use private_ca::verify::{Budget, Preparation, Purpose, Verification, Verifier, VerifyError};
use private_ca::{Certificate, Timestamp};
use rcgen::date_time_ymd;

use super::chains::{self, Authority, Handmade};

fn verification() -> Verification {
    Verification::new(Purpose::Client).at(chains::now())
}

fn cause(refused: &VerifyError) -> &VerifyError {
    refused.cause()
}

#[test]
fn a_known_intermediate_need_not_be_presented_and_costs_no_signature() {
    let root = Authority::root("Root");
    let upper = root.intermediate("Upper");
    let lower = upper.intermediate("Lower");
    let leaf = lower.leaf();
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let one_signature = verification().budget(Budget::default().signatures(1));
    let presented = [upper.certificate.clone(), lower.certificate.clone()];
    let refused = verifier.verify(&leaf, &presented, &one_signature).unwrap_err();
    assert!(matches!(cause(&refused), VerifyError::Budget { .. }), "{refused}");

    let knowing = verifier.clone().with_intermediates(presented.clone());
    for presented in [&[], &presented[..1], &presented] {
        let chain = knowing.verify(&leaf, presented, &one_signature).unwrap();
        assert_eq!(chain.path().len(), 4);
    }
    // The other verifier knows none.
    verifier.verify(&leaf, &[], &verification()).unwrap_err();
    // With the lower one alone the upper one is still to be presented, and costs its signature.
    let knowing = verifier.with_intermediates([lower.certificate]);
    knowing.verify(&leaf, &presented[..1], &one_signature).unwrap_err();
    let two = verification().budget(Budget::default().signatures(2));
    knowing.verify(&leaf, &presented[..1], &two).unwrap_err();
    let three = verification().budget(Budget::default().signatures(3));
    knowing.verify(&leaf, &presented[..1], &three).unwrap();
}

#[test]
fn a_known_intermediate_is_not_trusted() {
    let (root, stranger) = (Authority::root("Root"), Authority::root("Stranger"));
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    // Of another root.
    let foreign = stranger.intermediate("Issuing");
    let knowing = verifier.clone().with_intermediates([foreign.certificate.clone()]);
    knowing.verify(&foreign.leaf(), &[], &verification()).unwrap_err();
    // In the name of the root, and signed by somebody else.
    let forger = Authority::root("Root");
    let forged = forger.intermediate("Issuing");
    let knowing = verifier.clone().with_intermediates([forged.certificate.clone()]);
    let refused = knowing.verify(&forged.leaf(), &[], &verification()).unwrap_err();
    assert!(matches!(cause(&refused), VerifyError::Signature { .. }), "{refused}");
    // With one octet of a valid signature changed.
    let issuing = root.intermediate("Issuing");
    let mut der = issuing.certificate.as_der().to_vec();
    let last = der.len() - 1;
    der[last] ^= 1;
    let knowing = verifier.with_intermediates([Certificate::from_der(&der).unwrap()]);
    let refused = knowing.verify(&issuing.leaf(), &[], &verification()).unwrap_err();
    assert!(matches!(cause(&refused), VerifyError::Signature { .. }), "{refused}");
    // The true one among those that are presented is found beside it.
    knowing.verify(&issuing.leaf(), &[issuing.certificate], &verification()).unwrap();
}

#[test]
fn a_known_intermediate_is_held_to_time_and_policy_in_every_verification() {
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("Issuing", |params| {
        params.not_before = date_time_ymd(2027, 1, 1);
        params.not_after = date_time_ymd(2027, 6, 1);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let leaf = issuing.leaf();
    let verifier = Verifier::new([root.certificate.clone()])
        .unwrap()
        .with_intermediates([issuing.certificate.clone()]);
    let at = |year, month| {
        let moment = date_time_ymd(year, month, 1).unix_timestamp();
        verification().at(Timestamp::from_unix_seconds(moment))
    };
    verifier.verify(&leaf, &[], &at(2027, 2)).unwrap();
    for moment in [at(2026, 12), at(2027, 7)] {
        let refused = verifier.verify(&leaf, &[], &moment).unwrap_err();
        assert!(
            matches!(
                cause(&refused),
                VerifyError::Expired { .. } | VerifyError::NotYetValid { .. }
            ),
            "{refused}"
        );
    }
    verifier.verify(&leaf, &[], &at(2027, 2)).unwrap();
    let server = Verification::new(Purpose::Server).at(chains::now());
    verifier.verify(&leaf, &[], &server).unwrap_err();
}

#[test]
fn a_known_intermediate_with_a_useless_key_does_no_harm() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let mut useless = Handmade::of(&issuing.certificate);
    let point = useless.public_key.len() - 1;
    useless.public_key[point] ^= 1;
    let useless = root.sign_by_hand(&useless);
    let knowing = verifier.with_intermediates([useless, issuing.certificate.clone()]);
    knowing.verify(&issuing.leaf(), &[], &verification()).unwrap();
}

#[test]
fn prepared_keys_and_others_say_the_same() {
    let algorithms = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_ED25519,
    ];
    for algorithm in algorithms {
        let root = Authority::of_algorithm(algorithm, "Root");
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let issuing = root.intermediate_of(key, "Issuing", |_| {});
        let forger = Authority::of_algorithm(algorithm, "Issuing");
        for preparation in [Preparation::AtOnce, Preparation::WhenUsed, Preparation::Never] {
            let verifier = Verifier::new([root.certificate.clone()])
                .unwrap()
                .preparation(preparation)
                .with_intermediates([issuing.certificate.clone()]);
            // More often than a key is used before it is prepared.
            for _ in 0..20 {
                verifier.verify(&issuing.leaf(), &[], &verification()).unwrap();
                verifier.verify(&forger.leaf(), &[], &verification()).unwrap_err();
            }
        }
    }
}

#[test]
fn many_chains_are_answered_in_their_order() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let stranger = Authority::root("Stranger");
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let (valid, foreign) = (issuing.leaf(), stranger.leaf());
    let above = [issuing.certificate];
    let leaves = [&valid, &foreign, &foreign, &valid, &foreign, &valid, &valid];
    let verdicts =
        verifier.verify_many(leaves.map(|leaf| (leaf, above.as_slice())), &verification());
    let accepted: Vec<_> = verdicts.iter().map(Result::is_ok).collect();
    assert_eq!(accepted, leaves.map(|leaf| leaf == &valid));
    assert!(verifier.verify_many([], &verification()).is_empty());
}
