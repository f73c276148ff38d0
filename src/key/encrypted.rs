//! Encrypted private keys: PKCS#8's `EncryptedPrivateKeyInfo` (RFC 5958 section 3) in every scheme that a file
//! may have, and OpenSSL's traditional PEM.
//!
//! All of them are read alike: the passphrase becomes a key, the cipher gives octets, and what the octets begin
//! with tells whether the passphrase was right. Only then is the rest looked at, all of it, whatever is
//! wrong: see [the manual](crate::manual::threats) for what that hides.

mod beginning;
mod error;
mod pkcs8;
mod traditional;

use std::fmt;

use const_oid::ObjectIdentifier;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

use super::cipher::MAX_BLOCK;
use super::kdf::{KdfLimits, Pbes2Derivation};
use super::scheme::EncryptionScheme;
use super::{Form, KeyBlock, KeyError, Passphrase, PrivateKey, the_key_block};
use crate::{parallel, pem};
use beginning::Beginning;

pub use error::EncryptedKeyError;

/// The longest ciphertext that is read, in octets: ten times the longest key there is.
const MAX_CIPHERTEXT: usize = 64 * 1024;

/// What a file says of its encryption, judged.
#[derive(Clone)]
struct Parameters {
    scheme: EncryptionScheme,
    salt: Vec<u8>,
    /// The initialisation vector or nonce; empty where it is derived from the passphrase.
    iv: Vec<u8>,
    /// Octets of the tag of an authenticated cipher.
    tag_length: usize,
}

impl Parameters {
    fn judge_ciphertext(&self, ciphertext: &[u8]) -> Result<(), EncryptedKeyError> {
        let length = ciphertext.len();
        let refused = |rule| Err(EncryptedKeyError::Length { part: "ciphertext", length, rule });
        if length > MAX_CIPHERTEXT {
            return refused("no key needs more than 65536");
        }
        match self.scheme.cipher.block_length() {
            Some(block) if length == 0 || !length.is_multiple_of(block) => {
                refused("the cipher gives whole blocks, at least one")
            }
            None if length <= self.tag_length => refused("the cipher gives more than that"),
            _ => Ok(()),
        }
    }
}

/// What the ciphertext stands in.
#[derive(Clone)]
enum Envelope {
    /// The DER of an `EncryptedPrivateKeyInfo`.
    Pkcs8(Vec<u8>),
    /// OpenSSL's traditional PEM: its label, and the `DEK-Info` header.
    /// The curve is the one that an `EC PARAMETERS` block before it names.
    Traditional { label: String, form: Form, curve: Option<ObjectIdentifier>, dek_info: String },
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
/// # Ok::<(), private_ca::key::EncryptedKeyError>(())
/// ```
#[derive(Clone)]
pub struct EncryptedPrivateKey {
    envelope: Envelope,
    parameters: Parameters,
    ciphertext: Vec<u8>,
    limits: KdfLimits,
}

impl EncryptedPrivateKey {
    /// Reads a file that holds one encrypted key, in PEM (text around it, CRLF or LF) or DER, under the default
    /// limits. Nothing is derived yet.
    ///
    /// # Errors
    /// [`EncryptedKeyError`] for what is malformed, unsupported or beyond the limits; a plain key is
    /// [`EncryptedKeyError::NotEncrypted`].
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, EncryptedKeyError> {
        Self::from_pem_or_der_with_limits(bytes, &KdfLimits::default())
    }

    /// The same under limits of your own.
    ///
    /// # Errors
    /// As [`EncryptedPrivateKey::from_pem_or_der`].
    pub fn from_pem_or_der_with_limits(
        bytes: &[u8],
        limits: &KdfLimits,
    ) -> Result<Self, EncryptedKeyError> {
        if pem::is_pem(bytes) {
            let KeyBlock { key, curve } = the_key_block(bytes)?;
            return Self::from_block(&key, curve, limits);
        }
        Self::from_der_with_limits(bytes, limits).map_err(|error| match error {
            EncryptedKeyError::Malformed(_) if Form::of_contents(bytes).is_some() => {
                EncryptedKeyError::NotEncrypted
            }
            error => error,
        })
    }

    /// Reads one block of a PEM file under the default limits.
    ///
    /// # Errors
    /// As [`EncryptedPrivateKey::from_pem_or_der`].
    pub fn from_pem_block(block: &pem::Block) -> Result<Self, EncryptedKeyError> {
        Self::from_block(block, None, &KdfLimits::default())
    }

    fn from_block(
        block: &pem::Block,
        curve: Option<ObjectIdentifier>,
        limits: &KdfLimits,
    ) -> Result<Self, EncryptedKeyError> {
        if block.label() == pem::ENCRYPTED_PRIVATE_KEY {
            return Self::from_der_with_limits(block.contents(), limits);
        }
        let form = Form::of_label(block.label())?;
        if !block.is_encrypted() {
            return Err(EncryptedKeyError::NotEncrypted);
        }
        let (parameters, dek_info) = traditional::read(block)?;
        let label = block.label().to_owned();
        Ok(Self {
            envelope: Envelope::Traditional { label, form, curve, dek_info },
            parameters,
            ciphertext: block.contents().to_vec(),
            limits: *limits,
        })
    }

    /// Reads the DER of an `EncryptedPrivateKeyInfo` under the default limits. Nothing is derived yet.
    ///
    /// # Errors
    /// [`EncryptedKeyError`] for what is malformed, unsupported or beyond the limits.
    pub fn from_der(der: &[u8]) -> Result<Self, EncryptedKeyError> {
        Self::from_der_with_limits(der, &KdfLimits::default())
    }

    /// The same under limits of your own.
    ///
    /// # Errors
    /// As [`EncryptedPrivateKey::from_der`].
    pub fn from_der_with_limits(der: &[u8], limits: &KdfLimits) -> Result<Self, EncryptedKeyError> {
        let (parameters, ciphertext) = pkcs8::read(der, limits)?;
        Ok(Self {
            envelope: Envelope::Pkcs8(der.to_vec()),
            parameters,
            ciphertext,
            limits: *limits,
        })
    }

    /// Encrypts a key under a fresh salt and initialisation vector, in PKCS#8.
    ///
    /// # Errors
    /// [`EncryptedKeyError::NotWritten`] for the broken schemes; [`EncryptedKeyError::Kdf`] for one that
    /// could not be read again under the default limits, and [`EncryptedKeyError::Length`] for such a key;
    /// [`EncryptedKeyError::Random`].
    pub fn encrypt(
        key: &PrivateKey,
        passphrase: &Passphrase,
        scheme: impl Into<EncryptionScheme>,
    ) -> Result<Self, EncryptedKeyError> {
        use EncryptedKeyError::{Malformed, NotWritten, Random};
        let limits = KdfLimits::default();
        let scheme = scheme.into();
        let cipher = scheme.cipher;
        let tag_length = if cipher.is_authenticated() { 16 } else { 0 };
        // The salt's length is judged with the rest, below; until then none is made that nobody would read.
        let mut parameters = Parameters {
            scheme,
            salt: vec![0; scheme.salt_length.min(MAX_CIPHERTEXT)],
            iv: vec![0; cipher.iv_length()],
            tag_length,
        };
        getrandom::fill(&mut parameters.salt).map_err(Random)?;
        getrandom::fill(&mut parameters.iv).map_err(Random)?;
        let algorithm = pkcs8::algorithm(&parameters).map_err(Malformed)?;
        let algorithm = algorithm.ok_or(NotWritten { scheme })?;
        let kdf = scheme.kdf.to_algorithm(&parameters.salt).map_err(Malformed)?;
        judge_again(&kdf.unwrap_or_default(), &limits)?;

        let plain = key.expose_pkcs8_der();
        let mut buffer = Zeroizing::new(Vec::with_capacity(plain.len() + MAX_BLOCK));
        buffer.extend_from_slice(plain);
        buffer.resize(plain.len() + MAX_BLOCK, 0);
        let derived = parameters.derive(passphrase.expose())?;
        let (cipher_key, iv) = parameters.key_and_iv(&derived);
        let ciphertext = cipher
            .encrypt(cipher_key, iv, &mut buffer, plain.len())
            .ok_or(NotWritten { scheme })?
            .to_vec();
        parameters.judge_ciphertext(&ciphertext)?;
        let der = pkcs8::write(&algorithm, &ciphertext).map_err(Malformed)?;
        Ok(Self { envelope: Envelope::Pkcs8(der), parameters, ciphertext, limits })
    }

    /// Derives the cipher's key from the passphrase, decrypts, and checks the private key inside.
    ///
    /// It costs what [`EncryptedPrivateKey::scheme`] tells: if the passphrase is wrong and ends in a
    /// newline, twice that, as far as the limits allow it.
    ///
    /// # Errors
    /// [`EncryptedKeyError::WrongPassphrase`], [`EncryptedKeyError::PassphraseEndsInNewline`] or
    /// [`EncryptedKeyError::Corrupted`]; [`EncryptedKeyError::Key`] if what is inside is a key of a kind or form this
    /// crate does not support; [`EncryptedKeyError::Legacy`] for a scheme that is not built;
    /// [`EncryptedKeyError::Kdf`] if there is no memory for scrypt.
    pub fn decrypt(&self, passphrase: &Passphrase) -> Result<PrivateKey, EncryptedKeyError> {
        let octets = passphrase.expose();
        let without_newline =
            octets.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        match (self.open(octets), without_newline) {
            (Err(EncryptedKeyError::WrongPassphrase), Some(line))
                if self.parameters.scheme.kdf.may_be_repeated(&self.limits) =>
            {
                match self.open(line) {
                    Ok(_) | Err(EncryptedKeyError::Corrupted | EncryptedKeyError::Key(_)) => {
                        Err(EncryptedKeyError::PassphraseEndsInNewline)
                    }
                    Err(error) => Err(error),
                }
            }
            (opened, _) => opened,
        }
    }

    /// Decrypts many keys, on as many threads as the machine has cores; the answers come in the order of the
    /// keys.
    ///
    /// Each thread has a key at a time, so that the memory of scrypt is the limit of one key times the threads.
    ///
    /// ```
    /// use private_ca::key::{EncryptedPrivateKey, EncryptionPreset, Passphrase};
    /// use private_ca::{KeyAlgorithm, PrivateKey};
    ///
    /// let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
    /// let passphrase = Passphrase::new(*b"correct horse");
    /// let files = [(); 3].map(|()| {
    ///     EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm)
    /// });
    /// let files = files.into_iter().collect::<Result<Vec<_>, _>>()?;
    /// let keys = EncryptedPrivateKey::decrypt_many(files.iter().map(|file| (file, &passphrase)));
    /// assert!(keys.iter().all(Result::is_ok));
    /// # Ok::<(), private_ca::key::EncryptedKeyError>(())
    /// ```
    pub fn decrypt_many<'a>(
        keys: impl IntoIterator<Item = (&'a Self, &'a Passphrase)>,
    ) -> Vec<Result<PrivateKey, EncryptedKeyError>> {
        let keys: Vec<_> = keys.into_iter().collect();
        parallel::map(&keys, |(key, passphrase)| key.decrypt(passphrase))
    }

    fn open(&self, passphrase: &[u8]) -> Result<PrivateKey, EncryptedKeyError> {
        let Parameters { scheme, tag_length, .. } = &self.parameters;
        if scheme.is_legacy() && cfg!(not(feature = "insecure-legacy-encryption")) {
            return Err(EncryptedKeyError::Legacy { scheme: *scheme });
        }
        let derived = self.parameters.derive(passphrase)?;
        let (key, iv) = self.parameters.key_and_iv(&derived);
        let mut buffer = Zeroizing::new(self.ciphertext.clone());
        let plain = scheme
            .cipher
            .decrypt(key, iv, *tag_length, &mut buffer)
            .ok_or(EncryptedKeyError::WrongPassphrase)?;
        let (form, curve) = match self.envelope {
            Envelope::Pkcs8(_) => (Form::Pkcs8, None),
            Envelope::Traditional { form, curve, .. } => (form, curve),
        };
        if scheme.cipher.is_authenticated() {
            // The tag says that the passphrase is right and nothing was changed, so all may be told.
            return Ok(form.read_on_curve(plain, curve)?);
        }
        let beginning = Beginning::of(form, plain)
            .filter(|beginning| match (scheme.cipher.block_length(), beginning.length) {
                (Some(block), length) => plain
                    .len()
                    .checked_sub(length)
                    .is_some_and(|padding| (1..=block).contains(&padding)),
                (None, length) => length == plain.len(),
            })
            .ok_or(EncryptedKeyError::WrongPassphrase)?;
        if let Some(refusal) = beginning.refusal {
            return Err(refusal.into());
        }
        let (der, padding) = plain.split_at(beginning.length);
        // The padding is no reason to stop: the time that an answer takes does not depend on it.
        let padding_length = u8::try_from(padding.len()).unwrap_or(0);
        let padding_is_right: Choice = padding
            .iter()
            .fold(Choice::from(1), |so_far, octet| so_far & octet.ct_eq(&padding_length));
        match form.read_on_curve(der, curve) {
            // OpenSSL's traditional PEM hides nothing from anybody, so there all may be told.
            Err(
                error @ (KeyError::UnsupportedAlgorithm { .. }
                | KeyError::NoCurve
                | KeyError::RsaSize { .. }),
            ) if form != Form::Pkcs8 => Err(error.into()),
            Ok(key) if bool::from(padding_is_right) && !leaves_room(form, &key) => Ok(key),
            _ => Err(EncryptedKeyError::Corrupted),
        }
    }

    /// How the key is encrypted, which the file tells without its passphrase.
    #[must_use]
    pub fn scheme(&self) -> EncryptionScheme {
        self.parameters.scheme
    }

    /// The DER of the `EncryptedPrivateKeyInfo`; `None` for OpenSSL's traditional PEM, which is none.
    #[must_use]
    pub fn as_der(&self) -> Option<&[u8]> {
        match &self.envelope {
            Envelope::Pkcs8(der) => Some(der),
            Envelope::Traditional { .. } => None,
        }
    }

    /// PEM, with a newline at its end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let mut pem = match &self.envelope {
            Envelope::Pkcs8(der) => pem::encode(pem::ENCRYPTED_PRIVATE_KEY, der),
            Envelope::Traditional { label, dek_info, .. } => pem::encode_with_headers(
                label,
                &[("Proc-Type", "4,ENCRYPTED"), ("DEK-Info", dek_info)],
                &self.ciphertext,
            ),
        };
        std::mem::take(&mut *pem)
    }
}

impl Parameters {
    /// The cipher's key, and its initialisation vector where that is derived too.
    fn derive(&self, passphrase: &[u8]) -> Result<Zeroizing<Vec<u8>>, EncryptedKeyError> {
        let EncryptionScheme { kdf, cipher, .. } = self.scheme;
        let key_length = cipher.key_length();
        let iv_length = if self.iv.is_empty() { cipher.iv_length() } else { 0 };
        let mut derived = Zeroizing::new(vec![0; key_length + iv_length]);
        let (key, iv) = derived.split_at_mut(key_length);
        kdf.derive(passphrase, &self.salt, key, iv)?;
        Ok(derived)
    }

    fn key_and_iv<'a>(&'a self, derived: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let (key, iv) = derived.split_at(derived.len().min(self.scheme.cipher.key_length()));
        (key, if self.iv.is_empty() { iv } else { &self.iv })
    }
}

/// A key in its traditional form is as it is wrapped, which leaves none.
fn leaves_room(form: Form, key: &PrivateKey) -> bool {
    form == Form::Pkcs8 && beginning::has_room(key.expose_pkcs8_der())
}

/// What is written has to be read again.
fn judge_again(kdf: &[u8], limits: &KdfLimits) -> Result<(), EncryptedKeyError> {
    use der::Decode as _;
    let kdf = spki::AlgorithmIdentifierRef::from_der(kdf).map_err(EncryptedKeyError::Malformed)?;
    match Pbes2Derivation::read(&kdf, limits) {
        Some(Err(error)) => Err(error.into()),
        _ => Ok(()),
    }
}

impl fmt::Debug for EncryptedPrivateKey {
    /// The scheme alone: the rest is what somebody needs who tries passphrases.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptedPrivateKey({})", self.scheme())
    }
}

#[cfg(test)]
mod tests;
