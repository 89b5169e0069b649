//! A server for tests: it answers each effect at once, in one of four moods.

use std::collections::BTreeSet;

use lectern_proto::{POINT, v1};
use lectern_tui_kit::remote::Failure;
use lectern_tui_kit::shared::{self, account, material, talk};

use super::{DAY_MS, HOUR_MS, NOW_MS};
use crate::effects::{Effect, HandedIn, Look, Message, Picked, Stored};
use crate::model::{Attempts, Grades};

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Not at all.
    Silent,
    /// That there is nothing yet.
    Empty,
    /// With a course in full swing.
    Ready,
    /// That it cannot be reached.
    Failing,
}

/// All of them.
pub const MOODS: [Mood; 4] = [Mood::Silent, Mood::Empty, Mood::Ready, Mood::Failing];

/// What an unreachable cluster leads to.
pub fn unreachable() -> Failure {
    Failure {
        message: "the cluster cannot be reached: 127.0.0.1:7600: connection refused".into(),
        advice: "check the address".into(),
        reason: "UNREACHABLE".into(),
        transient: true,
    }
}

/// Its messages to an effect; none where it stays under way.
pub fn answer(mood: Mood, effect: &Effect) -> Option<Vec<Message>> {
    // The disk of this machine works whatever the cluster does.
    match effect {
        Effect::KeepDraft(..) => return Some(vec![Message::Kept(Ok(()))]),
        Effect::Follow => return Some(Vec::new()),
        Effect::Pause { .. } => return None,
        Effect::LookAt(_) => return Some(vec![Message::LookedAt(Ok(look()))]),
        _ => {}
    }
    if mood == Mood::Silent {
        return None;
    }
    Some(messages(mood, effect))
}

/// A value in a mood.
fn value<T: Default>(mood: Mood, full: impl FnOnce() -> T) -> Result<T, Failure> {
    match mood {
        Mood::Ready => Ok(full()),
        Mood::Empty => Ok(T::default()),
        Mood::Failing | Mood::Silent => Err(unreachable()),
    }
}

fn messages(mood: Mood, effect: &Effect) -> Vec<Message> {
    let message = match effect {
        Effect::Shared(effect) => return shared_messages(mood, effect),
        Effect::Home => Message::Home(value(mood, home).map(|home| v1::GetHomeResponse { now_ms: NOW_MS, ..home })),
        Effect::Assignments { .. } => Message::Assignments(value(mood, assignments)),
        Effect::Assignment(place) => {
            let found = assignments().into_iter().find(|it| it.slug == place.assignment).unwrap_or_default();
            let bare = v1::Assignment { settings: Some(bare_settings()), attachments: Vec::new(), ..found.clone() };
            let answer = match mood {
                Mood::Empty => Ok((bare, NOW_MS)),
                mood => value(mood, || (found, NOW_MS)),
            };
            Message::Assignment(Box::new(answer))
        }
        Effect::Attempts(_) => Message::Attempts(value(mood, attempts)),
        Effect::Grades { .. } => Message::Grades(value(mood, grades)),
        Effect::OpenDraft { .. } => {
            return vec![Message::KeptDraft(Ok(None)), Message::ServerDraft(value(mood, || Some(draft())))];
        }
        Effect::ServerDraft(_) | Effect::DraftRevision(..) => Message::ServerDraft(value(mood, || Some(draft()))),
        Effect::SaveDraft { text, base, .. } => Message::DraftSaved(saved(mood, text, *base)),
        Effect::HandIn(offer) => {
            let outcome = value(mood, submission).map(|made| HandedIn::Submission(Box::new(stored(made))));
            Message::HandedIn { place: offer.place.clone(), outcome }
        }
        Effect::SendQueued { .. } => Message::Queued(Ok(BTreeSet::new())),
        Effect::Choose { attempt, .. } => Message::Chosen(value(mood, || chosen(*attempt))),
        Effect::KeepReceipt { .. } => Message::ReceiptKept(value(mood, || "/state/receipts/hw2-3.receipt".into())),
        Effect::Withdraw { .. } => Message::Withdrawn(value(mood, || ())),
        Effect::KeepDraft(..) | Effect::Follow | Effect::Pause { .. } | Effect::LookAt(_) => return Vec::new(),
    };
    vec![message]
}

/// What is stored of a submission, with its receipt.
pub fn stored(submission: v1::Submission) -> Stored {
    let counted = v1::Counted {
        attempt: submission.attempt,
        because: v1::CountsBecause::Latest.into(),
        ..v1::Counted::default()
    };
    Stored { submission, counted, receipt: Ok("/state/receipts/hw2-3.receipt".into()) }
}

fn chosen(attempt: u32) -> v1::Counted {
    v1::Counted { attempt, because: v1::CountsBecause::Chosen.into(), chosen_at_ms: Some(NOW_MS) }
}

fn saved(mood: Mood, text: &str, base: u64) -> Result<v1::SaveDraftResponse, Failure> {
    if mood == Mood::Failing {
        return Err(Failure { reason: "WRONG_STATE".into(), ..Failure::local("the course is completed") });
    }
    let saved = v1::DraftRevision { revision: base + 1, text_bytes: text.len() as u64, ..Default::default() };
    Ok(v1::SaveDraftResponse { saved: Some(saved), conflicting_revision: None })
}

fn shared_messages(mood: Mood, effect: &shared::Effect) -> Vec<Message> {
    let message = match effect {
        shared::Effect::Account(effect) => shared::Message::Account(match effect {
            account::Effect::Connect { .. } => account::Message::Connected(value(mood, || 3)),
            account::Effect::ChangePassword { .. } => account::Message::PasswordChanged(value(mood, || ())),
            account::Effect::SignOut => account::Message::Left(value(mood, || ())),
            account::Effect::SignIn { .. } | account::Effect::Activate { .. } => {
                account::Message::SignedIn(value(mood, user).map(|user| account::SignedIn { user, not_kept: None }))
            }
        }),
        shared::Effect::Material(effect) => shared::Message::Material(match effect {
            material::Effect::List { .. } => material::Message::Listed(value(mood, library)),
            material::Effect::Pages { first, count, .. } => {
                material::Message::Pages(value(mood, || pages(*first, *count)))
            }
            material::Effect::MarkOpened { .. } => material::Message::Opened(value(mood, || ())),
            material::Effect::Save { .. } => material::Message::Saved(value(mood, || "/home/zoe/notes.pdf".into())),
        }),
        shared::Effect::Talk(effect) => shared::Message::Talk(match effect {
            talk::Effect::Threads { .. } => talk::Message::Threads(value(mood, threads)),
            talk::Effect::Announcements { .. } => talk::Message::Announcements(value(mood, announcements)),
            talk::Effect::Thread { .. } => talk::Message::Thread(value(mood, talk::Conversation::default)),
            talk::Effect::Cited { .. } => talk::Message::Cited(Err(Failure::local("it is gone"))),
            talk::Effect::AskTutor { .. } => {
                talk::Message::Tutor(talk::News::Failed(Failure::local("no tutor is running")))
            }
            talk::Effect::MarkRead(_) => talk::Message::Marked(value(mood, || ())),
            talk::Effect::Change { .. } => talk::Message::Changed(value(mood, || ()).map(|()| talk::Made::Deleted)),
        }),
    };
    vec![Message::Shared(message)]
}

fn user() -> v1::User {
    v1::User { user_id: "u1".into(), username: "zoe".into(), name: "Zoe Adelwart".into(), ..Default::default() }
}

/// A home with something of everything.
pub fn home() -> v1::GetHomeResponse {
    let due = |slug: &str, title: &str, due_at_ms| v1::DueItem {
        course_slug: "cs101".into(),
        assignment_slug: slug.into(),
        title: title.into(),
        due_at_ms,
        ..Default::default()
    };
    v1::GetHomeResponse {
        now_ms: NOW_MS,
        courses: vec![
            v1::HomeCourse {
                slug: "cs101".into(),
                title: "Introduction to Programming".into(),
                my_type: 1,
                unread_announcements: 1,
                unread_messages: 2,
                ..Default::default()
            },
            v1::HomeCourse { slug: "ma201".into(), title: "Linear Algebra".into(), my_type: 1, ..Default::default() },
        ],
        due: vec![
            v1::DueItem { missing: true, ..due("hw1", "Hello, world", Some(NOW_MS - 2 * HOUR_MS)) },
            v1::DueItem { has_draft: true, ..due("hw2", "Sorting a list", Some(NOW_MS + 3 * HOUR_MS + 90_000)) },
            v1::DueItem { submitted: true, ..due("hw3", "Linked lists", Some(NOW_MS + 2 * DAY_MS + 5 * HOUR_MS)) },
            due("project", "The project: a distributed key-value store", None),
        ],
        grades: vec![v1::HomeGrade {
            course_slug: "cs101".into(),
            assignment_slug: "hw0".into(),
            title: "A first program".into(),
            score: 19 * POINT / 2,
            points_possible: 10 * POINT,
            posted_at_ms: NOW_MS - DAY_MS,
            ..Default::default()
        }],
        user: Some(user()),
        unread: vec![
            v1::UnreadItem {
                course_slug: "cs101".into(),
                thread_number: 12,
                title: "Is heap sort stable?".into(),
                at_ms: NOW_MS - HOUR_MS,
                count: 2,
                ..Default::default()
            },
            v1::UnreadItem {
                course_slug: "cs101".into(),
                announcement_id: "a1".into(),
                title: "No lecture on Friday".into(),
                at_ms: NOW_MS - DAY_MS,
                count: 1,
                ..Default::default()
            },
        ],
    }
}

fn bare_settings() -> v1::AssignmentSettings {
    v1::AssignmentSettings {
        title: "Sorting a list".into(),
        points_possible: 10 * POINT,
        submission_types: vec![v1::SubmissionType::Text.into(), v1::SubmissionType::Files.into()],
        ..Default::default()
    }
}

/// The assignments of a course.
pub fn assignments() -> Vec<v1::Assignment> {
    let assignment = |slug: &str, title: &str, mine: v1::MySubmissionState| v1::Assignment {
        assignment_id: format!("id-{slug}"),
        course_slug: "cs101".into(),
        slug: slug.into(),
        settings: Some(v1::AssignmentSettings {
            title: title.into(),
            description: "Write a function that **sorts** a list of numbers.\n\n- It must be *stable*.\n- Say in two \
                          sentences why it is.\n\n```\ndef sort(numbers): ...\n```\n\nRead chapter 3 first."
                .into(),
            points_possible: 10 * POINT,
            allowed_attempts: 3,
            allowed_extensions: vec!["py".into(), "txt".into()],
            submission_types: vec![v1::SubmissionType::Text.into(), v1::SubmissionType::Files.into()],
            ..Default::default()
        }),
        attachments: vec![file("start.py", 2_048)],
        mine: Some(mine),
        ..Default::default()
    };
    let mine = v1::MySubmissionState::default;
    vec![
        assignment("hw0", "A first program", v1::MySubmissionState { score: Some(19 * POINT / 2), ..mine() }),
        assignment(
            "hw1",
            "Hello, world",
            v1::MySubmissionState { missing: true, due_at_ms: Some(NOW_MS - 2 * HOUR_MS), ..mine() },
        ),
        assignment(
            "hw2",
            "Sorting a list",
            v1::MySubmissionState {
                attempts_used: 1,
                submitted_at_ms: Some(NOW_MS - DAY_MS),
                due_at_ms: Some(NOW_MS + 3 * HOUR_MS + 90_000),
                lock_at_ms: Some(NOW_MS + 2 * DAY_MS),
                has_draft: true,
                ..mine()
            },
        ),
        assignment(
            "hw3",
            "Linked lists",
            v1::MySubmissionState { due_at_ms: Some(NOW_MS + 2 * DAY_MS + 5 * HOUR_MS), ..mine() },
        ),
    ]
}

/// A file, with a digest that can be recognised.
pub fn file(name: &str, size: u64) -> v1::FileRef {
    v1::FileRef { file_id: format!("file-{name}"), name: name.into(), size, digest: vec![0xab; 32] }
}

/// An attempt with a text and a file.
pub fn submission() -> v1::Submission {
    v1::Submission {
        submission_id: "s1".into(),
        course_slug: "cs101".into(),
        assignment_slug: "hw2".into(),
        attempt: 2,
        submitted_at_ms: NOW_MS,
        due_at_ms: Some(NOW_MS + 3 * HOUR_MS),
        text: "Merge sort is stable.".into(),
        text_digest: vec![0x1f; 32],
        files: vec![file("sort.py", 4_321)],
        comment: "The tests are in the same file.".into(),
        index: 4_711,
        term: 3,
        ..Default::default()
    }
}

fn attempts() -> Attempts {
    Attempts {
        attempts: vec![v1::Submission { attempt: 1, submitted_at_ms: NOW_MS - DAY_MS, ..submission() }],
        counted: v1::Counted { attempt: 1, because: v1::CountsBecause::Latest.into(), ..v1::Counted::default() },
        pledges: vec![v1::Pledge { pledge_id: "p1".into(), pledged_at_ms: NOW_MS - HOUR_MS, ..Default::default() }],
        requests: Vec::new(),
    }
}

fn grades() -> Grades {
    let row = |slug: &str, title: &str, grade| v1::MyGrade {
        assignment_slug: slug.into(),
        title: title.into(),
        points_possible: 10 * POINT,
        assignment_id: format!("id-{slug}"),
        group_id: "g1".into(),
        grade,
        ..Default::default()
    };
    let grade = v1::Grade {
        score: 19 * POINT / 2,
        entered_score: 10 * POINT,
        points_deducted: POINT / 2,
        feedback: "Well done.\n\n- Names say what they mean.\n- *Test* the empty list, too.".into(),
        grader: Some(v1::PersonRef { name: "Marguerite Lindqvist".into(), ..Default::default() }),
        graded_at_ms: NOW_MS - DAY_MS,
        posted: true,
        attempt: 1,
        grade_matches_current_submission: true,
        ..Default::default()
    };
    let submitted = v1::WorkflowState::Submitted.into();
    Grades {
        rows: vec![
            row("hw0", "A first program", Some(grade)),
            v1::MyGrade { missing: true, ..row("hw1", "Hello, world", None) },
            v1::MyGrade { state: submitted, ..row("hw2", "Sorting a list", None) },
        ],
        groups: vec![v1::AssignmentGroup {
            group_id: "g1".into(),
            slug: "homework".into(),
            settings: Some(v1::AssignmentGroupSettings {
                name: "Homework".into(),
                weight: 6_000,
                drop_lowest: 1,
                ..Default::default()
            }),
            revision: 1,
        }],
        group_totals: vec![v1::GroupTotal {
            group_id: "g1".into(),
            current_score: 19 * POINT / 2,
            current_possible: 10 * POINT,
            final_score: 19 * POINT / 2,
            final_possible: 20 * POINT,
        }],
        total: v1::CourseTotal {
            current: Some(9_500),
            current_level: "A".into(),
            r#final: Some(4_750),
            final_level: "F".into(),
            ..Default::default()
        },
        policy: v1::GradingPolicy {
            levels: vec![
                v1::GradingLevel { name: "A".into(), from: 9_000 },
                v1::GradingLevel { name: "B".into(), from: 8_000 },
                v1::GradingLevel { name: "F".into(), from: 0 },
            ],
            ..Default::default()
        },
    }
}

/// What the server has of the draft.
pub fn draft() -> v1::DraftRevision {
    v1::DraftRevision {
        revision: 3,
        base_revision: 2,
        saved_at_ms: NOW_MS - HOUR_MS,
        device_label: "lab-pc-7".into(),
        text: "Merge sort is stable,\nbecause equal elements keep their order.".into(),
        text_bytes: 62,
    }
}

fn look() -> Look {
    Look {
        files: vec![Picked { name: "sort.py".into(), size: 4_321 }, Picked { name: "notes.txt".into(), size: 812 }],
        directory: false,
        skipped: Vec::new(),
    }
}

/// Materials of each kind.
pub fn library() -> material::Library {
    let material = |slug: &str, title: &str, kind: v1::MaterialKind, module: &str, opened| v1::Material {
        slug: slug.into(),
        title: title.into(),
        kind: kind.into(),
        file: Some(file(&format!("{slug}.pdf"), 3 << 20)),
        module_id: module.into(),
        opened,
        ..Default::default()
    };
    let module = |id: &str, name: &str| v1::Module { module_id: id.into(), name: name.into(), ..Default::default() };
    material::Library {
        modules: vec![module("m1", "Week 1"), module("m2", "Week 2: sorting")],
        materials: vec![
            material("sorting", "Sorting, slowly and fast", v1::MaterialKind::Pdf, "m2", false),
            material("syllabus", "How this course works", v1::MaterialKind::Markdown, "m1", true),
            material("data", "Data for the exercises", v1::MaterialKind::Other, "", false),
        ],
    }
}

fn pages(first: u32, count: u32) -> material::Pages {
    let text = |number: u32| match number {
        1 => {
            "# Sorting\n\nA sort is *stable* when equal elements keep their order.\n\n1. insertion sort\n2. merge sort\n"
        }
        2 => "Merge sort divides, sorts both halves, and merges them.",
        _ => "",
    };
    let numbers = first..(first + count).min(4);
    let page = |number| v1::Page { number, text: text(number).into(), scanned: number == 3 };
    material::Pages { pages: numbers.map(page).collect(), total: 3 }
}

fn threads() -> Vec<v1::Thread> {
    vec![v1::Thread {
        thread_id: "t1".into(),
        course_slug: "cs101".into(),
        number: 12,
        title: "Is heap sort stable?".into(),
        visibility: v1::ThreadVisibility::Course.into(),
        state: v1::ThreadState::Answered.into(),
        updated_at_ms: NOW_MS - HOUR_MS,
        created_at_ms: NOW_MS - DAY_MS,
        message_count: 2,
        unread_count: 1,
        ..Default::default()
    }]
}

fn announcements() -> Vec<v1::Announcement> {
    vec![v1::Announcement {
        announcement_id: "a1".into(),
        course_slug: "cs101".into(),
        title: "No lecture on Friday".into(),
        body: "The building is closed.".into(),
        created_at_ms: NOW_MS - DAY_MS,
        unread: true,
        ..Default::default()
    }]
}
