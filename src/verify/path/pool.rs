//! The certificates at hand, and what is found out of each once.

use std::cell::{Cell, OnceCell, RefCell};
use std::sync::Arc;

use smallvec::SmallVec;

use super::Stop;
use crate::certificate::{CanonicalName, Certificate};
use crate::verify::budget::Account;
use crate::verify::by_name;
use crate::verify::checks::{self, Authority, Role};
use crate::verify::error::{Checked, IssuerCandidate, VerifyError};
use crate::verify::known::{self, Prepared};
use crate::verify::policy::Purpose;
use crate::verify::signature::{PublicKey, SignatureError, VerifyingKey};
use crate::verify::{Authorities, Preparation, Terms};

/// A certificate in the search, by its place in its list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::verify) enum Node {
    Leaf,
    /// One that came with the leaf.
    Intermediate(usize),
    /// One that the verifier knows beforehand.
    Known(usize),
    Anchor(usize),
}

/// A few nodes: as many as nearly all paths have, and nearly all names have issuers, lie on the stack.
pub(in crate::verify) type Nodes = SmallVec<[Node; 4]>;

/// An intermediate certificate; its key is decoded when it is needed.
struct Intermediate<'a> {
    certificate: &'a Certificate,
    /// What an earlier verification found out of it; looked for when it is needed.
    remembered: OnceCell<Option<Arc<Prepared>>>,
    /// Only where names are not compared octet by octet.
    name: CanonicalName,
    key: OnceCell<Result<Box<VerifyingKey>, SignatureError>>,
    facts: Facts,
}

/// What is found out of a certificate once, however many paths it is tried in.
#[derive(Default)]
struct Facts {
    is_self_issued: OnceCell<bool>,
    issuer_name: OnceCell<CanonicalName>,
    authority: OnceCell<Authority>,
    checked: Results,
}

/// What checks found, by purpose and by the number of intermediates below.
#[derive(Default)]
struct Results {
    /// One that passed: most certificates are checked once, and pass.
    passed: Cell<Option<Circumstances>>,
    others: RefCell<Vec<(Circumstances, Checked)>>,
}

type Circumstances = (Purpose, usize);

impl Results {
    fn get_or(&self, circumstances: Circumstances, check: impl FnOnce() -> Checked) -> Checked {
        if self.passed.get() == Some(circumstances) {
            return Ok(());
        }
        let known =
            |(other, result): &(_, Checked)| (*other == circumstances).then(|| result.clone());
        let found = self.others.borrow().iter().find_map(known);
        if let Some(result) = found {
            return result;
        }
        let result = check();
        match result {
            Ok(()) if self.passed.get().is_none() => self.passed.set(Some(circumstances)),
            _ => self.others.borrow_mut().push((circumstances, result.clone())),
        }
        result
    }
}

/// All certificates at hand.
pub(in crate::verify) struct Pool<'a> {
    leaf: &'a Certificate,
    leaf_facts: Facts,
    /// By subject.
    intermediates: SmallVec<[Intermediate<'a>; 1]>,
    pub(super) authorities: Authorities<'a>,
    /// Whether names are compared octet by octet.
    exact_names: bool,
}

/// Certificates of one subject lie together, those that last longest first.
fn order<'a>(intermediate: &'a Intermediate<'_>) -> impl Ord + use<'a> {
    let certificate = intermediate.certificate;
    (&intermediate.name, known::order(certificate))
}

impl<'a> Pool<'a> {
    #[inline(always)]
    pub(super) fn new(
        leaf: &'a Certificate,
        intermediates: &'a [Certificate],
        authorities: Authorities<'a>,
        exact_names: bool,
    ) -> Self {
        let name = |certificate: &Certificate| match exact_names {
            true => CanonicalName::default(),
            false => CanonicalName::of(certificate.subject_der()),
        };
        let mut presented = SmallVec::<[Intermediate<'_>; 1]>::with_capacity(intermediates.len());
        for certificate in intermediates {
            if !authorities.knows(certificate) {
                presented.push(Intermediate {
                    certificate,
                    remembered: OnceCell::new(),
                    name: name(certificate),
                    key: OnceCell::new(),
                    facts: Facts::default(),
                });
            }
        }
        if presented.len() > 1 {
            presented.sort_by(|a, b| order(a).cmp(&order(b)));
            presented.dedup_by(|a, b| a.certificate == b.certificate);
        }
        Self {
            leaf,
            leaf_facts: Facts::default(),
            intermediates: presented,
            authorities,
            exact_names,
        }
    }

    /// The certificate at a node; an anchor may have none.
    pub(in crate::verify) fn certificate(&self, node: Node) -> Option<&'a Certificate> {
        match node {
            Node::Leaf => Some(self.leaf),
            Node::Intermediate(place) => Some(self.intermediates.get(place)?.certificate),
            Node::Known(place) => Some(&self.authorities.known.get(place)?.certificate),
            Node::Anchor(place) => self.authorities.anchors.get(place)?.trusted.certificate(),
        }
    }

    fn facts(&self, node: Node) -> Option<&Facts> {
        match node {
            Node::Leaf => Some(&self.leaf_facts),
            Node::Intermediate(place) => Some(&self.intermediates.get(place)?.facts),
            Node::Known(_) | Node::Anchor(_) => None,
        }
    }

    fn known(&self, node: Node) -> Option<&'a Prepared> {
        match node {
            Node::Known(place) => self.authorities.known.get(place),
            _ => None,
        }
    }

    pub(super) fn is_self_issued(&self, node: Node, terms: &Terms<'_>) -> bool {
        let Some(certificate) = self.certificate(node) else {
            return false;
        };
        match (self.facts(node), self.known(node)) {
            (Some(facts), _) => {
                *facts.is_self_issued.get_or_init(|| terms.is_self_issued(certificate))
            }
            (None, Some(known)) => {
                certificate.is_self_issued() || !self.exact_names && known.is_self_issued()
            }
            (None, None) => terms.is_self_issued(certificate),
        }
    }

    /// The certificates that could have issued the one at a node: those of its issuer's name.
    pub(super) fn issuers(&self, head: Node, found: &mut Nodes) {
        let Some(certificate) = self.certificate(head) else {
            return;
        };
        match (self.facts(head), self.known(head)) {
            (Some(facts), _) if !self.exact_names => {
                let name =
                    facts.issuer_name.get_or_init(|| CanonicalName::of(certificate.issuer_der()));
                self.of_canonical_name(name, found);
            }
            (_, Some(known)) if !self.exact_names => {
                self.of_canonical_name(&known.issuer_name, found);
            }
            _ => self.of_name(certificate.issuer_der(), found),
        }
    }

    /// What the certificate at a node says of its issuer's certificate.
    pub(super) fn authority(&self, node: Node) -> Option<&Authority> {
        if let Some(known) = self.known(node) {
            return Some(&known.authority);
        }
        let certificate = self.certificate(node)?;
        let facts = self.facts(node)?;
        Some(facts.authority.get_or_init(|| Authority::of(certificate)))
    }

    /// What can be said of an issuer by itself, found out once.
    pub(super) fn check_issuer(
        &self,
        node: Node,
        certificate: &Certificate,
        below: usize,
        terms: &Terms<'_>,
    ) -> Checked {
        let role = Role::Issuer { is_anchor: matches!(node, Node::Anchor(_)), below };
        let check = || checks::check(certificate, role, terms);
        match self.facts(node) {
            Some(facts) => facts.checked.get_or((terms.purpose, below), check),
            None => check(),
        }
    }

    fn subject_der(&self, node: Node) -> &'a [u8] {
        match node {
            Node::Anchor(place) => self
                .authorities
                .anchors
                .get(place)
                .map_or(&[], |anchor| anchor.trusted.subject_der()),
            node => self.certificate(node).map_or(&[], Certificate::subject_der),
        }
    }

    fn public_key_der(&self, node: Node) -> &'a [u8] {
        match node {
            Node::Anchor(place) => self
                .authorities
                .anchors
                .get(place)
                .map_or(&[], |anchor| anchor.trusted.public_key_der()),
            node => self.certificate(node).map_or(&[], Certificate::public_key_der),
        }
    }

    /// Whether two nodes are of one name and key.
    pub(in crate::verify) fn is_same_authority(&self, a: Node, b: Node) -> bool {
        self.subject_der(a) == self.subject_der(b)
            && self.public_key_der(a) == self.public_key_der(b)
    }

    pub(super) fn candidate(&self, node: Node) -> IssuerCandidate {
        match node {
            Node::Anchor(place) => match self.authorities.anchors.get(place) {
                Some(anchor) => IssuerCandidate::Anchor(anchor.trusted.clone()),
                None => IssuerCandidate::Intermediate(self.leaf.clone()),
            },
            node => {
                IssuerCandidate::Intermediate(self.certificate(node).unwrap_or(self.leaf).clone())
            }
        }
    }

    /// The anchors and intermediates of a name.
    pub(in crate::verify) fn of_name(&self, name_der: &[u8], found: &mut Nodes) {
        if !self.exact_names {
            return self.of_canonical_name(&CanonicalName::of(name_der), found);
        }
        let presented =
            by_name::of_name(&self.intermediates, name_der, |one| one.certificate.subject_der());
        let anchors = self.authorities.anchors.of_name(name_der).map(Node::Anchor);
        let known = self.authorities.known.of_name(name_der);
        self.in_order(anchors, presented.map(Node::Intermediate), known, found);
    }

    fn of_canonical_name(&self, name: &CanonicalName, found: &mut Nodes) {
        let start = self.intermediates.partition_point(|other| other.name < *name);
        let end = self.intermediates.partition_point(|other| other.name <= *name);
        let anchors = self.authorities.anchors.of_canonical_name(name).map(Node::Anchor);
        let known = self.authorities.known.of_canonical_name(name);
        self.in_order(anchors, (start..end).map(Node::Intermediate), known, found);
    }

    /// Anchors first, then known intermediates that lead to one, and known ones that do not last.
    fn in_order(
        &self,
        anchors: impl Iterator<Item = Node>,
        presented: impl Iterator<Item = Node>,
        known: impl Iterator<Item = usize> + Clone,
        found: &mut Nodes,
    ) {
        let leads =
            |place: &usize| self.authorities.known.get(*place).is_some_and(|known| known.leads);
        anchors.for_each(|node| found.push(node));
        known.clone().filter(leads).for_each(|place| found.push(Node::Known(place)));
        presented.for_each(|node| found.push(node));
        known.filter(|place| !leads(place)).for_each(|place| found.push(Node::Known(place)));
    }

    fn key(&self, node: Node) -> Result<&VerifyingKey, SignatureError> {
        match node {
            Node::Anchor(place) => self.authorities.anchors.get(place).map(|anchor| &anchor.key),
            Node::Intermediate(place) => match self.intermediates.get(place) {
                Some(issuer) => {
                    if let Some(known) = self.remembered(node) {
                        return known.key.as_ref().map_err(Clone::clone);
                    }
                    let decode = || {
                        PublicKey::from_spki_der(issuer.certificate.public_key_der())
                            .map(|key| Box::new(VerifyingKey::new(&key)))
                    };
                    Some(&**issuer.key.get_or_init(decode).as_ref().map_err(Clone::clone)?)
                }
                None => None,
            },
            Node::Known(place) => match self.authorities.known.get(place) {
                Some(known) => Some(known.key.as_ref().map_err(Clone::clone)?),
                None => None,
            },
            Node::Leaf => None,
        }
        .ok_or(SignatureError::Invalid)
    }

    fn remembered(&self, node: Node) -> Option<&Prepared> {
        let earlier = self.authorities.remembered?;
        let Node::Intermediate(place) = node else {
            return None;
        };
        let intermediate = self.intermediates.get(place)?;
        intermediate.remembered.get_or_init(|| earlier.get(intermediate.certificate)).as_deref()
    }

    /// What was found before of a signature: an issuer's on an intermediate that is known or remembered.
    pub(super) fn earlier_signature(
        &self,
        node: Node,
        issuer: Node,
    ) -> Option<Result<(), SignatureError>> {
        let known = self.known(node).or_else(|| self.remembered(node))?;
        known.signature_of(self.public_key_der(issuer)).cloned()
    }

    /// Remembers the intermediates of a path that was found valid.
    pub(super) fn remember(&self, path: &[Node]) {
        let Some(remembered) = self.authorities.remembered else {
            return;
        };
        for (&node, &issuer) in path.iter().zip(path.iter().skip(1)) {
            if let Node::Intermediate(place) = node
                && let Some(intermediate) = self.intermediates.get(place)
                && self.earlier_signature(node, issuer).is_none()
            {
                remembered.put(intermediate.certificate, self.public_key_der(issuer));
            }
        }
    }

    /// Checks a signature that a node's key should have made.
    pub(in crate::verify) fn verify(
        &self,
        issuer: Node,
        account: &mut Account,
        algorithm: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<Result<(), SignatureError>, Stop> {
        // `benches/verify.rs` measures what is left of a verification without its signatures.
        if cfg!(bench_stub_signatures) {
            account.spend_signature().map_err(Stop::Fatal)?;
            return Ok(Ok(()));
        }
        let key = self.key(issuer).map_err(|source| {
            let subject = self.candidate(issuer).subject();
            Stop::Here(VerifyError::IssuerKey { subject, source }.into())
        })?;
        account.spend_signature().map_err(Stop::Fatal)?;
        let verified = key.verify(algorithm, message, signature);
        let outlives_this =
            !matches!(issuer, Node::Intermediate(_)) || self.remembered(issuer).is_some();
        // Who sends forgeries should not make this process work for them: only what verified counts.
        if verified.is_ok() && outlives_this && self.authorities.preparation != Preparation::Never {
            key.count_use();
        }
        Ok(verified)
    }
}
