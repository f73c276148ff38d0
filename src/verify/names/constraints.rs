//! Name constraints (RFC 5280 sections 4.2.1.10 and 6.1.4 (g)): which names a certificate's issuer
//! may vouch for.
//!
//! Every issuer's constraints are put to every certificate below it as soon as the issuer joins a
//! path. That comes to the same as section 6.1's running intersection of permitted and union of
//! excluded subtrees, and ends a hopeless path early.

use std::collections::BTreeMap;
use std::net::IpAddr;

use const_oid::db::rfc3280::EMAIL_ADDRESS;
use der::{Tag, Tagged};

use super::uri;
use crate::certificate::general_name::GeneralName;
use crate::certificate::subtrees::{NameConstraints, Subtrees};
use crate::certificate::{
    CanonicalName, Certificate, DistinguishedName, SubjectAlternativeName, address,
};
use crate::verify::Terms;
use crate::verify::budget::Account;
use crate::verify::error::{ConstraintBreach, VerifyError};
use crate::verify::rule::Rule;

/// The names of one certificate that constraints are put to.
struct Name<'a> {
    name: GeneralName<'a>,
    /// Of a directory name.
    canonical: CanonicalName,
}

/// A constraint, with what is compared of it.
struct Base<'a> {
    base: GeneralName<'a>,
    canonical: CanonicalName,
}

/// Why a certificate is not within constraints.
pub(in crate::verify) enum Failure {
    Rule {
        rule: Rule,
        name: String,
    },
    Breach {
        name: String,
        breach: ConstraintBreach,
    },
    /// A constraint has no meaning.
    Malformed {
        constraint: String,
    },
    Budget(Box<VerifyError>),
}

impl From<Box<VerifyError>> for Failure {
    fn from(budget: Box<VerifyError>) -> Self {
        Self::Budget(budget)
    }
}

/// Puts constraints to the names of the certificates below.
pub(in crate::verify) fn check<'a>(
    constraints: &NameConstraints<'_>,
    below: impl Iterator<Item = &'a Certificate>,
    terms: &Terms<'_>,
    account: &mut Account,
) -> Result<(), (Option<&'a Certificate>, Failure)> {
    let count = constraints.permitted.count() + constraints.excluded.count();
    account.spend_comparisons(count).map_err(|error| (None, error.into()))?;
    let read = |subtrees| bases(subtrees, terms).map_err(|failure| (None, failure));
    let mut examination = Examination {
        permitted: read(constraints.permitted)?,
        excluded: read(constraints.excluded)?,
        terms,
        account,
    };
    for certificate in below {
        examination
            .check_certificate(certificate)
            .map_err(|failure| (Some(certificate), failure))?;
    }
    Ok(())
}

/// One issuer's constraints, while they are put to names.
struct Examination<'a> {
    permitted: Forms<'a>,
    excluded: Forms<'a>,
    terms: &'a Terms<'a>,
    account: &'a mut Account,
}

/// Constraints by the tag of their form: a name meets those of its own form alone.
type Forms<'a> = BTreeMap<u32, Vec<Base<'a>>>;

fn bases<'a>(subtrees: Subtrees<'a>, terms: &Terms<'_>) -> Result<Forms<'a>, Failure> {
    let refuses_leading_period = terms.has(Rule::DnsConstraintSyntax);
    let every_form = terms.has(Rule::EveryNameForm);
    let mut forms = Forms::new();
    for base in subtrees {
        if !every_form && matches!(base, GeneralName::Directory(_) | GeneralName::Other { .. }) {
            continue;
        }
        let is_sound = match base {
            GeneralName::Dns(base) => is_dns_constraint(base, refuses_leading_period),
            GeneralName::Email(base) => is_email_constraint(base),
            GeneralName::Uri(base) => {
                is_dns_constraint(base, false) && base.parse::<IpAddr>().is_err()
            }
            _ => true,
        };
        if !is_sound {
            return Err(Failure::Malformed { constraint: text(&base) });
        }
        let of_this_form = forms.entry(base.tag()).or_default();
        of_this_form.push(Base { canonical: canonical(&base), base });
    }
    Ok(forms)
}

fn canonical(name: &GeneralName<'_>) -> CanonicalName {
    match name {
        GeneralName::Directory(der) => CanonicalName::of(der),
        _ => CanonicalName::default(),
    }
}

/// Labels with periods between them, perhaps one before them; or nothing, which is every name.
fn is_dns_constraint(base: &str, refuses_leading_period: bool) -> bool {
    let labels = match base.strip_prefix('.') {
        Some(labels) if !refuses_leading_period => labels,
        _ => base,
    };
    base.is_empty() || is_dns_name(labels)
}

/// A host in RFC 1034's preferred syntax, with `_` allowed as every verifier does.
pub(super) fn is_dns_name(name: &str) -> bool {
    SubjectAlternativeName::dns(name).is_ok() && !name.starts_with('*')
}

/// A mailbox, a host, or a domain after a period.
fn is_email_constraint(base: &str) -> bool {
    match base.rsplit_once('@') {
        Some((mailbox, host)) => is_mailbox(mailbox) && is_dns_name(host),
        None => is_dns_constraint(base, false),
    }
}

impl Examination<'_> {
    /// Whether there is a constraint of a name's form.
    fn constrains(&self, name: &GeneralName<'_>) -> bool {
        let tag = name.tag();
        self.permitted.contains_key(&tag) || self.excluded.contains_key(&tag)
    }

    fn check_certificate(&mut self, certificate: &Certificate) -> Result<(), Failure> {
        let subject = GeneralName::Directory(certificate.subject_der());
        if self.constrains(&subject) {
            let canonical = canonical(&subject);
            // rustls, whose rule this is, holds a name without any part to them too.
            self.check_form(&subject)?;
            if !canonical.is_empty() {
                self.check_name(&Name { name: subject, canonical })?;
            }
        }
        let mut has_email = false;
        for name in certificate.general_names() {
            self.account.spend_comparisons(1)?;
            has_email |= matches!(name, GeneralName::Email(_));
            if self.terms.has(Rule::ConstrainedNamesWellFormed) && !is_well_formed(&name) {
                let breach = ConstraintBreach::MalformedName;
                return Err(Failure::Breach { name: text(&name), breach });
            }
            self.check_form(&name)?;
            self.check_name(&Name { canonical: canonical(&name), name })?;
        }
        // Section 4.2.1.10 asks for addresses in the subject, as they were written before there was a
        // subjectAltName, where there is none; they count where it has no address, too.
        let reads_subject = self.terms.has(Rule::EveryNameForm) && !has_email;
        if reads_subject && self.constrains(&GeneralName::Email("")) {
            for attribute in certificate.subject().rdns().iter().flat_map(|part| part.iter()) {
                if attribute.oid != EMAIL_ADDRESS {
                    continue;
                }
                let address = std::str::from_utf8(attribute.value.value()).ok();
                let name = GeneralName::Email(address.unwrap_or_default());
                // Another string type may hold anything, in an encoding that readers differ on.
                let is_text = matches!(
                    attribute.value.tag(),
                    Tag::Ia5String | Tag::PrintableString | Tag::Utf8String
                );
                if address.is_none() || !is_text {
                    let breach = ConstraintBreach::MalformedName;
                    return Err(Failure::Breach { name: text(&name), breach });
                }
                self.check_name(&Name { canonical: CanonicalName::default(), name })?;
            }
        }
        Ok(())
    }

    /// What other verifiers refuse of a name whose form is constrained, whatever the constraint.
    fn check_form(&self, name: &GeneralName<'_>) -> Result<(), Failure> {
        let broken = match name {
            GeneralName::Dns(name) if !is_host(name) => Rule::ConstrainedDnsNamesAreHosts,
            GeneralName::Dns(_) | GeneralName::Ip(_) => return Ok(()),
            _ => Rule::DnsAndIpConstraintsOnly,
        };
        if self.terms.has(broken) && self.constrains(name) {
            return Err(Failure::Rule { rule: broken, name: text(name) });
        }
        Ok(())
    }

    fn check_name(&mut self, name: &Name<'_>) -> Result<(), Failure> {
        let breach = |breach| Failure::Breach { name: text(&name.name), breach };
        let tag = name.name.tag();
        let permitted = self.permitted.get(&tag);
        let mut is_permitted = permitted.is_none();
        for base in permitted.into_iter().flatten() {
            self.account.spend_comparison(base.canonical.len().min(name.canonical.len()))?;
            is_permitted =
                matches(name, base, Subtree::Permitted, self.terms).ok_or_else(|| {
                    breach(ConstraintBreach::Unprocessed { constraint: text(&base.base) })
                })?;
            if is_permitted {
                break;
            }
        }
        if !is_permitted {
            let permitted = permitted.into_iter().flatten().take(SHOWN);
            let permitted = permitted.map(|base| text(&base.base)).collect();
            return Err(breach(ConstraintBreach::NotPermitted { permitted }));
        }
        for base in self.excluded.get(&tag).into_iter().flatten() {
            self.account.spend_comparison(base.canonical.len().min(name.canonical.len()))?;
            let constraint = || text(&base.base);
            match matches(name, base, Subtree::Excluded, self.terms) {
                Some(false) => {}
                Some(true) => {
                    return Err(breach(ConstraintBreach::Excluded { constraint: constraint() }));
                }
                None => {
                    return Err(breach(ConstraintBreach::Unprocessed { constraint: constraint() }));
                }
            }
        }
        Ok(())
    }
}

/// How many permitted subtrees an error holds: a hostile certificate has far more than anybody reads.
const SHOWN: usize = 16;

/// Whether a DNS name is one that a host could have, or a wildcard for such.
fn is_host(name: &str) -> bool {
    SubjectAlternativeName::dns(name.strip_suffix('.').unwrap_or(name)).is_ok()
}

/// Whether Go could compare the name with a constraint.
fn is_well_formed(name: &GeneralName<'_>) -> bool {
    let is_host = |host: &str| {
        host.is_empty()
            || host.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|octet| octet.is_ascii_graphic())
            })
    };
    match name {
        GeneralName::Dns(name) => is_host(name),
        GeneralName::Email(address) => address.rsplit_once('@').is_some_and(|(mailbox, host)| {
            is_mailbox(mailbox) && !host.is_empty() && is_host(host)
        }),
        GeneralName::Uri(uri) => uri::host(uri).is_some(),
        _ => true,
    }
}

/// What a constraint does with the names in its subtree.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subtree {
    Permitted,
    Excluded,
}

/// Whether a name lies in the subtree of a constraint of the same form. `None` if that cannot be
/// said: of a form that is not processed, or of a name without the part that is constrained.
fn matches(name: &Name<'_>, base: &Base<'_>, subtree: Subtree, terms: &Terms<'_>) -> Option<bool> {
    let covers_domain = match subtree {
        Subtree::Permitted => !terms.has(Rule::PermittedHostsAreExact),
        Subtree::Excluded => terms.has(Rule::ExcludedHostsCoverDomains),
    };
    match (name.name, base.base) {
        (GeneralName::Dns(name), GeneralName::Dns(base)) => Some(dns(name, base, subtree, terms)),
        (GeneralName::Ip(address), GeneralName::Ip(network)) => Some(ip(address, network)),
        (GeneralName::Email(address), GeneralName::Email(base)) => {
            email(address, base, covers_domain)
        }
        (GeneralName::Uri(uri), GeneralName::Uri(base)) => {
            uri::host(uri).map(|host| host_or_domain(host, base, covers_domain))
        }
        (GeneralName::Directory(_), GeneralName::Directory(_)) => {
            Some(name.canonical.is_within(&base.canonical))
        }
        _ => None,
    }
}

/// A name is in the subtree of the name that it ends with, label by label. A wildcard stands for
/// many names: for a permitted subtree all of them have to be in it, for an excluded one any.
fn dns(name: &str, base: &str, subtree: Subtree, terms: &Terms<'_>) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some(parent) = name.strip_prefix("*.") else {
        return base.is_empty() || is_at_or_below(name, base);
    };
    // All names below the parent are in the subtree; below, so that a period makes no difference.
    let domain = base.strip_prefix('.').unwrap_or(base);
    if base.is_empty() || is_at_or_below(parent, domain) {
        return true;
    }
    let excluded = if terms.has(Rule::WildcardsOverlapExcluded) { domain } else { base };
    let stands_for_it =
        |(first, rest): (&str, &str)| !first.is_empty() && rest.eq_ignore_ascii_case(parent);
    subtree == Subtree::Excluded && excluded.split_once('.').is_some_and(stands_for_it)
}

/// With a period before it a constraint is met by names below it alone.
fn is_at_or_below(name: &str, base: &str) -> bool {
    let below = |domain: &str| {
        let start = name.len().checked_sub(domain.len() + 1);
        start.and_then(|start| name.split_at_checked(start)).is_some_and(|(_, end)| {
            end.strip_prefix('.').is_some_and(|end| end.eq_ignore_ascii_case(domain))
        })
    };
    match base.strip_prefix('.') {
        Some(domain) => below(domain),
        None => name.eq_ignore_ascii_case(base) || below(base),
    }
}

fn ip(address: &[u8], network: &[u8]) -> bool {
    let Some((base, mask)) = network.split_at_checked(network.len() / 2) else {
        return false;
    };
    address.len() == base.len()
        && address
            .iter()
            .zip(base)
            .zip(mask)
            .all(|((address, base), mask)| address & mask == base & mask)
}

/// RFC 5321 section 4.1.2: the part before the `@` is words with periods between them, or anything
/// in quotes.
fn is_mailbox(mailbox: &str) -> bool {
    match mailbox.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(quoted) => !quoted.contains('"'),
        None => mailbox.split('.').all(|word| {
            let is_of_a_word = |octet: u8| {
                octet.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
            };
            !word.is_empty() && word.bytes().all(is_of_a_word)
        }),
    }
}

/// A constraint is a mailbox, a host (all its mailboxes) or a domain (all its hosts' mailboxes).
fn email(address: &str, base: &str, covers_domain: bool) -> Option<bool> {
    let (mailbox, host) = address.rsplit_once('@').filter(|(mailbox, _)| is_mailbox(mailbox))?;
    Some(match base.rsplit_once('@') {
        Some((wanted, wanted_host)) => mailbox == wanted && host.eq_ignore_ascii_case(wanted_host),
        None => host_or_domain(host, base, covers_domain),
    })
}

/// A constraint is a host, or after a period a domain: then hosts below it alone.
fn host_or_domain(host: &str, base: &str, covers_domain: bool) -> bool {
    match base.strip_prefix('.') {
        None if base.is_empty() => true,
        None if !covers_domain => host.eq_ignore_ascii_case(base),
        _ => is_at_or_below(host, base),
    }
}

fn text(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::Directory(der) => match DistinguishedName::from_der(der) {
            Ok(name) => format!("directory name {name}"),
            Err(_) => "directory name".to_owned(),
        },
        GeneralName::Ip(octets) if matches!(octets.len(), 8 | 32) => {
            let (base, mask) = octets.split_at_checked(octets.len() / 2).unwrap_or_default();
            let ones: u32 = mask.iter().map(|octet| octet.count_ones()).sum();
            address(base).map_or_else(|_| "IP".to_owned(), |base| format!("IP:{base}/{ones}"))
        }
        other => SubjectAlternativeName::of(*other)
            .map_or_else(|_| "a malformed name".to_owned(), |name| name.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verify::{Policy, Verification};

    /// Whether a DNS name is in a subtree, under a policy.
    fn dns(name: &str, base: &str, subtree: Subtree) -> bool {
        dns_under(&Policy::rfc5280(), name, base, subtree)
    }

    fn dns_under(policy: &Policy, name: &str, base: &str, subtree: Subtree) -> bool {
        let verification = Verification::new(policy.clone());
        super::dns(name, base, subtree, &verification.terms())
    }

    #[test]
    fn dns_constraints_are_met_label_by_label() {
        for (name, base) in [
            ("acme.internal", "acme.internal"),
            ("a.b.ACME.internal", "acme.INTERNAL"),
            ("acme.internal", ""),
            ("a.acme.internal", ".acme.internal"),
            ("*.acme.internal", "acme.internal"),
            ("*.acme.internal", ".acme.internal"),
            ("*.a.acme.internal", ".acme.internal"),
            ("acme.internal.", "acme.internal"),
        ] {
            assert!(dns(name, base, Subtree::Permitted), "{name} {base}");
            assert!(dns(name, base, Subtree::Excluded), "{name} {base}");
        }
        for (name, base) in [
            ("xacme.internal", "acme.internal"),
            ("internal", "acme.internal"),
            ("acme.internal", ".acme.internal"),
            ("acme.internal.example", "acme.internal"),
            ("*.internal", "a.acme.internal"),
        ] {
            assert!(!dns(name, base, Subtree::Permitted), "{name} {base}");
            assert!(!dns(name, base, Subtree::Excluded), "{name} {base}");
        }
        // The wildcard stands for the excluded name, and for others that are not permitted.
        assert!(dns("*.acme.internal", "a.acme.internal", Subtree::Excluded));
        assert!(!dns("*.acme.internal", "a.acme.internal", Subtree::Permitted));
        // Names below the excluded one are out of its reach; rustls reads no period before it.
        for deeper in [".a.acme.internal", "b.a.acme.internal", ".b.a.acme.internal"] {
            assert!(!dns("*.acme.internal", deeper, Subtree::Excluded));
            let in_the_field =
                dns_under(&Policy::tls_client(), "*.acme.internal", deeper, Subtree::Excluded);
            assert_eq!(in_the_field, deeper == ".a.acme.internal");
        }
    }

    #[test]
    fn email_constraints_are_a_mailbox_a_host_or_a_domain() {
        for (address, base, expected) in [
            ("ann@acme.example", "ann@ACME.example", Some(true)),
            ("Ann@acme.example", "ann@acme.example", Some(false)),
            ("ann@acme.example", "acme.example", Some(true)),
            ("ann@mail.acme.example", "acme.example", Some(false)),
            ("ann@mail.acme.example", ".acme.example", Some(true)),
            ("ann@acme.example", ".acme.example", Some(false)),
            ("ann@acme.example", "", Some(true)),
            ("\"a@b\"@acme.example", "acme.example", Some(true)),
            ("ann", "acme.example", None),
            ("ann@eve@acme.example", "acme.example", None),
            ("*@acme.example", "*@acme.example", Some(true)),
        ] {
            assert_eq!(email(address, base, false), expected, "{address} {base}");
        }
        // As Go has it.
        assert_eq!(email("ann@mail.acme.example", "acme.example", true), Some(true));
    }

    #[test]
    fn addresses_are_in_a_network_of_their_own_kind() {
        assert!(ip(&[10, 1, 2, 3], &[10, 1, 0, 0, 255, 255, 0, 0]));
        assert!(!ip(&[10, 2, 2, 3], &[10, 1, 0, 0, 255, 255, 0, 0]));
        assert!(!ip(&[10; 16], &[10, 1, 0, 0, 255, 255, 0, 0]));
        assert!(ip(&[10, 1, 2, 3], &[0; 8]));
    }
}
