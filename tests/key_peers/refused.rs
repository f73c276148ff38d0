//! What `openssl` and `ssh-keygen` write and we do not take: the error tells the cause, and the command that it
//! advises helps.

use std::process::{Command, Stdio};

use private_ca::key::{KdfError, KeyError};

use super::*;

/// Why none of a key's forms is taken.
fn refused(what: &str, outcome: Result<PrivateKey, KeyError>, cause: &str) {
    let error = outcome.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains(cause), "{what}: {error}");
}

#[test]
fn keys_that_we_do_not_take_are_refused_with_the_cause() {
    let Some(bench) = Bench::new() else { return };
    bench.openssl("dsaparam -out dsa-parameters.pem 1024");
    for (how, cause) in [
        ("genrsa -traditional -out refused.pem 1024", "1024 bits"),
        ("genrsa -out refused.pem 1024", "1024 bits"),
        ("genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1024 -out refused.pem", "1024 bits"),
        ("ecparam -name secp256k1 -genkey -out refused.pem", "secp256k1 (1.3.132.0.10)"),
        ("ecparam -name secp256k1 -genkey -noout -out refused.pem", "secp256k1 (1.3.132.0.10)"),
        (
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1 -out refused.pem",
            "secp256k1 (1.3.132.0.10)",
        ),
        ("ecparam -name secp224r1 -genkey -out refused.pem", "secp224r1 (1.3.132.0.33)"),
        ("ecparam -name brainpoolP256r1 -genkey -out refused.pem", "(1.3.36.3.3.2.8.1.1.7)"),
        ("genpkey -algorithm SM2 -out refused.pem", "SM2 (1.2.156.10197.1.301)"),
        ("genpkey -algorithm ed448 -out refused.pem", "(1.3.101.113)"),
        ("genpkey -algorithm X25519 -out refused.pem", "(1.3.101.110)"),
        ("genpkey -algorithm X448 -out refused.pem", "(1.3.101.111)"),
        ("gendsa -out refused.pem dsa-parameters.pem", "(1.2.840.10040.4.1)"),
        (
            "genpkey -algorithm DH -pkeyopt group:ffdhe2048 -out refused.pem",
            "Diffie-Hellman (1.2.840.113549.1.3.1)",
        ),
        // A curve that is described by its numbers, with its description before the key and without.
        (
            "ecparam -name prime256v1 -genkey -param_enc explicit -out refused.pem",
            "does not name its curve",
        ),
        (
            "ecparam -name prime256v1 -genkey -noout -param_enc explicit -out refused.pem",
            "does not name its curve",
        ),
    ] {
        bench.openssl(how);
        refused(how, PrivateKey::from_pem_or_der(&bench.read("refused.pem")), cause);
        // Neither in DER nor under a passphrase.
        bench.openssl("pkcs8 -topk8 -nocrypt -in refused.pem -outform DER -out refused.der");
        let what = format!("{how}, DER");
        refused(&what, PrivateKey::from_pem_or_der(&bench.read("refused.der")), cause);
        bench.openssl(
            "pkcs8 -topk8 -in refused.pem -passout file:passphrase.txt -out encrypted.pem",
        );
        let encrypted = EncryptedPrivateKey::from_pem_or_der(&bench.read("encrypted.pem")).unwrap();
        let error = encrypted.decrypt(&passphrase()).unwrap_err();
        assert!(
            matches!(error, EncryptedKeyError::Key(_)) && error.to_string().contains(cause),
            "{how}, encrypted: {error}"
        );
    }
}

#[test]
fn dsa_keys_in_their_own_form_are_refused_with_the_cause() {
    let Some(bench) = Bench::new() else { return };
    bench.openssl("dsaparam -out dsa-parameters.pem 1024");
    bench.openssl("gendsa -out dsa.pem dsa-parameters.pem");
    for how in ["", "-aes256 -passout file:passphrase.txt"] {
        bench.openssl(&format!("pkey -in dsa.pem -traditional {how} -out refused.pem"));
        let file = bench.read("refused.pem");
        let text = String::from_utf8_lossy(&file);
        assert!(text.starts_with("-----BEGIN DSA PRIVATE KEY-----"), "{text}");
        assert_eq!(text.contains("DEK-Info"), !how.is_empty(), "{text}");
        let error = match how {
            "" => PrivateKey::from_pem_or_der(&file).unwrap_err(),
            _ => match EncryptedPrivateKey::from_pem_or_der(&file).unwrap_err() {
                EncryptedKeyError::Key(error) => error,
                error => panic!("{error}"),
            },
        };
        assert!(error.to_string().contains("(1.2.840.10040.4.1)"), "{error}");
    }
    bench.openssl("dsa -in dsa.pem -outform DER -out refused.der");
    refused("DER", PrivateKey::from_pem_or_der(&bench.read("refused.der")), "(1.2.840.10040.4.1)");
}

#[cfg(feature = "insecure-legacy-encryption")]
#[test]
fn keys_that_we_do_not_take_are_refused_with_the_cause_under_traditional_encryption() {
    let Some(bench) = Bench::new() else { return };
    for (how, command, cause) in [
        ("genrsa -out refused.pem 1024", "rsa -traditional", "1024 bits"),
        ("ecparam -name secp256k1 -genkey -noout -out refused.pem", "ec", "(1.3.132.0.10)"),
        (
            "ecparam -name prime256v1 -genkey -noout -param_enc explicit -out refused.pem",
            "ec",
            "does not name its curve",
        ),
    ] {
        bench.openssl(how);
        bench.openssl(&format!(
            "{command} -in refused.pem -aes128 -passout file:passphrase.txt -out encrypted.pem"
        ));
        let encrypted = EncryptedPrivateKey::from_pem_or_der(&bench.read("encrypted.pem")).unwrap();
        let error = encrypted.decrypt(&passphrase()).unwrap_err();
        assert!(
            matches!(error, EncryptedKeyError::Key(_)) && error.to_string().contains(cause),
            "{how}: {error}"
        );
    }
}

/// The DER of a PKCS#8 key's contents: without the curve, in an EC key that `openssl` makes.
fn contents_of_pkcs8(bench: &Bench, file: &str) -> Vec<u8> {
    bench.openssl(&format!("pkcs8 -topk8 -nocrypt -in {file} -outform DER -out pkcs8.der"));
    let elements = bench.openssl("asn1parse -inform DER -in pkcs8.der");
    let octets = elements.lines().find(|line| line.contains("OCTET STRING")).unwrap();
    let offset = octets.split(':').next().unwrap().trim();
    bench.openssl(&format!(
        "asn1parse -inform DER -in pkcs8.der -noout -strparse {offset} -out contents.der"
    ));
    bench.read("contents.der")
}

/// A PEM block of octets that `openssl` does not make one of.
fn block(bench: &Bench, label: &str, contents: &[u8]) -> String {
    bench.write("contents.bin", contents);
    let base64 = bench.openssl("base64 -in contents.bin");
    format!("-----BEGIN {label}-----\n{base64}-----END {label}-----\n")
}

#[test]
fn an_ec_key_without_its_curve_is_refused_until_the_curve_stands_before_it() {
    let Some(bench) = Bench::new() else { return };
    for made in make(&bench, ["p256.pem", "p384.pem", "p521.pem"]) {
        let sec1 = contents_of_pkcs8(&bench, made.file);
        let pem = block(&bench, "EC PRIVATE KEY", &sec1);
        for file in [&sec1[..], pem.as_bytes()] {
            let error = PrivateKey::from_pem_or_der(file).unwrap_err();
            assert!(matches!(error, KeyError::NoCurve), "{error}");
        }
        // As the error advises.
        let text = String::from_utf8(bench.read(made.file)).unwrap();
        let (parameters, _) = text.split_once("-----BEGIN EC PRIVATE KEY-----").unwrap();
        let key = PrivateKey::from_pem_or_der(format!("{parameters}{pem}").as_bytes()).unwrap();
        assert_eq!(key.algorithm(), made.algorithm);
        assert_eq!(key.public_key_der(), made.public_key);
    }
}

#[test]
fn ciphers_and_prfs_that_we_do_not_know_are_named_and_the_advised_command_replaces_them() {
    let Some(bench) = Bench::new() else { return };
    for made in make(&bench, ["rsa.pem", "p256.pem"]) {
        for (options, part, name) in [
            ("-v2 camellia-128-cbc", "cipher", "camellia128-cbc (1.2.392.200011.61.1.1.1.2)"),
            ("-v2 camellia-192-cbc", "cipher", "camellia192-cbc (1.2.392.200011.61.1.1.1.3)"),
            ("-v2 camellia-256-cbc", "cipher", "camellia256-cbc (1.2.392.200011.61.1.1.1.4)"),
            ("-v2 aria-128-cbc", "cipher", "1.2.410.200046.1.1.2"),
            ("-v2 aria-192-cbc", "cipher", "1.2.410.200046.1.1.7"),
            ("-v2 aria-256-cbc", "cipher", "aria-256-cbc (1.2.410.200046.1.1.12)"),
            ("-v2 sm4-cbc", "cipher", "sm4-cbc (1.2.156.10197.1.104.2)"),
            ("-v2 aes-128-ecb", "cipher", "2.16.840.1.101.3.4.1.1"),
            ("-v2 aes-256-ofb", "cipher", "2.16.840.1.101.3.4.1.43"),
            ("-v2 aes-256-cfb", "cipher", "2.16.840.1.101.3.4.1.44"),
            ("-v2 seed-cbc", "cipher", "seed-cbc (1.2.410.200004.1.4)"),
            ("-v2 bf-cbc", "cipher", "1.3.6.1.4.1.3029.1.2"),
            ("-v2 cast5-cbc", "cipher", "1.2.840.113533.7.66.10"),
            ("-v2 rc4", "cipher", "1.2.840.113549.3.4"),
            ("-v2prf hmacWithMD5", "PRF", "1.2.840.113549.2.6"),
            ("-v2prf hmacWithSHA512-224", "PRF", "hmacWithSHA512-224 (1.2.840.113549.2.12)"),
        ] {
            let how = format!("pkcs8 -topk8 -in {} {options} -iter 10", made.file);
            bench.openssl(&format!(
                "{how} {PROVIDERS} -passout file:passphrase.txt -out refused.pem"
            ));
            let file = bench.read("refused.pem");
            let error = EncryptedPrivateKey::from_pem_or_der(&file).unwrap_err();
            let found = match &error {
                EncryptedKeyError::Unsupported { part, .. } => part,
                EncryptedKeyError::Kdf(KdfError::UnsupportedPrf { .. }) => "PRF",
                error => panic!("{how}: {error}"),
            };
            assert_eq!(found, part, "{how}: {error}");
            let text = error.to_string();
            assert!(text.contains(name), "{how}: {text}");
            PrivateKey::from_pem_or_der(&file).unwrap_err();
            follow(&bench, &text, &file, "passphrase.txt", &made);
        }
        let command = if made.file == "rsa.pem" { "rsa -traditional" } else { "ec" };
        for (option, name) in [
            ("-camellia128", "CAMELLIA-128-CBC"),
            ("-camellia256", "CAMELLIA-256-CBC"),
            ("-aria256", "ARIA-256-CBC"),
            ("-seed", "SEED-CBC"),
            ("-bf", "BF-CBC"),
            ("-cast", "CAST5-CBC"),
        ] {
            let how = format!("{command} -in {} {option}", made.file);
            bench.openssl(&format!(
                "{how} {PROVIDERS} -passout file:passphrase.txt -out refused.pem"
            ));
            let file = bench.read("refused.pem");
            let error = EncryptedPrivateKey::from_pem_or_der(&file).unwrap_err();
            assert!(
                matches!(
                    &error,
                    EncryptedKeyError::UnsupportedTraditionalCipher { cipher, line: 1 } if cipher == name
                ),
                "{how}: {error}"
            );
            follow(&bench, &error.to_string(), &file, "passphrase.txt", &made);
            PrivateKey::from_pem_or_der(&file).unwrap_err();
        }
    }
}

/// Runs `ssh-keygen` with an empty last argument; `None` where there is none.
fn ssh_keygen(bench: &Bench, arguments: &str) -> Option<()> {
    let output = Command::new("ssh-keygen")
        .args(arguments.split_whitespace())
        .arg("")
        .current_dir(bench.path(""))
        .stdin(Stdio::null())
        .output()
        .ok()?;
    assert!(output.status.success(), "ssh-keygen {arguments}: {output:?}");
    Some(())
}

#[test]
fn keys_in_openssh_s_form_are_refused_with_the_command_that_makes_them_pkcs8() {
    let Some(bench) = Bench::new() else { return };
    let refused = |file: &[u8]| {
        let error = PrivateKey::from_pem_or_der(file).unwrap_err();
        let label = "OPENSSH PRIVATE KEY";
        assert!(
            matches!(&error, KeyError::UnsupportedForm { label: found } if found == label),
            "{error}"
        );
        let encrypted = EncryptedPrivateKey::from_pem_or_der(file).unwrap_err();
        assert!(
            matches!(&encrypted, EncryptedKeyError::Key(KeyError::UnsupportedForm { .. })),
            "{encrypted}"
        );
        error.to_string()
    };
    // The beginning of the form is enough.
    let error = refused(block(&bench, "OPENSSH PRIVATE KEY", b"openssh-key-v1\0").as_bytes());
    let (_, advice) = error.split_once("`ssh-keygen ").unwrap();
    let advice = advice.split_once('`').unwrap().0.replace("COPY_OF_FILE", "ssh-key");
    for (kind, algorithm) in [
        ("rsa -b 2048", KeyAlgorithm::RSA_2048),
        ("ecdsa -b 256", KeyAlgorithm::EcdsaP256),
        ("ecdsa -b 384", KeyAlgorithm::EcdsaP384),
        ("ecdsa -b 521", KeyAlgorithm::EcdsaP521),
        ("ed25519", KeyAlgorithm::Ed25519),
    ] {
        let _ = std::fs::remove_file(bench.path("ssh-key"));
        let Some(()) = ssh_keygen(&bench, &format!("-q -t {kind} -f ssh-key -N")) else {
            let reason = "no ssh-keygen, whose keys the advised command makes PKCS#8";
            assert!(std::env::var_os("CI").is_none_or(|ci| ci.is_empty()), "{reason}");
            println!("skipped: {reason}");
            return;
        };
        refused(&bench.read("ssh-key"));
        ssh_keygen(&bench, &format!("{advice} -N"));
        match PrivateKey::from_pem_or_der(&bench.read("ssh-key")) {
            Ok(key) => {
                assert_eq!(key.algorithm(), algorithm);
                assert_eq!(key.public_key_der(), bench.public_key("ssh-key"), "{kind}");
            }
            // OpenSSH 9.2 says that it saved it, and leaves it in its own form.
            Err(KeyError::UnsupportedForm { .. }) if algorithm == KeyAlgorithm::Ed25519 => {}
            Err(error) => panic!("{kind}: {error}"),
        }
    }
}
