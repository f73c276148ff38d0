//! A Temporal worker that connects over mTLS: one workflow, one activity.
//!
//! Nothing here names a certificate. The SDK reads its standard configuration: the environment
//! (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_TLS_CLIENT_CERT_PATH`,
//! `TEMPORAL_TLS_CLIENT_KEY_PATH` ...), and under it a profile of `temporal.toml`:
//!
//! ```toml
//! [profile.default]
//! address = "hello.a1b2c.tmprl.cloud:7233"
//! namespace = "hello.a1b2c"
//!
//! [profile.default.tls]
//! client_cert_path = "certificate.txt"
//! client_key_path = "private_key_nopass.txt"
//! ```
//!
//! The key must be a plain one: the SDK has no place for a passphrase. A frontend whose own
//! certificate is not publicly trusted also needs `server_ca_cert_path`, and one that is reached
//! by another name than its certificate's, `server_name`.
//!
//! Files that are replaced while the worker runs are taken up by it, without a restart: see
//! [`connect_rotating`].

mod hello;

use std::{error::Error, fs, path::PathBuf, sync::Arc};

use private_ca::{
    Identity,
    identity::{IdentityWatch, RotatingIdentity},
    temporal::worker::present_rotating,
};
use temporalio_client::{
    Client, ClientOptions, Connection, ConnectionOptions, WorkflowGetResultOptions,
    WorkflowStartOptions,
    envconfig::{DataSource, LoadClientConfigProfileOptions},
};
use temporalio_common::envconfig::load_client_config_profile;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};

pub use hello::{Greetings, Hello};

/// Where workflows wait for this worker.
pub const TASK_QUEUE: &str = "private-ca-hello";

/// Connects as the configuration says; `Default::default()` is the environment and `temporal.toml`.
///
/// The SDK calls the frontend once before this returns, so that a refused certificate shows here:
/// after a handshake that, in TLS 1.3 and with nginx, succeeds for the client all the same.
///
/// # Errors
///
/// `ConfigError` for a configuration that contradicts itself or names a file that cannot be read,
/// `ClientConnectError` for a frontend that cannot be reached or refuses the certificate.
pub async fn connect(config: LoadClientConfigProfileOptions) -> Result<Client, Box<dyn Error>> {
    let (connection, client) = ClientOptions::load_from_config(config)?;
    Ok(Client::new(Connection::connect(connection).await?, client)?)
}

/// A connection's identity, and the files that it is taken from.
#[derive(Debug)]
pub struct Rotating {
    /// What the next handshake presents.
    pub identity: Arc<RotatingIdentity>,
    /// Reads the files again.
    pub watch: IdentityWatch,
}

/// Like [`connect`], with an identity that follows its files: [`IdentityWatch::watch`] is to run beside
/// the worker. `None` where the configuration names no files, but an API key or the certificate itself.
///
/// # Errors
///
/// As [`connect`], and where files and key do not fit.
pub async fn connect_rotating(
    config: LoadClientConfigProfileOptions,
) -> Result<(Client, Option<Rotating>), Box<dyn Error>> {
    let profile = load_client_config_profile(config, None)?;
    let namespace = profile.namespace.clone().unwrap_or_else(|| "default".to_owned());
    let files = profile.tls.as_ref().and_then(|tls| match (&tls.client_cert, &tls.client_key) {
        (Some(DataSource::Path(certificate)), Some(DataSource::Path(key))) => {
            Some((PathBuf::from(certificate), PathBuf::from(key)))
        }
        _ => None,
    });
    let mut options = ConnectionOptions::try_from(profile)?;
    let rotating = match files {
        None => None,
        Some((certificate, key)) => {
            let identity = Identity::from_pem(&fs::read(&certificate)?, &fs::read(&key)?, None)?;
            let identity = Arc::new(RotatingIdentity::new(identity)?);
            present_rotating(&mut options, Arc::clone(&identity))?;
            Some(Rotating { identity, watch: IdentityWatch::new([certificate], key) })
        }
    };
    let connection = Connection::connect(options).await?;
    Ok((Client::new(connection, ClientOptions::new(namespace).build())?, rotating))
}

/// The worker, to be started with `run`.
///
/// # Errors
///
/// When called outside a tokio runtime.
pub fn worker(client: Client) -> Result<Worker, Box<dyn Error>> {
    let runtime = Runtime::from_current_tokio(Default::default())?;
    let options = WorkerOptions::new(TASK_QUEUE)
        .register_workflow::<Hello>()?
        .register_activities(Greetings)
        .build();
    Ok(Worker::new(&runtime, client, options)?)
}

/// Runs a worker for as long as it takes to execute [`Hello`] once, and gives its result.
///
/// # Errors
///
/// When the worker ends early, or the workflow cannot be started or fails.
pub async fn greet(client: Client, name: &str) -> Result<String, Box<dyn Error>> {
    let mut worker = worker(client.clone())?;
    let shut_down = worker.shutdown_handle();
    let working = async { worker.run().await.map_err(Box::<dyn Error>::from) };
    let greeting = async {
        // An ID of its own for each name: starting the same greeting twice at once is refused.
        let options = WorkflowStartOptions::new(TASK_QUEUE, format!("hello-{name}")).build();
        let workflow = client.start_workflow(Hello::run, name.to_owned(), options).await?;
        let greeting = workflow.get_result(WorkflowGetResultOptions::default()).await?;
        shut_down();
        Ok(greeting)
    };
    let ((), greeting) = tokio::try_join!(working, greeting)?;
    Ok(greeting)
}
