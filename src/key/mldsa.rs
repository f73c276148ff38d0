//! ML-DSA private keys as PKCS#8 carries them (RFC 9881 section 6):
//!
//! ```text
//! ML-DSA-44-PrivateKey ::= CHOICE {
//!     seed [0] IMPLICIT OCTET STRING (SIZE (32)),
//!     expandedKey OCTET STRING (SIZE (2560)),
//!     both SEQUENCE { seed OCTET STRING (SIZE (32)), expandedKey OCTET STRING (SIZE (2560)) } }
//! ```
//!
//! An expanded key without its seed is refused: nothing tells whether its parts belong together, and
//! the arithmetic panics over one whose numbers are out of range.

use der::asn1::{AnyRef, ContextSpecific, OctetStringRef};
use der::{Decode, Encode, Tag, TagMode, TagNumber, Tagged};
use ml_dsa::{ExpandedSigningKey, ExpandedSigningKeyBytes, Keypair, MlDsaParams, Seed, SigningKey};
use pkcs8::PrivateKeyInfoRef;
use pkcs8::spki::AssociatedAlgorithmIdentifier;
use zeroize::Zeroizing;

use super::{KeyError, wrap};

/// One of the three parameter sets, with its object identifier.
pub(super) trait Parameters:
    MlDsaParams + AssociatedAlgorithmIdentifier<Params = AnyRef<'static>>
{
}

impl<P: MlDsaParams + AssociatedAlgorithmIdentifier<Params = AnyRef<'static>>> Parameters for P {}

/// The seed and the expanded key, whichever a file has.
struct Parts<'a> {
    seed: Option<&'a [u8]>,
    expanded: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn of(private_key: &'a [u8]) -> der::Result<Self> {
        let choice = AnyRef::from_der(private_key)?;
        match choice.tag() {
            Tag::ContextSpecific { number: TagNumber(0), constructed: false } => {
                Ok(Self { seed: Some(choice.value()), expanded: None })
            }
            Tag::OctetString => Ok(Self { seed: None, expanded: Some(choice.value()) }),
            _ => choice.sequence(|both| {
                let seed = <&OctetStringRef>::decode(both)?;
                let expanded = <&OctetStringRef>::decode(both)?;
                Ok(Self { seed: Some(seed.as_bytes()), expanded: Some(expanded.as_bytes()) })
            }),
        }
    }
}

/// Reads a key, and refuses one whose seed, expanded key and public key are not of one key.
pub(super) fn read<P: Parameters>(
    algorithm: &'static str,
    info: &PrivateKeyInfoRef<'_>,
) -> Result<SigningKey<P>, KeyError> {
    let inconsistent =
        |reason: &str| KeyError::Inconsistent { algorithm, reason: reason.to_owned() };
    if info.algorithm.parameters.is_some() {
        return Err(inconsistent("its algorithm has parameters, and RFC 9881 section 2 has none"));
    }
    let parts = Parts::of(info.private_key.as_bytes()).map_err(KeyError::Malformed)?;
    let seed: &Seed = parts
        .seed
        .ok_or(KeyError::WithoutSeed { algorithm })?
        .try_into()
        .map_err(|_| inconsistent("its seed is not of 32 octets"))?;
    let key = SigningKey::<P>::from_seed(seed);
    if parts.expanded.is_some_and(|expanded| expanded_from(&key).as_slice() != expanded) {
        return Err(inconsistent("its expanded key is not the one that its seed gives"));
    }
    let public_key = key.verifying_key().encode();
    if info.public_key.is_some_and(|stated| stated.as_bytes() != Some(public_key.as_slice())) {
        return Err(inconsistent("its public key is not the one that its seed gives"));
    }
    Ok(key)
}

#[expect(
    deprecated,
    reason = "the seed is the key, but files may have the expanded form beside it"
)]
fn expanded_from<P: Parameters>(key: &SigningKey<P>) -> Zeroizing<ExpandedSigningKeyBytes<P>> {
    Zeroizing::new(ExpandedSigningKey::<P>::from_seed(key.as_seed()).to_expanded())
}

pub(super) fn generate<P: Parameters>() -> Result<SigningKey<P>, KeyError> {
    let mut seed = Zeroizing::new(Seed::default());
    getrandom::fill(seed.as_mut_slice()).map_err(KeyError::Random)?;
    Ok(SigningKey::from_seed(&seed))
}

/// PKCS#8 with the seed alone: the shortest form, from which the others follow. The ml-dsa crate writes
/// the same, but leaves a copy of the seed on the heap.
pub(super) fn to_pkcs8<P: Parameters>(key: &SigningKey<P>) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let seed = ContextSpecific {
        tag_number: TagNumber(0),
        tag_mode: TagMode::Implicit,
        value: OctetStringRef::new(key.as_seed()).map_err(KeyError::Malformed)?,
    };
    let mut choice = Zeroizing::new([0; 34]);
    let choice = seed.encode_to_slice(choice.as_mut_slice()).map_err(KeyError::Malformed)?;
    wrap(P::ALGORITHM_IDENTIFIER, choice)
}

/// Signs with fresh random numbers, as FIPS 204 section 3.4 prefers, and with the empty context, as
/// RFC 9881 section 3 asks.
pub(super) fn sign<P: Parameters>(
    key: &SigningKey<P>,
    message: &[u8],
) -> Result<Vec<u8>, signature::Error> {
    let key = ExpandedSigningKey::<P>::from_seed(key.as_seed());
    let signature = key.sign_randomized(message, &[], &mut getrandom::SysRng)?;
    Ok(signature.encode().to_vec())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsRawBytes;
    use aws_lc_rs::signature::{
        KeyPair as _, ML_DSA_44, ML_DSA_44_SIGNING, ML_DSA_65, ML_DSA_65_SIGNING, ML_DSA_87,
        ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm,
        UnparsedPublicKey,
    };
    use const_oid::db::fips204;
    use der::asn1::BitStringRef;
    use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

    use super::*;
    use crate::key::{KeyAlgorithm, PrivateKey};
    use crate::verify::signature::PublicKey;

    type Peer = (&'static PqdsaSigningAlgorithm, &'static PqdsaVerificationAlgorithm);
    const PEERS: [(KeyAlgorithm, Peer); 3] = [
        (KeyAlgorithm::MlDsa44, (&ML_DSA_44_SIGNING, &ML_DSA_44)),
        (KeyAlgorithm::MlDsa65, (&ML_DSA_65_SIGNING, &ML_DSA_65)),
        (KeyAlgorithm::MlDsa87, (&ML_DSA_87_SIGNING, &ML_DSA_87)),
    ];

    /// The octets of a public key.
    fn bits(key: &PrivateKey) -> &[u8] {
        let spki = SubjectPublicKeyInfoRef::from_der(key.public_key_der()).unwrap();
        spki.subject_public_key.as_bytes().unwrap()
    }

    #[test]
    fn aws_lc_reads_our_keys_and_we_read_its_and_each_verifies_what_the_other_signs() {
        for (algorithm, (signing, verifying)) in PEERS {
            let ours = PrivateKey::generate(algorithm).unwrap();
            let theirs = PqdsaKeyPair::from_pkcs8(signing, ours.expose_pkcs8_der()).unwrap();
            assert_eq!(theirs.public_key().as_ref(), bits(&ours));
            let pkcs8 = theirs.to_pkcs8v1().unwrap();
            assert_eq!(pkcs8.as_ref(), ours.expose_pkcs8_der());

            let theirs = PqdsaKeyPair::generate(signing).unwrap();
            let read = PrivateKey::from_pkcs8_der(theirs.to_pkcs8v1().unwrap().as_ref()).unwrap();
            assert_eq!((read.algorithm(), bits(&read)), (algorithm, theirs.public_key().as_ref()));

            let (signature, identifier) = read.sign(b"message").unwrap();
            let judge = UnparsedPublicKey::new(verifying, theirs.public_key());
            judge.verify(b"message", &signature).unwrap();
            let mut signature = vec![0; signing.signature_len()];
            theirs.sign(b"message", &mut signature).unwrap();
            let key = PublicKey::from_spki_der(read.public_key_der()).unwrap();
            key.verify(&identifier, b"message", &signature).unwrap();
            key.verify(&identifier, b"another message", &signature).unwrap_err();
        }
    }

    /// PKCS#8 of ML-DSA-44 around a `ML-DSA-44-PrivateKey`.
    fn pkcs8(parameters: Option<AnyRef<'_>>, choice: &[u8], public: Option<&[u8]>) -> Vec<u8> {
        let algorithm = AlgorithmIdentifierRef { oid: fips204::ID_ML_DSA_44, parameters };
        let mut info = PrivateKeyInfoRef::new(algorithm, OctetStringRef::new(choice).unwrap());
        info.public_key = public.map(|octets| BitStringRef::from_bytes(octets).unwrap());
        info.to_der().unwrap()
    }

    #[test]
    fn every_form_is_read_or_refused_for_what_it_is() {
        let key = PrivateKey::generate(KeyAlgorithm::MlDsa44).unwrap();
        let seed = &key.expose_pkcs8_der()[key.expose_pkcs8_der().len() - 32..];
        let pair = PqdsaKeyPair::from_seed(&ML_DSA_44_SIGNING, seed).unwrap();
        let expanded = pair.private_key().as_raw_bytes().unwrap();
        let octets = |octets: &[u8]| OctetStringRef::new(octets).unwrap().to_der().unwrap();
        let both = |seed: &[u8], expanded: &[u8]| {
            let contents = [octets(seed), octets(expanded)].concat();
            AnyRef::new(Tag::Sequence, &contents).unwrap().to_der().unwrap()
        };
        let seed_form = [&[0x80, 32], seed].concat();
        let both_form = both(seed, expanded.as_ref());
        let read = |der: Vec<u8>| PrivateKey::from_pkcs8_der(&der);

        for good in [
            pkcs8(None, &seed_form, None),
            pkcs8(None, &seed_form, Some(bits(&key))),
            pkcs8(None, &both_form, None),
        ] {
            let read = read(good).unwrap();
            assert_eq!(read.public_key_der(), key.public_key_der());
            PqdsaKeyPair::from_pkcs8(&ML_DSA_44_SIGNING, read.expose_pkcs8_der()).unwrap();
        }
        let without_seed = read(pkcs8(None, &octets(expanded.as_ref()), None)).unwrap_err();
        assert!(matches!(without_seed, KeyError::WithoutSeed { .. }), "{without_seed}");

        let changed = |octets: &[u8], place: usize| {
            let mut octets = octets.to_vec();
            octets[place] ^= 1;
            octets
        };
        let last = expanded.as_ref().len() - 1;
        for contradiction in [
            pkcs8(Some(AnyRef::NULL), &seed_form, None),
            pkcs8(None, &[&[0x80, 31], &seed[1..]].concat(), None),
            pkcs8(None, &both(&changed(seed, 0), expanded.as_ref()), None),
            pkcs8(None, &both(seed, &changed(expanded.as_ref(), 0)), None),
            pkcs8(None, &both(seed, &changed(expanded.as_ref(), last)), None),
            pkcs8(None, &both(seed, &expanded.as_ref()[1..]), None),
            pkcs8(None, &seed_form, Some(&changed(bits(&key), 7))),
        ] {
            let refused = read(contradiction).unwrap_err();
            assert!(matches!(refused, KeyError::Inconsistent { .. }), "{refused}");
        }
        let constructed = [&[0xa0, 34, 4, 32], seed].concat();
        let trailing = [&seed_form[..], &[0]].concat();
        let three = [octets(seed), octets(expanded.as_ref()), octets(b"")].concat();
        let three = AnyRef::new(Tag::Sequence, &three).unwrap().to_der().unwrap();
        for malformed in [&b""[..], seed, &constructed, &trailing, &three] {
            let refused = read(pkcs8(None, malformed, None)).unwrap_err();
            assert!(matches!(refused, KeyError::Malformed(_)), "{refused}");
        }
    }
}
