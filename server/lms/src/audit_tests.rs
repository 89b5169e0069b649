use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{AccountRights, CreateUserRequest, CreateUserResponse, EnrollmentType};

use super::*;
use crate::testing::World;

#[test]
fn entries_come_newest_first_in_pages_to_those_who_may_read_them() {
    let mut world = World::new();
    world.person("root", AccountRights { admin: true, ..AccountRights::default() });
    let course_id = world.course("cs101");
    for (username, kind) in [("ines", EnrollmentType::Instructor), ("tom", EnrollmentType::Ta)] {
        let user_id = world.person(username, AccountRights::default());
        world.enroll(&course_id, &user_id, kind);
    }
    for username in ["a", "b", "c"] {
        let request = CreateUserRequest { username: username.into(), name: "N".into(), ..Default::default() };
        world.run::<CreateUserResponse>("root", Body::CreateUser(request)).unwrap();
    }
    let ask = |by: &str, course: &str, page_token: &str| {
        let request = ListAuditRequest { course: course.into(), page_size: 2, page_token: page_token.into() };
        world.ask(by, |view| list_audit(view, &request))
    };
    let subjects =
        |page: &ListAuditResponse| -> Vec<String> { page.entries.iter().map(|it| it.subject.clone()).collect() };
    let first = ask("root", "", "").unwrap();
    assert_eq!(subjects(&first), ["c", "b"]);
    assert_eq!(first.entries[0].actor.as_ref().unwrap().username, "root");
    assert_eq!(first.entries[0].index, world.index);
    let second = ask("root", "", &first.next_page_token).unwrap();
    assert_eq!((subjects(&second), second.next_page_token), (vec!["a".to_owned()], String::new()));
    assert!(ask("ines", "cs101", "").unwrap().entries.is_empty());
    assert_eq!(ask("ines", "", "").unwrap_err(), "WRONG_ROLE");
    assert_eq!(ask("tom", "cs101", "").unwrap_err(), "WRONG_ROLE");
    assert_eq!(ask("ines", "cs101", &first.next_page_token).unwrap_err(), "INVALID_ARGUMENT", "another list's token");
}
