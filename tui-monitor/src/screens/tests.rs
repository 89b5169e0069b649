//! The screens as they are drawn, and the keys on them.

use std::path::Path;

use lectern_proto::v1::{Member, MemberStanding, NodeRole, SnapshotTransfer};
use lectern_tui_kit::app::Input;
use lectern_tui_kit::look::Look;
use lectern_tui_kit::program::Incoming;
use lectern_tui_kit::remote::{Failure, RequestId};
use lectern_tui_kit::screen::ScreenId;
use lectern_tui_kit::testkit::{Harness, check_guides, check_scopes};
use lectern_tui_kit::theme::ThemeName;
use proptest::prelude::*;

use super::{Overview, SCOPES};
use crate::cli::Cli;
use crate::deed::Deed;
use crate::effects::{Answer, Effect, Heard, Monitor};
use crate::model::Model;
use crate::testing::{START_MS, address, answer, member, no_answer, with_members};

type Monitoring = Harness<Monitor>;

/// What the nodes say next, to the first screen: it is the one that follows them, for as long as the program runs.
fn tell(monitor: &mut Monitoring, answers: impl IntoIterator<Item = Answer>) {
    for answer in answers {
        let message = Heard::Status(answer);
        let incoming = Incoming::Message { to: Some(ScreenId(1)), request: RequestId(1), message };
        monitor.input(Input::Incoming(incoming));
    }
}

fn opened(look: Look) -> Monitoring {
    Harness::with_look(Model::new((1..=3).map(address).collect()), Overview::default(), START_MS, look)
}

fn dark() -> Monitoring {
    opened(Look::new(ThemeName::Dark, false))
}

/// A cluster with a history: it wrote, its leader was killed, another one was elected.
fn with_a_history(mut monitor: Monitoring) -> Monitoring {
    let mut commit = 1_204;
    for second in 0..100_u64 {
        commit += second * 7 % 50;
        tell(&mut monitor, (1..=3).map(|node| answer(node, 1, 7, commit)));
        monitor.pass(1_000);
    }
    tell(&mut monitor, [no_answer(1, "connection refused")]);
    monitor.pass(700);
    let candidate = |node: u64, role: NodeRole| {
        let mut said = answer(node, 0, 8, commit);
        if let Ok(view) = &mut said.result {
            view.self_.as_mut().expect("it spoke").role = role.into();
        }
        said
    };
    tell(&mut monitor, [candidate(2, NodeRole::Candidate), candidate(3, NodeRole::Follower)]);
    monitor.pass(500);
    let mut behind = answer(3, 2, 8, commit);
    if let Ok(view) = &mut behind.result {
        let own = view.self_.as_mut().expect("it spoke");
        own.applied_index -= 150;
        own.clock_offset_seconds = Some(-1.25);
        own.notice = "the disk is almost full: 1.2 GiB of 40 GiB are free".into();
    }
    let mut leader = answer(2, 2, 8, commit);
    if let Ok(view) = &mut leader.result {
        let transfer = SnapshotTransfer {
            node_id: 3,
            sending: true,
            bytes_done: 12 << 20,
            bytes_total: 40 << 20,
            started_at_ms: START_MS,
            bytes_saved: 1_288 << 20,
            bytes_per_second: 4 << 20,
            resumed: 2,
        };
        view.self_.as_mut().expect("it spoke").snapshots = vec![transfer];
    }
    tell(&mut monitor, [leader, behind]);
    monitor.pass(12_000);
    monitor
}

/// Pictures at the sizes people have.
fn pictures(name: &str, monitor: &mut Monitoring) {
    for (width, height) in [(80, 24), (120, 40), (40, 12)] {
        monitor.size = (width, height);
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), monitor.picture());
    }
}

#[test]
fn before_the_first_answer_the_nodes_are_being_asked() {
    pictures("loading", &mut dark());
}

#[test]
fn a_healthy_cluster_is_calm() {
    let mut monitor = dark();
    tell(&mut monitor, (1..=3).map(|node| answer(node, 1, 7, 1_204)));
    pictures("healthy", &mut monitor);
}

#[test]
fn after_an_election_the_screen_tells_its_story() {
    pictures("elected", &mut with_a_history(dark()));
}

#[test]
fn when_no_node_answers_the_reason_is_told() {
    let mut monitor = dark();
    tell(&mut monitor, (1..=3).map(|node| no_answer(node, "connection refused")));
    pictures("failed", &mut monitor);
}

#[test]
fn without_a_majority_it_says_what_is_needed() {
    let mut monitor = dark();
    tell(
        &mut monitor,
        [answer(2, 0, 7, 1_204), no_answer(1, "connection refused"), no_answer(3, "connection refused")],
    );
    pictures("no_majority", &mut monitor);
}

#[test]
fn plain_has_no_frames_and_says_figures_in_words() {
    let mut monitor = with_a_history(opened(Look::new(ThemeName::Mono, true)));
    pictures("plain", &mut monitor);
    assert!(monitor.screen().is_ascii());
}

#[test]
fn a_node_tells_everything_it_knows() {
    let mut monitor = with_a_history(dark());
    monitor.keys("down down enter");
    pictures("node", &mut monitor);
    monitor.keys("]");
    monitor.assert_shows("cluster / node 1");
    monitor.size = (80, 24);
    insta::assert_snapshot!("node_dead_80x24", monitor.picture());
}

#[test]
fn an_event_leads_to_its_node() {
    let mut monitor = with_a_history(dark());
    monitor.keys("tab");
    monitor.keys("enter");
    monitor.assert_shows("cluster / node");
    monitor.keys("esc G enter");
    monitor.assert_shows("This event is about no node in particular.");
}

#[test]
fn a_filter_is_typed_as_text() {
    let mut monitor = with_a_history(dark());
    monitor.keys("/");
    monitor.type_text("unreachable");
    monitor.assert_shows("1 of 3");
    monitor.assert_hides("candidate");
    monitor.keys("esc");
    monitor.assert_shows("follower");
}

#[test]
fn a_held_picture_does_not_change_until_it_is_let_go() {
    let mut monitor = dark();
    monitor.size = (120, 40);
    tell(&mut monitor, (1..=3).map(|node| answer(node, 1, 7, 1_204)));
    monitor.keys("space");
    let held = monitor.screen();
    tell(&mut monitor, (1..=3).map(|node| answer(node, 1, 7, 9_999)));
    monitor.pass(60_000);
    assert_eq!(monitor.screen(), held);
    monitor.keys("space");
    monitor.assert_shows("9999");
}

#[test]
fn a_node_that_is_learned_is_followed() {
    let mut monitor: Monitoring = Harness::new(Model::new(vec![address(1)]), Overview::default(), START_MS);
    tell(&mut monitor, [answer(1, 1, 7, 1_204)]);
    let followed: Vec<&Effect> = monitor.effects().collect();
    assert_eq!(followed.len(), 3, "{followed:?}");
}

#[test]
fn hostile_words_of_a_node_move_no_cursor() {
    let mut monitor = dark();
    let mut hostile = answer(1, 1, 7, 1_204);
    if let Ok(view) = &mut hostile.result {
        let own = view.self_.as_mut().expect("it spoke");
        own.notice = "\u{1b}[2J\u{202e}gone".into();
        own.version = "\u{1b}]0;owned\u{7}".into();
        own.client_address = "127.0.0.1:7600\u{1b}[H".into();
    }
    tell(&mut monitor, [hostile]);
    monitor.keys("enter");
    assert!(!monitor.screen().chars().any(|letter| letter.is_control() && letter != '\n'), "{}", monitor.screen());
}

/// A cluster of these members, of which those that answer do; node 1 leads.
fn of_members(mut monitor: Monitoring, answering: &[u64], members: &[Member]) -> Monitoring {
    let silent = (1..=members.len() as u64).filter(|node| !answering.contains(node));
    let everyone = (1..=members.len() as u64).map(|node| with_members(answer(node, 1, 7, 1_204), members.to_vec()));
    tell(&mut monitor, everyone);
    monitor.pass(72_000);
    tell(&mut monitor, answering.iter().map(|node| with_members(answer(*node, 1, 7, 1_204), members.to_vec())));
    tell(&mut monitor, silent.map(|node| no_answer(node, "connection refused")));
    monitor
}

fn voters(count: u64) -> Vec<Member> {
    (1..=count).map(|node| member(node, MemberStanding::Voter)).collect()
}

/// Three voters of which one has been away for a while, and a spare.
fn degraded() -> Vec<Member> {
    let mut members = voters(3);
    members[2] = Member {
        silent_ms: Some(72_000),
        healthy_ms: None,
        degraded: true,
        next: "offline 1:12; becomes a learner in 3:48; node 4 votes in its place".into(),
        ..members[2].clone()
    };
    let next = "becomes a voter in 3:48, in the place of node 3".into();
    members.push(Member { next, ..member(4, MemberStanding::Learner) });
    members
}

#[test]
fn a_member_that_is_away_is_shown_with_what_will_become_of_it() {
    let mut monitor = of_members(dark(), &[1, 2, 4], &degraded());
    pictures("degraded", &mut monitor);
    monitor.size = (80, 24);
    monitor.assert_shows("3 of 4 nodes answer, and no further voter may fail.");
    monitor.keys("down down enter");
    monitor.assert_shows("Next: it offline 1:12");
}

#[test]
fn a_member_that_is_away_is_told_without_colours_and_frames() {
    let mut monitor = of_members(opened(Look::new(ThemeName::Mono, true)), &[1, 2, 4], &degraded());
    pictures("degraded_plain", &mut monitor);
    assert!(monitor.screen().is_ascii());
}

#[test]
fn a_change_that_is_half_done_is_visible() {
    let mut members = voters(3);
    members[2] = member(3, MemberStanding::Leaving);
    members.push(member(4, MemberStanding::Joining));
    let mut monitor = dark();
    let joint = |node| {
        let mut said = with_members(answer(node, 1, 7, 1_204), members.clone());
        if let Ok(view) = &mut said.result {
            view.membership.as_mut().expect("it says who belongs").joint = true;
        }
        said
    };
    tell(&mut monitor, (1..=4).map(joint));
    pictures("joint", &mut monitor);
}

#[test]
fn a_learner_that_catches_up_is_shown_with_its_snapshot() {
    let mut members = voters(3);
    let next = "is behind and catches up".into();
    members.push(Member { healthy_ms: None, next, ..member(4, MemberStanding::Learner) });
    let mut monitor = dark();
    let mut leader = with_members(answer(1, 1, 7, 1_204), members.clone());
    if let Ok(view) = &mut leader.result {
        let transfer = SnapshotTransfer {
            node_id: 4,
            sending: true,
            bytes_done: 12 << 20,
            bytes_total: 40 << 20,
            started_at_ms: START_MS,
            ..SnapshotTransfer::default()
        };
        view.self_.as_mut().expect("it spoke").snapshots = vec![transfer];
    }
    let mut learner = with_members(answer(4, 1, 7, 1_204), members.clone());
    if let Ok(view) = &mut learner.result {
        view.self_.as_mut().expect("it spoke").applied_index = 0;
    }
    let others = [2, 3].map(|node| with_members(answer(node, 1, 7, 1_204), members.clone()));
    tell(&mut monitor, [leader, learner].into_iter().chain(others));
    pictures("catching_up", &mut monitor);
}

#[test]
fn five_nodes_fit_and_a_drained_one_is_marked() {
    let mut members = voters(5);
    members[4].drained = true;
    members[4].next = "keeps its vote: no spare is ready to take its place".into();
    pictures("five", &mut of_members(dark(), &[1, 2, 3, 4, 5], &members));
}

/// As an operator on three healthy nodes, of which the third is selected.
fn operating() -> Monitoring {
    let model = Model::new((1..=3).map(address).collect()).with_key_of(Some("ada".into()));
    let mut monitor: Monitoring = Harness::new(model, Overview::default(), START_MS);
    tell(&mut monitor, (1..=3).map(|node| answer(node, 1, 7, 1_204)));
    monitor.keys("G");
    monitor
}

/// Carries out what was ordered as a leader would that grants everything.
fn granted(monitor: &mut Monitoring) -> Vec<Effect> {
    let mut seen = Vec::new();
    monitor.settle(|effect| {
        seen.push(effect.clone());
        match effect {
            Effect::Follow { .. } => None,
            Effect::Ask { node, .. } => Some(vec![Heard::Advice(Ok(format!("node {node} leaves the cluster")))]),
            Effect::Order { node, .. } => Some(vec![Heard::Done(Ok(format!("node {node} leaves at once")))]),
        }
    });
    seen.retain(|effect| !matches!(effect, Effect::Follow { .. }));
    seen
}

#[test]
fn an_operator_is_told_what_an_order_leads_to_before_it_is_given() {
    let mut monitor = operating();
    monitor.assert_shows("operator ada, live");
    monitor.keys("X");
    assert_eq!(granted(&mut monitor), [Effect::Ask { deed: Deed::Remove, node: 3 }]);
    monitor.assert_shows("Remove node 3 from the cluster for good?");
    monitor.assert_shows("Node 3 leaves the cluster. Its number is never used");
    insta::assert_snapshot!("remove_80x24", monitor.picture());
    monitor.keys("n");
    assert_eq!(granted(&mut monitor), [], "a no changes nothing");
    monitor.keys("X");
    granted(&mut monitor);
    monitor.keys("y");
    assert_eq!(granted(&mut monitor), [Effect::Order { deed: Deed::Remove, node: 3 }]);
    monitor.assert_shows("Node 3 leaves at once.");
}

#[test]
fn leadership_is_handed_over_on_the_screen_of_a_node_too() {
    let mut monitor = operating();
    monitor.keys("enter L");
    assert_eq!(granted(&mut monitor), [Effect::Ask { deed: Deed::Transfer, node: 3 }]);
    monitor.keys("y");
    assert_eq!(granted(&mut monitor), [Effect::Order { deed: Deed::Transfer, node: 3 }]);
}

#[test]
fn a_refused_order_says_what_is_in_the_way_and_asks_nothing() {
    let mut monitor = operating();
    monitor.keys("D");
    monitor.settle(|effect| match effect {
        Effect::Follow { .. } => None,
        _ => Some(vec![Heard::Advice(Err(Failure::local("node 3 cannot be drained now: no spare is ready")))]),
    });
    monitor.assert_shows("Node 3 cannot be drained now: no spare is ready.");
    monitor.assert_hides("Drain node 3?");
}

#[test]
fn an_order_that_makes_no_sense_or_comes_from_nobody_is_refused_with_the_reason() {
    let mut monitor = operating();
    monitor.keys("R");
    monitor.assert_shows("Node 3 is not drained.");
    monitor.keys("g L");
    monitor.assert_shows("Node 1 leads already.");
    assert_eq!(granted(&mut monitor), []);
    let mut guest = dark();
    tell(&mut guest, (1..=3).map(|node| answer(node, 1, 7, 1_204)));
    guest.keys("X");
    guest.assert_shows("For operators: start with --cert and --key");
    assert_eq!(granted(&mut guest), []);
}

#[test]
fn the_guides_say_what_the_program_declares() {
    check_guides::<Cli>(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")), SCOPES);
}

#[test]
fn no_key_does_two_things() {
    check_scopes(SCOPES);
}

fn answers() -> impl Strategy<Value = Answer> {
    let word = (1..=4_u64, 0..=4_u64, 1..9_u64, any::<u64>())
        .prop_map(|(node, leader, term, commit)| answer(node, leader, term, commit));
    prop_oneof![word, (1..=4_u64).prop_map(|node| no_answer(node, "connection refused"))]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_key_no_answer_and_no_size_make_it_panic(
        steps in prop::collection::vec((answers(), "[a-zA-Z0-9/?:\\[\\] ]{0,3}", 0..60_000_i64), 0..40),
        sizes in prop::collection::vec((0..300_u16, 0..100_u16), 1..8),
    ) {
        let mut monitor = dark();
        for (at, (answer, typed, ms)) in steps.into_iter().enumerate() {
            if monitor.app().has_ended() {
                break;
            }
            tell(&mut monitor, [answer]);
            monitor.type_text(&typed);
            monitor.keys(["enter", "esc", "tab", "down"][at % 4]);
            monitor.pass(ms);
            monitor.size = sizes[at % sizes.len()];
            monitor.screen();
        }
    }
}
