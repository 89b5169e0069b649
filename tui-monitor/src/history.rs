//! Figures of the last minutes, one a bucket of time: what the charts draw.

use std::collections::VecDeque;

use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::widgets::chart::{Sparkline, Words};
use ratatui::layout::Rect;

/// How much time one column of a chart stands for.
pub const BUCKET_MS: i64 = 2_000;
/// Columns that are kept: the last eight minutes.
const KEPT: usize = 240;

/// A series: the largest figure of each bucket, none where nothing was heard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// The number of the newest bucket.
    bucket: i64,
    values: VecDeque<Option<u64>>,
}

impl Series {
    /// Notes a figure.
    pub fn note(&mut self, at_ms: i64, value: u64) {
        self.move_to(at_ms);
        if let Some(newest) = self.values.back_mut() {
            *newest = Some(newest.map_or(value, |known| known.max(value)));
        }
    }

    /// Moves on to a time: buckets in between stay without a figure.
    pub fn move_to(&mut self, at_ms: i64) {
        let bucket = at_ms.div_euclid(BUCKET_MS);
        let kept = i64::try_from(KEPT).unwrap_or(i64::MAX);
        let missed = if self.values.is_empty() { 1 } else { (bucket - self.bucket).clamp(0, kept) };
        for _ in 0..missed {
            self.values.push_back(None);
        }
        self.bucket = self.bucket.max(bucket);
        let excess = self.values.len().saturating_sub(KEPT);
        self.values.drain(..excess);
    }

    /// The latest `count` buckets, oldest first; fewer where there are no more.
    pub fn latest(&self, count: usize) -> impl Iterator<Item = Option<u64>> + '_ {
        self.values.iter().skip(self.values.len().saturating_sub(count)).copied()
    }

    /// Whether there is any figure.
    pub fn has_figures(&self) -> bool {
        self.values.iter().any(Option::is_some)
    }

    /// Draws the latest buckets under their name, the newest at the right edge.
    pub fn view(&self, name: &str, words: Words, area: Rect, canvas: &mut Canvas<'_>) {
        let columns = usize::from(area.width);
        let mut line = Sparkline::new(columns, words);
        self.latest(columns).for_each(|value| line.push(value));
        line.view(name, area, canvas);
    }
}

/// A rate out of a counter: what it grew by in each bucket, for one second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rate {
    /// Where the counter stood when the bucket began.
    began: Option<(i64, u64)>,
    last: Option<(i64, u64)>,
    per_second: Series,
}

impl Rate {
    /// Notes where the counter stands. One that goes back has begun anew.
    pub fn note(&mut self, at_ms: i64, counter: u64) {
        if self.last.is_some_and(|(_, last)| counter < last) {
            self.began = None;
        }
        self.last = Some((at_ms, counter));
        let Some((since, from)) = self.began else {
            self.began = self.last;
            return;
        };
        let passed = at_ms - since;
        if passed >= BUCKET_MS {
            let grown = i64::try_from(counter - from).unwrap_or(i64::MAX);
            // Rounded, so that one write in a bucket is not none.
            let rate = grown.saturating_mul(1000).saturating_add(passed / 2) / passed;
            self.per_second.note(at_ms, u64::try_from(rate).unwrap_or(0));
            self.began = self.last;
        }
    }

    /// Time passes without a word of the counter.
    pub fn move_to(&mut self, at_ms: i64) {
        self.per_second.move_to(at_ms);
    }

    /// The rates.
    pub fn per_second(&self) -> &Series {
        &self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_its_largest_figure_and_silence_leaves_gaps() {
        let mut series = Series::default();
        for (at_ms, value) in [(0, 3), (500, 9), (1_900, 4), (2_000, 5), (8_100, 6)] {
            series.note(at_ms, value);
        }
        assert_eq!(series.latest(9).collect::<Vec<_>>(), [Some(9), Some(5), None, None, Some(6)]);
        assert_eq!(series.latest(2).collect::<Vec<_>>(), [None, Some(6)]);
        assert!(series.has_figures() && !Series::default().has_figures());
    }

    #[test]
    fn a_figure_from_before_goes_into_the_newest_bucket() {
        let mut series = Series::default();
        series.note(10_000, 1);
        series.note(1_000, 7);
        assert_eq!(series.latest(9).collect::<Vec<_>>(), [Some(7)]);
    }

    #[test]
    fn a_long_silence_costs_no_more_than_what_is_kept() {
        let mut series = Series::default();
        series.note(0, 1);
        series.note(i64::MAX / 2, 2);
        assert_eq!(series.latest(usize::MAX).count(), KEPT);
        assert_eq!(series.latest(1).next(), Some(Some(2)));
    }

    #[test]
    fn a_rate_is_what_the_counter_grew_by_in_a_second() {
        let mut rate = Rate::default();
        for (at_ms, counter) in [(0, 100), (1_000, 150), (2_000, 200), (3_000, 200), (4_000, 200), (6_000, 203)] {
            rate.note(at_ms, counter);
        }
        assert_eq!(rate.per_second().latest(9).collect::<Vec<_>>(), [Some(50), Some(0), Some(2)]);
    }

    #[test]
    fn a_counter_that_begins_anew_gives_no_rate_until_it_has_grown() {
        let mut rate = Rate::default();
        for (at_ms, counter) in [(0, 1_000), (2_000, 1_000), (4_000, 5), (6_000, 25)] {
            rate.note(at_ms, counter);
        }
        assert_eq!(rate.per_second().latest(9).collect::<Vec<_>>(), [Some(0), None, Some(10)]);
    }
}
