//! A series as columns, one a bucket: the newest at the right.

use lectern_tui_kit::look::Look;
use ratatui::style::Style;
use ratatui::text::Line;

/// Lines of a chart, top first. The largest figure reaches the top; a figure that is not zero is always seen, and where
/// nothing was heard nothing is drawn.
pub fn lines(
    values: impl Iterator<Item = Option<u64>>,
    (width, height): (u16, u16),
    style: Style,
    look: &Look,
) -> Vec<Line<'static>> {
    let values: Vec<Option<u64>> = values.collect();
    let most = values.iter().flatten().max().copied().unwrap_or(0).max(1);
    let steps = u64::from(height) * LEVELS;
    // Eighths of a row that a column fills.
    let filled: Vec<Option<u64>> =
        values.iter().map(|value| value.map(|value| (value.saturating_mul(steps)).div_ceil(most))).collect();
    let pad = usize::from(width).saturating_sub(filled.len());
    (0..u64::from(height))
        .rev()
        .map(|row| {
            let cells = filled.iter().map(|filled| match filled {
                None => " ",
                Some(filled) => cell(filled.saturating_sub(row * LEVELS), row == 0, look),
            });
            Line::styled(format!("{}{}", " ".repeat(pad), cells.collect::<String>()), style)
        })
        .collect()
}

/// Heights one cell can show.
const LEVELS: u64 = 8;

fn cell(eighths: u64, lowest_row: bool, look: &Look) -> &'static str {
    match usize::try_from(eighths.min(LEVELS)).unwrap_or(0) {
        // The ground line: something was heard, and it was nothing.
        0 if lowest_row => look.glyphs.levels[0],
        0 => " ",
        level => look.glyphs.levels[level - 1],
    }
}

#[cfg(test)]
mod tests {
    use lectern_tui_kit::theme::ThemeName;

    use super::*;

    fn drawn(values: &[Option<u64>], size: (u16, u16)) -> Vec<String> {
        let look = Look::new(ThemeName::Mono, false);
        let lines = lines(values.iter().copied(), size, Style::new(), &look);
        lines.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_largest_fills_its_column_and_gaps_stay_empty() {
        assert_eq!(drawn(&[Some(0), Some(1), None, Some(80), Some(40)], (6, 1)), [" ▁▁ █▄"]);
    }

    #[test]
    fn several_rows_show_finer_steps() {
        assert_eq!(drawn(&[Some(16), Some(9), Some(8), Some(1), Some(0)], (5, 2)), ["█▁   ", "███▁▁"]);
    }

    #[test]
    fn nothing_at_all_is_an_empty_line() {
        assert_eq!(drawn(&[], (3, 1)), ["   "]);
        assert_eq!(drawn(&[Some(0)], (1, 1)), ["▁"]);
    }
}
