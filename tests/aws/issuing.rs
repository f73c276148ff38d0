//! Certificates: asked for, given out, revoked.

use std::collections::HashSet;

use aws_sdk_acmpca::Client;
use aws_sdk_acmpca::primitives::Blob;
use aws_sdk_acmpca::types::{SigningAlgorithm, Validity, ValidityPeriodType};
use private_ca::authority::ValidityEnd;
use private_ca::{
    CaError, CertificateAuthority, CertificateId, CertificatePurpose, CertificateRequest,
    IssueRequest, KeyUsage, PrivateKey, Revocation, RevocationReason, SubjectAlternativeName,
    Timestamp,
};
use serde_json::{Value, json};

use super::aws::{Cut, Fault, Readiness};
use super::contract::{client, request_for};
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn issue_calls(aws: &StandIn) -> Vec<Value> {
    let calls = aws.calls().into_iter();
    calls.filter(|call| call.operation == "IssueCertificate").map(|call| call.body).collect()
}

fn template_of(body: &Value) -> &str {
    let arn = body["TemplateArn"].as_str().unwrap();
    arn.strip_prefix("arn:aws:acm-pca:::template/").unwrap()
}

fn for_purpose(purpose: CertificatePurpose) -> IssueRequest {
    IssueRequest::new(request_for("CN=worker"), purpose, RequestedValidity::days(1))
}

#[tokio::test]
async fn the_purpose_and_what_else_is_asked_choose_the_template() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let below = |path_len| CertificatePurpose::SubordinateCa { path_len: Some(path_len) };
    let usage = KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT;
    let names = || vec!["other.acme.internal".parse().unwrap()];
    let subject = || "CN=other".parse().unwrap();
    for (asked, template) in [
        (for_purpose(CertificatePurpose::Client), "EndEntityClientAuthCertificate/V1"),
        (for_purpose(CertificatePurpose::Server), "EndEntityServerAuthCertificate/V1"),
        (for_purpose(CertificatePurpose::ClientAndServer), "EndEntityCertificate/V1"),
        (for_purpose(below(0)), "SubordinateCACertificate_PathLen0/V1"),
        (for_purpose(below(3)), "SubordinateCACertificate_PathLen3/V1"),
        (
            for_purpose(CertificatePurpose::Client).with_subject(subject()),
            "EndEntityClientAuthCertificate_APIPassthrough/V1",
        ),
        (
            for_purpose(CertificatePurpose::Server).with_subject_alternative_names(names()),
            "EndEntityServerAuthCertificate_APIPassthrough/V1",
        ),
        (
            for_purpose(CertificatePurpose::ClientAndServer).with_key_usage(usage),
            "BlankEndEntityCertificate_APIPassthrough/V1",
        ),
        // AWS's other templates have keyEncipherment beside it.
        (
            for_purpose(CertificatePurpose::Client).with_key_usage(KeyUsage::DIGITAL_SIGNATURE),
            "BlankEndEntityCertificate_APIPassthrough/V1",
        ),
        (
            for_purpose(below(1)).with_subject(subject()),
            "SubordinateCACertificate_PathLen1_APIPassthrough/V1",
        ),
    ] {
        aws.forget_calls();
        let passes_through = template.contains("_APIPassthrough");
        let issued = ca.issue(asked).await;
        let calls = issue_calls(&aws);
        assert_eq!(template_of(&calls[0]), template);
        assert_eq!(calls[0].get("ApiPassthrough").is_some(), passes_through, "{template}");
        issued.unwrap_or_else(|error| panic!("{template}: {error}"));
    }
    for refused in [
        for_purpose(CertificatePurpose::SubordinateCa { path_len: None }),
        for_purpose(below(4)),
        for_purpose(below(0)).with_key_usage(usage),
    ] {
        aws.forget_calls();
        assert!(matches!(ca.issue(refused).await, Err(CaError::NotAllowed { .. })));
        assert_eq!(aws.count("IssueCertificate"), 0);
    }
}

#[tokio::test]
async fn names_of_every_kind_arrive_whole() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let names: Vec<SubjectAlternativeName> = [
        "DNS:worker.acme.internal",
        "DNS:*.acme.internal",
        "IP:10.0.0.9",
        "IP:2001:db8::1",
        "email:worker@acme.example",
        "URI:spiffe://acme/worker",
    ]
    .map(|name| name.parse().unwrap())
    .to_vec();
    for subject in [
        "CN=w",
        "C=DE,O=Acm\u{e9},OU=Payments,ST=Hessen,CN=w,serialNumber=7,L=Darmstadt",
        // No field for one attribute, and another one twice: all of them become custom ones.
        "DC=example,DC=com,CN=w",
        "UID=u,CN=w",
        "OU=a,OU=b,CN=w",
    ] {
        let asked = client("CN=replaced")
            .with_subject(subject.parse().unwrap())
            .with_subject_alternative_names(names.clone());
        let issued = ca.issue(asked).await.unwrap_or_else(|error| panic!("{subject}: {error}"));
        assert_eq!(issued.certificate.subject_alternative_names(), names);
    }
    let several = client("CN=w").with_subject("CN=a+OU=b".parse().unwrap());
    assert!(matches!(ca.issue(several).await, Err(CaError::Name { .. })));
    let bad = vec![SubjectAlternativeName::Dns("a b".into())];
    let bad = client("CN=w").with_subject_alternative_names(bad);
    assert!(matches!(ca.issue(bad).await, Err(CaError::SubjectAlternativeName { .. })));
    // Every template takes the signing request's names, so these cannot be left out.
    aws.forget_calls();
    let none = client("CN=w").with_subject_alternative_names(Vec::new());
    let refused = ca.issue(none).await.unwrap_err();
    assert!(matches!(refused, CaError::NotAllowed { .. }), "{refused}");
    assert_eq!(aws.count("IssueCertificate"), 0);
}

#[tokio::test]
async fn a_template_that_is_named_counts_whatever_the_purpose() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let named = ca.clone().with_template("EndEntityCertificate/V1").unwrap();
    let issued = named.issue(for_purpose(CertificatePurpose::Client)).await.unwrap();
    assert_eq!(issued.certificate.extended_key_usage().unwrap().len(), 2);
    // The one that it was cloned from has none.
    let issued = ca.issue(for_purpose(CertificatePurpose::Client)).await.unwrap();
    assert_eq!(issued.certificate.extended_key_usage().unwrap().len(), 1);

    aws.forget_calls();
    let names = vec!["other.acme.internal".parse().unwrap()];
    let asked = client("CN=w").with_subject_alternative_names(names);
    let refused = named.issue(asked.clone()).await.unwrap_err();
    assert!(matches!(refused, CaError::NotAllowed { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.contains("_APIPassthrough"), "{text}");
    assert!(text.starts_with("the CA O=Acme,CN=Acme Root CA cannot issue this"), "{text}");
    assert_eq!(aws.calls(), []);
    let passing = ca.with_template("EndEntityCertificate_APIPassthrough/V1").unwrap();
    let issued = passing.issue(asked).await.unwrap();
    assert_eq!(issued.certificate.subject_alternative_names().len(), 1);
    assert!(matches!(passing.with_template("a b"), Err(CaError::InvalidArn { .. })));
}

#[tokio::test]
async fn a_shared_ca_that_does_not_cover_a_template_names_it() {
    let (aws, connection) = start().await;
    let arn = aws.share(root(&aws, &connection).arn().as_str(), &[]);
    let ca = authority(&connection, &arn);
    let refused = ca.issue(client("CN=worker")).await.unwrap_err();
    let CaError::AccessDenied { action, resource, template, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!((action.as_str(), resource.as_deref()), ("acm-pca:IssueCertificate", Some(&*arn)));
    let needed = "arn:aws:acm-pca:::template/EndEntityClientAuthCertificate/V1";
    assert_eq!(template.as_deref(), Some(needed));
    assert!(refused.to_string().contains(needed), "{refused}");
    // The one that RAM's default permission covers.
    let covered = ca.clone().with_template("EndEntityCertificate").unwrap();
    covered.issue(client("CN=worker")).await.unwrap();
    ca.issue(for_purpose(CertificatePurpose::ClientAndServer)).await.unwrap();
}

#[tokio::test]
async fn every_kind_of_validity_is_exact() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let in_five_days = Timestamp::now().plus(DAY * 5);
    for (end, kind) in [
        (ValidityEnd::Days(30), "DAYS"),
        (ValidityEnd::Months(13), "MONTHS"),
        (ValidityEnd::Years(2), "YEARS"),
        (ValidityEnd::At(in_five_days), "ABSOLUTE"),
    ] {
        aws.forget_calls();
        let mut asked = client("CN=worker");
        asked.validity = RequestedValidity::ending(end);
        let before = end.after(Timestamp::now());
        let certificate = ca.issue(asked.clone()).await.unwrap().certificate;
        let after = end.after(Timestamp::now());
        assert!((before..=after).contains(&certificate.validity().not_after), "{end:?}");
        assert_eq!(issue_calls(&aws)[0]["Validity"]["Type"], kind);

        let start = Timestamp::now().plus(DAY * 3);
        asked.validity = RequestedValidity::ending(end).starting(start);
        let validity = ca.issue(asked).await.unwrap().certificate.validity();
        assert_eq!((validity.not_before, validity.not_after), (start, end.after(start)), "{end:?}");
    }
}

#[tokio::test]
async fn what_the_ca_cannot_cover_is_refused_before_it_is_asked() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let mut asked = client("CN=worker");
    asked.validity = RequestedValidity::ending(ValidityEnd::Years(11));
    let refused = ca.issue(asked.clone()).await.unwrap_err();
    assert!(matches!(refused, CaError::OutlivesCa { .. }), "{refused}");
    asked.validity = RequestedValidity::days(1).starting(Timestamp::now().minus(DAY));
    let refused = ca.issue(asked).await.unwrap_err();
    assert!(matches!(refused, CaError::StartsBeforeCa { .. }), "{refused}");
    assert_eq!(aws.count("IssueCertificate"), 0);
}

/// Gives a root CA another certificate of its own key, as its owner does.
async fn renew_root(client: &Client, arn: &str, days: i64) {
    let csr = client.get_certificate_authority_csr().certificate_authority_arn(arn);
    let csr = csr.send().await.unwrap().csr.unwrap();
    let validity = Validity::builder().r#type(ValidityPeriodType::Days).value(days);
    let issued = client
        .issue_certificate()
        .certificate_authority_arn(arn)
        .csr(Blob::new(csr))
        .signing_algorithm(SigningAlgorithm::Sha256Withecdsa)
        .template_arn("arn:aws:acm-pca:::template/RootCACertificate/V1")
        .validity(validity.build().unwrap())
        .send()
        .await
        .unwrap();
    let own = client
        .get_certificate()
        .certificate_authority_arn(arn)
        .certificate_arn(issued.certificate_arn.unwrap())
        .send()
        .await
        .unwrap();
    client
        .import_certificate_authority_certificate()
        .certificate_authority_arn(arn)
        .certificate(Blob::new(own.certificate.unwrap()))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_ca_that_was_renewed_with_a_later_end_is_noticed() {
    let (aws, connection) = start().await;
    let options = p256("CN=Root").with_validity(RequestedValidity::days(40));
    let ca = AcmPca::create_root(&connection, options).await.unwrap();
    let first = ca.issue(client("CN=worker")).await.unwrap();
    let mut longer = client("CN=worker");
    longer.validity = RequestedValidity::days(60);
    assert!(matches!(ca.issue(longer.clone()).await, Err(CaError::OutlivesCa { .. })));
    renew_root(&Client::new(&aws.sdk_config()), ca.arn().as_str(), 400).await;
    let issued = ca.issue(longer).await.unwrap();
    assert_eq!(issued.chain, ca.certificate_chain().await.unwrap());
    assert_ne!(issued.chain, first.chain);
    ca.certificate(first.id).await.unwrap();
}

#[tokio::test]
async fn what_does_not_change_is_asked_once_for_all_clones() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let clones: Vec<_> = (0..6)
        .map(|number| {
            let clone = ca.clone();
            tokio::spawn(async move { clone.issue(client(&format!("CN={number}"))).await })
        })
        .collect();
    for clone in clones {
        clone.await.unwrap().unwrap();
    }
    ca.issue(client("CN=last")).await.unwrap();
    assert_eq!(aws.count("IssueCertificate"), 7);
    assert_eq!(aws.count("DescribeCertificateAuthority"), 1);
    assert_eq!(aws.count("GetCertificateAuthorityCertificate"), 1);
}

#[tokio::test]
async fn a_token_stands_for_the_whole_request() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let asked = client("CN=worker").with_idempotency_key("key");
    let mut later = asked.clone();
    later.validity = RequestedValidity::days(31);
    let mut started = asked.clone();
    started.validity = started.validity.starting(Timestamp::now().plus(DAY));
    let mut server = asked.clone();
    server.purpose = CertificatePurpose::Server;
    let all = [
        asked.clone(),
        asked.clone().with_idempotency_key("other key"),
        asked.clone().with_subject("CN=other".parse().unwrap()),
        asked.clone().with_subject_alternative_names(vec!["o.example".parse().unwrap()]),
        asked.clone().with_key_usage(KeyUsage::DIGITAL_SIGNATURE | KeyUsage::KEY_AGREEMENT),
        later,
        started,
        server,
        // The same words with another key.
        client("CN=worker").with_idempotency_key("key"),
    ];
    for request in &all {
        let id = ca.submit(request.clone()).await.unwrap();
        assert_eq!(ca.submit(request.clone()).await.unwrap(), id);
    }
    let template = ca.clone().with_template("EndEntityCertificate").unwrap();
    template.submit(asked.clone()).await.unwrap();
    root(&aws, &connection).submit(asked).await.unwrap();
    let calls = issue_calls(&aws);
    let token = |call: &Value| call["IdempotencyToken"].as_str().unwrap().to_owned();
    for pair in calls[..2 * all.len()].chunks(2) {
        assert_eq!(token(&pair[0]), token(&pair[1]));
    }
    let tokens: HashSet<_> = calls.iter().map(token).collect();
    assert_eq!(tokens.len(), all.len() + 2);
    // Without a key each is a request of its own.
    aws.forget_calls();
    let asked = client("CN=worker");
    assert_ne!(ca.submit(asked.clone()).await.unwrap(), ca.submit(asked).await.unwrap());
    let calls = issue_calls(&aws);
    assert_ne!(token(&calls[0]), token(&calls[1]));
}

#[tokio::test]
async fn a_lost_response_issues_only_one_certificate() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let issued_so_far = || aws.issued_by(ca.arn().as_str()).len();
    for cut in [Cut::BeforeResponse, Cut::AfterHeaders, Cut::InBody] {
        let before = issued_so_far();
        // The SDK asks again with the same token.
        aws.fail_next("IssueCertificate", 2, Fault::CutAfterDoing(cut));
        ca.issue(client("CN=worker")).await.unwrap();
        assert_eq!(issued_so_far(), before + 1, "{cut:?}");
        // It gives up, and the caller asks again with the same key.
        let asked = client("CN=worker").with_idempotency_key(format!("{cut:?}"));
        aws.fail_next("IssueCertificate", 3, Fault::CutAfterDoing(cut));
        let lost = ca.issue(asked.clone()).await.unwrap_err();
        assert!(matches!(lost, CaError::Unreachable { .. }), "{lost}");
        ca.issue(asked).await.unwrap();
        assert_eq!(issued_so_far(), before + 2, "{cut:?}");
    }
}

#[tokio::test]
async fn what_is_not_issued_in_time_is_had_later_by_its_id() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection).with_deadline(Duration::from_millis(300));
    aws.behave(|behaviour| behaviour.issuing = Readiness::after(Duration::from_secs(600)));
    let unfinished = ca.issue(client("CN=slow")).await.unwrap_err();
    let CaError::Unfinished { id } = unfinished else { panic!("{unfinished}") };
    assert!(matches!(ca.certificate(id.clone()).await, Err(CaError::Unfinished { .. })));
    aws.advance(Duration::from_secs(700));
    // Also by another process.
    let elsewhere = authority(&connection, ca.arn().as_str());
    let issued = elsewhere.certificate(id.clone()).await.unwrap();
    assert_eq!(issued.id, id);
    assert_eq!(issued.certificate.subject().to_string(), "CN=slow");
    assert_eq!(aws.count("IssueCertificate"), 1);
    // A poll that hangs does not outlive the deadline by much.
    aws.fail_next("GetCertificate", 1, Fault::Delay(Duration::from_secs(20)));
    let hung = ca.certificate(id.clone()).await.unwrap_err();
    assert!(matches!(&hung, CaError::Unfinished { id: same } if *same == id), "{hung}");
}

#[tokio::test]
async fn a_certificate_that_is_ready_after_a_while_is_waited_for() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection).with_deadline(Duration::from_secs(20));
    aws.behave(|behaviour| behaviour.issuing = Readiness::after_polls(1));
    ca.issue(client("CN=worker")).await.unwrap();
    assert_eq!(aws.count("GetCertificate"), 2);
}

#[tokio::test]
async fn ids_of_nothing_and_of_another_ca_are_not_found() {
    let (aws, connection) = start().await;
    let (ca, other) = (root(&aws, &connection), root(&aws, &connection));
    let theirs = other.issue(client("CN=theirs")).await.unwrap();
    aws.forget_calls();
    let own = format!("{}/certificate/", ca.arn());
    for id in [theirs.id.as_str(), other.arn().as_str(), ca.arn().as_str(), &own, "arn:aws:x"] {
        let missing = ca.certificate(CertificateId::new(id)).await;
        assert!(matches!(missing, Err(CaError::NotFound { .. })), "{id}: {missing:?}");
    }
    assert_eq!(aws.calls(), []);
    let unknown = CertificateId::new(format!("{own}1f02aa"));
    let missing = ca.certificate(unknown.clone()).await.unwrap_err();
    assert!(matches!(&missing, CaError::NotFound { id } if *id == unknown), "{missing}");
    let serial_number = theirs.certificate.serial_number();
    let revocation = || Revocation::new(serial_number.clone(), RevocationReason::Superseded);
    assert!(matches!(ca.revoke(revocation()).await, Err(CaError::NotFound { .. })));
    // Also for a caller who may not look at the CA.
    let allowed = vec!["acm-pca:RevokeCertificate".to_owned()];
    aws.behave(|behaviour| behaviour.allowed_actions = Some(allowed));
    assert!(matches!(ca.revoke(revocation()).await, Err(CaError::NotFound { .. })));
    assert_eq!(aws.revoked_by(other.arn().as_str()), []);
}

#[tokio::test]
async fn a_revocation_names_serial_number_and_reason_as_aws_does() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    for (reason, name) in [
        (RevocationReason::Unspecified, "UNSPECIFIED"),
        (RevocationReason::KeyCompromise, "KEY_COMPROMISE"),
        (RevocationReason::CaCompromise, "CERTIFICATE_AUTHORITY_COMPROMISE"),
        (RevocationReason::AffiliationChanged, "AFFILIATION_CHANGED"),
        (RevocationReason::Superseded, "SUPERSEDED"),
        (RevocationReason::CessationOfOperation, "CESSATION_OF_OPERATION"),
        (RevocationReason::PrivilegeWithdrawn, "PRIVILEGE_WITHDRAWN"),
    ] {
        aws.forget_calls();
        let issued = ca.issue(client("CN=worker")).await.unwrap();
        let serial_number = issued.certificate.serial_number();
        ca.revoke(Revocation::new(serial_number.clone(), reason)).await.unwrap();
        let call = aws.calls().into_iter().find(|call| call.operation == "RevokeCertificate");
        let body = call.unwrap().body;
        assert_eq!(body["RevocationReason"], json!(name));
        let sent = body["CertificateSerial"].as_str().unwrap();
        assert_eq!(sent.replace(':', ""), serial_number.to_string());
        let revoked = aws.revoked_by(ca.arn().as_str());
        assert_eq!(revoked.last().unwrap(), &(serial_number, name.to_owned()));
    }
}

#[tokio::test]
async fn in_another_partition_templates_are_of_that_partition() {
    let aws = StandIn::start_in_partition("aws-cn").await;
    let connection = AwsConnection::from_sdk_config(aws.sdk_config()).unwrap();
    let ca = AcmPca::create_root(&connection, p256("CN=Root")).await.unwrap();
    ca.issue(client("CN=worker")).await.unwrap();
    for call in issue_calls(&aws) {
        let arn = call["TemplateArn"].as_str().unwrap();
        assert!(arn.starts_with("arn:aws-cn:acm-pca:::template/"), "{arn}");
    }
}

#[tokio::test]
async fn a_request_without_a_subject_has_its_names() {
    let (aws, connection) = start().await;
    let ca = root(&aws, &connection);
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let subject = private_ca::DistinguishedName::from_der(&[0x30, 0]).unwrap();
    let names = ["worker.acme.internal".parse().unwrap()];
    let request = CertificateRequest::new(&key, subject, &names).unwrap();
    let days = RequestedValidity::days(1);
    let asked = IssueRequest::new(request, CertificatePurpose::Client, days);
    let issued = ca.issue(asked).await.unwrap();
    assert_eq!(issued.certificate.subject_alternative_names(), names);
}
