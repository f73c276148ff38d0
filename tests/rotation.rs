//! The rotation of a CA: whatever the order of its steps, no worker is locked out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/chains.rs"]
mod chains;

use std::slice::from_ref;
use std::time::Duration;

use chains::Authority;
use private_ca::file::Existing;
use private_ca::temporal::bundle::{BundleError, CaBundle};
use private_ca::temporal::rotation::{Rotation, RotationError, RotationFileError, Step};
use private_ca::verify::{Policy, Verification, Verifier};
use private_ca::{Certificate, CertificateChain, Timestamp};
use proptest::prelude::*;
use rcgen::date_time_ymd;

fn bundle(authorities: &[&Authority]) -> CaBundle {
    let certificates: Vec<_> = authorities.iter().map(|one| one.certificate.clone()).collect();
    CaBundle::of(&certificates)
}

fn presented(certificates: &[&Certificate]) -> CertificateChain {
    CertificateChain::new(certificates.iter().copied().cloned().collect()).unwrap()
}

fn is_admitted(bundle: &CaBundle, chain: &[Certificate], at: Timestamp) -> bool {
    let verification = Verification::new(Policy::go_tls_client()).at(at);
    let verifier = Verifier::new(bundle.certificates().to_vec());
    verifier.is_ok_and(|verifier| verifier.verify(&chain[0], &chain[1..], &verification).is_ok())
}

/// A plan with two workers, the second behind an intermediate; and what they will present.
struct Stage {
    old: Authority,
    new: Authority,
    bundle: CaBundle,
    rotation: Rotation,
    leaves: [CertificateChain; 2],
}

impl Stage {
    fn new() -> Self {
        let (old, new, other) =
            (Authority::root("Old"), Authority::root("New"), Authority::root("Other"));
        let issuing = old.intermediate("Issuing");
        let bundle = bundle(&[&other, &old]);
        let ending = old.leaf_with(|params| params.not_after = date_time_ymd(2027, 3, 10));
        let rotation =
            Rotation::plan(&bundle, from_ref(&old.certificate), from_ref(&new.certificate))
                .unwrap()
                .with_worker("mail", &presented(&[&ending]), chains::now())
                .unwrap()
                .with_worker(
                    "payments",
                    &presented(&[&issuing.leaf(), &issuing.certificate]),
                    chains::now(),
                )
                .unwrap();
        let anew = new.intermediate("Issuing anew");
        let leaves = [presented(&[&new.leaf()]), presented(&[&anew.leaf(), &anew.certificate])];
        Self { old, new, bundle, rotation, leaves }
    }

    fn ids(&self, at: Timestamp) -> Vec<&'static str> {
        self.rotation.steps(&self.bundle, at).iter().map(Step::id).collect()
    }
}

#[test]
fn a_rotation_goes_from_the_old_ca_to_the_new_one() {
    let mut stage = Stage::new();
    let now = chains::now();
    let of_workers = ["issue", "confirm", "await-old", "issue", "confirm", "await-old"];
    assert_eq!(stage.ids(now), [&["add-new-ca"], &of_workers[..], &["remove-old-ca"]].concat());

    stage.bundle = stage.rotation.add_new_ca(&stage.bundle).unwrap();
    assert_eq!(stage.bundle.certificates().len(), 3);
    assert_eq!(stage.rotation.add_new_ca(&stage.bundle).unwrap(), stage.bundle);
    assert_eq!(stage.ids(now), [&of_workers[..], &["remove-old-ca"]].concat());

    for (worker, leaf) in ["mail", "payments"].iter().zip(&stage.leaves) {
        stage.rotation.issued(worker, leaf, now).unwrap();
        stage.rotation.confirmed(worker, now).unwrap();
    }
    let error = stage.rotation.remove_old_ca(&stage.bundle, now).unwrap_err();
    let RotationError::TooEarly { first } = &error else { panic!("{error}") };
    assert_eq!(first.iter().filter_map(Step::worker).collect::<Vec<_>>(), ["mail", "payments"]);
    assert!(error.to_string().contains("when the old certificate of mail ends"), "{error}");

    // One ends by itself, the other is given up.
    let later: Timestamp = "2027-03-10T00:00:01Z".parse().unwrap();
    assert_eq!(stage.ids(later), ["await-old", "remove-old-ca"]);
    stage.rotation.retired("payments", later).unwrap();
    let before = stage.bundle.clone();
    stage.bundle = stage.rotation.remove_old_ca(&stage.bundle, later).unwrap();
    assert_eq!(before.difference(&stage.bundle).removed, [stage.old.certificate.clone()]);
    assert!(stage.bundle.certificates().contains(&stage.new.certificate));
    assert!(stage.ids(later).is_empty());
    // And once more, as somebody would whose connection broke.
    assert_eq!(stage.rotation.remove_old_ca(&stage.bundle, later).unwrap(), stage.bundle);
}

#[test]
fn what_would_lock_a_worker_out_is_refused() {
    let mut stage = Stage::new();
    let now = chains::now();
    let old_leaf = presented(&[&stage.old.leaf()]);
    let error = stage.rotation.issued("mail", &old_leaf, now).unwrap_err();
    assert!(matches!(&error, RotationError::NotOfNewCa { worker, .. } if worker == "mail"));
    // The intermediate is not in the bundle, so the worker has to present it.
    let alone = presented(&[&stage.leaves[1].certificates()[0]]);
    let error = stage.rotation.issued("payments", &alone, now).unwrap_err();
    assert!(error.to_string().contains("CN=Issuing anew"), "{error}");

    let error = stage.rotation.confirmed("mail", now).unwrap_err();
    assert!(error.to_string().contains("issue a certificate of the new CA for mail"), "{error}");
    let error = stage.rotation.retired("mail", now).unwrap_err();
    assert!(error.to_string().contains("see that mail connects"), "{error}");
    let error = stage.rotation.confirmed("post", now).unwrap_err();
    assert_eq!(error.to_string(), "the plan has no worker post; it has mail, payments");

    // Another certificate than the one that was confirmed.
    stage.rotation.issued("mail", &stage.leaves[0], now).unwrap();
    stage.rotation.confirmed("mail", now).unwrap();
    stage.rotation.issued("mail", &stage.leaves[0], now).unwrap();
    assert!(stage.rotation.workers()[0].confirmed.is_some());
    let another = presented(&[&stage.new.leaf()]);
    stage.rotation.issued("mail", &another, now).unwrap();
    assert!(stage.rotation.workers()[0].confirmed.is_none());
}

#[test]
fn a_new_certificate_that_has_ended_holds_the_old_ca_in_place() {
    let mut stage = Stage::new();
    let now = chains::now();
    let short = stage.new.leaf_with(|params| params.not_after = date_time_ymd(2027, 3, 2));
    stage.bundle = stage.rotation.add_new_ca(&stage.bundle).unwrap();
    for (worker, leaf) in [("mail", presented(&[&short])), ("payments", stage.leaves[1].clone())] {
        stage.rotation.issued(worker, &leaf, now).unwrap();
        stage.rotation.confirmed(worker, now).unwrap();
        stage.rotation.retired(worker, now).unwrap();
    }
    stage.rotation.remove_old_ca(&stage.bundle, now).unwrap();
    let later = now.plus(Duration::from_secs(2 * 86_400));
    let error = stage.rotation.remove_old_ca(&stage.bundle, later).unwrap_err();
    assert!(error.to_string().contains("expired"), "{error}");
}

#[test]
fn plans_that_cannot_be_carried_out_are_refused_at_once() {
    let (old, new) = (Authority::root("Old"), Authority::root("New"));
    let there = bundle(&[&old]);
    let (old_ca, new_ca) = (vec![old.certificate.clone()], vec![new.certificate.clone()]);
    let plan = |old: &[Certificate], new: &[Certificate]| Rotation::plan(&there, old, new);
    assert!(matches!(plan(&old_ca, &[]), Err(RotationError::NoCa { which: "comes" })));
    assert!(matches!(plan(&[], &new_ca), Err(RotationError::NoCa { which: "goes" })));
    assert!(matches!(plan(&new_ca, &old_ca), Err(RotationError::NotThere { .. })));
    assert!(matches!(plan(&old_ca, &old_ca), Err(RotationError::Both { .. })));
    let leaf = [new.leaf()];
    let error = plan(&old_ca, &leaf).unwrap_err();
    assert!(matches!(error, RotationError::Bundle(BundleError::NotCa { .. })), "{error}");
    let now = chains::now();
    for leaf in [new.leaf(), old.leaf_with(chains::EXPIRED)] {
        let refused = plan(&old_ca, &new_ca).unwrap().with_worker("a", &presented(&[&leaf]), now);
        assert!(matches!(refused, Err(RotationError::NotOfOldCa { .. })), "{refused:?}");
    }
    let twice = plan(&old_ca, &new_ca).unwrap().with_worker("a", &presented(&[&old.leaf()]), now);
    let twice = twice.unwrap().with_worker("a", &presented(&[&old.leaf()]), now);
    assert!(matches!(twice, Err(RotationError::WorkerTwice { .. })));
    // Another's intermediate would be left without its issuer.
    let issuing = old.intermediate("Issuing");
    let there = bundle(&[&old, &issuing]);
    let error = Rotation::plan(&there, &old_ca, &new_ca).unwrap_err();
    assert!(matches!(error, RotationError::Bundle(BundleError::Incomplete { .. })), "{error}");
    // Both together are too many.
    let full: Vec<_> = (0..16).map(|n| Authority::root(&format!("Root {n}"))).collect();
    let full = bundle(&full.iter().collect::<Vec<_>>());
    let error = Rotation::plan(&full, &full.certificates()[..1], &new_ca).unwrap_err();
    assert!(matches!(error, RotationError::Bundle(BundleError::TooMany { count: 17 })), "{error}");
}

#[test]
fn a_plan_is_read_back_from_its_file() {
    let mut stage = Stage::new();
    let now = chains::now();
    stage.rotation.issued("mail", &stage.leaves[0], now).unwrap();
    stage.rotation.confirmed("mail", now).unwrap();
    stage.rotation.retired("mail", now).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rotation.json");
    stage.rotation.save(&path, Existing::Keep).unwrap();
    assert_eq!(Rotation::load(&path).unwrap(), stage.rotation);
    assert!(stage.rotation.save(&path, Existing::Keep).is_err());
    stage.rotation.save(&path, Existing::Replace).unwrap();

    let text = stage.rotation.to_json();
    for (from, to, says) in [
        ("\"form\": 1", "\"form\": 2", "\"form\" is not 1"),
        ("\"workers\"", "\"worker\"", "workers is missing"),
        ("\"name\": \"mail\"", "\"name\": 7", "workers[0].name is missing"),
        ("\"retired\": \"2027", "\"retired\": \"soon", "workers[0].retired is missing"),
        ("\"confirmed\": null", "\"confirmed\": true", "workers[1].confirmed is missing"),
        ("\"old\": \"-----BEGIN CERT", "\"old\": \"-----BEGIN CARD", "old cannot be read"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let error = Rotation::from_json(changed.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
    let error = Rotation::from_json(b"{").unwrap_err();
    assert!(matches!(error, RotationFileError::Json(_)), "{error}");
    let error = Rotation::load(folder.path().join("absent")).unwrap_err();
    assert!(matches!(error, RotationFileError::File(_)), "{error}");
}

/// What somebody does, in any order and as often as he likes.
#[derive(Debug, Clone, Copy)]
enum Deed {
    AddNewCa,
    Issued(usize),
    Confirmed(usize),
    Retired(usize),
    RemoveOldCa,
    Wait(u32),
    Reload,
}

fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        Just(Deed::AddNewCa),
        (0..2_usize).prop_map(Deed::Issued),
        (0..2_usize).prop_map(Deed::Confirmed),
        (0..2_usize).prop_map(Deed::Retired),
        Just(Deed::RemoveOldCa),
        (0..20_u32).prop_map(Deed::Wait),
        Just(Deed::Reload),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_done_no_worker_is_locked_out(deeds in proptest::collection::vec(any_deed(), 1..40)) {
        let mut stage = Stage::new();
        let mut now = chains::now();
        let names = ["mail", "payments"];
        for deed in deeds {
            let rotation = &mut stage.rotation;
            match deed {
                Deed::AddNewCa => stage.bundle = rotation.add_new_ca(&stage.bundle).unwrap(),
                Deed::Issued(place) => {
                    rotation.issued(names[place], &stage.leaves[place], now).unwrap();
                }
                // A worker connects only if it is let in.
                Deed::Confirmed(place) => {
                    let leaf = stage.leaves[place].certificates();
                    if is_admitted(&stage.bundle, leaf, now) {
                        let _ = rotation.confirmed(names[place], now);
                    }
                }
                Deed::Retired(place) => drop(rotation.retired(names[place], now)),
                Deed::RemoveOldCa => {
                    if let Ok(bundle) = rotation.remove_old_ca(&stage.bundle, now) {
                        stage.bundle = bundle;
                    }
                }
                Deed::Wait(days) => {
                    now = now.plus(Duration::from_secs(u64::from(days) * 86_400));
                }
                Deed::Reload => {
                    *rotation = Rotation::from_json(rotation.to_json().as_bytes()).unwrap();
                }
            }
            for worker in stage.rotation.workers() {
                let old_is_in_use =
                    worker.retired.is_none() && worker.old[0].validity().contains(now);
                prop_assert!(!old_is_in_use || is_admitted(&stage.bundle, &worker.old, now));
                if worker.confirmed.is_some() {
                    let new = worker.new.as_ref().unwrap();
                    prop_assert!(!new[0].validity().contains(now) || is_admitted(&stage.bundle, new, now));
                }
            }
            let is_complete = stage.rotation.steps(&stage.bundle, now).is_empty();
            let is_old_there = stage.bundle.certificates().contains(&stage.old.certificate);
            prop_assert!(!is_complete || !is_old_there);
        }
    }
}
