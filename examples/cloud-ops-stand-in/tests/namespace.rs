//! `private_ca::temporal::namespace` against the stand-in: writers at the same time, lost answers,
//! operations that end badly or never, and secrets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "namespace/sign_in.rs"]
mod sign_in;

use std::time::Duration;

use private_ca::temporal::bundle::{BundleError, CaBundle, Fingerprint};
use private_ca::temporal::filters::{CertificateFilter, FilterField, FilterSet};
use private_ca::temporal::namespace::{
    ApiKey, Change, CloudOps, CloudOpsError, CloudOpsOptions, NamespaceState, OperationState,
    Outcome, Sent, UpdateError,
};
use private_ca::{
    Certificate, CertificateAuthority as _, CertificatePurpose, CertificateRequest, IssueRequest,
    KeyAlgorithm, LocalCa, PrivateKey, RequestedValidity, SubjectAlternativeName,
};
use private_ca_cloud_ops_stand_in::protos::temporal::api::cloud::namespace::v1::{
    CertificateFilterSpec, FairnessSpec, LifecycleSpec, MtlsAuthSpec, NamespaceSpec,
};
use private_ca_cloud_ops_stand_in::{Ending, Faults, StandIn};
use prost::Message as _;
use tonic::Code;

const KEY: &str = "tmprl_secret_4f1c09ab";
const NAME: &str = "hello.a1b2c";

fn ca() -> Certificate {
    LocalCa::in_memory().unwrap().chain().certificates()[0].clone()
}

fn options(stand_in: &StandIn) -> CloudOpsOptions {
    let mut options = CloudOpsOptions::default();
    options.address = stand_in.address().to_string();
    options.plaintext = true;
    options.pause = Duration::from_millis(3);
    options.longest_poll = Duration::from_millis(20);
    options
}

fn cloud(stand_in: &StandIn) -> CloudOps {
    CloudOps::with_options(ApiKey::new(KEY).unwrap(), options(stand_in)).unwrap()
}

fn specification(cas: &[Certificate]) -> NamespaceSpec {
    NamespaceSpec {
        name: "hello".to_owned(),
        retention_days: 30,
        mtls_auth: Some(MtlsAuthSpec {
            accepted_client_ca: CaBundle::of(cas).to_pem().into_bytes(),
            enabled: !cas.is_empty(),
            ..MtlsAuthSpec::default()
        }),
        ..NamespaceSpec::default()
    }
}

async fn stand_in(cas: &[Certificate]) -> StandIn {
    let stand_in = StandIn::start(KEY).await.unwrap();
    stand_in.add_namespace(NAME, &specification(cas));
    stand_in
}

fn faults(set: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    set(&mut faults);
    faults
}

/// Adds a CA to what is there.
fn adding(ca: &Certificate) -> impl Fn(&NamespaceState) -> Result<Change, BundleError> + use<> {
    let ca = ca.clone();
    move |namespace| {
        Ok(Change::none().with_bundle(namespace.mtls.bundle.add(std::slice::from_ref(&ca))?))
    }
}

fn sent(outcome: Outcome) -> Sent {
    match outcome {
        Outcome::Sent(sent) => sent,
        other => panic!("{other:?}"),
    }
}

fn of_cloud<E: std::error::Error>(result: Result<Outcome, UpdateError<E>>) -> CloudOpsError {
    match result {
        Err(UpdateError::CloudOps(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_ca_is_added_and_read_back() {
    let (old, new) = (ca(), ca());
    let stand_in = stand_in(std::slice::from_ref(&old)).await;
    let cloud = cloud(&stand_in);
    let sent = sent(cloud.update(NAME, adding(&new)).await.unwrap());
    assert_eq!(sent.difference.bundle.added, std::slice::from_ref(&new));
    assert!(sent.difference.bundle.removed.is_empty());
    assert_eq!(sent.operation.state, OperationState::Fulfilled);
    assert_eq!(sent.attempts, 1);
    let namespace = cloud.namespace(NAME).await.unwrap();
    assert_eq!(namespace.mtls.bundle.certificates(), [old, new]);
    assert_eq!(namespace.state, "active");
    assert_eq!(namespace.operation, None);
    assert_eq!(cloud.namespaces().await.unwrap(), [NAME]);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_writers_at_once_lose_no_update() {
    for (code, busy) in
        [(Code::FailedPrecondition, true), (Code::Aborted, false), (Code::InvalidArgument, false)]
    {
        let first = ca();
        let stand_in = StandIn::start(KEY).await.unwrap();
        let mut specification = specification(std::slice::from_ref(&first));
        specification.mtls_auth.as_mut().unwrap().certificate_filters = (0..25)
            .map(|place| CertificateFilterSpec {
                common_name: format!("worker-{place}"),
                organization: format!("org-{place}"),
                ..CertificateFilterSpec::default()
            })
            .collect();
        stand_in.add_namespace(NAME, &specification);
        stand_in.set_faults(faults(|faults| {
            faults.conflict_code = code;
            faults.busy_while_updating = busy;
            faults.check_after = Duration::from_millis(1);
        }));
        let mut options = options(&stand_in);
        // Of fifty writers the last one may have lost forty-nine times, more if operations take time.
        options.attempts = 300;
        let cloud = CloudOps::with_options(ApiKey::new(KEY).unwrap(), options).unwrap();
        let cas: Vec<_> = (0..15).map(|_| ca()).collect();
        let mut writers = tokio::task::JoinSet::new();
        for added in cas.clone() {
            let cloud = cloud.clone();
            writers.spawn(async move { cloud.update(NAME, adding(&added)).await.map(sent) });
        }
        // Each of the others has a field of a filter to itself.
        for writer in 0..35 {
            let cloud = cloud.clone();
            writers.spawn(async move {
                let (place, field) = match writer < 25 {
                    true => (writer, FilterField::CommonName),
                    false => (writer - 25, FilterField::Organization),
                };
                let change = |namespace: &NamespaceState| {
                    let mut filters = namespace.mtls.filters.filters().to_vec();
                    filters[place] = filters[place].clone().with(field, format!("by-{writer}"));
                    Ok(Change::none().with_filters(FilterSet::new(filters)))
                };
                cloud.update(NAME, change).await.map(sent)
            });
        }
        let results = writers.join_all().await;
        assert_eq!(results.len(), 50);
        let attempts: Vec<_> = results.into_iter().map(|sent| sent.unwrap().attempts).collect();
        assert!(attempts.iter().any(|&attempts| attempts > 1), "nobody met anybody: {attempts:?}");

        let namespace = cloud.namespace(NAME).await.unwrap();
        assert_eq!(namespace.mtls.bundle.certificates().len(), 16);
        assert!(cas.iter().all(|ca| namespace.mtls.bundle.certificates().contains(ca)));
        for (place, filter) in namespace.mtls.filters.filters().iter().enumerate() {
            assert_eq!(filter.common_name, Some(format!("by-{place}")));
            let organization = match place < 10 {
                true => format!("by-{}", place + 25),
                false => format!("org-{place}"),
            };
            assert_eq!(filter.organization, Some(organization));
        }
    }
}

#[tokio::test]
async fn of_two_that_add_the_same_ca_one_is_told_so() {
    let new = ca();
    let stand_in = stand_in(&[]).await;
    let cloud = cloud(&stand_in);
    let (one, other) =
        tokio::join!(cloud.update(NAME, adding(&new)), cloud.update(NAME, adding(&new)));
    let (won, lost) = if one.is_ok() { (one, other) } else { (other, one) };
    assert_eq!(sent(won.unwrap()).difference.bundle.added, [new]);
    assert!(matches!(lost, Err(UpdateError::Change(BundleError::Duplicate { .. }))), "{lost:?}");
}

#[tokio::test]
async fn who_is_always_too_late_gets_a_conflict_with_the_number_of_attempts() {
    let stand_in = stand_in(&[]).await;
    stand_in.set_faults(faults(|faults| faults.conflicts = 1000));
    let mut options = options(&stand_in);
    options.attempts = 4;
    let cloud = CloudOps::with_options(ApiKey::new(KEY).unwrap(), options).unwrap();
    let error = of_cloud(cloud.update(NAME, adding(&ca())).await);
    let CloudOpsError::Conflict { namespace, attempts: 4, source } = &error else {
        panic!("{error:?}");
    };
    assert_eq!((namespace.as_str(), source.code), (NAME, "FAILED_PRECONDITION"));
    assert_eq!(stand_in.calls("UpdateNamespace"), 4);
}

#[tokio::test]
async fn a_conflict_is_survived_by_making_the_change_again() {
    let new = ca();
    let stand_in = stand_in(&[]).await;
    stand_in.set_faults(faults(|faults| faults.conflicts = 3));
    assert_eq!(sent(cloud(&stand_in).update(NAME, adding(&new)).await.unwrap()).attempts, 4);
}

#[tokio::test]
async fn nothing_is_sent_if_nothing_would_change() {
    let (one, two) = (ca(), ca());
    let stand_in = StandIn::start(KEY).await.unwrap();
    let mut spec = specification(&[one.clone(), two.clone()]);
    // The server's own spelling of PEM.
    let pem = CaBundle::of(&[one.clone(), two.clone()]).to_pem().replace('\n', "\r\n");
    spec.mtls_auth.as_mut().unwrap().accepted_client_ca = format!("# ours\n\n{pem}").into_bytes();
    stand_in.add_namespace(NAME, &spec);
    let turned = CaBundle::of(&[two, one]);
    let change = |_: &NamespaceState| {
        Ok::<_, BundleError>(
            Change::none()
                .with_bundle(turned.clone())
                .with_filters(FilterSet::default())
                .with_mtls(true),
        )
    };
    let outcome = cloud(&stand_in).update(NAME, change).await.unwrap();
    assert!(matches!(outcome, Outcome::Unchanged(_)), "{outcome:?}");
    assert_eq!(stand_in.calls("UpdateNamespace"), 0);
}

#[tokio::test]
async fn what_this_version_does_not_know_stays_in_the_specification() {
    let (old, new) = (ca(), ca());
    let stand_in = StandIn::start(KEY).await.unwrap();
    let mut spec = specification(std::slice::from_ref(&old));
    spec.lifecycle = Some(LifecycleSpec { enable_delete_protection: true });
    spec.fairness = Some(FairnessSpec { task_queue_fairness_enabled: true });
    spec.connectivity_rule_ids = vec!["rule-1".to_owned()];
    let mtls = spec.mtls_auth.take().unwrap();
    let mut bytes = spec.encode_to_vec();
    // Field 4 with fields that are known and field 77, "later"; then field 99, "a description".
    let mut mtls = mtls.encode_to_vec();
    mtls.extend(b"\xea\x04\x05later");
    prost::encoding::bytes::encode(4, &mtls, &mut bytes);
    bytes.extend(b"\x9a\x06\x0da description");
    stand_in.add_namespace_as(NAME, bytes.clone());

    let cloud = cloud(&stand_in);
    cloud.update(NAME, adding(&new)).await.unwrap();
    let after = stand_in.specification(NAME).unwrap();
    assert_ne!(after, bytes);
    let has = |part: &[u8]| after.windows(part.len()).any(|window| window == part);
    assert!(has(b"\xea\x04\x05later") && has(b"\x9a\x06\x0da description"));
    let decoded = NamespaceSpec::decode(after.as_slice()).unwrap();
    assert_eq!(decoded.lifecycle, spec.lifecycle);
    assert_eq!(decoded.fairness, spec.fairness);
    assert_eq!(decoded.connectivity_rule_ids, spec.connectivity_rule_ids);
    assert_eq!(decoded.retention_days, 30);

    let bundle = cloud.namespace(NAME).await.unwrap().mtls.bundle;
    assert_eq!(bundle.certificates(), [old.clone(), new.clone()]);
    let removing = |namespace: &NamespaceState| {
        let bundle = namespace.mtls.bundle.remove(&[Fingerprint::sha1_of(&new)])?;
        Ok::<_, BundleError>(Change::none().with_bundle(bundle))
    };
    cloud.update(NAME, removing).await.unwrap();
    // All is as it was, but for the order of fields.
    let restored = stand_in.specification(NAME).unwrap();
    assert_eq!(restored.len(), bytes.len());
    assert_eq!(
        NamespaceSpec::decode(restored.as_slice()).unwrap(),
        NamespaceSpec::decode(bytes.as_slice()).unwrap()
    );
}

#[tokio::test]
async fn a_bundle_in_base64_is_read_from_either_field() {
    use base64ct::{Base64, Encoding as _};
    let ca = ca();
    let stand_in = StandIn::start(KEY).await.unwrap();
    let text = Base64::encode_string(ca.to_pem().as_bytes());
    for is_old in [true, false] {
        let mut spec = specification(&[]);
        let mtls = spec.mtls_auth.as_mut().unwrap();
        #[allow(deprecated)]
        match is_old {
            true => mtls.accepted_client_ca_deprecated = text.clone(),
            false => mtls.accepted_client_ca = text.clone().into_bytes(),
        }
        stand_in.add_namespace(NAME, &spec);
        let cloud = cloud(&stand_in);
        let namespace = cloud.namespace(NAME).await.unwrap();
        assert_eq!(namespace.mtls.bundle.certificates(), std::slice::from_ref(&ca));
        // A change writes PEM, into the field of today alone.
        let new = self::ca();
        cloud.update(NAME, adding(&new)).await.unwrap();
        let after = stand_in.specification(NAME).unwrap();
        let mtls = NamespaceSpec::decode(after.as_slice()).unwrap().mtls_auth.unwrap();
        assert_eq!(mtls.accepted_client_ca, CaBundle::of(&[ca.clone(), new]).to_pem().as_bytes());
    }
}

#[tokio::test]
async fn an_operation_that_does_not_end_is_named_and_can_be_resumed() {
    let stand_in = stand_in(&[]).await;
    stand_in.set_faults(faults(|faults| faults.polls = 30));
    let mut options = options(&stand_in);
    options.patience = Duration::from_millis(120);
    options.longest_poll = Duration::from_millis(10);
    let cloud = CloudOps::with_options(ApiKey::new(KEY).unwrap(), options).unwrap();
    let new = ca();
    let error = of_cloud(cloud.update(NAME, adding(&new)).await);
    let CloudOpsError::OperationPending { id, waited, source: None } = error else {
        panic!("{error:?}");
    };
    assert!(waited >= Duration::from_millis(120), "{waited:?}");
    assert_eq!(self::cloud(&stand_in).resume(&id).await.unwrap().state, OperationState::Fulfilled);
    assert_eq!(cloud.namespace(NAME).await.unwrap().mtls.bundle.certificates(), [new]);
}

#[tokio::test]
async fn send_does_not_wait() {
    let stand_in = stand_in(&[]).await;
    stand_in.set_faults(faults(|faults| faults.ending = Ending::Never));
    let cloud = cloud(&stand_in);
    let sent = sent(cloud.send(NAME, adding(&ca())).await.unwrap());
    assert_eq!(sent.operation.state, OperationState::Pending);
    assert_eq!(stand_in.calls("GetAsyncOperation"), 0);
    let namespace = cloud.namespace(NAME).await.unwrap();
    assert_eq!(namespace.operation, Some(sent.operation.id));
    assert_eq!(namespace.state, "updating");
}

#[tokio::test]
async fn an_operation_that_fails_says_why() {
    let stand_in = stand_in(&[]).await;
    stand_in
        .set_faults(faults(|faults| faults.ending = Ending::Failed("the region is down".into())));
    let cloud = cloud(&stand_in);
    let error = of_cloud(cloud.update(NAME, adding(&ca())).await);
    let CloudOpsError::OperationFailed { state: OperationState::Failed, reason, .. } = &error
    else {
        panic!("{error:?}");
    };
    assert_eq!(reason, "the region is down");
    assert!(error.to_string().contains("the region is down"));
    assert!(cloud.namespace(NAME).await.unwrap().mtls.bundle.is_empty());
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_made_once() {
    let stand_in = stand_in(&[]).await;
    stand_in.set_faults(faults(|faults| faults.lost_answers = 1));
    let new = ca();
    let sent = sent(cloud(&stand_in).update(NAME, adding(&new)).await.unwrap());
    assert_eq!(sent.operation.state, OperationState::Fulfilled);
    assert_eq!(stand_in.calls("UpdateNamespace"), 1);
    assert_eq!(cloud(&stand_in).namespace(NAME).await.unwrap().mtls.bundle.certificates(), [new]);
}

#[tokio::test]
async fn calls_that_are_not_answered_are_made_again_and_not_for_ever() {
    let stand_in = stand_in(&[]).await;
    let cloud = cloud(&stand_in);
    stand_in.set_faults(faults(|faults| (faults.unavailable, faults.exhausted) = (2, 2)));
    cloud.update(NAME, adding(&ca())).await.unwrap();

    stand_in.set_faults(faults(|faults| faults.exhausted = 1000));
    let error = cloud.namespace(NAME).await.unwrap_err();
    assert!(matches!(error, CloudOpsError::Throttled { attempts: 6, .. }), "{error:?}");

    stand_in.set_faults(faults(|faults| faults.unavailable = 1000));
    let error = cloud.namespace(NAME).await.unwrap_err();
    assert!(matches!(error, CloudOpsError::Unreachable { attempts: 6, .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_or_is_slow_cannot_be_reached() {
    let stand_in = stand_in(&[]).await;
    let mut options = options(&stand_in);
    options.tries = 2;
    options.request_timeout = Duration::from_millis(50);
    let cloud = CloudOps::with_options(ApiKey::new(KEY).unwrap(), options).unwrap();
    stand_in.set_faults(faults(|faults| faults.delay = Duration::from_secs(60)));
    let error = cloud.namespace(NAME).await.unwrap_err();
    assert!(matches!(error, CloudOpsError::Unreachable { attempts: 2, .. }), "{error:?}");

    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut nobody = CloudOpsOptions::default();
    nobody.address = free.local_addr().unwrap().to_string();
    nobody.plaintext = true;
    nobody.tries = 1;
    drop(free);
    let cloud = CloudOps::with_options(ApiKey::new(KEY).unwrap(), nobody).unwrap();
    let error = cloud.namespace(NAME).await.unwrap_err();
    assert!(matches!(error, CloudOpsError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn who_may_not_and_what_is_not_there_are_told_apart() {
    let stand_in = stand_in(&[]).await;
    let stranger =
        CloudOps::with_options(ApiKey::new("other").unwrap(), options(&stand_in)).unwrap();
    let error = stranger.namespace(NAME).await.unwrap_err();
    assert!(matches!(error, CloudOpsError::Unauthenticated { .. }), "{error:?}");

    let cloud = cloud(&stand_in);
    let error = of_cloud(cloud.update("nobody.a1b2c", adding(&ca())).await);
    assert!(matches!(&error, CloudOpsError::NoNamespace { name, .. } if name == "nobody.a1b2c"));
    let error = cloud.resume("nothing").await.unwrap_err();
    assert!(matches!(&error, CloudOpsError::NoOperation { id, .. } if id == "nothing"));

    stand_in.set_faults(faults(|faults| faults.read_only = true));
    let error = of_cloud(cloud.update(NAME, adding(&ca())).await);
    assert!(matches!(error, CloudOpsError::PermissionDenied { .. }), "{error:?}");
    assert_eq!(stand_in.calls("UpdateNamespace"), 1);
}

#[tokio::test]
async fn what_temporal_refuses_is_not_sent() {
    let stand_in = stand_in(&[]).await;
    let cloud = cloud(&stand_in);
    let change = |change: Change| move |_: &NamespaceState| Ok::<_, BundleError>(change.clone());
    let many: Vec<_> = (0..17).map(|_| ca()).collect();
    let many = Change::none().with_bundle(CaBundle::of(&many));
    let error = of_cloud(cloud.update(NAME, change(many)).await);
    assert!(
        matches!(error, CloudOpsError::Bundle(BundleError::TooMany { count: 17 })),
        "{error:?}"
    );
    let star = CertificateFilter::default().with(FilterField::CommonName, "*");
    let filters = Change::none().with_filters(FilterSet::new(vec![star]));
    let error = of_cloud(cloud.update(NAME, change(filters)).await);
    assert!(matches!(error, CloudOpsError::Filters { .. }), "{error:?}");
    let error = of_cloud(cloud.update(NAME, change(Change::none().with_mtls(true))).await);
    assert!(matches!(error, CloudOpsError::NoCa), "{error:?}");
    assert_eq!(stand_in.calls("UpdateNamespace"), 0);
}

#[tokio::test]
async fn the_api_key_crosses_no_network_in_plain_text() {
    let mut options = CloudOpsOptions::default();
    options.plaintext = true;
    for address in
        ["saas-api.tmprl.cloud:443", "192.0.2.1:443", "localhost:443", "127.0.0.1.example:1"]
    {
        options.address = address.to_owned();
        let error = CloudOps::with_options(ApiKey::new(KEY).unwrap(), options.clone()).unwrap_err();
        assert!(matches!(error, CloudOpsError::Plaintext { .. }), "{address}: {error:?}");
    }
    for address in
        ["", "saas-api.tmprl.cloud", "https://saas-api.tmprl.cloud:443", "a b:1", "h:1/x"]
    {
        options.address = address.to_owned();
        let error = CloudOps::with_options(ApiKey::new(KEY).unwrap(), options.clone()).unwrap_err();
        assert!(matches!(error, CloudOpsError::Address { .. }), "{address}: {error:?}");
    }
}

#[tokio::test]
async fn over_tls_the_server_has_to_be_one_of_the_given_cas() {
    let ca = LocalCa::in_memory().unwrap();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let names = [SubjectAlternativeName::Ip("127.0.0.1".parse().unwrap())];
    let request = CertificateRequest::new(&key, "CN=api".parse().unwrap(), &names).unwrap();
    let server = CertificatePurpose::Server;
    let request = IssueRequest::new(request, server, RequestedValidity::days(1));
    let chain = ca.issue(request).await.unwrap().certificate.to_pem();
    let stand_in = StandIn::start_with_tls(KEY, &chain, &key.to_pkcs8_pem()).await.unwrap();
    stand_in.add_namespace(NAME, &specification(&[]));

    let mut options = options(&stand_in);
    options.plaintext = false;
    options.tries = 2;
    let reading = |server_ca: Option<Vec<Certificate>>| {
        let mut options = options.clone();
        options.server_ca = server_ca;
        let cloud = CloudOps::with_options(ApiKey::new(KEY).unwrap(), options).unwrap();
        async move { cloud.namespace(NAME).await }
    };
    let namespace = reading(Some(ca.chain().certificates().to_vec())).await.unwrap();
    assert_eq!(namespace.name, NAME);
    // Another CA of the same name; and the operating system's, which do not know this one.
    let another = LocalCa::in_memory().unwrap().chain().certificates().to_vec();
    for roots in [Some(another), None] {
        let error = reading(roots).await.unwrap_err();
        assert!(matches!(error, CloudOpsError::Unreachable { attempts: 2, .. }), "{error:?}");
        assert!(error.to_string().contains("certificate"), "{error}");
    }
    assert_eq!(stand_in.calls("GetNamespace"), 1);
}
