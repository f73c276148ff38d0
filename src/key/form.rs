//! The forms in which a plain key is written, and the PEM labels that name them.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912;
use der::asn1::{AnyRef, OctetStringRef};
use der::{Decode, Encode, Reader, SliceReader, Tag, TagNumber, Tagged};
use pkcs8::PrivateKeyInfoRef;
use spki::AlgorithmIdentifierRef;
use zeroize::Zeroizing;

use super::{KeyError, PrivateKey};
use crate::pem;

/// How a plain key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `PrivateKeyInfo` (RFC 5208, RFC 5958).
    Pkcs8,
    /// `RSAPrivateKey` (RFC 8017 appendix A.1.2).
    Pkcs1,
    /// `ECPrivateKey` (RFC 5915).
    Sec1,
}

impl Form {
    /// The form that a PEM label names.
    ///
    /// # Errors
    /// For keys that are not read, an error that says why; for what is no key, [`KeyError::NoKey`].
    pub(super) fn of_label(label: &str) -> Result<Self, KeyError> {
        match label {
            pem::PRIVATE_KEY => Ok(Self::Pkcs8),
            "RSA PRIVATE KEY" => Ok(Self::Pkcs1),
            "EC PRIVATE KEY" => Ok(Self::Sec1),
            "DSA PRIVATE KEY" => Err(KeyError::UnsupportedAlgorithm { oid: rfc5912::ID_DSA }),
            _ if label.ends_with("PRIVATE KEY") => {
                Err(KeyError::UnsupportedForm { label: label.to_owned() })
            }
            _ => Err(KeyError::NoKey { labels: vec![label.to_owned()] }),
        }
    }

    /// The form that a key's first octets show.
    pub(super) fn of_contents(der: &[u8]) -> Option<Self> {
        [Self::Pkcs8, Self::Pkcs1, Self::Sec1]
            .into_iter()
            .find(|form| form.stated_length(der).is_some())
    }

    /// Reads a key of this form.
    pub(super) fn read(self, der: &[u8]) -> Result<PrivateKey, KeyError> {
        self.read_on_curve(der, None)
    }

    /// The same, where an EC key that does not name its curve is on the curve that was named beside it.
    pub(super) fn read_on_curve(
        self,
        der: &[u8],
        curve: Option<ObjectIdentifier>,
    ) -> Result<PrivateKey, KeyError> {
        match self {
            Self::Pkcs8 => PrivateKey::from_pkcs8_der(der),
            Self::Pkcs1 if is_dsa(der) => {
                Err(KeyError::UnsupportedAlgorithm { oid: rfc5912::ID_DSA })
            }
            Self::Pkcs1 => PrivateKey::from_pkcs8_der(&wrap_pkcs1(der)?),
            Self::Sec1 => PrivateKey::from_pkcs8_der(&wrap_sec1(der, curve)?),
        }
    }

    /// How many octets a key of this form has, by its first eight: a SEQUENCE, its length, a version, and the tag of
    /// what follows. Other octets are `None`; of random ones less than one in 2^40 is not.
    pub(super) fn stated_length(self, octets: &[u8]) -> Option<usize> {
        let rest = octets.strip_prefix(&[0x30])?;
        let (length, header, rest) = match *rest {
            [length @ ..=0x7f, ref rest @ ..] => (u16::from(length), 2, rest),
            [0x81, length, ref rest @ ..] => (u16::from(length), 3, rest),
            [0x82, high, low, ref rest @ ..] => (u16::from_be_bytes([high, low]), 4, rest),
            _ => return None,
        };
        let begins_right = match self {
            Self::Pkcs8 => matches!(rest, [2, 1, 0 | 1, 0x30, ..]),
            Self::Pkcs1 => matches!(rest, [2, 1, 0 | 1, 2, ..]),
            Self::Sec1 => matches!(rest, [2, 1, 1, 4, ..]),
        };
        begins_right.then_some(header + usize::from(length))
    }
}

/// Puts a PKCS#1 or SEC1 key into its PKCS#8 envelope.
pub(super) fn wrap(
    algorithm: AlgorithmIdentifierRef<'_>,
    key: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let key = OctetStringRef::new(key).map_err(KeyError::Malformed)?;
    let info = PrivateKeyInfoRef::new(algorithm, key);
    let length = info.encoded_len().and_then(usize::try_from).map_err(KeyError::Malformed)?;
    let mut der = Zeroizing::new(vec![0; length]);
    info.encode_to_slice(&mut der).map_err(KeyError::Malformed)?;
    Ok(der)
}

fn wrap_pkcs1(key: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let parameters = Some(AnyRef::NULL);
    wrap(AlgorithmIdentifierRef { oid: rfc5912::RSA_ENCRYPTION, parameters }, key)
}

fn wrap_sec1(
    key: &[u8],
    named_beside: Option<ObjectIdentifier>,
) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let parsed = sec1::EcPrivateKey::from_der(key).map_err(|error| match describes_curve(key) {
        true => KeyError::NoCurve,
        false => KeyError::Malformed(error),
    })?;
    let curve = parsed
        .parameters
        .and_then(|parameters| parameters.named_curve())
        .or(named_beside)
        .ok_or(KeyError::NoCurve)?;
    let parameters = Some(AnyRef::from(&curve));
    wrap(AlgorithmIdentifierRef { oid: rfc5912::ID_EC_PUBLIC_KEY, parameters }, key)
}

const MOST_ELEMENTS: usize = 10;

/// The elements of a SEQUENCE, by their tags. Those of a key are ten at most, and more are not kept.
pub(super) fn elements(der: &[u8]) -> der::Result<Vec<(Tag, &[u8])>> {
    let mut reader = SliceReader::new(der)?;
    let elements = reader.sequence(|outer| {
        let mut elements = Vec::new();
        while !outer.is_finished() {
            let element = AnyRef::decode(outer)?;
            if elements.len() <= MOST_ELEMENTS {
                elements.push((element.tag(), element.value()));
            }
        }
        Ok::<_, der::Error>(elements)
    })?;
    reader.finish()?;
    Ok(elements)
}

/// Whether it is DSA's traditional form: a version and five numbers. RSA's has eight.
fn is_dsa(der: &[u8]) -> bool {
    elements(der).is_ok_and(|elements| {
        elements.len() == 6 && elements.iter().all(|(tag, _)| *tag == Tag::Integer)
    })
}

/// Whether an `ECPrivateKey` has its curve's numbers (X9.62's `ECParameters`) where a name could stand.
fn describes_curve(key: &[u8]) -> bool {
    elements(key).is_ok_and(|elements| {
        elements.iter().any(|(tag, value)| {
            *tag == Tag::ContextSpecific { constructed: true, number: TagNumber(0) }
                && value.first() == Some(&0x30)
        })
    })
}
