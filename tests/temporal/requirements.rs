//! Every rule, broken alone.

use std::collections::BTreeSet;
use std::time::Duration;

use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::filters::{CertificateFilter, FilterField, FilterSet};
use private_ca::temporal::requirements::{
    NOTICE_DAYS, Prediction, Report, Requirement as R, Severity, Submission,
};
use private_ca::{Certificate, KeyAlgorithm, PrivateKey, Timestamp};
use rcgen::{DnType, KeyUsagePurpose, date_time_ymd};

use super::chains::{self, Authority, EXPIRED, Handmade, tlv};
use super::{bundle_of, presented};

fn submission(bundle: &[&Certificate], client: &[&Certificate]) -> Submission {
    Submission::new(bundle_of(bundle)).presenting(&presented(client)).at(chains::now())
}

fn named(name: &str) -> FilterSet {
    let filter = CertificateFilter::default().with(FilterField::CommonName, name);
    FilterSet::new(vec![filter])
}

fn broken(report: &Report) -> Vec<R> {
    report.findings().iter().map(|finding| finding.requirement).collect()
}

/// Submissions that each break the rules beside them, and no other.
fn broken_ones() -> Vec<(Vec<R>, Submission)> {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let leaf = root.leaf_with(chains::no_ca);
    let (ca, client) = ([&root.certificate], [&leaf]);
    let good = || submission(&ca, &client);
    let of = |change: fn(&mut rcgen::CertificateParams)| {
        let leaf = root.leaf_with(|params| {
            chains::no_ca(params);
            change(params);
        });
        submission(&ca, &[&leaf])
    };
    let of_root =
        |root: &Authority| submission(&[&root.certificate], &[&root.leaf_with(chains::no_ca)]);
    let filters = |filters: FilterSet| good().with_filters(filters);
    let twice = FilterSet::new([named("worker").filters(), named("WORKER").filters()].concat());
    let many = (0..26)
        .map(|n| CertificateFilter::default().with(FilterField::CommonName, format!("{n}worker")));
    let many: Vec<_> = many.chain(named("worker").filters().iter().cloned()).collect();
    let roots: Vec<_> =
        (0..16).map(|n| Authority::root(&format!("Root {n}")).certificate).collect();
    let many_roots: Vec<_> = roots.iter().chain(ca).collect();
    let long = Authority::root_with("Long", |params| {
        let comment = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5; 25_000]);
        params.custom_extensions.push(comment);
    });
    let same = Authority::root("Worker");
    let ml_dsa = {
        let key = PrivateKey::generate(KeyAlgorithm::MlDsa44).unwrap();
        let extensions = [
            // basicConstraints, empty; keyUsage, digitalSignature.
            tlv(0x30, &[&[6, 3, 0x55, 0x1d, 19][..], &tlv(4, &tlv(0x30, &[]))].concat()),
            tlv(0x30, &[&[6, 3, 0x55, 0x1d, 15][..], &tlv(4, &tlv(3, &[7, 0x80]))].concat()),
        ];
        root.sign_by_hand(&Handmade {
            version: tlv(0xa0, &tlv(2, &[2])),
            public_key: key.public_key_der().to_vec(),
            extensions: tlv(0xa3, &tlv(0x30, &extensions.concat())),
            ..Handmade::of(&leaf)
        })
    };
    let ed25519 = Authority::of_algorithm(&rcgen::PKCS_ED25519, "Root");
    let ending = Authority::root_with("Root", |params| {
        params.not_after = date_time_ymd(2027, 3, 11);
    });
    let early = Authority::root_with("Root", |params| {
        params.not_after = date_time_ymd(2027, 6, 1);
    });
    vec![
        (vec![R::BundleHasCa], Submission::new(CaBundle::default())),
        (vec![R::BundleCount], submission(&many_roots, &client)),
        (vec![R::BundleSize], of_root(&long)),
        (vec![R::CaBasicConstraints], submission(&[&root.certificate, &leaf], &client)),
        (vec![R::CaSignatureAlgorithm, R::LeafSignatureAlgorithm], of_root(&ed25519)),
        (
            vec![R::CaIssuerInBundle],
            submission(&[&issuing.certificate], &[&issuing.leaf_with(chains::no_ca)]),
        ),
        (vec![R::PublicCaNeedsFilters], good().with_system_cas(vec![root.certificate.clone()])),
        (
            vec![R::CaIsValid],
            submission(
                &[&root.certificate, &Authority::root_with("Old", EXPIRED).certificate],
                &client,
            ),
        ),
        (vec![R::CaEndsLater, R::LeafWithinCa], of_root(&ending)),
        (vec![R::LeafWithinCa], of_root(&early)),
        (vec![R::LeafFirst], submission(&[&root.certificate], &[&issuing.certificate, &leaf])),
        (vec![R::LeafNotCa], submission(&ca, &[&issuing.certificate])),
        (vec![R::LeafBasicConstraints], submission(&ca, &[&root.leaf()])),
        (
            vec![R::LeafDigitalSignature],
            of(|params| params.key_usages = vec![KeyUsagePurpose::KeyEncipherment]),
        ),
        (vec![R::LeafKeyUsage], of(|params| params.key_usages.clear())),
        (vec![R::LeafKeyAlgorithm], submission(&ca, &[&ml_dsa])),
        (
            vec![R::DistinctNames],
            submission(&[&same.certificate], &[&same.leaf_with(chains::no_ca)]),
        ),
        (vec![R::TlsAccepts], of(EXPIRED)),
        (vec![R::LeafEndsLater], of(|params| params.not_after = date_time_ymd(2027, 3, 11))),
        (
            vec![R::KeyFits],
            good().with_key(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()),
        ),
        (vec![R::FilterCount], filters(FilterSet::new(many))),
        (
            vec![R::FilterHasField],
            filters(FilterSet::new(
                [named("worker").filters(), &[CertificateFilter::default()]].concat(),
            )),
        ),
        (
            vec![R::FilterWildcard],
            filters(FilterSet::new([named("worker").filters(), named("w*r").filters()].concat())),
        ),
        (vec![R::FilterDistinct], filters(twice)),
        (vec![R::FilterAdmits], filters(named("somebody else"))),
        // A version 1 has no extensions, which is more than one rule.
        (
            vec![R::LeafVersion, R::LeafBasicConstraints, R::LeafKeyUsage],
            submission(&ca, &[&root.sign_by_hand(&Handmade::of(&leaf))]),
        ),
    ]
}

#[test]
fn every_rule_that_is_broken_is_found_and_no_other() {
    for (expected, submission) in broken_ones() {
        let report = submission.examine();
        // The rest of a chain that is refused for a rule's sake is not looked at here.
        let found = broken(&report);
        assert_eq!(found, expected, "{:?}", report.findings());
        for finding in report.findings() {
            assert!(!finding.found.is_empty() && !finding.mend.is_empty(), "{finding:?}");
            if let Some(certificate) = &finding.certificate {
                let subject = certificate.subject().to_string();
                assert!(finding.found.contains(&subject), "{finding:?}");
            }
        }
        let is_refused = expected.iter().any(|rule| rule.severity() == Severity::Error);
        assert_eq!(report.prediction().is_accepted(), !is_refused, "{}", report.prediction());
    }
}

#[test]
fn no_rule_is_without_a_test_that_breaks_it() {
    let tested: BTreeSet<_> = broken_ones().into_iter().flat_map(|(rules, _)| rules).collect();
    let elsewhere = [
        // In `authorities_of_another_age`.
        R::CaVersion,
        R::CaKeyUsable,
        // In `frontend`, beside Go's own word.
        R::CaKeyJudged,
        R::TlsJudged,
    ];
    let all: BTreeSet<_> = tested.into_iter().chain(elsewhere).collect();
    assert_eq!(all, R::ALL.iter().copied().collect());
    let ids: BTreeSet<_> = R::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), R::ALL.len());
}

#[test]
fn authorities_of_another_age_are_told_apart() {
    let root = Authority::root("Root");
    let old = root.sign_by_hand(&Handmade::of(&root.certificate));
    let found = broken(&submission(&[&old], &[&root.leaf_with(chains::no_ca)]).examine());
    assert!(found.starts_with(&[R::CaVersion, R::CaBasicConstraints]), "{found:?}");

    let mut handmade = Handmade::of(&root.certificate);
    *handmade.public_key.last_mut().unwrap() ^= 1;
    let unusable = root.sign_by_hand(&handmade);
    let report = submission(&[&unusable], &[&root.leaf_with(chains::no_ca)]).examine();
    assert!(broken(&report).contains(&R::CaKeyUsable), "{:?}", report.findings());
    assert!(report.tls().unwrap().is_err());
    assert!(broken(&report).contains(&R::TlsAccepts), "{:?}", report.findings());
    assert!(!report.prediction().is_accepted(), "nobody vouches for the client");
}

#[test]
fn what_breaks_no_rule_is_accepted_to_its_end() {
    let root = Authority::root("Root");
    let key = chains::key();
    let mut params = chains::leaf_params();
    chains::no_ca(&mut params);
    let leaf = params.signed_by(&key, &root.issuer()).unwrap();
    let leaf = Certificate::from_der(leaf.der()).unwrap();
    let report = submission(&[&root.certificate], &[&leaf])
        .with_key(&PrivateKey::from_pem_or_der(&key.serialize_der()).unwrap())
        .with_filters(named("worker"))
        .with_system_cas(vec![Authority::root("Root").certificate])
        .examine();
    assert_eq!(report.findings(), []);
    assert_eq!(report.unasked(), []);
    let end = leaf.validity().not_after;
    assert_eq!(report.prediction(), Prediction::Accepted { until: Some(end) });
    assert_eq!(report.prediction().to_string(), format!("accepted until {end}"));
    assert_eq!(report.trial().unwrap().matched(), Some(0));
    assert_eq!(report.at(), chains::now());
}

#[test]
fn where_one_ca_certificate_ends_another_of_the_same_key_goes_on() {
    let root = Authority::root("Root");
    let mut params = root.params.clone();
    params.not_after = date_time_ymd(2027, 6, 1);
    let shorter = params.self_signed(&root.key).unwrap();
    let shorter = Certificate::from_der(shorter.der()).unwrap();
    let leaf = root.leaf_with(chains::no_ca);
    let until =
        |bundle: &[&Certificate]| submission(bundle, &[&leaf]).examine().prediction().to_string();
    let end = leaf.validity().not_after;
    assert_eq!(until(&[&shorter]), "accepted until 2027-06-01T00:00:00Z");
    assert_eq!(until(&[&shorter, &root.certificate]), format!("accepted until {end}"));
    // A gap between the two is an end.
    let mut params = root.params.clone();
    params.not_before = date_time_ymd(2027, 6, 2);
    let later = params.self_signed(&root.key).unwrap();
    let later = Certificate::from_der(later.der()).unwrap();
    assert_eq!(until(&[&shorter, &later]), "accepted until 2027-06-01T00:00:00Z");
}

#[test]
fn several_reasons_are_all_told() {
    let root = Authority::root("Root");
    let report = submission(&[&root.certificate], &[&root.leaf_with(EXPIRED)])
        .with_key(&PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap())
        .with_filters(named("somebody else"))
        .examine();
    let Prediction::Refused { reasons } = report.prediction() else { panic!("accepted") };
    let reasons: Vec<_> = reasons.iter().map(|reason| reason.requirement).collect();
    assert_eq!(reasons, [R::TlsAccepts, R::KeyFits, R::FilterAdmits]);
    let told = report.prediction().to_string();
    assert!(told.starts_with("refused because the certificate CN=worker expired"), "{told}");
    assert_eq!(told.matches("; and because ").count(), 2, "{told}");
}

#[test]
fn a_notice_comes_fifteen_ten_and_five_days_before_an_end() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(|params| {
        chains::no_ca(params);
        params.not_after = date_time_ymd(2027, 3, 30);
    });
    let end = leaf.validity().not_after;
    let notice = |before: u64| {
        let at = end.minus(Duration::from_secs(before));
        let report = submission(&[&root.certificate], &[&leaf]).at(at).examine();
        assert!(report.prediction().is_accepted());
        let finding = report.findings().first()?.clone();
        assert_eq!(finding.requirement, R::LeafEndsLater);
        let (_, days) = finding.found.split_once("the notice of ").unwrap();
        Some(days.to_owned())
    };
    let day = 86_400;
    assert_eq!(notice(15 * day + 1), None);
    for (days, next) in NOTICE_DAYS.into_iter().zip([10, 5, 0]) {
        let expected = Some(format!("{days} days"));
        assert_eq!(notice(days * day), expected);
        assert_eq!(notice(next * day + 1), expected);
    }
    assert_eq!(notice(0), Some("5 days".to_owned()));
}

#[test]
fn names_are_the_same_whatever_their_case() {
    let root = Authority::root("ACME Root");
    let leaf = |name: &str| {
        root.leaf_with(|params| {
            chains::no_ca(params);
            params.distinguished_name.push(DnType::CommonName, name);
        })
    };
    let is_distinct = |name: &str| {
        let report = submission(&[&root.certificate], &[&leaf(name)]).examine();
        assert!(report.tls().unwrap().is_ok());
        !broken(&report).contains(&R::DistinctNames)
    };
    assert!(is_distinct("worker"));
    assert!(!is_distinct("ACME Root"));
    assert!(!is_distinct("acme ROOT"));
    // Not next to each other either.
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf_with(|params| {
        chains::no_ca(params);
        params.distinguished_name.push(DnType::CommonName, "acme root");
    });
    let report = submission(&[&root.certificate], &[&leaf, &issuing.certificate]).examine();
    assert_eq!(broken(&report), [R::DistinctNames]);
}

#[test]
fn of_several_paths_one_with_distinct_names_is_enough() {
    let (namesake, other) = (Authority::root("Worker"), Authority::root("Root"));
    let issuing = namesake.intermediate("Issuing");
    let cross = other.cross_sign(&issuing);
    let leaf = issuing.leaf_with(chains::no_ca);
    let findings = |bundle: &[&Certificate], above: &[&Certificate]| {
        let client = [&[&leaf], above].concat();
        let report = submission(bundle, &client).examine();
        assert!(report.tls().unwrap().is_ok(), "{:?}", report.findings());
        let findings = report.findings().iter();
        let of_names = findings.filter(|finding| finding.requirement == R::DistinctNames);
        of_names.map(|finding| finding.found.clone()).collect::<Vec<_>>()
    };
    let (one, two) = (&namesake.certificate, &other.certificate);
    let (first, second) = (&issuing.certificate, &cross);
    for bundle in [[one, two], [two, one]] {
        for above in [[first, second], [second, first]] {
            assert_eq!(findings(&bundle, &above), [] as [String; 0]);
        }
    }
    // Without the other root, or its certificate for the issuer, there is one path.
    for (bundle, above) in [(&[one][..], &[second, first][..]), (&[two, one], &[first])] {
        let [found] = &findings(bundle, above)[..] else { panic!() };
        assert!(found.contains("the path CN=worker < CN=Issuing < CN=Worker,"), "{found}");
    }
    // A path that is not verified does not count.
    let ended = Authority::root_of(chains::key(), "Root", EXPIRED);
    let cross = ended.cross_sign(&issuing);
    let found = findings(&[&ended.certificate, one], &[&cross, first]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn more_paths_than_can_be_followed_are_not_followed() {
    // Ten layers of one key and three certificates each: 59,049 paths, and none without a repetition.
    let top = Authority::root("worker");
    let mut pool = Vec::new();
    let mut upper = top.intermediate("layer");
    pool.extend([upper.certificate.clone(), top.cross_sign(&upper), top.cross_sign(&upper)]);
    for layer in 1..10 {
        let next = upper.intermediate(&format!("layer {layer}"));
        pool.extend([next.certificate.clone(), upper.cross_sign(&next), upper.cross_sign(&next)]);
        upper = next;
    }
    let leaf = upper.leaf_with(chains::no_ca);
    let client: Vec<_> = std::iter::once(&leaf).chain(&pool[..15]).collect();
    let bundle: Vec<_> = std::iter::once(&top.certificate).chain(&pool[15..]).collect();
    let start = std::time::Instant::now();
    let report = submission(&bundle, &client).examine();
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert!(report.unasked().contains(&R::DistinctNames), "{:?}", report.findings());
    assert!(!broken(&report).contains(&R::DistinctNames));
}

#[test]
fn what_cannot_be_asked_is_said() {
    let root = Authority::root("Root");
    let report = Submission::new(bundle_of(&[&root.certificate])).at(chains::now()).examine();
    assert_eq!(report.prediction().to_string(), "accepted");
    let unasked: BTreeSet<_> = report.unasked().iter().copied().collect();
    assert_eq!(unasked.len(), report.unasked().len(), "twice");
    let asked: Vec<_> = R::ALL.iter().filter(|rule| !unasked.contains(rule)).collect();
    assert!(asked.iter().all(|rule| **rule < R::LeafFirst && **rule != R::PublicCaNeedsFilters));
    assert_eq!(asked.len(), 11);
    // Filters that are there answer for a public CA, and can be judged without a client.
    let report = Submission::new(bundle_of(&[&root.certificate]))
        .with_filters(named("a*b"))
        .at(chains::now())
        .examine();
    assert_eq!(broken(&report), [R::FilterWildcard]);
    assert!(!report.unasked().contains(&R::PublicCaNeedsFilters));
    assert!(report.unasked().contains(&R::FilterAdmits));
}

#[test]
fn the_moment_is_now_unless_another_is_named() {
    let root = Authority::root("Root");
    let before = Timestamp::now();
    let at = Submission::new(bundle_of(&[&root.certificate])).examine().at();
    assert!((before..=Timestamp::now()).contains(&at));
}
