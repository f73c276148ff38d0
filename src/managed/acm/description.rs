//! What ACM says of a certificate.

use aws_sdk_acm::primitives::DateTime;
use aws_sdk_acm::types::{
    CertificateDetail, CertificateStatus as AwsStatus, DomainStatus, RenewalEligibility,
    RenewalStatus,
};

use crate::authority::CertificateId;
use crate::certificate::{Timestamp, Validity};
use crate::managed::{
    CertificateStatus, CnameRecord, DomainValidation, FailureReason, ManagedCertificate,
};

/// What ACM says of a certificate, and of its renewal.
pub(super) struct Described {
    pub(super) certificate: ManagedCertificate,
    pub(super) is_renewable: bool,
    pub(super) renewal: Option<Renewal>,
}

/// The last renewal (API reference, `RenewalSummary`).
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Renewal {
    pub(super) status: RenewalStatus,
    pub(super) reason: FailureReason,
    updated: DateTime,
}

impl Described {
    pub(super) fn of(id: CertificateId, detail: CertificateDetail) -> Self {
        let moment =
            |time: Option<DateTime>| time.map(|time| Timestamp::from_unix_seconds(time.secs()));
        let (not_before, not_after) = (moment(detail.not_before), moment(detail.not_after));
        let reason = |code: Option<aws_sdk_acm::types::FailureReason>| {
            FailureReason::new(code.as_ref().map_or("OTHER", |code| code.as_str()))
        };
        // A certificate that ACM calls issued always has its end; without one it is not yet there.
        let status = match (detail.status, not_after) {
            (Some(AwsStatus::Issued), Some(not_after)) => CertificateStatus::Issued { not_after },
            (Some(AwsStatus::Expired), Some(not_after)) => CertificateStatus::Expired { not_after },
            (Some(AwsStatus::PendingValidation | AwsStatus::Issued), _) | (None, _) => {
                CertificateStatus::PendingValidation
            }
            (Some(AwsStatus::ValidationTimedOut), _) => CertificateStatus::ValidationTimedOut,
            (Some(AwsStatus::Revoked), _) => {
                CertificateStatus::Revoked { since: moment(detail.revoked_at) }
            }
            (Some(AwsStatus::Inactive), _) => CertificateStatus::Inactive,
            (Some(AwsStatus::Failed), _) => {
                CertificateStatus::Failed { reason: reason(detail.failure_reason) }
            }
            (Some(other), _) => CertificateStatus::Unknown { name: other.as_str().to_owned() },
        };
        let renewal = detail.renewal_summary.map(|summary| Renewal {
            reason: reason(summary.renewal_status_reason),
            status: summary.renewal_status,
            updated: summary.updated_at,
        });
        let mut certificate =
            ManagedCertificate::new(id, detail.domain_name.unwrap_or_default(), status);
        certificate.serial_number = detail.serial.and_then(|serial| serial.parse().ok());
        certificate.validity = match (not_before, not_after) {
            (Some(not_before), Some(not_after)) => Some(Validity { not_before, not_after }),
            _ => None,
        };
        certificate.domain_validations = detail
            .domain_validation_options
            .unwrap_or_default()
            .into_iter()
            .map(|validation| {
                let is_validated = validation.validation_status == Some(DomainStatus::Success);
                let record = validation
                    .resource_record
                    .map(|record| CnameRecord { name: record.name, value: record.value });
                DomainValidation::new(validation.domain_name, is_validated, record)
            })
            .collect();
        certificate.renewal_failure = renewal
            .as_ref()
            .filter(|renewal| renewal.status == RenewalStatus::Failed)
            .map(|renewal| renewal.reason.clone());
        let is_renewable = detail.renewal_eligibility != Some(RenewalEligibility::Ineligible);
        Self { certificate, is_renewable, renewal }
    }
}
