//! How a crate that depends on this one tests its own code: with the mock where an error has to
//! be provoked, and with a CA in memory where a real certificate is wanted.
#![cfg(all(feature = "mock", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use private_ca::managed::ManagedError;
use private_ca::{
    CaError, Certificate, CertificateAuthority, CertificateId, CertificatePurpose,
    CertificateRequest, ExportedCertificate, IssueRequest, KeyAlgorithm, LocalCa, LocalManaged,
    ManagedCertificates, ManagedRequest, MockCertificateAuthority, MockManagedCertificates,
    Passphrase, PrivateKey, RequestedValidity,
};

/// The dependent's code: asks once more if the first attempt failed in the backend.
async fn issue_with_one_retry(ca: &dyn CertificateAuthority) -> Result<CertificateId, CaError> {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256)?;
    let subject = "CN=worker".parse().expect("a constant name");
    let request = CertificateRequest::new(&key, subject, &[])?;
    let request =
        IssueRequest::new(request, CertificatePurpose::Client, RequestedValidity::days(1))
            .with_idempotency_key("worker");
    match ca.issue(request.clone()).await {
        Err(CaError::Backend { .. }) => Ok(ca.issue(request).await?.id),
        answer => Ok(answer?.id),
    }
}

#[tokio::test]
async fn a_backend_that_fails_once_is_asked_again() {
    let real = LocalCa::in_memory().unwrap();
    let mut mock = MockCertificateAuthority::new();
    let mut attempts = 0;
    mock.expect_issue().times(2).returning(move |request| {
        attempts += 1;
        if attempts == 1 {
            let source = "the line is cut".into();
            return Err(CaError::Backend { operation: "issuing", source });
        }
        assert_eq!(request.idempotency_key.as_deref(), Some("worker"));
        issue_now(&real, request)
    });
    issue_with_one_retry(&mock).await.unwrap();
}

/// A local CA never waits for anything but the disk, so its future is ready when it is polled.
fn issue_now(
    ca: &LocalCa,
    request: IssueRequest,
) -> Result<private_ca::IssuedCertificate, CaError> {
    let mut future = ca.issue(request);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(answer) => answer,
        std::task::Poll::Pending => unreachable!("a local CA does not wait"),
    }
}

#[tokio::test]
async fn every_other_error_is_passed_on() {
    let mut mock = MockCertificateAuthority::new();
    mock.expect_issue()
        .times(1)
        .returning(|_| Err(CaError::NotFound { id: CertificateId::new("arn:gone") }));
    let error = issue_with_one_retry(&mock).await.unwrap_err();
    assert_eq!(error.to_string(), "this CA has issued no certificate arn:gone");
}

/// The dependent's code: exports again what was renewed since it was installed.
async fn refresh(
    managed: &dyn ManagedCertificates,
    id: &CertificateId,
    installed: &Certificate,
) -> Result<Option<ExportedCertificate>, ManagedError> {
    if !managed.describe(id.clone()).await?.is_newer_than(installed) {
        return Ok(None);
    }
    managed.export(id.clone(), Passphrase::new(*b"correct horse")).await.map(Some)
}

#[tokio::test]
async fn only_what_was_renewed_is_exported_again() {
    let real = LocalManaged::new(LocalCa::in_memory().unwrap().into());
    let request = ManagedRequest::new("w.example").with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = real.request(request).await.unwrap();
    let passphrase = Passphrase::new(*b"correct horse");
    let before = real.export(id.clone(), passphrase.clone()).await.unwrap();
    let as_installed = real.describe(id.clone()).await.unwrap();
    let renewed = real.renew(id.clone()).await.unwrap();
    let after = real.export(id.clone(), passphrase).await.unwrap();

    let mut mock = MockManagedCertificates::new();
    mock.expect_describe().times(1).return_once(move |_| Ok(as_installed));
    mock.expect_export().never();
    assert!(refresh(&mock, &id, &before.certificate).await.unwrap().is_none());

    let mut mock = MockManagedCertificates::new();
    let (expected, wanted) = (after.certificate.clone(), id.clone());
    mock.expect_describe().times(1).return_once(move |_| Ok(renewed));
    mock.expect_export().times(1).return_once(move |asked, _| {
        assert_eq!(asked, wanted);
        Ok(after)
    });
    let refreshed = refresh(&mock, &id, &before.certificate).await.unwrap().unwrap();
    assert_eq!(refreshed.certificate, expected);

    let mut mock = MockManagedCertificates::new();
    mock.expect_describe().times(1).return_once(|id| Err(CaError::NotFound { id }.into()));
    let error = refresh(&mock, &id, &before.certificate).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::NotFound { .. })), "{error}");
}
