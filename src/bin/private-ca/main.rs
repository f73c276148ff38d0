//! The command-line tool: reads arguments, calls the library, prints what it answers.
//!
//! Exit status: 0 yes, 1 no, 2 could not be asked.

mod arguments;
mod authority;
mod files;
mod key;
mod output;
mod passphrase;
mod verification;
mod walkthrough;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, CaCommand, Command, KeyCommand};
use output::Answer;

/// Why a command has no positive answer. Which of the two it is decides the exit status.
enum Failure {
    /// The question was understood, and the answer is no: exit status 1.
    No(Box<dyn std::error::Error>),
    /// The question could not be asked: a file is missing or unreadable. Exit status 2.
    Unasked(Box<dyn std::error::Error>),
}

/// Says of an error which kind of failure it is.
trait OrFail<T> {
    /// The library refuses.
    fn or_no(self) -> Result<T, Failure>;
    /// An input is missing or is not what it has to be.
    fn or_unasked(self) -> Result<T, Failure>;
}

impl<T, E: Into<Box<dyn std::error::Error>>> OrFail<T> for Result<T, E> {
    fn or_no(self) -> Result<T, Failure> {
        self.map_err(|error| {
            let error = error.into();
            // A disk that is full, or a file that is not there, says nothing about the question.
            if output::causes(&*error).any(|cause| cause.is::<std::io::Error>() && !exists(cause)) {
                Failure::Unasked(error)
            } else {
                Failure::No(error)
            }
        })
    }

    fn or_unasked(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Unasked(error.into()))
    }
}

/// Whether an error says that something is there which must not be written over: an answer.
fn exists(error: &(dyn std::error::Error + 'static)) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    kind == Some(std::io::ErrorKind::AlreadyExists)
}

fn answer(command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Walkthrough(arguments) => block_on(walkthrough::run(&arguments)),
        Command::Ca(CaCommand::Create(arguments)) => block_on(authority::create(arguments)),
        Command::Ca(CaCommand::Show(arguments)) => authority::show(&arguments),
        Command::Ca(CaCommand::Crl(arguments)) => authority::revocation_list(&arguments),
        Command::Issue(arguments) => block_on(authority::issue(arguments)),
        Command::Export(arguments) => block_on(authority::export(arguments)),
        Command::Revoke(arguments) => block_on(authority::revoke(arguments)),
        Command::Key(KeyCommand::Decrypt(arguments)) => key::decrypt(&arguments),
        Command::Key(KeyCommand::Encrypt(arguments)) => key::encrypt(&arguments),
        Command::Key(KeyCommand::Inspect(arguments)) => key::inspect(&arguments),
        Command::Verify(arguments) => verification::verify(&arguments),
        Command::Inspect(arguments) => verification::inspect(&arguments),
    }
}

fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .or_unasked()?
        .block_on(future)
}

/// Reads the arguments. With `--json` a mistake in them is told in JSON too, like every other error.
fn arguments() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        // Help and the version come this way too; they go to standard output.
        if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") {
            let message = error.to_string();
            let message = message.trim_end();
            let message = message.strip_prefix("error: ").unwrap_or(message);
            return output::print(Err(message).or_unasked(), true);
        }
        error.exit()
    })
}

fn main() -> ExitCode {
    match arguments() {
        Ok(arguments) => output::print(answer(arguments.command), arguments.json),
        Err(status) => status,
    }
}
