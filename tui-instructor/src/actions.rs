//! Everything the program's screens can do, declared once.

use lectern_tui_kit::action::{Action, EDITING, FORM, Group, LIST, READER_MOVES, Scope};
use lectern_tui_kit::cluster;
use lectern_tui_kit::shared::{account, material, talk};
use lectern_tui_kit::widgets::file_picker::PICKER;

/// The threads of the selected course.
pub const THREADS: Action =
    Action::new("threads", &["t"], "threads", "Go to the threads of the selected course.").in_bar();
/// Its extension requests.
pub const REQUESTS: Action =
    Action::new("requests", &["r"], "requests", "Go to the extension requests of the selected course.").in_bar();
/// What waits for a grade, over all courses.
pub const WAITING: Action =
    Action::new("waiting", &["w"], "to grade", "Show what waits for a grade in all your courses.").in_bar();
/// Accounts.
pub const ACCOUNTS: Action =
    Action::new("accounts", &["A"], "accounts", "Accounts of the installation (administrators).");
/// The audit trail of the installation.
pub const ALL_AUDIT: Action =
    Action::new("audit", &["U"], "audit", "Who changed what in the whole installation (administrators).");
/// Every course.
pub const ALL_COURSES: Action =
    Action::new("all-courses", &["L"], "all courses", "Every course of the installation (administrators).");
/// A new course.
pub const NEW_COURSE: Action = Action::new("new-course", &["a"], "new course", "Create a course.");
/// Sign out.
pub const SIGN_OUT: Action = Action::new("sign-out", &["O"], "sign out", "Sign out on this device.");

const HOME: Group = Group {
    name: "home",
    title: "Home",
    actions: &[
        WAITING,
        THREADS,
        REQUESTS,
        NEW_COURSE,
        ALL_COURSES,
        ACCOUNTS,
        ALL_AUDIT,
        account::CHANGE_PASSWORD,
        SIGN_OUT,
    ],
};
/// Home.
pub const HOME_SCOPE: Scope = Scope { name: "home", title: "Home", groups: &[&HOME, &LIST] };

/// Every course of the installation.
pub const COURSES_SCOPE: Scope = Scope { name: "courses", title: "All courses", groups: &[&LIST] };
/// What waits for a grade.
pub const WAITING_SCOPE: Scope = Scope { name: "waiting", title: "To grade", groups: &[&LIST] };

/// The sections of a course, by digit.
pub const SECTIONS: [Action; 8] = [
    Action::new("assignments", &["1"], "assignments", "Assignments of the course."),
    Action::new("people", &["2"], "people", "People of the course."),
    Action::new("materials", &["3"], "materials", "Materials of the course."),
    Action::new("threads", &["4"], "threads", "Questions and answers."),
    Action::new("announcements", &["5"], "announcements", "Announcements to the course."),
    Action::new("gradebook", &["6"], "gradebook", "All grades of the course."),
    Action::new("requests", &["7"], "requests", "Work that was offered after its lock date."),
    Action::new("audit", &["8"], "audit", "Who changed what in the course."),
];
/// The section on the right.
pub const NEXT_SECTION: Action = Action::new("next-section", &["tab"], "next section", "Go to the next section.");
/// The section on the left.
pub const PREVIOUS_SECTION: Action =
    Action::new("previous-section", &["shift-tab"], "previous section", "Go to the previous section.");
/// Settings of the course.
pub const COURSE_SETTINGS: Action = Action::new(
    "settings",
    &["S"],
    "settings",
    "Change the course: title, term, dates' zone, whether it is published.",
);

const COURSE: Group = Group {
    name: "course",
    title: "Sections of a course",
    actions: &[
        SECTIONS[0],
        SECTIONS[1],
        SECTIONS[2],
        SECTIONS[3],
        SECTIONS[4],
        SECTIONS[5],
        SECTIONS[6],
        SECTIONS[7],
        NEXT_SECTION,
        PREVIOUS_SECTION,
        COURSE_SETTINGS,
    ],
};

/// Something new, in the section that is shown.
pub const ADD: Action = Action::new("add", &["a"], "add", "Add one.").in_bar();
/// Change what is selected.
pub const EDIT: Action = Action::new("edit", &["e"], "edit", "Change what is selected.").in_bar();
/// Delete what is selected.
pub const DELETE: Action = Action::new("delete", &["x"], "delete", "Delete what is selected.").in_bar();
/// Publish an assignment, or hide it.
pub const PUBLISH: Action =
    Action::new("publish", &["p"], "publish", "Show the assignment to students, or hide it from them.").in_bar();

const ASSIGNMENTS: Group = Group { name: "assignments", title: "Assignments", actions: &[ADD, EDIT, PUBLISH, DELETE] };
/// The assignments of a course.
pub const ASSIGNMENTS_SCOPE: Scope =
    Scope { name: "assignments", title: "Course: assignments", groups: &[&ASSIGNMENTS, &COURSE, &LIST] };

/// Import a roster.
pub const IMPORT: Action =
    Action::new("import", &["i"], "import", "Import people from CSV files; what would happen is shown first.").in_bar();
/// Codes for everyone who never signed in.
pub const CODES: Action = Action::new(
    "codes",
    &["c"],
    "codes",
    "Make one-time codes for everyone who never signed in. Earlier codes stop working.",
)
.in_bar();
/// Another role or state.
pub const ROLE: Action =
    Action::new("role", &["e"], "role", "Change somebody's role or state, with a reason.").in_bar();

const PEOPLE: Group = Group { name: "people", title: "People", actions: &[ADD, ROLE, IMPORT, CODES] };
/// The people of a course.
pub const PEOPLE_SCOPE: Scope = Scope { name: "people", title: "Course: people", groups: &[&PEOPLE, &COURSE, &LIST] };

/// A new module.
pub const NEW_MODULE: Action = Action::new("module", &["m"], "new module", "Make a module for materials.").in_bar();
/// Change the module of the selected material.
pub const EDIT_MODULE: Action =
    Action::new("edit-module", &["M"], "edit module", "Change the name or release date of the selected module.");

const MATERIALS: Group =
    Group { name: "materials", title: "Materials", actions: &[ADD, EDIT, DELETE, NEW_MODULE, EDIT_MODULE] };
/// The materials of a course.
pub const MATERIALS_SCOPE: Scope =
    Scope { name: "materials", title: "Course: materials", groups: &[&MATERIALS, &COURSE, &LIST] };

/// The threads of a course.
pub const THREADS_SCOPE: Scope =
    Scope { name: "threads", title: "Course: threads", groups: &[&talk::THREADS, &COURSE, &LIST] };
/// The announcements of a course.
pub const ANNOUNCEMENTS_SCOPE: Scope = Scope {
    name: "announcements",
    title: "Course: announcements",
    groups: &[&talk::STAFF_ANNOUNCEMENTS, &COURSE, &LIST],
};

/// One column to the left.
pub const LEFT: Action = Action::new("left", &["h", "left"], "left", "Go one assignment to the left.");
/// One column to the right.
pub const RIGHT: Action = Action::new("right", &["l", "right"], "right", "Go one assignment to the right.");
/// Export.
pub const EXPORT: Action =
    Action::new("export", &["E"], "export", "Save the whole gradebook as a CSV file in Canvas's columns.").in_bar();

/// Groups and weights.
pub const GROUPS: Action =
    Action::new("groups", &["w"], "weights", "Groups of assignments, their weights, what is dropped, and the scheme.")
        .in_bar();
/// Statistics.
pub const STATISTICS: Action = Action::new(
    "statistics",
    &["t"],
    "statistics",
    "Mean, median, quartiles and histogram of the selected assignment, or of the course.",
)
.in_bar();
/// Other dates or an excuse.
pub const OVERRIDE: Action = Action::new(
    "override",
    &["o"],
    "dates, excuse",
    "Give the student other dates or more attempts in the selected assignment, or excuse them from it.",
)
.in_bar();
/// A final grade.
pub const FINAL: Action = Action::new(
    "final-grade",
    &["f"],
    "final grade",
    "Set the student's final percentage instead of the computed one.",
);

const GRADEBOOK: Group = Group {
    name: "gradebook",
    title: "Gradebook",
    actions: &[EXPORT, GROUPS, STATISTICS, OVERRIDE, FINAL, LEFT, RIGHT],
};
/// The gradebook of a course.
pub const GRADEBOOK_SCOPE: Scope =
    Scope { name: "gradebook", title: "Course: gradebook", groups: &[&GRADEBOOK, &COURSE, &LIST] };

/// The policy.
pub const POLICY: Action =
    Action::new("policy", &["p"], "policy", "Change the grading policy: names for percentages, what lateness costs.")
        .in_bar();
const GROUPS_GROUP: Group =
    Group { name: "groups", title: "Groups and weights", actions: &[ADD, EDIT, DELETE, POLICY] };
/// The groups of a course.
pub const GROUPS_SCOPE: Scope = Scope { name: "groups", title: "Groups and weights", groups: &[&GROUPS_GROUP, &LIST] };
/// Statistics.
pub const STATISTICS_SCOPE: Scope = Scope { name: "statistics", title: "Statistics", groups: &[] };

/// Accept.
pub const ACCEPT: Action =
    Action::new("accept", &["y"], "accept", "Accept the work: it becomes a submission at its own time.").in_bar();
/// Decline.
pub const DECLINE: Action = Action::new("decline", &["x"], "decline", "Decline the work; it stays kept.").in_bar();
/// Only those that wait, or all.
pub const PENDING_ONLY: Action =
    Action::new("pending-only", &["o"], "open only", "Show only requests that wait for a decision, or all.").in_bar();

const REQUESTS_GROUP: Group =
    Group { name: "requests", title: "Extension requests", actions: &[ACCEPT, DECLINE, PENDING_ONLY] };
/// The extension requests of a course.
pub const REQUESTS_SCOPE: Scope =
    Scope { name: "requests", title: "Course: extension requests", groups: &[&REQUESTS_GROUP, &COURSE, &LIST] };

/// The audit trail of a course.
pub const AUDIT_SCOPE: Scope = Scope { name: "audit", title: "Course: audit", groups: &[&COURSE, &LIST] };
/// The audit trail of the installation.
pub const ALL_AUDIT_SCOPE: Scope = Scope { name: "all-audit", title: "Audit", groups: &[&LIST] };

/// Only what needs a grade, or everyone.
pub const UNGRADED: Action =
    Action::new("ungraded", &["w"], "to grade only", "Show only work that waits for a grade, or everyone.").in_bar();
/// Post grades.
pub const POST: Action =
    Action::new("post", &["P"], "post", "Show the grades of this assignment to their students.").in_bar();
/// Hide them.
pub const HIDE: Action =
    Action::new("hide", &["H"], "hide", "Hide the grades of this assignment from their students again.").in_bar();

const QUEUE: Group = Group { name: "queue", title: "Submissions", actions: &[UNGRADED, POST, HIDE, EDIT] };
/// The submissions of an assignment.
pub const QUEUE_SCOPE: Scope = Scope { name: "queue", title: "Submissions", groups: &[&QUEUE, &LIST] };

/// The next student.
pub const NEXT: Action =
    Action::new("next", &["n", "enter"], "next", "Save what is typed, and go to the next student.").in_bar();
/// The next student, from within the feedback: what Esc and n are, when a line joins them into one key.
pub const NEXT_FROM_TEXT: Action = Action::new(
    "next-from-text",
    &["alt-n"],
    "save, next",
    "Save what is typed, and go to the next student, also from within the feedback.",
)
.in_text();
/// The one before, from within the feedback.
pub const PREVIOUS_FROM_TEXT: Action = Action::new(
    "previous-from-text",
    &["alt-p"],
    "save, previous",
    "Save what is typed, and go to the previous student, also from within the feedback.",
)
.in_text();
/// The one before.
pub const PREVIOUS: Action =
    Action::new("previous", &["p"], "previous", "Save what is typed, and go to the previous student.").in_bar();
/// The next one that waits for a grade.
pub const NEXT_UNGRADED: Action = Action::new(
    "next-ungraded",
    &["N"],
    "next to grade",
    "Save what is typed, and go to the next work without a grade.",
);
/// Save.
pub const SAVE: Action =
    Action::new("save", &["ctrl-s"], "save", "Save score and feedback, and stay with this student.").in_bar().in_text();
/// Feedback.
pub const FEEDBACK: Action =
    Action::new("feedback", &["f", "tab"], "feedback", "Write feedback; Esc ends it.").in_bar();
/// Feedback outside.
pub const EDIT_FEEDBACK: Action =
    Action::new("editor", &["e"], "editor", "Write the feedback in your own editor ($VISUAL, $EDITOR).");
/// Full points.
pub const FULL: Action = Action::new("full", &["="], "full points", "Give all points.");
/// What is typed goes.
pub const REVERT: Action =
    Action::new("revert", &["u"], "undo", "Drop what is typed for this student, and show what the cluster has.");
/// The next part of the submission.
pub const NEXT_PART: Action =
    Action::new("next-file", &["v"], "next file", "Show the next file of the submission.").in_bar();
/// The part before.
pub const PREVIOUS_PART: Action =
    Action::new("previous-file", &["V"], "previous file", "Show the previous file of the submission.");
/// Open outside.
pub const OUTSIDE: Action =
    Action::new("outside", &["o"], "open outside", "Fetch the file and open it in your own viewer.").in_bar();
/// The list of students and how their grades stand.
pub const STUDENTS: Action =
    Action::new("students", &["l"], "students", "Show all students, and how each grade stands.").in_bar();

const GRADING: Group = Group {
    name: "grading",
    title: "Grading",
    actions: &[
        NEXT,
        PREVIOUS,
        SAVE,
        FEEDBACK,
        NEXT_PART,
        OUTSIDE,
        STUDENTS,
        NEXT_UNGRADED,
        EDIT_FEEDBACK,
        FULL,
        REVERT,
        PREVIOUS_PART,
        NEXT_FROM_TEXT,
        PREVIOUS_FROM_TEXT,
    ],
};
/// Grading.
pub const GRADING_SCOPE: Scope =
    Scope { name: "grading", title: "Grading", groups: &[&GRADING, &EDITING, &READER_MOVES] };
/// The students of an assignment that is graded.
pub const STUDENTS_SCOPE: Scope = Scope { name: "students", title: "Grading: students", groups: &[&LIST] };

/// Type a path.
pub const PICK: Action =
    Action::new("pick", &["ctrl-o"], "choose file", "Choose a file of this machine.").in_bar().in_text();
const PICKS: Group = Group { name: "picks", title: "Files", actions: &[PICK] };
/// Filling in a form.
pub const FORM_SCOPE: Scope = Scope { name: "form", title: "Forms", groups: &[&FORM, &EDITING] };
/// Filling in a form with a file in it.
pub const FILE_FORM_SCOPE: Scope =
    Scope { name: "file-form", title: "Forms with a file", groups: &[&FORM, &PICKS, &EDITING] };

/// Choosing a file.
pub const PICKER_SCOPE: Scope = Scope { name: "picker", title: "Choosing a file", groups: &[&PICKER] };

/// Import what was looked at.
pub const APPLY: Action = Action::new("apply", &["ctrl-s"], "import", "Import exactly what is shown here.").in_bar();
const IMPORTING: Group = Group { name: "preview", title: "Import", actions: &[APPLY] };
/// What an import would do.
pub const IMPORT_SCOPE: Scope = Scope { name: "import", title: "Import: preview", groups: &[&IMPORTING, &LIST] };

/// Save codes.
pub const SAVE_CODES: Action =
    Action::new("save-codes", &["S"], "save to a file", "Write the codes to a CSV file that only you can read.")
        .in_bar();
/// Copy the code.
pub const COPY_CODE: Action =
    Action::new("copy-code", &["y"], "copy", "Copy the selected code to the clipboard.").in_bar();
const CODES_GROUP: Group = Group { name: "codes", title: "One-time codes", actions: &[SAVE_CODES, COPY_CODE] };
/// One-time codes.
pub const CODES_SCOPE: Scope = Scope { name: "codes", title: "One-time codes", groups: &[&CODES_GROUP, &LIST] };

/// A code for one account.
pub const CODE: Action =
    Action::new("code", &["c"], "code", "Make a one-time code: to activate the account, or to set a new password.")
        .in_bar();
/// Suspend, or let in again.
pub const SUSPEND_ACCOUNT: Action =
    Action::new("suspend-account", &["x"], "suspend", "Stop the account from signing in, or let it in again.").in_bar();
const ACCOUNTS_GROUP: Group =
    Group { name: "accounts", title: "Accounts", actions: &[ADD, EDIT, CODE, SUSPEND_ACCOUNT, IMPORT] };
/// Accounts.
pub const ACCOUNTS_SCOPE: Scope = Scope { name: "accounts", title: "Accounts", groups: &[&ACCOUNTS_GROUP, &LIST] };

/// One thing with all its words: a late work, an entry of the audit trail.
pub const DETAIL_SCOPE: Scope = Scope { name: "detail", title: "Details", groups: &[&READER_MOVES] };

/// All screens.
pub const SCOPES: &[Scope] = &[
    HOME_SCOPE,
    COURSES_SCOPE,
    WAITING_SCOPE,
    ASSIGNMENTS_SCOPE,
    PEOPLE_SCOPE,
    MATERIALS_SCOPE,
    THREADS_SCOPE,
    ANNOUNCEMENTS_SCOPE,
    GRADEBOOK_SCOPE,
    GROUPS_SCOPE,
    STATISTICS_SCOPE,
    REQUESTS_SCOPE,
    AUDIT_SCOPE,
    QUEUE_SCOPE,
    GRADING_SCOPE,
    STUDENTS_SCOPE,
    FORM_SCOPE,
    FILE_FORM_SCOPE,
    PICKER_SCOPE,
    IMPORT_SCOPE,
    CODES_SCOPE,
    ACCOUNTS_SCOPE,
    ALL_AUDIT_SCOPE,
    DETAIL_SCOPE,
    material::READER_SCOPE,
    talk::THREAD_SCOPE,
    talk::STAFF_ANNOUNCEMENT_SCOPE,
    talk::WRITE_SCOPE,
    account::CONNECT_SCOPE,
    account::SIGN_IN_SCOPE,
    account::ACTIVATE_SCOPE,
    account::PASSWORD_SCOPE,
    cluster::SCOPE,
];
