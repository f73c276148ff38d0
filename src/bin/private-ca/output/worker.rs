//! A worker's configuration.

use std::fmt::Write as _;
use std::path::Path;

use private_ca::temporal::worker::{ConfigurationProblem, WorkerConfiguration};
use serde_json::{Value, json};

use super::{Answer, line, path_json, said, shell};

/// Why a worker with this configuration would not connect.
pub(crate) fn worker_refused(problems: &[ConfigurationProblem]) -> Answer {
    let mut text = String::from("the worker would not connect; nothing was written\n");
    for problem in problems {
        let _ = writeln!(text, "  {}", shown(problem));
    }
    text.push_str("to write it all the same, add --force\n");
    let json = json!({ "would_connect": false, "problems": told(problems) });
    Answer { status: 1, ..said(text, json) }
}

/// One line of text.
fn shown(problem: &ConfigurationProblem) -> String {
    let (severity, id) = (problem.severity(), problem.check().id());
    format!("{severity} {id}: {}", line(&problem.to_string()))
}

fn told(problems: &[ConfigurationProblem]) -> Value {
    let told = |problem: &ConfigurationProblem| {
        json!({
            "id": problem.check().id(),
            "severity": problem.severity().to_string(),
            "asks": problem.check().sentence(),
            "found": problem.to_string(),
            "mend": problem.mend(),
        })
    };
    problems.iter().map(told).collect()
}

/// A file that a configuration was merged into.
pub(crate) fn worker_written(path: &Path, problems: &[ConfigurationProblem]) -> Answer {
    let mut text = format!("wrote {}\n", path.display());
    for problem in problems {
        let _ = writeln!(text, "  {}", shown(problem));
    }
    said(text, json!({ "written": path_json(path), "problems": told(problems) }))
}

/// A configuration in both forms.
pub(crate) fn worker(
    configuration: &WorkerConfiguration,
    profile: &str,
    problems: &[ConfigurationProblem],
) -> Answer {
    let toml = configuration.temporal_toml(profile);
    let mut text = format!("{toml}\n# or in the environment:\n");
    for (name, value) in configuration.environment() {
        let _ = writeln!(text, "# export {name}={}", shell(&value));
    }
    for problem in problems {
        let _ = writeln!(text, "# {}", shown(problem));
    }
    let environment: serde_json::Map<_, _> = configuration
        .environment()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    let json = json!({
        "temporal_toml": toml,
        "environment": environment,
        "problems": told(problems),
    });
    said(text, json)
}
