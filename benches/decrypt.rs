//! Decrypting a private key as ACM exports it, and the key derivation that it costs, beside other
//! implementations.
//!
//! - `acm-key`: from PEM to a checked PKCS#8 key: RSA 2048, PBKDF2 with HMAC-SHA-1 as the unnamed default, 2048
//!   iterations, AES-256-CBC. The pkcs8 crate gives the DER unchecked; OpenSSL checks the key as this crate does.
//! - `pbkdf2-sha1`: 2048 iterations for 32 octets, as such a key needs.
//! - `pbkdf2-sha256`: 600,000 iterations for 32 octets, as a key that is encrypted here needs.
//! - `pbkdf2-sha512`: 210,000 iterations for 32 octets.
//!
//! `floor` is the hash function's compressions alone, one after the other, by the sha1 and sha2 crates. Ids are
//! `<work>/<implementation>`. OpenSSL takes part when built with `RUSTFLAGS="--cfg bench_openssl"`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion's macro makes the entry point, and a broken benchmark should stop"
)]

#[path = "support/report.rs"]
mod report;

use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::Duration;

use aws_lc_rs::pbkdf2 as aws_lc;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, criterion_group};
use private_ca::key::{self, Prf};
use private_ca::{EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey};
use ring::pbkdf2 as ring_pbkdf2;

const PASSPHRASE: &[u8] = b"correct horse battery staple";

fn acm_key(criterion: &mut Criterion) {
    let passphrase = Passphrase::new(PASSPHRASE);
    let key = PrivateKey::generate(KeyAlgorithm::RSA_2048).unwrap();
    let pem =
        EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm).unwrap().to_pem();
    let mut group = criterion.benchmark_group("acm-key");
    group.bench_function("private-ca", |bencher| {
        bencher.iter(|| {
            EncryptedPrivateKey::from_pem_or_der(black_box(pem.as_bytes()))
                .unwrap()
                .decrypt(&passphrase)
                .unwrap()
        });
    });
    group.bench_function("pkcs8", |bencher| {
        bencher.iter(|| {
            let (_, der) = pkcs8::SecretDocument::from_pem(black_box(&pem)).unwrap();
            let info = pkcs8::EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).unwrap();
            info.decrypt(passphrase.expose()).unwrap()
        });
    });
    #[cfg(bench_openssl)]
    group.bench_function("openssl", |bencher| {
        bencher.iter(|| {
            openssl::pkey::PKey::private_key_from_pem_passphrase(
                black_box(pem.as_bytes()),
                passphrase.expose(),
            )
            .unwrap()
        });
    });
    group.finish();
}

/// One derivation of 32 octets, by everybody.
struct Derivation {
    work: &'static str,
    prf: Prf,
    iterations: u32,
    salt: &'static [u8],
    by_crate: fn(&[u8], &[u8], u32, &mut [u8]),
    aws_lc: aws_lc::Algorithm,
    ring: ring_pbkdf2::Algorithm,
    #[cfg(bench_openssl)]
    openssl: fn() -> openssl::hash::MessageDigest,
    /// The compressions that no implementation can do without.
    floor: fn(u32),
}

fn derivations() -> [Derivation; 3] {
    [
        Derivation {
            work: "pbkdf2-sha1",
            prf: Prf::HmacSha1,
            iterations: 2048,
            salt: b"twenty octets, as ACM",
            by_crate: pbkdf2::pbkdf2_hmac::<sha1::Sha1>,
            aws_lc: aws_lc::PBKDF2_HMAC_SHA1,
            ring: ring_pbkdf2::PBKDF2_HMAC_SHA1,
            #[cfg(bench_openssl)]
            openssl: openssl::hash::MessageDigest::sha1,
            // 32 octets are two digests, of two compressions to the iteration each.
            floor: |iterations| {
                let mut state = [1; 5];
                for _ in 0..4 * iterations {
                    sha1::block_api::compress(&mut state, &[[2; 64]]);
                }
                black_box(state);
            },
        },
        Derivation {
            work: "pbkdf2-sha256",
            prf: Prf::HmacSha256,
            iterations: 600_000,
            salt: b"sixteen octets..",
            by_crate: pbkdf2::pbkdf2_hmac::<sha2::Sha256>,
            aws_lc: aws_lc::PBKDF2_HMAC_SHA256,
            ring: ring_pbkdf2::PBKDF2_HMAC_SHA256,
            #[cfg(bench_openssl)]
            openssl: openssl::hash::MessageDigest::sha256,
            floor: |iterations| {
                let mut state = [1; 8];
                for _ in 0..2 * iterations {
                    sha2::block_api::compress256(&mut state, &[[2; 64]]);
                }
                black_box(state);
            },
        },
        Derivation {
            work: "pbkdf2-sha512",
            prf: Prf::HmacSha512,
            iterations: 210_000,
            salt: b"sixteen octets..",
            by_crate: pbkdf2::pbkdf2_hmac::<sha2::Sha512>,
            aws_lc: aws_lc::PBKDF2_HMAC_SHA512,
            ring: ring_pbkdf2::PBKDF2_HMAC_SHA512,
            #[cfg(bench_openssl)]
            openssl: openssl::hash::MessageDigest::sha512,
            floor: |iterations| {
                let mut state = [1; 8];
                for _ in 0..2 * iterations {
                    sha2::block_api::compress512(&mut state, &[[2; 128]]);
                }
                black_box(state);
            },
        },
    ]
}

/// Times one implementation, after a look at whether it derives what the others do.
fn time(
    group: &mut BenchmarkGroup<'_, WallTime>,
    implementation: &str,
    expected: &[u8; 32],
    derive: impl Fn(&mut [u8; 32]),
) {
    let mut derived = [0; 32];
    derive(&mut derived);
    assert_eq!(&derived, expected, "{implementation}");
    group.bench_function(implementation, |bencher| {
        bencher.iter(|| derive(black_box(&mut derived)));
    });
}

fn pbkdf2(criterion: &mut Criterion) {
    let passphrase = Passphrase::new(PASSPHRASE);
    for derivation in derivations() {
        let Derivation { prf, iterations, salt, .. } = derivation;
        let count = NonZeroU32::new(iterations).unwrap();
        let mut group = criterion.benchmark_group(derivation.work);
        if iterations > 100_000 {
            group.sample_size(20).measurement_time(Duration::from_secs(4));
        }
        let mut expected = [0; 32];
        key::pbkdf2(prf, &passphrase, salt, count, &mut expected);
        time(&mut group, "private-ca", &expected, |output| {
            key::pbkdf2(prf, &passphrase, salt, count, output);
        });
        time(&mut group, "pbkdf2", &expected, |output| {
            (derivation.by_crate)(PASSPHRASE, salt, iterations, output);
        });
        time(&mut group, "aws-lc-rs", &expected, |output| {
            aws_lc::derive(derivation.aws_lc, count, salt, PASSPHRASE, output);
        });
        time(&mut group, "ring", &expected, |output| {
            ring_pbkdf2::derive(derivation.ring, count, salt, PASSPHRASE, output);
        });
        #[cfg(bench_openssl)]
        time(&mut group, "openssl", &expected, |output| {
            let (digest, count) = ((derivation.openssl)(), usize::try_from(iterations).unwrap());
            openssl::pkcs5::pbkdf2_hmac(PASSPHRASE, salt, count, digest, output).unwrap();
        });
        group.bench_function("floor", |bencher| {
            bencher.iter(|| (derivation.floor)(black_box(iterations)));
        });
        group.finish();
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().output_directory(&report::folder());
    targets = acm_key, pbkdf2
}

fn main() {
    let run = report::Run::start("decrypt", "private-ca");
    benches();
    Criterion::default().configure_from_args().final_summary();
    run.report(&["acm-key", "pbkdf2-sha1", "pbkdf2-sha256", "pbkdf2-sha512"]);
}
