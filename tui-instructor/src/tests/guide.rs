use std::path::Path;

use lectern_tui_kit::guide;
use lectern_tui_kit::program::Program as _;
use lectern_tui_kit::testkit::check_scopes;

use crate::actions::SCOPES;
use crate::program::Instructor;

#[test]
fn no_screen_has_two_actions_on_a_key_or_of_a_name() {
    check_scopes(SCOPES);
}

/// Written anew with `LECTERN_WRITE_GUIDES=1`.
#[test]
fn the_keys_in_the_guide_are_the_declared_ones() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/keys/instructor.md");
    let made = guide::keys(Instructor::NAME, SCOPES);
    if std::env::var_os("LECTERN_WRITE_GUIDES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, made, "docs/keys/instructor.md is out of date; LECTERN_WRITE_GUIDES=1 writes it");
}
