//! The command-line tool: reads arguments, calls the library, prints what it answers.
//!
//! Exit status: 0 yes, 1 no, 2 could not be asked.

mod access;
mod arguments;
mod authority;
#[cfg(feature = "aws")]
mod aws;
mod doctor;
mod failure;
mod files;
mod issue;
mod key;
mod managed;
// The library's own, which is no part of what it offers.
#[path = "../../marks.rs"]
mod marks;
#[cfg(feature = "temporal-cloud")]
mod namespace;
mod output;
mod passphrase;
mod reference;
mod rotation;
mod temporal;
mod verification;
mod walkthrough;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, CaCommand, Command, KeyCommand, TemporalCommand, WorkerCommand};
use failure::{Failure, OrFail};
use output::Answer;

fn answer(command: Command) -> Result<Answer, Failure> {
    match command {
        Command::Walkthrough(arguments) => block_on(walkthrough::run(&arguments)),
        Command::Ca(CaCommand::Create(arguments)) => block_on(authority::create(*arguments)),
        Command::Ca(CaCommand::Show(arguments)) => block_on(authority::show(&arguments)),
        Command::Ca(CaCommand::Crl(arguments)) => authority::revocation_list(&arguments),
        #[cfg(feature = "aws")]
        Command::Ca(CaCommand::Aws(command)) => block_on(authority::administer(command)),
        Command::Issue(arguments) => block_on(issue::issue(*arguments)),
        Command::Export(arguments) => block_on(managed::export(*arguments)),
        Command::Request(arguments) => block_on(managed::request(*arguments)),
        Command::Status(arguments) => block_on(managed::status(arguments)),
        Command::Renew(arguments) => block_on(managed::renew(arguments)),
        Command::Revoke(arguments) => block_on(authority::revoke(arguments)),
        Command::Key(KeyCommand::Decrypt(arguments)) => key::decrypt(&arguments),
        Command::Key(KeyCommand::Encrypt(arguments)) => key::encrypt(&arguments),
        Command::Key(KeyCommand::Inspect(arguments)) => key::inspect(&arguments),
        Command::Verify(arguments) => verification::verify(&arguments),
        Command::Worker(command) => match *command {
            WorkerCommand::Config(arguments) => worker::config(&arguments),
        },
        Command::Doctor(arguments) => block_on(doctor::examine(&arguments)),
        Command::Temporal(command) => match *command {
            TemporalCommand::Check(arguments) => temporal::check(&arguments),
            TemporalCommand::Bundle(command) => temporal::change(&command),
            #[cfg(feature = "temporal-cloud")]
            TemporalCommand::Namespace(command) => block_on(namespace::run(&command)),
            TemporalCommand::Rotation(command) => rotation::run(&command),
        },
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

/// Whether `--json` was given, also where the arguments cannot be read.
fn is_json_asked() -> bool {
    std::env::args_os().any(|argument| argument == "--json")
}

/// Reads the arguments. With `--json` a mistake in them is told in JSON too, like every other error.
fn arguments() -> Result<Arguments, ExitCode> {
    Arguments::try_parse().map_err(|error| {
        // Help and the version come this way too; they go to standard output.
        if error.use_stderr() && is_json_asked() {
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
