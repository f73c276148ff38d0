//! From no certificate at all to a Temporal worker connected over mTLS, with the certificate
//! authority as a plug.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "local")] {
//! use private_ca::{Identity, LocalCa, LocalManaged, ManagedCertificates, ManagedRequest, Passphrase};
//!
//! let managed = LocalManaged::new(LocalCa::in_memory()?.into());
//! let id = managed.request(ManagedRequest::new("worker.acme.internal")).await?;
//! let passphrase = Passphrase::new(*b"correct horse");
//! let identity = Identity::from_exported(managed.export(id, passphrase.clone()).await?, &passphrase)?;
//! println!("{} until {}", identity.certificate().subject(), identity.certificate().validity().not_after);
//! # }
//! # Ok(()) }
//! ```
//!
//! # The journey, a call to each step
//!
//! | step | call |
//! | --- | --- |
#![cfg_attr(
    feature = "local",
    doc = "| create a private CA | [`LocalCa::create_root`], [`LocalCa::in_memory`] |"
)]
#![cfg_attr(
    feature = "aws",
    doc = "| the same in AWS Private CA | [`AcmPca::create_root`], [`AcmPca::new`] |"
)]
//! | issue a certificate from a signing request | [`CertificateAuthority::issue`] |
//! | issue for a whole fleet | [`authority::fleet`] |
//! | request a managed certificate, export it under a passphrase | [`ManagedCertificates`] |
//! | take the passphrase off the key | [`EncryptedPrivateKey::decrypt`] |
//! | check that certificate, chain and key fit | [`Identity::new`], [`Verifier::verify`] |
#![cfg_attr(
    feature = "connect",
    doc = "| connect over mTLS, and say why not | [`connect::Doctor`], [`connect::Probe`] |"
)]
//! | ask whether Temporal Cloud will take it | [`temporal::requirements`] |
//! | change a namespace's bundle, rotate its CA | [`temporal::bundle`], [`temporal::rotation`] |
#![cfg_attr(
    feature = "temporal-cloud",
    doc = "| give the CA and filters to the namespace | [`temporal::namespace::CloudOps::update`] |"
)]
//! | configure the worker | [`temporal::worker::WorkerConfiguration`] |
#![cfg_attr(
    feature = "connect",
    doc = "| renew its identity while it runs | [`identity::Renewal`], [`identity::IdentityWatch`] |"
)]
//!
//! Programs depend on two traits, [`CertificateAuthority`] and [`ManagedCertificates`]; which CA is
//! behind them is one line. The command-line tool `private-ca` has a verb for each step, and
//! `private-ca walkthrough` takes them all, offline.
//!
//! # Features
//!
//! | feature | brings | pulls in |
//! | --- | --- | --- |
//! | (none) | keys, requests, verification, both traits, Temporal Cloud's rules, worker configuration | pure Rust: no C compiler, no async runtime |
//! | `graviola` (default) | faster RSA on x86_64 and aarch64, on CPUs that have the instructions | graviola: Rust around proved assembly, no C |
//! | `local` (default) | `LocalCa`, `LocalManaged` | rcgen on aws-lc-rs |
//! | `aws` | `AcmPca`, `Acm` (Rust 1.94.1 or later) | AWS's SDK on tokio and rustls with aws-lc-rs |
//! | `route53` | the DNS records by which ACM validates public certificates | `aws`, aws-sdk-route53 |
//! | `rustls` | `Identity::client_config`, `RotatingIdentity`, `IdentityWatch` | rustls on aws-lc-rs |
//! | `connect` | the doctor, which says why a worker does not connect; a TLS frontend for tests and a probe; `Renewal`, which renews an identity from its CA | `rustls`, tokio, hyper, hickory-resolver |
//! | `temporal-cloud` | reading and changing a namespace over Temporal's Cloud Ops API (Rust 1.92 or later) | temporalio-protos, tonic on rustls with aws-lc-rs |
//! | `temporal-client` | the Temporal SDK's connection options from a `WorkerConfiguration` and a `RotatingIdentity` (Rust 1.92 or later) | `rustls`, temporalio-client on rustls with aws-lc-rs |
//! | `mock` | `MockCertificateAuthority`, `MockManagedCertificates`, for tests of dependents | mockall |
//! | `cli` | the `private-ca` binary | clap, `local`, `connect` |
//! | `full` | all of the above | |
//! | `insecure-legacy-encryption` | reading keys under PBES1, PKCS#12's schemes, DES, RC2, RC4 and OpenSSL's traditional PEM | md-5, rc2, rc4 |
//!
//! Features only add.
//!
//! # Reasons
//!
//! Defaults, limits and what an attacker can and cannot do are argued in [`manual`].

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod authority;
pub mod certificate;
#[cfg(feature = "connect")]
pub mod connect;
pub mod file;
pub mod identity;
pub mod key;
pub mod managed;
pub mod manual;
mod marks;
mod oid;
mod parallel;
pub mod pem;
pub mod request;
pub mod temporal;
pub mod verify;

#[cfg(feature = "mock")]
pub use authority::MockCertificateAuthority;
#[cfg(feature = "aws")]
pub use authority::acm_pca::{AcmPca, AcmPcaOptions};
#[cfg(feature = "local")]
pub use authority::local::{LocalCa, LocalCaOptions};
pub use authority::{
    CaError, CertificateAuthority, CertificateId, CertificatePurpose, IssueRequest,
    IssuedCertificate, RequestedValidity, Revocation, RevocationReason,
};
pub use certificate::{
    Certificate, CertificateChain, DistinguishedName, KeyUsage, SerialNumber,
    SubjectAlternativeName, Timestamp, Validity,
};
pub use identity::Identity;
pub use key::{EncryptedPrivateKey, EncryptionPreset, KeyAlgorithm, Passphrase, PrivateKey};
#[cfg(feature = "mock")]
pub use managed::MockManagedCertificates;
#[cfg(feature = "aws")]
pub use managed::acm::Acm;
#[cfg(feature = "local")]
pub use managed::local::LocalManaged;
pub use managed::{ExportedCertificate, ManagedCertificates, ManagedRequest};
pub use request::CertificateRequest;
pub use verify::{Verification, VerifiedChain, Verifier, VerifyError};
