//! The probe against servers with habits of their own, and the frontend against clients with
//! theirs.
#![cfg(all(feature = "connect", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use private_ca::connect::{ConnectError, Frontend, Probe, TlsVersion};
use private_ca::{
    CertificateAuthority, CertificatePurpose, CertificateRequest, Identity, IssueRequest,
    KeyAlgorithm, LocalCa, LocalCaOptions, PrivateKey, RequestedValidity,
};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

async fn identity(ca: &LocalCa, purpose: CertificatePurpose) -> Identity {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let subject = "CN=localhost".parse().unwrap();
    let names = ["localhost".parse().unwrap()];
    let request = CertificateRequest::new(&key, subject, &names).unwrap();
    let issued =
        ca.issue(IssueRequest::new(request, purpose, RequestedValidity::days(1))).await.unwrap();
    let mut certificates = vec![issued.certificate];
    certificates.extend_from_slice(issued.chain.certificates());
    Identity::new(certificates, key).unwrap()
}

/// A TLS server that asks for no certificate, knows `h2`, and does the same with every client
/// after its handshake.
async fn server<F>(
    ca: &LocalCa,
    serve: impl Fn(TlsStream<TcpStream>) -> F + Send + Sync + Copy + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let server = identity(ca, CertificatePurpose::Server).await;
    let key = PrivatePkcs8KeyDer::from(server.private_key().expose_pkcs8_der().to_vec());
    let certificates = server.presented().map(|one| one.as_der().to_vec().into()).collect();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let mut config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key.into())
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream).await;
                }
            });
        }
    });
    address
}

/// Closes without a TLS farewell.
async fn hang_up(mut stream: TlsStream<TcpStream>) {
    let _ = stream.get_mut().0.shutdown().await;
    let mut ignored = [0; 1024];
    while matches!(stream.get_mut().0.read(&mut ignored).await, Ok(1..)) {}
}

fn probe(ca: &LocalCa, address: SocketAddr) -> Probe {
    let probe = Probe::new("localhost", address.port(), ca.chain().clone());
    probe.with_address(address)
}

#[tokio::test]
async fn in_tls_1_2_who_finished_the_handshake_was_let_in_even_if_hung_up_on() {
    let ca = LocalCa::in_memory().unwrap();
    let address = server(&ca, hang_up).await;
    let probe = probe(&ca, address);
    probe.clone().with_version(TlsVersion::Tls12).connect().await.unwrap();
    // In TLS 1.3 it may have been a refusal.
    let error = probe.with_version(TlsVersion::Tls13).connect().await.unwrap_err();
    assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_wants_http2_gets_it_when_asked_for() {
    // What grpc-go does since 1.67: no ALPN, no connection.
    async fn grpc(mut stream: TlsStream<TcpStream>) {
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return hang_up(stream).await;
        }
        // An empty SETTINGS frame.
        let _ = stream.write_all(&[0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
        let _ = stream.shutdown().await;
        hang_up(stream).await;
    }
    let ca = LocalCa::in_memory().unwrap();
    let address = server(&ca, grpc).await;
    for version in VERSIONS {
        let probe = probe(&ca, address).with_version(version);
        let connection = probe.clone().with_http2().connect().await.unwrap();
        assert_eq!(connection.application_protocol.as_deref(), Some("h2"));
        assert_eq!(connection.greeting.len(), 9);
        if version == TlsVersion::Tls13 {
            let error = probe.connect().await.unwrap_err();
            assert!(matches!(error, ConnectError::Closed { .. }), "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_frontend_takes_clients_that_offer_http2_too() {
    let ca = LocalCa::in_memory().unwrap();
    let server = identity(&ca, CertificatePurpose::Server).await;
    let frontend = Frontend::start(&server, ca.chain()).await.unwrap();
    let client = identity(&ca, CertificatePurpose::Client).await;
    let probe = probe(&ca, frontend.address()).with_identity(client).with_http2();
    let connection = probe.connect().await.unwrap();
    assert_eq!(connection.application_protocol, None);
    assert_eq!(connection.greeting, b"hello CN=localhost\n");
}

#[tokio::test]
async fn a_server_certificate_that_is_not_believed_is_named() {
    let (ours, theirs) = (LocalCa::in_memory().unwrap(), LocalCa::in_memory().unwrap());
    let address = server(&theirs, hang_up).await;
    for version in VERSIONS {
        let error = probe(&ours, address).with_version(version).connect().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("CN=localhost"), "{text}");
        assert!(text.contains("CN=In-memory root"), "{text}");
        let ConnectError::ServerCertificate { presented, .. } = error else { panic!("{error:?}") };
        assert_eq!(presented[0].issuer(), theirs.own_certificate().subject());
    }
}

/// More certificates than a server reads at once are unread bytes in a socket that is closed, and
/// the connection is reset.
#[tokio::test]
async fn the_alert_reaches_a_client_that_presents_much() {
    let root = LocalCaOptions::new("CN=Of strangers".parse().unwrap());
    let mut ca = LocalCa::in_memory_root(root).unwrap();
    // No deeper: rustls-webpki follows six intermediates, and has another alert for more.
    for depth in 1..=5 {
        let long = "x".repeat(60);
        let subject = format!("ST={long},L={long},O={long},OU={long},CN=Issuing {depth}");
        let subject = subject.parse().unwrap();
        let options = LocalCaOptions::new(subject)
            .with_key_algorithm(KeyAlgorithm::EcdsaP256)
            .with_validity(RequestedValidity::days(100 - depth));
        ca = LocalCa::in_memory_subordinate(&ca, options).await.unwrap();
    }
    let stranger = identity(&ca, CertificatePurpose::Client).await;
    let presented: usize = stranger.presented().map(|one| one.as_der().len()).sum();
    assert!(presented > 4096, "{presented}");
    let trusted = LocalCa::in_memory().unwrap();
    let server = identity(&trusted, CertificatePurpose::Server).await;
    let frontend = Frontend::start(&server, trusted.chain()).await.unwrap();
    let probe = probe(&trusted, frontend.address()).with_identity(stranger);
    for version in VERSIONS {
        for _ in 0..20 {
            let outcome = probe.clone().with_version(version).connect().await;
            let Err(ConnectError::Refused { alert }) = outcome else {
                panic!("{version}: {outcome:?}");
            };
            assert_eq!(alert.number(), 48, "{version}");
        }
    }
}

/// The socket's end, seen by a client that reads nothing until it is over.
#[tokio::test]
async fn a_refused_client_s_connection_is_not_reset() {
    let ca = LocalCa::in_memory().unwrap();
    let server = identity(&ca, CertificatePurpose::Server).await;
    let frontend = Frontend::start(&server, ca.chain()).await.unwrap();
    let mut client = TcpStream::connect(frontend.address()).await.unwrap();
    // No TLS, and more of it than is read at once.
    client.write_all(&[b'x'; 100_000]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    client.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert: {answer:?}");
}

#[tokio::test]
async fn no_session_is_resumed_so_every_connection_is_judged() {
    let ca = LocalCa::in_memory().unwrap();
    let server = identity(&ca, CertificatePurpose::Server).await;
    let frontend = Frontend::start(&server, ca.chain()).await.unwrap();
    let client = identity(&ca, CertificatePurpose::Client).await;
    // A client that keeps its sessions.
    let connector = TlsConnector::from(Arc::new(client.client_config(ca.chain()).unwrap()));
    for _ in 0..2 {
        let stream = TcpStream::connect(frontend.address()).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut stream = connector.connect(name, stream).await.unwrap();
        let mut greeting = String::new();
        stream.read_to_string(&mut greeting).await.unwrap();
        assert_eq!(greeting, "hello CN=localhost\n");
        let kind = stream.get_ref().1.handshake_kind();
        assert_eq!(kind, Some(rustls::HandshakeKind::Full));
    }
}

#[tokio::test]
async fn a_ticket_is_answer_enough() {
    async fn wait(stream: TlsStream<TcpStream>) {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    }
    let ca = LocalCa::in_memory().unwrap();
    let address = server(&ca, wait).await;
    let start = Instant::now();
    let probe = probe(&ca, address).with_version(TlsVersion::Tls13);
    probe.with_grace(Duration::from_secs(20)).connect().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
}
