//! What Temporal Cloud will say, and what its CA bundle holds.

use std::fmt::Write as _;
use std::path::Path;

use private_ca::temporal::bundle::{BundleDifference, CaBundle, Fingerprint};
use private_ca::temporal::filters::Trial;
use private_ca::temporal::requirements::{Finding, Prediction, Report};
use private_ca::{Certificate, Timestamp};
use serde_json::{Value, json};

use super::certificate::certificate_json;
use super::{Answer, line, path_json, said};

/// Everything that was found, and the prediction.
pub(crate) fn checked(report: &Report) -> Answer {
    let prediction = report.prediction();
    let mut text = format!("{}\n", line(&prediction.to_string()));
    for finding in report.findings() {
        let rule = finding.requirement;
        let _ = write!(
            text,
            "\n{}: {}\n  to mend it: {}\n  rule: {} ({}; {})\n",
            rule.severity(),
            line(&finding.found),
            finding.mend,
            rule.sentence(),
            rule.id(),
            rule.source()
        );
    }
    if let Some(trial) = report.trial() {
        text.push_str(&trial_text(trial));
    }
    if !report.unasked().is_empty() {
        let rules: Vec<_> = report.unasked().iter().map(|rule| rule.id()).collect();
        let _ = writeln!(text, "\nnot asked: {}", rules.join(", "));
    }
    let until = match &prediction {
        Prediction::Accepted { until } => until.map(|until| until.to_string()),
        _ => None,
    };
    // Neither yes nor no: what cannot be judged was not asked.
    let (accepted, status) = match &prediction {
        Prediction::Accepted { .. } => (Some(true), 0),
        Prediction::Unjudged { .. } => (None, 2),
        _ => (Some(false), 1),
    };
    let json = json!({
        "accepted": accepted,
        "prediction": prediction.to_string(),
        "at": report.at().to_string(),
        "not_after": until,
        "findings": report.findings().iter().map(finding_json).collect::<Vec<_>>(),
        "filters": report.trial().map(trial_json),
        "not_asked": report.unasked().iter().map(|rule| rule.id()).collect::<Vec<_>>(),
    });
    Answer { status, ..said(text, json) }
}

fn finding_json(finding: &Finding) -> Value {
    let rule = finding.requirement;
    json!({
        "id": rule.id(),
        "severity": rule.severity().to_string(),
        "source": rule.source(),
        "rule": rule.sentence(),
        "found": finding.found,
        "mend": finding.mend,
        "certificate": finding.certificate.as_ref().map(certificate_json),
    })
}

/// Which filter fits by which fields, or how near each came.
fn trial_text(trial: &Trial) -> String {
    let mut text = String::from("\nfilters, tried on the client's certificate:\n");
    if trial.filters.is_empty() {
        text.push_str("  there is none: every client of the bundle's CAs is admitted\n");
    }
    for (place, filter) in trial.filters.iter().enumerate() {
        let fits = if filter.fits() { "fits" } else { "does not fit" };
        let _ = writeln!(text, "  filter {} {fits}", place + 1);
        for field in &filter.fields {
            let _ = match (&field.matched, field.found.as_slice()) {
                (Some(value), _) => {
                    writeln!(text, "    {} \"{}\" by \"{value}\"", field.field, field.wanted)
                }
                (None, []) => writeln!(
                    text,
                    "    {} \"{}\" not: the certificate has none",
                    field.field, field.wanted
                ),
                (None, found) => writeln!(
                    text,
                    "    {} \"{}\" not: the certificate has \"{}\"",
                    field.field,
                    field.wanted,
                    found.join("\", \"")
                ),
            };
        }
    }
    text
}

fn trial_json(trial: &Trial) -> Value {
    let filters = trial.filters.iter().map(|filter| {
        let fields = filter.fields.iter().map(|field| {
            json!({
                "field": field.field.name(),
                "wanted": field.wanted,
                "found": field.found,
                "matched": field.matched,
            })
        });
        json!({ "fits": filter.fits(), "fields": fields.collect::<Vec<_>>() })
    });
    json!({
        "admitted": trial.is_admitted(),
        "matched": trial.matched(),
        "nearest": trial.nearest(),
        "filters": filters.collect::<Vec<_>>(),
    })
}

pub(super) fn ca_row(certificate: &Certificate) -> String {
    format!(
        "{}  {} (until {})",
        Fingerprint::sha1_of(certificate),
        certificate.subject(),
        certificate.validity().not_after
    )
}

fn ca_json(certificate: &Certificate) -> Value {
    let mut json = certificate_json(certificate);
    if let Some(json) = json.as_object_mut() {
        json.insert("sha1".to_owned(), json!(Fingerprint::sha1_of(certificate).to_string()));
    }
    json
}

pub(super) fn ca_list(bundle: &CaBundle) -> Value {
    bundle.certificates().iter().map(ca_json).collect()
}

/// The CAs of a bundle.
pub(crate) fn bundle(bundle: &CaBundle, now: Timestamp) -> Answer {
    let mut text = String::new();
    for certificate in bundle.certificates() {
        let ended = now > certificate.validity().not_after;
        let _ =
            writeln!(text, "{}{}", ca_row(certificate), if ended { ", which is past" } else { "" });
    }
    if bundle.is_empty() {
        text.push_str("the bundle holds no certificate\n");
    }
    if let Err(error) = bundle.check() {
        let _ = writeln!(text, "Temporal Cloud would not take it: {error}");
    }
    let problem = bundle.check().err().map(|error| error.to_string());
    said(text, json!({ "certificates": ca_list(bundle), "problem": problem }))
}

/// What a bundle gains and loses, and where it was written to.
pub(crate) fn bundle_change(
    difference: &BundleDifference,
    after: &CaBundle,
    written: Option<&Path>,
) -> Answer {
    let mut text = String::new();
    for certificate in &difference.added {
        let _ = writeln!(text, "+ {}", ca_row(certificate));
    }
    for certificate in &difference.removed {
        let _ = writeln!(text, "- {}", ca_row(certificate));
    }
    let _ = match written {
        Some(path) => writeln!(text, "wrote {}", path.display()),
        None => writeln!(text, "nothing was written"),
    };
    let list = |all: &[Certificate]| all.iter().map(ca_json).collect::<Vec<_>>();
    said(
        text,
        json!({
            "added": list(&difference.added),
            "removed": list(&difference.removed),
            "certificates": ca_list(after),
            "written": written.map(path_json),
        }),
    )
}
