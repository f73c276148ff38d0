//! OpenSSL's traditional PEM: a PKCS#1 or SEC1 key under the headers of RFC 1421, `Proc-Type: 4,ENCRYPTED` and
//! `DEK-Info: CIPHER,IV`, with a key that is a single MD5 away from the passphrase.

use super::{EncryptedKeyError, Parameters};
use crate::key::cipher::Cipher;
use crate::key::encrypted::pkcs8::wrong_iv;
use crate::key::kdf::KeyDerivation;
use crate::key::scheme::EncryptionScheme;
use crate::pem::Block;

/// OpenSSL's names, in upper case.
const CIPHERS: [(&str, Cipher); 9] = [
    ("AES-128-CBC", Cipher::Aes128Cbc),
    ("AES-192-CBC", Cipher::Aes192Cbc),
    ("AES-256-CBC", Cipher::Aes256Cbc),
    ("DES-EDE3-CBC", Cipher::TripleDesCbc),
    ("DES-EDE-CBC", Cipher::TwoKeyTripleDesCbc),
    ("DES-CBC", Cipher::DesCbc),
    ("RC2-CBC", Cipher::Rc2Cbc { key_length: 16, effective_bits: 128 }),
    ("RC2-64-CBC", Cipher::Rc2Cbc { key_length: 8, effective_bits: 64 }),
    ("RC2-40-CBC", Cipher::Rc2Cbc { key_length: 5, effective_bits: 40 }),
];

/// Octets of salt, which are the first of the initialisation vector.
const SALT: usize = 8;

/// Reads the headers, judges what they say, and gives `DEK-Info` as it is written.
pub(super) fn read(block: &Block) -> Result<(Parameters, String), EncryptedKeyError> {
    let wrong = |reason| EncryptedKeyError::TraditionalHeaders {
        label: block.label().to_owned(),
        line: block.line(),
        reason,
    };
    let dek_info = block.header("DEK-Info").ok_or_else(|| wrong("there is no DEK-Info line"))?;
    let (name, iv) = dek_info
        .split_once(',')
        .ok_or_else(|| wrong("its DEK-Info line has no initialisation vector after the cipher"))?;
    let name = name.trim().to_ascii_uppercase();
    // It is repeated in an error, so it has to be a name.
    let is_name = |octet: u8| octet.is_ascii_alphanumeric() || octet == b'-';
    if !(1..=32).contains(&name.len()) || !name.bytes().all(is_name) {
        return Err(wrong("its DEK-Info line names no cipher"));
    }
    let (name, cipher) =
        CIPHERS.into_iter().find(|(known, _)| *known == name).ok_or_else(|| {
            EncryptedKeyError::UnsupportedTraditionalCipher { cipher: name, line: block.line() }
        })?;
    let iv = base16ct::mixed::decode_vec(iv.trim())
        .map_err(|_| wrong("the initialisation vector in its DEK-Info line is not hexadecimal"))?;
    if iv.len() != cipher.iv_length() {
        return Err(wrong_iv(cipher, iv.len()));
    }
    let salt = iv.iter().copied().take(SALT).collect();
    let scheme = EncryptionScheme::new(KeyDerivation::OpensslMd5, SALT, cipher);
    let parameters = Parameters { scheme, salt, iv, tag_length: 0 };
    parameters.judge_ciphertext(block.contents())?;
    let iv = base16ct::upper::encode_string(&parameters.iv);
    Ok((parameters, format!("{name},{iv}")))
}
