//! Issuing a certificate, and giving one out again.

use std::path::{Path, PathBuf};

use private_ca::file::{self, Existing, FileError, Secrecy};
use private_ca::managed::{
    CERTIFICATE_CHAIN_FILE, CERTIFICATE_FILE, CERTIFICATE_WITH_INTERMEDIATES_FILE, PLAIN_KEY_FILE,
    PRIVATE_KEY_FILE,
};
use private_ca::{
    CaError, Certificate, CertificateId, CertificatePurpose, CertificateRequest, Identity,
    IssueRequest, IssuedCertificate, LocalCa, PrivateKey, RequestedValidity,
};

use crate::access::Access;
use crate::arguments::{IssueArguments, Purpose};
use crate::files::{check_free, existing, in_file};
use crate::output::{self, Answer, shell_path};
use crate::reference::{CaReference, certificate_id};
use crate::{Failure, OrFail as _};

/// A new key until its certificate is there. It has a name of its own, so that with `--overwrite`
/// the identity of before stays whole until the new one is.
const PENDING_KEY_FILE: &str = "private_key_pending.txt";

const CERTIFICATE_FILES: [&str; 2] = [CERTIFICATE_FILE, CERTIFICATE_CHAIN_FILE];
const PUBLIC_FILES: [&str; 3] =
    [CERTIFICATE_FILE, CERTIFICATE_CHAIN_FILE, CERTIFICATE_WITH_INTERMEDIATES_FILE];
const IDENTITY_FILES: [&str; 5] = [
    CERTIFICATE_FILE,
    CERTIFICATE_CHAIN_FILE,
    CERTIFICATE_WITH_INTERMEDIATES_FILE,
    PRIVATE_KEY_FILE,
    PLAIN_KEY_FILE,
];

pub(crate) async fn issue(arguments: IssueArguments) -> Result<Answer, Failure> {
    #[cfg_attr(not(feature = "aws"), allow(unused_mut))]
    let mut access = Access::new(&arguments.ca_passphrase, &arguments.aws);
    #[cfg(feature = "aws")]
    {
        access.template = arguments.template.as_deref();
    }
    let ca = arguments.ca.authority(&access).await?;
    let (out, existing) = (&arguments.out, existing(arguments.overwrite));
    if let Some(id) = &arguments.certificate {
        check_free(out, &PUBLIC_FILES, arguments.overwrite)?;
        let issued = ca.certificate(certificate_id(id)?).await.or_no()?;
        return give_out_again(&issued, out, existing);
    }

    let names: Vec<_> = arguments.dns.into_iter().chain(arguments.san).collect();
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
        (None, None) => return Err("give --subject, --csr or --certificate").or_unasked(),
    };
    let purpose = match arguments.purpose {
        Purpose::Client => CertificatePurpose::Client,
        Purpose::Server => CertificatePurpose::Server,
        Purpose::Both => CertificatePurpose::ClientAndServer,
    };
    let validity = RequestedValidity::days(arguments.days);
    let mut request = IssueRequest::new(signing_request, purpose, validity);
    // A request for a new key says already who the certificate is for, and saying it twice takes a
    // template on AWS that not everyone may use. Of another's request, whoever says who it is for
    // says it all: names that only the request knows would slip by.
    if key.is_none() && (!names.is_empty() || arguments.subject.is_some()) {
        request.subject_alternative_names = Some(names);
        request.subject = arguments.subject;
    }
    request.idempotency_key = arguments.idempotency_key;

    let files: &[&str] = if key.is_some() { &IDENTITY_FILES } else { &CERTIFICATE_FILES };
    check_free(out, files, arguments.overwrite)?;
    let key = key.map(|key| PendingKey::write(out, key, existing)).transpose()?;
    let id = match ca.submit(request.clone()).await {
        Ok(id) => id,
        Err(error) => return Err(not_submitted(error, key, &arguments.ca)),
    };
    let fetch = |overwrite: bool| {
        format!(
            "when that is mended, fetch it with: private-ca issue --ca {} --certificate {id} --out {}{}{}",
            arguments.ca,
            shell_path(out),
            arguments.aws.words(),
            if overwrite { " --overwrite" } else { "" }
        )
    };
    let issued = ca.certificate(id.clone()).await;
    let issued = issued.and_then(|issued| request.check(&issued).map(|()| issued)).or_no();
    let issued =
        issued.map_err(|failure| failure.advise(named(&id, &fetch(arguments.overwrite))))?;
    let delivered = match key {
        Some(key) => key.join(&issued, out, existing),
        None => deliver(&issued, out, existing),
    };
    // Some of the files may be there already.
    delivered.map_err(|failure| failure.advise(named(&id, &fetch(true))))
}

fn named(id: &CertificateId, advice: &str) -> String {
    format!("the certificate {id} was asked for all the same: {advice}")
}

/// Nothing was issued, unless the answer to the request itself was lost.
fn not_submitted(error: CaError, key: Option<PendingKey>, ca: &CaReference) -> Failure {
    let is_lost = !matches!(ca, CaReference::Folder(_)) && may_be_done(&error);
    let failure = Failure::of(error);
    match key {
        Some(key) if is_lost => {
            let path = shell_path(&key.path);
            failure.advise(format!("if it was, its key is in {path}, and the CA's audit report names the certificate; if not, ask again with --overwrite"))
        }
        Some(key) => {
            key.withdraw();
            failure
        }
        None => failure,
    }
}

/// Whether a CA in AWS may have issued in spite of the error. What is refused before IssueCertificate
/// is asked, or by it, has not been done.
fn may_be_done(error: &CaError) -> bool {
    match error {
        CaError::Unreachable { operation, .. } | CaError::Throttled { operation, .. } => {
            *operation == "IssueCertificate"
        }
        #[cfg(feature = "aws")]
        CaError::Backend { operation: "IssueCertificate", source } => !source
            .downcast_ref::<private_ca::authority::aws::AwsError>()
            .is_some_and(private_ca::authority::aws::AwsError::is_refusal),
        CaError::InvalidArn { .. } => true,
        _ => false,
    }
}

/// A new key that waits for its certificate in the folder where both are to be.
struct PendingKey {
    key: PrivateKey,
    path: PathBuf,
    /// The folder, if it was made for this key.
    new_folder: Option<PathBuf>,
}

impl PendingKey {
    fn write(out: &Path, key: PrivateKey, existing: Existing) -> Result<Self, Failure> {
        let path = out.join(PENDING_KEY_FILE);
        if existing == Existing::Keep && path.symlink_metadata().is_ok() {
            let message = "this is the key of a certificate that was asked for and did not arrive: fetch that one with --certificate, choose another folder, or write over it with --overwrite";
            return Err(in_file(&path, message)).or_no();
        }
        let new_folder = (!out.exists()).then(|| out.to_owned());
        file::create_secret_folder(out).or_unasked()?;
        let pending = Self { key, path, new_folder };
        let pem = pending.key.to_pkcs8_pem();
        match file::write(&pending.path, pem.as_bytes(), Secrecy::Secret, existing) {
            Ok(()) => Ok(pending),
            Err(error) => {
                pending.remove_folder();
                Err(error).or_unasked()
            }
        }
    }

    /// Without a certificate it is of no use.
    fn withdraw(self) {
        let _ = std::fs::remove_file(&self.path);
        self.remove_folder();
    }

    /// It goes only if it is empty.
    fn remove_folder(&self) {
        if let Some(folder) = &self.new_folder {
            let _ = std::fs::remove_dir(folder);
        }
    }

    fn join(
        self,
        issued: &IssuedCertificate,
        out: &Path,
        existing: Existing,
    ) -> Result<Answer, Failure> {
        let identity = Identity::new(certificates_of(issued), self.key).or_no()?;
        let files = identity.write_to(out, existing).or_no()?;
        std::fs::remove_file(&self.path)
            .map_err(|error| format!("cannot remove {}: {error}", self.path.display()))
            .or_unasked()?;
        Ok(output::issued(issued, out, Some((&files.presented, &files.private_key))))
    }
}

fn give_out_again(
    issued: &IssuedCertificate,
    out: &Path,
    existing: Existing,
) -> Result<Answer, Failure> {
    match key_in(out, &issued.certificate)? {
        Some((key, path)) if path.ends_with(PENDING_KEY_FILE) => {
            PendingKey { key, path, new_folder: None }.join(issued, out, existing)
        }
        Some((key, path)) => {
            let identity = Identity::new(certificates_of(issued), key).or_no()?;
            let presented: Vec<_> = identity.presented().map(Certificate::to_pem).collect();
            write_certificates(issued, out, existing).or_no()?;
            let mut file = out.join(CERTIFICATE_FILE);
            if presented.len() > 1 {
                file = out.join(CERTIFICATE_WITH_INTERMEDIATES_FILE);
                file::write(&file, presented.concat(), Secrecy::Public, existing).or_no()?;
            }
            Ok(output::issued(issued, out, Some((&file, &path))))
        }
        None => deliver(issued, out, existing),
    }
}

/// The plain key in a folder, which has to be that of the certificate, if there is one.
fn key_in(out: &Path, certificate: &Certificate) -> Result<Option<(PrivateKey, PathBuf)>, Failure> {
    let mut another = None;
    for name in [PENDING_KEY_FILE, PLAIN_KEY_FILE] {
        let path = out.join(name);
        if path.symlink_metadata().is_err() {
            continue;
        }
        let contents = file::read(&path).or_unasked()?;
        let key = PrivateKey::from_pem_or_der(&contents)
            .map_err(|error| in_file(&path, error))
            .or_unasked()?;
        if key.public_key_der() == certificate.public_key_der() {
            return Ok(Some((key, path)));
        }
        another = Some(path);
    }
    match another {
        Some(path) => {
            let message = "this is the key of another certificate: choose another folder";
            Err(in_file(&path, message)).or_no()
        }
        None => Ok(None),
    }
}

fn deliver(issued: &IssuedCertificate, out: &Path, existing: Existing) -> Result<Answer, Failure> {
    write_certificates(issued, out, existing).or_no()?;
    Ok(output::issued(issued, out, None))
}

fn certificates_of(issued: &IssuedCertificate) -> Vec<Certificate> {
    std::iter::once(&issued.certificate).chain(&issued.chain).cloned().collect()
}

fn write_certificates(
    issued: &IssuedCertificate,
    out: &Path,
    existing: Existing,
) -> Result<(), FileError> {
    file::create_secret_folder(out)?;
    for (name, pem) in [
        (CERTIFICATE_FILE, issued.certificate.to_pem()),
        (CERTIFICATE_CHAIN_FILE, issued.chain.to_pem()),
    ] {
        file::write(out.join(name), pem, Secrecy::Public, existing)?;
    }
    Ok(())
}
