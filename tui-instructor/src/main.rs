//! lectern-instructor: courses from the staff's chair, and accounts from the administrator's. Full screen, or by
//! subcommands.

mod actions;
mod cli;
mod commands;
mod effects;
mod model;
mod private;
mod program;
mod saving;
mod screens;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use lectern_tui_kit::launch::{Opening, launch};
use lectern_tui_kit::shared::account;

use effects::Env;
use model::Model;
use screens::home::HomeScreen;

fn main() -> ExitCode {
    let cli: cli::Cli = match lectern_cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    match cli.command {
        None if cli.global.json => lectern_cli::no_subcommand(),
        Some(command) => {
            let global = cli.global;
            lectern_cli::run(command, move |_| global.clone(), commands::run)
        }
        None => launch(&cli.global, cli.tui, |session| {
            let model = Model { account: account::State::of(&session), ..Model::default() };
            Ok(Opening { env: Arc::new(Env::new(session)), model, first: HomeScreen::default() })
        }),
    }
}
