//! Chains that were refused: what was tried, and why each attempt failed.

use std::fmt::Write as _;

use private_ca::verify::{
    ConstraintBreach, IssuerCandidate, ListError, NamedOid, PolicyFault, RejectedIssuer,
    RejectedList, RevocationList,
};
use private_ca::{Certificate, DistinguishedName, VerifyError};
use serde_json::{Value, json};

use super::certificate::certificate_json;
use super::file::list_json;
use super::line;
use crate::failure::Refusal;

/// A refusal in both forms.
pub(super) fn told(refusal: &Refusal) -> (String, Value) {
    let (mut text, mut json) = super::told(&line(&sentence(&refusal.error)), &refusal.error);
    tree_of(refusal).draw(&mut text, "  ", "  ");
    if let Some(json) = json.as_object_mut() {
        json.insert("valid".to_owned(), json!(false));
        json.insert("at".to_owned(), json!(refusal.at.to_string()));
        json.insert("reason".to_owned(), reason_json(&refusal.error));
    }
    (text, json)
}

/// The error in one sentence: of several attempts, the one that came closest.
fn sentence(mut error: &VerifyError) -> String {
    // Where there was no choice, the reason lies further on.
    while let VerifyError::NoPath { candidates, .. } = error
        && let [only] = candidates.as_slice()
    {
        error = &only.error;
    }
    let VerifyError::NoPath { subject, candidates } = error else {
        return error.to_string();
    };
    let Some(closest) = candidates.first() else {
        return error.to_string();
    };
    format!(
        "no path leads from the certificate {} to a trust anchor: {} certificates have its issuer's name, and the {} came closest, but {}",
        who(subject),
        candidates.len(),
        closest.issuer,
        closest.error.cause()
    )
}

fn who(subject: &DistinguishedName) -> String {
    match subject.is_empty() {
        true => "without a subject's name".to_owned(),
        false => subject.to_string(),
    }
}

// --- The tree. ------------------------------------------------------------------------------------

/// What is written one below the other, and what is written below that.
struct Node {
    lines: Vec<String>,
    below: Vec<Self>,
}

impl Node {
    fn new(line: impl Into<String>) -> Self {
        Self { lines: vec![line.into()], below: Vec::new() }
    }

    /// The first line after `first`, everything else after `rest`.
    fn draw(&self, text: &mut String, first: &str, rest: &str) {
        let mut lead = first;
        for one in &self.lines {
            let _ = writeln!(text, "{lead}{}", line(one));
            lead = rest;
        }
        let last = self.below.len().saturating_sub(1);
        for (index, node) in self.below.iter().enumerate() {
            let (branch, trunk) =
                if index == last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            node.draw(text, &format!("{rest}{branch}"), &format!("{rest}{trunk}"));
        }
    }
}

fn described(kind: &str, certificate: &Certificate) -> Node {
    Node::new(format!(
        "{kind} {}, serial number {}, until {}",
        who(&certificate.subject()),
        certificate.serial_number(),
        certificate.validity().not_after
    ))
}

fn candidate(issuer: &IssuerCandidate) -> Node {
    let kind = if issuer.is_anchor() { "trust anchor" } else { "intermediate" };
    match issuer.certificate() {
        Some(certificate) => described(kind, certificate),
        None => Node::new(format!("{kind} {}", who(&issuer.subject()))),
    }
}

fn tree_of(refusal: &Refusal) -> Node {
    let mut root = described("certificate", &refusal.leaf);
    explain(&mut root, &refusal.error);
    root
}

/// Writes below a node why its certificate leads nowhere.
fn explain(node: &mut Node, error: &VerifyError) {
    match error {
        VerifyError::NoPath { candidates, .. } => {
            for RejectedIssuer { issuer, error, .. } in candidates {
                let mut below = candidate(issuer);
                explain(&mut below, error);
                node.below.push(below);
            }
        }
        VerifyError::RevocationUnknown { subject, lists } if !lists.is_empty() => {
            let reason = format!(
                "path rejected: whether the certificate {} is revoked cannot be told",
                who(subject)
            );
            node.lines.push(reason);
            node.below.extend(lists.iter().map(|RejectedList { list, error, .. }| {
                let mut below = Node::new(format!("revocation list of {}", list_times(list)));
                below.lines.push(format!("does not count: {error}"));
                below
            }));
        }
        // Of a whole path this can be said only where it ends.
        VerifyError::Policy { .. }
        | VerifyError::Revoked { .. }
        | VerifyError::RevocationUnknown { .. } => {
            node.lines.push(format!("path rejected: {error}"));
        }
        reason => node.lines.push(format!("rejected: {reason}")),
    }
}

/// A revocation list in a line.
pub(super) fn list_times(list: &RevocationList) -> String {
    let next = match list.next_update() {
        Some(next) => format!("the next due {next}"),
        None => "the next at no time that it says".to_owned(),
    };
    let delta = if list.is_delta() { ", delta" } else { "" };
    format!("{}{delta}, made {}, {next}", who(&list.issuer()), list.this_update())
}

// --- JSON. ----------------------------------------------------------------------------------------

/// A reason as programs read it: its kind, its sentence, and the evidence.
pub(super) fn reason_json(error: &VerifyError) -> Value {
    let (kind, evidence) = evidence(error);
    with_kind(kind, &error.to_string(), evidence)
}

fn with_kind(kind: &str, sentence: &str, mut evidence: Value) -> Value {
    if let Some(evidence) = evidence.as_object_mut() {
        evidence.insert("kind".to_owned(), json!(kind));
        evidence.insert("sentence".to_owned(), json!(sentence));
    }
    evidence
}

fn text(value: impl ToString) -> String {
    value.to_string()
}

fn texts<T: ToString>(values: &[T]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

fn evidence(error: &VerifyError) -> (&'static str, Value) {
    match error {
        VerifyError::Expired { subject, not_after, at } => (
            "expired",
            json!({ "subject": text(subject), "not_after": text(not_after), "at": text(at) }),
        ),
        VerifyError::NotYetValid { subject, not_before, at } => (
            "not-yet-valid",
            json!({ "subject": text(subject), "not_before": text(not_before), "at": text(at) }),
        ),
        VerifyError::Version { subject, version } => {
            ("version", json!({ "subject": text(subject), "version": version }))
        }
        VerifyError::SignatureAlgorithmsDiffer { subject } => {
            ("signature-algorithms-differ", json!({ "subject": text(subject) }))
        }
        VerifyError::CriticalExtension { subject, extension } => (
            "critical-extension",
            json!({ "subject": text(subject), "extension": text(extension.0) }),
        ),
        VerifyError::NameConstraint { subject, issuer, name, breach } => (
            "name-constraint",
            json!({
                "subject": text(subject), "issuer": text(issuer), "name": name,
                "breach": breach_json(breach),
            }),
        ),
        VerifyError::MalformedNameConstraint { subject, constraint } => (
            "malformed-name-constraint",
            json!({ "subject": text(subject), "constraint": constraint }),
        ),
        VerifyError::Policy { subject, fault } => {
            let fault = match fault {
                PolicyFault::NoValidPolicy => "no-valid-policy",
                PolicyFault::AnyPolicyMapped => "any-policy-mapped",
                _ => "other",
            };
            ("policy", json!({ "subject": text(subject), "fault": fault }))
        }
        VerifyError::Revoked { subject, serial_number, since, reason, issuer } => (
            "revoked",
            json!({
                "subject": text(subject), "serial_number": text(serial_number),
                "since": text(since), "reason": reason.map(text), "issuer": text(issuer),
            }),
        ),
        VerifyError::RevocationUnknown { subject, lists } => (
            "revocation-unknown",
            json!({
                "subject": text(subject),
                "lists": lists.iter().map(rejected_list_json).collect::<Value>(),
            }),
        ),
        VerifyError::Rule { subject, rule, found } => (
            "rule",
            json!({
                "subject": text(subject), "rule": rule.id(), "source": rule.source(),
                "found": found,
            }),
        ),
        VerifyError::TooManyIntermediates { subject, allowed, below } => (
            "too-many-intermediates",
            json!({ "subject": text(subject), "allowed": allowed, "below": below }),
        ),
        other => issuer_evidence(other),
    }
}

/// Of the reasons that concern issuers, keys and purposes.
fn issuer_evidence(error: &VerifyError) -> (&'static str, Value) {
    match error {
        VerifyError::NotACa { subject } => ("not-a-ca", json!({ "subject": text(subject) })),
        VerifyError::CaAsPeer { subject, purpose } => {
            ("ca-as-peer", json!({ "subject": text(subject), "purpose": text(purpose) }))
        }
        VerifyError::PathLength { subject, allowed, below } => {
            ("path-length", json!({ "subject": text(subject), "allowed": allowed, "below": below }))
        }
        VerifyError::KeyUsage { subject, found, needed } => (
            "key-usage",
            json!({ "subject": text(subject), "found": text(found), "needed": text(needed) }),
        ),
        VerifyError::ExtendedKeyUsage { subject, purpose, found } => {
            let found: Vec<_> = found.iter().map(|NamedOid(one)| text(one)).collect();
            (
                "extended-key-usage",
                json!({ "subject": text(subject), "purpose": text(purpose), "found": found }),
            )
        }
        VerifyError::Name { subject, name, found } => {
            ("name", json!({ "subject": text(subject), "name": text(name), "found": texts(found) }))
        }
        VerifyError::Signature { subject, issuer, source } => (
            "signature",
            json!({ "subject": text(subject), "issuer": text(issuer), "found": text(source) }),
        ),
        VerifyError::IssuerKey { subject, source } => {
            ("issuer-key", json!({ "subject": text(subject), "found": text(source) }))
        }
        VerifyError::UnknownIssuer { subject, issuer } => {
            ("unknown-issuer", json!({ "subject": text(subject), "issuer": text(issuer) }))
        }
        VerifyError::SelfSigned { subject } => ("self-signed", json!({ "subject": text(subject) })),
        VerifyError::NoPath { subject, candidates } => (
            "no-path",
            json!({
                "subject": text(subject),
                "candidates": candidates.iter().map(candidate_json).collect::<Value>(),
            }),
        ),
        VerifyError::Budget { work, limit } => ("budget", json!({ "work": work, "limit": limit })),
        _ => ("other", json!({})),
    }
}

fn candidate_json(rejected: &RejectedIssuer) -> Value {
    let issuer = &rejected.issuer;
    json!({
        "kind": if issuer.is_anchor() { "trust-anchor" } else { "intermediate" },
        "subject": text(issuer.subject()),
        "certificate": issuer.certificate().map(certificate_json),
        "reason": reason_json(&rejected.error),
    })
}

fn breach_json(breach: &ConstraintBreach) -> Value {
    let (kind, evidence) = match breach {
        ConstraintBreach::Excluded { constraint } => {
            ("excluded", json!({ "constraint": constraint }))
        }
        ConstraintBreach::NotPermitted { permitted } => {
            ("not-permitted", json!({ "permitted": permitted }))
        }
        ConstraintBreach::MalformedName => ("malformed-name", json!({})),
        ConstraintBreach::Unprocessed { constraint } => {
            ("unprocessed", json!({ "constraint": constraint }))
        }
        _ => ("other", json!({})),
    };
    with_kind(kind, &breach.to_string(), evidence)
}

fn rejected_list_json(rejected: &RejectedList) -> Value {
    let error = &rejected.error;
    let (kind, evidence) = match error {
        ListError::Scope { .. } => ("scope", json!({})),
        ListError::NotYetMade { this_update, at } => {
            ("not-yet-made", json!({ "this_update": text(this_update), "at": text(at) }))
        }
        ListError::Expired { next_update, at } => {
            ("expired", json!({ "next_update": text(next_update), "at": text(at) }))
        }
        ListError::NoNextUpdate => ("no-next-update", json!({})),
        ListError::CriticalExtension { extension } => {
            ("critical-extension", json!({ "extension": text(extension.0) }))
        }
        ListError::SignatureAlgorithmsDiffer => ("signature-algorithms-differ", json!({})),
        ListError::Rule { rule } => ("rule", json!({ "rule": rule.id(), "source": rule.source() })),
        ListError::NoSigner => ("no-signer", json!({})),
        ListError::Signature(source) => ("signature", json!({ "found": text(source) })),
        ListError::Signer { source } => ("signer", json!({ "signer": reason_json(source) })),
        _ => ("other", json!({})),
    };
    let mut json = list_json(&rejected.list);
    if let Some(json) = json.as_object_mut() {
        json.insert("reason".to_owned(), with_kind(kind, &error.to_string(), evidence));
    }
    json
}
