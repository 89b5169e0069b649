//! What people type: passwords, codes, files of text.

use std::io::{self, BufRead, IsTerminal, Read as _};
use std::path::Path;

use lectern_client::{read_at_most, read_regular};
use lectern_proto::MAX_REQUEST_BYTES;

use crate::{Error, Result, output, text};

/// What stands for standard input.
const STDIN: &str = "-";

/// Words given as an argument: `-` takes them from standard input.
pub fn words(argument: &str) -> Result<String> {
    if argument == STDIN { read_text(Path::new(STDIN)) } else { Ok(argument.to_owned()) }
}

/// The text of a file, or of standard input for `-`. Refused when it is not UTF-8.
pub fn read_text(path: &Path) -> Result<String> {
    let bytes = read_bytes(path)?;
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        Error::local_file(format!(
            "{} is not UTF-8 text (byte {place}); convert it, or hand it in as a file",
            shown(path).display()
        ))
    })
}

/// The bytes of a regular file, or of standard input for `-`: as many as one request holds.
pub fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    let limit = MAX_REQUEST_BYTES as u64;
    if path == Path::new(STDIN) {
        read_at_most(io::stdin().lock(), shown(path), limit)
    } else {
        read_regular(path, limit)
    }
}

fn shown(path: &Path) -> &Path {
    if path == Path::new(STDIN) { Path::new("standard input") } else { path }
}

/// A secret: the next line of standard input when it is piped or asked for, otherwise typed without being shown.
pub fn secret(prompt: &str, from_stdin: bool) -> Result<String> {
    if from_stdin || !io::stdin().is_terminal() {
        return line(io::stdin().lock(), prompt);
    }
    rpassword::prompt_password(format!("{prompt}: ")).map_err(|error| Error::io("standard input", error))
}

/// A new password, typed twice by a person, once by a script.
pub fn new_password(prompt: &str, from_stdin: bool) -> Result<String> {
    let password = secret(prompt, from_stdin)?;
    if from_stdin || !io::stdin().is_terminal() || secret(&format!("{prompt}, again"), false)? == password {
        Ok(password)
    } else {
        Err(Error::local_file("the two passwords differ; nothing was changed"))
    }
}

/// Asks before something that cannot be taken back: true for `y` or `yes` and nothing else. Where nobody is there to answer it
/// is refused.
pub fn confirm(question: &str) -> Result<bool> {
    if !io::stdin().is_terminal() {
        let question = question.replace('\n', " ");
        return Err(Error::usage(format!(
            "nobody is there to answer, so nothing was changed; say --yes. The question is: {question}"
        )));
    }
    output::prompt(&format!("{}\nGo on? [y/N] ", text::wrapped(question, output::width_of_errors())));
    let mut answer = String::new();
    let read = io::stdin().lock().take(MAX_REQUEST_BYTES as u64).read_line(&mut answer);
    read.map_err(|error| Error::io("standard input", error))?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn line(from: impl BufRead, what: &str) -> Result<String> {
    let mut line = String::new();
    // A line without an end is no secret that anybody types.
    from.take(MAX_REQUEST_BYTES as u64).read_line(&mut line).map_err(|error| Error::io("standard input", error))?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() {
        return Err(Error::local_file(format!("standard input ended before the {} came", what.to_lowercase())));
    }
    Ok(line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_they_say() {
        assert_eq!(words("a - b").unwrap(), "a - b");
        assert_eq!(words("").unwrap(), "");
    }

    #[test]
    fn a_file_that_cannot_be_used_is_no_wrong_usage() {
        let file = std::env::temp_dir().join(format!("lectern-input-{}", std::process::id()));
        std::fs::write(&file, b"caf\xe9").unwrap();
        let not_text = read_text(&file).unwrap_err();
        std::fs::remove_file(&file).unwrap();
        for error in [not_text, line(&b""[..], "Password").unwrap_err(), read_text(Path::new("/dev/zero")).unwrap_err()]
        {
            assert_eq!((error.exit_code(), error.reason()), (1, "LOCAL_FILE"), "{error}");
        }
        assert_eq!(line(&b"swordfish\r\nmore"[..], "Password").unwrap(), "swordfish");
    }
}
