//! Every rule, switched on and off before a chain that breaks it and no other.

use std::collections::BTreeSet;

use private_ca::Certificate;
use private_ca::verify::{
    Policy, Purpose, Revocation, Rule, Verification, VerifiedChain, Verifier, VerifyError as E,
};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, DnValue,
    ExtendedKeyUsagePurpose as For, IsCa, KeyPair, KeyUsagePurpose as Usage, SanType, SerialNumber,
};

use super::chains::{self, Authority, Handmade, tlv};
use super::go::Go;
use super::judges::{self, Case};
use super::lists::{ByHand, by_hand};

/// A chain, and how it fails.
struct Broken {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    leaf: Certificate,
    revocation: Option<Revocation>,
    /// Rules that cannot but be broken as well.
    also: &'static [Rule],
    /// Whether the error is the rule's; `None` if it is [`E::Rule`].
    is_its_error: Option<fn(&E) -> bool>,
}

impl Broken {
    fn new(anchors: &[&Certificate], intermediates: &[&Certificate], leaf: Certificate) -> Self {
        let owned = |list: &[&Certificate]| list.iter().copied().cloned().collect();
        Self {
            anchors: owned(anchors),
            intermediates: owned(intermediates),
            leaf,
            revocation: None,
            also: &[],
            is_its_error: None,
        }
    }

    fn also(self, also: &'static [Rule]) -> Self {
        Self { also, ..self }
    }

    fn error(self, is_its_error: fn(&E) -> bool) -> Self {
        Self { is_its_error: Some(is_its_error), ..self }
    }

    fn verify(&self, policy: &Policy) -> Result<VerifiedChain, E> {
        let mut verification = Verification::new(policy.clone()).at(chains::now());
        if let Some(revocation) = &self.revocation {
            verification = verification.revocation(revocation.clone());
        }
        let verifier = Verifier::new(self.anchors.iter().cloned()).unwrap();
        verifier.verify(&self.leaf, &self.intermediates, &verification)
    }
}

/// A root, an intermediate under it, and a leaf under that, each changed in one place.
fn chain(
    root: impl FnOnce(&mut CertificateParams),
    intermediate: impl FnOnce(&mut CertificateParams),
    leaf: impl FnOnce(&mut CertificateParams),
) -> Broken {
    let root = Authority::root_with("Root", root);
    let issuing = root.intermediate_with("Issuing", intermediate);
    let leaf = issuing.leaf_with(leaf);
    Broken::new(&[&root.certificate], &[&issuing.certificate], leaf)
}

fn leaf(change: impl FnOnce(&mut CertificateParams)) -> Broken {
    chain(|_| {}, |_| {}, change)
}

/// An intermediate with these critical name constraints.
fn constrained(subtrees: Vec<u8>, leaf: impl FnOnce(&mut CertificateParams)) -> Broken {
    chain(|_| {}, name_constraints(true, subtrees), leaf).error(is_name_constraint)
}

fn name_constraints(critical: bool, subtrees: Vec<u8>) -> impl FnOnce(&mut CertificateParams) {
    move |params| {
        chains::extension(&[2, 5, 29, 30], critical, &tlv(0x30, &subtrees))(params);
    }
}

fn permitted(base: &[u8]) -> Vec<u8> {
    tlv(0xa0, &tlv(0x30, base))
}

fn excluded(base: &[u8]) -> Vec<u8> {
    tlv(0xa1, &tlv(0x30, base))
}

fn acme() -> Vec<u8> {
    permitted(&tlv(0x82, b"acme.internal"))
}

fn is_name_constraint(error: &E) -> bool {
    matches!(error, E::NameConstraint { .. })
}

fn is_extended_key_usage(error: &E) -> bool {
    matches!(error, E::ExtendedKeyUsage { .. })
}

fn mail(address: &str) -> impl FnOnce(&mut CertificateParams) {
    let names = vec![SanType::Rfc822Name(address.try_into().unwrap())];
    move |params| params.subject_alt_names = names
}

/// DER of `[0] EXPLICIT Version` for version 3.
const VERSION_3: &[u8] = &[0xa0, 3, 2, 1, 2];

fn extension(id: u8, critical: bool, contents: &[u8]) -> Vec<u8> {
    let critical: &[u8] = if critical { &[1, 1, 0xff] } else { &[] };
    tlv(0x30, &[&[6, 3, 0x55, 0x1d, id], critical, &tlv(4, contents)].concat())
}

fn extensions(extensions: &[Vec<u8>]) -> Vec<u8> {
    tlv(0xa3, &tlv(0x30, &extensions.concat()))
}

fn basic_constraints(critical: bool) -> Vec<u8> {
    extension(19, critical, &[0x30, 3, 1, 1, 0xff])
}

fn key_usage(bits: &[u8]) -> Vec<u8> {
    extension(15, true, &[&[3, 2, 1][..], bits].concat())
}

/// A root put together by hand, and a leaf under it.
fn root_by_hand(parts: impl FnOnce(&Authority) -> Vec<Vec<u8>>) -> Broken {
    let root = Authority::root("Root");
    let handmade = root.sign_by_hand(&Handmade {
        version: VERSION_3.to_vec(),
        extensions: extensions(&parts(&root)),
        ..Handmade::of(&root.certificate)
    });
    Broken::new(&[&handmade], &[], root.leaf())
}

/// The extensions that every rule asks of a leaf.
fn leaf_extensions(issuer: &Authority) -> Vec<u8> {
    let identifier = issuer.certificate.subject_key_identifier().unwrap();
    extensions(&[
        extension(35, false, &tlv(0x30, &tlv(0x80, identifier))),
        extension(17, false, &tlv(0x30, &tlv(0x82, b"worker.acme.internal"))),
        extension(37, false, &tlv(0x30, &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2])),
    ])
}

fn odd_key(root: &Authority) -> Certificate {
    let mut der = root.leaf().as_der().to_vec();
    let curve = [0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
    let place = der.windows(8).position(|window| window == curve).unwrap();
    der[place + 7] = 1;
    let subject = Certificate::from_der(&der).unwrap();
    root.sign_by_hand(&Handmade {
        version: VERSION_3.to_vec(),
        extensions: leaf_extensions(root),
        ..Handmade::of(&subject)
    })
}

/// A name that Go cannot read: an IPv4 address in IPv6's clothes.
fn unreadable(params: &mut CertificateParams) {
    let address = "::ffff:10.0.0.1".parse().unwrap();
    params.subject_alt_names.push(SanType::IpAddress(address));
}

/// A sound chain, and in its pool a stranger's certificate that Go cannot read.
fn with_unreadable_decoy() -> Broken {
    let decoy = Authority::root("Stranger").intermediate_with("Decoy", unreadable);
    let mut chain = leaf(|_| {});
    chain.intermediates.push(decoy.certificate);
    chain
}

fn is_unreadable(error: &E) -> bool {
    matches!(error, E::Rule { rule: Rule::ReadableInGo, .. })
}

/// The certificate with the string of its subject's common name, "worker", under another tag.
fn with_tag_of_common_name(certificate: &Certificate, tag: u8) -> Certificate {
    let mut der = certificate.as_der().to_vec();
    let text = [&[0x0c, 6][..], b"worker"].concat();
    let place = der.windows(text.len()).position(|window| window == text).unwrap();
    der[place] = tag;
    Certificate::from_der(&der).unwrap()
}

/// A leaf with `issuerUniqueID` (0x81) or `subjectUniqueID` (0x82).
fn unique_identifier(tag: u8) -> Broken {
    let root = Authority::root("Root");
    let odd = root.sign_by_hand(&Handmade {
        version: VERSION_3.to_vec(),
        extensions: [tlv(tag, &[0, 1]), leaf_extensions(&root)].concat(),
        ..Handmade::of(&root.leaf())
    });
    Broken::new(&[&root.certificate], &[], odd)
}

fn lists(change: impl Fn(&mut ByHand)) -> Broken {
    let root = Authority::root("Root");
    let mut list = by_hand();
    change(&mut list);
    let revocation = Revocation::new([list.signed_by(&root)]);
    let chain = Broken::new(&[&root.certificate], &[], root.leaf());
    let is_its_error = |error: &E| {
        matches!(error, E::RevocationUnknown { .. })
            && error.to_string().contains("crl-number-present")
    };
    Broken { revocation: Some(revocation), ..chain.error(is_its_error) }
}

/// A chain that breaks the rule, and as few others as there have to be.
#[allow(clippy::too_many_lines, reason = "it is a table")]
fn broken(rule: Rule) -> Option<Broken> {
    Some(match rule {
        Rule::AnchorCertificate => {
            chain(chains::EXPIRED, |_| {}, |_| {}).error(|error| matches!(error, E::Expired { .. }))
        }
        Rule::ByteExactNames => {
            let root = Authority::root("Root");
            let mut params = root.params.clone();
            params.distinguished_name = DistinguishedName::new();
            params.distinguished_name.push(DnType::CommonName, " ROOT ");
            let issuer = rcgen::Issuer::from_params(&params, &root.key);
            let leaf = chains::leaf_params().signed_by(&chains::key(), &issuer).unwrap();
            let leaf = Certificate::from_der(leaf.der()).unwrap();
            Broken::new(&[&root.certificate], &[], leaf)
                .error(|error| matches!(error, E::UnknownIssuer { .. }))
        }
        Rule::TrustedLeafIsSelfSigned => {
            let leaf = Authority::root("Root").leaf();
            Broken::new(&[&leaf], &[], leaf.clone())
                .error(|error| matches!(error, E::UnknownIssuer { .. }))
        }
        Rule::KeyIdentifiersMatch => {
            let root = Authority::root("Root");
            let mut params = root.params.clone();
            params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1; 20]);
            let renewed = params.self_signed(&root.key).unwrap();
            let renewed = Certificate::from_der(renewed.der()).unwrap();
            Broken::new(&[&renewed], &[], root.leaf())
        }
        Rule::AuthorityKeyIdentifierPresent => {
            leaf(|params| params.use_authority_key_identifier_extension = false)
        }
        Rule::AuthorityKeyIdentifierOfRoots => root_by_hand(|root| {
            let own = root.certificate.subject_key_identifier().unwrap();
            let with_serial = [tlv(0x80, own), tlv(0x82, &[7])].concat();
            vec![
                extension(14, false, &tlv(4, own)),
                extension(35, false, &tlv(0x30, &with_serial)),
                basic_constraints(true),
                key_usage(&[6]),
            ]
        }),
        Rule::SubjectKeyIdentifierPresent => {
            root_by_hand(|_| vec![basic_constraints(true), key_usage(&[6])])
        }
        Rule::NonCriticalExtensions => {
            let location = [&[6, 8, 0x2b, 6, 1, 5, 5, 7, 0x30, 1][..], &tlv(0x86, b"http://a")];
            let access = tlv(0x30, &tlv(0x30, &location.concat()));
            leaf(|params| chains::extension(&[1, 3, 6, 1, 5, 5, 7, 1, 1], true, &access)(params))
        }
        Rule::BasicConstraintsCritical => root_by_hand(|root| {
            let own = root.certificate.subject_key_identifier().unwrap();
            vec![extension(14, false, &tlv(4, own)), basic_constraints(false), key_usage(&[6])]
        }),
        Rule::PathLengthOfIssuersOnly => {
            leaf(chains::extension(&[2, 5, 29, 19], true, &[0x30, 3, 2, 1, 0]))
        }
        Rule::SelfIssuedCount => {
            let root = Authority::root("Root");
            let old = root.intermediate_with("Issuing", chains::path_length(0));
            let new = old.intermediate_with("Issuing", chains::path_length(0));
            let pool = [&old.certificate, &new.certificate];
            Broken::new(&[&root.certificate], &pool, new.leaf())
                .error(|error| matches!(error, E::PathLength { .. }))
        }
        Rule::KeyUsageNotEmpty => leaf(|params| {
            params.key_usages.clear();
            chains::extension(&[2, 5, 29, 15], true, &[3, 1, 0])(params);
        })
        .error(|error| matches!(error, E::KeyUsage { .. })),
        Rule::KeyUsageOfIssuersPresent => chain(|_| {}, chains::key_usages(&[]), |_| {}),
        Rule::KeyCertSignOfIssuersOnly => {
            leaf(chains::key_usages(&[Usage::DigitalSignature, Usage::KeyCertSign]))
        }
        Rule::DigitalSignature => leaf(chains::key_usages(&[Usage::KeyEncipherment]))
            .error(|error| matches!(error, E::KeyUsage { .. })),
        Rule::NestedExtendedKeyUsage => {
            chain(|_| {}, chains::purposes(&[For::ServerAuth]), |_| {}).error(is_extended_key_usage)
        }
        Rule::PurposeByName => leaf(chains::purposes(&[For::Any]))
            .also(&[Rule::NoAnyExtendedKeyUsage])
            .error(is_extended_key_usage),
        Rule::NoAnyExtendedKeyUsage => leaf(chains::purposes(&[For::ClientAuth, For::Any])),
        Rule::ExtendedKeyUsagePresent => leaf(chains::purposes(&[])),
        Rule::ExtendedKeyUsageNotCritical => leaf(|params| {
            params.extended_key_usages.clear();
            let client = tlv(0x30, &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2]);
            chains::extension(&[2, 5, 29, 37], true, &client)(params);
        }),
        Rule::RootsWithoutExtendedKeyUsage => {
            chain(chains::purposes(&[For::ClientAuth]), |_| {}, |_| {})
        }
        Rule::EndEntityIsNoCa => leaf(|params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages.push(Usage::KeyCertSign);
        })
        .error(|error| matches!(error, E::CaAsPeer { .. })),
        Rule::Version3 => {
            let root = Authority::root("Root");
            let version_1 = root.sign_by_hand(&Handmade::of(&root.leaf()));
            Broken::new(&[&root.certificate], &[], version_1)
                .also(&[
                    Rule::AuthorityKeyIdentifierPresent,
                    Rule::ExtendedKeyUsagePresent,
                    Rule::SubjectAlternativeNamePresent,
                ])
                .error(|error| matches!(error, E::Version { .. }))
        }
        Rule::NonNegativeSerialNumber => {
            let root = Authority::root("Root");
            let negative = root.sign_by_hand(&Handmade {
                version: VERSION_3.to_vec(),
                serial_number: vec![0x80],
                extensions: leaf_extensions(&root),
                ..Handmade::of(&root.leaf())
            });
            Broken::new(&[&root.certificate], &[], negative)
        }
        Rule::NonZeroSerialNumber => {
            leaf(|params| params.serial_number = Some(SerialNumber::from_slice(&[0])))
        }
        Rule::SerialNumberLength => {
            leaf(|params| params.serial_number = Some(SerialNumber::from_slice(&[1; 21])))
        }
        Rule::IssuerNamePresent => {
            let root = Authority::root_with("", |params| {
                params.distinguished_name = DistinguishedName::new();
            });
            Broken::new(&[&root.certificate], &[], root.leaf())
        }
        Rule::SubjectAlternativeNameCritical => leaf(|params| {
            params.distinguished_name = DistinguishedName::new();
            params.subject_alt_names.clear();
            let names = tlv(0x30, &tlv(0x82, b"worker.acme.internal"));
            chains::extension(&[2, 5, 29, 17], false, &names)(params);
        }),
        Rule::SubjectAlternativeNameNotCritical => leaf(|params| {
            params.subject_alt_names.clear();
            let names = tlv(0x30, &tlv(0x82, b"worker.acme.internal"));
            chains::extension(&[2, 5, 29, 17], true, &names)(params);
        }),
        Rule::SubjectAlternativeNamePresent => leaf(|params| params.subject_alt_names.clear()),
        Rule::PreferredNameSyntax => leaf(|params| {
            let name = "worker_1.acme.internal".try_into().unwrap();
            params.subject_alt_names = vec![SanType::DnsName(name)];
        }),
        Rule::NameConstraintsCritical => chain(|_| {}, name_constraints(false, acme()), |_| {}),
        Rule::NameConstraintsOfIssuersOnly => leaf(name_constraints(true, acme())),
        Rule::DnsConstraintSyntax => constrained(permitted(&tlv(0x82, b".acme.internal")), |_| {})
            .error(|error| matches!(error, E::MalformedNameConstraint { .. })),
        Rule::FieldNameConstraints => {
            let elsewhere = Authority::root("Elsewhere");
            let base = tlv(0xa4, elsewhere.certificate.subject_der());
            Broken { is_its_error: None, ..constrained(excluded(&base), |_| {}) }
                .also(&[Rule::DnsAndIpConstraintsOnly])
        }
        Rule::SelfIssuedAreConstrained => {
            let root = Authority::root("Root");
            let old = root.intermediate_with("Issuing", name_constraints(true, acme()));
            let new = old.intermediate_with("Issuing", |params| {
                let name = "issuing.example".try_into().unwrap();
                params.subject_alt_names = vec![SanType::DnsName(name)];
            });
            let pool = [&old.certificate, &new.certificate];
            Broken::new(&[&root.certificate], &pool, new.leaf()).error(is_name_constraint)
        }
        Rule::EveryNameForm => constrained(permitted(&tlv(0x81, b"acme.example")), |params| {
            let kind = DnType::from_oid(&[1, 2, 840, 113_549, 1, 9, 1]);
            let address = DnValue::Ia5String("ann@other.example".try_into().unwrap());
            params.distinguished_name.push(kind, address);
        })
        .also(&[Rule::DnsAndIpConstraintsOnly]),
        Rule::ConstrainedNamesWellFormed => constrained(acme(), |params| {
            let name = "urn:uuid:1".try_into().unwrap();
            params.subject_alt_names.push(SanType::URI(name));
        }),
        Rule::PermittedHostsAreExact => {
            constrained(permitted(&tlv(0x81, b"acme.example")), mail("ann@mail.acme.example"))
                .also(&[Rule::DnsAndIpConstraintsOnly])
        }
        Rule::ExcludedHostsCoverDomains => {
            constrained(excluded(&tlv(0x81, b"acme.example")), mail("ann@mail.acme.example"))
                .also(&[Rule::DnsAndIpConstraintsOnly])
        }
        Rule::DnsAndIpConstraintsOnly => {
            let subtrees = permitted(&tlv(0x81, b"acme.example"));
            Broken { is_its_error: None, ..constrained(subtrees, mail("ann@acme.example")) }
        }
        Rule::ConstrainedDnsNamesAreHosts => {
            let odd = constrained(acme(), |params| {
                let name = "worker!.acme.internal".try_into().unwrap();
                params.subject_alt_names = vec![SanType::DnsName(name)];
            });
            Broken { is_its_error: None, ..odd }.also(&[Rule::PreferredNameSyntax])
        }
        Rule::WildcardsOverlapExcluded => {
            constrained(excluded(&tlv(0x82, b".a.acme.internal")), |params| {
                let name = "*.acme.internal".try_into().unwrap();
                params.subject_alt_names = vec![SanType::DnsName(name)];
            })
            .also(&[Rule::DnsConstraintSyntax])
        }
        Rule::PolicyConstraintsCritical => {
            let constraints = tlv(0x30, &[0x80, 1, 9]);
            chain(
                |_| {},
                |params| chains::extension(&[2, 5, 29, 36], false, &constraints)(params),
                |_| {},
            )
        }
        Rule::NoCriticalPolicies => {
            let policies = tlv(0x30, &tlv(0x30, &[6, 3, 0x2a, 3, 4]));
            leaf(|params| chains::extension(&[2, 5, 29, 32], true, &policies)(params))
        }
        Rule::SubjectKeyAccepted => {
            let root = Authority::root("Root");
            Broken::new(&[&root.certificate], &[], odd_key(&root)).also(&[Rule::WebPkiKeys])
        }
        Rule::WebPkiKeys => {
            let root = Authority::root("Root");
            let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
            let leaf = chains::leaf_params().signed_by(&key, &root.issuer()).unwrap();
            let leaf = Certificate::from_der(leaf.der()).unwrap();
            Broken::new(&[&root.certificate], &[], leaf)
        }
        Rule::ReadableInGo => leaf(unreadable),
        Rule::PresentedAreReadable => with_unreadable_decoy().error(is_unreadable),
        Rule::TextInNames => {
            let root = Authority::root("Root");
            let subject = with_tag_of_common_name(&root.leaf(), 4);
            let no_text = root.sign_by_hand(&Handmade {
                version: VERSION_3.to_vec(),
                extensions: leaf_extensions(&root),
                ..Handmade::of(&subject)
            });
            Broken::new(&[&root.certificate], &[], no_text)
        }
        Rule::NoUniqueIdentifiers => unique_identifier(0x82),
        Rule::CrlNumberPresent => lists(|list| list.number = None),
        _ => return None,
    })
}

/// All rules at once.
fn every_rule() -> Policy {
    Rule::ALL.iter().fold(Policy::tls_client(), |policy, &rule| policy.with(rule))
}

#[test]
fn a_sound_chain_breaks_no_rule_at_all() {
    let chain = leaf(|_| {}).verify(&every_rule()).unwrap();
    assert!(chain.violations(&every_rule(), chains::now()).is_empty());
    lists(|_| {}).verify(&every_rule()).unwrap();
}

#[test]
fn every_rule_is_broken_by_a_chain_that_is_accepted_without_it() {
    for &rule in Rule::ALL {
        let id = rule.id();
        let broken = broken(rule).unwrap_or_else(|| panic!("no chain breaks {id}"));
        let others = broken.also.iter().fold(every_rule(), |policy, &also| policy.without(also));
        let without = others.clone().without(rule);
        if let Err(error) = broken.verify(&without) {
            panic!("{id}: refused without it: {error}");
        }
        let Err(error) = broken.verify(&others) else { panic!("{id}: accepted with it") };
        let is_its_error = match (error.cause(), broken.is_its_error) {
            (cause, Some(is_its_error)) => is_its_error(cause),
            (E::Rule { rule: found, .. }, None) => *found == rule,
            _ => false,
        };
        assert!(is_its_error, "{id}: {error:?}");
    }
}

/// A check is called where the policy has one of the rules that it is about, whatever others it has.
#[test]
fn a_rule_is_asked_without_any_other() {
    let none = Rule::ALL.iter().fold(Policy::tls_client(), |policy, &rule| policy.without(rule));
    for &rule in Rule::ALL {
        // What these two say is how another is meant; anchors are asked where the first rule is there.
        let needed = match rule {
            Rule::KeyUsageNotEmpty => Rule::DigitalSignature,
            Rule::PresentedAreReadable => Rule::ReadableInGo,
            _ => Rule::AnchorCertificate,
        };
        let others = if needed == rule { none.clone() } else { none.clone().with(needed) };
        let (id, broken) = (rule.id(), broken(rule).unwrap());
        assert!(broken.verify(&others).is_ok(), "{id}: refused without it");
        assert!(broken.verify(&others.with(rule)).is_err(), "{id}: accepted with it");
    }
}

#[test]
fn violations_are_everything_that_a_policy_holds_against_a_path() {
    for &rule in Rule::ALL {
        let broken = broken(rule).unwrap();
        let others = broken.also.iter().fold(every_rule(), |policy, &also| policy.without(also));
        let chain = broken.verify(&others.clone().without(rule)).unwrap();
        let id = rule.id();
        // This one is about the pool, not about the path.
        let is_of_path = rule != Rule::PresentedAreReadable;
        assert_eq!(!chain.violations(&others, chains::now()).is_empty(), is_of_path, "{id}");
        assert!(chain.violations(&others.without(rule), chains::now()).is_empty(), "{id}");
    }
}

#[test]
fn key_identifiers_of_an_anchor_are_no_violation_without_its_certificate() {
    let broken = broken(Rule::KeyIdentifiersMatch).unwrap();
    let policy = Policy::tls_client().without(Rule::AnchorCertificate);
    let chain = broken.verify(&policy).unwrap();
    assert!(chain.violations(&policy, chains::now()).is_empty());
}

#[test]
fn every_rule_that_a_certificate_breaks_is_a_violation() {
    let root = Authority::root("Root");
    let odd = root.sign_by_hand(&Handmade {
        version: VERSION_3.to_vec(),
        serial_number: vec![0x80; 21],
        extensions: leaf_extensions(&root),
        ..Handmade::of(&root.leaf())
    });
    let rules = [Rule::NonNegativeSerialNumber, Rule::SerialNumberLength];
    let lenient = rules.iter().fold(every_rule(), |policy, &rule| policy.without(rule));
    let chain = Broken::new(&[&root.certificate], &[], odd).verify(&lenient).unwrap();
    assert_eq!(chain.violations(&every_rule(), chains::now()).len(), rules.len());
}

#[test]
fn key_identifiers_are_a_violation_beside_others() {
    let root = Authority::root("Root");
    let mut params = root.params.clone();
    params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1; 20]);
    let renewed = params.self_signed(&root.key).unwrap();
    let renewed = Certificate::from_der(renewed.der()).unwrap();
    let chain = Broken::new(&[&renewed], &[], root.leaf_with(chains::purposes(&[])));
    let rules = [Rule::KeyIdentifiersMatch, Rule::ExtendedKeyUsagePresent];
    let lenient = rules.iter().fold(every_rule(), |policy, &rule| policy.without(rule));
    let violations = chain.verify(&lenient).unwrap().violations(&every_rule(), chains::now());
    assert_eq!(violations.len(), rules.len(), "{violations:?}");
}

#[test]
fn one_more_anchor_never_turns_an_acceptance_into_a_refusal() {
    // A root's new key, which the old one vouches for; as a root it should have no extKeyUsage.
    let old = Authority::root("Root");
    let new = old.intermediate_with("Root", chains::purposes(&[For::ServerAuth]));
    for anchors in [&[&old.certificate][..], &[&old.certificate, &new.certificate]] {
        Broken::new(anchors, &[&new.certificate], new.leaf()).verify(&Policy::web_pki()).unwrap();
    }
}

#[test]
fn no_error_is_about_a_rule_that_the_policy_has_not() {
    let policy = Policy::tls_client().without(Rule::SubjectKeyAccepted).with(Rule::WebPkiKeys);
    let error = broken(Rule::SubjectKeyAccepted).unwrap().verify(&policy).unwrap_err();
    let E::Rule { rule, .. } = error.cause() else { panic!("{error}") };
    assert_eq!(*rule, Rule::WebPkiKeys);
}

#[test]
fn what_nobody_needs_has_to_be_readable_where_everything_presented_has_to_be() {
    let broken = with_unreadable_decoy();
    let go = Policy::go_tls_client();
    let error = broken.verify(&go).unwrap_err();
    assert!(is_unreadable(&error), "{error}");
    // The subject is the decoy's: the leaf and its issuers are sound.
    let E::Rule { subject, .. } = &error else { panic!("{error}") };
    assert_eq!(subject.to_string(), "CN=Decoy");
    broken.verify(&go.without(Rule::PresentedAreReadable)).unwrap();
    broken.verify(&Policy::tls_client()).unwrap();
    let case = Case {
        anchors: &broken.anchors,
        intermediates: &broken.intermediates,
        leaf: &broken.leaf,
        purpose: Purpose::Client,
        at: chains::now(),
        name: None,
    };
    if let Some(mut go) = Go::start() {
        assert!(go.judge(&case).is_err());
    }
    // Other verifiers read what they need.
    judges::webpki(&case).unwrap();
    if let Some(verdict) = judges::openssl(&case) {
        verdict.unwrap();
    }
}

#[test]
fn either_unique_identifier_breaks_the_rule() {
    for tag in [0x81, 0x82] {
        let error = unique_identifier(tag).verify(&Policy::tls_client()).unwrap_err();
        assert!(
            matches!(error.cause(), E::Rule { rule: Rule::NoUniqueIdentifiers, .. }),
            "{error}"
        );
        unique_identifier(tag).verify(&Policy::go_tls_client()).unwrap();
    }
}

#[test]
fn critical_policies_of_an_anchor_break_no_rule() {
    let policies = tlv(0x30, &tlv(0x30, &[6, 3, 0x2a, 3, 4]));
    let critical = || chains::extension(&[2, 5, 29, 32], true, &policies);
    chain(critical(), |_| {}, |_| {}).verify(&Policy::tls_client()).unwrap();
    let error = chain(|_| {}, critical(), |_| {}).verify(&Policy::tls_client()).unwrap_err();
    assert!(matches!(error.cause(), E::Rule { rule: Rule::NoCriticalPolicies, .. }), "{error}");
}

/// A leaf that identifies its issuer's certificate by these fields besides its key.
fn identifying(root: &Authority, fields: &[Vec<u8>]) -> Broken {
    let key = tlv(0x80, root.certificate.subject_key_identifier().unwrap());
    let identifier = tlv(0x30, &[&[key][..], fields].concat().concat());
    let leaf = root.leaf_with(|params| {
        params.use_authority_key_identifier_extension = false;
        chains::extension(&[2, 5, 29, 35], false, &identifier)(params);
    });
    Broken::new(&[&root.certificate], &[], leaf)
}

#[test]
fn key_identifiers_match_by_issuer_and_serial_number_too() {
    let root = Authority::root_with("Root", |params| {
        params.serial_number = Some(SerialNumber::from_slice(&[7]));
    });
    let issuer = |of: &Certificate| tlv(0xa1, &tlv(0xa4, of.subject_der()));
    let serial = |octet| tlv(0x82, &[octet]);
    let other = Authority::root("Other").certificate;
    let policy = Policy::tls_client();
    for sound in [
        vec![issuer(&root.certificate), serial(7)],
        vec![issuer(&root.certificate)],
        vec![serial(7)],
        // Names of other forms than a directory's are not compared.
        vec![tlv(0xa1, &tlv(0x82, b"acme.internal")), serial(7)],
    ] {
        identifying(&root, &sound).verify(&policy).unwrap();
    }
    for odd in [
        vec![issuer(&root.certificate), serial(8)],
        vec![issuer(&other), serial(7)],
        vec![issuer(&other)],
        vec![serial(8)],
    ] {
        let chain = identifying(&root, &odd);
        let error = chain.verify(&policy).unwrap_err();
        assert!(
            matches!(error.cause(), E::Rule { rule: Rule::KeyIdentifiersMatch, .. }),
            "{error}"
        );
        chain.verify(&policy.clone().without(Rule::KeyIdentifiersMatch)).unwrap();
    }
}

#[test]
fn key_identifiers_of_a_self_signed_leaf_match_where_it_is_an_anchor() {
    let own = |identifier: &[u8]| {
        let identifier = tlv(0x30, &tlv(0x80, identifier));
        let mut params = chains::leaf_params();
        params.use_authority_key_identifier_extension = false;
        params.key_identifier_method = rcgen::KeyIdMethod::PreSpecified(vec![1; 20]);
        chains::extension(&[2, 5, 29, 14], false, &tlv(4, &[1; 20]))(&mut params);
        chains::extension(&[2, 5, 29, 35], false, &identifier)(&mut params);
        let leaf = params.self_signed(&chains::key()).unwrap();
        let leaf = Certificate::from_der(leaf.der()).unwrap();
        Broken::new(&[&leaf], &[], leaf.clone())
    };
    let policy = Policy::tls_client();
    own(&[1; 20]).verify(&policy).unwrap();
    own(&[2; 20]).verify(&policy).unwrap_err();
    own(&[2; 20]).verify(&policy.without(Rule::KeyIdentifiersMatch)).unwrap();
}

#[test]
fn rules_have_distinct_names() {
    let ids: BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    let is_name = |id: &str| {
        id.bytes()
            .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || octet == b'-')
    };
    assert!(ids.iter().all(|id| is_name(id)), "{ids:?}");
    for rule in Rule::ALL {
        assert_eq!(
            rule.to_string(),
            format!("{}: {} ({})", rule.id(), rule.sentence(), rule.source())
        );
    }
}

#[test]
fn rules_are_switched_one_by_one() {
    for &rule in Rule::ALL {
        let with = Policy::rfc5280().with(rule);
        let without = Policy::rfc5280().without(rule);
        assert!(with.has(rule) && !without.has(rule));
        let difference = with.difference(&without);
        assert_eq!(difference.only_here, [rule]);
        assert!(difference.only_in_other.is_empty());
        assert_eq!(without.difference(&with).only_in_other, [rule]);
        assert_eq!(with.clone().with(rule), with);
        let same = if Policy::rfc5280().has(rule) { with } else { without };
        assert_eq!(same, Policy::rfc5280());
    }
    let (tls, go) = (Policy::tls_client(), Policy::go_tls_client());
    let difference = tls.difference(&go);
    let rebuilt = difference.only_in_other.iter().fold(
        difference.only_here.iter().fold(tls, |policy, &rule| policy.without(rule)),
        |policy, &rule| policy.with(rule),
    );
    assert_eq!(rebuilt, go);
}

#[test]
fn purposes_change_no_rule() {
    let server = Policy::tls_client().for_purpose(Purpose::Server);
    assert_eq!(server, Policy::tls_server());
    assert_eq!(Policy::from(Purpose::Server), Policy::tls_server());
    assert_eq!(Policy::from(Purpose::Client), Policy::tls_client());
    assert_eq!(Policy::rfc5280().purpose(), Purpose::Any);
    assert_eq!(Policy::web_pki().purpose(), Purpose::Server);
    assert_eq!(Policy::go_tls_client().purpose(), Purpose::Client);
}

#[test]
fn the_rules_of_each_policy_are_these() {
    let table: String = Rule::ALL
        .iter()
        .map(|&rule| {
            let policies = [
                ("rfc5280", Policy::rfc5280()),
                ("tls", Policy::tls_client()),
                ("web_pki", Policy::web_pki()),
                ("go", Policy::go_tls_client()),
            ];
            let those = policies.iter().filter(|(_, policy)| policy.has(rule));
            let names: Vec<_> = those.map(|(name, _)| *name).collect();
            format!("{}: {}\n", rule.id(), names.join(" "))
        })
        .collect();
    assert_eq!(table, MEMBERSHIP, "\n{table}");
}

const MEMBERSHIP: &str = "\
anchor-certificate: rfc5280 tls web_pki go
byte-exact-names: tls web_pki go
trusted-leaf-is-self-signed: rfc5280 tls web_pki
key-identifiers-match: tls web_pki
authority-key-identifier-present: rfc5280 web_pki
authority-key-identifier-of-roots: web_pki
subject-key-identifier-present: rfc5280 web_pki
non-critical-extensions: rfc5280 tls web_pki go
basic-constraints-critical: rfc5280 web_pki
path-length-of-issuers-only: rfc5280 web_pki
self-issued-count: tls go
key-usage-not-empty: rfc5280 tls web_pki
key-usage-of-issuers-present: web_pki
key-cert-sign-of-issuers-only: rfc5280 web_pki
digital-signature: rfc5280 tls web_pki
nested-extended-key-usage: tls web_pki go
purpose-by-name: tls web_pki
extended-key-usage-present: web_pki
extended-key-usage-not-critical: web_pki
no-any-extended-key-usage: web_pki
roots-without-extended-key-usage: web_pki
end-entity-is-no-ca: tls web_pki
version-3: rfc5280 tls web_pki
non-negative-serial-number: rfc5280 tls web_pki go
non-zero-serial-number: rfc5280 web_pki
serial-number-length: rfc5280 web_pki
issuer-name-present: rfc5280 web_pki
subject-alternative-name-critical: rfc5280 web_pki
subject-alternative-name-not-critical: web_pki
subject-alternative-name-present: web_pki
preferred-name-syntax: rfc5280 web_pki
name-constraints-critical: rfc5280
name-constraints-of-issuers-only: rfc5280 web_pki
dns-constraint-syntax: rfc5280
field-name-constraints: tls go
self-issued-are-constrained: tls go
every-name-form: rfc5280 tls web_pki
constrained-names-well-formed: tls go
permitted-hosts-are-exact: rfc5280 tls web_pki
excluded-hosts-cover-domains: go
dns-and-ip-constraints-only: tls
constrained-dns-names-are-hosts: tls
wildcards-overlap-excluded: tls
policy-constraints-critical: rfc5280 web_pki
no-critical-policies: tls
subject-key-accepted: tls web_pki go
web-pki-keys: web_pki
readable-in-go: tls go
presented-are-readable: go
text-in-names: tls
no-unique-identifiers: tls web_pki
crl-number-present: rfc5280 web_pki
";

#[test]
fn the_manual_says_of_every_rule_what_the_code_does() {
    let manual = include_str!("../../src/manual/verification.md");
    for &rule in Rule::ALL {
        let mark = |policy: Policy| if policy.has(rule) { "•" } else { "" };
        let row = format!(
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            rule.id(),
            rule.sentence(),
            rule.source(),
            mark(Policy::tls_client()),
            mark(Policy::go_tls_client()),
            mark(Policy::rfc5280()),
            mark(Policy::web_pki()),
        );
        assert!(manual.lines().any(|line| line == row), "the manual lacks\n{row}");
    }
    let rows = manual.lines().filter(|line| line.starts_with("| `")).count();
    assert!(rows >= Rule::ALL.len(), "{rows}");
}

#[test]
fn every_extension_about_policies_is_held_to_its_criticality() {
    let policy = tlv(6, &[0x2a, 3, 4]);
    let mappings = tlv(0x30, &tlv(0x30, &[policy.clone(), tlv(6, &[0x2a, 3, 5])].concat()));
    let extensions = [
        (32, tlv(0x30, &tlv(0x30, &policy)), None),
        (33, mappings, None),
        (36, tlv(0x30, &[0x80, 1, 9]), Some(Rule::PolicyConstraintsCritical)),
        (54, tlv(2, &[9]), Some(Rule::PolicyConstraintsCritical)),
    ];
    for (number, contents, if_not_critical) in extensions {
        for (critical, broken) in [(true, Some(Rule::NoCriticalPolicies)), (false, if_not_critical)]
        {
            let of_extension = chains::extension(&[2, 5, 29, number], critical, &contents);
            let found = leaf(of_extension).verify(
                &Policy::tls_client()
                    .with(Rule::PolicyConstraintsCritical)
                    .with(Rule::NoCriticalPolicies),
            );
            let rule = match found {
                Err(E::Rule { rule, .. }) => Some(rule),
                other => other.map(|_| None).unwrap(),
            };
            assert_eq!(rule, broken, "2.5.29.{number}, critical: {critical}");
        }
    }
}
