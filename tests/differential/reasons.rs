//! Why verdicts may differ, a sentence each.

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

/// By a part of Go's reason: why that policy accepts what Go refuses.
const LAXER_THAN_GO: &[(&str, &str)] = &[];

/// Where a judge differs on purpose or by a limit of its own: the judge, our verdict (or its key), a part
/// of the judge's reason, and what it is about.
const DIFFERENT: &[(&str, &str, &str, &str)] = &[
    (
        "OpenSSL",
        "accepted",
        "(namesakes)",
        "OpenSSL tells certificates of one name in a path apart by key identifiers alone, and never turns back",
    ),
    (
        "webpki",
        "accepted",
        "(namesakes) ",
        "webpki tells why a namesake of the issuer was refused, not the issuer",
    ),
    ("webpki", "accepted", "BadDerTime", "webpki does not read years before 1970"),
    ("webpki", "accepted", "BadDer", "webpki does not read a path length of more than 255"),
    (
        "OpenSSL",
        "accepted",
        "unsuitable certificate purpose",
        "OpenSSL reads Netscape's certificate type, which no other reads any more",
    ),
    (
        "OpenSSL",
        "accepted",
        "error 2 at",
        "OpenSSL asks an anchor to be self-signed, unless -partial_chain is given",
    ),
    (
        "OpenSSL",
        "accepted",
        "error 10 at",
        "OpenSSL does not count the last second, which RFC 5280 section 4.1.2.5 includes",
    ),
    ("Go's policy", "NameConstraint MalformedName", "", "Go lets an address end with @"),
];

fn find(table: &[(&str, &'static str)], is_it: impl Fn(&str) -> bool) -> Option<&'static str> {
    table.iter().find(|(key, _)| is_it(key)).map(|(_, sentence)| *sentence)
}

pub(super) fn stricter_than_all(key: &str) -> Option<&'static str> {
    find(STRICTER, |known| known == key).or_else(|| find(STRICTER_THAN_ALL, |known| known == key))
}

pub(super) fn stricter_than_go(key: &str) -> Option<&'static str> {
    find(STRICTER, |known| known == key).or_else(|| find(STRICTER_THAN_GO, |known| known == key))
}

pub(super) fn laxer_than_go(reason: &str) -> Option<&'static str> {
    find(LAXER_THAN_GO, |part| reason.contains(part))
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

pub(super) fn known(judge: &str, ours: &str, reason: &str) -> Option<&'static str> {
    DIFFERENT
        .iter()
        .find(|(of, key, part, _)| *of == judge && *key == ours && reason.contains(part))
        .map(|(.., sentence)| *sentence)
}
