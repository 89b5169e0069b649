//! `submission …`: what students handed in.

use clap::Subcommand;
use lectern_cli::args::{AssignmentArg, IntoArg, PagesArg};

/// Submissions.
#[derive(Subcommand, Debug)]
pub enum SubmissionCommand {
    /// List everyone's attempt that counts, or every attempt of one student.
    List {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Only this student.
        user: Option<String>,
        /// Only those that wait for a grade.
        #[arg(long)]
        needs_grading: bool,
    },
    /// Show one attempt.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Username or id.
        user: String,
        /// The one that counts when left out.
        #[arg(long, default_value_t = 0)]
        attempt: u32,
    },
    /// Print a handed-in file's text, page by page.
    Read {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Username or id.
        user: String,
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
    /// Save files: of one student, or of everyone into a folder for each.
    Fetch {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Only this student.
        user: Option<String>,
        /// Where to.
        #[command(flatten)]
        into: IntoArg,
    },
}
