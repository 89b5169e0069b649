//! Actions, declared once: keys, bar, help, palette and the keys in the guides all come from here.
//!
//! ```
//! use lectern_tui_kit::action::{Action, Group, Scope};
//!
//! const SUBMIT: Action = Action::new("submit", &["ctrl-s"], "submit", "Hand in what is in the editor.").in_bar().in_text();
//! const EDITOR: Group = Group { name: "editor", title: "Editor", actions: &[SUBMIT] };
//! const SCOPE: Scope = Scope { name: "editor", title: "Writing", groups: &[&EDITOR] };
//! assert!(SCOPE.actions().any(|action| *action == SUBMIT));
//! ```

/// Something a person can do on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Action {
    /// What overrides call it: `submit`, in the group `editor`.
    pub name: &'static str,
    /// Keys by default, the one that is shown first.
    pub keys: &'static [&'static str],
    /// A word or two for the bar.
    pub label: &'static str,
    /// A sentence for help, palette and guides.
    pub help: &'static str,
    /// Shown in the bar.
    pub bar: bool,
    /// Works while text is typed, too: by those of its keys that are no characters.
    pub in_text: bool,
}

impl Action {
    /// An action that works outside text fields and is not shown in the bar.
    pub const fn new(
        name: &'static str,
        keys: &'static [&'static str],
        label: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, keys, label, help, bar: false, in_text: false }
    }

    /// Shown in the bar.
    #[must_use]
    pub const fn in_bar(mut self) -> Self {
        self.bar = true;
        self
    }

    /// Works while text is typed.
    #[must_use]
    pub const fn in_text(mut self) -> Self {
        self.in_text = true;
        self
    }
}

/// Actions that belong together, such as moving in a list.
#[derive(Debug)]
pub struct Group {
    /// The table of `keys.toml` that changes its keys.
    pub name: &'static str,
    /// Heading in help and guides.
    pub title: &'static str,
    /// In the order they are shown.
    pub actions: &'static [Action],
}

/// Everything one screen can do: its own groups; [`GLOBAL`] is always added.
#[derive(Debug)]
pub struct Scope {
    /// Of the screen, such as `home`.
    pub name: &'static str,
    /// As the guides call the screen.
    pub title: &'static str,
    /// Its groups, the most particular first.
    pub groups: &'static [&'static Group],
}

impl Scope {
    /// Its groups, then the global one.
    pub fn all_groups(&self) -> impl Iterator<Item = &'static Group> + use<> {
        self.groups.iter().copied().chain(std::iter::once(&GLOBAL))
    }

    /// Its actions, then the global ones.
    pub fn actions(&self) -> impl Iterator<Item = &'static Action> + use<> {
        self.all_groups().flat_map(|group| group.actions)
    }
}

/// One level back.
pub const BACK: Action = Action::new(
    "back",
    &["esc"],
    "back",
    "Go one level back; from text, leave the field. What would be lost is asked about.",
)
.in_bar()
.in_text();
/// The help of this screen.
pub const HELP: Action =
    Action::new("help", &["?", "f1"], "help", "Show the keys of this screen; f1 does while you type, too.")
        .in_bar()
        .in_text();
/// The palette.
pub const PALETTE: Action =
    Action::new("palette", &[":", "ctrl-p"], "commands", "Find an action by typing a part of its name.").in_bar();
/// The cluster panel.
pub const CLUSTER: Action = Action::new("cluster", &["C"], "cluster", "Show the nodes of the cluster, and who leads.");
/// Ask again.
pub const REFRESH: Action =
    Action::new("refresh", &["ctrl-r", "f5"], "refresh", "Ask the cluster again for what is shown.");
/// Draw all again.
pub const REDRAW: Action =
    Action::new("redraw", &["ctrl-l"], "redraw", "Draw the whole screen again, when something else wrote on it.");
/// Into the background.
pub const SUSPEND: Action =
    Action::new("suspend", &["ctrl-z"], "suspend", "Put the program into the background; `fg` brings it back.")
        .in_text();
/// The end.
pub const QUIT: Action =
    Action::new("quit", &["q", "ctrl-c"], "quit", "Leave; what is still being saved is waited for.");

/// What works on every screen.
pub const GLOBAL: Group = Group {
    name: "global",
    title: "Everywhere",
    actions: &[BACK, HELP, PALETTE, CLUSTER, REFRESH, REDRAW, SUSPEND, QUIT],
};

/// Next row.
pub const DOWN: Action = Action::new("down", &["j", "down"], "down", "Move down.");
/// Previous row.
pub const UP: Action = Action::new("up", &["k", "up"], "up", "Move up.");
/// First row.
pub const TOP: Action = Action::new("top", &["g", "home"], "top", "Go to the first row.");
/// Last row.
pub const BOTTOM: Action = Action::new("bottom", &["G", "end"], "bottom", "Go to the last row.");
/// A page further.
pub const PAGE_DOWN: Action = Action::new("page-down", &["pagedown", "ctrl-f"], "page down", "Move down by a page.");
/// A page back.
pub const PAGE_UP: Action = Action::new("page-up", &["pageup", "ctrl-b"], "page up", "Move up by a page.");
/// Open the row.
pub const OPEN: Action = Action::new("open", &["enter"], "open", "Open what is selected.").in_bar();
/// Filter.
pub const FILTER: Action = Action::new("filter", &["/"], "filter", "Show only rows that contain what you type.");
/// Next match.
pub const NEXT_MATCH: Action = Action::new("next-match", &["n"], "next match", "Go to the next match.");
/// Previous match.
pub const PREVIOUS_MATCH: Action = Action::new("previous-match", &["N"], "previous match", "Go to the previous match.");
/// Sort by another column.
pub const SORT: Action = Action::new("sort", &["s"], "sort", "Sort by the next column, then the other way round.");

/// Moving in a table that can be opened, filtered and sorted.
pub const LIST: Group =
    Group { name: "list", title: "Lists", actions: &[OPEN, DOWN, UP, TOP, BOTTOM, PAGE_DOWN, PAGE_UP, FILTER, SORT] };

/// Moving in a text that can be searched.
pub const READER: Group = Group {
    name: "reader",
    title: "Reading",
    actions: &[DOWN, UP, PAGE_DOWN, PAGE_UP, TOP, BOTTOM, FIND, NEXT_MATCH, PREVIOUS_MATCH],
};
/// Moving in a text that is only read.
pub const READER_MOVES: Group =
    Group { name: "scroll", title: "Reading", actions: &[DOWN, UP, PAGE_DOWN, PAGE_UP, TOP, BOTTOM] };
/// Find in the text.
pub const FIND: Action = Action::new("find", &["/"], "find", "Find what you type in the text.").in_bar();

/// Next field.
pub const NEXT_FIELD: Action = Action::new("next-field", &["tab"], "next field", "Go to the next field.").in_text();
/// Previous field.
pub const PREVIOUS_FIELD: Action =
    Action::new("previous-field", &["shift-tab"], "previous field", "Go to the previous field.").in_text();
/// Send the form.
pub const SEND: Action = Action::new("send", &["ctrl-s"], "send", "Send what is filled in.").in_bar().in_text();

/// Undo.
pub const UNDO: Action = Action::new("undo", &["alt-u"], "undo", "Take back the last change of the text.").in_text();
/// Redo.
pub const REDO: Action = Action::new("redo", &["alt-r"], "redo", "Make again what was taken back.").in_text();
/// Writing in an editor.
pub const EDITING: Group = Group { name: "editing", title: "Editing", actions: &[UNDO, REDO] };

/// Filling in a form.
pub const FORM: Group = Group { name: "form", title: "Forms", actions: &[SEND, NEXT_FIELD, PREVIOUS_FIELD] };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_the_kit_says_what_its_actions_do() {
        for group in [&GLOBAL, &LIST, &READER, &FORM] {
            for action in group.actions {
                assert!(
                    action.help.ends_with('.') && !action.label.is_empty() && !action.keys.is_empty(),
                    "{action:?}"
                );
            }
        }
    }
}
