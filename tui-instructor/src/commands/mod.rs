//! What the subcommands do.

mod account;
mod announcement;
mod assignment;
mod audit;
mod course;
mod course_load;
mod dates;
mod extension;
mod grade;
mod gradebook;
mod group;
mod material;
mod overrides;
pub mod policy;
mod receipt;
mod roster;
mod submission;

pub use material::slug_of;

use lectern_cli::{Result, Session, home, shared, talk, tutor, watch};

use lectern_tui_kit::guide;

use crate::actions::SCOPES;
use crate::cli::{Cli, Command, ThreadCommand};

/// Runs one subcommand.
pub async fn run(command: Command, session: Session) -> Result<()> {
    match command {
        Command::Shared(command) => shared::run(command, &session).await,
        Command::Guide(command) => guide::run::<Cli>(&command, SCOPES),
        Command::Next => submission::next(&session).await,
        Command::Status => home::status(&session).await,
        Command::Account(command) => account::run(command, &session).await,
        Command::Course(command) => course::run(command, &session).await,
        Command::Roster(command) => roster::run(command, &session).await,
        Command::Module(command) => material::module(command, &session).await,
        Command::Material(command) => material::run(command, &session).await,
        Command::Assignment(command) => assignment::run(command, &session).await,
        Command::Submission(command) => submission::run(command, &session).await,
        Command::Receipt(command) => receipt::run(command, &session).await,
        Command::Grade(command) => grade::run(command, &session).await,
        Command::Gradebook(command) => gradebook::run(command, &session).await,
        Command::Group(command) => group::run(command, &session).await,
        Command::Policy(command) => policy::run(command, &session).await,
        Command::Override(command) => overrides::run(command, &session).await,
        Command::Extension(command) => extension::run(command, &session).await,
        Command::Thread(ThreadCommand::Talk(command)) => talk::thread(command, &session).await,
        Command::Thread(ThreadCommand::Endorse(command)) => tutor::endorse(command, &session).await,
        Command::Announcement(command) => announcement::run(command, &session).await,
        Command::Audit(command) => audit::run(command, &session).await,
        Command::Watch(args) => watch::run(&args, &session).await,
    }
}
