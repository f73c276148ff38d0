//! What our verifier says, in words short enough for a table.

use std::fmt;

use private_ca::certificate::CertificateError;
use private_ca::verify::{AnchorError, Policy, Verification, Verifier, VerifyError};
use private_ca::{Certificate, Timestamp};

use super::chain::Ders;

/// Why we refuse.
pub(super) struct Refusal {
    /// The variant of the error, and of what is in it: `Rule byte-exact-names`.
    pub(super) key: String,
    /// The same for every way that was tried.
    pub(super) keys: Vec<String>,
    pub(super) text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.key, self.text)
    }
}

/// The path that we found, and nothing besides; or why there is none.
pub(super) fn ours(ders: &Ders, policy: Policy, at: i64) -> Result<Ders, Refusal> {
    let parse = |ders: &[Vec<u8>]| {
        ders.iter().map(|der| Certificate::from_der(der)).collect::<Result<Vec<_>, _>>()
    };
    let anchors = parse(&ders.anchors).map_err(unreadable)?;
    let pool = parse(&ders.pool).map_err(unreadable)?;
    let leaf = Certificate::from_der(&ders.leaf).map_err(unreadable)?;
    let verifier = Verifier::new(anchors).map_err(|error| {
        let key = match &error {
            AnchorError::Key { source, .. } => format!("anchor {}", variant(source)),
            other => format!("anchor {}", variant(other)),
        };
        Refusal { keys: vec![key.clone()], key, text: error.to_string() }
    })?;
    let verification = Verification::new(policy).at(Timestamp::from_unix_seconds(at));
    let chain = verifier.verify(&leaf, &pool, &verification).map_err(|error| {
        let mut keys = Vec::new();
        collect_keys(&error, &mut keys);
        Refusal { key: key(error.cause()), keys, text: error.to_string() }
    })?;
    let path: Vec<_> = chain.path().iter().map(|one| one.as_der().to_vec()).collect();
    let (anchor, below) = path.split_last().unwrap();
    Ok(Ders {
        anchors: vec![anchor.clone()],
        pool: below.iter().skip(1).cloned().collect(),
        leaf: ders.leaf.clone(),
    })
}

fn unreadable(error: CertificateError) -> Refusal {
    let key = match &error {
        CertificateError::Malformed { field, .. } => format!("Malformed {field}"),
        other => variant(other),
    };
    Refusal { keys: vec![key.clone()], key, text: error.to_string() }
}

fn collect_keys(error: &VerifyError, keys: &mut Vec<String>) {
    match error {
        VerifyError::NoPath { candidates, .. } => {
            candidates.iter().for_each(|rejected| collect_keys(&rejected.error, keys));
        }
        reason => keys.push(key(reason)),
    }
}

fn key(error: &VerifyError) -> String {
    let inner = match error {
        VerifyError::Rule { rule, .. } => rule.id().to_owned(),
        VerifyError::Signature { source, .. } | VerifyError::IssuerKey { source, .. } => {
            variant(source)
        }
        VerifyError::NameConstraint { breach, .. } => variant(breach),
        VerifyError::Policy { fault, .. } => variant(fault),
        VerifyError::KeyUsage { needed, .. } => needed.to_string(),
        _ => return variant(error),
    };
    format!("{} {inner}", variant(error))
}

fn variant(error: &impl fmt::Debug) -> String {
    let text = format!("{error:?}");
    text.split(|letter: char| !letter.is_alphanumeric()).next().unwrap_or_default().to_owned()
}
