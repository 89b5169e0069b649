//! `audit …`: who changed what, when and why.

use clap::Subcommand;
use lectern_cli::args::CourseArg;

/// The audit trail.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// List entries, newest first: of a course, or of the installation (administrators).
    List {
        /// Such as `cs101`; the installation when left out.
        course: Option<CourseArg>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}
