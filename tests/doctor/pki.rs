//! Certificates of today.

use private_ca::{Certificate, CertificateChain, PrivateKey};
use rcgen::{CertificateParams, SanType};
use time::{Duration, OffsetDateTime};

use super::chains::{self, Authority};

/// A certificate with those above it, and its key, in PEM.
pub(super) struct Pair {
    pub(super) pem: String,
    pub(super) key: String,
}

/// The CA of the clients and the CA of the servers.
pub(super) struct Pki {
    pub(super) clients: Authority,
    pub(super) servers: Authority,
}

pub(super) fn current(params: &mut CertificateParams) {
    params.not_before = OffsetDateTime::now_utc() - Duration::days(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
}

pub(super) fn expired(params: &mut CertificateParams) {
    params.not_before = OffsetDateTime::now_utc() - Duration::days(30);
    params.not_after = OffsetDateTime::now_utc() - Duration::days(1);
}

pub(super) fn early(params: &mut CertificateParams) {
    params.not_before = OffsetDateTime::now_utc() + Duration::days(1);
    params.not_after = OffsetDateTime::now_utc() + Duration::days(30);
}

pub(super) fn authority(name: &str) -> Authority {
    Authority::root_with(name, |params| {
        params.not_before = OffsetDateTime::now_utc() - Duration::days(60);
        params.not_after = OffsetDateTime::now_utc() + Duration::days(60);
    })
}

/// A certificate of today but for a change, and what is presented after it.
pub(super) fn issue(
    issuer: &Authority,
    above: &[&Certificate],
    change: impl FnOnce(&mut CertificateParams),
) -> Pair {
    let key = chains::key();
    let mut params = chains::leaf_params();
    chains::no_ca(&mut params);
    current(&mut params);
    change(&mut params);
    let certificate = params.signed_by(&key, &issuer.issuer()).unwrap();
    let certificate = Certificate::from_der(certificate.der()).unwrap();
    let mut pem = certificate.to_pem();
    pem.extend(above.iter().map(|above| above.to_pem()));
    let key = PrivateKey::from_pem_or_der(&key.serialize_der()).unwrap();
    Pair { pem, key: key.to_pkcs8_pem().to_string() }
}

impl Pki {
    pub(super) fn new() -> Self {
        Self { clients: authority("Clients"), servers: authority("Servers") }
    }

    pub(super) fn client(&self) -> Pair {
        issue(&self.clients, &[], |_| {})
    }

    pub(super) fn server(&self) -> Pair {
        self.server_with(|_| {})
    }

    /// For `localhost` and 127.0.0.1, but for a change.
    pub(super) fn server_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Pair {
        issue(&self.servers, &[], |params| {
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(rcgen::DnType::CommonName, "frontend");
            params.subject_alt_names = vec![
                SanType::DnsName("localhost".try_into().unwrap()),
                SanType::IpAddress("127.0.0.1".parse().unwrap()),
            ];
            change(params);
        })
    }

    pub(super) fn server_cas(&self) -> CertificateChain {
        CertificateChain::new(vec![self.servers.certificate.clone()]).unwrap()
    }

    pub(super) fn client_cas(&self) -> CertificateChain {
        CertificateChain::new(vec![self.clients.certificate.clone()]).unwrap()
    }
}
