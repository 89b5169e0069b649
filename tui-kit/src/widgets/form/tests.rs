use crossterm::event::KeyModifiers;

use super::*;
use crate::action::SEND;
use crate::chord::Chord;
use crate::testkit::render;
use crate::theme::ThemeName;

/// 24 November 2026, 22:00 UTC.
const NOW: i64 = 1_795_557_600_000;

fn look(plain: bool) -> Look {
    Look { now_ms: NOW, ..Look::new(ThemeName::Dark, plain) }
}

fn form() -> Form {
    Form::new([
        Field::text("title", "Title").required().hint("What students see in the list."),
        Field::body("statement", "Statement").max_bytes(10_000).rows(3),
        Field::choice("kind", "Kind", [("text", "a text"), ("files", "files"), ("quiz", "questions")]),
        Field::date("due", "Due").required(),
        Field::points("points", "Points")
            .value("10")
            .check(|typed| if typed == "0" { Err("More than nothing.".into()) } else { Ok(()) }),
        Field::toggle("published", "Published"),
        Field::paths("files", "Files"),
        Field::secret("key", "Key of the course"),
    ])
}

fn press(form: &mut Form, keys: &str) -> Outcome {
    keys.split(' ').map(|key| form.key(key.parse::<Chord>().unwrap().event())).last().unwrap()
}

fn shown(form: &Form, width: u16, height: u16) -> String {
    render(width, height, &look(false), |area, canvas| form.view(area, canvas, true))
}

/// A form in the middle of being filled in, with one refusal.
fn half_filled() -> Form {
    let mut form = form();
    form.paste("Homework 1");
    form.focus("statement");
    form.paste("Explain why a log that is replicated by a majority survives any minority, and what a reader may see meanwhile.\n\n1. Safety");
    form.focus("due");
    form.paste("2026-12-01 23:59");
    form.focus("points");
    press(&mut form, "ctrl-u 0");
    form.focus("key");
    form.paste("abc");
    assert!(form.check(&look(false)).is_err());
    form
}

#[test]
fn values_are_read_by_name_and_type() {
    let mut form = form();
    assert!(!form.is_dirty());
    form.set("title", "  Homework 1 ");
    form.set("due", "2026-12-01 23:59");
    form.set("points", "12.5");
    form.set("kind", "quiz");
    form.set("published", "true");
    form.set("files", "a.pdf 'my notes.md'");
    form.set("key", " secret ");
    form.editor_mut("statement").paste("one\ntwo");
    assert_eq!(form.check(&look(false)), Ok(()));
    assert_eq!(form.text("title"), "Homework 1");
    assert_eq!(form.text("statement"), "one\ntwo");
    assert_eq!(form.date("due"), Some(1_796_169_599_000));
    assert_eq!((form.points("points"), form.choice("kind"), form.toggle("published")), (Some(125_000), "quiz", true));
    assert_eq!(form.paths("files"), [PathBuf::from("a.pdf"), PathBuf::from("my notes.md")]);
    assert_eq!(form.text("key"), " secret ");
    assert!(form.is_dirty());
    form.saved();
    assert!(!form.is_dirty());
}

#[test]
fn the_first_field_that_will_not_do_gets_the_keyboard_and_each_says_why() {
    let mut form = form();
    form.set("title", "x");
    form.set("due", "tomorrow");
    form.set("points", "0");
    assert_eq!(form.check(&look(false)).unwrap_err().field, "due");
    assert_eq!(form.focused(), "due");
    let picture = shown(&form, 80, 24);
    assert!(picture.contains("✗ `tomorrow` is no date") && picture.contains("✗ More than nothing."), "{picture}");
    press(&mut form, "left");
    assert!(shown(&form, 80, 24).contains("is no date"), "moving the cursor changes nothing");
    press(&mut form, "x");
    assert!(!shown(&form, 80, 24).contains("is no date"));
}

#[test]
fn a_refusal_of_the_server_is_shown_where_it_belongs_and_what_was_typed_stays() {
    let mut form = form();
    form.set("title", "Homework 1");
    form.set_busy(true);
    press(&mut form, "x");
    assert!(shown(&form, 80, 24).contains("Sending"));
    assert!(form.set_error("title", "There is a \u{1b}Homework 1 already."));
    assert!(!form.is_busy());
    let picture = shown(&form, 80, 24);
    assert!(picture.contains("✗ There is a Homework 1 already.") && picture.contains("Homework 1x"), "{picture}");
    assert!(!form.set_error("slug", "Unknown here."));
}

#[test]
fn enter_goes_on_and_in_the_last_field_is_the_wish_to_send() {
    let mut form = form();
    assert_eq!((press(&mut form, "enter"), form.focused()), (Outcome::Changed, "statement"));
    press(&mut form, "enter");
    assert_eq!((form.text("statement").as_str(), form.focused()), ("\n", "statement"));
    assert!(form.act(&NEXT_FIELD));
    assert!(!form.text_focus(), "keys are actions on a choice");
    press(&mut form, "right space");
    assert_eq!(form.choice("kind"), "quiz");
    press(&mut form, "right left left down");
    assert_eq!((form.choice("kind"), form.focused()), ("files", "due"));
    assert!(form.act(&PREVIOUS_FIELD) && form.act(&PREVIOUS_FIELD) && form.act(&PREVIOUS_FIELD));
    assert!(form.act(&PREVIOUS_FIELD) && !form.act(&SEND));
    assert_eq!((press(&mut form, "enter"), form.focused()), (Outcome::Chosen, "key"));
    assert_eq!(press(&mut form, "esc"), Outcome::Left);
}

#[test]
fn a_date_is_understood_while_it_is_typed_and_its_words_change_in_time() {
    let mut form = form();
    shown(&form, 80, 24);
    assert_eq!(form.wakes_at(), None);
    form.set("due", "2026-12-01 23:59");
    assert!(shown(&form, 80, 24).contains("Tue 1 Dec 23:59 UTC, in 7 days 1 hour"));
    assert!(form.wakes_at().is_some_and(|at| at > NOW && at <= NOW + 3_600_000));
    form.set("due", "+30m");
    assert!(shown(&form, 40, 30).contains("Tue 24 Nov 22:30 UTC, in 30 min"));
}

#[test]
fn clicks_give_the_keyboard_and_choose() {
    let mut form = form();
    shown(&form, 80, 40);
    let click = |form: &mut Form, name: &str, column: u16| {
        let drawn = form.field(name).drawn.get();
        let kind = MouseEventKind::Down(MouseButton::Left);
        form.mouse(MouseEvent { kind, column: drawn.x + column, row: drawn.y, modifiers: KeyModifiers::NONE })
    };
    assert_eq!(click(&mut form, "kind", 14), Outcome::Changed);
    assert_eq!((form.focused(), form.choice("kind")), ("kind", "files"));
    click(&mut form, "published", 0);
    assert!(form.toggle("published"));
    shown(&form, 34, 40);
    click(&mut form, "kind", 0);
    assert_eq!(form.choice("kind"), "quiz", "where one option is shown, a click goes to the next");
}

#[test]
fn the_field_with_the_keyboard_is_seen_on_the_smallest_screen() {
    let mut form = half_filled();
    for _ in 0..form.fields.len() {
        form.act(&NEXT_FIELD);
        let label = form.fields[form.focused].label.clone();
        for (width, height) in [(40, 10), (80, 10), (40, 5), (20, 3)] {
            let picture = shown(&form, width, height);
            assert!(picture.contains(&label[..5.min(label.len())]), "{label} at {width}×{height}\n{picture}");
            let drawn = form.fields[form.focused].drawn.get();
            assert!(drawn.height > 0, "{label} at {width}×{height}\n{picture}");
            assert_eq!(picture.contains("cursor"), form.text_focus(), "{label} at {width}×{height}\n{picture}");
        }
    }
}

#[test]
fn pictures_of_a_form() {
    let form = half_filled();
    insta::assert_snapshot!("form_80x24", shown(&form, 80, 24));
    insta::assert_snapshot!("form_40x12", shown(&form, 40, 12));
    let plain = render(80, 24, &look(true), |area, canvas| form.view(area, canvas, true));
    insta::assert_snapshot!("form_80x24_plain", plain);
    let mut form = half_filled();
    form.focus("kind");
    form.set_busy(true);
    insta::assert_snapshot!("form_30x12_choice", shown(&form, 30, 12));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn any_keys_at_any_size_are_survived(
        steps in proptest::collection::vec((0_usize..20, 0_u16..120, 0_u16..40), 0..40),
        plain: bool,
    ) {
        let names = ["a", "enter", "backspace", "left", "right", "up", "down", "space", "0", "+", "d", "ctrl-u", "esc"];
        let mut form = form();
        for (step, width, height) in steps {
            match names.get(step) {
                Some(key) => drop(press(&mut form, key)),
                None => match step {
                    13 => drop(form.act(&PREVIOUS_FIELD)),
                    14 => drop(form.check(&look(plain))),
                    15 => form.set_busy(width % 2 == 0),
                    16 => form.paste("two\nlines"),
                    17 => drop(form.set_error("points", "Too many of them, says the server, at some length.")),
                    _ => {
                        for kind in [MouseEventKind::Down(MouseButton::Left), MouseEventKind::ScrollDown] {
                            let modifiers = KeyModifiers::NONE;
                            form.mouse(MouseEvent { kind, column: width / 2, row: height / 2, modifiers });
                        }
                    }
                },
            }
            form.act(&NEXT_FIELD);
            render(width, height, &look(plain), |area, canvas| form.view(area, canvas, true));
        }
    }
}
