use lectern_proto::{POINT, v1};
use lectern_tui_kit::screen::KitWork;
use lectern_tui_kit::shared::{self, talk};

use super::fake::{Fake, Mood, event};
use super::{at_home, keys, settled};
use crate::effects::{Change, Effect, Read};

#[test]
fn home_is_one_round_trip_of_reads_and_follows_what_changes() {
    let program = at_home();
    let effects: Vec<&Effect> = program.effects().collect();
    assert_eq!(effects, [&Effect::Read(Read::Me), &Effect::Read(Read::Home), &Effect::Follow]);
}

#[test]
fn what_changes_on_the_server_is_asked_for_once_more_and_not_once_for_each() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter");
    for _ in 0..50 {
        program.change(event(v1::EventKind::Submission));
    }
    let asked = |effect: &&Effect| matches!(effect, Effect::Read(Read::Assignments(_)));
    assert_eq!(program.effects().filter(asked).count(), 1);
    let mut again = 0;
    program.settle(|effect| {
        again += usize::from(matches!(effect, Effect::Read(Read::Assignments(_))));
        fake.answer(effect)
    });
    assert_eq!(again, 2, "one that was on its way, and one that sees the last change");
}

#[test]
fn digits_switch_sections_but_not_while_a_filter_is_typed() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 2");
    program.assert_shows("People: 21");
    keys(&mut program, &mut fake, "/ 6 2");
    program.assert_shows("/62");
    keys(&mut program, &mut fake, "esc 6");
    program.assert_shows("so far");
}

#[test]
fn an_assignment_is_made_with_dates_in_the_courses_zone() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter a");
    program.type_text("hw4");
    program.keys("tab");
    program.type_text("Homework 4");
    program.keys("tab");
    program.keys("ctrl-u");
    program.type_text("12.5");
    program.keys("tab tab tab");
    program.type_text("2026-12-24 23:59");
    program.keys("ctrl-s");
    program.settle(|effect| fake.answer(effect));
    let Some(Change::CreateAssignment(request)) = fake.changes.last() else { panic!("{:?}", fake.changes) };
    let settings = request.settings.clone().unwrap_or_default();
    assert_eq!(
        (request.slug.as_str(), settings.title.as_str(), settings.points_possible),
        ("hw4", "Homework 4", 125_000)
    );
    // 23:59:59 in Berlin.
    assert_eq!(settings.due_at_ms, Some(1_798_153_199_000));
    program.assert_shows("is there.");
}

#[test]
fn dates_out_of_order_are_refused_before_they_are_sent() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter e");
    program.keys("tab tab tab tab tab");
    program.type_text("2020-01-01");
    program.keys("ctrl-s");
    program.assert_shows("It cannot lock before it is due.");
    program.settle(|effect| fake.answer(effect));
    assert!(fake.changes.is_empty());
}

#[test]
fn what_is_imported_is_what_was_shown() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 2 i");
    program.type_text("enrollments.csv");
    program.keys("ctrl-s");
    program.settle(|effect| fake.answer(effect));
    program.assert_shows("1 invited, 1 enrolled, 1 unchanged");
    assert!(fake.changes.is_empty());
    keys(&mut program, &mut fake, "ctrl-s");
    let Some(Change::ImportRoster(request)) = fake.changes.last() else { panic!("{:?}", fake.changes) };
    assert!(!request.preview && request.enrollments_csv.starts_with(b"course_id"));
    program.assert_shows("Imported: 1 invited, 1 enrolled, 1 unchanged.");
}

#[test]
fn codes_are_shown_once_and_not_left_by_mistake() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 2 c");
    program.assert_shows("5 people get a fresh one");
    keys(&mut program, &mut fake, "y");
    program.assert_shows("ABCD-EFGH-0000-WXYZ");
    program.keys("esc");
    program.assert_shows("Discard these codes, which are shown only once?");
    program.keys("n y");
    let copied: Vec<&KitWork> = program.kit_work().collect();
    assert_eq!(copied, [&KitWork::Copy("ABCD-EFGH-0000-WXYZ".into())]);
    program.keys("esc");
    program.assert_shows("People");
}

#[test]
fn a_change_of_role_takes_a_reason() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 2 j e right ctrl-s");
    program.assert_shows("This is needed.");
    program.type_text("helps with grading");
    program.keys("ctrl-s");
    program.settle(|effect| fake.answer(effect));
    let Some(Change::UpdateEnrollment(request)) = fake.changes.last() else { panic!("{:?}", fake.changes) };
    assert_eq!(request.r#type, Some(v1::EnrollmentType::Ta.into()));
    assert_eq!((request.state, request.reason.as_str()), (None, "helps with grading"));
}

#[test]
fn late_work_is_declined_with_a_reason() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 7 x");
    program.type_text("the solution was discussed already");
    program.keys("ctrl-s");
    program.settle(|effect| fake.answer(effect));
    let Some(Change::DecideExtension(request)) = fake.changes.last() else { panic!("{:?}", fake.changes) };
    assert!(!request.accept && request.request_id == "r1" && !request.reason.is_empty());
}

#[test]
fn an_answer_that_could_not_be_sent_stays_and_is_sent_again_with_the_same_key() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 4 enter r");
    program.type_text("No: due means due.");
    let mut sent = Vec::new();
    for mood in [Mood::Down, Mood::Busy] {
        fake.mood = mood;
        program.keys("ctrl-s");
        program.settle(|effect| {
            if let Effect::Shared(shared::Effect::Talk(talk::Effect::Change { key, .. })) = effect {
                sent.push(key.clone());
            }
            fake.answer(effect)
        });
        if mood == Mood::Down {
            program.assert_shows("NOT sent");
            program.assert_shows("due means due");
        }
    }
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0], sent[1]);
    program.assert_shows("The answer is in the thread.");
}

#[test]
fn the_gradebook_is_exported_to_a_file_of_the_persons_choice() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 6 E");
    program.assert_shows("gradebook-cs101.csv");
    program.keys("ctrl-s");
    let written = program.effects().find_map(|effect| match effect {
        Effect::Write { path, bytes } => Some((path.display().to_string(), bytes.clone())),
        _ => None,
    });
    assert_eq!(written, Some(("gradebook-cs101.csv".into(), b"Student,ID\n".to_vec())));
    program.settle(|effect| fake.answer(effect));
    program.assert_shows("Saved as gradebook-cs101.csv; only you can read it.");
}

#[test]
fn from_the_gradebook_one_grades_the_selected_work() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 6 l l l l j enter 9 ctrl-s");
    let (_, request) = fake.grades.last().expect("a grade arrived");
    assert_eq!((request.assignment.as_str(), request.user.as_str(), request.score), ("hw2", "blaise", 9 * POINT));
}

#[test]
fn deleting_a_material_names_it_and_asks() {
    let mut fake = Fake::new(Mood::Busy);
    let mut program = settled(&mut fake);
    keys(&mut program, &mut fake, "enter 3 x");
    program.assert_shows("Delete the material notes-1 (Values and names)?");
    keys(&mut program, &mut fake, "n");
    assert!(fake.changes.is_empty());
    keys(&mut program, &mut fake, "x y");
    let Some(Change::DeleteMaterial(request)) = fake.changes.last() else { panic!("{:?}", fake.changes) };
    assert_eq!(request.material, "notes-1");
}

#[test]
fn who_is_no_administrator_hears_why_accounts_are_not_for_them() {
    let mut fake = Fake::new(Mood::Busy);
    let mut model = super::signed_in();
    model.me = None;
    let mut program =
        lectern_tui_kit::testkit::Harness::new(model, crate::screens::home::HomeScreen::default(), super::NOW);
    program.settle(|effect| match effect {
        Effect::Read(Read::Me) => None,
        other => fake.answer(other),
    });
    program.keys("A");
    program.assert_shows("Only administrators see the whole installation.");
}

#[test]
fn while_the_courses_are_not_here_nothing_is_said_of_what_waits() {
    let mut program = at_home();
    program.keys("w");
    program.assert_shows("Your courses are not here yet.");
    program.assert_hides("Nothing waits");
}
