//! One grade and its feedback.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, REFRESH, Scope};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::Change;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, Screen};
use lectern_tui_kit::widgets::Part;
use lectern_tui_kit::widgets::markdown::MarkdownView;
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{GRADE_SCOPE, TO_ASSIGNMENT};
use crate::effects::{Effect, Message};
use crate::model::{Grades, Model, Place};
use crate::program::Student;
use crate::screens::assignment::AssignmentScreen;
use crate::screens::grades;
use crate::words;

/// The grade.
pub struct GradeScreen {
    place: Place,
    grades: Live<Grades>,
    feedback: MarkdownView,
}

impl GradeScreen {
    /// For an assignment.
    pub fn new(place: Place) -> Self {
        Self { place, grades: Live::default(), feedback: MarkdownView::new("") }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.grades.ask(cx, Effect::Grades { course: self.place.course.clone() });
    }

    fn row(&self) -> Option<&v1::MyGrade> {
        self.grades.value()?.rows.iter().find(|row| row.assignment_slug == self.place.assignment)
    }

    fn arrange(&mut self) {
        let feedback = self.row().and_then(|row| row.grade.as_ref()).map(|grade| grade.feedback.clone());
        self.feedback.set(&feedback.unwrap_or_default());
    }

    fn facts(row: &v1::MyGrade, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let (look, theme) = (canvas.look, canvas.look.theme);
        let mut lines = vec![Line::styled(text::clean(&row.title), theme.title)];
        let Some(grade) = &row.grade else {
            lines.push(Line::from(vec![words::grade_state(row, look), Span::raw(", no grade yet")]));
            return lines;
        };
        let possible = row.points_possible;
        lines.push(Line::from(vec![
            Span::styled(words::score_of(grade.score, possible), theme.accent),
            Span::raw("  "),
            words::grade_state(row, look),
        ]));
        if grade.points_deducted > 0 {
            let (entered, less) = (text::points(grade.entered_score), text::points(grade.points_deducted));
            lines.push(Line::raw(format!("{entered} given, {less} deducted for lateness")));
        }
        let grader = grade.grader.as_ref().map_or_else(String::new, |who| format!(" by {}", text::clean(&who.name)));
        let when = look.time(grade.graded_at_ms);
        lines.push(Line::styled(format!("Attempt {}, graded{grader} {when}", grade.attempt), theme.dim));
        lines
    }
}

impl Screen<Student> for GradeScreen {
    fn scope(&self) -> &'static Scope {
        &GRADE_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        format!("grade of {}", self.place)
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.grades = Live::known(cx.model.grades.get(&self.place.course).cloned());
        self.arrange();
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            TO_ASSIGNMENT => cx.push(AssignmentScreen::new(self.place.clone())),
            REFRESH => self.load(cx),
            _ => return self.feedback.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.feedback)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.feedback)
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        let Message::Grades(grades) = message else { return };
        if !self.grades.finish(request, grades) {
            return;
        }
        if let Some(grades) = self.grades.value() {
            cx.model.grades.insert(self.place.course.clone(), grades.clone());
        }
        self.arrange();
        if self.grades.is_stale() {
            self.load(cx);
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, Student>) {
        if grades::concerns(change) {
            self.load(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let Some(area) = states::room(self.grades.remote(), "this grade", area, canvas) else { return };
        let Some(row) = self.row() else {
            let words = format!("There is no grade for {}.", self.place);
            return canvas.line(area, Line::styled(words, canvas.look.theme.dim));
        };
        let facts = Self::facts(row, canvas);
        let used = u16::try_from(facts.len()).unwrap_or(u16::MAX).saturating_add(1).min(area.height);
        canvas.lines(area, facts);
        let below = Rect { y: area.y + used, height: area.height - used, ..area };
        let inner = if below.height > 5 { canvas.pane(below, "Feedback", true) } else { below };
        if self.feedback.is_empty() {
            let words =
                if row.grade.is_some() { "There is no written feedback." } else { "Feedback comes with the grade." };
            canvas.line(inner, Line::styled(words, canvas.look.theme.dim));
        } else {
            self.feedback.view(inner, canvas, true);
        }
    }
}
