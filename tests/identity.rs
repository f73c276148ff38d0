//! An identity holds together, or says why not.
#![cfg(all(feature = "local", feature = "rustls"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use private_ca::file::Existing;
use private_ca::identity::IdentityError;
use private_ca::{
    Certificate, CertificateAuthority, CertificateChain, CertificatePurpose, CertificateRequest,
    EncryptedPrivateKey, Identity, IssueRequest, KeyAlgorithm, LocalCa, LocalCaOptions, Passphrase,
    PrivateKey, RequestedValidity, Timestamp,
};

fn options(subject: &str) -> LocalCaOptions {
    LocalCaOptions::new(subject.parse().unwrap()).with_key_algorithm(KeyAlgorithm::EcdsaP256)
}

/// Leaf, issuing CA and root, and the leaf's key.
async fn chain() -> (Vec<Certificate>, PrivateKey) {
    let root = LocalCa::in_memory_root(options("CN=Root")).unwrap();
    let below = options("CN=Issuing").with_validity(RequestedValidity::days(60));
    let issuing = LocalCa::in_memory_subordinate(&root, below).await.unwrap();
    leaf(&issuing).await
}

async fn leaf(ca: &LocalCa) -> (Vec<Certificate>, PrivateKey) {
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let request = CertificateRequest::new(&key, "CN=worker".parse().unwrap(), &[]).unwrap();
    let request =
        IssueRequest::new(request, CertificatePurpose::Client, RequestedValidity::days(30));
    let issued = ca.issue(request).await.unwrap();
    let above = issued.chain.certificates().iter().cloned();
    (std::iter::once(issued.certificate).chain(above).collect(), key)
}

#[tokio::test]
async fn every_order_is_mended_and_mending_is_said() {
    let (right, key) = chain().await;
    let identity = Identity::new(right.clone(), key.clone()).unwrap();
    assert!(!identity.was_reordered());
    assert_eq!(identity.presented().count(), 2, "the root is left out");
    let mut reversed = right.clone();
    reversed.reverse();
    let doubled = [right.clone(), right.clone()].concat();
    for (given, reordered) in [(reversed, true), (doubled, false)] {
        let mended = Identity::new(given, key.clone()).unwrap();
        assert_eq!(mended.was_reordered(), reordered);
        assert_eq!(mended.certificate(), &right[0]);
        assert_eq!(mended.above(), &right[1..]);
    }
}

#[tokio::test]
async fn what_does_not_belong_is_refused() {
    let (certificates, key) = chain().await;
    let other = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    assert!(matches!(
        Identity::new(certificates.clone(), other),
        Err(IdentityError::KeyMismatch { .. })
    ));
    let after = certificates[0].validity().not_after.plus(std::time::Duration::from_secs(1));
    assert!(matches!(
        Identity::new_at(certificates.clone(), key.clone(), after),
        Err(IdentityError::Expired { .. })
    ));
    let before = Timestamp::from_unix_seconds(0);
    assert!(matches!(
        Identity::new_at(certificates.clone(), key.clone(), before),
        Err(IdentityError::NotYetValid { .. })
    ));
    // Another root of the same name did not issue anything here.
    let namesake = LocalCa::in_memory_root(options("CN=Root")).unwrap();
    let mut wrong = certificates[..2].to_vec();
    wrong.push(namesake.own_certificate().clone());
    assert!(matches!(Identity::new(wrong, key), Err(IdentityError::Unrelated { .. })));
}

#[tokio::test]
async fn its_files_read_back_and_none_of_an_earlier_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (certificates, key) = chain().await;
    let identity = Identity::new(certificates.clone(), key).unwrap();
    let files = identity.write_to(folder.path(), Existing::Keep).unwrap();
    let presented = std::fs::read(&files.presented).unwrap();
    let presented = CertificateChain::from_pem_or_der(&presented).unwrap();
    assert_eq!(presented.certificates(), &certificates[..2]);
    let read = |path: &std::path::Path| std::fs::read(path).unwrap();
    let all = [read(&files.certificate), read(files.certificate_chain.as_ref().unwrap())];
    let again = Identity::from_pem(&all.concat(), &read(&files.private_key), None).unwrap();
    assert_eq!(again.above(), identity.above());

    // Without --overwrite nothing changes; with it, a certificate of a root leaves no intermediates.
    let (certificates, key) = leaf(&LocalCa::in_memory().unwrap()).await;
    let second = Identity::new(certificates, key).unwrap();
    second.write_to(folder.path(), Existing::Keep).unwrap_err();
    assert_eq!(read(&files.certificate), all[0]);
    second.write_to(folder.path(), Existing::Replace).unwrap();
    assert!(!files.presented.exists());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);

    // As an export: the plain key of the earlier files goes.
    let passphrase = Passphrase::new(*b"correct horse");
    let exported = second.to_exported(&passphrase).unwrap();
    exported.write_to(folder.path(), Existing::Replace).unwrap();
    assert!(!files.private_key.exists());
    let key = read(&folder.path().join("private_key.txt"));
    let key = EncryptedPrivateKey::from_pem_or_der(&key).unwrap().decrypt(&passphrase).unwrap();
    assert_eq!(key.public_key_der(), second.private_key().public_key_der());
}

#[tokio::test]
async fn rustls_takes_it() {
    let (certificates, key) = chain().await;
    let anchors = CertificateChain::new(vec![certificates[2].clone()]).unwrap();
    let identity = Identity::new(certificates, key).unwrap();
    assert!(identity.client_config(&anchors).unwrap().client_auth_cert_resolver.has_certs());
}

#[tokio::test]
async fn the_last_good_pair_stays_until_the_files_hold_another() {
    use private_ca::identity::{IdentityWatch, Polled, RotatingIdentity, WatchError};
    use rustls::client::ResolvesClientCert as _;

    let ca = LocalCa::in_memory_root(options("CN=Root")).unwrap();
    let (first, first_key) = leaf(&ca).await;
    let (second, second_key) = leaf(&ca).await;
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let put = |leaf: &Certificate, of: &PrivateKey| {
        std::fs::write(&certificate, leaf.to_pem()).unwrap();
        std::fs::write(&key, of.to_pkcs8_pem().as_bytes()).unwrap();
    };
    put(&first[0], &first_key);
    let rotating =
        RotatingIdentity::new(Identity::new(first.clone(), first_key.clone()).unwrap()).unwrap();
    // What a handshake gets, not only what is said of it.
    let presents = |leaf: &Certificate| {
        let certified = rotating.resolve(&[], &[]).unwrap();
        certified.keys_match().unwrap();
        assert_eq!(certified.cert[0].as_ref(), leaf.as_der());
        assert_eq!(rotating.current().certificate(), leaf);
    };
    let mut watch = IdentityWatch::new([&certificate], &key);
    assert_eq!(watch.poll(&rotating).unwrap(), Polled::Replaced);
    assert_eq!(watch.poll(&rotating).unwrap(), Polled::Unchanged);
    presents(&first[0]);

    // Half of a replacement, whichever half.
    put(&second[0], &first_key);
    for _ in 0..2 {
        let error = watch.poll(&rotating).unwrap_err();
        let WatchError::Identity { source, .. } = error else { panic!("{error}") };
        assert!(matches!(source, IdentityError::KeyMismatch { .. }), "{source}");
        presents(&first[0]);
    }
    put(&first[0], &second_key);
    watch.poll(&rotating).unwrap_err();
    for broken in ["", "-----BEGIN CERTIFICATE-----\nAA", "no certificate"] {
        put(&second[0], &second_key);
        std::fs::write(&certificate, broken).unwrap();
        watch.poll(&rotating).unwrap_err();
        presents(&first[0]);
    }
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(watch.poll(&rotating), Err(WatchError::File(_))));
    presents(&first[0]);

    // An expired pair does not displace a good one.
    put(&second[0], &second_key);
    let late = second[0].validity().not_after.plus(std::time::Duration::from_secs(1));
    let error = watch.poll_at(&rotating, late).unwrap_err();
    let WatchError::Identity { source, .. } = error else { panic!("{error}") };
    assert!(matches!(source, IdentityError::Expired { .. }), "{source}");
    presents(&first[0]);

    assert_eq!(watch.poll(&rotating).unwrap(), Polled::Replaced);
    presents(&second[0]);
    assert_eq!(watch.poll(&rotating).unwrap(), Polled::Unchanged);
    let shown = format!("{rotating:?} {watch:?}");
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
}

#[cfg(feature = "connect")]
#[tokio::test]
async fn a_watch_tells_of_each_replacement_and_of_a_lasting_error_once() {
    use private_ca::identity::{IdentityWatch, RotatingIdentity};
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    let ca = LocalCa::in_memory_root(options("CN=Root")).unwrap();
    let (certificates, key) = leaf(&ca).await;
    let folder = tempfile::tempdir().unwrap();
    let (certificate_file, key_file) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let identity = Identity::new(certificates.clone(), key.clone()).unwrap();
    let rotating = Arc::new(RotatingIdentity::new(identity).unwrap());
    let reports = Mutex::new(Vec::new());
    let watching = IdentityWatch::new([&certificate_file], &key_file).watch(
        rotating,
        Duration::from_millis(1),
        |report| reports.lock().unwrap().push(report.is_ok()),
    );
    let told = async |count| {
        while reports.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let changing = async {
        told(1).await; // that there are no files
        tokio::time::sleep(Duration::from_millis(20)).await;
        std::fs::write(&certificate_file, certificates[0].to_pem()).unwrap();
        told(2).await; // that there is no key
        tokio::time::sleep(Duration::from_millis(20)).await;
        std::fs::write(folder.path().join("later.pem"), key.to_pkcs8_pem().as_bytes()).unwrap();
        std::fs::rename(folder.path().join("later.pem"), &key_file).unwrap();
        while !reports.lock().unwrap().contains(&true) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // An empty certificate may have been seen while it was written, which is another error.
        let reports = reports.lock().unwrap();
        assert!((3..=4).contains(&reports.len()), "{reports:?}");
    };
    tokio::select! {
        () = watching => panic!("it has ended"),
        () = changing => {}
        () = tokio::time::sleep(Duration::from_secs(30)) => panic!("{reports:?}"),
    }
}
