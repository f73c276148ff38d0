//! Private keys: PKCS#8, PKCS#1 and SEC1 in, PKCS#8 out; with a passphrase or without.
//!
//! A [`PrivateKey`] is checked when it is read: its public half is derived from the private one,
//! and a file whose two halves do not belong together is refused. The bytes are wiped when the
//! key is dropped, and `Debug` shows only what kind of key it is.

mod cipher;
pub mod encrypted;
mod engine;
mod form;
mod kdf;
#[cfg(feature = "insecure-legacy-encryption")]
mod legacy;
mod mldsa;
mod pbkdf2;
mod rsa_parts;
mod scheme;
mod scrypt;

use std::fmt;
use std::str::FromStr;

use const_oid::ObjectIdentifier;
use const_oid::db::{fips204, rfc5912, rfc8410};
use der::{Decode, Tag};
use secrecy::{ExposeSecret, SecretSlice};
use zeroize::Zeroizing;

pub use cipher::Cipher;
pub use encrypted::{EncryptedKeyError, EncryptedPrivateKey};
use engine::Engine;
use form::{Form, elements, wrap};
pub use kdf::{KdfError, KdfLimits, KeyDerivation, Pbkdf1Hash};
pub use pbkdf2::{Prf, pbkdf2};
pub use scheme::{EncryptionPreset, EncryptionScheme, Weakness};

use crate::oid::NamedOid;
use crate::pem::{self, PemError};

/// What kind of key it is, and its size.
///
/// From text it is read as `rsa2048`, `p256`, `ed25519`, `mldsa44` and the like, and as AWS writes it:
/// `RSA_2048`, `EC_prime256v1`, `ML_DSA_44`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// RSA with a modulus of so many bits.
    Rsa {
        /// Bits of the modulus.
        bits: u16,
    },
    /// RSA for RSASSA-PSS alone (RFC 4055 section 1.2), with a modulus of so many bits. Such keys are
    /// read and written; nothing here makes them or signs with them.
    RsaPss {
        /// Bits of the modulus.
        bits: u16,
    },
    /// ECDSA on NIST P-256 (secp256r1, prime256v1).
    EcdsaP256,
    /// ECDSA on NIST P-384 (secp384r1).
    EcdsaP384,
    /// ECDSA on NIST P-521 (secp521r1).
    EcdsaP521,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// ML-DSA-44 (FIPS 204, RFC 9881).
    MlDsa44,
    /// ML-DSA-65 (FIPS 204, RFC 9881).
    MlDsa65,
    /// ML-DSA-87 (FIPS 204, RFC 9881).
    MlDsa87,
}

impl KeyAlgorithm {
    /// RSA with a modulus of 2048 bits.
    pub const RSA_2048: Self = Self::Rsa { bits: 2048 };
    /// RSA with a modulus of 3072 bits.
    pub const RSA_3072: Self = Self::Rsa { bits: 3072 };
    /// RSA with a modulus of 4096 bits.
    pub const RSA_4096: Self = Self::Rsa { bits: 4096 };

    /// The kind of key in the DER of a `SubjectPublicKeyInfo`; `None` if this crate does not
    /// support it.
    #[must_use]
    pub fn of_public_key(spki_der: &[u8]) -> Option<Self> {
        let spki = spki::SubjectPublicKeyInfoRef::from_der(spki_der).ok()?;
        match spki.algorithm.oid {
            oid @ (rfc5912::RSA_ENCRYPTION | rfc5912::ID_RSASSA_PSS) => {
                let key = spki.subject_public_key.as_bytes()?;
                let key = rsa::pkcs1::RsaPublicKeyRef::from_der(key).ok()?;
                let modulus = key.modulus.as_bytes();
                let unused = modulus.first()?.leading_zeros();
                let bits =
                    u32::try_from(modulus.len()).ok()?.checked_mul(8)?.checked_sub(unused)?;
                let bits = bits.try_into().ok()?;
                Some(match oid {
                    rfc5912::RSA_ENCRYPTION => Self::Rsa { bits },
                    _ => Self::RsaPss { bits },
                })
            }
            rfc8410::ID_ED_25519 => Some(Self::Ed25519),
            fips204::ID_ML_DSA_44 => Some(Self::MlDsa44),
            fips204::ID_ML_DSA_65 => Some(Self::MlDsa65),
            fips204::ID_ML_DSA_87 => Some(Self::MlDsa87),
            rfc5912::ID_EC_PUBLIC_KEY => match spki.algorithm.parameters_oid().ok()? {
                rfc5912::SECP_256_R_1 => Some(Self::EcdsaP256),
                rfc5912::SECP_384_R_1 => Some(Self::EcdsaP384),
                rfc5912::SECP_521_R_1 => Some(Self::EcdsaP521),
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "RSA {bits}"),
            Self::RsaPss { bits } => write!(f, "RSA {bits} (RSASSA-PSS alone)"),
            Self::EcdsaP256 => f.write_str("EC P-256"),
            Self::EcdsaP384 => f.write_str("EC P-384"),
            Self::EcdsaP521 => f.write_str("EC P-521"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::MlDsa44 => f.write_str("ML-DSA-44"),
            Self::MlDsa65 => f.write_str("ML-DSA-65"),
            Self::MlDsa87 => f.write_str("ML-DSA-87"),
        }
    }
}

impl FromStr for KeyAlgorithm {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain: String = text
            .chars()
            .filter(|character| character.is_ascii_alphanumeric())
            .map(|character| character.to_ascii_lowercase())
            .collect();
        Ok(match plain.as_str() {
            "rsa2048" => Self::RSA_2048,
            "rsa3072" => Self::RSA_3072,
            "rsa4096" => Self::RSA_4096,
            "p256" | "ecp256" | "ecprime256v1" | "prime256v1" | "secp256r1" => Self::EcdsaP256,
            "p384" | "ecp384" | "ecsecp384r1" | "secp384r1" => Self::EcdsaP384,
            "p521" | "ecp521" | "ecsecp521r1" | "secp521r1" => Self::EcdsaP521,
            "ed25519" => Self::Ed25519,
            "mldsa44" => Self::MlDsa44,
            "mldsa65" => Self::MlDsa65,
            "mldsa87" => Self::MlDsa87,
            _ => {
                return Err(KeyError::UnknownAlgorithmName { name: text.to_owned() });
            }
        })
    }
}

/// Why a private key cannot be read, made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file is no PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A PEM file holds no private key.
    #[error("there is no private key in it, only {}", labels.join(", "))]
    NoKey {
        /// The labels of its first PEM blocks.
        labels: Vec<String>,
    },
    /// The key is in a form that this crate does not read.
    #[error(
        "\"{label}\" is a form that is not read; make it PKCS#8, with `ssh-keygen -p -m PKCS8 -f COPY_OF_FILE` for a key of OpenSSH (which some versions do for RSA and EC keys alone), otherwise with `openssl pkcs8 -topk8 -in FILE -out NEW_FILE`"
    )]
    UnsupportedForm {
        /// The label of its PEM block.
        label: String,
    },
    /// An EC key does not say on which curve it is, describes the curve instead of naming it, or has a name for
    /// it that nobody knows.
    #[error(
        "the EC private key does not name its curve, describes it by its numbers, or names one that nobody registered; if an \"EC PARAMETERS\" block belongs to it, put that before it into the file, otherwise make the key again on a named curve (openssl ecparam -name prime256v1 -genkey)"
    )]
    NoCurve,
    /// What this crate does not do with a key of this kind.
    #[error("nothing here {what} keys of {algorithm}")]
    NotDone {
        /// The kind of key.
        algorithm: KeyAlgorithm,
        /// "makes" or "signs with".
        what: &'static str,
    },
    /// A PEM file holds more than one private key, and which one is meant cannot be known.
    #[error(
        "there are {count} private keys in it, and which one is meant cannot be known; keep one"
    )]
    SeveralKeys {
        /// How many.
        count: usize,
    },
    /// The key is encrypted and a plain one was expected.
    #[error(
        "the private key is encrypted; decrypt it with its passphrase (private-ca key decrypt FILE --passphrase-file F)"
    )]
    Encrypted,
    /// The structure is no private key.
    #[error("it is not a private key in PKCS#8, PKCS#1 or SEC1 form: {0}")]
    Malformed(#[source] der::Error),
    /// The key is of an algorithm this crate does not support.
    #[error(
        "the private key's algorithm {} is not supported; supported are RSA, EC on P-256, P-384 and P-521, Ed25519, and ML-DSA-44, ML-DSA-65 and ML-DSA-87",
        NamedOid(*oid)
    )]
    UnsupportedAlgorithm {
        /// The object identifier of the algorithm or curve.
        oid: ObjectIdentifier,
    },
    /// An ML-DSA key comes as the expanded key alone, without the seed it was made from. That form
    /// cannot be checked, and no seed can be won back from it.
    #[error(
        "the {algorithm} private key is in its expanded form alone, which cannot be checked; export it again from where it was made with its seed (RFC 9881 section 6)"
    )]
    WithoutSeed {
        /// The kind of key, in words.
        algorithm: &'static str,
    },
    /// The parts of the key contradict each other.
    #[error(
        "the {algorithm} private key is inconsistent, its parts do not belong together: {reason}"
    )]
    Inconsistent {
        /// The kind of key, in words.
        algorithm: &'static str,
        /// What the arithmetic says.
        reason: String,
    },
    /// An RSA key is smaller or larger than this crate takes.
    #[error("the RSA key has {bits} bits; 2048 to 8192 are supported")]
    RsaSize {
        /// Bits of the modulus.
        bits: usize,
    },
    /// A name of a key algorithm is not known.
    #[error(
        "\"{name}\" is not a kind of key; known are rsa2048, rsa3072, rsa4096, p256, p384, p521, ed25519, mldsa44, mldsa65, mldsa87"
    )]
    UnknownAlgorithmName {
        /// The name that was given.
        name: String,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers: {0}")]
    Random(#[source] getrandom::Error),
    /// A signature could not be made.
    #[error("the private key could not sign: {0}")]
    Signing(#[source] signature::Error),
}

/// A passphrase, wiped when dropped and absent from `Debug`.
///
/// It is bytes: PKCS#5 hashes the passphrase's octets as they are. ACM takes 4 to 128 ASCII
/// characters without `#`, `$` and `%`.
#[derive(Clone)]
pub struct Passphrase(SecretSlice<u8>);

impl Passphrase {
    /// The passphrase as it is. What is handed over becomes the secret itself; a vector with room to
    /// spare is cut to its length first, and what the allocator moves for that is not wiped.
    #[must_use]
    pub fn new(passphrase: impl Into<Box<[u8]>>) -> Self {
        Self(SecretSlice::from(passphrase.into()))
    }

    /// The first line of a file's contents: editors and `echo` end a file with a newline that the
    /// key was not encrypted with.
    #[must_use]
    pub fn from_first_line(contents: &[u8]) -> Self {
        let line = contents.split(|&byte| byte == b'\n').next().unwrap_or_default();
        Self::new(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The secret octets.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase(redacted)")
    }
}

/// A private key whose public half fits it.
///
/// ```
/// use private_ca::{KeyAlgorithm, PrivateKey};
///
/// let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
/// let read = PrivateKey::from_pem_or_der(key.to_pkcs8_pem().as_bytes())?;
/// assert_eq!(read.public_key_der(), key.public_key_der());
/// # Ok::<(), private_ca::key::KeyError>(())
/// ```
#[derive(Clone)]
pub struct PrivateKey {
    algorithm: KeyAlgorithm,
    pkcs8: SecretSlice<u8>,
    public_key: Box<[u8]>,
}

impl PrivateKey {
    /// Makes a new key from the operating system's random numbers, in pure Rust. An ML-DSA key is
    /// encoded as its seed of 32 octets (RFC 9881 section 6).
    ///
    /// # Errors
    /// [`KeyError::Random`]; [`KeyError::RsaSize`] for RSA sizes other than 2048, 3072 and 4096.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        Self::from_pkcs8_der(&Engine::generate(algorithm)?.to_pkcs8()?)
    }

    /// Reads a plain key in PKCS#8 DER (versions 1 and 2, RFC 5958); its encoding is kept. An ML-DSA
    /// key has to have its seed, alone or beside the expanded key (`seed` and `both` of RFC 9881
    /// section 6).
    ///
    /// # Errors
    /// [`KeyError`] when it is no key, its parts contradict each other, or its algorithm is not
    /// supported.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, public_key) = engine::check(der)?;
        Ok(Self { algorithm, public_key, pkcs8: SecretSlice::from(Box::<[u8]>::from(der)) })
    }

    /// Reads a plain key from PEM (any text around it, CRLF or LF) or DER, in PKCS#8, PKCS#1
    /// (RFC 8017) or SEC1 (RFC 5915) form. It is written as PKCS#8.
    ///
    /// # Errors
    /// [`KeyError`]; an encrypted key is [`KeyError::Encrypted`].
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, KeyError> {
        if pem::is_pem(bytes) {
            let KeyBlock { key, curve } = the_key_block(bytes)?;
            return Self::from_block(&key, curve);
        }
        if looks_encrypted(bytes) {
            return Err(KeyError::Encrypted);
        }
        Form::of_contents(bytes).unwrap_or(Form::Pkcs8).read(bytes)
    }

    /// Reads one block of a PEM file.
    ///
    /// # Errors
    /// As [`PrivateKey::from_pem_or_der`].
    pub fn from_pem_block(block: &pem::Block) -> Result<Self, KeyError> {
        Self::from_block(block, None)
    }

    fn from_block(block: &pem::Block, curve: Option<ObjectIdentifier>) -> Result<Self, KeyError> {
        if block.is_encrypted() {
            return Err(KeyError::Encrypted);
        }
        // The label says that it is a key; which form it has, its contents know better.
        let labelled = Form::of_label(block.label())?;
        Form::of_contents(block.contents())
            .unwrap_or(labelled)
            .read_on_curve(block.contents(), curve)
    }

    /// What kind of key it is.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The DER of the public key as `SubjectPublicKeyInfo`, as a certificate carries it.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key
    }

    /// The secret itself: plain PKCS#8 DER.
    #[must_use]
    pub fn expose_pkcs8_der(&self) -> &[u8] {
        self.pkcs8.expose_secret()
    }

    /// The secret itself: plain PKCS#8 PEM, wiped when dropped.
    #[must_use]
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        pem::encode(pem::PRIVATE_KEY, self.expose_pkcs8_der())
    }

    /// Signs with the algorithm that fits the key: RSA PKCS#1 v1.5 with SHA-256, ECDSA with
    /// SHA-256, SHA-384 or SHA-512 as the curve's size asks for, Ed25519, ML-DSA. Gives the
    /// signature as X.509 carries it and the DER of its `AlgorithmIdentifier`.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<(Vec<u8>, Vec<u8>), KeyError> {
        if let algorithm @ KeyAlgorithm::RsaPss { .. } = self.algorithm {
            return Err(KeyError::NotDone { algorithm, what: "signs with" });
        }
        Engine::from_pkcs8(self.expose_pkcs8_der())?.sign(message)
    }
}

/// Whether a DER file has the two elements of an `EncryptedPrivateKeyInfo`.
fn looks_encrypted(der: &[u8]) -> bool {
    elements(der).is_ok_and(|elements| {
        matches!(elements.as_slice(), [(Tag::Sequence, _), (Tag::OctetString, _)])
    })
}

/// The one private key of a PEM file, and the curve that an `EC PARAMETERS` block names.
struct KeyBlock {
    key: pem::Block,
    curve: Option<ObjectIdentifier>,
}

/// The one private key of a PEM file; certificates beside it are passed over.
fn the_key_block(text: &[u8]) -> Result<KeyBlock, KeyError> {
    let (mut keys, others): (Vec<_>, Vec<_>) =
        pem::blocks(text)?.into_iter().partition(pem::Block::is_private_key);
    let curve = others
        .iter()
        .find(|block| block.label() == "EC PARAMETERS")
        .and_then(|block| ObjectIdentifier::from_der(block.contents()).ok());
    match (keys.pop(), keys.len()) {
        (Some(key), 0) => Ok(KeyBlock { key, curve }),
        (Some(_), others) => Err(KeyError::SeveralKeys { count: others + 1 }),
        (None, _) => {
            let labels = others.into_iter().map(|block| block.label).take(5).collect();
            Err(KeyError::NoKey { labels })
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({}, redacted)", self.algorithm)
    }
}

#[cfg(test)]
mod tests {
    use pkcs8::PrivateKeyInfoRef;

    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        assert_eq!(format!("{key:?}"), "PrivateKey(EC P-256, redacted)");
        assert_eq!(format!("{:?}", Passphrase::new(*b"secret")), "Passphrase(redacted)");
    }

    #[test]
    fn every_algorithm_is_generated_read_back_and_signs() {
        for name in [
            "rsa2048",
            "EC_prime256v1",
            "p384",
            "p521",
            "ed25519",
            "mldsa44",
            "ml-dsa-65",
            "ML_DSA_87",
        ] {
            let key = PrivateKey::generate(name.parse().unwrap()).unwrap();
            let read = PrivateKey::from_pem_or_der(key.to_pkcs8_pem().as_bytes()).unwrap();
            assert_eq!(read.public_key_der(), key.public_key_der());
            assert_eq!(read.algorithm(), name.parse().unwrap());
            assert_eq!(KeyAlgorithm::of_public_key(key.public_key_der()), Some(key.algorithm()));
            assert_eq!(
                key.algorithm().to_string().parse::<KeyAlgorithm>().unwrap(),
                key.algorithm()
            );
            assert!(!key.sign(b"message").unwrap().0.is_empty());
            let info = PrivateKeyInfoRef::from_der(key.expose_pkcs8_der()).unwrap();
            assert_eq!(info.version(), pkcs8::Version::V1, "{name}");
        }
    }

    #[test]
    fn a_passphrase_is_the_first_line_of_its_file() {
        for contents in [&b"pass phrase"[..], b"pass phrase\n", b"pass phrase\r\nmore"] {
            assert_eq!(Passphrase::from_first_line(contents).expose(), b"pass phrase");
        }
    }

    #[test]
    fn sec1_pkcs1_and_der_are_read_as_the_same_key() {
        use p256::pkcs8::DecodePrivateKey as _;
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let sec1 =
            p256::SecretKey::from_pkcs8_der(key.expose_pkcs8_der()).unwrap().to_sec1_der().unwrap();
        // As `openssl ecparam -genkey` writes it.
        let parameters = pem::encode("EC PARAMETERS", b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07");
        let file = format!("{}{}", *parameters, *pem::encode("EC PRIVATE KEY", &sec1));
        for bytes in [sec1.as_slice(), file.as_bytes()] {
            let read = PrivateKey::from_pem_or_der(bytes).unwrap();
            assert_eq!(read.public_key_der(), key.public_key_der());
        }
        let key = PrivateKey::generate(KeyAlgorithm::RSA_2048).unwrap();
        let info = PrivateKeyInfoRef::from_der(key.expose_pkcs8_der()).unwrap();
        let pkcs1 = info.private_key.as_bytes();
        for bytes in [pkcs1.to_vec(), pem::encode("RSA PRIVATE KEY", pkcs1).as_bytes().to_vec()] {
            let read = PrivateKey::from_pem_or_der(&bytes).unwrap();
            assert_eq!(read.public_key_der(), key.public_key_der());
        }
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        let key = PrivateKey::generate(KeyAlgorithm::RSA_2048).unwrap();
        let info = PrivateKeyInfoRef::from_der(key.expose_pkcs8_der()).unwrap();
        let good = rsa::pkcs1::RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).unwrap();
        for part in [
            good.modulus,
            good.private_exponent,
            good.prime1,
            good.prime2,
            good.exponent1,
            good.exponent2,
            good.coefficient,
        ] {
            let mut der = key.expose_pkcs8_der().to_vec();
            let octets = part.as_bytes();
            let place = der.windows(octets.len()).position(|window| window == octets).unwrap();
            der[place + octets.len() / 2] ^= 4;
            let refused = PrivateKey::from_pkcs8_der(&der).unwrap_err();
            assert!(matches!(refused, KeyError::Inconsistent { .. }), "{refused}");
        }
        // The public half of another key beside the private one.
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP521]
        {
            let [mine, other] = [(); 2].map(|()| PrivateKey::generate(algorithm).unwrap());
            let bits =
                |key: &PrivateKey| key.public_key_der()[key.public_key_der().len() - 64..].to_vec();
            let mut der = mine.expose_pkcs8_der().to_vec();
            let place = der.windows(64).position(|window| window == bits(&mine)).unwrap();
            der[place..place + 64].copy_from_slice(&bits(&other));
            assert!(PrivateKey::from_pkcs8_der(&der).is_err());
        }
    }

    #[test]
    fn files_that_hold_no_single_key_say_so() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let pem = key.to_pkcs8_pem();
        let certificate = pem::encode("CERTIFICATE", b"x");
        let with_certificate = format!("{}{}", *certificate, *pem);
        assert!(PrivateKey::from_pem_or_der(with_certificate.as_bytes()).is_ok());
        assert!(matches!(
            PrivateKey::from_pem_or_der([pem.as_bytes(), pem.as_bytes()].concat().as_slice()),
            Err(KeyError::SeveralKeys { count: 2 })
        ));
        assert!(matches!(
            PrivateKey::from_pem_or_der(certificate.as_bytes()),
            Err(KeyError::NoKey { labels }) if labels == ["CERTIFICATE"]
        ));
        for bytes in [&b""[..], b"hello", b"\x30\x00", b"\x30\x80"] {
            assert!(PrivateKey::from_pem_or_der(bytes).is_err());
        }
    }
}
