//! TLS as Temporal's frontends have it, and the answers of the service behind it.

use private_ca::connect::{Diagnosis, Stage};
use private_ca::{Certificate, CertificateChain};
use rustls::version::{TLS12, TLS13};
use rustls::{DEFAULT_VERSIONS, SupportedProtocolVersion};

use super::pki::{self, Pair, Pki, issue};
use super::stand_in::{Service, StandIn, tls};
use super::{assert_connects, assert_fails, doctor, seen, warned};

const FINE: Service = Service::Statuses(&[]);
const EACH: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

async fn frontend(pki: &Pki, server: &Pair, service: Service) -> StandIn {
    StandIn::start(tls(server, Some(&pki.client_cas()), DEFAULT_VERSIONS), service).await
}

async fn with(service: Service, namespace: &str) -> Diagnosis {
    let pki = Pki::new();
    let frontend = frontend(&pki, &pki.server(), service).await;
    let doctor = doctor(&pki, Some(&pki.client()), frontend.address);
    doctor.with_namespace(namespace).examine().await
}

#[tokio::test]
async fn a_good_set_up_connects_in_each_version_of_tls() {
    let pki = Pki::new();
    for versions in [DEFAULT_VERSIONS, &[&TLS12], &[&TLS13]] {
        let config = tls(&pki.server(), Some(&pki.client_cas()), versions);
        let frontend = StandIn::start(config, FINE).await;
        let doctor = doctor(&pki, Some(&pki.client()), frontend.address).with_namespace("default");
        let diagnosis = doctor.examine().await;
        assert_connects(&diagnosis);
        assert!(warned(&diagnosis).is_empty(), "{diagnosis:?}");
        let expected =
            if versions.len() == 1 && *versions[0] == TLS12 { "TLS 1.2" } else { "TLS 1.3" };
        assert_eq!(seen(&diagnosis, "version"), [expected]);
        assert_eq!(seen(&diagnosis, "application protocol"), ["h2"]);
        assert_eq!(seen(&diagnosis, "asks for a certificate of"), ["CN=Clients"]);
        assert_eq!(seen(&diagnosis, "Temporal server"), ["1.2.3"]);
        assert_eq!(seen(&diagnosis, "server").len(), 1);
    }
}

#[tokio::test]
async fn a_server_that_asks_for_no_certificate_is_a_warning() {
    let pki = Pki::new();
    let frontend = StandIn::start(tls(&pki.server(), None, DEFAULT_VERSIONS), FINE).await;
    let diagnosis = doctor(&pki, Some(&pki.client()), frontend.address).examine().await;
    assert_connects(&diagnosis);
    assert_eq!(warned(&diagnosis), ["no-certificate-asked"]);
}

#[tokio::test]
async fn a_client_that_the_server_does_not_take_is_told_why_in_each_version() {
    let pki = Pki::new();
    let stranger = issue(&pki::authority("Strangers"), &[], |_| {});
    let issuing = pki.clients.intermediate_with("Issuing", pki::current);
    let without_intermediate = issue(&issuing, &[], |_| {});
    let namesake = issue(&pki::authority("Clients"), &[], |_| {});
    let old = pki.clients.intermediate_with("Old", pki::expired);
    let below_expired = issue(&old, &[&old.certificate], |_| {});
    for version in EACH {
        let config = tls(&pki.server(), Some(&pki.client_cas()), &[version]);
        let frontend = StandIn::start(config, FINE).await;
        let examine = |client: Option<&Pair>| doctor(&pki, client, frontend.address);
        let refused = |diagnosis: &Diagnosis, id: &str| assert_fails(diagnosis, Stage::Tls, id);
        refused(&examine(None).examine().await, "certificate-required");
        let line = refused(&examine(Some(&stranger)).examine().await, "client-ca-unknown");
        assert!(
            line.contains("ends below CN=Strangers, and the server takes those of CN=Clients"),
            "{line}"
        );
        let line =
            refused(&examine(Some(&without_intermediate)).examine().await, "client-ca-unknown");
        assert!(line.contains("ends below CN=Issuing"), "{line}");
        let line = refused(&examine(Some(&namesake)).examine().await, "client-refused");
        assert!(line.contains("another CA of that name"), "{line}");
        refused(&examine(Some(&below_expired)).examine().await, "client-expired-to-server");
    }
}

#[tokio::test]
async fn a_server_that_is_not_trusted_is_told_why() {
    let pki = Pki::new();
    let client = pki.client();
    let tls_fails = |diagnosis: &Diagnosis, id: &str| assert_fails(diagnosis, Stage::Tls, id);
    let expired = frontend(&pki, &pki.server_with(pki::expired), FINE).await;
    let line =
        tls_fails(&doctor(&pki, Some(&client), expired.address).examine().await, "server-expired");
    assert!(line.contains("CN=frontend, issued by CN=Servers, until 20"), "{line}");
    let early = frontend(&pki, &pki.server_with(pki::early), FINE).await;
    tls_fails(&doctor(&pki, Some(&client), early.address).examine().await, "server-not-yet-valid");

    let good = frontend(&pki, &pki.server(), FINE).await;
    let other_name =
        doctor(&pki, Some(&client), good.address).with_server_name("hello.a1b2c.tmprl.cloud");
    let line = tls_fails(&other_name.examine().await, "server-name");
    assert!(line.contains("hello.a1b2c.tmprl.cloud") && line.contains("DNS:localhost"), "{line}");
    assert_connects(
        &doctor(&pki, Some(&client), good.address).with_server_name("localhost").examine().await,
    );

    // A proxy that opens TLS connections shows a certificate of its own.
    let proxy = frontend(&pki, &issue(&pki::authority("Acme Proxy"), &[], |_| {}), FINE).await;
    let line =
        tls_fails(&doctor(&pki, Some(&client), proxy.address).examine().await, "server-ca-unknown");
    assert!(line.contains("issued by CN=Acme Proxy"), "{line}");
    let own = doctor(&pki, Some(&client), good.address).with_server_cas(pki.client_cas());
    let line = tls_fails(&own.clone().examine().await, "server-ca-is-client-ca");
    assert!(line.contains("CN=Clients"), "{line}");
    let own = own.with_server_name("hello.a1b2c.tmprl.cloud");
    let line = tls_fails(&own.examine().await, "server-ca-is-client-ca");
    assert!(line.contains("CN=Clients"), "{line}");
}

#[tokio::test]
async fn what_only_temporal_cloud_answers_is_explained() {
    // A certificate that no filter fits, and a namespace that takes API keys alone.
    for (method, status, message, id) in [
        ("GetSystemInfo", 7, "Request%20unauthorized.", "permission-denied"),
        ("GetSystemInfo", 16, "no API key", "unauthenticated"),
        ("DescribeNamespace", 7, "Request%20unauthorized.", "permission-denied"),
        ("DescribeNamespace", 16, "no API key", "unauthenticated"),
        ("DescribeNamespace", 5, "hello.a1b2c%20is%20not%20found.", "namespace-not-found"),
        ("DescribeNamespace", 8, "slow down", "grpc"),
        ("GetSystemInfo", 99, "", "grpc"),
    ] {
        let statuses = Box::leak(Box::new([(method, status, message)]));
        let diagnosis = with(Service::Statuses(statuses), "hello.a1b2c").await;
        let line = assert_fails(&diagnosis, Stage::Grpc, id);
        assert!(line.contains(&message.replace("%20", " ")), "{line}");
    }
    let line = with(Service::Statuses(&[("DescribeNamespace", 8, "")]), "a").await.to_string();
    assert!(line.contains("DescribeNamespace fails: RESOURCE_EXHAUSTED"), "{line}");
    // Another service, which knows nothing of Temporal.
    let other = with(Service::Statuses(&[("GetSystemInfo", 12, "unknown service")]), "a").await;
    assert_fails(&other, Stage::Grpc, "grpc");
}

#[tokio::test]
async fn what_is_no_grpc_server_is_told_with_what_it_says() {
    let line = assert_fails(&with(Service::Page(200), "a").await, Stage::Grpc, "not-grpc");
    assert!(line.contains("HTTP 200 from stand-in, beginning with \"<html>Sign in"), "{line}");
    let line = assert_fails(&with(Service::Page(407), "a").await, Stage::Grpc, "not-grpc");
    assert!(line.contains("HTTP 407"), "{line}");
    for status in [502, 503, 504] {
        assert_fails(&with(Service::Page(status), "a").await, Stage::Grpc, "backend-down");
    }
}

#[tokio::test]
async fn a_service_that_does_not_answer_is_not_waited_for_for_ever() {
    let pki = Pki::new();
    let frontend = frontend(&pki, &pki.server(), Service::Silent).await;
    let doctor = doctor(&pki, Some(&pki.client()), frontend.address);
    let diagnosis = doctor.with_patience(std::time::Duration::from_millis(500)).examine().await;
    assert_fails(&diagnosis, Stage::Grpc, "grpc-silent");
}

#[tokio::test]
async fn the_systems_roots_are_asked_where_no_ca_is_given() {
    let pki = Pki::new();
    let good = frontend(&pki, &pki.server(), FINE).await;
    let doctor = private_ca::connect::Doctor::new("127.0.0.1", good.address.port());
    let diagnosis = doctor.examine().await;
    let (stage, cause) = diagnosis.failure().unwrap();
    assert_eq!(stage, Stage::Tls);
    // A machine without roots cannot know of any server.
    assert!(["server-ca-unknown", "no-system-roots"].contains(&cause.id()), "{cause}");
}

#[test]
fn a_chain_of_the_clients_own_ca_is_read_back() {
    // The files that these tests hand out are what they say.
    let pki = Pki::new();
    let chain = CertificateChain::from_pem_or_der(pki.client().pem.as_bytes()).unwrap();
    assert_eq!(chain.certificates()[0].issuer().to_string(), "CN=Clients");
    let issuing = pki.clients.intermediate_with("Issuing", pki::current);
    let both = issue(&issuing, &[&issuing.certificate], |_| {});
    let chain = CertificateChain::from_pem_or_der(both.pem.as_bytes()).unwrap();
    assert_eq!(
        chain.certificates().iter().map(Certificate::is_ca).collect::<Vec<_>>(),
        [false, true]
    );
}
