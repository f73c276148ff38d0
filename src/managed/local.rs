//! Managed certificates on a local CA.

use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{
    CertificateStatus, ExportedCertificate, ManagedCertificates, ManagedError, ManagedRequest,
    VALIDITY_DAYS, check_export_passphrase,
};
use crate::authority::local::{LocalCa, Locked, Record};
use crate::authority::{
    CaError, CertificateAuthority, CertificateId, CertificatePurpose, IssueRequest,
    RequestedValidity, hash_hex,
};
use crate::certificate::{Certificate, DistinguishedName, SerialNumber, Timestamp};
use crate::key::{EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase};
use crate::pem;
use crate::request::CertificateRequest;

/// What ACM does, on a [`LocalCa`]: it makes the key, issues at once for 395 days for client and
/// server, keeps both with the CA (the key under the CA's passphrase, if it has one), and exports
/// in ACM's exact form.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use private_ca::{
///     Identity, LocalCa, LocalManaged, ManagedCertificates, ManagedRequest, Passphrase,
/// };
///
/// let managed = LocalManaged::new(LocalCa::in_memory()?.into());
/// let id = managed.request(ManagedRequest::new("worker.acme.internal")).await?;
/// let passphrase = Passphrase::new(*b"correct horse");
/// let exported = managed.export(id, passphrase.clone()).await?;
/// let identity = Identity::from_exported(exported, &passphrase)?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct LocalManaged {
    ca: Arc<LocalCa>,
}

impl LocalManaged {
    /// Managed certificates of this CA.
    #[must_use]
    pub fn new(ca: Arc<LocalCa>) -> Self {
        Self { ca }
    }

    /// The CA that issues them.
    #[must_use]
    pub fn ca(&self) -> &LocalCa {
        &self.ca
    }

    /// Makes the key and has it certified. It takes its time, so it is done under no lock.
    fn issue(
        &self,
        request: &ManagedRequest,
    ) -> Result<(Zeroizing<String>, Certificate), ManagedError> {
        let key_algorithm = request.key_algorithm;
        if ![KeyAlgorithm::RSA_2048, KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384]
            .contains(&key_algorithm)
        {
            let what = format!(
                "{key_algorithm} for a managed certificate: ACM makes RSA 2048, P-256 and P-384"
            );
            return Err(CaError::UnsupportedKey { what }.into());
        }
        let names = request.checked_names()?;
        let subject: DistinguishedName =
            format!("CN={}", request.domain_name).parse().map_err(|_| {
                ManagedError::DomainName {
                    name: request.domain_name.clone(),
                    rule: "it cannot be a common name",
                }
            })?;
        let key = LocalCa::generate_key(key_algorithm)?;
        let signing_request =
            CertificateRequest::new(&key, subject, &names).map_err(CaError::from)?;
        let certificate = self.ca.sign(&IssueRequest::new(
            signing_request,
            CertificatePurpose::ClientAndServer,
            RequestedValidity::days(VALIDITY_DAYS),
        ))?;
        Ok((self.ca.key_at_rest(&key)?, certificate))
    }

    /// Key first: a certificate that is on record can always be exported.
    fn record(
        &self,
        store: &mut Locked<'_>,
        key: &[u8],
        certificate: Certificate,
    ) -> Result<CertificateId, CaError> {
        let serial_number = certificate.serial_number().to_string();
        if store.read(Record::Managed, &serial_number)?.is_none() {
            store.write(Record::Managed, &serial_number, key)?;
        }
        Ok(self.ca.record(store, certificate)?.id)
    }

    fn key_of(
        &self,
        store: &Locked<'_>,
        id: &CertificateId,
    ) -> Result<(SerialNumber, Zeroizing<Vec<u8>>), CaError> {
        // The id becomes part of a path, so it has to be a serial number and nothing else.
        let not_found = || CaError::NotFound { id: id.clone() };
        let serial_number: SerialNumber = id.as_str().parse().map_err(|_| not_found())?;
        let key = store.read(Record::Managed, &serial_number.to_string())?;
        Ok((serial_number, key.ok_or_else(not_found)?))
    }
}

/// A remembered answer: the request's fingerprint on its first line, then key and certificate.
fn read_answer(record: &[u8]) -> Result<(Zeroizing<String>, Certificate), CaError> {
    let mut key = None;
    let mut certificate = None;
    for block in pem::blocks(record).map_err(crate::key::KeyError::from)? {
        if block.is_private_key() {
            key = Some(pem::encode(&block.label, &block.contents));
        } else {
            certificate = Some(Certificate::from_der(&block.contents)?);
        }
    }
    match (key, certificate) {
        (Some(key), Some(certificate)) => Ok((key, certificate)),
        _ => Err(crate::key::KeyError::NoKey { labels: Vec::new() }.into()),
    }
}

#[async_trait]
impl ManagedCertificates for LocalManaged {
    async fn request(&self, request: ManagedRequest) -> Result<CertificateId, ManagedError> {
        let Some(idempotency_key) = &request.idempotency_key else {
            let (key, certificate) = self.issue(&request)?;
            return Ok(self.record(&mut self.ca.lock()?, key.as_bytes(), certificate)?);
        };
        let name = format!("managed-{}", hash_hex(idempotency_key.as_bytes()));
        let fingerprint = format!("Request: {}\n", request.fingerprint());
        let mut new = None;
        if self.ca.lock()?.read(Record::Request, &name)?.is_none() {
            new = Some(self.issue(&request)?);
        }
        let mut store = self.ca.lock()?;
        // Another process may have answered in the meantime; then its answer counts.
        let record = match (store.read(Record::Request, &name)?, new) {
            (Some(record), _) if record.starts_with(fingerprint.as_bytes()) => record,
            (None, Some((key, certificate))) => {
                let parts = [fingerprint.as_str(), key.as_str(), &certificate.to_pem()];
                let record = Zeroizing::new(parts.concat().into_bytes());
                store.write(Record::Request, &name, &record)?;
                record
            }
            (Some(_), _) | (None, None) => {
                let key = idempotency_key.clone();
                return Err(CaError::IdempotencyConflict { key }.into());
            }
        };
        let (key, certificate) = read_answer(&record)?;
        Ok(self.record(&mut store, key.as_bytes(), certificate)?)
    }

    async fn status(&self, id: CertificateId) -> Result<CertificateStatus, ManagedError> {
        let serial_number = self.key_of(&self.ca.lock()?, &id)?.0;
        let revoked = self.ca.revoked()?;
        if let Some(entry) = revoked.iter().find(|entry| entry.serial_number == serial_number) {
            return Ok(CertificateStatus::Revoked { since: entry.since });
        }
        let not_after = self.ca.certificate(id).await?.certificate.validity().not_after;
        Ok(if Timestamp::now() > not_after {
            CertificateStatus::Expired { not_after }
        } else {
            CertificateStatus::Issued { not_after }
        })
    }

    async fn export(
        &self,
        id: CertificateId,
        passphrase: Passphrase,
    ) -> Result<ExportedCertificate, ManagedError> {
        check_export_passphrase(&passphrase)?;
        match self.status(id.clone()).await? {
            CertificateStatus::Issued { .. } => {}
            status => return Err(ManagedError::NotIssued { id, status }),
        }
        let key_file = self.key_of(&self.ca.lock()?, &id)?.1;
        let key = self.ca.read_key(&key_file)?;
        let issued = self.ca.certificate(id).await?;
        let private_key = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm)
            .map_err(CaError::from)?;
        Ok(ExportedCertificate::new(issued.certificate, issued.chain, private_key))
    }
}
