//! Certificate policies (RFC 5280 section 6.1) on the graph of RFC 9618, whose size is that of the
//! certificates: the tree that RFC 5280 describes can grow exponentially.

use std::collections::{BTreeMap, BTreeSet};

use const_oid::ObjectIdentifier;

use super::policy::PolicyInputs;
use crate::certificate::{Certificate, Known, KnownSet, oid};

/// The policies under which a path is valid: those of the trust anchor's domain that the user
/// accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValidPolicies {
    /// Every one.
    Any,
    These(Vec<ObjectIdentifier>),
}

/// Which rule a path breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyFault {
    /// RFC 5280 section 6.1.3 (f) or 6.1.5 (g).
    #[error(
        "an explicit policy is required here, and no policy that you accept is valid for the whole path (RFC 5280 section 6.1.5 (g))"
    )]
    NoValidPolicy,
    /// RFC 5280 section 6.1.4 (a).
    #[error("a policy is mapped to or from anyPolicy, which RFC 5280 section 4.2.1.5 forbids")]
    AnyPolicyMapped,
}

/// A policy at one depth of the path.
struct Node {
    /// `expected_policy_set`: what the next certificate calls it.
    expected: BTreeSet<ObjectIdentifier>,
    /// Nodes of the depth above.
    parents: BTreeSet<ObjectIdentifier>,
}

/// The nodes of one depth, by their policy: there is one of each (RFC 9618 section 4.1).
type Level = BTreeMap<ObjectIdentifier, Node>;

/// Whether nothing is said of policies, neither in the certificates of a path nor by the user: then
/// there is no graph below the first of them (section 6.1.3 (e)), none is required, and the path is
/// valid for no policy.
pub(super) fn are_not_mentioned<'a>(
    mut path: impl Iterator<Item = &'a Certificate>,
    inputs: &PolicyInputs,
) -> bool {
    const EXTENSIONS: KnownSet = KnownSet::of(&[
        Known::CertificatePolicies,
        Known::PolicyMappings,
        Known::PolicyConstraints,
    ]);
    let mentions = |certificate: &Certificate| certificate.has_any_of(EXTENSIONS);
    !inputs.require_explicit_policy && !path.any(mentions)
}

struct State<'a> {
    inputs: &'a PolicyInputs,
    /// `None` is the NULL graph.
    levels: Option<Vec<Level>>,
    explicit_policy: usize,
    inhibit_any_policy: usize,
    policy_mapping: usize,
}

/// Processes a path from below the trust anchor to the leaf; each with whether it is self-issued.
///
/// # Errors
/// The fault, and the certificate where it shows.
pub(super) fn process<'a>(
    path: &[(&'a Certificate, bool)],
    inputs: &PolicyInputs,
) -> Result<ValidPolicies, (&'a Certificate, PolicyFault)> {
    let limit = |is_inhibited: bool| if is_inhibited { 0 } else { path.len() + 1 };
    let root = Node { expected: BTreeSet::from([oid::ANY_POLICY]), parents: BTreeSet::new() };
    let mut state = State {
        inputs,
        levels: Some(vec![Level::from([(oid::ANY_POLICY, root)])]),
        explicit_policy: limit(inputs.require_explicit_policy),
        inhibit_any_policy: limit(inputs.inhibit_any_policy),
        policy_mapping: limit(inputs.inhibit_policy_mapping),
    };
    let Some(((leaf, leaf_is_self_issued), issuers)) = path.split_last() else {
        return Ok(ValidPolicies::Any);
    };
    for &(issuer, is_self_issued) in issuers {
        let at = |fault| (issuer, fault);
        state.add_level(issuer, is_self_issued, false).map_err(at)?;
        state.prepare_for_next(issuer, is_self_issued).map_err(at)?;
    }
    let at = |fault| (*leaf, fault);
    state.add_level(leaf, *leaf_is_self_issued, true).map_err(at)?;
    state.wrap_up(leaf).map_err(at)
}

impl State<'_> {
    /// Section 6.1.3 (d) to (f).
    fn add_level(
        &mut self,
        certificate: &Certificate,
        is_self_issued: bool,
        is_leaf: bool,
    ) -> Result<(), PolicyFault> {
        let policies = certificate.certificate_policies();
        self.levels = match (self.levels.take(), policies) {
            (Some(mut levels), Some(policies)) => {
                let takes_any = self.inhibit_any_policy > 0 || !is_leaf && is_self_issued;
                let level = levels.last().map(|above| level_below(above, &policies, takes_any));
                levels.extend(level);
                prune(&mut levels).then_some(levels)
            }
            _ => None,
        };
        if self.explicit_policy == 0 && self.levels.is_none() {
            return Err(PolicyFault::NoValidPolicy);
        }
        Ok(())
    }

    /// Section 6.1.4 (a), (b) and (h) to (j).
    fn prepare_for_next(
        &mut self,
        issuer: &Certificate,
        is_self_issued: bool,
    ) -> Result<(), PolicyFault> {
        self.map(issuer)?;
        if !is_self_issued {
            for count in
                [&mut self.explicit_policy, &mut self.policy_mapping, &mut self.inhibit_any_policy]
            {
                *count = count.saturating_sub(1);
            }
        }
        let lower = |count: &mut usize, limit: Option<u32>| {
            if let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) {
                *count = limit.min(*count);
            }
        };
        if let Some(constraints) = issuer.policy_constraints() {
            lower(&mut self.explicit_policy, constraints.require_explicit_policy);
            lower(&mut self.policy_mapping, constraints.inhibit_policy_mapping);
        }
        lower(&mut self.inhibit_any_policy, issuer.inhibit_any_policy());
        Ok(())
    }

    fn map(&mut self, issuer: &Certificate) -> Result<(), PolicyFault> {
        let mut mappings: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for (from, to) in issuer.policy_mappings() {
            if from == oid::ANY_POLICY || to == oid::ANY_POLICY {
                return Err(PolicyFault::AnyPolicyMapped);
            }
            mappings.entry(from).or_default().insert(to);
        }
        let Some(levels) = &mut self.levels else {
            return Ok(());
        };
        let Some(level) = levels.last_mut() else {
            return Ok(());
        };
        for (from, to) in mappings {
            if self.policy_mapping == 0 {
                level.remove(&from);
            } else if let Some(node) = level.get_mut(&from) {
                node.expected = to;
            } else if level.contains_key(&oid::ANY_POLICY) {
                let parents = BTreeSet::from([oid::ANY_POLICY]);
                level.insert(from, Node { expected: to, parents });
            }
        }
        if !prune(levels) {
            self.levels = None;
        }
        Ok(())
    }

    /// Section 6.1.5 (a), (b) and (g).
    fn wrap_up(self, leaf: &Certificate) -> Result<ValidPolicies, PolicyFault> {
        let requires_now = leaf
            .policy_constraints()
            .is_some_and(|constraints| constraints.require_explicit_policy == Some(0));
        let is_required = self.explicit_policy <= 1 || requires_now;
        let valid = match &self.levels {
            None => ValidPolicies::These(Vec::new()),
            Some(levels) => valid_policies(levels, self.inputs.accepted.as_ref()),
        };
        if is_required && valid == ValidPolicies::These(Vec::new()) {
            return Err(PolicyFault::NoValidPolicy);
        }
        Ok(valid)
    }
}

/// Section 6.1.3 (d) (1) and (2).
fn level_below(above: &Level, policies: &[ObjectIdentifier], takes_any: bool) -> Level {
    // Who expects what; the nodes of the depth above.
    let mut expecting: BTreeMap<ObjectIdentifier, BTreeSet<ObjectIdentifier>> = BTreeMap::new();
    for (policy, node) in above {
        for expected in &node.expected {
            expecting.entry(*expected).or_default().insert(*policy);
        }
    }
    let mut level = Level::new();
    let mut add = |policy: ObjectIdentifier, parents: BTreeSet<ObjectIdentifier>| {
        level.entry(policy).or_insert(Node { expected: BTreeSet::from([policy]), parents });
    };
    for policy in policies.iter().filter(|&policy| *policy != oid::ANY_POLICY) {
        if let Some(parents) = expecting.get(policy) {
            add(*policy, parents.clone());
        } else if above.contains_key(&oid::ANY_POLICY) {
            add(*policy, BTreeSet::from([oid::ANY_POLICY]));
        }
    }
    if takes_any && policies.contains(&oid::ANY_POLICY) {
        for (policy, parents) in expecting {
            add(policy, parents);
        }
    }
    level
}

/// Section 6.1.3 (d) (3): removes nodes that lead to no node of the last depth; whether any are
/// left.
fn prune(levels: &mut [Level]) -> bool {
    let mut needed: Option<BTreeSet<ObjectIdentifier>> = None;
    for level in levels.iter_mut().rev() {
        if let Some(needed) = &needed {
            level.retain(|policy, _| needed.contains(policy));
        }
        needed = Some(level.values().flat_map(|node| node.parents.iter().copied()).collect());
    }
    levels.last().is_some_and(|level| !level.is_empty())
}

/// The policies of the anchor's domain, each of which leads to the last depth, as far as they are
/// accepted (RFC 9618 section 4.5: nodes below an anyPolicy).
fn valid_policies(
    levels: &[Level],
    accepted: Option<&BTreeSet<ObjectIdentifier>>,
) -> ValidPolicies {
    let any_is_valid = levels.last().is_some_and(|level| level.contains_key(&oid::ANY_POLICY));
    if any_is_valid {
        return match accepted {
            None => ValidPolicies::Any,
            Some(accepted) => ValidPolicies::These(accepted.iter().copied().collect()),
        };
    }
    let of_the_domain: BTreeSet<_> = levels
        .iter()
        .flatten()
        .filter(|(policy, node)| {
            **policy != oid::ANY_POLICY && node.parents.contains(&oid::ANY_POLICY)
        })
        .map(|(policy, _)| *policy)
        .filter(|policy| accepted.is_none_or(|accepted| accepted.contains(policy)))
        .collect();
    ValidPolicies::These(of_the_domain.into_iter().collect())
}
