//! Certificate extensions (RFC 5280 section 4.2): found and checked when a certificate is parsed.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::BitOr;

use const_oid::ObjectIdentifier;
use der::asn1::AnyRef;
use der::{Tag, TagNumber};

use super::distribution_points::distribution_points;
use super::extension_values::{
    AuthorityKeyIdentifier, access_descriptions, basic_constraints, key_usage, octet_string,
    purposes,
};
use super::general_name::{Forms, GeneralNames};
use super::policies::{
    PolicyConstraints, SkipCerts, certificate_policies, inhibit_any_policy, policy_constraints,
    policy_mappings,
};
use super::reader::{DerReader, ReadError};
use super::subtrees::NameConstraints;
use super::{CertificateError, InField, Span, contents, identifier};

/// Object identifiers of extensions and purposes that this crate processes.
pub(crate) mod oid {
    pub(crate) use const_oid::db::rfc5280::{
        ANY_EXTENDED_KEY_USAGE, ANY_POLICY, ID_CE_SUBJECT_ALT_NAME, ID_KP_CLIENT_AUTH,
        ID_KP_SERVER_AUTH, ID_PE_AUTHORITY_INFO_ACCESS,
    };
}

/// An extension that this crate processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    AuthorityInformationAccess,
    AuthorityKeyIdentifier,
    BasicConstraints,
    CertificatePolicies,
    CrlDistributionPoints,
    ExtendedKeyUsage,
    FreshestCrl,
    InhibitAnyPolicy,
    KeyUsage,
    NameConstraints,
    PolicyConstraints,
    PolicyMappings,
    SubjectAlternativeName,
    SubjectKeyIdentifier,
}

impl Known {
    /// By the contents of its OBJECT IDENTIFIER.
    #[inline]
    fn of(id: &[u8]) -> Option<Self> {
        Some(match id {
            // id-ce (RFC 5280 section 4.2.1).
            [0x55, 0x1d, number] => match number {
                14 => Self::SubjectKeyIdentifier,
                15 => Self::KeyUsage,
                17 => Self::SubjectAlternativeName,
                19 => Self::BasicConstraints,
                30 => Self::NameConstraints,
                31 => Self::CrlDistributionPoints,
                32 => Self::CertificatePolicies,
                33 => Self::PolicyMappings,
                35 => Self::AuthorityKeyIdentifier,
                36 => Self::PolicyConstraints,
                37 => Self::ExtendedKeyUsage,
                46 => Self::FreshestCrl,
                54 => Self::InhibitAnyPolicy,
                _ => return None,
            },
            id if id == oid::ID_PE_AUTHORITY_INFO_ACCESS.as_bytes() => {
                Self::AuthorityInformationAccess
            }
            _ => return None,
        })
    }

    /// The name that RFC 5280 gives it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::AuthorityInformationAccess => "authorityInfoAccess",
            Self::AuthorityKeyIdentifier => "authorityKeyIdentifier",
            Self::BasicConstraints => "basicConstraints",
            Self::CertificatePolicies => "certificatePolicies",
            Self::CrlDistributionPoints => "cRLDistributionPoints",
            Self::ExtendedKeyUsage => "extKeyUsage",
            Self::FreshestCrl => "freshestCRL",
            Self::InhibitAnyPolicy => "inhibitAnyPolicy",
            Self::KeyUsage => "keyUsage",
            Self::NameConstraints => "nameConstraints",
            Self::PolicyConstraints => "policyConstraints",
            Self::PolicyMappings => "policyMappings",
            Self::SubjectAlternativeName => "subjectAltName",
            Self::SubjectKeyIdentifier => "subjectKeyIdentifier",
        }
    }
}

/// A set of known extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownSet(u16);

impl KnownSet {
    const NONE: Self = Self(0);
    const CAPACITY: usize = u16::BITS as usize;

    pub(crate) const fn of(mut extensions: &[Known]) -> Self {
        let mut set = Self::NONE;
        while let [extension, others @ ..] = extensions {
            set.insert(*extension);
            extensions = others;
        }
        set
    }

    const fn insert(&mut self, extension: Known) {
        self.0 |= 1 << extension as u16;
    }

    pub(crate) fn has_any_of(self, others: Self) -> bool {
        self.0 & others.0 != 0
    }

    pub(crate) fn contains(self, extension: Known) -> bool {
        self.0 >> extension as u16 & 1 == 1
    }
}

/// The extension that says whether the subject is a CA (RFC 5280 section 4.2.1.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BasicConstraints {
    /// The `cA` boolean.
    pub is_ca: bool,
    /// How many intermediate certificates may follow this one in a path.
    pub path_len: Option<u8>,
}

/// The bits of the key usage extension (RFC 5280 section 4.2.1.3).
///
/// ```
/// use private_ca::KeyUsage;
///
/// let usage = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_ENCIPHERMENT;
/// assert!(usage.contains(KeyUsage::DIGITAL_SIGNATURE));
/// assert_eq!(usage.to_string(), "digitalSignature, keyEncipherment");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage(u16);

impl KeyUsage {
    /// Signatures other than those on certificates and CRLs: what TLS needs.
    pub const DIGITAL_SIGNATURE: Self = Self(1 << 0);
    /// Signatures that are kept as evidence.
    pub const CONTENT_COMMITMENT: Self = Self(1 << 1);
    /// Encrypting keys: RSA key exchange in TLS 1.2.
    pub const KEY_ENCIPHERMENT: Self = Self(1 << 2);
    /// Encrypting data itself.
    pub const DATA_ENCIPHERMENT: Self = Self(1 << 3);
    /// Key agreement.
    pub const KEY_AGREEMENT: Self = Self(1 << 4);
    /// Signing certificates.
    pub const KEY_CERT_SIGN: Self = Self(1 << 5);
    /// Signing revocation lists.
    pub const CRL_SIGN: Self = Self(1 << 6);
    /// With key agreement: only to encipher.
    pub const ENCIPHER_ONLY: Self = Self(1 << 7);
    /// With key agreement: only to decipher.
    pub const DECIPHER_ONLY: Self = Self(1 << 8);

    const NAMES: [&'static str; 9] = [
        "digitalSignature",
        "contentCommitment",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];

    /// Of the octets of a BIT STRING, whose first bit is the highest of the first one.
    pub(super) fn of_octets(octets: &[u8]) -> Self {
        let octet = |place| octets.get(place).map_or(0, |octet: &u8| octet.reverse_bits());
        Self(u16::from_le_bytes([octet(0), octet(1) & 1]))
    }

    /// Whether no bit is set.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every bit of `other` is set.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for KeyUsage {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = (0..).zip(Self::NAMES).filter(|(bit, _)| self.0 >> bit & 1 == 1);
        for (index, (_, name)) in names.enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// Which of the purposes that matter in TLS are in an `ExtKeyUsageSyntax` (RFC 5280 section 4.2.1.12).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Purposes {
    pub(crate) server_auth: bool,
    pub(crate) client_auth: bool,
    /// `anyExtendedKeyUsage`.
    pub(crate) any: bool,
}

/// What the extensions of one certificate say; spans lie in its DER.
#[derive(Debug, PartialEq)]
pub(crate) struct Extensions {
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) purposes: Option<Purposes>,
    /// Which forms of names there are among the subject alternative names.
    pub(crate) alternative_names: Forms,
    pub(crate) authority: AuthorityKeyIdentifier,
    pub(crate) policy_constraints: Option<PolicyConstraints>,
    pub(crate) inhibit_any_policy: SkipCerts,
    /// DER of the values of those that there are; of the subject key identifier, its octets.
    values: [Span; KnownSet::CAPACITY],
    /// Which of the above there are.
    pub(crate) present: KnownSet,
    /// Which of them are critical.
    pub(crate) critical: KnownSet,
    /// The first critical extension that is not processed.
    pub(crate) unknown_critical: Option<ObjectIdentifier>,
}

/// `[3] EXPLICIT`.
const EXPLICIT: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(3) };

impl Extensions {
    pub(super) const NONE: Self = Self {
        basic_constraints: None,
        key_usage: None,
        purposes: None,
        alternative_names: Forms::NONE,
        authority: AuthorityKeyIdentifier::NONE,
        policy_constraints: None,
        inhibit_any_policy: None,
        values: [Span::NONE; KnownSet::CAPACITY],
        present: KnownSet::NONE,
        critical: KnownSet::NONE,
        unknown_critical: None,
    };

    /// Where the value of an extension lies, if there is one.
    #[inline]
    pub(super) fn value(&self, extension: Known) -> Option<Span> {
        let value = self.values.get(extension as usize).copied();
        value.filter(|_| self.present.contains(extension))
    }

    /// Reads the optional `[3] EXPLICIT Extensions` at the end of a `TBSCertificate`.
    #[inline]
    pub(super) fn parse<E: ReadError>(
        &mut self,
        tbs: &mut DerReader<'_, E>,
    ) -> Result<(), E::InField> {
        if tbs.is_finished() {
            return Ok(());
        }
        let mut explicit = tbs.nested(EXPLICIT).in_field("extensions")?;
        explicit.sequence(|sequence| {
            let mut seen = None;
            while !sequence.is_finished() {
                sequence.sequence(|extension| self.read_one(extension, &mut seen))?;
            }
            Ok::<_, E::InField>(())
        })?;
        explicit.finish().in_field("extensions")
    }

    #[inline(always)]
    fn read_one<E: ReadError>(
        &mut self,
        extension: &mut DerReader<'_, E>,
        // Besides those that are known.
        seen: &mut Option<BTreeSet<ObjectIdentifier>>,
    ) -> Result<(), E::InField> {
        let id = identifier(extension).in_field("extension")?;
        let Some(known) = Known::of(id) else {
            return self.read_unknown(id, extension, seen);
        };
        if self.present.contains(known) {
            return Err(duplicate(object_identifier(id)?).into());
        }
        let critical = extension.optional_boolean().in_field("extension's critical")?;
        let (span, value) =
            contents(extension, Tag::OctetString).in_field("extension's extnValue")?;
        self.present.insert(known);
        if critical == Some(true) {
            self.critical.insert(known);
        }
        if let Some(place) = self.values.get_mut(known as usize) {
            *place = span;
        }
        self.read_known::<E>(known, value, span).in_field(known.name())
    }

    fn read_unknown<E: ReadError>(
        &mut self,
        id: &[u8],
        extension: &mut DerReader<'_, E>,
        seen: &mut Option<BTreeSet<ObjectIdentifier>>,
    ) -> Result<(), E::InField> {
        let id = object_identifier(id)?;
        if !seen.get_or_insert_default().insert(id) {
            return Err(duplicate(id).into());
        }
        let critical = extension.optional_boolean().in_field("extension's critical")?;
        contents(extension, Tag::OctetString).in_field("extension's extnValue")?;
        if critical == Some(true) {
            self.unknown_critical.get_or_insert(id);
        }
        Ok(())
    }

    #[inline(always)]
    fn read_known<E: ReadError>(
        &mut self,
        known: Known,
        value: &[u8],
        span: Span,
    ) -> Result<(), E> {
        match known {
            Known::BasicConstraints => self.basic_constraints = Some(basic_constraints(value)?),
            Known::KeyUsage => self.key_usage = Some(key_usage(value)?),
            Known::ExtendedKeyUsage => self.purposes = Some(purposes(value)?),
            Known::SubjectAlternativeName => {
                self.alternative_names = GeneralNames::forms_of_subject(value)?;
            }
            Known::SubjectKeyIdentifier => {
                let octets = span.last(octet_string::<E>(value)?.len());
                if let Some(place) = self.values.get_mut(known as usize) {
                    *place = octets;
                }
            }
            Known::AuthorityKeyIdentifier => {
                self.authority = AuthorityKeyIdentifier::from_der(value, span)?;
            }
            Known::NameConstraints => NameConstraints::from_der(value).map(drop)?,
            Known::CertificatePolicies => certificate_policies(value).map(drop)?,
            Known::PolicyMappings => policy_mappings(value).map(drop)?,
            Known::PolicyConstraints => self.policy_constraints = Some(policy_constraints(value)?),
            Known::InhibitAnyPolicy => self.inhibit_any_policy = Some(inhibit_any_policy(value)?),
            Known::CrlDistributionPoints | Known::FreshestCrl => {
                distribution_points(value).map(drop)?;
            }
            Known::AuthorityInformationAccess => access_descriptions(value)?,
        }
        Ok(())
    }
}

/// Of contents that were checked.
fn object_identifier(contents: &[u8]) -> Result<ObjectIdentifier, CertificateError> {
    AnyRef::new(Tag::ObjectIdentifier, contents).and_then(|id| id.decode_as()).in_field("extension")
}

#[cold]
fn duplicate(oid: ObjectIdentifier) -> CertificateError {
    CertificateError::DuplicateExtension { oid }
}

#[cfg(test)]
mod tests {
    use const_oid::db::rfc5280::*;

    use super::*;

    #[test]
    fn extensions_are_known_by_their_registered_identifiers() {
        for (id, known) in [
            (ID_PE_AUTHORITY_INFO_ACCESS, Known::AuthorityInformationAccess),
            (ID_CE_AUTHORITY_KEY_IDENTIFIER, Known::AuthorityKeyIdentifier),
            (ID_CE_BASIC_CONSTRAINTS, Known::BasicConstraints),
            (ID_CE_CERTIFICATE_POLICIES, Known::CertificatePolicies),
            (ID_CE_CRL_DISTRIBUTION_POINTS, Known::CrlDistributionPoints),
            (ID_CE_EXT_KEY_USAGE, Known::ExtendedKeyUsage),
            (ID_CE_FRESHEST_CRL, Known::FreshestCrl),
            (ID_CE_INHIBIT_ANY_POLICY, Known::InhibitAnyPolicy),
            (ID_CE_KEY_USAGE, Known::KeyUsage),
            (ID_CE_NAME_CONSTRAINTS, Known::NameConstraints),
            (ID_CE_POLICY_CONSTRAINTS, Known::PolicyConstraints),
            (ID_CE_POLICY_MAPPINGS, Known::PolicyMappings),
            (ID_CE_SUBJECT_ALT_NAME, Known::SubjectAlternativeName),
            (ID_CE_SUBJECT_KEY_IDENTIFIER, Known::SubjectKeyIdentifier),
        ] {
            assert_eq!(Known::of(id.as_bytes()), Some(known));
        }
        for id in [ID_CE_PRIVATE_KEY_USAGE_PERIOD, ID_CE_ISSUER_ALT_NAME, ID_KP_CLIENT_AUTH] {
            assert_eq!(Known::of(id.as_bytes()), None);
        }
    }
}
