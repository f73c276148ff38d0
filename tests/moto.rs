//! moto, which nobody here wrote, in AWS's place: what it reads and answers on the wire is its own
//! reading of AWS's API.
//!
//! Where it does not do as AWS's documentation says, AWS is right, and the test says so beside what
//! moto does instead. Of moto 5.2:
//!
//! - A CA's key is RSA 2048, whatever is asked for, and every signature is with SHA-512. AWS signs with
//!   the algorithm that `IssueCertificate` names.
//! - Every certificate is valid for 365 days from now. AWS does as asked.
//! - Of the templates it knows `RootCACertificate` and `EndEntityCertificate`; certificates of any other
//!   have no extensions but the request's names. On AWS the template decides.
//! - A certificate's chain is the CA's own certificate. AWS gives everything up to the root.
//! - Serial numbers of revoked certificates are compared as text in capitals. AWS takes hexadecimal, and
//!   its examples are in small letters.
//! - A CA that is disabled goes on issuing, deletion needs no disabling, and nothing is restored.
//! - Idempotency tokens of AWS Private CA are not looked at.
//! - There are no permissions: whatever ACM is asked for, it issues.
#![cfg(all(feature = "aws", feature = "connect", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "a test that is skipped says so")]

#[path = "support/contract.rs"]
mod contract;
#[path = "support/moto.rs"]
mod moto;

use std::time::Duration;

use aws_sdk_acm::primitives::Blob;
use contract::ManagedDiffers;
use moto::{Moto, REGION};
use private_ca::authority::CaState;
use private_ca::authority::acm_pca::{CaKind, CaOwner, UsageMode};
use private_ca::authority::aws::{Arn, AwsConnection};
use private_ca::connect::{ConnectError, Frontend, Probe, TlsVersion};
use private_ca::key::{KeyDerivation, Prf};
use private_ca::managed::{CertificateStatus, ManagedError};
use private_ca::verify::Purpose;
use private_ca::{
    Acm, AcmPca, AcmPcaOptions, CaError, CertificateAuthority, CertificateId, CertificatePurpose,
    CertificateRequest, EncryptedPrivateKey, Identity, IssueRequest, IssuedCertificate,
    KeyAlgorithm, LocalCa, LocalCaOptions, ManagedCertificates, ManagedRequest, Passphrase,
    PrivateKey, RequestedValidity, Revocation, RevocationReason, SubjectAlternativeName, Timestamp,
    Verification, Verifier,
};

const DAY: Duration = Duration::from_secs(86_400);

fn options(subject: &str) -> AcmPcaOptions {
    AcmPcaOptions::new(subject.parse().unwrap()).with_usage_mode(UsageMode::ShortLived)
}

async fn root(connection: &AwsConnection, subject: &str) -> AcmPca {
    AcmPca::create_root(connection, options(subject)).await.unwrap()
}

fn request(key: &PrivateKey, purpose: CertificatePurpose) -> IssueRequest {
    let names = [SubjectAlternativeName::dns("worker.acme.internal").unwrap()];
    let request =
        CertificateRequest::new(key, "O=Acme,CN=worker-1".parse().unwrap(), &names).unwrap();
    IssueRequest::new(request, purpose, RequestedValidity::days(5))
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn verifies(ca: &AcmPca, issued: &IssuedCertificate, anchor: &private_ca::Certificate) {
    let verifier = Verifier::new([anchor.clone()]).unwrap();
    let verification = Verification::new(Purpose::Client);
    let verified = verifier.verify(&issued.certificate, issued.chain.certificates(), &verification);
    verified.unwrap_or_else(|error| panic!("{}: {error}", ca.arn()));
}

#[tokio::test]
async fn a_root_is_created_described_listed_shared_and_deleted() {
    let Some(moto) = Moto::start() else { return };
    let connection = moto.connection();

    let wanted = options("C=DE,O=Acme,CN=Acme Root");
    let ca = AcmPca::create(&connection, &wanted, CaKind::Root).await.unwrap();
    assert_eq!(ca.describe().await.unwrap().state, CaState::PendingCertificate);
    // Before there is a certificate there is nothing to issue from, and the state says why.
    let early = ca.issue(request(&key(), CertificatePurpose::Client)).await.unwrap_err();
    assert!(
        matches!(early, CaError::State { state: CaState::PendingCertificate, .. }),
        "{early:?}"
    );

    // The signing request, the root's certificate, the import.
    ca.install_root(RequestedValidity::days(3650)).await.unwrap();
    let description = ca.describe().await.unwrap();
    assert_eq!(description.state, CaState::Active);
    assert_eq!(description.kind, CaKind::Root);
    assert_eq!(description.common_name.as_deref(), Some("Acme Root"));
    assert_eq!(description.key_algorithm, Some(KeyAlgorithm::RSA_2048));
    assert_eq!(description.signing_algorithm, "SHA256WITHRSA");
    assert_eq!(description.arn, *ca.arn());
    assert_eq!(description.owner_account, ca.arn().account());
    assert_eq!(ca.arn().region(), REGION);
    let chain = ca.certificate_chain().await.unwrap();
    let [certificate] = chain.certificates() else { panic!("{chain:?}") };
    assert!(certificate.is_ca() && certificate.is_self_issued());
    assert_eq!(certificate.subject().to_string(), "C=DE,O=Acme,CN=Acme Root");
    assert_eq!(description.validity, Some(certificate.validity()));
    // AWS would give ten years.
    let validity = certificate.validity();
    assert_eq!(validity.not_after.since(validity.not_before), 365 * DAY);
    // Installed is installed.
    ca.install_root(RequestedValidity::days(3650)).await.unwrap();
    assert_eq!(ca.certificate_chain().await.unwrap(), chain);

    let listed = AcmPca::list(&connection, CaOwner::Own).await.unwrap();
    assert_eq!(listed, [description]);
    assert_eq!(AcmPca::list(&connection, CaOwner::Others).await.unwrap(), []);

    assert_eq!(ca.policy().await.unwrap(), None);
    let policy = r#"{"Version":"2012-10-17","Statement":[]}"#;
    ca.put_policy(policy).await.unwrap();
    assert_eq!(ca.policy().await.unwrap().as_deref(), Some(policy));
    ca.delete_policy().await.unwrap();
    assert_eq!(ca.policy().await.unwrap(), None);

    ca.disable().await.unwrap();
    assert_eq!(ca.describe().await.unwrap().state, CaState::Disabled);
    ca.enable().await.unwrap();
    assert_eq!(ca.describe().await.unwrap().state, CaState::Active);
    ca.delete(7).await.unwrap();
    assert_eq!(ca.describe().await.unwrap().state, CaState::Deleted);

    let nobody: Arn = format!("{}0", ca.arn()).parse().unwrap();
    let nobody = AcmPca::new(&connection, nobody).unwrap();
    let error = nobody.describe().await.unwrap_err();
    assert!(matches!(error, CaError::NoSuchCa { .. }), "{error:?}");
}

/// Moto forgets the idempotency token, and keeps the tags, by which a CA is found again.
#[tokio::test]
async fn a_ca_is_found_again_by_its_tags() {
    let Some(moto) = Moto::start() else { return };
    let connection = moto.connection();
    let wanted = options("CN=Acme Root").with_idempotency_key("the root").with_tag("team", "blue");
    root(&connection, "CN=Another").await;
    let first = AcmPca::create(&connection, &wanted, CaKind::Root).await.unwrap();
    // As after a crash between creation and installation.
    let again = AcmPca::create_root(&connection, wanted.clone()).await.unwrap();
    assert_eq!(again.arn(), first.arn());
    assert_eq!(again.describe().await.unwrap().state, CaState::Active);
    assert_eq!(AcmPca::create_root(&connection, wanted).await.unwrap().arn(), first.arn());
    let other = options("CN=Other Root").with_idempotency_key("the root");
    let error = AcmPca::create_root(&connection, other).await.unwrap_err();
    assert!(matches!(error, CaError::IdempotencyConflict { .. }), "{error:?}");
    assert_eq!(AcmPca::list(&connection, CaOwner::Own).await.unwrap().len(), 2);

    let tags = aws_sdk_acmpca::Client::new(&moto.sdk_config())
        .list_tags()
        .certificate_authority_arn(first.arn().as_str())
        .send()
        .await
        .unwrap();
    assert!(tags.tags().iter().any(|tag| tag.key() == "team" && tag.value() == Some("blue")));
}

#[tokio::test]
async fn certificates_are_issued_fetched_and_revoked() {
    let Some(moto) = Moto::start() else { return };
    let ca = root(&moto.connection(), "O=Acme,CN=Acme Root").await;
    let anchor = ca.certificate_chain().await.unwrap().certificates()[0].clone();
    let key = key();

    let issued = ca.issue(request(&key, CertificatePurpose::ClientAndServer)).await.unwrap();
    verifies(&ca, &issued, &anchor);
    let certificate = &issued.certificate;
    assert_eq!(certificate.public_key_der(), key.public_key_der());
    assert_eq!(certificate.subject().to_string(), "O=Acme,CN=worker-1");
    let names = [SubjectAlternativeName::dns("worker.acme.internal").unwrap()];
    assert_eq!(certificate.subject_alternative_names(), names);
    assert_eq!(certificate.extended_key_usage().map(|usages| usages.len()), Some(2));
    assert_eq!(issued.chain, ca.certificate_chain().await.unwrap());

    // Submitted and fetched later; with a template that moto does not know.
    let id = ca.submit(request(&key, CertificatePurpose::Client)).await.unwrap();
    assert!(id.as_str().starts_with(&format!("{}/certificate/", ca.arn())), "{id}");
    let fetched = ca.certificate(id.clone()).await.unwrap();
    verifies(&ca, &fetched, &anchor);
    assert_eq!(fetched.certificate.extended_key_usage(), None);

    // A template by name overrides the purpose's.
    let with_template = ca.clone().with_template("EndEntityCertificate").unwrap();
    let issued = with_template.issue(request(&key, CertificatePurpose::Client)).await.unwrap();
    assert_eq!(issued.certificate.extended_key_usage().map(|usages| usages.len()), Some(2));

    // What moto ignores is noticed: it writes the signing request's names, and AWS those of the call.
    let other = [SubjectAlternativeName::dns("other.acme.internal").unwrap()];
    let request = request(&key, CertificatePurpose::Client);
    let request = request.with_subject_alternative_names(other.to_vec());
    let error = ca.issue(request).await.unwrap_err();
    assert!(matches!(error, CaError::WrongAnswer { .. }), "{error:?}");

    let revocation =
        Revocation::new(fetched.certificate.serial_number(), RevocationReason::Superseded);
    ca.revoke(revocation).await.unwrap();

    let elsewhere = CertificateId::new(format!("{}0/certificate/00", ca.arn()));
    let error = ca.certificate(elsewhere).await.unwrap_err();
    assert!(matches!(error, CaError::NotFound { .. }), "{error:?}");
}

#[tokio::test]
async fn a_subordinate_issues_below_a_root_elsewhere() {
    let Some(moto) = Moto::start() else { return };
    let connection = moto.connection();
    let above = LocalCaOptions::new("O=Acme,CN=Offline Root".parse().unwrap());
    let above = LocalCa::in_memory_root(above).unwrap();
    let wanted = options("O=Acme,CN=Issuing").with_validity(RequestedValidity::days(1000));
    let ca = AcmPca::create_subordinate(&connection, &above, wanted).await.unwrap();
    let description = ca.describe().await.unwrap();
    assert_eq!((description.kind, description.state), (CaKind::Subordinate, CaState::Active));
    let chain = ca.certificate_chain().await.unwrap();
    assert_eq!(chain.certificates().len(), 2);
    assert_eq!(chain.certificates()[1], above.chain().certificates()[0]);
    assert_eq!(chain.certificates()[0].basic_constraints().unwrap().path_len, Some(0));

    let issued = ca.issue(request(&key(), CertificatePurpose::Client)).await.unwrap();
    verifies(&ca, &issued, &above.chain().certificates()[0]);
}

/// Moto does not know the templates for subordinate CAs, and its certificate is no CA's. AWS's are.
#[tokio::test]
async fn a_subordinate_that_is_no_ca_is_not_installed() {
    let Some(moto) = Moto::start() else { return };
    let connection = moto.connection();
    let above = root(&connection, "O=Acme,CN=Acme Root").await;
    let wanted = options("O=Acme,CN=Issuing").with_validity(RequestedValidity::days(30));
    let error = AcmPca::create_subordinate(&connection, &above, wanted).await.unwrap_err();
    let CaError::NotInstalled { ca, source } = error else { panic!("{error:?}") };
    assert!(matches!(*source, CaError::WrongAnswer { .. }), "{source:?}");
    let left = AcmPca::new(&connection, ca.parse().unwrap()).unwrap();
    assert_eq!(left.describe().await.unwrap().state, CaState::PendingCertificate);
}

/// Moto answers what it has not with a page of HTML and status 500, as a proxy in between would.
#[tokio::test]
async fn an_answer_that_is_not_aws_s_is_an_error() {
    let Some(moto) = Moto::start() else { return };
    let ca = root(&moto.connection(), "CN=Acme Root").await;
    for error in [ca.grant_acm().await.unwrap_err(), ca.restore().await.unwrap_err()] {
        assert!(
            matches!(error, CaError::Unreachable { .. } | CaError::Backend { .. }),
            "{error:?}"
        );
    }
}

/// The steps of the contract that moto can take. The others are about what it ignores: templates,
/// validity, idempotency tokens, what is asked beyond the signing request, and who was revoked.
#[tokio::test]
async fn the_contract_holds_as_far_as_moto_goes() {
    let Some(moto) = Moto::start() else { return };
    let connection = moto.connection();
    let ca = root(&connection, "O=Acme,CN=Acme Root").await;
    let issued = ca.issue(contract::client("CN=worker")).await.unwrap();
    contract::gives_out_again(&ca, &issued).await;
    contract::refuses_what_it_cannot_cover(&ca).await;

    let managed = Acm::of_ca(&connection, ca.arn().clone()).unwrap();
    contract::refuses_bad_names_and_keys(&managed).await;
    contract::knows_no_other(&managed, &ManagedDiffers::acm()).await;
}

#[tokio::test]
async fn a_worker_connects_with_a_certificate_of_this_ca() {
    let Some(moto) = Moto::start() else { return };
    let clients = root(&moto.connection(), "O=Acme,CN=Acme Root").await;
    let key = key();
    let issued = clients.issue(request(&key, CertificatePurpose::Client)).await.unwrap();
    let mut certificates = vec![issued.certificate];
    certificates.extend_from_slice(issued.chain.certificates());
    let worker = Identity::new(certificates, key).unwrap();

    let servers = LocalCa::in_memory().unwrap();
    let frontend_key = self::key();
    let name = ["localhost".parse().unwrap()];
    let signing_request =
        CertificateRequest::new(&frontend_key, "CN=localhost".parse().unwrap(), &name).unwrap();
    let (purpose, validity) = (CertificatePurpose::Server, RequestedValidity::days(1));
    let server = servers.issue(IssueRequest::new(signing_request, purpose, validity)).await;
    let server = Identity::new(vec![server.unwrap().certificate], frontend_key).unwrap();
    let trusted = clients.certificate_chain().await.unwrap();
    let frontend = Frontend::start(&server, &trusted).await.unwrap();

    let probe = Probe::new("localhost", frontend.address().port(), servers.chain().clone());
    for version in [TlsVersion::Tls12, TlsVersion::Tls13] {
        let probe = probe.clone().with_version(version);
        let connection = probe.clone().with_identity(worker.clone()).connect().await.unwrap();
        assert_eq!(connection.greeting, b"hello O=Acme,CN=worker-1\n");
        let stranger = probe.connect().await.unwrap_err();
        assert!(matches!(stranger, ConnectError::Refused { .. }), "{stranger:?}");
    }
}

/// Moto signs a managed certificate with its own key, in the name of one of Amazon's intermediates,
/// and gives that intermediate as the chain. AWS gives the chain of the CA that was asked for. Moto also
/// makes RSA keys only, writes serial numbers in decimal, and renews nothing.
#[tokio::test]
async fn an_export_whose_chain_is_another_s_is_refused_and_its_key_is_read() {
    let Some(moto) = Moto::start() else { return };
    let connection = moto.connection();
    let ca = root(&connection, "O=Acme,CN=Acme Root").await;
    let managed = Acm::of_ca(&connection, ca.arn().clone()).unwrap();
    let wanted = ManagedRequest::new("worker.acme.internal")
        .with_subject_alternative_names(vec!["second.acme.internal".into()])
        .with_idempotency_key("worker");
    let id = managed.request(wanted.clone()).await.unwrap();
    assert_eq!(managed.request(wanted).await.unwrap(), id);
    let issued = managed.wait_until_issued(id.clone()).await.unwrap();
    assert_eq!(issued.domain_name, "worker.acme.internal");
    assert!(matches!(issued.status, CertificateStatus::Issued { .. }), "{issued:?}");
    assert!(issued.validity.unwrap().contains(Timestamp::now()));
    let client = aws_sdk_acm::Client::new(&moto.sdk_config());
    let detail = client.describe_certificate().certificate_arn(id.as_str()).send().await.unwrap();
    let mut names = detail.certificate.unwrap().subject_alternative_names.unwrap();
    names.sort();
    assert_eq!(names, ["second.acme.internal", "worker.acme.internal"]);

    let passphrase = Passphrase::new(*b"correct horse");
    let error = managed.export(id.clone(), passphrase.clone()).await.unwrap_err();
    let ManagedError::WrongExport { reason, .. } = &error else { panic!("{error:?}") };
    assert!(reason.contains("does not verify under the chain beside it"), "{reason}");

    let exported = client
        .export_certificate()
        .certificate_arn(id.as_str())
        .passphrase(Blob::new(passphrase.expose()))
        .send()
        .await
        .unwrap();
    let pem = exported.private_key().unwrap();
    let encrypted = EncryptedPrivateKey::from_pem_or_der(pem.as_bytes()).unwrap();
    // ACM's own is HMAC-SHA-1.
    let kdf = encrypted.scheme().kdf;
    assert!(matches!(kdf, KeyDerivation::Pbkdf2 { prf: Prf::HmacSha256, .. }), "{kdf}");
    let key = encrypted.decrypt(&passphrase).unwrap();
    let certificate = exported.certificate().unwrap();
    let certificate = private_ca::Certificate::from_pem_or_der(certificate.as_bytes()).unwrap();
    assert_eq!(key.public_key_der(), certificate.public_key_der());
    assert!(encrypted.decrypt(&Passphrase::new(*b"wrong horse")).is_err());

    let error = managed.renew(id.clone()).await.unwrap_err();
    assert!(matches!(error, ManagedError::NotRenewable { .. }), "{error:?}");
    managed.delete(id.clone()).await.unwrap();
    let error = managed.describe(id).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::NotFound { .. })), "{error:?}");
}

/// Moto looks at no DNS: it calls a certificate validated after a second.
#[cfg(feature = "route53")]
#[tokio::test]
async fn a_public_certificate_s_records_are_written() {
    use aws_sdk_route53::types::RrType;

    let Some(moto) = Moto::start() else { return };
    let managed = Acm::public(&moto.connection(), true);
    let names = vec!["*.acme.example".to_owned()];
    let wanted = ManagedRequest::new("acme.example").with_subject_alternative_names(names);
    let id = managed.request(wanted).await.unwrap();
    let error = managed.create_validation_records(id.clone()).await.unwrap_err();
    assert!(matches!(error, ManagedError::NoHostedZone { .. }), "{error:?}");

    let dns = aws_sdk_route53::Client::new(&moto.sdk_config());
    let zone = dns.create_hosted_zone().name("acme.example").caller_reference("1").send().await;
    let zone = zone.unwrap().hosted_zone.unwrap().id;
    let written = managed.create_validation_records(id.clone()).await.unwrap();
    assert_eq!(written.len(), 2);
    let found = dns.list_resource_record_sets().hosted_zone_id(zone).send().await.unwrap();
    let found: Vec<_> = found
        .resource_record_sets()
        .iter()
        .filter(|set| *set.r#type() == RrType::Cname)
        .map(|set| (set.name(), set.resource_records()[0].value()))
        .collect();
    let record = written[0].record.as_ref().unwrap();
    assert_eq!(found, [(record.name.as_str(), record.value.as_str())]);

    managed.wait_until_issued(id).await.unwrap();
}
