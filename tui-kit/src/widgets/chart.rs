//! Numbers as pictures: the last values of one measure, how many fall into which bucket, how far something is behind. For
//! screen readers all of them are numbers in words.

use std::collections::VecDeque;

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::look::Canvas;
use crate::text;

/// How a value is said: `1.5 KiB`.
pub type Words = fn(u64) -> String;

/// So many of `cells` as `part` is of `whole`, rounded down; a part that is something has one cell.
pub(crate) fn share(part: u64, whole: u64, cells: usize) -> usize {
    if part == 0 || whole == 0 {
        return 0;
    }
    let exact = u128::from(part.min(whole)) * cells as u128 / u128::from(whole);
    usize::try_from(exact).unwrap_or(cells).max(1).min(cells)
}

/// The last values of a measure, oldest first.
///
/// ```
/// use lectern_tui_kit::widgets::chart::Sparkline;
///
/// let mut writes = Sparkline::new(60, |value| format!("{value}/s"));
/// for value in [3, 9, 4] {
///     writes.push(Some(value));
/// }
/// assert_eq!(writes.words(), "4/s, at most 9/s");
/// ```
#[derive(Clone, Debug)]
pub struct Sparkline {
    values: VecDeque<Option<u64>>,
    most: usize,
    words: Words,
}

impl Sparkline {
    /// Keeps at most so many values.
    pub fn new(most: usize, words: Words) -> Self {
        Self { values: VecDeque::new(), most: most.max(1), words }
    }

    /// One more value; none where there was nobody to ask.
    pub fn push(&mut self, value: Option<u64>) {
        if self.values.len() == self.most {
            self.values.pop_front();
        }
        self.values.push_back(value);
    }

    /// The last value.
    pub fn last(&self) -> Option<u64> {
        self.values.back().copied().flatten()
    }

    fn highest(&self) -> Option<u64> {
        self.values.iter().flatten().max().copied()
    }

    /// The last value and the scale in words.
    pub fn words(&self) -> String {
        let Some(highest) = self.highest() else {
            return "no value yet".into();
        };
        let last = self.last().map_or_else(|| "unknown".into(), self.words);
        format!("{last}, at most {}", (self.words)(highest))
    }

    /// The same with the lowest, for those who do not see the line.
    fn all_words(&self) -> String {
        let lowest = self.values.iter().flatten().min().copied();
        let lowest = lowest.map_or_else(String::new, |value| format!(", at least {}", (self.words)(value)));
        format!("{}{lowest}, of {}", self.words(), text::count(self.values.len() as u64, "value"))
    }

    /// Draws label, line and words in one row; the line stands on zero, its highest value fills the row. In more rows it is
    /// as tall as they are, below label and words.
    pub fn view(&self, label: &str, area: Rect, canvas: &mut Canvas<'_>) {
        let area = area.intersection(canvas.buf.area);
        let look = canvas.look;
        if look.plain {
            let words = format!("{label}: {}", self.all_words());
            return canvas.lines(area, text::wrap(&words, area.width.into()).into_iter().map(Line::raw));
        }
        let label = Span::styled(format!("{label} "), look.theme.title);
        let words = Span::styled(self.words(), look.theme.dim);
        if area.height > 1 {
            canvas.line(area, Line::from(vec![label, words]));
            let graph = Rect { y: area.y + 1, height: area.height - 1, ..area };
            return self.view_graph(graph, canvas);
        }
        let beside = label.width() + words.width() + 1;
        let room = usize::from(area.width).saturating_sub(beside).min(self.most);
        if room < LEAST_GRAPH {
            return canvas.line(area, Line::from(vec![label, words]));
        }
        let (label_width, room) = (cells(label.width()), cells(room));
        let graph = Rect { x: area.x + label_width, width: room, ..area };
        canvas.line(area, Line::from(label));
        self.view_graph(graph, canvas);
        let right = Rect { x: graph.right() + 1, width: area.right() - graph.right() - 1, ..area };
        canvas.line(right, Line::from(words));
    }

    /// The newest values, the last at the right edge.
    fn view_graph(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let look = canvas.look;
        let highest = self.highest().unwrap_or(0);
        let steps = usize::from(area.height) * look.glyphs.levels.len();
        let skip = self.values.len().saturating_sub(area.width.into());
        let shown: Vec<Option<usize>> =
            self.values.iter().skip(skip).map(|value| value.map(|value| share(value, highest, steps))).collect();
        let indent = usize::from(area.width).saturating_sub(shown.len());
        for (row, at) in area.rows().enumerate() {
            let below = (usize::from(area.height) - 1 - row) * look.glyphs.levels.len();
            let cell = |value: &Option<usize>| match value {
                None if below == 0 => look.glyphs.dash,
                None => " ",
                // Zero is a line on the ground, not a gap.
                Some(0) if below == 0 => look.glyphs.levels[0],
                Some(level) if *level <= below => " ",
                Some(level) => look.glyphs.levels[(level - below - 1).min(look.glyphs.levels.len() - 1)],
            };
            let line: String = std::iter::repeat_n(" ", indent).chain(shown.iter().map(cell)).collect();
            canvas.line(at, Line::styled(line, look.theme.info));
        }
    }
}

/// The least width of a line of values that says something.
const LEAST_GRAPH: usize = 8;

fn cells(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}

/// How many values fall into a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Which range, in words.
    pub label: String,
    /// How many.
    pub count: u64,
}

/// Values in buckets of equal width, from 0 to the highest value that can be. The last bucket holds its upper end, and what
/// is above.
///
/// ```
/// use lectern_tui_kit::widgets::chart::buckets;
///
/// let buckets = buckets([0, 24, 25, 100], 100, 4, u64::to_string);
/// let words: Vec<String> = buckets.iter().map(|bucket| format!("{}: {}", bucket.label, bucket.count)).collect();
/// assert_eq!(words, ["0 to 25: 2", "25 to 50: 1", "50 to 75: 0", "75 to 100: 1"]);
/// ```
pub fn buckets(
    values: impl IntoIterator<Item = u64>,
    highest: u64,
    count: usize,
    words: impl Fn(&u64) -> String,
) -> Vec<Bucket> {
    let count = u64::try_from(count.max(1)).unwrap_or(1).min(highest.max(1));
    let edge = |at: u64| u64::try_from(u128::from(highest) * u128::from(at) / u128::from(count)).unwrap_or(highest);
    let mut buckets: Vec<Bucket> = (0..count)
        .map(|at| Bucket { label: format!("{} to {}", words(&edge(at)), words(&edge(at + 1))), count: 0 })
        .collect();
    let edges: Vec<u64> = (1..count).map(edge).collect();
    for value in values {
        buckets[edges.partition_point(|edge| *edge <= value)].count += 1;
    }
    buckets
}

/// Draws a row for each bucket: label, bar, count. Where rows are missing, the last one says how many buckets are not shown.
pub fn histogram(buckets: &[Bucket], area: Rect, canvas: &mut Canvas<'_>) {
    let area = area.intersection(canvas.buf.area);
    let look = canvas.look;
    let highest = buckets.iter().map(|bucket| bucket.count).max().unwrap_or(0);
    let label_room = buckets.iter().map(|bucket| text::width(&bucket.label)).max().unwrap_or(0);
    let label_room = label_room.min(usize::from(area.width) / 2);
    let count_room = highest.to_string().len();
    let bar_room = usize::from(area.width).saturating_sub(label_room + count_room + 2);
    let height = usize::from(area.height);
    let shown = if buckets.len() > height { height.saturating_sub(1) } else { buckets.len() };
    let row = |bucket: &Bucket| {
        let label = text::clean(&bucket.label);
        if look.plain {
            return Line::raw(format!("{label}: {}", bucket.count));
        }
        let bar = look.glyphs.full.repeat(share(bucket.count, highest, bar_room));
        Line::from(vec![
            Span::styled(text::pad_left(&label, label_room, look.glyphs.ellipsis), look.theme.dim),
            Span::raw(format!(" {:>count_room$} ", bucket.count)),
            Span::styled(bar, look.theme.info),
        ])
    };
    let more = (shown < buckets.len()).then(|| {
        let more = format!("and {} more", buckets.len() - shown);
        Line::styled(more, look.theme.dim)
    });
    canvas.lines(area, buckets[..shown].iter().map(row).chain(more));
}

/// How far something is behind what it follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lag {
    /// What is behind.
    pub label: String,
    /// By how much; none where that is not known.
    pub behind: Option<u64>,
    /// What fills the bar, and is too much.
    pub limit: u64,
}

impl Lag {
    /// How far in words: `in step`, `12 entries behind`.
    pub fn words(&self, said: impl Fn(u64) -> String) -> String {
        match self.behind {
            None => "unknown".into(),
            Some(0) => "in step".into(),
            Some(behind) => format!("{} behind", said(behind)),
        }
    }

    /// Draws label, bar and words in one row. Labels of bars below each other are padded to `label_room`.
    pub fn view(&self, label_room: usize, said: impl Fn(u64) -> String, area: Rect, canvas: &mut Canvas<'_>) {
        let area = area.intersection(canvas.buf.area);
        let (look, label, words) = (canvas.look, text::clean(&self.label), self.words(said));
        if look.plain {
            return canvas.line(area, Line::raw(format!("{label}: {words}")));
        }
        let label = text::pad(&label, label_room.min(usize::from(area.width) / 2), look.glyphs.ellipsis);
        // Whatever the words, bars below each other are equally long: they are compared.
        let room = usize::from(area.width).saturating_sub(text::width(&label) + 1) / 3;
        let room = if room < LEAST_GRAPH { 0 } else { room.min(MOST_LAG) };
        let behind = self.behind.unwrap_or(0);
        let full = share(behind, self.limit, room);
        let style = match self.behind {
            None => look.theme.dim,
            Some(behind) if behind >= self.limit.max(1) => look.theme.bad,
            Some(behind) if behind > self.limit / 2 => look.theme.warn,
            Some(_) => look.theme.good,
        };
        canvas.line(
            area,
            Line::from(vec![
                Span::raw(format!("{label} ")),
                Span::styled(look.glyphs.full.repeat(full), style),
                Span::styled(look.glyphs.empty.repeat(room - full), look.theme.dim),
                Span::styled(format!("{}{words}", if room > 0 { " " } else { "" }), style),
            ]),
        );
    }
}

/// A bar of lag need not be longer.
const MOST_LAG: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Look;
    use crate::testkit::{draw, render};
    use crate::theme::ThemeName;

    fn dark() -> Look {
        Look::new(ThemeName::Dark, false)
    }

    fn plain() -> Look {
        Look::new(ThemeName::Mono, true)
    }

    fn writes(values: impl IntoIterator<Item = Option<u64>>) -> Sparkline {
        let mut line = Sparkline::new(30, |value| format!("{value}/s"));
        for value in values {
            line.push(value);
        }
        line
    }

    fn grades() -> Vec<Bucket> {
        buckets((0..200_u64).map(|value| value * value % 101), 100, 10, u64::to_string)
    }

    #[test]
    fn a_line_shows_the_newest_values_on_a_scale_from_zero() {
        let line = writes([Some(0), Some(1), Some(4), None, Some(8)]);
        let picture = render(50, 1, &dark(), |area, canvas| line.view("writes", area, canvas));
        assert!(picture.starts_with("writes ") && picture.contains("▁▁▄–█ 8/s, at most 8/s"), "{picture}");
        let tall = render(5, 3, &dark(), |area, canvas| line.view("w", area, canvas));
        assert!(tall.contains("\n    █\n▁▂█–█\n"), "{tall}");
        let many = writes((0..100).map(Some));
        assert_eq!((many.values.len(), many.last()), (30, Some(99)));
    }

    #[test]
    fn without_pictures_the_numbers_are_said() {
        let said = |line: Sparkline| render(80, 1, &plain(), |area, canvas| line.view("writes", area, canvas));
        assert!(
            said(writes([Some(4), Some(9), None]))
                .starts_with("writes: unknown, at most 9/s, at least 4/s, of 3 values")
        );
        assert!(said(writes([])).starts_with("writes: no value yet"));
    }

    #[test]
    fn every_value_is_in_one_bucket() {
        let buckets = grades();
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 200);
        assert_eq!(buckets.len(), 10);
        let above = super::buckets([7, 1_000], 4, 8, u64::to_string);
        assert_eq!((above.len(), above[3].count), (4, 2), "no bucket is narrower than one");
        assert_eq!(super::buckets([0, 0], 0, 3, u64::to_string)[0].count, 2);
    }

    #[test]
    fn a_histogram_says_what_it_leaves_out() {
        let picture = render(40, 4, &dark(), |area, canvas| histogram(&grades(), area, canvas));
        assert!(picture.contains("and 7 more"), "{picture}");
    }

    #[test]
    fn lag_is_told_in_words() {
        let lag =
            |behind| Lag { label: "n1".into(), behind, limit: 100 }.words(|entries| text::count(entries, "entry"));
        assert_eq!([lag(None), lag(Some(0)), lag(Some(1))], ["unknown", "in step", "1 entry behind"]);
    }

    #[test]
    fn they_are_drawn_well_at_every_size() {
        let view = |area: Rect, canvas: &mut Canvas<'_>| {
            let row = |y: u16, height: u16| Rect { y: area.y + y, height, ..area };
            writes((0..40).map(|at| (at % 9 != 5).then_some(at * 37 % 23))).view("writes", row(0, 1), canvas);
            writes((0..40).map(|at| Some(at * at % 31))).view("reads", row(2, 3), canvas);
            for (at, behind) in [Some(0), Some(12), Some(70), Some(400), None].into_iter().enumerate() {
                let lag = Lag { label: format!("node {at}"), behind, limit: 100 };
                lag.view(8, |entries| format!("{entries} entries"), row(6 + cells(at), 1), canvas);
            }
            histogram(&grades(), Rect { y: area.y + 12, height: area.height - 12, ..area }, canvas);
        };
        insta::assert_snapshot!("charts_80x24", render(80, 24, &dark(), view));
        insta::assert_snapshot!("charts_40x20", render(40, 20, &dark(), view));
        insta::assert_snapshot!("charts_plain", render(80, 24, &plain(), view));
    }

    proptest::proptest! {
        #[test]
        fn any_values_in_any_room_are_survived(
            values in proptest::collection::vec(proptest::option::of(0_u64..=u64::MAX), 0..60),
            limit: u64,
            count in 0_usize..20,
            width in 0_u16..120,
            height in 0_u16..12,
            is_plain: bool,
        ) {
            let look = Look::new(ThemeName::Dark, is_plain);
            let line = writes(values.clone());
            draw(width, height, &look, |area, canvas| line.view("writes", area, canvas));
            let buckets = buckets(values.iter().copied().flatten(), limit, count, u64::to_string);
            draw(width, height, &look, |area, canvas| histogram(&buckets, area, canvas));
            for behind in values {
                let lag = Lag { label: "node".into(), behind, limit };
                draw(width, height, &look, |area, canvas| lag.view(6, |lag| lag.to_string(), area, canvas));
            }
        }
    }
}
