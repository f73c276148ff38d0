//! Starts the worker; with `run NAME`, executes the workflow once and prints its result.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks through them")]

use std::{env, error::Error, process::ExitCode, time::Duration};

use private_ca_worker::{Rotating, TASK_QUEUE, connect, connect_rotating, greet, worker};

/// How often the files of the certificate and its key are read again.
const FILES_ARE_READ_EVERY: Duration = Duration::from_secs(30);

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
    let (client, rotating) = connect_rotating(Default::default()).await?;
    let mut worker = worker(client)?;
    println!("connected; waiting for workflows on task queue {TASK_QUEUE}");
    let Some(Rotating { identity, watch }) = rotating else {
        return Ok(worker.run().await?);
    };
    let watching = watch.watch(identity.clone(), FILES_ARE_READ_EVERY, |report| match report {
        Ok(()) => {
            let certificate = identity.certificate();
            let not_after = certificate.validity().not_after;
            eprintln!("presenting {} until {not_after} from now on", certificate.subject());
        }
        Err(error) => eprintln!("private-ca-worker: {error}"),
    });
    tokio::select! {
        ended = worker.run() => Ok(ended?),
        () = watching => Ok(()), // it never ends
    }
}

async fn run(name: &str) -> Result<(), Box<dyn Error>> {
    let client = connect(Default::default()).await?;
    println!("{}", greet(client, name).await?);
    Ok(())
}
