//! People in courses: their roles, states and sections.
//!
//! An enrolment is `active` when its account is, and `invited` until then: asking for either gives whichever the account
//! stands for, and activating the account turns the invited ones active. A course's `student_count` counts both, so
//! that a roster of thirty is thirty from the first minute. Every write goes through `write`, which keeps the count,
//! the index, the audit and the watchers right.

use std::collections::{BTreeMap, BTreeSet};

use lectern_proto::internal::v1::{CourseRecord, EnrollmentRecord, SectionRecord, UserRecord};
use lectern_proto::v1::{
    EnrollRequest, EnrollResponse, Enrollment, EnrollmentState, EnrollmentType, EventKind, ListEnrollmentsRequest,
    ListEnrollmentsResponse, UpdateEnrollmentRequest, UpdateEnrollmentResponse, UserState,
};

use crate::accounts::{self, state_in_words};
use crate::actor::CourseAccess;
use crate::audit::{self, Entry};
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{ID_BYTES, key1, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreError, StoreExt, decode};
use crate::tables::Table;
use crate::{limits, lookup, paging, standing, validate};

/// Adds an account to a course, or brings back somebody who left it.
pub(crate) fn enroll(tx: &mut Tx<'_, '_>, request: &EnrollRequest) -> Result<EnrollResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let kind = require_type(request.r#type())?;
    let record = accounts::existing(tx.store, &request.user)?;
    let state = current_state(&record)?;
    let course_id = &access.course.course_id;
    let user = record.user.unwrap_or_default();
    let before = find(tx.store, course_id, &user.user_id)?;
    if before.as_ref().is_some_and(|before| is_current(before.state())) {
        return refuse(
            Reason::DuplicateName,
            format!("{} is enrolled in {} already; update that enrolment", user.username, access.course.slug),
        );
    }
    let enrollment = EnrollmentRecord {
        course_id: course_id.clone(),
        user_id: user.user_id,
        r#type: kind.into(),
        state: state.into(),
        section_id: section_named(tx, &access.course, &request.section)?,
        created_at_ms: before.as_ref().map_or(tx.now_ms(), |before| before.created_at_ms),
    };
    write(tx, before.as_ref(), &enrollment, "")?;
    Ok(EnrollResponse { enrollment: Some(to_proto(tx.store, &enrollment, true)?) })
}

/// Changes somebody's role or state in a course.
pub(crate) fn update_enrollment(
    tx: &mut Tx<'_, '_>,
    request: &UpdateEnrollmentRequest,
) -> Result<UpdateEnrollmentResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let reason = validate::optional_line("reason", &request.reason)?;
    let record = accounts::existing(tx.store, &request.user)?;
    let user = record.user.clone().unwrap_or_default();
    let not_enrolled = || {
        let message = format!("{} is not enrolled in {}; enrol them first", user.username, access.course.slug);
        Refusal::new(Reason::NotFound, message)
    };
    let before = find(tx.store, &access.course.course_id, &user.user_id)?
        .filter(|before| before.state() != EnrollmentState::Deleted)
        .ok_or_else(not_enrolled)?;
    let mut after = before.clone();
    if request.r#type.is_some() {
        after.set_type(require_type(request.r#type())?);
    }
    if request.state.is_some() {
        after.set_state(match request.state() {
            EnrollmentState::Unspecified => {
                return refuse(Reason::InvalidArgument, "name a state: active, completed, inactive or deleted");
            }
            EnrollmentState::Active | EnrollmentState::Invited => current_state(&record)?,
            left => left,
        });
    }
    if teaches(&before) && !teaches(&after) {
        require_another_instructor(tx.store, &access.course, &user.user_id)?;
    }
    write(tx, Some(&before), &after, &reason)?;
    Ok(UpdateEnrollmentResponse { enrollment: Some(to_proto(tx.store, &after, true)?) })
}

/// The roles that can be given today.
fn require_type(kind: EnrollmentType) -> Result<EnrollmentType> {
    match kind {
        EnrollmentType::Student | EnrollmentType::Ta | EnrollmentType::Instructor => Ok(kind),
        EnrollmentType::Observer => refuse(Reason::InvalidArgument, "observers are not supported yet"),
        EnrollmentType::Unspecified => refuse(Reason::InvalidArgument, "name a role: student, ta or instructor"),
    }
}

/// The state of a current enrolment of this account: active, or invited until the account is activated.
pub(crate) fn current_state(record: &UserRecord) -> Result<EnrollmentState> {
    let user = record.user.clone().unwrap_or_default();
    if user.rights.is_some_and(|rights| rights.tutor) {
        // What it could read in a course it must not be able to tell: it reads with each asker's token alone.
        return refuse(
            Reason::InvalidArgument,
            format!("{} is the account of a tutor and takes part in no course; it serves all of them", user.username),
        );
    }
    match user.state() {
        UserState::Active => Ok(EnrollmentState::Active),
        UserState::Invited => Ok(EnrollmentState::Invited),
        state => refuse(
            Reason::AccountInactive,
            format!("the account {} is {}; an administrator can change that", user.username, state_in_words(state)),
        ),
    }
}

/// Whether an enrolment in this state belongs to the course now.
pub(crate) fn is_current(state: EnrollmentState) -> bool {
    matches!(state, EnrollmentState::Invited | EnrollmentState::Active)
}

/// Whether this enrolment lets its owner run the course today.
pub(crate) fn teaches(enrollment: &EnrollmentRecord) -> bool {
    enrollment.r#type() == EnrollmentType::Instructor && enrollment.state() == EnrollmentState::Active
}

fn require_another_instructor(store: &dyn Store, course: &CourseRecord, user_id: &str) -> Result<()> {
    let others = of_course(store, &course.course_id)?;
    if others.iter().any(|other| other.user_id != user_id && teaches(other)) {
        return Ok(());
    }
    refuse(Reason::WrongState, format!("{} would be left without an instructor; add another one first", course.slug))
}

/// Stores an enrolment: keeps the index and the count of students, tells watchers and writes what changed to the audit.
/// An enrolment that is as it was is not written.
pub(crate) fn write(
    tx: &mut Tx<'_, '_>,
    before: Option<&EnrollmentRecord>,
    after: &EnrollmentRecord,
    reason: &str,
) -> Result<()> {
    if before == Some(after) {
        return Ok(());
    }
    let course_key = key1(&after.course_id);
    let mut course: CourseRecord =
        tx.store.record(Table::Courses, &course_key)?.ok_or_else(|| StoreError::Damaged {
            table: Table::Courses,
            problem: format!("no course {} for an enrolment", after.course_id),
        })?;
    match (before.is_some_and(standing::is_current_student), standing::is_current_student(after)) {
        (false, true) => course.student_count += 1,
        (true, false) => course.student_count = course.student_count.saturating_sub(1),
        _ => {}
    }
    tx.put(Table::Courses, course_key, &course);
    tx.put(Table::Enrollments, key2(&after.course_id, &after.user_id), after);
    tx.put_raw(Table::EnrollmentsByUser, key2(&after.user_id, &after.course_id), Vec::new());
    let audience = Audience::UserAndStaff(after.user_id.clone());
    tx.event(EventKind::Enrollment, &after.course_id, &after.user_id, audience);
    write_audit(tx, &course, before, after, reason)
}

fn write_audit(
    tx: &mut Tx<'_, '_>,
    course: &CourseRecord,
    before: Option<&EnrollmentRecord>,
    after: &EnrollmentRecord,
    reason: &str,
) -> Result<()> {
    let username = lookup::person(tx.store, &after.user_id)?.username;
    let changes = [
        ("enrollment.role", before.map_or("", |before| type_in_words(before.r#type())), type_in_words(after.r#type())),
        (
            "enrollment.state",
            before.map_or("", |before| enrollment_state_in_words(before.state())),
            enrollment_state_in_words(after.state()),
        ),
    ];
    for (action, before, after) in changes.into_iter().filter(|(_, before, after)| before != after) {
        let subject = format!("{} {username}", course.slug);
        let (before, after) = (before.to_owned(), after.to_owned());
        audit::write(tx, Entry { course_id: &course.course_id, action, subject, before, after, reason });
    }
    Ok(())
}

/// Turns the enrolments that waited for this account active.
pub(crate) fn activate_invited(tx: &mut Tx<'_, '_>, user_id: &str) -> Result<()> {
    for before in of_user(tx.store, user_id)? {
        if before.state() == EnrollmentState::Invited {
            let after = EnrollmentRecord { state: EnrollmentState::Active.into(), ..before.clone() };
            write(tx, Some(&before), &after, "account activated")?;
        }
    }
    Ok(())
}

/// Makes the enrolments of a deleted account inactive: its work stays in the courses.
pub(crate) fn leave_all(tx: &mut Tx<'_, '_>, user_id: &str) -> Result<()> {
    for before in of_user(tx.store, user_id)? {
        if is_current(before.state()) {
            let after = EnrollmentRecord { state: EnrollmentState::Inactive.into(), ..before.clone() };
            write(tx, Some(&before), &after, "account deleted")?;
        }
    }
    Ok(())
}

/// Somebody's enrolment in a course, in whatever state.
pub fn find(
    store: &dyn Store,
    course_id: &str,
    user_id: &str,
) -> std::result::Result<Option<EnrollmentRecord>, StoreError> {
    store.record(Table::Enrollments, &key2(course_id, user_id))
}

/// Every enrolment of a course, in whatever state, by user id.
pub fn of_course(store: &dyn Store, course_id: &str) -> std::result::Result<Vec<EnrollmentRecord>, StoreError> {
    let rows = store.records(Table::Enrollments, course_id.as_bytes(), None, Order::Ascending, usize::MAX)?;
    Ok(rows.into_iter().map(|(_, enrollment)| enrollment).collect())
}

/// Every enrolment of a person, in whatever state, by course id.
pub fn of_user(store: &dyn Store, user_id: &str) -> std::result::Result<Vec<EnrollmentRecord>, StoreError> {
    let rows = store.prefix(Table::EnrollmentsByUser, user_id.as_bytes(), None, Order::Ascending, usize::MAX)?;
    let mut enrollments = Vec::with_capacity(rows.len());
    for (key, _) in rows {
        enrollments.extend(store.record(Table::Enrollments, &key2(&key[ID_BYTES..], user_id))?);
    }
    Ok(enrollments)
}

/// The id of the section of that name or SIS id, made if there is none; the course's default section when empty.
pub(crate) fn section_named(tx: &mut Tx<'_, '_>, course: &CourseRecord, name: &str) -> Result<String> {
    let name = validate::optional_line("section", name)?;
    if name.is_empty() {
        return Ok(course.default_section_id.clone());
    }
    let sections = sections(tx.store, course)?;
    if let Some(section_id) = sections.get(&name) {
        return Ok(section_id.clone());
    }
    require_room(&sections, 1)?;
    let section_id = tx.ids.next_id();
    let section = SectionRecord {
        section_id: section_id.clone(),
        course_id: course.course_id.clone(),
        sis_section_id: name.clone(),
        name,
    };
    tx.put(Table::Sections, key2(&course.course_id, &section_id), &section);
    Ok(section_id)
}

/// The ids of a course's sections, by name and by SIS id.
pub(crate) fn sections(store: &dyn Store, course: &CourseRecord) -> Result<BTreeMap<String, String>> {
    let prefix = course.course_id.as_bytes();
    let rows = store.records::<SectionRecord>(Table::Sections, prefix, None, Order::Ascending, usize::MAX)?;
    let named = rows.into_iter().flat_map(|(_, section)| {
        [(section.sis_section_id, section.section_id.clone()), (section.name, section.section_id)]
    });
    Ok(named.filter(|(name, _)| !name.is_empty()).collect())
}

/// Refuses when `more` sections do not fit beside those the course has.
pub(crate) fn require_room(sections: &BTreeMap<String, String>, more: usize) -> Result<()> {
    let present = sections.values().collect::<BTreeSet<_>>().len();
    if present + more <= limits::SECTIONS_PER_COURSE {
        return Ok(());
    }
    refuse(Reason::TooMany, format!("a course has at most {} sections", limits::SECTIONS_PER_COURSE))
}

/// The people of a course, by user id. Staff see everyone but those deleted, with SIS id and e-mail; students see the
/// names and roles of those who are active, and nothing more.
pub fn list_enrollments(view: &View<'_>, request: &ListEnrollmentsRequest) -> Result<ListEnrollmentsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let (staff, wanted) = (access.is_staff(), request.r#type());
    let contains = request.contains.to_lowercase();
    let pick = |_: &[u8], bytes: &[u8]| {
        let enrollment: EnrollmentRecord = decode(Table::Enrollments, bytes)?;
        let visible = match enrollment.state() {
            EnrollmentState::Active => true,
            EnrollmentState::Deleted => false,
            _ => staff,
        };
        if !visible || !matches!(wanted, EnrollmentType::Unspecified) && wanted != enrollment.r#type() {
            return Ok(None);
        }
        let shown = to_proto(view.store, &enrollment, staff)?;
        let person = shown.person.clone().unwrap_or_default();
        let fits = person.username.contains(&contains) || person.name.to_lowercase().contains(&contains);
        Ok(fits.then_some(shown))
    };
    let prefix = key1(&access.course.course_id);
    let (enrollments, next_page_token) =
        paging::collect(view.store, Table::Enrollments, &prefix, Order::Ascending, &page, pick)?;
    Ok(ListEnrollmentsResponse { enrollments, next_page_token })
}

fn to_proto(store: &dyn Store, enrollment: &EnrollmentRecord, for_staff: bool) -> Result<Enrollment> {
    let person = Some(lookup::person(store, &enrollment.user_id)?);
    let seen_by_all =
        Enrollment { person, r#type: enrollment.r#type, state: enrollment.state, ..Enrollment::default() };
    if !for_staff {
        return Ok(seen_by_all);
    }
    let record: UserRecord = store.record(Table::Users, &key1(&enrollment.user_id))?.unwrap_or_default();
    let user = record.user.unwrap_or_default();
    let section: SectionRecord =
        store.record(Table::Sections, &key2(&enrollment.course_id, &enrollment.section_id))?.unwrap_or_default();
    Ok(Enrollment {
        section_id: enrollment.section_id.clone(),
        section: section.name,
        created_at_ms: enrollment.created_at_ms,
        sis_user_id: user.sis_user_id,
        email: user.email,
        activated: record.ever_activated,
        code_expires_at_ms: (!record.code_hash.is_empty()).then_some(record.code_expires_at_ms),
        ..seen_by_all
    })
}

/// A role as the audit and messages name it.
pub(crate) fn type_in_words(kind: EnrollmentType) -> &'static str {
    match kind {
        EnrollmentType::Unspecified => "",
        EnrollmentType::Student => "student",
        EnrollmentType::Ta => "ta",
        EnrollmentType::Instructor => "instructor",
        EnrollmentType::Observer => "observer",
    }
}

/// A state as the audit and messages name it.
pub(crate) fn enrollment_state_in_words(state: EnrollmentState) -> &'static str {
    match state {
        EnrollmentState::Unspecified => "",
        EnrollmentState::Invited => "invited",
        EnrollmentState::Active => "active",
        EnrollmentState::Completed => "completed",
        EnrollmentState::Inactive => "inactive",
        EnrollmentState::Deleted => "deleted",
    }
}

#[cfg(test)]
#[path = "enrollments_tests.rs"]
mod tests;
