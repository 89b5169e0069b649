//! What the cluster of tests holds: one course, its people, their work and words.

use lectern_proto::{POINT, v1};
use lectern_tui_kit::shared::material;

use super::{DAY, HOUR, NOW};
use crate::effects::{Change, Gradebook, Preview, Work};

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
        rights: Some(v1::AccountRights { admin: true, course_creator: true, ..Default::default() }),
        ..Default::default()
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

pub(super) fn home(busy: bool) -> v1::GetHomeResponse {
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

pub(super) fn course() -> v1::Course {
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

pub(super) fn assignments() -> Vec<v1::Assignment> {
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

pub(super) fn people(students: usize) -> Vec<v1::Enrollment> {
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

pub(super) fn work(user: &str) -> Work {
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
    Work { submission, attempts: 1, ..Work::default() }
}

pub(super) fn gradebook() -> Gradebook {
    let column = |slug: &str, points: i64| v1::GradebookColumn {
        assignment_id: slug.into(),
        slug: slug.into(),
        title: slug.to_uppercase(),
        points_possible: points * POINT,
        group_id: if slug == "project" { "g2".into() } else { "g1".into() },
    };
    let columns: Vec<_> = (1..=9).map(|at| column(&format!("hw{at}"), 10)).chain([column("project", 40)]).collect();
    let row = |at: usize| {
        let percent = 10_000 - 487 * i64::try_from(at).unwrap_or(0);
        let level = if percent >= 9_000 { "A" } else { "F" };
        v1::GradebookRow {
            student: Some(person(at)),
            cells: (0..columns.len()).map(|column| grade_cell(at, column)).collect(),
            groups: vec![v1::GroupTotal {
                group_id: "g1".into(),
                current_score: percent,
                current_possible: 10_000,
                ..Default::default()
            }],
            total: Some(v1::CourseTotal {
                current: (at != 1).then_some(percent),
                r#final: Some(percent / 2),
                current_level: level.into(),
                final_level: "F".into(),
                ..Default::default()
            }),
            ..Default::default()
        }
    };
    let groups = vec![policy().groups.swap_remove(0)];
    Gradebook { rows: (0..20).map(row).collect(), columns, groups }
}

pub(super) fn policy() -> v1::GetGradingPolicyResponse {
    let group = |id: &str, slug: &str, name: &str, weight, drop_lowest| v1::AssignmentGroup {
        group_id: id.into(),
        slug: slug.into(),
        settings: Some(v1::AssignmentGroupSettings { name: name.into(), weight, drop_lowest, ..Default::default() }),
        revision: 1,
    };
    let level = |name: &str, from| v1::GradingLevel { name: name.into(), from };
    v1::GetGradingPolicyResponse {
        policy: Some(v1::GradingPolicy {
            levels: vec![level("A", 9_000), level("B", 8_000), level("F", 0)],
            ..Default::default()
        }),
        groups: vec![group("g1", "homework", "Homework", 6_000, 1), group("g2", "project", "The project", 4_000, 0)],
        revision: 1,
    }
}

pub(super) fn statistics() -> v1::GetStatisticsResponse {
    v1::GetStatisticsResponse {
        students: 20,
        count: 18,
        lowest: 2_000,
        lower_quartile: 5_500,
        median: 7_000,
        upper_quartile: 8_500,
        highest: 10_000,
        mean: 6_833,
        histogram: vec![0, 0, 1, 0, 2, 3, 2, 4, 3, 2, 1],
        points_possible: 0,
    }
}

fn grade_cell(student: usize, column: usize) -> v1::GradebookCell {
    match (student + column) % 5 {
        0 => v1::GradebookCell { needs_grading: true, ..Default::default() },
        1 => v1::GradebookCell { missing: true, ..Default::default() },
        2 if column == 8 => v1::GradebookCell { excused: true, ..Default::default() },
        2 => v1::GradebookCell { score: Some(75_000), late: true, dropped: column == 3, ..Default::default() },
        3 => v1::GradebookCell { score: Some(90_000), posted: true, ..Default::default() },
        _ => v1::GradebookCell::default(),
    }
}

pub(super) fn requests() -> Vec<v1::ExtensionRequest> {
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

pub(super) fn audit() -> Vec<v1::AuditEntry> {
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

pub(super) fn accounts() -> Vec<v1::User> {
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

pub(super) fn preview() -> Preview {
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

pub(super) fn thread() -> v1::Thread {
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

pub(super) fn announcement() -> v1::Announcement {
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

pub(super) fn library() -> material::Library {
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
