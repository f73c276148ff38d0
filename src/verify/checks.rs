//! What is asked of each certificate in a path, one section of RFC 5280 a function.

mod profile;
mod readers;

use std::fmt;

use super::error::Checked;
use super::policy::Purpose;
use super::rule::{Rule, Rules};
use super::{Terms, VerifyError, names};
use crate::certificate::general_name::GeneralName;
use crate::certificate::{CanonicalName, Certificate, KeyUsage, Known, KnownSet};
use crate::oid::NamedOid;

/// What a certificate is in a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The certificate that is verified.
    Leaf,
    /// The issuer of another; `below` intermediate certificates follow it, counted as for path lengths.
    Issuer {
        /// Whether it is trusted as it is.
        is_anchor: bool,
        below: usize,
    },
    /// The signer of a revocation list, where it issued no certificate of the path.
    CrlSigner,
    /// One of the pool, that may have no part in any path.
    Presented,
}

impl Role {
    fn is_anchor(self) -> bool {
        matches!(self, Self::Issuer { is_anchor: true, .. })
    }

    fn is_issuer(self) -> bool {
        matches!(self, Self::Issuer { .. })
    }
}

/// A certificate under examination.
#[derive(Clone, Copy)]
struct Subject<'a> {
    certificate: &'a Certificate,
    role: Role,
    terms: &'a Terms<'a>,
}

impl Subject<'_> {
    #[cold]
    fn breaks(&self, rule: Rule, found: impl Into<String>) -> Checked {
        let subject = self.certificate.subject();
        Err(VerifyError::Rule { subject, rule, found: found.into() }.into())
    }

    #[cold]
    fn breaks_of(&self, rule: Rule, found: &dyn fmt::Display) -> Checked {
        self.breaks(rule, found.to_string())
    }

    /// `found` is written only where the rule is broken.
    #[inline]
    fn must(&self, rule: Rule, holds: bool, found: impl fmt::Display) -> Checked {
        match holds || !self.terms.has(rule) {
            true => Ok(()),
            false => self.breaks_of(rule, &found),
        }
    }
}

type Check = fn(&Subject<'_>) -> Checked;

macro_rules! checks {
    ($($check:path $(: [$($rule:ident),*] $(of [$($extension:ident),*])?)?,)*) => {
        const CHECKS: &[Check] = &[$($check),*];

        /// One after the other, without those that are about rules alone that the policy has not, or about extensions
        /// that the certificate has not. Most ask no more than a bit, which is less than a call by way of the list takes.
        fn pass_all(subject: &Subject<'_>) -> Checked {
            let (rules, certificate) = (subject.terms.policy.rule_set(), subject.certificate);
            $(
                $(if rules.has_any_of(const { Rules::NONE$(.with(Rule::$rule))* })
                    $(&& certificate.has_any_of(const { KnownSet::of(&[$(Known::$extension),*]) }))?)?
                {
                    $check(subject)?;
                }
            )*
            Ok(())
        }
    };
}

// What makes a certificate unfit comes before how long it lasts: an expired certificate of
// the wrong kind would still be of the wrong kind after it is renewed.
checks! {
    version,
    signature_algorithms,
    critical_extensions,
    basic_constraints,
    key_usage,
    extended_key_usage,
    profile::serial_number: [NonNegativeSerialNumber, NonZeroSerialNumber, SerialNumberLength],
    profile::issuer_name: [IssuerNamePresent],
    profile::key_identifiers:
        [AuthorityKeyIdentifierPresent, SubjectKeyIdentifierPresent, AuthorityKeyIdentifierOfRoots],
    profile::criticality: [NonCriticalExtensions],
    profile::basic_constraints: [BasicConstraintsCritical, PathLengthOfIssuersOnly],
    profile::key_usage: [KeyUsageOfIssuersPresent, KeyCertSignOfIssuersOnly],
    profile::extended_key_usage: [
        ExtendedKeyUsagePresent, ExtendedKeyUsageNotCritical, NoAnyExtendedKeyUsage,
        RootsWithoutExtendedKeyUsage
    ],
    profile::alternative_names: [
        SubjectAlternativeNameCritical, SubjectAlternativeNameNotCritical,
        SubjectAlternativeNamePresent, PreferredNameSyntax
    ],
    profile::name_constraints:
        [NameConstraintsCritical, NameConstraintsOfIssuersOnly, FieldNameConstraints]
        of [NameConstraints],
    profile::policies: [PolicyConstraintsCritical, NoCriticalPolicies]
        of [CertificatePolicies, PolicyMappings, PolicyConstraints, InhibitAnyPolicy],
    profile::public_key: [SubjectKeyAccepted, WebPkiKeys],
    profile::unique_identifiers: [NoUniqueIdentifiers],
    readers::go: [ReadableInGo],
    readers::handled_in_go: [ReadableInGo] of [SubjectAlternativeName],
    readers::text_in_names: [TextInNames],
    validity,
    names,
}

/// Everything that can be said of a certificate without its issuer.
#[inline]
pub(super) fn check(certificate: &Certificate, role: Role, terms: &Terms<'_>) -> Checked {
    pass_all(&Subject { certificate, role, terms })
}

/// Everything that is wrong with a certificate, not only the first.
pub(super) fn all(certificate: &Certificate, role: Role, terms: &Terms<'_>) -> Vec<VerifyError> {
    let mut found = Vec::new();
    for check in CHECKS {
        // A check ends at the first rule that is broken; without that rule it goes on.
        let mut policy = terms.policy.clone();
        loop {
            let terms = Terms { policy: &policy, ..*terms };
            let Err(error) = check(&Subject { certificate, role, terms: &terms }) else {
                break;
            };
            let rule = match &*error {
                VerifyError::Rule { rule, .. } if policy.has(*rule) => Some(*rule),
                _ => None,
            };
            found.push(*error);
            match rule {
                Some(rule) => policy = policy.without(rule),
                None => break,
            }
        }
    }
    found
}

/// What Go asks of every certificate that is presented, before it looks for a path.
pub(super) fn presented(certificate: &Certificate, terms: &Terms<'_>) -> Checked {
    let subject = Subject { certificate, role: Role::Presented, terms };
    let checks: [Check; 5] = [
        signature_algorithms,
        profile::serial_number,
        readers::critical_in_go,
        readers::go,
        readers::key_in_go,
    ];
    checks.iter().try_for_each(|check| check(&subject))
}

/// Section 4.1.2.1. Only version 3 can say that it is a CA's or what it is for; roots of version 1 are
/// as old as the web, and version 2 was never in use.
#[inline(always)]
fn version(subject: &Subject<'_>) -> Checked {
    let is_strict = subject.terms.has(Rule::Version3);
    let is_accepted = match (subject.certificate.version(), subject.role) {
        (3, _) | (1, Role::Issuer { is_anchor: true, .. }) => true,
        (_, Role::Issuer { is_anchor: true, .. } | Role::Leaf) => !is_strict,
        _ => false,
    };
    let version = subject.certificate.version();
    match is_accepted {
        true => Ok(()),
        false => {
            Err(VerifyError::Version { subject: subject.certificate.subject(), version }.into())
        }
    }
}

/// Section 4.1.1.2. What is outside the signed part can be changed by anybody.
#[inline(always)]
fn signature_algorithms(subject: &Subject<'_>) -> Checked {
    match subject.certificate.signature_algorithms_agree() {
        true => Ok(()),
        false => {
            let subject = subject.certificate.subject();
            Err(VerifyError::SignatureAlgorithmsDiffer { subject }.into())
        }
    }
}

/// Section 4.2.
#[inline(always)]
fn critical_extensions(subject: &Subject<'_>) -> Checked {
    match subject.certificate.unknown_critical_extension() {
        None => Ok(()),
        Some(extension) => {
            let subject = subject.certificate.subject();
            Err(VerifyError::CriticalExtension { subject, extension: NamedOid(extension) }.into())
        }
    }
}

/// Section 4.2.1.9. An anchor of version 1 or 2 has no way to say that it is a CA's, so the
/// decision to trust it says so.
#[inline(always)]
fn basic_constraints(subject: &Subject<'_>) -> Checked {
    let certificate = subject.certificate;
    match subject.role {
        Role::CrlSigner | Role::Presented => {}
        Role::Leaf => {
            let purpose = subject.terms.purpose;
            let may_be_a_ca = purpose == Purpose::Any || !subject.terms.has(Rule::EndEntityIsNoCa);
            if certificate.is_ca() && !may_be_a_ca {
                let subject = certificate.subject();
                return Err(VerifyError::CaAsPeer { subject, purpose }.into());
            }
        }
        Role::Issuer { is_anchor, below } => {
            let is_trusted_without_extensions = is_anchor && certificate.version() < 3;
            if !(certificate.is_ca() || is_trusted_without_extensions) {
                return Err(VerifyError::NotACa { subject: certificate.subject() }.into());
            }
            let allowed = certificate.basic_constraints().and_then(|limits| limits.path_len);
            if let Some(allowed) = allowed.filter(|&allowed| below > usize::from(allowed)) {
                let subject = certificate.subject();
                return Err(VerifyError::PathLength { subject, allowed, below }.into());
            }
        }
    }
    Ok(())
}

/// Section 4.2.1.3. A TLS peer proves with a signature that it has the key.
#[inline(always)]
fn key_usage(subject: &Subject<'_>) -> Checked {
    match subject.role {
        Role::Issuer { .. } => allows(subject.certificate, KeyUsage::KEY_CERT_SIGN, subject.terms),
        Role::CrlSigner => crl_signer(subject.certificate, subject.terms),
        Role::Presented => Ok(()),
        Role::Leaf if subject.terms.purpose == Purpose::Any => Ok(()),
        Role::Leaf if !subject.terms.has(Rule::DigitalSignature) => Ok(()),
        Role::Leaf => allows(subject.certificate, KeyUsage::DIGITAL_SIGNATURE, subject.terms),
    }
}

/// Section 6.3.3 (f).
pub(super) fn crl_signer(certificate: &Certificate, terms: &Terms<'_>) -> Checked {
    allows(certificate, KeyUsage::CRL_SIGN, terms)
}

#[inline(always)]
fn allows(certificate: &Certificate, needed: KeyUsage, terms: &Terms<'_>) -> Checked {
    match certificate.key_usage() {
        Some(found) if found.is_empty() && !terms.has(Rule::KeyUsageNotEmpty) => Ok(()),
        Some(found) if !found.contains(needed) => {
            let subject = certificate.subject();
            Err(VerifyError::KeyUsage { subject, found, needed }.into())
        }
        _ => Ok(()),
    }
}

/// Section 4.2.1.12.
#[inline(always)]
fn extended_key_usage(subject: &Subject<'_>) -> Checked {
    let (certificate, purpose) = (subject.certificate, subject.terms.purpose);
    let Some(purposes) = certificate.purposes() else {
        return Ok(());
    };
    if subject.role.is_issuer() && !subject.terms.has(Rule::NestedExtendedKeyUsage) {
        return Ok(());
    }
    let any_stands_for_it = !subject.terms.has(Rule::PurposeByName);
    if purpose.is_among(purposes) || any_stands_for_it && purposes.any {
        return Ok(());
    }
    let found = certificate.extended_key_usage().unwrap_or_default();
    let (subject, found) = (certificate.subject(), found.into_iter().map(NamedOid).collect());
    Err(VerifyError::ExtendedKeyUsage { subject, purpose, found }.into())
}

/// Section 4.1.2.5. Both ends are included.
#[inline(always)]
fn validity(subject: &Subject<'_>) -> Checked {
    let (validity, at) = (subject.certificate.validity(), subject.terms.at);
    let subject = || subject.certificate.subject();
    if at < validity.not_before {
        let not_before = validity.not_before;
        return Err(VerifyError::NotYetValid { subject: subject(), not_before, at }.into());
    }
    if at > validity.not_after {
        let not_after = validity.not_after;
        return Err(VerifyError::Expired { subject: subject(), not_after, at }.into());
    }
    Ok(())
}

/// Section 4.2.1.6.
#[inline(always)]
fn names(subject: &Subject<'_>) -> Checked {
    if subject.role != Role::Leaf || subject.terms.names.is_empty() {
        return Ok(());
    }
    let found = subject.certificate.subject_alternative_names();
    match subject.terms.names.iter().find(|name| !names::any_matches(&found, name)) {
        None => Ok(()),
        Some(name) => {
            let subject = subject.certificate.subject();
            Err(VerifyError::Name { subject, name: name.clone(), found }.into())
        }
    }
}

/// What an authority key identifier says of the issuer's certificate, besides the key (section
/// 4.2.1.1).
#[derive(Debug)]
pub(super) struct Authority {
    issuer: Option<CanonicalName>,
}

impl Authority {
    pub(super) fn of(certificate: &Certificate) -> Self {
        let issuer = certificate.authority_certificate().0.and_then(|mut names| {
            names.find_map(|name| match name {
                GeneralName::Directory(der) => Some(CanonicalName::of(der)),
                _ => None,
            })
        });
        Self { issuer }
    }
}

/// Section 4.2.1.1: identifiers help to find the issuer, and where both are there and differ, it is
/// another one's key.
pub(super) fn key_identifiers<'a>(
    certificate: &Certificate,
    authority: impl FnOnce() -> Option<&'a Authority>,
    issuer: &Certificate,
    terms: &Terms<'_>,
) -> Checked {
    if !terms.has(Rule::KeyIdentifiersMatch) {
        return Ok(());
    }
    let differs = |found: String| {
        let (subject, rule) = (certificate.subject(), Rule::KeyIdentifiersMatch);
        Err(VerifyError::Rule { subject, rule, found }.into())
    };
    if let (Some(of_issuer), Some(own)) =
        (certificate.authority_key_identifier(), issuer.subject_key_identifier())
        && of_issuer != own
    {
        return differs(format!(
            "it identifies its issuer's key as {:x}, and {} has {:x}",
            base16ct::HexDisplay(of_issuer),
            issuer.subject(),
            base16ct::HexDisplay(own)
        ));
    }
    let (names, serial_number) = certificate.authority_certificate();
    let is_named = |name: &CanonicalName| *name == CanonicalName::of(issuer.issuer_der());
    let is_of_another = serial_number.is_some_and(|serial| serial != issuer.serial_number_der())
        || names.is_some()
            && authority()
                .and_then(|authority| authority.issuer.as_ref())
                .is_some_and(|name| !is_named(name));
    match is_of_another {
        true => differs(format!(
            "it identifies its issuer's certificate by another name or serial number than {} has",
            issuer.subject()
        )),
        false => Ok(()),
    }
}
