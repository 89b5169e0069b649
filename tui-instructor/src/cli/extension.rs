//! `extension …`: work offered after the lock date.

use clap::Subcommand;
use lectern_cli::args::{CourseArg, ScopeArg};

/// Extension requests.
#[derive(Subcommand, Debug)]
pub enum ExtensionCommand {
    /// List requests.
    List {
        /// A course, or one assignment of it.
        scope: ScopeArg,
        /// Only undecided ones.
        #[arg(long)]
        pending: bool,
    },
    /// Accept: the kept work becomes a submission at its own time.
    Accept {
        /// Such as `cs101`.
        course: CourseArg,
        /// The request's id.
        request: String,
        /// Words for the student.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Decline; the work stays kept.
    Decline {
        /// Such as `cs101`.
        course: CourseArg,
        /// The request's id.
        request: String,
        /// Words for the student.
        #[arg(long, default_value = "")]
        reason: String,
    },
}
