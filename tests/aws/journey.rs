//! From no certificate to a connection over mTLS, on AWS all the way.

use private_ca::connect::{ConnectError, Frontend, Probe};
use private_ca::verify::Purpose;
use private_ca::{
    CertificateAuthority, CertificatePurpose, CertificateRequest, Identity, IssueRequest,
    ManagedCertificates, ManagedRequest, Passphrase, PrivateKey, Verification, Verifier,
};

use super::*;

async fn server(ca: &dyn CertificateAuthority) -> Identity {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let names = ["localhost".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    let request = CertificateRequest::new(&key, "CN=localhost".parse().unwrap(), &names).unwrap();
    let request =
        IssueRequest::new(request, CertificatePurpose::Server, RequestedValidity::days(30));
    let issued = ca.issue(request).await.unwrap();
    let mut certificates = vec![issued.certificate];
    certificates.extend_from_slice(issued.chain.certificates());
    Identity::new(certificates, key).unwrap()
}

/// By way of ACM: requested, issued, exported, decrypted.
async fn worker(connection: &AwsConnection, ca: &AcmPca) -> Identity {
    ca.grant_acm().await.unwrap();
    let managed = Acm::of_ca(connection, ca.arn().clone()).unwrap();
    let request = ManagedRequest::new("worker.acme.internal");
    let id = managed.request(request).await.unwrap();
    managed.wait_until_issued(id.clone()).await.unwrap();
    let passphrase = Passphrase::new(*b"correct horse");
    let exported = managed.export(id, passphrase.clone()).await.unwrap();
    Identity::from_exported(exported, &passphrase).unwrap()
}

#[tokio::test]
async fn a_worker_with_a_certificate_of_acm_gets_in_and_a_stranger_does_not() {
    let (_aws, connection) = start().await;
    let options = AcmPcaOptions::new("O=Acme,CN=Acme Root CA".parse().unwrap())
        .with_idempotency_key("acme root");
    let root = AcmPca::create_root(&connection, options).await.unwrap();
    let below = p256("O=Acme,CN=Workers").with_validity(RequestedValidity::days(1000));
    let ca = AcmPca::create_subordinate(&connection, &root, below).await.unwrap();
    let worker_identity = worker(&connection, &ca).await;

    let anchors = root.certificate_chain().await.unwrap();
    Verifier::new(anchors.certificates().iter().cloned())
        .unwrap()
        .verify(
            worker_identity.certificate(),
            worker_identity.above(),
            &Verification::new(Purpose::Client),
        )
        .unwrap();

    let frontend = Frontend::start(&server(&ca).await, &anchors).await.unwrap();
    let probe = Probe::new("localhost", frontend.address().port(), anchors.clone());
    let connected = probe.clone().with_identity(worker_identity).connect().await.unwrap();
    assert_eq!(connected.greeting, b"hello CN=worker.acme.internal\n");

    let stranger = AcmPca::create_root(&connection, p256("CN=Stranger")).await.unwrap();
    let stranger = worker(&connection, &stranger).await;
    let refused = probe.clone().with_identity(stranger).connect().await.unwrap_err();
    assert!(matches!(refused, ConnectError::Refused { .. }), "{refused}");
    probe.connect().await.unwrap_err();
}

#[tokio::test]
async fn a_worker_with_a_certificate_of_its_own_key_gets_in() {
    let (_aws, connection) = start().await;
    let ca = AcmPca::create_root(&connection, p256("CN=Root")).await.unwrap();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP384).unwrap();
    let request = CertificateRequest::new(&key, "CN=worker-1".parse().unwrap(), &[]).unwrap();
    let request =
        IssueRequest::new(request, CertificatePurpose::Client, RequestedValidity::days(30));
    let issued = ca.issue(request).await.unwrap();
    let mut certificates = vec![issued.certificate];
    certificates.extend_from_slice(issued.chain.certificates());
    let identity = Identity::new(certificates, key).unwrap();
    let anchors = ca.certificate_chain().await.unwrap();
    let frontend = Frontend::start(&server(&ca).await, &anchors).await.unwrap();
    let probe = Probe::new("localhost", frontend.address().port(), anchors);
    let connected = probe.with_identity(identity).connect().await.unwrap();
    assert_eq!(connected.greeting, b"hello CN=worker-1\n");
}
