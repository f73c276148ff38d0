//! The command line on AWS: the built program, AWS's own SDK in it, and the stand-in for AWS at the
//! other end.
#![cfg(all(feature = "aws", feature = "route53", feature = "local", feature = "cli"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/aws.rs"]
mod aws;
#[path = "aws_cli/mistakes.rs"]
mod mistakes;
#[path = "aws_cli/permissions.rs"]
mod permissions;
#[path = "aws_cli/verbs.rs"]
mod verbs;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use aws::StandIn;
use serde_json::Value;

/// An empty folder to work in, and AWS.
struct Desk {
    aws: StandIn,
    folder: tempfile::TempDir,
}

/// What the program said.
#[derive(Debug)]
struct Said {
    status: i32,
    out: String,
    err: String,
}

impl Desk {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("passphrase.txt"), "correct horse\n").unwrap();
        Self { aws: StandIn::start().await, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program with these words; the stand-in answers meanwhile.
    async fn run(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_private-ca"));
        command
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "stand-in")
            .env("AWS_SECRET_ACCESS_KEY", "stand-in-secret")
            .env("AWS_MAX_ATTEMPTS", "2")
            .env("AWS_REGION", aws::REGION)
            .env("AWS_ENDPOINT_URL", self.aws.endpoint_url());
        let run = tokio::task::spawn_blocking(move || command.output().unwrap());
        let Output { status, stdout, stderr } = run.await.unwrap();
        let said = Said {
            status: status.code().unwrap(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        };
        for text in [&said.out, &said.err] {
            for secret in ["correct horse", "stand-in-secret"] {
                assert!(!text.contains(secret), "{words:?} shows a secret: {said:?}");
            }
        }
        said
    }

    /// Runs it and expects a positive answer.
    async fn yes(&self, words: &[&str]) -> String {
        let said = self.run(words).await;
        assert_eq!(said.status, 0, "{words:?}: {said:?}");
        assert!(said.err.is_empty(), "{words:?}: {said:?}");
        said.out
    }

    /// Runs it with `--json` and expects a positive answer.
    async fn json(&self, words: &[&str]) -> Value {
        let said = self.yes(&[words, &["--json"]].concat()).await;
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{words:?}: {error}: {said}"))
    }

    /// Runs it and expects a refusal: its exit status and what it says.
    async fn no(&self, words: &[&str]) -> (i32, String) {
        let said = self.run(words).await;
        assert_ne!(said.status, 0, "{words:?}: {said:?}");
        (said.status, said.err)
    }
}

fn folder(path: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
