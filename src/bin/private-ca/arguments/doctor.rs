//! The command that says why a worker does not connect.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::PassphraseSource;

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca doctor hello.a1b2c.tmprl.cloud:7233 --namespace hello.a1b2c \\
      --cert worker/certificate.txt --key worker/private_key_nopass.txt
  private-ca doctor eu-central-1.aws.api.temporal.io:7233 --namespace hello.a1b2c \\
      --server-name hello.a1b2c.tmprl.cloud --cert certificate.txt --key key.txt
  private-ca doctor 127.0.0.1:7233 --server-ca server-ca.pem --server-name frontend --json

It does what the worker will do and stops at the first thing that fails. Exit status: 0 the worker can
connect, 1 it cannot, 2 could not be asked.")]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) frontend: FrontendArguments,
    /// What the worker presents: its certificate, and the intermediates after it.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The worker's private key.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

/// Where the worker connects to.
#[derive(Args)]
pub(crate) struct FrontendArguments {
    /// The address that the worker connects to, HOST or HOST:PORT; the port is 7233 if it is not given.
    #[arg(value_parser = address)]
    pub(crate) address: (String, u16),
    /// The CAs that vouch for the server; the system's roots if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) server_ca: Option<PathBuf>,
    /// The name to expect in the server's certificate; the host if it is not given.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// The worker's namespace, whose existence is asked for.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Another DNS server than the system's, as IP:PORT.
    #[arg(long, value_name = "IP:PORT")]
    pub(crate) resolver: Option<SocketAddr>,
    /// How long each step may take.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(crate) patience: u64,
}

fn address(text: &str) -> Result<(String, u16), &'static str> {
    let wrong = "an address is written like hello.a1b2c.tmprl.cloud:7233, without a scheme";
    if text.contains("//") {
        return Err(wrong);
    }
    // An IPv6 address is in brackets where a port follows.
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(wrong)?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some("7233")).ok_or(wrong)?)
        }
        None if text.parse::<std::net::Ipv6Addr>().is_ok() => (text, "7233"),
        None => text.split_once(':').unwrap_or((text, "7233")),
    };
    let port = port.parse().map_err(|_| wrong)?;
    match host.is_empty() {
        true => Err(wrong),
        false => Ok((host.to_owned(), port)),
    }
}
