//! Certificates put together field by field, so that every field can be wrong.

use std::sync::LazyLock;

use rcgen::{KeyPair, PublicKeyData, SigningKey};

use super::chains::{ECDSA_SHA256, ECDSA_SHA384, tlv};

pub(super) const UTF8: u8 = 0x0c;
pub(super) const PRINTABLE: u8 = 0x13;

pub(super) const COMMON_NAME: &[u8] = &[0x55, 4, 3];
pub(super) const ORGANIZATION: &[u8] = &[0x55, 4, 10];
pub(super) const COUNTRY: &[u8] = &[0x55, 4, 6];
pub(super) const EMAIL_ADDRESS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1];

pub(super) fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

pub(super) fn oid(contents: &[u8]) -> Vec<u8> {
    tlv(6, contents)
}

pub(super) struct Key {
    pair: KeyPair,
    pub(super) spki: Vec<u8>,
    /// DER of the `AlgorithmIdentifier` of its signatures.
    pub(super) algorithm: &'static [u8],
}

const ECDSA_SHA512: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4];
const ED25519: &[u8] = &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
const RSA_SHA256: &[u8] = &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b, 5, 0];

/// Kinds of keys, how many there are of each, and how often each kind is taken.
pub(super) const KINDS: [(usize, usize); 5] = [(9, 60), (3, 10), (3, 15), (3, 13), (1, 2)];

/// RSA keys take long to make, and none is to be secret.
pub(super) static KEYS: LazyLock<Vec<Key>> = LazyLock::new(|| {
    let kinds: [(&'static rcgen::SignatureAlgorithm, &'static [u8]); 5] = [
        (&rcgen::PKCS_ECDSA_P256_SHA256, ECDSA_SHA256),
        (&rcgen::PKCS_ECDSA_P384_SHA384, ECDSA_SHA384),
        (&rcgen::PKCS_ED25519, ED25519),
        (&rcgen::PKCS_RSA_SHA256, RSA_SHA256),
        (&rcgen::PKCS_ECDSA_P521_SHA512, ECDSA_SHA512),
    ];
    let mut keys = Vec::new();
    for ((algorithm, identifier), (count, _)) in kinds.into_iter().zip(KINDS) {
        for _ in 0..count {
            let pair = KeyPair::generate_for(algorithm).unwrap();
            let spki = pair.subject_public_key_info();
            keys.push(Key { pair, spki, algorithm: identifier });
        }
    }
    keys
});

/// One attribute of a name, in a set of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Attribute {
    pub(super) kind: Vec<u8>,
    pub(super) tag: u8,
    pub(super) value: Vec<u8>,
}

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Name(pub(super) Vec<Attribute>);

impl Name {
    pub(super) fn with(mut self, kind: &[u8], tag: u8, value: impl AsRef<[u8]>) -> Self {
        self.0.push(Attribute { kind: kind.to_vec(), tag, value: value.as_ref().to_vec() });
        self
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let part = |attribute: &Attribute| {
            let pair = [oid(&attribute.kind), tlv(attribute.tag, &attribute.value)];
            tlv(0x31, &sequence(&pair))
        };
        sequence(&self.0.iter().map(part).collect::<Vec<_>>())
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Extension {
    /// Contents of the object identifier.
    pub(super) id: Vec<u8>,
    /// DER of the BOOLEAN, or nothing.
    pub(super) critical: Vec<u8>,
    pub(super) value: Vec<u8>,
}

pub(super) const CRITICAL: &[u8] = &[1, 1, 0xff];

impl Extension {
    pub(super) fn new(id: &[u8], critical: bool, value: Vec<u8>) -> Self {
        let critical = if critical { CRITICAL.to_vec() } else { Vec::new() };
        Self { id: id.to_vec(), critical, value }
    }

    fn der(&self) -> Vec<u8> {
        sequence(&[oid(&self.id), self.critical.clone(), tlv(4, &self.value)])
    }
}

/// What is done to the finished parts.
#[derive(Clone, Debug)]
pub(super) enum Twist {
    /// Before it is signed.
    FlipInTbs(usize),
    /// The octets of the BIT STRING, its count of unused bits with them.
    FlipInSignature(usize),
    /// Signed, and then changed.
    FlipInTbsAfterSigning(usize),
    UnusedBits(u8),
    LongerSignature,
    ShorterSignature,
    AfterExtensions(Vec<u8>),
    AfterCertificate(Vec<u8>),
}

#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// DER of `[0] EXPLICIT Version`, or nothing.
    pub(super) version: Vec<u8>,
    /// Contents of the INTEGER.
    pub(super) serial: Vec<u8>,
    /// `None` is that of the key that signs.
    pub(super) inside: Option<Vec<u8>>,
    pub(super) outside: Option<Vec<u8>>,
    pub(super) issuer: Name,
    pub(super) not_before: (u8, Vec<u8>),
    pub(super) not_after: (u8, Vec<u8>),
    pub(super) subject: Name,
    pub(super) spki: Vec<u8>,
    /// DER of the two unique identifiers.
    pub(super) unique_ids: Vec<u8>,
    pub(super) extensions: Vec<Extension>,
    /// `[3]` even if there are none.
    pub(super) explicit_extensions: bool,
    /// Place in [`KEYS`].
    pub(super) key: usize,
    pub(super) signer: usize,
    pub(super) twists: Vec<Twist>,
}

impl Draft {
    pub(super) fn der(&self) -> Vec<u8> {
        let signer = &KEYS[self.signer];
        let algorithm = |field: &Option<Vec<u8>>| field.clone().unwrap_or(signer.algorithm.into());
        let mut parts = vec![
            self.version.clone(),
            tlv(2, &self.serial),
            algorithm(&self.inside),
            self.issuer.der(),
            sequence(&[
                tlv(self.not_before.0, &self.not_before.1),
                tlv(self.not_after.0, &self.not_after.1),
            ]),
            self.subject.der(),
            self.spki.clone(),
            self.unique_ids.clone(),
        ];
        if self.explicit_extensions || !self.extensions.is_empty() {
            let extensions: Vec<_> = self.extensions.iter().map(Extension::der).collect();
            parts.push(tlv(0xa3, &sequence(&extensions)));
        }
        for twist in &self.twists {
            if let Twist::AfterExtensions(more) = twist {
                parts.push(more.clone());
            }
        }
        let mut tbs = sequence(&parts);
        for twist in &self.twists {
            if let Twist::FlipInTbs(bit) = twist {
                flip(&mut tbs, *bit);
            }
        }
        let mut signature = [&[0], signer.pair.sign(&tbs).unwrap().as_slice()].concat();
        let mut after = Vec::new();
        for twist in &self.twists {
            match twist {
                Twist::FlipInSignature(bit) => flip(&mut signature, *bit),
                Twist::FlipInTbsAfterSigning(bit) => flip(&mut tbs, *bit),
                Twist::UnusedBits(count) => signature[0] = *count,
                Twist::LongerSignature => signature.push(0),
                Twist::ShorterSignature => drop(signature.pop()),
                Twist::AfterCertificate(more) => after.extend_from_slice(more),
                Twist::FlipInTbs(_) | Twist::AfterExtensions(_) => {}
            }
        }
        let whole = sequence(&[tbs, algorithm(&self.outside), tlv(3, &signature)]);
        [whole, after].concat()
    }

    pub(super) fn extension(&mut self, id: &[u8]) -> Option<&mut Extension> {
        self.extensions.iter_mut().find(|extension| extension.id == id)
    }
}

fn flip(octets: &mut [u8], bit: usize) {
    let bit = bit % (octets.len() * 8);
    octets[bit / 8] ^= 1 << (bit % 8);
}
