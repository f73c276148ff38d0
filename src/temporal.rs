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
