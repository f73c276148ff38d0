//! Commands that judge and describe what is in files.

use private_ca::verify::{Policy, Purpose, Revocation, Verification, Verifier};
use private_ca::{Timestamp, file};

use crate::arguments::{
    InspectArguments, RevocationArguments, RuleArguments, VerifyArguments, VerifyPolicy,
    VerifyPurpose,
};
use crate::failure::Refusal;
use crate::files::{certificates, in_file, revocation_lists};
use crate::output::{self, Answer, Comparison};
use crate::{Failure, OrFail as _};

pub(crate) fn verify(arguments: &VerifyArguments) -> Result<Answer, Failure> {
    let anchors = certificates(&arguments.anchors)?.certificates().to_vec();
    let mut pool = certificates(&arguments.leaf)?.certificates().to_vec();
    // A chain has at least one certificate.
    let leaf = pool.remove(0);
    for path in &arguments.intermediates {
        pool.extend_from_slice(certificates(path)?.certificates());
    }
    let verifier =
        Verifier::new(anchors).map_err(|error| in_file(&arguments.anchors, error)).or_unasked()?;
    let purpose = match arguments.purpose {
        VerifyPurpose::Client => Purpose::Client,
        VerifyPurpose::Server => Purpose::Server,
        VerifyPurpose::Any => Purpose::Any,
    };
    let at = arguments.at.unwrap_or_else(Timestamp::now);
    let mut verification = Verification::new(policy(&arguments.rules, purpose)?).at(at);
    if let Some(name) = &arguments.name {
        verification = verification.name(name.clone());
    }
    let revocation = revocation(&arguments.revocation)?;
    let is_revocation_asked = revocation.is_some();
    if let Some(revocation) = revocation {
        verification = verification.revocation(revocation);
    }
    match verifier.verify(&leaf, &pool, &verification) {
        Ok(chain) => {
            let comparison = arguments.rules.compare.map(|other| Comparison {
                policy: other,
                violations: chain.violations(&named(other, purpose), at),
            });
            Ok(output::verified(&chain, at, is_revocation_asked, comparison.as_ref()))
        }
        Err(error) => Err(Failure::Refused(Box::new(Refusal { error, leaf, at }))),
    }
}

/// The policy as it is called, for a purpose.
fn named(policy: VerifyPolicy, purpose: Purpose) -> Policy {
    let policy = match policy {
        VerifyPolicy::Tls => Policy::from(purpose),
        VerifyPolicy::Go => Policy::go_tls_client(),
        VerifyPolicy::Rfc5280 => Policy::rfc5280(),
        VerifyPolicy::WebPki => Policy::web_pki(),
    };
    policy.for_purpose(purpose)
}

/// The policy as it is asked for.
fn policy(arguments: &RuleArguments, purpose: Purpose) -> Result<Policy, Failure> {
    let mut policy = named(arguments.policy, purpose);
    if let Some(rule) = arguments.with.iter().find(|rule| arguments.without.contains(rule)) {
        let message = format!("--with and --without ask for opposites of the rule {}", rule.id());
        return Err(message).or_unasked();
    }
    policy = arguments.with.iter().fold(policy, |policy, &rule| policy.with(rule));
    policy = arguments.without.iter().fold(policy, |policy, &rule| policy.without(rule));
    if !arguments.accept_policies.is_empty() {
        policy = policy.accept_policies(arguments.accept_policies.iter().copied());
    }
    if arguments.require_explicit_policy {
        policy = policy.require_explicit_policy();
    }
    if let Some(count) = arguments.max_intermediates {
        policy = policy.max_intermediates(count);
    }
    Ok(policy)
}

/// How revocation is checked, if lists are given.
fn revocation(arguments: &RevocationArguments) -> Result<Option<Revocation>, Failure> {
    let mut lists = Vec::new();
    for path in &arguments.lists {
        lists.extend(revocation_lists(path)?);
    }
    let mut revocation = Revocation::new(lists);
    if arguments.leaf_only {
        revocation = revocation.of_leaf_alone();
    }
    if arguments.accept_unknown {
        revocation = revocation.accept_unknown();
    }
    if arguments.accept_expired {
        revocation = revocation.accept_expired_lists();
    }
    Ok((!arguments.lists.is_empty()).then_some(revocation))
}

pub(crate) fn inspect(arguments: &InspectArguments) -> Result<Answer, Failure> {
    let contents = file::read(&arguments.file).or_unasked()?;
    output::inspected(&contents).map_err(|error| in_file(&arguments.file, error)).or_no()
}
