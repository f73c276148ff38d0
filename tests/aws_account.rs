//! The journey on AWS itself. It costs money, so nothing here runs unless it is asked for:
//!
//! ```sh
//! AWS_PROFILE=test AWS_REGION=eu-central-1 cargo nextest run --features aws --test aws_account \
//!     --run-ignored only --no-capture
//! ```
//!
//! It takes its credentials and region from where every AWS tool does. What it creates it deletes again,
//! also when it fails; a run that was killed is cleaned up by the next one, an hour later or more. The
//! CAs of a run carry the tag `private-ca:test-run`. Use an account that is there for tests.
#![cfg(all(feature = "aws", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "whoever pays wants to know")]

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_acm::types::{Filters, KeyAlgorithm as AcmKey};
use private_ca::authority::CaState;
use private_ca::authority::acm_pca::{CaKind, CaOwner, UsageMode};
use private_ca::authority::aws::{Arn, AwsConnection, AwsOptions};
use private_ca::verify::Purpose;
use private_ca::{
    Acm, AcmPca, AcmPcaOptions, CaError, Certificate, CertificateAuthority, CertificatePurpose,
    CertificateRequest, Identity, IssueRequest, IssuedCertificate, KeyAlgorithm, LocalCa,
    LocalCaOptions, ManagedCertificates, ManagedRequest, Passphrase, PrivateKey, RequestedValidity,
    Revocation, RevocationReason, Timestamp, Verification, Verifier,
};

/// Its value is the run's, so that a run never deletes what another one is using.
const TAG: &str = "private-ca:test-run";

/// A run that is still going on is younger.
const LEFTOVER_AGE: Duration = Duration::from_secs(3600);

/// A CA takes seconds, a renewal by ACM can take minutes.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

/// Days that a deleted CA can be restored, at no cost; AWS allows no fewer.
const RESTORE_DAYS: u8 = 7;

/// One test's access to the account, and what it has to delete.
#[derive(Clone)]
struct Account {
    connection: AwsConnection,
    config: SdkConfig,
    run: String,
    created: Arc<Mutex<Vec<Arn>>>,
}

impl Account {
    async fn sign_in() -> Self {
        const HOW: &str = "set AWS_REGION, and AWS_PROFILE or AWS_ACCESS_KEY_ID and \
            AWS_SECRET_ACCESS_KEY, to those of an account for tests";
        let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
        let provider = config.credentials_provider();
        let provider = provider.unwrap_or_else(|| panic!("there are no AWS credentials: {HOW}"));
        if let Err(error) = provider.provide_credentials().await {
            panic!("there are no AWS credentials ({error}): {HOW}");
        }
        let connection = AwsConnection::from_environment(AwsOptions::default()).await;
        let connection = connection.unwrap_or_else(|error| panic!("{error}: {HOW}"));
        let connection = connection.with_wait_observer(|what| println!("waiting for {what}"));
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let run = base16ct::lower::encode_string(&random);
        Self { connection, config, run, created: Arc::default() }
    }

    /// A CA that this test deletes when it ends. It is created, then found again by its idempotency
    /// key and installed, as after a crash between the two.
    fn options(&self, subject: &str, mode: UsageMode) -> AcmPcaOptions {
        AcmPcaOptions::new(subject.parse().unwrap())
            .with_key_algorithm(KeyAlgorithm::EcdsaP256)
            .with_validity(RequestedValidity::days(30))
            .with_usage_mode(mode)
            .with_tag(TAG, &self.run)
            .with_idempotency_key(format!("{} {subject}", self.run))
    }

    async fn create(&self, options: &AcmPcaOptions, kind: CaKind) -> AcmPca {
        let ca = AcmPca::create(&self.connection, options, kind).await.unwrap();
        println!("created {}", ca.arn());
        self.created.lock().unwrap().push(ca.arn().clone());
        ca
    }

    async fn root(&self, subject: &str, mode: UsageMode) -> AcmPca {
        let options = self.options(subject, mode);
        let created = self.create(&options, CaKind::Root).await;
        let ca = AcmPca::create_root(&self.connection, options).await.unwrap();
        assert_eq!(ca.arn(), created.arn());
        ca
    }

    /// What a CA is tagged with as a run's, if it is one's.
    async fn run_of(&self, ca: &Arn) -> Option<String> {
        let client = aws_sdk_acmpca::Client::new(&self.config);
        let request = client.list_tags().certificate_authority_arn(ca.as_str());
        let mut tags = request.into_paginator().items().send();
        while let Some(tag) = tags.next().await {
            // Gone in the meantime.
            let Ok(tag) = tag else { return None };
            if tag.key() == TAG {
                return tag.value;
            }
        }
        None
    }

    /// The CAs of this run, and those that a run has left behind.
    async fn to_delete(&self) -> Vec<Arn> {
        let mut found = self.created.lock().unwrap().clone();
        let now = Timestamp::now();
        for ca in AcmPca::list(&self.connection, CaOwner::Own).await.unwrap() {
            if ca.state == CaState::Deleted || found.contains(&ca.arn) {
                continue;
            }
            let Some(run) = self.run_of(&ca.arn).await else { continue };
            if run == self.run || ca.created.is_some_and(|then| now.since(then) > LEFTOVER_AGE) {
                found.push(ca.arn);
            }
        }
        found
    }

    /// Deletes the CAs and what ACM has issued from them, as far as it can; says what is left.
    async fn clean_up(&self) -> Result<(), String> {
        let mut left = Vec::new();
        for arn in self.to_delete().await {
            println!("deleting {arn}");
            if let Err(error) = self.delete(arn.clone()).await {
                left.push(format!("{arn}: {error}"));
            }
        }
        if left.is_empty() {
            return Ok(());
        }
        Err(format!("these could not be deleted and go on costing money:\n{}", left.join("\n")))
    }

    async fn delete(&self, arn: Arn) -> Result<(), Box<dyn std::error::Error>> {
        // The CA first: it is what costs.
        let ca = AcmPca::new(&self.connection, arn.clone())?;
        if ca.describe().await?.state != CaState::Deleted {
            ca.delete(RESTORE_DAYS).await?;
        }
        let client = aws_sdk_acm::Client::new(&self.config);
        // Without a filter ACM lists those with an RSA 2048 key.
        let keys = [AcmKey::Rsa2048, AcmKey::EcPrime256v1, AcmKey::EcSecp384r1];
        let filter = Filters::builder().set_key_types(Some(keys.to_vec())).build();
        let mut pages = client.list_certificates().includes(filter).into_paginator().items().send();
        while let Some(summary) = pages.next().await {
            let Some(certificate) = summary?.certificate_arn else { continue };
            let detail = client.describe_certificate().certificate_arn(&certificate).send().await?;
            let issuer = detail.certificate.and_then(|detail| detail.certificate_authority_arn);
            if issuer.as_deref() == Some(arn.as_str()) {
                println!("deleting {certificate}");
                client.delete_certificate().certificate_arn(certificate).send().await?;
            }
        }
        Ok(())
    }
}

/// Says what it will cost, cleans up after runs that were killed, runs the body, and cleans up after
/// that, however it ends.
async fn paid<F>(cost: &str, body: impl FnOnce(Account) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let account = Account::sign_in().await;
    println!("This is run {} in {}. It costs: {cost}", account.run, account.connection.region());
    println!("(AWS Private CA pricing, https://aws.amazon.com/private-ca/pricing/)");
    account.clean_up().await.unwrap();
    // A task of its own, whose panic is caught.
    let body = tokio::spawn(tokio::time::timeout(PATIENCE, body(account.clone())));
    let outcome = body.await;
    if outcome.is_err() {
        println!("the test has failed; cleaning up");
        // What was created just now may not be in AWS's lists yet.
        tokio::time::sleep(Duration::from_secs(10)).await;
    }
    let cleaned = account.clean_up().await;
    if let Err(left) = &cleaned {
        println!("{left}");
    }
    match outcome {
        Ok(in_time) => in_time.expect("the test took too long"),
        Err(failed) => resume_unwind(failed.into_panic()),
    }
    cleaned.unwrap();
}

fn key() -> PrivateKey {
    PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

fn request(key: &PrivateKey, purpose: CertificatePurpose) -> IssueRequest {
    let names = ["worker.acme.internal".parse().unwrap()];
    let request = CertificateRequest::new(key, "O=Acme,CN=worker-1".parse().unwrap(), &names);
    IssueRequest::new(request.unwrap(), purpose, RequestedValidity::days(1))
}

fn verifies(issued: &IssuedCertificate, anchor: &Certificate) {
    let verifier = Verifier::new([anchor.clone()]).unwrap();
    let chain = issued.chain.certificates();
    verifier.verify(&issued.certificate, chain, &Verification::new(Purpose::Client)).unwrap();
}

#[tokio::test]
#[ignore = "needs an AWS account, and costs money"]
async fn a_root_issues_gives_out_again_and_revokes() {
    const COST: &str = "one CA in short-lived mode, 50 USD a month, for the minutes that it is there \
        (cents, or nothing if it is the first CA of the account in this region), and three \
        certificates at 0.058 USD";
    paid(COST, |account| async move {
        let ca = account.root("O=Acme,CN=Acme Test Root", UsageMode::ShortLived).await;
        let description = ca.describe().await.unwrap();
        assert_eq!((description.kind, description.state), (CaKind::Root, CaState::Active));
        assert_eq!(description.usage_mode, UsageMode::ShortLived);
        let chain = ca.certificate_chain().await.unwrap();
        let [root] = chain.certificates() else { panic!("{chain:?}") };
        assert_eq!(root.subject().to_string(), "O=Acme,CN=Acme Test Root");
        assert_eq!(description.validity, Some(root.validity()));

        let key = key();
        let wanted = request(&key, CertificatePurpose::Client).with_idempotency_key("worker");
        let issued = ca.issue(wanted.clone()).await.unwrap();
        verifies(&issued, root);
        assert_eq!(issued.certificate.public_key_der(), key.public_key_der());
        assert_eq!(issued.certificate.extended_key_usage().map(|usages| usages.len()), Some(1));
        assert_eq!(ca.certificate(issued.id.clone()).await.unwrap(), issued);
        // AWS remembers the request for five minutes.
        assert_eq!(ca.issue(wanted).await.unwrap().id, issued.id);
        Identity::new(vec![issued.certificate.clone()], key).unwrap();

        let names = vec!["other.acme.internal".parse().unwrap()];
        let wanted = request(&self::key(), CertificatePurpose::ClientAndServer)
            .with_subject("O=Acme,CN=other".parse().unwrap())
            .with_subject_alternative_names(names.clone());
        let other = ca.issue(wanted).await.unwrap().certificate;
        assert_eq!(other.subject_alternative_names(), names);
        assert_eq!(other.subject().to_string(), "O=Acme,CN=other");

        let serial_number = issued.certificate.serial_number();
        let revocation = Revocation::new(serial_number, RevocationReason::Superseded);
        ca.revoke(revocation.clone()).await.unwrap();
        let error = ca.revoke(revocation).await.unwrap_err();
        assert!(matches!(error, CaError::AlreadyRevoked { .. }), "{error:?}");

        ca.delete(RESTORE_DAYS).await.unwrap();
        let deleted = ca.describe().await.unwrap();
        assert_eq!(deleted.state, CaState::Deleted);
        assert!(deleted.restorable_until.unwrap() > Timestamp::now());
    })
    .await;
}

#[tokio::test]
#[ignore = "needs an AWS account, and costs money"]
async fn a_subordinate_issues_below_a_local_root() {
    const COST: &str = "one CA in short-lived mode, 50 USD a month, for the minutes that it is there \
        (cents, or nothing if it is the first CA of the account in this region), and one certificate \
        at 0.058 USD";
    paid(COST, |account| async move {
        let above = LocalCaOptions::new("O=Acme,CN=Acme Offline Root".parse().unwrap());
        let above = LocalCa::in_memory_root(above).unwrap();
        let options = account.options("O=Acme,CN=Acme Test Issuing", UsageMode::ShortLived);
        let created = account.create(&options, CaKind::Subordinate).await;
        let ca = AcmPca::create_subordinate(&account.connection, &above, options).await.unwrap();
        assert_eq!(ca.arn(), created.arn());
        let chain = ca.certificate_chain().await.unwrap();
        assert_eq!(chain.certificates().last(), above.chain().certificates().last());

        let issued = ca.issue(request(&key(), CertificatePurpose::Client)).await.unwrap();
        verifies(&issued, &above.chain().certificates()[0]);
        assert_eq!(issued.chain, chain);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs an AWS account, and costs money"]
async fn acm_issues_exports_and_renews() {
    const COST: &str = "one CA in general-purpose mode, 400 USD a month, for the minutes that it is \
        there (about a cent a minute, or nothing if it is the first CA of the account in this region), \
        and three certificates at 0.75 USD";
    paid(COST, |account| async move {
        let options = account
            .options("O=Acme,CN=Acme Test Root", UsageMode::GeneralPurpose)
            // Longer than the 395 days of ACM's certificates.
            .with_validity(RequestedValidity::days(500));
        account.create(&options, CaKind::Root).await;
        let ca = AcmPca::create_root(&account.connection, options).await.unwrap();
        assert!(!ca.is_granted_to_acm().await.unwrap());
        ca.grant_acm().await.unwrap();
        ca.grant_acm().await.unwrap();
        assert!(ca.is_granted_to_acm().await.unwrap());

        let managed = Acm::of_ca(&account.connection, ca.arn().clone()).unwrap();
        let managed = managed.with_deadline(Duration::from_secs(600));
        let names = vec!["second.acme.internal".to_owned()];
        let wanted = ManagedRequest::new("worker.acme.internal")
            .with_subject_alternative_names(names)
            .with_idempotency_key(&account.run);
        let id = managed.request(wanted.clone()).await.unwrap();
        assert_eq!(managed.request(wanted).await.unwrap(), id);
        let issued = managed.wait_until_issued(id.clone()).await.unwrap();
        assert_eq!(issued.domain_name, "worker.acme.internal");

        let passphrase = Passphrase::new(*b"correct horse");
        let first = managed.export(id.clone(), passphrase.clone()).await.unwrap();
        assert_eq!(Some(first.certificate.serial_number()), issued.serial_number);
        assert_eq!(first.chain, ca.certificate_chain().await.unwrap());
        assert_eq!(first.certificate.subject_alternative_names().len(), 2);
        println!("the key as ACM exports it: {}", first.private_key.scheme());
        Identity::from_exported(first.clone(), &passphrase).unwrap();

        let renewed = managed.renew(id.clone()).await.unwrap();
        assert!(renewed.is_newer_than(&first.certificate));
        let second = managed.export(id.clone(), passphrase.clone()).await.unwrap();
        assert_eq!(Some(second.certificate.serial_number()), renewed.serial_number);
        assert_ne!(second.certificate.public_key_der(), first.certificate.public_key_der());
        Identity::from_exported(second, &passphrase).unwrap();

        managed.delete(id).await.unwrap();
    })
    .await;
}
