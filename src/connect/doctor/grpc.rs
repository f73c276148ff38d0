//! Temporal's service: whether it is there, and whether the namespace is.

use std::fmt::Write as _;
use std::io::Cursor;

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::io::AsyncReadExt as _;

use super::tls::Opened;
use super::{Cause, Course, Finding, configuration};

/// `temporal.api.workflowservice.v1.GetSystemInfoResponse`, as far as it is read.
#[derive(Clone, PartialEq, prost::Message)]
struct SystemInfo {
    #[prost(string, tag = "1")]
    server_version: String,
}

/// `temporal.api.workflowservice.v1.DescribeNamespaceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
struct DescribeNamespace {
    #[prost(string, tag = "1")]
    namespace: String,
}

/// How much of an answer is read.
const MOST: usize = 1 << 20;

/// The codes of gRPC that are told apart (grpc.io, "Status codes and their use in gRPC").
const OK: u32 = 0;
const NOT_FOUND: u32 = 5;
const PERMISSION_DENIED: u32 = 7;
const UNAUTHENTICATED: u32 = 16;

const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// An answer of a gRPC server.
struct Answer {
    status: u32,
    message: String,
    /// The protobuf of the response.
    body: Vec<u8>,
}

pub(super) async fn examine(
    course: &Course<'_>,
    finding: &mut Finding,
    opened: Opened,
) -> Result<(), Cause> {
    let agreed = opened.connection.application_protocol.as_deref() == Some("h2");
    let begin = async {
        let mut service = Service::start(course, opened).await?;
        let info = service.call("GetSystemInfo", &[]).await?;
        Ok((service, info))
    };
    let (mut service, info) = begin.await.map_err(|cause| match cause {
        Cause::NoHttp2 { .. } | Cause::GrpcSilent { .. } if !agreed => {
            let reason = "it did not agree on h2 in the handshake, and gives no answer in HTTP/2";
            Cause::NoHttp2 { reason: reason.to_owned() }
        }
        other => other,
    })?;
    match info.status {
        OK => {
            let info = SystemInfo::decode(info.body.as_slice()).unwrap_or_default();
            finding.saw("Temporal server", info.server_version);
        }
        _ => return Err(refusal(course, "GetSystemInfo", info)),
    }
    let Some(namespace) = &course.doctor.namespace else {
        return Ok(());
    };
    let request = DescribeNamespace { namespace: namespace.clone() }.encode_to_vec();
    let described = service.call("DescribeNamespace", &request).await?;
    match described.status {
        OK => {
            finding.saw("namespace", format!("{namespace} is there"));
            Ok(())
        }
        _ => Err(refusal(course, "DescribeNamespace", described)),
    }
}

/// What a status means to somebody who wants to connect.
fn refusal(course: &Course<'_>, call: &'static str, answer: Answer) -> Cause {
    let Answer { status, message, .. } = answer;
    let short = configuration::short_name(course.doctor);
    match (status, short, &course.doctor.namespace) {
        (NOT_FOUND | PERMISSION_DENIED, Some(short), _) => short,
        (PERMISSION_DENIED, ..) => Cause::PermissionDenied { message },
        (UNAUTHENTICATED, ..) => Cause::Unauthenticated { message },
        (NOT_FOUND, _, Some(namespace)) => {
            Cause::NamespaceNotFound { namespace: namespace.clone(), message }
        }
        _ => {
            let name = usize::try_from(status).ok().and_then(|code| NAMES.get(code));
            let status = name.map_or_else(|| status.to_string(), |name| (*name).to_owned());
            Cause::Grpc { call, status, message }
        }
    }
}

/// Temporal's `WorkflowService` over a connection that is examined.
struct Service {
    sender: SendRequest<Full<Bytes>>,
    authority: String,
    patience: std::time::Duration,
    connection: tokio::task::JoinHandle<()>,
}

impl Drop for Service {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Service {
    async fn start(course: &Course<'_>, opened: Opened) -> Result<Self, Cause> {
        let doctor = course.doctor;
        let Opened { connection, stream } = opened;
        let (read, write) = tokio::io::split(stream);
        // What the server said already is the start of HTTP/2.
        let stream = tokio::io::join(Cursor::new(connection.greeting).chain(read), write);
        let shaking = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let failed = |error: hyper::Error| Cause::NoHttp2 { reason: told(&error) };
        let (sender, connection) = tokio::time::timeout(doctor.patience, shaking)
            .await
            .map_err(|_| Cause::GrpcSilent { waited: doctor.patience })?
            .map_err(failed)?;
        let connection = tokio::spawn(async move {
            // What ends the connection ends the call too, which tells of it.
            let _ = connection.await;
        });
        let host = doctor.server_name.as_ref().unwrap_or(&doctor.host);
        let authority = match host.contains(':') {
            true => format!("[{host}]:{}", doctor.port),
            false => format!("{host}:{}", doctor.port),
        };
        Ok(Self { sender, authority, patience: doctor.patience, connection })
    }

    /// Calls a method (gRPC over HTTP/2, section "Requests").
    async fn call(&mut self, method: &'static str, message: &[u8]) -> Result<Answer, Cause> {
        let uri = format!(
            "https://{}/temporal.api.workflowservice.v1.WorkflowService/{method}",
            self.authority
        );
        // Not compressed, and its length.
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        let body = [&[0], &length.to_be_bytes()[..], message].concat();
        let request = Request::post(uri)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| Cause::HostInvalid { host: format!("{}: {error}", self.authority) })?;
        let answering = async {
            let response = self.sender.send_request(request).await.map_err(|error| told(&error))?;
            read(response).await
        };
        let failed = |reason| Cause::NoHttp2 { reason };
        tokio::time::timeout(self.patience, answering)
            .await
            .map_err(|_| Cause::GrpcSilent { waited: self.patience })?
            .map_err(failed)?
    }
}

/// An error and everything behind it: hyper's own words say little.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

/// Reads an answer, which may be another's than a gRPC server's.
async fn read(response: Response<Incoming>) -> Result<Result<Answer, Cause>, String> {
    let (head, body) = response.into_parts();
    let body = Limited::new(body, MOST).collect().await.map_err(|error| told(&*error))?;
    let trailers = body.trailers().cloned().unwrap_or_default();
    let body = body.to_bytes();
    let status = |headers: &HeaderMap| {
        headers.get("grpc-status").and_then(|value| value.to_str().ok()?.parse::<u32>().ok())
    };
    let from = match (status(&trailers), status(&head.headers)) {
        (Some(status), _) => Some((status, &trailers)),
        (None, Some(status)) => Some((status, &head.headers)),
        (None, None) => None,
    };
    let Some((status, headers)) = from else {
        return Ok(Err(not_grpc(head.status.as_u16(), &head.headers, &body)));
    };
    let message = headers.get("grpc-message").map(|value| percent_decoded(value.as_bytes()));
    // As much as a person reads.
    let message: String = message.unwrap_or_default().chars().take(500).collect();
    Ok(Ok(Answer {
        status,
        message: super::one_line(&message),
        body: body.get(5..).unwrap_or_default().to_vec(),
    }))
}

/// Who answered instead of a gRPC server.
fn not_grpc(http_status: u16, headers: &HeaderMap, body: &[u8]) -> Cause {
    let text = String::from_utf8_lossy(body);
    let server = headers.get("server").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let is_nginx = server.as_ref().is_some_and(|server| server.starts_with("nginx"));
    match http_status {
        // nginx's own status 496 and 495, which it answers as 400 with these titles.
        400 if is_nginx && text.contains("No required SSL certificate was sent") => {
            Cause::NginxNoCertificate
        }
        400 if is_nginx && text.contains("The SSL certificate error") => Cause::NginxBadCertificate,
        502..=504 => Cause::BackendDown { http_status },
        _ => {
            let mut said = server.map_or_else(String::new, |server| format!(" from {server}"));
            let start: String = text.trim().chars().take(120).collect();
            if !start.is_empty() {
                let _ = write!(said, ", beginning with \"{}\"", start.escape_debug());
            }
            Cause::NotGrpc { http_status, server: said }
        }
    }
}

/// Undoes the encoding of `grpc-message` (gRPC over HTTP/2, "Responses"); what is no encoding stays.
fn percent_decoded(text: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let hexadecimal = (first == b'%').then(|| after.get(..2)).flatten();
        let byte = hexadecimal
            .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            Some(byte) => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::percent_decoded;

    #[test]
    fn messages_are_decoded_and_what_is_no_encoding_stays() {
        for (text, expected) in [
            ("Request%20unauthorized.", "Request unauthorized."),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("caf%C3%A9", "café"),
            ("%+1", "%+1"),
            ("", ""),
        ] {
            assert_eq!(percent_decoded(text.as_bytes()), expected);
        }
    }
}
