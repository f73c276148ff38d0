//! Commands of private keys.

use std::path::Path;

use private_ca::file::{self, Secrecy};
use private_ca::key::{EncryptedKeyError, KeyError};
use private_ca::{EncryptedPrivateKey, EncryptionPreset, PrivateKey};

use crate::arguments::{KeyDecryptArguments, KeyEncryptArguments, KeyInspectArguments, Preset};
use crate::files::{existing, in_file};
use crate::output::{self, Answer};
use crate::{Failure, OrFail as _};

/// Writes a key to its file, or shows it.
fn deliver(pem: &str, out: Option<&Path>, overwrite: bool) -> Result<Answer, Failure> {
    match out {
        None => Ok(output::pem("private_key", pem)),
        Some(path) => {
            file::write(path, pem, Secrecy::Secret, existing(overwrite)).map_err(|error| {
                let exists = error.source.kind() == std::io::ErrorKind::AlreadyExists;
                let failure = Failure::of(error);
                if exists { failure.advise("to write over it, add --overwrite") } else { failure }
            })?;
            Ok(output::written(path))
        }
    }
}

pub(crate) fn decrypt(arguments: &KeyDecryptArguments) -> Result<Answer, Failure> {
    let path = &arguments.file;
    let contents = file::read(path).or_unasked()?;
    let encrypted = EncryptedPrivateKey::from_pem_or_der(&contents)
        .map_err(|error| in_file(path, error))
        .or_no()?;
    let passphrase = arguments.passphrase.needed(&path.display().to_string())?;
    let key = encrypted.decrypt(&passphrase).map_err(|error| in_file(path, error)).or_no()?;
    deliver(&key.to_pkcs8_pem(), arguments.out.as_deref(), arguments.overwrite)
}

pub(crate) fn encrypt(arguments: &KeyEncryptArguments) -> Result<Answer, Failure> {
    let path = &arguments.file;
    let contents = file::read(path).or_unasked()?;
    let key = PrivateKey::from_pem_or_der(&contents)
        .map_err(|error| match error {
            KeyError::Encrypted => in_file(path, "the private key is encrypted already"),
            error => in_file(path, error),
        })
        .or_no()?;
    let preset = match arguments.preset {
        Preset::Modern => EncryptionPreset::Modern,
        Preset::Acm => EncryptionPreset::Acm,
        Preset::Scrypt => EncryptionPreset::Scrypt,
    };
    let passphrase = arguments.passphrase.chosen("the encrypted key")?;
    let encrypted = EncryptedPrivateKey::encrypt(&key, &passphrase, preset).or_no()?;
    deliver(&encrypted.to_pem(), arguments.out.as_deref(), arguments.overwrite)
}

pub(crate) fn inspect(arguments: &KeyInspectArguments) -> Result<Answer, Failure> {
    let path = &arguments.file;
    let contents = file::read(path).or_unasked()?;
    match EncryptedPrivateKey::from_pem_or_der(&contents) {
        Ok(encrypted) => Ok(output::encrypted_key(&encrypted)),
        Err(EncryptedKeyError::NotEncrypted | EncryptedKeyError::Malformed(_)) => {
            let key = PrivateKey::from_pem_or_der(&contents);
            Ok(output::plain_key(&key.map_err(|error| in_file(path, error)).or_no()?))
        }
        Err(error) => Err(in_file(path, error)).or_no(),
    }
}
