//! The local CA against the contract of `CertificateAuthority`, and against what can happen to a
//! folder.
#![cfg(feature = "local")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "support/contract.rs"]
mod contract;

use std::path::Path;
use std::sync::Arc;

use contract::{client, request_for};

use private_ca::authority::ValidityEnd;
use private_ca::authority::local::LocalCa;
use private_ca::managed::{CertificateStatus, ManagedError};
use private_ca::verify::{Purpose, Verification, Verifier};
use private_ca::{
    CaError, CertificateAuthority, CertificatePurpose, CertificateRequest, Identity, IssueRequest,
    KeyAlgorithm, KeyUsage, LocalCaOptions, LocalManaged, ManagedCertificates, ManagedRequest,
    Passphrase, PrivateKey, RequestedValidity, Revocation, RevocationReason, SerialNumber,
    Timestamp,
};

fn p256(subject: &str) -> LocalCaOptions {
    LocalCaOptions::new(subject.parse().unwrap()).with_key_algorithm(KeyAlgorithm::EcdsaP256)
}

/// Our own verifier takes it, and so does a judge from elsewhere. (OpenSSL is asked in its own tests.)
fn accepts(ca: &LocalCa, issued: &private_ca::IssuedCertificate) {
    let anchor = ca.chain().certificates().last().unwrap().clone();
    let intermediates = issued.chain.certificates();
    let algorithms = [ca.own_certificate(), &issued.certificate]
        .map(|certificate| KeyAlgorithm::of_public_key(certificate.public_key_der()).unwrap());
    match algorithms {
        [KeyAlgorithm::MlDsa44 | KeyAlgorithm::MlDsa65 | KeyAlgorithm::MlDsa87, _] => {
            aws_lc_accepts(ca.own_certificate(), &issued.certificate);
        }
        _ => webpki_accepts(&anchor, intermediates, &issued.certificate),
    }
    let verifier = Verifier::new([anchor]).unwrap();
    verifier
        .verify(&issued.certificate, intermediates, &Verification::new(Purpose::Client))
        .unwrap();
}

fn webpki_accepts(
    anchor: &private_ca::Certificate,
    intermediates: &[private_ca::Certificate],
    leaf: &private_ca::Certificate,
) {
    let der = |certificate: &private_ca::Certificate| {
        rustls_pki_types::CertificateDer::from(certificate.as_der().to_vec())
    };
    let root = der(anchor);
    let pool: Vec<_> = intermediates.iter().map(der).collect();
    webpki::EndEntityCert::try_from(&der(leaf))
        .unwrap()
        .verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &[webpki::anchor_from_trusted_cert(&root).unwrap()],
            &pool,
            rustls_pki_types::UnixTime::now(),
            webpki::KeyUsage::client_auth(),
            None,
            None,
        )
        .unwrap();
}

/// webpki verifies no ML-DSA, so aws-lc verifies the signature by itself.
fn aws_lc_accepts(issuer: &private_ca::Certificate, leaf: &private_ca::Certificate) {
    use aws_lc_rs::signature::{ML_DSA_44, ML_DSA_65, ML_DSA_87, UnparsedPublicKey};
    use x509_cert::der::{Decode, Encode};
    let [issuer, leaf] = [issuer, leaf]
        .map(|certificate| x509_cert::Certificate::from_der(certificate.as_der()).unwrap());
    let key = issuer.tbs_certificate().subject_public_key_info();
    let identifier = leaf.signature_algorithm();
    assert_eq!((identifier.oid, &identifier.parameters), (key.algorithm.oid, &None));
    let algorithm = match identifier.oid.to_string().as_str() {
        "2.16.840.1.101.3.4.3.17" => &ML_DSA_44,
        "2.16.840.1.101.3.4.3.18" => &ML_DSA_65,
        "2.16.840.1.101.3.4.3.19" => &ML_DSA_87,
        other => panic!("{other}"),
    };
    UnparsedPublicKey::new(algorithm, key.subject_public_key.raw_bytes())
        .verify(&leaf.tbs_certificate().to_der().unwrap(), leaf.signature().raw_bytes())
        .unwrap();
}

#[tokio::test]
async fn in_memory_and_in_a_folder_it_keeps_the_contract() {
    let local = contract::AuthorityDiffers::local();
    contract::authority(&LocalCa::in_memory().unwrap(), local).await;
    let folder = tempfile::tempdir().unwrap();
    for path in ["a/ca", "a/ca2"] {
        let ca = LocalCa::create_root(folder.path().join(path), p256("CN=Root")).unwrap();
        contract::authority(&ca, local).await;
    }
}

#[tokio::test]
async fn a_subordinate_keeps_the_contract_and_chains_to_its_root() {
    let root = LocalCa::in_memory_root(p256("CN=Root")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let options = p256("CN=Issuing").with_path_len(0).with_validity(RequestedValidity::days(365));
    let ca = LocalCa::create_subordinate(folder.path(), &root, options.clone()).await.unwrap();
    contract::authority(&ca, contract::AuthorityDiffers::local()).await;
    let reopened = LocalCa::open(folder.path(), None).unwrap();
    assert_eq!(reopened.chain(), ca.chain());
    assert_eq!(reopened.chain().certificates().len(), 2);
    accepts(&reopened, &reopened.issue(client("CN=worker")).await.unwrap());
    let below = LocalCa::in_memory_subordinate(&ca, options).await;
    assert!(matches!(below, Err(CaError::NotAllowed { .. })));
}

#[tokio::test]
async fn every_kind_of_ca_key_signs_every_kind_of_subject_key() {
    for ca_key in [
        KeyAlgorithm::RSA_2048,
        KeyAlgorithm::RSA_3072,
        KeyAlgorithm::RSA_4096,
        KeyAlgorithm::EcdsaP256,
        KeyAlgorithm::EcdsaP384,
        KeyAlgorithm::EcdsaP521,
        KeyAlgorithm::MlDsa44,
        KeyAlgorithm::MlDsa65,
        KeyAlgorithm::MlDsa87,
    ] {
        let options = LocalCaOptions::new("CN=Root".parse().unwrap()).with_key_algorithm(ca_key);
        let ca = LocalCa::in_memory_root(options).unwrap();
        for key in [
            KeyAlgorithm::RSA_2048,
            KeyAlgorithm::EcdsaP256,
            KeyAlgorithm::EcdsaP384,
            KeyAlgorithm::EcdsaP521,
            KeyAlgorithm::Ed25519,
            KeyAlgorithm::MlDsa44,
            KeyAlgorithm::MlDsa65,
            KeyAlgorithm::MlDsa87,
        ] {
            let key = LocalCa::generate_key(key).unwrap();
            let request = CertificateRequest::new(&key, "CN=w".parse().unwrap(), &[]).unwrap();
            let request =
                IssueRequest::new(request, CertificatePurpose::Client, RequestedValidity::days(1));
            let issued = ca.issue(request).await.unwrap();
            assert_eq!(issued.certificate.public_key_der(), key.public_key_der());
            accepts(&ca, &issued);
        }
    }
    let ed25519 =
        LocalCaOptions::new("CN=Root".parse().unwrap()).with_key_algorithm(KeyAlgorithm::Ed25519);
    assert!(matches!(LocalCa::in_memory_root(ed25519), Err(CaError::UnsupportedKey { .. })));
}

#[tokio::test]
async fn a_ca_of_each_newer_kind_of_key_opens_again_with_and_without_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let passphrase = || Some(Passphrase::new(*b"correct horse"));
    // Deriving a key from the passphrase takes seconds, so one kind has to do for it.
    for (ca_key, passphrase) in [
        (KeyAlgorithm::EcdsaP521, None),
        (KeyAlgorithm::MlDsa44, None),
        (KeyAlgorithm::MlDsa65, passphrase()),
        (KeyAlgorithm::MlDsa87, None),
    ] {
        let path = folder.path().join(ca_key.to_string());
        let mut options = p256("CN=Root").with_key_algorithm(ca_key);
        options.passphrase = passphrase.clone();
        LocalCa::create_root(&path, options).unwrap();
        let ca = LocalCa::open(&path, passphrase).unwrap();
        let issued = ca.issue(client("CN=worker")).await.unwrap();
        accepts(&ca, &issued);
        let serial_number = issued.certificate.serial_number();
        ca.revoke(Revocation::new(serial_number, RevocationReason::KeyCompromise)).await.unwrap();
        // The list's signature is verified whenever it is read.
        assert_eq!(ca.revoked().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_reopened_ca_signs_under_the_same_name_and_key_identifier() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let name = "C=DE,DC=acme,O=Acm\u{e9},serialNumber=7,CN=Root";
    let ca = LocalCa::create_root(&path, p256(name)).unwrap();
    let before = ca.issue(client("CN=before")).await.unwrap();
    drop(ca);
    let ca = LocalCa::open(&path, None).unwrap();
    let after = ca.issue(client("CN=after")).await.unwrap();
    assert_eq!(before.certificate.issuer_der(), after.certificate.issuer_der());
    assert_eq!(
        before.certificate.authority_key_identifier(),
        after.certificate.authority_key_identifier()
    );
    accepts(&ca, &before);
    accepts(&ca, &after);
    assert_eq!(ca.issued().unwrap().len(), 2);
}

#[tokio::test]
async fn serial_numbers_are_random_and_positive() {
    let ca = LocalCa::in_memory().unwrap();
    let mut seen = std::collections::HashSet::new();
    let mut longest = 0;
    for _ in 0..64 {
        let serial = ca.issue(client("CN=w")).await.unwrap().certificate.serial_number();
        longest = longest.max(serial.magnitude().len());
        assert!(serial.as_bytes()[0] < 0x80 && serial.as_bytes().len() <= 20);
        assert!(seen.insert(serial));
    }
    assert_eq!(longest, 16);
}

#[tokio::test]
async fn names_are_kept_whole_or_refused() {
    let ca = LocalCa::in_memory().unwrap();
    for kept in [
        "C=DE,ST=Hessen,L=Darmstadt,O=a\\,b,OU=x,CN=Lučić,emailAddress=a@example.com",
        "UID=u,CN=w",
        "1.2.3.4=x,CN=w",
    ] {
        let issued = ca.issue(client(kept)).await.unwrap();
        assert_eq!(issued.certificate.subject().as_der(), request_for(kept).subject().as_der());
    }
    for refused in ["OU=a,OU=b,CN=w", "DC=example,DC=com", "CN=a+OU=b"] {
        let error = ca.issue(client(refused)).await.unwrap_err();
        assert!(matches!(error, CaError::Name { .. }), "{refused}: {error}");
        assert!(LocalCa::in_memory_root(p256(refused)).is_err());
    }
    assert!(matches!(
        ca.issue(client("CN=w").with_subject("OU=a,OU=b".parse().unwrap())).await,
        Err(CaError::Name { .. })
    ));
}

#[tokio::test]
async fn names_that_no_certificate_should_carry_are_refused_wherever_they_come_from() {
    use private_ca::SubjectAlternativeName as Name;
    let ca = LocalCa::in_memory().unwrap();
    let other = Name::Other { tag: 9, der: vec![0x82, 1, b'z'] };
    for name in [
        Name::Dns("good.example\0.evil.example".into()),
        Name::Dns(String::new()),
        Name::Dns("*".into()),
        Name::Dns("x, DNS:frontend.acme.internal".into()),
        Name::Dns("10.0.0.1".into()),
        Name::Email("x\r\ny".into()),
        Name::Uri(String::new()),
        other,
    ] {
        let names = vec![name.clone()];
        let asked = client("CN=w").with_subject_alternative_names(names.clone());
        let refused = ca.issue(asked).await.unwrap_err();
        assert!(matches!(refused, CaError::SubjectAlternativeName { .. }), "{refused}");
        // By way of a signing request, which has its own signature over the same names.
        let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let request = CertificateRequest::new(&key, "CN=w".parse().unwrap(), &names).unwrap();
        // Encoded, a form that lies about its tag is what its tag says.
        let lies = matches!(name, Name::Other { .. });
        if let (false, Ok(request)) = (lies, CertificateRequest::from_der(request.as_der())) {
            let days = RequestedValidity::days(1);
            let asked = IssueRequest::new(request, CertificatePurpose::Client, days);
            assert!(ca.issue(asked).await.is_err(), "{name}");
        }
    }
    for subject in ["O=a\\0ab,CN=w", "CN=\\1b[31m"] {
        assert!(matches!(ca.issue(client(subject)).await, Err(CaError::Name { .. })), "{subject}");
    }
    let own = ca.own_certificate().subject().to_string();
    assert!(matches!(ca.issue(client(&own)).await, Err(CaError::NotAllowed { .. })));
    assert_eq!(ca.issued().unwrap().len(), 0);
}

#[tokio::test]
async fn a_folder_whose_certificate_is_no_ca_s_does_not_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let ca = LocalCa::create_root(&path, p256("CN=Root")).unwrap();
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let request = CertificateRequest::new(&key, "CN=w".parse().unwrap(), &[]).unwrap();
    let request =
        IssueRequest::new(request, CertificatePurpose::Client, RequestedValidity::days(1));
    let leaf = ca.issue(request).await.unwrap().certificate;
    std::fs::write(path.join("certificate.pem"), leaf.to_pem()).unwrap();
    std::fs::write(path.join("private_key.pem"), key.to_pkcs8_pem().as_bytes()).unwrap();
    assert!(matches!(LocalCa::open(&path, None), Err(CaError::Damaged { .. })));
}

#[test]
fn a_passphrase_for_a_plain_key_and_leftovers_of_a_killed_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    LocalCa::create_root(&path, p256("CN=Root")).unwrap();
    let refused = LocalCa::open(&path, Some(Passphrase::new(*b"needless")));
    assert!(matches!(refused, Err(CaError::PassphraseNotNeeded)));
    let leftover = path.join("issued/.private-ca-x1y2z3.tmp");
    std::fs::write(&leftover, "half").unwrap();
    LocalCa::open(&path, None).unwrap();
    assert!(!leftover.exists());
}

#[tokio::test]
async fn no_certificate_outlives_its_ca() {
    let ca = LocalCa::in_memory_root(p256("CN=Root").with_validity(RequestedValidity::days(10)))
        .unwrap();
    let error = ca.issue(client("CN=w")).await.unwrap_err();
    assert!(error.to_string().contains("after its CA"), "{error}");
    let end = ca.own_certificate().validity().not_after;
    let mut request = client("CN=w");
    request.validity = RequestedValidity::until(end);
    let issued = ca.issue(request.clone()).await.unwrap();
    assert_eq!(issued.certificate.validity().not_after, end);
    accepts(&ca, &issued);

    let start = Timestamp::now().plus(std::time::Duration::from_secs(3 * 86_400));
    request.validity = RequestedValidity::days(1).starting(start);
    assert_eq!(request.validity.end, ValidityEnd::Days(1));
    assert_eq!(ca.issue(request).await.unwrap().certificate.validity().not_before, start);
    let managed = LocalManaged::new(Arc::new(ca));
    assert!(matches!(
        managed.request(ManagedRequest::new("w.example")).await,
        Err(ManagedError::Ca(CaError::OutlivesCa { .. }))
    ));
}

#[tokio::test]
async fn an_expired_ca_issues_nothing() {
    let start = Timestamp::from_unix_seconds(1_600_000_000);
    let validity = RequestedValidity::days(1).starting(start);
    let ca = LocalCa::in_memory_root(p256("CN=Old").with_validity(validity)).unwrap();
    let error = ca.issue(client("CN=w")).await.unwrap_err();
    assert!(matches!(error, CaError::Expired { .. }), "{error}");
}

#[tokio::test]
async fn a_ca_goes_only_with_cert_sign_and_a_leaf_only_without() {
    let ca = LocalCa::in_memory().unwrap();
    let leaf = client("CN=w").with_key_usage(KeyUsage::KEY_CERT_SIGN);
    assert!(matches!(ca.issue(leaf).await, Err(CaError::NotAllowed { .. })));
    let mut nobody = client("CN=w").with_subject_alternative_names(Vec::new());
    nobody.subject = Some(private_ca::DistinguishedName::from_der(&[0x30, 0]).unwrap());
    assert!(matches!(ca.issue(nobody).await, Err(CaError::NotAllowed { .. })));
}

fn contents(path: &Path) -> Vec<(std::path::PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[tokio::test]
async fn a_folder_that_holds_anything_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    LocalCa::create_root(&path, p256("CN=First")).unwrap();
    let before = contents(folder.path());
    assert!(matches!(LocalCa::create_root(&path, p256("CN=Second")), Err(CaError::Exists { .. })));
    let root = LocalCa::in_memory().unwrap();
    let options = p256("CN=Third").with_validity(RequestedValidity::days(1));
    assert!(LocalCa::create_subordinate(&path, &root, options).await.is_err());
    assert!(root.issued().unwrap().is_empty(), "the parent issued for a folder that is taken");
    assert_eq!(contents(folder.path()), before);
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert!(LocalCa::create_root(&file, p256("CN=x")).is_err());
    assert_eq!(std::fs::read(&file).unwrap(), b"x");
}

#[tokio::test]
async fn the_key_at_rest_is_encrypted_when_a_passphrase_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let passphrase = Passphrase::new(*b"correct horse");
    let options = p256("CN=Root").with_passphrase(passphrase.clone());
    let managed = LocalManaged::new(LocalCa::create_root(&path, options).unwrap().into());
    let id = managed.request(ManagedRequest::new("w.example")).await.unwrap();
    for (file, contents) in contents(&path) {
        let text = String::from_utf8_lossy(&contents);
        assert!(!text.contains("BEGIN PRIVATE KEY"), "{}", file.display());
    }
    assert!(matches!(LocalCa::open(&path, None), Err(CaError::PassphraseNeeded)));
    assert!(matches!(
        LocalCa::open(&path, Some(Passphrase::new(*b"wrong"))),
        Err(CaError::EncryptedKey(_))
    ));
    let managed = LocalManaged::new(LocalCa::open(&path, Some(passphrase)).unwrap().into());
    managed.export(id, Passphrase::new(*b"export")).await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn everything_in_the_folder_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let managed = LocalManaged::new(LocalCa::create_root(&path, p256("CN=Root")).unwrap().into());
    let request = ManagedRequest::new("w.example").with_idempotency_key("k");
    let id = managed.request(request).await.unwrap();
    let serial: SerialNumber = id.as_str().parse().unwrap();
    let revocation = Revocation::new(serial, RevocationReason::Superseded);
    managed.ca().revoke(revocation).await.unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for (file, _) in contents(&path) {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_damaged_folder_says_which_file_and_loses_no_revocation() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    let ca = LocalCa::create_root(&one, p256("CN=One")).unwrap();
    LocalCa::create_root(&two, p256("CN=Two")).unwrap();
    let issued = ca.issue(client("CN=w")).await.unwrap();
    let revocation =
        || Revocation::new(issued.certificate.serial_number(), RevocationReason::KeyCompromise);
    ca.revoke(revocation()).await.unwrap();
    let reopened = LocalCa::open(&one, None).unwrap();
    assert_eq!(reopened.revoked().unwrap()[0].reason, RevocationReason::KeyCompromise);

    // Another CA's list, one that was changed, and none at all.
    let good = std::fs::read(one.join("crl.pem")).unwrap();
    for bad in [std::fs::read(two.join("crl.pem")).unwrap(), good[..good.len() / 2].to_vec()] {
        std::fs::write(one.join("crl.pem"), bad).unwrap();
        assert!(matches!(ca.revoke(revocation()).await, Err(CaError::Damaged { .. })));
    }
    std::fs::remove_file(one.join("crl.pem")).unwrap();
    assert!(matches!(ca.revoked(), Err(CaError::Damaged { .. })));

    std::fs::copy(two.join("private_key.pem"), one.join("private_key.pem")).unwrap();
    let error = LocalCa::open(&one, None).unwrap_err();
    assert!(error.to_string().contains("private_key.pem"), "{error}");
    assert!(matches!(LocalCa::open(folder.path().join("none"), None), Err(CaError::NoCa { .. })));
}

#[test]
fn threads_that_issue_and_revoke_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    LocalCa::create_root(&path, p256("CN=Root")).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                // Each its own handle, as each process has.
                let ca = LocalCa::open(path, None).unwrap();
                for _ in 0..8 {
                    let issued =
                        runtime.block_on(ca.issue(client(&format!("CN={thread}")))).unwrap();
                    let serial_number = issued.certificate.serial_number();
                    let revocation = Revocation::new(serial_number, RevocationReason::Superseded);
                    runtime.block_on(ca.revoke(revocation)).unwrap();
                }
            });
        }
    });
    let ca = LocalCa::open(&path, None).unwrap();
    assert_eq!(ca.issued().unwrap().len(), 32);
    assert_eq!(ca.revoked().unwrap().len(), 32);
}

#[tokio::test]
async fn managed_certificates_keep_the_contract_in_memory_and_in_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let options = p256("CN=Root");
    let kept = LocalCa::create_root(folder.path().join("ca"), options.clone()).unwrap();
    for ca in [kept, LocalCa::in_memory_root(options).unwrap()] {
        contract::managed(&LocalManaged::new(ca.into()), contract::ManagedDiffers::local()).await;
    }
}

#[tokio::test]
async fn a_managed_certificate_has_a_key_and_is_not_given_out_once_it_is_revoked() {
    let managed = LocalManaged::new(LocalCa::in_memory_root(p256("CN=Root")).unwrap().into());
    let passphrase = Passphrase::new(*b"correct horse");
    let plain = managed.ca().issue(client("CN=w")).await.unwrap();
    assert!(matches!(
        managed.export(plain.id, passphrase.clone()).await,
        Err(ManagedError::Ca(CaError::NotFound { .. }))
    ));
    let request = ManagedRequest::new("w.example").with_key_algorithm(KeyAlgorithm::EcdsaP256);
    let id = managed.request(request).await.unwrap();
    let serial: SerialNumber = id.as_str().parse().unwrap();
    managed.ca().revoke(Revocation::new(serial, RevocationReason::Superseded)).await.unwrap();
    assert!(matches!(
        managed.export(id.clone(), passphrase).await,
        Err(ManagedError::NotIssued { status: CertificateStatus::Revoked { .. }, .. })
    ));
    let refused = managed.renew(id).await.unwrap_err();
    assert!(matches!(refused, ManagedError::NotRenewable { .. }), "{refused}");
}

#[tokio::test]
async fn a_renewed_certificate_keeps_its_id_and_gets_another_key() {
    let folder = tempfile::tempdir().unwrap();
    let ca = LocalCa::create_root(folder.path().join("ca"), p256("CN=Root")).unwrap();
    let managed = LocalManaged::new(ca.into());
    let request = ManagedRequest::new("worker.acme.internal")
        .with_subject_alternative_names(vec!["other.acme.internal".into()])
        .with_key_algorithm(KeyAlgorithm::EcdsaP384)
        .with_idempotency_key("k");
    let id = managed.request(request.clone()).await.unwrap();
    let passphrase = Passphrase::new(*b"correct horse");
    let before = managed.export(id.clone(), passphrase.clone()).await.unwrap();
    assert!(!managed.describe(id.clone()).await.unwrap().is_newer_than(&before.certificate));

    let renewed = managed.renew(id.clone()).await.unwrap();
    assert_eq!(renewed.id, id);
    assert!(renewed.is_newer_than(&before.certificate));
    let after = managed.export(id.clone(), passphrase.clone()).await.unwrap();
    assert_eq!(Some(after.certificate.serial_number()), renewed.serial_number);
    assert_ne!(after.certificate.public_key_der(), before.certificate.public_key_der());
    assert_eq!(
        after.certificate.subject_alternative_names(),
        before.certificate.subject_alternative_names()
    );
    Identity::from_exported(after, &passphrase).unwrap();
    // The request is remembered, and stands for what it has become.
    assert_eq!(managed.request(request).await.unwrap(), id);
    assert_eq!(managed.describe(id.clone()).await.unwrap(), renewed);

    let revocation = Revocation::new(renewed.serial_number.unwrap(), RevocationReason::Superseded);
    managed.ca().revoke(revocation).await.unwrap();
    let refused = managed.renew(id).await.unwrap_err();
    assert!(matches!(refused, ManagedError::NotRenewable { .. }), "{refused}");
}

#[tokio::test]
async fn an_answer_that_was_interrupted_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca");
    let ca = LocalCa::create_root(&path, p256("CN=Root")).unwrap();
    let request = client("CN=w").with_idempotency_key("k");
    let first = ca.issue(request.clone()).await.unwrap();
    // As after a crash between the two writes.
    std::fs::remove_file(path.join(format!("issued/{}.pem", first.id))).unwrap();
    assert_eq!(ca.issue(request).await.unwrap(), first);
    assert_eq!(ca.certificate(first.id.clone()).await.unwrap(), first);
}
