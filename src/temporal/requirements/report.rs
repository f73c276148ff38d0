//! What an examination found.

use std::fmt;

use super::{Requirement, Severity};
use crate::certificate::{Certificate, Timestamp};
use crate::temporal::filters::Trial;
use crate::verify::{VerifiedChain, VerifyError};

/// A rule that is broken.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub requirement: Requirement,
    /// The certificate that breaks it, if one does.
    pub certificate: Option<Certificate>,
    /// What was found, as a sentence without a full stop.
    pub found: String,
    /// What to do about it, in the imperative.
    pub mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.found)
    }
}

/// What Temporal Cloud will say.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Prediction {
    /// It takes the bundle and, if one was given, lets the client in.
    Accepted {
        /// The last second in which it lets the client in; `None` if no client was given.
        until: Option<Timestamp>,
    },
    /// It refuses the bundle, the filters or the client.
    Refused {
        /// Why, at least one reason.
        reasons: Vec<Finding>,
    },
    /// Nothing is found for which it would refuse them, but whether its TLS server lets the client in depends
    /// on a key that is not judged here.
    Unjudged {
        /// On what it depends, at least one.
        reasons: Vec<Finding>,
    },
}

impl Prediction {
    /// Whether nothing is refused.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted { .. })
    }
}

impl fmt::Display for Prediction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { until: None } => f.write_str("accepted"),
            Self::Accepted { until: Some(until) } => write!(f, "accepted until {until}"),
            Self::Refused { reasons } => because(f, "refused", reasons),
            Self::Unjudged { reasons } => because(f, "cannot be judged here", reasons),
        }
    }
}

fn because(f: &mut fmt::Formatter<'_>, what: &str, reasons: &[Finding]) -> fmt::Result {
    f.write_str(what)?;
    let mut before = " because ";
    for reason in reasons {
        write!(f, "{before}{reason}")?;
        before = "; and because ";
    }
    Ok(())
}

/// Everything that an examination found.
#[derive(Debug)]
pub struct Report {
    pub(super) at: Timestamp,
    pub(super) findings: Vec<Finding>,
    pub(super) unasked: Vec<Requirement>,
    pub(super) tls: Option<Result<VerifiedChain, VerifyError>>,
    pub(super) trial: Option<Trial>,
    pub(super) until: Option<Timestamp>,
}

impl Report {
    /// The moment for which the examination holds.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Every rule that is broken, in the order of [`Requirement::ALL`].
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The rules that could not be asked about, for want of a client's certificate, key, filters or the
    /// system's CAs.
    #[must_use]
    pub fn unasked(&self) -> &[Requirement] {
        &self.unasked
    }

    /// What the TLS server will say of the client's chain, if there is one, the bundle is not empty, and the
    /// answer does not depend on a key that is not judged here.
    #[must_use]
    pub fn tls(&self) -> Option<&Result<VerifiedChain, VerifyError>> {
        self.tls.as_ref()
    }

    /// How the client's certificate fares with the filters, if both are there.
    #[must_use]
    pub fn trial(&self) -> Option<&Trial> {
        self.trial.as_ref()
    }

    /// What Temporal Cloud will say.
    #[must_use]
    pub fn prediction(&self) -> Prediction {
        let of = |severity: Severity| -> Vec<Finding> {
            let is_such = |finding: &&Finding| finding.requirement.severity() == severity;
            self.findings.iter().filter(is_such).cloned().collect()
        };
        let (reasons, unjudged) = (of(Severity::Error), of(Severity::Unjudged));
        match (reasons.is_empty(), unjudged.is_empty()) {
            (false, _) => Prediction::Refused { reasons },
            (true, false) => Prediction::Unjudged { reasons: unjudged },
            (true, true) => Prediction::Accepted { until: self.until },
        }
    }
}
