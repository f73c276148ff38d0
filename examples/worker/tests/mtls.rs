//! The worker against a real Temporal server behind nginx, which asks for a client certificate.
//!
//! Needs `temporal` and `nginx` on `PATH`. Where one is missing the tests fail under `CI` and are
//! skipped elsewhere.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says so when it is skipped"
)]

#[path = "support/servers.rs"]
mod servers;

use std::{fs, path::PathBuf, sync::Arc};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use private_ca::authority::aws::AwsConnection;
use private_ca::{
    Acm, AcmPca, AcmPcaOptions, CertificateAuthority, CertificatePurpose, CertificateRequest,
    EncryptedPrivateKey, IssueRequest, KeyAlgorithm, LocalCa, LocalCaOptions, LocalManaged,
    ManagedCertificates, ManagedRequest, Passphrase, RequestedValidity, SubjectAlternativeName,
};
use private_ca_worker::{connect, greet};
use servers::{AwsStandIn, Servers, within};
use tempfile::TempDir;
use temporalio_client::{
    envconfig::{DataSource, LoadClientConfigProfileOptions},
    errors::ClientConnectError,
    tonic::Code,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, SupportedProtocolVersion,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
        version::{TLS12, TLS13},
    },
};

/// Not the address that clients dial, as with Temporal Cloud's regional endpoints.
const SERVER_NAME: &str = "hello.temporal.test";
const NAMESPACE: &str = "hello";

#[tokio::test]
async fn a_workflow_completes() {
    let Some(frontend) = Frontend::start().await else {
        return;
    };
    let client = within(connect(frontend.profile(Some(&frontend.ours))))
        .await
        .expect("our certificate is accepted");
    let greeting = within(greet(client, "Temporal")).await.expect("the workflow completes");
    assert_eq!(greeting, "Hello, Temporal!");
}

/// The same journey with one other line: the CA is AWS Private CA, and ACM manages the certificate.
#[tokio::test]
async fn a_workflow_completes_with_a_certificate_of_acm() {
    let Some(aws) = AwsStandIn::start().await else {
        return;
    };
    let connection = aws_connection(&aws);
    let options = AcmPcaOptions::new("O=Acme,CN=Acme Root".parse().expect("a name"));
    let ca = AcmPca::create_root(&connection, options).await.expect("a CA");
    ca.grant_acm().await.expect("a grant");
    let managed = Acm::of_ca(&connection, ca.arn().clone()).expect("a CA's ARN");
    let mut pki = Pki::new().await;
    pki.client_ca_chain = ca.certificate_chain().await.expect("a chain").to_pem();
    pki.ours = export(&managed).await;
    let Some(frontend) = Frontend::start_with(pki).await else {
        return;
    };
    let client = within(connect(frontend.profile(Some(&frontend.ours))))
        .await
        .expect("ACM's certificate is accepted");
    let greeting = within(greet(client, "AWS")).await.expect("the workflow completes");
    assert_eq!(greeting, "Hello, AWS!");
    let refused = within(connect(frontend.profile(Some(&frontend.strangers)))).await;
    assert!(refused.is_err(), "a stranger is let in");
}

#[tokio::test]
async fn the_program_takes_its_certificate_from_the_environment() {
    let Some(frontend) = Frontend::start().await else {
        return;
    };
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_private-ca-worker"))
        .args(["run", "Temporal"])
        .env_clear() // of whatever else the SDK would take from this machine
        .env("TEMPORAL_CONFIG_FILE", frontend.folder.path().join("none"))
        .env("TEMPORAL_ADDRESS", frontend.servers.address.to_string())
        .env("TEMPORAL_NAMESPACE", NAMESPACE)
        .env("TEMPORAL_TLS_CLIENT_CERT_PATH", &frontend.ours.certificate)
        .env("TEMPORAL_TLS_CLIENT_KEY_PATH", &frontend.ours.key)
        .env("TEMPORAL_TLS_SERVER_CA_CERT_PATH", &frontend.server_ca)
        .env("TEMPORAL_TLS_SERVER_NAME", SERVER_NAME)
        .kill_on_drop(true)
        .output();
    let output = within(output).await.expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Hello, Temporal!\n");
}

#[tokio::test]
async fn every_other_certificate_is_refused() {
    let Some(frontend) = Frontend::start().await else {
        return;
    };
    frontend.accepts(&frontend.ours).await;
    frontend
        .refuses(
            Some(&frontend.strangers),
            "The SSL certificate error",
            "client SSL certificate verify error: (21:unable to verify the first certificate)",
        )
        .await;
    frontend
        .refuses(
            Some(&frontend.expired),
            "The SSL certificate error",
            "client SSL certificate verify error: (10:certificate has expired)",
        )
        .await;
    frontend
        .refuses(
            None,
            "No required SSL certificate was sent",
            "client sent no required SSL certificate",
        )
        .await;
}

/// Everything that the test signs, in the forms that go into files.
struct Pki {
    /// What the frontend trusts.
    client_ca_chain: String,
    /// Trusted by the frontend.
    ours: Pem,
    /// As good as ours, of another CA.
    strangers: Pem,
    /// Of our CA, no longer valid.
    expired: Pem,
    /// The frontend's own.
    server: Pem,
    server_ca: String,
}

struct Pem {
    certificate: String,
    key: String,
}

impl Pki {
    async fn new() -> Self {
        let ours = authority("O=Acme,CN=Acme Root");
        let others = authority("O=Other,CN=Other Root");
        let servers = authority("CN=Frontend Root");
        let server = SubjectAlternativeName::dns(SERVER_NAME).expect("a DNS name");
        let long_ago =
            RequestedValidity::days(30).starting("2020-01-01T00:00:00Z".parse().expect("a time"));
        Self {
            client_ca_chain: ours.chain().to_pem(),
            expired: issue(&ours, CertificatePurpose::Client, long_ago, &[]).await,
            server: issue(
                &servers,
                CertificatePurpose::Server,
                RequestedValidity::days(1),
                std::slice::from_ref(&server),
            )
            .await,
            server_ca: servers.chain().to_pem(),
            ours: export(&LocalManaged::new(ours.into())).await,
            strangers: export(&LocalManaged::new(others.into())).await,
        }
    }
}

/// A CA that began before any of its certificates, the expired one included.
fn authority(name: &str) -> LocalCa {
    let validity = RequestedValidity::until("2099-01-01T00:00:00Z".parse().expect("a time"))
        .starting("2019-01-01T00:00:00Z".parse().expect("a time"));
    let options = LocalCaOptions::new(name.parse().expect("a name")).with_validity(validity);
    LocalCa::in_memory_root(options).expect("a CA")
}

/// The managed flow: requested by domain name, exported under a passphrase, decrypted.
async fn export(managed: &dyn ManagedCertificates) -> Pem {
    let id = managed.request(ManagedRequest::new("worker.acme.internal")).await.expect("an id");
    managed.wait_until_issued(id.clone()).await.expect("a certificate");
    let passphrase = Passphrase::new(*b"correct horse");
    let exported = managed.export(id, passphrase.clone()).await.expect("an export");
    let key = EncryptedPrivateKey::from_pem_or_der(exported.private_key.to_pem().as_bytes())
        .expect("an encrypted key")
        .decrypt(&passphrase)
        .expect("the right passphrase");
    Pem { certificate: exported.certificate.to_pem(), key: key.to_pkcs8_pem().to_string() }
}

async fn issue(
    ca: &LocalCa,
    purpose: CertificatePurpose,
    validity: RequestedValidity,
    names: &[SubjectAlternativeName],
) -> Pem {
    let key = LocalCa::generate_key(KeyAlgorithm::EcdsaP256).expect("a key");
    let subject = "CN=leaf".parse().expect("a name");
    let request = CertificateRequest::new(&key, subject, names).expect("a request");
    let request = IssueRequest::new(request, purpose, validity);
    let issued = ca.issue(request).await.expect("a certificate");
    Pem { certificate: issued.certificate.to_pem(), key: key.to_pkcs8_pem().to_string() }
}

/// A Temporal dev server, and nginx in front of it as its mTLS frontend.
struct Frontend {
    ours: Files,
    strangers: Files,
    expired: Files,
    server_ca: PathBuf,
    // Fields are dropped in this order: nothing writes into the folder when it goes.
    servers: Servers,
    folder: TempDir,
}

/// A certificate chain and its key, as the SDK takes them.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Frontend {
    async fn start() -> Option<Self> {
        Self::start_with(Pki::new().await).await
    }

    /// `None` where a server is not installed.
    async fn start_with(pki: Pki) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let write = |name: &str, text: &str| {
            let file = path.join(name);
            fs::write(&file, text).expect("a file");
            file
        };
        let files = |name: &str, pem: &Pem| Files {
            certificate: write(&format!("{name}.pem"), &pem.certificate),
            key: write(&format!("{name}.key"), &pem.key),
        };
        write("client_ca.pem", &pki.client_ca_chain);
        files("server", &pki.server);

        let servers = Servers::start(path, SERVER_NAME, NAMESPACE).await?;
        Some(Self {
            ours: files("ours", &pki.ours),
            strangers: files("strangers", &pki.strangers),
            expired: files("expired", &pki.expired),
            server_ca: write("server_ca.pem", &pki.server_ca),
            servers,
            folder,
        })
    }

    /// The SDK's configuration: `temporal.toml`, and nothing from the environment.
    fn profile(&self, identity: Option<&Files>) -> LoadClientConfigProfileOptions {
        let Self { servers: Servers { address, .. }, server_ca, .. } = self;
        let identity = identity.map_or(String::new(), |Files { certificate, key }| {
            format!("client_cert_path = {certificate:?}\nclient_key_path = {key:?}\n")
        });
        let toml = format!(
            "[profile.default]\n\
             address = \"{address}\"\n\
             namespace = \"{NAMESPACE}\"\n\
             [profile.default.tls]\n\
             server_ca_cert_path = {server_ca:?}\n\
             server_name = \"{SERVER_NAME}\"\n\
             {identity}"
        );
        LoadClientConfigProfileOptions::builder()
            .config_source(DataSource::Data(toml.into_bytes()))
            .config_file_strict(true)
            .disable_env(true)
            .build()
    }

    /// The control for [`Self::refuses`]: the same questions, the other answers.
    async fn accepts(&self, identity: &Files) {
        let connected = within(connect(self.profile(Some(identity)))).await;
        assert!(connected.is_ok(), "{:?}", connected.err());
        for (version, name) in [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")] {
            let answer = self.get(version, Some(identity)).await;
            assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
            assert!(answer.ends_with(&format!("{name} SUCCESS")), "{answer}");
        }
    }

    /// nginx ends no handshake with an alert: it lets the client in and answers its first request
    /// with status 400, a page that says `told`, and `logged` in its own log.
    async fn refuses(&self, identity: Option<&Files>, told: &str, logged: &str) {
        // 60 is `<`: where a gRPC message should begin, the SDK has read the page.
        let expected = "protocol error: received message with invalid compression flag: 60 \
            (valid flags are 0 and 1) while receiving response with status: 400 Bad Request";
        let error = within(connect(self.profile(identity))).await.err();
        let error = error.expect("the SDK's first call is refused");
        match error.downcast_ref() {
            Some(ClientConnectError::SystemInfoCallError(status)) => {
                assert_eq!((status.code(), status.message()), (Code::Internal, expected));
            }
            _ => panic!("refused in another way: {error}"),
        }
        for version in [&TLS12, &TLS13] {
            let answer = self.get(version, identity).await;
            assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
            assert!(answer.contains(&format!("<center>{told}</center>")), "{answer}");
        }
        // Once for the SDK, once for each version of TLS.
        let log = self.servers.nginx.output();
        assert_eq!(log.matches(logged).count(), 3, "{logged:?} in:\n{log}");
    }

    /// What nginx answers to a plain request, once the handshake has succeeded.
    async fn get(
        &self,
        version: &'static SupportedProtocolVersion,
        identity: Option<&Files>,
    ) -> String {
        let mut roots = RootCertStore::empty();
        let server_ca = CertificateDer::from_pem_file(&self.server_ca).expect("a certificate");
        roots.add(server_ca).expect("a root");
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .expect("a version that the provider has")
            .with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some(Files { certificate, key }) => {
                let chain = CertificateDer::pem_file_iter(certificate)
                    .and_then(Iterator::collect)
                    .expect("a certificate chain");
                let key = PrivateKeyDer::from_pem_file(key).expect("a key");
                config.with_client_auth_cert(chain, key).expect("a key that fits")
            }
        };
        let tcp = TcpStream::connect(self.servers.address).await.expect("a connection");
        let name = ServerName::try_from(SERVER_NAME).expect("a name");
        let mut tls = within(TlsConnector::from(Arc::new(config)).connect(name, tcp))
            .await
            .expect("the handshake succeeds whatever the client's certificate is");
        let request =
            format!("GET /tls HTTP/1.1\r\nHost: {SERVER_NAME}\r\nConnection: close\r\n\r\n");
        tls.write_all(request.as_bytes()).await.expect("a request");
        let mut answer = String::new();
        within(tls.read_to_string(&mut answer)).await.expect("an answer");
        answer
    }
}

fn aws_connection(stand_in: &AwsStandIn) -> AwsConnection {
    let credentials = Credentials::new("stand-in", "stand-in", None, None, "stand-in");
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(&stand_in.endpoint_url)
        .region(Region::from_static("eu-central-1"))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build();
    AwsConnection::from_sdk_config(config).expect("a region")
}
