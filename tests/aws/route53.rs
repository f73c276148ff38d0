//! Public certificates, and the DNS records that they wait for.

use private_ca::managed::{CertificateStatus, ManagedError};
use private_ca::{CaError, Identity, ManagedCertificates, ManagedRequest, Passphrase};

use super::aws::Readiness;
use super::*;

fn request(name: &str) -> ManagedRequest {
    ManagedRequest::new(name).with_key_algorithm(KeyAlgorithm::EcdsaP256)
}

fn zones_written(aws: &StandIn, name: &str) -> bool {
    aws.dns_record(name, "CNAME").is_some()
}

#[tokio::test]
async fn a_public_certificate_is_validated_issued_and_exported() {
    let (aws, connection) = start().await;
    aws.behave(|behaviour| behaviour.describe_without_records = 1);
    aws.add_hosted_zone("acme.example", false);
    let acm = Acm::public(&connection, true).with_deadline(SOON);
    let asked = request("acme.example")
        .with_subject_alternative_names(vec!["*.acme.example".into(), "www.acme.example".into()]);
    let id = acm.request(asked).await.unwrap();
    let calls = aws.calls();
    let body = &calls.iter().find(|call| call.operation == "RequestCertificate").unwrap().body;
    assert_eq!(body["ValidationMethod"], "DNS");
    assert_eq!(body["Options"], serde_json::json!({"Export": "ENABLED"}));
    assert!(body.get("CertificateAuthorityArn").is_none());

    let wanted = acm.validation_records(id.clone()).await.unwrap();
    assert_eq!(wanted.len(), 3);
    assert!(wanted.iter().all(|validation| !validation.is_validated));
    let written = acm.create_validation_records(id.clone()).await.unwrap();
    assert_eq!(written, wanted);
    for validation in &wanted {
        let record = validation.record.as_ref().unwrap();
        assert_eq!(aws.dns_record(&record.name, "CNAME").as_ref(), Some(&record.value));
    }
    // A name and its wildcard share one.
    assert_eq!(aws.count("ChangeResourceRecordSets"), 2);
    let issued = acm.wait_until_issued(id.clone()).await.unwrap();
    assert!(issued.domain_validations.iter().all(|validation| validation.is_validated));
    let passphrase = Passphrase::new(*b"correct horse");
    let exported = acm.export(id.clone(), passphrase.clone()).await.unwrap();
    assert_eq!(exported.certificate.subject_alternative_names().len(), 3);
    Identity::from_exported(exported, &passphrase).unwrap();
    // Once more changes nothing.
    acm.create_validation_records(id.clone()).await.unwrap();
    let error = acm.renew(id).await.unwrap_err();
    assert!(matches!(error, ManagedError::NotRenewable { .. }), "{error}");
}

#[tokio::test]
async fn records_go_into_the_nearest_public_zone() {
    let (aws, connection) = start().await;
    // One zone on each page of the list.
    aws.behave(|behaviour| behaviour.page_size = 1);
    aws.add_hosted_zone("example", false);
    aws.add_hosted_zone("payments.acme.example", true);
    aws.add_hosted_zone("acme.example", true);
    let nearest = aws.add_hosted_zone("acme.example", false);
    aws.add_hosted_zone("other.example", false);
    let acm = Acm::public(&connection, false).with_deadline(SOON);
    let id = acm.request(request("www.payments.acme.example")).await.unwrap();
    let written = acm.create_validation_records(id.clone()).await.unwrap();
    assert!(zones_written(&aws, &written[0].record.as_ref().unwrap().name));
    acm.wait_until_issued(id.clone()).await.unwrap();
    let route53 = aws_sdk_route53::Client::new(&aws.sdk_config());
    let records = route53.list_resource_record_sets().hosted_zone_id(nearest);
    assert_eq!(records.send().await.unwrap().resource_record_sets().len(), 1);
    // It was not asked for as one that can be exported.
    let error = acm.export(id, Passphrase::new(*b"correct horse")).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::Backend { .. })), "{error}");
}

#[tokio::test]
async fn without_a_public_zone_the_record_is_named() {
    let (aws, connection) = start().await;
    aws.add_hosted_zone("acme.example", true);
    aws.add_hosted_zone("other.example", false);
    let acm = Acm::public(&connection, true).with_deadline(Duration::from_millis(200));
    let id = acm.request(request("www.acme.example")).await.unwrap();
    let error = acm.create_validation_records(id.clone()).await.unwrap_err();
    let ManagedError::NoHostedZone { name } = &error else { panic!("{error}") };
    let wanted = acm.validation_records(id.clone()).await.unwrap();
    assert_eq!(*name, wanted[0].record.as_ref().unwrap().name);
    assert_eq!(aws.count("ChangeResourceRecordSets"), 0);
    let error = acm.wait_until_issued(id.clone()).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::Unfinished { .. })), "{error}");
    aws.advance(Duration::from_secs(4 * 86_400));
    let error = acm.wait_until_issued(id).await.unwrap_err();
    let ManagedError::NotIssued { status, .. } = &error else { panic!("{error}") };
    assert_eq!(*status, CertificateStatus::ValidationTimedOut);
    assert!(error.to_string().contains("72 hours"), "{error}");
}

#[tokio::test]
async fn records_that_do_not_spread_in_time_and_a_caller_who_may_not() {
    let (aws, connection) = start().await;
    aws.add_hosted_zone("acme.example", false);
    aws.behave(|behaviour| behaviour.dns_change = Readiness::never());
    let acm = Acm::public(&connection, true).with_deadline(Duration::from_millis(200));
    let id = acm.request(request("www.acme.example")).await.unwrap();
    let error = acm.create_validation_records(id.clone()).await.unwrap_err();
    assert!(error.to_string().contains("ask again later"), "{error}");
    let allowed = vec!["acm:DescribeCertificate".to_owned()];
    aws.behave(|behaviour| behaviour.allowed_actions = Some(allowed));
    let error = acm.create_validation_records(id).await.unwrap_err();
    let ManagedError::Ca(CaError::AccessDenied { action, .. }) = &error else { panic!("{error}") };
    assert_eq!(action, "route53:ListHostedZonesByName");
}
