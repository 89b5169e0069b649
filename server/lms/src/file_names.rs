//! Names of files as people may give them: safe to write on any disk they are downloaded to.

use std::collections::BTreeSet;

use unicode_normalization::UnicodeNormalization;

use crate::limits;
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::validate::is_unwanted;

/// The longest name of one directory or file, in bytes: what common file systems take.
const COMPONENT_BYTES: usize = 255;

/// The names in NFC, or a refusal of the first that is unsafe or taken. With `directory` they are relative paths.
pub(crate) fn check<'a>(names: impl Iterator<Item = &'a str>, directory: bool) -> Result<Vec<String>> {
    let mut checked = Vec::new();
    let (mut files, mut directories) = (BTreeSet::new(), BTreeSet::new());
    for name in names {
        let name = check_one(name, directory)?;
        // Two names that differ in case only overwrite each other on macOS and Windows.
        let folded = name.to_lowercase();
        if files.contains(&folded) || directories.contains(&folded) {
            return Err(taken(&name));
        }
        for (at, _) in folded.match_indices('/') {
            if files.contains(&folded[..at]) {
                return Err(taken(&name));
            }
            directories.insert(folded[..at].to_owned());
        }
        files.insert(folded);
        checked.push(name);
    }
    Ok(checked)
}

fn check_one(name: &str, directory: bool) -> Result<String> {
    let bad = |problem: &str| refuse(Reason::InvalidArgument, format!("file name `{}` {problem}", name.escape_debug()));
    let name: String = name.nfc().collect();
    if name.len() > limits::FILE_NAME_BYTES {
        return Err(crate::validate::too_long("a file name", name.len(), limits::FILE_NAME_BYTES).into());
    }
    if name.chars().any(|c| is_unwanted(c) || is_direction_mark(c)) {
        return bad("holds control characters; rename the file");
    }
    if name.contains('\\') {
        return bad("holds a backslash; separate directories with `/`");
    }
    if !directory && name.contains('/') {
        return bad("holds a directory; only a directory submission may");
    }
    for component in name.split('/') {
        match component {
            "" => return bad("is empty, absolute, or has an empty part; give a relative path such as `src/main.c`"),
            "." | ".." => return bad("has a part `.` or `..`; give a path inside of the directory"),
            _ if component.len() > COMPONENT_BYTES => return bad("has a part longer than 255 bytes; rename it"),
            _ if component.trim() != component => return bad("begins or ends with a space; rename the file"),
            _ => {}
        }
    }
    Ok(name)
}

fn taken(name: &str) -> crate::Failure {
    Refusal::new(
        Reason::DuplicateName,
        format!("two files are named `{name}` (upper and lower case count as the same); rename one of them"),
    )
    .with("name", name)
    .into()
}

fn is_direction_mark(c: char) -> bool {
    matches!(c, '\u{200E}' | '\u{200F}' | '\u{061C}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(names: &[&str], directory: bool) -> std::result::Result<Vec<String>, &'static str> {
        check(names.iter().copied(), directory).map_err(|failure| match failure {
            crate::Failure::Refused(refusal) => refusal.reason.as_str(),
            crate::Failure::Store(error) => panic!("{error}"),
        })
    }

    #[test]
    fn unsafe_names_are_refused() {
        for name in [
            "",
            "/etc/passwd",
            "../up",
            "a/../b",
            "a//b",
            "a/",
            "./a",
            "a\\b",
            "a\u{0}",
            "a\nb",
            "a\u{202E}fdp",
            " a",
            "a\u{200F}",
        ] {
            assert_eq!(reason(&[name], true), Err("INVALID_ARGUMENT"), "{name:?}");
        }
        assert_eq!(reason(&[&"x".repeat(401)], true), Err("TOO_LONG"));
        assert_eq!(reason(&["src/main.c"], false), Err("INVALID_ARGUMENT"));
    }

    #[test]
    fn names_that_would_overwrite_each_other_are_refused() {
        for names in [["a", "a"], ["a.txt", "A.TXT"], ["é", "e\u{301}"], ["a", "a/b"], ["a/b", "A"]] {
            assert_eq!(reason(&names, true), Err("DUPLICATE_NAME"), "{names:?}");
        }
    }

    #[test]
    fn good_names_come_back_in_nfc() {
        assert_eq!(reason(&["e\u{301}.txt"], false), Ok(vec!["é.txt".to_owned()]));
        assert_eq!(reason(&["src/a.c", "src/b.c"], true), Ok(vec!["src/a.c".to_owned(), "src/b.c".to_owned()]));
    }
}
