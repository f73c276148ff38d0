//! The prediction against a TLS server of Go's, in both versions of TLS.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use private_ca::temporal::requirements::Submission;
use private_ca::{Certificate, CertificateChain, PrivateKey, Timestamp};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose as Purpose, KeyPair, SignatureAlgorithm};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use super::bundle_of;
use super::chains::{self, Authority, EXPIRED, NOT_YET_VALID};
use super::go::GoFrontend;

/// A client's certificate and the key that goes with it.
struct Client {
    key: KeyPair,
    certificate: Certificate,
}

impl Client {
    fn of(issuer: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::with_key(issuer, chains::key(), change)
    }

    fn with_key(
        issuer: &Authority,
        key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = chains::leaf_params();
        change(&mut params);
        let signed = params.signed_by(&key, &issuer.issuer()).unwrap();
        Self { key, certificate: Certificate::from_der(signed.der()).unwrap() }
    }
}

/// Presents what it is given, unjudged, whatever the server asks for.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesClientCert for Presents {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The server is not who is judged here.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Connects, writes one byte and reads until the server closes. What comes of it the server says.
fn connect(address: SocketAddr, key: &KeyPair, presented: &[Certificate]) {
    let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let key = provider::sign::any_supported_type(&der).unwrap();
    let certificates = presented.iter().map(|one| one.as_der().to_vec().into()).collect();
    let config = ClientConfig::builder_with_provider(provider::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_client_cert_resolver(Arc::new(Presents(CertifiedKey::new(certificates, key).into())));
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut stream = rustls::Stream::new(&mut client, &mut socket);
    if stream.write_all(b"!").is_ok() {
        let _ = stream.read_to_end(&mut Vec::new());
    }
}

/// Compares our word with the server's.
struct Judge {
    frontend: GoFrontend,
    server: Client,
    refused: usize,
    admitted: usize,
}

impl Judge {
    fn start() -> Option<Self> {
        let server = Client::of(&Authority::root("Server"), |_| {});
        Some(Self { frontend: GoFrontend::start()?, server, refused: 0, admitted: 0 })
    }

    /// Whether both let the client in.
    fn agree(
        &mut self,
        what: &str,
        bundle: &[&Certificate],
        key: &KeyPair,
        presented: &[&Certificate],
        at: Timestamp,
    ) -> bool {
        let bundle = bundle_of(bundle);
        let presented: Vec<_> = presented.iter().copied().cloned().collect();
        let chain = CertificateChain::new(presented.clone()).unwrap();
        let report = Submission::new(bundle.clone()).presenting(&chain).at(at).examine();
        let ours = match report.tls() {
            Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("no CA of the bundle can be used".to_owned()),
        };
        let server_key = PrivateKey::from_pem_or_der(&self.server.key.serialize_der()).unwrap();
        let (certificate, server_key) =
            (self.server.certificate.to_pem(), server_key.to_pkcs8_pem());
        for version in [12, 13] {
            let theirs = self.frontend.judge(
                bundle.certificates(),
                (&certificate, &server_key),
                at,
                version,
                |address| connect(address, key, &presented),
            );
            assert_eq!(
                ours.is_ok(),
                theirs.is_ok(),
                "{what}, TLS 1.{}: {ours:?} and Go {theirs:?}",
                version - 10
            );
        }
        *(if ours.is_ok() { &mut self.admitted } else { &mut self.refused }) += 1;
        ours.is_ok()
    }
}

fn of(algorithm: &'static SignatureAlgorithm) -> KeyPair {
    KeyPair::generate_for(algorithm).unwrap()
}

#[test]
fn go_admits_whom_we_predict_and_refuses_the_others() {
    let Some(mut judge) = Judge::start() else { return };
    let now = chains::now();
    let (root, other, namesake) =
        (Authority::root("Root"), Authority::root("Other"), Authority::root("Root"));
    let issuing = root.intermediate("Issuing");
    let lowest = issuing.intermediate("Lowest");
    let leaf = Client::of(&root, |_| {});
    let below = Client::of(&issuing, |_| {});
    let deep = Client::of(&lowest, |_| {});
    let (root, other, namesake) = (root, other.certificate, namesake.certificate);
    let ca = &root.certificate;
    type Case<'a> = (&'a str, bool, Vec<&'a Certificate>, &'a Client, Vec<&'a Certificate>);
    let cases: Vec<Case<'_>> = vec![
        ("a leaf below a root", true, vec![ca], &leaf, vec![]),
        ("several roots", true, vec![&other, ca], &leaf, vec![]),
        ("another CA", false, vec![&other], &leaf, vec![]),
        ("another CA of the same name", false, vec![&namesake], &leaf, vec![]),
        ("both CAs of the same name", true, vec![&namesake, ca], &leaf, vec![]),
        ("the intermediate is presented", true, vec![ca], &below, vec![&issuing.certificate]),
        ("the intermediate is missing", false, vec![ca], &below, vec![]),
        ("the intermediate is in the bundle", true, vec![ca, &issuing.certificate], &below, vec![]),
        ("the intermediate alone is trusted", true, vec![&issuing.certificate], &below, vec![]),
        (
            "in the wrong order",
            true,
            vec![ca],
            &deep,
            vec![&issuing.certificate, &lowest.certificate],
        ),
        ("one of two is missing", false, vec![ca], &deep, vec![&lowest.certificate]),
        ("the root is presented too", true, vec![ca], &below, vec![&issuing.certificate, ca]),
        (
            "somebody else's are presented too",
            true,
            vec![ca],
            &below,
            vec![&other, &issuing.certificate, &issuing.certificate],
        ),
    ];
    for (what, expected, bundle, client, above) in cases {
        let presented = [vec![&client.certificate], above].concat();
        assert_eq!(judge.agree(what, &bundle, &client.key, &presented, now), expected, "{what}");
    }
    // The CA of the client first: it is taken for the client's own, and its key did not sign.
    assert!(!judge.agree("reversed", &[ca], &leaf.key, &[&other, &leaf.certificate], now));
}

#[test]
fn go_judges_what_is_in_certificates_as_we_do() {
    let Some(mut judge) = Judge::start() else { return };
    let now = chains::now();
    let root = Authority::root("Root");
    let none: fn(&mut CertificateParams) = |_| {};
    let changes: [Change; 11] = [
        ("sound", true, none),
        ("expired", false, EXPIRED),
        ("not yet valid", false, NOT_YET_VALID),
        ("for servers only", false, |p| p.extended_key_usages = vec![Purpose::ServerAuth]),
        ("for clients only", true, |p| p.extended_key_usages = vec![Purpose::ClientAuth]),
        ("for anything", true, |p| p.extended_key_usages = vec![Purpose::Any]),
        ("for nothing in particular", true, |p| p.extended_key_usages.clear()),
        ("a CA", true, |p| p.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
        ("without key usage", true, |p| p.key_usages.clear()),
        ("no digital signatures", true, |p| {
            p.key_usages = vec![rcgen::KeyUsagePurpose::KeyEncipherment];
        }),
        ("an unknown critical extension", false, |p| {
            let mut unknown = rcgen::CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
            unknown.set_criticality(true);
            p.custom_extensions.push(unknown);
        }),
    ];
    for (what, expected, change) in changes {
        let client = Client::of(&root, change);
        let presented = [&client.certificate];
        let bundle = [&root.certificate];
        assert_eq!(judge.agree(what, &bundle, &client.key, &presented, now), expected, "{what}");
    }
    let changes: [Change; 8] = [
        ("sound", true, none),
        ("expired", false, EXPIRED),
        ("not yet valid", false, NOT_YET_VALID),
        ("no CA", false, chains::no_ca),
        ("may not sign certificates", false, |p| {
            p.key_usages = vec![rcgen::KeyUsagePurpose::CrlSign];
        }),
        ("for servers only", false, |p| p.extended_key_usages = vec![Purpose::ServerAuth]),
        ("permits the name", true, |p| constrain(p, "acme.internal")),
        ("does not permit the name", false, |p| constrain(p, "example.com")),
    ];
    for (what, expected, change) in changes {
        let issuing = root.intermediate_with("Issuing", change);
        let client = Client::of(&issuing, |_| {});
        let what = format!("an intermediate: {what}");
        let presented = [&client.certificate, &issuing.certificate];
        let bundle = [&root.certificate];
        assert_eq!(judge.agree(&what, &bundle, &client.key, &presented, now), expected, "{what}");
        // The same as an anchor, below which the client is directly.
        let anchor = Authority::root_with("Anchor", change);
        let client = Client::of(&anchor, |_| {});
        judge.agree(
            &format!("as an anchor, {what}"),
            &[&anchor.certificate],
            &client.key,
            &[&client.certificate],
            now,
        );
    }
    let short = Authority::root_with("Short", chains::path_length(0));
    let issuing = short.intermediate("Issuing");
    let client = Client::of(&issuing, |_| {});
    let presented = [&client.certificate, &issuing.certificate];
    assert!(!judge.agree("path length", &[&short.certificate], &client.key, &presented, now));
}

/// What is changed, and whether the client is then let in.
type Change = (&'static str, bool, fn(&mut CertificateParams));

fn constrain(params: &mut CertificateParams, domain: &str) {
    params.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName(domain.to_owned())],
        excluded_subtrees: Vec::new(),
    });
}

#[test]
fn go_takes_the_kinds_of_key_that_we_predict() {
    let Some(mut judge) = Judge::start() else { return };
    let now = chains::now();
    for (name, algorithm) in [
        ("P-256", &rcgen::PKCS_ECDSA_P256_SHA256),
        ("P-384", &rcgen::PKCS_ECDSA_P384_SHA384),
        ("P-521", &rcgen::PKCS_ECDSA_P521_SHA512),
        ("Ed25519", &rcgen::PKCS_ED25519),
        ("RSA", &rcgen::PKCS_RSA_SHA256),
        ("RSA with SHA-512", &rcgen::PKCS_RSA_SHA512),
    ] {
        let root = Authority::of_algorithm(algorithm, "Root");
        let client = Client::with_key(&root, of(algorithm), |_| {});
        let presented = [&client.certificate];
        assert!(judge.agree(name, &[&root.certificate], &client.key, &presented, now), "{name}");
    }
}

/// Everything that a few authorities said of each other; what of it is trusted, presented, and when.
#[test]
fn go_agrees_on_generated_chains() {
    let Some(mut judge) = Judge::start() else { return };
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let (upper, lower) = (root.intermediate("Upper"), root.intermediate("Lower"));
    let mut pool = vec![
        root.certificate.clone(),
        other.certificate.clone(),
        Authority::root("Root").certificate,
        root.intermediate("Lower").certificate,
    ];
    for (issuer, subject) in [
        (&root, &upper),
        (&root, &lower),
        (&upper, &lower),
        (&lower, &upper),
        (&other, &root),
        (&other, &upper),
    ] {
        let changes: [fn(&mut CertificateParams); 4] = [
            |_| {},
            EXPIRED,
            |params| params.not_after = rcgen::date_time_ymd(2027, 3, 10),
            |params| params.extended_key_usages = vec![Purpose::ServerAuth],
        ];
        for change in changes {
            let mut params = subject.params.clone();
            change(&mut params);
            let signed = params.signed_by(&subject.key, &issuer.issuer()).unwrap();
            pool.push(Certificate::from_der(signed.der()).unwrap());
        }
    }
    let clients =
        [Client::of(&lower, |_| {}), Client::of(&upper, |_| {}), Client::of(&root, EXPIRED)];
    let case = (
        proptest::sample::subsequence(pool.clone(), 1..=4),
        proptest::sample::subsequence(pool, 0..=6).prop_shuffle(),
        0..clients.len(),
        0..30_i64,
    );
    // Which cases there are is always the same; the keys in them are not.
    let mut runner = TestRunner::deterministic();
    for number in 0..200 {
        let (bundle, above, client, days) = case.new_tree(&mut runner).unwrap().current();
        let client = &clients[client];
        let bundle: Vec<_> = bundle.iter().collect();
        let presented: Vec<_> = std::iter::once(&client.certificate).chain(&above).collect();
        let at = Timestamp::from_unix_seconds(chains::now().unix_seconds() + days * 86_400);
        judge.agree(&format!("case {number}"), &bundle, &client.key, &presented, at);
    }
    assert!(
        judge.admitted > 20 && judge.refused > 20,
        "{} admitted, {} refused",
        judge.admitted,
        judge.refused
    );
}
