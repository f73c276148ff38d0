//! AWS: who asks, in which region, at which endpoint; and its errors by cause.

mod arn;
mod error;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

pub use arn::Arn;
pub use error::AwsError;
pub(crate) use error::Call;

use super::CaError;

/// Longer than anybody waits, and short enough to be added to any time.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(366 * 86_400);

/// How AWS is reached, as the AWS CLI's options of the same names say.
///
/// What is not named comes from where every AWS tool takes it: environment variables, profiles in
/// `~/.aws`, the metadata of a container or an instance (AWS SDKs and Tools Reference Guide,
/// "Standardized credential providers").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AwsOptions {
    /// The region: `eu-central-1`.
    pub region: Option<String>,
    /// The profile in `~/.aws/config` and `~/.aws/credentials`.
    pub profile: Option<String>,
    /// The endpoint of every service, instead of AWS's own: a VPC endpoint, or a stand-in in tests.
    pub endpoint_url: Option<String>,
}

impl AwsOptions {
    /// In this region.
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// As this profile.
    #[must_use]
    pub fn with_profile(mut self, profile: impl Into<String>) -> Self {
        self.profile = Some(profile.into());
        self
    }

    /// At this endpoint.
    #[must_use]
    pub fn with_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }
}

/// A way to AWS: credentials, region, endpoint, retries. Cheap to clone; every backend made from one
/// shares its connections and its rate of retries.
#[derive(Clone)]
pub struct AwsConnection {
    config: SdkConfig,
    region: String,
    observer: Option<WaitObserver>,
    deadline: Option<Duration>,
}

/// Is told what is being waited for whenever a wait begins.
type WaitObserver = Arc<dyn Fn(&str) + Send + Sync>;

impl AwsConnection {
    /// Finds credentials and region as every AWS tool does.
    ///
    /// A call is tried up to five times, and calls slow down while AWS throttles them (the SDK's
    /// adaptive mode), unless the environment variables `AWS_MAX_ATTEMPTS` and `AWS_RETRY_MODE` say
    /// otherwise. AWS's tools take a quota that is reached for throttling too. An attempt has 30 seconds. Nothing is asked of AWS yet, so wrong credentials
    /// show with the first call.
    ///
    /// # Errors
    /// [`CaError::NoRegion`].
    pub async fn from_environment(options: AwsOptions) -> Result<Self, CaError> {
        let is_told = |name| std::env::var_os(name).is_some();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(5))
                .operation_attempt_timeout(Duration::from_secs(30))
                .build(),
        );
        if !is_told("AWS_RETRY_MODE") && !is_told("AWS_MAX_ATTEMPTS") {
            loader = loader.retry_config(RetryConfig::adaptive().with_max_attempts(5));
        }
        if let Some(profile) = options.profile {
            // A profile that is named wins over credentials in the environment, as in the AWS CLI.
            if is_told("AWS_ACCESS_KEY_ID") {
                let region = match &options.region {
                    Some(region) => Some(Region::new(region.clone())),
                    None => {
                        let chain = DefaultRegionChain::builder().profile_name(&profile);
                        chain.build().region().await
                    }
                };
                // Roles are assumed in a region too.
                let provider = ProfileFileCredentialsProvider::builder()
                    .profile_name(&profile)
                    .configure(&ProviderConfig::default().with_region(region))
                    .build();
                loader = loader.credentials_provider(provider);
            }
            loader = loader.profile_name(profile);
        }
        if let Some(region) = options.region {
            loader = loader.region(Region::new(region));
        }
        if let Some(url) = options.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        Self::from_sdk_config(loader.load().await)
    }

    /// Uses a configuration of the AWS SDK as it is, for example one with roles of its own.
    ///
    /// # Errors
    /// [`CaError::NoRegion`].
    pub fn from_sdk_config(config: SdkConfig) -> Result<Self, CaError> {
        let region = config.region().ok_or(CaError::NoRegion)?.to_string();
        let config = match config.credentials_provider() {
            Some(_) => config,
            None => config
                .into_builder()
                .credentials_provider(SharedCredentialsProvider::new(NoCredentials))
                .build(),
        };
        Ok(Self { config, region, observer: None, deadline: None })
    }

    /// Tells `observer` what is being waited for, whenever a wait begins: for whoever sits in front
    /// of a terminal.
    #[must_use]
    pub fn with_wait_observer(mut self, observer: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Waits at most this long, a year at most, for each thing that takes AWS its time, in every
    /// backend made from this connection that is not told otherwise. Single calls have the limits of
    /// [`AwsConnection::from_environment`] besides.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline.min(LONGEST_WAIT));
        self
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.deadline
    }

    pub(crate) fn waiting_for(&self, what: &str) {
        if let Some(observer) = &self.observer {
            observer(what);
        }
    }

    /// The region that is asked.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    pub(crate) fn sdk_config(&self) -> &SdkConfig {
        &self.config
    }

    /// A resource lives in one region; AWS says only "not found" to whoever asks another.
    pub(crate) fn check_region(&self, arn: &Arn) -> Result<(), CaError> {
        if arn.region() == self.region {
            return Ok(());
        }
        Err(CaError::Region { arn: arn.to_string(), configured: self.region.clone() })
    }
}

/// Says that there are no credentials. Without any provider the SDK says so too, but in an error that
/// nobody can tell from others.
#[derive(Debug)]
struct NoCredentials;

impl ProvideCredentials for NoCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let error = CredentialsError::not_loaded("the configuration has no credentials provider");
        future::ProvideCredentials::ready(Err(error))
    }
}

impl fmt::Debug for AwsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsConnection")
            .field("region", &self.region)
            .field("endpoint_url", &self.config.endpoint_url())
            .finish_non_exhaustive()
    }
}

/// The code of an error that has no variant of its own.
pub(crate) fn error_code(error: &CaError) -> Option<&str> {
    match error {
        CaError::Backend { source, .. } => {
            source.downcast_ref::<AwsError>().and_then(AwsError::code)
        }
        _ => None,
    }
}

/// An answer lacks a field that AWS's API reference says is there.
pub(crate) fn incomplete(operation: &'static str, field: &'static str) -> CaError {
    CaError::Backend { operation, source: format!("the answer has no {field}").into() }
}

/// An idempotency token for a request that has no idempotency key, so that the SDK's own retries do it
/// once. 32 characters are as many as ACM takes.
pub(crate) fn random_token() -> Result<String, CaError> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(crate::key::KeyError::Random)?;
    Ok(base16ct::lower::encode_string(&random))
}
