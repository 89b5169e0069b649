//! `assignment …`: what is asked of students.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use lectern_cli::args::AssignmentArg;
use lectern_cli::{assignment, format};
use lectern_proto::v1;

use super::ReasonArg;

/// What kind of work is handed in.
#[derive(ValueEnum, Clone, Copy, Debug)]
pub enum WorkType {
    /// Text.
    Text,
    /// Files.
    Files,
    /// A directory.
    Directory,
    /// On paper.
    OnPaper,
    /// Nothing is handed in.
    None,
}

impl From<WorkType> for v1::SubmissionType {
    fn from(kind: WorkType) -> Self {
        match kind {
            WorkType::Text => Self::Text,
            WorkType::Files => Self::Files,
            WorkType::Directory => Self::Directory,
            WorkType::OnPaper => Self::OnPaper,
            WorkType::None => Self::None,
        }
    }
}

/// Settings of an assignment; what is left out stays as it is, or takes its default in a new one.
#[derive(Args, Debug, Default)]
pub struct SettingsArgs {
    /// The title.
    #[arg(long)]
    pub title: Option<String>,
    /// What to do (Markdown); `-` for standard input.
    #[arg(long, conflicts_with = "description_file")]
    pub description: Option<String>,
    /// A file with what to do; `-` for standard input.
    #[arg(long)]
    pub description_file: Option<PathBuf>,
    /// Points, such as 100 or 12.5.
    #[arg(long, value_parser = format::parse_points)]
    pub points: Option<i64>,
    /// From when it can be handed in: `2026-10-01 08:00`, `+1d`, or `none`.
    #[arg(long)]
    pub unlock: Option<String>,
    /// Until when it is on time; 23:59 means 23:59:59.
    #[arg(long)]
    pub due: Option<String>,
    /// Until when it is taken at all.
    #[arg(long)]
    pub lock: Option<String>,
    /// What is handed in; may be given several times.
    #[arg(long = "type")]
    pub types: Vec<WorkType>,
    /// Allowed file endings, such as py; may be given several times.
    #[arg(long = "extension", value_delimiter = ',')]
    pub extensions: Vec<String>,
    /// Attempts; 0 for any number.
    #[arg(long)]
    pub attempts: Option<u32>,
    /// Largest single file in bytes.
    #[arg(long)]
    pub max_file_bytes: Option<u64>,
    /// Longest text in bytes.
    #[arg(long)]
    pub max_text_bytes: Option<u64>,
    /// Grades are shown as soon as they are set (true), or when they are posted (false).
    #[arg(long)]
    pub post_at_once: Option<bool>,
    /// The group it counts in, such as homework; `none` for none.
    #[arg(long)]
    pub group: Option<String>,
    /// Whether students see it.
    #[arg(long)]
    pub published: Option<bool>,
}

/// Assignments.
#[derive(Subcommand, Debug)]
pub enum AssignmentCommand {
    /// List, show.
    #[command(flatten)]
    Read(assignment::ReadCommand),
    /// Create an assignment.
    Create {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Its settings.
        #[command(flatten)]
        settings: SettingsArgs,
        /// Files that belong to it; may be given several times.
        #[arg(long = "attach")]
        attachments: Vec<PathBuf>,
    },
    /// Change an assignment.
    Update {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// What changes.
        #[command(flatten)]
        settings: SettingsArgs,
        /// Files that replace the attached ones; may be given several times.
        #[arg(long = "attach")]
        attachments: Vec<PathBuf>,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
    /// Remove an assignment nothing was handed in for.
    Remove {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}
