//! The ciphers of encrypted private keys.

use std::fmt;

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::array::typenum::{U12, U13, U14, U15, U16};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{AesGcm, TagSize};
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit,
};
use cbc::{Decryptor, Encryptor};
use const_oid::ObjectIdentifier;
use const_oid::db::rfc5911;
use des::TdesEde3;

use crate::oid;

/// A cipher and its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cipher {
    /// AES-128-CBC (RFC 8018 appendix B.2.5).
    Aes128Cbc,
    /// AES-192-CBC.
    Aes192Cbc,
    /// AES-256-CBC.
    Aes256Cbc,
    /// AES-128-GCM (RFC 5084).
    Aes128Gcm,
    /// AES-192-GCM.
    Aes192Gcm,
    /// AES-256-GCM.
    Aes256Gcm,
    /// Triple DES with three keys, in CBC (RFC 8018 appendix B.2.2). Slow and with blocks of 64 bits, but not broken.
    TripleDesCbc,
    /// Triple DES with two keys, in CBC, as PKCS#12 has it. Broken.
    TwoKeyTripleDesCbc,
    /// DES in CBC (RFC 8018 appendix B.2.1). Broken: 56 bits.
    DesCbc,
    /// RC2 in CBC (RFC 8018 appendix B.2.3). Broken.
    Rc2Cbc {
        /// Octets of the key.
        key_length: u8,
        /// To how many bits the key is reduced.
        effective_bits: u16,
    },
    /// RC4, a stream cipher. Broken.
    Rc4 {
        /// Octets of the key.
        key_length: u8,
    },
}

/// The longest block of a cipher here, in octets.
pub(super) const MAX_BLOCK: usize = 16;

impl Cipher {
    /// The ciphers of PBES2 schemes that have a name of their own for each length of key.
    const NAMED: [(Self, ObjectIdentifier); 8] = [
        (Self::Aes128Cbc, rfc5911::ID_AES_128_CBC),
        (Self::Aes192Cbc, rfc5911::ID_AES_192_CBC),
        (Self::Aes256Cbc, rfc5911::ID_AES_256_CBC),
        (Self::Aes128Gcm, rfc5911::ID_AES_128_GCM),
        (Self::Aes192Gcm, rfc5911::ID_AES_192_GCM),
        (Self::Aes256Gcm, rfc5911::ID_AES_256_GCM),
        (Self::TripleDesCbc, oid::DES_EDE3_CBC),
        (Self::DesCbc, oid::DES_CBC),
    ];

    /// The cipher of a PBES2 scheme; RC2, whose parameters decide what it is, is not among them.
    pub(super) fn named(oid: ObjectIdentifier) -> Option<Self> {
        Self::NAMED.into_iter().find(|(_, known)| *known == oid).map(|(cipher, _)| cipher)
    }

    /// What a PBES2 scheme calls it; `None` for what is not written.
    pub(super) fn oid(self) -> Option<ObjectIdentifier> {
        Self::NAMED
            .into_iter()
            .find(|(known, _)| *known == self && !self.is_legacy())
            .map(|(_, oid)| oid)
    }

    /// Octets of its key.
    pub(super) fn key_length(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes128Gcm | Self::TwoKeyTripleDesCbc => 16,
            Self::Aes192Cbc | Self::Aes192Gcm | Self::TripleDesCbc => 24,
            Self::Aes256Cbc | Self::Aes256Gcm => 32,
            Self::DesCbc => 8,
            Self::Rc2Cbc { key_length, .. } | Self::Rc4 { key_length } => key_length.into(),
        }
    }

    /// Octets of its initialisation vector or nonce.
    pub(super) fn iv_length(self) -> usize {
        match self {
            Self::Aes128Cbc | Self::Aes192Cbc | Self::Aes256Cbc => 16,
            // The length that RFC 5084 section 3.2 recommends, and NIST SP 800-38D is made for.
            Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm => 12,
            Self::TripleDesCbc | Self::TwoKeyTripleDesCbc | Self::DesCbc | Self::Rc2Cbc { .. } => 8,
            Self::Rc4 { .. } => 0,
        }
    }

    /// Octets of a block, to which the plain text is padded; `None` where it is not.
    pub(super) fn block_length(self) -> Option<usize> {
        match self {
            Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm | Self::Rc4 { .. } => None,
            cbc => Some(cbc.iv_length()),
        }
    }

    pub(super) fn is_authenticated(self) -> bool {
        matches!(self, Self::Aes128Gcm | Self::Aes192Gcm | Self::Aes256Gcm)
    }

    /// Whether it is one of those that are read only with the feature `insecure-legacy-encryption`.
    pub(super) fn is_legacy(self) -> bool {
        matches!(
            self,
            Self::TwoKeyTripleDesCbc | Self::DesCbc | Self::Rc2Cbc { .. } | Self::Rc4 { .. }
        )
    }

    /// Decrypts in place and gives what is plain text: in CBC its padding included, in GCM without the tag of
    /// `tag_length` octets at its end. `None` if the tag does not fit, or for lengths that
    /// [`Cipher::key_length`] and its siblings exclude.
    pub(super) fn decrypt<'a>(
        self,
        key: &[u8],
        iv: &[u8],
        tag_length: usize,
        data: &'a mut [u8],
    ) -> Option<&'a [u8]> {
        match self {
            Self::Aes128Cbc => decrypt_cbc::<Aes128>(key, iv, data),
            Self::Aes192Cbc => decrypt_cbc::<Aes192>(key, iv, data),
            Self::Aes256Cbc => decrypt_cbc::<Aes256>(key, iv, data),
            Self::Aes128Gcm => decrypt_gcm::<Aes128>(key, iv, tag_length, data),
            Self::Aes192Gcm => decrypt_gcm::<Aes192>(key, iv, tag_length, data),
            Self::Aes256Gcm => decrypt_gcm::<Aes256>(key, iv, tag_length, data),
            Self::TripleDesCbc => decrypt_cbc::<TdesEde3>(key, iv, data),
            #[cfg(feature = "insecure-legacy-encryption")]
            Self::TwoKeyTripleDesCbc => decrypt_cbc::<des::TdesEde2>(key, iv, data),
            #[cfg(feature = "insecure-legacy-encryption")]
            Self::DesCbc => decrypt_cbc::<des::Des>(key, iv, data),
            #[cfg(feature = "insecure-legacy-encryption")]
            Self::Rc2Cbc { effective_bits, .. } => {
                use cbc::cipher::InnerIvInit;
                let cipher = rc2::Rc2::new_with_eff_key_len(key, effective_bits.into());
                let mode = Decryptor::inner_iv_slice_init(cipher, iv).ok()?;
                mode.decrypt_padded::<NoPadding>(data).ok()
            }
            #[cfg(feature = "insecure-legacy-encryption")]
            Self::Rc4 { .. } => {
                use rc4::{KeyInit as _, StreamCipher as _};
                rc4::Rc4::new_from_slice(key).ok()?.apply_keystream(data);
                Some(data)
            }
            #[cfg(not(feature = "insecure-legacy-encryption"))]
            Self::TwoKeyTripleDesCbc | Self::DesCbc | Self::Rc2Cbc { .. } | Self::Rc4 { .. } => {
                None
            }
        }
    }

    /// Encrypts the first `length` octets of `buffer` in place and gives the ciphertext: padded in CBC, in GCM
    /// with a tag of 16 octets. `None` if the buffer has no place for them, or for a cipher that is not
    /// written.
    pub(super) fn encrypt<'a>(
        self,
        key: &[u8],
        iv: &[u8],
        buffer: &'a mut [u8],
        length: usize,
    ) -> Option<&'a [u8]> {
        match self {
            Self::Aes128Cbc => encrypt_cbc::<Aes128>(key, iv, buffer, length),
            Self::Aes192Cbc => encrypt_cbc::<Aes192>(key, iv, buffer, length),
            Self::Aes256Cbc => encrypt_cbc::<Aes256>(key, iv, buffer, length),
            Self::Aes128Gcm => encrypt_gcm::<Aes128>(key, iv, buffer, length),
            Self::Aes192Gcm => encrypt_gcm::<Aes192>(key, iv, buffer, length),
            Self::Aes256Gcm => encrypt_gcm::<Aes256>(key, iv, buffer, length),
            Self::TripleDesCbc => encrypt_cbc::<TdesEde3>(key, iv, buffer, length),
            Self::TwoKeyTripleDesCbc | Self::DesCbc | Self::Rc2Cbc { .. } | Self::Rc4 { .. } => {
                None
            }
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aes128Cbc => f.write_str("AES-128-CBC"),
            Self::Aes192Cbc => f.write_str("AES-192-CBC"),
            Self::Aes256Cbc => f.write_str("AES-256-CBC"),
            Self::Aes128Gcm => f.write_str("AES-128-GCM"),
            Self::Aes192Gcm => f.write_str("AES-192-GCM"),
            Self::Aes256Gcm => f.write_str("AES-256-GCM"),
            Self::TripleDesCbc => f.write_str("3DES-CBC"),
            Self::TwoKeyTripleDesCbc => f.write_str("two-key 3DES-CBC"),
            Self::DesCbc => f.write_str("DES-CBC"),
            Self::Rc2Cbc { effective_bits, .. } => write!(f, "RC2-CBC of {effective_bits} bits"),
            Self::Rc4 { key_length } => write!(f, "RC4 of {} bits", u16::from(*key_length) * 8),
        }
    }
}

fn decrypt_cbc<'a, C>(key: &[u8], iv: &[u8], data: &'a mut [u8]) -> Option<&'a [u8]>
where
    C: BlockCipherDecrypt + KeyInit,
{
    let mode = Decryptor::<C>::new_from_slices(key, iv).ok()?;
    mode.decrypt_padded::<NoPadding>(data).ok()
}

fn encrypt_cbc<'a, C>(
    key: &[u8],
    iv: &[u8],
    buffer: &'a mut [u8],
    length: usize,
) -> Option<&'a [u8]>
where
    C: BlockCipherEncrypt + KeyInit,
{
    let mode = Encryptor::<C>::new_from_slices(key, iv).ok()?;
    mode.encrypt_padded::<Pkcs7>(buffer, length).ok()
}

/// The lengths of a tag in octets that RFC 5084 section 3.2 (AES-GCM-ICVlen) knows.
pub(super) const GCM_TAGS: std::ops::RangeInclusive<usize> = 12..=16;

fn decrypt_gcm<'a, C>(
    key: &[u8],
    nonce: &[u8],
    tag_length: usize,
    data: &'a mut [u8],
) -> Option<&'a [u8]>
where
    C: BlockCipherEncrypt<BlockSize = U16> + KeyInit,
{
    fn open<'a, C, T>(key: &[u8], nonce: &[u8], text: &'a mut [u8], tag: &[u8]) -> Option<&'a [u8]>
    where
        C: BlockCipherEncrypt<BlockSize = U16> + KeyInit,
        T: TagSize,
    {
        let cipher = AesGcm::<C, U12, T>::new_from_slice(key).ok()?;
        let (nonce, tag) = (nonce.try_into().ok()?, tag.try_into().ok()?);
        cipher.decrypt_inout_detached(nonce, b"", (&mut *text).into(), tag).ok()?;
        Some(text)
    }
    let (text, tag) = data.split_at_mut_checked(data.len().checked_sub(tag_length)?)?;
    match tag_length {
        12 => open::<C, U12>(key, nonce, text, tag),
        13 => open::<C, U13>(key, nonce, text, tag),
        14 => open::<C, U14>(key, nonce, text, tag),
        15 => open::<C, U15>(key, nonce, text, tag),
        16 => open::<C, U16>(key, nonce, text, tag),
        _ => None,
    }
}

fn encrypt_gcm<'a, C>(
    key: &[u8],
    nonce: &[u8],
    buffer: &'a mut [u8],
    length: usize,
) -> Option<&'a [u8]>
where
    C: BlockCipherEncrypt<BlockSize = U16> + KeyInit,
{
    let cipher = AesGcm::<C, U12>::new_from_slice(key).ok()?;
    let text = buffer.get_mut(..length)?;
    let tag = cipher.encrypt_inout_detached(nonce.try_into().ok()?, b"", text.into()).ok()?;
    let end = length.checked_add(tag.len())?;
    buffer.get_mut(length..end)?.copy_from_slice(&tag);
    buffer.get(..end)
}
