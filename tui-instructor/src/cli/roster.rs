//! `roster …`: the people of a course.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use lectern_cli::args::{CourseArg, ForceArg};
use lectern_proto::v1;

use super::ReasonArg;

/// A role in a course.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum Role {
    /// Learns.
    Student,
    /// Grades and answers.
    Ta,
    /// Runs the course.
    Instructor,
}

impl From<Role> for v1::EnrollmentType {
    fn from(role: Role) -> Self {
        match role {
            Role::Student => Self::Student,
            Role::Ta => Self::Ta,
            Role::Instructor => Self::Instructor,
        }
    }
}

/// The people of a course.
#[derive(Subcommand, Debug)]
pub enum RosterCommand {
    /// Import people from Canvas's `enrollments.csv`, and `users.csv` for those without an account.
    Import {
        /// Such as `cs101`.
        course: CourseArg,
        /// `enrollments.csv`.
        #[arg(long)]
        enrollments: PathBuf,
        /// `users.csv`.
        #[arg(long)]
        users: Option<PathBuf>,
        /// Only show what would happen.
        #[arg(long)]
        preview: bool,
    },
    /// List the people of a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
        /// Only this role.
        #[arg(long)]
        role: Option<Role>,
    },
    /// Make one-time codes for everyone who never signed in. Earlier codes stop working.
    Codes {
        /// Such as `cs101`.
        course: CourseArg,
        /// Write a CSV file that only you can read, instead of printing.
        #[arg(long, short)]
        output: Option<PathBuf>,
        /// What is done with a file that is there.
        #[command(flatten)]
        force: ForceArg,
    },
    /// Add an existing account.
    Add {
        /// Such as `cs101`.
        course: CourseArg,
        /// Username or id.
        user: String,
        /// The role.
        #[arg(long, default_value = "student")]
        role: Role,
        /// The section; the course's own when left out.
        #[arg(long, default_value = "")]
        section: String,
    },
    /// Change somebody's role.
    Role {
        /// Such as `cs101`.
        course: CourseArg,
        /// Username or id.
        user: String,
        /// The new role.
        role: Role,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
    /// Take somebody out of a course; their work stays.
    Remove {
        /// Such as `cs101`.
        course: CourseArg,
        /// Username or id.
        user: String,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}
