//! The IAM policies in the manual against the calls that each verb makes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Desk;
use super::aws::StandIn;

/// Actions by verb, from the manual.
fn policies() -> BTreeMap<String, BTreeSet<String>> {
    let text = include_str!("../../src/manual/permissions.md");
    let sections = text.split("\n## `private-ca ").skip(1);
    let mut policies = BTreeMap::new();
    for section in sections {
        let (verb, rest) = section.split_once('`').unwrap();
        let (_, policy) = rest.split_once("```json\n").unwrap();
        let (policy, _) = policy.split_once("```").unwrap();
        let policy: Value = serde_json::from_str(policy).unwrap();
        let mut actions = BTreeSet::new();
        for statement in policy["Statement"].as_array().unwrap() {
            assert_eq!(statement["Effect"], "Allow");
            for action in statement["Action"].as_array().unwrap() {
                let service = action.as_str().unwrap().split(':').next().unwrap();
                // Each action stands beside resources of its own service.
                let resource = statement["Resource"].as_str().unwrap();
                assert!(resource == "*" || resource.contains(&format!(":{service}:")), "{verb}");
                actions.insert(action.as_str().unwrap().to_owned());
            }
        }
        assert!(policies.insert(verb.to_owned(), actions).is_none(), "{verb} is there twice");
    }
    policies
}

fn made(aws: &StandIn) -> BTreeSet<String> {
    aws.calls().iter().map(|call| call.action()).collect()
}

#[tokio::test]
async fn each_verb_calls_what_its_policy_allows_and_nothing_else() {
    let mut policies = policies();
    let desk = Desk::new().await;
    let root = desk.aws.add_root("Acme Root", "EC_prime256v1", 10);
    let other = desk.aws.add_root("Other Root", "EC_prime256v1", 10);
    desk.aws.grant_acm(&root);
    desk.aws.add_hosted_zone("example.com", false);
    let bare = desk.json(&["ca", "create", "--backend", "aws", "--subject", "CN=Bare"]).await;
    let _ = bare;

    let issued = desk
        .json(&["issue", "--ca", &root, "--subject", "CN=w", "--key", "p256", "--out", "issued"])
        .await;
    let serial = issued["certificate"]["serial_number"].as_str().unwrap().to_owned();
    let exported = desk
        .json(&[
            "export",
            "--ca",
            &root,
            "--dns",
            "w.acme.internal",
            "--key",
            "p256",
            "--passphrase-file",
            "passphrase.txt",
            "--out",
            "exported",
        ])
        .await;
    let managed = exported["id"].as_str().unwrap().to_owned();

    // Every verb under the policy of its section, and no other; what the stand-in is not allowed
    // to do, it refuses.
    let subject = "O=Acme,CN=New";
    let scenarios: Vec<(&str, Vec<Vec<&str>>)> = vec![
        (
            "ca create",
            vec![vec![
                "ca",
                "create",
                "--backend",
                "aws",
                "--subject",
                subject,
                "--key",
                "p256",
                "--tag",
                "team=workers",
                "--idempotency-key",
                "new",
            ]],
        ),
        (
            "ca create --parent",
            vec![vec![
                "ca",
                "create",
                "--backend",
                "aws",
                "--subject",
                "CN=Below",
                "--key",
                "p256",
                "--parent",
                &root,
                "--days",
                "365",
                "--idempotency-key",
                "below",
            ]],
        ),
        ("ca list", vec![vec!["ca", "list"]]),
        ("ca show", vec![vec!["ca", "show", "--ca", &root]]),
        (
            "ca grant-acm",
            vec![
                vec!["ca", "grant-acm", "--ca", &other],
                vec!["ca", "grant-acm", "--ca", &other, "--revoke"],
            ],
        ),
        ("ca disable", vec![vec!["ca", "disable", "--ca", &other]]),
        ("ca enable", vec![vec!["ca", "enable", "--ca", &other]]),
        (
            "ca audit-report",
            vec![vec!["ca", "audit-report", "--ca", &root, "--bucket", "acme-reports"]],
        ),
        (
            "ca policy",
            vec![
                vec!["ca", "policy", "--ca", &root, "--put", "policy.json"],
                vec!["ca", "policy", "--ca", &root],
                vec!["ca", "policy", "--ca", &root, "--delete"],
            ],
        ),
        (
            "issue",
            vec![vec!["issue", "--ca", &root, "--subject", "CN=v", "--key", "p256", "--out", "v"]],
        ),
        ("revoke", vec![vec!["revoke", "--ca", &root, &serial, "--reason", "superseded"]]),
        ("request", vec![vec!["request", "--ca", &root, "--dns", "x.acme.internal"]]),
        (
            "request --public --route53",
            vec![vec!["request", "--public", "--dns", "www.example.com", "--route53"]],
        ),
        (
            "export",
            vec![vec![
                "export",
                "--ca",
                &root,
                "--dns",
                "y.acme.internal",
                "--key",
                "p256",
                "--passphrase-file",
                "passphrase.txt",
                "--out",
                "y",
            ]],
        ),
        ("status", vec![vec!["status", &managed]]),
        ("renew", vec![vec!["renew", &managed]]),
        ("ca delete", vec![vec!["ca", "delete", "--ca", &other, "--yes"]]),
        ("ca restore", vec![vec!["ca", "restore", "--ca", &other]]),
    ];
    std::fs::write(desk.path("policy.json"), r#"{"Version": "2012-10-17", "Statement": []}"#)
        .unwrap();
    for (verb, commands) in scenarios {
        let policy = policies.remove(verb).unwrap_or_else(|| panic!("no policy for {verb}"));
        let allowed: Vec<_> = policy.iter().cloned().collect();
        desk.aws.behave(|behaviour| behaviour.allowed_actions = Some(allowed));
        desk.aws.forget_calls();
        for command in commands {
            desk.yes(&command).await;
        }
        let mut expected = policy;
        // IAM asks for it where a CA is created with tags; there is no call of its own.
        if verb.starts_with("ca create") {
            assert!(expected.remove("acm-pca:TagCertificateAuthority"), "{verb}");
        }
        assert_eq!(made(&desk.aws), expected, "{verb}");
    }

    // A CA that was left without a certificate.
    desk.aws.behave(|behaviour| behaviour.allowed_actions = None);
    desk.aws.fail_next(
        "ImportCertificateAuthorityCertificate",
        1,
        super::aws::Fault::error("RequestFailedException"),
    );
    let (status, said) = desk
        .no(&["ca", "create", "--backend", "aws", "--subject", "CN=Left", "--key", "p256"])
        .await;
    assert_eq!(status, 1, "{said}");
    let (_, left) = said.split_once("ca install --ca ").unwrap();
    let left = left.split_whitespace().next().unwrap();
    let policy = policies.remove("ca install").unwrap();
    let allowed: Vec<_> = policy.iter().cloned().collect();
    desk.aws.behave(|behaviour| behaviour.allowed_actions = Some(allowed));
    desk.aws.forget_calls();
    desk.yes(&["ca", "install", "--ca", left]).await;
    assert_eq!(made(&desk.aws), policy, "ca install");

    assert!(policies.is_empty(), "not tried: {:?}", policies.keys());
}
