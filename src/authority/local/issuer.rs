//! From this crate's words to rcgen's: what is signed, and with what.

use const_oid::ObjectIdentifier;
use const_oid::db::{fips204, rfc5912, rfc8410};
use der::{Decode, Tag, Tagged};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension,
    DistinguishedName as RcgenName, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData, RevokedCertParams, SignatureAlgorithm,
    SigningKey,
};
use sha2::{Digest, Sha256};
use spki::SubjectPublicKeyInfoRef;
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::revocations::Revocations;
use crate::authority::{CaError, CertificatePurpose, RevocationReason};
use crate::certificate::{
    Certificate, DistinguishedName, KeyUsage, SerialNumber, SubjectAlternativeName, Timestamp,
    Validity, encode_subject_alternative_names, oid,
};
use crate::key::{KeyAlgorithm, PrivateKey};

/// What a certificate is to say, whoever signs it.
pub(super) struct Template<'a> {
    pub(super) subject: &'a DistinguishedName,
    pub(super) subject_alternative_names: &'a [SubjectAlternativeName],
    pub(super) public_key_der: &'a [u8],
    pub(super) purpose: CertificatePurpose,
    pub(super) key_usage: KeyUsage,
    pub(super) validity: Validity,
}

/// A key that signs as a CA, and the name and key identifier that it signs under.
pub(super) struct Signer {
    key: SignerKey,
    name: DistinguishedName,
    key_identifier: Vec<u8>,
}

pub(super) fn backend(operation: &'static str) -> impl Fn(rcgen::Error) -> CaError {
    move |source| CaError::Backend { operation, source: Box::new(source) }
}

/// RFC 7093 section 2 method 1: the leftmost 160 bits of SHA-256 over the public key's bits.
fn key_identifier(public_key_der: &[u8]) -> Result<Vec<u8>, CaError> {
    let hash = Sha256::digest(public_key(public_key_der)?.bits);
    Ok(hash.iter().copied().take(20).collect())
}

/// The certificate's subject key identifier, or the one it would have been given.
pub(super) fn key_identifier_of(certificate: &Certificate) -> Result<Vec<u8>, CaError> {
    match certificate.subject_key_identifier() {
        Some(identifier) => Ok(identifier.to_vec()),
        None => key_identifier(certificate.public_key_der()),
    }
}

impl Signer {
    /// Signs under a CA certificate's own subject and key identifier, encoded as they are there.
    pub(super) fn of(certificate: &Certificate, key: &PrivateKey) -> Result<Self, CaError> {
        Ok(Self {
            key: SignerKey::new(key)?,
            name: certificate.subject(),
            key_identifier: key_identifier_of(certificate)?,
        })
    }

    /// Signs a root's own certificate.
    pub(super) fn of_new_root(name: DistinguishedName, key: &PrivateKey) -> Result<Self, CaError> {
        let key_identifier = key_identifier(key.public_key_der())?;
        Ok(Self { key: SignerKey::new(key)?, name, key_identifier })
    }

    fn params(&self) -> Result<CertificateParams, CaError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen_name(&self.name)?;
        params.key_identifier_method = KeyIdMethod::PreSpecified(self.key_identifier.clone());
        Ok(params)
    }

    /// Signs a certificate with a serial number of 128 random bits.
    pub(super) fn sign(&self, template: &Template<'_>) -> Result<Certificate, CaError> {
        let mut serial = [0; 16];
        getrandom::fill(&mut serial).map_err(crate::key::KeyError::Random)?;
        let serial = SerialNumber::from_magnitude(&serial);

        let mut params = CertificateParams::default();
        params.serial_number = Some(rcgen::SerialNumber::from_slice(serial.magnitude()));
        params.not_before = rcgen_time(template.validity.not_before)?;
        params.not_after = rcgen_time(template.validity.not_after)?;
        params.distinguished_name = rcgen_name(template.subject)?;
        params.key_usages = key_usages(template.key_usage);
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method =
            KeyIdMethod::PreSpecified(key_identifier(template.public_key_der)?);
        let purposes: &[ExtendedKeyUsagePurpose] = match template.purpose {
            CertificatePurpose::SubordinateCa { path_len } => {
                params.is_ca = IsCa::Ca(match path_len {
                    Some(length) => BasicConstraints::Constrained(length),
                    None => BasicConstraints::Unconstrained,
                });
                &[]
            }
            leaf => {
                params.is_ca = IsCa::ExplicitNoCa;
                match leaf {
                    CertificatePurpose::Client => &[ExtendedKeyUsagePurpose::ClientAuth],
                    CertificatePurpose::Server => &[ExtendedKeyUsagePurpose::ServerAuth],
                    _ => {
                        &[ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth]
                    }
                }
            }
        };
        params.extended_key_usages = purposes.to_vec();
        if !template.subject_alternative_names.is_empty() {
            let names = encode_subject_alternative_names(template.subject_alternative_names);
            let mut names = extension(oid::ID_CE_SUBJECT_ALT_NAME, names.map_err(der_failure)?);
            // RFC 5280 section 4.2.1.6: critical where the subject is empty.
            names.set_criticality(template.subject.is_empty());
            params.custom_extensions.push(names);
        }
        let public_key = public_key(template.public_key_der)?;
        let issuer = Issuer::new(self.params()?, &self.key);
        let signed = params.signed_by(&public_key, &issuer).map_err(backend("signing"))?;
        let certificate = Certificate::from_der(signed.der())?;
        // rcgen encodes names and keys anew; a certificate that says something else than was
        // asked must not leave the house.
        let basic_constraints = certificate.basic_constraints();
        let path_len = basic_constraints.and_then(|constraints| constraints.path_len);
        let is_as_asked = match template.purpose {
            CertificatePurpose::SubordinateCa { path_len: asked } => {
                certificate.is_ca() && path_len == asked
            }
            _ => !certificate.is_ca(),
        };
        let faithful = is_as_asked
            && certificate.serial_number() == serial
            && certificate.key_usage() == Some(template.key_usage)
            && certificate.extended_key_usage().map_or(0, |purposes| purposes.len())
                == purposes.len()
            && certificate.subject_alternative_names() == template.subject_alternative_names
            && certificate.authority_key_identifier() == Some(self.key_identifier.as_slice())
            && certificate.unknown_critical_extension().is_none()
            && certificate.subject_der() == template.subject.as_der()
            && certificate.issuer_der() == self.name.as_der()
            && certificate.public_key_der() == template.public_key_der
            && certificate.validity() == template.validity;
        if !faithful {
            return Err(CaError::Name {
                name: template.subject.clone(),
                reason: "the signed certificate would not say what was asked, because its encoding, or that of the key, is not the one DER has for it",
            });
        }
        Ok(certificate)
    }

    /// Signs the list of everything that is revoked.
    pub(super) fn sign_crl(
        &self,
        revocations: &Revocations,
        this_update: Timestamp,
        next_update: Timestamp,
    ) -> Result<Vec<u8>, CaError> {
        let revoked_certs = revocations
            .revoked
            .iter()
            .map(|entry| {
                Ok(RevokedCertParams {
                    serial_number: rcgen::SerialNumber::from_slice(entry.serial_number.magnitude()),
                    revocation_time: rcgen_time(entry.since)?,
                    reason_code: Some(rcgen_reason(entry.reason)),
                    invalidity_date: None,
                })
            })
            .collect::<Result<_, CaError>>()?;
        let crl = CertificateRevocationListParams {
            this_update: rcgen_time(this_update)?,
            next_update: rcgen_time(next_update)?,
            crl_number: rcgen::SerialNumber::from_slice(
                SerialNumber::from_magnitude(&revocations.number.to_be_bytes()).magnitude(),
            ),
            issuing_distribution_point: None,
            revoked_certs,
            key_identifier_method: KeyIdMethod::PreSpecified(self.key_identifier.clone()),
        };
        let issuer = Issuer::new(self.params()?, &self.key);
        let signed = crl.signed_by(&issuer).map_err(backend("signing the revocation list"))?;
        Ok(signed.der().to_vec())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.name)
    }
}

/// Makes a key with aws-lc-rs where it makes PKCS#8 version 1, and in pure Rust elsewhere.
pub(super) fn generate(algorithm: KeyAlgorithm) -> Result<PrivateKey, CaError> {
    let generated = match algorithm {
        KeyAlgorithm::Rsa { bits } => {
            let size = match bits {
                2048 => rcgen::RsaKeySize::_2048,
                3072 => rcgen::RsaKeySize::_3072,
                4096 => rcgen::RsaKeySize::_4096,
                _ => return Err(crate::key::KeyError::RsaSize { bits: bits.into() }.into()),
            };
            KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, size)
        }
        KeyAlgorithm::Ed25519 => return Ok(PrivateKey::generate(algorithm)?),
        _ => KeyPair::generate_for(signature_algorithm(algorithm)?),
    };
    let generated = Zeroizing::new(generated.map_err(backend("making a key"))?);
    Ok(PrivateKey::from_pkcs8_der(generated.serialized_der())?)
}

/// What a CA signs with: aws-lc-rs, or this crate itself, because rcgen makes ML-DSA keys and reads none.
enum SignerKey {
    // rcgen keeps the key's PKCS#8 in it, hence the wiping.
    AwsLc(Zeroizing<KeyPair>),
    Own { key: PrivateKey, public_key: Vec<u8>, algorithm: &'static SignatureAlgorithm },
}

impl SignerKey {
    fn new(key: &PrivateKey) -> Result<Self, CaError> {
        let algorithm = signature_algorithm(key.algorithm())?;
        if let KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87 =
            key.algorithm()
        {
            let public_key = public_key(key.public_key_der())?.bits.to_vec();
            return Ok(Self::Own { key: key.clone(), public_key, algorithm });
        }
        KeyPair::from_pkcs8_der_and_sign_algo(&key.expose_pkcs8_der().into(), algorithm)
            .map(|pair| Self::AwsLc(Zeroizing::new(pair)))
            .map_err(backend("loading the CA's key"))
    }
}

impl PublicKeyData for SignerKey {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::AwsLc(pair) => pair.der_bytes(),
            Self::Own { public_key, .. } => public_key,
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Self::AwsLc(pair) => pair.algorithm(),
            Self::Own { algorithm, .. } => algorithm,
        }
    }
}

impl SigningKey for SignerKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Self::AwsLc(pair) => pair.sign(message),
            // rcgen's word for whatever fails in a key that is not its own.
            Self::Own { key, .. } => key
                .sign(message)
                .map(|(signature, _)| signature)
                .map_err(|_| rcgen::Error::RemoteKeyError),
        }
    }
}

/// RSA with SHA-256, ECDSA with the hash of the curve's size, ML-DSA.
fn signature_algorithm(algorithm: KeyAlgorithm) -> Result<&'static SignatureAlgorithm, CaError> {
    match algorithm {
        KeyAlgorithm::Rsa { .. } => Ok(&rcgen::PKCS_RSA_SHA256),
        KeyAlgorithm::EcdsaP256 => Ok(&rcgen::PKCS_ECDSA_P256_SHA256),
        KeyAlgorithm::EcdsaP384 => Ok(&rcgen::PKCS_ECDSA_P384_SHA384),
        KeyAlgorithm::EcdsaP521 => Ok(&rcgen::PKCS_ECDSA_P521_SHA512),
        KeyAlgorithm::MlDsa44 => Ok(&rcgen::PKCS_ML_DSA_44),
        KeyAlgorithm::MlDsa65 => Ok(&rcgen::PKCS_ML_DSA_65),
        KeyAlgorithm::MlDsa87 => Ok(&rcgen::PKCS_ML_DSA_87),
        KeyAlgorithm::Ed25519 | KeyAlgorithm::RsaPss { .. } => Err(CaError::UnsupportedKey {
            what: format!(
                "{algorithm} for the CA itself: choose RSA 2048 to 4096, P-256, P-384, P-521 or ML-DSA"
            ),
        }),
    }
}

/// A subject's public key, as rcgen takes it.
struct SubjectKey<'a> {
    bits: &'a [u8],
    algorithm: &'static SignatureAlgorithm,
}

impl PublicKeyData for SubjectKey<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn public_key(spki_der: &[u8]) -> Result<SubjectKey<'_>, CaError> {
    let spki = SubjectPublicKeyInfoRef::from_der(spki_der).map_err(der_failure)?;
    let unsupported = || CaError::UnsupportedKey {
        what: format!("a public key of the algorithm {}", spki.algorithm.oid),
    };
    let algorithm = match spki.algorithm.oid {
        rfc5912::RSA_ENCRYPTION => &rcgen::PKCS_RSA_SHA256,
        rfc8410::ID_ED_25519 => &rcgen::PKCS_ED25519,
        fips204::ID_ML_DSA_44 => &rcgen::PKCS_ML_DSA_44,
        fips204::ID_ML_DSA_65 => &rcgen::PKCS_ML_DSA_65,
        fips204::ID_ML_DSA_87 => &rcgen::PKCS_ML_DSA_87,
        rfc5912::ID_EC_PUBLIC_KEY => match spki.algorithm.parameters_oid() {
            Ok(rfc5912::SECP_256_R_1) => &rcgen::PKCS_ECDSA_P256_SHA256,
            Ok(rfc5912::SECP_384_R_1) => &rcgen::PKCS_ECDSA_P384_SHA384,
            Ok(rfc5912::SECP_521_R_1) => &rcgen::PKCS_ECDSA_P521_SHA512,
            _ => return Err(unsupported()),
        },
        _ => return Err(unsupported()),
    };
    let bits = spki.subject_public_key.as_bytes().ok_or_else(unsupported)?;
    Ok(SubjectKey { bits, algorithm })
}

/// A name in rcgen's form, which holds one value for each attribute type, one attribute to each
/// RDN, and text only. What does not fit is refused rather than shortened.
fn rcgen_name(name: &DistinguishedName) -> Result<RcgenName, CaError> {
    let refuse = |reason| CaError::Name { name: name.clone(), reason };
    let mut converted = RcgenName::new();
    for rdn in name.rdns().iter() {
        let mut attributes = rdn.iter();
        let (Some(attribute), None) = (attributes.next(), attributes.next()) else {
            return Err(refuse(
                "a local CA writes one attribute in each part, and one of its parts has several (A=x+B=y)",
            ));
        };
        let arcs: Vec<u64> = attribute.oid.arcs().map(u64::from).collect();
        let attribute_type = DnType::from_oid(&arcs);
        if converted.get(&attribute_type).is_some() {
            return Err(refuse(
                "a local CA writes each attribute once, and one of its attributes occurs twice",
            ));
        }
        let contents = attribute.value.value();
        let text = || {
            std::str::from_utf8(contents).map_err(|_| refuse("it has text in no known encoding"))
        };
        let unencodable = |_| refuse("it has characters that its encoding does not allow");
        let value = match attribute.value.tag() {
            Tag::Utf8String => DnValue::Utf8String(text()?.to_owned()),
            Tag::PrintableString => {
                DnValue::PrintableString(text()?.try_into().map_err(unencodable)?)
            }
            Tag::Ia5String => DnValue::Ia5String(text()?.try_into().map_err(unencodable)?),
            Tag::TeletexString => DnValue::TeletexString(text()?.try_into().map_err(unencodable)?),
            Tag::BmpString => DnValue::BmpString(
                rcgen::string::BmpString::from_utf16be(contents.to_vec()).map_err(unencodable)?,
            ),
            _ => return Err(refuse("it has a value that is no text")),
        };
        converted.push(attribute_type, value);
    }
    Ok(converted)
}

fn rcgen_time(moment: Timestamp) -> Result<OffsetDateTime, CaError> {
    OffsetDateTime::from_unix_timestamp(moment.unix_seconds()).map_err(|error| CaError::Backend {
        operation: "converting a time",
        source: Box::new(error),
    })
}

fn rcgen_reason(reason: RevocationReason) -> rcgen::RevocationReason {
    match reason {
        RevocationReason::Unspecified => rcgen::RevocationReason::Unspecified,
        RevocationReason::KeyCompromise => rcgen::RevocationReason::KeyCompromise,
        RevocationReason::CaCompromise => rcgen::RevocationReason::CaCompromise,
        RevocationReason::AffiliationChanged => rcgen::RevocationReason::AffiliationChanged,
        RevocationReason::Superseded => rcgen::RevocationReason::Superseded,
        RevocationReason::CessationOfOperation => rcgen::RevocationReason::CessationOfOperation,
        RevocationReason::PrivilegeWithdrawn => rcgen::RevocationReason::PrivilegeWithdrawn,
    }
}

fn key_usages(usage: KeyUsage) -> Vec<KeyUsagePurpose> {
    [
        (KeyUsage::DIGITAL_SIGNATURE, KeyUsagePurpose::DigitalSignature),
        (KeyUsage::CONTENT_COMMITMENT, KeyUsagePurpose::ContentCommitment),
        (KeyUsage::KEY_ENCIPHERMENT, KeyUsagePurpose::KeyEncipherment),
        (KeyUsage::DATA_ENCIPHERMENT, KeyUsagePurpose::DataEncipherment),
        (KeyUsage::KEY_AGREEMENT, KeyUsagePurpose::KeyAgreement),
        (KeyUsage::KEY_CERT_SIGN, KeyUsagePurpose::KeyCertSign),
        (KeyUsage::CRL_SIGN, KeyUsagePurpose::CrlSign),
        (KeyUsage::ENCIPHER_ONLY, KeyUsagePurpose::EncipherOnly),
        (KeyUsage::DECIPHER_ONLY, KeyUsagePurpose::DecipherOnly),
    ]
    .into_iter()
    .filter_map(|(bit, purpose)| usage.contains(bit).then_some(purpose))
    .collect()
}

fn extension(oid: ObjectIdentifier, contents: Vec<u8>) -> CustomExtension {
    let arcs: Vec<u64> = oid.arcs().map(u64::from).collect();
    CustomExtension::from_oid_content(&arcs, contents)
}

fn der_failure(error: der::Error) -> CaError {
    CaError::Backend { operation: "encoding", source: Box::new(error) }
}
