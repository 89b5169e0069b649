//! Reading the command line, so that a script that asked for JSON gets its errors as JSON, too.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::{Error, output};

/// The command line; or, when there is nothing more to do (help was asked for, something is wrong), the exit code.
pub fn parse<C: Parser>() -> Result<C, ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    C::try_parse_from(&arguments).map_err(|error| {
        if error.use_stderr() && asks_for_json(&arguments) {
            return output::fail(&Error::usage(words(&error)), true);
        }
        // Nothing is left to tell anyone when the output is closed.
        let _ = error.print();
        ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
    })
}

/// What is answered to `--json` without a subcommand: the full screen has no JSON.
pub fn no_subcommand() -> ExitCode {
    output::fail(&Error::usage("--json goes with a subcommand: name one"), true)
}

fn asks_for_json(arguments: &[OsString]) -> bool {
    arguments.iter().take_while(|argument| *argument != "--").any(|argument| argument == "--json")
}

/// What is wrong, without usage and tips.
fn words(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "something is missing: name a subcommand".into();
    }
    let all = error.to_string();
    let said = all.split("\n\n").next().unwrap_or_default();
    said.trim_start_matches("error: ").lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use clap::Subcommand;

    use super::*;

    #[derive(Parser, Debug)]
    struct Cli {
        #[arg(long, global = true)]
        json: bool,
        #[command(subcommand)]
        command: Option<Command>,
    }

    #[derive(Subcommand, Debug)]
    enum Command {
        #[command(subcommand)]
        Grade(Grade),
    }

    #[derive(Subcommand, Debug)]
    enum Grade {
        Set { user: String, score: u32 },
    }

    fn said(arguments: &[&str]) -> String {
        words(&Cli::try_parse_from(arguments).unwrap_err())
    }

    #[test]
    fn usage_errors_are_told_in_one_line() {
        assert_eq!(said(&["s", "--json", "bogus"]), "unrecognized subcommand 'bogus'");
        assert_eq!(said(&["s", "grade"]), "something is missing: name a subcommand");
        assert!(said(&["s", "grade", "set", "--json"]).contains("<USER> <SCORE>"));
        assert!(said(&["s", "grade", "set", "ada", "abc"]).starts_with("invalid value 'abc' for '<SCORE>'"));
    }

    #[test]
    fn json_is_asked_for_anywhere_before_the_end_of_the_options() {
        let given = |arguments: &[&str]| asks_for_json(&arguments.iter().map(OsString::from).collect::<Vec<_>>());
        assert!(given(&["s", "grade", "set", "--json"]) && given(&["s", "--json", "bogus"]));
        assert!(!given(&["s", "grade"]) && !given(&["s", "submit", "--", "--json"]));
    }
}
