//! An account's namespaces and operations.

use std::collections::BTreeMap;

use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::filters::{CertificateFilter, FilterField, FilterSet};
use prost::Message as _;
use temporalio_protos::temporal::api::cloud::cloudservice::v1::{
    GetAsyncOperationRequest, GetAsyncOperationResponse, GetNamespaceRequest, GetNamespacesRequest,
    UpdateNamespaceResponse,
};
use temporalio_protos::temporal::api::cloud::namespace::v1::{
    Endpoints, MtlsAuthSpec, NamespaceSpec,
};
use temporalio_protos::temporal::api::cloud::operation::v1::AsyncOperation;
use temporalio_protos::temporal::api::cloud::operation::v1::async_operation::State;
use temporalio_protos::temporal::api::cloud::resource::v1::ResourceState;
use tonic::{Code, Status};

use crate::faults::{Ending, Faults, take};
use crate::message::{
    GetNamespaceResponse, GetNamespacesResponse, Namespace, UpdateNamespaceRequest,
};

#[derive(Debug)]
struct Stored {
    version: u64,
    specification: Vec<u8>,
    operation: Option<String>,
}

#[derive(Debug)]
struct Operation {
    request: UpdateNamespaceRequest,
    /// The specification before it, to which a failure goes back.
    before: Vec<u8>,
    polls_left: u32,
    ending: Ending,
    state: State,
}

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) api_key: String,
    pub(crate) faults: Faults,
    pub(crate) calls: Vec<String>,
    namespaces: BTreeMap<String, Stored>,
    operations: BTreeMap<String, Operation>,
}

impl Account {
    pub(crate) fn new(api_key: &str) -> Self {
        Self {
            api_key: api_key.to_owned(),
            faults: Faults::default(),
            calls: Vec::new(),
            namespaces: BTreeMap::new(),
            operations: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, name: &str, specification: Vec<u8>) {
        let stored = Stored { version: 1, specification, operation: None };
        self.namespaces.insert(name.to_owned(), stored);
    }

    pub(crate) fn specification(&self, name: &str) -> Option<Vec<u8>> {
        Some(self.namespaces.get(name)?.specification.clone())
    }

    pub(crate) fn namespace(
        &self,
        request: &GetNamespaceRequest,
    ) -> Result<GetNamespaceResponse, Status> {
        let stored =
            self.namespaces.get(&request.namespace).ok_or_else(|| unknown(&request.namespace))?;
        Ok(GetNamespaceResponse { namespace: Some(shown(&request.namespace, stored)) })
    }

    /// At most 1000 a page, 100 if nothing is asked for, in ascending order of names
    /// (`GetNamespacesRequest.page_size`, `GetNamespacesResponse.namespaces`).
    pub(crate) fn namespaces(
        &self,
        request: &GetNamespacesRequest,
    ) -> Result<GetNamespacesResponse, Status> {
        let size = match usize::try_from(request.page_size) {
            Ok(0) => 100,
            Ok(size) if size <= 1000 => size,
            _ => return Err(Status::invalid_argument("the page size is not from 0 to 1000")),
        };
        let matching = |name: &&String| {
            let first = name.split('.').next();
            request.name.is_empty() || first == Some(&request.name) || **name == request.name
        };
        let after = |name: &&String| name.as_str() > request.page_token.as_str();
        let names: Vec<_> = self.namespaces.keys().filter(after).filter(matching).collect();
        let page: Vec<_> = names.iter().take(size).copied().collect();
        let more = names.len() > page.len();
        let next_page_token = page.last().filter(|_| more).map(|name| (*name).clone());
        let shown = |name: &String| Some(shown(name, self.namespaces.get(name)?));
        Ok(GetNamespacesResponse {
            namespaces: page.into_iter().filter_map(shown).collect(),
            next_page_token: next_page_token.unwrap_or_default(),
        })
    }

    /// The version has to be the latest (`UpdateNamespaceRequest.resource_version`); the specification
    /// takes the other's place whole.
    pub(crate) fn update(
        &mut self,
        request: UpdateNamespaceRequest,
    ) -> Result<UpdateNamespaceResponse, Status> {
        if self.faults.read_only {
            return Err(Status::permission_denied("the principal may not update namespaces"));
        }
        let stored = self
            .namespaces
            .get_mut(&request.namespace)
            .ok_or_else(|| unknown(&request.namespace))?;
        let id = match request.async_operation_id.as_str() {
            // It is made up (`UpdateNamespaceRequest.async_operation_id`).
            "" => format!("stand-in-{}", self.operations.len() + 1),
            id => id.to_owned(),
        };
        if self.operations.contains_key(&id) {
            return Err(Status::already_exists(format!("the operation {id} exists")));
        }
        if take(&mut self.faults.conflicts) {
            stored.version += 1;
        }
        if request.resource_version != stored.version.to_string() {
            return Err(Status::new(
                self.faults.conflict_code,
                format!(
                    "the resource version is {} and not {}",
                    stored.version, request.resource_version
                ),
            ));
        }
        if self.faults.busy_while_updating && stored.operation.is_some() {
            return Err(Status::failed_precondition("the namespace is being updated"));
        }
        check(&request.spec, &stored.specification)?;
        let before = std::mem::replace(&mut stored.specification, request.spec.clone());
        stored.version += 1;
        stored.operation = Some(id.clone());
        let operation = Operation {
            request,
            before,
            polls_left: self.faults.polls,
            ending: self.faults.ending.clone(),
            state: State::Pending,
        };
        let answer = self.told(&id, &operation);
        self.operations.insert(id, operation);
        if take(&mut self.faults.lost_answers) {
            return Err(Status::new(Code::Unavailable, "the connection ended"));
        }
        Ok(UpdateNamespaceResponse { async_operation: Some(answer) })
    }

    /// The state of an operation; each question brings it nearer to its end.
    pub(crate) fn operation(
        &mut self,
        request: &GetAsyncOperationRequest,
    ) -> Result<GetAsyncOperationResponse, Status> {
        let id = &request.async_operation_id;
        let Some(mut operation) = self.operations.remove(id) else {
            return Err(Status::not_found(format!("there is no operation {id}")));
        };
        let goes_on = matches!(operation.state, State::Pending | State::InProgress);
        if goes_on {
            operation.state = State::InProgress;
            operation.polls_left = operation.polls_left.saturating_sub(1);
        }
        if goes_on && operation.polls_left == 0 && operation.ending != Ending::Never {
            let failed = matches!(operation.ending, Ending::Failed(_));
            operation.state = if failed { State::Failed } else { State::Fulfilled };
            if let Some(stored) = self.namespaces.get_mut(&operation.request.namespace) {
                // A later update has replaced its specification already.
                if failed && stored.operation.as_ref() == Some(id) {
                    stored.specification.clone_from(&operation.before);
                    stored.version += 1;
                }
                stored.operation.take_if(|current| current == id);
            }
        }
        let answer = self.told(id, &operation);
        self.operations.insert(id.clone(), operation);
        Ok(GetAsyncOperationResponse { async_operation: Some(answer) })
    }

    fn told(&self, id: &str, operation: &Operation) -> AsyncOperation {
        let check = self.faults.check_after;
        let mut told = AsyncOperation {
            id: id.to_owned(),
            check_duration: Some(prost_types::Duration {
                seconds: check.as_secs().try_into().unwrap_or(i64::MAX),
                nanos: check.subsec_nanos().try_into().unwrap_or_default(),
            }),
            operation_type: "UpdateNamespace".to_owned(),
            ..AsyncOperation::default()
        };
        told.set_state(operation.state);
        if let (State::Failed, Ending::Failed(reason)) = (operation.state, &operation.ending) {
            told.failure_reason.clone_from(reason);
        }
        told
    }
}

fn unknown(name: &str) -> Status {
    Status::not_found(format!("there is no namespace {name}"))
}

fn shown(name: &str, stored: &Stored) -> Namespace {
    let spec = NamespaceSpec::decode(stored.specification.as_slice()).unwrap_or_default();
    let mtls = spec.mtls_auth.is_some_and(|auth| auth.enabled);
    let api_key = spec.api_key_auth.is_some_and(|auth| auth.enabled);
    let address = |there: bool, address: String| if there { address } else { String::new() };
    let state = match stored.operation {
        Some(_) => ResourceState::Updating,
        None => ResourceState::Active,
    };
    Namespace {
        namespace: name.to_owned(),
        resource_version: stored.version.to_string(),
        spec: stored.specification.clone(),
        async_operation_id: stored.operation.clone().unwrap_or_default(),
        // Addresses may be empty if the way of signing in is disabled (`Endpoints`).
        endpoints: Some(Endpoints {
            web_address: format!("https://cloud.temporal.io/namespaces/{name}"),
            mtls_grpc_address: address(mtls, format!("{name}.tmprl.cloud:7233")),
            grpc_address: address(api_key, "eu-central-1.aws.api.temporal.io:7233".to_owned()),
        }),
        active_region: "aws-eu-central-1".to_owned(),
        state: state.into(),
    }
}

/// Refuses what Temporal Cloud refuses (Temporal Cloud, "Requirements for CA certificates": 16
/// certificates, 32 KB; "How to manage certificate filters": 25 filters), and a field that ended with
/// an earlier version of the API (`MtlsAuthSpec.accepted_client_ca_deprecated`; the words are those that
/// the server has for such a field, cloud-api pull request 108).
fn check(new: &[u8], old: &[u8]) -> Result<(), Status> {
    let decode = |bytes: &[u8]| {
        NamespaceSpec::decode(bytes).map_err(|error| Status::invalid_argument(error.to_string()))
    };
    let (new, old) = (decode(new)?, decode(old)?);
    // The name is immutable (`NamespaceSpec.name`).
    if new.name != old.name {
        return Err(Status::invalid_argument("the name of a namespace cannot be changed"));
    }
    match new.mtls_auth {
        Some(mtls) => check_mtls(&mtls),
        None => Ok(()),
    }
}

fn check_mtls(mtls: &MtlsAuthSpec) -> Result<(), Status> {
    #[allow(deprecated)]
    if !mtls.accepted_client_ca_deprecated.is_empty() {
        return Err(Status::invalid_argument(
            "failed to version request: field 'AcceptedClientCaDeprecated' is not supported",
        ));
    }
    let refused = |error: String| Status::invalid_argument(error);
    CaBundle::from_pem(&mtls.accepted_client_ca)
        .and_then(|bundle| bundle.check())
        .map_err(|error| refused(error.to_string()))?;
    let filters = mtls.certificate_filters.iter().map(|spec| {
        CertificateFilter::default()
            .with(FilterField::CommonName, spec.common_name.as_str())
            .with(FilterField::Organization, spec.organization.as_str())
            .with(FilterField::OrganizationalUnit, spec.organizational_unit.as_str())
            .with(FilterField::SubjectAlternativeName, spec.subject_alternative_name.as_str())
    });
    match FilterSet::new(filters.collect()).problems().first() {
        Some(problem) => Err(refused(problem.to_string())),
        None => Ok(()),
    }
}
