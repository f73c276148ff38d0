//! Commands of a certificate authority in AWS.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use private_ca::authority::CaState;
use private_ca::authority::acm_pca::{
    AuditReportFormat, CaKind, CaOwner, CrlOptions, KeyStorage, OcspOptions, UsageMode,
};
use private_ca::{
    AcmPca, AcmPcaOptions, CaError, CertificateAuthority as _, RequestedValidity, file,
};

use crate::access::Access;
use crate::arguments::{
    AwsCa, AwsCaArguments, AwsCaCommand, CaAuditReportArguments, CaCreateArguments,
    CaDeleteArguments, CaGrantAcmArguments, CaInstallArguments, CaListArguments, CaPolicyArguments,
    KeyStorageArgument, Owner, PassphraseSource, ReportFormat, UsageModeArgument, refuse,
};
use crate::aws::{ca, connect};
use crate::files::in_file;
use crate::output::{self, Answer};
use crate::reference::CaReference;
use crate::{Failure, OrFail as _};

pub(crate) async fn administer(command: AwsCaCommand) -> Result<Answer, Failure> {
    match command {
        AwsCaCommand::List(arguments) => list(&arguments).await,
        AwsCaCommand::Install(arguments) => install(&arguments).await,
        AwsCaCommand::GrantAcm(arguments) => grant_acm(&arguments).await,
        AwsCaCommand::Enable(arguments) => {
            let ca = open(&arguments).await?;
            ca.enable().await.or_no()?;
            Ok(output::ca_changed(ca.arn(), "enabled", ""))
        }
        AwsCaCommand::Disable(arguments) => {
            let ca = open(&arguments).await?;
            ca.disable().await.or_no()?;
            let next = "What it has issued stays valid. It issues nothing until it is enabled.";
            Ok(output::ca_changed(ca.arn(), "disabled", next))
        }
        AwsCaCommand::Delete(arguments) => delete(&arguments).await,
        AwsCaCommand::Restore(arguments) => {
            let ca = open(&arguments).await?;
            ca.restore().await.or_no()?;
            let words = arguments.aws.words();
            let next = format!(
                "It is as it was when it was deleted: disabled, or without a certificate.\nNext: private-ca ca enable --ca {}{words}",
                ca.arn()
            );
            Ok(output::ca_changed(ca.arn(), "restored", &next))
        }
        AwsCaCommand::AuditReport(arguments) => audit_report(&arguments).await,
        AwsCaCommand::Policy(arguments) => policy(&arguments).await,
    }
}

async fn open(arguments: &AwsCa) -> Result<AcmPca, Failure> {
    ca(&arguments.ca, &Access::new(PassphraseSource::default(), &arguments.aws)).await
}

pub(super) async fn create(arguments: CaCreateArguments) -> Result<Answer, Failure> {
    let because = "the new CA is in AWS, which keeps its key";
    refuse([("--dir", arguments.dir.is_some()), ("--encrypt", arguments.encrypt)], because)?;
    arguments.passphrase.refuse(because)?;
    let path_len = match (&arguments.parent, arguments.path_len) {
        (None, Some(_)) => {
            let message = "AWS writes no path length into a root: leave out --path-len, or name the CA above with --parent";
            return Err(message).or_unasked();
        }
        (_, None) => 0,
        (Some(_), Some(length @ 0..=3)) => length,
        (Some(_), Some(_)) => {
            return Err("a subordinate in AWS has a --path-len of 0 to 3").or_unasked();
        }
    };
    let mut options = AcmPcaOptions::new(arguments.subject)
        .with_key_algorithm(arguments.key)
        .with_validity(RequestedValidity::days(arguments.days))
        .with_path_len(path_len);
    describe_options(&mut options, arguments.aws_ca);
    let connection = connect(&arguments.aws, arguments.parent.as_ref().and_then(arn_of)).await?;
    let mut again = format!(" --days {}", arguments.days);
    if let Some(parent) = &arguments.parent {
        again.push_str(&format!(" --parent {parent} --path-len {path_len}"));
    }
    again.push_str(&arguments.aws.words());
    let advised = |error: CaError| match &error {
        CaError::NotInstalled { ca, .. } => {
            let advice = format!("private-ca ca install --ca {ca}{again}");
            Failure::of(error).advise(advice)
        }
        _ => Failure::of(error),
    };
    let ca = match &arguments.parent {
        None => {
            refuse_parent_s(&arguments.ca_passphrase)?;
            AcmPca::create_root(&connection, options).await.map_err(advised)
        }
        Some(parent) => {
            let authority = open_parent(parent, &arguments.ca_passphrase, &arguments.aws).await?;
            AcmPca::create_subordinate(&connection, &*authority, options).await.map_err(advised)
        }
    }?;
    let made = format!("the CA {} is created and issues", ca.arn());
    let told = async {
        let description = ca.describe().await.or_no()?;
        Ok((description, ca.certificate_chain().await.or_no()?))
    };
    let (description, chain) = told.await.map_err(|failure: Failure| failure.advise(made))?;
    Ok(output::aws_ca_created(&description, &chain, &arguments.aws.words()))
}

fn arn_of(ca: &CaReference) -> Option<&private_ca::authority::aws::Arn> {
    match ca {
        CaReference::Aws(arn) => Some(arn),
        CaReference::Folder(_) => None,
    }
}

fn refuse_parent_s(source: &crate::arguments::CaPassphraseSource) -> Result<(), Failure> {
    PassphraseSource::from(source).refuse("a root has no CA above it")
}

/// The CA above one in AWS. The options of AWS are for that one in any case, so beside a local
/// parent they are not refused.
async fn open_parent(
    parent: &CaReference,
    passphrase: &crate::arguments::CaPassphraseSource,
    aws: &crate::arguments::AwsArguments,
) -> Result<Box<dyn private_ca::CertificateAuthority>, Failure> {
    let none = Default::default();
    let aws = match parent {
        CaReference::Folder(_) => &none,
        CaReference::Aws(_) => aws,
    };
    parent.authority(&Access::new(passphrase, aws)).await
}

fn describe_options(options: &mut AcmPcaOptions, arguments: AwsCaArguments) {
    options.key_storage = arguments.key_storage.map(|storage| match storage {
        KeyStorageArgument::Fips140Level3 => KeyStorage::Fips140Level3,
        KeyStorageArgument::Fips140Level2 => KeyStorage::Fips140Level2,
        KeyStorageArgument::CcpcLevel1 => KeyStorage::CcpcLevel1,
    });
    if arguments.usage_mode == Some(UsageModeArgument::ShortLived) {
        options.usage_mode = UsageMode::ShortLived;
    }
    options.tags = arguments.tags;
    options.crl = arguments.crl_bucket.map(|bucket| {
        let mut crl = CrlOptions::new(bucket);
        crl.days = arguments.crl_days.unwrap_or(crl.days);
        crl.custom_cname = arguments.crl_cname;
        crl.is_public = arguments.crl_public;
        crl.is_partitioned = arguments.crl_partitioned;
        crl
    });
    options.ocsp = arguments.ocsp.then(|| {
        let mut ocsp = OcspOptions::default();
        ocsp.custom_cname = arguments.ocsp_cname;
        ocsp
    });
    options.idempotency_key = arguments.idempotency_key;
}

pub(super) async fn show(ca: &AcmPca) -> Result<Answer, Failure> {
    let description = ca.describe().await.or_no()?;
    // A CA without a validity has no certificate yet, and of a deleted one AWS does not give it.
    let chain = match description.validity.filter(|_| description.state != CaState::Deleted) {
        Some(_) => Some(ca.certificate_chain().await.or_no()?),
        None => None,
    };
    Ok(output::aws_ca_shown(&description, chain.as_ref()))
}

async fn list(arguments: &CaListArguments) -> Result<Answer, Failure> {
    let connection = connect(&arguments.aws, None).await?;
    let owner = match arguments.owner {
        Owner::Own => CaOwner::Own,
        Owner::Others => CaOwner::Others,
    };
    let found = AcmPca::list(&connection, owner).await.or_no()?;
    Ok(output::aws_cas(&found, connection.region()))
}

async fn install(arguments: &CaInstallArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.ca).await?;
    let validity = RequestedValidity::days(arguments.days);
    let kind = ca.describe().await.or_no()?.kind;
    match (&arguments.parent, kind) {
        (None, CaKind::Root) => {
            refuse_parent_s(&arguments.ca_passphrase)?;
            ca.install_root(validity).await.or_no()?;
        }
        (Some(parent), CaKind::Subordinate) => {
            let authority =
                open_parent(parent, &arguments.ca_passphrase, &arguments.ca.aws).await?;
            let path_len = arguments.path_len.unwrap_or(0);
            ca.install_under(&*authority, validity, path_len).await.or_no()?;
        }
        (Some(_), _) => {
            return Err(format!("{} is a root, and signs itself: leave out --parent", ca.arn()))
                .or_unasked();
        }
        (None, _) => {
            return Err(format!(
                "{} is a subordinate: name the CA that signs it with --parent",
                ca.arn()
            ))
            .or_unasked();
        }
    }
    let description = ca.describe().await.or_no()?;
    let chain = ca.certificate_chain().await.or_no()?;
    Ok(output::aws_ca_shown(&description, Some(&chain)))
}

async fn grant_acm(arguments: &CaGrantAcmArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.ca).await?;
    if arguments.revoke {
        ca.revoke_acm_grant().await.or_no()?;
        let next = "ACM neither issues nor renews from it any more.";
        return Ok(output::ca_changed(ca.arn(), "closed to ACM", next));
    }
    ca.grant_acm().await.or_no()?;
    Ok(output::ca_changed(ca.arn(), "open to ACM", "ACM issues from it and renews what it issued."))
}

async fn delete(arguments: &CaDeleteArguments) -> Result<Answer, Failure> {
    let arn = &arguments.ca.ca;
    if !arguments.yes {
        confirm(arn.resource().trim_start_matches("certificate-authority/"))?;
    }
    let ca = open(&arguments.ca).await?;
    ca.delete(arguments.restore_days).await.or_no()?;
    // It is deleted whether or not AWS says until when it can be restored.
    let until = ca.describe().await.ok().and_then(|description| description.restorable_until);
    Ok(output::aws_ca_deleted(arn, arguments.restore_days, until, &arguments.ca.aws.words()))
}

/// Whoever types the id means this CA.
fn confirm(id: &str) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        let message = "a CA is deleted only if --yes says so, or in a terminal, where this asks";
        return Err(message).or_unasked();
    }
    let mut stderr = std::io::stderr();
    write!(stderr, "Everything that depends on this CA stops working. To delete it type {id}: ")
        .and_then(|()| stderr.flush())
        .or_unasked()?;
    let mut typed = String::new();
    stdin.lock().read_line(&mut typed).or_unasked()?;
    if typed.trim() == id {
        return Ok(());
    }
    Err("this is not the id of the CA, and nothing was deleted").or_no()
}

async fn audit_report(arguments: &CaAuditReportArguments) -> Result<Answer, Failure> {
    let ca = open(&arguments.ca).await?;
    let format = match arguments.format {
        ReportFormat::Json => AuditReportFormat::Json,
        ReportFormat::Csv => AuditReportFormat::Csv,
    };
    Ok(output::audit_report(&ca.audit_report(&arguments.bucket, format).await.or_no()?))
}

async fn policy(arguments: &CaPolicyArguments) -> Result<Answer, Failure> {
    if let Some(path) = &arguments.put {
        let contents = file::read(path).or_unasked()?;
        let policy = std::str::from_utf8(&contents)
            .map_err(|_| in_file(path, "a policy is JSON, and this is no text"))
            .or_unasked()?;
        let ca = open(&arguments.ca).await?;
        ca.put_policy(policy).await.or_no()?;
        return Ok(output::ca_changed(ca.arn(), "shared by this policy", ""));
    }
    let ca = open(&arguments.ca).await?;
    if arguments.delete {
        ca.delete_policy().await.or_no()?;
        return Ok(output::ca_changed(ca.arn(), "shared with nobody", ""));
    }
    Ok(output::policy(ca.policy().await.or_no()?.as_deref()))
}
