//! Commands of a worker's configuration.

use std::path::{Path, PathBuf};

use private_ca::temporal::namespace_endpoint;
use private_ca::temporal::requirements::Severity;
use private_ca::temporal::worker::{
    ConfigurationProblem, MergeError, WorkerConfiguration, beside_in_environment, beside_in_toml,
};

use crate::arguments::WorkerConfigArguments;
use crate::files::in_file;
use crate::output::{self, Answer};
use crate::{Failure, OrFail as _};

pub(crate) fn config(arguments: &WorkerConfigArguments) -> Result<Answer, Failure> {
    // The worker may start in another folder.
    let whole = |path: &Path| std::path::absolute(path).map_err(|error| in_file(path, error));
    let whole = |path: &PathBuf| whole(path).or_unasked();
    let address = arguments
        .address
        .clone()
        .or_else(|| namespace_endpoint(&arguments.namespace))
        .ok_or_else(|| {
            format!(
                "give the frontend with --address: {:?} is not a namespace with its account, as in hello.a1b2c, whose endpoint would be known",
                arguments.namespace
            )
        })
        .or_no()?;
    let mut configuration = WorkerConfiguration::new(
        address,
        &arguments.namespace,
        whole(&arguments.cert)?,
        whole(&arguments.key)?,
    );
    configuration.server_ca_cert_path = arguments.server_ca.as_ref().map(whole).transpose()?;
    configuration.server_name.clone_from(&arguments.server_name);
    let mut problems = configuration.check(arguments.sdk.into());
    problems.extend(beside(arguments)?);
    let refused = problems.iter().any(|problem| problem.severity() == Severity::Error);
    if refused && !arguments.force {
        return Ok(output::worker_refused(&problems));
    }
    let merged = |path: &Path, result: Result<(), MergeError>| {
        result.map_err(|error| in_file(path, error)).or_no()?;
        Ok(output::worker_written(path, &problems))
    };
    match (&arguments.toml, &arguments.env_file) {
        (Some(path), _) => merged(path, configuration.merge_toml_file(path, &arguments.profile)),
        (None, Some(path)) => merged(path, configuration.merge_environment_file(path)),
        (None, None) => Ok(output::worker(&configuration, &arguments.profile, &problems)),
    }
}

/// What else is in the file. One that is no text is for the merge to refuse, with the reason.
fn beside(arguments: &WorkerConfigArguments) -> Result<Vec<ConfigurationProblem>, Failure> {
    let Some(path) = arguments.toml.as_ref().or(arguments.env_file.as_ref()) else {
        return Ok(Vec::new());
    };
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let contents = private_ca::file::read(path).or_unasked()?;
    let text = std::str::from_utf8(&contents).unwrap_or_default();
    Ok(match arguments.toml {
        Some(_) => beside_in_toml(text, &arguments.profile),
        None => beside_in_environment(text),
    })
}
