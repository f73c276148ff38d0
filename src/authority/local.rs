//! A certificate authority in a folder or in memory: no account, no network.
//!
//! [`LocalCa`] signs with rcgen on aws-lc-rs. It is for laptops, tests and small private
//! deployments; its key lies in a file, so who can read the file and knows the passphrase is the CA.

mod creation;
mod issuer;
mod key_file;
mod options;
mod revocations;
mod store;

use std::fmt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use zeroize::Zeroizing;

use issuer::{Signer, Template};
pub use options::LocalCaOptions;
pub use revocations::Revoked;
use revocations::{CRL_LIFETIME, Revocations};
use store::Store;
pub(crate) use store::{Locked, Record};

use super::{
    CaError, CertificateAuthority, CertificateId, CertificatePurpose, IssueRequest,
    IssuedCertificate, Revocation, hash_hex,
};
use crate::certificate::{Certificate, CertificateChain, KeyUsage, SerialNumber, Timestamp};
use crate::file;
use crate::key::{KeyAlgorithm, Passphrase, PrivateKey};
use crate::pem;

/// A certificate authority whose key is here.
///
/// In a folder, everything survives: see [`LocalCa::create_root`]. In memory, nothing does, which
/// is what tests want:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use private_ca::{CertificateAuthority, CertificatePurpose, CertificateRequest, IssueRequest};
/// use private_ca::{KeyAlgorithm, LocalCa, PrivateKey, RequestedValidity};
///
/// let ca = LocalCa::in_memory()?;
/// let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
/// let request = CertificateRequest::new(&key, "CN=worker-1".parse()?, &[])?;
/// let issued = ca
///     .issue(IssueRequest::new(request, CertificatePurpose::Client, RequestedValidity::days(30)))
///     .await?;
/// assert_eq!(issued.certificate.issuer(), ca.own_certificate().subject());
/// # Ok(()) }
/// ```
///
/// Its methods do not need an async runtime, and block: for the disk, for arithmetic, and for
/// another process that holds the folder's lock. Where that matters, call them from
/// `spawn_blocking`.
pub struct LocalCa {
    certificate: Certificate,
    chain: CertificateChain,
    signer: Signer,
    passphrase: Option<Passphrase>,
    store: Store,
}

impl LocalCa {
    /// A root CA in memory, P-256, for ten years: what tests use.
    ///
    /// # Errors
    /// [`CaError::Key`] if the operating system gives no random numbers.
    pub fn in_memory() -> Result<Self, CaError> {
        let subject = "O=private-ca,CN=In-memory root".parse();
        let subject = subject.map_err(|error| CaError::Backend {
            operation: "naming the CA",
            source: Box::<dyn std::error::Error + Send + Sync>::from(error),
        })?;
        let options = LocalCaOptions::new(subject).with_key_algorithm(KeyAlgorithm::EcdsaP256);
        Self::in_memory_root(options)
    }

    /// A root CA in memory.
    ///
    /// # Errors
    /// [`CaError`] if the subject, key or validity cannot be had.
    pub fn in_memory_root(options: LocalCaOptions) -> Result<Self, CaError> {
        let (key, certificate) = creation::root(&options)?;
        Self::assemble(certificate, Vec::new(), &key, options.passphrase, Store::in_memory())
    }

    /// A CA in memory below another one, of any kind.
    ///
    /// # Errors
    /// [`CaError`], from here or from the parent.
    pub async fn in_memory_subordinate(
        parent: &dyn CertificateAuthority,
        options: LocalCaOptions,
    ) -> Result<Self, CaError> {
        let (key, certificate, above) = creation::subordinate(parent, &options).await?;
        Self::assemble(certificate, above, &key, options.passphrase, Store::in_memory())
    }

    /// Creates a root CA in a folder, which is created in one step and must not exist or be empty.
    ///
    /// # Errors
    /// [`CaError::Exists`] if there is anything in the folder; [`CaError`] otherwise. The folder
    /// is as it was before.
    pub fn create_root(path: impl AsRef<Path>, options: LocalCaOptions) -> Result<Self, CaError> {
        let path = path.as_ref();
        store::check_free(path)?;
        let (key, certificate) = creation::root(&options)?;
        Self::create(path, certificate, Vec::new(), &key, options.passphrase)
    }

    /// Creates a CA in a folder, below another one, of any kind.
    ///
    /// # Errors
    /// [`CaError::Exists`] if there is anything in the folder; [`CaError`] otherwise, from here or
    /// from the parent. The folder is as it was before.
    pub async fn create_subordinate(
        path: impl AsRef<Path>,
        parent: &dyn CertificateAuthority,
        options: LocalCaOptions,
    ) -> Result<Self, CaError> {
        let path = path.as_ref();
        // Before the parent is asked: what it issues is on its record for ever.
        store::check_free(path)?;
        let (key, certificate, above) = creation::subordinate(parent, &options).await?;
        Self::create(path, certificate, above, &key, options.passphrase)
    }

    fn create(
        path: &Path,
        certificate: Certificate,
        above: Vec<Certificate>,
        key: &PrivateKey,
        passphrase: Option<Passphrase>,
    ) -> Result<Self, CaError> {
        let key_file = key_file::write(key, passphrase.as_ref())?;
        let store = Store::Folder(path.to_owned());
        let ca = Self::assemble(certificate, above, key, passphrase, store)?;
        let crl = ca.sign_revocations(&mut Revocations::default(), Timestamp::now())?;
        let own = ca.certificate.to_pem();
        let above: String =
            ca.chain.certificates().iter().skip(1).map(Certificate::to_pem).collect();
        let mut files = vec![
            (store::KEY, key_file.as_bytes()),
            (store::CERTIFICATE, own.as_bytes()),
            (store::CRL, crl.as_bytes()),
        ];
        if !above.is_empty() {
            files.push((store::CHAIN, above.as_bytes()));
        }
        store::create_folder(path, &files)?;
        Ok(ca)
    }

    /// Opens a CA from its folder.
    ///
    /// # Errors
    /// [`CaError::NoCa`] if there is none; [`CaError::PassphraseNeeded`] if its key is encrypted
    /// and no passphrase is given; [`CaError::Damaged`] if key and certificate do not fit.
    pub fn open(path: impl AsRef<Path>, passphrase: Option<Passphrase>) -> Result<Self, CaError> {
        let path = path.as_ref();
        let certificate_path = path.join(store::CERTIFICATE);
        let pem = file::read(&certificate_path).map_err(|error| match error.source.kind() {
            std::io::ErrorKind::NotFound => CaError::NoCa { path: path.to_owned() },
            _ => error.into(),
        })?;
        let damaged =
            |file: &str, reason: String| CaError::Damaged { path: path.join(file), reason };
        let certificate = Certificate::from_pem_or_der(&pem)
            .map_err(|error| damaged(store::CERTIFICATE, error.to_string()))?;
        let above = match file::read(path.join(store::CHAIN)) {
            Ok(pem) => CertificateChain::from_pem_or_der(&pem)
                .map_err(|error| damaged(store::CHAIN, error.to_string()))?
                .certificates()
                .to_vec(),
            Err(error) if error.source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let store = Store::Folder(path.to_owned());
        store.lock()?.sweep()?;
        let key = key_file::read(&file::read(path.join(store::KEY))?, passphrase.as_ref())?;
        if key.public_key_der() != certificate.public_key_der() {
            let reason = "the private key is not the one that the CA's certificate is for";
            return Err(damaged(store::KEY, reason.to_owned()));
        }
        let signs = |usage: KeyUsage| usage.contains(KeyUsage::KEY_CERT_SIGN);
        if !certificate.is_ca() || !certificate.key_usage().is_none_or(signs) {
            let reason = "it is no CA's certificate (RFC 5280 sections 4.2.1.3 and 4.2.1.9)";
            return Err(damaged(store::CERTIFICATE, reason.to_owned()));
        }
        Self::assemble(certificate, above, &key, passphrase, store)
    }

    fn assemble(
        certificate: Certificate,
        above: Vec<Certificate>,
        key: &PrivateKey,
        passphrase: Option<Passphrase>,
        store: Store,
    ) -> Result<Self, CaError> {
        let signer = Signer::of(&certificate, key)?;
        let chain = std::iter::once(certificate.clone()).chain(above).collect();
        Ok(Self { chain: CertificateChain::new(chain)?, certificate, signer, passphrase, store })
    }

    /// The CA's own certificate.
    #[must_use]
    pub fn own_certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The CA's own certificate and those above it up to the root.
    #[must_use]
    pub fn chain(&self) -> &CertificateChain {
        &self.chain
    }

    /// The CA's folder, if it has one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.store.path()
    }

    /// Every certificate that this CA has issued, by serial number.
    ///
    /// # Errors
    /// [`CaError::File`].
    pub fn issued(&self) -> Result<Vec<Certificate>, CaError> {
        let store = self.store.lock()?;
        let read = |name: String| -> Result<Certificate, CaError> {
            let pem = store.read(Record::Issued, &name)?.unwrap_or_default();
            Ok(Certificate::from_pem_or_der(&pem)?)
        };
        store.names(Record::Issued)?.into_iter().map(read).collect()
    }

    /// Everything that this CA has revoked.
    ///
    /// # Errors
    /// [`CaError::Damaged`] if the stored list is not one that this CA signed.
    pub fn revoked(&self) -> Result<Vec<Revoked>, CaError> {
        Ok(self.read_revocations(&self.store.lock()?)?.revoked)
    }

    /// The signed revocation list (RFC 5280 section 5) in PEM, good for seven days; one that has
    /// run out is signed anew.
    ///
    /// # Errors
    /// [`CaError::Damaged`] if the stored list is not one that this CA signed.
    pub fn revocation_list(&self) -> Result<String, CaError> {
        let mut store = self.store.lock()?;
        let mut revocations = self.read_revocations(&store)?;
        let now = Timestamp::now();
        if revocations.next_update.is_some_and(|next_update| now < next_update)
            && let Some(stored) = store.read(Record::Crl, "")?
        {
            return Ok(String::from_utf8_lossy(&stored).into_owned());
        }
        let crl = self.sign_revocations(&mut revocations, now)?;
        store.write(Record::Crl, "", crl.as_bytes())?;
        Ok(crl)
    }

    fn sign_revocations(
        &self,
        revocations: &mut Revocations,
        now: Timestamp,
    ) -> Result<String, CaError> {
        revocations.number += 1;
        let crl = self.signer.sign_crl(revocations, now, now.plus(CRL_LIFETIME))?;
        Ok(std::mem::take(&mut *pem::encode(pem::X509_CRL, &crl)))
    }

    fn read_revocations(&self, store: &Locked<'_>) -> Result<Revocations, CaError> {
        let damaged = |reason: String| CaError::Damaged {
            path: self.path().unwrap_or(Path::new("")).join(store::CRL),
            reason,
        };
        match (store.read(Record::Crl, "")?, &self.store) {
            (Some(file), _) => Revocations::from_pem(&file, &self.certificate)
                .map_err(|error| damaged(error.to_string())),
            (None, Store::Memory(_)) => Ok(Revocations::default()),
            // Starting an empty list would make every revoked certificate good again.
            (None, Store::Folder(_)) => Err(damaged("the file is missing".to_owned())),
        }
    }

    /// Takes the store's lock for what is built on top of this CA.
    pub(crate) fn lock(&self) -> Result<Locked<'_>, CaError> {
        self.store.lock()
    }

    pub(crate) fn key_at_rest(&self, key: &PrivateKey) -> Result<Zeroizing<String>, CaError> {
        key_file::write(key, self.passphrase.as_ref())
    }

    pub(crate) fn read_key(&self, file: &[u8]) -> Result<PrivateKey, CaError> {
        key_file::read(file, self.passphrase.as_ref())
    }

    /// Makes a key of a kind that this CA certifies.
    ///
    /// It is [`PrivateKey::generate`] on aws-lc-rs, which the CA signs with anyway.
    ///
    /// # Errors
    /// [`CaError::Key`].
    pub fn generate_key(algorithm: KeyAlgorithm) -> Result<PrivateKey, CaError> {
        issuer::generate(algorithm)
    }

    /// Issues under a lock that is already held.
    pub(crate) fn issue_locked(
        &self,
        store: &mut Locked<'_>,
        request: &IssueRequest,
    ) -> Result<IssuedCertificate, CaError> {
        let fingerprint = request.fingerprint()?;
        let remembered = match &request.idempotency_key {
            None => None,
            Some(key) => {
                let name = hash_hex(key.as_bytes());
                if let Some(record) = store.read(Record::Request, &name)? {
                    return self.repeat(store, key, &record, &fingerprint);
                }
                Some(name)
            }
        };
        let certificate = self.sign(request)?;
        if let Some(name) = remembered {
            // The answer is remembered first: whoever is interrupted after it gets the same
            // certificate again, and its own record is made good then.
            let record = format!("Request: {fingerprint}\n{}", certificate.to_pem());
            store.write(Record::Request, &name, record.as_bytes())?;
        }
        self.record(store, certificate)
    }

    fn repeat(
        &self,
        store: &mut Locked<'_>,
        key: &str,
        record: &[u8],
        fingerprint: &str,
    ) -> Result<IssuedCertificate, CaError> {
        if !record.starts_with(format!("Request: {fingerprint}\n").as_bytes()) {
            return Err(CaError::IdempotencyConflict { key: key.to_owned() });
        }
        let certificate = Certificate::from_pem_or_der(record)?;
        // What was revoked is not handed out as if it were new.
        let serial_number = certificate.serial_number();
        let revocations = self.read_revocations(store)?;
        if let Some(entry) =
            revocations.revoked.iter().find(|entry| entry.serial_number == serial_number)
        {
            return Err(CaError::AlreadyRevoked { serial_number, since: Some(entry.since) });
        }
        self.record(store, certificate)
    }

    /// Puts an issued certificate on record; doing so twice changes nothing.
    pub(crate) fn record(
        &self,
        store: &mut Locked<'_>,
        certificate: Certificate,
    ) -> Result<IssuedCertificate, CaError> {
        let name = certificate.serial_number().to_string();
        if store.read(Record::Issued, &name)?.is_none() {
            store.write(Record::Issued, &name, certificate.to_pem().as_bytes())?;
        }
        Ok(IssuedCertificate::new(CertificateId::new(name), certificate, self.chain.clone()))
    }

    /// Judges a request by the CA's own certificate and signs what is asked.
    pub(crate) fn sign(&self, request: &IssueRequest) -> Result<Certificate, CaError> {
        let now = Timestamp::now();
        let own = self.certificate.validity();
        if now > own.not_after {
            let subject = self.certificate.subject();
            return Err(CaError::Expired { subject, not_after: own.not_after, now });
        }
        let not_allowed =
            |reason| CaError::NotAllowed { subject: self.certificate.subject(), reason };
        if let CertificatePurpose::SubordinateCa { path_len } = request.purpose {
            let own_path_len =
                self.certificate.basic_constraints().and_then(|constraints| constraints.path_len);
            match (own_path_len, path_len) {
                (Some(0), _) => {
                    return Err(not_allowed(
                        "its path length is 0, so no CA may follow below it (RFC 5280 section 4.2.1.9)",
                    ));
                }
                (Some(own), wanted) if wanted.is_none_or(|wanted| wanted >= own) => {
                    return Err(not_allowed(
                        "the path length asked for is not below its own (RFC 5280 section 4.2.1.9)",
                    ));
                }
                _ => {}
            }
        }
        let certificate_request = &request.certificate_request;
        let subject = request.subject.as_ref().unwrap_or(certificate_request.subject());
        let names = request
            .subject_alternative_names
            .as_deref()
            .unwrap_or(certificate_request.subject_alternative_names());
        if subject.is_empty() && names.is_empty() {
            return Err(not_allowed(
                "the request names nobody: it has neither a subject nor a subject alternative name (RFC 5280 section 4.1.2.6)",
            ));
        }
        for name in names {
            name.check().map_err(|source| CaError::SubjectAlternativeName { source })?;
        }
        if subject.has_control_characters() {
            return Err(CaError::Name {
                name: subject.clone(),
                reason: "it has control characters, which readers of certificates disagree on",
            });
        }
        if subject.as_der() == self.certificate.subject_der() {
            return Err(not_allowed(
                "the subject is the CA's own, so the certificate would pass for self-issued (RFC 5280 section 3.2)",
            ));
        }
        let is_ca = matches!(request.purpose, CertificatePurpose::SubordinateCa { .. });
        if is_ca && subject.is_empty() {
            return Err(not_allowed("a CA needs a subject (RFC 5280 section 4.1.2.6)"));
        }
        let key_usage = request.key_usage.unwrap_or(request.purpose.key_usage());
        if key_usage.contains(KeyUsage::KEY_CERT_SIGN) != is_ca {
            return Err(not_allowed(
                "the key usage keyCertSign goes with a CA, and only with one (RFC 5280 section 4.2.1.3)",
            ));
        }
        if key_usage.contains(KeyUsage::CRL_SIGN) && !is_ca {
            return Err(not_allowed("the key usage cRLSign is for CAs (RFC 5280 section 4.2.1.3)"));
        }
        self.signer.sign(&Template {
            subject,
            subject_alternative_names: names,
            public_key_der: certificate_request.public_key_der(),
            purpose: request.purpose,
            key_usage,
            validity: request.validity.within(own, now)?,
        })
    }
}

#[async_trait]
impl CertificateAuthority for LocalCa {
    async fn certificate_chain(&self) -> Result<CertificateChain, CaError> {
        Ok(self.chain.clone())
    }

    async fn issue(&self, request: IssueRequest) -> Result<IssuedCertificate, CaError> {
        self.issue_locked(&mut self.store.lock()?, &request)
    }

    async fn submit(&self, request: IssueRequest) -> Result<CertificateId, CaError> {
        Ok(self.issue(request).await?.id)
    }

    async fn certificate(&self, id: CertificateId) -> Result<IssuedCertificate, CaError> {
        // The id becomes part of a path, so it has to be a serial number and nothing else.
        let Ok(serial_number) = id.as_str().parse::<SerialNumber>() else {
            return Err(CaError::NotFound { id });
        };
        let pem = self.store.lock()?.read(Record::Issued, &serial_number.to_string())?;
        let Some(pem) = pem else {
            return Err(CaError::NotFound { id });
        };
        let certificate = Certificate::from_pem_or_der(&pem)?;
        Ok(IssuedCertificate::new(id, certificate, self.chain.clone()))
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), CaError> {
        let mut store = self.store.lock()?;
        let serial_number = revocation.serial_number.to_string();
        if store.read(Record::Issued, &serial_number)?.is_none() {
            return Err(CaError::NotFound { id: CertificateId::new(serial_number) });
        }
        let mut revocations = self.read_revocations(&store)?;
        let now = Timestamp::now();
        revocations.add(revocation, now)?;
        let crl = self.sign_revocations(&mut revocations, now)?;
        store.write(Record::Crl, "", crl.as_bytes())
    }
}

impl fmt::Debug for LocalCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCa")
            .field("certificate", &self.certificate)
            .field("path", &self.path().map(PathBuf::from))
            .finish_non_exhaustive()
    }
}
