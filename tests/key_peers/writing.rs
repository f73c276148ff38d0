//! What we write and `openssl` reads.

use private_ca::EncryptionPreset;

use super::*;

/// Has `openssl` take the passphrase off one of our keys, in PEM, and tell its public key, in DER.
fn openssl_reads(
    bench: &Bench,
    key: &PrivateKey,
    with: &Passphrase,
    scheme: impl Into<EncryptionScheme>,
) -> EncryptionScheme {
    let scheme = scheme.into();
    let what = format!("{}, {scheme}", key.algorithm());
    let encrypted = EncryptedPrivateKey::encrypt(key, with, scheme)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    bench.write("ours.txt", [with.expose(), b"\n"].concat());
    bench.write("ours.pem", encrypted.to_pem());
    bench.openssl("pkcs8 -in ours.pem -passin file:ours.txt -out plain.pem");
    let plain = PrivateKey::from_pem_or_der(&bench.read("plain.pem")).unwrap();
    assert_eq!(plain.public_key_der(), key.public_key_der(), "{what}");
    bench.write("ours.der", encrypted.as_der().unwrap());
    let public_key = bench.public_key("ours.der -inform DER -passin file:ours.txt");
    assert_eq!(public_key, key.public_key_der(), "{what}");
    let read = EncryptedPrivateKey::from_der(&bench.read("ours.der")).unwrap();
    assert_eq!(read.scheme(), scheme);
    scheme
}

#[test]
fn pkcs8_reads_our_keys_of_every_kind_with_every_cipher_and_prf() {
    let Some(bench) = Bench::new() else { return };
    for made in make_all(&bench) {
        for (_, cipher) in CIPHERS {
            for (_, prf) in PRFS {
                let kdf = KeyDerivation::Pbkdf2 { prf, iterations: ITERATIONS };
                let scheme = EncryptionScheme::new(kdf, 16, cipher);
                openssl_reads(&bench, &made.key, &passphrase(), scheme);
            }
        }
        bench.write("wrong.txt", "wrong horse\n");
        bench.refuses("pkcs8 -in ours.pem -passin file:wrong.txt -out plain.pem");
    }
}

#[test]
fn pkcs8_reads_our_keys_with_scrypt() {
    let Some(bench) = Bench::new() else { return };
    for (number, made) in make_all(&bench).into_iter().enumerate() {
        for (cost, block_size, parallelization) in SCRYPT {
            // The costly ones once.
            if cost > 1024 && number > 0 {
                continue;
            }
            let kdf = KeyDerivation::Scrypt { cost, block_size, parallelization };
            let (_, cipher) = CIPHERS[number % CIPHERS.len()];
            openssl_reads(&bench, &made.key, &passphrase(), EncryptionScheme::new(kdf, 16, cipher));
        }
    }
}

#[test]
fn pkcs8_reads_our_keys_with_every_count_of_iterations_and_octets_of_salt() {
    let Some(bench) = Bench::new() else { return };
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    for (_, prf) in PRFS {
        // The counts around the lengths of an INTEGER in DER.
        for (iterations, salt_length) in
            [(1, 8), (2, 9), (127, 16), (128, 20), (255, 32), (256, 63), (32_767, 64), (32_768, 65)]
        {
            let kdf = KeyDerivation::Pbkdf2 { prf, iterations };
            let scheme = EncryptionScheme::new(kdf, salt_length, Cipher::Aes256Cbc);
            openssl_reads(&bench, &key, &passphrase(), scheme);
        }
    }
    // Salts that nobody should use, and those whose length takes several octets in DER.
    for salt_length in [0, 1, 7, 127, 128, 255, 256, 1024] {
        for kdf in [
            KeyDerivation::Pbkdf2 { prf: Prf::HmacSha1, iterations: ITERATIONS },
            KeyDerivation::Pbkdf2 { prf: Prf::HmacSha256, iterations: ITERATIONS },
            KeyDerivation::Scrypt { cost: 16, block_size: 1, parallelization: 1 },
        ] {
            let scheme = EncryptionScheme::new(kdf, salt_length, Cipher::Aes128Cbc);
            openssl_reads(&bench, &key, &passphrase(), scheme);
        }
    }
}

#[test]
fn pkcs8_takes_passphrases_as_we_do() {
    let Some(bench) = Bench::new() else { return };
    let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let scrypt = KeyDerivation::Scrypt { cost: 16, block_size: 1, parallelization: 1 };
    for odd in odd_passphrases().into_iter().chain([Vec::new()]) {
        for kdf in PRFS
            .map(|(_, prf)| KeyDerivation::Pbkdf2 { prf, iterations: ITERATIONS })
            .into_iter()
            .chain([scrypt])
        {
            let scheme = EncryptionScheme::new(kdf, 16, Cipher::Aes256Cbc);
            openssl_reads(&bench, &key, &Passphrase::new(&*odd), scheme);
        }
    }
}

#[test]
fn pkcs8_reads_our_keys_of_every_kind_in_every_preset() {
    let Some(bench) = Bench::new() else { return };
    let mut keys =
        make(&bench, ["rsa-pss.pem", "rsa-pss-sha256.pem"]).map(|made| made.key).to_vec();
    keys.extend(
        [
            KeyAlgorithm::RSA_2048,
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::EcdsaP521,
            KeyAlgorithm::Ed25519,
        ]
        .map(|algorithm| PrivateKey::generate(algorithm).unwrap()),
    );
    for key in &keys {
        bench.write("plain.pem", &*key.to_pkcs8_pem());
        assert_eq!(bench.public_key("plain.pem"), key.public_key_der(), "{}", key.algorithm());
        bench.openssl("pkey -in plain.pem -check -noout");
        for preset in [EncryptionPreset::Acm, EncryptionPreset::Modern, EncryptionPreset::Scrypt] {
            // The other two take a while: the longest and the shortest key have to do.
            if preset != EncryptionPreset::Acm
                && ![KeyAlgorithm::RSA_2048, KeyAlgorithm::Ed25519].contains(&key.algorithm())
            {
                continue;
            }
            let scheme = openssl_reads(&bench, key, &passphrase(), preset);
            assert!(scheme.makers().is_some(), "{scheme}");
        }
    }
}

#[test]
fn the_acm_preset_is_acm_s_form_to_the_octet() {
    let Some(bench) = Bench::new() else { return };
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let encrypted =
        EncryptedPrivateKey::encrypt(&key, &passphrase(), EncryptionPreset::Acm).unwrap();
    bench.write("private_key.txt", encrypted.to_pem());
    let text = bench.openssl("asn1parse -in private_key.txt");
    // Depth and type of each element, and the value where it is not random.
    let elements: Vec<(&str, &str)> = text
        .lines()
        .map(|line| {
            let depth = line.split("d=").nth(1).unwrap().split_whitespace().next().unwrap();
            let (_, element) = line.split_once("cons: ").or(line.split_once("prim: ")).unwrap();
            let element = element.split("[HEX DUMP]").next().unwrap().trim();
            (depth, element)
        })
        .collect();
    let compact = |element: &str| element.split_whitespace().collect::<Vec<_>>().join(" ");
    let elements: Vec<String> = elements
        .into_iter()
        .map(|(depth, element)| format!("{depth} {}", compact(element)))
        .collect();
    assert_eq!(
        elements,
        [
            "0 SEQUENCE",
            "1 SEQUENCE",
            "2 OBJECT :PBES2",
            "2 SEQUENCE",
            "3 SEQUENCE",
            "4 OBJECT :PBKDF2",
            "4 SEQUENCE",
            "5 OCTET STRING",
            // Neither a key length nor a pseudo-random function follows.
            "5 INTEGER :0800",
            "3 SEQUENCE",
            "4 OBJECT :aes-256-cbc",
            "4 OCTET STRING",
            "1 OCTET STRING",
        ],
        "{text}"
    );
    let salt = text.lines().nth(7).unwrap();
    assert!(salt.contains("l=  20 prim"), "{salt}");
}
