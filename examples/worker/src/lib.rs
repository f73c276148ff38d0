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

mod hello;

use std::error::Error;

use temporalio_client::{
    Client, ClientOptions, Connection, WorkflowGetResultOptions, WorkflowStartOptions,
    envconfig::LoadClientConfigProfileOptions,
};
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
