//! lectern-student: a course from the student's chair, full screen and by subcommands.

mod actions;
mod cli;
mod commands;
mod drafts;
mod effects;
mod model;
mod program;
mod screens;
mod starter;
#[cfg(test)]
mod tests;
mod words;

use std::process::ExitCode;

use lectern_tui_kit::launch::{Opening, launch};
use lectern_tui_kit::shared::account;

use effects::Env;
use model::Model;
use screens::home::Home;

fn main() -> ExitCode {
    let cli: cli::Cli = match lectern_cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command {
        None if cli.global.json => lectern_cli::no_subcommand(),
        Some(command) => lectern_cli::run(command, |_| cli.global.clone(), commands::run),
        None => full_screen(&cli),
    }
}

fn full_screen(cli: &cli::Cli) -> ExitCode {
    launch(&cli.global, cli.tui, |session| {
        let model = Model::new(account::State::of(&session));
        Ok(Opening { env: Env::new(session), model, first: Home::default() })
    })
}
