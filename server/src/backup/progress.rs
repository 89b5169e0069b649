//! What a person at a terminal sees meanwhile. Anybody else sees nothing.

use std::io::{self, Read, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// For so many bytes.
    pub(super) fn new(what: &'static str, bytes: u64) -> Self {
        let style = ProgressStyle::with_template("{msg} {bytes} of {total_bytes} ({bytes_per_sec}, {eta} left)")
            .expect("the template is one");
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        Self(bar.with_style(style).with_message(what))
    }

    /// So many bytes need no work.
    pub(super) fn skip(&self, bytes: u64) {
        self.0.inc(bytes);
    }

    /// Counts what is read.
    pub(super) fn reading<R: Read>(&self, from: R) -> impl Read {
        self.0.wrap_read(from)
    }

    /// Counts what is written.
    pub(super) fn writing<W: Write>(&self, to: W) -> impl Write {
        Counting { to, bar: self.0.clone() }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

struct Counting<W> {
    to: W,
    bar: ProgressBar,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.bar.inc(written as u64);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
