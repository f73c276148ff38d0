//! Several certificates in order.

use super::{Certificate, CertificateError};
use crate::pem;

/// Certificates in order, at least one: each is signed by the next.
///
/// The order is only claimed here. [`Identity`](crate::Identity) mends it where it can, and
/// [`Verifier`](crate::Verifier) proves the signatures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateChain(pub(super) Vec<Certificate>);

impl CertificateChain {
    /// A chain of the given certificates.
    ///
    /// # Errors
    /// [`CertificateError::NotOne`] if there is none.
    pub fn new(certificates: Vec<Certificate>) -> Result<Self, CertificateError> {
        if certificates.is_empty() {
            return Err(CertificateError::NotOne { count: 0 });
        }
        Ok(Self(certificates))
    }

    /// Reads a file of certificates: any number of PEM blocks with any text between them, or one
    /// DER certificate.
    ///
    /// # Errors
    /// [`CertificateError`]; a private key in the file is an error of its own.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, CertificateError> {
        if !pem::is_pem(bytes) {
            return Certificate::from_der(bytes).map(|certificate| Self(vec![certificate]));
        }
        pem::blocks(bytes)?
            .into_iter()
            .map(|block| match block.label.as_str() {
                pem::CERTIFICATE | "X509 CERTIFICATE" => Certificate::from_der(&block.contents),
                _ if block.is_private_key() => Err(CertificateError::PrivateKey {
                    label: block.label.clone(),
                    line: block.line,
                }),
                _ => Err(CertificateError::NotACertificate {
                    label: block.label.clone(),
                    line: block.line,
                }),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// All certificates as PEM, one block after the other.
    #[must_use]
    pub fn to_pem(&self) -> String {
        self.0.iter().map(Certificate::to_pem).collect()
    }

    /// The certificates in order.
    #[must_use]
    pub fn certificates(&self) -> &[Certificate] {
        &self.0
    }
}

impl<'a> IntoIterator for &'a CertificateChain {
    type Item = &'a Certificate;
    type IntoIter = std::slice::Iter<'a, Certificate>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}
