//! Nothing secret stays in memory: every block is searched as it is freed.
//!
//! The tests share one allocator, so they share one lock: a secret of one test may be alive while
//! another one searches.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use private_ca::key::{Cipher, EncryptedKeyError, EncryptionScheme, KeyDerivation, Prf};
use private_ca::{
    CertificateRequest, EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey,
};

/// What is searched for: 16 bytes of each secret, kept where the allocator can see them without
/// allocating. All zeros means nothing.
static SECRETS: Mutex<[[u8; 16]; 16]> = Mutex::new([[0; 16]; 16]);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Of every thread, because many keys are decrypted on several.
static SEARCHING: AtomicBool = AtomicBool::new(false);
static FOUND: AtomicUsize = AtomicUsize::new(0);

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
    if size < 16 || !SEARCHING.load(Ordering::SeqCst) {
        return;
    }
    // Nothing is allocated under this lock, so a thread waits for another one and never for itself.
    let Ok(secrets) = SECRETS.lock() else { return };
    // SAFETY: the block is allocated, of this size, and was zeroed when it was made.
    let bytes = unsafe { std::slice::from_raw_parts(block, size) };
    for secret in secrets.iter().filter(|secret| **secret != [0; 16]) {
        if bytes.windows(16).any(|window| window == secret) {
            FOUND.fetch_add(1, Ordering::SeqCst);
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
    FOUND.store(0, Ordering::SeqCst);
    SEARCHING.store(true, Ordering::SeqCst);
    drop(work());
    SEARCHING.store(false, Ordering::SeqCst);
    FOUND.load(Ordering::SeqCst)
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

/// The parts of a secret that are searched for: its first 16 octets, and what follows them.
fn parts(secret: &[u8]) -> Vec<Vec<u8>> {
    secret.chunks_exact(16).take(2).map(<[u8]>::to_vec).collect()
}

/// How many freed blocks held a part of one of the secrets.
fn leaks_of_all<T>(secrets: &[Vec<u8>], work: impl FnOnce() -> T) -> usize {
    let secrets: Vec<&[u8]> = secrets.iter().map(Vec::as_slice).collect();
    assert!(secrets.len() <= 16);
    leaks(&secrets, work)
}

/// A derivation with few iterations, and the same by somebody else.
type Derived = fn(passphrase: &[u8], salt: &[u8], output: &mut [u8]);

fn derivations() -> Vec<(KeyDerivation, Derived)> {
    let pbkdf2 = |prf| KeyDerivation::Pbkdf2 { prf, iterations: 5 };
    let scrypt = KeyDerivation::Scrypt { cost: 16, block_size: 8, parallelization: 2 };
    vec![
        (pbkdf2(Prf::HmacSha1), |p, s, o| pbkdf2::pbkdf2_hmac::<sha1::Sha1>(p, s, 5, o)),
        (pbkdf2(Prf::HmacSha224), |p, s, o| pbkdf2::pbkdf2_hmac::<sha2::Sha224>(p, s, 5, o)),
        (pbkdf2(Prf::HmacSha256), |p, s, o| pbkdf2::pbkdf2_hmac::<sha2::Sha256>(p, s, 5, o)),
        (pbkdf2(Prf::HmacSha384), |p, s, o| pbkdf2::pbkdf2_hmac::<sha2::Sha384>(p, s, 5, o)),
        (pbkdf2(Prf::HmacSha512), |p, s, o| pbkdf2::pbkdf2_hmac::<sha2::Sha512>(p, s, 5, o)),
        (pbkdf2(Prf::HmacSha512_256), |p, s, o| {
            pbkdf2::pbkdf2_hmac::<sha2::Sha512_256>(p, s, 5, o);
        }),
        (scrypt, |p, s, o| {
            scrypt::scrypt(p, s, &scrypt::Params::new(4, 8, 2).unwrap(), o).unwrap();
        }),
    ]
}

const CIPHERS: [Cipher; 7] = [
    Cipher::Aes128Cbc,
    Cipher::Aes192Cbc,
    Cipher::Aes256Cbc,
    Cipher::Aes128Gcm,
    Cipher::Aes192Gcm,
    Cipher::Aes256Gcm,
    Cipher::TripleDesCbc,
];

/// The salt of a file that has one of this length, once.
fn salt(der: &[u8], length: u8) -> &[u8] {
    let place = der.windows(2).position(|window| window == [4, length]).unwrap() + 2;
    &der[place..place + usize::from(length)]
}

/// What scrypt mixes before it comes to its output: as good as the derived key to whoever knows the
/// passphrase's length, and the first thing that is written to its memory.
fn first_blocks_of_scrypt(passphrase: &[u8], salt: &[u8]) -> Vec<u8> {
    let mut blocks = vec![0; 32];
    pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, salt, 1, &mut blocks);
    blocks
}

#[test]
fn no_scheme_leaves_anything_whether_it_opens_or_not() {
    let _alone = ONE_AT_A_TIME.lock();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let (scalar, line) = secret_parts(&key);
    let long = [b'w'; 200];
    for right in [
        PASSPHRASE,
        b"as long as the block of a hash function: sixty-four octets or more, and then some more",
        &long,
    ] {
        let passphrase = Passphrase::new(right);
        let wrong = [right, b"!"].concat();
        let newline = [right, b"\n"].concat();
        for ((kdf, derive), cipher) in
            derivations().into_iter().flat_map(|kdf| CIPHERS.map(|cipher| (kdf, cipher)))
        {
            let scheme = EncryptionScheme::new(kdf, 23, cipher);
            let encrypted = EncryptedPrivateKey::encrypt(&key, &passphrase, scheme).unwrap();
            let der = encrypted.as_der().unwrap();
            let salt = salt(der, 23);
            let mut changed = der.to_vec();
            *changed.last_mut().unwrap() ^= 1;
            for (tried, is_right) in [(right, true), (&wrong[..], false), (&newline, false)] {
                let mut derived = [0; 32];
                derive(tried, salt, &mut derived);
                // No whole number of HMAC keys is a secret: SHA-1 of a long passphrase, and the like.
                let hashed: [Vec<u8>; 3] = {
                    use sha2::Digest;
                    [
                        sha1::Sha1::digest(tried).to_vec(),
                        sha2::Sha256::digest(tried).to_vec(),
                        sha2::Sha512::digest(tried).to_vec(),
                    ]
                };
                let mut secrets = vec![scalar.clone(), line.clone()];
                secrets.extend(parts(tried));
                secrets.extend(parts(&derived));
                secrets.extend(parts(&first_blocks_of_scrypt(tried, salt)));
                secrets.extend(hashed.iter().flat_map(|digest| parts(digest)));
                let found = leaks_of_all(&secrets, || {
                    let tried = Passphrase::new(tried);
                    let opened = encrypted.decrypt(&tried);
                    assert_eq!(opened.is_ok(), is_right, "{scheme}");
                    let changed = EncryptedPrivateKey::from_der(&changed).unwrap();
                    let refused = changed.decrypt(&tried).unwrap_err();
                    let sealed =
                        is_right.then(|| EncryptedPrivateKey::encrypt(&key, &tried, scheme));
                    (
                        opened.map_err(|error| format!("{error} {error:?}")),
                        format!("{refused} {refused:?}"),
                        sealed,
                    )
                });
                assert_eq!(found, 0, "{scheme}, {is_right}");
            }
        }
    }
}

#[test]
fn a_key_inside_that_is_not_supported_leaves_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let (scalar, _) = secret_parts(&key);
    // The same numbers, said to be on secp256k1 and of a curve that nobody knows.
    for curve in [&[6, 5, 0x2b, 0x81, 4, 0, 0x0a][..], &[6, 5, 0x2b, 0x81, 4, 0, 0x7a]] {
        let p256 = [6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
        let der = key.expose_pkcs8_der();
        let place = der.windows(10).position(|window| window == p256).unwrap();
        let mut other = zeroize::Zeroizing::new(Vec::with_capacity(der.len()));
        other.extend_from_slice(&der[..place]);
        other.extend_from_slice(curve);
        other.extend_from_slice(&der[place + 10..]);
        // Two lengths of one octet around it, and the outermost after 0x81.
        other[2] -= 3;
        other[7] -= 3;
        let parameters =
            pkcs5::pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(3, &[1; 8], [2; 16])
                .unwrap();
        let info = pkcs8::PrivateKeyInfoRef::try_from(other.as_slice()).unwrap();
        let file = info.encrypt_with_params(parameters, PASSPHRASE).unwrap();
        let mut secrets = parts(PASSPHRASE);
        secrets.push(scalar.clone());
        let found = leaks_of_all(&secrets, || {
            let encrypted = EncryptedPrivateKey::from_der(file.as_bytes()).unwrap();
            let refused = encrypted.decrypt(&Passphrase::new(PASSPHRASE)).unwrap_err();
            let plain = PrivateKey::from_pem_or_der(&other).unwrap_err();
            assert!(!matches!(refused, EncryptedKeyError::WrongPassphrase), "{refused}");
            format!("{refused} {refused:?} {plain} {plain:?}")
        });
        assert_eq!(found, 0);
    }
}

/// Files under broken schemes, of which salt, initialisation vector and ciphertext are chosen at will: they open with no
/// passphrase, and the derivation runs all the same.
#[test]
fn broken_schemes_leave_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let pbe = |oid: &[u8]| {
        let oid = [&[6, u8::try_from(oid.len()).unwrap()], oid].concat();
        let parameters = [&[0x30, 14, 4, 8, 1, 2, 3, 4, 5, 6, 7, 8, 2, 2, 8, 0][..]].concat();
        let algorithm = [oid, parameters].concat();
        let length = u8::try_from(algorithm.len()).unwrap();
        let contents = [&[0x30, length], algorithm.as_slice(), &[4, 48], &[7; 48]].concat();
        [&[0x30, u8::try_from(contents.len()).unwrap()], contents.as_slice()].concat()
    };
    let pbes1 = |last| pbe(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, last]);
    let pkcs12 = |last| pbe(&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1, last]);
    let mut files: Vec<Vec<u8>> = [3, 6, 10, 11].map(pbes1).into();
    files.extend([1, 2, 3, 4, 5, 6].map(pkcs12));
    for (cipher, iv) in
        [("AES-256-CBC", "00112233445566778899AABBCCDDEEFF"), ("DES-EDE3-CBC", "0011223344556677")]
    {
        let file = format!(
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: {cipher},{iv}\n\n{}\n-----END EC PRIVATE KEY-----\n",
            "QUJD".repeat(16)
        );
        files.push(file.into_bytes());
    }
    let wide: Vec<u8> = PASSPHRASE.iter().flat_map(|&octet| [0, octet]).collect();
    let mut secrets = parts(PASSPHRASE);
    secrets.extend(parts(&wide));
    for file in files {
        let found = leaks_of_all(&secrets, || {
            let encrypted = EncryptedPrivateKey::from_pem_or_der(&file).unwrap();
            assert!(encrypted.scheme().is_legacy());
            let refused = encrypted.decrypt(&Passphrase::new(PASSPHRASE)).unwrap_err();
            let expected = match cfg!(feature = "insecure-legacy-encryption") {
                true => matches!(refused, EncryptedKeyError::WrongPassphrase),
                false => matches!(refused, EncryptedKeyError::Legacy { .. }),
            };
            assert!(expected, "{refused}");
            format!("{refused} {refused:?}")
        });
        assert_eq!(found, 0);
    }
}

#[test]
fn the_derivation_alone_and_many_keys_leave_nothing() {
    let _alone = ONE_AT_A_TIME.lock();
    let (key, file) = encrypted_key();
    let (scalar, _) = secret_parts(&key);
    let mut secrets = parts(PASSPHRASE);
    secrets.push(scalar);
    let found = leaks_of_all(&secrets, || {
        let passphrase = Passphrase::new(PASSPHRASE);
        let encrypted = EncryptedPrivateKey::from_pem_or_der(file.as_bytes()).unwrap();
        let keys = EncryptedPrivateKey::decrypt_many([(&encrypted, &passphrase); 3]);
        assert!(keys.iter().all(Result::is_ok));
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
