//! Nodes that stop, lag, lie about the time; replies that are lost; keys that are used twice.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lectern_client::{Client, ClientOptions, Secret, new_key, v1};
use lectern_tests::cluster::PATIENCE;
use lectern_tests::proxy::Proxy;
use lectern_tests::{Class, Person, wait};

/// A client of the library, signed in as `person`, through these addresses.
fn client(person: &Person, endpoints: &str) -> Client {
    let made = person.run(&["token", "create", "library"]).json();
    let token = Secret::new(made["token"].as_str().expect("a token"));
    let options = ClientOptions::new(endpoints.split(',')).with_token(Some(token));
    Client::connect(options).expect("the addresses make sense")
}

fn submit_request(text: &str) -> v1::SubmitRequest {
    v1::SubmitRequest { course: "cs101".into(), assignment: "hw1".into(), text: text.into(), ..Default::default() }
}

#[test]
fn one_node_restarts_and_everything_goes_on() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    for node in 1..=3 {
        class.cluster.kill(node);
        class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], &format!("without {node}")).ok();
        class.cluster.start_node(node);
        class.cluster.await_leader();
        class.cluster.await_caught_up();
    }
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 3);
    class.cluster.assert_none_stopped();
}

#[test]
fn sigterm_hands_leadership_over_and_ends_with_zero() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    let leader = class.cluster.await_leader();
    assert_eq!(class.cluster.terminate(leader), Some(0), "{}", class.cluster.log(leader));
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "after the hand-over").ok();
    assert_ne!(class.cluster.await_leader(), leader);
}

#[test]
fn a_minority_of_one_refuses_writes_and_says_so() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    class.cluster.kill(1);
    class.cluster.kill(2);
    let ask = ["thread", "ask", "cs101/hw1", "--title", "Who is there?", "--body", "Anybody?", "--timeout", "3s"];
    let ran = class.student.run(&ask);
    assert!(ran.code == 4 || ran.code == 6, "{}: {}", ran.code, ran.stderr);
    let ran = class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-", "--timeout", "3s"], "into the void");
    assert!(ran.code == 5 && ran.stderr.contains("NOT submitted"), "{}: {}", ran.code, ran.stderr);
    let status = class.cluster.status();
    assert!(status["leader"].is_null(), "{status}");
    class.cluster.start_node(1);
    class.cluster.await_leader();
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "with a majority").ok();
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 2, "what was queued came first, and once");
}

#[test]
fn a_node_that_missed_50_000_entries_catches_up_by_a_snapshot() {
    const ENTRIES: u64 = 50_000;
    let mut class = Class::on(3);
    class.cluster.extra_config = "[limits]\nlog_keep_entries = 2000\n".into();
    (1..=3).for_each(|node| class.cluster.kill(node));
    class.cluster.start_all();
    class.assignment("hw1", &[]);
    let leader = class.cluster.await_leader();
    let behind = if leader == 3 { 2 } else { 3 };
    class.cluster.await_caught_up();
    class.cluster.kill(behind);
    let before = commit(&class);
    let endpoints = class.cluster.endpoints();
    save_drafts(&client(&class.student, &endpoints), ENTRIES);
    assert!(commit(&class) >= before + ENTRIES);
    class.cluster.start_node(behind);
    class.cluster.await_caught_up();
    let installed = class.cluster.log(behind).contains("snapshot");
    assert!(installed, "the log was compacted, so a snapshot was needed:\n{}", class.cluster.log(behind));
    // What it caught up with is the state itself: it answers, and leads, alone with one other.
    let other = (1..=3).find(|node| *node != behind && *node != leader).expect("three nodes");
    class.cluster.kill(other);
    let here = class.student.through(&class.cluster.address(behind));
    let draft = here.run(&["draft", "show", "cs101/hw1"]).json();
    assert_eq!(draft["revision"].as_u64(), Some(ENTRIES));
    class.cluster.assert_none_stopped();
}

fn commit(class: &Class) -> u64 {
    let status = class.cluster.status();
    let nodes = status["nodes"].as_array().expect("nodes").iter();
    nodes.filter_map(|node| node["commit"].as_u64()).max().expect("a commit index")
}

/// Saves so many drafts, many at a time.
fn save_drafts(client: &Client, count: u64) {
    const AT_ONCE: u64 = 100;
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let mut workers = Vec::new();
        for worker in 0..AT_ONCE {
            let client = client.clone();
            workers.push(tokio::spawn(async move {
                for round in 0..count / AT_ONCE {
                    let request = v1::SaveDraftRequest {
                        course: "cs101".into(),
                        assignment: "hw1".into(),
                        text: format!("worker {worker}, round {round}"),
                        ..Default::default()
                    };
                    client.call(request).await.expect("a majority is up");
                }
            }));
        }
        for worker in workers {
            worker.await.expect("no worker panics");
        }
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_with_one_idempotency_key_make_one_submission() {
    let class = tokio::task::spawn_blocking(|| {
        let class = Class::on(3);
        class.assignment("hw1", &[]);
        class
    });
    let class = class.await.expect("the class starts");
    let first = client(&class.student, &class.cluster.address(1));
    let second = client(&class.student, &class.cluster.address(2));
    let key = new_key();
    let (one, two) = tokio::join!(
        first.call_with_key(&key, submit_request("once")),
        second.call_with_key(&key, submit_request("once"))
    );
    let id = |response: v1::SubmitResponse| response.submission.expect("submitted").submission_id;
    assert_eq!(id(one.expect("accepted")), id(two.expect("accepted")));
    let reused = first.call_with_key(&key, submit_request("something else")).await.expect_err("another request");
    assert!(reused.is_refused_for("KEY_REUSED"), "{reused:?}");
    let attempts = tokio::task::spawn_blocking(move || class.attempts(&class.student, "cs101/hw1"));
    assert_eq!(attempts.await.expect("counted"), 1);
}

#[test]
fn a_reply_that_was_lost_is_asked_for_again_and_the_work_is_there_once() {
    let mut class = Class::on(1);
    class.assignment("hw1", &[]);
    let direct = class.cluster.address(1);
    let front = direct.replace(".1:7600", ".9:7600");
    class.cluster.kill(1);
    class.cluster.extra_config = format!("client_advertise = {front:?}\n");
    class.cluster.start_all();
    let proxy = Proxy::start(&front, &direct);
    let client = Arc::new(client(&class.student, &front));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(client.call(v1::WhoAmIRequest {})).expect("the proxy forwards");
    proxy.swallow_replies();
    let call = runtime.spawn({
        let client = Arc::clone(&client);
        async move { client.call(submit_request("heard once")).await }
    });
    let here = class.student.through(&direct);
    wait::until("the submission whose reply is lost", PATIENCE, || {
        (class.attempts(&here, "cs101/hw1") == 1).then_some(())
    });
    assert!(!call.is_finished(), "the reply cannot have arrived");
    proxy.cut_and_heal();
    let answer = runtime.block_on(call).expect("no panic").expect("asked again with the same key");
    assert_eq!(answer.submission.expect("submitted").attempt, 1);
    assert_eq!(class.attempts(&here, "cs101/hw1"), 1);
}

#[test]
fn a_read_after_a_write_sees_it_on_every_node() {
    let class = Class::on(3);
    class.assignment("hw1", &[]);
    for round in 1..=5 {
        class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], &format!("round {round}")).ok();
        for node in 1..=3 {
            let here = class.student.through(&class.cluster.address(node));
            assert_eq!(class.attempts(&here, "cs101/hw1"), round, "node {node}");
        }
    }
}

#[test]
fn a_node_whose_clock_is_an_hour_ahead_neither_leads_nor_stamps() {
    const HOUR_MS: i64 = 3_600_000;
    let mut class = Class::on(3);
    class.assignment("hw1", &["--due", "+30m"]);
    // The leader comes back with a clock that is an hour ahead.
    let wrong = class.cluster.kill_leader();
    class.cluster.node_env.push((wrong, "LECTERN_FAULT_CLOCK_OFFSET_MS".into(), HOUR_MS.to_string()));
    class.cluster.start_node(wrong);
    class.cluster.await_caught_up();
    let submitted = class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "on time").json();
    assert_eq!(submitted["submission"]["late"], false, "{submitted}");
    // Even as one of two it does not lead: the other one does.
    let leader = class.cluster.kill_leader();
    assert_ne!(leader, wrong);
    assert_ne!(class.cluster.await_leader(), wrong);
    let again = class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "on time too").json();
    assert_eq!(again["submission"]["late"], false, "{again}");
    let shown = again["submission"]["stamped_at"].as_str().expect("a time").to_owned();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    assert!(shown < later(now + Duration::from_mins(2)), "{shown} is in the future");
}

#[test]
fn a_due_date_that_passes_while_every_machine_sleeps_makes_nobody_late() {
    const NAP: Duration = Duration::from_secs(4);
    let mut class = Class::on(3);
    // Slow elections: whoever led before they slept leads on.
    class.cluster.extra_config = "[timing]\nelection_ticks_min = 100\nelection_ticks_max = 200\n".into();
    (1..=3).for_each(|node| class.cluster.kill(node));
    class.cluster.start_all();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    let due = now() + NAP;
    class.assignment("hw1", &["--due", &later(due)]);
    (1..=3).for_each(|node| class.cluster.signal(node, "STOP"));
    wait::until("the due date and a nap", PATIENCE, || (now() >= due + NAP).then_some(()));
    (1..=3).for_each(|node| class.cluster.signal(node, "CONT"));
    wait::until("the outage to be known", PATIENCE, || {
        let submitted = class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "not my fault").json();
        (submitted["submission"]["late"] == false).then_some(())
    });
    class.cluster.assert_none_stopped();
}

#[test]
fn a_leader_whose_clock_jumps_an_hour_makes_nobody_late_and_leads_no_more() {
    const HOUR_MS: &str = "3600000";
    let mut class = Class::on(3);
    class.assignment("hw1", &["--due", "+30m"]);
    for node in 1..=3 {
        let offset = class.file(&format!("clock{node}"), "0");
        class.cluster.node_env.push((node, "LECTERN_FAULT_CLOCK_OFFSET_MS".into(), format!("@{offset}")));
        class.cluster.kill(node);
        class.cluster.start_node(node);
        class.cluster.await_caught_up();
    }
    let client = Arc::new(client(&class.student, &class.cluster.endpoints()));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let leader = class.cluster.await_leader();
    // Without a pause, so that some arrive before any node can have compared its clock with another's.
    let submissions = runtime.spawn({
        let client = Arc::clone(&client);
        async move {
            let mut made = Vec::new();
            for round in 0..30 {
                let answer = client.call(submit_request(&format!("round {round}"))).await.expect("a majority is up");
                made.push(answer.submission.expect("submitted"));
            }
            made
        }
    });
    class.file(&format!("clock{leader}"), HOUR_MS);
    let other = wait::until("another leader", PATIENCE, || {
        let now = class.cluster.await_leader();
        (now != leader).then_some(now)
    });
    let made = runtime.block_on(submissions).expect("no panic");
    assert!(made.iter().all(|submission| !submission.late), "{made:?}");
    assert!(class.cluster.log(leader).contains("hands leadership over"), "{}", class.cluster.log(leader));
    // Put right, its clock is one of the majority's again when the new leader dies.
    class.file(&format!("clock{leader}"), "0");
    class.cluster.kill(other);
    class.cluster.await_leader();
    let again = class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "on time").json();
    assert_eq!(again["submission"]["late"], false, "{again}");
    class.cluster.start_node(other);
    class.cluster.await_caught_up();
    class.cluster.assert_none_stopped();
}

/// A moment as the programs print it.
fn later(since_1970: Duration) -> String {
    let ms = i64::try_from(since_1970.as_millis()).expect("in range");
    lectern_cli::format::rfc3339(ms)
}

#[test]
fn another_students_chunk_cannot_be_claimed_by_its_digest() {
    let class = Class::on(1);
    class.assignment("hw1", &[]);
    let secret = class.file("secret.txt", "the model answer nobody else has");
    class.student.run(&["submit", "cs101/hw1", &secret]).ok();
    let digest = blake3::hash(b"the model answer nobody else has").as_bytes().to_vec();
    let thief = client(&class.another_student("mallory"), &class.cluster.endpoints());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let request = v1::PledgeRequest {
            course: "cs101".into(),
            assignment: "hw1".into(),
            files: vec![v1::FileDeclaration { name: "mine.txt".into(), size: 32, digest }],
            ..Default::default()
        };
        let pledge = thief.call(request).await.expect("anyone may declare anything").pledge.expect("a pledge");
        let missing: Vec<u32> = pledge.upload.expect("an upload").files[0].missing.clone();
        assert_eq!(missing, [0], "whether the bytes are stored already is not told");
        let request = v1::SubmitRequest { pledge_id: pledge.pledge_id, ..submit_request("") };
        let refused = thief.call(request).await.expect_err("the bytes never came");
        assert!(refused.is_refused_for("CHUNKS_MISSING"), "{refused:?}");
    });
}

#[test]
fn health_reflection_and_metrics_answer_on_every_node() {
    let class = Class::on(3);
    for node in 1..=3 {
        let text = class.cluster.metrics(node);
        for name in ["lectern_raft_term", "lectern_raft_commit_index", "lectern_raft_applied_index"] {
            assert!(text.contains(name), "node {node} has no {name}:\n{text}");
        }
    }
}
