//! A CA's rotation: how far it has come, and what is left to do.

use std::fmt::Write as _;

use private_ca::Certificate;
use private_ca::temporal::rotation::{RotatedWorker, Rotation, Step};
use serde_json::{Value, json};

use super::certificate::certificate_json;
use super::temporal::{ca_list, ca_row};
use super::{Answer, line, said};

/// A rotation. If it was only asked how far it is, a no says that something is left to do.
pub(crate) fn rotation(rotation: &Rotation, steps: &[Step], is_planned: bool) -> Answer {
    let mut text = String::new();
    for (what, bundle) in [("goes", rotation.old()), ("comes", rotation.new_ca())] {
        for certificate in bundle.certificates() {
            let _ = writeln!(text, "{what:<6} {}", ca_row(certificate));
        }
    }
    for worker in rotation.workers() {
        let _ = writeln!(text, "worker {}: {}", line(&worker.name), state(worker));
    }
    match steps {
        [] => text.push_str("the rotation is complete\n"),
        steps => {
            text.push_str("left to do:\n");
            for (place, step) in steps.iter().enumerate() {
                let _ = writeln!(text, "  {}. {}", place + 1, line(&step.to_string()));
            }
        }
    }
    let json = json!({
        "complete": steps.is_empty(),
        "old": ca_list(rotation.old()),
        "new": ca_list(rotation.new_ca()),
        "workers": rotation.workers().iter().map(worker_json).collect::<Vec<_>>(),
        "steps": steps.iter().map(step_json).collect::<Vec<_>>(),
    });
    Answer { status: u8::from(!is_planned && !steps.is_empty()), ..said(text, json) }
}

fn state(worker: &RotatedWorker) -> String {
    let old = match (worker.retired, worker.old.first()) {
        (Some(time), _) => format!("the old certificate not used since {time}"),
        (None, Some(leaf)) => format!("the old certificate until {}", leaf.validity().not_after),
        (None, None) => "no old certificate".to_owned(),
    };
    let new = match (worker.new.as_deref().and_then(<[_]>::first), worker.confirmed) {
        (None, _) => "no new one".to_owned(),
        (Some(leaf), None) => {
            format!("a new one until {}, not seen to connect", leaf.validity().not_after)
        }
        (Some(leaf), Some(time)) => {
            format!("a new one until {}, seen to connect at {time}", leaf.validity().not_after)
        }
    };
    format!("{old}; {new}")
}

fn worker_json(worker: &RotatedWorker) -> Value {
    let leaf = |chain: &[Certificate]| chain.first().map(certificate_json);
    json!({
        "name": worker.name,
        "old": leaf(&worker.old),
        "new": worker.new.as_deref().and_then(leaf),
        "confirmed": worker.confirmed.map(|time| time.to_string()),
        "retired": worker.retired.map(|time| time.to_string()),
    })
}

fn step_json(step: &Step) -> Value {
    let until = match step {
        Step::AwaitOld { until, .. } => Some(until.to_string()),
        _ => None,
    };
    json!({
        "id": step.id(),
        "worker": step.worker(),
        "until": until,
        "sentence": step.to_string(),
    })
}
