//! Which attempt counts, what is queued, and receipts, on the screens.

use lectern_proto::v1;

use super::flows::settle;
use super::server::{Mood, answer, stored, submission, unreachable};
use super::{open, place};
use crate::effects::{Effect, HandedIn, Message, Progress, Stored};
use crate::model::Attempts;
use crate::screens::assignment::AssignmentScreen;
use crate::screens::home::Home;

/// An attempt in time, and a later one that is late.
fn in_time_and_late() -> Attempts {
    let attempt = |attempt, late| v1::Submission { attempt, late, ..submission() };
    let because = v1::CountsBecause::OnTime.into();
    let counted = v1::Counted { attempt: 1, because, ..v1::Counted::default() };
    Attempts { attempts: vec![attempt(1, false), attempt(2, true)], counted, ..Attempts::default() }
}

#[test]
fn the_attempt_that_counts_is_marked_and_another_is_chosen_after_a_question() {
    let mut harness = open(AssignmentScreen::new(place()));
    harness.settle(|effect| match effect {
        Effect::Attempts(_) => Some(vec![Message::Attempts(Ok(in_time_and_late()))]),
        other => answer(Mood::Ready, other),
    });
    harness.assert_shows("on time, counts");
    harness.assert_hides("late, counts");
    harness.keys("tab c");
    harness.assert_shows("Make attempt 2 of cs101/hw2 count?");
    harness.assert_shows("treated as late");
    harness.keys("y");
    let chosen: Vec<u32> = harness
        .effects()
        .filter_map(|effect| if let Effect::Choose { attempt, .. } = effect { Some(*attempt) } else { None })
        .collect();
    assert_eq!(chosen, [2]);
    settle(&mut harness);
    harness.assert_shows("Attempt 2 counts");
}

#[test]
fn what_is_queued_is_never_shown_as_submitted() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("e");
    settle(&mut harness);
    harness.keys("ctrl-s ctrl-s y");
    let sent = harness.take(|effect| matches!(effect, Effect::HandIn(_))).expect("it is handed in");
    let waiting = Progress::Waiting { failure: unreachable(), queued: true };
    harness.finish(&sent, vec![Message::Queued(Ok([place()].into())), Message::Progress(waiting)]);
    harness.assert_shows("NOT submitted: it is queued on this machine");
    harness.assert_hides("Submitted");
    harness.keys("esc esc");
    settle(&mut harness);
    harness.keys("esc");
    settle(&mut harness);
    harness.assert_shows("queued here, NOT submitted");
}

#[test]
fn work_that_was_queued_before_is_told_at_the_start_and_its_end_too() {
    let mut harness = open(Home::default());
    let sending = harness.take(|effect| matches!(effect, Effect::SendQueued { .. })).expect("it is looked for");
    harness.finish(&sending, vec![Message::Queued(Ok([place()].into()))]);
    harness.assert_shows("cs101/hw2 is queued on this machine, NOT submitted");
}

#[test]
fn a_hand_in_says_where_its_receipt_is_and_which_attempt_counts() {
    let mut harness = open(AssignmentScreen::new(place()));
    settle(&mut harness);
    harness.keys("e");
    settle(&mut harness);
    harness.keys("ctrl-s ctrl-s y");
    let sent = harness.take(|effect| matches!(effect, Effect::HandIn(_))).expect("it is handed in");
    let late = stored(v1::Submission { late: true, ..submission() });
    let late = Stored { counted: in_time_and_late().counted, ..late };
    let outcome = Ok(HandedIn::Submission(Box::new(late)));
    harness.finish(&sent, vec![Message::HandedIn { place: place(), outcome }]);
    harness.assert_shows("The signed receipt is kept as /state/receipts/hw2-3.receipt");
    harness.assert_shows("Attempt 1 counts: it came in time");
}
