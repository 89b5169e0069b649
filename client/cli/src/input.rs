//! What people type: passwords, codes, files of text.

use std::fs;
use std::io::{self, BufRead, IsTerminal, Read};
use std::path::Path;

use crate::{Error, Result};

/// The text of a file, or of standard input for `-`. Refused when it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Error::usage(format!(
            "{} is not UTF-8 text (byte {place}); convert it, or hand it in as a file",
            path.display()
        ))
    })
}

/// The bytes of a file, or of standard input for `-`.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Error::io("standard input", error))?;
        return Ok(bytes);
    }
    fs::read(path).map_err(|error| Error::io(path, error))
}

/// A secret: the next line of standard input when it is piped or asked for, otherwise typed without being shown.
pub fn secret(prompt: &str, from_stdin: bool) -> Result<String> {
    if from_stdin || !io::stdin().is_terminal() {
        return stdin_line(prompt);
    }
    rpassword::prompt_password(format!("{prompt}: ")).map_err(|error| Error::usage(format!("{prompt}: {error}")))
}

/// A new password, typed twice by a person, once by a script.
pub fn new_password(prompt: &str, from_stdin: bool) -> Result<String> {
    let password = secret(prompt, from_stdin)?;
    if from_stdin || !io::stdin().is_terminal() || secret(&format!("{prompt}, again"), false)? == password {
        Ok(password)
    } else {
        Err(Error::usage("the two passwords differ; nothing was changed"))
    }
}

fn stdin_line(what: &str) -> Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| Error::io("standard input", error))?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() {
        return Err(Error::usage(format!("standard input ended before the {} came", what.to_lowercase())));
    }
    Ok(line.to_owned())
}
