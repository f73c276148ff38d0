//! Starts the worker; with `run NAME`, executes the workflow once and prints its result.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks through them")]

use std::{env, error::Error, process::ExitCode};

use private_ca_worker::{TASK_QUEUE, connect, greet, worker};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match *arguments {
        [] => serve().await,
        ["run", name] => run(name).await,
        _ => Err("usage: private-ca-worker [run NAME]".into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("private-ca-worker: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let client = connect(Default::default()).await?;
    let mut worker = worker(client)?;
    println!("connected; waiting for workflows on task queue {TASK_QUEUE}");
    Ok(worker.run().await?)
}

async fn run(name: &str) -> Result<(), Box<dyn Error>> {
    let client = connect(Default::default()).await?;
    println!("{}", greet(client, name).await?);
    Ok(())
}
