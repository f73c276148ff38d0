//! Making a CA: its key in AWS, its certificate by itself or by another CA, and going on where an
//! earlier call stopped.

use std::time::Duration;

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::client::Waiters as _;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    CertificateAuthorityConfiguration, CertificateAuthorityStatus, CertificateAuthorityType,
    KeyAlgorithm as AwsKeyAlgorithm, SigningAlgorithm, Tag,
};
use tokio::time::{Instant, sleep, timeout};

use super::issuing::{token_of, verified_chain};
use super::template::{ROOT, Template};
use super::{AcmPca, AcmPcaOptions, CaKind, names};
use crate::authority::aws::{AwsConnection, Call, incomplete, random_token};
use crate::authority::{
    CaError, CaState, CertificateAuthority, CertificatePurpose, IssueRequest, IssuedCertificate,
    RequestedValidity, hash_hex,
};
use crate::certificate::{Certificate, CertificateChain, Timestamp};
use crate::key::KeyAlgorithm;
use crate::request::CertificateRequest;
use crate::verify;

/// The tags by which a CA is found again: hashes of the idempotency key and of the whole request.
const KEY_TAG: &str = "private-ca:idempotency-key";
const REQUEST_TAG: &str = "private-ca:request";

impl AcmPca {
    /// Creates a root CA, and installs its certificate.
    ///
    /// With an idempotency key, a call that was interrupted at any point is simply made again: it
    /// finds the CA and goes on from the state that it is in. AWS itself remembers the key for five
    /// minutes; for later it is kept as a tag and looked for before anything is created. AWS's lists
    /// lag by some seconds, so of two calls at the same time after those five minutes each may
    /// create one: keep creation in one place. Validity, path length and tags may differ between the
    /// calls; those of the first count for what is done already.
    ///
    /// # Errors
    /// [`CaError::NotInstalled`] with the ARN if the CA was created and its certificate could not be
    /// installed; [`CaError::IdempotencyConflict`] if the key was used with other options.
    pub async fn create_root(
        connection: &AwsConnection,
        options: AcmPcaOptions,
    ) -> Result<Self, CaError> {
        let ca = Self::create(connection, &options, CaKind::Root).await?;
        let installed = ca.install_own(options.validity, Some(&options)).await;
        installed.map_err(|error| ca.not_installed(error))?;
        Ok(ca)
    }

    /// Creates a CA below another one, which may be in AWS or not, and installs its certificate.
    /// It is interrupted and resumed like [`AcmPca::create_root`].
    ///
    /// # Errors
    /// As for [`AcmPca::create_root`], and those of the parent.
    pub async fn create_subordinate(
        connection: &AwsConnection,
        parent: &dyn CertificateAuthority,
        options: AcmPcaOptions,
    ) -> Result<Self, CaError> {
        fits_below(parent, &options).await?;
        let ca = Self::create(connection, &options, CaKind::Subordinate).await?;
        let (validity, path_len) = (options.validity, options.path_len);
        let installed = ca.install_signed(parent, validity, path_len, Some(&options)).await;
        installed.map_err(|error| ca.not_installed(error))?;
        Ok(ca)
    }

    /// Creates a CA and leaves its certificate to [`AcmPca::install_root`] or
    /// [`AcmPca::install_under`]. A CA that an earlier call with the same idempotency key created is
    /// found again.
    ///
    /// # Errors
    /// [`CaError::IdempotencyConflict`] if the key was used with other options; [`CaError::Quota`].
    pub async fn create(
        connection: &AwsConnection,
        options: &AcmPcaOptions,
        kind: CaKind,
    ) -> Result<Self, CaError> {
        const OPERATION: &str = "CreateCertificateAuthority";
        let client = Client::new(connection.sdk_config());
        let fingerprint = fingerprint(options, kind);
        let mut tags = options.tags.clone();
        let token = match &options.idempotency_key {
            None => random_token()?,
            Some(key) => {
                let key_hash = hash_hex(key.as_bytes());
                if let Some(found) = find(connection, &client, &key_hash).await? {
                    if found.request.as_deref() != Some(&fingerprint) {
                        return Err(CaError::IdempotencyConflict { key: key.clone() });
                    }
                    return Self::new(connection, found.arn.parse()?);
                }
                tags.push((KEY_TAG.to_owned(), key_hash));
                tags.push((REQUEST_TAG.to_owned(), fingerprint.clone()));
                token_of(&format!("{key}\n{fingerprint}"))
            }
        };
        let (key_algorithm, signing_algorithm) = algorithms(options.key_algorithm)?;
        let wrong = |error| CaError::Backend {
            operation: "writing a CA's configuration for AWS",
            source: Box::new(error),
        };
        let configuration = CertificateAuthorityConfiguration::builder()
            .key_algorithm(key_algorithm)
            .signing_algorithm(signing_algorithm)
            .subject(names::subject(&options.subject)?)
            .build()
            .map_err(wrong)?;
        let tags = tags
            .into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build().map_err(wrong))
            .collect::<Result<Vec<_>, _>>()?;
        let answer = client
            .create_certificate_authority()
            .certificate_authority_configuration(configuration)
            .certificate_authority_type(match kind {
                CaKind::Root => CertificateAuthorityType::Root,
                CaKind::Subordinate => CertificateAuthorityType::Subordinate,
            })
            .set_revocation_configuration(options.revocation()?)
            .set_key_storage_security_standard(options.key_storage.map(|storage| storage.to_aws()))
            .usage_mode(options.usage_mode.to_aws())
            .set_tags((!tags.is_empty()).then_some(tags))
            .idempotency_token(token)
            .send()
            .await
            .map_err(|error| Call::acm_pca(OPERATION, None).failed(error))?;
        let arn = answer
            .certificate_authority_arn()
            .ok_or_else(|| incomplete(OPERATION, "CertificateAuthorityArn"))?;
        Self::new(connection, arn.parse()?)
    }

    /// Has a root CA sign its own certificate and installs it. A CA that has one already is left as
    /// it is, unless its certificate has ended.
    ///
    /// # Errors
    /// [`CaError::State`] if the CA is in a state in which it takes no certificate.
    pub async fn install_root(&self, validity: RequestedValidity) -> Result<(), CaError> {
        self.install_own(validity, None).await
    }

    async fn install_own(
        &self,
        validity: RequestedValidity,
        expected: Option<&AcmPcaOptions>,
    ) -> Result<(), CaError> {
        let Some(signing_request) = self.pending(expected).await? else { return Ok(()) };
        let description = self.describe().await?;
        let purpose = CertificatePurpose::SubordinateCa { path_len: None };
        // Within five minutes the same certificate comes again; a second one would harm nobody.
        let request = IssueRequest::new(signing_request, purpose, validity)
            .with_idempotency_key("install the root");
        let signing_algorithm = description.signing_algorithm.as_str().into();
        let template = Template::named(ROOT)?.arn(&self.arn);
        let id = self.issue_with(&request, &template, None, &signing_algorithm).await?;
        let (certificate, _) = self.fetch(&id).await?;
        let chain = CertificateChain::new(vec![certificate.clone()])?;
        let issued = IssuedCertificate::new(id, certificate, chain);
        request.check(&issued)?;
        if !verify::issued(&issued.certificate, &issued.certificate) {
            let reason = "it is not signed by its own key, as a root is".to_owned();
            return Err(CaError::WrongAnswer { id: issued.id, reason });
        }
        self.import(&issued.certificate, None).await
    }

    /// Has another CA sign this one's certificate and installs it with the chain above it. A CA that
    /// has one already is left as it is, unless its certificate has ended.
    ///
    /// # Errors
    /// [`CaError::State`] if the CA is in a state in which it takes no certificate; those of the
    /// parent; [`CaError::WrongAnswer`] if the parent's certificate does not fit.
    pub async fn install_under(
        &self,
        parent: &dyn CertificateAuthority,
        validity: RequestedValidity,
        path_len: u8,
    ) -> Result<(), CaError> {
        self.install_signed(parent, validity, path_len, None).await
    }

    async fn install_signed(
        &self,
        parent: &dyn CertificateAuthority,
        validity: RequestedValidity,
        path_len: u8,
        expected: Option<&AcmPcaOptions>,
    ) -> Result<(), CaError> {
        let Some(signing_request) = self.pending(expected).await? else { return Ok(()) };
        let purpose = CertificatePurpose::SubordinateCa { path_len: Some(path_len) };
        let request = IssueRequest::new(signing_request, purpose, validity);
        // The same order for the same CA in the same state gets the same certificate; one for a CA
        // whose certificate has ended, or with another validity, does not.
        let ended = self.describe().await?.serial_number.map(|serial| serial.to_string());
        let key = format!(
            "install {} after {} {}",
            self.arn,
            ended.as_deref().unwrap_or("none"),
            request.fingerprint()?
        );
        let request = request.with_idempotency_key(key);
        let issued = parent.issue(request.clone()).await?;
        request.check(&issued)?;
        let chain = verified_chain(&issued, &parent.certificate_chain().await?)
            .map_err(|reason| CaError::WrongAnswer { id: issued.id.clone(), reason })?;
        self.import(&issued.certificate, Some(&chain)).await
    }

    /// The signing request of a CA that waits for its certificate; `None` if it has one.
    /// It is for what was asked to be created, if that is known: whoever signs it vouches for it.
    async fn pending(
        &self,
        expected: Option<&AcmPcaOptions>,
    ) -> Result<Option<CertificateRequest>, CaError> {
        const OPERATION: &str = "GetCertificateAuthorityCsr";
        let late = || CaError::State { ca: self.arn.to_string(), state: CaState::Creating };
        self.connection.waiting_for("the CA's key and signing request");
        let end = Instant::now() + self.deadline;
        loop {
            match self.describe().await?.state {
                CaState::Active => return Ok(None),
                CaState::PendingCertificate | CaState::Expired => break,
                CaState::Creating if Instant::now() < end => sleep(Duration::from_secs(1)).await,
                state => return Err(CaError::State { ca: self.arn.to_string(), state }),
            }
        }
        let waiter = self
            .client
            .wait_until_certificate_authority_csr_created()
            .certificate_authority_arn(self.arn.as_str())
            .wait(self.deadline);
        let answer = timeout(self.deadline + Duration::from_secs(1), waiter).await;
        let answer = match answer.map_err(|_| late())? {
            Ok(answer) => answer.into_result().map_err(|_| late())?,
            Err(error) => {
                let error = self.call(OPERATION).failed_waiting(error);
                return Err(match error {
                    Some(error) => self.explained(error).await,
                    None => late(),
                });
            }
        };
        let pem = answer.csr().ok_or_else(|| incomplete(OPERATION, "Csr"))?;
        let request = CertificateRequest::from_pem_or_der(pem.as_bytes())?;
        let is_expected = expected.is_none_or(|options| {
            options.subject.has_attributes_of(request.subject())
                && KeyAlgorithm::of_public_key(request.public_key_der())
                    == Some(options.key_algorithm)
        });
        if !is_expected {
            return Err(CaError::Backend {
                operation: OPERATION,
                source: format!(
                    "the signing request is for {} and not for what was to be created",
                    request.subject()
                )
                .into(),
            });
        }
        Ok(Some(request))
    }

    async fn import(
        &self,
        certificate: &Certificate,
        above: Option<&CertificateChain>,
    ) -> Result<(), CaError> {
        const OPERATION: &str = "ImportCertificateAuthorityCertificate";
        let answer = self
            .client
            .import_certificate_authority_certificate()
            .certificate_authority_arn(self.arn.as_str())
            .certificate(Blob::new(certificate.to_pem()))
            .set_certificate_chain(above.map(|above| Blob::new(above.to_pem())))
            .send()
            .await;
        if let Err(error) = answer {
            let error = self.call(OPERATION).failed(error);
            // Another call, or this one's own retry, may have been first.
            if !matches!(self.describe().await, Ok(now) if now.state == CaState::Active) {
                return Err(self.explained(error).await);
            }
        }
        self.connection.waiting_for("the CA to be ACTIVE");
        let end = Instant::now() + self.deadline;
        loop {
            match self.describe().await?.state {
                CaState::Active => return Ok(()),
                CaState::PendingCertificate if Instant::now() < end => {
                    sleep(Duration::from_secs(1)).await;
                }
                state => return Err(CaError::State { ca: self.arn.to_string(), state }),
            }
        }
    }

    fn not_installed(&self, source: CaError) -> CaError {
        // A CA that was found again and is switched off or gone has another trouble.
        if let CaError::State { state: CaState::Disabled | CaState::Deleted, .. } = source {
            return source;
        }
        CaError::NotInstalled { ca: self.arn.to_string(), source: Box::new(source) }
    }
}

/// Whether the parent can sign what is asked, before a CA is created that costs money.
async fn fits_below(
    parent: &dyn CertificateAuthority,
    options: &AcmPcaOptions,
) -> Result<(), CaError> {
    let chain = parent.certificate_chain().await?;
    let Some(own) = chain.certificates().first() else { return Ok(()) };
    options.validity.within(own.validity(), Timestamp::now())?;
    let bound = own.basic_constraints().and_then(|constraints| constraints.path_len);
    if bound.is_some_and(|bound| bound <= options.path_len) {
        return Err(CaError::NotAllowed {
            subject: own.subject(),
            reason: "the path length asked for is not below its own (RFC 5280 section 4.2.1.9)",
        });
    }
    Ok(())
}

/// A CA that an earlier call with the same idempotency key created.
struct Found {
    arn: String,
    request: Option<String>,
}

async fn find(
    connection: &AwsConnection,
    client: &Client,
    key_hash: &str,
) -> Result<Option<Found>, CaError> {
    connection.waiting_for("the list of CAs, to see whether this one exists");
    let mut pages = client.list_certificate_authorities().into_paginator().items().send();
    while let Some(ca) = pages.next().await {
        let ca =
            ca.map_err(|error| Call::acm_pca("ListCertificateAuthorities", None).failed(error))?;
        let gone = matches!(
            ca.status(),
            Some(CertificateAuthorityStatus::Deleted | CertificateAuthorityStatus::Failed)
        );
        let Some(arn) = ca.arn().filter(|_| !gone) else { continue };
        let mut tags =
            client.list_tags().certificate_authority_arn(arn).into_paginator().items().send();
        let mut key = None;
        let mut request = None;
        while let Some(tag) = tags.next().await {
            let tag = tag.map_err(|error| Call::acm_pca("ListTags", Some(arn)).failed(error))?;
            match tag.key() {
                KEY_TAG => key = tag.value,
                REQUEST_TAG => request = tag.value,
                _ => {}
            }
        }
        if key.as_deref() == Some(key_hash) {
            return Ok(Some(Found { arn: arn.to_owned(), request }));
        }
    }
    Ok(None)
}

/// What two calls have in common when they ask for the same CA. It is kept as a tag, so its form does
/// not follow that of the types. The validity is not part of it: a CA may be installed later with
/// another.
fn fingerprint(options: &AcmPcaOptions, kind: CaKind) -> String {
    let kind = match kind {
        CaKind::Root => "root",
        CaKind::Subordinate => "subordinate",
    };
    let storage = options.key_storage.map(|storage| storage.to_aws().to_string());
    let crl = options.crl.as_ref().map(|crl| {
        format!(
            "{} {} {} {} {}",
            crl.bucket,
            crl.days,
            crl.custom_cname.as_deref().unwrap_or("-"),
            crl.is_public,
            crl.is_partitioned
        )
    });
    let ocsp = options.ocsp.as_ref().map(|ocsp| ocsp.custom_cname.clone().unwrap_or("-".into()));
    let canonical = format!(
        "ca 1\nkind {kind}\nsubject {}\nkey {}\nstorage {}\nmode {}\ncrl {}\nocsp {}\n",
        base16ct::lower::encode_string(options.subject.as_der()),
        options.key_algorithm,
        storage.unwrap_or_default(),
        options.usage_mode.to_aws(),
        crl.unwrap_or_default(),
        ocsp.unwrap_or_default(),
    );
    hash_hex(canonical.as_bytes())
}

/// A CA's key in AWS's words, and what fits it to sign with.
fn algorithms(algorithm: KeyAlgorithm) -> Result<(AwsKeyAlgorithm, SigningAlgorithm), CaError> {
    use AwsKeyAlgorithm as Key;
    use SigningAlgorithm as Signing;
    Ok(match algorithm {
        KeyAlgorithm::RSA_2048 => (Key::Rsa2048, Signing::Sha256Withrsa),
        KeyAlgorithm::RSA_3072 => (Key::Rsa3072, Signing::Sha256Withrsa),
        KeyAlgorithm::RSA_4096 => (Key::Rsa4096, Signing::Sha256Withrsa),
        KeyAlgorithm::EcdsaP256 => (Key::EcPrime256v1, Signing::Sha256Withecdsa),
        KeyAlgorithm::EcdsaP384 => (Key::EcSecp384r1, Signing::Sha384Withecdsa),
        KeyAlgorithm::EcdsaP521 => (Key::EcSecp521r1, Signing::Sha512Withecdsa),
        KeyAlgorithm::MlDsa44 => (Key::MlDsa44, Signing::MlDsa44),
        KeyAlgorithm::MlDsa65 => (Key::MlDsa65, Signing::MlDsa65),
        KeyAlgorithm::MlDsa87 => (Key::MlDsa87, Signing::MlDsa87),
        other => {
            return Err(CaError::UnsupportedKey {
                what: format!(
                    "{other} for the CA itself: AWS Private CA offers RSA 2048, 3072 and 4096, P-256, P-384, P-521, and ML-DSA-44, 65 and 87"
                ),
            });
        }
    })
}
