//! The backends of AWS on the stand-in for AWS.
#![cfg(all(feature = "aws", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/aws.rs"]
mod aws;
#[path = "support/contract.rs"]
mod contract;

#[path = "aws/creating.rs"]
mod creating;
#[path = "aws/errors.rs"]
mod errors;
#[path = "aws/fleet.rs"]
mod fleet;
#[path = "aws/issuing.rs"]
mod issuing;
#[cfg(feature = "connect")]
#[path = "aws/journey.rs"]
mod journey;
#[path = "aws/logs.rs"]
mod logs;
#[path = "aws/managed.rs"]
mod managed;
#[cfg(feature = "route53")]
#[path = "aws/route53.rs"]
mod route53;

use std::time::Duration;

use aws::StandIn;
use private_ca::authority::aws::AwsConnection;
use private_ca::{Acm, AcmPca, AcmPcaOptions, KeyAlgorithm, RequestedValidity};

/// For calls that are to wait for something.
const SOON: Duration = Duration::from_secs(2);

async fn start() -> (StandIn, AwsConnection) {
    let aws = StandIn::start().await;
    let connection = AwsConnection::from_sdk_config(aws.sdk_config()).unwrap();
    (aws, connection)
}

fn p256(subject: &str) -> AcmPcaOptions {
    AcmPcaOptions::new(subject.parse().unwrap()).with_key_algorithm(KeyAlgorithm::EcdsaP256)
}

/// An ACTIVE root CA on P-256 for ten years.
fn root(aws: &StandIn, connection: &AwsConnection) -> AcmPca {
    authority(connection, &aws.add_root("Acme Root CA", "EC_prime256v1", 10))
}

fn authority(connection: &AwsConnection, arn: &str) -> AcmPca {
    AcmPca::new(connection, arn.parse().unwrap()).unwrap().with_deadline(SOON)
}

/// ACM with a CA that lets it issue.
fn acm(aws: &StandIn, connection: &AwsConnection) -> Acm {
    let ca = root(aws, connection);
    aws.grant_acm(ca.arn().as_str());
    Acm::of_ca(connection, ca.arn().clone()).unwrap().with_deadline(SOON)
}

#[tokio::test]
async fn aws_private_ca_keeps_the_contract() {
    let (aws, connection) = start().await;
    let root = root(&aws, &connection);
    let expected = contract::AuthorityDiffers::aws_private_ca();
    contract::authority(&root, expected).await;
    let options = p256("O=Acme,CN=Issuing").with_validity(RequestedValidity::days(365));
    let below = AcmPca::create_subordinate(&connection, &root, options).await.unwrap();
    contract::authority(&below, expected).await;
}

#[tokio::test]
async fn acm_keeps_the_contract() {
    let (aws, connection) = start().await;
    contract::managed(&acm(&aws, &connection), contract::ManagedDiffers::acm()).await;
}
