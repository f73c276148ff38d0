//! Whether the parts of an RSA private key belong together (RFC 8017 section 3.2).
//!
//! A key whose parts contradict each other decrypts to garbage or, if it is one of the values for
//! the Chinese remainder theorem, gives away a factor of the modulus with the first signature. The
//! numbers are of fixed size, so nothing of them is left on the heap.

use const_oid::db::rfc5912;
use crypto_bigint::{Integer, Limb, NonZero, U1024, U1536, U2048, U4096, Uint, Word};
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Decode, Encode};
use pkcs8::PrivateKeyInfoRef;
use rsa::pkcs1::{RsaPrivateKeyRef, RsaPssParamsOwned};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

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
    if !(2048..=8192).contains(&bits) {
        return Err(KeyError::RsaSize { bits });
    }
    // The primes are of half the modulus' length each, in all keys but curious ones.
    let longer = key.prime1.as_bytes().len().max(key.prime2.as_bytes().len());
    match bits.div_ceil(2).max(longer.saturating_mul(8)) {
        0..=1024 => consistent::<{ U1024::LIMBS }>(&key),
        1025..=1536 => consistent::<{ U1536::LIMBS }>(&key),
        1537..=2048 => consistent::<{ U2048::LIMBS }>(&key),
        2049..=4096 => consistent::<{ U4096::LIMBS }>(&key),
        _ => Err(inconsistent("a prime is longer than half the longest modulus")),
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
        (..) => {
            Err(inconsistent("its algorithm has parameters, and RFC 8017 appendix A.1 has NULL"))
        }
    }
}

/// A number of at most twice the length of a prime, as its lower and its upper half; `None` if it is longer.
fn wide<const LIMBS: usize>(value: UintRef<'_>) -> Option<(Uint<LIMBS>, Uint<LIMBS>)> {
    let mut limbs = value
        .as_bytes()
        .rchunks(size_of::<Word>())
        .map(|octets| Limb(octets.iter().fold(0, |word, &octet| word << 8 | Word::from(octet))));
    let mut half = || Uint::new(std::array::from_fn(|_| limbs.next().unwrap_or(Limb::ZERO)));
    let (lower, upper) = (half(), half());
    limbs.all(|limb| limb == Limb::ZERO).then_some((lower, upper))
}

/// A number of at most the length of a prime.
fn narrow<const LIMBS: usize>(value: UintRef<'_>) -> Option<Uint<LIMBS>> {
    wide(value).filter(|(_, upper)| *upper == Uint::ZERO).map(|(lower, _)| lower)
}

/// Checks the parts in numbers of half the modulus' length.
fn consistent<const LIMBS: usize>(key: &RsaPrivateKeyRef<'_>) -> Result<(), KeyError> {
    let one = Uint::<LIMBS>::ONE;
    let wide = |value| wide::<LIMBS>(value).ok_or_else(|| inconsistent("a part is too long"));
    let narrow = |value| {
        narrow::<LIMBS>(value).ok_or_else(|| {
            inconsistent("a part that belongs to one prime is longer than the primes")
        })
    };
    let (n, d) = (wide(key.modulus)?, wide(key.private_exponent)?);
    let (e, p, q) = (narrow(key.public_exponent)?, narrow(key.prime1)?, narrow(key.prime2)?);
    let (d_p, d_q) = (narrow(key.exponent1)?, narrow(key.exponent2)?);
    let q_inverse = narrow(key.coefficient)?;

    if key.public_exponent.as_bytes().len() > 8 || e <= one || e.is_even().into() {
        return Err(inconsistent(
            "the public exponent is not an odd number above 1 of at most 64 bits",
        ));
    }
    if p <= one || q <= one || p.is_even().into() || q.is_even().into() {
        return Err(inconsistent("a prime is even or below 2"));
    }
    if p.widening_mul(&q) != n {
        return Err(inconsistent("the modulus is not the product of the primes"));
    }
    let non_zero = |number| {
        Option::<NonZero<_>>::from(NonZero::new(number))
            .ok_or_else(|| inconsistent("a prime is below 2"))
    };
    for (prime, exponent) in [(&p, &d_p), (&q, &d_q)] {
        let order = non_zero(prime.wrapping_sub(&one))?;
        if Uint::rem_wide(d, &order) != *exponent {
            return Err(inconsistent(
                "an exponent for the Chinese remainder theorem is not the private exponent's",
            ));
        }
        if Uint::rem_wide(e.widening_mul(exponent), &order) != one {
            return Err(inconsistent("the private exponent does not undo the public one"));
        }
    }
    if q_inverse >= p || Uint::rem_wide(q_inverse.widening_mul(&q), &non_zero(p)?) != one {
        return Err(inconsistent("the coefficient is not the inverse of the second prime"));
    }
    Ok(())
}
