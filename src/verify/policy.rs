//! What is asked of a chain: a purpose, the rules that hold beyond what no verifier may leave out, and
//! the inputs to certificate policies.

use std::collections::BTreeSet;
use std::fmt;

use const_oid::ObjectIdentifier;

use super::rule::{Rule, Rules, Set};
use crate::certificate::{Purposes, oid};

/// What a certificate has to be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// To connect as a TLS client.
    Client,
    /// To be connected to as a TLS server.
    Server,
    /// Anything: key usage and extended key usage of the leaf do not matter, and it may be a CA's.
    Any,
}

impl Purpose {
    /// Whether the extended key usage that stands for it is among those of a certificate (RFC 5280 section
    /// 4.2.1.12).
    pub(super) fn is_among(self, purposes: Purposes) -> bool {
        match self {
            Self::Client => purposes.client_auth,
            Self::Server => purposes.server_auth,
            Self::Any => true,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "TLS client",
            Self::Server => "TLS server",
            Self::Any => "holder of any kind",
        })
    }
}

/// What is asked of a chain: a purpose, rules, and the user's inputs to certificate policies.
///
/// ```
/// use private_ca::verify::{Policy, Rule};
///
/// let ours = Policy::tls_client().without(Rule::DigitalSignature);
/// assert_eq!(ours.difference(&Policy::tls_client()).only_in_other, [Rule::DigitalSignature]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    purpose: Purpose,
    rules: Rules,
    max_intermediates: Option<usize>,
    inputs: PolicyInputs,
}

/// The inputs to the processing of certificate policies (RFC 5280 section 6.1.1 (c), (e) to (g)).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PolicyInputs {
    /// `user-initial-policy-set`; `None` is any-policy.
    pub(super) accepted: Option<BTreeSet<ObjectIdentifier>>,
    pub(super) require_explicit_policy: bool,
    pub(super) inhibit_policy_mapping: bool,
    pub(super) inhibit_any_policy: bool,
}

impl Policy {
    const fn new(purpose: Purpose, rules: Rules) -> Self {
        let inputs = PolicyInputs {
            accepted: None,
            require_explicit_policy: false,
            inhibit_policy_mapping: false,
            inhibit_any_policy: false,
        };
        Self { purpose, rules, max_intermediates: None, inputs }
    }

    /// RFC 5280: path validation of section 6, and the profile that section 4 asks certificates to
    /// follow, on trust anchors too where they are given as certificates. For any purpose.
    #[must_use]
    pub fn rfc5280() -> Self {
        Self::new(Purpose::Any, Rules::of(Set::Rfc5280))
    }

    /// A TLS client's chain as Go's, OpenSSL's and rustls's verifiers all accept it. Private
    /// authorities that leave out key identifiers are accepted.
    #[must_use]
    pub fn tls_client() -> Self {
        Self::new(Purpose::Client, Rules::of(Set::Tls))
    }

    /// The same for a TLS server's chain.
    #[must_use]
    pub fn tls_server() -> Self {
        Self::new(Purpose::Server, Rules::of(Set::Tls))
    }

    /// A TLS server's chain under RFC 5280 and what the CA/Browser Forum's Baseline Requirements
    /// add and except. The public suffix list is not consulted.
    #[must_use]
    pub fn web_pki() -> Self {
        Self::new(Purpose::Server, Rules::of(Set::WebPki))
    }

    /// A TLS client's chain as a server of Go's crypto/tls accepts it: what Temporal Cloud will say.
    #[must_use]
    pub fn go_tls_client() -> Self {
        Self::new(Purpose::Client, Rules::of(Set::Go))
    }

    /// The same for another purpose.
    #[must_use]
    pub fn for_purpose(self, purpose: Purpose) -> Self {
        Self { purpose, ..self }
    }

    /// The same with a rule switched on.
    #[must_use]
    pub fn with(self, rule: Rule) -> Self {
        Self { rules: self.rules.with(rule), ..self }
    }

    /// The same with a rule switched off.
    #[must_use]
    pub fn without(self, rule: Rule) -> Self {
        Self { rules: self.rules.without(rule), ..self }
    }

    /// At most so many certificates between the leaf and the trust anchor, as if the anchor had this
    /// path length constraint: whether self-issued ones count is for [`Rule::SelfIssuedCount`].
    #[must_use]
    pub fn max_intermediates(self, count: usize) -> Self {
        Self { max_intermediates: Some(count), ..self }
    }

    /// Only under one of these certificate policies (RFC 5280 section 6.1.1 (c),
    /// `user-initial-policy-set`). It takes effect where an explicit policy is required: by
    /// [`Policy::require_explicit_policy`], or by a certificate in the path.
    #[must_use]
    pub fn accept_policies(mut self, policies: impl IntoIterator<Item = ObjectIdentifier>) -> Self {
        let policies: BTreeSet<_> = policies.into_iter().collect();
        self.inputs.accepted = (!policies.contains(&oid::ANY_POLICY)).then_some(policies);
        self
    }

    /// The path has to be valid for at least one certificate policy (section 6.1.1 (f),
    /// `initial-explicit-policy`).
    #[must_use]
    pub fn require_explicit_policy(mut self) -> Self {
        self.inputs.require_explicit_policy = true;
        self
    }

    /// Policy mappings do not count (section 6.1.1 (e), `initial-policy-mapping-inhibit`).
    #[must_use]
    pub fn inhibit_policy_mapping(mut self) -> Self {
        self.inputs.inhibit_policy_mapping = true;
        self
    }

    /// anyPolicy in a certificate does not count (section 6.1.1 (g), `initial-any-policy-inhibit`).
    #[must_use]
    pub fn inhibit_any_policy(mut self) -> Self {
        self.inputs.inhibit_any_policy = true;
        self
    }

    /// What the leaf has to be for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether the policy has a rule.
    #[must_use]
    pub fn has(&self, rule: Rule) -> bool {
        self.rules.has(rule)
    }

    pub(super) fn rule_set(&self) -> Rules {
        self.rules
    }

    /// The rules it has.
    pub fn rules(&self) -> impl Iterator<Item = Rule> + use<> {
        let rules = self.rules;
        Rule::ALL.iter().copied().filter(move |&rule| rules.has(rule))
    }

    /// The rules that only one of two policies has.
    #[must_use]
    pub fn difference(&self, other: &Self) -> PolicyDifference {
        PolicyDifference {
            only_here: self.rules().filter(|&rule| !other.has(rule)).collect(),
            only_in_other: other.rules().filter(|&rule| !self.has(rule)).collect(),
        }
    }

    pub(super) fn intermediates_limit(&self) -> Option<usize> {
        self.max_intermediates
    }

    pub(super) fn inputs(&self) -> &PolicyInputs {
        &self.inputs
    }
}

/// The default policy of a purpose: that of TLS peers, and for [`Purpose::Any`] that of TLS without
/// what it asks of peers.
impl From<Purpose> for Policy {
    fn from(purpose: Purpose) -> Self {
        Self::new(purpose, Rules::of(Set::Tls))
    }
}

/// The rules by which two policies differ.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PolicyDifference {
    /// Rules of the first alone.
    pub only_here: Vec<Rule>,
    /// Rules of the other alone.
    pub only_in_other: Vec<Rule>,
}
