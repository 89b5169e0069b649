//! The submissions of an assignment: what waits for a grade, and everyone else.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change as Changed, concerns};
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::{Confirm, Screen, Tone};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::list::List;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::assignment_form;
use super::deed::Deed;
use super::grading::GradingScreen;
use super::words;
use crate::actions::{self, EDIT, HIDE, POST, UNGRADED};
use crate::effects::{Change, Effect, Made, Message, Read};
use crate::model::{Hw, Model};
use crate::program::{Cx, Instructor};

/// The submissions of an assignment.
pub struct QueueScreen {
    hw: Hw,
    course_id: Option<String>,
    assignment: Live<v1::Assignment>,
    list: List<v1::SubmissionSummary>,
    ungraded_only: bool,
    posting: Deed,
}

impl QueueScreen {
    /// Of an assignment that a list knows.
    pub fn new(assignment: v1::Assignment) -> Self {
        let hw = Hw { course: assignment.course_slug.clone(), assignment: assignment.slug.clone() };
        let course_id = Some(assignment.course_id.clone()).filter(|id| !id.is_empty());
        let table = Table::new(
            columns(),
            |row: &v1::SubmissionSummary| words::username(row.submitter.as_ref()),
            "Nobody is here: this course has no students yet, or nothing waits for a grade (w shows everyone).",
        );
        Self {
            hw,
            course_id,
            assignment: Live::known(Some(assignment)),
            list: List::new(table, "the submissions"),
            ungraded_only: false,
            posting: Deed::default(),
        }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.load_rows(cx);
        self.load_assignment(cx);
    }

    fn load_rows(&mut self, cx: &mut Cx<'_>) {
        self.list.ask(cx, Effect::Read(Read::Submissions(self.hw.clone())));
    }

    fn load_assignment(&mut self, cx: &mut Cx<'_>) {
        self.assignment.ask(cx, Effect::Read(Read::Assignment(self.hw.clone())));
    }

    fn settings(&self) -> v1::AssignmentSettings {
        self.assignment.value().and_then(|it| it.settings.clone()).unwrap_or_default()
    }

    /// All submissions, whatever is shown of them.
    fn rows(&self) -> &[v1::SubmissionSummary] {
        self.list.value().map(Vec::as_slice).unwrap_or_default()
    }

    fn grade(&self, cx: &mut Cx<'_>) {
        let shown: Vec<v1::PersonRef> = self.list.table().shown().filter_map(|row| row.submitter.clone()).collect();
        if !shown.is_empty() {
            let at = self.list.table().position();
            cx.push(GradingScreen::new(self.hw.clone(), self.settings().points_possible, shown, at));
        }
    }

    fn ask_post(&mut self, hide: bool, cx: &mut Cx<'_>) {
        let rows = self.rows();
        let grades = rows.iter().filter_map(|row| row.grade.as_ref());
        let (posted, hidden): (Vec<&v1::Grade>, Vec<&v1::Grade>) = grades.partition(|grade| grade.posted);
        let title = text::clean(&self.settings().title);
        let confirm = if hide {
            Confirm {
                question: format!("Hide the grades of {} ({title})?", self.hw.assignment),
                consequence: format!("{} no longer see their score and feedback.", people(posted.len())),
                yes: "hide".into(),
            }
        } else {
            let ungraded = rows.iter().filter(|row| words::needs_grading(row)).count();
            let rest =
                if ungraded > 0 { format!(" {} still without a grade.", people(ungraded)) } else { String::new() };
            Confirm {
                question: format!("Post the grades of {} ({title})?", self.hw.assignment),
                consequence: format!("{} will see their score and feedback.{rest}", people(hidden.len())),
                yes: "post".into(),
            }
        };
        let change = Change::PostGrades(v1::PostGradesRequest {
            course: self.hw.course.clone(),
            assignment: self.hw.assignment.clone(),
            users: Vec::new(),
            hide,
        });
        self.posting.ask(confirm, change, cx);
    }

    fn posted(&mut self, request: RequestId, result: Result<Box<Made>, Failure>, cx: &mut Cx<'_>) {
        let Some(made) = self.posting.finish(request, result, cx) else { return };
        if let Made::PostGrades(answer) = made {
            cx.toast(Tone::Good, format!("Done: {} changed.", text::count(answer.changed, "grade")));
        }
        self.load(cx);
    }

    fn view_head(&self, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let settings = self.settings();
        let rows = self.rows();
        let handed_in = rows.iter().filter(|row| row.attempts > 0).count();
        let graded = rows.iter().filter(|row| row.grade.is_some()).count();
        let posted = rows.iter().filter(|row| row.grade.as_ref().is_some_and(|grade| grade.posted)).count();
        let waiting = rows.iter().filter(|row| words::needs_grading(row)).count();
        let due = match settings.due_at_ms {
            Some(due) => format!("due {}", words::date_and_distance(due, canvas.look)),
            None => "no due date".into(),
        };
        let separator = format!(" {} ", canvas.look.glyphs.separator);
        let facts = [
            format!("{} points", text::points(settings.points_possible)),
            due,
            if settings.published { "published".into() } else { "NOT published".into() },
        ];
        let sums = Line::from(vec![
            Span::raw(format!("{handed_in} of {} handed in{separator}", rows.len())),
            Span::styled(format!("{waiting} to grade"), if waiting > 0 { theme.accent } else { theme.good }),
            Span::raw(format!("{separator}{graded} graded{separator}{posted} posted")),
        ]);
        canvas.lines(area, [Line::styled(facts.join(&separator), theme.dim), sums]);
    }
}

fn people(count: usize) -> String {
    match count {
        0 => "No students".into(),
        _ => text::count(count as u64, "student"),
    }
}

impl Screen<Instructor> for QueueScreen {
    fn scope(&self) -> &'static Scope {
        &actions::QUEUE_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        self.hw.assignment.clone()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        let on_their_way = model.desk.under_way(&self.hw);
        let has =
            |posted: bool| self.rows().iter().any(|row| row.grade.as_ref().is_some_and(|grade| grade.posted == posted));
        match *action {
            OPEN if self.list.selected().is_none() => Some("There is no submission to grade.".into()),
            POST | HIDE if self.posting.is_under_way() => Some("The last change is still on its way.".into()),
            POST if on_their_way > 0 => {
                Some(format!("{} still being saved; post when they are.", text::count(on_their_way as u64, "grade")))
            }
            POST if !has(false) => Some("There is no hidden grade to post.".into()),
            HIDE if !has(true) => Some("There is no posted grade to hide.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.list.knows(cx.model.known.submissions.get(&self.hw).cloned());
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        self.list.knows(cx.model.known.submissions.get(&self.hw).cloned());
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            OPEN => self.grade(cx),
            UNGRADED => {
                self.ungraded_only = !self.ungraded_only;
                let only = self.ungraded_only;
                self.list.keep_only(move |row| !only || words::needs_grading(row));
            }
            POST => self.ask_post(false, cx),
            HIDE => self.ask_post(true, cx),
            EDIT => {
                if let Some(assignment) = self.assignment.value() {
                    cx.push(assignment_form::edit(assignment, cx.model));
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
            Message::Submissions(hw, result) => {
                if let Ok(rows) = &result {
                    cx.model.desk.heard_all(&hw, rows);
                    cx.model.known.submissions.insert(hw, rows.clone());
                }
                self.list.finish(request, result);
                // Each by itself: an answer to one that asked for the other again would go on for ever.
                if self.list.is_stale() {
                    self.load_rows(cx);
                }
            }
            Message::Assignment(result) => {
                self.assignment.finish(request, result);
                if self.assignment.is_stale() {
                    self.load_assignment(cx);
                }
            }
            Message::Changed(result) => self.posted(request, result, cx),
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        self.posting.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Changed, cx: &mut Cx<'_>) {
        use v1::EventKind::{Assignment, Enrollment, Grade, Submission};
        let id = self.course_id.as_deref();
        if concerns(change, id, &[Assignment, Enrollment, Grade, Submission]) {
            self.load(cx);
        }
    }

    fn wakes_at(&self, _model: &Model, now_ms: i64) -> Option<i64> {
        self.settings().due_at_ms.map(|due| text::distance_changes_at(due, now_ms))
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let title = format!("{}: {}", self.hw.assignment, text::clean(&self.settings().title));
        let title = if self.ungraded_only { format!("{title} (to grade)") } else { title };
        let inner = canvas.pane(area, &title, true);
        self.view_head(inner, canvas);
        let below = Rect { y: inner.y.saturating_add(3), height: inner.height.saturating_sub(3), ..inner };
        self.list.view(below, canvas);
    }
}

fn columns() -> Vec<Column<v1::SubmissionSummary>> {
    type Row = v1::SubmissionSummary;
    vec![
        Column::new("student", Width::Fill(2), |row: &Row, _| Line::raw(words::name(row.submitter.as_ref())))
            .least(20)
            .sorted_by(|a, b| words::name(a.submitter.as_ref()).cmp(&words::name(b.submitter.as_ref()))),
        Column::new("handed in", Width::Fixed(11), |row: &Row, look| words::handed_in(row, look))
            .keep(1)
            .sorted_by(|a, b| (a.missing, a.late, a.state).cmp(&(b.missing, b.late, b.state))),
        Column::new("when", Width::Fixed(17), |row: &Row, look| Line::raw(look.optional_time(row.submitted_at_ms)))
            .keep(2)
            .sorted_by(|a, b| a.submitted_at_ms.cmp(&b.submitted_at_ms)),
        Column::new("tries", Width::Fixed(5), |row: &Row, _| Line::raw(row.attempts.to_string())).right().keep(3),
        Column::new("score", Width::Fixed(7), |row: &Row, look| words::grade(row.grade.as_ref(), look))
            .right()
            .sorted_by(|a, b| {
                let score = |row: &Row| row.grade.as_ref().map(|grade| grade.score);
                score(a).cmp(&score(b))
            }),
        Column::new("", Width::Fixed(8), |row: &Row, look| {
            if words::needs_grading(row) {
                Line::styled("to grade", look.theme.accent)
            } else {
                words::posted(row.grade.as_ref(), look)
            }
        }),
    ]
}
