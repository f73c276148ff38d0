//! What Temporal asks of certificates, and how a worker is told of them.

pub mod bundle;
pub mod filters;
mod json;
#[cfg(feature = "temporal-cloud")]
pub mod namespace;
pub mod requirements;
pub mod rotation;
pub mod worker;

pub use json::JsonError;

/// Whether a host is one of Temporal Cloud's endpoints, for a namespace or a region (Temporal Cloud,
/// "Namespaces: Endpoints"). An address has no port here.
#[must_use]
pub fn is_cloud_host(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(".tmprl.cloud") || host.ends_with(".api.temporal.io")
}

/// Host and port of a namespace's own endpoint, which takes client certificates (Temporal Cloud, "Namespaces:
/// Endpoints"). None if the namespace is not of the form `NAME.ACCOUNT`.
#[must_use]
pub fn namespace_endpoint(namespace: &str) -> Option<String> {
    let (name, account) = namespace.split_once('.')?;
    let is_label = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    (is_label(name) && is_label(account)).then(|| format!("{namespace}.tmprl.cloud:7233"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_namespace_with_its_account_has_an_endpoint() {
        let endpoint = super::namespace_endpoint;
        assert_eq!(endpoint("hello.a1b2c").as_deref(), Some("hello.a1b2c.tmprl.cloud:7233"));
        for other in ["hello", "", ".a1b2c", "hello.", "hello.a1b2c.tmprl.cloud", "a b.c", "a.b/c"]
        {
            assert_eq!(endpoint(other), None, "{other}");
        }
    }
}
