//! What Temporal asks of certificates, and how a worker is told of them.

pub mod bundle;
pub mod filters;
#[cfg(feature = "temporal-cloud")]
pub mod namespace;
pub mod requirements;
pub mod rotation;
pub mod worker;
