//! Every engine beside the others, over moduli that fill their octets and limbs and such that do not.
#![allow(clippy::print_stderr, reason = "what cannot run says so")]

use der::Encode;
use rsa::pkcs1::RsaPublicKeyRef;
use rsa::signature::{RandomizedSigner, SignatureEncoding, Signer};
use rsa::traits::PublicKeyParts;

use super::*;

fn pkcs1_der(key: &rsa::PrivateKey) -> Vec<u8> {
    let modulus = key.n().to_be_bytes();
    let exponent = key.e().to_be_bytes();
    RsaPublicKeyRef {
        modulus: der::asn1::UintRef::new(&modulus).unwrap(),
        public_exponent: der::asn1::UintRef::new(&exponent).unwrap(),
    }
    .to_der()
    .unwrap()
}

/// The verdicts of the engine that is chosen, of the library that is chosen without IFMA, and of RustCrypto.
fn verdicts(key: &RsaPublicKey<'_>, verify: impl Fn(&RsaKey) -> bool) -> [bool; 3] {
    let chosen = RsaKey::new(key);
    let library = RsaKey { ifma: None, ..RsaKey::new(key) };
    let rust_crypto = RsaPublicKeyRef::from_der(key.pkcs1_der).unwrap().try_into().unwrap();
    let rust_crypto = RsaKey {
        ifma: None,
        library: OnceLock::from(Some(Library::RustCrypto(Box::new(rust_crypto)))),
        ..RsaKey::new(key)
    };
    [&chosen, &library, &rust_crypto].map(verify)
}

#[test]
fn every_engine_takes_moduli_of_every_length() {
    let mut random = getrandom::SysRng;
    for bits in [2048, 2049, 2055, 2056, 2112, 3080, 4104] {
        let private = rsa::PrivateKey::new(&mut random, bits).unwrap();
        let der = pkcs1_der(&private);
        let key = RsaPublicKey::from_pkcs1_der(&der).unwrap();
        assert_eq!(key.bits, bits);
        let message = b"message";
        let signer = rsa::pkcs1v15::SigningKey::<Sha256>::new(private.clone());
        let pkcs1 = signer.sign(message).to_vec();
        let signer = rsa::pss::SigningKey::<Sha256>::new(private);
        let pss = signer.try_sign_with_rng(&mut random, message).unwrap().to_vec();
        let of_pkcs1 = |message: &[u8], signature: &[u8]| {
            verdicts(&key, |key| key.verify_pkcs1(Hash::Sha256, message, signature))
        };
        let of_pss = |message: &[u8], signature: &[u8]| {
            verdicts(&key, |key| key.verify_pss(Hash::Sha256, message, signature))
        };
        assert_eq!(of_pkcs1(message, &pkcs1), [true; 3], "PKCS#1 under {bits} bits");
        assert_eq!(of_pss(message, &pss), [true; 3], "PSS under {bits} bits");
        assert_eq!(of_pkcs1(b"another", &pkcs1), [false; 3], "PKCS#1 under {bits} bits");
        assert_eq!(of_pss(b"another", &pss), [false; 3], "PSS under {bits} bits");
        for longer in [[&[0], pkcs1.as_slice()].concat(), [pkcs1.as_slice(), &[0]].concat()] {
            assert_eq!(of_pkcs1(message, &longer), [false; 3], "{bits} bits");
        }
        assert_eq!(of_pkcs1(message, &pkcs1[1..]), [false; 3], "{bits} bits");
    }
}
