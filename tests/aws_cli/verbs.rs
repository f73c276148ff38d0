//! The journey on AWS, verb by verb.

use std::time::Duration;

use private_ca::Identity;

use super::aws::Readiness;
use super::{Desk, folder};

#[tokio::test]
async fn the_whole_journey_with_one_changed_argument() {
    let desk = Desk::new().await;
    let created =
        desk.json(&["ca", "create", "--backend", "aws", "--subject", "O=Acme,CN=Acme Root"]).await;
    let ca = created["ca"].as_str().unwrap().to_owned();
    let listed = desk.yes(&["ca", "list"]).await;
    assert!(listed.contains(&ca) && listed.contains("ACTIVE"), "{listed}");
    let shown = desk.yes(&["ca", "show", "--ca", &ca]).await;
    assert!(shown.contains("O=Acme,CN=Acme Root"), "{shown}");
    std::fs::write(desk.path("root.pem"), desk.aws.issued_by(&ca)[0].to_pem()).unwrap();

    desk.yes(&["ca", "grant-acm", "--ca", &ca]).await;
    desk.yes(&["ca", "grant-acm", "--ca", &ca]).await;
    let exported = desk
        .json(&[
            "export",
            "--ca",
            &ca,
            "--dns",
            "worker.acme.internal",
            "--passphrase-file",
            "passphrase.txt",
            "--out",
            "worker",
        ])
        .await;
    let id = exported["id"].as_str().unwrap().to_owned();
    desk.yes(&["verify", "--anchors", "root.pem", "worker/certificate.txt"]).await;
    desk.yes(&[
        "key",
        "decrypt",
        "worker/private_key.txt",
        "--passphrase-file",
        "passphrase.txt",
        "--out",
        "worker/private_key_nopass.txt",
    ])
    .await;
    let read = |name: &str| std::fs::read(desk.path(name)).unwrap();
    let whole = [read("worker/certificate.txt"), read("worker/certificate_chain.txt")].concat();
    let key = read("worker/private_key_nopass.txt");
    Identity::from_pem(&whole, &key, None).unwrap();

    // A renewal makes the copy an old one.
    desk.yes(&["status", &id, "--exported", "worker/certificate.txt"]).await;
    let renewed = desk.yes(&["renew", &id]).await;
    assert!(renewed.contains("private-ca export"), "{renewed}");
    let (status, said) = desk.no(&["status", &id, "--exported", "worker/certificate.txt"]).await;
    assert_eq!(status, 1, "{said}");
    let again =
        ["export", "--certificate", &id, "--passphrase-file", "passphrase.txt", "--out", "worker"];
    let (status, said) = desk.no(&again).await;
    assert_eq!(status, 1, "{said}");
    desk.yes(&[&again[..], &["--overwrite"]].concat()).await;
    desk.yes(&["status", &id, "--exported", "worker/certificate.txt"]).await;
}

#[tokio::test]
async fn issuing_and_revoking() {
    let desk = Desk::new().await;
    let ca = desk.aws.add_root("Acme Root", "RSA_2048", 10);
    let issued = desk
        .json(&[
            "issue",
            "--ca",
            &ca,
            "--subject",
            "O=Acme,CN=worker-1",
            "--dns",
            "worker.acme.internal",
            "--key",
            "p256",
            "--days",
            "7",
            "--out",
            "worker",
        ])
        .await;
    assert_eq!(issued["certificate"]["subject"], "O=Acme,CN=worker-1");
    assert_eq!(
        folder(&desk.path("worker")),
        ["certificate.txt", "certificate_chain.txt", "private_key_nopass.txt"]
    );
    let serial = issued["certificate"]["serial_number"].as_str().unwrap();
    desk.yes(&["revoke", "--ca", &ca, serial, "--reason", "keyCompromise"]).await;
    assert_eq!(desk.aws.revoked_by(&ca)[0].1, "KEY_COMPROMISE");
    let (status, said) = desk.no(&["revoke", "--ca", &ca, serial]).await;
    assert!(status == 1 && said.contains("revoked already"), "{said}");

    let both = [
        "issue",
        "--ca",
        &ca,
        "--subject",
        "CN=both",
        "--key",
        "p256",
        "--template",
        "EndEntityCertificate",
        "--out",
        "both",
    ];
    desk.yes(&both).await;
    let call = desk.aws.calls().into_iter().rfind(|call| call.operation == "IssueCertificate");
    let template = call.unwrap().body["TemplateArn"].as_str().unwrap().to_owned();
    assert_eq!(template, "arn:aws:acm-pca:::template/EndEntityCertificate/V1");
}

#[tokio::test]
async fn a_certificate_that_is_late_is_fetched_beside_its_key() {
    let desk = Desk::new().await;
    let ca = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    let an_hour = Duration::from_secs(3600);
    desk.aws.behave(|behaviour| behaviour.issuing = Readiness::after(an_hour));
    let words = [
        "issue",
        "--ca",
        &ca,
        "--subject",
        "CN=late",
        "--key",
        "p256",
        "--deadline",
        "2",
        "--out",
        "late",
    ];
    let (status, said) = desk.no(&words).await;
    assert_eq!(status, 1, "{said}");
    assert_eq!(folder(&desk.path("late")), ["private_key_pending.txt"]);
    desk.aws.advance(an_hour);
    // What it said to do, word by word.
    let advice = said.split_once("private-ca issue").unwrap().1;
    let advice: Vec<_> = advice.lines().next().unwrap().split_whitespace().collect();
    desk.yes(&[&["issue"], &advice[..]].concat()).await;
    let read = |name: &str| std::fs::read(desk.path(name)).unwrap();
    let whole = [read("late/certificate.txt"), read("late/certificate_chain.txt")].concat();
    Identity::from_pem(&whole, &read("late/private_key_nopass.txt"), None).unwrap();
}

#[tokio::test]
async fn cas_of_both_kinds_stand_below_each_other() {
    let desk = Desk::new().await;
    let in_aws = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    let local = [
        "ca",
        "create",
        "--dir",
        "local",
        "--subject",
        "CN=Local issuing",
        "--key",
        "p256",
        "--days",
        "365",
        "--path-len",
        "0",
        "--parent",
        &in_aws,
    ];
    desk.yes(&local).await;
    desk.yes(&["issue", "--ca", "local", "--subject", "CN=w", "--key", "p256", "--out", "w"]).await;
    std::fs::write(desk.path("root.pem"), desk.aws.issued_by(&in_aws)[0].to_pem()).unwrap();
    let verify = ["verify", "--anchors", "root.pem", "w/certificate_with_intermediates.txt"];
    desk.yes(&verify).await;

    desk.yes(&["ca", "create", "--dir", "root", "--subject", "CN=Local root", "--key", "p256"])
        .await;
    let below = desk
        .json(&[
            "ca",
            "create",
            "--backend",
            "aws",
            "--subject",
            "CN=AWS issuing",
            "--key",
            "p256",
            "--days",
            "365",
            "--parent",
            "root",
        ])
        .await;
    let below = below["ca"].as_str().unwrap();
    desk.yes(&["issue", "--ca", below, "--subject", "CN=v", "--key", "p256", "--out", "v"]).await;
    let verify =
        ["verify", "--anchors", "root/certificate.pem", "v/certificate_with_intermediates.txt"];
    desk.yes(&verify).await;
}

#[tokio::test]
async fn a_public_certificate_shows_its_records_or_has_them_created() {
    let desk = Desk::new().await;
    let shown =
        desk.yes(&["request", "--public", "--exportable", "--dns", "www.example.com"]).await;
    assert!(shown.contains("CNAME"), "{shown}");
    let words = ["request", "--public", "--exportable", "--dns", "shop.example.com", "--route53"];
    let (status, said) = desk.no(&words).await;
    assert!(status == 1 && said.contains("hosted zone"), "{said}");
    desk.aws.add_hosted_zone("example.com", false);
    let requested = desk.json(&words).await;
    let id = requested["id"].as_str().unwrap();
    let status = desk.yes(&["status", id]).await;
    assert!(status.contains("issued"), "{status}");
    desk.yes(&[
        "export",
        "--certificate",
        id,
        "--passphrase-file",
        "passphrase.txt",
        "--out",
        "shop",
    ])
    .await;
}
