//! Choosing files, or one directory, to hand in.

use std::path::PathBuf;

use lectern_tui_kit::action::{Action, OPEN, REFRESH, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::KitAnswer;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{Cx, KitWork, Screen};
use lectern_tui_kit::widgets::file_picker::FilePicker;
use lectern_tui_kit::widgets::{Outcome, Part};
use ratatui::layout::Rect;

use crate::actions::{FILES_SCOPE, TAKE_DIRECTORY, TAKE_FILES};
use crate::effects::Message;
use crate::model::{HandOver, Model, Place};
use crate::program::Student;
use crate::screens::hand_in::HandIn;

/// What becomes of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// They are shown, to be handed in.
    HandIn,
    /// They go to the screen below.
    Return,
}

/// The picker.
pub struct Files {
    place: Place,
    then: Then,
    picker: FilePicker,
    /// The listing that is awaited: one of an older directory, or its failure, is of no use.
    listing: RequestId,
}

impl Files {
    /// Files for an assignment, beginning in the current directory.
    pub fn new(place: Place, then: Then) -> Self {
        Self::starting_in(".", place, then)
    }

    /// The same, beginning in another directory.
    pub fn starting_in(start: impl Into<PathBuf>, place: Place, then: Then) -> Self {
        let home = std::env::var_os("HOME").unwrap_or_else(|| "/".into());
        Self { place, then, picker: FilePicker::new(start, home), listing: RequestId::default() }
    }

    /// The picker reads no disk itself.
    fn list(&mut self, cx: &mut Cx<'_, Student>) {
        if let Some(dir) = self.picker.wants() {
            self.listing = cx.kit(KitWork::List(dir));
        }
    }

    fn take(&self, paths: Vec<PathBuf>, cx: &mut Cx<'_, Student>) {
        match self.then {
            Then::HandIn => cx.replace(HandIn::new(self.place.clone(), String::new(), paths)),
            Then::Return => {
                cx.model.hand_over = Some((self.place.clone(), HandOver::Files(paths)));
                cx.pop();
            }
        }
    }

    fn take_chosen(&self, cx: &mut Cx<'_, Student>) {
        let chosen = self.picker.chosen();
        if !chosen.is_empty() {
            self.take(chosen, cx);
        }
    }
}

impl Screen<Student> for Files {
    fn scope(&self) -> &'static Scope {
        &FILES_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "files".into()
    }

    fn disabled(&self, action: &Action, _model: &Model) -> Option<String> {
        match *action {
            TAKE_FILES if self.picker.chosen().is_empty() => Some("Select a file, or mark several with space.".into()),
            TAKE_DIRECTORY if self.picker.dir().as_os_str().is_empty() => Some("No directory is shown yet.".into()),
            _ => None,
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_, Student>) {
        self.list(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_, Student>) -> bool {
        let used = match *action {
            TAKE_FILES => {
                self.take_chosen(cx);
                true
            }
            TAKE_DIRECTORY => {
                self.take(vec![self.picker.dir().to_owned()], cx);
                true
            }
            REFRESH => {
                self.picker.refresh();
                true
            }
            OPEN => {
                if !self.picker.act(action) {
                    self.take_chosen(cx);
                }
                true
            }
            _ => self.picker.act(action),
        };
        self.list(cx);
        used
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.picker)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.picker)
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_, Student>) {
        if outcome == Outcome::Chosen {
            self.take_chosen(cx);
        }
        self.list(cx);
    }

    fn received(&mut self, _request: RequestId, _message: Message, _cx: &mut Cx<'_, Student>) {}

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_, Student>) {
        if let KitAnswer::Listed(listing) = answer
            && request == self.listing
        {
            self.picker.listed(listing);
            self.list(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        self.picker.view(area, canvas, true);
    }
}
