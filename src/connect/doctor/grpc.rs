//! Temporal's service: whether it is there, and whether the namespace is.

mod answer;

use std::fmt::Write as _;
use std::io::Cursor;
use std::pin::pin;

use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message as _;
use tokio::io::AsyncReadExt as _;

use super::tls::Opened;
use super::{Cause, Course, Finding, configuration, strangers};
use crate::connect::probe::CertificateRequest;
use answer::Answer;

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

pub(super) async fn examine(
    course: &Course<'_>,
    finding: &mut Finding,
    opened: Opened,
) -> Result<(), Cause> {
    let asked = opened.connection.certificate_request.clone();
    let mut service = Service::start(course, opened).await?;
    let info = service.call("GetSystemInfo", &[]).await?;
    match info.status {
        OK => {
            let info = SystemInfo::decode(info.body.as_slice()).unwrap_or_default();
            let version = match info.server_version.as_str() {
                "" => "of a version that it does not tell",
                version => version,
            };
            finding.saw("Temporal server", version);
        }
        _ => return Err(refusal(course, asked.as_ref(), "GetSystemInfo", info)),
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
        _ => Err(refusal(course, asked.as_ref(), "DescribeNamespace", described)),
    }
}

/// What a status means to somebody who wants to connect.
fn refusal(
    course: &Course<'_>,
    request: Option<&CertificateRequest>,
    call: &'static str,
    answer: Answer,
) -> Cause {
    let Answer { status, message, .. } = answer;
    let short = configuration::short_name(course.doctor);
    match (status, short, &course.doctor.namespace) {
        (NOT_FOUND | PERMISSION_DENIED, Some(short), _) => short,
        // A certificate that was not shown did not displease.
        (PERMISSION_DENIED, ..) => match request {
            None => Cause::DeniedUnasked { message },
            Some(request) if !request.answered => Cause::DeniedUnanswered { message },
            Some(_) => Cause::PermissionDenied { message },
        },
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
    /// Whether the handshake agreed on HTTP/2.
    agreed: bool,
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
        let agreed = connection.application_protocol.as_deref() == Some("h2");
        let (read, write) = tokio::io::split(stream);
        // What the server said already is the start of HTTP/2.
        let stream = tokio::io::join(Cursor::new(connection.greeting).chain(read), write);
        let shaking = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let failed = |error: hyper::Error| Cause::NoHttp2 { reason: strangers::name(told(&error)) };
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
        Ok(Self { sender, authority, patience: doctor.patience, agreed, connection })
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
        let mut deadline = pin!(tokio::time::sleep(self.patience));
        let response = tokio::select! {
            biased;
            () = deadline.as_mut() => Err(Cause::GrpcSilent { waited: self.patience }),
            response = self.sender.send_request(request) => response.map_err(|error| {
                Cause::CallBroken { call: method, reason: strangers::name(told(&error)) }
            }),
        };
        match response {
            Ok(response) => answer::read(method, response, deadline).await,
            Err(cause) if self.agreed => Err(cause),
            Err(_) => {
                let reason =
                    "it did not agree on h2 in the handshake, and gives no answer in HTTP/2";
                Err(Cause::NoHttp2 { reason: reason.to_owned() })
            }
        }
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
