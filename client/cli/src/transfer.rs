//! Files in both directions: handing in, uploading for a course, saving.

use std::path::{Component, Path, PathBuf};

use lectern_client::{HandIn, HandedIn, LocalFile, Stage, Walk, hand_in, upload_files, walk_directory};
use lectern_proto::v1;
use serde_json::json;

use crate::args::AssignmentArg;
use crate::progress::Bar;
use crate::{Error, Result, Session, json, output, text};

/// Hands in files (or one directory), text, or both.
pub async fn submit(
    assignment: &AssignmentArg,
    paths: &[PathBuf],
    written: String,
    comment: String,
    session: &Session,
) -> Result<HandedIn> {
    session.require_token()?;
    let (files, directory) = collect(paths)?;
    let what = HandIn {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        text: written,
        comment,
        files,
        directory,
    };
    let bar = Bar::new("Reading", session.is_json());
    let on_stage = |stage: Stage<'_>| match stage {
        Stage::Digesting { .. } => {}
        Stage::Pledged(pledge) => {
            bar.say("Uploading");
            if pledge.after_lock && !session.is_json() {
                output::note("The lock date has passed: what you hand in will be kept as an extension request.");
            }
        }
        Stage::Uploading(progress) => bar.update(progress),
        Stage::Submitting => bar.say("Submitting"),
    };
    let scope = session.upload_scope();
    let handed_in = hand_in(session.client(), session.profiles().dirs(), &scope, &what, &on_stage).await;
    bar.finish();
    handed_in
}

/// The files a person named: several files, or one directory.
fn collect(paths: &[PathBuf]) -> Result<(Vec<LocalFile>, bool)> {
    if let [path] = paths
        && path.is_dir()
    {
        let Walk { files, skipped } = walk_directory(path)?;
        for left_out in skipped {
            output::note(&format!("left out: {} ({})", left_out.path.display(), left_out.reason));
        }
        if files.is_empty() {
            return Err(Error::usage(format!("{} holds no files to hand in", path.display())));
        }
        return Ok((files, true));
    }
    if let Some(directory) = paths.iter().find(|path| path.is_dir()) {
        return Err(Error::usage(format!(
            "{} is a directory: name files, or one directory alone",
            directory.display()
        )));
    }
    let files: Result<Vec<LocalFile>> = paths.iter().map(LocalFile::new).collect();
    Ok((files?, false))
}

/// Uploads files for a course (a material, attachments); returns the session's id.
pub async fn upload(course: &str, paths: &[PathBuf], session: &Session) -> Result<String> {
    session.require_token()?;
    let files: Result<Vec<LocalFile>> = paths.iter().map(LocalFile::new).collect();
    let bar = Bar::new("Uploading", session.is_json());
    let uploaded = upload_files(session.client(), course, &files?, &|progress| bar.update(progress)).await;
    bar.finish();
    uploaded
}

/// Saves one file, replacing what is there, checked against its digest.
pub async fn save_file(file: &v1::FileRef, path: &Path, session: &Session) -> Result<()> {
    let bar = Bar::new("Saving", session.is_json());
    let saved =
        lectern_client::download(session.client(), &file.file_id, path, true, &|progress| bar.update(progress)).await;
    bar.finish();
    saved.map(|_| ())
}

/// Saves files below a folder under their own names, and says so.
pub async fn save_files(files: &[v1::FileRef], dir: &Path, session: &Session) -> Result<()> {
    let saved = save_all(files, dir, session).await?;
    let value = json!({
        "files": files.iter().zip(&saved).map(|(file, path)| {
            let mut value = json::file(file);
            value["path"] = path.display().to_string().into();
            value
        }).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let lines: Vec<String> = files
            .iter()
            .zip(&saved)
            .map(|(file, path)| format!("{} ({})", path.display(), text::size(file.size)))
            .collect();
        if lines.is_empty() { "There are no files to save.".into() } else { format!("Saved\n{}", lines.join("\n")) }
    })
}

/// Saves files below a folder under their own names; returns where.
pub async fn save_all(files: &[v1::FileRef], dir: &Path, session: &Session) -> Result<Vec<PathBuf>> {
    let mut saved = Vec::new();
    for file in files {
        let path = dir.join(local_name(&file.name));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        }
        save_file(file, &path, session).await?;
        saved.push(path);
    }
    Ok(saved)
}

/// A stored name as a path that stays below the folder it is saved in, whatever a server says.
pub fn local_name(name: &str) -> PathBuf {
    let clean = text::clean(name);
    let inside: PathBuf = Path::new(&clean).components().filter(|part| matches!(part, Component::Normal(_))).collect();
    if inside.as_os_str().is_empty() { PathBuf::from("file") } else { inside }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stored_name_leaves_the_folder_it_is_saved_in() {
        for (name, path) in [
            ("a.txt", "a.txt"),
            ("src/a.rs", "src/a.rs"),
            ("../../etc/passwd", "etc/passwd"),
            ("/etc/passwd", "etc/passwd"),
            ("..", "file"),
            ("", "file"),
        ] {
            assert_eq!(local_name(name), PathBuf::from(path), "{name}");
        }
    }
}
