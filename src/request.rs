//! Certificate signing requests (PKCS#10, RFC 2986): made for a key, read, verified.

use std::fmt;

use const_oid::AssociatedOid;
use der::asn1::{BitString, BitStringRef, OctetString, SetOfVec};
use der::{AnyRef, Decode, Encode, Reader, SliceReader};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::request::{CertReq, CertReqInfo, ExtensionReq, Version};

use crate::certificate::{self, DistinguishedName, NameError, SubjectAlternativeName, oid};
use crate::key::{KeyError, PrivateKey};
use crate::pem::{self, PemError};
use crate::verify::signature::{PublicKey, SignatureError};

/// A certificate signing request whose signature was made with the key it asks for.
///
/// ```
/// use private_ca::{CertificateRequest, KeyAlgorithm, PrivateKey};
///
/// let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
/// let request = CertificateRequest::new(&key, "O=Acme,CN=worker-1".parse()?, &[])?;
/// assert_eq!(request.public_key_der(), key.public_key_der());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct CertificateRequest {
    der: Vec<u8>,
    subject: DistinguishedName,
    public_key: Vec<u8>,
    subject_alternative_names: Vec<SubjectAlternativeName>,
}

/// Why a certificate signing request cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The file is no PEM.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// A PEM file holds something else where a request belongs.
    #[error(
        "line {line} begins a \"{label}\" where one certificate signing request (\"CERTIFICATE REQUEST\") belongs"
    )]
    NotARequest {
        /// The label of the PEM block.
        label: String,
        /// Line of its `BEGIN`, counted from 1.
        line: usize,
    },
    /// The DER is no `CertificationRequest`.
    #[error("it is not a certificate signing request: {0}")]
    Malformed(#[source] der::Error),
    /// The request's subject is no distinguished name.
    #[error("the request's subject is unusable: {0}")]
    Subject(#[source] NameError),
    /// The signature was not made with the key that the request asks for.
    #[error(
        "the request's own signature does not verify, so its sender has not shown that the key is theirs: {0}"
    )]
    Signature(#[source] SignatureError),
    /// The key cannot sign the request.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl CertificateRequest {
    /// Makes a request for a key and signs it with that key.
    ///
    /// # Errors
    /// [`RequestError::Key`] if the key cannot sign.
    pub fn new(
        key: &PrivateKey,
        subject: DistinguishedName,
        subject_alternative_names: &[SubjectAlternativeName],
    ) -> Result<Self, RequestError> {
        use RequestError::Malformed;
        let mut extensions = Vec::new();
        if !subject_alternative_names.is_empty() {
            let names = certificate::encode_subject_alternative_names(subject_alternative_names)
                .map_err(Malformed)?;
            extensions.push(Extension {
                extn_id: oid::ID_CE_SUBJECT_ALT_NAME,
                critical: subject.is_empty(),
                extn_value: OctetString::new(names).map_err(Malformed)?,
            });
        }
        let mut attributes = SetOfVec::new();
        if !extensions.is_empty() {
            let attribute = ExtensionReq(extensions).try_into().map_err(Malformed)?;
            attributes.insert(attribute).map_err(Malformed)?;
        }
        let info = CertReqInfo {
            version: Version::V1,
            subject: Name::from_der(subject.as_der()).map_err(Malformed)?,
            public_key: SubjectPublicKeyInfoOwned::from_der(key.public_key_der())
                .map_err(Malformed)?,
            attributes,
        };
        let (signature, algorithm) = key.sign(&info.to_der().map_err(Malformed)?)?;
        let request = CertReq {
            info,
            algorithm: Decode::from_der(&algorithm).map_err(Malformed)?,
            signature: BitString::from_bytes(&signature).map_err(Malformed)?,
        };
        Ok(Self {
            der: request.to_der().map_err(Malformed)?,
            subject,
            public_key: key.public_key_der().to_vec(),
            subject_alternative_names: subject_alternative_names.to_vec(),
        })
    }

    /// Reads a file that holds one request, in PEM or DER, and verifies its own signature.
    ///
    /// # Errors
    /// [`RequestError`]; [`RequestError::Signature`] if the sender has not shown to have the key.
    pub fn from_pem_or_der(bytes: &[u8]) -> Result<Self, RequestError> {
        if !pem::is_pem(bytes) {
            return Self::from_der(bytes);
        }
        let blocks = pem::blocks(bytes)?;
        let wrong = blocks.iter().find(|block| {
            ![pem::CERTIFICATE_REQUEST, "NEW CERTIFICATE REQUEST"].contains(&block.label.as_str())
        });
        match (wrong.or(blocks.get(1)), blocks.first()) {
            (None, Some(block)) => Self::from_der(&block.contents),
            (wrong, _) => Err(RequestError::NotARequest {
                label: wrong.map(|block| block.label.clone()).unwrap_or_default(),
                line: wrong.map(|block| block.line).unwrap_or_default(),
            }),
        }
    }

    /// Reads the DER of a `CertificationRequest` and verifies its own signature.
    ///
    /// # Errors
    /// [`RequestError`]; [`RequestError::Signature`] if the sender has not shown to have the key.
    pub fn from_der(der: &[u8]) -> Result<Self, RequestError> {
        use RequestError::Malformed;
        let (signed, algorithm, signature) = signed_parts(der).map_err(Malformed)?;
        let info = CertReqInfo::from_der(signed).map_err(Malformed)?;
        let public_key = info.public_key.to_der().map_err(Malformed)?;
        PublicKey::from_spki_der(&public_key)
            .and_then(|key| key.verify(algorithm, signed, signature))
            .map_err(RequestError::Signature)?;
        let subject = info.subject.to_der().map_err(Malformed)?;
        Ok(Self {
            der: der.to_vec(),
            subject: DistinguishedName::from_der(&subject).map_err(RequestError::Subject)?,
            public_key,
            subject_alternative_names: requested_names(&info).map_err(Malformed)?,
        })
    }

    /// The subject that is asked for.
    #[must_use]
    pub fn subject(&self) -> &DistinguishedName {
        &self.subject
    }

    /// The subject alternative names that are asked for.
    #[must_use]
    pub fn subject_alternative_names(&self) -> &[SubjectAlternativeName] {
        &self.subject_alternative_names
    }

    /// The DER of the public key as `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key
    }

    /// The DER of the request.
    #[must_use]
    pub fn as_der(&self) -> &[u8] {
        &self.der
    }

    /// PEM, with a newline at its end.
    #[must_use]
    pub fn to_pem(&self) -> String {
        std::mem::take(&mut *pem::encode(pem::CERTIFICATE_REQUEST, &self.der))
    }
}

/// The signed part as it was encoded, the DER of the signature algorithm, and the signature.
pub(crate) fn signed_parts(der: &[u8]) -> der::Result<(&[u8], &[u8], &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let parts = reader.sequence(|request| {
        let (signed, algorithm) = (request.tlv_bytes()?, request.tlv_bytes()?);
        let signature = BitStringRef::decode(request)?;
        let octets = signature.as_bytes().ok_or_else(|| der::Tag::BitString.value_error())?;
        Ok::<_, der::Error>((signed, algorithm, octets))
    })?;
    reader.finish()?;
    AlgorithmIdentifierRef::from_der(parts.1)?;
    Ok(parts)
}

fn requested_names(info: &CertReqInfo) -> der::Result<Vec<SubjectAlternativeName>> {
    let mut names = Vec::new();
    for attribute in info.attributes.iter().filter(|attribute| attribute.oid == ExtensionReq::OID) {
        for value in attribute.values.iter() {
            let ExtensionReq(extensions) = AnyRef::from(value).decode_as()?;
            for extension in extensions {
                if extension.extn_id == oid::ID_CE_SUBJECT_ALT_NAME {
                    if !names.is_empty() {
                        return Err(der::Tag::Sequence.value_error().into());
                    }
                    let der = extension.extn_value.as_bytes();
                    names.extend(certificate::decode_subject_alternative_names(der)?);
                }
            }
        }
    }
    Ok(names)
}

impl fmt::Debug for CertificateRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateRequest")
            .field("subject", &self.subject)
            .field("subject_alternative_names", &self.subject_alternative_names)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyAlgorithm;

    #[test]
    fn what_is_made_is_read_back_with_every_kind_of_key() {
        let subject: DistinguishedName = "OU=a,OU=b,CN=worker".parse().unwrap();
        let names = ["a.example", "10.0.0.1", "::1", "a@example.com", "spiffe://acme/worker"]
            .map(|name| name.parse().unwrap());
        for algorithm in [
            KeyAlgorithm::RSA_2048,
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::EcdsaP521,
            KeyAlgorithm::Ed25519,
            KeyAlgorithm::MlDsa44,
            KeyAlgorithm::MlDsa65,
            KeyAlgorithm::MlDsa87,
        ] {
            let key = PrivateKey::generate(algorithm).unwrap();
            let request = CertificateRequest::new(&key, subject.clone(), &names).unwrap();
            let read = CertificateRequest::from_pem_or_der(request.to_pem().as_bytes()).unwrap();
            assert_eq!(read, request, "{algorithm}");
            assert_eq!(read.subject_alternative_names(), names);
        }
    }

    #[test]
    fn a_request_that_another_key_signed_is_refused() {
        let keys = [(); 2].map(|()| PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
        let [mine, theirs] = keys;
        let request = CertificateRequest::new(&mine, "CN=x".parse().unwrap(), &[]).unwrap();
        let public_key = mine.public_key_der();
        let mut der = request.as_der().to_vec();
        let place = der.windows(public_key.len()).position(|window| window == public_key).unwrap();
        der[place..place + public_key.len()].copy_from_slice(theirs.public_key_der());
        assert!(matches!(CertificateRequest::from_der(&der), Err(RequestError::Signature(_))));
    }

    #[test]
    fn other_files_are_named() {
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        assert!(matches!(
            CertificateRequest::from_pem_or_der(key.to_pkcs8_pem().as_bytes()),
            Err(RequestError::NotARequest { label, line: 1 }) if label == "PRIVATE KEY"
        ));
    }
}
