//! Encrypted private keys: PKCS#8's `EncryptedPrivateKeyInfo` (RFC 5958 section 3) under PBES2
//! (RFC 8018 section 6.2).
//!
//! The forms that ACM exports and that `openssl pkcs8 -topk8` writes are read and written.
//! Neither carries a check of integrity: CBC's padding and the structure of the key inside are
//! all there is, so a wrong passphrase and a changed file look alike, save that here the key's two
//! halves are compared as well.

use std::fmt;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::kdf::{KdfError, KdfLimits, Pbkdf2, Prf, oid};
use super::{KeyError, Passphrase, PrivateKey, pbkdf2, the_key_block};
use crate::pem;

/// Why an encrypted private key cannot be read or decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptedKeyError {
    /// The file holds no single private key, or a plain one.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key in the file is not encrypted.
    #[error("the private key is not encrypted: it needs no passphrase")]
    NotEncrypted,
    /// The envelope is no `EncryptedPrivateKeyInfo`.
    #[error("it is not an encrypted PKCS#8 private key: {0}")]
    Malformed(#[source] der::Error),
    /// The scheme, key derivation, pseudo-random function or cipher is not supported.
    #[error(
        "the {part} {oid} is not supported; rewrite the key with `openssl pkcs8 -topk8 -in FILE -out NEW_FILE`"
    )]
    Unsupported {
        /// Which part of the envelope.
        part: &'static str,
        /// Its object identifier.
        oid: ObjectIdentifier,
    },
    /// The key-derivation parameters are refused.
    #[error(transparent)]
    Kdf(#[from] KdfError),
    /// The initialisation vector or the ciphertext has a length that CBC cannot have.
    #[error(
        "the {part} has {length} octets, which AES-CBC cannot have: the file was changed or cut short"
    )]
    Length {
        /// Which part.
        part: &'static str,
        /// Its octets.
        length: usize,
    },
    /// The passphrase does not open it.
    #[error("the passphrase is wrong, or the encrypted key was changed")]
    WrongPassphrase,
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers: {0}")]
    Random(#[source] getrandom::Error),
}

/// AES key sizes in CBC mode (RFC 3565).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cipher {
    /// AES-128-CBC.
    Aes128Cbc,
    /// AES-192-CBC.
    Aes192Cbc,
    /// AES-256-CBC.
    Aes256Cbc,
}

const BLOCK: usize = 16;

impl Cipher {
    const ALL: [(Self, ObjectIdentifier, usize, &'static str); 3] = [
        (Self::Aes128Cbc, rfc5911::ID_AES_128_CBC, 16, "AES-128-CBC"),
        (Self::Aes192Cbc, rfc5911::ID_AES_192_CBC, 24, "AES-192-CBC"),
        (Self::Aes256Cbc, rfc5911::ID_AES_256_CBC, 32, "AES-256-CBC"),
    ];

    fn row(self) -> (Self, ObjectIdentifier, usize, &'static str) {
        let [.., last] = Self::ALL;
        Self::ALL.into_iter().find(|(cipher, ..)| *cipher == self).unwrap_or(last)
    }

    fn key_length(self) -> usize {
        self.row().2
    }

    /// Decrypts in place and gives the plain text; `None` if the padding is wrong.
    fn decrypt<'a>(self, key: &[u8], iv: &[u8], data: &'a mut [u8]) -> Option<&'a [u8]> {
        match self {
            Self::Aes128Cbc => cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv)
                .ok()?
                .decrypt_padded::<Pkcs7>(data),
            Self::Aes192Cbc => cbc::Decryptor::<aes::Aes192>::new_from_slices(key, iv)
                .ok()?
                .decrypt_padded::<Pkcs7>(data),
            Self::Aes256Cbc => cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv)
                .ok()?
                .decrypt_padded::<Pkcs7>(data),
        }
        .ok()
    }

    /// Encrypts the first `length` octets of `buffer` in place, padding included.
    fn encrypt(self, key: &[u8], iv: &[u8], buffer: &mut [u8], length: usize) -> Option<()> {
        match self {
            Self::Aes128Cbc => cbc::Encryptor::<aes::Aes128>::new_from_slices(key, iv)
                .ok()?
                .encrypt_padded::<Pkcs7>(buffer, length)
                .map(drop),
            Self::Aes192Cbc => cbc::Encryptor::<aes::Aes192>::new_from_slices(key, iv)
                .ok()?
                .encrypt_padded::<Pkcs7>(buffer, length)
                .map(drop),
            Self::Aes256Cbc => cbc::Encryptor::<aes::Aes256>::new_from_slices(key, iv)
                .ok()?
                .encrypt_padded::<Pkcs7>(buffer, length)
                .map(drop),
        }
        .ok()
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().3)
    }
}

/// How a key is encrypted, as its file says without the passphrase.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptionScheme {
    /// The pseudo-random function under PBKDF2.
    pub prf: Prf,
    /// Iterations of PBKDF2.
    pub iterations: u32,
    /// Octets of salt.
    pub salt_length: usize,
    /// The cipher.
    pub cipher: Cipher,
}

impl fmt::Display for EncryptionScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { prf, iterations, salt_length, cipher } = self;
        write!(
            f,
            "PBES2: PBKDF2 with {prf}, {iterations} iterations, {salt_length}-byte salt; {cipher}"
        )
    }
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EncryptionPreset {
    /// PBKDF2 with HMAC-SHA-256, 600,000 iterations (OWASP's advice) and a 16-byte salt, AES-256-CBC.
    #[default]
    Modern,
    /// Exactly the form that ACM exports: PBKDF2 with HMAC-SHA-1 as the unnamed default, 2048
    /// iterations and a 20-byte salt, AES-256-CBC.
    Acm,
}

impl EncryptionPreset {
    fn parameters(self) -> (Prf, u32, usize) {
        match self {
            Self::Modern => (Prf::HmacSha256, 600_000, 16),
            Self::Acm => (Prf::HmacSha1, 2048, 20),
        }
    }
}

/// ```text
/// EncryptedPrivateKeyInfo ::= SEQUENCE {
///     encryptionAlgorithm AlgorithmIdentifier,
///     encryptedData       OCTET STRING }
/// ```
#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    encryption_algorithm: AlgorithmIdentifierRef<'a>,
    encrypted_data: &'a OctetStringRef,
}

/// ```text
/// PBES2-params ::= SEQUENCE {
///     keyDerivationFunc AlgorithmIdentifier {{PBES2-KDFs}},
///     encryptionScheme  AlgorithmIdentifier {{PBES2-Encs}} }
/// ```
#[derive(Sequence)]
struct Pbes2Params<'a> {
    key_derivation_func: AlgorithmIdentifierRef<'a>,
    encryption_scheme: AlgorithmIdentifierRef<'a>,
}

/// A private key under a passphrase, its parameters judged.
///
/// ```
/// use private_ca::key::{EncryptedPrivateKey, EncryptionPreset, Passphrase};
/// use private_ca::{KeyAlgorithm, PrivateKey};
///
/// let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
/// let passphrase = Passphrase::new(*b"correct horse");
/// let encrypted = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm)?;
///
/// let file = encrypted.to_pem();
/// let read = EncryptedPrivateKey::from_pem_or_der(file.as_bytes())?;
/// assert_eq!(read.decrypt(&passphrase)?.public_key_der(), key.public_key_der());
/// # Ok::<(), private_ca::key::encrypted::EncryptedKeyError>(())
/// ```
#[derive(Clone)]
pub struct EncryptedPrivateKey {
    der: Vec<u8>,
    kdf: Pbkdf2,
    cipher: Cipher,
    iv: [u8; BLOCK],
    ciphertext: Vec<u8>,
}

impl EncryptedPrivateKey {
    /// Reads a file that holds one encrypted key, in PEM (text around it, CRLF or LF) or DER.
    ///
    /// # Errors
    /// [`EncryptedKeyError`]; a plain key is [`EncryptedKeyError::NotEncrypted`].
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, EncryptedKeyError> {
        if !pem::is_pem(bytes) {
            return Self::from_der(bytes);
        }
        let block = the_key_block(bytes)?;
        match block.label.as_str() {
            pem::ENCRYPTED_PRIVATE_KEY => Self::from_der(&block.contents),
            _ => Err(EncryptedKeyError::NotEncrypted),
        }
    }

    /// Reads the DER of an `EncryptedPrivateKeyInfo` under the default limits.
    ///
    /// # Errors
    /// [`EncryptedKeyError`] for what is malformed, unsupported or beyond the limits.
    pub fn from_der(der: &[u8]) -> Result<Self, EncryptedKeyError> {
        Self::from_der_with_limits(der, &KdfLimits::default())
    }

    /// Reads the DER of an `EncryptedPrivateKeyInfo` and judges its parameters; nothing is
    /// derived yet.
    ///
    /// # Errors
    /// [`EncryptedKeyError`] for what is malformed, unsupported or beyond the limits.
    pub fn from_der_with_limits(der: &[u8], limits: &KdfLimits) -> Result<Self, EncryptedKeyError> {
        use EncryptedKeyError::{Length, Malformed, Unsupported};
        let info = EncryptedPrivateKeyInfo::from_der(der).map_err(Malformed)?;
        let algorithm = info.encryption_algorithm;
        if algorithm.oid != oid::PBES2 {
            return Err(Unsupported { part: "encryption scheme", oid: algorithm.oid });
        }
        let params: Pbes2Params<'_> = parameters(&algorithm)?.decode_as().map_err(Malformed)?;
        let scheme = params.encryption_scheme;
        let (cipher, _, key_length, _) = Cipher::ALL
            .into_iter()
            .find(|(_, cipher, ..)| *cipher == scheme.oid)
            .ok_or(Unsupported { part: "cipher", oid: scheme.oid })?;
        let iv: &OctetStringRef = parameters(&scheme)?.decode_as().map_err(Malformed)?;
        let iv = iv.as_bytes();
        let iv = iv
            .try_into()
            .map_err(|_| Length { part: "initialisation vector", length: iv.len() })?;
        let kdf = params.key_derivation_func;
        if kdf.oid != oid::PBKDF2 {
            return Err(Unsupported { part: "key derivation function", oid: kdf.oid });
        }
        let kdf = Pbkdf2::from_parameters(parameters(&kdf)?, key_length, limits)?;
        let ciphertext = info.encrypted_data.as_bytes();
        if ciphertext.is_empty() || ciphertext.len() % BLOCK != 0 {
            return Err(Length { part: "ciphertext", length: ciphertext.len() });
        }
        Ok(Self { der: der.to_vec(), kdf, cipher, iv, ciphertext: ciphertext.to_vec() })
    }

    /// Encrypts a key under a fresh salt and initialisation vector.
    ///
    /// # Errors
    /// [`EncryptedKeyError::Random`].
    pub fn encrypt(
        key: &PrivateKey,
        passphrase: &Passphrase,
        preset: EncryptionPreset,
    ) -> Result<Self, EncryptedKeyError> {
        use EncryptedKeyError::{Malformed, Random};
        let (prf, iterations, salt_length) = preset.parameters();
        let mut salt = vec![0; salt_length];
        let mut iv = [0; BLOCK];
        getrandom::fill(&mut salt).map_err(Random)?;
        getrandom::fill(&mut iv).map_err(Random)?;
        let cipher = Cipher::Aes256Cbc;
        let kdf = Pbkdf2 { prf, salt, iterations };

        let plain = key.expose_pkcs8_der();
        let padded = (plain.len() / BLOCK + 1) * BLOCK;
        let mut buffer = Zeroizing::new(Vec::with_capacity(padded));
        buffer.extend_from_slice(plain);
        buffer.resize(padded, 0);
        let derived = derive(&kdf, cipher, passphrase);
        cipher
            .encrypt(&derived, &iv, &mut buffer, plain.len())
            .ok_or(EncryptedKeyError::Length { part: "plain text", length: plain.len() })?;
        // Encrypted in place, so the buffer holds nothing secret any more.
        let ciphertext = std::mem::take(&mut *buffer);

        let kdf_parameters = kdf.to_parameters().map_err(Malformed)?;
        let pbes2 = Pbes2Params {
            key_derivation_func: AlgorithmIdentifierRef {
                oid: oid::PBKDF2,
                parameters: Some(AnyRef::from_der(&kdf_parameters).map_err(Malformed)?),
            },
            encryption_scheme: AlgorithmIdentifierRef {
                oid: cipher.row().1,
                parameters: Some(AnyRef::from(OctetStringRef::new(&iv).map_err(Malformed)?)),
            },
        }
        .to_der()
        .map_err(Malformed)?;
        let der = EncryptedPrivateKeyInfo {
            encryption_algorithm: AlgorithmIdentifierRef {
                oid: oid::PBES2,
                parameters: Some(AnyRef::from_der(&pbes2).map_err(Malformed)?),
            },
            encrypted_data: OctetStringRef::new(&ciphertext).map_err(Malformed)?,
        }
        .to_der()
        .map_err(Malformed)?;
        Ok(Self { der, kdf, cipher, iv, ciphertext })
    }

    /// Derives the key from the passphrase, decrypts, and checks the private key inside.
    ///
    /// It costs the iterations that [`EncryptedPrivateKey::scheme`] tells.
    ///
    /// # Errors
    /// [`EncryptedKeyError::WrongPassphrase`]; [`EncryptedKeyError::Key`] if what is inside is a
    /// key of a kind or form this crate does not support.
    pub fn decrypt(&self, passphrase: &Passphrase) -> Result<PrivateKey, EncryptedKeyError> {
        let derived = derive(&self.kdf, self.cipher, passphrase);
        let mut buffer = Zeroizing::new(self.ciphertext.clone());
        let plain = self
            .cipher
            .decrypt(&derived, &self.iv, &mut buffer)
            .ok_or(EncryptedKeyError::WrongPassphrase)?;
        match PrivateKey::from_pkcs8_der(plain) {
            // A wrong key gives valid padding once in 256 times, and then no ASN.1; a changed file
            // gives a key that contradicts itself, or an algorithm that nobody has heard of. One
            // answer to all of them tells an attacker the least.
            Err(KeyError::Malformed(_) | KeyError::Inconsistent { .. }) => {
                Err(EncryptedKeyError::WrongPassphrase)
            }
            Err(KeyError::UnsupportedAlgorithm { oid }) if !is_known(oid) => {
                Err(EncryptedKeyError::WrongPassphrase)
            }
            key => Ok(key?),
        }
    }

    /// How the key is encrypted, which the file tells without its passphrase.
    #[must_use]
    pub fn scheme(&self) -> EncryptionScheme {
        EncryptionScheme {
            prf: self.kdf.prf,
            iterations: self.kdf.iterations,
            salt_length: self.kdf.salt.len(),
            cipher: self.cipher,
        }
    }

    /// The DER of the `EncryptedPrivateKeyInfo`.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// PEM, with a newline at its end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        std::mem::take(&mut *pem::encode(pem::ENCRYPTED_PRIVATE_KEY, &self.der))
    }
}

impl fmt::Debug for EncryptedPrivateKey {
    /// The scheme alone: the rest is what somebody needs who tries passphrases.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedPrivateKey({})", self.scheme())
    }
}

/// Algorithms and curves of real keys that this crate does not support.
fn is_known(oid: ObjectIdentifier) -> bool {
    use const_oid::db::{rfc5912, rfc8410};
    let secp256k1 = ObjectIdentifier::new_unwrap("1.3.132.0.10");
    let dsa = ObjectIdentifier::new_unwrap("1.2.840.10040.4.1");
    [
        rfc5912::ID_EC_PUBLIC_KEY,
        rfc5912::ID_RSASSA_PSS,
        dsa,
        rfc8410::ID_X_25519,
        rfc8410::ID_X_448,
        rfc8410::ID_ED_448,
        secp256k1,
    ]
    .contains(&oid)
}

fn parameters<'a>(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<AnyRef<'a>, EncryptedKeyError> {
    algorithm.parameters_any().map_err(|_| EncryptedKeyError::Unsupported {
        part: "algorithm without parameters",
        oid: algorithm.oid,
    })
}

fn derive(kdf: &Pbkdf2, cipher: Cipher, passphrase: &Passphrase) -> Zeroizing<Vec<u8>> {
    let mut derived = Zeroizing::new(vec![0; cipher.key_length()]);
    pbkdf2::derive(kdf.prf, passphrase.expose(), &kdf.salt, kdf.iterations, &mut derived);
    derived
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyAlgorithm;
    use proptest::prelude::*;

    fn acm_key(passphrase: &[u8]) -> (PrivateKey, EncryptedPrivateKey) {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let passphrase = Passphrase::new(passphrase);
        let encrypted =
            EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap();
        (key, encrypted)
    }

    #[test]
    fn acm_s_form_names_no_prf_and_has_a_salt_of_20_bytes() {
        let (key, encrypted) = acm_key(b"pass");
        let info = EncryptedPrivateKeyInfo::from_der(encrypted.as_der()).unwrap();
        let pbes2: Pbes2Params<'_> =
            info.encryption_algorithm.parameters.unwrap().decode_as().unwrap();
        // SEQUENCE { OCTET STRING (20), INTEGER 2048 } and nothing after it.
        let kdf = pbes2.key_derivation_func.parameters.unwrap().value().to_vec();
        assert_eq!(kdf.len(), 2 + 20 + 2 + 2);
        assert_eq!(kdf[22..], [0x02, 0x02, 0x08, 0x00]);
        assert_eq!(encrypted.scheme().prf, Prf::HmacSha1);
        let read = EncryptedPrivateKey::from_pem_or_der(encrypted.to_pem().as_bytes()).unwrap();
        let decrypted = read.decrypt(&Passphrase::new(*b"pass")).unwrap();
        assert_eq!(decrypted.expose_pkcs8_der(), key.expose_pkcs8_der());
    }

    #[test]
    fn a_wrong_passphrase_is_told_as_such_every_time() {
        let (_, encrypted) = acm_key(b"right");
        for attempt in 0..600 {
            let wrong = Passphrase::new(format!("wrong {attempt}").into_bytes());
            assert!(matches!(encrypted.decrypt(&wrong), Err(EncryptedKeyError::WrongPassphrase)));
        }
    }

    #[test]
    fn a_plain_key_is_not_an_encrypted_one() {
        let (key, encrypted) = acm_key(b"pass");
        assert!(matches!(
            EncryptedPrivateKey::from_pem_or_der(key.to_pkcs8_pem().as_bytes()),
            Err(EncryptedKeyError::NotEncrypted)
        ));
        assert!(matches!(
            PrivateKey::from_pem_or_der(encrypted.to_pem().as_bytes()),
            Err(KeyError::Encrypted)
        ));
    }

    #[test]
    fn hostile_parameters_are_refused_before_anything_is_derived() {
        let (_, encrypted) = acm_key(b"pass");
        let limits = KdfLimits { max_iterations: 2047 };
        assert!(matches!(
            EncryptedPrivateKey::from_der_with_limits(encrypted.as_der(), &limits),
            Err(EncryptedKeyError::Kdf(KdfError::Iterations { iterations: 2048, limit: 2047 }))
        ));
        let count = [0x02, 0x02, 0x08, 0x00];
        let place = encrypted.der.windows(4).position(|window| window == count).unwrap();
        for (hostile, iterations) in [
            ([0x02, 0x02, 0x00, 0x00], None),
            ([0x02, 0x01, 0x00, 0x00], None),
            ([0x02, 0x02, 0x7f, 0xff], Some(32_767)),
        ] {
            let mut der = encrypted.der.clone();
            der[place..place + 4].copy_from_slice(&hostile);
            let read = EncryptedPrivateKey::from_der(&der);
            assert_eq!(read.ok().map(|key| key.scheme().iterations), iterations);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_flipped_bit_is_detected_or_changes_nothing(index: prop::sample::Index, bit in 0..8u8) {
            let (key, encrypted) = acm_key(b"pass");
            let mut der = encrypted.der.clone();
            let index = index.index(der.len());
            der[index] ^= 1 << bit;
            let limits = KdfLimits { max_iterations: 100_000 };
            if let Ok(read) = EncryptedPrivateKey::from_der_with_limits(&der, &limits)
                && let Ok(decrypted) = read.decrypt(&Passphrase::new(*b"pass"))
            {
                prop_assert_eq!(decrypted.public_key_der(), key.public_key_der());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let _ = EncryptedPrivateKey::from_pem_or_der(&bytes);
        }
    }
}
