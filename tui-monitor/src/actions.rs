//! What the monitor can do beyond what every program can.

use lectern_tui_kit::action::{Action, BOTTOM, DOWN, Group, PAGE_DOWN, PAGE_UP, TOP, UP};

/// Hold the picture.
pub const HOLD: Action = Action::new(
    "hold",
    &["space"],
    "hold",
    "Hold the picture still, to read or copy it; again lets it go on. Nothing is missed meanwhile.",
)
.in_bar();
/// The other pane.
pub const NEXT_PANE: Action =
    Action::new("next-pane", &["tab"], "nodes/log", "Go to the log of what happened, or back to the nodes.").in_bar();
/// The next node.
pub const NEXT_NODE: Action = Action::new("next-node", &["]", "tab"], "next node", "Show the next node.").in_bar();
/// The node before.
pub const PREVIOUS_NODE: Action =
    Action::new("previous-node", &["[", "shift-tab"], "previous node", "Show the node before this one.").in_bar();

/// On the first screen.
pub const OVERVIEW: Group = Group { name: "overview", title: "Overview", actions: &[NEXT_PANE, HOLD] };
/// On the screen of one node.
pub const ONE_NODE: Group = Group { name: "node", title: "A node", actions: &[NEXT_NODE, PREVIOUS_NODE, HOLD] };
/// Moving in what is longer than the screen.
pub const SCROLL: Group =
    Group { name: "scroll", title: "Scrolling", actions: &[DOWN, UP, PAGE_DOWN, PAGE_UP, TOP, BOTTOM] };
