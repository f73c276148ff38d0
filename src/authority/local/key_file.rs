//! Private keys at rest: encrypted if the CA has a passphrase.

use zeroize::Zeroizing;

use crate::authority::CaError;
use crate::key::{EncryptedPrivateKey, EncryptionPreset, KeyError, Passphrase, PrivateKey};

/// The contents of a key's file.
pub(super) fn write(
    key: &PrivateKey,
    passphrase: Option<&Passphrase>,
) -> Result<Zeroizing<String>, CaError> {
    match passphrase {
        None => Ok(key.to_pkcs8_pem()),
        Some(passphrase) => {
            let preset = EncryptionPreset::Modern;
            Ok(Zeroizing::new(EncryptedPrivateKey::encrypt(key, passphrase, preset)?.to_pem()))
        }
    }
}

/// The key in a file's contents.
pub(super) fn read(file: &[u8], passphrase: Option<&Passphrase>) -> Result<PrivateKey, CaError> {
    match (PrivateKey::from_pem_or_der(file), passphrase) {
        (Err(KeyError::Encrypted), Some(passphrase)) => {
            Ok(EncryptedPrivateKey::from_pem_or_der(file)?.decrypt(passphrase)?)
        }
        (Err(KeyError::Encrypted), None) => Err(CaError::PassphraseNeeded),
        // Keys that are kept for this CA later would be under a passphrase that its own key is not.
        (Ok(_), Some(_)) => Err(CaError::PassphraseNotNeeded),
        (key, _) => Ok(key?),
    }
}
