//! The `openssl` command, which nobody here wrote, on the other side: of TLS, of key files, of
//! requests, certificates and revocation lists.
#![cfg(all(feature = "connect", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use private_ca::connect::{ConnectError, Frontend, Probe, TlsVersion};
use private_ca::file::Existing;
use private_ca::{
    Certificate, CertificateAuthority, CertificatePurpose, CertificateRequest, EncryptedPrivateKey,
    EncryptionPreset, ExportedCertificate, Identity, IssueRequest, IssuedCertificate, KeyAlgorithm,
    LocalCa, LocalCaOptions, LocalManaged, ManagedCertificates, ManagedRequest, Passphrase,
    PrivateKey, RequestedValidity, Revocation, RevocationReason,
};

const PATIENCE: Duration = Duration::from_secs(10);

const KEYS: [KeyAlgorithm; 5] = [
    KeyAlgorithm::RSA_2048,
    KeyAlgorithm::EcdsaP256,
    KeyAlgorithm::EcdsaP384,
    KeyAlgorithm::EcdsaP521,
    KeyAlgorithm::Ed25519,
];

const VERSIONS: [(TlsVersion, &str); 2] =
    [(TlsVersion::Tls12, "-tls1_2"), (TlsVersion::Tls13, "-tls1_3")];

const PASSPHRASE: &[u8] = b"correct horse";

fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE)
}

/// A folder that `openssl` works in.
struct Bench {
    folder: tempfile::TempDir,
    runs: AtomicU32,
}

impl Bench {
    /// `None` where there is no OpenSSL 3, which is an error on a build server.
    fn new() -> Option<Self> {
        let version = Command::new("openssl").arg("version").output();
        let version = version.map_or_else(
            |error| error.to_string(),
            |output| String::from_utf8_lossy(&output.stdout).into_owned(),
        );
        let major = version.strip_prefix("OpenSSL ").and_then(|rest| rest.split('.').next());
        if major.and_then(|major| major.parse().ok()).is_none_or(|major: u32| major < 3) {
            assert!(
                std::env::var_os("CI").is_none_or(|value| value.is_empty()),
                "no OpenSSL 3.0 or later: {version}"
            );
            println!("skipped: no OpenSSL 3.0 or later: {version}");
            return None;
        }
        let bench = Self { folder: tempfile::tempdir().unwrap(), runs: AtomicU32::new(0) };
        bench.write("passphrase.txt", [PASSPHRASE, b"\n"].concat());
        Some(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    fn start(&self, arguments: &str) -> Running {
        let log = self.path(&format!("log-{}.txt", self.runs.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&log).unwrap();
        let child = Command::new("openssl")
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Running { child, log, arguments: arguments.to_owned() }
    }

    /// What `openssl` says when it succeeds.
    fn openssl(&self, arguments: &str) -> String {
        let (success, text) = self.start(arguments).end();
        assert!(success, "openssl {arguments}\n{text}");
        text
    }

    /// What `openssl` says when it fails.
    fn refuses(&self, arguments: &str) -> String {
        let (success, text) = self.start(arguments).end();
        assert!(!success, "openssl {arguments}\n{text}");
        text
    }

    /// The public key of a plain key file, by `openssl`.
    fn public_key(&self, key: &str) -> Vec<u8> {
        self.openssl(&format!("pkey -in {key} -pubout -outform DER -out public.der"));
        self.read("public.der")
    }
}

/// A running `openssl`, ended when it is dropped.
struct Running {
    child: Child,
    log: PathBuf,
    arguments: String,
}

impl Running {
    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Whether it succeeded, and what it said.
    fn end(mut self) -> (bool, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.success(), self.text());
            }
            assert!(
                start.elapsed() < PATIENCE,
                "still running: openssl {}\n{}",
                self.arguments,
                self.text()
            );
            sleep(Duration::from_millis(5));
        }
    }

    /// Waits until it says so: an alert is on its way before the log is written.
    fn says(&self, part: &str) {
        let start = Instant::now();
        while !self.text().contains(part) {
            assert!(start.elapsed() < PATIENCE, "no {part:?}: {}", self.text());
            sleep(Duration::from_millis(5));
        }
    }

    /// The port that an `s_server` listens on, once it does.
    fn port(&mut self) -> u16 {
        let start = Instant::now();
        loop {
            let text = self.text();
            let line = text.lines().find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:"));
            // A line that is not finished yet could be a part of the port.
            if let Some(port) = line.filter(|_| text.ends_with('\n')) {
                return port.trim().parse().unwrap();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(
                ended.is_none() && start.elapsed() < PATIENCE,
                "not listening: openssl {}\n{text}",
                self.arguments
            );
            sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

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
fn pkcs8_reads_our_encrypted_keys_of_every_kind_in_both_presets() {
    let Some(bench) = Bench::new() else { return };
    for algorithm in KEYS {
        let key = match algorithm {
            // RustCrypto takes seconds for it.
            KeyAlgorithm::Rsa { .. } => LocalCa::generate_key(algorithm).unwrap(),
            _ => PrivateKey::generate(algorithm).unwrap(),
        };
        for preset in [EncryptionPreset::Modern, EncryptionPreset::Acm] {
            // Its iterations take a while: the longest and the shortest key have to do.
            if preset == EncryptionPreset::Modern
                && ![KeyAlgorithm::RSA_2048, KeyAlgorithm::Ed25519].contains(&algorithm)
            {
                continue;
            }
            let encrypted = EncryptedPrivateKey::encrypt(&key, &passphrase(), preset).unwrap();
            bench.write("private_key.txt", encrypted.to_pem());
            bench.write("private_key.der", encrypted.as_der());
            for input in ["private_key.txt", "private_key.der -inform DER"] {
                bench.openssl(&format!(
                    "pkcs8 -in {input} -passin file:passphrase.txt -out plain.pem"
                ));
                assert_eq!(bench.public_key("plain.pem"), key.public_key_der(), "{algorithm}");
                if preset == EncryptionPreset::Modern {
                    break;
                }
                bench.refuses(&format!("pkcs8 -in {input} -passin pass:wrong -out plain.pem"));
            }
        }
        bench.write("plain.pem", &*key.to_pkcs8_pem());
        assert_eq!(bench.public_key("plain.pem"), key.public_key_der(), "{algorithm}");
        bench.openssl("pkey -in plain.pem -check -noout");
    }
}

/// Makes a key of every kind with `openssl`, each in the file of its algorithm's name.
fn openssl_keys(bench: &Bench) -> [(&'static str, KeyAlgorithm); 5] {
    let names = ["rsa.pem", "p256.pem", "p384.pem", "p521.pem", "ed25519.pem"];
    for (name, how) in names.iter().zip([
        "genrsa -traditional -out rsa.pem 2048",
        "ecparam -name prime256v1 -genkey -out p256.pem",
        "ecparam -name secp384r1 -genkey -out p384.pem",
        "ecparam -name secp521r1 -genkey -out p521.pem",
        "genpkey -algorithm ed25519 -out ed25519.pem",
    ]) {
        bench.openssl(how);
        assert!(bench.path(name).exists(), "{how}");
    }
    let mut keys = names.into_iter().zip(KEYS);
    std::array::from_fn(|_| keys.next().unwrap())
}

#[test]
fn we_read_the_plain_keys_that_openssl_writes_in_every_form() {
    let Some(bench) = Bench::new() else { return };
    for (file, algorithm) in openssl_keys(&bench) {
        let public_key = bench.public_key(file);
        let text = String::from_utf8(bench.read(file)).unwrap();
        let first = match algorithm {
            KeyAlgorithm::Rsa { .. } => "-----BEGIN RSA PRIVATE KEY-----",
            KeyAlgorithm::Ed25519 => "-----BEGIN PRIVATE KEY-----",
            _ => "-----BEGIN EC PARAMETERS-----",
        };
        assert!(text.starts_with(first), "{text}");
        let mut forms = vec![(first.to_owned(), bench.read(file))];
        let pkey = match algorithm {
            KeyAlgorithm::Rsa { .. } => "rsa -traditional",
            KeyAlgorithm::Ed25519 => "pkey",
            _ => "ec",
        };
        for how in [
            format!("{pkey} -in {file} -outform DER"),
            format!("{pkey} -in {file} -outform PEM"),
            format!("pkey -in {file} -traditional -outform DER"),
            format!("pkcs8 -topk8 -nocrypt -in {file}"),
            format!("pkcs8 -topk8 -nocrypt -in {file} -outform DER"),
            // The public key and the numbers in words, around and after the key.
            format!("pkey -in {file} -text"),
        ] {
            bench.openssl(&format!("{how} -out form"));
            forms.push((how, bench.read("form")));
        }
        for (how, form) in forms {
            let key = PrivateKey::from_pem_or_der(&form)
                .unwrap_or_else(|error| panic!("{algorithm}: {how}: {error}"));
            assert_eq!(key.algorithm(), algorithm, "{how}");
            assert_eq!(key.public_key_der(), public_key, "{algorithm}: {how}");
        }
    }
}

#[test]
fn we_decrypt_what_pkcs8_topk8_writes() {
    let Some(bench) = Bench::new() else { return };
    for (file, algorithm) in openssl_keys(&bench) {
        let public_key = bench.public_key(file);
        for (options, scheme) in [
            ("", "HMAC-SHA-256, 2048 iterations"),
            ("-outform DER", "HMAC-SHA-256, 2048 iterations"),
            ("-v2 aes-128-cbc", "AES-128-CBC"),
            ("-v2 aes-192-cbc", "AES-192-CBC"),
            ("-v2 aes-256-cbc", "AES-256-CBC"),
            ("-v2prf hmacWithSHA1", "HMAC-SHA-1,"),
            ("-v2prf hmacWithSHA256", "HMAC-SHA-256,"),
            ("-v2prf hmacWithSHA512", "HMAC-SHA-512,"),
            ("-v2 aes-128-cbc -v2prf hmacWithSHA512 -iter 10000", "10000 iterations"),
        ] {
            bench.openssl(&format!(
                "pkcs8 -topk8 -in {file} -passout file:passphrase.txt -out encrypted {options}"
            ));
            let encrypted = EncryptedPrivateKey::from_pem_or_der(&bench.read("encrypted"))
                .unwrap_or_else(|error| panic!("{options}: {error}"));
            let text = encrypted.scheme().to_string();
            assert!(text.contains(scheme), "{options}: {text}");
            let key = encrypted
                .decrypt(&passphrase())
                .unwrap_or_else(|error| panic!("{algorithm}, {options}: {error}"));
            assert_eq!(key.public_key_der(), public_key, "{algorithm}, {options}");
            encrypted.decrypt(&Passphrase::new(*b"wrong horse")).unwrap_err();
        }
    }
}

#[test]
fn keys_that_we_do_not_take_are_refused_with_the_cause() {
    let Some(bench) = Bench::new() else { return };
    bench.openssl("genrsa -traditional -out rsa.pem 2048");
    for (how, cause) in [
        ("rsa -in rsa.pem -traditional -aes256 -passout file:passphrase.txt", "Proc-Type"),
        (
            "pkcs8 -topk8 -in rsa.pem -v1 PBE-SHA1-3DES -passout file:passphrase.txt",
            "encryption scheme 1.2.840.113549.1.12.1.3",
        ),
        (
            "pkcs8 -topk8 -in rsa.pem -v2 des3 -passout file:passphrase.txt",
            "cipher 1.2.840.113549.3.7",
        ),
        (
            "pkcs8 -topk8 -in rsa.pem -scrypt -passout file:passphrase.txt",
            "key derivation function 1.3.6.1.4.1.11591.4.11",
        ),
    ] {
        bench.openssl(&format!("{how} -out refused.pem"));
        let file = bench.read("refused.pem");
        let error = EncryptedPrivateKey::from_pem_or_der(&file).unwrap_err().to_string();
        assert!(error.contains(cause), "{how}: {error}");
        PrivateKey::from_pem_or_der(&file).unwrap_err();
    }
    for (how, cause) in [
        ("genrsa -traditional -out refused.pem 1024", "1024 bits"),
        ("genrsa -out refused.pem 1024", "1024 bits"),
        ("ecparam -name secp256k1 -genkey -out refused.pem", "1.3.132.0.10"),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out refused.pem",
            "1.3.132.0.10",
        ),
        ("genpkey -algorithm ed448 -out refused.pem", "1.3.101.113"),
    ] {
        bench.openssl(how);
        let error = PrivateKey::from_pem_or_der(&bench.read("refused.pem")).unwrap_err();
        assert!(error.to_string().contains(cause), "{how}: {error}");
        // Neither in DER nor under a passphrase.
        bench.openssl("pkcs8 -topk8 -nocrypt -in refused.pem -outform DER -out refused.der");
        let error = PrivateKey::from_pem_or_der(&bench.read("refused.der")).unwrap_err();
        assert!(error.to_string().contains(cause), "{how}: {error}");
        bench.openssl(
            "pkcs8 -topk8 -in refused.pem -passout file:passphrase.txt -out encrypted.pem",
        );
        let encrypted = EncryptedPrivateKey::from_pem_or_der(&bench.read("encrypted.pem")).unwrap();
        let error = encrypted.decrypt(&passphrase()).unwrap_err();
        assert!(error.to_string().contains(cause), "{how}: {error}");
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

#[test]
fn the_acm_preset_is_acm_s_form_to_the_octet() {
    let Some(bench) = Bench::new() else { return };
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let encrypted =
        EncryptedPrivateKey::encrypt(&key, &passphrase(), EncryptionPreset::Acm).unwrap();
    bench.write("private_key.txt", encrypted.to_pem());
    let text = bench.openssl("asn1parse -in private_key.txt");
    // Depth and type of each element, and the value where it is not random.
    let elements: Vec<(&str, &str)> = text
        .lines()
        .map(|line| {
            let depth = line.split("d=").nth(1).unwrap().split_whitespace().next().unwrap();
            let (_, element) = line.split_once("cons: ").or(line.split_once("prim: ")).unwrap();
            let element = element.split("[HEX DUMP]").next().unwrap().trim();
            (depth, element)
        })
        .collect();
    let compact = |element: &str| element.split_whitespace().collect::<Vec<_>>().join(" ");
    let elements: Vec<String> = elements
        .into_iter()
        .map(|(depth, element)| format!("{depth} {}", compact(element)))
        .collect();
    assert_eq!(
        elements,
        [
            "0 SEQUENCE",
            "1 SEQUENCE",
            "2 OBJECT :PBES2",
            "2 SEQUENCE",
            "3 SEQUENCE",
            "4 OBJECT :PBKDF2",
            "4 SEQUENCE",
            "5 OCTET STRING",
            // Neither a key length nor a pseudo-random function follows.
            "5 INTEGER :0800",
            "3 SEQUENCE",
            "4 OBJECT :aes-256-cbc",
            "4 OCTET STRING",
            "1 OCTET STRING",
        ],
        "{text}"
    );
    let salt = text.lines().nth(7).unwrap();
    assert!(salt.contains("l=  20 prim"), "{salt}");
}
