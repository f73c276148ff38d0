//! AWS Certificate Manager. The facts are those of its API reference, each under its operation's
//! name, unless said otherwise.

use std::time::Duration;

use private_ca::managed::VALIDITY_DAYS;
use private_ca::{
    Certificate, EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey,
    Timestamp,
};
use serde_json::{Value, json};

use super::authorities::DAY;
use super::wire::{
    Answer, AwsError, add_tags, blob, moment, number_within, optional_text, outside_model, page,
    random_hex, random_uuid, refuse, remove_tags, text, text_within,
};
use super::{ACCOUNT, Pending, State};

/// How long RequestCertificate's idempotency tokens are remembered.
const TOKEN_LIFE: Duration = Duration::from_secs(3600);
/// "Managed certificate renewal in ACM".
pub(super) const RENEWED_AHEAD: Duration = Duration::from_secs(60 * 86_400);

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Status {
    PendingValidation,
    Issued,
    Failed(&'static str),
    /// ACM looks for the records of a public certificate for 72 hours ("CertificateDetail", `Status`).
    TimedOut,
}

/// How the last renewal went.
#[derive(Debug, Clone)]
pub(super) struct Renewal {
    pub status: &'static str,
    pub reason: Option<&'static str>,
    pub updated_at: Timestamp,
    /// While it goes on.
    pub pending: Option<Pending>,
}

/// The key, its certificate, and the PEM of the chain above it.
#[derive(Debug, Clone)]
pub(super) struct Material {
    pub key: PrivateKey,
    pub certificate: Certificate,
    pub chain_pem: String,
}

pub(super) struct Managed {
    pub arn: String,
    pub domain_names: Vec<String>,
    pub key_algorithm: KeyAlgorithm,
    /// As AWS writes it in requests.
    key_algorithm_name: String,
    /// None for a public certificate.
    pub authority_arn: Option<String>,
    pub status: Status,
    pub issuing: Pending,
    pub material: Option<Material>,
    /// What Describe still shows for a while.
    pub stale: Option<(u32, Material)>,
    pub renewal: Option<Renewal>,
    pub is_exported: bool,
    pub export_held_back: Option<Pending>,
    pub used_by: Vec<String>,
    /// For each domain name, the record by which it is validated.
    pub records: Vec<(String, String)>,
    not_found_for: u32,
    without_records_for: u32,
    is_exportable: bool,
    pub created_at: Timestamp,
    pub issued_at: Option<Timestamp>,
    token: Option<String>,
    tags: Vec<Value>,
}

impl Managed {
    /// "Managed certificate renewal in ACM": once it is exported or in use.
    pub fn is_eligible_for_renewal(&self) -> bool {
        self.status == Status::Issued && (self.is_exported || !self.used_by.is_empty())
    }

    fn describe(&mut self, now: Timestamp) -> Value {
        let shown = match &mut self.stale {
            Some((left, material)) if *left > 0 => {
                *left -= 1;
                Some(material.certificate.clone())
            }
            _ => self.material.as_ref().map(|material| material.certificate.clone()),
        };
        let is_private = self.authority_arn.is_some();
        let mut described = json!({
            "CertificateArn": self.arn,
            "DomainName": self.domain_names[0],
            "SubjectAlternativeNames": self.domain_names,
            "CreatedAt": moment(self.created_at),
            // In answers it has a hyphen, where requests have an underscore (user guide,
            // "Describe ACM certificates").
            "KeyAlgorithm": self.key_algorithm_name.replace('_', "-"),
            "InUseBy": self.used_by,
            "Type": if is_private { "PRIVATE" } else { "AMAZON_ISSUED" },
            "RenewalEligibility":
                if self.is_eligible_for_renewal() { "ELIGIBLE" } else { "INELIGIBLE" },
            "Options": {
                "CertificateTransparencyLoggingPreference":
                    if is_private { "DISABLED" } else { "ENABLED" },
                "Export": if self.is_exportable { "ENABLED" } else { "DISABLED" },
            },
            "Status": match self.status {
                Status::PendingValidation => "PENDING_VALIDATION",
                Status::Issued if shown.as_ref().is_some_and(|shown| now > shown.validity().not_after) => "EXPIRED",
                Status::Issued => "ISSUED",
                Status::Failed(_) => "FAILED",
                Status::TimedOut => "VALIDATION_TIMED_OUT",
            },
        });
        if let Status::Failed(reason) = self.status {
            described["FailureReason"] = json!(reason);
        }
        if let Some(arn) = &self.authority_arn {
            described["CertificateAuthorityArn"] = json!(arn);
        }
        if let Some(certificate) = shown {
            let validity = certificate.validity();
            described["Serial"] = json!(with_colons(&certificate.serial_number().to_string()));
            described["Subject"] = json!(certificate.subject().to_string());
            described["Issuer"] = json!(certificate.issuer().common_name());
            described["NotBefore"] = moment(validity.not_before);
            described["NotAfter"] = moment(validity.not_after);
        }
        if let Some(issued_at) = self.issued_at {
            described["IssuedAt"] = moment(issued_at);
        }
        if let Some(renewal) = &self.renewal {
            described["RenewalSummary"] = json!({
                "RenewalStatus": renewal.status,
                "DomainValidationOptions": [],
                "UpdatedAt": moment(renewal.updated_at),
            });
            if let Some(reason) = renewal.reason {
                described["RenewalSummary"]["RenewalStatusReason"] = json!(reason);
            }
        }
        if !is_private {
            let with_records = self.without_records_for == 0;
            self.without_records_for = self.without_records_for.saturating_sub(1);
            let is_valid = self.status == Status::Issued;
            let options = self.domain_names.iter().zip(&self.records).map(|(domain, record)| {
                let mut option = json!({
                    "DomainName": domain,
                    "ValidationDomain": domain,
                    "ValidationStatus": if is_valid { "SUCCESS" } else { "PENDING_VALIDATION" },
                    "ValidationMethod": "DNS",
                });
                if with_records {
                    option["ResourceRecord"] =
                        json!({"Name": record.0, "Type": "CNAME", "Value": record.1});
                }
                option
            });
            described["DomainValidationOptions"] = options.collect();
        }
        described
    }
}

fn with_colons(hex: &str) -> String {
    let octets: Vec<&str> = (0..hex.len()).step_by(2).map(|at| &hex[at..at + 2]).collect();
    octets.join(":")
}

impl State {
    pub(super) fn use_certificate(&mut self, arn: &str, used_by: &str) {
        let managed = self.managed.iter_mut().find(|managed| managed.arn == arn).unwrap();
        managed.used_by.push(used_by.to_owned());
    }

    pub(super) fn acm(&mut self, operation: &str, body: &Value) -> Answer {
        let now = self.now();
        match operation {
            "RequestCertificate" => self.request_certificate(body),
            "ListCertificates" => self.list_certificates(body),
            "DescribeCertificate" => {
                let managed = self.managed_of(body)?;
                if managed.not_found_for > 0 {
                    managed.not_found_for -= 1;
                    return no_certificate(&managed.arn);
                }
                Ok(json!({"Certificate": managed.describe(now)}))
            }
            "GetCertificate" => {
                let managed = self.managed_of(body)?;
                let material = issued(managed)?;
                Ok(json!({
                    "Certificate": material.certificate.to_pem(),
                    "CertificateChain": material.chain_pem,
                }))
            }
            "ExportCertificate" => self.export_certificate(body),
            "RenewCertificate" => self.renew_certificate(body),
            "DeleteCertificate" => {
                let managed = self.managed_of(body)?;
                if !managed.used_by.is_empty() {
                    return refuse(
                        "ResourceInUseException",
                        format!("Certificate {} is in use", managed.arn),
                    );
                }
                let arn = managed.arn.clone();
                self.managed.retain(|managed| managed.arn != arn);
                Ok(json!({}))
            }
            "AddTagsToCertificate" => {
                add_tags(&mut self.managed_of(body)?.tags, body.get("Tags"))?;
                Ok(json!({}))
            }
            "RemoveTagsFromCertificate" => {
                remove_tags(&mut self.managed_of(body)?.tags, body.get("Tags"));
                Ok(json!({}))
            }
            "ListTagsForCertificate" => Ok(json!({"Tags": self.managed_of(body)?.tags})),
            other => refuse("UnknownOperationException", format!("There is no {other}")),
        }
    }

    /// The certificate that a call is about, brought up to date.
    fn managed_of(&mut self, body: &Value) -> Result<&mut Managed, AwsError> {
        let arn = text(body, "CertificateArn")?;
        if !arn.starts_with(&format!("arn:{}:acm:", self.partition)) {
            return refuse("InvalidArnException", format!("The ARN {arn} is not valid"));
        }
        match self.managed.iter().position(|managed| managed.arn == arn) {
            Some(position) => {
                self.settle_managed(position);
                Ok(&mut self.managed[position])
            }
            None => no_certificate(arn),
        }
    }

    fn request_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let domain_name = text_within(body, "DomainName", 1..=253)?;
        let domain_name = domain_name.map_or_else(|| text(body, "DomainName"), Ok)?.to_owned();
        let token = text_within(body, "IdempotencyToken", 1..=32)?.map(str::to_owned);
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if let Some(token) = token.as_ref().filter(|token| !token.chars().all(is_word)) {
            return outside_model(
                token,
                "idempotencyToken",
                r"Member must satisfy regular expression pattern: \w+",
            );
        }
        // The token alone decides: another request with it gives the earlier certificate.
        let known = self.managed.iter().find(|managed| {
            token.is_some() && managed.token == token && now < managed.created_at.plus(TOKEN_LIFE)
        });
        if let Some(known) = known {
            return Ok(json!({"CertificateArn": known.arn}));
        }
        // It becomes the common name: "The first domain name you enter cannot exceed 64 octets".
        if domain_name.len() > 64 {
            return refuse(
                "InvalidParameterException",
                "The first domain name can be no longer than 64 octets",
            );
        }
        let mut domain_names = vec![domain_name];
        let more = body.get("SubjectAlternativeNames").and_then(Value::as_array);
        for name in more.into_iter().flatten().filter_map(Value::as_str) {
            if !domain_names.iter().any(|known| known == name) {
                domain_names.push(name.to_owned());
            }
        }
        if let Some(bad) = domain_names.iter().find(|name| !is_domain_name(name)) {
            return outside_model(
                bad,
                "domainName",
                "Member must satisfy regular expression pattern: (\\*\\.)?(((?!-)[A-Za-z0-9-]{0,62}[A-Za-z0-9])\\.)+((?!-)[A-Za-z0-9-]{1,62}[A-Za-z0-9])",
            );
        }
        let authority_arn = optional_text(body, "CertificateAuthorityArn").map(str::to_owned);
        let prefix = format!("arn:{}:acm-pca:", self.partition);
        if let Some(arn) = authority_arn.as_ref().filter(|arn| !arn.starts_with(&prefix)) {
            return refuse("InvalidArnException", format!("The ARN {arn} is not valid"));
        }
        let key_algorithm_name = optional_text(body, "KeyAlgorithm").unwrap_or("RSA_2048");
        // User guide, "ACM certificate characteristics and limitations": what ACM makes itself.
        let key_algorithm = match key_algorithm_name {
            "RSA_2048" => KeyAlgorithm::RSA_2048,
            "EC_prime256v1" => KeyAlgorithm::EcdsaP256,
            "EC_secp384r1" => KeyAlgorithm::EcdsaP384,
            other => {
                return refuse("InvalidParameterException", format!("ACM makes no {other} keys"));
            }
        };
        let mut tags = Vec::new();
        add_tags(&mut tags, body.get("Tags"))?;
        let is_private = authority_arn.is_some();
        // "DNS validation": a name and its wildcard share one record.
        let mut of_domains: Vec<(&str, (String, String))> = Vec::new();
        let mut records = Vec::new();
        for domain in domain_names.iter().filter(|_| !is_private) {
            let domain = domain.trim_start_matches("*.");
            let known = of_domains.iter().find(|(known, _)| *known == domain);
            let record = known.map_or_else(
                || {
                    (
                        format!("_{}.{domain}.", random_hex(16)),
                        format!("_{}.{}.acm-validations.aws.", random_hex(16), random_hex(5)),
                    )
                },
                |(_, record)| record.clone(),
            );
            of_domains.push((domain, record.clone()));
            records.push(record);
        }
        let arn = self.arn("acm", ACCOUNT, &format!("certificate/{}", random_uuid()));
        let behaviour = &self.behaviour;
        self.managed.push(Managed {
            arn: arn.clone(),
            key_algorithm,
            key_algorithm_name: key_algorithm_name.to_owned(),
            status: Status::PendingValidation,
            issuing: Pending::new(behaviour.acm_issuing, now),
            material: None,
            stale: None,
            renewal: None,
            is_exported: false,
            export_held_back: None,
            used_by: Vec::new(),
            records,
            not_found_for: behaviour.describe_not_found,
            without_records_for: behaviour.describe_without_records,
            is_exportable: is_private || body["Options"]["Export"] == "ENABLED",
            created_at: now,
            issued_at: None,
            token,
            tags,
            domain_names,
            authority_arn,
        });
        Ok(json!({"CertificateArn": arn}))
    }

    fn list_certificates(&mut self, body: &Value) -> Answer {
        let now = self.now();
        number_within(body, "MaxItems", 1..=1000, 1000)?;
        for position in 0..self.managed.len() {
            self.settle_managed(position);
        }
        // "Default filtering returns only RSA_1024 and RSA_2048 certificates": the others have to be
        // asked for by name.
        let wanted = |field: &Value, name: &str, default: &[&str]| match field.as_array() {
            Some(wanted) => wanted.iter().any(|wanted| wanted == name),
            None => default.is_empty() || default.contains(&name),
        };
        let key_types = &body["Includes"]["keyTypes"];
        let summaries: Vec<Value> = self
            .managed
            .iter_mut()
            .filter(|managed| {
                wanted(key_types, &managed.key_algorithm_name, &["RSA_1024", "RSA_2048"])
            })
            .map(|managed| {
                let described = managed.describe(now);
                let mut summary = json!({"Exported": managed.is_exported});
                for field in [
                    "CertificateArn",
                    "DomainName",
                    "Status",
                    "Type",
                    "KeyAlgorithm",
                    "NotBefore",
                    "NotAfter",
                    "CreatedAt",
                    "IssuedAt",
                    "RenewalEligibility",
                ] {
                    if let Some(value) = described.get(field) {
                        summary[field] = value.clone();
                    }
                }
                summary["InUse"] = json!(!managed.used_by.is_empty());
                summary
            })
            .filter(|summary| {
                wanted(&body["CertificateStatuses"], summary["Status"].as_str().unwrap(), &[])
            })
            .collect();
        let (certificates, next) = page(body, "NextToken", summaries, self.behaviour.page_size)?;
        Ok(json!({"CertificateSummaryList": certificates, "NextToken": next}))
    }

    fn export_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let passphrase = blob(body, "Passphrase")?;
        if !(4..=128).contains(&passphrase.len()) {
            return outside_model(
                "java.nio.HeapByteBuffer",
                "passphrase",
                "Member must have length between 4 and 128",
            );
        }
        // User guide, "Export a private certificate": any ASCII character but #, $ and %.
        if passphrase.iter().any(|octet| !octet.is_ascii() || b"#$%".contains(octet)) {
            return refuse(
                "ValidationException",
                "The passphrase has characters that are not allowed",
            );
        }
        let (key, chain_pem) =
            (self.behaviour.exported_key.clone(), self.behaviour.exported_chain.clone());
        let managed = self.managed_of(body)?;
        if !managed.is_exportable {
            return refuse(
                "ValidationException",
                format!("Certificate ARN: {} is not a private certificate", managed.arn),
            );
        }
        if managed.export_held_back.as_mut().is_some_and(|held_back| !held_back.is_done(now)) {
            return refuse("RequestInProgressException", "The certificate is being renewed");
        }
        let material = issued(managed)?.clone();
        managed.is_exported = true;
        let passphrase = Passphrase::new(passphrase);
        let key = key.as_ref().unwrap_or(&material.key);
        let key = EncryptedPrivateKey::encrypt(key, &passphrase, EncryptionPreset::Acm);
        Ok(json!({
            "Certificate": material.certificate.to_pem(),
            "CertificateChain": chain_pem.unwrap_or(material.chain_pem),
            "PrivateKey": key.unwrap().to_pem(),
        }))
    }

    fn renew_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let renewing = Pending::new(self.behaviour.renewing, now);
        let managed = self.managed_of(body)?;
        if managed.renewal.as_ref().is_some_and(|renewal| renewal.pending.is_some()) {
            return refuse("RequestInProgressException", "The certificate is being renewed");
        }
        // "At this time, only exported private certificates can be renewed with this operation."
        if managed.authority_arn.is_none() || !managed.is_exported {
            return refuse(
                "ValidationException",
                format!("Certificate {} is not eligible for renewal", managed.arn),
            );
        }
        managed.renewal = Some(Renewal {
            status: "PENDING_AUTO_RENEWAL",
            reason: None,
            updated_at: now,
            pending: Some(renewing),
        });
        Ok(json!({}))
    }
}

/// What an issued certificate has, or why there is nothing.
fn issued(managed: &Managed) -> Result<&Material, AwsError> {
    match (&managed.status, &managed.material) {
        (Status::Issued, Some(material)) => Ok(material),
        (Status::PendingValidation, _) => refuse(
            "RequestInProgressException",
            format!("The certificate {} is not issued yet", managed.arn),
        ),
        _ => {
            refuse("ValidationException", format!("The certificate {} was not issued", managed.arn))
        }
    }
}

fn no_certificate<T>(arn: &str) -> Result<T, AwsError> {
    refuse("ResourceNotFoundException", format!("Could not find certificate {arn}"))
}

/// The pattern of `DomainName`: at least two labels, the first of which may be an asterisk.
fn is_domain_name(name: &str) -> bool {
    let labels: Vec<&str> = name.trim_start_matches("*.").split('.').collect();
    let is_label = |label: &&str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    labels.len() >= 2 && labels.iter().all(is_label)
}

/// From issuing on; ACM's private certificates always last 395 days ("ACM certificate
/// characteristics and limitations").
pub(super) fn private_end(now: Timestamp) -> Timestamp {
    now.plus(DAY * VALIDITY_DAYS)
}
