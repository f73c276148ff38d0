//! The rotation of a CA: whatever the order of its steps, no worker is locked out.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

#[path = "support/chains.rs"]
mod chains;
#[cfg(feature = "rustls")]
#[path = "support/client.rs"]
mod client;
#[cfg(feature = "rustls")]
#[path = "rotation/frontend.rs"]
mod frontend;
#[cfg(feature = "rustls")]
#[path = "support/go.rs"]
mod go;
#[cfg(feature = "rustls")]
#[path = "support/judges.rs"]
mod judges;
#[path = "rotation/plan.rs"]
mod plan;

use std::slice::from_ref;
use std::time::Duration;

use chains::Authority;
use private_ca::temporal::bundle::{BundleError, CaBundle};
use private_ca::temporal::rotation::{Rotation, RotationError, Step};
use private_ca::verify::{Policy, Verification, Verifier};
use private_ca::{Certificate, CertificateChain, Timestamp};
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

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

/// A worker's key, and what it presents with it.
struct Client {
    #[cfg_attr(
        not(feature = "rustls"),
        allow(dead_code, reason = "it is for the TLS server's judge")
    )]
    key: KeyPair,
    chain: CertificateChain,
}

impl Client {
    fn of(issuer: &Authority, above: &[&Certificate], change: fn(&mut CertificateParams)) -> Self {
        let (key, mut params) = (chains::key(), chains::leaf_params());
        change(&mut params);
        let leaf = params.signed_by(&key, &issuer.issuer()).unwrap();
        let leaf = Certificate::from_der(leaf.der()).unwrap();
        Self { key, chain: presented(&[&[&leaf], above].concat()) }
    }
}

/// A plan with two workers, the second behind an intermediate; and what they present before and after it.
struct Stage {
    old: Authority,
    new: Authority,
    bundle: CaBundle,
    rotation: Rotation,
    before: [Client; 2],
    /// What the old CA gives them in the midst of it.
    renewed: [Client; 2],
    after: [Client; 2],
    leaves: [CertificateChain; 2],
}

const NAMES: [&str; 2] = ["mail", "payments"];

impl Stage {
    fn new() -> Self {
        let (old, new, other) =
            (Authority::root("Old"), Authority::root("New"), Authority::root("Other"));
        let (issuing, anew) = (old.intermediate("Issuing"), new.intermediate("Issuing anew"));
        let bundle = bundle(&[&other, &old]);
        let before = [
            Client::of(&old, &[], |params| params.not_after = date_time_ymd(2027, 3, 10)),
            Client::of(&issuing, &[&issuing.certificate], |_| {}),
        ];
        let renewed = [
            Client::of(&old, &[], |params| params.not_after = date_time_ymd(2027, 4, 10)),
            Client::of(&issuing, &[&issuing.certificate], |params| {
                params.not_after = date_time_ymd(2027, 5, 1);
            }),
        ];
        let after =
            [Client::of(&new, &[], |_| {}), Client::of(&anew, &[&anew.certificate], |_| {})];
        let mut rotation =
            Rotation::plan(&bundle, from_ref(&old.certificate), from_ref(&new.certificate))
                .unwrap();
        for (name, client) in NAMES.iter().zip(&before) {
            rotation = rotation.with_worker(*name, &client.chain, chains::now()).unwrap();
        }
        let leaves = [after[0].chain.clone(), after[1].chain.clone()];
        Self { old, new, bundle, rotation, before, renewed, after, leaves }
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
    stage.rotation.retired("mail", now).unwrap();
    stage.rotation.issued("mail", &another, now).unwrap();
    let mail = &stage.rotation.workers()[0];
    // If the other one does not work, the worker goes back to the old one.
    assert!(mail.confirmed.is_none() && mail.retired.is_none());
}

#[test]
fn a_certificate_that_the_old_ca_issues_in_the_midst_of_a_rotation_keeps_the_old_ca() {
    let mut stage = Stage::new();
    let now = chains::now();
    stage.bundle = stage.rotation.add_new_ca(&stage.bundle).unwrap();
    for (worker, leaf) in NAMES.iter().zip(&stage.leaves) {
        stage.rotation.issued(worker, leaf, now).unwrap();
        stage.rotation.confirmed(worker, now).unwrap();
        stage.rotation.retired(worker, now).unwrap();
    }
    stage.rotation.remove_old_ca(&stage.bundle, now).unwrap();
    // What is noted already is no news.
    stage.rotation.renewed("mail", &stage.before[0].chain, now).unwrap();
    assert!(stage.rotation.workers()[0].retired.is_some());

    stage.rotation.renewed("mail", &stage.renewed[0].chain, now).unwrap();
    let until = stage.renewed[0].chain.certificates()[0].validity().not_after;
    let awaits = |stage: &Stage, at: Timestamp| {
        let error = stage.rotation.remove_old_ca(&stage.bundle, at).unwrap_err();
        let RotationError::TooEarly { first } = error else { panic!("{error}") };
        first
    };
    let expected = [Step::AwaitOld { worker: "mail".to_owned(), until }];
    assert_eq!(awaits(&stage, now), expected);
    // The end of the first one is not the end of the second.
    let between: Timestamp = "2027-03-20T00:00:00Z".parse().unwrap();
    assert_eq!(awaits(&stage, between), expected);
    stage.rotation = Rotation::from_json(stage.rotation.to_json().as_bytes()).unwrap();
    assert_eq!(awaits(&stage, between), expected);
    let after = until.plus(Duration::from_secs(1));
    stage.rotation.remove_old_ca(&stage.bundle, after).unwrap();
    stage.rotation.retired("mail", between).unwrap();
    stage.rotation.remove_old_ca(&stage.bundle, between).unwrap();

    // One that ends sooner leaves the end where it is, and is in use all the same.
    stage.rotation.renewed("payments", &stage.renewed[1].chain, now).unwrap();
    let until = stage.before[1].chain.certificates()[0].validity().not_after;
    let expected = [Step::AwaitOld { worker: "payments".to_owned(), until }];
    assert_eq!(awaits(&stage, between), expected);

    let error = stage.rotation.renewed("mail", &stage.leaves[0], now).unwrap_err();
    assert!(matches!(&error, RotationError::NotOfOldCa { worker, .. } if worker == "mail"));
    let error = stage.rotation.renewed("post", &stage.renewed[0].chain, now).unwrap_err();
    assert!(matches!(error, RotationError::NoWorker { .. }), "{error}");
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

/// What somebody does, in any order and as often as he likes.
#[derive(Debug, Clone, Copy)]
enum Deed {
    AddNewCa,
    Issued(usize),
    Confirmed(usize),
    Retired(usize),
    Renewed(usize),
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
        (0..2_usize).prop_map(Deed::Renewed),
        Just(Deed::RemoveOldCa),
        (0..20_u32).prop_map(Deed::Wait),
        Just(Deed::Reload),
    ]
}

impl Stage {
    /// Does it, or leaves it where it is refused.
    fn act(&mut self, deed: Deed, now: &mut Timestamp) {
        let rotation = &mut self.rotation;
        match deed {
            Deed::AddNewCa => self.bundle = rotation.add_new_ca(&self.bundle).unwrap(),
            Deed::Issued(place) => {
                rotation.issued(NAMES[place], &self.leaves[place], *now).unwrap()
            }
            // A worker connects only if it is let in.
            Deed::Confirmed(place) => {
                if is_admitted(&self.bundle, self.leaves[place].certificates(), *now) {
                    let _ = rotation.confirmed(NAMES[place], *now);
                }
            }
            Deed::Retired(place) => drop(rotation.retired(NAMES[place], *now)),
            // An issuer that nobody trusts any more is asked for nothing.
            Deed::Renewed(place) => {
                if self.bundle.certificates().contains(&self.old.certificate) {
                    let _ = rotation.renewed(NAMES[place], &self.renewed[place].chain, *now);
                }
            }
            Deed::RemoveOldCa => {
                if let Ok(bundle) = rotation.remove_old_ca(&self.bundle, *now) {
                    self.bundle = bundle;
                }
            }
            Deed::Wait(days) => {
                *now = now.plus(Duration::from_secs(u64::from(days) * 86_400));
            }
            Deed::Reload => {
                *rotation = Rotation::from_json(rotation.to_json().as_bytes()).unwrap();
            }
        }
    }

    /// Everybody who has to be let in now: whoever may use an old certificate, and whoever was seen to connect
    /// with a new one.
    fn entitled(&self, now: Timestamp) -> Vec<&Client> {
        let mut entitled = Vec::new();
        for (place, worker) in self.rotation.workers().iter().enumerate() {
            let is_current =
                |client: &&Client| client.chain.certificates()[0].validity().contains(now);
            let olds = [&self.before[place], &self.renewed[place]];
            if worker.retired.is_none() {
                // The plan has one of them; the other counts as long as it ends before it.
                let end = worker.old[0].validity().not_after;
                let counts = |client: &&Client| {
                    client.chain.certificates() == worker.old
                        || client.chain.certificates()[0].validity().not_after <= end
                };
                entitled.extend(olds.into_iter().filter(is_current).filter(counts));
            }
            if worker.confirmed.is_some() {
                entitled.extend(Some(&self.after[place]).filter(is_current));
            }
        }
        entitled
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_is_done_no_worker_is_locked_out(deeds in proptest::collection::vec(any_deed(), 1..40)) {
        let mut stage = Stage::new();
        let mut now = chains::now();
        for deed in deeds {
            stage.act(deed, &mut now);
            for client in stage.entitled(now) {
                prop_assert!(is_admitted(&stage.bundle, client.chain.certificates(), now));
            }
            let is_complete = stage.rotation.steps(&stage.bundle, now).is_empty();
            let is_old_there = stage.bundle.certificates().contains(&stage.old.certificate);
            prop_assert!(!is_complete || !is_old_there);
        }
    }
}
