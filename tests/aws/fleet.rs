//! A fleet on AWS Private CA: throttled, cut off, and resumed.

use futures_util::StreamExt as _;
use private_ca::authority::fleet::{FleetMember, FleetProgress, FleetRecord, issue_fleet};

use super::aws::{Fault, Readiness};
use super::contract::client;
use super::*;

fn fleet(size: usize) -> Vec<FleetMember> {
    (0..size)
        .map(|number| {
            let name = format!("worker-{number}");
            FleetMember::new(&name, client(&format!("CN={name}")))
        })
        .collect()
}

#[tokio::test]
async fn what_was_issued_before_an_interruption_is_not_issued_again() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let arn = ca.arn().as_str().to_owned();
    let before = aws.issued_by(&arn).len();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fleet");
    let members = fleet(24);
    // Throttled now and then, which the SDK sits out.
    aws.fail_next("IssueCertificate", 3, Fault::Throttle);
    {
        let record = FleetRecord::open(&path).unwrap();
        let mut progress = std::pin::pin!(issue_fleet(&ca, members.clone(), &record, 6).unwrap());
        for _ in 0..9 {
            progress.next().await.unwrap().outcome.unwrap();
        }
    }
    // Half an hour later AWS has forgotten every token.
    aws.advance(Duration::from_secs(1800));
    let record = FleetRecord::open(&path).unwrap();
    let known = record.len();
    assert!(known >= 9);
    let steps: Vec<FleetProgress> =
        issue_fleet(&ca, members, &record, 6).unwrap().collect::<Vec<_>>().await;
    assert_eq!(steps.len(), 24);
    assert!(steps.iter().all(|step| step.outcome.is_ok()));
    assert_eq!(steps.iter().filter(|step| step.was_resumed).count(), known);
    // Those that were under way when it stopped may have been issued without being on record.
    let issued = aws.issued_by(&arn).len() - before;
    assert!((24..=24 + 6).contains(&issued), "{issued}");
}

#[tokio::test]
async fn a_late_certificate_is_fetched_by_the_next_run() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection).with_deadline(Duration::from_millis(200));
    let hour = Duration::from_secs(3600);
    aws.behave(|behaviour| behaviour.issuing = Readiness::after(hour));
    let record = FleetRecord::in_memory().unwrap();
    let members = fleet(3);
    let steps: Vec<_> = issue_fleet(&ca, members.clone(), &record, 3).unwrap().collect().await;
    assert!(steps.iter().all(|step| step.outcome.is_err()));
    aws.advance(hour);
    let asked = aws.count("IssueCertificate");
    let steps: Vec<_> = issue_fleet(&ca, members, &record, 3).unwrap().collect().await;
    assert!(steps.iter().all(|step| step.outcome.is_ok() && step.was_resumed));
    assert_eq!(aws.count("IssueCertificate"), asked);
}
