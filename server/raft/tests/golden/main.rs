//! Runs the scripts in `tests/scripts`, one scenario each. `UPDATE_GOLDENFILES=1` rewrites what they expect.

mod cluster;
mod script;

#[test]
fn every_script_plays_as_written() {
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");
    let mut paths: Vec<_> = std::fs::read_dir(scripts).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 15, "the scripts are in {scripts}");
    for path in paths {
        eprintln!("{}", path.display());
        goldenscript::run(&mut script::Script::default(), &path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
