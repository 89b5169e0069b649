//! Saving a file where the person says, and opening one in their own viewer: a line at the bottom of any screen that shows
//! files.

use std::path::PathBuf;

use crossterm::event::{KeyEvent, MouseEvent};
use lectern_proto::v1;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::{Destination, Effect, Message};
use crate::action::{Action, BACK, Group};
use crate::look::Canvas;
use crate::program::KitAnswer;
use crate::remote::RequestId;
use crate::screen::{Confirm, Cx, KitWork, Tone};
use crate::shared::{self, Shares};
use crate::widgets::line::LineInput;
use crate::widgets::{Outcome, Part};
use crate::{states, text};

/// Save the file.
pub const SAVE: Action =
    Action::new("save", &["w"], "save", "Save the file on this machine, checked against its digest.").in_bar();
/// Open it outside.
pub const VIEW: Action =
    Action::new("view", &["o"], "open outside", "Fetch the file, and open it in your own viewer (LECTERN_OPENER).")
        .in_bar();

/// Files that can be saved and opened.
pub const FILES: Group = Group { name: "files", title: "Files", actions: &[SAVE, VIEW] };

/// One file under way.
#[derive(Debug)]
struct UnderWay {
    request: RequestId,
    name: String,
    for_viewer: bool,
    /// Bytes that are here, and of how many.
    progress: Option<(u64, u64)>,
}

/// The line and what is under way. While a path is typed it is the screen's [`Part`].
#[derive(Debug, Default)]
pub struct Saver {
    asking: Option<(LineInput, v1::FileRef)>,
    under_way: Option<UnderWay>,
    replacing: Option<(RequestId, v1::FileRef, PathBuf)>,
    last: Option<v1::FileRef>,
}

impl Saver {
    /// Asks where to save a file.
    pub fn ask(&mut self, file: &v1::FileRef) {
        let name = lectern_cli::transfer::local_name(&file.name);
        self.asking = Some((LineInput::new(&name.to_string_lossy()), file.clone()));
    }

    fn start<P: Shares>(&mut self, file: &v1::FileRef, to: Destination, cx: &mut Cx<'_, P>) {
        let for_viewer = to == Destination::Viewer;
        let request = cx.share(shared::Effect::Material(Effect::Save { file: file.clone(), to }));
        self.last = Some(file.clone());
        self.under_way = Some(UnderWay { request, name: file.name.clone(), for_viewer, progress: None });
    }

    /// Why nothing can be saved or opened now.
    pub fn disabled(&self, action: &Action, file: Option<&v1::FileRef>) -> Option<String> {
        if *action != SAVE && *action != VIEW {
            return None;
        }
        match (&self.under_way, file) {
            (Some(it), _) => Some(format!("{} is on its way.", it.name)),
            (None, None) => Some("There is no file here.".into()),
            (None, Some(_)) => None,
        }
    }

    /// An action of the group [`FILES`] on the file that is selected; Esc leaves the line.
    pub fn file_act<P: Shares>(&mut self, action: &Action, file: Option<&v1::FileRef>, cx: &mut Cx<'_, P>) -> bool {
        match (*action, file) {
            (SAVE, Some(file)) => self.ask(file),
            (VIEW, Some(file)) => self.start(file, Destination::Viewer, cx),
            (SAVE | VIEW, None) => {}
            _ => return self.act(action),
        }
        true
    }

    /// What a key came to while a path was typed ([`crate::screen::Screen::used`]): where it is chosen, the file is saved there.
    /// False when no path is typed.
    pub fn used<P: Shares>(&mut self, outcome: Outcome, cx: &mut Cx<'_, P>) -> bool {
        if outcome == Outcome::Chosen
            && let Some((line, file)) = self.asking.take()
        {
            let path = PathBuf::from(line.text().trim());
            self.start(&file, Destination::Path { path, replace: false }, cx);
            return true;
        }
        self.asking.is_some()
    }

    /// A message of the screen's; those of other requests are not its own.
    pub fn received<P: Shares>(&mut self, request: RequestId, message: Message, cx: &mut Cx<'_, P>) {
        let Some(under_way) = self.under_way.as_mut().filter(|it| it.request == request) else { return };
        match message {
            Message::Saving { done, total } => under_way.progress = Some((done, total)),
            Message::Exists(path) => {
                self.under_way = None;
                self.confirm_replacing(path, cx);
            }
            Message::Saved(Ok(path)) if under_way.for_viewer => {
                under_way.progress = None;
                under_way.request = cx.kit(KitWork::Open(path));
            }
            Message::Saved(Ok(path)) => {
                self.under_way = None;
                cx.toast(Tone::Good, format!("Saved {}, and its digest is right.", path.display()));
            }
            Message::Saved(Err(failure)) => {
                let words = format!("{} is not saved: {}", under_way.name, states::sentence(&failure));
                self.under_way = None;
                cx.toast(Tone::Bad, words);
            }
            Message::Listed(_) | Message::Pages(_) | Message::Opened(_) => {}
        }
    }

    fn confirm_replacing<P: Shares>(&mut self, path: PathBuf, cx: &mut Cx<'_, P>) {
        let Some(file) = self.last.clone() else { return };
        let request = cx.confirm(Confirm {
            question: format!("Replace {}?", path.display()),
            consequence: "There is such a file already.".into(),
            yes: "replace".into(),
        });
        self.replacing = Some((request, file, path));
    }

    /// The person said yes to something.
    pub fn confirmed<P: Shares>(&mut self, request: RequestId, cx: &mut Cx<'_, P>) {
        if let Some((_, file, path)) = self.replacing.take_if(|(asked, ..)| *asked == request) {
            self.start(&file, Destination::Path { path, replace: true }, cx);
        }
    }

    /// An answer of the kit: how opening went.
    pub fn answered<P: Shares>(&mut self, request: RequestId, answer: &KitAnswer, cx: &mut Cx<'_, P>) {
        let KitAnswer::Opened(opened) = answer else { return };
        if let Some(it) = self.under_way.take_if(|it| it.request == request) {
            match opened {
                Ok(()) => cx.toast(Tone::Good, format!("{} is open in your viewer.", it.name)),
                Err(failure) => cx.toast(Tone::Bad, failure.sentence()),
            }
        }
    }

    /// The room that is left above the line; the line is there only while it is of use.
    pub fn view(&self, area: Rect, canvas: &mut Canvas<'_>) -> Rect {
        if self.asking.is_none() && self.under_way.is_none() || area.height < 2 {
            return area;
        }
        let row = Rect { y: area.bottom() - 1, height: 1, ..area };
        canvas.clear(row);
        if let Some((line, _)) = &self.asking {
            line.view("Save as: ", row, canvas, true);
        } else if let Some(it) = &self.under_way {
            canvas.line(row, Line::styled(words(it), canvas.look.theme.info));
        }
        Rect { height: area.height - 1, ..area }
    }
}

impl Part for Saver {
    /// Esc leaves the line; other actions are not its own.
    fn act(&mut self, action: &Action) -> bool {
        *action == BACK && self.asking.take().is_some()
    }

    /// Whether a path is being typed.
    fn text_focus(&self) -> bool {
        self.asking.is_some()
    }

    /// A key for the path.
    fn key(&mut self, key: KeyEvent) -> Outcome {
        let outcome = self.asking.as_mut().map_or(Outcome::Ignored, |(line, _)| line.key(key));
        if outcome == Outcome::Left {
            self.asking = None;
        }
        outcome
    }

    /// A paste into the path.
    fn paste(&mut self, pasted: &str) {
        if let Some((line, _)) = &mut self.asking {
            line.paste(pasted);
        }
    }

    fn mouse(&mut self, _event: MouseEvent) -> Outcome {
        Outcome::Ignored
    }
}

fn words(it: &UnderWay) -> String {
    let name = text::clean(&it.name);
    match it.progress {
        Some((done, total)) if total > 0 => {
            format!("Fetching {name}: {} of {} ({} %)", text::size(done), text::size(total), done * 100 / total)
        }
        Some(_) => format!("Fetching {name} …"),
        None => format!("{name} is on its way …"),
    }
}
