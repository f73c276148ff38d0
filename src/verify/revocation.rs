//! Revocation by CRL (RFC 5280 section 6.3), offline: with the lists at hand, nothing is fetched.

mod list;
mod scope;
mod signer;

use std::cmp::Reverse;
use std::sync::Arc;

pub use list::{CrlReason, RevocationList};

use super::Terms;
use super::chain::Window;
use super::error::{ListError, RejectedList, VerifyError};
use super::path::{Node, Search, Stop};
use super::rule::Rule;
use crate::certificate::distribution_points::{DistributionPoint, Reasons};
use crate::certificate::{CanonicalName, Certificate};
use crate::oid::NamedOid;
use list::Listed;
use signer::authenticate;

/// How many lists that do not count an error remembers.
const REMEMBERED: usize = 64;

/// Which certificates must not be revoked, according to which lists.
///
/// Unless it is changed, every certificate below the trust anchor has to be covered by a current
/// list for every reason, and a certificate whose status is unknown is refused.
///
/// ```no_run
/// use private_ca::verify::{Purpose, Revocation, RevocationList, Verification};
///
/// let lists = RevocationList::all_from_pem_or_der(&std::fs::read("ca.crl")?)?;
/// let client = Verification::new(Purpose::Client).revocation(Revocation::new(lists));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Revocation {
    /// Those made last come first.
    lists: Arc<[RevocationList]>,
    leaf_alone: bool,
    accepts_unknown: bool,
    accepts_expired: bool,
}

impl Revocation {
    /// With complete lists, and delta lists to go with them, in any order.
    #[must_use]
    pub fn new(lists: impl IntoIterator<Item = RevocationList>) -> Self {
        let mut lists: Vec<_> = lists.into_iter().collect();
        lists.sort_by(|a, b| {
            let key = |list: &RevocationList| Reverse(list.this_update());
            key(a).cmp(&key(b)).then_with(|| a.as_der().cmp(b.as_der()))
        });
        lists.dedup();
        Self {
            lists: lists.into(),
            leaf_alone: false,
            accepts_unknown: false,
            accepts_expired: false,
        }
    }

    /// Only of the leaf, not of the intermediate certificates: an issuer that was revoked, its key
    /// stolen perhaps, stays in power.
    #[must_use]
    pub fn of_leaf_alone(self) -> Self {
        Self { leaf_alone: true, ..self }
    }

    /// A certificate that no list covers counts as not revoked. Whoever can keep a list away can
    /// then use a revoked certificate.
    #[must_use]
    pub fn accept_unknown(self) -> Self {
        Self { accepts_unknown: true, ..self }
    }

    /// A list that is past its nextUpdate counts. What was revoked since is not noticed.
    #[must_use]
    pub fn accept_expired_lists(self) -> Self {
        Self { accepts_expired: true, ..self }
    }
}

/// The lists that a path's validity rests on.
#[derive(Debug, Clone, Default)]
pub(super) struct Used {
    pub(super) lists: Vec<RevocationList>,
    /// Certificates of those who signed lists and have no part in the path themselves.
    pub(super) signers: Vec<Certificate>,
    pub(super) window: Window,
}

impl Used {
    fn add(&mut self, other: Self) {
        self.window = self.window.and(other.window);
        for list in other.lists {
            if !self.lists.contains(&list) {
                self.lists.push(list);
            }
        }
        for signer in other.signers {
            if !self.signers.contains(&signer) {
                self.signers.push(signer);
            }
        }
    }
}

/// A certificate whose status is asked for, and the node that its issuer is in the path.
struct Question<'a> {
    certificate: &'a Certificate,
    node: Node,
    /// Whether the signer of a list may be asked about himself: only where nobody else answers.
    may_vouch_for_itself: bool,
    issuer: Node,
    issuer_name: CanonicalName,
}

/// Checks every certificate of a complete path that has to be checked.
pub(super) fn check_path(
    search: &mut Search<'_, '_>,
    revocation: &Revocation,
) -> Result<Used, Stop> {
    let mut used = Used::default();
    let count = if revocation.leaf_alone { 1 } else { search.path.len() };
    let pairs: Vec<_> =
        search.path.iter().copied().zip(search.path.iter().copied().skip(1)).collect();
    for (node, issuer) in pairs.into_iter().take(count) {
        let Some(certificate) = search.pool.certificate(node) else {
            continue;
        };
        let issuer_name = CanonicalName::of(certificate.issuer_der());
        let mut question =
            Question { certificate, node, may_vouch_for_itself: false, issuer, issuer_name };
        used.add(status(search, revocation, &mut question)?);
    }
    Ok(used)
}

/// What was found out about one certificate.
#[derive(Default)]
struct Findings {
    used: Used,
    covered: Reasons,
    /// The time outside which a list would say that the certificate is revoked.
    reprieve: Window,
    rejected: Vec<RejectedList>,
}

/// Section 6.3.3: whether a certificate is revoked, is not, or cannot be told.
fn status(
    search: &mut Search<'_, '_>,
    revocation: &Revocation,
    question: &mut Question<'_>,
) -> Result<Used, Stop> {
    // Who was found revoked stays so: on another path the list may have no signer, and is still true.
    let known = search.ledger.revoked.iter().find(|(node, _)| *node == question.node);
    if let Some((_, revoked)) = known {
        return Err(Stop::Here(revoked.clone().into()));
    }
    let mut findings = Findings::default();
    consult_all(search, revocation, question, &mut findings)?;
    if !findings.covered.contains(Reasons::ALL) && search.signers.contains(&question.node) {
        question.may_vouch_for_itself = true;
        consult_all(search, revocation, question, &mut findings)?;
    }
    let Findings { used, covered, reprieve, rejected } = findings;
    if revocation.accepts_unknown {
        // Without these lists the status would be unknown, and accepted: they limit no window, but
        // where one list takes back what another says.
        return Ok(Used { window: reprieve, ..used });
    }
    if covered.contains(Reasons::ALL) {
        return Ok(used);
    }
    let subject = question.certificate.subject();
    Err(Stop::Here(VerifyError::RevocationUnknown { subject, lists: rejected }.into()))
}

/// Asks the lists, by way of each distribution point, until every reason is covered.
fn consult_all(
    search: &mut Search<'_, '_>,
    revocation: &Revocation,
    question: &Question<'_>,
    findings: &mut Findings,
) -> Result<(), Stop> {
    let points = question.certificate.crl_distribution_points();
    // The last step of section 6.3.3: lists that no distribution point names.
    let points = points.into_iter().map(Some).chain(std::iter::once(None));
    for point in points {
        for list in revocation.lists.iter().filter(|list| !list.is_delta()) {
            if findings.covered.contains(Reasons::ALL) {
                return Ok(());
            }
            search.ledger.account.spend_step().map_err(Stop::Fatal)?;
            match consult(search, revocation, question, point.as_ref(), list, findings.covered) {
                Ok(Some(Answer { listed: Some(listed), .. })) => {
                    let revoked = VerifyError::Revoked {
                        subject: question.certificate.subject(),
                        serial_number: question.certificate.serial_number(),
                        since: listed.since,
                        reason: listed.reason,
                        issuer: list.issuer(),
                    };
                    search.ledger.revoked.push((question.node, revoked.clone()));
                    return Err(Stop::Here(revoked.into()));
                }
                Ok(Some(answer)) => {
                    findings.covered = findings.covered.or(answer.reasons);
                    if answer.is_reprieve {
                        findings.reprieve = findings.reprieve.and(answer.used.window);
                    }
                    findings.used.add(answer.used);
                }
                Ok(None) => {}
                Err(NotConsulted::Rejected(error)) => {
                    let is_told = findings.rejected.iter().any(|other| other.list == *list);
                    if !is_told && findings.rejected.len() < REMEMBERED {
                        findings.rejected.push(RejectedList { list: list.clone(), error });
                    }
                }
                Err(NotConsulted::Fatal(error)) => return Err(Stop::Fatal(error)),
            }
        }
    }
    Ok(())
}

/// What a list says.
struct Answer {
    listed: Option<Listed>,
    /// Whether a delta list takes back what the complete list says.
    is_reprieve: bool,
    reasons: Reasons,
    used: Used,
}

/// Why a list says nothing.
enum NotConsulted {
    Rejected(ListError),
    Fatal(Box<VerifyError>),
}

impl From<ListError> for NotConsulted {
    fn from(error: ListError) -> Self {
        Self::Rejected(error)
    }
}

/// Asks one list about a certificate, by way of one of its distribution points. `None` if the list
/// is another issuer's, or about nothing that is not covered yet.
fn consult(
    search: &mut Search<'_, '_>,
    revocation: &Revocation,
    question: &Question<'_>,
    point: Option<&DistributionPoint<'_>>,
    list: &RevocationList,
    covered: Reasons,
) -> Result<Option<Answer>, NotConsulted> {
    if !scope::is_of_issuer(list, point, &question.issuer_name) {
        return Ok(None);
    }
    let reasons = scope::reasons(list, point);
    if covered.contains(reasons) {
        return Ok(None);
    }
    let account = &mut search.ledger.account;
    scope::check(list, point, question.certificate, &question.issuer_name, account)?;
    check_list(search, list)?;
    // A complete list that is past its nextUpdate counts with a delta that is not.
    if !revocation.lists.iter().any(|delta| scope::updates(delta, list)) {
        check_current(search, revocation, list)?;
    }
    let is_direct = point.is_none_or(|point| point.crl_issuer.is_none());
    let mut used = authenticate(search, revocation, question, list, is_direct)?;
    let find = |list: &RevocationList| list.find(&question.issuer_name, question.certificate);
    let of_complete = find(list);
    let mut listed = of_complete;
    let delta = find_delta(search, revocation, question, list, is_direct)?;
    let delta = delta.map(|(delta, of_delta)| {
        used.add(of_delta);
        used.lists.push(delta.clone());
        if let Some(change) = find(delta) {
            listed =
                Some(change).filter(|change| change.reason != Some(CrlReason::REMOVE_FROM_CRL));
        }
        delta
    });
    if delta.is_none() {
        check_current(search, revocation, list)?;
    }
    let mut window = window(list, delta, of_complete.is_some());
    if revocation.accepts_expired {
        window.last = None;
    }
    used.add(Used { lists: vec![list.clone()], window, ..Used::default() });
    Ok(Some(Answer { listed, is_reprieve: of_complete.is_some(), reasons, used }))
}

/// What is asked of every list, complete or delta, but to be current.
fn check_list(search: &Search<'_, '_>, list: &RevocationList) -> Result<(), ListError> {
    if let Some(extension) = list.unknown_critical() {
        return Err(ListError::CriticalExtension { extension: NamedOid(extension) });
    }
    let (outside, inside) = list.signature_algorithms();
    if outside != inside {
        return Err(ListError::SignatureAlgorithmsDiffer);
    }
    check_number(list, search.terms)?;
    let at = search.terms.at;
    if list.this_update() > at {
        return Err(ListError::NotYetMade { this_update: list.this_update(), at });
    }
    Ok(())
}

/// Section 5.2.3.
pub(super) fn check_number(list: &RevocationList, terms: &Terms<'_>) -> Result<(), ListError> {
    let is_sound = list.number().is_some() && !list.number_is_critical();
    match is_sound || !terms.has(Rule::CrlNumberPresent) {
        true => Ok(()),
        false => Err(ListError::Rule { rule: Rule::CrlNumberPresent }),
    }
}

/// Whether a list is not past its nextUpdate.
fn check_current(
    search: &Search<'_, '_>,
    revocation: &Revocation,
    list: &RevocationList,
) -> Result<(), ListError> {
    let at = search.terms.at;
    match list.next_update() {
        _ if revocation.accepts_expired => Ok(()),
        Some(next_update) if at <= next_update => Ok(()),
        Some(next_update) => Err(ListError::Expired { next_update, at }),
        None => Err(ListError::NoNextUpdate),
    }
}

/// The delta list that brings a complete one up to date (section 6.3.3 (c)), if there is one, and
/// what it rests on.
fn find_delta<'r>(
    search: &mut Search<'_, '_>,
    revocation: &'r Revocation,
    question: &Question<'_>,
    complete: &RevocationList,
    is_direct: bool,
) -> Result<Option<(&'r RevocationList, Used)>, NotConsulted> {
    for delta in revocation.lists.iter().filter(|list| scope::updates(list, complete)) {
        if check_list(search, delta).is_err() || check_current(search, revocation, delta).is_err() {
            continue;
        }
        match authenticate(search, revocation, question, delta, is_direct) {
            Ok(used) => return Ok(Some((delta, used))),
            Err(NotConsulted::Rejected(_)) => {}
            Err(fatal) => return Err(fatal),
        }
    }
    Ok(None)
}

/// The time in which a complete list, with a delta list to go with it, says that a certificate is
/// not revoked. A complete list that lists it, on hold, counts only with the delta that removes it;
/// another counts alone until its nextUpdate, and with a delta until the delta's.
fn window(
    complete: &RevocationList,
    delta: Option<&RevocationList>,
    complete_lists_it: bool,
) -> Window {
    let (made, next) = (complete.this_update(), complete.next_update());
    let (first, last) = match delta {
        None => (made, next),
        Some(delta) if complete_lists_it => (made.max(delta.this_update()), delta.next_update()),
        Some(delta) => {
            let overlap = next.is_some_and(|next| delta.this_update() <= next);
            let first = if overlap { made } else { made.max(delta.this_update()) };
            (first, next.max(delta.next_update()))
        }
    };
    Window { first: Some(first), last }
}
