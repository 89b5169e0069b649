//! Work outside the update: what is read, what is changed, and what comes back.

mod reads;
mod work;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use lectern_cli::Session;
use lectern_client::{LocalFile, Progress};
use lectern_proto::v1;
use lectern_tui_kit::program::Reply;
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::{self, Follower, call_with_key, told};

use crate::model::{Hw, Place};
use crate::program::Instructor;
use crate::{private, saving};

pub use reads::{account_sums, roster_sums};

/// Work outside the update.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Something is asked for.
    Read(Read),
    /// A change, with its key.
    Change {
        /// The same for each repetition.
        key: String,
        /// What is to be changed.
        change: Change,
    },
    /// A grade: repeated with the same key until the cluster has said yes or no.
    Grade {
        /// The same for each repetition.
        key: String,
        /// Whose work it is.
        place: Place,
        /// The grade.
        request: v1::SetGradeRequest,
    },
    /// A file of a person's own is written.
    Write {
        /// Where.
        path: PathBuf,
        /// What.
        bytes: Vec<u8>,
    },
    /// What changes on the server is followed.
    Follow,
    /// Of the screens that programs share.
    Shared(shared::Effect),
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Read {
    /// Who is signed in.
    Me,
    /// Courses, and what waits in them.
    Home,
    /// Every course of the installation.
    AllCourses,
    /// One course.
    Course(String),
    /// Assignments that have work to grade, of these courses.
    Waiting(Vec<String>),
    /// Assignments of a course.
    Assignments(String),
    /// One assignment.
    Assignment(Hw),
    /// The people of a course.
    People(String),
    /// Everyone's attempt that counts.
    Submissions(Hw),
    /// One student's attempt that counts, and the text of its files.
    Work(Place),
    /// The gradebook of a course.
    Gradebook(String),
    /// The gradebook of a course as the bytes of a CSV file.
    GradebookCsv(String),
    /// Groups and policy of a course.
    Policy(String),
    /// Statistics of an assignment, or of the course where it is empty.
    Statistics(Hw),
    /// Overrides of an assignment.
    Overrides(Hw),
    /// Work of a course that was offered after its lock date.
    Requests(String),
    /// Who changed what in a course, or in the installation (empty).
    Audit(String),
    /// Accounts of the installation.
    Accounts,
    /// What an import of these files would do.
    Import(ImportFiles),
}

/// Declares the changes: a variant for each request, its answer, and how it is called.
macro_rules! changes {
    ($($(#[$doc:meta])* $name:ident: $request:ident => $response:ident,)*) => {
        /// A change by one call.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Change {
            $($(#[$doc])* $name(v1::$request),)*
            /// A file is uploaded and becomes a material.
            AddMaterial {
                /// The file.
                path: PathBuf,
                /// The material, without the upload.
                request: v1::CreateMaterialRequest,
            },
            /// A file is uploaded and replaces a material's.
            ReplaceMaterial {
                /// The file.
                path: PathBuf,
                /// The material, without the upload.
                request: v1::UpdateMaterialRequest,
            },
        }

        /// What a change made.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(clippy::large_enum_variant, reason = "it is made once for a change, and travels in a box")]
        pub enum Made {
            $($(#[$doc])* $name(v1::$response),)*
            /// A new material.
            CreateMaterial(v1::CreateMaterialResponse),
        }

        async fn make(env: &Env, key: &str, change: Change, reply: &Reply<Instructor>) -> Result<Made, Failure> {
            let session = &env.session;
            Ok(match change {
                $(Change::$name(request) => Made::$name(call_with_key(session, key, request, reply).await?),)*
                Change::AddMaterial { path, mut request } => {
                    request.upload_id = env.upload(key, &request.course, &path, reply).await?;
                    Made::CreateMaterial(call_with_key(session, key, request, reply).await?)
                }
                Change::ReplaceMaterial { path, mut request } => {
                    request.upload_id = Some(env.upload(key, &request.course, &path, reply).await?);
                    Made::UpdateMaterial(call_with_key(session, key, request, reply).await?)
                }
            })
        }
    };
}

changes! {
    /// A new course.
    CreateCourse: CreateCourseRequest => CreateCourseResponse,
    /// A course is changed.
    UpdateCourse: UpdateCourseRequest => UpdateCourseResponse,
    /// Somebody joins a course.
    Enroll: EnrollRequest => EnrollResponse,
    /// A role or its state is changed.
    UpdateEnrollment: UpdateEnrollmentRequest => UpdateEnrollmentResponse,
    /// A roster is imported, or looked at.
    ImportRoster: ImportRosterRequest => ImportRosterResponse,
    /// One-time codes are made.
    IssueCodes: IssueCodesRequest => IssueCodesResponse,
    /// A new module.
    CreateModule: CreateModuleRequest => CreateModuleResponse,
    /// A module is changed.
    UpdateModule: UpdateModuleRequest => UpdateModuleResponse,
    /// A material is changed.
    UpdateMaterial: UpdateMaterialRequest => UpdateMaterialResponse,
    /// A material goes.
    DeleteMaterial: DeleteMaterialRequest => DeleteMaterialResponse,
    /// A new assignment.
    CreateAssignment: CreateAssignmentRequest => CreateAssignmentResponse,
    /// An assignment is changed.
    UpdateAssignment: UpdateAssignmentRequest => UpdateAssignmentResponse,
    /// An assignment goes.
    DeleteAssignment: DeleteAssignmentRequest => DeleteAssignmentResponse,
    /// Grades are posted or hidden.
    PostGrades: PostGradesRequest => PostGradesResponse,
    /// A new group.
    CreateGroup: CreateAssignmentGroupRequest => CreateAssignmentGroupResponse,
    /// A group is changed.
    UpdateGroup: UpdateAssignmentGroupRequest => UpdateAssignmentGroupResponse,
    /// A group goes.
    DeleteGroup: DeleteAssignmentGroupRequest => DeleteAssignmentGroupResponse,
    /// The policy is changed.
    UpdatePolicy: UpdateGradingPolicyRequest => UpdateGradingPolicyResponse,
    /// Other dates, or an excuse.
    SetOverride: SetOverrideRequest => SetOverrideResponse,
    /// A final grade is set.
    SetFinalGrade: SetFinalGradeRequest => SetFinalGradeResponse,
    /// Late work is accepted or declined.
    DecideExtension: DecideExtensionRequestRequest => DecideExtensionRequestResponse,
    /// A new account.
    CreateUser: CreateUserRequest => CreateUserResponse,
    /// An account is changed.
    UpdateUser: UpdateUserRequest => UpdateUserResponse,
    /// Accounts are imported, or looked at.
    ImportUsers: ImportUsersRequest => ImportUsersResponse,
}

/// What comes back.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Who is signed in.
    Me(Result<v1::WhoAmIResponse, Failure>),
    /// Courses, and what waits in them.
    Home(Result<v1::GetHomeResponse, Failure>),
    /// Courses.
    Courses(Result<Vec<v1::Course>, Failure>),
    /// One course.
    Course(Result<v1::Course, Failure>),
    /// Assignments, of one course or of several.
    Assignments(Result<Vec<v1::Assignment>, Failure>),
    /// One assignment.
    Assignment(Result<v1::Assignment, Failure>),
    /// The people of a course.
    People(Result<Vec<v1::Enrollment>, Failure>),
    /// Everyone's attempt that counts.
    Submissions(Hw, Result<Vec<v1::SubmissionSummary>, Failure>),
    /// One student's attempt that counts.
    Work(Place, Result<Work, Failure>),
    /// What is in a submitted file.
    FileText(String, FileText),
    /// The gradebook.
    Gradebook(Result<Gradebook, Failure>),
    /// Groups and policy of this course.
    Policy(String, Result<v1::GetGradingPolicyResponse, Failure>),
    /// Statistics.
    Statistics(Result<v1::GetStatisticsResponse, Failure>),
    /// Overrides of an assignment.
    Overrides(Result<Vec<v1::Override>, Failure>),
    /// Late work.
    Requests(Result<Vec<v1::ExtensionRequest>, Failure>),
    /// The audit trail.
    Audit(Result<Vec<v1::AuditEntry>, Failure>),
    /// Accounts.
    Accounts(Result<Vec<v1::User>, Failure>),
    /// What an import would do.
    Preview(Result<Preview, Failure>),
    /// Bytes of an export.
    Bytes(Result<Vec<u8>, Failure>),
    /// A file was written.
    Written(Result<PathBuf, Failure>),
    /// How far an upload is.
    Progress(Progress),
    /// A change was made or refused.
    Changed(Result<Box<Made>, Failure>),
    /// A grade could not be saved yet, and is tried again.
    GradeWaits {
        /// Whose.
        place: Place,
        /// The grade's key.
        key: String,
        /// Why.
        failure: Failure,
    },
    /// A grade was saved or refused.
    Graded {
        /// Whose.
        place: Place,
        /// The grade's key.
        key: String,
        /// The grade as it is now.
        result: Result<v1::Grade, Failure>,
    },
    /// Of the screens that programs share.
    Shared(shared::Message),
}

/// Files that are to be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImportFiles {
    /// A roster.
    Roster {
        /// Of this course.
        course: String,
        /// `enrollments.csv`.
        enrollments: PathBuf,
        /// `users.csv`, for people without an account.
        users: Option<PathBuf>,
    },
    /// Accounts: `users.csv`.
    Accounts(PathBuf),
}

/// What an import would do, and exactly what is to be sent to do it: the files are read once.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The change.
    pub change: Change,
    /// Row by row.
    pub rows: Vec<v1::ImportRow>,
    /// In numbers: `3 invited`.
    pub sums: Vec<(u32, &'static str)>,
}

/// A student's attempt that counts; attempt 0 where nothing was handed in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// The attempt.
    pub submission: v1::Submission,
    /// How many there are.
    pub attempts: u32,
    /// Why it is the one that counts.
    pub counted: v1::Counted,
}

/// What is in a submitted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileText {
    /// Text, which can be shown.
    Text(String),
    /// Text that was taken out of it, page by page: it still looks better outside.
    Pages(String),
    /// No text, or too much: to be opened outside.
    Other,
    /// It could not be fetched.
    Failed(Failure),
}

/// The whole gradebook.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradebook {
    /// Assignments.
    pub columns: Vec<v1::GradebookColumn>,
    /// Students.
    pub rows: Vec<v1::GradebookRow>,
    /// The groups of the course.
    pub groups: Vec<v1::AssignmentGroup>,
}

impl Effect {
    /// Whether it changes something: then leaving waits for it.
    pub fn is_change(&self) -> bool {
        match self {
            Self::Change { .. } | Self::Grade { .. } | Self::Write { .. } => true,
            Self::Read(_) | Self::Follow => false,
            Self::Shared(effect) => shared::is_change(effect),
        }
    }
}

/// What effects need.
pub struct Env {
    /// The person's session.
    pub session: Session,
    follower: Follower,
    /// Files are fetched one at a time: two fetches of one file would write into the same part.
    fetching: tokio::sync::Mutex<()>,
    /// Uploads that have arrived, by the key of the change they are for.
    uploaded: Mutex<BTreeMap<String, String>>,
}

impl Env {
    /// For a session.
    pub fn new(session: Session) -> Self {
        Self {
            session,
            follower: Follower::default(),
            fetching: tokio::sync::Mutex::default(),
            uploaded: Mutex::default(),
        }
    }

    /// Uploads a file for the change with this key. A change that is tried again is the same one, so that it names the same
    /// upload: what has arrived is not uploaded twice.
    async fn upload(&self, key: &str, course: &str, path: &Path, reply: &Reply<Instructor>) -> Result<String, Failure> {
        let known = self.uploaded.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        if let Some(upload) = known {
            return Ok(upload);
        }
        let file = LocalFile::new(path)?;
        let on_progress = |progress| reply.send_newest(Message::Progress(progress));
        let uploaded = lectern_client::upload_files(self.session.client(), course, &[file], &on_progress).await;
        let upload = told(uploaded, reply).await?;
        self.uploaded.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), upload.clone());
        Ok(upload)
    }
}

/// Does the work.
pub async fn perform(env: &Env, effect: Effect, reply: &Reply<Instructor>) {
    let session = &env.session;
    let message = match effect {
        Effect::Read(read) => reads::answer(env, read, reply).await,
        Effect::Change { key, change } => Message::Changed(make(env, &key, change, reply).await.map(Box::new)),
        Effect::Grade { key, place, request } => {
            let attempt = || call_with_key(session, &key, request.clone(), reply);
            let waits = |failure| reply.send(Message::GradeWaits { place: place.clone(), key: key.clone(), failure });
            let result = saving::until_decided(attempt, waits, tokio::time::sleep).await;
            let result = result.map(|answer| answer.grade.unwrap_or_default());
            Message::Graded { place, key, result }
        }
        Effect::Write { path, bytes } => Message::Written(private::write(&path, &bytes).map(|()| path)),
        Effect::Follow => return env.follower.follow(session, reply).await,
        Effect::Shared(effect) => return shared::perform(session, effect, reply).await,
    };
    reply.send(message).await;
}
