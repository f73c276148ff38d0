//! Why an encrypted private key cannot be read.

use const_oid::ObjectIdentifier;

use crate::key::KeyError;
use crate::key::kdf::KdfError;
use crate::key::scheme::EncryptionScheme;
use crate::oid::NamedOid;

/// Why an encrypted private key cannot be read, decrypted or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptedKeyError {
    /// The file holds no single private key, or a plain one; or what the passphrase opens is a key of a kind or
    /// form that this crate does not support.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The key in the file is not encrypted.
    #[error("the private key is not encrypted: it needs no passphrase")]
    NotEncrypted,
    /// The envelope is no `EncryptedPrivateKeyInfo`.
    #[error("it is not an encrypted PKCS#8 private key: {0}")]
    Malformed(#[source] der::Error),
    /// The headers of OpenSSL's traditional PEM are not as OpenSSL writes them.
    #[error(
        "the PEM block \"{label}\" on line {line} says that it is encrypted, but not how: {reason}; restore the file from where it came"
    )]
    TraditionalHeaders {
        /// Label of the block.
        label: String,
        /// Line of its `BEGIN`, counted from 1.
        line: usize,
        /// What is wrong with them.
        reason: &'static str,
    },
    /// The cipher that OpenSSL's traditional PEM names is not supported.
    #[error(
        "the cipher {cipher} of the PEM block on line {line} is not supported; rewrite the key with `openssl pkcs8 -topk8 -provider legacy -provider default -in FILE -out NEW_FILE`"
    )]
    UnsupportedTraditionalCipher {
        /// Its name in the `DEK-Info` header.
        cipher: String,
        /// Line of the block's `BEGIN`, counted from 1.
        line: usize,
    },
    /// The scheme, key derivation function or cipher is not supported.
    #[error(
        "the {part} {} is not supported; export the key again from where it was made, or rewrite it with `openssl pkcs8 -topk8 -provider legacy -provider default -in FILE -out NEW_FILE` if that reads it",
        NamedOid(*oid)
    )]
    Unsupported {
        /// Which part of the envelope.
        part: &'static str,
        /// Its object identifier.
        oid: ObjectIdentifier,
    },
    /// The scheme is broken, and read only with the feature `insecure-legacy-encryption`.
    #[error(
        "the key is encrypted under a scheme that is no protection any more ({scheme}); such files come from {}; convert it with `{}`, or build with the feature insecure-legacy-encryption",
        scheme.makers().unwrap_or("tools of the 1990s"),
        scheme.conversion()
    )]
    Legacy {
        /// What the file says.
        scheme: EncryptionScheme,
    },
    /// The key-derivation parameters are refused.
    #[error(transparent)]
    Kdf(#[from] KdfError),
    /// A part has a length that the cipher cannot have.
    #[error(
        "the {part} has {length} octets, and {rule}: the file was changed or cut short, or its maker has a fault"
    )]
    Length {
        /// Which part.
        part: &'static str,
        /// Its octets.
        length: usize,
        /// What the cipher asks for.
        rule: &'static str,
    },
    /// A parameter of the cipher has a value that it cannot have.
    #[error("the {parameter} of the cipher is {value}, and {rule}")]
    CipherParameter {
        /// Which parameter.
        parameter: &'static str,
        /// Its value in the file.
        value: u64,
        /// What the cipher asks for.
        rule: &'static str,
    },
    /// The passphrase does not open it. Where the beginning of the encrypted key, its salt or its initialisation
    /// vector were changed, that looks the same.
    #[error("the passphrase is wrong, or the beginning of the encrypted key was changed")]
    WrongPassphrase,
    /// The passphrase does not open it, and without the newline at its end it does.
    #[error(
        "the passphrase is wrong as it is: it ends in a newline, and opens the key without it; give its first line alone"
    )]
    PassphraseEndsInNewline,
    /// The passphrase opens it, and what is inside is no whole key. Which check failed is not told, because that
    /// would help someone who tries changed copies of the file.
    #[error(
        "the passphrase is right, but the encrypted key was changed or damaged; restore the file from where it came"
    )]
    Corrupted,
    /// No key is written in this scheme.
    #[error(
        "no key is encrypted under {scheme} here, because it is broken or obsolete; use one of the presets"
    )]
    NotWritten {
        /// What was asked for.
        scheme: EncryptionScheme,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gave no random numbers: {0}")]
    Random(#[source] getrandom::Error),
}
