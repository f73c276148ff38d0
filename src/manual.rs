//! The journey, stage by stage, with what every command prints; and reasons: why the defaults are what they are,
//! where the time goes, and what an attacker can and cannot do.

#[doc = include_str!("manual/defaults.md")]
pub mod defaults {}

/// From no certificate to a connected worker, a page for each stage.
///
/// What the commands print stands beneath them as it was printed, and the tests hold it against what they print
/// today. AWS and Temporal Cloud are stand-ins there; the Temporal server and nginx in front of it are real.
pub mod journey {
    #[doc = include_str!("manual/journey/authority.md")]
    pub mod stage_1_authority {}

    #[doc = include_str!("manual/journey/certificate.md")]
    pub mod stage_2_certificate {}

    #[doc = include_str!("manual/journey/key.md")]
    pub mod stage_3_key {}

    #[doc = include_str!("manual/journey/chain.md")]
    pub mod stage_4_chain {}

    #[doc = include_str!("manual/journey/namespace.md")]
    pub mod stage_5_namespace {}

    #[doc = include_str!("manual/journey/worker.md")]
    pub mod stage_6_worker {}

    #[doc = include_str!("manual/journey/doctor.md")]
    pub mod stage_7_doctor {}
}

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
