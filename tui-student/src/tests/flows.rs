//! What people do, from the first key to what they see at the end.

use std::time::Instant;

use lectern_client::{Link, Secret, WatchItem};
use lectern_proto::v1;
use lectern_tui_kit::files::{Entry, Listing};
use lectern_tui_kit::program::{Incoming, KitAnswer};
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::{Issued, KitWork, Work};
use lectern_tui_kit::shared::{self, account, material};
use lectern_tui_kit::testkit::Harness;

use super::server::{Mood, answer, draft, stored, submission, unreachable};
use super::{NOW_MS, open, place};
use crate::drafts::Kept;
use crate::effects::{Effect, HandedIn, Look, Message, Picked, Progress};
use crate::model::Model;
use crate::program::Student;
use crate::screens::assignment::AssignmentScreen;
use crate::screens::course::Course;
use crate::screens::draft::Draft;
use crate::screens::home::Home;

/// Answers everything as a course in full swing does.
pub fn settle(harness: &mut Harness<Student>) {
    harness.settle(|effect| answer(Mood::Ready, effect));
}

fn changed(kind: v1::EventKind) -> WatchItem {
    WatchItem::Event(v1::WatchEvent { index: 9, kind: kind.into(), ..Default::default() })
}

/// The texts that were saved on the server, each with its base, of the effects that wait.
fn saves(harness: &Harness<Student>) -> Vec<(String, u64)> {
    let saves = harness.effects().filter_map(|effect| match effect {
        Effect::SaveDraft { text, base, .. } => Some((text.clone(), *base)),
        _ => None,
    });
    saves.collect()
}

/// Time passes until the draft goes to the server.
fn pause(harness: &mut Harness<Student>) {
    let waiting = harness.take(|effect| matches!(effect, Effect::Pause { .. })).expect("a pause is awaited");
    harness.finish(&waiting, vec![Message::Paused]);
}

#[test]
fn home_takes_one_call_and_the_stream_of_changes() {
    let harness = open(Home::default());
    assert_eq!(
        harness.effects().cloned().collect::<Vec<_>>(),
        [Effect::Home, Effect::Follow, Effect::SendQueued { username: "zoe".into() }],
        "what is queued is looked for on this machine"
    );
}

#[test]
fn whoever_is_not_signed_in_signs_in_and_arrives_at_home() {
    let state = account::State::signed_out("");
    let mut harness = Harness::new(Model::new(state), Home::default(), NOW_MS);
    assert_eq!(harness.effects().count(), 0, "nothing is asked of a cluster that knows nobody");
    harness.type_text("zoe\nsecret-words");
    harness.keys("enter");
    settle(&mut harness);
    harness.assert_shows("Due next");
    assert_eq!(harness.app().model().account.username, "zoe");
}

#[test]
fn a_click_types_in_the_line_it_hits_and_enter_says_what_is_missing() {
    let mut harness = Harness::new(Model::new(account::State::signed_out("zoe")), Home::default(), NOW_MS);
    harness.keys("enter");
    harness.assert_shows("Fill in: Password.");
    harness.keys("esc");
    harness.assert_shows("enter types on");
    let row = harness.screen().lines().position(|line| line.contains("Username")).expect("it is asked for");
    harness.click(20, u16::try_from(row).expect("screens are small"));
    harness.type_text("42");
    harness.assert_shows("zoe42");
    assert_eq!(harness.effects().count(), 0);
}

#[test]
fn an_address_leads_to_signing_in() {
    let mut harness = Harness::new(Model::default(), Home::default(), NOW_MS);
    harness.type_text("localhost:7600");
    harness.keys("enter");
    let asked: Vec<_> = harness.effects().cloned().collect();
    let address = "lectern://localhost:7600".to_owned();
    assert_eq!(asked, [Effect::Shared(shared::Effect::Account(account::Effect::Connect { address }))]);
    settle(&mut harness);
    harness.assert_shows("Connected to a cluster of 3 nodes.");
    harness.assert_shows("Password");
}

#[test]
fn an_invitation_becomes_an_account_when_both_passwords_are_the_same() {
    let state = account::State::signed_out("");
    let mut harness = Harness::new(Model::new(state), Home::default(), NOW_MS);
    harness.keys("ctrl-t");
    harness.type_text("zoe\n1234-abcd\nfour random words\nfour random wards\n");
    harness.assert_shows("not the same");
    assert_eq!(harness.effects().count(), 0);
    harness.keys("backspace backspace backspace backspace");
    harness.type_text("ords\n");
    settle(&mut harness);
    harness.assert_shows("Due next");
}

#[test]
fn a_sign_in_that_ends_meanwhile_costs_nothing_that_was_typed() {
    let mut harness = open(Draft::new(place()));
    harness.settle(|effect| answer(Mood::Empty, effect));
    harness.type_text("half a sentence");
    harness.settle(|effect| answer(Mood::Empty, effect));
    let signed_out = Message::Shared(shared::Message::Account(account::Message::SignedOut));
    for _ in 0..2 {
        let message = signed_out.clone();
        harness.input(lectern_tui_kit::app::Input::Incoming(Incoming::Message {
            to: None,
            request: RequestId::default(),
            message,
        }));
    }
    harness.assert_shows("Sign in again");
    harness.type_text("secret-words\n");
    settle(&mut harness);
    harness.assert_shows("half a sentence");
    assert!(harness.effects().all(|effect| matches!(effect, Effect::Pause { .. })), "the draft waits for a pause");
}

#[test]
fn what_is_typed_is_kept_here_at_once_and_on_the_server_after_a_pause() {
    let mut harness = open(Draft::new(place()));
    settle(&mut harness);
    harness.assert_shows("saved on the server, revision 3");
    harness.type_text("!");
    let kept = harness.take(|effect| matches!(effect, Effect::KeepDraft(..))).expect("it is kept at once");
    let text = format!("{}!", draft().text);
    let Work::Program(Effect::KeepDraft(_, written)) = &kept.work else { panic!("{kept:?}") };
    assert_eq!(*written, Kept { username: "zoe".into(), text: text.clone(), base: 3, synced: false });
    harness.assert_shows("… saved here");
    harness.assert_hides("✓ saved here");
    harness.finish(&kept, vec![Message::Kept(Ok(()))]);
    harness.assert_shows("✓ saved here");
    assert_eq!(saves(&harness), []);
    pause(&mut harness);
    assert_eq!(saves(&harness), [(text, 3)]);
    harness.assert_shows("saving on the server …");
    settle(&mut harness);
    harness.assert_shows("saved here");
    harness.assert_shows("saved on the server, revision 4");
}

#[test]
fn a_write_on_this_machine_that_takes_long_is_told_in_words() {
    let mut harness = open(Draft::new(place()));
    settle(&mut harness);
    harness.type_text("!");
    let kept = harness.take(|effect| matches!(effect, Effect::KeepDraft(..))).expect("it is kept at once");
    pause(&mut harness);
    harness.assert_shows("saving here …");
    harness.finish(&kept, vec![Message::Kept(Ok(()))]);
    harness.assert_shows("✓ saved here");
}

#[test]
fn one_save_is_on_its_way_at_a_time_and_the_last_text_wins() {
    let mut harness = open(Draft::new(place()));
    harness.settle(|effect| answer(Mood::Empty, effect));
    harness.type_text("a");
    pause(&mut harness);
    let first = harness.take(|effect| matches!(effect, Effect::SaveDraft { .. })).expect("it is saved");
    harness.type_text("b");
    let writes = harness.effects().filter(|effect| matches!(effect, Effect::KeepDraft(..))).count();
    assert_eq!(writes, 1, "two writes at once could end in the wrong order");
    assert_eq!(saves(&harness), []);
    let saved = v1::DraftRevision { revision: 1, ..Default::default() };
    let response = v1::SaveDraftResponse { saved: Some(saved), conflicting_revision: None };
    harness.finish(&first, vec![Message::DraftSaved(Ok(response))]);
    pause(&mut harness);
    assert_eq!(saves(&harness), [("ab".into(), 1)]);
}

#[test]
fn a_version_of_another_device_is_kept_beside_this_one_and_can_be_taken() {
    let mut harness = open(Draft::new(place()));
    harness.settle(|effect| answer(Mood::Empty, effect));
    harness.type_text("mine");
    pause(&mut harness);
    let save = harness.take(|effect| matches!(effect, Effect::SaveDraft { .. })).expect("it is saved");
    let saved = v1::DraftRevision { revision: 5, ..Default::default() };
    let response = v1::SaveDraftResponse { saved: Some(saved), conflicting_revision: Some(3) };
    harness.finish(&save, vec![Message::DraftSaved(Ok(response))]);
    settle(&mut harness);
    harness.assert_shows("mine");
    harness.assert_shows("Another device saved revision 3 in between; both are kept.");
    harness.keys("ctrl-t");
    settle(&mut harness);
    harness.assert_shows("Merge sort is stable");
    harness.assert_shows("lab-pc-7");
    harness.keys("enter");
    settle(&mut harness);
    harness.assert_shows("because equal elements");
    harness.keys("alt-u");
    harness.assert_shows("mine");
}

#[test]
fn a_draft_of_this_machine_that_never_reached_the_server_is_saved_when_it_is_opened_again() {
    let mut harness = open(Draft::new(place()));
    let opening = harness.take(|effect| matches!(effect, Effect::OpenDraft { .. })).expect("it is opened");
    let kept = Kept { username: "zoe".into(), text: "typed on the train".into(), base: 3, synced: false };
    harness.finish(&opening, vec![Message::KeptDraft(Ok(Some(kept))), Message::ServerDraft(Ok(Some(draft())))]);
    harness.assert_shows("typed on the train");
    pause(&mut harness);
    assert_eq!(saves(&harness), [("typed on the train".into(), 3)]);
}

#[test]
fn a_newer_version_of_another_device_is_shown_where_nothing_was_typed_since() {
    let mut harness = open(Draft::new(place()));
    settle(&mut harness);
    harness.change(changed(v1::EventKind::Draft));
    let asked = harness.take(|effect| matches!(effect, Effect::ServerDraft(_))).expect("it is asked for");
    let newer = v1::DraftRevision { revision: 4, text: "From the other laptop.".into(), ..draft() };
    harness.finish(&asked, vec![Message::ServerDraft(Ok(Some(newer)))]);
    harness.assert_shows("From the other laptop.");
    harness.assert_shows("Revision 4, which lab-pc-7 just saved, is shown now.");
}

#[test]
fn typing_goes_on_while_no_leader_is_there_and_the_save_ends_by_itself() {
    let mut harness = open(Draft::new(place()));
    settle(&mut harness);
    harness.type_text(" One");
    settle(&mut harness);
    pause(&mut harness);
    let save = harness.take(|effect| matches!(effect, Effect::SaveDraft { .. })).expect("it is saved");
    harness.link(Link::Retrying { since: Instant::now(), reason: "no leader".into() });
    let input = Message::DraftWaits(unreachable());
    harness.input(lectern_tui_kit::app::Input::Incoming(Incoming::Message {
        to: save.to,
        request: save.request,
        message: input,
    }));
    harness.type_text(" two");
    harness.assert_shows("order. One two");
    harness.assert_shows("not on the server yet, tried again");
    harness.assert_shows("Type on: nothing is lost.");
    harness.link(Link::Up { node: "a".into(), leader: None });
    let saved = v1::DraftRevision { revision: 4, ..Default::default() };
    let response = v1::SaveDraftResponse { saved: Some(saved), conflicting_revision: None };
    harness.finish(&save, vec![Message::DraftSaved(Ok(response))]);
    settle(&mut harness);
    pause(&mut harness);
    settle(&mut harness);
    harness.assert_shows("saved on the server, revision 5");
}

#[test]
fn leaving_a_draft_saves_it_without_waiting_for_the_pause() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("e");
    settle(&mut harness);
    harness.type_text("!");
    harness.keys("esc esc");
    assert_eq!(saves(&harness), [(format!("{}!", draft().text), 3)]);
    harness.assert_shows("What to do");
}

#[test]
fn the_person_s_own_editor_writes_into_the_draft() {
    let mut harness = open(Draft::new(place()));
    settle(&mut harness);
    harness.keys("ctrl-e");
    let editing = harness.take_kit().expect("the editor is asked for");
    assert!(matches!(&editing.work, Work::Kit(KitWork::Edit { text, .. }) if *text == draft().text));
    harness.finish_kit(&editing, KitAnswer::Edited(Ok("Written in vi.\n".into())));
    harness.assert_shows("Written in vi.");
    settle(&mut harness);
    pause(&mut harness);
    assert_eq!(saves(&harness), [("Written in vi.".into(), 3)]);
}

#[test]
fn a_draft_is_handed_in_after_a_question_and_ends_with_its_digest_and_place() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("e");
    settle(&mut harness);
    harness.keys("ctrl-s ctrl-s");
    harness.assert_shows("Hand in cs101/hw2?");
    harness.keys("n");
    assert!(!harness.effects().any(|effect| matches!(effect, Effect::HandIn(_))));
    harness.keys("ctrl-s y");
    let sent = harness.take(|effect| matches!(effect, Effect::HandIn(_))).expect("it is handed in");
    let Work::Program(Effect::HandIn(offer)) = &sent.work else { panic!("{sent:?}") };
    assert_eq!((offer.text.as_str(), offer.username.as_str()), (draft().text.as_str(), "zoe"));
    harness.finish(
        &sent,
        vec![
            Message::Progress(Progress::Submitting),
            Message::HandedIn { place: place(), outcome: Ok(HandedIn::Submission(Box::new(stored(submission())))) },
        ],
    );
    harness.assert_shows("index 4711, term 3");
    harness.assert_shows(&"1f".repeat(32));
    harness.keys("enter");
    settle(&mut harness);
    harness.assert_shows("Attempts and files");
    harness.assert_hides("saved here");
}

#[test]
fn a_person_whose_disk_keeps_no_keys_is_told_to_stay_until_it_is_handed_in() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("e");
    settle(&mut harness);
    harness.keys("ctrl-s ctrl-s y");
    let sent = harness.take(|effect| matches!(effect, Effect::HandIn(_))).expect("it is handed in");
    harness.assert_shows("You may leave this screen: it goes on by itself.");
    let news = [Progress::Unkept(Failure::local("no space left on device")), Progress::Submitting];
    harness.finish(&sent, news.map(Message::Progress).into());
    harness.assert_shows("not the program");
    harness.assert_shows("kept here: no space left on device");
    harness.assert_shows("Everything has arrived");
}

#[test]
fn what_ends_after_its_screen_was_left_is_told() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("e");
    settle(&mut harness);
    harness.keys("ctrl-s ctrl-s y");
    let sent = harness.take(|effect| matches!(effect, Effect::HandIn(_))).expect("it is handed in");
    harness.keys("esc esc esc");
    harness.assert_shows("being handed in");
    let outcome = Err(Failure { reason: "PAST_LOCK_DATE".into(), ..Failure::local("it is too late") });
    harness.finish(&sent, vec![Message::HandedIn { place: place(), outcome }]);
    harness.assert_shows("cs101/hw2 was not handed in: it is too late");
    settle(&mut harness);
    harness.assert_hides("being handed in");
}

#[test]
fn work_after_the_lock_date_is_said_not_to_be_submitted() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("e");
    settle(&mut harness);
    harness.keys("ctrl-s ctrl-s y");
    let sent = harness.take(|effect| matches!(effect, Effect::HandIn(_))).expect("it is handed in");
    let request = v1::ExtensionRequest { request_id: "r1".into(), ..Default::default() };
    let outcome = Ok(HandedIn::Request(Box::new(request)));
    harness.finish(&sent, vec![Message::HandedIn { place: place(), outcome }]);
    harness.assert_shows("NOT submitted");
    harness.assert_hides("Submitted cs101/hw2");
}

/// The page that hands in the one file of this name, which is still looked at, and that look.
fn handing_in(name: &str) -> (Harness<Student>, Issued<Student>, Look) {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("f");
    let asked = harness.take_kit().expect("the directory is listed");
    let Work::Kit(KitWork::List(dir)) = &asked.work else { panic!("{asked:?}") };
    let entry = Entry { name: name.into(), path: dir.join(name), is_dir: false, size: 9 };
    let listing = Listing { dir: dir.clone(), entries: vec![entry] };
    harness.finish_kit(&asked, KitAnswer::Listed(Ok(listing)));
    harness.keys("ctrl-s");
    let looking = harness.take(|effect| matches!(effect, Effect::LookAt(_))).expect("the file is looked at");
    (harness, looking, Look { files: vec![Picked { name: name.into(), size: 9 }], ..Default::default() })
}

#[test]
fn a_file_that_the_assignment_does_not_take_is_named_before_anything_is_sent() {
    let (mut harness, looking, look) = handing_in("photo.jpg");
    harness.finish(&looking, vec![Message::LookedAt(Ok(look))]);
    harness.assert_shows("photo.jpg is none of the kinds that are taken: py, txt.");
    harness.keys("ctrl-s");
    harness.assert_hides("Hand in cs101/hw2?");
}

#[test]
fn a_file_that_cannot_be_read_is_told_once_and_nothing_is_asked() {
    let (mut harness, looking, _) = handing_in("main.py");
    harness.keys("ctrl-s");
    harness.finish(&looking, vec![Message::LookedAt(Err(Failure::local("main.py: permission denied")))]);
    harness.assert_shows("main.py: permission denied");
    harness.keys("ctrl-s");
    harness.assert_hides("Hand in cs101/hw2?");
}

#[test]
fn who_is_quicker_than_the_disk_is_asked_once_the_files_were_looked_at() {
    for (name, is_taken) in [("main.py", true), ("photo.jpg", false)] {
        let (mut harness, looking, look) = handing_in(name);
        harness.keys("ctrl-s");
        harness.assert_hides("Hand in cs101/hw2?");
        harness.finish(&looking, vec![Message::LookedAt(Ok(look))]);
        if is_taken {
            harness.assert_shows("Hand in cs101/hw2?");
        } else {
            harness.assert_hides("Hand in cs101/hw2?");
        }
    }
}

#[test]
fn an_unfinished_upload_is_withdrawn_after_a_question() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("tab x y");
    let withdrawn: Vec<_> = harness
        .effects()
        .filter_map(|effect| if let Effect::Withdraw { pledge, .. } = effect { Some(pledge.clone()) } else { None })
        .collect();
    assert_eq!(withdrawn, ["p1"]);
    settle(&mut harness);
    harness.assert_shows("nothing was submitted by it");
}

#[test]
fn a_change_on_the_server_appears_without_a_key_and_many_ask_once_more() {
    let mut harness = open(Home::default());
    settle(&mut harness);
    for _ in 0..20 {
        harness.change(changed(v1::EventKind::Grade));
    }
    assert_eq!(harness.effects().cloned().collect::<Vec<_>>(), [Effect::Home]);
    let mut asked = 0;
    harness.settle(|effect| {
        asked += 1;
        answer(Mood::Ready, effect)
    });
    assert_eq!(asked, 2, "what changed after the question is asked for once more");
}

#[test]
fn a_screen_with_two_questions_comes_to_rest_after_changes() {
    let mut harness = open(AssignmentScreen::new(place()));
    for _ in 0..3 {
        harness.change(changed(v1::EventKind::Submission));
    }
    let mut asked = 0;
    harness.settle(|effect| {
        asked += 1;
        answer(Mood::Ready, effect)
    });
    assert_eq!(asked, 4, "each question is asked once more");
}

#[test]
fn a_screen_opens_on_what_is_known() {
    let mut harness = open(Course::new("cs101"));
    settle(&mut harness);
    harness.keys("j j enter");
    harness.assert_shows("Sorting a list");
    harness.assert_shows("takes text or files (py, txt)");
}

#[test]
fn digits_are_tabs_except_while_a_filter_is_typed() {
    let mut harness = open(Course::new("cs101"));
    settle(&mut harness);
    harness.keys("5");
    settle(&mut harness);
    harness.assert_shows("if nothing more were graded");
    harness.keys("/ 1");
    harness.assert_shows("if nothing more were graded");
    harness.keys("esc 1");
    harness.assert_hides("if nothing more were graded");
}

#[test]
fn a_file_that_is_there_is_replaced_only_after_a_question() {
    let mut harness = open(Course::new("cs101"));
    settle(&mut harness);
    harness.keys("2");
    settle(&mut harness);
    harness.keys("w enter");
    let is_save =
        |effect: &Effect| matches!(effect, Effect::Shared(shared::Effect::Material(material::Effect::Save { .. })));
    let save = harness.take(is_save).expect("it is saved");
    let exists = material::Message::Exists("syllabus.pdf".into());
    harness.finish(&save, vec![Message::Shared(shared::Message::Material(exists))]);
    harness.assert_shows("Replace syllabus.pdf?");
    harness.keys("y");
    let again = harness.take(is_save).expect("it is saved again");
    let Work::Program(Effect::Shared(shared::Effect::Material(material::Effect::Save { to, .. }))) = &again.work else {
        panic!("{again:?}")
    };
    assert_eq!(*to, material::Destination::Path { path: "syllabus.pdf".into(), replace: true });
}

#[test]
fn a_material_opens_outside_once_it_is_here() {
    let mut harness = open(Course::new("cs101"));
    settle(&mut harness);
    harness.keys("2");
    settle(&mut harness);
    harness.keys("o");
    settle(&mut harness);
    let opening = harness.take_kit().expect("the viewer is asked for");
    assert!(matches!(&opening.work, Work::Kit(KitWork::Open(path)) if path.ends_with("notes.pdf")));
    harness.finish_kit(&opening, KitAnswer::Opened(Ok(())));
    harness.assert_shows("is open in your viewer");
}

#[test]
fn a_password_is_changed_once_it_was_typed_twice() {
    let mut harness = open(Home::default());
    settle(&mut harness);
    harness.keys("P");
    harness.type_text("the-old-one\nthe-new-one-of-mine\nthe-new-one-of-mind\n");
    harness.assert_shows("The two passwords are not the same");
    assert!(!harness.effects().any(is_new_password), "nothing is sent");
    harness.keys("backspace");
    harness.type_text("e\n");
    assert!(harness.effects().any(is_new_password));
    harness.assert_hides("the-new-one");
    settle(&mut harness);
    harness.assert_shows("Your password is another one now");
    harness.assert_shows("Due next");
}

fn is_new_password(effect: &Effect) -> bool {
    let wanted =
        account::Effect::ChangePassword { old: Secret::new("the-old-one"), new: Secret::new("the-new-one-of-mine") };
    *effect == Effect::Shared(shared::Effect::Account(wanted))
}

#[test]
fn a_supposed_score_shows_what_the_grade_would_be_and_is_forgotten_on_request() {
    let mut harness = open(Course::new("cs101"));
    settle(&mut harness);
    harness.keys("5");
    settle(&mut harness);
    assert!(harness.screen().contains("So far 95.00 % (A)"), "{}", harness.screen());
    harness.keys("j j w");
    harness.type_text("5");
    harness.keys("enter");
    let screen = harness.screen();
    // Of 9.5 and 5 the 5 is dropped; of 9.5, 5 and nothing the nothing is.
    assert!(screen.contains("What if hw2 = 5") && screen.contains("So far it would be 95.00 % (A)"), "{screen}");
    assert!(screen.contains("72.50 % if nothing more were graded"), "{screen}");
    harness.keys("k w");
    harness.type_text("10x");
    harness.keys("enter");
    assert!(harness.screen().contains("is no number of points"), "{}", harness.screen());
    harness.keys("backspace enter");
    assert!(harness.screen().contains("So far it would be 97.50 % (A)"), "{}", harness.screen());
    assert_eq!(harness.effects().filter(|effect| effect_is_change(effect)).count(), 0, "nothing goes to the cluster");
    harness.keys("W");
    assert!(harness.screen().contains("So far 95.00 % (A)"), "{}", harness.screen());
}

fn effect_is_change(effect: &Effect) -> bool {
    crate::effects::is_change(effect)
}
