//! `group …`: assignment groups, their weights, and what is dropped.

use clap::{Args, Subcommand};
use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::format;

use super::ReasonArg;

/// How a group counts; what is left out stays as it is, or is nothing in a new one.
#[derive(Args, Debug, Default)]
pub struct GroupArgs {
    /// The name as printed; the short name when left out of a new one.
    #[arg(long)]
    pub name: Option<String>,
    /// Weight beside the other groups in percent, such as 40; 0 for none.
    #[arg(long, value_parser = format::parse_percent)]
    pub weight: Option<i64>,
    /// How many of the lowest are dropped.
    #[arg(long)]
    pub drop_lowest: Option<u32>,
    /// How many of the highest are dropped.
    #[arg(long)]
    pub drop_highest: Option<u32>,
    /// Assignments that are never dropped, such as hw1,hw2; `none` for none.
    #[arg(long, value_delimiter = ',')]
    pub never_drop: Option<Vec<String>>,
}

/// Assignment groups. Where none has a weight, points are added up.
#[derive(Subcommand, Debug)]
pub enum GroupCommand {
    /// List the groups of a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Make a group. `assignment update --group` puts assignments in it.
    Create {
        /// Such as `cs101/homework`.
        group: AssignmentArg,
        /// How it counts.
        #[command(flatten)]
        settings: GroupArgs,
    },
    /// Change a group.
    Update {
        /// Such as `cs101/homework`.
        group: AssignmentArg,
        /// What changes.
        #[command(flatten)]
        settings: GroupArgs,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
    /// Remove a group that no assignment is in.
    Remove {
        /// Such as `cs101/homework`.
        group: AssignmentArg,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}
