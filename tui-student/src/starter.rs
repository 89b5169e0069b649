//! A folder to work in that knows which assignment it is for: `.lectern.toml`.

use std::fs;
use std::path::{Path, PathBuf};

use lectern_cli::args::AssignmentArg;
use lectern_cli::{Error, Result};
use lectern_client::STARTER_FILE;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Starter {
    assignment: String,
}

/// Writes down in a folder which assignment it is for. One that is for another already is refused.
pub fn mark(folder: &Path, assignment: &AssignmentArg) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    let path = folder.join(STARTER_FILE);
    match fs::read_to_string(&path) {
        Ok(text) if read(&path, &text)? == *assignment => return Ok(()),
        Ok(_) => {
            return Err(Error::local_file(format!(
                "{} is for another assignment; name another folder",
                folder.display()
            )));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(path, error)),
    }
    let starter = Starter { assignment: assignment.to_string() };
    let text = toml::to_string(&starter).map_err(|error| Error::local_file(error.to_string()))?;
    fs::write(&path, text).map_err(|error| Error::io(&path, error))
}

/// The nearest folder at or above this one that knows its assignment, and which that is.
pub fn find(from: &Path) -> Result<Option<(AssignmentArg, PathBuf)>> {
    for folder in from.ancestors() {
        let path = folder.join(STARTER_FILE);
        match fs::read_to_string(&path) {
            Ok(text) => return Ok(Some((read(&path, &text)?, folder.to_owned()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io(path, error)),
        }
    }
    Ok(None)
}

fn read(path: &Path, text: &str) -> Result<AssignmentArg> {
    let problem = |error: String| Error::local_file(format!("{}: {error}", path.display()));
    let starter: Starter = toml::from_str(text).map_err(|error| problem(error.message().to_owned()))?;
    starter.assignment.parse().map_err(problem)
}
