//! Commands of files: keys, chains, and whatever else is in them.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Subcommand, ValueEnum};
use const_oid::ObjectIdentifier;
use private_ca::Timestamp;
use private_ca::certificate::SubjectAlternativeName;
use private_ca::verify::Rule;

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

/// A set of rules.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerifyPolicy {
    /// What Go's, OpenSSL's and rustls's verifiers all accept.
    Tls,
    /// What Go's crypto/tls accepts, and with it Temporal Cloud.
    Go,
    /// RFC 5280, with the profile of its section 4.
    Rfc5280,
    /// RFC 5280 with what the CA/Browser Forum adds and excepts.
    WebPki,
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca verify --anchors ca/certificate.pem worker/certificate.txt
  private-ca verify --anchors root.pem --intermediates chain.pem --purpose server \\
      --name frontend.acme.internal --at 2027-03-01T10:00:00Z server.pem
  private-ca verify --anchors ca/certificate.pem --crl ca/crl.pem worker/certificate.txt
  private-ca verify --anchors ca/certificate.pem --policy go worker/certificate.txt
  private-ca verify --anchors ca/certificate.pem --policy rfc5280 \\
      --without authority-key-identifier-present --compare web-pki worker/certificate.txt

Revocation is checked with the lists that are given, and nothing is fetched. Every certificate below
the trust anchor then needs a current list; the options that begin with --crl- ask for less.")]
pub(crate) struct VerifyArguments {
    /// The certificate; those after it in the file count as intermediates.
    pub(crate) leaf: PathBuf,
    /// The certificates that are trusted.
    #[arg(long, value_name = "FILE")]
    pub(crate) anchors: PathBuf,
    /// Certificates between the two, in any order; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) intermediates: Vec<PathBuf>,
    /// What the certificate has to be for; under the policy web-pki a server if it is not given.
    #[arg(
        long,
        value_enum,
        default_value = "client",
        default_value_if("policy", "web-pki", "server")
    )]
    pub(crate) purpose: VerifyPurpose,
    /// A name that the certificate has to be for: a DNS name, or KIND:NAME.
    #[arg(long)]
    pub(crate) name: Option<SubjectAlternativeName>,
    /// The moment of verification in RFC 3339; now if it is not given.
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,
    #[command(flatten)]
    pub(crate) rules: RuleArguments,
    #[command(flatten)]
    pub(crate) revocation: RevocationArguments,
}

/// What is asked of a chain beyond what no verifier leaves out.
#[derive(Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct RuleArguments {
    /// The rules that the chain has to follow.
    #[arg(long, value_enum, default_value = "tls")]
    pub(crate) policy: VerifyPolicy,
    /// Asks for a rule that the policy leaves out; may be repeated. A rule that is not known is
    /// answered with those that are.
    #[arg(long, value_name = "RULE", value_parser = rules(), hide_possible_values = true)]
    pub(crate) with: Vec<Rule>,
    /// Leaves out a rule of the policy; may be repeated.
    #[arg(long, value_name = "RULE", value_parser = rules(), hide_possible_values = true)]
    pub(crate) without: Vec<Rule>,
    /// Says of a chain that is valid what this policy would hold against it.
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(crate) compare: Option<VerifyPolicy>,
    /// A certificate policy that is accepted; may be repeated. It takes effect where an explicit
    /// policy is required, by the next option or by a certificate.
    #[arg(long = "accept-policy", value_name = "OID", value_parser = object_identifier)]
    pub(crate) accept_policies: Vec<ObjectIdentifier>,
    /// The chain has to be valid for a certificate policy.
    #[arg(long)]
    pub(crate) require_explicit_policy: bool,
    /// At most so many certificates between the certificate and the trust anchor, self-issued ones
    /// not counted.
    #[arg(long, value_name = "N")]
    pub(crate) max_intermediates: Option<usize>,
}

/// Whether, and how strictly, revocation is checked.
#[derive(Args)]
#[command(next_help_heading = "Revocation")]
pub(crate) struct RevocationArguments {
    /// A file of revocation lists, in PEM or DER; may be repeated. No certificate may then be
    /// revoked.
    #[arg(long = "crl", value_name = "FILE")]
    pub(crate) lists: Vec<PathBuf>,
    /// Checks the certificate alone, and not its issuers.
    #[arg(long = "crl-leaf-only", requires = "lists")]
    pub(crate) leaf_only: bool,
    /// A certificate that no list covers counts as not revoked.
    #[arg(long = "crl-accept-unknown", requires = "lists")]
    pub(crate) accept_unknown: bool,
    /// A list that is out of date counts.
    #[arg(long = "crl-accept-expired", requires = "lists")]
    pub(crate) accept_expired: bool,
}

/// Reads a rule's id; any other is answered with all of them, and with the nearest.
fn rules() -> impl clap::builder::TypedValueParser<Value = Rule> {
    PossibleValuesParser::new(Rule::ALL.iter().map(|rule| rule.id())).try_map(|id| {
        Rule::ALL.iter().find(|rule| rule.id() == id).copied().ok_or("there is no such rule")
    })
}

fn object_identifier(text: &str) -> Result<ObjectIdentifier, &'static str> {
    text.parse().map_err(|_| "an object identifier is written like 1.3.6.1.4.1.55555.1")
}

#[derive(Args)]
#[command(after_help = "\
Examples:
  private-ca inspect certificate_chain.txt
  private-ca inspect worker.csr
  private-ca inspect ca/crl.pem")]
pub(crate) struct InspectArguments {
    /// A file in PEM; or one certificate, key or revocation list in DER.
    pub(crate) file: PathBuf,
}
