//! Connecting over mTLS: a frontend that admits only whom it should, and a probe that says why a
//! connection is refused.
//!
//! Both run on tokio and rustls. In TLS 1.3 a client has finished its handshake before the server
//! has judged the client's certificate (RFC 8446 section 4.4.4), so a refusal arrives as an alert on
//! the first read, or not at all if the client writes first. [`Probe`] reads before anything else.

pub mod doctor;
mod error;
mod frontend;
mod probe;

use std::fmt;

pub use doctor::{Cause, Diagnosis, Doctor, Stage, system_roots};
pub use error::{Alert, ConnectError};
pub use frontend::{Frontend, FrontendError};
pub use probe::{CertificateRequest, Connection, Probe};

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    fn supported(self) -> &'static rustls::SupportedProtocolVersion {
        match self {
            Self::Tls12 => &rustls::version::TLS12,
            Self::Tls13 => &rustls::version::TLS13,
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}
