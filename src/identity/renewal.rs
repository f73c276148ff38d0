//! An identity that is renewed from its CA ahead of its end.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::{Identity, IdentityError, LastAttempt, Polled, RenewalSchedule, RotatingIdentity};
use crate::authority::{
    CaError, CertificateAuthority, CertificateId, CertificatePurpose, IssueRequest,
    IssuedCertificate, RequestedValidity,
};
use crate::certificate::{DistinguishedName, Timestamp};
use crate::file::{Existing, FileError};
use crate::key::{KeyAlgorithm, KeyError, Passphrase, PrivateKey};
use crate::managed::{ManagedCertificates, ManagedError};
use crate::request::CertificateRequest;
use crate::verify::{AnchorError, Purpose, Verification, Verifier, VerifyError};

/// A timer does not count the time in which a machine sleeps, so the clock is read this often.
const CLOCK_IS_READ_EVERY: Duration = Duration::from_secs(60);

/// How long a CA may take for one attempt by default: AWS Private CA's own waiter takes five minutes.
const PATIENCE: Duration = Duration::from_secs(600);

/// A request that the CA has never answered is given up after so many attempts, for another with
/// another key.
const ATTEMPTS_AT_ONE_REQUEST: u32 = 5;

/// Renews a [`RotatingIdentity`] from a CA.
///
/// The next certificate is asked for under the present one's subject and subject alternative names. It
/// takes the present one's place once it is known to fit its key, to be valid now as a TLS client's,
/// to chain to its root (or to those of [`Renewal::trusting`]), to bear the same names, and to end no
/// sooner. Whatever goes wrong, the present identity stays.
///
/// ```no_run
/// # #[cfg(feature = "local")]
/// # async fn example(identity: private_ca::Identity) -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use private_ca::identity::{Renewal, RotatingIdentity};
/// use private_ca::{LocalCa, RequestedValidity};
///
/// let ca = Arc::new(LocalCa::open("ca", None)?);
/// let rotating = Arc::new(RotatingIdentity::new(identity)?);
/// let renewal = Renewal::issued_by(ca, RequestedValidity::days(30));
/// tokio::spawn(renewal.run(Arc::clone(&rotating), |report| match report.outcome {
///     Ok(_) => println!("renewed; next at {}", report.next),
///     Err(error) => eprintln!("{error}; next attempt at {}", report.next),
/// }));
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Renewal {
    source: Source,
    schedule: RenewalSchedule,
    trusting: Option<Verifier>,
    folder: Option<PathBuf>,
    /// Whether the present identity is still to be written into the folder.
    is_unwritten: bool,
    patience: Duration,
}

enum Source {
    Authority {
        ca: Arc<dyn CertificateAuthority>,
        validity: RequestedValidity,
        purpose: CertificatePurpose,
        key_algorithm: Option<KeyAlgorithm>,
        asked: Option<Box<Asked>>,
    },
    Managed {
        managed: Arc<dyn ManagedCertificates>,
        id: CertificateId,
    },
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority { ca, .. } => f.debug_tuple("Authority").field(ca).finish(),
            Self::Managed { managed, id } => {
                f.debug_tuple("Managed").field(managed).field(id).finish()
            }
        }
    }
}

/// What a CA was asked and has not answered: to ask the same again costs no second certificate.
struct Asked {
    key: PrivateKey,
    request: IssueRequest,
    id: Option<CertificateId>,
    attempts: u32,
}

/// Why an attempt to renew did not come to its end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenewalError {
    /// The CA refuses or cannot be asked.
    #[error("the present identity stays: {0}")]
    Ca(#[from] CaError),
    /// The managed certificate cannot be had.
    #[error("the present identity stays: {0}")]
    Managed(#[from] ManagedError),
    /// The CA did not answer.
    #[error(
        "the present identity stays: the CA has not answered within {} seconds; it is asked the same again",
        after.as_secs()
    )]
    Unanswered {
        /// How long it was waited for.
        after: Duration,
    },
    /// What the CA gave out is no identity.
    #[error("the present identity stays, because what the CA gave out is none: {0}")]
    Identity(#[from] IdentityError),
    /// The certificate does not lead to a root.
    #[error("the present identity stays, because the next certificate does not chain: {0}")]
    Unchained(#[from] VerifyError),
    /// There is no root to lead to, or it cannot be used.
    #[error(
        "the present identity stays, because the chain of the next certificate has no usable root: {0}"
    )]
    Root(#[from] AnchorError),
    /// The certificate is for another.
    #[error(
        "the present identity stays, because the next certificate is for another: its {what} is not that of {present}"
    )]
    ForAnother {
        /// The present certificate's subject.
        present: DistinguishedName,
        /// What differs.
        what: &'static str,
    },
    /// The certificate ends before the present one.
    #[error(
        "the present identity stays until {present}, because the next certificate would end sooner, at {next}: ask for a longer validity, or see whether the CA itself ends then"
    )]
    EndsSooner {
        /// The end of the next.
        next: Timestamp,
        /// The end of the present one.
        present: Timestamp,
    },
    /// The new identity is presented and could not be written.
    #[error(
        "the new identity is presented, and its files could not be written, which is tried again: {0}"
    )]
    Files(#[from] FileError),
}

/// What [`Renewal::run`] tells.
#[derive(Debug)]
#[non_exhaustive]
pub struct RenewalReport {
    /// That there is a new identity, or why not.
    pub outcome: Result<(), RenewalError>,
    /// When it asks next.
    pub next: Timestamp,
}

impl Renewal {
    /// From a CA, with a fresh key each time.
    ///
    /// The key is of the present one's kind, and the certificate for a TLS client, unless
    /// [`Renewal::with_key_algorithm`] and [`Renewal::with_purpose`] say otherwise.
    #[must_use]
    pub fn issued_by(ca: Arc<dyn CertificateAuthority>, validity: RequestedValidity) -> Self {
        let purpose = CertificatePurpose::Client;
        let (key_algorithm, asked) = (None, None);
        Self::of(Source::Authority { ca, validity, purpose, key_algorithm, asked })
    }

    /// From a managed certificate, which its CA renews by itself (ACM 60 days before the end): it is
    /// exported again once it is another than the present one. Each export is under a passphrase of
    /// its own, which nobody learns. `LocalManaged` renews nothing by itself: there somebody calls
    /// [`ManagedCertificates::renew`].
    ///
    /// [`RenewalSchedule`]'s 2/3 of ACM's 395 days are more than those 60 days ahead; from then on
    /// it is described, and not exported, about twice a day.
    #[must_use]
    pub fn exported_from(managed: Arc<dyn ManagedCertificates>, id: CertificateId) -> Self {
        Self::of(Source::Managed { managed, id })
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            schedule: RenewalSchedule::new(),
            trusting: None,
            folder: None,
            is_unwritten: false,
            patience: PATIENCE,
        }
    }

    /// On another schedule than the default one.
    #[must_use]
    pub fn with_schedule(mut self, schedule: RenewalSchedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// With keys of this kind. It is the CA's to choose where the certificate is a managed one.
    #[must_use]
    pub fn with_key_algorithm(mut self, algorithm: KeyAlgorithm) -> Self {
        if let Source::Authority { key_algorithm, .. } = &mut self.source {
            *key_algorithm = Some(algorithm);
        }
        self
    }

    /// For this purpose, such as client and server. It is the CA's to choose where the certificate is
    /// a managed one.
    #[must_use]
    pub fn with_purpose(mut self, of_request: CertificatePurpose) -> Self {
        if let Source::Authority { purpose, .. } = &mut self.source {
            *purpose = of_request;
        }
        self
    }

    /// Takes only what leads to one of these roots, such as those that the frontend accepts. Without
    /// it the CA may come to issue under another root than before.
    #[must_use]
    pub fn trusting(mut self, verifier: Verifier) -> Self {
        self.trusting = Some(verifier);
        self
    }

    /// Also writes each new identity into this folder, as [`Identity::write_to`] does, for workers
    /// that read files. If that fails, only the writing is tried again.
    #[must_use]
    pub fn writing_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// How long the CA may take for one attempt. The default is ten minutes.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks for the next identity now, whether it is due or not, and has it presented. It runs on
    /// tokio, with its timer. A CA that has left an earlier attempt unanswered is asked the same again.
    ///
    /// # Errors
    /// [`RenewalError`]; the present identity stays, save for [`RenewalError::Files`].
    pub async fn attempt(&mut self, into: &RotatingIdentity) -> Result<Polled, RenewalError> {
        if !self.is_unwritten {
            let present = into.current();
            let asking = timeout(self.patience, self.source.next(&present)).await;
            let answer = asking.map_err(|_| RenewalError::Unanswered { after: self.patience })?;
            let Some(next) = answer? else { return Ok(Polled::Unchanged) };
            // Someone else may have replaced it in the meantime.
            self.check(&next, &into.current())?;
            into.replace(next)?;
            self.is_unwritten = self.folder.is_some();
        }
        if let Some(folder) = &self.folder {
            into.current().write_to(folder, Existing::Replace)?;
        }
        self.is_unwritten = false;
        Ok(Polled::Replaced)
    }

    /// Renews for ever on its schedule, and tells `report` of each new identity and of each attempt
    /// that failed. Dropping the future ends it; a certificate that is being asked for is then lost.
    ///
    /// It runs on tokio with its timer. A second at least lies between two attempts. An identity that
    /// somebody else puts in its place, such as an [`IdentityWatch`](super::IdentityWatch), is the
    /// present one from then on.
    pub async fn run(mut self, into: Arc<RotatingIdentity>, mut report: impl FnMut(RenewalReport)) {
        let mut present = into.certificate();
        let mut last = LastAttempt::None { at: Timestamp::now() };
        let mut failures: u32 = 0;
        let mut random = random();
        loop {
            let now = Timestamp::now();
            let next = self.schedule.next(now, present.validity(), last, random);
            if now < next {
                sleep(next.since(now).min(CLOCK_IS_READ_EVERY)).await;
                let current = into.certificate();
                if current != present {
                    present = current;
                    last = LastAttempt::None { at: Timestamp::now() };
                }
                continue;
            }
            let outcome = self.attempt(&into).await;
            let at = Timestamp::now();
            present = into.certificate();
            random = self::random();
            failures = if outcome.is_err() { failures.saturating_add(1) } else { 0 };
            last = match outcome {
                Ok(Polled::Replaced) => LastAttempt::Replaced { at },
                Ok(Polled::Unchanged) => LastAttempt::Unchanged { at },
                Err(_) => LastAttempt::Failed { at, failures },
            };
            if !matches!(outcome, Ok(Polled::Unchanged)) {
                let next = self.schedule.next(at, present.validity(), last, random);
                report(RenewalReport { outcome: outcome.map(|_| ()), next });
            }
        }
    }

    /// Whether `next` may take the place of `present`. That key and certificate fit and that it is
    /// valid now was asked when the identity was made.
    fn check(&self, next: &Identity, present: &Identity) -> Result<(), RenewalError> {
        let (leaf, old) = (next.certificate(), present.certificate());
        let for_another = |what| Err(RenewalError::ForAnother { present: old.subject(), what });
        if !old.subject().has_attributes_of(&leaf.subject()) {
            return for_another("subject");
        }
        let (names, old_names) =
            (leaf.subject_alternative_names(), old.subject_alternative_names());
        if names.iter().any(|name| !old_names.contains(name))
            || old_names.iter().any(|name| !names.contains(name))
        {
            return for_another("list of subject alternative names");
        }
        let (end, old_end) = (leaf.validity().not_after, old.validity().not_after);
        if end < old_end {
            return Err(RenewalError::EndsSooner { next: end, present: old_end });
        }
        let own_root;
        let verifier = match &self.trusting {
            Some(verifier) => verifier,
            None => {
                own_root = Verifier::new(next.above().last().cloned())?;
                &own_root
            }
        };
        verifier.verify(leaf, next.above(), &Verification::new(Purpose::Client))?;
        Ok(())
    }
}

impl Source {
    /// `None` if there is no other yet.
    async fn next(&mut self, present: &Identity) -> Result<Option<Identity>, RenewalError> {
        match self {
            Self::Managed { managed, id } => exported(&**managed, id, present).await,
            Self::Authority { ca, validity, purpose, key_algorithm, asked } => {
                let mut now = match asked.take() {
                    Some(earlier) if earlier.attempts < ATTEMPTS_AT_ONE_REQUEST => earlier,
                    _ => {
                        let algorithm = key_algorithm.unwrap_or(present.private_key().algorithm());
                        Box::new(Asked::new(present, algorithm, *purpose, *validity).await?)
                    }
                };
                now.attempts += 1;
                // It stays where it is while it is waited for, because the wait may be cut short.
                let now = asked.insert(now);
                let answer = now.answer(&**ca).await;
                match answer {
                    Err(error) if may_be_answered_yet(&error) => Err(error.into()),
                    answer => {
                        let certificate = answer.map(|issued| {
                            let above = issued.chain.certificates().iter().cloned();
                            std::iter::once(issued.certificate).chain(above).collect()
                        });
                        let key = now.key.clone();
                        *asked = None;
                        Ok(Some(Identity::new(certificate?, key)?))
                    }
                }
            }
        }
    }
}

impl Asked {
    async fn new(
        present: &Identity,
        algorithm: KeyAlgorithm,
        purpose: CertificatePurpose,
        validity: RequestedValidity,
    ) -> Result<Self, CaError> {
        // An RSA key takes seconds.
        let making = tokio::task::spawn_blocking(move || PrivateKey::generate(algorithm));
        let key = making.await.map_err(|error| CaError::Backend {
            operation: "making a key",
            source: error.into(),
        })??;
        let leaf = present.certificate();
        let names = leaf.subject_alternative_names();
        let signing_request = CertificateRequest::new(&key, leaf.subject(), &names)?;
        // Of the key, so that no other request has it, and at most 36 characters for AWS.
        let mut idempotency_key = crate::authority::hash_hex(key.public_key_der());
        idempotency_key.truncate(32);
        let request = IssueRequest::new(signing_request, purpose, validity)
            .with_idempotency_key(idempotency_key);
        Ok(Self { key, request, id: None, attempts: 0 })
    }

    async fn answer(
        &mut self,
        ca: &dyn CertificateAuthority,
    ) -> Result<IssuedCertificate, CaError> {
        let id = match &self.id {
            Some(id) => id.clone(),
            None => self.id.insert(ca.submit(self.request.clone()).await?).clone(),
        };
        let issued = ca.certificate(id).await?;
        self.request.check(&issued)?;
        Ok(issued)
    }
}

/// Whether the same may be asked again, and a certificate may come of what was asked already.
fn may_be_answered_yet(error: &CaError) -> bool {
    match error {
        CaError::NotFetched { source, .. } => may_be_answered_yet(source),
        CaError::Unfinished { .. }
        | CaError::Unreachable { .. }
        | CaError::Throttled { .. }
        | CaError::Backend { .. } => true,
        _ => false,
    }
}

async fn exported(
    managed: &dyn ManagedCertificates,
    id: &CertificateId,
    present: &Identity,
) -> Result<Option<Identity>, RenewalError> {
    // An export gives a private key out, so it is asked for only when there is something new.
    let described = managed.describe(id.clone()).await?.issued()?;
    if described.serial_number.is_some() && !described.is_newer_than(present.certificate()) {
        return Ok(None);
    }
    let passphrase = random_passphrase().map_err(CaError::from)?;
    let exported = managed.export(id.clone(), passphrase.clone()).await?;
    let next = Identity::from_exported(exported, &passphrase)?;
    // A description may be ahead of the export.
    Ok((next.certificate() != present.certificate()).then_some(next))
}

/// 128 bits in hexadecimal, which keeps to ACM's rules for a passphrase.
fn random_passphrase() -> Result<Passphrase, KeyError> {
    let mut bytes = zeroize::Zeroizing::new([0_u8; 16]);
    getrandom::fill(&mut *bytes).map_err(KeyError::Random)?;
    let text = zeroize::Zeroizing::new(base16ct::lower::encode_string(&*bytes));
    Ok(Passphrase::new(text.as_bytes()))
}

/// Without random numbers no key can be made either, and that is reported: the middle serves.
fn random() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX / 2)
}
