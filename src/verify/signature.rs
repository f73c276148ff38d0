//! Public keys, and signatures under them.
//!
//! A key is decoded and validated ([`PublicKey`]), which is cheap, and made into one that verifies
//! ([`VerifyingKey`]), which can then verify any number of signatures. Accepted are RSA of 2048 to 8192 bits
//! (PKCS#1 v1.5 and PSS), ECDSA over P-256, P-384 and P-521, each with SHA-256, SHA-384 or SHA-512,
//! Ed25519, and ML-DSA-44, ML-DSA-65 and ML-DSA-87 (FIPS 204, pure and with the empty context, as RFC 9881
//! section 3 has it).

mod curve;
mod ecdsa;
mod error;
mod field;
#[cfg_attr(
    not(all(feature = "graviola", any(target_arch = "x86_64", target_arch = "aarch64"))),
    path = "signature/no_graviola.rs"
)]
mod graviola;
mod rsa;
mod scheme;
mod verifying_key;

use const_oid::ObjectIdentifier;
use const_oid::db::{fips204, rfc5912, rfc8410};
use der::asn1::AnyRef;
use der::{Decode, Tagged};
use ml_dsa::{EncodedVerifyingKey, MlDsa44, MlDsa65, MlDsa87};
use spki::SubjectPublicKeyInfoRef;

use crate::oid::NamedOid;
use curve::{P256, P384, P521};
use ecdsa::EcdsaPublicKey;
#[cfg(fuzzing)]
pub use ecdsa::fuzzing;
pub use error::SignatureError;
use rsa::RsaPublicKey;
pub(super) use scheme::is_rsa_or_ecdsa;
pub(crate) use verifying_key::VerifyingKey;

/// RSA moduli that are accepted, in bits. The lower bound is that of the CA/Browser Forum's
/// Baseline Requirements section 6.1.5; the upper one is rustls-webpki's and bounds the work.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// How every `SubjectPublicKeyInfo` with an uncompressed point on P-256 begins, up to its coordinates' 0x04:
/// most keys are like this, and the check of a leaf's key should not be mostly reading.
const P256_SPKI: &[u8] =
    b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";

/// The rule that an RSA key with other parameters breaks.
pub(super) const RSA_PARAMETERS: &str = "RFC 3279 section 2.3.1 asks for NULL parameters";

/// The rule that an Ed25519 key breaks whose point cannot be decoded.
pub(super) const ED25519_POINT: &str = "its point does not lie on the curve";

/// A public key, decoded and validated.
#[derive(Debug, Clone)]
pub(crate) enum PublicKey<'a> {
    Rsa(RsaPublicKey<'a>),
    P256(EcdsaPublicKey<P256>),
    P384(EcdsaPublicKey<P384>),
    P521(EcdsaPublicKey<P521>),
    Ed25519(ed25519_dalek::VerifyingKey),
    MlDsa44(&'a EncodedVerifyingKey<MlDsa44>),
    MlDsa65(&'a EncodedVerifyingKey<MlDsa65>),
    MlDsa87(&'a EncodedVerifyingKey<MlDsa87>),
}

impl<'a> PublicKey<'a> {
    /// Reads the DER of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7) with a key as RFC 3279
    /// section 2.3.1 (RSA), RFC 5480 section 2 (ECDSA), RFC 8410 section 4 (Ed25519) or RFC 9881
    /// section 4 (ML-DSA) has it.
    ///
    /// # Errors
    /// [`SignatureError`] if the key is malformed or not accepted.
    #[inline]
    pub(crate) fn from_spki_der(spki_der: &'a [u8]) -> Result<Self, SignatureError> {
        if let Some(point) = spki_der.strip_prefix(P256_SPKI)
            && let Some(key) = EcdsaPublicKey::from_sec1(point)
        {
            return Ok(Self::P256(key));
        }
        Self::from_any_spki_der(spki_der)
    }

    fn from_any_spki_der(spki_der: &'a [u8]) -> Result<Self, SignatureError> {
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
                RsaPublicKey::from_pkcs1_der(key).map(Self::Rsa)
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

    /// Verifies one signature, as [`VerifyingKey::verify`] does.
    ///
    /// # Errors
    /// [`SignatureError`], as there.
    pub(crate) fn verify(
        &self,
        algorithm_identifier_der: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        VerifyingKey::new(self).verify(algorithm_identifier_der, message, signature)
    }

    /// Whether the CA/Browser Forum's Baseline Requirements section 6.1.5 allow it.
    pub(crate) fn is_of_the_web_pki(&self) -> bool {
        match self {
            Self::Rsa(key) => key.has_whole_octets(),
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

fn ec_key<'a>(
    parameters: Option<AnyRef<'_>>,
    point: &'a [u8],
) -> Result<PublicKey<'a>, SignatureError> {
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
    // Compressed points are optional in RFC 5480 section 2.2, and neither Go's nor rustls's
    // verifier takes them.
    if point.first() != Some(&0x04) {
        return Err(SignatureError::InvalidKey {
            algorithm: "ECDSA",
            rule: "its point has to be in the uncompressed form",
        });
    }
    let key = match curve {
        rfc5912::SECP_256_R_1 => EcdsaPublicKey::from_sec1(point).map(PublicKey::P256),
        rfc5912::SECP_384_R_1 => EcdsaPublicKey::from_sec1(point).map(PublicKey::P384),
        rfc5912::SECP_521_R_1 => EcdsaPublicKey::from_sec1(point).map(PublicKey::P521),
        curve => return Err(SignatureError::UnknownCurve { curve: NamedOid(curve) }),
    };
    key.ok_or(SignatureError::InvalidKey {
        algorithm: "ECDSA",
        rule: "its point does not lie on the curve",
    })
}

fn ed25519_key(key: &[u8]) -> Result<PublicKey<'static>, SignatureError> {
    let invalid = |rule| SignatureError::InvalidKey { algorithm: "Ed25519", rule };
    let bytes = key.try_into().map_err(|_| invalid("it has to be 32 octets"))?;
    ed25519_dalek::VerifyingKey::from_bytes(bytes)
        .map(PublicKey::Ed25519)
        .map_err(|_| invalid(ED25519_POINT))
}

fn ml_dsa_key<'a, K>(parameters: Option<AnyRef<'_>>, key: &'a [u8]) -> Result<K, SignatureError>
where
    K: TryFrom<&'a [u8]>,
{
    let invalid = |rule| SignatureError::InvalidKey { algorithm: "ML-DSA", rule };
    if parameters.is_some() {
        return Err(invalid("RFC 9881 section 2 asks for absent parameters"));
    }
    key.try_into().map_err(|_| {
        invalid("it has to be 1312 octets for ML-DSA-44, 1952 for ML-DSA-65 and 2592 for ML-DSA-87")
    })
}

#[cfg(test)]
mod tests;
