use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::{AccountRights, Citation};

use super::*;
use crate::context::Audience;
use crate::fixture::Class;
use crate::threads::{get_thread, list_threads};

type Answer<T> = std::result::Result<T, String>;

/// The class, and the account of a tutor.
fn class() -> Class {
    let mut class = Class::new();
    class.world.person("owl", AccountRights { tutor: true, ..AccountRights::default() });
    class
}

fn ask(class: &mut Class, who: &str, visibility: ThreadVisibility) -> Answer<v1::Thread> {
    let request = v1::CreateThreadRequest {
        course: "cs101".into(),
        title: "When does it end?".into(),
        body: "When does a while loop end?".into(),
        visibility: visibility.into(),
        asked_of: AskedOf::Tutor.into(),
        ..v1::CreateThreadRequest::default()
    };
    class.world.run::<v1::CreateThreadResponse>(who, Body::CreateThread(request)).map(|it| it.thread.unwrap())
}

fn request(answers: u32, end: TutorEnd) -> v1::AnswerAsTutorRequest {
    let citation = Citation { material_slug: "notes".into(), pages: vec![42], ..Citation::default() };
    let answer = TutorAnswer { citations: vec![citation], end: end.into(), ..TutorAnswer::default() };
    v1::AnswerAsTutorRequest {
        course: "cs101".into(),
        number: 1,
        answers,
        body: "When its condition is false [1].".into(),
        answer: Some(answer),
    }
}

fn answer(class: &mut Class, who: &str, request: v1::AnswerAsTutorRequest) -> Answer<u32> {
    class.world.run::<v1::AnswerAsTutorResponse>(who, Body::AnswerAsTutor(request)).map(|it| it.message)
}

fn reply(class: &mut Class, who: &str, body: &str) -> Answer<v1::Thread> {
    let request = v1::ReplyThreadRequest { course: "cs101".into(), number: 1, body: body.into() };
    class.world.run::<v1::ReplyThreadResponse>(who, Body::ReplyThread(request)).map(|it| it.thread.unwrap())
}

fn hand_over(class: &mut Class, who: &str) -> Answer<v1::Thread> {
    let request = v1::AskInstructorRequest { course: "cs101".into(), number: 1 };
    class.world.run::<v1::AskInstructorResponse>(who, Body::AskInstructor(request)).map(|it| it.thread.unwrap())
}

fn endorse(class: &mut Class, who: &str, message: u32, withdraw: bool) -> Answer<Option<String>> {
    let request = v1::EndorseAnswerRequest { course: "cs101".into(), number: 1, message, withdraw };
    let endorsed: v1::EndorseAnswerResponse = class.world.run(who, Body::EndorseAnswer(request))?;
    Ok(endorsed.message.unwrap().endorsed_by.map(|person| person.username))
}

fn get(class: &Class, who: &str) -> Answer<v1::GetThreadResponse> {
    let request = v1::GetThreadRequest { course: "cs101".into(), number: 1, ..v1::GetThreadRequest::default() };
    class.world.ask(who, |view| get_thread(view, &request))
}

fn waiting(class: &Class, who: &str) -> usize {
    let request = v1::ListThreadsRequest { course: "cs101".into(), open_only: true, ..Default::default() };
    class.world.ask(who, |view| list_threads(view, &request)).unwrap().threads.len()
}

#[test]
fn what_is_asked_of_the_tutor_is_private_and_waits_for_nobody_else() {
    let mut class = class();
    assert_eq!(ask(&mut class, "ada", ThreadVisibility::Course).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(ask(&mut class, "tom", ThreadVisibility::Private).unwrap_err(), "WRONG_ROLE");
    let thread = ask(&mut class, "ada", ThreadVisibility::Unspecified).unwrap();
    assert_eq!((thread.asked_of(), thread.visibility()), (AskedOf::Tutor, ThreadVisibility::Private));
    assert_eq!(waiting(&class, "ines"), 0);
    assert_eq!(get(&class, "bob").unwrap_err(), "NOT_FOUND");
    assert!(get(&class, "ines").is_ok(), "the staff see what their students ask");
}

#[test]
fn the_last_message_is_answered_once_by_the_tutor_alone() {
    let mut class = class();
    ask(&mut class, "ada", ThreadVisibility::Private).unwrap();
    for who in ["ada", "bob", "tom", "ines", "root"] {
        assert_eq!(answer(&mut class, who, request(1, TutorEnd::Answered)).unwrap_err(), "WRONG_ROLE", "{who}");
    }
    assert_eq!(answer(&mut class, "owl", request(2, TutorEnd::Answered)).unwrap_err(), "WRONG_STATE");
    assert_eq!(answer(&mut class, "owl", request(1, TutorEnd::Unspecified)).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(answer(&mut class, "owl", request(1, TutorEnd::Answered)), Ok(2));
    assert_eq!(class.world.events[0].audience, Audience::UserAndStaff(class.ada.clone()));
    assert_eq!(answer(&mut class, "owl", request(1, TutorEnd::Answered)).unwrap_err(), "WRONG_STATE");
    assert_eq!(answer(&mut class, "owl", request(2, TutorEnd::Answered)).unwrap_err(), "WRONG_STATE", "not itself");
    let got = get(&class, "ada").unwrap();
    assert_eq!(got.thread.unwrap().state(), ThreadState::Answered);
    let message = &got.messages[1];
    assert_eq!(message.author.as_ref().unwrap().username, "owl");
    assert_eq!(message.tutor.as_ref().unwrap().citations[0].pages, [42]);
    assert!(message.unread && !message.from_staff);
    assert_eq!(reply(&mut class, "ada", "Why?").unwrap().state(), ThreadState::Open);
    assert_eq!(answer(&mut class, "owl", request(3, TutorEnd::Quoted)), Ok(4));
}

#[test]
fn where_nothing_was_found_the_question_stays_open_until_it_is_handed_over() {
    let mut class = class();
    ask(&mut class, "ada", ThreadVisibility::Private).unwrap();
    answer(&mut class, "owl", request(1, TutorEnd::NothingFound)).unwrap();
    assert_eq!(get(&class, "ada").unwrap().thread.unwrap().state(), ThreadState::Open);
    assert_eq!(hand_over(&mut class, "bob").unwrap_err(), "NOT_FOUND");
    let thread = hand_over(&mut class, "ada").unwrap();
    assert_eq!((thread.state(), thread.asked_of()), (ThreadState::Open, AskedOf::Instructor));
    assert_eq!(waiting(&class, "ines"), 1);
    assert_eq!(hand_over(&mut class, "ada").unwrap_err(), "WRONG_STATE");
    reply(&mut class, "ada", "Anybody?").unwrap();
    assert_eq!(answer(&mut class, "owl", request(3, TutorEnd::Answered)).unwrap_err(), "NOT_FOUND");
}

#[test]
fn who_of_the_staff_writes_takes_the_thread_over() {
    let mut class = class();
    ask(&mut class, "ada", ThreadVisibility::Private).unwrap();
    answer(&mut class, "owl", request(1, TutorEnd::Answered)).unwrap();
    let thread = reply(&mut class, "tom", "Not quite: look at break.").unwrap();
    assert_eq!((thread.state(), thread.asked_of()), (ThreadState::Answered, AskedOf::Instructor));
    reply(&mut class, "ada", "Oh.").unwrap();
    assert_eq!(waiting(&class, "tom"), 1);
    assert_eq!(answer(&mut class, "owl", request(4, TutorEnd::Answered)).unwrap_err(), "NOT_FOUND");
}

#[test]
fn the_staff_vouch_for_answers_of_the_tutor_and_for_nothing_else() {
    let mut class = class();
    ask(&mut class, "ada", ThreadVisibility::Private).unwrap();
    answer(&mut class, "owl", request(1, TutorEnd::Answered)).unwrap();
    assert_eq!(endorse(&mut class, "ada", 2, false).unwrap_err(), "WRONG_ROLE");
    assert_eq!(endorse(&mut class, "tom", 1, false).unwrap_err(), "NOT_FOUND");
    assert_eq!(endorse(&mut class, "tom", 2, false), Ok(Some("tom".into())));
    let shown = get(&class, "ada").unwrap().messages[1].endorsed_by.clone();
    assert_eq!(shown.unwrap().username, "tom");
    assert_eq!(endorse(&mut class, "ines", 2, true), Ok(None));
}

#[test]
fn the_tutors_account_reads_nothing_and_is_in_no_course() {
    let mut class = class();
    ask(&mut class, "ada", ThreadVisibility::Private).unwrap();
    assert_eq!(get(&class, "owl").unwrap_err(), "NOT_FOUND");
    assert_eq!(reply(&mut class, "owl", "Hello").unwrap_err(), "NOT_FOUND");
    let enroll = v1::EnrollRequest {
        course: "cs101".into(),
        user: "owl".into(),
        r#type: v1::EnrollmentType::Student.into(),
        ..v1::EnrollRequest::default()
    };
    let refused = class.world.run::<v1::EnrollResponse>("ines", Body::Enroll(enroll));
    assert_eq!(refused.unwrap_err(), "INVALID_ARGUMENT");
    let mighty = AccountRights { tutor: true, admin: true, ..AccountRights::default() };
    let create = v1::CreateUserRequest {
        username: "eagle".into(),
        name: "Eagle".into(),
        rights: Some(mighty),
        ..v1::CreateUserRequest::default()
    };
    let refused = class.world.run::<v1::CreateUserResponse>("root", Body::CreateUser(create));
    assert_eq!(refused.unwrap_err(), "INVALID_ARGUMENT");
    let rights = Some(AccountRights { tutor: true, ..AccountRights::default() });
    let update = v1::UpdateUserRequest { user: "bob".into(), rights, ..v1::UpdateUserRequest::default() };
    let refused = class.world.run::<v1::UpdateUserResponse>("root", Body::UpdateUser(update));
    assert_eq!(refused.unwrap_err(), "INVALID_ARGUMENT");
}

#[test]
fn an_answer_that_cites_without_end_is_refused() {
    let mut class = class();
    ask(&mut class, "ada", ThreadVisibility::Private).unwrap();
    let mut many = request(1, TutorEnd::Answered);
    many.answer.as_mut().unwrap().citations = vec![Citation::default(); MAX_CITATIONS + 1];
    assert_eq!(answer(&mut class, "owl", many).unwrap_err(), "TOO_LONG");
    let mut long = request(1, TutorEnd::Answered);
    long.answer.as_mut().unwrap().model = "m".repeat(limits::NAME_BYTES + 1);
    assert_eq!(answer(&mut class, "owl", long).unwrap_err(), "TOO_LONG");
    let mut wordy = request(1, TutorEnd::Answered);
    wordy.body = "x".repeat(limits::BODY_BYTES + 1);
    assert_eq!(answer(&mut class, "owl", wordy).unwrap_err(), "TOO_LONG");
}
