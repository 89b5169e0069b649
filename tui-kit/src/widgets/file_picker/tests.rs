use super::*;
use crate::chord::Chord;
use crate::testkit::{draw, render};
use crate::theme::ThemeName;

fn entry(dir: &str, name: &str, size: Option<u64>) -> Entry {
    Entry { name: name.into(), path: Path::new(dir).join(name), is_dir: size.is_none(), size: size.unwrap_or(0) }
}

/// A small disk.
fn listing(dir: &Path) -> Result<Listing, Failure> {
    let name = dir.to_str().unwrap();
    let entries = match name {
        "/" => vec![entry("/", "home", None)],
        "/home" => vec![entry("/home", "ada", None), entry("/home", "bob", None)],
        "/home/ada" => vec![
            entry(name, ".config", None),
            entry(name, "course", None),
            entry(name, ".profile", Some(807)),
            entry(name, "hw1.md", Some(2_150)),
            entry(name, "hw2.pdf", Some(3 << 20)),
            entry(name, "notes.txt", Some(90)),
        ],
        "/home/ada/course" => vec![entry(name, "slides.pdf", Some(7 << 20))],
        _ => return Err(Failure::local(format!("{name}: No such file or directory"))),
    };
    Ok(Listing { dir: dir.to_owned(), entries })
}

/// Gives the picker what it wants until it wants nothing.
fn settle(picker: &mut FilePicker) {
    for _ in 0..10 {
        match picker.wants() {
            Some(dir) => picker.listed(listing(&dir)),
            None => return,
        }
    }
    panic!("the picker asks for ever");
}

fn at_home() -> FilePicker {
    let mut picker = FilePicker::new("/home/ada", "/home/ada");
    settle(&mut picker);
    picker
}

fn press(picker: &mut FilePicker, keys: &str) -> Outcome {
    let outcomes = keys.split(' ').map(|key| picker.key(key.parse::<Chord>().unwrap().event()));
    outcomes.last().unwrap_or(Outcome::Ignored)
}

fn type_path(picker: &mut FilePicker, path: &str, keys: &str) -> Outcome {
    picker.act(&TYPE_PATH);
    press(picker, "ctrl-u");
    picker.paste(path);
    let outcome = press(picker, keys);
    settle(picker);
    outcome
}

fn shown(picker: &FilePicker, width: u16, height: u16) -> String {
    shown_with(picker, width, height, &Look::new(ThemeName::Dark, false))
}

fn shown_with(picker: &FilePicker, width: u16, height: u16, look: &Look) -> String {
    render(width, height, look, |area, canvas| picker.view(area, canvas, true))
}

#[test]
fn enter_goes_into_a_directory_and_leaves_a_file_to_the_screen() {
    let mut picker = at_home();
    assert_eq!(picker.chosen(), Vec::<PathBuf>::new(), "a directory is not chosen");
    assert!(picker.act(&OPEN));
    settle(&mut picker);
    assert_eq!(picker.dir(), Path::new("/home/ada/course"));
    assert!(!picker.act(&OPEN));
    assert_eq!(picker.chosen(), [PathBuf::from("/home/ada/course/slides.pdf")]);
}

#[test]
fn going_up_selects_the_directory_that_was_left_until_the_root() {
    let mut picker = at_home();
    assert!(picker.act(&PARENT));
    settle(&mut picker);
    assert_eq!(picker.table.selected().unwrap().name, "ada");
    picker.act(&PARENT);
    settle(&mut picker);
    assert_eq!(picker.dir(), Path::new("/"));
    assert!(!picker.act(&PARENT));
}

#[test]
fn hidden_files_are_shown_when_they_are_asked_for() {
    let mut picker = at_home();
    assert!(!shown(&picker, 60, 10).contains(".profile"));
    picker.act(&HIDDEN);
    assert!(shown(&picker, 60, 10).contains(".profile"));
    picker.act(&HIDDEN);
    assert!(!shown(&picker, 60, 10).contains(".config"));
}

#[test]
fn marked_files_are_chosen_over_the_selected_one_in_whatever_directory() {
    let mut picker = at_home();
    picker.act(&MARK);
    assert_eq!(picker.chosen(), Vec::<PathBuf>::new(), "a directory is not marked");
    picker.act(&DOWN);
    picker.act(&MARK);
    picker.act(&MARK);
    picker.act(&TOP);
    picker.act(&OPEN);
    settle(&mut picker);
    assert_eq!(picker.chosen(), [PathBuf::from("/home/ada/hw1.md"), PathBuf::from("/home/ada/hw2.pdf")]);
    assert!(shown(&picker, 60, 10).contains("2 marked, 3.0 MiB"));
    picker.act(&PARENT);
    settle(&mut picker);
    picker.act(&DOWN);
    picker.act(&MARK);
    assert_eq!(picker.chosen(), [PathBuf::from("/home/ada/hw2.pdf")]);
}

#[test]
fn a_filter_narrows_and_ends_with_the_directory() {
    let mut picker = at_home();
    picker.act(&FILTER);
    assert!(picker.text_focus());
    press(&mut picker, "c o u enter");
    picker.act(&OPEN);
    settle(&mut picker);
    assert!(!picker.text_focus());
    assert!(shown(&picker, 60, 10).contains("slides.pdf"));
}

#[test]
fn a_typed_path_is_gone_to_selected_or_chosen() {
    let mut picker = at_home();
    assert_eq!(type_path(&mut picker, "hw2.pdf", "enter"), Outcome::Chosen);
    assert_eq!(picker.chosen(), [PathBuf::from("/home/ada/hw2.pdf")]);
    assert_eq!(type_path(&mut picker, "course/slides.pdf", "enter"), Outcome::Changed);
    assert_eq!((picker.dir(), picker.text_focus()), (Path::new("/home/ada/course"), false));
    assert_eq!(picker.chosen(), [PathBuf::from("/home/ada/course/slides.pdf")]);
    type_path(&mut picker, "~/../bob/..", "enter");
    assert_eq!(picker.dir(), Path::new("/home"));
    type_path(&mut picker, "~/.profile", "enter");
    assert_eq!(picker.chosen(), [PathBuf::from("/home/ada/.profile")], "what is hidden is shown when it is named");
}

#[test]
fn a_path_that_is_not_there_says_so_and_the_old_directory_stays() {
    let mut picker = at_home();
    type_path(&mut picker, "hw9.md", "enter");
    assert!(shown(&picker, 60, 10).contains("There is no `hw9.md` here."));
    type_path(&mut picker, "/nowhere/", "enter");
    let picture = shown(&picker, 60, 10);
    assert!(picture.contains("No such file") && picture.starts_with("/home/ada") && picture.contains("hw1.md"));
    picker.refresh();
    settle(&mut picker);
    assert!(!shown(&picker, 60, 10).contains("No such file"));
}

#[test]
fn tab_completes_from_the_directory_that_is_typed() {
    let mut picker = at_home();
    type_path(&mut picker, "h", "tab");
    assert_eq!(picker.path.text(), "hw");
    press(&mut picker, "tab");
    assert!(shown(&picker, 60, 10).contains("2 entries begin with `hw`."));
    press(&mut picker, "1 tab");
    assert_eq!(picker.path.text(), "hw1.md");
    type_path(&mut picker, "~/cou", "tab");
    assert_eq!(picker.path.text(), "~/course/");
    press(&mut picker, "s tab");
    settle(&mut picker);
    assert_eq!(picker.path.text(), "~/course/slides.pdf");
    assert_eq!(press(&mut picker, "enter"), Outcome::Chosen);
}

#[test]
fn a_file_dropped_on_the_terminal_is_a_typed_path() {
    let mut picker = at_home();
    picker.paste("'/home/ada/notes.txt' ");
    assert!(picker.text_focus());
    assert_eq!(press(&mut picker, "enter"), Outcome::Chosen);
    assert_eq!(picker.chosen(), [PathBuf::from("/home/ada/notes.txt")]);
}

#[test]
fn a_listing_that_is_no_longer_awaited_is_dropped() {
    let mut picker = at_home();
    picker.act(&OPEN);
    let course = picker.wants().unwrap();
    picker.act(&PARENT);
    picker.listed(listing(&course));
    assert_eq!(picker.dir(), Path::new("/home/ada"));
    settle(&mut picker);
    assert_eq!(picker.dir(), Path::new("/home"));
}

#[test]
fn it_is_drawn_well_at_every_size() {
    let mut picker = at_home();
    picker.act(&DOWN);
    picker.act(&MARK);
    insta::assert_snapshot!("picker_80x24", shown(&picker, 80, 24));
    insta::assert_snapshot!("picker_plain", shown_with(&picker, 80, 12, &Look::new(ThemeName::Mono, true)));
    type_path(&mut picker, "/nowhere/at/all", "enter");
    insta::assert_snapshot!("picker_failed_40x12", shown(&picker, 40, 12));
    picker.act(&TYPE_PATH);
    insta::assert_snapshot!("picker_typing_40x12", shown(&picker, 40, 12));
    let waiting = FilePicker::new("/home/ada", "/home/ada");
    insta::assert_snapshot!("picker_loading_40x12", shown(&waiting, 40, 12));
}

#[test]
fn its_keys_do_not_clash() {
    const SCOPES: &[crate::action::Scope] =
        &[crate::action::Scope { name: "pick", title: "Choosing a file", groups: &[&PICKER] }];
    crate::testkit::check_scopes(SCOPES);
}

proptest::proptest! {
    #[test]
    fn any_steps_at_any_size_are_survived(
        steps in proptest::collection::vec(0_usize..22, 0..40),
        width in 0_u16..300,
        height in 0_u16..100,
    ) {
        let mut picker = FilePicker::new("/home/ada", "/home/ada");
        for step in steps {
            match step {
                0..8 => settle(&mut picker),
                8 => drop(press(&mut picker, "tab")),
                9 => drop(press(&mut picker, "enter")),
                10 => picker.paste("~/c"),
                11 => picker.listed(Err(Failure::local("gone"))),
                12 => picker.listed(listing(Path::new("/"))),
                13 => picker.refresh(),
                other => {
                    let actions = [OPEN, PARENT, MARK, HIDDEN, TYPE_PATH, FILTER, DOWN, BACK];
                    picker.act(&actions[other - 14]);
                }
            }
            let look = Look::new(ThemeName::Dark, step % 2 == 0);
            draw(width, height, &look, |area, canvas| picker.view(area, canvas, true));
            picker.chosen();
        }
    }
}
