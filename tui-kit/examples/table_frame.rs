<<<<<<< HEAD
//! How long a frame of a table takes, and what a key costs that decides anew which rows are shown.
//!
//! ```text
//! cargo run --release -p lectern-tui-kit --example table_frame
//! ```
//!
//! A frame looks only at the rows on the screen, so that a hundred times the rows must cost the same; the goal is 2 ms. A letter
//! of the filter, a sort and a reload go through all rows, once each.
#![allow(clippy::print_stdout, reason = "printing it is what the example is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use lectern_tui_kit::action::{BACK, BOTTOM, FILTER, PAGE_DOWN, SORT, TOP};
=======
//! How long a frame of a table takes, with many rows and with few: `cargo run --release -p lectern-tui-kit --example table_frame`.
//! A measurement to look at, not a test.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use lectern_tui_kit::action::{BOTTOM, DOWN, TOP};
>>>>>>> readers
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::theme::ThemeName;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

const FRAMES: usize = 501;
<<<<<<< HEAD
const SCREEN: Rect = Rect { x: 0, y: 0, width: 120, height: 40 };
const GOAL: Duration = Duration::from_millis(2);

#[derive(Clone)]
struct Row {
    name: String,
    title: String,
    points: u32,
    handed_in_ms: i64,
}

fn rows(count: u32) -> Vec<Row> {
    let row = |n: u32| Row {
        name: format!("student-{n:06}"),
        title: format!("Assignment {} on consensus, logs and snapshots", n % 17),
        points: n.wrapping_mul(7_919) % 10_000,
        handed_in_ms: i64::from(n) * 61_000,
    };
    (0..count).map(row).collect()
}

fn table(rows: Vec<Row>) -> Table<Row> {
    let columns = vec![
        Column::new("name", Width::Fixed(16), |row: &Row, _| Line::raw(row.name.clone()))
            .sorted_by(|a, b| a.name.cmp(&b.name)),
        Column::new("work", Width::Fill(1), |row: &Row, _| Line::raw(row.title.clone())),
        Column::new("points", Width::Fixed(8), |row: &Row, _| Line::raw(row.points.to_string()))
            .right()
            .sorted_by(|a, b| a.points.cmp(&b.points)),
        Column::new("handed in", Width::Fixed(22), |row: &Row, look| {
            Line::styled(look.time(row.handed_in_ms), look.theme.dim)
        })
        .keep(1),
    ];
    let mut table = Table::new(columns, |row: &Row| row.name.clone(), "Nobody is here yet.");
    table.set_rows(rows);
    table
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The median of a frame, after `between` moved the table on.
fn frame(table: &mut Table<Row>, between: impl Fn(&mut Table<Row>) -> bool) -> Duration {
    let look = Look::new(ThemeName::Dark, false);
    let times = (0..FRAMES).map(|_| {
        black_box(between(table));
        let mut buf = Buffer::empty(SCREEN);
        let begin = Instant::now();
        table.view(SCREEN, &mut Canvas::new(&mut buf, &look), true);
        let took = begin.elapsed();
        black_box(&buf);
        took
    });
    median(times.collect())
}

/// How long one change takes; the best of a few, since each is long enough to be interrupted.
fn change(
    table: &mut Table<Row>,
    before: impl Fn(&mut Table<Row>) -> bool,
    step: impl Fn(&mut Table<Row>) -> bool,
) -> Duration {
    let times = (0..5).map(|_| {
        black_box(before(table));
        let begin = Instant::now();
        black_box(step(table));
        begin.elapsed()
    });
    times.min().unwrap_or_default()
}

fn type_filter(table: &mut Table<Row>, text: &str) -> bool {
    let used = table.act(&FILTER);
    table.paste(text);
    used
}

fn main() {
    println!("frames of {}x{}, median of {FRAMES}", SCREEN.width, SCREEN.height);
    let mut slowest = Duration::ZERO;
    for count in [1_000, 100_000] {
        let mut table = table(rows(count));
        let top = frame(&mut table, |_| true);
        let paging = frame(&mut table, |table| table.act(&PAGE_DOWN));
        table.act(&BOTTOM);
        let bottom = frame(&mut table, |_| true);
        table.act(&TOP);
        table.act(&SORT);
        type_filter(&mut table, "7");
        let filtered = frame(&mut table, |table| table.act(&PAGE_DOWN));
        println!(
            "{count:>7} rows: at the top {top:?}, paging {paging:?}, at the end {bottom:?}, sorted and filtered {filtered:?}"
        );
        slowest = slowest.max(top).max(paging).max(bottom).max(filtered);
    }
    println!("slowest {slowest:?}, goal {GOAL:?}: {}", if slowest <= GOAL { "met" } else { "MISSED" });

    let all = rows(100_000);
    let mut table = table(all.clone());
    let letter = change(&mut table, |table| table.act(&BACK), |table| type_filter(table, "s"));
    let next_letter = change(
        &mut table,
        |table| {
            table.act(&BACK);
            type_filter(table, "student-0999")
        },
        |table| {
            table.paste("9");
            table.text_focus()
        },
    );
    table.act(&BACK);
    let sort = change(&mut table, |_| true, |table| table.act(&SORT));
    let reload = change(
        &mut table,
        |_| true,
        |table| {
            table.set_rows(all.clone());
            true
        },
    );
    println!(
        "100000 rows, once: first letter of a filter {letter:?}, a further one {next_letter:?}, sort {sort:?}, reload {reload:?}"
    );
=======

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
>>>>>>> readers
}
