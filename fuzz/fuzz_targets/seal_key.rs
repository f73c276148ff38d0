//! What is sealed opens, whatever the scheme; and a sealed key of which some octets were changed is refused, or opens
//! as the same key, unless nothing in it tells one key from another.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use private_ca::KeyAlgorithm;
use private_ca::key::{
    Cipher, EncryptedKeyError, EncryptedPrivateKey, EncryptionScheme, KdfLimits, KeyDerivation,
    Passphrase, Prf, PrivateKey,
};

const PRFS: [Prf; 6] = [
    Prf::HmacSha1,
    Prf::HmacSha224,
    Prf::HmacSha256,
    Prf::HmacSha384,
    Prf::HmacSha512,
    Prf::HmacSha512_256,
];

const CIPHERS: [Cipher; 7] = [
    Cipher::Aes128Cbc,
    Cipher::Aes192Cbc,
    Cipher::Aes256Cbc,
    Cipher::Aes128Gcm,
    Cipher::Aes192Gcm,
    Cipher::Aes256Gcm,
    Cipher::TripleDesCbc,
];

/// A key of each kind, and whether its private half has something to be checked against.
fn keys() -> &'static [(PrivateKey, bool)] {
    static KEYS: OnceLock<Vec<(PrivateKey, bool)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        [
            (KeyAlgorithm::EcdsaP256, true),
            (KeyAlgorithm::RSA_2048, true),
            (KeyAlgorithm::Ed25519, false),
            (KeyAlgorithm::MlDsa44, false),
        ]
        .map(|(algorithm, is_checked)| (PrivateKey::generate(algorithm).unwrap(), is_checked))
        .into()
    })
}

/// Choices, from the front of the input; zeros when it is used up.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn octet(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::from(self.octet()) % all.len()]
    }
}

fuzz_target!(|input: &[u8]| {
    let mut choices = Choices(input);
    let (key, is_checked) = &keys()[usize::from(choices.octet()) % keys().len()];
    let kdf = match choices.octet() % 4 {
        0 => KeyDerivation::Scrypt {
            cost: 2 << (choices.octet() % 5),
            block_size: u32::from(choices.octet() % 8) + 1,
            parallelization: u32::from(choices.octet() % 3) + 1,
        },
        _ => KeyDerivation::Pbkdf2 {
            prf: choices.one_of(&PRFS),
            iterations: u32::from(choices.octet()) + 1,
        },
    };
    let cipher = choices.one_of(&CIPHERS);
    let scheme = EncryptionScheme::new(kdf, usize::from(choices.octet() % 40), cipher);
    let length = usize::from(choices.octet()).min(choices.0.len());
    let (passphrase, changes) = choices.0.split_at(length);
    let passphrase = Passphrase::new(passphrase);
    let sealed = EncryptedPrivateKey::encrypt(key, &passphrase, scheme).unwrap();
    let mut der = sealed.as_der().unwrap().to_vec();
    let opened = EncryptedPrivateKey::from_der(&der).unwrap();
    assert_eq!(opened.scheme(), scheme);
    assert_eq!(opened.decrypt(&passphrase).unwrap().expose_pkcs8_der(), key.expose_pkcs8_der());

    for change in changes.chunks_exact(3).take(8) {
        let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % der.len();
        der[place] ^= change[2];
    }
    let mut limits = KdfLimits::default();
    limits.max_iterations = 4096;
    limits.max_scrypt_memory = 1 << 20;
    limits.max_scrypt_work = 1 << 12;
    let Ok(changed) = EncryptedPrivateKey::from_der_with_limits(&der, &limits) else { return };
    match changed.decrypt(&passphrase) {
        Ok(opened) => assert!(
            opened.public_key_der() == key.public_key_der()
                || (!is_checked && !changed.scheme().cipher.to_string().contains("GCM"))
        ),
        // Only these tell of what is inside.
        Err(
            EncryptedKeyError::WrongPassphrase
            | EncryptedKeyError::PassphraseEndsInNewline
            | EncryptedKeyError::Corrupted
            | EncryptedKeyError::Key(_)
            | EncryptedKeyError::Kdf(_),
        ) => {}
        Err(error) => panic!("{error}"),
    }
});
