//! The same commands give the same bytes, however they are cut into batches: what replicas rely on.

use lectern_lms::memory::MemoryStore;
use lectern_lms::testing::{World, token};
use lectern_lms::{Applied, Overlay, apply};
use lectern_proto::internal::v1::{
    ActivateAccount, Advance, Command, IssueToken, SetCodes, SetPassword, TouchToken, UserCode, command::Body,
};
use lectern_proto::v1::{
    AccountRights, CreateCourseRequest, CreateUserRequest, EnrollRequest, EnrollmentState, EnrollmentType,
    ImportRosterRequest, ImportUsersRequest, SignOutRequest, UpdateCourseRequest, UpdateEnrollmentRequest,
    UpdateUserRequest,
};
use proptest::prelude::*;
use prost::Message;

const PEOPLE: [&str; 4] = ["root", "ines", "ada", "p1"];

/// A choice of numbers that a command is made of; most commands can succeed and all can be refused.
type Choice = (u8, u8, u8, u8);

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    proptest::collection::vec((0..16_u8, 0..4_u8, 0..4_u8, 0..6_u8), 1..60)
}

fn world() -> World {
    let mut world = World::new();
    world.person("root", AccountRights { admin: true, ..AccountRights::default() });
    let course_id = world.course("c0");
    for (username, kind) in [("ines", EnrollmentType::Instructor), ("ada", EnrollmentType::Student)] {
        let user_id = world.person(username, AccountRights::default());
        world.enroll(&course_id, &user_id, kind);
    }
    world
}

fn user_id(store: &MemoryStore, username: &str) -> String {
    let record = lectern_lms::lookup::user(store, username).unwrap();
    record.and_then(|record| record.user).unwrap_or_default().user_id
}

fn roster(course: String, n: u8) -> Body {
    let role = ["student", "ta", "teacher", "nonsense"][usize::from(n) % 4];
    Body::ImportRoster(ImportRosterRequest {
        course,
        enrollments_csv: format!("user_id,role,section_id\ns{n},{role},L{n}\nada,student,\n").into(),
        users_csv: format!("user_id,login_id,full_name\ns{n},p{n},P{n}\n").into(),
        preview: false,
    })
}

fn body(store: &MemoryStore, (kind, _, what, n): Choice) -> Body {
    let user = PEOPLE[usize::from(what)].to_owned();
    let course = format!("c{}", n % 2);
    let role = i32::from(n % 4);
    match kind {
        0 => Body::Advance(Advance { leaderless_since_ms: (n == 0).then_some(5) }),
        1 => Body::CreateUser(CreateUserRequest {
            username: format!("p{n}"),
            sis_user_id: format!("s{n}"),
            name: "N".into(),
            ..CreateUserRequest::default()
        }),
        2 => Body::UpdateUser(UpdateUserRequest { user, state: Some(i32::from(n)), ..UpdateUserRequest::default() }),
        3 => Body::CreateCourse(CreateCourseRequest { slug: course, title: "T".into(), ..Default::default() }),
        4 => Body::UpdateCourse(UpdateCourseRequest { course, state: Some(role), ..Default::default() }),
        5 | 6 => Body::Enroll(EnrollRequest { course, user, r#type: role, section: format!("L{n}") }),
        7 | 8 => Body::UpdateEnrollment(UpdateEnrollmentRequest {
            course,
            user,
            r#type: Some(role),
            state: (n > 3).then_some(EnrollmentState::Inactive.into()),
            reason: String::new(),
        }),
        9 | 10 => roster(course, n),
        11 => Body::ImportUsers(ImportUsersRequest {
            csv: format!("user_id,login_id,full_name\ns{n},p{n},P{n}\n").into(),
            preview: n == 0,
        }),
        12 => Body::SetCodes(SetCodes {
            codes: vec![UserCode { user_id: user, code_hash: vec![9; 32] }],
            course: if n > 3 { course } else { String::new() },
            lifetime_ms: 1_000_000,
        }),
        13 => Body::ActivateAccount(ActivateAccount {
            user_id: user_id(store, &user),
            code_hash: vec![9; 32],
            password_hash: "$hash".into(),
            new_token_id: token(&user),
            token_name: "laptop".into(),
            token_lifetime_ms: 1_000_000,
        }),
        14 => Body::IssueToken(IssueToken {
            user_id: user_id(store, &user),
            password_version: u64::from(n % 3),
            new_token_id: vec![n; 32],
            name: "script".into(),
            lifetime_ms: 1_000,
        }),
        _ if n == 0 => Body::SignOut(SignOutRequest {}),
        _ if n < 3 => Body::SetPassword(SetPassword { old_password_version: n.into(), password_hash: "$h".into() }),
        _ => Body::TouchToken(TouchToken {}),
    }
}

fn command(world: &mut World, choice: Choice, number: usize) -> Vec<u8> {
    let body = body(&world.store, choice);
    let (_, who, _, n) = choice;
    Command {
        version: 1,
        // Stamps go back now and then, as when a leader with another clock takes over.
        stamped_at_ms: world.now_ms + i64::try_from(number).unwrap() * 100 - i64::from(n) * 70,
        token_id: token(PEOPLE[usize::from(who)]),
        // Few keys, so that some repeat.
        idempotency_key: if n % 2 == 0 { format!("k{}", number / 2) } else { String::new() },
        request_hash: blake3::hash(format!("{body:?}").as_bytes()).as_bytes().to_vec(),
        id_seed: world.id(),
        body: Some(body),
    }
    .encode_to_vec()
}

/// Applies the commands in batches of `size`.
fn replay(start: &MemoryStore, commands: &[Vec<u8>], size: usize) -> (MemoryStore, Vec<Applied>) {
    let mut store = start.clone();
    let mut applied = Vec::new();
    for (batch, commands) in commands.chunks(size).enumerate() {
        let mut overlay = Overlay::new(&store);
        for (place, command) in commands.iter().enumerate() {
            let index = u64::try_from(batch * size + place).unwrap() + 2;
            applied.push(apply(index, 1, command, &mut overlay).unwrap());
        }
        let changes = overlay.into_changes();
        store.commit(changes);
    }
    (store, applied)
}

proptest! {
    #[test]
    fn batches_of_any_size_give_equal_tables_outcomes_and_digests(choices in choices(), size in 2..70_usize) {
        let mut world = world();
        let start = world.store.clone();
        let mut commands = Vec::with_capacity(choices.len());
        for (number, choice) in choices.into_iter().enumerate() {
            commands.push(command(&mut world, choice, number));
            // What later commands name is looked up in the state that the earlier ones made.
            world.store = replay(&world.store, &commands[number..], 1).0;
        }
        let (one_by_one, applied) = replay(&start, &commands, 1);
        let (batched, applied_in_batches) = replay(&start, &commands, size);
        prop_assert_eq!(applied, applied_in_batches);
        prop_assert!(one_by_one == batched);
    }
}
