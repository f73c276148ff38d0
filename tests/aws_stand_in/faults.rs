use std::time::{Duration, Instant};

use aws_sdk_acmpca::config::retry::RetryConfig;

use super::aws::{Cut, Fault};
use super::*;

async fn list(client: &Client) -> String {
    code(client.list_certificate_authorities().send().await)
}

#[tokio::test]
async fn the_sdk_retries_what_passes() {
    let (aws, client) = start().await;
    for fault in [
        Fault::Throttle,
        Fault::internal(),
        Fault::CutConnection(Cut::BeforeResponse),
        Fault::CutConnection(Cut::InBody),
    ] {
        aws.forget_calls();
        aws.fail_next("acm-pca:ListCertificateAuthorities", 2, fault.clone());
        assert_eq!(list(&client).await, "no error", "{fault:?}");
        assert_eq!(aws.count("ListCertificateAuthorities"), 3, "{fault:?}");
    }
    aws.fail_next("*", 3, Fault::Throttle);
    assert_eq!(list(&client).await, "ThrottlingException");
    aws.fail_next("*", 1, Fault::error("AccessDeniedException"));
    assert_eq!(list(&client).await, "AccessDeniedException");
}

#[tokio::test]
async fn a_lost_response_leaves_its_work_done() {
    let (aws, client) = start().await;
    let ca = root(&client, years(2)).await;
    let once = aws_sdk_acmpca::config::Builder::from(&aws.sdk_config())
        .retry_config(RetryConfig::disabled())
        .build();
    let hasty = Client::from_conf(once);
    for cut in [Cut::BeforeResponse, Cut::AfterHeaders, Cut::InBody] {
        aws.fail_next("IssueCertificate", 1, Fault::CutAfterDoing(cut));
        let token = format!("{cut:?}");
        let lost = issue(&hasty, &ca, &worker_csr(), days(1)).idempotency_token(&token);
        assert_eq!(code(lost.clone().send().await), "cut", "{cut:?}");
        // It was issued, and the token finds it.
        aws.forget_calls();
        let found = lost.send().await.unwrap().certificate_arn.unwrap();
        fetch(&client, &ca, &found).await;
    }
}

#[tokio::test]
async fn a_policy_allows_what_it_names() {
    let (aws, client) = start().await;
    let actions = vec!["acm-pca:ListCertificateAuthorities".to_owned()];
    aws.behave(|behaviour| behaviour.allowed_actions = Some(actions));
    assert_eq!(list(&client).await, "no error");
    let denied = client.list_tags().certificate_authority_arn("arn:x").send().await;
    assert_eq!(code(denied), "AccessDeniedException");
}

#[tokio::test]
async fn a_delay_delays() {
    let (aws, client) = start().await;
    aws.fail_next("ListCertificateAuthorities", 1, Fault::Delay(Duration::from_millis(200)));
    let start = Instant::now();
    assert_eq!(list(&client).await, "no error");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_by_the_date_of_the_refusal() {
    let (aws, client) = start().await;
    aws.behave(|behaviour| behaviour.clock_ahead_seconds = 3600);
    assert_eq!(list(&client).await, "no error");
    assert_eq!(aws.count("ListCertificateAuthorities"), 2);
    let skew = Fault::ClockSkew { ahead_seconds: -7200, code: "RequestTimeTooSkewed" };
    aws.fail_next("*", 5, skew);
    let refused = list(&client).await;
    assert_eq!(refused, "RequestTimeTooSkewed");
}
