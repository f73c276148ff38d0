//! Who may use a CA: permissions of AWS services, resource policies, shares; and audit reports. The
//! facts are those of the AWS Private CA API reference, each under its operation's name, unless said
//! otherwise.

use private_ca::Timestamp;
use serde_json::{Value, json};

use super::authorities::{Authority, Status, wrong_state};
use super::templates::{DEFAULT, Template};
use super::wire::{
    Answer, AwsError, moment, number_within, optional_text, page, random_uuid, refuse, text,
};
use super::{ACCOUNT, Call, OTHER_ACCOUNT, State};

pub(super) const ACM: &str = "acm.amazonaws.com";

impl Authority {
    /// User guide, "Attach a policy for cross-account access": a share's RAM permission names its
    /// templates.
    pub fn check_sharing(&self, template: &Template) -> Result<(), AwsError> {
        match &self.shared_for {
            Some(allowed) if !allowed.contains(&template.name) => Err(not_authorized(
                "acm-pca:IssueCertificate",
                &self.arn,
                "no resource-based policy allows the action",
            )),
            _ => Ok(()),
        }
    }

    /// User guide, "Assign certificate renewal permissions to ACM": it needs all three actions.
    pub fn grants_acm(&self) -> bool {
        self.shared_for.is_some()
            || self.permissions.iter().any(|permission| {
                let actions = permission["Actions"].as_array();
                permission["Principal"] == ACM
                    && ["IssueCertificate", "GetCertificate", "ListPermissions"].iter().all(
                        |needed| {
                            actions.is_some_and(|actions| {
                                actions.iter().any(|action| action == needed)
                            })
                        },
                    )
            })
    }

    fn must_exist(&self, now: Timestamp) -> Result<(), AwsError> {
        if self.status == Status::Deleted { wrong_state(self, now) } else { Ok(()) }
    }
}

fn not_authorized(action: &str, resource: &str, reason: &str) -> AwsError {
    let user = format!("arn:aws:iam::{ACCOUNT}:user/worker");
    AwsError::new(
        400,
        "AccessDeniedException",
        format!(
            "User: {user} is not authorized to perform: {action} on resource: {resource} because {reason}"
        ),
    )
}

impl State {
    pub(super) fn share(&mut self, arn: &str, templates: &[&str]) -> String {
        let templates = if templates.is_empty() { &[DEFAULT] } else { templates };
        let shared_for = templates.iter().map(|name| (*name).to_owned()).collect();
        let authority = self.authority(arn).unwrap();
        authority.shared_for = Some(shared_for);
        authority.arn = arn.replace(ACCOUNT, OTHER_ACCOUNT);
        for issued in &mut authority.issued {
            issued.arn = issued.arn.replace(ACCOUNT, OTHER_ACCOUNT);
        }
        authority.arn.clone()
    }

    /// What an IAM policy does not allow.
    pub(super) fn check_policy(&self, call: &Call) -> Option<AwsError> {
        let allowed = self.behaviour.allowed_actions.as_ref()?;
        let action = call.action();
        (!allowed.contains(&action))
            .then(|| not_authorized(&action, "*", "no identity-based policy allows the action"))
    }

    /// A CA that is shared is used, not administered: the actions of RAM's default permission,
    /// `AWSRAMDefaultPermissionCertificateAuthority`.
    pub(super) fn check_share(&self, operation: &str, body: &Value) -> Result<(), AwsError> {
        const ALLOWED: [&str; 6] = [
            "DescribeCertificateAuthority",
            "GetCertificate",
            "GetCertificateAuthorityCertificate",
            "IssueCertificate",
            "ListPermissions",
            "ListTags",
        ];
        let arn = optional_text(body, "CertificateAuthorityArn");
        let is_shared = self
            .authorities
            .iter()
            .any(|authority| arn == Some(authority.arn.as_str()) && authority.shared_for.is_some());
        if is_shared && !ALLOWED.contains(&operation) {
            let action = format!("acm-pca:{operation}");
            return Err(not_authorized(
                &action,
                arn.unwrap_or("*"),
                "no resource-based policy allows the action",
            ));
        }
        Ok(())
    }

    pub(super) fn private_ca_sharing(&mut self, operation: &str, body: &Value) -> Answer {
        match operation {
            "CreatePermission" => self.create_permission(body),
            "ListPermissions" => self.list_permissions(body),
            "DeletePermission" => self.delete_permission(body),
            "PutPolicy" => self.put_policy(body),
            "GetPolicy" => self.get_policy(body),
            "DeletePolicy" => {
                self.authority(text(body, "ResourceArn")?)?.policy = None;
                Ok(json!({}))
            }
            "CreateCertificateAuthorityAuditReport" => self.create_audit_report(body),
            "DescribeCertificateAuthorityAuditReport" => self.describe_audit_report(body),
            other => refuse("UnknownOperationException", format!("There is no {other}")),
        }
    }

    fn create_permission(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let principal = text(body, "Principal")?;
        let authority = self.authority_of(body)?;
        authority.must_exist(now)?;
        if principal != ACM {
            return refuse(
                "ValidationException",
                format!("{principal} is no principal that can be granted"),
            );
        }
        if authority.permissions.iter().any(|known| known["Principal"] == principal) {
            return refuse(
                "PermissionAlreadyExistsException",
                "The designated permission has already been given to the user",
            );
        }
        authority.permissions.push(json!({
            "CertificateAuthorityArn": authority.arn,
            "CreatedAt": moment(now),
            "Principal": principal,
            "SourceAccount": optional_text(body, "SourceAccount").unwrap_or(ACCOUNT),
            "Actions": body["Actions"],
        }));
        Ok(json!({}))
    }

    fn list_permissions(&mut self, body: &Value) -> Answer {
        let now = self.now();
        number_within(body, "MaxResults", 1..=1000, 1000)?;
        let authority = self.authority_of(body)?;
        authority.must_exist(now)?;
        let permissions = authority.permissions.clone();
        let (permissions, next) = page(body, "NextToken", permissions, self.behaviour.page_size)?;
        Ok(json!({"Permissions": permissions, "NextToken": next}))
    }

    fn delete_permission(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let principal = text(body, "Principal")?;
        let authority = self.authority_of(body)?;
        authority.must_exist(now)?;
        let before = authority.permissions.len();
        authority.permissions.retain(|known| known["Principal"] != principal);
        if authority.permissions.len() == before {
            return refuse("ResourceNotFoundException", format!("{principal} has no permission"));
        }
        Ok(json!({}))
    }

    fn put_policy(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let policy = text(body, "Policy")?;
        let authority = self.authority(text(body, "ResourceArn")?)?;
        authority.must_exist(now)?;
        let parsed: Result<Value, _> = serde_json::from_str(policy);
        if !parsed.is_ok_and(|policy| policy["Statement"].is_array()) {
            return refuse("InvalidPolicyException", "The resource policy is invalid");
        }
        authority.policy = Some(policy.to_owned());
        Ok(json!({}))
    }

    fn get_policy(&mut self, body: &Value) -> Answer {
        let authority = self.authority(text(body, "ResourceArn")?)?;
        match &authority.policy {
            Some(policy) => Ok(json!({"Policy": policy})),
            None => refuse("ResourceNotFoundException", "The CA has no resource policy"),
        }
    }

    fn create_audit_report(&mut self, body: &Value) -> Answer {
        let now = self.now();
        let bucket = text(body, "S3BucketName")?.to_owned();
        let format = text(body, "AuditReportResponseFormat")?.to_lowercase();
        let authority = self.authority_of(body)?;
        authority.must_be(&["ACTIVE", "DISABLED"], now)?;
        let id = random_uuid();
        let key = format!("audit-report/{}/{id}.{format}", authority.id());
        authority.audit_reports.push(json!({
            "Id": id,
            "AuditReportStatus": "SUCCESS",
            "S3BucketName": bucket,
            "S3Key": key,
            "CreatedAt": moment(now),
        }));
        Ok(json!({"AuditReportId": id, "S3Key": key}))
    }

    fn describe_audit_report(&mut self, body: &Value) -> Answer {
        let id = text(body, "AuditReportId")?;
        let authority = self.authority_of(body)?;
        match authority.audit_reports.iter().find(|report| report["Id"] == id) {
            Some(report) => {
                let mut report = report.clone();
                report.as_object_mut().unwrap().remove("Id");
                Ok(report)
            }
            None => refuse("ResourceNotFoundException", format!("There is no audit report {id}")),
        }
    }
}
