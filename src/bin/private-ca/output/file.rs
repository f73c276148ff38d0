//! Keys, verified paths, and what is in files.

use std::error::Error;
use std::fmt::Write as _;

use clap::ValueEnum as _;
use const_oid::db::rfc5280::ANY_POLICY;
use private_ca::key::{KeyDerivation, KeyError};
use private_ca::verify::RevocationList;
use private_ca::{
    Certificate, CertificateRequest, EncryptedPrivateKey, PrivateKey, Timestamp, VerifiedChain,
    VerifyError, pem as pem_file,
};
use serde_json::{Value, json};

use super::certificate::{
    certificate_json, certificate_rows, object_identifiers, object_identifiers_json,
};
use super::refusal::{list_times, reason_json};
use super::{Answer, lines, said};
use crate::arguments::VerifyPolicy;

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

/// What another policy holds against a path that is valid.
pub(crate) struct Comparison {
    pub(crate) policy: VerifyPolicy,
    pub(crate) violations: Vec<VerifyError>,
}

/// The path that a verification found.
pub(crate) fn verified(
    chain: &VerifiedChain,
    at: Timestamp,
    is_revocation_asked: bool,
    comparison: Option<&Comparison>,
) -> Answer {
    let mut text = format!("valid at {at}\n{}", path_tree(chain));
    let window = chain.window();
    let _ = writeln!(text, "this path is valid from {} to {}", window.not_before, window.not_after);
    let policies = chain.policies();
    if !policies.is_empty() && policies != [ANY_POLICY] {
        let _ = writeln!(
            text,
            "it is valid for the certificate policies {}",
            object_identifiers(&policies)
        );
    }
    let lists = chain.revocation_lists();
    if is_revocation_asked {
        text.push_str(match lists {
            [] => "no revocation list was of use\n",
            _ => "not revoked, according to\n",
        });
        for list in lists {
            let _ = writeln!(text, "  {}", list_times(list));
        }
    }
    let mut json = json!({
        "valid": true,
        "at": at.to_string(),
        "path": chain.path().iter().map(certificate_json).collect::<Value>(),
        "not_before": window.not_before.to_string(),
        "not_after": window.not_after.to_string(),
        "policies": object_identifiers_json(&policies),
        "revocation_lists": is_revocation_asked
            .then(|| lists.iter().map(list_json).collect::<Value>()),
    });
    if let Some(Comparison { policy, violations }) = comparison {
        let policy = policy.to_possible_value().map(|value| value.get_name().to_owned());
        let policy = policy.unwrap_or_default();
        let _ = match violations.as_slice() {
            [] => writeln!(text, "the policy {policy} holds nothing against this path"),
            _ => writeln!(text, "the policy {policy} holds against this path"),
        };
        for violation in violations {
            let _ = writeln!(text, "  {violation}");
        }
        if let Some(json) = json.as_object_mut() {
            let violations: Value = violations.iter().map(reason_json).collect();
            let compared = json!({ "policy": policy, "violations": violations });
            json.insert("compare".to_owned(), compared);
        }
    }
    said(text, json)
}

/// What a revocation list is, without its entries.
pub(super) fn list_json(list: &RevocationList) -> Value {
    json!({
        "revocation_list": list.issuer().to_string(),
        "this_update": list.this_update().to_string(),
        "next_update": list.next_update().map(|time| time.to_string()),
        "revoked": list.len(),
        "is_delta": list.is_delta(),
    })
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
        if let Ok(list) = RevocationList::from_der(contents) {
            describe_list(&mut text, &mut found, &list);
            return Ok(said(text, Value::Array(found)));
        }
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

fn describe_list(text: &mut String, found: &mut Vec<Value>, list: &RevocationList) {
    text.push_str(match list.is_delta() {
        true => {
            "certificate revocation list, delta: it has only what changed since a complete one\n"
        }
        false => "certificate revocation list\n",
    });
    let next_update = list.next_update().map(|time| time.to_string());
    let rows = [
        ("issuer", list.issuer().to_string()),
        ("issued", list.this_update().to_string()),
        ("next", next_update.unwrap_or_else(|| "not said".to_owned())),
        ("revoked", list.len().to_string()),
    ];
    lines(text, "  ", &rows);
    found.push(list_json(list));
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
        pem_file::X509_CRL => {
            describe_list(text, found, &RevocationList::from_der(block.contents())?);
        }
        label => {
            let _ = writeln!(text, "{label}, {} bytes", block.contents().len());
            found.push(json!({ "label": label, "bytes": block.contents().len() }));
        }
    }
    Ok(())
}
