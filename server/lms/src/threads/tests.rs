use lectern_proto::internal::v1::command::Body;
use lectern_proto::v1::CourseState;

use super::*;
use crate::fixture::Class;

type Answer<T> = std::result::Result<T, String>;

fn question(visibility: ThreadVisibility, anonymous: bool) -> v1::CreateThreadRequest {
    v1::CreateThreadRequest {
        course: "cs101".into(),
        title: "Why two phases?".into(),
        body: "I do not see it.".into(),
        visibility: visibility.into(),
        anonymous,
        ..v1::CreateThreadRequest::default()
    }
}

fn ask(class: &mut Class, who: &str, request: v1::CreateThreadRequest) -> Answer<v1::Thread> {
    let response: v1::CreateThreadResponse = class.world.run(who, Body::CreateThread(request))?;
    Ok(response.thread.unwrap())
}

fn reply(class: &mut Class, who: &str, number: u64, body: &str) -> Answer<v1::ReplyThreadResponse> {
    class
        .world
        .run(who, Body::ReplyThread(v1::ReplyThreadRequest { course: "cs101".into(), number, body: body.into() }))
}

fn set_state(class: &mut Class, who: &str, number: u64, state: ThreadState) -> Answer<ThreadState> {
    let request = v1::SetThreadStateRequest { course: "cs101".into(), number, state: state.into() };
    let response: v1::SetThreadStateResponse = class.world.run(who, Body::SetThreadState(request))?;
    Ok(response.thread.unwrap().state())
}

fn read(class: &mut Class, who: &str, thread_number: u64, through_message: u32) -> Answer<()> {
    let request = v1::MarkReadRequest {
        course: "cs101".into(),
        thread_number,
        through_message,
        ..v1::MarkReadRequest::default()
    };
    class.world.run::<v1::MarkReadResponse>(who, Body::MarkRead(request)).map(drop)
}

fn get(class: &Class, who: &str, number: u64) -> Answer<v1::GetThreadResponse> {
    let request = v1::GetThreadRequest { course: "cs101".into(), number, ..v1::GetThreadRequest::default() };
    class.world.ask(who, |view| get_thread(view, &request))
}

fn list(class: &Class, who: &str, open_only: bool) -> Vec<u64> {
    let (mut token, mut numbers) = (String::new(), Vec::new());
    loop {
        let request = v1::ListThreadsRequest {
            course: "cs101".into(),
            open_only,
            page_size: 2,
            page_token: token,
            ..v1::ListThreadsRequest::default()
        };
        let page = class.world.ask(who, |view| list_threads(view, &request)).unwrap();
        assert!(page.threads.len() == 2 || page.next_page_token.is_empty(), "pages are full but for the last");
        numbers.extend(page.threads.iter().map(|thread| thread.number));
        token = page.next_page_token;
        if token.is_empty() {
            return numbers;
        }
    }
}

#[test]
fn a_private_thread_is_between_the_asker_and_the_staff() {
    let mut class = Class::new();
    let thread = ask(&mut class, "ada", question(ThreadVisibility::Unspecified, false)).unwrap();
    assert_eq!((thread.number, thread.visibility(), thread.state()), (1, ThreadVisibility::Private, ThreadState::Open));
    assert_eq!(class.world.events[0].audience, Audience::UserAndStaff(class.ada.clone()));
    assert_eq!(get(&class, "bob", 1).unwrap_err(), "NOT_FOUND");
    assert_eq!(reply(&mut class, "bob", 1, "Me neither").unwrap_err(), "NOT_FOUND");
    assert_eq!(set_state(&mut class, "bob", 1, ThreadState::Resolved).unwrap_err(), "NOT_FOUND");
    assert_eq!(read(&mut class, "bob", 1, 0).unwrap_err(), "NOT_FOUND");
    assert_eq!(list(&class, "bob", false), []);
    for who in ["ada", "tom", "ines", "root"] {
        assert_eq!(list(&class, who, false), [1], "{who}");
        assert_eq!(get(&class, who, 1).unwrap().messages.len(), 1, "{who}");
    }
    assert_eq!(get(&class, "eve", 1).unwrap_err(), "NOT_FOUND");
}

#[test]
fn an_answer_answers_and_the_asker_opens_again() {
    let mut class = Class::new();
    ask(&mut class, "ada", question(ThreadVisibility::Course, false)).unwrap();
    let state = |response: v1::ReplyThreadResponse| response.thread.unwrap().state();
    assert_eq!(reply(&mut class, "bob", 1, "Same here.").map(state), Ok(ThreadState::Open));
    let answer = reply(&mut class, "tom", 1, "Because of the log.").unwrap();
    assert!(answer.message.as_ref().unwrap().from_staff && !answer.message.as_ref().unwrap().unread);
    assert_eq!(state(answer), ThreadState::Answered);
    assert_eq!(reply(&mut class, "bob", 1, "Ah!").map(state), Ok(ThreadState::Answered));
    assert_eq!(reply(&mut class, "ada", 1, "But why?").map(state), Ok(ThreadState::Open));
    assert_eq!(set_state(&mut class, "ada", 1, ThreadState::Resolved), Ok(ThreadState::Resolved));
    assert_eq!(list(&class, "tom", true), []);
    assert_eq!(set_state(&mut class, "ines", 1, ThreadState::Open), Ok(ThreadState::Open));
    assert_eq!(set_state(&mut class, "ines", 1, ThreadState::Answered).unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(set_state(&mut class, "bob", 1, ThreadState::Resolved).unwrap_err(), "WRONG_ROLE");
}

#[test]
fn an_anonymous_asker_has_no_name_among_peers() {
    let mut class = Class::new();
    let mine = ask(&mut class, "ada", question(ThreadVisibility::Course, true)).unwrap();
    assert_eq!(mine.author.unwrap().username, "ada", "she knows who she is");
    assert_eq!(class.world.events[0].audience, Audience::Course);
    reply(&mut class, "bob", 1, "Good question.").unwrap();
    reply(&mut class, "ada", 1, "Thanks.").unwrap();
    let shown = |who: &str| {
        let got = get(&class, who, 1).unwrap();
        let name = |author: Option<PersonRef>| author.map_or(String::new(), |person| person.username);
        let mut names = vec![name(got.thread.unwrap().author)];
        names.extend(got.messages.into_iter().map(|message| name(message.author)));
        names
    };
    assert_eq!(shown("bob"), ["", "", "bob", ""]);
    assert_eq!(shown("ada"), ["ada", "ada", "bob", "ada"]);
    assert_eq!(shown("tom"), ["ada", "ada", "bob", "ada"]);
    let request = v1::ListThreadsRequest { course: "cs101".into(), ..v1::ListThreadsRequest::default() };
    let listed = class.world.ask("bob", |view| list_threads(view, &request)).unwrap();
    assert_eq!(listed.threads[0].author, None);
    let answered = reply(&mut class, "bob", 1, "Welcome.").unwrap();
    assert_eq!(answered.thread.unwrap().author, None);
    let everything = format!("{listed:?} {:?}", get(&class, "bob", 1).unwrap());
    assert!(!everything.contains(&class.ada) && !everything.contains("ada\""), "{everything}");
    assert_eq!(ask(&mut class, "tom", question(ThreadVisibility::Course, true)).unwrap_err(), "INVALID_ARGUMENT");
}

#[test]
fn unread_messages_are_counted_until_they_are_read() {
    let mut class = Class::new();
    ask(&mut class, "ada", question(ThreadVisibility::Course, false)).unwrap();
    reply(&mut class, "tom", 1, "One.").unwrap();
    reply(&mut class, "tom", 1, "Two.").unwrap();
    let unread = |class: &Class, who: &str| {
        let got = get(class, who, 1).unwrap();
        let flags: Vec<bool> = got.messages.iter().map(|message| message.unread).collect();
        (got.thread.unwrap().unread_count, flags)
    };
    assert_eq!(unread(&class, "ada"), (2, vec![false, true, true]));
    assert_eq!(unread(&class, "bob"), (3, vec![true, true, true]));
    assert_eq!(unread(&class, "tom").0, 0);
    read(&mut class, "ada", 1, 2).unwrap();
    assert_eq!(class.world.events[0].audience, Audience::User(class.ada.clone()));
    assert_eq!(unread(&class, "ada"), (1, vec![false, false, true]));
    read(&mut class, "ada", 1, 1).unwrap();
    assert!(class.world.events.is_empty(), "a mark never moves back");
    assert_eq!(unread(&class, "ada").0, 1);
    read(&mut class, "ada", 1, 0).unwrap();
    read(&mut class, "bob", 1, 99).unwrap();
    assert_eq!((unread(&class, "ada").0, unread(&class, "bob").0), (0, 0));
    reply(&mut class, "tom", 1, "Three.").unwrap();
    assert_eq!(unread(&class, "bob").0, 1);
}

#[test]
fn lists_are_full_pages_of_what_one_may_see_newest_first() {
    let mut class = Class::new();
    for number in 1..=9 {
        let visibility = if number % 2 == 0 { ThreadVisibility::Course } else { ThreadVisibility::Private };
        ask(&mut class, "ada", question(visibility, false)).unwrap();
    }
    assert_eq!(list(&class, "bob", false), [8, 6, 4, 2]);
    assert_eq!(list(&class, "ada", false), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    reply(&mut class, "tom", 6, "So.").unwrap();
    assert_eq!(list(&class, "bob", true), [8, 4, 2]);
}

#[test]
fn a_question_may_be_on_an_assignment_that_its_asker_can_see() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    class.assignment("secret", 10, |settings| settings.published = false);
    let on =
        |slug: &str| v1::CreateThreadRequest { assignment: slug.into(), ..question(ThreadVisibility::Course, false) };
    assert_eq!(ask(&mut class, "ada", on("hw1")).unwrap().assignment_slug, "hw1");
    assert_eq!(ask(&mut class, "ada", on("secret")).unwrap_err(), "NOT_FOUND");
    assert_eq!(ask(&mut class, "ada", on("hw9")).unwrap_err(), "NOT_FOUND");
    assert_eq!(ask(&mut class, "tom", on("secret")).unwrap().assignment_slug, "secret");
    assert_eq!(get(&class, "ada", 2).unwrap().thread.unwrap().assignment_slug, "", "not even by a thread on it");
}

#[test]
fn what_is_empty_overlong_or_too_late_is_refused() {
    let mut class = Class::new();
    ask(&mut class, "ada", question(ThreadVisibility::Course, false)).unwrap();
    let untitled = v1::CreateThreadRequest { title: " ".into(), ..question(ThreadVisibility::Course, false) };
    assert_eq!(ask(&mut class, "ada", untitled).unwrap_err(), "INVALID_ARGUMENT");
    let wordy = v1::CreateThreadRequest { title: "x".repeat(201), ..question(ThreadVisibility::Course, false) };
    assert_eq!(ask(&mut class, "ada", wordy).unwrap_err(), "TOO_LONG");
    assert_eq!(reply(&mut class, "ada", 1, "\n").unwrap_err(), "INVALID_ARGUMENT");
    assert_eq!(reply(&mut class, "ada", 1, &"x".repeat(limits::BODY_BYTES + 1)).unwrap_err(), "TOO_LONG");
    assert_eq!(reply(&mut class, "ada", 2, "Hello?").unwrap_err(), "NOT_FOUND");
    assert_eq!(ask(&mut class, "eve", question(ThreadVisibility::Course, false)).unwrap_err(), "NOT_FOUND");
    let mut full: ThreadRecord =
        class.world.store.record(Table::Threads, &key2(&class.course_id, 1_u64)).unwrap().unwrap();
    full.message_count = MAX_MESSAGES;
    let key = key2(&class.course_id, 1_u64);
    class.put(Table::Threads, key, &full);
    assert_eq!(reply(&mut class, "ada", 1, "One more").unwrap_err(), "TOO_MANY");
    class.course_state(CourseState::Completed);
    assert_eq!(reply(&mut class, "ada", 1, "Hello?").unwrap_err(), "WRONG_STATE");
    assert_eq!(set_state(&mut class, "ada", 1, ThreadState::Resolved).unwrap_err(), "WRONG_STATE");
    assert_eq!(ask(&mut class, "ada", question(ThreadVisibility::Course, false)).unwrap_err(), "WRONG_STATE");
    read(&mut class, "ada", 1, 0).unwrap();
}

#[test]
fn a_page_of_long_messages_ends_early_and_goes_on() {
    let mut class = Class::new();
    ask(&mut class, "ada", question(ThreadVisibility::Course, false)).unwrap();
    for _ in 0..40 {
        reply(&mut class, "tom", 1, &"x".repeat(limits::BODY_BYTES)).unwrap();
    }
    let (mut token, mut pages) = (String::new(), Vec::new());
    loop {
        let request = v1::GetThreadRequest { course: "cs101".into(), number: 1, page_size: 500, page_token: token };
        let page = class.world.ask("ada", |view| get_thread(view, &request)).unwrap();
        pages.push(page.messages.len());
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(pages, [17, 16, 8]);
}

#[test]
fn threads_of_one_assignment_are_found_by_it() {
    let mut class = Class::new();
    class.assignment("hw1", 10, |_| {});
    class.assignment("secret", 10, |settings| settings.published = false);
    let on = v1::CreateThreadRequest { assignment: "hw1".into(), ..question(ThreadVisibility::Course, false) };
    let on_hw1 = ask(&mut class, "ada", on).unwrap();
    ask(&mut class, "ada", question(ThreadVisibility::Course, false)).unwrap();
    let listed = |assignment: &str| {
        let request = v1::ListThreadsRequest {
            course: "cs101".into(),
            assignment: assignment.into(),
            ..v1::ListThreadsRequest::default()
        };
        let page = class.world.ask("bob", |view| list_threads(view, &request))?;
        Ok(page.threads.into_iter().map(|thread| thread.number).collect::<Vec<_>>())
    };
    assert_eq!(listed("hw1"), Ok(vec![on_hw1.number]));
    assert_eq!(listed("").map(|all| all.len()), Ok(2));
    assert_eq!(listed("secret"), Err::<Vec<u64>, String>("NOT_FOUND".into()));
}

#[test]
fn a_student_posts_so_much_in_an_hour_and_the_staff_as_much_as_they_like() {
    let mut class = Class::new();
    let thread = || question(ThreadVisibility::Course, false);
    for _ in 0..limits::THREADS_PER_HOUR {
        class.world.now_ms += 1;
        ask(&mut class, "ada", thread()).unwrap();
    }
    assert_eq!(ask(&mut class, "ada", thread()).unwrap_err(), "TOO_MANY");
    for _ in limits::THREADS_PER_HOUR..limits::MESSAGES_PER_HOUR {
        reply(&mut class, "ada", 1, "And another thing.").unwrap();
    }
    assert_eq!(reply(&mut class, "ada", 1, "And another thing.").unwrap_err(), "TOO_MANY");
    ask(&mut class, "bob", thread()).expect("nobody takes another one's room");
    for _ in 0..=limits::MESSAGES_PER_HOUR {
        reply(&mut class, "tom", 1, "Patience.").unwrap();
    }
    class.world.now_ms += crate::fixture::HOUR_MS;
    reply(&mut class, "ada", 1, "An hour later.").unwrap();
    ask(&mut class, "ada", thread()).unwrap();
}
