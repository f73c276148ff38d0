//! Issuing for many: several at a time, with progress, and resumed where it was interrupted.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "local")] {
//! use futures_util::StreamExt as _;
//! use private_ca::authority::fleet::{FleetMember, FleetRecord, issue_fleet};
//! use private_ca::{CertificatePurpose, CertificateRequest, IssueRequest, KeyAlgorithm, LocalCa};
//! use private_ca::{PrivateKey, RequestedValidity};
//!
//! let ca = LocalCa::in_memory()?;
//! let mut members = Vec::new();
//! for name in ["worker-1", "worker-2", "worker-3"] {
//!     let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
//!     let request = CertificateRequest::new(&key, format!("CN={name}").parse()?, &[])?;
//!     let validity = RequestedValidity::days(30);
//!     let request = IssueRequest::new(request, CertificatePurpose::Client, validity);
//!     members.push(FleetMember::new(name, request));
//! }
//! let record = FleetRecord::in_memory()?;
//! let mut progress = std::pin::pin!(issue_fleet(&ca, members, &record, 8)?);
//! while let Some(step) = progress.next().await {
//!     println!("{}: {}", step.name, step.outcome?.certificate.serial_number());
//! }
//! # }
//! # Ok(()) }
//! ```

mod record;

use std::collections::HashSet;

use futures_util::{Stream, StreamExt as _, stream};

pub use record::{FleetError, FleetRecord};

use super::{CaError, CertificateAuthority, IssueRequest, IssuedCertificate};

/// A member of a fleet: a name that no other has, and what is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FleetMember {
    /// The name, for the record and for progress. It need not be in the certificate.
    pub name: String,
    /// The request. To resume, the same request is needed again, with the same key: keep the key
    /// before it is asked for.
    pub request: IssueRequest,
}

impl FleetMember {
    /// A member of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, request: IssueRequest) -> Self {
        Self { name: name.into(), request }
    }
}

/// What has become of one member.
#[derive(Debug)]
#[non_exhaustive]
pub struct FleetProgress {
    /// The member.
    pub name: String,
    /// Its certificate. An error concerns this member alone; asked again with the same record, the
    /// fleet goes on with those that have none yet.
    pub outcome: Result<IssuedCertificate, CaError>,
    /// Whether it was asked for before, and only fetched now.
    pub was_resumed: bool,
}

/// Issues a certificate for each member, at most `concurrency` at a time (0 counts as 1), and tells
/// of each as soon as it is decided, in any order. Dropping the stream stops it.
///
/// What was asked for is written into the record before it is waited for. With the same record and
/// the same requests, what was asked for before an interruption is fetched and not asked for again.
/// Between the CA's answer and the record lies one moment: a process that is killed just then has the
/// record's idempotency key, by which a local CA always, and AWS Private CA for five minutes, gives
/// the same certificate.
///
/// A CA in AWS slows the stream down while AWS throttles it (see
/// [`AwsConnection`](crate::authority::aws::AwsConnection)).
///
/// # Errors
/// [`FleetError`] if two members have one name, or a name cannot be recorded. Nothing was asked then.
#[cfg_attr(not(feature = "aws"), allow(rustdoc::broken_intra_doc_links))]
pub fn issue_fleet<'a>(
    ca: &'a dyn CertificateAuthority,
    members: Vec<FleetMember>,
    record: &'a FleetRecord,
    concurrency: usize,
) -> Result<impl Stream<Item = FleetProgress> + Send + 'a, FleetError> {
    let mut names = HashSet::new();
    for member in &members {
        record::check_name(&member.name)?;
        if !names.insert(&member.name) {
            return Err(FleetError::DuplicateName { name: member.name.clone() });
        }
    }
    let issuing = move |member: FleetMember| async move {
        let FleetMember { name, request } = member;
        let (outcome, was_resumed) = issue_member(ca, record, &name, request).await;
        FleetProgress { name, outcome, was_resumed }
    };
    Ok(stream::iter(members).map(issuing).buffer_unordered(concurrency.max(1)))
}

async fn issue_member(
    ca: &dyn CertificateAuthority,
    record: &FleetRecord,
    name: &str,
    mut request: IssueRequest,
) -> (Result<IssuedCertificate, CaError>, bool) {
    let fingerprint = match request.fingerprint() {
        Ok(fingerprint) => fingerprint,
        Err(error) => return (Err(error), false),
    };
    let (id, was_resumed) = match record.submitted(name) {
        Some((earlier, id)) if earlier == fingerprint => (id, true),
        Some(_) => {
            return (Err(CaError::IdempotencyConflict { key: name.to_owned() }), true);
        }
        None => {
            request.idempotency_key.get_or_insert_with(|| record.idempotency_key(name));
            let id = match ca.submit(request.clone()).await {
                Ok(id) => id,
                Err(error) => return (Err(error), false),
            };
            if let Err(error) = record.write(name, &fingerprint, &id) {
                return (Err(error.into()), false);
            }
            (id, false)
        }
    };
    let issued = ca.certificate(id).await;
    (issued.and_then(|issued| request.check(&issued).map(|()| issued)), was_resumed)
}
