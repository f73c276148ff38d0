//! Decrypting an encrypted private key as ACM exports it, beside other readers.
//!
//! From PEM to a checked PKCS#8 key: RSA 2048, PBKDF2 with HMAC-SHA-1 as the unnamed default, 2048
//! iterations, AES-256-CBC. The pkcs8 crate gives the DER unchecked; OpenSSL checks the key as this
//! crate does. Ids are `<work>/<implementation>`. OpenSSL takes part when built with
//! `RUSTFLAGS="--cfg bench_openssl"`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "criterion's macro makes the entry point, and a broken benchmark should stop"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use private_ca::{EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey};

fn decrypt(criterion: &mut Criterion) {
    let passphrase = Passphrase::new(*b"correct horse battery staple");
    for (work, algorithm) in
        [("acm-key-rsa2048", KeyAlgorithm::RSA_2048), ("acm-key-p256", KeyAlgorithm::EcdsaP256)]
    {
        let key = PrivateKey::generate(algorithm).unwrap();
        let pem = EncryptedPrivateKey::encrypt(&key, &passphrase, EncryptionPreset::Acm)
            .unwrap()
            .to_pem();
        let mut group = criterion.benchmark_group(work);
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
}

criterion_group!(benches, decrypt);
criterion_main!(benches);
