//! What is seen of a handshake that may fail: rustls keeps nothing of one that does.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::CertificateRequest;
use crate::certificate::{Certificate, DistinguishedName};

/// What the server said in a handshake.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    certificates: Vec<Certificate>,
    request: Option<CertificateRequest>,
}

impl Seen {
    fn said(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The server's certificates, its own first, without those that cannot be read.
    pub(super) fn certificates(&self) -> Vec<Certificate> {
        self.said().certificates.clone()
    }

    /// Whether and how it asked for a certificate.
    pub(super) fn request(&self) -> Option<CertificateRequest> {
        self.said().request.clone()
    }
}

/// Presents a certificate if it is asked for one, and notes that it was.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) key: Option<Arc<CertifiedKey>>,
    pub(super) seen: Seen,
}

impl ResolvesClientCert for Asked {
    fn resolve(
        &self,
        authorities: &[&[u8]],
        schemes: &[SignatureScheme],
    ) -> Option<Arc<CertifiedKey>> {
        let named = authorities.iter().filter_map(|der| DistinguishedName::from_der(der).ok());
        let authorities = named.collect();
        // Where this chooses nothing, rustls presents nothing.
        let signs = |key: &Arc<CertifiedKey>| key.key.choose_scheme(schemes).is_some();
        let answered = self.key.as_ref().is_some_and(signs);
        self.seen.said().request = Some(CertificateRequest { authorities, answered });
        self.key.clone()
    }

    fn has_certs(&self) -> bool {
        self.key.is_some()
    }
}

/// rustls's own judge of server certificates, and a note of what came before it.
#[derive(Debug)]
pub(super) struct Witness {
    pub(super) judge: Arc<WebPkiServerVerifier>,
    pub(super) seen: Seen,
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let presented = std::iter::once(end_entity).chain(intermediates);
        let readable = presented.filter_map(|der| Certificate::from_der(der).ok()).collect();
        self.seen.said().certificates = readable;
        self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.judge.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}
