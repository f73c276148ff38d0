//! The handshake, and the server's verdict on the client.

use std::io;

use rustls::CertificateError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Cause, Course, Finding, configuration, needs_server_name};
use crate::certificate::{Certificate, CertificateChain};
use crate::connect::error::{Alert, ConnectError};
use crate::connect::probe::Connection;

/// A connection that the server has not refused.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) stream: TlsStream<TcpStream>,
}

pub(super) async fn examine(course: &Course<'_>, finding: &mut Finding) -> Result<Opened, Cause> {
    let server_cas = match &course.doctor.server_cas {
        Some(given) => given.clone(),
        None => system_roots()?,
    };
    // Without a certificate the handshake shows whom the server asks for, also where it will refuse.
    let asked = match course.identity {
        None => None,
        Some(_) => {
            let stranger =
                Course { identity: None, addresses: course.addresses.clone(), ..*course };
            stranger.probe(server_cas.clone()).authorities().await
        }
    };
    let (connection, stream) = match course.probe(server_cas).open().await {
        Ok(opened) => opened,
        Err(error) => {
            if let ConnectError::ServerCertificate { presented, .. } = &error {
                show(presented, finding);
            }
            return Err(cause(course, error, &named(course, asked.as_deref())).await);
        }
    };
    finding.saw("version", connection.version);
    finding.saw("cipher suite", &connection.cipher_suite);
    let protocol = connection.application_protocol.as_deref();
    finding.saw("application protocol", protocol.unwrap_or("none agreed on"));
    show(&connection.server_certificates, finding);
    match &connection.certificate_request {
        Some(request) => {
            let named: Vec<_> = request.authorities.iter().map(ToString::to_string).collect();
            let named = if named.is_empty() { "no CA named".to_owned() } else { named.join(", ") };
            finding.saw("asks for a certificate of", named);
        }
        None if course.identity.is_some() => finding.warnings.push(Cause::NoCertificateAsked),
        None => {}
    }
    Ok(Opened { connection, stream })
}

fn show(certificates: &[Certificate], finding: &mut Finding) {
    for (place, certificate) in certificates.iter().enumerate() {
        let who = if place == 0 { "server" } else { "server's intermediate" };
        let (issuer, end) = (certificate.issuer(), certificate.validity().not_after);
        finding.saw(who, format!("{}, by {issuer}, until {end}", certificate.subject()));
    }
}

/// The roots that the operating system trusts, in no particular order and without those that cannot be
/// read. Their place can be set by `SSL_CERT_FILE` and `SSL_CERT_DIR`.
///
/// # Errors
/// [`Cause::NoSystemRoots`].
pub fn system_roots() -> Result<CertificateChain, Cause> {
    let found = rustls_native_certs::load_native_certs();
    let roots: Vec<_> =
        found.certs.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
    CertificateChain::new(roots).map_err(|_| {
        let reasons: Vec<_> = found.errors.iter().map(ToString::to_string).collect();
        let reason =
            if reasons.is_empty() { "none is installed".to_owned() } else { reasons.join("; ") };
        Cause::NoSystemRoots { reason }
    })
}

/// Which CAs the server named, and whom the client's chain ends at.
fn named(course: &Course<'_>, authorities: Option<&[crate::DistinguishedName]>) -> String {
    let Some(identity) = &course.identity else {
        return String::new();
    };
    let last = identity.presented().last().unwrap_or(identity.certificate());
    let issuer = last.issuer();
    let ends = format!("; the chain that was presented ends below {issuer}");
    let Some(authorities) = authorities.filter(|authorities| !authorities.is_empty()) else {
        return ends;
    };
    let is_named = authorities.iter().any(|name| name.as_der() == issuer.as_der());
    let names: Vec<_> = authorities.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    match is_named {
        true => format!(
            "{ends}, a name that the server takes, so it knows another CA of that name, or takes this certificate for something else"
        ),
        false => format!("{ends}, and the server takes those of {names}"),
    }
}

/// What an error of the handshake means to somebody who wants to connect.
async fn cause(course: &Course<'_>, error: ConnectError, named: &str) -> Cause {
    let doctor = course.doctor;
    let named = named.to_owned();
    match error {
        ConnectError::Refused { alert } => refusal(alert, named),
        ConnectError::ServerCertificate { presented, reason, source } => {
            server_certificate(course, &presented, reason, &source)
        }
        ConnectError::Timeout { patience, .. } => Cause::TlsSilent { waited: patience },
        ConnectError::Closed { stage, source }
            if stage == crate::connect::probe::AFTER_HANDSHAKE =>
        {
            Cause::ClosedAfterHandshake { source, named }
        }
        ConnectError::Closed { source, .. } => match plaintext(course).await {
            Some(cause) => cause,
            None => Cause::TlsClosed { source },
        },
        ConnectError::Protocol(source) => match plaintext(course).await {
            Some(cause) => cause,
            None => Cause::NotTls { reason: source.to_string() },
        },
        ConnectError::ServerName { name } => Cause::HostInvalid { host: name },
        ConnectError::Dns { host, .. } => Cause::NoSuchName { host },
        ConnectError::Tcp { source, .. } => match course.addresses.first() {
            Some(&address) => {
                Cause::TcpUnreachable { address: (address, doctor.port).into(), source }
            }
            None => Cause::NoAddress { host: doctor.host.clone() },
        },
        ConnectError::Anchors(source) => Cause::TlsConfiguration { reason: source.to_string() },
        ConnectError::Configuration(source) => {
            Cause::TlsConfiguration { reason: source.to_string() }
        }
    }
}

fn refusal(alert: Alert, named: String) -> Cause {
    use rustls::AlertDescription as Description;
    match alert.0 {
        Description::UnknownCA => Cause::ClientCaUnknown { alert, named },
        Description::CertificateExpired => Cause::ClientExpiredToServer { alert },
        Description::CertificateRequired => Cause::CertificateRequired { alert },
        Description::ProtocolVersion => Cause::TlsVersion { alert },
        // TLS 1.2 has no alert for a certificate that is missing.
        Description::HandshakeFailure | Description::BadCertificate if named.is_empty() => {
            Cause::CertificateRequired { alert }
        }
        Description::BadCertificate
        | Description::UnsupportedCertificate
        | Description::CertificateRevoked
        | Description::CertificateUnknown
        | Description::AccessDenied
        | Description::DecryptError => Cause::ClientRefused { alert, named },
        _ => Cause::Alert { alert },
    }
}

fn server_certificate(
    course: &Course<'_>,
    presented: &[Certificate],
    reason: String,
    source: &rustls::Error,
) -> Cause {
    let doctor = course.doctor;
    let whose = presented.first().map_or_else(String::new, |certificate| {
        format!(": {}, issued by {}", certificate.subject(), certificate.issuer())
    });
    let rustls::Error::InvalidCertificate(error) = source else {
        return Cause::ServerCertificate { reason, presented: whose };
    };
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            let end =
                presented.first().map(|one| format!("{whose}, until {}", one.validity().not_after));
            Cause::ServerExpired { presented: end.unwrap_or_default() }
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            Cause::ServerNotYetValid { presented: whose }
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            if needs_server_name(&doctor.host) && doctor.server_name.is_none() {
                return Cause::ServerNameNeeded { host: doctor.host.clone() };
            }
            let names = presented.first().map(Certificate::subject_alternative_names);
            let names: Vec<_> = names.iter().flatten().map(ToString::to_string).collect();
            let expected = doctor.server_name.as_ref().unwrap_or(&doctor.host).clone();
            Cause::ServerName { expected, presented: format!("{whose}, for {}", names.join(", ")) }
        }
        CertificateError::UnknownIssuer => {
            let ours = course.identity.as_ref();
            ours.and_then(|identity| configuration::own_ca(doctor, identity))
                .unwrap_or(Cause::ServerCaUnknown { presented: whose })
        }
        _ => Cause::ServerCertificate { reason, presented: whose },
    }
}

/// The connection preface of HTTP/2 (RFC 9113 section 3.4), and an empty SETTINGS frame.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// What the port speaks without TLS, if it speaks anything.
async fn plaintext(course: &Course<'_>) -> Option<Cause> {
    let address = course.addresses.first()?;
    let ask = async {
        let mut stream = TcpStream::connect((*address, course.doctor.port)).await?;
        stream.write_all(PREFACE).await?;
        let mut answer = [0; 64];
        let length = stream.read(&mut answer).await?;
        Ok::<_, io::Error>(answer.get(..length).unwrap_or_default().to_vec())
    };
    let answer = tokio::time::timeout(course.doctor.patience, ask).await.ok()?.ok()?;
    match answer.as_slice() {
        [] => None,
        // A SETTINGS frame on stream 0.
        [_, _, _, 4, _, 0, 0, 0, 0, ..] => Some(Cause::PlaintextHttp2),
        [b'H', b'T', b'T', b'P', b'/', ..] => {
            let line = answer.split(|byte| *byte == b'\r' || *byte == b'\n').next();
            let start = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
            Some(Cause::PlaintextHttp { start })
        }
        // An alert, because TLS was expected.
        [0x15, 3, ..] => None,
        other => {
            let start = String::from_utf8_lossy(other);
            Some(Cause::NotTls {
                reason: format!("it begins with \"{}\"", start.trim_end().escape_debug()),
            })
        }
    }
}
