//! One rule, one chain that breaks it and nothing else.

use private_ca::certificate::CertificateError;
use private_ca::verify::{Policy, Rule, VerifyError as E};
use private_ca::{Certificate, KeyUsage, Timestamp};
use rcgen::{ExtendedKeyUsagePurpose as For, KeyUsagePurpose as Usage};

use super::chains::{self, Authority, Handmade, tlv};
use super::{Agrees, Differs, Purpose, assert_refused, trial};

/// A root, an intermediate under it, and a leaf under that, each changed in one place.
macro_rules! chain_of {
    ($root:expr, $intermediate:expr, $leaf:expr) => {{
        let root = Authority::root_with("Root", $root);
        let intermediate = root.intermediate_with("Issuing", $intermediate);
        let leaf = intermediate.leaf_with($leaf);
        trial(&[&root.certificate], &[&intermediate.certificate], &leaf)
    }};
}

#[test]
fn a_sound_chain_is_accepted_for_every_purpose_and_key() {
    chain_of!(|_| {}, |_| {}, |_| {}).accepted();
    chain_of!(|_| {}, |_| {}, |_| {}).purpose(Purpose::Server).accepted();
    chain_of!(|_| {}, |_| {}, |_| {}).purpose(Purpose::Any).accepted();
    for algorithm in [
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
        &rcgen::PKCS_RSA_SHA384,
        &rcgen::PKCS_RSA_SHA512,
    ] {
        let root = Authority::of_algorithm(algorithm, "Root");
        trial(&[&root.certificate], &[], &root.leaf()).accepted();
    }
    // The judges are not asked: webpki has ML-DSA behind an unstable feature, OpenSSL since 3.5.
    for algorithm in [&rcgen::PKCS_ML_DSA_44, &rcgen::PKCS_ML_DSA_65, &rcgen::PKCS_ML_DSA_87] {
        let root = Authority::of_algorithm(algorithm, "Root");
        trial(&[&root.certificate], &[], &root.leaf()).verify().unwrap();
    }
}

#[test]
fn validity_is_that_of_every_certificate_in_the_path() {
    let expired = chain_of!(|_| {}, |_| {}, chains::EXPIRED).refused();
    assert_eq!(
        expired.to_string(),
        "the certificate CN=worker expired at 2027-02-26T00:00:00Z, 3 days before the time of verification, 2027-03-01T10:00:00Z"
    );
    assert_refused!(chain_of!(|_| {}, chains::EXPIRED, |_| {}), E::Expired { .. });
    let future = chain_of!(|_| {}, |_| {}, chains::NOT_YET_VALID).refused();
    assert_eq!(
        future.to_string(),
        "the certificate CN=worker is not valid before 2027-03-05T00:00:00Z, 3 days after the time of verification, 2027-03-01T10:00:00Z; is the clock right?"
    );
    assert_refused!(chain_of!(|_| {}, chains::NOT_YET_VALID, |_| {}), E::NotYetValid { .. });
}

#[test]
fn an_anchor_expires_like_any_other_certificate() {
    // rustls-webpki reads nothing of an anchor but its name, key and name constraints. Go and
    // OpenSSL hold it to its validity.
    let trial = chain_of!(chains::EXPIRED, |_| {}, |_| {}).judges(Agrees, Differs);
    let error = trial.refused();
    assert!(
        matches!(&error, E::Expired { subject, .. } if subject.to_string() == "CN=Root"),
        "{error}"
    );
}

#[test]
fn both_ends_of_a_validity_are_included() {
    let moment = |text: &str| text.parse::<Timestamp>().unwrap();
    let (first, last) = ("2026-01-01T00:00:00Z", "2028-01-01T00:00:00Z");
    chain_of!(|_| {}, |_| {}, |_| {}).at(moment(first)).accepted();
    // OpenSSL 3.0 takes a certificate for expired in its last second; RFC 5280 section 4.1.2.5
    // includes it.
    chain_of!(|_| {}, |_| {}, |_| {}).at(moment(last)).judges(Differs, Agrees).accepted();
    let before = moment("2025-12-31T23:59:59Z");
    assert_refused!(chain_of!(|_| {}, |_| {}, |_| {}).at(before), E::NotYetValid { .. });
    let after = moment("2028-01-01T00:00:01Z");
    assert_refused!(chain_of!(|_| {}, |_| {}, |_| {}).at(after), E::Expired { .. });
}

#[test]
fn issuers_are_certificate_authorities() {
    assert_refused!(chain_of!(|_| {}, chains::no_ca, |_| {}), E::NotACa { .. });
    let none = |params: &mut rcgen::CertificateParams| params.is_ca = rcgen::IsCa::NoCa;
    assert_refused!(chain_of!(|_| {}, none, |_| {}), E::NotACa { .. });
    // rustls-webpki reads no basic constraints of an anchor.
    assert_refused!(
        chain_of!(chains::no_ca, |_| {}, |_| {}).judges(Agrees, Differs),
        E::NotACa { .. }
    );
}

#[test]
fn an_authority_is_no_tls_peer() {
    let ca = |params: &mut rcgen::CertificateParams| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.key_usages.push(Usage::KeyCertSign);
    };
    // RFC 5280 does not forbid it, and OpenSSL accepts it; rustls refuses it as we do.
    assert_refused!(
        chain_of!(|_| {}, |_| {}, ca).judges(Differs, Agrees),
        E::CaAsPeer { purpose: Purpose::Client, .. }
    );
    chain_of!(|_| {}, |_| {}, ca).purpose(Purpose::Any).judges(Agrees, Differs).accepted();
}

#[test]
fn path_lengths_bound_the_intermediates_below() {
    chain_of!(chains::path_length(1), chains::path_length(0), |_| {}).accepted();
    // rustls-webpki reads no path length of an anchor.
    assert_refused!(
        chain_of!(chains::path_length(0), |_| {}, |_| {}).judges(Agrees, Differs),
        E::PathLength { allowed: 0, below: 1, .. }
    );
    let root = Authority::root("Root");
    let upper = root.intermediate_with("Upper", chains::path_length(0));
    let lower = upper.intermediate("Lower");
    assert_refused!(
        trial(&[&root.certificate], &[&lower.certificate, &upper.certificate], &lower.leaf()),
        E::PathLength { allowed: 0, below: 1, .. }
    );
}

#[test]
fn self_issued_certificates_do_not_count_for_path_lengths() {
    let root = Authority::root("Root");
    let old = root.intermediate_with("Issuing", chains::path_length(0));
    let new = old.intermediate_with("Issuing", chains::path_length(0));
    let pool = [&old.certificate, &new.certificate];
    // RFC 5280 section 6.1.4 (l) has it so; Go and rustls-webpki count them nevertheless.
    trial(&[&root.certificate], &pool, &new.leaf())
        .policy(Policy::tls_client().without(Rule::SelfIssuedCount))
        .judges(Agrees, Differs)
        .accepted();
    assert_refused!(
        trial(&[&root.certificate], &pool, &new.leaf()).judges(Differs, Agrees),
        E::PathLength { allowed: 0, below: 1, .. }
    );
}

#[test]
fn issuers_may_sign_certificates() {
    // rustls-webpki does not read the key usage.
    assert_refused!(
        chain_of!(|_| {}, chains::key_usages(&[Usage::CrlSign]), |_| {}).judges(Agrees, Differs),
        E::KeyUsage { needed: KeyUsage::KEY_CERT_SIGN, .. }
    );
    assert_refused!(
        chain_of!(chains::key_usages(&[Usage::CrlSign]), |_| {}, |_| {}).judges(Agrees, Differs),
        E::KeyUsage { needed: KeyUsage::KEY_CERT_SIGN, .. }
    );
    // The strict OpenSSL wants a key usage on every CA (RFC 5280 section 4.2.1.3); others do not.
    chain_of!(|_| {}, chains::key_usages(&[]), |_| {}).judges(Differs, Agrees).accepted();
}

#[test]
fn tls_peers_may_sign() {
    chain_of!(|_| {}, |_| {}, chains::key_usages(&[])).accepted();
    let encipher = || chains::key_usages(&[Usage::KeyEncipherment]);
    // rustls-webpki does not read the key usage.
    let refused = chain_of!(|_| {}, |_| {}, encipher()).judges(Agrees, Differs).refused();
    assert_eq!(
        refused.to_string(),
        "the key of the certificate CN=worker may be used for keyEncipherment only, and digitalSignature is needed"
    );
    // OpenSSL lets a server do without: TLS 1.2 with RSA key exchange needs no signature.
    assert_refused!(
        chain_of!(|_| {}, |_| {}, encipher()).purpose(Purpose::Server).judges(Differs, Differs),
        E::KeyUsage { needed: KeyUsage::DIGITAL_SIGNATURE, .. }
    );
    chain_of!(|_| {}, |_| {}, encipher()).purpose(Purpose::Any).accepted();
}

#[test]
fn purposes_are_those_of_the_leaf_and_of_every_issuer_that_limits_them() {
    chain_of!(|_| {}, |_| {}, chains::purposes(&[])).accepted();
    chain_of!(|_| {}, chains::purposes(&[For::ClientAuth]), |_| {}).accepted();
    let refused = chain_of!(|_| {}, |_| {}, chains::purposes(&[For::ServerAuth])).refused();
    assert_eq!(
        refused.to_string(),
        "the certificate CN=worker is for id-kp-serverAuth (1.3.6.1.5.5.7.3.1) only, not for a TLS client"
    );
    let server = || chains::purposes(&[For::ServerAuth]);
    assert_refused!(chain_of!(|_| {}, server(), |_| {}), E::ExtendedKeyUsage { .. });
    // rustls-webpki reads no extended key usage of an anchor; Go and OpenSSL do.
    assert_refused!(
        chain_of!(server(), |_| {}, |_| {}).judges(Agrees, Differs),
        E::ExtendedKeyUsage { .. }
    );
    chain_of!(|_| {}, |_| {}, chains::purposes(&[For::ServerAuth]))
        .purpose(Purpose::Server)
        .accepted();
    assert_refused!(
        chain_of!(|_| {}, |_| {}, chains::purposes(&[For::ClientAuth])).purpose(Purpose::Server),
        E::ExtendedKeyUsage { purpose: Purpose::Server, .. }
    );
    // anyExtendedKeyUsage: Go alone takes it for every purpose.
    assert_refused!(
        chain_of!(|_| {}, |_| {}, chains::purposes(&[For::Any])),
        E::ExtendedKeyUsage { .. }
    );
}

#[test]
fn unknown_critical_extensions_are_refused_wherever_they_are() {
    let unknown = |critical| chains::extension(&[1, 2, 3, 4], critical, &[5, 0]);
    chain_of!(unknown(false), unknown(false), unknown(false)).accepted();
    for trial in [
        chain_of!(|_| {}, |_| {}, unknown(true)),
        chain_of!(|_| {}, unknown(true), |_| {}),
        // rustls-webpki reads no extension of an anchor but name constraints; Go and OpenSSL do.
        chain_of!(unknown(true), |_| {}, |_| {}).judges(Agrees, Differs),
    ] {
        assert_refused!(trial, E::CriticalExtension { .. });
    }
}

#[test]
fn only_anchors_may_be_older_than_version_3() {
    let root = Authority::root("Root");
    let version_1 = root.sign_by_hand(&Handmade::of(&root.leaf()));
    // OpenSSL takes version 1 leaves.
    assert_refused!(
        trial(&[&root.certificate], &[], &version_1).judges(Differs, Agrees),
        E::Version { version: 1, .. }
    );
    let intermediate = root.intermediate("Issuing");
    let version_1 = root.sign_by_hand(&Handmade::of(&intermediate.certificate));
    assert_refused!(
        trial(&[&root.certificate], &[&version_1], &intermediate.leaf()),
        E::Version { version: 1, .. }
    );
    let anchor = root.sign_by_hand(&Handmade::of(&root.certificate));
    // Strict OpenSSL asks for the extensions that version 1 cannot have.
    trial(&[&anchor], &[], &root.leaf()).judges(Differs, Agrees).accepted();
}

#[test]
fn signature_algorithms_inside_and_outside_agree() {
    let root = Authority::root("Root");
    let template = root.leaf();
    let subject_key = tlv(0x30, &[&[6, 3, 0x55, 0x1d, 0x0e][..], &tlv(4, &tlv(4, &[1]))].concat());
    let handmade = |inside: &[u8], outside: &[u8]| {
        let authority_key =
            tlv(0x30, &tlv(0x80, root.certificate.subject_key_identifier().unwrap()));
        let authority_key =
            tlv(0x30, &[&[6, 3, 0x55, 0x1d, 0x23][..], &tlv(4, &authority_key)].concat());
        root.sign_by_hand(&Handmade {
            version: tlv(0xa0, &[2, 1, 2]),
            inside: inside.to_vec(),
            outside: outside.to_vec(),
            extensions: tlv(0xa3, &tlv(0x30, &[subject_key.clone(), authority_key].concat())),
            ..Handmade::of(&template)
        })
    };
    let sound = handmade(chains::ECDSA_SHA256, chains::ECDSA_SHA256);
    trial(&[&root.certificate], &[], &sound).accepted();
    assert_refused!(
        trial(&[&root.certificate], &[], &handmade(chains::ECDSA_SHA384, chains::ECDSA_SHA256)),
        E::SignatureAlgorithmsDiffer { .. }
    );
    assert_refused!(
        trial(&[&root.certificate], &[], &handmade(chains::ECDSA_SHA256, chains::ECDSA_SHA384)),
        E::SignatureAlgorithmsDiffer { .. }
    );
}

#[test]
fn malformed_key_usages_and_algorithms_are_refused() {
    let root = Authority::root("Root");
    let leaf = root.leaf();
    let malformed = |der: &[u8]| match Certificate::from_der(der).unwrap_err() {
        error @ CertificateError::Malformed { field, .. } => {
            assert!(error.to_string().starts_with(&format!("the {field} is malformed: ")));
            field
        }
        other => panic!("{other}"),
    };
    let patched = |found: &[u8], change: &[u8]| {
        let der = leaf.as_der();
        let place = der.windows(found.len()).position(|window| window == found).unwrap();
        [&der[..place], change, &der[place + found.len()..]].concat()
    };
    // digitalSignature, and what fills up the octet: zero in DER.
    assert_eq!(malformed(&patched(&[3, 2, 7, 0x80], &[3, 2, 7, 0x81])), "keyUsage");
    // An algorithm has an identifier.
    let element = |der: &[u8]| {
        let (head, length) = match der[1] {
            0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
            0x81 => (3, usize::from(der[2])),
            length => (2, usize::from(length)),
        };
        (der[head..head + length].to_vec(), head + length)
    };
    let (parts, _) = element(leaf.as_der());
    let (tbs, end) = element(&parts);
    let tail = &parts[end + chains::ECDSA_SHA256.len()..];
    let sound = [&parts[..end], chains::ECDSA_SHA256, tail].concat();
    assert_eq!(tlv(0x30, &sound), leaf.as_der());
    let outside = [&parts[..end], &[0x30, 0], tail].concat();
    assert_eq!(malformed(&tlv(0x30, &outside)), "signatureAlgorithm");
    let length = chains::ECDSA_SHA256.len();
    let place = tbs.windows(length).position(|window| window == chains::ECDSA_SHA256).unwrap();
    let inside = [&tbs[..place], &[0x30, 0], &tbs[place + length..]].concat();
    let inside = [&tlv(0x30, &inside), chains::ECDSA_SHA256, tail].concat();
    assert_eq!(malformed(&tlv(0x30, &inside)), "signature");
}
