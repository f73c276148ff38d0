//! Why verdicts may differ, a sentence each.

use private_ca::{Certificate, SubjectAlternativeName};

use super::values;
use super::verdicts::Refusal;

/// By our reason: why our policies refuse what all three others accept, and what Go accepts. Most are
/// about extensions that the others pass over, or decode with less care.
const STRICTER: &[(&str, &str)] = &[
    (
        "Malformed authorityInfoAccess",
        "an extension that is decoded has to be DER as RFC 5280 defines it, whole and without anything after it",
    ),
    (
        "Malformed authorityKeyIdentifier",
        "the same: what others do not read after the identifier could be an identifier to somebody else",
    ),
    (
        "Malformed basicConstraints",
        "the same: who may issue certificates must not depend on the reader",
    ),
    ("Malformed cRLDistributionPoints", "the same"),
    ("Malformed freshestCRL", "the same"),
    (
        "Malformed certificatePolicies",
        "RFC 5280 section 4.2.1.4 asks for at least one policy, and for each once",
    ),
    ("Malformed encoding", "nothing follows the last field of a structure in DER"),
    (
        "Malformed extKeyUsage",
        "RFC 5280 section 4.2.1.12 asks for at least one purpose: a list without any reads as no limit to some",
    ),
    ("Malformed extension", "an extension has an object identifier in DER"),
    ("Malformed extension's critical", "a boolean in DER is 0 or 255"),
    (
        "Malformed extensions",
        "only version 3 has extensions, at the end and in [3]: RFC 5280 section 4.1.2.9",
    ),
    (
        "Malformed inhibitAnyPolicy",
        "RFC 5280 section 4.2.1.14 counts from zero, so a negative number is none",
    ),
    ("Malformed issuerUniqueID", "a bit string in DER has its count of unused bits"),
    ("Malformed subjectUniqueID", "a bit string in DER has its count of unused bits"),
    ("Malformed keyUsage", "a bit string in DER, with nothing after it"),
    ("Malformed name", "a name is made of types that ASN.1 has and the decoder knows"),
    (
        "Malformed nameConstraints",
        "RFC 5280 section 4.2.1.10: minimum and maximum are left out, and a base is one of the forms of a name",
    ),
    (
        "Malformed policyConstraints",
        "RFC 5280 section 4.2.1.11 asks for at least one of its fields, in order, none negative",
    ),
    ("Malformed policyMappings", "RFC 5280 section 4.2.1.5 asks for at least one pair"),
    ("Malformed signatureValue", "a signature is a bit string of whole octets"),
    ("Malformed subjectAltName", "RFC 5280 section 4.2.1.6, in DER: a string is primitive"),
    ("Malformed subjectKeyIdentifier", "an octet string, with nothing after it"),
    ("Malformed validity", "RFC 5280 section 4.1.2.5: seconds are written, and Z is the only zone"),
    ("Malformed version", "DER leaves out a default, and version 1 is the default"),
    (
        "MalformedNameConstraint",
        "a constraint that no name can be held to has no meaning: RFC 5280 section 4.2.1.10",
    ),
    (
        "Policy AnyPolicyMapped",
        "RFC 5280 section 6.1.4 (a) forbids it whether or not policies still matter",
    ),
    (
        "Signature Parameters",
        "the parameters of a signature's algorithm are those that its definition asks for",
    ),
    (
        "anchor InvalidKey",
        "an anchor whose key could verify nothing is a mistake to be told of, even if no path needs it",
    ),
    ("anchor MalformedKey", "the same"),
    ("anchor RsaKeySize", "the same"),
    ("anchor UnknownCurve", "the same"),
    ("anchor UnknownKeyAlgorithm", "the same"),
];

/// The same, of the default policies alone.
const STRICTER_THAN_ALL: &[(&str, &str)] = &[
    ("KeyUsage digitalSignature", "a TLS peer signs, and OpenSSL lets keyAgreement stand for that"),
    (
        "NameConstraint MalformedName",
        "a name that cannot be compared with constraints could be any, though some compare it with those of its form alone",
    ),
    (
        "Rule subject-key-accepted",
        "a peer's RSA key of less than 2048 bits is refused, though nothing in the chain needs it",
    ),
];

/// The same, of the policy that is Go's alone.
const STRICTER_THAN_GO: &[(&str, &str)] = &[(
    "Rule subject-key-accepted",
    "a peer's RSA key of less than 2048 bits is refused, and an Ed25519 key that no signature could fit",
)];

/// A path that we accept, and a judge refuses though it is given nothing else.
pub(super) struct Refused<'a> {
    /// From the leaf to the anchor.
    pub(super) path: &'a [Certificate],
    /// Seconds since 1970.
    pub(super) at: i64,
    pub(super) reason: &'a str,
}

/// Limits of the judges' own: whose it is, a part of the reason, what it asks of the path, and what it is.
type Limit = (&'static str, &'static str, fn(&Refused<'_>) -> bool, &'static str);

const LIMITS: &[Limit] = &[
    ("webpki", "", has_years_before_1970, "webpki does not read years before 1970"),
    ("webpki", "", has_long_path_length, "webpki does not read a path length of more than 255"),
    (
        "OpenSSL",
        "error 26 at",
        has_netscape_type,
        "OpenSSL reads Netscape's certificate type, which no other reads any more",
    ),
    (
        "OpenSSL",
        "error 2 at",
        anything,
        "OpenSSL asks an anchor to be self-signed, unless -partial_chain is given",
    ),
    (
        "OpenSSL",
        "error 10 at",
        is_in_its_last_second,
        "OpenSSL does not count the last second, which RFC 5280 section 4.1.2.5 includes",
    ),
    // A signature of another key, a root that is none, and an issuer that is not there.
    ("OpenSSL", "error 7 at", has_namesakes, NAMESAKES),
    ("OpenSSL", "error 18 at", has_namesakes, NAMESAKES),
    ("OpenSSL", "error 19 at", has_namesakes, NAMESAKES),
    ("OpenSSL", "error 20 at", has_namesakes, NAMESAKES),
    ("OpenSSL", "error 47 at", has_constraint_without_address, NO_ADDRESS),
    // Not permitted, excluded, and no name at all.
    ("OpenSSL", "error 47 at 0 ", has_host_as_common_name, COMMON_NAMES),
    ("OpenSSL", "error 48 at 0 ", has_host_as_common_name, COMMON_NAMES),
    ("OpenSSL", "error 53 at 0 ", has_host_as_common_name, COMMON_NAMES),
    (
        "webpki",
        "NameConstraintViolation",
        is_an_anchor,
        "webpki holds a leaf that is an anchor to its own name constraints, which are for what it issues",
    ),
];

const NAMESAKES: &str =
    "OpenSSL tells namesakes in a path apart by key identifiers alone, and never turns back";

const NO_ADDRESS: &str =
    "an empty constraint of e-mail addresses is for all of them, and to OpenSSL for none";

const COMMON_NAMES: &str = "OpenSSL holds a common name with a period in it to constraints of DNS names, where no alternative name is one; here a common name names no host (RFC 9525)";

fn is_an_anchor(refused: &Refused<'_>) -> bool {
    refused.path.last() == refused.path.first()
}

fn has_years_before_1970(refused: &Refused<'_>) -> bool {
    refused.path.iter().any(|one| one.validity().not_before.unix_seconds() < 0)
}

fn has_long_path_length(refused: &Refused<'_>) -> bool {
    let length = |one: &Certificate| one.basic_constraints().and_then(|basic| basic.path_len);
    refused.path.iter().filter_map(length).any(|length| length == u8::MAX)
}

fn has_netscape_type(refused: &Refused<'_>) -> bool {
    refused.path.iter().any(|one| has(one, values::NETSCAPE_TYPE))
}

fn has(certificate: &Certificate, octets: &[u8]) -> bool {
    certificate.as_der().windows(octets.len()).any(|part| part == octets)
}

/// The judge's reason says it all.
fn anything(_: &Refused<'_>) -> bool {
    true
}

fn has_constraint_without_address(refused: &Refused<'_>) -> bool {
    refused.path.iter().any(|issuer| has(issuer, &[0x30, 2, 0x81, 0]))
}

fn has_namesakes(refused: &Refused<'_>) -> bool {
    let mut names: Vec<_> = refused.path.iter().map(Certificate::subject_der).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

fn has_host_as_common_name(refused: &Refused<'_>) -> bool {
    let leaf = &refused.path[0];
    let names = leaf.subject_alternative_names();
    let reads_as_host = |name: String| name.contains(['.', '\0']);
    !names.iter().any(|name| matches!(name, SubjectAlternativeName::Dns(_)))
        && leaf.subject().common_name().is_some_and(reads_as_host)
}

fn is_in_its_last_second(refused: &Refused<'_>) -> bool {
    refused.path.iter().any(|one| one.validity().not_after.unix_seconds() == refused.at)
}

pub(super) fn limit(judge: &str, refused: &Refused<'_>) -> Option<String> {
    let is_it = |(of, part, is_met, _): &&Limit| {
        *of == judge && refused.reason.contains(part) && is_met(refused)
    };
    LIMITS.iter().find(is_it).map(|(.., sentence)| (*sentence).to_owned())
}

fn find(table: &[(&str, &'static str)], is_it: impl Fn(&str) -> bool) -> Option<&'static str> {
    table.iter().find(|(key, _)| is_it(key)).map(|(_, sentence)| *sentence)
}

/// Of one of the ways that we tried: a judge needs no more than one.
fn stricter(refusal: &Refusal, table: &[(&str, &'static str)]) -> Option<String> {
    refusal.keys.iter().find_map(|key| {
        let is_it = |known: &str| known == key;
        let sentence = find(STRICTER, is_it).or_else(|| find(table, is_it))?;
        Some(format!("{key}: {sentence}"))
    })
}

pub(super) fn stricter_than_all(refusal: &Refusal) -> Option<String> {
    let of_all = format!("{};", refusal.text).contains("it excludes email:;").then_some(NO_ADDRESS);
    stricter(refusal, STRICTER_THAN_ALL).or_else(|| of_all.map(str::to_owned))
}

pub(super) fn stricter_than_go(refusal: &Refusal) -> Option<String> {
    let ends_with_at = refusal.text.contains("@, which its issuer");
    let of_go = ends_with_at.then_some("Go lets an address end with @");
    stricter(refusal, STRICTER_THAN_GO).or_else(|| of_go.map(str::to_owned))
}

/// Why a judge refuses what it accepts once the path alone is put before it.
pub(super) fn misled(judge: &str) -> &'static str {
    match judge {
        "OpenSSL" => "OpenSSL never turns back from an issuer that it once took",
        "Go" => {
            "Go ends a handshake at a certificate that it cannot read, even if no path needs it"
        }
        _ => {
            "an anchor that webpki cannot read, and that no path needs, is left out by who uses webpki"
        }
    }
}
