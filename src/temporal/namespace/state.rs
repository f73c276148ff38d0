//! A namespace as it is, and what is to be changed of it.

use base64ct::{Base64, Encoding as _};
use prost::Message as _;
use temporalio_protos::protos::temporal::api::cloud::namespace::v1 as proto;
use temporalio_protos::protos::temporal::api::cloud::resource::v1::ResourceState;

use super::{CloudOpsError, wire};
use crate::certificate::{Certificate, Timestamp};
use crate::temporal::bundle::{BundleDifference, CaBundle};
use crate::temporal::filters::{CertificateFilter, FilterField, FilterSet};

/// Numbers of fields in the definitions (cloud-api, `namespace/v1/message.proto`).
mod number {
    pub(super) const NAMESPACE_SPEC: u32 = 3;
    pub(super) const SPEC_MTLS_AUTH: u32 = 4;
    pub(super) const SPEC_API_KEY_AUTH: u32 = 7;
    pub(super) const API_KEY_ENABLED: u32 = 1;
    pub(super) const MTLS_CA_DEPRECATED: u32 = 1;
    pub(super) const MTLS_FILTERS: u32 = 2;
    pub(super) const MTLS_ENABLED: u32 = 3;
    pub(super) const MTLS_CA: u32 = 4;
}

/// How a namespace admits clients over mTLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MtlsAuth {
    /// Whether it does at all.
    pub enabled: bool,
    /// The CAs whose clients it admits.
    pub bundle: CaBundle,
    /// What it asks of their certificates besides.
    pub filters: FilterSet,
}

/// Where clients connect to. An address is empty if there is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamespaceEndpoints {
    /// The web page.
    pub web: String,
    /// For clients with a certificate: host and port.
    pub mtls: String,
    /// For clients with an API key: host and port.
    pub api_key: String,
}

/// A namespace as it was when it was read.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NamespaceState {
    /// Its full name, with the account's id: `hello.a1b2c`.
    pub name: String,
    /// The version of its specification, which an update has to name.
    pub resource_version: String,
    /// Its state in one word, in lower case: `active`, `updating`; `unknown` if this version does not
    /// know it.
    pub state: &'static str,
    /// The operation that changes it now, if there is one.
    pub operation: Option<String>,
    /// mTLS.
    pub mtls: MtlsAuth,
    /// Whether clients may come with an API key.
    pub api_key_enabled: bool,
    /// Where clients connect to.
    pub endpoints: NamespaceEndpoints,
    /// The region that is active: `aws-eu-central-1`.
    pub active_region: String,
    /// The whole specification as it was read, with what is not known here.
    specification: Vec<u8>,
}

impl NamespaceState {
    /// Reads a `Namespace` message.
    pub(super) fn read(message: &[u8]) -> Result<Self, CloudOpsError> {
        let namespace = proto::Namespace::decode(message)
            .map_err(|error| unreadable("its namespace", error))?;
        let specification = wire::message_in(message, number::NAMESPACE_SPEC)
            .map_err(|error| unreadable("the namespace's specification", error))?;
        let (Some(spec), Some(specification)) = (namespace.spec.as_ref(), specification) else {
            return Err(CloudOpsError::Unreadable {
                what: "the namespace's specification is missing",
                source: None,
            });
        };
        let mtls = match &spec.mtls_auth {
            Some(mtls) => MtlsAuth {
                enabled: mtls.enabled,
                bundle: bundle(mtls)?,
                filters: FilterSet::new(mtls.certificate_filters.iter().map(filter).collect()),
            },
            None => MtlsAuth::default(),
        };
        let endpoints = namespace.endpoints.clone().unwrap_or_default();
        Ok(Self {
            state: state(namespace.state()),
            mtls,
            api_key_enabled: spec.api_key_auth.as_ref().is_some_and(|auth| auth.enabled),
            endpoints: NamespaceEndpoints {
                web: endpoints.web_address,
                mtls: endpoints.mtls_grpc_address,
                api_key: endpoints.grpc_address,
            },
            operation: Some(namespace.async_operation_id).filter(|id| !id.is_empty()),
            name: namespace.namespace,
            resource_version: namespace.resource_version,
            active_region: namespace.active_region,
            specification,
        })
    }

    /// mTLS as it would be after a change.
    #[must_use]
    pub fn with(&self, change: &Change) -> MtlsAuth {
        MtlsAuth {
            enabled: change.enabled.unwrap_or(self.mtls.enabled),
            bundle: change.bundle.clone().unwrap_or_else(|| self.mtls.bundle.clone()),
            filters: change.filters.clone().unwrap_or_else(|| self.mtls.filters.clone()),
        }
    }

    /// What a change would change.
    #[must_use]
    pub fn difference(&self, change: &Change) -> Difference {
        let after = self.with(change);
        let lacking = |all: &FilterSet, others: &FilterSet| -> Vec<CertificateFilter> {
            all.filters()
                .iter()
                .filter(|filter| !others.filters().contains(filter))
                .cloned()
                .collect()
        };
        Difference {
            bundle: self.mtls.bundle.difference(&after.bundle),
            filters_added: lacking(&after.filters, &self.mtls.filters),
            filters_removed: lacking(&self.mtls.filters, &after.filters),
            enabled: (self.mtls.enabled != after.enabled).then_some(after.enabled),
            api_key_enabled: change.api_key_enabled.filter(|&is_on| is_on != self.api_key_enabled),
        }
    }

    /// Whether a change would leave everything as it is. An order of certificates or an encoding is
    /// nothing; an order of filters is, because tools show it.
    #[must_use]
    pub fn is_already(&self, change: &Change) -> bool {
        self.with(change) == self.mtls && self.has_api_keys(change) == self.api_key_enabled
    }

    /// How clients sign in.
    #[must_use]
    pub fn auth_method(&self) -> AuthMethod {
        AuthMethod::of(self.mtls.enabled, self.api_key_enabled)
    }

    /// Whether API keys would be taken after a change.
    fn has_api_keys(&self, change: &Change) -> bool {
        change.api_key_enabled.unwrap_or(self.api_key_enabled)
    }

    /// What Temporal Cloud would refuse of the parts that change, and whether nobody would be let in any more. It
    /// is asked before every update.
    ///
    /// # Errors
    /// [`CloudOpsError::Bundle`], [`CloudOpsError::Filters`], [`CloudOpsError::NoCa`],
    /// [`CloudOpsError::NoWayIn`].
    pub fn check(&self, change: &Change) -> Result<(), CloudOpsError> {
        let after = self.with(change);
        if after.bundle != self.mtls.bundle {
            after.bundle.check().map_err(CloudOpsError::Bundle)?;
        }
        let problems = after.filters.problems();
        if after.filters != self.mtls.filters && !problems.is_empty() {
            return Err(CloudOpsError::Filters { problems });
        }
        let admits_nobody = |mtls: &MtlsAuth| mtls.enabled && mtls.bundle.is_empty();
        if admits_nobody(&after) && !admits_nobody(&self.mtls) {
            return Err(CloudOpsError::NoCa);
        }
        // A switch that is on lets nobody in where every CA has ended or none is there.
        let now = Timestamp::now();
        let is_current = |ca: &Certificate| ca.validity().not_after >= now;
        let lets_in = |mtls: &MtlsAuth, api_keys: bool| {
            api_keys || mtls.enabled && mtls.bundle.certificates().iter().any(is_current)
        };
        if lets_in(&self.mtls, self.api_key_enabled) && !lets_in(&after, self.has_api_keys(change))
        {
            return Err(CloudOpsError::NoWayIn);
        }
        Ok(())
    }

    /// The whole specification with the change in it, and everything else byte for byte.
    pub(super) fn changed_specification(
        &self,
        change: &Change,
    ) -> Result<Vec<u8>, wire::NoMessage> {
        let after = self.with(change);
        let mut mtls =
            wire::message_in(&self.specification, number::SPEC_MTLS_AUTH)?.unwrap_or_default();
        let mut own = proto::MtlsAuthSpec::default();
        if after.bundle != self.mtls.bundle {
            mtls = wire::without(&mtls, &[number::MTLS_CA_DEPRECATED, number::MTLS_CA])?;
            own.accepted_client_ca = after.bundle.to_pem().into_bytes();
        }
        if after.filters != self.mtls.filters {
            mtls = wire::without(&mtls, &[number::MTLS_FILTERS])?;
            own.certificate_filters = after.filters.filters().iter().map(filter_spec).collect();
        }
        if after.enabled != self.mtls.enabled {
            mtls = wire::without(&mtls, &[number::MTLS_ENABLED])?;
            own.enabled = after.enabled;
        }
        mtls.extend(own.encode_to_vec());
        let mut specification = wire::without(&self.specification, &[number::SPEC_MTLS_AUTH])?;
        wire::push_message(&mut specification, number::SPEC_MTLS_AUTH, &mtls);
        let enabled = self.has_api_keys(change);
        if enabled != self.api_key_enabled {
            let api_key = wire::message_in(&specification, number::SPEC_API_KEY_AUTH)?;
            let mut api_key =
                wire::without(&api_key.unwrap_or_default(), &[number::API_KEY_ENABLED])?;
            api_key.extend(proto::ApiKeyAuthSpec { enabled }.encode_to_vec());
            specification = wire::without(&specification, &[number::SPEC_API_KEY_AUTH])?;
            wire::push_message(&mut specification, number::SPEC_API_KEY_AUTH, &api_key);
        }
        Ok(specification)
    }
}

/// How the clients of a namespace sign in, in tcld's words (`tcld namespace auth-method`). In the Cloud Ops API
/// it is `MtlsAuthSpec.enabled` and `ApiKeyAuthSpec.enabled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// Not at all.
    Restricted,
    /// With a client certificate.
    Mtls,
    /// With an API key.
    ApiKey,
    /// With either.
    ApiKeyOrMtls,
}

impl AuthMethod {
    /// By whether mTLS is enabled, and whether API keys are.
    #[must_use]
    pub fn of(mtls: bool, api_key: bool) -> Self {
        match (mtls, api_key) {
            (false, false) => Self::Restricted,
            (true, false) => Self::Mtls,
            (false, true) => Self::ApiKey,
            (true, true) => Self::ApiKeyOrMtls,
        }
    }

    /// Whether mTLS is enabled.
    #[must_use]
    pub fn has_mtls(self) -> bool {
        matches!(self, Self::Mtls | Self::ApiKeyOrMtls)
    }

    /// Whether API keys are.
    #[must_use]
    pub fn has_api_keys(self) -> bool {
        matches!(self, Self::ApiKey | Self::ApiKeyOrMtls)
    }

    /// tcld's word for it: `api_key_or_mtls`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Restricted => "restricted",
            Self::Mtls => "mtls",
            Self::ApiKey => "api_key",
            Self::ApiKeyOrMtls => "api_key_or_mtls",
        }
    }
}

impl std::fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What is to be changed of how a namespace admits clients; what is not named stays.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Change {
    /// The bundle to be.
    pub bundle: Option<CaBundle>,
    /// The filters to be.
    pub filters: Option<FilterSet>,
    /// Whether mTLS is to be on.
    pub enabled: Option<bool>,
    /// Whether API keys are to be on.
    pub api_key_enabled: Option<bool>,
}

impl Change {
    /// No change.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// And another bundle.
    #[must_use]
    pub fn with_bundle(mut self, bundle: CaBundle) -> Self {
        self.bundle = Some(bundle);
        self
    }

    /// And other filters.
    #[must_use]
    pub fn with_filters(mut self, filters: FilterSet) -> Self {
        self.filters = Some(filters);
        self
    }

    /// And mTLS on or off. Off, connections over mTLS fail (cloud-api, `MtlsAuthSpec.enabled`).
    #[must_use]
    pub fn with_mtls(mut self, enabled: bool) -> Self {
        self.enabled = Some(enabled);
        self
    }

    /// And API keys on or off. Off, connections with an API key fail (cloud-api, `ApiKeyAuthSpec.enabled`).
    #[must_use]
    pub fn with_api_keys(mut self, enabled: bool) -> Self {
        self.api_key_enabled = Some(enabled);
        self
    }

    /// And both as a method says.
    #[must_use]
    pub fn with_auth_method(self, method: AuthMethod) -> Self {
        self.with_mtls(method.has_mtls()).with_api_keys(method.has_api_keys())
    }
}

/// What a change changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// CA certificates that come and go.
    pub bundle: BundleDifference,
    /// Filters that come.
    pub filters_added: Vec<CertificateFilter>,
    /// Filters that go.
    pub filters_removed: Vec<CertificateFilter>,
    /// What becomes of mTLS, if it is turned on or off.
    pub enabled: Option<bool>,
    /// What becomes of API keys, if they are turned on or off.
    pub api_key_enabled: Option<bool>,
}

/// PEM, or base64 of PEM as before v0.2.0, in either field.
fn bundle(mtls: &proto::MtlsAuthSpec) -> Result<CaBundle, CloudOpsError> {
    #[allow(deprecated)]
    let deprecated = mtls.accepted_client_ca_deprecated.as_bytes();
    let current = mtls.accepted_client_ca.as_slice();
    let text = if current.is_empty() { deprecated } else { current };
    let decoded = match text.is_empty() || has_pem(text) {
        true => text.to_vec(),
        false => {
            let packed: String = String::from_utf8_lossy(text).split_ascii_whitespace().collect();
            Base64::decode_vec(&packed).map_err(|error| {
                unreadable("the CA bundle, which is neither PEM nor base64", error)
            })?
        }
    };
    CaBundle::from_pem(&decoded).map_err(|error| unreadable("the CA bundle", error))
}

fn has_pem(text: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"-----BEGIN";
    text.windows(BEGINNING.len()).any(|window| window == BEGINNING)
}

fn filter(spec: &proto::CertificateFilterSpec) -> CertificateFilter {
    CertificateFilter::default()
        .with(FilterField::CommonName, spec.common_name.as_str())
        .with(FilterField::Organization, spec.organization.as_str())
        .with(FilterField::OrganizationalUnit, spec.organizational_unit.as_str())
        .with(FilterField::SubjectAlternativeName, spec.subject_alternative_name.as_str())
}

fn filter_spec(filter: &CertificateFilter) -> proto::CertificateFilterSpec {
    let value = |field| filter.get(field).unwrap_or_default().to_owned();
    proto::CertificateFilterSpec {
        common_name: value(FilterField::CommonName),
        organization: value(FilterField::Organization),
        organizational_unit: value(FilterField::OrganizationalUnit),
        subject_alternative_name: value(FilterField::SubjectAlternativeName),
    }
}

fn state(state: ResourceState) -> &'static str {
    match state {
        ResourceState::Unspecified => "unknown",
        ResourceState::Activating => "activating",
        ResourceState::ActivationFailed => "activation failed",
        ResourceState::Active => "active",
        ResourceState::Updating => "updating",
        ResourceState::UpdateFailed => "update failed",
        ResourceState::Deleting => "deleting",
        ResourceState::DeleteFailed => "delete failed",
        ResourceState::Deleted => "deleted",
        ResourceState::Suspended => "suspended",
        ResourceState::Expired => "expired",
    }
}

pub(super) fn unreadable(
    what: &'static str,
    source: impl std::error::Error + Send + Sync + 'static,
) -> CloudOpsError {
    CloudOpsError::Unreadable { what, source: Some(Box::new(source)) }
}
