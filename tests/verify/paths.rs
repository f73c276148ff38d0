//! Pools of intermediates in which a path has to be found, or cannot be.

use private_ca::Certificate;
use private_ca::verify::{
    AnchorError, Policy, Rule, SignatureError, Verification, Verifier, VerifyError as E,
};

use super::chains::{self, Authority};
use super::{Agrees, Differs, Purpose, assert_refused, trial};

fn subjects(path: &[Certificate]) -> Vec<String> {
    path.iter().map(|certificate| certificate.subject().to_string()).collect()
}

#[test]
fn a_path_is_found_in_any_order_and_its_window_is_the_intersection() {
    let root = Authority::root("Root");
    let upper = root.intermediate_with("Upper", |params| {
        params.not_before = rcgen::date_time_ymd(2027, 1, 1);
    });
    let lower = upper.intermediate_with("Lower", |params| {
        params.not_after = rcgen::date_time_ymd(2027, 6, 1);
    });
    let leaf = lower.leaf();
    let pool =
        [&root.certificate, &lower.certificate, &upper.certificate, &lower.certificate, &leaf];
    let chain = trial(&[&root.certificate], &pool, &leaf).accepted();
    assert_eq!(subjects(chain.path()), ["CN=worker", "CN=Lower", "CN=Upper", "CN=Root"]);
    assert_eq!(chain.path()[0], leaf);
    assert_eq!(chain.anchor().certificate(), Some(&root.certificate));
    assert_eq!(chain.window().not_before.to_string(), "2027-01-01T00:00:00Z");
    assert_eq!(chain.window().not_after.to_string(), "2027-06-01T00:00:00Z");
}

#[test]
fn the_search_turns_back_at_dead_ends() {
    let root = Authority::root("Root");
    let gone = Authority::root("Gone");
    let issuing = root.intermediate("Issuing");
    let to_nowhere = gone.cross_sign(&issuing);
    let namesake = root.intermediate("Issuing");
    let mut expired = issuing.params.clone();
    chains::EXPIRED(&mut expired);
    let expired = expired.signed_by(&issuing.key, &root.issuer()).unwrap();
    let expired = Certificate::from_der(expired.der()).unwrap();
    let pool = [&to_nowhere, &namesake.certificate, &expired, &issuing.certificate];
    // OpenSSL never turns back: it follows the first issuer that it meets.
    let chain =
        trial(&[&root.certificate], &pool, &issuing.leaf()).judges(Differs, Agrees).accepted();
    assert_eq!(chain.path()[1], issuing.certificate);

    let error = trial(&[&root.certificate], &pool[..3], &issuing.leaf()).verify().unwrap_err();
    let text = error.to_string();
    let E::NoPath { candidates, .. } = &error else { panic!("{error}") };
    assert_eq!(candidates.len(), 3);
    assert!(matches!(error.cause(), E::Expired { .. }), "{text}");
    for part in [
        "CN=worker to a trust anchor; 3 certificates",
        "expired at",
        "CN=Gone, is neither",
        "another key made it",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn every_issuer_that_was_tried_is_in_the_error() {
    let root = Authority::root("Root");
    let upper = root.intermediate_with("Upper", chains::EXPIRED);
    let lower = upper.intermediate("Lower");
    let leaf = lower.leaf();
    let pool = [&upper.certificate, &lower.certificate];
    let error = trial(&[&root.certificate], &pool, &leaf).verify().unwrap_err();
    let only = |error: &E| {
        let E::NoPath { subject, candidates } = error else { panic!("{error}") };
        let [candidate] = candidates.as_slice() else { panic!("{candidates:?}") };
        let issuer = candidate.issuer.certificate().unwrap().clone();
        (subject.to_string(), issuer, candidate.error.clone())
    };
    let (subject, issuer, of_lower) = only(&error);
    assert_eq!((subject.as_str(), &issuer), ("CN=worker", &lower.certificate));
    let (subject, issuer, reason) = only(&of_lower);
    assert_eq!((subject.as_str(), &issuer), ("CN=Lower", &upper.certificate));
    // Alone it speaks for all of them.
    assert!(matches!(reason, E::Expired { .. }), "{reason}");
    assert!(matches!(error.cause(), E::Expired { .. }), "{error}");
    assert_eq!(error.to_string(), reason.to_string());
    assert_eq!(of_lower.to_string(), reason.to_string());
}

#[test]
fn loops_end() {
    let root = Authority::root("Root");
    let (a, b) = (Authority::root("A"), Authority::root("B"));
    let (a_by_b, b_by_a) = (b.cross_sign(&a), a.cross_sign(&b));
    let pool = [&a_by_b, &b_by_a, &a.certificate, &b.certificate];
    assert!(trial(&[&root.certificate], &pool, &a.leaf()).verify().is_err());
    let a_by_root = root.cross_sign(&a);
    let pool = [pool[0], pool[1], pool[2], pool[3], &a_by_root];
    // OpenSSL never turns back: it prefers the self-signed certificate of A and ends there.
    let chain = trial(&[&root.certificate], &pool, &b.leaf()).judges(Differs, Agrees).accepted();
    assert_eq!(subjects(chain.path()), ["CN=worker", "CN=B", "CN=A", "CN=Root"]);
}

#[test]
fn unknown_issuers_and_wrong_keys_are_told_apart() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf();
    assert_eq!(
        trial(&[&root.certificate], &[], &leaf).refused().to_string(),
        "the issuer of the certificate CN=worker, CN=Issuing, is neither among the trust anchors nor among the intermediate certificates"
    );
    let namesake = root.intermediate("Issuing");
    assert_refused!(
        trial(&[&root.certificate], &[&namesake.certificate], &leaf),
        E::Signature { source: SignatureError::Invalid, .. }
    );
    let other = Authority::root("Other");
    assert_refused!(
        trial(&[&other.certificate], &[&issuing.certificate, &root.certificate], &leaf),
        E::SelfSigned { .. }
    );
}

#[test]
fn a_leaf_among_the_anchors_is_accepted_if_it_is_self_signed() {
    let key = chains::key();
    let own = chains::leaf_params().self_signed(&key).unwrap();
    let own = Certificate::from_der(own.der()).unwrap();
    let chain = trial(&[&own], &[], &own).accepted();
    assert_eq!(chain.path(), std::slice::from_ref(&own));
    let root = Authority::root("Root");
    assert_refused!(trial(&[&root.certificate], &[], &own), E::SelfSigned { .. });
    let leaf = root.leaf();
    assert_refused!(trial(&[&leaf], &[], &leaf), E::UnknownIssuer { .. });
}

#[test]
fn key_identifiers_help_and_decide_only_by_a_rule() {
    let root = Authority::root("Root");
    let renewed = {
        let mut params = root.params.clone();
        params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1; 20]);
        let certificate = params.self_signed(&root.key).unwrap();
        Certificate::from_der(certificate.der()).unwrap()
    };
    // RFC 5280 section 4.2.1.1 has them help to find an issuer; OpenSSL refuses an issuer whose
    // identifier is another.
    trial(&[&renewed], &[], &root.leaf())
        .policy(Policy::tls_client().without(Rule::KeyIdentifiersMatch))
        .judges(Differs, Agrees)
        .accepted();
    assert_refused!(
        trial(&[&renewed], &[], &root.leaf()).judges(Agrees, Differs),
        E::Rule { rule: Rule::KeyIdentifiersMatch, .. }
    );
    let chain = trial(&[&renewed, &root.certificate], &[], &root.leaf()).accepted();
    assert_eq!(chain.anchor().certificate(), Some(&root.certificate));
}

#[test]
fn a_pool_that_wastes_work_ends_the_search() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let namesakes: Vec<_> = (0..150).map(|_| root.intermediate("Issuing").certificate).collect();
    let pool: Vec<_> = namesakes.iter().collect();
    // Where key identifiers tell namesakes apart, there is no work to waste.
    let leaf = issuing.leaf();
    assert_refused!(
        trial(&[&root.certificate], &pool, &leaf),
        E::Rule { rule: Rule::KeyIdentifiersMatch, .. }
    );
    let leaf = issuing.leaf_with(|params| params.use_authority_key_identifier_extension = false);
    let error = trial(&[&root.certificate], &pool, &leaf).verify().unwrap_err();
    assert!(matches!(error, E::Budget { limit: 100, .. }), "{error}");
}

#[test]
fn authorities_that_all_vouch_for_each_other_end_the_search() {
    let authorities: Vec<_> = (0..10).map(|n| Authority::root(&format!("CA {n}"))).collect();
    let mut pool = Vec::new();
    for a in &authorities {
        for b in &authorities {
            if !std::ptr::eq(a, b) {
                pool.push(a.cross_sign(b));
            }
        }
    }
    let pool: Vec<_> = pool.iter().collect();
    let root = Authority::root("Root");
    let error = trial(&[&root.certificate], &pool, &authorities[0].leaf()).verify().unwrap_err();
    assert!(matches!(error, E::Budget { .. }), "{error}");
}

#[test]
fn anchors_are_needed_and_have_usable_keys() {
    assert!(matches!(Verifier::new([] as [Certificate; 0]), Err(AnchorError::None)));
    let root = Authority::root("Root");
    let odd = root.leaf_with(|_| {});
    let mut der = odd.as_der().to_vec();
    let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let place = der.windows(8).position(|window| window == curve).unwrap();
    der[place + 7] = 6;
    let odd = Certificate::from_der(&der).unwrap();
    let error = Verifier::new([odd]).unwrap_err();
    assert!(
        error.to_string().starts_with(
            "the trust anchor CN=worker cannot be used: the public key lies on the curve"
        ),
        "{error}"
    );
}

#[test]
fn any_purpose_verifies_an_authority() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    trial(&[&root.certificate], &[], &issuing.certificate)
        .purpose(Purpose::Any)
        .judges(Agrees, Differs)
        .accepted();
}

#[test]
fn verifiers_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    shared(&Verifier::new([Authority::root("Root").certificate]).unwrap());
}

/// A CA that was made again under its old name: the old one is trusted still, and has ended.
#[test]
fn a_namesake_that_signed_nothing_is_not_blamed_for_having_expired() {
    let old = Authority::root_with("Root", chains::EXPIRED);
    let new = Authority::root("Root");
    let leaf = new.leaf();
    let verifier = Verifier::new([old.certificate.clone()]).unwrap();
    let verification = Verification::new(Purpose::Client).at(chains::now());
    let alone = verifier.verify(&leaf, &[], &verification).unwrap_err();
    assert!(matches!(alone.cause(), E::Signature { .. }), "{alone}");
    let with_new = [new.certificate.clone()];
    let untrusted = verifier.verify(&leaf, &with_new, &verification).unwrap_err();
    assert!(matches!(untrusted.cause(), E::SelfSigned { .. }), "{untrusted}");
    // Where the expired one is the issuer, that is the reason.
    let expired = verifier.verify(&old.leaf(), &[], &verification).unwrap_err();
    assert!(matches!(expired.cause(), E::Expired { .. }), "{expired}");
}

#[test]
fn a_leaf_among_the_anchors_has_to_be_signed_by_itself() {
    let root = Authority::root("Root");
    // Self-issued, and signed by another key than its own.
    let stranger = Authority::root("Root");
    let impostor = stranger.leaf_with(|params| {
        params.distinguished_name = root.params.distinguished_name.clone();
    });
    let verifier = Verifier::new([impostor.clone()]).unwrap();
    let verification = Verification::new(Purpose::Client).at(chains::now());
    assert!(verifier.verify(&impostor, &[], &verification).is_err());
}
