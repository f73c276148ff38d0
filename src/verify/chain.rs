//! What a verification finds.

use const_oid::ObjectIdentifier;
use smallvec::{SmallVec, smallvec};

use super::anchor::TrustAnchor;
use super::budget::Budget;
use super::checks::{self, Role};
use super::error::{RejectedList, VerifyError};
use super::path::Found;
use super::policies::ValidPolicies;
use super::policy::Policy;
use super::revocation::{self, RevocationList};
use super::rule::Rule;
use super::{Verification, Verifier};
use crate::certificate::{Certificate, Timestamp, Validity, oid};

/// Certificates of a path: as many as nearly all have need no memory of their own.
pub(super) type Path = SmallVec<[Certificate; 4]>;

/// A path from a certificate to a trust anchor that was found valid. Only
/// [`Verifier::verify`](super::Verifier::verify) can make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedChain {
    path: Path,
    anchor: TrustAnchor,
    window: Validity,
    policies: ValidPolicies,
    lists: Vec<RevocationList>,
    signers: Vec<Certificate>,
}

/// A time that is narrowed by everything that has to be current in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Window {
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

impl Window {
    pub(super) fn of(validities: impl Iterator<Item = Validity>) -> Self {
        validities.fold(Self::default(), |window, validity| {
            window.and(Self { first: Some(validity.not_before), last: Some(validity.not_after) })
        })
    }

    pub(super) fn and(self, other: Self) -> Self {
        let narrower = |a: Option<Timestamp>, b: Option<Timestamp>, choose: fn(_, _) -> _| {
            a.zip(b).map(|(a, b)| choose(a, b)).or(a).or(b)
        };
        Self {
            first: narrower(self.first, other.first, Timestamp::max),
            last: narrower(self.last, other.last, Timestamp::min),
        }
    }

    fn within(self, validity: Validity) -> Validity {
        Validity {
            not_before: self
                .first
                .map_or(validity.not_before, |first| first.max(validity.not_before)),
            not_after: self.last.map_or(validity.not_after, |last| last.min(validity.not_after)),
        }
    }
}

impl VerifiedChain {
    /// `window` is that of the path's certificates.
    pub(super) fn new(
        leaf: &Certificate,
        path: Path,
        anchor: &TrustAnchor,
        window: Window,
        found: Found,
    ) -> Self {
        Self {
            window: window.and(found.lists.window).within(leaf.validity()),
            path,
            anchor: anchor.clone(),
            policies: found.policies,
            lists: found.lists.lists,
            signers: found.lists.signers,
        }
    }

    /// A leaf that is itself an anchor.
    pub(super) fn trusted(
        leaf: &Certificate,
        anchor: &TrustAnchor,
        policies: ValidPolicies,
    ) -> Self {
        Self {
            path: smallvec![leaf.clone()],
            anchor: anchor.clone(),
            window: leaf.validity(),
            policies,
            lists: Vec::new(),
            signers: Vec::new(),
        }
    }

    /// The certificates from the leaf to the trust anchor, both included; an anchor that was given
    /// as a name and a key has none.
    #[must_use]
    pub fn path(&self) -> &[Certificate] {
        &self.path
    }

    /// The trust anchor that the path leads to.
    #[must_use]
    pub fn anchor(&self) -> &TrustAnchor {
        &self.anchor
    }

    /// The time in which this very path is valid, by itself: every certificate is within its validity,
    /// and every revocation list that was used is current. Other lists may say otherwise at other
    /// times, and other paths may be valid longer.
    #[must_use]
    pub fn window(&self) -> Validity {
        self.window
    }

    /// The certificate policies under which the path is valid, of those that were accepted (RFC
    /// 5280 section 6.1.6). anyPolicy (2.5.29.32.0) stands for all; none means that the path is
    /// valid, and for no policy.
    #[must_use]
    pub fn policies(&self) -> Vec<ObjectIdentifier> {
        match &self.policies {
            ValidPolicies::Any => vec![oid::ANY_POLICY],
            ValidPolicies::These(policies) => policies.clone(),
        }
    }

    /// What another policy holds against this very path at a moment: every rule that a certificate
    /// of it breaks, and the first reason why the path as a whole is refused. If it is nothing, the
    /// other policy accepts it.
    ///
    /// The path was found under one policy; under the other there may be another path. Names, budget,
    /// other certificates of the pool ([`Rule::PresentedAreReadable`]) and revocation are not asked
    /// for again, but for what the policy asks of the lists.
    #[must_use]
    pub fn violations(&self, policy: &Policy, at: Timestamp) -> Vec<VerifyError> {
        let verification = Verification::new(policy.clone()).at(at);
        let terms = verification.terms();
        let mut violations = Vec::new();
        let mut below = 0;
        for (depth, certificate) in self.path.iter().enumerate() {
            let is_anchor = self.anchor.certificate() == Some(certificate);
            let role = match depth {
                0 => Role::Leaf,
                _ => Role::Issuer { is_anchor, below },
            };
            if depth == 0 || !is_anchor || terms.has(Rule::AnchorCertificate) {
                violations.extend(checks::all(certificate, role, &terms));
            }
            let counts = terms.has(Rule::SelfIssuedCount) || !terms.is_self_issued(certificate);
            below += usize::from(depth > 0 && counts);
        }
        for list in &self.lists {
            if let Err(error) = revocation::check_number(list, &terms) {
                let list = RejectedList { list: list.clone(), error };
                let subject = list.list.issuer();
                violations.push(VerifyError::RevocationUnknown { subject, lists: vec![list] });
            }
        }
        // A verification ends at the first rule that is broken; without that rule it goes on.
        let mut policy = policy.clone();
        while let Some(refusal) = self.refusal(&policy, at) {
            let rule = match &refusal {
                VerifyError::Rule { rule, .. } if policy.has(*rule) => Some(*rule),
                _ => None,
            };
            let text = refusal.to_string();
            if !violations.iter().any(|known| known.to_string() == text) {
                violations.push(refusal);
            }
            match rule {
                Some(rule) => policy = policy.without(rule),
                None => break,
            }
        }
        violations
    }

    /// Why this path alone is refused.
    fn refusal(&self, policy: &Policy, at: Timestamp) -> Option<VerifyError> {
        let (leaf, above) = self.path.split_first()?;
        // An anchor is not presented.
        let is_presented = |one: &&Certificate| self.anchor.certificate() != Some(one);
        let pool: Vec<_> = above.iter().filter(is_presented).cloned().collect();
        // Its key was used before.
        let verifier = Verifier::new([self.anchor.clone()]).ok()?;
        let verification = Verification::new(policy.clone()).at(at).budget(Budget::UNBOUNDED);
        let refused = verifier.verify(leaf, &pool, &verification).err()?;
        Some(refused.cause().clone())
    }

    /// The revocation lists that say that no certificate of the path is revoked.
    #[must_use]
    pub fn revocation_lists(&self) -> &[RevocationList] {
        &self.lists
    }

    /// The certificates, besides the path's own, of those who signed these lists, and of their
    /// issuers: path, lists and these together are what the verification rests on.
    #[must_use]
    pub fn revocation_signers(&self) -> &[Certificate] {
        &self.signers
    }
}
