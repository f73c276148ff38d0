//! Chain verification.

pub(crate) mod signature;

pub use signature::{NamedOid, SignatureError};
