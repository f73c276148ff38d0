//! A frontend of our own: TLS as it is asked for, and any answer to gRPC.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use private_ca::CertificateChain;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::pki::Pair;

/// What the service answers.
#[derive(Clone, Copy)]
pub(super) enum Service {
    /// Each call, by its method, with a status and a message; with success if it is not named.
    Statuses(&'static [(&'static str, u32, &'static str)]),
    /// A page, as a proxy has them.
    Page(u16),
    /// Nothing at all.
    Silent,
}

/// Ends when it is dropped.
pub(super) struct StandIn {
    pub(super) address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub(super) fn tls(
    server: &Pair,
    clients: Option<&CertificateChain>,
    versions: &[&'static SupportedProtocolVersion],
) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(chain) => {
            let mut roots = RootCertStore::empty();
            for root in chain {
                roots.add(root.as_der().to_vec().into()).unwrap();
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
    };
    let certificates = CertificateDer::pem_slice_iter(server.pem.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(server.key.as_bytes()).unwrap();
    let mut config =
        builder.with_single_cert(certificates.map(Result::unwrap).collect(), key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}

impl StandIn {
    pub(super) async fn start(config: ServerConfig, service: Service) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // Refusals are what is looked for.
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let serve = service_fn(move |request| answer(service, request));
                    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(stream), serve)
                        .await;
                });
            }
        });
        Self { address, accepting }
    }
}

type Body = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(
    service: Service,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
    assert_eq!(request.headers()["content-type"], "application/grpc");
    let response = Response::builder().header("server", "stand-in");
    let response = match service {
        Service::Silent => std::future::pending().await,
        Service::Page(status) => response
            .status(status)
            .header("content-type", "text/html")
            .body(Full::new(Bytes::from("<html>Sign in to the guest network</html>")).boxed()),
        Service::Statuses(statuses) => {
            let response = response.header("content-type", "application/grpc");
            match statuses.iter().find(|(named, ..)| *named == method) {
                Some((_, status, message)) => response
                    .header("grpc-status", *status)
                    .header("grpc-message", *message)
                    .body(Empty::new().boxed()),
                None => {
                    // GetSystemInfoResponse with server_version "1.2.3", and trailers.
                    let message = [&[0, 0, 0, 0, 7, 0x0a, 5][..], b"1.2.3"].concat();
                    let mut trailers = hyper::HeaderMap::new();
                    trailers.insert("grpc-status", "0".parse().unwrap());
                    let body = Full::new(Bytes::from(message))
                        .with_trailers(async move { Some(Ok(trailers)) });
                    response.body(body.boxed())
                }
            }
        }
    };
    Ok(response.unwrap())
}
