//! The DNS records that ACM wants to see, created in Route 53.

use std::time::Duration;

use aws_sdk_route53::Client;
use aws_sdk_route53::client::Waiters as _;
use aws_sdk_route53::types::{
    Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType,
};
use tokio::time::timeout;

use super::Acm;
use crate::authority::aws::{Call, incomplete};
use crate::authority::{CaError, CertificateId};
use crate::managed::{CnameRecord, DomainValidation, ManagedError};

/// Seconds that resolvers keep the record.
const TIME_TO_LIVE: i64 = 300;

impl Acm {
    /// Creates the DNS records that a public certificate waits for, each in the public hosted zone of
    /// this account that is nearest to its name, and waits until Route 53 has spread them. Records
    /// that are there already are written again, which changes nothing.
    ///
    /// They have to stay: ACM renews the certificate as long as it finds them.
    ///
    /// # Errors
    /// [`ManagedError::NoHostedZone`]; those of [`Acm::validation_records`].
    pub async fn create_validation_records(
        &self,
        id: CertificateId,
    ) -> Result<Vec<DomainValidation>, ManagedError> {
        let validations = self.validation_records(id).await?;
        let client = Client::new(self.connection.sdk_config());
        let mut changes = Vec::new();
        let mut written: Vec<&CnameRecord> = Vec::new();
        for validation in &validations {
            // A name and its wildcard share one record.
            let Some(record) = validation.record.as_ref().filter(|r| !written.contains(r)) else {
                continue;
            };
            written.push(record);
            if !is_validation_of(record, &validation.domain_name) {
                return Err(ManagedError::WrongRecord {
                    name: record.name.clone(),
                    value: record.value.clone(),
                });
            }
            let zone = hosted_zone(&client, &record.name)
                .await?
                .ok_or_else(|| ManagedError::NoHostedZone { name: record.name.clone() })?;
            changes.push(write(&client, &zone, record).await?);
        }
        self.connection.waiting_for("Route 53 to spread the DNS records");
        for change in changes {
            let waiter =
                client.wait_until_resource_record_sets_changed().id(&change).wait(self.deadline);
            let late = || CaError::Backend {
                operation: "GetChange",
                source: "Route 53 has not spread the record yet; ask again later".into(),
            };
            let waited = timeout(self.deadline + Duration::from_secs(1), waiter).await;
            if let Err(error) = waited.map_err(|_| late())? {
                let call = Call::route53("GetChange", Some(&change));
                return Err(call.failed_waiting(error).unwrap_or_else(late).into());
            }
        }
        Ok(validations)
    }
}

/// Whether a record is one by which ACM validates this domain (User Guide, "DNS validation"): it is
/// about to be written over whatever has its name.
fn is_validation_of(record: &CnameRecord, domain_name: &str) -> bool {
    let domain_name = domain_name.strip_prefix("*.").unwrap_or(domain_name);
    let (name, value) = (record.name.trim_end_matches('.'), record.value.trim_end_matches('.'));
    let is_named = name.split_once('.').is_some_and(|(label, rest)| {
        label.starts_with('_') && rest.eq_ignore_ascii_case(domain_name)
    });
    is_named && value.starts_with('_') && value.ends_with(".acm-validations.aws")
}

/// The id of the nearest public hosted zone above a name.
async fn hosted_zone(client: &Client, name: &str) -> Result<Option<String>, CaError> {
    let mut rest = name.trim_end_matches('.');
    while let Some((_, parent)) = rest.split_once('.') {
        rest = parent;
        // Listed in the order of names, from this one on; several zones may have the same name.
        let mut from: Option<String> = None;
        loop {
            let request = client.list_hosted_zones_by_name().dns_name(rest);
            let answer = request.set_hosted_zone_id(from).send().await;
            let answer = answer
                .map_err(|error| Call::route53("ListHostedZonesByName", None).failed(error))?;
            let is_it = |name: &str| name.trim_end_matches('.').eq_ignore_ascii_case(rest);
            let zones = answer.hosted_zones();
            for zone in zones.iter().filter(|zone| is_it(zone.name())) {
                if !zone.config().is_some_and(|config| config.private_zone()) {
                    return Ok(Some(zone.id().to_owned()));
                }
            }
            let all_it = zones.iter().all(|zone| is_it(zone.name()));
            if !(answer.is_truncated() && all_it && answer.next_dns_name().is_some_and(is_it)) {
                break;
            }
            from = answer.next_hosted_zone_id().map(ToOwned::to_owned);
        }
    }
    Ok(None)
}

/// The id of the change.
async fn write(client: &Client, zone: &str, record: &CnameRecord) -> Result<String, CaError> {
    const OPERATION: &str = "ChangeResourceRecordSets";
    let wrong = |error| CaError::Backend {
        operation: "writing a DNS record for AWS",
        source: Box::new(error),
    };
    let value = ResourceRecord::builder().value(&record.value).build().map_err(wrong)?;
    let set = ResourceRecordSet::builder()
        .name(&record.name)
        .r#type(RrType::Cname)
        .ttl(TIME_TO_LIVE)
        .resource_records(value)
        .build()
        .map_err(wrong)?;
    let change = Change::builder()
        .action(ChangeAction::Upsert)
        .resource_record_set(set)
        .build()
        .map_err(wrong)?;
    let batch = ChangeBatch::builder().changes(change).build().map_err(wrong)?;
    let answer = client
        .change_resource_record_sets()
        .hosted_zone_id(zone)
        .change_batch(batch)
        .send()
        .await
        .map_err(|error| Call::route53(OPERATION, Some(zone)).failed(error))?;
    let change = answer.change_info.ok_or_else(|| incomplete(OPERATION, "ChangeInfo"))?;
    Ok(change.id)
}
