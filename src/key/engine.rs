//! The arithmetic of each kind of key: RustCrypto, one variant each.

use const_oid::ObjectIdentifier;
use const_oid::db::{fips204, rfc5912, rfc8410};
use der::asn1::AnyRef;
use der::{Decode, Document, Encode};
use ml_dsa::Keypair;
use p256::elliptic_curve::pkcs8::AssociatedOid;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{
    AffinePoint, CurveArithmetic, FieldBytes, FieldBytesSize, PublicKey, SecretKey,
};
use pkcs8::{EncodePrivateKey, PrivateKeyInfoRef};
use rsa::traits::PublicKeyParts;
use signature::{SignatureEncoding, Signer};
use spki::{AlgorithmIdentifierRef, EncodePublicKey};
use zeroize::Zeroizing;

use super::{KeyAlgorithm, KeyError, mldsa, rsa_parts};

/// The key as the arithmetic needs it. Each wipes itself when dropped, but the rsa crate leaves
/// copies of the primes behind: only what signs or makes a key goes through it.
pub(super) enum Engine {
    Rsa(Box<rsa::PrivateKey>),
    P256(p256::SecretKey),
    P384(p384::SecretKey),
    P521(p521::SecretKey),
    Ed25519(Box<ed25519_dalek::SigningKey>),
    MlDsa44(ml_dsa::SigningKey<ml_dsa::MlDsa44>),
    MlDsa65(ml_dsa::SigningKey<ml_dsa::MlDsa65>),
    MlDsa87(ml_dsa::SigningKey<ml_dsa::MlDsa87>),
}

fn inconsistent(algorithm: &'static str) -> impl FnOnce(pkcs8::Error) -> KeyError {
    move |error| KeyError::Inconsistent { algorithm, reason: error.to_string() }
}

/// Checks a key and tells what kind it is, and its public half as `SubjectPublicKeyInfo`.
pub(super) fn check(pkcs8_der: &[u8]) -> Result<(KeyAlgorithm, Box<[u8]>), KeyError> {
    let info = PrivateKeyInfoRef::from_der(pkcs8_der).map_err(KeyError::Malformed)?;
    match info.algorithm.oid {
        rfc5912::RSA_ENCRYPTION | rfc5912::ID_RSASSA_PSS => rsa_parts::check(&info),
        rfc5912::ID_EC_PUBLIC_KEY => {
            let (algorithm, public_key) = match named_curve(&info)? {
                rfc5912::SECP_256_R_1 => (
                    KeyAlgorithm::EcdsaP256,
                    read_ec::<p256::NistP256>(&info)?.1.to_public_key_der(),
                ),
                rfc5912::SECP_384_R_1 => (
                    KeyAlgorithm::EcdsaP384,
                    read_ec::<p384::NistP384>(&info)?.1.to_public_key_der(),
                ),
                rfc5912::SECP_521_R_1 => (
                    KeyAlgorithm::EcdsaP521,
                    read_ec::<p521::NistP521>(&info)?.1.to_public_key_der(),
                ),
                oid => return Err(KeyError::UnsupportedAlgorithm { oid }),
            };
            Ok((algorithm, encoded(public_key)?))
        }
        _ => {
            let engine = Engine::of(&info)?;
            Ok((engine.algorithm(), engine.public_key_der()?))
        }
    }
}

fn named_curve(info: &PrivateKeyInfoRef<'_>) -> Result<ObjectIdentifier, KeyError> {
    info.algorithm.parameters_oid().map_err(|_| KeyError::NoCurve)
}

fn encoded(public_key: spki::Result<Document>) -> Result<Box<[u8]>, KeyError> {
    match public_key {
        Ok(document) => Ok(document.as_bytes().into()),
        Err(spki::Error::Asn1(error)) => Err(KeyError::Malformed(error)),
        Err(error) => Err(KeyError::Inconsistent {
            algorithm: "private key's public",
            reason: error.to_string(),
        }),
    }
}

/// Reads an EC key whose curve, private scalar and public points agree, and computes its public key.
fn read_ec<C>(info: &PrivateKeyInfoRef<'_>) -> Result<(SecretKey<C>, PublicKey<C>), KeyError>
where
    C: AssociatedOid + CurveArithmetic,
    AffinePoint<C>: FromSec1Point<C> + ToSec1Point<C>,
    FieldBytesSize<C>: ModulusSize,
{
    let inconsistent =
        |reason: &str| KeyError::Inconsistent { algorithm: "EC", reason: reason.to_owned() };
    let key = sec1::EcPrivateKey::from_der(info.private_key.as_bytes());
    let key = key.map_err(KeyError::Malformed)?;
    let curve = key.parameters.and_then(|parameters| parameters.named_curve());
    if curve.is_some_and(|curve| curve != C::OID) {
        return Err(inconsistent("it names one curve outside of the key and another one inside"));
    }
    // RFC 5915 section 3 has leading zeros, which some makers left out.
    let mut scalar = Zeroizing::new(FieldBytes::<C>::default());
    let start = scalar.len().checked_sub(key.private_key.len());
    start
        .and_then(|start| scalar.get_mut(start..))
        .ok_or_else(|| inconsistent("its private number is longer than the curve's"))?
        .copy_from_slice(key.private_key);
    let secret = SecretKey::<C>::from_bytes(&scalar)
        .map_err(|_| inconsistent("its private number is not one of the curve's"))?;
    let public = secret.public_key();
    let stated = info.public_key.as_ref().map(|bits| bits.raw_bytes());
    for point in [key.public_key, stated].into_iter().flatten() {
        if PublicKey::<C>::from_sec1_bytes(point).ok() != Some(public) {
            return Err(inconsistent(
                "its public key is not the one that its private number gives",
            ));
        }
    }
    Ok((secret, public))
}

impl Engine {
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        Self::of(&PrivateKeyInfoRef::from_der(der).map_err(KeyError::Malformed)?)
    }

    fn of(info: &PrivateKeyInfoRef<'_>) -> Result<Self, KeyError> {
        match info.algorithm.oid {
            rfc5912::RSA_ENCRYPTION => {
                let key = rsa::PrivateKey::try_from(info.clone()).map_err(inconsistent("RSA"))?;
                Ok(Self::Rsa(Box::new(key)))
            }
            rfc5912::ID_EC_PUBLIC_KEY => match named_curve(info)? {
                rfc5912::SECP_256_R_1 => Ok(Self::P256(read_ec(info)?.0)),
                rfc5912::SECP_384_R_1 => Ok(Self::P384(read_ec(info)?.0)),
                rfc5912::SECP_521_R_1 => Ok(Self::P521(read_ec(info)?.0)),
                oid => Err(KeyError::UnsupportedAlgorithm { oid }),
            },
            rfc8410::ID_ED_25519 => ed25519_dalek::SigningKey::try_from(info.clone())
                .map(|key| Self::Ed25519(Box::new(key)))
                .map_err(inconsistent("Ed25519")),
            fips204::ID_ML_DSA_44 => mldsa::read("ML-DSA-44", info).map(Self::MlDsa44),
            fips204::ID_ML_DSA_65 => mldsa::read("ML-DSA-65", info).map(Self::MlDsa65),
            fips204::ID_ML_DSA_87 => mldsa::read("ML-DSA-87", info).map(Self::MlDsa87),
            oid => Err(KeyError::UnsupportedAlgorithm { oid }),
        }
    }

    pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        use p256::elliptic_curve::Generate;
        let mut random = getrandom::SysRng;
        Ok(match algorithm {
            KeyAlgorithm::Rsa { bits: bits @ (2048 | 3072 | 4096) } => {
                let key = rsa::PrivateKey::new(&mut random, bits.into()).map_err(|error| {
                    KeyError::Inconsistent { algorithm: "RSA", reason: error.to_string() }
                })?;
                Self::Rsa(Box::new(key))
            }
            KeyAlgorithm::Rsa { bits } => return Err(KeyError::RsaSize { bits: bits.into() }),
            KeyAlgorithm::RsaPss { .. } => {
                return Err(KeyError::NotDone { algorithm, what: "makes" });
            }
            KeyAlgorithm::EcdsaP256 => p256::SecretKey::try_generate_from_rng(&mut random)
                .map(Self::P256)
                .map_err(KeyError::Random)?,
            KeyAlgorithm::EcdsaP384 => p384::SecretKey::try_generate_from_rng(&mut random)
                .map(Self::P384)
                .map_err(KeyError::Random)?,
            KeyAlgorithm::EcdsaP521 => p521::SecretKey::try_generate_from_rng(&mut random)
                .map(Self::P521)
                .map_err(KeyError::Random)?,
            KeyAlgorithm::Ed25519 => {
                let mut seed = Zeroizing::new([0; 32]);
                getrandom::fill(seed.as_mut_slice()).map_err(KeyError::Random)?;
                Self::Ed25519(Box::new(ed25519_dalek::SigningKey::from_bytes(&seed)))
            }
            KeyAlgorithm::MlDsa44 => Self::MlDsa44(mldsa::generate()?),
            KeyAlgorithm::MlDsa65 => Self::MlDsa65(mldsa::generate()?),
            KeyAlgorithm::MlDsa87 => Self::MlDsa87(mldsa::generate()?),
        })
    }

    pub(super) fn algorithm(&self) -> KeyAlgorithm {
        match self {
            Self::Rsa(key) => {
                KeyAlgorithm::Rsa { bits: u16::try_from(key.n().bit_width()).unwrap_or(u16::MAX) }
            }
            Self::P256(_) => KeyAlgorithm::EcdsaP256,
            Self::P384(_) => KeyAlgorithm::EcdsaP384,
            Self::P521(_) => KeyAlgorithm::EcdsaP521,
            Self::Ed25519(_) => KeyAlgorithm::Ed25519,
            Self::MlDsa44(_) => KeyAlgorithm::MlDsa44,
            Self::MlDsa65(_) => KeyAlgorithm::MlDsa65,
            Self::MlDsa87(_) => KeyAlgorithm::MlDsa87,
        }
    }

    pub(super) fn public_key_der(&self) -> Result<Box<[u8]>, KeyError> {
        encoded(match self {
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
            Self::P256(key) => key.public_key().to_public_key_der(),
            Self::P384(key) => key.public_key().to_public_key_der(),
            Self::P521(key) => key.public_key().to_public_key_der(),
            Self::Ed25519(key) => key.verifying_key().to_public_key_der(),
            Self::MlDsa44(key) => key.verifying_key().to_public_key_der(),
            Self::MlDsa65(key) => key.verifying_key().to_public_key_der(),
            Self::MlDsa87(key) => key.verifying_key().to_public_key_der(),
        })
    }

    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let document = match self {
            Self::Rsa(key) => key.to_pkcs8_der(),
            Self::P256(key) => key.to_pkcs8_der(),
            Self::P384(key) => key.to_pkcs8_der(),
            Self::P521(key) => key.to_pkcs8_der(),
            // Without the public key it is PKCS#8 version 1; OpenSSL 3.0 does not read version 2.
            Self::Ed25519(key) => {
                ed25519_dalek::pkcs8::KeypairBytes { secret_key: key.to_bytes(), public_key: None }
                    .to_pkcs8_der()
            }
            Self::MlDsa44(key) => return mldsa::to_pkcs8(key),
            Self::MlDsa65(key) => return mldsa::to_pkcs8(key),
            Self::MlDsa87(key) => return mldsa::to_pkcs8(key),
        }
        .map_err(inconsistent("generated"))?;
        Ok(document.to_bytes())
    }

    /// The signature as X.509 carries it, and the DER of its `AlgorithmIdentifier`.
    pub(super) fn sign(self, message: &[u8]) -> Result<(Vec<u8>, Vec<u8>), KeyError> {
        use KeyError::Signing;
        use const_oid::db::rfc5912::{
            ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, SHA_256_WITH_RSA_ENCRYPTION,
        };
        let mut parameters = None;
        let (signature, oid) = match self {
            Self::Rsa(key) => {
                parameters = Some(AnyRef::NULL);
                let key = rsa::pkcs1v15::SigningKey::<sha2::Sha256>::new(*key);
                (key.try_sign(message).map_err(Signing)?.to_vec(), SHA_256_WITH_RSA_ENCRYPTION)
            }
            Self::P256(key) => {
                let signature: p256::ecdsa::DerSignature =
                    p256::ecdsa::SigningKey::from(key).try_sign(message).map_err(Signing)?;
                (signature.to_vec(), ECDSA_WITH_SHA_256)
            }
            Self::P384(key) => {
                let signature: p384::ecdsa::DerSignature =
                    p384::ecdsa::SigningKey::from(key).try_sign(message).map_err(Signing)?;
                (signature.to_vec(), ECDSA_WITH_SHA_384)
            }
            Self::P521(key) => {
                let signature: p521::ecdsa::DerSignature =
                    p521::ecdsa::SigningKey::from(key).try_sign(message).map_err(Signing)?;
                (signature.to_vec(), ECDSA_WITH_SHA_512)
            }
            Self::Ed25519(key) => {
                (key.try_sign(message).map_err(Signing)?.to_vec(), rfc8410::ID_ED_25519)
            }
            Self::MlDsa44(key) => {
                (mldsa::sign(&key, message).map_err(Signing)?, fips204::ID_ML_DSA_44)
            }
            Self::MlDsa65(key) => {
                (mldsa::sign(&key, message).map_err(Signing)?, fips204::ID_ML_DSA_65)
            }
            Self::MlDsa87(key) => {
                (mldsa::sign(&key, message).map_err(Signing)?, fips204::ID_ML_DSA_87)
            }
        };
        let algorithm = AlgorithmIdentifierRef { oid, parameters };
        Ok((signature, algorithm.to_der().map_err(KeyError::Malformed)?))
    }
}
