//! Making CAs, and going on where an earlier call stopped.

use std::collections::BTreeSet;

use private_ca::authority::CaState;
use private_ca::authority::acm_pca::{
    CaDescription, CaKind, CaOwner, CrlOptions, KeyStorage, OcspOptions, UsageMode,
};
use private_ca::{CaError, Certificate, CertificateAuthority, LocalCa, LocalCaOptions};
use serde_json::{Value, json};

use super::aws::{Cut, Fault, Readiness};
use super::contract::client;
use super::*;

/// What the last call of an operation said.
fn body(aws: &StandIn, operation: &str) -> Value {
    let calls = aws.calls();
    calls.iter().rfind(|call| call.operation == operation).unwrap().body.clone()
}

async fn listed(connection: &AwsConnection) -> Vec<CaDescription> {
    AcmPca::list(connection, CaOwner::Own).await.unwrap()
}

/// It is signed by the one above it, and issues.
async fn leads_to_its_root(ca: &dyn CertificateAuthority, above: &[Certificate]) {
    let issued = ca.issue(client("CN=worker")).await.unwrap();
    let chain = issued.chain.certificates();
    assert_eq!(chain[1..], *above);
    let verifier = private_ca::Verifier::new(chain.last().cloned()).unwrap();
    let purpose = private_ca::Verification::new(private_ca::verify::Purpose::Client);
    verifier.verify(&issued.certificate, chain, &purpose).unwrap();
}

#[tokio::test]
async fn a_root_with_each_kind_of_key_signs_itself_and_issues() {
    let (aws, connection) = start().await;
    for (algorithm, key_name, signing_name) in [
        (KeyAlgorithm::RSA_2048, "RSA_2048", "SHA256WITHRSA"),
        (KeyAlgorithm::EcdsaP256, "EC_prime256v1", "SHA256WITHECDSA"),
        (KeyAlgorithm::EcdsaP384, "EC_secp384r1", "SHA384WITHECDSA"),
        (KeyAlgorithm::EcdsaP521, "EC_secp521r1", "SHA512WITHECDSA"),
        (KeyAlgorithm::MlDsa44, "ML_DSA_44", "ML_DSA_44"),
        (KeyAlgorithm::MlDsa65, "ML_DSA_65", "ML_DSA_65"),
        (KeyAlgorithm::MlDsa87, "ML_DSA_87", "ML_DSA_87"),
    ] {
        let options = p256("C=DE,O=Acme,CN=Root").with_key_algorithm(algorithm);
        let ca = AcmPca::create_root(&connection, options).await.unwrap();
        let asked = &body(&aws, "CreateCertificateAuthority")["CertificateAuthorityConfiguration"];
        assert_eq!(
            (&asked["KeyAlgorithm"], &asked["SigningAlgorithm"]),
            (&json!(key_name), &json!(signing_name))
        );
        let description = ca.describe().await.unwrap();
        assert_eq!(description.state, CaState::Active);
        assert_eq!(description.kind, CaKind::Root);
        assert_eq!(description.key_algorithm, Some(algorithm));
        let chain = ca.certificate_chain().await.unwrap();
        let [own] = chain.certificates() else { panic!("a root has nothing above it") };
        assert_eq!(own.subject().to_string(), "C=DE,O=Acme,CN=Root");
        assert_eq!(description.serial_number, Some(own.serial_number()));
        assert_eq!(description.validity, Some(own.validity()));
        leads_to_its_root(&ca, &[]).await;
    }
    let ed25519 = p256("CN=Root").with_key_algorithm(KeyAlgorithm::Ed25519);
    let refused = AcmPca::create_root(&connection, ed25519).await;
    assert!(matches!(refused, Err(CaError::UnsupportedKey { .. })));
}

#[tokio::test]
async fn larger_rsa_keys_are_asked_for_by_their_names() {
    let (aws, connection) = start().await;
    for (bits, key_name) in
        [(KeyAlgorithm::RSA_3072, "RSA_3072"), (KeyAlgorithm::RSA_4096, "RSA_4096")]
    {
        // What is asked for counts, and making such a key takes its time. The SDK asks three times.
        aws.fail_next("CreateCertificateAuthority", 3, Fault::error("LimitExceededException"));
        let options = p256("CN=Root").with_key_algorithm(bits);
        let refused = AcmPca::create_root(&connection, options).await.unwrap_err();
        assert!(matches!(refused, CaError::Quota { .. }), "{refused}");
        let asked = &body(&aws, "CreateCertificateAuthority")["CertificateAuthorityConfiguration"];
        assert_eq!(
            (&asked["KeyAlgorithm"], &asked["SigningAlgorithm"]),
            (&json!(key_name), &json!("SHA256WITHRSA"))
        );
    }
}

#[tokio::test]
async fn cas_of_aws_and_local_ones_are_each_below_the_other() {
    let (aws, connection) = start().await;
    let year = RequestedValidity::days(365);
    let root = AcmPca::create_root(&connection, p256("CN=Root")).await.unwrap();
    let root_chain = root.certificate_chain().await.unwrap();

    let options = p256("CN=Policy").with_validity(year).with_path_len(1);
    let policy = AcmPca::create_subordinate(&connection, &root, options).await.unwrap();
    let template = &body(&aws, "IssueCertificate")["TemplateArn"];
    assert_eq!(template, "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen1/V1");
    assert_eq!(policy.describe().await.unwrap().kind, CaKind::Subordinate);
    leads_to_its_root(&policy, root_chain.certificates()).await;
    let policy_chain = policy.certificate_chain().await.unwrap();
    assert_eq!(policy_chain.certificates()[0].basic_constraints().unwrap().path_len, Some(1));

    let below = p256("CN=Issuing").with_validity(RequestedValidity::days(100));
    let issuing = AcmPca::create_subordinate(&connection, &policy, below).await.unwrap();
    leads_to_its_root(&issuing, policy_chain.certificates()).await;

    let local_options = |subject: &str| {
        LocalCaOptions::new(subject.parse().unwrap()).with_key_algorithm(KeyAlgorithm::EcdsaP256)
    };
    let local_root = LocalCa::in_memory_root(local_options("CN=Local root")).unwrap();
    let options = p256("CN=Below a local one").with_validity(year);
    let in_aws = AcmPca::create_subordinate(&connection, &local_root, options).await.unwrap();
    leads_to_its_root(&in_aws, local_root.chain().certificates()).await;

    let options = local_options("CN=Below AWS").with_validity(year).with_path_len(0);
    let local = LocalCa::in_memory_subordinate(&root, options).await.unwrap();
    leads_to_its_root(&local, root_chain.certificates()).await;
}

#[tokio::test]
async fn what_a_ca_is_to_be_arrives_as_asked() {
    let (aws, connection) = start().await;
    let mut crl = CrlOptions::new("acme-crls");
    crl.days = 14;
    crl.custom_cname = Some("crl.acme.example".into());
    let mut ocsp = OcspOptions::default();
    ocsp.custom_cname = Some("ocsp.acme.example".into());
    let options = p256("CN=Root")
        .with_key_storage(KeyStorage::Fips140Level2)
        .with_usage_mode(UsageMode::ShortLived)
        .with_tag("team", "payments")
        .with_crl(crl)
        .with_ocsp(ocsp)
        .with_validity(RequestedValidity::days(1000));
    let ca = AcmPca::create_root(&connection, options).await.unwrap();
    let asked = body(&aws, "CreateCertificateAuthority");
    assert_eq!(asked["CertificateAuthorityType"], "ROOT");
    assert_eq!(asked["KeyStorageSecurityStandard"], "FIPS_140_2_LEVEL_2_OR_HIGHER");
    assert_eq!(asked["UsageMode"], "SHORT_LIVED_CERTIFICATE");
    assert_eq!(asked["Tags"], json!([{"Key": "team", "Value": "payments"}]));
    assert_eq!(
        asked["RevocationConfiguration"],
        json!({
            "CrlConfiguration": {
                "Enabled": true,
                "ExpirationInDays": 14,
                "CustomCname": "crl.acme.example",
                "S3BucketName": "acme-crls",
                "S3ObjectAcl": "BUCKET_OWNER_FULL_CONTROL",
                "CrlType": "COMPLETE",
            },
            "OcspConfiguration": {"Enabled": true, "OcspCustomCname": "ocsp.acme.example"},
        })
    );
    assert_eq!(ca.describe().await.unwrap().usage_mode, UsageMode::ShortLived);
    let validity = body(&aws, "IssueCertificate")["Validity"].clone();
    assert_eq!(validity, json!({"Type": "DAYS", "Value": 1000}));

    AcmPca::create_root(&connection, p256("CN=Plain")).await.unwrap();
    let asked = body(&aws, "CreateCertificateAuthority");
    for absent in ["KeyStorageSecurityStandard", "RevocationConfiguration", "Tags"] {
        assert!(asked.get(absent).is_none(), "{absent}");
    }
}

#[tokio::test]
async fn a_slow_creation_is_waited_for_and_one_that_fails_says_so() {
    let (aws, connection) = start().await;
    aws.behave(|behaviour| {
        behaviour.creating = Readiness::after_polls(1);
        behaviour.issuing = Readiness::after_polls(0);
    });
    let ca = AcmPca::create_root(&connection, p256("CN=Slow")).await.unwrap();
    assert_eq!(ca.describe().await.unwrap().state, CaState::Active);
    aws.behave(|behaviour| behaviour.creating_fails = true);
    let options = p256("CN=Fails").with_idempotency_key("fails");
    let refused = AcmPca::create_root(&connection, options.clone()).await.unwrap_err();
    let CaError::NotInstalled { ca, source } = &refused else { panic!("{refused}") };
    assert!(ca.starts_with("arn:aws:acm-pca:"));
    assert!(matches!(**source, CaError::State { state: CaState::Failed, .. }), "{source}");
    // It has failed for good, so the same request makes another.
    aws.behave(|behaviour| behaviour.creating_fails = false);
    aws.advance(Duration::from_secs(600));
    AcmPca::create_root(&connection, options).await.unwrap();
}

#[tokio::test]
async fn a_parent_that_cannot_sign_it_is_told_at_once_and_an_unfinished_ca_is_installed_later() {
    let (aws, connection) = start().await;
    let root = LocalCa::in_memory_root(
        LocalCaOptions::new("CN=Root".parse().unwrap())
            .with_key_algorithm(KeyAlgorithm::EcdsaP256)
            .with_validity(RequestedValidity::days(30)),
    )
    .unwrap();
    // Ten years are more than the root has, which shows before a CA is made that costs money.
    let options = p256("CN=Issuing").with_idempotency_key("issuing");
    let refused = AcmPca::create_subordinate(&connection, &root, options.clone()).await;
    assert!(matches!(refused, Err(CaError::OutlivesCa { .. })));
    assert_eq!(listed(&connection).await.len(), 0);
    // What goes wrong later leaves a CA, and the next call may ask for less.
    aws.fail_next(
        "ImportCertificateAuthorityCertificate",
        3,
        Fault::error("RequestFailedException"),
    );
    let longer = options.clone().with_validity(RequestedValidity::days(25));
    let refused = AcmPca::create_subordinate(&connection, &root, longer).await.unwrap_err();
    let CaError::NotInstalled { ca, .. } = &refused else { panic!("{refused}") };
    assert!(refused.to_string().contains(ca.as_str()), "{refused}");
    aws.forget_faults();
    let shorter = options.with_validity(RequestedValidity::days(20));
    let made = AcmPca::create_subordinate(&connection, &root, shorter).await.unwrap();
    assert_eq!(made.arn().as_str(), ca);
    assert_eq!(listed(&connection).await.len(), 1);
    // Once more by hand: what is there stays.
    let before = made.certificate_chain().await.unwrap();
    made.install_under(&root, RequestedValidity::days(10), 0).await.unwrap();
    assert_eq!(made.certificate_chain().await.unwrap(), before);
}

/// Three refusals and three cuts outlast the SDK's three attempts.
fn interruptions() -> Vec<Fault> {
    vec![
        Fault::internal(),
        Fault::error("AccessDeniedException"),
        Fault::CutConnection(Cut::BeforeResponse),
        Fault::CutAfterDoing(Cut::BeforeResponse),
        Fault::CutAfterDoing(Cut::InBody),
    ]
}

/// The operations that a creation makes.
async fn operations(
    of: impl AsyncFn(&AwsConnection) -> Result<AcmPca, CaError>,
) -> BTreeSet<String> {
    let (aws, connection) = start().await;
    of(&connection).await.unwrap();
    // With the CA there already, it is looked for by its tags.
    of(&connection).await.unwrap();
    aws.calls().into_iter().map(|call| call.operation).collect()
}

/// With each call of the creation interrupted in each way, the second call ends with one CA.
async fn survives_interruptions(
    of: impl AsyncFn(&AwsConnection) -> Result<AcmPca, CaError>,
    later: Duration,
) {
    let operations = operations(&of).await;
    assert!(operations.len() >= 6, "{operations:?}");
    for operation in &operations {
        for fault in interruptions() {
            let (aws, connection) = start().await;
            aws.fail_next(operation, 3, fault.clone());
            let interrupted = of(&connection).await;
            aws.forget_faults();
            aws.advance(later);
            let case = format!("{operation}, {fault:?}");
            let made = match of(&connection).await {
                Ok(made) => made,
                Err(error) => panic!("{case}: {error}, after {interrupted:?}"),
            };
            let all = listed(&connection).await;
            assert_eq!(all.len(), 1, "{case}: {all:?}");
            assert_eq!((&all[0].arn, all[0].state), (made.arn(), CaState::Active), "{case}");
            let chain = made.certificate_chain().await.unwrap();
            leads_to_its_root(&made, &chain.certificates()[1..]).await;
        }
    }
}

async fn create_root(connection: &AwsConnection) -> Result<AcmPca, CaError> {
    AcmPca::create_root(connection, p256("CN=Root").with_idempotency_key("root")).await
}

#[tokio::test]
async fn a_root_s_creation_that_is_interrupted_anywhere_goes_on() {
    survives_interruptions(create_root, Duration::ZERO).await;
}

#[tokio::test]
async fn a_root_s_creation_that_is_interrupted_anywhere_goes_on_ten_minutes_later() {
    survives_interruptions(create_root, Duration::from_secs(600)).await;
}

#[tokio::test]
async fn a_subordinate_s_creation_that_is_interrupted_anywhere_goes_on() {
    for later in [0, 600] {
        let parent = LocalCa::in_memory_root(
            LocalCaOptions::new("CN=Root".parse().unwrap())
                .with_key_algorithm(KeyAlgorithm::EcdsaP256),
        )
        .unwrap();
        let options = p256("CN=Issuing")
            .with_validity(RequestedValidity::days(60))
            .with_idempotency_key("issuing");
        survives_interruptions(
            async |connection: &AwsConnection| {
                AcmPca::create_subordinate(connection, &parent, options.clone()).await
            },
            Duration::from_secs(later),
        )
        .await;
    }
}

#[tokio::test]
async fn a_key_stands_for_one_request_and_no_key_for_none() {
    let (aws, connection) = start().await;
    let options = p256("CN=Root").with_idempotency_key("root");
    let made = AcmPca::create_root(&connection, options.clone()).await.unwrap();
    for later in [0, 600] {
        aws.advance(Duration::from_secs(later));
        let again = AcmPca::create_root(&connection, options.clone()).await.unwrap();
        assert_eq!(again.arn(), made.arn());
        for other in [
            p256("CN=Other root").with_idempotency_key("root"),
            options.clone().with_key_algorithm(KeyAlgorithm::EcdsaP384),
            options.clone().with_usage_mode(UsageMode::ShortLived),
            options.clone().with_crl(CrlOptions::new("bucket")),
        ] {
            let refused = AcmPca::create_root(&connection, other).await.unwrap_err();
            let CaError::IdempotencyConflict { key } = &refused else { panic!("{refused}") };
            assert_eq!(key, "root");
        }
        // Ten years would end a second after the parent, if the clock has moved on by one.
        let shorter = options.clone().with_validity(RequestedValidity::days(30));
        let below = AcmPca::create_subordinate(&connection, &made, shorter).await;
        assert!(matches!(below, Err(CaError::IdempotencyConflict { .. })));
    }
    let another = options.with_idempotency_key("another");
    let another = AcmPca::create_root(&connection, another).await.unwrap();
    assert_ne!(another.arn(), made.arn());
    let without = [
        AcmPca::create_root(&connection, p256("CN=Root")).await.unwrap(),
        AcmPca::create_root(&connection, p256("CN=Root")).await.unwrap(),
    ];
    assert_ne!(without[0].arn(), without[1].arn());
    assert_eq!(listed(&connection).await.len(), 4);
}

#[tokio::test]
async fn many_cas_and_pages_of_them_are_looked_through() {
    let (aws, connection) = start().await;
    aws.behave(|behaviour| behaviour.page_size = 2);
    for number in 0..5 {
        aws.add_root(&format!("Root {number}"), "EC_prime256v1", 10);
    }
    let made = create_root(&connection).await.unwrap();
    aws.advance(Duration::from_secs(600));
    assert_eq!(create_root(&connection).await.unwrap().arn(), made.arn());
    assert_eq!(listed(&connection).await.len(), 6);
}

#[tokio::test]
async fn a_root_whose_certificate_has_ended_gets_a_new_one() {
    let (aws, connection) = start().await;
    let short = p256("CN=Root").with_validity(RequestedValidity::days(1));
    let ca = AcmPca::create_root(&connection, short).await.unwrap();
    aws.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(ca.describe().await.unwrap().state, CaState::Expired);
    ca.install_root(RequestedValidity::days(3650)).await.unwrap();
    assert_eq!(ca.describe().await.unwrap().state, CaState::Active);
}

#[tokio::test]
async fn a_parent_in_aws_has_the_last_word_on_path_lengths() {
    let (_aws, connection) = start().await;
    let root = create_root(&connection).await.unwrap();
    let year = RequestedValidity::days(365);
    let issuing = p256("CN=Issuing").with_validity(year);
    let issuing = AcmPca::create_subordinate(&connection, &root, issuing).await.unwrap();
    let below = p256("CN=Below").with_validity(RequestedValidity::days(30));
    let refused = AcmPca::create_subordinate(&connection, &issuing, below).await.unwrap_err();
    assert!(matches!(refused, CaError::NotAllowed { .. }), "{refused}");
    let too_deep = p256("CN=Deep").with_validity(year).with_path_len(4);
    let refused = AcmPca::create_subordinate(&connection, &root, too_deep).await.unwrap_err();
    let CaError::NotInstalled { source, .. } = &refused else { panic!("{refused}") };
    assert!(matches!(**source, CaError::NotAllowed { .. }), "{source}");
}

#[cfg(feature = "mock")]
#[tokio::test]
async fn what_a_parent_gives_is_imported_only_if_it_fits() {
    use private_ca::{CertificatePurpose, IssueRequest, MockCertificateAuthority};

    let (aws, connection) = start().await;
    let parent = LocalCa::in_memory().unwrap();
    let stranger = LocalCa::in_memory().unwrap();
    let days = RequestedValidity::days(30);
    let below = |subject| {
        let purpose = CertificatePurpose::SubordinateCa { path_len: Some(0) };
        IssueRequest::new(super::contract::request_for(subject), purpose, days)
    };
    // Another key's certificate, a leaf's, and one of another CA.
    let another_key = parent.issue(below("CN=Issuing")).await.unwrap();
    let leaf = parent.issue(client("CN=Issuing")).await.unwrap();
    let another_ca = stranger.issue(below("CN=Issuing")).await.unwrap();
    for wrong in [another_key, leaf, another_ca] {
        let mut mock = MockCertificateAuthority::new();
        let id = wrong.id.clone();
        mock.expect_issue().times(1).return_once(move |_| Ok(wrong));
        let chain = parent.chain().clone();
        mock.expect_certificate_chain().returning(move || Ok(chain.clone()));
        let options = p256("CN=Issuing").with_validity(days);
        let refused = AcmPca::create_subordinate(&connection, &mock, options).await.unwrap_err();
        let CaError::NotInstalled { source, .. } = &refused else { panic!("{refused}") };
        assert!(matches!(&**source, CaError::WrongAnswer { id: named, .. } if *named == id));
    }
    assert_eq!(aws.count("ImportCertificateAuthorityCertificate"), 0);
    // A parent that is out of reach for a moment: the CA waits, and the next call installs it.
    let options = p256("CN=Issuing").with_validity(days).with_idempotency_key("issuing");
    let mut mock = MockCertificateAuthority::new();
    mock.expect_issue().times(1).return_once(|_| {
        Err(CaError::Backend { operation: "issuing", source: "the line is cut".into() })
    });
    let chain = parent.chain().clone();
    mock.expect_certificate_chain().returning(move || Ok(chain.clone()));
    let refused = AcmPca::create_subordinate(&connection, &mock, options.clone()).await;
    let refused = refused.unwrap_err();
    let CaError::NotInstalled { ca, .. } = &refused else { panic!("{refused}") };
    let made = AcmPca::create_subordinate(&connection, &parent, options).await.unwrap();
    assert_eq!(made.arn().as_str(), ca);
}
