//! What every backend does, whatever is behind it: one suite for each of the two traits. Where
//! backends document that they differ, a suite is told what to expect.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use private_ca::key::EncryptionPreset;
use private_ca::managed::{CertificateStatus, ManagedError, VALIDITY_DAYS};
use private_ca::verify::Purpose;
use private_ca::{
    CaError, CertificateAuthority, CertificateId, CertificatePurpose, CertificateRequest, Identity,
    IssueRequest, IssuedCertificate, KeyAlgorithm, KeyUsage, ManagedCertificates, ManagedRequest,
    Passphrase, PrivateKey, RequestedValidity, Revocation, RevocationReason, Timestamp,
    Verification, Verifier,
};

pub fn request_for(subject: &str) -> CertificateRequest {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let names = ["worker.acme.internal".parse().unwrap(), "10.0.0.1".parse().unwrap()];
    CertificateRequest::new(&key, subject.parse().unwrap(), &names).unwrap()
}

/// A client's certificate for 30 days, with a key of its own and two alternative names.
pub fn client(subject: &str) -> IssueRequest {
    IssueRequest::new(request_for(subject), CertificatePurpose::Client, RequestedValidity::days(30))
}

/// Where certificate authorities differ.
#[derive(Debug, Clone, Copy)]
pub struct AuthorityDiffers {
    /// The key usage of a client's certificate for which none is asked.
    pub client_key_usage: KeyUsage,
    /// An idempotency key that was used for another request is refused, not taken as a new one.
    pub refuses_conflicts: bool,
    /// The same request again after the certificate was revoked is refused, not answered.
    pub refuses_the_revoked: bool,
    /// A second revocation is told when the first one was.
    pub tells_when_revoked: bool,
}

impl AuthorityDiffers {
    /// It keeps a record of everything for ever.
    pub fn local() -> Self {
        Self {
            client_key_usage: KeyUsage::DIGITAL_SIGNATURE,
            refuses_conflicts: true,
            refuses_the_revoked: true,
            tells_when_revoked: true,
        }
    }

    /// It remembers a token for five minutes and nothing else of a request; all its templates for
    /// TLS have keyEncipherment.
    pub fn aws_private_ca() -> Self {
        Self {
            client_key_usage: KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT,
            refuses_conflicts: false,
            refuses_the_revoked: false,
            tells_when_revoked: false,
        }
    }
}

/// What every `CertificateAuthority` does.
pub async fn authority(ca: &dyn CertificateAuthority, differs: AuthorityDiffers) {
    let issued = issues(ca, differs).await;
    gives_out_again(ca, &issued).await;
    issues_every_purpose(ca).await;
    takes_what_is_asked(ca).await;
    refuses_what_it_cannot_cover(ca).await;
    issues_up_to_its_own_end(ca).await;
    is_idempotent(ca, differs).await;
    revokes(ca, &issued, differs).await;
}

async fn issues(ca: &dyn CertificateAuthority, differs: AuthorityDiffers) -> IssuedCertificate {
    let chain = ca.certificate_chain().await.unwrap();
    let own = &chain.certificates()[0];
    let asked = client("O=Acme,CN=worker");
    let before = Timestamp::now();
    let issued = ca.issue(asked.clone()).await.unwrap();
    let certificate = &issued.certificate;
    assert_eq!(issued.chain, chain);
    assert_eq!(certificate.issuer(), own.subject());
    assert_eq!(certificate.subject().to_string(), "O=Acme,CN=worker");
    assert_eq!(certificate.public_key_der(), asked.certificate_request.public_key_der());
    assert_eq!(certificate.key_usage(), Some(differs.client_key_usage));
    assert_eq!(certificate.authority_key_identifier(), own.subject_key_identifier());
    assert!(certificate.subject_key_identifier().is_some());
    assert!(!certificate.is_ca() && certificate.basic_constraints().is_some());
    assert_eq!(certificate.extended_key_usage().unwrap().len(), 1);
    assert_eq!(certificate.subject_alternative_names().len(), 2);
    let day = std::time::Duration::from_secs(86_400);
    let ends = [before, Timestamp::now()].map(|moment| moment.plus(day * 30));
    assert!((ends[0]..=ends[1]).contains(&certificate.validity().not_after));
    assert!(certificate.validity().not_before <= before);
    verifies(&issued, Purpose::Client);
    issued
}

/// Up to the root that it comes with.
fn verifies(issued: &IssuedCertificate, purpose: Purpose) {
    let above = issued.chain.certificates();
    Verifier::new(above.last().cloned())
        .unwrap()
        .verify(&issued.certificate, above, &Verification::new(purpose))
        .unwrap();
}

pub async fn gives_out_again(ca: &dyn CertificateAuthority, issued: &IssuedCertificate) {
    assert_eq!(ca.certificate(issued.id.clone()).await.unwrap(), *issued);
    let submitted = ca.submit(client("CN=submitted")).await.unwrap();
    let fetched = ca.certificate(submitted.clone()).await.unwrap();
    assert_eq!(fetched.id, submitted);
    assert_eq!(fetched.certificate.subject().to_string(), "CN=submitted");
    for id in ["", "00", "not-a-serial", "../certificate", "1f02aa"] {
        let missing = ca.certificate(CertificateId::new(id)).await;
        assert!(matches!(missing, Err(CaError::NotFound { .. })), "{id}");
    }
}

async fn issues_every_purpose(ca: &dyn CertificateAuthority) {
    for (purpose, verified) in [
        (CertificatePurpose::Client, &[Purpose::Client][..]),
        (CertificatePurpose::Server, &[Purpose::Server]),
        (CertificatePurpose::ClientAndServer, &[Purpose::Client, Purpose::Server]),
    ] {
        let asked = IssueRequest::new(request_for("CN=both"), purpose, RequestedValidity::days(1));
        let issued = ca.issue(asked).await.unwrap();
        let usages = issued.certificate.extended_key_usage().unwrap();
        assert_eq!(usages.len(), verified.len(), "{purpose:?}");
        verified.iter().for_each(|purpose| verifies(&issued, *purpose));
    }
}

/// Subject, names and key usage other than the signing request's.
async fn takes_what_is_asked(ca: &dyn CertificateAuthority) {
    let names = vec!["other.acme.internal".parse().unwrap(), "10.0.0.2".parse().unwrap()];
    let usage = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT;
    let asked = client("CN=worker")
        .with_subject("C=DE,O=Acme,OU=Payments,CN=another".parse().unwrap())
        .with_subject_alternative_names(names.clone())
        .with_key_usage(usage);
    let certificate = ca.issue(asked).await.unwrap().certificate;
    assert_eq!(certificate.subject().to_string(), "C=DE,O=Acme,OU=Payments,CN=another");
    assert_eq!(certificate.subject_alternative_names(), names);
    assert_eq!(certificate.key_usage(), Some(usage));
    assert_eq!(certificate.extended_key_usage().unwrap().len(), 1);
}

pub async fn refuses_what_it_cannot_cover(ca: &dyn CertificateAuthority) {
    let end = ca.certificate_chain().await.unwrap().certificates()[0].validity().not_after;
    let mut asked = client("CN=worker");
    asked.validity = RequestedValidity::until(end.plus(std::time::Duration::from_secs(1)));
    assert!(matches!(ca.issue(asked.clone()).await, Err(CaError::OutlivesCa { .. })));
    asked.validity = RequestedValidity::days(0);
    assert!(matches!(ca.issue(asked).await, Err(CaError::EmptyValidity { .. })));
}

async fn issues_up_to_its_own_end(ca: &dyn CertificateAuthority) {
    let end = ca.certificate_chain().await.unwrap().certificates()[0].validity().not_after;
    let mut asked = client("CN=worker");
    asked.validity = RequestedValidity::until(end);
    assert_eq!(ca.issue(asked).await.unwrap().certificate.validity().not_after, end);
}

async fn is_idempotent(ca: &dyn CertificateAuthority, differs: AuthorityDiffers) {
    let asked = client("CN=again").with_idempotency_key("key");
    let first = ca.issue(asked.clone()).await.unwrap();
    assert_eq!(ca.submit(asked.clone()).await.unwrap(), first.id);
    assert_eq!(ca.issue(asked.clone()).await.unwrap(), first);
    let other = asked.with_key_usage(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT);
    match ca.issue(other).await {
        Err(CaError::IdempotencyConflict { .. }) => assert!(differs.refuses_conflicts),
        Err(error) => panic!("{error}"),
        Ok(issued) => {
            assert!(!differs.refuses_conflicts);
            assert_ne!(issued.id, first.id, "another request got this one's certificate");
        }
    }
    let without_key = client("CN=again");
    let ids =
        [ca.submit(without_key.clone()).await.unwrap(), ca.submit(without_key).await.unwrap()];
    assert_ne!(ids[0], ids[1]);
}

async fn revokes(
    ca: &dyn CertificateAuthority,
    issued: &IssuedCertificate,
    differs: AuthorityDiffers,
) {
    let withdrawn = client("CN=withdrawn").with_idempotency_key("withdrawn");
    let first = ca.issue(withdrawn.clone()).await.unwrap();
    let serial_number = first.certificate.serial_number();
    ca.revoke(Revocation::new(serial_number, RevocationReason::Superseded)).await.unwrap();
    match ca.issue(withdrawn).await {
        Err(CaError::AlreadyRevoked { .. }) => assert!(differs.refuses_the_revoked),
        Err(error) => panic!("{error}"),
        Ok(again) => {
            assert!(!differs.refuses_the_revoked);
            assert_eq!(again, first);
        }
    }

    let serial_number = issued.certificate.serial_number();
    let revocation = Revocation::new(serial_number.clone(), RevocationReason::KeyCompromise);
    ca.revoke(revocation.clone()).await.unwrap();
    match ca.revoke(revocation).await {
        Err(CaError::AlreadyRevoked { serial_number: named, since }) => {
            assert_eq!(named, serial_number);
            assert_eq!(since.is_some(), differs.tells_when_revoked);
        }
        other => panic!("{other:?}"),
    }
    let unknown = Revocation::new("1f02aa".parse().unwrap(), RevocationReason::Unspecified);
    assert!(matches!(ca.revoke(unknown).await, Err(CaError::NotFound { .. })));
}

/// Where managers of certificates differ.
#[derive(Debug, Clone)]
pub struct ManagedDiffers {
    /// An idempotency key that was used for another request is refused, not taken as a new one.
    pub refuses_conflicts: bool,
    /// An id of the right form that stands for nothing.
    pub unknown_id: CertificateId,
}

impl ManagedDiffers {
    pub fn local() -> Self {
        Self { refuses_conflicts: true, unknown_id: CertificateId::new("1f02aa") }
    }

    pub fn acm() -> Self {
        let unknown = "arn:aws:acm:eu-central-1:123456789012:certificate/1f02aa";
        Self { refuses_conflicts: false, unknown_id: CertificateId::new(unknown) }
    }
}

/// What every `ManagedCertificates` does.
pub async fn managed(managed: &dyn ManagedCertificates, differs: ManagedDiffers) {
    refuses_bad_names_and_keys(managed).await;
    let id = requests(managed, &differs).await;
    exports_and_renews(managed, &id).await;
    knows_no_other(managed, &differs).await;
}

pub async fn knows_no_other(managed: &dyn ManagedCertificates, differs: &ManagedDiffers) {
    let not_found = |refused: ManagedError| {
        assert!(matches!(refused, ManagedError::Ca(CaError::NotFound { .. })), "{refused}");
    };
    let unknown = || differs.unknown_id.clone();
    not_found(managed.describe(unknown()).await.unwrap_err());
    not_found(managed.export(unknown(), passphrase()).await.unwrap_err());
    not_found(managed.renew(unknown()).await.unwrap_err());
}

fn passphrase() -> Passphrase {
    Passphrase::new(*b"correct horse")
}

fn managed_request() -> ManagedRequest {
    ManagedRequest::new("worker.acme.internal")
        .with_subject_alternative_names(vec!["standby.acme.internal".into()])
        .with_key_algorithm(KeyAlgorithm::EcdsaP256)
}

pub async fn refuses_bad_names_and_keys(managed: &dyn ManagedCertificates) {
    for bad in ["", "a b.example", "10.0.0.1/8", &format!("{}.example", "x".repeat(60))] {
        let refused = managed.request(ManagedRequest::new(bad)).await;
        assert!(matches!(refused, Err(ManagedError::DomainName { .. })), "{bad}");
    }
    for bad in [KeyAlgorithm::RSA_4096, KeyAlgorithm::EcdsaP521, KeyAlgorithm::Ed25519] {
        let refused = managed.request(managed_request().with_key_algorithm(bad)).await;
        let is_key = matches!(refused, Err(ManagedError::Ca(CaError::UnsupportedKey { .. })));
        assert!(is_key, "{bad}");
    }
}

async fn requests(managed: &dyn ManagedCertificates, differs: &ManagedDiffers) -> CertificateId {
    let asked = managed_request().with_idempotency_key("once");
    let id = managed.request(asked.clone()).await.unwrap();
    assert_eq!(managed.request(asked.clone()).await.unwrap(), id);
    match managed.request(asked.with_key_algorithm(KeyAlgorithm::EcdsaP384)).await {
        Err(ManagedError::Ca(CaError::IdempotencyConflict { .. })) => {
            assert!(differs.refuses_conflicts);
        }
        Err(error) => panic!("{error}"),
        Ok(other) => {
            assert!(!differs.refuses_conflicts);
            assert_ne!(other, id, "another request got this one's certificate");
        }
    }
    assert_ne!(
        managed.request(managed_request()).await.unwrap(),
        managed.request(managed_request()).await.unwrap()
    );
    let issued = managed.wait_until_issued(id.clone()).await.unwrap();
    assert_eq!(issued.id, id);
    assert_eq!(issued.domain_name, "worker.acme.internal");
    let CertificateStatus::Issued { not_after } = issued.status else { panic!("not issued") };
    let days = not_after.since(Timestamp::now()).as_secs() / 86_400;
    assert!((u64::from(VALIDITY_DAYS) - 1..=u64::from(VALIDITY_DAYS)).contains(&days), "{days}");
    assert_eq!(issued.validity.unwrap().not_after, not_after);
    assert_eq!(managed.describe(id.clone()).await.unwrap(), issued);
    id
}

async fn exports_and_renews(managed: &dyn ManagedCertificates, id: &CertificateId) {
    for bad in ["", "abc", "newline\n", "sharp#", "dollar$", "percent%", "ünï", &"x".repeat(129)]
    {
        let refused = managed.export(id.clone(), Passphrase::new(bad.as_bytes())).await;
        assert!(matches!(refused, Err(ManagedError::ExportPassphrase { .. })), "{bad:?}");
    }
    let before = managed.export(id.clone(), passphrase()).await.unwrap();
    let subject = before.certificate.subject();
    assert_eq!(subject.common_name().as_deref(), Some("worker.acme.internal"));
    assert_eq!(before.certificate.subject_alternative_names().len(), 2);
    assert!(!before.chain.certificates().contains(&before.certificate));
    let scheme = before.private_key.scheme();
    assert_eq!(scheme, EncryptionPreset::Acm.into());
    assert!(before.private_key.decrypt(&Passphrase::new(*b"another")).is_err());
    let identity = Identity::from_exported(before.clone(), &passphrase()).unwrap();
    assert_eq!(*identity.certificate(), before.certificate);
    let described = managed.describe(id.clone()).await.unwrap();
    assert_eq!(described.serial_number, Some(before.certificate.serial_number()));
    assert!(!described.is_newer_than(&before.certificate));

    let renewed = managed.renew(id.clone()).await.unwrap();
    assert_eq!(renewed.id, *id);
    assert!(renewed.is_newer_than(&before.certificate));
    assert_eq!(renewed.renewal_failure, None);
    assert_eq!(managed.describe(id.clone()).await.unwrap(), renewed);
    let after = managed.export(id.clone(), passphrase()).await.unwrap();
    assert_eq!(Some(after.certificate.serial_number()), renewed.serial_number);
    assert_ne!(after.certificate.serial_number(), before.certificate.serial_number());
    assert_ne!(after.certificate.public_key_der(), before.certificate.public_key_der());
    assert_eq!(
        after.certificate.subject_alternative_names(),
        before.certificate.subject_alternative_names()
    );
    Identity::from_exported(after, &passphrase()).unwrap();
    // The request is remembered, and stands for what it has become.
    let asked = managed_request().with_idempotency_key("once");
    assert_eq!(managed.request(asked).await.unwrap(), *id);
}
