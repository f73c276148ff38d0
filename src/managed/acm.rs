//! AWS Certificate Manager behind [`ManagedCertificates`].

mod description;
mod export;
#[cfg(feature = "route53")]
mod route53;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_acm::Client;
use aws_sdk_acm::types::{
    CertificateExport, CertificateOptions, KeyAlgorithm as AwsKeyAlgorithm, RenewalStatus,
    ValidationMethod,
};
use tokio::time::{Instant, sleep};

use super::{
    CertificateStatus, DomainValidation, ExportedCertificate, ManagedCertificate,
    ManagedCertificates, ManagedError, ManagedRequest,
};
use crate::authority::aws::{
    Arn, AwsConnection, Call, LONGEST_WAIT, error_code, incomplete, random_token,
};
use crate::authority::{CaError, CertificateId, hash_hex};
use crate::certificate::SubjectAlternativeName;
use crate::key::{KeyAlgorithm, Passphrase};

/// How long a call waits for ACM, unless [`Acm::with_deadline`] says otherwise. A private certificate
/// takes seconds.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// For so long after a request ACM may not know the certificate yet.
const PROPAGATION: Duration = Duration::from_secs(30);

/// Managed certificates of AWS Certificate Manager.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use private_ca::authority::aws::{AwsConnection, AwsOptions};
/// use private_ca::{Acm, Identity, ManagedCertificates, ManagedRequest, Passphrase};
///
/// let connection = AwsConnection::from_environment(AwsOptions::default()).await?;
/// let ca = "arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/1f02";
/// let managed = Acm::of_ca(&connection, ca.parse()?)?;
///
/// let id = managed.request(ManagedRequest::new("worker.acme.internal")).await?;
/// managed.wait_until_issued(id.clone()).await?;
/// let passphrase = Passphrase::new(*b"correct horse");
/// let identity = Identity::from_exported(managed.export(id, passphrase.clone()).await?, &passphrase)?;
/// # Ok(()) }
/// ```
///
/// The private CA has to let ACM issue from it:
/// [`AcmPca::grant_acm`](crate::authority::acm_pca::AcmPca::grant_acm). Every method has to run in a
/// Tokio runtime, because the AWS SDK does.
#[derive(Clone)]
pub struct Acm {
    connection: AwsConnection,
    client: Client,
    issuer: Issuer,
    deadline: Duration,
}

/// Who issues what is requested.
#[derive(Debug, Clone)]
enum Issuer {
    PrivateCa(Arn),
    /// Amazon's public CA, for names that DNS shows to be the requester's.
    Public {
        exportable: bool,
    },
}

impl Acm {
    /// Certificates that are issued by this private CA.
    ///
    /// # Errors
    /// [`CaError::InvalidArn`] if it is not a CA's; [`CaError::Region`] if it is in another region
    /// than the connection's, where ACM cannot use it.
    pub fn of_ca(connection: &AwsConnection, ca: Arn) -> Result<Self, CaError> {
        let ca = ca.expect_ca()?;
        connection.check_region(&ca)?;
        Ok(Self::issued_by(connection, Issuer::PrivateCa(ca)))
    }

    /// Certificates that are issued by Amazon's public CA, once a DNS record shows that each domain
    /// name is the requester's: [`Acm::validation_records`] has the records to create.
    ///
    /// Only exportable ones can be exported, and AWS charges for each of those (ACM pricing). Public
    /// certificates are for servers; whether one is for clients too is the public CA's choice.
    #[must_use]
    pub fn public(connection: &AwsConnection, exportable: bool) -> Self {
        Self::issued_by(connection, Issuer::Public { exportable })
    }

    fn issued_by(connection: &AwsConnection, issuer: Issuer) -> Self {
        Self {
            client: Client::new(connection.sdk_config()),
            connection: connection.clone(),
            issuer,
            deadline: connection.deadline().unwrap_or(DEADLINE),
        }
    }

    /// Waits at most this long for ACM, a year at most, instead of [`DEADLINE`].
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.min(LONGEST_WAIT);
        self
    }

    /// The DNS records to create for a public certificate, one for each domain name. ACM makes them
    /// within seconds of the request; this waits for them.
    ///
    /// # Errors
    /// [`CaError::Unfinished`] if they are not there in time; [`CaError::NotFound`];
    /// [`ManagedError::NotIssued`] if the certificate never will be.
    pub async fn validation_records(
        &self,
        id: CertificateId,
    ) -> Result<Vec<DomainValidation>, ManagedError> {
        self.connection.waiting_for("the DNS records that ACM wants to see");
        let mut poll = Poll::new(self.deadline);
        loop {
            if let Some(description) = self.describe_soon(&id, &poll).await? {
                let validations = description.domain_validations;
                if !validations.is_empty() && validations.iter().all(|v| v.record.is_some()) {
                    return Ok(validations);
                }
                match description.status {
                    CertificateStatus::PendingValidation => {}
                    CertificateStatus::Issued { .. } => return Ok(validations),
                    status => return Err(ManagedError::NotIssued { id, status }),
                }
            }
            poll.pause(&id).await?;
        }
    }

    /// Deletes a certificate from ACM. It stays valid; its private key is gone.
    ///
    /// # Errors
    /// [`CaError::NotFound`]; [`CaError::Backend`] if a service of AWS uses it.
    pub async fn delete(&self, id: CertificateId) -> Result<(), ManagedError> {
        let arn = self.certificate_arn(&id)?;
        let request = self.client.delete_certificate().certificate_arn(arn.as_str());
        let answer = request.send().await;
        let failed =
            |error| not_found(&id, Call::acm("DeleteCertificate", Some(id.as_str())).failed(error));
        Ok(answer.map(drop).map_err(failed)?)
    }

    fn certificate_arn(&self, id: &CertificateId) -> Result<Arn, CaError> {
        let arn: Arn = id.as_str().parse()?;
        let arn = arn.expect_acm_certificate()?;
        self.connection.check_region(&arn)?;
        Ok(arn)
    }

    async fn describe_certificate(
        &self,
        id: &CertificateId,
    ) -> Result<description::Described, CaError> {
        const OPERATION: &str = "DescribeCertificate";
        let arn = self.certificate_arn(id)?;
        let answer = self.client.describe_certificate().certificate_arn(arn.as_str()).send().await;
        let answer = answer.map_err(|error| {
            not_found(id, Call::acm(OPERATION, Some(id.as_str())).failed(error))
        })?;
        let detail = answer.certificate.ok_or_else(|| incomplete(OPERATION, "Certificate"))?;
        Ok(description::Described::of(id.clone(), detail))
    }

    /// The description; `None` while ACM does not know the certificate yet.
    async fn describe_soon(
        &self,
        id: &CertificateId,
        poll: &Poll,
    ) -> Result<Option<ManagedCertificate>, CaError> {
        match self.describe_certificate(id).await {
            Ok(described) => Ok(Some(described.certificate)),
            Err(CaError::NotFound { .. }) if poll.started.elapsed() < PROPAGATION => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// ACM remembers a token for an hour and answers another request with the same token with the
    /// earlier certificate, so the token is a hash of the whole request, its issuer included.
    fn token(&self, request: &ManagedRequest) -> Result<String, CaError> {
        let Some(key) = &request.idempotency_key else { return random_token() };
        let issuer = match &self.issuer {
            Issuer::PrivateCa(arn) => arn.as_str(),
            Issuer::Public { exportable: true } => "public, exportable",
            Issuer::Public { exportable: false } => "public",
        };
        let whole = format!("{issuer}\n{}\n{key}", request.fingerprint());
        let mut token = hash_hex(whole.as_bytes());
        // API reference, `RequestCertificate`, `IdempotencyToken`: at most 32 characters.
        token.truncate(32);
        Ok(token)
    }
}

/// A wait in growing steps, up to a deadline. The SDK's own waiter for ACM waits a minute before it
/// looks again, and looks at the validation of domain names, which private certificates have not.
struct Poll {
    started: Instant,
    end: Instant,
    step: Duration,
}

impl Poll {
    fn new(deadline: Duration) -> Self {
        let started = Instant::now();
        Self { started, end: started + deadline, step: Duration::from_millis(500) }
    }

    async fn pause(&mut self, id: &CertificateId) -> Result<(), CaError> {
        if Instant::now() >= self.end {
            return Err(CaError::Unfinished { id: id.clone() });
        }
        sleep(self.step.min(self.end - Instant::now())).await;
        self.step = (self.step * 3 / 2).min(Duration::from_secs(10));
        Ok(())
    }
}

fn not_found(id: &CertificateId, error: CaError) -> CaError {
    match error_code(&error) {
        Some("ResourceNotFoundException") => CaError::NotFound { id: id.clone() },
        _ => error,
    }
}

#[async_trait]
impl ManagedCertificates for Acm {
    async fn request(&self, request: ManagedRequest) -> Result<CertificateId, ManagedError> {
        const OPERATION: &str = "RequestCertificate";
        let names = request.checked_names()?;
        let key_algorithm = match request.key_algorithm {
            KeyAlgorithm::RSA_2048 => AwsKeyAlgorithm::Rsa2048,
            KeyAlgorithm::EcdsaP256 => AwsKeyAlgorithm::EcPrime256v1,
            KeyAlgorithm::EcdsaP384 => AwsKeyAlgorithm::EcSecp384r1,
            other => {
                let what = format!(
                    "{other} for a managed certificate: ACM makes RSA 2048, P-256 and P-384"
                );
                return Err(CaError::UnsupportedKey { what }.into());
            }
        };
        let further: Vec<_> = names
            .into_iter()
            .filter_map(|name| match name {
                SubjectAlternativeName::Dns(name) => Some(name),
                _ => None,
            })
            .filter(|name| *name != request.domain_name)
            .collect();
        let mut call = self
            .client
            .request_certificate()
            .domain_name(&request.domain_name)
            .set_subject_alternative_names((!further.is_empty()).then_some(further))
            .key_algorithm(key_algorithm)
            .idempotency_token(self.token(&request)?);
        let resource = match &self.issuer {
            Issuer::PrivateCa(arn) => {
                call = call.certificate_authority_arn(arn.as_str());
                Some(arn.as_str())
            }
            Issuer::Public { exportable } => {
                call = call.validation_method(ValidationMethod::Dns);
                if *exportable {
                    let options = CertificateOptions::builder().export(CertificateExport::Enabled);
                    call = call.options(options.build());
                }
                None
            }
        };
        let answer =
            call.send().await.map_err(|error| Call::acm(OPERATION, resource).failed(error))?;
        let arn = answer.certificate_arn.ok_or_else(|| incomplete(OPERATION, "CertificateArn"))?;
        let id = CertificateId::new(arn);
        self.certificate_arn(&id)?;
        Ok(id)
    }

    async fn describe(&self, id: CertificateId) -> Result<ManagedCertificate, ManagedError> {
        Ok(self.describe_certificate(&id).await?.certificate)
    }

    async fn wait_until_issued(
        &self,
        id: CertificateId,
    ) -> Result<ManagedCertificate, ManagedError> {
        self.connection.waiting_for("ACM to issue the certificate");
        let mut poll = Poll::new(self.deadline);
        loop {
            match self.describe_soon(&id, &poll).await? {
                None => {}
                Some(ManagedCertificate {
                    status: CertificateStatus::PendingValidation, ..
                }) => {}
                Some(decided) => return decided.issued(),
            }
            poll.pause(&id).await?;
        }
    }

    async fn export(
        &self,
        id: CertificateId,
        passphrase: Passphrase,
    ) -> Result<ExportedCertificate, ManagedError> {
        self.export_certificate(&id, &passphrase).await
    }

    async fn renew(&self, id: CertificateId) -> Result<ManagedCertificate, ManagedError> {
        const OPERATION: &str = "RenewCertificate";
        let before = self.describe_certificate(&id).await?;
        let not_renewable =
            |reason: &str| ManagedError::NotRenewable { id: id.clone(), reason: reason.to_owned() };
        if !before.is_renewable {
            return Err(not_renewable(
                "ACM renews private certificates that it issued and that were exported or are in use; export this one first",
            ));
        }
        let before_issued = before.certificate.clone().issued()?;
        let arn = self.certificate_arn(&id)?;
        let answer = self.client.renew_certificate().certificate_arn(arn.as_str()).send().await;
        if let Err(error) = answer {
            let error = Call::acm(OPERATION, Some(id.as_str())).failed(error);
            match error_code(&error) {
                // A renewal is under way already, and it is waited for.
                Some("RequestInProgressException") => {}
                Some("ValidationException") => {
                    return Err(not_renewable(&error.to_string()));
                }
                _ => return Err(not_found(&id, error).into()),
            }
        }
        self.connection.waiting_for("ACM to renew the certificate");
        let mut poll = Poll::new(self.deadline);
        loop {
            let now = self.describe_certificate(&id).await?;
            // The same summary as before is that of an earlier renewal.
            let is_new = now.renewal != before.renewal;
            if let Some(summary) = now.renewal.as_ref().filter(|_| is_new)
                && summary.status == RenewalStatus::Failed
            {
                let reason = summary.reason.clone();
                return Err(ManagedError::RenewalFailed { id, reason });
            }
            let now = now.certificate;
            if now.serial_number.is_some() && now.serial_number != before_issued.serial_number {
                return now.issued();
            }
            poll.pause(&id).await?;
        }
    }
}

impl fmt::Debug for Acm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Acm")
            .field("connection", &self.connection)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}
