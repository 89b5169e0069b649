//! `material …`: lecture notes, readings and other files.

use std::path::PathBuf;

use clap::Subcommand;
use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::material;

/// Materials.
#[derive(Subcommand, Debug)]
pub enum MaterialCommand {
    /// List, read, save.
    #[command(flatten)]
    Read(material::ReadCommand),
    /// Add a file: PDF, text, Markdown or anything else.
    Add {
        /// Such as `cs101`.
        course: CourseArg,
        /// The file.
        file: PathBuf,
        /// Its short name; made from the file's name when left out.
        #[arg(long)]
        slug: Option<String>,
        /// Its title; the file's name when left out.
        #[arg(long)]
        title: Option<String>,
        /// The module's name or id.
        #[arg(long, default_value = "")]
        module: String,
        /// From when students see it.
        #[arg(long)]
        release: Option<String>,
    },
    /// Change a material, or replace its file.
    Update {
        /// Such as `cs101/notes`.
        material: AssignmentArg,
        /// Its title.
        #[arg(long)]
        title: Option<String>,
        /// The module's name or id.
        #[arg(long)]
        module: Option<String>,
        /// Its place.
        #[arg(long)]
        position: Option<u32>,
        /// From when students see it; `none` for always.
        #[arg(long)]
        release: Option<String>,
        /// A new file.
        #[arg(long)]
        file: Option<PathBuf>,
    },
    /// Remove a material.
    Remove {
        /// Such as `cs101/notes`.
        material: AssignmentArg,
    },
}
