//! What goes wrong at AWS, by cause: each with what to do, and with the SDK's own error behind it.

use std::error::Error;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_acmpca::operation::describe_certificate_authority::DescribeCertificateAuthorityError;
use aws_sdk_acmpca::operation::issue_certificate::IssueCertificateError;
use private_ca::authority::acm_pca::{CaKind, CaOwner};
use private_ca::authority::aws::AwsError;
use private_ca::authority::{CaState, CredentialsProblem};
use private_ca::managed::ManagedError;
use private_ca::{CaError, CertificateAuthority, ManagedCertificates, ManagedRequest, Passphrase};

use super::aws::{Cut, Fault, REGION, Readiness};
use super::contract::client;
use super::*;

/// The errors from this one down to the first cause.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
        .collect()
}

fn has<T: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    causes(error).into_iter().any(|cause| cause.is::<T>())
}

/// What people read: one sentence without the insides of a program.
fn is_a_sentence(error: &CaError) {
    let text = error.to_string();
    assert!(text.len() > 20 && text.contains(' '), "{text}");
    // A template's ARN has colons of its own.
    let words = text.replace(":::", "");
    for inside in ["{ ", "::", "Some(", "None", "\n", "Unhandled"] {
        assert!(!words.contains(inside), "{text}");
    }
}

/// What issuing gives when every attempt of its call has this fault.
async fn refused_issuing(fault: Fault) -> (StandIn, CaError) {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    aws.fail_next("IssueCertificate", 5, fault);
    let error = ca.issue(client("CN=worker")).await.unwrap_err();
    is_a_sentence(&error);
    (aws, error)
}

fn problem(error: &CaError) -> &CredentialsProblem {
    let CaError::Credentials { problem, .. } = error else { panic!("{error:?}") };
    problem
}

/// Without credentials but for those of `provider`.
fn config(aws: &StandIn, provider: Option<impl ProvideCredentials + 'static>) -> SdkConfig {
    let mut builder = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(aws.endpoint_url())
        .region(Region::from_static(REGION))
        .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(10)));
    builder.set_credentials_provider(provider.map(SharedCredentialsProvider::new));
    builder.build()
}

#[derive(Debug)]
struct Provider(fn() -> CredentialsError);

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err((self.0)()))
    }
}

#[tokio::test]
async fn credentials_that_are_not_there() {
    let (aws, _) = start().await;
    let arn = aws.add_root("Root", "EC_prime256v1", 10);
    let error = async |config| {
        let connection = AwsConnection::from_sdk_config(config).unwrap();
        let error = authority(&connection, &arn).issue(client("CN=w")).await.unwrap_err();
        is_a_sentence(&error);
        error
    };
    let none = error(config(&aws, None::<Provider>)).await;
    assert_eq!(*problem(&none), CredentialsProblem::Missing);
    let none = error(config(&aws, Some(Provider(|| CredentialsError::not_loaded("none"))))).await;
    assert_eq!(*problem(&none), CredentialsProblem::Missing);
    assert!(none.to_string().contains("aws sso login"), "{none}");
    assert!(has::<CredentialsError>(&none));
    let failing = Provider(|| CredentialsError::provider_error("the token is gone"));
    let failing = error(config(&aws, Some(failing))).await;
    assert_eq!(*problem(&failing), CredentialsProblem::Unobtainable);
    assert!(causes(&failing).iter().any(|cause| cause.to_string().contains("the token is gone")));
    assert_eq!(aws.calls(), []);
}

#[tokio::test]
async fn credentials_that_have_expired() {
    for code in ["ExpiredTokenException", "ExpiredToken"] {
        let (_, error) = refused_issuing(Fault::error(code)).await;
        assert_eq!(*problem(&error), CredentialsProblem::Expired);
        assert!(has::<IssueCertificateError>(&error));
    }
}

#[tokio::test]
async fn credentials_that_aws_does_not_accept() {
    for code in ["UnrecognizedClientException", "InvalidSignatureException", "InvalidClientTokenId"]
    {
        let (_, error) = refused_issuing(Fault::error(code)).await;
        assert_eq!(*problem(&error), CredentialsProblem::Rejected, "{code}");
        assert!(has::<IssueCertificateError>(&error));
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    for code in ["RequestTimeTooSkewed", "InvalidSignatureException"] {
        let skew = Fault::ClockSkew { ahead_seconds: 7200, code };
        let (_, error) = refused_issuing(skew).await;
        let CredentialsProblem::ClockSkew { here, there: Some(there) } = *problem(&error) else {
            panic!("{error}")
        };
        assert!((7190..=7210).contains(&there.since(here).as_secs()), "{error}");
        assert!(has::<IssueCertificateError>(&error));
    }
}

#[tokio::test]
async fn another_region_is_seen_before_anything_is_asked() {
    let (aws, connection) = start().await;
    let elsewhere = "arn:aws:acm-pca:us-east-1:123456789012:certificate-authority/1f02";
    let error = AcmPca::new(&connection, elsewhere.parse().unwrap()).unwrap_err();
    let CaError::Region { arn, configured } = &error else { panic!("{error}") };
    assert_eq!((arn.as_str(), configured.as_str()), (elsewhere, REGION));
    assert!(error.to_string().contains("use its own, us-east-1"), "{error}");
    let error = Acm::of_ca(&connection, elsewhere.parse().unwrap()).unwrap_err();
    assert!(matches!(error, CaError::Region { .. }));
    let id = private_ca::CertificateId::new("arn:aws:acm:us-east-1:123456789012:certificate/1");
    let error = acm(&aws, &connection).describe(id).await.unwrap_err();
    assert!(matches!(error, ManagedError::Ca(CaError::Region { .. })));
    assert_eq!(aws.calls(), []);

    let without = SdkConfig::builder().behavior_version(BehaviorVersion::latest()).build();
    let error = AwsConnection::from_sdk_config(without).unwrap_err();
    assert!(matches!(error, CaError::NoRegion));
    is_a_sentence(&error);
}

#[tokio::test]
async fn what_the_caller_may_not_do_is_named_with_its_resource() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let issued = ca.issue(client("CN=w")).await.unwrap();
    aws.behave(|behaviour| behaviour.allowed_actions = Some(Vec::new()));
    let revocation =
        || private_ca::Revocation::new(issued.certificate.serial_number(), Default::default());
    let fresh = authority(&connection, ca.arn().as_str());
    let of_ca = Some(ca.arn().as_str());
    for (error, expected, on) in [
        (ca.issue(client("CN=w")).await.unwrap_err(), "acm-pca:IssueCertificate", of_ca),
        (
            fresh.issue(client("CN=w")).await.unwrap_err(),
            "acm-pca:DescribeCertificateAuthority",
            of_ca,
        ),
        (ca.certificate(issued.id.clone()).await.unwrap_err(), "acm-pca:GetCertificate", of_ca),
        (
            ca.certificate_chain().await.unwrap_err(),
            "acm-pca:GetCertificateAuthorityCertificate",
            of_ca,
        ),
        (ca.revoke(revocation()).await.unwrap_err(), "acm-pca:RevokeCertificate", of_ca),
        (ca.grant_acm().await.unwrap_err(), "acm-pca:CreatePermission", of_ca),
        (ca.disable().await.unwrap_err(), "acm-pca:UpdateCertificateAuthority", of_ca),
        (
            AcmPca::list(&connection, CaOwner::Own).await.unwrap_err(),
            "acm-pca:ListCertificateAuthorities",
            None,
        ),
        (
            AcmPca::create(&connection, &p256("CN=x"), CaKind::Root).await.unwrap_err(),
            "acm-pca:CreateCertificateAuthority",
            None,
        ),
    ] {
        let CaError::AccessDenied { action, resource, .. } = &error else { panic!("{error}") };
        assert_eq!((action.as_str(), resource.as_deref()), (expected, on));
        assert!(error.to_string().contains(expected), "{error}");
        is_a_sentence(&error);
        assert!(has::<AwsError>(&error), "{error:?}");
    }
    let managed = Acm::of_ca(&connection, ca.arn().clone()).unwrap();
    let error = managed.request(ManagedRequest::new("w.example.com")).await.unwrap_err();
    let ManagedError::Ca(CaError::AccessDenied { action, resource, .. }) = &error else {
        panic!("{error}")
    };
    assert_eq!((action.as_str(), resource.as_deref()), ("acm:RequestCertificate", of_ca));
}

#[tokio::test]
async fn a_ca_that_cannot_issue_says_its_state_and_what_to_do() {
    let (aws, connection) = start().await;
    let pending = AcmPca::create(&connection, &p256("CN=New"), CaKind::Root).await.unwrap();
    let disabled = root(&aws, &connection);
    disabled.disable().await.unwrap();
    let deleted = root(&aws, &connection);
    deleted.delete(7).await.unwrap();
    aws.behave(|behaviour| behaviour.creating = Readiness::never());
    let creating = AcmPca::create(&connection, &p256("CN=Slow"), CaKind::Root).await.unwrap();
    aws.behave(|behaviour| {
        behaviour.creating = Readiness::at_once();
        behaviour.creating_fails = true;
    });
    let failed = AcmPca::create(&connection, &p256("CN=Fails"), CaKind::Root).await.unwrap();
    for (ca, expected, mend) in [
        (&pending, CaState::PendingCertificate, "ca install"),
        (&disabled, CaState::Disabled, "ca enable"),
        (&deleted, CaState::Deleted, "ca restore"),
        (&creating, CaState::Creating, "wait"),
        (&failed, CaState::Failed, "create another"),
    ] {
        let error = ca.issue(client("CN=worker")).await.unwrap_err();
        let CaError::State { ca: named, state } = &error else { panic!("{expected}: {error}") };
        assert_eq!((named.as_str(), *state), (ca.arn().as_str(), expected));
        assert!(error.to_string().contains(mend), "{error}");
        is_a_sentence(&error);
        // Also where the handle has issued before.
        let error = ca.certificate_chain().await;
        assert!(error.is_ok() || matches!(error, Err(CaError::State { .. })), "{expected}");
    }
}

#[tokio::test]
async fn a_ca_that_stops_issuing_while_a_handle_is_in_use() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    ca.issue(client("CN=worker")).await.unwrap();
    ca.disable().await.unwrap();
    let error = ca.issue(client("CN=worker")).await.unwrap_err();
    assert!(matches!(error, CaError::State { state: CaState::Disabled, .. }), "{error}");
    ca.enable().await.unwrap();
    ca.issue(client("CN=worker")).await.unwrap();
    aws.advance(Duration::from_secs(11 * 366 * 86_400));
    let error = ca.issue(client("CN=worker")).await.unwrap_err();
    assert!(matches!(error, CaError::State { state: CaState::Expired, .. }), "{error}");
}

#[tokio::test]
async fn a_quota_that_is_reached() {
    let (_, error) = refused_issuing(Fault::error("LimitExceededException")).await;
    assert!(matches!(error, CaError::Quota { .. }), "{error}");
    assert!(error.to_string().contains("Service Quotas"), "{error}");
    assert!(has::<IssueCertificateError>(&error));
}

#[tokio::test]
async fn throttling_is_retried_and_then_told() {
    let (aws, error) = refused_issuing(Fault::Throttle).await;
    let CaError::Throttled { operation, .. } = error else { panic!("{error}") };
    assert_eq!(operation, "IssueCertificate");
    assert_eq!(aws.count("IssueCertificate"), 3);
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    aws.fail_next("IssueCertificate", 2, Fault::Throttle);
    ca.issue(client("CN=worker")).await.unwrap();
}

#[tokio::test]
async fn a_ca_that_is_not_there() {
    let (aws, connection) = start().await;
    let gone = format!("{}0", root(&aws, &connection).arn());
    let ca = authority(&connection, &gone);
    for error in [
        ca.issue(client("CN=worker")).await.unwrap_err(),
        ca.certificate_chain().await.unwrap_err(),
        ca.describe().await.unwrap_err(),
        ca.grant_acm().await.unwrap_err(),
        ca.is_granted_to_acm().await.unwrap_err(),
        ca.policy().await.unwrap_err(),
        ca.delete(7).await.unwrap_err(),
        ca.revoke(private_ca::Revocation::new("01".parse().unwrap(), Default::default()))
            .await
            .unwrap_err(),
        ca.install_root(RequestedValidity::days(1)).await.unwrap_err(),
    ] {
        let CaError::NoSuchCa { ca } = &error else { panic!("{error}") };
        assert_eq!(*ca, gone);
        is_a_sentence(&error);
    }
}

#[tokio::test]
async fn an_arn_that_is_none_or_another_s() {
    let (aws, connection) = start().await;
    for bad in ["", "x", "arn:aws:acm-pca:eu-central-1:123456789012"] {
        let error = bad.parse::<private_ca::authority::aws::Arn>().unwrap_err();
        assert!(matches!(error, CaError::InvalidArn { .. }), "{bad}");
        is_a_sentence(&error);
    }
    let bucket = "arn:aws:acm:eu-central-1:123456789012:certificate/1";
    let error = AcmPca::new(&connection, bucket.parse().unwrap()).unwrap_err();
    let CaError::InvalidArn { expected, .. } = error else { panic!("{error}") };
    assert_eq!(expected, "a private CA");
    for id in ["", "00", bucket.replace("certificate/1", "x/1").as_str()] {
        let id = private_ca::CertificateId::new(id);
        let error = acm(&aws, &connection).describe(id).await.unwrap_err();
        assert!(matches!(error, ManagedError::Ca(CaError::InvalidArn { .. })), "{error}");
    }
    let (_, error) = refused_issuing(Fault::error("InvalidArnException")).await;
    assert!(matches!(error, CaError::InvalidArn { .. }), "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks() {
    for cut in [Cut::BeforeResponse, Cut::AfterHeaders, Cut::InBody] {
        let (aws, error) = refused_issuing(Fault::CutConnection(cut)).await;
        let CaError::Unreachable { operation, .. } = &error else { panic!("{cut:?}: {error}") };
        assert_eq!(*operation, "IssueCertificate");
        assert!(aws.count("IssueCertificate") >= 3, "{cut:?}");
        assert!(error.source().is_some());
    }
    let (aws, connection) = start().await;
    let arn = aws.add_root("Root", "EC_prime256v1", 10);
    drop(aws);
    let error = authority(&connection, &arn).describe().await.unwrap_err();
    assert!(matches!(error, CaError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_comes_too_late() {
    let (aws, _) = start().await;
    let arn = aws.add_root("Root", "EC_prime256v1", 10);
    let config = aws
        .sdk_config()
        .into_builder()
        .timeout_config(
            TimeoutConfig::builder().operation_attempt_timeout(Duration::from_millis(200)).build(),
        )
        .build();
    let ca = authority(&AwsConnection::from_sdk_config(config).unwrap(), &arn);
    ca.issue(client("CN=worker")).await.unwrap();
    aws.fail_next("IssueCertificate", 3, Fault::Delay(Duration::from_secs(2)));
    let error = ca.issue(client("CN=worker")).await.unwrap_err();
    assert!(matches!(error, CaError::Unreachable { .. }), "{error}");
    is_a_sentence(&error);
}

#[tokio::test]
async fn aws_s_own_trouble_keeps_code_request_id_and_the_sdk_s_error() {
    let (_, error) = refused_issuing(Fault::internal()).await;
    let CaError::Backend { operation, source } = &error else { panic!("{error}") };
    assert_eq!(*operation, "IssueCertificate");
    let aws_error = source.downcast_ref::<AwsError>().unwrap();
    assert_eq!((aws_error.operation(), aws_error.code()), (*operation, Some("InternalFailure")));
    assert!(error.to_string().contains("request "), "{error}");
    assert!(has::<IssueCertificateError>(&error));
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    aws.fail_next("DescribeCertificateAuthority", 3, Fault::internal());
    let error = ca.describe().await.unwrap_err();
    assert!(has::<DescribeCertificateAuthorityError>(&error));
    // That the CA is ACTIVE explains nothing.
    aws.fail_next("GetCertificateAuthorityCertificate", 3, Fault::internal());
    let error = ca.issue(client("CN=worker")).await.unwrap_err();
    let CaError::Backend { operation, .. } = &error else { panic!("{error}") };
    assert_eq!(*operation, "GetCertificateAuthorityCertificate");
}

#[tokio::test]
async fn no_error_of_an_export_has_the_passphrase_or_the_key() {
    const PASSPHRASE: &str = "correct horse battery";
    let (aws, connection) = start().await;
    let managed = acm(&aws, &connection).with_deadline(Duration::from_millis(100));
    let request =
        ManagedRequest::new("w.acme.internal").with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = managed.request(request).await.unwrap();
    let export = async || {
        let exported = managed.export(id.clone(), Passphrase::new(PASSPHRASE.as_bytes())).await;
        exported.unwrap_err()
    };
    for fault in [
        Fault::internal(),
        Fault::Throttle,
        Fault::error("AccessDeniedException"),
        Fault::error("RequestInProgressException"),
        Fault::error("ValidationException"),
        Fault::CutAfterDoing(Cut::InBody),
        Fault::CutAfterDoing(Cut::BeforeResponse),
        Fault::WithoutEnd,
    ] {
        aws.fail_next("ExportCertificate", 5, fault.clone());
        let error = export().await;
        aws.forget_faults();
        for cause in causes(&error) {
            for text in [format!("{cause}"), format!("{cause:?}"), format!("{cause:#?}")] {
                let base64 =
                    <base64ct::Base64 as base64ct::Encoding>::encode_string(PASSPHRASE.as_bytes());
                let octets = format!("{:?}", PASSPHRASE.as_bytes());
                let pretty = PASSPHRASE.as_bytes().iter().map(|b| format!("{b},\n"));
                assert!(!text.replace(' ', "").contains(&pretty.collect::<String>()), "{text}");
                for secret in [PASSPHRASE, &base64, &octets[1..octets.len() - 1], "PRIVATE KEY"] {
                    assert!(!text.contains(secret), "{fault:?}: {text}");
                }
            }
        }
    }
}
