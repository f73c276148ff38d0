//! The doctor and two dozen broken set-ups, each made for real: whatever is wrong, its first line says so.
#![cfg(all(feature = "connect", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that is wrong should stop, and one that is skipped should say so"
)]

#[path = "support/chains.rs"]
mod chains;
#[path = "support/go.rs"]
mod go;
#[path = "support/judges.rs"]
mod judges;
#[path = "support/openssl.rs"]
mod openssl;

#[cfg(feature = "cli")]
#[path = "doctor/cli.rs"]
mod cli;
#[path = "doctor/configuration.rs"]
mod configuration;
#[path = "doctor/frontends.rs"]
mod frontends;
#[path = "doctor/grpc.rs"]
mod grpc;
#[path = "doctor/names.rs"]
mod names;
#[path = "doctor/pages.rs"]
mod pages;
#[path = "doctor/pki.rs"]
mod pki;
#[path = "doctor/ports.rs"]
mod ports;
#[path = "doctor/refusals.rs"]
mod refusals;
#[path = "doctor/stand_in.rs"]
mod stand_in;
#[path = "doctor/strangers.rs"]
mod strangers;

use std::net::SocketAddr;
use std::time::Duration;

use private_ca::connect::{Diagnosis, Doctor, Stage};

use pki::{Pair, Pki};

/// For somebody with these files, at this address.
fn doctor(pki: &Pki, client: Option<&Pair>, address: SocketAddr) -> Doctor {
    let mut doctor = Doctor::new(address.ip().to_string(), address.port())
        .with_server_cas(pki.server_cas())
        .with_patience(Duration::from_secs(5))
        .with_grace(Duration::from_millis(300));
    if let Some(client) = client {
        doctor = doctor.with_client(client.pem.as_bytes(), client.key.as_bytes(), None);
    }
    doctor
}

/// The stage and the cause by which it fails; both are in its first line.
#[track_caller]
fn assert_fails(diagnosis: &Diagnosis, stage: Stage, id: &str) -> String {
    let line = diagnosis.to_string();
    let Some((at, cause)) = diagnosis.failure() else { panic!("it connects: {diagnosis:?}") };
    assert_eq!((at, cause.id()), (stage, id), "{line}");
    assert_eq!(line, format!("does not connect: {stage}: {cause}"));
    assert!(!line.contains('\n') && !cause.mend().is_empty(), "{line}");
    let stages: Vec<_> = diagnosis.findings().iter().map(|finding| finding.stage).collect();
    let expected: Vec<_> = Stage::ALL.iter().copied().take_while(|other| *other <= stage).collect();
    assert_eq!(stages, expected, "{line}");
    line
}

#[track_caller]
fn assert_connects(diagnosis: &Diagnosis) {
    assert!(diagnosis.failure().is_none(), "{diagnosis}");
    assert_eq!(diagnosis.to_string(), "connects");
    assert_eq!(diagnosis.findings().len(), Stage::ALL.len());
}

/// What was seen by a name, at any stage.
fn seen(diagnosis: &Diagnosis, name: &str) -> Vec<String> {
    let evidence = diagnosis.findings().iter().flat_map(|finding| &finding.evidence);
    evidence.filter(|(known, _)| *known == name).map(|(_, value)| value.clone()).collect()
}

/// The mend of the failure.
fn mend(diagnosis: &Diagnosis) -> String {
    diagnosis.failure().unwrap().1.mend().into_owned()
}

/// The warnings of all stages.
fn warned(diagnosis: &Diagnosis) -> Vec<&'static str> {
    let warnings = diagnosis.findings().iter().flat_map(|finding| &finding.warnings);
    warnings.map(|warning| warning.id()).collect()
}
