//! Managed certificates: why they fail, how they are waited for, exported and renewed.

use aws_sdk_acm::types::{FailureReason as AwsReason, Filters, KeyAlgorithm as AwsKey};
use private_ca::managed::{CertificateStatus, FailureReason, ManagedError};
use private_ca::{
    CaError, CertificateId, Identity, LocalCa, ManagedCertificates, ManagedRequest, Passphrase,
    PrivateKey,
};

use super::aws::{Cut, Fault, Readiness};
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn passphrase() -> Passphrase {
    Passphrase::new(*b"correct horse")
}

fn worker() -> ManagedRequest {
    ManagedRequest::new("worker.acme.internal").with_key_algorithm(KeyAlgorithm::EcdsaP256)
}

async fn issued(acm: &Acm) -> CertificateId {
    let id = acm.request(worker()).await.unwrap();
    acm.wait_until_issued(id.clone()).await.unwrap();
    id
}

#[test]
fn every_reason_that_acm_gives_has_a_cause_and_a_mend() {
    for code in AwsReason::values() {
        let reason = FailureReason::new(*code);
        let (Some(cause), Some(mend)) = (reason.cause(), reason.mend()) else {
            panic!("{code} is unknown")
        };
        assert_eq!(reason.to_string(), format!("{cause} ({code}): {mend}"));
    }
    assert_eq!(FailureReason::new("NEW_REASON").to_string(), "NEW_REASON");
}

#[tokio::test]
async fn what_keeps_the_private_ca_from_issuing_is_told_with_its_mend() {
    let (aws, connection) = start().await;
    let ungranted = root(&aws, &connection);
    let disabled = root(&aws, &connection);
    disabled.grant_acm().await.unwrap();
    disabled.disable().await.unwrap();
    let brief = p256("CN=Brief").with_validity(RequestedValidity::days(390));
    let brief = AcmPca::create_root(&connection, brief).await.unwrap();
    brief.grant_acm().await.unwrap();
    let gone = authority(&connection, &format!("{}0", brief.arn()));
    for (ca, code, mend) in [
        (&ungranted, "PCA_ACCESS_DENIED", "private-ca ca grant-acm --ca ARN"),
        (&disabled, "PCA_INVALID_STATE", "enable it"),
        (&brief, "PCA_INVALID_DURATION", "395 days"),
        (&gone, "PCA_RESOURCE_NOT_FOUND", "check the ARN"),
    ] {
        let acm = Acm::of_ca(&connection, ca.arn().clone()).unwrap().with_deadline(SOON);
        let id = acm.request(worker()).await.unwrap();
        let error = acm.wait_until_issued(id.clone()).await.unwrap_err();
        let ManagedError::NotIssued { id: named, status } = &error else { panic!("{error}") };
        assert_eq!(*named, id);
        let CertificateStatus::Failed { reason } = status else { panic!("{status}") };
        assert_eq!(reason.code(), code);
        assert!(error.to_string().contains(mend), "{error}");
        let error = acm.export(id.clone(), passphrase()).await.unwrap_err();
        assert!(matches!(error, ManagedError::NotIssued { .. }), "{error}");
        assert!(acm.renew(id).await.is_err());
    }
    // Granted, it issues; the one that failed stays failed.
    assert!(!ungranted.is_granted_to_acm().await.unwrap());
    ungranted.grant_acm().await.unwrap();
    ungranted.grant_acm().await.unwrap();
    assert!(ungranted.is_granted_to_acm().await.unwrap());
    issued(&Acm::of_ca(&connection, ungranted.arn().clone()).unwrap()).await;
}

#[tokio::test]
async fn a_description_that_lags_behind_its_request_is_waited_for() {
    let (aws, connection) = start().await;
    let acm = acm(&aws, &connection).with_deadline(Duration::from_secs(10));
    aws.behave(|behaviour| {
        behaviour.describe_not_found = 1;
        behaviour.acm_issuing = Readiness::after_polls(2);
    });
    let id = acm.request(worker()).await.unwrap();
    let described = acm.wait_until_issued(id.clone()).await.unwrap();
    assert_eq!(described.id, id);

    aws.behave(|behaviour| behaviour.acm_issuing = Readiness::never());
    let hasty = acm.with_deadline(Duration::from_millis(200));
    let id = hasty.request(worker()).await.unwrap();
    let error = hasty.export(id.clone(), passphrase()).await;
    assert!(matches!(error, Err(ManagedError::Ca(CaError::NotFound { .. }))), "{error:?}");
    let error = hasty.wait_until_issued(id.clone()).await.unwrap_err();
    assert!(matches!(&error, ManagedError::Ca(CaError::Unfinished { id: same }) if *same == id));
    let error = hasty.export(id.clone(), passphrase()).await.unwrap_err();
    let pending = CertificateStatus::PendingValidation;
    assert!(matches!(&error, ManagedError::NotIssued { status, .. } if *status == pending));
    hasty.delete(id.clone()).await.unwrap();
    let error = hasty.delete(id).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::NotFound { .. })), "{error}");
}

#[tokio::test]
async fn just_after_a_renewal_acm_s_lag_is_waited_for() {
    let (aws, connection) = start().await;
    let acm = acm(&aws, &connection).with_deadline(Duration::from_secs(10));
    let id = issued(&acm).await;
    let before = acm.export(id.clone(), passphrase()).await.unwrap();
    aws.behave(|behaviour| {
        behaviour.renewing = Readiness::after_polls(1);
        behaviour.describe_stale_after_renewal = 1;
        behaviour.export_after_renewal = Readiness::after_polls(1);
    });
    let renewed = acm.renew(id.clone()).await.unwrap();
    assert!(renewed.is_newer_than(&before.certificate));
    aws.forget_calls();
    let after = acm.export(id, passphrase()).await.unwrap();
    assert_eq!(Some(after.certificate.serial_number()), renewed.serial_number);
    assert_eq!(aws.count("ExportCertificate"), 2);
}

#[tokio::test]
async fn a_renewal_of_acm_s_own_is_noticed_and_exported_whole() {
    let (aws, connection) = start().await;
    let acm = acm(&aws, &connection).with_deadline(Duration::from_secs(10));
    let id = issued(&acm).await;
    let before = acm.export(id.clone(), passphrase()).await.unwrap();
    aws.behave(|behaviour| behaviour.describe_stale_after_renewal = 2);
    aws.advance(DAY * 340);
    // The description is still the old one, and the export is not.
    let after = acm.export(id.clone(), passphrase()).await.unwrap();
    assert_ne!(after.certificate.serial_number(), before.certificate.serial_number());
    let described = acm.describe(id).await.unwrap();
    assert_eq!(described.serial_number, Some(after.certificate.serial_number()));
    assert!(described.is_newer_than(&before.certificate));
    assert!(!described.is_newer_than(&after.certificate));
}

#[tokio::test]
async fn what_is_not_eligible_is_not_renewed() {
    let (aws, connection) = start().await;
    let acm = acm(&aws, &connection);
    let id = issued(&acm).await;
    let error = acm.renew(id.clone()).await.unwrap_err();
    let ManagedError::NotRenewable { id: named, reason } = &error else { panic!("{error}") };
    assert_eq!(*named, id);
    assert!(reason.contains("export this one first"), "{reason}");
    assert_eq!(aws.count("RenewCertificate"), 0);
    // In use it is eligible, and yet AWS renews on demand only what was exported.
    aws.use_certificate(id.as_str(), "arn:aws:elasticloadbalancing:eu-central-1:123456789012:x");
    let error = acm.renew(id.clone()).await.unwrap_err();
    assert!(matches!(error, ManagedError::NotRenewable { .. }), "{error}");
    acm.export(id.clone(), passphrase()).await.unwrap();
    acm.renew(id.clone()).await.unwrap();
    let error = acm.delete(id).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::Backend { .. })), "{error}");
}

#[tokio::test]
async fn a_renewal_that_fails_says_why_and_leaves_the_certificate() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    ca.grant_acm().await.unwrap();
    let acm = Acm::of_ca(&connection, ca.arn().clone()).unwrap().with_deadline(SOON);
    let id = issued(&acm).await;
    let before = acm.export(id.clone(), passphrase()).await.unwrap();
    ca.revoke_acm_grant().await.unwrap();
    let error = acm.renew(id.clone()).await.unwrap_err();
    let ManagedError::RenewalFailed { reason, .. } = &error else { panic!("{error}") };
    assert_eq!(reason.code(), "PCA_ACCESS_DENIED");
    assert!(error.to_string().contains("grant-acm"), "{error}");
    let described = acm.describe(id.clone()).await.unwrap();
    assert_eq!(described.renewal_failure.as_ref(), Some(reason));
    assert!(!described.is_newer_than(&before.certificate));
    assert_eq!(acm.export(id.clone(), passphrase()).await.unwrap().certificate, before.certificate);
    ca.grant_acm().await.unwrap();
    // AWS tells renewals apart by their times, and those have seconds here.
    aws.advance(Duration::from_secs(5));
    let renewed = acm.renew(id).await.unwrap();
    assert_eq!(renewed.renewal_failure, None);
    assert!(renewed.is_newer_than(&before.certificate));
}

#[tokio::test]
async fn a_renewal_that_is_under_way_is_joined() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    ca.grant_acm().await.unwrap();
    let acm = Acm::of_ca(&connection, ca.arn().clone()).unwrap().with_deadline(SOON);
    let id = issued(&acm).await;
    let before = acm.export(id.clone(), passphrase()).await.unwrap();
    aws.behave(|behaviour| behaviour.renewing = Readiness::after_polls(4));
    let hasty = acm.clone().with_deadline(Duration::from_millis(100));
    let error = hasty.renew(id.clone()).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::Unfinished { .. })), "{error}");
    let renewed = acm.renew(id).await.unwrap();
    assert!(renewed.is_newer_than(&before.certificate));
    // The CA's own, the first and one renewal.
    assert_eq!(aws.issued_by(ca.arn().as_str()).len(), 3);
}

#[tokio::test]
async fn an_export_whose_parts_do_not_belong_together_is_refused() {
    let (aws, connection) = start().await;
    let acm = acm(&aws, &connection);
    let id = issued(&acm).await;
    let another = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    aws.behave(|behaviour| behaviour.exported_key = Some(another));
    let error = acm.export(id.clone(), passphrase()).await.unwrap_err();
    let ManagedError::WrongExport { id: named, reason } = &error else { panic!("{error}") };
    assert_eq!(*named, id);
    assert!(reason.contains("key"), "{reason}");
    let stranger = LocalCa::in_memory().unwrap().chain().to_pem();
    aws.behave(|behaviour| {
        behaviour.exported_key = None;
        behaviour.exported_chain = Some(stranger);
    });
    let error = acm.export(id.clone(), passphrase()).await.unwrap_err();
    let ManagedError::WrongExport { reason, .. } = &error else { panic!("{error}") };
    assert!(reason.contains("chain"), "{reason}");
    aws.behave(|behaviour| behaviour.exported_chain = None);
    let exported = acm.export(id, passphrase()).await.unwrap();
    Identity::from_exported(exported, &passphrase()).unwrap();
}

#[tokio::test]
async fn what_is_requested_arrives_as_asked() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let acm = Acm::of_ca(&connection, ca.arn().clone()).unwrap();
    let names = vec!["standby.acme.internal".to_owned(), "worker.acme.internal".to_owned()];
    acm.request(worker().with_subject_alternative_names(names)).await.unwrap();
    let calls = aws.calls();
    let asked = calls.iter().find(|call| call.operation == "RequestCertificate").unwrap();
    let mut body = asked.body.clone();
    body.as_object_mut().unwrap().remove("IdempotencyToken").unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "DomainName": "worker.acme.internal",
            "SubjectAlternativeNames": ["standby.acme.internal"],
            "KeyAlgorithm": "EC_prime256v1",
            "CertificateAuthorityArn": ca.arn().as_str(),
        })
    );
}

#[tokio::test]
async fn a_lost_response_requests_only_one_certificate() {
    let (aws, connection) = start().await;
    let acm = acm(&aws, &connection);
    let lost = || Fault::CutAfterDoing(Cut::BeforeResponse);
    // The SDK asks again.
    aws.fail_next("RequestCertificate", 2, lost());
    acm.request(worker()).await.unwrap();
    assert_eq!(in_acm(&aws).await, 1);
    // It gives up, and the caller asks again with the same key.
    let asked = worker().with_idempotency_key("once");
    aws.fail_next("RequestCertificate", 3, lost());
    let error = acm.request(asked.clone()).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::Unreachable { .. })), "{error}");
    acm.request(asked).await.unwrap();
    assert_eq!(in_acm(&aws).await, 2);
}

/// How many certificates on P-256 ACM has.
async fn in_acm(aws: &StandIn) -> usize {
    let sdk = aws_sdk_acm::Client::new(&aws.sdk_config());
    let all = Filters::builder().key_types(AwsKey::EcPrime256v1).build();
    let listed = sdk.list_certificates().includes(all).send().await.unwrap();
    listed.certificate_summary_list().len()
}
