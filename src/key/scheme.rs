//! How a key is encrypted, what that is worth today, and who writes such files.

use std::fmt;

use super::cipher::Cipher;
use super::kdf::{KeyDerivation, Pbkdf1Hash};
use super::pbkdf2::Prf;

/// How a key is encrypted, as its file says without the passphrase.
///
/// ```
/// use private_ca::key::{Cipher, EncryptionPreset, EncryptionScheme, KeyDerivation, Prf};
///
/// let acm = EncryptionScheme::from(EncryptionPreset::Acm);
/// assert_eq!(
///     acm.to_string(),
///     "PBES2: PBKDF2 with HMAC-SHA-1, 2048 iterations, 20-byte salt; AES-256-CBC"
/// );
/// assert!(!acm.weaknesses().is_empty());
/// let strong = KeyDerivation::Pbkdf2 { prf: Prf::HmacSha512, iterations: 210_000 };
/// assert!(EncryptionScheme::new(strong, 16, Cipher::Aes256Cbc).weaknesses().is_empty());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct EncryptionScheme {
    /// How the key comes from the passphrase.
    pub kdf: KeyDerivation,
    /// Octets of salt.
    pub salt_length: usize,
    /// The cipher.
    pub cipher: Cipher,
}

/// What is written, for those who do not want to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum EncryptionPreset {
    /// PBKDF2 with HMAC-SHA-256, 600,000 iterations (OWASP's advice) and a 16-byte salt, AES-256-CBC.
    #[default]
    Modern,
    /// Exactly the form that ACM exports: PBKDF2 with HMAC-SHA-1 as the unnamed default, 2048
    /// iterations and a 20-byte salt, AES-256-CBC.
    Acm,
    /// scrypt with N = 16384, r = 8, p = 5 (OWASP's advice, in 16 MiB of the 32 that OpenSSL allows it)
    /// and a 16-byte salt, AES-256-CBC.
    Scrypt,
}

impl From<EncryptionPreset> for EncryptionScheme {
    fn from(preset: EncryptionPreset) -> Self {
        let pbkdf2 = |prf, iterations| KeyDerivation::Pbkdf2 { prf, iterations };
        let (kdf, salt_length) = match preset {
            EncryptionPreset::Modern => (pbkdf2(Prf::HmacSha256, 600_000), 16),
            EncryptionPreset::Acm => (pbkdf2(Prf::HmacSha1, 2048), 20),
            EncryptionPreset::Scrypt => {
                (KeyDerivation::Scrypt { cost: 1 << 14, block_size: 8, parallelization: 5 }, 16)
            }
        };
        Self::new(kdf, salt_length, Cipher::Aes256Cbc)
    }
}

/// What is wrong with a scheme by today's advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Weakness {
    /// Passphrases are cheap to try.
    #[error(
        "{iterations} iterations are few: OWASP's Password Storage Cheat Sheet asks for {advised}"
    )]
    FewIterations {
        /// What the file has.
        iterations: u32,
        /// What is advised.
        advised: u32,
    },
    /// scrypt's parameters make passphrases cheap to try.
    #[error(
        "scrypt's N * p of {work} with r = {block_size} is little: OWASP's Password Storage Cheat Sheet asks for {ADVISED_SCRYPT_WORK} with r = 8"
    )]
    LittleWork {
        /// N times p.
        work: u64,
        /// r.
        block_size: u32,
    },
    /// The derivation costs next to nothing, whatever its iterations, or gives too few octets.
    #[error(
        "its key derivation is obsolete: passphrases are tried at the speed of a hash function"
    )]
    ObsoleteDerivation,
    /// The cipher can be broken.
    #[error("its cipher is broken or obsolete (NIST SP 800-131A)")]
    BrokenCipher,
    /// Blocks of 64 bits.
    #[error("3DES is retired (NIST SP 800-131A)")]
    RetiredCipher,
    /// The same passphrase gives the same key too often.
    #[error("a salt of {length} octets is short: RFC 8018 section 4.1 asks for 8")]
    ShortSalt {
        /// Octets of salt.
        length: usize,
    },
}

/// N times p at r = 8 of the cheapest parameters that OWASP lists: 2^14 and 5.
const ADVISED_SCRYPT_WORK: u64 = 5 << 14;

impl EncryptionScheme {
    /// A scheme to write with. Schemes that cannot be read again under the default
    /// [`KdfLimits`](super::KdfLimits), and broken ones, are refused when they are used.
    #[must_use]
    pub const fn new(kdf: KeyDerivation, salt_length: usize, cipher: Cipher) -> Self {
        Self { kdf, salt_length, cipher }
    }

    /// Whether it is one of those that are read only with the feature `insecure-legacy-encryption`.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.cipher.is_legacy() || self.standard() != "PBES2"
    }

    /// The standard's name for the whole.
    fn standard(&self) -> &'static str {
        match self.kdf {
            KeyDerivation::Pbkdf2 { .. } | KeyDerivation::Scrypt { .. } => "PBES2",
            KeyDerivation::Pbkdf1 { .. } => "PBES1",
            KeyDerivation::Pkcs12 { .. } => "PKCS#12 PBE",
            KeyDerivation::OpensslMd5 => "OpenSSL's traditional PEM",
        }
    }

    /// What is wrong with it by today's advice; nothing if it is as one would write it now.
    #[must_use]
    pub fn weaknesses(&self) -> Vec<Weakness> {
        let derivation = match self.kdf {
            KeyDerivation::Pbkdf2 { prf, iterations } => {
                let advised = match prf {
                    Prf::HmacSha1 => 1_300_000,
                    Prf::HmacSha224 | Prf::HmacSha256 => 600_000,
                    Prf::HmacSha384 | Prf::HmacSha512 | Prf::HmacSha512_256 => 210_000,
                };
                (iterations < advised).then_some(Weakness::FewIterations { iterations, advised })
            }
            KeyDerivation::Scrypt { cost, block_size, parallelization } => {
                let work = cost.saturating_mul(parallelization.into());
                (work.saturating_mul(block_size.into()) < ADVISED_SCRYPT_WORK * 8)
                    .then_some(Weakness::LittleWork { work, block_size })
            }
            KeyDerivation::Pbkdf1 { .. }
            | KeyDerivation::Pkcs12 { .. }
            | KeyDerivation::OpensslMd5 => Some(Weakness::ObsoleteDerivation),
        };
        let cipher = match self.cipher {
            Cipher::TripleDesCbc => Some(Weakness::RetiredCipher),
            cipher => cipher.is_legacy().then_some(Weakness::BrokenCipher),
        };
        let length = self.salt_length;
        let salt = (length < 8).then_some(Weakness::ShortSalt { length });
        [derivation, cipher, salt].into_iter().flatten().collect()
    }

    /// Who writes files of this form, as far as is known.
    #[must_use]
    pub fn makers(&self) -> Option<&'static str> {
        Some(match (self.kdf, self.salt_length, self.cipher) {
            (KeyDerivation::Pbkdf2 { prf, iterations }, salt, cipher) => {
                match (prf, iterations, salt, cipher) {
                    (Prf::HmacSha1, 2048, 20, Cipher::Aes256Cbc) => {
                        "AWS Certificate Manager (ExportCertificate)"
                    }
                    (Prf::HmacSha256, 2048, 8 | 16, _) => {
                        "OpenSSL 1.1 or later (openssl pkcs8 -topk8, openssl genpkey), Node.js, Python's cryptography"
                    }
                    (Prf::HmacSha1, 2048, 8, _) => "OpenSSL 1.0 (openssl pkcs8 -topk8 -v2)",
                    (Prf::HmacSha256, 600_000, 16, Cipher::Aes256Cbc) => "private-ca",
                    _ => return None,
                }
            }
            (KeyDerivation::Scrypt { cost, block_size: 8, parallelization }, ..) => {
                match (cost, parallelization) {
                    (16_384, 1) => "OpenSSL (openssl pkcs8 -topk8 -scrypt), RustCrypto's pkcs8",
                    (16_384, 5) => "private-ca (preset scrypt)",
                    _ => return None,
                }
            }
            (KeyDerivation::Scrypt { .. }, ..) => return None,
            (KeyDerivation::Pbkdf1 { hash: Pbkdf1Hash::Md5, .. }, _, Cipher::DesCbc) => {
                "OpenSSL before 1.1 (openssl pkcs8 -topk8), old versions of Java"
            }
            (KeyDerivation::Pbkdf1 { .. }, ..) => "OpenSSL before 1.1 (openssl pkcs8 -topk8 -v1)",
            (KeyDerivation::Pkcs12 { .. }, ..) => {
                "PKCS#12 tools: Java's keytool, Windows, GnuTLS (certtool), openssl pkcs8 -topk8 -v1"
            }
            (KeyDerivation::OpensslMd5, ..) => {
                "OpenSSL before 1.0 (openssl genrsa, openssl rsa, openssl ec), PuTTY and SSH tools of their time; later OpenSSL with -traditional"
            }
        })
    }

    /// The command that converts a file of a scheme that is read only with the feature
    /// `insecure-legacy-encryption` into one that everybody reads.
    pub(super) fn conversion(&self) -> &'static str {
        match self.cipher {
            // OpenSSL 3 keeps 3DES, also with two keys, and MD5 for its own PEM.
            Cipher::TripleDesCbc
            | Cipher::TwoKeyTripleDesCbc
            | Cipher::Aes128Cbc
            | Cipher::Aes192Cbc
            | Cipher::Aes256Cbc => "openssl pkcs8 -topk8 -v2 aes-256-cbc -in FILE -out NEW_FILE",
            _ => {
                "openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in FILE -out NEW_FILE"
            }
        }
    }
}

impl fmt::Display for EncryptionScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kdf, salt_length, cipher } = self;
        write!(f, "{}: {kdf}, {salt_length}-byte salt; {cipher}", self.standard())
    }
}
