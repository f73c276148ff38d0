//! ECDSA (SEC 1 section 4.1.4) over P-256, P-384 and P-521.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use der::asn1::UintRef;
use der::{Decode, Reader, SliceReader};

use super::curve::{Curve, PointOnCurve, Sum, Table, sum_of_multiples};
use super::field::Field;
use super::scheme::Hash;

/// How many signatures a key verifies before its table is made, which some fifteen more win back.
const USES_BEFORE_TABLE: u32 = 16;

/// A public key: a point that lies on its curve.
#[derive(Debug, Clone)]
pub(crate) struct EcdsaPublicKey<C: Curve>(PointOnCurve<C::Field>);

impl<C: Curve> EcdsaPublicKey<C> {
    /// A point in the uncompressed form; `None` if it does not lie on the curve.
    #[inline]
    pub(super) fn from_sec1(sec1: &[u8]) -> Option<Self> {
        PointOnCurve::from_sec1::<C>(sec1).map(Self)
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
        let number = |number: UintRef<'_>| {
            C::Scalar::from_be_bytes(number.as_bytes()).filter(|number| !number.is_zero())
        };
        Some(Self { r: number(r)?, s: number(s)? })
    }
}

/// A public key that verifies.
pub(super) struct EcdsaKey<C: Curve> {
    point: PointOnCurve<C::Field>,
    table: OnceLock<Table<C::Field>>,
    uses: AtomicU32,
}

impl<C: Curve> EcdsaKey<C> {
    pub(super) fn new(key: &EcdsaPublicKey<C>) -> Self {
        Self { point: key.0, table: OnceLock::new(), uses: AtomicU32::new(0) }
    }

    /// Makes the table, if it is not there.
    pub(super) fn prepare(&self) {
        // A signature takes both, and nobody should wait for the other one in the middle of it.
        C::constants().generator();
        self.table.get_or_init(|| Table::new(self.point.into(), C::Scalar::BITS, C::KEY_WIDTH));
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
        Signature::from_der(signature).is_some_and(|signature| {
            hash.over(message, |digest| self.verify_digest(digest, &signature))
        })
    }

    /// SEC 1 section 4.1.4, from step 3. Of a digest that is longer than the order the leftmost bits count: those are
    /// whole octets for orders of 256 and 384 bits, and no digest (64 octets at most) is longer than 521 bits.
    fn verify_digest(&self, digest: &[u8], Signature { r, s }: &Signature<C>) -> bool {
        let Some(inverse) = s.invert() else {
            return false;
        };
        let by_generator = C::Scalar::reduced_from_be_bytes(digest) * inverse;
        let by_key = *r * inverse;
        let sum = match self.table.get() {
            Some(table) => {
                let sum = C::constants().generator().add_multiple(Sum::INFINITY, by_generator);
                table.add_multiple(sum, by_key)
            }
            None => sum_of_multiples::<C>(by_generator, self.point.into(), by_key),
        };
        sum.has_x_modulo_order::<C>(*r)
    }
}

/// What the fuzz targets ask.
#[cfg(fuzzing)]
pub mod fuzzing {
    use super::*;
    use crate::verify::signature::curve::P256;

    /// A key on P-256, once with its table and once without.
    #[expect(missing_debug_implementations, reason = "nobody prints it")]
    pub struct P256Key {
        with_table: EcdsaKey<P256>,
        without_table: EcdsaKey<P256>,
    }

    impl P256Key {
        /// From a point in the uncompressed form, if it lies on the curve.
        pub fn from_sec1(octets: &[u8]) -> Option<Self> {
            let key = EcdsaPublicKey::from_sec1(octets)?;
            let (with_table, without_table) = (EcdsaKey::new(&key), EcdsaKey::new(&key));
            with_table.prepare();
            Some(Self { with_table, without_table })
        }

        /// Whether the DER signature is the key's over a message with this digest, by both.
        pub fn verify(&self, digest: &[u8], signature: &[u8]) -> [bool; 2] {
            let signature = Signature::from_der(signature);
            [&self.with_table, &self.without_table].map(|key| {
                signature.as_ref().is_some_and(|signature| key.verify_digest(digest, signature))
            })
        }
    }
}

#[cfg(test)]
mod tests;
