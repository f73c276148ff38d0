//! private-ca
pub mod authority;
pub mod certificate;
pub mod file;
pub mod key;
pub(crate) mod pem;
pub mod request;
pub mod verify;
#[cfg(feature = "local")]
pub use authority::local::{LocalCa, LocalCaOptions};
pub use authority::{CaError, CertificateAuthority, CertificateId, CertificatePurpose, IssueRequest, IssuedCertificate, RequestedValidity, Revocation, RevocationReason};
#[cfg(feature = "mock")]
pub use authority::MockCertificateAuthority;
pub use certificate::{Certificate, CertificateChain, DistinguishedName, KeyUsage, SerialNumber, SubjectAlternativeName, Timestamp, Validity};
pub use key::{KeyAlgorithm, Passphrase, PrivateKey};
pub use request::CertificateRequest;
pub use verify::{Verification, VerifiedChain, Verifier, VerifyError};
