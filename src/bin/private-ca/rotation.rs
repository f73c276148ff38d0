//! Commands of a CA's rotation.

use std::fs::File;
use std::path::Path;

use private_ca::Timestamp;
use private_ca::connect::Cause;
use private_ca::file::{self, Existing};
use private_ca::temporal::bundle::CaBundle;
use private_ca::temporal::is_cloud_host;
use private_ca::temporal::rotation::{Rotation, RotationError};

use crate::arguments::{
    PlannedArguments, RotationBundleArguments, RotationCommand, RotationConfirmArguments,
    RotationIssuedArguments, RotationPlanArguments, RotationRenewedArguments,
    RotationShowArguments, RotationWorkerArguments,
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
        RotationCommand::Renewed(RotationRenewedArguments { worker, cert }) => {
            let presented = certificates(cert)?;
            note(worker, |plan, name, now| plan.renewed(name, &presented, now))
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
        rotation = rotation.with_worker(name, &certificates(path)?, Timestamp::now()).or_no()?;
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
    let _lock = lock(&arguments.plan)?;
    let mut rotation = load(&arguments.plan)?;
    change(&mut rotation, &arguments.worker, Timestamp::now()).or_no()?;
    rotation.save(&arguments.plan, Existing::Replace).or_unasked()?;
    Ok(output::written(&arguments.plan))
}

/// Keeps others from noting something in the plan meanwhile. The plan itself is replaced by each note, so
/// the lock is on a file beside it: beside the file, where the plan is a link, so that both names have one lock.
pub(crate) fn lock(plan: &Path) -> Result<File, Failure> {
    let whole = plan.canonicalize().map_err(|error| in_file(plan, error)).or_unasked()?;
    let mut beside = whole.into_os_string();
    beside.push(".lock");
    let path = Path::new(&beside);
    let open = File::options().create(true).truncate(false).write(true).open(path);
    let locked = open.and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| in_file(path, error)).or_unasked()
}

/// Connects as the worker will, with the certificate that the plan has for it.
async fn confirm(arguments: &RotationConfirmArguments) -> Result<Answer, Failure> {
    let RotationWorkerArguments { plan, worker } = &arguments.worker;
    let frontend = &arguments.frontend;
    let mut hosts =
        [Some(&frontend.address.0), frontend.server_name.as_ref()].into_iter().flatten();
    if frontend.namespace.is_none() && hosts.any(|host| is_cloud_host(host)) {
        let error = "at an endpoint of Temporal Cloud the namespace is needed, because without it no answer shows that the namespace lets the worker in: add --namespace, as in --namespace hello.a1b2c";
        return Err(error).or_unasked();
    }
    let presented = load(plan)?.presented(worker).or_no()?;
    let key = file::read(&arguments.key).or_unasked()?;
    let diagnosis = doctor(frontend)?
        .with_client(presented.to_pem().as_bytes(), &key, arguments.passphrase.named()?)
        .examine()
        .await;
    if diagnosis.failure().is_none() {
        let findings = diagnosis.findings().iter();
        let mut warnings = findings.flat_map(|finding| &finding.warnings);
        if warnings.any(|warning| matches!(warning, Cause::NoCertificateAsked)) {
            return Err("the server asks for no certificate, so that it lets this one in says nothing: nothing was noted").or_no();
        }
        // While the server was asked, others may have noted something.
        let _lock = lock(plan)?;
        let mut rotation = load(plan)?;
        if rotation.presented(worker).or_no()? != presented {
            return Err("the worker's certificate is another by now: nothing was noted").or_no();
        }
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
    // What is noted meanwhile may forbid the change.
    let _lock = lock(&arguments.plan)?;
    let (rotation, before) = (load(&arguments.plan)?, bundle(&arguments.bundle)?);
    let after = change(&rotation, &before, Timestamp::now()).or_no()?;
    deliver(&before, &after, &arguments.bundle, arguments.dry_run)
}
