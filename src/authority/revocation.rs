//! What a revocation says.

use std::fmt;
use std::str::FromStr;

use super::CaError;
use crate::certificate::SerialNumber;

/// Why a certificate is revoked (RFC 5280 section 5.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RevocationReason {
    /// None is given.
    #[default]
    Unspecified,
    /// The private key is known to others.
    KeyCompromise,
    /// The CA's private key is known to others.
    CaCompromise,
    /// The subject's affiliation has changed.
    AffiliationChanged,
    /// Another certificate takes its place.
    Superseded,
    /// It is no longer needed.
    CessationOfOperation,
    /// A right that the certificate stood for was withdrawn.
    PrivilegeWithdrawn,
}

impl RevocationReason {
    const ALL: [(Self, u8, &'static str); 7] = [
        (Self::Unspecified, 0, "unspecified"),
        (Self::KeyCompromise, 1, "keyCompromise"),
        (Self::CaCompromise, 2, "cACompromise"),
        (Self::AffiliationChanged, 3, "affiliationChanged"),
        (Self::Superseded, 4, "superseded"),
        (Self::CessationOfOperation, 5, "cessationOfOperation"),
        (Self::PrivilegeWithdrawn, 9, "privilegeWithdrawn"),
    ];

    /// The `CRLReason` of RFC 5280 section 5.3.1.
    #[must_use]
    pub fn code(self) -> u8 {
        Self::ALL.iter().find(|(reason, ..)| *reason == self).map_or(0, |(_, code, _)| *code)
    }

    /// The reason of a `CRLReason`; those that this crate never writes count as unspecified.
    #[must_use]
    pub fn from_code(code: u8) -> Self {
        let reason = Self::ALL.iter().find(|(_, known, _)| *known == code);
        reason.map_or(Self::Unspecified, |(reason, ..)| *reason)
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(reason, ..)| reason == self).map_or("", |row| row.2))
    }
}

impl FromStr for RevocationReason {
    type Err = CaError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |text: &str| text.replace(['_', '-'], "").to_ascii_lowercase();
        Self::ALL
            .iter()
            .find(|(.., name)| plain(name) == plain(text))
            .map(|(reason, ..)| *reason)
            .ok_or_else(|| CaError::UnknownReason { name: text.to_owned() })
    }
}

/// Which certificate is revoked, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// The certificate's serial number.
    pub serial_number: SerialNumber,
    /// Why.
    pub reason: RevocationReason,
}

impl Revocation {
    /// Revokes the certificate with this serial number.
    #[must_use]
    pub fn new(serial_number: SerialNumber, reason: RevocationReason) -> Self {
        Self { serial_number, reason }
    }
}
