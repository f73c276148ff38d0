use std::time::Duration;

use aws_sdk_acmpca::client::Waiters;
use aws_sdk_acmpca::types::{
    ApiPassthrough, CrlConfiguration, ExtendedKeyUsage, ExtendedKeyUsageType, Extensions,
    GeneralName, KeyUsage, RevocationConfiguration, RevocationReason,
};

use super::aws::Readiness;
use super::*;

const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";

async fn issued(
    client: &Client,
    authority: &str,
    call: IssueCertificateFluentBuilder,
) -> Certificate {
    let arn = call.send().await.unwrap().certificate_arn.unwrap();
    parse(&fetch(client, authority, &arn).await.0)
}

fn template(name: &str) -> String {
    format!("arn:aws:acm-pca:::template/{name}/V1")
}

#[tokio::test]
async fn templates_decide_the_extensions() {
    let (_aws, client) = start().await;
    let ca = root(&client, years(2)).await;
    let passthrough = ApiPassthrough::builder()
        .subject(Asn1Subject::builder().organization("Acme").common_name("from the API").build())
        .extensions(
            Extensions::builder()
                .key_usage(KeyUsage::builder().digital_signature(true).build())
                .extended_key_usage(
                    ExtendedKeyUsage::builder()
                        .extended_key_usage_type(ExtendedKeyUsageType::ClientAuth)
                        .build(),
                )
                .subject_alternative_names(
                    GeneralName::builder().dns_name("api.acme.internal").build(),
                )
                .build(),
        )
        .build();
    let both: &[&str] = &[SERVER_AUTH, CLIENT_AUTH];
    let encipher = "digitalSignature, keyEncipherment";
    // Only a template whose name says so takes anything from the API, and of that nothing that the
    // template itself says.
    for (name, usage, purposes, from_api) in [
        ("EndEntityCertificate", encipher, both, false),
        ("EndEntityClientAuthCertificate", encipher, &[CLIENT_AUTH], false),
        ("EndEntityServerAuthCertificate", encipher, &[SERVER_AUTH], false),
        ("EndEntityServerAuthCertificate_APIPassthrough", encipher, &[SERVER_AUTH], true),
        ("EndEntityCertificate_CSRPassthrough", encipher, both, false),
        ("BlankEndEntityCertificate_APIPassthrough", "digitalSignature", &[CLIENT_AUTH], true),
    ] {
        let call = issue(&client, &ca, &worker_csr(), days(30))
            .template_arn(template(name))
            .api_passthrough(passthrough.clone());
        let certificate = issued(&client, &ca, call).await;
        let common_name = if from_api { "from the API" } else { "worker" };
        assert_eq!(certificate.subject().common_name().unwrap(), common_name, "{name}");
        assert_eq!(certificate.subject_alternative_names().len(), if from_api { 1 } else { 2 });
        assert_eq!(certificate.key_usage().unwrap().to_string(), usage, "{name}");
        let found = certificate.extended_key_usage().unwrap();
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, purposes, "{name}");
        assert!(!certificate.is_ca() && certificate.unknown_critical_extension().is_none());
    }
    let unknown = issue(&client, &ca, &worker_csr(), days(30)).template_arn(template("Worker"));
    assert_eq!(code(unknown.send().await), "InvalidArgsException");
    let others = root(&client, years(2)).await;
    let others = csr_of(&client, &others).await;
    let other_root = issue(&client, &ca, &others, days(30)).template_arn(ROOT).send().await;
    assert_eq!(code(other_root), "MalformedCsrException");
}

#[tokio::test]
async fn validity_is_counted_from_issuing_and_ends_with_the_ca() {
    let (aws, client) = start().await;
    let ca = root(&client, years(2)).await;
    let now = aws.now();
    let soon = now.plus(Duration::from_secs(86_400));
    let end_date: String = soon.to_string().chars().filter(char::is_ascii_digit).collect();
    let csr = worker_csr();
    for (validity, not_after) in [
        (days(30), now.plus(Duration::from_secs(30 * 86_400))),
        (validity(ValidityPeriodType::Months, 5), now.plus_months(5)),
        (years(1), now.plus_months(12)),
        (validity(ValidityPeriodType::Absolute, soon.unix_seconds()), soon),
        (validity(ValidityPeriodType::EndDate, end_date.parse().unwrap()), soon),
        (validity(ValidityPeriodType::EndDate, end_date[2..].parse().unwrap()), soon),
    ] {
        let start = super::validity(ValidityPeriodType::Absolute, now.unix_seconds() - 100_000);
        let call = issue(&client, &ca, &csr, validity.clone());
        let found = issued(&client, &ca, call.clone()).await.validity();
        assert!(found.not_after.since(not_after) < Duration::from_secs(30), "{validity:?}");
        assert!(now.minus(Duration::from_secs(3600)) <= found.not_before && found.not_before < now);
        let found = issued(&client, &ca, call.validity_not_before(start)).await.validity();
        assert!(found.not_after.since(not_after) < Duration::from_secs(30), "{validity:?}");
        assert_eq!(found.not_before.unix_seconds(), now.unix_seconds() - 100_000);
    }
    for too_much in [days(0), days(732), years(3)] {
        let refused = issue(&client, &ca, &csr, too_much).send().await;
        assert_eq!(code(refused), "ValidationException");
    }
    let rsa = issue(&client, &ca, &csr, days(1)).signing_algorithm(SigningAlgorithm::Sha256Withrsa);
    assert_eq!(code(rsa.send().await), "InvalidArgsException");
    let no_csr = issue(&client, &ca, "no CSR", days(1)).send().await;
    assert_eq!(code(no_csr), "MalformedCsrException");
}

#[tokio::test]
async fn issuing_takes_its_time() {
    let (aws, client) = start().await;
    let ca = root(&client, years(2)).await;
    aws.behave(|behaviour| behaviour.issuing = Readiness::after_polls(1));
    let call = issue(&client, &ca, &worker_csr(), days(30)).idempotency_token("once");
    let arn = call.clone().send().await.unwrap().certificate_arn.unwrap();
    assert!(arn.starts_with(&format!("{ca}/certificate/")));
    let get = client.get_certificate().certificate_authority_arn(&ca).certificate_arn(&arn);
    assert_eq!(code(get.send().await), "RequestInProgressException");
    client
        .wait_until_certificate_issued()
        .certificate_authority_arn(&ca)
        .certificate_arn(&arn)
        .wait(Duration::from_secs(10))
        .await
        .unwrap();
    // The token is good for five minutes.
    assert_eq!(call.clone().send().await.unwrap().certificate_arn(), Some(arn.as_str()));
    aws.advance(Duration::from_secs(301));
    assert_ne!(call.send().await.unwrap().certificate_arn(), Some(arn.as_str()));
}

#[tokio::test]
async fn a_certificate_is_revoked_once() {
    let (aws, client) = start().await;
    let ca = aws.add_root("Acme Root CA", "EC_prime256v1", 2);
    assert!(aws.calls().is_empty());
    let call = issue(&client, &ca, &worker_csr(), days(30));
    let serial = issued(&client, &ca, call).await.serial_number().to_string();
    let octets: Vec<String> = serial
        .as_bytes()
        .chunks(2)
        .map(|octet| String::from_utf8(octet.to_vec()).unwrap())
        .collect();
    let revoke = |serial: &str| {
        client
            .revoke_certificate()
            .certificate_authority_arn(&ca)
            .certificate_serial(serial)
            .revocation_reason(RevocationReason::KeyCompromise)
            .send()
    };
    revoke(&octets.join(":")).await.unwrap();
    assert_eq!(code(revoke(&serial).await), "RequestAlreadyProcessedException");
    assert_eq!(code(revoke("1f02aa").await), "ResourceNotFoundException");
    assert_eq!(aws.revoked_by(&ca), [(serial.parse().unwrap(), "KEY_COMPROMISE".to_owned())]);
    assert_eq!(aws.issued_by(&ca).len(), 2);
}

#[tokio::test]
async fn short_lived_and_shared_cas_are_limited() {
    let (aws, client) = start().await;
    let created = client
        .create_certificate_authority()
        .certificate_authority_type(CertificateAuthorityType::Root)
        .certificate_authority_configuration(configuration("Short-lived"))
        .usage_mode(aws_sdk_acmpca::types::CertificateAuthorityUsageMode::ShortLivedCertificate)
        .send()
        .await
        .unwrap();
    let short = created.certificate_authority_arn.unwrap();
    install_root(&client, &short, years(2)).await;
    issue(&client, &short, &worker_csr(), days(7)).send().await.unwrap();
    let long = issue(&client, &short, &worker_csr(), days(8)).send().await;
    assert_eq!(code(long), "ValidationException");

    let shared = root(&client, years(2)).await;
    let shared = aws.share(&shared, &[]);
    assert!(shared.contains(super::aws::OTHER_ACCOUNT));
    issue(&client, &shared, &worker_csr(), days(7)).send().await.unwrap();
    let client_auth = issue(&client, &shared, &worker_csr(), days(7))
        .template_arn(template("EndEntityClientAuthCertificate"));
    assert_eq!(code(client_auth.clone().send().await), "AccessDeniedException");
    aws.share(&shared, &["EndEntityClientAuthCertificate/V1"]);
    client_auth.send().await.unwrap();
    let delete = client.delete_certificate_authority().certificate_authority_arn(&shared);
    assert_eq!(code(delete.send().await), "AccessDeniedException");
}

#[tokio::test]
async fn other_keys_and_hashes_sign_as_well() {
    let (_aws, client) = start().await;
    for (key, algorithm) in [
        (KeyName::Rsa2048, SigningAlgorithm::Sha512Withrsa),
        (KeyName::EcSecp384r1, SigningAlgorithm::Sha384Withecdsa),
        (KeyName::EcSecp521r1, SigningAlgorithm::Sha512Withecdsa),
    ] {
        let mut configuration = configuration("Acme");
        configuration.key_algorithm = key;
        configuration.signing_algorithm = algorithm.clone();
        let created = client
            .create_certificate_authority()
            .certificate_authority_type(CertificateAuthorityType::Root)
            .certificate_authority_configuration(configuration)
            .revocation_configuration(
                RevocationConfiguration::builder()
                    .crl_configuration(
                        CrlConfiguration::builder()
                            .enabled(true)
                            .expiration_in_days(7)
                            .s3_bucket_name("acme-crls")
                            .build()
                            .unwrap(),
                    )
                    .build(),
            )
            .send()
            .await
            .unwrap();
        let ca = created.certificate_authority_arn.unwrap();
        let csr = csr_of(&client, &ca).await;
        let call = issue(&client, &ca, &csr, years(1))
            .signing_algorithm(algorithm.clone())
            .template_arn(ROOT);
        let own = call.send().await.unwrap().certificate_arn.unwrap();
        let (own, _) = fetch(&client, &ca, &own).await;
        import(&client, &ca, &own, None).await;
        let call = issue(&client, &ca, &worker_csr(), days(30)).signing_algorithm(algorithm);
        let leaf = issued(&client, &ca, call).await;
        let url = format!(
            "http://acme-crls.s3.eu-central-1.amazonaws.com/crl/{}.crl",
            ca.rsplit('/').next().unwrap()
        );
        assert!(String::from_utf8_lossy(leaf.as_der()).contains(&url));
        let verifier = private_ca::Verifier::new([parse(&own)]).unwrap();
        let verification = private_ca::Verification::new(private_ca::verify::Purpose::Client);
        verifier.verify(&leaf, &[], &verification).unwrap();
    }
}
