//! ECDSA (SEC 1 section 4.1.4) over P-256, P-384 and P-521.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};
use elliptic_curve::ops::{Invert, Reduce};
use elliptic_curve::{Field as _, FieldBytes, PrimeField};
use p256::NistP256;
use p384::NistP384;
use p521::NistP521;
use signature::hazmat::PrehashVerifier;

use super::curve::{Curve, PointOnCurve, Table, combination_has_x};
use super::graviola;
use super::scheme::Hash;

/// How many signatures a key verifies before its table is made, which some forty more win back.
const USES_BEFORE_TABLE: u32 = 16;

/// A public key: a point that lies on its curve.
#[derive(Debug, Clone)]
pub(crate) struct EcdsaPublicKey<'a, C: Curve> {
    sec1: &'a [u8],
    point: PointOnCurve<C::Field>,
}

impl<'a, C: Curve> EcdsaPublicKey<'a, C> {
    /// A point in the uncompressed form; `None` if it does not lie on the curve.
    #[inline]
    pub(super) fn from_sec1(sec1: &'a [u8]) -> Option<Self> {
        Some(Self { sec1, point: PointOnCurve::from_sec1::<C>(sec1)? })
    }
}

/// A signature: two numbers from 1 to n - 1.
struct Signature<C: Curve> {
    r: C::Scalar,
    s: C::Scalar,
}

impl<C: Curve> Signature<C> {
    /// Reads an `ECDSA-Sig-Value` (RFC 3279 section 2.2.3).
    fn from_der(der: &[u8]) -> Option<Self> {
        let mut reader = SliceReader::new(der).ok()?;
        let (r, s) = reader
            .sequence(|numbers| {
                Ok::<_, der::Error>((UintRef::decode(numbers)?, UintRef::decode(numbers)?))
            })
            .ok()?;
        reader.finish().ok()?;
        Some(Self { r: Self::number(r)?, s: Self::number(s)? })
    }

    fn number(number: UintRef<'_>) -> Option<C::Scalar> {
        let octets = padded::<C>(number.as_bytes())?;
        let number = Option::<C::Scalar>::from(C::Scalar::from_repr(octets))?;
        (!bool::from(number.is_zero())).then_some(number)
    }
}

/// Octets with zeros before them, as many as a number modulo the order has; `None` if there are more.
fn padded<C: Curve>(octets: &[u8]) -> Option<FieldBytes<C>> {
    let mut padded = FieldBytes::<C>::default();
    let start = padded.len().checked_sub(octets.len())?;
    padded.get_mut(start..)?.copy_from_slice(octets);
    Some(padded)
}

/// The number that a digest stands for: its leftmost bits (SEC 1 section 4.1.4 step 3). The orders
/// have 256, 384 and 521 bits, and digests whole octets, so that it is whole octets too.
fn number_of_digest<C: Curve>(digest: &[u8]) -> C::Scalar {
    let length = FieldBytes::<C>::default().len().min(digest.len());
    let octets = digest.get(..length).and_then(padded::<C>).unwrap_or_default();
    <C::Scalar as Reduce<FieldBytes<C>>>::reduce(&octets)
}

/// A curve, with the engines that verify a signature under a key without a table.
pub(super) trait Engines: Curve {
    /// graviola's, where it is there.
    fn graviola(key: &[u8], hash: Hash, message: &[u8], signature: &[u8]) -> Option<bool>;

    /// RustCrypto's.
    fn rust_crypto(key: &[u8], digest: &[u8], r: FieldBytes<Self>, s: FieldBytes<Self>) -> bool;
}

macro_rules! engines {
    ($curve:ident, $module:ident, $graviola:expr) => {
        impl Engines for $curve {
            fn graviola(key: &[u8], hash: Hash, message: &[u8], signature: &[u8]) -> Option<bool> {
                $graviola(key, hash, message, signature)
            }

            fn rust_crypto(
                key: &[u8],
                digest: &[u8],
                r: FieldBytes<Self>,
                s: FieldBytes<Self>,
            ) -> bool {
                let key = $module::ecdsa::VerifyingKey::from_sec1_bytes(key);
                let signature = $module::ecdsa::Signature::from_scalars(r, s);
                key.is_ok_and(|key| {
                    signature.is_ok_and(|signature| key.verify_prehash(digest, &signature).is_ok())
                })
            }
        }
    };
}

engines!(NistP256, p256, graviola::p256);
engines!(NistP384, p384, graviola::p384);
engines!(NistP521, p521, |_, _, _, _| None);

/// A public key that verifies.
pub(super) struct EcdsaKey<C: Curve> {
    /// In the uncompressed form.
    sec1: Box<[u8]>,
    point: PointOnCurve<C::Field>,
    table: OnceLock<Table<C::Field>>,
    uses: AtomicU32,
}

impl<C: Engines> EcdsaKey<C> {
    pub(super) fn new(key: &EcdsaPublicKey<'_, C>) -> Self {
        let (table, uses) = (OnceLock::new(), AtomicU32::new(0));
        Self { sec1: key.sec1.into(), point: key.point, table, uses }
    }

    /// Makes the table, if it is not there.
    pub(super) fn prepare(&self) {
        // A signature takes both, and nobody should wait for the other one in the middle of it.
        C::constants().generator();
        self.table
            .get_or_init(|| Table::new(&self.point.into(), C::Scalar::NUM_BITS, C::KEY_WIDTH));
    }

    /// Counts a use: the one that is one too many makes the table, and others verify without it meanwhile.
    pub(super) fn count_use(&self) {
        if self.table.get().is_none()
            && self.uses.fetch_add(1, Ordering::Relaxed) == USES_BEFORE_TABLE
        {
            self.prepare();
        }
    }

    pub(super) fn verify(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let Some(signature) = Signature::<C>::from_der(signature) else {
            return false;
        };
        match self.table.get() {
            Some(table) => {
                hash.over(message, |digest| Self::verify_with(table, digest, &signature))
            }
            None => self.verify_without_table(hash, message, &signature),
        }
    }

    fn verify_with(table: &Table<C::Field>, digest: &[u8], signature: &Signature<C>) -> bool {
        let inverse: Option<C::Scalar> = signature.s.invert_vartime().into();
        inverse.is_some_and(|inverse| {
            let by_generator = number_of_digest::<C>(digest) * inverse;
            combination_has_x::<C>(by_generator, table, signature.r * inverse, signature.r)
        })
    }

    fn verify_without_table(&self, hash: Hash, message: &[u8], signature: &Signature<C>) -> bool {
        let (r, s) = (signature.r.to_repr(), signature.s.to_repr());
        let mut fixed = [0; 2 * 66];
        let length = r.len() + s.len();
        for (to, from) in fixed.iter_mut().zip(r.iter().chain(&s)) {
            *to = *from;
        }
        let fixed = fixed.get(..length).unwrap_or_default();
        C::graviola(&self.sec1, hash, message, fixed).unwrap_or_else(|| {
            hash.over(message, |digest| C::rust_crypto(&self.sec1, digest, r, s))
        })
    }
}

/// What the fuzz targets ask.
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::*;

    /// A key on P-256 with its table.
    #[derive(Debug)]
    pub struct PreparedP256(Table<<NistP256 as Curve>::Field>);

    impl PreparedP256 {
        /// From a point in the uncompressed form, if it lies on the curve.
        pub fn from_sec1(octets: &[u8]) -> Option<Self> {
            let key = EcdsaPublicKey::<NistP256>::from_sec1(octets)?;
            Some(Self(Table::new(&key.point.into(), p256::Scalar::NUM_BITS, NistP256::KEY_WIDTH)))
        }

        /// Whether the DER signature is the key's over a message with this digest.
        pub fn verify(&self, digest: &[u8], signature: &[u8]) -> bool {
            Signature::<NistP256>::from_der(signature).is_some_and(|signature| {
                EcdsaKey::<NistP256>::verify_with(&self.0, digest, &signature)
            })
        }
    }
}

#[cfg(test)]
mod tests;
