//! The search for a path from a certificate to a trust anchor (RFC 5280 section 6.1, RFC 4158).
//!
//! The pool of intermediate certificates comes from a stranger: in any order, with certificates
//! that belong to no path, several of one name, and loops. The search goes from the leaf upwards
//! and turns back at dead ends. It takes certificates in an order of their own, not in the order
//! they came in, so that the same pool always gives the same answer.

use std::cell::OnceCell;
use std::cmp::Reverse;

use super::checks::{self, Role};
use super::error::{RejectedIssuer, VerifyError};
use super::signature::{PublicKey, SignatureError};
use super::{Anchor, Terms, VerifiedChain};
use crate::certificate::Certificate;

/// What one verification may cost at most.
///
/// A chain of n certificates takes n - 1 signatures and as many steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    /// Go's `maxChainSignatureChecks`, its remedy for CVE-2018-16875. It bounds the length of
    /// a path, too.
    signatures: u32,
    /// mozilla::pkix's `DEFAULT_PATH_BUILDING_BUDGET` (pkixbuild.cpp), which rustls-webpki took over.
    steps: u32,
}

impl Budget {
    pub(super) const DEFAULT: Self = Self { signatures: 100, steps: 200_000 };

    fn spend_signature(&mut self) -> Result<(), Stop> {
        spend(&mut self.signatures, "signature checks", Self::DEFAULT.signatures)
    }

    fn spend_step(&mut self) -> Result<(), Stop> {
        spend(&mut self.steps, "attempts to extend a path", Self::DEFAULT.steps)
    }
}

fn spend(left: &mut u32, work: &'static str, limit: u32) -> Result<(), Stop> {
    match left.checked_sub(1) {
        Some(less) => {
            *left = less;
            Ok(())
        }
        None => Err(Stop::Fatal(VerifyError::Budget { work, limit })),
    }
}

/// How many rejected issuers an error remembers besides the best of each certificate: a hostile
/// pool has far more of them than anybody reads.
const REMEMBERED: usize = 64;

/// Why the search does not go on.
enum Stop {
    /// Not along this path.
    Here(VerifyError),
    /// Not at all.
    Fatal(VerifyError),
}

/// An intermediate certificate; its key is decoded when it is needed.
struct Intermediate<'a> {
    certificate: &'a Certificate,
    key: OnceCell<Result<PublicKey, SignatureError>>,
}

/// A certificate in the search, by its place in its list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Node {
    Leaf,
    Intermediate(usize),
    Anchor(usize),
}

struct Search<'a> {
    leaf: &'a Certificate,
    anchors: &'a [Anchor],
    /// Ordered by subject.
    pool: Vec<Intermediate<'a>>,
    terms: &'a Terms<'a>,
    budget: Budget,
    /// From the leaf to the certificate whose issuer is looked for.
    path: Vec<Node>,
    /// Signatures that were checked: certificate, issuer, result. Never more than the budget.
    checked: Vec<(Node, Node, Result<(), SignatureError>)>,
    remembered: usize,
}

/// Finds a valid path.
pub(super) fn find(
    leaf: &Certificate,
    intermediates: &[Certificate],
    anchors: &[Anchor],
    terms: &Terms<'_>,
) -> Result<VerifiedChain, VerifyError> {
    checks::check(leaf, Role::Leaf, terms)?;
    let signed_by_itself = |anchor: &&Anchor| {
        let (algorithm, _) = leaf.signature_algorithms();
        anchor.certificate == *leaf
            && leaf.is_self_issued()
            && anchor.key.verify(algorithm, leaf.tbs_der(), leaf.signature()).is_ok()
    };
    if anchors.iter().any(|anchor| signed_by_itself(&anchor)) {
        return Ok(VerifiedChain::new(leaf, std::iter::empty()));
    }
    let mut certificates: Vec<_> = intermediates.iter().collect();
    certificates.sort_by(|a, b| order(a).cmp(&order(b)));
    certificates.dedup();
    let pool = certificates
        .into_iter()
        .map(|certificate| Intermediate { certificate, key: OnceCell::new() })
        .collect();
    let mut search = Search {
        leaf,
        anchors,
        pool,
        terms,
        budget: Budget::DEFAULT,
        path: vec![Node::Leaf],
        checked: Vec::new(),
        remembered: 0,
    };
    match search.extend(leaf) {
        Ok(()) => {
            let issuers = search.path.iter().skip(1);
            Ok(VerifiedChain::new(leaf, issuers.map(|&node| search.certificate(node))))
        }
        Err(Stop::Here(error) | Stop::Fatal(error)) => Err(error),
    }
}

/// Certificates of one subject lie together, those that last longest first.
pub(super) fn order(certificate: &Certificate) -> impl Ord + use<'_> {
    (certificate.subject_der(), Reverse(certificate.validity().not_after), certificate.as_der())
}

/// Which items of an ordered list have the given subject.
fn of_subject<T>(
    ordered: &[T],
    subject: &[u8],
    certificate: impl Fn(&T) -> &Certificate,
) -> std::ops::Range<usize> {
    let start = ordered.partition_point(|item| certificate(item).subject_der() < subject);
    let end = ordered.partition_point(|item| certificate(item).subject_der() <= subject);
    start..end
}

impl<'a> Search<'a> {
    fn certificate(&self, node: Node) -> &'a Certificate {
        match node {
            Node::Leaf => self.leaf,
            Node::Intermediate(place) => {
                self.pool.get(place).map_or(self.leaf, |intermediate| intermediate.certificate)
            }
            Node::Anchor(place) => {
                self.anchors.get(place).map_or(self.leaf, |anchor| &anchor.certificate)
            }
        }
    }

    /// Extends the path to an anchor. When it fails, the path is as it was.
    fn extend(&mut self, head: &'a Certificate) -> Result<(), Stop> {
        let mut rejected = Vec::new();
        for node in self.possible_issuers(head) {
            let certificate = self.certificate(node);
            let is_anchor = matches!(node, Node::Anchor(_));
            self.budget.spend_step()?;
            if !is_anchor && self.is_loop(certificate) {
                continue;
            }
            match self.try_issuer(head, node, certificate, is_anchor) {
                Ok(()) => return Ok(()),
                Err(Stop::Here(error)) => {
                    self.remember(&mut rejected, certificate, is_anchor, error)
                }
                Err(fatal) => return Err(fatal),
            }
        }
        Err(Stop::Here(VerifyError::no_path(head, rejected)))
    }

    /// Those with the issuer's name: anchors first, and certificates before others whose key
    /// identifier is the one that `head` names. Identifiers only order the attempts
    /// (RFC 5280 section 4.2.1.1: they help to find a path).
    fn possible_issuers(&self, head: &Certificate) -> Vec<Node> {
        let issuer = head.issuer_der();
        let anchors = of_subject(self.anchors, issuer, |anchor| &anchor.certificate);
        let intermediates = of_subject(&self.pool, issuer, |intermediate| intermediate.certificate);
        let mut nodes: Vec<_> =
            anchors.map(Node::Anchor).chain(intermediates.map(Node::Intermediate)).collect();
        if let Some(wanted) = head.authority_key_identifier() {
            nodes.sort_by_key(|&node| {
                let has_it = self.certificate(node).subject_key_identifier() == Some(wanted);
                (!matches!(node, Node::Anchor(_)), !has_it)
            });
        }
        nodes
    }

    /// RFC 4158 section 5.2: the same subject with the same key, although perhaps in another
    /// certificate, leads nowhere new.
    fn is_loop(&self, certificate: &Certificate) -> bool {
        self.path.iter().any(|&node| {
            let above = self.certificate(node);
            above.subject_der() == certificate.subject_der()
                && above.public_key_der() == certificate.public_key_der()
        })
    }

    fn try_issuer(
        &mut self,
        head: &Certificate,
        node: Node,
        certificate: &'a Certificate,
        is_anchor: bool,
    ) -> Result<(), Stop> {
        let intermediates = self.path.iter().skip(1);
        let below = intermediates.filter(|&&node| !self.certificate(node).is_self_issued()).count();
        if let Err(error) =
            checks::check(certificate, Role::Issuer { is_anchor, below }, self.terms)
        {
            return Err(Stop::Here(self.unless_namesake(head, node, error)));
        }
        self.check_signature(head, node)?;
        self.path.push(node);
        if is_anchor {
            return Ok(());
        }
        self.extend(certificate).inspect_err(|_| {
            self.path.pop();
        })
    }

    /// What is wrong with an issuer matters only if it is the issuer: where it is not, and the key
    /// did not make the signature, that is the reason to tell. Half of the signatures are kept for
    /// the search itself.
    fn unless_namesake(
        &mut self,
        head: &Certificate,
        node: Node,
        error: VerifyError,
    ) -> VerifyError {
        if self.budget.signatures < Budget::DEFAULT.signatures / 2 {
            return error;
        }
        match self.check_signature(head, node) {
            Err(Stop::Here(mismatch)) if mismatch.rank() == 0 => mismatch,
            _ => error,
        }
    }

    /// Whether the last certificate of the path is signed by the issuer; each pair is checked once.
    fn check_signature(&mut self, head: &Certificate, issuer: Node) -> Result<(), Stop> {
        let head_node = self.path.last().copied().unwrap_or(Node::Leaf);
        let known = self
            .checked
            .iter()
            .find(|(certificate, by, _)| (*certificate, *by) == (head_node, issuer))
            .map(|(.., result)| result.clone());
        let result = match known {
            Some(result) => result,
            None => {
                let key = match issuer {
                    Node::Anchor(place) => self.anchors.get(place).map(|anchor| Ok(&anchor.key)),
                    Node::Intermediate(place) => self.pool.get(place).map(|issuer| {
                        let decode =
                            || PublicKey::from_spki_der(issuer.certificate.public_key_der());
                        issuer.key.get_or_init(decode).as_ref().map_err(Clone::clone)
                    }),
                    Node::Leaf => None,
                };
                let key = key.unwrap_or(Err(SignatureError::Invalid)).map_err(|source| {
                    let subject = self.certificate(issuer).subject();
                    Stop::Here(VerifyError::IssuerKey { subject, source })
                })?;
                self.budget.spend_signature()?;
                let (algorithm, _) = head.signature_algorithms();
                let result = key.verify(algorithm, head.tbs_der(), head.signature());
                self.checked.push((head_node, issuer, result.clone()));
                result
            }
        };
        result.map_err(|source| {
            Stop::Here(VerifyError::Signature {
                subject: head.subject(),
                issuer: self.certificate(issuer).subject(),
                source,
            })
        })
    }

    fn remember(
        &mut self,
        rejected: &mut Vec<RejectedIssuer>,
        certificate: &Certificate,
        is_anchor: bool,
        error: VerifyError,
    ) {
        self.remembered += 1;
        let outranks_all = rejected.iter().all(|other| other.error.rank() < error.rank());
        if self.remembered <= REMEMBERED || outranks_all {
            rejected.push(RejectedIssuer { certificate: certificate.clone(), is_anchor, error });
        }
    }
}
