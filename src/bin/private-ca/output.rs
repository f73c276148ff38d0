//! Everything that is printed: text for a person, or one JSON object with `--json`.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use der::{Decode as _, Encode as _};
use private_ca::authority::local::Revoked;
use private_ca::identity::IdentityFiles;
use private_ca::{
    Certificate, CertificateChain, CertificateRequest, DistinguishedName, EncryptedPrivateKey,
    ExportedCertificate, KeyAlgorithm, LocalCa, PrivateKey, RevocationReason, SerialNumber,
    Timestamp, VerifiedChain, pem as pem_file,
};
use serde_json::{Value, json};
use x509_cert::crl::CertificateList;
use x509_cert::time::Time;
use zeroize::Zeroizing;

use crate::Failure;

/// An answer, in both forms, and the exit status that goes with it.
pub(crate) struct Answer {
    text: Zeroizing<String>,
    json: Json,
    status: u8,
}

enum Json {
    Value(Value),
    /// The text itself, under this name. It may hold a key, so the JSON is made only if it is
    /// asked for, in memory that is wiped.
    Text(&'static str),
}

/// Prints an answer or the lack of one, and says how the process ends.
pub(crate) fn print(answer: Result<Answer, Failure>, as_json: bool) -> ExitCode {
    let is_answer = answer.is_ok();
    let (status, text, json) = match answer {
        Ok(Answer { text, json: Json::Value(json), status }) => (status, text, json),
        Ok(Answer { text, json: Json::Text(name), .. }) => {
            return finish(
                0,
                std::io::stdout().write_all(
                    match as_json {
                        true => pem_json(name, &text),
                        false => text,
                    }
                    .as_bytes(),
                ),
            );
        }
        Err(failure) => {
            let (status, error) = match failure {
                Failure::No(error) => (1, error),
                Failure::Unasked(error) => (2, error),
            };
            let causes: Vec<_> = further_causes(&*error);
            let mut text = format!("private-ca: {error}\n");
            for cause in &causes {
                let _ = writeln!(text, "  because {cause}");
            }
            (status, Zeroizing::new(text), json!({ "error": error.to_string(), "causes": causes }))
        }
    };
    let written = if as_json {
        let line = Zeroizing::new(format!("{json:#}\n"));
        std::io::stdout().write_all(line.as_bytes())
    } else if is_answer {
        std::io::stdout().write_all(text.as_bytes())
    } else {
        std::io::stderr().write_all(text.as_bytes())
    };
    finish(status, written)
}

/// PEM has no character that JSON escapes but the newline.
fn pem_json(name: &str, pem: &str) -> Zeroizing<String> {
    let mut json = Zeroizing::new(String::with_capacity(2 * pem.len() + name.len() + 16));
    json.push_str("{\n  \"");
    json.push_str(name);
    json.push_str("\": \"");
    for line in pem.split_terminator('\n') {
        json.push_str(line);
        json.push_str("\\n");
    }
    json.push_str("\"\n}\n");
    json
}

fn finish(status: u8, written: std::io::Result<()>) -> ExitCode {
    match written.and_then(|()| std::io::stdout().flush()) {
        Ok(()) => ExitCode::from(status),
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::from(status),
        Err(_) => ExitCode::from(2),
    }
}

/// An error and everything behind it.
pub(crate) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

/// The causes that the errors before them do not state already.
fn further_causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut said = error.to_string();
    let mut further = Vec::new();
    for cause in causes(error).skip(1) {
        let cause = cause.to_string();
        if !said.contains(&cause) {
            said.clone_from(&cause);
            further.push(cause);
        }
    }
    further
}

fn said(text: String, json: Value) -> Answer {
    Answer { text: Zeroizing::new(text), json: Json::Value(json), status: 0 }
}

/// A path as JSON can hold it: text.
fn path_json(path: &Path) -> Value {
    json!(path.display().to_string())
}

/// A PEM file as it is.
pub(crate) fn pem(what: &'static str, pem: &str) -> Answer {
    Answer { text: Zeroizing::new(pem.to_owned()), json: Json::Text(what), status: 0 }
}

/// A file was written.
pub(crate) fn written(path: &Path) -> Answer {
    said(format!("wrote {}\n", path.display()), json!({ "written": path_json(path) }))
}

fn lines(text: &mut String, indent: &str, rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        let _ = writeln!(text, "{indent}{name:width$}  {value}");
    }
}

fn key_of(certificate: &Certificate) -> String {
    match KeyAlgorithm::of_public_key(certificate.public_key_der()) {
        Some(algorithm) => algorithm.to_string(),
        None => "of a kind that is not supported".to_owned(),
    }
}

fn certificate_rows(certificate: &Certificate) -> Vec<(&'static str, String)> {
    let validity = certificate.validity();
    let mut rows = vec![
        ("subject", certificate.subject().to_string()),
        ("issuer", certificate.issuer().to_string()),
        ("serial", certificate.serial_number().to_string()),
        ("valid", format!("{} to {}", validity.not_before, validity.not_after)),
        ("key", key_of(certificate)),
    ];
    let names: Vec<_> =
        certificate.subject_alternative_names().iter().map(ToString::to_string).collect();
    if !names.is_empty() {
        rows.push(("names", names.join(", ")));
    }
    if let Some(constraints) = certificate.basic_constraints()
        && constraints.is_ca
    {
        let below = match constraints.path_len {
            Some(length) => format!("yes, {length} CAs may follow below it"),
            None => "yes".to_owned(),
        };
        rows.push(("CA", below));
    }
    if let Some(usage) = certificate.key_usage() {
        rows.push(("key usage", usage.to_string()));
    }
    if let Some(purposes) = certificate.extended_key_usage() {
        let names: Vec<_> = purposes
            .iter()
            .map(|oid| match oid.to_string().as_str() {
                "1.3.6.1.5.5.7.3.1" => "serverAuth".to_owned(),
                "1.3.6.1.5.5.7.3.2" => "clientAuth".to_owned(),
                other => other.to_owned(),
            })
            .collect();
        rows.push(("for", names.join(", ")));
    }
    rows.push(("SHA-256", hex(&certificate.fingerprint_sha256())));
    rows
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn certificate_json(certificate: &Certificate) -> Value {
    let names: Vec<_> =
        certificate.subject_alternative_names().iter().map(ToString::to_string).collect();
    json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "serial_number": certificate.serial_number().to_string(),
        "not_before": certificate.validity().not_before.to_string(),
        "not_after": certificate.validity().not_after.to_string(),
        "key": key_of(certificate),
        "subject_alternative_names": names,
        "is_ca": certificate.is_ca(),
        "sha256": hex(&certificate.fingerprint_sha256()),
    })
}

/// A CA was created.
pub(crate) fn ca_created(ca: &LocalCa, folder: &Path) -> Answer {
    let certificate = ca.own_certificate();
    let word = shell_path(folder);
    let own_certificate = folder.join("certificate.pem");
    let mut text = format!("created the CA {} in {}\n", certificate.subject(), folder.display());
    lines(&mut text, "  ", &certificate_rows(certificate));
    let _ = write!(
        text,
        "Give {} to whoever is to trust it.\nNext: private-ca issue --ca {word} --subject \"CN=worker-1\" --out worker-1\n",
        own_certificate.display()
    );
    said(text, json!({ "folder": folder, "certificate": certificate_json(certificate) }))
}

/// What a CA is and has done.
pub(crate) fn ca_shown(ca: &LocalCa, issued: &[Certificate], revoked: &[Revoked]) -> Answer {
    let mut text = format!("CA {}\n", ca.own_certificate().subject());
    lines(&mut text, "  ", &certificate_rows(ca.own_certificate()));
    let _ = writeln!(text, "issued: {}", issued.len());
    let revocation_of = |certificate: &Certificate| {
        revoked.iter().find(|entry| entry.serial_number == certificate.serial_number())
    };
    for certificate in issued {
        let state = match revocation_of(certificate) {
            Some(entry) => format!("revoked {} ({})", entry.since, entry.reason),
            None => format!("until {}", certificate.validity().not_after),
        };
        let _ =
            writeln!(text, "  {}  {}  {state}", certificate.serial_number(), certificate.subject());
    }
    let issued: Vec<_> = issued
        .iter()
        .map(|certificate| {
            let revoked = revocation_of(certificate).map(|entry| {
                json!({ "since": entry.since.to_string(), "reason": entry.reason.to_string() })
            });
            json!({ "certificate": certificate_json(certificate), "revoked": revoked })
        })
        .collect();
    said(text, json!({ "certificate": certificate_json(ca.own_certificate()), "issued": issued }))
}

/// A certificate was issued.
pub(crate) fn issued(
    certificate: &Certificate,
    folder: &Path,
    files: Option<&IdentityFiles>,
) -> Answer {
    let mut text = format!("issued a certificate into {}\n", folder.display());
    lines(&mut text, "  ", &certificate_rows(certificate));
    let json = json!({
        "folder": path_json(folder),
        "certificate": certificate_json(certificate),
        "certificate_file": files.map(|files| path_json(&files.presented)),
        "private_key_file": files.map(|files| path_json(&files.private_key)),
    });
    if let Some(files) = files {
        let rows = [
            ("certificate", files.presented.display().to_string()),
            ("private key", files.private_key.display().to_string()),
        ];
        let _ = writeln!(text, "A worker needs");
        lines(&mut text, "  ", &rows);
    }
    said(text, json)
}

/// A managed certificate was exported.
pub(crate) fn exported(exported: &ExportedCertificate, folder: &Path) -> Answer {
    let word = |name: &str| shell_path(&folder.join(name));
    let mut text = format!("exported a managed certificate into {}\n", folder.display());
    lines(&mut text, "  ", &certificate_rows(&exported.certificate));
    let _ = write!(
        text,
        "  private_key.txt is encrypted: {}\nNext: private-ca key decrypt {} --passphrase-file FILE --out {}\n",
        exported.private_key.scheme(),
        word("private_key.txt"),
        word("private_key_nopass.txt")
    );
    let certificate = certificate_json(&exported.certificate);
    said(text, json!({ "folder": folder, "certificate": certificate }))
}

/// A certificate was revoked.
pub(crate) fn revoked(serial: &SerialNumber, reason: RevocationReason) -> Answer {
    said(
        format!(
            "revoked {serial} ({reason})\nTemporal Cloud checks no revocation lists: change the namespace's certificate filters or its CA to keep the worker out there.\n"
        ),
        json!({ "revoked": serial.to_string(), "reason": reason.to_string() }),
    )
}

/// What an encrypted key's file says without its passphrase.
pub(crate) fn encrypted_key(key: &EncryptedPrivateKey) -> Answer {
    let (text, json) = describe_encrypted(key);
    said(text, json)
}

fn describe_encrypted(key: &EncryptedPrivateKey) -> (String, Value) {
    let scheme = key.scheme();
    let json = json!({
        "encrypted": true,
        "prf": scheme.prf.to_string(),
        "iterations": scheme.iterations,
        "salt_length": scheme.salt_length,
        "cipher": scheme.cipher.to_string(),
    });
    (format!("encrypted private key, PKCS#8\n  {scheme}\n"), json)
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
                return PrivateKey::from_pem_or_der(contents)
                    .map(|key| plain_key(&key))
                    .map_err(|_| error.into());
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
        "ENCRYPTED PRIVATE KEY" => {
            let (line, json) =
                describe_encrypted(&EncryptedPrivateKey::from_der(block.contents())?);
            text.push_str(&line);
            found.push(json);
        }
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            let (line, json) = describe_plain(&PrivateKey::from_pem_or_der(block.contents())?);
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

/// The walkthrough, told step by step as one screen.
#[derive(Default)]
pub(crate) struct Story {
    text: String,
    steps: Vec<Value>,
}

impl Story {
    /// A step: what was done, the command that does it alone, and what came of it.
    pub(crate) fn step(&mut self, title: &str, command: &str, findings: &[String]) {
        let number = self.steps.len() + 1;
        let _ = writeln!(self.text, "{number}. {title}");
        if !command.is_empty() {
            let _ = writeln!(self.text, "   $ {command}");
        }
        for finding in findings {
            for line in finding.lines() {
                let _ = writeln!(self.text, "   {line}");
            }
        }
        self.steps.push(json!({ "title": title, "command": command, "findings": findings }));
    }

    pub(crate) fn end(mut self, folder: &Path) -> Answer {
        let _ = writeln!(self.text, "Everything is in {}.", folder.display());
        said(self.text, json!({ "folder": path_json(folder), "steps": self.steps }))
    }
}

/// Certificates by their subjects, for one line.
pub(crate) fn subjects(chain: &CertificateChain) -> String {
    let subjects: Vec<_> = chain.into_iter().map(|one| one.subject().to_string()).collect();
    subjects.join(" < ")
}

/// A path as a word for a POSIX shell.
pub(crate) fn shell_path(path: &Path) -> String {
    shell(&path.display().to_string())
}

/// A word for a POSIX shell, quoted if it has to be.
pub(crate) fn shell(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
