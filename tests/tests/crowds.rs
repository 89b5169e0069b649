//! More callers than a node may open files for: it goes on serving, and says what it did.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use lectern_proto::v1::{GetStatusRequest, WatchStatusRequest};
use lectern_rpc::v1::cluster_service_client::ClusterServiceClient;
use lectern_tests::cluster::PATIENCE;
use lectern_tests::{Class, Cluster, wait};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

/// What the nodes of these tests may open.
const OPEN_FILES: u32 = 1_024;
/// How every HTTP/2 connection begins: the preface, and empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

fn metrics(cluster: &Cluster, node: u32) -> String {
    let mut stream = TcpStream::connect(cluster.metrics_address(node)).expect("metrics are served");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: node\r\n\r\n").expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// A metric's value, 0 where it is not there yet.
fn metric(cluster: &Cluster, node: u32, name: &str) -> f64 {
    let text = metrics(cluster, node);
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0.0, |value| value.trim().parse().expect("a number"))
}

/// Idle connections, each a sound beginning of HTTP/2.
fn idle(address: &str, count: usize) -> Vec<TcpStream> {
    let one = |_| {
        let mut stream = TcpStream::connect(address).expect("the node accepts");
        stream.write_all(PREFACE).expect("the node reads");
        stream
    };
    (0..count).map(one).collect()
}

fn term(cluster: &Cluster) -> u64 {
    cluster.status()["term"].as_u64().expect("a term")
}

#[test]
fn a_node_that_may_open_1024_files_goes_on_serving_among_1500_idle_connections() {
    const CROWD: usize = 1_500;
    let mut cluster = Cluster::found(3);
    cluster.open_files = Some(OPEN_FILES);
    // What is tried here are connections, and not how busy the machine is.
    cluster.extra_config = "[timing]\nelection_ticks_min = 50\nelection_ticks_max = 100\n".into();
    let mut class = Class::of(cluster);
    class.assignment("hw1", &[]);
    let leader = class.cluster.await_leader();
    let before = term(&class.cluster);
    // On both listeners of the node that everything depends on.
    let crowd = idle(&class.cluster.address(leader), CROWD);
    let strangers = idle(&class.cluster.peer_address(leader), 200);
    let here = class.student.through(&class.cluster.address(leader));
    for round in 1..=5 {
        here.run_with_input(&["submit", "cs101/hw1", "--text", "-"], &format!("round {round}")).ok();
    }
    assert_eq!(class.attempts(&here, "cs101/hw1"), 5);
    let made_room =
        metric(&class.cluster, leader, "lectern_closed_connections_total{listener=\"clients\",reason=\"room\"}");
    let refused = metric(
        &class.cluster,
        leader,
        "lectern_refused_connections_total{listener=\"clients\",reason=\"full_address\"}",
    );
    assert!(
        made_room + refused >= 900.0,
        "made room {made_room} times, refused {refused}:\n{}",
        metrics(&class.cluster, leader)
    );
    let log = class.cluster.log(leader);
    assert!(log.contains("too many connections") || log.contains("connections, all in use"), "{log}");
    assert!(!log.contains("Too many open files"), "{log}");
    assert_eq!((class.cluster.await_leader(), term(&class.cluster)), (leader, before), "no election:\n{log}");
    drop((crowd, strangers));
    class.cluster.assert_none_stopped();
}

#[test]
fn whoever_finds_every_connection_in_use_is_told_so_and_gets_in_when_one_is_left() {
    let mut cluster = Cluster::found(1);
    cluster.extra_config = "[limits]\nmax_connections = 4\nmax_connections_per_address = 4\n".into();
    cluster.start_all();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let address = format!("http://{}", cluster.address(1));
        let connect = || async {
            let endpoint = Endpoint::from_shared(address.clone()).expect("an address");
            ClusterServiceClient::new(endpoint.connect().await.expect("the node accepts"))
        };
        let status =
            |mut client: ClusterServiceClient<Channel>| async move { client.get_status(GetStatusRequest {}).await };
        let mut watching = Vec::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while watching.len() < 4 {
            // The monitor that waited for the leader may be there for a moment.
            assert!(tokio::time::Instant::now() < deadline, "only {} found a place", watching.len());
            let mut client = connect().await;
            let Ok(stream) = client.watch_status(WatchStatusRequest {}).await else { continue };
            watching.push((stream.into_inner(), client));
        }
        let refused = status(connect().await).await.expect_err("all four are in use");
        assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
        assert!(refused.message().contains("4 connections") && refused.message().contains("all in use"), "{refused}");
        for (stream, _) in &mut watching {
            assert!(stream.message().await.expect("nobody in a call was closed").is_some());
        }
        watching.pop();
        loop {
            assert!(tokio::time::Instant::now() < deadline, "the place that was left stays taken");
            if status(connect().await).await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    wait::until("the refusal in the log", PATIENCE, || {
        cluster.log(1).contains("4 connections, all in use").then_some(())
    });
    cluster.assert_none_stopped();
}

#[test]
fn a_node_that_may_open_too_few_files_says_so_and_does_not_start() {
    let mut cluster = Cluster::found(1);
    cluster.open_files = Some(100);
    cluster.start_node(1);
    wait::until("the node to stop", PATIENCE, || (!cluster.runs(1)).then_some(()));
    assert!(cluster.log(1).contains("may open 100 files, and a node needs 256"), "{}", cluster.log(1));
}
