//! Whether a certificate is for a name (RFC 5280 section 4.2.1.6, RFC 9525).
//!
//! Only subject alternative names count. The common name does not: RFC 9525 section 2 retired it,
//! because it has no syntax that would tell a host from a person.

pub(super) mod constraints;
pub(super) mod uri;

use std::net::IpAddr;

use crate::certificate::SubjectAlternativeName as Name;
use uri::UriParts;

/// Whether one of the `presented` names is the one `wanted`.
pub(super) fn any_matches(presented: &[Name], wanted: &Name) -> bool {
    presented.iter().any(|name| match (name, wanted) {
        (Name::Dns(pattern), Name::Dns(wanted)) => dns(pattern, wanted),
        (Name::Ip(presented), Name::Ip(wanted)) => presented == wanted,
        (Name::Email(presented), Name::Email(wanted)) => email(presented, wanted),
        (Name::Uri(presented), Name::Uri(wanted)) => same_uri(presented, wanted),
        _ => false,
    })
}

/// RFC 9525 section 6.3: labels are compared ignoring case, and a wildcard is a whole first label
/// that stands for exactly one. As in rustls and OpenSSL, two labels at least have to follow it.
/// The name that is wanted is a host's, so it has no wildcard and is not the text of an address.
fn dns(pattern: &str, wanted: &str) -> bool {
    let wanted = wanted.strip_suffix('.').unwrap_or(wanted);
    if wanted.parse::<IpAddr>().is_ok() || !matches!(Name::dns(wanted), Ok(Name::Dns(_))) {
        return false;
    }
    if wanted.starts_with("*.") {
        return false;
    }
    match pattern.strip_prefix("*.") {
        None => pattern.eq_ignore_ascii_case(wanted),
        Some(parent) => {
            parent.contains('.')
                && wanted.split_once('.').is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(parent))
        }
    }
}

/// RFC 5280 section 7.5: the part before the `@` is compared exactly, the host ignoring case.
fn email(presented: &str, wanted: &str) -> bool {
    match (presented.rsplit_once('@'), wanted.rsplit_once('@')) {
        (Some((mailbox, host)), Some((wanted_mailbox, wanted_host))) => {
            mailbox == wanted_mailbox && host.eq_ignore_ascii_case(wanted_host)
        }
        _ => false,
    }
}

/// RFC 5280 section 7.4: scheme and host are compared ignoring case, the rest exactly.
fn same_uri(presented: &str, wanted: &str) -> bool {
    match (UriParts::of(presented), UriParts::of(wanted)) {
        (Some(presented), Some(wanted)) => {
            presented.scheme.eq_ignore_ascii_case(wanted.scheme)
                && presented.user == wanted.user
                && presented.host.eq_ignore_ascii_case(wanted.host)
                && presented.rest == wanted.rest
        }
        _ => presented == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(presented: &str, wanted: &str) -> bool {
        any_matches(&[presented.parse().unwrap()], &wanted.parse().unwrap())
    }

    #[test]
    fn dns_names_ignore_case_and_wildcards_stand_for_one_label() {
        for (presented, wanted) in [
            ("worker.acme.internal", "WORKER.acme.internal"),
            ("*.acme.internal", "worker.acme.internal"),
            ("*.ACME.internal", "a.acme.INTERNAL"),
        ] {
            assert!(matches(presented, wanted), "{presented} {wanted}");
        }
        for (presented, wanted) in [
            ("*.acme.internal", "acme.internal"),
            ("*.acme.internal", "a.b.acme.internal"),
            ("*.internal", "acme.internal"),
            ("acme.internal", "worker.acme.internal"),
            ("worker.acme.internal", "*.acme.internal"),
            ("*.acme.internal", "*.acme.internal"),
        ] {
            assert!(!matches(presented, wanted), "{presented} {wanted}");
        }
    }

    #[test]
    fn wildcards_inside_a_label_match_nothing() {
        for pattern in ["w*.acme.internal", "*", "**.acme.internal", "a.*.internal"] {
            let presented = [Name::Dns(pattern.to_owned())];
            assert!(!any_matches(&presented, &Name::Dns("w1.acme.internal".into())), "{pattern}");
        }
    }

    #[test]
    fn a_final_dot_is_that_of_the_root() {
        let presented = [Name::Dns("acme.internal".into())];
        assert!(any_matches(&presented, &Name::Dns("acme.internal.".into())));
        assert!(!any_matches(&presented, &Name::Dns("acme.internal..".into())));
    }

    #[test]
    fn the_text_of_an_address_is_no_dns_name() {
        for presented in ["10.0.0.1", "*.0.0.1"] {
            let presented = [Name::Dns(presented.to_owned())];
            for wanted in [Name::Dns("10.0.0.1".into()), "10.0.0.1".parse().unwrap()] {
                assert!(!any_matches(&presented, &wanted), "{presented:?} {wanted:?}");
            }
        }
        assert!(matches("10.0.0.1", "10.0.0.1"));
        assert!(matches("::1", "0:0::1"));
        assert!(!matches("::ffff:10.0.0.1", "10.0.0.1"));
    }

    #[test]
    fn mailboxes_and_paths_are_exact_hosts_ignore_case() {
        assert!(matches("Ann@acme.example", "Ann@ACME.example"));
        assert!(!matches("Ann@acme.example", "ann@acme.example"));
        assert!(matches("spiffe://acme.example/ns/a", "SPIFFE://Acme.example/ns/a"));
        for wanted in
            ["spiffe://acme.example/ns/A", "spiffe://acme.example", "spiffe://x@acme.example/ns/a"]
        {
            assert!(!matches("spiffe://acme.example/ns/a", wanted), "{wanted}");
        }
    }

    #[test]
    fn names_of_different_kinds_never_match() {
        for presented in
            ["DNS:acme.internal", "IP:10.0.0.1", "email:a@acme.internal", "URI:x://acme.internal"]
        {
            for wanted in [
                "DNS:acme.internal",
                "IP:10.0.0.1",
                "email:a@acme.internal",
                "URI:x://acme.internal",
            ] {
                assert_eq!(matches(presented, wanted), presented == wanted);
            }
        }
        let other = Name::Other { tag: 0, der: vec![0xa0, 0] };
        assert!(!any_matches(std::slice::from_ref(&other), &other));
    }
}
