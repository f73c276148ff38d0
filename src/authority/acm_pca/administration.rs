//! What a CA's owner does with it besides issuing.

use std::time::Duration;

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::client::Waiters as _;
use aws_sdk_acmpca::types::{
    ActionType, AuditReportResponseFormat, CertificateAuthorityStatus, ResourceOwner,
};
use tokio::time::timeout;

use super::{AcmPca, CaDescription};
use crate::authority::aws::{AwsConnection, Call, error_code, incomplete};
use crate::authority::{CaError, CaState};

/// Who acts for ACM when it issues and renews from a private CA.
const ACM: &str = "acm.amazonaws.com";

/// Whose CAs are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CaOwner {
    /// The caller's account.
    #[default]
    Own,
    /// Other accounts, which share them through AWS RAM.
    Others,
}

/// The form of an audit report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum AuditReportFormat {
    /// JSON.
    #[default]
    Json,
    /// Comma-separated values.
    Csv,
}

/// Where an audit report was written: every certificate that the CA has issued and revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditReport {
    /// The report's id.
    pub id: String,
    /// The S3 bucket.
    pub bucket: String,
    /// The object's key in that bucket.
    pub key: String,
}

impl AcmPca {
    /// The CAs in the connection's region.
    ///
    /// # Errors
    /// [`CaError::AccessDenied`] without `acm-pca:ListCertificateAuthorities`.
    pub async fn list(
        connection: &AwsConnection,
        owner: CaOwner,
    ) -> Result<Vec<CaDescription>, CaError> {
        const OPERATION: &str = "ListCertificateAuthorities";
        let owner = match owner {
            CaOwner::Own => ResourceOwner::SelfValue,
            CaOwner::Others => ResourceOwner::OtherAccounts,
        };
        let client = Client::new(connection.sdk_config());
        let request = client.list_certificate_authorities().resource_owner(owner);
        let mut pages = request.into_paginator().items().send();
        let mut found = Vec::new();
        while let Some(ca) = pages.next().await {
            let ca = ca.map_err(|error| Call::acm_pca(OPERATION, None).failed(error))?;
            found.push(CaDescription::of(&ca, OPERATION)?);
        }
        Ok(found)
    }

    /// What AWS says of this CA.
    ///
    /// # Errors
    /// [`CaError::NoSuchCa`].
    pub async fn describe(&self) -> Result<CaDescription, CaError> {
        const OPERATION: &str = "DescribeCertificateAuthority";
        let answer = self
            .client
            .describe_certificate_authority()
            .certificate_authority_arn(self.arn.as_str())
            .send()
            .await
            .map_err(|error| self.no_such_ca(self.call(OPERATION).failed(error)))?;
        let ca = answer
            .certificate_authority()
            .ok_or_else(|| incomplete(OPERATION, "CertificateAuthority"))?;
        CaDescription::of(ca, OPERATION)
    }

    fn no_such_ca(&self, error: CaError) -> CaError {
        match error_code(&error) {
            Some("ResourceNotFoundException") => CaError::NoSuchCa { ca: self.arn.to_string() },
            _ => error,
        }
    }

    /// Lets ACM issue from this CA and renew what it has issued. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`CaError::AccessDenied`] without `acm-pca:CreatePermission`; [`CaError::State`].
    pub async fn grant_acm(&self) -> Result<(), CaError> {
        let answer = self
            .client
            .create_permission()
            .certificate_authority_arn(self.arn.as_str())
            .principal(ACM)
            .actions(ActionType::IssueCertificate)
            .actions(ActionType::GetCertificate)
            .actions(ActionType::ListPermissions)
            .send()
            .await;
        let Err(error) = answer else { return Ok(()) };
        let error = self.call("CreatePermission").failed(error);
        match error_code(&error) {
            Some("PermissionAlreadyExistsException") => Ok(()),
            _ => Err(self.explained(error).await),
        }
    }

    /// Takes that permission back: ACM neither issues nor renews from this CA any more.
    ///
    /// # Errors
    /// [`CaError::AccessDenied`] without `acm-pca:DeletePermission`.
    pub async fn revoke_acm_grant(&self) -> Result<(), CaError> {
        let answer = self
            .client
            .delete_permission()
            .certificate_authority_arn(self.arn.as_str())
            .principal(ACM)
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = self.call("DeletePermission").failed(error);
                match error_code(&error) {
                    // Without one there is nothing to take back.
                    Some("ResourceNotFoundException") => self.describe().await.map(drop),
                    _ => Err(self.explained(error).await),
                }
            }
        }
    }

    /// Whether ACM may issue from this CA.
    ///
    /// # Errors
    /// [`CaError::AccessDenied`] without `acm-pca:ListPermissions`.
    pub async fn is_granted_to_acm(&self) -> Result<bool, CaError> {
        let request = self.client.list_permissions().certificate_authority_arn(self.arn.as_str());
        let mut permissions = request.into_paginator().items().send();
        while let Some(permission) = permissions.next().await {
            match permission {
                Ok(permission) if permission.principal() == Some(ACM) => return Ok(true),
                Ok(_) => {}
                Err(error) => {
                    return Err(self.explained(self.call("ListPermissions").failed(error)).await);
                }
            }
        }
        Ok(false)
    }

    /// The resource policy by which this CA is shared with other accounts, in JSON, if it has one.
    ///
    /// # Errors
    /// [`CaError::AccessDenied`] without `acm-pca:GetPolicy`.
    pub async fn policy(&self) -> Result<Option<String>, CaError> {
        let answer = self.client.get_policy().resource_arn(self.arn.as_str()).send().await;
        match answer {
            Ok(answer) => Ok(answer.policy),
            Err(error) => {
                let error = self.call("GetPolicy").failed(error);
                // A CA without one and a CA that is not there get the same answer.
                match error_code(&error) {
                    Some("ResourceNotFoundException") => self.describe().await.map(|_| None),
                    _ => Err(self.explained(error).await),
                }
            }
        }
    }

    /// Shares this CA with other accounts, by a resource policy in JSON (User Guide, "Attach a policy
    /// for cross-account access").
    ///
    /// # Errors
    /// [`CaError::Backend`] if AWS does not accept the policy; [`CaError::AccessDenied`] without
    /// `acm-pca:PutPolicy`.
    pub async fn put_policy(&self, policy: &str) -> Result<(), CaError> {
        let request = self.client.put_policy().resource_arn(self.arn.as_str()).policy(policy);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.explained(self.call("PutPolicy").failed(error)).await),
        }
    }

    /// Takes the resource policy away: other accounts see this CA no more.
    ///
    /// # Errors
    /// [`CaError::AccessDenied`] without `acm-pca:DeletePolicy`.
    pub async fn delete_policy(&self) -> Result<(), CaError> {
        match self.client.delete_policy().resource_arn(self.arn.as_str()).send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = self.call("DeletePolicy").failed(error);
                match error_code(&error) {
                    // Without one there is nothing to take away.
                    Some("ResourceNotFoundException") => self.describe().await.map(drop),
                    _ => Err(self.explained(error).await),
                }
            }
        }
    }

    /// Writes a report of every certificate that this CA has issued and revoked into an S3 bucket,
    /// and waits for it. AWS allows one every 30 minutes.
    ///
    /// # Errors
    /// [`CaError::AccessDenied`], also if the bucket's policy does not let AWS Private CA write.
    pub async fn audit_report(
        &self,
        bucket: &str,
        format: AuditReportFormat,
    ) -> Result<AuditReport, CaError> {
        const OPERATION: &str = "CreateCertificateAuthorityAuditReport";
        let answer = self
            .client
            .create_certificate_authority_audit_report()
            .certificate_authority_arn(self.arn.as_str())
            .s3_bucket_name(bucket)
            .audit_report_response_format(match format {
                AuditReportFormat::Json => AuditReportResponseFormat::Json,
                AuditReportFormat::Csv => AuditReportResponseFormat::Csv,
            })
            .send()
            .await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.explained(self.call(OPERATION).failed(error)).await),
        };
        let id = answer.audit_report_id.ok_or_else(|| incomplete(OPERATION, "AuditReportId"))?;
        let key = answer.s3_key.ok_or_else(|| incomplete(OPERATION, "S3Key"))?;
        self.connection.waiting_for("the audit report");
        let waiter = self
            .client
            .wait_until_audit_report_created()
            .certificate_authority_arn(self.arn.as_str())
            .audit_report_id(&id)
            .wait(self.deadline);
        let late = || CaError::Backend {
            operation: OPERATION,
            source: format!("the report {id} is not written yet").into(),
        };
        match timeout(self.deadline + Duration::from_secs(1), waiter).await.map_err(|_| late())? {
            Ok(_) => Ok(AuditReport { id, bucket: bucket.to_owned(), key }),
            Err(error) => {
                let call = self.call("DescribeCertificateAuthorityAuditReport");
                Err(call.failed_waiting(error).unwrap_or_else(late))
            }
        }
    }

    /// Switches this CA off: it issues nothing until it is enabled again. What it has issued stays
    /// valid.
    ///
    /// # Errors
    /// [`CaError::State`].
    pub async fn disable(&self) -> Result<(), CaError> {
        self.set_status(CertificateAuthorityStatus::Disabled).await
    }

    /// Switches this CA on again.
    ///
    /// # Errors
    /// [`CaError::State`].
    pub async fn enable(&self) -> Result<(), CaError> {
        self.set_status(CertificateAuthorityStatus::Active).await
    }

    async fn set_status(&self, status: CertificateAuthorityStatus) -> Result<(), CaError> {
        let request = self
            .client
            .update_certificate_authority()
            .certificate_authority_arn(self.arn.as_str())
            .status(status);
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(self.explained(self.call("UpdateCertificateAuthority").failed(error)).await)
            }
        }
    }

    /// Deletes this CA, disabling it first. Until `restore_days` have passed, 7 to 30, it can be
    /// restored; then its key is gone for ever.
    ///
    /// # Errors
    /// [`CaError::State`], for example if it is deleted already.
    pub async fn delete(&self, restore_days: u8) -> Result<(), CaError> {
        const OPERATION: &str = "DeleteCertificateAuthority";
        if !(7..=30).contains(&restore_days) {
            let source = "the restore window is 7 to 30 days".into();
            return Err(CaError::Backend { operation: OPERATION, source });
        }
        let was_active = self.describe().await?.state == CaState::Active;
        if was_active {
            self.disable().await?;
        }
        let request = self
            .client
            .delete_certificate_authority()
            .certificate_authority_arn(self.arn.as_str())
            .permanent_deletion_time_in_days(restore_days.into());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                let error = self.explained(self.call(OPERATION).failed(error)).await;
                // It issued before, and is to do so again.
                if was_active {
                    let _ = self.enable().await;
                }
                Err(error)
            }
        }
    }

    /// Restores this CA within its restore window. It comes back as it was deleted: disabled, or
    /// without a certificate.
    ///
    /// # Errors
    /// [`CaError::State`] if it is not deleted.
    pub async fn restore(&self) -> Result<(), CaError> {
        let request = self
            .client
            .restore_certificate_authority()
            .certificate_authority_arn(self.arn.as_str());
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(self.explained(self.call("RestoreCertificateAuthority").failed(error)).await)
            }
        }
    }
}
