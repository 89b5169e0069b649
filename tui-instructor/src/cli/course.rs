//! `course …`: courses.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use lectern_cli::args::CourseArg;

/// Courses.
#[derive(Subcommand, Debug)]
pub enum CourseCommand {
    /// Create a course; it is unpublished until `course publish`.
    Create(CreateCourseArgs),
    /// Change a course.
    Update(UpdateCourseArgs),
    /// Make a course available to its students.
    Publish {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Hide a course from its students.
    Unpublish {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Close a course: it can be read and no longer changes.
    Complete {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// List courses.
    List {
        /// Every course of the installation (administrators).
        #[arg(long)]
        all: bool,
    },
    /// Show one course with its syllabus.
    Show {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Create a course from a folder with a `course.toml`; what exists already is left as it is.
    Load {
        /// The folder.
        dir: PathBuf,
    },
}

/// A new course.
#[derive(Args, Debug)]
pub struct CreateCourseArgs {
    /// The short name, such as `cs101`.
    pub slug: String,
    /// The code as printed, such as "CS 101"; the short name when left out.
    #[arg(long, default_value = "")]
    pub code: String,
    /// The title.
    #[arg(long)]
    pub title: String,
    /// The term, such as "Autumn 2026".
    #[arg(long, default_value = "")]
    pub term: String,
    /// Time zone of its dates, such as Europe/Berlin.
    #[arg(long, default_value = "")]
    pub time_zone: String,
    /// A file with the syllabus (Markdown).
    #[arg(long)]
    pub syllabus: Option<PathBuf>,
    /// The instructor's username; you when left out.
    #[arg(long, default_value = "")]
    pub instructor: String,
}

/// Changes of a course.
#[derive(Args, Debug)]
pub struct UpdateCourseArgs {
    /// Such as `cs101`.
    pub course: CourseArg,
    /// The code as printed.
    #[arg(long)]
    pub code: Option<String>,
    /// The title.
    #[arg(long)]
    pub title: Option<String>,
    /// The term.
    #[arg(long)]
    pub term: Option<String>,
    /// Time zone of its dates.
    #[arg(long)]
    pub time_zone: Option<String>,
    /// A file with the syllabus (Markdown).
    #[arg(long)]
    pub syllabus: Option<PathBuf>,
    /// Grace after a due date, in seconds.
    #[arg(long)]
    pub grace_seconds: Option<u32>,
    /// Bytes of files one student may keep.
    #[arg(long)]
    pub student_quota_bytes: Option<u64>,
    /// Bytes of files in the whole course.
    #[arg(long)]
    pub course_quota_bytes: Option<u64>,
}
