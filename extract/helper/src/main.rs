//! `lectern-extract FILE`: the text of a PDF by page, from a process that limits itself.
//!
//! Lectern's server runs it for each PDF (see the library of the same name); a person can, too.

mod confine;
mod parse;

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use lectern_extract::{Answer, DEFAULT_ADDRESS_SPACE_BYTES, DEFAULT_CPU_SECONDS, Failure, FailureKind, Page};

/// Stack of the parsing thread. Deep but honest documents fit; endless recursion ends the process.
const STACK_BYTES: usize = 64 << 20;

/// Print the text of a PDF, page by page.
///
/// Pages end with a form feed; with --json each page is one line {"page":N,"text":…}, and the last line is
/// {"end":{"pages":N}} or {"failed":{"kind":…,"detail":…}}.
///
/// Exit status: 0 the text was printed, 1 the file could not be read as PDF, 2 wrong usage.
#[derive(Parser)]
#[command(name = "lectern-extract", version)]
struct Arguments {
    /// The PDF.
    file: PathBuf,
    /// Answer with one JSON object a line.
    #[arg(long)]
    json: bool,
    /// CPU time after which the process ends, in seconds.
    #[arg(long, default_value_t = DEFAULT_CPU_SECONDS)]
    cpu_seconds: u64,
    /// Memory beyond which the process ends, in bytes of address space.
    #[arg(long, default_value_t = DEFAULT_ADDRESS_SPACE_BYTES)]
    address_space_bytes: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A panic of the parser is an answer, told by `parse`, and no news for standard error.
    std::panic::set_hook(Box::new(|_| {}));
    let result = confine::confine(arguments.cpu_seconds, arguments.address_space_bytes)
        .map_err(|error| Failure { kind: FailureKind::Limits, detail: format!("cannot set its limits: {error}") })
        .and_then(|()| print_pages(arguments.file.clone(), arguments.json));
    match result.and_then(|end| print_end(&end, arguments.json)) {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads any more: there is nobody to tell.
        Err(failure) if failure.kind == FailureKind::Output => ExitCode::FAILURE,
        Err(failure) => {
            report(failure, &arguments.file, arguments.json);
            ExitCode::FAILURE
        }
    }
}

/// Parses on a thread with a large stack, and prints each page when it is read.
fn print_pages(file: PathBuf, json: bool) -> Result<Answer, Failure> {
    let work = move || {
        let mut out = BufWriter::new(io::stdout().lock());
        let pages = parse::parse(&file, |page| print_page(&mut out, page, json));
        let flushed = out.flush();
        pages.and_then(|pages| flushed.map_err(|error| output_failure(&error)).map(|()| Answer::end(pages)))
    };
    let thread = std::thread::Builder::new().name("parser".into()).stack_size(STACK_BYTES).spawn(work);
    let thread = thread
        .map_err(|error| Failure { kind: FailureKind::Limits, detail: format!("cannot start its thread: {error}") })?;
    thread.join().unwrap_or_else(|_| {
        Err(Failure { kind: FailureKind::Damaged, detail: "the parser panicked outside a page".into() })
    })
}

fn print_page(out: &mut impl Write, page: Page, json: bool) -> io::Result<()> {
    if json {
        serde_json::to_writer(&mut *out, &Answer::Page { page: page.number, text: page.text })?;
        out.write_all(b"\n")
    } else {
        out.write_all(page.text.as_bytes())?;
        out.write_all(b"\n\x0c")
    }
}

fn print_end(end: &Answer, json: bool) -> Result<(), Failure> {
    if !json {
        return Ok(());
    }
    let mut line = serde_json::to_string(end).expect("an answer is plain data");
    line.push('\n');
    io::stdout().write_all(line.as_bytes()).map_err(|error| output_failure(&error))
}

fn output_failure(error: &io::Error) -> Failure {
    Failure { kind: FailureKind::Output, detail: error.to_string() }
}

fn report(failure: Failure, file: &Path, json: bool) {
    if json {
        // A reader that went away is no worse off.
        let _ = print_end(&Answer::Failed { failed: failure }, true);
    } else {
        eprintln!("lectern-extract: {}", failure.into_error(file));
    }
}
