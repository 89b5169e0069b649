//! A cluster for tests: one course with its people and their work, in a state of mind that the test chooses.

use lectern_client::WatchItem;
use lectern_proto::{POINT, v1};
use lectern_tui_kit::program::Change as Changed;
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::{self, account, material, talk};

use crate::effects::{Change, Effect, FileText, Gradebook, Made, Message, Preview, Read, Work};

/// Tue 24 Nov 2026, 12:00 UTC.
pub const NOW: i64 = 1_795_521_600_000;
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Not at all, yet.
    Silent,
    /// With what an installation has before anything happened.
    Empty,
    /// With a course in full swing.
    Busy,
    /// With no: no node can be reached.
    Down,
}

/// The cluster.
pub struct Fake {
    /// How it answers.
    pub mood: Mood,
    /// Students of the course.
    pub students: usize,
    /// Grades it was given, in their order.
    pub grades: Vec<(String, v1::SetGradeRequest)>,
    /// Other changes it was given.
    pub changes: Vec<Change>,
}

impl Fake {
    /// A cluster in this mood, with twenty students.
    pub fn new(mood: Mood) -> Self {
        Self { mood, students: 20, grades: Vec::new(), changes: Vec::new() }
    }

    /// Does an effect; none leaves it under way.
    pub fn answer(&mut self, effect: &Effect) -> Option<Vec<Message>> {
        if matches!(effect, Effect::Follow) {
            return None;
        }
        match self.mood {
            Mood::Silent => None,
            Mood::Down => Some(vec![refusal(effect, &down())]),
            Mood::Empty | Mood::Busy => Some(self.good_news(effect)),
        }
    }

    fn good_news(&mut self, effect: &Effect) -> Vec<Message> {
        let busy = self.mood == Mood::Busy;
        match effect {
            Effect::Read(read) => self.read(read, busy),
            Effect::Grade { key, place, request } => {
                self.grades.push((key.clone(), request.clone()));
                vec![Message::Graded { place: place.clone(), key: key.clone(), result: Ok(graded(request)) }]
            }
            Effect::Change { change, .. } => {
                self.changes.push(change.clone());
                vec![Message::Changed(Ok(Box::new(made(change))))]
            }
            Effect::Write { path, .. } => vec![Message::Written(Ok(path.clone()))],
            Effect::Follow => Vec::new(),
            Effect::Shared(effect) => vec![Message::Shared(shared_answer(effect, busy))],
        }
    }

    fn read(&self, read: &Read, busy: bool) -> Vec<Message> {
        let when = |list: bool| busy && list;
        let message = match read {
            Read::Me => Message::Me(Ok(v1::WhoAmIResponse { user: Some(me()), now_ms: NOW, ..Default::default() })),
            Read::Home => Message::Home(Ok(home(busy))),
            Read::AllCourses => Message::Courses(Ok(if busy { vec![course()] } else { Vec::new() })),
            Read::Course(_) => Message::Course(Ok(course())),
            Read::Waiting(_) | Read::Assignments(_) => {
                Message::Assignments(Ok(if busy { assignments() } else { Vec::new() }))
            }
            Read::Assignment(_) => Message::Assignment(Ok(assignments().remove(0))),
            Read::People(_) => Message::People(Ok(if busy { people(self.students) } else { Vec::new() })),
            Read::Submissions(hw) => {
                let rows = if busy { self.submissions() } else { Vec::new() };
                Message::Submissions(hw.clone(), Ok(rows))
            }
            Read::Work(place) => {
                let work = work(&place.user);
                let texts = work.submission.files.iter().map(|file| {
                    let text = if file.name.ends_with("py") { FileText::Text(CODE.into()) } else { FileText::Other };
                    Message::FileText(file.file_id.clone(), text)
                });
                let mut messages = vec![Message::Work(place.clone(), Ok(work.clone()))];
                messages.extend(texts);
                return messages;
            }
            Read::Gradebook(_) => Message::Gradebook(Ok(if when(true) { gradebook() } else { Gradebook::default() })),
            Read::GradebookCsv(_) => Message::Bytes(Ok(b"Student,ID\n".to_vec())),
            Read::Requests(_) => Message::Requests(Ok(if busy { requests() } else { Vec::new() })),
            Read::Audit(_) => Message::Audit(Ok(if busy { audit() } else { Vec::new() })),
            Read::Accounts => Message::Accounts(Ok(if busy { accounts() } else { Vec::new() })),
            Read::Import(_) => Message::Preview(Ok(preview())),
        };
        vec![message]
    }

    fn submissions(&self) -> Vec<v1::SubmissionSummary> {
        (0..self.students).map(|at| self.summary(at)).collect()
    }

    fn summary(&self, at: usize) -> v1::SubmissionSummary {
        let person = person(at);
        let given = self.grades.iter().rev().find(|(_, request)| request.user == person.username);
        let grade = match (given, at) {
            (Some((_, request)), _) => Some(graded(request)),
            (None, 3) => Some(v1::Grade {
                score: 8 * POINT,
                feedback: "Well argued.".into(),
                grader: Some(v1::PersonRef { name: "Bob Ross".into(), ..Default::default() }),
                attempt: 1,
                grade_matches_current_submission: true,
                revision: 1,
                points_possible: 10 * POINT,
                ..Default::default()
            }),
            _ => None,
        };
        let missing = at == 5;
        v1::SubmissionSummary {
            submitter: Some(person),
            state: match (missing, &grade) {
                (true, _) => v1::WorkflowState::Unsubmitted,
                (false, Some(_)) => v1::WorkflowState::Graded,
                (false, None) => v1::WorkflowState::Submitted,
            }
            .into(),
            attempts: u32::from(!missing),
            submitted_at_ms: (!missing).then_some(NOW - DAY + i64::try_from(at).unwrap_or(0) * HOUR / 2),
            late: at == 4,
            missing,
            grade,
            ..Default::default()
        }
    }
}

const CODE: &str = "def minutes(hours, rest):\n    return 60 * hours + rest\n\nprint(minutes(21, 17))\n";

const NAMES: [&str; 8] = [
    "Ada Lovelace",
    "Blaise Pascal",
    "Chen Ning",
    "Dorothy Vaughan",
    "Emmy Noether",
    "Fatima al-Fihri",
    "Gerda Philipsborn",
    "Håkan Ångström",
];

/// The student with this number.
pub fn person(at: usize) -> v1::PersonRef {
    let name = NAMES[at % NAMES.len()];
    let first = name.split(' ').next().unwrap_or_default().to_lowercase();
    let number = at / NAMES.len();
    let suffix = if number == 0 { String::new() } else { number.to_string() };
    v1::PersonRef {
        user_id: format!("u{at:02}"),
        username: format!("{}{suffix}", first.replace('å', "a")),
        name: format!("{name}{}", if number == 0 { String::new() } else { format!(" {}", number + 1) }),
    }
}

/// The person in front of the program: everything is allowed.
pub fn me() -> v1::User {
    v1::User {
        username: "grace".into(),
        name: "Grace Hopper".into(),
        rights: Some(v1::AccountRights { admin: true, course_creator: true, operator: false }),
        ..Default::default()
    }
}

/// No node answers.
pub fn down() -> Failure {
    Failure {
        message: "the cluster cannot be reached: 127.0.0.1:7600: connection refused".into(),
        advice: "check the address and that the cluster runs".into(),
        reason: "UNREACHABLE".into(),
        transient: true,
    }
}

/// What the cluster says of a grade it was given.
pub fn graded(request: &v1::SetGradeRequest) -> v1::Grade {
    v1::Grade {
        score: request.score,
        entered_score: request.score,
        feedback: request.feedback.clone(),
        grader: Some(v1::PersonRef { username: "grace".into(), name: "Grace Hopper".into(), ..Default::default() }),
        graded_at_ms: NOW,
        attempt: request.attempt,
        grade_matches_current_submission: true,
        revision: request.base_revision + 1,
        points_possible: 10 * POINT,
        ..Default::default()
    }
}

/// Something of this kind changed in the course.
pub fn event(kind: v1::EventKind) -> Changed {
    WatchItem::Event(v1::WatchEvent { index: 1, kind: kind.into(), course_id: "c1".into(), ..Default::default() })
}

fn home(busy: bool) -> v1::GetHomeResponse {
    let course = |slug: &str, title: &str, waiting: u32, kind: v1::EnrollmentType| v1::HomeCourse {
        slug: slug.into(),
        code: slug.to_uppercase(),
        title: title.into(),
        my_type: u32::try_from(i32::from(kind)).unwrap_or(0),
        needs_grading: waiting,
        open_threads: waiting / 6,
        pending_extension_requests: u32::from(waiting > 0),
        unread_messages: waiting / 9,
        ..Default::default()
    };
    let courses = vec![
        course("cs101", "Introduction to Programming", 18, v1::EnrollmentType::Instructor),
        course("cs240", "Data Structures", 0, v1::EnrollmentType::Ta),
    ];
    v1::GetHomeResponse { now_ms: NOW, courses: if busy { courses } else { Vec::new() }, ..Default::default() }
}

fn course() -> v1::Course {
    v1::Course {
        course_id: "c1".into(),
        slug: "cs101".into(),
        code: "CS 101".into(),
        title: "Introduction to Programming".into(),
        term: "Autumn 2026".into(),
        time_zone: "Europe/Berlin".into(),
        state: v1::CourseState::Available.into(),
        my_type: v1::EnrollmentType::Instructor.into(),
        student_count: 20,
        grace_seconds: 60,
        ..Default::default()
    }
}

fn assignments() -> Vec<v1::Assignment> {
    let assignment = |at: i64, slug: &str, title: &str, points: i64, waiting: u32| v1::Assignment {
        assignment_id: format!("a{at}"),
        course_id: "c1".into(),
        course_slug: "cs101".into(),
        slug: slug.into(),
        settings: Some(v1::AssignmentSettings {
            title: title.into(),
            description: "Write a function, and say why it is right.".into(),
            points_possible: points * POINT,
            due_at_ms: Some(NOW + (at - 1) * 7 * DAY + 11 * HOUR),
            submission_types: vec![v1::SubmissionType::Text.into(), v1::SubmissionType::Files.into()],
            post_manually: true,
            published: at < 3,
            ..Default::default()
        }),
        counts: Some(v1::AssignmentCounts {
            students: 20,
            submitted: if waiting > 0 { 19 } else { 0 },
            graded: u32::from(waiting > 0),
            posted: 0,
            needs_grading: waiting,
        }),
        revision: 4,
        ..Default::default()
    };
    vec![
        assignment(1, "hw1", "Homework 1: Minutes and change", 10, 18),
        assignment(2, "hw2", "Homework 2: Loops and their proofs", 20, 0),
        assignment(3, "project", "Project: A program of your own", 40, 0),
    ]
}

fn people(students: usize) -> Vec<v1::Enrollment> {
    let staff = v1::Enrollment {
        person: Some(v1::PersonRef { username: "grace".into(), name: "Grace Hopper".into(), ..Default::default() }),
        r#type: v1::EnrollmentType::Instructor.into(),
        state: v1::EnrollmentState::Active.into(),
        activated: true,
        ..Default::default()
    };
    let student = |at| v1::Enrollment {
        person: Some(person(at)),
        r#type: v1::EnrollmentType::Student.into(),
        state: if at % 4 == 3 { v1::EnrollmentState::Invited } else { v1::EnrollmentState::Active }.into(),
        section: "Section A".into(),
        email: format!("{}@example.edu", person(at).username),
        activated: at % 4 != 3,
        ..Default::default()
    };
    std::iter::once(staff).chain((0..students).map(student)).collect()
}

fn work(user: &str) -> Work {
    if user == person(5).username {
        return Work::default();
    }
    let submission = v1::Submission {
        submission_id: format!("s-{user}"),
        attempt: 1,
        submitted_at_ms: NOW - DAY,
        text: format!("My answer is 1277 minutes.\n\nI, {user}, began with the hours, and added what was left over."),
        files: vec![
            v1::FileRef { file_id: format!("f-{user}"), name: "minutes.py".into(), size: 84, ..Default::default() },
            v1::FileRef { file_id: format!("p-{user}"), name: "proof.pdf".into(), size: 70_000, ..Default::default() },
        ],
        ..Default::default()
    };
    Work { submission, attempts: 1 }
}

fn gradebook() -> Gradebook {
    let column = |slug: &str, points: i64| v1::GradebookColumn {
        assignment_id: slug.into(),
        slug: slug.into(),
        title: slug.to_uppercase(),
        points_possible: points * POINT,
    };
    let columns: Vec<_> = (1..=9).map(|at| column(&format!("hw{at}"), 10)).chain([column("project", 40)]).collect();
    let row = |at: usize| v1::GradebookRow {
        student: Some(person(at)),
        cells: (0..columns.len()).map(|column| grade_cell(at, column)).collect(),
        current_score: i64::try_from(20 - at).unwrap_or(0) * POINT,
        current_possible: 20 * POINT,
        ..Default::default()
    };
    Gradebook { rows: (0..20).map(row).collect(), columns }
}

fn grade_cell(student: usize, column: usize) -> v1::GradebookCell {
    match (student + column) % 5 {
        0 => v1::GradebookCell { needs_grading: true, ..Default::default() },
        1 => v1::GradebookCell { missing: true, ..Default::default() },
        2 => v1::GradebookCell { score: Some(75_000), late: true, ..Default::default() },
        3 => v1::GradebookCell { score: Some(90_000), posted: true, ..Default::default() },
        _ => v1::GradebookCell::default(),
    }
}

fn requests() -> Vec<v1::ExtensionRequest> {
    let request = |at: usize, state: v1::ExtensionState| v1::ExtensionRequest {
        request_id: format!("r{at}"),
        course_slug: "cs101".into(),
        assignment_slug: "hw1".into(),
        requester: Some(person(at)),
        offered_at_ms: NOW - HOUR,
        state: state.into(),
        text: "Here it is.".into(),
        comment: "My train stood still for two hours.".into(),
        ..Default::default()
    };
    vec![request(1, v1::ExtensionState::Pending), request(2, v1::ExtensionState::Accepted)]
}

fn audit() -> Vec<v1::AuditEntry> {
    let entry = |at: i64, action: &str, before: &str, after: &str, reason: &str| v1::AuditEntry {
        audit_id: format!("e{at}"),
        at_ms: NOW - at * HOUR,
        actor: Some(v1::PersonRef { username: "grace".into(), name: "Grace Hopper".into(), ..Default::default() }),
        action: action.into(),
        subject: "cs101/hw1 ada".into(),
        before: before.into(),
        after: after.into(),
        reason: reason.into(),
        index: 7,
    };
    vec![
        entry(1, "grade.set", "8", "9", "the second proof is right"),
        entry(30, "assignment.dates", "", "due 2026-11-24 23:59", ""),
    ]
}

fn accounts() -> Vec<v1::User> {
    let user = |at: usize, state: v1::UserState| v1::User {
        user_id: person(at).user_id,
        username: person(at).username,
        name: person(at).name,
        sis_user_id: format!("s{at:03}"),
        email: format!("{}@example.edu", person(at).username),
        state: state.into(),
        rights: Some(v1::AccountRights { course_creator: at == 0, ..Default::default() }),
        ..Default::default()
    };
    vec![user(0, v1::UserState::Active), user(1, v1::UserState::Invited), user(2, v1::UserState::Suspended)]
}

fn preview() -> Preview {
    let row = |line: u64, action: v1::ImportAction, message: &str| v1::ImportRow {
        line,
        action: action.into(),
        subject: person(usize::try_from(line).unwrap_or(0)).username,
        message: message.into(),
    };
    let change = Change::ImportRoster(v1::ImportRosterRequest {
        course: "cs101".into(),
        enrollments_csv: b"course_id,user_id,role,section_id,status\n".to_vec(),
        ..Default::default()
    });
    Preview {
        change,
        rows: vec![
            row(2, v1::ImportAction::Create, "will be invited and enrolled as student"),
            row(3, v1::ImportAction::Unchanged, "takes part already"),
        ],
        sums: vec![(1, "invited"), (1, "enrolled"), (1, "unchanged")],
    }
}

fn made(change: &Change) -> Made {
    match change {
        Change::CreateCourse(_) => Made::CreateCourse(v1::CreateCourseResponse { course: Some(course()) }),
        Change::UpdateCourse(_) => Made::UpdateCourse(v1::UpdateCourseResponse { course: Some(course()) }),
        Change::Enroll(_) => Made::Enroll(v1::EnrollResponse { enrollment: people(1).pop() }),
        Change::UpdateEnrollment(_) => {
            Made::UpdateEnrollment(v1::UpdateEnrollmentResponse { enrollment: people(1).pop() })
        }
        Change::ImportRoster(_) => {
            Made::ImportRoster(v1::ImportRosterResponse { invited: 1, enrolled: 1, unchanged: 1, rows: Vec::new() })
        }
        Change::IssueCodes(request) => {
            let count = if request.users.is_empty() { 5 } else { 1 };
            let code = |at: usize| v1::IssuedCode {
                person: Some(person(at * 4 + 3)),
                code: format!("ABCD-EFGH-{at:04}-WXYZ"),
                expires_at_ms: NOW + 14 * DAY,
                ..Default::default()
            };
            Made::IssueCodes(v1::IssueCodesResponse { codes: (0..count).map(code).collect() })
        }
        Change::CreateModule(_) => Made::CreateModule(v1::CreateModuleResponse::default()),
        Change::UpdateModule(_) => Made::UpdateModule(v1::UpdateModuleResponse::default()),
        Change::UpdateMaterial(_) | Change::ReplaceMaterial { .. } => {
            Made::UpdateMaterial(v1::UpdateMaterialResponse::default())
        }
        Change::AddMaterial { .. } => Made::CreateMaterial(v1::CreateMaterialResponse::default()),
        Change::DeleteMaterial(_) => Made::DeleteMaterial(v1::DeleteMaterialResponse::default()),
        Change::CreateAssignment(_) => {
            Made::CreateAssignment(v1::CreateAssignmentResponse { assignment: assignments().pop() })
        }
        Change::UpdateAssignment(_) => {
            Made::UpdateAssignment(v1::UpdateAssignmentResponse { assignment: assignments().pop() })
        }
        Change::DeleteAssignment(_) => Made::DeleteAssignment(v1::DeleteAssignmentResponse::default()),
        Change::PostGrades(_) => Made::PostGrades(v1::PostGradesResponse { changed: 1 }),
        Change::DecideExtension(_) => Made::DecideExtension(v1::DecideExtensionRequestResponse::default()),
        Change::CreateUser(_) => Made::CreateUser(v1::CreateUserResponse { user: accounts().pop() }),
        Change::UpdateUser(_) => Made::UpdateUser(v1::UpdateUserResponse { user: accounts().pop() }),
        Change::ImportUsers(_) => {
            Made::ImportUsers(v1::ImportUsersResponse { created: 1, unchanged: 0, rows: Vec::new() })
        }
    }
}

fn thread() -> v1::Thread {
    v1::Thread {
        thread_id: "t1".into(),
        course_slug: "cs101".into(),
        number: 12,
        title: "Does 23:59 count?".into(),
        visibility: v1::ThreadVisibility::Course.into(),
        anonymous: true,
        state: v1::ThreadState::Open.into(),
        author: Some(person(0)),
        created_at_ms: NOW - 3 * HOUR,
        updated_at_ms: NOW - 2 * HOUR,
        message_count: 1,
        unread_count: 1,
        ..Default::default()
    }
}

fn announcement() -> v1::Announcement {
    v1::Announcement {
        announcement_id: "n1".into(),
        course_slug: "cs101".into(),
        title: "The lecture moves to room 12".into(),
        body: "From next week on. The tutorials stay where they are.".into(),
        author: Some(v1::PersonRef { username: "grace".into(), name: "Grace Hopper".into(), ..Default::default() }),
        created_at_ms: NOW - DAY,
        unread: true,
    }
}

fn library() -> material::Library {
    let module = |id: &str, name: &str, release| v1::Module {
        module_id: id.into(),
        name: name.into(),
        position: 1,
        release_at_ms: release,
    };
    let item = |slug: &str, title: &str, module: &str, kind: v1::MaterialKind| v1::Material {
        material_id: slug.into(),
        course_id: "c1".into(),
        slug: slug.into(),
        title: title.into(),
        kind: kind.into(),
        file: Some(v1::FileRef {
            file_id: slug.into(),
            name: format!("{slug}.pdf"),
            size: 2_500_000,
            ..Default::default()
        }),
        module_id: module.into(),
        opened_count: 14,
        ..Default::default()
    };
    material::Library {
        modules: vec![module("m1", "Week 1", None), module("m2", "Week 2", Some(NOW + 7 * DAY))],
        materials: vec![
            item("notes-1", "Values and names", "m1", v1::MaterialKind::Pdf),
            item("reading", "How to read a proof", "", v1::MaterialKind::Markdown),
        ],
    }
}

fn shared_answer(effect: &shared::Effect, busy: bool) -> shared::Message {
    match effect {
        shared::Effect::Talk(effect) => shared::Message::Talk(talk_answer(effect, busy)),
        shared::Effect::Material(material::Effect::List { .. }) => {
            let library = if busy { library() } else { material::Library::default() };
            shared::Message::Material(material::Message::Listed(Ok(library)))
        }
        shared::Effect::Material(_) => shared::Message::Material(material::Message::Saved(Ok("/tmp/notes.pdf".into()))),
        shared::Effect::Account(_) => shared::Message::Account(account::Message::Left(Ok(()))),
    }
}

fn talk_answer(effect: &talk::Effect, busy: bool) -> talk::Message {
    let question = v1::ThreadMessage {
        number: 1,
        author: Some(person(0)),
        body: "The sheet says Tuesday. Is 23:59:30 late?".into(),
        created_at_ms: NOW - 3 * HOUR,
        unread: true,
        ..Default::default()
    };
    match effect {
        talk::Effect::Threads { .. } => talk::Message::Threads(Ok(if busy { vec![thread()] } else { Vec::new() })),
        talk::Effect::Thread { .. } => {
            talk::Message::Thread(Ok(talk::Conversation { thread: thread(), messages: vec![question] }))
        }
        talk::Effect::Announcements { .. } => {
            talk::Message::Announcements(Ok(if busy { vec![announcement()] } else { Vec::new() }))
        }
        talk::Effect::MarkRead(_) => talk::Message::Marked(Ok(())),
        talk::Effect::Change { change, .. } => talk::Message::Changed(Ok(match change {
            talk::Change::Ask(_) | talk::Change::SetState(_) => talk::Made::Thread(thread()),
            talk::Change::Reply(request) => talk::Made::Message {
                thread: v1::Thread { state: v1::ThreadState::Answered.into(), ..thread() },
                message: v1::ThreadMessage { number: 2, body: request.body.clone(), from_staff: true, ..question },
            },
            talk::Change::Announce(_) => talk::Made::Announcement(announcement()),
            talk::Change::Delete(_) => talk::Made::Deleted,
        })),
    }
}

/// The answer to an effect that fails.
fn refusal(effect: &Effect, failure: &Failure) -> Message {
    let failure = failure.clone();
    match effect {
        Effect::Read(read) => match read {
            Read::Me => Message::Me(Err(failure)),
            Read::Home => Message::Home(Err(failure)),
            Read::AllCourses => Message::Courses(Err(failure)),
            Read::Course(_) => Message::Course(Err(failure)),
            Read::Waiting(_) | Read::Assignments(_) => Message::Assignments(Err(failure)),
            Read::Assignment(_) => Message::Assignment(Err(failure)),
            Read::People(_) => Message::People(Err(failure)),
            Read::Submissions(hw) => Message::Submissions(hw.clone(), Err(failure)),
            Read::Work(place) => Message::Work(place.clone(), Err(failure)),
            Read::Gradebook(_) => Message::Gradebook(Err(failure)),
            Read::GradebookCsv(_) => Message::Bytes(Err(failure)),
            Read::Requests(_) => Message::Requests(Err(failure)),
            Read::Audit(_) => Message::Audit(Err(failure)),
            Read::Accounts => Message::Accounts(Err(failure)),
            Read::Import(_) => Message::Preview(Err(failure)),
        },
        Effect::Change { .. } | Effect::Follow => Message::Changed(Err(failure)),
        Effect::Grade { key, place, .. } => Message::GradeWaits { place: place.clone(), key: key.clone(), failure },
        Effect::Write { .. } => Message::Written(Err(failure)),
        Effect::Shared(effect) => Message::Shared(shared_refusal(effect, failure)),
    }
}

fn shared_refusal(effect: &shared::Effect, failure: Failure) -> shared::Message {
    match effect {
        shared::Effect::Talk(effect) => shared::Message::Talk(match effect {
            talk::Effect::Threads { .. } => talk::Message::Threads(Err(failure)),
            talk::Effect::Thread { .. } => talk::Message::Thread(Err(failure)),
            talk::Effect::Announcements { .. } => talk::Message::Announcements(Err(failure)),
            talk::Effect::MarkRead(_) => talk::Message::Marked(Err(failure)),
            talk::Effect::Change { .. } => talk::Message::Changed(Err(failure)),
        }),
        shared::Effect::Material(material::Effect::List { .. }) => {
            shared::Message::Material(material::Message::Listed(Err(failure)))
        }
        shared::Effect::Material(_) => shared::Message::Material(material::Message::Saved(Err(failure))),
        shared::Effect::Account(_) => shared::Message::Account(account::Message::Left(Err(failure))),
    }
}
