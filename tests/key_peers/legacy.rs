//! The broken schemes, as `openssl` writes them: read with the feature that is named for them, and without it
//! refused with a command that does away with them.

use private_ca::key::Pbkdf1Hash;

use super::*;

const MD5: KeyDerivation = KeyDerivation::Pbkdf1 { hash: Pbkdf1Hash::Md5, iterations: ITERATIONS };
const SHA1: KeyDerivation =
    KeyDerivation::Pbkdf1 { hash: Pbkdf1Hash::Sha1, iterations: ITERATIONS };
const PKCS12: KeyDerivation = KeyDerivation::Pkcs12 { iterations: ITERATIONS };
const PBKDF2: KeyDerivation =
    KeyDerivation::Pbkdf2 { prf: Prf::HmacSha256, iterations: ITERATIONS };

const fn rc2(key_length: u8) -> Cipher {
    Cipher::Rc2Cbc { key_length, effective_bits: 8 * key_length as u16 }
}

/// What PKCS#8 files are written with. OpenSSL 3.0 knows MD2's schemes by name only.
const PKCS8: [(&str, KeyDerivation, Cipher); 14] = [
    ("-v1 PBE-MD5-DES", MD5, Cipher::DesCbc),
    ("-v1 PBE-SHA1-DES", SHA1, Cipher::DesCbc),
    ("-v1 PBE-MD5-RC2-64", MD5, rc2(8)),
    ("-v1 PBE-SHA1-RC2-64", SHA1, rc2(8)),
    ("-v1 PBE-SHA1-RC4-128", PKCS12, Cipher::Rc4 { key_length: 16 }),
    ("-v1 PBE-SHA1-RC4-40", PKCS12, Cipher::Rc4 { key_length: 5 }),
    ("-v1 PBE-SHA1-3DES", PKCS12, Cipher::TripleDesCbc),
    ("-v1 PBE-SHA1-2DES", PKCS12, Cipher::TwoKeyTripleDesCbc),
    ("-v1 PBE-SHA1-RC2-128", PKCS12, rc2(16)),
    ("-v1 PBE-SHA1-RC2-40", PKCS12, rc2(5)),
    ("-v2 des-cbc", PBKDF2, Cipher::DesCbc),
    ("-v2 rc2-cbc", PBKDF2, rc2(16)),
    ("-v2 rc2-64-cbc", PBKDF2, rc2(8)),
    ("-v2 rc2-40-cbc", PBKDF2, rc2(5)),
];

/// What traditional PEM is written with.
const TRADITIONAL: [(&str, Cipher); 9] = [
    ("-aes128", Cipher::Aes128Cbc),
    ("-aes192", Cipher::Aes192Cbc),
    ("-aes256", Cipher::Aes256Cbc),
    ("-des3", Cipher::TripleDesCbc),
    ("-des-ede-cbc", Cipher::TwoKeyTripleDesCbc),
    ("-des", Cipher::DesCbc),
    ("-rc2", rc2(16)),
    ("-rc2-64-cbc", rc2(8)),
    ("-rc2-40-cbc", rc2(5)),
];

/// A file that `openssl` wrote in a legacy scheme under the passphrase in a file.
struct Relic<'a> {
    how: String,
    made: &'a Made,
    passphrase_file: String,
    kdf: KeyDerivation,
    cipher: Cipher,
    file: Vec<u8>,
}

impl Relic<'_> {
    fn passphrase(&self, bench: &Bench) -> Passphrase {
        Passphrase::from_first_line(&bench.read(&self.passphrase_file))
    }
}

fn write<'a>(
    bench: &Bench,
    made: &'a Made,
    how: &str,
    passphrase_file: &str,
    (kdf, cipher): (KeyDerivation, Cipher),
) -> Relic<'a> {
    let how = how.replace("FILE", made.file);
    bench.openssl(&format!("{how} {PROVIDERS} -passout file:{passphrase_file} -out relic"));
    let passphrase_file = passphrase_file.to_owned();
    Relic { how, made, passphrase_file, kdf, cipher, file: bench.read("relic") }
}

/// One file of each scheme and kind of key, and of each scheme with passphrases that are hard on it.
fn relics<'a>(bench: &Bench, keys: &'a [Made]) -> Vec<Relic<'a>> {
    let mut relics = Vec::new();
    for made in keys {
        for (options, kdf, cipher) in PKCS8 {
            // EC keys also in DER.
            let form = if made.algorithm == KeyAlgorithm::EcdsaP384 { "DER" } else { "PEM" };
            let how = format!("pkcs8 -topk8 -in FILE {options} -iter 10 -outform {form}");
            relics.push(write(bench, made, &how, "passphrase.txt", (kdf, cipher)));
        }
        let command = match made.algorithm {
            KeyAlgorithm::Rsa { .. } => "rsa -traditional",
            // It has no form of its own to be encrypted in.
            KeyAlgorithm::Ed25519 => continue,
            _ => "ec",
        };
        for (option, cipher) in TRADITIONAL {
            let how = format!("{command} -in FILE {option}");
            let scheme = (KeyDerivation::OpensslMd5, cipher);
            relics.push(write(bench, made, &how, "passphrase.txt", scheme));
        }
    }
    let made = keys.iter().find(|made| made.algorithm == KeyAlgorithm::EcdsaP256).unwrap();
    for (number, odd) in odd_passphrases().into_iter().chain([Vec::new()]).enumerate() {
        let passphrase_file = format!("odd-{number}.txt");
        bench.write(&passphrase_file, [&odd[..], b"\n"].concat());
        for (options, kdf, cipher) in PKCS8 {
            let how = format!("pkcs8 -topk8 -in FILE {options} -iter 10");
            relics.push(write(bench, made, &how, &passphrase_file, (kdf, cipher)));
        }
        for (option, cipher) in TRADITIONAL {
            // OpenSSL writes no traditional PEM without a passphrase.
            if !odd.is_empty() {
                let scheme = (KeyDerivation::OpensslMd5, cipher);
                let how = format!("ec -in FILE {option}");
                relics.push(write(bench, made, &how, &passphrase_file, scheme));
            }
        }
    }
    relics
}

/// The keys that are put into them: of every length that there is, and in each form.
fn keys(bench: &Bench) -> [Made; 5] {
    make(bench, ["rsa.pem", "p256.pem", "p384.pem", "p521.pem", "ed25519.pem"])
}

#[cfg(feature = "insecure-legacy-encryption")]
#[test]
fn we_decrypt_what_openssl_writes_in_every_legacy_scheme() {
    let Some(bench) = Bench::new() else { return };
    let keys = keys(&bench);
    for relic in relics(&bench, &keys) {
        let Relic { how, made, passphrase_file, kdf, cipher, file } = &relic;
        let scheme = opened(file, &relic.passphrase(&bench), made, how);
        assert_eq!((scheme.kdf, scheme.cipher), (*kdf, *cipher), "{how}");
        assert!(scheme.is_legacy() && !scheme.weaknesses().is_empty(), "{how}: {scheme}");
        // Of PBES2, ten iterations are nobody's.
        assert_eq!(scheme.makers().is_none(), *kdf == PBKDF2, "{how}: {scheme}");

        // What was read is written as it was.
        let encrypted = EncryptedPrivateKey::from_pem_or_der(file).unwrap();
        assert_eq!(encrypted.as_der().is_none(), *kdf == KeyDerivation::OpensslMd5, "{how}");
        bench.write("again.pem", encrypted.to_pem());
        let public_key =
            bench.public_key(&format!("again.pem {PROVIDERS} -passin file:{passphrase_file}"));
        assert_eq!(public_key, made.public_key, "{how}");
    }
}

#[cfg(not(feature = "insecure-legacy-encryption"))]
#[test]
fn every_legacy_scheme_is_refused_with_a_command_that_does_away_with_it() {
    let Some(bench) = Bench::new() else { return };
    let keys = keys(&bench);
    for relic in relics(&bench, &keys) {
        let Relic { how, made, passphrase_file, kdf, cipher, file } = &relic;
        let encrypted = EncryptedPrivateKey::from_pem_or_der(file)
            .unwrap_or_else(|error| panic!("{how}: {error}"));
        let scheme = encrypted.scheme();
        assert_eq!((scheme.kdf, scheme.cipher), (*kdf, *cipher), "{how}");
        let error = encrypted.decrypt(&relic.passphrase(&bench)).unwrap_err();
        assert!(
            matches!(error, EncryptedKeyError::Legacy { scheme: told } if told == scheme),
            "{how}: {error}"
        );
        follow(&bench, &error.to_string(), file, passphrase_file, made);
        // Nor does the reader of plain keys take it.
        PrivateKey::from_pem_or_der(file).unwrap_err();
    }
}
