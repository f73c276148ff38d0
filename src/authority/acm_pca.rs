//! AWS Private CA behind [`CertificateAuthority`].
//!
//! [`AcmPca`] is one CA in one account and region. Making one, and everything its owner does with
//! it, is here too; the permissions that each call needs are in [`manual::permissions`].
//!
//! [`manual::permissions`]: crate::manual::permissions

mod administration;
mod creation;
mod description;
mod issuing;
mod names;
mod options;
mod template;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_acmpca::Client;
use tokio::sync::OnceCell;

pub use administration::{AuditReport, AuditReportFormat, CaOwner};
pub use description::{CaDescription, CaKind};
use issuing::Issuer;
pub use options::{AcmPcaOptions, CrlOptions, KeyStorage, OcspOptions, UsageMode};
use template::Template;

use super::aws::{Arn, AwsConnection, Call, LONGEST_WAIT, error_code};
use super::{
    CaError, CaState, CertificateAuthority, CertificateId, IssueRequest, IssuedCertificate,
    Revocation,
};
use crate::certificate::CertificateChain;

/// How long a call waits for AWS Private CA to issue a certificate or make a CA, unless
/// [`AcmPca::with_deadline`] says otherwise. Both usually take seconds.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// A certificate authority of AWS Private CA.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use private_ca::authority::aws::{AwsConnection, AwsOptions};
/// use private_ca::{AcmPca, CertificateAuthority, CertificatePurpose, CertificateRequest};
/// use private_ca::{IssueRequest, KeyAlgorithm, PrivateKey, RequestedValidity};
///
/// let connection = AwsConnection::from_environment(AwsOptions::default()).await?;
/// let arn = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02";
/// let ca = AcmPca::new(&connection, arn.parse()?)?;
///
/// let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
/// let request = CertificateRequest::new(&key, "CN=worker-1".parse()?, &[])?;
/// let issued = ca
///     .issue(IssueRequest::new(request, CertificatePurpose::Client, RequestedValidity::days(30)))
///     .await?;
/// # Ok(()) }
/// ```
///
/// Every method has to run in a Tokio runtime, because the AWS SDK does.
#[derive(Clone)]
pub struct AcmPca {
    connection: AwsConnection,
    client: Client,
    arn: Arn,
    template: Option<Template>,
    deadline: Duration,
    /// What does not change while a CA is in use is asked once. Clones share it.
    issuer: Arc<OnceCell<Issuer>>,
}

impl AcmPca {
    /// The CA with this ARN. Nothing is asked of AWS yet.
    ///
    /// # Errors
    /// [`CaError::InvalidArn`] if it is not a CA's; [`CaError::Region`] if it is not in the
    /// connection's region.
    pub fn new(connection: &AwsConnection, arn: Arn) -> Result<Self, CaError> {
        let arn = arn.expect_ca()?;
        connection.check_region(&arn)?;
        Ok(Self {
            connection: connection.clone(),
            client: Client::new(connection.sdk_config()),
            arn,
            template: None,
            deadline: connection.deadline().unwrap_or(DEADLINE),
            issuer: Arc::new(OnceCell::new()),
        })
    }

    /// Issues with this template, whatever a request's purpose is: a name such as
    /// `EndEntityCertificate/V1`, or an ARN.
    ///
    /// # Errors
    /// [`CaError::InvalidArn`] if it is neither.
    pub fn with_template(mut self, template: &str) -> Result<Self, CaError> {
        self.template = Some(Template::named(template)?);
        Ok(self)
    }

    /// Waits at most this long for a certificate or for a CA, a year at most, instead of
    /// [`DEADLINE`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(LONGEST_WAIT);
        self
    }

    /// The CA's ARN.
    #[must_use]
    pub fn arn(&self) -> &Arn {
        &self.arn
    }

    /// A call about this CA, for its errors.
    fn call(&self, operation: &'static str) -> Call<'_> {
        Call::acm_pca(operation, Some(self.arn.as_str()))
    }

    /// An error about this CA: AWS says "not found" and "invalid state" of many things, and here
    /// of the CA.
    async fn explained(&self, error: CaError) -> CaError {
        match error_code(&error) {
            Some("ResourceNotFoundException") => match self.describe().await {
                Err(gone @ CaError::NoSuchCa { .. }) => gone,
                _ => error,
            },
            Some("InvalidStateException") => match self.describe().await {
                Ok(description) if description.state != CaState::Active => {
                    CaError::State { ca: self.arn.to_string(), state: description.state }
                }
                _ => error,
            },
            _ => error,
        }
    }
}

#[async_trait]
impl CertificateAuthority for AcmPca {
    async fn certificate_chain(&self) -> Result<CertificateChain, CaError> {
        self.fetch_chain().await
    }

    async fn issue(&self, request: IssueRequest) -> Result<IssuedCertificate, CaError> {
        let id = self.submit_request(&request).await?;
        let issued = self.wait_for(id.clone()).await.map_err(|error| error.about(id))?;
        request.check(&issued)?;
        Ok(issued)
    }

    async fn submit(&self, request: IssueRequest) -> Result<CertificateId, CaError> {
        self.submit_request(&request).await
    }

    async fn certificate(&self, id: CertificateId) -> Result<IssuedCertificate, CaError> {
        self.wait_for(id).await
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), CaError> {
        self.revoke_certificate(&revocation).await
    }
}

impl fmt::Debug for AcmPca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcmPca").field("arn", &self.arn).finish_non_exhaustive()
    }
}
