//! The only place that hands bytes to the PDF parser. Runs in the child alone.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use lectern_extract::{Failure, FailureKind, Page};
use pdf_oxide::PdfDocument;
use pdf_oxide::error::Error as PdfError;

/// Readers accept a header anywhere in the first kilobyte.
const HEADER_WITHIN: usize = 1024;

/// More pages than any course material has. A page count is one number in the file, so it may claim anything.
const MAX_PAGES: usize = 20_000;

/// Reads `file` and hands each page to `emit`, in order. Returns the number of pages.
///
/// A page that fails inside a readable document is emitted empty; when no page at all could be read the document is
/// damaged.
pub fn parse(file: &Path, mut emit: impl FnMut(Page) -> std::io::Result<()>) -> Result<u32, Failure> {
    let bytes = std::fs::read(file).map_err(|error| failure(FailureKind::Unreadable, &error))?;
    let head = &bytes[..bytes.len().min(HEADER_WITHIN)];
    if !head.windows(5).any(|window| window == b"%PDF-") {
        return Err(failure(FailureKind::NotAPdf, &"no PDF header"));
    }
    let document = guarded(|| PdfDocument::from_bytes(bytes))?;
    // The parser has tried the empty password by itself, which opens documents that restrict only printing or copying.
    if !guarded(|| Ok(document.is_authenticated()))? {
        return Err(failure(FailureKind::Encrypted, &PdfError::EncryptedPdf));
    }
    let count = guarded(|| document.page_count())?;
    if count > MAX_PAGES {
        return Err(failure(FailureKind::TooLarge, &format!("it claims {count} pages")));
    }
    let mut first_failure = None;
    let mut read = 0_usize;
    for index in 0..count {
        let text = match guarded(|| document.extract_text(index)) {
            Ok(text) => {
                read += 1;
                text
            }
            Err(failure) if failure.kind == FailureKind::Encrypted => return Err(failure),
            Err(failure) => {
                first_failure.get_or_insert(failure);
                String::new()
            }
        };
        let number = u32::try_from(index + 1).expect("MAX_PAGES fits");
        emit(Page::of_pdf(number, &text)).map_err(|error| failure(FailureKind::Output, &error))?;
    }
    match first_failure {
        Some(failure) if read == 0 => Err(failure),
        _ => Ok(u32::try_from(count).expect("MAX_PAGES fits")),
    }
}

/// Runs one step of the parser and turns its errors and panics into failures.
fn guarded<T>(step: impl FnOnce() -> Result<T, PdfError>) -> Result<T, Failure> {
    // The parser keeps caches behind locks that it recovers; a value left half-changed costs text, not safety.
    match catch_unwind(AssertUnwindSafe(step)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(PdfError::EncryptedPdf)) => Err(failure(FailureKind::Encrypted, &PdfError::EncryptedPdf)),
        Ok(Err(PdfError::InvalidHeader(_))) => Err(failure(FailureKind::NotAPdf, &"no PDF header")),
        Ok(Err(error)) => Err(failure(FailureKind::Damaged, &error)),
        Err(panic) => Err(failure(FailureKind::Damaged, &format!("the parser panicked: {}", panic_message(&*panic)))),
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message")
}

fn failure(kind: FailureKind, detail: &impl ToString) -> Failure {
    Failure { kind, detail: detail.to_string() }
}
