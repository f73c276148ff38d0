//! Bundles: what changes them, what does not, and what they refuse.

use private_ca::temporal::bundle::{
    BundleError, CaBundle, Fingerprint, MAX_BYTES, MAX_CERTIFICATES,
};
use private_ca::{Certificate, KeyAlgorithm, PrivateKey};
use proptest::prelude::*;
use rcgen::CustomExtension;
use std::sync::LazyLock;

use super::bundle_of;
use super::chains::{self, Authority, EXPIRED};

static ROOTS: LazyLock<Vec<Certificate>> = LazyLock::new(|| {
    (0..=MAX_CERTIFICATES).map(|n| Authority::root(&format!("Root {n}")).certificate).collect()
});

/// The same DER, in PEM as somebody else might write it.
fn wrapped(certificate: &Certificate, width: usize, newline: &str) -> String {
    let pem = certificate.to_pem();
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let lines: Vec<_> =
        body.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line)).collect();
    let (first, last) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
    [&[first.into()], &lines[..], &[last.into()], &["".into()]].concat().join(newline)
}

#[test]
fn pem_in_another_spelling_and_order_is_no_change() {
    let (one, two) = (&ROOTS[0], &ROOTS[1]);
    let bundle = bundle_of(&[one, two]);
    let text = format!(
        "# CAs of the payments team\r\n{}Subject: Root 0\n\n{}\n",
        wrapped(two, 76, "\r\n"),
        wrapped(one, 48, "\n")
    );
    let other = CaBundle::from_pem(text.as_bytes()).unwrap();
    assert!(bundle.difference(&other).is_empty());
    assert_eq!(bundle, other);
    assert_eq!(
        CaBundle::from_pem(bundle.to_pem().as_bytes()).unwrap().certificates(),
        bundle.certificates()
    );
    // Twice is once.
    let twice = format!("{text}{}", one.to_pem());
    assert_eq!(CaBundle::from_pem(twice.as_bytes()).unwrap().certificates().len(), 2);
}

#[test]
fn what_is_no_bundle_is_told_apart() {
    let read = |text: &str| CaBundle::from_pem(text.as_bytes());
    assert!(read("").unwrap().is_empty() && read(" \n\n").unwrap().is_empty());
    let error = read("certificates").unwrap_err();
    assert!(error.to_string().contains("PEM"), "{error}");
    assert!(matches!(CaBundle::from_pem(ROOTS[0].as_der()), Err(BundleError::NoText)));
    let key = PrivateKey::generate(KeyAlgorithm::EcdsaP256).unwrap().to_pkcs8_pem();
    let error = read(&format!("{}{}", ROOTS[0].to_pem(), key.as_str())).unwrap_err();
    assert!(error.to_string().contains("a private key"), "{error}");
    let secret = key.lines().nth(1).unwrap();
    assert!(!error.to_string().contains(secret) && !format!("{error:?}").contains(secret));
}

#[test]
fn only_authorities_whose_issuers_are_there_are_added_and_each_once() {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let lowest = issuing.intermediate("Lowest");
    let bundle = bundle_of(&[&root.certificate]);
    let all = [lowest.certificate.clone(), issuing.certificate.clone()];
    assert_eq!(bundle.add(&all).unwrap().certificates().len(), 3);
    let error = bundle.add(&all[..1]).unwrap_err();
    let BundleError::Incomplete { subject, issuer } = &error else { panic!("{error}") };
    assert_eq!(
        (subject.to_string(), issuer.to_string()),
        ("CN=Lowest".into(), "CN=Issuing".into())
    );
    let error = bundle.add(std::slice::from_ref(&root.certificate)).unwrap_err();
    let BundleError::Duplicate { fingerprint, .. } = &error else { panic!("{error}") };
    assert!(fingerprint.is_of(&root.certificate));
    let twice = [issuing.certificate.clone(), issuing.certificate.clone()];
    assert!(matches!(bundle.add(&twice), Err(BundleError::Duplicate { .. })));
    assert!(matches!(bundle.add(&[root.leaf()]), Err(BundleError::NotCa { .. })));
    // A namesake issued nothing.
    let namesake = bundle_of(&[&Authority::root("Root").certificate]);
    assert!(matches!(namesake.add(&all[1..]), Err(BundleError::Incomplete { .. })));
    // And the issuer of another cannot go.
    let bundle = bundle.add(&all).unwrap();
    let fingerprint = Fingerprint::sha256_of(&issuing.certificate);
    assert!(matches!(bundle.remove(&[fingerprint]), Err(BundleError::Incomplete { .. })));
    let both = [fingerprint, Fingerprint::sha1_of(&lowest.certificate)];
    assert_eq!(bundle.remove(&both).unwrap().certificates(), [root.certificate]);
}

#[test]
fn sixteen_certificates_are_the_most_and_so_are_thirty_two_kilobytes() {
    let full = CaBundle::default().add(&ROOTS[..MAX_CERTIFICATES]).unwrap();
    let error = full.add(&ROOTS[MAX_CERTIFICATES..]).unwrap_err();
    assert!(matches!(error, BundleError::TooMany { count: 17 }), "{error}");

    let long = |length: usize| {
        let root = Authority::root_with("Long", |params| {
            let comment = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5; length]);
            params.custom_extensions.push(comment);
        });
        CaBundle::of(&[root.certificate])
    };
    // Base64 and its lines take 65 characters for 48 bytes.
    let length = MAX_BYTES * 48 / 65;
    let (mut least, mut most) = (length - 1_000, length + 1_000);
    assert!(long(least).check().is_ok() && long(most).check().is_err());
    // Signatures differ in length by some bytes, so the bound is not met to the byte.
    while most - least > 16 {
        let middle = usize::midpoint(least, most);
        let bundle = long(middle);
        let bytes = bundle.to_pem().len();
        match bundle.check() {
            Ok(()) => {
                assert!(bytes <= MAX_BYTES, "{bytes}");
                least = middle;
            }
            Err(BundleError::TooLong { bytes: told }) => {
                assert!(bytes > MAX_BYTES && told == bytes, "{bytes} {told}");
                most = middle;
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn fingerprints_are_read_in_any_spelling() {
    let (one, two) = (&ROOTS[0], &ROOTS[1]);
    let bundle = bundle_of(&[one, two]);
    for fingerprint in [Fingerprint::sha1_of(one), Fingerprint::sha256_of(one)] {
        let plain = fingerprint.to_string();
        let pairs: Vec<_> =
            plain.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two)).collect();
        let hash = if plain.len() == 40 { "sha1" } else { "sha256" };
        for spelling in [
            plain.clone(),
            plain.to_uppercase(),
            pairs.join(":"),
            pairs.join(":").to_uppercase(),
            pairs.join(" "),
            pairs.join("-"),
            format!("  {plain}\n"),
            format!("{hash} Fingerprint={}", pairs.join(":").to_uppercase()),
            format!("{}:{plain}", hash.to_uppercase()),
            format!("{}:{}", hash.replace("sha", "SHA-"), pairs.join(":")),
        ] {
            let read: Fingerprint = spelling.parse().unwrap();
            assert_eq!(read, fingerprint, "{spelling}");
            assert!(read.is_of(one) && !read.is_of(two));
            assert_eq!(bundle.remove(&[read]).unwrap(), bundle_of(&[two]));
        }
    }
    for text in
        ["", "12", "zz", "sha1", "md5:0123", &"0".repeat(41), &"0".repeat(42), &"0".repeat(80), "é"]
    {
        let error = text.parse::<Fingerprint>().unwrap_err();
        assert_eq!(error.text, text);
    }
    let absent = Fingerprint::sha1_of(&ROOTS[2]);
    let error = bundle.remove(&[Fingerprint::sha1_of(one), absent]).unwrap_err();
    assert!(matches!(error, BundleError::NotThere { fingerprint } if fingerprint == absent));
}

#[test]
fn openssl_prints_the_same_fingerprints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, ROOTS[0].to_pem()).unwrap();
    for hash in ["-sha1", "-sha256"] {
        let output = std::process::Command::new("openssl")
            .args(["x509", "-noout", "-fingerprint", hash, "-in"])
            .arg(&path)
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "openssl is needed: {error}");
                println!("skipped: no openssl: {error}");
                return;
            }
        };
        let text = String::from_utf8(output.stdout).unwrap();
        let fingerprint: Fingerprint = text.parse().unwrap();
        assert!(fingerprint.is_of(&ROOTS[0]), "{text}");
    }
}

#[test]
fn a_client_that_is_admitted_is_not_locked_out_unnoticed() {
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let issuing = root.intermediate("Issuing");
    let leaf = issuing.leaf();
    let above = [issuing.certificate.clone()];
    let before = bundle_of(&[&root.certificate, &other.certificate]);
    let without = before.remove(&[Fingerprint::sha256_of(&root.certificate)]).unwrap();
    let now = chains::now();
    let error = without.check_admits_still(&before, &leaf, &above, now).unwrap_err();
    assert!(
        error.to_string().starts_with("the client certificate CN=worker would be locked out"),
        "{error}"
    );
    assert!(std::error::Error::source(&error).is_some());
    let nothing = CaBundle::default();
    assert!(nothing.check_admits_still(&before, &leaf, &above, now).is_err());
    let with_issuing = bundle_of(&[&root.certificate, &issuing.certificate]);
    with_issuing.check_admits_still(&before, &leaf, &above, now).unwrap();
    // Of who is not admitted today nothing can be said.
    let (expired, stranger) = (root.leaf_with(EXPIRED), Authority::root("Stranger").leaf());
    for (leaf, above) in [(&expired, &[][..]), (&stranger, &[]), (&leaf, &[])] {
        let error = without.check_admits_still(&before, leaf, above, now).unwrap_err();
        assert!(matches!(error, BundleError::NotAdmitted { .. }), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn differences_lead_from_one_bundle_to_the_other(
        one in proptest::sample::subsequence(ROOTS[..8].to_vec(), 0..=8).prop_shuffle(),
        other in proptest::sample::subsequence(ROOTS[..8].to_vec(), 0..=8).prop_shuffle(),
    ) {
        let (one, other) = (CaBundle::of(&one), CaBundle::of(&other));
        let difference = one.difference(&other);
        let fingerprints: Vec<_> = difference.removed.iter().map(Fingerprint::sha1_of).collect();
        let reached = one.remove(&fingerprints).unwrap().add(&difference.added).unwrap();
        prop_assert_eq!(&reached, &other);
        prop_assert_eq!(difference.is_empty(), one == other);
        let back = other.difference(&one);
        prop_assert_eq!((back.added, back.removed), (difference.removed, difference.added));
    }
}
