//! The probe against the frontend, and against servers that are something else.
#![cfg(all(feature = "connect", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use private_ca::connect::{ConnectError, Connection, Frontend, Probe, TlsVersion};
use private_ca::{
    CertificateAuthority, CertificateChain, CertificatePurpose, CertificateRequest, Identity,
    IssueRequest, KeyAlgorithm, LocalCa, LocalCaOptions, PrivateKey, RequestedValidity, Timestamp,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

const DAY: Duration = Duration::from_secs(86_400);

fn options(subject: &str) -> LocalCaOptions {
    LocalCaOptions::new(subject.parse().unwrap()).with_key_algorithm(KeyAlgorithm::EcdsaP256)
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

async fn server(ca: &LocalCa) -> Identity {
    let key = key();
    let names = ["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let request = CertificateRequest::new(&key, "CN=localhost".parse().unwrap(), &names).unwrap();
    let purpose = CertificatePurpose::Server;
    let request = IssueRequest::new(request, purpose, RequestedValidity::days(30));
    let issued = ca.issue(request).await.unwrap();
    Identity::new(vec![issued.certificate], key).unwrap()
}

/// A client's identity at the start of its validity, or now.
async fn client(ca: &LocalCa, subject: &str, validity: RequestedValidity) -> Identity {
    let key = key();
    let request = CertificateRequest::new(&key, subject.parse().unwrap(), &[]).unwrap();
    let request = IssueRequest::new(request, CertificatePurpose::Client, validity);
    let issued = ca.issue(request).await.unwrap();
    let moment = validity.not_before.unwrap_or_else(Timestamp::now);
    let mut certificates = vec![issued.certificate];
    certificates.extend_from_slice(issued.chain.certificates());
    Identity::new_at(certificates, key, moment).unwrap()
}

/// A frontend, the CA of its clients, and the anchors that vouch for it.
struct Stage {
    frontend: Frontend,
    clients: LocalCa,
    server_anchors: CertificateChain,
}

impl Stage {
    async fn new() -> Self {
        let past = Timestamp::now().minus(30 * DAY);
        let validity = RequestedValidity::until(Timestamp::now().plus(60 * DAY)).starting(past);
        Self::of(LocalCa::in_memory_root(options("CN=Clients").with_validity(validity)).unwrap())
            .await
    }

    async fn of(clients: LocalCa) -> Self {
        let servers = LocalCa::in_memory_root(options("CN=Servers")).unwrap();
        let frontend = Frontend::start(&server(&servers).await, clients.chain()).await.unwrap();
        Self { frontend, clients, server_anchors: servers.chain().clone() }
    }

    fn probe(&self) -> Probe {
        let port = self.frontend.address().port();
        Probe::new("localhost", port, self.server_anchors.clone())
    }
}

/// The number of the alert, and the error in words.
fn alert(outcome: Result<Connection, ConnectError>) -> (u8, String) {
    match outcome {
        Err(error @ ConnectError::Refused { alert }) => (alert.number(), error.to_string()),
        other => panic!("not refused by an alert: {other:?}"),
    }
}

#[tokio::test]
async fn the_holder_of_a_certificate_is_greeted_by_its_subject_in_both_versions() {
    let stage = Stage::new().await;
    let worker = client(&stage.clients, "O=Acme,CN=worker", RequestedValidity::days(30)).await;
    let probe = stage.probe().with_identity(worker);
    for version in VERSIONS {
        let connection = probe.clone().with_version(version).connect().await.unwrap();
        assert_eq!(connection.version, version);
        assert_eq!(String::from_utf8_lossy(&connection.greeting), "hello O=Acme,CN=worker\n");
        assert_eq!(connection.server_certificates[0].subject().to_string(), "CN=localhost");
        assert!(connection.cipher_suite.starts_with("TLS"), "{}", connection.cipher_suite);
    }
    assert_eq!(probe.connect().await.unwrap().version, TlsVersion::Tls13);
}

#[tokio::test]
async fn a_stranger_is_refused_as_of_an_unknown_ca() {
    let stage = Stage::new().await;
    let stranger =
        client(&LocalCa::in_memory().unwrap(), "CN=worker", RequestedValidity::days(1)).await;
    let probe = stage.probe().with_identity(stranger);
    for version in VERSIONS {
        let (number, text) = alert(probe.clone().with_version(version).connect().await);
        assert_eq!(number, 48, "{version}: {text}");
        assert!(text.contains("unknown_ca (48)"), "{text}");
    }
    assert_eq!(alert(probe.connect().await).0, 48);
}

#[tokio::test]
async fn a_stranger_whose_ca_has_a_trusted_name_is_refused_for_the_signature() {
    let stage = Stage::new().await;
    let namesake = LocalCa::in_memory_root(options("CN=Clients")).unwrap();
    let stranger = client(&namesake, "CN=worker", RequestedValidity::days(1)).await;
    for version in VERSIONS {
        let probe = stage.probe().with_identity(stranger.clone()).with_version(version);
        let (number, text) = alert(probe.connect().await);
        assert_eq!(number, 51, "{version}: {text}");
        assert!(text.contains("the name of a trusted one"), "{text}");
    }
}

#[tokio::test]
async fn an_expired_certificate_is_refused_as_expired() {
    let stage = Stage::new().await;
    let start = Timestamp::now().minus(10 * DAY);
    let expired =
        client(&stage.clients, "CN=worker", RequestedValidity::days(1).starting(start)).await;
    for version in VERSIONS {
        let probe = stage.probe().with_identity(expired.clone()).with_version(version);
        let (number, text) = alert(probe.connect().await);
        assert_eq!(number, 45, "{version}: {text}");
        assert!(text.contains("certificate_expired (45)"), "{text}");
    }
}

#[tokio::test]
async fn a_certificate_of_tomorrow_is_refused_as_expired_too() {
    let stage = Stage::new().await;
    let start = Timestamp::now().plus(DAY);
    let early =
        client(&stage.clients, "CN=worker", RequestedValidity::days(1).starting(start)).await;
    for version in VERSIONS {
        let probe = stage.probe().with_identity(early.clone()).with_version(version);
        let (number, text) = alert(probe.connect().await);
        assert_eq!(number, 45, "{version}: {text}");
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_told_that_one_is_required() {
    let stage = Stage::new().await;
    // RFC 8446 section 4.4.2.4; in TLS 1.2 it would be handshake_failure (RFC 5246 section 7.4.6),
    // but rustls says the same in both.
    for (version, expected) in [(TlsVersion::Tls12, 116), (TlsVersion::Tls13, 116)] {
        let (number, text) = alert(stage.probe().with_version(version).connect().await);
        assert_eq!(number, expected, "{version}: {text}");
        assert!(text.contains("certificate"), "{text}");
    }
}

#[tokio::test]
async fn a_server_s_certificate_is_refused_as_a_client_s() {
    let stage = Stage::new().await;
    let server = server(&stage.clients).await;
    for version in VERSIONS {
        let probe = stage.probe().with_identity(server.clone()).with_version(version);
        let (number, text) = alert(probe.connect().await);
        assert_eq!(number, 43, "{version}: {text}");
    }
}

#[tokio::test]
async fn a_server_that_the_anchors_do_not_vouch_for_is_not_believed() {
    let stage = Stage::new().await;
    let worker = client(&stage.clients, "CN=worker", RequestedValidity::days(1)).await;
    let port = stage.frontend.address().port();
    for version in VERSIONS {
        let anchors = stage.clients.chain().clone();
        let probe = Probe::new("localhost", port, anchors).with_identity(worker.clone());
        let error = probe.with_version(version).connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::ServerCertificate { .. }), "{version}: {error:?}");
        assert!(error.to_string().contains("none of the given anchors"), "{error}");
    }
}

#[tokio::test]
async fn a_server_of_another_name_is_not_believed() {
    let stage = Stage::new().await;
    let worker = client(&stage.clients, "CN=worker", RequestedValidity::days(1)).await;
    let probe = stage.probe().with_identity(worker);
    for version in VERSIONS {
        let probe = probe.clone().with_version(version).with_server_name("acme.tmprl.cloud");
        let error = probe.connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::ServerCertificate { .. }), "{version}: {error:?}");
        assert!(error.to_string().contains("another name"), "{error}");
    }
    let address = probe.clone().with_server_name("127.0.0.1");
    address.connect().await.unwrap();
    let error = probe.with_server_name("no name").connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::ServerName { .. }), "{error:?}");
}

#[tokio::test]
async fn an_identity_below_a_subordinate_is_accepted_at_the_root() {
    let root = LocalCa::in_memory_root(options("CN=Root")).unwrap();
    let below = options("CN=Issuing").with_path_len(0).with_validity(RequestedValidity::days(30));
    let issuing = LocalCa::in_memory_subordinate(&root, below).await.unwrap();
    let worker = client(&issuing, "CN=worker", RequestedValidity::days(1)).await;
    assert_eq!(worker.presented().count(), 2);
    let alone = vec![worker.certificate().clone()];
    let alone = Identity::new(alone, worker.private_key().clone()).unwrap();
    let stage = Stage::of(root).await;
    for version in VERSIONS {
        let probe = stage.probe().with_version(version);
        let connection = probe.clone().with_identity(worker.clone()).connect().await.unwrap();
        assert_eq!(connection.greeting, b"hello CN=worker\n");
        // The intermediate is what the frontend lacks otherwise.
        assert_eq!(alert(probe.with_identity(alone.clone()).connect().await).0, 48);
    }
}

/// A listener that does the same with every connection.
async fn listener<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

fn probe_of(address: SocketAddr) -> Probe {
    let anchors = LocalCa::in_memory().unwrap().chain().clone();
    Probe::new("127.0.0.1", address.port(), anchors).with_patience(Duration::from_secs(5))
}

#[tokio::test]
async fn where_nothing_listens_tcp_is_at_fault() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = probe_of(address).connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Tcp { .. }), "{error:?}");
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_listener_that_says_nothing_is_waited_for_no_longer_than_asked() {
    let address = listener(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let patience = Duration::from_millis(300);
    let start = std::time::Instant::now();
    let error = probe_of(address).with_patience(patience).connect().await.unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(matches!(error, ConnectError::Timeout { .. }), "{error:?}");
    assert!(error.to_string().contains("in the TLS handshake"), "{error}");
}

#[tokio::test]
async fn a_listener_that_speaks_http_does_not_speak_tls() {
    let address = listener(|mut stream| async move {
        let mut ignored = [0; 4096];
        let _ = stream.read(&mut ignored).await;
        let answer = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
        let _ = stream.write_all(answer.as_bytes()).await;
        while matches!(stream.read(&mut ignored).await, Ok(1..)) {}
    })
    .await;
    for probe in VERSIONS.map(|version| probe_of(address).with_version(version)) {
        let error = probe.connect().await.unwrap_err();
        assert!(matches!(error, ConnectError::Protocol(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_listener_that_closes_at_once_has_closed() {
    // Before a word is read, so that the connection is reset; and after, so that it just ends.
    let resets = listener(|stream| async move { drop(stream) }).await;
    let ends = listener(|mut stream| async move {
        let mut ignored = [0; 4096];
        let _ = stream.read(&mut ignored).await;
        let _ = stream.shutdown().await;
    })
    .await;
    for address in [resets, ends] {
        for probe in [probe_of(address), probe_of(address).with_version(TlsVersion::Tls12)] {
            let error = probe.connect().await.unwrap_err();
            assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");
            assert!(error.to_string().contains("in the TLS handshake"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_frontend_that_is_dropped_listens_no_more() {
    let stage = Stage::new().await;
    let probe = stage.probe();
    drop(stage);
    tokio::task::yield_now().await;
    let error = probe.connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Tcp { .. }), "{error:?}");
}
