//! Setting, posting and reading grades.
//!
//! A grade belongs to one student and one assignment, and names the attempt it was given for. It is changed by
//! compare-and-set on its revision, so that two graders never overwrite each other. Staff see every grade; a student
//! sees only their own, and only once it is posted: [`visible_grade`] is the one door through which grades leave, and
//! [`list_my_grades`] goes through it too.
//!
//! Rules that could have been others:
//! * A score may exceed the points possible, as extra credit, up to twice of them; where no points are possible any score
//!   is extra credit. More is taken for a slip of the fingers and refused.
//! * In an assignment that does not post manually a grade is posted as it is set, except one that was posted and then
//!   hidden by hand: it stays hidden until it is posted again.
//! * Posting and hiding do not count as a change of the grade: its revision stays, and a grader at work is not disturbed.

use std::collections::BTreeMap;

use lectern_grading::Mark;
use lectern_proto::internal::v1::{AssignmentRecord, EnrollmentRecord, GradeRecord, SubmissionRecord};
use lectern_proto::v1::{self, EventKind, WorkflowState};
use prost::Message;

use crate::actor::CourseAccess;
use crate::context::{Audience, PageRequest, Tx, View, to_hex};
use crate::keys::{key1, key2, key3};
use crate::ledger::{self, Ledger};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::rows::Row;
use crate::standing::{self, points_possible};
use crate::store::{Order, Store, StoreExt};
use crate::tables::Table;
use crate::{
    audit, counted, counts, dates, final_grades, groups, lateness, levels, limits, lookup, paging, points, usage,
    validate,
};

/// Grades changed by one posting; a larger course posts the rest by asking again.
const MAX_POSTED: usize = 20_000;

/// Names written out in the audit entry of a posting.
const MAX_AUDITED_NAMES: usize = 100;

/// The grade of `user_id` as the caller may see it: any for staff; for a student their own, once it is posted and while
/// the assignment is published; otherwise none.
pub fn visible_grade(
    view: &View<'_>,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    user_id: &str,
) -> Result<Option<v1::Grade>> {
    let own = access.enrollment.is_some() && view.actor.user_id() == user_id;
    let may_see =
        |record: &GradeRecord| access.is_staff() || (own && record.posted && standing::is_published(assignment));
    let record = standing::grade(view.store, &assignment.assignment_id, user_id)?;
    record.filter(may_see).map(|record| to_proto(view.store, assignment, &record)).transpose()
}

/// A grade with everything that is known of it: for eyes that may see it.
fn to_proto(store: &dyn Store, assignment: &AssignmentRecord, record: &GradeRecord) -> Result<v1::Grade> {
    let counted = counted::attempt(store, &assignment.assignment_id, &record.user_id)?;
    Ok(v1::Grade {
        score: score(record),
        entered_score: record.entered_score,
        points_deducted: record.points_deducted,
        feedback: record.feedback.clone(),
        grader: match &*record.grader_user_id {
            "" => None,
            user_id => Some(lookup::person(store, user_id)?),
        },
        graded_at_ms: record.graded_at_ms,
        posted: record.posted,
        posted_at_ms: record.posted_at_ms.filter(|_| record.posted),
        attempt: record.attempt,
        grade_matches_current_submission: counted == record.attempt,
        revision: record.revision,
        points_possible: points_possible(assignment),
        automatic: record.automatic,
        late_waived: record.late_waived,
    })
}

/// What counts: the entered score less what was deducted.
pub(crate) fn score(record: &GradeRecord) -> i64 {
    record.entered_score - record.points_deducted
}

pub(crate) fn set_grade(tx: &mut Tx<'_, '_>, request: &v1::SetGradeRequest) -> Result<v1::SetGradeResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_staff()?;
    access.require_open()?;
    let assignment = gradable_assignment(tx.store, &access, &request.assignment)?;
    let student = student_of(tx.store, &access, &request.user)?;
    check_score(&assignment, request.score)?;
    validate::body("feedback", &request.feedback, limits::BODY_BYTES)?;
    let reason = validate::optional_line("reason", &request.reason)?;
    let standing = counted::of(tx.store, &assignment.assignment_id, &student.user_id)?;
    let attempt = graded_attempt(request.attempt, standing.attempts, &student)?;
    let before = standing::grade(tx.store, &assignment.assignment_id, &student.user_id)?;
    check_revision(tx.store, request.base_revision, before.as_ref())?;

    let record = graded(tx, &assignment, &student, request, attempt, before.as_ref())?;
    usage::free_text(tx, &assignment.course_id, None, before.as_ref().map_or(0, |grade| grade.feedback.len()))?;
    usage::add_text(tx, &assignment.course_id, None, record.feedback.len())?;
    tx.put(Table::Grades, key2(&assignment.assignment_id, &student.user_id), &record);
    counts::grade_changed(tx, &assignment, before.as_ref(), &record)?;
    if attempt == standing.counted.attempt {
        counts::set_needs_grading(tx, &assignment, &student.user_id, false)?;
    }
    let entry = audit::Entry {
        course_id: &access.course.course_id,
        action: "grade.set",
        subject: format!("{}/{} {}", access.course.slug, assignment.slug, student.username),
        before: before.as_ref().map(in_words).unwrap_or_default(),
        after: in_words(&record),
        reason: &reason,
    };
    audit::write(tx, entry);
    // A student is not told of a grade that is hidden, not even that there is one.
    let audience = if record.posted { Audience::UserAndStaff(student.user_id) } else { Audience::Staff };
    tx.event(EventKind::Grade, &access.course.course_id, &assignment.assignment_id, audience);
    Ok(v1::SetGradeResponse { grade: Some(to_proto(tx.store, &assignment, &record)?) })
}

/// The record after the request.
fn graded(
    tx: &Tx<'_, '_>,
    assignment: &AssignmentRecord,
    student: &v1::PersonRef,
    request: &v1::SetGradeRequest,
    attempt: u32,
    before: Option<&GradeRecord>,
) -> Result<GradeRecord> {
    let was_posted = before.is_some_and(|grade| grade.posted);
    let hidden_by_hand = before.is_some_and(|grade| !grade.posted && grade.posted_at_ms.is_some());
    let posts_by_itself = assignment.settings.as_ref().is_some_and(|settings| !settings.post_manually);
    let posted = was_posted || (posts_by_itself && !hidden_by_hand);
    let posted_before = before.and_then(|grade| grade.posted_at_ms);
    let key = key3(&assignment.assignment_id, &student.user_id, attempt);
    let submission: Option<SubmissionRecord> = tx.store.record(Table::Submissions, &key)?;
    let points_deducted = match submission.filter(|_| !request.waive_late) {
        Some(submission) => lateness::deduction(&*tx.store, assignment, &submission, request.score)?,
        None => 0,
    };
    Ok(GradeRecord {
        course_id: assignment.course_id.clone(),
        assignment_id: assignment.assignment_id.clone(),
        user_id: student.user_id.clone(),
        entered_score: request.score,
        points_deducted,
        feedback: request.feedback.clone(),
        grader_user_id: tx.actor.user_id().into(),
        graded_at_ms: tx.now_ms(),
        posted,
        posted_at_ms: if posted { posted_before.or(Some(tx.now_ms())) } else { posted_before },
        attempt,
        revision: before.map_or(0, |grade| grade.revision) + 1,
        automatic: false,
        late_waived: request.waive_late && levels::has_grading(&*tx.store)?,
    })
}

/// A published assignment by slug or id.
fn gradable_assignment(store: &dyn Store, access: &CourseAccess, name: &str) -> Result<AssignmentRecord> {
    let course = &access.course;
    let assignment = lookup::assignment(store, &course.course_id, name)?
        .ok_or_else(|| Refusal::new(Reason::NotFound, format!("no assignment `{name}` in {}", course.slug)))?;
    if !standing::is_published(&assignment) {
        return refuse(
            Reason::WrongState,
            format!("{}/{} is not published; publish it before grading", course.slug, assignment.slug),
        );
    }
    Ok(assignment)
}

/// A student of the course by username or id: one who has completed it, or has never signed in, too.
pub(crate) fn student_of(store: &dyn Store, access: &CourseAccess, name: &str) -> Result<v1::PersonRef> {
    let course = &access.course;
    if let Some(user) = lookup::user(store, name)?.and_then(|record| record.user) {
        let enrollment: Option<EnrollmentRecord> =
            store.record(Table::Enrollments, &key2(&course.course_id, &user.user_id))?;
        if enrollment.as_ref().is_some_and(standing::is_graded_student) {
            return Ok(v1::PersonRef { user_id: user.user_id, username: user.username, name: user.name });
        }
    }
    refuse(Reason::NotFound, format!("`{name}` is no student of {}; look the username up in the roster", course.slug))
}

fn check_score(assignment: &AssignmentRecord, score: i64) -> Result<()> {
    validate::points("score", score)?;
    let possible = points_possible(assignment);
    let most = if possible == 0 { limits::MAX_POINTS } else { possible.saturating_mul(2) };
    if score <= most {
        return Ok(());
    }
    let message = format!(
        "{} points are more than twice the {} that {} gives; with extra credit at most {} can be entered",
        points::format(score),
        points::format(possible),
        assignment.slug,
        points::format(most)
    );
    Err(Refusal::new(Reason::InvalidArgument, message).with("limit", points::format(most)).into())
}

/// The attempt a grade is for: the one its grader saw, never whichever is the latest by now; 0 only where nothing was
/// handed in.
fn graded_attempt(seen: u32, latest: u32, student: &v1::PersonRef) -> Result<u32> {
    let name = &student.username;
    match (seen, latest) {
        (0, 1..) => Err(Refusal::new(
            Reason::AttemptRequired,
            format!(
                "{name} has handed in work, the latest is attempt {latest}; look at it and name the attempt you grade"
            ),
        )
        .with("latest_attempt", latest)
        .into()),
        (1.., 0) => refuse(Reason::NotFound, format!("{name} has handed nothing in; there is no attempt {seen}")),
        (seen, latest) if seen > latest => {
            refuse(Reason::NotFound, format!("{name} has no attempt {seen}; the latest is attempt {latest}"))
        }
        (seen, _) => Ok(seen),
    }
}

/// Refuses a change that was made on another revision than the current one, and says who came between.
fn check_revision(store: &dyn Store, base_revision: u64, current: Option<&GradeRecord>) -> Result<()> {
    let revision = current.map_or(0, |grade| grade.revision);
    if base_revision == revision {
        return Ok(());
    }
    let refusal = match current {
        None => Refusal::new(Reason::StaleRevision, "there is no grade yet; set it with base_revision 0"),
        Some(grade) if grade.automatic => Refusal::new(
            Reason::StaleRevision,
            format!(
                "the missing policy graded this in between: it is now {}; read it again, then set it anew",
                in_words(grade)
            ),
        ),
        Some(grade) => {
            let grader = lookup::person(store, &grade.grader_user_id)?;
            Refusal::new(
                Reason::StaleRevision,
                format!(
                    "{} ({}) graded this in between: it is now {}, revision {revision}; read it again, then set it anew",
                    grader.name,
                    grader.username,
                    in_words(grade)
                ),
            )
            .with("changed_by", grader.username)
            .with("changed_at_ms", grade.graded_at_ms)
        }
    };
    Err(refusal.with("revision", revision).into())
}

/// A grade for the audit and for refusals, never with its feedback.
fn in_words(grade: &GradeRecord) -> String {
    let score = points::format(score(grade));
    let posted = if grade.posted { "posted" } else { "hidden" };
    match (grade.attempt, grade.feedback.len()) {
        (0, 0) => format!("{score}, {posted}"),
        (0, bytes) => format!("{score}, {posted}, feedback of {}", validate::count(bytes, "byte")),
        (attempt, 0) => format!("{score} for attempt {attempt}, {posted}"),
        (attempt, bytes) => {
            format!("{score} for attempt {attempt}, {posted}, feedback of {}", validate::count(bytes, "byte"))
        }
    }
}

pub(crate) fn post_grades(tx: &mut Tx<'_, '_>, request: &v1::PostGradesRequest) -> Result<v1::PostGradesResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let assignment = gradable_assignment(tx.store, &access, &request.assignment)?;
    let chosen = if request.users.is_empty() {
        grades_to_turn(tx.store, &assignment, request.hide)?
    } else {
        named_grades(tx.store, &access, &assignment, request)?
    };
    if chosen.is_empty() {
        return Ok(v1::PostGradesResponse { changed: 0 });
    }
    let course_id = &access.course.course_id;
    for before in chosen.values() {
        let mut grade = GradeRecord { posted: !request.hide, ..before.clone() };
        if grade.posted {
            grade.posted_at_ms = Some(tx.now_ms());
        }
        tx.put(Table::Grades, key2(&assignment.assignment_id, &grade.user_id), &grade);
        counts::grade_changed(tx, &assignment, Some(before), &grade)?;
        tx.event(EventKind::Grade, course_id, &assignment.assignment_id, Audience::User(grade.user_id));
    }
    tx.event(EventKind::Grade, course_id, &assignment.assignment_id, Audience::Staff);
    let (before, after) = if request.hide { ("posted", "hidden") } else { ("hidden", "posted") };
    let names = names_for_audit(tx.store, chosen.keys())?;
    let entry = audit::Entry {
        course_id,
        action: if request.hide { "grade.hide" } else { "grade.post" },
        subject: format!("{}/{}", access.course.slug, assignment.slug),
        before: before.into(),
        after: format!("{after}: {names}"),
        reason: "",
    };
    audit::write(tx, entry);
    Ok(v1::PostGradesResponse { changed: u32::try_from(chosen.len()).expect("at most MAX_POSTED") })
}

/// By user id, the grades of the assignment that posting or hiding everything changes.
fn grades_to_turn(
    store: &dyn Store,
    assignment: &AssignmentRecord,
    hide: bool,
) -> Result<BTreeMap<String, GradeRecord>> {
    const BATCH: usize = 500;
    let mut chosen = BTreeMap::new();
    let mut after: Option<Vec<u8>> = None;
    loop {
        let rows: Vec<(Vec<u8>, GradeRecord)> = store.records(
            Table::Grades,
            &key1(&assignment.assignment_id),
            after.as_deref(),
            Order::Ascending,
            BATCH,
        )?;
        let exhausted = rows.len() < BATCH;
        after = rows.last().map(|(key, _)| key.clone());
        let changing = rows.into_iter().map(|(_, grade)| grade).filter(|grade| grade.posted == hide);
        chosen.extend(changing.take(MAX_POSTED - chosen.len()).map(|grade| (grade.user_id.clone(), grade)));
        if exhausted || chosen.len() == MAX_POSTED {
            return Ok(chosen);
        }
    }
}

/// By user id, the grades of the named students that change; refused when somebody is no student or has no grade.
fn named_grades(
    store: &dyn Store,
    access: &CourseAccess,
    assignment: &AssignmentRecord,
    request: &v1::PostGradesRequest,
) -> Result<BTreeMap<String, GradeRecord>> {
    if request.users.len() > limits::MAX_PAGE_ROWS {
        return refuse(
            Reason::TooMany,
            format!(
                "at most {} students can be named at once; name none to take everyone who is graded",
                limits::MAX_PAGE_ROWS
            ),
        );
    }
    let mut chosen = BTreeMap::new();
    for name in &request.users {
        let student = student_of(store, access, name)?;
        match standing::grade(store, &assignment.assignment_id, &student.user_id)? {
            Some(grade) if grade.posted == request.hide => {
                chosen.insert(student.user_id, grade);
            }
            Some(_) => {}
            None => {
                return refuse(
                    Reason::NotFound,
                    format!("{} has no grade for {}; set it first", student.username, assignment.slug),
                );
            }
        }
    }
    Ok(chosen)
}

/// Usernames of these users, as many as an entry of the audit trail holds.
pub(crate) fn names_for_audit<'u>(
    store: &dyn Store,
    chosen: impl ExactSizeIterator<Item = &'u String>,
) -> Result<String> {
    let (count, mut names) = (chosen.len(), Vec::new());
    for user_id in chosen.take(MAX_AUDITED_NAMES) {
        names.push(lookup::person(store, user_id)?.username);
    }
    let more = count - names.len();
    let names = names.join(", ");
    Ok(if more == 0 { names } else { format!("{names} and {more} more") })
}

/// The caller's own grades of a course, one row for every published assignment; scores only where they are posted. The
/// totals are of every posted grade of the course, not only of this page.
pub fn list_my_grades(view: &View<'_>, request: &v1::ListMyGradesRequest) -> Result<v1::ListMyGradesResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    access.require_student()?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let (course_id, user_id) = (&access.course.course_id, view.actor.user_id());
    let mut ledger = Ledger::open(view.store, course_id)?;
    let marks = posted_marks(view.store, &ledger, course_id, user_id)?;
    let totals = ledger.totals(&marks);
    let (current_score, current_possible, ..) = ledger::sums(&totals);
    let mut response = v1::ListMyGradesResponse {
        current_score,
        current_possible,
        group_totals: ledger.group_totals(&totals),
        total: Some(ledger.total(&totals, final_grades::visible(view.store, &access, user_id)?)),
        ..v1::ListMyGradesResponse::default()
    };
    let (mut last_key, mut bytes): (Option<Vec<u8>>, usize) = (None, 0);
    for (at, assignment) in ledger.assignments.iter().enumerate() {
        let key = key1(&assignment.assignment_id);
        if page.after.as_ref().is_some_and(|after| &key <= after) {
            continue;
        }
        if response.grades.len() == page.rows || bytes >= paging::PAGE_BYTES {
            response.next_page_token = last_key.as_deref().map(to_hex).unwrap_or_default();
            break;
        }
        let grade = v1::MyGrade {
            excused: marks[at].excused,
            dropped: totals.dropped[at],
            dropped_in_final: totals.dropped_in_final[at],
            ..my_grade(view, &access, assignment)?
        };
        bytes += grade.encoded_len();
        response.grades.push(grade);
        last_key = Some(key);
    }
    response.groups = groups::without_unpublished(ledger.groups, &ledger.assignments);
    response.policy = Some(ledger.policy);
    Ok(response)
}

/// What counts of a student's work as far as they may know: posted scores alone.
pub(crate) fn posted_marks(store: &dyn Store, ledger: &Ledger, course_id: &str, user_id: &str) -> Result<Vec<Mark>> {
    let row = Row::read(store, course_id, user_id)?;
    let mark = |assignment: &AssignmentRecord| {
        let cell = row.cell(assignment.number);
        Mark { score: cell.score.filter(|_| cell.posted), excused: cell.excused }
    };
    Ok(ledger.assignments.iter().map(mark).collect())
}

fn my_grade(view: &View<'_>, access: &CourseAccess, assignment: &AssignmentRecord) -> Result<v1::MyGrade> {
    let user_id = view.actor.user_id();
    let counted::Standing { submission, attempts, .. } = counted::of(view.store, &assignment.assignment_id, user_id)?;
    let grade = visible_grade(view, access, assignment, user_id)?;
    let state = match (&grade, &submission) {
        (Some(_), _) => WorkflowState::Graded,
        (None, Some(_)) => WorkflowState::Submitted,
        (None, None) => WorkflowState::Unsubmitted,
    };
    let dates = dates::effective(view.store, &access.course, assignment, user_id)?;
    Ok(v1::MyGrade {
        assignment_id: assignment.assignment_id.clone(),
        due_at_ms: dates.due_at_ms,
        submitted_at_ms: submission.as_ref().map(|submission| submission.submitted_at_ms),
        attempts,
        assignment_slug: assignment.slug.clone(),
        title: standing::title(assignment).into(),
        points_possible: points_possible(assignment),
        grade,
        late: submission.as_ref().is_some_and(|submission| submission.late),
        missing: attempts == 0 && standing::is_missing(view, &access.course, assignment, user_id)?,
        state: state.into(),
        group_id: standing::group_id(assignment).into(),
        ..v1::MyGrade::default()
    })
}

#[cfg(test)]
mod tests;
