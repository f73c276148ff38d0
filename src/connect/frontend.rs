//! A TLS frontend on loopback.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::certificate::{Certificate, CertificateChain};
use crate::identity::Identity;

/// A TLS server on loopback that admits a client only if its certificate chains up to one of the
/// given anchors, as the endpoint of a Temporal namespace does.
///
/// It is for walkthroughs and tests. To a client that it admits it says one line, `hello` and the
/// subject of the client's certificate, and closes. Others get rustls's alert. It speaks TLS 1.2 and
/// 1.3, resumes no session, agrees on no application protocol, and stops when it is dropped.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "local")] {
/// use private_ca::connect::{Frontend, Probe};
/// use private_ca::{Identity, LocalCa, LocalManaged, ManagedCertificates, ManagedRequest, Passphrase};
/// # async fn identity(ca: LocalCa, name: &str) -> Result<Identity, Box<dyn std::error::Error>> {
/// #     let managed = LocalManaged::new(ca.into());
/// #     let id = managed.request(ManagedRequest::new(name)).await?;
/// #     let passphrase = Passphrase::new(*b"correct horse");
/// #     Ok(Identity::from_exported(managed.export(id, passphrase.clone()).await?, &passphrase)?)
/// # }
/// let (clients, servers) = (LocalCa::in_memory()?, LocalCa::in_memory()?);
/// let (client_anchors, server_anchors) = (clients.chain().clone(), servers.chain().clone());
///
/// let frontend =
///     Frontend::start(&identity(servers, "localhost").await?, &client_anchors).await?;
/// let worker = identity(clients, "worker.acme.internal").await?;
/// let connection = Probe::new("localhost", frontend.address().port(), server_anchors)
///     .with_identity(worker)
///     .connect()
///     .await?;
/// assert_eq!(connection.greeting, b"hello CN=worker.acme.internal\n");
/// # }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Frontend {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// Why a frontend cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrontendError {
    /// No port could be had on loopback.
    #[error("no port can be had on 127.0.0.1: {0}")]
    Listen(#[from] std::io::Error),
    /// The anchors for clients are unusable.
    #[error("rustls does not take the anchors for clients: {0}")]
    Anchors(#[from] VerifierBuilderError),
    /// The server's identity is unusable.
    #[error("rustls does not take the server's identity: {0}")]
    Identity(#[from] rustls::Error),
}

/// How long a client may take for its handshake and to read the greeting.
const PATIENCE: Duration = Duration::from_secs(10);

impl Frontend {
    /// Starts a frontend on a free port of 127.0.0.1, in the background of the current tokio
    /// runtime.
    ///
    /// # Errors
    /// [`FrontendError`].
    pub async fn start(
        server: &Identity,
        client_anchors: &CertificateChain,
    ) -> Result<Self, FrontendError> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        for anchor in client_anchors {
            roots.add(anchor.as_der().to_vec().into())?;
        }
        let clients =
            WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build()?;
        let (certificates, key) = server.for_rustls();
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(clients)
            .with_single_cert(certificates, key)?;
        // Who resumes a session is let in without its certificate being judged again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => {
                        let acceptor = acceptor.clone();
                        tokio::spawn(tokio::time::timeout(PATIENCE, serve(acceptor, stream)));
                    }
                    // A client that is gone already, or no file descriptors for now: the next
                    // client may fare better.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Frontend {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Greets one client. A client that is refused has been told so by an alert.
async fn serve(acceptor: TlsAcceptor, stream: TcpStream) -> std::io::Result<()> {
    let mut stream = match acceptor.accept(stream).into_fallible().await {
        Ok(stream) => stream,
        Err((_, mut stream)) => {
            stream.shutdown().await?;
            return drain(&mut stream).await;
        }
    };
    let subject = stream
        .get_ref()
        .1
        .peer_certificates()
        .and_then(|certificates| Certificate::from_der(certificates.first()?).ok())
        .map(|certificate| certificate.subject().to_string());
    let greeting = format!("hello {}\n", subject.unwrap_or_default());
    stream.write_all(greeting.as_bytes()).await?;
    stream.shutdown().await?;
    drain(stream.get_mut().0).await
}

/// Reads until the client closes too: a socket that is closed with unread bytes is reset, and a
/// reset can overtake the greeting or the alert.
async fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
