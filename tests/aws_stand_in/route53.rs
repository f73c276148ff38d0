use aws_sdk_acm::Client as Acm;
use aws_sdk_acm::types::{CertificateStatus, ValidationMethod};
use aws_sdk_route53::Client as Route53;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ChangeStatus, ResourceRecord, ResourceRecordSet, RrType,
};

use super::aws::Readiness;
use super::*;

fn change(action: ChangeAction, name: &str, value: &str) -> ChangeBatch {
    let record = ResourceRecord::builder().value(value).build().unwrap();
    let set = ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::Cname)
        .ttl(300)
        .resource_records(record)
        .build()
        .unwrap();
    let change = Change::builder().action(action).resource_record_set(set).build().unwrap();
    ChangeBatch::builder().changes(change).build().unwrap()
}

#[tokio::test]
async fn a_public_certificate_is_issued_once_its_record_is_there() {
    let aws = StandIn::start().await;
    let (acm, route53) = (Acm::new(&aws.sdk_config()), Route53::new(&aws.sdk_config()));
    aws.behave(|behaviour| behaviour.dns_change = Readiness::after_polls(1));
    let zone = aws.add_hosted_zone("acme.example", false);
    aws.add_hosted_zone("other.example", false);
    let requested = acm
        .request_certificate()
        .domain_name("*.acme.example")
        .validation_method(ValidationMethod::Dns)
        .send()
        .await
        .unwrap();
    let arn = requested.certificate_arn.unwrap();
    let describe = acm.describe_certificate().certificate_arn(&arn);
    let detail = describe.clone().send().await.unwrap().certificate.unwrap();
    assert_eq!(detail.status, Some(CertificateStatus::PendingValidation));
    let record = detail.domain_validation_options()[0].resource_record().unwrap();

    let zones = route53.list_hosted_zones_by_name().dns_name("acme.example").max_items(1);
    let zones = zones.send().await.unwrap();
    assert_eq!(zones.hosted_zones()[0].id(), format!("/hostedzone/{zone}"));
    assert_eq!(zones.next_dns_name(), Some("other.example."));
    let send = |id: &str, batch| {
        route53.change_resource_record_sets().hosted_zone_id(id).change_batch(batch).send()
    };
    let upsert = change(ChangeAction::Upsert, record.name(), record.value());
    assert_eq!(code(send("Z0", upsert.clone()).await), "NoSuchHostedZone");
    let outside = change(ChangeAction::Create, "www.other.example", "x.");
    assert_eq!(code(send(&zone, outside).await), "InvalidChangeBatch");
    let info = send(&zone, upsert).await.unwrap().change_info.unwrap();
    assert_eq!(info.status, ChangeStatus::Pending);
    let still = describe.clone().send().await.unwrap().certificate.unwrap();
    assert_eq!(still.status, Some(CertificateStatus::PendingValidation));
    let get_change = route53.get_change().id(info.id());
    get_change.clone().send().await.unwrap();
    let done = get_change.send().await.unwrap().change_info.unwrap();
    assert_eq!(done.status, ChangeStatus::Insync);
    let issued = describe.send().await.unwrap().certificate.unwrap();
    assert_eq!(issued.status, Some(CertificateStatus::Issued));
    let records = route53.list_resource_record_sets().hosted_zone_id(&zone).send().await.unwrap();
    assert_eq!(records.resource_record_sets()[0].name(), record.name());
    assert!(aws.calls().iter().any(|call| call.action() == "route53:ChangeResourceRecordSets"));
}
