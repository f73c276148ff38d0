//! What AWS says when it refuses, by cause.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_acmpca::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::waiters::error::WaiterError;

use crate::authority::{CaError, CredentialsProblem};
use crate::certificate::Timestamp;

/// An error of AWS: its code and message, and the id of the request, which AWS Support asks for.
/// The SDK's own error is its source.
#[derive(Debug)]
pub struct AwsError {
    operation: &'static str,
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
    status: Option<u16>,
    source: Box<dyn Error + Send + Sync>,
}

impl AwsError {
    /// The operation, as AWS's API reference names it: `IssueCertificate`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// Whether AWS has refused, so that nothing was done: an HTTP status of 400 to 499. With any
    /// other, or none, what was asked may have been done.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.status.is_some_and(|status| (400..500).contains(&status))
    }

    /// What the innermost cause says; the SDK's layers above it say "io error" and the like.
    fn last_word(&self) -> String {
        let mut innermost: &(dyn Error + 'static) = &*self.source;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        printable(&innermost.to_string())
    }

    /// The code: `ResourceNotFoundException`. There is none if AWS did not answer.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.message, &self.code) {
            (Some(message), Some(code)) => write!(f, "AWS says: {message} ({code}")?,
            (None, Some(code)) => write!(f, "AWS says: {code} (no message")?,
            _ => return write!(f, "no answer to {}: {}", self.operation, self.last_word()),
        }
        match &self.request_id {
            Some(id) => write!(f, ", request {id})"),
            None => f.write_str(")"),
        }
    }
}

impl Error for AwsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// A call, for its errors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    /// The service, as IAM's actions name it: `acm-pca`.
    pub(crate) service: &'static str,
    /// The operation, as the API reference names it.
    pub(crate) operation: &'static str,
    /// The ARN that it is about.
    pub(crate) resource: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(crate) fn acm_pca(operation: &'static str, resource: Option<&'a str>) -> Self {
        Self { service: "acm-pca", operation, resource }
    }

    pub(crate) fn acm(operation: &'static str, resource: Option<&'a str>) -> Self {
        Self { service: "acm", operation, resource }
    }

    #[cfg(feature = "route53")]
    pub(crate) fn route53(operation: &'static str, resource: Option<&'a str>) -> Self {
        Self { service: "route53", operation, resource }
    }

    /// The error by its cause.
    pub(crate) fn failed<E>(self, error: SdkError<E>) -> CaError
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        let operation = self.operation;
        let header = |name| error.raw_response().and_then(|response| response.headers().get(name));
        let theirs = header("date").and_then(http_date);
        let mut aws = AwsError {
            operation,
            code: error.code().map(printable),
            message: error.message().map(printable),
            request_id: header("x-amzn-requestid").map(printable),
            status: error.raw_response().map(|response| response.status().as_u16()),
            source: "".into(),
        };
        let problem = credentials_problem(&error);
        let answered = matches!(error, SdkError::ServiceError(_));
        let misbuilt = matches!(error, SdkError::ConstructionFailure(_));
        aws.source = source_of(error);
        match problem {
            Some(problem) => CaError::Credentials { problem, source: Box::new(aws) },
            None if misbuilt => CaError::Backend { operation, source: Box::new(aws) },
            None if answered => self.refused(aws, theirs),
            None => CaError::Unreachable { operation, source: Box::new(aws) },
        }
    }

    /// The error of a waiter; `None` if it is only that the time is up.
    pub(crate) fn failed_waiting<O, E>(self, error: WaiterError<O, E>) -> Option<CaError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        O: fmt::Debug,
    {
        let operation = self.operation;
        match error {
            WaiterError::ExceededMaxWait(_) => None,
            WaiterError::OperationFailed(failed) => Some(self.failed(failed.into_error())),
            WaiterError::FailureState(state) => Some(match state.into_final_poll().into_result() {
                Err(error) => {
                    let aws = AwsError {
                        operation,
                        code: error.code().map(printable),
                        message: error.message().map(printable),
                        request_id: None,
                        // A waiter ends with what the model knows, which is refusals.
                        status: Some(400),
                        source: Box::new(error),
                    };
                    self.refused(aws, None)
                }
                Ok(_) => CaError::Backend {
                    operation,
                    source: "AWS says that it has failed, and not why".into(),
                },
            }),
            other => Some(CaError::Backend { operation, source: other.to_string().into() }),
        }
    }

    /// Codes are matched, not types: AWS answers every operation with codes that are not in its
    /// model, `ThrottlingException` among them.
    fn refused(self, aws: AwsError, theirs: Option<Timestamp>) -> CaError {
        let operation = self.operation;
        let code = aws.code.clone().unwrap_or_default();
        let rejected =
            |problem, source: AwsError| CaError::Credentials { problem, source: Box::new(source) };
        let resource = self.resource.map(ToOwned::to_owned);
        match code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
                rejected(CredentialsProblem::Expired, aws)
            }
            "RequestTimeTooSkewed" | "RequestExpired" | "RequestInTheFuture" => rejected(
                CredentialsProblem::ClockSkew { here: Timestamp::now(), there: theirs },
                aws,
            ),
            // The one code for a wrong secret and for a wrong clock. The times tell which.
            "InvalidSignatureException" | "SignatureDoesNotMatch" | "AuthFailure" => {
                let here = Timestamp::now();
                let apart = |there: Timestamp| there.since(here).max(here.since(there));
                let problem = match theirs {
                    Some(there) if apart(there).as_secs() > 300 => {
                        CredentialsProblem::ClockSkew { here, there: theirs }
                    }
                    _ => CredentialsProblem::Rejected,
                };
                rejected(problem, aws)
            }
            "UnrecognizedClientException"
            | "InvalidClientTokenId"
            | "InvalidAccessKeyId"
            | "IncompleteSignature"
            | "IncompleteSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "OptInRequired" => rejected(CredentialsProblem::Rejected, aws),
            "AccessDeniedException"
            | "AccessDenied"
            | "UnauthorizedOperation"
            | "NotAuthorized" => CaError::AccessDenied {
                action: format!("{}:{operation}", self.service),
                resource,
                template: None,
                source: Box::new(aws),
            },
            "ThrottlingException"
            | "Throttling"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
            | "SlowDown"
            | "PriorRequestNotComplete" => CaError::Throttled { operation, source: Box::new(aws) },
            "LimitExceededException" | "ServiceQuotaExceededException" | "TooManyTagsException" => {
                CaError::Quota { source: Box::new(aws) }
            }
            "InvalidArnException" => CaError::InvalidArn {
                arn: resource.unwrap_or_default(),
                expected: "anything that AWS knows",
                reason: "AWS does not accept it",
            },
            _ => CaError::Backend { operation, source: Box::new(aws) },
        }
    }
}

/// The error behind it, without the answer's body, which may hold an exported key.
fn source_of<E>(error: SdkError<E>) -> Box<dyn Error + Send + Sync>
where
    E: Error + Send + Sync + 'static,
{
    error.into_source().unwrap_or_else(|_| "the SDK does not say why".into())
}

fn credentials_problem<E>(error: &SdkError<E>) -> Option<CredentialsProblem>
where
    E: Error + 'static,
{
    let SdkError::DispatchFailure(failure) = error else { return None };
    let mut cause: Option<&(dyn Error + 'static)> = failure.as_connector_error().map(|e| e as _);
    while let Some(error) = cause {
        match error.downcast_ref::<CredentialsError>() {
            Some(CredentialsError::CredentialsNotLoaded(_)) => {
                return Some(CredentialsProblem::Missing);
            }
            Some(_) => return Some(CredentialsProblem::Unobtainable),
            None => cause = error.source(),
        }
    }
    None
}

/// AWS's text with nothing in it that a terminal would act on.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The time of an answer (RFC 9110 section 5.6.7).
fn http_date(text: &str) -> Option<Timestamp> {
    use aws_sdk_acmpca::primitives::{DateTime, DateTimeFormat};
    let time = DateTime::from_str(text, DateTimeFormat::HttpDate).ok()?;
    Some(Timestamp::from_unix_seconds(time.secs()))
}
