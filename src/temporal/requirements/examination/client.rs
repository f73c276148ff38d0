//! The rules for what a client presents.

use super::{Examination, R};
use crate::certificate::{Certificate, KeyUsage, Timestamp};
use crate::key::KeyAlgorithm;
use crate::temporal::bundle::{Refusal, UnjudgedKey};
use crate::verify::{self, VerifiedChain, VerifyError};

/// How many paths, one ending after the other, are followed for the end of a client's admission.
const MOST_PATHS: usize = 64;

/// What the TLS server will say, and until when it lets the client in.
type Verdict = (Result<VerifiedChain, VerifyError>, Option<Timestamp>);

impl Examination<'_> {
    /// What the TLS server will say, and until when it lets the client in.
    pub(super) fn client(&mut self) -> Option<Verdict> {
        let Some((leaf, above)) = self.submission.presented.split_first() else {
            self.unasked
                .extend(R::ALL.iter().filter(|&&rule| (R::LeafFirst..=R::KeyFits).contains(&rule)));
            return None;
        };
        self.leaf(leaf, above);
        let signed = |certificate: &Certificate| verify::signature_weakness(certificate);
        for (who, certificate) in named(leaf, above) {
            if let Some(weakness) = signed(certificate) {
                let mend = "have it issued with RSA or ECDSA and SHA-256";
                self.report_of(
                    R::LeafSignatureAlgorithm,
                    certificate,
                    format!("{who}: {weakness}"),
                    mend,
                );
            }
            // One that has ended is what the TLS server refuses.
            self.validity(&who, certificate, None, R::LeafEndsLater);
        }
        match &self.submission.key {
            None => self.unasked.push(R::KeyFits),
            Some(key) if key.as_slice() != leaf.public_key_der() => {
                let found =
                    format!("the private key is not the one that {} is for", leaf.subject());
                let mend = "take the key of the request that this certificate was issued for";
                self.report_of(R::KeyFits, leaf, found, mend);
            }
            Some(_) => {}
        }
        let verdict = self.tls(leaf, above);
        match &verdict {
            // Nothing is known of the paths.
            None if !self.submission.bundle.is_empty() => self.unasked.push(R::DistinctNames),
            verdict => self.names(leaf, above, matches!(verdict, Some((Ok(_), _)))),
        }
        verdict
    }

    fn leaf(&mut self, leaf: &Certificate, above: &[Certificate]) {
        let who = format!("the client's certificate {}", leaf.subject());
        if leaf.is_ca() {
            match above.iter().find(|certificate| !certificate.is_ca()) {
                Some(other) => {
                    let found = format!(
                        "the file starts with the CA {}, and the client's certificate {} comes later",
                        leaf.subject(),
                        other.subject()
                    );
                    let mend =
                        "put the client's certificate first, and each issuer after what it issued";
                    self.report_of(R::LeafFirst, leaf, found, mend);
                }
                None => {
                    let mend = "issue a certificate for the client from this CA";
                    self.report_of(R::LeafNotCa, leaf, format!("{who} is a CA's"), mend);
                }
            }
            // What a client's certificate has to say is not to be said of a CA's.
            return;
        }
        if leaf.version() != 3 {
            let found = format!("{who} is of version {}", leaf.version());
            self.report_of(R::LeafVersion, leaf, found, "issue one of version 3");
        }
        if leaf.basic_constraints().is_none() {
            let found = format!("{who} has no basic constraints");
            let mend = "nothing, if it connects; another template of the CA may add them";
            self.report_of(R::LeafBasicConstraints, leaf, found, mend);
        }
        match leaf.key_usage() {
            None => {
                let found = format!("{who} has no key usage");
                let mend = "nothing, if it connects: tcld issues such certificates too";
                self.report_of(R::LeafKeyUsage, leaf, found, mend);
            }
            Some(usage) if !usage.contains(KeyUsage::DIGITAL_SIGNATURE) => {
                let found = format!("{who} has the key usage {usage}, without digitalSignature");
                let mend = "issue it with a template for TLS clients";
                self.report_of(R::LeafDigitalSignature, leaf, found, mend);
            }
            Some(_) => {}
        }
        let key = KeyAlgorithm::of_public_key(leaf.public_key_der());
        let is_usual = matches!(
            key,
            Some(
                KeyAlgorithm::Rsa { .. }
                    | KeyAlgorithm::EcdsaP256
                    | KeyAlgorithm::EcdsaP384
                    | KeyAlgorithm::EcdsaP521
            )
        );
        if !is_usual {
            let kind = key.map_or_else(|| "of another kind".to_owned(), |key| key.to_string());
            let found = format!("the key of {who} is {kind}");
            self.report_of(R::LeafKeyAlgorithm, leaf, found, "use an RSA or ECDSA key");
        }
    }

    fn tls(&mut self, leaf: &Certificate, above: &[Certificate]) -> Option<Verdict> {
        let bundle = &self.submission.bundle;
        if bundle.is_empty() {
            // The bundle's own finding says why.
            self.unasked.extend([R::TlsAccepts, R::TlsJudged, R::LeafWithinCa]);
            return None;
        }
        match bundle.judge(leaf, above, self.at) {
            Err(Refusal::Unjudged(key)) => {
                let mend = "try it against a server of Go's, or replace the CA by one with RSA 2048 or ECDSA P-256";
                self.report_of(R::TlsJudged, leaf, unjudged(leaf, &key), mend);
                self.unasked.extend([R::TlsAccepts, R::LeafWithinCa]);
                None
            }
            Err(Refusal::Refused(error)) => {
                self.report_of(R::TlsAccepts, leaf, error.to_string(), mend(&error, above));
                self.unasked.push(R::LeafWithinCa);
                Some((Err(error), None))
            }
            Ok(chain) => {
                self.within_ca(leaf, &chain);
                let mut until = chain.window().not_after;
                // Where one path ends another may go on; each of them ends with a certificate.
                let ends = above.len() + bundle.certificates().len();
                for _ in 0..ends.min(MOST_PATHS) {
                    let next = until.plus(std::time::Duration::from_secs(1));
                    match bundle.judge(leaf, above, next) {
                        Ok(chain) if chain.window().not_after > until => {
                            until = chain.window().not_after;
                        }
                        _ => break,
                    }
                }
                Some((Ok(chain), Some(until)))
            }
        }
    }

    fn within_ca(&mut self, leaf: &Certificate, chain: &VerifiedChain) {
        let end = leaf.validity().not_after;
        let earlier = chain.path().iter().find(|ca| ca.validity().not_after < end);
        if let Some(ca) = earlier {
            let found = format!(
                "the client's certificate {} ends at {end}, after its CA {} at {}",
                leaf.subject(),
                ca.subject(),
                ca.validity().not_after
            );
            let mend = "renew the CA before that, or the client is locked out early";
            self.report_of(R::LeafWithinCa, leaf, found, mend);
        }
    }
}

/// The certificates that are presented, as they are called.
fn named<'a>(
    leaf: &'a Certificate,
    above: &'a [Certificate],
) -> impl Iterator<Item = (String, &'a Certificate)> {
    let leaf = (format!("the client's certificate {}", leaf.subject()), leaf);
    let above =
        above.iter().map(|one| (format!("the intermediate certificate {}", one.subject()), one));
    std::iter::once(leaf).chain(above)
}

/// What to do about a chain that is refused.
fn mend(error: &VerifyError, above: &[Certificate]) -> String {
    match error.cause() {
        VerifyError::Expired { .. } => "issue a new certificate".to_owned(),
        VerifyError::NotYetValid { .. } => {
            "wait, or issue one that is valid already; is the clock right?".to_owned()
        }
        VerifyError::UnknownIssuer { issuer, .. } if above.is_empty() => format!(
            "put the CA {issuer} into the bundle; or, if it is an intermediate, its certificate after the client's in the file that the client presents"
        ),
        VerifyError::UnknownIssuer { issuer, .. } => {
            format!("put the CA {issuer} into the bundle")
        }
        VerifyError::SelfSigned { subject } => format!("put {subject} into the bundle"),
        _ => "issue the client's certificate anew, from a CA of the bundle and for TLS clients"
            .to_owned(),
    }
}

/// On which key it depends whether a client is let in.
fn unjudged(leaf: &Certificate, key: &UnjudgedKey) -> String {
    format!("whether {} is let in depends on this: {key}", leaf.subject())
}
