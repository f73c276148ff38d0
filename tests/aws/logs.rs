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
    let log = Everything::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let aws = StandIn::start().await;
    // With it on, the SDK wraps the body of a request, and does not look into it.
    let off = aws_sdk_acmpca::config::StalledStreamProtectionConfig::disabled();
    let config = aws.sdk_config().into_builder().stalled_stream_protection(off).build();
    let connection = AwsConnection::from_sdk_config(config).unwrap();
    let managed = acm(&aws, &connection);
    let request =
        ManagedRequest::new("w.acme.internal").with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = managed.request(request).await.unwrap();
    managed.export(id, Passphrase::new(PASSPHRASE.as_bytes())).await.unwrap();
    let log = log.0.lock().unwrap();
    // The requests around it are there, whole, so that something was looked at.
    assert!(log.contains("DescribeCertificate") && log.contains("w.acme.internal"));
    let base64 = <base64ct::Base64 as base64ct::Encoding>::encode_string(PASSPHRASE.as_bytes());
    for secret in [PASSPHRASE, &base64, "PRIVATE KEY"] {
        assert!(!log.contains(secret), "the log has {secret}");
    }
}
