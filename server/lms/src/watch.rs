//! Who may be told of an event: asked when it is sent, with the enrolments as they are then.

use lectern_proto::internal::v1::{CourseRecord, EnrollmentRecord};
use lectern_proto::v1::{CourseState, EnrollmentState, EnrollmentType, EventKind};

use crate::context::{Audience, Event};
use crate::keys::{key1, key2};
use crate::store::{Store, StoreError, StoreExt};
use crate::tables::Table;

/// Whether `user_id` may know of `event`. `admin` is whether the account has that right now.
///
/// Events of a course go only to those who can open it: while it is unpublished, to its staff; once it is deleted, to
/// administrators. One exception: a change of their own enrolment is told to everyone it is meant for, so that a program
/// learns that a course came or went.
pub fn may_see(store: &dyn Store, user_id: &str, admin: bool, event: &Event) -> Result<bool, StoreError> {
    let named = match &event.audience {
        Audience::Admins => return Ok(admin),
        Audience::User(user) | Audience::UserAndStaff(user) => user == user_id,
        Audience::Course | Audience::Staff => false,
    };
    if event.course_id.is_empty() || event.kind == EventKind::Enrollment {
        if named {
            return Ok(true);
        }
        if event.course_id.is_empty() {
            return Ok(admin && !matches!(event.audience, Audience::User(_)));
        }
    }
    let (staff, member) = membership(store, user_id, admin, &event.course_id)?;
    Ok(match event.audience {
        Audience::Course => member,
        Audience::Staff => staff,
        Audience::UserAndStaff(_) => staff || (named && member),
        Audience::User(_) => named && member,
        Audience::Admins => admin,
    })
}

/// Whether somebody is staff of a course, and whether they can open it at all.
fn membership(store: &dyn Store, user_id: &str, admin: bool, course_id: &str) -> Result<(bool, bool), StoreError> {
    if admin {
        return Ok((true, true));
    }
    let enrollment: Option<EnrollmentRecord> = store.record(Table::Enrollments, &key2(course_id, user_id))?;
    let Some(enrollment) = enrollment.filter(|enrollment| enrollment.state() == EnrollmentState::Active) else {
        return Ok((false, false));
    };
    let staff = matches!(enrollment.r#type(), EnrollmentType::Ta | EnrollmentType::Instructor);
    let course: Option<CourseRecord> = store.record(Table::Courses, &key1(course_id))?;
    Ok(match course.unwrap_or_default().state() {
        CourseState::Available | CourseState::Completed => (staff, true),
        CourseState::Unpublished => (staff, staff),
        CourseState::Deleted | CourseState::Unspecified => (false, false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Class;

    fn event(class: &Class, kind: EventKind, audience: Audience) -> Event {
        Event { index: 9, kind, course_id: class.course_id.clone(), id: "x".into(), at_ms: 0, audience }
    }

    /// Which of the people see the event.
    fn seen(class: &Class, event: &Event) -> Vec<&'static str> {
        let sees = |username: &str| {
            let id = class.world.ask(username, |view| Ok(view.actor.user_id().to_owned())).unwrap();
            may_see(&class.world.store, &id, username == "root", event).unwrap()
        };
        ["ada", "bob", "tom", "ines", "eve", "root"].into_iter().filter(|username| sees(username)).collect()
    }

    #[test]
    fn events_reach_their_audience_and_nobody_else() {
        let class = Class::new();
        let ada = class.ada.clone();
        let grade = |audience| event(&class, EventKind::Grade, audience);
        assert_eq!(seen(&class, &grade(Audience::Course)), ["ada", "bob", "tom", "ines", "root"]);
        assert_eq!(seen(&class, &grade(Audience::Staff)), ["tom", "ines", "root"]);
        assert_eq!(seen(&class, &grade(Audience::UserAndStaff(ada.clone()))), ["ada", "tom", "ines", "root"]);
        assert_eq!(seen(&class, &grade(Audience::User(ada))), ["ada"]);
        assert_eq!(seen(&class, &grade(Audience::Admins)), ["root"]);
    }

    #[test]
    fn students_of_an_unpublished_course_see_nothing_and_nobody_but_admins_a_deleted_one() {
        let mut class = Class::new();
        let ada = class.ada.clone();
        let posted = event(&class, EventKind::Grade, Audience::UserAndStaff(ada));
        let course = event(&class, EventKind::Course, Audience::Course);
        class.course_state(CourseState::Unpublished);
        assert_eq!(seen(&class, &posted), ["tom", "ines", "root"]);
        assert_eq!(seen(&class, &course), ["tom", "ines", "root"]);
        class.course_state(CourseState::Deleted);
        assert_eq!(seen(&class, &course), ["root"]);
    }

    #[test]
    fn a_role_that_ended_hears_of_its_end_and_of_nothing_more() {
        let mut class = Class::new();
        let (course_id, ada) = (class.course_id.clone(), class.ada.clone());
        let key = key2(&course_id, &ada);
        let mut enrollment: EnrollmentRecord = class.world.store.record(Table::Enrollments, &key).unwrap().unwrap();
        enrollment.set_state(EnrollmentState::Deleted);
        class.put(Table::Enrollments, key, &enrollment);
        let ended = event(&class, EventKind::Enrollment, Audience::UserAndStaff(ada.clone()));
        assert_eq!(seen(&class, &ended), ["ada", "tom", "ines", "root"]);
        let grade = event(&class, EventKind::Grade, Audience::UserAndStaff(ada));
        assert_eq!(seen(&class, &grade), ["tom", "ines", "root"]);
        assert_eq!(seen(&class, &event(&class, EventKind::Thread, Audience::Course)), ["bob", "tom", "ines", "root"]);
    }

    #[test]
    fn outside_of_courses_an_event_is_for_its_person_or_the_admins() {
        let class = Class::new();
        let account = |audience| Event { course_id: String::new(), ..event(&class, EventKind::Account, audience) };
        assert_eq!(seen(&class, &account(Audience::User(class.bob.clone()))), ["bob"]);
        assert_eq!(seen(&class, &account(Audience::Admins)), ["root"]);
        assert_eq!(seen(&class, &account(Audience::UserAndStaff(class.bob.clone()))), ["bob", "root"]);
    }
}
