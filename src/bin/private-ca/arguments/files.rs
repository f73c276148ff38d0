//! Commands of files: keys, chains, and whatever else is in them.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use private_ca::Timestamp;
use private_ca::certificate::SubjectAlternativeName;

use super::PassphraseSource;

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
    /// The encrypted key: PKCS#8 in PEM or DER, or OpenSSL's traditional PEM.
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
    /// scrypt with N = 16384, r = 8, p = 5, AES-256-CBC.
    Scrypt,
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
