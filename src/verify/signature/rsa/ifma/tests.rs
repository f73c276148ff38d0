//! Judge of RSA's public operation: the rsa crate's.
#![allow(clippy::print_stderr, reason = "what cannot run says so")]

use proptest::collection::vec;
use proptest::prelude::*;
use rsa::BoxedUint;
use rsa::hazmat::rsa_encrypt;

use super::*;

/// A modulus of so many octets, and what they are.
fn modulus(octets: usize) -> impl Strategy<Value = Vec<u8>> {
    let random = vec(any::<u8>(), octets);
    let ones = Just(vec![0xff; octets]);
    let sparse = Just({
        let mut modulus = vec![0; octets];
        modulus[0] = 1;
        modulus
    });
    // Limbs that are zero and ones.
    let runs = vec(prop_oneof![Just(0_u8), Just(0xff)], octets);
    prop_oneof![4 => random, 1 => ones, 1 => sparse, 2 => runs].prop_map(|mut modulus| {
        modulus[0] |= 1;
        let last = modulus.len() - 1;
        modulus[last] |= 1;
        modulus
    })
}

fn case() -> impl Strategy<Value = (Vec<u8>, Vec<u8>, u64)> {
    let octets = prop_oneof![
        Just(256_usize),
        Just(257),
        Just(300),
        Just(384),
        Just(385),
        Just(511),
        Just(512),
        256..=512_usize
    ];
    let exponent = prop_oneof![
        Just(65_537),
        Just(3),
        Just((1 << 33) - 1),
        (3_u64..1 << 33).prop_map(|e| e | 1)
    ];
    let signature = |octets| {
        prop_oneof![vec(any::<u8>(), octets), Just(vec![0xff; octets]), Just(vec![0; octets])]
    };
    octets.prop_flat_map(move |octets| (modulus(octets), signature(octets), exponent.clone()))
}

fn expected(modulus: &[u8], signature: &[u8], exponent: u64) -> Option<Vec<u8>> {
    let bits = u32::try_from(modulus.len() * 8).unwrap();
    let number = |octets: &[u8]| BoxedUint::from_be_slice(octets, bits).unwrap();
    let key = rsa::PublicKey::new_with_size_limits(number(modulus), exponent.into(), 2..=8192);
    (number(signature) < number(modulus)).then(|| {
        let power = rsa_encrypt(&key.unwrap(), &number(signature)).unwrap();
        let octets = power.to_be_bytes();
        let mut message = vec![0; modulus.len().saturating_sub(octets.len())];
        message.extend_from_slice(&octets[octets.len().saturating_sub(modulus.len())..]);
        message
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn powers_are_those_of_the_rsa_crate((modulus, signature, exponent) in case()) {
        // Elsewhere there is nothing to test: `wycheproof_rsa_pkcs1` goes through another engine.
        let Some(key) = RsaKey::new(&modulus, exponent) else {
            eprintln!("this CPU has no AVX-512 IFMA");
            return Ok(());
        };
        match expected(&modulus, &signature, exponent) {
            Some(mut message) => {
                prop_assert!(key.stands_for(&signature, &message));
                let last = message.len() - 1;
                message[last] ^= 1;
                prop_assert!(!key.stands_for(&signature, &message));
            }
            None => prop_assert!(!key.stands_for(&signature, &signature)),
        }
    }

    /// A signature that is not below the modulus stands for nothing, whatever it is congruent to.
    #[test]
    fn a_signature_is_below_the_modulus(mut modulus in vec(any::<u8>(), 256), small in 1_u8..=255) {
        // The sum below must not grow longer.
        modulus[0] = 0x80;
        modulus[254] = 0;
        modulus[255] = 1;
        let Some(key) = RsaKey::new(&modulus, 3) else {
            eprintln!("this CPU has no AVX-512 IFMA");
            return Ok(());
        };
        let mut one = vec![0; 256];
        one[255] = small;
        let cube = expected(&modulus, &one, 3).unwrap();
        prop_assert!(key.stands_for(&one, &cube));
        let mut above = modulus.clone();
        let sum = u16::from(small) + 1;
        above[255] = sum as u8;
        above[254] = (sum >> 8) as u8;
        prop_assert!(!key.stands_for(&above, &cube));
    }
}
