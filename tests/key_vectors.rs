//! The key files of pyca/cryptography, from OpenSSL, GnuTLS, Botan, mbed TLS and others, before the private key
//! reader: each is read or refused, and the table says which and why.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that is wrong should stop, and one that is skipped should say so"
)]

#[path = "support/python.rs"]
mod python;
#[path = "key_vectors/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use private_ca::key::EncryptedKeyError::{
    self, Key, Legacy, NotEncrypted, PassphraseEndsInNewline, WrongPassphrase,
};
use private_ca::key::KeyError::Encrypted;
use private_ca::{EncryptedPrivateKey, Passphrase, PrivateKey, pem};

use table::{FILES, File, Outcome, SAME_KEY};

const READS_LEGACY: bool = cfg!(feature = "insecure-legacy-encryption");

/// The folders of which every file is in the table.
const WHOLE_FOLDERS: [&str; 3] =
    ["PKCS8", "PEM_Serialization", "Traditional_OpenSSL_Serialization"];

/// Those of which every key is, private or public. They also hold inputs and outputs of signatures.
const KEY_FOLDERS: [&str; 5] = ["DER_Serialization", "EC", "Ed25519", "Ed448", "MLDSA"];

/// The folder of the files; `None` where they are not installed.
fn installed() -> Option<PathBuf> {
    Some(python::folder_of_package("cryptography_vectors")?.join("asymmetric"))
}

/// One run shows every file that is not as the table says.
fn report(wrong: &[String]) {
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

impl File {
    fn contents(&self, folder: &Path) -> Vec<u8> {
        std::fs::read(folder.join(self.path))
            .unwrap_or_else(|error| panic!("{}: {error}", self.path))
    }

    /// What the reader says, with the file's passphrase if it has one.
    fn read(&self, contents: &[u8]) -> Result<PrivateKey, EncryptedKeyError> {
        match self.passphrase {
            None => Ok(PrivateKey::from_pem_or_der(contents)?),
            Some(passphrase) => {
                EncryptedPrivateKey::from_pem_or_der(contents)?.decrypt(&secret(passphrase))
            }
        }
    }

    /// Whether the way that it is encrypted is one that this build refuses to open.
    fn is_too_old(&self, contents: &[u8]) -> bool {
        let encrypted = EncryptedPrivateKey::from_pem_or_der(contents);
        !READS_LEGACY && encrypted.is_ok_and(|encrypted| encrypted.scheme().is_legacy())
    }
}

fn secret(passphrase: &str) -> Passphrase {
    Passphrase::new(passphrase.as_bytes())
}

fn told(answer: &Result<PrivateKey, EncryptedKeyError>) -> String {
    match answer {
        Ok(key) => format!("reads {}", key.algorithm()),
        Err(error) => format!("refused, {error:?}: {error}"),
    }
}

#[test]
fn the_table_has_every_file_once_and_no_other() {
    let Some(folder) = installed() else { return };
    let is_key = |name: &str| {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "pem" || extension == "der")
    };
    let mut there = BTreeSet::new();
    for subfolder in WHOLE_FOLDERS.into_iter().chain(KEY_FOLDERS) {
        for entry in std::fs::read_dir(folder.join(subfolder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if WHOLE_FOLDERS.contains(&subfolder) || is_key(&name) {
                there.insert(format!("{subfolder}/{name}"));
            }
        }
    }
    let mut wrong = Vec::new();
    let mut listed = BTreeSet::new();
    for file in FILES {
        if !listed.insert(file.path.to_owned()) {
            wrong.push(format!("{}: twice in the table", file.path));
        }
    }
    wrong.extend(there.difference(&listed).map(|path| format!("{path}: not in the table")));
    wrong.extend(listed.difference(&there).map(|path| format!("{path}: in the table alone")));
    report(&wrong);
}

#[test]
fn every_file_is_read_or_refused_as_the_table_says() {
    let Some(folder) = installed() else { return };
    let mut wrong = Vec::new();
    for file in FILES {
        let contents = file.contents(&folder);
        let answer = file.read(&contents);
        let (expected, is_right) = match &file.outcome {
            _ if file.is_too_old(&contents) => {
                ("refused as Legacy".to_owned(), matches!(answer, Err(Legacy { .. })))
            }
            Outcome::Reads(algorithm) => {
                let is_right = answer.as_ref().is_ok_and(|key| key.algorithm() == *algorithm);
                (format!("reads {algorithm}"), is_right)
            }
            Outcome::Refused { pattern, matches, why } => {
                let is_right = answer.as_ref().is_err_and(matches);
                (format!("refused as {pattern}: {why}"), is_right)
            }
        };
        if !is_right {
            wrong.push(format!("{}: {}\n    not {expected}", file.path, told(&answer)));
        }
    }
    report(&wrong);
}

#[test]
fn no_reader_takes_what_belongs_to_the_other() {
    let Some(folder) = installed() else { return };
    let mut wrong = Vec::new();
    for file in FILES {
        let contents = file.contents(&folder);
        if file.passphrase.is_some() {
            let plain = PrivateKey::from_pem_or_der(&contents).map_err(EncryptedKeyError::from);
            if !matches!(plain, Err(Key(Encrypted))) {
                wrong.push(format!("{}: without a passphrase {}", file.path, told(&plain)));
            }
            continue;
        }
        let is_right = match (EncryptedPrivateKey::from_pem_or_der(&contents), &file.outcome) {
            (Ok(_), _) => false,
            (Err(error), Outcome::Reads(_)) => matches!(error, NotEncrypted),
            (Err(_), Outcome::Refused { .. }) => true,
        };
        if !is_right {
            wrong.push(format!("{}: taken for an encrypted key", file.path));
        }
    }
    report(&wrong);
}

#[test]
fn a_wrong_passphrase_is_called_wrong() {
    let Some(folder) = installed() else { return };
    let mut wrong = Vec::new();
    for file in FILES {
        let contents = file.contents(&folder);
        let (Some(right), Ok(encrypted)) =
            (file.passphrase, EncryptedPrivateKey::from_pem_or_der(&contents))
        else {
            continue;
        };
        // An RSA key that is refused for its size was decrypted before.
        let is_opened = matches!(encrypted.decrypt(&secret(right)), Ok(_) | Err(Key(_)));
        if !is_opened {
            continue;
        }
        let (shorter, _) = right.split_at(right.len() - 1);
        for passphrase in ["", shorter, &format!("{right} "), "another one"] {
            let answer = encrypted.decrypt(&secret(passphrase));
            if !matches!(answer, Err(WrongPassphrase)) {
                wrong.push(format!("{}: with \"{passphrase}\" {}", file.path, told(&answer)));
            }
        }
        let answer = encrypted.decrypt(&secret(&format!("{right}\n")));
        if !matches!(answer, Err(PassphraseEndsInNewline)) {
            wrong.push(format!("{}: with a newline {}", file.path, told(&answer)));
        }
    }
    report(&wrong);
}

#[test]
fn files_of_one_key_give_one_key() {
    let Some(folder) = installed() else { return };
    let mut wrong = Vec::new();
    for group in SAME_KEY {
        // Public keys are taken as they are, by nobody's reader.
        let mut keys: Vec<(&str, Vec<u8>)> = group
            .public
            .iter()
            .map(|path| {
                let contents = std::fs::read(folder.join(path)).unwrap();
                let der = match pem::blocks(&contents) {
                    Ok(blocks) => blocks.first().unwrap().contents().to_vec(),
                    Err(_) => contents,
                };
                (*path, der)
            })
            .collect();
        for path in group.private {
            let file = FILES.iter().find(|file| file.path == *path).unwrap();
            let contents = file.contents(&folder);
            match file.read(&contents) {
                Ok(key) => keys.push((path, key.public_key_der().to_vec())),
                Err(_) if file.is_too_old(&contents) => {}
                refused => wrong.push(format!("{path}: {}", told(&refused))),
            }
        }
        let (first, key) = keys.first().unwrap();
        for (path, other) in &keys {
            if other != key {
                wrong.push(format!("{path}: another key than {first}"));
            }
        }
    }
    report(&wrong);
}
