//! Commands of a certificate authority.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
#[cfg(feature = "aws")]
use private_ca::authority::aws::Arn;
use private_ca::{DistinguishedName, KeyAlgorithm};

use super::{AwsArguments, CaPassphraseSource, PassphraseSource};
use crate::reference::CaReference;

#[derive(Subcommand)]
pub(crate) enum CaCommand {
    /// Creates a CA, in a folder or in AWS: a root, or a subordinate of another CA.
    Create(Box<CaCreateArguments>),
    /// Shows a CA: its certificate, and what it has issued and revoked.
    Show(CaShowArguments),
    /// Prints the CA's signed revocation list.
    Crl(CaCrlArguments),
    #[cfg(feature = "aws")]
    #[command(flatten)]
    Aws(AwsCaCommand),
}

/// Where a new CA is to be.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Backend {
    /// In a folder.
    Local,
    /// In AWS Private CA.
    Aws,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca create --dir ca --subject \"O=Acme,CN=Acme Root\"
  private-ca ca create --dir ca --subject \"CN=Root\" --key p256 --passphrase-file passphrase.txt
  private-ca ca create --dir workers --subject \"CN=Workers\" --parent ca --path-len 0 --days 365
  private-ca ca create --backend aws --subject \"CN=Root\" --region eu-central-1 \\
      --idempotency-key root")]
pub(crate) struct CaCreateArguments {
    /// Where the CA is to be.
    #[arg(long, value_enum, default_value = "local")]
    pub(crate) backend: Backend,
    /// The folder of the new CA; it must be empty or not there.
    #[arg(long, required_if_eq("backend", "local"))]
    pub(crate) dir: Option<PathBuf>,
    /// The CA's distinguished name, in the order of its encoding.
    #[arg(long)]
    pub(crate) subject: DistinguishedName,
    /// The CA's key: rsa2048, rsa3072, rsa4096, p256, p384, p521, mldsa44, mldsa65 or mldsa87.
    #[arg(long, default_value = "rsa2048")]
    pub(crate) key: KeyAlgorithm,
    /// Days until the CA ends.
    #[arg(long, default_value_t = 3650)]
    pub(crate) days: u32,
    /// How many CAs may follow below this one. If it is not given: any number below a local CA,
    /// none below a subordinate in AWS, where it is 0 to 3.
    #[arg(long)]
    pub(crate) path_len: Option<u8>,
    /// Encrypts the CA's key, and asks for its passphrase if neither file nor variable is named.
    #[arg(long)]
    pub(crate) encrypt: bool,
    /// The CA above, a folder or an ARN; without it the new CA is a root.
    #[arg(long, value_name = "CA")]
    pub(crate) parent: Option<CaReference>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
    /// The passphrase of the parent's key.
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    pub(crate) aws_ca: AwsCaArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca show --ca ca
  private-ca ca show --ca ca --json")]
pub(crate) struct CaShowArguments {
    /// The CA: a folder or an ARN.
    #[arg(long, alias = "dir")]
    pub(crate) ca: CaReference,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca crl --ca ca > crl.pem

A CA in AWS writes its list into an S3 bucket instead.")]
pub(crate) struct CaCrlArguments {
    /// The CA's folder.
    #[arg(long, alias = "dir")]
    pub(crate) ca: CaReference,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

/// What else a new CA in AWS can be told.
#[cfg(feature = "aws")]
#[derive(Args)]
#[command(next_help_heading = "A new CA in AWS")]
pub(crate) struct AwsCaArguments {
    /// Where AWS keeps the key; the region's default if it is not given.
    #[arg(long, value_enum)]
    pub(crate) key_storage: Option<KeyStorageArgument>,
    /// What the CA issues: anything, or certificates of at most seven days at a lower price.
    #[arg(long, value_enum)]
    pub(crate) usage_mode: Option<UsageModeArgument>,
    /// A tag; may be repeated.
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub(crate) tags: Vec<(String, String)>,
    /// The S3 bucket for revocation lists; its policy has to let AWS Private CA write.
    #[arg(long, value_name = "BUCKET")]
    pub(crate) crl_bucket: Option<String>,
    /// Days that each revocation list is good for; 7 if it is not given.
    #[arg(long, value_name = "DAYS", requires = "crl_bucket", value_parser = clap::value_parser!(u16).range(1..=5000))]
    pub(crate) crl_days: Option<u16>,
    /// The host that certificates name for the lists, instead of the bucket's.
    #[arg(long, value_name = "HOST", requires = "crl_bucket")]
    pub(crate) crl_cname: Option<String>,
    /// Lets everybody read the lists in the bucket.
    #[arg(long, requires = "crl_bucket")]
    pub(crate) crl_public: bool,
    /// Splits the list, for a CA with very many certificates.
    #[arg(long, requires = "crl_bucket")]
    pub(crate) crl_partitioned: bool,
    /// Has AWS answer OCSP requests.
    #[arg(long)]
    pub(crate) ocsp: bool,
    /// The host that certificates name for OCSP, instead of AWS's own.
    #[arg(long, value_name = "HOST", requires = "ocsp")]
    pub(crate) ocsp_cname: Option<String>,
    /// The same key with the same options gives the same CA: a call that was interrupted is simply
    /// made again.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
}

#[cfg(feature = "aws")]
impl AwsCaArguments {
    /// Refuses them for a CA that is not in AWS.
    pub(crate) fn refuse(&self, because: &str) -> Result<(), crate::Failure> {
        let given = [
            ("--key-storage", self.key_storage.is_some()),
            ("--usage-mode", self.usage_mode.is_some()),
            ("--tag", !self.tags.is_empty()),
            ("--crl-bucket", self.crl_bucket.is_some()),
            ("--ocsp", self.ocsp),
            ("--idempotency-key", self.idempotency_key.is_some()),
        ];
        super::refuse(given, because)
    }
}

/// The standard that AWS keeps a CA's key by.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyStorageArgument {
    /// FIPS 140-2 level 3 or higher.
    #[value(name = "fips-140-2-level-3")]
    Fips140Level3,
    /// FIPS 140-2 level 2 or higher.
    #[value(name = "fips-140-2-level-2")]
    Fips140Level2,
    /// CCPC level 1 or higher.
    #[value(name = "ccpc-level-1")]
    CcpcLevel1,
}

/// What a CA in AWS issues.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageModeArgument {
    /// Certificates of any validity.
    GeneralPurpose,
    /// Certificates of at most seven days; ACM does not issue from such a CA.
    ShortLived,
}

#[cfg(feature = "aws")]
fn tag(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a tag is written KEY=VALUE"),
    }
}

/// What the owner of a CA in AWS does with it.
#[cfg(feature = "aws")]
#[derive(Subcommand)]
pub(crate) enum AwsCaCommand {
    /// Lists the CAs in AWS.
    List(CaListArguments),
    /// Installs the certificate of a CA that was created in AWS and has none yet, or whose own has
    /// ended.
    Install(CaInstallArguments),
    /// Lets ACM issue and renew from a CA in AWS.
    GrantAcm(CaGrantAcmArguments),
    /// Switches a CA in AWS on again.
    #[command(after_help = "\
Examples:
  private-ca ca enable --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02")]
    Enable(AwsCa),
    /// Switches a CA in AWS off: it issues nothing until it is enabled again.
    #[command(after_help = "\
Examples:
  private-ca ca disable --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02")]
    Disable(AwsCa),
    /// Deletes a CA in AWS. It can be restored for some days; then its key is gone for ever.
    Delete(CaDeleteArguments),
    /// Restores a deleted CA in AWS. It comes back as it was: disabled, or without a certificate.
    #[command(after_help = "\
Examples:
  private-ca ca restore --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02")]
    Restore(AwsCa),
    /// Has a CA in AWS write down everything that it has issued and revoked.
    AuditReport(CaAuditReportArguments),
    /// Shows, sets or deletes the policy that shares a CA in AWS with other accounts.
    Policy(CaPolicyArguments),
}

/// A CA in AWS, and how AWS is reached.
#[cfg(feature = "aws")]
#[derive(Args)]
pub(crate) struct AwsCa {
    /// The CA's ARN.
    #[arg(long, value_name = "ARN", value_parser = crate::reference::ca_arn)]
    pub(crate) ca: Arn,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}

/// Whose CAs are listed.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Owner {
    /// This account's.
    Own,
    /// Those that other accounts share with this one.
    Others,
}

#[cfg(feature = "aws")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca list --region eu-central-1
  private-ca ca list --owner others --json")]
pub(crate) struct CaListArguments {
    /// Whose CAs.
    #[arg(long, value_enum, default_value = "own")]
    pub(crate) owner: Owner,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}

#[cfg(feature = "aws")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca install --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02
  private-ca ca install --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/77 \\
      --parent ca --days 365")]
pub(crate) struct CaInstallArguments {
    #[command(flatten)]
    pub(crate) ca: AwsCa,
    /// The CA that signs it, a folder or an ARN; a root signs itself.
    #[arg(long, value_name = "CA")]
    pub(crate) parent: Option<CaReference>,
    /// Days until the CA ends.
    #[arg(long, default_value_t = 3650)]
    pub(crate) days: u32,
    /// How many CAs may follow below it, 0 to 3; 0 if it is not given.
    #[arg(long, requires = "parent", value_parser = clap::value_parser!(u8).range(0..=3))]
    pub(crate) path_len: Option<u8>,
    /// The passphrase of the parent's key.
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
}

#[cfg(feature = "aws")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca grant-acm --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02")]
pub(crate) struct CaGrantAcmArguments {
    #[command(flatten)]
    pub(crate) ca: AwsCa,
    /// Takes the permission back instead.
    #[arg(long)]
    pub(crate) revoke: bool,
}

#[cfg(feature = "aws")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca delete --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02
  private-ca ca delete --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02 \\
      --restore-days 7 --yes")]
pub(crate) struct CaDeleteArguments {
    #[command(flatten)]
    pub(crate) ca: AwsCa,
    /// Days that it can be restored, 7 to 30.
    #[arg(long, value_name = "DAYS", default_value_t = 30, value_parser = clap::value_parser!(u8).range(7..=30))]
    pub(crate) restore_days: u8,
    /// Does not ask. Without a terminal nobody can be asked, so it is needed there.
    #[arg(long)]
    pub(crate) yes: bool,
}

/// The form of an audit report.
#[cfg(feature = "aws")]
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// JSON.
    Json,
    /// Comma-separated values.
    Csv,
}

#[cfg(feature = "aws")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca audit-report --bucket acme-ca-reports --format csv \\
      --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02

AWS allows one report every 30 minutes.")]
pub(crate) struct CaAuditReportArguments {
    #[command(flatten)]
    pub(crate) ca: AwsCa,
    /// The S3 bucket; its policy has to let AWS Private CA write.
    #[arg(long)]
    pub(crate) bucket: String,
    /// The form of the report.
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) format: ReportFormat,
}

#[cfg(feature = "aws")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca policy --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02
  private-ca ca policy --put policy.json \\
      --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02")]
pub(crate) struct CaPolicyArguments {
    #[command(flatten)]
    pub(crate) ca: AwsCa,
    /// Sets the policy in this file, JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) put: Option<PathBuf>,
    /// Deletes the policy: other accounts see the CA no more.
    #[arg(long, conflicts_with = "put")]
    pub(crate) delete: bool,
}
