//! What strangers write is shown on one line, in its own direction, and not at any length.

use private_ca::connect::{Diagnosis, Stage};
use private_ca::{Certificate, DistinguishedName};
use rustls::DEFAULT_VERSIONS;
use rustls::crypto::aws_lc_rs::default_provider;

use super::pki::{self, Pair, Pki, issue};
use super::stand_in::{MARKS, Service, StandIn, tls, tls_with};
use super::{assert_connects, assert_fails, doctor, seen};

const FINE: Service = Service::Statuses(&[]);

/// A server that names its own CA, and these.
async fn naming(pki: &Pki, names: &[DistinguishedName]) -> StandIn {
    let names: Vec<_> = names.iter().map(|name| name.as_der().to_vec().into()).collect();
    let cas = pki.client_cas();
    let config = tls_with(default_provider(), &pki.server(), Some(&cas), DEFAULT_VERSIONS, |ask| {
        ask.add_root_hint_subjects(names)
    });
    StandIn::start(config, FINE).await
}

/// Everything of it that is shown.
fn shown(diagnosis: &Diagnosis) -> Vec<String> {
    let findings = diagnosis.findings().iter();
    let evidence = findings.flat_map(|finding| &finding.evidence).map(|(_, value)| value.clone());
    evidence.chain([diagnosis.to_string()]).collect()
}

#[track_caller]
fn assert_unmarked(diagnosis: &Diagnosis) {
    for text in shown(diagnosis) {
        assert!(!text.contains(|letter| MARKS.contains(letter)), "{text:?}");
    }
}

#[tokio::test]
async fn a_few_of_many_cas_are_shown_and_the_rest_counted() {
    let pki = Pki::new();
    let long = format!("2.5.4.12.99={}", "x".repeat(5_000));
    let many = (0..400).map(|number| format!("CN=Authority {number}"));
    let names: Vec<_> =
        std::iter::once(long).chain(many).map(|name| name.parse().unwrap()).collect();
    let frontend = naming(&pki, &names).await;
    let stranger = issue(&pki::authority("Strangers"), &[], |_| {});

    let refused = doctor(&pki, Some(&stranger), frontend.address).examine().await;
    let line = assert_fails(&refused, Stage::Tls, "client-ca-unknown");
    assert!(line.len() < 700, "{} bytes: {line}", line.len());
    assert!(line.contains("the server takes those of CN=Clients, 2.5.4.12.99=xxx"), "{line}");
    assert!(line.contains("characters more), CN=Authority 0 and 399 more"), "{line}");

    let connected = doctor(&pki, Some(&pki.client()), frontend.address).examine().await;
    assert_connects(&connected);
    for diagnosis in [refused, connected] {
        let asked = seen(&diagnosis, "asks for a certificate of");
        assert_eq!(asked.len(), 1);
        assert!(asked[0].len() < 700, "{asked:?}");
        assert!(asked[0].contains("CN=Authority 5 and 394 more"), "{asked:?}");
    }
}

#[tokio::test]
async fn a_long_chain_and_a_certificate_of_many_names_are_shown_in_part() {
    let pki = Pki::new();
    let above: Vec<Certificate> =
        (0..30).map(|number| pki::authority(&format!("Authority {number}")).certificate).collect();
    let server = pki.server_with(|params| {
        for number in 0..200 {
            let name = format!("host-{number}.example").try_into().unwrap();
            params.subject_alt_names.push(rcgen::SanType::DnsName(name));
        }
    });
    let above: String = above.iter().map(Certificate::to_pem).collect();
    let server = Pair { pem: server.pem + &above, key: server.key };
    let config = tls(&server, Some(&pki.client_cas()), DEFAULT_VERSIONS);
    let frontend = StandIn::start(config, FINE).await;
    let doctor = doctor(&pki, Some(&pki.client()), frontend.address);
    let diagnosis = doctor.clone().examine().await;
    assert_connects(&diagnosis);
    let intermediates = seen(&diagnosis, "server's intermediate");
    assert_eq!((intermediates.len(), intermediates[8].as_str()), (9, "and 22 more"));
    let diagnosis = doctor.with_server_name("elsewhere.example").examine().await;
    let line = assert_fails(&diagnosis, Stage::Tls, "server-name");
    assert!(line.contains("DNS:localhost") && line.contains(" and 194 more"), "{line}");
    assert!(line.len() < 500, "{line}");
}

#[tokio::test]
async fn marks_in_names_and_pages_are_written_out() {
    let pki = Pki::new();
    let escaped: String = MARKS.bytes().map(|byte| format!("\\{byte:02x}")).collect();
    let turning: DistinguishedName = format!("CN=a{escaped}b").parse().unwrap();
    let frontend = naming(&pki, &[turning]).await;
    let diagnosis = doctor(&pki, Some(&pki.client()), frontend.address).examine().await;
    assert_connects(&diagnosis);
    assert_unmarked(&diagnosis);
    let asked = &seen(&diagnosis, "asks for a certificate of")[0];
    assert!(asked.contains(r"CN=a\e2\80\ae\e2\81\a6\d8\9c"), "{asked}");

    let server = pki.server_with(|params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, format!("a{MARKS}b"));
    });
    let config = tls(&server, Some(&pki.client_cas()), DEFAULT_VERSIONS);
    let frontend = StandIn::start(config, Service::Turning).await;
    let diagnosis = doctor(&pki, Some(&pki.client()), frontend.address).examine().await;
    let line = assert_fails(&diagnosis, Stage::Grpc, "not-grpc");
    assert_unmarked(&diagnosis);
    assert!(line.contains(r"from \u{202e}\u{2066}\u{61c}"), "{line}");
    assert!(seen(&diagnosis, "server")[0].contains(r"CN=a\e2\80\ae"), "{diagnosis:?}");
}

#[tokio::test]
async fn marks_in_messages_of_grpc_are_written_out() {
    let message: String = MARKS.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let statuses = Box::leak(Box::new([("GetSystemInfo", 7, &*message.leak())]));
    let pki = Pki::new();
    let config = tls(&pki.server(), Some(&pki.client_cas()), DEFAULT_VERSIONS);
    let frontend = StandIn::start(config, Service::Statuses(statuses)).await;
    let diagnosis = doctor(&pki, Some(&pki.client()), frontend.address).examine().await;
    let line = assert_fails(&diagnosis, Stage::Grpc, "permission-denied");
    assert_unmarked(&diagnosis);
    let written = r#""\u{202e}\u{2066}\u{61c}\u{2028}\u{2029}\u{85}\u{9b}\u{200b}\u{feff}\u{ad}""#;
    assert!(line.contains(written), "{line}");
}
