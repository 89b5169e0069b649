use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{AccountRights, EnrollmentState, UpdateEnrollmentRequest, UpdateEnrollmentResponse};

use super::*;
use crate::testing::World;

/// The admin root, the course creator ines, and ada, whose account has no rights.
fn world() -> World {
    let mut world = World::new();
    world.person("root", AccountRights { admin: true, ..AccountRights::default() });
    world.person("ines", AccountRights { course_creator: true, ..AccountRights::default() });
    world.person("ada", AccountRights::default());
    world
}

fn create(slug: &str) -> CreateCourseRequest {
    CreateCourseRequest { slug: slug.into(), title: "Computing".into(), ..CreateCourseRequest::default() }
}

fn make(world: &mut World, by: &str, request: CreateCourseRequest) -> std::result::Result<Course, String> {
    let response: CreateCourseResponse = world.run(by, Body::CreateCourse(request))?;
    Ok(response.course.unwrap())
}

fn update(slug: &str) -> UpdateCourseRequest {
    UpdateCourseRequest { course: slug.into(), ..UpdateCourseRequest::default() }
}

fn change(world: &mut World, by: &str, request: UpdateCourseRequest) -> std::result::Result<Course, String> {
    let response: UpdateCourseResponse = world.run(by, Body::UpdateCourse(request))?;
    Ok(response.course.unwrap())
}

fn move_to(world: &mut World, by: &str, state: CourseState) -> std::result::Result<CourseState, String> {
    change(world, by, UpdateCourseRequest { state: Some(state.into()), ..update("cs101") }).map(|course| course.state())
}

fn add_student(world: &mut World, username: &str) {
    let course_id = lookup::course(&world.store, "cs101").unwrap().unwrap().course_id;
    let user_id = lookup::user(&world.store, username).unwrap().unwrap().user.unwrap().user_id;
    world.enroll(&course_id, &user_id, EnrollmentType::Student);
}

fn slugs(world: &World, by: &str, all: bool) -> std::result::Result<Vec<String>, String> {
    let request = ListCoursesRequest { all, ..ListCoursesRequest::default() };
    let response = world.ask(by, |view| list_courses(view, &request))?;
    Ok(response.courses.into_iter().map(|course| course.slug).collect())
}

#[test]
fn a_course_begins_unpublished_with_its_creator_as_instructor() {
    let mut world = world();
    let course = make(&mut world, "ines", create("cs101")).unwrap();
    assert_eq!((course.state(), course.my_type()), (CourseState::Unpublished, EnrollmentType::Instructor));
    assert_eq!((&*course.code, &*course.time_zone, course.grace_seconds), ("CS101", "UTC", 60));
    assert_eq!((course.student_count, course.default_section_id.len()), (0, ID_BYTES));
    assert_eq!(world.store.len(Table::Sections), 1);
}

#[test]
fn courses_are_made_by_creators_and_admins_under_free_slugs() {
    let mut world = world();
    assert_eq!(make(&mut world, "ada", create("cs101")), Err("WRONG_ROLE".into()));
    let for_ada = CreateCourseRequest { instructor: "ada".into(), ..create("cs101") };
    assert_eq!(make(&mut world, "root", for_ada).unwrap().my_type(), EnrollmentType::Unspecified);
    assert_eq!(slugs(&world, "ada", false), Ok(vec!["cs101".into()]));
    assert_eq!(make(&mut world, "ines", create("cs101")), Err("DUPLICATE_NAME".into()));
    assert_eq!(make(&mut world, "ines", create("CS 101")), Err("INVALID_ARGUMENT".into()));
    let nobody = CreateCourseRequest { instructor: "nobody".into(), ..create("cs102") };
    assert_eq!(make(&mut world, "ines", nobody), Err("NOT_FOUND".into()));
    let long = CreateCourseRequest { syllabus: "x".repeat(limits::BODY_BYTES + 1), ..create("cs102") };
    assert_eq!(make(&mut world, "ines", long), Err("TOO_LONG".into()));
}

#[test]
fn creating_with_the_same_key_makes_one_course() {
    let mut world = world();
    let body = || Body::CreateCourse(create("cs101"));
    let first = world.run_with_key("ines", "k1", body());
    assert_eq!(world.run_with_key("ines", "k1", body()), first);
    assert_eq!(world.store.len(Table::Courses), 1);
    assert!(world.events.is_empty(), "a repetition tells watchers nothing");
}

#[test]
fn students_do_not_see_a_course_before_it_is_published() {
    let mut world = world();
    make(&mut world, "ines", create("cs101")).unwrap();
    add_student(&mut world, "ada");
    let get = |world: &World| world.ask("ada", |view| get_course(view, &GetCourseRequest { course: "cs101".into() }));
    assert_eq!(get(&world).unwrap_err(), "NOT_FOUND");
    assert_eq!(slugs(&world, "ada", false), Ok(vec![]));
    move_to(&mut world, "ines", CourseState::Available).unwrap();
    assert_eq!(get(&world).unwrap().course.unwrap().my_type(), EnrollmentType::Student);
    assert_eq!(slugs(&world, "ada", false), Ok(vec!["cs101".into()]));
}

#[test]
fn only_instructors_change_a_course_and_a_removed_one_no_longer_does() {
    let mut world = world();
    make(&mut world, "ines", create("cs101")).unwrap();
    move_to(&mut world, "ines", CourseState::Available).unwrap();
    add_student(&mut world, "ada");
    assert_eq!(move_to(&mut world, "ada", CourseState::Completed), Err("WRONG_ROLE".into()));
    let role = |user: &str, kind: EnrollmentType, state: EnrollmentState| {
        Body::UpdateEnrollment(UpdateEnrollmentRequest {
            course: "cs101".into(),
            user: user.into(),
            r#type: Some(kind.into()),
            state: Some(state.into()),
            reason: String::new(),
        })
    };
    let promote = role("ada", EnrollmentType::Instructor, EnrollmentState::Active);
    world.run::<UpdateEnrollmentResponse>("ines", promote).unwrap();
    let remove = role("ines", EnrollmentType::Instructor, EnrollmentState::Inactive);
    world.run::<UpdateEnrollmentResponse>("ada", remove).unwrap();
    assert_eq!(move_to(&mut world, "ines", CourseState::Completed), Err("NOT_FOUND".into()));
}

#[test]
fn a_course_moves_between_neighbouring_states() {
    let mut world = world();
    make(&mut world, "ines", create("cs101")).unwrap();
    assert_eq!(move_to(&mut world, "ines", CourseState::Completed), Err("WRONG_STATE".into()));
    for state in [CourseState::Available, CourseState::Unpublished, CourseState::Available, CourseState::Completed] {
        assert_eq!(move_to(&mut world, "ines", state), Ok(state));
    }
    assert_eq!(move_to(&mut world, "ines", CourseState::Unpublished), Err("WRONG_STATE".into()));
    let title = UpdateCourseRequest { title: Some("Other".into()), ..update("cs101") };
    assert_eq!(change(&mut world, "ines", title.clone()), Err("WRONG_STATE".into()));
    let reopen = UpdateCourseRequest { state: Some(CourseState::Available.into()), ..title };
    assert_eq!(change(&mut world, "ines", reopen).unwrap().title, "Other");
}

#[test]
fn what_students_have_seen_is_deleted_by_admins_only_and_its_slug_is_free_again() {
    let mut world = world();
    make(&mut world, "ines", create("cs101")).unwrap();
    move_to(&mut world, "ines", CourseState::Available).unwrap();
    assert_eq!(move_to(&mut world, "ines", CourseState::Deleted), Err("WRONG_ROLE".into()));
    move_to(&mut world, "root", CourseState::Deleted).unwrap();
    assert_eq!(move_to(&mut world, "root", CourseState::Available), Err("NOT_FOUND".into()));
    assert_eq!((slugs(&world, "ines", false), slugs(&world, "root", true)), (Ok(vec![]), Ok(vec![])));
    make(&mut world, "ines", create("cs101")).unwrap();
    assert_eq!(move_to(&mut world, "ines", CourseState::Deleted), Ok(CourseState::Deleted), "never published");
}

#[test]
fn quotas_above_the_usual_are_an_admins_to_give() {
    let mut world = world();
    make(&mut world, "ines", create("cs101")).unwrap();
    let course = |bytes| UpdateCourseRequest { course_quota_bytes: Some(bytes), ..update("cs101") };
    let student = |bytes| UpdateCourseRequest { student_quota_bytes: Some(bytes), ..update("cs101") };
    let more = limits::COURSE_QUOTA + 1;
    assert_eq!(change(&mut world, "ines", course(more)), Err("WRONG_ROLE".into()));
    assert_eq!(change(&mut world, "root", course(more)).unwrap().course_quota_bytes, more);
    assert_eq!(change(&mut world, "ines", student(more + 1)), Err("INVALID_ARGUMENT".into()));
    assert_eq!(change(&mut world, "ines", student(1000)).unwrap().student_quota_bytes, 1000);
    let grace = UpdateCourseRequest { grace_seconds: Some(MAX_GRACE_SECONDS + 1), ..update("cs101") };
    assert_eq!(change(&mut world, "ines", grace), Err("INVALID_ARGUMENT".into()));
}

#[test]
fn every_course_is_listed_for_admins_only_in_pages() {
    let mut world = world();
    for slug in ["a", "b", "c"] {
        make(&mut world, "ines", create(slug)).unwrap();
    }
    assert_eq!(slugs(&world, "ines", true), Err("WRONG_ROLE".into()));
    assert_eq!(slugs(&world, "root", true), Ok(vec!["a".into(), "b".into(), "c".into()]));
    assert_eq!(slugs(&world, "root", false), Ok(vec![]));
    let page = |page_token: String| {
        let request = ListCoursesRequest { page_size: 2, page_token, all: false };
        world.ask("ines", |view| list_courses(view, &request)).unwrap()
    };
    let first = page(String::new());
    let second = page(first.next_page_token);
    assert_eq!((first.courses.len(), second.courses.len(), second.next_page_token.as_str()), (2, 1, ""));
}
