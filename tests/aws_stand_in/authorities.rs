use std::time::Duration;

use aws_sdk_acmpca::client::Waiters;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{
    CertificateAuthorityStatus, CertificateAuthorityType, CrlConfiguration, CustomAttribute,
    ResourceOwner, RevocationConfiguration, Tag,
};
use private_ca::verify::{Purpose, Verification, Verifier};

use super::aws::{OTHER_ACCOUNT, Readiness, StandIn};
use super::*;

async fn status(client: &Client, arn: &str) -> CertificateAuthorityStatus {
    let described = client.describe_certificate_authority().certificate_authority_arn(arn);
    described.send().await.unwrap().certificate_authority.unwrap().status.unwrap()
}

#[tokio::test]
async fn a_root_is_created_and_installed() {
    let (aws, client) = start().await;
    aws.behave(|behaviour| behaviour.creating = Readiness::after_polls(2));
    let arn = create(&client, CertificateAuthorityType::Root, "Acme Root CA").await;
    assert!(arn.starts_with("arn:aws:acm-pca:eu-central-1:123456789012:certificate-authority/"));
    let early = client.get_certificate_authority_csr().certificate_authority_arn(&arn).send().await;
    assert_eq!(code(early), "RequestInProgressException");
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::Creating);
    client
        .wait_until_certificate_authority_csr_created()
        .certificate_authority_arn(&arn)
        .wait(Duration::from_secs(30))
        .await
        .unwrap();
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::PendingCertificate);
    let none = client.get_certificate_authority_certificate().certificate_authority_arn(&arn);
    assert_eq!(code(none.send().await), "InvalidStateException");
    let too_early = issue(&client, &arn, &worker_csr(), days(1)).send().await;
    assert_eq!(code(too_early), "InvalidStateException");

    install_root(&client, &arn, years(10)).await;
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::Active);
    let own = client.get_certificate_authority_certificate().certificate_authority_arn(&arn);
    let own = own.send().await.unwrap();
    assert_eq!(own.certificate_chain, None);
    let certificate = parse(&own.certificate.unwrap());
    assert_eq!(certificate.subject().to_string(), certificate.issuer().to_string());
    assert_eq!(certificate.subject().to_string(), "C=DE,O=Acme,CN=Acme Root CA");
    assert_eq!(
        certificate.key_usage().unwrap().to_string(),
        "digitalSignature, keyCertSign, cRLSign"
    );
    assert_eq!(certificate.basic_constraints().unwrap().path_len, None);
    assert_eq!(aws.calls().first().unwrap().action(), "acm-pca:CreateCertificateAuthority");
}

#[tokio::test]
async fn a_subordinate_is_installed_with_its_chain() {
    let (_aws, client) = start().await;
    let root = root(&client, years(10)).await;
    let arn = create(&client, CertificateAuthorityType::Subordinate, "Acme Issuing CA").await;
    let csr = csr_of(&client, &arn).await;
    let template = "arn:aws:acm-pca:::template/SubordinateCACertificate_PathLen0/V1";
    let issued = issue(&client, &root, &csr, years(3)).template_arn(template).send().await.unwrap();
    let (certificate, chain) = fetch(&client, &root, &issued.certificate_arn.unwrap()).await;
    assert_eq!(parse(&certificate).basic_constraints().unwrap().path_len, Some(0));

    let below = issue(&client, &root, &csr, years(3));
    let below = below.template_arn(template.replace("PathLen0", "PathLen3")).send().await.unwrap();
    assert!(below.certificate_arn.is_some(), "the root sets no limit");

    // A key, a place in the hierarchy or a chain that are not its own.
    let import_of = |certificate: &str, chain: Option<&str>| {
        client
            .import_certificate_authority_certificate()
            .certificate_authority_arn(&arn)
            .certificate(Blob::new(certificate))
            .set_certificate_chain(chain.map(Blob::new))
            .send()
    };
    let chain = chain.unwrap();
    assert_eq!(code(import_of(&chain, None).await), "CertificateMismatchException");
    assert_eq!(code(import_of(&certificate, None).await), "CertificateMismatchException");
    assert_eq!(code(import_of("no PEM", None).await), "MalformedCertificateException");
    import(&client, &arn, &certificate, Some(chain.clone())).await;

    let below = issue(&client, &arn, &worker_csr(), days(30)).template_arn(template).send().await;
    assert_eq!(code(below), "InvalidArgsException");
    let leaf = issue(&client, &arn, &worker_csr(), days(30)).send().await.unwrap();
    let (leaf, leaf_chain) = fetch(&client, &arn, &leaf.certificate_arn.unwrap()).await;
    assert_eq!(leaf_chain.unwrap(), format!("{certificate}{chain}"));
    let (leaf, intermediate, anchor) = (parse(&leaf), parse(&certificate), parse(&chain));
    let verifier = Verifier::new([anchor.clone()]).unwrap();
    let verification = Verification::new(Purpose::Client);
    verifier.verify(&leaf, std::slice::from_ref(&intermediate), &verification).unwrap();
    let case = super::judges::Case {
        anchors: &[anchor],
        intermediates: &[intermediate],
        leaf: &leaf,
        purpose: Purpose::Client,
        at: private_ca::Timestamp::now(),
        name: None,
    };
    super::judges::webpki(&case).unwrap();
    if let Some(verdict) = super::judges::openssl(&case) {
        verdict.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_created_is_refused() {
    let (_aws, client) = start().await;
    let create = |configuration| {
        client
            .create_certificate_authority()
            .certificate_authority_type(CertificateAuthorityType::Root)
            .certificate_authority_configuration(configuration)
    };
    let good = configuration("Acme");
    let mut unfit = good.clone();
    unfit.signing_algorithm = SigningAlgorithm::Sha256Withrsa;
    assert_eq!(code(create(unfit).send().await), "InvalidArgsException");
    let mut mixed = good.clone();
    let custom =
        CustomAttribute::builder().object_identifier("1.2.3.4").value("x").build().unwrap();
    mixed.subject.as_mut().unwrap().custom_attributes = Some(vec![custom]);
    assert_eq!(code(create(mixed).send().await), "InvalidArgsException");
    let no_bucket = CrlConfiguration::builder().enabled(true).build().unwrap();
    let no_bucket = RevocationConfiguration::builder().crl_configuration(no_bucket).build();
    let refused = create(good.clone()).revocation_configuration(no_bucket).send().await;
    assert_eq!(code(refused), "InvalidArgsException");

    let twice = create(good).idempotency_token("once");
    let first = twice.clone().send().await.unwrap().certificate_authority_arn;
    assert_eq!(twice.send().await.unwrap().certificate_authority_arn, first);
    let lost = client.describe_certificate_authority();
    assert_eq!(
        code(lost.clone().certificate_authority_arn("arn:x").send().await),
        "InvalidArnException"
    );
    let unknown = format!("{}0", first.unwrap());
    let unknown = lost.certificate_authority_arn(unknown).send().await;
    assert_eq!(code(unknown), "ResourceNotFoundException");
}

#[tokio::test]
async fn it_goes_through_its_states() {
    let (aws, client) = start().await;
    let arn = root(&client, days(100)).await;
    let delete = client.delete_certificate_authority().certificate_authority_arn(&arn);
    assert_eq!(code(delete.clone().send().await), "InvalidStateException");
    let update = client.update_certificate_authority().certificate_authority_arn(&arn);
    update.clone().status(CertificateAuthorityStatus::Disabled).send().await.unwrap();
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::Disabled);
    let refused = issue(&client, &arn, &worker_csr(), days(1)).send().await;
    assert_eq!(code(refused), "InvalidStateException");
    let hasty = delete.clone().permanent_deletion_time_in_days(6).send().await;
    assert_eq!(code(hasty), "ValidationException");
    delete.clone().permanent_deletion_time_in_days(7).send().await.unwrap();
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::Deleted);
    let restore = client.restore_certificate_authority().certificate_authority_arn(&arn);
    restore.send().await.unwrap();
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::Disabled);

    aws.advance(Duration::from_secs(101 * 86_400));
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::Expired);
    assert_eq!(code(update.send().await), "InvalidStateException");
    delete.permanent_deletion_time_in_days(7).send().await.unwrap();
    aws.advance(Duration::from_secs(8 * 86_400));
    let gone = client.describe_certificate_authority().certificate_authority_arn(&arn).send().await;
    assert_eq!(code(gone), "ResourceNotFoundException");
}

#[tokio::test]
async fn creating_can_fail() {
    let (aws, client) = start().await;
    aws.behave(|behaviour| behaviour.creating_fails = true);
    let arn = create(&client, CertificateAuthorityType::Root, "Acme Root CA").await;
    assert_eq!(status(&client, &arn).await, CertificateAuthorityStatus::Failed);
    let csr = client.get_certificate_authority_csr().certificate_authority_arn(&arn).send().await;
    assert_eq!(code(csr), "RequestFailedException");
}

#[tokio::test]
async fn permissions_policies_and_tags_are_kept() {
    let (_aws, client) = start().await;
    let arn = root(&client, years(2)).await;
    grant_acm(&client, &arn).await;
    let again = client
        .create_permission()
        .certificate_authority_arn(&arn)
        .principal("acm.amazonaws.com")
        .actions(ActionType::IssueCertificate)
        .send()
        .await;
    assert_eq!(code(again), "PermissionAlreadyExistsException");
    let list = client.list_permissions().certificate_authority_arn(&arn);
    assert_eq!(list.clone().send().await.unwrap().permissions()[0].actions().len(), 3);
    let delete = client.delete_permission().certificate_authority_arn(&arn);
    delete.principal("acm.amazonaws.com").send().await.unwrap();
    assert!(list.send().await.unwrap().permissions().is_empty());

    let get = client.get_policy().resource_arn(&arn);
    assert_eq!(code(get.clone().send().await), "ResourceNotFoundException");
    let put = client.put_policy().resource_arn(&arn);
    assert_eq!(code(put.clone().policy("{").send().await), "InvalidPolicyException");
    put.policy(r#"{"Statement": []}"#).send().await.unwrap();
    assert_eq!(get.send().await.unwrap().policy(), Some(r#"{"Statement": []}"#));

    let tag = Tag::builder().key("team").value("payments").build().unwrap();
    let add = client.tag_certificate_authority().certificate_authority_arn(&arn).tags(tag);
    add.send().await.unwrap();
    let tags = client.list_tags().certificate_authority_arn(&arn).send().await.unwrap();
    assert_eq!(tags.tags()[0].value(), Some("payments"));
}

#[tokio::test]
async fn lists_come_in_pages_and_by_owner() {
    let (aws, client) = start().await;
    aws.behave(|behaviour| behaviour.page_size = 2);
    let mut arns = Vec::new();
    for number in 0..5 {
        let name = format!("CA {number}");
        arns.push(create(&client, CertificateAuthorityType::Root, &name).await);
    }
    aws.share(&arns[0], &[]);
    let own: Result<Vec<_>, _> =
        client.list_certificate_authorities().into_paginator().items().send().collect().await;
    let own: Vec<_> = own.unwrap().into_iter().map(|authority| authority.arn.unwrap()).collect();
    assert_eq!(own, arns[1..]);
    assert_eq!(aws.count("ListCertificateAuthorities"), 2);
    let shared = client.list_certificate_authorities().resource_owner(ResourceOwner::OtherAccounts);
    let shared = shared.send().await.unwrap().certificate_authorities.unwrap();
    assert_eq!(shared[0].owner_account(), Some(OTHER_ACCOUNT));
    let wrong = client.list_certificate_authorities().next_token("other").send().await;
    assert_eq!(code(wrong), "InvalidNextTokenException");
}

#[tokio::test]
async fn other_partitions_have_other_arns() {
    let aws = StandIn::start_in_partition("aws-us-gov").await;
    let client = Client::new(&aws.sdk_config());
    let arn = create(&client, CertificateAuthorityType::Root, "Acme").await;
    assert!(arn.starts_with("arn:aws-us-gov:acm-pca:"));
    let csr = csr_of(&client, &arn).await;
    let wrong = issue(&client, &arn, &csr, years(1)).template_arn(ROOT).send().await;
    assert_eq!(code(wrong), "InvalidArgsException");
    let right = ROOT.replace("arn:aws:", "arn:aws-us-gov:");
    issue(&client, &arn, &csr, years(1)).template_arn(right).send().await.unwrap();
}
