//! The groups of a course: weights, what is dropped, and the grading scheme.

use lectern_cli::format;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change as Changed, concerns};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Screen, Tone};
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::deed::Deed;
use super::group_form;
use crate::actions::{self, ADD, DELETE, EDIT, POLICY};
use crate::commands::policy::levels_in_words;
use crate::effects::{Change, Effect, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// The groups.
pub struct GroupsScreen {
    course: String,
    list: List<v1::AssignmentGroup, v1::GetGradingPolicyResponse>,
    deleting: Deed,
}

impl GroupsScreen {
    /// Of the course `course`.
    pub fn new(course: &str) -> Self {
        let table = Table::new(columns(), |it: &v1::AssignmentGroup| it.slug.clone(), EMPTY);
        let list = List::of(table, "the groups", |read: &v1::GetGradingPolicyResponse| read.groups.clone());
        Self { course: course.to_owned(), list, deleting: Deed::default() }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Policy(self.course.clone())));
    }

    fn edit(&self, cx: &mut Cx<'_>) {
        let Some(group) = self.list.selected() else { return };
        let assignments = cx.model.known.assignments.get(&self.course).cloned().unwrap_or_default();
        cx.push(group_form::edit(&self.course, group, &assignments));
    }

    fn ask_delete(&mut self, cx: &mut Cx<'_>) {
        let Some(group) = self.list.selected().cloned() else { return };
        let confirm = Confirm {
            question: format!("Delete the group {}?", group.slug),
            consequence: "It goes only where no assignment is in it.".into(),
            yes: "delete".into(),
        };
        let request = v1::DeleteAssignmentGroupRequest {
            course: self.course.clone(),
            group: group.group_id,
            reason: String::new(),
        };
        self.deleting.ask(confirm, Change::DeleteGroup(request), cx);
    }
}

impl Screen<Instructor> for GroupsScreen {
    fn scope(&self) -> &'static Scope {
        &actions::GROUPS_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "weights".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            OPEN | EDIT | DELETE if self.list.selected().is_none() => Some("There is no group.".into()),
            POLICY if self.list.value().is_none() => Some("The policy is not here yet.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.list.knows(cx.model.known.policies.get(&self.course).cloned());
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            ADD => cx.push(group_form::create(&self.course)),
            EDIT | OPEN => self.edit(cx),
            DELETE => self.ask_delete(cx),
            POLICY => {
                if let Some(read) = self.list.value() {
                    cx.push(group_form::policy(&self.course, read));
                }
            }
            REFRESH => self.load(cx),
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

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Policy(_, result) => {
                if let Some(read) = self.list.finish(request, result) {
                    cx.model.known.policies.insert(self.course.clone(), read.clone());
                }
                if self.list.is_stale() {
                    self.load(cx);
                }
            }
            Message::Changed(result) => {
                if self.deleting.finish(request, result, cx).is_some() {
                    cx.toast(Tone::Good, "The group is deleted.");
                    self.load(cx);
                }
            }
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        self.deleting.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Changed, cx: &mut Cx<'_>) {
        if concerns(change, cx.model.course_id(&self.course), &[v1::EventKind::Grading]) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Groups and weights", true);
        let Some(room) = self.list.room(inner, canvas) else { return };
        let Some(read) = self.list.value() else { return };
        let theme = canvas.look.theme;
        let weights: i64 =
            read.groups.iter().filter_map(|it| it.settings.as_ref()).map(|it| i64::from(it.weight)).sum();
        let weights = match weights {
            0 => "No group has a weight: points are added up.".to_owned(),
            sum => format!("The weights come to {}.", format::percent(Some(sum))),
        };
        let levels = read.policy.as_ref().map(|policy| levels_in_words(&policy.levels)).unwrap_or_default();
        let scheme =
            if levels.is_empty() { "No grading scheme; p makes one.".into() } else { format!("Scheme {levels}") };
        let lines = [Line::styled(weights, theme.dim), Line::styled(scheme, theme.dim)];
        let rows = 2.min(room.height / 2);
        let table = Rect { height: room.height - rows, ..room };
        self.list.table().view(table, canvas, true);
        canvas.lines(Rect { y: table.bottom(), height: rows, ..room }, lines);
    }
}

const EMPTY: &str = "There are no groups yet; a makes one.";

fn columns() -> Vec<Column<v1::AssignmentGroup>> {
    let settings = |it: &v1::AssignmentGroup| it.settings.clone().unwrap_or_default();
    vec![
        Column::new("group", Width::Fixed(12), |it: &v1::AssignmentGroup, _| Line::raw(it.slug.clone())),
        Column::new("name", Width::Fill(1), move |it: &v1::AssignmentGroup, _| Line::raw(settings(it).name)),
        Column::new("weight", Width::Fixed(8), move |it: &v1::AssignmentGroup, look| match settings(it).weight {
            0 => Line::styled(look.glyphs.dash, look.theme.dim),
            weight => Line::raw(format::percent(Some(weight.into()))),
        })
        .right(),
        Column::new("dropped", Width::Fixed(22), move |it: &v1::AssignmentGroup, look| {
            let settings = settings(it);
            match (settings.drop_lowest, settings.drop_highest) {
                (0, 0) => Line::styled(look.glyphs.dash, look.theme.dim),
                (lowest, 0) => Line::raw(format!("{lowest} lowest")),
                (0, highest) => Line::raw(format!("{highest} highest")),
                (lowest, highest) => Line::raw(format!("{lowest} lowest, {highest} highest")),
            }
        })
        .keep(1),
    ]
}
