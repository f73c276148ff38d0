//! Verifiers that nobody here wrote.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use base64ct::{Base64, Encoding};
use private_ca::verify::Purpose;
use private_ca::{Certificate, SubjectAlternativeName, Timestamp};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

/// What is put before a judge.
pub struct Case<'a> {
    pub anchors: &'a [Certificate],
    pub intermediates: &'a [Certificate],
    pub leaf: &'a Certificate,
    pub purpose: Purpose,
    pub at: Timestamp,
    pub name: Option<&'a SubjectAlternativeName>,
}

/// The same in DER: a judge may be asked about what our parser refuses.
#[derive(Clone)]
pub struct DerCase<'a> {
    pub anchors: Vec<&'a [u8]>,
    pub intermediates: Vec<&'a [u8]>,
    pub leaf: &'a [u8],
    pub purpose: Purpose,
    pub at: Timestamp,
    pub name: Option<&'a SubjectAlternativeName>,
}

impl<'a> From<&Case<'a>> for DerCase<'a> {
    fn from(case: &Case<'a>) -> Self {
        Self {
            anchors: case.anchors.iter().map(Certificate::as_der).collect(),
            intermediates: case.intermediates.iter().map(Certificate::as_der).collect(),
            leaf: case.leaf.as_der(),
            purpose: case.purpose,
            at: case.at,
            name: case.name,
        }
    }
}

/// Whether rustls-webpki on aws-lc-rs accepts it, or its reason.
pub fn webpki(case: &Case<'_>) -> Result<(), String> {
    webpki_on(&case.into())
}

pub fn webpki_on(case: &DerCase<'_>) -> Result<(), String> {
    let anchors: Vec<CertificateDer<'_>> =
        case.anchors.iter().map(|&anchor| anchor.into()).collect();
    let anchors = anchors
        .iter()
        .map(anchor_from_trusted_cert)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| format!("anchor: {error:?}"))?;
    let intermediates: Vec<CertificateDer<'_>> =
        case.intermediates.iter().map(|&certificate| certificate.into()).collect();
    let leaf: CertificateDer<'_> = case.leaf.into();
    let leaf = EndEntityCert::try_from(&leaf).map_err(|error| format!("leaf: {error:?}"))?;
    let seconds = u64::try_from(case.at.unix_seconds()).unwrap();
    let usage = match case.purpose {
        Purpose::Server => KeyUsage::server_auth(),
        _ => KeyUsage::client_auth(),
    };
    leaf.verify_for_usage(
        ALL_VERIFICATION_ALGS,
        &anchors,
        &intermediates,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        usage,
        None,
        None,
    )
    .map_err(|error| format!("{error:?}"))?;
    let name = match case.name {
        Some(SubjectAlternativeName::Dns(name)) => name.clone(),
        Some(SubjectAlternativeName::Ip(address)) => address.to_string(),
        _ => return Ok(()),
    };
    let name = ServerName::try_from(name).map_err(|error| format!("{error:?}"))?;
    leaf.verify_is_valid_for_subject_name(&name).map_err(|error| format!("{error:?}"))
}

fn openssl_is_installed() -> bool {
    static ANSWER: OnceLock<bool> = OnceLock::new();
    *ANSWER.get_or_init(openssl_starts)
}

fn openssl_starts() -> bool {
    match Command::new("openssl").arg("version").output() {
        Ok(_) => true,
        Err(error) if std::env::var_os("CI").is_some() => {
            panic!("the openssl command is needed: {error}")
        }
        Err(error) => {
            println!("skipped: the openssl command does not start: {error}");
            false
        }
    }
}

/// Whether `openssl verify -x509_strict` accepts it, or its reason; `None` if there is no openssl.
pub fn openssl(case: &Case<'_>) -> Option<Result<(), String>> {
    openssl_on(&case.into(), true)
}

/// The same, or `openssl verify` as most programs that use the library verify: without `-x509_strict`.
pub fn openssl_on(case: &DerCase<'_>, strict: bool) -> Option<Result<(), String>> {
    if !openssl_is_installed() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, certificates: &[&[u8]]| {
        let path = folder.path().join(name);
        let pem: String = certificates.iter().map(|der| pem(der)).collect();
        std::fs::write(&path, pem).unwrap();
        path
    };
    let mut command = Command::new("openssl");
    command.arg("verify");
    if strict {
        command.arg("-x509_strict");
    }
    command.args(["-no-CApath", "-no-CAstore", "-CAfile"]);
    command.arg(file("anchors.pem", &case.anchors));
    if !case.intermediates.is_empty() {
        command.arg("-untrusted").arg(file("intermediates.pem", &case.intermediates));
    }
    command.args(["-attime", &case.at.unix_seconds().to_string()]);
    match case.purpose {
        Purpose::Client => command.args(["-purpose", "sslclient"]),
        Purpose::Server => command.args(["-purpose", "sslserver"]),
        _ => &mut command,
    };
    match case.name {
        Some(SubjectAlternativeName::Dns(name)) => command.args(["-verify_hostname", name]),
        Some(SubjectAlternativeName::Ip(address)) => {
            command.args(["-verify_ip", &address.to_string()])
        }
        Some(SubjectAlternativeName::Email(address)) => command.args(["-verify_email", address]),
        _ => &mut command,
    };
    let output = command.arg(file("leaf.pem", &[case.leaf])).output().unwrap();
    Some(if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    })
}

fn pem(der: &[u8]) -> String {
    let text = Base64::encode_string(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    let body: String = lines.collect();
    format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")
}
