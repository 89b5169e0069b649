//! The table as it is seen: pictures at the sizes that matter, and any input at any size.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use insta::assert_snapshot;
use lectern_tui_kit::action::{BACK, BOTTOM, DOWN, FILTER, PAGE_DOWN, PAGE_UP, SORT, TOP, UP};
use lectern_tui_kit::chord::Chord;
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::testkit::{render, words};
use lectern_tui_kit::theme::ThemeName;
use lectern_tui_kit::widgets::Part as _;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

#[derive(Clone)]
struct Work {
    student: String,
    title: String,
    points: u32,
    unread: bool,
}

fn work(student: &str, title: &str, points: u32, unread: bool) -> Work {
    Work { student: student.into(), title: title.into(), points, unread }
}

/// A class of thirty; the first few are the ones the pictures are about.
fn class() -> Vec<Work> {
    let mut rows = vec![
        work("cleo", "Leader election, with a title that no terminal of forty columns shows whole", 75, true),
        work("ada", "Log replication", 100, false),
        work("漢字 e\u{301}", "Wide letters and joined ones", 60, true),
        work("bob", "Snapshots", 0, false),
    ];
    rows.extend((5..=30).map(|n| work(&format!("student-{n:02}"), "Snapshots", n, false)));
    rows
}

fn table(rows: Vec<Work>) -> Table<Work> {
    let columns = vec![
        Column::new("student", Width::Fixed(12), |row: &Work, look: &Look| {
            let mark = if row.unread { look.glyphs.unread } else { " " };
            Line::from(vec![Span::styled(mark, look.theme.info), Span::raw(format!(" {}", row.student))])
        })
        .sorted_by(|a, b| a.student.cmp(&b.student)),
        Column::new("work", Width::Fill(1), |row: &Work, _: &Look| Line::raw(row.title.clone())),
        Column::new("points", Width::Fixed(6), |row: &Work, _: &Look| Line::raw(row.points.to_string()))
            .right()
            .sorted_by(|a, b| a.points.cmp(&b.points)),
        Column::new("attempt", Width::Fixed(9), |_: &Work, look: &Look| Line::styled("1 of 3", look.theme.dim)).keep(1),
    ];
    let bold_when_unread = |row: &Work, look: &Look| if row.unread { look.theme.title } else { Style::new() };
    let mut table = Table::new(columns, |row: &Work| row.student.clone(), "Nobody has handed in yet.");
    table = table.row_style(bold_when_unread);
    table.set_rows(rows);
    table
}

fn seen(table: &Table<Work>, width: u16, height: u16, plain: bool) -> String {
    let theme = if plain { ThemeName::Mono } else { ThemeName::Dark };
    render(width, height, &Look::new(theme, plain), |area, canvas| table.view(area, canvas, true))
}

fn typed(table: &mut Table<Work>, text: &str) {
    table.act(&FILTER);
    for letter in text.chars() {
        table.key(letter.to_string().parse::<Chord>().unwrap().event());
    }
}

#[test]
fn a_class_on_a_common_terminal() {
    let mut table = table(class());
    table.act(&DOWN);
    assert_snapshot!("table_80x24", seen(&table, 80, 24, false));
}

#[test]
fn a_class_on_a_small_terminal_scrolled_to_its_end() {
    let mut table = table(class());
    table.act(&BOTTOM);
    assert_snapshot!("table_40x12_end", seen(&table, 40, 12, false));
}

#[test]
fn a_class_read_aloud_sorted_by_points_downwards() {
    let mut table = table(class());
    for _ in 0..4 {
        table.act(&SORT);
    }
    let picture = seen(&table, 80, 24, true);
    let (letters, _) = picture.split_once("\n---\n").unwrap();
    let marks = letters.chars().filter(|letter| !letter.is_ascii()).collect::<String>();
    assert_eq!(marks, "漢字\u{301}", "what is not ASCII came with the rows");
    assert_snapshot!("table_80x24_plain", picture);
}

#[test]
fn a_filter_being_typed_says_how_many_rows_it_leaves() {
    let mut table = table(class());
    typed(&mut table, "SNAP");
    let picture = seen(&table, 40, 12, false);
    assert!(picture.contains("27 of 30") && picture.contains("cursor 5,11"), "{picture}");
    assert_snapshot!("table_40x12_filter", picture);
}

#[test]
fn a_filter_finds_times_as_they_are_shown() {
    let due = Column::new("due", Width::Fill(1), |due: &i64, look: &Look| Line::raw(look.distance(*due)));
    let mut table = Table::new(vec![due], i64::to_string, "");
    table.set_rows(vec![200_000_000, 500_000_000, 900_000_000]);
    let mut look = Look::new(ThemeName::Dark, false);
    look.now_ms = 300_000_000;
    let picture = render(40, 5, &look, |area, canvas| table.view(area, canvas, true));
    let second = picture.lines().nth(2).unwrap().trim().to_owned();
    table.act(&FILTER);
    table.paste(&second);
    assert_eq!((table.shown_count(), table.selected()), (1, Some(&500_000_000)), "{picture}");
    // A reload is read anew while the filter stays.
    table.set_rows(vec![200_000_000, 900_000_000]);
    assert_eq!(table.shown_count(), 0);
    table.set_rows(vec![900_000_000, 500_000_000]);
    assert_eq!(table.selected(), Some(&500_000_000));
}

#[test]
fn a_filter_does_not_match_across_two_cells() {
    let mut table = table(vec![work("bob", "Snapshots", 0, false)]);
    table.act(&FILTER);
    table.paste("bobsnap");
    assert_eq!(table.shown_count(), 0);
    table.act(&BACK);
    assert_eq!(table.shown_count(), 1);
}

#[test]
fn no_rows_and_no_match_are_two_different_sentences() {
    assert_snapshot!("table_40x12_empty", seen(&table(Vec::new()), 40, 12, false));
    let mut table = table(class());
    typed(&mut table, "zebra");
    assert_snapshot!("table_40x12_no_match", seen(&table, 40, 12, false));
}

#[test]
fn without_the_keyboard_the_selected_row_is_marked_in_another_way() {
    let table = table(class());
    let look = Look::new(ThemeName::Mono, false);
    let away = render(40, 4, &look, |area, canvas| table.view(area, canvas, false));
    let here = render(40, 4, &look, |area, canvas| table.view(area, canvas, true));
    assert!(away.contains("1: 0..40 bold underlined") && here.contains("1: 0..40 bold reversed"), "{away}{here}");
}

#[test]
fn what_moves_a_cursor_never_reaches_a_cell() {
    let table = table(vec![work("eve", "ti\u{1b}[2Jt\u{7}le\nnext\u{202e}", 1, false)]);
    let picture = seen(&table, 80, 6, false);
    assert!(!picture.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{picture:?}");
    assert_eq!(
        picture.split("\n---\n").next().unwrap().lines().count(),
        2,
        "a newline in a cell makes no row: {picture}"
    );
}

#[test]
fn the_wheel_moves_by_three_and_a_click_beside_the_rows_is_not_its_own() {
    let mut table = table(class());
    seen(&table, 40, 12, false);
    table.mouse(mouse(MouseEventKind::ScrollDown, 5, 5));
    assert_eq!(table.position(), 3);
    let before = table.position();
    assert!(!table.mouse(mouse(MouseEventKind::Down(MouseButton::Left), 5, 0)).was_used(), "the heading");
    assert!(!table.mouse(mouse(MouseEventKind::Down(MouseButton::Left), 60, 5)).was_used(), "outside");
    assert_eq!(table.position(), before);
}

fn mouse(kind: MouseEventKind, column: u16, row: u16) -> MouseEvent {
    MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }
}

#[derive(Clone, Debug)]
enum Input {
    Act(usize),
    Letter(char),
    Paste(String),
    Mouse(usize, u16, u16),
    Rows(Vec<(String, String)>),
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => (0_usize..9).prop_map(Input::Act),
        2 => "\\PC".prop_map(|text| Input::Letter(text.chars().next().unwrap())),
        1 => ".{0,12}".prop_map(Input::Paste),
        2 => (0_usize..4, 0_u16..300, 0_u16..100).prop_map(|(kind, x, y)| Input::Mouse(kind, x, y)),
        1 => prop::collection::vec((".{0,20}", ".{0,60}"), 0..30).prop_map(Input::Rows),
    ]
}

fn apply(table: &mut Table<Work>, input: Input) {
    let actions = [&DOWN, &UP, &TOP, &BOTTOM, &PAGE_DOWN, &PAGE_UP, &FILTER, &SORT, &BACK];
    let kinds = [
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::ScrollDown,
        MouseEventKind::ScrollUp,
        MouseEventKind::Moved,
    ];
    match input {
        Input::Act(at) => drop(table.act(actions[at])),
        Input::Letter(letter) => {
            let code = crossterm::event::KeyCode::Char(letter);
            table.key(crossterm::event::KeyEvent::new(code, KeyModifiers::NONE));
        }
        Input::Paste(text) => table.paste(&text),
        Input::Mouse(kind, column, row) => drop(table.mouse(mouse(kinds[kind], column, row))),
        Input::Rows(rows) => {
            table.set_rows(rows.iter().map(|(student, title)| work(student, title, 3, false)).collect());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_input_at_any_size_leaves_a_selection_that_is_shown_and_draws_inside_its_area(
        inputs in prop::collection::vec((input(), 0_u16..=300, 0_u16..=100), 1..12),
        plain in any::<bool>(),
    ) {
        let mut table = table(class());
        let look = Look::new(ThemeName::Dark, plain);
        for (input, width, height) in inputs {
            apply(&mut table, input);
            // Its area begins beside the corner, and the frame may be smaller than it.
            let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
            let mut canvas = Canvas::new(&mut buf, &look);
            table.view(Rect::new(3, 2, 120, 40), &mut canvas, true);
            if let Some(at) = canvas.cursor {
                prop_assert!(buf.area.contains(at), "{at:?} of {:?}", buf.area);
            }
            let text = words(&buf);
            prop_assert!(text.lines().take(2).all(str::is_empty), "{text}");
            prop_assert!(text.lines().all(|line| line.chars().take(3).all(|letter| letter == ' ')), "{text}");
            prop_assert_eq!(table.selected().is_some(), table.shown_count() > 0);
            prop_assert!(table.position() < table.shown_count().max(1));
        }
    }
}
