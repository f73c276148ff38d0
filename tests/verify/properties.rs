//! Laws that hold for any pool.

use std::sync::LazyLock;

use private_ca::Certificate;
use private_ca::verify::{Verification, Verifier};
use proptest::prelude::*;

use super::Purpose;
use super::chains::{self, Authority};

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
