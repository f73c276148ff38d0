//! Whether the parts of an RSA private key belong together (RFC 8017 section 3.2).
//!
//! A key whose parts contradict each other decrypts to garbage or, if it is one of the values for
//! the Chinese remainder theorem, gives away a factor of the modulus with the first signature. The
//! numbers are of fixed size, so nothing of them is left on the heap.

use const_oid::db::rfc5912;
use crypto_bigint::{Integer, NonZero, U2048, U3072, U4096, U8192, Uint};
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Encode};
use pkcs8::PrivateKeyInfoRef;
use rsa::pkcs1::{RsaPrivateKeyRef, RsaPssParamsOwned};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};
use zeroize::Zeroizing;

use super::{KeyAlgorithm, KeyError};

fn inconsistent(reason: &str) -> KeyError {
    KeyError::Inconsistent { algorithm: "RSA", reason: reason.to_owned() }
}

/// Checks the PKCS#1 `RSAPrivateKey` inside and gives what kind of key it is, and its public half as
/// `SubjectPublicKeyInfo`.
pub(super) fn check(info: &PrivateKeyInfoRef<'_>) -> Result<(KeyAlgorithm, Box<[u8]>), KeyError> {
    judge_parameters(&info.algorithm)?;
    let key = RsaPrivateKeyRef::from_der(info.private_key.as_bytes());
    let key = key.map_err(KeyError::Malformed)?;
    if key.other_prime_infos.is_some() {
        return Err(inconsistent("it has more than two primes, which nobody uses"));
    }
    let modulus = key.modulus.as_bytes();
    let unused = modulus.first().map_or(8, |first| first.leading_zeros() as usize);
    let bits = modulus.len().saturating_mul(8).saturating_sub(unused);
    match bits {
        2048 => consistent::<{ U2048::LIMBS }>(&key),
        2049..=3072 => consistent::<{ U3072::LIMBS }>(&key),
        3073..=4096 => consistent::<{ U4096::LIMBS }>(&key),
        4097..=8192 => consistent::<{ U8192::LIMBS }>(&key),
        _ => return Err(KeyError::RsaSize { bits }),
    }?;
    let public = key.public_key().to_der().map_err(KeyError::Malformed)?;
    if info.public_key.is_some_and(|stated| stated.as_bytes() != Some(&public)) {
        return Err(inconsistent("its public key is not the one of its private key"));
    }
    // The key may be used for what its own identifier says, so its public half says the same.
    let algorithm = match info.algorithm.oid {
        oid @ rfc5912::RSA_ENCRYPTION => {
            AlgorithmIdentifierRef { oid, parameters: Some(AnyRef::NULL) }
        }
        _ => info.algorithm,
    };
    let spki = SubjectPublicKeyInfoRef {
        algorithm,
        subject_public_key: BitStringRef::from_bytes(&public).map_err(KeyError::Malformed)?,
    };
    let spki = spki.to_der().map_err(KeyError::Malformed)?;
    let bits = u16::try_from(bits).unwrap_or(u16::MAX);
    let algorithm = match info.algorithm.oid {
        rfc5912::ID_RSASSA_PSS => KeyAlgorithm::RsaPss { bits },
        _ => KeyAlgorithm::Rsa { bits },
    };
    Ok((algorithm, spki.into()))
}

/// `rsaEncryption` has NULL (RFC 8017 appendix A.1); a key for RSASSA-PSS alone has nothing, or says with which
/// hash function and salt (RFC 4055 section 3.1).
fn judge_parameters(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<(), KeyError> {
    match (algorithm.oid, algorithm.parameters) {
        (rfc5912::ID_RSASSA_PSS, None) => Ok(()),
        (rfc5912::ID_RSASSA_PSS, Some(parameters)) => {
            let der = parameters.to_der().map_err(KeyError::Malformed)?;
            RsaPssParamsOwned::from_der(&der).map(drop).map_err(KeyError::Malformed)
        }
        // Some makers leave NULL out.
        (_, None) => Ok(()),
        (_, Some(parameters)) if parameters.is_null() => Ok(()),
        (..) => Err(inconsistent("its algorithm has parameters, and RFC 8017 appendix A.1 has NULL")),
    }
}

/// A number of the key; `None` if it is longer than the modulus may be.
fn number<const LIMBS: usize>(value: UintRef<'_>) -> Option<Uint<LIMBS>> {
    let mut padded = Zeroizing::new([0_u8; U8192::BYTES]);
    let octets = value.as_bytes();
    let (unused, all) =
        padded.split_at_mut_checked(U8192::BYTES.checked_sub(Uint::<LIMBS>::BYTES)?)?;
    debug_assert!(unused.iter().all(|&byte| byte == 0));
    let start = all.len().checked_sub(octets.len())?;
    all.get_mut(start..)?.copy_from_slice(octets);
    Some(Uint::from_be_slice(all))
}

fn product<const LIMBS: usize>(a: &Uint<LIMBS>, b: &Uint<LIMBS>) -> Option<Uint<LIMBS>> {
    let (low, high) = a.widening_mul(b);
    (high == Uint::ZERO).then_some(low)
}

fn consistent<const LIMBS: usize>(key: &RsaPrivateKeyRef<'_>) -> Result<(), KeyError> {
    let one = Uint::<LIMBS>::ONE;
    let number = |value| {
        number::<LIMBS>(value).ok_or_else(|| inconsistent("a part is longer than the modulus"))
    };
    let (n, e, d) =
        (number(key.modulus)?, number(key.public_exponent)?, number(key.private_exponent)?);
    let (p, q) = (number(key.prime1)?, number(key.prime2)?);
    let (d_p, d_q, q_inverse) =
        (number(key.exponent1)?, number(key.exponent2)?, number(key.coefficient)?);

    if key.public_exponent.as_bytes().len() > 8 || e <= one || e.is_even().into() {
        return Err(inconsistent(
            "the public exponent is not an odd number above 1 of at most 64 bits",
        ));
    }
    if p <= one || q <= one || p.is_even().into() || q.is_even().into() {
        return Err(inconsistent("a prime is even or below 2"));
    }
    if product(&p, &q) != Some(n) {
        return Err(inconsistent("the modulus is not the product of the primes"));
    }
    let order = |prime: &Uint<LIMBS>| {
        Option::<NonZero<_>>::from(NonZero::new(prime.wrapping_sub(&one)))
            .ok_or_else(|| inconsistent("a prime is below 2"))
    };
    for (prime, exponent) in [(&p, &d_p), (&q, &d_q)] {
        let order = order(prime)?;
        if d.rem(&order) != *exponent {
            return Err(inconsistent(
                "an exponent for the Chinese remainder theorem is not the private exponent's",
            ));
        }
        if product(&e, exponent).map(|product| product.rem(&order)) != Some(one) {
            return Err(inconsistent("the private exponent does not undo the public one"));
        }
    }
    let p =
        Option::<NonZero<_>>::from(NonZero::new(p)).ok_or_else(|| inconsistent("a prime is 0"))?;
    if product(&q_inverse, &q).map(|product| product.rem(&p)) != Some(one) {
        return Err(inconsistent("the coefficient is not the inverse of the second prime"));
    }
    Ok(())
}
