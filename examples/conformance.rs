//! Runs the public suites of chain verification, and prints each case that comes out otherwise:
//!
//! ```text
//! cargo run --release --example conformance -- limbo limbo.json
//! cargo run --release --example conformance -- pkits MANIFEST CERTS_DIR CRLS_DIR
//! ```
//!
//! The last line counts. It ends with 1 if a case differs that is not in the list of exceptions, or
//! one agrees that is.
#![allow(clippy::indexing_slicing, clippy::print_stdout, clippy::print_stderr, reason = "a tool")]

#[path = "../tests/support/conformance.rs"]
mod conformance;

use std::path::Path;
use std::process::ExitCode;

use conformance::{Report, limbo, pkits};

fn run(arguments: &[String]) -> Result<Report, String> {
    let read =
        |path: &str| std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    match arguments {
        [suite, file] if suite == "limbo" => limbo::run(&read(file)?),
        [suite, manifest, certificates, lists] if suite == "pkits" => {
            let files = pkits::Files::new(Path::new(certificates), Path::new(lists));
            pkits::run(&read(manifest)?, &files)
        }
        _ => Err("usage: conformance limbo FILE | pkits MANIFEST CERTS_DIR CRLS_DIR".to_owned()),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(report) => {
            println!("{report}");
            match report.surprises().next() {
                None => ExitCode::SUCCESS,
                Some(_) => ExitCode::from(1),
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}
