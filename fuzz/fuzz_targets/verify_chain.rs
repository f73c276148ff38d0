//! What is accepted is a chain that rustls-webpki accepts too, within its own window.
//!
//! The input is one byte for the purpose, then certificates, each after its length in two bytes:
//! the leaf, any number of intermediates, the anchor.
#![no_main]

#[path = "support/webpki.rs"]
mod judge;

use libfuzzer_sys::fuzz_target;
use private_ca::verify::{Purpose, Verification, VerifiedChain, Verifier};
use private_ca::{Certificate, Timestamp};

const NOW: &str = "2027-03-01T10:00:00Z";

fn certificates(mut rest: &[u8]) -> Vec<Certificate> {
    let mut certificates = Vec::new();
    while let Some((length, tail)) = rest.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length)).min(tail.len());
        let (der, tail) = tail.split_at(length);
        certificates.extend(Certificate::from_der(der));
        rest = tail;
    }
    certificates
}

fn holds_together(chain: &VerifiedChain, at: Timestamp) {
    assert!(chain.window().contains(at));
    assert_eq!(chain.path().last(), chain.anchor().certificate());
    for pair in chain.path().windows(2) {
        assert_eq!(pair[0].issuer_der(), pair[1].subject_der());
        assert!(pair[1].is_ca() || pair[1].version() < 3);
    }
    for certificate in chain.path() {
        assert!(certificate.validity().contains(at));
        assert_eq!(certificate.unknown_critical_extension(), None);
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((selector, rest)) = input.split_first() else {
        return;
    };
    let purpose = match selector % 3 {
        0 => Purpose::Client,
        1 => Purpose::Server,
        _ => Purpose::Any,
    };
    let certificates = certificates(rest);
    let [leaf, pool @ .., anchor] = certificates.as_slice() else {
        return;
    };
    let Ok(verifier) = Verifier::new([anchor.clone()]) else {
        return;
    };
    let at = NOW.parse().unwrap();
    let verification = Verification::new(purpose).at(at);
    match verifier.verify(leaf, pool, &verification) {
        Ok(chain) => {
            holds_together(&chain, at);
            if purpose != Purpose::Any {
                assert_eq!(judge::webpki(&chain, purpose, at), None, "webpki refuses");
            }
            let again = verifier.verify(leaf, chain.path(), &verification).unwrap();
            assert_eq!(chain, again);
        }
        Err(error) => {
            let _ = format!("{error} {error:?} {}", error.cause());
        }
    }
});
