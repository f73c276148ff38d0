//! The name that is asked for.

use private_ca::verify::VerifyError as E;
use rcgen::SanType;

use super::chains::Authority;
use super::{Agrees, Differs, Purpose, Trial, assert_refused, trial};

fn leaf_for(names: Vec<SanType>) -> Trial {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(|params| params.subject_alt_names = names);
    trial(&[&root.certificate], &[], &leaf).purpose(Purpose::Server)
}

fn dns(name: &str) -> Vec<SanType> {
    vec![SanType::DnsName(name.try_into().unwrap())]
}

#[test]
fn dns_names_match_exactly_or_by_a_whole_first_label() {
    leaf_for(dns("worker.acme.internal")).name("Worker.ACME.internal").accepted();
    leaf_for(dns("*.acme.internal")).name("worker.acme.internal").accepted();
    for (presented, wanted) in [
        ("worker.acme.internal", "acme.internal"),
        ("*.acme.internal", "acme.internal"),
        ("*.acme.internal", "a.b.acme.internal"),
    ] {
        assert_refused!(leaf_for(dns(presented)).name(wanted), E::Name { .. });
    }
}

#[test]
fn wildcards_within_a_label_match_nothing() {
    // OpenSSL takes them as RFC 6125 section 6.4.3 let it; RFC 9525 section 6.3 does no longer.
    assert_refused!(
        leaf_for(dns("w*.acme.internal")).name("worker.acme.internal").judges(Differs, Agrees),
        E::Name { .. }
    );
}

#[test]
fn the_common_name_does_not_count() {
    let root = Authority::root("Root");
    let leaf = root.leaf_with(|params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "worker.acme.internal");
        params.subject_alt_names.clear();
    });
    // OpenSSL falls back to it when there is no DNS name.
    let trial = trial(&[&root.certificate], &[], &leaf).purpose(Purpose::Server);
    let refused = trial.name("worker.acme.internal").judges(Differs, Agrees).refused();
    assert_eq!(
        refused.to_string(),
        "the certificate CN=worker.acme.internal is not for DNS:worker.acme.internal: it has no subject alternative names, and a common name does not count"
    );
}

#[test]
fn addresses_are_compared_with_addresses_only() {
    let address = || vec![SanType::IpAddress("10.0.0.1".parse().unwrap())];
    leaf_for(address()).name("10.0.0.1").accepted();
    assert_refused!(leaf_for(address()).name("10.0.0.2"), E::Name { .. });
    assert_refused!(leaf_for(dns("10.0.0.1")).name("10.0.0.1"), E::Name { .. });
    leaf_for(vec![SanType::IpAddress("fd00::1".parse().unwrap())]).name("fd00::1").accepted();
}

#[test]
fn mail_addresses_and_uris() {
    let mail = || vec![SanType::Rfc822Name("Ann@acme.example".try_into().unwrap())];
    let uri = || vec![SanType::URI("spiffe://acme.example/worker".try_into().unwrap())];
    leaf_for(mail()).name("Ann@ACME.example").accepted();
    leaf_for(uri()).name("spiffe://acme.example/worker").accepted();
    // rustls-webpki does not match mail addresses, and the openssl command does not match URIs.
    assert_refused!(
        leaf_for(mail()).name("Bob@acme.example").judges(Agrees, Differs),
        E::Name { .. }
    );
    let refused =
        leaf_for(uri()).name("spiffe://acme.example/other").judges(Differs, Differs).refused();
    assert_eq!(
        refused.to_string(),
        "the certificate CN=worker is not for URI:spiffe://acme.example/other: it is for URI:spiffe://acme.example/worker"
    );
}
