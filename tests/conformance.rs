//! The public suites of chain verification: every outcome is the expected one, or listed with a
//! reason.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that is wrong should stop, and one that is skipped should say so"
)]

#[path = "support/conformance.rs"]
mod conformance;
#[path = "support/python.rs"]
mod python;

use std::path::{Path, PathBuf};

use conformance::{Report, limbo, pkits};

/// Data that lies beside the project's folder, where it is shared by several.
fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors").join(path);
    match path.exists() {
        true => Some(path),
        false if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) => {
            panic!("{} is needed", path.display())
        }
        false => {
            println!("skipped: there is no {}", path.display());
            None
        }
    }
}

fn pkits_files() -> Option<pkits::Files> {
    let folder = python::folder_of_package("cryptography_vectors")?.join("x509/PKITS_data");
    Some(pkits::Files::new(&folder.join("certs"), &folder.join("crls")))
}

fn assert_no_surprise(report: &Report, at_least: usize) {
    println!("{report}");
    let surprises: Vec<_> = report.surprises().map(ToString::to_string).collect();
    assert_eq!(surprises, Vec::<String>::new());
    assert!(report.outcomes.len() >= at_least, "{report}");
}

#[test]
fn limbo_comes_out_as_expected_but_for_what_is_listed() {
    let Some(file) = shared("limbo/limbo.json") else { return };
    let report = limbo::run(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_no_surprise(&report, 123);
    let is_of_the_web_pki = |id: &str| id.starts_with("webpki::");
    for outcome in report.outcomes.iter().filter(|outcome| !outcome.matches()) {
        assert!(outcome.refused.is_none(), "a false refusal: {outcome}");
        assert!(is_of_the_web_pki(&outcome.id), "a false acceptance: {outcome}");
    }
}

#[test]
fn all_of_pkits_comes_out_as_expected_but_for_dsa() {
    let Some(files) = pkits_files() else { return };
    let report = pkits::run(include_str!("pkits/suite.txt"), &files).unwrap();
    assert_no_surprise(&report, 287);
}

#[test]
fn a_manifest_of_pkits_in_json_comes_out_as_expected_too() {
    let (Some(files), Some(manifest)) = (pkits_files(), shared("pkits/pkits.json")) else { return };
    let report = pkits::run(&std::fs::read_to_string(manifest).unwrap(), &files).unwrap();
    assert_no_surprise(&report, 149);
}

#[test]
fn a_listed_case_that_agrees_is_a_surprise_and_so_is_another_that_differs() {
    let outcome = |refused: Option<&str>, exception| conformance::Outcome {
        id: "case".to_owned(),
        should_be_valid: true,
        refused: refused.map(str::to_owned),
        exception,
    };
    let report = Report {
        suite: "suite",
        outcomes: vec![
            outcome(None, None),
            outcome(None, Some("a reason")),
            outcome(Some("expired"), None),
            outcome(Some("expired"), Some("a reason")),
        ],
    };
    assert_eq!(report.surprises().count(), 2);
    let text = report.to_string();
    assert_eq!(text.lines().last(), Some("suite: 2 of 4 match, 0 false accepts, 2 false rejects"));
    assert!(text.contains("case: matches, and is listed as an exception"), "{text}");
}
