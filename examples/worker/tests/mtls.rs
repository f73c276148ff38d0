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

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use private_ca_worker::{connect, greet};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};
use tempfile::TempDir;
use temporalio_client::{
    envconfig::{DataSource, LoadClientConfigProfileOptions},
    errors::ClientConnectError,
    tonic::Code,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
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

/// Long enough for a slow machine, short enough that a hang is told from slowness.
const PATIENCE: Duration = Duration::from_secs(60);

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

#[tokio::test]
async fn the_program_takes_its_certificate_from_the_environment() {
    let Some(frontend) = Frontend::start().await else {
        return;
    };
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_private-ca-worker"))
        .args(["run", "Temporal"])
        .env_clear() // of whatever else the SDK would take from this machine
        .env("TEMPORAL_CONFIG_FILE", frontend.folder.path().join("none"))
        .env("TEMPORAL_ADDRESS", frontend.address.to_string())
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
    fn new() -> Self {
        let ours = authority("Acme Root");
        let others = authority("Other Root");
        let servers = authority("Frontend Root");
        let mut server = leaf(SERVER_NAME, ExtendedKeyUsagePurpose::ServerAuth);
        let server_name = SERVER_NAME.try_into().expect("an ASCII name");
        server.subject_alt_names = vec![SanType::DnsName(server_name)];
        let client = || leaf("worker", ExtendedKeyUsagePurpose::ClientAuth);
        let mut expired = client();
        expired.not_before = date_time_ymd(2020, 1, 1);
        expired.not_after = date_time_ymd(2021, 1, 1);
        Self {
            client_ca_chain: ours.pem(),
            ours: issue(&ours, client()),
            strangers: issue(&others, client()),
            expired: issue(&ours, expired),
            server: issue(&servers, server),
            server_ca: servers.pem(),
        }
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::self_signed(params, key).expect("a root certificate")
}

fn leaf(name: &str, purpose: ExtendedKeyUsagePurpose) -> CertificateParams {
    let mut params = named(name);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    params
}

fn named(common_name: &str) -> CertificateParams {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    params
}

fn issue(authority: &CertifiedIssuer<'_, KeyPair>, params: CertificateParams) -> Pem {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, authority).expect("a certificate");
    Pem { certificate: certificate.pem(), key: key.serialize_pem() }
}

/// A Temporal dev server, and nginx in front of it as its mTLS frontend.
struct Frontend {
    address: SocketAddr,
    ours: Files,
    strangers: Files,
    expired: Files,
    server_ca: PathBuf,
    // Fields are dropped in this order: nothing writes into the folder when it goes.
    nginx: Process,
    _temporal: Process,
    folder: TempDir,
}

/// A certificate chain and its key, as the SDK takes them.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Frontend {
    /// `None` where a server is not installed, which only a developer's machine is forgiven.
    async fn start() -> Option<Self> {
        if let Some(missing) = ["temporal", "nginx"].into_iter().find(|name| !on_path(name)) {
            let reason = format!("`{missing}` is not on PATH");
            if env::var_os("CI").is_some_and(|ci| !ci.is_empty()) {
                panic!("{reason}");
            }
            println!("skipped: {reason}");
            return None;
        }
        let pki = Pki::new();
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

        // One after the other, because a dev server also takes free ports of its own choice.
        let upstream = free_address();
        let temporal = Process::start(
            path,
            Command::new("temporal")
                .args(["server", "start-dev", "--headless"])
                .args(["--ip", &upstream.ip().to_string()])
                .args(["--port", &upstream.port().to_string()])
                .args(["--namespace", NAMESPACE])
                .args(["--disable-config-file", "--disable-config-env"]),
        );
        let temporal = temporal.listening_on(upstream).await;
        let address = free_address();
        write("nginx.conf", &nginx_conf(address, upstream));
        let nginx = Process::start(
            path,
            // Before it has read its configuration, nginx would complain into a system folder.
            Command::new("nginx").args(["-e", "stderr", "-c", "nginx.conf", "-p"]).arg(path),
        );
        let nginx = nginx.listening_on(address).await;
        Some(Self {
            address,
            ours: files("ours", &pki.ours),
            strangers: files("strangers", &pki.strangers),
            expired: files("expired", &pki.expired),
            server_ca: write("server_ca.pem", &pki.server_ca),
            nginx,
            _temporal: temporal,
            folder,
        })
    }

    /// The SDK's configuration: `temporal.toml`, and nothing from the environment.
    fn profile(&self, identity: Option<&Files>) -> LoadClientConfigProfileOptions {
        let Self { address, server_ca, .. } = self;
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
        let log = self.nginx.output();
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
        let tcp = TcpStream::connect(self.address).await.expect("a connection");
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

/// All of nginx's files are in its own folder, and it is one process, so that to kill it is to end it.
fn nginx_conf(listen: SocketAddr, upstream: SocketAddr) -> String {
    format!(
        r#"
daemon off;
master_process off;
pid nginx.pid;
error_log stderr info;
events {{ }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen {listen} ssl http2;
        server_name {SERVER_NAME};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate server.pem;
        ssl_certificate_key server.key;
        ssl_client_certificate client_ca.pem;
        ssl_verify_client on;
        location = /tls {{
            return 200 "$ssl_protocol $ssl_client_verify";
        }}
        location / {{
            grpc_pass grpc://{upstream};
            # A worker's poll for tasks is held open for a minute, nginx's own limit.
            grpc_read_timeout 5m;
        }}
    }}
}}
"#
    )
}

/// A child process that writes its output to a file, and ends with the test.
struct Process {
    name: String,
    child: Child,
    output: PathBuf,
}

impl Process {
    fn start(folder: &Path, command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = folder.join(format!("{name}.out"));
        let file = File::create(&output).expect("a file");
        let child = command
            .stdin(Stdio::null())
            .stderr(file.try_clone().expect("a second handle"))
            .stdout(file)
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        Self { name, child, output }
    }

    async fn listening_on(mut self, address: SocketAddr) -> Self {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).await.is_err() {
            let ended = self.child.try_wait().expect("a child");
            if ended.is_some() || Instant::now() > deadline {
                let state = ended.map_or("still runs".into(), |status| status.to_string());
                let Self { name, .. } = &self;
                panic!("{name} ({state}) does not listen on {address}:\n{}", self.output());
            }
            sleep(Duration::from_millis(50)).await;
        }
        self
    }

    fn output(&self) -> String {
        fs::read_to_string(&self.output).expect("a readable file")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()))
}

/// Free when asked, which is the most that can be known before the server itself binds it.
fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port")
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("an end in time")
}
