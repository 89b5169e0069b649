//! `gradebook …`: the gradebook of a course.

use std::path::PathBuf;

use clap::Subcommand;
use lectern_cli::args::{CourseArg, ForceArg, ScopeArg};

/// The gradebook.
#[derive(Subcommand, Debug)]
pub enum GradebookCommand {
    /// Print the gradebook.
    Show {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Print mean, median, quartiles and histogram: of an assignment's scores, or of the course's current totals.
    Statistics {
        /// A course, or one assignment of it.
        scope: ScopeArg,
    },
    /// Export the gradebook as CSV in Canvas's columns.
    Export {
        /// Such as `cs101`.
        course: CourseArg,
        /// The file; standard output when left out.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// What is done with a file that is there.
        #[command(flatten)]
        force: ForceArg,
    },
}
