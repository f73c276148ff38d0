//! The parts of a URI (RFC 3986 section 3) that names and name constraints are about.

use std::net::IpAddr;

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
    pub(super) fn of(uri: &'a str) -> Option<Self> {
        let (scheme, after) = uri.split_once("://")?;
        let end = after.find(['/', '?', '#']).unwrap_or(after.len());
        let (authority, rest) = after.split_at_checked(end)?;
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        Some(Self { scheme, user, host, rest })
    }
}

/// The DNS name of the URI's host. Section 4.2.1.10 of RFC 5280 asks to refuse a URI without one,
/// or whose host is an address, where URIs are constrained.
pub(super) fn host(uri: &str) -> Option<&str> {
    let host = UriParts::of(uri)?.host;
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    let host = host.strip_suffix('.').unwrap_or(host);
    (super::constraints::is_dns_name(host) && host.parse::<IpAddr>().is_err()).then_some(host)
}

/// Whether Go's `net/url` reads it, and its host is none or one that could be.
pub(in crate::verify) fn is_readable_in_go(uri: &str) -> bool {
    if uri.bytes().any(|octet| octet.is_ascii_control()) {
        return false;
    }
    let before_path = uri.split(['/', '?', '#']).next().unwrap_or_default();
    if let Some((scheme, _)) = before_path.split_once(':') {
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"+-.".contains(&octet));
        if !is_scheme {
            return false;
        }
    }
    let Some(parts) = UriParts::of(uri) else {
        return !has_bad_escape(uri);
    };
    let (host, port) = match parts.host.strip_prefix('[') {
        Some(literal) => match literal.split_once(']') {
            Some((_, after)) => ("", after.strip_prefix(':').unwrap_or(after)),
            None => return false,
        },
        None => parts.host.split_once(':').unwrap_or((parts.host, "")),
    };
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_graphic() && octet != b'%')
    };
    port.bytes().all(|octet| octet.is_ascii_digit())
        && (host.is_empty() || host.split('.').all(is_label))
        && !has_bad_escape(uri)
}

fn has_bad_escape(uri: &str) -> bool {
    uri.split('%').skip(1).any(|after| {
        !matches!(after.as_bytes(), [high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit())
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
        ] {
            assert_eq!(host(uri), expected, "{uri}");
        }
    }

    #[test]
    fn what_go_does_not_read_is_told() {
        for uri in ["", "urn:a", "a b", "https://[::1]/", "spiffe://acme.example/a", "foo"] {
            assert!(is_readable_in_go(uri), "{uri}");
        }
        for uri in [
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
