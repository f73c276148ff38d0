//! What Temporal asks of certificates, and how a worker is told of them.

pub mod bundle;
pub mod filters;
#[cfg(feature = "temporal-cloud")]
pub mod namespace;
pub mod requirements;
pub mod rotation;
pub mod worker;

/// Whether a host is one of Temporal Cloud's endpoints, for a namespace or a region.
pub(crate) fn is_cloud_host(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    host.ends_with(".tmprl.cloud") || host.ends_with(".api.temporal.io")
}
