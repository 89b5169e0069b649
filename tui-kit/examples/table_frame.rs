//! How long a frame of a table takes, with many rows and with few: `cargo run --release -p lectern-tui-kit --example table_frame`.
//! A measurement to look at, not a test.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use lectern_tui_kit::action::{BOTTOM, DOWN, TOP};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::theme::ThemeName;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

const FRAMES: usize = 501;

struct Row {
    name: String,
    course: String,
    points: u32,
}

fn table(rows: u32) -> Table<Row> {
    let columns = vec![
        Column::new("name", Width::Fill(2), |row: &Row, _| Line::raw(row.name.clone()))
            .sorted_by(|a, b| a.name.cmp(&b.name)),
        Column::new("course", Width::Fill(1), |row: &Row, look| Line::styled(row.course.clone(), look.theme.dim)),
        Column::new("points", Width::Fixed(8), |row: &Row, _| Line::raw(row.points.to_string())).right(),
        Column::new("state", Width::Fixed(12), |row: &Row, look| {
            if row.points.is_multiple_of(7) {
                Line::styled("late", look.theme.warn)
            } else {
                Line::styled("handed in", look.theme.good)
            }
        }),
    ];
    let mut table = Table::new(columns, |row: &Row| row.name.clone(), "Nobody is here yet.");
    table.set_rows(
        (0..rows)
            .map(|number| Row {
                name: format!("Student Number {number}"),
                course: format!("DS-{}", number % 40),
                points: number % 101,
            })
            .collect(),
    );
    table
}

/// The median time of a frame, each after a step of the selection, from the top and from the bottom.
fn median(table: &mut Table<Row>, look: &Look) -> Duration {
    let mut buf = Buffer::empty(Rect::new(0, 0, 120, 40));
    let mut times = Vec::with_capacity(FRAMES);
    for frame in 0..FRAMES {
        table.act(if frame % 50 == 0 {
            &TOP
        } else if frame % 50 == 25 {
            &BOTTOM
        } else {
            &DOWN
        });
        buf.reset();
        let begun = Instant::now();
        let area = buf.area;
        table.view(area, &mut Canvas::new(&mut buf, look), true);
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    times[FRAMES / 2]
}

fn main() -> io::Result<()> {
    let look = Look::new(ThemeName::Dark, false);
    let mut out = io::stdout().lock();
    for rows in [1_000, 100_000] {
        let ms = median(&mut table(rows), &look).as_secs_f64() * 1e3;
        writeln!(out, "{rows:>7} rows, 120x40: {ms:.3} ms a frame (median of {FRAMES})")?;
    }
    Ok(())
}
