//! A worker's configuration.

use std::fmt::Write as _;

use private_ca::temporal::worker::{ConfigurationProblem, WorkerConfiguration};
use serde_json::{Value, json};

use super::{Answer, line, said, shell};

/// Why a worker with this configuration would not connect.
pub(crate) fn worker_refused(problems: &[ConfigurationProblem]) -> Answer {
    let mut text = String::from("the worker would not connect; nothing was written\n");
    for problem in problems {
        let _ = writeln!(text, "  {}", line(&problem.to_string()));
    }
    text.push_str("to write it all the same, add --force\n");
    let json = json!({ "would_connect": false, "problems": sentences(problems) });
    Answer { status: 1, ..said(text, json) }
}

fn sentences(problems: &[ConfigurationProblem]) -> Value {
    problems.iter().map(|problem| Value::from(problem.to_string())).collect()
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
        let _ = writeln!(text, "# the worker would not connect: {}", line(&problem.to_string()));
    }
    let environment: serde_json::Map<_, _> = configuration
        .environment()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect();
    let json = json!({
        "temporal_toml": toml,
        "environment": environment,
        "problems": sentences(problems),
    });
    said(text, json)
}
