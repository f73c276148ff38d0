//! The parts of a URI (RFC 3986 section 3) that names and name constraints are about.

use std::net::{IpAddr, Ipv6Addr};

/// A URI with an authority.
pub(super) struct UriParts<'a> {
    pub(super) scheme: &'a str,
    pub(super) user: Option<&'a str>,
    /// With its port.
    pub(super) host: &'a str,
    /// Path, query and fragment.
    pub(super) rest: &'a str,
}

impl<'a> UriParts<'a> {
    /// `None` if there is no authority: it follows the scheme, and the first colon ends that.
    pub(super) fn of(uri: &'a str) -> Option<Self> {
        let (scheme, after) = uri.split_once(':')?;
        let after = after.strip_prefix("//").filter(|_| is_scheme(scheme))?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end)?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Some(Self { scheme, user, host, rest })
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet))
}

/// The parts of an authority's host, and of its port if it has one: digits, or nothing.
fn host_and_port(host: &str) -> Option<(&str, &str)> {
    let (host, port) = match host.strip_prefix('[') {
        Some(literal) => {
            let (address, after) = literal.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            let port = if after.is_empty() { "" } else { after.strip_prefix(':')? };
            (host.strip_suffix(after)?, port)
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    port.bytes().all(|octet| octet.is_ascii_digit()).then_some((host, port))
}

/// The DNS name of the URI's host. Section 4.2.1.10 of RFC 5280 asks to refuse a URI without one,
/// or whose host is an address, where URIs are constrained.
pub(super) fn host(uri: &str) -> Option<&str> {
    let (host, _) = host_and_port(UriParts::of(uri)?.host)?;
    let host = host.strip_suffix('.').unwrap_or(host);
    (super::constraints::is_dns_name(host) && host.parse::<IpAddr>().is_err()).then_some(host)
}

/// Whether Go's `net/url` reads it, and its host is none or one that could be.
pub(in crate::verify) fn is_readable_in_go(uri: &str) -> bool {
    if uri.bytes().any(|octet| octet.is_ascii_control()) {
        return false;
    }
    let (uri, fragment) = uri.split_once('#').unwrap_or((uri, ""));
    let (uri, _query) = uri.split_once('?').unwrap_or((uri, ""));
    if has_bad_escape(fragment) {
        return false;
    }
    // A colon before any slash ends a scheme.
    let after_scheme = match uri.split_once('/').map_or(uri, |(before, _)| before).split_once(':') {
        None => uri,
        Some((scheme, _)) => {
            let after = uri.get(scheme.len() + 1..).unwrap_or_default();
            if !is_scheme(scheme) {
                return false;
            }
            // What follows without a slash is opaque, and not decoded.
            if !after.starts_with('/') {
                return true;
            }
            after
        }
    };
    let Some(authority) = after_scheme.strip_prefix("//") else {
        return !has_bad_escape(after_scheme);
    };
    let (authority, path) = authority.split_once('/').unwrap_or((authority, ""));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let is_of_a_user =
        |octet: u8| octet.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&octet);
    let Some((host, _)) = host_and_port(host) else {
        return false;
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|octet| {
                octet.is_ascii_alphanumeric() || b"-_~!$&'()*+,;=\"<>".contains(&octet)
            })
    };
    user.bytes().all(is_of_a_user)
        && !has_bad_escape(user)
        && (host.is_empty() || host.starts_with('[') || host.split('.').all(is_label))
        && !has_bad_escape(path)
}

fn has_bad_escape(uri: &str) -> bool {
    uri.split('%').skip(1).any(|after| {
        !matches!(
            after.as_bytes(),
            [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_uri_is_that_of_its_authority() {
        for (uri, expected) in [
            ("spiffe://acme.example/ns/a", Some("acme.example")),
            ("https://user@acme.example:8443?x", Some("acme.example")),
            ("https://evil.example@acme.example/", Some("acme.example")),
            ("https://acme.example#@evil.example/", Some("acme.example")),
            ("urn:uuid:1", None),
            ("https://10.0.0.1/", None),
            ("https://[::1]/", None),
            ("https:///path", None),
            ("urn:evil:workload?x=://good.example/", None),
            ("spiffe:evil.example/ns/admin://good.example", None),
            ("https:\\\\evil.example\\://good.example/", None),
            ("https://evil.example\\@good.example/", Some("good.example")),
            ("://good.example/", None),
            ("https://good.example:evil/", None),
        ] {
            assert_eq!(host(uri), expected, "{uri}");
        }
    }

    #[test]
    fn what_go_does_not_read_is_told() {
        for uri in [
            "",
            "urn:a",
            "a b",
            "https://[::1]/",
            "spiffe://acme.example/a",
            "foo",
            "https://h/?q=100%",
            "mailto:a%zz",
        ] {
            assert!(is_readable_in_go(uri), "{uri}");
        }
        for uri in [
            "https://us er@h/",
            "https://a\\b@h/",
            "https://[::1]8443/",
            "https://[evil]/",
            "https://x./",
            "https://.x/",
            "https://x:a/",
            "a%2",
            "https://%61/",
            ":x",
            "1a:b",
            "a\u{1}",
        ] {
            assert!(!is_readable_in_go(uri), "{uri}");
        }
    }
}
