//! Every rule of Temporal Cloud for CA bundles, client certificates and filters; and what it will say
//! of those at hand.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "local")] {
//! use private_ca::temporal::bundle::CaBundle;
//! use private_ca::temporal::requirements::Submission;
//! # use private_ca::{CertificateAuthority, CertificateChain, CertificatePurpose, CertificateRequest};
//! # use private_ca::{IssueRequest, KeyAlgorithm, LocalCa, PrivateKey, RequestedValidity};
//! # let ca = LocalCa::in_memory()?;
//! # let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
//! # let request = CertificateRequest::new(&key, "CN=worker".parse()?, &[])?;
//! # let validity = RequestedValidity::days(30);
//! # let issued = ca.issue(IssueRequest::new(request, CertificatePurpose::Client, validity)).await?;
//! # let presented = CertificateChain::new(vec![issued.certificate])?;
//! let bundle = CaBundle::of(ca.chain().certificates());
//! let report = Submission::new(bundle).presenting(&presented).examine();
//! assert!(report.prediction().is_accepted());
//! println!("{}", report.prediction()); // accepted until 2027-03-01T10:00:00Z
//! # }
//! # Ok(()) }
//! ```

mod examination;
mod report;

use std::fmt;

pub use examination::Submission;
pub use report::{Finding, Prediction, Report};

/// How much a broken rule matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// It works, and had better be changed, now or soon.
    Warning,
    /// Whether it works cannot be judged here.
    Unjudged,
    /// Temporal Cloud refuses the upload or the client.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Unjudged => "unjudged",
            Self::Error => "error",
        })
    }
}

/// Days before an end at which Temporal Cloud sends its mails, and this crate warns.
pub const NOTICE_DAYS: [u64; 3] = [15, 10, 5];

macro_rules! requirements {
    ($($name:ident = $id:literal, $severity:ident, $source:ident, $sentence:literal;)*) => {
        /// A rule of Temporal Cloud.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Requirement {
            $(
                #[doc = concat!("`", $id, "`: ", $sentence, ".")]
                $name,
            )*
        }

        impl Requirement {
            /// All of them: first those of the bundle, then those of the client, then those of filters.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// A name for reports and scripts, in lower case with hyphens.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// How much it matters.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// Where it comes from.
            #[must_use]
            pub fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }

            /// What it asks.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

const CA: &str = "Temporal Cloud, Certificate requirements: CA certificates";
const LEAF: &str = "Temporal Cloud, Certificate requirements: End-entity certificates";
const ISSUING: &str = "Temporal Cloud, How to issue root CA and end-entity certificates";
const NOTICES: &str = "Temporal Cloud, Notifications";
const FILTERS: &str = "Temporal Cloud, How to manage certificate filters";
const GO: &str = "Go's crypto/tls, which Temporal Cloud's frontend is built on";
const TLS: &str = "RFC 8446 section 4.4.2";
const OURS: &str = "private-ca's verifier, which takes fewer kinds of keys than Go's";

requirements! {
    BundleHasCa = "bundle-has-ca", Error, CA,
        "the bundle holds at least one certificate";
    BundleCount = "bundle-count", Error, CA,
        "the bundle holds at most 16 certificates";
    BundleSize = "bundle-size", Error, CA,
        "the bundle is at most 32 KB of PEM, before base64";
    CaVersion = "ca-version", Error, CA,
        "a CA certificate is X.509 version 3";
    CaBasicConstraints = "ca-basic-constraints", Error, CA,
        "a CA certificate has CA: true in its basic constraints";
    CaSignatureAlgorithm = "ca-signature-algorithm", Error, CA,
        "a CA certificate is signed with RSA or ECDSA, with SHA-256 or stronger";
    CaIssuerInBundle = "ca-issuer-in-bundle", Error, CA,
        "a CA certificate is a root, or issued by another one in the bundle";
    PublicCaNeedsFilters = "public-ca-needs-filters", Error, CA,
        "a CA that operating systems trust comes with certificate filters: anybody can get a certificate from it";
    CaKeyUsable = "ca-key-usable", Warning, GO,
        "a CA certificate has a key that can vouch for clients: RSA with at least 1024 bits, or ECDSA on P-224, P-256, P-384 or P-521";
    CaKeyJudged = "ca-key-judged", Warning, OURS,
        "a CA certificate has a key that is judged here: RSA with 2048 to 8192 bits, or ECDSA on P-256, P-384 or P-521";
    CaIsValid = "ca-is-valid", Warning, CA,
        "a CA certificate is within its validity";
    CaEndsLater = "ca-ends-later", Warning, NOTICES,
        "a CA certificate ends in more than 15 days";
    LeafFirst = "leaf-first", Error, TLS,
        "the client presents its own certificate first, and then those above it";
    LeafVersion = "leaf-version", Error, LEAF,
        "the client's certificate is X.509 version 3";
    LeafNotCa = "leaf-not-ca", Error, LEAF,
        "the client's certificate is not a CA's";
    LeafBasicConstraints = "leaf-basic-constraints", Warning, LEAF,
        "the client's certificate says CA: false in its basic constraints";
    LeafDigitalSignature = "leaf-digital-signature", Error, LEAF,
        "the key usage of the client's certificate, if there is one, includes Digital Signature";
    LeafKeyUsage = "leaf-key-usage", Warning, LEAF,
        "the client's certificate has a key usage";
    LeafSignatureAlgorithm = "leaf-signature-algorithm", Error, LEAF,
        "the client's certificate, and each one presented with it, is signed with RSA or ECDSA, with SHA-256 or stronger";
    LeafKeyAlgorithm = "leaf-key-algorithm", Warning, LEAF,
        "the client's key is RSA or ECDSA";
    DistinctNames = "distinct-names", Error, LEAF,
        "from the client's certificate to the root every distinguished name is another one, ignoring case";
    TlsAccepts = "tls-accepts", Error, GO,
        "the chain that the client presents leads to a CA of the bundle, as Go's TLS server verifies it";
    TlsJudged = "tls-judged", Unjudged, OURS,
        "whether the chain leads to a CA of the bundle depends on no key that is not judged here";
    LeafWithinCa = "leaf-within-ca", Warning, ISSUING,
        "the client's certificate ends before its CAs";
    LeafEndsLater = "leaf-ends-later", Warning, NOTICES,
        "the client's certificate, and each one presented with it, ends in more than 15 days";
    KeyFits = "key-fits", Error, TLS,
        "the private key is the one that the client's certificate is for";
    FilterCount = "filter-count", Error, FILTERS,
        "a namespace has at most 25 filters";
    FilterHasField = "filter-has-field", Error, FILTERS,
        "a filter names at least one field";
    FilterWildcard = "filter-wildcard", Error, FILTERS,
        "a filter's value has one * at most, as its first or last character, and never alone";
    FilterDistinct = "filter-distinct", Error, FILTERS,
        "no filter is there twice";
    FilterAdmits = "filter-admits", Error, FILTERS,
        "a filter fits the client's certificate";
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::Requirement;

    #[test]
    fn the_manual_says_of_every_requirement_what_the_code_does() {
        let manual = include_str!("../manual/temporal_cloud.md");
        let rows: Vec<_> = manual.lines().filter(|line| line.starts_with("| `")).collect();
        let expected: Vec<_> = Requirement::ALL
            .iter()
            .map(|rule| {
                let (severity, sentence, source) =
                    (rule.severity(), rule.sentence(), rule.source());
                format!("| `{}` | {severity} | {sentence} | {source} |", rule.id())
            })
            .collect();
        assert_eq!(rows, expected);
    }
}
