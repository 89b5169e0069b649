//! The library with the real program, and with programs that misbehave in its place.

mod pdf;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lectern_extract::{ExtractError, Limits, Page, extract_pages};
use tempfile::NamedTempFile;

const HELPER: &str = env!("CARGO_BIN_EXE_lectern-extract");

/// Far above what any of these tests needs, far below the ten minutes of a helper that hangs.
const PATIENCE: Duration = Duration::from_secs(50);

fn saved(bytes: &[u8]) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn extract(bytes: &[u8]) -> Result<Vec<Page>, ExtractError> {
    extract_pages(Path::new(HELPER), saved(bytes).path(), &Limits::default())
}

fn misbehaving(name: &str, limits: &Limits) -> Result<Vec<Page>, ExtractError> {
    let helper = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helpers").join(name);
    let started = Instant::now();
    let result = extract_pages(&helper, Path::new("any.pdf"), limits);
    assert!(started.elapsed() < PATIENCE, "{name} held its parent for {:?}", started.elapsed());
    result
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

fn by_hand(arguments: &[&str]) -> Output {
    Command::new(HELPER).args(arguments).output().unwrap()
}

#[test]
fn pages_come_in_order_with_their_text() {
    let pages = extract(&pdf::document(&[
        "Chapter 1: Values and names\nA name is bound to a value.",
        "Chapter 2: Functions (and their arguments)",
        "Chapter 3: Loops come after functions",
    ]))
    .unwrap();
    assert_eq!(pages.iter().map(|p| p.number).collect::<Vec<_>>(), [1, 2, 3]);
    assert!(pages.iter().all(|p| !p.scanned), "{pages:?}");
    assert!(pages[0].text.contains("Values and names\n") && pages[0].text.contains("A name is bound to a value."));
    assert!(pages[1].text.contains("Functions (and their arguments)"));
    assert!(pages[2].text.contains("Loops come after functions"));
}

#[test]
fn a_page_without_text_is_scanned_and_keeps_its_number() {
    let pages =
        extract(&pdf::document(&["This page has enough text on it.", "", "And so does this one, the third."])).unwrap();
    assert_eq!(pages.iter().map(|p| (p.number, p.scanned)).collect::<Vec<_>>(), [(1, false), (2, true), (3, false)]);
}

#[test]
fn what_is_not_a_pdf_is_named_so() {
    for bytes in [&b""[..], b"# Notes\n\nPlain text.", b"PK\x03\x04 a zip"] {
        assert!(matches!(extract(bytes), Err(ExtractError::NotAPdf)));
    }
}

#[test]
fn a_header_with_nothing_behind_it_is_damaged() {
    let error = extract(b"%PDF-1.7\nand then the disk was full").unwrap_err();
    assert!(matches!(error, ExtractError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_truncated_document_gives_pages_or_an_error_at_every_length() {
    let whole = pdf::document(&["The first page of the document", "The second page of the document"]);
    for length in (0..whole.len()).step_by(97) {
        if let Ok(pages) = extract(&whole[..length]) {
            assert!(!pages.is_empty(), "an empty success at {length} bytes");
        }
    }
}

#[test]
fn a_password_is_named() {
    let error = extract(&pdf::protected()).unwrap_err();
    assert!(matches!(error, ExtractError::Encrypted), "{error:?}");
}

#[test]
fn a_missing_file_and_a_missing_helper_are_told_apart() {
    let nowhere = Path::new("/nonexistent/lectern");
    let error = extract_pages(Path::new(HELPER), nowhere, &Limits::default()).unwrap_err();
    assert!(matches!(&error, ExtractError::Unreadable { path, .. } if path == nowhere), "{error:?}");
    let error = extract_pages(nowhere, saved(b"").path(), &Limits::default()).unwrap_err();
    assert!(matches!(&error, ExtractError::HelperMissing { path, .. } if path == nowhere), "{error:?}");
}

#[test]
fn a_page_that_inflates_without_end_harms_nobody() {
    let limits = Limits { address_space_bytes: 256 << 20, cpu_seconds: 20, ..Limits::default() };
    let started = Instant::now();
    // Refused for its memory or its time, or cut short by the parser: the caller gets an answer, soon.
    if let Ok(pages) = extract_pages(Path::new(HELPER), &fixture("inflates-to-1.5-GiB.pdf"), &limits) {
        assert!(pages.iter().all(|p| p.scanned), "{pages:?}");
    }
    assert!(started.elapsed() < PATIENCE);
}

#[test]
fn endless_nesting_harms_nobody() {
    if let Ok(pages) = extract(&pdf::nested(2_000_000)) {
        assert_eq!(pages.len(), 1);
    }
}

#[test]
fn too_little_memory_is_named() {
    let file = saved(&pdf::document(&[&"a line of text on a page that is long\n".repeat(400_000)]));
    let limits = Limits { address_space_bytes: 120 << 20, ..Limits::default() };
    let error = extract_pages(Path::new(HELPER), file.path(), &limits).unwrap_err();
    assert!(matches!(error, ExtractError::TooLarge { .. }), "{error:?}");
}

#[test]
fn too_little_time_is_named() {
    let file = saved(&pdf::document(&[&"a line of text on a page that is long\n".repeat(400_000)]));
    let limits = Limits { cpu_seconds: 1, ..Limits::default() };
    let error = extract_pages(Path::new(HELPER), file.path(), &limits).unwrap_err();
    assert!(matches!(error, ExtractError::TimedOut { .. }), "{error:?}");
}

#[test]
fn too_much_text_is_named() {
    let file = saved(&pdf::document(&[&"a line of text\n".repeat(50)]));
    let limits = Limits { max_output_bytes: 100, ..Limits::default() };
    let error = extract_pages(Path::new(HELPER), file.path(), &limits).unwrap_err();
    assert!(matches!(error, ExtractError::TooLarge { .. }), "{error:?}");
}

#[test]
fn a_helper_that_hangs_is_killed_on_time() {
    let limits = Limits { wall: Duration::from_millis(200), ..Limits::default() };
    let error = misbehaving("hangs.sh", &limits).unwrap_err();
    assert!(matches!(error, ExtractError::TimedOut { after } if after >= limits.wall), "{error:?}");
}

#[test]
fn a_helper_that_floods_is_cut_off() {
    let limits = Limits { max_output_bytes: 1 << 20, ..Limits::default() };
    let error = misbehaving("floods.sh", &limits).unwrap_err();
    assert!(matches!(error, ExtractError::TooLarge { .. }), "{error:?}");
}

#[test]
fn a_crash_or_a_stop_in_the_middle_is_never_a_short_document() {
    for name in ["crashes.sh", "stops.sh"] {
        let error = misbehaving(name, &Limits::default()).unwrap_err();
        assert!(matches!(error, ExtractError::Damaged { .. }), "{name}: {error:?}");
    }
}

#[test]
fn a_full_answer_counts_whatever_its_sender_does_then() {
    for name in ["lingers.sh", "chatters.sh"] {
        assert_eq!(misbehaving(name, &Limits::default()).unwrap().len(), 1, "{name}");
    }
}

#[test]
fn by_hand_it_prints_pages_and_says_why_it_cannot() {
    let good = saved(&pdf::document(&["The one page of this document"]));
    let output = by_hand(&[good.path().to_str().unwrap()]);
    assert!(output.status.success());
    assert_eq!(String::from_utf8(output.stdout).unwrap().trim_end(), "The one page of this document");

    let bad = saved(b"no PDF");
    let output = by_hand(&[bad.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("not a PDF"));

    let output = by_hand(&["--json", bad.path().to_str().unwrap()]);
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "{\"failed\":{\"kind\":\"not_a_pdf\",\"detail\":\"no PDF header\"}}\n"
    );

    let output = by_hand(&["--help"]);
    assert!(String::from_utf8(output.stdout).unwrap().contains("form feed"));
    assert_eq!(by_hand(&[]).status.code(), Some(2));
}

#[test]
fn the_notes_of_the_sample_course_are_read_whole() {
    let materials = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sample-course/materials");
    for (name, opening, closing) in [
        ("01-values-and-names.pdf", "Values and names", "First guess, then ask Python."),
        ("02-decisions-and-loops.pdf", "Decisions and loops", "if the innermost block contains one print?"),
        ("03-functions-and-lists.pdf", "Functions and lists", "What happens if it is broken?"),
    ] {
        let pages = extract_pages(Path::new(HELPER), &materials.join(name), &Limits::default()).unwrap();
        assert!(pages.len() >= 4 && pages.iter().all(|page| !page.scanned), "{name}");
        // Where a line ends is the typesetter's affair.
        let words = |page: &Page| page.text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words(&pages[0]).contains(opening), "{name}: {}", pages[0].text);
        let last = pages.last().unwrap();
        assert!(words(last).contains(closing), "{name}: {}", last.text);
    }
}
