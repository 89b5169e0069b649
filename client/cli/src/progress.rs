//! A bar on a terminal; nothing elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lectern_client::Progress;

use crate::output;

/// A bar for the bytes of a transfer, on standard error, where a person watches and JSON was not asked for.
pub struct Bar(ProgressBar);

impl Bar {
    /// A bar that says what it is about.
    pub fn new(what: &str, as_json: bool) -> Self {
        let bar = ProgressBar::new(0);
        if as_json || !output::is_watched() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = "{msg:<12} {wide_bar} {bytes}/{total_bytes}  {binary_bytes_per_sec}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Self(bar)
    }

    /// Says something else.
    pub fn say(&self, what: &str) {
        self.0.set_message(what.to_owned());
    }

    /// So much is done.
    pub fn update(&self, progress: Progress) {
        self.0.set_length(progress.bytes_total);
        self.0.set_position(progress.bytes_done);
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
