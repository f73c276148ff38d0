//! Certificate authorities: created, installed, looked at, changed, deleted. The facts are those of
//! the AWS Private CA API reference, each under its operation's name, unless said otherwise.

use std::time::Duration;

use private_ca::verify::Purpose;
use private_ca::{
    Certificate, CertificateChain, CertificateRequest, DistinguishedName, KeyAlgorithm, LocalCa,
    PrivateKey, Timestamp, Verification, Verifier,
};
use serde_json::{Value, json};

use super::issuing::Issued;
use super::wire::{
    Answer, AwsError, add_tags, blob, moment, number_within, optional_text, outside_model, page,
    random_uuid, refuse, remove_tags, text, text_within,
};
use super::{ACCOUNT, OTHER_ACCOUNT, Pending, State, certificates, names};

pub(super) const DAY: Duration = Duration::from_secs(86_400);
/// How long idempotency tokens of AWS Private CA are remembered.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(300);

/// A CA's own states; EXPIRED is DISABLED's or ACTIVE's after the certificate's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Creating,
    PendingCertificate,
    Failed,
    Active,
    Disabled,
    Deleted,
}

pub(super) struct Authority {
    pub arn: String,
    pub is_root: bool,
    pub key: PrivateKey,
    pub csr: CertificateRequest,
    pub status: Status,
    pub certificate: Option<Certificate>,
    pub chain: Vec<Certificate>,
    /// As it was sent, and as Describe shows it.
    pub configuration: Value,
    pub revocation: Value,
    pub usage_mode: String,
    key_storage_security_standard: String,
    created_at: Timestamp,
    changed_at: Timestamp,
    creating: Pending,
    creating_fails: bool,
    token: Option<String>,
    restorable_until: Option<Timestamp>,
    tags: Vec<Value>,
    pub permissions: Vec<Value>,
    pub policy: Option<String>,
    /// The templates that another account's CA may be used with.
    pub shared_for: Option<Vec<String>>,
    pub issued: Vec<Issued>,
    pub issue_tokens: Vec<(String, Timestamp, String)>,
    pub audit_reports: Vec<Value>,
}

impl Authority {
    /// The status as AWS writes it.
    pub fn status_at(&self, now: Timestamp) -> &'static str {
        let has_ended = |certificate: &Certificate| now > certificate.validity().not_after;
        match self.status {
            Status::Creating => "CREATING",
            Status::PendingCertificate => "PENDING_CERTIFICATE",
            Status::Failed => "FAILED",
            Status::Deleted => "DELETED",
            _ if self.certificate.as_ref().is_some_and(has_ended) => "EXPIRED",
            Status::Active => "ACTIVE",
            Status::Disabled => "DISABLED",
        }
    }

    /// User guide, "Understand AWS Private CA CA status", has a table of what can be done when.
    pub fn must_be(&self, states: &[&str], now: Timestamp) -> Result<(), AwsError> {
        if states.contains(&self.status_at(now)) { Ok(()) } else { wrong_state(self, now) }
    }

    pub fn id(&self) -> &str {
        self.arn.rsplit('/').next().unwrap()
    }

    /// A CA's creation goes on whenever somebody looks.
    fn settle(&mut self, now: Timestamp) {
        if self.status == Status::Creating && self.creating.is_done(now) {
            let outcome =
                if self.creating_fails { Status::Failed } else { Status::PendingCertificate };
            self.change(outcome, now);
        }
    }

    fn change(&mut self, status: Status, now: Timestamp) {
        self.status = status;
        self.changed_at = now;
    }

    fn describe(&self, now: Timestamp) -> Value {
        let mut described = json!({
            "Arn": self.arn,
            "OwnerAccount": if self.shared_for.is_some() { OTHER_ACCOUNT } else { ACCOUNT },
            "CreatedAt": moment(self.created_at),
            "LastStateChangeAt": moment(self.changed_at),
            "Type": if self.is_root { "ROOT" } else { "SUBORDINATE" },
            "Status": self.status_at(now),
            "CertificateAuthorityConfiguration": self.configuration,
            "RevocationConfiguration": self.revocation,
            "KeyStorageSecurityStandard": self.key_storage_security_standard,
            "UsageMode": self.usage_mode,
        });
        if let Some(certificate) = &self.certificate {
            described["Serial"] = json!(certificate.serial_number().to_string());
            described["NotBefore"] = moment(certificate.validity().not_before);
            described["NotAfter"] = moment(certificate.validity().not_after);
        }
        if self.status == Status::Failed {
            described["FailureReason"] = json!("REQUEST_TIMED_OUT");
        }
        if let Some(until) = self.restorable_until {
            described["RestorableUntil"] = moment(until);
        }
        described
    }
}

/// What `InvalidStateException` says; the wording is the stand-in's.
pub(super) fn wrong_state<T>(authority: &Authority, now: Timestamp) -> Result<T, AwsError> {
    let status = authority.status_at(now);
    refuse(
        "InvalidStateException",
        format!("The certificate authority {} is {status}", authority.arn),
    )
}

impl State {
    pub(super) fn private_ca(&mut self, operation: &str, body: &Value) -> Answer {
        self.check_share(operation, body)?;
        match operation {
            "CreateCertificateAuthority" => self.create_authority(body),
            "DescribeCertificateAuthority" => self.describe_authority(body),
            "GetCertificateAuthorityCsr" => self.authority_csr(body),
            "GetCertificateAuthorityCertificate" => self.authority_certificate(body),
            "ImportCertificateAuthorityCertificate" => self.import_authority_certificate(body),
            "ListCertificateAuthorities" => self.list_authorities(body),
            "UpdateCertificateAuthority" => self.update_authority(body),
            "DeleteCertificateAuthority" => self.delete_authority(body),
            "RestoreCertificateAuthority" => self.restore_authority(body),
            "TagCertificateAuthority" => {
                add_tags(&mut self.authority_of(body)?.tags, body.get("Tags"))?;
                Ok(json!({}))
            }
            "UntagCertificateAuthority" => {
                remove_tags(&mut self.authority_of(body)?.tags, body.get("Tags"));
                Ok(json!({}))
            }
            "ListTags" => {
                let tags = self.authority_of(body)?.tags.clone();
                let (tags, next) = page(body, "NextToken", tags, self.behaviour.page_size)?;
                Ok(json!({"Tags": tags, "NextToken": next}))
            }
            "IssueCertificate" => self.issue_certificate(body),
            "GetCertificate" => self.issued_certificate(body),
            "RevokeCertificate" => self.revoke_certificate(body),
            other => self.private_ca_sharing(other, body),
        }
    }

    /// The CA that a call is about.
    pub(super) fn authority_of(&mut self, body: &Value) -> Result<&mut Authority, AwsError> {
        let arn = text(body, "CertificateAuthorityArn")?;
        self.authority(arn)
    }

    pub(super) fn authority(&mut self, arn: &str) -> Result<&mut Authority, AwsError> {
        let now = self.now();
        let prefix = format!("arn:{}:acm-pca:", self.partition);
        if !arn.starts_with(&prefix) || !arn.contains(":certificate-authority/") {
            return refuse("InvalidArnException", format!("The ARN {arn} is not valid"));
        }
        let gone = |authority: &Authority| {
            authority.status == Status::Deleted
                && authority.restorable_until.is_none_or(|until| now > until)
        };
        self.authorities.retain(|authority| !gone(authority));
        match self.authorities.iter_mut().find(|authority| authority.arn == arn) {
            Some(authority) => {
                authority.settle(now);
                Ok(authority)
            }
            None => refuse(
                "ResourceNotFoundException",
                format!("Could not find certificate authority with ARN {arn}"),
            ),
        }
    }

    fn create_authority(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let token = text_within(body, "IdempotencyToken", 1..=36)?.map(str::to_owned);
        let known = self.authorities.iter().find(|authority| {
            token.is_some()
                && authority.token == token
                && now < authority.created_at.plus(TOKEN_LIFE)
        });
        if let Some(known) = known {
            return Ok(json!({"CertificateAuthorityArn": known.arn}));
        }
        let is_root = match text(body, "CertificateAuthorityType")? {
            "ROOT" => true,
            "SUBORDINATE" => false,
            other => {
                return outside_model(
                    other,
                    "certificateAuthorityType",
                    "Member must satisfy enum value set: [SUBORDINATE, ROOT]",
                );
            }
        };
        let configuration = &body["CertificateAuthorityConfiguration"];
        let key_algorithm = text(configuration, "KeyAlgorithm")?;
        let signing_algorithm = text(configuration, "SigningAlgorithm")?;
        // Which keys there are is the crate's say: it learns new ones.
        let invalid = |error: &dyn std::fmt::Display| {
            AwsError::new(400, "InvalidArgsException", format!("{key_algorithm}: {error}"))
        };
        let algorithm: KeyAlgorithm = key_algorithm.parse().map_err(|error| invalid(&error))?;
        if !certificates::fits(signing_algorithm, key_algorithm) {
            return refuse(
                "InvalidArgsException",
                format!("The signing algorithm {signing_algorithm} does not fit {key_algorithm}"),
            );
        }
        let usage_mode = optional_text(body, "UsageMode").unwrap_or("GENERAL_PURPOSE");
        let mut tags = Vec::new();
        add_tags(&mut tags, body.get("Tags"))?;
        let revocation = revocation_configuration(body.get("RevocationConfiguration"))?;
        let subject = names::subject(&configuration["Subject"])?;
        let subject = DistinguishedName::from_der(&subject).map_err(|error| invalid(&error))?;
        let key = LocalCa::generate_key(algorithm).map_err(|error| invalid(&error))?;
        let csr = CertificateRequest::new(&key, subject, &[]).map_err(|error| invalid(&error))?;
        let arn = self.arn("acm-pca", ACCOUNT, &format!("certificate-authority/{}", random_uuid()));
        // Most regions; the few others have FIPS_140_2_LEVEL_2_OR_HIGHER.
        let standard = optional_text(body, "KeyStorageSecurityStandard")
            .unwrap_or("FIPS_140_2_LEVEL_3_OR_HIGHER");
        let authority = Authority {
            arn: arn.clone(),
            is_root,
            key,
            csr,
            status: Status::Creating,
            certificate: None,
            chain: Vec::new(),
            configuration: configuration.clone(),
            revocation,
            usage_mode: usage_mode.to_owned(),
            key_storage_security_standard: standard.to_owned(),
            created_at: now,
            changed_at: now,
            creating: Pending::new(self.behaviour.creating, now),
            creating_fails: self.behaviour.creating_fails,
            token,
            restorable_until: None,
            tags,
            permissions: Vec::new(),
            policy: None,
            shared_for: None,
            issued: Vec::new(),
            issue_tokens: Vec::new(),
            audit_reports: Vec::new(),
        };
        self.authorities.push(authority);
        Ok(json!({"CertificateAuthorityArn": arn}))
    }

    fn describe_authority(&mut self, body: &Value) -> Answer {
        let now = self.now();
        Ok(json!({"CertificateAuthority": self.authority_of(body)?.describe(now)}))
    }

    fn authority_csr(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let authority = self.authority_of(body)?;
        match authority.status {
            Status::Creating => refuse(
                "RequestInProgressException",
                "The certificate authority is still being created",
            ),
            Status::Failed => refuse("RequestFailedException", "The request has failed"),
            Status::Deleted => wrong_state(authority, now),
            _ => Ok(json!({"Csr": authority.csr.to_pem()})),
        }
    }

    fn authority_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let authority = self.authority_of(body)?;
        match &authority.certificate {
            Some(certificate) if authority.status != Status::Deleted => {
                let mut answer = json!({"Certificate": certificate.to_pem()});
                // A root has none.
                if !authority.chain.is_empty() {
                    answer["CertificateChain"] = json!(pem_of(&authority.chain));
                }
                Ok(answer)
            }
            _ => wrong_state(authority, now),
        }
    }

    fn import_authority_certificate(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let authority = self.authority_of(body)?;
        authority.must_be(&["PENDING_CERTIFICATE", "ACTIVE", "EXPIRED"], now)?;
        let malformed = |what: &str| AwsError::new(400, "MalformedCertificateException", what);
        let certificate = blob(body, "Certificate")?;
        if certificate.len() > 32 * 1024 || !certificate.starts_with(b"-----BEGIN CERTIFICATE-----")
        {
            return Err(malformed("The certificate is no PEM of at most 32 KB"));
        }
        let certificate = Certificate::from_pem_or_der(&certificate)
            .map_err(|error| malformed(&error.to_string()))?;
        let chain = match body.get("CertificateChain") {
            None | Some(Value::Null) => Vec::new(),
            Some(_) => CertificateChain::from_pem_or_der(&blob(body, "CertificateChain")?)
                .map_err(|error| malformed(&error.to_string()))?
                .certificates()
                .to_vec(),
        };
        let mismatch = |what: &str| AwsError::new(400, "CertificateMismatchException", what);
        if certificate.public_key_der() != authority.csr.public_key_der() {
            return Err(mismatch("The certificate's key is not the CA's"));
        }
        if !certificate.is_ca() {
            return Err(malformed("The certificate is not that of a CA"));
        }
        let is_self_signed = certificate.is_self_issued();
        if is_self_signed != authority.is_root {
            return refuse(
                "InvalidRequestException",
                "Only a self-signed certificate can be imported as a root CA, and none as a subordinate CA",
            );
        }
        if authority.is_root && !chain.is_empty() {
            return refuse("InvalidRequestException", "A root CA has no certificate chain");
        }
        if chain.contains(&certificate) {
            return refuse("InvalidRequestException", "The chain includes the certificate itself");
        }
        let root = chain.last().unwrap_or(&certificate).clone();
        let intermediates = &chain[..chain.len().saturating_sub(1)];
        let verified =
            Verifier::new([root]).map_err(|error| error.to_string()).and_then(|verifier| {
                verifier
                    .verify(&certificate, intermediates, &Verification::new(Purpose::Any).at(now))
                    .map_err(|error| error.to_string())
            });
        if let (Err(error), false) = (verified, authority.is_root) {
            return Err(mismatch(&error));
        }
        let path_len = |certificate: &Certificate| {
            certificate.basic_constraints().and_then(|constraints| constraints.path_len)
        };
        // Its place below its issuer, which has to leave room for the certificates that it issues.
        let room = chain.first().and_then(path_len);
        if room.is_some_and(|room| path_len(&certificate).is_none_or(|own| own >= room)) {
            return Err(mismatch("The path length does not fit into that of the issuer"));
        }
        authority.certificate = Some(certificate);
        authority.chain = chain;
        authority.change(Status::Active, now);
        Ok(json!({}))
    }

    fn list_authorities(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let shared = optional_text(body, "ResourceOwner") == Some("OTHER_ACCOUNTS");
        number_within(body, "MaxResults", 1..=1000, 1000)?;
        let owned: Vec<Value> = self
            .authorities
            .iter_mut()
            .filter(|authority| authority.shared_for.is_some() == shared)
            .map(|authority| {
                authority.settle(now);
                authority.describe(now)
            })
            .collect();
        let (authorities, next) = page(body, "NextToken", owned, self.behaviour.page_size)?;
        Ok(json!({"CertificateAuthorities": authorities, "NextToken": next}))
    }

    fn update_authority(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let revocation = body.get("RevocationConfiguration").filter(|value| !value.is_null());
        let revocation =
            revocation.map(|given| revocation_configuration(Some(given))).transpose()?;
        let authority = self.authority_of(body)?;
        authority.must_be(&["ACTIVE", "DISABLED"], now)?;
        match optional_text(body, "Status") {
            Some("ACTIVE") => authority.change(Status::Active, now),
            Some("DISABLED") => authority.change(Status::Disabled, now),
            None => {}
            Some(other) => {
                return refuse(
                    "InvalidArgsException",
                    format!("The status cannot be set to {other}"),
                );
            }
        }
        authority.revocation = revocation.unwrap_or(authority.revocation.take());
        Ok(json!({}))
    }

    fn delete_authority(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let days = number_within(body, "PermanentDeletionTimeInDays", 7..=30, 30)?;
        let authority = self.authority_of(body)?;
        if matches!(authority.status_at(now), "ACTIVE" | "DELETED") {
            return wrong_state(authority, now);
        }
        // One that was never created cannot be restored either.
        let restorable = !matches!(authority.status, Status::Creating | Status::Failed);
        authority.restorable_until =
            restorable.then(|| now.plus(DAY * u32::try_from(days).unwrap()));
        authority.change(Status::Deleted, now);
        Ok(json!({}))
    }

    fn restore_authority(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let authority = self.authority_of(body)?;
        if authority.status != Status::Deleted {
            return wrong_state(authority, now);
        }
        // "The status of a restored CA is set to its pre-deletion status": that was not ACTIVE.
        let status = match authority.certificate {
            Some(_) => Status::Disabled,
            None => Status::PendingCertificate,
        };
        authority.restorable_until = None;
        authority.change(status, now);
        Ok(json!({}))
    }
}

/// "RevocationConfiguration": kept and shown as it was sent. A CRL needs its bucket and its days.
fn revocation_configuration(given: Option<&Value>) -> Result<Value, AwsError> {
    let given = given.cloned().unwrap_or(json!({}));
    let crl = &given["CrlConfiguration"];
    if crl["Enabled"] == true
        && (optional_text(crl, "S3BucketName").is_none() || crl["ExpirationInDays"].is_null())
    {
        return refuse(
            "InvalidArgsException",
            "A CRL needs a bucket and the days after which it expires",
        );
    }
    Ok(given)
}

pub(super) fn pem_of(certificates: &[Certificate]) -> String {
    certificates.iter().map(Certificate::to_pem).collect()
}
