//! `announcement …`: what everyone in a course is told.

use clap::Subcommand;
use lectern_cli::args::CourseArg;
use lectern_cli::talk::{self, BodyArgs};

/// Announcements.
#[derive(Subcommand, Debug)]
pub enum AnnouncementCommand {
    /// List.
    #[command(flatten)]
    Read(talk::AnnouncementCommand),
    /// Tell everyone in a course.
    Post {
        /// Such as `cs101`.
        course: CourseArg,
        /// The title.
        #[arg(long)]
        title: String,
        /// The text.
        #[command(flatten)]
        body: BodyArgs,
    },
    /// Remove an announcement.
    Remove {
        /// Such as `cs101`.
        course: CourseArg,
        /// Its id.
        announcement: String,
    },
}
