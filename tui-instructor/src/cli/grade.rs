//! `grade …`: grades.

use std::path::PathBuf;

use clap::Subcommand;
use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::format;

use super::ReasonArg;

/// Grades.
#[derive(Subcommand, Debug)]
pub enum GradeCommand {
    /// Set a grade. It stays hidden until it is posted.
    Set {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Username or id.
        user: String,
        /// Such as 87.5.
        #[arg(value_parser = format::parse_points)]
        score: i64,
        /// Words for the student (Markdown); `-` for standard input.
        #[arg(long, conflicts_with = "feedback_file")]
        feedback: Option<String>,
        /// A file with words for the student; `-` for standard input.
        #[arg(long)]
        feedback_file: Option<PathBuf>,
        /// The attempt that was graded. May be left out while there is only one.
        #[arg(long)]
        attempt: Option<u32>,
        /// Deduct nothing, however late the attempt is (true), or what the policy says (false); as before when left out.
        #[arg(long)]
        waive_late: Option<bool>,
        /// The grade's revision this change is made on; the current one when left out.
        #[arg(long)]
        base: Option<u64>,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
    /// Set somebody's final percentage instead of the computed one; students see it when the course is completed.
    Final {
        /// Such as `cs101`.
        course: CourseArg,
        /// Username or id.
        user: String,
        /// Such as 90, or `computed` for what the grades come to.
        percent: String,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
    /// Show grades to students: everyone's, or those named.
    Post {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Usernames or ids.
        users: Vec<String>,
    },
    /// Hide posted grades again.
    Hide {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Usernames or ids.
        users: Vec<String>,
    },
}
