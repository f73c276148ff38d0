//! Whole verifications of pools that are made from the input and signed for real: certificates with
//! any mixture of extensions, several authorities of one name, loops, revocation lists.
//!
//! What is accepted holds together, is accepted again with nothing but what it rests on, at both
//! ends of its window and not outside, whatever else is in the pool; it is accepted the same with the
//! intermediates known beforehand; and rustls-webpki accepts it too where its rules are asked for.
#![no_main]

#[path = "support/forge.rs"]
mod forge;
#[path = "support/webpki.rs"]
mod judge;

use libfuzzer_sys::fuzz_target;
use private_ca::verify::{
    Policy, Purpose, Revocation, RevocationList, Rule, Verification, VerifiedChain, Verifier,
    VerifyError,
};
use private_ca::{Certificate, Timestamp};

use forge::{Pool, Source};

fn policy(source: &mut Source<'_>) -> (Policy, bool) {
    let purpose = [Purpose::Client, Purpose::Server, Purpose::Any][usize::from(source.byte() % 3)];
    let choice = source.byte();
    let policy = match choice % 5 {
        0 | 1 => Policy::tls_client(),
        2 => Policy::go_tls_client(),
        3 => Policy::rfc5280(),
        _ => Policy::web_pki(),
    };
    let mut policy = policy.for_purpose(purpose);
    if choice < 128 {
        return (policy, choice % 5 < 2 && purpose != Purpose::Any);
    }
    for _ in 0..source.byte() % 8 {
        let rule = Rule::ALL[usize::from(source.byte()) % Rule::ALL.len()];
        policy = match policy.has(rule) {
            true => policy.without(rule),
            false => policy.with(rule),
        };
    }
    let inputs = source.byte();
    if inputs & 1 != 0 {
        policy = policy.require_explicit_policy();
    }
    if inputs & 2 != 0 {
        policy = policy.inhibit_policy_mapping();
    }
    if inputs & 4 != 0 {
        policy = policy.inhibit_any_policy();
    }
    if inputs & 8 != 0 {
        policy = policy.max_intermediates(usize::from(inputs >> 4 & 3));
    }
    (policy, false)
}

fn revocation(choice: u8, lists: &[RevocationList]) -> Option<Revocation> {
    if choice & 1 == 0 {
        return None;
    }
    let mut revocation = Revocation::new(lists.iter().cloned());
    if choice & 2 != 0 {
        revocation = revocation.of_leaf_alone();
    }
    if choice & 4 != 0 {
        revocation = revocation.accept_unknown();
    }
    if choice & 8 != 0 {
        revocation = revocation.accept_expired_lists();
    }
    Some(revocation)
}

struct Question<'a> {
    verifier: &'a Verifier,
    leaf: &'a Certificate,
    verification: Verification,
}

impl Question<'_> {
    fn ask(&self, pool: &[Certificate], at: Timestamp) -> Result<VerifiedChain, VerifyError> {
        self.verifier.verify(self.leaf, pool, &self.verification.clone().at(at))
    }
}

fn holds_together(chain: &VerifiedChain, policy: &Policy, at: Timestamp) {
    assert!(chain.window().contains(at), "{:?} {at}", chain.window());
    for (depth, certificate) in chain.path().iter().enumerate() {
        let is_anchor = chain.anchor().certificate() == Some(certificate);
        if is_anchor && depth > 0 && !policy.has(Rule::AnchorCertificate) {
            continue;
        }
        assert!(depth == 0 || certificate.is_ca() || is_anchor && certificate.version() < 3);
        assert!(certificate.validity().contains(at));
        assert_eq!(certificate.unknown_critical_extension(), None);
    }
}

fn same(a: &Result<VerifiedChain, VerifyError>, b: &Result<VerifiedChain, VerifyError>) -> bool {
    match (a, b) {
        (Ok(a), Ok(b)) => a == b,
        (Err(a), Err(b)) => a.to_string() == b.to_string(),
        _ => false,
    }
}

fuzz_target!(|input: &[u8]| {
    let mut source = Source::new(input);
    let (policy, is_tls_default) = policy(&mut source);
    let about_lists = source.byte();
    let pool = Pool::forge(&mut source);
    let Some(leaf) = pool.leaf.clone() else {
        return;
    };
    let Ok(verifier) = Verifier::new(pool.anchors.iter().cloned()) else {
        return;
    };
    let question = |lists: &[RevocationList]| {
        let verification = Verification::new(policy.clone());
        let verification = match revocation(about_lists, lists) {
            Some(revocation) => verification.revocation(revocation),
            None => verification,
        };
        Question { verifier: &verifier, leaf: &leaf, verification }
    };
    let with_lists = question(&pool.lists);
    let at = forge::now();
    let answer = with_lists.ask(&pool.intermediates, at);
    let mut reversed = pool.intermediates.clone();
    reversed.reverse();
    assert!(same(&answer, &with_lists.ask(&reversed, at)), "order matters");
    // What is known beforehand is found without being presented, and decided on in the same way.
    let knowing = verifier.clone().with_intermediates(pool.intermediates.iter().cloned());
    let knowing = Question { verifier: &knowing, ..question(&pool.lists) };
    for presented in [&[], pool.intermediates.as_slice()] {
        match (&answer, knowing.ask(presented, at)) {
            (Ok(chain), again) => assert_eq!(again.as_ref().ok(), Some(chain), "{again:?}"),
            // It has signatures to spare.
            (Err(error), Ok(_)) if matches!(error.cause(), VerifyError::Budget { .. }) => {}
            // What is not presented need not be readable.
            (Err(_), Ok(_)) if presented.is_empty() && policy.has(Rule::PresentedAreReadable) => {}
            (Err(error), again) => assert!(again.is_err(), "{error}, but known {again:?}"),
        }
    }
    let chain = match answer {
        Ok(chain) => chain,
        Err(error) => {
            let _ = format!("{error} {error:?} {}", error.cause());
            return;
        }
    };
    holds_together(&chain, &policy, at);
    assert!(
        chain.path().len() == 1 || chain.violations(&policy, at).is_empty(),
        "it breaks its own policy: {:?}",
        chain.violations(&policy, at)
    );
    let window = chain.window();
    let second =
        |moment: Timestamp, later: i64| Timestamp::from_unix_seconds(moment.unix_seconds() + later);
    // With nothing but what it rests on, it is accepted within its window and at no second outside;
    // other anchors may have other paths.
    let reduced = question(chain.revocation_lists());
    let mut certificates = [chain.path(), chain.revocation_signers()].concat();
    certificates.retain(|one| chain.anchor().certificate() != Some(one));
    for (moment, expected) in [
        (window.not_before, true),
        (window.not_after, true),
        (second(window.not_before, -1), false),
        (second(window.not_after, 1), false),
    ] {
        let again = reduced.ask(&certificates, moment);
        match &again {
            Ok(again) if !expected => {
                // Another signer of the same list has another window.
                assert!(*again != chain, "outside its window: {moment} {chain:?}");
                assert!(again.window().contains(moment));
            }
            Ok(_) => {}
            Err(error) => assert!(!expected, "{moment}: {error}"),
        }
    }
    if is_tls_default {
        let refused = judge::webpki(&chain, policy.purpose(), at);
        assert_eq!(refused, None, "webpki refuses");
    }
});
