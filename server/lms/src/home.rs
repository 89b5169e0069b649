//! The first page: the caller's courses, what is due, what is unread, the latest grades, in one pass over one state.

use lectern_proto::internal::v1::AssignmentRecord;
use lectern_proto::v1::{self, CourseState, HomeCourse};

use crate::actor::CourseAccess;
use crate::context::{Tx, View};
use crate::keys::{key1, key2};
use crate::ledger::{self, Ledger};
use crate::refusal::{Failure, Reason, Result, refuse};
use crate::standing::{self, points_possible};
use crate::store::{Order, Store, StoreExt};
use crate::tables::Table;
use crate::{announcements, attempts, dates, extensions, grades, threads};

/// Courses of one person that the page shows.
const MAX_COURSES: usize = 100;
/// Due items shown.
const MAX_DUE: usize = 20;
/// Grades shown.
const MAX_GRADES: usize = 10;
/// Unread threads and announcements shown.
const MAX_UNREAD: usize = 20;
/// Attempts that wait for a grade, and extension requests, are counted up to here.
const MAX_COUNTED: usize = 1_000;

/// What a program shows first. Courses that the caller may not open at the moment are left out.
pub fn get_home(view: &View<'_>, _request: &v1::GetHomeRequest) -> Result<v1::GetHomeResponse> {
    let user = view.actor.user()?;
    let mut home =
        v1::GetHomeResponse { now_ms: view.now_ms, user: Some(user.clone()), ..v1::GetHomeResponse::default() };
    let prefix = key1(&user.user_id);
    let enrolled = view.store.prefix(Table::EnrollmentsByUser, &prefix, None, Order::Ascending, MAX_COURSES)?;
    for (key, _) in enrolled {
        let course_id = String::from_utf8_lossy(&key[prefix.len()..]);
        let access = match CourseAccess::open(view.store, view.actor, &course_id) {
            Ok(access) if access.enrollment.is_some() => access,
            Ok(_) | Err(Failure::Refused(_)) => continue,
            Err(error) => return Err(error),
        };
        let ledger = Ledger::open(view.store, &access.course.course_id)?;
        let mut course = course(view, &access, &ledger.assignments, &mut home.unread)?;
        if access.is_student() {
            add_students_view(view, &access, ledger, &mut course, &mut home)?;
        }
        home.courses.push(course);
    }
    // What has no date comes last.
    home.due.sort_by_key(|item| (item.due_at_ms.is_none(), item.due_at_ms));
    home.due.truncate(MAX_DUE);
    home.grades.sort_by_key(|grade| std::cmp::Reverse(grade.posted_at_ms));
    home.grades.truncate(MAX_GRADES);
    home.unread.sort_by_key(|item| std::cmp::Reverse(item.at_ms));
    home.unread.truncate(MAX_UNREAD);
    Ok(home)
}

fn course(
    view: &View<'_>,
    access: &CourseAccess,
    assignments: &[AssignmentRecord],
    unread: &mut Vec<v1::UnreadItem>,
) -> Result<HomeCourse> {
    let counts = threads::counts(view, access)?;
    let announcements = announcements::unread(view, &access.course)?;
    let mut course = HomeCourse {
        course_id: access.course.course_id.clone(),
        state: access.course.state,
        time_zone: access.course.time_zone.clone(),
        slug: access.course.slug.clone(),
        code: access.course.code.clone(),
        title: access.course.title.clone(),
        my_type: u32::try_from(i32::from(access.my_type())).unwrap_or(0),
        unread_announcements: u32::try_from(announcements.len()).expect("a few hundred are looked at"),
        unread_messages: counts.unread_messages,
        ..HomeCourse::default()
    };
    unread.extend(announcements);
    unread.extend(counts.unread);
    if access.is_staff() {
        course.open_threads = counts.open_threads;
        course.needs_grading = needs_grading(view.store, assignments)?;
        let pending = extensions::pending_count(view.store, &access.course.course_id, MAX_COUNTED)?;
        course.pending_extension_requests = u32::try_from(pending).expect("at most MAX_COUNTED");
    }
    Ok(course)
}

fn needs_grading(store: &dyn Store, assignments: &[AssignmentRecord]) -> Result<u32> {
    let mut waiting = 0;
    for assignment in assignments {
        let prefix = key1(&assignment.assignment_id);
        let rows = store.prefix(Table::NeedsGrading, &prefix, None, Order::Ascending, MAX_COUNTED - waiting)?;
        waiting += rows.len();
        if waiting == MAX_COUNTED {
            break;
        }
    }
    Ok(u32::try_from(waiting).expect("at most MAX_COUNTED"))
}

/// Adds what a student has to do in a course that is going on, and their posted grades.
fn add_students_view(
    view: &View<'_>,
    access: &CourseAccess,
    mut ledger: Ledger,
    course: &mut HomeCourse,
    home: &mut v1::GetHomeResponse,
) -> Result<()> {
    let marks = grades::posted_marks(view.store, &ledger, &access.course.course_id, view.actor.user_id())?;
    let totals = ledger.totals(&marks);
    (course.current_score, course.current_possible, ..) = ledger::sums(&totals);
    course.current_percent = totals.course.current.map(|percent| percent.0);
    for assignment in &ledger.assignments {
        let grade = standing::grade(view.store, &assignment.assignment_id, view.actor.user_id())?;
        let grade = grade.filter(|grade| grade.posted);
        if access.course.state() == CourseState::Available {
            let due = due_item(view, access, assignment)?;
            home.due.extend(due.map(|due| v1::DueItem { score: grade.as_ref().map(grades::score), ..due }));
        }
        if let Some(posted) = grade {
            home.grades.push(v1::HomeGrade {
                assignment_id: assignment.assignment_id.clone(),
                course_slug: access.course.slug.clone(),
                assignment_slug: assignment.slug.clone(),
                title: standing::title(assignment).into(),
                score: grades::score(&posted),
                points_possible: points_possible(assignment),
                posted_at_ms: posted.posted_at_ms.unwrap_or(posted.graded_at_ms),
            });
        }
    }
    Ok(())
}

/// The item of an assignment that is due in the future, or still takes work that is missing or late, or has no due date
/// and nothing was handed in; `None` for others.
fn due_item(view: &View<'_>, access: &CourseAccess, assignment: &AssignmentRecord) -> Result<Option<v1::DueItem>> {
    let (id, user_id) = (&assignment.assignment_id, view.actor.user_id());
    let Some(settings) = &assignment.settings else { return Ok(None) };
    let dates = dates::effective(view.store, &access.course, assignment, user_id)?;
    let ahead = dates.due_at_ms.is_some_and(|due_at_ms| due_at_ms >= view.now_ms);
    if !ahead && (dates.is_past_lock(view.now_ms) || !dates::takes_submissions(settings)) {
        return Ok(None);
    }
    let submitted = attempts::used(view.store, id, user_id)? > 0;
    if !ahead && submitted {
        return Ok(None);
    }
    let uploading = !attempts::open_pledges(view, id, user_id)?.is_empty();
    Ok(Some(v1::DueItem {
        assignment_id: id.clone(),
        unlock_at_ms: dates.unlock_at_ms,
        points_possible: points_possible(assignment),
        course_slug: access.course.slug.clone(),
        assignment_slug: assignment.slug.clone(),
        title: standing::title(assignment).into(),
        due_at_ms: dates.due_at_ms,
        lock_at_ms: dates.lock_at_ms,
        submitted,
        missing: !submitted && !uploading && dates.is_missing(settings, view.now_ms),
        has_draft: view.store.contains(Table::Drafts, &key2(id, user_id))?,
        uploading,
        score: None,
    }))
}

/// Marks a thread, up to a message, or an announcement as read.
pub(crate) fn mark_read(tx: &mut Tx<'_, '_>, request: &v1::MarkReadRequest) -> Result<v1::MarkReadResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    match (request.thread_number, &*request.announcement_id) {
        (0, "") => return refuse(Reason::InvalidArgument, "name the thread or the announcement that was read"),
        (0, announcement_id) => announcements::mark_read(tx, &access, announcement_id)?,
        (number, "") => threads::mark_read(tx, &access, number, request.through_message)?,
        _ => return refuse(Reason::InvalidArgument, "name either a thread or an announcement, not both"),
    }
    Ok(v1::MarkReadResponse {})
}

#[cfg(test)]
mod tests {
    use lectern_proto::POINT;
    use lectern_proto::internal::v1::{ExtensionRequestRecord, command::Body};
    use lectern_proto::v1::{EnrollmentType, ExtensionState, GetHomeRequest, ThreadVisibility};

    use super::*;
    use crate::fixture::{Class, HOUR_MS};

    fn home(class: &Class, who: &str) -> v1::GetHomeResponse {
        class.world.ask(who, |view| get_home(view, &GetHomeRequest {})).unwrap()
    }

    fn due(class: &Class, who: &str) -> Vec<(String, bool, bool)> {
        home(class, who).due.into_iter().map(|item| (item.assignment_slug, item.submitted, item.missing)).collect()
    }

    fn graded(class: &mut Class, assignment: &str, user: &str, post: bool) {
        let (course, assignment) = ("cs101".to_owned(), assignment.to_owned());
        let request = v1::SetGradeRequest {
            course: course.clone(),
            assignment: assignment.clone(),
            user: user.into(),
            score: 7 * POINT,
            ..v1::SetGradeRequest::default()
        };
        class.world.run::<v1::SetGradeResponse>("tom", Body::SetGrade(request)).unwrap();
        if post {
            let request = v1::PostGradesRequest { course, assignment, ..v1::PostGradesRequest::default() };
            class.world.run::<v1::PostGradesResponse>("ines", Body::PostGrades(request)).unwrap();
        }
    }

    #[test]
    fn a_student_sees_what_is_due_soonest_first_with_what_is_missing_and_still_open() {
        let mut class = Class::new();
        let now_ms = class.world.now_ms;
        let ada = class.ada.clone();
        let at = |hours: i64| Some(now_ms + hours * HOUR_MS);
        class.assignment("undated", 5, |settings| settings.due_at_ms = None);
        class.assignment("later", 5, |settings| (settings.due_at_ms, settings.unlock_at_ms) = (at(48), at(24)));
        let soon = class.assignment("soon", 5, |_| {});
        class.assignment("missed", 5, |settings| settings.due_at_ms = at(-2));
        class.assignment("locked", 5, |settings| (settings.due_at_ms, settings.lock_at_ms) = (at(-2), at(-1)));
        class.assignment("unpublished", 5, |settings| settings.published = false);
        let done = class.assignment("done", 5, |settings| settings.due_at_ms = at(-3));
        class.submission(&done, &ada, 1, false);
        class.submission(&soon, &ada, 1, false);
        let expected =
            [("missed", false, true), ("soon", true, false), ("later", false, false), ("undated", false, false)];
        assert_eq!(
            due(&class, "ada"),
            expected.map(|(slug, submitted, missing)| (slug.to_owned(), submitted, missing))
        );
        assert_eq!(due(&class, "tom"), [], "staff hand nothing in");
        class.course_state(CourseState::Completed);
        assert_eq!(due(&class, "ada"), [], "nothing is due any more");
    }

    #[test]
    fn at_most_twenty_due_items_and_ten_grades_are_shown() {
        let mut class = Class::new();
        for number in 0..25 {
            class.assignment(&format!("hw{number}"), 10, |_| {});
        }
        for number in 0..12 {
            class.world.now_ms += 1;
            graded(&mut class, &format!("hw{number}"), "ada", true);
        }
        let home = home(&class, "ada");
        assert_eq!(home.due.len(), 20);
        let latest: Vec<_> = home.grades.iter().map(|grade| &*grade.assignment_slug).collect();
        assert_eq!(latest[..3], ["hw11", "hw10", "hw9"]);
        assert_eq!((home.grades.len(), home.grades[0].score), (10, 7 * POINT));
        let course = &home.courses[0];
        assert_eq!((course.current_score, course.current_possible), (12 * 7 * POINT, 12 * 10 * POINT));
    }

    #[test]
    fn a_hidden_grade_is_not_on_the_first_page() {
        let mut class = Class::new();
        class.assignment("hw1", 10, |_| {});
        graded(&mut class, "hw1", "ada", false);
        assert_eq!(home(&class, "ada").grades, []);
        assert_eq!(home(&class, "ada").courses[0].current_possible, 0);
        assert_eq!(home(&class, "ada").due[0].score, None, "not in the list of what is due, either");
        graded_again_and_posted(&mut class);
        assert_eq!(home(&class, "ada").due[0].score, Some(7 * POINT), "what is due says that it is graded");
        assert_eq!(home(&class, "bob").due[0].score, None);
        assert_eq!(home(&class, "ada").grades.len(), 1);
        assert_eq!(home(&class, "bob").grades, []);
    }

    fn graded_again_and_posted(class: &mut Class) {
        let request = v1::PostGradesRequest {
            course: "cs101".into(),
            assignment: "hw1".into(),
            ..v1::PostGradesRequest::default()
        };
        class.world.run::<v1::PostGradesResponse>("ines", Body::PostGrades(request)).unwrap();
    }

    #[test]
    fn staff_see_what_waits_for_them_and_everyone_what_is_unread() {
        let mut class = Class::new();
        let hw1 = class.assignment("hw1", 10, |_| {});
        let (ada, bob) = (class.ada.clone(), class.bob.clone());
        class.submission(&hw1, &ada, 1, false);
        class.submission(&hw1, &bob, 1, false);
        for state in [ExtensionState::Pending, ExtensionState::Pending, ExtensionState::Declined] {
            let id = class.world.id();
            let request = ExtensionRequestRecord { state: state.into(), ..ExtensionRequestRecord::default() };
            let key = key2(&class.course_id, &id);
            class.put(Table::ExtensionRequests, key.clone(), &request);
            if state == ExtensionState::Pending {
                class.put(Table::PendingExtensionRequests, key, &request);
            }
        }
        let announcement = v1::CreateAnnouncementRequest {
            course: "cs101".into(),
            title: "Welcome".into(),
            ..v1::CreateAnnouncementRequest::default()
        };
        class.world.run::<v1::CreateAnnouncementResponse>("ines", Body::CreateAnnouncement(announcement)).unwrap();
        let question = v1::CreateThreadRequest {
            course: "cs101".into(),
            title: "Why?".into(),
            body: "I wonder.".into(),
            visibility: ThreadVisibility::Private.into(),
            ..v1::CreateThreadRequest::default()
        };
        class.world.run::<v1::CreateThreadResponse>("ada", Body::CreateThread(question)).unwrap();

        let tom = home(&class, "tom").courses.remove(0);
        let waiting = (tom.needs_grading, tom.open_threads, tom.pending_extension_requests);
        assert_eq!(waiting, (2, 1, 2));
        assert_eq!((tom.unread_messages, tom.unread_announcements), (1, 1));
        assert_eq!(tom.my_type, u32::try_from(i32::from(EnrollmentType::Ta)).unwrap());
        let unread = |who: &str| home(&class, who).unread.into_iter().map(|item| item.title).collect::<Vec<_>>();
        assert_eq!(unread("tom"), ["Welcome", "Why?"]);
        assert_eq!(unread("bob"), ["Welcome"]);
        assert_eq!(home(&class, "bob").user.unwrap().username, "bob");
        let bob = home(&class, "bob").courses.remove(0);
        assert_eq!((bob.course_id, bob.state), (class.course_id.clone(), CourseState::Available.into()));
        let bob = home(&class, "bob").courses.remove(0);
        assert_eq!((bob.unread_messages, bob.unread_announcements), (0, 1), "private threads are not even counted");
        assert_eq!((bob.needs_grading, bob.open_threads, bob.pending_extension_requests), (0, 0, 0));
    }

    #[test]
    fn an_unpublished_course_is_on_no_students_page() {
        let mut class = Class::new();
        class.course_state(CourseState::Unpublished);
        assert_eq!(home(&class, "ada").courses, []);
        assert_eq!(home(&class, "tom").courses.len(), 1);
        assert_eq!(home(&class, "root").courses, []);
    }

    #[test]
    fn marking_needs_exactly_one_thing_that_exists() {
        let mut class = Class::new();
        let id = class.world.id();
        let mut mark = |thread_number, announcement_id: &str| {
            let request = v1::MarkReadRequest {
                course: "cs101".into(),
                thread_number,
                announcement_id: announcement_id.into(),
                through_message: 0,
            };
            class.world.run::<v1::MarkReadResponse>("ada", Body::MarkRead(request)).unwrap_err()
        };
        assert_eq!(mark(0, ""), "INVALID_ARGUMENT");
        assert_eq!(mark(1, &id), "INVALID_ARGUMENT");
        assert_eq!(mark(0, &id), "NOT_FOUND");
        assert_eq!(mark(0, "nonsense"), "NOT_FOUND");
        assert_eq!(mark(7, ""), "NOT_FOUND");
    }
}
