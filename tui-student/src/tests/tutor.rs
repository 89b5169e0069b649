//! A question to the tutor, from the screen it is written on to its answer.

use lectern_proto::v1;
use lectern_tui_kit::screen::{Issued, Work};
use lectern_tui_kit::shared;
use lectern_tui_kit::shared::talk::{self, Role, ThreadScreen, WriteScreen};
use lectern_tui_kit::testkit::Harness;

use super::open;
use crate::effects::{Effect, Message};
use crate::program::Student;

fn thread(asked_of: v1::AskedOf) -> v1::Thread {
    v1::Thread {
        course_slug: "cs101".into(),
        number: 12,
        title: "When does it end?".into(),
        visibility: v1::ThreadVisibility::Private.into(),
        state: v1::ThreadState::Open.into(),
        asked_of: asked_of.into(),
        ..v1::Thread::default()
    }
}

fn message(number: u32, body: &str, tutor: Option<v1::TutorAnswer>) -> v1::ThreadMessage {
    v1::ThreadMessage { number, body: body.into(), tutor, ..v1::ThreadMessage::default() }
}

/// The talk that an effect is.
fn talk_of(effect: &Effect) -> Option<&talk::Effect> {
    match effect {
        Effect::Shared(shared::Effect::Talk(effect)) => Some(effect),
        _ => None,
    }
}

fn work_of(issued: &Issued<Student>) -> Option<&talk::Effect> {
    match &issued.work {
        Work::Program(effect) => talk_of(effect),
        Work::Kit(_) => None,
    }
}

fn tell(message: talk::Message) -> Message {
    Message::Shared(shared::Message::Talk(message))
}

fn told(event: v1::ask_event::Event) -> Message {
    tell(talk::Message::Tutor(talk::News::Event(event)))
}

/// Answers the load of the thread that waits.
fn load(harness: &mut Harness<Student>, asked_of: v1::AskedOf, messages: Vec<v1::ThreadMessage>) {
    let is_load = |effect: &Effect| matches!(talk_of(effect), Some(talk::Effect::Thread { .. }));
    let loading = harness.take(is_load).expect("the thread is asked for");
    let conversation = talk::Conversation { thread: thread(asked_of), messages };
    harness.finish(&loading, vec![tell(talk::Message::Thread(Ok(conversation)))]);
}

#[test]
fn what_is_put_to_the_tutor_is_private_and_leads_to_where_its_answer_comes_in() {
    let mut harness = open(WriteScreen::question("cs101", "", Role::Student));
    harness.type_text("When does it end?\nI do not see it.");
    harness.keys("alt-t");
    harness.assert_shows("only you and the staff see it.");
    harness.keys("ctrl-s");
    let is_ask = |effect: &Effect| matches!(talk_of(effect), Some(talk::Effect::Change { .. }));
    let asking = harness.take(is_ask).expect("it is sent");
    let Some(talk::Effect::Change { change: talk::Change::Ask(request), .. }) = work_of(&asking) else {
        panic!("a question is asked");
    };
    assert_eq!((request.asked_of(), request.visibility()), (v1::AskedOf::Tutor, v1::ThreadVisibility::Private));
    let made = talk::Made::Thread(thread(v1::AskedOf::Tutor));
    harness.finish(&asking, vec![tell(talk::Message::Changed(Ok(made)))]);
    load(&mut harness, v1::AskedOf::Tutor, vec![message(1, "I do not see it.", None)]);
    harness.assert_shows("looking in the course");
}

#[test]
fn an_answer_comes_in_piece_by_piece_and_then_stands_in_the_thread() {
    let mut harness = open(ThreadScreen::new(thread(v1::AskedOf::Tutor), None, Role::Student));
    load(&mut harness, v1::AskedOf::Tutor, vec![message(1, "When?", None)]);
    let is_ask = |effect: &Effect| matches!(talk_of(effect), Some(talk::Effect::AskTutor { .. }));
    let asking = harness.take(is_ask).expect("the tutor is asked");
    let piece = v1::AnswerPiece { text: "When its condition is false [1].".into(), unverified: false };
    let done = v1::ask_event::Event::Done(v1::AnswerDone::default());
    harness.finish(&asking, vec![told(v1::ask_event::Event::Waiting(2))]);
    harness.assert_shows("2 questions are before yours");
    harness.finish(&asking, vec![told(v1::ask_event::Event::Piece(piece))]);
    harness.assert_shows("When its condition is false [1].");
    harness.finish(&asking, vec![told(done)]);
    let answer =
        message(2, "When its condition is false [1].\n\n- [1] Notes, page 3", Some(v1::TutorAnswer::default()));
    load(&mut harness, v1::AskedOf::Tutor, vec![message(1, "When?", None), answer]);
    harness.assert_shows("(a language model)");
    harness.assert_shows("Notes, page 3");
    assert!(harness.take(is_ask).is_none(), "an answer is not asked for again");
}

#[test]
fn one_key_opens_the_page_that_an_answer_names() {
    let mut harness = open(ThreadScreen::new(thread(v1::AskedOf::Tutor), None, Role::Student));
    let citation = v1::Citation { material_id: "m1".into(), pages: vec![3, 4], ..v1::Citation::default() };
    let answer = v1::TutorAnswer { citations: vec![citation], ..v1::TutorAnswer::default() };
    load(&mut harness, v1::AskedOf::Tutor, vec![message(2, "When it is false [1].", Some(answer))]);
    harness.keys("c");
    let is_cited = |effect: &Effect| matches!(talk_of(effect), Some(talk::Effect::Cited { page: 3, .. }));
    let opening = harness.take(is_cited).expect("the material is asked for");
    let material =
        v1::Material { title: "Notes".into(), kind: v1::MaterialKind::Pdf.into(), ..v1::Material::default() };
    harness.finish(&opening, vec![tell(talk::Message::Cited(Ok((material, 3))))]);
    harness.assert_shows("Notes");
}

#[test]
fn one_key_sends_the_question_to_the_instructor() {
    let mut harness = open(ThreadScreen::new(thread(v1::AskedOf::Tutor), None, Role::Student));
    load(&mut harness, v1::AskedOf::Tutor, vec![message(1, "When?", Some(v1::TutorAnswer::default()))]);
    harness.keys("i");
    let is_change = |effect: &Effect| matches!(talk_of(effect), Some(talk::Effect::Change { .. }));
    let sending = harness.take(is_change).expect("it is sent");
    let made = talk::Made::Thread(thread(v1::AskedOf::Instructor));
    harness.finish(&sending, vec![tell(talk::Message::Changed(Ok(made)))]);
    harness.assert_shows("The question waits for your instructor now.");
}
