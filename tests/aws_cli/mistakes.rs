//! What a user gets wrong on AWS, and what is said then.

use super::Desk;
use super::aws::Fault;

#[tokio::test]
async fn each_mistake_has_its_sentence_and_its_status() {
    let desk = Desk::new().await;
    let ca = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    let issue = |ca: &str, more: &[&str]| -> Vec<String> {
        let mut words: Vec<_> =
            ["issue", "--ca", ca, "--subject", "CN=w", "--key", "p256", "--out", "w"]
                .map(str::to_owned)
                .to_vec();
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    };
    let gone = ca.replace("certificate-authority/", "certificate-authority/0");
    for (words, status, sentence) in [
        (issue(&gone, &[]), 1, "there is no CA"),
        (issue(&ca, &["--region", "us-east-1"]), 2, "another region"),
        (issue("arn:aws:acm-pca:eu-central-1:123456789012:certificate", &[]), 2, "a private CA"),
        (issue(&ca, &["--days", "9999"]), 1, "after its CA"),
        (issue(&ca, &["--template", "No Such"]), 2, "a certificate template"),
        (issue(&ca, &["--ca-passphrase-file", "passphrase.txt"]), 2, "AWS keeps the key"),
        (issue(&ca, &["--endpoint-url", "http://127.0.0.1:9"]), 2, "got no answer from AWS"),
    ] {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let (was, said) = desk.no(&words).await;
        assert!(said.contains(sentence), "{words:?}: {said}");
        assert_eq!(was, status, "{words:?}: {said}");
        // A key that belongs to nothing is not left behind to be taken for one that does, unless
        // nobody knows whether a certificate was issued for it.
        assert!(!desk.path("w").exists(), "{words:?}");
    }
}

#[tokio::test]
async fn what_aws_refuses_is_said_by_cause() {
    let desk = Desk::new().await;
    let ca = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    for (code, status, sentence) in [
        ("AccessDeniedException", 1, "acm-pca:IssueCertificate"),
        ("LimitExceededException", 1, "quota"),
        ("ExpiredTokenException", 2, "expired"),
        ("UnrecognizedClientException", 2, "does not accept the credentials"),
        ("MalformedCSRException", 1, "MalformedCSRException"),
    ] {
        // The SDK asks again where it may be a matter of time.
        desk.aws.fail_next("IssueCertificate", 2, Fault::error(code));
        let words = ["issue", "--ca", &ca, "--subject", "CN=w", "--key", "p256", "--out", "w"];
        let (was, said) = desk.no(&words).await;
        assert!(said.contains(sentence), "{code}: {said}");
        assert_eq!(was, status, "{code}: {said}");
        assert!(!desk.path("w").exists(), "{code}");
        desk.aws.forget_faults();
    }
}

#[tokio::test]
async fn a_forgotten_grant_is_named_with_its_mend() {
    let desk = Desk::new().await;
    let ca = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    let words = [
        "export",
        "--ca",
        &ca,
        "--dns",
        "w.acme.internal",
        "--passphrase-file",
        "passphrase.txt",
        "--out",
        "w",
    ];
    let (status, said) = desk.no(&words).await;
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("ca grant-acm") && said.contains("PCA_ACCESS_DENIED"), "{said}");
    desk.yes(&["ca", "grant-acm", "--ca", &ca]).await;
    desk.yes(&words).await;
}

#[tokio::test]
async fn a_passphrase_that_acm_would_refuse_is_refused_before_anything_is_asked() {
    let desk = Desk::new().await;
    let ca = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    std::fs::write(desk.path("bad.txt"), "100% sure\n").unwrap();
    let words = [
        "export",
        "--ca",
        &ca,
        "--dns",
        "w.acme.internal",
        "--passphrase-file",
        "bad.txt",
        "--out",
        "w",
    ];
    let (status, said) = desk.no(&words).await;
    assert!(status == 1 && said.contains("#, $ or %"), "{said}");
    assert!(desk.aws.calls().is_empty());
    assert!(!said.contains("sure"), "{said}");
}

#[tokio::test]
async fn without_credentials_or_a_region_it_says_where_they_come_from() {
    let desk = Desk::new().await;
    let ca = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    let words = ["ca", "list", "--profile", "nobody"];
    let (status, said) = desk.no(&words).await;
    assert!(status == 2 && said.contains("credentials"), "{said}");

    // A role is assumed in a region; the stand-in has no STS, so this is as far as it goes.
    std::fs::create_dir(desk.path(".aws")).unwrap();
    let config = "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/ca\nsource_profile = source\n\n[profile source]\naws_access_key_id = a\naws_secret_access_key = b\n";
    std::fs::write(desk.path(".aws/config"), config).unwrap();
    let (status, said) = desk.no(&["ca", "list", "--profile", "role"]).await;
    assert!(status == 2 && said.contains("credentials"), "{said}");
    assert!(!said.contains("Region"), "{said}");
    drop(ca);
}
