//! What is asked of the cluster, and how the answers are put together.

use lectern_cli::{Session, pages};
use lectern_proto::v1;
use lectern_tui_kit::program::Reply;
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::{all, call, told};

use super::{Change, Env, Gradebook, ImportFiles, Message, Preview, Read, work};
use crate::model::Hw;
use crate::private;
use crate::program::Instructor;

/// Asks the cluster.
pub(super) async fn answer(env: &Env, read: Read, reply: &Reply<Instructor>) -> Message {
    let session = &env.session;
    match read {
        Read::Me => Message::Me(call(session, v1::WhoAmIRequest {}, reply).await),
        Read::Home => Message::Home(call(session, v1::GetHomeRequest {}, reply).await),
        Read::AllCourses => {
            let request = |page_token| v1::ListCoursesRequest { page_size: PAGE, page_token, all: true };
            Message::Courses(all(session, request, reply).await)
        }
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
        Read::People(course) => {
            let request = |page_token| v1::ListEnrollmentsRequest {
                course: course.clone(),
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            Message::People(all(session, request, reply).await)
        }
        Read::Submissions(hw) => {
            let rows = submissions(session, &hw, reply).await;
            Message::Submissions(hw, rows)
        }
        Read::Work(place) => return work::work(env, place, reply).await,
        Read::Gradebook(course) => Message::Gradebook(gradebook(session, course, reply).await),
        Read::GradebookCsv(course) => {
            Message::Bytes(told(session.client().export_gradebook(&course).await, reply).await)
        }
        Read::Policy(course) => {
            let answer = call(session, v1::GetGradingPolicyRequest { course: course.clone() }, reply).await;
            Message::Policy(course, answer)
        }
        Read::Statistics(Hw { course, assignment }) => {
            Message::Statistics(call(session, v1::GetStatisticsRequest { course, assignment }, reply).await)
        }
        Read::Overrides(hw) => {
            let request = |page_token| v1::ListOverridesRequest {
                course: hw.course.clone(),
                assignment: hw.assignment.clone(),
                page_size: PAGE,
                page_token,
            };
            Message::Overrides(all(session, request, reply).await)
        }
        Read::Requests(course) => {
            let request = |page_token| v1::ListExtensionRequestsRequest {
                course: course.clone(),
                page_size: PAGE,
                page_token,
                ..Default::default()
            };
            Message::Requests(all(session, request, reply).await)
        }
        Read::Audit(course) => {
            let request = |page_token| v1::ListAuditRequest { course: course.clone(), page_size: PAGE, page_token };
            Message::Audit(told(pages::at_most(session, AUDIT_ENTRIES, request).await, reply).await)
        }
        Read::Accounts => {
            let request = |page_token| v1::ListUsersRequest { page_size: PAGE, page_token, ..Default::default() };
            Message::Accounts(all(session, request, reply).await)
        }
        Read::Import(files) => Message::Preview(preview(session, files, reply).await),
    }
}

/// Items asked for at once: as many as a page may have.
const PAGE: u32 = 500;
/// The newest entries that the audit screen shows.
const AUDIT_ENTRIES: usize = 2_000;

async fn assignments(
    session: &Session,
    course: &str,
    reply: &Reply<Instructor>,
) -> Result<Vec<v1::Assignment>, Failure> {
    let request = |page_token| v1::ListAssignmentsRequest { course: course.to_owned(), page_size: PAGE, page_token };
    all(session, request, reply).await
}

async fn waiting(
    session: &Session,
    courses: Vec<String>,
    reply: &Reply<Instructor>,
) -> Result<Vec<v1::Assignment>, Failure> {
    let mut waiting = Vec::new();
    for course in courses {
        let listed = assignments(session, &course, reply).await?;
        waiting
            .extend(listed.into_iter().filter(|it| it.counts.as_ref().is_some_and(|counts| counts.needs_grading > 0)));
    }
    Ok(waiting)
}

async fn submissions(
    session: &Session,
    hw: &Hw,
    reply: &Reply<Instructor>,
) -> Result<Vec<v1::SubmissionSummary>, Failure> {
    let request = |page_token| v1::ListSubmissionsRequest {
        course: hw.course.clone(),
        assignment: hw.assignment.clone(),
        needs_grading: false,
        page_size: PAGE,
        page_token,
    };
    all(session, request, reply).await
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
        let request = v1::GetGradebookRequest { course: course.clone(), page_size: PAGE, page_token };
        let mut page = call(session, request, reply).await?;
        (book.columns, book.groups) = (page.columns, page.groups);
        book.rows.append(&mut page.rows);
        if page.next_page_token.is_empty() {
            return Ok(book);
        }
        page_token = page.next_page_token;
    }
}
