//! The parent's side: starts the child, bounds it, and judges its end.

use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::answer::Answer;
use crate::{ExtractError, Limits, Page};

/// The child's program.
const PROGRAM: &str = "lectern-extract";

/// What is kept of the child's standard error, to explain a crash.
const MAX_DIAGNOSTICS: u64 = 8 << 10;

/// The program `lectern-extract` next to the running program, if it is there.
pub fn default_helper() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let directory = own.parent()?;
    let beside = directory.join(PROGRAM);
    // Cargo puts test programs into `deps`, one below the programs.
    let above = directory.ends_with("deps").then(|| directory.with_file_name(PROGRAM));
    std::iter::once(beside).chain(above).find(|path| path.is_file())
}

/// Reads the pages of the PDF `file` by running the program `helper` (see [`default_helper`]), and blocks until it has
/// ended: within [`Limits::wall`], whatever the file does to the parser.
///
/// The pages are in order and numbered from 1. A document without pages is [`ExtractError::Damaged`].
pub fn extract_pages(helper: &Path, file: &Path, limits: &Limits) -> Result<Vec<Page>, ExtractError> {
    let started = Instant::now();
    let mut child = start(helper, file, limits)?;
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    let (output_sender, output_receiver) = mpsc::sync_channel(1);
    let (diagnostics_sender, diagnostics_receiver) = mpsc::sync_channel(1);
    let max_output = limits.max_output_bytes;
    let readers = [
        read_on_thread("extract-output", move || drop(output_sender.send(read_at_most(stdout, max_output)))),
        read_on_thread("extract-errors", move || drop(diagnostics_sender.send(read_and_drain(stderr)))),
    ];
    if let Some(error) = readers.into_iter().find_map(Result::err) {
        end(&mut child)?;
        return Err(error);
    }
    let remaining = limits.wall.saturating_sub(started.elapsed());
    let output = output_receiver.recv_timeout(remaining);
    // The child has closed its output: it is dead or has no more to say. A process that is already dying keeps the
    // status it dies with, so this changes nothing but the end of one that lingers.
    let status = end(&mut child)?;
    let took = started.elapsed();
    let Ok(output) = output else {
        return Err(ExtractError::TimedOut { after: took });
    };
    let output = output.map_err(|error| ExtractError::Helper { detail: format!("reading its output: {error}") })?;
    if output.len() as u64 > max_output {
        return Err(ExtractError::TooLarge { detail: format!("its text is longer than {max_output} bytes") });
    }
    match understand(&output) {
        Understood::Pages(pages) if pages.is_empty() => Err(damaged("it has no pages")),
        Understood::Pages(pages) => Ok(pages),
        Understood::Failed(failure) => Err(failure.into_error(file)),
        Understood::Broken => {
            // All writers are dead, so this waits for the reader to be scheduled at most.
            let diagnostics = diagnostics_receiver.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
            Err(judge_crash(status, &String::from_utf8_lossy(&diagnostics), limits, took))
        }
    }
}

/// Starts the child in a process group of its own, so that it can be killed with whatever it started.
fn start(helper: &Path, file: &Path, limits: &Limits) -> Result<Child, ExtractError> {
    // A path that begins with '-' must not be taken for an option, and the child's directory is `/`.
    let file =
        std::path::absolute(file).map_err(|source| ExtractError::Unreadable { path: file.to_owned(), source })?;
    Command::new(helper)
        .arg("--json")
        .arg(format!("--cpu-seconds={}", limits.cpu_seconds))
        .arg(format!("--address-space-bytes={}", limits.address_space_bytes))
        .arg(file)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                ExtractError::HelperMissing { path: helper.to_owned(), source }
            }
            _ => ExtractError::Helper { detail: format!("starting {}: {source}", helper.display()) },
        })
}

/// Kills and reaps the child. The status is the child's own if it had ended by itself.
fn end(child: &mut Child) -> Result<ExitStatus, ExtractError> {
    // The child is not reaped yet, so its id cannot name another process. It may be gone already: no error then.
    if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = child.kill();
    child.wait().map_err(|error| ExtractError::Helper { detail: format!("waiting for its end: {error}") })
}

fn read_on_thread(name: &str, read: impl FnOnce() + Send + 'static) -> Result<(), ExtractError> {
    std::thread::Builder::new()
        .name(name.into())
        .spawn(read)
        .map(drop)
        .map_err(|error| ExtractError::Helper { detail: format!("starting a thread: {error}") })
}

/// Everything, or one byte more than `max` where there is more.
fn read_at_most(from: impl Read, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The beginning; the rest is read and forgotten, so that a chatty child is not stopped by a full pipe.
fn read_and_drain(mut from: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = from.by_ref().take(MAX_DIAGNOSTICS).read_to_end(&mut bytes);
    let _ = io::copy(&mut from, &mut io::sink());
    bytes
}

enum Understood {
    Pages(Vec<Page>),
    Failed(crate::Failure),
    /// The last line is missing, or a line is not one of ours.
    Broken,
}

fn understand(output: &[u8]) -> Understood {
    let Ok(output) = std::str::from_utf8(output) else { return Understood::Broken };
    let mut pages: Vec<Page> = Vec::new();
    let mut lines = output.lines();
    while let Some(line) = lines.next() {
        match serde_json::from_str(line) {
            Ok(Answer::Page { page, text }) if page as usize == pages.len() + 1 => {
                // Sanitised again: what crosses a process boundary is not trusted to keep the promise.
                pages.push(Page::of_pdf(page, &text));
            }
            Ok(Answer::End { end }) if end.pages as usize == pages.len() && lines.next().is_none() => {
                return Understood::Pages(pages);
            }
            Ok(Answer::Failed { failed }) => return Understood::Failed(failed),
            _ => return Understood::Broken,
        }
    }
    Understood::Broken
}

/// What the end of a child without a last line means.
fn judge_crash(status: ExitStatus, diagnostics: &str, limits: &Limits, took: Duration) -> ExtractError {
    const SIGXCPU: i32 = Signal::XCPU.as_raw();
    if diagnostics.contains("memory allocation of") {
        let detail = format!("it needs more than {} MiB of memory", limits.address_space_bytes >> 20);
        return ExtractError::TooLarge { detail };
    }
    if diagnostics.contains("has overflowed its stack") {
        return damaged("it is nested too deeply");
    }
    match status.signal() {
        Some(SIGXCPU) => ExtractError::TimedOut { after: took },
        Some(signal) => damaged(format!("the reader was ended by signal {signal}")),
        None if status.success() => damaged("the reader stopped in the middle"),
        None => {
            let said = diagnostics.lines().next().unwrap_or("nothing");
            ExtractError::Helper { detail: format!("it ended with {status} and said: {said}") }
        }
    }
}

fn damaged(detail: impl Into<String>) -> ExtractError {
    ExtractError::Damaged { detail: detail.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(output: &str) -> Option<usize> {
        match understand(output.as_bytes()) {
            Understood::Pages(pages) => Some(pages.len()),
            _ => None,
        }
    }

    #[test]
    fn an_answer_counts_only_with_its_last_line() {
        assert_eq!(pages("{\"page\":1,\"text\":\"a\"}\n{\"end\":{\"pages\":1}}\n"), Some(1));
        assert_eq!(pages("{\"page\":1,\"text\":\"a\"}\n"), None);
        assert_eq!(pages("{\"page\":1,\"text\":\"a\"}\n{\"end\":{\"pages\":2}}\n"), None);
        assert_eq!(pages("{\"page\":2,\"text\":\"a\"}\n{\"end\":{\"pages\":1}}\n"), None);
        assert_eq!(pages("{\"end\":{\"pages\":0}}\n{\"page\":1,\"text\":\"a\"}\n"), None);
        assert_eq!(pages("noise\n{\"end\":{\"pages\":0}}\n"), None);
        assert_eq!(pages(""), None);
    }

    #[test]
    fn text_from_the_child_is_sanitised_again() {
        let Understood::Pages(pages) = understand(b"{\"page\":1,\"text\":\"a\\u001bb\"}\n{\"end\":{\"pages\":1}}\n")
        else {
            panic!("not understood");
        };
        assert_eq!(pages[0].text, "ab");
    }
}
