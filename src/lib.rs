//! private-ca
pub mod authority;
pub mod certificate;
#[cfg(feature = "connect")]
pub mod connect;
pub mod file;
pub mod identity;
pub mod key;
pub mod managed;
mod pem;
pub mod request;
pub mod temporal;
pub mod verify;

#[cfg(feature = "mock")]
pub use authority::MockCertificateAuthority;
#[cfg(feature = "local")]
pub use authority::local::{LocalCa, LocalCaOptions};
pub use authority::{
    CaError, CertificateAuthority, CertificateId, CertificatePurpose, IssueRequest,
    IssuedCertificate, RequestedValidity, Revocation, RevocationReason,
};
pub use certificate::{
    Certificate, CertificateChain, DistinguishedName, KeyUsage, SerialNumber,
    SubjectAlternativeName, Timestamp, Validity,
};
pub use identity::Identity;
pub use key::{EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey};
#[cfg(feature = "mock")]
pub use managed::MockManagedCertificates;
#[cfg(feature = "local")]
pub use managed::local::LocalManaged;
pub use managed::{ExportedCertificate, ManagedCertificates, ManagedRequest};
pub use request::CertificateRequest;
pub use verify::{Verification, VerifiedChain, Verifier, VerifyError};
