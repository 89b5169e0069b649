//! Grading: the work beside its score and feedback. The next one is here before it is asked for, and nothing that was
//! typed hangs on the network: it is in the model's desk, from where it goes to the cluster in the background.

mod parts;
mod students;
mod view;

use std::cell::Cell;
use std::rc::Rc;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseEvent};
use lectern_cli::format::points;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, BACK, REFRESH, Scope};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, KitAnswer, concerns};
use lectern_tui_kit::remote::{Failure, Remote, RequestId};
use lectern_tui_kit::screen::{Confirm, KitWork, Screen, Tone};
use lectern_tui_kit::shared::{self, material};
use lectern_tui_kit::widgets::Outcome;
use lectern_tui_kit::widgets::editor::Editor;
use lectern_tui_kit::widgets::scroll::Scroll;
use ratatui::layout::Rect;

use super::words;
use crate::actions::{
    self, EDIT_FEEDBACK, FEEDBACK, FULL, NEXT, NEXT_FROM_TEXT, NEXT_PART, NEXT_UNGRADED, OUTSIDE, PREVIOUS,
    PREVIOUS_FROM_TEXT, PREVIOUS_PART, REVERT, SAVE, STUDENTS,
};
use crate::effects::{Effect, Message, Read, Work};
use crate::model::{Hw, Model, Place};
use crate::program::{Cx, Instructor};
use parts::{Part, Shown};
use students::StudentsScreen;

/// Works that are asked for ahead of the person, and the one behind.
const AHEAD: usize = 3;
/// The largest feedback that is taken.
const FEEDBACK_BYTES: usize = 64 * 1024;

/// Grading the work of one student after the other.
pub struct GradingScreen {
    hw: Hw,
    course_id: Option<String>,
    points_possible: i64,
    students: Vec<v1::PersonRef>,
    at: usize,
    /// Where the list of students sends the person.
    jump: Rc<Cell<Option<usize>>>,
    part: usize,
    shown: Shown,
    scroll: Scroll,
    feedback: Editor,
    writing: bool,
    rows: Live<()>,
    fetching: Option<RequestId>,
    reverting: RequestId,
}

impl GradingScreen {
    /// Grades the work of these students, beginning with the one at `at`.
    pub fn new(hw: Hw, points_possible: i64, students: Vec<v1::PersonRef>, at: usize) -> Self {
        Self {
            hw,
            course_id: None,
            points_possible,
            at: at.min(students.len().saturating_sub(1)),
            students,
            jump: Rc::default(),
            part: 0,
            shown: Shown::default(),
            scroll: Scroll::default(),
            feedback: Editor::new("").max_bytes(FEEDBACK_BYTES),
            writing: false,
            rows: Live::default(),
            fetching: None,
            reverting: RequestId::default(),
        }
    }

    fn place_of(&self, at: usize) -> Option<Place> {
        let user = self.students.get(at)?.username.clone();
        Some(Place { hw: self.hw.clone(), user })
    }

    fn place(&self) -> Place {
        self.place_of(self.at).unwrap_or_default()
    }

    fn work<'m>(&self, model: &'m Model) -> Option<&'m Work> {
        model.desk.work(&self.place()).and_then(Remote::value)
    }

    /// Asks for this work and its neighbours, where they are not here.
    fn prefetch(&self, cx: &mut Cx<'_>) {
        let ahead = self.at..=self.at + AHEAD;
        for at in ahead.chain(self.at.checked_sub(1)) {
            let Some(place) = self.place_of(at) else { continue };
            if let Some(read) = cx.model.desk.wanted(&place) {
                let request = cx.run(read);
                cx.model.desk.asked(&place, request);
            }
        }
    }

    /// Takes what is typed from the fields, and hands it to the cluster. What is not complete stays typed.
    fn hand_over(&mut self, cx: &mut Cx<'_>) {
        let place = self.place();
        self.stop_writing(cx);
        match cx.model.desk.hand_over(&place) {
            Ok(Some(effect)) => drop(cx.run(effect)),
            Ok(None) => {}
            Err(why) => cx.toast(Tone::Bad, format!("{}: {why}", self.name())),
        }
    }

    fn name(&self) -> String {
        words::name(self.students.get(self.at))
    }

    fn go_to(&mut self, at: usize, cx: &mut Cx<'_>) {
        self.hand_over(cx);
        self.at = at;
        self.part = 0;
        self.scroll.to_start();
        self.prefetch(cx);
    }

    fn next_ungraded(&mut self, cx: &mut Cx<'_>) {
        self.hand_over(cx);
        let waits = |at: &usize| {
            self.place_of(*at).is_some_and(|place| {
                cx.model.desk.grade(&place).is_none_or(|grade| !grade.grade_matches_current_submission)
                    && !matches!(cx.model.desk.standing(&place), crate::model::desk::Standing::Pending)
            })
        };
        match (self.at + 1..self.students.len()).find(waits) {
            Some(at) => self.go_to(at, cx),
            None => cx.toast(Tone::Plain, "Nobody after this student waits for a grade."),
        }
    }

    fn type_score(&mut self, key: KeyEvent, cx: &mut Cx<'_>) {
        let place = self.place();
        let typed = cx.model.desk.entry(&place).and_then(|entry| entry.score.clone());
        let score = match key.code {
            // The first digit begins a new score; deleting begins with the one that is there.
            KeyCode::Char(letter) if letter.is_ascii_digit() || matches!(letter, '.' | ',') => {
                let letter = if letter == ',' { '.' } else { letter };
                format!("{}{letter}", typed.unwrap_or_default())
            }
            KeyCode::Backspace => {
                let mut score = typed.unwrap_or_else(|| cx.model.desk.score(&place));
                score.pop();
                score
            }
            _ => return,
        };
        cx.model.desk.type_score(&place, score);
    }

    fn start_writing(&mut self, cx: &Cx<'_>) {
        if !self.writing {
            self.feedback.set_text(&cx.model.desk.feedback(&self.place()));
            self.writing = true;
        }
    }

    fn take_feedback(&mut self, cx: &mut Cx<'_>) {
        let place = self.place();
        cx.model.desk.type_feedback(&place, self.feedback.text());
    }

    fn stop_writing(&mut self, cx: &mut Cx<'_>) {
        if std::mem::take(&mut self.writing) {
            self.take_feedback(cx);
        }
    }

    fn turn_part(&mut self, step: isize, model: &Model) {
        let count = self.work(model).map_or(1, |work| parts::of(work).len()).max(1);
        self.part = self.part.checked_add_signed(step).map_or(count - 1, |part| part % count);
        self.scroll.to_start();
    }

    fn file(&self, model: &Model) -> Option<v1::FileRef> {
        let work = self.work(model)?;
        match parts::of(work).get(self.part)? {
            Part::File(at) => work.submission.files.get(*at).cloned(),
            Part::Text => None,
        }
    }

    fn open_outside(&mut self, cx: &mut Cx<'_>) {
        if let Some(file) = self.file(cx.model) {
            let save = material::Effect::Save { file, to: material::Destination::Viewer };
            self.fetching = Some(cx.share(shared::Effect::Material(save)));
        }
    }

    fn ask_rows(&mut self, cx: &mut Cx<'_>) {
        self.rows.ask(cx, Effect::Read(Read::Submissions(self.hw.clone())));
    }

    fn rows_came(&mut self, request: RequestId, result: Result<Vec<v1::SubmissionSummary>, Failure>, cx: &mut Cx<'_>) {
        let (standing, rows) = match result {
            Ok(rows) => (Ok(()), Some(rows)),
            Err(failure) => (Err(failure), None),
        };
        if self.rows.finish(request, standing)
            && let Some(rows) = rows
        {
            cx.model.desk.heard_all(&self.hw, &rows);
            cx.model.known.submissions.insert(self.hw.clone(), rows);
        }
        if self.rows.is_stale() {
            self.ask_rows(cx);
        }
    }

    /// The work on the screen, anew; those ahead are asked for again when they are reached.
    fn ask_work(&self, cx: &mut Cx<'_>) {
        cx.model.desk.expire(&self.hw);
        self.prefetch(cx);
    }
}

impl Screen<Instructor> for GradingScreen {
    fn scope(&self) -> &'static Scope {
        &actions::GRADING_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "grading".into()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        match *action {
            PREVIOUS | PREVIOUS_FROM_TEXT if self.at == 0 => Some("This is the first student.".into()),
            REVERT if model.desk.entry(&self.place()).is_none() => Some("Nothing is typed for this student.".into()),
            OUTSIDE if self.file(model).is_none() => Some("This part is no file.".into()),
            NEXT_PART | PREVIOUS_PART if self.work(model).is_none_or(|work| parts::of(work).len() < 2) => {
                Some("There is nothing else in this submission.".into())
            }
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.course_id = cx.model.course_id(&self.hw.course).map(ToOwned::to_owned);
        self.prefetch(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_>) {
        if let Some(at) = self.jump.take() {
            self.go_to(at, cx);
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            NEXT | NEXT_FROM_TEXT if self.at + 1 >= self.students.len() => {
                // Going on saves what is typed, and there is nobody to go on to.
                self.hand_over(cx);
                cx.toast(Tone::Plain, "This was the last student; what is typed is on its way.");
            }
            NEXT | NEXT_FROM_TEXT => self.go_to(self.at + 1, cx),
            PREVIOUS | PREVIOUS_FROM_TEXT => self.go_to(self.at.saturating_sub(1), cx),
            NEXT_UNGRADED => self.next_ungraded(cx),
            SAVE => self.hand_over(cx),
            FEEDBACK => self.start_writing(cx),
            EDIT_FEEDBACK => {
                self.start_writing(cx);
                cx.kit(KitWork::Edit { text: self.feedback.text(), extension: "md".into() });
            }
            FULL => {
                let place = self.place();
                cx.model.desk.type_score(&place, points(self.points_possible));
            }
            REVERT => {
                self.reverting = cx.confirm(Confirm {
                    question: format!("Take back what you typed for {}?", self.name()),
                    consequence: "Score and feedback are again what the cluster has.".into(),
                    yes: "take back".into(),
                });
            }
            NEXT_PART => self.turn_part(1, cx.model),
            PREVIOUS_PART => self.turn_part(-1, cx.model),
            OUTSIDE => self.open_outside(cx),
            STUDENTS => {
                self.hand_over(cx);
                cx.push(StudentsScreen::new(self.hw.clone(), self.students.clone(), self.at, Rc::clone(&self.jump)));
            }
            REFRESH => self.ask_work(cx),
            BACK if self.writing => self.stop_writing(cx),
            BACK => {
                self.hand_over(cx);
                return false;
            }
            _ => return self.feedback.act(action) || self.scroll.act(action),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.writing
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) {
        if !self.writing {
            if !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
                self.type_score(key, cx);
            }
            return;
        }
        if self.feedback.key(key) == Outcome::Left {
            return self.stop_writing(cx);
        }
        self.take_feedback(cx);
        if let Some(copied) = self.feedback.take_copied() {
            cx.kit(KitWork::Copy(copied));
        }
    }

    fn paste(&mut self, text: &str, cx: &mut Cx<'_>) {
        if self.writing {
            self.feedback.paste(text);
            self.take_feedback(cx);
        }
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_>) {
        if !(self.writing && self.feedback.mouse(event).was_used()) {
            self.scroll.mouse(event);
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Submissions(_, result) => self.rows_came(request, result, cx),
            Message::Shared(shared::Message::Material(material::Message::Saved(result)))
                if self.fetching == Some(request) =>
            {
                self.fetching = None;
                match result {
                    Ok(path) => drop(cx.kit(KitWork::Open(path))),
                    Err(failure) => cx.toast(Tone::Bad, failure.sentence()),
                }
            }
            _ => {}
        }
    }

    fn answered(&mut self, _request: RequestId, answer: KitAnswer, cx: &mut Cx<'_>) {
        match answer {
            KitAnswer::Edited(Ok(edited)) => {
                self.feedback.replace(edited.trim_end());
                // The editor is left: letters are keys again.
                self.stop_writing(cx);
            }
            KitAnswer::Edited(Err(failure)) | KitAnswer::Opened(Err(failure)) => {
                cx.toast(Tone::Bad, failure.sentence());
            }
            _ => {}
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_>) {
        let id = self.course_id.as_deref();
        if concerns(change, id, &[v1::EventKind::Submission, v1::EventKind::ExtensionRequest]) {
            self.ask_work(cx);
        }
        if concerns(change, id, &[v1::EventKind::Submission, v1::EventKind::Grade]) {
            self.ask_rows(cx);
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_>) {
        if request == self.reverting {
            let place = self.place();
            cx.model.desk.discard(&place);
        }
    }

    fn leaving(&mut self, cx: &mut Cx<'_>) {
        self.hand_over(cx);
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        self.view_all(model, area, canvas);
    }
}
