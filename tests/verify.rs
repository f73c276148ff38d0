//! Chains that are valid, or broken in exactly one place, before our verifier and two others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that is wrong should stop, and one that is skipped should say so"
)]

#[path = "support/chains.rs"]
mod chains;
#[path = "support/go.rs"]
mod go;
#[path = "support/judges.rs"]
mod judges;

#[path = "verify/attacks.rs"]
mod attacks;
#[path = "verify/constraints.rs"]
mod constraints;
#[path = "verify/known.rs"]
mod known;
#[path = "verify/lists.rs"]
mod lists;
#[path = "verify/names.rs"]
mod names;
#[path = "verify/paths.rs"]
mod paths;
#[path = "verify/policies.rs"]
mod policies;
#[path = "verify/policy_rules.rs"]
mod policy_rules;
#[path = "verify/properties.rs"]
mod properties;
#[path = "verify/revocation.rs"]
mod revocation;
#[path = "verify/rules.rs"]
mod rules;

use private_ca::verify::{
    Policy, Purpose, Rule, Verification, VerifiedChain, Verifier, VerifyError,
};
use private_ca::{Certificate, SubjectAlternativeName, Timestamp};

use judges::Case;

/// How another verifier compares with ours.
#[derive(Debug, Clone, Copy)]
enum Judge {
    Agrees,
    /// It decides otherwise, for a reason that is stated where this is used.
    Differs,
}
use Judge::{Agrees, Differs};

/// A chain and its verification.
#[derive(Clone)]
struct Trial {
    anchors: Vec<Certificate>,
    intermediates: Vec<Certificate>,
    leaf: Certificate,
    policy: Policy,
    at: Timestamp,
    name: Option<SubjectAlternativeName>,
    openssl: Judge,
    webpki: Judge,
}

fn trial(anchors: &[&Certificate], intermediates: &[&Certificate], leaf: &Certificate) -> Trial {
    let owned = |certificates: &[&Certificate]| certificates.iter().copied().cloned().collect();
    Trial {
        anchors: owned(anchors),
        intermediates: owned(intermediates),
        leaf: leaf.clone(),
        policy: Policy::tls_client(),
        at: chains::now(),
        name: None,
        openssl: Agrees,
        webpki: Agrees,
    }
}

impl Trial {
    fn purpose(self, purpose: Purpose) -> Self {
        Self { policy: self.policy.for_purpose(purpose), ..self }
    }

    fn policy(self, policy: Policy) -> Self {
        Self { policy, ..self }
    }

    fn at(self, at: Timestamp) -> Self {
        Self { at, ..self }
    }

    fn name(self, name: &str) -> Self {
        Self { name: Some(name.parse().unwrap()), ..self }
    }

    fn judges(self, openssl: Judge, webpki: Judge) -> Self {
        Self { openssl, webpki, ..self }
    }

    fn verify(&self) -> Result<VerifiedChain, VerifyError> {
        let mut verification = Verification::new(self.policy.clone()).at(self.at);
        if let Some(name) = &self.name {
            verification = verification.name(name.clone());
        }
        let verifier = Verifier::new(self.anchors.iter().cloned()).unwrap();
        let verified = verifier.verify(&self.leaf, &self.intermediates, &verification);
        let knowing = verifier.with_intermediates(self.intermediates.iter().cloned());
        for presented in [&[], self.intermediates.as_slice()] {
            match (&verified, knowing.verify(&self.leaf, presented, &verification)) {
                (Ok(chain), Ok(again)) => assert_eq!(*chain, again),
                (Err(_), Err(_)) => {}
                // It is about certificates that are presented.
                (Err(_), Ok(_))
                    if presented.is_empty() && self.policy.has(Rule::PresentedAreReadable) => {}
                (first, again) => panic!("{first:?}, but with known intermediates {again:?}"),
            }
        }
        verified
    }

    /// Holds the judges to what is stated of them.
    fn ask_judges(&self, accepted: bool) {
        let case = Case {
            anchors: &self.anchors,
            intermediates: &self.intermediates,
            leaf: &self.leaf,
            purpose: self.policy.purpose(),
            at: self.at,
            name: self.name.as_ref(),
        };
        let expected = |judge| match judge {
            Agrees => accepted,
            Differs => !accepted,
        };
        let webpki = judges::webpki(&case);
        assert_eq!(webpki.is_ok(), expected(self.webpki), "webpki: {webpki:?}");
        if let Some(openssl) = judges::openssl(&case) {
            assert_eq!(openssl.is_ok(), expected(self.openssl), "openssl: {openssl:?}");
        }
    }

    #[track_caller]
    fn accepted(self) -> VerifiedChain {
        let chain = self.verify().unwrap_or_else(|error| panic!("refused: {error}"));
        self.ask_judges(true);
        chain
    }

    /// The innermost reason, so that it is about one certificate.
    #[track_caller]
    fn refused(self) -> VerifyError {
        let error = self.verify().expect_err("accepted");
        self.ask_judges(false);
        error.cause().clone()
    }
}

/// Asserts the variant of an error.
macro_rules! assert_refused {
    ($trial:expr, $pattern:pat) => {
        match $trial.refused() {
            $pattern => {}
            other => panic!("{other}: {other:?}"),
        }
    };
}
use assert_refused;
