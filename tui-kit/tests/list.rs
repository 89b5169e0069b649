//! A list as the part of a screen: what it asks for, what it shows, where keys and clicks go.

use std::sync::Arc;

use lectern_cli::Session;
use lectern_tui_kit::action::{Action, LIST, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, Program, Reply};
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::{Cx, Screen, Tone};
use lectern_tui_kit::testkit::Harness;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

const SCOPE: Scope = Scope { name: "people", title: "People", groups: &[&LIST] };

#[derive(Debug)]
struct People;

#[derive(Debug, PartialEq)]
struct Load;

type Name = &'static str;
type Answer = Result<Vec<Name>, Failure>;

impl Program for People {
    type Model = ();
    type Effect = Load;
    type Message = Answer;
    type Env = Arc<Session>;
    const NAME: &'static str = "people";
    const SCOPES: &'static [Scope] = &[SCOPE];

    async fn perform(_env: Arc<Session>, _effect: Load, _reply: Reply<Self>) {}

    fn is_change(_effect: &Load) -> bool {
        false
    }

    fn received(_request: RequestId, _answer: Answer, _cx: &mut Cx<'_, Self>) {}

    fn headline((): &()) -> String {
        "zoe".into()
    }

    fn session(env: &Arc<Session>) -> &Session {
        env
    }
}

/// Opening somebody is told at the bottom; `bob` cannot be opened.
struct Roster {
    list: List<Name>,
}

impl Default for Roster {
    fn default() -> Self {
        let columns = vec![Column::new("name", Width::Fill(1), |name: &Name, _| Line::raw(*name))];
        let table = Table::new(columns, |name: &Name| (*name).to_owned(), "Nobody is here yet.");
        Self { list: List::new(table, "the people") }
    }
}

impl Roster {
    fn keeping(keep: fn(&Name) -> bool) -> Self {
        let mut roster = Self::default();
        roster.list.keep_only(keep);
        roster
    }
}

impl Screen<People> for Roster {
    fn scope(&self) -> &'static Scope {
        &SCOPE
    }

    fn title(&self, (): &()) -> String {
        "people".into()
    }

    fn disabled(&self, action: &Action, (): &()) -> Option<String> {
        (*action == OPEN && self.list.selected() == Some(&"bob")).then(|| "Bob is asleep.".into())
    }

    fn opened(&mut self, cx: &mut Cx<'_, People>) {
        self.list.ask(cx, Load);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, People>) -> bool {
        match *action {
            OPEN => {
                if let Some(name) = self.list.selected() {
                    cx.toast(Tone::Good, format!("This is {name}."));
                }
            }
            REFRESH => self.list.ask(cx, Load),
            _ => return self.list.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.list)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.list)
    }

    fn received(&mut self, request: RequestId, answer: Answer, cx: &mut Cx<'_, People>) {
        if let Some(names) = self.list.finish(request, answer) {
            cx.toast(Tone::Plain, format!("{} came.", names.len()));
        }
        if self.list.is_stale() {
            self.list.ask(cx, Load);
        }
    }

    fn changed(&mut self, _change: &Change, cx: &mut Cx<'_, People>) {
        self.list.ask(cx, Load);
    }

    fn view(&self, (): &(), area: Rect, canvas: &mut Canvas<'_>) {
        self.list.view(area, canvas);
    }
}

fn harness(roster: Roster) -> Harness<People> {
    Harness::new((), roster, 1_000_000)
}

/// Somebody's list, with its answer.
fn with(roster: Roster, names: &[Name]) -> Harness<People> {
    let mut people = harness(roster);
    answer(&mut people, Ok(names.to_vec()));
    people
}

/// Answers the question that was asked first.
fn answer(people: &mut Harness<People>, answer: Answer) {
    let asked = people.take(|_| true).expect("the list asks");
    people.finish(&asked, vec![answer]);
}

/// The row of the screen that shows `text`.
fn row_of(people: &Harness<People>, text: &str) -> u16 {
    let screen = people.screen();
    let row = screen.lines().position(|line| line.contains(text)).expect("it is shown");
    u16::try_from(row).expect("screens are small")
}

#[test]
fn changes_while_an_answer_is_on_its_way_are_one_more_question_after_it() {
    let mut people = harness(Roster::default());
    people.assert_shows("Asking for the people");
    for index in 1..=50 {
        people.change(Change::Resync { index });
    }
    assert_eq!(people.effects().count(), 1);
    answer(&mut people, Ok(vec!["ada"]));
    people.assert_shows("ada");
    assert_eq!(people.effects().count(), 1, "what came may be older than the last change");
    answer(&mut people, Ok(vec!["ada", "cleo"]));
    people.assert_shows("cleo");
    assert_eq!(people.effects().count(), 0, "nothing changed since");
}

#[test]
fn an_answer_that_is_not_awaited_changes_nothing_and_is_no_news() {
    let mut people = harness(Roster::default());
    let asked = people.take(|_| true).expect("the list asks");
    people.finish(&asked, vec![Ok(vec!["ada"]), Ok(vec!["ada", "bob", "cleo"])]);
    people.assert_shows("1 came.");
    people.assert_hides("cleo");
}

#[test]
fn what_came_stays_when_a_newer_one_could_not_be_had() {
    let mut people = with(Roster::default(), &["ada"]);
    people.pass(10_000);
    people.keys("ctrl-r");
    answer(&mut people, Err(Failure::local("no leader")));
    people.assert_shows("ada");
    people.assert_shows("This may be old: no leader");
    people.assert_hides("came.");
}

#[test]
fn a_filter_of_rows_also_counts_for_what_comes_later() {
    let mut people = with(Roster::keeping(|name| name.len() == 3), &["ada", "cleo"]);
    people.assert_hides("cleo");
    people.keys("ctrl-r");
    answer(&mut people, Ok(vec!["bob", "dora"]));
    people.assert_shows("bob");
    people.assert_hides("dora");
    people.assert_shows("2 came.");
}

#[test]
fn a_list_opens_on_what_was_known_before_and_asks_all_the_same() {
    let mut roster = Roster::default();
    roster.list.knows(None);
    assert_eq!(roster.list.value(), None);
    roster.list.knows(Some(vec!["ada"]));
    let people = harness(roster);
    people.assert_shows("ada");
    assert_eq!(people.effects().count(), 1);
}

#[test]
fn keys_and_pastes_are_the_parts_while_it_has_text() {
    let mut people = with(Roster::default(), &["ada", "cleo"]);
    people.keys("/ q");
    people.assert_shows("No row contains this.");
    people.keys("backspace");
    people.input(lectern_tui_kit::app::Input::Paste("cle".into()));
    people.assert_shows("1 of 2");
    people.keys("enter enter");
    people.assert_shows("This is cleo.");
}

#[test]
fn a_click_selects_and_a_click_on_the_selected_row_opens_it() {
    let mut people = with(Roster::default(), &["ada", "cleo"]);
    people.pass(10_000);
    let row = row_of(&people, "cleo");
    people.click(3, row);
    people.assert_hides("This is");
    people.click(3, row);
    people.assert_shows("This is cleo.");
}

#[test]
fn a_click_on_what_cannot_be_opened_says_why() {
    let mut people = with(Roster::default(), &["bob"]);
    people.click(3, row_of(&people, "bob"));
    people.assert_hides("This is bob.");
    people.assert_shows("Bob is asleep.");
}
