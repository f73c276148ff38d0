//! Key-derivation parameters as a file gives them, judged before anything is derived.
//!
//! They come from whoever made the file, so they are the place where a few hundred bytes could
//! cost hours. What passes here is bounded in time by [`KdfLimits`].

use std::fmt;

use const_oid::ObjectIdentifier;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Encode, Sequence};
use spki::AlgorithmIdentifierRef;

/// Object identifiers of RFC 8018 appendix C, which const-oid's database lacks.
pub(super) mod oid {
    use const_oid::ObjectIdentifier;

    pub(crate) const PBES2: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
    pub(crate) const PBKDF2: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12");
    pub(crate) const HMAC_WITH_SHA1: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.7");
    pub(crate) const HMAC_WITH_SHA224: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.8");
    pub(crate) const HMAC_WITH_SHA256: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.9");
    pub(crate) const HMAC_WITH_SHA384: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.10");
    pub(crate) const HMAC_WITH_SHA512: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.11");
    pub(crate) const HMAC_WITH_SHA512_256: ObjectIdentifier =
        ObjectIdentifier::new_unwrap("1.2.840.113549.2.13");
}

/// The pseudo-random function under PBKDF2 (RFC 8018 appendix B.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prf {
    /// HMAC-SHA-1: the default where a file names none, as in every key that ACM exports.
    HmacSha1,
    /// HMAC-SHA-224.
    HmacSha224,
    /// HMAC-SHA-256.
    HmacSha256,
    /// HMAC-SHA-384.
    HmacSha384,
    /// HMAC-SHA-512.
    HmacSha512,
    /// HMAC-SHA-512/256.
    HmacSha512_256,
}

impl Prf {
    const ALL: [(Self, ObjectIdentifier, &'static str); 6] = [
        (Self::HmacSha1, oid::HMAC_WITH_SHA1, "HMAC-SHA-1"),
        (Self::HmacSha224, oid::HMAC_WITH_SHA224, "HMAC-SHA-224"),
        (Self::HmacSha256, oid::HMAC_WITH_SHA256, "HMAC-SHA-256"),
        (Self::HmacSha384, oid::HMAC_WITH_SHA384, "HMAC-SHA-384"),
        (Self::HmacSha512, oid::HMAC_WITH_SHA512, "HMAC-SHA-512"),
        (Self::HmacSha512_256, oid::HMAC_WITH_SHA512_256, "HMAC-SHA-512/256"),
    ];

    fn oid(self) -> ObjectIdentifier {
        let [first, ..] = Self::ALL;
        Self::ALL.into_iter().find(|(prf, ..)| *prf == self).unwrap_or(first).1
    }
}

impl fmt::Display for Prf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(prf, ..)| prf == self).map_or("", |(.., name)| name);
        f.write_str(name)
    }
}

/// Why a file's key-derivation parameters are refused. Nothing was derived.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum KdfError {
    /// The parameters are no `PBKDF2-params`.
    #[error("the parameters of PBKDF2 are malformed: {0}")]
    Malformed(#[source] der::Error),
    /// The iteration count is zero or above the limit.
    #[error(
        "the key asks for {iterations} iterations of PBKDF2; 1 to {limit} are accepted, so that a stranger's file cannot take hours"
    )]
    Iterations {
        /// What the file asks for.
        iterations: u64,
        /// The limit in force.
        limit: u32,
    },
    /// The salt is longer than any maker writes.
    #[error("the salt has {length} octets; at most {limit} are accepted")]
    SaltLength {
        /// Octets in the file.
        length: usize,
        /// The limit in force.
        limit: usize,
    },
    /// The stated key length is not the cipher's.
    #[error("the key derivation is to give {stated} octets and the cipher needs {needed}")]
    KeyLength {
        /// Octets the file states.
        stated: u64,
        /// Octets the cipher needs.
        needed: usize,
    },
    /// The pseudo-random function is not supported.
    #[error(
        "the pseudo-random function {oid} of PBKDF2 is not supported; rewrite the key with `openssl pkcs8 -topk8 -in FILE -out NEW_FILE`"
    )]
    UnsupportedPrf {
        /// Its object identifier.
        oid: ObjectIdentifier,
    },
}

/// How much a stranger's file may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KdfLimits {
    /// The most iterations of PBKDF2. The default, ten million, is sixteen times what OWASP
    /// advises for HMAC-SHA-256 (600,000).
    pub max_iterations: u32,
}

impl Default for KdfLimits {
    fn default() -> Self {
        Self { max_iterations: 10_000_000 }
    }
}

/// Salts longer than this are refused: PKCS#5 asks for 8 octets, NIST SP 800-132 for 16, and the
/// longest in use is ACM's 20.
const MAX_SALT: usize = 1024;

/// Accepted PBKDF2 parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pbkdf2 {
    pub(super) prf: Prf,
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
}

/// `PBKDF2-params` (RFC 8018 appendix A.2):
///
/// ```text
/// PBKDF2-params ::= SEQUENCE {
///     salt CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
///     iterationCount INTEGER (1..MAX),
///     keyLength INTEGER (1..MAX) OPTIONAL,
///     prf AlgorithmIdentifier {{PBKDF2-PRFs}} DEFAULT algid-hmacWithSHA1 }
/// ```
#[derive(Sequence)]
struct Pbkdf2Params<'a> {
    salt: &'a OctetStringRef,
    iteration_count: u64,
    key_length: Option<u64>,
    prf: Option<AlgorithmIdentifierRef<'a>>,
}

impl Pbkdf2 {
    /// Reads the parameters and refuses those beyond the limits, or with a key length other than
    /// the cipher's.
    pub(super) fn from_parameters(
        parameters: AnyRef<'_>,
        key_length: usize,
        limits: &KdfLimits,
    ) -> Result<Self, KdfError> {
        let params: Pbkdf2Params<'_> = parameters.decode_as().map_err(KdfError::Malformed)?;
        let iterations = u32::try_from(params.iteration_count).unwrap_or(u32::MAX);
        if iterations == 0 || iterations > limits.max_iterations {
            return Err(KdfError::Iterations {
                iterations: params.iteration_count,
                limit: limits.max_iterations,
            });
        }
        let salt = params.salt.as_bytes();
        if salt.len() > MAX_SALT {
            return Err(KdfError::SaltLength { length: salt.len(), limit: MAX_SALT });
        }
        if let Some(stated) = params.key_length
            && stated != key_length as u64
        {
            return Err(KdfError::KeyLength { stated, needed: key_length });
        }
        let prf = match params.prf {
            None => Prf::HmacSha1,
            Some(algorithm) => Prf::ALL
                .into_iter()
                .find(|(_, oid, _)| *oid == algorithm.oid)
                .map(|(prf, ..)| prf)
                .ok_or(KdfError::UnsupportedPrf { oid: algorithm.oid })?,
        };
        Ok(Self { prf, salt: salt.to_vec(), iterations })
    }

    /// The DER of `PBKDF2-params`. HMAC-SHA-1 is the default and DER leaves defaults out.
    pub(super) fn to_parameters(&self) -> der::Result<Vec<u8>> {
        let prf = (self.prf != Prf::HmacSha1).then(|| AlgorithmIdentifierRef {
            oid: self.prf.oid(),
            parameters: Some(AnyRef::NULL),
        });
        Pbkdf2Params {
            salt: OctetStringRef::new(&self.salt)?,
            iteration_count: self.iterations.into(),
            key_length: None,
            prf,
        }
        .to_der()
    }
}
