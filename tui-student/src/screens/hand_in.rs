//! Handing in: what it will be, a question, how far it is, and what was stored.

use std::path::PathBuf;

use crossterm::event::KeyEvent;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, BACK, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::remote::{Failure, Remote, RequestId, Shown};
use lectern_tui_kit::screen::{Confirm, Cx, KitWork, Screen, Tone};
use lectern_tui_kit::widgets::line::LineInput;
use lectern_tui_kit::widgets::{Outcome, Part as _, progress as transfer};
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{ADD_DRAFT, ADD_FILES, COPY, DONE, HAND_IN_SCOPE, NOTE, RECEIPT_SCOPE, SUBMIT};
use crate::effects::{self, Effect, HandedIn, Look, Message, Offer, Progress, Stored};
use crate::model::{HandOver, Model, Place};
use crate::program::Student;
use crate::screens::attempt;
use crate::screens::files::{Files, Then};
use crate::words;

/// How far it is.
enum Stage {
    /// Nothing was sent.
    Review,
    /// It is on its way.
    Sending {
        request: RequestId,
        progress: Option<Progress>,
        /// Of the bytes, once some are on their way.
        upload: Option<transfer::Progress>,
    },
    /// It is there.
    Done(HandedIn),
}

/// What is handed in.
pub struct HandIn {
    place: Place,
    text: String,
    paths: Vec<PathBuf>,
    look: Remote<Look>,
    note: LineInput,
    noting: bool,
    stage: Stage,
    failure: Option<Failure>,
    /// Why an interrupted hand-in would begin anew.
    unkept: Option<Failure>,
    asked: RequestId,
    /// The draft was asked for.
    draft: Option<RequestId>,
    /// It was to be handed in while the files were still looked at: the question comes when they were.
    hurried: bool,
}

impl HandIn {
    /// A text (empty for none), and files or one directory.
    pub fn new(place: Place, text: String, paths: Vec<PathBuf>) -> Self {
        Self {
            place,
            text,
            paths,
            look: Remote::default(),
            note: LineInput::default(),
            noting: false,
            stage: Stage::Review,
            failure: None,
            unkept: None,
            asked: RequestId::default(),
            draft: None,
            hurried: false,
        }
    }

    fn look_at(&mut self, cx: &mut Cx<'_, Student>) {
        if self.paths.is_empty() {
            self.look = Remote::known(Look::default());
        } else {
            self.look.start(cx.request(Effect::LookAt(self.paths.clone())));
        }
    }

    /// What is wrong with it, as far as can be known here.
    fn objection(&self, model: &Model) -> Option<String> {
        let look = match self.look.shown() {
            Shown::Ready { value, failure: None, .. } => value,
            Shown::Ready { failure: Some(failure), .. } | Shown::Failed(failure) => {
                return Some(text::clean(&states::sentence(failure)));
            }
            Shown::Loading | Shown::Idle => return Some("The files are being looked at.".into()),
        };
        if self.text.is_empty() && look.files.is_empty() {
            return Some("There is neither a text nor a file.".into());
        }
        let settings = model.assignment(&self.place)?.settings.as_ref()?;
        let kinds = match (look.files.is_empty(), look.directory) {
            (true, _) => None,
            (false, true) => Some(("a directory", [v1::SubmissionType::Directory, v1::SubmissionType::Directory])),
            (false, false) => Some(("files", [v1::SubmissionType::Files, v1::SubmissionType::Files])),
        };
        if let Some((what, kinds)) = kinds
            && !words::accepts(settings, &kinds)
        {
            return Some(format!("This assignment does not take {what}, but {}.", words::accepted(settings)));
        }
        if !self.text.is_empty() && !words::accepts(settings, &[v1::SubmissionType::Text]) {
            return Some(format!("This assignment does not take a text, but {}.", words::accepted(settings)));
        }
        look.files.iter().find_map(|file| file_objection(file, settings))
    }

    fn ask(&mut self, cx: &mut Cx<'_, Student>) {
        let what = self.summary();
        let known = cx.model.assignment(&self.place);
        if let Some(why) = known.and_then(|assignment| words::closed(assignment, cx.now_ms)) {
            return cx.toast(Tone::Bad, why);
        }
        let after_lock = known.and_then(|it| it.mine.as_ref()).and_then(|mine| mine.lock_at_ms);
        let late = known.and_then(words::due_of).is_some_and(|due| due < cx.now_ms);
        let consequence = match after_lock {
            Some(lock) if lock < cx.now_ms => {
                format!("You hand in {what}. The lock date has passed: it will be kept as a request.")
            }
            _ if late => format!("You hand in {what}. The due date has passed: it will count as late."),
            _ => format!("You hand in {what}. Earlier attempts are kept."),
        };
        self.asked =
            cx.confirm(Confirm { question: format!("Hand in {}?", self.place), consequence, yes: "hand in".into() });
    }

    /// Keys outrun a disk: what was ordered before the files were looked at is asked now.
    fn ask_if_hurried(&mut self, cx: &mut Cx<'_, Student>) {
        if !std::mem::take(&mut self.hurried) {
            return;
        }
        match self.objection(cx.model) {
            Some(why) => cx.toast(Tone::Bad, why),
            None => self.ask(cx),
        }
    }

    fn send(&mut self, cx: &mut Cx<'_, Student>) {
        let offer = Offer {
            place: self.place.clone(),
            username: cx.model.account.username.clone(),
            text: self.text.clone(),
            comment: self.note.text().trim().to_owned(),
            paths: self.paths.clone(),
        };
        let request = cx.request(Effect::HandIn(offer));
        cx.model.sending.insert(self.place.clone());
        (self.failure, self.unkept) = (None, None);
        self.stage = Stage::Sending { request, progress: None, upload: None };
    }

    fn heard(&mut self, from: RequestId, news: Progress, now_ms: i64) {
        let Stage::Sending { request, progress, upload } = &mut self.stage else { return };
        if *request != from {
            return;
        }
        if let Progress::Unkept(why) = news {
            self.unkept = Some(why);
            return;
        }
        if let Progress::Uploading { done, total } = news {
            upload.get_or_insert_with(|| transfer::Progress::new(total)).sample(done, now_ms);
        }
        *progress = Some(news);
    }

    fn ended(&mut self, outcome: Result<HandedIn, Failure>, cx: &mut Cx<'_, Student>) {
        cx.model.sending.remove(&self.place);
        match outcome {
            Ok(handed_in) => {
                if matches!(handed_in, HandedIn::Submission(_)) {
                    cx.toast(Tone::Good, format!("Submitted {}.", self.place));
                }
                self.stage = Stage::Done(handed_in);
            }
            Err(failure) => {
                self.stage = Stage::Review;
                self.failure = Some(failure);
            }
        }
    }

    /// Leaves for the assignment, which shows what was handed in.
    fn leave(&self, cx: &mut Cx<'_, Student>) {
        cx.model.hand_over = Some((self.place.clone(), HandOver::HandedIn));
        cx.pop();
    }

    /// `a text of 1.2 KiB and 2 files of 3.0 MiB`.
    fn summary(&self) -> String {
        let mut parts = Vec::new();
        if !self.text.is_empty() {
            parts.push(format!("a text of {}", text::size(self.text.len() as u64)));
        }
        if let Some(look) = self.look.value().filter(|look| !look.files.is_empty()) {
            let bytes = text::size(look.files.iter().map(|file| file.size).sum());
            let count = text::count(look.files.len() as u64, "file");
            let kind = if look.directory { "a directory with " } else { "" };
            parts.push(format!("{kind}{count} of {bytes}"));
        }
        parts.join(" and ")
    }

    fn review_lines(&self, model: &Model, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let (look, theme) = (canvas.look, canvas.look.theme);
        let label = |words: &str| Span::styled(text::pad(words, 8, ""), theme.dim);
        let mut lines = vec![Line::styled(format!("What is handed in to {}", self.place), theme.title)];
        if let Some(due) = model.assignment(&self.place).and_then(words::due_of) {
            let style = words::due_style(Some(due), false, look);
            lines.push(Line::from(vec![label("due"), Span::styled(look.distance(due), style)]));
        }
        if !self.text.is_empty() {
            let first = text::clean(self.text.lines().next().unwrap_or_default());
            let size = text::pad_left(&text::size(self.text.len() as u64), 10, "");
            lines.push(Line::from(vec![label("text"), Span::raw(size), Span::styled(format!("  {first}"), theme.dim)]));
        }
        if let Some(found) = self.look.value() {
            for file in &found.files {
                let size = text::pad_left(&text::size(file.size), 10, "");
                lines.push(Line::from(vec![
                    label("file"),
                    Span::raw(size),
                    Span::raw(format!("  {}", text::clean(&file.name))),
                ]));
            }
            for skipped in &found.skipped {
                lines.push(Line::styled(format!("left out: {}", text::clean(skipped)), theme.warn));
            }
        }
        lines
    }

    fn view_review(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let theme = canvas.look.theme;
        let mut lines = self.review_lines(model, canvas);
        let mut last = Vec::new();
        if let Some(failure) = &self.failure {
            let words = format!(
                "{} Not handed in: {}",
                canvas.look.glyphs.failed,
                text::clean_body(&states::sentence(failure))
            );
            last.extend(text::wrap(&words, area.width.into()).into_iter().map(|line| Line::styled(line, theme.bad)));
        } else if let Some(why) = self.objection(model) {
            last.extend(text::wrap(&why, area.width.into()).into_iter().map(|line| Line::styled(line, theme.warn)));
        }
        let below = u16::try_from(last.len() + 2).unwrap_or(u16::MAX).min(area.height);
        let top = Rect { height: area.height - below, ..area };
        let room = usize::from(top.height);
        if lines.len() > room && room > 0 {
            let hidden = lines.len() - room + 1;
            lines.truncate(room - 1);
            lines.push(Line::styled(format!("… and {}", text::count(hidden as u64, "more line")), theme.dim));
        }
        let used = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(top.height);
        canvas.lines(top, lines);
        let row = Rect { y: top.y + used, height: 1.min(below), ..area };
        if self.noting || !self.note.text().is_empty() {
            self.note.view("note    ", row, canvas, self.noting);
        } else {
            canvas.line(row, Line::styled("note    none; n writes one to the grader", theme.dim));
        }
        canvas.lines(Rect { y: row.y + 2.min(below), height: below.saturating_sub(2), ..area }, last);
    }

    fn view_sending(
        &self,
        progress: Option<&Progress>,
        upload: Option<&transfer::Progress>,
        area: Rect,
        canvas: &mut Canvas<'_>,
    ) {
        let theme = canvas.look.theme;
        let heading = format!("Handing in {} to {}", self.summary(), self.place);
        let width = usize::from(area.width);
        let mut lines: Vec<Line<'_>> =
            text::wrap(&heading, width).into_iter().map(|line| Line::styled(line, theme.title)).collect();
        lines.push(Line::default());
        match progress {
            Some(progress) => lines.extend(progress_lines(progress, area.width, canvas)),
            None => lines.push(Line::styled("Beginning …", theme.info)),
        }
        let used = u16::try_from(lines.len()).unwrap_or(u16::MAX).min(area.height);
        canvas.lines(area, lines);
        let mut below = Rect { y: area.y + used, height: area.height - used, ..area };
        if let Some(upload) = upload {
            upload.view(Rect { height: below.height.min(2), ..below }, canvas);
            below = Rect { y: below.y + below.height.min(2), height: below.height.saturating_sub(2), ..below };
        }
        let last = Rect { y: below.y + below.height.min(1), height: below.height.saturating_sub(1), ..below };
        let (words, style) = match &self.unkept {
            Some(why) => {
                let why = states::sentence(why);
                let words = format!(
                    "You may leave this screen, but not the program: if this is interrupted, it begins anew, because its \
                     keys cannot be kept here: {why}"
                );
                (words, theme.warn)
            }
            None => ("You may leave this screen: it goes on by itself.".into(), theme.dim),
        };
        let words = text::clean_body(&words);
        // Where there is one row, what is left out is marked.
        let lines = if last.height > 1 { text::wrap(&words, width) } else { vec![words] };
        canvas.lines(last, lines.into_iter().map(|line| Line::styled(line, style)).collect::<Vec<_>>());
    }

    fn view_done(handed_in: &HandedIn, area: Rect, canvas: &mut Canvas<'_>) {
        let lines = match handed_in {
            HandedIn::Submission(stored) => stored_lines(stored, area.width, canvas),
            HandedIn::Request(request) => {
                let theme = canvas.look.theme;
                let words = format!("Kept as a request: {}.", words::KEPT_AS_REQUEST);
                let mut lines: Vec<Line<'static>> = text::wrap(&words, area.width.into())
                    .into_iter()
                    .map(|line| Line::styled(line, theme.warn))
                    .collect();
                lines.push(Line::styled(format!("request {}", text::clean(&request.request_id)), theme.dim));
                lines
            }
        };
        canvas.lines(area, lines);
    }
}

/// Why a file will be refused.
fn file_objection(file: &effects::Picked, settings: &v1::AssignmentSettings) -> Option<String> {
    let extension = file.name.rsplit_once('.').map_or("", |(_, extension)| extension).to_lowercase();
    let allowed = &settings.allowed_extensions;
    if !allowed.is_empty() && !allowed.contains(&extension) {
        return Some(format!("{} is none of the kinds that are taken: {}.", file.name, allowed.join(", ")));
    }
    (settings.max_file_bytes > 0 && file.size > settings.max_file_bytes)
        .then(|| format!("{} is larger than {}.", file.name, text::size(settings.max_file_bytes)))
}

/// What the student keeps: attempt, time, digests, place in the log.
pub fn receipt(submission: &v1::Submission, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
    let (look, theme) = (canvas.look, canvas.look.theme);
    let label = |words: &str| Span::styled(text::pad(words, 10, ""), theme.dim);
    let (timely, style) = if submission.late { ("late", theme.warn) } else { ("on time", theme.good) };
    let mut lines = vec![
        Line::from(vec![
            Span::styled(
                format!("Attempt {} of {}/{}", submission.attempt, submission.course_slug, submission.assignment_slug),
                theme.title,
            ),
            Span::raw("  "),
            Span::styled(timely, style),
        ]),
        Line::from(vec![label("handed in"), Span::raw(look.time(submission.submitted_at_ms))]),
        Line::from(vec![
            label("stored"),
            Span::raw(format!("on a majority, at index {}, term {}", submission.index, submission.term)),
        ]),
    ];
    if !submission.text_digest.is_empty() {
        let digest = lectern_cli::text::hex(&submission.text_digest);
        lines.push(Line::from(vec![label("text"), Span::raw(digest)]));
    }
    for file in &submission.files {
        let name = format!("{} ({})", text::clean(&file.name), text::size(file.size));
        lines.push(Line::from(vec![label("file"), Span::raw(name)]));
        lines.push(Line::from(vec![label(""), Span::styled(lectern_cli::text::hex(&file.digest), theme.dim)]));
    }
    if !submission.comment.is_empty() {
        lines.push(Line::from(vec![label("note"), Span::raw(text::clean(&submission.comment))]));
    }
    lines
}

/// The same, and which attempt counts where that is another one, and where the signed receipt is.
fn stored_lines(stored: &Stored, width: u16, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
    let theme = canvas.look.theme;
    let Stored { submission, counted, receipt } = stored;
    let mut lines = Vec::new();
    if counted.attempt != submission.attempt {
        lines.push((lectern_cli::submission::which_counts(counted), theme.warn));
        lines.push(("To make another one count, select it on the assignment's screen and press c.".into(), theme.dim));
    }
    lines.push(match receipt {
        Ok(path) => (format!("The signed receipt is kept as {}", path.display()), theme.good),
        Err(failure) => {
            let why = states::sentence(failure);
            (format!("There is no signed receipt yet; R on the attempt's screen gets it later. {why}"), theme.warn)
        }
    });
    let wrapped = lines.into_iter().flat_map(|(words, style)| {
        text::wrap(&text::clean_body(&words), width.into()).into_iter().map(move |line| Line::styled(line, style))
    });
    self::receipt(submission, canvas).into_iter().chain([Line::default()]).chain(wrapped).collect()
}

/// Where it stands, in words.
fn progress_lines(progress: &Progress, width: u16, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
    let theme = canvas.look.theme;
    let (words, style) = match progress {
        Progress::Reading(bytes) => (format!("Reading your files: {}", text::size(*bytes)), theme.info),
        Progress::Pledged { at_ms, after_lock: false } => {
            (format!("The cluster has the digests: judged by {}.", canvas.look.time(*at_ms)), theme.info)
        }
        Progress::Pledged { after_lock: true, .. } => {
            ("The lock date has passed: it will be kept as a request.".into(), theme.warn)
        }
        Progress::Uploading { .. } => ("Uploading; the time that counts is already noted.".into(), theme.info),
        Progress::Submitting => ("Everything has arrived; waiting for the majority …".into(), theme.info),
        Progress::Waiting { failure, queued: false } => {
            (format!("The cluster cannot take it yet, tried again: {}", states::sentence(failure)), theme.warn)
        }
        Progress::Waiting { failure, queued: true } => {
            let why = states::sentence(failure);
            (
                format!(
                    "NOT submitted: it is queued on this machine, and tried again until the cluster stamps it. {why}"
                ),
                theme.warn,
            )
        }
        Progress::Unkept(why) => (states::sentence(why), theme.warn),
    };
    text::wrap(&text::clean_body(&words), width.into()).into_iter().map(|line| Line::styled(line, style)).collect()
}

impl Screen<Student> for HandIn {
    fn scope(&self) -> &'static Scope {
        if matches!(self.stage, Stage::Done(_)) { &RECEIPT_SCOPE } else { &HAND_IN_SCOPE }
    }

    fn title(&self, _model: &Model) -> String {
        "hand in".into()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        if *action == COPY && matches!(self.stage, Stage::Done(HandedIn::Request(_))) {
            return Some("Nothing was submitted, so there are no digests of an attempt.".into());
        }
        let ours = [SUBMIT, ADD_FILES, ADD_DRAFT, NOTE];
        match (&self.stage, *action) {
            (_, action) if !ours.contains(&action) => None,
            (Stage::Sending { .. }, _) => Some("It is on its way; you may leave this screen.".into()),
            (Stage::Done(_), _) => Some("It is handed in.".into()),
            (Stage::Review, SUBMIT) if model.sending.contains(&self.place) => Some("It is being handed in.".into()),
            (Stage::Review, SUBMIT) if !self.look.is_loading() => self.objection(model),
            (Stage::Review, _) => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.look_at(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        if let Some(HandOver::Files(paths)) = cx.model.take_over(&self.place) {
            self.paths = paths;
            self.look_at(cx);
        }
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            DONE => self.leave(cx),
            COPY => {
                if let Stage::Done(HandedIn::Submission(stored)) = &self.stage {
                    cx.kit(KitWork::Copy(attempt::plain(&stored.submission)));
                    cx.toast(Tone::Good, "Attempt, time and digests are in the clipboard.");
                }
            }
            SUBMIT if self.look.is_loading() => self.hurried = true,
            SUBMIT => self.ask(cx),
            ADD_FILES => {
                self.hurried = false;
                cx.push(Files::new(self.place.clone(), Then::Return));
            }
            ADD_DRAFT if self.text.is_empty() => {
                let (place, username) = (self.place.clone(), cx.model.account.username.clone());
                self.draft = Some(cx.request(Effect::OpenDraft { place, username }));
            }
            ADD_DRAFT => self.text.clear(),
            NOTE => self.noting = true,
            BACK if self.noting => self.noting = false,
            BACK if matches!(self.stage, Stage::Done(_)) => self.leave(cx),
            _ => return false,
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.noting
    }

    fn key(&mut self, key: KeyEvent, _cx: &mut Cx<'_, Student>) {
        if self.noting && matches!(self.note.key(key), Outcome::Chosen | Outcome::Left) {
            self.noting = false;
        }
    }

    fn paste(&mut self, pasted: &str, _cx: &mut Cx<'_, Student>) {
        if self.noting {
            self.note.paste(pasted);
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        match message {
            Message::Queued(Ok(queued)) => cx.model.queued = queued,
            Message::LookedAt(look) => {
                if self.look.finish(request, look) {
                    self.ask_if_hurried(cx);
                }
            }
            Message::Progress(progress) => self.heard(request, progress, cx.now_ms),
            Message::HandedIn { outcome, .. } => self.ended(outcome, cx),
            // What is on this machine is the newest; the server's is taken where there is none here.
            Message::KeptDraft(Ok(Some(kept))) if self.draft == Some(request) => self.text = kept.text,
            Message::ServerDraft(draft) if self.draft.take_if(|asked| *asked == request).is_some() => match draft {
                Ok(Some(draft)) if self.text.is_empty() => self.text = draft.text,
                Ok(None) if self.text.is_empty() => cx.toast(Tone::Plain, "There is no draft."),
                _ => {}
            },
            _ => {}
        }
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Student>) {
        if request == self.asked && matches!(self.stage, Stage::Review) {
            self.send(cx);
        }
    }

    fn wakes_at(&self, model: &Model, now_ms: i64) -> Option<i64> {
        let due = model.assignment(&self.place).and_then(words::due_of)?;
        Some(text::distance_changes_at(due, now_ms))
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = if area.height > 12 { canvas.pane(area, "Hand in", true) } else { area };
        match &self.stage {
            Stage::Review => self.view_review(model, inner, canvas),
            Stage::Sending { progress, upload, .. } => {
                self.view_sending(progress.as_ref(), upload.as_ref(), inner, canvas);
            }
            Stage::Done(handed_in) => Self::view_done(handed_in, inner, canvas),
        }
    }
}
