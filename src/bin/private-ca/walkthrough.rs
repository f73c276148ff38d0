//! stub
use crate::Failure;
use crate::arguments::WalkthroughArguments;
use crate::output::Answer;
pub(crate) async fn run(_arguments: &WalkthroughArguments) -> Result<Answer, Failure> {
    todo!()
}
