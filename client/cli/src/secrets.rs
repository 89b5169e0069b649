//! Passwords and codes: typed unseen on a terminal, else one a line from standard input. Never an argument: arguments are
//! in every process list.

use std::io::{self, BufRead as _, IsTerminal as _};

use lectern_client::Secret;

use crate::Failure;

/// Asks for an existing password or a code. With `from_stdin`, or when standard input is no terminal, it is the next
/// line of standard input.
pub fn ask(prompt: &str, from_stdin: bool) -> Result<Secret, Failure> {
    let secret =
        if reads_lines(from_stdin) { next_line(&mut io::stdin().lock(), prompt)? } else { prompt_for(prompt)? };
    if secret.is_empty() { Err(Failure::usage(format!("the {} is empty", prompt.to_lowercase()))) } else { Ok(secret) }
}

/// Asks for a new password; on a terminal twice.
pub fn ask_new(prompt: &str, from_stdin: bool) -> Result<Secret, Failure> {
    let first = ask(prompt, from_stdin)?;
    if !reads_lines(from_stdin) && prompt_for(&format!("{prompt} again"))? != first {
        return Err(Failure::usage("the two passwords differ"));
    }
    Ok(first)
}

fn reads_lines(from_stdin: bool) -> bool {
    from_stdin || !io::stdin().is_terminal()
}

fn prompt_for(prompt: &str) -> Result<Secret, Failure> {
    rpassword::prompt_password(format!("{prompt}: "))
        .map(Secret::new)
        .map_err(|error| Failure::usage(format!("the {} could not be read: {error}", prompt.to_lowercase())))
}

fn next_line(input: &mut impl io::BufRead, prompt: &str) -> Result<Secret, Failure> {
    /// No password is longer; what is, is the wrong file.
    const MAX_BYTES: u64 = 4096;
    let mut line = Vec::new();
    let read = io::Read::take(input, MAX_BYTES).read_until(b'\n', &mut line);
    let problem = |what: String| Failure::usage(format!("the {} could not be read: {what}", prompt.to_lowercase()));
    read.map_err(|error| problem(error.to_string()))?;
    let text = String::from_utf8(line).map_err(|_| problem("it is not UTF-8".into()))?;
    Ok(Secret::new(text.trim_end_matches(['\n', '\r'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_one_a_line_without_the_line_break_and_with_their_spaces() {
        let mut input: &[u8] = b"code-1\r\n pass word \nlast";
        for expected in ["code-1", " pass word ", "last", ""] {
            assert_eq!(next_line(&mut input, "Password").unwrap().expose(), expected);
        }
    }
}
