//! Commands of certificates.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use private_ca::certificate::SubjectAlternativeName;
use private_ca::{DistinguishedName, KeyAlgorithm, RevocationReason, SerialNumber};

use super::{AwsArguments, CaPassphraseSource, PassphraseSource};
use crate::reference::CaReference;

/// What a certificate is for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// A TLS client, such as a Temporal worker.
    Client,
    /// A TLS server.
    Server,
    /// Both.
    Both,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca issue --ca ca --subject \"O=Acme,CN=worker-1\" --out worker-1
  private-ca issue --ca ca --subject \"CN=frontend\" --dns localhost --purpose server --out frontend
  private-ca issue --ca ca --csr worker.csr --days 30 --out worker
  private-ca issue --ca ca --certificate 1f02aa --out worker-1

A new key is written before the CA is asked. If the certificate then does not come, the same
command with --certificate and its id fetches it into the same folder, beside its key.")]
pub(crate) struct IssueArguments {
    /// The CA: a folder or an ARN.
    #[arg(long)]
    pub(crate) ca: CaReference,
    /// The certificate's distinguished name, in the order of its encoding.
    #[arg(long, required_unless_present_any = ["csr", "certificate"])]
    pub(crate) subject: Option<DistinguishedName>,
    /// A DNS name of the certificate's subject; may be repeated.
    #[arg(long = "dns", value_name = "NAME", value_parser = dns_name)]
    pub(crate) dns: Vec<SubjectAlternativeName>,
    /// Another name: IP:10.0.0.1, email:a@example.com, URI:spiffe://acme/worker; may be repeated.
    #[arg(long = "san", value_name = "KIND:NAME")]
    pub(crate) san: Vec<SubjectAlternativeName>,
    /// What the certificate is for.
    #[arg(long, value_enum, default_value = "client")]
    pub(crate) purpose: Purpose,
    /// Days until the certificate ends.
    #[arg(long, default_value_t = 90)]
    pub(crate) days: u32,
    /// The kind of the new key: rsa2048, rsa3072, rsa4096, p256, p384, p521, ed25519, mldsa44,
    /// mldsa65 or mldsa87.
    #[arg(long, default_value = "rsa2048")]
    pub(crate) key: KeyAlgorithm,
    /// A signing request in PEM or DER, instead of a new key. Its names count unless --subject,
    /// --dns or --san says who the certificate is for.
    #[arg(long, conflicts_with = "key", value_name = "FILE")]
    pub(crate) csr: Option<PathBuf>,
    /// Gives out this certificate, which was asked for before, and joins it with its key if that
    /// lies in the folder. The id is an ARN, or on a local CA the serial number.
    #[arg(long, value_name = "ID", conflicts_with_all = [
        "subject", "dns", "san", "purpose", "days", "key", "csr", "idempotency_key",
    ])]
    pub(crate) certificate: Option<String>,
    /// The folder for certificate, chain and key.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Writes over files of an earlier certificate.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// The same key with the same request gives the same certificate.
    #[arg(long, value_name = "KEY", requires = "csr")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
    /// Issues with this template instead of the purpose's own: EndEntityCertificate, or an ARN.
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME", conflicts_with = "certificate", help_heading = "AWS")]
    pub(crate) template: Option<String>,
}

fn dns_name(text: &str) -> Result<SubjectAlternativeName, String> {
    SubjectAlternativeName::dns(text).map_err(|error| error.to_string())
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca export --ca ca --dns worker.acme.internal --passphrase-file passphrase.txt --out worker
  private-ca export --ca ca --certificate 1f02aa --passphrase-env EXPORT_PASSPHRASE --out again
  private-ca export --certificate arn:aws:acm:eu-central-1:123456789012:certificate/77 \\
      --passphrase-file passphrase.txt --out worker --overwrite")]
pub(crate) struct ExportArguments {
    /// The CA: a folder or an ARN. A certificate in ACM needs none.
    #[arg(long, required_unless_present = "certificate")]
    pub(crate) ca: Option<CaReference>,
    /// The domain name, which becomes the common name; further ones may follow.
    #[arg(long = "dns", value_name = "NAME", required_unless_present = "certificate")]
    pub(crate) dns: Vec<String>,
    /// Exports this certificate, instead of requesting a new one: its ARN in ACM, or on a local CA
    /// the serial number that it was first issued with.
    #[arg(long, value_name = "ID", conflicts_with = "dns")]
    pub(crate) certificate: Option<String>,
    /// The kind of key: rsa2048, p256 or p384.
    #[arg(long, default_value = "rsa2048", conflicts_with = "certificate")]
    pub(crate) key: KeyAlgorithm,
    /// The folder for certificate.txt, certificate_chain.txt and private_key.txt.
    #[arg(long)]
    pub(crate) out: PathBuf,
    /// Writes over files of an earlier export.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// The same key with the same request gives the same certificate.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    /// The passphrase of the exported key.
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}

#[derive(Args)]
#[cfg_attr(
    feature = "aws",
    command(after_help = "\
Examples:
  private-ca request --ca ca --dns worker.acme.internal
  private-ca request --dns worker.acme.internal \\
      --ca arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02
  private-ca request --public --exportable --dns frontend.example.com --region eu-central-1

A public certificate is issued once DNS shows that its names are yours: this prints the records to
create. They have to stay, because ACM looks for them again when it renews.")
)]
#[cfg_attr(
    not(feature = "aws"),
    command(after_help = "\
Examples:
  private-ca request --ca ca --dns worker.acme.internal")
)]
pub(crate) struct RequestArguments {
    /// The CA: a folder or an ARN.
    #[cfg_attr(feature = "aws", arg(long, required_unless_present = "public"))]
    #[cfg_attr(not(feature = "aws"), arg(long, required = true))]
    pub(crate) ca: Option<CaReference>,
    /// The domain name, which becomes the common name; further ones may follow.
    #[arg(long = "dns", value_name = "NAME", required = true)]
    pub(crate) dns: Vec<String>,
    /// The kind of key: rsa2048, p256 or p384.
    #[arg(long, default_value = "rsa2048")]
    pub(crate) key: KeyAlgorithm,
    /// The same key with the same request gives the same certificate.
    #[arg(long, value_name = "KEY")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
    /// Asks Amazon's public CA instead of a private one.
    #[cfg(feature = "aws")]
    #[arg(long, conflicts_with = "ca", help_heading = "AWS")]
    pub(crate) public: bool,
    /// Asks for a public certificate that can be exported. AWS charges for each.
    #[cfg(feature = "aws")]
    #[arg(long, requires = "public", conflicts_with = "ca", help_heading = "AWS")]
    pub(crate) exportable: bool,
    /// Creates the DNS records in this account's Route 53.
    #[cfg(feature = "route53")]
    #[arg(long, requires = "public", conflicts_with = "ca", help_heading = "AWS")]
    pub(crate) route53: bool,
}

#[cfg(feature = "aws")]
impl RequestArguments {
    pub(crate) fn with_route53(&self) -> bool {
        #[cfg(feature = "route53")]
        return self.route53;
        #[cfg(not(feature = "route53"))]
        return false;
    }
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca status 1f02aa --ca ca
  private-ca status 1f02aa --ca ca --exported worker/certificate.txt
  private-ca status arn:aws:acm:eu-central-1:123456789012:certificate/77")]
pub(crate) struct StatusArguments {
    /// The certificate: its ARN in ACM, or on a local CA the serial number that it was first issued
    /// with.
    pub(crate) id: String,
    /// The CA's folder; a certificate in ACM needs none.
    #[arg(long)]
    pub(crate) ca: Option<CaReference>,
    /// An exported copy, certificate.txt: exit status 1 if it is older than the certificate is now.
    #[arg(long, value_name = "FILE")]
    pub(crate) exported: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca renew 1f02aa --ca ca
  private-ca renew arn:aws:acm:eu-central-1:123456789012:certificate/77

The id stays; key and serial number are new. Copies that were exported before stay valid until their
own end.")]
pub(crate) struct RenewArguments {
    /// The certificate: its ARN in ACM, or on a local CA the serial number that it was first issued
    /// with.
    pub(crate) id: String,
    /// The CA's folder; a certificate in ACM needs none.
    #[arg(long)]
    pub(crate) ca: Option<CaReference>,
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca revoke --ca ca 1f02aa --reason keyCompromise

Temporal Cloud checks no revocation lists: to keep a worker out there, change the namespace's
certificate filters or its CA.")]
pub(crate) struct RevokeArguments {
    /// The CA: a folder or an ARN.
    #[arg(long)]
    pub(crate) ca: CaReference,
    /// The certificate's serial number in hexadecimal.
    pub(crate) serial: SerialNumber,
    /// Why: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation ...
    #[arg(long, default_value = "unspecified")]
    pub(crate) reason: RevocationReason,
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
    #[command(flatten)]
    pub(crate) aws: AwsArguments,
}
