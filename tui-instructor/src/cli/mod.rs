//! The subcommands: `noun verb`, plus the short `next` and `status`. One file a noun.

mod account;
mod announcement;
mod assignment;
mod audit;
mod course;
mod extension;
mod grade;
mod gradebook;
mod group;
mod material;
mod module;
mod overrides;
mod policy;
mod receipt;
mod roster;
mod submission;

use clap::{Args, Parser, Subcommand};
use lectern_cli::args::GlobalArgs;
use lectern_cli::shared::SharedCommand;
use lectern_cli::watch::WatchArgs;
use lectern_cli::{talk, tutor};
use lectern_tui_kit::guide::GuideCommand;
use lectern_tui_kit::settings::TuiArgs;

pub use account::{AccountCommand, CreateAccountArgs, UpdateAccountArgs};
pub use announcement::AnnouncementCommand;
pub use assignment::{AssignmentCommand, SettingsArgs};
pub use audit::AuditCommand;
pub use course::{CourseCommand, CreateCourseArgs, UpdateCourseArgs};
pub use extension::ExtensionCommand;
pub use grade::GradeCommand;
pub use gradebook::GradebookCommand;
pub use group::{GroupArgs, GroupCommand};
pub use material::MaterialCommand;
pub use module::ModuleCommand;
pub use overrides::{OverrideArgs, OverrideCommand, WhomArgs};
pub use policy::{IntervalArg, PolicyArgs, PolicyCommand};
pub use receipt::ReceiptCommand;
pub use roster::RosterCommand;
pub use submission::SubmissionCommand;

/// Lectern for instructors, assistants and administrators: courses, people, assignments and grades in the terminal.
#[derive(Parser, Debug)]
#[command(name = "lectern-instructor", version, about, long_about = None, propagate_version = true)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// Options of the full screen.
    #[command(flatten)]
    pub tui: TuiArgs,
    /// What to do; full screen when left out.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Account, tokens and connection.
    #[command(flatten)]
    Shared(SharedCommand),
    /// Keys, completions, manual.
    #[command(flatten)]
    Guide(GuideCommand),
    /// What waits for a grade, course by course.
    Next,
    /// Courses and what is new in them.
    Status,
    /// Accounts of the installation (administrators).
    #[command(subcommand)]
    Account(AccountCommand),
    /// Courses.
    #[command(subcommand)]
    Course(CourseCommand),
    /// The people of a course.
    #[command(subcommand)]
    Roster(RosterCommand),
    /// Modules: the order of the materials.
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Lecture notes, readings and other files.
    #[command(subcommand)]
    Material(MaterialCommand),
    /// Assignments.
    #[command(subcommand)]
    Assignment(AssignmentCommand),
    /// What students handed in.
    #[command(subcommand)]
    Submission(SubmissionCommand),
    /// Receipts that students show, and the keys that sign them.
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Grades.
    #[command(subcommand)]
    Grade(GradeCommand),
    /// The gradebook of a course.
    #[command(subcommand)]
    Gradebook(GradebookCommand),
    /// Assignment groups: weights and what is dropped.
    #[command(subcommand)]
    Group(GroupCommand),
    /// The grading policy of a course.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Other dates, more attempts or an excuse, for one student or section.
    #[command(subcommand)]
    Override(OverrideCommand),
    /// Work offered after the lock date.
    #[command(subcommand)]
    Extension(ExtensionCommand),
    /// Questions and answers.
    #[command(subcommand)]
    Thread(ThreadCommand),
    /// Announcements.
    #[command(subcommand)]
    Announcement(AnnouncementCommand),
    /// Who changed what, when and why.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print changes as they happen, one a line, until interrupted.
    Watch(WatchArgs),
}

/// Why something is changed.
#[derive(Args, Debug, Default)]
pub struct ReasonArg {
    /// Why, for the audit trail.
    #[arg(long, default_value = "")]
    pub reason: String,
}

/// Threads.
#[derive(Subcommand, Debug)]
pub enum ThreadCommand {
    /// What everybody does with threads.
    #[command(flatten)]
    Talk(talk::ThreadCommand),
    /// What only the staff do.
    #[command(flatten)]
    Endorse(tutor::EndorseCommand),
}
