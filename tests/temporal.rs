//! What Temporal Cloud takes: every rule, filters, bundles, and a real TLS server of Go's as the judge.
#![cfg(feature = "rustls")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that is wrong should stop, and one that is skipped should say so"
)]

#[path = "support/chains.rs"]
mod chains;
#[path = "support/client.rs"]
mod client;
#[path = "support/go.rs"]
mod go;
#[path = "support/judges.rs"]
mod judges;
#[path = "support/openssl.rs"]
mod openssl;

#[path = "temporal/bundle.rs"]
mod bundle;
#[path = "temporal/filters.rs"]
mod filters;
#[path = "temporal/frontend.rs"]
mod frontend;
#[path = "temporal/requirements.rs"]
mod requirements;

use private_ca::temporal::bundle::CaBundle;
use private_ca::{Certificate, CertificateChain};

fn presented(certificates: &[&Certificate]) -> CertificateChain {
    CertificateChain::new(certificates.iter().copied().cloned().collect()).unwrap()
}

fn bundle_of(certificates: &[&Certificate]) -> CaBundle {
    CaBundle::of(&certificates.iter().copied().cloned().collect::<Vec<_>>())
}
