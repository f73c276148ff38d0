//! Exporting: the certificate, its chain, and its key under a passphrase.

use aws_sdk_acm::primitives::Blob;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::{Acm, Poll, not_found};
use crate::authority::aws::{Call, error_code, incomplete};
use crate::authority::{CaError, CertificateId};
use crate::certificate::{Certificate, CertificateChain, SubjectAlternativeName};
use crate::key::{EncryptedPrivateKey, Passphrase};
use crate::managed::{
    ExportedCertificate, ManagedCertificate, ManagedError, check_export_passphrase,
};
use crate::verify;

impl Acm {
    /// What is exported has to be what ACM describes: just after a renewal ACM refuses an export for
    /// some seconds, or still gives the certificate of before.
    pub(super) async fn export_certificate(
        &self,
        id: &CertificateId,
        passphrase: &Passphrase,
    ) -> Result<ExportedCertificate, ManagedError> {
        check_export_passphrase(passphrase)?;
        let described = self.describe_certificate(id).await?.certificate.issued()?;
        let mut poll = Poll::new(self.deadline);
        self.connection.waiting_for("ACM to export the certificate");
        loop {
            if let Some(exported) = self.try_export(id, passphrase).await? {
                let serial = exported.certificate.serial_number();
                if described.serial_number.as_ref().is_none_or(|described| *described == serial) {
                    return check(&described, exported, passphrase);
                }
                // Renewed between the two calls, and the description is the older one.
                let described = self.describe_certificate(id).await?.certificate;
                if described.serial_number.as_ref() == Some(&serial) {
                    return check(&described, exported, passphrase);
                }
            }
            poll.pause(id).await?;
        }
    }

    /// `None` if ACM is busy with this certificate.
    async fn try_export(
        &self,
        id: &CertificateId,
        passphrase: &Passphrase,
    ) -> Result<Option<ExportedCertificate>, ManagedError> {
        const OPERATION: &str = "ExportCertificate";
        let arn = self.certificate_arn(id)?;
        let answer = self
            .client
            .export_certificate()
            .certificate_arn(arn.as_str())
            .passphrase(Blob::new(passphrase.expose()))
            .send()
            // The SDK can be told to log what it signs, and this request holds the passphrase.
            .with_subscriber(NoSubscriber::default())
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                let error = Call::acm(OPERATION, Some(id.as_str())).failed(error);
                return match error_code(&error) {
                    Some("RequestInProgressException") => Ok(None),
                    _ => Err(not_found(id, error).into()),
                };
            }
        };
        let part = |part: Option<String>, name| part.ok_or_else(|| incomplete(OPERATION, name));
        let certificate = part(answer.certificate, "Certificate")?;
        let chain = part(answer.certificate_chain, "CertificateChain")?;
        let key = part(answer.private_key, "PrivateKey")?;
        Ok(Some(ExportedCertificate::new(
            Certificate::from_pem_or_der(certificate.as_bytes()).map_err(CaError::from)?,
            CertificateChain::from_pem_or_der(chain.as_bytes()).map_err(CaError::from)?,
            EncryptedPrivateKey::from_pem_or_der(key.as_bytes()).map_err(CaError::from)?,
        )))
    }
}

/// The three parts belong together: the certificate verifies under the chain, and the key decrypts
/// and is the certificate's.
fn check(
    described: &ManagedCertificate,
    mut exported: ExportedCertificate,
    passphrase: &Passphrase,
) -> Result<ExportedCertificate, ManagedError> {
    let id = &described.id;
    let wrong = |reason: String| ManagedError::WrongExport { id: id.clone(), reason };
    let chain = exported.chain.certificates();
    let verified =
        verify::leads_to(&exported.certificate, chain.last(), chain).map_err(|error| {
            wrong(format!("the certificate does not verify under the chain beside it: {error}"))
        })?;
    let is_named = |name: &SubjectAlternativeName| match name {
        SubjectAlternativeName::Dns(name) => name.eq_ignore_ascii_case(&described.domain_name),
        _ => false,
    };
    if exported.certificate.is_ca()
        || !exported.certificate.subject_alternative_names().iter().any(is_named)
    {
        return Err(wrong(format!("the certificate is not for {}", described.domain_name)));
    }
    let key = exported.private_key.decrypt(passphrase).map_err(CaError::from)?;
    if key.public_key_der() != exported.certificate.public_key_der() {
        return Err(wrong("the private key is not the certificate's".to_owned()));
    }
    // What was verified, and nothing beside it.
    let above = verified.path().get(1..).unwrap_or_default();
    exported.chain = CertificateChain::new(above.to_vec()).map_err(CaError::from)?;
    Ok(exported)
}
