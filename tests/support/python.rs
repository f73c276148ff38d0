//! Data that comes in packages of PyPI.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::path::PathBuf;
use std::process::Command;

/// The folder of an installed package; `None` where it is not installed, which is an error on a
/// build server.
pub fn folder_of_package(package: &str) -> Option<PathBuf> {
    let script = format!("import {package}, os; print(os.path.dirname({package}.__file__))");
    let reason = match Command::new("python3").args(["-c", &script]).output() {
        Ok(output) if output.status.success() => {
            let folder = String::from_utf8(output.stdout).unwrap();
            return Some(PathBuf::from(folder.trim_end()));
        }
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim_end().to_owned(),
        Err(error) => format!("python3 does not start: {error}"),
    };
    let reason = format!("no {package}, which tests/run.sh installs: {reason}");
    assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "{reason}");
    println!("skipped: {reason}");
    None
}
