//! The stand-in for AWS, with AWS's own SDK as its client.
#![cfg(feature = "aws")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/aws.rs"]
mod aws;

use aws::StandIn;

#[tokio::test]
async fn starts() {
    let aws = StandIn::start().await;
    let private_ca = aws_sdk_acmpca::Client::new(&aws.sdk_config());
    let listed = private_ca.list_certificate_authorities().send().await.unwrap();
    assert!(listed.certificate_authorities().is_empty());
}
