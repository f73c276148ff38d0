//! What the beginning of a plain text says: that the passphrase was right, and what kind of key follows.
//!
//! Under a cipher without a tag, every answer is an answer to somebody who may have put the file together
//! from pieces of another one. So all that is told by name is told by octets that stand at fixed places, of
//! which a moved block would have to have more than can be tried, and whatever the rest is.

use const_oid::ObjectIdentifier;
use const_oid::db::{fips204, rfc5912, rfc8410};

use crate::key::form::Form;
use crate::key::{KeyAlgorithm, KeyError};
use crate::oid;

/// A plain text that begins as a key does.
pub(super) struct Beginning {
    /// Octets of the key.
    pub(super) length: usize,
    /// Why a key that begins so is refused, if it is.
    pub(super) refusal: Option<KeyError>,
}

/// Algorithms of private keys: those that are supported, and those that people bring.
const ALGORITHMS: [ObjectIdentifier; 14] = [
    rfc5912::RSA_ENCRYPTION,
    rfc5912::ID_RSASSA_PSS,
    rfc5912::ID_EC_PUBLIC_KEY,
    rfc8410::ID_ED_25519,
    fips204::ID_ML_DSA_44,
    fips204::ID_ML_DSA_65,
    fips204::ID_ML_DSA_87,
    rfc5912::ID_DSA,
    rfc8410::ID_X_25519,
    rfc8410::ID_X_448,
    rfc8410::ID_ED_448,
    oid::PKCS3_DH,
    oid::X9_DH,
    oid::SM2,
];

/// Reads from the front of some octets.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    /// The length of an element with this tag, with what follows its header.
    fn header(&mut self, tag: u8) -> Option<usize> {
        let rest = self.0.strip_prefix(&[tag])?;
        let (length, rest) = match *rest {
            [length @ ..=0x7f, ref rest @ ..] => (length.into(), rest),
            [0x81, length, ref rest @ ..] => (length.into(), rest),
            [0x82, high, low, ref rest @ ..] => (u16::from_be_bytes([high, low]).into(), rest),
            _ => return None,
        };
        self.0 = rest;
        Some(length)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn object_identifier(&mut self) -> Option<ObjectIdentifier> {
        let length = self.header(6)?;
        ObjectIdentifier::from_bytes(self.take(length)?).ok()
    }
}

impl Beginning {
    /// `None` for what begins as no key does.
    pub(super) fn of(form: Form, plain: &[u8]) -> Option<Self> {
        let length = form.stated_length(plain)?;
        let refusal = match form {
            Form::Pkcs8 => refusal(plain.get(..length).unwrap_or(plain))?,
            Form::Pkcs1 | Form::Sec1 => None,
        };
        Some(Self { length, refusal })
    }
}

/// What the algorithm of a PKCS#8 key says; `None` if it is none of the known ones.
#[expect(clippy::option_option, reason = "no key at all, or a key that may be refused")]
fn refusal(plain: &[u8]) -> Option<Option<KeyError>> {
    let mut rest = Cursor(plain);
    rest.header(0x30)?;
    rest.take(3)?;
    let length = rest.header(0x30)?;
    let mut identifier = Cursor(rest.take(length)?);
    let algorithm = identifier.object_identifier().filter(|oid| ALGORITHMS.contains(oid))?;
    let unsupported = |oid| Some(Some(KeyError::UnsupportedAlgorithm { oid }));
    match algorithm {
        rfc5912::RSA_ENCRYPTION | rfc5912::ID_RSASSA_PSS => Some(small_rsa(rest)),
        rfc5912::ID_EC_PUBLIC_KEY => match identifier.object_identifier() {
            Some(rfc5912::SECP_256_R_1 | rfc5912::SECP_384_R_1 | rfc5912::SECP_521_R_1) => {
                Some(None)
            }
            // A curve without a name here is refused like one that is described.
            Some(curve) if oid::name(&curve).is_some() => unsupported(curve),
            _ => Some(Some(KeyError::NoCurve)),
        },
        rfc8410::ID_ED_25519 => Some(None),
        fips204::ID_ML_DSA_44 => Some(without_seed(rest, KeyAlgorithm::MlDsa44)),
        fips204::ID_ML_DSA_65 => Some(without_seed(rest, KeyAlgorithm::MlDsa65)),
        fips204::ID_ML_DSA_87 => Some(without_seed(rest, KeyAlgorithm::MlDsa87)),
        other => unsupported(other),
    }
}

/// The key in its OCTET STRING, if that and what is in it fill all that is left, each to its last octet.
fn inner<'a>(mut rest: Cursor<'a>, tag: u8) -> Option<Cursor<'a>> {
    let length = rest.header(4)?;
    let mut key = (length == rest.0.len()).then_some(rest)?;
    let length = key.header(tag)?;
    (length == key.0.len()).then_some(key)
}

/// An RSA key whose modulus is too short.
fn small_rsa(rest: Cursor<'_>) -> Option<KeyError> {
    let mut key = inner(rest, 0x30)?;
    key.0 = key.0.strip_prefix(&[2, 1, 0])?;
    let length = key.header(2)?;
    // A modulus that fills its octets has a zero before it.
    let octets = length - usize::from(key.0.first() == Some(&0));
    (octets < 256).then_some(KeyError::RsaSize { bits: octets * 8 })
}

/// An ML-DSA key that is the expanded key alone.
fn without_seed(rest: Cursor<'_>, algorithm: KeyAlgorithm) -> Option<KeyError> {
    inner(rest, 4)?;
    let algorithm = match algorithm {
        KeyAlgorithm::MlDsa44 => "ML-DSA-44",
        KeyAlgorithm::MlDsa65 => "ML-DSA-65",
        _ => "ML-DSA-87",
    };
    Some(KeyError::WithoutSeed { algorithm })
}

/// Whether a key leaves room for octets that nothing checks: a key without its public half in any but its one shortest
/// form, or attributes that are none. Such room is what a file put together from pieces of another needs, to learn
/// from each answer whether the octets at its end are padding.
pub(super) fn has_room(pkcs8_der: &[u8]) -> bool {
    is_tight(pkcs8_der).is_none_or(|is_tight| !is_tight)
}

fn is_tight(pkcs8_der: &[u8]) -> Option<bool> {
    use der::{Decode, Encode, Tag, TagNumber};
    let info = pkcs8::PrivateKeyInfoRef::from_der(pkcs8_der).ok()?;
    let key = info.private_key.as_bytes();
    let is_checked = info.public_key.is_some()
        || match info.algorithm.oid {
            rfc5912::RSA_ENCRYPTION | rfc5912::ID_RSASSA_PSS => true,
            rfc5912::ID_EC_PUBLIC_KEY => {
                let key = sec1::EcPrivateKey::from_der(key).ok()?;
                // Without a public half the curve is named outside alone, and the number has all its octets.
                if key.public_key.is_none() && key.parameters.is_some() {
                    return Some(false);
                }
                if key.public_key.is_none() && ![32, 48, 66].contains(&key.private_key.len()) {
                    return Some(false);
                }
                key.public_key.is_some()
            }
            // Both forms of an ML-DSA key at once are held against each other.
            fips204::ID_ML_DSA_44 | fips204::ID_ML_DSA_65 | fips204::ID_ML_DSA_87 => {
                key.first() == Some(&0x30)
            }
            _ => false,
        };
    let is_all_that_is_read = info.to_der().is_ok_and(|der| {
        let der = zeroize::Zeroizing::new(der);
        der.as_slice() == pkcs8_der
    });
    if is_all_that_is_read {
        return Some(true);
    }
    // What is not read are attributes, which a key that is checked may have, if they are attributes.
    let attributes = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };
    let public_key = |tag| matches!(tag, Tag::ContextSpecific { number: TagNumber(1), .. });
    let elements = crate::key::elements(pkcs8_der).ok()?;
    let extra = elements.get(3..)?;
    let are_attributes = |value: &[u8]| {
        let mut reader = der::SliceReader::new(value).ok()?;
        while !der::Reader::is_finished(&reader) {
            x509_cert::attr::Attribute::decode(&mut reader).ok()?;
        }
        Some(())
    };
    Some(
        is_checked
            && extra.len() <= 2
            && extra.iter().all(|(tag, value)| {
                public_key(*tag) || (*tag == attributes && are_attributes(value).is_some())
            }),
    )
}
