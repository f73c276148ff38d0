//! What the worker is given.

use private_ca::connect::{Cause, Doctor, Stage};
use private_ca::{EncryptedPrivateKey, EncryptionPreset, Passphrase, PrivateKey};

use super::pki::{Pair, Pki, early, expired, issue};
use super::{assert_fails, doctor, warned};

/// Nobody listens there; the configuration is asked first.
const NOWHERE: &str = "127.0.0.1:1";

async fn of(pki: &Pki, client: &Pair) -> private_ca::connect::Diagnosis {
    doctor(pki, Some(client), NOWHERE.parse().unwrap()).examine().await
}

#[tokio::test]
async fn certificates_and_keys_that_are_none_together_are_told_apart() {
    let pki = Pki::new();
    let (good, other) = (pki.client(), pki.client());
    let with = |pem: &str, key: &str| Pair { pem: pem.to_owned(), key: key.to_owned() };
    let configuration = Stage::Configuration;
    let line =
        assert_fails(&of(&pki, &with(&good.pem, &other.key)).await, configuration, "key-mismatch");
    assert!(line.contains("CN=worker"), "{line}");
    let late = issue(&pki.clients, &[], expired);
    let line = assert_fails(&of(&pki, &late).await, configuration, "client-expired");
    assert!(line.contains("the client's certificate CN=worker expired at 20"), "{line}");
    assert_fails(
        &of(&pki, &issue(&pki.clients, &[], early)).await,
        configuration,
        "client-not-yet-valid",
    );
    let ca = PrivateKey::from_pem_or_der(&pki.clients.key.serialize_der()).unwrap();
    let ca = with(&pki.clients.certificate.to_pem(), &ca.to_pkcs8_pem());
    assert_fails(&of(&pki, &ca).await, configuration, "client-is-ca");
    let unrelated = with(&(good.pem.clone() + &pki.servers.certificate.to_pem()), &good.key);
    let line = assert_fails(&of(&pki, &unrelated).await, configuration, "identity");
    assert!(line.contains("CN=Servers"), "{line}");
    let line =
        assert_fails(&of(&pki, &with(&good.key, &good.key)).await, configuration, "identity");
    assert!(line.contains("private key"), "{line}");
    assert_fails(&of(&pki, &with(&good.pem, "no key")).await, configuration, "identity");
}

#[tokio::test]
async fn an_encrypted_key_is_opened_with_its_passphrase_alone_and_nothing_shows_either() {
    let pki = Pki::new();
    let good = pki.client();
    let passphrase = Passphrase::new(*b"correct horse");
    let key = PrivateKey::from_pem_or_der(good.key.as_bytes()).unwrap();
    let sealed = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap();
    let sealed = sealed.to_pem();
    let examine = |passphrase: Option<Passphrase>| {
        let nowhere: std::net::SocketAddr = NOWHERE.parse().unwrap();
        let doctor = Doctor::new(nowhere.ip().to_string(), nowhere.port()).with_client(
            good.pem.as_bytes(),
            sealed.as_bytes(),
            passphrase,
        );
        let shown = format!("{doctor:?}");
        assert!(!shown.contains("correct") && !shown.contains("BEGIN"), "{shown}");
        async move { doctor.examine().await }
    };
    assert_fails(&examine(None).await, Stage::Configuration, "key-encrypted");
    let wrong = examine(Some(Passphrase::new(*b"incorrect horse"))).await;
    assert_fails(&wrong, Stage::Configuration, "identity");
    assert!(!format!("{wrong:?}").contains("incorrect horse"));
    let opened = examine(Some(passphrase)).await;
    assert_fails(&opened, Stage::Tcp, "tcp-refused");
    assert!(!format!("{opened:?}").contains("correct horse"));
}

#[tokio::test]
async fn what_works_here_and_may_not_for_the_worker_is_a_warning() {
    let pki = Pki::new();
    let issuing = pki.clients.intermediate("Issuing");
    let client = issue(&issuing, &[], |_| {});
    let reversed = Pair { pem: issuing.certificate.to_pem() + &client.pem, key: client.key };
    let diagnosis = of(&pki, &reversed).await;
    assert_fails(&diagnosis, Stage::Tcp, "tcp-refused");
    assert_eq!(warned(&diagnosis), ["chain-reversed"]);

    let unusual = issue(&pki.clients, &[], |params| params.key_usages.clear());
    let diagnosis = of(&pki, &unusual).await;
    assert_eq!(warned(&diagnosis), ["requirement"]);
    // With the mend of the rule that is broken, each its own.
    let warning = &diagnosis.findings()[0].warnings[0];
    assert_eq!(warning.mend(), "nothing, if it connects: tcld issues such certificates too");
    let for_ca = issue(&pki.clients, &[], |params| {
        params.key_usages = vec![rcgen::KeyUsagePurpose::KeyCertSign];
    });
    let diagnosis = of(&pki, &for_ca).await;
    let mends: Vec<_> = diagnosis.findings()[0].warnings.iter().map(Cause::mend).collect();
    assert_eq!(mends, ["issue it with a template for TLS clients"]);

    let nowhere = NOWHERE.parse().unwrap();
    let own = doctor(&pki, Some(&pki.client()), nowhere).with_server_cas(pki.client_cas());
    assert!(warned(&own.clone().examine().await).is_empty());
    let cloud = own.with_server_name("hello.a1b2c.tmprl.cloud").examine().await;
    assert_eq!(warned(&cloud), ["server-ca-is-client-ca"]);
}

#[tokio::test]
async fn names_that_do_not_go_together_are_told_before_anything_is_sent() {
    // A resolver where nobody is: the question for the name is never answered.
    let of = |host: &str, namespace: &str| {
        Doctor::new(host, 7233)
            .with_namespace(namespace)
            .with_resolver("127.0.0.1:1".parse().unwrap())
            .with_patience(std::time::Duration::from_millis(50))
    };
    for (host, namespace, warnings) in [
        ("hello.a1b2c.tmprl.cloud", "hello.a1b2c", vec![]),
        ("hello.a1b2c.tmprl.cloud", "hello", vec!["namespace-without-account"]),
        ("hello.a1b2c.tmprl.cloud", "other.a1b2c", vec!["namespace-of-another-endpoint"]),
        ("eu-central-1.aws.api.temporal.io", "hello.a1b2c", vec!["server-name-needed"]),
        (
            "vpce-0123-abcd.vpce-svc-01.eu-central-1.vpce.amazonaws.com",
            "a.b",
            vec!["server-name-needed"],
        ),
        ("frontend.acme.internal", "default", vec![]),
    ] {
        let diagnosis = of(host, namespace).examine().await;
        assert_fails(&diagnosis, Stage::Dns, "resolver-fails");
        assert_eq!(warned(&diagnosis), warnings, "{host} {namespace}");
    }
    let named = of("eu-central-1.aws.api.temporal.io", "hello.a1b2c")
        .with_server_name("hello.a1b2c.tmprl.cloud");
    assert!(warned(&named.examine().await).is_empty());
    let url = of("https://hello.a1b2c.tmprl.cloud", "hello.a1b2c").examine().await;
    assert_fails(&url, Stage::Configuration, "host-invalid");
}
