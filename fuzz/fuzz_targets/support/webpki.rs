//! rustls-webpki as the judge of a path that was accepted.

use std::time::Duration;

use private_ca::verify::{Purpose, VerifiedChain};
use private_ca::{Certificate, Timestamp};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// Why rustls-webpki refuses the path, if it does and could have accepted it.
pub fn webpki(chain: &VerifiedChain, purpose: Purpose, at: Timestamp) -> Option<webpki::Error> {
    let (Some(leaf), Some(anchor)) = (chain.path().first(), chain.anchor().certificate()) else {
        // It has no name and key from a caller's hand.
        return None;
    };
    let intermediates = match chain.path() {
        [_, intermediates @ .., _] => intermediates,
        // A self-signed leaf that is an anchor: trusted as it is.
        _ => return None,
    };
    let anchor = CertificateDer::from(anchor.as_der());
    let anchor = anchor_from_trusted_cert(&anchor).ok()?;
    let intermediates: Vec<CertificateDer<'_>> =
        intermediates.iter().map(|certificate: &Certificate| certificate.as_der().into()).collect();
    let leaf = CertificateDer::from(leaf.as_der());
    let usage = match purpose {
        Purpose::Server => KeyUsage::server_auth(),
        _ => KeyUsage::client_auth(),
    };
    let seconds = u64::try_from(at.unix_seconds()).ok()?;
    EndEntityCert::try_from(&leaf)
        .and_then(|leaf| {
            leaf.verify_for_usage(
                webpki::ALL_VERIFICATION_ALGS,
                &[anchor],
                &intermediates,
                UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
                usage,
                None,
                None,
            )
            .map(|_| ())
        })
        .err()
}
