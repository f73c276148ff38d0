//! Intermediates that the verifier knows beforehand, keys that are prepared, and many chains at once.

use std::num::NonZeroUsize;

use private_ca::verify::{
    Budget, Policy, Preparation, Purpose, Rule, Verification, Verifier, VerifyError,
};
use private_ca::{Certificate, Timestamp};
use rcgen::date_time_ymd;

use super::chains::{self, Authority, Handmade};

fn verification() -> Verification {
    Verification::new(Purpose::Client).at(chains::now())
}

fn few(capacity: usize) -> NonZeroUsize {
    NonZeroUsize::new(capacity).unwrap()
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
                .with_preparation(preparation)
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

#[test]
fn a_remembered_intermediate_costs_no_signature_and_has_to_be_presented() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let (leaf, above) = (issuing.leaf(), [issuing.certificate.clone()]);
    let one_signature = verification().budget(Budget::default().signatures(1));
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let remembering = verifier.clone().remembering(few(2));
    remembering.verify(&leaf, &above, &one_signature).unwrap_err();
    let first = remembering.verify(&leaf, &above, &verification()).unwrap();
    let second = remembering.verify(&leaf, &above, &one_signature).unwrap();
    assert_eq!(first, second);
    remembering.verify(&leaf, &[], &verification()).unwrap_err();
    // A clone remembers with it, and a verifier that does not remember has nothing of it.
    remembering.clone().verify(&leaf, &above, &one_signature).unwrap();
    verifier.verify(&leaf, &above, &verification()).unwrap();
    verifier.verify(&leaf, &above, &one_signature).unwrap_err();
}

#[test]
fn what_was_refused_is_not_remembered_and_the_oldest_is_forgotten_first() {
    let root = Authority::root("Root");
    let one_signature = verification().budget(Budget::default().signatures(1));
    let verifier = Verifier::new([root.certificate.clone()]).unwrap().remembering(few(2));
    let issuing = ["A", "B", "C"].map(|name| root.intermediate(name));
    let ask = |issuing: &Authority, verification: &Verification| {
        let above = std::slice::from_ref(&issuing.certificate);
        verifier.verify(&issuing.leaf(), above, verification).is_ok()
    };
    let too_early = verification().at(Timestamp::from_unix_seconds(0));
    assert!(!ask(&issuing[0], &too_early));
    assert!(!ask(&issuing[0], &one_signature));
    for issuing in &issuing {
        assert!(ask(issuing, &verification()));
    }
    let remembered = issuing.each_ref().map(|issuing| ask(issuing, &one_signature));
    assert_eq!(remembered, [false, true, true]);
    // The same name and key in another certificate is another intermediate.
    let renewed = root.cross_sign(&issuing[2]);
    assert_ne!(renewed, issuing[2].certificate);
    verifier.verify(&issuing[2].leaf(), &[renewed], &one_signature).unwrap_err();
}

#[test]
fn what_is_remembered_is_held_to_time_and_policy() {
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("Issuing", |params| {
        params.not_after = date_time_ymd(2027, 6, 1);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    });
    let (leaf, above) = (issuing.leaf(), [issuing.certificate.clone()]);
    let verifier = Verifier::new([root.certificate.clone()]).unwrap().remembering(few(8));
    let early = verification().at(Timestamp::from_unix_seconds(1_798_761_600)); // 2027-01-01
    let late = verification().at(Timestamp::from_unix_seconds(1_814_400_000)); // 2027-07-01
    verifier.verify(&leaf, &above, &early).unwrap();
    let refused = verifier.verify(&leaf, &above, &late).unwrap_err();
    assert!(matches!(cause(&refused), VerifyError::Expired { .. }), "{refused}");
    let server = Verification::new(Purpose::Server).at(Timestamp::from_unix_seconds(1_798_761_600));
    verifier.verify(&leaf, &above, &server).unwrap_err();
    verifier.verify(&leaf, &above, &early).unwrap();
}

#[test]
fn many_threads_remember_together() {
    let root = Authority::root("Root");
    let verifier = Verifier::new([root.certificate.clone()]).unwrap().remembering(few(2));
    let issuing: Vec<_> = ["A", "B", "C", "D"].iter().map(|name| root.intermediate(name)).collect();
    let stranger = Authority::root("Stranger").intermediate("A");
    std::thread::scope(|scope| {
        for offset in 0..4 {
            let (verifier, issuing, stranger) = (&verifier, &issuing, &stranger);
            scope.spawn(move || {
                for round in 0..40 {
                    let issuing = &issuing[(offset + round) % issuing.len()];
                    let above = [issuing.certificate.clone(), stranger.certificate.clone()];
                    verifier.verify(&issuing.leaf(), &above, &verification()).unwrap();
                    verifier.verify(&stranger.leaf(), &above, &verification()).unwrap_err();
                }
            });
        }
    });
}

/// What is remembered is about the key that signed, and no other of its name.
#[test]
fn an_intermediate_is_not_taken_for_signed_by_another_key_of_the_same_name() {
    let root = Authority::root("Root");
    let (one, two) = (root.intermediate("Upper"), root.intermediate("Upper"));
    let without_identifier = |params: &mut rcgen::CertificateParams| {
        params.use_authority_key_identifier_extension = false;
    };
    let lower = one.intermediate_with("Lower", without_identifier);
    let leaf = lower.leaf();
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let (one, two, lower) = (one.certificate, two.certificate, lower.certificate);
    let remembering = verifier.clone().remembering(few(8));
    remembering.verify(&leaf, &[lower.clone(), one.clone()], &verification()).unwrap();
    let refused = remembering.verify(&leaf, &[lower.clone(), two.clone()], &verification());
    assert!(matches!(cause(&refused.unwrap_err()), VerifyError::Signature { .. }));
    // It is known whom it is not signed by, too.
    for known in [vec![lower.clone()], vec![lower.clone(), two.clone()]] {
        let knowing = verifier.clone().with_intermediates(known);
        let refused = knowing.verify(&leaf, std::slice::from_ref(&two), &verification());
        assert!(matches!(cause(&refused.unwrap_err()), VerifyError::Signature { .. }));
        knowing.verify(&leaf, &[one.clone(), two.clone()], &verification()).unwrap();
    }
}

#[test]
fn a_wrong_key_of_the_same_name_costs_no_signature_where_it_is_known() {
    let (one, two) = (Authority::root("Root"), Authority::root("Root"));
    let anchors = [one.certificate.clone(), two.certificate.clone()];
    let verifier = Verifier::new(anchors).unwrap();
    let one_signature = verification().budget(Budget::default().signatures(1));
    for root in [&one, &two] {
        let issuing = root.intermediate_with("Issuing", |params| {
            params.use_authority_key_identifier_extension = false;
        });
        let knowing = verifier.clone().with_intermediates([issuing.certificate.clone()]);
        knowing.verify(&issuing.leaf(), &[], &one_signature).unwrap();
    }
}

#[test]
fn known_impostors_are_tried_after_the_issuer_that_is_presented() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let identifier = issuing.certificate.subject_key_identifier().unwrap().to_vec();
    let impostors = (0..110).map(|_| {
        let method = rcgen::KeyIdMethod::PreSpecified(identifier.clone());
        Authority::root_with("Issuing", |params| params.key_identifier_method = method).certificate
    });
    let knowing = Verifier::new([root.certificate.clone()]).unwrap().with_intermediates(impostors);
    let presented = std::slice::from_ref(&issuing.certificate);
    knowing.verify(&issuing.leaf(), presented, &verification()).unwrap();
    // One after the other is known as all at once are.
    let knowing = knowing.with_intermediates([issuing.certificate.clone()]);
    knowing.verify(&issuing.leaf(), &[], &verification()).unwrap();
}

#[test]
fn a_mesh_of_known_authorities_ends_within_its_budget() {
    let all: Vec<_> = (0..12).map(|number| Authority::root(&format!("Mesh {number}"))).collect();
    let pairs = all.iter().flat_map(|issuer| all.iter().map(move |subject| (issuer, subject)));
    let mesh: Vec<_> = pairs
        .filter(|(issuer, subject)| !std::ptr::eq(*issuer, *subject))
        .map(|(issuer, subject)| issuer.cross_sign(subject))
        .collect();
    let stranger = Authority::root("Root");
    let knowing = Verifier::new([stranger.certificate]).unwrap().with_intermediates(mesh);
    let refused = knowing.verify(&all[0].leaf(), &[], &verification()).unwrap_err();
    assert!(matches!(cause(&refused), VerifyError::Budget { .. }), "{refused}");
}

/// What passed once does not answer another question: other rules, another purpose, more certificates below,
/// another time.
#[test]
fn an_anchor_and_a_known_intermediate_that_passed_are_asked_again() {
    let lasting_a_year = |params: &mut rcgen::CertificateParams| {
        params.not_before = date_time_ymd(2027, 1, 1);
        params.not_after = date_time_ymd(2028, 1, 1);
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Constrained(1));
    };
    let longer = |params: &mut rcgen::CertificateParams| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2040, 1, 1);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    };
    for anchor_is_limited in [true, false] {
        let (root, known) = match anchor_is_limited {
            true => {
                let root = Authority::root_with("Root", lasting_a_year);
                let known = root.intermediate_with("Known", longer);
                (root, known)
            }
            false => {
                let root = Authority::root_with("Root", longer);
                let known = root.intermediate_with("Known", lasting_a_year);
                (root, known)
            }
        };
        let lower = known.intermediate_with("Lower", longer);
        let lowest = lower.intermediate_with("Lowest", longer);
        let leaf = |issuer: &Authority| issuer.leaf_with(longer_leaf);
        let verifier = Verifier::new([root.certificate.clone()]).unwrap();
        let verifier = verifier.with_intermediates([known.certificate.clone()]);
        let presented = [lower.certificate.clone(), lowest.certificate.clone()];
        let ask = |leaf: &Certificate, verification: &Verification| {
            verifier.verify(leaf, &presented, verification).map(drop)
        };
        let at = |time: &str| verification().at(time.parse().unwrap());
        ask(&leaf(&known), &verification()).unwrap();
        ask(&leaf(&known), &verification()).unwrap();
        let late = ask(&leaf(&known), &at("2028-06-01T00:00:00Z")).unwrap_err();
        assert!(matches!(cause(&late), VerifyError::Expired { .. }), "{late}");
        let early = ask(&leaf(&known), &at("2026-06-01T00:00:00Z")).unwrap_err();
        assert!(matches!(cause(&early), VerifyError::NotYetValid { .. }), "{early}");
        let server = Verification::new(Purpose::Server).at(chains::now());
        let server = ask(&leaf(&known), &server).unwrap_err();
        assert!(matches!(cause(&server), VerifyError::ExtendedKeyUsage { .. }), "{server}");
        let deep = ask(&leaf(&lowest), &verification()).unwrap_err();
        assert!(matches!(cause(&deep), VerifyError::PathLength { .. }), "{deep}");
        let strict = Policy::tls_client().with(Rule::SubjectKeyIdentifierPresent);
        let strict = strict.with(Rule::RootsWithoutExtendedKeyUsage);
        let strict = ask(&leaf(&known), &Verification::new(strict).at(chains::now()));
        assert_eq!(strict.is_err(), anchor_is_limited);
        ask(&leaf(&known), &verification()).unwrap();
    }
}

fn longer_leaf(params: &mut rcgen::CertificateParams) {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2040, 1, 1);
}
