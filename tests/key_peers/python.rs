//! Python's `cryptography`, whose reader and writer of encrypted keys are its own: OpenSSL does the arithmetic.

use std::process::{Command, Stdio};

use private_ca::EncryptionPreset;

use super::*;

/// Reads each file that is named, tells that a wrong passphrase does not open it, and writes its public key beside it.
const READ: &str = r#"
import sys
from cryptography.hazmat.primitives import serialization as s
passphrase = open("passphrase.txt", "rb").readline().rstrip(b"\n")
for name in sys.argv[1:]:
    data = open(name, "rb").read()
    load = s.load_pem_private_key if data.startswith(b"-----") else s.load_der_private_key
    key = load(data, passphrase)
    if "modern" not in name:
        try:
            load(data, b"wrong horse")
            sys.exit(name + ": a wrong passphrase opens it")
        except ValueError:
            pass
    # A key for RSASSA-PSS becomes one for all of RSA here: the number is compared alone.
    form = s.PublicFormat.PKCS1 if "RSASSA-PSS" in name else s.PublicFormat.SubjectPublicKeyInfo
    open(name + ".public", "wb").write(key.public_key().public_bytes(s.Encoding.DER, form))
"#;

/// Makes a key of each kind, and writes it in every form and encryption that there is for it, and its public key.
const WRITE: &str = r#"
from cryptography.hazmat.primitives import serialization as s
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
passphrase = open("passphrase.txt", "rb").readline().rstrip(b"\n")
keys = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "rsa3": rsa.generate_private_key(3, 2048),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "mldsa44": mldsa.MLDSA44PrivateKey.generate(),
    "mldsa65": mldsa.MLDSA65PrivateKey.generate(),
    "mldsa87": mldsa.MLDSA87PrivateKey.generate(),
}
encryptions = {"plain": s.NoEncryption(), "encrypted": s.BestAvailableEncryption(passphrase)}
for name, key in keys.items():
    public = key.public_key()
    public = public.public_bytes(s.Encoding.DER, s.PublicFormat.SubjectPublicKeyInfo)
    open(name + ".public", "wb").write(public)
    for how, encryption in encryptions.items():
        for extension, encoding in (("pem", s.Encoding.PEM), ("der", s.Encoding.DER)):
            file = f"{name}-{how}-pkcs8.{extension}"
            data = key.private_bytes(encoding, s.PrivateFormat.PKCS8, encryption)
            open(file, "wb").write(data)
            # It refuses this form for other keys, and an encrypted one in DER.
            if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
                if how == "plain" or encoding == s.Encoding.PEM:
                    file = f"{name}-{how}-traditional.{extension}"
                    form = s.PrivateFormat.TraditionalOpenSSL
                    open(file, "wb").write(key.private_bytes(encoding, form, encryption))
"#;

fn python(bench: &Bench, script: &str, arguments: &[String]) -> Result<String, String> {
    let output = Command::new("python3")
        .args(["-c", script])
        .args(arguments)
        .current_dir(bench.path(""))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("python3 does not start: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A folder where Python's `cryptography` works, and knows ML-DSA. Where it is missing or older, which is an error on
/// a build server, `None`.
fn python_bench() -> Option<Bench> {
    let bench = Bench::new()?;
    let probe = "from cryptography.hazmat.primitives.asymmetric import mldsa\n\
                 mldsa.MLDSA44PrivateKey.generate()";
    if let Err(error) = python(&bench, probe, &[]) {
        let reason = format!("no python3 with a cryptography that knows ML-DSA: {error}");
        assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{reason}");
        println!("skipped: {reason}");
        return None;
    }
    Some(bench)
}

/// Lets it read all of these in one go: the files' names, their contents, and the keys in them.
fn python_reads(bench: &Bench, files: &[(String, Vec<u8>, &PrivateKey)]) {
    for (name, contents, _) in files {
        bench.write(name, contents);
    }
    let names: Vec<String> = files.iter().map(|(name, ..)| name.clone()).collect();
    python(bench, READ, &names).unwrap_or_else(|error| panic!("{error}"));
    for (name, _, key) in files {
        let public_key = bench.read(&format!("{name}.public"));
        match key.algorithm() {
            KeyAlgorithm::RsaPss { .. } => {
                assert!(
                    public_key.len() > 256 && key.public_key_der().ends_with(&public_key),
                    "{name}"
                );
            }
            _ => assert_eq!(public_key, key.public_key_der(), "{name}"),
        }
    }
}

/// A key of every kind, those for RSA made by OpenSSL.
fn every_kind(bench: &Bench) -> Vec<PrivateKey> {
    let mut keys =
        make(bench, ["rsa.pem", "rsa-pss.pem", "rsa-pss-sha256.pem"]).map(|made| made.key).to_vec();
    keys.extend(
        [
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::EcdsaP521,
            KeyAlgorithm::Ed25519,
            KeyAlgorithm::MlDsa44,
            KeyAlgorithm::MlDsa65,
            KeyAlgorithm::MlDsa87,
        ]
        .map(|algorithm| PrivateKey::generate(algorithm).unwrap()),
    );
    keys
}

#[test]
fn python_reads_our_keys_of_every_kind_in_every_preset() {
    let Some(bench) = python_bench() else { return };
    let keys = every_kind(&bench);
    let mut files = Vec::new();
    for (number, key) in keys.iter().enumerate() {
        for (preset, preset_name) in [
            (EncryptionPreset::Acm, "acm"),
            (EncryptionPreset::Modern, "modern"),
            (EncryptionPreset::Scrypt, "scrypt"),
        ] {
            // The other two take a while: a long key, the shortest and the longest have to do.
            let enough = [KeyAlgorithm::RSA_2048, KeyAlgorithm::Ed25519, KeyAlgorithm::MlDsa87];
            if preset != EncryptionPreset::Acm && !enough.contains(&key.algorithm()) {
                continue;
            }
            let encrypted = EncryptedPrivateKey::encrypt(key, &passphrase(), preset).unwrap();
            let name = format!("{number} {} {preset_name}", key.algorithm());
            files.push((format!("{name}.pem"), encrypted.to_pem().into_bytes(), key));
            if preset == EncryptionPreset::Acm {
                files.push((format!("{name}.der"), encrypted.as_der().unwrap().to_vec(), key));
            }
        }
    }
    python_reads(&bench, &files);
}

#[test]
fn python_reads_our_keys_in_every_scheme_that_it_knows() {
    let Some(bench) = python_bench() else { return };
    let keys = every_kind(&bench);
    let mut files = Vec::new();
    let scrypt = SCRYPT.map(|(cost, block_size, parallelization)| KeyDerivation::Scrypt {
        cost,
        block_size,
        parallelization,
    });
    let derivations: Vec<KeyDerivation> = PRFS
        .into_iter()
        // Which it does not know.
        .filter(|(_, prf)| *prf != Prf::HmacSha512_256)
        .map(|(_, prf)| KeyDerivation::Pbkdf2 { prf, iterations: ITERATIONS })
        // The costly ones are for others to read.
        .chain(
            scrypt
                .into_iter()
                .filter(|kdf| matches!(kdf, KeyDerivation::Scrypt { cost, .. } if *cost <= 1024)),
        )
        .collect();
    for (number, key) in keys.iter().enumerate() {
        for (which, kdf) in derivations.iter().enumerate() {
            // Every derivation meets every cipher, if not with every key: checking a key takes Python its time.
            let (cipher_name, cipher) = CIPHERS[(number + which) % CIPHERS.len()];
            let scheme = EncryptionScheme::new(*kdf, 16, cipher);
            let encrypted = EncryptedPrivateKey::encrypt(key, &passphrase(), scheme).unwrap();
            let name = format!("{number} {} {cipher_name} {which}.der", key.algorithm());
            files.push((name, encrypted.as_der().unwrap().to_vec(), key));
        }
    }
    python_reads(&bench, &files);
}

#[test]
fn we_read_what_python_writes_of_every_kind() {
    let Some(bench) = python_bench() else { return };
    python(&bench, WRITE, &[]).unwrap_or_else(|error| panic!("{error}"));
    for (name, algorithm) in [
        ("rsa", KeyAlgorithm::RSA_2048),
        // Its public exponent is 3.
        ("rsa3", KeyAlgorithm::RSA_2048),
        ("p256", KeyAlgorithm::EcdsaP256),
        ("p384", KeyAlgorithm::EcdsaP384),
        ("p521", KeyAlgorithm::EcdsaP521),
        ("ed25519", KeyAlgorithm::Ed25519),
        ("mldsa44", KeyAlgorithm::MlDsa44),
        ("mldsa65", KeyAlgorithm::MlDsa65),
        ("mldsa87", KeyAlgorithm::MlDsa87),
    ] {
        let public_key = bench.read(&format!("{name}.public"));
        let plain = |file: &str| PrivateKey::from_pem_or_der(&bench.read(file)).unwrap();
        let key = plain(&format!("{name}-plain-pkcs8.pem"));
        assert_eq!(key.algorithm(), algorithm, "{name}");
        let made = Made { file: "of Python", algorithm, public_key, key };
        let mut forms = vec!["pkcs8"];
        if name.starts_with("rsa") || name.starts_with('p') {
            forms.push("traditional");
        }
        for form in forms {
            for encoding in ["pem", "der"] {
                let key = plain(&format!("{name}-plain-{form}.{encoding}"));
                assert_eq!(key.public_key_der(), made.public_key, "{name}, {form}, {encoding}");
                let file = format!("{name}-encrypted-{form}.{encoding}");
                match form {
                    "pkcs8" => {
                        let scheme = opened(&bench.read(&file), &passphrase(), &made, &file);
                        assert!(
                            !scheme.is_legacy() && scheme.makers().is_some(),
                            "{file}: {scheme}"
                        );
                        assert_eq!(scheme.cipher, Cipher::Aes256Cbc, "{file}");
                    }
                    _ if encoding == "der" => {}
                    _ => traditional(&bench, &file, &made),
                }
            }
        }
    }
}

/// Traditional PEM, as Python still writes it.
fn traditional(bench: &Bench, file: &str, made: &Made) {
    let contents = bench.read(file);
    let encrypted = EncryptedPrivateKey::from_pem_or_der(&contents).unwrap();
    let scheme = encrypted.scheme();
    assert_eq!(scheme.kdf, KeyDerivation::OpensslMd5, "{file}");
    assert_eq!(scheme.cipher, Cipher::Aes256Cbc, "{file}");
    if cfg!(feature = "insecure-legacy-encryption") {
        opened(&contents, &passphrase(), made, file);
    } else {
        let error = encrypted.decrypt(&passphrase()).unwrap_err();
        assert!(matches!(error, EncryptedKeyError::Legacy { .. }), "{file}: {error}");
        follow(bench, &error.to_string(), &contents, "passphrase.txt", made);
    }
}

#[cfg(feature = "insecure-legacy-encryption")]
#[test]
fn python_reads_what_we_write_of_traditional_pem_again() {
    let Some(bench) = python_bench() else { return };
    let made = make(&bench, ["rsa.pem", "p256.pem", "p384.pem", "p521.pem"]);
    let mut files = Vec::new();
    for made in &made {
        let command = if made.file == "rsa.pem" { "rsa -traditional" } else { "ec" };
        // Those that it knows.
        for cipher in ["aes128", "aes256", "des3"] {
            bench.openssl(&format!(
                "{command} -in {} -{cipher} -passout file:passphrase.txt -out traditional.pem",
                made.file
            ));
            let encrypted =
                EncryptedPrivateKey::from_pem_or_der(&bench.read("traditional.pem")).unwrap();
            let name = format!("{cipher}-{}", made.file);
            files.push((name, encrypted.to_pem().into_bytes(), &made.key));
        }
    }
    python_reads(&bench, &files);
}
