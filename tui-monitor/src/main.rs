//! lectern-monitor: the cluster as its operator sees it, full screen and by subcommands. Works without a quorum and without a
//! sign-in.

mod actions;
mod cli;
mod deed;
mod effects;
mod events;
mod history;
mod members;
mod model;
mod orders;
mod screens;
mod status;
#[cfg(test)]
mod testing;
mod tokens;

use std::process::ExitCode;
use std::sync::Arc;

use lectern_tui_kit::launch::{Opening, launch};

use effects::Monitor;
use model::Model;
use screens::Overview;

fn main() -> ExitCode {
    let mut cli: cli::Cli = match lectern_cli::parse() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    cli.global.certificate = cli.operator.files();
    // What is for everybody is not to fail on a key that it does not need.
    cli.global.operator_key = if cli.needs_operator() { cli.operator.key_and_name() } else { None };
    match cli.command.take() {
        None if cli.global.json => lectern_cli::no_subcommand(),
        Some(command) => lectern_cli::run(cli, |cli| cli.global.clone(), |_, session| status::run(command, session)),
        None => full_screen(&cli),
    }
}

fn full_screen(cli: &cli::Cli) -> ExitCode {
    launch::<Monitor, Overview>(&cli.global, cli.tui, |session| {
        let key_of = session.identity().operator.as_ref().map(|key| key.name().to_owned());
        let model = Model::new(session.client().addresses()).with_key_of(key_of);
        let model = model.with_certificate(session.identity().certificate.is_some());
        Ok(Opening { env: Arc::new(session), model, first: Overview::default() })
    })
}
