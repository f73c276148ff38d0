//! An identity that is renewed from its CA, whatever the CA does.
#![cfg(all(feature = "local", feature = "connect"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use private_ca::identity::{
    IdentityWatch, Polled, Renewal, RenewalError, RenewalSchedule, RotatingIdentity,
};
use private_ca::managed::ManagedError;
use private_ca::verify::Verifier;
use private_ca::{
    CaError, Certificate, CertificateAuthority, CertificateChain, CertificateId,
    CertificatePurpose, CertificateRequest, ExportedCertificate, Identity, IssueRequest,
    IssuedCertificate, KeyAlgorithm, LocalCa, LocalCaOptions, LocalManaged, ManagedCertificates,
    ManagedRequest, Passphrase, PrivateKey, RequestedValidity, Revocation, SubjectAlternativeName,
    Timestamp,
};

const NEXT_VALIDITY: u32 = 60;

fn authority(name: &str) -> LocalCa {
    let options =
        LocalCaOptions::new(name.parse().unwrap()).with_key_algorithm(KeyAlgorithm::EcdsaP256);
    LocalCa::in_memory_root(options).unwrap()
}

async fn identity(ca: &dyn CertificateAuthority, validity: RequestedValidity) -> Identity {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let names = [SubjectAlternativeName::dns("worker.acme.internal").unwrap()];
    let request = CertificateRequest::new(&key, "O=Acme,CN=worker".parse().unwrap(), &names);
    let request = IssueRequest::new(request.unwrap(), CertificatePurpose::Client, validity);
    let issued = ca.issue(request).await.unwrap();
    let above = issued.chain.certificates().iter().cloned();
    Identity::new(std::iter::once(issued.certificate).chain(above).collect(), key).unwrap()
}

/// What a CA does with one call, instead of what it should.
#[derive(Debug, Clone)]
enum Fault {
    /// Takes no request.
    Refuses,
    /// Loses the answer to a request that it has taken.
    LosesAnswer,
    /// Takes the request, and has not finished.
    IsUnfinished,
    /// Never answers.
    Hangs,
    /// Gives out this instead.
    Answers(IssuedCertificate),
}

/// A local CA with faults, one for each attempt, and sound once they are used up.
#[derive(Debug)]
struct Faulty {
    ca: LocalCa,
    faults: Mutex<VecDeque<Fault>>,
    submitted: Mutex<Vec<IssueRequest>>,
}

impl Faulty {
    fn new(ca: LocalCa, faults: impl IntoIterator<Item = Fault>) -> Arc<Self> {
        let faults = Mutex::new(faults.into_iter().collect());
        Arc::new(Self { ca, faults, submitted: Mutex::default() })
    }

    fn cut() -> CaError {
        CaError::Unreachable { operation: "issuing", source: "the line is cut".into() }
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        let submitted = self.submitted.lock().unwrap();
        submitted.iter().map(|one| one.certificate_request.public_key_der().to_vec()).collect()
    }
}

#[async_trait]
impl CertificateAuthority for Faulty {
    async fn certificate_chain(&self) -> Result<CertificateChain, CaError> {
        self.ca.certificate_chain().await
    }

    async fn submit(&self, request: IssueRequest) -> Result<CertificateId, CaError> {
        self.submitted.lock().unwrap().push(request.clone());
        let id = self.ca.submit(request).await?;
        let mut faults = self.faults.lock().unwrap();
        match faults.front() {
            Some(Fault::Refuses) => {
                faults.pop_front();
                Err(CaError::UnsupportedKey { what: "anything today".into() })
            }
            Some(Fault::LosesAnswer) => {
                faults.pop_front();
                Err(Self::cut())
            }
            _ => Ok(id),
        }
    }

    async fn certificate(&self, id: CertificateId) -> Result<IssuedCertificate, CaError> {
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            Some(Fault::IsUnfinished) => Err(CaError::Unfinished { id }),
            Some(Fault::Hangs) => std::future::pending().await,
            Some(Fault::Answers(issued)) => Ok(issued),
            _ => self.ca.certificate(id).await,
        }
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), CaError> {
        self.ca.revoke(revocation).await
    }
}

/// A rotating identity of a CA, and its certificate.
async fn stage(ca: &dyn CertificateAuthority) -> (RotatingIdentity, Certificate) {
    let first = identity(ca, RequestedValidity::days(30)).await;
    let certificate = first.certificate().clone();
    (RotatingIdentity::new(first).unwrap(), certificate)
}

fn renewal(ca: Arc<dyn CertificateAuthority>) -> Renewal {
    Renewal::issued_by(ca, RequestedValidity::days(NEXT_VALIDITY))
}

/// What a handshake gets, and not only what is said of it.
fn presented(rotating: &RotatingIdentity) -> Vec<u8> {
    use rustls::client::ResolvesClientCert as _;
    let certified = rotating.resolve(&[], &[]).unwrap();
    certified.keys_match().unwrap();
    assert_eq!(certified.cert[0].as_ref(), rotating.certificate().as_der());
    certified.cert[0].to_vec()
}

#[tokio::test]
async fn the_next_identity_has_the_same_names_another_key_and_a_later_end() {
    let ca = Arc::new(authority("CN=Root"));
    let (rotating, first) = stage(&*ca).await;
    assert_eq!(renewal(ca).attempt(&rotating).await.unwrap(), Polled::Replaced);
    let next = rotating.certificate();
    assert_eq!(presented(&rotating), next.as_der());
    assert_ne!(next.public_key_der(), first.public_key_der());
    assert_eq!(next.subject(), first.subject());
    assert_eq!(next.subject_alternative_names(), first.subject_alternative_names());
    assert!(next.validity().not_after > first.validity().not_after);
    assert_eq!(rotating.current().private_key().algorithm(), KeyAlgorithm::EcdsaP256);
}

#[tokio::test]
async fn what_a_ca_should_not_have_answered_displaces_nothing() {
    let other = authority("CN=Other");
    let strangers = identity(&other, RequestedValidity::days(60)).await;
    let real = authority("CN=Root");
    let (rotating, first) = stage(&real).await;
    let expired = RequestedValidity::until(Timestamp::now().plus(Duration::from_secs(1)));
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let request = CertificateRequest::new(&key, "CN=worker".parse().unwrap(), &[]).unwrap();
    let request = IssueRequest::new(request, CertificatePurpose::Client, expired);
    let expired = real.issue(request).await.unwrap();
    let chain = CertificateChain::new(strangers.above().to_vec()).unwrap();
    let id: CertificateId = expired.id.clone();
    let strangers = IssuedCertificate::new(id, strangers.certificate().clone(), chain);
    let ca = Faulty::new(real, [Fault::Answers(strangers), Fault::Answers(expired)]);
    let mut renewal = renewal(ca.clone());
    for _ in 0..2 {
        let error = renewal.attempt(&rotating).await.unwrap_err();
        let RenewalError::Ca(CaError::WrongAnswer { reason, .. }) = &error else {
            panic!("{error}")
        };
        assert!(reason.contains("another key"), "{reason}");
        assert!(error.to_string().starts_with("the present identity stays"), "{error}");
        assert_eq!(presented(&rotating), first.as_der());
    }
    assert_eq!(renewal.attempt(&rotating).await.unwrap(), Polled::Replaced);
    let keys = ca.keys();
    assert!(keys[0] != keys[1] && keys[1] != keys[2], "a request that went wrong is not repeated");
}

/// Issues for the right key, and otherwise as it likes.
#[derive(Debug)]
struct Wilful {
    ca: LocalCa,
    chain: Option<CertificateChain>,
    validity: RequestedValidity,
}

#[async_trait]
impl CertificateAuthority for Wilful {
    async fn certificate_chain(&self) -> Result<CertificateChain, CaError> {
        self.ca.certificate_chain().await
    }

    async fn submit(&self, mut request: IssueRequest) -> Result<CertificateId, CaError> {
        request.validity = self.validity;
        self.ca.submit(request).await
    }

    async fn certificate(&self, id: CertificateId) -> Result<IssuedCertificate, CaError> {
        let mut issued = self.ca.certificate(id).await?;
        if let Some(chain) = &self.chain {
            issued.chain = chain.clone();
        }
        Ok(issued)
    }

    async fn revoke(&self, revocation: Revocation) -> Result<(), CaError> {
        self.ca.revoke(revocation).await
    }
}

#[tokio::test]
async fn a_certificate_that_ends_sooner_or_does_not_chain_displaces_nothing() {
    let first_ca = authority("CN=Root");
    let other = authority("CN=Root").chain().clone();
    let (rotating, first) = stage(&first_ca).await;
    let wilful = |chain, validity| Arc::new(Wilful { ca: authority("CN=Root"), chain, validity });
    let attempt = async |ca| renewal(ca).attempt(&rotating).await.unwrap_err();

    let error = attempt(wilful(None, RequestedValidity::days(29))).await;
    assert!(matches!(error, RenewalError::EndsSooner { .. }), "{error}");
    // A chain of the same name and another key.
    let error = attempt(wilful(Some(other), RequestedValidity::days(60))).await;
    assert!(matches!(error, RenewalError::Identity(_)), "{error}");
    let tomorrow = Timestamp::now().plus(Duration::from_secs(86_400));
    let later = RequestedValidity::days(60).starting(tomorrow);
    let error = attempt(wilful(None, later)).await;
    assert!(error.to_string().contains("is not valid before"), "{error}");

    // Under another root: as it likes, unless it was said which.
    let accepted = Verifier::new(first_ca.chain().certificates().to_vec()).unwrap();
    let ca = wilful(None, RequestedValidity::days(60));
    let error = renewal(ca.clone()).trusting(accepted).attempt(&rotating).await.unwrap_err();
    assert!(matches!(error, RenewalError::Unchained(_)), "{error}");
    assert_eq!(presented(&rotating), first.as_der());
    assert_eq!(renewal(ca).attempt(&rotating).await.unwrap(), Polled::Replaced);
}

#[tokio::test]
async fn what_was_left_unanswered_is_asked_again_and_costs_one_certificate() {
    let real = authority("CN=Root");
    let (rotating, first) = stage(&real).await;
    let ca = Faulty::new(real, [Fault::LosesAnswer, Fault::IsUnfinished, Fault::Hangs]);
    let mut renewal = renewal(ca.clone()).with_patience(Duration::from_millis(300));
    let error = renewal.attempt(&rotating).await.unwrap_err();
    assert!(matches!(error, RenewalError::Ca(CaError::Unreachable { .. })), "{error}");
    let error = renewal.attempt(&rotating).await.unwrap_err();
    assert!(matches!(error, RenewalError::Ca(CaError::Unfinished { .. })), "{error}");
    let error = renewal.attempt(&rotating).await.unwrap_err();
    assert!(matches!(error, RenewalError::Unanswered { .. }), "{error}");
    assert_eq!(presented(&rotating), first.as_der());
    assert_eq!(renewal.attempt(&rotating).await.unwrap(), Polled::Replaced);
    let keys = ca.keys();
    assert_eq!(keys.len(), 2, "submitted twice, because the first answer was lost");
    assert_eq!(keys[0], keys[1]);
    assert_eq!(ca.ca.issued().unwrap().len(), 2, "the first identity, and one more");
}

#[tokio::test]
async fn a_request_that_is_never_answered_is_given_up_for_another() {
    let real = authority("CN=Root");
    let (rotating, _) = stage(&real).await;
    let ca = Faulty::new(real, vec![Fault::IsUnfinished; 6]);
    let mut renewal = renewal(ca.clone());
    for _ in 0..6 {
        renewal.attempt(&rotating).await.unwrap_err();
    }
    assert_eq!(renewal.attempt(&rotating).await.unwrap(), Polled::Replaced);
    let keys = ca.keys();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
}

#[tokio::test]
async fn the_new_pair_is_written_for_those_who_read_files() {
    let ca = Arc::new(authority("CN=Root"));
    let (rotating, first) = stage(&*ca).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("identity");
    std::fs::write(&path, "in the way of a folder").unwrap();
    let mut renewal = renewal(Arc::<LocalCa>::clone(&ca)).writing_to(&path);
    let error = renewal.attempt(&rotating).await.unwrap_err();
    assert!(matches!(error, RenewalError::Files(_)), "{error}");
    let next = rotating.certificate();
    assert_ne!(next, first);
    // Only the writing is made up for.
    std::fs::remove_file(&path).unwrap();
    assert_eq!(renewal.attempt(&rotating).await.unwrap(), Polled::Replaced);
    assert_eq!(rotating.certificate(), next);
    assert_eq!(ca.issued().unwrap().len(), 2);

    let (other, _) = stage(&*ca).await;
    let files = ["certificate.txt", "private_key_nopass.txt"].map(|name| path.join(name));
    let mut watch = IdentityWatch::new([&files[0]], &files[1]);
    assert_eq!(watch.poll(&other).unwrap(), Polled::Replaced);
    assert_eq!(other.certificate(), next);
}

#[tokio::test]
async fn a_managed_certificate_is_exported_again_once_it_is_another() {
    let managed = Arc::new(LocalManaged::new(Arc::new(authority("CN=Root"))));
    let request =
        ManagedRequest::new("worker.acme.internal").with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = managed.request(request).await.unwrap();
    let passphrase = Passphrase::new(*b"correct horse");
    let exported = managed.export(id.clone(), passphrase.clone()).await.unwrap();
    let first = Identity::from_exported(exported, &passphrase).unwrap();
    let rotating = RotatingIdentity::new(first.clone()).unwrap();
    let mut renewal = Renewal::exported_from(Arc::<LocalManaged>::clone(&managed), id.clone());
    assert_eq!(renewal.attempt(&rotating).await.unwrap(), Polled::Unchanged);
    assert_eq!(presented(&rotating), first.certificate().as_der());
    // What ACM does by itself, 60 days before the end.
    managed.renew(id).await.unwrap();
    assert_eq!(renewal.attempt(&rotating).await.unwrap(), Polled::Replaced);
    assert_ne!(presented(&rotating), first.certificate().as_der());
    assert_eq!(renewal.attempt(&rotating).await.unwrap(), Polled::Unchanged);

    let missing =
        Renewal::exported_from(managed, CertificateId::new("00")).attempt(&rotating).await;
    assert!(matches!(missing, Err(RenewalError::Managed(ManagedError::Ca(_)))), "{missing:?}");
}

/// Exports the certificate of another name.
#[derive(Debug)]
struct Mistaken(LocalManaged);

#[async_trait]
impl ManagedCertificates for Mistaken {
    async fn request(&self, request: ManagedRequest) -> Result<CertificateId, ManagedError> {
        self.0.request(request).await
    }

    async fn describe(
        &self,
        id: CertificateId,
    ) -> Result<private_ca::managed::ManagedCertificate, ManagedError> {
        let mut described = self.0.describe(id).await?;
        described.serial_number = None; // as ACM may, for some seconds
        Ok(described)
    }

    async fn wait_until_issued(
        &self,
        id: CertificateId,
    ) -> Result<private_ca::managed::ManagedCertificate, ManagedError> {
        self.0.wait_until_issued(id).await
    }

    async fn export(
        &self,
        _: CertificateId,
        passphrase: Passphrase,
    ) -> Result<ExportedCertificate, ManagedError> {
        let request =
            ManagedRequest::new("other.acme.internal").with_key_algorithm(KeyAlgorithm::EcdsaP256);
        let id = self.0.request(request).await?;
        self.0.export(id, passphrase).await
    }

    async fn renew(
        &self,
        id: CertificateId,
    ) -> Result<private_ca::managed::ManagedCertificate, ManagedError> {
        self.0.renew(id).await
    }
}

#[tokio::test]
async fn an_export_of_another_s_certificate_displaces_nothing() {
    let managed = LocalManaged::new(Arc::new(authority("CN=Root")));
    let request =
        ManagedRequest::new("worker.acme.internal").with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = managed.request(request).await.unwrap();
    let passphrase = Passphrase::new(*b"correct horse");
    let exported = managed.export(id.clone(), passphrase.clone()).await.unwrap();
    let first = Identity::from_exported(exported, &passphrase).unwrap();
    let rotating = RotatingIdentity::new(first.clone()).unwrap();
    let error = Renewal::exported_from(Arc::new(Mistaken(managed)), id).attempt(&rotating).await;
    let error = error.unwrap_err();
    assert!(matches!(error, RenewalError::ForAnother { what: "subject", .. }), "{error}");
    assert_eq!(presented(&rotating), first.certificate().as_der());
}

#[tokio::test]
async fn it_runs_on_its_own_tells_of_failures_and_never_asks_twice_in_a_second() {
    let real = authority("CN=Root");
    let (rotating, first) = stage(&real).await;
    let rotating = Arc::new(rotating);
    let ca = Faulty::new(real, [Fault::Refuses, Fault::Hangs]);
    // Due at once, and ever again.
    let schedule = RenewalSchedule::new()
        .with_due_after(0, 1)
        .with_retries(Duration::ZERO, Duration::from_secs(1));
    let running =
        renewal(ca.clone()).with_schedule(schedule).with_patience(Duration::from_millis(100));
    let reports = Mutex::new(Vec::new());
    let started = std::time::Instant::now();
    let running = running.run(Arc::clone(&rotating), |report| {
        let mut reports = reports.lock().unwrap();
        assert!(report.next > Timestamp::now().minus(Duration::from_secs(2)));
        reports.push((report.outcome.map_err(|error| error.to_string()), rotating.certificate()));
    });
    let watching = async {
        while reports.lock().unwrap().len() < 4 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = running => panic!("it has ended"),
        () = watching => {}
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("{reports:?}"),
    }
    let reports = reports.lock().unwrap();
    assert!(reports[0].0.as_ref().unwrap_err().contains("anything today"), "{reports:?}");
    assert!(reports[1].0.as_ref().unwrap_err().contains("has not answered"), "{reports:?}");
    assert_eq!((&reports[0].1, &reports[1].1), (&first, &first), "the last good one stays");
    assert!(reports[2].0.is_ok() && reports[2].1 != first, "{reports:?}");
    assert!(reports[3].0.is_ok() && reports[3].1 != reports[2].1, "{reports:?}");
    // Whole seconds are read off a clock that has fractions, so one of the three may seem short.
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
}

#[tokio::test]
async fn nothing_is_asked_before_it_is_due_and_no_key_is_shown() {
    let real = authority("CN=Root");
    let (rotating, first) = stage(&real).await;
    let ca = Faulty::new(real, []);
    let renewal = renewal(ca.clone());
    let shown = format!("{renewal:?}");
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    let rotating = Arc::new(rotating);
    let running = renewal.run(Arc::clone(&rotating), |report| panic!("{report:?}"));
    tokio::time::timeout(Duration::from_secs(2), running).await.unwrap_err();
    assert_eq!(ca.keys().len(), 0);
    assert_eq!(rotating.certificate(), first);
}
