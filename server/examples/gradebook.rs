//! How long the gradebook of a large course takes to open: 10,000 students and 100 assignments, on RocksDB.
//!
//! ```text
//! cargo build --release --workspace --example gradebook && target/release/examples/gradebook
//! ```
//!
//! The state is written as apply writes it, without a million commands: accounts, enrolments, assignments in five weighted
//! groups that drop the two lowest, and a row of the gradebook for each student. Then the very queries of the service are
//! timed on a snapshot: the first page, which is what opening waits for; the whole gradebook, page after page; statistics;
//! the grades and the home of one student.

use std::error::Error;
use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use lectern_lms::keys::{key1, key2};
use lectern_lms::testing::{World, token};
use lectern_lms::{ALL_TABLES, Actor, Change, Order, Store, Table, View, encode, gradebook, grades, home, statistics};
use lectern_proto::POINT;
use lectern_proto::internal::v1::{
    AssignmentGroupRecord, AssignmentRecord, EnrollmentRecord, GradebookRowRecord, UserRecord,
};
use lectern_proto::v1::{self, AccountRights, EnrollmentState, EnrollmentType};
use lectern_server::store::{AppliedMeta, Caches, StateDb, StateWrite};
use prost::Message;

const STUDENTS: u32 = 10_000;
const ASSIGNMENTS: u32 = 100;
const GROUPS: u32 = 5;
const RUNS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    let db = StateDb::open(dir.path(), &Caches::new(256 << 20, 64 << 20))?;
    let mut world = World::new();
    let course_id = world.course("cs101");
    let instructor = world.person("ines", AccountRights::default());
    world.enroll(&course_id, &instructor, EnrollmentType::Instructor);
    let student = world.person("ada", AccountRights::default());
    world.enroll(&course_id, &student, EnrollmentType::Student);
    write(&db, everything(&world)?)?;
    write(&db, course(&mut world, &course_id))?;
    for from in (0..STUDENTS).step_by(500) {
        let students = (from..from + 500).flat_map(|at| person(&mut world, &course_id, at)).collect();
        write(&db, students)?;
    }
    write(&db, vec![put(Table::GradebookRows, key2(&course_id, &student), encode(&scores(7)))])?;
    db.sync()?;

    let read = db.read();
    let staff = Actor::by_token(&read, &token("ines"), world.now_ms).map_err(|_| "ines is known")?;
    let ada = Actor::by_token(&read, &token("ada"), world.now_ms).map_err(|_| "ada is known")?;
    let of_staff = View { store: &read, actor: &staff, now_ms: world.now_ms };
    let of_ada = View { store: &read, actor: &ada, now_ms: world.now_ms };
    let statistics_of = |assignment: &str| {
        let request = v1::GetStatisticsRequest { course: "cs101".into(), assignment: assignment.into() };
        statistics::get_statistics(&of_staff, &request).expect("staff asks").encoded_len()
    };
    time("first page", || page(&of_staff, "").encoded_len())?;
    time("whole gradebook", || whole(&of_staff))?;
    time("course statistics", || statistics_of(""))?;
    time("assignment statistics", || statistics_of("hw7"))?;
    time("a student's grades", || {
        let request = v1::ListMyGradesRequest { course: "cs101".into(), page_size: 500, ..Default::default() };
        grades::list_my_grades(&of_ada, &request).expect("a student asks").encoded_len()
    })?;
    time("a student's home", || home::get_home(&of_ada, &v1::GetHomeRequest {}).expect("ada asks").encoded_len())
}

fn page(view: &View<'_>, page_token: &str) -> v1::GetGradebookResponse {
    let request = v1::GetGradebookRequest { course: "cs101".into(), page_size: 500, page_token: page_token.into() };
    gradebook::get_gradebook(view, &request).expect("staff asks")
}

fn whole(view: &View<'_>) -> usize {
    let (mut bytes, mut rows, mut token) = (0, 0, String::new());
    loop {
        let page = page(view, &token);
        bytes += page.encoded_len();
        rows += page.rows.len();
        if page.next_page_token.is_empty() {
            assert_eq!(rows, STUDENTS as usize + 1, "everyone is there");
            return bytes;
        }
        token = page.next_page_token;
    }
}

/// Runs it again and again; prints the times and the size of the answer.
fn time(what: &str, run: impl Fn() -> usize) -> Result<(), Box<dyn Error>> {
    let mut bytes = 0;
    let mut times: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let begun = Instant::now();
            bytes = run();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    let ms = |at: usize| times[at].as_secs_f64() * 1e3;
    let (median, slowest, size) = (ms(RUNS / 2), ms(RUNS - 1), bytes / 1_000);
    Ok(writeln!(io::stdout(), "{what:22} median {median:8.2} ms  slowest {slowest:8.2} ms  {size:6} kB")?)
}

fn write(db: &StateDb, changes: Vec<Change>) -> Result<(), Box<dyn Error>> {
    Ok(db.write(&StateWrite { changes, meta: AppliedMeta::default(), members: None })?)
}

fn put(table: Table, key: Vec<u8>, value: Vec<u8>) -> Change {
    Change { table, key, value: Some(value) }
}

/// What the small world holds.
fn everything(world: &World) -> Result<Vec<Change>, Box<dyn Error>> {
    let mut changes = Vec::new();
    for table in ALL_TABLES {
        let rows = world.store.range(*table, &[], None, Order::Ascending, usize::MAX)?;
        changes.extend(rows.into_iter().map(|(key, value)| put(*table, key, value)));
    }
    Ok(changes)
}

/// Groups and assignments.
fn course(world: &mut World, course_id: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut groups = Vec::new();
    for at in 0..GROUPS {
        let group_id = world.id();
        let settings = v1::AssignmentGroupSettings {
            name: format!("Group {at}"),
            weight: 1_000 + 500 * at,
            drop_lowest: 2,
            ..Default::default()
        };
        let slug = format!("group-{at}");
        let group = v1::AssignmentGroup { group_id: group_id.clone(), slug, settings: Some(settings), revision: 1 };
        let record = AssignmentGroupRecord { course_id: course_id.into(), group: Some(group) };
        changes.push(put(Table::AssignmentGroups, key2(course_id, &group_id), encode(&record)));
        groups.push(group_id);
    }
    for number in 1..=ASSIGNMENTS {
        let assignment_id = world.id();
        let settings = v1::AssignmentSettings {
            title: format!("Homework number {number}"),
            description: "What to do, in a few words. ".repeat(40),
            points_possible: i64::from(10 + number % 3 * 5) * POINT,
            due_at_ms: Some(world.now_ms + (i64::from(number) - 50) * 86_400_000),
            submission_types: vec![v1::SubmissionType::Text.into()],
            published: true,
            group: groups[(number % GROUPS) as usize].clone(),
            ..Default::default()
        };
        let slug = format!("hw{number}");
        let record = AssignmentRecord {
            assignment_id: assignment_id.clone(),
            course_id: course_id.into(),
            slug: slug.clone(),
            settings: Some(settings),
            revision: 1,
            number,
            ..Default::default()
        };
        changes.push(put(Table::Assignments, key2(course_id, &assignment_id), encode(&record)));
        changes.push(put(Table::AssignmentsBySlug, key2(course_id, &slug), assignment_id.into_bytes()));
    }
    changes
}

/// A student with an enrolment and a row.
fn person(world: &mut World, course_id: &str, at: u32) -> Vec<Change> {
    let user_id = world.id();
    let username = format!("student{at:05}");
    let user = v1::User {
        user_id: user_id.clone(),
        name: format!("Given-{at} Family-Name"),
        sis_user_id: format!("sis-{at}"),
        email: format!("{username}@example.org"),
        username,
        state: v1::UserState::Active.into(),
        ..Default::default()
    };
    let account = UserRecord { user: Some(user), ever_activated: true, ..Default::default() };
    let enrollment = EnrollmentRecord {
        course_id: course_id.into(),
        user_id: user_id.clone(),
        r#type: EnrollmentType::Student.into(),
        state: EnrollmentState::Active.into(),
        ..Default::default()
    };
    vec![
        put(Table::Users, key1(&user_id), encode(&account)),
        put(Table::Enrollments, key2(course_id, &user_id), encode(&enrollment)),
        put(Table::GradebookRows, key2(course_id, &user_id), encode(&scores(at))),
    ]
}

/// Seven in ten graded, the others waiting or not handed in.
fn scores(seed: u32) -> GradebookRowRecord {
    let mut row = GradebookRowRecord::default();
    for number in 1..=ASSIGNMENTS {
        let dice = seed.wrapping_mul(2_654_435_761).wrapping_add(number.wrapping_mul(40_503)) >> 7;
        if dice % 10 == 0 {
            continue;
        }
        let graded = dice % 10 < 8;
        row.numbers.push(number);
        row.flags.push(if graded { 1 + 2 * (dice % 2) } else { 8 });
        row.scores.push(if graded { i64::from(dice % 11) * POINT } else { 0 });
        row.attempts.push(1 + dice % 2);
        row.graded_attempts.push(u32::from(graded));
        row.grade_revisions.push(u64::from(graded));
        row.late_days.push(0);
    }
    row
}
