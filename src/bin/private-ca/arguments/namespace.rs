//! Commands that read and change a namespace of Temporal Cloud.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use private_ca::temporal::bundle::Fingerprint;
use private_ca::temporal::namespace::{AuthMethod, DEFAULT_ADDRESS};

use super::PlannedArguments;

#[derive(Subcommand)]
pub(crate) enum NamespaceCommand {
    /// Shows a namespace: its CA bundle, its filters, who may sign in and where.
    Show(NamespaceShowArguments),
    /// Lists and changes its CA bundle.
    #[command(subcommand)]
    Bundle(NamespaceBundleCommand),
    /// Exports and imports its certificate filters, in tcld's JSON.
    #[command(subcommand)]
    Filters(NamespaceFiltersCommand),
    /// Shows and changes how clients sign in: with a certificate, an API key, or either.
    #[command(subcommand)]
    AuthMethod(AuthMethodCommand),
    /// Exchanges a CA for another with no moment in which a worker is locked out.
    #[command(subcommand)]
    Rotation(NamespaceRotationCommand),
    /// Follows the operation in which an earlier change is made.
    #[command(subcommand)]
    Operation(OperationCommand),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace show hello.a1b2c
  private-ca temporal namespace show hello.a1b2c --api-key-file key.txt --json")]
pub(crate) struct NamespaceShowArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
}

#[derive(Subcommand)]
pub(crate) enum AuthMethodCommand {
    /// Prints the method in one word, tcld's.
    Show(AuthMethodShowArguments),
    /// Enables and disables mTLS and API keys, so that this method is the one.
    Set(AuthMethodSetArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace auth-method show hello.a1b2c")]
pub(crate) struct AuthMethodShowArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace auth-method set hello.a1b2c api_key_or_mtls --dry-run
  private-ca temporal namespace auth-method set hello.a1b2c mtls --live worker/certificate.txt

A method that is disabled fails the connections that came by it. mTLS needs a CA in the bundle, and a namespace
is not left without any way in.")]
pub(crate) struct AuthMethodSetArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
    /// How clients are to sign in.
    #[arg(value_name = "METHOD")]
    pub(crate) method: Method,
    /// What a client presents: the change is refused if mTLS would not let it in.
    #[arg(long, value_name = "FILE")]
    pub(crate) live: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) update: UpdateArguments,
}

/// How clients are to sign in, in tcld's words.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Method {
    /// With a client certificate.
    Mtls,
    /// With an API key.
    ApiKey,
    /// With either.
    ApiKeyOrMtls,
    /// Not at all, which is refused.
    #[value(hide = true)]
    Restricted,
}

impl From<Method> for AuthMethod {
    fn from(method: Method) -> Self {
        match method {
            Method::Mtls => Self::Mtls,
            Method::ApiKey => Self::ApiKey,
            Method::ApiKeyOrMtls => Self::ApiKeyOrMtls,
            Method::Restricted => Self::Restricted,
        }
    }
}

#[derive(Subcommand)]
pub(crate) enum NamespaceRotationCommand {
    /// Plans a rotation of the namespace's CAs and writes the plan.
    Plan(NamespacePlanArguments),
    /// Shows what is done and what is left to do.
    Show(NamespacePlannedArguments),
    /// Adds the new CA to the namespace's bundle, beside the old one.
    AddNewCa(NamespaceRotateArguments),
    /// Removes the old CA from the namespace's bundle, once no worker needs it.
    RemoveOldCa(NamespaceRotateArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace rotation plan hello.a1b2c --plan rotation.json \\
      --old-ca old-ca/certificate.pem --new-ca new-ca/certificate.pem \\
      --worker payments=payments/certificate.txt

Between adding the new CA and removing the old one go private-ca temporal rotation issued, confirm and
retired, which need the plan alone.")]
pub(crate) struct NamespacePlanArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
    #[command(flatten)]
    pub(crate) planned: PlannedArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace rotation show hello.a1b2c --plan rotation.json

Exit status: 0 the rotation is complete, 1 something is left to do.")]
pub(crate) struct NamespacePlannedArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
    /// The plan.
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: PathBuf,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace rotation add-new-ca hello.a1b2c --plan rotation.json --dry-run
  private-ca temporal namespace rotation remove-old-ca hello.a1b2c --plan rotation.json --yes")]
pub(crate) struct NamespaceRotateArguments {
    #[command(flatten)]
    pub(crate) planned: NamespacePlannedArguments,
    #[command(flatten)]
    pub(crate) update: UpdateArguments,
}

#[derive(Subcommand)]
pub(crate) enum NamespaceBundleCommand {
    /// Lists the CA certificates.
    List(NamespaceShowArguments),
    /// Adds CA certificates.
    Add(NamespaceAddArguments),
    /// Removes CA certificates.
    Remove(NamespaceRemoveArguments),
    /// Puts CA certificates in the place of all that are there.
    Replace(NamespaceAddArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace bundle add hello.a1b2c ca/certificate.pem --dry-run
  private-ca temporal namespace bundle add hello.a1b2c ca/certificate.pem --yes --idempotent
  private-ca temporal namespace bundle add hello.a1b2c ca/certificate.pem --enable-mtls")]
pub(crate) struct NamespaceAddArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
    /// Files of CA certificates.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
    /// What a client presents that is admitted now: the change is refused if it would lock it out.
    #[arg(long, value_name = "FILE")]
    pub(crate) live: Vec<PathBuf>,
    /// Enables mTLS too, if it is disabled: until then the bundle lets nobody in.
    #[arg(long)]
    pub(crate) enable_mtls: bool,
    #[command(flatten)]
    pub(crate) update: UpdateArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace bundle remove hello.a1b2c old-ca/certificate.pem \\
      --live worker/certificate.txt
  private-ca temporal namespace bundle remove hello.a1b2c \\
      --fingerprint 4b2cf10a991d03c4ee1f5760aabb0c1d2e3f4051 --yes")]
pub(crate) struct NamespaceRemoveArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
    /// Files of the CA certificates.
    #[arg(required_unless_present = "fingerprint", value_name = "FILE")]
    pub(crate) certificates: Vec<PathBuf>,
    /// A certificate by its SHA-1 or SHA-256 fingerprint, in any spelling.
    #[arg(long, value_name = "HEX")]
    pub(crate) fingerprint: Vec<Fingerprint>,
    /// What a client presents that is admitted now: the change is refused if it would lock it out.
    #[arg(long, value_name = "FILE")]
    pub(crate) live: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) update: UpdateArguments,
}

#[derive(Subcommand)]
pub(crate) enum NamespaceFiltersCommand {
    /// Prints the filters.
    Export(NamespaceShowArguments),
    /// Puts the filters of a file in the place of those that are there.
    Import(FiltersImportArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace filters export hello.a1b2c > filters.json
  private-ca temporal namespace filters import hello.a1b2c filters.json --live worker/certificate.txt")]
pub(crate) struct FiltersImportArguments {
    #[command(flatten)]
    pub(crate) namespace: NamespaceArguments,
    /// The filters, in tcld's JSON.
    #[arg(value_name = "FILE")]
    pub(crate) filters: PathBuf,
    /// What a client presents that is admitted now: the change is refused if it would lock it out.
    #[arg(long, value_name = "FILE")]
    pub(crate) live: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) update: UpdateArguments,
}

#[derive(Subcommand)]
pub(crate) enum OperationCommand {
    /// Follows an operation to its end.
    Resume(ResumeArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca temporal namespace operation resume 7cbe07a6-6eb6-45ba-883a-0e6930b5f2a6")]
pub(crate) struct ResumeArguments {
    /// The operation's id.
    pub(crate) id: String,
    /// How long to wait for its end, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub(crate) wait: u64,
    #[command(flatten)]
    pub(crate) cloud: CloudArguments,
}

#[derive(Args)]
pub(crate) struct NamespaceArguments {
    /// The namespace, with the account's id: hello.a1b2c.
    #[arg(value_name = "NAMESPACE")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) cloud: CloudArguments,
}

/// How Temporal Cloud's API is reached. The key is never an argument: everyone on the machine can read
/// those.
#[derive(Args)]
#[command(next_help_heading = "Temporal Cloud")]
pub(crate) struct CloudArguments {
    /// The file that holds the API key; without it, TEMPORAL_CLOUD_API_KEY does.
    #[arg(long, value_name = "FILE")]
    pub(crate) api_key_file: Option<PathBuf>,
    /// Host and port of the API.
    #[arg(long, value_name = "HOST:PORT", default_value = DEFAULT_ADDRESS)]
    pub(crate) address: String,
    /// The CAs of the API's server, if the operating system does not know them: PEM.
    #[arg(long, value_name = "FILE", conflicts_with = "plaintext")]
    pub(crate) server_ca: Option<PathBuf>,
    /// Without TLS: to a stand-in on this machine.
    #[arg(long)]
    pub(crate) plaintext: bool,
}

#[derive(Args, Clone)]
#[command(next_help_heading = "Change")]
pub(crate) struct UpdateArguments {
    /// Changes without a question. Without it, and without a terminal to ask on, nothing is changed.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Shows the change and sends nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// It is no mistake if everything is as it is to be.
    #[arg(long)]
    pub(crate) idempotent: bool,
    /// Does not wait until the change is done, but prints the id of its operation.
    #[arg(long)]
    pub(crate) r#async: bool,
    /// How long to wait until it is done, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600, conflicts_with = "async")]
    pub(crate) wait: u64,
}
