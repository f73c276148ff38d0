//! What is asked of a chain beyond what no verifier may leave out: rules that can be switched one
//! by one, and the named sets of them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use const_oid::ObjectIdentifier;

use crate::certificate::oid;

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
    /// The extended key usage that stands for it (RFC 5280 section 4.2.1.12).
    pub(super) fn extended_key_usage(self) -> Option<ObjectIdentifier> {
        match self {
            Self::Client => Some(oid::ID_KP_CLIENT_AUTH),
            Self::Server => Some(oid::ID_KP_SERVER_AUTH),
            Self::Any => None,
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

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal, $source:literal, $sentence:literal, [$($set:ident)*];)*) => {
        /// A rule that a [`Policy`] has or has not.
        ///
        /// What is not in this list is asked of every chain: signatures, names that chain, validity,
        /// basic constraints and path lengths, key usage of issuers, name constraints, certificate
        /// policies, and that no critical extension is unknown.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Rule {
            $(
                #[doc = concat!($sentence, " (", $source, ").")]
                $(#[doc = ""] #[doc = $doc])*
                $name,
            )*
        }

        impl Rule {
            /// All rules, in the order in which they are documented.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// A name for configuration files and reports, in lower case with hyphens.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// Where the rule comes from: a section of a standard, or the verifiers that have it.
            #[must_use]
            pub fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }

            /// What the rule asks.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }

        impl Rules {
            const RFC5280: Self = Self::NONE$($(.with_if(Rule::$name, stringify!($set), "rfc5280"))*)*;
            const TLS: Self = Self::NONE$($(.with_if(Rule::$name, stringify!($set), "tls"))*)*;
            const WEB_PKI: Self = Self::NONE$($(.with_if(Rule::$name, stringify!($set), "web_pki"))*)*;
            const GO: Self = Self::NONE$($(.with_if(Rule::$name, stringify!($set), "go"))*)*;
        }
    };
}

rules! {
    /// RFC 5280 section 6.1 needs no more of an anchor than its name and key. With this rule its
    /// certificate has to be within its validity, and a CA's that allows the path length, the key
    /// usage and the purpose; and every other rule holds for it too.
    AnchorCertificate = "anchor-certificate", "Go and OpenSSL",
        "a trust anchor that is given as a certificate is held to what the certificate says",
        [rfc5280 tls web_pki go];
    /// Without it names are compared as RFC 5280 section 7.1 has it.
    ByteExactNames = "byte-exact-names", "Go and rustls; CA/Browser Forum BR section 7.1.4.1",
        "an issuer's name is the same octets in both certificates",
        [tls web_pki go];
    TrustedLeafIsSelfSigned = "trusted-leaf-is-self-signed", "OpenSSL and rustls",
        "a leaf that is itself a trust anchor is accepted only if it signed itself",
        [rfc5280 tls web_pki];
    KeyIdentifiersMatch = "key-identifiers-match", "OpenSSL",
        "where a certificate identifies its issuer's key and the issuer identifies its own, they agree",
        [tls web_pki];
    AuthorityKeyIdentifierPresent = "authority-key-identifier-present", "RFC 5280 section 4.2.1.1",
        "a certificate that is not self-signed identifies its issuer's key",
        [rfc5280 web_pki];
    AuthorityKeyIdentifierOfRoots = "authority-key-identifier-of-roots", "CA/Browser Forum BR section 7.1.2.1.3",
        "a root that identifies its issuer's key does so by its own subject key identifier alone",
        [web_pki];
    SubjectKeyIdentifierPresent = "subject-key-identifier-present", "RFC 5280 section 4.2.1.2",
        "an issuer identifies its key",
        [rfc5280 web_pki];
    NonCriticalExtensions = "non-critical-extensions", "RFC 5280 sections 4.2.1.1, 4.2.1.2, 4.2.1.15 and 4.2.2.1",
        "authorityKeyIdentifier, subjectKeyIdentifier, freshestCRL and authorityInfoAccess are not critical",
        [rfc5280 tls web_pki go];
    BasicConstraintsCritical = "basic-constraints-critical", "RFC 5280 section 4.2.1.9",
        "an issuer's basicConstraints are critical",
        [rfc5280 web_pki];
    PathLengthOfIssuersOnly = "path-length-of-issuers-only", "RFC 5280 section 4.2.1.9",
        "only a certificate authority's certificate has a pathLenConstraint",
        [rfc5280 web_pki];
    /// RFC 5280 section 6.1.4 (l) does not count them.
    SelfIssuedCount = "self-issued-count", "Go and rustls",
        "self-issued certificates count for path lengths like others",
        [tls go];
    KeyUsageNotEmpty = "key-usage-not-empty", "RFC 5280 section 4.2.1.3",
        "a keyUsage without any bit allows nothing",
        [rfc5280 tls web_pki];
    KeyUsageOfIssuersPresent = "key-usage-of-issuers-present", "RFC 5280 section 4.2.1.3",
        "an issuer's certificate has a keyUsage",
        [web_pki];
    KeyCertSignOfIssuersOnly = "key-cert-sign-of-issuers-only", "RFC 5280 section 4.2.1.3",
        "only a certificate authority's key may sign certificates",
        [rfc5280 web_pki];
    DigitalSignature = "digital-signature", "RFC 5280 section 4.2.1.3",
        "a TLS peer's keyUsage, if it has one, allows digitalSignature",
        [rfc5280 tls web_pki];
    /// RFC 5280 section 4.2.1.12 knows an extended key usage of the leaf alone.
    NestedExtendedKeyUsage = "nested-extended-key-usage", "Go, OpenSSL and rustls",
        "an issuer's extKeyUsage, if it has one, allows what its certificates are used for",
        [tls web_pki go];
    PurposeByName = "purpose-by-name", "OpenSSL and rustls; allowed by RFC 5280 section 4.2.1.12",
        "anyExtendedKeyUsage does not stand for a purpose",
        [tls web_pki];
    ExtendedKeyUsagePresent = "extended-key-usage-present", "CA/Browser Forum BR section 7.1.2.7.10",
        "a peer's certificate has an extKeyUsage",
        [web_pki];
    ExtendedKeyUsageNotCritical = "extended-key-usage-not-critical", "CA/Browser Forum BR section 7.1.2.7.6",
        "a peer's extKeyUsage is not critical",
        [web_pki];
    NoAnyExtendedKeyUsage = "no-any-extended-key-usage", "CA/Browser Forum BR section 7.1.2.7.10",
        "a peer's extKeyUsage has no anyExtendedKeyUsage",
        [web_pki];
    RootsWithoutExtendedKeyUsage = "roots-without-extended-key-usage", "CA/Browser Forum BR section 7.1.2.1.2",
        "a root has no extKeyUsage",
        [web_pki];
    EndEntityIsNoCa = "end-entity-is-no-ca", "rustls; CA/Browser Forum BR section 7.1.2.7.8",
        "a TLS peer's certificate is not a certificate authority's",
        [tls web_pki];
    Version3 = "version-3", "rustls; CA/Browser Forum BR section 7.1.1",
        "a peer's certificate is of version 3, and a trust anchor's of version 1 or 3",
        [rfc5280 tls web_pki];
    NonNegativeSerialNumber = "non-negative-serial-number", "RFC 5280 section 4.1.2.2",
        "a serial number is not negative",
        [rfc5280 tls web_pki go];
    NonZeroSerialNumber = "non-zero-serial-number", "RFC 5280 section 4.1.2.2",
        "a serial number is not zero",
        [rfc5280 web_pki];
    SerialNumberLength = "serial-number-length", "RFC 5280 section 4.1.2.2",
        "a serial number has at most 20 octets",
        [rfc5280 web_pki];
    IssuerNamePresent = "issuer-name-present", "RFC 5280 sections 4.1.2.4 and 4.1.2.6",
        "an issuer has a name that is not empty",
        [rfc5280 web_pki];
    SubjectAlternativeNameCritical = "subject-alternative-name-critical", "RFC 5280 section 4.2.1.6",
        "a certificate without a subject's name has a critical subjectAltName",
        [rfc5280 web_pki];
    SubjectAlternativeNameNotCritical = "subject-alternative-name-not-critical", "CA/Browser Forum BR section 7.1.2.7.12",
        "a peer's certificate with a subject's name has a subjectAltName that is not critical",
        [web_pki];
    SubjectAlternativeNamePresent = "subject-alternative-name-present", "CA/Browser Forum BR section 7.1.2.7.12",
        "a peer's certificate has a subjectAltName",
        [web_pki];
    PreferredNameSyntax = "preferred-name-syntax", "RFC 5280 section 4.2.1.6",
        "a dNSName is in RFC 1034's preferred name syntax, with a wildcard as its first label or not at all, and no IP address",
        [rfc5280 web_pki];
    NameConstraintsCritical = "name-constraints-critical", "RFC 5280 section 4.2.1.10",
        "nameConstraints are critical",
        [rfc5280];
    NameConstraintsOfIssuersOnly = "name-constraints-of-issuers-only", "RFC 5280 section 4.2.1.10",
        "only a certificate authority's certificate has nameConstraints",
        [rfc5280 web_pki];
    /// Without it such a constraint is met by names below it, as Go, OpenSSL and rustls have it.
    DnsConstraintSyntax = "dns-constraint-syntax", "RFC 5280 section 4.2.1.10",
        "a DNS name constraint does not begin with a period",
        [rfc5280];
    FieldNameConstraints = "field-name-constraints", "Go",
        "critical nameConstraints constrain DNS names, IP addresses, e-mail addresses and URIs alone",
        [tls go];
    /// RFC 5280 section 6.1.3 (b) exempts them, unless they are the leaf.
    SelfIssuedAreConstrained = "self-issued-are-constrained", "Go",
        "nameConstraints hold for self-issued certificates like for others",
        [tls go];
    /// Without it Go's exceptions hold: other forms, and addresses in the subject, are not read.
    EveryNameForm = "every-name-form", "RFC 5280 section 4.2.1.10",
        "nameConstraints are put to names of every form",
        [rfc5280 tls web_pki];
    ConstrainedNamesWellFormed = "constrained-names-well-formed", "Go",
        "below an issuer with nameConstraints of any kind, names are such that they could be compared",
        [tls go];
    PermittedHostsAreExact = "permitted-hosts-are-exact", "RFC 5280 section 4.2.1.10",
        "a host that is permitted in e-mail addresses and URIs does not stand for hosts below it",
        [rfc5280 tls web_pki];
    ExcludedHostsCoverDomains = "excluded-hosts-cover-domains", "Go",
        "a host that is excluded in e-mail addresses and URIs stands for hosts below it too",
        [go];
    /// It refuses every name of another form that is constrained, the subject among them.
    DnsAndIpConstraintsOnly = "dns-and-ip-constraints-only", "rustls",
        "names that are constrained are DNS names and IP addresses",
        [tls];
    ConstrainedDnsNamesAreHosts = "constrained-dns-names-are-hosts", "rustls",
        "DNS names that are constrained have the syntax of a host's name",
        [tls];
    WildcardsOverlapExcluded = "wildcards-overlap-excluded", "rustls",
        "a wildcard is excluded by a domain that begins one label below it, as by a host",
        [tls];
    PolicyConstraintsCritical = "policy-constraints-critical", "RFC 5280 sections 4.2.1.11 and 4.2.1.14",
        "policyConstraints and inhibitAnyPolicy are critical",
        [rfc5280 web_pki];
    /// rustls does not process them, so it refuses them where they are critical.
    NoCriticalPolicies = "no-critical-policies", "rustls",
        "no extension about certificate policies is critical",
        [tls];
    SubjectKeyAccepted = "subject-key-accepted", "RFC 8446 section 4.2.3; CA/Browser Forum BR section 6.1.5",
        "a peer's key is one that could verify a signature",
        [tls web_pki go];
    WebPkiKeys = "web-pki-keys", "CA/Browser Forum BR section 6.1.5",
        "keys are RSA with a modulus of whole octets, P-256, P-384 or P-521",
        [web_pki];
    /// Its names have the characters of their string types, and its URIs hosts that could be one.
    ReadableInGo = "readable-in-go", "Go",
        "a certificate is one that Go's crypto/x509 can read",
        [tls go];
    /// A handshake ends at a certificate that cannot be read, whether the path needs it or not.
    PresentedAreReadable = "presented-are-readable", "Go's crypto/tls",
        "every certificate that is presented can be read, also those that no path needs",
        [go];
    TextInNames = "text-in-names", "OpenSSL",
        "the attributes of names are texts",
        [tls];
    NoUniqueIdentifiers = "no-unique-identifiers", "RFC 5280 section 4.1.2.8; rustls",
        "a certificate has no issuerUniqueID and no subjectUniqueID",
        [tls web_pki];
    CrlNumberPresent = "crl-number-present", "RFC 5280 section 5.2.3",
        "a revocation list has a cRLNumber, which is not critical",
        [rfc5280 web_pki];
}

/// A set of rules.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Rules(u64);

impl Rules {
    const NONE: Self = Self(0);

    const fn with(self, rule: Rule) -> Self {
        Self(self.0 | 1 << rule as u64)
    }

    const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !(1 << rule as u64))
    }

    const fn with_if(self, rule: Rule, set: &str, wanted: &str) -> Self {
        let (set, wanted) = (set.as_bytes(), wanted.as_bytes());
        if set.len() != wanted.len() {
            return self;
        }
        let mut index = 0;
        while index < set.len() {
            #[allow(
                clippy::indexing_slicing,
                reason = "checked above, and evaluated at compile time"
            )]
            if set[index] != wanted[index] {
                return self;
            }
            index += 1;
        }
        self.with(rule)
    }

    pub(super) fn has(self, rule: Rule) -> bool {
        self.0 >> rule as u64 & 1 == 1
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
        Self::new(Purpose::Any, Rules::RFC5280)
    }

    /// A TLS client's chain as Go's, OpenSSL's and rustls's verifiers all accept it. Private
    /// authorities that leave out key identifiers are accepted.
    #[must_use]
    pub fn tls_client() -> Self {
        Self::new(Purpose::Client, Rules::TLS)
    }

    /// The same for a TLS server's chain.
    #[must_use]
    pub fn tls_server() -> Self {
        Self::new(Purpose::Server, Rules::TLS)
    }

    /// A TLS server's chain under RFC 5280 and what the CA/Browser Forum's Baseline Requirements
    /// add and except. The public suffix list is not consulted.
    #[must_use]
    pub fn web_pki() -> Self {
        Self::new(Purpose::Server, Rules::WEB_PKI)
    }

    /// A TLS client's chain as a server of Go's crypto/tls accepts it: what Temporal Cloud will say.
    #[must_use]
    pub fn go_tls_client() -> Self {
        Self::new(Purpose::Client, Rules::GO)
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
        Self::new(purpose, Rules::TLS)
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

impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(Rule::ALL.iter().filter(|&&rule| self.has(rule))).finish()
    }
}

/// No rule has this id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no rule \"{id}\"")]
#[non_exhaustive]
pub struct UnknownRule {
    /// What was given.
    pub id: String,
}

impl FromStr for Rule {
    type Err = UnknownRule;

    /// By its [`Rule::id`].
    fn from_str(id: &str) -> Result<Self, Self::Err> {
        let rule = Self::ALL.iter().find(|rule| rule.id() == id);
        rule.copied().ok_or_else(|| UnknownRule { id: id.to_owned() })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.id(), self.sentence(), self.source())
    }
}
