//! What guides, manuals and shells say of a program: made from its arguments and its declared actions, so that it is never
//! out of date.

mod keys;
mod manual;

use std::io;
use std::path::PathBuf;

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;
use lectern_cli::{Error, Result, output};

pub use keys::keys;
pub use manual::page;

use crate::action::Scope;

/// The subcommands that print it.
#[derive(Subcommand, Debug)]
pub enum GuideCommand {
    /// Print the keys of the full screen.
    Keys,
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page; `man -l -` shows what comes from a pipe.
    Man {
        /// Instead, write this page and those of all subcommands into a folder.
        #[arg(long, value_name = "FOLDER")]
        dir: Option<PathBuf>,
    },
}

/// Runs one of them for the program `C` with these screens.
pub fn run<C: CommandFactory>(command: &GuideCommand, scopes: &[Scope]) -> Result<()> {
    let mut program = C::command();
    let name = program.get_name().to_owned();
    let text = match command {
        GuideCommand::Keys => keys(&name, scopes).into_bytes(),
        GuideCommand::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut program, name, &mut text);
            text
        }
        GuideCommand::Man { dir: None } => page(program, scopes).map_err(|error| unmade(&error))?,
        GuideCommand::Man { dir: Some(folder) } => {
            let written = std::fs::create_dir_all(folder).and_then(|()| manual::pages(program, scopes, folder));
            return written.map_err(|error| Error::io(folder, error));
        }
    };
    output::bytes(&text);
    Ok(())
}

fn unmade(error: &io::Error) -> Error {
    Error::usage(format!("the manual page cannot be made: {error}"))
}
