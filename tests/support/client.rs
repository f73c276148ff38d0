//! A TLS client that presents what it is given, for servers whose verdict is asked for.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use private_ca::Certificate;
use rcgen::{CertificateParams, KeyPair};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs as provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};

use crate::chains::{self, Authority};

/// A client's certificate and the key that goes with it.
pub struct Client {
    pub key: KeyPair,
    pub certificate: Certificate,
}

impl Client {
    pub fn of(issuer: &Authority, change: impl FnOnce(&mut CertificateParams)) -> Self {
        Self::with_key(issuer, chains::key(), change)
    }

    pub fn with_key(
        issuer: &Authority,
        key: KeyPair,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = chains::leaf_params();
        change(&mut params);
        let signed = params.signed_by(&key, &issuer.issuer()).unwrap();
        Self { key, certificate: Certificate::from_der(signed.der()).unwrap() }
    }
}

/// Presents what it is given, unjudged, whatever the server asks for.
#[derive(Debug)]
struct Presents(Arc<CertifiedKey>);

impl ResolvesClientCert for Presents {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// The server is not who is judged here.
#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        provider::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// Connects, writes one byte and reads until the server closes. What comes of it the server says.
pub fn connect(address: SocketAddr, key: &KeyPair, presented: &[Certificate]) {
    let der = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let key = provider::sign::any_supported_type(&der).unwrap();
    let certificates = presented.iter().map(|one| one.as_der().to_vec().into()).collect();
    let config = ClientConfig::builder_with_provider(provider::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyServer))
        .with_client_cert_resolver(Arc::new(Presents(CertifiedKey::new(certificates, key).into())));
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut stream = rustls::Stream::new(&mut client, &mut socket);
    if stream.write_all(b"!").is_ok() {
        let _ = stream.read_to_end(&mut Vec::new());
    }
}
