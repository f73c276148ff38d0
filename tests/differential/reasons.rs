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
const STRICTER_THAN_GO: &[(&str, &str)] = &[];

/// By a part of Go's reason: why that policy accepts what Go refuses.
const LAXER_THAN_GO: &[(&str, &str)] = &[];

/// What is still to be mended in the verifier: the judge, our verdict (or its key), a part of the judge's
/// reason, and what it is about. This list should be empty.
const KNOWN: &[(&str, &str, &str, &str)] = &[
    (
        "OpenSSL",
        "accepted",
        "permitted subtree violation",
        "OpenSSL takes the user in a URI for part of its host",
    ),
    (
        "all",
        "Rule field-name-constraints",
        "",
        "with a leaf that is an anchor Go asks nothing of its issuers",
    ),
    (
        "all",
        "NameConstraint Excluded",
        "",
        "an excluded host is taken for a domain in the subject's addresses too, where only OpenSSL reads it",
    ),
    (
        "OpenSSL",
        "accepted",
        "(namesakes)",
        "OpenSSL tells certificates of one name in a path apart by key identifiers alone",
    ),
    (
        "webpki",
        "accepted",
        "NameConstraintViolation",
        "webpki does not process constraints of e-mail addresses, URIs and directory names",
    ),
    (
        "webpki",
        "accepted",
        "TrailingData(CertificateExtensions)",
        "webpki does not read unique identifiers",
    ),
    ("webpki", "accepted", "BadDerTime", "webpki does not read years before 1970"),
    (
        "OpenSSL",
        "accepted",
        "Type=ASN1_PRINTABLE",
        "OpenSSL does not read names with strings of other types",
    ),
    (
        "OpenSSL",
        "accepted",
        "Type=X509_ALGOR",
        "OpenSSL reads the signature algorithm of an anchor",
    ),
    (
        "OpenSSL",
        "accepted",
        "Could not read",
        "OpenSSL does not read names with strings of other types",
    ),
    (
        "OpenSSL",
        "accepted",
        "unsuitable certificate purpose",
        "OpenSSL reads Netscape's certificate type",
    ),
    ("Go", "accepted", "constraint", "Go reads the name constraints of a leaf"),
    ("Go's policy", "accepted", "constraint", "Go reads the name constraints of a leaf"),
    ("Go", "accepted", "invalid key usage", "a keyUsage with padding that is not zero is no DER"),
    (
        "Go's policy",
        "accepted",
        "invalid key usage",
        "a keyUsage with padding that is not zero is no DER",
    ),
    ("Go's policy", "accepted", "leaf's key", "Go uses the leaf's key"),
    ("Go's policy", "accepted", "point not on curve", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "ecdsa: invalid", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "larger than 8192", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "RSA ", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "ECDSA parameters", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "malformed parameters", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "public key", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "subjectPublicKey", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "elliptic curve", "Go reads the leaf's key"),
    ("Go's policy", "accepted", "wrong Ed25519", "Go reads the leaf's key"),
    ("Go", "accepted", "malformed OID", "Go reads the signature algorithm of an anchor"),
    ("Go's policy", "accepted", "malformed OID", "Go reads the signature algorithm of an anchor"),
    ("Go's policy", "accepted", "negative serial number", "Go reads all anchors"),
    ("Go", "accepted", "cannot parse rfc822Name", "Go parses the local part of an address"),
    (
        "Go's policy",
        "accepted",
        "cannot parse rfc822Name",
        "Go parses the local part of an address",
    ),
    ("Go's policy", "NameConstraint MalformedName", "", "Go lets an address end with @"),
    ("Go", "accepted", "invalid attribute value", "Go reads strings that are times"),
    ("Go's policy", "accepted", "invalid attribute value", "Go reads strings that are times"),
    (
        "Go",
        "accepted",
        "is excluded by constraint",
        "a wildcard with a constraint that begins with a period",
    ),
    (
        "Go's policy",
        "accepted",
        "is excluded by constraint",
        "a wildcard with a constraint that begins with a period",
    ),
    (
        "OpenSSL",
        "accepted",
        "excluded subtree violation",
        "a wildcard with a constraint that begins with a period",
    ),
    (
        "Go's policy",
        "NameConstraint NotPermitted",
        "",
        "a wildcard with a constraint that begins with a period",
    ),
    (
        "Go's policy",
        "NameConstraint Excluded",
        "",
        "a wildcard with a constraint that begins with a period",
    ),
    (
        "all",
        "NameConstraint NotPermitted",
        "",
        "a wildcard with a constraint that begins with a period",
    ),
    (
        "webpki",
        "accepted",
        "(namesakes) ",
        "webpki tells why a namesake of the issuer was refused, not the issuer",
    ),
    ("webpki", "accepted", "BadDer", "webpki does not read a path length of more than 255"),
    (
        "webpki",
        "accepted",
        "MalformedDnsIdentifier",
        "webpki parses DNS names that are constrained",
    ),
    ("all", "Rule no-critical-policies", "", "webpki does not read an anchor's extensions"),
    ("OpenSSL", "accepted", "error 2 at", "OpenSSL needs a self-signed anchor"),
    ("OpenSSL", "accepted", "error 10 at", "OpenSSL does not count the last second"),
    (
        "OpenSSL",
        "accepted",
        "error 20 at",
        "OpenSSL holds the issuer to the rest of an authorityKeyIdentifier, and a trusted leaf to its own",
    ),
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
    KNOWN
        .iter()
        .find(|(of, key, part, _)| *of == judge && *key == ours && reason.contains(part))
        .map(|(.., sentence)| *sentence)
}
