//! What becomes of each file. The passphrases are those of pyca/cryptography's own tests
//! (tests/hazmat/primitives/test_serialization.py).

use Outcome::Reads;
use const_oid::ObjectIdentifier;
use const_oid::db::{rfc5912, rfc8410};
use private_ca::KeyAlgorithm::{self, EcdsaP256, Ed25519, MlDsa44, RsaPss};
use private_ca::key::EncryptedKeyError::{
    self, Kdf, Key, Length, TraditionalHeaders, Unsupported, WrongPassphrase,
};
use private_ca::key::KdfError;
use private_ca::key::KeyError::{
    Inconsistent, Malformed, NoCurve, NoKey, Pem, RsaSize, UnsupportedAlgorithm, WithoutSeed,
};
use private_ca::pem::PemError;

/// A file and what becomes of it.
pub(super) struct File {
    /// Its path below `asymmetric`.
    pub(super) path: &'static str,
    /// `None` for one that is not encrypted.
    pub(super) passphrase: Option<&'static str>,
    pub(super) outcome: Outcome,
}

pub(super) enum Outcome {
    Reads(KeyAlgorithm),
    Refused { pattern: &'static str, matches: fn(&EncryptedKeyError) -> bool, why: &'static str },
}

/// Private keys in files of one key, and the public key where somebody wrote it down.
pub(super) struct SameKey {
    pub(super) private: &'static [&'static str],
    pub(super) public: &'static [&'static str],
}

macro_rules! refused {
    ($pattern:pat, $why:literal) => {
        Outcome::Refused {
            pattern: stringify!($pattern),
            matches: |error| matches!(error, $pattern),
            why: $why,
        }
    };
}

const fn plain(path: &'static str, outcome: Outcome) -> File {
    File { path, passphrase: None, outcome }
}

const fn under(path: &'static str, passphrase: &'static str, outcome: Outcome) -> File {
    File { path, passphrase: Some(passphrase), outcome }
}

/// Of a file that is refused before anybody asks for it.
const UNDOCUMENTED: &str = "";

const RSA_2048: Outcome = Reads(KeyAlgorithm::RSA_2048);
const RSA_4096: Outcome = Reads(KeyAlgorithm::RSA_4096);
const RSA_PSS_2048: Outcome = Reads(RsaPss { bits: 2048 });

/// Where it is encrypted, this also says that it was decrypted.
const SMALL: Outcome = refused!(Key(RsaSize { bits: 1024 }), "RSA of 1024 bits");
const DSA: Outcome = refused!(Key(UnsupportedAlgorithm { oid: rfc5912::ID_DSA }), "DSA");
const ED448: Outcome = refused!(Key(UnsupportedAlgorithm { oid: rfc8410::ID_ED_448 }), "Ed448");
const PUBLIC: Outcome = refused!(Key(NoKey { .. }), "a public key");
const PUBLIC_DER: Outcome = refused!(Key(Malformed(_)), "a public key");
const DESCRIBED: Outcome = refused!(Key(NoCurve), "the curve is described, not named");

const BAD_DSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.37.11229.117.11229.113");
const BAD_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("0.24.97.792.97.792.97.792");
const UNKNOWN_CIPHER: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.3.7.23.321.3");
const UNKNOWN_CURVE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.8301.3.1.2.9.0.33");
const UNKNOWN_KDF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.12.321.321");
const UNKNOWN_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.1004321.3213.321");
const UNKNOWN_PRF: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.2.9.213.321");
const SECP128R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.28");

pub(super) static FILES: &[File] = &[
    under(
        "PKCS8/bad-encryption-oid.pem",
        "password",
        refused!(Unsupported { oid: BAD_ENCRYPTION, .. }, "no such encryption"),
    ),
    plain(
        "PKCS8/bad-oid-dsa-key.pem",
        refused!(Key(UnsupportedAlgorithm { oid: BAD_DSA }), "no such algorithm"),
    ),
    plain("PKCS8/ec-consistent-curve.pem", Reads(EcdsaP256)),
    plain(
        "PKCS8/ec-inconsistent-curve.pem",
        refused!(Key(Inconsistent { algorithm: "EC", .. }), "P-256 outside, P-384 inside"),
    ),
    plain(
        "PKCS8/ec-inconsistent-curve2.pem",
        refused!(Key(Inconsistent { algorithm: "EC", .. }), "P-384 outside, P-256 inside"),
    ),
    plain(
        "PKCS8/ec-invalid-private-scalar.pem",
        refused!(Key(Inconsistent { algorithm: "EC", .. }), "the private number is too large"),
    ),
    plain(
        "PKCS8/ec-invalid-version.pem",
        refused!(Key(Malformed(_)), "ECPrivateKey of a version that does not exist"),
    ),
    plain("PKCS8/ec_oid_not_in_reg_private_2.pkcs8.pem", DESCRIBED),
    plain("PKCS8/ec_private_key.pem", Reads(EcdsaP256)),
    under("PKCS8/ec_private_key_encrypted.pem", "123456", Reads(EcdsaP256)),
    plain("PKCS8/ecc_private_with_rfc5915_ext.pem", Reads(EcdsaP256)),
    under("PKCS8/ed25519-scrypt.pem", "hunter42", Reads(Ed25519)),
    under("PKCS8/enc-ec-sha1-128-rc4.pem", "password", Reads(EcdsaP256)),
    under("PKCS8/enc-rsa-3des.pem", "password", RSA_2048),
    under(
        "PKCS8/enc-rsa-pkcs8-pbkdf2-0iter.pem",
        UNDOCUMENTED,
        refused!(Kdf(KdfError::Iterations { iterations: 0, .. }), "no iterations"),
    ),
    under("PKCS8/enc-rsa-pkcs8.pem", "foobar", SMALL),
    under(
        "PKCS8/enc-unknown-algorithm.pem",
        "password",
        refused!(Unsupported { oid: UNKNOWN_CIPHER, .. }, "no such cipher"),
    ),
    under(
        "PKCS8/enc-unknown-kdf.pem",
        "password",
        refused!(Unsupported { oid: UNKNOWN_KDF, .. }, "no such key derivation"),
    ),
    under(
        "PKCS8/enc-unknown-pbkdf2-prf.pem",
        "password",
        refused!(Kdf(KdfError::UnsupportedPrf { oid: UNKNOWN_PRF }), "no such hash function"),
    ),
    under("PKCS8/enc2-rsa-pkcs8.pem", "baz", SMALL),
    plain(
        "PKCS8/invalid-version.der",
        refused!(Key(Malformed(_)), "PKCS#8 of version 2 without its public key"),
    ),
    plain("PKCS8/nodompar_private.pkcs8.pem", DESCRIBED),
    under("PKCS8/pkcs12_s2k_pem-X_9607.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9671.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9925.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9926.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9927.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9928.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9929.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9930.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9931.pem", "123456", SMALL),
    under("PKCS8/pkcs12_s2k_pem-X_9932.pem", "123456", SMALL),
    plain("PKCS8/private.pem", DESCRIBED),
    under("PKCS8/rsa-40bitrc2.pem", "baz", SMALL),
    under("PKCS8/rsa-aes-192-cbc.pem", "PolarSSLTest", RSA_2048),
    under("PKCS8/rsa-pbe-3des-long-salt.pem", "password", RSA_4096),
    under("PKCS8/rsa-pbewithmd5anddescbc.pem", "hunter2", RSA_2048),
    // The next one with another number in its parameters: what RFC 8018 makes of that decrypts to noise.
    under(
        "PKCS8/rsa-rc2-cbc-effective-key-length.pem",
        "Red Hat Enterprise Linux 7.4",
        refused!(WrongPassphrase, "RC2 of another strength than it was encrypted with"),
    ),
    under("PKCS8/rsa-rc2-cbc.pem", "Red Hat Enterprise Linux 7.4", RSA_2048),
    under("PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha224.pem", "PolarSSLTest", RSA_2048),
    under("PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha384.pem", "PolarSSLTest", RSA_2048),
    under("PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha512.pem", "PolarSSLTest", RSA_2048),
    plain("PKCS8/rsa_pss_2048.pem", RSA_PSS_2048),
    plain("PKCS8/rsa_pss_2048_hash.pem", RSA_PSS_2048),
    plain("PKCS8/rsa_pss_2048_hash_mask.pem", RSA_PSS_2048),
    plain("PKCS8/rsa_pss_2048_hash_mask_diff.pem", RSA_PSS_2048),
    plain("PKCS8/rsa_pss_2048_hash_mask_salt.pem", RSA_PSS_2048),
    plain("PKCS8/rsa_pss_2048_pub.der", PUBLIC_DER),
    plain("PKCS8/unenc-dsa-pkcs8.pem", DSA),
    plain("PKCS8/unenc-dsa-pkcs8.pub.pem", PUBLIC),
    plain("PKCS8/unenc-rsa-pkcs8.pem", SMALL),
    plain("PKCS8/unenc-rsa-pkcs8.pub.pem", PUBLIC),
    plain(
        "PKCS8/unknown-oid.der",
        refused!(Key(UnsupportedAlgorithm { oid: UNKNOWN_KEY }), "no such algorithm"),
    ),
    plain(
        "PKCS8/withdompar_private.pkcs8.pem",
        refused!(Key(UnsupportedAlgorithm { oid: UNKNOWN_CURVE }), "a curve of its own"),
    ),
    // PKCS#8 under the label of PKCS#1.
    plain("PKCS8/wrong-pem-delimiter-rsa.pem", RSA_2048),
    plain(
        "PEM_Serialization/README.txt",
        refused!(Key(Pem(PemError::NoBlock)), "text about the others"),
    ),
    plain("PEM_Serialization/dsa_4096.pem", DSA),
    under("PEM_Serialization/dsa_private_key.pem", "123456", DSA),
    plain("PEM_Serialization/dsa_public_key.pem", PUBLIC),
    plain(
        "PEM_Serialization/dsaparam.pem",
        refused!(Key(NoKey { .. }), "parameters, of which a key could be made"),
    ),
    plain("PEM_Serialization/ec_private_key.pem", Reads(EcdsaP256)),
    under("PEM_Serialization/ec_private_key_encrypted.pem", "123456", Reads(EcdsaP256)),
    plain("PEM_Serialization/ec_public_key.pem", PUBLIC),
    plain("PEM_Serialization/ec_public_key_rsa_delimiter.pem", PUBLIC),
    plain(
        "PEM_Serialization/rsa-bad-1025-q-is-2.pem",
        refused!(Key(RsaSize { bits: 1025 }), "RSA of 1025 bits, and a prime is 2"),
    ),
    under("PEM_Serialization/rsa_private_key.pem", "123456", RSA_2048),
    plain("PEM_Serialization/rsa_public_key.pem", PUBLIC),
    plain("PEM_Serialization/rsa_wrong_delimiter_public_key.pem", PUBLIC),
    plain("Traditional_OpenSSL_Serialization/dsa-wrong-version.pem", DSA),
    plain("Traditional_OpenSSL_Serialization/dsa.1024.pem", DSA),
    plain("Traditional_OpenSSL_Serialization/dsa.2048.pem", DSA),
    plain("Traditional_OpenSSL_Serialization/dsa.3072.pem", DSA),
    under(
        "Traditional_OpenSSL_Serialization/key1-malformed-dek-info.pem",
        "password",
        refused!(TraditionalHeaders { line: 1, .. }, "a cipher without initialisation vector"),
    ),
    under(
        "Traditional_OpenSSL_Serialization/key1-malformed-iv.pem",
        "password",
        refused!(TraditionalHeaders { line: 1, .. }, "the initialisation vector is zzzz"),
    ),
    under(
        "Traditional_OpenSSL_Serialization/key1-no-dek-info.pem",
        "password",
        refused!(TraditionalHeaders { line: 1, .. }, "encrypted, and no cipher is named"),
    ),
    under(
        "Traditional_OpenSSL_Serialization/key1-short-iv.pem",
        "password",
        refused!(Length { length: 2, .. }, "the initialisation vector is aaaa"),
    ),
    under("Traditional_OpenSSL_Serialization/key1.pem", "123456", RSA_2048),
    under("Traditional_OpenSSL_Serialization/key2.pem", "a123456", RSA_2048),
    plain(
        "Traditional_OpenSSL_Serialization/rsa-wrong-version.pem",
        refused!(Key(Malformed(_)), "RSAPrivateKey of a version that does not exist"),
    ),
    under("Traditional_OpenSSL_Serialization/testrsa-encrypted.pem", "password", RSA_2048),
    plain("Traditional_OpenSSL_Serialization/testrsa.pem", RSA_2048),
    plain("DER_Serialization/dsa.1024.der", DSA),
    plain("DER_Serialization/dsa.2048.der", DSA),
    plain("DER_Serialization/dsa.3072.der", DSA),
    plain("DER_Serialization/dsa_public_key.der", PUBLIC_DER),
    plain("DER_Serialization/dsa_public_key_invalid_bit_string.der", PUBLIC_DER),
    plain("DER_Serialization/dsa_public_key_no_params.der", PUBLIC_DER),
    plain("DER_Serialization/ec_private_key.der", Reads(EcdsaP256)),
    under("DER_Serialization/ec_private_key_encrypted.der", "123456", Reads(EcdsaP256)),
    plain("DER_Serialization/ec_public_key.der", PUBLIC_DER),
    under("DER_Serialization/enc-rsa-pkcs8.der", "foobar", SMALL),
    under("DER_Serialization/enc2-rsa-pkcs8.der", "baz", SMALL),
    plain("DER_Serialization/rsa_public_key.der", PUBLIC_DER),
    plain("DER_Serialization/testrsa.der", RSA_2048),
    plain("DER_Serialization/unenc-dsa-pkcs8.der", DSA),
    plain("DER_Serialization/unenc-dsa-pkcs8.pub.der", PUBLIC_DER),
    plain("DER_Serialization/unenc-rsa-pkcs8.der", SMALL),
    plain("DER_Serialization/unenc-rsa-pkcs8.pub.der", PUBLIC_DER),
    plain("EC/ec-missing-curve.pem", refused!(Key(NoCurve), "no curve is named")),
    plain(
        "EC/ec_private_key_non_zero_unused_bits.der",
        refused!(Key(Malformed(_)), "the public key has a bit that is unused and set"),
    ),
    plain("EC/explicit_parameters_private_key.pem", DESCRIBED),
    plain("EC/explicit_parameters_wap_wsg_idm_ecid_wtls11_private_key.pem", DESCRIBED),
    plain("EC/high-bit-set.pem", Reads(EcdsaP256)),
    plain(
        "EC/secp128r1_private_key.pem",
        refused!(Key(UnsupportedAlgorithm { oid: SECP128R1 }), "a curve of 128 bits"),
    ),
    plain("EC/secp256k1-explicit-no-seed.pem", DESCRIBED),
    plain("EC/secp256k1-pub-explicit-no-seed.pem", PUBLIC),
    plain("EC/secp256r1-explicit-no-seed.pem", DESCRIBED),
    plain("EC/secp256r1-explicit-seed.pem", DESCRIBED),
    plain("EC/secp256r1-pub-explicit-no-seed.pem", PUBLIC),
    plain("EC/secp256r1-pub-explicit-seed.pem", PUBLIC),
    plain("EC/secp384r1-explicit-no-seed.pem", DESCRIBED),
    plain("EC/secp384r1-explicit-seed.pem", DESCRIBED),
    plain("EC/secp384r1-pub-explicit-no-seed.pem", PUBLIC),
    plain("EC/secp384r1-pub-explicit-seed.pem", PUBLIC),
    plain("EC/secp521r1-explicit-no-seed.pem", DESCRIBED),
    plain("EC/secp521r1-explicit-seed.pem", DESCRIBED),
    plain("EC/secp521r1-pub-explicit-no-seed.pem", PUBLIC),
    plain("EC/secp521r1-pub-explicit-seed.pem", PUBLIC),
    plain("EC/sect163k1-spki.pem", PUBLIC),
    plain("EC/sect163r2-spki.pem", PUBLIC),
    plain("EC/sect233k1-spki.pem", PUBLIC),
    plain("EC/sect233r1-spki.pem", PUBLIC),
    // One octet of 32: the zeros before it are left out.
    plain("EC/truncated-private-key.der", Reads(EcdsaP256)),
    under("Ed25519/ed25519-pkcs8-enc.der", "password", Reads(Ed25519)),
    under("Ed25519/ed25519-pkcs8-enc.pem", "password", Reads(Ed25519)),
    plain("Ed25519/ed25519-pkcs8.der", Reads(Ed25519)),
    plain("Ed25519/ed25519-pkcs8.pem", Reads(Ed25519)),
    plain("Ed25519/ed25519-pub-non-zero-unused-bits.der", PUBLIC_DER),
    plain("Ed25519/ed25519-pub.der", PUBLIC_DER),
    plain("Ed25519/ed25519-pub.pem", PUBLIC),
    under("Ed448/ed448-pkcs8-enc.der", "password", ED448),
    under("Ed448/ed448-pkcs8-enc.pem", "password", ED448),
    plain("Ed448/ed448-pkcs8.der", ED448),
    plain("Ed448/ed448-pkcs8.pem", ED448),
    plain("Ed448/ed448-pub.der", PUBLIC_DER),
    plain("Ed448/ed448-pub.pem", PUBLIC),
    plain("MLDSA/mldsa44_priv.der", Reads(MlDsa44)),
    plain("MLDSA/mldsa44_pub.der", PUBLIC_DER),
    plain(
        "MLDSA/mldsa65_noseed_priv.der",
        refused!(Key(WithoutSeed { algorithm: "ML-DSA-65" }), "the expanded key alone"),
    ),
];

pub(super) static SAME_KEY: &[SameKey] = &[
    SameKey {
        private: &[
            "DER_Serialization/ec_private_key.der",
            "DER_Serialization/ec_private_key_encrypted.der",
            "PEM_Serialization/ec_private_key.pem",
            "PEM_Serialization/ec_private_key_encrypted.pem",
            "PKCS8/ec-consistent-curve.pem",
            "PKCS8/ec_private_key.pem",
            "PKCS8/ec_private_key_encrypted.pem",
        ],
        public: &[
            "DER_Serialization/ec_public_key.der",
            "PEM_Serialization/ec_public_key.pem",
            "PEM_Serialization/ec_public_key_rsa_delimiter.pem",
        ],
    },
    SameKey {
        private: &[
            "DER_Serialization/testrsa.der",
            "Traditional_OpenSSL_Serialization/key1.pem",
            "Traditional_OpenSSL_Serialization/key2.pem",
            "Traditional_OpenSSL_Serialization/testrsa-encrypted.pem",
            "Traditional_OpenSSL_Serialization/testrsa.pem",
        ],
        public: &[],
    },
    SameKey {
        private: &["PEM_Serialization/rsa_private_key.pem"],
        public: &[
            "DER_Serialization/rsa_public_key.der",
            "PEM_Serialization/rsa_public_key.pem",
            "PEM_Serialization/rsa_wrong_delimiter_public_key.pem",
        ],
    },
    SameKey {
        private: &[
            "PKCS8/rsa-aes-192-cbc.pem",
            "PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha224.pem",
            "PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha384.pem",
            "PKCS8/rsa_pkcs8_pbes2_pbkdf2_2048_3des_sha512.pem",
        ],
        public: &[],
    },
    SameKey {
        private: &[
            "Ed25519/ed25519-pkcs8-enc.der",
            "Ed25519/ed25519-pkcs8-enc.pem",
            "Ed25519/ed25519-pkcs8.der",
            "Ed25519/ed25519-pkcs8.pem",
        ],
        public: &["Ed25519/ed25519-pub.der", "Ed25519/ed25519-pub.pem"],
    },
    SameKey { private: &["PKCS8/rsa_pss_2048.pem"], public: &["PKCS8/rsa_pss_2048_pub.der"] },
    SameKey { private: &["MLDSA/mldsa44_priv.der"], public: &["MLDSA/mldsa44_pub.der"] },
];
