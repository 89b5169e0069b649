//! Writing the text of a submission. What is typed is kept on this machine at once and on the server a moment later; both
//! states are told in words, and a version of another device is kept beside this one.

use crossterm::event::{KeyCode, KeyEvent, MouseEvent};
use lectern_client::new_key;
use lectern_proto::v1;
use lectern_tui_kit::action::{Action, BACK, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::{Change, KitAnswer, concerns};
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::{Cx, KitWork, Screen, Tone};
use lectern_tui_kit::widgets::editor::Editor;
use lectern_tui_kit::{states, text};
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::actions::{DRAFT_SCOPE, EXTERNAL, HAND_IN_DRAFT, OTHER_VERSION, TYPE};
use crate::drafts::Kept;
use crate::effects::{Effect, Message};
use crate::model::{HandOver, Model, Place};
use crate::program::Student;
use crate::screens::hand_in::HandIn;
use crate::screens::version::Version;
use crate::words;

/// So long after a change the draft goes to the server, with what was typed since.
const PAUSE_MS: u64 = 1_500;
/// The longest text where the assignment sets no limit.
const MAX_BYTES: u64 = 1 << 20;

/// A save on its way to the server.
#[derive(Clone, Copy, Debug)]
struct Saving {
    request: RequestId,
    /// The editor's revision that is being saved.
    revision: u64,
}

/// How the draft stands on the server.
#[derive(Debug, Default)]
struct Remote {
    /// Its draft was asked for, and is awaited.
    reading: Option<RequestId>,
    /// Its draft is known: saving makes sense from now on.
    known: bool,
    /// The revision the text was written on.
    base: u64,
    /// The editor's revision it has.
    has: Option<u64>,
    saving: Option<Saving>,
    /// Why the save that is on its way takes so long.
    waits: Option<Failure>,
    /// Why it is not there.
    failure: Option<Failure>,
    /// A revision that another device saved in between, which is kept beside this one.
    other: Option<u64>,
}

/// How the draft stands on this machine.
#[derive(Debug, Default)]
struct Local {
    keeping: Option<Saving>,
    has: Option<u64>,
    /// The write that is on its way takes longer than writes do.
    slow: bool,
    failure: Option<Failure>,
}

/// What was typed before the draft of this machine was read: it belongs behind that.
#[derive(Debug)]
enum Early {
    Key(KeyEvent),
    Paste(String),
}

/// The draft.
pub struct Draft {
    place: Place,
    username: String,
    editor: Editor,
    typing: bool,
    local: Local,
    remote: Remote,
    /// The answers to opening it are awaited under this number.
    opening: RequestId,
    /// Some while the draft of this machine is being read.
    early: Option<Vec<Early>>,
    /// The server's turn comes when this is over.
    pause: Option<RequestId>,
    editing_outside: RequestId,
}

impl Draft {
    /// The draft for an assignment.
    pub fn new(place: Place) -> Self {
        Self {
            place,
            username: String::new(),
            editor: Editor::new(""),
            typing: true,
            local: Local::default(),
            remote: Remote::default(),
            opening: RequestId::default(),
            early: Some(Vec::new()),
            pause: None,
            editing_outside: RequestId::default(),
        }
    }

    /// Lets the editor do something; what it changed is kept.
    fn edited<T>(&mut self, edit: impl FnOnce(&mut Editor) -> T, cx: &mut Cx<'_, Student>) -> T {
        let before = self.editor.revision();
        let done = edit(&mut self.editor);
        if self.editor.revision() != before {
            self.touched(cx);
        }
        done
    }

    /// The text changed: keep it here at once, and on the server a moment later.
    fn touched(&mut self, cx: &mut Cx<'_, Student>) {
        self.keep(cx);
        let dirty = self.remote.has != Some(self.editor.revision());
        if self.remote.known && dirty && self.pause.is_none() && self.remote.saving.is_none() {
            self.pause = Some(cx.request(Effect::Pause { ms: PAUSE_MS }));
        }
    }

    /// Keeps the text on this machine. One write at a time, so that the last one is the newest.
    fn keep(&mut self, cx: &mut Cx<'_, Student>) {
        let revision = self.editor.revision();
        let nothing = self.editor.is_empty() && self.remote.base == 0 && self.local.has.is_none();
        if nothing || self.local.keeping.is_some() || self.local.has == Some(revision) {
            return;
        }
        let kept = Kept {
            username: self.username.clone(),
            text: self.editor.text(),
            base: self.remote.base,
            synced: self.remote.has == Some(revision),
        };
        let request = cx.request(Effect::KeepDraft(self.place.clone(), kept));
        self.local.keeping = Some(Saving { request, revision });
    }

    /// Saves the text on the server, unless it is there, or on its way.
    fn save(&mut self, cx: &mut Cx<'_, Student>) {
        let revision = self.editor.revision();
        let nothing = self.editor.is_empty() && self.remote.base == 0;
        if !self.remote.known || self.remote.saving.is_some() || self.remote.has == Some(revision) || nothing {
            return;
        }
        let request = cx.request(Effect::SaveDraft {
            key: new_key(),
            place: self.place.clone(),
            username: self.username.clone(),
            text: self.editor.text(),
            base: self.remote.base,
        });
        self.remote.saving = Some(Saving { request, revision });
        self.remote.failure = None;
        self.remote.waits = None;
    }

    fn read_server(&mut self, cx: &mut Cx<'_, Student>) {
        if self.remote.reading.is_none() && self.remote.saving.is_none() {
            self.remote.reading = Some(cx.request(Effect::ServerDraft(self.place.clone())));
        }
    }

    /// The draft of this machine is here.
    fn kept_arrived(&mut self, kept: Result<Option<Kept>, Failure>, cx: &mut Cx<'_, Student>) {
        let Some(early) = self.early.take() else { return };
        match kept {
            Ok(Some(kept)) => {
                self.editor.set_text(&kept.text);
                self.remote.base = kept.base;
                let revision = self.editor.revision();
                self.local.has = Some(revision);
                self.remote.has = kept.synced.then_some(revision);
            }
            Ok(None) => {}
            Err(failure) => self.local.failure = Some(failure),
        }
        for typed in early {
            match typed {
                Early::Key(key) => self.key(key, cx),
                Early::Paste(text) => self.paste(&text, cx),
            }
        }
    }

    /// The draft of the server is here, or there is none.
    fn server_arrived(&mut self, draft: Result<Option<v1::DraftRevision>, Failure>, cx: &mut Cx<'_, Student>) {
        self.remote.reading = None;
        let draft = match draft {
            Ok(draft) => draft,
            Err(failure) => {
                self.remote.failure = Some(failure);
                // Asked again after a while, as long as this is open.
                self.pause.get_or_insert_with(|| cx.request(Effect::Pause { ms: PAUSE_MS }));
                return;
            }
        };
        let first = !std::mem::replace(&mut self.remote.known, true);
        self.remote.failure = None;
        let revision = self.editor.revision();
        if let Some(draft) = draft {
            let clean = self.remote.has == Some(revision) || (first && self.editor.is_empty());
            if draft.text == self.editor.text() {
                self.remote.base = draft.revision;
                self.remote.has = Some(revision);
            } else if clean && draft.revision > self.remote.base {
                self.take_over(&draft, first, cx);
            }
        }
        self.touched(cx);
    }

    /// Nothing here is newer than what another device saved.
    fn take_over(&mut self, draft: &v1::DraftRevision, first: bool, cx: &mut Cx<'_, Student>) {
        self.editor.set_text(&draft.text);
        self.remote.base = draft.revision;
        self.remote.has = Some(self.editor.revision());
        if !first {
            let device = text::clean(&draft.device_label);
            cx.toast(Tone::Plain, format!("Revision {}, which {device} just saved, is shown now.", draft.revision));
        }
    }

    fn saved(&mut self, request: RequestId, saved: Result<v1::SaveDraftResponse, Failure>, cx: &mut Cx<'_, Student>) {
        let Some(saving) = self.remote.saving.take_if(|saving| saving.request == request) else { return };
        self.remote.waits = None;
        match saved {
            Ok(response) => {
                let revision = response.saved.unwrap_or_default().revision;
                self.remote.base = revision;
                self.remote.has = Some(saving.revision);
                if let Some(other) = response.conflicting_revision {
                    self.remote.other = Some(other);
                    let words = format!("Another device saved revision {other} in between; both are kept.");
                    cx.toast(Tone::Bad, words);
                }
                // What is kept here is to say which revision it belongs to.
                self.local.has = None;
                self.touched(cx);
            }
            Err(failure) => self.remote.failure = Some(failure),
        }
    }

    fn paused(&mut self, request: RequestId, cx: &mut Cx<'_, Student>) {
        if self.pause.take_if(|pause| *pause == request).is_none() {
            return;
        }
        self.local.slow = self.local.keeping.is_some();
        if self.remote.known {
            self.save(cx);
        } else {
            self.read_server(cx);
        }
    }

    fn edited_outside(&mut self, text: Result<String, Failure>, cx: &mut Cx<'_, Student>) {
        match text {
            // Editors end a file with a newline.
            Ok(text) => {
                let text = text.strip_suffix('\n').unwrap_or(&text);
                if text != self.editor.text() {
                    self.editor.replace(text);
                    self.touched(cx);
                }
            }
            Err(failure) => cx.toast(Tone::Bad, failure.sentence()),
        }
    }

    fn hand_in(&mut self, cx: &mut Cx<'_, Student>) {
        self.keep(cx);
        self.save(cx);
        cx.push(HandIn::new(self.place.clone(), self.editor.text(), Vec::new()));
    }

    /// How it stands on this machine. A letter is kept within milliseconds: only the mark changes meanwhile, so that the line
    /// stays calm while one types.
    fn local_words(&self, canvas: &Canvas<'_>) -> Vec<Span<'static>> {
        let (theme, glyphs) = (canvas.look.theme, canvas.look.glyphs);
        let saved = |mark| vec![mark, Span::styled(" saved here", theme.good)];
        match &self.local {
            Local { failure: Some(failure), .. } => {
                let words = format!("{} not saved here: {}", glyphs.failed, text::clean(&failure.message));
                vec![Span::styled(words, theme.bad)]
            }
            Local { has: None, keeping: None, .. } => vec![Span::styled("nothing saved here yet", theme.dim)],
            Local { has, .. } if *has == Some(self.editor.revision()) => saved(Span::styled(glyphs.done, theme.good)),
            Local { slow: true, .. } => vec![Span::styled("saving here …", theme.info)],
            Local { .. } => saved(Span::styled(glyphs.pending, theme.info)),
        }
    }

    /// How it stands on the server.
    fn remote_words(&self, canvas: &Canvas<'_>) -> Span<'static> {
        let (theme, glyphs) = (canvas.look.theme, canvas.look.glyphs);
        let why = |failure: &Failure| text::clean(&states::sentence(failure));
        let saving = Span::styled("saving on the server …", theme.info);
        match &self.remote {
            Remote { waits: Some(failure), .. } => {
                Span::styled(format!("not on the server yet, tried again: {}", why(failure)), theme.warn)
            }
            Remote { saving: Some(_), .. } => saving,
            Remote { failure: Some(failure), known: true, .. } => {
                Span::styled(format!("{} not on the server: {}", glyphs.failed, why(failure)), theme.bad)
            }
            Remote { failure: Some(failure), .. } => {
                Span::styled(format!("the server's draft is not here, asked again: {}", why(failure)), theme.warn)
            }
            Remote { known: false, .. } => Span::styled("asking the server for its draft …", theme.info),
            Remote { has, base, .. } if *has == Some(self.editor.revision()) => {
                Span::styled(format!("{} saved on the server, revision {base}", glyphs.done), theme.good)
            }
            Remote { base: 0, .. } if self.editor.is_empty() => Span::styled("no draft on the server yet", theme.dim),
            // It goes there in a moment: told like this, the line does not change with every pause in typing.
            Remote { .. } => saving,
        }
    }

    /// Both states, in one line where there is room, else in two.
    fn state_lines(&self, width: u16, canvas: &Canvas<'_>) -> Vec<Line<'static>> {
        let (here, there) = (self.local_words(canvas), self.remote_words(canvas));
        let separator = Span::styled(format!("  {}  ", canvas.look.glyphs.separator), canvas.look.theme.dim);
        let one: Line<'_> = here.iter().cloned().chain([separator, there.clone()]).collect();
        let mut lines =
            if one.width() <= usize::from(width) { vec![one] } else { vec![Line::from(here), Line::from(there)] };
        if let Some(other) = self.remote.other {
            let words = format!("Revision {other} of another device is kept, too: ctrl-t shows it.");
            lines.push(Line::styled(words, canvas.look.theme.warn));
        }
        lines
    }
}

impl Screen<Student> for Draft {
    fn scope(&self) -> &'static Scope {
        &DRAFT_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "draft".into()
    }

    fn disabled(&self, action: &Action, model: &Model) -> Option<String> {
        match *action {
            HAND_IN_DRAFT if self.editor.is_empty() => Some("There is no text to hand in yet.".into()),
            HAND_IN_DRAFT if model.sending.contains(&self.place) => Some("It is being handed in.".into()),
            HAND_IN_DRAFT => {
                self.editor.excess().map(|bytes| format!("The text is too long by {}.", text::size(bytes as u64)))
            }
            OTHER_VERSION if self.remote.other.is_none() => Some("No other device saved in between.".into()),
            TYPE if self.typing => Some("You are typing.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        let limit =
            cx.model.assignment(&self.place).and_then(|known| known.settings.as_ref()).map(|it| it.max_text_bytes);
        let limit = limit.filter(|limit| *limit > 0).unwrap_or(MAX_BYTES);
        let editor = Editor::new("").placeholder("Write here. Markdown is fine.");
        self.editor = editor.max_bytes(usize::try_from(limit).unwrap_or(usize::MAX));
        self.username.clone_from(&cx.model.account.username);
        let (place, username) = (self.place.clone(), self.username.clone());
        self.opening = cx.request(Effect::OpenDraft { place, username });
        self.remote.reading = Some(self.opening);
    }

    fn resumed(&mut self, cx: &mut Cx<'_, Student>) {
        match cx.model.take_over(&self.place) {
            Some(HandOver::HandedIn) => {
                // The assignment below is to know it, too.
                cx.model.hand_over = Some((self.place.clone(), HandOver::HandedIn));
                return cx.pop();
            }
            Some(HandOver::Text(text)) => self.editor.replace(&text),
            Some(HandOver::Files(_)) | None => {}
        }
        // After a sign-in that had ended, for one.
        if self.remote.failure.take().is_some() {
            self.save(cx);
            self.read_server(cx);
        }
        self.touched(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        match *action {
            HAND_IN_DRAFT => self.hand_in(cx),
            EXTERNAL => {
                let work = KitWork::Edit { text: self.editor.text(), extension: "md".into() };
                self.editing_outside = cx.kit(work);
            }
            OTHER_VERSION => {
                if let Some(revision) = self.remote.other {
                    cx.push(Version::revision(self.place.clone(), revision));
                }
            }
            TYPE => self.typing = true,
            REFRESH => self.read_server(cx),
            BACK if self.typing => self.typing = false,
            BACK => {
                self.leaving(cx);
                return false;
            }
            _ => return self.edited(|editor| editor.act(action), cx),
        }
        true
    }

    fn text_focus(&self) -> bool {
        self.typing
    }

    fn key(&mut self, key: KeyEvent, cx: &mut Cx<'_, Student>) {
        if let Some(early) = &mut self.early {
            return early.push(Early::Key(key));
        }
        if !self.typing {
            // Arrows move through the text without changing it.
            if matches!(key.code, KeyCode::Down | KeyCode::Up | KeyCode::PageDown | KeyCode::PageUp) {
                self.editor.key(key);
            }
            return;
        }
        self.edited(|editor| editor.key(key), cx);
        if let Some(copied) = self.editor.take_copied() {
            cx.kit(KitWork::Copy(copied));
        }
    }

    fn paste(&mut self, pasted: &str, cx: &mut Cx<'_, Student>) {
        self.typing = true;
        if let Some(early) = &mut self.early {
            return early.push(Early::Paste(pasted.to_owned()));
        }
        self.editor.paste(pasted);
        self.touched(cx);
    }

    fn mouse(&mut self, event: MouseEvent, _cx: &mut Cx<'_, Student>) {
        self.editor.mouse(event);
    }

    fn received(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, Student>) {
        match message {
            Message::KeptDraft(kept) if request == self.opening => self.kept_arrived(kept, cx),
            Message::ServerDraft(draft) if self.remote.reading == Some(request) => self.server_arrived(draft, cx),
            Message::Kept(kept) => {
                if let Some(keeping) = self.local.keeping.take_if(|keeping| keeping.request == request) {
                    self.local.slow = false;
                    self.local.failure = kept.err();
                    if self.local.failure.is_none() {
                        self.local.has = Some(keeping.revision);
                        self.keep(cx);
                    }
                }
            }
            Message::DraftWaits(failure) if self.remote.saving.is_some_and(|it| it.request == request) => {
                self.remote.waits = Some(failure);
            }
            Message::DraftSaved(saved) => self.saved(request, saved, cx),
            Message::Paused => self.paused(request, cx),
            _ => {}
        }
    }

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, Student>) {
        if let KitAnswer::Edited(text) = answer
            && request == self.editing_outside
        {
            self.edited_outside(text, cx);
        }
    }

    fn changed(&mut self, change: &Change, cx: &mut Cx<'_, Student>) {
        if concerns(change, None, &[v1::EventKind::Draft]) {
            self.read_server(cx);
        }
    }

    fn leaving(&mut self, cx: &mut Cx<'_, Student>) {
        if self.early.is_some() {
            // Nothing was shown yet, so nothing was changed.
            return;
        }
        // What is under way may be older than the last letters: those go behind it.
        let revision = self.editor.revision();
        self.local.keeping.take_if(|keeping| keeping.revision != revision);
        self.keep(cx);
        // Even where the server's draft is not known: it keeps both, when another device saved in between.
        self.remote.known = true;
        self.remote.saving.take_if(|saving| saving.revision != revision);
        self.save(cx);
    }

    fn wakes_at(&self, model: &Model, now_ms: i64) -> Option<i64> {
        let due = model.assignment(&self.place).and_then(words::due_of)?;
        Some(text::distance_changes_at(due, now_ms))
    }

    fn view(&self, model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let states = self.state_lines(area.width, canvas);
        let rows = u16::try_from(states.len()).unwrap_or(u16::MAX).min(area.height / 2);
        let body = Rect { height: area.height - rows, ..area };
        let assignment = model.assignment(&self.place);
        let title = match assignment.and_then(words::due_of) {
            Some(due) => format!("{}, due {}", self.place, canvas.look.distance(due)),
            None => self.place.to_string(),
        };
        let inner = if body.height > 10 { canvas.pane(body, &title, self.typing) } else { body };
        self.editor.view(inner, canvas, self.typing);
        canvas.lines(Rect { y: body.bottom(), height: rows, ..area }, states);
    }
}
