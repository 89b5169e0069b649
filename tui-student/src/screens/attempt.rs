//! One attempt: when, what, with which digests; its files can be saved and opened.

use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::KitAnswer;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, KitWork, Screen, Tone};
use lectern_tui_kit::shared;
use lectern_tui_kit::shared::material::Saver;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use lectern_tui_kit::widgets::{Outcome, Part};
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{ATTEMPT_SCOPE, COPY, KEEP_RECEIPT};
use crate::effects::{Effect, Message};
use crate::model::{Model, Place};
use crate::program::Student;
use crate::screens::version::Version;

/// A part of an attempt.
#[derive(Clone, Debug)]
enum Item {
    Text { bytes: u64, digest: Vec<u8> },
    File(v1::FileRef),
}

/// The attempt.
pub struct Attempt {
    place: Place,
    submission: v1::Submission,
    contents: Table<Item>,
    saver: Saver,
    receipt: Option<RequestId>,
}

impl Attempt {
    /// One that is known.
    pub fn new(place: Place, submission: v1::Submission) -> Self {
        let mut contents = table();
        let text = (!submission.text_digest.is_empty())
            .then(|| Item::Text { bytes: submission.text.len() as u64, digest: submission.text_digest.clone() });
        contents.set_rows(text.into_iter().chain(submission.files.iter().cloned().map(Item::File)).collect());
        Self { place, submission, contents, saver: Saver::default(), receipt: None }
    }

    fn file(&self) -> Option<&v1::FileRef> {
        match self.contents.selected() {
            Some(Item::File(file)) => Some(file),
            _ => None,
        }
    }

    fn open(&mut self, cx: &mut Cx<'_, Student>) {
        match self.contents.selected() {
            Some(Item::Text { .. }) => {
                cx.push(Version::attempt(self.place.clone(), self.submission.attempt, &self.submission.text));
            }
            Some(Item::File(file)) => self.saver.ask(file),
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
        let file = self.file().cloned();
        match *action {
            OPEN => self.open(cx),
            COPY => {
                cx.kit(KitWork::Copy(plain(&self.submission)));
                cx.toast(Tone::Good, "Attempt, time and digests are in the clipboard.");
            }
            KEEP_RECEIPT => {
                let (place, attempt) = (self.place.clone(), self.submission.attempt);
                self.receipt = Some(cx.request(Effect::KeepReceipt { place, attempt }));
            }
            _ => return self.saver.file_act(action, file.as_ref(), cx) || self.contents.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(if self.saver.text_focus() { &self.saver } else { &self.contents })
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(if self.saver.text_focus() { &mut self.saver } else { &mut self.contents })
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, Student>) {
        if !self.saver.used(outcome, cx) && outcome == Outcome::Chosen {
            self.attempt(&OPEN, cx);
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        match message {
            Message::Shared(shared::Message::Material(message)) => self.saver.received(request, message, cx),
            Message::ReceiptKept(kept) if self.receipt.take_if(|asked| *asked == request).is_some() => match kept {
                Ok(path) => cx.toast(Tone::Good, format!("The receipt is kept as {}.", path.display())),
                Err(failure) => cx.toast(Tone::Bad, format!("No receipt: {}", states::sentence(&failure))),
            },
            _ => {}
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
        self.contents.view(Rect { y: area.y + used, height: area.height - used, ..area }, canvas, true);
    }
}

fn table() -> Table<Item> {
    let name = |part: &Item| match part {
        Item::Text { .. } => "text".to_owned(),
        Item::File(file) => file.name.clone(),
    };
    let columns = vec![
        Column::new("part", Width::Fill(1), move |part: &Item, _| Line::raw(name(part))),
        Column::new("size", Width::Fixed(9), |part: &Item, look| {
            let bytes = match part {
                Item::Text { bytes, .. } => *bytes,
                Item::File(file) => file.size,
            };
            Line::styled(text::size(bytes), look.theme.dim)
        })
        .right(),
        Column::new("BLAKE3 digest", Width::Fill(3), |part: &Item, _| {
            let digest = match part {
                Item::Text { digest, .. } => digest,
                Item::File(file) => &file.digest,
            };
            Line::raw(lectern_cli::text::hex(digest))
        }),
    ];
    Table::new(columns, name, "This attempt has no parts.")
}
