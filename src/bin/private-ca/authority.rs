//! Commands of a certificate authority.

use std::path::Path;

use private_ca::authority::local::Revoked;
use private_ca::file::{self, FileError, Secrecy};
use private_ca::managed::{
    CERTIFICATE_CHAIN_FILE, CERTIFICATE_FILE, CERTIFICATE_WITH_INTERMEDIATES_FILE,
    ManagedCertificates as _, PLAIN_KEY_FILE, PRIVATE_KEY_FILE,
};
use private_ca::{
    CaError, Certificate, CertificateAuthority as _, CertificateChain, CertificateId,
    CertificatePurpose, CertificateRequest, Identity, IssueRequest, LocalCa, LocalCaOptions,
    LocalManaged, ManagedRequest, RequestedValidity, Revocation,
};

use crate::arguments::{
    CaCreateArguments, CaCrlArguments, CaShowArguments, ExportArguments, IssueArguments,
    PassphraseSource, Purpose, RevokeArguments,
};
use crate::files::{check_free, existing, in_file};
use crate::output::{self, Answer};
use crate::{Failure, OrFail as _};

/// Opens a CA; its passphrase is asked for only if its key is encrypted.
fn open(path: &Path, source: &PassphraseSource) -> Result<LocalCa, Failure> {
    match LocalCa::open(path, source.named()?) {
        Err(CaError::PassphraseNeeded) => {
            let passphrase = source.needed(&format!("the CA in {}", path.display()))?;
            LocalCa::open(path, Some(passphrase)).or_no()
        }
        Err(error @ CaError::NoCa { .. }) => Err(error).or_unasked(),
        opened => opened.or_no(),
    }
}

pub(crate) async fn create(arguments: CaCreateArguments) -> Result<Answer, Failure> {
    let mut options = LocalCaOptions::new(arguments.subject)
        .with_key_algorithm(arguments.key)
        .with_validity(RequestedValidity::days(arguments.days));
    options.path_len = arguments.path_len;
    options.passphrase = match arguments.encrypt {
        true => Some(arguments.passphrase.chosen("the CA's key")?),
        false => arguments.passphrase.named()?,
    };
    let ca = match &arguments.parent {
        None => LocalCa::create_root(&arguments.dir, options),
        Some(parent) => {
            let parent = open(parent, &(&arguments.ca_passphrase).into())?;
            LocalCa::create_subordinate(&arguments.dir, &parent, options).await
        }
    };
    Ok(output::ca_created(&ca.or_no()?, &arguments.dir))
}

pub(crate) fn show(arguments: &CaShowArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.dir, &arguments.passphrase)?;
    let issued: Vec<Certificate> = ca.issued().or_no()?;
    let revoked: Vec<Revoked> = ca.revoked().or_no()?;
    Ok(output::ca_shown(&ca, &issued, &revoked))
}

pub(crate) fn revocation_list(arguments: &CaCrlArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.dir, &arguments.passphrase)?;
    Ok(output::pem("revocation_list", &ca.revocation_list().or_no()?))
}

pub(crate) async fn issue(arguments: IssueArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.ca, &(&arguments.ca_passphrase).into())?;
    let names: Vec<_> = arguments.dns.into_iter().chain(arguments.san).collect();
    let purpose = match arguments.purpose {
        Purpose::Client => CertificatePurpose::Client,
        Purpose::Server => CertificatePurpose::Server,
        Purpose::Both => CertificatePurpose::ClientAndServer,
    };
    let existing = existing(arguments.overwrite);
    let (key, signing_request) = match (&arguments.csr, &arguments.subject) {
        (Some(path), _) => {
            let contents = file::read(path).or_unasked()?;
            let request = CertificateRequest::from_pem_or_der(&contents);
            (None, request.map_err(|error| in_file(path, error)).or_no()?)
        }
        (None, Some(subject)) => {
            let key = LocalCa::generate_key(arguments.key).or_no()?;
            let request = CertificateRequest::new(&key, subject.clone(), &names).or_no()?;
            (Some(key), request)
        }
        (None, None) => return Err("give --subject, or --csr").or_unasked(),
    };
    let mut files = vec![CERTIFICATE_FILE, CERTIFICATE_CHAIN_FILE];
    if key.is_some() {
        files.extend([CERTIFICATE_WITH_INTERMEDIATES_FILE, PRIVATE_KEY_FILE, PLAIN_KEY_FILE]);
    }
    check_free(&arguments.out, &files, arguments.overwrite)?;
    let validity = RequestedValidity::days(arguments.days);
    let mut request = IssueRequest::new(signing_request, purpose, validity);
    // Whoever says who it is for says it all: names that only the request knows would slip by.
    if !names.is_empty() || arguments.subject.is_some() {
        request.subject_alternative_names = Some(names);
    }
    request.subject = arguments.subject;
    request.idempotency_key = arguments.idempotency_key;
    let issued = ca.issue(request).await.or_no()?;
    let certificate = issued.certificate.clone();
    let out = &arguments.out;
    match key {
        Some(key) => {
            let mut certificates = vec![issued.certificate];
            certificates.extend_from_slice(issued.chain.certificates());
            let identity = Identity::new(certificates, key).or_no()?;
            let files = identity.write_to(out, existing).map_err(|error| {
                let serial = certificate.serial_number();
                format!("{error}; the certificate {serial} is issued all the same, and without its key it is of no use: revoke it")
            });
            let files = files.or_unasked()?;
            Ok(output::issued(&certificate, out, Some(&files)))
        }
        None => {
            write_certificates(out, &certificate, &issued.chain, existing)
                .map_err(|error| {
                    let serial = certificate.serial_number();
                    let kept = arguments.ca.join(format!("issued/{serial}.pem"));
                    format!(
                        "{error}; the certificate {serial} is issued all the same: it is in {}",
                        kept.display()
                    )
                })
                .or_unasked()?;
            Ok(output::issued(&certificate, out, None))
        }
    }
}

fn write_certificates(
    out: &Path,
    certificate: &Certificate,
    chain: &CertificateChain,
    existing: file::Existing,
) -> Result<(), FileError> {
    file::create_secret_folder(out)?;
    for (name, pem) in
        [(CERTIFICATE_FILE, certificate.to_pem()), (CERTIFICATE_CHAIN_FILE, chain.to_pem())]
    {
        file::write(out.join(name), pem, Secrecy::Public, existing)?;
    }
    Ok(())
}

pub(crate) async fn export(arguments: ExportArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.ca, &(&arguments.ca_passphrase).into())?;
    let passphrase = arguments.passphrase.chosen("the exported key")?;
    private_ca::managed::check_export_passphrase(&passphrase).or_no()?;
    let files = [
        CERTIFICATE_FILE,
        CERTIFICATE_CHAIN_FILE,
        CERTIFICATE_WITH_INTERMEDIATES_FILE,
        PRIVATE_KEY_FILE,
        PLAIN_KEY_FILE,
    ];
    check_free(&arguments.out, &files, arguments.overwrite)?;
    let managed = LocalManaged::new(ca.into());
    let id = match (arguments.certificate, arguments.dns.split_first()) {
        (Some(serial), _) => CertificateId::new(serial.to_string()),
        (None, Some((domain_name, others))) => {
            let mut request = ManagedRequest::new(domain_name)
                .with_subject_alternative_names(others.to_vec())
                .with_key_algorithm(arguments.key);
            request.idempotency_key = arguments.idempotency_key;
            managed.request(request).await.or_no()?
        }
        (None, None) => return Err("give --dns, or --certificate").or_unasked(),
    };
    let exported = managed.export(id, passphrase).await.or_no()?;
    let written = exported.write_to(&arguments.out, existing(arguments.overwrite));
    written
        .map_err(|error| {
            let serial = exported.certificate.serial_number();
            format!("{error}; the certificate {serial} is issued all the same: export it with --certificate {serial} --overwrite")
        })
        .or_unasked()?;
    Ok(output::exported(&exported, &arguments.out))
}

pub(crate) async fn revoke(arguments: RevokeArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.ca, &(&arguments.ca_passphrase).into())?;
    let revocation = Revocation::new(arguments.serial.clone(), arguments.reason);
    ca.revoke(revocation).await.or_no()?;
    Ok(output::revoked(&arguments.serial, arguments.reason))
}
