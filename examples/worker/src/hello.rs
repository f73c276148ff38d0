//! The workflow and its activity.
#![expect(
    missing_docs,
    missing_debug_implementations,
    reason = "the SDK's macros generate public items without either"
)]

use std::time::Duration;

use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::{
    ActivityOptions, WorkflowContext, WorkflowResult,
    activities::{ActivityContext, ActivityError},
};

/// Greets by name, through the activity [`Greetings::greet`].
#[workflow]
#[derive(Debug, Default)]
pub struct Hello;

#[workflow_methods]
impl Hello {
    /// The workflow's body.
    #[run]
    pub async fn run(ctx: &mut WorkflowContext<Self>, name: String) -> WorkflowResult<String> {
        let timeout = ActivityOptions::start_to_close_timeout(Duration::from_secs(10));
        Ok(ctx.execute_activity(Greetings::greet, name, timeout).await?)
    }
}

/// The activities of the worker.
#[derive(Debug)]
pub struct Greetings;

#[activities]
impl Greetings {
    /// Says hello.
    #[activity]
    pub async fn greet(_ctx: ActivityContext, name: String) -> Result<String, ActivityError> {
        Ok(format!("Hello, {name}!"))
    }
}
