//! Tables for people: aligned by display width, and as wide as their terminal. Where nobody looks, in a pipe or a file, they
//! are as wide as what is in them.

use std::io::{self, IsTerminal};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::text::clean;

/// Between two columns.
const GAP: usize = 2;
/// A column is cut to this before another one is left out…
const COMFORTABLE: usize = 16;
/// …and to this after.
const NARROWEST: usize = 6;

/// A column of a table. A name alone makes one that may be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column<'a> {
    name: &'a str,
    narrow: Narrow,
}

/// What becomes of a column where the terminal is too narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Narrow {
    Keep,
    Cut,
    Spare,
}

/// A column that is always whole: what people copy.
pub const fn keep(name: &str) -> Column<'_> {
    Column { name, narrow: Narrow::Keep }
}

/// A column whose cells may end in an ellipsis.
pub const fn cut(name: &str) -> Column<'_> {
    Column { name, narrow: Narrow::Cut }
}

/// A column that is left out where there is no room for it.
pub const fn spare(name: &str) -> Column<'_> {
    Column { name, narrow: Narrow::Spare }
}

impl<'a> From<&'a str> for Column<'a> {
    fn from(name: &'a str) -> Self {
        cut(name)
    }
}

/// A table, or `empty` when it has no rows. Cells are cleaned. The first column names its row and is never cut.
pub fn table<'a, C: Copy + Into<Column<'a>>>(
    columns: &[C],
    rows: impl IntoIterator<Item = Vec<String>>,
    empty: &str,
) -> String {
    let columns: Vec<Column> = columns.iter().map(|column| (*column).into()).collect();
    within(terminal_width(), &columns, rows, empty)
}

/// Columns of the terminal that standard output is; `None` where it is none.
fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0)).filter(|width| *width > 0)
}

fn within(
    room: Option<usize>,
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
    empty: &str,
) -> String {
    let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
    if rows.is_empty() {
        return empty.to_owned();
    }
    let head: Vec<String> = columns.iter().map(|column| column.name.to_uppercase()).collect();
    let mut natural: Vec<usize> = head.iter().map(|cell| cell.width()).collect();
    for row in &rows {
        for (width, cell) in natural.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let widths = match room {
        Some(room) => fit(&natural, columns, room),
        None => natural.into_iter().map(Some).collect(),
    };
    std::iter::once(&head).chain(&rows).map(|row| aligned(row, &widths)).collect::<Vec<_>>().join("\n")
}

/// The columns' widths within `room`, `None` for those left out: first cells are cut to a comfortable width, then spare
/// columns go, the last first, then cells are cut further. What is kept may still be too wide: it wraps.
fn fit(natural: &[usize], columns: &[Column<'_>], room: usize) -> Vec<Option<usize>> {
    let mut left_out = vec![false; columns.len()];
    let natural_now = |left_out: &[bool]| -> Vec<Option<usize>> {
        natural.iter().zip(left_out).map(|(width, out)| (!out).then_some(*width)).collect()
    };
    let spares = (0..columns.len()).rev().filter(|index| columns[*index].narrow == Narrow::Spare);
    for next in spares.map(Some).chain([None]) {
        let mut widths = natural_now(&left_out);
        shrink(&mut widths, columns, room, COMFORTABLE);
        if total(&widths) <= room {
            return widths;
        }
        if let Some(index) = next {
            left_out[index] = true;
        }
    }
    let mut widths = natural_now(&left_out);
    shrink(&mut widths, columns, room, NARROWEST);
    widths
}

/// Makes the widest column that may be cut narrower, again and again, until all fit or all are down to `floor`.
fn shrink(widths: &mut [Option<usize>], columns: &[Column<'_>], room: usize, floor: usize) {
    while total(widths) > room {
        let may_be_cut =
            |index: usize, width: usize| index > 0 && columns[index].narrow == Narrow::Cut && width > floor;
        let widest = widths
            .iter_mut()
            .enumerate()
            .filter_map(|(index, width)| width.as_mut().filter(|width| may_be_cut(index, **width)))
            .max_by_key(|width| **width);
        match widest {
            Some(width) => *width -= 1,
            None => return,
        }
    }
}

fn total(widths: &[Option<usize>]) -> usize {
    let shown = widths.iter().flatten();
    shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
}

fn aligned(row: &[String], widths: &[Option<usize>]) -> String {
    let shown = row.iter().zip(widths).filter_map(|(cell, width)| {
        let cell = shortened(cell, (*width)?);
        let padding = " ".repeat((*width)?.saturating_sub(cell.width()));
        Some(cell + &padding)
    });
    shown.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_owned()
}

/// A cell within `width` columns, with an ellipsis where it had to be cut.
fn shortened(cell: &str, width: usize) -> String {
    if cell.width() <= width {
        return cell.to_owned();
    }
    let mut used = 1;
    let fitting = cell.chars().take_while(|c| {
        used += c.width().unwrap_or(0);
        used <= width
    });
    let mut short: String = fitting.collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COLUMNS: [Column<'static>; 5] = [keep("what"), cut("title"), keep("due"), spare("at"), keep("state")];

    fn rows() -> Vec<Vec<String>> {
        let row = ["cs101/hw1", "Values, names and what they are good for", "in 2 days 3 hours", "2026-10-01 23:59"];
        vec![row.iter().copied().chain(["not started"]).map(str::to_owned).collect()]
    }

    fn lines(room: Option<usize>) -> Vec<String> {
        within(room, &COLUMNS, rows(), "").lines().map(str::to_owned).collect()
    }

    #[test]
    fn wide_characters_keep_columns_aligned() {
        let rows = vec![vec!["漢字".into(), "1".into()], vec!["ab".into(), "2".into()]];
        assert_eq!(within(None, &[cut("name"), cut("n")], rows, ""), "NAME  N\n漢字  1\nab    2");
        assert_eq!(within(None, &[cut("name")], Vec::new(), "nothing"), "nothing");
    }

    #[test]
    fn in_a_pipe_everything_is_whole() {
        assert!(lines(None)[1].contains("Values, names and what they are good for"));
        assert_eq!(lines(None), lines(Some(200)));
    }

    #[test]
    fn at_eighty_columns_the_title_is_cut_and_at_sixty_a_column_goes() {
        let at_80 = "cs101/hw1  Values, names and…   in 2 days 3 hours  2026-10-01 23:59  not started";
        assert_eq!(lines(Some(80))[1], at_80);
        let at_60 = [
            "WHAT       TITLE              DUE                STATE",
            "cs101/hw1  Values, names an…  in 2 days 3 hours  not started",
        ];
        assert_eq!(lines(Some(60)), at_60);
    }

    #[test]
    fn what_people_copy_is_never_cut() {
        let code = "7KQM-X2PA-94TV-HWNC";
        let row = vec!["ada".to_owned(), "Ada Lovelace".to_owned(), code.to_owned()];
        let narrow = within(Some(20), &[cut("username"), cut("name"), keep("code")], vec![row], "");
        assert!(narrow.contains(code) && narrow.contains("Ada L…"), "{narrow}");
    }

    proptest! {
        #[test]
        fn a_table_fits_wherever_its_kept_columns_do(
            title in "\\PC{0,80}",
            room in 64_usize..140,
        ) {
            let mut rows = rows();
            rows[0][1] = title;
            for line in within(Some(room), &COLUMNS, rows, "").lines() {
                prop_assert!(line.width() <= room, "{line}");
            }
        }
    }
}
