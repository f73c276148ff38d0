//! What Temporal asks of certificates, and how a worker is told of them.

pub mod worker;
