//! Programs of the person: the editor, and viewers of files.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::remote::Failure;

/// Lets the person edit `text`, in `$VISUAL`, `$EDITOR` or `vi`. The text lies in a file of `dir` that only they may
/// read; it stays there when the editor fails.
pub async fn edit(dir: &Path, text: &str, extension: &str) -> Result<String, Failure> {
    let path = dir.join(format!("{}.{extension}", lectern_client::new_key()));
    write_private(&path, text)?;
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.trim().is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".into());
    // Through a shell, as git does it: an editor may have arguments.
    let status = Command::new("sh").arg("-c").arg(format!("{editor} \"$@\"")).arg(&editor).arg(&path).status().await;
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => {
            return Err(Failure::local(format!("`{editor}` ended with {status}; its text is in {}", path.display())));
        }
        Err(error) => return Err(Failure::local(format!("`{editor}` cannot be started: {error}; set EDITOR"))),
    }
    let bytes = fs::read(&path).map_err(|error| trouble(&path, &error))?;
    let edited = String::from_utf8(bytes)
        .map_err(|_| Failure::local(format!("the edited text is not UTF-8; it is in {}", path.display())))?;
    // What cannot be removed is in a directory of the person's own.
    let _ = fs::remove_file(&path);
    Ok(edited)
}

fn write_private(path: &Path, text: &str) -> Result<(), Failure> {
    let write = || {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|error| trouble(path, &error))
}

fn trouble(path: &Path, error: &std::io::Error) -> Failure {
    Failure::local(format!("{}: {error}", path.display()))
}

/// Opens a file with `$LECTERN_OPENER`, else as the desktop does.
pub async fn open(path: PathBuf) -> Result<(), Failure> {
    let opener = std::env::var("LECTERN_OPENER").ok().filter(|value| !value.trim().is_empty());
    let opener = opener.unwrap_or_else(|| if cfg!(target_os = "macos") { "open".into() } else { "xdg-open".into() });
    let status = Command::new("sh")
        .arg("-c")
        .arg(format!("{opener} \"$@\""))
        .arg(&opener)
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) | Err(_) => Err(Failure {
            advice: format!("set LECTERN_OPENER to your viewer; the file is {}", path.display()),
            ..Failure::local(format!("`{opener}` could not open it"))
        }),
    }
}
