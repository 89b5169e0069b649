//! What the subcommands do.

mod assignment;
mod course;
mod draft;
mod grade;
pub mod outbox;
mod receipt;
mod start;
mod submission;
mod submit;

use lectern_cli::{Result, Session, home, material, shared, talk, tutor, watch};

use lectern_tui_kit::guide;

use crate::actions::SCOPES;
use crate::cli::{Cli, Command, ExtensionCommand, ThreadCommand};

/// Runs one subcommand. When it has reached the cluster, queued work is sent, too.
pub async fn run(command: Command, session: Session) -> Result<()> {
    perform(command, &session).await?;
    outbox::send_on_return(&session).await;
    Ok(())
}

async fn perform(command: Command, session: &Session) -> Result<()> {
    match command {
        Command::Shared(command) => shared::run(command, session).await,
        Command::Guide(command) => guide::run::<Cli>(&command, SCOPES),
        Command::Next => home::next(session).await,
        Command::Status => home::status(session).await,
        Command::Course(command) => course::run(command, session).await,
        Command::Material(command) => material::read(command, session).await,
        Command::Assignment(command) => assignment::run(command, session).await,
        Command::Draft(command) => draft::run(command, session).await,
        Command::Start(args) => start::run(args, session).await,
        Command::Submit(args) => submit::run(args, session).await,
        Command::Submission(command) => submission::run(command, session).await,
        Command::Outbox(command) => outbox::run(command, session).await,
        Command::Receipt(command) => receipt::run(command, session).await,
        Command::Grade(command) => grade::run(command, session).await,
        Command::Extension(ExtensionCommand::List { scope }) => {
            lectern_cli::extension::list(&scope, false, session).await
        }
        Command::Ask(args) => tutor::ask(args, session).await,
        Command::Thread(ThreadCommand::Talk(command)) => talk::thread(command, session).await,
        Command::Thread(ThreadCommand::HandOver(command)) => tutor::hand_over(command, session).await,
        Command::Announcement(command) => talk::announcement(command, session).await,
        Command::Watch(args) => watch::run(&args, session).await,
    }
}
