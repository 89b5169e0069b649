use std::cell::Cell;
use std::rc::Rc;

use crossterm::event::{KeyModifiers, MouseButton, MouseEventKind};
use ratatui::text::Line;

use super::*;
use crate::action::{BOTTOM, DOWN};
use crate::chord::Chord;
use crate::testkit::render;

type Row = (u32, &'static str);

fn table(rows: &[Row]) -> Table<Row> {
    let columns = vec![
        Column::new("name", Width::Fill(1), |row: &Row, _| Line::raw(row.1)).sorted_by(|a, b| a.1.cmp(b.1)),
        Column::new("points", Width::Fixed(6), |row: &Row, _| Line::raw(row.0.to_string()))
            .right()
            .sorted_by(|a, b| a.0.cmp(&b.0)),
        Column::new("note", Width::Fixed(10), |_: &Row, _| Line::raw("a long remark")).keep(1),
    ];
    let mut table = Table::new(columns, |row: &Row| row.1.to_owned(), "Nobody is here yet.");
    table.set_rows(rows.to_vec());
    table
}

fn press(table: &mut Table<Row>, keys: &str) {
    for key in keys.split(' ') {
        table.key(key.parse::<Chord>().unwrap().event());
    }
}

fn shown(table: &Table<Row>, width: u16, height: u16) -> String {
    let look = Look::new(ThemeName::Dark, false);
    render(width, height, &look, |area, canvas| table.view(area, canvas, true))
}

const ROWS: &[Row] = &[(3, "cleo"), (10, "ada"), (7, "bob")];

#[test]
fn columns_fit_their_room_and_the_least_wanted_goes_first() {
    assert_eq!(
        shown(&table(ROWS), 40, 5),
        "  name              points  note\n▸ cleo                   3  a long re…\n  ada                   10  a long re…\n  bob                    7  a long re…\n---\n0: 2..18 bold\n0: 20..26 bold\n0: 28..38 bold\n1: 0..40 reversed\n"
    );
    assert!(!shown(&table(ROWS), 24, 5).contains("note"));
}

#[test]
fn a_filling_column_gets_its_least_before_others_are_kept() {
    let columns = || {
        vec![
            Column::new("name", Width::Fill(1), |row: &Row, _| Line::raw(row.1)).least(20),
            Column::new("note", Width::Fixed(10), |_: &Row, _| Line::raw("remark")).keep(1),
        ]
    };
    let mut table = Table::new(columns(), |row: &Row| row.1.to_owned(), "");
    table.set_rows(vec![(1, "a name of twenty let")]);
    assert!(shown(&table, 30, 3).contains("a name of twenty let") && !shown(&table, 30, 3).contains("remark"));
    assert!(shown(&table, 36, 3).contains("remark"));
    assert!(shown(&table, 16, 3).contains('…'));
}

#[test]
fn the_selection_stays_with_its_row_over_sorting_and_reloading() {
    let mut table = table(ROWS);
    table.act(&DOWN);
    assert_eq!(table.selected().unwrap().1, "ada");
    table.act(&SORT);
    assert_eq!((table.position(), table.selected().unwrap().1), (0, "ada"));
    table.set_rows(vec![(1, "aaron"), (10, "ada")]);
    assert_eq!((table.position(), table.selected().unwrap().1), (1, "ada"));
    table.set_rows(vec![(1, "aaron")]);
    assert_eq!(table.selected().unwrap().1, "aaron");
    table.set_rows(Vec::new());
    assert!(table.selected().is_none());
}

#[test]
fn sorting_goes_through_columns_and_back_to_the_given_order() {
    let mut table = table(ROWS);
    let mut orders = Vec::new();
    for _ in 0..5 {
        table.act(&SORT);
        orders.push(table.shown.iter().map(|at| table.rows[*at].1).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(orders, ["ada bob cleo", "cleo bob ada", "cleo bob ada", "ada bob cleo", "cleo ada bob"]);
}

#[test]
fn the_mark_of_the_order_is_seen_where_the_title_fills_its_column() {
    let mut table = table(ROWS);
    table.act(&SORT);
    table.act(&SORT);
    assert!(shown(&table, 40, 5).contains("name▼"));
    table.act(&SORT);
    assert!(shown(&table, 40, 5).contains("points▲"));
}

#[test]
fn the_wheel_moves_the_rows_it_is_over() {
    let mut table = table(ROWS);
    shown(&table, 40, 3);
    let wheel = |row| MouseEvent { kind: MouseEventKind::ScrollDown, column: 3, row, modifiers: KeyModifiers::NONE };
    assert_eq!(table.mouse(wheel(7)), Outcome::Ignored);
    assert_eq!(table.position(), 0);
    assert_eq!(table.mouse(wheel(1)), Outcome::Changed);
    assert_eq!(table.position(), 2);
}

#[test]
fn a_filter_narrows_while_it_is_typed_and_esc_ends_it() {
    let mut table = table(ROWS);
    table.act(&FILTER);
    assert!(table.text_focus());
    press(&mut table, "B");
    assert!(shown(&table, 40, 5).contains("1 of 3"));
    press(&mut table, "enter");
    assert!(!table.text_focus());
    assert_eq!(table.selected().unwrap().1, "bob");
    assert!(table.act(&BACK));
    assert_eq!(table.shown_count(), 3);
    assert!(!table.act(&BACK), "without a filter Esc is the screen's");
}

#[test]
fn a_click_selects_and_a_second_one_opens() {
    let mut table = table(ROWS);
    shown(&table, 40, 5);
    let click = |row| MouseEvent {
        kind: MouseEventKind::Down(MouseButton::Left),
        column: 3,
        row,
        modifiers: KeyModifiers::NONE,
    };
    assert_eq!(table.mouse(click(2)), Outcome::Changed);
    assert_eq!(table.selected().unwrap().1, "ada");
    assert_eq!(table.mouse(click(2)), Outcome::Chosen);
    assert_eq!(table.mouse(click(4)), Outcome::Ignored);
}

#[test]
fn only_rows_on_the_screen_are_drawn() {
    let drawn = Rc::new(Cell::new(0));
    let counter = Rc::clone(&drawn);
    let columns = vec![Column::new("n", Width::Fill(1), move |row: &usize, _| {
        counter.set(counter.get() + 1);
        Line::raw(row.to_string())
    })];
    let mut table = Table::new(columns, usize::to_string, "");
    table.set_rows((0..100_000).collect());
    table.act(&BOTTOM);
    drawn.set(0);
    let look = Look::new(ThemeName::Dark, false);
    let picture = render(20, 11, &look, |area, canvas| table.view(area, canvas, true));
    assert_eq!(drawn.get(), 10);
    assert!(picture.contains("99999") && picture.contains("99990"));
}

#[test]
fn an_empty_table_says_why() {
    assert!(shown(&table(&[]), 40, 5).contains("Nobody is here yet."));
}
