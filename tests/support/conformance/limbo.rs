//! C2SP x509-limbo, in its own JSON format.

use private_ca::verify::{
    Policy, Purpose, Revocation, RevocationList, Verification, VerifiedChain, Verifier,
};
use private_ca::{Certificate, SubjectAlternativeName};
use serde_json::Value;

use super::{Outcome, Report};

/// Cases that come out otherwise than the suite has it, or families of them (`::` at the end), and
/// why. A case that is listed by itself and agrees is an error too.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("webpki::san::public-suffix-multi-label-wildcard-san", PUBLIC_SUFFIX),
    ("webpki::san::public-suffix-private-namespace-wildcard-san", PUBLIC_SUFFIX),
    ("webpki::cn::", COMMON_NAME),
];

const PUBLIC_SUFFIX: &str = "the public suffix list, which changes weekly, is not consulted";
const COMMON_NAME: &str = "the common name is not read: other cases of the suite, valid ones, have \
     one that is no subjectAltName";

/// The reason for which a case differs. Of a family only those that differ are exceptions.
fn exception(id: &str, matches: bool) -> Option<&'static str> {
    let listed = |entry: &&(&str, &str)| match entry.0.ends_with("::") {
        true => id.starts_with(entry.0) && !matches,
        false => id == entry.0,
    };
    EXCEPTIONS.iter().find(listed).map(|(_, reason)| *reason)
}

/// Runs every case of a file of the suite's format.
pub fn run(json: &str) -> Result<Report, String> {
    let suite: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let cases = suite["testcases"].as_array().ok_or("there are no \"testcases\"")?;
    let outcomes = cases
        .iter()
        .map(|case| {
            let id = case["id"].as_str().ok_or("a case has no \"id\"")?.to_owned();
            let should_be_valid = match case["expected_result"].as_str() {
                Some("SUCCESS") => true,
                Some("FAILURE") => false,
                other => return Err(format!("{id}: the expected result is {other:?}")),
            };
            let refused = verify(case, &id).err();
            let exception = exception(&id, should_be_valid == refused.is_none());
            Ok(Outcome { should_be_valid, refused, exception, id })
        })
        .collect::<Result<_, _>>()?;
    Ok(Report { suite: "limbo", outcomes })
}

/// Three pairs of cases contradict each other, between RFC 5280 and the web PKI's rules: the
/// namespace of a case says whose it is.
fn policy(id: &str) -> Policy {
    match id.split("::").next() {
        Some("webpki" | "online") => Policy::web_pki(),
        _ => Policy::rfc5280(),
    }
}

fn certificates(pem: &Value) -> impl Iterator<Item = Result<Certificate, String>> {
    let pem = pem.as_array().cloned().unwrap_or_default();
    pem.into_iter().map(|pem| certificate(&pem))
}

fn certificate(pem: &Value) -> Result<Certificate, String> {
    let pem = pem.as_str().unwrap_or_default();
    Certificate::from_pem_or_der(pem.as_bytes()).map_err(|error| error.to_string())
}

fn verify(case: &Value, id: &str) -> Result<VerifiedChain, String> {
    let leaf = certificate(&case["peer_certificate"])?;
    let anchors = certificates(&case["trusted_certs"]).collect::<Result<Vec<_>, _>>()?;
    // A certificate that cannot be read is in no path.
    let pool: Vec<_> = certificates(&case["untrusted_intermediates"]).flatten().collect();
    let verifier = Verifier::new(anchors).map_err(|error| error.to_string())?;
    let verification = verification(case, id)?;
    verifier.verify(&leaf, &pool, &verification).map_err(|error| error.to_string())
}

fn verification(case: &Value, id: &str) -> Result<Verification, String> {
    let mut policy = policy(id).for_purpose(purpose(case, id)?);
    if let Some(depth) = case["max_chain_depth"].as_u64() {
        policy = policy.max_intermediates(usize::try_from(depth).unwrap_or(usize::MAX));
    }
    let mut verification = Verification::new(policy);
    if let Some(time) = case["validation_time"].as_str() {
        verification = verification.at(time.parse().map_err(|_| format!("the time {time}"))?);
    }
    let names = case["expected_peer_names"].as_array().into_iter().flatten();
    for name in names.chain([&case["expected_peer_name"]]).filter(|name| !name.is_null()) {
        verification = verification.name(peer_name(name)?);
    }
    let lists = case["crls"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !lists.is_empty() {
        let lists = lists
            .iter()
            .map(|pem| {
                let pem = pem.as_str().unwrap_or_default();
                RevocationList::all_from_pem_or_der(pem.as_bytes())
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| error.to_string())?;
        verification = verification.revocation(Revocation::new(lists.into_iter().flatten()));
    }
    Ok(verification)
}

/// Where a case asks for no extended key usage, it is nobody's in RFC 5280, and that of its kind of
/// peer in the web PKI.
fn purpose(case: &Value, id: &str) -> Result<Purpose, String> {
    let asked: Vec<_> = case["extended_key_usage"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    Ok(match (asked.as_slice(), case["validation_kind"].as_str()) {
        (["serverAuth"], _) => Purpose::Server,
        (["clientAuth"], _) => Purpose::Client,
        ([], _) if policy(id) == Policy::rfc5280() => Purpose::Any,
        ([], Some("SERVER")) => Purpose::Server,
        ([], Some("CLIENT")) => Purpose::Client,
        other => return Err(format!("the purpose {other:?}")),
    })
}

fn peer_name(name: &Value) -> Result<SubjectAlternativeName, String> {
    let value = name["value"].as_str().ok_or("a name without value")?;
    let kind = match name["kind"].as_str() {
        Some("DNS") => "DNS",
        Some("IP") => "IP",
        Some("RFC822") => "email",
        other => return Err(format!("a name of kind {other:?}")),
    };
    format!("{kind}:{value}").parse().map_err(|error| format!("{error}"))
}
