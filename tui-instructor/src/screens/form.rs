//! One form that makes one change: role and reason, a module, an account, an assignment. What is typed stays until the
//! cluster has taken it.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use lectern_client::Progress;
use lectern_tui_kit::action::{Action, BACK, SEND, Scope};
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::{KitWork, Screen, Tone, Unsaved};
use lectern_tui_kit::sending::Sending;
use lectern_tui_kit::text;
use lectern_tui_kit::theme::ThemeName;
use lectern_tui_kit::widgets::form::Form;
use lectern_tui_kit::widgets::{Outcome, Part};
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::import::PreviewScreen;
use super::pick::{PickScreen, Picked};
use crate::actions::{FILE_FORM_SCOPE, FORM_SCOPE, PICK};
use crate::effects::{Change, Effect, ImportFiles, Made, Message, Read};
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// Why a form that is filled in cannot be sent: the field, and what is wrong with it.
pub struct Refusal {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong.
    pub why: String,
}

/// Makes the change out of what is typed.
type Build = Box<dyn Fn(&Form) -> Result<Work, Refusal>>;
/// Says what was done, and goes on from there.
type Done = Box<dyn Fn(&Made, &mut Cx<'_>)>;

/// What a form leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Work {
    /// A change on the cluster.
    Change(Box<Change>),
    /// A look at what an import would do.
    Preview(ImportFiles),
    /// A file of this machine.
    Write {
        /// Where.
        path: PathBuf,
        /// What.
        bytes: Vec<u8>,
    },
}

impl From<Change> for Work {
    fn from(change: Change) -> Self {
        Self::Change(Box::new(change))
    }
}

/// The form.
pub struct FormScreen {
    title: String,
    what: &'static str,
    form: Form,
    zone: TimeZone,
    build: Build,
    done: Done,
    sending: Sending<Work>,
    progress: Option<Progress>,
    notes: Vec<String>,
    /// Fields that hold the path of a file; the picker fills them.
    files: &'static [&'static str],
    picked: Picked,
}

impl FormScreen {
    /// A form; `what` is what would be lost when it is left: `the new module`.
    pub fn new(
        title: impl Into<String>,
        what: &'static str,
        form: Form,
        build: impl Fn(&Form) -> Result<Work, Refusal> + 'static,
    ) -> Self {
        Self {
            title: title.into(),
            what,
            form,
            zone: TimeZone::UTC,
            build: Box::new(build),
            done: Box::new(|_, _| {}),
            sending: Sending::default(),
            progress: None,
            notes: Vec::new(),
            files: &[],
            picked: Picked::default(),
        }
    }

    /// These of its fields hold the path of a file.
    #[must_use]
    pub fn files(mut self, files: &'static [&'static str]) -> Self {
        self.files = files;
        self
    }

    /// Chooses a file for the field that has the keyboard; for the first that takes one, when that does not.
    fn pick(&mut self, cx: &mut Cx<'_>) {
        let focused = self.form.focused();
        let Some(field) = self.files.iter().find(|field| **field == focused).or_else(|| self.files.first()) else {
            return;
        };
        self.form.focus(field);
        let typed = self.form.paths(field).pop();
        let start = typed.and_then(|path| path.parent().map(ToOwned::to_owned)).unwrap_or_default();
        let start = if start.as_os_str().is_empty() { PathBuf::from(".") } else { start };
        cx.push(PickScreen::new(&start, Picked::clone(&self.picked)));
    }

    /// Its dates are meant in this zone.
    #[must_use]
    pub fn zone(mut self, zone: TimeZone) -> Self {
        self.zone = zone;
        self
    }

    /// A sentence above the fields.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// What is said and done once the cluster has taken it. The form is closed by itself.
    #[must_use]
    pub fn done(mut self, done: impl Fn(&Made, &mut Cx<'_>) + 'static) -> Self {
        self.done = Box::new(done);
        self
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        if self.sending.is_under_way() {
            return;
        }
        let mut look = Look::new(ThemeName::Mono, true);
        look.zone = self.zone.clone();
        look.now_ms = cx.now_ms;
        if self.form.check(&look).is_err() {
            return;
        }
        let work = match (self.build)(&self.form) {
            Ok(work) => work,
            Err(refusal) => {
                self.form.set_error(refusal.field, &refusal.why);
                return;
            }
        };
        let key = self.sending.key(&work);
        let effect = match work {
            Work::Change(change) => Effect::Change { key, change: *change },
            Work::Preview(files) => Effect::Read(Read::Import(files)),
            Work::Write { path, bytes } => Effect::Write { path, bytes },
        };
        self.progress = None;
        let request = cx.request(effect);
        self.sending.start(request);
        self.form.set_busy(true);
    }

    fn ended(&mut self, request: RequestId, result: Result<Option<Made>, Failure>, cx: &mut Cx<'_>) {
        if let Some(made) = self.sending.finish(request, result) {
            self.form.saved();
            cx.pop();
            if let Some(made) = made {
                (self.done)(&made, cx);
            }
        } else if let Some(failure) = self.sending.failure() {
            self.form.set_busy(false);
            cx.toast(Tone::Bad, failure.sentence());
        }
    }
}

impl Screen<Instructor> for FormScreen {
    fn scope(&self) -> &'static Scope {
        if self.files.is_empty() { &FORM_SCOPE } else { &FILE_FORM_SCOPE }
    }

    fn title(&self, _model: &Model) -> String {
        self.title.to_lowercase()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        (*action == SEND && self.sending.is_under_way()).then(|| "It is on its way.".into())
    }

    fn opened(&mut self, _cx: &mut Cx<'_>) {}

    fn resumed(&mut self, _cx: &mut Cx<'_>) {
        if let Some(path) = self.picked.take() {
            let field = self.form.focused().to_owned();
            self.form.set(&field, &quoted(&path));
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        match *action {
            PICK => self.pick(cx),
            SEND => self.send(cx),
            BACK => return false,
            _ => return self.form.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.form)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.form)
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_>) {
        if outcome == Outcome::Chosen {
            self.attempt(&SEND, cx);
        }
        if let Some(copied) = self.form.take_copied() {
            cx.kit(KitWork::Copy(copied));
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_>) {
        match message {
            Message::Changed(result) => self.ended(request, result.map(|made| Some(*made)), cx),
            Message::Written(result) => {
                let path = result.as_ref().ok().map(|path| path.display().to_string());
                self.ended(request, result.map(|_| None), cx);
                if let Some(path) = path {
                    cx.toast(Tone::Good, format!("Saved as {path}; only you can read it."));
                }
            }
            Message::Preview(Ok(preview)) => {
                self.form.saved();
                cx.replace(PreviewScreen::new(preview));
            }
            Message::Preview(Err(failure)) => self.ended(request, Err(failure), cx),
            Message::Progress(progress) if self.sending.is_under_way() => self.progress = Some(progress),
            _ => {}
        }
    }

    fn unsaved(&self, _model: &Model) -> Option<Unsaved> {
        self.form.is_dirty().then(|| self.sending.unsaved(self.what))
    }

    fn wakes_at(&self, _model: &Model, _now_ms: i64) -> Option<i64> {
        self.form.wakes_at()
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, &text::clean(&self.title), true);
        let theme = canvas.look.theme;
        let width = usize::from(inner.width);
        let mut lines: Vec<Line<'static>> = Vec::new();
        for note in &self.notes {
            lines.extend(
                text::wrap(&text::clean_body(note), width).into_iter().map(|line| Line::styled(line, theme.dim)),
            );
        }
        if self.sending.is_under_way() {
            let words = match self.progress {
                Some(progress) if progress.bytes_total > 0 => format!(
                    "Uploading: {} of {} ({} %)",
                    text::size(progress.bytes_done),
                    text::size(progress.bytes_total),
                    progress.bytes_done * 100 / progress.bytes_total
                ),
                _ => "On its way to the cluster".into(),
            };
            lines.push(Line::styled(words, theme.info));
        } else if let Some(failure) = self.sending.failure() {
            let words = format!("NOT done: {} (ctrl-s tries again)", failure.sentence());
            let wrapped = text::wrap(&text::clean_body(&words), width);
            lines.extend(wrapped.into_iter().map(|line| Line::styled(line, theme.bad)));
        }
        let rows = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(inner.height / 2);
        canvas.lines(Rect { height: rows, ..inner }, lines);
        let gap = u16::from(rows > 0 && inner.height > 12);
        let room = Rect { y: inner.y + rows + gap, height: inner.height.saturating_sub(rows + gap), ..inner };
        // The form's dates are the course's, not those of the person in front of it.
        let look = Look { zone: self.zone.clone(), ..canvas.look.clone() };
        let mut own = Canvas::new(canvas.buf, &look);
        self.form.view(room, &mut own, true);
        canvas.cursor = own.cursor;
    }
}

/// A path as the field takes it: in quotes where it has something in it that would end it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains([' ', '"', '\\']) && !path.contains('\'') {
        format!("'{path}'")
    } else {
        path.replace('\\', "\\\\").replace('\'', "\\'").replace('"', "\\\"").replace(' ', "\\ ")
    }
}

/// A file of this machine with these bytes: asks where.
pub fn save_as(title: &str, suggestion: &str, bytes: Vec<u8>) -> FormScreen {
    use lectern_tui_kit::widgets::form::Field;
    let field = Field::text("path", "File").value(suggestion).required().hint("A new file; nothing is replaced.");
    FormScreen::new(title, "this", Form::new([field]), move |form| {
        Ok(Work::Write { path: PathBuf::from(form.text("path")), bytes: bytes.clone() })
    })
}
