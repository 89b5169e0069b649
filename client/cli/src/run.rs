//! From `main` to the exit code.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing_subscriber::EnvFilter;

use crate::failure::exit;
use crate::{Context, Failure, GlobalArgs, Output};

/// Parses the command line. What makes no sense is told (as JSON with `--json`) and ends with exit code 2; help and
/// version end with 0.
pub fn parse<C: Parser>() -> Result<C, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    C::try_parse_from(&arguments).map_err(|error| {
        let json = arguments.iter().any(|argument| argument == "--json");
        let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if json && !is_help {
            let text = error.render().to_string();
            let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Output::new(true, false, true).failure(&Failure::usage(message));
            return ExitCode::from(exit::USAGE);
        }
        // Where the reader has left there is nobody to tell.
        let _ = error.print();
        ExitCode::from(if is_help { exit::DONE } else { exit::USAGE })
    })
}

/// Runs a command to its exit code: prints why it failed, ends it at Ctrl-C, and saves what was learned of the cluster.
pub fn run<F>(global: &GlobalArgs, command: impl FnOnce(Context) -> F) -> ExitCode
where
    F: Future<Output = Result<(), Failure>>,
{
    log_if_asked();
    let output = global.output();
    let done = Context::new(global).and_then(|context| {
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|error| Failure::new(exit::REFUSED, "RUNTIME", format!("the program could not start: {error}")))?;
        let done = runtime.block_on(until_interrupted(command(context.clone())));
        // A read of standard input that nobody waits for any more must not keep the program.
        runtime.shutdown_background();
        context.remember_nodes();
        done
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.code)
        }
    }
}

async fn until_interrupted(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::select! {
        done = command => done,
        Ok(()) = tokio::signal::ctrl_c() => {
            let message = "interrupted: what was sent last may or may not have happened";
            Err(Failure::new(exit::INTERRUPTED, "INTERRUPTED", message))
        }
    }
}

/// `LECTERN_LOG=debug` shows on standard error what the client does.
fn log_if_asked() {
    if let Ok(filter) = EnvFilter::try_from_env("LECTERN_LOG") {
        // A subscriber that is there already is as good.
        let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    }
}
