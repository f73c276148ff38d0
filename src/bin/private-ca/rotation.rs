//! Commands of a CA's rotation.

use std::path::Path;

use private_ca::Timestamp;
use private_ca::file::{self, Existing};
use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::rotation::{Rotation, RotationError};

use crate::arguments::{
    PlannedArguments, RotationBundleArguments, RotationCommand, RotationConfirmArguments,
    RotationIssuedArguments, RotationPlanArguments, RotationShowArguments, RotationWorkerArguments,
};
use crate::doctor::doctor;
use crate::files::{certificates, in_file};
use crate::output::{self, Answer};
use crate::temporal::{all_certificates, bundle, deliver};
use crate::{Failure, OrFail as _};

pub(crate) fn run(command: &RotationCommand) -> Result<Answer, Failure> {
    match command {
        RotationCommand::Plan(RotationPlanArguments { bundle: path, planned }) => {
            plan(&bundle(path)?, planned)
        }
        RotationCommand::Show(RotationShowArguments { plan, bundle: path }) => {
            show(plan, &bundle(path)?)
        }
        RotationCommand::AddNewCa(arguments) => {
            change(arguments, |rotation, bundle, _| rotation.add_new_ca(bundle))
        }
        RotationCommand::Issued(RotationIssuedArguments { worker, cert }) => {
            let presented = certificates(cert)?;
            note(worker, |plan, name, now| plan.issued(name, &presented, now))
        }
        RotationCommand::Confirm(arguments) => crate::block_on(confirm(arguments)),
        RotationCommand::Retired(worker) => note(worker, Rotation::retired),
        RotationCommand::RemoveOldCa(arguments) => change(arguments, Rotation::remove_old_ca),
    }
}

pub(crate) fn load(path: &Path) -> Result<Rotation, Failure> {
    Rotation::load(path).map_err(|error| in_file(path, error)).or_unasked()
}

/// Plans a rotation of the CAs in a bundle, and writes the plan.
pub(crate) fn plan(bundle: &CaBundle, arguments: &PlannedArguments) -> Result<Answer, Failure> {
    let (old, new) = (all_certificates(&arguments.old_ca)?, all_certificates(&arguments.new_ca)?);
    let mut rotation = Rotation::plan(bundle, &old, &new).or_no()?;
    for (name, path) in &arguments.worker {
        rotation = rotation.with_worker(name, &certificates(path)?).or_unasked()?;
    }
    rotation.save(&arguments.plan, Existing::Keep).or_no()?;
    Ok(output::rotation(&rotation, &rotation.steps(bundle, Timestamp::now()), true))
}

/// How far a rotation has come, with the bundle as it is.
pub(crate) fn show(plan: &Path, bundle: &CaBundle) -> Result<Answer, Failure> {
    let rotation = load(plan)?;
    Ok(output::rotation(&rotation, &rotation.steps(bundle, Timestamp::now()), false))
}

/// Brings the plan up to date.
fn note(
    arguments: &RotationWorkerArguments,
    change: impl FnOnce(&mut Rotation, &str, Timestamp) -> Result<(), RotationError>,
) -> Result<Answer, Failure> {
    let mut rotation = load(&arguments.plan)?;
    change(&mut rotation, &arguments.worker, Timestamp::now()).or_no()?;
    rotation.save(&arguments.plan, Existing::Replace).or_unasked()?;
    Ok(output::written(&arguments.plan))
}

/// Connects as the worker will, with the certificate that the plan has for it.
async fn confirm(arguments: &RotationConfirmArguments) -> Result<Answer, Failure> {
    let RotationWorkerArguments { plan, worker } = &arguments.worker;
    let mut rotation = load(plan)?;
    let presented = rotation.presented(worker).or_no()?;
    let key = file::read(&arguments.key).or_unasked()?;
    let diagnosis = doctor(&arguments.frontend)?
        .with_client(presented.to_pem().as_bytes(), &key, arguments.passphrase.named()?)
        .examine()
        .await;
    if diagnosis.failure().is_none() {
        rotation.confirmed(worker, Timestamp::now()).or_no()?;
        rotation.save(plan, Existing::Replace).or_unasked()?;
    }
    Ok(output::diagnosis(&diagnosis))
}

/// Changes the bundle by the plan.
fn change(
    arguments: &RotationBundleArguments,
    change: impl FnOnce(&Rotation, &CaBundle, Timestamp) -> Result<CaBundle, RotationError>,
) -> Result<Answer, Failure> {
    let (rotation, before) = (load(&arguments.plan)?, bundle(&arguments.bundle)?);
    let after = change(&rotation, &before, Timestamp::now()).or_no()?;
    deliver(&before, &after, &arguments.bundle, arguments.dry_run)
}
