//! The public suites of chain verification: x509-limbo and NIST's PKITS, case by case.
#![allow(dead_code, unreachable_pub, reason = "the example and the tests each use their part")]

#[path = "conformance/limbo.rs"]
pub mod limbo;
#[path = "conformance/pkits.rs"]
pub mod pkits;

use std::fmt;

/// What a suite expects of a case, and what came out.
pub struct Outcome {
    pub id: String,
    pub should_be_valid: bool,
    /// Why it was refused.
    pub refused: Option<String>,
    /// Why it is known to differ.
    pub exception: Option<&'static str>,
}

impl Outcome {
    pub fn matches(&self) -> bool {
        self.should_be_valid == self.refused.is_none()
    }

    /// Whether it differs without a reason, or agrees in spite of one.
    pub fn is_surprising(&self) -> bool {
        self.matches() == self.exception.is_some()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = if self.should_be_valid { "valid" } else { "invalid" };
        write!(f, "{}: expected {expected}, ", self.id)?;
        match &self.refused {
            None => f.write_str("accepted")?,
            Some(reason) => write!(f, "refused: {reason}")?,
        }
        match self.exception {
            Some(reason) => write!(f, " [known: {reason}]"),
            None => Ok(()),
        }
    }
}

/// A suite's outcomes; its last line is the count.
pub struct Report {
    pub suite: &'static str,
    pub outcomes: Vec<Outcome>,
}

impl Report {
    pub fn surprises(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().filter(|outcome| outcome.is_surprising())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let differing = || self.outcomes.iter().filter(|outcome| !outcome.matches());
        for outcome in differing() {
            writeln!(f, "{outcome}")?;
        }
        for outcome in self.surprises().filter(|outcome| outcome.matches()) {
            writeln!(f, "{}: matches, and is listed as an exception", outcome.id)?;
        }
        let (total, matching) = (self.outcomes.len(), self.outcomes.len() - differing().count());
        let accepts = differing().filter(|outcome| outcome.refused.is_none()).count();
        let rejects = total - matching - accepts;
        write!(
            f,
            "{}: {matching} of {total} match, {accepts} false accepts, {rejects} false rejects",
            self.suite
        )
    }
}
