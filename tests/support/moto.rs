//! `moto_server`, which nobody here wrote: AWS's interfaces over HTTP on loopback.
#![allow(unreachable_pub)]

use std::fs::File;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use private_ca::authority::aws::AwsConnection;

pub const REGION: &str = "eu-central-1";

/// Python takes its time on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running `moto_server`, ended when it is dropped.
pub struct Moto {
    child: Child,
    log: tempfile::NamedTempFile,
    endpoint_url: String,
}

impl Moto {
    /// On a port that is free. `None` where moto is not installed, which only a developer's machine
    /// is forgiven.
    pub fn start() -> Option<Self> {
        let log = tempfile::NamedTempFile::new().unwrap();
        let file = || File::options().append(true).open(log.path()).unwrap();
        let child = Command::new("moto_server")
            .args(["-H", "127.0.0.1", "-p", "0"])
            // Moto takes a public certificate for validated after this many seconds.
            .env("MOTO_ACM_VALIDATION_WAIT", "1")
            .stdin(Stdio::null())
            .stdout(file())
            .stderr(file())
            .spawn();
        let child = match child {
            Ok(child) => child,
            Err(error) => {
                let reason = format!("moto_server does not start: {error}");
                assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{reason}");
                println!("skipped: {reason}");
                return None;
            }
        };
        let mut moto = Self { child, log, endpoint_url: String::new() };
        moto.endpoint_url = moto.listening();
        Some(moto)
    }

    /// Where it listens, once it says so.
    fn listening(&mut self) -> String {
        let start = Instant::now();
        loop {
            let text = std::fs::read_to_string(self.log.path()).unwrap();
            let url = text.split_once("Running on ").and_then(|(_, rest)| rest.split_once('\n'));
            if let Some((url, _)) = url {
                return url.trim().to_owned();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < PATIENCE,
                "moto_server does not listen: {text}"
            );
            sleep(Duration::from_millis(20));
        }
    }

    /// For the SDK's clients. The endpoint is that of every service, and the credentials are
    /// nobody's, so nothing gets to AWS.
    pub fn sdk_config(&self) -> SdkConfig {
        let credentials = Credentials::new("AKIDMOTO", "secret", None, None, "moto");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint_url)
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)))
            .build()
    }

    pub fn connection(&self) -> AwsConnection {
        AwsConnection::from_sdk_config(self.sdk_config()).unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
