//! How clients sign in: read, switched, and never left without any way.

use private_ca::temporal::bundle::{BundleError, CaBundle};
use private_ca::temporal::namespace::{AuthMethod, Change, CloudOpsError, NamespaceState, Outcome};
use private_ca::{LocalCa, LocalCaOptions, RequestedValidity};
use private_ca_cloud_ops_stand_in::StandIn;
use private_ca_cloud_ops_stand_in::protos::temporal::api::cloud::namespace::v1::{
    ApiKeyAuthSpec, NamespaceSpec,
};
use prost::Message as _;

use super::{KEY, NAME, ca, cloud, of_cloud, sent, specification};

#[tokio::test]
async fn every_way_to_sign_in_is_shown() {
    let ca = ca();
    let stand_in = StandIn::start(KEY).await.unwrap();
    let cloud = cloud(&stand_in);
    for (mtls, api_key) in [(false, false), (false, true), (true, false), (true, true)] {
        let mut specification = specification(std::slice::from_ref(&ca));
        specification.mtls_auth.as_mut().unwrap().enabled = mtls;
        specification.api_key_auth = Some(ApiKeyAuthSpec { enabled: api_key });
        stand_in.add_namespace(NAME, &specification);
        let namespace = cloud.namespace(NAME).await.unwrap();
        assert_eq!((namespace.mtls.enabled, namespace.api_key_enabled), (mtls, api_key));
        assert_eq!(!namespace.endpoints.mtls.is_empty(), mtls);
        assert_eq!(!namespace.endpoints.api_key.is_empty(), api_key);
    }
    let bare = NamespaceSpec { name: "hello".to_owned(), ..NamespaceSpec::default() };
    stand_in.add_namespace(NAME, &bare);
    let namespace = cloud.namespace(NAME).await.unwrap();
    assert!(!namespace.mtls.enabled && namespace.mtls.bundle.is_empty());
}

#[tokio::test]
async fn a_namespace_is_not_left_without_a_way_in() {
    let ca = ca();
    let stand_in = StandIn::start(KEY).await.unwrap();
    let cloud = cloud(&stand_in);
    let change = |change: Change| move |_: &NamespaceState| Ok::<_, BundleError>(change.clone());
    for (mtls, api_key, off) in [
        (true, false, Change::none().with_mtls(false)),
        (false, true, Change::none().with_api_keys(false)),
        (true, true, Change::none().with_auth_method(AuthMethod::Restricted)),
    ] {
        let mut specification = specification(std::slice::from_ref(&ca));
        specification.mtls_auth.as_mut().unwrap().enabled = mtls;
        specification.api_key_auth = Some(ApiKeyAuthSpec { enabled: api_key });
        stand_in.add_namespace(NAME, &specification);
        let error = of_cloud(cloud.update(NAME, change(off)).await);
        assert!(matches!(error, CloudOpsError::NoWayIn), "{error:?}");
    }
    assert_eq!(stand_in.calls("UpdateNamespace"), 0);
    // One that has none already is not held there.
    let mut closed = specification(std::slice::from_ref(&ca));
    closed.mtls_auth.as_mut().unwrap().enabled = false;
    stand_in.add_namespace(NAME, &closed);
    assert_eq!(cloud.namespace(NAME).await.unwrap().auth_method(), AuthMethod::Restricted);
    let removing = Change::none().with_bundle(CaBundle::default());
    sent(cloud.update(NAME, change(removing)).await.unwrap());
}

/// Another tool may have enabled mTLS without a CA, and a CA ends by itself.
#[tokio::test]
async fn api_keys_are_not_disabled_where_no_ca_lets_anybody_in() {
    let ended = LocalCaOptions::new("CN=Ended".parse().unwrap()).with_validity(
        RequestedValidity::until("2021-01-01T00:00:00Z".parse().unwrap())
            .starting("2020-01-01T00:00:00Z".parse().unwrap()),
    );
    let ended = LocalCa::in_memory_root(ended).unwrap().chain().certificates().to_vec();
    let stand_in = StandIn::start(KEY).await.unwrap();
    let cloud = cloud(&stand_in);
    for cas in [&[][..], &ended] {
        let mut specification = specification(cas);
        specification.mtls_auth.as_mut().unwrap().enabled = true;
        specification.api_key_auth = Some(ApiKeyAuthSpec { enabled: true });
        stand_in.add_namespace(NAME, &specification);
        let off = |_: &NamespaceState| Ok::<_, BundleError>(Change::none().with_api_keys(false));
        let error = of_cloud(cloud.update(NAME, off).await);
        assert!(matches!(error, CloudOpsError::NoWayIn), "{error:?}");
    }
    assert_eq!(stand_in.calls("UpdateNamespace"), 0);
}

#[tokio::test]
async fn of_the_way_to_sign_in_the_switches_alone_are_changed() {
    let ca = ca();
    let stand_in = StandIn::start(KEY).await.unwrap();
    let spec = specification(std::slice::from_ref(&ca));
    let mut bytes = spec.encode_to_vec();
    // Field 7 of a later version, with its field 77, "later".
    let mut api_key = ApiKeyAuthSpec { enabled: true }.encode_to_vec();
    api_key.extend(b"\xea\x04\x05later");
    prost::encoding::bytes::encode(7, &api_key, &mut bytes);
    bytes.extend(b"\x9a\x06\x0da description");
    stand_in.add_namespace_as(NAME, bytes.clone());
    let cloud = cloud(&stand_in);
    assert_eq!(cloud.namespace(NAME).await.unwrap().auth_method(), AuthMethod::ApiKeyOrMtls);
    for (method, mtls, api_key) in [
        (AuthMethod::Mtls, None, Some(false)),
        (AuthMethod::ApiKey, Some(false), Some(true)),
        (AuthMethod::ApiKeyOrMtls, Some(true), None),
    ] {
        let change =
            move |_: &NamespaceState| Ok::<_, BundleError>(Change::none().with_auth_method(method));
        let sent = sent(cloud.update(NAME, change).await.unwrap());
        assert_eq!((sent.difference.enabled, sent.difference.api_key_enabled), (mtls, api_key));
        assert!(sent.difference.bundle.is_empty());
        let namespace = cloud.namespace(NAME).await.unwrap();
        assert_eq!(namespace.auth_method(), method);
        assert_eq!(namespace.mtls.bundle.certificates(), std::slice::from_ref(&ca));
        let after = stand_in.specification(NAME).unwrap();
        let has = |part: &[u8]| after.windows(part.len()).any(|window| window == part);
        assert!(has(b"\xea\x04\x05later") && has(b"\x9a\x06\x0da description"), "{method}");
        let again = cloud.update(NAME, change).await.unwrap();
        assert!(matches!(again, Outcome::Unchanged(_)), "{again:?}");
    }
    assert_eq!(stand_in.calls("UpdateNamespace"), 3);
    assert_eq!(stand_in.specification(NAME).unwrap().len(), bytes.len());
}
