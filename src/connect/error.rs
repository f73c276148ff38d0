//! Why a connection fails.

use std::fmt;
use std::time::Duration;

use rustls::server::VerifierBuilderError;
use rustls::{AlertDescription, CertificateError};

use crate::certificate::Certificate;

/// An alert that the server sent (RFC 8446 section 6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alert(pub(super) AlertDescription);

impl Alert {
    /// The alert's number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0.into()
    }

    /// What the alert means when a client presents, or does not present, a certificate.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self.0 {
            AlertDescription::UnknownCA => {
                "it does not trust the CA of the client's certificate: the CA is not in its bundle, or an intermediate certificate was not sent"
            }
            AlertDescription::CertificateExpired => {
                "the client's certificate, or one above it, has ended or is not valid yet by its clock"
            }
            AlertDescription::BadCertificate => {
                "it does not take the client's certificate; older Go servers answer every problem so"
            }
            AlertDescription::CertificateRequired => "it wants a client certificate and got none",
            AlertDescription::CertificateUnknown => {
                "something in the client's certificate is not acceptable to it"
            }
            AlertDescription::CertificateRevoked => "the client's certificate is revoked",
            AlertDescription::UnsupportedCertificate => {
                "the client's certificate is of a kind it does not take, or not for TLS clients"
            }
            AlertDescription::DecryptError => {
                "a signature did not verify: the client's CA has the name of a trusted one but another key, or the certificate was changed"
            }
            AlertDescription::HandshakeFailure => {
                "no common ground; with TLS 1.2 also its way to ask for a client certificate that was not sent"
            }
            AlertDescription::ProtocolVersion => {
                "it does not speak the version of TLS that was offered"
            }
            AlertDescription::AccessDenied => {
                "the client's certificate is good, and its holder is not allowed in"
            }
            AlertDescription::UnrecognisedName => "it does not serve the name that was asked for",
            _ => "it refuses the connection",
        }
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // RFC 8446's own spelling: unknown_ca, certificate_expired.
        let name = match self.0 {
            AlertDescription::UnrecognisedName => "UnrecognizedName".to_owned(),
            other => format!("{other:?}"),
        };
        let mut previous_is_lower = false;
        for character in name.chars() {
            if character.is_ascii_uppercase() && previous_is_lower {
                f.write_str("_")?;
            }
            previous_is_lower = !character.is_ascii_uppercase();
            write!(f, "{}", character.to_ascii_lowercase())?;
        }
        write!(f, " ({})", self.number())
    }
}

/// Why a connection fails, by who is at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The host's name leads to no address.
    #[error("the name {host} leads to no address: {source}")]
    Dns {
        /// The name that was looked up.
        host: String,
        /// What the resolver said.
        source: std::io::Error,
    },
    /// No TCP connection was made.
    #[error("{host}:{port} does not accept connections: {source}")]
    Tcp {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The server took too long.
    #[error("{host}:{port} did not answer within {} seconds, {stage}", patience.as_secs_f32())]
    Timeout {
        /// The host.
        host: String,
        /// The port.
        port: u16,
        /// How far the attempt had come.
        stage: &'static str,
        /// How long was waited.
        patience: Duration,
    },
    /// The name to expect in the server's certificate is none.
    #[error("\"{name}\" cannot be the name of a server")]
    ServerName {
        /// The name.
        name: String,
    },
    /// The server's certificate is not one that the given anchors vouch for.
    #[error("the server's certificate{} is not accepted: {reason}", named(presented))]
    ServerCertificate {
        /// What the server presented, its own certificate first; without those that cannot be
        /// read.
        presented: Vec<Certificate>,
        /// What is wrong with it.
        reason: String,
        /// rustls's own error.
        source: rustls::Error,
    },
    /// The server sent an alert.
    #[error("the server refuses with the TLS alert {alert}: {}", alert.meaning())]
    Refused {
        /// The alert.
        alert: Alert,
    },
    /// The server closed the connection and said nothing.
    #[error(
        "the server closed the connection without an alert, {stage}: often because it does not take the client's certificate, or is no TLS server"
    )]
    Closed {
        /// How far the attempt had come.
        stage: &'static str,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// What the other side sends is no TLS.
    #[error("the other side does not speak TLS, or not this one: {0}")]
    Protocol(#[source] rustls::Error),
    /// The anchors for servers are unusable.
    #[error("rustls does not take the anchors for servers: {0}")]
    Anchors(#[source] VerifierBuilderError),
    /// The client's own side is unusable.
    #[error("rustls does not take the client's configuration: {0}")]
    Configuration(#[source] rustls::Error),
}

/// Whose certificate it is and whose signature it bears.
fn named(presented: &[Certificate]) -> String {
    presented.first().map_or_else(String::new, |certificate| {
        format!(" ({}, issued by {})", certificate.subject(), certificate.issuer())
    })
}

/// What is wrong with a server's certificate, for the person who presents the client's.
pub(super) fn server_certificate(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(reason) = error else {
        return error.to_string();
    };
    match reason {
        CertificateError::UnknownIssuer => {
            "it leads to none of the given anchors; these are the server's CA, which is another one than the client's on Temporal Cloud".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has ended".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "it is for another name than the one that was asked for".to_owned()
        }
        other => format!("{other}"),
    }
}
