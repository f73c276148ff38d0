//! What is read as a key is a key: a file that decrypts encrypts back to the same key, and a plain
//! one reads back as itself. Anything else is refused, and nothing costs more than the limits. Where the pkcs8 crate
//! knows a form too, both give the same octets.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_ca::EncryptionPreset;
use private_ca::key::{
    EncryptedKeyError, EncryptedPrivateKey, EncryptionScheme, KdfLimits, KeyDerivation, Passphrase,
    PrivateKey,
};

const PASSPHRASE: &[u8] = b"correct horse";

/// The default limits are meant for people, who wait a second; here that would be all there is.
fn limits() -> KdfLimits {
    let mut limits = KdfLimits::default();
    limits.max_iterations = 4096;
    limits.max_scrypt_memory = 1 << 20;
    limits.max_scrypt_work = 1 << 12;
    limits
}

fuzz_target!(|file: &[u8]| {
    if let Ok(key) = PrivateKey::from_pem_or_der(file) {
        reads_back(&key);
    }
    let Ok(encrypted) = EncryptedPrivateKey::from_pem_or_der_with_limits(file, &limits()) else {
        return;
    };
    assert!(is_within(&encrypted.scheme(), &limits()));
    let again = EncryptedPrivateKey::from_pem_or_der(encrypted.to_pem().as_bytes()).unwrap();
    assert_eq!(again.scheme(), encrypted.scheme());

    let passphrase = Passphrase::new(PASSPHRASE);
    let answer = encrypted.decrypt(&passphrase);
    if let Some(der) = encrypted.as_der() {
        agrees_with_pkcs8(der, &answer);
    }
    if let Ok(key) = answer {
        let again = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap();
        let again = again.decrypt(&passphrase).unwrap();
        assert_eq!(again.expose_pkcs8_der(), key.expose_pkcs8_der());
        reads_back(&key);
    }
});

fn is_within(scheme: &EncryptionScheme, limits: &KdfLimits) -> bool {
    match scheme.kdf {
        KeyDerivation::Pbkdf2 { iterations, .. }
        | KeyDerivation::Pbkdf1 { iterations, .. }
        | KeyDerivation::Pkcs12 { iterations } => (1..=limits.max_iterations).contains(&iterations),
        KeyDerivation::Scrypt { cost, block_size, parallelization } => {
            let (r, p) = (u64::from(block_size), u64::from(parallelization));
            cost * r * p <= limits.max_scrypt_work
                && 128 * r * (cost + p) <= limits.max_scrypt_memory
        }
        _ => true,
    }
}

/// Called only for what was found within the limits: the pkcs8 crate has none for scrypt's memory.
fn agrees_with_pkcs8(der: &[u8], ours: &Result<PrivateKey, EncryptedKeyError>) {
    let Ok(info) = pkcs8::EncryptedPrivateKeyInfoRef::try_from(der) else { return };
    let theirs = info.decrypt(PASSPHRASE);
    match (ours, &theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(ours.expose_pkcs8_der(), theirs.as_bytes()),
        // It has to know the scheme to give anything.
        (Ok(_), Err(pkcs8::Error::EncryptedPrivateKey(pkcs5::Error::DecryptFailed))) => {
            panic!("decrypted here and not by pkcs8")
        }
        (Err(error), Ok(theirs)) => {
            assert!(PrivateKey::from_pkcs8_der(theirs.as_bytes()).is_err(), "{error}");
        }
        (_, Err(_)) => {}
    }
}

fn reads_back(key: &PrivateKey) {
    let read = PrivateKey::from_pem_or_der(key.to_pkcs8_pem().as_bytes()).unwrap();
    assert_eq!(read.public_key_der(), key.public_key_der());
    assert_eq!(read.expose_pkcs8_der(), key.expose_pkcs8_der());
}
