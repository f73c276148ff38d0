//! Single calls: a request's bytes to the server and the answer's bytes back.

use std::net::IpAddr;
use std::time::Duration;

use prost::Message;
use prost::bytes::{Buf as _, BufMut as _};
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::{PathAndQuery, Uri};
use tonic::metadata::MetadataValue;
use tonic::transport::{Certificate as TlsCertificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request, Status};

use super::{ApiKey, CloudOpsError, CloudOpsOptions, ServerAnswer};

/// The version of the API that the definitions are of (cloud-api, file `VERSION`). From v0.2.0 on a
/// bundle is PEM and not base64.
pub(super) const API_VERSION: &str = "v0.17.0";

/// Passes messages on as they are.
#[derive(Debug, Clone, Copy)]
struct Raw;

impl Codec for Raw {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut item = vec![0; buffer.remaining()];
        buffer.copy_to_slice(&mut item);
        Ok(Some(item))
    }
}

/// A call that was not answered with what it asked for.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) code: Code,
    pub(super) answer: ServerAnswer,
    /// Whether the connection says so, and not the server.
    is_of_connection: bool,
}

impl Unanswered {
    /// Whether the same call may be answered a moment later, and whether this one was done is unknown.
    pub(super) fn is_unclear(&self) -> bool {
        matches!(
            self.code,
            Code::Unavailable | Code::DeadlineExceeded | Code::Unknown | Code::Cancelled
        )
    }
}

/// The server, and how it is asked.
#[derive(Clone)]
pub(super) struct Server {
    channel: Channel,
    key: ApiKey,
    pub(super) options: CloudOpsOptions,
}

impl Server {
    /// Nothing is sent yet.
    pub(super) fn new(key: ApiKey, options: CloudOpsOptions) -> Result<Self, CloudOpsError> {
        let address = options.address.clone();
        let wrong = |reason: String| CloudOpsError::Address { address: address.clone(), reason };
        let scheme = if options.plaintext { "http" } else { "https" };
        let uri: Uri = format!("{scheme}://{address}").parse().map_err(|_| {
            wrong("it is not a host and a port, as in saas-api.tmprl.cloud:443".into())
        })?;
        if uri.port().is_none() || uri.path() != "/" {
            return Err(wrong(
                "it is not a host and a port, as in saas-api.tmprl.cloud:443".into(),
            ));
        }
        if options.plaintext && !is_loopback(uri.host().unwrap_or_default()) {
            return Err(CloudOpsError::Plaintext { address });
        }
        let mut endpoint = Endpoint::from(uri)
            .connect_timeout(options.request_timeout)
            .timeout(options.request_timeout);
        if !options.plaintext {
            let roots = match &options.server_ca {
                Some(ca) => ClientTlsConfig::new().ca_certificates(
                    ca.iter().map(|certificate| TlsCertificate::from_pem(certificate.to_pem())),
                ),
                None => ClientTlsConfig::new().with_native_roots(),
            };
            endpoint = endpoint.tls_config(roots).map_err(|error| wrong(with_causes(&error)))?;
        }
        Ok(Self { channel: endpoint.connect_lazy(), key, options })
    }

    /// Sends a request once.
    pub(super) async fn once(&self, method: &str, body: Vec<u8>) -> Result<Vec<u8>, Unanswered> {
        let path = format!("/temporal.api.cloud.cloudservice.v1.CloudService/{method}");
        self.send(path, body).await.map_err(|status| Unanswered {
            code: status.code(),
            is_of_connection: std::error::Error::source(&status).is_some(),
            answer: ServerAnswer {
                code: name(status.code()),
                message: self.key.strike_from(&with_causes(&status)),
            },
        })
    }

    async fn send(&self, path: String, body: Vec<u8>) -> Result<Vec<u8>, Status> {
        let path = PathAndQuery::try_from(path)
            .map_err(|_| Status::invalid_argument("the method's name is none"))?;
        let mut request = Request::new(body);
        let bearer = zeroize::Zeroizing::new(format!("Bearer {}", self.key.expose()));
        let mut bearer = MetadataValue::try_from(bearer.as_str())
            .map_err(|_| Status::invalid_argument("the API key is no header's value"))?;
        // Logs of HTTP/2 and its table of compressed headers leave it out.
        bearer.set_sensitive(true);
        request.metadata_mut().insert("authorization", bearer);
        request
            .metadata_mut()
            .insert("temporal-cloud-api-version", MetadataValue::from_static(API_VERSION));
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready().await.map_err(|error| Status::unavailable(with_causes(&error)))?;
        Ok(grpc.unary(request, path, Raw).await?.into_inner())
    }

    /// Sends a request that changes nothing, again and again until there is an answer.
    pub(super) async fn read(
        &self,
        method: &str,
        request: &impl Message,
    ) -> Result<Vec<u8>, ReadFailure> {
        let body = request.encode_to_vec();
        let mut attempts = 1;
        loop {
            let unanswered = match self.once(method, body.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(unanswered) => unanswered,
            };
            let again = unanswered.is_unclear() || unanswered.code == Code::ResourceExhausted;
            if !again || attempts >= self.options.tries {
                return Err(ReadFailure { attempts, unanswered });
            }
            self.pause(attempts).await.map_err(|_| ReadFailure { attempts, unanswered })?;
            attempts += 1;
        }
    }

    /// Waits longer after each attempt, and not as long as others who wait for the same.
    pub(super) async fn pause(&self, attempts: u32) -> Result<(), CloudOpsError> {
        let longest = self.options.pause.saturating_mul(1 << attempts.saturating_sub(1).min(5));
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(CloudOpsError::Random)?;
        let share = f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX);
        tokio::time::sleep(longest.mul_f64(0.25 + 0.75 * share)).await;
        Ok(())
    }

    /// An answer that is no success, as an error that says what to do.
    pub(super) fn error(
        &self,
        what: &str,
        attempts: u32,
        unanswered: Unanswered,
        missing: impl FnOnce(ServerAnswer) -> CloudOpsError,
    ) -> CloudOpsError {
        let source = unanswered.answer;
        let unreachable = match unanswered.code {
            Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => true,
            Code::Unknown => unanswered.is_of_connection,
            _ => false,
        };
        match unanswered.code {
            Code::Unauthenticated => CloudOpsError::Unauthenticated { source },
            Code::PermissionDenied => {
                CloudOpsError::PermissionDenied { what: what.to_owned(), source }
            }
            Code::NotFound => missing(source),
            Code::ResourceExhausted => CloudOpsError::Throttled { attempts, source },
            _ if unreachable => {
                let address = self.options.address.clone();
                CloudOpsError::Unreachable { address, attempts, source }
            }
            _ => CloudOpsError::Refused { what: what.to_owned(), source },
        }
    }
}

/// A request that changes nothing and was not answered.
pub(super) struct ReadFailure {
    pub(super) attempts: u32,
    pub(super) unanswered: Unanswered,
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// An error and what is behind it: tonic says "transport error" alone.
fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let own = match error.downcast_ref::<Status>() {
        Some(status) => status.message().to_owned(),
        None => error.to_string(),
    };
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(own, |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// How long a single call may take if nothing else is said.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
