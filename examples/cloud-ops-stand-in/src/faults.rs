//! What goes wrong on demand.

use std::time::Duration;

use tonic::Code;

/// How operations end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ending {
    /// They are done.
    #[default]
    Fulfilled,
    /// They fail for a reason, and the namespace is as it was.
    Failed(String),
    /// They go on for ever.
    Never,
}

/// What goes wrong on demand. By default nothing does.
#[derive(Debug, Clone)]
pub struct Faults {
    /// How many calls are answered `UNAVAILABLE` before anything is done.
    pub unavailable: u32,
    /// How many updates are made, and the answer lost.
    pub lost_answers: u32,
    /// How many calls are answered `RESOURCE_EXHAUSTED`: the API has a limit of requests a second
    /// (Temporal Cloud, "Cloud Ops API", "Rate limits").
    pub exhausted: u32,
    /// How many updates find that somebody else was faster, though nobody was.
    pub conflicts: u32,
    /// The code by which an update of an old version is refused. The definitions do not say it.
    pub conflict_code: Code,
    /// Whether a namespace takes no update while an operation is changing it. The definitions do not
    /// say it.
    pub busy_while_updating: bool,
    /// How long each call takes.
    pub delay: Duration,
    /// After how many questions an operation ends.
    pub polls: u32,
    /// What the server recommends to wait before the next question.
    pub check_after: Duration,
    /// How operations end.
    pub ending: Ending,
    /// Whether the owner of the API key may read alone.
    pub read_only: bool,
    /// What every refusal's message has at its end; a careless server might repeat a secret.
    pub echo: String,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            unavailable: 0,
            lost_answers: 0,
            exhausted: 0,
            conflicts: 0,
            conflict_code: Code::FailedPrecondition,
            busy_while_updating: false,
            delay: Duration::ZERO,
            polls: 1,
            check_after: Duration::from_millis(10),
            ending: Ending::Fulfilled,
            read_only: false,
            echo: String::new(),
        }
    }
}

/// Takes one of a number, if there is one left.
pub(crate) fn take(left: &mut u32) -> bool {
    let taken = *left > 0;
    *left = left.saturating_sub(1);
    taken
}
