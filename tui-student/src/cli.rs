//! The command line: nothing for the full screen, or a subcommand: `noun verb`, plus the short `submit`, `next` and `status`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand};
use lectern_cli::args::{AssignmentArg, CourseArg, ForceArg, GlobalArgs, IntoArg, PagesArg, ScopeArg};
use lectern_cli::watch::WatchArgs;
use lectern_cli::{assignment, format, material, receipt, shared::SharedCommand, talk, tutor};
use lectern_tui_kit::guide::GuideCommand;
use lectern_tui_kit::settings::TuiArgs;

/// Lectern for students: courses, materials, assignments, submissions and grades in the terminal. Without a subcommand it
/// opens full screen.
#[derive(Parser, Debug)]
#[command(name = "lectern-student", version, about, long_about = None, propagate_version = true)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// How the full screen looks.
    #[command(flatten)]
    pub tui: TuiArgs,
    /// What to do; without, the full screen opens.
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
    /// What is due next, soonest first.
    Next,
    /// Courses, what is due, what is unread, the latest grades.
    Status,
    /// Courses you take part in.
    #[command(subcommand)]
    Course(CourseCommand),
    /// Lecture notes, readings and other files.
    #[command(subcommand)]
    Material(material::ReadCommand),
    /// Assignments and their dates.
    #[command(subcommand)]
    Assignment(AssignmentCommand),
    /// Drafts, kept on the server with their revisions.
    #[command(subcommand)]
    Draft(DraftCommand),
    /// Make a folder for an assignment, with the files that it gives.
    Start(StartArgs),
    /// Hand in text, files or a directory. With the cluster away it is queued on this machine, and the command ends with 5.
    Submit(SubmitArgs),
    /// Your attempts.
    #[command(subcommand)]
    Submission(SubmissionCommand),
    /// Work that waits on this machine because the cluster was away. It is not submitted.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Signed receipts of what you handed in: they are verified without the cluster.
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Your grades and feedback.
    #[command(subcommand)]
    Grade(GradeCommand),
    /// Work you offered after the lock date.
    #[command(subcommand)]
    Extension(ExtensionCommand),
    /// Ask the course's staff, or the tutor, and read its answer as it comes.
    Ask(tutor::AskArgs),
    /// Questions and their answers.
    #[command(subcommand)]
    Thread(ThreadCommand),
    /// Announcements.
    #[command(subcommand)]
    Announcement(talk::AnnouncementCommand),
    /// Print changes as they happen, one a line, until interrupted.
    Watch(WatchArgs),
}

/// Courses.
#[derive(Subcommand, Debug)]
pub enum CourseCommand {
    /// List your courses.
    List,
    /// Show one course with its syllabus.
    Show {
        /// Such as `cs101`.
        course: CourseArg,
    },
}

/// Assignments.
#[derive(Subcommand, Debug)]
pub enum AssignmentCommand {
    /// List, show.
    #[command(flatten)]
    Read(assignment::ReadCommand),
    /// Save an assignment's attached files.
    Fetch {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Where to.
        #[command(flatten)]
        into: IntoArg,
    },
}

/// Drafts.
#[derive(Subcommand, Debug)]
pub enum DraftCommand {
    /// Save a draft. When another device saved in between, both versions are kept.
    Save {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// The file with the text; `-` for standard input.
        file: PathBuf,
        /// The revision the text was written on; the latest when left out.
        #[arg(long)]
        base: Option<u64>,
    },
    /// Print a draft.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// The latest when left out.
        #[arg(long)]
        revision: Option<u64>,
    },
    /// List the revisions of a draft.
    List {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
    },
}

/// A folder to work in.
#[derive(Args, Debug)]
pub struct StartArgs {
    /// Such as `cs101/hw3`.
    pub assignment: AssignmentArg,
    /// The folder; one with the assignment's name when left out.
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// What is done with files that are there.
    #[command(flatten)]
    pub force: ForceArg,
}

/// What to hand in.
#[derive(Args, Debug)]
pub struct SubmitArgs {
    /// Such as `cs101/hw3`. When left out: that of the folder one is in, which `start` made, and all of the folder.
    pub assignment: Option<AssignmentArg>,
    /// Files, or one directory, of which what its ignore rules name is left out.
    pub paths: Vec<PathBuf>,
    /// A file whose content is the text of the submission; `-` for standard input.
    #[arg(long, conflicts_with = "draft")]
    pub text: Option<PathBuf>,
    /// Hand in the saved draft as the text.
    #[arg(long)]
    pub draft: bool,
    /// A note to the grader; `-` for standard input.
    #[arg(long, default_value = "")]
    pub comment: String,
    /// Save the signed receipt in this file, too. It is always kept in `receipts` of the state directory.
    #[arg(long, value_name = "FILE")]
    pub receipt: Option<PathBuf>,
}

/// Attempts.
#[derive(Subcommand, Debug)]
pub enum SubmissionCommand {
    /// List your attempts with their digests, and uploads under way.
    List {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
    },
    /// Show one attempt.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// The one that counts when left out.
        #[arg(long, default_value_t = 0)]
        attempt: u32,
    },
    /// Save the files of an attempt.
    Fetch {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// The one that counts when left out.
        #[arg(long, default_value_t = 0)]
        attempt: u32,
        /// Where to.
        #[command(flatten)]
        into: IntoArg,
    },
    /// Print a handed-in file's text, page by page.
    Read {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// The one that counts when left out.
        #[arg(long, default_value_t = 0)]
        attempt: u32,
        /// The file's name; may be left out where there is one file.
        #[arg(long)]
        file: Option<String>,
        /// Which pages.
        #[command(flatten)]
        pages: PagesArg,
    },
    /// Say which attempt counts. Without a choice it is the latest that came in time, or, where none did, the latest.
    Choose {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// The attempt; 0 takes the choice back.
        attempt: u32,
    },
    /// Give up an upload that was not finished.
    Withdraw {
        /// The pledge's id, as `submission list` shows it.
        pledge: String,
    },
}

/// The outbox.
#[derive(Subcommand, Debug)]
pub enum OutboxCommand {
    /// List what is queued.
    List,
    /// Hand it in now. Sent twice, it is there once.
    Send {
        /// Its id, as `outbox list` shows it; everything when left out.
        id: Option<String>,
    },
    /// Throw it away; it is not handed in.
    Discard {
        /// Its id, as `outbox list` shows it.
        id: String,
    },
}

/// Receipts.
#[derive(Subcommand, Debug)]
pub enum ReceiptCommand {
    /// List the receipts that are kept on this machine.
    List,
    /// Show one, and the keys that sign.
    #[command(flatten)]
    Shared(receipt::ReceiptCommand),
    /// Get an attempt's receipt from the cluster and keep it.
    Save {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// The one that counts when left out.
        #[arg(long, default_value_t = 0)]
        attempt: u32,
        /// Save it in this file, too.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
        /// What is done with a file that is there.
        #[command(flatten)]
        force: ForceArg,
    },
    /// Verify a receipt by the keys that were pinned when you connected; needs no cluster. Ends with 0 when it is good; otherwise
    /// with 1 and the reason `RECEIPT_CHANGED`, `RECEIPT_KEY_UNKNOWN` or `NOT_A_RECEIPT`.
    Verify(receipt::VerifyArgs),
}

/// Grades.
#[derive(Subcommand, Debug)]
pub enum GradeCommand {
    /// List your posted grades in a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// See what your grade would be with other scores. Nothing is changed, and nobody is told.
    WhatIf {
        /// Such as `cs101`.
        course: CourseArg,
        /// Scores to suppose, such as hw3=9.5, or hw3=none for no score.
        #[arg(required = true)]
        scores: Vec<SupposedArg>,
    },
    /// Show the grade and feedback of one assignment.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
    },
}

/// An assignment and the score to suppose for it: `hw3=9.5`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupposedArg {
    /// The assignment's short name.
    pub assignment: String,
    /// Its score; none for no score.
    pub score: Option<i64>,
}

impl FromStr for SupposedArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((assignment, score)) = text.split_once('=').filter(|(assignment, _)| !assignment.is_empty()) else {
            return Err(format!("`{text}` must be an assignment and a score, such as hw3=9.5"));
        };
        let score = if score == "none" { None } else { Some(format::parse_points(score)?) };
        Ok(Self { assignment: assignment.into(), score })
    }
}

/// Questions.
#[derive(Subcommand, Debug)]
pub enum ThreadCommand {
    /// What everybody does with threads.
    #[command(flatten)]
    Talk(talk::ThreadCommand),
    /// From the tutor to the staff.
    #[command(flatten)]
    HandOver(tutor::HandOverCommand),
}

/// Extension requests.
#[derive(Subcommand, Debug)]
pub enum ExtensionCommand {
    /// List your requests.
    List {
        /// A course, or one assignment of it.
        scope: ScopeArg,
    },
}
