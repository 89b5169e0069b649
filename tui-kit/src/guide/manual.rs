//! Manual pages: one for the program, with the keys of its screens, and one for each subcommand.

use std::io;
use std::path::Path;

use clap_mangen::Man;
use roff::{Roff, bold, roman};

use crate::action::{Action, GLOBAL, Scope};

/// What the keys' chapter begins with.
const PREFACE: &str = "Without a subcommand the program opens full screen. ? shows the keys of a screen there, : finds an action \
                       by its name, and keys.toml in the configuration directory changes keys.";

/// The page of the program, in roff.
pub fn page(program: clap::Command, scopes: &[Scope]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(program).manual("Lectern").render(&mut text)?;
    keys(scopes).to_writer(&mut text)?;
    Ok(text)
}

/// Writes the pages of the program and of its subcommands into a folder that exists.
pub fn pages(program: clap::Command, scopes: &[Scope], folder: &Path) -> io::Result<()> {
    let own = Man::new(program.clone()).get_filename();
    clap_mangen::generate_to(program.clone(), folder)?;
    std::fs::write(folder.join(own), page(program, scopes)?)
}

/// The chapter of the keys: screen by screen, and once what works everywhere.
fn keys(scopes: &[Scope]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["KEYS"]).text([roman(PREFACE)]);
    for scope in scopes {
        roff.control("SS", [scope.title]);
        for action in scope.groups.iter().flat_map(|group| group.actions) {
            entry(&mut roff, action);
        }
    }
    roff.control("SS", [GLOBAL.title]);
    for action in GLOBAL.actions {
        entry(&mut roff, action);
    }
    roff
}

fn entry(roff: &mut Roff, action: &Action) {
    let keys = match action.keys {
        [] => vec![roman(format!("(no key: {})", action.name))],
        keys => {
            let mut words = Vec::new();
            for key in keys {
                if !words.is_empty() {
                    words.push(roman(", "));
                }
                words.push(bold(*key));
            }
            words
        }
    };
    roff.control("TP", []).text(keys).text([roman(action.help)]);
}
