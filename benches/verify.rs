//! Verifying a certificate chain, beside other verifiers.
//!
//! Everybody starts from the DER of the leaf and the intermediates, and has read the trust anchor
//! before: that is what a server does for each client. Ids are `<work>/<implementation>`.
//! OpenSSL takes part when built with `RUSTFLAGS="--cfg bench_openssl"`.
//!
//! With `RUSTFLAGS="--cfg bench_stub_signatures"` there is one work alone, `rules-only`: reading the
//! certificates, finding the path and applying the rules, while every signature counts as valid on
//! both sides. It is a `cfg` and no feature, because a crate somewhere in a tree can turn on a feature.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion's macro makes the entry point, and a broken benchmark should stop"
)]

#[path = "../tests/support/chains.rs"]
mod chains;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use private_ca::Certificate;
use private_ca::verify::{Purpose, Verification, Verifier};
use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256, SignatureAlgorithm};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert, aws_lc_rs, ring};

use chains::Authority;

struct Work {
    anchor: Vec<u8>,
    intermediates: Vec<Vec<u8>>,
    leaf: Vec<u8>,
}

fn work(algorithm: &'static SignatureAlgorithm, with_intermediate: bool) -> Work {
    let root = Authority::of_algorithm(algorithm, "Root");
    let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let issuing = root.intermediate_of(key, "Issuing", |_| {});
    let issuer = if with_intermediate { &issuing } else { &root };
    let intermediates =
        with_intermediate.then(|| issuing.certificate.as_der().to_vec()).into_iter().collect();
    Work {
        anchor: root.certificate.as_der().to_vec(),
        intermediates,
        leaf: issuer.leaf().as_der().to_vec(),
    }
}

fn works() -> Vec<(&'static str, Work)> {
    vec![
        ("p256-anchor", work(&PKCS_ECDSA_P256_SHA256, false)),
        ("p256-intermediate", work(&PKCS_ECDSA_P256_SHA256, true)),
        ("rsa2048-anchor", work(&PKCS_RSA_SHA256, false)),
        ("rsa2048-intermediate", work(&PKCS_RSA_SHA256, true)),
        ("p384-intermediate", work(&PKCS_ECDSA_P384_SHA384, true)),
    ]
}

fn private_ca(group: &mut BenchmarkGroup<'_, WallTime>, work: &Work) {
    let verifier = Verifier::new([Certificate::from_der(&work.anchor).unwrap()]).unwrap();
    let verification = Verification::new(Purpose::Client).at(chains::now());
    group.bench_function("private-ca", |bencher| {
        bencher.iter(|| {
            let leaf = Certificate::from_der(black_box(&work.leaf)).unwrap();
            let intermediates: Vec<_> = work
                .intermediates
                .iter()
                .map(|der| Certificate::from_der(black_box(der)).unwrap())
                .collect();
            verifier.verify(&leaf, &intermediates, &verification).unwrap()
        });
    });
}

fn webpki(
    group: &mut BenchmarkGroup<'_, WallTime>,
    implementation: &str,
    algorithms: &[&dyn SignatureVerificationAlgorithm],
    work: &Work,
) {
    let anchor = CertificateDer::from(work.anchor.as_slice());
    let anchors = [anchor_from_trusted_cert(&anchor).unwrap()];
    let seconds = u64::try_from(chains::now().unix_seconds()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let intermediates: Vec<CertificateDer<'_>> =
        work.intermediates.iter().map(|der| der.as_slice().into()).collect();
    group.bench_function(implementation, |bencher| {
        bencher.iter(|| {
            let leaf = CertificateDer::from(black_box(work.leaf.as_slice()));
            EndEntityCert::try_from(&leaf)
                .unwrap()
                .verify_for_usage(
                    algorithms,
                    &anchors,
                    black_box(&intermediates),
                    now,
                    KeyUsage::client_auth(),
                    None,
                    None,
                )
                .unwrap();
        });
    });
}

#[cfg(bench_openssl)]
fn openssl(group: &mut BenchmarkGroup<'_, WallTime>, work: &Work) {
    use openssl::stack::Stack;
    use openssl::x509::store::X509StoreBuilder;
    use openssl::x509::verify::X509VerifyParam;
    use openssl::x509::{X509, X509PurposeId, X509StoreContext};

    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(X509::from_der(&work.anchor).unwrap()).unwrap();
    store.set_purpose(X509PurposeId::SSL_CLIENT).unwrap();
    let mut param = X509VerifyParam::new().unwrap();
    param.set_time(chains::now().unix_seconds());
    store.set_param(&param).unwrap();
    let store = store.build();
    group.bench_function("openssl", |bencher| {
        bencher.iter(|| {
            let leaf = X509::from_der(black_box(&work.leaf)).unwrap();
            let mut intermediates = Stack::new().unwrap();
            for der in &work.intermediates {
                intermediates.push(X509::from_der(black_box(der)).unwrap()).unwrap();
            }
            let mut context = X509StoreContext::new().unwrap();
            let valid =
                context.init(&store, &leaf, &intermediates, |context| context.verify_cert());
            assert!(valid.unwrap());
        });
    });
}

/// Two P-256 certificates below an anchor, and no signature checked.
#[cfg(bench_stub_signatures)]
fn rules_only(criterion: &mut Criterion) {
    let work = work(&PKCS_ECDSA_P256_SHA256, true);
    let mut group = criterion.benchmark_group("rules-only");
    private_ca(&mut group, &work);
    webpki(&mut group, "webpki-aws-lc-rs", &[&SaysYes], &work);
    group.finish();
}

/// ECDSA with P-256 and SHA-256 for webpki, without the arithmetic.
#[cfg(bench_stub_signatures)]
#[derive(Debug)]
struct SaysYes;

#[cfg(bench_stub_signatures)]
impl SignatureVerificationAlgorithm for SaysYes {
    fn public_key_alg_id(&self) -> rustls_pki_types::AlgorithmIdentifier {
        rustls_pki_types::alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> rustls_pki_types::AlgorithmIdentifier {
        rustls_pki_types::alg_id::ECDSA_SHA256
    }

    fn verify_signature(
        &self,
        _: &[u8],
        _: &[u8],
        _: &[u8],
    ) -> Result<(), rustls_pki_types::InvalidSignature> {
        Ok(())
    }
}

#[cfg_attr(bench_stub_signatures, expect(dead_code, reason = "the works with signatures"))]
fn verify(criterion: &mut Criterion) {
    for (name, work) in works() {
        let mut group = criterion.benchmark_group(name);
        private_ca(&mut group, &work);
        let aws_lc_rs: &[&dyn SignatureVerificationAlgorithm] = &[
            aws_lc_rs::ECDSA_P256_SHA256,
            aws_lc_rs::ECDSA_P384_SHA384,
            aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
        ];
        webpki(&mut group, "webpki-aws-lc-rs", aws_lc_rs, &work);
        let ring: &[&dyn SignatureVerificationAlgorithm] =
            &[ring::ECDSA_P256_SHA256, ring::ECDSA_P384_SHA384, ring::RSA_PKCS1_2048_8192_SHA256];
        webpki(&mut group, "webpki-ring", ring, &work);
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        {
            let graviola = rustls_graviola::default_provider().signature_verification_algorithms;
            webpki(&mut group, "webpki-graviola", graviola.all, &work);
        }
        #[cfg(bench_openssl)]
        openssl(&mut group, &work);
        group.finish();
    }
}

#[cfg(not(bench_stub_signatures))]
criterion_group!(benches, verify);
#[cfg(bench_stub_signatures)]
criterion_group!(benches, rules_only);
criterion_main!(benches);
