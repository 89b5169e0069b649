//! `module …`: the order of the materials.

use clap::Subcommand;
use lectern_cli::args::CourseArg;

/// Modules.
#[derive(Subcommand, Debug)]
pub enum ModuleCommand {
    /// Make a module.
    Create {
        /// Such as `cs101`.
        course: CourseArg,
        /// Its name.
        name: String,
        /// From when students see it.
        #[arg(long)]
        release: Option<String>,
    },
    /// List the modules of a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Change a module.
    Update {
        /// Such as `cs101`.
        course: CourseArg,
        /// Its id.
        module: String,
        /// Its name.
        #[arg(long)]
        name: Option<String>,
        /// Its place, from 1.
        #[arg(long)]
        position: Option<u32>,
        /// From when students see it; `none` for always.
        #[arg(long)]
        release: Option<String>,
    },
}
