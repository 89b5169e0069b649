//! Who may speak to a node as a peer, without certificates: strangers, what was overheard, copies of a node.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lectern_proto::internal::v1::{Hello, Introduction, PeerFrame, Proof, peer_frame, peer_reply};
use lectern_rpc::internal::v1::peer_service_client::PeerServiceClient;
use lectern_tests::cluster::PATIENCE;
use lectern_tests::program::bin;
use lectern_tests::{Class, Cluster, wait};
use prost::Message as _;
use serde_json::Value;
use tokio_stream::StreamExt as _;

const STRANGER: &str = "does not know the cluster's secret";

fn genesis(cluster: &Cluster) -> Value {
    let text = std::fs::read_to_string(cluster.path("genesis.json")).expect("the cluster was founded");
    serde_json::from_str(&text).expect("JSON")
}

fn text<'a>(genesis: &'a Value, key: &str) -> &'a str {
    genesis[key].as_str().expect("a text")
}

fn from_hex(text: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("two digits");
    (0..text.len()).step_by(2).map(byte).collect()
}

/// The key of the cluster's nodes, as `ClusterKeys::peer_key` derives it.
fn peer_key(genesis: &Value) -> [u8; 32] {
    let secret = from_hex(text(genesis, "cluster_secret"));
    let mut hasher = blake3::Hasher::new_derive_key("lectern 2026-11 proof between nodes");
    hasher.update(text(genesis, "cluster_id").as_bytes()).update(&secret);
    *hasher.finalize().as_bytes()
}

fn proof(key: &[u8; 32], word: &str, caller: &Introduction, answerer: &Introduction) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new_keyed(key);
    for part in [word.as_bytes(), &caller.hello, &caller.nonce, &answerer.hello, &answerer.nonce] {
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    hasher.finalize().as_bytes().to_vec()
}

/// Calls a node as its peer would, with this key; what the welcome says. Also checks that the node has proven itself, where the
/// key is the right one.
async fn call(address: &str, hello: Hello, key: [u8; 32], is_right: bool) -> String {
    let (frames, out) = tokio::sync::mpsc::channel(4);
    let send = |kind| frames.try_send(PeerFrame { kind: Some(kind) }).expect("there is room");
    let caller = Introduction { hello: hello.encode_to_vec(), nonce: vec![7; 32] };
    send(peer_frame::Kind::Introduction(caller.clone()));
    let mut client = PeerServiceClient::connect(format!("http://{address}")).await.expect("the node listens");
    let mut replies =
        client.messages(tokio_stream::wrappers::ReceiverStream::new(out)).await.expect("it answers").into_inner();
    let mut next = async || replies.next().await.expect("a reply").expect("no error").kind;
    let Some(peer_reply::Kind::Challenge(challenge)) = next().await else { panic!("no challenge") };
    let answerer = challenge.answerer.expect("an introduction");
    assert_eq!(challenge.proof == proof(&key, "answers", &caller, &answerer), is_right);
    send(peer_frame::Kind::Proof(Proof { proof: proof(&key, "calls", &caller, &answerer) }));
    match next().await {
        Some(peer_reply::Kind::Welcome(welcome)) => welcome.refused,
        other => panic!("no welcome but {other:?}"),
    }
}

fn metrics(cluster: &Cluster, node: u32) -> String {
    let mut stream = TcpStream::connect(cluster.metrics_address(node)).expect("metrics are served");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n").expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

fn await_line(cluster: &Cluster, node: u32, parts: &[&str]) {
    wait::until(&format!("a line with {parts:?} in the log of node {node}"), PATIENCE, || {
        cluster.log(node).lines().any(|line| parts.iter().all(|part| line.contains(part))).then_some(())
    });
}

#[test]
fn a_stranger_who_knows_everything_but_the_secret_is_refused_logged_and_counted() {
    let mut cluster = Cluster::found(3);
    for node in 1..=3 {
        cluster.node_env.push((node, "LECTERN_LOG".into(), "trace".into()));
    }
    cluster.start_all();
    let genesis = genesis(&cluster);
    let hello = Hello {
        protocol: 2,
        cluster_id: text(&genesis, "cluster_id").into(),
        epoch: 1,
        node_id: 3,
        incarnation: "of a stranger".into(),
        to_node_id: 1,
        boot: b"of a stranger".to_vec(),
        ..Hello::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = cluster.peer_address(1);
    let term = cluster.status()["term"].clone();
    assert_eq!(runtime.block_on(call(&address, hello.clone(), [9; 32], false)), format!("it {STRANGER}"));
    await_line(&cluster, 1, &["refused a connection", "peers", STRANGER, "127."]);
    let counted = "lectern_refused_connections_total{listener=\"peers\",reason=\"unproven\"} 1";
    assert!(metrics(&cluster, 1).contains(counted), "{}", metrics(&cluster, 1));
    // With the secret the very same call is judged by what it says: node 3 is another process, and there.
    let judged = runtime.block_on(call(&address, hello, peer_key(&genesis), true));
    assert!(judged.contains("another process is node 3"), "{judged}");
    assert_eq!(cluster.status()["term"], term, "nobody was disturbed");
    for node in 1..=3 {
        let (log, metrics) = (cluster.log(node), metrics(&cluster, node));
        assert!(log.contains(" TRACE "), "everything is logged");
        for secret in [text(&genesis, "cluster_secret"), text(&genesis, "admin_code_hash")] {
            assert!(!log.contains(secret) && !metrics.contains(secret), "a secret of node {node} can be read");
        }
    }
    cluster.assert_none_stopped();
}

/// Passes everything on to `target`, and keeps what callers say, by connection.
fn overhear(listen: &str, target: &str) -> Arc<Mutex<Vec<Vec<u8>>>> {
    let listener = TcpListener::bind(listen).expect("the address is free");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (kept, target) = (Arc::clone(&heard), target.to_owned());
    std::thread::spawn(move || {
        for mut caller in listener.incoming().map_while(Result::ok) {
            let Ok(mut node) = TcpStream::connect(&target) else { continue };
            let (mut back_from, mut back_to) = (
                node.try_clone().expect("a socket can be cloned"),
                caller.try_clone().expect("a socket can be cloned"),
            );
            std::thread::spawn(move || drop(std::io::copy(&mut back_from, &mut back_to)));
            let number = {
                let mut kept = kept.lock().expect("no thread panics with it");
                kept.push(Vec::new());
                kept.len() - 1
            };
            let kept = Arc::clone(&kept);
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = caller.read(&mut buffer) {
                    kept.lock().expect("no thread panics with it")[number].extend_from_slice(&buffer[..count]);
                    if node.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
                // Either may be gone already.
                let _ = node.shutdown(Shutdown::Both);
            });
        }
    });
    heard
}

#[test]
fn what_a_node_once_said_opens_no_door_when_it_is_said_again() {
    let mut cluster = Cluster::found(3);
    let direct = cluster.peer_address(1);
    let tapped = direct.replace(".1:7601", ".9:7601");
    let heard = overhear(&tapped, &direct);
    cluster.own_config.push((2, format!("[peers]\n1 = {tapped:?}\n")));
    cluster.start_all();
    await_line(&cluster, 2, &["connected to a peer", &tapped]);
    let said = wait::until("the node to have said something", PATIENCE, || {
        let heard = heard.lock().expect("no thread panics with it");
        heard.iter().max_by_key(|said| said.len()).filter(|said| said.len() > 1_000).cloned()
    });
    let mut again = TcpStream::connect(&direct).expect("the node listens");
    again.write_all(&said).expect("it reads");
    await_line(&cluster, 1, &["refused a connection", "peers", STRANGER]);
    assert_eq!(cluster.log(1).matches("refused a connection").count(), 1);
    cluster.assert_none_stopped();
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-r").args([from, to]).status().expect("cp runs");
    assert!(copied.success(), "{} cannot be copied", from.display());
}

/// A process on the copy of a node's directory, with addresses of its own.
fn start_copy(cluster: &Cluster, of: u32, data: &Path, log: &Path) -> Child {
    let own = |address: String| address.replace(&format!(".{of}:"), ".77:");
    let log = std::fs::File::create(log).expect("the folder is writable");
    let mut command = Command::new(bin("lectern-server"));
    command.arg("run").arg("--data").arg(data);
    command.args(["--client-listen", &own(cluster.address(of)), "--peer-listen", &own(cluster.peer_address(of))]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().expect("lectern-server starts")
}

#[test]
fn a_second_process_on_a_copied_directory_is_refused_and_stops_and_the_first_goes_on() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    class.cluster.kill(3);
    let (data, log) = (class.cluster.path("copy"), class.cluster.path("copy.log"));
    copy(&class.cluster.data_dir(3), &data);
    class.cluster.start_node(3);
    class.cluster.await_caught_up();
    let mut twin = start_copy(&class.cluster, 3, &data, &log);
    let ended = wait::until("the copy to stop", PATIENCE, || twin.try_wait().expect("it is a child"));
    let said = std::fs::read_to_string(&log).expect("it logged");
    assert_eq!(ended.code(), Some(1), "{said}");
    assert!(
        said.contains("another process is node 3 already") && said.contains("copies of one data directory"),
        "{said}"
    );
    for node in [1, 2] {
        await_line(&class.cluster, node, &["ERROR", "refused a peer", "another process is node 3"]);
    }
    // The first one is still a member in full: with one other it is the majority.
    class.cluster.kill(1);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "with the first").ok();
    class.cluster.assert_none_stopped();
}

#[test]
fn a_node_restored_from_an_old_copy_is_refused_because_it_has_forgotten_what_it_confirmed() {
    let mut class = Class::on(3);
    class.assignment("hw1", &[]);
    class.cluster.await_caught_up();
    class.cluster.kill(3);
    let old = class.cluster.path("old");
    copy(&class.cluster.data_dir(3), &old);
    class.cluster.start_node(3);
    // The others hear twice a second how far it has come.
    let begun = Instant::now();
    wait::until("work for a while", PATIENCE, || {
        class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "work").ok();
        class.cluster.await_caught_up();
        (begun.elapsed() > Duration::from_secs(3)).then_some(())
    });
    class.cluster.kill(3);
    std::fs::remove_dir_all(class.cluster.data_dir(3)).expect("it is there");
    copy(&old, &class.cluster.data_dir(3));
    class.cluster.start_node(3);
    for node in [1, 2] {
        await_line(&class.cluster, node, &["node 3 comes back with a log that ends at entry", "let it join again"]);
    }
    await_line(&class.cluster, 3, &["cannot talk to a peer", "restored from an old copy"]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "two are enough").ok();
    // It counts for nothing: with one other it is no majority.
    class.cluster.kill(1);
    let alone = class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-", "--timeout", "3s"], "too few");
    assert_ne!(alone.code, 0, "{}", alone.stdout);
}

/// A call for a snapshot on which nothing is ever said, again as soon as it was ended, on a connection of its own.
async fn say_nothing(address: String) {
    loop {
        if let Ok(mut client) = PeerServiceClient::connect(format!("http://{address}")).await {
            let silent = |mut client: PeerServiceClient<_>| async move {
                let replies = client.snapshot(tokio_stream::pending()).await;
                if let Ok(replies) = replies {
                    let mut replies = replies.into_inner();
                    while let Ok(Some(_)) = replies.message().await {}
                }
            };
            let second = silent(client.clone());
            let ended = client.snapshot(tokio_stream::pending());
            tokio::select! {
                _ = async { tokio::join!(second, ended) } => {}
                () = tokio::time::sleep(Duration::from_secs(20)) => {}
            }
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[test]
fn strangers_who_call_and_say_nothing_keep_no_node_out_and_fill_no_log() {
    let mut cluster = Cluster::start();
    let leader = cluster.await_leader();
    let behind = if leader == 3 { 2 } else { 3 };
    cluster.kill(behind);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let address = cluster.peer_address(leader);
    for _ in 0..60 {
        runtime.spawn(say_nothing(address.clone()));
    }
    await_line(&cluster, leader, &["refused a connection", "peers"]);
    cluster.start_node(behind);
    let begun = Instant::now();
    await_line(&cluster, behind, &["connected to a peer", &address]);
    assert!(begun.elapsed() < Duration::from_secs(15), "it took {:?}", begun.elapsed());
    cluster.await_caught_up();
    let counted = "lectern_refused_connections_total{listener=\"peers\",reason=\"unproven\"}";
    wait::until("their silence to be counted", PATIENCE, || metrics(&cluster, leader).contains(counted).then_some(()));
    let log = cluster.log(leader);
    let told = log.lines().filter(|line| line.contains("refused a connection") || line.contains("snapshot")).count();
    assert!(told < 40, "{told} lines about strangers:\n{log}");
    cluster.assert_none_stopped();
}

#[test]
fn who_has_proven_nothing_cannot_have_a_node_keep_what_he_says() {
    let mut cluster = Cluster::start();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let said = runtime.block_on(async {
        let mut client =
            PeerServiceClient::connect(format!("http://{}", cluster.peer_address(1))).await.expect("the node listens");
        let caller = Introduction { hello: vec![0; 1 << 20], nonce: vec![7; 32] };
        let frame = PeerFrame { kind: Some(peer_frame::Kind::Introduction(caller)) };
        let mut replies = client.messages(tokio_stream::iter([frame])).await.expect("it answers").into_inner();
        replies.message().await.expect("a word").and_then(|reply| reply.kind)
    });
    let Some(peer_reply::Kind::Welcome(welcome)) = said else { panic!("no welcome but {said:?}") };
    assert!(welcome.refused.contains("did not begin with an introduction"), "{}", welcome.refused);
    cluster.assert_none_stopped();
}
