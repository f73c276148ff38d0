//! The envelope of PKCS#8 (RFC 5958 section 3) under PBES2, PBES1 (RFC 8018 section 6) and the schemes of PKCS#12
//! (RFC 7292 appendix C).

use const_oid::ObjectIdentifier;
use const_oid::db::rfc7292;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Sequence, Tag, Tagged};
use spki::AlgorithmIdentifierRef;

use super::{EncryptedKeyError, Parameters};
use crate::key::cipher::{Cipher, GCM_TAGS};
use crate::key::kdf::{KdfError, KdfLimits, KeyDerivation, Pbes2Derivation, Pbkdf1Hash, read_pbe};
use crate::key::scheme::EncryptionScheme;
use crate::oid;
use EncryptedKeyError::{CipherParameter, Length, Malformed, Unsupported};

/// ```text
/// EncryptedPrivateKeyInfo ::= SEQUENCE {
///     encryptionAlgorithm AlgorithmIdentifier,
///     encryptedData       OCTET STRING }
/// ```
#[derive(Sequence)]
struct EncryptedPrivateKeyInfo<'a> {
    encryption_algorithm: AlgorithmIdentifierRef<'a>,
    encrypted_data: &'a OctetStringRef,
}

/// ```text
/// PBES2-params ::= SEQUENCE {
///     keyDerivationFunc AlgorithmIdentifier {{PBES2-KDFs}},
///     encryptionScheme  AlgorithmIdentifier {{PBES2-Encs}} }
/// ```
#[derive(Sequence)]
struct Pbes2Params<'a> {
    key_derivation_func: AlgorithmIdentifierRef<'a>,
    encryption_scheme: AlgorithmIdentifierRef<'a>,
}

/// RFC 5084 section 3.2:
///
/// ```text
/// GCMParameters ::= SEQUENCE {
///     aes-nonce  OCTET STRING, -- recommended size is 12 octets
///     aes-ICVlen INTEGER (12 | 13 | 14 | 15 | 16) DEFAULT 12 }
/// ```
#[derive(Sequence)]
struct GcmParameters<'a> {
    nonce: &'a OctetStringRef,
    icv_length: Option<u64>,
}

/// RFC 8018 appendix B.2.3:
///
/// ```text
/// RC2-CBC-Parameter ::= SEQUENCE {
///     rc2ParameterVersion INTEGER OPTIONAL,
///     iv OCTET STRING (SIZE(8)) }
/// ```
#[derive(Sequence)]
struct Rc2Parameters<'a> {
    version: Option<u64>,
    iv: &'a OctetStringRef,
}

/// Reads the DER and judges all that costs something; nothing is derived yet.
pub(super) fn read(
    der: &[u8],
    limits: &KdfLimits,
) -> Result<(Parameters, Vec<u8>), EncryptedKeyError> {
    let info = EncryptedPrivateKeyInfo::from_der(der).map_err(Malformed)?;
    let algorithm = &info.encryption_algorithm;
    let read = if algorithm.oid == oid::PBES2 { read_pbes2 } else { read_older };
    let parameters = read(algorithm, limits)?;
    let ciphertext = info.encrypted_data.as_bytes();
    parameters.judge_ciphertext(ciphertext)?;
    Ok((parameters, ciphertext.to_vec()))
}

fn parameters<'a>(algorithm: &AlgorithmIdentifierRef<'a>) -> Result<AnyRef<'a>, EncryptedKeyError> {
    algorithm
        .parameters_any()
        .map_err(|_| Unsupported { part: "algorithm without parameters", oid: algorithm.oid })
}

fn read_pbes2(
    algorithm: &AlgorithmIdentifierRef<'_>,
    limits: &KdfLimits,
) -> Result<Parameters, EncryptedKeyError> {
    let params: Pbes2Params<'_> = parameters(algorithm)?.decode_as().map_err(Malformed)?;
    let kdf = &params.key_derivation_func;
    let Pbes2Derivation { kdf, salt, key_length } = Pbes2Derivation::read(kdf, limits)
        .ok_or(Unsupported { part: "key derivation function", oid: kdf.oid })??;
    let scheme = &params.encryption_scheme;
    let Encryption { cipher, iv, tag_length } = read_cipher(scheme, key_length)?;
    if let Some(stated) = key_length
        && stated != cipher.key_length() as u64
    {
        return Err(KdfError::KeyLength { stated, needed: cipher.key_length() }.into());
    }
    let scheme = EncryptionScheme::new(kdf, salt.len(), cipher);
    Ok(Parameters { scheme, salt, iv, tag_length })
}

/// A cipher with what a PBES2 scheme says of it.
struct Encryption {
    cipher: Cipher,
    iv: Vec<u8>,
    tag_length: usize,
}

fn read_cipher(
    scheme: &AlgorithmIdentifierRef<'_>,
    key_length: Option<u64>,
) -> Result<Encryption, EncryptedKeyError> {
    let unsupported = || Unsupported { part: "cipher", oid: scheme.oid };
    if scheme.oid == oid::RC2_CBC {
        return read_rc2(parameters(scheme)?, key_length);
    }
    let cipher = Cipher::named(scheme.oid).ok_or_else(unsupported)?;
    let parameters = parameters(scheme)?;
    let (iv, tag_length) = if !cipher.is_authenticated() {
        let iv: &OctetStringRef = parameters.decode_as().map_err(Malformed)?;
        (iv, 0)
    } else if parameters.tag() == Tag::OctetString {
        // As RustCrypto's pkcs5 writes it: the nonce alone.
        (parameters.decode_as().map_err(Malformed)?, 16)
    } else {
        let gcm: GcmParameters<'_> = parameters.decode_as().map_err(Malformed)?;
        let stated = gcm.icv_length.unwrap_or(12);
        let tag_length = usize::try_from(stated).ok().filter(|length| GCM_TAGS.contains(length));
        let rule = "RFC 5084 section 3.2 knows tags of 12 to 16 octets";
        let parameter = "tag length";
        (gcm.nonce, tag_length.ok_or(CipherParameter { parameter, value: stated, rule })?)
    };
    let iv = iv.as_bytes();
    if iv.len() != cipher.iv_length() {
        return Err(wrong_iv(cipher, iv.len()));
    }
    Ok(Encryption { cipher, iv: iv.to_vec(), tag_length })
}

pub(super) fn wrong_iv(cipher: Cipher, length: usize) -> EncryptedKeyError {
    let (part, rule) = match cipher.iv_length() {
        12 => ("nonce", "RFC 5084 section 3.2 recommends 12, the only length that is supported"),
        8 => ("initialisation vector", "the cipher's blocks have 8"),
        _ => ("initialisation vector", "the cipher's blocks have 16"),
    };
    Length { part, length, rule }
}

/// RC2's parameter version says to how many bits the key is reduced: for fewer than 256 bits by a table of
/// which makers use three entries (RFC 8018 appendix B.2.3).
fn read_rc2(
    parameters: AnyRef<'_>,
    key_length: Option<u64>,
) -> Result<Encryption, EncryptedKeyError> {
    let params: Rc2Parameters<'_> = match parameters.tag() {
        Tag::OctetString => {
            Rc2Parameters { version: None, iv: parameters.decode_as().map_err(Malformed)? }
        }
        _ => parameters.decode_as().map_err(Malformed)?,
    };
    let rule = "RFC 8018 appendix B.2.3 knows 160, 120, 58 and 256 to 1024";
    let effective_bits = match params.version {
        None => 32,
        Some(160) => 40,
        Some(120) => 64,
        Some(58) => 128,
        Some(bits @ 256..=1024) => u16::try_from(bits).unwrap_or(u16::MAX),
        Some(value) => {
            return Err(CipherParameter { parameter: "RC2 parameter version", value, rule });
        }
    };
    // Where no length is stated it is that of the effective bits, as in OpenSSL. RC2 would take longer keys, each digest
    // of which costs all iterations.
    let stated = key_length.unwrap_or(u64::from(effective_bits / 8));
    let key_length = u8::try_from(stated).ok().filter(|length| (1..=16).contains(length));
    let rule = "keys of RC2 with 1 to 16 octets are read";
    let key_length =
        key_length.ok_or(CipherParameter { parameter: "key length", value: stated, rule })?;
    let cipher = Cipher::Rc2Cbc { key_length, effective_bits };
    let iv = params.iv.as_bytes();
    if iv.len() != cipher.iv_length() {
        return Err(wrong_iv(cipher, iv.len()));
    }
    Ok(Encryption { cipher, iv: iv.to_vec(), tag_length: 0 })
}

/// The older schemes, in which one identifier names both derivation and cipher.
fn read_older(
    algorithm: &AlgorithmIdentifierRef<'_>,
    limits: &KdfLimits,
) -> Result<Parameters, EncryptedKeyError> {
    enum Older {
        Pbes1(Pbkdf1Hash),
        Pkcs12,
    }
    const RC2_64: Cipher = Cipher::Rc2Cbc { key_length: 8, effective_bits: 64 };
    const RC2_40: Cipher = Cipher::Rc2Cbc { key_length: 5, effective_bits: 40 };
    const RC2_128: Cipher = Cipher::Rc2Cbc { key_length: 16, effective_bits: 128 };
    const TABLE: [(ObjectIdentifier, Older, Cipher); 10] = [
        (oid::PBE_WITH_MD5_AND_DES_CBC, Older::Pbes1(Pbkdf1Hash::Md5), Cipher::DesCbc),
        (oid::PBE_WITH_SHA1_AND_DES_CBC, Older::Pbes1(Pbkdf1Hash::Sha1), Cipher::DesCbc),
        (oid::PBE_WITH_MD5_AND_RC2_CBC, Older::Pbes1(Pbkdf1Hash::Md5), RC2_64),
        (oid::PBE_WITH_SHA1_AND_RC2_CBC, Older::Pbes1(Pbkdf1Hash::Sha1), RC2_64),
        (rfc7292::PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC, Older::Pkcs12, Cipher::TripleDesCbc),
        (rfc7292::PBE_WITH_SHA_AND_2_KEY_TRIPLE_DES_CBC, Older::Pkcs12, Cipher::TwoKeyTripleDesCbc),
        (rfc7292::PBE_WITH_SHA_AND_128_BIT_RC_2_CBC, Older::Pkcs12, RC2_128),
        (rfc7292::PBEWITH_SHA_AND_40_BIT_RC_2_CBC, Older::Pkcs12, RC2_40),
        (rfc7292::PBE_WITH_SHA_AND_128_BIT_RC_4, Older::Pkcs12, Cipher::Rc4 { key_length: 16 }),
        (rfc7292::PBE_WITH_SHA_AND_40_BIT_RC_4, Older::Pkcs12, Cipher::Rc4 { key_length: 5 }),
    ];
    let (_, older, cipher) = TABLE
        .into_iter()
        .find(|(oid, ..)| *oid == algorithm.oid)
        .ok_or(Unsupported { part: "encryption scheme", oid: algorithm.oid })?;
    let (salt, iterations) = read_pbe(parameters(algorithm)?, limits)?;
    let kdf = match older {
        Older::Pbes1(_) if salt.len() != 8 => {
            return Err(KdfError::SaltLength { length: salt.len(), rule: "8 are" }.into());
        }
        Older::Pbes1(hash) => KeyDerivation::Pbkdf1 { hash, iterations },
        Older::Pkcs12 => KeyDerivation::Pkcs12 { iterations },
    };
    let scheme = EncryptionScheme::new(kdf, salt.len(), cipher);
    Ok(Parameters { scheme, salt, iv: Vec::new(), tag_length: 0 })
}

/// The DER of PBES2's `AlgorithmIdentifier`; `None` for a scheme that is not written.
pub(super) fn algorithm(parameters: &Parameters) -> der::Result<Option<Vec<u8>>> {
    let EncryptionScheme { kdf, cipher, .. } = parameters.scheme;
    let (Some(kdf), Some(cipher_oid)) = (kdf.to_algorithm(&parameters.salt)?, cipher.oid()) else {
        return Ok(None);
    };
    let iv = OctetStringRef::new(&parameters.iv)?;
    let gcm =
        GcmParameters { nonce: iv, icv_length: Some(parameters.tag_length as u64) }.to_der()?;
    let cipher_parameters = match cipher.is_authenticated() {
        true => AnyRef::from_der(&gcm)?,
        false => AnyRef::from(iv),
    };
    let pbes2 = Pbes2Params {
        key_derivation_func: AlgorithmIdentifierRef::from_der(&kdf)?,
        encryption_scheme: AlgorithmIdentifierRef {
            oid: cipher_oid,
            parameters: Some(cipher_parameters),
        },
    }
    .to_der()?;
    let parameters = Some(AnyRef::from_der(&pbes2)?);
    AlgorithmIdentifierRef { oid: oid::PBES2, parameters }.to_der().map(Some)
}

/// The DER of the whole.
pub(super) fn write(algorithm: &[u8], ciphertext: &[u8]) -> der::Result<Vec<u8>> {
    EncryptedPrivateKeyInfo {
        encryption_algorithm: AlgorithmIdentifierRef::from_der(algorithm)?,
        encrypted_data: OctetStringRef::new(ciphertext)?,
    }
    .to_der()
}
