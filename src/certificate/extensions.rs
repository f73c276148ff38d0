//! Certificate extensions (RFC 5280 section 4.2): found and checked when a certificate is parsed.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::BitOr;

use const_oid::ObjectIdentifier;
use der::{Decode, Header, Length, Reader, Tag, TagNumber};

use super::distribution_points::distribution_points;
use super::extension_values::{
    AuthorityKeyIdentifier, access_descriptions, basic_constraints, check_purposes, key_usage,
    octet_string,
};
use super::general_name::{GeneralName, GeneralNames};
use super::policies::{
    PolicyConstraints, SkipCerts, certificate_policies, inhibit_any_policy, policy_constraints,
    policy_mappings,
};
use super::reader::DerReader;
use super::subject_alternative_name::address;
use super::subtrees::NameConstraints;
use super::{CertificateError, InField, Span, contents_of, element, identifier};

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct KnownSet(u16);

impl KnownSet {
    fn insert(&mut self, extension: Known) {
        self.0 |= 1 << extension as u16;
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

    pub(super) fn of_bits(bits: impl Iterator<Item = usize>) -> Self {
        Self(bits.fold(0, |usage, bit| usage | 1 << bit))
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

/// What the extensions of one certificate say; spans lie in its DER.
#[derive(Default)]
pub(crate) struct Extensions {
    pub(crate) basic_constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<KeyUsage>,
    /// DER of the `ExtKeyUsageSyntax`.
    pub(crate) extended_key_usage: Option<Span>,
    /// DER of the `SubjectAltName`.
    pub(crate) subject_alternative_names: Option<Span>,
    /// The identifier's octets.
    pub(crate) subject_key_identifier: Option<Span>,
    /// The identifier's octets.
    pub(crate) authority_key_identifier: Option<Span>,
    /// Contents of the `GeneralNames` that hold the issuer of the authority's certificate.
    pub(crate) authority_issuer: Option<Span>,
    /// Contents of the INTEGER that is the serial number of the authority's certificate.
    pub(crate) authority_serial_number: Option<Span>,
    /// DER of the `NameConstraints`.
    pub(crate) name_constraints: Option<Span>,
    /// DER of the `CertificatePolicies`.
    pub(crate) certificate_policies: Option<Span>,
    /// DER of the `PolicyMappings`.
    pub(crate) policy_mappings: Option<Span>,
    pub(crate) policy_constraints: Option<PolicyConstraints>,
    pub(crate) inhibit_any_policy: SkipCerts,
    /// DER of the `CRLDistributionPoints`.
    pub(crate) crl_distribution_points: Option<Span>,
    /// DER of the same for delta CRLs.
    pub(crate) freshest_crl: Option<Span>,
    /// Which of the above there are.
    pub(crate) present: KnownSet,
    /// Which of them are critical.
    pub(crate) critical: KnownSet,
    /// The first critical extension that is not processed.
    pub(crate) unknown_critical: Option<ObjectIdentifier>,
}

impl Extensions {
    /// Reads the optional `[3] EXPLICIT Extensions` at the end of a `TBSCertificate`.
    pub(super) fn parse(&mut self, tbs: &mut DerReader<'_>) -> Result<(), CertificateError> {
        if tbs.is_finished() {
            return Ok(());
        }
        let length = explicit_length(tbs).in_field("extensions")?;
        tbs.read_nested(length, |explicit| {
            explicit.sequence(|sequence| {
                let mut seen = BTreeSet::new();
                while !sequence.is_finished() {
                    sequence.sequence(|extension| self.read_one(extension, &mut seen))?;
                }
                Ok::<_, CertificateError>(())
            })
        })
    }

    fn read_one(
        &mut self,
        extension: &mut DerReader<'_>,
        // Besides those that are known.
        seen: &mut BTreeSet<ObjectIdentifier>,
    ) -> Result<(), CertificateError> {
        let mut ahead = extension.clone();
        let known = Known::of(identifier(extension).in_field("extension")?);
        let mut id = || ObjectIdentifier::decode(&mut ahead).in_field("extension");
        let unknown = match known {
            Some(known) if self.present.contains(known) => {
                return Err(CertificateError::DuplicateExtension { oid: id()? });
            }
            Some(_) => None,
            None => Some(id()?),
        };
        if let Some(oid) = unknown.filter(|&oid| !seen.insert(oid)) {
            return Err(CertificateError::DuplicateExtension { oid });
        }
        let critical = extension.optional_boolean().in_field("extension's critical")?;
        let element = element(extension, Tag::OctetString).in_field("extension's extnValue")?;
        let (contents, span) = (element.1, contents_of(element));
        let Some(known) = known else {
            if critical == Some(true) {
                self.unknown_critical = self.unknown_critical.or(unknown);
            }
            return Ok(());
        };
        self.present.insert(known);
        if critical == Some(true) {
            self.critical.insert(known);
        }
        self.read_known(known, contents, span).in_field(known.name())
    }

    fn read_known(&mut self, known: Known, contents: &[u8], span: Span) -> der::Result<()> {
        match known {
            Known::BasicConstraints => self.basic_constraints = Some(basic_constraints(contents)?),
            Known::KeyUsage => self.key_usage = Some(key_usage(contents)?),
            Known::ExtendedKeyUsage => {
                check_purposes(contents)?;
                self.extended_key_usage = Some(span);
            }
            Known::SubjectAlternativeName => {
                let mut names = GeneralNames::from_der(contents)?;
                names.try_for_each(|name| match name {
                    GeneralName::Ip(octets) => address(octets).map(drop),
                    _ => Ok(()),
                })?;
                self.subject_alternative_names = Some(span);
            }
            Known::SubjectKeyIdentifier => {
                let length = octet_string(contents)?.len();
                self.subject_key_identifier = Some(span.end.saturating_sub(length)..span.end);
            }
            Known::AuthorityKeyIdentifier => {
                let identifier = AuthorityKeyIdentifier::from_der(contents)?;
                let place = |of: Span| span.start + of.start..span.start + of.end;
                self.authority_key_identifier = identifier.key.map(place);
                self.authority_issuer = identifier.issuer.map(place);
                self.authority_serial_number = identifier.serial_number.map(place);
            }
            Known::NameConstraints => {
                NameConstraints::from_der(contents)?;
                self.name_constraints = Some(span);
            }
            Known::CertificatePolicies => {
                certificate_policies(contents)?;
                self.certificate_policies = Some(span);
            }
            Known::PolicyMappings => {
                policy_mappings(contents)?;
                self.policy_mappings = Some(span);
            }
            Known::PolicyConstraints => {
                self.policy_constraints = Some(policy_constraints(contents)?);
            }
            Known::InhibitAnyPolicy => {
                self.inhibit_any_policy = Some(inhibit_any_policy(contents)?);
            }
            Known::CrlDistributionPoints => {
                distribution_points(contents)?;
                self.crl_distribution_points = Some(span);
            }
            Known::FreshestCrl => {
                distribution_points(contents)?;
                self.freshest_crl = Some(span);
            }
            Known::AuthorityInformationAccess => access_descriptions(contents)?,
        }
        Ok(())
    }
}

/// Goes to the contents of `[3]`, and says how long they are.
fn explicit_length(tbs: &mut DerReader<'_>) -> der::Result<Length> {
    if let Some(length) = tbs.enter_usual(0xa3) {
        return Ok(length);
    }
    let header = Header::decode(tbs)?;
    header.tag().assert_eq(Tag::ContextSpecific { constructed: true, number: TagNumber(3) })?;
    Ok(header.length())
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
