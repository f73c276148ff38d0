//! As much of Route 53 as DNS validation needs: hosted zones, their records, changes. The facts are
//! those of the Route 53 API reference, each under its operation's name.

use super::wire::{AwsError, random_hex, refuse};
use super::{Pending, State};

pub(super) struct Zone {
    id: String,
    /// With a dot at its end.
    name: String,
    is_private: bool,
    records: Vec<Record>,
}

#[derive(Debug, Clone, PartialEq)]
struct Record {
    name: String,
    record_type: String,
    ttl: String,
    values: Vec<String>,
    /// The change that made it; it is seen once that is in sync.
    change_id: String,
}

const NAMESPACE: &str = "https://route53.amazonaws.com/doc/2013-04-01/";

/// The operation of a REST request.
pub(super) fn operation(method: &str, target: &str) -> &'static str {
    let path = target.split('?').next().unwrap_or_default().trim_start_matches("/2013-04-01/");
    let parts: Vec<&str> = path.split('/').collect();
    match (method, parts.as_slice()) {
        ("GET", ["hostedzonesbyname"]) => "ListHostedZonesByName",
        ("GET", ["hostedzone"]) => "ListHostedZones",
        ("GET", ["hostedzone", _]) => "GetHostedZone",
        ("POST", ["hostedzone", _, "rrset" | "rrset/"]) => "ChangeResourceRecordSets",
        ("GET", ["hostedzone", _, "rrset"]) => "ListResourceRecordSets",
        ("GET", ["change", _]) => "GetChange",
        _ => "Unknown",
    }
}

/// `ErrorResponse`, as REST-XML has it.
pub(super) fn error(error: &AwsError) -> String {
    format!(
        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"{NAMESPACE}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{}</RequestId></ErrorResponse>",
        error.code,
        escape(&error.message),
        random_hex(16)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The contents of every element of that name; none of those read here holds another of its name.
fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut found = Vec::new();
    let mut rest = xml;
    while let Some((_, after)) = rest.split_once(&open) {
        let Some((contents, after)) = after.split_once(&close) else { break };
        found.push(contents);
        rest = after;
    }
    found
}

fn element(xml: &str, name: &str) -> String {
    elements(xml, name).first().map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Names without a dot at their end mean the same; Route 53 shows them in lower case with one.
fn absolute(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.').to_lowercase())
}

fn query(target: &str, field: &str) -> Option<String> {
    let query = target.split_once('?')?.1;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{field}=")))?;
    Some(value.replace("%2E", ".").replace("%2A", "*").replace("%5F", "_"))
}

impl Zone {
    fn to_xml(&self) -> String {
        format!(
            "<HostedZone><Id>/hostedzone/{}</Id><Name>{}</Name><CallerReference>{}</CallerReference><Config><PrivateZone>{}</PrivateZone></Config><ResourceRecordSetCount>{}</ResourceRecordSetCount></HostedZone>",
            self.id,
            self.name,
            self.id,
            self.is_private,
            self.records.len()
        )
    }

    /// "ListHostedZonesByName": ordered by the labels from the last on (`com.example.www`).
    fn order(&self) -> Vec<String> {
        reversed(&self.name)
    }
}

fn reversed(name: &str) -> Vec<String> {
    absolute(name).trim_end_matches('.').split('.').rev().map(str::to_owned).collect()
}

impl Record {
    fn to_xml(&self) -> String {
        let values: String = self
            .values
            .iter()
            .map(|value| {
                format!("<ResourceRecord><Value>{}</Value></ResourceRecord>", escape(value))
            })
            .collect();
        format!(
            "<ResourceRecordSet><Name>{}</Name><Type>{}</Type><TTL>{}</TTL><ResourceRecords>{values}</ResourceRecords></ResourceRecordSet>",
            self.name, self.record_type, self.ttl
        )
    }

    fn is_the_same_set(&self, other: &Self) -> bool {
        (&self.name, &self.record_type) == (&other.name, &other.record_type)
    }
}

impl State {
    pub(super) fn add_hosted_zone(&mut self, name: &str, is_private: bool) -> String {
        let id = format!("Z{}", random_hex(6).to_uppercase());
        let name = absolute(name);
        self.zones.push(Zone { id: id.clone(), name, is_private, records: Vec::new() });
        id
    }

    /// What the world sees: public zones, changes that are in sync.
    pub(super) fn dns_record(&self, name: &str, record_type: &str) -> Option<String> {
        let now = self.now();
        let name = absolute(name);
        let is_in_sync = |record: &Record| {
            let change = self.dns_changes.iter().find(|(id, _)| *id == record.change_id);
            change.is_none_or(|(_, pending)| pending.polls_left == 0 && now >= pending.ready_at)
        };
        self.zones
            .iter()
            .filter(|zone| !zone.is_private)
            .flat_map(|zone| &zone.records)
            .find(|record| record.name == name && record.record_type == record_type)
            .filter(|record| is_in_sync(record))
            .and_then(|record| record.values.first().cloned())
    }

    pub(super) fn route53(
        &mut self,
        operation: &str,
        target: &str,
        body: &str,
    ) -> Result<String, AwsError> {
        let path = target.split('?').next().unwrap_or_default();
        let id = path.split('/').nth(3).unwrap_or_default();
        let contents = match operation {
            "ListHostedZonesByName" => self.zones_by_name(target),
            "ListHostedZones" => {
                let zones: String = self.zones.iter().map(Zone::to_xml).collect();
                format!(
                    "<HostedZones>{zones}</HostedZones><Marker></Marker><IsTruncated>false</IsTruncated><MaxItems>100</MaxItems>"
                )
            }
            "GetHostedZone" => self.zone(id)?.to_xml(),
            "ListResourceRecordSets" => {
                let records: String = self.zone(id)?.records.iter().map(Record::to_xml).collect();
                format!(
                    "<ResourceRecordSets>{records}</ResourceRecordSets><IsTruncated>false</IsTruncated><MaxItems>300</MaxItems>"
                )
            }
            "ChangeResourceRecordSets" => self.change_records(id, body)?,
            "GetChange" => {
                let now = self.now();
                let change = self.dns_changes.iter_mut().find(|(known, _)| known == id);
                let Some((_, pending)) = change else {
                    return refuse("NoSuchChange", format!("There is no change {id}"));
                };
                let status = if pending.is_done(now) { "INSYNC" } else { "PENDING" };
                self.change_xml(id, status)
            }
            _ => return refuse("InvalidAction", format!("There is no {target}")),
        };
        Ok(format!(
            "<?xml version=\"1.0\"?><{operation}Response xmlns=\"{NAMESPACE}\">{contents}</{operation}Response>"
        ))
    }

    fn zone(&mut self, id: &str) -> Result<&mut Zone, AwsError> {
        match self.zones.iter_mut().find(|zone| zone.id == id) {
            Some(zone) => Ok(zone),
            None => Err(AwsError::new(
                404,
                "NoSuchHostedZone",
                format!("No hosted zone found with ID: {id}"),
            )),
        }
    }

    fn zones_by_name(&self, target: &str) -> String {
        let start = query(target, "dnsname").unwrap_or_default();
        let size = query(target, "maxitems").and_then(|size| size.parse().ok()).unwrap_or(100);
        let size = self.behaviour.page_size.min(size);
        let mut zones: Vec<&Zone> = self.zones.iter().collect();
        zones.sort_by_key(|zone| zone.order());
        if !start.is_empty() {
            zones.retain(|zone| zone.order() >= reversed(&start));
        }
        // Among those of one name, from this one on.
        if let Some(id) = query(target, "hostedzoneid") {
            let first = zones.iter().position(|zone| zone.id == id);
            zones.drain(..first.unwrap_or_default());
        }
        let next = zones.get(size).map_or_else(String::new, |next| {
            format!(
                "<NextDNSName>{}</NextDNSName><NextHostedZoneId>{}</NextHostedZoneId>",
                next.name, next.id
            )
        });
        let is_truncated = !next.is_empty();
        let shown: String = zones.iter().take(size).map(|zone| zone.to_xml()).collect();
        format!(
            "<HostedZones>{shown}</HostedZones><DNSName>{start}</DNSName><IsTruncated>{is_truncated}</IsTruncated>{next}<MaxItems>{size}</MaxItems>"
        )
    }

    fn change_xml(&self, id: &str, status: &str) -> String {
        format!(
            "<ChangeInfo><Id>/change/{id}</Id><Status>{status}</Status><SubmittedAt>{}</SubmittedAt></ChangeInfo>",
            self.now()
        )
    }

    /// All of a batch or nothing.
    fn change_records(&mut self, zone_id: &str, body: &str) -> Result<String, AwsError> {
        let now = self.now();
        let change_id = format!("C{}", random_hex(7).to_uppercase());
        let zone = self.zone(zone_id)?;
        let mut records = zone.records.clone();
        for change in elements(body, "Change") {
            let record = Record {
                name: absolute(&element(change, "Name")),
                record_type: element(change, "Type"),
                ttl: element(change, "TTL"),
                values: elements(change, "Value").iter().map(|value| (*value).to_owned()).collect(),
                change_id: change_id.clone(),
            };
            let invalid = |why: &str| {
                AwsError::new(
                    400,
                    "InvalidChangeBatch",
                    format!(
                        "[Tried to change resource record set [name='{}', type='{}'] but {why}]",
                        record.name, record.record_type
                    ),
                )
            };
            let is_inside =
                record.name == zone.name || record.name.ends_with(&format!(".{}", zone.name));
            if !is_inside {
                return Err(invalid(&format!("it is not permitted in zone {}", zone.name)));
            }
            let known = records.iter().position(|known| known.is_the_same_set(&record));
            match (element(change, "Action").as_str(), known) {
                ("CREATE", Some(_)) => return Err(invalid("it already exists")),
                ("DELETE", Some(at)) if records[at].values == record.values => {
                    records.remove(at);
                }
                ("DELETE", _) => return Err(invalid("it was not found")),
                ("UPSERT", Some(at)) => records[at] = record,
                ("CREATE" | "UPSERT", None) => records.push(record),
                _ => return Err(invalid("the action is not valid")),
            }
        }
        zone.records = records;
        self.dns_changes.push((change_id.clone(), Pending::new(self.behaviour.dns_change, now)));
        Ok(self.change_xml(&change_id, "PENDING"))
    }
}
