//! The stand-in as a program, to try the command line without an account.

use std::process::ExitCode;

use private_ca_cloud_ops_stand_in::StandIn;
use private_ca_cloud_ops_stand_in::protos::temporal::api::cloud::namespace::v1::{
    ApiKeyAuthSpec, MtlsAuthSpec, NamespaceSpec,
};

const NAMESPACE: &str = "hello.a1b2c";
const API_KEY: &str = "stand-in";

#[tokio::main]
#[allow(clippy::print_stdout, clippy::print_stderr)]
async fn main() -> ExitCode {
    let port = match std::env::args().nth(1).map(|port| port.parse()) {
        None => 0,
        Some(Ok(port)) => port,
        Some(Err(_)) => {
            eprintln!("usage: private-ca-cloud-ops-stand-in [PORT]");
            return ExitCode::from(2);
        }
    };
    let stand_in = match StandIn::start_at(API_KEY, port).await {
        Ok(stand_in) => stand_in,
        Err(error) => {
            eprintln!("port {port} of 127.0.0.1: {error}");
            return ExitCode::from(2);
        }
    };
    stand_in.add_namespace(
        NAMESPACE,
        &NamespaceSpec {
            name: "hello".to_owned(),
            retention_days: 30,
            mtls_auth: Some(MtlsAuthSpec::default()),
            api_key_auth: Some(ApiKeyAuthSpec { enabled: true }),
            ..NamespaceSpec::default()
        },
    );
    println!("address {}, without TLS", stand_in.address());
    println!("namespace {NAMESPACE}, API key {API_KEY}");
    std::future::pending().await
}
