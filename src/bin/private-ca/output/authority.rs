//! Certificate authorities: what they are, and what was done with them.

use std::fmt::Write as _;
use std::path::Path;

#[cfg(feature = "aws")]
use private_ca::authority::acm_pca::{AuditReport, CaDescription, CaKind, UsageMode};
#[cfg(feature = "aws")]
use private_ca::authority::aws::Arn;
use private_ca::authority::local::Revoked;
use private_ca::{Certificate, LocalCa};
#[cfg(feature = "aws")]
use private_ca::{CertificateChain, Timestamp};
#[cfg(feature = "aws")]
use serde_json::Value;
use serde_json::json;

use super::certificate::{certificate_json, certificate_rows};
use super::{Answer, lines, path_json, said, shell_path};

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
    said(text, json!({ "folder": path_json(folder), "certificate": certificate_json(certificate) }))
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

#[cfg(feature = "aws")]
fn description_rows(ca: &CaDescription) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("ARN", ca.arn.to_string()),
        ("state", ca.state.to_string()),
        ("kind", kind(ca.kind).to_owned()),
        ("owner", ca.owner_account.clone()),
    ];
    if let Some(name) = &ca.common_name {
        rows.push(("name", name.clone()));
    }
    let key = ca
        .key_algorithm
        .map_or("of a kind that is not supported".to_owned(), |key| key.to_string());
    rows.push(("key", format!("{key}, signs with {}", ca.signing_algorithm)));
    rows.push(("issues", usage_mode(ca.usage_mode).to_owned()));
    let moments = [
        ("created", ca.created),
        ("until", ca.validity.map(|validity| validity.not_after)),
        ("restorable", ca.restorable_until),
    ];
    rows.extend(moments.into_iter().filter_map(|(name, time)| Some((name, time?.to_string()))));
    if let Some(reason) = &ca.failure_reason {
        rows.push(("failed", reason.clone()));
    }
    rows
}

#[cfg(feature = "aws")]
fn kind(kind: CaKind) -> &'static str {
    match kind {
        CaKind::Subordinate => "subordinate",
        _ => "root",
    }
}

#[cfg(feature = "aws")]
fn usage_mode(mode: UsageMode) -> &'static str {
    match mode {
        UsageMode::ShortLived => "certificates of at most seven days",
        _ => "certificates of any validity",
    }
}

#[cfg(feature = "aws")]
fn description_json(ca: &CaDescription) -> Value {
    let text = |time: Option<Timestamp>| time.map(|time| time.to_string());
    json!({
        "ca": ca.arn.as_str(),
        "state": ca.state.to_string(),
        "kind": kind(ca.kind),
        "owner_account": ca.owner_account,
        "common_name": ca.common_name,
        "key": ca.key_algorithm.map(|key| key.to_string()),
        "signing_algorithm": ca.signing_algorithm,
        "short_lived": ca.usage_mode == UsageMode::ShortLived,
        "serial_number": ca.serial_number.as_ref().map(ToString::to_string),
        "not_before": text(ca.validity.map(|validity| validity.not_before)),
        "not_after": text(ca.validity.map(|validity| validity.not_after)),
        "created": text(ca.created),
        "restorable_until": text(ca.restorable_until),
        "failure_reason": ca.failure_reason,
    })
}

#[cfg(feature = "aws")]
fn aws_ca(
    first_line: &str,
    ca: &CaDescription,
    chain: Option<&CertificateChain>,
) -> (String, Value) {
    let mut text = format!("{first_line}\n");
    lines(&mut text, "  ", &description_rows(ca));
    let own = chain.and_then(|chain| chain.certificates().first());
    match own {
        Some(own) => {
            text.push_str("its certificate\n");
            lines(&mut text, "  ", &certificate_rows(own));
        }
        None => text.push_str("It has no certificate yet.\n"),
    }
    let mut json = description_json(ca);
    if let Some(json) = json.as_object_mut() {
        json.insert("certificate".to_owned(), own.map_or(Value::Null, certificate_json));
        let chain = chain.map(CertificateChain::to_pem);
        json.insert("certificate_chain".to_owned(), json!(chain));
    }
    (text, json)
}

/// A CA was created in AWS; `words` reach it again.
#[cfg(feature = "aws")]
pub(crate) fn aws_ca_created(ca: &CaDescription, chain: &CertificateChain, words: &str) -> Answer {
    let arn = &ca.arn;
    let (mut text, json) = aws_ca(&format!("created the CA {arn}"), ca, Some(chain));
    let _ = write!(
        text,
        "AWS charges for it by the month, until it is deleted.\nNext: private-ca issue --ca {arn} --subject \"CN=worker-1\" --out worker-1{words}\nFor managed certificates: private-ca ca grant-acm --ca {arn}{words}\n"
    );
    said(text, json)
}

/// What a CA in AWS is.
#[cfg(feature = "aws")]
pub(crate) fn aws_ca_shown(ca: &CaDescription, chain: Option<&CertificateChain>) -> Answer {
    let (text, json) = aws_ca(&format!("CA {}", ca.arn), ca, chain);
    said(text, json)
}

/// The CAs in a region.
#[cfg(feature = "aws")]
pub(crate) fn aws_cas(found: &[CaDescription], region: &str) -> Answer {
    let mut text = String::new();
    for ca in found {
        let name = ca.common_name.as_deref().unwrap_or_default();
        let _ = writeln!(text, "{}  {}  {}  {name}", ca.arn, ca.state, kind(ca.kind));
    }
    if found.is_empty() {
        let _ = writeln!(text, "there are no CAs in {region}");
    }
    let json: Vec<_> = found.iter().map(description_json).collect();
    said(text, json!({ "region": region, "cas": json }))
}

/// Something about a CA in AWS is now different.
#[cfg(feature = "aws")]
pub(crate) fn ca_changed(arn: &Arn, how: &str, next: &str) -> Answer {
    let mut text = format!("{arn} is {how}\n");
    if !next.is_empty() {
        let _ = writeln!(text, "{next}");
    }
    said(text, json!({ "ca": arn.as_str(), "is": how }))
}

/// A CA in AWS was deleted.
#[cfg(feature = "aws")]
pub(crate) fn aws_ca_deleted(arn: &Arn, days: u8, until: Option<Timestamp>, words: &str) -> Answer {
    let when = until.map_or_else(|| format!("for {days} days"), |until| format!("until {until}"));
    let text = format!(
        "{arn} is deleted\nIt can be restored {when}; then its key is gone for ever.\nTo restore it: private-ca ca restore --ca {arn}{words}\n"
    );
    let until = until.map(|until| until.to_string());
    said(
        text,
        json!({ "ca": arn.as_str(), "is": "deleted", "restore_days": days, "restorable_until": until }),
    )
}

/// An audit report was written.
#[cfg(feature = "aws")]
pub(crate) fn audit_report(report: &AuditReport) -> Answer {
    said(
        format!("wrote s3://{}/{}\n", report.bucket, report.key),
        json!({ "id": report.id, "bucket": report.bucket, "key": report.key }),
    )
}

/// The policy that shares a CA.
#[cfg(feature = "aws")]
pub(crate) fn policy(policy: Option<&str>) -> Answer {
    let Some(policy) = policy else {
        let text = "it has no policy: no other account sees it\n";
        return said(text.to_owned(), json!({ "policy": null }));
    };
    let value: Value = serde_json::from_str(policy).unwrap_or_else(|_| json!(policy));
    said(format!("{}\n", policy.trim_end()), json!({ "policy": value }))
}
