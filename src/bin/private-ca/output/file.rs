//! Keys, verified paths, and what is in files.

use std::error::Error;
use std::fmt::Write as _;

use der::{Decode as _, Encode as _};
use private_ca::key::{KeyDerivation, KeyError};
use private_ca::{
    Certificate, CertificateRequest, DistinguishedName, EncryptedPrivateKey, PrivateKey, Timestamp,
    VerifiedChain, pem as pem_file,
};
use serde_json::{Value, json};
use x509_cert::crl::CertificateList;
use x509_cert::time::Time;

use super::certificate::{certificate_json, certificate_rows};
use super::{Answer, lines, said};

/// What an encrypted key's file says without its passphrase.
pub(crate) fn encrypted_key(key: &EncryptedPrivateKey) -> Answer {
    let (text, json) = describe_encrypted(key);
    said(text, json)
}

fn describe_encrypted(key: &EncryptedPrivateKey) -> (String, Value) {
    let scheme = key.scheme();
    let weaknesses: Vec<_> = scheme.weaknesses().iter().map(ToString::to_string).collect();
    let mut json = json!({
        "encrypted": true,
        "scheme": scheme.to_string(),
        "salt_length": scheme.salt_length,
        "cipher": scheme.cipher.to_string(),
        "weaknesses": weaknesses,
        "written_by": scheme.makers(),
        "legacy": scheme.is_legacy(),
    });
    let kdf = match scheme.kdf {
        KeyDerivation::Pbkdf2 { prf, iterations } => {
            json!({ "kdf": "PBKDF2", "prf": prf.to_string(), "iterations": iterations })
        }
        KeyDerivation::Scrypt { cost, block_size, parallelization } => json!({
            "kdf": "scrypt", "n": cost, "r": block_size, "p": parallelization,
            "memory": 128 * u64::from(block_size) * cost,
        }),
        KeyDerivation::Pbkdf1 { hash, iterations } => {
            json!({ "kdf": "PBKDF1", "hash": hash.to_string(), "iterations": iterations })
        }
        KeyDerivation::Pkcs12 { iterations } => {
            json!({ "kdf": "PKCS#12", "hash": "SHA-1", "iterations": iterations })
        }
        _ => json!({ "kdf": "EVP_BytesToKey", "hash": "MD5", "iterations": 1 }),
    };
    if let (Value::Object(all), Value::Object(kdf)) = (&mut json, kdf) {
        all.extend(kdf);
    }
    let form = if key.as_der().is_some() { "PKCS#8" } else { "OpenSSL's traditional PEM" };
    let mut rows = vec![("scheme", scheme.to_string())];
    rows.extend(scheme.makers().map(|makers| ("written by", makers.to_owned())));
    rows.extend(weaknesses.into_iter().map(|weakness| ("weak today", weakness)));
    let mut text = format!("encrypted private key, {form}\n");
    lines(&mut text, "  ", &rows);
    (text, json)
}

/// What a plain key is.
pub(crate) fn plain_key(key: &PrivateKey) -> Answer {
    let (text, json) = describe_plain(key);
    said(text, json)
}

fn describe_plain(key: &PrivateKey) -> (String, Value) {
    let algorithm = key.algorithm().to_string();
    let text = format!("private key, not encrypted: {algorithm}\n");
    (text, json!({ "encrypted": false, "algorithm": algorithm }))
}

/// The path that a verification found.
pub(crate) fn verified(chain: &VerifiedChain, at: Timestamp) -> Answer {
    let mut text = format!("valid at {at}\n{}", path_tree(chain));
    let window = chain.window();
    let _ = writeln!(text, "this path is valid from {} to {}", window.not_before, window.not_after);
    let path: Vec<_> = chain.path().iter().map(certificate_json).collect();
    said(
        text,
        json!({
            "valid": true,
            "at": at.to_string(),
            "path": path,
            "not_before": window.not_before.to_string(),
            "not_after": window.not_after.to_string(),
        }),
    )
}

/// The path as a tree, the trust anchor at its root.
pub(crate) fn path_tree(chain: &VerifiedChain) -> String {
    let mut text = String::new();
    for (depth, certificate) in chain.path().iter().rev().enumerate() {
        let (branch, role) = match depth {
            0 => (String::new(), "trust anchor, "),
            depth => (format!("{}└─ ", "   ".repeat(depth - 1)), ""),
        };
        let _ = writeln!(
            text,
            "  {branch}{} ({role}until {})",
            certificate.subject(),
            certificate.validity().not_after
        );
    }
    text
}

/// What is in a file. Something in it that cannot be read makes the answer a no.
pub(crate) fn inspected(contents: &[u8]) -> Result<Answer, Box<dyn Error>> {
    let mut text = String::new();
    let mut found = Vec::new();
    if !pem_file::is_pem(contents) {
        match (Certificate::from_der(contents), EncryptedPrivateKey::from_der(contents)) {
            (Ok(certificate), _) => describe_certificate(&mut text, &mut found, &certificate),
            (Err(_), Ok(key)) => return Ok(encrypted_key(&key)),
            (Err(error), Err(_)) => {
                return match PrivateKey::from_pem_or_der(contents) {
                    Ok(key) => Ok(plain_key(&key)),
                    // No key at all; the first guess was that it is a certificate.
                    Err(KeyError::Malformed(_)) => Err(error.into()),
                    Err(error) => Err(error.into()),
                };
            }
        }
        return Ok(said(text, Value::Array(found)));
    }
    let mut status = 0;
    for block in pem_file::blocks(contents)? {
        let _ = write!(text, "line {}: ", block.line());
        let described = describe_block(&mut text, &mut found, &block);
        if let Err(error) = described {
            let _ = writeln!(text, "{}, which cannot be read: {error}", block.label());
            found.push(json!({ "label": block.label(), "error": error.to_string() }));
            status = 1;
        }
    }
    Ok(Answer { status, ..said(text, Value::Array(found)) })
}

fn describe_certificate(text: &mut String, found: &mut Vec<Value>, certificate: &Certificate) {
    text.push_str("certificate\n");
    lines(text, "  ", &certificate_rows(certificate));
    found.push(certificate_json(certificate));
}

fn describe_block(
    text: &mut String,
    found: &mut Vec<Value>,
    block: &pem_file::Block,
) -> Result<(), Box<dyn Error>> {
    match block.label() {
        "CERTIFICATE" => {
            describe_certificate(text, found, &Certificate::from_der(block.contents())?);
        }
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            let request = CertificateRequest::from_der(block.contents())?;
            let names: Vec<_> =
                request.subject_alternative_names().iter().map(ToString::to_string).collect();
            text.push_str("certificate signing request, its own signature verifies\n");
            let rows = [("subject", request.subject().to_string()), ("names", names.join(", "))];
            lines(text, "  ", &rows);
            found.push(json!({
                "request": request.subject().to_string(),
                "subject_alternative_names": names,
            }));
        }
        _ if block.is_private_key() && block.is_encrypted() => {
            let (line, json) = describe_encrypted(&EncryptedPrivateKey::from_pem_block(block)?);
            text.push_str(&line);
            found.push(json);
        }
        _ if block.is_private_key() => {
            let (line, json) = describe_plain(&PrivateKey::from_pem_block(block)?);
            text.push_str(&line);
            found.push(json);
        }
        "X509 CRL" => {
            let list: CertificateList = CertificateList::from_der(block.contents())?;
            let list = list.tbs_cert_list;
            let issuer = DistinguishedName::from_der(&list.issuer.to_der()?)?.to_string();
            let time = |time: Time| Timestamp::from(time.to_system_time()).to_string();
            let next_update = list.next_update.map(time).unwrap_or_default();
            let revoked = list.revoked_certificates.map_or(0, |revoked| revoked.len());
            text.push_str("certificate revocation list\n");
            let rows = [
                ("issuer", issuer.clone()),
                ("issued", time(list.this_update)),
                ("next", next_update.clone()),
                ("revoked", revoked.to_string()),
            ];
            lines(text, "  ", &rows);
            found.push(json!({
                "revocation_list": issuer,
                "this_update": time(list.this_update),
                "next_update": next_update,
                "revoked": revoked,
            }));
        }
        label => {
            let _ = writeln!(text, "{label}, {} bytes", block.contents().len());
            found.push(json!({ "label": label, "bytes": block.contents().len() }));
        }
    }
    Ok(())
}
