//! The gRPC service: who may ask, and which call is meant.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use prost::Message;
use tonic::body::Body;
use tonic::metadata::MetadataMap;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use tower_service::Service;

use crate::account::Account;
use crate::faults::take;

type Answering<T> = Pin<Box<dyn Future<Output = T> + Send>>;

#[derive(Debug, Clone)]
pub(crate) struct CloudService {
    account: Arc<Mutex<Account>>,
}

impl CloudService {
    pub(crate) fn new(account: Arc<Mutex<Account>>) -> Self {
        Self { account }
    }
}

impl NamedService for CloudService {
    const NAME: &'static str = "temporal.api.cloud.cloudservice.v1.CloudService";
}

impl Service<http::Request<Body>> for CloudService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answering<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let account = self.account.clone();
        let method = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
        Box::pin(async move {
            Ok(match method.as_str() {
                "GetNamespace" => {
                    answer(account, method, request, |account, message| account.namespace(&message))
                        .await
                }
                "GetNamespaces" => {
                    answer(account, method, request, |account, message| {
                        account.namespaces(&message)
                    })
                    .await
                }
                "UpdateNamespace" => answer(account, method, request, Account::update).await,
                "GetAsyncOperation" => {
                    answer(account, method, request, |account, message| account.operation(&message))
                        .await
                }
                _ => Status::unimplemented(format!("the stand-in has no {method}")).into_http(),
            })
        })
    }
}

async fn answer<M, R>(
    account: Arc<Mutex<Account>>,
    method: String,
    request: http::Request<Body>,
    act: fn(&mut Account, M) -> Result<R, Status>,
) -> http::Response<Body>
where
    M: Message + Default + 'static,
    R: Message + Default + 'static,
{
    let unary = Unary { account, method, act };
    Grpc::new(ProstCodec::<R, M>::default()).unary(unary, request).await
}

struct Unary<M, R> {
    account: Arc<Mutex<Account>>,
    method: String,
    act: fn(&mut Account, M) -> Result<R, Status>,
}

impl<M: Message + 'static, R: Message + 'static> UnaryService<M> for Unary<M, R> {
    type Response = R;
    type Future = Answering<Result<Response<R>, Status>>;

    fn call(&mut self, request: Request<M>) -> Self::Future {
        let (account, method, act) = (self.account.clone(), self.method.clone(), self.act);
        Box::pin(async move {
            let delay = account.lock().unwrap_or_else(PoisonError::into_inner).faults.delay;
            tokio::time::sleep(delay).await;
            let mut account = account.lock().unwrap_or_else(PoisonError::into_inner);
            account.calls.push(method);
            let result = admit(&mut account, request.metadata())
                .and_then(|()| act(&mut account, request.into_inner()));
            result.map(Response::new).map_err(|status| {
                let message = format!("{}{}", status.message(), account.faults.echo);
                Status::new(status.code(), message)
            })
        })
    }
}

/// An API key as a bearer token, and a version of the API in its own header (Temporal Cloud, "Cloud Ops
/// API"; tcld's `app/connection.go`).
fn admit(account: &mut Account, metadata: &MetadataMap) -> Result<(), Status> {
    if take(&mut account.faults.unavailable) {
        return Err(Status::unavailable("no server takes requests now"));
    }
    if take(&mut account.faults.exhausted) {
        return Err(Status::resource_exhausted("there are too many requests"));
    }
    let header = |name| metadata.get(name).and_then(|value| value.to_str().ok());
    if header("authorization") != Some(format!("Bearer {}", account.api_key).as_str()) {
        return Err(Status::unauthenticated("the API key is not known"));
    }
    let version = header("temporal-cloud-api-version").and_then(|version| {
        let mut numbers = version.strip_prefix('v')?.split('.').map(str::parse::<u32>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    match version {
        // The bundle is PEM from there on (`MtlsAuthSpec.accepted_client_ca`).
        Some(version) if version >= (0, 2) => Ok(()),
        _ => Err(Status::invalid_argument("failed to version request: no version v0.2.0 or later")),
    }
}
