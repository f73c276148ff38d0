//! What the SDK's logging gets to see.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use private_ca::{KeyAlgorithm, ManagedCertificates, ManagedRequest, Passphrase};
use tracing::field::{Field, Visit};
use tracing::span;

use super::*;

/// Writes everything down, at every level.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Visit for Everything {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = writeln!(self.0.lock().unwrap(), "{field}: {value:?}");
    }
}

impl tracing::Subscriber for Everything {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &span::Attributes<'_>) -> span::Id {
        attributes.record(&mut self.clone());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn a_passphrase_is_in_no_log_at_any_level() {
    const PASSPHRASE: &str = "correct horse battery";
    // The SDK shows what it signs only if this is set, and a process sets it for itself alone.
    if std::env::var_os("LOG_SIGNABLE_BODY").is_none() {
        let mut again = std::process::Command::new(std::env::current_exe().unwrap());
        again.args(["--exact", "logs::a_passphrase_is_in_no_log_at_any_level", "--nocapture"]);
        let again = again.env("LOG_SIGNABLE_BODY", "true").output().unwrap();
        assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
        return;
    }
    let log = Everything::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let (aws, connection) = start().await;
    let managed = acm(&aws, &connection);
    let request =
        ManagedRequest::new("w.acme.internal").with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = managed.request(request).await.unwrap();
    managed.export(id, Passphrase::new(PASSPHRASE.as_bytes())).await.unwrap();
    let log = log.0.lock().unwrap();
    // The requests around it are there, whole, so that something was looked at.
    assert!(log.contains("DescribeCertificate") && log.contains("w.acme.internal"));
    let base64 = <base64ct::Base64 as base64ct::Encoding>::encode_string(PASSPHRASE.as_bytes());
    // It shows octets as numbers.
    let octets = format!("{:?}", base64.as_bytes());
    for secret in [PASSPHRASE, &base64, &octets[1..octets.len() - 1], "PRIVATE KEY"] {
        assert!(!log.contains(secret), "the log has {secret}");
    }
}
