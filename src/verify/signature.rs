//! Public keys, and signatures under them.
//!
//! A key is decoded once ([`PublicKey::from_spki_der`]) and can then verify any number of
//! signatures. Accepted are RSA of 2048 to 8192 bits (PKCS#1 v1.5 and PSS), ECDSA over P-256,
//! P-384 and P-521, each with SHA-256, SHA-384 or SHA-512, Ed25519, and ML-DSA-44, ML-DSA-65 and
//! ML-DSA-87 (FIPS 204, pure and with the empty context, as RFC 9881 section 3 has it).

use const_oid::ObjectIdentifier;
use const_oid::db::{fips204, rfc5912, rfc8410};
use der::asn1::{Any, AnyRef};
use der::{Decode, Tagged};
use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams};
use rsa::pkcs1::{RsaPssParams, RsaPublicKeyRef};
use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pss::Pss;
use rsa::traits::PublicKeyParts as _;
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::hazmat::PrehashVerifier;
use spki::{AlgorithmIdentifierOwned, AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::oid::{self, NamedOid};

/// RSA moduli that are accepted, in bits. The lower bound is that of the CA/Browser Forum's
/// Baseline Requirements section 6.1.5; the upper one is rustls-webpki's and bounds the work.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The rule that an RSA key with other parameters breaks.
pub(super) const RSA_PARAMETERS: &str = "RFC 3279 section 2.3.1 asks for NULL parameters";

/// The rule that an Ed25519 key breaks whose point cannot be decoded.
pub(super) const ED25519_POINT: &str = "its point does not lie on the curve";

/// Why a public key cannot be used or a signature does not verify.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The `SubjectPublicKeyInfo` does not follow RFC 5280 section 4.1.2.7.
    #[error("the public key is malformed: {0}")]
    MalformedKey(#[source] der::Error),
    /// The key is of a kind that is not processed.
    #[error(
        "the public key's algorithm is {algorithm}, and only RSA, ECDSA, Ed25519 and ML-DSA keys are accepted"
    )]
    UnknownKeyAlgorithm {
        /// The key's algorithm.
        algorithm: NamedOid,
    },
    /// The key lies on a curve other than the three NIST curves.
    #[error(
        "the public key lies on the curve {curve}, and only P-256, P-384 and P-521 are accepted"
    )]
    UnknownCurve {
        /// The curve.
        curve: NamedOid,
    },
    /// The key spells out its curve's parameters, which RFC 5480 section 2.1.1 forbids: a forger
    /// can choose them so that a known key fits (CVE-2020-0601).
    #[error(
        "the public key spells out its elliptic curve instead of naming it, which RFC 5480 section 2.1.1 forbids"
    )]
    ExplicitCurve,
    /// The RSA modulus is too short to be safe, or too long to be worked with.
    #[error("the RSA key has {bits} bits, and 2048 to 8192 are accepted")]
    RsaKeySize {
        /// Length of the modulus.
        bits: usize,
    },
    /// The key's numbers are impossible for its algorithm.
    #[error("the {algorithm} public key is invalid: {rule}")]
    InvalidKey {
        /// What kind of key it claims to be.
        algorithm: &'static str,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The signature's `AlgorithmIdentifier` does not follow RFC 5280 section 4.1.1.2.
    #[error("the signature's algorithm identifier is malformed: {0}")]
    MalformedAlgorithm(#[source] der::Error),
    /// The signature uses a hash function whose collisions can be found.
    #[error(
        "the signature is made with {algorithm}, whose hash function is broken: collisions can be made for it"
    )]
    BrokenHash {
        /// The signature algorithm, or the hash function in its parameters.
        algorithm: NamedOid,
    },
    /// The signature algorithm is not processed.
    #[error(
        "the signature is made with {algorithm}, which is not accepted: it has to be RSA (PKCS#1 v1.5 or PSS) or ECDSA with SHA-256, SHA-384 or SHA-512, Ed25519, or ML-DSA"
    )]
    UnknownAlgorithm {
        /// The signature algorithm, or the hash function in its parameters.
        algorithm: NamedOid,
    },
    /// The signature algorithm's parameters are not those that its definition asks for.
    #[error("the parameters of the signature algorithm {algorithm} are not accepted: {rule}")]
    Parameters {
        /// The signature algorithm.
        algorithm: NamedOid,
        /// The rule that they break.
        rule: &'static str,
    },
    /// The signature algorithm needs a key of another kind.
    #[error(
        "the signature claims to be made with {algorithm}, but the key that should have made it is {key}"
    )]
    KeyOfAnotherKind {
        /// The signature algorithm.
        algorithm: NamedOid,
        /// What the key is.
        key: &'static str,
    },
    /// The signature is not one of this key over these bytes.
    #[error("the signature does not verify: another key made it, or what it covers was changed")]
    Invalid,
}

/// A public key, decoded and validated.
#[derive(Debug, Clone)]
pub(crate) enum PublicKey {
    Rsa(Box<rsa::PublicKey>),
    P256(p256::ecdsa::VerifyingKey),
    P384(Box<p384::ecdsa::VerifyingKey>),
    P521(Box<p521::ecdsa::VerifyingKey>),
    Ed25519(Box<ed25519_dalek::VerifyingKey>),
    MlDsa44(Box<ml_dsa::VerifyingKey<MlDsa44>>),
    MlDsa65(Box<ml_dsa::VerifyingKey<MlDsa65>>),
    MlDsa87(Box<ml_dsa::VerifyingKey<MlDsa87>>),
}

#[derive(Clone, Copy)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

enum Scheme {
    Pkcs1(Hash),
    Pss(Hash),
    Ecdsa(Hash),
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl PublicKey {
    /// Reads the DER of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7) with a key as RFC 3279
    /// section 2.3.1 (RSA), RFC 5480 section 2 (ECDSA), RFC 8410 section 4 (Ed25519) or RFC 9881
    /// section 4 (ML-DSA) has it.
    ///
    /// # Errors
    /// [`SignatureError`] if the key is malformed or not accepted.
    pub(crate) fn from_spki_der(spki_der: &[u8]) -> Result<Self, SignatureError> {
        let spki =
            SubjectPublicKeyInfoRef::from_der(spki_der).map_err(SignatureError::MalformedKey)?;
        let key = spki.subject_public_key.as_bytes().ok_or_else(|| {
            SignatureError::MalformedKey(der::Tag::BitString.value_error().into())
        })?;
        match (spki.algorithm.oid, spki.algorithm.parameters) {
            (rfc5912::RSA_ENCRYPTION, parameters) => {
                if parameters != Some(AnyRef::NULL) {
                    return Err(SignatureError::InvalidKey {
                        algorithm: "RSA",
                        rule: RSA_PARAMETERS,
                    });
                }
                rsa_key(key)
            }
            (rfc5912::ID_EC_PUBLIC_KEY, parameters) => ec_key(parameters, key),
            (rfc8410::ID_ED_25519, None) => ed25519_key(key),
            (rfc8410::ID_ED_25519, Some(_)) => Err(SignatureError::InvalidKey {
                algorithm: "Ed25519",
                rule: "RFC 8410 section 3 asks for absent parameters",
            }),
            (fips204::ID_ML_DSA_44, parameters) => ml_dsa_key(parameters, key).map(Self::MlDsa44),
            (fips204::ID_ML_DSA_65, parameters) => ml_dsa_key(parameters, key).map(Self::MlDsa65),
            (fips204::ID_ML_DSA_87, parameters) => ml_dsa_key(parameters, key).map(Self::MlDsa87),
            (algorithm, _) => {
                Err(SignatureError::UnknownKeyAlgorithm { algorithm: NamedOid(algorithm) })
            }
        }
    }

    /// Verifies a signature over `message`, made with the algorithm of the given DER
    /// `AlgorithmIdentifier`.
    ///
    /// # Errors
    /// [`SignatureError::Invalid`] if the signature is not this key's; others if its algorithm is
    /// not accepted or needs another kind of key.
    pub(crate) fn verify(
        &self,
        algorithm_identifier_der: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let identifier = AlgorithmIdentifierRef::from_der(algorithm_identifier_der)
            .map_err(SignatureError::MalformedAlgorithm)?;
        let scheme = Scheme::of(&identifier)?;
        let valid = match (self, scheme) {
            (Self::Rsa(key), Scheme::Pkcs1(hash)) => {
                let padding = match hash {
                    Hash::Sha256 => Pkcs1v15Sign::new::<Sha256>(),
                    Hash::Sha384 => Pkcs1v15Sign::new::<Sha384>(),
                    Hash::Sha512 => Pkcs1v15Sign::new::<Sha512>(),
                };
                hash.over(message, |digest| key.verify(padding, digest, signature).is_ok())
            }
            (Self::Rsa(key), Scheme::Pss(hash)) => hash.over(message, |digest| {
                let salt = digest.len();
                match hash {
                    Hash::Sha256 => {
                        key.verify(Pss::<Sha256>::new_with_salt(salt), digest, signature)
                    }
                    Hash::Sha384 => {
                        key.verify(Pss::<Sha384>::new_with_salt(salt), digest, signature)
                    }
                    Hash::Sha512 => {
                        key.verify(Pss::<Sha512>::new_with_salt(salt), digest, signature)
                    }
                }
                .is_ok()
            }),
            (Self::P256(key), Scheme::Ecdsa(hash)) => {
                let signature = p256::ecdsa::Signature::from_der(signature);
                hash.over(message, |digest| ecdsa(key, digest, signature))
            }
            (Self::P384(key), Scheme::Ecdsa(hash)) => {
                let signature = p384::ecdsa::Signature::from_der(signature);
                hash.over(message, |digest| ecdsa(key.as_ref(), digest, signature))
            }
            (Self::P521(key), Scheme::Ecdsa(hash)) => {
                let signature = p521::ecdsa::Signature::from_der(signature);
                hash.over(message, |digest| ecdsa(key.as_ref(), digest, signature))
            }
            (Self::Ed25519(key), Scheme::Ed25519) => {
                // Strict: without it a key or nonce of small order makes one signature fit many
                // messages, which no honest signer produces.
                ed25519_dalek::Signature::from_slice(signature)
                    .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
            }
            (Self::MlDsa44(key), Scheme::MlDsa44) => ml_dsa(key, message, signature),
            (Self::MlDsa65(key), Scheme::MlDsa65) => ml_dsa(key, message, signature),
            (Self::MlDsa87(key), Scheme::MlDsa87) => ml_dsa(key, message, signature),
            (key, _) => {
                return Err(SignatureError::KeyOfAnotherKind {
                    algorithm: NamedOid(identifier.oid),
                    key: key.kind(),
                });
            }
        };
        if valid { Ok(()) } else { Err(SignatureError::Invalid) }
    }

    /// Whether the CA/Browser Forum's Baseline Requirements section 6.1.5 allow it.
    pub(crate) fn is_of_the_web_pki(&self) -> bool {
        match self {
            Self::Rsa(key) => key.n().bit_width().is_multiple_of(8),
            Self::P256(_) | Self::P384(_) | Self::P521(_) => true,
            Self::Ed25519(_) | Self::MlDsa44(_) | Self::MlDsa65(_) | Self::MlDsa87(_) => false,
        }
    }

    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "an RSA key",
            Self::P256(_) => "an ECDSA key on P-256",
            Self::P384(_) => "an ECDSA key on P-384",
            Self::P521(_) => "an ECDSA key on P-521",
            Self::Ed25519(_) => "an Ed25519 key",
            Self::MlDsa44(_) => "an ML-DSA-44 key",
            Self::MlDsa65(_) => "an ML-DSA-65 key",
            Self::MlDsa87(_) => "an ML-DSA-87 key",
        }
    }
}

/// Whether a signature algorithm is RSA or ECDSA, with SHA-256 or stronger.
///
/// # Errors
/// [`SignatureError`] if it is not accepted at all.
pub(super) fn is_rsa_or_ecdsa(algorithm_identifier_der: &[u8]) -> Result<bool, SignatureError> {
    let identifier = AlgorithmIdentifierRef::from_der(algorithm_identifier_der)
        .map_err(SignatureError::MalformedAlgorithm)?;
    let scheme = Scheme::of(&identifier)?;
    Ok(matches!(scheme, Scheme::Pkcs1(_) | Scheme::Pss(_) | Scheme::Ecdsa(_)))
}

fn rsa_key(pkcs1_der: &[u8]) -> Result<PublicKey, SignatureError> {
    let key = RsaPublicKeyRef::from_der(pkcs1_der).map_err(SignatureError::MalformedKey)?;
    let modulus = key.modulus.as_bytes();
    let bits = modulus.first().map_or(0, |first| {
        modulus.len().saturating_mul(8).saturating_sub(first.leading_zeros() as usize)
    });
    if !RSA_BITS.contains(&bits) {
        return Err(SignatureError::RsaKeySize { bits });
    }
    let key = rsa::PublicKey::try_from(key).map_err(|_| SignatureError::InvalidKey {
        algorithm: "RSA",
        rule: "the modulus has to be odd, and the exponent from 2 to 2^33 - 1",
    })?;
    Ok(PublicKey::Rsa(Box::new(key)))
}

fn ec_key(parameters: Option<AnyRef<'_>>, point: &[u8]) -> Result<PublicKey, SignatureError> {
    let curve = match parameters {
        Some(parameters) if parameters.tag() == der::Tag::ObjectIdentifier => {
            parameters.decode_as::<ObjectIdentifier>().map_err(SignatureError::MalformedKey)?
        }
        Some(parameters) if parameters.tag() == der::Tag::Sequence => {
            return Err(SignatureError::ExplicitCurve);
        }
        _ => {
            return Err(SignatureError::InvalidKey {
                algorithm: "ECDSA",
                rule: "RFC 5480 section 2.1.1 asks for the name of a curve as its parameters",
            });
        }
    };
    let not_on_the_curve = |_| SignatureError::InvalidKey {
        algorithm: "ECDSA",
        rule: "its point does not lie on the curve",
    };
    // Compressed points are optional in RFC 5480 section 2.2, and neither Go's nor rustls's
    // verifier takes them.
    if point.first() != Some(&0x04) {
        return Err(SignatureError::InvalidKey {
            algorithm: "ECDSA",
            rule: "its point has to be in the uncompressed form",
        });
    }
    match curve {
        rfc5912::SECP_256_R_1 => p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(PublicKey::P256)
            .map_err(not_on_the_curve),
        rfc5912::SECP_384_R_1 => p384::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| PublicKey::P384(Box::new(key)))
            .map_err(not_on_the_curve),
        rfc5912::SECP_521_R_1 => p521::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| PublicKey::P521(Box::new(key)))
            .map_err(not_on_the_curve),
        curve => Err(SignatureError::UnknownCurve { curve: NamedOid(curve) }),
    }
}

fn ed25519_key(key: &[u8]) -> Result<PublicKey, SignatureError> {
    let invalid = |rule| SignatureError::InvalidKey { algorithm: "Ed25519", rule };
    let bytes = key.try_into().map_err(|_| invalid("it has to be 32 octets"))?;
    ed25519_dalek::VerifyingKey::from_bytes(bytes)
        .map(|key| PublicKey::Ed25519(Box::new(key)))
        .map_err(|_| invalid(ED25519_POINT))
}

fn ml_dsa_key<P: MlDsaParams>(
    parameters: Option<AnyRef<'_>>,
    key: &[u8],
) -> Result<Box<ml_dsa::VerifyingKey<P>>, SignatureError> {
    let invalid = |rule| SignatureError::InvalidKey { algorithm: "ML-DSA", rule };
    if parameters.is_some() {
        return Err(invalid("RFC 9881 section 2 asks for absent parameters"));
    }
    let key = key.try_into().map_err(|_| {
        invalid("it has to be 1312 octets for ML-DSA-44, 1952 for ML-DSA-65 and 2592 for ML-DSA-87")
    })?;
    Ok(Box::new(ml_dsa::VerifyingKey::decode(key)))
}

fn ml_dsa<P: MlDsaParams>(key: &ml_dsa::VerifyingKey<P>, message: &[u8], signature: &[u8]) -> bool {
    ml_dsa::Signature::try_from(signature)
        .is_ok_and(|signature| key.verify_with_context(message, &[], &signature))
}

fn ecdsa<S>(
    key: &impl PrehashVerifier<S>,
    digest: &[u8],
    signature: Result<S, signature::Error>,
) -> bool {
    signature.is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
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

    fn over<T>(self, message: &[u8], with_digest: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::Sha256 => with_digest(&Sha256::digest(message)),
            Self::Sha384 => with_digest(&Sha384::digest(message)),
            Self::Sha512 => with_digest(&Sha512::digest(message)),
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
    fn of(identifier: &AlgorithmIdentifierRef<'_>) -> Result<Self, SignatureError> {
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

#[cfg(test)]
mod tests;
