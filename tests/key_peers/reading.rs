//! What `openssl` writes and we read.

use super::*;

#[test]
fn we_read_the_plain_keys_that_openssl_writes_in_every_form() {
    let Some(bench) = Bench::new() else { return };
    for Made { file, algorithm, public_key, .. } in make_all(&bench) {
        let text = String::from_utf8(bench.read(file)).unwrap();
        let (first, own) = match algorithm {
            KeyAlgorithm::Rsa { .. } => ("-----BEGIN RSA PRIVATE KEY-----", "rsa -traditional"),
            KeyAlgorithm::RsaPss { .. } | KeyAlgorithm::Ed25519 => {
                ("-----BEGIN PRIVATE KEY-----", "pkey")
            }
            _ => ("-----BEGIN EC PARAMETERS-----", "ec"),
        };
        assert!(text.starts_with(first), "{text}");
        let mut forms = vec![(first.to_owned(), bench.read(file))];
        for how in [
            format!("{own} -in {file} -outform DER"),
            format!("{own} -in {file} -outform PEM"),
            format!("pkey -in {file} -traditional -outform DER"),
            format!("pkcs8 -topk8 -nocrypt -in {file}"),
            format!("pkcs8 -topk8 -nocrypt -in {file} -outform DER"),
            // The public key and the numbers in words, around and after the key.
            format!("pkey -in {file} -text"),
        ] {
            bench.openssl(&format!("{how} -out form"));
            forms.push((how, bench.read("form")));
        }
        // Without the public key, which the private number gives.
        if own == "ec" {
            for form in ["DER", "PEM"] {
                let how = format!("ec -in {file} -no_public -outform {form}");
                bench.openssl(&format!("{how} -out form"));
                forms.push((how, bench.read("form")));
            }
        }
        for (how, form) in forms {
            let key = PrivateKey::from_pem_or_der(&form)
                .unwrap_or_else(|error| panic!("{algorithm}: {how}: {error}"));
            assert_eq!(key.algorithm(), algorithm, "{how}");
            assert_eq!(key.public_key_der(), public_key, "{algorithm}: {how}");
        }
    }
}

#[test]
fn we_decrypt_what_pkcs8_topk8_writes_with_every_cipher_and_prf() {
    let Some(bench) = Bench::new() else { return };
    for made in make_all(&bench) {
        for (cipher_name, cipher) in CIPHERS {
            for (prf_name, prf) in PRFS {
                for form in ["PEM", "DER"] {
                    let how =
                        format!("-v2 {cipher_name} -v2prf {prf_name} -iter 10 -outform {form}");
                    bench.openssl(&format!(
                        "pkcs8 -topk8 -in {} {how} -passout file:passphrase.txt -out encrypted",
                        made.file
                    ));
                    let scheme = opened(&bench.read("encrypted"), &passphrase(), &made, &how);
                    let iterations = ITERATIONS;
                    assert_eq!(scheme.kdf, KeyDerivation::Pbkdf2 { prf, iterations }, "{how}");
                    assert_eq!(scheme.cipher, cipher, "{how}");
                    // 8 octets until OpenSSL 3.3.
                    assert!([8, 16].contains(&scheme.salt_length), "{scheme}");
                    assert!(!scheme.is_legacy(), "{scheme}");
                }
            }
        }
    }
}

#[test]
fn we_decrypt_what_pkcs8_topk8_writes_with_scrypt() {
    let Some(bench) = Bench::new() else { return };
    for (number, made) in make_all(&bench).into_iter().enumerate() {
        for (cost, block_size, parallelization) in SCRYPT {
            // The costly ones once.
            if cost > 1024 && number > 0 {
                continue;
            }
            let parameters = match (cost, block_size, parallelization) {
                OPENSSL_SCRYPT => String::new(),
                (n, r, p) => format!("-scrypt_N {n} -scrypt_r {r} -scrypt_p {p}"),
            };
            // The derivation does not depend on what is encrypted: each kind of key has a cipher and a form.
            let (cipher_name, cipher) = CIPHERS[number % CIPHERS.len()];
            let form = ["PEM", "DER"][number % 2];
            let how = format!("-scrypt {parameters} -v2 {cipher_name} -outform {form}");
            bench.openssl(&format!(
                "pkcs8 -topk8 -in {} {how} -passout file:passphrase.txt -out encrypted",
                made.file
            ));
            let scheme = opened(&bench.read("encrypted"), &passphrase(), &made, &how);
            let kdf = KeyDerivation::Scrypt { cost, block_size, parallelization };
            assert_eq!(scheme.kdf, kdf, "{how}");
            assert_eq!(scheme.cipher, cipher, "{how}");
        }
    }
}

#[test]
fn we_decrypt_what_openssl_writes_by_default_and_know_that_it_is_openssl_s() {
    let Some(bench) = Bench::new() else { return };
    for made in make_all(&bench) {
        let key_type = match made.algorithm {
            KeyAlgorithm::Rsa { .. } => "RSA",
            KeyAlgorithm::RsaPss { .. } => "RSA-PSS",
            KeyAlgorithm::Ed25519 => "ED25519",
            _ => "EC",
        };
        for how in [
            format!("pkcs8 -topk8 -in {}", made.file),
            format!("pkcs8 -topk8 -in {} -outform DER", made.file),
            format!("pkey -in {} -aes256", made.file),
            format!("pkey -in {} -des3", made.file),
        ] {
            bench.openssl(&format!("{how} -passout file:passphrase.txt -out encrypted"));
            let scheme = opened(&bench.read("encrypted"), &passphrase(), &made, &how);
            let kdf = KeyDerivation::Pbkdf2 { prf: Prf::HmacSha256, iterations: 2048 };
            assert_eq!(scheme.kdf, kdf, "{key_type}: {how}");
            let makers = scheme.makers().unwrap_or_default();
            assert!(makers.contains("openssl pkcs8 -topk8"), "{scheme}: {makers}");
        }
    }
    // Where the key is made and encrypted in one.
    for how in [
        "genrsa -aes128 -passout file:passphrase.txt -out encrypted 2048",
        "genpkey -algorithm ed25519 -aes256 -pass file:passphrase.txt -out encrypted",
        "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -aes192 -pass file:passphrase.txt -out encrypted",
        "req -new -newkey rsa:2048 -subj /CN=worker -passout file:passphrase.txt -keyout encrypted -out request.pem",
    ] {
        bench.openssl(how);
        let public_key = bench.public_key("encrypted -passin file:passphrase.txt");
        let encrypted = EncryptedPrivateKey::from_pem_or_der(&bench.read("encrypted"))
            .unwrap_or_else(|error| panic!("{how}: {error}"));
        let key = encrypted.decrypt(&passphrase()).unwrap();
        assert_eq!(key.public_key_der(), public_key, "{how}");
    }
}

#[test]
fn we_take_passphrases_as_openssl_does() {
    let Some(bench) = Bench::new() else { return };
    let [made] = make(&bench, ["p256.pem"]);
    for odd in odd_passphrases() {
        bench.write("odd.txt", [&odd[..], b"\n"].concat());
        for how in [
            "-v2prf hmacWithSHA1",
            "-v2prf hmacWithSHA224",
            "-v2prf hmacWithSHA256",
            "-v2prf hmacWithSHA384",
            "-v2prf hmacWithSHA512",
            "-v2prf hmacWithSHA512-256",
            "-scrypt -scrypt_N 16",
        ] {
            bench.openssl(&format!(
                "pkcs8 -topk8 -in {} {how} -iter 10 -passout file:odd.txt -out encrypted",
                made.file
            ));
            let what = format!("{} octets, {how}", odd.len());
            opened(&bench.read("encrypted"), &Passphrase::new(&*odd), &made, &what);
        }
    }
    // None at all, which PBES2 can have.
    for how in ["-iter 10", "-scrypt -scrypt_N 16"] {
        bench.openssl(&format!(
            "pkcs8 -topk8 -in {} {how} -passout pass: -out encrypted",
            made.file
        ));
        opened(&bench.read("encrypted"), &Passphrase::new(*b""), &made, how);
    }
    // The file's newline is not the passphrase's, and we say so.
    bench.openssl(&format!(
        "pkcs8 -topk8 -in {} -iter 10 -passout file:passphrase.txt -out encrypted",
        made.file
    ));
    let encrypted = EncryptedPrivateKey::from_pem_or_der(&bench.read("encrypted")).unwrap();
    for contents in [[PASSPHRASE, b"\n"].concat(), [PASSPHRASE, b"\r\n"].concat()] {
        let with_newline = encrypted.decrypt(&Passphrase::new(&*contents));
        assert!(
            matches!(with_newline, Err(EncryptedKeyError::PassphraseEndsInNewline)),
            "{with_newline:?}"
        );
        encrypted.decrypt(&Passphrase::from_first_line(&contents)).unwrap();
    }
}
