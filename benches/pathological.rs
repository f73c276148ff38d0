//! Pools and certificates that are arranged to waste a verifier's work, beside rustls-webpki.
//!
//! Every shape ends within the budget. `pool` and `namesakes` come in growing sizes: the time grows
//! with the size of the pool, which is read and sorted once, and not with the number of paths that
//! could be made of it. Ids are `<shape>/<implementation>`; certificates are parsed before.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion's macro makes the entry point, and a broken benchmark should stop"
)]

#[path = "../tests/support/chains.rs"]
mod chains;
#[path = "support/report.rs"]
mod report;

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group, criterion_main};
use private_ca::Certificate;
use private_ca::verify::{Policy, RevocationList, Verification, Verifier, VerifyError};
use rcgen::{CertificateParams, GeneralSubtree, KeyIdMethod, NameConstraints, SanType};
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use chains::Authority;

/// A verification, and how it has to end.
struct Shape {
    name: String,
    anchor: Certificate,
    pool: Vec<Certificate>,
    leaf: Certificate,
    policy: Policy,
    ends: fn(&Result<(), VerifyError>) -> bool,
}

fn accepted(result: &Result<(), VerifyError>) -> bool {
    result.is_ok()
}

fn over_budget(result: &Result<(), VerifyError>) -> bool {
    matches!(result, Err(VerifyError::Budget { .. }))
}

fn refused(result: &Result<(), VerifyError>) -> bool {
    matches!(result, Err(error) if !matches!(error, VerifyError::Budget { .. }))
}

fn shape(name: impl Into<String>, anchor: &Authority, leaf: Certificate) -> Shape {
    Shape {
        name: name.into(),
        anchor: anchor.certificate.clone(),
        pool: Vec::new(),
        leaf,
        policy: Policy::tls_client(),
        ends: accepted,
    }
}

/// A valid chain of three among certificates of strangers.
fn pool(size: usize) -> Shape {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let key = chains::key();
    let mut pool: Vec<_> = (1..size)
        .map(|number| {
            let params = chains::ca_params(&format!("Stranger {number}"));
            let der = params.signed_by(&key, &root.issuer()).unwrap();
            Certificate::from_der(der.der()).unwrap()
        })
        .collect();
    pool.insert(size / 2, issuing.certificate.clone());
    Shape { pool, ..shape(format!("pool-{size}"), &root, issuing.leaf()) }
}

fn without_identifiers(params: &mut CertificateParams) {
    params.use_authority_key_identifier_extension = false;
    params.key_identifier_method = KeyIdMethod::PreSpecified(vec![7]);
}

/// Authorities of one name and different keys, none of which signed the leaf.
fn namesakes(size: usize) -> Shape {
    let root = Authority::root("Root");
    let issuing = root.intermediate("Issuing");
    let pool = (0..size)
        .map(|_| root.intermediate_with("Issuing", without_identifiers).certificate)
        .collect();
    let leaf = issuing.leaf_with(without_identifiers);
    let ends = if size > 100 { over_budget } else { refused };
    Shape { pool, ends, ..shape(format!("namesakes-{size}"), &root, leaf) }
}

/// Certificates of one name and one key: each could have issued each other.
fn one_key(size: usize) -> Shape {
    let root = Authority::root("Root");
    let ring = Authority::root_with("Issuing", without_identifiers);
    let pool = (0..size)
        .map(|_| {
            let der = ring.params.signed_by(&ring.key, &ring.issuer()).unwrap();
            Certificate::from_der(der.der()).unwrap()
        })
        .collect();
    let leaf = ring.leaf_with(without_identifiers);
    let ends = if size > 100 { over_budget } else { refused };
    Shape { pool, ends, ..shape(format!("one-key-{size}"), &root, leaf) }
}

/// Authorities that all vouch for each other: loops of every length.
fn cycles(size: usize) -> Shape {
    let root = Authority::root("Root");
    let authorities: Vec<_> = (0..size).map(|n| Authority::root(&format!("CA {n}"))).collect();
    let mut pool = Vec::new();
    for a in &authorities {
        for b in authorities.iter().filter(|b| !std::ptr::eq(a, *b)) {
            pool.push(a.cross_sign(b));
        }
    }
    let leaf = authorities.first().unwrap().leaf();
    Shape { pool, ends: over_budget, ..shape(format!("cycles-{size}"), &root, leaf) }
}

/// Levels of two certificates of one name and key each, under nobody: as many paths as there are ways
/// through, and few signatures.
fn diamond(levels: usize) -> Shape {
    let root = Authority::root("Root");
    let mut above = Authority::root("Level 0");
    let mut pool = Vec::new();
    for level in 1..=levels {
        let next = above.intermediate(&format!("Level {level}"));
        let der = next.params.signed_by(&next.key, &above.issuer()).unwrap();
        pool.extend([next.certificate.clone(), Certificate::from_der(der.der()).unwrap()]);
        above = next;
    }
    Shape { pool, ends: over_budget, ..shape(format!("diamond-{levels}"), &root, above.leaf()) }
}

/// Names times constraints.
fn names(count: usize) -> Shape {
    let constraints = NameConstraints {
        permitted_subtrees: (0..count)
            .map(|n| GeneralSubtree::DnsName(format!("p{n}.example")))
            .collect(),
        excluded_subtrees: (0..count)
            .map(|n| GeneralSubtree::DnsName(format!("x{n}.example")))
            .collect(),
    };
    let root = Authority::root_with("Root", |params| params.name_constraints = Some(constraints));
    let last = format!("p{}.example", count - 1);
    let leaf = root.leaf_with(|params| {
        params.subject_alt_names =
            (0..count).map(|_| SanType::DnsName(last.as_str().try_into().unwrap())).collect();
    });
    let ends = if count > 400 { over_budget } else { accepted };
    Shape { ends, ..shape(format!("names-{count}"), &root, leaf) }
}

/// Policies that are mapped to each other at every level: RFC 5280's tree would have as many leaves
/// as there are ways through (RFC 9618 section 3).
fn policies(levels: usize) -> Shape {
    const COUNT: u8 = 40;
    let policy = |number: u8| [6, 3, 42, 3, number];
    let all: Vec<u8> = (0..COUNT).flat_map(|n| chains::tlv(0x30, &policy(n))).collect();
    let pairs: Vec<u8> = (0..COUNT)
        .flat_map(|from| (0..COUNT).map(move |to| [policy(from), policy(to)].concat()))
        .flat_map(|pair| chains::tlv(0x30, &pair))
        .collect();
    let (all, pairs) = (chains::tlv(0x30, &all), chains::tlv(0x30, &pairs));
    let policies = chains::extension(&[2, 5, 29, 32], false, &all);
    let mut authorities = vec![Authority::root("Root")];
    for level in 0..levels {
        let issuer = authorities.last().unwrap();
        authorities.push(issuer.intermediate_with(&format!("Level {level}"), |params| {
            chains::extension(&[2, 5, 29, 32], false, &all)(params);
            chains::extension(&[2, 5, 29, 33], false, &pairs)(params);
        }));
    }
    let leaf = authorities.last().unwrap().leaf_with(policies);
    let pool = authorities.iter().skip(1).map(|authority| authority.certificate.clone()).collect();
    let policy = Policy::tls_client().require_explicit_policy();
    let root = authorities.first().unwrap();
    Shape { pool, policy, ..shape(format!("policies-{levels}"), root, leaf) }
}

fn verify(group: &mut BenchmarkGroup<'_, WallTime>, shape: &Shape) {
    let verifier = Verifier::new([shape.anchor.clone()]).unwrap();
    let verification = Verification::new(shape.policy.clone()).at(chains::now());
    let ask =
        || verifier.verify(black_box(&shape.leaf), black_box(&shape.pool), &verification).map(drop);
    let result = ask();
    assert!((shape.ends)(&result), "{}: {result:?}", shape.name);
    group.bench_function("private-ca", |bencher| bencher.iter(ask));
}

fn webpki(group: &mut BenchmarkGroup<'_, WallTime>, shape: &Shape) {
    let anchor = CertificateDer::from(shape.anchor.as_der());
    // It reads no certificate of more than 64 KiB.
    let Ok(anchor) = anchor_from_trusted_cert(&anchor) else {
        return;
    };
    let anchors = [anchor];
    let pool: Vec<CertificateDer<'_>> =
        shape.pool.iter().map(|certificate| certificate.as_der().into()).collect();
    let seconds = u64::try_from(chains::now().unix_seconds()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let leaf = CertificateDer::from(shape.leaf.as_der());
    group.bench_function("webpki-aws-lc-rs", |bencher| {
        bencher.iter(|| {
            EndEntityCert::try_from(black_box(&leaf)).is_ok_and(|leaf| {
                leaf.verify_for_usage(
                    ALL_VERIFICATION_ALGS,
                    &anchors,
                    black_box(&pool),
                    now,
                    KeyUsage::client_auth(),
                    None,
                    None,
                )
                .is_ok()
            })
        });
    });
}

/// A certificate with an extension of ten megabytes that nobody knows.
fn ten_megabytes() -> Vec<u8> {
    let root = Authority::root("Root");
    let contents = vec![0; 10_000_000];
    root.leaf_with(chains::extension(&[1, 2, 3, 4], false, &contents)).as_der().to_vec()
}

fn a_list(entries: u64) -> Vec<u8> {
    let root = Authority::root("Root");
    let revoked = (0..entries)
        .map(|number| rcgen::RevokedCertParams {
            serial_number: number.wrapping_mul(0x9e37_79b9_7f4a_7c15).into(),
            revocation_time: rcgen::date_time_ymd(2027, 1, 1),
            reason_code: Some(rcgen::RevocationReason::KeyCompromise),
            invalidity_date: None,
        })
        .collect();
    let params = rcgen::CertificateRevocationListParams {
        this_update: rcgen::date_time_ymd(2027, 2, 1),
        next_update: rcgen::date_time_ymd(2027, 4, 1),
        crl_number: 1_u64.into(),
        issuing_distribution_point: None,
        revoked_certs: revoked,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    params.signed_by(&root.issuer()).unwrap().der().to_vec()
}

fn parsing(criterion: &mut Criterion) {
    let large = ten_megabytes();
    let mut group = criterion.benchmark_group("parse-10-MB");
    group.bench_function("private-ca", |bencher| {
        bencher.iter(|| Certificate::from_der(black_box(&large)).unwrap());
    });
    group.finish();
    let mut group = criterion.benchmark_group("parse-10-MB-truncated");
    let truncated = large.get(..large.len() - 1).unwrap();
    group.bench_function("private-ca", |bencher| {
        bencher.iter(|| Certificate::from_der(black_box(truncated)).unwrap_err());
    });
    group.finish();
    let list = a_list(100_000);
    let mut group = criterion.benchmark_group("parse-list-100000");
    group.bench_function("private-ca", |bencher| {
        bencher.iter(|| RevocationList::from_der(black_box(&list)).unwrap());
    });
    group.finish();
}

fn shapes(criterion: &mut Criterion) {
    let run = report::Run::start("pathological", "private-ca");
    let shapes = [
        pool(10),
        pool(100),
        pool(1_000),
        pool(10_000),
        namesakes(50),
        namesakes(500),
        namesakes(5_000),
        one_key(100),
        one_key(1_000),
        cycles(10),
        cycles(30),
        diamond(22),
        names(200),
        names(2_048),
        policies(5),
        policies(20),
    ];
    for shape in &shapes {
        let mut group = criterion.benchmark_group(&shape.name);
        verify(&mut group, shape);
        webpki(&mut group, shape);
        group.finish();
    }
    parsing(criterion);
    let mut names: Vec<_> = shapes.iter().map(|shape| shape.name.as_str()).collect();
    names.extend(["parse-10-MB", "parse-10-MB-truncated", "parse-list-100000"]);
    run.report(&names);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(1));
    targets = shapes
}
criterion_main!(benches);
