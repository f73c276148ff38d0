//! Commands of a CA's rotation.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{FrontendArguments, PassphraseSource};

#[derive(Subcommand)]
pub(crate) enum RotationCommand {
    /// Plans a rotation and writes the plan.
    Plan(RotationPlanArguments),
    /// Shows what is done and what is left to do.
    Show(RotationShowArguments),
    /// Adds the new CA to the bundle, beside the old one.
    AddNewCa(RotationBundleArguments),
    /// Notes the certificate of the new CA that a worker will present.
    Issued(RotationIssuedArguments),
    /// Notes that the old CA has issued a worker another certificate in the midst of the rotation.
    Renewed(RotationRenewedArguments),
    /// Connects with a worker's new certificate, and notes that it does.
    Confirm(Box<RotationConfirmArguments>),
    /// Notes that a worker's old certificate is not used any more, before its end.
    Retired(RotationWorkerArguments),
    /// Removes the old CA from the bundle, once no worker needs it.
    RemoveOldCa(RotationBundleArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal rotation plan --plan rotation.json --bundle bundle.pem \\
      --old-ca old-ca/certificate.pem --new-ca new-ca/certificate.pem \\
      --worker payments=payments/certificate.txt --worker mail=mail/certificate.txt")]
pub(crate) struct RotationPlanArguments {
    /// The bundle.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    #[command(flatten)]
    pub(crate) planned: PlannedArguments,
}

/// What is planned.
#[derive(Args)]
pub(crate) struct PlannedArguments {
    /// Where the plan goes.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// The CA that goes; may be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) old_ca: Vec<PathBuf>,
    /// The CA that comes; may be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) new_ca: Vec<PathBuf>,
    /// A worker, and what it presents today; may be repeated.
    #[arg(long, value_name = "NAME=FILE", value_parser = worker, required = true)]
    pub(crate) worker: Vec<(String, PathBuf)>,
}

fn worker(text: &str) -> Result<(String, PathBuf), &'static str> {
    match text.split_once('=') {
        Some((name, _)) if name.contains(char::is_control) => {
            Err("a worker's name has no control characters")
        }
        Some((name, file)) if !name.is_empty() && !file.is_empty() => {
            Ok((name.to_owned(), file.into()))
        }
        _ => Err("a worker is written like payments=payments/certificate.txt"),
    }
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal rotation show --plan rotation.json --bundle bundle.pem

Exit status: 0 the rotation is complete, 1 something is left to do.")]
pub(crate) struct RotationShowArguments {
    /// The plan.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// The bundle.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal rotation add-new-ca --plan rotation.json --bundle bundle.pem --dry-run
  private-ca temporal rotation remove-old-ca --plan rotation.json --bundle bundle.pem")]
pub(crate) struct RotationBundleArguments {
    /// The plan.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// The bundle, which is replaced.
    #[arg(long, value_name = "FILE")]
    pub(crate) bundle: PathBuf,
    /// Shows the change and writes nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal rotation issued --plan rotation.json --worker payments \\
      --cert payments-new/certificate.txt")]
pub(crate) struct RotationIssuedArguments {
    #[command(flatten)]
    pub(crate) worker: RotationWorkerArguments,
    /// What the worker will present: its certificate, and the intermediates after it.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal rotation renewed --plan rotation.json --worker payments \\
      --cert payments/certificate.txt

The old CA then stays until the later of both certificates ends, or is noted as retired after this.")]
pub(crate) struct RotationRenewedArguments {
    #[command(flatten)]
    pub(crate) worker: RotationWorkerArguments,
    /// What the worker presents now: its certificate of the old CA, and the intermediates after it.
    #[arg(long, value_name = "FILE")]
    pub(crate) cert: PathBuf,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal rotation confirm hello.a1b2c.tmprl.cloud:7233 --namespace hello.a1b2c \\
      --plan rotation.json --worker payments --key payments-new/private_key_nopass.txt

If it does not connect, this says why, as private-ca doctor does, and notes nothing. At an endpoint of Temporal
Cloud the namespace has to be given: only a question about it shows that the namespace lets the worker in.")]
pub(crate) struct RotationConfirmArguments {
    #[command(flatten)]
    pub(crate) frontend: FrontendArguments,
    #[command(flatten)]
    pub(crate) worker: RotationWorkerArguments,
    /// The key of the worker's new certificate.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal rotation retired --plan rotation.json --worker payments")]
pub(crate) struct RotationWorkerArguments {
    /// The plan, which is brought up to date.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
    /// The worker.
    #[arg(long, value_name = "NAME")]
    pub(crate) worker: String,
}
