//! `policy …`: what holds for all grades of a course.

use clap::Subcommand;
use lectern_cli::args::CourseArg;

use super::ReasonArg;

/// The grading policy.
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Show the policy and the groups of a course.
    Show {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Change the policy.
    Set {
        /// Such as `cs101`.
        course: CourseArg,
        /// Names for percentages, from high to low, the last from 0, such as "A=90 B=80 C=70 F=0"; `none` for none.
        #[arg(long)]
        scheme: Option<String>,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}
