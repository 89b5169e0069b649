//! One assignment: what is asked, until when, and what was handed in.

use crossterm::event::{MouseEvent, MouseEventKind};
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope, TOP};
use lectern_tui_kit::live::Live;
use lectern_tui_kit::look::{Canvas, Look};
use lectern_tui_kit::program::{Change, KitAnswer};
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Confirm, Cx, Screen, Tone};
use lectern_tui_kit::sending::Sending;
use lectern_tui_kit::shared::material::Saver;
use lectern_tui_kit::shared::talk::{Role, WriteScreen};
use lectern_tui_kit::shared::{self};
use lectern_tui_kit::widgets::markdown::MarkdownView;
use lectern_tui_kit::widgets::table::{Column, Table, Width};
use lectern_tui_kit::widgets::{Outcome, Part};
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{ASK, ASSIGNMENT_SCOPE, CHOOSE, PICK_FILES, SWITCH, WITHDRAW, WRITE};
use crate::effects::{Effect, Message};
use crate::model::{Attempts, Model, Place};
use crate::program::Student;
use crate::screens::assignments::concerns;
use crate::screens::attempt::Attempt;
use crate::screens::draft::Draft;
use crate::screens::files::{Files, Then};
use crate::words;

/// Something that belongs to the assignment.
#[derive(Clone, Debug)]
enum Item {
    Attempt {
        submission: Box<v1::Submission>,
        /// It is the one that counts, of several.
        counts: bool,
    },
    Pledge(v1::Pledge),
    Request(Box<v1::ExtensionRequest>),
    Attachment(v1::FileRef),
}

/// The assignment.
pub struct AssignmentScreen {
    place: Place,
    assignment: Live<v1::Assignment>,
    attempts: Live<Attempts>,
    description: MarkdownView,
    items: Table<Item>,
    /// The list has the keyboard, not the text.
    in_list: bool,
    saver: Saver,
    withdrawing: Option<(RequestId, String)>,
    withdrawal: Sending<String>,
    choosing: Option<(RequestId, u32)>,
    choice: Sending<u32>,
}

impl AssignmentScreen {
    /// An assignment by its place.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            assignment: Live::default(),
            attempts: Live::default(),
            description: MarkdownView::new(""),
            items: table(),
            in_list: false,
            saver: Saver::default(),
            withdrawing: None,
            withdrawal: Sending::default(),
            choosing: None,
            choice: Sending::default(),
        }
    }

    fn load(&mut self, cx: &mut Cx<'_, Student>) {
        self.assignment.ask(cx, Effect::Assignment(self.place.clone()));
        self.attempts.ask(cx, Effect::Attempts(self.place.clone()));
    }

    fn settings(&self) -> Option<&v1::AssignmentSettings> {
        self.assignment.value()?.settings.as_ref()
    }

    fn arrange(&mut self) {
        if let Some(settings) = self.settings() {
            let description = settings.description.clone();
            self.description.set(&description);
        }
        let known = self.attempts.value().cloned().unwrap_or_default();
        let attachments = self.assignment.value().map(|it| it.attachments.clone()).unwrap_or_default();
        let mut items: Vec<Item> = known.pledges.into_iter().map(Item::Pledge).collect();
        // The latest attempt is what one looks for.
        let several = known.attempts.len() > 1;
        items.extend(known.attempts.into_iter().rev().map(|attempt| {
            let counts = several && attempt.attempt == known.counted.attempt;
            Item::Attempt { submission: Box::new(attempt), counts }
        }));
        items.extend(known.requests.into_iter().map(|request| Item::Request(Box::new(request))));
        items.extend(attachments.into_iter().map(Item::Attachment));
        self.items.set_rows(items);
        if !self.in_list {
            // Nobody chose a row yet: the first one is the latest.
            self.items.act(&TOP);
        }
    }

    fn file(&self) -> Option<&v1::FileRef> {
        match self.items.selected() {
            Some(Item::Attachment(file)) => Some(file),
            _ => None,
        }
    }

    fn open(&mut self, cx: &mut Cx<'_, Student>) {
        if !self.in_list {
            self.in_list = true;
            return;
        }
        match self.items.selected() {
            Some(Item::Attempt { submission, .. }) => {
                cx.push(Attempt::new(self.place.clone(), (**submission).clone()));
            }
            Some(Item::Attachment(file)) => self.saver.ask(file),
            Some(Item::Pledge(_)) => {
                cx.toast(Tone::Plain, "This upload was not finished: hand in the same files again, and it goes on.");
            }
            Some(Item::Request(request)) => cx.toast(Tone::Plain, request_words(request)),
            None => {}
        }
    }

    fn ask_to_choose(&mut self, cx: &mut Cx<'_, Student>) {
        let Some(Item::Attempt { submission, .. }) = self.items.selected() else { return };
        let late = if submission.late { "It is late, and is treated as late. " } else { "" };
        let question = Confirm {
            question: format!("Make attempt {} of {} count?", submission.attempt, self.place),
            consequence: format!("{late}All attempts are kept, and you may choose again."),
            yes: "make it count".into(),
        };
        let attempt = submission.attempt;
        self.choosing = Some((cx.confirm(question), attempt));
    }

    /// Why an action is not possible now.
    fn objection(&self, action: &Action, model: &Model) -> Option<String> {
        let settings = self.settings()?;
        let takes_text = words::accepts(settings, &[v1::SubmissionType::Text]);
        let takes_files = words::accepts(settings, &[v1::SubmissionType::Files, v1::SubmissionType::Directory]);
        match *action {
            WRITE if !takes_text => Some(format!("This assignment takes no text, but {}.", words::accepted(settings))),
            PICK_FILES if !takes_files => {
                Some(format!("This assignment takes no files, but {}.", words::accepted(settings)))
            }
            PICK_FILES if model.sending.contains(&self.place) => Some("It is being handed in.".into()),
            _ => None,
        }
    }

    fn facts(&self, model: &Model, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let (look, theme) = (canvas.look, canvas.look.theme);
        let Some(assignment) = self.assignment.value() else { return Vec::new() };
        let settings = assignment.settings.clone().unwrap_or_default();
        let mine = assignment.mine.unwrap_or_default();
        let separator = || Span::styled(format!("  {}  ", look.glyphs.separator), theme.dim);
        let points = format!("{} points", text::points(settings.points_possible));
        let mut lines = vec![Line::from(vec![
            Span::styled(text::clean(&settings.title), theme.title),
            separator(),
            Span::styled(points, theme.dim),
        ])];
        lines.push(Self::dates(assignment, look));
        let mut state = vec![words::state(assignment, look)];
        if model.sending.contains(&self.place) {
            state = vec![Span::styled("being handed in", theme.info)];
        }
        if model.queued.contains(&self.place) {
            state = vec![Span::styled("queued here, NOT submitted", theme.bad)];
        }
        let allowed = settings.allowed_attempts;
        let used = if allowed == 0 {
            text::count(mine.attempts_used, "attempt")
        } else {
            format!("{} of {}", mine.attempts_used, text::count(allowed, "attempt"))
        };
        state.extend([separator(), Span::styled(used, theme.dim)]);
        state.extend([separator(), Span::styled(format!("takes {}", words::accepted(&settings)), theme.dim)]);
        lines.push(Line::from(state));
        lines
    }

    fn dates(assignment: &v1::Assignment, look: &Look) -> Line<'static> {
        let theme = look.theme;
        let mine = assignment.mine.unwrap_or_default();
        let done = mine.submitted_at_ms.is_some() || mine.score.is_some();
        let due = words::due_of(assignment);
        let mut spans = Vec::new();
        if let Some(opens) = mine.unlock_at_ms.filter(|at| *at > look.now_ms) {
            spans.push(Span::styled(format!("opens {}, ", look.distance(opens)), theme.warn));
        }
        match due {
            Some(at) => {
                let words = if at < look.now_ms { "was due " } else { "due " };
                let style = words::due_style(due, done, look);
                spans.push(Span::styled(format!("{words}{}", look.distance(at)), style));
                spans.push(Span::styled(format!(" ({})", look.time_and_zone(at)), theme.dim));
            }
            None => spans.push(Span::styled("no due date", theme.dim)),
        }
        if let Some(lock) = mine.lock_at_ms {
            let words = if lock < look.now_ms { "locked" } else { "locks" };
            spans.push(Span::styled(format!(", {words} {}", look.time(lock)), theme.dim));
        }
        Line::from(spans)
    }

    fn view_list(&self, area: Rect, framed: bool, canvas: &mut Canvas<'_>) {
        let inner = if framed { canvas.pane(area, "Attempts and files", self.in_list) } else { area };
        if let Some(inner) = states::room(self.attempts.remote(), "your attempts", inner, canvas) {
            self.items.view(inner, canvas, self.in_list);
        }
    }

    fn view_text(&self, area: Rect, framed: bool, canvas: &mut Canvas<'_>) {
        let inner = if framed { canvas.pane(area, "What to do", !self.in_list) } else { area };
        if self.description.is_empty() {
            let hidden = self.assignment.value().is_some_and(|it| it.content_hidden);
            let words = if hidden { "What to do is shown when it opens." } else { "There is no description." };
            canvas.line(inner, Line::styled(words, canvas.look.theme.dim));
        } else {
            self.description.view(inner, canvas, !self.in_list);
        }
    }

    fn view_below(&self, area: Rect, canvas: &mut Canvas<'_>) {
        if area.height < 10 {
            // One of the two at a time.
            return if self.in_list {
                self.view_list(area, false, canvas);
            } else {
                self.view_text(area, false, canvas);
            };
        }
        let rows = u16::try_from(self.items.rows().len()).unwrap_or(u16::MAX).saturating_add(3);
        let list = rows.clamp(4, area.height / 2);
        let text = Rect { height: area.height - list, ..area };
        self.view_text(text, true, canvas);
        self.view_list(Rect { y: text.bottom(), height: list, ..area }, true, canvas);
    }
}

impl Screen<Student> for AssignmentScreen {
    fn scope(&self) -> &'static Scope {
        &ASSIGNMENT_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        self.place.to_string()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        match *action {
            WITHDRAW if !matches!(self.items.selected(), Some(Item::Pledge(_))) => {
                Some("Select an upload that was not finished.".into())
            }
            CHOOSE => match self.items.selected() {
                Some(Item::Attempt { counts: false, .. })
                    if self.attempts.value().is_some_and(Attempts::are_several) =>
                {
                    None
                }
                Some(Item::Attempt { .. }) => Some("It is the one that counts.".into()),
                _ => Some("Select an attempt in the list.".into()),
            },
            _ => self.objection(action, model).or_else(|| self.saver.disabled(action, self.file())),
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.assignment = Live::known(cx.model.assignment(&self.place).cloned());
        self.attempts = Live::known(cx.model.attempts.get(&self.place).cloned());
        self.arrange();
        self.load(cx);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        if cx.model.take_over(&self.place).is_some() {
            self.in_list = true;
            self.items.act(&TOP);
        }
        self.load(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        let file = self.file().cloned();
        if self.saver.file_act(action, file.as_ref(), cx) {
            return true;
        }
        match *action {
            WRITE => cx.push(Draft::new(self.place.clone())),
            PICK_FILES => cx.push(Files::new(self.place.clone(), Then::HandIn)),
            ASK => cx.push(WriteScreen::question(&self.place.course, &self.place.assignment, Role::Student)),
            SWITCH => self.in_list = !self.in_list,
            OPEN => self.open(cx),
            REFRESH => self.load(cx),
            WITHDRAW => {
                if let Some(Item::Pledge(pledge)) = self.items.selected() {
                    let question = Confirm {
                        question: format!("Withdraw the unfinished upload to {}?", self.place),
                        consequence: "Its digests no longer count; nothing that was submitted changes.".into(),
                        yes: "withdraw".into(),
                    };
                    self.withdrawing = Some((cx.confirm(question), pledge.pledge_id.clone()));
                }
            }
            CHOOSE => self.ask_to_choose(cx),
            _ if self.in_list => return self.items.act(action),
            _ => return self.description.act(action),
        }
        true
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(if self.saver.text_focus() { &self.saver } else { &self.description })
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(if self.saver.text_focus() { &mut self.saver } else { &mut self.description })
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, Student>) {
        self.saver.used(outcome, cx);
    }

    fn mouse(&mut self, event: MouseEvent, cx: &mut Cx<'_, Student>) {
        let wheel = matches!(event.kind, MouseEventKind::ScrollDown | MouseEventKind::ScrollUp);
        if wheel && !self.in_list {
            self.description.mouse(event);
            return;
        }
        match self.items.mouse(event) {
            Outcome::Chosen if self.in_list => self.open(cx),
            Outcome::Changed | Outcome::Chosen => self.in_list = true,
            Outcome::Ignored | Outcome::Left => self.in_list = false,
        }
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        match message {
            Message::Assignment(answer) => {
                if let Ok((_, now_ms)) = &*answer {
                    cx.set_cluster_time(*now_ms);
                }
                if self.assignment.finish(request, answer.map(|(assignment, _)| assignment))
                    && let Some(assignment) = self.assignment.value()
                {
                    cx.model.learn(&self.place, assignment);
                }
            }
            Message::Attempts(attempts) => {
                if self.attempts.finish(request, attempts)
                    && let Some(attempts) = self.attempts.value()
                {
                    cx.model.attempts.insert(self.place.clone(), attempts.clone());
                }
            }
            Message::Withdrawn(answer) => match self.withdrawal.finish(request, answer) {
                Some(()) => cx.toast(Tone::Good, "The upload is withdrawn; nothing was submitted by it."),
                None => {
                    if let Some(failure) = self.withdrawal.failure() {
                        cx.toast(Tone::Bad, format!("Not withdrawn: {}", states::sentence(failure)));
                    }
                }
            },
            Message::Chosen(answer) => match self.choice.finish(request, answer) {
                Some(counted) => {
                    cx.toast(Tone::Good, lectern_cli::submission::which_counts(&counted));
                    self.load(cx);
                }
                None => {
                    if let Some(failure) = self.choice.failure() {
                        cx.toast(Tone::Bad, format!("Nothing was chosen: {}", states::sentence(failure)));
                    }
                }
            },
            Message::Shared(shared::Message::Material(message)) => self.saver.received(request, message, cx),
            _ => return,
        }
        self.arrange();
        // Each by itself: an answer to one that asked for the other again would go on for ever.
        if self.assignment.is_stale() {
            self.assignment.ask(cx, Effect::Assignment(self.place.clone()));
        }
        if self.attempts.is_stale() {
            self.attempts.ask(cx, Effect::Attempts(self.place.clone()));
        }
    }

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, Student>) {
        self.saver.answered(request, &answer, cx);
    }

    fn confirmed(&mut self, request: RequestId, cx: &mut Cx<'_, Student>) {
        if let Some((_, pledge)) = self.withdrawing.take_if(|(asked, _)| *asked == request) {
            let key = self.withdrawal.key(&pledge);
            let request = cx.request(Effect::Withdraw { key, pledge });
            self.withdrawal.start(request);
        }
        if let Some((_, attempt)) = self.choosing.take_if(|(asked, _)| *asked == request) {
            let key = self.choice.key(&attempt);
            let request = cx.request(Effect::Choose { key, place: self.place.clone(), attempt });
            self.choice.start(request);
        }
        self.saver.confirmed(request, cx);
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, Student>) {
        if concerns(change) {
            self.load(cx);
        }
    }

    fn wakes_at(&self, _model: &Model, now_ms: i64) -> Option<i64> {
        let assignment = self.assignment.value()?;
        let mine = assignment.mine.unwrap_or_default();
        let dates = [words::due_of(assignment), mine.unlock_at_ms].into_iter().flatten();
        dates.map(|at| text::distance_changes_at(at, now_ms)).min()
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let area = self.saver.view(area, canvas);
        let Some(area) = states::room(self.assignment.remote(), "the assignment", area, canvas) else { return };
        let mut facts = self.facts(model, canvas);
        if area.height > 14 {
            facts.push(Line::default());
        }
        let used = u16::try_from(facts.len()).unwrap_or(u16::MAX).min(area.height);
        canvas.lines(area, facts);
        self.view_below(Rect { y: area.y + used, height: area.height - used, ..area }, canvas);
    }
}

/// How an extension request stands.
fn request_words(request: &v1::ExtensionRequest) -> String {
    let reason = text::clean(&request.reason);
    let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    match request.state() {
        v1::ExtensionState::Accepted => format!("Your work after the lock date was accepted{because}"),
        v1::ExtensionState::Declined => format!("Your work after the lock date was declined{because}"),
        v1::ExtensionState::Pending | v1::ExtensionState::Unspecified => {
            "Your work after the lock date is kept; your instructor has not decided yet.".into()
        }
    }
}

fn name(item: &Item) -> String {
    match item {
        Item::Attempt { submission, .. } => format!("Attempt {}", submission.attempt),
        Item::Pledge(_) => "Unfinished upload".into(),
        Item::Request(_) => "After the lock date".into(),
        Item::Attachment(file) => file.name.clone(),
    }
}

fn state(item: &Item, look: &Look) -> Span<'static> {
    let theme = look.theme;
    match item {
        Item::Attempt { submission, counts } => {
            let (words, style) = if submission.late { ("late", theme.warn) } else { ("on time", theme.good) };
            Span::styled(if *counts { format!("{words}, counts") } else { words.into() }, style)
        }
        Item::Pledge(_) => Span::styled("NOT submitted", theme.warn),
        Item::Request(request) => match request.state() {
            v1::ExtensionState::Accepted => Span::styled("accepted", theme.good),
            v1::ExtensionState::Declined => Span::styled("declined", theme.bad),
            v1::ExtensionState::Pending | v1::ExtensionState::Unspecified => Span::styled("not decided", theme.info),
        },
        Item::Attachment(file) => Span::styled(text::size(file.size), theme.dim),
    }
}

fn when(item: &Item) -> Option<i64> {
    match item {
        Item::Attempt { submission, .. } => Some(submission.submitted_at_ms),
        Item::Pledge(pledge) => Some(pledge.pledged_at_ms),
        Item::Request(request) => Some(request.offered_at_ms),
        Item::Attachment(_) => None,
    }
}

/// The beginning of a digest that names the whole: of the text, else of the first file.
fn digest(item: &Item) -> String {
    match item {
        Item::Attempt { submission, .. } if !submission.text_digest.is_empty() => {
            words::short_digest(&submission.text_digest)
        }
        Item::Attempt { submission, .. } => {
            submission.files.first().map(|file| words::short_digest(&file.digest)).unwrap_or_default()
        }
        Item::Attachment(file) => words::short_digest(&file.digest),
        Item::Pledge(_) | Item::Request(_) => String::new(),
    }
}

fn table() -> Table<Item> {
    let columns = vec![
        Column::new("attempt or file", Width::Fill(1), |item: &Item, _| Line::raw(name(item))),
        Column::new("when", Width::Fixed(17), |item: &Item, look| {
            Line::raw(when(item).map(|at| look.time(at)).unwrap_or_default())
        })
        .keep(1),
        Column::new("state", Width::Fixed(15), |item: &Item, look| Line::from(state(item, look))),
        Column::new("digest", Width::Fixed(16), |item: &Item, look| Line::styled(digest(item), look.theme.dim)).keep(2),
    ];
    let key = |item: &Item| format!("{} {}", name(item), when(item).unwrap_or(0));
    Table::new(columns, key, "Nothing was handed in yet, and no files are attached.")
}
