//! `account …`: accounts of the installation.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ReasonArg;

/// Accounts.
#[derive(Subcommand, Debug)]
pub enum AccountCommand {
    /// Make an account; it is invited until its one-time code is used.
    Create(CreateAccountArgs),
    /// List accounts.
    List {
        /// Only usernames or names that contain this.
        #[arg(long, default_value = "")]
        contains: String,
    },
    /// Show one account.
    Show {
        /// Username or id.
        user: String,
    },
    /// Change an account.
    Update(UpdateAccountArgs),
    /// Import accounts from a `users.csv` in Canvas's SIS columns.
    Import {
        /// The file; `-` for standard input.
        file: PathBuf,
        /// Only show what would happen.
        #[arg(long)]
        preview: bool,
    },
    /// Make a one-time code for each named account: to activate it, or to set a new password.
    Code {
        /// Usernames or ids.
        #[arg(required = true)]
        users: Vec<String>,
    },
    /// Stop an account from signing in; its work stays.
    Suspend {
        /// Username or id.
        user: String,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
    /// Let a suspended account sign in again.
    Reactivate {
        /// Username or id.
        user: String,
        /// Why.
        #[command(flatten)]
        reason: ReasonArg,
    },
}

/// A new account.
#[derive(Args, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a right of its own")]
pub struct CreateAccountArgs {
    /// The username.
    pub username: String,
    /// The person's name.
    #[arg(long)]
    pub name: String,
    /// The student information system's id; made from the username when left out.
    #[arg(long, default_value = "")]
    pub sis_id: String,
    /// E-mail address.
    #[arg(long, default_value = "")]
    pub email: String,
    /// Time zone, such as Europe/Berlin.
    #[arg(long, default_value = "")]
    pub time_zone: String,
    /// May administer accounts.
    #[arg(long)]
    pub admin: bool,
    /// May create courses.
    #[arg(long)]
    pub course_creator: bool,
    /// May operate the cluster.
    #[arg(long)]
    pub operator: bool,
    /// For a tutor: it writes the tutor's answers down and does nothing else.
    #[arg(long, conflicts_with_all = ["admin", "course_creator", "operator"])]
    pub tutor: bool,
}

/// Changes of an account.
#[derive(Args, Debug)]
pub struct UpdateAccountArgs {
    /// Username or id.
    pub user: String,
    /// The person's name.
    #[arg(long)]
    pub name: Option<String>,
    /// E-mail address.
    #[arg(long)]
    pub email: Option<String>,
    /// Time zone, such as Europe/Berlin.
    #[arg(long)]
    pub time_zone: Option<String>,
    /// May administer accounts.
    #[arg(long)]
    pub admin: Option<bool>,
    /// May create courses.
    #[arg(long)]
    pub course_creator: Option<bool>,
    /// May operate the cluster.
    #[arg(long)]
    pub operator: Option<bool>,
    /// Why.
    #[command(flatten)]
    pub reason: ReasonArg,
}
