//! What a new CA is to be.

use crate::authority::RequestedValidity;
use crate::certificate::DistinguishedName;
use crate::key::{KeyAlgorithm, Passphrase};

/// What a new CA is to be.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LocalCaOptions {
    /// The CA's subject.
    pub subject: DistinguishedName,
    /// The kind of its key: RSA 2048, 3072 or 4096, P-256, P-384, P-521, ML-DSA-44,
    /// ML-DSA-65 or ML-DSA-87.
    pub key_algorithm: KeyAlgorithm,
    /// When it starts and ends.
    pub validity: RequestedValidity,
    /// How many CAs may follow below it; `None` for any number.
    pub path_len: Option<u8>,
    /// Encrypts the key at rest.
    pub passphrase: Option<Passphrase>,
}

impl LocalCaOptions {
    /// RSA 2048 and ten years, as AWS Private CA's console proposes, any number of CAs below, the
    /// key not encrypted.
    #[must_use]
    pub fn new(subject: DistinguishedName) -> Self {
        Self {
            subject,
            key_algorithm: KeyAlgorithm::RSA_2048,
            validity: RequestedValidity::days(3650),
            path_len: None,
            passphrase: None,
        }
    }

    /// With this kind of key.
    #[must_use]
    pub fn with_key_algorithm(mut self, algorithm: KeyAlgorithm) -> Self {
        self.key_algorithm = algorithm;
        self
    }

    /// With this validity.
    #[must_use]
    pub fn with_validity(mut self, validity: RequestedValidity) -> Self {
        self.validity = validity;
        self
    }

    /// With at most so many CAs below it.
    #[must_use]
    pub fn with_path_len(mut self, path_len: u8) -> Self {
        self.path_len = Some(path_len);
        self
    }

    /// With its key encrypted at rest under this passphrase.
    #[must_use]
    pub fn with_passphrase(mut self, passphrase: Passphrase) -> Self {
        self.passphrase = Some(passphrase);
        self
    }
}
