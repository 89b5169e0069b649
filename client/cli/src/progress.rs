//! A bar on a terminal; nothing elsewhere.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lectern_client::{Progress, Stage};

use crate::Output;

/// How a transfer is shown.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// A bar under `label`, where `output` may draw one.
    pub fn new(output: &Output, label: &str) -> Self {
        if !output.may_animate() {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::new(0);
        let template = "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {eta}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(crate::sanitise_line(label));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Shows how far a transfer is: pass `&|progress| bar.show(progress)` to uploads and downloads.
    pub fn show(&self, progress: Progress) {
        self.bar.set_length(progress.bytes_total);
        self.bar.set_position(progress.bytes_done);
    }

    /// Shows how far a submission is: pass `&|stage| bar.show_stage(stage)` to `hand_in`.
    pub fn show_stage(&self, stage: Stage<'_>) {
        match stage {
            Stage::Digesting { bytes } => {
                self.bar.set_message("digesting");
                self.bar.set_position(bytes);
            }
            Stage::Pledged(_) => self.bar.set_message("pledged"),
            Stage::Uploading(progress) => {
                self.bar.set_message("uploading");
                self.show(progress);
            }
            Stage::Submitting => self.bar.set_message("submitting"),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
