//! The subcommands: `noun verb`, plus the short `next` and `status`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use lectern_cli::args::{AssignmentArg, CourseArg, GlobalArgs, ScopeArg};
use lectern_cli::talk::{BodyArgs, ThreadCommand};
use lectern_cli::{format, material, shared::SharedCommand};
use lectern_proto::v1;

/// Lectern for instructors, assistants and administrators: courses, people, assignments and grades in the terminal.
#[derive(Parser, Debug)]
#[command(name = "lectern-instructor", version, about, long_about = None, propagate_version = true)]
pub struct Cli {
    /// Options of every subcommand.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Account, tokens and connection.
    #[command(flatten)]
    Shared(SharedCommand),
    /// What waits for a grade, course by course.
    Next,
    /// Courses and what is new in them.
    Status,
    /// Accounts of the installation (administrators).
    #[command(subcommand)]
    Account(AccountCommand),
    /// Courses.
    #[command(subcommand)]
    Course(CourseCommand),
    /// The people of a course.
    #[command(subcommand)]
    Roster(RosterCommand),
    /// Modules: the order of the materials.
    #[command(subcommand)]
    Module(ModuleCommand),
    /// Lecture notes, readings and other files.
    #[command(subcommand)]
    Material(MaterialCommand),
    /// Assignments.
    #[command(subcommand)]
    Assignment(AssignmentCommand),
    /// What students handed in.
    #[command(subcommand)]
    Submission(SubmissionCommand),
    /// Grades.
    #[command(subcommand)]
    Grade(GradeCommand),
    /// The gradebook of a course.
    #[command(subcommand)]
    Gradebook(GradebookCommand),
    /// Work offered after the lock date.
    #[command(subcommand)]
    Extension(ExtensionCommand),
    /// Questions and answers.
    #[command(subcommand)]
    Thread(ThreadCommand),
    /// Announcements.
    #[command(subcommand)]
    Announcement(AnnouncementCommand),
    /// Who changed what, when and why.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print changes as they happen, one a line, until interrupted.
    Watch {
        /// Only these courses.
        courses: Vec<CourseArg>,
    },
}

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
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Let a suspended account sign in again.
    Reactivate {
        /// Username or id.
        user: String,
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// A new account.
#[derive(Args, Debug)]
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
    /// Why, for the audit trail.
    #[arg(long, default_value = "")]
    pub reason: String,
}

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
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Take somebody out of a course; their work stays.
    Remove {
        /// Such as `cs101`.
        course: CourseArg,
        /// Username or id.
        user: String,
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

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
    /// What to do (Markdown).
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
    /// Whether students see it.
    #[arg(long)]
    pub published: Option<bool>,
}

/// Assignments.
#[derive(Subcommand, Debug)]
pub enum AssignmentCommand {
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
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Remove an assignment nothing was handed in for.
    Remove {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// List the assignments of a course.
    List {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Show one assignment.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
    },
}

/// Submissions.
#[derive(Subcommand, Debug)]
pub enum SubmissionCommand {
    /// List everyone's latest attempt, or every attempt of one student.
    List {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Only this student.
        user: Option<String>,
        /// Only those that wait for a grade.
        #[arg(long)]
        needs_grading: bool,
    },
    /// Show one attempt.
    Show {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Username or id.
        user: String,
        /// The latest when left out.
        #[arg(long, default_value_t = 0)]
        attempt: u32,
    },
    /// Save files: of one student, or of everyone into a folder for each.
    Fetch {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Only this student.
        user: Option<String>,
        /// The folder to save into.
        #[arg(long, default_value = ".")]
        dir: PathBuf,
    },
}

/// Grades.
#[derive(Subcommand, Debug)]
pub enum GradeCommand {
    /// Set a grade. It stays hidden until it is posted.
    Set {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Username or id.
        user: String,
        /// Such as 87.5.
        #[arg(value_parser = format::parse_points)]
        score: i64,
        /// Words for the student (Markdown).
        #[arg(long, conflicts_with = "feedback_file")]
        feedback: Option<String>,
        /// A file with words for the student; `-` for standard input.
        #[arg(long)]
        feedback_file: Option<PathBuf>,
        /// The attempt that was graded. May be left out while there is only one.
        #[arg(long)]
        attempt: Option<u32>,
        /// The grade's revision this change is made on; the current one when left out.
        #[arg(long)]
        base: Option<u64>,
        /// Why, for the audit trail.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Show grades to students: everyone's, or those named.
    Post {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Usernames or ids.
        users: Vec<String>,
    },
    /// Hide posted grades again.
    Hide {
        /// Such as `cs101/hw3`.
        assignment: AssignmentArg,
        /// Usernames or ids.
        users: Vec<String>,
    },
}

/// The gradebook.
#[derive(Subcommand, Debug)]
pub enum GradebookCommand {
    /// Print the gradebook.
    Show {
        /// Such as `cs101`.
        course: CourseArg,
    },
    /// Export the gradebook as CSV in Canvas's columns.
    Export {
        /// Such as `cs101`.
        course: CourseArg,
        /// The file; standard output when left out.
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
}

/// Extension requests.
#[derive(Subcommand, Debug)]
pub enum ExtensionCommand {
    /// List requests.
    List {
        /// A course, or one assignment of it.
        scope: ScopeArg,
        /// Only undecided ones.
        #[arg(long)]
        pending: bool,
    },
    /// Accept: the kept work becomes a submission at its own time.
    Accept {
        /// Such as `cs101`.
        course: CourseArg,
        /// The request's id.
        request: String,
        /// Words for the student.
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Decline; the work stays kept.
    Decline {
        /// Such as `cs101`.
        course: CourseArg,
        /// The request's id.
        request: String,
        /// Words for the student.
        #[arg(long, default_value = "")]
        reason: String,
    },
}

/// Announcements.
#[derive(Subcommand, Debug)]
pub enum AnnouncementCommand {
    /// List.
    #[command(flatten)]
    Read(lectern_cli::talk::AnnouncementCommand),
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

/// The audit trail.
#[derive(Subcommand, Debug)]
pub enum AuditCommand {
    /// List entries, newest first: of a course, or of the installation (administrators).
    List {
        /// Such as `cs101`; the installation when left out.
        course: Option<CourseArg>,
        /// At most this many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}
