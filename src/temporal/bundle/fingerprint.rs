//! Fingerprints of certificates, in any spelling.

use std::fmt;
use std::str::FromStr;

use crate::certificate::Certificate;

/// The hash of a certificate's DER, by which people name it: SHA-1 as `tcld` prints it, or SHA-256.
///
/// It is read in any spelling: upper or lower case, with or without colons, spaces or hyphens, and
/// with the name of the hash before it as OpenSSL prints it.
///
/// ```
/// use private_ca::temporal::bundle::Fingerprint;
///
/// let of_openssl: Fingerprint = "sha1 Fingerprint=01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67".parse()?;
/// let of_tcld: Fingerprint = "0123456789abcdef0123456789abcdef01234567".parse()?;
/// assert_eq!(of_openssl, of_tcld);
/// # Ok::<(), private_ca::temporal::bundle::FingerprintError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fingerprint {
    /// SHA-1, 20 bytes. It names a certificate among a few; it proves nothing.
    Sha1([u8; 20]),
    /// SHA-256, 32 bytes.
    Sha256([u8; 32]),
}

/// A text is no fingerprint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{text}\" is no fingerprint: SHA-1 has 40 hexadecimal digits and SHA-256 has 64, with colons between or without"
)]
#[non_exhaustive]
pub struct FingerprintError {
    /// The text that was given.
    pub text: String,
}

impl Fingerprint {
    /// The SHA-1 fingerprint of a certificate.
    #[must_use]
    pub fn sha1_of(certificate: &Certificate) -> Self {
        Self::Sha1(certificate.fingerprint_sha1())
    }

    /// The SHA-256 fingerprint of a certificate.
    #[must_use]
    pub fn sha256_of(certificate: &Certificate) -> Self {
        Self::Sha256(certificate.fingerprint_sha256())
    }

    /// Whether it is this certificate's.
    #[must_use]
    pub fn is_of(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Sha1(hash) => *hash == certificate.fingerprint_sha1(),
            Self::Sha256(hash) => *hash == certificate.fingerprint_sha256(),
        }
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash: &[u8] = match self {
            Self::Sha1(hash) => hash,
            Self::Sha256(hash) => hash,
        };
        hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Fingerprint {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || FingerprintError { text: text.to_owned() };
        let digits = without_prefix(text);
        let separators = [':', ' ', '-'];
        let digits: String = digits.chars().filter(|letter| !separators.contains(letter)).collect();
        let mut hash = [0; 32];
        // It is longer than any fingerprint, or no hexadecimal.
        let hash = base16ct::mixed::decode(digits.as_bytes(), &mut hash).map_err(|_| error())?;
        match (<[u8; 20]>::try_from(hash), <[u8; 32]>::try_from(hash)) {
            (Ok(hash), _) => Ok(Self::Sha1(hash)),
            (_, Ok(hash)) => Ok(Self::Sha256(hash)),
            _ => Err(error()),
        }
    }
}

/// Without the name of the hash: `SHA256 Fingerprint=`, `sha1:`, `SHA-256:`.
fn without_prefix(text: &str) -> &str {
    let text = text.trim();
    for separator in ['=', ':'] {
        if let Some((name, rest)) = text.split_once(separator) {
            let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
            let name = name.to_ascii_lowercase();
            let hash = name.strip_suffix("fingerprint").unwrap_or(&name);
            if ["sha1", "sha256"].contains(&hash) {
                return rest;
            }
        }
    }
    text
}
