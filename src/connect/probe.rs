//! One attempt to connect, and its outcome in words.

mod witness;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::ServerName;
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::TlsVersion;
use super::error::{Alert, ConnectError, server_certificate};
use crate::certificate::{Certificate, CertificateChain, DistinguishedName};
use crate::identity::Identity;
use witness::{Asked, Seen, Witness};

/// An attempt to connect to a TLS server, with or without a client certificate.
///
/// See [`Frontend`](super::Frontend) for an example.
#[derive(Debug, Clone)]
pub struct Probe {
    host: String,
    port: u16,
    address: Option<SocketAddr>,
    server_name: Option<String>,
    server_anchors: CertificateChain,
    identity: Option<Identity>,
    version: Option<TlsVersion>,
    patience: Duration,
    grace: Duration,
    http2: bool,
}

/// A connection that the server has not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// The version that was agreed on.
    pub version: TlsVersion,
    /// The cipher suite that was agreed on, by its IANA name.
    pub cipher_suite: String,
    /// What the server presented, its own certificate first.
    pub server_certificates: Vec<Certificate>,
    /// Whether the server asked for a certificate, and from whom. One that did not takes anybody.
    pub certificate_request: Option<CertificateRequest>,
    /// The application protocol that the server chose among those it was offered.
    pub application_protocol: Option<String>,
    /// What the server said without being asked, up to 1 KiB.
    pub greeting: Vec<u8>,
}

/// That a server wants the client's certificate (RFC 8446 section 4.3.2, RFC 5246 section 7.4.4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateRequest {
    /// The authorities of whom it takes certificates. Many servers name none.
    pub authorities: Vec<DistinguishedName>,
    /// Whether the client's certificate was presented. It is not if there is none, or if the server takes no
    /// signature that its key can make.
    pub answered: bool,
}

/// An attempt that failed, and what the server had asked for by then.
pub(super) struct Failed {
    pub(super) error: ConnectError,
    pub(super) request: Option<CertificateRequest>,
}

const IN_HANDSHAKE: &str = "in the TLS handshake";
pub(super) const AFTER_HANDSHAKE: &str = "after the TLS handshake";

impl Probe {
    /// An attempt to reach a server whose certificate leads to one of the given anchors.
    #[must_use]
    pub fn new(host: impl Into<String>, port: u16, server_anchors: CertificateChain) -> Self {
        Self {
            host: host.into(),
            port,
            address: None,
            server_name: None,
            server_anchors,
            identity: None,
            version: None,
            patience: Duration::from_secs(10),
            grace: Duration::from_secs(1),
            http2: false,
        }
    }

    /// With a client certificate.
    #[must_use]
    pub fn with_identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// With another name to expect in the server's certificate than the host.
    #[must_use]
    pub fn with_server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// At this address, whatever the host's name leads to.
    #[must_use]
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// With this version of TLS only, instead of either.
    #[must_use]
    pub fn with_version(mut self, version: TlsVersion) -> Self {
        self.version = Some(version);
        self
    }

    /// With so much time for each stage: name, TCP, handshake. Ten seconds if it is not set.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// With so much time for a refusal to arrive after the handshake. A server that stays silent
    /// for so long has accepted the client, as far as can be known. One second if it is not set.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// With an offer of the application protocol `h2` (RFC 7301), which gRPC speaks: servers
    /// written in Go close a connection that has not agreed on it, without an alert. None is
    /// offered if it is not set.
    #[must_use]
    pub fn with_http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Connects, and waits for a refusal.
    ///
    /// Where either version is allowed and TLS 1.3 ends without an alert, TLS 1.2 is tried too: its
    /// handshake ends only after the server has judged the client, so that its refusal is not lost.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect(&self) -> Result<Connection, ConnectError> {
        match self.open().await {
            Ok((connection, _)) => Ok(connection),
            Err(failed) => Err(failed.error),
        }
    }

    /// Connects, and leaves the connection open. What the server said so far is its greeting.
    pub(super) async fn open(&self) -> Result<(Connection, TlsStream<TcpStream>), Failed> {
        match (self.observed(self.version).await, self.version) {
            (Err(closed @ Failed { error: ConnectError::Closed { .. }, .. }), None) => {
                match self.observed(Some(TlsVersion::Tls12)).await {
                    Err(refused @ Failed { error: ConnectError::Refused { .. }, .. }) => {
                        Err(refused)
                    }
                    _ => Err(closed),
                }
            }
            (outcome, _) => outcome,
        }
    }

    async fn observed(
        &self,
        version: Option<TlsVersion>,
    ) -> Result<(Connection, TlsStream<TcpStream>), Failed> {
        let seen = Seen::default();
        let outcome = self.attempt(version, &seen).await;
        outcome.map_err(|error| Failed { error, request: seen.request() })
    }

    async fn attempt(
        &self,
        version: Option<TlsVersion>,
        seen: &Seen,
    ) -> Result<(Connection, TlsStream<TcpStream>), ConnectError> {
        let name = self.server_name.as_ref().unwrap_or(&self.host);
        let server_name = ServerName::try_from(name.clone())
            .map_err(|_| ConnectError::ServerName { name: name.clone() })?;
        let configuration = self.configuration(version, seen)?;
        let connector = TlsConnector::from(Arc::new(configuration));
        let stream = self.reach().await?;
        let handshake = self.within(IN_HANDSHAKE, connector.connect(server_name, stream)).await?;
        let mut stream = handshake.map_err(|error| judge(error, IN_HANDSHAKE, seen))?;
        let version = match stream.get_ref().1.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => TlsVersion::Tls12,
            _ => TlsVersion::Tls13,
        };
        let greeting = match self.listen(&mut stream).await {
            Ok(greeting) => greeting,
            Err(error) => match judge(error, AFTER_HANDSHAKE, seen) {
                // In TLS 1.2 the server ends the handshake, after it has judged the client.
                ConnectError::Closed { .. } if version == TlsVersion::Tls12 => Vec::new(),
                error => return Err(error),
            },
        };
        let session = stream.get_ref().1;
        let connection = Connection {
            version,
            cipher_suite: session
                .negotiated_cipher_suite()
                // rustls writes TLS13_ where IANA has TLS_.
                .map(|suite| format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"))
                .unwrap_or_default(),
            server_certificates: seen.certificates(),
            certificate_request: seen.request(),
            application_protocol: session
                .alpn_protocol()
                .map(|name| String::from_utf8_lossy(name).into_owned()),
            greeting,
        };
        Ok((connection, stream))
    }

    fn configuration(
        &self,
        version: Option<TlsVersion>,
        seen: &Seen,
    ) -> Result<rustls::ClientConfig, ConnectError> {
        let mut roots = RootCertStore::empty();
        for anchor in &self.server_anchors {
            roots.add(anchor.as_der().to_vec().into()).map_err(ConnectError::Configuration)?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let judge =
            WebPkiServerVerifier::builder_with_provider(roots.into(), Arc::clone(&provider))
                .build()
                .map_err(ConnectError::Anchors)?;
        let versions = match version {
            Some(version) => vec![version.supported()],
            None => rustls::DEFAULT_VERSIONS.to_vec(),
        };
        let key = match &self.identity {
            None => None,
            Some(identity) => {
                let (certificates, key) = identity.for_rustls();
                let key = CertifiedKey::from_der(certificates, key, &provider)
                    .map_err(ConnectError::Configuration)?;
                Some(Arc::new(key))
            }
        };
        let mut configuration = rustls::ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&versions)
            .map_err(ConnectError::Configuration)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Witness { judge, seen: seen.clone() }))
            .with_client_cert_resolver(Arc::new(Asked { key, seen: seen.clone() }));
        if self.http2 {
            configuration.alpn_protocols = vec![b"h2".to_vec()];
        }
        Ok(configuration)
    }

    async fn reach(&self) -> Result<TcpStream, ConnectError> {
        let (host, port) = (&self.host, self.port);
        let looked_up = tokio::net::lookup_host((host.as_str(), port));
        let dns = |source| ConnectError::Dns { host: host.clone(), source };
        let addresses: Vec<_> = match self.address {
            Some(address) => vec![address],
            None => {
                let stage = "while its name was looked up";
                self.within(stage, looked_up).await?.map_err(dns)?.collect()
            }
        };
        if addresses.is_empty() {
            return Err(dns(ErrorKind::NotFound.into()));
        }
        let connecting = TcpStream::connect(addresses.as_slice());
        self.within("to a TCP connection", connecting).await?.map_err(|source| ConnectError::Tcp {
            host: host.clone(),
            port,
            source,
        })
    }

    async fn within<T>(
        &self,
        stage: &'static str,
        work: impl Future<Output = T>,
    ) -> Result<T, ConnectError> {
        timeout(self.patience, work).await.map_err(|_| ConnectError::Timeout {
            host: self.host.clone(),
            port: self.port,
            stage,
            patience: self.patience,
        })
    }

    /// Waits for what the server says first: data and a proper end mean that it has accepted the
    /// client, and so does silence. So does a session ticket, which a server may send only after
    /// the client's last message (RFC 8446 section 4.6.1) and sends only to whom it takes.
    async fn listen(&self, stream: &mut TlsStream<TcpStream>) -> std::io::Result<Vec<u8>> {
        let mut greeting = [0; 1024];
        let mut greeting = ReadBuf::new(&mut greeting);
        let heard = std::future::poll_fn(|context| {
            match Pin::new(&mut *stream).poll_read(context, &mut greeting) {
                // A ticket is no data, so the read goes on; only the session knows of it.
                Poll::Pending if stream.get_ref().1.tls13_tickets_received() > 0 => {
                    Poll::Ready(Ok(()))
                }
                outcome => outcome,
            }
        });
        // Silence until the end of the grace period is no error.
        timeout(self.grace, heard).await.unwrap_or(Ok(()))?;
        Ok(greeting.filled().to_vec())
    }
}

/// What an error of the stream says about the two sides.
fn judge(error: std::io::Error, stage: &'static str, seen: &Seen) -> ConnectError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return ConnectError::Closed { stage, source: error };
    };
    match tls.clone() {
        rustls::Error::AlertReceived(alert) => ConnectError::Refused { alert: Alert(alert) },
        source @ rustls::Error::InvalidCertificate(_) => ConnectError::ServerCertificate {
            presented: seen.certificates(),
            reason: server_certificate(&source),
            source,
        },
        source => ConnectError::Protocol(source),
    }
}
