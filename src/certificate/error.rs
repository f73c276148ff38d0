//! Why bytes are no certificate.

use const_oid::ObjectIdentifier;

use super::reader::ReadError;
use crate::pem::PemError;

/// Why bytes are no certificate, or no chain of them.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// The file is no PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A PEM file holds something else where a certificate belongs.
    #[error("line {line} begins a \"{label}\" where a certificate belongs")]
    NotACertificate {
        /// The label of the PEM block.
        label: String,
        /// Line of its `BEGIN`, counted from 1.
        line: usize,
    },
    /// A PEM file holds something else where a revocation list belongs.
    #[error("line {line} begins a \"{label}\" where a revocation list (\"X509 CRL\") belongs")]
    NotARevocationList {
        /// The label of the PEM block.
        label: String,
        /// Line of its `BEGIN`, counted from 1.
        line: usize,
    },
    /// A PEM file holds a private key where certificates belong.
    #[error(
        "line {line} begins a private key (\"{label}\") where only certificates belong: a file of certificates is given to others, so take the key out of it, and consider the key lost if the file was sent anywhere"
    )]
    PrivateKey {
        /// The label of the PEM block.
        label: String,
        /// Line of its `BEGIN`, counted from 1.
        line: usize,
    },
    /// One certificate was expected and there are more, or none.
    #[error("there are {count} certificates where one is expected")]
    NotOne {
        /// How many there are.
        count: usize,
    },
    /// The DER does not follow the structure of RFC 5280 section 4.1, or 5.1 for revocation lists.
    #[error("the {field} is malformed: {source}")]
    Malformed {
        /// The field, in RFC 5280's words.
        field: &'static str,
        /// What the decoder met, and at which byte.
        source: der::Error,
    },
    /// An extension occurs twice, which RFC 5280 section 4.2 forbids.
    #[error("the extension {oid} occurs twice, which RFC 5280 section 4.2 forbids")]
    DuplicateExtension {
        /// The extension's object identifier.
        oid: ObjectIdentifier,
    },
}

impl From<der::Error> for CertificateError {
    fn from(source: der::Error) -> Self {
        Self::Malformed { field: "encoding", source }
    }
}

/// Says in which field a decoding error was met.
pub(crate) trait InField<T> {
    type Error;

    fn in_field(self, field: &'static str) -> Result<T, Self::Error>;
}

impl<T, E: ReadError> InField<T> for Result<T, E> {
    type Error = E::InField;

    #[inline]
    fn in_field(self, field: &'static str) -> Result<T, E::InField> {
        self.map_err(|error| error.in_field(field))
    }
}
