//! The stand-in for AWS, with AWS's own SDK as its client.
#![cfg(all(feature = "aws", feature = "local"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::print_stdout, reason = "the judges say what they skip")]

#[path = "support/aws.rs"]
mod aws;
#[path = "support/judges.rs"]
mod judges;

#[path = "aws_stand_in/acm.rs"]
mod acm;
#[path = "aws_stand_in/authorities.rs"]
mod authorities;
#[path = "aws_stand_in/faults.rs"]
mod faults;
#[path = "aws_stand_in/issuing.rs"]
mod issuing;
#[cfg(feature = "route53")]
#[path = "aws_stand_in/route53.rs"]
mod route53;

use aws::StandIn;
use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_acmpca::operation::issue_certificate::builders::IssueCertificateFluentBuilder;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    ActionType, Asn1Subject, CertificateAuthorityConfiguration, CertificateAuthorityType,
    KeyAlgorithm as KeyName, SigningAlgorithm, Validity, ValidityPeriodType,
};
use private_ca::{Certificate, CertificateRequest, KeyAlgorithm, PrivateKey};

const ROOT: &str = "arn:aws:acm-pca:::template/RootCACertificate/V1";

/// Rather P-256 than the RSA that most people have, because tests make many.
fn configuration(common_name: &str) -> CertificateAuthorityConfiguration {
    let subject =
        Asn1Subject::builder().country("DE").organization("Acme").common_name(common_name);
    CertificateAuthorityConfiguration::builder()
        .key_algorithm(KeyName::EcPrime256v1)
        .signing_algorithm(SigningAlgorithm::Sha256Withecdsa)
        .subject(subject.build())
        .build()
        .unwrap()
}

async fn create(client: &Client, kind: CertificateAuthorityType, common_name: &str) -> String {
    let created = client
        .create_certificate_authority()
        .certificate_authority_type(kind)
        .certificate_authority_configuration(configuration(common_name))
        .send()
        .await
        .unwrap();
    created.certificate_authority_arn.unwrap()
}

fn years(years: i64) -> Validity {
    validity(ValidityPeriodType::Years, years)
}

fn days(days: i64) -> Validity {
    validity(ValidityPeriodType::Days, days)
}

fn validity(kind: ValidityPeriodType, value: i64) -> Validity {
    Validity::builder().r#type(kind).value(value).build().unwrap()
}

/// A call to issue for this request, with a P-256 CA.
fn issue(
    client: &Client,
    authority: &str,
    csr: &str,
    validity: Validity,
) -> IssueCertificateFluentBuilder {
    client
        .issue_certificate()
        .certificate_authority_arn(authority)
        .csr(Blob::new(csr))
        .signing_algorithm(SigningAlgorithm::Sha256Withecdsa)
        .validity(validity)
}

/// Certificate and chain, in PEM.
async fn fetch(client: &Client, authority: &str, certificate: &str) -> (String, Option<String>) {
    let got = client
        .get_certificate()
        .certificate_authority_arn(authority)
        .certificate_arn(certificate)
        .send()
        .await
        .unwrap();
    (got.certificate.unwrap(), got.certificate_chain)
}

async fn csr_of(client: &Client, authority: &str) -> String {
    let csr = client.get_certificate_authority_csr().certificate_authority_arn(authority);
    csr.send().await.unwrap().csr.unwrap()
}

async fn import(client: &Client, authority: &str, certificate: &str, chain: Option<String>) {
    client
        .import_certificate_authority_certificate()
        .certificate_authority_arn(authority)
        .certificate(Blob::new(certificate))
        .set_certificate_chain(chain.map(Blob::new))
        .send()
        .await
        .unwrap();
}

/// A root CA for so many years.
async fn root(client: &Client, validity: Validity) -> String {
    let arn = create(client, CertificateAuthorityType::Root, "Acme Root CA").await;
    install_root(client, &arn, validity).await;
    arn
}

async fn install_root(client: &Client, arn: &str, validity: Validity) {
    let csr = csr_of(client, arn).await;
    let issued = issue(client, arn, &csr, validity).template_arn(ROOT).send().await.unwrap();
    let (certificate, _) = fetch(client, arn, &issued.certificate_arn.unwrap()).await;
    import(client, arn, &certificate, None).await;
}

async fn grant_acm(client: &Client, authority: &str) {
    client
        .create_permission()
        .certificate_authority_arn(authority)
        .principal("acm.amazonaws.com")
        .actions(ActionType::IssueCertificate)
        .actions(ActionType::GetCertificate)
        .actions(ActionType::ListPermissions)
        .send()
        .await
        .unwrap();
}

async fn start() -> (StandIn, Client) {
    let aws = StandIn::start().await;
    let client = Client::new(&aws.sdk_config());
    (aws, client)
}

fn worker_csr() -> String {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let names = ["worker.acme.internal".parse().unwrap(), "10.0.0.1".parse().unwrap()];
    CertificateRequest::new(&key, "O=Acme,CN=worker".parse().unwrap(), &names).unwrap().to_pem()
}

fn parse(pem: &str) -> Certificate {
    Certificate::from_pem_or_der(pem.as_bytes()).unwrap()
}

/// The error's code, whether or not the SDK has a model of it.
fn code<T, E: ProvideErrorMetadata, R>(result: Result<T, SdkError<E, R>>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(SdkError::ServiceError(error)) => {
            error.err().meta().code().unwrap_or("no code").to_owned()
        }
        Err(SdkError::DispatchFailure(_)) => "cut".to_owned(),
        Err(SdkError::ResponseError(_)) => "cut".to_owned(),
        Err(_) => "other".to_owned(),
    }
}
