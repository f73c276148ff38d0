//! Certificates, byte by byte: AWS's templates ask for what no encoder at hand writes, and names go
//! into a certificate as they stand in the request.

use aws_lc_rs::signature::{
    ML_DSA_44_SIGNING, ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm,
};
use const_oid::ObjectIdentifier;
use private_ca::{Certificate, CertificateRequest, KeyAlgorithm, PrivateKey, Timestamp};
use rcgen::{KeyPair, SigningKey};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use signature::hazmat::PrehashSigner;

use super::wire::{AwsError, random_hex, refuse};

/// DER of one element.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = u32::try_from(contents.len()).unwrap().to_be_bytes();
    let mut der = vec![tag];
    match contents.len() {
        0..0x80 => der.push(length[3]),
        0x80..0x100 => der.extend([0x81, length[3]]),
        _ => der.extend([0x82, length[2], length[3]]),
    }
    der.extend_from_slice(contents);
    der
}

pub fn oid(dotted: &str) -> Result<Vec<u8>, AwsError> {
    match ObjectIdentifier::new(dotted) {
        Ok(oid) => Ok(tlv(0x06, oid.as_bytes())),
        Err(_) => refuse("InvalidArgsException", format!("{dotted} is no object identifier")),
    }
}

/// An extension of a certificate.
#[derive(Debug, Clone)]
pub struct Extension {
    pub id: String,
    pub critical: bool,
    pub contents: Vec<u8>,
}

impl Extension {
    pub fn new(id: &str, critical: bool, contents: Vec<u8>) -> Self {
        Self { id: id.to_owned(), critical, contents }
    }

    fn to_der(&self) -> Result<Vec<u8>, AwsError> {
        let critical: &[u8] = if self.critical { &[0x01, 0x01, 0xff] } else { &[] };
        Ok(tlv(0x30, &[&oid(&self.id)?, critical, &tlv(0x04, &self.contents)].concat()))
    }
}

pub const SUBJECT_KEY_IDENTIFIER: &str = "2.5.29.14";
pub const KEY_USAGE: &str = "2.5.29.15";
pub const SUBJECT_ALTERNATIVE_NAMES: &str = "2.5.29.17";
pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
pub const CRL_DISTRIBUTION_POINTS: &str = "2.5.29.31";
pub const CERTIFICATE_POLICIES: &str = "2.5.29.32";
pub const AUTHORITY_KEY_IDENTIFIER: &str = "2.5.29.35";
pub const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
pub const AUTHORITY_INFORMATION_ACCESS: &str = "1.3.6.1.5.5.7.1.1";

/// A bit string of flags, without trailing zeros as DER wants it.
pub fn key_usage(bits: &[u8]) -> Extension {
    let mut flags = [0_u8; 2];
    for bit in bits {
        flags[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    let octets = if flags[1] == 0 { &flags[..1] } else { &flags[..] };
    let unused = octets.last().unwrap().trailing_zeros().min(7);
    let contents = [&[u8::try_from(unused).unwrap()], octets].concat();
    Extension::new(KEY_USAGE, true, tlv(0x03, &contents))
}

/// RFC 5280 section 4.2.1.2, method 1.
pub fn key_identifier(spki_der: &[u8]) -> Vec<u8> {
    let spki: spki::SubjectPublicKeyInfoRef<'_> = der::Decode::from_der(spki_der).unwrap();
    Sha1::digest(spki.subject_public_key.raw_bytes()).to_vec()
}

/// The extensions that a PKCS#10 request asks for.
pub fn requested_extensions(request: &CertificateRequest) -> Vec<Extension> {
    let request: x509_cert::request::CertReq = der::Decode::from_der(request.as_der()).unwrap();
    let mut extensions = Vec::new();
    for attribute in request.info.attributes.iter() {
        // id-extensionRequest (RFC 2985 section 5.4.2)
        if attribute.oid.to_string() != "1.2.840.113549.1.9.14" {
            continue;
        }
        for value in attribute.values.iter() {
            let requested: x509_cert::ext::Extensions = value.decode_as().unwrap();
            extensions.extend(requested.iter().map(|extension| {
                Extension::new(
                    &extension.extn_id.to_string(),
                    extension.critical,
                    extension.extn_value.as_bytes().to_vec(),
                )
            }));
        }
    }
    extensions
}

/// What a certificate says, but for its serial number.
pub struct Draft<'a> {
    pub issuer_der: &'a [u8],
    pub subject_der: &'a [u8],
    pub public_key_der: &'a [u8],
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    pub extensions: Vec<Extension>,
}

impl Draft<'_> {
    /// Signs with an algorithm as AWS calls it, such as `SHA256WITHRSA`.
    pub fn sign(&self, key: &PrivateKey, algorithm: &str) -> Result<Certificate, AwsError> {
        // Positive and without a leading zero octet.
        let mut serial = base16ct::lower::decode_vec(random_hex(16)).unwrap();
        serial[0] = serial[0] & 0x3f | 0x40;
        let extensions: Result<Vec<_>, _> = self.extensions.iter().map(Extension::to_der).collect();
        let algorithm_der = algorithm_identifier(algorithm)?;
        let validity = [time(self.not_before), time(self.not_after)].concat();
        let tbs = tlv(
            0x30,
            &[
                tlv(0xa0, &tlv(0x02, &[2])),
                tlv(0x02, &serial),
                algorithm_der.clone(),
                self.issuer_der.to_vec(),
                tlv(0x30, &validity),
                self.subject_der.to_vec(),
                self.public_key_der.to_vec(),
                tlv(0xa3, &tlv(0x30, &extensions?.concat())),
            ]
            .concat(),
        );
        let signature = [&[0], sign(key, algorithm, &tbs)?.as_slice()].concat();
        let der = tlv(0x30, &[tbs, algorithm_der, tlv(0x03, &signature)].concat());
        Ok(Certificate::from_der(&der).unwrap())
    }
}

/// RFC 5280 section 4.1.2.5: two digits of the year until 2049.
fn time(moment: Timestamp) -> Vec<u8> {
    let digits: String = moment.to_string().chars().filter(char::is_ascii_digit).collect();
    if digits[..4] >= *"2050" {
        tlv(0x18, format!("{digits}Z").as_bytes())
    } else {
        tlv(0x17, format!("{}Z", &digits[2..]).as_bytes())
    }
}

fn algorithm_identifier(algorithm: &str) -> Result<Vec<u8>, AwsError> {
    let (id, parameters): (_, &[u8]) = match algorithm {
        "SHA256WITHRSA" => ("1.2.840.113549.1.1.11", &[0x05, 0x00]),
        "SHA384WITHRSA" => ("1.2.840.113549.1.1.12", &[0x05, 0x00]),
        "SHA512WITHRSA" => ("1.2.840.113549.1.1.13", &[0x05, 0x00]),
        "SHA256WITHECDSA" => ("1.2.840.10045.4.3.2", &[]),
        "SHA384WITHECDSA" => ("1.2.840.10045.4.3.3", &[]),
        "SHA512WITHECDSA" => ("1.2.840.10045.4.3.4", &[]),
        // RFC 9881 section 2.
        "ML_DSA_44" => ("2.16.840.1.101.3.4.3.17", &[]),
        "ML_DSA_65" => ("2.16.840.1.101.3.4.3.18", &[]),
        "ML_DSA_87" => ("2.16.840.1.101.3.4.3.19", &[]),
        other => {
            return refuse(
                "InvalidArgsException",
                format!("The stand-in does not sign with {other}"),
            );
        }
    };
    Ok(tlv(0x30, &[&oid(id)?, parameters].concat()))
}

/// Whether a signing algorithm is one for this kind of key, both as AWS calls them.
pub fn fits(algorithm: &str, key: &str) -> bool {
    if key.starts_with("RSA") {
        algorithm.ends_with("WITHRSA") || algorithm.ends_with("WITHRSA_PSS")
    } else if key.starts_with("EC") {
        algorithm.ends_with("WITHECDSA")
    } else {
        // ML-DSA signs in one way only.
        algorithm == key
    }
}

fn sign(key: &PrivateKey, algorithm: &str, message: &[u8]) -> Result<Vec<u8>, AwsError> {
    use p256::pkcs8::DecodePrivateKey;

    let pkcs8 = key.expose_pkcs8_der();
    let digest = match &algorithm[..6] {
        "SHA256" => Sha256::digest(message).to_vec(),
        "SHA384" => Sha384::digest(message).to_vec(),
        _ => Sha512::digest(message).to_vec(),
    };
    let unusable = || AwsError::new(400, "InvalidArgsException", format!("No key for {algorithm}"));
    Ok(match key.algorithm() {
        KeyAlgorithm::Rsa { .. } => {
            let algorithm = match &algorithm[..6] {
                "SHA256" => &rcgen::PKCS_RSA_SHA256,
                "SHA384" => &rcgen::PKCS_RSA_SHA384,
                _ => &rcgen::PKCS_RSA_SHA512,
            };
            let key = KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), algorithm).unwrap();
            key.sign(message).unwrap()
        }
        KeyAlgorithm::EcdsaP256 => {
            let key = p256::ecdsa::SigningKey::from_pkcs8_der(pkcs8).unwrap();
            let signature: p256::ecdsa::Signature =
                key.sign_prehash(&digest).map_err(|_| unusable())?;
            signature.to_der().as_bytes().to_vec()
        }
        KeyAlgorithm::EcdsaP384 => {
            let key = p384::ecdsa::SigningKey::from_pkcs8_der(pkcs8).unwrap();
            let signature: p384::ecdsa::Signature =
                key.sign_prehash(&digest).map_err(|_| unusable())?;
            signature.to_der().as_bytes().to_vec()
        }
        KeyAlgorithm::EcdsaP521 => {
            let key = p521::ecdsa::SigningKey::from_pkcs8_der(pkcs8).unwrap();
            let signature: p521::ecdsa::Signature =
                key.sign_prehash(&digest).map_err(|_| unusable())?;
            signature.to_der().as_bytes().to_vec()
        }
        KeyAlgorithm::MlDsa44 => sign_with_ml_dsa(&ML_DSA_44_SIGNING, pkcs8, message),
        KeyAlgorithm::MlDsa65 => sign_with_ml_dsa(&ML_DSA_65_SIGNING, pkcs8, message),
        KeyAlgorithm::MlDsa87 => sign_with_ml_dsa(&ML_DSA_87_SIGNING, pkcs8, message),
        _ => return Err(unusable()),
    })
}

/// aws-lc's, which is not the crate's own.
fn sign_with_ml_dsa(
    algorithm: &'static PqdsaSigningAlgorithm,
    pkcs8: &[u8],
    message: &[u8],
) -> Vec<u8> {
    let mut signature = vec![0; algorithm.signature_len()];
    PqdsaKeyPair::from_pkcs8(algorithm, pkcs8).unwrap().sign(message, &mut signature).unwrap();
    signature
}
