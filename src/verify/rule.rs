//! Rules in which verifiers differ, and which of the named policies has which.

use std::fmt;
use std::str::FromStr;

macro_rules! rules {
    ($($(#[doc = $doc:literal])* $name:ident = $id:literal, $source:literal, $sentence:literal, [$($set:ident)*];)*) => {
        /// A rule that a [`Policy`](crate::verify::Policy) has or has not.
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

        impl Rule {
            /// The named sets that it belongs to, as bits.
            const fn sets(self) -> u8 {
                match self { $(Self::$name => 0 $(| Set::$set as u8)*,)* }
            }
        }
    };
}

rules! {
    /// RFC 5280 section 6.1 needs no more of an anchor than its name and key. With this rule its
    /// certificate has to be within its validity, and a CA's that allows the path length, the key
    /// usage and the purpose; and every other rule holds for it too.
    AnchorCertificate = "anchor-certificate", "Go and OpenSSL",
        "a trust anchor that is given as a certificate is held to what the certificate says",
        [Rfc5280 Tls WebPki Go];
    /// Without it names are compared as RFC 5280 section 7.1 has it.
    ByteExactNames = "byte-exact-names", "Go and rustls; CA/Browser Forum BR section 7.1.4.1",
        "an issuer's name is the same octets in both certificates",
        [Tls WebPki Go];
    TrustedLeafIsSelfSigned = "trusted-leaf-is-self-signed", "OpenSSL and rustls",
        "a leaf that is itself a trust anchor is accepted only if it signed itself",
        [Rfc5280 Tls WebPki];
    KeyIdentifiersMatch = "key-identifiers-match", "OpenSSL",
        "where a certificate identifies its issuer's key and the issuer identifies its own, they agree",
        [Tls WebPki];
    AuthorityKeyIdentifierPresent = "authority-key-identifier-present", "RFC 5280 section 4.2.1.1",
        "a certificate that is not self-signed identifies its issuer's key",
        [Rfc5280 WebPki];
    AuthorityKeyIdentifierOfRoots = "authority-key-identifier-of-roots", "CA/Browser Forum BR section 7.1.2.1.3",
        "a root that identifies its issuer's key does so by its own subject key identifier alone",
        [WebPki];
    SubjectKeyIdentifierPresent = "subject-key-identifier-present", "RFC 5280 section 4.2.1.2",
        "an issuer identifies its key",
        [Rfc5280 WebPki];
    NonCriticalExtensions = "non-critical-extensions", "RFC 5280 sections 4.2.1.1, 4.2.1.2, 4.2.1.15 and 4.2.2.1",
        "authorityKeyIdentifier, subjectKeyIdentifier, freshestCRL and authorityInfoAccess are not critical",
        [Rfc5280 Tls WebPki Go];
    BasicConstraintsCritical = "basic-constraints-critical", "RFC 5280 section 4.2.1.9",
        "an issuer's basicConstraints are critical",
        [Rfc5280 WebPki];
    PathLengthOfIssuersOnly = "path-length-of-issuers-only", "RFC 5280 section 4.2.1.9",
        "only a certificate authority's certificate has a pathLenConstraint",
        [Rfc5280 WebPki];
    /// RFC 5280 section 6.1.4 (l) does not count them.
    SelfIssuedCount = "self-issued-count", "Go and rustls",
        "self-issued certificates count for path lengths like others",
        [Tls Go];
    KeyUsageNotEmpty = "key-usage-not-empty", "RFC 5280 section 4.2.1.3",
        "a keyUsage without any bit allows nothing",
        [Rfc5280 Tls WebPki];
    KeyUsageOfIssuersPresent = "key-usage-of-issuers-present", "RFC 5280 section 4.2.1.3",
        "an issuer's certificate has a keyUsage",
        [WebPki];
    KeyCertSignOfIssuersOnly = "key-cert-sign-of-issuers-only", "RFC 5280 section 4.2.1.3",
        "only a certificate authority's key may sign certificates",
        [Rfc5280 WebPki];
    DigitalSignature = "digital-signature", "RFC 5280 section 4.2.1.3",
        "a TLS peer's keyUsage, if it has one, allows digitalSignature",
        [Rfc5280 Tls WebPki];
    /// RFC 5280 section 4.2.1.12 knows an extended key usage of the leaf alone.
    NestedExtendedKeyUsage = "nested-extended-key-usage", "Go, OpenSSL and rustls",
        "an issuer's extKeyUsage, if it has one, allows what its certificates are used for",
        [Tls WebPki Go];
    PurposeByName = "purpose-by-name", "OpenSSL and rustls; allowed by RFC 5280 section 4.2.1.12",
        "anyExtendedKeyUsage does not stand for a purpose",
        [Tls WebPki];
    ExtendedKeyUsagePresent = "extended-key-usage-present", "CA/Browser Forum BR section 7.1.2.7.10",
        "a peer's certificate has an extKeyUsage",
        [WebPki];
    ExtendedKeyUsageNotCritical = "extended-key-usage-not-critical", "CA/Browser Forum BR section 7.1.2.7.6",
        "a peer's extKeyUsage is not critical",
        [WebPki];
    NoAnyExtendedKeyUsage = "no-any-extended-key-usage", "CA/Browser Forum BR section 7.1.2.7.10",
        "a peer's extKeyUsage has no anyExtendedKeyUsage",
        [WebPki];
    RootsWithoutExtendedKeyUsage = "roots-without-extended-key-usage", "CA/Browser Forum BR section 7.1.2.1.2",
        "a root has no extKeyUsage",
        [WebPki];
    EndEntityIsNoCa = "end-entity-is-no-ca", "rustls; CA/Browser Forum BR section 7.1.2.7.8",
        "a TLS peer's certificate is not a certificate authority's",
        [Tls WebPki];
    Version3 = "version-3", "rustls; CA/Browser Forum BR section 7.1.1",
        "a peer's certificate is of version 3, and a trust anchor's of version 1 or 3",
        [Rfc5280 Tls WebPki];
    NonNegativeSerialNumber = "non-negative-serial-number", "RFC 5280 section 4.1.2.2",
        "a serial number is not negative",
        [Rfc5280 Tls WebPki Go];
    NonZeroSerialNumber = "non-zero-serial-number", "RFC 5280 section 4.1.2.2",
        "a serial number is not zero",
        [Rfc5280 WebPki];
    SerialNumberLength = "serial-number-length", "RFC 5280 section 4.1.2.2",
        "a serial number has at most 20 octets",
        [Rfc5280 WebPki];
    IssuerNamePresent = "issuer-name-present", "RFC 5280 sections 4.1.2.4 and 4.1.2.6",
        "an issuer has a name that is not empty",
        [Rfc5280 WebPki];
    SubjectAlternativeNameCritical = "subject-alternative-name-critical", "RFC 5280 section 4.2.1.6",
        "a certificate without a subject's name has a critical subjectAltName",
        [Rfc5280 WebPki];
    SubjectAlternativeNameNotCritical = "subject-alternative-name-not-critical", "CA/Browser Forum BR section 7.1.2.7.12",
        "a peer's certificate with a subject's name has a subjectAltName that is not critical",
        [WebPki];
    SubjectAlternativeNamePresent = "subject-alternative-name-present", "CA/Browser Forum BR section 7.1.2.7.12",
        "a peer's certificate has a subjectAltName",
        [WebPki];
    PreferredNameSyntax = "preferred-name-syntax", "RFC 5280 section 4.2.1.6",
        "a dNSName is in RFC 1034's preferred name syntax, with a wildcard as its first label or not at all, and no IP address",
        [Rfc5280 WebPki];
    NameConstraintsCritical = "name-constraints-critical", "RFC 5280 section 4.2.1.10",
        "nameConstraints are critical",
        [Rfc5280];
    NameConstraintsOfIssuersOnly = "name-constraints-of-issuers-only", "RFC 5280 section 4.2.1.10",
        "only a certificate authority's certificate has nameConstraints",
        [Rfc5280 WebPki];
    /// Without it such a constraint is met by names below it, as Go, OpenSSL and rustls have it.
    DnsConstraintSyntax = "dns-constraint-syntax", "RFC 5280 section 4.2.1.10",
        "a DNS name constraint does not begin with a period",
        [Rfc5280];
    FieldNameConstraints = "field-name-constraints", "Go",
        "critical nameConstraints constrain DNS names, IP addresses, e-mail addresses and URIs alone",
        [Tls Go];
    /// RFC 5280 section 6.1.3 (b) exempts them, unless they are the leaf.
    SelfIssuedAreConstrained = "self-issued-are-constrained", "Go",
        "nameConstraints hold for self-issued certificates like for others",
        [Tls Go];
    /// Without it Go's exceptions hold: other forms, and addresses in the subject, are not read.
    EveryNameForm = "every-name-form", "RFC 5280 section 4.2.1.10",
        "nameConstraints are put to names of every form",
        [Rfc5280 Tls WebPki];
    ConstrainedNamesWellFormed = "constrained-names-well-formed", "Go",
        "below an issuer with nameConstraints of any kind, names are such that they could be compared",
        [Tls Go];
    PermittedHostsAreExact = "permitted-hosts-are-exact", "RFC 5280 section 4.2.1.10",
        "a host that is permitted in e-mail addresses and URIs does not stand for hosts below it",
        [Rfc5280 Tls WebPki];
    ExcludedHostsCoverDomains = "excluded-hosts-cover-domains", "Go",
        "a host that is excluded in e-mail addresses and URIs stands for hosts below it too",
        [Go];
    /// It refuses every name of another form that is constrained, the subject among them.
    DnsAndIpConstraintsOnly = "dns-and-ip-constraints-only", "rustls",
        "names that are constrained are DNS names and IP addresses",
        [Tls];
    ConstrainedDnsNamesAreHosts = "constrained-dns-names-are-hosts", "rustls",
        "DNS names that are constrained have the syntax of a host's name",
        [Tls];
    WildcardsOverlapExcluded = "wildcards-overlap-excluded", "rustls",
        "a wildcard is excluded by a domain that begins one label below it, as by a host",
        [Tls];
    PolicyConstraintsCritical = "policy-constraints-critical", "RFC 5280 sections 4.2.1.11 and 4.2.1.14",
        "policyConstraints and inhibitAnyPolicy are critical",
        [Rfc5280 WebPki];
    /// rustls does not process them, so it refuses them where they are critical.
    NoCriticalPolicies = "no-critical-policies", "rustls",
        "no extension about certificate policies is critical",
        [Tls];
    SubjectKeyAccepted = "subject-key-accepted", "RFC 8446 section 4.2.3; CA/Browser Forum BR section 6.1.5",
        "a peer's key is one that could verify a signature",
        [Tls WebPki Go];
    WebPkiKeys = "web-pki-keys", "CA/Browser Forum BR section 6.1.5",
        "keys are RSA with a modulus of whole octets, P-256, P-384 or P-521",
        [WebPki];
    /// Its names have the characters of their string types, and its URIs hosts that could be one.
    ReadableInGo = "readable-in-go", "Go",
        "a certificate is one that Go's crypto/x509 can read",
        [Tls Go];
    /// A handshake ends at a certificate that cannot be read, whether the path needs it or not.
    PresentedAreReadable = "presented-are-readable", "Go's crypto/tls",
        "every certificate that is presented can be read, also those that no path needs",
        [Go];
    TextInNames = "text-in-names", "OpenSSL",
        "the attributes of names are texts",
        [Tls];
    NoUniqueIdentifiers = "no-unique-identifiers", "RFC 5280 section 4.1.2.8; rustls",
        "a certificate has no issuerUniqueID and no subjectUniqueID",
        [Tls WebPki];
    CrlNumberPresent = "crl-number-present", "RFC 5280 section 5.2.3",
        "a revocation list has a cRLNumber, which is not critical",
        [Rfc5280 WebPki];
}

/// The rules that a named policy has.
#[derive(Clone, Copy)]
pub(super) enum Set {
    Rfc5280 = 1,
    Tls = 2,
    WebPki = 4,
    Go = 8,
}

/// A set of rules.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Rules(u64);

impl Rules {
    pub(super) const NONE: Self = Self(0);

    pub(super) fn has_any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    pub(super) const fn with(self, rule: Rule) -> Self {
        Self(self.0 | 1 << rule as u64)
    }

    pub(super) const fn without(self, rule: Rule) -> Self {
        Self(self.0 & !(1 << rule as u64))
    }

    /// The rules of a named set.
    pub(super) const fn of(set: Set) -> Self {
        let mut rules = Self::NONE;
        let mut rest = Rule::ALL;
        while let [rule, others @ ..] = rest {
            if rule.sets() & set as u8 != 0 {
                rules = rules.with(*rule);
            }
            rest = others;
        }
        rules
    }

    pub(super) fn has(self, rule: Rule) -> bool {
        self.0 >> rule as u64 & 1 == 1
    }
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
