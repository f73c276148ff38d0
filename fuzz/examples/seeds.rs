//! Writes `seeds/`: valid chains and keys to start from.

#[path = "../../tests/support/chains.rs"]
mod chains;

use std::error::Error;
use std::fs;
use std::path::Path;

use chains::Authority;
use private_ca::key::{Cipher, EncryptionScheme, KeyDerivation, Prf};
use private_ca::verify::{Purpose, Verification, Verifier};
use private_ca::{
    Certificate, EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey,
};
use rcgen::PKCS_ED25519;

fn main() -> Result<(), Box<dyn Error>> {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let (bundles, paths) = (seeds.join("parse_bundle"), seeds.join("verify_chain"));
    fs::create_dir_all(&bundles)?;
    fs::create_dir_all(&paths)?;

    let root = Authority::root("Root");
    let upper = root.intermediate_with("Upper", chains::path_length(1));
    let lower = upper.intermediate_with("Lower", chains::path_length(0));
    let ed25519 = Authority::of_algorithm(&PKCS_ED25519, "Ed25519");
    let own = chains::leaf_params().self_signed(&chains::key())?;
    let own = Certificate::from_der(own.der())?;

    for (name, path) in [
        ("anchor", vec![root.leaf(), root.certificate.clone()]),
        (
            "intermediates",
            vec![
                lower.leaf(),
                lower.certificate.clone(),
                upper.certificate.clone(),
                root.certificate.clone(),
            ],
        ),
        ("ed25519", vec![ed25519.leaf(), ed25519.certificate.clone()]),
        ("self-signed", vec![own.clone(), own]),
        (
            "cross-signed",
            vec![
                lower.leaf(),
                lower.certificate.clone(),
                ed25519.cross_sign(&upper),
                upper.certificate.clone(),
                root.certificate.clone(),
            ],
        ),
    ] {
        if let [leaf, pool @ .., anchor] = path.as_slice() {
            Verifier::new([anchor.clone()])?.verify(
                leaf,
                pool,
                &Verification::new(Purpose::Client).at(chains::now()),
            )?;
        }
        let mut input = vec![0];
        let mut pem = String::new();
        for certificate in &path {
            let der = certificate.as_der();
            input.extend(u16::try_from(der.len())?.to_be_bytes());
            input.extend(der);
            pem.push_str(&certificate.to_pem());
        }
        fs::write(paths.join(name), input)?;
        fs::write(bundles.join(format!("{name}.pem")), pem)?;
    }
    fs::write(bundles.join("root.der"), root.certificate.as_der())?;
    write_keys(&seeds.join("decrypt_key"))
}

/// The passphrase is the one that the target tries. The seeds under broken schemes, which nothing here writes, are
/// `openssl pkcs8 -topk8 -v1` and `openssl ec -aes256` and the like of the same key; they stay as they are.
fn write_keys(keys: &Path) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(keys)?;
    let passphrase = Passphrase::new(*b"correct horse");
    for (name, algorithm) in [
        ("p256", KeyAlgorithm::EcdsaP256),
        ("p384", KeyAlgorithm::EcdsaP384),
        ("p521", KeyAlgorithm::EcdsaP521),
        ("ed25519", KeyAlgorithm::Ed25519),
        ("mldsa44", KeyAlgorithm::MlDsa44),
        ("rsa2048", KeyAlgorithm::RSA_2048),
    ] {
        let key = PrivateKey::generate(algorithm)?;
        let encrypted = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm)?;
        fs::write(keys.join(format!("{name}.der")), key.expose_pkcs8_der())?;
        fs::write(keys.join(format!("{name}-encrypted.der")), encrypted.as_der().unwrap_or_default())?;
        fs::write(keys.join(format!("{name}.pem")), key.to_pkcs8_pem().as_bytes())?;
        fs::write(keys.join(format!("{name}-encrypted.pem")), encrypted.to_pem())?;
    }
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
    let pbkdf2 = |prf| KeyDerivation::Pbkdf2 { prf, iterations: 2 };
    let scrypt = KeyDerivation::Scrypt { cost: 16, block_size: 1, parallelization: 1 };
    for (name, kdf, cipher) in [
        ("sha256-aes128", pbkdf2(Prf::HmacSha256), Cipher::Aes128Cbc),
        ("sha512-aes192", pbkdf2(Prf::HmacSha512), Cipher::Aes192Cbc),
        ("sha512-256-gcm", pbkdf2(Prf::HmacSha512_256), Cipher::Aes256Gcm),
        ("sha1-3des", pbkdf2(Prf::HmacSha1), Cipher::TripleDesCbc),
        ("scrypt", scrypt, Cipher::Aes256Cbc),
        ("scrypt-gcm", scrypt, Cipher::Aes128Gcm),
    ] {
        let scheme = EncryptionScheme::new(kdf, 8, cipher);
        let encrypted = EncryptedPrivateKey::encrypt(&key, &passphrase, scheme)?;
        fs::write(keys.join(format!("{name}.der")), encrypted.as_der().unwrap_or_default())?;
    }
    Ok(())
}
