//! Go's crypto/x509 as a judge: the words by which other tests know why it refused.
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

use chains::{Authority, EXPIRED, now, purposes};
use private_ca::Certificate;
use private_ca::verify::Purpose;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose};

use go::Go;
use judges::Case;

/// Root, intermediate and leaf.
fn chain(change: impl FnOnce(&mut CertificateParams)) -> [Certificate; 3] {
    let root = Authority::root("root");
    let intermediate = root.intermediate("intermediate");
    let leaf = intermediate.leaf_with(change);
    [root.certificate, intermediate.certificate, leaf]
}

fn case([root, intermediate, leaf]: &[Certificate; 3], purpose: Purpose) -> Case<'_> {
    Case {
        anchors: std::slice::from_ref(root),
        intermediates: std::slice::from_ref(intermediate),
        leaf,
        purpose,
        at: now(),
        name: None,
    }
}

#[test]
fn a_sound_chain_is_accepted() {
    let Some(mut go) = Go::start() else { return };
    let chain = chain(|_| {});
    for purpose in [Purpose::Client, Purpose::Server, Purpose::Any] {
        assert_eq!(go.judge(&case(&chain, purpose)), Ok(()));
    }
    let name = "worker.acme.internal".parse().unwrap();
    let named = Case { name: Some(&name), ..case(&chain, Purpose::Server) };
    assert_eq!(go.judge(&named), Ok(()));
}

#[test]
fn an_expired_certificate_is_refused_and_go_says_since_when() {
    let Some(mut go) = Go::start() else { return };
    let refusal = go.judge(&case(&chain(EXPIRED), Purpose::Client)).unwrap_err();
    assert_eq!(
        refusal,
        "x509: certificate has expired or is not yet valid: \
         current time 2027-03-01T10:00:00Z is after 2027-02-26T00:00:00Z"
    );
}

#[test]
fn a_client_certificate_that_is_for_servers_only_is_refused() {
    let Some(mut go) = Go::start() else { return };
    let chain = chain(purposes(&[ExtendedKeyUsagePurpose::ServerAuth]));
    assert_eq!(go.judge(&case(&chain, Purpose::Server)), Ok(()));
    assert_eq!(
        go.judge(&case(&chain, Purpose::Client)),
        Err("x509: certificate specifies an incompatible key usage".to_owned())
    );
}
