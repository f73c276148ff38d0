//! A frontend of our own: TLS as it is asked for, and any answer to gRPC.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use private_ca::CertificateChain;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientCertVerifierBuilder, WebPkiClientVerifier};
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
    /// The start of an answer of this status and content type, and then something else than its end.
    Odd(u16, &'static str, Rest),
    /// A page that wants to turn and move what is shown.
    Turning,
    /// Nothing at all.
    Silent,
    /// No answer, and the end of the call.
    Resets,
}

/// What becomes of an answer after its start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rest {
    /// It ends, as if all had been said.
    Ends,
    /// Three megabytes more.
    IsLong,
    /// The call is reset.
    Breaks,
    /// A byte now and then, for ever.
    Drips,
    /// Nothing, not even the start.
    Stalls,
}

pub(super) const PAGE: &str = "<html>Sign in to the guest network</html>";

/// How texts are turned, moved and hidden: marks of direction, separators, C0 and C1, and no width.
pub(super) const MARKS: &str =
    "\u{202e}\u{2066}\u{61c}\u{2028}\u{2029}\u{85}\u{9b}\u{200b}\u{feff}\u{ad}";

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
    tls_with(rustls::crypto::aws_lc_rs::default_provider(), server, clients, versions, |ask| ask)
}

/// The same with other algorithms, and with a change of how it asks for certificates.
pub(super) fn tls_with(
    provider: CryptoProvider,
    server: &Pair,
    clients: Option<&CertificateChain>,
    versions: &[&'static SupportedProtocolVersion],
    ask: impl FnOnce(ClientCertVerifierBuilder) -> ClientCertVerifierBuilder,
) -> ServerConfig {
    let provider = Arc::new(provider);
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
            builder.with_client_cert_verifier(ask(verifier).build().unwrap())
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

type Body = http_body_util::combinators::BoxBody<Bytes, io::Error>;

/// A body whose end is never odd.
fn whole(text: impl Into<Bytes>) -> Body {
    Full::new(text.into()).map_err(|never| match never {}).boxed()
}

fn odd(rest: Rest) -> Body {
    let data = |bytes: &'static [u8]| Ok(Frame::data(Bytes::from_static(bytes)));
    let start = stream::iter([data(PAGE.as_bytes())]);
    match rest {
        Rest::Ends => whole(PAGE),
        Rest::IsLong => {
            let more = stream::iter((0..48).map(move |_| data(&[b'x'; 1 << 16])));
            BodyExt::boxed(StreamBody::new(start.chain(more)))
        }
        Rest::Breaks => {
            let broken = stream::once(async {
                // The start is to be on its way by then.
                tokio::time::sleep(Duration::from_millis(100)).await;
                Err(io::Error::other("broken"))
            });
            BodyExt::boxed(StreamBody::new(start.chain(Box::pin(broken))))
        }
        Rest::Drips => {
            let drops = stream::unfold((), move |()| async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Some((data(b"x"), ()))
            });
            BodyExt::boxed(StreamBody::new(start.chain(Box::pin(drops))))
        }
        Rest::Stalls => BodyExt::boxed(StreamBody::new(stream::pending())),
    }
}

async fn answer(service: Service, request: Request<Incoming>) -> Result<Response<Body>, io::Error> {
    let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
    assert_eq!(request.headers()["content-type"], "application/grpc");
    let response = Response::builder().header("server", "stand-in");
    let response = match service {
        Service::Silent => std::future::pending().await,
        Service::Resets => return Err(io::Error::other("reset")),
        Service::Page(status) => {
            response.status(status).header("content-type", "text/html").body(whole(PAGE))
        }
        Service::Odd(status, kind, rest) => {
            response.status(status).header("content-type", kind).body(odd(rest))
        }
        Service::Turning => {
            let seen = MARKS.replace(|mark: char| mark.is_control(), "");
            let server = hyper::header::HeaderValue::from_bytes(seen.as_bytes()).unwrap();
            Response::builder().header("server", server).body(whole(MARKS))
        }
        Service::Statuses(statuses) => {
            let response = response.header("content-type", "application/grpc");
            match statuses.iter().find(|(named, ..)| *named == method) {
                Some((_, status, message)) => response
                    .header("grpc-status", *status)
                    .header("grpc-message", *message)
                    .body(Empty::new().map_err(|never| match never {}).boxed()),
                None => {
                    // GetSystemInfoResponse with server_version "1.2.3", and trailers.
                    let message = [&[0, 0, 0, 0, 7, 0x0a, 5][..], b"1.2.3"].concat();
                    let mut trailers = hyper::HeaderMap::new();
                    trailers.insert("grpc-status", "0".parse().unwrap());
                    let body = whole(message).with_trailers(async move { Some(Ok(trailers)) });
                    response.body(body.boxed())
                }
            }
        }
    };
    Ok(response.unwrap())
}
