//! Why a worker does not connect.

use std::time::Duration;

use private_ca::connect::Doctor;
use private_ca::file;

use crate::arguments::{DoctorArguments, FrontendArguments};
use crate::files::certificates;
use crate::output::{self, Answer};
use crate::{Failure, OrFail as _};

pub(crate) async fn examine(arguments: &DoctorArguments) -> Result<Answer, Failure> {
    let mut doctor = doctor(&arguments.frontend)?;
    if let (Some(cert), Some(key)) = (&arguments.cert, &arguments.key) {
        let (cert, key) = (file::read(cert).or_unasked()?, file::read(key).or_unasked()?);
        doctor = doctor.with_client(&cert, &key, arguments.passphrase.named()?);
    }
    Ok(output::diagnosis(&doctor.examine().await))
}

/// For this frontend, and nobody yet.
pub(crate) fn doctor(arguments: &FrontendArguments) -> Result<Doctor, Failure> {
    let (host, port) = &arguments.address;
    let mut doctor =
        Doctor::new(host, *port).with_patience(Duration::from_secs(arguments.patience));
    if let Some(path) = &arguments.server_ca {
        doctor = doctor.with_server_cas(certificates(path)?);
    }
    if let Some(name) = &arguments.server_name {
        doctor = doctor.with_server_name(name);
    }
    if let Some(namespace) = &arguments.namespace {
        doctor = doctor.with_namespace(namespace);
    }
    if let Some(resolver) = arguments.resolver {
        doctor = doctor.with_resolver(resolver);
    }
    Ok(doctor)
}
