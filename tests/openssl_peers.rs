//! The `openssl` command, which nobody here wrote, on the other side: of TLS, of requests, certificates
//! and revocation lists. Key files are in `key_peers.rs`.
#![cfg(all(feature = "connect", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "support/openssl.rs"]
mod bench;

use std::sync::Arc;
use std::time::Duration;

use bench::{Bench, PATIENCE, passphrase};
use private_ca::connect::{ConnectError, Frontend, Probe, TlsVersion};
use private_ca::file::Existing;
use private_ca::{
    Certificate, CertificateAuthority, CertificatePurpose, CertificateRequest, ExportedCertificate,
    Identity, IssueRequest, IssuedCertificate, KeyAlgorithm, LocalCa, LocalCaOptions, LocalManaged,
    ManagedCertificates, ManagedRequest, PrivateKey, RequestedValidity, Revocation,
    RevocationReason,
};

const KEYS: [KeyAlgorithm; 5] = [
    KeyAlgorithm::RSA_2048,
    KeyAlgorithm::EcdsaP256,
    KeyAlgorithm::EcdsaP384,
    KeyAlgorithm::EcdsaP521,
    KeyAlgorithm::Ed25519,
];

const VERSIONS: [(TlsVersion, &str); 2] =
    [(TlsVersion::Tls12, "-tls1_2"), (TlsVersion::Tls13, "-tls1_3")];

fn root(subject: &str, key: KeyAlgorithm) -> LocalCa {
    let options = LocalCaOptions::new(subject.parse().unwrap()).with_key_algorithm(key);
    LocalCa::in_memory_root(options).unwrap()
}

async fn issue(
    ca: &LocalCa,
    key: &PrivateKey,
    subject: &str,
    purpose: CertificatePurpose,
) -> IssuedCertificate {
    let names = ["localhost".parse().unwrap()];
    let request = CertificateRequest::new(key, subject.parse().unwrap(), &names).unwrap();
    ca.issue(IssueRequest::new(request, purpose, RequestedValidity::days(30))).await.unwrap()
}

async fn identity(
    ca: &LocalCa,
    algorithm: KeyAlgorithm,
    subject: &str,
    purpose: CertificatePurpose,
) -> Identity {
    let key = LocalCa::generate_key(algorithm).unwrap();
    let issued = issue(ca, &key, subject, purpose).await;
    Identity::new(vec![issued.certificate], key).unwrap()
}

async fn export(ca: Arc<LocalCa>, name: &str, key: KeyAlgorithm) -> ExportedCertificate {
    let managed = LocalManaged::new(ca);
    let id = managed.request(ManagedRequest::new(name).with_key_algorithm(key)).await.unwrap();
    managed.export(id, passphrase()).await.unwrap()
}

#[tokio::test]
async fn s_server_accepts_our_client_and_refuses_a_stranger() {
    let Some(bench) = Bench::new() else { return };
    let servers = root("CN=Servers", KeyAlgorithm::EcdsaP256);
    let clients = root("CN=Clients", KeyAlgorithm::RSA_2048);
    let server =
        identity(&servers, KeyAlgorithm::EcdsaP256, "CN=localhost", CertificatePurpose::Server)
            .await;
    let files = server.write_to(bench.path("server"), Existing::Keep).unwrap();
    assert_eq!(files.presented, bench.path("server/certificate.txt"));
    bench.write("clients.pem", clients.chain().to_pem());
    let mut accepted = Vec::new();
    for key in KEYS {
        let purpose = CertificatePurpose::Client;
        accepted.push(identity(&clients, key, "O=Acme,CN=worker", purpose).await);
    }
    let others = LocalCa::in_memory().unwrap();
    let stranger =
        identity(&others, KeyAlgorithm::EcdsaP256, "CN=worker", CertificatePurpose::Client).await;
    for (version, option) in VERSIONS {
        // With -www it waits for the client's request, so that it says nothing of its own.
        let mut s_server = bench.start(&format!(
            "s_server -accept 127.0.0.1:0 {option} -www -Verify 1 -verify_return_error -CAfile clients.pem \
             -cert server/certificate.txt -key server/private_key_nopass.txt"
        ));
        let probe = Probe::new("127.0.0.1", s_server.port(), servers.chain().clone())
            .with_server_name("localhost")
            .with_grace(Duration::from_millis(300));
        for worker in &accepted {
            let key = worker.private_key().algorithm();
            let connection = probe.clone().with_identity(worker.clone()).connect().await;
            if key == KeyAlgorithm::EcdsaP521 && version == TlsVersion::Tls12 {
                // OpenSSL wants the key's curve among the client's groups for the key exchange, and
                // rustls has none on P-521.
                let Err(ConnectError::Refused { alert }) = connection else {
                    panic!("{connection:?}\n{}", s_server.text());
                };
                assert_eq!(alert.number(), 47, "{alert}\n{}", s_server.text());
                s_server.says("wrong curve");
                continue;
            }
            let connection = connection
                .unwrap_or_else(|error| panic!("{version}, {key}: {error}\n{}", s_server.text()));
            assert_eq!(connection.version, version);
            assert!(connection.greeting.is_empty());
        }
        for (client, expected) in [
            (probe.clone().with_identity(stranger.clone()), 48),
            // RFC 5246 section 7.4.6 and RFC 8446 section 4.4.2.4.
            (probe.clone(), if version == TlsVersion::Tls12 { 40 } else { 116 }),
        ] {
            let outcome = client.with_grace(PATIENCE).connect().await;
            let Err(ConnectError::Refused { alert }) = outcome else {
                panic!("{version}: {outcome:?}\n{}", s_server.text());
            };
            assert_eq!(alert.number(), expected, "{version}: {alert}\n{}", s_server.text());
        }
    }
}

#[tokio::test]
async fn s_client_reaches_our_frontend_with_an_encrypted_export() {
    let Some(bench) = Bench::new() else { return };
    let bench = Arc::new(bench);
    let servers = root("CN=Servers", KeyAlgorithm::EcdsaP256);
    let clients = Arc::new(root("CN=Clients", KeyAlgorithm::EcdsaP384));
    let server =
        identity(&servers, KeyAlgorithm::RSA_2048, "CN=localhost", CertificatePurpose::Server)
            .await;
    let frontend = Frontend::start(&server, clients.chain()).await.unwrap();
    bench.write("servers.pem", servers.chain().to_pem());
    for (folder, ca, key) in [
        ("rsa", clients.clone(), KeyAlgorithm::RSA_2048),
        ("p256", clients.clone(), KeyAlgorithm::EcdsaP256),
        ("stranger", Arc::new(LocalCa::in_memory().unwrap()), KeyAlgorithm::EcdsaP256),
    ] {
        let exported = export(ca, "worker.acme.internal", key).await;
        exported.write_to(bench.path(folder), Existing::Keep).unwrap();
        for (version, option) in VERSIONS {
            let arguments = format!(
                "s_client -connect {} -servername localhost -verify_hostname localhost {option} -ign_eof \
                 -cert {folder}/certificate.txt -key {folder}/private_key.txt -pass file:passphrase.txt \
                 -CAfile servers.pem -verify_return_error",
                frontend.address()
            );
            let s_client = {
                let bench = bench.clone();
                move || bench.start(&arguments).end()
            };
            let (success, text) = tokio::task::spawn_blocking(s_client).await.unwrap();
            let greeted = text.contains("hello CN=worker.acme.internal");
            assert!(text.contains("Verify return code: 0") || !greeted, "{version}: {text}");
            if folder == "stranger" {
                assert!(!success && !greeted, "{version}: {text}");
                assert!(text.contains("SSL alert number 48"), "{version}: {text}");
            } else {
                assert!(success && greeted, "{folder}, {version}: {text}");
            }
        }
    }
}

/// The extensions of a certificate file, by `openssl`: each a header line and its contents.
fn extensions(bench: &Bench, file: &str) -> String {
    let extensions =
        "basicConstraints,keyUsage,extendedKeyUsage,subjectKeyIdentifier,authorityKeyIdentifier";
    let text = bench.openssl(&format!("x509 -in {file} -noout -ext {extensions}"));
    text.lines().map(str::trim).collect::<Vec<_>>().join("\n")
}

fn contains_all(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[tokio::test]
async fn verify_accepts_what_is_issued_and_finds_every_extension() {
    let Some(bench) = Bench::new() else { return };
    let parent = root("CN=Root above", KeyAlgorithm::RSA_2048);
    let below = LocalCaOptions::new("CN=Issuing".parse().unwrap())
        .with_key_algorithm(KeyAlgorithm::EcdsaP256)
        .with_path_len(0)
        .with_validity(RequestedValidity::days(1000));
    let below = LocalCa::in_memory_subordinate(&parent, below).await.unwrap();
    for ca in [
        root("C=DE,O=Acm\u{e9},CN=Root", KeyAlgorithm::RSA_2048),
        root("C=DE,O=Acm\u{e9},CN=Root", KeyAlgorithm::EcdsaP256),
        root("C=DE,O=Acm\u{e9},CN=Root", KeyAlgorithm::EcdsaP384),
        below,
    ] {
        let ca = Arc::new(ca);
        let [untrusted @ .., anchor] = ca.chain().certificates() else { panic!("an empty chain") };
        bench.write("anchor.pem", anchor.to_pem());
        let untrusted: String = untrusted.iter().map(Certificate::to_pem).collect();
        bench.write("untrusted.pem", &untrusted);
        let untrusted = if untrusted.is_empty() { "" } else { "-untrusted untrusted.pem" };
        let verify = format!("verify -x509_strict -CAfile anchor.pem {untrusted}");

        bench.write("ca.pem", ca.own_certificate().to_pem());
        bench.openssl(&format!("{verify} ca.pem"));
        contains_all(
            &extensions(&bench, "ca.pem"),
            &[
                "X509v3 Basic Constraints: critical\nCA:TRUE",
                "X509v3 Key Usage: critical\n",
                "Certificate Sign",
                "CRL Sign",
                "X509v3 Subject Key Identifier:",
            ],
        );

        for key in KEYS {
            let key = LocalCa::generate_key(key).unwrap();
            let issued = issue(&ca, &key, "O=Acme,CN=worker", CertificatePurpose::Client).await;
            bench.write("issued.pem", issued.certificate.to_pem());
            bench.openssl(&format!("{verify} -purpose sslclient issued.pem"));
            let text = extensions(&bench, "issued.pem");
            contains_all(
                &text,
                &[
                    "X509v3 Basic Constraints: critical\nCA:FALSE",
                    "X509v3 Key Usage: critical\nDigital Signature",
                    "X509v3 Subject Key Identifier:",
                    "X509v3 Authority Key Identifier:",
                    "TLS Web Client Authentication",
                ],
            );
            assert!(!text.contains("TLS Web Server Authentication"), "{text}");
            bench.refuses(&format!("{verify} -purpose sslserver issued.pem"));
        }

        for key in [KeyAlgorithm::RSA_2048, KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384] {
            let exported = export(ca.clone(), "worker.acme.internal", key).await;
            exported.write_to(bench.path("export"), Existing::Replace).unwrap();
            for purpose in ["sslclient", "sslserver -verify_hostname worker.acme.internal"] {
                // The chain's file holds the root, and what is between.
                bench.openssl(&format!(
                    "verify -x509_strict -purpose {purpose} -CAfile export/certificate_chain.txt export/certificate.txt"
                ));
            }
        }
    }
}

#[test]
fn req_verifies_our_requests() {
    let Some(bench) = Bench::new() else { return };
    for algorithm in KEYS {
        let key = LocalCa::generate_key(algorithm).unwrap();
        let names = ["worker.acme.internal".parse().unwrap(), "10.0.0.1".parse().unwrap()];
        for names in [&names[..], &[]] {
            let subject = "C=DE,O=Acm\u{e9},OU=a,OU=b,CN=worker".parse().unwrap();
            let request = CertificateRequest::new(&key, subject, names).unwrap();
            bench.write("request.pem", request.to_pem());
            let text = bench.openssl("req -in request.pem -verify -noout -text -nameopt utf8");
            // It succeeds either way and only says so.
            contains_all(&text, &["verify OK", "OU=a", "OU=b", "CN=worker"]);
            assert_eq!(
                text.contains("DNS:worker.acme.internal, IP Address:10.0.0.1"),
                !names.is_empty(),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn we_take_the_requests_that_openssl_makes() {
    let Some(bench) = Bench::new() else { return };
    let ca = LocalCa::in_memory().unwrap();
    bench.write("ca.pem", ca.own_certificate().to_pem());
    let names = "DNS:worker.acme.internal,DNS:*.acme.internal,IP:10.0.0.1,IP:2001:db8::1";
    for (new_key, algorithm) in [
        ("rsa:2048", KeyAlgorithm::RSA_2048),
        ("ec -pkeyopt ec_paramgen_curve:P-256", KeyAlgorithm::EcdsaP256),
        ("ed25519", KeyAlgorithm::Ed25519),
    ] {
        for (subject, expected) in [
            ("/C=DE/O=Acme/CN=worker", "C=DE,O=Acme,CN=worker"),
            ("/O=Acme/OU=a/OU=b/CN=worker", "O=Acme,OU=a,OU=b,CN=worker"),
        ] {
            for extra in [String::new(), format!("-addext subjectAltName={names}")] {
                for form in ["PEM", "DER"] {
                    bench.openssl(&format!(
                        "req -new -newkey {new_key} -nodes -keyout key.pem -subj {subject} {extra} \
                         -outform {form} -out request"
                    ));
                    let request =
                        CertificateRequest::from_pem_or_der(&bench.read("request")).unwrap();
                    assert_eq!(request.subject().to_string(), expected);
                    assert_eq!(request.public_key_der(), bench.public_key("key.pem"));
                    assert_eq!(
                        KeyAlgorithm::of_public_key(request.public_key_der()),
                        Some(algorithm)
                    );
                    let found = request.subject_alternative_names().to_vec();
                    assert_eq!(found.len(), if extra.is_empty() { 0 } else { 4 }, "{found:?}");
                    if subject.contains("/OU=") {
                        continue;
                    }
                    let issued = ca
                        .issue(IssueRequest::new(
                            request,
                            CertificatePurpose::Client,
                            RequestedValidity::days(1),
                        ))
                        .await
                        .unwrap();
                    assert_eq!(issued.certificate.subject_alternative_names(), found);
                    bench.write("issued.pem", issued.certificate.to_pem());
                    bench.openssl(
                        "verify -x509_strict -purpose sslclient -CAfile ca.pem issued.pem",
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn crl_check_refuses_whom_we_revoked_and_nobody_else() {
    let Some(bench) = Bench::new() else { return };
    for algorithm in [KeyAlgorithm::RSA_2048, KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384] {
        let ca = root("C=DE,O=Acm\u{e9},CN=Root", algorithm);
        bench.write("ca.pem", ca.own_certificate().to_pem());
        let key = LocalCa::generate_key(KeyAlgorithm::EcdsaP256).unwrap();
        let mut serial_numbers = Vec::new();
        for name in ["revoked.pem", "good.pem"] {
            let issued = issue(&ca, &key, "CN=worker", CertificatePurpose::Client).await;
            bench.write(name, issued.certificate.to_pem());
            serial_numbers.push(issued.certificate.serial_number());
        }
        let check = |crl: &str| {
            bench.write("crl.pem", crl);
            let text = bench.openssl("crl -in crl.pem -CAfile ca.pem -noout -text");
            // It succeeds either way and only says so.
            contains_all(&text, &["verify OK", "X509v3 Authority Key Identifier", "CRL Number"]);
            text
        };
        let verify = "verify -x509_strict -crl_check -CRLfile crl.pem -CAfile ca.pem";
        let text = check(&ca.revocation_list().unwrap());
        contains_all(&text, &["No Revoked Certificates"]);
        bench.openssl(&format!("{verify} revoked.pem good.pem"));

        let revocation =
            Revocation::new(serial_numbers[0].clone(), RevocationReason::KeyCompromise);
        ca.revoke(revocation).await.unwrap();
        let text = check(&ca.revocation_list().unwrap());
        contains_all(&text, &["Key Compromise"]);
        let serial_number = bench.openssl("x509 -in revoked.pem -noout -serial");
        let serial_number = serial_number.trim().strip_prefix("serial=").unwrap();
        contains_all(&text, &[&format!("Serial Number: {serial_number}")]);
        contains_all(&bench.refuses(&format!("{verify} revoked.pem")), &["certificate revoked"]);
        bench.openssl(&format!("{verify} good.pem"));
    }
}
