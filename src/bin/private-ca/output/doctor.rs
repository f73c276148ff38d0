//! Why a worker does not connect.

use std::fmt::Write as _;

use private_ca::connect::{Cause, Diagnosis, Stage};
use serde_json::{Value, json};

use super::{Answer, line, lines, said};

/// One line first, then each stage.
pub(crate) fn diagnosis(diagnosis: &Diagnosis) -> Answer {
    let mut text = format!("{diagnosis}\n");
    if let Some((_, cause)) = diagnosis.failure() {
        let _ = writeln!(text, "to mend it: {}", line(&cause.mend()));
    }
    for finding in diagnosis.findings() {
        let outcome = match (&finding.failure, finding.warnings.len()) {
            (Some(_), _) => "fails",
            (None, 0) => "good",
            (None, _) => "good, but see below",
        };
        let milliseconds = finding.took.as_millis();
        let _ = writeln!(text, "\n{}: {outcome} ({milliseconds} ms)", finding.stage);
        lines(&mut text, "  ", &finding.evidence);
        for warning in &finding.warnings {
            let (sentence, mend) = (line(&warning.to_string()), line(&warning.mend()));
            let _ = writeln!(text, "  warning: {sentence}\n    to mend it: {mend}");
        }
    }
    let reached = diagnosis.findings().len();
    for stage in Stage::ALL.iter().skip(reached) {
        let _ = writeln!(text, "\n{stage}: not asked");
    }
    let findings = diagnosis.findings().iter().map(|finding| {
        let evidence = finding.evidence.iter().map(|(name, value)| json!([name, value]));
        json!({
            "stage": finding.stage.id(),
            "milliseconds": u64::try_from(finding.took.as_millis()).unwrap_or(u64::MAX),
            "evidence": evidence.collect::<Vec<_>>(),
            "warnings": finding.warnings.iter().map(cause_json).collect::<Vec<_>>(),
            "failure": finding.failure.as_ref().map(cause_json),
        })
    });
    let failure = diagnosis.failure();
    let json = json!({
        "connects": failure.is_none(),
        "diagnosis": diagnosis.to_string(),
        "stage": failure.map(|(stage, _)| stage.id()),
        "cause": failure.map(|(_, cause)| cause_json(cause)),
        "findings": findings.collect::<Vec<_>>(),
    });
    Answer { status: u8::from(failure.is_some()), ..said(text, json) }
}

fn cause_json(cause: &Cause) -> Value {
    let sentence = line(&cause.to_string());
    json!({ "id": cause.id(), "sentence": sentence, "mend": line(&cause.mend()) })
}
