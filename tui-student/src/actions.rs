//! What can be done on each screen: declared here once, shown in bar, help, palette and guides.

use lectern_tui_kit::action::{
    Action, EDITING, FIND, Group, LIST, NEXT_MATCH, OPEN, PREVIOUS_MATCH, READER, READER_MOVES, Scope,
};
use lectern_tui_kit::cluster;
use lectern_tui_kit::shared::{account, material, talk};
use lectern_tui_kit::widgets::file_picker::PICKER;

/// Next section of the home.
pub const NEXT_SECTION: Action =
    Action::new("next-section", &["tab"], "next section", "Go to the next section.").in_bar();
/// Previous section of the home.
pub const PREVIOUS_SECTION: Action =
    Action::new("previous-section", &["shift-tab"], "previous section", "Go to the previous section.");
/// Sign out.
pub const SIGN_OUT: Action =
    Action::new("sign-out", &["O"], "sign out", "Sign out: the token of this machine stops working.");

/// The home.
pub const HOME: Group = Group {
    name: "home",
    title: "Home",
    actions: &[NEXT_SECTION, PREVIOUS_SECTION, account::CHANGE_PASSWORD, SIGN_OUT],
};

/// The first tab.
pub const TAB_1: Action = Action::new("tab-1", &["1"], "assignments", "Go to the assignments.");
/// The second tab.
pub const TAB_2: Action = Action::new("tab-2", &["2"], "materials", "Go to the materials.");
/// The third tab.
pub const TAB_3: Action = Action::new("tab-3", &["3"], "threads", "Go to the questions and answers.");
/// The fourth tab.
pub const TAB_4: Action = Action::new("tab-4", &["4"], "announcements", "Go to the announcements.");
/// The fifth tab.
pub const TAB_5: Action = Action::new("tab-5", &["5"], "grades", "Go to your grades.");
/// The next tab.
pub const NEXT_TAB: Action =
    Action::new("next-tab", &["tab", "l", "right"], "next tab", "Go to the next tab.").in_bar();
/// The tab before.
pub const PREVIOUS_TAB: Action =
    Action::new("previous-tab", &["shift-tab", "h", "left"], "previous tab", "Go to the tab before.");

/// The tabs of a course.
pub const TABS: Group = Group {
    name: "tabs",
    title: "Tabs of a course",
    actions: &[NEXT_TAB, PREVIOUS_TAB, TAB_1, TAB_2, TAB_3, TAB_4, TAB_5],
};

/// Write the draft.
pub const WRITE: Action =
    Action::new("write", &["e"], "write", "Write the text of your submission, as a draft.").in_bar();
/// Pick files.
pub const PICK_FILES: Action =
    Action::new("files", &["f"], "files", "Choose files, or a directory, to hand in.").in_bar();
/// Ask about the assignment.
pub const ASK: Action = Action::new("ask", &["a"], "ask", "Ask a question on this assignment.").in_bar();
/// Text or list.
pub const SWITCH: Action = Action::new(
    "switch",
    &["tab", "shift-tab"],
    "text or list",
    "Go from the text to the list of attempts and files, or back.",
)
.in_bar();
/// Give up an upload.
pub const WITHDRAW: Action = Action::new(
    "withdraw",
    &["x"],
    "withdraw",
    "Give up an upload that was not finished; nothing was submitted by it.",
);

/// Make an attempt count.
pub const CHOOSE: Action = Action::new(
    "choose",
    &["c"],
    "make it count",
    "Say that the selected attempt is the one that counts. Without a choice it is the latest that came in time.",
);

/// An assignment.
pub const ASSIGNMENT: Group = Group {
    name: "assignment",
    title: "An assignment",
    actions: &[WRITE, PICK_FILES, OPEN, SWITCH, ASK, CHOOSE, WITHDRAW, FIND, NEXT_MATCH, PREVIOUS_MATCH],
};

/// Hand in the draft.
pub const HAND_IN_DRAFT: Action =
    Action::new("hand-in", &["ctrl-s"], "hand in …", "Hand in this text; what is handed in is shown first.")
        .in_bar()
        .in_text();
/// The person's own editor.
pub const EXTERNAL: Action =
    Action::new("external-editor", &["ctrl-e"], "$EDITOR", "Write in the editor that VISUAL or EDITOR names.")
        .in_bar()
        .in_text();
/// The other version.
pub const OTHER_VERSION: Action = Action::new(
    "other-version",
    &["ctrl-t"],
    "other version",
    "Look at the version that another device saved in between.",
)
.in_text();
/// Type on.
pub const TYPE: Action = Action::new("type", &["enter", "i"], "type", "Go on typing.").in_bar();

/// The draft.
pub const DRAFT: Group =
    Group { name: "draft", title: "A draft", actions: &[HAND_IN_DRAFT, EXTERNAL, OTHER_VERSION, TYPE] };

/// Take the other version.
pub const TAKE: Action =
    Action::new("take", &["enter"], "take this one", "Put this version into the editor; undo brings yours back.")
        .in_bar();

/// Another version of a draft.
pub const VERSION: Group = Group { name: "version", title: "Another version", actions: &[TAKE] };

/// Hand it in.
pub const SUBMIT: Action =
    Action::new("submit", &["ctrl-s", "enter"], "hand in", "Hand in what is shown, after a question.").in_bar();
/// Add files.
pub const ADD_FILES: Action = Action::new("add-files", &["f"], "files", "Choose the files, or a directory.").in_bar();
/// Add the draft.
pub const ADD_DRAFT: Action =
    Action::new("add-draft", &["t"], "with draft", "Hand in the text of the draft, too, or not.").in_bar();
/// A note to the grader.
pub const NOTE: Action = Action::new("note", &["n"], "note", "Write a note to the grader.").in_bar();

/// What is to be handed in.
pub const HAND_IN: Group =
    Group { name: "hand-in", title: "Handing in", actions: &[SUBMIT, ADD_FILES, ADD_DRAFT, NOTE] };

/// Take the files.
pub const TAKE_FILES: Action =
    Action::new("take", &["ctrl-s"], "take", "Take the marked files; without marks, the selected one.").in_bar();
/// Take the directory.
pub const TAKE_DIRECTORY: Action = Action::new(
    "take-directory",
    &["D"],
    "this directory",
    "Take the whole directory that is shown, by its ignore rules.",
)
.in_bar();

/// What becomes of the files.
pub const TAKING: Group = Group { name: "taking", title: "Taking files", actions: &[TAKE_FILES, TAKE_DIRECTORY] };

/// Copy digests.
pub const COPY: Action =
    Action::new("copy", &["y"], "copy digests", "Copy attempt, time and digests to the clipboard.").in_bar();

/// Keep a receipt.
pub const KEEP_RECEIPT: Action = Action::new(
    "keep-receipt",
    &["R"],
    "receipt",
    "Get the signed receipt of this attempt and keep it on this machine; it is verified without the cluster.",
)
.in_bar();

/// Back to the assignment.
pub const DONE: Action = Action::new("done", &["enter"], "done", "Go back to the assignment.").in_bar();

/// What was stored.
pub const RECEIPT: Group = Group { name: "receipt", title: "Handed in", actions: &[DONE, COPY] };

/// One attempt.
pub const ATTEMPT: Group = Group { name: "attempt", title: "An attempt", actions: &[COPY, KEEP_RECEIPT] };

/// Go to the assignment.
pub const TO_ASSIGNMENT: Action = Action::new("assignment", &["enter"], "assignment", "Open the assignment.").in_bar();

/// Suppose a score.
pub const SUPPOSE: Action = Action::new(
    "what-if",
    &["w"],
    "what if …",
    "Suppose a score for the selected assignment, and see what your grade would be. Nothing is changed.",
)
.in_bar();
/// Suppose nothing.
pub const FORGET: Action = Action::new("what-is", &["W"], "what is", "Forget all supposed scores.");

/// Grades.
pub const GRADES: Group = Group { name: "grades", title: "Grades", actions: &[SUPPOSE, FORGET] };

/// A grade.
pub const GRADE: Group = Group { name: "grade", title: "A grade", actions: &[TO_ASSIGNMENT] };

/// Home.
pub const HOME_SCOPE: Scope = Scope { name: "home", title: "Home", groups: &[&HOME, &LIST] };
/// First tab of a course.
pub const ASSIGNMENTS_SCOPE: Scope =
    Scope { name: "assignments", title: "Course: assignments", groups: &[&TABS, &LIST] };
/// Second tab.
pub const MATERIALS_SCOPE: Scope =
    Scope { name: "materials", title: "Course: materials", groups: &[&material::FILES, &TABS, &LIST] };
/// Third tab.
pub const THREADS_SCOPE: Scope =
    Scope { name: "threads", title: "Course: threads", groups: &[&talk::THREADS, &TABS, &LIST] };
/// Fourth tab.
pub const ANNOUNCEMENTS_SCOPE: Scope =
    Scope { name: "announcements", title: "Course: announcements", groups: &[&TABS, &LIST] };
/// Fifth tab.
pub const GRADES_SCOPE: Scope = Scope { name: "grades", title: "Course: grades", groups: &[&GRADES, &TABS, &LIST] };
/// An assignment.
pub const ASSIGNMENT_SCOPE: Scope =
    Scope { name: "assignment", title: "Assignment", groups: &[&ASSIGNMENT, &material::FILES, &READER_MOVES] };
/// The draft.
pub const DRAFT_SCOPE: Scope = Scope { name: "draft", title: "Draft", groups: &[&DRAFT, &EDITING] };
/// Another version of it.
pub const VERSION_SCOPE: Scope =
    Scope { name: "version", title: "Another version", groups: &[&VERSION, &READER_MOVES] };
/// The text of an attempt.
pub const ATTEMPT_TEXT_SCOPE: Scope =
    Scope { name: "attempt-text", title: "Text of an attempt", groups: &[&READER_MOVES] };
/// Handing in.
pub const HAND_IN_SCOPE: Scope = Scope { name: "hand-in", title: "Handing in", groups: &[&HAND_IN] };
/// What was stored.
pub const RECEIPT_SCOPE: Scope = Scope { name: "receipt", title: "Handed in", groups: &[&RECEIPT] };
/// Choosing files.
pub const FILES_SCOPE: Scope = Scope { name: "pick", title: "Choosing files", groups: &[&TAKING, &PICKER] };
/// One attempt.
pub const ATTEMPT_SCOPE: Scope =
    Scope { name: "attempt", title: "Attempt", groups: &[&ATTEMPT, &material::FILES, &LIST] };
/// A grade and its feedback.
pub const GRADE_SCOPE: Scope = Scope { name: "grade", title: "Grade and feedback", groups: &[&GRADE, &READER] };

/// All screens.
pub const SCOPES: &[Scope] = &[
    account::CONNECT_SCOPE,
    account::SIGN_IN_SCOPE,
    account::ACTIVATE_SCOPE,
    account::PASSWORD_SCOPE,
    HOME_SCOPE,
    ASSIGNMENTS_SCOPE,
    MATERIALS_SCOPE,
    THREADS_SCOPE,
    ANNOUNCEMENTS_SCOPE,
    GRADES_SCOPE,
    material::READER_SCOPE,
    ASSIGNMENT_SCOPE,
    DRAFT_SCOPE,
    VERSION_SCOPE,
    ATTEMPT_TEXT_SCOPE,
    HAND_IN_SCOPE,
    RECEIPT_SCOPE,
    FILES_SCOPE,
    ATTEMPT_SCOPE,
    GRADE_SCOPE,
    talk::THREAD_SCOPE,
    talk::ANNOUNCEMENT_SCOPE,
    talk::WRITE_SCOPE,
    cluster::SCOPE,
];
