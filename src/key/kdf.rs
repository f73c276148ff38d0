//! How a key is derived from a passphrase, as a file gives it, judged before anything is derived.
//!
//! The parameters come from whoever made the file, so they are the place where a few hundred bytes could cost
//! hours or all memory. What passes here is bounded in both by [`KdfLimits`].

mod limits;

use std::fmt;

use der::asn1::{AnyRef, OctetStringRef, UintRef};
use der::{Decode, Encode, Sequence};
use spki::AlgorithmIdentifierRef;

#[cfg(feature = "insecure-legacy-encryption")]
use super::legacy;
use super::pbkdf2::{self, Prf};
use super::scrypt;
use crate::oid;

pub use limits::{KdfError, KdfLimits};

/// The hash function of PBES1 (RFC 8018 appendix A.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pbkdf1Hash {
    /// MD5, broken.
    Md5,
    /// SHA-1.
    Sha1,
}

impl fmt::Display for Pbkdf1Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
        })
    }
}

/// Salts longer than this are refused: PKCS#5 asks for 8 octets, NIST SP 800-132 for 16, and the
/// longest in use is ACM's 20.
const MAX_SALT: usize = 1024;

/// What the derivation of scrypt's 128 octets to each r and p, and back from them, costs, in passes over 128
/// octets: four digests of two compressions and more, both ways.
const SCRYPT_EXPANSION: u128 = 8;

/// How a key comes from a passphrase. The salt is apart, because it is not worth showing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyDerivation {
    /// PBKDF2 (RFC 8018 section 5.2).
    Pbkdf2 {
        /// The pseudo-random function.
        prf: Prf,
        /// How often it is applied.
        iterations: u32,
    },
    /// scrypt (RFC 7914).
    Scrypt {
        /// The cost parameter N, a power of two.
        cost: u64,
        /// The block size r, in units of 128 octets.
        block_size: u32,
        /// The parallelization parameter p.
        parallelization: u32,
    },
    /// PBKDF1 (RFC 8018 section 5.1), which PBES1 stands on. Broken: 16 octets at most, cheap to try.
    Pbkdf1 {
        /// The hash function.
        hash: Pbkdf1Hash,
        /// How often it is applied.
        iterations: u32,
    },
    /// The derivation of PKCS#12 (RFC 7292 appendix B.2) with SHA-1, on the passphrase in UTF-16.
    Pkcs12 {
        /// How often the hash function is applied.
        iterations: u32,
    },
    /// OpenSSL's `EVP_BytesToKey` with MD5 and one iteration, for its traditional PEM. Broken: as cheap to try as
    /// a hash.
    OpensslMd5,
}

/// `PBKDF2-params` (RFC 8018 appendix A.2):
///
/// ```text
/// PBKDF2-params ::= SEQUENCE {
///     salt CHOICE { specified OCTET STRING, otherSource AlgorithmIdentifier },
///     iterationCount INTEGER (1..MAX),
///     keyLength INTEGER (1..MAX) OPTIONAL,
///     prf AlgorithmIdentifier {{PBKDF2-PRFs}} DEFAULT algid-hmacWithSHA1 }
/// ```
#[derive(Sequence)]
struct Pbkdf2Params<'a> {
    salt: &'a OctetStringRef,
    iteration_count: UintRef<'a>,
    key_length: Option<u64>,
    prf: Option<AlgorithmIdentifierRef<'a>>,
}

/// RFC 7914 section 7.1:
///
/// ```text
/// scrypt-params ::= SEQUENCE {
///     salt OCTET STRING,
///     costParameter INTEGER (1..MAX),
///     blockSize INTEGER (1..MAX),
///     parallelizationParameter INTEGER (1..MAX),
///     keyLength INTEGER (1..MAX) OPTIONAL }
/// ```
#[derive(Sequence)]
struct ScryptParams<'a> {
    salt: &'a OctetStringRef,
    cost: UintRef<'a>,
    block_size: UintRef<'a>,
    parallelization: UintRef<'a>,
    key_length: Option<u64>,
}

/// `PBEParameter` (RFC 8018 appendix A.3) and `pkcs-12PbeParams` (RFC 7292 appendix C):
///
/// ```text
/// PBEParameter ::= SEQUENCE { salt OCTET STRING (SIZE(8)), iterationCount INTEGER }
/// ```
#[derive(Sequence)]
struct PbeParams<'a> {
    salt: &'a OctetStringRef,
    iteration_count: UintRef<'a>,
}

/// The number, or the largest that 64 bits hold.
fn saturated(value: UintRef<'_>) -> u64 {
    let octets = value.as_bytes();
    let mut number = [0; 8];
    match number.len().checked_sub(octets.len()) {
        Some(start) => {
            for (place, octet) in number.iter_mut().skip(start).zip(octets) {
                *place = *octet;
            }
            u64::from_be_bytes(number)
        }
        None => u64::MAX,
    }
}

fn iterations(count: UintRef<'_>, limits: &KdfLimits) -> Result<u32, KdfError> {
    let count = saturated(count);
    match u32::try_from(count) {
        Ok(iterations) if (1..=limits.max_iterations).contains(&iterations) => Ok(iterations),
        _ => Err(KdfError::Iterations { iterations: count, limit: limits.max_iterations }),
    }
}

fn salt(octets: &OctetStringRef) -> Result<Vec<u8>, KdfError> {
    let salt = octets.as_bytes();
    if salt.len() > MAX_SALT {
        return Err(KdfError::SaltLength { length: salt.len(), rule: "at most 1024 are" });
    }
    Ok(salt.to_vec())
}

/// What a file says of the derivation in a PBES2 scheme: how, the salt, and the key's length if it is stated.
pub(super) struct Pbes2Derivation {
    pub(super) kdf: KeyDerivation,
    pub(super) salt: Vec<u8>,
    pub(super) key_length: Option<u64>,
}

impl Pbes2Derivation {
    /// Reads PBKDF2's or scrypt's parameters and refuses those beyond the limits; `None` for another function.
    pub(super) fn read(
        algorithm: &AlgorithmIdentifierRef<'_>,
        limits: &KdfLimits,
    ) -> Option<Result<Self, KdfError>> {
        match algorithm.oid {
            oid::PBKDF2 => Some(Self::read_pbkdf2(algorithm.parameters, limits)),
            oid::SCRYPT => Some(Self::read_scrypt(algorithm.parameters, limits)),
            _ => None,
        }
    }

    fn read_pbkdf2(parameters: Option<AnyRef<'_>>, limits: &KdfLimits) -> Result<Self, KdfError> {
        let params: Pbkdf2Params<'_> = decode(parameters)?;
        let iterations = iterations(params.iteration_count, limits)?;
        let prf = params.prf.map_or(oid::HMAC_WITH_SHA1, |prf| prf.oid);
        let prf = Prf::of(prf).ok_or(KdfError::UnsupportedPrf { oid: prf })?;
        Ok(Self {
            kdf: KeyDerivation::Pbkdf2 { prf, iterations },
            salt: salt(params.salt)?,
            key_length: params.key_length,
        })
    }

    fn read_scrypt(parameters: Option<AnyRef<'_>>, limits: &KdfLimits) -> Result<Self, KdfError> {
        let params: ScryptParams<'_> = decode(parameters)?;
        let kdf = judge_scrypt(
            saturated(params.cost),
            saturated(params.block_size),
            saturated(params.parallelization),
            limits,
        )?;
        Ok(Self { kdf, salt: salt(params.salt)?, key_length: params.key_length })
    }
}

fn decode<'a, T: der::DecodeValue<'a, Error = der::Error> + der::FixedTag + 'a>(
    parameters: Option<AnyRef<'a>>,
) -> Result<T, KdfError> {
    let parameters = parameters.unwrap_or(AnyRef::NULL);
    parameters.decode_as().map_err(KdfError::Malformed)
}

/// Reads the parameters of PBES1 and of PKCS#12's schemes.
pub(super) fn read_pbe(
    parameters: AnyRef<'_>,
    limits: &KdfLimits,
) -> Result<(Vec<u8>, u32), KdfError> {
    let params: PbeParams<'_> = decode(Some(parameters))?;
    Ok((salt(params.salt)?, iterations(params.iteration_count, limits)?))
}

fn judge_scrypt(
    cost: u64,
    block_size: u64,
    parallelization: u64,
    limits: &KdfLimits,
) -> Result<KeyDerivation, KdfError> {
    let wrong = |parameter, value, rule| KdfError::Scrypt { parameter, value, rule };
    let (wide_cost, wide_block) = (u128::from(cost), u128::from(block_size));
    let wide_lanes = u128::from(parallelization);
    if cost < 2 || !cost.is_power_of_two() {
        return Err(wrong("cost parameter N", cost, "a power of two above 1"));
    }
    let small = |parameter, value| {
        u32::try_from(value)
            .ok()
            .filter(|&value| value > 0)
            .ok_or_else(|| wrong(parameter, value, "at least 1 and fewer than 2^32"))
    };
    let kdf = KeyDerivation::Scrypt {
        cost,
        block_size: small("block size r", block_size)?,
        parallelization: small("parallelization parameter p", parallelization)?,
    };
    // N < 2^(128 * r / 8).
    if block_size < 4 && cost >= 1 << (16 * block_size) {
        return Err(wrong("cost parameter N", cost, "less than 2^(16 * r)"));
    }
    if wide_block * wide_lanes >= 1 << 30 {
        return Err(wrong("parallelization parameter p", parallelization, "r * p below 2^30"));
    }
    // Each factor is below 2^64, and the two that multiply below 2^30 together.
    let octets = 128 * wide_block * (wide_cost + wide_lanes + 2);
    if octets > u128::from(limits.max_scrypt_memory) || usize::try_from(octets).is_err() {
        return Err(KdfError::ScryptMemory { octets, limit: limits.max_scrypt_memory });
    }
    // Beside the N blocks of each lane, what PBKDF2 makes of the passphrase and back.
    let blocks = (wide_cost + SCRYPT_EXPANSION) * wide_block * wide_lanes;
    if blocks > u128::from(limits.max_scrypt_work) {
        return Err(KdfError::ScryptWork { blocks, limit: limits.max_scrypt_work });
    }
    Ok(kdf)
}

impl KeyDerivation {
    /// Whether it may be done a second time and both together stay within the limits.
    pub(super) fn may_be_repeated(&self, limits: &KdfLimits) -> bool {
        match *self {
            Self::Pbkdf2 { iterations, .. }
            | Self::Pbkdf1 { iterations, .. }
            | Self::Pkcs12 { iterations } => iterations <= limits.max_iterations / 2,
            Self::Scrypt { cost, block_size, parallelization } => {
                (u128::from(cost) + SCRYPT_EXPANSION)
                    * u128::from(block_size)
                    * u128::from(parallelization)
                    <= u128::from(limits.max_scrypt_work / 2)
            }
            Self::OpensslMd5 => true,
        }
    }

    /// The `AlgorithmIdentifier` of a PBES2 scheme in DER; `None` for what no PBES2 scheme has.
    pub(super) fn to_algorithm(self, salt: &[u8]) -> der::Result<Option<Vec<u8>>> {
        let salt = OctetStringRef::new(salt)?;
        let (oid, parameters) = match self {
            Self::Pbkdf2 { prf, iterations } => {
                let iterations = iterations.to_be_bytes();
                let params = Pbkdf2Params {
                    salt,
                    iteration_count: UintRef::new(&iterations)?,
                    key_length: None,
                    // HMAC-SHA-1 is the default, and DER leaves defaults out.
                    prf: (prf != Prf::HmacSha1).then(|| AlgorithmIdentifierRef {
                        oid: prf.oid(),
                        parameters: Some(AnyRef::NULL),
                    }),
                };
                (oid::PBKDF2, params.to_der()?)
            }
            Self::Scrypt { cost, block_size, parallelization } => {
                let cost = cost.to_be_bytes();
                let [block_size, parallelization] =
                    [block_size, parallelization].map(u32::to_be_bytes);
                let params = ScryptParams {
                    salt,
                    cost: UintRef::new(&cost)?,
                    block_size: UintRef::new(&block_size)?,
                    parallelization: UintRef::new(&parallelization)?,
                    key_length: None,
                };
                (oid::SCRYPT, params.to_der()?)
            }
            Self::Pbkdf1 { .. } | Self::Pkcs12 { .. } | Self::OpensslMd5 => return Ok(None),
        };
        let parameters = Some(AnyRef::from_der(&parameters)?);
        AlgorithmIdentifierRef { oid, parameters }.to_der().map(Some)
    }

    /// Fills a cipher's key from a passphrase and, in the schemes that derive it too, its initialisation vector.
    ///
    /// # Errors
    /// [`KdfError::Memory`]; [`KdfError::Legacy`] where that is not built.
    pub(super) fn derive(
        self,
        passphrase: &[u8],
        salt: &[u8],
        key: &mut [u8],
        #[cfg_attr(not(feature = "insecure-legacy-encryption"), expect(unused_variables))]
        iv: &mut [u8],
    ) -> Result<(), KdfError> {
        match self {
            Self::Pbkdf2 { prf, iterations } => {
                pbkdf2::derive(prf, passphrase, salt, iterations, key);
                Ok(())
            }
            Self::Scrypt { cost, block_size, parallelization } => {
                // Judged when it was read: their products are sizes of memory.
                let size = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
                let parameters =
                    (size(cost), size(block_size.into()), size(parallelization.into()));
                scrypt::derive(passphrase, salt, parameters, key).map_err(KdfError::Memory)
            }
            #[cfg(feature = "insecure-legacy-encryption")]
            Self::Pbkdf1 { hash, iterations } => {
                let derive = match hash {
                    Pbkdf1Hash::Md5 => legacy::pbkdf1::<md5::Md5>,
                    Pbkdf1Hash::Sha1 => legacy::pbkdf1::<sha1::Sha1>,
                };
                derive(passphrase, salt, iterations, key, iv);
                Ok(())
            }
            #[cfg(feature = "insecure-legacy-encryption")]
            Self::Pkcs12 { iterations } => {
                legacy::pkcs12(passphrase, salt, iterations, key, iv);
                Ok(())
            }
            #[cfg(feature = "insecure-legacy-encryption")]
            Self::OpensslMd5 => {
                legacy::openssl_md5(passphrase, salt, key);
                Ok(())
            }
            #[cfg(not(feature = "insecure-legacy-encryption"))]
            Self::Pbkdf1 { .. } | Self::Pkcs12 { .. } | Self::OpensslMd5 => Err(KdfError::Legacy),
        }
    }
}

impl fmt::Display for KeyDerivation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pbkdf2 { prf, iterations } => {
                write!(f, "PBKDF2 with {prf}, {iterations} iterations")
            }
            Self::Scrypt { cost, block_size, parallelization } => {
                let memory = cost.saturating_mul(u64::from(*block_size)).div_ceil(8);
                write!(
                    f,
                    "scrypt with N = {cost}, r = {block_size}, p = {parallelization} ({memory} KiB of memory)"
                )
            }
            Self::Pbkdf1 { hash, iterations } => {
                write!(f, "PBKDF1 with {hash}, {iterations} iterations")
            }
            Self::Pkcs12 { iterations } => {
                write!(f, "PKCS#12's derivation with SHA-1, {iterations} iterations")
            }
            Self::OpensslMd5 => f.write_str("one MD5 of passphrase and salt (EVP_BytesToKey)"),
        }
    }
}
