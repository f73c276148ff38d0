//! The handshake, and the server's verdict on the client.

use std::io;

use rustls::CertificateError;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Cause, Course, Finding, MOST_SHOWN, configuration, needs_server_name, strangers};
use crate::certificate::{Certificate, CertificateChain};
use crate::connect::error::{Alert, ConnectError};
use crate::connect::probe::{CertificateRequest, Connection, Failed};

/// How many of a server's names are in a sentence. More are in the evidence.
const A_FEW: usize = 3;

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
    let (connection, stream) = match course.probe(server_cas).open().await {
        Ok(opened) => opened,
        Err(failed) => {
            if let ConnectError::ServerCertificate { presented, .. } = &failed.error {
                show(presented, finding);
            }
            if let Some(request) = &failed.request {
                show_request(request, finding);
            }
            return Err(cause(course, failed).await);
        }
    };
    finding.saw("version", connection.version);
    finding.saw("cipher suite", &connection.cipher_suite);
    let protocol = connection.application_protocol.as_deref();
    finding.saw("application protocol", protocol.unwrap_or("none agreed on"));
    show(&connection.server_certificates, finding);
    match &connection.certificate_request {
        Some(request) => {
            show_request(request, finding);
            if course.identity.is_some() && !request.answered {
                finding.warnings.push(Cause::ClientKeyNotTaken { alert: None });
            }
        }
        None if course.identity.is_some() => finding.warnings.push(Cause::NoCertificateAsked),
        None => {}
    }
    Ok(Opened { connection, stream })
}

fn show(certificates: &[Certificate], finding: &mut Finding) {
    let shown = |certificate: &Certificate| {
        let (subject, issuer) = (certificate.subject(), certificate.issuer());
        let (subject, issuer) = (strangers::name(subject), strangers::name(issuer));
        format!("{subject}, by {issuer}, until {}", certificate.validity().not_after)
    };
    if let Some((own, intermediates)) = certificates.split_first() {
        finding.saw("server", shown(own));
        let intermediates: Vec<_> = intermediates.iter().map(shown).collect();
        finding.saw_some("server's intermediate", &intermediates);
    }
}

fn show_request(request: &CertificateRequest, finding: &mut Finding) {
    let named = match request.authorities.as_slice() {
        [] => "no CA named".to_owned(),
        named => strangers::names(named, MOST_SHOWN),
    };
    finding.saw("asks for a certificate of", named);
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

/// Which CAs the server named, and whom the client's chain ends at. Nothing if no certificate was
/// presented.
fn named(course: &Course<'_>, request: Option<&CertificateRequest>) -> String {
    let (Some(identity), Some(request)) = (&course.identity, request) else {
        return String::new();
    };
    if !request.answered {
        return String::new();
    }
    let last = identity.presented().last().unwrap_or(identity.certificate());
    let issuer = last.issuer();
    let ends = format!("; the chain that was presented ends below {issuer}");
    let authorities = &request.authorities;
    if authorities.is_empty() {
        return ends;
    }
    match authorities.iter().any(|name| name.as_der() == issuer.as_der()) {
        true => format!(
            "{ends}, a name that the server takes, so it knows another CA of that name, or takes this certificate for something else"
        ),
        false => {
            let names = strangers::names(authorities, A_FEW);
            format!("{ends}, and the server takes those of {names}")
        }
    }
}

/// What an error of the handshake means to somebody who wants to connect.
async fn cause(course: &Course<'_>, failed: Failed) -> Cause {
    let doctor = course.doctor;
    let request = failed.request.as_ref();
    match failed.error {
        ConnectError::Refused { alert } => refusal(course, alert, request),
        ConnectError::ServerCertificate { presented, reason, source } => {
            server_certificate(course, &presented, reason, &source)
        }
        ConnectError::Timeout { patience, .. } => Cause::TlsSilent { waited: patience },
        ConnectError::Closed { stage, source }
            if stage == crate::connect::probe::AFTER_HANDSHAKE =>
        {
            let (asked, named) = (request.is_some(), named(course, request));
            Cause::ClosedAfterHandshake { source, asked, named }
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
        // It took connections a moment ago, and closes this one faster than its opening is noticed.
        ConnectError::Tcp { source, .. } if source.kind() == io::ErrorKind::ConnectionReset => {
            Cause::TlsClosed { source }
        }
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

fn refusal(course: &Course<'_>, alert: Alert, request: Option<&CertificateRequest>) -> Cause {
    use rustls::AlertDescription as Description;
    match alert.0 {
        Description::ProtocolVersion => return Cause::TlsVersion { alert },
        Description::NoApplicationProtocol => {
            return Cause::NoHttp2 { reason: format!("to the offer of h2 it says {alert}") };
        }
        Description::UnrecognisedName => {
            let doctor = course.doctor;
            let name = doctor.server_name.as_ref().unwrap_or(&doctor.host).clone();
            return Cause::NameNotServed { name, alert };
        }
        _ => {}
    }
    let Some(request) = request else {
        // Whoever has not asked for a certificate does not speak of it.
        return match alert.0 {
            Description::HandshakeFailure | Description::InsufficientSecurity => {
                Cause::NothingInCommon { alert }
            }
            _ => Cause::Alert { alert },
        };
    };
    let named = named(course, Some(request));
    match (alert.0, &course.identity) {
        // TLS 1.2 has no alert for a certificate that is missing.
        (
            Description::CertificateRequired
            | Description::HandshakeFailure
            | Description::BadCertificate,
            identity,
        ) if !request.answered => match identity {
            None => Cause::CertificateRequired { alert },
            Some(_) => Cause::ClientKeyNotTaken { alert: Some(alert) },
        },
        (Description::UnknownCA, _) => Cause::ClientCaUnknown { alert, named },
        (Description::CertificateExpired, _) => Cause::ClientExpiredToServer { alert },
        (Description::CertificateRequired, _) => Cause::CertificateRequired { alert },
        (
            Description::BadCertificate
            | Description::HandshakeFailure
            | Description::UnsupportedCertificate
            | Description::CertificateRevoked
            | Description::CertificateUnknown
            | Description::AccessDenied
            | Description::DecryptError,
            _,
        ) => Cause::ClientRefused { alert, named },
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
        let (subject, issuer) = (certificate.subject(), certificate.issuer());
        format!(": {}, issued by {}", strangers::name(subject), strangers::name(issuer))
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
            let names: Vec<_> = names.iter().flatten().collect();
            let names = match names.as_slice() {
                [] => "no name at all".to_owned(),
                names => strangers::names(names, MOST_SHOWN),
            };
            let expected = doctor.server_name.as_ref().unwrap_or(&doctor.host).clone();
            Cause::ServerName { expected, presented: format!("{whose}, for {names}") }
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
    let mut answer = Vec::with_capacity(64);
    let ask = async {
        let mut stream = TcpStream::connect((*address, course.doctor.port)).await?;
        stream.write_all(PREFACE).await?;
        // It may come in pieces; what tells protocols apart is in the head of a frame.
        while answer.len() < 9 && stream.read_buf(&mut answer).await? > 0 {}
        Ok::<_, io::Error>(())
    };
    // What came before the end counts, whatever the end was.
    let _ = tokio::time::timeout(course.doctor.patience, ask).await;
    let answer = answer.get(..64).unwrap_or(&answer);
    match answer {
        [] => None,
        // A SETTINGS frame on stream 0.
        [_, _, _, 4, _, 0, 0, 0, 0, ..] => Some(Cause::PlaintextHttp2),
        [b'H', b'T', b'T', b'P', b'/', ..] => {
            let line = answer.split(|byte| *byte == b'\r' || *byte == b'\n').next();
            let start = String::from_utf8_lossy(line.unwrap_or_default()).into_owned();
            Some(Cause::PlaintextHttp { start: strangers::name(start) })
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
