//! How much a stranger's file may cost, and what is said when it asks for more.

use std::collections::TryReserveError;

use const_oid::ObjectIdentifier;

use crate::oid::NamedOid;

/// Why a file's key-derivation parameters are refused. Nothing was derived.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum KdfError {
    /// The parameters have another structure than the function's.
    #[error("the parameters of the key derivation are malformed: {0}")]
    Malformed(#[source] der::Error),
    /// The iteration count is zero or above the limit.
    #[error(
        "the key asks for {iterations} iterations of its key derivation; 1 to {limit} are accepted: none would be no derivation, and more could take hours"
    )]
    Iterations {
        /// What the file asks for; counts beyond 64 bits are told as the largest of them.
        iterations: u64,
        /// The limit in force.
        limit: u32,
    },
    /// A parameter of scrypt is none that scrypt can have.
    #[error(
        "scrypt's {parameter} is {value}, and RFC 7914 section 2 asks for {rule}: the file was changed, or its maker has a fault"
    )]
    Scrypt {
        /// "cost parameter N", "block size r" or "parallelization parameter p".
        parameter: &'static str,
        /// What the file says; values beyond 64 bits are told as the largest of them.
        value: u64,
        /// What it has to be.
        rule: &'static str,
    },
    /// scrypt would take more memory than the limit.
    #[error(
        "the key asks scrypt for {octets} octets of memory; {limit} are accepted, so that a stranger's file cannot take all there is"
    )]
    ScryptMemory {
        /// Octets that N, r and p ask for together.
        octets: u128,
        /// The limit in force.
        limit: u64,
    },
    /// scrypt would take more time than the limit.
    #[error(
        "the key asks scrypt for (N + 8) * r * p = {blocks} blocks of work; {limit} are accepted, so that a stranger's file cannot take hours"
    )]
    ScryptWork {
        /// N + 8, times r, times p.
        blocks: u128,
        /// The limit in force.
        limit: u64,
    },
    /// The derivation is one of the broken ones, and they are not built.
    #[error("the key derivation is read only with the feature `insecure-legacy-encryption`")]
    Legacy,
    /// The memory that scrypt asks for, within the limit, is not there.
    #[error("the key asks scrypt for more memory than this process can get: {0}")]
    Memory(#[source] TryReserveError),
    /// The salt is longer than any maker writes, or has not the one length that its scheme knows.
    #[error("the salt has {length} octets; {rule} accepted")]
    SaltLength {
        /// Octets in the file.
        length: usize,
        /// "at most 1024 are" or "8 are".
        rule: &'static str,
    },
    /// The stated key length is not the cipher's.
    #[error("the key derivation is to give {stated} octets and the cipher needs {needed}")]
    KeyLength {
        /// Octets the file states.
        stated: u64,
        /// Octets the cipher needs.
        needed: usize,
    },
    /// The pseudo-random function is not supported.
    #[error(
        "the pseudo-random function {} of PBKDF2 is not supported; rewrite the key with `openssl pkcs8 -topk8 -in FILE -out NEW_FILE`",
        NamedOid(*oid)
    )]
    UnsupportedPrf {
        /// Its object identifier.
        oid: ObjectIdentifier,
    },
}

/// How much a stranger's file may cost. The defaults and their reasons are in
/// [the manual](crate::manual::defaults).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct KdfLimits {
    /// The most iterations of PBKDF2 and of the derivations of PBES1 and PKCS#12.
    pub max_iterations: u32,
    /// The most memory of scrypt, in octets: 128 · r · (N + p + 2).
    pub max_scrypt_memory: u64,
    /// The most work of scrypt, as (N + 8) · r · p: each is a pass over 128 octets, twice.
    pub max_scrypt_work: u64,
}

impl Default for KdfLimits {
    fn default() -> Self {
        Self {
            max_iterations: 10_000_000,
            max_scrypt_memory: 256 * 1024 * 1024,
            max_scrypt_work: 1 << 24,
        }
    }
}

impl KdfLimits {
    /// With another limit for iterations.
    #[must_use]
    pub const fn with_max_iterations(mut self, iterations: u32) -> Self {
        self.max_iterations = iterations;
        self
    }

    /// With another limit for the memory of scrypt, in octets.
    #[must_use]
    pub const fn with_max_scrypt_memory(mut self, octets: u64) -> Self {
        self.max_scrypt_memory = octets;
        self
    }

    /// With another limit for the work of scrypt.
    #[must_use]
    pub const fn with_max_scrypt_work(mut self, blocks: u64) -> Self {
        self.max_scrypt_work = blocks;
        self
    }
}
