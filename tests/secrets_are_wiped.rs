//! Nothing secret stays in memory: every block is searched as it is freed.
//!
//! The tests share one allocator, so they share one lock: a secret of one test may be alive while
//! another one searches.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Mutex;

use private_ca::key::EncryptedKeyError;
use private_ca::{
    CertificateRequest, EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey,
};

/// What is searched for: 16 bytes of each secret, kept where the allocator can see them without
/// allocating. All zeros means nothing.
static SECRETS: Mutex<[[u8; 16]; 16]> = Mutex::new([[0; 16]; 16]);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

thread_local! {
    static SEARCHING: Cell<bool> = const { Cell::new(false) };
    static FOUND: Cell<usize> = const { Cell::new(0) };
}

struct Searcher;

// SAFETY: every call is passed on to the system's allocator, with blocks zeroed as they are made
// and as they grow. A block is read only in `dealloc` and `realloc`, where its whole length is still
// the caller's, so every byte that is read is initialised.
unsafe impl GlobalAlloc for Searcher {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that a search never meets the leftovers of an earlier owner.
        // SAFETY: as the caller promises.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        search(block, layout.size());
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        search(block, layout.size());
        // SAFETY: as the caller promises.
        let grown = unsafe { System.realloc(block, layout, new_size) };
        if !grown.is_null() && new_size > layout.size() {
            // SAFETY: the block has `new_size` bytes now, and those beyond the old size are nobody's.
            unsafe { grown.add(layout.size()).write_bytes(0, new_size - layout.size()) };
        }
        grown
    }
}

#[global_allocator]
static ALLOCATOR: Searcher = Searcher;

fn search(block: *const u8, size: usize) {
    let searching = SEARCHING.try_with(Cell::get).unwrap_or(false);
    if !searching || size < 16 {
        return;
    }
    let Ok(secrets) = SECRETS.try_lock() else { return };
    // SAFETY: the block is allocated, of this size, and was zeroed when it was made.
    let bytes = unsafe { std::slice::from_raw_parts(block, size) };
    for secret in secrets.iter().filter(|secret| **secret != [0; 16]) {
        if bytes.windows(16).any(|window| window == secret) {
            let _ = FOUND.try_with(|found| found.set(found.get() + 1));
        }
    }
}

/// How many freed blocks held one of the secrets while `work` ran and what it made was dropped.
fn leaks<T>(secrets: &[&[u8]], work: impl FnOnce() -> T) -> usize {
    {
        let mut searched = SECRETS.lock().unwrap();
        *searched = [[0; 16]; 16];
        for (slot, secret) in searched.iter_mut().zip(secrets) {
            slot.copy_from_slice(&secret[..16]);
        }
    }
    FOUND.set(0);
    SEARCHING.set(true);
    drop(work());
    SEARCHING.set(false);
    FOUND.get()
}

const PASSPHRASE: &[u8] = b"correct horse battery staple";

/// The last bytes of a key's PKCS#8 that are the private value itself, in binary and as PEM has them.
fn secret_parts(key: &PrivateKey) -> (Vec<u8>, Vec<u8>) {
    let der = key.expose_pkcs8_der();
    // P-256: the scalar follows OCTET STRING (32) inside ECPrivateKey.
    let place = der.windows(2).position(|window| window == [0x04, 0x20]).unwrap() + 2;
    let pem = key.to_pkcs8_pem();
    let line = pem.lines().nth(1).unwrap();
    (der[place..place + 32].to_vec(), line.as_bytes()[24..56].to_vec())
}

fn encrypted_key() -> (PrivateKey, String) {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let passphrase = Passphrase::new(PASSPHRASE);
    let encrypted = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap();
    (key, encrypted.to_pem())
}

#[test]
fn the_searcher_finds_what_is_not_wiped() {
    let _alone = ONE_AT_A_TIME.lock();
    assert_eq!(leaks(&[PASSPHRASE], || PASSPHRASE.to_vec()), 1);
}

#[test]
fn decrypting_leaves_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let (key, file) = encrypted_key();
    let (scalar, line) = secret_parts(&key);
    let secrets: [&[u8]; 3] = [PASSPHRASE, &scalar, &line];
    let found = leaks(&secrets, || {
        let passphrase = Passphrase::new(PASSPHRASE);
        let encrypted = EncryptedPrivateKey::from_pem_or_der(file.as_bytes()).unwrap();
        let key = encrypted.decrypt(&passphrase).unwrap();
        key.to_pkcs8_pem()
    });
    assert_eq!(found, 0);
}

/// Every secret number of an RSA key, as it is written and as arithmetic holds it.
fn rsa_secrets(key: &PrivateKey) -> Vec<Vec<u8>> {
    use rsa::pkcs1::RsaPrivateKeyRef;
    let info = pkcs8::PrivateKeyInfoRef::try_from(key.expose_pkcs8_der()).unwrap();
    let parts = RsaPrivateKeyRef::try_from(info.private_key.as_bytes()).unwrap();
    [
        parts.private_exponent,
        parts.prime1,
        parts.prime2,
        parts.exponent1,
        parts.exponent2,
        parts.coefficient,
    ]
    .into_iter()
    .flat_map(|part| {
        // The middle, which neither padding nor a sign touches, on the border of a word.
        let octets = part.as_bytes();
        let from_end = octets.len() / 2 / 8 * 8;
        let middle = octets[octets.len() - from_end..][..16].to_vec();
        let reversed = middle.iter().rev().copied().collect();
        [middle, reversed]
    })
    .collect()
}

#[test]
fn decrypting_an_rsa_key_leaves_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let key = PrivateKey::generate(KeyAlgorithm::RSA_2048).unwrap();
    let passphrase = Passphrase::new(PASSPHRASE);
    let file =
        EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap().to_pem();
    let secrets = rsa_secrets(&key);
    let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
    let found = leaks(&secrets, || {
        let passphrase = Passphrase::new(PASSPHRASE);
        let encrypted = EncryptedPrivateKey::from_pem_or_der(file.as_bytes()).unwrap();
        encrypted.decrypt(&passphrase).unwrap()
    });
    assert_eq!(found, 0);
}

#[test]
fn an_ml_dsa_key_leaves_no_seed_and_nothing_of_its_expanded_form() {
    let _alone = ONE_AT_A_TIME.lock();
    for algorithm in [KeyAlgorithm::MlDsa44, KeyAlgorithm::MlDsa65, KeyAlgorithm::MlDsa87] {
        let key = PrivateKey::generate(algorithm).unwrap();
        let pem = key.to_pkcs8_pem();
        let passphrase = Passphrase::new(PASSPHRASE);
        let file = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap();
        // The seed ends the PKCS#8; K and the vectors follow the public octets of the expanded key.
        let seed = &key.expose_pkcs8_der()[key.expose_pkcs8_der().len() - 32..];
        let expanded = expanded(algorithm, seed);
        let line = pem.lines().nth(1).unwrap().as_bytes()[40..56].to_vec();
        let secrets: [&[u8]; 6] =
            [&seed[..16], &seed[16..], &line, &expanded[32..], &expanded[48..], &expanded[128..]];
        let found = leaks(&secrets, || {
            let key = file.decrypt(&Passphrase::new(PASSPHRASE)).unwrap();
            let request = CertificateRequest::new(&key, "CN=worker".parse().unwrap(), &[]).unwrap();
            (PrivateKey::from_pem_or_der(pem.as_bytes()).unwrap(), request)
        });
        assert_eq!(found, 0, "{algorithm}");
    }
}

/// The expanded form of a seed (FIPS 204 algorithm 24), by aws-lc, whose allocator is not ours.
fn expanded(algorithm: KeyAlgorithm, seed: &[u8]) -> Vec<u8> {
    use aws_lc_rs::encoding::AsRawBytes;
    use aws_lc_rs::signature::{
        ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair,
    };
    let algorithm = match algorithm {
        KeyAlgorithm::MlDsa44 => &ML_DSA_44_SIGNING,
        KeyAlgorithm::MlDsa65 => &ML_DSA_65_SIGNING,
        _ => &ML_DSA_87_SIGNING,
    };
    let pair = PqdsaKeyPair::from_seed(algorithm, seed).unwrap();
    pair.private_key().as_raw_bytes().unwrap().as_ref().to_vec()
}

#[test]
fn the_derived_key_is_wiped() {
    let _alone = ONE_AT_A_TIME.lock();
    let (_, file) = encrypted_key();
    let encrypted = EncryptedPrivateKey::from_pem_or_der(file.as_bytes()).unwrap();
    // RFC 8018: PBKDF2-params begin with the salt, a SEQUENCE (26) { OCTET STRING (20) ... }.
    let der = encrypted.as_der().unwrap();
    let place = der.windows(4).position(|window| window == [0x30, 26, 0x04, 20]).unwrap() + 4;
    let mut derived = [0; 32];
    pbkdf2::pbkdf2_hmac::<sha1::Sha1>(PASSPHRASE, &der[place..place + 20], 2048, &mut derived);
    let secrets: [&[u8]; 2] = [&derived[..16], &derived[16..]];
    let found = leaks(&secrets, || encrypted.decrypt(&Passphrase::new(PASSPHRASE)).unwrap());
    assert_eq!(found, 0);
}

#[test]
fn a_wrong_passphrase_leaves_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let (_, file) = encrypted_key();
    let wrong = b"a passphrase that is wrong";
    let found = leaks(&[wrong], || {
        let encrypted = EncryptedPrivateKey::from_pem_or_der(file.as_bytes()).unwrap();
        let refused = encrypted.decrypt(&Passphrase::new(*wrong)).unwrap_err();
        assert!(matches!(refused, EncryptedKeyError::WrongPassphrase));
        format!("{refused} {refused:?}")
    });
    assert_eq!(found, 0);
}

#[test]
fn reading_and_encrypting_leave_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let (scalar, line) = secret_parts(&key);
    let pem = key.to_pkcs8_pem();
    let secrets: [&[u8]; 3] = [PASSPHRASE, &scalar, &line];
    let found = leaks(&secrets, || {
        let key = PrivateKey::from_pem_or_der(pem.as_bytes()).unwrap();
        let passphrase = Passphrase::from_first_line(PASSPHRASE);
        EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Modern).unwrap()
    });
    assert_eq!(found, 0);
}

#[test]
fn a_file_that_is_no_key_after_all_leaves_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let (scalar, line) = secret_parts(&key);
    let pem = key.to_pkcs8_pem();
    let twice = zeroize::Zeroizing::new(format!("{}{}", *pem, *pem));
    let secrets: [&[u8]; 2] = [&scalar, &line];
    let found = leaks(&secrets, || {
        let several = PrivateKey::from_pem_or_der(twice.as_bytes()).unwrap_err();
        let cut = PrivateKey::from_pem_or_der(&pem.as_bytes()[..pem.len() - 30]).unwrap_err();
        let certificates =
            private_ca::CertificateChain::from_pem_or_der(pem.as_bytes()).unwrap_err();
        format!("{several} {several:?} {cut} {cut:?} {certificates} {certificates:?}")
    });
    assert_eq!(found, 0);
}
