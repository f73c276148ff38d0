//! NIST's Public Key Interoperability Test Suite (PKITS).

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use private_ca::Certificate;
use private_ca::verify::{Policy, Revocation, RevocationList, Rule, Verification, Verifier};
use serde_json::Value;

use super::{Outcome, Report};

const ANCHOR: &str = "TrustAnchorRootCertificate.crt";
const ANCHOR_LIST: &str = "TrustAnchorRootCRL.crl";
/// Most certificates of the suite are valid from 2010 to 2030.
const AT: &str = "2022-06-01T00:00:00Z";

/// One run of a test: PKITS runs some of them with several user inputs.
#[derive(Debug, Default)]
struct Run {
    id: String,
    should_be_valid: bool,
    is_dsa: bool,
    leaf: String,
    others: Vec<String>,
    lists: Vec<String>,
    checks_revocation: bool,
    policies: Option<Vec<String>>,
    explicit_policy: bool,
    inhibit_mapping: bool,
    inhibit_any_policy: bool,
}

/// The suite's files; each certificate is read once.
pub struct Files {
    certificates: PathBuf,
    lists: PathBuf,
}

impl Files {
    pub fn new(certificates: &Path, lists: &Path) -> Self {
        Self { certificates: certificates.to_owned(), lists: lists.to_owned() }
    }

    fn read(folder: &Path, name: &str) -> Result<Vec<u8>, String> {
        let path = folder.join(name);
        fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// Runs a manifest: a JSON array of tests, or the lines of `tests/pkits/suite.txt`.
pub fn run(manifest: &str, files: &Files) -> Result<Report, String> {
    let runs = match manifest.trim_start().starts_with('[') {
        true => from_json(manifest)?,
        false => from_lines(manifest)?,
    };
    // A file that is missing is no refusal.
    let mut certificates = HashMap::new();
    let mut lists = HashMap::new();
    for run in &runs {
        let names = run.others.iter().chain([&run.leaf]);
        for name in names.map(String::as_str).chain([ANCHOR]) {
            if !certificates.contains_key(name) {
                let der = Files::read(&files.certificates, name)?;
                certificates.insert(name.to_owned(), Certificate::from_der(&der));
            }
        }
        for name in run.lists.iter().map(String::as_str).chain([ANCHOR_LIST]) {
            if !lists.contains_key(name) {
                let der = Files::read(&files.lists, name)?;
                lists.insert(name.to_owned(), RevocationList::from_der(&der));
            }
        }
    }
    let certificate =
        |name: &str| certificates[name].clone().map_err(|error| format!("{name}: {error}"));
    let list = |name: &str| lists[name].clone().map_err(|error| format!("{name}: {error}"));
    let outcomes = runs
        .into_iter()
        .map(|run| Outcome {
            refused: verify(&run, certificate, list).err(),
            should_be_valid: run.should_be_valid,
            exception: (run.is_dsa && run.should_be_valid)
                .then_some("DSA with SHA-1 is refused by name"),
            id: run.id,
        })
        .collect();
    Ok(Report { suite: "pkits", outcomes })
}

/// The suite is about RFC 5280 section 6 alone: its valid certificates break the profile of section
/// 4 in three ways.
fn policy(run: &Run) -> Result<Policy, String> {
    let mut policy = Policy::rfc5280()
        // Of 4.4.14 and 4.4.15.
        .without(Rule::NonNegativeSerialNumber)
        // Of 4.6.4.
        .without(Rule::BasicConstraintsCritical)
        // Of 4.8.6 and others.
        .without(Rule::PolicyConstraintsCritical);
    if let Some(policies) = &run.policies {
        let policies = policies
            .iter()
            .map(|policy| policy.parse().map_err(|error| format!("the policy {policy}: {error}")));
        policy = policy.accept_policies(policies.collect::<Result<Vec<_>, _>>()?);
    }
    if run.explicit_policy {
        policy = policy.require_explicit_policy();
    }
    if run.inhibit_mapping {
        policy = policy.inhibit_policy_mapping();
    }
    if run.inhibit_any_policy {
        policy = policy.inhibit_any_policy();
    }
    Ok(policy)
}

fn verify(
    run: &Run,
    certificate: impl Fn(&str) -> Result<Certificate, String>,
    list: impl Fn(&str) -> Result<RevocationList, String>,
) -> Result<(), String> {
    let verifier = Verifier::new([certificate(ANCHOR)?]).map_err(|error| error.to_string())?;
    let leaf = certificate(&run.leaf)?;
    let pool: Vec<_> = run.others.iter().flat_map(|name| certificate(name)).collect();
    let at = AT.parse().map_err(|_| AT.to_owned())?;
    let mut verification = Verification::new(policy(run)?).at(at);
    if run.checks_revocation {
        let names = run.lists.iter().map(String::as_str).chain([ANCHOR_LIST]);
        let lists = names.flat_map(list);
        verification = verification.revocation(Revocation::new(lists));
    }
    verifier.verify(&leaf, &pool, &verification).map(drop).map_err(|error| error.to_string())
}

fn from_json(json: &str) -> Result<Vec<Run>, String> {
    let tests: Vec<Value> = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let texts = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    tests
        .iter()
        .map(|test| {
            let text = |field: &str| {
                test[field].as_str().map(str::to_owned).ok_or(format!("a test has no {field:?}"))
            };
            let flag = |name: &str| test["params"][name].as_bool().unwrap_or(false);
            let id = text("id")?;
            Ok(Run {
                should_be_valid: text("expect")? == "valid",
                is_dsa: matches!(id.as_str(), "40104" | "40105" | "40106"),
                leaf: text("cert")?,
                others: texts(&test["other_certs"]),
                lists: texts(&test["crls"]),
                checks_revocation: test["revocation_checked"].as_bool().unwrap_or(true),
                policies: test["params"]
                    .get("user_initial_policy_set")
                    .map(texts)
                    .filter(|policies| !policies.is_empty()),
                explicit_policy: flag("initial_explicit_policy"),
                inhibit_mapping: flag("initial_policy_mapping_inhibit"),
                inhibit_any_policy: flag("initial_any_policy_inhibit"),
                id: format!("{id} {}", text("name").unwrap_or_default()),
            })
        })
        .collect()
}

fn from_lines(lines: &str) -> Result<Vec<Run>, String> {
    lines
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(|line| from_line(line).ok_or(format!("not a test: {line}")))
        .collect()
}

/// `ID EXPECTATION [dsa] LEAF [< ISSUER]... [+ OTHER]... ; [CRL]... [; INPUT...]`
fn from_line(line: &str) -> Option<Run> {
    let mut parts = line.split(';');
    let mut words = parts.next()?.split_whitespace().peekable();
    let mut run = Run {
        id: words.next()?.to_owned(),
        should_be_valid: match words.next()? {
            "valid" => true,
            "invalid" => false,
            _ => return None,
        },
        is_dsa: words.next_if_eq(&"dsa").is_some(),
        leaf: format!("{}.crt", words.next()?),
        others: words
            .filter(|word| !matches!(*word, "<" | "+"))
            .map(|name| format!("{name}.crt"))
            .collect(),
        lists: parts.next()?.split_whitespace().map(|name| format!("{name}.crl")).collect(),
        checks_revocation: true,
        ..Run::default()
    };
    for input in parts.next().unwrap_or_default().split_whitespace() {
        match input.split_once('=') {
            Some(("policies", policies)) => {
                let policies = policies.split(',').map(|policy| {
                    policy
                        .strip_prefix('P')
                        .map(|number| format!("2.16.840.1.101.3.2.1.48.{number}"))
                });
                run.policies = Some(policies.collect::<Option<_>>()?);
            }
            None if input == "explicit-policy" => run.explicit_policy = true,
            None if input == "inhibit-mapping" => run.inhibit_mapping = true,
            None if input == "inhibit-any-policy" => run.inhibit_any_policy = true,
            _ => return None,
        }
    }
    Some(run)
}
