//! Whether what is written in `docs/` is what the program declares.

use std::path::Path;

use clap::CommandFactory;

use crate::action::Scope;
use crate::guide;

/// Panics where the chapter of the keys (`keys/NAME.md`) or the manual page (`man/lectern-NAME.1`) in the folder `docs` is not
/// what the program `C` says today. With `LECTERN_WRITE_GUIDES=1` it writes them.
pub fn check_guides<C: CommandFactory>(docs: &Path, scopes: &[Scope]) {
    let program = C::command();
    let name = program.get_name().to_owned();
    let short = name.trim_start_matches("lectern-");
    check(&docs.join(format!("keys/{short}.md")), guide::keys(&name, scopes).as_bytes());
    let page = guide::page(program, scopes).expect("a page in memory is written");
    check(&docs.join(format!("man/{name}.1")), &page);
}

fn check(path: &Path, made: &[u8]) {
    if std::env::var_os("LECTERN_WRITE_GUIDES").is_some() {
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("the folder can be made");
        std::fs::write(path, made).expect("the guide can be written");
    }
    let written = std::fs::read(path).unwrap_or_default();
    assert!(written == made, "{} is out of date; LECTERN_WRITE_GUIDES=1 cargo test writes it", path.display());
}
