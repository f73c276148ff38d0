//! Which CA is meant: a folder or an ARN. From here on both go the same way, behind the traits.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::builder::{
    OsStringValueParser, TryMapValueParser, TypedValueParser as _, ValueParserFactory,
};
#[cfg(feature = "aws")]
use private_ca::authority::aws::Arn;
use private_ca::{
    CaError, CertificateAuthority, CertificateId, LocalCa, LocalManaged, ManagedCertificates,
    SerialNumber,
};

use crate::access::Access;
use crate::output::shell_path;
use crate::{Failure, OrFail as _};

/// Where a CA is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CaReference {
    /// A local CA's folder.
    Folder(PathBuf),
    /// A CA of AWS Private CA.
    #[cfg(feature = "aws")]
    Aws(Arn),
}

#[cfg(not(feature = "aws"))]
pub(crate) const WITHOUT_AWS: &str = "this private-ca was built without AWS: build it with AWS (cargo install --path . --features cli,aws)";

impl TryFrom<OsString> for CaReference {
    type Error = CaReferenceError;

    fn try_from(text: OsString) -> Result<Self, Self::Error> {
        match text.to_str() {
            Some(text) if text.starts_with("arn:") => {
                #[cfg(feature = "aws")]
                return Ok(Self::Aws(ca_arn(text)?));
                #[cfg(not(feature = "aws"))]
                return Err(WITHOUT_AWS);
            }
            // Any other name may be a folder's, also one that is no text.
            _ => Ok(Self::Folder(text.into())),
        }
    }
}

#[cfg(feature = "aws")]
type CaReferenceError = CaError;
#[cfg(not(feature = "aws"))]
type CaReferenceError = &'static str;

/// An ARN that is a CA's, so that a mistake shows before anything is asked or written.
#[cfg(feature = "aws")]
pub(crate) fn ca_arn(text: &str) -> Result<Arn, CaError> {
    let arn: Arn = text.parse()?;
    if arn.is_ca() {
        return Ok(arn);
    }
    Err(CaError::InvalidArn {
        arn: text.to_owned(),
        expected: "a private CA",
        reason: "it has to be of the form arn:aws:acm-pca:REGION:ACCOUNT:certificate-authority/ID",
    })
}

impl ValueParserFactory for CaReference {
    type Parser =
        TryMapValueParser<OsStringValueParser, fn(OsString) -> Result<Self, CaReferenceError>>;

    fn value_parser() -> Self::Parser {
        OsStringValueParser::new().try_map(Self::try_from)
    }
}

/// As a word for a shell.
impl fmt::Display for CaReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => f.write_str(&shell_path(path)),
            #[cfg(feature = "aws")]
            Self::Aws(arn) => f.write_str(arn.as_str()),
        }
    }
}

impl CaReference {
    /// The CA, to issue from it.
    pub(crate) async fn authority(
        &self,
        access: &Access<'_>,
    ) -> Result<Box<dyn CertificateAuthority>, Failure> {
        match self {
            Self::Folder(path) => Ok(Box::new(access.local(path)?)),
            #[cfg(feature = "aws")]
            Self::Aws(arn) => Ok(Box::new(crate::aws::ca(arn, access).await?)),
        }
    }

    /// The managed certificates of the CA.
    pub(crate) async fn managed(
        &self,
        access: &Access<'_>,
    ) -> Result<Box<dyn ManagedCertificates>, Failure> {
        match self {
            Self::Folder(path) => Ok(Box::new(LocalManaged::new(access.local(path)?.into()))),
            #[cfg(feature = "aws")]
            Self::Aws(arn) => Ok(Box::new(crate::aws::managed_of_ca(arn, access).await?)),
        }
    }
}

impl Access<'_> {
    /// The CA in a folder; its passphrase is asked for only if its key is encrypted.
    pub(crate) fn local(&self, path: &Path) -> Result<LocalCa, Failure> {
        let because = format!("the CA in {} is a local one", path.display());
        self.aws.refuse(&because)?;
        #[cfg(feature = "aws")]
        crate::arguments::refuse([("--template", self.template.is_some())], &because)?;
        match LocalCa::open(path, self.passphrase.named()?) {
            Err(CaError::PassphraseNeeded) => {
                let passphrase =
                    self.passphrase.needed(&format!("the CA in {}", path.display()))?;
                LocalCa::open(path, Some(passphrase)).or_no()
            }
            opened => opened.or_no(),
        }
    }
}

/// An id as the CA writes it: an ARN, or a local CA's serial number.
pub(crate) fn certificate_id(text: &str) -> Result<CertificateId, Failure> {
    if text.starts_with("arn:") {
        #[cfg(feature = "aws")]
        return text.parse::<Arn>().or_no().map(|arn| CertificateId::new(arn.as_str()));
        #[cfg(not(feature = "aws"))]
        return Err(WITHOUT_AWS).or_unasked();
    }
    let serial: SerialNumber = text.parse().or_unasked()?;
    Ok(CertificateId::new(serial.to_string()))
}

/// Where the managed certificate of this id is: with this CA, or in ACM, where an ARN says it all.
pub(crate) async fn managed(
    ca: Option<&CaReference>,
    id: &CertificateId,
    access: &Access<'_>,
) -> Result<Box<dyn ManagedCertificates>, Failure> {
    match ca {
        Some(ca) => ca.managed(access).await,
        #[cfg(feature = "aws")]
        None if id.as_str().starts_with("arn:") => {
            Ok(Box::new(crate::aws::managed(id, access).await?))
        }
        None => Err(format!(
            "{id} is a serial number, which only its CA knows: name the CA's folder with --ca"
        ))
        .or_unasked(),
    }
}
