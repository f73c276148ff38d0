//! Signature algorithms, as their `AlgorithmIdentifier` names them.

use const_oid::ObjectIdentifier;
use const_oid::db::{fips204, rfc5912, rfc8410};
use der::Decode;
use der::asn1::Any;
use rsa::pkcs1::RsaPssParams;
use sha2::{Digest, Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef};

use super::error::SignatureError;
use crate::oid::{self, NamedOid};

/// The hash function under a signature.
#[derive(Clone, Copy)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

/// How a signature is made.
pub(super) enum Scheme {
    Pkcs1(Hash),
    Pss(Hash),
    Ecdsa(Hash),
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

/// Whether a signature algorithm is RSA or ECDSA, with SHA-256 or stronger.
///
/// # Errors
/// [`SignatureError`] if it is not accepted at all.
pub(in crate::verify) fn is_rsa_or_ecdsa(
    algorithm_identifier_der: &[u8],
) -> Result<bool, SignatureError> {
    let identifier = AlgorithmIdentifierRef::from_der(algorithm_identifier_der)
        .map_err(SignatureError::MalformedAlgorithm)?;
    let scheme = Scheme::of(&identifier)?;
    Ok(matches!(scheme, Scheme::Pkcs1(_) | Scheme::Pss(_) | Scheme::Ecdsa(_)))
}

impl Hash {
    fn of(algorithm: ObjectIdentifier) -> Result<Self, SignatureError> {
        match algorithm {
            rfc5912::ID_SHA_256 => Ok(Self::Sha256),
            rfc5912::ID_SHA_384 => Ok(Self::Sha384),
            rfc5912::ID_SHA_512 => Ok(Self::Sha512),
            rfc5912::ID_SHA_1 => Err(SignatureError::BrokenHash { algorithm: NamedOid(algorithm) }),
            _ => Err(SignatureError::UnknownAlgorithm { algorithm: NamedOid(algorithm) }),
        }
    }

    pub(super) fn over<T>(self, message: &[u8], with_digest: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Sha256 => with_digest(&Sha256::digest(message)),
            Self::Sha384 => with_digest(&Sha384::digest(message)),
            Self::Sha512 => with_digest(&Sha512::digest(message)),
        }
    }

    /// The DER of a PKCS#1 `DigestInfo` up to the digest (RFC 8017 section 9.2 note 1).
    pub(super) fn digest_info(self) -> &'static [u8] {
        match self {
            Self::Sha256 => {
                b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
            }
            Self::Sha384 => {
                b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30"
            }
            Self::Sha512 => {
                b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40"
            }
        }
    }

    fn length(self) -> u8 {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl Scheme {
    pub(super) fn of(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Self, SignatureError> {
        let algorithm = NamedOid(identifier.oid);
        let scheme = match identifier.oid {
            rfc5912::SHA_256_WITH_RSA_ENCRYPTION => Self::Pkcs1(Hash::Sha256),
            rfc5912::SHA_384_WITH_RSA_ENCRYPTION => Self::Pkcs1(Hash::Sha384),
            rfc5912::SHA_512_WITH_RSA_ENCRYPTION => Self::Pkcs1(Hash::Sha512),
            rfc5912::ID_RSASSA_PSS => Self::Pss(pss_hash(identifier)?),
            rfc5912::ECDSA_WITH_SHA_256 => Self::Ecdsa(Hash::Sha256),
            rfc5912::ECDSA_WITH_SHA_384 => Self::Ecdsa(Hash::Sha384),
            rfc5912::ECDSA_WITH_SHA_512 => Self::Ecdsa(Hash::Sha512),
            rfc8410::ID_ED_25519 => Self::Ed25519,
            fips204::ID_ML_DSA_44 => Self::MlDsa44,
            fips204::ID_ML_DSA_65 => Self::MlDsa65,
            fips204::ID_ML_DSA_87 => Self::MlDsa87,
            rfc5912::SHA_1_WITH_RSA_ENCRYPTION
            | rfc5912::MD_2_WITH_RSA_ENCRYPTION
            | rfc5912::MD_5_WITH_RSA_ENCRYPTION
            | rfc5912::DSA_WITH_SHA_1
            | oid::ECDSA_WITH_SHA_1 => {
                return Err(SignatureError::BrokenHash { algorithm });
            }
            _ => return Err(SignatureError::UnknownAlgorithm { algorithm }),
        };
        let rule = match (&scheme, identifier.parameters) {
            // Those of PSS were judged with its hash function; the others are to have none.
            (Self::Pss(_), _)
            | (
                Self::Ecdsa(_) | Self::Ed25519 | Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87,
                None,
            ) => return Ok(scheme),
            // RFC 4055 section 5: absent has to be read as NULL.
            (Self::Pkcs1(_), parameters) if parameters.is_none_or(|found| found.is_null()) => {
                return Ok(scheme);
            }
            (Self::Pkcs1(_), _) => "RFC 4055 section 5 asks for NULL",
            (Self::Ecdsa(_), Some(_)) => "RFC 5758 section 3.2 asks for none",
            (Self::Ed25519, Some(_)) => "RFC 8410 section 3 asks for none",
            (Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87, Some(_)) => {
                "RFC 9881 section 2 asks for none"
            }
        };
        Err(SignatureError::Parameters { algorithm, rule })
    }
}

/// The hash function of `RSASSA-PSS-params` (RFC 4055 section 3.1). Every verifier in the field
/// takes the one combination that TLS names too: MGF1 with the same hash function, and a salt as
/// long as its output.
fn pss_hash(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Hash, SignatureError> {
    let algorithm = NamedOid(identifier.oid);
    let Some(parameters) = identifier.parameters else {
        return Err(SignatureError::BrokenHash { algorithm: NamedOid(rfc5912::ID_SHA_1) });
    };
    let parameters: RsaPssParams<Any> =
        parameters.decode_as().map_err(SignatureError::MalformedAlgorithm)?;
    let hash = Hash::of(parameters.hash.oid)?;
    let is_this_hash = |identifier: &AlgorithmIdentifierOwned| {
        identifier.oid == parameters.hash.oid
            && identifier.parameters.as_ref().is_none_or(Any::is_null)
    };
    if parameters.mask_gen.oid != rfc5912::ID_MGF_1
        || !is_this_hash(&parameters.hash)
        || !parameters.mask_gen.parameters.as_ref().is_some_and(is_this_hash)
    {
        let rule = "the mask has to be MGF1 with the same hash function";
        return Err(SignatureError::Parameters { algorithm, rule });
    }
    if parameters.salt_len != hash.length() {
        let rule = "the salt has to be as long as the hash function's output";
        return Err(SignatureError::Parameters { algorithm, rule });
    }
    Ok(hash)
}
