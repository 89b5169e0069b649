//! One attempt: when, what, with which digests; its files can be saved and opened.

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::KitAnswer;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, KitWork, Screen, Tone};
use lectern_tui_kit::shared::{
    self,
    material::{SAVE, Saver, VIEW},
};
use lectern_tui_kit::text;
use lectern_tui_kit::widgets::Outcome;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{ATTEMPT_SCOPE, COPY};
use crate::effects::Message;
use crate::model::{Model, Place};
use crate::program::Student;
use crate::screens::version::Version;

/// A part of an attempt.
#[derive(Clone, Debug)]
enum Part {
    Text { bytes: u64, digest: Vec<u8> },
    File(v1::FileRef),
}

/// The attempt.
pub struct Attempt {
    place: Place,
    submission: v1::Submission,
    parts: Table<Part>,
    saver: Saver,
}

impl Attempt {
    /// One that is known.
    pub fn new(place: Place, submission: v1::Submission) -> Self {
        let mut parts = table();
        let text = (!submission.text_digest.is_empty())
            .then(|| Part::Text { bytes: submission.text.len() as u64, digest: submission.text_digest.clone() });
        parts.set_rows(text.into_iter().chain(submission.files.iter().cloned().map(Part::File)).collect());
        Self { place, submission, parts, saver: Saver::default() }
    }

    fn file(&self) -> Option<&v1::FileRef> {
        match self.parts.selected() {
            Some(Part::File(file)) => Some(file),
            _ => None,
        }
    }

    fn open(&mut self, cx: &mut Cx<'_, Student>) {
        match self.parts.selected() {
            Some(Part::Text { .. }) => {
                cx.push(Version::attempt(self.place.clone(), self.submission.attempt, &self.submission.text));
            }
            Some(Part::File(file)) => self.saver.ask(file),
            None => {}
        }
    }

    fn facts(&self, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let (look, theme, submission) = (canvas.look, canvas.look.theme, &self.submission);
        let (timely, style) = if submission.late { ("late", theme.warn) } else { ("on time", theme.good) };
        let mut lines = vec![
            Line::from(vec![
                Span::styled(format!("Attempt {}", submission.attempt), theme.title),
                Span::raw(format!("  {}  ", look.time(submission.submitted_at_ms))),
                Span::styled(timely, style),
            ]),
            Line::styled(
                format!("stored on a majority, at index {}, term {}", submission.index, submission.term),
                theme.dim,
            ),
        ];
        if !submission.comment.is_empty() {
            lines.push(Line::raw(format!("note to the grader: {}", text::clean(&submission.comment))));
        }
        lines.push(Line::default());
        lines
    }
}

/// All that identifies an attempt, as text for the clipboard.
pub fn plain(submission: &v1::Submission) -> String {
    let mut lines = vec![format!(
        "{}/{} attempt {}, handed in at {}, index {}, term {}",
        submission.course_slug,
        submission.assignment_slug,
        submission.attempt,
        lectern_cli::format::rfc3339(submission.submitted_at_ms),
        submission.index,
        submission.term
    )];
    if !submission.text_digest.is_empty() {
        lines.push(format!("{}  text", lectern_cli::text::hex(&submission.text_digest)));
    }
    lines.extend(
        submission
            .files
            .iter()
            .map(|file| format!("{}  {}", lectern_cli::text::hex(&file.digest), text::clean(&file.name))),
    );
    lines.join("\n")
}

impl Screen<Student> for Attempt {
    fn scope(&self) -> &'static Scope {
        &ATTEMPT_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        format!("attempt {}", self.submission.attempt)
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        self.saver.disabled(action, self.file())
    }

    fn opened(&mut self, _cx: &mut Cx<'_, Student>) {}

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        if self.saver.act(action) {
            return true;
        }
        match *action {
            OPEN => self.open(cx),
            COPY => {
                cx.kit(KitWork::Copy(plain(&self.submission)));
                cx.toast(Tone::Good, "Attempt, time and digests are in the clipboard.");
            }
            SAVE => {
                if let Some(file) = self.file().cloned() {
                    self.saver.ask(&file);
                }
            }
            VIEW => {
                if let Some(file) = self.file().cloned() {
                    self.saver.open(&file, cx);
                }
            }
            _ => return self.parts.act(action),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.saver.text_focus() || self.parts.text_focus()
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_, Student>) {
        if self.saver.text_focus() {
            self.saver.key(key, cx);
        } else {
            self.parts.key(key);
        }
    }

    fn paste(&mut self, pasted: &str, _cx: &mut Cx<'_, Student>) {
        if self.saver.text_focus() {
            self.saver.paste(pasted);
        } else {
            self.parts.paste(pasted);
        }
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, Student>) {
        if self.parts.mouse(event) == Outcome::Chosen {
            self.open(cx);
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        if let Message::Shared(shared::Message::Material(message)) = message {
            self.saver.received(request, message, cx);
        }
    }

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, Student>) {
        self.saver.answered(request, &answer, cx);
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Student>) {
        self.saver.confirmed(request, cx);
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let area = self.saver.view(area, canvas);
        let facts = self.facts(canvas);
        let used = u16::try_from(facts.len()).unwrap_or(u16::MAX).min(area.height);
        canvas.lines(area, facts);
        self.parts.view(Rect { y: area.y + used, height: area.height - used, ..area }, canvas, true);
    }
}

fn table() -> Table<Part> {
    let name = |part: &Part| match part {
        Part::Text { .. } => "text".to_owned(),
        Part::File(file) => file.name.clone(),
    };
    let columns = vec![
        Column::new("part", Width::Fill(1), move |part: &Part, _| Line::raw(name(part))),
        Column::new("size", Width::Fixed(9), |part: &Part, look| {
            let bytes = match part {
                Part::Text { bytes, .. } => *bytes,
                Part::File(file) => file.size,
            };
            Line::styled(text::size(bytes), look.theme.dim)
        })
        .right(),
        Column::new("BLAKE3 digest", Width::Fill(3), |part: &Part, _| {
            let digest = match part {
                Part::Text { digest, .. } => digest,
                Part::File(file) => &file.digest,
            };
            Line::raw(lectern_cli::text::hex(digest))
        }),
    ];
    Table::new(columns, name, "This attempt has no parts.")
}
