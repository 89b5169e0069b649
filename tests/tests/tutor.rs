//! The tutor, from a student's question to an answer that the staff vouch for: real nodes, the real tutor, and what stands in
//! for Ollama.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use lectern_fake_ollama::{After, FakeOllama, Reply, answer, done, line};
use lectern_tests::class::Class;
use lectern_tests::cluster::{Cluster, PATIENCE};
use lectern_tests::program::{Person, Ran, bin};
use lectern_tests::wait;
use serde_json::Value;
use tokio::runtime::Runtime;

const QUESTION: &str = "When does a while loop end?";
const NOTES: &str = "# Loops\n\nA while loop repeats its body as long as its condition is true. When the condition becomes \
                     false, the loop ends. If it never becomes false, the loop is infinite.\n";

/// A class with a tutor before what stands in for Ollama.
struct Tutored {
    class: Class,
    fake: Option<FakeOllama>,
    // Drives the stand-in.
    runtime: Runtime,
    tutor: Child,
}

impl Tutored {
    fn new(nodes: u32, reply: Reply) -> Self {
        let class = Class::on(nodes);
        let material = class.file("notes.md", NOTES);
        class.instructor.run(&["material", "add", "cs101", &material, "--slug", "notes", "--title", "Notes"]).ok();
        let runtime = Runtime::new().expect("a runtime");
        let fake = runtime.block_on(FakeOllama::start(reply)).expect("a port");
        let config = configure(&class, &fake.url());
        let tutor = start(&class.cluster, &config);
        Self { class, fake: Some(fake), runtime, tutor }
    }

    fn fake(&self) -> &FakeOllama {
        self.fake.as_ref().expect("it runs")
    }

    /// Asks, and gives every event, the last one last.
    fn ask(&self, question: &str) -> Vec<Value> {
        events(&self.class.student.run(&["ask", "cs101", question, "--tutor"]).ok())
    }
}

fn thread(who: &Person, number: u64) -> Value {
    who.run(&["thread", "show", &format!("cs101/{number}")]).json()
}

impl Drop for Tutored {
    fn drop(&mut self) {
        // It may have ended by itself, which its test has seen.
        let _ = self.tutor.kill();
        let _ = self.tutor.wait();
    }
}

fn events(ran: &Ran) -> Vec<Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect("an object a line")).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().expect("an event")).collect()
}

/// Makes the tutor's account and its configuration.
fn configure(class: &Class, ollama: &str) -> PathBuf {
    // Possible once every node has told the leader that it knows of tutors.
    wait::until("the account of the tutor", PATIENCE, || {
        (class.admin.run(&["account", "create", "owl", "--name", "Tutor", "--tutor"]).code == 0).then_some(())
    });
    let issued = class.admin.run(&["account", "code", "owl"]).json();
    let owl = class.cluster.activate("owl", issued["codes"][0]["code"].as_str().expect("a code"));
    let token = owl.run(&["token", "create", "tutor"]).json();
    class.file("tutor/token", token["token"].as_str().expect("a token"));
    let nodes = (1..=class_size(class)).map(|node| format!("\"{}\"", class.cluster.address(node)));
    let config = format!(
        "nodes = [{}]\ntoken_file = \"token\"\nlisten = \"127.0.0.1:0\"\ndata_dir = \"index\"\n[ollama]\nurl = \"{ollama}\"\n\
         model = \"fake\"\n[limits]\nidle_seconds = 60\n",
        nodes.collect::<Vec<_>>().join(", ")
    );
    class.file("tutor/tutor.toml", config).into()
}

fn class_size(class: &Class) -> u32 {
    u32::try_from(class.cluster.endpoints().split(',').count()).expect("a few nodes")
}

/// Starts the tutor and waits until the cluster tells where it is.
fn start(cluster: &Cluster, config: &std::path::Path) -> Child {
    let log = cluster.path("tutor.log");
    let child = Command::new(bin("lectern-tutor"))
        .args(["run", "--config"])
        .arg(config)
        .stdin(Stdio::null())
        .stderr(File::create(&log).expect("writable"))
        .spawn()
        .expect("lectern-tutor starts");
    wait::until("the tutor to be known", PATIENCE, || {
        fs::read_to_string(&log).ok()?.contains("the cluster tells that the tutor is at").then_some(())
    });
    child
}

#[test]
fn a_student_is_answered_with_pages_and_the_staff_see_it_endorse_it_and_take_over() {
    let tutored = Tutored::new(1, answer("The loop ends when its condition becomes false [1]. Try it [7]."));
    let events = tutored.ask(QUESTION);
    let (last, before) = events.split_last().expect("events");
    assert_eq!(kinds(before), ["excerpts", "piece", "piece"]);
    assert_eq!(before[0]["excerpts"][0]["citation"]["pages"], serde_json::json!([1]));
    assert_eq!(last["answer"]["citations"][0]["material"], "notes");
    assert_eq!(last["answer"]["end"], "answered");
    let body = last["body"].as_str().expect("a text");
    assert!(body.contains("false [1]") && body.contains("[1] Notes, page 1") && !body.contains("[7]"), "{body}");

    let seen = thread(&tutored.class.instructor, 1);
    assert_eq!(seen["messages"][1]["body"], last["body"]);
    assert_eq!((&seen["thread"]["asked_of"], &seen["thread"]["state"]), (&"tutor".into(), &"answered".into()));
    tutored.class.instructor.run(&["thread", "endorse", "cs101/1", "2"]).ok();
    assert_eq!(thread(&tutored.class.student, 1)["messages"][1]["endorsed_by"]["username"], "noether");
    let bob = tutored.class.another_student("bob");
    bob.run(&["thread", "show", "cs101/1"]).refused(1, "NOT_FOUND");

    tutored.class.instructor.run(&["thread", "reply", "cs101/1", "--body", "And break ends it, too."]).ok();
    let again = ["ask", "cs101", "And then?", "--thread", "1", "--tutor"];
    tutored.class.student.run(&again).refused(1, "WRONG_STATE");
    let waiting = tutored.class.instructor.run(&["thread", "list", "cs101", "--open"]).json();
    assert_eq!(waiting["threads"][0]["number"], 1, "what it was asked after that is the staff's to answer");
}

#[test]
fn no_name_and_no_token_of_a_student_is_in_a_prompt() {
    let tutored = Tutored::new(1, answer("The loop ends [1]."));
    tutored.ask(QUESTION);
    let sent = tutored.fake().requests()[0].to_string();
    assert!(sent.contains(QUESTION) && sent.contains("A while loop repeats its body"), "{sent}");
    for secret in ["ada", "Ada", "Lovelace", "Bearer"] {
        assert!(!sent.contains(secret), "{secret}: {sent}");
    }
}

#[test]
fn without_a_model_the_pages_are_quoted_and_what_they_do_not_hold_goes_to_the_instructor() {
    let mut tutored = Tutored::new(1, answer(""));
    tutored.fake = None;
    let quoted = tutored.ask(QUESTION);
    let last = quoted.last().expect("an end");
    assert_eq!(last["answer"]["end"], "quoted");
    let body = last["body"].as_str().expect("a text");
    assert!(
        body.contains("When the condition becomes false, the loop ends.") && body.contains("Notes, page 1"),
        "{body}"
    );

    let nothing = tutored.ask("photosynthesis");
    assert_eq!(nothing.last().expect("an end")["answer"]["end"], "nothing_found");
    let open =
        |who: &Person| who.run(&["thread", "list", "cs101", "--open"]).json()["threads"].as_array().map(Vec::len);
    assert_eq!(open(&tutored.class.instructor), Some(0));
    tutored.class.student.run(&["thread", "hand-over", "cs101/2"]).ok();
    assert_eq!(open(&tutored.class.instructor), Some(1));
}

#[test]
fn material_that_is_taken_back_is_not_quoted_any_more() {
    let mut tutored = Tutored::new(1, answer(""));
    tutored.fake = None;
    assert_eq!(tutored.ask(QUESTION).last().expect("an end")["answer"]["end"], "quoted");
    tutored.class.instructor.run(&["material", "update", "cs101/notes", "--release", "+1d"]).ok();
    assert_eq!(tutored.ask(QUESTION).last().expect("an end")["answer"]["end"], "nothing_found");
}

#[test]
fn the_leader_dies_while_an_answer_streams_and_the_answer_is_stored_once() {
    let pieces = vec![line("The loop ends ").into_bytes(), (line("[1].") + &done("stop", 300, 4)).into_bytes()];
    let mut tutored = Tutored::new(3, Reply::Pieces(pieces, After::Gate));
    let asking = tutored.class.student.command(&["ask", "cs101", QUESTION, "--tutor"]).spawn().expect("it starts");
    tutored.runtime.block_on(tutored.fake().wait_until(|seen| seen.open == 1));
    tutored.class.cluster.kill_leader();
    tutored.fake().open_gate();
    let ran = Ran::new("ask".into(), asking.wait_with_output().expect("it ends")).ok();
    let events = events(&ran);
    assert_eq!(events.last().expect("an end")["answer"]["end"], "answered");
    let messages = thread(&tutored.class.student, 1)["messages"].as_array().expect("messages").len();
    assert_eq!(messages, 2);
}

#[test]
fn who_leaves_frees_the_model_and_is_answered_when_they_ask_again() {
    let silent = Reply::Pieces(vec![line("The loop ").into_bytes()], After::Silence);
    let tutored = Tutored::new(1, silent);
    let mut asking = tutored.class.student.command(&["ask", "cs101", QUESTION, "--tutor"]).spawn().expect("it starts");
    tutored.runtime.block_on(tutored.fake().wait_until(|seen| seen.open == 1));
    asking.kill().expect("it runs");
    asking.wait().expect("it ends");
    tutored.runtime.block_on(tutored.fake().wait_until(|seen| seen.open == 0));
    assert_eq!(thread(&tutored.class.student, 1)["messages"].as_array().map(Vec::len), Some(1));
    tutored.fake().set_reply(answer("It ends [1]."));
    let again = tutored.class.student.run(&["ask", "cs101", "So?", "--thread", "1", "--tutor"]).ok();
    assert_eq!(events(&again).last().expect("an end")["message"], 3);
}
