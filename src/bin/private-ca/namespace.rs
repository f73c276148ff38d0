//! Commands that read and change a namespace of Temporal Cloud.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use private_ca::temporal::bundle::{BundleError, CaBundle, Fingerprint};
use private_ca::temporal::filters::FilterSet;
use private_ca::temporal::namespace::{
    ApiKey, AuthMethod, Change, CloudOps, CloudOpsError, CloudOpsOptions, NamespaceState, Outcome,
    UpdateError,
};
use private_ca::temporal::rotation::{Rotation, RotationError, RotationFileError};
use private_ca::{Certificate, CertificateChain, DistinguishedName, Timestamp, file};

use crate::arguments::{
    AuthMethodCommand, AuthMethodSetArguments, CloudArguments, FiltersImportArguments,
    NamespaceAddArguments, NamespaceArguments, NamespaceBundleCommand, NamespaceCommand,
    NamespaceFiltersCommand, NamespacePlanArguments, NamespacePlannedArguments,
    NamespaceRemoveArguments, NamespaceRotateArguments, NamespaceRotationCommand, OperationCommand,
    ResumeArguments, UpdateArguments,
};
use crate::files::{certificates, in_file};
use crate::output::{self, Answer};
use crate::rotation;
use crate::temporal::all_certificates;
use crate::{Failure, OrFail as _};

pub(crate) async fn run(command: &NamespaceCommand) -> Result<Answer, Failure> {
    match command {
        NamespaceCommand::Show(arguments) => {
            Ok(output::namespace(&read(&arguments.namespace).await?))
        }
        NamespaceCommand::Bundle(NamespaceBundleCommand::List(arguments)) => {
            let namespace = read(&arguments.namespace).await?;
            Ok(output::bundle(&namespace.mtls.bundle, Timestamp::now()))
        }
        NamespaceCommand::Bundle(NamespaceBundleCommand::Add(arguments)) => add(arguments).await,
        NamespaceCommand::Bundle(NamespaceBundleCommand::Remove(arguments)) => {
            remove(arguments).await
        }
        NamespaceCommand::Bundle(NamespaceBundleCommand::Replace(arguments)) => {
            replace(arguments).await
        }
        NamespaceCommand::Filters(NamespaceFiltersCommand::Export(arguments)) => {
            Ok(output::filters(&read(&arguments.namespace).await?.mtls.filters))
        }
        NamespaceCommand::Filters(NamespaceFiltersCommand::Import(arguments)) => {
            import(arguments).await
        }
        NamespaceCommand::AuthMethod(AuthMethodCommand::Show(arguments)) => {
            Ok(output::auth_method(&read(&arguments.namespace).await?))
        }
        NamespaceCommand::AuthMethod(AuthMethodCommand::Set(arguments)) => {
            set_auth_method(arguments).await
        }
        NamespaceCommand::Rotation(command) => rotate(command).await,
        NamespaceCommand::Operation(OperationCommand::Resume(arguments)) => resume(arguments).await,
    }
}

async fn read(namespace: &NamespaceArguments) -> Result<NamespaceState, Failure> {
    cloud(&namespace.cloud, None)?.namespace(&namespace.name).await.map_err(failure)
}

async fn resume(arguments: &ResumeArguments) -> Result<Answer, Failure> {
    let cloud = cloud(&arguments.cloud, Some(arguments.wait))?;
    Ok(output::operation(&cloud.resume(&arguments.id).await.map_err(failure)?))
}

async fn add(arguments: &NamespaceAddArguments) -> Result<Answer, Failure> {
    let mut wanted = all_certificates(&arguments.certificates)?;
    let live = all_live(&arguments.live)?;
    let idempotent = arguments.update.idempotent;
    // A certificate that is in two of the files is one certificate.
    wanted = CaBundle::of(&wanted).certificates().to_vec();
    change(&arguments.namespace, &arguments.update, |namespace| {
        let bundle = &namespace.mtls.bundle;
        let is_new = |ca: &&Certificate| !idempotent || !bundle.certificates().contains(ca);
        let new: Vec<_> = wanted.iter().filter(is_new).cloned().collect();
        let change = to_bundle(namespace, bundle.add(&new)?, &live)?;
        Ok(enabling(change, arguments.enable_mtls))
    })
    .await
}

async fn remove(arguments: &NamespaceRemoveArguments) -> Result<Answer, Failure> {
    let files = all_certificates(&arguments.certificates)?;
    let of_files = files.iter().map(Fingerprint::sha256_of);
    let unwanted: Vec<_> = arguments.fingerprint.iter().copied().chain(of_files).collect();
    let live = all_live(&arguments.live)?;
    let idempotent = arguments.update.idempotent;
    change(&arguments.namespace, &arguments.update, |namespace| {
        let bundle = &namespace.mtls.bundle;
        let is_there = |fingerprint: &&Fingerprint| {
            !idempotent || bundle.certificates().iter().any(|ca| fingerprint.is_of(ca))
        };
        let there: Vec<_> = unwanted.iter().filter(is_there).copied().collect();
        to_bundle(namespace, bundle.remove(&there)?, &live)
    })
    .await
}

async fn replace(arguments: &NamespaceAddArguments) -> Result<Answer, Failure> {
    let bundle = CaBundle::of(&all_certificates(&arguments.certificates)?);
    let live = all_live(&arguments.live)?;
    change(&arguments.namespace, &arguments.update, |namespace| {
        let change = to_bundle(namespace, bundle.clone(), &live)?;
        Ok(enabling(change, arguments.enable_mtls))
    })
    .await
}

async fn import(arguments: &FiltersImportArguments) -> Result<Answer, Failure> {
    let path = &arguments.filters;
    let contents = file::read(path).or_unasked()?;
    if contents.trim_ascii().is_empty() {
        // As a failed export leaves it.
        let error = "the file is empty, and without filters every client of the namespace's CAs is let in: to have that, write {\"filters\": []}";
        return Err(in_file(path, error)).or_no();
    }
    let filters = FilterSet::from_json(&contents).map_err(|error| in_file(path, error)).or_no()?;
    let live = all_live(&arguments.live)?;
    change(&arguments.namespace, &arguments.update, |namespace| {
        let change = Change::none().with_filters(filters.clone());
        check_live(namespace, &change, &live)?;
        Ok(change)
    })
    .await
}

async fn set_auth_method(arguments: &AuthMethodSetArguments) -> Result<Answer, Failure> {
    let live = all_live(&arguments.live)?;
    let method = AuthMethod::from(arguments.method);
    change(&arguments.namespace, &arguments.update, |namespace| {
        // What is live now may be so by either way; it has to be let in by what will be.
        let change = Change::none().with_auth_method(method);
        match live.is_empty() || method.has_mtls() {
            true => check_live(namespace, &change, &live)?,
            false => return Err(ChangeError::NoMtls),
        }
        Ok(change)
    })
    .await
}

async fn rotate(command: &NamespaceRotationCommand) -> Result<Answer, Failure> {
    let (arguments, step): (_, fn(&_, &_, _) -> _) = match command {
        NamespaceRotationCommand::Plan(NamespacePlanArguments { namespace, planned }) => {
            return rotation::plan(&read(namespace).await?.mtls.bundle, planned);
        }
        NamespaceRotationCommand::Show(NamespacePlannedArguments { namespace, plan }) => {
            return rotation::show(plan, &read(namespace).await?.mtls.bundle);
        }
        NamespaceRotationCommand::AddNewCa(arguments) => {
            (arguments, |rotation: &Rotation, bundle: &CaBundle, _: Timestamp| {
                rotation.add_new_ca(bundle)
            })
        }
        NamespaceRotationCommand::RemoveOldCa(arguments) => (arguments, Rotation::remove_old_ca),
    };
    let NamespaceRotateArguments { planned, update } = arguments;
    // Every step of a rotation can be taken again.
    let update = UpdateArguments { idempotent: true, ..update.clone() };
    let lock = || rotation::lock(&planned.plan).map(Some);
    change_while(&planned.namespace, &update, lock, |namespace| {
        // Read anew each time: while a person was asked, others may have noted what forbids the change.
        let rotation = Rotation::load(&planned.plan).map_err(ChangeError::Plan)?;
        let bundle = step(&rotation, &namespace.mtls.bundle, Timestamp::now())?;
        Ok(Change::none().with_bundle(bundle))
    })
    .await
}

/// Why a change cannot be made on the namespace as it is.
#[derive(Debug, thiserror::Error)]
enum ChangeError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Rotation(#[from] RotationError),
    #[error("the plan cannot be read: {0}")]
    Plan(#[source] RotationFileError),
    #[error(
        "the client certificate {leaf} would be locked out by the namespace's certificate filters"
    )]
    Filters { leaf: DistinguishedName },
    #[error(
        "the namespace's certificate filters do not let in the client certificate {leaf} today either, so whether it would be locked out cannot be told"
    )]
    NotAdmitted { leaf: DistinguishedName },
    #[error(
        "mTLS would be disabled, and every client locked out that comes with a certificate: nothing was changed"
    )]
    NoMtls,
    #[error(
        "the namespace was changed by somebody else after the change was shown, and the change would now be another: nothing was changed"
    )]
    Another,
}

fn to_bundle(
    namespace: &NamespaceState,
    bundle: CaBundle,
    live: &[CertificateChain],
) -> Result<Change, ChangeError> {
    let change = Change::none().with_bundle(bundle);
    check_live(namespace, &change, live)?;
    Ok(change)
}

fn enabling(change: Change, mtls: bool) -> Change {
    if mtls { change.with_mtls(true) } else { change }
}

/// Whether every live client that bundle and filters admit is admitted after a change.
fn check_live(
    namespace: &NamespaceState,
    change: &Change,
    live: &[CertificateChain],
) -> Result<(), ChangeError> {
    let now = Timestamp::now();
    let before = &namespace.mtls;
    let bundle = change.bundle.as_ref().unwrap_or(&before.bundle);
    let filters = change.filters.as_ref().unwrap_or(&before.filters);
    for chain in live {
        let Some((leaf, above)) = chain.certificates().split_first() else { continue };
        bundle.check_admits_still(&before.bundle, leaf, above, now)?;
        if !before.filters.try_on(leaf).is_admitted() {
            return Err(ChangeError::NotAdmitted { leaf: leaf.subject() });
        }
        if !filters.try_on(leaf).is_admitted() {
            return Err(ChangeError::Filters { leaf: leaf.subject() });
        }
    }
    Ok(())
}

fn all_live(paths: &[PathBuf]) -> Result<Vec<CertificateChain>, Failure> {
    paths.iter().map(|path| certificates(path)).collect()
}

/// Shows a change, has it confirmed, and makes it.
async fn change(
    namespace: &NamespaceArguments,
    update: &UpdateArguments,
    change: impl Fn(&NamespaceState) -> Result<Change, ChangeError>,
) -> Result<Answer, Failure> {
    change_while(namespace, update, || Ok(None), change).await
}

/// The same, while something is held from the confirmation on: a person may take long.
async fn change_while(
    namespace: &NamespaceArguments,
    update: &UpdateArguments,
    hold: impl FnOnce() -> Result<Option<File>, Failure>,
    change: impl Fn(&NamespaceState) -> Result<Change, ChangeError>,
) -> Result<Answer, Failure> {
    let cloud = cloud(&namespace.cloud, Some(update.wait))?;
    let name = &namespace.name;
    let before = cloud.namespace(name).await.map_err(failure)?;
    let wanted = change(&before).or_no()?;
    let shown = before.difference(&wanted);
    if before.is_already(&wanted) {
        return Ok(output::unchanged(name, update.idempotent));
    }
    before.check(&wanted).map_err(failure)?;
    if update.dry_run {
        return Ok(output::namespace_change(name, &shown, None, true));
    }
    if !update.yes {
        match output::confirm(name, &shown).or_unasked()? {
            Some(true) => {}
            Some(false) => return Ok(output::namespace_change(name, &shown, None, false)),
            None => return Ok(output::unconfirmed(name, &shown)),
        }
    }
    let _held = hold()?;
    let as_shown = |fresh: &NamespaceState| {
        let wanted = change(fresh)?;
        // With --yes nobody has seen it.
        match update.yes || fresh.difference(&wanted) == shown {
            true => Ok(wanted),
            false => Err(ChangeError::Another),
        }
    };
    let outcome = match update.r#async {
        true => cloud.send(name, as_shown).await,
        false => cloud.update(name, as_shown).await,
    };
    let is_idle = !before.mtls.enabled && wanted.enabled.is_none() && wanted.bundle.is_some();
    match outcome {
        Ok(Outcome::Sent(sent)) => {
            let answer =
                output::namespace_change(name, &sent.difference, Some(&sent.operation), false);
            let method = AuthMethod::of(true, before.api_key_enabled);
            Ok(if is_idle { output::with_mtls_disabled(answer, name, method) } else { answer })
        }
        Ok(_) => Ok(output::unchanged(name, update.idempotent)),
        Err(UpdateError::CloudOps(error)) => Err(failure(error)),
        Err(error) => Err(error).or_no(),
    }
}

fn cloud(arguments: &CloudArguments, wait: Option<u64>) -> Result<CloudOps, Failure> {
    let key = match &arguments.api_key_file {
        Some(path) => ApiKey::from_file(path),
        None => ApiKey::from_environment(),
    };
    let mut options = CloudOpsOptions::default();
    options.address.clone_from(&arguments.address);
    options.plaintext = arguments.plaintext;
    if let Some(path) = &arguments.server_ca {
        options.server_ca = Some(certificates(path)?.certificates().to_vec());
    }
    if let Some(wait) = wait {
        options.patience = Duration::from_secs(wait);
    }
    CloudOps::with_options(key.map_err(failure)?, options).map_err(failure)
}

/// Whether the answer is no, or nobody could be asked.
fn failure(error: CloudOpsError) -> Failure {
    let advice = match &error {
        CloudOpsError::OperationPending { id, .. } => {
            Some(format!("private-ca temporal namespace operation resume {id}"))
        }
        _ => None,
    };
    let is_no = matches!(
        error,
        CloudOpsError::PermissionDenied { .. }
            | CloudOpsError::Conflict { .. }
            | CloudOpsError::Refused { .. }
            | CloudOpsError::Bundle(_)
            | CloudOpsError::Filters { .. }
            | CloudOpsError::NoCa
            | CloudOpsError::NoWayIn
            | CloudOpsError::OperationFailed { .. }
    );
    let failure = match is_no {
        true => Failure::No(error.into()),
        false => Failure::Unasked(error.into()),
    };
    match advice {
        Some(advice) => failure.advise(format!("to do so: {advice}")),
        None => failure,
    }
}
