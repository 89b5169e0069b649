//! What a shell and a manual need of a program: completions and man pages, derived from its arguments.

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use crate::{Error, Result, output};

/// `completions` and `man`.
#[derive(Subcommand, Debug)]
pub enum ShellCommand {
    /// Print completions for a shell.
    Completions {
        /// Which shell.
        shell: Shell,
    },
    /// Print the manual page: `lectern-student man | man -l -`.
    Man,
}

/// Runs one of them for the program `C`.
pub fn run<C: CommandFactory>(command: &ShellCommand) -> Result<()> {
    let mut text = Vec::new();
    let mut program = C::command();
    match command {
        ShellCommand::Completions { shell } => {
            let name = program.get_name().to_owned();
            clap_complete::generate(*shell, &mut program, name, &mut text);
        }
        ShellCommand::Man => {
            let page = clap_mangen::Man::new(program).render(&mut text);
            page.map_err(|error| Error::usage(format!("the manual page cannot be made: {error}")))?;
        }
    }
    output::bytes(&text);
    Ok(())
}
