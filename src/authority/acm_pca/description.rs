//! What AWS Private CA says of a CA.

use aws_sdk_acmpca::types::{
    CertificateAuthority as AwsCa, CertificateAuthorityStatus as AwsStatus,
    CertificateAuthorityType, CertificateAuthorityUsageMode,
};

use super::options::UsageMode;
use crate::authority::CaError;
use crate::authority::CaState;
use crate::authority::aws::{Arn, incomplete};
use crate::certificate::{SerialNumber, Timestamp, Validity};
use crate::key::KeyAlgorithm;

/// Whether a CA is a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CaKind {
    /// It signs its own certificate.
    Root,
    /// Another CA signs it.
    Subordinate,
}

/// What AWS Private CA says of a CA (API reference, `CertificateAuthority`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CaDescription {
    /// The CA's ARN.
    pub arn: Arn,
    /// The account that it belongs to.
    pub owner_account: String,
    /// Whether it is a root.
    pub kind: CaKind,
    /// The state that it is in.
    pub state: CaState,
    /// Why it could not be made, if it could not.
    pub failure_reason: Option<String>,
    /// The common name in its subject.
    pub common_name: Option<String>,
    /// The kind of its key; `None` if this crate does not know it (SM2).
    pub key_algorithm: Option<KeyAlgorithm>,
    /// What it signs with, in AWS's words: `SHA256WITHRSA`.
    pub signing_algorithm: String,
    /// From when to when its certificate is valid, once it has one.
    pub validity: Option<Validity>,
    /// Its certificate's serial number, once it has one.
    pub serial_number: Option<SerialNumber>,
    /// What it issues.
    pub usage_mode: UsageMode,
    /// Until when it can be restored, if it is deleted.
    pub restorable_until: Option<Timestamp>,
    /// When it was created.
    pub created: Option<Timestamp>,
}

impl CaDescription {
    pub(super) fn of(ca: &AwsCa, operation: &'static str) -> Result<Self, CaError> {
        let missing = |field| incomplete(operation, field);
        let moment = |time: Option<&aws_sdk_acmpca::primitives::DateTime>| {
            time.map(|time| Timestamp::from_unix_seconds(time.secs()))
        };
        let arn: Arn = ca.arn().ok_or_else(|| missing("Arn"))?.parse()?;
        let configuration = ca
            .certificate_authority_configuration()
            .ok_or_else(|| missing("CertificateAuthorityConfiguration"))?;
        let validity = match (moment(ca.not_before()), moment(ca.not_after())) {
            (Some(not_before), Some(not_after)) => Some(Validity { not_before, not_after }),
            _ => None,
        };
        let usage_mode = match ca.usage_mode() {
            Some(CertificateAuthorityUsageMode::ShortLivedCertificate) => UsageMode::ShortLived,
            _ => UsageMode::GeneralPurpose,
        };
        Ok(Self {
            owner_account: ca.owner_account().unwrap_or(arn.account()).to_owned(),
            arn,
            kind: match ca.r#type() {
                Some(CertificateAuthorityType::Subordinate) => CaKind::Subordinate,
                _ => CaKind::Root,
            },
            state: ca.status().map_or(CaState::Unknown, state_of),
            failure_reason: ca.failure_reason().map(|reason| reason.as_str().to_owned()),
            common_name: configuration
                .subject()
                .and_then(|subject| subject.common_name())
                .map(ToOwned::to_owned),
            key_algorithm: configuration.key_algorithm().as_str().parse().ok(),
            signing_algorithm: configuration.signing_algorithm().as_str().to_owned(),
            validity,
            serial_number: ca.serial().and_then(|serial| serial.parse().ok()),
            usage_mode,
            restorable_until: moment(ca.restorable_until()),
            created: moment(ca.created_at()),
        })
    }
}

fn state_of(status: &AwsStatus) -> CaState {
    match status {
        AwsStatus::Creating => CaState::Creating,
        AwsStatus::PendingCertificate => CaState::PendingCertificate,
        AwsStatus::Active => CaState::Active,
        AwsStatus::Disabled => CaState::Disabled,
        AwsStatus::Expired => CaState::Expired,
        AwsStatus::Failed => CaState::Failed,
        AwsStatus::Deleted => CaState::Deleted,
        _ => CaState::Unknown,
    }
}
