//! `policy …`: what holds for all grades of a course.

use clap::{Args, Subcommand, ValueEnum};
use lectern_cli::args::CourseArg;
use lectern_cli::format;

use super::ReasonArg;

/// How long an interval of lateness is.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalArg {
    /// An hour.
    Hour,
    /// A day: 24 hours.
    Day,
}

/// The policy; what is left out stays as it is.
#[derive(Args, Debug, Default)]
pub struct PolicyArgs {
    /// Names for percentages, from high to low, the last from 0, such as "A=90 B=80 C=70 F=0"; `none` for none.
    #[arg(long)]
    pub scheme: Option<String>,
    /// Deducted from late work for each interval begun, in percent of the points; 0 for nothing.
    #[arg(long, value_parser = format::parse_percent)]
    pub late_percent: Option<i64>,
    /// Whether lateness is deducted by the hour or by the day.
    #[arg(long)]
    pub late_every: Option<IntervalArg>,
    /// What is left of a late score at least, in percent of the points.
    #[arg(long, value_parser = format::parse_percent)]
    pub late_floor: Option<i64>,
    /// The score that missing work gets by itself, in percent of the points; `none` for no score.
    #[arg(long)]
    pub missing: Option<String>,
    /// Days of lateness that each student may spend in the course before anything is deducted.
    #[arg(long)]
    pub late_days: Option<u32>,
}

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
        /// What changes.
        #[command(flatten)]
        policy: PolicyArgs,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}
