//! Courses: made by course creators, changed by their instructors.
//!
//! A course is `unpublished` (its staff alone see it), then `available`, then `completed` (nothing in it changes). Its
//! instructors move it back and forth between neighbours. Deleting is final: instructors may delete what was never
//! published to students, admins anything. The slug of a deleted course is free again.

use lectern_proto::internal::v1::{CourseRecord, EnrollmentRecord, SectionRecord};
use lectern_proto::v1::{
    Course, CourseState, CreateCourseRequest, CreateCourseResponse, EnrollmentType, EventKind, GetCourseRequest,
    GetCourseResponse, ListCoursesRequest, ListCoursesResponse, UpdateCourseRequest, UpdateCourseResponse,
};

use crate::actor::CourseAccess;
use crate::audit::{self, Entry};
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{ID_BYTES, key1, key2};
use crate::refusal::{Reason, Result, refuse};
use crate::store::{Order, StoreExt, decode};
use crate::tables::Table;
use crate::{accounts, enrollments, limits, lookup, paging, validate};

/// Name of the section every course begins with.
const DEFAULT_SECTION: &str = "Default";
/// Longest grace after a due date: a day.
const MAX_GRACE_SECONDS: u32 = 24 * 60 * 60;

/// Makes an unpublished course with its default section and its first instructor.
pub(crate) fn create_course(tx: &mut Tx<'_, '_>, request: &CreateCourseRequest) -> Result<CreateCourseResponse> {
    let rights = tx.actor.rights();
    if !rights.admin && !rights.course_creator {
        return refuse(Reason::WrongRole, "only administrators and course creators may make courses");
    }
    validate::slug("slug", &request.slug)?;
    validate::time_zone(&request.time_zone)?;
    validate::body("syllabus", &request.syllabus, limits::BODY_BYTES)?;
    if tx.store.contains(Table::CoursesBySlug, &key1(&request.slug))? {
        return refuse(Reason::DuplicateName, format!("the slug `{}` is taken; choose another", request.slug));
    }
    let instructor_name = match request.instructor.as_str() {
        "" => tx.actor.user_id().to_owned(),
        name => name.to_owned(),
    };
    let instructor = accounts::existing(tx.store, &instructor_name)?;
    let state = enrollments::current_state(&instructor)?;
    let (course_id, section_id) = (tx.ids.next_id(), tx.ids.next_id());
    let code = validate::optional_line("code", &request.code)?;
    let course = CourseRecord {
        course_id: course_id.clone(),
        slug: request.slug.clone(),
        code: if code.is_empty() { request.slug.to_uppercase() } else { code },
        title: validate::line("title", &request.title)?,
        term: validate::optional_line("term", &request.term)?,
        time_zone: if request.time_zone.is_empty() { "UTC".into() } else { request.time_zone.clone() },
        syllabus: request.syllabus.clone(),
        state: CourseState::Unpublished.into(),
        created_at_ms: tx.now_ms(),
        grace_seconds: limits::GRACE_SECONDS,
        student_quota_bytes: limits::STUDENT_QUOTA,
        course_quota_bytes: limits::COURSE_QUOTA,
        default_section_id: section_id.clone(),
        ..CourseRecord::default()
    };
    let section = SectionRecord {
        section_id: section_id.clone(),
        course_id: course_id.clone(),
        name: DEFAULT_SECTION.into(),
        ..SectionRecord::default()
    };
    tx.put(Table::Courses, key1(&course_id), &course);
    tx.put_raw(Table::CoursesBySlug, key1(&course.slug), course_id.clone().into_bytes());
    tx.put(Table::Sections, key2(&course_id, &section_id), &section);
    tx.event(EventKind::Course, &course_id, &course_id, Audience::Staff);
    let entry = Entry { course_id: &course_id, action: "course.create", subject: course.slug, ..Entry::default() };
    audit::write(tx, entry);
    let enrollment = EnrollmentRecord {
        course_id: course_id.clone(),
        user_id: instructor.user.unwrap_or_default().user_id,
        r#type: EnrollmentType::Instructor.into(),
        state: state.into(),
        section_id,
        created_at_ms: tx.now_ms(),
    };
    enrollments::write(tx, None, &enrollment, "first instructor")?;
    Ok(CreateCourseResponse { course: Some(reply(&tx.view(), &course_id)?) })
}

/// The course as the caller sees it once the command is done.
fn reply(view: &View<'_>, course_id: &str) -> Result<Course> {
    let course = lookup::course(view.store, course_id)?.unwrap_or_default();
    let access = CourseAccess::to_record(view.store, view.actor.user_id(), view.actor.rights().admin, course)?;
    Ok(to_proto(&access))
}

/// Changes what a course says of itself, its state, grace and quotas.
pub(crate) fn update_course(tx: &mut Tx<'_, '_>, request: &UpdateCourseRequest) -> Result<UpdateCourseResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    let before = access.course.clone();
    let mut course = before.clone();
    change_words(&mut course, request)?;
    change_limits(&mut course, request, access.admin)?;
    let changes_more_than_its_state = course != before;
    if request.state.is_some() {
        let wanted = request.state();
        require_transition(before.state(), wanted, access.admin)?;
        course.set_state(wanted);
    }
    if changes_more_than_its_state && course.state() == CourseState::Completed {
        access.require_open()?;
    }
    if course != before {
        tx.put(Table::Courses, key1(&course.course_id), &course);
        if course.state() == CourseState::Deleted {
            tx.delete(Table::CoursesBySlug, key1(&course.slug));
        }
        tx.event(EventKind::Course, &course.course_id, &course.course_id, Audience::Course);
        write_audit(tx, &before, &course);
    }
    Ok(UpdateCourseResponse { course: Some(reply(&tx.view(), &course.course_id)?) })
}

fn change_words(course: &mut CourseRecord, request: &UpdateCourseRequest) -> Result<()> {
    if let Some(code) = &request.code {
        course.code = validate::line("code", code)?;
    }
    if let Some(title) = &request.title {
        course.title = validate::line("title", title)?;
    }
    if let Some(term) = &request.term {
        course.term = validate::optional_line("term", term)?;
    }
    if let Some(zone) = &request.time_zone {
        validate::time_zone(zone)?;
        course.time_zone = if zone.is_empty() { "UTC".into() } else { zone.clone() };
    }
    if let Some(syllabus) = &request.syllabus {
        validate::body("syllabus", syllabus, limits::BODY_BYTES)?;
        course.syllabus.clone_from(syllabus);
    }
    Ok(())
}

/// Grace and quotas. The whole course's quota is the installation's to give: instructors stay within the usual one.
fn change_limits(course: &mut CourseRecord, request: &UpdateCourseRequest, admin: bool) -> Result<()> {
    if let Some(seconds) = request.grace_seconds {
        if seconds > MAX_GRACE_SECONDS {
            return refuse(Reason::InvalidArgument, format!("grace_seconds is at most {MAX_GRACE_SECONDS}, a day"));
        }
        course.grace_seconds = seconds;
    }
    if let Some(bytes) = request.course_quota_bytes {
        if !admin && bytes > limits::COURSE_QUOTA.max(course.course_quota_bytes) {
            return refuse(
                Reason::WrongRole,
                format!("a course quota above {} bytes is given by an administrator", limits::COURSE_QUOTA),
            );
        }
        course.course_quota_bytes = bytes;
    }
    if let Some(bytes) = request.student_quota_bytes {
        course.student_quota_bytes = bytes;
    }
    if request.student_quota_bytes.is_some() && course.student_quota_bytes > course.course_quota_bytes {
        return refuse(
            Reason::InvalidArgument,
            format!("one student's quota cannot exceed the course's, {} bytes", course.course_quota_bytes),
        );
    }
    Ok(())
}

fn require_transition(from: CourseState, to: CourseState, admin: bool) -> Result<()> {
    use CourseState::{Available, Completed, Deleted, Unpublished, Unspecified};
    match (from, to) {
        (_, Unspecified) => refuse(Reason::InvalidArgument, "name a state: unpublished, available or completed"),
        (Unpublished, Completed) => refuse(Reason::WrongState, "publish the course before completing it"),
        (Completed, Unpublished) => refuse(Reason::WrongState, "make the course available again first"),
        (Available | Completed, Deleted) if !admin => refuse(
            Reason::WrongRole,
            "students have seen this course; only an administrator may delete it (you may complete it)",
        ),
        _ => Ok(()),
    }
}

fn write_audit(tx: &mut Tx<'_, '_>, before: &CourseRecord, after: &CourseRecord) {
    let state = |course: &CourseRecord| state_in_words(course.state()).to_owned();
    let changes = [
        ("course.state", state(before), state(after)),
        ("course.grace", before.grace_seconds.to_string(), after.grace_seconds.to_string()),
        ("course.student-quota", before.student_quota_bytes.to_string(), after.student_quota_bytes.to_string()),
        ("course.quota", before.course_quota_bytes.to_string(), after.course_quota_bytes.to_string()),
    ];
    for (action, from, to) in changes.into_iter().filter(|(_, from, to)| from != to) {
        let subject = after.slug.clone();
        let course_id = &after.course_id;
        audit::write(tx, Entry { course_id, action, subject, before: from, after: to, reason: "" });
    }
}

fn state_in_words(state: CourseState) -> &'static str {
    match state {
        CourseState::Unspecified => "",
        CourseState::Unpublished => "unpublished",
        CourseState::Available => "available",
        CourseState::Completed => "completed",
        CourseState::Deleted => "deleted",
    }
}

/// One course.
pub fn get_course(view: &View<'_>, request: &GetCourseRequest) -> Result<GetCourseResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    Ok(GetCourseResponse { course: Some(to_proto(&access)) })
}

/// The caller's courses, or with `all` every course of the installation, for admins; in the order they were made.
pub fn list_courses(view: &View<'_>, request: &ListCoursesRequest) -> Result<ListCoursesResponse> {
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let me = view.actor.user()?;
    let admin = view.actor.rights().admin;
    let seen = |course: CourseRecord| -> Result<Option<Course>> {
        let access = CourseAccess::to_record(view.store, &me.user_id, admin, course)?;
        let visible = match access.course.state() {
            CourseState::Deleted => false,
            CourseState::Unpublished => access.is_staff(),
            _ => true,
        };
        Ok((visible && (request.all || access.enrollment.is_some())).then(|| to_proto(&access)))
    };
    let (courses, next_page_token) = if request.all {
        view.actor.require_admin()?;
        let pick = |_: &[u8], bytes: &[u8]| seen(decode(Table::Courses, bytes)?);
        paging::collect(view.store, Table::Courses, b"", Order::Ascending, &page, pick)?
    } else {
        let pick = |key: &[u8], _: &[u8]| match view.store.record(Table::Courses, &key[ID_BYTES..])? {
            Some(course) => seen(course),
            None => Ok(None),
        };
        let prefix = key1(&me.user_id);
        paging::collect(view.store, Table::EnrollmentsByUser, &prefix, Order::Ascending, &page, pick)?
    };
    Ok(ListCoursesResponse { courses, next_page_token })
}

/// A course as the person of this access sees it.
pub fn to_proto(access: &CourseAccess) -> Course {
    let course = &access.course;
    Course {
        course_id: course.course_id.clone(),
        slug: course.slug.clone(),
        code: course.code.clone(),
        title: course.title.clone(),
        term: course.term.clone(),
        time_zone: course.time_zone.clone(),
        syllabus: course.syllabus.clone(),
        state: course.state,
        created_at_ms: course.created_at_ms,
        grace_seconds: course.grace_seconds,
        student_quota_bytes: course.student_quota_bytes,
        course_quota_bytes: course.course_quota_bytes,
        my_type: access.my_type().into(),
        student_count: course.student_count,
        default_section_id: course.default_section_id.clone(),
    }
}

#[cfg(test)]
#[path = "courses_tests.rs"]
mod tests;
