//! Commands of a worker's configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use private_ca::temporal::worker::Sdk;

#[derive(Subcommand)]
pub(crate) enum WorkerCommand {
    /// Checks a worker's configuration and writes it: a profile of temporal.toml, or variables.
    Config(WorkerConfigArguments),
}

/// Who reads the configuration.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reader {
    Rust,
    Go,
    Python,
    Typescript,
    Java,
    Dotnet,
    /// The `temporal` command.
    Cli,
}

impl From<Reader> for Sdk {
    fn from(reader: Reader) -> Self {
        match reader {
            Reader::Rust => Self::Rust,
            Reader::Go => Self::Go,
            Reader::Python => Self::Python,
            Reader::Typescript => Self::TypeScript,
            Reader::Java => Self::Java,
            Reader::Dotnet => Self::DotNet,
            Reader::Cli => Self::Cli,
        }
    }
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca worker config --namespace hello.a1b2c --cert worker/certificate.txt \\
      --key worker/private_key_nopass.txt --toml temporal.toml
  private-ca worker config --address hello.a1b2c.tmprl.cloud:7233 --namespace hello.a1b2c \\
      --cert worker/certificate.txt --key worker/private_key_nopass.txt --sdk java \\
      --toml ~/.config/temporalio/temporal.toml --profile payments

A file keeps everything that is not of this configuration, comments included. Paths are written whole.
Exit status: 0 good or warnings alone, 1 the worker would not connect and nothing was written, 2 could not be asked.")]
pub(crate) struct WorkerConfigArguments {
    /// Host and port of the frontend; the namespace's own endpoint on Temporal Cloud if it is not given.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) address: Option<String>,
    /// The namespace, with its account on Temporal Cloud.
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: String,
    /// What the worker presents: its certificate, and the intermediates after it.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
    /// The worker's plain private key.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// The CAs that vouch for the server, where it is not publicly trusted.
    #[arg(long, value_name = "FILE")]
    pub(crate) server_ca: Option<PathBuf>,
    /// The name to expect in the server's certificate, where it is not the address's host.
    #[arg(long, value_name = "NAME")]
    pub(crate) server_name: Option<String>,
    /// Who reads it.
    #[arg(long, value_enum, default_value = "rust")]
    pub(crate) sdk: Reader,
    /// The profile in temporal.toml.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// The temporal.toml that it is merged into; printed if no file is given.
    #[arg(long, value_name = "FILE")]
    pub(crate) toml: Option<PathBuf>,
    /// The file of environment variables that it is merged into.
    #[arg(long, value_name = "FILE", conflicts_with = "toml")]
    pub(crate) env_file: Option<PathBuf>,
    /// Writes it although the worker would not connect.
    #[arg(long)]
    pub(crate) force: bool,
}
