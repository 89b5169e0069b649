//! Work outside the update: what is read, what is changed, and what comes back.

use std::path::{Path, PathBuf};

use lectern_cli::{Session, pages, transfer};
use lectern_client::{LocalFile, Progress};
use lectern_proto::v1;
use lectern_tui_kit::program::{Incoming, Reply};
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::{self, call, call_with_key, told};

use crate::model::{Hw, Place};
use crate::program::Instructor;
use crate::{private, saving};

/// Text of a file that is shown beside its grade: larger ones are opened outside.
const SHOWN_BYTES: u64 = 512 * 1024;
/// Pages of a PDF that are shown.
const SHOWN_PAGES: u32 = 50;
/// Files of one submission that are fetched to be shown.
const SHOWN_FILES: usize = 20;

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
    /// Everyone's latest attempt.
    Submissions(Hw),
    /// One student's latest attempt, and the text of its files.
    Work(Place),
    /// The gradebook of a course.
    Gradebook(String),
    /// The gradebook of a course as the bytes of a CSV file.
    GradebookCsv(String),
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

        async fn make(
            session: &Session,
            key: &str,
            change: Change,
            reply: &Reply<Instructor>,
        ) -> Result<Made, Failure> {
            Ok(match change {
                $(Change::$name(request) => Made::$name(call_with_key(session, key, request, reply).await?),)*
                Change::AddMaterial { path, mut request } => {
                    request.upload_id = upload(session, &request.course, &path, reply).await?;
                    Made::CreateMaterial(call_with_key(session, key, request, reply).await?)
                }
                Change::ReplaceMaterial { path, mut request } => {
                    request.upload_id = Some(upload(session, &request.course, &path, reply).await?);
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
    /// Everyone's latest attempt.
    Submissions(Hw, Result<Vec<v1::SubmissionSummary>, Failure>),
    /// One student's latest attempt.
    Work(Place, Result<Work, Failure>),
    /// What is in a submitted file.
    FileText(String, FileText),
    /// The gradebook.
    Gradebook(Result<Gradebook, Failure>),
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

/// A student's latest attempt; attempt 0 where nothing was handed in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Work {
    /// The attempt.
    pub submission: v1::Submission,
    /// How many there are.
    pub attempts: u32,
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

/// Does the work.
pub async fn perform(session: &Session, effect: Effect, reply: &Reply<Instructor>) {
    let message = match effect {
        Effect::Read(read) => answer(session, read, reply).await,
        Effect::Change { key, change } => Message::Changed(make(session, &key, change, reply).await.map(Box::new)),
        Effect::Grade { key, place, request } => {
            let attempt = || call_with_key(session, &key, request.clone(), reply);
            let waits = |failure| reply.send(Message::GradeWaits { place: place.clone(), key: key.clone(), failure });
            let result = saving::until_decided(attempt, waits, tokio::time::sleep).await;
            let result = result.map(|answer| answer.grade.unwrap_or_default());
            Message::Graded { place, key, result }
        }
        Effect::Write { path, bytes } => Message::Written(private::write(&path, &bytes).map(|()| path)),
        Effect::Follow => return follow(session, reply).await,
        Effect::Shared(effect) => return shared::perform(session, effect, reply).await,
    };
    reply.send(message).await;
}

async fn answer(session: &Session, read: Read, reply: &Reply<Instructor>) -> Message {
    match read {
        Read::Me => Message::Me(call(session, v1::WhoAmIRequest {}, reply).await),
        Read::Home => Message::Home(call(session, v1::GetHomeRequest {}, reply).await),
        Read::AllCourses => Message::Courses(
            told(
                pages::all(session, |page_token| v1::ListCoursesRequest { page_size: 500, page_token, all: true })
                    .await,
                reply,
            )
            .await,
        ),
        Read::Course(course) => {
            let answer = call(session, v1::GetCourseRequest { course }, reply).await;
            Message::Course(answer.map(|answer| answer.course.unwrap_or_default()))
        }
        Read::Waiting(courses) => Message::Assignments(waiting(session, courses, reply).await),
        Read::Assignments(course) => Message::Assignments(assignments(session, &course, reply).await),
        Read::Assignment(Hw { course, assignment }) => {
            let answer = call(session, v1::GetAssignmentRequest { course, assignment }, reply).await;
            Message::Assignment(answer.map(|answer| answer.assignment.unwrap_or_default()))
        }
        Read::People(course) => Message::People(
            told(
                pages::all(session, |page_token| v1::ListEnrollmentsRequest {
                    course: course.clone(),
                    page_size: 500,
                    page_token,
                    ..Default::default()
                })
                .await,
                reply,
            )
            .await,
        ),
        Read::Submissions(hw) => {
            let rows = submissions(session, &hw, reply).await;
            Message::Submissions(hw, rows)
        }
        Read::Work(place) => return work(session, place, reply).await,
        Read::Gradebook(course) => Message::Gradebook(gradebook(session, course, reply).await),
        Read::GradebookCsv(course) => {
            Message::Bytes(told(session.client().export_gradebook(&course).await, reply).await)
        }
        Read::Requests(course) => Message::Requests(
            told(
                pages::all(session, |page_token| v1::ListExtensionRequestsRequest {
                    course: course.clone(),
                    page_size: 500,
                    page_token,
                    ..Default::default()
                })
                .await,
                reply,
            )
            .await,
        ),
        Read::Audit(course) => Message::Audit(
            told(
                pages::at_most(session, AUDIT_ENTRIES, |page_token| v1::ListAuditRequest {
                    course: course.clone(),
                    page_size: 500,
                    page_token,
                })
                .await,
                reply,
            )
            .await,
        ),
        Read::Accounts => Message::Accounts(
            told(
                pages::all(session, |page_token| v1::ListUsersRequest {
                    page_size: 500,
                    page_token,
                    ..Default::default()
                })
                .await,
                reply,
            )
            .await,
        ),
        Read::Import(files) => Message::Preview(preview(session, files, reply).await),
    }
}

/// The newest entries that the audit screen shows.
const AUDIT_ENTRIES: usize = 2_000;

async fn assignments(
    session: &Session,
    course: &str,
    reply: &Reply<Instructor>,
) -> Result<Vec<v1::Assignment>, Failure> {
    let list = pages::all(session, |page_token| v1::ListAssignmentsRequest {
        course: course.to_owned(),
        page_size: 500,
        page_token,
    });
    told(list.await, reply).await
}

async fn waiting(
    session: &Session,
    courses: Vec<String>,
    reply: &Reply<Instructor>,
) -> Result<Vec<v1::Assignment>, Failure> {
    let mut waiting = Vec::new();
    for course in courses {
        let all = assignments(session, &course, reply).await?;
        waiting.extend(all.into_iter().filter(|it| it.counts.as_ref().is_some_and(|counts| counts.needs_grading > 0)));
    }
    Ok(waiting)
}

async fn submissions(
    session: &Session,
    hw: &Hw,
    reply: &Reply<Instructor>,
) -> Result<Vec<v1::SubmissionSummary>, Failure> {
    let list = pages::all(session, |page_token| v1::ListSubmissionsRequest {
        course: hw.course.clone(),
        assignment: hw.assignment.clone(),
        needs_grading: false,
        page_size: 500,
        page_token,
    });
    told(list.await, reply).await
}

/// The submission first, then what is in its files: each is shown as soon as it is there.
async fn work(session: &Session, place: Place, reply: &Reply<Instructor>) -> Message {
    let request = v1::GetSubmissionRequest {
        course: place.hw.course.clone(),
        assignment: place.hw.assignment.clone(),
        user: place.user.clone(),
        attempt: 0,
    };
    let answer = match call(session, request, reply).await {
        Ok(answer) => Ok(Work { submission: answer.submission.unwrap_or_default(), attempts: answer.attempts }),
        Err(failure) if failure.is_for("NOT_FOUND") => Ok(Work::default()),
        Err(failure) => Err(failure),
    };
    if let Ok(work) = &answer {
        reply.send(Message::Work(place.clone(), Ok(work.clone()))).await;
        for file in work.submission.files.iter().take(SHOWN_FILES) {
            let text = file_text(session, file).await;
            reply.send(Message::FileText(file.file_id.clone(), text)).await;
        }
    }
    Message::Work(place, answer)
}

async fn file_text(session: &Session, file: &v1::FileRef) -> FileText {
    if file.name.to_lowercase().ends_with(".pdf") {
        return pages_of(session, file).await;
    }
    if file.size > SHOWN_BYTES || is_binary(&file.name) {
        return FileText::Other;
    }
    let fetched = async {
        let path = cached(session, file)?;
        lectern_client::download(session.client(), &file.file_id, &path, true, &|_| {}).await?;
        private::read(&path)
    };
    match fetched.await.map(String::from_utf8) {
        Ok(Ok(text)) if !text.contains('\0') => FileText::Text(text),
        Ok(_) => FileText::Other,
        Err(failure) => FileText::Failed(failure),
    }
}

/// The text of a PDF, as the cluster's extractor reads it; none where it cannot.
async fn pages_of(session: &Session, file: &v1::FileRef) -> FileText {
    let request = v1::ReadFilePagesRequest { file_id: file.file_id.clone(), first_page: 1, page_count: SHOWN_PAGES };
    match session.call(request).await {
        Ok(answer) => {
            let page = |page: &v1::Page| {
                let text =
                    if page.scanned { "(a picture of a page; o opens it outside)" } else { page.text.trim_end() };
                format!("-- page {} of {} --\n{text}", page.number, answer.total_pages)
            };
            FileText::Pages(answer.pages.iter().map(page).collect::<Vec<_>>().join("\n\n"))
        }
        Err(error) if error.is_transient() => FileText::Failed(error.into()),
        Err(_) => FileText::Other,
    }
}

/// Names of files that hold no text, so that they need not be fetched to be looked at.
fn is_binary(name: &str) -> bool {
    const ENDINGS: [&str; 16] = [
        "pdf", "png", "jpg", "jpeg", "gif", "webp", "zip", "gz", "tar", "xz", "docx", "xlsx", "pptx", "odt", "mp4",
        "jar",
    ];
    let ending = Path::new(name).extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// Where a fetched file lies: below the program's own state.
fn cached(session: &Session, file: &v1::FileRef) -> Result<PathBuf, Failure> {
    let name = transfer::local_name(&file.name);
    let name = name.file_name().map_or_else(|| "file".into(), PathBuf::from);
    let dir = session.profiles().dirs().state.join("submissions").join(transfer::local_name(&file.file_id));
    private::make_dir(&dir)?;
    Ok(dir.join(name))
}

async fn preview(session: &Session, files: ImportFiles, reply: &Reply<Instructor>) -> Result<Preview, Failure> {
    match files {
        ImportFiles::Roster { course, enrollments, users } => {
            let request = v1::ImportRosterRequest {
                course,
                enrollments_csv: private::read(&enrollments)?,
                users_csv: users.map(|path| private::read(&path)).transpose()?.unwrap_or_default(),
                preview: true,
            };
            let answer = call(session, request.clone(), reply).await?;
            Ok(Preview {
                sums: roster_sums(&answer),
                rows: answer.rows,
                change: Change::ImportRoster(v1::ImportRosterRequest { preview: false, ..request }),
            })
        }
        ImportFiles::Accounts(path) => {
            let request = v1::ImportUsersRequest { csv: private::read(&path)?, preview: true };
            let answer = call(session, request.clone(), reply).await?;
            Ok(Preview {
                sums: account_sums(&answer),
                rows: answer.rows,
                change: Change::ImportUsers(v1::ImportUsersRequest { preview: false, ..request }),
            })
        }
    }
}

/// A roster's import in numbers.
pub fn roster_sums(answer: &v1::ImportRosterResponse) -> Vec<(u32, &'static str)> {
    vec![(answer.invited, "invited"), (answer.enrolled, "enrolled"), (answer.unchanged, "unchanged")]
}

/// An import of accounts in numbers.
pub fn account_sums(answer: &v1::ImportUsersResponse) -> Vec<(u32, &'static str)> {
    vec![(answer.created, "created"), (answer.unchanged, "unchanged")]
}

async fn gradebook(session: &Session, course: String, reply: &Reply<Instructor>) -> Result<Gradebook, Failure> {
    let mut book = Gradebook::default();
    let mut page_token = String::new();
    loop {
        let request = v1::GetGradebookRequest { course: course.clone(), page_size: 500, page_token };
        let mut page = call(session, request, reply).await?;
        book.columns = page.columns;
        book.rows.append(&mut page.rows);
        if page.next_page_token.is_empty() {
            return Ok(book);
        }
        page_token = page.next_page_token;
    }
}

async fn upload(session: &Session, course: &str, path: &Path, reply: &Reply<Instructor>) -> Result<String, Failure> {
    let file = LocalFile::new(path)?;
    let on_progress = |progress| reply.send_newest(Message::Progress(progress));
    told(lectern_client::upload_files(session.client(), course, &[file], &on_progress).await, reply).await
}

/// Hands on what changes, until the cluster refuses; signing in begins it again.
async fn follow(session: &Session, reply: &Reply<Instructor>) {
    let mut events = session.client().watch(0, Vec::new());
    while let Some(item) = events.next().await {
        match item {
            Ok(change) => reply.feed().send(Incoming::Changed(change)).await,
            Err(error) => {
                // Nobody is signed in any more: the program hears of it, and asks.
                drop(told::<Instructor, ()>(Err(error), reply).await);
                return;
            }
        }
    }
}
