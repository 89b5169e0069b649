//! Lectern's own state machine in the simulator: the domain's apply over tables in memory, with commands of real kinds.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, LazyLock},
};

use lectern_lms::{
    ALL_TABLES, Order, Overlay, Rows, Store, StoreError, StoreExt, Table,
    keys::key2,
    lookup, schedule,
    testing::{World, token},
};
use lectern_proto::{
    POINT,
    internal::v1::{Advance, Command, GradeRecord, IdempotencyRecord, Outcome, command::Body, outcome},
    v1,
};
use lectern_raft::sim::{Dice, Done, Logged, Machine};
use prost::Message;

/// Students of the course, and people outside it who may be enrolled.
const STUDENTS: u64 = 8;
const STRANGERS: u64 = 16;
/// Assignments are due, and open, within this many milliseconds of the beginning.
const TERM_MS: u64 = 60_000;
/// The beginning of simulated time.
const EPOCH_MS: i64 = 1_788_264_000_000;

type Bytes = Arc<[u8]>;
type Shared = BTreeMap<Bytes, Bytes>;

/// Tables whose copies share what neither has changed.
#[derive(Clone)]
struct Tables(Vec<Arc<Shared>>);

impl Store for Tables {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.0[table as usize].get(key).map(|value| value.to_vec()))
    }

    fn range(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        order: Order,
        limit: usize,
    ) -> Result<Rows, StoreError> {
        if to.is_some_and(|to| from >= to) {
            return Ok(Rows::new());
        }
        let end = to.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.0[table as usize].range::<[u8], _>((Bound::Included(from), end));
        let owned = |(key, value): (&Bytes, &Bytes)| (key.to_vec(), value.to_vec());
        Ok(match order {
            Order::Ascending => rows.take(limit).map(owned).collect(),
            Order::Descending => rows.rev().take(limit).map(owned).collect(),
        })
    }
}

impl Tables {
    fn put(&mut self, table: Table, key: &[u8], value: Option<&[u8]>) {
        let rows = Arc::make_mut(&mut self.0[table as usize]);
        match value {
            Some(value) => rows.insert(key.into(), value.into()),
            None => rows.remove(key),
        };
    }

    fn count(&self, table: Table) -> usize {
        self.0[table as usize].len()
    }
}

/// People, a course and its first assignment: what every replica begins with.
static GENESIS: LazyLock<Tables> = LazyLock::new(|| {
    let mut world = World::new();
    world.person("root", v1::AccountRights { admin: true, ..v1::AccountRights::default() });
    let course = world.course("cs101");
    let staff = [("ines", v1::EnrollmentType::Instructor), ("tom", v1::EnrollmentType::Ta)];
    let students = (0..STUDENTS).map(|number| (student(number), v1::EnrollmentType::Student));
    let members = staff.map(|(name, kind)| (name.to_owned(), kind)).into_iter().chain(students);
    for (name, kind) in members {
        let user = world.person(&name, v1::AccountRights::default());
        world.enroll(&course, &user, kind);
    }
    for number in 0..STRANGERS {
        world.person(&stranger(number), v1::AccountRights::default());
    }
    let first = create_assignment("hw0".to_owned(), None, None);
    world.run::<v1::CreateAssignmentResponse>("ines", first).expect("the instructor may create an assignment");
    let mut tables =
        Tables(vec![Arc::default(); ALL_TABLES.iter().map(|table| *table as usize + 1).max().unwrap_or(0)]);
    for table in ALL_TABLES {
        let rows = world.store.range(*table, &[], None, Order::Ascending, usize::MAX).expect("memory can be read");
        for (key, value) in &rows {
            tables.put(*table, key, Some(value));
        }
    }
    tables
});

fn student(number: u64) -> String {
    format!("student{number}")
}

fn stranger(number: u64) -> String {
    format!("stranger{number}")
}

fn create_assignment(slug: String, unlock_at_ms: Option<i64>, due_at_ms: Option<i64>) -> Body {
    let settings = v1::AssignmentSettings {
        title: format!("Title of {slug}"),
        description: "What is asked.".to_owned(),
        points_possible: 100 * POINT,
        unlock_at_ms,
        due_at_ms,
        submission_types: vec![v1::SubmissionType::Text.into()],
        post_manually: true,
        published: true,
        ..v1::AssignmentSettings::default()
    };
    let attachments_upload_id = String::new();
    Body::CreateAssignment(v1::CreateAssignmentRequest {
        course: "cs101".to_owned(),
        slug,
        settings: Some(settings),
        attachments_upload_id,
    })
}

/// The domain under the simulated replicas.
#[derive(Clone)]
pub struct Lms {
    tables: Tables,
}

impl Default for Lms {
    fn default() -> Self {
        Self { tables: GENESIS.clone() }
    }
}

const ADVANCE: &str = "time passes";
const REFUSED: &str = "refused by a rule";

/// What a request can be: its name, and who asks for what.
type Kind = (&'static str, fn(u64, &mut Dice) -> (String, Body));

const ASKED: &[Kind] = &[
    ("create a user", create_user),
    ("rename a user", rename_user),
    ("enrol", enrol),
    ("change an enrolment", change_enrolment),
    ("create an assignment", create_another_assignment),
    ("hand in", hand_in),
    ("save a draft", save_draft),
    ("grade", grade),
    ("post grades", post_grades),
    ("announce", announce),
    ("begin a thread", begin_thread),
    ("reply", reply),
];

/// Who asks for what in a request: its number alone decides.
fn ask(request: u64) -> (String, &'static str, Body) {
    let mut dice = Dice::new(request);
    let (kind, make) = *dice.pick(ASKED).expect("there are kinds");
    let (username, body) = make(request, &mut dice);
    (username, kind, body)
}

fn admin() -> String {
    "root".to_owned()
}

fn instructor() -> String {
    "ines".to_owned()
}

fn course() -> String {
    "cs101".to_owned()
}

fn homework() -> String {
    "hw0".to_owned()
}

fn some_student(dice: &mut Dice) -> String {
    student(dice.below(STUDENTS))
}

fn words(dice: &mut Dice) -> String {
    "word ".repeat(usize::try_from(dice.below(30)).unwrap_or(0) + 1)
}

fn create_user(request: u64, dice: &mut Dice) -> (String, Body) {
    let (username, name) = (format!("user{request}"), format!("Name {}", dice.below(100)));
    (admin(), Body::CreateUser(v1::CreateUserRequest { username, name, ..Default::default() }))
}

fn rename_user(request: u64, dice: &mut Dice) -> (String, Body) {
    let (user, name) = (some_student(dice), Some(format!("Name {request}")));
    (admin(), Body::UpdateUser(v1::UpdateUserRequest { user, name, ..Default::default() }))
}

fn enrol(_: u64, dice: &mut Dice) -> (String, Body) {
    let (user, kind) = (stranger(dice.below(STRANGERS)), v1::EnrollmentType::Student.into());
    let request = v1::EnrollRequest { course: course(), user, r#type: kind, section: String::new() };
    (instructor(), Body::Enroll(request))
}

/// Now and then somebody may not work in the course for a while.
fn change_enrolment(_: u64, dice: &mut Dice) -> (String, Body) {
    let state = if dice.chance(300) { v1::EnrollmentState::Inactive } else { v1::EnrollmentState::Active };
    let (user, state) = (some_student(dice), Some(state.into()));
    let request = v1::UpdateEnrollmentRequest { course: course(), user, state, ..Default::default() };
    (instructor(), Body::UpdateEnrollment(request))
}

/// Some open while the run lasts, which is what time has to pass for.
fn create_another_assignment(request: u64, dice: &mut Dice) -> (String, Body) {
    let unlock = dice.chance(500).then(|| EPOCH_MS.saturating_add_unsigned(dice.below(TERM_MS)));
    let due = unlock.map(|unlock| unlock.saturating_add_unsigned(dice.below(TERM_MS)));
    (instructor(), create_assignment(format!("hw{request}"), unlock, due))
}

fn hand_in(_: u64, dice: &mut Dice) -> (String, Body) {
    let request =
        v1::SubmitRequest { course: course(), assignment: homework(), text: words(dice), ..Default::default() };
    (some_student(dice), Body::Submit(request))
}

fn save_draft(_: u64, dice: &mut Dice) -> (String, Body) {
    let request =
        v1::SaveDraftRequest { course: course(), assignment: homework(), text: words(dice), ..Default::default() };
    (some_student(dice), Body::SaveDraft(request))
}

/// Mostly a first grade for a first attempt; else it may be refused.
fn grade(_: u64, dice: &mut Dice) -> (String, Body) {
    let request = v1::SetGradeRequest {
        course: course(),
        assignment: homework(),
        user: some_student(dice),
        score: i64::try_from(dice.below(100)).unwrap_or(0) * POINT,
        feedback: words(dice),
        attempt: u32::from(dice.chance(700)),
        base_revision: dice.below(3) / 2,
        ..Default::default()
    };
    ("tom".to_owned(), Body::SetGrade(request))
}

fn post_grades(_: u64, dice: &mut Dice) -> (String, Body) {
    let hide = dice.chance(300);
    let request = v1::PostGradesRequest { course: course(), assignment: homework(), users: Vec::new(), hide };
    (instructor(), Body::PostGrades(request))
}

fn announce(_: u64, dice: &mut Dice) -> (String, Body) {
    let request = v1::CreateAnnouncementRequest { course: course(), title: "News".to_owned(), body: words(dice) };
    (instructor(), Body::CreateAnnouncement(request))
}

fn begin_thread(_: u64, dice: &mut Dice) -> (String, Body) {
    let request = v1::CreateThreadRequest {
        course: course(),
        title: "A question".to_owned(),
        body: words(dice),
        visibility: v1::ThreadVisibility::Course.into(),
        ..Default::default()
    };
    (some_student(dice), Body::CreateThread(request))
}

fn reply(_: u64, dice: &mut Dice) -> (String, Body) {
    let request = v1::ReplyThreadRequest { course: course(), number: 1 + dice.below(4), body: words(dice) };
    (instructor(), Body::ReplyThread(request))
}

fn key_of(request: u64) -> String {
    format!("request-{request}")
}

/// The request in an idempotency key; 0 in none.
fn request_in(key: &str) -> u64 {
    key.strip_prefix("request-").and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// What is kept of a request.
fn record(store: &dyn Store, username: &str, request: u64) -> Option<IdempotencyRecord> {
    let user = store.get(Table::UsersByName, username.as_bytes()).expect("memory can be read")?;
    let user = String::from_utf8(user).expect("ids are text");
    store.record(Table::Idempotency, &key2(&user, &key_of(request))).expect("memory can be read")
}

fn is_refused(outcome: &Outcome) -> bool {
    matches!(outcome.result, Some(outcome::Result::Refusal(_)))
}

fn id_seed(attempt: u64) -> String {
    format!("01K5{attempt:016}000000")
}

impl Machine for Lms {
    fn apply(&mut self, batch: &[Logged<'_>]) -> Vec<Done> {
        let mut overlay = Overlay::new(&self.tables);
        let done = batch.iter().map(|logged| apply_one(*logged, &mut overlay)).collect();
        for change in overlay.into_changes() {
            self.tables.put(change.table, &change.key, change.value.as_deref());
        }
        done
    }

    fn command(request: u64, attempt: u64, stamp_ms: i64) -> Vec<u8> {
        let (username, _, body) = ask(request);
        let command = Command {
            version: 1,
            stamped_at_ms: stamp_ms,
            token_id: token(&username),
            idempotency_key: key_of(request),
            request_hash: blake3::hash(&request.to_be_bytes()).as_bytes().to_vec(),
            id_seed: id_seed(attempt),
            body: Some(body),
        };
        command.encode_to_vec()
    }

    fn time_passes(attempt: u64, stamp_ms: i64, since_ms: Option<i64>) -> Option<Vec<u8>> {
        let body = Some(Body::Advance(Advance { leaderless_since_ms: since_ms }));
        let command =
            Command { version: 1, stamped_at_ms: stamp_ms, id_seed: id_seed(attempt), body, ..Command::default() };
        Some(command.encode_to_vec())
    }

    fn is_due(&self, now_ms: i64) -> bool {
        schedule::next_due(&self.tables).expect("memory can be read").is_some_and(|due| due <= now_ms)
    }

    fn now_ms(&self) -> i64 {
        lookup::cluster(&self.tables).expect("memory can be read").now_ms
    }

    fn holds(&self, request: u64) -> bool {
        record(&self.tables, &ask(request).0, request).is_some()
    }

    /// Every kind of thing is there as often as it was asked for and not refused.
    fn audit(&self, effective: &BTreeMap<u64, u64>) -> Result<(), String> {
        let mut made: BTreeMap<&str, usize> = BTreeMap::new();
        for (request, index) in effective {
            let (username, kind, _) = ask(*request);
            let kept = record(&self.tables, &username, *request).filter(|kept| kept.index == *index);
            let kept =
                kept.ok_or_else(|| format!("nothing is kept of request {request}, which took effect at {index}"))?;
            let outcome = Outcome::decode(&*kept.outcome).map_err(|problem| problem.to_string())?;
            if !is_refused(&outcome) {
                *made.entry(kind).or_default() += 1;
            }
        }
        let of = |kind: &str| made.get(kind).copied().unwrap_or(0);
        let gained = |table: Table| self.tables.count(table) - GENESIS.count(table);
        let rows: Vec<(_, GradeRecord)> = self
            .tables
            .records(Table::Grades, &[], None, Order::Ascending, usize::MAX)
            .map_err(|problem| problem.to_string())?;
        let graded = rows.iter().map(|(_, grade)| usize::try_from(grade.revision).unwrap_or(0)).sum();
        let expected = [
            ("users", gained(Table::Users), of("create a user")),
            ("enrolments", gained(Table::Enrollments), of("enrol")),
            ("assignments", gained(Table::Assignments), of("create an assignment")),
            ("submissions", gained(Table::Submissions) + gained(Table::ExtensionRequests), of("hand in")),
            ("drafts", gained(Table::DraftRevisions), of("save a draft")),
            ("gradings", graded, of("grade")),
            ("announcements", gained(Table::Announcements), of("announce")),
            ("threads", gained(Table::Threads), of("begin a thread")),
            ("messages", gained(Table::ThreadMessages), of("begin a thread") + of("reply")),
            ("kept outcomes", gained(Table::Idempotency), effective.len()),
        ];
        let strange = expected.iter().find(|(_, there, asked)| there != asked);
        strange
            .map_or(Ok(()), |(what, there, asked)| Err(format!("there are {there} {what}, and {asked} were asked for")))
    }

    fn kinds() -> Vec<&'static str> {
        ASKED.iter().map(|(kind, _)| *kind).chain([ADVANCE, REFUSED]).collect()
    }
}

fn apply_one(logged: Logged<'_>, overlay: &mut Overlay<'_>) -> Done {
    let Logged { index, term, command } = logged;
    let applied = lectern_lms::apply(index, term, command, overlay).expect("simulated commands can be applied");
    let key = Command::decode(command).expect("it was applied").idempotency_key;
    let request = request_in(&key);
    let outcome = blake3::hash(&applied.outcome.encode_to_vec());
    let (mut kind, mut effective) = (ADVANCE, true);
    if request != 0 {
        let (username, asked, _) = ask(request);
        kind = asked;
        effective = record(overlay, &username, request).is_some_and(|kept| kept.index == index);
    }
    if is_refused(&applied.outcome) {
        kind = REFUSED;
    }
    let outcome = u64::from_le_bytes(*outcome.as_bytes().first_chunk().expect("32 bytes"));
    Done { request, kind, effective, outcome, changes: applied.changes_digest }
}
