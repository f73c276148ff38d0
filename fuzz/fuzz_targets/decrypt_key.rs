//! What is read as a key is a key: a file that decrypts encrypts back to the same key, and a plain
//! one reads back as itself. Anything else is refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use private_ca::EncryptionPreset;
use private_ca::key::{EncryptedPrivateKey, KdfLimits, Passphrase, PrivateKey};

fuzz_target!(|file: &[u8]| {
    if let Ok(key) = PrivateKey::from_pem_or_der(file) {
        reads_back(&key);
    }
    // The default limit is meant for people, who wait a second; here it would be all there is.
    let mut limits = KdfLimits::default();
    limits.max_iterations = 4096;
    let passphrase = Passphrase::new(*b"correct horse");
    let encrypted = match EncryptedPrivateKey::from_pem_or_der(file) {
        Ok(encrypted) => EncryptedPrivateKey::from_der_with_limits(encrypted.as_der(), &limits),
        Err(_) => EncryptedPrivateKey::from_der_with_limits(file, &limits),
    };
    let Ok(encrypted) = encrypted else {
        return;
    };
    assert!(encrypted.scheme().iterations <= limits.max_iterations);
    if let Ok(key) = encrypted.decrypt(&passphrase) {
        let again = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap();
        let again = again.decrypt(&passphrase).unwrap();
        assert_eq!(again.expose_pkcs8_der(), key.expose_pkcs8_der());
        reads_back(&key);
    }
});

fn reads_back(key: &PrivateKey) {
    let read = PrivateKey::from_pem_or_der(key.to_pkcs8_pem().as_bytes()).unwrap();
    assert_eq!(read.public_key_der(), key.public_key_der());
    assert_eq!(read.expose_pkcs8_der(), key.expose_pkcs8_der());
}
