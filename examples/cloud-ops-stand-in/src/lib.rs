//! A stand-in for Temporal Cloud's Cloud Ops API on this machine: a few of its calls, with its versions,
//! its asynchronous operations and its refusals, and failures on demand.
//!
//! Each behaviour names what it is taken from: the definitions (cloud-api, `*.proto`), a page of
//! Temporal's documentation, or the code of Temporal's own clients. Where none of them says what the
//! server does, the stand-in has a switch, and clients have to bear both.

mod account;
mod faults;
mod message;
mod service;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use account::Account;
pub use faults::{Ending, Faults};
use prost::Message as _;
pub use temporalio_protos as protos;
use temporalio_protos::temporal::api::cloud::namespace::v1::NamespaceSpec;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Identity, Server, ServerTlsConfig};

/// A server that ends when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    address: SocketAddr,
    account: Arc<Mutex<Account>>,
    task: tokio::task::JoinHandle<()>,
}

impl StandIn {
    /// A server on a free port of the loopback interface that knows one API key.
    ///
    /// # Errors
    /// The operating system's, if there is no port.
    pub async fn start(api_key: &str) -> io::Result<Self> {
        Self::start_at(api_key, 0).await
    }

    /// The same on a port.
    ///
    /// # Errors
    /// The operating system's, if the port is taken.
    pub async fn start_at(api_key: &str, port: u16) -> io::Result<Self> {
        Self::serve(Server::builder(), api_key, port).await
    }

    /// The same on a free port with TLS, as the real one has it: a certificate with its intermediates and
    /// its key, in PEM.
    ///
    /// # Errors
    /// The operating system's; a certificate or key that is none.
    pub async fn start_with_tls(api_key: &str, chain: &str, key: &str) -> io::Result<Self> {
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(chain, key));
        let server = Server::builder().tls_config(tls).map_err(io::Error::other)?;
        Self::serve(server, api_key, 0).await
    }

    async fn serve(mut server: Server, api_key: &str, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let account = Arc::new(Mutex::new(Account::new(api_key)));
        let service = service::CloudService::new(account.clone());
        let serving =
            server.add_service(service).serve_with_incoming(TcpListenerStream::new(listener));
        let task = tokio::spawn(async move {
            // It ends with the listener; nobody is left to be told.
            let _ = serving.await;
        });
        Ok(Self { address, account, task })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes a namespace.
    pub fn add_namespace(&self, name: &str, specification: &NamespaceSpec) {
        self.add_namespace_as(name, specification.encode_to_vec());
    }

    /// Makes a namespace whose specification has what the definitions do not know.
    pub fn add_namespace_as(&self, name: &str, specification: Vec<u8>) {
        self.account().add(name, specification);
    }

    /// The specification of a namespace as it is, byte for byte.
    #[must_use]
    pub fn specification(&self, name: &str) -> Option<Vec<u8>> {
        self.account().specification(name)
    }

    /// The specification of a namespace as it is, as far as these definitions know it.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<NamespaceSpec> {
        NamespaceSpec::decode(self.specification(name)?.as_slice()).ok()
    }

    /// How often a call was made: `UpdateNamespace`.
    #[must_use]
    pub fn calls(&self, method: &str) -> usize {
        self.account().calls.iter().filter(|call| *call == method).count()
    }

    /// Sets what goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.account().faults = faults;
    }

    fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.task.abort();
    }
}
