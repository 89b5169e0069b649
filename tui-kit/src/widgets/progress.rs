//! How far a transfer is: a bar, bytes, rate and the time that is left, in words.
//!
//! ```
//! use lectern_tui_kit::widgets::progress::Progress;
//!
//! let mut progress = Progress::new(20 << 20);
//! progress.sample(0, 0);
//! progress.sample(4 << 20, 2_000);
//! assert_eq!(progress.rate(), Some(2 << 20));
//! assert_eq!(progress.words(", "), "4.0 MiB of 20.0 MiB, 2.0 MiB/s, 8 seconds left");
//! ```

use std::collections::VecDeque;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::look::Canvas;
use crate::text;

/// The rate is that of so long before the last sample.
const WINDOW_MS: i64 = 3_000;
/// A rate of less time says nothing yet.
const LEAST_MS: i64 = 250;
/// Bar and words stand beside each other from this width on.
const ONE_ROW: u16 = 76;

/// A transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    total: u64,
    done: u64,
    /// (when, bytes), oldest first: those of the window, and the last one before it.
    samples: VecDeque<(i64, u64)>,
}

impl Progress {
    /// A transfer of so many bytes, at its beginning.
    pub fn new(total: u64) -> Self {
        Self { total, ..Self::default() }
    }

    /// So many bytes are through at a time, Unix milliseconds of any one clock. Fewer bytes than before: it began again.
    pub fn sample(&mut self, bytes: u64, at_ms: i64) {
        if self.samples.back().is_some_and(|(at, before)| *at > at_ms || *before > bytes) {
            self.samples.clear();
        }
        self.done = bytes;
        self.samples.push_back((at_ms, bytes));
        while self.samples.get(1).is_some_and(|(at, _)| *at <= at_ms - WINDOW_MS) {
            self.samples.pop_front();
        }
        // Many samples at one rate say no more than few: those in between are thinned out.
        if self.samples.len() > 256 {
            let mut index = 0_usize;
            let last = self.samples.len() - 1;
            self.samples.retain(|_| {
                index += 1;
                index % 2 == 1 || index > last
            });
        }
    }

    /// How many bytes are through.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Whether all bytes are.
    pub fn is_done(&self) -> bool {
        self.done >= self.total
    }

    /// Of a hundred.
    pub fn percent(&self) -> u64 {
        if self.is_done() {
            100
        } else {
            u64::try_from(u128::from(self.done) * 100 / u128::from(self.total)).unwrap_or(100)
        }
    }

    /// Bytes a second, over the last three; none before that is known.
    pub fn rate(&self) -> Option<u64> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let ms = last.0 - first.0;
        if ms < LEAST_MS {
            return None;
        }
        let per_second = u128::from(last.1 - first.1) * 1000 / u128::from(ms.unsigned_abs());
        u64::try_from(per_second).ok()
    }

    /// Seconds that are left at this rate, rounded up.
    pub fn seconds_left(&self) -> Option<u64> {
        let rate = self.rate().filter(|rate| *rate > 0)?;
        Some(self.total.saturating_sub(self.done).div_ceil(rate))
    }

    /// Bytes, rate and time in words.
    pub fn words(&self, separator: &str) -> String {
        self.parts().join(separator)
    }

    fn parts(&self) -> Vec<String> {
        if self.is_done() {
            return vec![text::size(self.total), "done".into()];
        }
        let mut parts = vec![format!("{} of {}", text::size(self.done), text::size(self.total))];
        match (self.rate(), self.seconds_left()) {
            (Some(0), _) => parts.push("nothing moves".into()),
            (Some(rate), Some(left)) => {
                parts.push(format!("{}/s", text::size(rate)));
                parts.push(format!("{} left", text::span(left)));
            }
            _ => {}
        }
        parts
    }

    /// Draws it, in one row, or in two where it is narrow and there are two. What does not fit is left out.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let area = area.intersection(canvas.buf.area);
        let look = canvas.look;
        if look.plain {
            let words = format!("{} %: {}", self.percent(), self.words(", "));
            return canvas.lines(area, text::wrap(&words, area.width.into()).into_iter().map(Line::raw));
        }
        let percent = format!(" {:>3} %", self.percent());
        let separator = format!(" {} ", look.glyphs.separator);
        if area.width >= ONE_ROW || area.height < 2 {
            let bar = Rect { width: area.width / 3, ..area };
            self.view_bar(bar, &percent, canvas);
            let room = usize::from(area.width - bar.width).saturating_sub(2);
            let words = Rect { x: bar.right() + 2, width: area.width.saturating_sub(bar.width + 2), ..area };
            canvas.line(words, Line::raw(self.fitting(room, &separator)));
        } else {
            self.view_bar(area, &percent, canvas);
            let words = Rect { y: area.y + 1, height: 1, ..area };
            canvas.line(words, Line::raw(self.fitting(area.width.into(), &separator)));
        }
    }

    fn view_bar(&self, area: Rect, percent: &str, canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        let cells = usize::from(area.width).saturating_sub(text::width(percent));
        let full = super::chart::share(self.done.min(self.total), self.total, cells);
        let full = if self.is_done() { cells } else { full };
        let style = if self.is_done() { look.theme.good } else { look.theme.info };
        canvas.line(
            area,
            Line::from(vec![
                Span::styled(look.glyphs.full.repeat(full), style),
                Span::styled(look.glyphs.empty.repeat(cells - full), look.theme.dim),
                Span::raw(percent.to_owned()),
            ]),
        );
    }

    fn fitting(&self, room: usize, separator: &str) -> String {
        let mut parts = self.parts();
        while parts.len() > 1 && text::width(&parts.join(separator)) > room {
            // The rate goes first: the time that is left says more.
            parts.remove(if parts.len() == 3 { 1 } else { parts.len() - 1 });
        }
        parts.join(separator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Look;
    use crate::testkit::{draw, render};
    use crate::theme::ThemeName;

    const MIB: u64 = 1 << 20;

    fn shown(progress: &Progress, width: u16, height: u16, look: &Look) -> String {
        render(width, height, look, |area, canvas| progress.view(area, canvas))
    }

    fn at_a_steady_rate(seconds: i64) -> Progress {
        let mut progress = Progress::new(20 * MIB);
        for tenth in 0..=seconds * 10 {
            progress.sample(u64::try_from(tenth).unwrap() * MIB / 10, tenth * 100);
        }
        progress
    }

    #[test]
    fn the_rate_is_that_of_the_last_three_seconds() {
        let mut progress = at_a_steady_rate(5);
        assert_eq!(progress.rate(), Some(MIB));
        for second in 6..9 {
            progress.sample(5 * MIB + (second - 5) * 2 * MIB, i64::try_from(second).unwrap() * 1000);
        }
        assert_eq!(progress.rate(), Some(2 * MIB), "what was before is forgotten");
        assert_eq!(progress.seconds_left(), Some(5));
        progress.sample(11 * MIB, 12_000);
        assert_eq!((progress.rate(), progress.seconds_left()), (Some(0), None));
        assert_eq!(progress.words(", "), "11.0 MiB of 20.0 MiB, nothing moves");
    }

    #[test]
    fn no_rate_is_told_before_one_is_known_or_after_a_new_beginning() {
        let mut progress = Progress::new(MIB);
        assert_eq!(progress.words(", "), "0 B of 1.0 MiB");
        progress.sample(0, 0);
        progress.sample(1000, 10);
        assert_eq!(progress.rate(), None);
        progress.sample(2000, 1000);
        assert!(progress.rate().is_some());
        progress.sample(500, 1100);
        assert_eq!(progress.rate(), None);
        progress.sample(MIB, 1200);
        assert_eq!((progress.is_done(), progress.words(", ").as_str()), (true, "1.0 MiB, done"));
        assert_eq!(Progress::new(0).percent(), 100);
    }

    #[test]
    fn many_samples_take_little_room() {
        let mut progress = Progress::new(u64::MAX);
        for step in 0..100_000_u32 {
            progress.sample(u64::from(step) * 10, i64::from(step / 100));
        }
        assert!(progress.samples.len() <= 300);
        assert_eq!(progress.rate(), Some(999_990 * 1_000 / 999), "as if all were kept");
    }

    #[test]
    fn it_is_drawn_well_at_every_size() {
        let progress = at_a_steady_rate(8);
        let dark = Look::new(ThemeName::Dark, false);
        let sizes = [(80, 1), (40, 2), (40, 1), (12, 2)];
        let pictures = sizes.map(|(width, height)| shown(&progress, width, height, &dark));
        insta::assert_snapshot!("progress", pictures.join("\n"));
        insta::assert_snapshot!("progress_plain", shown(&progress, 60, 2, &Look::new(ThemeName::Mono, true)));
    }

    proptest::proptest! {
        #[test]
        fn any_samples_in_any_room_are_survived(
            total: u64,
            samples in proptest::collection::vec((0_u64..=u64::MAX, -1000_i64..1_000_000), 0..20),
            width in 0_u16..200,
            height in 0_u16..4,
        ) {
            let mut progress = Progress::new(total);
            for (bytes, at_ms) in samples {
                progress.sample(bytes, at_ms);
                let look = Look::new(ThemeName::Dark, bytes % 2 == 0);
                draw(width, height, &look, |area, canvas| progress.view(area, canvas));
            }
        }
    }
}
