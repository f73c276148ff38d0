//! Issuing, fetching and revoking.

use std::time::Duration;

use aws_sdk_acmpca::client::Waiters as _;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    ApiPassthrough, ExtendedKeyUsage, ExtendedKeyUsageType, Extensions,
    RevocationReason as AwsReason, SigningAlgorithm, Validity as AwsValidity, ValidityPeriodType,
};
use tokio::time::timeout;

use super::template::{Overrides, Template};
use super::{AcmPca, names};
use crate::authority::aws::{Arn, error_code, incomplete, random_token};
use crate::authority::{
    CaError, CaState, CertificateId, CertificatePurpose, IssueRequest, IssuedCertificate,
    RequestedValidity, Revocation, RevocationReason, ValidityEnd, hash_hex,
};
use crate::certificate::{Certificate, CertificateChain, SerialNumber, Timestamp};
use crate::verify;

/// What issuing needs to know of the CA.
#[derive(Debug, Clone)]
pub(super) struct Issuer {
    pub(super) signing_algorithm: SigningAlgorithm,
    pub(super) chain: CertificateChain,
}

impl AcmPca {
    /// Asked once for all clones. A CA whose certificate is renewed is asked again where the old
    /// one would be in the way.
    async fn issuer(&self) -> Result<&Issuer, CaError> {
        self.issuer
            .get_or_try_init(|| async {
                let description = self.describe().await?;
                let signing_algorithm = description.signing_algorithm.as_str().into();
                let chain = match self.fetch_chain().await {
                    // The state says more than that there is no certificate; ACTIVE says nothing.
                    Err(CaError::Backend { .. }) if description.state != CaState::Active => {
                        return Err(CaError::State {
                            ca: self.arn.to_string(),
                            state: description.state,
                        });
                    }
                    chain => chain?,
                };
                check_own(&self.arn, &chain)?;
                Ok(Issuer { signing_algorithm, chain })
            })
            .await
    }

    pub(super) async fn fetch_chain(&self) -> Result<CertificateChain, CaError> {
        const OPERATION: &str = "GetCertificateAuthorityCertificate";
        let answer = self
            .client
            .get_certificate_authority_certificate()
            .certificate_authority_arn(self.arn.as_str())
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.explained(self.call(OPERATION).failed(error)).await),
        };
        let own = answer.certificate().ok_or_else(|| incomplete(OPERATION, "Certificate"))?;
        bounded(OPERATION, own)?;
        bounded(OPERATION, answer.certificate_chain().unwrap_or_default())?;
        chain_of(own, answer.certificate_chain())
    }

    pub(super) async fn submit_request(
        &self,
        request: &IssueRequest,
    ) -> Result<CertificateId, CaError> {
        let issuer = self.issuer().await?;
        let now = Timestamp::now();
        let missing = || incomplete("GetCertificateAuthorityCertificate", "Certificate");
        let own = issuer.chain.certificates().first().ok_or_else(missing)?;
        let overrides = Overrides::of(request);
        let template = self.template_for(request, overrides, own)?;
        let is_needed =
            overrides.any() || template.is_blank() && template.passes_the_request_through();
        let passthrough = is_needed.then(|| api_passthrough(request, &template)).transpose()?;
        if let Err(refused) = request.validity.within(own.validity(), now) {
            // The CA may have a new certificate with a later end.
            let renewed = self.fetch_chain().await?;
            let bounds = renewed.certificates().first().map(Certificate::validity);
            if bounds.is_none_or(|bounds| request.validity.within(bounds, now).is_err()) {
                return Err(refused);
            }
        }
        let template = template.arn(&self.arn);
        self.issue_with(request, &template, passthrough, &issuer.signing_algorithm).await
    }

    /// Asks for a certificate, and names its ARN.
    ///
    /// The idempotency token is a hash of the whole request with its idempotency key, so that another
    /// request never gets this one's certificate. Without a key it is random, and covers the SDK's
    /// own retries.
    pub(super) async fn issue_with(
        &self,
        request: &IssueRequest,
        template_arn: &str,
        passthrough: Option<ApiPassthrough>,
        signing_algorithm: &SigningAlgorithm,
    ) -> Result<CertificateId, CaError> {
        const OPERATION: &str = "IssueCertificate";
        let token = match &request.idempotency_key {
            None => random_token()?,
            Some(key) => {
                let whole =
                    format!("{}\n{template_arn}\n{}\n{key}", self.arn, request.fingerprint()?);
                token_of(&whole)
            }
        };
        let (validity, not_before) = aws_validity(request.validity)?;
        let answer = self
            .client
            .issue_certificate()
            .certificate_authority_arn(self.arn.as_str())
            .csr(Blob::new(request.certificate_request.to_pem()))
            .signing_algorithm(signing_algorithm.clone())
            .template_arn(template_arn)
            .validity(validity)
            .set_validity_not_before(not_before)
            .set_api_passthrough(passthrough)
            .idempotency_token(token)
            .send()
            .await;
        match answer {
            Ok(answer) => {
                let arn = answer.certificate_arn();
                let arn: Arn =
                    arn.ok_or_else(|| incomplete(OPERATION, "CertificateArn"))?.parse()?;
                if !arn.is_certificate_of(&self.arn) {
                    return Err(CaError::InvalidArn {
                        arn: arn.to_string(),
                        expected: "a certificate of this CA",
                        reason: "it is what AWS answered",
                    });
                }
                Ok(CertificateId::new(arn.as_str()))
            }
            Err(error) => {
                let mut error = self.call(OPERATION).failed(error);
                if let CaError::AccessDenied { template, .. } = &mut error {
                    *template = Some(template_arn.to_owned());
                }
                Err(self.explained(error).await)
            }
        }
    }

    fn template_for(
        &self,
        request: &IssueRequest,
        overrides: Overrides,
        own: &Certificate,
    ) -> Result<Template, CaError> {
        let subject = own.subject();
        let no_names = request.subject_alternative_names.as_ref().is_some_and(Vec::is_empty);
        if no_names && !request.certificate_request.subject_alternative_names().is_empty() {
            return Err(CaError::NotAllowed {
                subject,
                reason: "AWS Private CA takes the signing request's subject alternative names where no others are asked for: make a signing request without any",
            });
        }
        let Some(explicit) = &self.template else {
            return Template::of_purpose(request.purpose, overrides, &subject);
        };
        let reason = if overrides.names && !explicit.passes_the_request_through() {
            "names other than the signing request's need a template with _APIPassthrough in its name; AWS ignores them with any other"
        } else if overrides.key_usage && !explicit.is_blank() {
            "a key usage of its own needs a template whose name starts with Blank; AWS ignores it with any other"
        } else {
            return Ok(explicit.clone());
        };
        Err(CaError::NotAllowed { subject, reason })
    }

    /// Waits until the certificate is there, and checks that it is this CA's.
    pub(super) async fn wait_for(&self, id: CertificateId) -> Result<IssuedCertificate, CaError> {
        let (certificate, chain) = self.fetch(&id).await?;
        let chain = chain.ok_or_else(|| incomplete("GetCertificate", "CertificateChain"))?;
        let mut issued = IssuedCertificate::new(id, certificate, chain);
        issued.chain = self.verified_chain(&issued).await?;
        Ok(issued)
    }

    /// Waits until the certificate is there, under one deadline. A root's own has no chain.
    pub(super) async fn fetch(
        &self,
        id: &CertificateId,
    ) -> Result<(Certificate, Option<CertificateChain>), CaError> {
        const OPERATION: &str = "GetCertificate";
        let not_found = || CaError::NotFound { id: id.clone() };
        let arn: Arn = id.as_str().parse().map_err(|_| not_found())?;
        if !arn.is_certificate_of(&self.arn) {
            return Err(not_found());
        }
        self.connection.waiting_for(&format!("{id} to be issued"));
        let waiter = self
            .client
            .wait_until_certificate_issued()
            .certificate_authority_arn(self.arn.as_str())
            .certificate_arn(arn.as_str())
            .wait(self.deadline);
        let unfinished = || CaError::Unfinished { id: id.clone() };
        // The waiter minds its deadline between two calls, and this one within them.
        let waited = timeout(self.deadline + Duration::from_secs(1), waiter);
        let answer = match waited.await.map_err(|_| unfinished())? {
            Ok(answer) => answer.into_result().map_err(|_| unfinished())?,
            Err(error) => {
                let Some(error) = self.call(OPERATION).failed_waiting(error) else {
                    return Err(unfinished());
                };
                return Err(match error_code(&error) {
                    Some("ResourceNotFoundException") => not_found(),
                    _ => self.explained(error).await,
                });
            }
        };
        let certificate =
            answer.certificate().ok_or_else(|| incomplete(OPERATION, "Certificate"))?;
        let chain = answer.certificate_chain().filter(|chain| !chain.trim().is_empty());
        bounded(OPERATION, certificate)?;
        bounded(OPERATION, chain.unwrap_or_default())?;
        Ok((
            Certificate::from_pem_or_der(certificate.as_bytes())?,
            chain.map(|chain| CertificateChain::from_pem_or_der(chain.as_bytes())).transpose()?,
        ))
    }

    /// The chain by which the certificate leads to the root of this CA, by our own verifier.
    async fn verified_chain(
        &self,
        issued: &IssuedCertificate,
    ) -> Result<CertificateChain, CaError> {
        let known = &self.issuer().await?.chain;
        let verified = verified_chain(issued, known);
        let not_after = issued.certificate.validity().not_after;
        let covers = |chain: &CertificateChain| {
            chain.certificates().iter().all(|above| above.validity().not_after >= not_after)
        };
        match verified {
            Ok(chain) if covers(&chain) => Ok(chain),
            verified => {
                // The CA may have a new certificate.
                let renewed = verified_chain(issued, &self.fetch_chain().await?);
                renewed
                    .or(verified)
                    .map_err(|reason| CaError::WrongAnswer { id: issued.id.clone(), reason })
            }
        }
    }

    pub(super) async fn revoke_certificate(&self, revocation: &Revocation) -> Result<(), CaError> {
        const OPERATION: &str = "RevokeCertificate";
        let serial_number = &revocation.serial_number;
        let answer = self
            .client
            .revoke_certificate()
            .certificate_authority_arn(self.arn.as_str())
            .certificate_serial(hex_serial(serial_number))
            .revocation_reason(aws_reason(revocation.reason))
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        let error = self.call(OPERATION).failed(error);
        Err(match error_code(&error) {
            Some("RequestAlreadyProcessedException") => {
                CaError::AlreadyRevoked { serial_number: serial_number.clone(), since: None }
            }
            // The CA itself or the certificate: the CA tells which, to whoever may look at it.
            Some("ResourceNotFoundException") => match self.describe().await {
                Err(gone @ CaError::NoSuchCa { .. }) => gone,
                _ => CaError::NotFound { id: CertificateId::new(serial_number.to_string()) },
            },
            _ => self.explained(error).await,
        })
    }
}

/// The chain by which the certificate leads to the root of `known`, whose first certificate has to be
/// its issuer. It is the chain that was verified, and not the one that came with the certificate.
pub(super) fn verified_chain(
    issued: &IssuedCertificate,
    known: &CertificateChain,
) -> Result<CertificateChain, String> {
    let pool: Vec<_> =
        issued.chain.certificates().iter().chain(known.certificates()).cloned().collect();
    let verified = verify::leads_to(&issued.certificate, known.certificates().last(), &pool)
        .map_err(|error| format!("it does not verify under the CA's own chain: {error}"))?;
    let above = verified.path().get(1..).unwrap_or_default();
    let is_own = |issuer: &Certificate| {
        known.certificates().first().is_some_and(|own| {
            own.subject_der() == issuer.subject_der()
                && own.public_key_der() == issuer.public_key_der()
        })
    };
    if !above.first().is_some_and(is_own) {
        return Err("another CA has issued it".to_owned());
    }
    CertificateChain::new(above.to_vec()).map_err(|error| error.to_string())
}

/// A CA whose own chain this crate does not accept is not asked for certificates that it could not
/// check either: one with a critical extension that nobody knows, for example.
fn check_own(arn: &Arn, chain: &CertificateChain) -> Result<(), CaError> {
    let Some((own, above)) = chain.certificates().split_first() else { return Ok(()) };
    let verified = verify::leads_to(own, above.last().or(Some(own)), above);
    verified.map(drop).map_err(|error| CaError::WrongAnswer {
        id: CertificateId::new(arn.as_str()),
        reason: format!("the CA's own chain does not verify: {error}"),
    })
}

/// A certificate or chain from AWS, which writes chains of at most 2 MiB (API reference,
/// `ImportCertificateAuthorityCertificate`); whoever else answers is not read beyond that.
fn bounded(operation: &'static str, pem: &str) -> Result<(), CaError> {
    if pem.len() <= 2 << 20 {
        return Ok(());
    }
    let source = format!("{} bytes of certificates are more than AWS writes", pem.len());
    Err(CaError::Backend { operation, source: source.into() })
}

/// A CA's own certificate, followed by those above it.
fn chain_of(own: &str, above: Option<&str>) -> Result<CertificateChain, CaError> {
    let mut chain = vec![Certificate::from_pem_or_der(own.as_bytes())?];
    if let Some(above) = above.filter(|above| !above.trim().is_empty()) {
        chain
            .extend_from_slice(CertificateChain::from_pem_or_der(above.as_bytes())?.certificates());
    }
    Ok(CertificateChain::new(chain)?)
}

/// At most 36 characters (API reference, `IssueCertificate`, `IdempotencyToken`).
pub(super) fn token_of(whole: &str) -> String {
    let mut token = hash_hex(whole.as_bytes());
    token.truncate(36);
    token
}

/// The end and, if one was asked for, the start. AWS counts days, months and years from the moment
/// of issuing, also where the start is another, so an end after such a start is a moment.
pub(super) fn aws_validity(
    validity: RequestedValidity,
) -> Result<(AwsValidity, Option<AwsValidity>), CaError> {
    let make = |kind, value: i64| {
        AwsValidity::builder().r#type(kind).value(value).build().map_err(|error| CaError::Backend {
            operation: "writing a validity for AWS",
            source: Box::new(error),
        })
    };
    let absolute = |moment: Timestamp| make(ValidityPeriodType::Absolute, moment.unix_seconds());
    let end = match (validity.end, validity.not_before) {
        (ValidityEnd::At(end), _) => absolute(end)?,
        (ValidityEnd::Days(days), None) => make(ValidityPeriodType::Days, days.into())?,
        (ValidityEnd::Months(months), None) => make(ValidityPeriodType::Months, months.into())?,
        (ValidityEnd::Years(years), None) => make(ValidityPeriodType::Years, years.into())?,
        (end, Some(start)) => absolute(end.after(start))?,
    };
    Ok((end, validity.not_before.map(absolute).transpose()?))
}

/// What the request says beyond its signing request.
fn api_passthrough(request: &IssueRequest, template: &Template) -> Result<ApiPassthrough, CaError> {
    let mut extensions = Extensions::builder();
    let blank_usage = template.is_blank().then(|| request.purpose.key_usage());
    if let Some(usage) = request.key_usage.or(blank_usage) {
        extensions = extensions.key_usage(names::key_usage(usage));
    }
    // A blank template leaves this to the request too.
    if template.is_blank() {
        let purposes = match request.purpose {
            CertificatePurpose::Client => &[ExtendedKeyUsageType::ClientAuth][..],
            CertificatePurpose::Server => &[ExtendedKeyUsageType::ServerAuth],
            CertificatePurpose::ClientAndServer => {
                &[ExtendedKeyUsageType::ServerAuth, ExtendedKeyUsageType::ClientAuth]
            }
            CertificatePurpose::SubordinateCa { .. } => &[],
        };
        for purpose in purposes {
            extensions = extensions.extended_key_usage(
                ExtendedKeyUsage::builder().extended_key_usage_type(purpose.clone()).build(),
            );
        }
    }
    if let Some(alternative_names) = &request.subject_alternative_names {
        for name in alternative_names {
            extensions = extensions.subject_alternative_names(names::general_name(name)?);
        }
    }
    let subject = request.subject.as_ref().map(names::subject).transpose()?;
    Ok(ApiPassthrough::builder().extensions(extensions.build()).set_subject(subject).build())
}

/// As AWS writes serial numbers: pairs of hexadecimal digits with colons.
fn hex_serial(serial: &SerialNumber) -> String {
    let pairs: Vec<_> = serial.magnitude().iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

fn aws_reason(reason: RevocationReason) -> AwsReason {
    match reason {
        RevocationReason::Unspecified => AwsReason::Unspecified,
        RevocationReason::KeyCompromise => AwsReason::KeyCompromise,
        RevocationReason::CaCompromise => AwsReason::CertificateAuthorityCompromise,
        RevocationReason::AffiliationChanged => AwsReason::AffiliationChanged,
        RevocationReason::Superseded => AwsReason::Superseded,
        RevocationReason::CessationOfOperation => AwsReason::CessationOfOperation,
        RevocationReason::PrivilegeWithdrawn => AwsReason::PrivilegeWithdrawn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validity_is_translated_exactly() {
        let translated = |validity| {
            let (end, start) = aws_validity(validity).unwrap();
            (end.r#type.to_string(), end.value, start.map(|start| (start.r#type, start.value)))
        };
        let start: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        assert_eq!(translated(RequestedValidity::days(30)), ("DAYS".into(), 30, None));
        let months = RequestedValidity::ending(ValidityEnd::Months(3));
        assert_eq!(translated(months), ("MONTHS".into(), 3, None));
        let years = RequestedValidity::ending(ValidityEnd::Years(1));
        assert_eq!(translated(years), ("YEARS".into(), 1, None));
        let until = translated(RequestedValidity::until(start));
        assert_eq!(until, ("ABSOLUTE".into(), start.unix_seconds(), None));
        // With a start of its own, the end is counted from there, and AWS would not.
        let month: Timestamp = "2026-02-28T12:00:00Z".parse().unwrap();
        assert_eq!(
            translated(RequestedValidity::ending(ValidityEnd::Months(1)).starting(start)),
            (
                "ABSOLUTE".into(),
                month.unix_seconds(),
                Some((ValidityPeriodType::Absolute, start.unix_seconds()))
            )
        );
    }

    #[test]
    fn serial_numbers_are_written_as_aws_does() {
        assert_eq!(hex_serial(&"0102af".parse().unwrap()), "01:02:af");
        // DER begins such a number with an octet of zeros, and `openssl x509 -text` does not.
        assert_eq!(hex_serial(&"f102af".parse().unwrap()), "f1:02:af");
        assert_eq!(token_of("x").len(), 36);
    }
}
