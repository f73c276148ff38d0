//! Commands of a worker's configuration.

use std::path::{Path, PathBuf};

use private_ca::temporal::worker::{MergeError, WorkerConfiguration};

use crate::arguments::WorkerConfigArguments;
use crate::files::in_file;
use crate::output::{self, Answer};
use crate::{Failure, OrFail as _};

pub(crate) fn config(arguments: &WorkerConfigArguments) -> Result<Answer, Failure> {
    // The worker may start in another folder.
    let whole = |path: &Path| std::path::absolute(path).map_err(|error| in_file(path, error));
    let whole = |path: &PathBuf| whole(path).or_unasked();
    let mut configuration = WorkerConfiguration::new(
        &arguments.address,
        &arguments.namespace,
        whole(&arguments.cert)?,
        whole(&arguments.key)?,
    );
    configuration.server_ca_cert_path = arguments.server_ca.as_ref().map(whole).transpose()?;
    configuration.server_name.clone_from(&arguments.server_name);
    let problems = configuration.check(arguments.sdk.into());
    if !problems.is_empty() && !arguments.force {
        return Ok(output::worker_refused(&problems));
    }
    let merged = |path: &Path, result: Result<(), MergeError>| {
        result.map_err(|error| in_file(path, error)).or_no()?;
        Ok(output::written(path))
    };
    match (&arguments.toml, &arguments.env_file) {
        (Some(path), _) => merged(path, configuration.merge_toml_file(path, &arguments.profile)),
        (None, Some(path)) => merged(path, configuration.merge_environment_file(path)),
        (None, None) => Ok(output::worker(&configuration, &arguments.profile, &problems)),
    }
}
