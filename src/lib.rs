//! private-ca
pub mod certificate;
pub mod file;
pub mod key;
pub(crate) mod pem;
pub use certificate::{Certificate, CertificateChain, DistinguishedName, KeyUsage, SerialNumber, SubjectAlternativeName, Timestamp, Validity};
pub use key::{KeyAlgorithm, Passphrase, PrivateKey};
