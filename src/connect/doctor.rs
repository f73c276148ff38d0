//! Why a worker does not connect: configuration, DNS, TCP, TLS, gRPC, asked in that order.

mod cause;
mod configuration;
mod dns;
mod grpc;
mod strangers;
mod tls;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

pub use cause::Cause;
pub use tls::system_roots;

use super::probe::Probe;
use crate::certificate::CertificateChain;
use crate::identity::Identity;
use crate::key::Passphrase;

/// How far an attempt to connect has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Stage {
    /// What the worker is given: certificate, key, address, namespace.
    Configuration,
    /// The addresses of the host.
    Dns,
    /// A connection to one of them.
    Tcp,
    /// The handshake, and the server's verdict on the client.
    Tls,
    /// Temporal's own service behind it.
    Grpc,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: &[Self] = &[Self::Configuration, Self::Dns, Self::Tcp, Self::Tls, Self::Grpc];

    /// A name for scripts.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Grpc => "grpc",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configuration => "configuration",
            Self::Dns => "DNS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Grpc => "gRPC",
        })
    }
}

/// What was found at one stage.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The stage.
    pub stage: Stage,
    /// How long it took.
    pub took: Duration,
    /// What was seen: names and values for a person, each on one line of bounded length, with the marks
    /// that a terminal acts on written out.
    pub evidence: Vec<(&'static str, String)>,
    /// What does not prevent a connection, and is worth a look.
    pub warnings: Vec<Cause>,
    /// What prevents it; nothing is asked after this stage.
    pub failure: Option<Cause>,
}

impl Finding {
    fn new(stage: Stage) -> Self {
        let (evidence, warnings) = (Vec::new(), Vec::new());
        Self { stage, took: Duration::ZERO, evidence, warnings, failure: None }
    }

    fn saw(&mut self, name: &'static str, value: impl fmt::Display) {
        self.evidence.push((name, strangers::line(&value.to_string())));
    }

    /// Some, and how many more there are.
    fn saw_some(&mut self, name: &'static str, values: &[impl fmt::Display]) {
        for value in values.iter().take(MOST_SHOWN) {
            self.saw(name, value);
        }
        let more = values.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            self.saw(name, format!("and {more} more"));
        }
    }
}

/// What was found at every stage that was reached.
#[derive(Debug)]
pub struct Diagnosis {
    findings: Vec<Finding>,
}

impl Diagnosis {
    /// The findings, in order.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The stage that fails, and why; `None` if the worker can connect.
    #[must_use]
    pub fn failure(&self) -> Option<(Stage, &Cause)> {
        let last = self.findings.last()?;
        Some((last.stage, last.failure.as_ref()?))
    }
}

impl fmt::Display for Diagnosis {
    /// One line: whether it connects, and if not at which stage and why.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure() {
            None => f.write_str("connects"),
            // Names and messages of strangers are in it, who are to begin no line of their own.
            Some((stage, cause)) => {
                write!(f, "does not connect: {stage}: {}", strangers::line(&cause.to_string()))
            }
        }
    }
}

/// What a worker presents, as it is in its files.
#[derive(Clone)]
struct ClientFiles {
    certificates: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
    passphrase: Option<Passphrase>,
}

/// Examines why a worker does not connect.
///
/// It does what the worker will do, and stops at the first stage that fails. Every stage is bounded in
/// time. It asks Temporal's service only for what it is and whether the namespace is there, and
/// changes nothing.
///
/// ```no_run
/// # async fn examine() -> Result<(), Box<dyn std::error::Error>> {
/// use private_ca::connect::Doctor;
///
/// let diagnosis = Doctor::new("hello.a1b2c.tmprl.cloud", 7233)
///     .with_client(&std::fs::read("certificate.txt")?, &std::fs::read("key.txt")?, None)
///     .with_namespace("hello.a1b2c")
///     .examine()
///     .await;
/// println!("{diagnosis}");
/// if let Some((_, cause)) = diagnosis.failure() {
///     println!("to mend it: {}", cause.mend());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Doctor {
    host: String,
    port: u16,
    client: Option<ClientFiles>,
    server_cas: Option<CertificateChain>,
    server_name: Option<String>,
    namespace: Option<String>,
    resolver: Option<SocketAddr>,
    patience: Duration,
    grace: Duration,
}

impl fmt::Debug for Doctor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doctor")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// How many addresses of a name are tried: how many there are is for a stranger to say.
const MOST_ADDRESSES: usize = 8;

/// How many values of the same kind are shown, for the same reason.
const MOST_SHOWN: usize = 8;

/// What one stage leaves to the next.
struct Course<'a> {
    doctor: &'a Doctor,
    identity: Option<Identity>,
    addresses: Vec<IpAddr>,
}

impl Doctor {
    /// For a frontend at this host and port, whose certificate leads to a root of the system.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
            client: None,
            server_cas: None,
            server_name: None,
            namespace: None,
            resolver: None,
            patience: Duration::from_secs(10),
            grace: Duration::from_secs(1),
        }
    }

    /// With what the worker presents, PEM or DER as it is in its files. The passphrase is for a key that is
    /// encrypted.
    #[must_use]
    pub fn with_client(
        mut self,
        certificates: &[u8],
        key: &[u8],
        passphrase: Option<Passphrase>,
    ) -> Self {
        let (certificates, key) = (certificates.to_vec(), Zeroizing::new(key.to_vec()));
        self.client = Some(ClientFiles { certificates, key, passphrase });
        self
    }

    /// With the CAs that vouch for the frontend, instead of the system's roots.
    #[must_use]
    pub fn with_server_cas(mut self, cas: CertificateChain) -> Self {
        self.server_cas = Some(cas);
        self
    }

    /// With another name to expect in the frontend's certificate than the host's.
    #[must_use]
    pub fn with_server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// With the namespace that the worker is of, whose existence is asked for.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// With another DNS server than the system's. The hosts file counts as before.
    #[must_use]
    pub fn with_resolver(mut self, resolver: SocketAddr) -> Self {
        self.resolver = Some(resolver);
        self
    }

    /// With so much time for each step of each stage. Ten seconds if it is not set.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// With so much time for the server's verdict after the handshake. One second if it is not set.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Asks one stage after the other until one fails.
    pub async fn examine(&self) -> Diagnosis {
        let mut findings = Vec::new();
        let mut course = Course { doctor: self, identity: None, addresses: Vec::new() };
        let mut opened = None;
        for &stage in Stage::ALL {
            let start = Instant::now();
            let mut finding = Finding::new(stage);
            let result = match stage {
                Stage::Configuration => configuration::examine(&mut course, &mut finding),
                Stage::Dns => dns::examine(&mut course, &mut finding).await,
                Stage::Tcp => course.tcp(&mut finding).await,
                Stage::Tls => match tls::examine(&course, &mut finding).await {
                    Ok(connection) => {
                        opened = Some(connection);
                        Ok(())
                    }
                    Err(cause) => Err(cause),
                },
                Stage::Grpc => match opened.take() {
                    Some(connection) => grpc::examine(&course, &mut finding, connection).await,
                    None => Ok(()),
                },
            };
            finding.took = start.elapsed();
            finding.failure = result.err();
            let failed = finding.failure.is_some();
            findings.push(finding);
            if failed {
                break;
            }
        }
        Diagnosis { findings }
    }
}

impl Course<'_> {
    /// Connects to the addresses in turn until one answers, which becomes the only one.
    async fn tcp(&mut self, finding: &mut Finding) -> Result<(), Cause> {
        let doctor = self.doctor;
        let mut failure = None;
        let more = self.addresses.len().saturating_sub(MOST_ADDRESSES);
        if more > 0 {
            finding.saw("not tried", format!("{more} more addresses"));
        }
        for &address in self.addresses.iter().take(MOST_ADDRESSES) {
            let socket = SocketAddr::new(address, doctor.port);
            let connecting = tokio::net::TcpStream::connect(socket);
            match tokio::time::timeout(doctor.patience, connecting).await {
                Ok(Ok(_)) => {
                    finding.saw("connected to", socket);
                    self.addresses = vec![address];
                    return Ok(());
                }
                Ok(Err(source)) => {
                    finding.saw("tried", format!("{socket}: {source}"));
                    failure.get_or_insert(match source.kind() {
                        std::io::ErrorKind::ConnectionRefused => {
                            Cause::TcpRefused { address: socket, source }
                        }
                        _ => Cause::TcpUnreachable { address: socket, source },
                    });
                }
                Err(_) => {
                    finding.saw("tried", format!("{socket}: no answer"));
                    let waited = doctor.patience;
                    failure.get_or_insert(Cause::TcpSilent { address: socket, waited });
                }
            }
        }
        // The stage before leaves at least one address.
        Err(failure.unwrap_or(Cause::NoAddress { host: doctor.host.clone() }))
    }

    fn probe(&self, server_cas: CertificateChain) -> Probe {
        let doctor = self.doctor;
        let mut probe = Probe::new(&doctor.host, doctor.port, server_cas)
            .with_http2()
            .with_patience(doctor.patience)
            .with_grace(doctor.grace);
        if let Some(address) = self.addresses.first() {
            probe = probe.with_address(SocketAddr::new(*address, doctor.port));
        }
        if let Some(name) = &doctor.server_name {
            probe = probe.with_server_name(name);
        }
        if let Some(identity) = &self.identity {
            probe = probe.with_identity(identity.clone());
        }
        probe
    }
}

/// Whether a host serves many namespaces, or is a private way in, so that its certificate bears another
/// name: a regional endpoint, an endpoint of AWS PrivateLink or of Private Service Connect.
fn needs_server_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(".api.temporal.io")
        || host.ends_with(".vpce.amazonaws.com")
        || host.ends_with(".p.googleapis.com")
}
