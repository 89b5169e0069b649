//! `override …`: other dates, more attempts, or an excuse, for one student or one section.

use clap::{Args, Subcommand};
use lectern_cli::args::AssignmentArg;

use super::ReasonArg;

/// Whom it is for.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub struct WhomArgs {
    /// A student's username or id.
    #[arg(long)]
    pub student: Option<String>,
    /// The name of a section.
    #[arg(long)]
    pub section: Option<String>,
}

/// What is otherwise; what is left out stays as it is.
#[derive(Args, Debug, Default)]
pub struct OverrideArgs {
    /// From when it can be handed in: a date, `none` for at once, or `assignment` for the assignment's own.
    #[arg(long)]
    pub unlock: Option<String>,
    /// Until when it is on time.
    #[arg(long)]
    pub due: Option<String>,
    /// Until when it is taken at all.
    #[arg(long)]
    pub lock: Option<String>,
    /// Attempts beyond those that everyone has.
    #[arg(long)]
    pub extra_attempts: Option<u32>,
    /// Whether it counts nowhere for the student.
    #[arg(long)]
    pub excused: Option<bool>,
}

/// Overrides of single students and sections.
#[derive(Subcommand, Debug)]
pub enum OverrideCommand {
    /// List the overrides of an assignment.
    List {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
    },
    /// Set or change one.
    Set {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Whom it is for.
        #[command(flatten)]
        whom: WhomArgs,
        /// What is otherwise.
        #[command(flatten)]
        settings: OverrideArgs,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
    /// End one: the assignment's own dates hold again.
    End {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Whom it is for.
        #[command(flatten)]
        whom: WhomArgs,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}
