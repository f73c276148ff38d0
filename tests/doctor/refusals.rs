//! Refusals in which the client's certificate has no part, or which say that it was not shown.

use std::net::{Ipv4Addr, SocketAddr};

use private_ca::connect::{Diagnosis, Doctor, Stage};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::crypto::aws_lc_rs::{cipher_suite, default_provider};
use rustls::version::{TLS12, TLS13};
use rustls::{DEFAULT_VERSIONS, SignatureScheme};

use super::openssl::Bench;
use super::pki::Pki;
use super::stand_in::{Service, StandIn, tls, tls_with};
use super::{assert_connects, assert_fails, doctor, mend, warned};

const FINE: Service = Service::Statuses(&[]);
const DENIES: Service = Service::Statuses(&[("GetSystemInfo", 7, "Request%20unauthorized.")]);

#[track_caller]
fn assert_not_of_the_certificate(line: &str) {
    for word in ["filter", "the client's CA", "certificate-required", "got none"] {
        assert!(!line.contains(word), "{line}");
    }
}

#[tokio::test]
async fn handshake_failure_before_a_request_for_a_certificate_is_nothing_in_common() {
    let pki = Pki::new();
    let mut provider = default_provider();
    // The server's key is an ECDSA one.
    provider.cipher_suites = vec![cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];
    let cas = pki.client_cas();
    let config = tls_with(provider, &pki.server(), Some(&cas), &[&TLS12], |ask| ask);
    let frontend = StandIn::start(config, FINE).await;
    let client = pki.client();
    for client in [None, Some(&client)] {
        let diagnosis = doctor(&pki, client, frontend.address).examine().await;
        let line = assert_fails(&diagnosis, Stage::Tls, "nothing-in-common");
        assert!(line.contains("handshake_failure (40)"), "{line}");
        assert_not_of_the_certificate(&line);
        assert!(mend(&diagnosis).contains("ECDHE"), "{}", mend(&diagnosis));
    }
}

#[tokio::test]
async fn a_server_of_another_application_protocol_speaks_no_http2() {
    let pki = Pki::new();
    for version in [&TLS12, &TLS13] {
        let mut config = tls(&pki.server(), Some(&pki.client_cas()), &[version]);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let frontend = StandIn::start(config, FINE).await;
        let diagnosis = doctor(&pki, None, frontend.address).examine().await;
        let line = assert_fails(&diagnosis, Stage::Tls, "no-http2");
        assert!(line.contains("no_application_protocol (120)"), "{line}");
    }
}

fn examine(doctor: &Doctor) -> Diagnosis {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(doctor.examine())
}

#[test]
fn openssls_alerts_are_told_apart_by_what_it_asked_before() {
    let Some(bench) = Bench::new() else { return };
    let pki = Pki::new();
    let server = pki.server();
    bench.write("server.pem", &server.pem);
    bench.write("server.key", &server.key);
    bench.write("clients.pem", pki.clients.certificate.to_pem());
    for (options, id, alert) in [
        // Suites that are not offered any more; asked for or not, it does not come to the certificate.
        ("-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA", "nothing-in-common", "handshake_failure (40)"),
        (
            "-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA -Verify 1",
            "nothing-in-common",
            "handshake_failure (40)",
        ),
        ("-curves secp521r1", "nothing-in-common", "handshake_failure (40)"),
        ("-tls1_2 -Verify 1", "certificate-required", "handshake_failure (40)"),
        ("-tls1_3 -Verify 1", "certificate-required", "certificate_required (116)"),
        ("-alpn http/1.1", "no-http2", "no_application_protocol (120)"),
        (
            "-servername other.example -servername_fatal -cert2 server.pem -key2 server.key",
            "name-not-served",
            "localhost: it says unrecognized_name (112)",
        ),
    ] {
        let mut running = bench.start(&format!(
            "s_server -accept 127.0.0.1:0 -cert server.pem -key server.key -CAfile clients.pem -www {options}"
        ));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, running.port()));
        let diagnosis = examine(&doctor(&pki, None, address).with_server_name("localhost"));
        let line = assert_fails(&diagnosis, Stage::Tls, id);
        assert!(line.contains(alert), "{options}: {line}");
    }
}

#[tokio::test]
async fn a_key_whose_signatures_the_server_does_not_take_is_named() {
    let pki = Pki::new();
    let mut provider = default_provider();
    let rsa = webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY;
    provider.signature_verification_algorithms = WebPkiSupportedAlgorithms {
        all: Box::leak(Box::new([rsa])),
        mapping: Box::leak(Box::new([(SignatureScheme::RSA_PSS_SHA256, &*vec![rsa].leak())])),
    };
    let (server, cas, client) = (pki.server(), pki.client_cas(), pki.client());
    for version in [&TLS12, &TLS13] {
        let config = tls_with(provider.clone(), &server, Some(&cas), &[version], |ask| ask);
        let frontend = StandIn::start(config, FINE).await;
        let diagnosis = doctor(&pki, Some(&client), frontend.address).examine().await;
        let line = assert_fails(&diagnosis, Stage::Tls, "client-key-not-taken");
        assert!(
            line.contains("it says certificate_required")
                || line.contains("it says handshake_failure"),
            "{line}"
        );
        // Whoever gave no certificate is told so.
        let diagnosis = doctor(&pki, None, frontend.address).examine().await;
        assert_fails(&diagnosis, Stage::Tls, "certificate-required");
    }
    let config = tls_with(provider, &server, Some(&cas), DEFAULT_VERSIONS, |ask| {
        ask.allow_unauthenticated()
    });
    let frontend = StandIn::start(config, FINE).await;
    let diagnosis = doctor(&pki, Some(&client), frontend.address).examine().await;
    assert_connects(&diagnosis);
    assert_eq!(warned(&diagnosis), ["client-key-not-taken"]);
}

#[tokio::test]
async fn a_client_that_is_denied_without_its_certificate_is_not_told_of_filters() {
    let pki = Pki::new();
    let client = pki.client();
    let nobody_asked = tls(&pki.server(), None, DEFAULT_VERSIONS);
    let frontend = StandIn::start(nobody_asked, DENIES).await;
    let diagnosis = doctor(&pki, Some(&client), frontend.address).examine().await;
    let line = assert_fails(&diagnosis, Stage::Grpc, "denied-unasked");
    assert!(line.contains("asked for no client certificate"), "{line}");
    assert!(line.contains("\"Request unauthorized.\""), "{line}");
    assert_not_of_the_certificate(&line);
    let mend_of_unasked = mend(&diagnosis);
    assert!(mend_of_unasked.contains("proxy") && mend_of_unasked.contains("API keys"));
    assert!(!mend_of_unasked.contains("filter"), "{mend_of_unasked}");

    let cas = pki.client_cas();
    let config = tls_with(default_provider(), &pki.server(), Some(&cas), DEFAULT_VERSIONS, |ask| {
        ask.allow_unauthenticated()
    });
    let frontend = StandIn::start(config, DENIES).await;
    let diagnosis = doctor(&pki, None, frontend.address).examine().await;
    assert_fails(&diagnosis, Stage::Grpc, "denied-unanswered");
    assert!(!mend(&diagnosis).contains("filter"), "{}", mend(&diagnosis));
    let diagnosis = doctor(&pki, Some(&client), frontend.address).examine().await;
    assert_fails(&diagnosis, Stage::Grpc, "permission-denied");
    assert!(mend(&diagnosis).contains("filter"), "{}", mend(&diagnosis));
}
