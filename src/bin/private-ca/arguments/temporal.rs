//! Commands of Temporal Cloud.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use private_ca::Timestamp;
use private_ca::temporal::bundle::Fingerprint;

#[cfg(feature = "temporal-cloud")]
use super::NamespaceCommand;
use super::{PassphraseSource, RotationCommand};

#[derive(Subcommand)]
pub(crate) enum TemporalCommand {
    /// Says whether Temporal Cloud will take a CA bundle, a client's certificate and filters.
    Check(CheckArguments),
    /// Lists and changes a CA bundle in a file.
    #[command(subcommand)]
    Bundle(BundleCommand),
    /// Reads and changes a namespace: its CA bundle, its certificate filters, how clients sign in.
    #[cfg(feature = "temporal-cloud")]
    #[command(subcommand)]
    Namespace(NamespaceCommand),
    /// Exchanges a CA for another with no moment in which a worker is locked out.
    #[command(subcommand)]
    Rotation(RotationCommand),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal check --bundle ca/certificate.pem
  private-ca temporal check --bundle bundle.pem --cert worker/certificate.txt \\
      --key worker/private_key_nopass.txt --filters filters.json
  private-ca temporal check --bundle bundle.pem --cert worker/certificate.txt \\
      --at 2027-03-01T10:00:00Z --json

Nothing is sent. Exit status: 0 it will be accepted, 1 it will be refused, 2 could not be asked, or depends
on a key that cannot be judged here.")]
pub(crate) struct CheckArguments {
    /// The CA bundle, as it is or is to be given to the namespace: PEM.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// What the client presents: its certificate, and the intermediates after it.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: Option<PathBuf>,
    /// The client's private key.
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// The namespace's certificate filters, in tcld's JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) filters: Option<PathBuf>,
    /// The CAs that operating systems trust, to notice one of them in the bundle: PEM; this system's own
    /// if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) system_cas: Option<PathBuf>,
    /// At another moment than now (RFC 3339).
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

#[derive(Subcommand)]
pub(crate) enum BundleCommand {
    /// Lists the CA certificates of a bundle.
    List(BundleListArguments),
    /// Adds CA certificates to a bundle.
    Add(BundleAddArguments),
    /// Removes CA certificates from a bundle.
    Remove(BundleRemoveArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal bundle list bundle.pem")]
pub(crate) struct BundleListArguments {
    /// The bundle.
    pub(crate) bundle: PathBuf,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal bundle add bundle.pem ca/certificate.pem
  private-ca temporal bundle add bundle.pem new-ca/certificate.pem --out both.pem")]
pub(crate) struct BundleAddArguments {
    /// The bundle; an empty file or none is a bundle without certificates.
    pub(crate) bundle: PathBuf,
    /// Files of the certificates to add.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal bundle remove bundle.pem old-ca/certificate.pem --live worker/certificate.txt
  private-ca temporal bundle remove bundle.pem \\
      --fingerprint 4B:2C:F1:0A:99:1D:03:C4:EE:1F:57:60:AA:BB:0C:1D:2E:3F:40:51")]
pub(crate) struct BundleRemoveArguments {
    /// The bundle.
    pub(crate) bundle: PathBuf,
    /// Files of the certificates to remove.
    #[arg(required_unless_present = "fingerprint", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
    /// A certificate to remove by its SHA-1 or SHA-256 fingerprint, in any spelling.
    #[arg(long, value_name = "HEX")]
    pub(crate) fingerprint: Vec<Fingerprint>,
    /// What a client presents that is admitted now: the change is refused if it would lock it out.
    #[arg(long, value_name = "FILE")]
    pub(crate) live: Vec<PathBuf>,
    /// Locks out the clients given with --live all the same, or leaves an empty bundle.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) change: ChangeArguments,
}

#[derive(Args)]
pub(crate) struct ChangeArguments {
    /// Where the changed bundle goes; the bundle itself is replaced if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Shows the change and writes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
