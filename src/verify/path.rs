//! The search for a path from a certificate to a trust anchor (RFC 5280 section 6.1, RFC 4158).
//!
//! The pool of intermediate certificates comes from a stranger: in any order, with certificates
//! that belong to no path, several of one name, and loops. The search goes from the leaf upwards
//! and turns back at dead ends. It takes certificates in an order of their own, not in the order
//! they came in, so that the same pool always gives the same answer.

mod pool;

use super::anchor::Anchor;
use super::budget::Account;
use super::chain::{Path, VerifiedChain, Window};
use super::checks::{self, Authority, Role};
use super::error::{Checked, RejectedIssuer, VerifyError};
use super::policies::{self, ValidPolicies};
use super::policy::PolicyInputs;
use super::revocation::RevocationList;
use super::rule::Rule;
use super::signature::SignatureError;
use super::{Authorities, Terms, known, names, revocation};
use crate::certificate::Certificate;
use crate::certificate::subtrees::NameConstraints;
use pool::Pool;
pub(super) use pool::{Node, Nodes};
use smallvec::{SmallVec, smallvec};

/// How many rejected issuers an error remembers besides the best of each certificate: a hostile
/// pool has far more of them than anybody reads.
const REMEMBERED: usize = 64;

/// How long a path may be, whatever the budget: the search calls itself for each certificate, and the
/// stack has an end.
const LONGEST: usize = 200;

/// Why the search does not go on.
pub(super) enum Stop {
    /// Not along this path.
    Here(Box<VerifyError>),
    /// Not at all.
    Fatal(Box<VerifyError>),
}

impl Stop {
    pub(super) fn into_error(self) -> Box<VerifyError> {
        match self {
            Self::Here(error) | Self::Fatal(error) => error,
        }
    }
}

/// Certificate, issuer, and whether the issuer signed it.
type CheckedSignature = (Node, Node, Result<(), Box<SignatureError>>);

/// List, signer, and whether the signer signed it.
type CheckedListSignature = (RevocationList, Node, Result<(), SignatureError>);

/// What is kept through all searches of one verification.
pub(super) struct Ledger {
    pub(super) account: Account,
    /// Signatures that were checked: never more than the budget.
    checked: SmallVec<[CheckedSignature; 2]>,
    /// The same of revocation lists.
    pub(super) checked_lists: Vec<CheckedListSignature>,
    remembered: usize,
    /// Certificates that were found revoked.
    pub(super) revoked: Vec<(Node, VerifyError)>,
}

impl Ledger {
    pub(super) fn new(account: Account) -> Self {
        Self {
            account,
            checked: SmallVec::new(),
            checked_lists: Vec::new(),
            remembered: 0,
            revoked: Vec::new(),
        }
    }
}

/// One search, for the leaf or for the signer of a revocation list.
pub(super) struct Search<'s, 'a> {
    pub(super) pool: &'s Pool<'a>,
    pub(super) ledger: &'s mut Ledger,
    pub(super) terms: &'s Terms<'s>,
    /// From the first certificate to the one whose issuer is looked for.
    pub(super) path: Nodes,
    /// The only anchor that may end the path, for a revocation list's signer (RFC 5280 section
    /// 6.3.3 (f)).
    pub(super) only_anchor: Option<usize>,
    /// Signers of revocation lists that outer searches are about.
    pub(super) signers: Vec<Node>,
    /// Of the path, when it is complete and valid.
    pub(super) found: Option<Found>,
}

/// What a successful search found besides the path.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) policies: ValidPolicies,
    pub(super) lists: revocation::Used,
}

/// Finds a valid path.
pub(super) fn find(
    leaf: &Certificate,
    intermediates: &[Certificate],
    authorities: Authorities<'_>,
    terms: &Terms<'_>,
) -> Checked<VerifiedChain> {
    checks::check(leaf, Role::Leaf, terms)?;
    let exact_names = terms.has(Rule::ByteExactNames);
    let Authorities { anchors, .. } = authorities;
    let pool = Pool::new(leaf, intermediates, authorities, exact_names);
    if terms.has(Rule::PresentedAreReadable) {
        let mut presented: Vec<_> = intermediates.iter().collect();
        presented.sort_by(|a, b| known::order(a).cmp(&known::order(b)));
        presented.iter().try_for_each(|presented| checks::presented(presented, terms))?;
    }
    if let Some(anchor) = anchors.iter().find(|anchor| is_trusted_itself(leaf, anchor, terms)) {
        // Go judges no policies where there is nothing but an anchor.
        let policies = match terms.has(Rule::TrustedLeafIsSelfSigned) {
            true => policies::process(&[(leaf, true)], terms.policy.inputs())
                .map_err(|(_, fault)| VerifyError::Policy { subject: leaf.subject(), fault })?,
            false => ValidPolicies::Any,
        };
        return Ok(VerifiedChain::trusted(leaf, &anchor.trusted, policies));
    }
    let mut ledger = Ledger::new(Account::new(terms.budget));
    let mut search = Search {
        pool: &pool,
        ledger: &mut ledger,
        terms,
        path: smallvec![Node::Leaf],
        only_anchor: None,
        signers: Vec::new(),
        found: None,
    };
    search.extend(leaf).map_err(Stop::into_error)?;
    let anchor = match search.path.last() {
        Some(&Node::Anchor(place)) => anchors.get(place),
        _ => None,
    };
    let (Some(anchor), Some(found)) = (anchor, search.found.take()) else {
        let (subject, issuer) = (leaf.subject(), leaf.issuer());
        return Err(VerifyError::UnknownIssuer { subject, issuer }.into());
    };
    pool.remember(&search.path);
    let mut path = Path::with_capacity(search.path.len());
    for &node in &search.path {
        if let Some(certificate) = pool.certificate(node) {
            path.push(certificate.clone());
        }
    }
    Ok(VerifiedChain::new(leaf, path, &anchor.trusted, search.window(), found))
}

/// Whether the leaf is an anchor, and needs no issuer.
fn is_trusted_itself(leaf: &Certificate, anchor: &Anchor, terms: &Terms<'_>) -> bool {
    if anchor.trusted.certificate() != Some(leaf) {
        return false;
    }
    let algorithm = leaf.signature_algorithm();
    !terms.has(Rule::TrustedLeafIsSelfSigned)
        || terms.is_self_issued(leaf)
            && {
                let authority = Authority::of(leaf);
                checks::key_identifiers(leaf, || Some(&authority), leaf, terms).is_ok()
            }
            && anchor.key.verify(algorithm, leaf.tbs_der(), leaf.signature()).is_ok()
}

impl<'a> Search<'_, 'a> {
    /// Extends the path to an anchor. When it fails, the path is as it was.
    pub(super) fn extend(&mut self, head: &'a Certificate) -> Result<(), Stop> {
        let mut rejected = Vec::new();
        if self.path.len() > LONGEST {
            let error =
                VerifyError::Budget { work: "certificates in a path", limit: LONGEST as u32 };
            return Err(Stop::Fatal(error.into()));
        }
        let mut issuers = Nodes::new();
        self.possible_issuers(head, &mut issuers);
        for &node in &issuers {
            self.ledger.account.spend_step().map_err(Stop::Fatal)?;
            if self.is_loop(node) {
                continue;
            }
            match self.try_issuer(head, node) {
                Ok(()) => return Ok(()),
                Err(Stop::Here(error)) => self.remember(&mut rejected, node, *error),
                Err(fatal) => return Err(fatal),
            }
        }
        let is_self_issued = self.pool.is_self_issued(self.head(), self.terms);
        Err(Stop::Here(VerifyError::no_path(head, is_self_issued, rejected).into()))
    }

    /// The node whose issuer is looked for.
    fn head(&self) -> Node {
        self.path.last().copied().unwrap_or(Node::Leaf)
    }

    /// Those with the issuer's name: anchors first, and certificates before others whose key
    /// identifier is the one that `head` names. Identifiers only order the attempts
    /// (RFC 5280 section 4.2.1.1: they help to find a path).
    fn possible_issuers(&self, head: &Certificate, nodes: &mut Nodes) {
        self.pool.issuers(self.head(), nodes);
        if let Some(only) = self.only_anchor {
            nodes.retain(|&mut node| !matches!(node, Node::Anchor(anchor) if anchor != only));
        }
        if nodes.len() > 1
            && let Some(wanted) = head.authority_key_identifier()
        {
            nodes.sort_by_key(|&node| {
                let certificate = self.pool.certificate(node);
                let has_it =
                    certificate.and_then(Certificate::subject_key_identifier) == Some(wanted);
                (!matches!(node, Node::Anchor(_)), !has_it)
            });
        }
    }

    /// RFC 4158 section 5.2: the same subject with the same key, although perhaps in another
    /// certificate, leads nowhere new.
    fn is_loop(&self, node: Node) -> bool {
        if matches!(node, Node::Anchor(_)) {
            return false;
        }
        self.path.iter().any(|&below| self.pool.is_same_authority(below, node))
    }

    fn try_issuer(&mut self, head: &'a Certificate, node: Node) -> Result<(), Stop> {
        // Who is known not to have signed it need not be judged.
        let is_known_to_be_signed = self.is_known_to_be_signed(head, node)?;
        if let Err(stop) = self.check_issuer(head, node) {
            return Err(match stop {
                Stop::Here(error) if !is_known_to_be_signed => {
                    Stop::Here(self.unless_namesake(head, node, error))
                }
                stop => stop,
            });
        }
        if !is_known_to_be_signed {
            self.check_signature(head, node)?;
        }
        self.path.push(node);
        let extended = match (node, self.pool.certificate(node)) {
            (Node::Anchor(_), _) => self.complete(),
            (_, Some(certificate)) => self.extend(certificate),
            (_, None) => {
                let (subject, issuer) = (head.subject(), head.issuer());
                Err(Stop::Here(VerifyError::UnknownIssuer { subject, issuer }.into()))
            }
        };
        if extended.is_err() {
            self.path.pop();
        }
        extended
    }

    /// Everything that can be said of an issuer without its signature.
    fn check_issuer(&mut self, head: &Certificate, node: Node) -> Result<(), Stop> {
        let is_anchor = matches!(node, Node::Anchor(_));
        let counts = |&&above: &&Node| {
            self.terms.has(Rule::SelfIssuedCount) || !self.pool.is_self_issued(above, self.terms)
        };
        let below = self.path.iter().skip(1).filter(counts).count();
        if let Some(certificate) = self.pool.certificate(node)
            && (!is_anchor || self.terms.has(Rule::AnchorCertificate))
        {
            self.pool.check_issuer(node, certificate, below, self.terms).map_err(Stop::Here)?;
            let authority = || self.pool.authority(self.head());
            checks::key_identifiers(head, authority, certificate, self.terms)
                .map_err(Stop::Here)?;
        }
        if let Some(allowed) = self.terms.policy.intermediates_limit()
            && below > allowed
        {
            let subject = self.pool.candidate(node).subject();
            let error = VerifyError::TooManyIntermediates { subject, allowed, below };
            return Err(Stop::Here(error.into()));
        }
        self.check_name_constraints(node)
    }

    fn check_name_constraints(&mut self, node: Node) -> Result<(), Stop> {
        let of_certificate = self.pool.certificate(node).and_then(Certificate::name_constraints);
        let of_anchor = match node {
            Node::Anchor(place) => self
                .pool
                .authorities
                .anchors
                .get(place)
                .and_then(|anchor| anchor.trusted.own_constraints()),
            _ => None,
        };
        for constraints in of_certificate.into_iter().chain(of_anchor) {
            self.put_constraints(node, &constraints)?;
        }
        Ok(())
    }

    #[inline(never)]
    fn put_constraints(
        &mut self,
        node: Node,
        constraints: &NameConstraints<'_>,
    ) -> Result<(), Stop> {
        // Section 6.1.3 (b): self-issued certificates are exempt, unless they are the leaf.
        let below = self.path.iter().enumerate().filter_map(|(depth, &node)| {
            let certificate = self.pool.certificate(node)?;
            let is_exempt = depth > 0
                && !self.terms.has(Rule::SelfIssuedAreConstrained)
                && self.pool.is_self_issued(node, self.terms);
            (!is_exempt).then_some(certificate)
        });
        let account = &mut self.ledger.account;
        names::constraints::check(constraints, below, self.terms, account).map_err(
            |(certificate, failure)| {
                let issuer = self.pool.candidate(node).subject();
                let subject = certificate.map(Certificate::subject);
                match failure {
                    names::constraints::Failure::Breach { name, breach } => {
                        let subject = subject.unwrap_or_else(|| issuer.clone());
                        let error = VerifyError::NameConstraint { subject, issuer, name, breach };
                        Stop::Here(error.into())
                    }
                    names::constraints::Failure::Rule { rule, name } => {
                        let found = format!("it is for {name}, which {issuer} constrains");
                        let subject = subject.unwrap_or(issuer);
                        Stop::Here(VerifyError::Rule { subject, rule, found }.into())
                    }
                    names::constraints::Failure::Malformed { constraint } => {
                        let subject = issuer;
                        let error = VerifyError::MalformedNameConstraint { subject, constraint };
                        Stop::Here(error.into())
                    }
                    names::constraints::Failure::Budget(error) => Stop::Fatal(error),
                }
            },
        )
    }

    /// What is wrong with an issuer matters only if it is the issuer: where it is not, and the key
    /// did not make the signature, that is the reason to tell. Half of the signatures are kept for
    /// the search itself.
    fn unless_namesake(
        &mut self,
        head: &Certificate,
        node: Node,
        error: Box<VerifyError>,
    ) -> Box<VerifyError> {
        if !self.ledger.account.has_signatures_to_spare() {
            return error;
        }
        match self.check_signature(head, node) {
            Err(Stop::Here(mismatch)) if mismatch.rank() == 0 => mismatch,
            _ => error,
        }
    }

    /// Whether it was found before that the issuer signed the last certificate of the path, which is an error if
    /// it was found that it did not.
    #[inline]
    fn is_known_to_be_signed(&self, head: &Certificate, issuer: Node) -> Result<bool, Stop> {
        let pair = (self.head(), issuer);
        let mut checked = self.ledger.checked.iter();
        match checked.find(|(certificate, by, _)| (*certificate, *by) == pair) {
            None => Ok(false),
            Some((.., Ok(()))) => Ok(true),
            Some((.., Err(source))) => Err(self.no_signature(head, issuer, source)),
        }
    }

    /// Whether the last certificate of the path is signed by the issuer; each pair is checked once.
    fn check_signature(&mut self, head: &Certificate, issuer: Node) -> Result<(), Stop> {
        let result = self.find_signature_out(head, issuer)?.map_err(Box::new);
        let outcome = match &result {
            Ok(()) => Ok(()),
            Err(source) => Err(self.no_signature(head, issuer, source)),
        };
        self.ledger.checked.push((self.head(), issuer, result));
        outcome
    }

    #[cold]
    fn no_signature(&self, head: &Certificate, issuer: Node, source: &SignatureError) -> Stop {
        let (subject, issuer) = (head.subject(), self.pool.candidate(issuer).subject());
        let source = source.clone();
        Stop::Here(VerifyError::Signature { subject, issuer, source }.into())
    }

    /// From an earlier time, or by checking it now.
    fn find_signature_out(
        &mut self,
        head: &Certificate,
        issuer: Node,
    ) -> Result<Result<(), SignatureError>, Stop> {
        let earlier = self.pool.earlier_signature(self.head(), issuer);
        let account = &mut self.ledger.account;
        if let Some(result) = earlier {
            account.spend_earlier_signature().map_err(Stop::Fatal)?;
            return Ok(result);
        }
        let algorithm = head.signature_algorithm();
        self.pool.verify(issuer, account, algorithm, head.tbs_der(), head.signature())
    }

    /// What can be said of a whole path alone: certificate policies and revocation.
    fn complete(&mut self) -> Result<(), Stop> {
        self.ledger.account.spend_path().map_err(Stop::Fatal)?;
        let policies = self.check_policies().map_err(Stop::Here)?;
        let lists = match self.terms.revocation {
            Some(revocation) => revocation::check_path(self, revocation)?,
            None => revocation::Used::default(),
        };
        self.found = Some(Found { policies, lists });
        Ok(())
    }

    fn check_policies(&self) -> Checked<ValidPolicies> {
        let of_a_signer = PolicyInputs::default();
        let inputs = match self.signers.is_empty() {
            true => self.terms.policy.inputs(),
            false => &of_a_signer,
        };
        let below_the_anchor = self.path.iter().rev().skip(1).filter_map(|&node| {
            let certificate = self.pool.certificate(node)?;
            Some((certificate, node))
        });
        let certificates = below_the_anchor.clone().map(|(certificate, _)| certificate);
        if policies::are_not_mentioned(certificates, inputs) {
            return Ok(ValidPolicies::These(Vec::new()));
        }
        let path: Vec<_> = below_the_anchor
            .map(|(certificate, node)| (certificate, self.pool.is_self_issued(node, self.terms)))
            .collect();
        policies::process(&path, inputs).map_err(|(certificate, fault)| {
            VerifyError::Policy { subject: certificate.subject(), fault }.into()
        })
    }

    fn remember(&mut self, rejected: &mut Vec<RejectedIssuer>, node: Node, error: VerifyError) {
        let certificate = self.pool.certificate(node);
        // An anchor that lies among the intermediates too was rejected before, for the same reason.
        let is_told = |other: &RejectedIssuer| {
            other.issuer.is_anchor()
                && other.issuer.certificate() == certificate
                && other.error.rank() >= error.rank()
        };
        if certificate.is_some() && rejected.iter().any(is_told) {
            return;
        }
        self.ledger.remembered += 1;
        let outranks_all = rejected.iter().all(|other| other.error.rank() < error.rank());
        if self.ledger.remembered <= REMEMBERED || outranks_all {
            rejected.push(RejectedIssuer { issuer: self.pool.candidate(node), error });
        }
    }

    /// The time in which every certificate of the path is within its validity.
    pub(super) fn window(&self) -> Window {
        let anchor_counts = self.terms.has(Rule::AnchorCertificate);
        let counts = |node: &&Node| anchor_counts || !matches!(node, Node::Anchor(_));
        let certificates =
            self.path.iter().filter(counts).filter_map(|&node| self.pool.certificate(node));
        Window::of(certificates.map(Certificate::validity))
    }
}
