//! Nothing that was typed is lost, however fast the person and however slow the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use lectern_proto::{POINT, v1};
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::testkit::Harness;
use proptest::prelude::*;

use super::fake::{Fake, Mood, down, event, graded, person};
use super::{keys, settled};
use crate::effects::{Effect, Message, Work};
use crate::model::desk::{Desk, Standing};
use crate::model::{Hw, Place};
use crate::program::Instructor;
use crate::saving;

/// Grading the first of twenty students, of whom one has a grade and one handed in nothing.
fn grading() -> (Harness<Instructor>, Fake) {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter enter enter");
    program.assert_shows("Ada Lovelace");
    (program, fake)
}

fn is_grade(effect: &Effect) -> bool {
    matches!(effect, Effect::Grade { .. })
}

fn place(at: usize) -> Place {
    Place { hw: Hw { course: "cs101".into(), assignment: "hw1".into() }, user: person(at).username }
}

#[test]
fn twenty_grades_typed_as_fast_as_keys_come_arrive_once_each_over_a_cluster_that_hardly_answers() {
    let (mut program, mut fake) = grading();
    for at in 0..20 {
        program.type_text(&format!("{}.5", at % 10));
        program.keys("f");
        program.type_text(&format!("for {at}"));
        program.keys("esc n");
        // What is read ahead comes; no grade is answered.
        program.settle(|effect| if is_grade(effect) { None } else { fake.answer(effect) });
    }
    program.keys("ctrl-s");
    let mut waiting = Vec::new();
    while let Some(issued) = program.take(is_grade) {
        waiting.push(issued);
    }
    assert_eq!(waiting.len(), 20);
    assert!(program.app().is_saving(), "leaving would wait for them");
    // Each fails twice before it is saved, the last one first.
    for issued in waiting.iter().rev() {
        let Some(Effect::Grade { key, place, .. }) = effect_of(issued) else { panic!("no grade: {issued:?}") };
        for _ in 0..2 {
            let waits = Message::GradeWaits { place: place.clone(), key: key.clone(), failure: down() };
            program.input(to_model(issued, waits));
        }
        assert_eq!(program.app().model().desk.standing(place), Standing::Waiting);
    }
    let mut arrived: BTreeMap<String, Vec<(String, i64, String)>> = BTreeMap::new();
    for issued in waiting.iter().rev() {
        let Some(Effect::Grade { key, place, request }) = effect_of(issued) else { panic!("no grade: {issued:?}") };
        arrived.entry(place.user.clone()).or_default().push((key.clone(), request.score, request.feedback.clone()));
        let result = Ok(graded(request));
        program.finish(issued, vec![Message::Graded { place: place.clone(), key: key.clone(), result }]);
    }
    for at in 0..20_i64 {
        let own = &arrived[&person(usize::try_from(at).unwrap()).username];
        assert_eq!(own.len(), 1, "{own:?}");
        // One had a grade before, whose feedback was added to.
        let before = if at == 3 { "Well argued." } else { "" };
        assert_eq!((own[0].1, own[0].2.clone()), ((at % 10) * POINT + POINT / 2, format!("{before}for {at}")));
    }
    let keys: std::collections::BTreeSet<&String> = arrived.values().flatten().map(|(key, ..)| key).collect();
    assert_eq!(keys.len(), 20);
    assert!(!program.app().is_saving());
    program.assert_shows("20 saved");
}

fn effect_of(issued: &lectern_tui_kit::screen::Issued<Instructor>) -> Option<&Effect> {
    match &issued.work {
        lectern_tui_kit::screen::Work::Program(effect) => Some(effect),
        lectern_tui_kit::screen::Work::Kit(_) => None,
    }
}

fn to_model(
    issued: &lectern_tui_kit::screen::Issued<Instructor>,
    message: Message,
) -> lectern_tui_kit::app::Input<Instructor> {
    use lectern_tui_kit::program::Incoming;
    lectern_tui_kit::app::Input::Incoming(Incoming::Message { to: issued.to, request: issued.request, message })
}

#[test]
fn a_score_for_work_that_is_not_here_yet_is_kept_and_saved_once_it_could_be_seen() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter enter");
    fake.mood = Mood::Silent;
    program.keys("enter");
    program.settle(|effect| fake.answer(effect));
    program.keys("9 n");
    program.assert_shows("The work is not here yet");
    fake.mood = Mood::Busy;
    program.settle(|effect| fake.answer(effect));
    assert!(fake.grades.is_empty(), "nobody has looked at it");
    keys(&mut program, &mut fake, "p ctrl-s");
    assert_eq!(fake.grades.len(), 1);
    assert_eq!((fake.grades[0].1.user.as_str(), fake.grades[0].1.attempt), ("ada", 1));
}

#[test]
fn the_next_work_is_there_before_it_is_asked_for() {
    let (mut program, mut fake) = grading();
    fake.mood = Mood::Silent;
    for name in ["blaise", "chen", "dorothy"] {
        program.keys("n");
        program.settle(|effect| fake.answer(effect));
        program.assert_shows(&format!("I, {name}, began with the hours"));
    }
}

#[test]
fn a_grade_goes_with_the_attempt_that_was_on_the_screen() {
    let (mut program, mut fake) = grading();
    program.keys("9 ctrl-s");
    program.settle(|effect| fake.answer(effect));
    let (_, request) = fake.grades.last().expect("a grade arrived");
    assert_eq!((request.user.as_str(), request.attempt, request.base_revision), ("ada", 1, 0));
    // Nothing was handed in here.
    keys(&mut program, &mut fake, "n n n n n");
    program.assert_shows("Nothing was handed in");
    keys(&mut program, &mut fake, "0 n");
    let (_, request) = fake.grades.last().expect("a grade arrived");
    assert_eq!((request.user.as_str(), request.attempt), ("fatima", 0));
}

#[test]
fn digits_are_the_score_whatever_they_do_elsewhere_and_a_wrong_one_is_kept() {
    let (mut program, mut fake) = grading();
    program.keys("1 . 2 . 3 n");
    program.assert_shows("`1.2.3` is no number of points");
    program.assert_shows("Blaise Pascal");
    program.settle(|effect| fake.answer(effect));
    assert!(fake.grades.is_empty());
    program.keys("p");
    program.assert_shows("1.2.3");
    program.keys("backspace backspace n");
    program.settle(|effect| fake.answer(effect));
    assert_eq!(fake.grades.len(), 1);
    assert_eq!(fake.grades[0].1.score, 12_000);
}

#[test]
fn what_is_typed_outlives_its_screen_and_leaving_the_program_asks_first() {
    let (mut program, mut fake) = grading();
    program.keys("1 . 2 . 3 q");
    program.assert_shows("Discard 1 grade typed and not saved?");
    program.keys("n esc");
    program.assert_shows("18 to grade");
    program.settle(|effect| fake.answer(effect));
    program.keys("esc esc q");
    program.assert_shows("Discard 1 grade typed and not saved?");
    program.keys("n");
    assert_eq!(program.app().model().desk.typed(), 1);
    program.keys("O");
    program.assert_shows("1 grade typed and not saved: save them first");
    assert!(fake.grades.is_empty());
}

#[test]
fn a_grade_refused_while_the_program_is_left_is_asked_about() {
    let (mut program, mut fake) = grading();
    program.keys("9 ctrl-s q");
    let saving = program.take(is_grade).expect("the grade is on its way");
    let Some(Effect::Grade { key, place, .. }) = effect_of(&saving).cloned() else { panic!("{saving:?}") };
    let refused = Message::Graded { place, key, result: Err(Failure::local("somebody else graded meanwhile")) };
    program.finish(&saving, vec![refused]);
    program.settle(|effect| fake.answer(effect));
    assert!(!program.app().has_ended());
    program.assert_shows("Discard 1 grade typed and not saved?");
}

#[test]
fn leaving_waits_for_grades_on_their_way() {
    let (mut program, mut fake) = grading();
    program.keys("9 ctrl-s q");
    program.assert_shows("Leaving, once 1 change on the way has been saved.");
    assert!(!program.app().has_ended());
    program.settle(|effect| fake.answer(effect));
    assert!(program.app().has_ended());
    assert_eq!(fake.grades.len(), 1);
}

#[test]
fn two_graders_never_overwrite_each_other_unseen() {
    let (mut program, mut fake) = grading();
    keys(&mut program, &mut fake, "");
    program.keys("7 f");
    program.type_text("mine");
    program.keys("ctrl-s");
    let issued = program.take(is_grade).expect("a grade is on its way");
    let Some(Effect::Grade { key, place, .. }) = effect_of(&issued) else { panic!("no grade: {issued:?}") };
    let stale = Failure { reason: "STALE_REVISION".into(), ..Failure::local("somebody else graded this in between") };
    let message = Message::Graded { place: place.clone(), key: key.clone(), result: Err(stale) };
    program.finish(&issued, vec![message]);
    program.assert_shows("NOT saved");
    program.assert_shows("mine");
    // What the other one gave is read, and a second save is made on it.
    let theirs = v1::Grade { score: 3 * POINT, revision: 5, ..graded(&v1::SetGradeRequest::default()) };
    let row = v1::SubmissionSummary { submitter: Some(person(0)), grade: Some(theirs), ..Default::default() };
    program.settle(|effect| match effect {
        Effect::Read(crate::effects::Read::Submissions(hw)) => {
            Some(vec![Message::Submissions(hw.clone(), Ok(vec![row.clone()]))])
        }
        other => fake.answer(other),
    });
    program.keys("ctrl-s");
    program.settle(|effect| fake.answer(effect));
    let (_, request) = fake.grades.last().expect("a grade arrived");
    assert_eq!((request.score, request.feedback.as_str(), request.base_revision), (7 * POINT, "mine", 5));
}

#[test]
fn an_attempt_that_comes_in_while_a_score_is_typed_is_told() {
    let (mut program, mut fake) = grading();
    program.size = (120, 40);
    program.keys("9");
    program.change(event(v1::EventKind::Submission));
    program.settle(|effect| {
        let mut messages = fake.answer(effect)?;
        for message in &mut messages {
            if let Message::Work(_, Ok(work)) = message {
                work.submission.attempt = 2;
                work.attempts = 2;
            }
        }
        Some(messages)
    });
    program.assert_shows("Attempt 2 counts now; you typed for attempt 1.");
}

#[test]
fn posting_names_the_assignment_and_how_many_see_it() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter enter");
    program.keys("P");
    program.assert_shows("Post the grades of hw1");
    program.assert_shows("1 student will see their score and feedback.");
    program.keys("y");
    program.settle(|effect| fake.answer(effect));
    assert!(matches!(fake.changes.last(), Some(crate::effects::Change::PostGrades(request)) if !request.hide));
}

#[test]
fn a_save_is_tried_until_the_cluster_has_decided() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let mut answers = vec![Ok(7), Err(down()), Err(down()), Err(down())];
    let mut heard = Vec::new();
    let mut pauses = Vec::new();
    let attempt = || std::future::ready(answers.pop().expect("it has stopped by then"));
    let decided = runtime.block_on(saving::until_decided(
        attempt,
        |failure| {
            heard.push(failure.reason);
            std::future::ready(())
        },
        |pause| {
            pauses.push(pause);
            std::future::ready(())
        },
    ));
    assert_eq!(decided, Ok(7));
    assert_eq!(heard, ["UNREACHABLE"; 3]);
    assert_eq!(pauses, [500, 1_000, 2_000].map(Duration::from_millis));
    let refused: Result<(), Failure> = runtime.block_on(saving::until_decided(
        || std::future::ready(Err(Failure::local("no"))),
        |_| std::future::ready(()),
        |_| std::future::ready(()),
    ));
    assert_eq!(refused.unwrap_err().message, "no");
}

/// Something that happens at the desk.
#[derive(Clone, Debug)]
enum Step {
    Type { student: usize, score: u8 },
    Say { student: usize, word: u8 },
    HandOver { student: usize },
    Saved { which: usize },
    Waits { which: usize },
    Refused { which: usize },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3_usize, 0..9_u8).prop_map(|(student, score)| Step::Type { student, score }),
        (0..3_usize, 0..9_u8).prop_map(|(student, word)| Step::Say { student, word }),
        (0..3_usize).prop_map(|student| Step::HandOver { student }),
        (0..9_usize).prop_map(|which| Step::Saved { which }),
        (0..9_usize).prop_map(|which| Step::Waits { which }),
        (0..9_usize).prop_map(|which| Step::Refused { which }),
    ]
}

/// The desk, the saves under way, and what was typed last for each student.
#[derive(Default)]
struct World {
    desk: Desk,
    under_way: Vec<(String, Place, v1::SetGradeRequest)>,
    stored: BTreeMap<Place, v1::Grade>,
    scores: BTreeMap<Place, i64>,
    words: BTreeMap<Place, String>,
}

impl World {
    fn take(&mut self, effect: Option<Effect>) {
        if let Some(Effect::Grade { key, place, request }) = effect {
            assert!(!self.under_way.iter().any(|(_, other, _)| *other == place), "two saves of one student at once");
            self.under_way.push((key, place, request));
        }
    }

    fn hand_over(&mut self, place: &Place) {
        if let Ok(effect) = self.desk.hand_over(place) {
            self.take(effect);
        }
    }

    fn save(&mut self, which: usize) {
        if which < self.under_way.len() {
            let (key, place, request) = self.under_way.remove(which);
            let revision = self.stored.get(&place).map_or(0, |grade| grade.revision);
            assert_eq!(request.base_revision, revision, "a save on something older than what is stored");
            let grade = graded(&request);
            self.stored.insert(place.clone(), grade.clone());
            let next = self.desk.decided(&place, &key, Ok(grade));
            self.take(next);
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "a step is taken once")]
    fn step(&mut self, step: Step) {
        match step {
            Step::Type { student, score } => {
                self.desk.type_score(&place(student), score.to_string());
                self.scores.insert(place(student), i64::from(score) * POINT);
            }
            Step::Say { student, word } => {
                self.desk.type_feedback(&place(student), format!("word {word}"));
                self.words.insert(place(student), format!("word {word}"));
            }
            Step::HandOver { student } => self.hand_over(&place(student)),
            Step::Saved { which } => self.save(which),
            Step::Waits { which } => {
                if let Some((key, place, _)) = self.under_way.get(which) {
                    self.desk.waits(place, key, down());
                }
            }
            Step::Refused { which } => {
                if which < self.under_way.len() {
                    let (key, place, _) = self.under_way.remove(which);
                    let next = self.desk.decided(&place, &key, Err(Failure::local("no")));
                    self.take(next);
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_last_words_are_typed_on_their_way_or_stored(steps in proptest::collection::vec(step(), 0..60)) {
        let mut world = World::default();
        for student in 0..3 {
            world.desk.asked(&place(student), RequestId(1));
            world.desk.came(&place(student), RequestId(1), Ok(Work::default()));
        }
        for step in steps {
            world.step(step);
            for (place, score) in &world.scores {
                prop_assert_eq!(world.desk.score(place), lectern_cli::format::points(*score));
            }
            for (place, words) in &world.words {
                prop_assert_eq!(&world.desk.feedback(place), words);
            }
        }
        // In the end the cluster takes everything.
        for _ in 0..3 {
            for student in 0..3 {
                world.hand_over(&place(student));
            }
            while !world.under_way.is_empty() {
                world.save(0);
            }
        }
        for (place, score) in &world.scores {
            prop_assert_eq!(world.stored.get(place).map(|grade| grade.score), Some(*score));
            let words = world.words.get(place).cloned().unwrap_or_default();
            prop_assert_eq!(world.stored.get(place).map(|grade| grade.feedback.clone()), Some(words));
        }
    }
}
