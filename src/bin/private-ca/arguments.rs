//! What can be asked, and how it is asked.

mod ca;
mod certificates;
mod doctor;
mod files;
#[cfg(feature = "temporal-cloud")]
mod namespace;
mod rotation;
mod temporal;
mod worker;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use ca::*;
pub(crate) use certificates::*;
pub(crate) use doctor::*;
pub(crate) use files::*;
#[cfg(feature = "temporal-cloud")]
pub(crate) use namespace::*;
pub(crate) use rotation::*;
pub(crate) use temporal::*;
pub(crate) use worker::*;

use crate::{Failure, OrFail as _};

/// From no certificate to a Temporal worker connected over mTLS.
///
/// Exit status: 0 yes, 1 no, 2 could not be asked.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Examples:
  private-ca walkthrough
  private-ca ca create --dir ca --subject \"O=Acme,CN=Acme Root\"
  private-ca export --ca ca --dns worker.acme.internal --passphrase-file passphrase.txt --out worker
  private-ca key decrypt worker/private_key.txt --passphrase-file passphrase.txt
  private-ca verify --anchors ca/certificate.pem worker/certificate.txt
  private-ca verify --anchors ca/certificate.pem --crl ca/crl.pem worker/certificate.txt
  private-ca temporal check --bundle ca/certificate.pem --cert worker/certificate.txt

A CA is a folder, or, in a build with the feature aws, the ARN of a CA in AWS Private CA."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Prints one JSON object instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Walks the whole journey offline: a CA, a certificate, its key, a verified chain, a TLS
    /// frontend that lets it in and a stranger not, and the worker's configuration.
    Walkthrough(WalkthroughArguments),
    /// Creates, shows and administers certificate authorities.
    #[command(subcommand)]
    Ca(CaCommand),
    /// Issues a certificate, for a new key or for a signing request, or gives one out again.
    Issue(Box<IssueArguments>),
    /// Requests a managed certificate by domain name and exports it under a passphrase, as ACM does.
    Export(Box<ExportArguments>),
    /// Requests a managed certificate and prints its id.
    Request(Box<RequestArguments>),
    /// Says how far a managed certificate is, and whether an exported copy of it is still current.
    Status(StatusArguments),
    /// Renews a managed certificate.
    Renew(RenewArguments),
    /// Revokes an issued certificate.
    Revoke(RevokeArguments),
    /// Decrypts, encrypts and inspects private keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Verifies that a certificate leads to one of the given trust anchors, and says why not.
    Verify(Box<VerifyArguments>),
    /// Configures a worker.
    #[command(subcommand)]
    Worker(Box<WorkerCommand>),
    /// Says why a worker does not connect: configuration, DNS, TCP, TLS, gRPC.
    Doctor(Box<DoctorArguments>),
    /// Checks what is given to Temporal Cloud, before it is given.
    #[command(subcommand)]
    Temporal(Box<TemporalCommand>),
    /// Says what is in a file of certificates, keys, requests or revocation lists.
    Inspect(InspectArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca walkthrough
  private-ca walkthrough --dir /tmp/first-steps")]
pub(crate) struct WalkthroughArguments {
    /// The folder for everything that is made; it must be empty or not there.
    #[arg(long, default_value = "private-ca-walkthrough")]
    pub(crate) dir: PathBuf,
}

/// Where a passphrase comes from. Never from an argument: everyone on the machine can read those.
#[derive(Args, Clone, Default)]
pub(crate) struct PassphraseSource {
    /// The file whose first line is the passphrase.
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// The environment variable that holds the passphrase.
    #[arg(long, value_name = "NAME", conflicts_with = "passphrase_file")]
    pub(crate) passphrase_env: Option<String>,
}

/// Where the passphrase of the CA's key comes from, if that key is encrypted.
#[derive(Args)]
pub(crate) struct CaPassphraseSource {
    /// The file whose first line is the passphrase of the CA's key.
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_passphrase_file: Option<PathBuf>,
    /// The environment variable that holds the passphrase of the CA's key.
    #[arg(long, value_name = "NAME", conflicts_with = "ca_passphrase_file")]
    pub(crate) ca_passphrase_env: Option<String>,
}

impl From<&CaPassphraseSource> for PassphraseSource {
    fn from(source: &CaPassphraseSource) -> Self {
        Self {
            passphrase_file: source.ca_passphrase_file.clone(),
            passphrase_env: source.ca_passphrase_env.clone(),
        }
    }
}

impl From<&Self> for PassphraseSource {
    fn from(source: &Self) -> Self {
        source.clone()
    }
}

impl PassphraseSource {
    /// Refuses a passphrase where there is nothing that it could be for.
    #[cfg(feature = "aws")]
    pub(crate) fn refuse(&self, because: &str) -> Result<(), Failure> {
        let named = self.passphrase_file.is_some() || self.passphrase_env.is_some();
        refuse([("a passphrase of the CA's key", named)], because)
    }
}

/// How AWS is reached, in the words of the AWS CLI. Without the feature `aws` there is nothing to say.
#[derive(Args, Default)]
#[cfg_attr(feature = "aws", command(next_help_heading = "AWS"))]
pub(crate) struct AwsArguments {
    /// The region; that of the ARN if it is not given, or else the configured one.
    #[cfg(feature = "aws")]
    #[arg(long, value_parser = region)]
    pub(crate) region: Option<String>,
    /// The profile in ~/.aws/config and ~/.aws/credentials.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The endpoint of every service, instead of AWS's own.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "URL", value_parser = endpoint_url)]
    pub(crate) endpoint_url: Option<String>,
    /// How long to wait for AWS at most; 120 if it is not given. What was asked for can be fetched
    /// later by its id.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=259_200))]
    pub(crate) deadline: Option<u64>,
}

impl AwsArguments {
    /// Refuses them where AWS is not asked.
    pub(crate) fn refuse(&self, because: &str) -> Result<(), Failure> {
        #[cfg(feature = "aws")]
        let given = [
            ("--region", self.region.is_some()),
            ("--profile", self.profile.is_some()),
            ("--endpoint-url", self.endpoint_url.is_some()),
            ("--deadline", self.deadline.is_some()),
        ];
        #[cfg(not(feature = "aws"))]
        let given = [];
        refuse(given, because)
    }

    /// As further words of a command for a shell, each after a blank.
    pub(crate) fn words(&self) -> String {
        #[cfg(feature = "aws")]
        return [
            ("--region", &self.region),
            ("--profile", &self.profile),
            ("--endpoint-url", &self.endpoint_url),
        ]
        .into_iter()
        .filter_map(|(name, value)| {
            Some(format!(" {name} {}", crate::output::shell(value.as_ref()?)))
        })
        .collect();
        #[cfg(not(feature = "aws"))]
        return String::new();
    }
}

#[cfg(feature = "aws")]
impl AwsArguments {
    pub(crate) fn deadline(&self) -> Option<std::time::Duration> {
        self.deadline.map(std::time::Duration::from_secs)
    }
}

/// Refuses options that were given where they mean nothing: whoever wrote them expects something.
pub(crate) fn refuse<const N: usize>(
    options: [(&str, bool); N],
    because: &str,
) -> Result<(), Failure> {
    match options.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => {
            Err(format!("{name} means nothing here, because {because}: leave it out")).or_unasked()
        }
        None => Ok(()),
    }
}

/// It becomes part of a host name.
#[cfg(feature = "aws")]
fn region(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !text.is_empty() && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err("a region is written like eu-central-1")
}

#[cfg(feature = "aws")]
fn endpoint_url(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    match rest {
        Some(host) if !host.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Ok(text.to_owned())
        }
        _ => Err("it has to be of the form https://HOST or http://HOST"),
    }
}
