//! Certificates: what they say, and what was done with them.

use std::fmt::Write as _;
use std::path::Path;

use const_oid::ObjectIdentifier;
#[cfg(feature = "aws")]
use private_ca::managed::DomainValidation;
use private_ca::managed::{CertificateStatus, ManagedCertificate};
use private_ca::verify::NamedOid;
use private_ca::{
    Certificate, CertificateId, ExportedCertificate, IssuedCertificate, KeyAlgorithm,
    RevocationReason, SerialNumber,
};
use serde_json::{Value, json};

use super::{Answer, lines, path_json, said, shell_path};

pub(super) fn key_of(certificate: &Certificate) -> String {
    match KeyAlgorithm::of_public_key(certificate.public_key_der()) {
        Some(algorithm) => algorithm.to_string(),
        None => "of a kind that is not supported".to_owned(),
    }
}

pub(super) fn certificate_rows(certificate: &Certificate) -> Vec<(&'static str, String)> {
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
    if let Some(policies) = certificate.certificate_policies() {
        rows.push(("policies", object_identifiers(&policies)));
    }
    rows.push(("SHA-256", hex(&certificate.fingerprint_sha256())));
    rows
}

/// In the form that people read.
pub(super) fn object_identifiers(all: &[ObjectIdentifier]) -> String {
    let names: Vec<_> = all.iter().map(|&one| NamedOid(one).to_string()).collect();
    names.join(", ")
}

/// In the form that programs read.
pub(super) fn object_identifiers_json(all: &[ObjectIdentifier]) -> Value {
    all.iter().map(|one| Value::from(one.to_string())).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn certificate_json(certificate: &Certificate) -> Value {
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
        "policies": certificate.certificate_policies().map(|all| object_identifiers_json(&all)),
        "sha256": hex(&certificate.fingerprint_sha256()),
    })
}

/// The id, where it is another than the serial number.
fn id_row(id: &CertificateId, certificate: &Certificate) -> Option<(&'static str, String)> {
    let is_serial = id.as_str() == certificate.serial_number().to_string();
    (!is_serial).then(|| ("id", id.to_string()))
}

/// A certificate was given out, with the files that a TLS stack needs if the key is there too.
pub(crate) fn issued(
    issued: &IssuedCertificate,
    folder: &Path,
    identity: Option<(&Path, &Path)>,
) -> Answer {
    let certificate = &issued.certificate;
    let mut text = format!("issued a certificate into {}\n", folder.display());
    let mut rows = certificate_rows(certificate);
    rows.extend(id_row(&issued.id, certificate));
    lines(&mut text, "  ", &rows);
    let json = json!({
        "folder": path_json(folder),
        "id": issued.id.as_str(),
        "certificate": certificate_json(certificate),
        "certificate_file": identity.map(|(certificate, _)| path_json(certificate)),
        "private_key_file": identity.map(|(_, key)| path_json(key)),
    });
    if let Some((certificate, key)) = identity {
        let rows = [
            ("certificate", certificate.display().to_string()),
            ("private key", key.display().to_string()),
        ];
        let _ = writeln!(text, "A worker needs");
        lines(&mut text, "  ", &rows);
    }
    said(text, json)
}

/// A managed certificate was exported, perhaps over the export from before its renewal.
pub(crate) fn exported(
    id: &CertificateId,
    exported: &ExportedCertificate,
    older: Option<&Certificate>,
    folder: &Path,
) -> Answer {
    let word = |name: &str| shell_path(&folder.join(name));
    let certificate = &exported.certificate;
    let mut text = format!("exported a managed certificate into {}\n", folder.display());
    let mut rows = certificate_rows(certificate);
    // By which it is renewed and exported again, even where it is the serial number.
    rows.push(("id", id.to_string()));
    lines(&mut text, "  ", &rows);
    if let Some(older) = older {
        let _ = writeln!(
            text,
            "  {} replaces {}, which is valid until {}",
            certificate.serial_number(),
            older.serial_number(),
            older.validity().not_after
        );
    }
    let _ = write!(
        text,
        "  private_key.txt is encrypted: {}\nNext: private-ca key decrypt {} --passphrase-file FILE --out {}\n",
        exported.private_key.scheme(),
        word("private_key.txt"),
        word("private_key_nopass.txt")
    );
    let json = json!({
        "folder": path_json(folder),
        "id": id.as_str(),
        "certificate": certificate_json(certificate),
        "replaced": older.map(|older| older.serial_number().to_string()),
    });
    said(text, json)
}

/// A managed certificate was requested; `words` find it again.
pub(crate) fn requested(id: &CertificateId, words: &str) -> Answer {
    said(
        format!(
            "{id}\nNext: private-ca export --certificate {id} --passphrase-file FILE --out DIR{words}\n"
        ),
        json!({ "id": id.as_str() }),
    )
}

/// A public certificate was requested, and waits for DNS.
#[cfg(feature = "aws")]
pub(crate) fn requested_public(
    id: &CertificateId,
    validations: &[DomainValidation],
    is_created: bool,
    exportable: bool,
    words: &str,
) -> Answer {
    let mut text = format!("{id}\n");
    text.push_str(match is_created {
        true => "These DNS records are created, and have to stay:\n",
        false => "Create these DNS records, and let them stay:\n",
    });
    records(&mut text, validations);
    let _ = writeln!(text, "Next: private-ca status {id}{words}");
    if exportable {
        let _ = writeln!(
            text,
            "and once it is issued: private-ca export --certificate {id} --passphrase-file FILE --out DIR{words}"
        );
    }
    let json = json!({
        "id": id.as_str(),
        "records_created": is_created,
        "domain_validations": validations_json(validations),
    });
    said(text, json)
}

/// The records as lines of a zone file. A name and its wildcard share one.
fn records(text: &mut String, validations: &[private_ca::managed::DomainValidation]) {
    let mut shown = Vec::new();
    for record in validations.iter().filter_map(|validation| validation.record.as_ref()) {
        if !shown.contains(&record) {
            shown.push(record);
            let _ = writeln!(text, "  {} CNAME {}", record.name, record.value);
        }
    }
}

fn validations_json(validations: &[private_ca::managed::DomainValidation]) -> Value {
    let one = |validation: &private_ca::managed::DomainValidation| {
        let record = validation.record.as_ref();
        json!({
            "domain_name": validation.domain_name,
            "is_validated": validation.is_validated,
            "record": record.map(|record| json!({ "name": record.name, "value": record.value })),
        })
    };
    validations.iter().map(one).collect()
}

fn describe(described: &ManagedCertificate) -> (String, Value) {
    let mut rows = vec![
        ("domain name", described.domain_name.clone()),
        ("status", described.status.to_string()),
    ];
    if let Some(serial) = &described.serial_number {
        rows.push(("serial", serial.to_string()));
    }
    if let Some(validity) = described.validity {
        rows.push(("valid", format!("{} to {}", validity.not_before, validity.not_after)));
    }
    if let Some(reason) = &described.renewal_failure {
        rows.push(("not renewed", reason.to_string()));
    }
    let mut text = format!("{}\n", described.id);
    lines(&mut text, "  ", &rows);
    if described.status == CertificateStatus::PendingValidation
        && !described.domain_validations.is_empty()
    {
        text.push_str("It waits for these DNS records:\n");
        records(&mut text, &described.domain_validations);
    }
    let json = json!({
        "id": described.id.as_str(),
        "domain_name": described.domain_name,
        "status": status_word(&described.status),
        "description": described.status.to_string(),
        "serial_number": described.serial_number.as_ref().map(ToString::to_string),
        "not_before": described.validity.map(|validity| validity.not_before.to_string()),
        "not_after": described.validity.map(|validity| validity.not_after.to_string()),
        "domain_validations": validations_json(&described.domain_validations),
        "renewal_failure": described.renewal_failure.as_ref().map(|reason| reason.code()),
    });
    (text, json)
}

/// The status in ACM's words, for programs.
fn status_word(status: &CertificateStatus) -> &str {
    match status {
        CertificateStatus::PendingValidation => "PENDING_VALIDATION",
        CertificateStatus::ValidationTimedOut => "VALIDATION_TIMED_OUT",
        CertificateStatus::Issued { .. } => "ISSUED",
        CertificateStatus::Expired { .. } => "EXPIRED",
        CertificateStatus::Revoked { .. } => "REVOKED",
        CertificateStatus::Inactive => "INACTIVE",
        CertificateStatus::Failed { .. } => "FAILED",
        CertificateStatus::Unknown { name } => name,
        _ => "UNKNOWN",
    }
}

/// What a managed certificate is and how far it is.
pub(crate) fn managed(described: &ManagedCertificate) -> Answer {
    let (text, json) = describe(described);
    said(text, json)
}

/// The same beside an exported copy. That the copy is outdated is a no.
pub(crate) fn managed_and_copy(
    described: &ManagedCertificate,
    copy: &Certificate,
    path: &Path,
    next: &str,
) -> Answer {
    let (mut text, mut json) = describe(described);
    let serial = copy.serial_number();
    let is_same = described.serial_number.as_ref() == Some(&serial);
    let is_good = matches!(described.status, CertificateStatus::Issued { .. });
    let is_outdated = described.is_newer_than(copy);
    let path = path.display();
    let _ = match (is_same, is_good, is_outdated) {
        (true, true, _) => writeln!(text, "{path} is current."),
        (true, false, _) => writeln!(text, "{path} is a copy of it, and no longer good."),
        (false, _, true) => writeln!(
            text,
            "{path} is older: it is {serial}, and the certificate was renewed since.\nNext: {next}"
        ),
        (false, _, false) => writeln!(text, "{path} is no copy of it: it is {serial}."),
    };
    let is_current = is_same && is_good;
    if let Some(json) = json.as_object_mut() {
        json.insert("exported_serial_number".to_owned(), json!(serial.to_string()));
        json.insert("exported_is_outdated".to_owned(), json!(is_outdated));
        json.insert("exported_is_current".to_owned(), json!(is_current));
    }
    Answer { status: u8::from(!is_current), ..said(text, json) }
}

/// A managed certificate was renewed.
pub(crate) fn renewed(described: &ManagedCertificate, next: &str) -> Answer {
    let (mut text, json) = describe(described);
    text.insert_str(0, "renewed ");
    let _ = writeln!(
        text,
        "Copies that were exported before are valid until their own end. Export it again:\nNext: {next}"
    );
    said(text, json)
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
