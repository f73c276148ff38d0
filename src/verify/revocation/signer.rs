//! Who signed a revocation list, and whether he may (RFC 5280 section 6.3.3 (f) and (g)).

use smallvec::smallvec;

use super::list::RevocationList;
use super::{NotConsulted, Question, Revocation, Used};
use crate::certificate::Certificate;
use crate::verify::Terms;
use crate::verify::checks::{self, Role};
use crate::verify::error::ListError;
use crate::verify::path::{Node, Nodes, Search, Stop};
use crate::verify::rule::Rule;
use crate::verify::signature::SignatureError;

/// How deep the signers of lists may depend on lists of other signers.
const NESTED: usize = 4;

/// Section 6.3.3 (f) and (g): finds who signed the list, and checks that he may. What the list then
/// rests on, besides itself.
pub(super) fn authenticate(
    search: &mut Search<'_, '_>,
    revocation: &Revocation,
    question: &Question<'_>,
    list: &RevocationList,
    is_direct: bool,
) -> Result<Used, NotConsulted> {
    let mut reason = ListError::NoSigner;
    for signer in possible_signers(search, question, list) {
        match try_signer(search, revocation, question, list, signer, is_direct) {
            Ok(used) => return Ok(used),
            Err(NotConsulted::Rejected(error)) => {
                // Somebody who did sign it, and may not, is more of a reason than his namesakes.
                if !matches!(error, ListError::Signature(_))
                    || matches!(reason, ListError::NoSigner)
                {
                    reason = error;
                }
            }
            Err(fatal) => return Err(fatal),
        }
    }
    Err(reason.into())
}

/// Those with the name of the list's issuer: the certificate's own issuer first, then those whose
/// key identifier the list names.
fn possible_signers(
    search: &Search<'_, '_>,
    question: &Question<'_>,
    list: &RevocationList,
) -> Nodes {
    let mut signers = Nodes::new();
    search.pool.of_name(list.issuer().as_der(), &mut signers);
    let wanted = list.authority_key_identifier();
    signers.sort_by_key(|&node| {
        let certificate = search.pool.certificate(node);
        let identifier = certificate.and_then(Certificate::subject_key_identifier);
        (node != question.issuer, wanted.is_some() && identifier != wanted)
    });
    signers
}

fn try_signer(
    search: &mut Search<'_, '_>,
    revocation: &Revocation,
    question: &Question<'_>,
    list: &RevocationList,
    signer: Node,
    is_direct: bool,
) -> Result<Used, NotConsulted> {
    let certificate = search.pool.certificate(signer);
    let counts = !matches!(signer, Node::Anchor(_)) || search.terms.has(Rule::AnchorCertificate);
    if let Some(certificate) = certificate.filter(|_| counts) {
        checks::crl_signer(certificate, search.terms)
            .map_err(|error| ListError::Signer { source: error })?;
    }
    match check_signature(search, list, signer) {
        Ok(result) => result.map_err(ListError::Signature)?,
        Err(Stop::Here(error)) => return Err(ListError::Signer { source: error }.into()),
        Err(Stop::Fatal(error)) => return Err(NotConsulted::Fatal(error)),
    }
    // The certificate's issuer is part of the path that is being validated.
    let is_anchor_of_path = search.path.last() == Some(&signer);
    if signer == question.issuer || is_anchor_of_path {
        return Ok(Used::default());
    }
    // A signer whose own status is in question is validated already but for that, and may be believed
    // in that alone.
    if search.signers.contains(&signer) {
        let is_itself = question.may_vouch_for_itself && question.node == signer;
        return if is_itself { Ok(Used::default()) } else { Err(ListError::NoSigner.into()) };
    }
    let (Some(certificate), false) = (certificate, matches!(signer, Node::Anchor(_))) else {
        return Err(ListError::NoSigner.into());
    };
    validate_signer(search, revocation, signer, certificate, is_direct)
}

/// Whether a list is signed by a node's key; each pair is checked once, however many paths ask for it.
fn check_signature(
    search: &mut Search<'_, '_>,
    list: &RevocationList,
    signer: Node,
) -> Result<Result<(), SignatureError>, Stop> {
    let mut checked = search.ledger.checked_lists.iter();
    let earlier = checked.find(|(other, by, _)| *by == signer && other.is_the_one(list));
    if let Some((.., result)) = earlier {
        return Ok(result.clone());
    }
    let (algorithm, _) = list.signature_algorithms();
    let account = &mut search.ledger.account;
    let result =
        search.pool.verify(signer, account, algorithm, list.tbs_der(), list.signature())?;
    search.ledger.checked_lists.push((list.clone(), signer, result.clone()));
    Ok(result)
}

/// Finds a path for the signer of a list, to the same trust anchor.
fn validate_signer<'a>(
    search: &mut Search<'_, 'a>,
    revocation: &Revocation,
    signer: Node,
    certificate: &'a Certificate,
    is_direct: bool,
) -> Result<Used, NotConsulted> {
    if search.signers.len() >= NESTED {
        return Err(ListError::NoSigner.into());
    }
    let Some(Node::Anchor(anchor)) = search.path.last().copied() else {
        return Err(ListError::NoSigner.into());
    };
    let revocation = Revocation { leaf_alone: false, ..revocation.clone() };
    let terms = Terms { revocation: Some(&revocation), ..search.terms.of_crl_signer() };
    let refused = |error| NotConsulted::Rejected(ListError::Signer { source: error });
    checks::check(certificate, Role::CrlSigner, &terms).map_err(refused)?;
    let mut signers = search.signers.clone();
    signers.push(signer);
    let mut nested = Search {
        pool: search.pool,
        ledger: &mut *search.ledger,
        terms: &terms,
        path: smallvec![signer],
        only_anchor: Some(anchor),
        signers,
        found: None,
    };
    let extended = nested.extend(certificate);
    let is_of_the_path = nested.path.get(1).is_some_and(|&above| {
        let mut authorities = search.path.iter().skip(1);
        authorities.any(|&node| nested.pool.is_same_authority(node, above))
    });
    match extended.map(|()| nested.found.take()) {
        Ok(None) => Err(ListError::NoSigner.into()),
        // The CA itself, or an authority above it, gave the signer its name: another authority under
        // the same anchor could give itself that name, and must not speak for this one.
        Ok(_) if is_direct && !is_of_the_path => Err(ListError::NoSigner.into()),
        Ok(Some(found)) => {
            let mut used = found.lists;
            used.window = used.window.and(nested.window());
            let path = nested.path.iter().filter(|node| !matches!(node, Node::Anchor(_)));
            let signers = path.filter_map(|&node| nested.pool.certificate(node)).cloned();
            used.add(Used { signers: signers.collect(), ..Used::default() });
            Ok(used)
        }
        Err(Stop::Here(error)) => Err(refused(error)),
        Err(Stop::Fatal(error)) => Err(NotConsulted::Fatal(error)),
    }
}
