//! What one verification may cost at most.

use super::error::{Checked, VerifyError};

/// What one verification may cost at most. When it is spent, the search ends there and then with
/// [`VerifyError::Budget`], whatever it had found so far: the certificates at hand are far more than
/// any chain needs, or arranged to waste work.
///
/// A chain of n certificates takes n - 1 signatures and as many steps, and as much again where
/// revocation is checked. A path is never longer than 200 certificates, whatever the budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    signatures: u32,
    steps: u32,
    paths: u32,
    comparisons: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            // Go's maxChainSignatureChecks, its remedy for CVE-2018-16875. It bounds the length of
            // a path, too.
            signatures: 100,
            // mozilla::pkix's path building budget (pkixbuild.cpp), which rustls-webpki took over.
            steps: 200_000,
            // As many as Go considers candidates in a whole search; each is judged for its policies and
            // revocation, which takes as long as its certificates are large.
            paths: 100,
            // rustls-webpki's, which it took over from Go (VerifyOptions.MaxConstraintComparisions).
            comparisons: 250_000,
        }
    }
}

impl Budget {
    /// For a path that was verified before.
    pub(super) const UNBOUNDED: Self =
        Self { signatures: u32::MAX, steps: u32::MAX, paths: u32::MAX, comparisons: u32::MAX };

    fn earlier_signatures(self) -> u32 {
        EARLIER_SIGNATURES.max(self.signatures)
    }

    /// How many signatures may be checked, on certificates and revocation lists; 100 by default.
    #[must_use]
    pub fn signatures(self, limit: u32) -> Self {
        Self { signatures: limit, ..self }
    }

    /// How many complete paths may be judged for their policies and revocation; 100 by default.
    #[must_use]
    pub fn complete_paths(self, limit: u32) -> Self {
        Self { paths: limit, ..self }
    }

    /// How many attempts may be made to extend a path by one certificate, and to ask a revocation list
    /// about one; 200,000 by default.
    #[must_use]
    pub fn path_steps(self, limit: u32) -> Self {
        Self { steps: limit, ..self }
    }

    /// How many names may be compared with name constraints, and names of distribution points with each
    /// other; 250,000 by default. Each name and each constraint that is read counts too, and a long one
    /// counts once for each 256 octets.
    #[must_use]
    pub fn name_constraint_comparisons(self, limit: u32) -> Self {
        Self { comparisons: limit, ..self }
    }
}

/// A budget of which a part is spent.
pub(super) struct Account {
    limits: Budget,
    left: Budget,
    earlier_signatures_left: u32,
}

/// How many signatures on known and remembered intermediates a search may come across: they cost no time, and
/// what lies behind them does. As many as it may check by default.
const EARLIER_SIGNATURES: u32 = 100;

impl Account {
    pub(super) fn new(limits: Budget) -> Self {
        let earlier_signatures_left = limits.earlier_signatures();
        Self { limits, left: limits, earlier_signatures_left }
    }

    pub(super) fn spend_signature(&mut self) -> Checked {
        spend(&mut self.left.signatures, 1, "signature checks", self.limits.signatures)
    }

    /// A signature that was checked before this verification.
    pub(super) fn spend_earlier_signature(&mut self) -> Checked {
        let limit = self.limits.earlier_signatures();
        spend(&mut self.earlier_signatures_left, 1, "signatures that were checked before", limit)
    }

    pub(super) fn spend_step(&mut self) -> Checked {
        spend(&mut self.left.steps, 1, "attempts to extend a path", self.limits.steps)
    }

    pub(super) fn spend_path(&mut self) -> Checked {
        spend(&mut self.left.paths, 1, "complete paths", self.limits.paths)
    }

    /// So many comparisons.
    pub(super) fn spend_comparisons(&mut self, count: usize) -> Checked {
        let cost = u32::try_from(count).unwrap_or(u32::MAX);
        spend(&mut self.left.comparisons, cost, "comparisons of names", self.limits.comparisons)
    }

    /// A comparison that looks at so many octets at most.
    pub(super) fn spend_comparison(&mut self, octets: usize) -> Checked {
        let cost = u32::try_from(octets / 256).unwrap_or(u32::MAX).saturating_add(1);
        spend(&mut self.left.comparisons, cost, "comparisons of names", self.limits.comparisons)
    }

    /// Whether more than half of the signatures are left.
    pub(super) fn has_signatures_to_spare(&self) -> bool {
        self.left.signatures > self.limits.signatures / 2
    }
}

fn spend(left: &mut u32, cost: u32, work: &'static str, limit: u32) -> Checked {
    match left.checked_sub(cost) {
        Some(less) => {
            *left = less;
            Ok(())
        }
        None => Err(VerifyError::Budget { work, limit }.into()),
    }
}
