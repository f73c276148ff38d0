//! Commands of a certificate authority.

#[cfg(feature = "aws")]
mod aws;

#[cfg(feature = "aws")]
pub(crate) use aws::administer;

use private_ca::authority::local::Revoked;
use private_ca::{Certificate, LocalCa, LocalCaOptions, RequestedValidity, Revocation};

use crate::access::Access;
use crate::arguments::{
    Backend, CaCreateArguments, CaCrlArguments, CaShowArguments, RevokeArguments,
};
use crate::output::{self, Answer};
use crate::reference::CaReference;
use crate::{Failure, OrFail as _};

pub(crate) async fn create(arguments: CaCreateArguments) -> Result<Answer, Failure> {
    match arguments.backend {
        Backend::Local => create_local(arguments).await,
        #[cfg(feature = "aws")]
        Backend::Aws => aws::create(arguments).await,
        #[cfg(not(feature = "aws"))]
        Backend::Aws => Err(crate::reference::WITHOUT_AWS).or_unasked(),
    }
}

async fn create_local(arguments: CaCreateArguments) -> Result<Answer, Failure> {
    const BECAUSE: &str = "the new CA is a local one (--backend aws makes one in AWS)";
    #[cfg(feature = "aws")]
    arguments.aws_ca.refuse(BECAUSE)?;
    let Some(dir) = &arguments.dir else {
        return Err("a local CA needs a folder: name it with --dir").or_unasked();
    };
    let mut options = LocalCaOptions::new(arguments.subject)
        .with_key_algorithm(arguments.key)
        .with_validity(RequestedValidity::days(arguments.days));
    options.path_len = arguments.path_len;
    options.passphrase = match arguments.encrypt {
        true => Some(arguments.passphrase.chosen("the CA's key")?),
        false => arguments.passphrase.named()?,
    };
    let ca = match &arguments.parent {
        None => {
            arguments.aws.refuse(BECAUSE)?;
            LocalCa::create_root(dir, options)
        }
        Some(parent) => {
            let access = Access::new(&arguments.ca_passphrase, &arguments.aws);
            let parent = parent.authority(&access).await?;
            LocalCa::create_subordinate(dir, &*parent, options).await
        }
    };
    Ok(output::ca_created(&ca.or_no()?, dir))
}

pub(crate) async fn show(arguments: &CaShowArguments) -> Result<Answer, Failure> {
    let access = Access::new(&arguments.passphrase, &arguments.aws);
    match &arguments.ca {
        CaReference::Folder(path) => {
            let ca = access.local(path)?;
            let issued: Vec<Certificate> = ca.issued().or_no()?;
            let revoked: Vec<Revoked> = ca.revoked().or_no()?;
            Ok(output::ca_shown(&ca, &issued, &revoked))
        }
        #[cfg(feature = "aws")]
        CaReference::Aws(arn) => aws::show(&crate::aws::ca(arn, &access).await?).await,
    }
}

pub(crate) fn revocation_list(arguments: &CaCrlArguments) -> Result<Answer, Failure> {
    match &arguments.ca {
        CaReference::Folder(path) => {
            let aws = Default::default();
            let ca = Access::new(&arguments.passphrase, &aws).local(path)?;
            Ok(output::pem("revocation_list", &ca.revocation_list().or_no()?))
        }
        #[cfg(feature = "aws")]
        CaReference::Aws(arn) => Err(format!(
            "AWS Private CA does not give out the revocation list of {arn}: it writes it into the S3 bucket that the CA was created with, if it was"
        ))
        .or_no(),
    }
}

pub(crate) async fn revoke(arguments: RevokeArguments) -> Result<Answer, Failure> {
    let access = Access::new(&arguments.ca_passphrase, &arguments.aws);
    let ca = arguments.ca.authority(&access).await?;
    let revocation = Revocation::new(arguments.serial.clone(), arguments.reason);
    ca.revoke(revocation).await.or_no()?;
    Ok(output::revoked(&arguments.serial, arguments.reason))
}
