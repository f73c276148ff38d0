//! The definitions' messages, with a namespace's specification as bytes: a server that is newer than
//! the definitions keeps in it what they do not know. Numbers are those of cloud-api's
//! `namespace/v1/message.proto` and `cloudservice/v1/request_response.proto`.

use temporalio_protos::temporal::api::cloud::namespace::v1::Endpoints;

/// `Namespace`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Namespace {
    #[prost(string, tag = "1")]
    pub(crate) namespace: String,
    #[prost(string, tag = "2")]
    pub(crate) resource_version: String,
    #[prost(bytes = "vec", tag = "3")]
    pub(crate) spec: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) async_operation_id: String,
    #[prost(message, optional, tag = "6")]
    pub(crate) endpoints: Option<Endpoints>,
    #[prost(string, tag = "7")]
    pub(crate) active_region: String,
    #[prost(int32, tag = "13")]
    pub(crate) state: i32,
}

/// `GetNamespaceResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetNamespaceResponse {
    #[prost(message, optional, tag = "1")]
    pub(crate) namespace: Option<Namespace>,
}

/// `GetNamespacesResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct GetNamespacesResponse {
    #[prost(message, repeated, tag = "1")]
    pub(crate) namespaces: Vec<Namespace>,
    #[prost(string, tag = "2")]
    pub(crate) next_page_token: String,
}

/// `UpdateNamespaceRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct UpdateNamespaceRequest {
    #[prost(string, tag = "1")]
    pub(crate) namespace: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) spec: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) resource_version: String,
    #[prost(string, tag = "4")]
    pub(crate) async_operation_id: String,
}
