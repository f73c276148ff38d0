//! Reasons: why the defaults are what they are, where the time goes, and what an attacker can and cannot do.

#[doc = include_str!("manual/defaults.md")]
pub mod defaults {}

#[cfg(feature = "aws")]
#[doc = include_str!("manual/permissions.md")]
pub mod permissions {}

#[doc = include_str!("manual/performance.md")]
pub mod performance {}

#[doc = include_str!("manual/temporal_cloud.md")]
pub mod temporal_cloud {}

#[doc = include_str!("manual/threats.md")]
pub mod threats {}

#[doc = include_str!("manual/verification.md")]
pub mod verification {}
