//! Verifying a certificate chain, beside other verifiers.
//!
//! Everybody starts from the DER of the leaf and the intermediates, and has read the trust anchor
//! before: that is what a server does for each client. Ids are `<work>/<implementation>`. A table of ratios
//! is printed at the end, and a plot written. OpenSSL takes part when built with
//! `RUSTFLAGS="--cfg bench_openssl"`.
//!
//! With `RUSTFLAGS="--cfg bench_stub_signatures"` there is `rules-only` alone: reading the
//! certificates, finding the path and applying the rules, while every signature counts as valid on
//! both sides; and the same without the one rule that webpki leaves to whoever uses the leaf's key, which is
//! that the key is one. It is a `cfg` and no feature, because a crate somewhere in a tree can turn on a feature.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    reason = "criterion's macro makes the entry point, and a broken benchmark should stop"
)]

#[path = "../tests/support/chains.rs"]
mod chains;
#[path = "support/report.rs"]
mod report;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group};
use private_ca::Certificate;
use private_ca::verify::{Preparation, Purpose, Verification, Verifier};
use rcgen::SignatureAlgorithm;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use chains::Authority;

/// What the verifier of this crate knows before the first leaf comes.
#[derive(Clone, Copy)]
#[cfg_attr(bench_stub_signatures, allow(dead_code))]
enum Knows {
    Anchor,
    PreparedAnchor,
    Intermediates,
}

struct Work {
    name: &'static str,
    knows: Knows,
    anchor: Vec<u8>,
    intermediates: Vec<Vec<u8>>,
    leaf: Vec<u8>,
}

impl Work {
    #[cfg(not(bench_stub_signatures))]
    fn under_anchor(name: &'static str, algorithm: &'static SignatureAlgorithm) -> Self {
        let root = Authority::of_algorithm(algorithm, "Root");
        Self {
            name,
            knows: Knows::PreparedAnchor,
            anchor: root.certificate.as_der().to_vec(),
            intermediates: Vec::new(),
            leaf: root.leaf().as_der().to_vec(),
        }
    }

    fn under_intermediate(
        name: &'static str,
        algorithm: &'static SignatureAlgorithm,
        knows: Knows,
    ) -> Self {
        let root = Authority::of_algorithm(algorithm, "Root");
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let issuing = root.intermediate_of(key, "Issuing", |_| {});
        Self {
            name,
            knows,
            anchor: root.certificate.as_der().to_vec(),
            intermediates: vec![issuing.certificate.as_der().to_vec()],
            leaf: issuing.leaf().as_der().to_vec(),
        }
    }

    fn verifier(&self) -> Verifier {
        let read = |der: &Vec<u8>| Certificate::from_der(der).unwrap();
        let verifier = Verifier::new([read(&self.anchor)]).unwrap();
        match self.knows {
            Knows::Anchor => verifier.with_preparation(Preparation::Never),
            Knows::PreparedAnchor => verifier.with_preparation(Preparation::AtOnce),
            Knows::Intermediates => verifier
                .with_preparation(Preparation::AtOnce)
                .with_intermediates(self.intermediates.iter().map(read)),
        }
    }

    /// Reads and verifies, from what a peer sends.
    fn verify(&self, verifier: &Verifier, verification: &Verification) {
        let leaf = Certificate::from_der(black_box(&self.leaf)).unwrap();
        let intermediates: Vec<_> = self
            .intermediates
            .iter()
            .map(|der| Certificate::from_der(black_box(der)).unwrap())
            .collect();
        black_box(verifier.verify(&leaf, &intermediates, verification).unwrap());
    }
}

fn verification() -> Verification {
    Verification::new(Purpose::Client).at(chains::now())
}

fn private_ca(group: &mut BenchmarkGroup<'_, WallTime>, work: &Work, verification: &Verification) {
    let verifier = work.verifier();
    group.bench_function("private-ca", |bencher| {
        bencher.iter(|| work.verify(&verifier, verification));
    });
}

type Algorithms<'a> = &'a [&'a dyn SignatureVerificationAlgorithm];

fn webpki_now() -> UnixTime {
    let seconds = u64::try_from(chains::now().unix_seconds()).unwrap();
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// The same with webpki.
fn webpki_verify(
    work: &Work,
    algorithms: Algorithms<'_>,
    anchors: &[TrustAnchor<'_>],
    intermediates: &[CertificateDer<'_>],
    now: UnixTime,
) {
    let leaf = CertificateDer::from(black_box(work.leaf.as_slice()));
    let leaf = EndEntityCert::try_from(&leaf).unwrap();
    let (intermediates, usage) = (black_box(intermediates), KeyUsage::client_auth());
    leaf.verify_for_usage(algorithms, anchors, intermediates, now, usage, None, None).unwrap();
}

fn webpki(
    group: &mut BenchmarkGroup<'_, WallTime>,
    implementation: &str,
    algorithms: Algorithms<'_>,
    work: &Work,
) {
    let anchor = CertificateDer::from(work.anchor.as_slice());
    let anchors = [anchor_from_trusted_cert(&anchor).unwrap()];
    let intermediates: Vec<_> =
        work.intermediates.iter().map(|der| der.as_slice().into()).collect();
    let now = webpki_now();
    group.bench_function(implementation, |bencher| {
        bencher.iter(|| webpki_verify(work, algorithms, &anchors, &intermediates, now));
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

#[cfg(not(bench_stub_signatures))]
mod with_signatures {
    use std::thread;
    use std::time::Instant;

    use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};
    use webpki::{aws_lc_rs, ring};

    use super::*;

    const AWS_LC_RS: Algorithms<'_> = &[
        aws_lc_rs::ECDSA_P256_SHA256,
        aws_lc_rs::ECDSA_P384_SHA384,
        aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
    ];
    const RING: Algorithms<'_> =
        &[ring::ECDSA_P256_SHA256, ring::ECDSA_P384_SHA384, ring::RSA_PKCS1_2048_8192_SHA256];

    pub(crate) const WORKS: &[&str] = &[
        "p256-anchor",
        "p256-known-intermediate",
        "p256-unknown-intermediate-prepared-anchor",
        "p256-unknown-intermediate",
        "rsa2048-anchor",
        "rsa2048-known-intermediate",
        "p384-known-intermediate",
        "p256-many-on-1-thread",
        "p256-many-on-2-threads",
    ];

    fn works() -> Vec<Work> {
        let (p256, p384, rsa) =
            (&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_RSA_SHA256);
        let known = Knows::Intermediates;
        vec![
            Work::under_anchor("p256-anchor", p256),
            Work::under_intermediate("p256-known-intermediate", p256, known),
            Work::under_intermediate(
                "p256-unknown-intermediate-prepared-anchor",
                p256,
                Knows::PreparedAnchor,
            ),
            Work::under_intermediate("p256-unknown-intermediate", p256, Knows::Anchor),
            Work::under_anchor("rsa2048-anchor", rsa),
            Work::under_intermediate("rsa2048-known-intermediate", rsa, known),
            Work::under_intermediate("p384-known-intermediate", p384, known),
        ]
    }

    pub(crate) fn verify(criterion: &mut Criterion) {
        for work in works() {
            let mut group = criterion.benchmark_group(work.name);
            private_ca(&mut group, &work, &verification());
            webpki(&mut group, "webpki-aws-lc-rs", AWS_LC_RS, &work);
            webpki(&mut group, "webpki-ring", RING, &work);
            #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
            {
                let provider = rustls_graviola::default_provider();
                let graviola = provider.signature_verification_algorithms;
                webpki(&mut group, "webpki-graviola", graviola.all, &work);
            }
            #[cfg(bench_openssl)]
            openssl(&mut group, &work);
            group.finish();
        }
    }

    /// The time of one verification, where so many threads share the verifier.
    pub(crate) fn many(criterion: &mut Criterion) {
        let work = Work::under_intermediate("many", &PKCS_ECDSA_P256_SHA256, Knows::Intermediates);
        let (verifier, verification) = (work.verifier(), verification());
        let anchor = CertificateDer::from(work.anchor.as_slice());
        let anchors = [anchor_from_trusted_cert(&anchor).unwrap()];
        let intermediates: Vec<_> =
            work.intermediates.iter().map(|der| der.as_slice().into()).collect();
        let now = webpki_now();
        for threads in [1, 2] {
            let plural = if threads == 1 { "" } else { "s" };
            let mut group =
                criterion.benchmark_group(format!("p256-many-on-{threads}-thread{plural}"));
            let mut time = |implementation: &str, verify: &(dyn Fn() + Sync)| {
                group.bench_function(implementation, |bencher| {
                    bencher.iter_custom(|count| {
                        let each = count.div_ceil(threads);
                        let start = Instant::now();
                        thread::scope(|scope| {
                            for _ in 0..threads {
                                scope.spawn(|| (0..each).for_each(|_| verify()));
                            }
                        });
                        start.elapsed()
                    });
                });
            };
            time("private-ca", &|| work.verify(&verifier, &verification));
            time("webpki-aws-lc-rs", &|| {
                webpki_verify(&work, AWS_LC_RS, &anchors, &intermediates, now);
            });
            group.finish();
        }
    }
}

#[cfg(bench_stub_signatures)]
mod without_signatures {
    use private_ca::verify::{Policy, Rule};
    use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, alg_id};

    use super::*;

    pub(crate) const WORKS: &[&str] = &["rules-only", "rules-only-without-key"];

    /// ECDSA with P-256 and SHA-256 for webpki, without the arithmetic.
    #[derive(Debug)]
    struct SaysYes;

    impl SignatureVerificationAlgorithm for SaysYes {
        fn public_key_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_P256
        }

        fn signature_alg_id(&self) -> AlgorithmIdentifier {
            alg_id::ECDSA_SHA256
        }

        fn verify_signature(&self, _: &[u8], _: &[u8], _: &[u8]) -> Result<(), InvalidSignature> {
            Ok(())
        }
    }

    /// Two certificates below an anchor, of which nothing is known before, and no signature checked.
    pub(crate) fn rules_only(criterion: &mut Criterion) {
        let algorithm = &rcgen::PKCS_ECDSA_P256_SHA256;
        let webpkis = Policy::tls_client().without(Rule::SubjectKeyAccepted);
        let webpkis = Verification::new(webpkis).at(chains::now());
        for (name, verification) in WORKS.iter().zip([verification(), webpkis]) {
            let work = Work::under_intermediate(name, algorithm, Knows::Anchor);
            let mut group = criterion.benchmark_group(work.name);
            private_ca(&mut group, &work, &verification);
            webpki(&mut group, "webpki-aws-lc-rs", &[&SaysYes], &work);
            group.finish();
        }
    }
}

#[cfg(not(bench_stub_signatures))]
use with_signatures::WORKS;
#[cfg(bench_stub_signatures)]
use without_signatures::WORKS;

fn configured() -> Criterion {
    Criterion::default().output_directory(&report::folder())
}

#[cfg(not(bench_stub_signatures))]
criterion_group! {
    name = benches;
    config = configured();
    targets = with_signatures::verify, with_signatures::many
}
#[cfg(bench_stub_signatures)]
criterion_group! {
    name = benches;
    config = configured();
    targets = without_signatures::rules_only
}

fn main() {
    let run = report::Run::start("verify", "private-ca");
    benches();
    Criterion::default().configure_from_args().final_summary();
    run.report(WORKS);
}
