//! Managed certificates: requested by domain name, exported with their keys, renewed.

use std::path::Path;

use private_ca::managed::{
    CERTIFICATE_CHAIN_FILE, CERTIFICATE_FILE, CERTIFICATE_WITH_INTERMEDIATES_FILE, ManagedError,
    PLAIN_KEY_FILE, PRIVATE_KEY_FILE,
};
use private_ca::{CaError, Certificate, CertificateId, KeyAlgorithm, ManagedRequest, file};

use crate::access::Access;
use crate::arguments::{
    AwsArguments, ExportArguments, RenewArguments, RequestArguments, StatusArguments,
};
use crate::files::{certificates, check_free, existing, in_file};
use crate::output::{self, Answer, shell_path};
use crate::reference::{CaReference, certificate_id, managed};
use crate::{Failure, OrFail as _};

pub(crate) async fn export(arguments: ExportArguments) -> Result<Answer, Failure> {
    let access = Access::new(&arguments.ca_passphrase, &arguments.aws);
    let known = arguments.certificate.as_deref().map(certificate_id).transpose()?;
    let managed = match (&arguments.ca, &known) {
        (Some(ca), _) => ca.managed(&access).await?,
        (None, Some(id)) => managed(None, id, &access).await?,
        (None, None) => return Err("give --ca and --dns, or --certificate").or_unasked(),
    };
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
    let is_new = known.is_none();
    let id = match known {
        Some(id) => id,
        None => {
            let request = request_of(arguments.dns, arguments.key, arguments.idempotency_key)?;
            managed.request(request).await.or_no()?
        }
    };
    let again = |failure: Failure, overwrite: bool| {
        match is_new || overwrite {
        false => failure,
        true => failure.advise(format!(
            "the certificate {id} was asked for all the same: when that is mended, export it with: private-ca export{} --certificate {id} --out {}{}{}",
            ca_words(arguments.ca.as_ref()),
            shell_path(&arguments.out),
            arguments.aws.words(),
            if overwrite { " --overwrite" } else { "" }
        )),
    }
    };
    let given = |failure| again(failure, arguments.overwrite && is_new);
    managed.wait_until_issued(id.clone()).await.or_no().map_err(given)?;
    let exported = managed.export(id.clone(), passphrase).await.or_no().map_err(given)?;
    let older = older_export(&arguments.out, &exported.certificate);
    let written = exported.write_to(&arguments.out, existing(arguments.overwrite)).or_no();
    // Some of the files may be there already.
    written.map_err(|failure| again(failure, true))?;
    Ok(output::exported(&id, &exported, older.as_ref(), &arguments.out))
}

/// An export of the same certificate from before its renewal.
fn older_export(out: &Path, new: &Certificate) -> Option<Certificate> {
    let contents = file::read(out.join(CERTIFICATE_FILE)).ok()?;
    let old = Certificate::from_pem_or_der(&contents).ok()?;
    let is_same = old.subject_der() == new.subject_der()
        && old.subject_alternative_names() == new.subject_alternative_names();
    (is_same && old.serial_number() != new.serial_number()).then_some(old)
}

fn request_of(
    names: Vec<String>,
    key: KeyAlgorithm,
    idempotency_key: Option<String>,
) -> Result<ManagedRequest, Failure> {
    let mut names = names.into_iter();
    let domain_name = names.next().ok_or("give --dns").or_unasked()?;
    let mut request = ManagedRequest::new(domain_name)
        .with_subject_alternative_names(names.collect())
        .with_key_algorithm(key);
    request.idempotency_key = idempotency_key;
    Ok(request)
}

/// Only a local CA has to be named to find a certificate again.
fn ca_words(ca: Option<&CaReference>) -> String {
    match ca {
        Some(ca @ CaReference::Folder(_)) => format!(" --ca {ca}"),
        _ => String::new(),
    }
}

pub(crate) async fn request(arguments: RequestArguments) -> Result<Answer, Failure> {
    let access = Access::new(&arguments.ca_passphrase, &arguments.aws);
    #[cfg(feature = "aws")]
    let (exportable, with_route53) = (arguments.exportable, arguments.with_route53());
    let request = request_of(arguments.dns, arguments.key, arguments.idempotency_key)?;
    let Some(ca) = &arguments.ca else {
        #[cfg(feature = "aws")]
        return request_public(request, &access, exportable, with_route53).await;
        #[cfg(not(feature = "aws"))]
        return Err("name the CA with --ca").or_unasked();
    };
    let managed = ca.managed(&access).await?;
    let id = managed.request(request).await.or_no()?;
    let words = format!("{}{}", ca_words(Some(ca)), arguments.aws.words());
    Ok(output::requested(&id, &words))
}

#[cfg(feature = "aws")]
async fn request_public(
    request: ManagedRequest,
    access: &Access<'_>,
    exportable: bool,
    with_route53: bool,
) -> Result<Answer, Failure> {
    use private_ca::ManagedCertificates as _;

    access.passphrase.refuse("Amazon's public CA is asked")?;
    let managed = crate::aws::public(access.aws, exportable).await?;
    let id = managed.request(request).await.or_no()?;
    let validations = match with_route53 {
        #[cfg(feature = "route53")]
        true => managed.create_validation_records(id.clone()).await,
        _ => managed.validation_records(id.clone()).await,
    };
    let words = access.aws.words();
    let validations = validations.or_no().map_err(|failure| {
        failure.advise(format!(
            "the certificate {id} was asked for all the same: see the DNS records that it waits for with: private-ca status {id}{words}"
        ))
    })?;
    Ok(output::requested_public(&id, &validations, with_route53, exportable, &words))
}

pub(crate) async fn status(arguments: StatusArguments) -> Result<Answer, Failure> {
    let access = Access::new(&arguments.ca_passphrase, &arguments.aws);
    let id = certificate_id(&arguments.id)?;
    let managed = managed(arguments.ca.as_ref(), &id, &access).await?;
    let exported = arguments.exported.as_deref().map(first_certificate).transpose()?;
    let described = managed.describe(id).await.or_no()?;
    let Some((path, exported)) = arguments.exported.as_deref().zip(exported) else {
        return Ok(output::managed(&described));
    };
    let name = exported.subject().common_name().unwrap_or_default();
    if name != described.domain_name {
        let message = format!(
            "this is no copy of {}, which is for {}: it is for {}",
            described.id,
            described.domain_name,
            exported.subject()
        );
        return Err(in_file(path, message)).or_no();
    }
    let next = next_export(&described.id, arguments.ca.as_ref(), &arguments.aws);
    Ok(output::managed_and_copy(&described, &exported, path, &next))
}

fn first_certificate(path: &Path) -> Result<Certificate, Failure> {
    let found = certificates(path)?;
    let first = found.certificates().first().cloned();
    first.ok_or_else(|| in_file(path, "there is no certificate in it")).or_unasked()
}

fn next_export(id: &CertificateId, ca: Option<&CaReference>, aws: &AwsArguments) -> String {
    format!(
        "private-ca export{} --certificate {id} --passphrase-file FILE --out DIR --overwrite{}",
        ca_words(ca),
        aws.words()
    )
}

pub(crate) async fn renew(arguments: RenewArguments) -> Result<Answer, Failure> {
    let access = Access::new(&arguments.ca_passphrase, &arguments.aws);
    let id = certificate_id(&arguments.id)?;
    let managed = managed(arguments.ca.as_ref(), &id, &access).await?;
    let renewed = match managed.renew(id.clone()).await {
        Err(ManagedError::Ca(CaError::Unfinished { .. })) => {
            return Err(format!(
                "the renewal of {id} is under way and not done yet; see whether it is with: private-ca status {id}{}",
                arguments.aws.words()
            ))
            .or_no();
        }
        renewed => renewed.or_no()?,
    };
    let next = next_export(&renewed.id, arguments.ca.as_ref(), &arguments.aws);
    Ok(output::renewed(&renewed, &next))
}
