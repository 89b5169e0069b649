//! Choosing a file of this machine for a field of a form.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lectern_tui_kit::action::{Action, OPEN, Scope};
use lectern_tui_kit::look::Canvas;
use lectern_tui_kit::program::KitAnswer;
use lectern_tui_kit::remote::RequestId;
use lectern_tui_kit::screen::{KitWork, Screen};
use lectern_tui_kit::widgets::file_picker::FilePicker;
use lectern_tui_kit::widgets::{Outcome, Part};
use ratatui::layout::Rect;

use crate::actions;
use crate::effects::Message;
use crate::model::Model;
use crate::program::{Cx, Instructor};

/// Where the chosen file is put, for the screen below.
pub type Picked = Rc<RefCell<Option<PathBuf>>>;

/// The picker.
pub struct PickScreen {
    picker: FilePicker,
    picked: Picked,
    /// The listing that is awaited: one of an older directory, or its failure, is of no use.
    listing: RequestId,
}

impl PickScreen {
    /// Begins in this directory.
    pub fn new(start: &Path, picked: Picked) -> Self {
        let home = std::env::var_os("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
        Self { picker: FilePicker::new(start, home), picked, listing: RequestId::default() }
    }

    /// Asks for the directory that the picker wants.
    fn list(&mut self, cx: &mut Cx<'_>) {
        if let Some(dir) = self.picker.wants() {
            self.listing = cx.kit(KitWork::List(dir));
        }
    }

    fn choose(&self, cx: &mut Cx<'_>) {
        if let Some(path) = self.picker.chosen().into_iter().next() {
            self.picked.replace(Some(path));
            cx.pop();
        }
    }
}

impl Screen<Instructor> for PickScreen {
    fn scope(&self) -> &'static Scope {
        &actions::PICKER_SCOPE
    }

    fn title(&self, _model: &Model) -> String {
        "choose a file".into()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.list(cx);
    }

    fn act(&mut self, action: &Action, cx: &mut Cx<'_>) -> bool {
        let used = self.picker.act(action);
        self.list(cx);
        if !used && *action == OPEN {
            self.choose(cx);
            return true;
        }
        used
    }

    fn part(&self) -> Option<&dyn Part> {
        Some(&self.picker)
    }

    fn part_mut(&mut self) -> Option<&mut dyn Part> {
        Some(&mut self.picker)
    }

    fn used(&mut self, outcome: Outcome, cx: &mut Cx<'_>) {
        if outcome == Outcome::Chosen {
            self.choose(cx);
        }
        self.list(cx);
    }

    fn received(&mut self, _request: RequestId, _message: Message, _cx: &mut Cx<'_>) {}

    fn answered(&mut self, request: RequestId, answer: KitAnswer, cx: &mut Cx<'_>) {
        if let KitAnswer::Listed(listing) = answer
            && request == self.listing
        {
            self.picker.listed(listing);
            self.list(cx);
        }
    }

    fn view(&self, _model: &Model, area: Rect, canvas: &mut Canvas<'_>) {
        let inner = canvas.pane(area, "Choose a file", true);
        self.picker.view(inner, canvas, true);
    }
}
