//! What the subcommands of Lectern's programs share: arguments, output, exit codes, and the subcommands about the cluster
//! and oneself. It draws no screens.
//!
//! A program is its own subcommands beside the shared ones:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use clap::{Parser, Subcommand};
//! use lectern_cli::{AccountCommand, AssignmentArg, Context, Failure, GlobalArgs, ShellCommand, json};
//! use lectern_client::v1;
//!
//! /// The student's program.
//! #[derive(Parser)]
//! #[command(version)]
//! struct Cli {
//!     #[command(flatten)]
//!     global: GlobalArgs,
//!     #[command(subcommand)]
//!     command: Command,
//! }
//!
//! #[derive(Subcommand)]
//! enum Command {
//!     #[command(flatten)]
//!     Account(AccountCommand),
//!     #[command(flatten)]
//!     Shell(ShellCommand),
//!     /// Show an assignment
//!     Show { assignment: AssignmentArg },
//! }
//!
//! async fn show(context: &Context, name: AssignmentArg) -> Result<(), Failure> {
//!     let client = context.signed_in()?;
//!     let request = v1::GetAssignmentRequest { course: name.course.clone(), assignment: name.assignment.clone() };
//!     let response = client.call(request).await?;
//!     let settings = response.assignment.and_then(|assignment| assignment.settings).unwrap_or_default();
//!     let value = serde_json::json!({ "title": settings.title, "due_at": json::optional_time(settings.due_at_ms) });
//!     context.output.result(value, format!("{name}: {}", settings.title))
//! }
//!
//! fn main() -> ExitCode {
//!     let cli: Cli = match lectern_cli::parse() {
//!         Ok(cli) => cli,
//!         Err(code) => return code,
//!     };
//!     lectern_cli::run(&cli.global, async |context| match cli.command {
//!         Command::Account(command) => command.run(&context).await,
//!         Command::Shell(command) => command.run::<Cli>(&context.output),
//!         Command::Show { assignment } => show(&context, assignment).await,
//!     })
//! }
//! ```

mod account;
mod dates;
mod failure;
mod global;
pub mod json;
mod output;
mod points;
mod progress;
mod run;
pub mod secrets;
mod shell;
mod slugs;
mod table;
mod text;

pub use account::{AccountCommand, PasswordCommand, TokenCommand};
pub use dates::{
    DateChange, When, duration_words, local_time, parse_duration, relative, rfc3339, size, time_and_distance,
    zone_or_local,
};
pub use failure::{Failure, exit};
pub use global::{Context, GlobalArgs};
pub use output::{Output, SCHEMA};
pub use points::Points;
pub use progress::Bar;
pub use run::{parse, run};
pub use shell::ShellCommand;
pub use slugs::{AssignmentArg, CourseArg, ItemArg, MaterialArg, ThreadArg};
pub use table::Table;
pub use text::{sanitise, sanitise_line, truncate, width};
