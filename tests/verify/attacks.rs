//! What attackers tried: each of these was accepted once, or took seconds.

use private_ca::Certificate;
use private_ca::verify::{
    Budget, Policy, Revocation, RevocationList, Verification, Verifier, VerifyError as E,
};
use rcgen::{CertificateParams, KeyUsagePurpose as Usage, SanType};

use super::chains::{self, Authority};
use super::lists::{ByHand, by_hand, entry, is_revoked, reason};

fn signs_lists(params: &mut CertificateParams) {
    chains::no_ca(params);
    params.key_usages = vec![Usage::CrlSign];
}

fn verify(
    root: &Authority,
    pool: &[&Certificate],
    leaf: &Certificate,
    lists: &[RevocationList],
) -> Result<(), E> {
    let pool: Vec<_> = pool.iter().copied().cloned().collect();
    let verification = Verification::new(Policy::tls_client())
        .at(chains::now())
        .revocation(Revocation::new(lists.iter().cloned()));
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    verifier.verify(leaf, &pool, &verification).map(drop)
}

/// A list made later than others, which lists nothing.
fn newest() -> ByHand {
    ByHand { this_update: "2027-03-01T09:00:00Z", ..by_hand() }
}

fn revoking(certificates: &[&Certificate]) -> ByHand {
    let entries = certificates.iter().map(|one| entry(one, &[reason(1)])).collect();
    ByHand { entries, ..by_hand() }
}

#[track_caller]
fn assert_revoked(result: Result<(), E>) {
    let error = result.expect_err("accepted");
    assert!(is_revoked(&error), "{error}");
}

#[test]
fn a_revoked_issuer_cannot_make_a_signer_that_takes_its_revocation_back() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf();
    let genuine =
        [revoking(&[&issuing.certificate]).signed_by(&root), by_hand().signed_by(&issuing)];
    assert_revoked(verify(&root, &[&issuing.certificate], &leaf, &genuine));
    // The thief of its key gives somebody the root's name.
    let thief = issuing.intermediate_with("Root", signs_lists);
    let forged = newest().signed_by(&thief);
    let lists = [genuine.as_slice(), &[forged]].concat();
    let pool = [&issuing.certificate, &thief.certificate];
    assert_revoked(verify(&root, &pool, &leaf, &lists));
}

#[test]
fn a_revoked_signer_cannot_vouch_for_itself_and_so_for_others() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf();
    let signer = issuing.intermediate_with("Issuing", signs_lists);
    let genuine =
        [by_hand().signed_by(&root), revoking(&[&signer.certificate, &leaf]).signed_by(&issuing)];
    let pool = [&issuing.certificate, &signer.certificate];
    assert_revoked(verify(&root, &pool, &leaf, &genuine));
    let lists = [genuine.as_slice(), &[newest().signed_by(&signer)]].concat();
    assert_revoked(verify(&root, &pool, &leaf, &lists));
}

#[test]
fn an_authority_cannot_give_somebody_anothers_name_and_speak_for_it() {
    let root = Authority::root("Root");
    let (issuing, other) = (root.intermediate("Issuing"), root.intermediate("Other"));
    let leaf = issuing.leaf();
    let genuine = [by_hand().signed_by(&root), revoking(&[&leaf]).signed_by(&issuing)];
    let impostor = other.intermediate_with("Issuing", signs_lists);
    let lists = [genuine.as_slice(), &[newest().signed_by(&impostor), by_hand().signed_by(&other)]]
        .concat();
    let pool = [&issuing.certificate, &other.certificate, &impostor.certificate];
    assert_revoked(verify(&root, &pool, &leaf, &lists));
}

#[test]
fn whoever_was_found_revoked_stays_so_on_another_path() {
    let (first, second) = (Authority::root("First"), Authority::root("Second"));
    let issuing = first.intermediate("Issuing");
    let mut silent = issuing.params.clone();
    silent.key_usages = vec![Usage::KeyCertSign];
    // The same key, certified by another root, may not sign lists. It ends sooner, so that the
    // path over the other one is tried first.
    silent.not_after = rcgen::date_time_ymd(2027, 6, 1);
    let silent = silent.signed_by(&issuing.key, &second.issuer()).unwrap();
    let silent = Certificate::from_der(silent.der()).unwrap();
    let leaf = issuing.leaf();
    let lists = [revoking(&[&leaf]).signed_by(&issuing), by_hand().signed_by(&first)];
    let verification = Verification::new(Policy::tls_client())
        .at(chains::now())
        .revocation(Revocation::new(lists).accept_unknown());
    let anchors = [first.certificate.clone(), second.certificate.clone()];
    let verifier = Verifier::new(anchors).unwrap();
    let pool = [issuing.certificate.clone(), silent];
    assert_revoked(verifier.verify(&leaf, &pool, &verification).map(drop));
}

#[test]
fn a_revocation_is_told_however_many_issuers_failed_before() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf();
    // Longer than the genuine certificate they last, so that they are tried first.
    let early = (0..80_u8).map(|place| {
        let mut params = issuing.params.clone();
        params.serial_number = Some(vec![1, place].into());
        params.not_before = rcgen::date_time_ymd(2030, 1, 1);
        params.not_after = rcgen::date_time_ymd(2040, 1, 1);
        let early = params.signed_by(&issuing.key, &root.issuer()).unwrap();
        Certificate::from_der(early.der()).unwrap()
    });
    let early: Vec<_> = early.collect();
    let pool: Vec<_> = early.iter().chain([&issuing.certificate]).collect();
    let lists = [revoking(&[&leaf]).signed_by(&issuing), by_hand().signed_by(&root)];
    let error = verify(&root, &pool, &leaf, &lists).unwrap_err();
    assert!(matches!(error.cause(), E::Revoked { .. }), "{error}");
}

#[test]
fn a_list_is_checked_once_however_many_paths_ask_it() {
    let root = Authority::root("Root");
    let upper = root.intermediate("Upper");
    let issuing = upper.intermediate("Issuing");
    let twin = |params: &mut CertificateParams, day| {
        params.not_after = rcgen::date_time_ymd(2027, 12, day);
    };
    // As many certificates of the issuing authority as paths, each covered by the same list, and no list
    // for the one above.
    let twins = (1..=20_u8).map(|day| {
        let mut params = issuing.params.clone();
        twin(&mut params, day);
        let twin = params.signed_by(&issuing.key, &upper.issuer()).unwrap();
        Certificate::from_der(twin.der()).unwrap()
    });
    let twins: Vec<_> = twins.collect();
    let pool: Vec<_> = twins.iter().chain([&upper.certificate]).cloned().collect();
    let lists = [by_hand().signed_by(&issuing), by_hand().signed_by(&upper)];
    let verification = |signatures| {
        Verification::new(Policy::tls_client())
            .at(chains::now())
            .revocation(Revocation::new(lists.iter().cloned()))
            .budget(Budget::default().signatures(signatures))
    };
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let error = |signatures| {
        verifier.verify(&issuing.leaf(), &pool, &verification(signatures)).unwrap_err()
    };
    // The leaf under one key in twenty certificates, those under the one above, that one under the root.
    // The list of the issuing authority under twenty certificates of its key, the other's under one.
    assert!(matches!(error(62).cause(), E::RevocationUnknown { .. }), "{}", error(62));
    assert!(matches!(error(61), E::Budget { limit: 61, .. }), "{}", error(61));
}

/// Levels of two certificates of one name and key each: as many paths as there are ways through.
fn diamond(levels: usize) -> (Vec<Certificate>, Certificate) {
    let mut above = Authority::root("Level 0");
    let mut pool = Vec::new();
    for level in 1..=levels {
        let name = format!("Level {level}");
        let next = above.intermediate(&name);
        let mut twin = next.params.clone();
        twin.not_after = rcgen::date_time_ymd(2027, 12, 31);
        let twin = twin.signed_by(&next.key, &above.issuer()).unwrap();
        pool.push(next.certificate.clone());
        pool.push(Certificate::from_der(twin.der()).unwrap());
        above = next;
    }
    (pool, above.leaf())
}

#[test]
fn ways_through_a_diamond_are_counted() {
    let root = Authority::root("Root");
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let (pool, leaf) = diamond(20);
    for policy in [Policy::tls_client(), Policy::go_tls_client(), Policy::rfc5280()] {
        let verification = Verification::new(policy).at(chains::now());
        let error = verifier.verify(&leaf, &pool, &verification).unwrap_err();
        assert!(matches!(error, E::Budget { limit: 200_000, .. }), "{error}");
    }
    let small = Verification::new(Policy::tls_client())
        .at(chains::now())
        .budget(Budget::default().path_steps(50));
    let error = verifier.verify(&leaf, &pool, &small).unwrap_err();
    assert!(matches!(error, E::Budget { limit: 50, .. }), "{error}");
}

#[test]
fn names_that_meet_no_constraint_of_their_form_are_counted_and_not_compared() {
    let constraints = rcgen::NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: (0..20_000)
            .map(|n| rcgen::GeneralSubtree::DnsName(format!("x{n}.example")))
            .collect(),
    };
    let root = Authority::root_with("Root", |params| params.name_constraints = Some(constraints));
    let leaf = root.leaf_with(|params| {
        params.subject_alt_names = (0..20_000_u32)
            .map(|n| SanType::IpAddress(std::net::Ipv4Addr::from(n).into()))
            .collect();
    });
    let verifier = Verifier::new([root.certificate]).unwrap();
    // Four hundred million comparisons would be far over the budget.
    let verification = Verification::new(Policy::tls_client()).at(chains::now());
    verifier.verify(&leaf, &[], &verification).unwrap();
}

#[test]
fn complete_paths_are_counted() {
    let root = Authority::root("Root");
    let mut authorities = vec![root.intermediate("Level 0")];
    let mut pool = vec![authorities[0].certificate.clone()];
    for level in 1..=8 {
        let issuer = authorities.last().unwrap();
        let next = issuer.intermediate(&format!("Level {level}"));
        let mut twin = next.params.clone();
        twin.not_after = rcgen::date_time_ymd(2027, 12, 31);
        let twin = twin.signed_by(&next.key, &issuer.issuer()).unwrap();
        pool.push(next.certificate.clone());
        pool.push(Certificate::from_der(twin.der()).unwrap());
        authorities.push(next);
    }
    let verifier = Verifier::new([root.certificate.clone()]).unwrap();
    let policy = Policy::tls_client().require_explicit_policy();
    let verification = Verification::new(policy).at(chains::now());
    let error =
        verifier.verify(&authorities.last().unwrap().leaf(), &pool, &verification).unwrap_err();
    assert!(matches!(error, E::Budget { work: "complete paths", limit: 100, .. }), "{error}");
}

#[test]
fn a_path_has_an_end_whatever_the_budget() {
    let root = Authority::root("Root");
    let mut above = Authority::root("Level 0");
    let mut pool = Vec::new();
    for level in 1..=210 {
        let next = above.intermediate(&format!("Level {level}"));
        pool.push(next.certificate.clone());
        above = next;
    }
    let verifier = Verifier::new([root.certificate]).unwrap();
    let verification = Verification::new(Policy::tls_client())
        .at(chains::now())
        .budget(Budget::default().signatures(u32::MAX));
    let error = verifier.verify(&above.leaf(), &pool, &verification).unwrap_err();
    assert!(matches!(error, E::Budget { limit: 200, .. }), "{error}");
}
