use std::time::Duration;

use aws_sdk_acm::Client as Acm;
use aws_sdk_acm::operation::request_certificate::builders::RequestCertificateFluentBuilder;
use aws_sdk_acm::primitives::Blob as AcmBlob;
use aws_sdk_acm::types::{
    CertificateDetail, CertificateStatus, FailureReason, Filters, KeyAlgorithm as AcmKey,
    RenewalEligibility, RenewalStatus, ValidationMethod,
};
use private_ca::{EncryptedPrivateKey, ExportedCertificate, Passphrase};

use super::aws::Readiness;
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

async fn start_acm() -> (StandIn, Client, Acm) {
    let (aws, client) = start().await;
    let acm = Acm::new(&aws.sdk_config());
    (aws, client, acm)
}

fn request(acm: &Acm, authority: &str) -> RequestCertificateFluentBuilder {
    acm.request_certificate()
        .domain_name("worker.acme.internal")
        .subject_alternative_names("standby.acme.internal")
        .key_algorithm(AcmKey::EcPrime256v1)
        .certificate_authority_arn(authority)
}

async fn arn_of(request: RequestCertificateFluentBuilder) -> String {
    request.send().await.unwrap().certificate_arn.unwrap()
}

async fn describe(acm: &Acm, arn: &str) -> CertificateDetail {
    acm.describe_certificate().certificate_arn(arn).send().await.unwrap().certificate.unwrap()
}

async fn export(acm: &Acm, arn: &str) -> (Certificate, String, String) {
    let exported =
        acm.export_certificate().certificate_arn(arn).passphrase(AcmBlob::new("correct"));
    let exported = exported.send().await.unwrap();
    (
        parse(&exported.certificate.unwrap()),
        exported.certificate_chain.unwrap(),
        exported.private_key.unwrap(),
    )
}

#[tokio::test]
async fn a_private_certificate_is_requested_and_exported() {
    let (aws, client, acm) = start_acm().await;
    let ca = root(&client, years(3)).await;
    grant_acm(&client, &ca).await;
    aws.behave(|behaviour| {
        behaviour.acm_issuing = Readiness::after_polls(1);
        behaviour.describe_not_found = 1;
    });
    let call = request(&acm, &ca).idempotency_token("once");
    let arn = arn_of(call.clone()).await;
    assert_eq!(arn_of(call.clone().domain_name("other.acme.internal")).await, arn);
    assert_eq!(code(call.idempotency_token("not-a-word").send().await), "ValidationException");
    let lagging = acm.describe_certificate().certificate_arn(&arn).send().await;
    assert_eq!(code(lagging), "ResourceNotFoundException");
    let detail = describe(&acm, &arn).await;
    assert_eq!(detail.status, Some(CertificateStatus::Issued));
    assert_eq!(detail.certificate_authority_arn(), Some(ca.as_str()));
    assert!(detail.serial().unwrap().contains(':'));
    let seconds = detail.not_after.unwrap().secs() - aws.now().unix_seconds();
    assert!((394 * 86_400..=395 * 86_400).contains(&seconds));

    for (passphrase, refused) in [("abc", true), ("with#hash", true), ("good", false)] {
        let export = acm.export_certificate().certificate_arn(&arn);
        let result = export.passphrase(AcmBlob::new(passphrase)).send().await;
        assert_eq!(code(result) == "ValidationException", refused, "{passphrase}");
    }
    let (leaf, chain, key) = export(&acm, &arn).await;
    assert_eq!(leaf.subject_alternative_names().len(), 2);
    assert_eq!(chain.matches("BEGIN").count(), 1, "the chain is without the leaf");
    let key = EncryptedPrivateKey::from_pem_or_der(key.as_bytes()).unwrap();
    let passphrase = Passphrase::new(*b"correct");
    assert_eq!(key.decrypt(&passphrase).unwrap().public_key_der(), leaf.public_key_der());
    let chain = private_ca::CertificateChain::from_pem_or_der(chain.as_bytes()).unwrap();
    let exported = ExportedCertificate::new(leaf, chain, key);
    private_ca::Identity::from_exported(exported, &passphrase).unwrap();

    // What is not RSA is listed only when it is asked for.
    assert!(acm.list_certificates().send().await.unwrap().certificate_summary_list().is_empty());
    let all = Filters::builder().key_types(AcmKey::EcPrime256v1).build();
    let listed = acm.list_certificates().includes(all).send().await.unwrap();
    assert_eq!(listed.certificate_summary_list()[0].exported(), Some(true));
    aws.use_certificate(&arn, "arn:aws:elasticloadbalancing:eu-central-1:123456789012:x");
    let used = acm.delete_certificate().certificate_arn(&arn).send().await;
    assert_eq!(code(used), "ResourceInUseException");
}

#[tokio::test]
async fn what_the_ca_does_not_allow_fails() {
    let (_aws, client, acm) = start_acm().await;
    let ca = root(&client, years(3)).await;
    let brief = root(&client, days(390)).await;
    grant_acm(&client, &brief).await;
    let new = create(&client, CertificateAuthorityType::Root, "Not installed").await;
    grant_acm(&client, &new).await;
    let gone = format!("{new}0");
    for (authority, reason) in [
        (&ca, FailureReason::PcaAccessDenied),
        (&brief, FailureReason::PcaInvalidDuration),
        (&new, FailureReason::PcaInvalidState),
        (&gone, FailureReason::PcaResourceNotFound),
    ] {
        let arn = arn_of(request(&acm, authority)).await;
        let detail = describe(&acm, &arn).await;
        assert_eq!(detail.status, Some(CertificateStatus::Failed));
        assert_eq!(detail.failure_reason, Some(reason));
        let export =
            acm.export_certificate().certificate_arn(&arn).passphrase(AcmBlob::new("good"));
        assert_eq!(code(export.send().await), "ValidationException");
    }
    let rsa = request(&acm, &ca).key_algorithm(AcmKey::Rsa4096).send().await;
    assert_eq!(code(rsa), "InvalidParameterException");
    let long = format!("{}.acme.internal", "a".repeat(60));
    let long = request(&acm, &ca).domain_name(long).send().await;
    assert_eq!(code(long), "InvalidParameterException");
}

#[tokio::test]
async fn a_renewal_has_a_new_key_and_has_to_be_exported_again() {
    let (aws, _client, acm) = start_acm().await;
    let ca = aws.add_root("Acme Root CA", "RSA_2048", 3);
    aws.grant_acm(&ca);
    let arn = arn_of(request(&acm, &ca)).await;
    let renew = acm.renew_certificate().certificate_arn(&arn);
    assert_eq!(code(renew.clone().send().await), "ValidationException", "not exported yet");
    let (before, ..) = export(&acm, &arn).await;
    let detail = describe(&acm, &arn).await;
    assert_eq!(detail.renewal_eligibility, Some(RenewalEligibility::Eligible));

    aws.behave(|behaviour| {
        behaviour.renewing = Readiness::after_polls(1);
        behaviour.describe_stale_after_renewal = 1;
        behaviour.export_after_renewal = Readiness::after_polls(1);
    });
    renew.clone().send().await.unwrap();
    assert_eq!(code(renew.send().await), "RequestInProgressException");
    let stale = describe(&acm, &arn).await;
    assert_eq!(stale.renewal_summary.unwrap().renewal_status, RenewalStatus::Success);
    assert_eq!(stale.serial.unwrap().replace(':', ""), before.serial_number().to_string());
    let held_back = acm.export_certificate().certificate_arn(&arn).passphrase(AcmBlob::new("good"));
    assert_eq!(code(held_back.send().await), "RequestInProgressException");
    let (after, ..) = export(&acm, &arn).await;
    let fresh = describe(&acm, &arn).await;
    assert_eq!(fresh.serial.unwrap().replace(':', ""), after.serial_number().to_string());
    assert_ne!(after.public_key_der(), before.public_key_der());

    // By itself, 60 days ahead.
    aws.advance(DAY * 334);
    assert_eq!(export(&acm, &arn).await.0, after);
    aws.advance(DAY * 2);
    aws.behave(|behaviour| behaviour.export_after_renewal = Readiness::at_once());
    describe(&acm, &arn).await;
    describe(&acm, &arn).await;
    assert_ne!(export(&acm, &arn).await.0, after);
}

#[tokio::test]
async fn a_public_certificate_waits_for_its_record() {
    let (aws, _client, acm) = start_acm().await;
    aws.behave(|behaviour| behaviour.describe_without_records = 1);
    let arn = arn_of(
        acm.request_certificate()
            .domain_name("www.acme.example")
            .validation_method(ValidationMethod::Dns),
    )
    .await;
    let early = describe(&acm, &arn).await;
    assert_eq!(early.status, Some(CertificateStatus::PendingValidation));
    assert!(early.domain_validation_options()[0].resource_record().is_none());
    let detail = describe(&acm, &arn).await;
    let record = detail.domain_validation_options()[0].resource_record().unwrap();
    assert!(record.name().ends_with(".www.acme.example."));
    let get = acm.get_certificate().certificate_arn(&arn).send().await;
    assert_eq!(code(get), "RequestInProgressException");
    aws.advance(DAY * 4);
    let detail = describe(&acm, &arn).await;
    assert_eq!(detail.status, Some(CertificateStatus::ValidationTimedOut));
}
