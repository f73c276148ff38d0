//! Revocation lists.

use private_ca::verify::{
    ListError as L, Policy, Revocation, RevocationList, Rule, TrustAnchor, Verification, Verifier,
    VerifyError as E,
};
use private_ca::{Certificate, KeyUsage};
use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlScope, KeyUsagePurpose as Usage,
    RevocationReason as Why, RevokedCertParams, SerialNumber, date_time_ymd,
};

use super::chains::{self, Authority, tlv};
use super::lists::{
    self, ByHand, Inquiry, by_hand, complete, delta, entry, extension, inquiry, list, moment,
    partition, reason,
};
use super::{Agrees, Differs, Purpose, trial};

/// A root, an intermediate under it, and a leaf under that.
struct Chain {
    root: Authority,
    issuing: Authority,
    leaf: Certificate,
}

fn chain() -> Chain {
    chain_with(|_| {})
}

fn chain_with(change: impl FnOnce(&mut rcgen::CertificateParams)) -> Chain {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf_with(change);
    Chain { root, issuing, leaf }
}

impl Chain {
    fn with(&self, lists: &[RevocationList]) -> Inquiry {
        self.with_pool(&[], lists)
    }

    fn with_pool(&self, others: &[&Certificate], lists: &[RevocationList]) -> Inquiry {
        let pool = [&[&self.issuing.certificate][..], others].concat();
        inquiry(trial(&[&self.root.certificate], &pool, &self.leaf), lists)
    }

    fn of_root(&self) -> RevocationList {
        list(&self.root, &[])
    }

    /// The intermediate's status is known, and the leaf's is a matter of these lists.
    fn of_leaf(&self, lists: &[RevocationList]) -> Inquiry {
        self.with(&[&[self.of_root()], lists].concat())
    }

    /// The same with a list of the intermediate's.
    fn by_hand(&self, list: &ByHand) -> Inquiry {
        self.of_leaf(&[list.signed_by(&self.issuing)])
    }
}

/// `cRLDistributionPoints` of these `DistributionPoint`s.
fn points(points: &[Vec<u8>]) -> impl FnOnce(&mut rcgen::CertificateParams) + use<> {
    let points: Vec<u8> = points.iter().flat_map(|point| tlv(0x30, point)).collect();
    move |params| chains::extension(&[2, 5, 29, 31], false, &tlv(0x30, &points))(params)
}

/// `ReasonFlags` of these bits.
fn reasons(tag: u8, bits: &[u8]) -> Vec<u8> {
    let flags = bits.iter().fold(0_u16, |flags, bit| flags | 0x8000 >> bit);
    tlv(tag, &[&[7][..], &flags.to_be_bytes()].concat())
}

#[test]
fn what_is_on_no_list_of_its_issuer_is_accepted() {
    let chain = chain();
    let others = [chain.issuing.leaf(), chain.issuing.leaf()];
    let revoked = [(&others[0], Why::KeyCompromise), (&others[1], Why::Unspecified)];
    let lists = [chain.of_root(), list(&chain.issuing, &revoked)];
    let verified = chain.with(&lists).accepted();
    assert_eq!(verified.path().len(), 3);
    let used = verified.revocation_lists();
    assert_eq!(used.len(), 2);
    assert!(lists.iter().all(|list| used.contains(list)));
}

#[test]
fn a_revoked_leaf_is_refused_with_time_reason_and_issuer() {
    let chain = chain();
    let error =
        chain.of_leaf(&[list(&chain.issuing, &[(&chain.leaf, Why::KeyCompromise)])]).refused();
    let E::Revoked { subject, serial_number, since, reason, issuer } = &error else {
        panic!("{error}")
    };
    assert_eq!(*subject, chain.leaf.subject());
    assert_eq!(*serial_number, chain.leaf.serial_number());
    assert_eq!(*since, moment("2027-02-10T00:00:00Z"));
    assert_eq!(
        reason.map(|reason| (reason.code(), reason.to_string())),
        Some((1, "keyCompromise".to_owned()))
    );
    assert_eq!(*issuer, chain.issuing.certificate.subject());
    assert_eq!(
        error.to_string(),
        format!(
            "the certificate CN=worker, serial number {serial_number}, was revoked by CN=Issuing at 2027-02-10T00:00:00Z (keyCompromise)"
        )
    );
}

#[test]
fn a_reason_may_be_absent_or_of_a_number_that_has_no_name() {
    let chain = chain();
    let list = |extensions: &[Vec<u8>]| ByHand {
        entries: vec![entry(&chain.leaf, extensions)],
        ..by_hand()
    };
    let absent = chain.by_hand(&list(&[])).refused();
    assert!(matches!(absent, E::Revoked { reason: None, .. }), "{absent}");
    assert!(absent.to_string().ends_with("at 2027-02-10T00:00:00Z"), "{absent}");
    // webpki does not read such a list.
    let unnamed = chain.by_hand(&list(&[reason(77)])).refused();
    assert!(unnamed.to_string().ends_with("(reason 77)"), "{unnamed}");
}

#[test]
fn a_revoked_intermediate_is_refused_unless_only_the_leaf_is_asked_about() {
    let chain = chain();
    let lists = [
        list(&chain.root, &[(&chain.issuing.certificate, Why::CaCompromise)]),
        list(&chain.issuing, &[]),
    ];
    let error = chain.with(&lists).refused();
    assert!(
        matches!(&error, E::Revoked { subject, issuer, .. }
            if subject.to_string() == "CN=Issuing" && issuer.to_string() == "CN=Root"),
        "{error}"
    );
    let verified = chain.with(&lists).of_leaf_alone().accepted();
    assert_eq!(verified.revocation_lists(), &lists[1..]);
    let revoked = [lists[0].clone(), list(&chain.issuing, &[(&chain.leaf, Why::Superseded)])];
    let error = chain.with(&revoked).of_leaf_alone().refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
}

#[test]
fn another_path_is_found_around_a_revoked_intermediate() {
    let chain = chain();
    let other = Authority::root("Other");
    let around = other.cross_sign(&chain.issuing);
    let lists = [
        list(&chain.root, &[(&chain.issuing.certificate, Why::Superseded)]),
        list(&chain.issuing, &[]),
        list(&other, &[]),
    ];
    let anchors = [&chain.root.certificate, &other.certificate];
    let pool = [&chain.issuing.certificate, &around];
    // OpenSSL never turns back.
    let verified =
        inquiry(trial(&anchors, &pool, &chain.leaf), &lists).judges(Differs, Agrees).accepted();
    assert_eq!(verified.anchor().certificate(), Some(&other.certificate));
}

#[test]
fn an_unknown_status_is_refused_by_default_and_accepted_on_demand() {
    let chain = chain();
    let unrelated = list(&Authority::root("Stranger"), &[]);
    let error = chain.of_leaf(std::slice::from_ref(&unrelated)).refused();
    assert!(matches!(&error, E::RevocationUnknown { lists, .. } if lists.is_empty()), "{error}");
    assert_eq!(
        error.to_string(),
        "whether the certificate CN=worker is revoked cannot be told: there is no revocation list of its issuer that covers it"
    );
    // The openssl command has no option for it.
    chain
        .of_leaf(std::slice::from_ref(&unrelated))
        .accept_unknown()
        .judges(Differs, Agrees)
        .accepted();
    // What is known counts nevertheless.
    let lists = [list(&chain.issuing, &[(&chain.leaf, Why::Superseded)])];
    let error = chain.with(&lists).accept_unknown().refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
}

#[test]
fn an_unknown_status_limits_no_window() {
    let chain = chain();
    let lists = [chain.of_root(), list(&chain.issuing, &[])];
    let verified = chain.with(&lists).accept_unknown().accepted();
    assert_eq!(verified.window(), chain.leaf.validity());
    assert_eq!(verified.revocation_lists().len(), 2);
}

#[test]
fn without_any_list_nothing_is_known() {
    let chain = chain();
    let verification = Verification::new(Purpose::Client).at(chains::now());
    let verifier = Verifier::new([chain.root.certificate.clone()]).unwrap();
    let pool = [chain.issuing.certificate.clone()];
    let asked = |revocation| {
        verifier.verify(&chain.leaf, &pool, &verification.clone().revocation(revocation))
    };
    let error = asked(Revocation::new([])).unwrap_err();
    assert!(matches!(error.cause(), E::RevocationUnknown { .. }), "{error}");
    asked(Revocation::new([]).accept_unknown()).unwrap();
}

#[test]
fn expired_lists_are_refused_by_default_and_accepted_on_demand() {
    let chain = chain();
    let expired = CertificateRevocationListParams {
        next_update: date_time_ymd(2027, 2, 25),
        ..lists::params()
    };
    let lists = [lists::signed(&expired, &chain.issuing)];
    let error = chain.of_leaf(&lists).list_refused();
    assert!(matches!(error, L::Expired { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "the next one was due at 2027-02-25T00:00:00Z, before the time of verification, 2027-03-01T10:00:00Z"
    );
    // The openssl command has no option for it.
    let verified = chain.of_leaf(&lists).accept_expired_lists().judges(Differs, Agrees).accepted();
    assert_eq!(verified.window().not_before, moment("2027-02-20T00:00:00Z"));
    assert_eq!(verified.window().not_after, chain.leaf.validity().not_after);
    let revoked = CertificateRevocationListParams {
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(chain.leaf.serial_number().as_bytes()),
            revocation_time: date_time_ymd(2027, 2, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        ..expired
    };
    let error =
        chain.of_leaf(&[lists::signed(&revoked, &chain.issuing)]).accept_expired_lists().refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
}

#[test]
fn a_list_without_an_end_is_refused_by_default_and_accepted_on_demand() {
    let chain = chain();
    let endless = ByHand { next_update: None, ..by_hand() };
    // RFC 5280 section 5.1.2.5 asks for nextUpdate; OpenSSL takes a list without it for current.
    let error = chain.by_hand(&endless).judges(Differs, Agrees).list_refused();
    assert!(matches!(error, L::NoNextUpdate), "{error}");
    // webpki does not read it.
    chain.by_hand(&endless).accept_expired_lists().judges(Agrees, Differs).accepted();
}

#[test]
fn both_ends_of_a_list_are_included() {
    let chain = chain();
    let inquiry = || chain.of_leaf(&[list(&chain.issuing, &[])]);
    inquiry().at("2027-02-20T00:00:00Z").accepted();
    // OpenSSL takes a list for expired in its last second, and webpki too.
    inquiry().at("2027-03-20T00:00:00Z").judges(Differs, Differs).accepted();
    let error = inquiry().at("2027-03-20T00:00:01Z").refused();
    assert!(matches!(error, E::RevocationUnknown { .. }), "{error}");
    // webpki does not read thisUpdate.
    let error = inquiry().at("2027-02-19T23:59:59Z").judges(Agrees, Differs).refused();
    assert!(matches!(error, E::RevocationUnknown { .. }), "{error}");
}

#[test]
fn a_list_from_the_future_does_not_count() {
    let chain = chain();
    let future = ByHand { this_update: "2027-03-02T00:00:00Z", ..by_hand() };
    // webpki does not read thisUpdate.
    let error = chain.by_hand(&future).judges(Agrees, Differs).list_refused();
    assert!(matches!(error, L::NotYetMade { .. }), "{error}");
    let error =
        chain.by_hand(&future).accept_expired_lists().judges(Agrees, Differs).list_refused();
    assert!(matches!(error, L::NotYetMade { .. }), "{error}");
}

#[test]
fn lists_narrow_the_window() {
    let chain = chain();
    let shorter = ByHand {
        this_update: "2027-02-25T00:00:00Z",
        next_update: Some("2027-03-04T12:00:00Z"),
        ..by_hand()
    };
    let verified = chain.by_hand(&shorter).accepted();
    assert_eq!(verified.window().not_before, moment("2027-02-25T00:00:00Z"));
    assert_eq!(verified.window().not_after, moment("2027-03-04T12:00:00Z"));
    let verified = chain.by_hand(&shorter).accept_expired_lists().judges(Agrees, Agrees).accepted();
    assert_eq!(verified.window().not_before, moment("2027-02-25T00:00:00Z"));
    assert_eq!(verified.window().not_after, chain.leaf.validity().not_after);
}

#[test]
fn the_newest_list_decides() {
    let chain = chain();
    let hold = ByHand { entries: vec![entry(&chain.leaf, &[reason(6)])], ..by_hand() };
    let newer = ByHand { this_update: "2027-02-28T00:00:00Z", number: Some(2), ..by_hand() };
    let both = |older: &ByHand, newer: &ByHand| {
        chain.of_leaf(&[older.signed_by(&chain.issuing), newer.signed_by(&chain.issuing)])
    };
    // webpki takes the first of an issuer.
    let verified = both(&hold, &newer).judges(Agrees, Differs).accepted();
    assert!(verified.revocation_lists().iter().all(|list| list.is_empty()));
    let hold_again = ByHand { entries: hold.entries.clone(), ..newer.clone() };
    let error = both(&by_hand(), &hold_again).judges(Agrees, Differs).refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
}

const FIRST: &str = "http://acm-pca.example/crl/one.crl";
const SECOND: &str = "http://acm-pca.example/crl/two.crl";

fn at_first(params: &mut rcgen::CertificateParams) {
    params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![FIRST.to_owned()] }];
}

#[test]
fn partitions_are_matched_by_the_distribution_point() {
    let chain = chain_with(at_first);
    let [first, second] = [FIRST, SECOND].map(|uri| partition(&chain.issuing, uri, None));
    let verified = chain.of_leaf(&[second.clone(), first.clone()]).accepted();
    assert!(verified.revocation_lists().contains(&first));
    assert!(!verified.revocation_lists().contains(&second));
    let error = chain.of_leaf(&[second]).list_refused();
    assert_eq!(error.to_string(), "its distribution point is none of the certificate's");
    assert!(matches!(error, L::Scope { .. }), "{error}");
    // A list of everything covers every partition.
    chain.of_leaf(&[list(&chain.issuing, &[])]).accepted();
}

#[test]
fn a_partition_is_not_that_of_a_certificate_without_distribution_points() {
    let chain = chain();
    // RFC 5280 section 6.3.3: without one, the issuer's name is the distribution point. webpki
    // takes any partition.
    let lists = [partition(&chain.issuing, FIRST, None)];
    let error = chain.of_leaf(&lists).judges(Agrees, Differs).list_refused();
    assert!(matches!(error, L::Scope { .. }), "{error}");
}

#[test]
fn a_partition_of_the_issuers_name_is_that_of_certificates_without_distribution_points() {
    let chain = chain();
    let name = tlv(0xa4, chain.issuing.certificate.subject_der());
    let named = ByHand { scope: Some(tlv(0xa0, &tlv(0xa0, &name))), ..by_hand() };
    // RFC 5280 section 6.3.3; OpenSSL takes no list with a distribution point there.
    chain.by_hand(&named).judges(Differs, Agrees).accepted();
    let other = tlv(0xa4, chain.root.certificate.subject_der());
    let named = ByHand { scope: Some(tlv(0xa0, &tlv(0xa0, &other))), ..by_hand() };
    let error = chain.by_hand(&named).judges(Agrees, Differs).list_refused();
    assert!(matches!(error, L::Scope { .. }), "{error}");
}

#[test]
fn a_distribution_point_may_be_named_relative_to_the_issuer() {
    let attribute = tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, b"part 1")].concat());
    let relative = tlv(0xa0, &tlv(0xa1, &attribute));
    let chain = chain_with(points(std::slice::from_ref(&relative)));
    let lists = |scope: Vec<u8>| ByHand { scope: Some(scope), ..by_hand() };
    // webpki knows URIs alone.
    chain.by_hand(&lists(relative)).judges(Agrees, Differs).accepted();
    let issuer = chain.issuing.certificate.subject_der();
    let whole = [&issuer[2..], &tlv(0x31, &attribute)].concat();
    let whole = tlv(0xa0, &tlv(0xa0, &tlv(0xa4, &tlv(0x30, &whole))));
    chain.by_hand(&lists(whole)).judges(Agrees, Differs).accepted();
    let other = tlv(0x30, &[&[6, 3, 0x55, 4, 3][..], &tlv(0x0c, b"part 2")].concat());
    let error = chain.by_hand(&lists(tlv(0xa0, &tlv(0xa1, &other)))).list_refused();
    assert!(matches!(error, L::Scope { .. }), "{error}");
}

#[test]
fn lists_of_end_entities_and_of_authorities_cover_those_alone() {
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("Issuing", at_first);
    let leaf = issuing.leaf_with(at_first);
    let chain = Chain { root, issuing, leaf };
    let scope = |authority: &Authority, scope| partition(authority, FIRST, Some(scope));
    // The openssl command asks for the root's status too, and it has no distribution point.
    chain
        .with(&[
            scope(&chain.root, CrlScope::CaCertsOnly),
            scope(&chain.issuing, CrlScope::UserCertsOnly),
        ])
        .judges(Differs, Agrees)
        .accepted();
    let error = chain.of_leaf(&[scope(&chain.issuing, CrlScope::CaCertsOnly)]).list_refused();
    assert_eq!(error.to_string(), "it is about certificates of certificate authorities alone");
    let error = chain
        .with(&[scope(&chain.root, CrlScope::UserCertsOnly), list(&chain.issuing, &[])])
        .list_refused();
    assert_eq!(error.to_string(), "it is about certificates of end entities alone");
    let attributes = ByHand { scope: Some(vec![0x85, 1, 0xff]), ..by_hand() };
    let error = chain.by_hand(&attributes).list_refused();
    assert_eq!(error.to_string(), "it is about attribute certificates alone");
}

#[test]
fn lists_of_some_reasons_cover_a_certificate_together() {
    let chain = chain();
    let some = |bits: &[u8]| ByHand { scope: Some(reasons(0x83, bits)), ..by_hand() };
    let (compromise, rest) = (some(&[1, 2, 8]), some(&[3, 4, 5, 6, 7]));
    let both = |one: &ByHand, other: &ByHand| {
        chain.of_leaf(&[one.signed_by(&chain.issuing), other.signed_by(&chain.issuing)])
    };
    // webpki reads no such list.
    let verified = both(&compromise, &rest).judges(Agrees, Differs).accepted();
    assert_eq!(verified.revocation_lists().len(), 3);
    for alone in [&compromise, &rest] {
        let error = chain.by_hand(alone).refused();
        assert!(
            matches!(&error, E::RevocationUnknown { lists, .. } if lists.is_empty()),
            "{error}"
        );
    }
    let revoked = ByHand { entries: vec![entry(&chain.leaf, &[reason(4)])], ..rest.clone() };
    let error = both(&compromise, &revoked).refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
    // The window is that of both.
    let shorter = ByHand { next_update: Some("2027-03-02T00:00:00Z"), ..rest };
    let verified = both(&compromise, &shorter).judges(Agrees, Differs).accepted();
    assert_eq!(verified.window().not_after, moment("2027-03-02T00:00:00Z"));
}

#[test]
fn a_distribution_point_of_some_reasons_limits_what_a_list_says() {
    let point = |uri, bits: &[u8]| [lists::point(uri), reasons(0x81, bits)].concat();
    let chain = chain_with(points(&[point(FIRST, &[1, 2]), point(SECOND, &[3, 4, 5, 6, 7, 8])]));
    let at = |uri| ByHand { scope: Some(lists::point(uri)), ..by_hand() }.signed_by(&chain.issuing);
    // webpki knows no distribution points of some reasons.
    chain.of_leaf(&[at(FIRST), at(SECOND)]).judges(Agrees, Differs).accepted();
    let error = chain.of_leaf(&[at(FIRST)]).refused();
    assert!(matches!(error, E::RevocationUnknown { .. }), "{error}");
}

/// A chain whose leaf is on the list of somebody else, and that authority.
fn chain_with_indirect_list() -> (Chain, Authority) {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let lister = root.intermediate("Lister");
    let name = tlv(0xa2, &tlv(0xa4, lister.certificate.subject_der()));
    let leaf = issuing.leaf_with(points(&[[lists::point(FIRST), name].concat()]));
    (Chain { root, issuing, leaf }, lister)
}

fn certificate_issuer(authority: &Authority) -> Vec<u8> {
    let name = tlv(0xa4, authority.certificate.subject_der());
    extension(lists::CERTIFICATE_ISSUER, true, &tlv(0x30, &name))
}

#[test]
fn an_indirect_list_names_the_issuer_of_each_certificate() {
    let (chain, lister) = chain_with_indirect_list();
    let ask = |entries: Vec<Vec<u8>>| {
        let scope = [lists::point(FIRST), vec![0x84, 1, 0xff]].concat();
        let list = ByHand { scope: Some(scope), entries, ..by_hand() }.signed_by(&lister);
        chain.with_pool(&[&lister.certificate], &[chain.of_root(), list])
    };
    let other = chain.issuing.leaf();
    let leaf = |extensions: &[Vec<u8>]| entry(&chain.leaf, extensions);
    // webpki reads no indirect list.
    ask(Vec::new()).judges(Agrees, Differs).accepted();
    // Without certificateIssuer an entry is about the lister's own certificates.
    ask(vec![leaf(&[])]).judges(Agrees, Differs).accepted();
    let of_issuing = certificate_issuer(&chain.issuing);
    let error = ask(vec![leaf(&[reason(1), of_issuing.clone()])]).refused();
    let E::Revoked { issuer, .. } = &error else { panic!("{error}") };
    assert_eq!(issuer.to_string(), "CN=Lister");
    // The issuer holds for the entries after it, until another is named.
    let error = ask(vec![entry(&other, std::slice::from_ref(&of_issuing)), leaf(&[])]).refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
    let of_root = certificate_issuer(&chain.root);
    ask(vec![entry(&other, &[of_issuing]), leaf(&[of_root])]).judges(Agrees, Differs).accepted();
}

#[test]
fn a_list_of_another_issuer_counts_only_if_it_is_indirect_and_named() {
    let (chain, lister) = chain_with_indirect_list();
    let direct = ByHand { scope: Some(lists::point(FIRST)), ..by_hand() }.signed_by(&lister);
    let error = chain.with_pool(&[&lister.certificate], &[chain.of_root(), direct]).refused();
    assert!(matches!(&error, E::RevocationUnknown { lists, .. } if lists.is_empty()), "{error}");
    let scope = [lists::point(FIRST), vec![0x84, 1, 0xff]].concat();
    let other = chain.root.intermediate("Other");
    let indirect = ByHand { scope: Some(scope), ..by_hand() }.signed_by(&other);
    let error = chain.with_pool(&[&other.certificate], &[chain.of_root(), indirect]).refused();
    assert!(matches!(&error, E::RevocationUnknown { lists, .. } if lists.is_empty()), "{error}");
}

#[test]
fn a_delta_list_adds_revocations() {
    let chain = chain();
    let complete = complete().signed_by(&chain.issuing);
    let unchanged = delta().signed_by(&chain.issuing);
    // webpki reads no delta lists.
    let verified =
        chain.of_leaf(&[unchanged.clone(), complete.clone()]).judges(Agrees, Differs).accepted();
    assert!(verified.revocation_lists().contains(&unchanged));
    // Until the delta list ends there is the complete one, which says the same.
    assert_eq!(verified.window().not_before, moment("2027-02-20T00:00:00Z"));
    assert_eq!(verified.window().not_after, moment("2027-03-20T00:00:00Z"));
    let revoking = ByHand { entries: vec![entry(&chain.leaf, &[reason(1)])], ..delta() };
    let revoking = revoking.signed_by(&chain.issuing);
    let error = chain.of_leaf(&[complete, revoking.clone()]).refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
    // Alone it says nothing.
    let error = chain.of_leaf(&[revoking]).refused();
    assert!(matches!(error, E::RevocationUnknown { .. }), "{error}");
}

#[test]
fn a_delta_list_ends_a_hold() {
    let chain = chain();
    let hold = ByHand { entries: vec![entry(&chain.leaf, &[reason(6)])], ..complete() };
    let hold = hold.signed_by(&chain.issuing);
    let error = chain.of_leaf(std::slice::from_ref(&hold)).refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
    let release = ByHand { entries: vec![entry(&chain.leaf, &[reason(8)])], ..delta() };
    let release = release.signed_by(&chain.issuing);
    // webpki reads no delta lists.
    let verified =
        chain.of_leaf(&[hold.clone(), release.clone()]).judges(Agrees, Differs).accepted();
    // Before and after the delta list, the complete one holds.
    assert_eq!(verified.window().not_before, moment("2027-02-27T00:00:00Z"));
    assert_eq!(verified.window().not_after, moment("2027-03-06T00:00:00Z"));
    // OpenSSL reads no time of a delta list where the complete one is current.
    for outside in ["2027-02-26T23:59:59Z", "2027-03-06T00:00:01Z"] {
        let inquiry = chain.of_leaf(&[hold.clone(), release.clone()]).at(outside);
        let error = inquiry.judges(Differs, Agrees).refused();
        assert!(matches!(error, E::Revoked { .. }), "{error}");
    }
}

#[test]
fn a_delta_list_that_ends_a_hold_limits_the_window_even_if_an_unknown_status_is_accepted() {
    let chain = chain();
    let hold = ByHand { entries: vec![entry(&chain.leaf, &[reason(6)])], ..complete() };
    let release = ByHand { entries: vec![entry(&chain.leaf, &[reason(8)])], ..delta() };
    let lists = [hold.signed_by(&chain.issuing), release.signed_by(&chain.issuing)];
    let inquiry = chain.of_leaf(&lists).accept_unknown();
    let window = inquiry.verify().unwrap().window();
    let outside = "2027-03-06T00:00:01Z";
    assert!(inquiry.at(outside).verify().is_err());
    assert!(!window.contains(moment(outside)));
}

#[test]
fn a_complete_list_that_is_past_counts_with_a_delta_list_that_is_not() {
    let chain = chain();
    let complete = ByHand { next_update: Some("2027-02-26T00:00:00Z"), ..complete() };
    let complete = complete.signed_by(&chain.issuing);
    let lists = [complete.clone(), delta().signed_by(&chain.issuing)];
    // RFC 5280 section 5.2.4 lets it be brought up to date. webpki reads no delta lists.
    let verified = chain.of_leaf(&lists).judges(Agrees, Differs).accepted();
    assert_eq!(verified.window().not_before, moment("2027-02-27T00:00:00Z"));
    assert_eq!(verified.window().not_after, moment("2027-03-06T00:00:00Z"));
    let past = ByHand { next_update: Some("2027-02-28T00:00:00Z"), ..delta() };
    let error = chain.of_leaf(&[complete, past.signed_by(&chain.issuing)]).list_refused();
    assert!(matches!(error, L::Expired { .. }), "{error}");
}

#[test]
fn a_delta_list_that_does_not_go_with_the_complete_one_is_ignored() {
    let chain = chain();
    let complete = ByHand { number: Some(5), ..complete() }.signed_by(&chain.issuing);
    let revoking = |list: ByHand| ByHand { entries: vec![entry(&chain.leaf, &[])], ..list };
    let (fitting, stranger) =
        (ByHand { number: Some(7), base: Some(4), ..delta() }, Authority::root("Issuing"));
    let error = chain
        .of_leaf(&[complete.clone(), revoking(fitting.clone()).signed_by(&chain.issuing)])
        .refused();
    assert!(matches!(error, E::Revoked { .. }), "{error}");
    for other in [
        // Made for a later list, and made before this one.
        ByHand { base: Some(6), ..fitting.clone() },
        ByHand { number: Some(5), ..fitting.clone() },
        ByHand { number: None, ..fitting.clone() },
        ByHand { scope: Some(reasons(0x83, &[1])), ..fitting.clone() },
        ByHand { names_key: false, ..fitting.clone() },
        ByHand { this_update: "2027-03-02T00:00:00Z", ..fitting.clone() },
        ByHand { next_update: Some("2027-02-28T00:00:00Z"), ..fitting.clone() },
        ByHand { inside: chains::ECDSA_SHA384, ..fitting.clone() },
        ByHand { extensions: vec![extension(lists::UNKNOWN, true, &[5, 0])], ..fitting.clone() },
    ] {
        let delta = revoking(other).signed_by(&chain.issuing);
        chain.of_leaf(&[complete.clone(), delta]).verify().unwrap();
    }
    let forged = revoking(ByHand { names_key: false, ..fitting });
    let forged = forged.signed(chain.issuing.certificate.subject_der(), &stranger);
    let complete = ByHand { names_key: false, number: Some(5), ..by_hand() };
    chain.of_leaf(&[complete.signed_by(&chain.issuing), forged]).verify().unwrap();
}

#[test]
fn a_list_may_be_signed_by_another_key_of_the_same_authority() {
    let chain = chain();
    // Section 4.2.1.3: an authority may keep a key for its lists alone.
    let signer = chain.root.intermediate_with("Issuing", |params| {
        chains::no_ca(params);
        params.key_usages = vec![Usage::CrlSign];
    });
    let lists = [chain.of_root(), by_hand().signed_by(&signer)];
    // webpki asks for the issuer's own signature.
    chain.with_pool(&[&signer.certificate], &lists).judges(Agrees, Differs).accepted();
    let without = chain.with(&lists).list_refused();
    assert!(matches!(without, L::Signature(_)), "{without}");
    // Its certificate's end is the list's.
    let short =
        chain.root.intermediate_of(rcgen::KeyPair::generate().unwrap(), "Issuing", |params| {
            params.not_after = date_time_ymd(2027, 3, 10)
        });
    let lists = [chain.of_root(), by_hand().signed_by(&short)];
    let verified =
        chain.with_pool(&[&short.certificate], &lists).judges(Agrees, Differs).accepted();
    assert_eq!(verified.window().not_after, moment("2027-03-10T00:00:00Z"));
}

#[test]
fn the_signers_of_lists_are_known_and_with_them_a_chain_verifies_again() {
    let chain = chain();
    let signer = chain.root.intermediate_with("Issuing", |params| {
        chains::no_ca(params);
        params.key_usages = vec![Usage::CrlSign];
    });
    let unrelated = chain.root.intermediate("Issuing");
    let lists = [chain.of_root(), by_hand().signed_by(&signer)];
    let pool = [&unrelated.certificate, &signer.certificate];
    let inquiry = chain.with_pool(&pool, &lists);
    let verified = inquiry.verify().unwrap();
    assert_eq!(verified.revocation_signers(), std::slice::from_ref(&signer.certificate));
    let again = |signers: &[Certificate]| {
        let pool: Vec<_> = verified.path().iter().chain(signers).collect();
        let trial = trial(&[&chain.root.certificate], &pool, &chain.leaf);
        lists::inquiry(trial, verified.revocation_lists()).verify()
    };
    assert_eq!(again(verified.revocation_signers()).unwrap(), verified);
    again(&[]).unwrap_err();
    // Who signed the path's certificates signs their lists as a rule.
    let lists = [chain.of_root(), list(&chain.issuing, &[])];
    assert!(chain.with(&lists).verify().unwrap().revocation_signers().is_empty());
    assert!(
        trial(&[&chain.root.certificate], &[&chain.issuing.certificate], &chain.leaf)
            .verify()
            .unwrap()
            .revocation_signers()
            .is_empty()
    );
}

#[test]
fn the_issuers_of_a_lists_signer_are_among_the_signers() {
    let (chain, _) = chain_with_indirect_list();
    let upper = chain.root.intermediate("Upper");
    let lister = upper.intermediate("Lister");
    let scope = [lists::point(FIRST), vec![0x84, 1, 0xff]].concat();
    let indirect = ByHand { scope: Some(scope), ..by_hand() }.signed_by(&lister);
    let lists = [chain.of_root(), indirect, list(&upper, &[])];
    let pool = [&lister.certificate, &upper.certificate];
    let verified = chain.with_pool(&pool, &lists).verify().unwrap();
    let signers = verified.revocation_signers();
    assert_eq!(signers.len(), 2, "{signers:?}");
    assert!(pool.iter().all(|&needed| signers.contains(needed)));
}

#[test]
fn a_list_counts_still_where_an_issuer_of_its_signer_is_an_anchor_too() {
    let (chain, _) = chain_with_indirect_list();
    let upper = chain.root.intermediate("Upper");
    let lister = upper.intermediate("Lister");
    let scope = [lists::point(FIRST), vec![0x84, 1, 0xff]].concat();
    let indirect = ByHand { scope: Some(scope), ..by_hand() }.signed_by(&lister);
    let lists = [chain.of_root(), indirect, list(&upper, &[])];
    let pool = [&chain.issuing.certificate, &lister.certificate, &upper.certificate];
    for anchors in [&[&chain.root.certificate][..], &[&chain.root.certificate, &upper.certificate]]
    {
        inquiry(trial(anchors, &pool, &chain.leaf), &lists).verify().unwrap();
    }
}

#[test]
fn malformed_lists_are_refused() {
    let chain = chain();
    let read = |list: &ByHand| {
        let der = list.der(chain.issuing.certificate.subject_der(), &chain.issuing);
        RevocationList::from_der(&der)
    };
    read(&by_hand()).unwrap();
    let error = read(&ByHand { inside: &[0x30, 0], ..by_hand() }).unwrap_err();
    assert!(error.to_string().starts_with("the signature is malformed: "), "{error}");
    // What fills up the last octet of named bits is zero.
    let some = |last| ByHand { scope: Some(tlv(0x83, &[6, 0x60, last])), ..by_hand() };
    read(&some(0x40)).unwrap();
    read(&some(0x41)).unwrap_err();
}

#[test]
fn a_self_issued_certificate_may_be_that_of_the_key_that_signs_lists() {
    let chain = chain();
    let new = chain.issuing.intermediate("Issuing");
    let lists = [chain.of_root(), by_hand().signed_by(&new)];
    // The list vouches for its own signer too. OpenSSL lets no signer's status depend on another
    // signer; webpki asks for the issuer's own signature.
    chain.with_pool(&[&new.certificate], &lists).judges(Differs, Differs).accepted();
}

#[test]
fn a_revoked_signer_of_a_list_is_refused() {
    let chain = chain();
    let signer = chain.root.intermediate("Issuing");
    let of_root = list(&chain.root, &[(&signer.certificate, Why::KeyCompromise)]);
    let lists = [of_root, by_hand().signed_by(&signer)];
    let error = chain.with_pool(&[&signer.certificate], &lists).list_refused();
    let L::Signer { source } = &error else { panic!("{error}") };
    assert!(matches!(source.cause(), E::Revoked { .. }), "{error}");
}

#[test]
fn a_list_that_a_stranger_signed_is_refused() {
    let chain = chain();
    let stranger = Authority::root("Issuing");
    let lists = [chain.of_root(), by_hand().signed_by(&stranger)];
    let error = chain.with_pool(&[&stranger.certificate], &lists).list_refused();
    let L::Signer { source } = &error else { panic!("{error}") };
    assert!(matches!(source.cause(), E::SelfSigned { .. }), "{error}");
    // Not even if he is trusted, but not for this path (RFC 5280 section 6.3.3 (f)).
    let anchors = [&chain.root.certificate, &stranger.certificate];
    let inquiry = inquiry(trial(&anchors, &[&chain.issuing.certificate], &chain.leaf), &lists);
    let error = inquiry.refused();
    assert!(matches!(error, E::RevocationUnknown { .. }), "{error}");
    // An end entity of the issuer's name is none of its keys for lists.
    let impostor = chain.issuing.leaf_with(|params| {
        params.distinguished_name = chain.issuing.params.distinguished_name.clone();
    });
    let pool = [&impostor];
    let error = chain.with_pool(&pool, &lists).list_refused();
    assert!(matches!(error, L::Signature(_) | L::Signer { .. }), "{error}");
}

#[test]
fn a_list_with_a_wrong_signature_is_refused() {
    let chain = chain();
    let mut der = list(&chain.issuing, &[]).as_der().to_vec();
    *der.last_mut().unwrap() ^= 1;
    let error = chain.of_leaf(&[RevocationList::from_der(&der).unwrap()]).list_refused();
    assert!(matches!(error, L::Signature(_)), "{error}");
    let differing = ByHand { inside: chains::ECDSA_SHA384, ..by_hand() };
    // OpenSSL takes what is outside the signed part.
    let error = chain.by_hand(&differing).judges(Differs, Agrees).list_refused();
    assert!(matches!(error, L::SignatureAlgorithmsDiffer), "{error}");
}

#[test]
fn an_issuer_that_may_not_sign_lists_is_refused() {
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("Issuing", chains::key_usages(&[Usage::KeyCertSign]));
    let leaf = issuing.leaf();
    let chain = Chain { root, issuing, leaf };
    let error = chain.by_hand(&by_hand()).list_refused();
    let L::Signer { source } = &error else { panic!("{error}") };
    assert!(matches!(**source, E::KeyUsage { needed: KeyUsage::CRL_SIGN, .. }), "{error}");
    // Without a keyUsage every use is allowed; strict OpenSSL wants one.
    let root = Authority::root("Root");
    let issuing = root.intermediate_with("Issuing", chains::key_usages(&[]));
    let leaf = issuing.leaf();
    Chain { root, issuing, leaf }.by_hand(&by_hand()).judges(Differs, Agrees).accepted();
}

#[test]
fn an_anchor_that_is_a_name_and_a_key_signs_lists() {
    let chain = chain();
    let anchor = TrustAnchor::from_subject_and_key(
        chain.root.certificate.subject(),
        chain.root.certificate.public_key_der().to_vec(),
    );
    let lists = [chain.of_root(), list(&chain.issuing, &[])];
    let verification =
        Verification::new(Purpose::Client).at(chains::now()).revocation(Revocation::new(lists));
    let pool = [chain.issuing.certificate.clone()];
    let verified =
        Verifier::new([anchor]).unwrap().verify(&chain.leaf, &pool, &verification).unwrap();
    assert_eq!(verified.path().len(), 2);
    assert_eq!(verified.revocation_lists().len(), 2);
}

#[test]
fn unknown_critical_extensions_are_refused_in_lists_and_entries() {
    let chain = chain();
    let unknown = |critical| extension(lists::UNKNOWN, critical, &[5, 0]);
    let in_list = |critical| ByHand { extensions: vec![unknown(critical)], ..by_hand() };
    let other = chain.issuing.leaf();
    let in_entry = |critical| ByHand {
        // Section 5.3: such a list says nothing about any certificate.
        entries: vec![entry(&other, &[unknown(critical)])],
        ..by_hand()
    };
    for sound in [in_list(false), in_entry(false)] {
        chain.by_hand(&sound).accepted();
    }
    for list in [in_list(true), in_entry(true)] {
        let error = chain.by_hand(&list).list_refused();
        assert_eq!(
            error.to_string(),
            "it has the critical extension 1.2.3.4, which is not processed here"
        );
    }
}

#[test]
fn lists_of_version_1_count() {
    let chain = chain();
    let version_1 = ByHand { is_version_2: false, ..by_hand() };
    // webpki reads version 2 alone.
    chain.by_hand(&version_1).judges(Agrees, Differs).accepted();
    let revoked = ByHand { entries: vec![entry(&chain.leaf, &[])], ..version_1.clone() };
    let error = chain.by_hand(&revoked).refused();
    assert!(matches!(error, E::Revoked { reason: None, .. }), "{error}");
    // Entries of version 1 have no extensions.
    let odd = ByHand { entries: vec![entry(&chain.leaf, &[reason(1)])], ..version_1 };
    let der = odd.der(chain.issuing.certificate.subject_der(), &chain.issuing);
    assert!(RevocationList::from_der(&der).is_err());
}

#[test]
fn numbers_of_lists_are_asked_for_by_a_rule() {
    let chain = chain();
    for (odd, openssl) in [
        (ByHand { number: None, ..by_hand() }, Agrees),
        // OpenSSL processes no cRLNumber that is critical.
        (ByHand { number_is_critical: true, ..by_hand() }, Differs),
    ] {
        let mut inquiry = chain.by_hand(&odd);
        inquiry.clone().judges(openssl, Agrees).accepted();
        inquiry.trial.policy = Policy::tls_client().with(Rule::CrlNumberPresent);
        let error = inquiry.verify().unwrap_err();
        assert!(matches!(error.cause(), E::RevocationUnknown { .. }), "{error}");
        assert!(error.to_string().contains("crl-number-present"), "{error}");
    }
}

#[test]
fn a_certificate_is_found_among_100_000() {
    let chain = chain();
    let revoked = |serial_number: Vec<u8>| RevokedCertParams {
        serial_number: SerialNumber::from(serial_number),
        revocation_time: date_time_ymd(2027, 2, 10),
        reason_code: None,
        invalidity_date: None,
    };
    let strangers = (0..99_999_u32).map(|number| {
        revoked([&[0x40][..], &number.wrapping_mul(0x9e37_79b9).to_be_bytes()].concat())
    });
    let own = revoked(chain.leaf.serial_number().as_bytes().to_vec());
    for own in [None, Some(own)] {
        let is_listed = own.is_some();
        let revoked_certs: Vec<_> = strangers.clone().chain(own).collect();
        let params = CertificateRevocationListParams { revoked_certs, ..lists::params() };
        let list = lists::signed(&params, &chain.issuing);
        assert_eq!(list.len(), 99_999 + usize::from(is_listed));
        assert_eq!(list.serial_numbers().count(), list.len());
        let inquiry = chain.of_leaf(&[list]);
        if is_listed {
            assert!(matches!(inquiry.refused(), E::Revoked { .. }));
        } else {
            inquiry.accepted();
        }
    }
}

#[test]
fn files_of_lists_are_read() {
    let chain = chain();
    let [one, other] = [chain.of_root(), list(&chain.issuing, &[])];
    let pem = format!("# lists\n{}{}", lists::to_pem(&one), lists::to_pem(&other));
    let read = RevocationList::all_from_pem_or_der(pem.as_bytes()).unwrap();
    assert_eq!(read, [one.clone(), other]);
    assert_eq!(
        RevocationList::all_from_pem_or_der(one.as_der()).unwrap(),
        std::slice::from_ref(&one)
    );
    assert!(RevocationList::all_from_pem_or_der(chain.leaf.to_pem().as_bytes()).is_err());
    let mut longer = one.as_der().to_vec();
    longer.push(0);
    assert!(RevocationList::from_der(&longer).is_err());
    for length in 0..one.as_der().len() {
        assert!(RevocationList::from_der(&one.as_der()[..length]).is_err());
    }
}
