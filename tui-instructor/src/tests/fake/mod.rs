//! A cluster for tests: one course with its people and their work, in a state of mind that the test chooses.

mod data;

use lectern_client::WatchItem;
use lectern_proto::{POINT, v1};
use lectern_tui_kit::program::Change as Changed;
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::{self, account, material, talk};

use data::{
    accounts, announcement, assignments, audit, course, gradebook, home, library, people, policy, preview, requests,
    statistics, thread, work,
};

use crate::effects::{Change, Effect, FileText, Gradebook, Made, Message, Read};

pub use data::{graded, me, person};

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
            Read::Policy(course) => Message::Policy(
                course.clone(),
                Ok(if busy { policy() } else { v1::GetGradingPolicyResponse::default() }),
            ),
            Read::Statistics(_) => {
                Message::Statistics(Ok(if busy { statistics() } else { v1::GetStatisticsResponse::default() }))
            }
            Read::Overrides(_) => Message::Overrides(Ok(Vec::new())),
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
        Change::CreateGroup(_) => Made::CreateGroup(v1::CreateAssignmentGroupResponse { group: policy().groups.pop() }),
        Change::UpdateGroup(_) => Made::UpdateGroup(v1::UpdateAssignmentGroupResponse { group: policy().groups.pop() }),
        Change::DeleteGroup(_) => Made::DeleteGroup(v1::DeleteAssignmentGroupResponse::default()),
        Change::UpdatePolicy(_) => Made::UpdatePolicy(v1::UpdateGradingPolicyResponse::default()),
        Change::SetOverride(_) => Made::SetOverride(v1::SetOverrideResponse::default()),
        Change::SetFinalGrade(_) => Made::SetFinalGrade(v1::SetFinalGradeResponse::default()),
        Change::DecideExtension(_) => Made::DecideExtension(v1::DecideExtensionRequestResponse::default()),
        Change::CreateUser(_) => Made::CreateUser(v1::CreateUserResponse { user: accounts().pop() }),
        Change::UpdateUser(_) => Made::UpdateUser(v1::UpdateUserResponse { user: accounts().pop() }),
        Change::ImportUsers(_) => {
            Made::ImportUsers(v1::ImportUsersResponse { created: 1, unchanged: 0, rows: Vec::new() })
        }
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
        talk::Effect::Cited { .. } => talk::Message::Cited(Ok((v1::Material::default(), 1))),
        talk::Effect::AskTutor { .. } => unreachable!("the staff do not ask the tutor"),
        talk::Effect::MarkRead(_) => talk::Message::Marked(Ok(())),
        talk::Effect::Change { change, .. } => talk::Message::Changed(Ok(match change {
            talk::Change::Ask(_) | talk::Change::SetState(_) | talk::Change::HandOver(_) => {
                talk::Made::Thread(thread())
            }
            talk::Change::Endorse(_) => talk::Made::Endorsed(question),
            talk::Change::Reply(request) => talk::Made::Message {
                thread: Box::new(v1::Thread { state: v1::ThreadState::Answered.into(), ..thread() }),
                message: Box::new(v1::ThreadMessage {
                    number: 2,
                    body: request.body.clone(),
                    from_staff: true,
                    ..question
                }),
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
            Read::Policy(course) => Message::Policy(course.clone(), Err(failure)),
            Read::Statistics(_) => Message::Statistics(Err(failure)),
            Read::Overrides(_) => Message::Overrides(Err(failure)),
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
            talk::Effect::Cited { .. } => talk::Message::Cited(Err(failure)),
            talk::Effect::AskTutor { .. } => talk::Message::Tutor(talk::News::Failed(failure)),
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

/// No node answers.
pub fn down() -> Failure {
    Failure {
        message: "the cluster cannot be reached: 127.0.0.1:7600: connection refused".into(),
        advice: "check the address and that the cluster runs".into(),
        reason: "UNREACHABLE".into(),
        transient: true,
    }
}

/// Something of this kind changed in the course.
pub fn event(kind: v1::EventKind) -> Changed {
    WatchItem::Event(v1::WatchEvent { index: 1, kind: kind.into(), course_id: "c1".into(), ..Default::default() })
}
