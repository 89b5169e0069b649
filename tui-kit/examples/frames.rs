//! How long frames of a table and of the editor take, and what a key costs that decides anew which rows are shown.
//!
//! ```text
//! cargo run --release -p lectern-tui-kit --example frames
//! ```
//!
//! A frame looks only at the rows on the screen, so that a hundred times the rows must cost the same, and a text of 100 KB in one
//! line or in 1,100 what a short one costs; the goal is 2 ms. A letter
//! of the filter, a sort and a reload go through all rows, once each.
#![allow(clippy::print_stdout, reason = "printing it is what the example is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use lectern_tui_kit::action::{BACK, BOTTOM, FILTER, PAGE_DOWN, SORT, TOP};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::theme::ThemeName;
use lectern_tui_kit::widgets::Part as _;
use lectern_tui_kit::widgets::editor::Editor;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

const FRAMES: usize = 501;
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

/// The median frame of an editor with this text.
fn editor_frame(text: &str) -> Duration {
    let (editor, look) = (Editor::new(text), Look::new(ThemeName::Dark, false));
    let mut buf = Buffer::empty(SCREEN);
    let mut times: Vec<Duration> = (0..FRAMES)
        .map(|_| {
            let begin = Instant::now();
            editor.view(SCREEN, &mut Canvas::new(black_box(&mut buf), &look), true);
            begin.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[FRAMES / 2]
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
    let lines =
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor incididunt.\n".repeat(1_100);
    let (of_lines, of_one) = (editor_frame(&lines), editor_frame(&lines.replace('\n', " ")));
    println!("editor with 100 KB: 1,100 lines {of_lines:?}, one line {of_one:?}");
    slowest = slowest.max(of_lines).max(of_one);
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
}
