//! Managed certificates on a local CA.

use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

use super::{
    CertificateStatus, ExportedCertificate, ManagedCertificate, ManagedCertificates, ManagedError,
    ManagedRequest, VALIDITY_DAYS, check_export_passphrase,
};
use crate::authority::local::{LocalCa, Locked, Record};
use crate::authority::{
    CaError, CertificateId, CertificatePurpose, IssueRequest, RequestedValidity, hash_hex,
};
use crate::certificate::{
    Certificate, DistinguishedName, SerialNumber, SubjectAlternativeName, Timestamp,
};
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

    /// What is kept of a managed certificate: its key, and the certificate if it was renewed,
    /// because then the certificate is another than the one with the id's serial number.
    fn kept(
        &self,
        store: &Locked<'_>,
        id: &CertificateId,
    ) -> Result<(SerialNumber, Zeroizing<Vec<u8>>), CaError> {
        // The id becomes part of a path, so it has to be a serial number and nothing else.
        let not_found = || CaError::NotFound { id: id.clone() };
        let serial_number: SerialNumber = id.as_str().parse().map_err(|_| not_found())?;
        let kept = store.read(Record::Managed, &serial_number.to_string())?;
        Ok((serial_number, kept.ok_or_else(not_found)?))
    }

    /// The key file and the certificate as they are now.
    fn current(
        &self,
        store: &Locked<'_>,
        id: &CertificateId,
    ) -> Result<(Zeroizing<String>, Certificate), CaError> {
        let (serial_number, kept) = self.kept(store, id)?;
        let (key, renewed) = read_kept(&kept)?;
        let certificate = match renewed {
            Some(certificate) => certificate,
            None => {
                let issued = store.read(Record::Issued, &serial_number.to_string())?;
                let issued = issued.ok_or_else(|| CaError::NotFound { id: id.clone() })?;
                Certificate::from_pem_or_der(&issued)?
            }
        };
        Ok((key, certificate))
    }

    fn describe_current(
        &self,
        id: CertificateId,
    ) -> Result<(ManagedCertificate, Zeroizing<String>, Certificate), CaError> {
        let (key, certificate) = self.current(&self.ca.lock()?, &id)?;
        let (serial_number, validity) = (certificate.serial_number(), certificate.validity());
        let not_after = validity.not_after;
        let revoked = self.ca.revoked()?;
        let revocation = revoked.iter().find(|entry| entry.serial_number == serial_number);
        let status = match revocation {
            Some(entry) => CertificateStatus::Revoked { since: Some(entry.since) },
            None if Timestamp::now() > not_after => CertificateStatus::Expired { not_after },
            None => CertificateStatus::Issued { not_after },
        };
        let domain_name = certificate.subject().common_name().unwrap_or_default();
        let mut description = ManagedCertificate::new(id, domain_name, status);
        description.serial_number = Some(serial_number);
        description.validity = Some(validity);
        Ok((description, key, certificate))
    }
}

/// What was kept or remembered: a key, and perhaps a certificate.
fn read_kept(record: &[u8]) -> Result<(Zeroizing<String>, Option<Certificate>), CaError> {
    let mut key = None;
    let mut certificate = None;
    for block in pem::blocks(record).map_err(crate::key::KeyError::from)? {
        if block.is_private_key() {
            key = Some(pem::encode(&block.label, &block.contents));
        } else {
            certificate = Some(Certificate::from_der(&block.contents)?);
        }
    }
    match key {
        Some(key) => Ok((key, certificate)),
        None => Err(crate::key::KeyError::NoKey { labels: Vec::new() }.into()),
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
        let (key, certificate) = match read_kept(&record)? {
            (key, Some(certificate)) => (key, certificate),
            _ => return Err(CaError::IdempotencyConflict { key: idempotency_key.clone() }.into()),
        };
        Ok(self.record(&mut store, key.as_bytes(), certificate)?)
    }

    async fn describe(&self, id: CertificateId) -> Result<ManagedCertificate, ManagedError> {
        Ok(self.describe_current(id)?.0)
    }

    async fn wait_until_issued(
        &self,
        id: CertificateId,
    ) -> Result<ManagedCertificate, ManagedError> {
        self.describe(id).await?.issued()
    }

    async fn export(
        &self,
        id: CertificateId,
        passphrase: Passphrase,
    ) -> Result<ExportedCertificate, ManagedError> {
        check_export_passphrase(&passphrase)?;
        let (description, key, certificate) = self.describe_current(id)?;
        description.issued()?;
        let key = self.ca.read_key(key.as_bytes())?;
        let private_key = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm)
            .map_err(CaError::from)?;
        // The CA's chain starts with the issuer.
        Ok(ExportedCertificate::new(certificate, self.ca.chain().clone(), private_key))
    }

    async fn renew(&self, id: CertificateId) -> Result<ManagedCertificate, ManagedError> {
        let (description, _, certificate) = self.describe_current(id.clone())?;
        if let CertificateStatus::Revoked { .. } = description.status {
            let reason = "it is revoked; request a new one".to_owned();
            return Err(ManagedError::NotRenewable { id, reason });
        }
        let request = renewal_of(&certificate)?;
        let (key, renewed) = self.issue(&request)?;
        let mut store = self.ca.lock()?;
        let serial_number = self.kept(&store, &id)?.0.to_string();
        self.ca.record(&mut store, renewed.clone())?;
        // Key and certificate in one file, so that both change or neither does.
        let kept = Zeroizing::new([key.as_str(), &renewed.to_pem()].concat());
        store.write(Record::Managed, &serial_number, kept.as_bytes())?;
        drop(store);
        Ok(self.describe_current(id)?.0)
    }
}

/// The request that a certificate of this CA was made for.
fn renewal_of(certificate: &Certificate) -> Result<ManagedRequest, CaError> {
    let algorithm = KeyAlgorithm::of_public_key(certificate.public_key_der());
    let names: Vec<String> = certificate
        .subject_alternative_names()
        .into_iter()
        .filter_map(|name| match name {
            SubjectAlternativeName::Dns(name) => Some(name),
            _ => None,
        })
        .collect();
    match (algorithm, names.split_first()) {
        (Some(algorithm), Some((domain_name, others))) => Ok(ManagedRequest::new(domain_name)
            .with_subject_alternative_names(others.to_vec())
            .with_key_algorithm(algorithm)),
        _ => Err(CaError::NotAllowed {
            subject: certificate.subject(),
            reason: "it is no managed certificate: it has no DNS name",
        }),
    }
}
