//! Laws that hold for any pool.

use std::sync::LazyLock;

use private_ca::verify::{
    Budget, Policy, Revocation, RevocationList, Rule, TrustAnchor, Verification, VerifiedChain,
    Verifier, VerifyError,
};
use private_ca::{Certificate, Timestamp};
use proptest::prelude::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::Purpose;
use super::chains::{self, Authority, tlv};
use super::lists::{ByHand, by_hand, delta, entry, is_revoked, reason};

struct World {
    verifier: Verifier,
    leaf: Certificate,
    /// What the path needs.
    needed: Vec<Certificate>,
    /// What has nothing to do with it, or only seems to.
    unrelated: Vec<Certificate>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let root = Authority::root("Root");
    let upper = root.intermediate("Upper");
    let lower = upper.intermediate("Lower");
    let (stranger, gone) = (Authority::root("Stranger"), Authority::root("Gone"));
    World {
        verifier: Verifier::new([root.certificate.clone()]).unwrap(),
        leaf: lower.leaf(),
        unrelated: vec![
            stranger.certificate.clone(),
            stranger.intermediate("Lower").certificate,
            root.intermediate("Lower").certificate,
            upper.intermediate_with("Lower", chains::EXPIRED).certificate,
            gone.cross_sign(&lower),
            gone.cross_sign(&upper),
            lower.cross_sign(&upper),
            stranger.leaf(),
            root.certificate.clone(),
        ],
        needed: vec![upper.certificate, lower.certificate],
    }
});

fn verification() -> Verification {
    Verification::new(Purpose::Client).at(chains::now())
}

fn any_pool() -> impl Strategy<Value = (Vec<Certificate>, Vec<Certificate>)> {
    let world = &*WORLD;
    let all = world.needed.iter().chain(&world.unrelated).cloned().collect::<Vec<_>>();
    proptest::sample::subsequence(all.clone(), 0..=all.len())
        .prop_flat_map(|pool| (Just(pool.clone()).prop_shuffle(), Just(pool).prop_shuffle()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_order_of_intermediates_never_matters((one, other) in any_pool()) {
        let world = &*WORLD;
        let one = world.verifier.verify(&world.leaf, &one, &verification());
        let other = world.verifier.verify(&world.leaf, &other, &verification());
        match (one, other) {
            (Ok(one), Ok(other)) => prop_assert_eq!(one, other),
            (Err(one), Err(other)) => prop_assert_eq!(one.to_string(), other.to_string()),
            (one, other) => prop_assert!(false, "{:?} {:?}", one, other),
        }
    }

    #[test]
    fn what_is_needed_is_enough_whatever_else_there_is((pool, _) in any_pool()) {
        let world = &*WORLD;
        let pool: Vec<_> = pool.into_iter().chain(world.needed.iter().cloned()).collect();
        let chain = world.verifier.verify(&world.leaf, &pool, &verification()).unwrap();
        prop_assert_eq!(chain.path().len(), 4);
    }

    #[test]
    fn a_leaf_with_one_byte_changed_never_verifies(place: proptest::sample::Index, flip in 1..=u8::MAX) {
        let world = &*WORLD;
        let mut der = world.leaf.as_der().to_vec();
        let place = place.index(der.len());
        der[place] ^= flip;
        if let Ok(leaf) = Certificate::from_der(&der) {
            let verified = world.verifier.verify(&leaf, &world.needed, &verification());
            prop_assert!(verified.is_err(), "byte {} accepted", place);
        }
    }

    #[test]
    fn a_verified_chain_verifies_throughout_its_window_and_not_outside(seconds in 0_i64..(2 * 365 * 86_400)) {
        let world = &*WORLD;
        let chain = world.verifier.verify(&world.leaf, &world.needed, &verification()).unwrap();
        let window = chain.window();
        let at = |moment| {
            world.verifier.verify(&world.leaf, chain.path(), &verification().at(moment)).is_ok()
        };
        let second = std::time::Duration::from_secs(1);
        let inside = private_ca::Timestamp::from_unix_seconds(
            window.not_before.unix_seconds() + seconds,
        ).min(window.not_after);
        prop_assert!(at(inside) && at(window.not_before) && at(window.not_after));
        prop_assert!(!at(window.not_before.minus(second)) && !at(window.not_after.plus(second)));
    }
}

#[test]
fn no_single_bit_of_a_leaf_can_be_changed() {
    let world = &*WORLD;
    for place in 0..world.leaf.as_der().len() {
        for bit in 0..8 {
            let mut der = world.leaf.as_der().to_vec();
            der[place] ^= 1 << bit;
            if let Ok(leaf) = Certificate::from_der(&der) {
                let verified = world.verifier.verify(&leaf, &world.needed, &verification());
                assert!(verified.is_err(), "bit {bit} of byte {place}");
            }
        }
    }
}

/// Authorities that vouch for each other in every direction, each certificate in three validities;
/// and what they issued.
struct Web {
    anchors: Vec<TrustAnchor>,
    pool: Vec<Certificate>,
    leaves: Vec<Certificate>,
    lists: Vec<RevocationList>,
}

static WEB: LazyLock<Web> = LazyLock::new(|| {
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let (upper, lower) = (root.intermediate("Upper"), root.intermediate("Lower"));
    let namesake = root.intermediate("Lower");
    let validities: [fn(&mut CertificateParams); 3] = [
        |_| {},
        |params| {
            params.not_before = date_time_ymd(2027, 2, 10);
            params.not_after = date_time_ymd(2027, 3, 12);
        },
        chains::EXPIRED,
    ];
    let signed = |issuer: &Authority, subject: &Authority| {
        validities.map(|change| {
            let mut params = subject.params.clone();
            change(&mut params);
            let certificate = params.signed_by(&subject.key, &issuer.issuer()).unwrap();
            Certificate::from_der(certificate.der()).unwrap()
        })
    };
    let pool = [
        (&root, &upper),
        (&root, &lower),
        (&root, &namesake),
        (&root, &root),
        (&other, &root),
        (&other, &upper),
        (&upper, &lower),
        (&upper, &namesake),
        (&lower, &upper),
        (&lower, &root),
    ];
    let expired_root = signed(&root, &root)[2].clone();
    let root_key = TrustAnchor::from_subject_and_key(
        root.certificate.subject(),
        root.certificate.public_key_der().to_vec(),
    );
    let leaves = vec![
        lower.leaf(),
        lower.leaf_with(|params| {
            params.not_before = date_time_ymd(2027, 2, 21);
            params.not_after = date_time_ymd(2027, 3, 10);
            params.extended_key_usages.clear();
        }),
        upper.leaf(),
        upper.leaf_with(|params| params.use_authority_key_identifier_extension = false),
        {
            let key = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
            let leaf = chains::leaf_params().signed_by(&key, &upper.issuer()).unwrap();
            Certificate::from_der(leaf.der()).unwrap()
        },
    ];
    let mut lists = Vec::new();
    // The namesake issued nothing: it is a key for lists alone.
    for authority in [&root, &other, &upper, &lower, &namesake] {
        let hold = leaves.iter().map(|leaf| entry(leaf, &[reason(6)])).collect::<Vec<_>>();
        let release = leaves.iter().map(|leaf| entry(leaf, &[reason(8)])).collect::<Vec<_>>();
        let endings = [
            ByHand { this_update: "2027-02-05T00:00:00Z", ..by_hand() },
            // Past, unless a delta list brings it up to date.
            ByHand { number: Some(2), next_update: Some("2027-02-27T00:00:00Z"), ..by_hand() },
            ByHand { number: Some(3), this_update: "2027-02-22T00:00:00Z", ..by_hand() },
            ByHand { number: Some(3), entries: hold, ..by_hand() },
            delta(),
            ByHand { number: Some(4), base: Some(2), ..delta() },
            ByHand { number: Some(5), base: Some(3), entries: release, ..delta() },
            ByHand { number: Some(6), next_update: Some("2027-03-25T00:00:00Z"), ..delta() },
        ];
        lists.extend(endings.iter().map(|list| list.signed_by(authority)));
    }
    Web {
        anchors: vec![
            root.certificate.clone().into(),
            other.certificate.clone().into(),
            expired_root.into(),
            root_key,
        ],
        pool: pool.iter().flat_map(|(issuer, subject)| signed(issuer, subject)).collect(),
        leaves,
        lists,
    }
});

/// What is asked of a verifier.
#[derive(Debug, Clone)]
struct Inquiry {
    anchors: Vec<TrustAnchor>,
    pool: Vec<Certificate>,
    leaf: Certificate,
    policy: Policy,
    /// `None` is not to ask for revocation.
    lists: Option<Vec<RevocationList>>,
    at: Timestamp,
}

impl Inquiry {
    /// The certificates are few, and every signature and path may have to be tried.
    fn verify(&self) -> Result<VerifiedChain, VerifyError> {
        let budget =
            Budget::default().signatures(u32::MAX).complete_paths(u32::MAX).path_steps(20_000);
        let mut verification = Verification::new(self.policy.clone()).at(self.at).budget(budget);
        if let Some(lists) = &self.lists {
            verification = verification.revocation(Revocation::new(lists.iter().cloned()));
        }
        let verifier = Verifier::new(self.anchors.iter().cloned()).unwrap();
        verifier.verify(&self.leaf, &self.pool, &verification)
    }

    /// With no more than a chain needs.
    fn reduced_to(&self, chain: &VerifiedChain) -> Self {
        Self {
            anchors: vec![chain.anchor().clone()],
            pool: [chain.path(), chain.revocation_signers()].concat(),
            lists: self.lists.as_ref().map(|_| chain.revocation_lists().to_vec()),
            ..self.clone()
        }
    }
}

fn some_of<T: Clone + std::fmt::Debug + 'static>(
    all: &[T],
    count: std::ops::RangeInclusive<usize>,
) -> impl Strategy<Value = Vec<T>> + use<T> {
    proptest::sample::subsequence(all.to_vec(), count).prop_shuffle()
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let named = vec![
        Policy::tls_client(),
        Policy::tls_client().without(Rule::AnchorCertificate),
        Policy::rfc5280(),
        Policy::rfc5280().without(Rule::AnchorCertificate),
        Policy::go_tls_client(),
    ];
    let purposes = vec![Purpose::Client, Purpose::Any];
    let any = (
        proptest::sample::subsequence(Rule::ALL, 0..=Rule::ALL.len()),
        proptest::sample::select(purposes),
    )
        .prop_map(|(rules, purpose)| {
            let none =
                Rule::ALL.iter().fold(Policy::tls_client(), |policy, &rule| policy.without(rule));
            rules.into_iter().fold(none, Policy::with).for_purpose(purpose)
        });
    prop_oneof![3 => proptest::sample::select(named), 1 => any]
}

/// Seconds around the ends of certificates and lists.
fn any_moment() -> impl Strategy<Value = Timestamp> {
    let first = "2027-02-01T00:00:00Z".parse::<Timestamp>().unwrap().unix_seconds();
    prop_oneof![
        2 => Just(chains::now()),
        1 => (0..60 * 86_400_i64).prop_map(move |second| Timestamp::from_unix_seconds(first + second)),
    ]
}

fn any_inquiry() -> impl Strategy<Value = Inquiry> {
    let web = &*WEB;
    (
        some_of(&web.anchors, 1..=web.anchors.len()),
        some_of(&web.pool, 4..=16),
        proptest::sample::select(web.leaves.clone()),
        any_policy(),
        proptest::option::of(some_of(&web.lists, 8..=web.lists.len())),
        any_moment(),
    )
        .prop_map(|(anchors, pool, leaf, policy, lists, at)| Inquiry {
            anchors,
            pool,
            leaf,
            policy,
            lists,
            at,
        })
}

fn outcome(inquiry: &Inquiry) -> Result<VerifiedChain, String> {
    inquiry.verify().map_err(|error| error.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn more_certificates_never_turn_an_acceptance_into_a_refusal(
        inquiry in any_inquiry(),
        more in some_of(&WEB.pool, 1..=10),
        anchors in some_of(&WEB.anchors, 0..=2),
    ) {
        let accepted = inquiry.verify();
        prop_assume!(accepted.is_ok());
        let mut richer = inquiry;
        let still_accepts = |inquiry: &Inquiry| match inquiry.verify() {
            // The certificate of a list's signer lets the list be believed.
            Err(error) if is_revoked(&error) => Ok(()),
            // Authorities that vouch for each other in circles make more ways than can be tried.
            Err(VerifyError::Budget { .. }) => Err(TestCaseError::reject("too many ways")),
            Err(error) => Err(TestCaseError::fail(error.to_string())),
            Ok(_) => Ok(()),
        };
        richer.pool.extend(more);
        still_accepts(&richer)?;
        richer.anchors.extend(anchors);
        still_accepts(&richer)?;
    }

    #[test]
    fn order_and_repetition_never_matter(
        (inquiry, other) in any_inquiry().prop_flat_map(|inquiry| {
            let shuffled = (
                Just([&inquiry.anchors[..], &inquiry.anchors[..1]].concat()).prop_shuffle(),
                Just([&inquiry.pool[..], &inquiry.pool[..2]].concat()).prop_shuffle(),
                Just(inquiry.lists.clone().unwrap_or_default()).prop_shuffle(),
            );
            let original = inquiry.clone();
            let other = shuffled.prop_map(move |(anchors, pool, lists)| Inquiry {
                anchors,
                pool,
                lists: original.lists.as_ref().map(|_| lists),
                ..original.clone()
            });
            (Just(inquiry), other)
        })
    ) {
        prop_assert_eq!(outcome(&inquiry), outcome(&other));
    }

    #[test]
    fn a_chain_verifies_again_in_its_window_and_at_no_other_time(
        inquiry in any_inquiry(),
        inside in proptest::collection::vec(0.0..=1.0_f64, 4),
        outside in proptest::collection::vec(1..=400 * 86_400_i64, 4),
    ) {
        let verified = inquiry.verify();
        prop_assume!(verified.is_ok());
        let chain = verified.unwrap();
        let window = chain.window();
        prop_assert!(window.contains(inquiry.at));
        let reduced = inquiry.reduced_to(&chain);
        let (first, last) = (window.not_before.unix_seconds(), window.not_after.unix_seconds());
        let length = (last - first) as f64;
        let at = |second| Inquiry { at: Timestamp::from_unix_seconds(second), ..reduced.clone() }.verify();
        for second in inside.iter().map(|part| first + (length * part) as i64).chain([first, last]) {
            match at(second) {
                Ok(again) => {
                    prop_assert_eq!(again.path(), chain.path());
                    prop_assert_eq!(again.anchor(), chain.anchor());
                }
                Err(error) => prop_assert!(false, "{second} of {first} to {last}: {error}"),
            }
        }
        for distance in outside.iter().copied().chain([1]) {
            for second in [first - distance, last + distance] {
                // The path of a list's signer can bring a certificate that lasts longer than its
                // twin in the path: that makes another chain.
                let is_the_same = at(second).is_ok_and(|again| {
                    again.path() == chain.path()
                        && again.revocation_signers() == chain.revocation_signers()
                });
                prop_assert!(!is_the_same, "{second} is not of {first} to {last}");
            }
        }
    }

    #[test]
    fn what_a_policy_accepts_it_holds_nothing_against(inquiry in any_inquiry()) {
        let verified = inquiry.verify();
        prop_assume!(verified.is_ok());
        let violations = verified.unwrap().violations(&inquiry.policy, inquiry.at);
        prop_assert!(violations.is_empty(), "{violations:?}");
    }
}

#[test]
fn the_order_of_anchors_of_one_name_and_key_never_matters() {
    let root = Authority::root("Root");
    let permitting = |name: &[u8]| {
        let subtree = tlv(0xa0, &tlv(0x30, &tlv(0x82, name)));
        TrustAnchor::from_subject_and_key(
            root.certificate.subject(),
            root.certificate.public_key_der().to_vec(),
        )
        .name_constraints(&tlv(0x30, &subtree))
        .unwrap()
    };
    let leaf = root.leaf();
    let anchor = |anchors: [TrustAnchor; 2]| {
        let chain = Verifier::new(anchors).unwrap().verify(&leaf, &[], &verification()).unwrap();
        chain.anchor().clone()
    };
    let (wide, narrow) = (permitting(b"internal"), permitting(b"acme.internal"));
    assert_eq!(anchor([wide.clone(), narrow.clone()]), anchor([narrow, wide]));
}
