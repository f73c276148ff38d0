//! The rules that a policy can switch: RFC 5280 section 4's profile, and the CA/Browser Forum's.

use super::{Checked, Role, Subject};
use crate::certificate::general_name::GeneralName;
use crate::certificate::{KeyUsage, Known, SubjectAlternativeName};
use crate::verify::policy::Purpose;
use crate::verify::rule::Rule;
use crate::verify::signature::PublicKey;

/// A `Name` without any part.
const NO_NAME: &[u8] = &[0x30, 0];

impl Subject<'_> {
    fn is_peer(&self) -> bool {
        self.role == Role::Leaf && self.terms.purpose != Purpose::Any
    }

    fn is_root(&self) -> bool {
        self.role.is_anchor() && self.terms.is_self_issued(self.certificate)
    }

    /// Of an anchor this is asked of its key: there are roots that name another issuer. Of others,
    /// whose number a stranger decides, of their names.
    fn is_self_signed(&self) -> bool {
        let certificate = self.certificate;
        if self.terms.is_self_issued(certificate) {
            return true;
        }
        let algorithm = certificate.signature_algorithm();
        self.role.is_anchor()
            && PublicKey::from_spki_der(certificate.public_key_der()).is_ok_and(|key| {
                key.verify(algorithm, certificate.tbs_der(), certificate.signature()).is_ok()
            })
    }

    fn must_be_critical(&self, rule: Rule, extension: Known) -> Checked {
        let holds = !self.certificate.has(extension) || self.certificate.has_critical(extension);
        self.must(rule, holds, format_args!("its {} is not critical", extension.name()))
    }

    #[inline]
    fn must_not_be_critical(&self, rule: Rule, extension: Known) -> Checked {
        self.none_must_be_critical(rule, &[extension])
    }

    #[inline(always)]
    fn none_must_be_critical(&self, rule: Rule, extensions: &[Known]) -> Checked {
        let Some(extension) = self.certificate.critical_of(extensions) else {
            return Ok(());
        };
        self.must(rule, false, format_args!("its {} is critical", extension.name()))
    }
}

/// RFC 5280 section 4.1.2.8.
#[inline(always)]
pub(super) fn unique_identifiers(subject: &Subject<'_>) -> Checked {
    let holds = !subject.certificate.has_unique_identifiers();
    subject.must(Rule::NoUniqueIdentifiers, holds, "it has a unique identifier")
}

/// RFC 5280 section 4.1.2.2.
#[inline(always)]
pub(super) fn serial_number(subject: &Subject<'_>) -> Checked {
    let octets = subject.certificate.serial_number_der();
    let is_negative = octets.first().is_some_and(|first| first & 0x80 != 0);
    subject.must(Rule::NonNegativeSerialNumber, !is_negative, "its serial number is negative")?;
    let is_zero = octets == [0];
    subject.must(Rule::NonZeroSerialNumber, !is_zero, "its serial number is 0")?;
    match octets.len() {
        ..=20 => Ok(()),
        length => subject.must(
            Rule::SerialNumberLength,
            false,
            format_args!("its serial number has {length} octets"),
        ),
    }
}

/// RFC 5280 sections 4.1.2.4 and 4.1.2.6.
pub(super) fn issuer_name(subject: &Subject<'_>) -> Checked {
    let rule = Rule::IssuerNamePresent;
    let issuer = subject.certificate.issuer_der();
    subject.must(rule, issuer != NO_NAME, "the name of its issuer is empty")?;
    let name = subject.certificate.subject_der();
    subject.must(
        rule,
        name != NO_NAME || !subject.role.is_issuer(),
        "it is an issuer's, and has no name",
    )
}

/// RFC 5280 sections 4.2.1.1 and 4.2.1.2.
pub(super) fn key_identifiers(subject: &Subject<'_>) -> Checked {
    let certificate = subject.certificate;
    let of_issuer = certificate.authority_key_identifier();
    if of_issuer.is_none() && subject.terms.has(Rule::AuthorityKeyIdentifierPresent) {
        subject.must(
            Rule::AuthorityKeyIdentifierPresent,
            subject.is_self_signed(),
            "it does not identify its issuer's key",
        )?;
    }
    let own = certificate.subject_key_identifier();
    subject.must(
        Rule::SubjectKeyIdentifierPresent,
        own.is_some() || !subject.role.is_issuer(),
        "it does not identify its key",
    )?;
    if subject.is_root() && certificate.has(Known::AuthorityKeyIdentifier) {
        let holds = of_issuer.is_some()
            && of_issuer == own
            && matches!(certificate.authority_certificate(), (None, None));
        subject.must(
            Rule::AuthorityKeyIdentifierOfRoots,
            holds,
            "its authorityKeyIdentifier is not its subjectKeyIdentifier alone",
        )?;
    }
    Ok(())
}

/// RFC 5280 sections 4.2.1.1, 4.2.1.2, 4.2.1.15 and 4.2.2.1.
#[inline(always)]
pub(super) fn criticality(subject: &Subject<'_>) -> Checked {
    const EXTENSIONS: &[Known] = &[
        Known::AuthorityKeyIdentifier,
        Known::SubjectKeyIdentifier,
        Known::FreshestCrl,
        Known::AuthorityInformationAccess,
    ];
    subject.none_must_be_critical(Rule::NonCriticalExtensions, EXTENSIONS)
}

/// RFC 5280 section 4.2.1.9.
pub(super) fn basic_constraints(subject: &Subject<'_>) -> Checked {
    if subject.role.is_issuer() {
        subject.must_be_critical(Rule::BasicConstraintsCritical, Known::BasicConstraints)?;
    }
    let limits = subject.certificate.basic_constraints();
    subject.must(
        Rule::PathLengthOfIssuersOnly,
        limits.is_none_or(|limits| limits.is_ca || limits.path_len.is_none()),
        "it has a pathLenConstraint, and is not a certificate authority's",
    )
}

/// RFC 5280 section 4.2.1.3.
pub(super) fn key_usage(subject: &Subject<'_>) -> Checked {
    let usage = subject.certificate.key_usage();
    subject.must(
        Rule::KeyUsageOfIssuersPresent,
        usage.is_some() || !subject.role.is_issuer(),
        "it has no keyUsage",
    )?;
    let signs = usage.is_some_and(|usage| usage.contains(KeyUsage::KEY_CERT_SIGN));
    subject.must(
        Rule::KeyCertSignOfIssuersOnly,
        !signs || subject.certificate.is_ca(),
        "its keyUsage has keyCertSign, and it is not a certificate authority's",
    )
}

/// CA/Browser Forum BR sections 7.1.2.1.2, 7.1.2.7.6 and 7.1.2.7.10.
pub(super) fn extended_key_usage(subject: &Subject<'_>) -> Checked {
    let has = subject.certificate.has(Known::ExtendedKeyUsage);
    if subject.is_peer() {
        subject.must(Rule::ExtendedKeyUsagePresent, has, "it has no extKeyUsage")?;
        let rule = Rule::ExtendedKeyUsageNotCritical;
        subject.must_not_be_critical(rule, Known::ExtendedKeyUsage)?;
        let any = subject.certificate.purposes().is_some_and(|purposes| purposes.any);
        subject.must(
            Rule::NoAnyExtendedKeyUsage,
            !any,
            "its extKeyUsage has anyExtendedKeyUsage",
        )?;
    }
    let rule = Rule::RootsWithoutExtendedKeyUsage;
    subject.must(rule, !(has && subject.is_root()), "it is a root, and has an extKeyUsage")
}

/// RFC 5280 section 4.2.1.6.
pub(super) fn alternative_names(subject: &Subject<'_>) -> Checked {
    let certificate = subject.certificate;
    if certificate.subject_der() == NO_NAME && !subject.role.is_issuer() {
        subject.must(
            Rule::SubjectAlternativeNameCritical,
            certificate.has_critical(Known::SubjectAlternativeName),
            "it has no subject's name and no critical subjectAltName",
        )?;
    }
    if certificate.subject_der() != NO_NAME && subject.is_peer() {
        let rule = Rule::SubjectAlternativeNameNotCritical;
        subject.must_not_be_critical(rule, Known::SubjectAlternativeName)?;
    }
    subject.must(
        Rule::SubjectAlternativeNamePresent,
        !subject.is_peer() || certificate.has(Known::SubjectAlternativeName),
        "it has no subjectAltName",
    )?;
    if !subject.terms.has(Rule::PreferredNameSyntax) {
        return Ok(());
    }
    for name in certificate.general_names() {
        if let GeneralName::Dns(name) = name
            && (name.contains('_') || SubjectAlternativeName::dns(name).is_err())
        {
            return subject.breaks(Rule::PreferredNameSyntax, format!("its dNSName is {name:?}"));
        }
    }
    Ok(())
}

/// RFC 5280 section 4.2.1.10.
pub(super) fn name_constraints(subject: &Subject<'_>) -> Checked {
    let certificate = subject.certificate;
    let Some(constraints) = certificate.name_constraints() else {
        return Ok(());
    };
    subject.must_be_critical(Rule::NameConstraintsCritical, Known::NameConstraints)?;
    subject.must(
        Rule::NameConstraintsOfIssuersOnly,
        certificate.is_ca(),
        "it has nameConstraints, and is not a certificate authority's",
    )?;
    let in_the_field = |base: GeneralName<'_>| {
        !matches!(base, GeneralName::Directory(_) | GeneralName::Other { .. })
    };
    let mut bases = constraints.permitted.chain(constraints.excluded);
    subject.must(
        Rule::FieldNameConstraints,
        !certificate.has_critical(Known::NameConstraints) || bases.all(in_the_field),
        "it constrains names of another form",
    )
}

/// RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14.
pub(super) fn policies(subject: &Subject<'_>) -> Checked {
    const EXTENSIONS: &[Known] = &[
        Known::CertificatePolicies,
        Known::PolicyMappings,
        Known::PolicyConstraints,
        Known::InhibitAnyPolicy,
    ];
    for extension in [Known::PolicyConstraints, Known::InhibitAnyPolicy] {
        subject.must_be_critical(Rule::PolicyConstraintsCritical, extension)?;
    }
    // Nobody processes those of an anchor.
    if subject.role.is_anchor() {
        return Ok(());
    }
    subject.none_must_be_critical(Rule::NoCriticalPolicies, EXTENSIONS)
}

/// RFC 8446 section 4.2.3; CA/Browser Forum BR section 6.1.5.
#[inline(always)]
pub(super) fn public_key(subject: &Subject<'_>) -> Checked {
    let asks_for_any = subject.terms.has(Rule::SubjectKeyAccepted) && subject.is_peer();
    match asks_for_any || subject.terms.has(Rule::WebPkiKeys) {
        true => accepted_key(subject, asks_for_any),
        false => Ok(()),
    }
}

fn accepted_key(subject: &Subject<'_>, asks_for_any: bool) -> Checked {
    let (accepted, web_pki) = (Rule::SubjectKeyAccepted, Rule::WebPkiKeys);
    match PublicKey::from_spki_der(subject.certificate.public_key_der()) {
        Err(error) => {
            let rule = if asks_for_any { accepted } else { web_pki };
            subject.breaks(rule, error.to_string())
        }
        Ok(key) => subject.must(web_pki, key.is_of_the_web_pki(), key.kind()),
    }
}
