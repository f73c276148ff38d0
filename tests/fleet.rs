//! Issuing for a fleet: how many at a time, what is told, and what an interruption costs.
#![cfg(feature = "local")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{Stream, StreamExt as _};
use private_ca::authority::fleet::{
    FleetError, FleetMember, FleetProgress, FleetRecord, issue_fleet,
};
use private_ca::{
    CaError, CertificateAuthority, CertificateChain, CertificateId, CertificatePurpose,
    CertificateRequest, IssueRequest, IssuedCertificate, KeyAlgorithm, LocalCa, PrivateKey,
    RequestedValidity, Revocation,
};

/// A local CA as slow as a remote one, which counts and can be told to fail.
#[derive(Debug)]
struct Slow {
    ca: LocalCa,
    now: AtomicUsize,
    most: AtomicUsize,
    submitted: AtomicUsize,
    refuse: Mutex<HashSet<usize>>,
    never_ready: Mutex<bool>,
}

impl Slow {
    fn new() -> Self {
        Self {
            ca: LocalCa::in_memory().unwrap(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
            submitted: AtomicUsize::new(0),
            refuse: Mutex::default(),
            never_ready: Mutex::new(false),
        }
    }
}

#[async_trait]
impl CertificateAuthority for Slow {
    async fn certificate_chain(&self) -> Result<CertificateChain, CaError> {
        self.ca.certificate_chain().await
    }

    async fn submit(&self, request: IssueRequest) -> Result<CertificateId, CaError> {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(2)).await;
        self.now.fetch_sub(1, Ordering::SeqCst);
        let number = self.submitted.fetch_add(1, Ordering::SeqCst);
        if self.refuse.lock().unwrap().contains(&number) {
            return Err(CaError::Throttled { operation: "IssueCertificate", source: "".into() });
        }
        self.ca.submit(request).await
    }

    async fn certificate(&self, id: CertificateId) -> Result<IssuedCertificate, CaError> {
        if *self.never_ready.lock().unwrap() {
            return Err(CaError::Unfinished { id });
        }
        self.ca.certificate(id).await
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), CaError> {
        self.ca.revoke(revocation).await
    }
}

fn fleet(size: usize) -> Vec<FleetMember> {
    (0..size)
        .map(|number| {
            let name = format!("worker {number}");
            let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
            let subject = format!("CN={name}").parse().unwrap();
            let request = CertificateRequest::new(&key, subject, &[]).unwrap();
            let days = RequestedValidity::days(1);
            FleetMember::new(name, IssueRequest::new(request, CertificatePurpose::Client, days))
        })
        .collect()
}

async fn all(progress: impl Stream<Item = FleetProgress>) -> Vec<FleetProgress> {
    progress.collect().await
}

fn failures(steps: &[FleetProgress]) -> usize {
    steps.iter().filter(|step| step.outcome.is_err()).count()
}

#[tokio::test]
async fn everyone_gets_a_certificate_and_no_more_are_asked_at_once_than_allowed() {
    let ca = Slow::new();
    let members = fleet(40);
    let record = FleetRecord::in_memory().unwrap();
    let steps = all(issue_fleet(&ca, members.clone(), &record, 5).unwrap()).await;
    assert_eq!((steps.len(), failures(&steps)), (40, 0));
    assert_eq!(ca.most.load(Ordering::SeqCst), 5);
    assert_eq!(ca.ca.issued().unwrap().len(), 40);
    for step in steps {
        let member = members.iter().find(|member| member.name == step.name).unwrap();
        let request = &member.request.certificate_request;
        let certificate = step.outcome.unwrap().certificate;
        assert_eq!(certificate.public_key_der(), request.public_key_der());
        assert!(!step.was_resumed);
    }
}

#[tokio::test]
async fn what_was_issued_before_an_interruption_is_not_issued_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet");
    let ca = Slow::new();
    let members = fleet(30);
    for stop_after in [1, 7, 20] {
        let record = FleetRecord::open(&path).unwrap();
        let mut progress = std::pin::pin!(issue_fleet(&ca, members.clone(), &record, 4).unwrap());
        for _ in 0..stop_after {
            progress.next().await.unwrap().outcome.unwrap();
        }
    }
    let record = FleetRecord::open(&path).unwrap();
    let known = record.len();
    let steps = all(issue_fleet(&ca, members.clone(), &record, 4).unwrap()).await;
    assert_eq!((steps.len(), failures(&steps)), (30, 0));
    assert_eq!(steps.iter().filter(|step| step.was_resumed).count(), known);
    assert_eq!(ca.ca.issued().unwrap().len(), 30);
    // Once more: everything is fetched, and nothing asked.
    let asked = ca.submitted.load(Ordering::SeqCst);
    drop(record);
    let record = FleetRecord::open(&path).unwrap();
    let steps = all(issue_fleet(&ca, members, &record, 4).unwrap()).await;
    assert!(steps.iter().all(|step| step.was_resumed && step.outcome.is_ok()));
    assert_eq!(ca.submitted.load(Ordering::SeqCst), asked);
}

#[tokio::test]
async fn a_failure_concerns_one_member_and_is_mended_by_asking_again() {
    let ca = Slow::new();
    *ca.refuse.lock().unwrap() = HashSet::from([2, 5]);
    let members = fleet(10);
    let record = FleetRecord::in_memory().unwrap();
    let steps = all(issue_fleet(&ca, members.clone(), &record, 3).unwrap()).await;
    assert_eq!(failures(&steps), 2);
    let steps = all(issue_fleet(&ca, members.clone(), &record, 3).unwrap()).await;
    assert_eq!(failures(&steps), 0);
    assert_eq!(ca.ca.issued().unwrap().len(), 10);

    // Asked for and not ready in time: the id is on record, and only fetched later.
    let late = Slow::new();
    *late.never_ready.lock().unwrap() = true;
    let record = FleetRecord::in_memory().unwrap();
    let steps = all(issue_fleet(&late, members.clone(), &record, 3).unwrap()).await;
    assert!(steps.iter().all(|step| matches!(step.outcome, Err(CaError::Unfinished { .. }))));
    *late.never_ready.lock().unwrap() = false;
    let steps = all(issue_fleet(&late, members, &record, 0).unwrap()).await;
    assert_eq!((failures(&steps), late.ca.issued().unwrap().len()), (0, 10));
}

#[tokio::test]
async fn a_process_killed_before_the_record_was_written_gets_the_same_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet");
    let ca = Slow::new();
    let members = fleet(3);
    let record = FleetRecord::open(&path).unwrap();
    all(issue_fleet(&ca, members.clone(), &record, 1).unwrap()).await;
    drop(record);
    let whole = std::fs::read_to_string(&path).unwrap();
    // Cut anywhere: in the heading, between lines, in the last line.
    let heading = whole.find('\n').unwrap() + 1;
    for length in (heading..whole.len()).step_by(13) {
        std::fs::write(&path, &whole[..length]).unwrap();
        let record = FleetRecord::open(&path).unwrap();
        let steps = all(issue_fleet(&ca, members.clone(), &record, 2).unwrap()).await;
        assert_eq!(failures(&steps), 0, "cut at {length}");
        drop(record);
        let mut lines: Vec<_> =
            std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
        let mut expected: Vec<_> = whole.lines().map(str::to_owned).collect();
        lines.sort();
        expected.sort();
        assert_eq!(lines, expected);
    }
    assert_eq!(ca.ca.issued().unwrap().len(), 3);
    for length in 0..heading {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(FleetRecord::open(&path).unwrap().is_empty());
    }
}

#[tokio::test]
async fn mistakes_are_told_before_anything_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let ca = Slow::new();
    let record = FleetRecord::in_memory().unwrap();
    let mut twice = fleet(2);
    twice[1].name = twice[0].name.clone();
    let refused = issue_fleet(&ca, twice, &record, 1).err().unwrap();
    assert!(matches!(refused, FleetError::DuplicateName { .. }), "{refused}");
    for bad in ["", "two\nlines"] {
        let mut members = fleet(1);
        members[0].name = bad.to_owned();
        assert!(matches!(issue_fleet(&ca, members, &record, 1), Err(FleetError::Name { .. })));
    }
    assert_eq!(ca.submitted.load(Ordering::SeqCst), 0);

    // The same name with another request is not what was asked before.
    let path = folder.path().join("fleet");
    let record = FleetRecord::open(&path).unwrap();
    all(issue_fleet(&ca, fleet(1), &record, 1).unwrap()).await;
    let steps = all(issue_fleet(&ca, fleet(1), &record, 1).unwrap()).await;
    assert!(matches!(steps[0].outcome, Err(CaError::IdempotencyConflict { .. })));

    let busy = FleetRecord::open(&path).unwrap_err();
    assert!(matches!(busy, FleetError::Busy { .. }), "{busy}");
    drop(record);
    for damaged in ["something else\n", "no newline either", "private-ca fleet 1 x\nabc\n"] {
        std::fs::write(&path, damaged).unwrap();
        let error = FleetRecord::open(&path).unwrap_err();
        assert!(matches!(error, FleetError::Damaged { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), damaged);
    }
}
