//! What the subcommands of the three programs share: arguments, output for people and for scripts, exit codes, and the
//! subcommands that more than one program has. No screens here.
//!
//! A program is its clap definition and a function from it to calls:
//!
//! ```no_run
//! # use clap::Parser;
//! # use lectern_cli::{Result, Session, args::GlobalArgs};
//! #[derive(Parser)]
//! struct Cli {
//!     #[command(flatten)]
//!     global: GlobalArgs,
//! }
//!
//! async fn run(_cli: Cli, session: Session) -> Result<()> {
//!     let me = session.call(lectern_proto::v1::WhoAmIRequest {}).await?.user.unwrap_or_default();
//!     session.show(lectern_cli::json::user(&me), || me.username.clone())
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     match lectern_cli::parse::<Cli>() {
//!         Ok(cli) => lectern_cli::run(cli, |cli| cli.global.clone(), run),
//!         Err(code) => code,
//!     }
//! }
//! ```

pub mod args;
pub mod assignment;
pub mod cluster;
mod command_line;
pub mod course;
pub mod dates;
pub mod extension;
pub mod format;
pub mod home;
pub mod input;
pub mod json;
pub mod material;
pub mod output;
pub mod pages;
mod progress;
pub mod receipt;
mod session;
pub mod shared;
pub mod submission;
pub mod table;
pub mod talk;
pub mod text;
pub mod transfer;
pub mod tutor;
pub mod watch;
pub mod what_if;

use std::future::Future;
use std::process::ExitCode;

pub use command_line::{no_subcommand, parse};
pub use lectern_client::ClientError as Error;
pub use session::{Connected, Session};

use args::GlobalArgs;

/// What subcommands return.
pub type Result<T> = std::result::Result<T, Error>;

/// Runs a program: opens the session its global options describe, runs the subcommand, prints its error, and gives the
/// exit code that architecture and manual promise.
pub fn run<C, F>(cli: C, global: impl Fn(&C) -> GlobalArgs, subcommand: impl FnOnce(C, Session) -> F) -> ExitCode
where
    F: Future<Output = Result<()>>,
{
    let global = global(&cli);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return output::fail(&Error::usage(format!("the program cannot start: {error}")), global.json),
    };
    let ended = runtime.block_on(async {
        let session = Session::open(&global)?;
        subcommand(cli, session).await
    });
    // A blocked read of standard input must not hold the end up.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => output::fail(&error, global.json),
    }
}
