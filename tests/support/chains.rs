//! Certificates for tests, made with rcgen, and by hand where rcgen would not make them.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use private_ca::{Certificate, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
    SignatureAlgorithm, SigningKey, date_time_ymd,
};

/// The time of all verifications: in the middle of everything's validity.
pub fn now() -> Timestamp {
    "2027-03-01T10:00:00Z".parse().unwrap()
}

/// An authority: its key, and what its certificate says.
pub struct Authority {
    pub key: KeyPair,
    pub params: CertificateParams,
    pub certificate: Certificate,
}

fn params(common_name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2028, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

pub fn ca_params(common_name: &str) -> CertificateParams {
    let mut params = params(common_name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// For `worker.acme.internal`, as TLS client and server.
pub fn leaf_params() -> CertificateParams {
    let mut params = params("worker");
    params.subject_alt_names =
        vec![rcgen::SanType::DnsName("worker.acme.internal".try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params
}

pub fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

fn parsed(certificate: &rcgen::Certificate) -> Certificate {
    Certificate::from_der(certificate.der()).unwrap()
}

impl Authority {
    pub fn root(common_name: &str) -> Self {
        Self::root_with(common_name, |_| {})
    }

    pub fn root_with(common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::root_of(key(), common_name, change)
    }

    pub fn root_of(
        key: KeyPair,
        common_name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = ca_params(common_name);
        change(&mut params);
        let certificate = parsed(&params.self_signed(&key).unwrap());
        Self { key, params, certificate }
    }

    pub fn of_algorithm(algorithm: &'static SignatureAlgorithm, common_name: &str) -> Self {
        Self::root_of(KeyPair::generate_for(algorithm).unwrap(), common_name, |_| {})
    }

    pub fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    pub fn intermediate(&self, common_name: &str) -> Self {
        self.intermediate_with(common_name, |_| {})
    }

    pub fn intermediate_with(
        &self,
        common_name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        self.intermediate_of(key(), common_name, change)
    }

    pub fn intermediate_of(
        &self,
        key: KeyPair,
        common_name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = ca_params(common_name);
        change(&mut params);
        let certificate = parsed(&params.signed_by(&key, &self.issuer()).unwrap());
        Self { key, params, certificate }
    }

    /// A second certificate for another authority's name and key.
    pub fn cross_sign(&self, other: &Self) -> Certificate {
        parsed(&other.params.signed_by(&other.key, &self.issuer()).unwrap())
    }

    pub fn leaf(&self) -> Certificate {
        self.leaf_with(|_| {})
    }

    pub fn leaf_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = leaf_params();
        change(&mut params);
        parsed(&params.signed_by(&key(), &self.issuer()).unwrap())
    }

    pub fn sign_by_hand(&self, handmade: &Handmade) -> Certificate {
        let der = handmade.sign(&self.certificate, &self.key);
        Certificate::from_der(&der).unwrap()
    }
}

pub fn no_ca(params: &mut CertificateParams) {
    params.is_ca = IsCa::ExplicitNoCa;
}

pub fn path_length(length: u8) -> impl FnOnce(&mut CertificateParams) {
    move |params| params.is_ca = IsCa::Ca(BasicConstraints::Constrained(length))
}

pub fn key_usages(usages: &[KeyUsagePurpose]) -> impl FnOnce(&mut CertificateParams) {
    let usages = usages.to_vec();
    move |params| params.key_usages = usages
}

pub fn purposes(purposes: &[ExtendedKeyUsagePurpose]) -> impl FnOnce(&mut CertificateParams) {
    let purposes = purposes.to_vec();
    move |params| params.extended_key_usages = purposes
}

pub fn extension(
    oid: &[u64],
    critical: bool,
    contents: &[u8],
) -> impl FnOnce(&mut CertificateParams) + use<> {
    let mut extension = CustomExtension::from_oid_content(oid, contents.to_vec());
    extension.set_criticality(critical);
    move |params| params.custom_extensions.push(extension)
}

pub const EXPIRED: fn(&mut CertificateParams) =
    |params| params.not_after = date_time_ymd(2027, 2, 26);
pub const NOT_YET_VALID: fn(&mut CertificateParams) =
    |params| params.not_before = date_time_ymd(2027, 3, 5);

/// DER of one element.
pub fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let mut der = vec![tag];
    match length {
        0..0x80 => der.push(length as u8),
        0x80..0x100 => der.extend([0x81, length as u8]),
        _ => der.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    der.extend_from_slice(contents);
    der
}

/// `ecdsa-with-SHA256`, and the same with SHA-384.
pub const ECDSA_SHA256: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
pub const ECDSA_SHA384: &[u8] = &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3];

/// A certificate put together field by field, for what no encoder writes.
pub struct Handmade {
    /// DER of `[0] EXPLICIT Version`; empty for version 1.
    pub version: Vec<u8>,
    /// Contents of the INTEGER.
    pub serial_number: Vec<u8>,
    pub inside: Vec<u8>,
    pub outside: Vec<u8>,
    /// DER of the subject's `Name`.
    pub name: Vec<u8>,
    /// DER of a `SubjectPublicKeyInfo`.
    pub public_key: Vec<u8>,
    /// DER of `[3] EXPLICIT Extensions`, or nothing.
    pub extensions: Vec<u8>,
}

impl Handmade {
    /// Version 1, no extensions.
    pub fn of(subject: &Certificate) -> Self {
        Self {
            version: Vec::new(),
            serial_number: vec![7],
            inside: ECDSA_SHA256.to_vec(),
            outside: ECDSA_SHA256.to_vec(),
            name: subject.subject_der().to_vec(),
            public_key: subject.public_key_der().to_vec(),
            extensions: Vec::new(),
        }
    }

    fn sign(&self, issuer: &Certificate, key: &KeyPair) -> Vec<u8> {
        let validity = [tlv(0x17, b"260101000000Z"), tlv(0x17, b"280101000000Z")].concat();
        let tbs = tlv(
            0x30,
            &[
                self.version.as_slice(),
                &tlv(0x02, &self.serial_number),
                &self.inside,
                issuer.subject_der(),
                &tlv(0x30, &validity),
                &self.name,
                &self.public_key,
                &self.extensions,
            ]
            .concat(),
        );
        let signature = [&[0], key.sign(&tbs).unwrap().as_slice()].concat();
        tlv(0x30, &[tbs, self.outside.clone(), tlv(0x03, &signature)].concat())
    }
}
