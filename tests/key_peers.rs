//! Private key files that nobody here wrote, and what their writers make of ours: the `openssl` command in
//! both directions, and Python's `cryptography`, which has a reader of its own.
//!
//! Neither knows AES-GCM in PBES2: aws-lc and RustCrypto's pkcs5 judge it in the library's own tests. Nor does
//! OpenSSL 3.0 know ML-DSA: those keys are for Python here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "support/openssl.rs"]
mod bench;

#[path = "key_peers/legacy.rs"]
mod legacy;
#[path = "key_peers/python.rs"]
mod python;
#[path = "key_peers/reading.rs"]
mod reading;
#[path = "key_peers/refused.rs"]
mod refused;
#[path = "key_peers/writing.rs"]
mod writing;

use bench::{Bench, PASSPHRASE, passphrase};
use private_ca::key::{Cipher, EncryptedKeyError, EncryptionScheme, KeyDerivation, Prf};
use private_ca::{EncryptedPrivateKey, KeyAlgorithm, Passphrase, PrivateKey};

/// The ciphers that OpenSSL 3.0 writes in PBES2 and that are not broken.
const CIPHERS: [(&str, Cipher); 4] = [
    ("aes-128-cbc", Cipher::Aes128Cbc),
    ("aes-192-cbc", Cipher::Aes192Cbc),
    ("aes-256-cbc", Cipher::Aes256Cbc),
    ("des3", Cipher::TripleDesCbc),
];

/// The pseudo-random functions that OpenSSL 3.0 writes in PBKDF2 and that are not broken.
const PRFS: [(&str, Prf); 6] = [
    ("hmacWithSHA1", Prf::HmacSha1),
    ("hmacWithSHA224", Prf::HmacSha224),
    ("hmacWithSHA256", Prf::HmacSha256),
    ("hmacWithSHA384", Prf::HmacSha384),
    ("hmacWithSHA512", Prf::HmacSha512),
    ("hmacWithSHA512-256", Prf::HmacSha512_256),
];

/// Old ciphers are in a provider of their own since OpenSSL 3.
const PROVIDERS: &str = "-provider legacy -provider default";

/// Few, because what is judged here is not the time they take.
const ITERATIONS: u32 = 10;

/// What OpenSSL takes for scrypt's N, r and p when it is not told.
const OPENSSL_SCRYPT: (u64, u32, u32) = (1 << 14, 8, 1);

/// scrypt's N, r and p: OpenSSL's own, the least, blocks of odd sizes, several lanes, and nearly all of the
/// 32 MiB that OpenSSL allows it.
const SCRYPT: [(u64, u32, u32); 7] =
    [OPENSSL_SCRYPT, (2, 1, 1), (16, 1, 1), (16, 17, 1), (64, 3, 5), (1024, 8, 2), (8192, 31, 1)];

/// A file of each kind of key, and the command that makes it.
const KEYS: [(&str, KeyAlgorithm, &str); 8] = [
    ("rsa.pem", KeyAlgorithm::RSA_2048, "genrsa -traditional -out rsa.pem 2048"),
    (
        "rsa-pss.pem",
        KeyAlgorithm::RsaPss { bits: 2048 },
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out rsa-pss.pem",
    ),
    (
        "rsa-pss-sha256.pem",
        KeyAlgorithm::RsaPss { bits: 2048 },
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
         -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32 \
         -out rsa-pss-sha256.pem",
    ),
    (
        "rsa-pss-sha512.pem",
        KeyAlgorithm::RsaPss { bits: 2048 },
        // MGF1's hash function and the salt's length are left to OpenSSL.
        "genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha512 \
         -out rsa-pss-sha512.pem",
    ),
    ("p256.pem", KeyAlgorithm::EcdsaP256, "ecparam -name prime256v1 -genkey -out p256.pem"),
    ("p384.pem", KeyAlgorithm::EcdsaP384, "ecparam -name secp384r1 -genkey -out p384.pem"),
    ("p521.pem", KeyAlgorithm::EcdsaP521, "ecparam -name secp521r1 -genkey -out p521.pem"),
    ("ed25519.pem", KeyAlgorithm::Ed25519, "genpkey -algorithm ed25519 -out ed25519.pem"),
];

/// A key that `openssl` made, in a plain file.
struct Made {
    file: &'static str,
    algorithm: KeyAlgorithm,
    /// As `openssl` sees it.
    public_key: Vec<u8>,
    /// As we read it.
    key: PrivateKey,
}

/// Makes the keys of these files with `openssl`.
fn make<const N: usize>(bench: &Bench, files: [&str; N]) -> [Made; N] {
    files.map(|wanted| {
        let (file, algorithm, how) =
            KEYS.into_iter().find(|(file, ..)| *file == wanted).expect("a kind of key");
        bench.openssl(how);
        let key = PrivateKey::from_pem_or_der(&bench.read(file)).unwrap();
        Made { file, algorithm, public_key: bench.public_key(file), key }
    })
}

fn make_all(bench: &Bench) -> [Made; 8] {
    make(bench, KEYS.map(|(file, ..)| file))
}

/// Reads an encrypted key, which its passphrase opens and another one does not, and tells how it is encrypted.
fn opened(file: &[u8], with: &Passphrase, made: &Made, what: &str) -> EncryptionScheme {
    let what = format!("{}, {what}", made.file);
    let encrypted = EncryptedPrivateKey::from_pem_or_der(file)
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    let key = encrypted.decrypt(with).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(key.algorithm(), made.algorithm, "{what}");
    assert_eq!(key.public_key_der(), made.public_key, "{what}");
    let wrong = encrypted.decrypt(&Passphrase::new(*b"wrong horse"));
    assert!(matches!(wrong, Err(EncryptedKeyError::WrongPassphrase)), "{what}: {wrong:?}");
    // A key that is encrypted is none that is read without its passphrase.
    PrivateKey::from_pem_or_der(file).unwrap_err();
    encrypted.scheme()
}

/// Passphrases of other lengths and alphabets than a person would try: around the blocks of the hash functions
/// (64 and 128 octets, beyond which HMAC hashes its key), as long as `openssl` reads them, in UTF-8 and in none.
fn odd_passphrases() -> Vec<Vec<u8>> {
    let mut odd: Vec<Vec<u8>> =
        [1, 63, 64, 65, 127, 128, 129, 1000].map(|length| vec![b'x'; length]).into();
    odd.push("p\u{e4}ssw\u{f6}rd \u{20ac}\u{1f600}".into());
    odd.push(b" two spaces, \\ \" and a tab\t".into());
    odd.push(b"p\xe4ssw\xf6rd".into());
    odd
}

/// The command that an error advises, between backquotes, without the name of the program.
fn advised(error: &str) -> &str {
    let (_, rest) = error.split_once("`openssl ").unwrap_or_else(|| panic!("no command: {error}"));
    rest.split_once('`').unwrap_or_else(|| panic!("no end: {error}")).0
}

/// Does as the error advises, with the passphrase that the file has and a new one, and checks that the key is
/// the same afterwards.
fn follow(bench: &Bench, error: &str, file: &[u8], passphrase_file: &str, made: &Made) {
    // One file for both would be read on: its second line is the new passphrase to OpenSSL.
    bench.write("new-passphrase.txt", b"correct battery\n");
    bench.write("old-key", file);
    let _ = std::fs::remove_file(bench.path("new-key"));
    let command: Vec<&str> = advised(error)
        .split(' ')
        .map(|word| match word {
            "FILE" => "old-key",
            "NEW_FILE" => "new-key",
            word => word,
        })
        .collect();
    assert!(command.contains(&"old-key") && command.contains(&"new-key"), "{error}");
    bench.openssl(&format!(
        "{} -passin file:{passphrase_file} -passout file:new-passphrase.txt",
        command.join(" ")
    ));
    let scheme = opened(&bench.read("new-key"), &Passphrase::new(*b"correct battery"), made, error);
    assert!(!scheme.is_legacy(), "{scheme}");
}
