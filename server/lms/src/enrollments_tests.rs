use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{AccountRights, CourseState, CreateUserRequest, CreateUserResponse, ListAuditRequest};

use super::*;
use crate::testing::World;

/// Course cs101 with the instructor ines, the Ta tom and the student ada; bob has an account, root is an admin.
fn world() -> World {
    let mut world = World::new();
    world.person("root", AccountRights { admin: true, ..AccountRights::default() });
    world.person("bob", AccountRights::default());
    let course_id = world.course("cs101");
    for (username, kind) in
        [("ines", EnrollmentType::Instructor), ("tom", EnrollmentType::Ta), ("ada", EnrollmentType::Student)]
    {
        let user_id = world.person(username, AccountRights::default());
        world.enroll(&course_id, &user_id, kind);
    }
    world
}

fn add(world: &mut World, by: &str, user: &str, kind: EnrollmentType) -> std::result::Result<Enrollment, String> {
    let request =
        EnrollRequest { course: "cs101".into(), user: user.into(), r#type: kind.into(), ..Default::default() };
    let response: EnrollResponse = world.run(by, Body::Enroll(request))?;
    Ok(response.enrollment.unwrap())
}

fn change(
    world: &mut World,
    by: &str,
    user: &str,
    kind: Option<EnrollmentType>,
    state: Option<EnrollmentState>,
) -> std::result::Result<Enrollment, String> {
    let request = UpdateEnrollmentRequest {
        course: "cs101".into(),
        user: user.into(),
        r#type: kind.map(Into::into),
        state: state.map(Into::into),
        reason: "why".into(),
    };
    let response: UpdateEnrollmentResponse = world.run(by, Body::UpdateEnrollment(request))?;
    Ok(response.enrollment.unwrap())
}

fn students(world: &World) -> u32 {
    lookup::course(&world.store, "cs101").unwrap().unwrap().student_count
}

fn listed(world: &World, by: &str) -> std::result::Result<Vec<Enrollment>, String> {
    let request = ListEnrollmentsRequest { course: "cs101".into(), ..ListEnrollmentsRequest::default() };
    Ok(world.ask(by, |view| list_enrollments(view, &request))?.enrollments)
}

#[test]
fn instructors_and_admins_enrol_others_do_not() {
    let mut world = world();
    for by in ["tom", "ada"] {
        assert_eq!(add(&mut world, by, "bob", EnrollmentType::Student), Err("WRONG_ROLE".into()));
    }
    assert_eq!(add(&mut world, "bob", "bob", EnrollmentType::Instructor), Err("NOT_FOUND".into()));
    let enrollment = add(&mut world, "ines", "bob", EnrollmentType::Student).unwrap();
    assert_eq!((enrollment.state(), students(&world)), (EnrollmentState::Active, 2));
    assert_eq!(add(&mut world, "root", "bob", EnrollmentType::Student), Err("DUPLICATE_NAME".into()));
    assert_eq!(add(&mut world, "ines", "nobody", EnrollmentType::Student), Err("NOT_FOUND".into()));
    assert_eq!(add(&mut world, "ines", "root", EnrollmentType::Observer), Err("INVALID_ARGUMENT".into()));
    assert_eq!(add(&mut world, "ines", "root", EnrollmentType::Unspecified), Err("INVALID_ARGUMENT".into()));
}

#[test]
fn somebody_who_never_activated_is_enrolled_as_invited_and_counted() {
    let mut world = world();
    let request = CreateUserRequest { username: "new".into(), name: "New".into(), ..CreateUserRequest::default() };
    world.run::<CreateUserResponse>("root", Body::CreateUser(request)).unwrap();
    let enrollment = add(&mut world, "ines", "new", EnrollmentType::Student).unwrap();
    assert_eq!((enrollment.state(), enrollment.activated), (EnrollmentState::Invited, false));
    assert_eq!(students(&world), 2);
    let active = change(&mut world, "ines", "new", None, Some(EnrollmentState::Active)).unwrap();
    assert_eq!(active.state(), EnrollmentState::Invited, "until the account is activated");
}

#[test]
fn a_role_or_state_changed_a_moment_ago_counts_at_once() {
    let mut world = world();
    let after = change(&mut world, "ines", "ada", Some(EnrollmentType::Ta), None).unwrap();
    assert_eq!((after.r#type(), students(&world)), (EnrollmentType::Ta, 0));
    change(&mut world, "ines", "ada", Some(EnrollmentType::Instructor), None).unwrap();
    change(&mut world, "ada", "ines", Some(EnrollmentType::Student), None).unwrap();
    assert_eq!(students(&world), 1);
    assert_eq!(add(&mut world, "ines", "bob", EnrollmentType::Student), Err("WRONG_ROLE".into()));
    change(&mut world, "ada", "ines", None, Some(EnrollmentState::Inactive)).unwrap();
    assert_eq!(students(&world), 0);
    assert_eq!(listed(&world, "ines"), Err("NOT_FOUND".into()));
}

#[test]
fn tas_and_students_change_no_enrolment() {
    let mut world = world();
    for by in ["tom", "ada"] {
        let promoted = change(&mut world, by, by, Some(EnrollmentType::Instructor), None);
        assert_eq!(promoted, Err("WRONG_ROLE".into()), "{by}");
    }
}

#[test]
fn the_last_instructor_stays_whoever_asks() {
    let mut world = world();
    for by in ["ines", "root"] {
        for (kind, state) in [(Some(EnrollmentType::Ta), None), (None, Some(EnrollmentState::Deleted))] {
            assert_eq!(change(&mut world, by, "ines", kind, state), Err("WRONG_STATE".into()));
        }
    }
    add(&mut world, "ines", "bob", EnrollmentType::Instructor).unwrap();
    change(&mut world, "ines", "ines", None, Some(EnrollmentState::Deleted)).unwrap();
}

#[test]
fn a_deleted_enrolment_is_gone_until_enrolled_again() {
    let mut world = world();
    change(&mut world, "ines", "ada", None, Some(EnrollmentState::Deleted)).unwrap();
    assert_eq!(listed(&world, "ines").unwrap().len(), 2);
    assert_eq!(change(&mut world, "ines", "ada", Some(EnrollmentType::Ta), None), Err("NOT_FOUND".into()));
    assert_eq!(change(&mut world, "ines", "bob", None, None), Err("NOT_FOUND".into()));
    add(&mut world, "ines", "ada", EnrollmentType::Student).unwrap();
    assert_eq!(students(&world), 1);
}

#[test]
fn changes_are_audited_once_and_the_course_must_be_open() {
    let mut world = world();
    change(&mut world, "ines", "ada", Some(EnrollmentType::Ta), Some(EnrollmentState::Inactive)).unwrap();
    change(&mut world, "ines", "ada", Some(EnrollmentType::Ta), None).unwrap();
    let request = ListAuditRequest { course: "cs101".into(), ..ListAuditRequest::default() };
    let entries = world.ask("ines", |view| audit::list_audit(view, &request)).unwrap().entries;
    let told: Vec<_> = entries.iter().map(|it| (&*it.action, &*it.subject, &*it.before, &*it.after)).collect();
    assert_eq!(
        told,
        [("enrollment.state", "cs101 ada", "active", "inactive"), ("enrollment.role", "cs101 ada", "student", "ta")]
    );
    let complete = lectern_proto::v1::UpdateCourseRequest {
        course: "cs101".into(),
        state: Some(CourseState::Completed.into()),
        ..Default::default()
    };
    world.run::<lectern_proto::v1::UpdateCourseResponse>("ines", Body::UpdateCourse(complete)).unwrap();
    assert_eq!(add(&mut world, "ines", "bob", EnrollmentType::Student), Err("WRONG_STATE".into()));
    assert_eq!(change(&mut world, "ines", "tom", None, None), Err("WRONG_STATE".into()));
}

#[test]
fn sections_are_made_by_name_and_found_again_up_to_a_limit() {
    let mut world = world();
    let course = lookup::course(&world.store, "cs101").unwrap().unwrap();
    let mut enroll_in = |section: &str| {
        let user_id = world.person(&format!("p{}", world.index), AccountRights::default());
        let request = EnrollRequest {
            course: "cs101".into(),
            user: user_id,
            r#type: EnrollmentType::Student.into(),
            section: section.into(),
        };
        let response = world.run::<EnrollResponse>("ines", Body::Enroll(request))?;
        Ok::<_, String>(response.enrollment.unwrap().section_id)
    };
    assert_eq!(enroll_in("").unwrap(), course.default_section_id);
    let first = enroll_in("Lab A").unwrap();
    assert_eq!(enroll_in("Lab A").unwrap(), first);
    for n in 1..limits::SECTIONS_PER_COURSE {
        enroll_in(&format!("Lab {n}")).unwrap();
    }
    assert_eq!(enroll_in("one more"), Err("TOO_MANY".into()));
}

#[test]
fn students_see_names_and_roles_of_active_members_and_nothing_more() {
    let mut world = world();
    add(&mut world, "ines", "bob", EnrollmentType::Student).unwrap();
    change(&mut world, "ines", "bob", None, Some(EnrollmentState::Inactive)).unwrap();
    let seen = listed(&world, "ada").unwrap();
    assert_eq!(seen.len(), 3);
    for enrollment in seen {
        let bare = Enrollment {
            person: enrollment.person.clone(),
            r#type: enrollment.r#type,
            state: EnrollmentState::Active.into(),
            ..Enrollment::default()
        };
        assert_eq!(enrollment, bare);
    }
    let staff = listed(&world, "tom").unwrap();
    assert_eq!(staff.len(), 4);
    assert!(staff.iter().all(|it| it.activated && it.email.contains('@') && it.sis_user_id.starts_with("sis-")));
}

#[test]
fn a_page_token_of_another_course_shows_nothing_of_it() {
    let mut world = world();
    let other = world.course("hist1");
    let eve = world.person("eve", AccountRights::default());
    world.enroll(&other, &eve, EnrollmentType::Student);
    for token in [crate::to_hex(b""), crate::to_hex(b"0"), crate::to_hex(other.as_bytes()), "zz".into()] {
        let request =
            ListEnrollmentsRequest { course: "cs101".into(), page_token: token, ..ListEnrollmentsRequest::default() };
        let answer = world.ask("ines", |view| list_enrollments(view, &request));
        assert!(answer.is_err() || answer.is_ok_and(|it| it.enrollments.len() == 3));
    }
    let tas = ListEnrollmentsRequest {
        course: "cs101".into(),
        r#type: EnrollmentType::Ta.into(),
        ..ListEnrollmentsRequest::default()
    };
    assert_eq!(world.ask("ines", |view| list_enrollments(view, &tas)).unwrap().enrollments.len(), 1);
}

#[test]
fn people_are_found_by_a_part_of_their_name_and_only_those_who_may_be_seen() {
    let world = world();
    let found = |by: &str, contains: &str| {
        let request = ListEnrollmentsRequest {
            course: "cs101".into(),
            contains: contains.into(),
            ..ListEnrollmentsRequest::default()
        };
        let answer = world.ask(by, |view| list_enrollments(view, &request)).unwrap();
        answer.enrollments.into_iter().map(|it| it.person.unwrap().username).collect::<Vec<_>>()
    };
    assert_eq!(found("ines", "TOM"), ["tom"]);
    assert_eq!(found("ada", "name of i"), ["ines"]);
    assert_eq!(found("ada", "bob"), [""; 0], "who is no member is not found");
}
