//! Object identifiers that const-oid's database lacks, and the names of all.

use std::fmt;

use const_oid::ObjectIdentifier;
use const_oid::db::DB;

macro_rules! object_identifiers {
    ($($name:ident = $oid:literal, $text:literal;)*) => {
        $(pub(crate) const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($oid);)*
        const NAMES: &[(ObjectIdentifier, &str)] = &[$(($name, $text)),*];
    };
}

object_identifiers! {
    // RFC 5758 section 3.2 names the others alone.
    ECDSA_WITH_SHA_1 = "1.2.840.10045.4.1", "ecdsa-with-SHA1";
    // RFC 8018 appendix C.
    PBE_WITH_MD2_AND_DES_CBC = "1.2.840.113549.1.5.1", "pbeWithMD2AndDES-CBC";
    PBE_WITH_MD5_AND_DES_CBC = "1.2.840.113549.1.5.3", "pbeWithMD5AndDES-CBC";
    PBE_WITH_MD2_AND_RC2_CBC = "1.2.840.113549.1.5.4", "pbeWithMD2AndRC2-CBC";
    PBE_WITH_MD5_AND_RC2_CBC = "1.2.840.113549.1.5.6", "pbeWithMD5AndRC2-CBC";
    PBE_WITH_SHA1_AND_DES_CBC = "1.2.840.113549.1.5.10", "pbeWithSHA1AndDES-CBC";
    PBE_WITH_SHA1_AND_RC2_CBC = "1.2.840.113549.1.5.11", "pbeWithSHA1AndRC2-CBC";
    PBKDF2 = "1.2.840.113549.1.5.12", "PBKDF2";
    PBES2 = "1.2.840.113549.1.5.13", "PBES2";
    HMAC_WITH_SHA1 = "1.2.840.113549.2.7", "hmacWithSHA1";
    HMAC_WITH_SHA224 = "1.2.840.113549.2.8", "hmacWithSHA224";
    HMAC_WITH_SHA256 = "1.2.840.113549.2.9", "hmacWithSHA256";
    HMAC_WITH_SHA384 = "1.2.840.113549.2.10", "hmacWithSHA384";
    HMAC_WITH_SHA512 = "1.2.840.113549.2.11", "hmacWithSHA512";
    HMAC_WITH_SHA512_224 = "1.2.840.113549.2.12", "hmacWithSHA512-224";
    HMAC_WITH_SHA512_256 = "1.2.840.113549.2.13", "hmacWithSHA512-256";
    DES_CBC = "1.3.14.3.2.7", "desCBC";
    RC2_CBC = "1.2.840.113549.3.2", "rc2CBC";
    DES_EDE3_CBC = "1.2.840.113549.3.7", "des-EDE3-CBC";
    RC5_CBC_PAD = "1.2.840.113549.3.9", "rc5-CBC-PAD";
    // RFC 7914 section 7.
    SCRYPT = "1.3.6.1.4.1.11591.4.11", "scrypt";
    // What other makers put into such files, for errors that say what it is.
    CAMELLIA128_CBC = "1.2.392.200011.61.1.1.1.2", "camellia128-cbc";
    CAMELLIA192_CBC = "1.2.392.200011.61.1.1.1.3", "camellia192-cbc";
    CAMELLIA256_CBC = "1.2.392.200011.61.1.1.1.4", "camellia256-cbc";
    ARIA256_CBC = "1.2.410.200046.1.1.12", "aria-256-cbc";
    SEED_CBC = "1.2.410.200004.1.4", "seed-cbc";
    SM4_CBC = "1.2.156.10197.1.104.2", "sm4-cbc";
    HMAC_SHA3_256 = "2.16.840.1.101.3.4.2.14", "hmacWithSHA3-256";
    HMAC_SM3 = "1.2.156.10197.1.401.2", "hmacWithSM3";
    SECP256K1 = "1.3.132.0.10", "secp256k1";
    SM2 = "1.2.156.10197.1.301", "SM2";
    X9_DH = "1.2.840.10046.2.1", "Diffie-Hellman";
    PKCS3_DH = "1.2.840.113549.1.3.1", "Diffie-Hellman";
}

/// What it is called, if anybody here knows.
pub(crate) fn name(oid: &ObjectIdentifier) -> Option<&'static str> {
    let own = NAMES.iter().find(|(known, _)| known == oid).map(|(_, name)| *name);
    own.or_else(|| DB.by_oid(oid))
}

/// An object identifier that prints its name beside itself, when it has a registered one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NamedOid(pub ObjectIdentifier);

impl fmt::Display for NamedOid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match name(&self.0) {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "{}", self.0),
        }
    }
}
