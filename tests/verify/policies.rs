//! Certificate policies.

use const_oid::ObjectIdentifier;
use private_ca::Certificate;
use private_ca::verify::{Policy, PolicyFault, Rule, VerifyError as E};
use rcgen::CertificateParams;

use super::chains::{self, Authority, tlv};
use super::{Agrees, Differs, Trial, trial};

const ANY: &str = "2.5.29.32.0";
const GOLD: &str = "1.3.6.1.4.1.99999.1";
const SILVER: &str = "1.3.6.1.4.1.99999.2";
const BRONZE: &str = "1.3.6.1.4.1.99999.3";

fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

fn oid_der(text: &str) -> Vec<u8> {
    tlv(6, oid(text).as_bytes())
}

/// `certificatePolicies`.
fn of(policies: &[&str]) -> impl FnOnce(&mut CertificateParams) + use<> {
    let policies: Vec<u8> =
        policies.iter().flat_map(|policy| tlv(0x30, &oid_der(policy))).collect();
    move |params| chains::extension(&[2, 5, 29, 32], false, &tlv(0x30, &policies))(params)
}

/// `policyMappings`, issuer's policy before subject's.
fn mapping(pairs: &[(&str, &str)]) -> impl FnOnce(&mut CertificateParams) + use<> {
    let pairs: Vec<u8> = pairs
        .iter()
        .flat_map(|(from, to)| tlv(0x30, &[oid_der(from), oid_der(to)].concat()))
        .collect();
    move |params| chains::extension(&[2, 5, 29, 33], false, &tlv(0x30, &pairs))(params)
}

fn require_explicit_policy(skip: u8) -> impl FnOnce(&mut CertificateParams) {
    move |params| chains::extension(&[2, 5, 29, 36], false, &tlv(0x30, &[0x80, 1, skip]))(params)
}

fn inhibit_policy_mapping(skip: u8) -> impl FnOnce(&mut CertificateParams) {
    move |params| chains::extension(&[2, 5, 29, 36], false, &tlv(0x30, &[0x81, 1, skip]))(params)
}

fn inhibit_any_policy(skip: u8) -> impl FnOnce(&mut CertificateParams) {
    move |params| chains::extension(&[2, 5, 29, 54], false, &[2, 1, skip])(params)
}

fn both(
    one: impl FnOnce(&mut CertificateParams),
    other: impl FnOnce(&mut CertificateParams),
) -> impl FnOnce(&mut CertificateParams) {
    move |params| {
        one(params);
        other(params);
    }
}

fn nothing(_: &mut CertificateParams) {}

/// A root, two intermediates and a leaf.
fn chain(
    upper: impl FnOnce(&mut CertificateParams),
    lower: impl FnOnce(&mut CertificateParams),
    leaf: impl FnOnce(&mut CertificateParams),
) -> Trial {
    let root = Authority::root("Root");
    let upper = root.intermediate_with("Upper", upper);
    let lower = upper.intermediate_with("Lower", lower);
    let leaf = lower.leaf_with(leaf);
    trial(&[&root.certificate], &[&upper.certificate, &lower.certificate], &leaf)
}

/// What was found, in place of a chain: the judges know nothing of it.
fn policies(trial: &Trial) -> Result<Vec<String>, PolicyFault> {
    match trial.verify() {
        Ok(chain) => Ok(chain.policies().iter().map(ToString::to_string).collect()),
        Err(error) => match error.cause() {
            E::Policy { fault, .. } => Err(*fault),
            other => panic!("{other}"),
        },
    }
}

const REFUSED: Result<Vec<String>, PolicyFault> = Err(PolicyFault::NoValidPolicy);

fn found(policies: &[&str]) -> Result<Vec<String>, PolicyFault> {
    Ok(policies.iter().map(ToString::to_string).collect())
}

fn explicit() -> Policy {
    Policy::tls_client().require_explicit_policy()
}

fn accepting(policy: &str) -> Policy {
    explicit().accept_policies([oid(policy)])
}

#[test]
fn nobody_needs_policies_unless_they_are_required() {
    let none = chain(nothing, nothing, nothing);
    assert_eq!(policies(&none), found(&[]));
    none.accepted();
    let error = chain(nothing, nothing, nothing).policy(explicit()).verify().unwrap_err();
    let E::Policy { subject, .. } = error.cause() else { panic!("{error}") };
    assert_eq!(subject.to_string(), "CN=Upper");
    assert!(error.to_string().contains("6.1.5 (g)"), "{error}");
}

#[test]
fn a_policy_has_to_be_in_every_certificate() {
    let gold = || of(&[GOLD]);
    assert_eq!(policies(&chain(gold(), gold(), gold()).policy(explicit())), found(&[GOLD]));
    assert_eq!(policies(&chain(gold(), gold(), nothing).policy(explicit())), REFUSED);
    assert_eq!(policies(&chain(gold(), of(&[SILVER]), gold()).policy(explicit())), REFUSED);
    // Not required: valid, and for no policy.
    assert_eq!(policies(&chain(gold(), of(&[SILVER]), gold())), found(&[]));
    let some = chain(of(&[GOLD, SILVER]), of(&[SILVER, GOLD, BRONZE]), of(&[SILVER, BRONZE]));
    assert_eq!(policies(&some.policy(explicit())), found(&[SILVER]));
}

#[test]
fn only_accepted_policies_count() {
    let gold = || of(&[GOLD]);
    let chain = chain(gold(), gold(), gold());
    assert_eq!(policies(&chain.clone().policy(accepting(GOLD))), found(&[GOLD]));
    assert_eq!(policies(&chain.clone().policy(accepting(SILVER))), REFUSED);
    // It takes effect where an explicit policy is required.
    let silver = Policy::tls_client().accept_policies([oid(SILVER)]);
    assert_eq!(policies(&chain.clone().policy(silver)), found(&[]));
    let any = explicit().accept_policies([oid(SILVER), oid(ANY)]);
    assert_eq!(policies(&chain.policy(any)), found(&[GOLD]));
}

#[test]
fn any_policy_stands_for_all() {
    let any = || of(&[ANY]);
    let all = chain(any(), any(), any()).policy(explicit());
    assert_eq!(policies(&all), found(&[ANY]));
    assert_eq!(policies(&all.policy(accepting(GOLD))), found(&[GOLD]));
    let gold = chain(any(), any(), of(&[GOLD])).policy(explicit());
    assert_eq!(policies(&gold), found(&[GOLD]));
    assert_eq!(policies(&gold.policy(accepting(SILVER))), REFUSED);
    let gold = chain(of(&[GOLD]), any(), any()).policy(explicit());
    assert_eq!(policies(&gold), found(&[GOLD]));
}

#[test]
fn any_policy_is_inhibited_by_the_user_and_by_certificates() {
    let any = || of(&[ANY]);
    let gold = || of(&[GOLD]);
    let inhibiting = || explicit().inhibit_any_policy();
    assert_eq!(policies(&chain(gold(), any(), gold()).policy(explicit())), found(&[GOLD]));
    assert_eq!(policies(&chain(gold(), any(), gold()).policy(inhibiting())), REFUSED);
    assert_eq!(policies(&chain(gold(), gold(), gold()).policy(inhibiting())), found(&[GOLD]));
    // The number is of certificates that may still use it.
    for (skip, expected) in [(0, REFUSED), (1, found(&[GOLD]))] {
        let chain = chain(both(gold(), inhibit_any_policy(skip)), any(), gold());
        assert_eq!(policies(&chain.policy(explicit())), expected, "{skip}");
    }
    for (skip, expected) in [(0, REFUSED), (1, REFUSED), (2, found(&[GOLD]))] {
        let chain = chain(both(gold(), inhibit_any_policy(skip)), any(), any());
        assert_eq!(policies(&chain.policy(explicit())), expected, "{skip}");
    }
}

#[test]
fn any_policy_of_a_self_issued_certificate_counts_nevertheless() {
    let root = Authority::root("Root");
    let old = root.intermediate_with("Issuing", both(of(&[GOLD]), inhibit_any_policy(0)));
    let new = old.intermediate_with("Issuing", of(&[ANY]));
    let verify = |leaf: &Certificate| {
        let pool = [&old.certificate, &new.certificate];
        policies(&trial(&[&root.certificate], &pool, leaf).policy(explicit()))
    };
    assert_eq!(verify(&new.leaf_with(of(&[GOLD]))), found(&[GOLD]));
    assert_eq!(verify(&new.leaf_with(of(&[ANY]))), REFUSED);
}

#[test]
fn a_certificate_may_require_a_policy() {
    let gold = || of(&[GOLD]);
    // From the leaf, and from nowhere.
    for (skip, expected) in [(0, REFUSED), (1, REFUSED), (2, REFUSED), (3, found(&[]))] {
        let chain = chain(require_explicit_policy(skip), nothing, nothing);
        assert_eq!(policies(&chain), expected, "{skip}");
    }
    let chain_of_gold = chain(both(gold(), require_explicit_policy(0)), gold(), gold());
    assert_eq!(policies(&chain_of_gold), found(&[GOLD]));
    // Now what is accepted takes effect.
    let silver = Policy::tls_client().accept_policies([oid(SILVER)]);
    assert_eq!(policies(&chain_of_gold.policy(silver)), REFUSED);
    // A leaf's own counts if it is zero (section 6.1.5 (b)).
    for (skip, expected) in [(0, REFUSED), (1, found(&[]))] {
        let chain = chain(nothing, nothing, require_explicit_policy(skip));
        assert_eq!(policies(&chain), expected, "{skip}");
    }
}

#[test]
fn self_issued_certificates_do_not_count_down() {
    let root = Authority::root("Root");
    let old = root.intermediate_with("Issuing", require_explicit_policy(2));
    let new = old.intermediate("Issuing");
    let pool = [&old.certificate, &new.certificate];
    assert_eq!(policies(&trial(&[&root.certificate], &pool, &new.leaf())), found(&[]));
    let other = old.intermediate("Other");
    let pool = [&old.certificate, &other.certificate];
    assert_eq!(policies(&trial(&[&root.certificate], &pool, &other.leaf())), REFUSED);
}

#[test]
fn mapped_policies_are_those_of_the_anchors_domain() {
    let gold_to_silver = || both(of(&[GOLD]), mapping(&[(GOLD, SILVER)]));
    let mapped = || chain(of(&[GOLD]), gold_to_silver(), of(&[SILVER]));
    assert_eq!(policies(&mapped().policy(explicit())), found(&[GOLD]));
    assert_eq!(policies(&mapped().policy(accepting(GOLD))), found(&[GOLD]));
    assert_eq!(policies(&mapped().policy(accepting(SILVER))), REFUSED);
    // The leaf has to use the new name.
    let unmapped = chain(of(&[GOLD]), gold_to_silver(), of(&[GOLD]));
    assert_eq!(policies(&unmapped.policy(explicit())), REFUSED);
    let twice = chain(
        both(of(&[GOLD]), mapping(&[(GOLD, SILVER)])),
        both(of(&[SILVER]), mapping(&[(SILVER, BRONZE)])),
        of(&[BRONZE]),
    );
    assert_eq!(policies(&twice.policy(explicit())), found(&[GOLD]));
    let to_two = both(of(&[GOLD]), mapping(&[(GOLD, SILVER), (GOLD, BRONZE)]));
    let to_two = chain(of(&[GOLD]), to_two, of(&[BRONZE]));
    assert_eq!(policies(&to_two.policy(explicit())), found(&[GOLD]));
}

#[test]
fn a_policy_may_be_mapped_out_of_any_policy() {
    let any = || of(&[ANY]);
    let mapped = |leaf: &str| chain(any(), both(any(), mapping(&[(GOLD, SILVER)])), of(&[leaf]));
    assert_eq!(policies(&mapped(SILVER).policy(accepting(GOLD))), found(&[GOLD]));
    // Mapped is also to keep: anyPolicy is there too, and BRONZE was not mapped.
    assert_eq!(policies(&mapped(BRONZE).policy(explicit())), found(&[BRONZE]));
}

#[test]
fn mapping_is_inhibited_by_the_user_and_by_certificates() {
    let gold_to_silver = || both(of(&[GOLD]), mapping(&[(GOLD, SILVER)]));
    let mapped = || chain(of(&[GOLD]), gold_to_silver(), of(&[SILVER]));
    assert_eq!(policies(&mapped().policy(explicit().inhibit_policy_mapping())), REFUSED);
    for (skip, expected) in [(0, REFUSED), (1, found(&[GOLD]))] {
        let upper = both(of(&[GOLD]), inhibit_policy_mapping(skip));
        let chain = chain(upper, gold_to_silver(), of(&[SILVER]));
        assert_eq!(policies(&chain.policy(explicit())), expected, "{skip}");
    }
}

#[test]
fn any_policy_is_never_mapped() {
    for pair in [(ANY, GOLD), (GOLD, ANY)] {
        let chain = chain(nothing, both(of(&[GOLD]), mapping(&[pair])), nothing);
        assert_eq!(policies(&chain), Err(PolicyFault::AnyPolicyMapped));
    }
}

#[test]
fn policies_of_the_anchor_do_not_count() {
    let root = Authority::root_with("Root", of(&[GOLD]));
    let trial = |leaf: &Certificate| trial(&[&root.certificate], &[], leaf).policy(explicit());
    assert_eq!(policies(&trial(&root.leaf_with(of(&[SILVER])))), found(&[SILVER]));
    assert_eq!(policies(&trial(&root.leaf())), REFUSED);
}

#[test]
fn another_path_is_found_around_one_without_a_valid_policy() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let mut params = issuing.params.clone();
    of(&[GOLD])(&mut params);
    let with_policy = params.signed_by(&issuing.key, &root.issuer()).unwrap();
    let with_policy = Certificate::from_der(with_policy.der()).unwrap();
    let leaf = issuing.leaf_with(of(&[GOLD]));
    let pool = [&issuing.certificate, &with_policy];
    let trial = trial(&[&root.certificate], &pool, &leaf).policy(explicit());
    assert_eq!(trial.verify().unwrap().path()[1], with_policy);
}

#[test]
fn a_tree_that_would_grow_without_bound_takes_no_time() {
    // RFC 9618 section 3.1: two policies, each mapped to both, double the nodes of RFC 5280's tree
    // at every certificate.
    for policies_each in [2, 16] {
        let names: Vec<_> =
            (0..policies_each).map(|number| format!("1.3.6.1.4.1.99999.{number}")).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let pairs: Vec<_> =
            names.iter().flat_map(|from| names.iter().map(|to| (*from, *to))).collect();
        let root = Authority::root("Root");
        let mut pool: Vec<Authority> = Vec::new();
        for depth in 0..40 {
            let issuer = pool.last().unwrap_or(&root);
            let params = both(of(&names), mapping(&pairs));
            pool.push(issuer.intermediate_with(&format!("CA {depth}"), params));
        }
        let certificates: Vec<_> = pool.iter().map(|authority| &authority.certificate).collect();
        let leaf = pool.last().unwrap().leaf_with(of(&names));
        let trial = trial(&[&root.certificate], &certificates, &leaf).policy(explicit());
        assert_eq!(policies(&trial).unwrap().len(), policies_each);
        assert_eq!(policies(&trial.policy(accepting(BRONZE))).is_ok(), policies_each > 3);
    }
}

#[test]
fn critical_policies_are_refused_by_a_rule_and_processed_without() {
    let critical = |params: &mut CertificateParams| {
        let policies = tlv(0x30, &tlv(0x30, &oid_der(GOLD)));
        chains::extension(&[2, 5, 29, 32], true, &policies)(params);
    };
    let chain = || chain(of(&[GOLD]), of(&[GOLD]), critical);
    // OpenSSL processes them.
    let error = chain().judges(Differs, Agrees).refused();
    assert!(matches!(error, E::Rule { rule: Rule::NoCriticalPolicies, .. }), "{error}");
    let policy = explicit().without(Rule::NoCriticalPolicies);
    assert_eq!(policies(&chain().policy(policy)), found(&[GOLD]));
}
