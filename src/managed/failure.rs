//! Why a managed certificate was not issued or not renewed.

use std::fmt;

/// Why a managed certificate was not issued or not renewed: ACM's code for it (API reference,
/// `CertificateDetail`, `FailureReason`), what that means, and what to do.
///
/// ```
/// use private_ca::managed::FailureReason;
///
/// let reason = FailureReason::new("PCA_ACCESS_DENIED");
/// assert!(reason.to_string().contains("grant"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FailureReason(String);

/// Code, cause, mend (ACM User Guide, "Handling exceptions" and "Certificate request fails").
const KNOWN: [(&str, &str, &str); 17] = [
    (
        "PCA_ACCESS_DENIED",
        "the private CA has not granted ACM permission to issue from it",
        "grant it (private-ca ca grant-acm --ca ARN), then ask for a new certificate",
    ),
    ("PCA_INVALID_ARN", "the ARN is not one of a private CA", "check the ARN of the CA"),
    (
        "PCA_INVALID_STATE",
        "the private CA is in a state in which it cannot issue",
        "see its state (private-ca ca show --ca ARN): install its certificate, enable it, or restore it",
    ),
    (
        "PCA_INVALID_DURATION",
        "the certificate would end after the private CA, because ACM always asks for 395 days",
        "renew the CA's own certificate with a later end, or issue a shorter one directly (private-ca issue)",
    ),
    (
        "PCA_INVALID_ARGS",
        "the private CA refused what ACM asked of it",
        "check that the CA's usage mode is general purpose, because short-lived CAs do not issue for ACM",
    ),
    (
        "PCA_LIMIT_EXCEEDED",
        "the private CA has issued as many certificates as its quota allows",
        "ask for a higher quota in the Service Quotas console",
    ),
    (
        "PCA_NAME_CONSTRAINTS_VALIDATION",
        "the private CA's name constraints exclude one of the domain names",
        "ask for a name that the CA may issue for",
    ),
    (
        "PCA_REQUEST_FAILED",
        "the private CA failed for a reason of its own, such as the network",
        "ask again later",
    ),
    (
        "PCA_RESOURCE_NOT_FOUND",
        "the private CA is gone",
        "check the ARN of the CA, or create a new one",
    ),
    (
        "SLR_NOT_FOUND",
        "the CA is another account's, and this account lacks the service-linked role by which ACM renews from it",
        "create it (aws iam create-service-linked-role --aws-service-name acm.amazonaws.com)",
    ),
    (
        "CAA_ERROR",
        "a CAA record of a domain name does not let Amazon issue for it",
        "add amazon.com to the CAA records of the domain",
    ),
    (
        "DOMAIN_NOT_ALLOWED",
        "a domain name is listed as unsafe",
        "see why it is listed, and ask for a new certificate when it is not any more",
    ),
    (
        "INVALID_PUBLIC_DOMAIN",
        "a domain name is no public one",
        "check its spelling, or issue from a private CA",
    ),
    (
        "DOMAIN_VALIDATION_DENIED",
        "the owner of a domain name denied the request",
        "talk to the owner",
    ),
    (
        "NO_AVAILABLE_CONTACTS",
        "nobody could be asked by e-mail whether the domain names are the requester's",
        "validate by DNS",
    ),
    (
        "ADDITIONAL_VERIFICATION_REQUIRED",
        "Amazon wants to know more before it issues for one of the domain names",
        "ask AWS Support",
    ),
    (
        "OTHER",
        "the certificate failed for a reason that ACM does not tell",
        "ask again, and AWS Support if it happens again",
    ),
];

impl FailureReason {
    /// The reason with this code.
    #[must_use]
    pub fn new(code: impl Into<String>) -> Self {
        Self(code.into())
    }

    /// ACM's code: `PCA_ACCESS_DENIED`.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.0
    }

    /// What the code means, if it is a known one.
    #[must_use]
    pub fn cause(&self) -> Option<&'static str> {
        self.known().map(|(_, cause, _)| *cause)
    }

    /// What to do, if the code is a known one.
    #[must_use]
    pub fn mend(&self) -> Option<&'static str> {
        self.known().map(|(.., mend)| *mend)
    }

    fn known(&self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        KNOWN.iter().find(|(code, ..)| *code == self.0)
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known() {
            Some((code, cause, mend)) => write!(f, "{cause} ({code}): {mend}"),
            None => f.write_str(&self.0),
        }
    }
}
