//! Files in both directions: handing in, uploading for a course, saving.

use std::path::{Component, Path, PathBuf};

use lectern_client::{
    Destination, HandIn, HandedIn, LocalFile, Saved, Stage, Walk, hand_in, upload_files, walk_directory,
};
use lectern_proto::v1;
use serde_json::{Value, json};

use crate::args::{AssignmentArg, ForceArg, IntoArg};
use crate::progress::Bar;
use crate::{Error, Result, Session, json, output, text};

/// What a person hands in: files (or one directory), text, or both.
pub fn gather(assignment: &AssignmentArg, paths: &[PathBuf], written: String, comment: String) -> Result<HandIn> {
    let (files, directory) = collect(paths)?;
    Ok(HandIn {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        text: written,
        comment,
        files,
        directory,
    })
}

/// Hands it in, and shows how far it is.
pub async fn submit(what: &HandIn, session: &Session) -> Result<HandedIn> {
    let bar = Bar::new("Reading", session.is_json());
    let on_stage = |stage: Stage<'_>| match stage {
        Stage::Digesting { .. } => {}
        Stage::Unkept(problem) => output::note(&format!(
            "warning: {problem}\nIt is handed in all the same; if that is interrupted, typing it again begins anew."
        )),
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
    let handed_in = hand_in(session.client(), session.profiles().dirs(), &scope, what, &on_stage).await;
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
            return Err(Error::local_file(format!("{} holds no files to hand in", path.display())));
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

/// A stored file, and where it is to be saved.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Which.
    pub file: v1::FileRef,
    /// Where to.
    pub path: PathBuf,
}

impl Wanted {
    /// Files under their own names below a folder.
    pub fn below(dir: &Path, files: &[v1::FileRef]) -> Vec<Self> {
        files.iter().map(|file| Self { path: dir.join(local_name(&file.name)), file: file.clone() }).collect()
    }

    /// For scripts.
    pub fn json(&self, saved: Saved) -> Value {
        json!({
            "file": json::file(&self.file), "path": self.path.display().to_string(),
            "already_there": saved == Saved::AlreadyThere,
        })
    }

    /// For people.
    pub fn words(&self, saved: Saved) -> String {
        let (path, size) = (self.path.display(), text::size(self.file.size));
        match saved {
            Saved::Written => format!("Saved {path} ({size})."),
            Saved::AlreadyThere => format!("{path} ({size}) is there already."),
        }
    }
}

/// Saves files, each checked against its digest. Files that are there and differ are refused, all of them and before
/// anything is saved, unless `force` replaces them.
pub async fn save_all(wanted: &[Wanted], force: ForceArg, session: &Session) -> Result<Vec<Saved>> {
    let mut places = Vec::new();
    let mut in_the_way = Vec::new();
    for Wanted { file, path } in wanted {
        let place = Destination::at(path)?;
        if !force.force && place.exists() && !place.holds(file).await? {
            in_the_way.push(path.display().to_string());
        }
        places.push(place);
    }
    if !in_the_way.is_empty() {
        let (is, holds) = if in_the_way.len() == 1 { ("is", "holds") } else { ("are", "hold") };
        return Err(Error::local_file(format!(
            "{} {is} there and {holds} something else; nothing was saved. --force replaces what is there",
            in_the_way.join(", ")
        )));
    }
    let bar = Bar::new("Saving", session.is_json());
    let mut saved = Vec::new();
    for (Wanted { file, path }, place) in wanted.iter().zip(&places) {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        }
        let progress = |progress| bar.update(progress);
        saved.push(lectern_client::save(session.client(), file, place, force.force, &progress).await?);
    }
    bar.finish();
    Ok(saved)
}

/// Saves files below a folder under their own names, and says so.
pub async fn save_files(files: &[v1::FileRef], into: &IntoArg, session: &Session) -> Result<()> {
    let wanted = Wanted::below(&into.dir, files);
    let saved = save_all(&wanted, into.force, session).await?;
    let value = json!({
        "files": wanted.iter().zip(&saved).map(|(wanted, saved)| {
            let mut value = json::file(&wanted.file);
            value["path"] = wanted.path.display().to_string().into();
            value["already_there"] = (*saved == Saved::AlreadyThere).into();
            value
        }).collect::<Vec<_>>(),
    });
    session.show(value, || {
        let lines: Vec<String> = wanted.iter().zip(&saved).map(|(wanted, saved)| wanted.words(*saved)).collect();
        if lines.is_empty() { "There are no files to save.".into() } else { lines.join("\n") }
    })
}

/// Prints a file's bytes on standard output, once they are all there and are what the digest says.
pub async fn print_file(file: &v1::FileRef, session: &Session) -> Result<()> {
    let path = std::env::temp_dir().join(format!("lectern-{}", lectern_client::new_key()));
    let fetched = async {
        lectern_client::save(session.client(), file, &Destination::at(&path)?, false, &|_| {}).await?;
        std::fs::read(&path).map_err(|error| Error::io(&path, error))
    };
    let fetched = fetched.await;
    // It may never have come so far; what counts is whether the bytes are here.
    let _ = std::fs::remove_file(&path);
    output::bytes(&fetched?);
    Ok(())
}

/// Where a command writes what it made: a file that is not there yet (unless `force`), or standard output for `-` and
/// when nothing was named. Asked for before the work is done, so that nothing is made in vain.
pub fn output_place(path: Option<&Path>, force: ForceArg) -> Result<Option<Destination>> {
    match path {
        None => Ok(None),
        Some(path) if path == Path::new("-") => Ok(None),
        Some(path) => {
            let place = Destination::at(path)?;
            if place.exists() && !force.force {
                return Err(Error::local_file(format!("{} is there already; --force replaces it", path.display())));
            }
            Ok(Some(place))
        }
    }
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
