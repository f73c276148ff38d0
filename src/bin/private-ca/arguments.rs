//! What can be asked, and how it is asked.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use private_ca::certificate::SubjectAlternativeName;
use private_ca::{DistinguishedName, KeyAlgorithm, RevocationReason, SerialNumber, Timestamp};

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
  private-ca verify --anchors ca/certificate.pem worker/certificate.txt"
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
    /// Creates and shows certificate authorities.
    #[command(subcommand)]
    Ca(CaCommand),
    /// Issues a certificate, for a new key or for a signing request.
    Issue(IssueArguments),
    /// Requests a managed certificate by domain name and exports it under a passphrase, as ACM does.
    Export(ExportArguments),
    /// Revokes an issued certificate.
    Revoke(RevokeArguments),
    /// Decrypts, encrypts and inspects private keys.
    #[command(subcommand)]
    Key(KeyCommand),
    /// Verifies that a certificate leads to one of the given trust anchors, and says why not.
    Verify(VerifyArguments),
    /// Says what is in a file of certificates, keys, requests or revocation lists.
    Inspect(InspectArguments),
}

/// Where a passphrase comes from. Never from an argument: everyone on the machine can read those.
#[derive(Args, Default)]
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

#[derive(Subcommand)]
pub(crate) enum CaCommand {
    /// Creates a CA in a folder: a root, or a subordinate of another CA.
    Create(CaCreateArguments),
    /// Shows a CA: its certificate, and what it has issued and revoked.
    Show(CaShowArguments),
    /// Prints the CA's signed revocation list.
    Crl(CaCrlArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca create --dir ca --subject \"O=Acme,CN=Acme Root\"
  private-ca ca create --dir ca --subject \"CN=Root\" --key p256 --passphrase-file passphrase.txt
  private-ca ca create --dir workers --subject \"CN=Workers\" --parent ca --path-len 0 --days 365")]
pub(crate) struct CaCreateArguments {
    /// The folder of the new CA; it must be empty or not there.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// The CA's distinguished name, in the order of its encoding.
    #[arg(long)]
    pub(crate) subject: DistinguishedName,
    /// The CA's key: rsa2048, rsa3072, rsa4096, p256, p384, p521, mldsa44, mldsa65 or mldsa87.
    #[arg(long, default_value = "rsa2048")]
    pub(crate) key: KeyAlgorithm,
    /// Days until the CA ends.
    #[arg(long, default_value_t = 3650)]
    pub(crate) days: u32,
    /// How many CAs may follow below this one; any number if it is not given.
    #[arg(long)]
    pub(crate) path_len: Option<u8>,
    /// Encrypts the CA's key, and asks for its passphrase if neither file nor variable is named.
    #[arg(long)]
    pub(crate) encrypt: bool,
    /// The folder of the CA above; without it the new CA is a root.
    #[arg(long, value_name = "DIR")]
    pub(crate) parent: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
    /// The passphrase of the parent's key.
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca show --dir ca
  private-ca ca show --dir ca --json")]
pub(crate) struct CaShowArguments {
    /// The CA's folder.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca ca crl --dir ca > crl.pem")]
pub(crate) struct CaCrlArguments {
    /// The CA's folder.
    #[arg(long)]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

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
  private-ca issue --ca ca --csr worker.csr --days 30 --out worker")]
pub(crate) struct IssueArguments {
    /// The CA's folder.
    #[arg(long)]
    pub(crate) ca: PathBuf,
    /// The certificate's distinguished name, in the order of its encoding.
    #[arg(long, required_unless_present = "csr")]
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
}

fn dns_name(text: &str) -> Result<SubjectAlternativeName, String> {
    SubjectAlternativeName::dns(text).map_err(|error| error.to_string())
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca export --ca ca --dns worker.acme.internal --passphrase-file passphrase.txt --out worker
  private-ca export --ca ca --certificate 1f02aa --passphrase-env EXPORT_PASSPHRASE --out again")]
pub(crate) struct ExportArguments {
    /// The CA's folder.
    #[arg(long)]
    pub(crate) ca: PathBuf,
    /// The domain name, which becomes the common name; further ones may follow.
    #[arg(long = "dns", value_name = "NAME", required_unless_present = "certificate")]
    pub(crate) dns: Vec<String>,
    /// Exports this certificate again (its serial number), instead of requesting a new one.
    #[arg(long, value_name = "SERIAL", conflicts_with = "dns")]
    pub(crate) certificate: Option<SerialNumber>,
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
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca revoke --ca ca 1f02aa --reason keyCompromise

Temporal Cloud checks no revocation lists: to keep a worker out there, change the namespace's
certificate filters or its CA.")]
pub(crate) struct RevokeArguments {
    /// The CA's folder.
    #[arg(long)]
    pub(crate) ca: PathBuf,
    /// The certificate's serial number in hexadecimal.
    pub(crate) serial: SerialNumber,
    /// Why: unspecified, keyCompromise, affiliationChanged, superseded, cessationOfOperation ...
    #[arg(long, default_value = "unspecified")]
    pub(crate) reason: RevocationReason,
    #[command(flatten)]
    pub(crate) ca_passphrase: CaPassphraseSource,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Takes the passphrase off a private key.
    Decrypt(KeyDecryptArguments),
    /// Puts a private key under a passphrase.
    Encrypt(KeyEncryptArguments),
    /// Says what a private key is and how it is encrypted, without its passphrase.
    Inspect(KeyInspectArguments),
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca key decrypt private_key.txt --passphrase-file passphrase.txt --out private_key_nopass.txt
  private-ca key decrypt private_key.txt --passphrase-env EXPORT_PASSPHRASE | head -1")]
pub(crate) struct KeyDecryptArguments {
    /// The encrypted key, PKCS#8 in PEM or DER.
    pub(crate) file: PathBuf,
    /// Where the plain key goes (mode 0600); standard output if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Writes over the file if it is there.
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

/// How a key is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// PBKDF2 with HMAC-SHA-256, 600,000 iterations, AES-256-CBC.
    Modern,
    /// As ACM exports keys: PBKDF2 with HMAC-SHA-1, 2048 iterations, AES-256-CBC.
    Acm,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca key encrypt private_key_nopass.txt --passphrase-file passphrase.txt --out private_key.txt
  private-ca key encrypt key.pem --preset acm --passphrase-file passphrase.txt")]
pub(crate) struct KeyEncryptArguments {
    /// The plain key: PKCS#8, PKCS#1 or SEC1, in PEM or DER.
    pub(crate) file: PathBuf,
    /// How it is encrypted.
    #[arg(long, value_enum, default_value = "modern")]
    pub(crate) preset: Preset,
    /// Where the encrypted key goes (mode 0600); standard output if it is not given.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Writes over the file if it is there.
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) passphrase: PassphraseSource,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca key inspect private_key.txt")]
pub(crate) struct KeyInspectArguments {
    /// The key, encrypted or not.
    pub(crate) file: PathBuf,
}

/// What the certificate has to be for.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyPurpose {
    /// A TLS client.
    Client,
    /// A TLS server.
    Server,
    /// Anything.
    Any,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca verify --anchors ca/certificate.pem worker/certificate.txt
  private-ca verify --anchors root.pem --intermediates chain.pem --purpose server \\
      --name frontend.acme.internal --at 2027-03-01T10:00:00Z server.pem")]
pub(crate) struct VerifyArguments {
    /// The certificate; those after it in the file count as intermediates.
    pub(crate) leaf: PathBuf,
    /// The certificates that are trusted.
    #[arg(long, value_name = "FILE")]
    pub(crate) anchors: PathBuf,
    /// Certificates between the two, in any order; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) intermediates: Vec<PathBuf>,
    /// What the certificate has to be for.
    #[arg(long, value_enum, default_value = "client")]
    pub(crate) purpose: VerifyPurpose,
    /// A name that the certificate has to be for: a DNS name, or KIND:NAME.
    #[arg(long)]
    pub(crate) name: Option<SubjectAlternativeName>,
    /// The moment of verification in RFC 3339; now if it is not given.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca inspect certificate_chain.txt
  private-ca inspect worker.csr")]
pub(crate) struct InspectArguments {
    /// A file in PEM, or one certificate in DER.
    pub(crate) file: PathBuf,
}
