//! private-ca
pub mod certificate;
pub mod file;
pub(crate) mod pem;
pub mod verify;
pub use certificate::{Certificate, CertificateChain, DistinguishedName, KeyUsage, SerialNumber, SubjectAlternativeName, Timestamp, Validity};
pub use verify::{Verification, VerifiedChain, Verifier, VerifyError};
