//! For the shell and the manual: `completions SHELL`, `man`.

use clap::{CommandFactory, Subcommand};
use clap_complete::Shell;

use crate::failure::exit;
use crate::{Failure, Output};

/// Subcommands of every program: `#[command(flatten)]` them.
#[derive(Subcommand, Clone, Debug)]
pub enum ShellCommand {
    /// Print completions for a shell: `eval "$(lectern-student completions bash)"`
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the manual page: `lectern-student man | man -l -`
    Man,
}

impl ShellCommand {
    /// Prints it for the program `C`.
    pub fn run<C: CommandFactory>(&self, output: &Output) -> Result<(), Failure> {
        let mut program = C::command();
        let name = program.get_name().to_owned();
        let mut text = Vec::new();
        match self {
            Self::Completions { shell } => clap_complete::generate(*shell, &mut program, name, &mut text),
            Self::Man => manual(&mut program, &mut text).map_err(|error| {
                Failure::new(exit::REFUSED, "OUTPUT", format!("the manual could not be made: {error}"))
            })?,
        }
        output.bytes(&text)
    }
}

/// The page of the program, and after it those of its subcommands.
fn manual(program: &mut clap::Command, text: &mut Vec<u8>) -> std::io::Result<()> {
    program.build();
    let mut waiting = vec![program.clone()];
    while let Some(command) = waiting.pop() {
        if command.get_name() == "help" {
            continue;
        }
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        clap_mangen::Man::new(command.clone()).title(name).render(text)?;
        let subcommands: Vec<_> = command.get_subcommands().cloned().collect();
        waiting.extend(subcommands.into_iter().rev());
    }
    Ok(())
}
