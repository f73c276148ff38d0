//! A stand-in for AWS: AWS Private CA, ACM and as much of Route 53 as ACM's validation needs, on a
//! free loopback port. It speaks AWS's wire protocols and behaves as AWS documents, so that AWS's
//! own SDK is the client; what it refuses, it refuses with AWS's error codes.
//!
//! ```ignore
//! #[path = "support/aws.rs"]
//! mod aws;
//!
//! let aws = StandIn::start().await;
//! let private_ca = aws_sdk_acmpca::Client::new(&aws.sdk_config());
//! let ca = aws.add_root("Acme Root CA", "EC_prime256v1", 10);
//! aws.behave(|behaviour| behaviour.issuing = Readiness::after_polls(2));
//! aws.fail_next("IssueCertificate", 1, Fault::Throttle);
//! ```
#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

// Files that are found through a path look for their own modules beside them.
#[path = "aws/acm.rs"]
mod acm;
#[path = "aws/acm_issuing.rs"]
mod acm_issuing;
#[path = "aws/authorities.rs"]
mod authorities;
#[path = "aws/certificates.rs"]
mod certificates;
#[path = "aws/faults.rs"]
mod faults;
#[path = "aws/http.rs"]
mod http;
#[path = "aws/issuing.rs"]
mod issuing;
#[path = "aws/names.rs"]
mod names;
#[path = "aws/route53.rs"]
mod route53;
#[path = "aws/setup.rs"]
mod setup;
#[path = "aws/sharing.rs"]
mod sharing;
#[path = "aws/templates.rs"]
mod templates;
#[path = "aws/wire.rs"]
mod wire;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_sdk_acmpca::config::retry::RetryConfig;
use aws_sdk_acmpca::config::{BehaviorVersion, Credentials, Region, SharedCredentialsProvider};
use private_ca::{PrivateKey, Timestamp};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use faults::{Cut, Fault};

/// Where everything lives, unless a test says otherwise.
pub const REGION: &str = "eu-central-1";
/// Whose everything is.
pub const ACCOUNT: &str = "123456789012";
/// Who owns the CAs that are shared with [`ACCOUNT`].
pub const OTHER_ACCOUNT: &str = "210987654321";

/// The stand-in. Dropped, it hangs up.
pub struct StandIn {
    state: Arc<Mutex<State>>,
    endpoint_url: String,
    server: JoinHandle<()>,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// As IAM calls it: `acm-pca`, `acm` or `route53`.
    pub service: &'static str,
    /// Such as `IssueCertificate`.
    pub operation: String,
    /// The JSON that was sent; for Route 53, whose bodies are XML, a JSON string.
    pub body: Value,
}

impl Call {
    /// As an IAM policy writes it: `acm-pca:IssueCertificate`.
    pub fn action(&self) -> String {
        format!("{}:{}", self.service, self.operation)
    }
}

/// When something that takes its time is done: not before it was asked for so many times, and not
/// before so much time has passed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Readiness {
    pub polls: u32,
    pub time: Duration,
}

impl Readiness {
    pub fn at_once() -> Self {
        Self::default()
    }

    pub fn after_polls(polls: u32) -> Self {
        Self { polls, ..Self::default() }
    }

    /// On the stand-in's clock, which [`StandIn::advance`] moves.
    pub fn after(time: Duration) -> Self {
        Self { time, ..Self::default() }
    }

    pub fn never() -> Self {
        Self::after_polls(u32::MAX)
    }
}

/// How slow, how stale and how strict the stand-in is.
#[derive(Debug, Clone)]
pub struct Behaviour {
    /// Until a new CA has its signing request; until then it is CREATING.
    pub creating: Readiness,
    /// Whether that ends in FAILED.
    pub creating_fails: bool,
    /// Until `acm-pca:GetCertificate` has what was issued.
    pub issuing: Readiness,
    /// Until an ACM certificate leaves PENDING_VALIDATION (a public one needs its records too).
    pub acm_issuing: Readiness,
    /// Until a renewal is done.
    pub renewing: Readiness,
    /// Until a renewed certificate can be exported again.
    pub export_after_renewal: Readiness,
    /// What `ExportCertificate` gives instead of the certificate's own key.
    pub exported_key: Option<PrivateKey>,
    /// What `ExportCertificate` gives instead of the certificate's own chain, in PEM.
    pub exported_chain: Option<String>,
    /// So many `DescribeCertificate` after a request find nothing.
    pub describe_not_found: u32,
    /// So many `DescribeCertificate` after that have no DNS records yet.
    pub describe_without_records: u32,
    /// So many `DescribeCertificate` after a renewal still show the certificate before it.
    pub describe_stale_after_renewal: u32,
    /// Until a change of DNS records is INSYNC.
    pub dns_change: Readiness,
    /// How far AWS's clock is ahead of the client's. Beyond five minutes signatures are refused.
    pub clock_ahead_seconds: i64,
    /// How many CAs or certificates a list's page has at most.
    pub page_size: usize,
    /// The actions that the caller's IAM policy allows (`acm-pca:IssueCertificate`), where it does not
    /// allow everything.
    pub allowed_actions: Option<Vec<String>>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            creating: Readiness::at_once(),
            creating_fails: false,
            issuing: Readiness::at_once(),
            acm_issuing: Readiness::at_once(),
            renewing: Readiness::at_once(),
            export_after_renewal: Readiness::at_once(),
            exported_key: None,
            exported_chain: None,
            describe_not_found: 0,
            describe_without_records: 0,
            describe_stale_after_renewal: 0,
            dns_change: Readiness::at_once(),
            clock_ahead_seconds: 0,
            page_size: 1000,
            allowed_actions: None,
        }
    }
}

/// Something that is not done yet.
#[derive(Debug, Clone, Copy)]
struct Pending {
    polls_left: u32,
    ready_at: Timestamp,
}

impl Pending {
    fn new(readiness: Readiness, now: Timestamp) -> Self {
        Self { polls_left: readiness.polls, ready_at: now.plus(readiness.time) }
    }

    /// Whether it is done; being asked counts.
    fn is_done(&mut self, now: Timestamp) -> bool {
        if self.polls_left > 0 {
            self.polls_left = self.polls_left.saturating_sub(u32::from(self.polls_left < u32::MAX));
            return false;
        }
        now >= self.ready_at
    }
}

/// Everything the stand-in knows.
struct State {
    partition: String,
    advanced: Duration,
    behaviour: Behaviour,
    calls: Vec<Call>,
    faults: Vec<faults::Planned>,
    authorities: Vec<authorities::Authority>,
    managed: Vec<acm::Managed>,
    public_authority: Option<acm_issuing::PublicAuthority>,
    zones: Vec<route53::Zone>,
    dns_changes: Vec<(String, Pending)>,
}

impl State {
    fn now(&self) -> Timestamp {
        Timestamp::now().plus(self.advanced)
    }

    fn arn(&self, service: &str, account: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{REGION}:{account}:{resource}", self.partition)
    }
}

impl StandIn {
    pub async fn start() -> Self {
        Self::start_in_partition("aws").await
    }

    /// In another partition: `aws-cn`, `aws-us-gov`.
    pub async fn start_in_partition(partition: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint_url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            partition: partition.to_owned(),
            advanced: Duration::ZERO,
            behaviour: Behaviour::default(),
            calls: Vec::new(),
            faults: Vec::new(),
            authorities: Vec::new(),
            managed: Vec::new(),
            public_authority: None,
            zones: Vec::new(),
            dns_changes: Vec::new(),
        }));
        let server = tokio::spawn(http::serve(listener, Arc::clone(&state)));
        Self { state, endpoint_url, server }
    }

    pub fn endpoint_url(&self) -> &str {
        &self.endpoint_url
    }

    /// For the SDK's clients: endpoint, region, credentials, and retries that do not dawdle.
    pub fn sdk_config(&self) -> aws_config::SdkConfig {
        aws_config::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&self.endpoint_url)
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIDSTANDIN",
                "secret",
                None,
                None,
                "stand-in",
            )))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)))
            .build()
    }

    /// Every call that was made, in order, refused ones and retries included.
    pub fn calls(&self) -> Vec<Call> {
        self.lock().calls.clone()
    }

    /// How often an operation was called.
    pub fn count(&self, operation: &str) -> usize {
        self.lock().calls.iter().filter(|call| faults::is_meant(operation, call)).count()
    }

    pub fn forget_calls(&self) {
        self.lock().calls.clear();
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.lock().behaviour);
    }

    /// The next so many calls of an operation (`IssueCertificate`, or `acm:GetCertificate` where two
    /// services have it, or `*`) fail. Plans add up; the first that fits counts.
    pub fn fail_next(&self, operation: &str, times: usize, fault: Fault) {
        self.lock().faults.push(faults::Planned { operation: operation.to_owned(), times, fault });
    }

    /// What was planned and has not happened does not happen.
    pub fn forget_faults(&self) {
        self.lock().faults.clear();
    }

    /// Moves the stand-in's clock, not the one that requests are signed by: certificates expire and
    /// are renewed.
    pub fn advance(&self, time: Duration) {
        self.lock().advanced += time;
    }

    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Makes a CA one that another account ([`OTHER_ACCOUNT`]) shares with this one through AWS RAM,
    /// for issuing with these templates, or with RAM's default, `EndEntityCertificate/V1`. Its ARN
    /// afterwards.
    pub fn share(&self, authority_arn: &str, templates: &[&str]) -> String {
        self.lock().share(authority_arn, templates)
    }

    /// As a load balancer that uses the certificate does.
    pub fn use_certificate(&self, certificate_arn: &str, used_by: &str) {
        self.lock().use_certificate(certificate_arn, used_by);
    }

    /// A hosted zone, public unless said otherwise; its id.
    pub fn add_hosted_zone(&self, name: &str, is_private: bool) -> String {
        self.lock().add_hosted_zone(name, is_private)
    }

    /// What a DNS query for the record would give.
    pub fn dns_record(&self, name: &str, record_type: &str) -> Option<String> {
        self.lock().dns_record(name, record_type)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}
