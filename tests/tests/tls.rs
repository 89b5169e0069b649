//! A secured cluster: who gets in, who does not and is told of, certificates that change while everybody works.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lectern_certs::{Authority, Term};
use lectern_client::{Client, ClientOptions, Secret, v1};
use lectern_proto::internal::v1::{Hello, Introduction, PeerFrame, peer_frame, peer_reply};
use lectern_rpc::internal::v1::peer_service_client::PeerServiceClient;
use lectern_tests::cluster::PATIENCE;
use lectern_tests::proxy::Proxy;
use lectern_tests::{Class, Cluster, Person, wait};
use lectern_tls::{Connector, Material, OwnCertificate, Paths, ProgramTls, Trust};
use prost::Message as _;
use tonic::transport::Endpoint;

/// No node answered, or none that is taken for one.
const UNREACHABLE: i32 = 4;
/// An answer, or its absence, is awaited no longer.
const SOON: Duration = Duration::from_secs(20);

/// Waits until a node's log has a line with all of these.
fn await_line(cluster: &Cluster, node: u32, parts: &[&str]) -> String {
    let has_all = |line: &&str| parts.iter().all(|part| line.contains(part));
    wait::until(&format!("a line with {parts:?} in the log of node {node}"), PATIENCE, || {
        cluster.log(node).lines().find(has_all).map(str::to_owned)
    })
}

fn text_of(path: &Path) -> String {
    std::fs::read_to_string(path).expect("the file can be read")
}

/// Somebody with an operator's certificate of an authority.
fn operator(authority: &Authority, name: &str, term: Term) -> (String, String) {
    let issued = authority.issue_operator(name, term, false).expect("the folder is writable");
    let text = |path: std::path::PathBuf| path.to_str().expect("UTF-8").to_owned();
    (text(issued.certificate), text(issued.key))
}

#[test]
fn three_nodes_with_certificates_carry_a_course_and_whoever_connects_by_fingerprint_stays_connected() {
    let class = Class::of(Cluster::found_secured(3));
    class.assignment("hw1", &[]);
    // Through each node: two of them pass it on to the third.
    for node in 1..=3 {
        let through = class.student.through(&class.cluster.endpoint(node));
        through.run_with_input(&["submit", "cs101/hw1", "--text", "-"], &format!("by way of {node}")).ok();
    }
    let file = class.file("essay.txt", vec![7; 700_000]);
    class.student.run(&["submit", "cs101/hw1", &file]).ok();
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), 4);

    let newcomer = class.cluster.person("lectern-student");
    let address = format!("lectern://{}", class.cluster.endpoint(2));
    let without_environment = |args: &[&str], input: &str| {
        let mut command = newcomer.command(args);
        command.env_remove("LECTERN_ENDPOINTS").stdin(std::process::Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        child.stdin.take().expect("standard input is piped").write_all(input.as_bytes()).expect("it reads");
        lectern_tests::Ran::new(args.join(" "), child.wait_with_output().expect("the program ends"))
    };
    let connected = without_environment(&["connect", &address], "").json();
    assert_eq!(connected["secure"], true, "{connected}");
    without_environment(&["sign-in", "ada", "--password-stdin"], lectern_tests::cluster::PASSWORD).ok();
    let me = without_environment(&["whoami"], "").json();
    assert_eq!(me["user"]["username"], "ada", "{me}");
    // By the file of the authority, without a fingerprint.
    let ca = class.cluster.certs_dir().join("ca.pem");
    let by_file = newcomer.through(&class.cluster.address(1));
    by_file.with("lectern-monitor").run(&["status", "--ca", ca.to_str().expect("UTF-8")]).ok();
}

#[test]
fn a_wrong_fingerprint_and_clear_text_are_told_to_the_caller_and_in_the_log_and_nothing_is_saved() {
    let mut cluster = Cluster::found_secured(1);
    cluster.start_all();
    let right = cluster.newest_fingerprint();
    let wrong = format!("sha256:{}", "5a".repeat(32));
    let person = cluster.person("lectern-student");
    let refused = person.run(&["connect", &format!("lectern://{}#{wrong}", cluster.address(1))]);
    let error = refused.refused(UNREACHABLE, "UNTRUSTED");
    let message = error["error"]["message"].as_str().expect("a message");
    assert!(message.contains(&wrong) && message.contains(&right), "{message}");
    await_line(&cluster, 1, &["refused a connection", "does not accept this node's certificate", "127."]);
    assert!(!cluster.path("person0/config/profiles.toml").exists());

    // Each time: that the node closes the connection must not take its word away.
    let monitor = person.with("lectern-monitor").through(&cluster.address(1));
    for _ in 0..10 {
        let error = monitor.run(&["status"]).refused(UNREACHABLE, "UNTRUSTED");
        assert!(error["error"]["message"].as_str().expect("a message").contains("speaks TLS"), "{error}");
    }
    await_line(&cluster, 1, &["refused a connection", "speaks clear text"]);
    let metrics = metrics(&cluster, 1);
    for reason in ["not_accepted", "clear_text"] {
        let counted = format!("lectern_refused_connections_total{{listener=\"clients\",reason=\"{reason}\"}}");
        assert!(metrics.contains(&counted), "{metrics}");
    }
}

#[test]
fn an_operator_is_known_by_certificate_and_one_of_a_stranger_or_of_the_past_is_refused() {
    let mut cluster = Cluster::found_secured(1);
    cluster.start_all();
    let authority = Authority::open(&cluster.certs_dir()).expect("the authority opens");
    let monitor = cluster.person("lectern-monitor");
    let status = |files: &(String, String)| monitor.run(&["status", "--cert", &files.0, "--key", &files.1]);
    let known = status(&operator(&authority, "ada", Term::days(1))).json();
    assert_eq!(known["operator"], "ada", "{known}");
    assert!(monitor.run(&["status"]).json()["operator"].is_null());

    let over = status(&operator(&authority, "eve", Term::seconds(-100, -10)));
    over.refused(UNREACHABLE, "UNTRUSTED");
    await_line(&cluster, 1, &["refused a connection", "it expired on", "127."]);
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let stranger = Authority::found(elsewhere.path(), authority.cluster(), Term::days(1)).expect("it is empty");
    status(&operator(&stranger, "ada", Term::days(1))).refused(UNREACHABLE, "UNTRUSTED");
    await_line(&cluster, 1, &["refused a connection", "no authority that is trusted here signed it"]);
}

/// Calls a peer listener and introduces itself; what came of it.
async fn introduce(address: &str, connector: Connector, hello: Hello) -> Result<String, String> {
    let words = |error: &dyn std::error::Error| {
        std::iter::successors(Some(error), |error| error.source()).last().map(ToString::to_string).unwrap_or_default()
    };
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let channel = endpoint.connect_with_connector(connector).await.map_err(|error| words(&error))?;
    let introduction = Introduction { hello: hello.encode_to_vec(), nonce: vec![7; 32] };
    let frames = tokio_stream::once(PeerFrame { kind: Some(peer_frame::Kind::Introduction(introduction)) });
    let answer = PeerServiceClient::new(channel).messages(frames).await.map_err(|status| words(&status))?;
    match answer.into_inner().message().await.map_err(|status| words(&status))?.and_then(|reply| reply.kind) {
        Some(peer_reply::Kind::Welcome(welcome)) => Ok(welcome.refused),
        other => Err(format!("no welcome but {other:?}")),
    }
}

#[test]
fn no_one_but_a_node_of_the_cluster_speaks_to_a_node_as_a_peer() {
    let mut cluster = Cluster::found_secured(3);
    cluster.start_node(1);
    await_line(&cluster, 1, &["node is running"]);
    let authority = Authority::open(&cluster.certs_dir()).expect("the authority opens");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let hello = Hello {
        protocol: 2,
        cluster_id: authority.cluster().into(),
        epoch: 1,
        node_id: 3,
        to_node_id: 1,
        ..Hello::default()
    };
    let address = cluster.peer_address(1);
    let meet = |connector| {
        let meeting = introduce(&address, connector, hello.clone());
        runtime.block_on(async { tokio::time::timeout(SOON, meeting).await }).expect("an answer")
    };
    let trust = Trust::from_file(&cluster.certs_dir().join("ca.pem")).expect("the file is there");
    let as_program = |identity: Option<OwnCertificate>| {
        let tls = ProgramTls::new(&trust, identity.as_ref()).expect("a trust");
        Connector::tls(move || tls.config())
    };
    meet(as_program(None)).expect_err("without a certificate");
    await_line(&cluster, 1, &["refused a connection", "peers", "shows no certificate", "127."]);

    let (certificate, key) = operator(&authority, "ada", Term::days(1));
    let ada = OwnCertificate::load(certificate.as_ref(), key.as_ref()).expect("the files are there");
    meet(as_program(Some(ada))).expect_err("an operator");
    await_line(&cluster, 1, &["refused a connection", "peers", "belongs to operator ada"]);

    meet(Connector::clear()).expect_err("clear text");
    await_line(&cluster, 1, &["refused a connection", "peers", "speaks clear text"]);

    let node = |authority: &Authority, dir: &Path, number, term| {
        let issued = authority.issue_node(number, &[], term, true).expect("the folder is writable");
        let own = Paths { certificate: issued.certificate, key: issued.key, authorities: vec![dir.join("ca.pem")] };
        OwnCertificate::load(&own.certificate, &own.key).map(|identity| (own, identity)).expect("the files are there")
    };
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    let stranger = Authority::found(elsewhere.path(), authority.cluster(), Term::days(1)).expect("it is empty");
    stranger.issue_node(3, &[], Term::days(1), false).expect("the folder is writable");
    let (_, strange) = node(&stranger, elsewhere.path(), 3, Term::days(1));
    meet(as_program(Some(strange))).expect_err("a node of another authority");
    await_line(&cluster, 1, &["refused a connection", "peers", "no authority that is trusted here signed it"]);

    let (_, over) = node(&authority, &cluster.certs_dir(), 3, Term::seconds(-100, -10));
    meet(as_program(Some(over))).expect_err("a certificate of the past");
    await_line(&cluster, 1, &["refused a connection", "peers", "it expired on"]);

    // Node 2 says that it is node 3.
    let (paths, _) = node(&authority, &cluster.certs_dir(), 2, Term::days(1));
    let second = Material::load(&paths).expect("a sound certificate");
    let refused = meet(Connector::tls(move || second.client_config(1))).expect("a welcome that refuses");
    assert!(refused.contains("says that it is node 3") && refused.contains("one of node 2"), "{refused}");
    await_line(&cluster, 1, &["refused a connection", "one of node 2", "127."]);
}

#[test]
fn a_node_does_not_start_with_a_certificate_that_is_over_or_of_another_node() {
    let mut cluster = Cluster::found_secured(2);
    let authority = Authority::open(&cluster.certs_dir()).expect("the authority opens");
    authority.issue_node(1, &[], Term::seconds(-100, -10), true).expect("the folder is writable");
    for file in ["node-2.pem", "node-2.key"] {
        let other = file.replace('2', "3");
        std::fs::rename(cluster.certs_dir().join(file), cluster.certs_dir().join(other)).expect("it is there");
    }
    authority.issue_node(5, &[], Term::days(1), false).expect("the folder is writable");
    for file in ["node-5.pem", "node-5.key"] {
        let own = file.replace('5', "2");
        std::fs::rename(cluster.certs_dir().join(file), cluster.certs_dir().join(own)).expect("it is there");
    }
    for (node, parts) in
        [(1, ["node-1.pem", "it expired on"]), (2, ["node-2.pem", "is one of node 5, and this is node 2"])]
    {
        cluster.start_node(node);
        wait::until("the node to stop", PATIENCE, || (!cluster.runs(node)).then_some(()));
        await_line(&cluster, node, &parts);
    }
}

#[test]
fn nodes_with_and_without_certificates_tell_each_other_and_the_rest_goes_on() {
    let mut class = Class::of(Cluster::found_secured(3));
    class.assignment("hw1", &[]);
    class.cluster.kill(3);
    let config = text_of(&class.cluster.path("node3.toml"));
    let clear = config.split("[tls]").next().expect("the beginning");
    let path = class.cluster.path("clear3.toml");
    std::fs::write(&path, clear).expect("the folder is writable");
    class.cluster.start_node_with(3, &path);
    for node in [1, 2] {
        await_line(&class.cluster, node, &["cannot talk to a peer", "does not speak TLS"]);
        await_line(&class.cluster, node, &["refused a connection", "peers", "speaks clear text"]);
    }
    await_line(&class.cluster, 3, &["cannot talk to a peer", "it speaks TLS"]);
    await_line(&class.cluster, 3, &["refused a connection", "this node has no [tls]"]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], "two are enough").ok();
}

/// Hands in one text after another until told to stop; every call has to succeed within the client's own patience.
fn keep_writing(class: &Class, stop: &Arc<AtomicBool>, written: &Arc<AtomicU64>) -> std::thread::JoinHandle<()> {
    let made = class.student.run(&["token", "create", "writer"]).json();
    let token = Secret::new(made["token"].as_str().expect("a token"));
    let endpoints = class.cluster.endpoints();
    let (stop, written) = (Arc::clone(stop), Arc::clone(written));
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            while !stop.load(Ordering::Relaxed) {
                // A client for every few calls, so that new connections are made all the time.
                let options = ClientOptions::new(endpoints.split(',')).with_token(Some(token.clone()));
                let client = Client::connect(options).expect("the addresses make sense");
                for _ in 0..5 {
                    let number = written.load(Ordering::Relaxed) + 1;
                    let request = v1::SubmitRequest {
                        course: "cs101".into(),
                        assignment: "hw1".into(),
                        text: format!("text {number}"),
                        ..Default::default()
                    };
                    client.call(request).await.unwrap_or_else(|error| panic!("text {number}: {error}"));
                    written.store(number, Ordering::Relaxed);
                }
            }
        });
    })
}

/// Waits until every node has read its certificates again so many times.
fn await_reloads(cluster: &Cluster, times: usize) {
    wait::until(&format!("{times} reloads on each node"), PATIENCE, || {
        let reloads = |node| cluster.log(node).matches("certificates were read again").count();
        (1..=3).all(|node| reloads(node) >= times).then_some(())
    });
}

#[test]
fn certificates_and_the_authority_change_under_load_and_no_call_fails() {
    let mut class = Class::of(Cluster::found_secured(3));
    class.assignment("hw1", &[]);
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let writer = keep_writing(&class, &stop, &written);
    let more = |what: &str| {
        let before = written.load(Ordering::Relaxed);
        wait::until(what, PATIENCE, || (written.load(Ordering::Relaxed) > before + 10).then_some(()));
    };
    let renew_nodes = |class: &Class| {
        for node in 1..=3 {
            class.cluster.certs(&["node", "--node", &node.to_string(), "--renew"]);
        }
    };
    more("texts before anything changes");
    renew_nodes(&class);
    await_reloads(&class.cluster, 1);
    more("texts with renewed certificates");
    class.cluster.certs(&["ca", "--renew"]);
    await_reloads(&class.cluster, 2);
    more("texts while both authorities are trusted");
    renew_nodes(&class);
    await_reloads(&class.cluster, 3);
    more("texts with certificates of the new authority");
    class.cluster.certs(&["ca", "--retire"]);
    await_reloads(&class.cluster, 4);
    // Every connection between nodes is made anew, with what is trusted now.
    for node in 1..=3 {
        class.cluster.kill(node);
        class.cluster.start_node(node);
        class.cluster.await_leader();
        class.cluster.await_caught_up();
        more("texts after a restart");
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().expect("no call failed");
    let acknowledged = usize::try_from(written.load(Ordering::Relaxed)).expect("few");
    assert_eq!(class.attempts(&class.student, "cs101/hw1"), acknowledged);

    // The old fingerprint leads to the new authority, which has one of its own.
    let newest = class.cluster.newest_fingerprint();
    assert!(!class.cluster.endpoint(1).contains(&newest));
    let newcomer = Person::new("lectern-monitor", &class.cluster.path("newcomer"), "");
    let at_newest = newcomer.through(&format!("{}#{newest}", class.cluster.address(1)));
    assert!(at_newest.run(&["status"]).json()["leader"].is_u64());
}

#[test]
fn sighup_reads_certificates_again_and_what_does_not_fit_changes_nothing() {
    let mut cluster = Cluster::found_secured(1);
    cluster.start_all();
    let good = cluster.certs_dir().join("node-1.pem");
    let kept = text_of(&good);
    std::fs::write(&good, "no certificate").expect("the folder is writable");
    let line = await_line(&cluster, 1, &["cannot be read again", "node-1.pem"]);
    assert!(line.contains("stay in use"), "{line}");
    assert!(cluster.status()["leader"].is_u64());
    std::fs::write(&good, kept).expect("the folder is writable");
    await_line(&cluster, 1, &["certificates were read again"]);
    cluster.signal(1, "HUP");
    wait::until("another reload", PATIENCE, || {
        (cluster.log(1).matches("certificates were read again").count() >= 2).then_some(())
    });
    cluster.assert_none_stopped();
    let metrics = metrics(&cluster, 1);
    for file in ["node-1.pem", "ca.pem"] {
        let line = metrics
            .lines()
            .find(|line| line.starts_with("lectern_tls_certificate_expiry_seconds{") && line.contains(file));
        let expiry: f64 = line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).expect("a date");
        assert!(expiry > 1.7e9, "{file}: {expiry}");
    }
    let key = text_of(&cluster.certs_dir().join("node-1.key"));
    let secret = key.lines().nth(1).expect("a key has lines");
    assert!(!cluster.log(1).contains(secret) && !metrics.contains(secret));
}

#[test]
fn a_certificate_that_expires_soon_is_told_of_in_the_log() {
    let mut cluster = Cluster::found_secured(1);
    cluster.certs(&["node", "--node", "1", "--days", "7", "--renew"]);
    cluster.start_all();
    let line = await_line(&cluster, 1, &["WARN", "node-1.pem", "expires in "]);
    assert!(line.contains("lectern-server certs"), "{line}");
}

/// What a listener between two nodes hears while `word` is handed in and replicated.
fn overhear(mut cluster: Cluster, word: &str) -> Vec<u8> {
    // Whatever node 2 and node 3 get from node 1, and from each other, passes here.
    let mut proxies = Vec::new();
    for node in 1..=3_u32 {
        let front = cluster.peer_address(node).replace(":7601", ":7611");
        proxies.push(Proxy::start(&front, &cluster.peer_address(node)));
        for other in (1..=3).filter(|other| *other != node) {
            cluster.own_config.push((other, format!("{node} = \"{front}\"\n")));
        }
    }
    cluster.extra_config.push_str("[peers]\n");
    let class = Class::of(cluster);
    class.assignment("hw1", &[]);
    class.student.run_with_input(&["submit", "cs101/hw1", "--text", "-"], word).ok();
    let mut class = class;
    class.cluster.await_caught_up();
    proxies.iter().flat_map(Proxy::overheard).collect()
}

#[test]
fn what_nodes_say_to_each_other_cannot_be_read_on_the_way() {
    const WORD: &str = "THE-WORD-THAT-NOBODY-SHALL-READ";
    let contains = |heard: &[u8]| heard.windows(WORD.len()).any(|window| window == WORD.as_bytes());
    assert!(contains(&overhear(Cluster::found(3), WORD)), "the listener hears nothing at all");
    let heard = overhear(Cluster::found_secured(3), WORD);
    assert!(heard.len() > 10_000 && !contains(&heard), "{} bytes", heard.len());
}

#[test]
fn a_caller_that_says_nothing_holds_up_nobody() {
    let mut cluster = Cluster::found_secured(1);
    cluster.start_all();
    let silent: Vec<TcpStream> =
        (0..100).map(|_| TcpStream::connect(cluster.address(1)).expect("the node accepts")).collect();
    assert!(cluster.status()["leader"].is_u64());
    await_line(&cluster, 1, &["refused a connection", "did not finish the handshake"]);
    for mut stream in silent {
        stream.set_read_timeout(Some(SOON)).expect("a timeout");
        // Closed, with or without an alert before.
        let ended = stream.read_to_end(&mut Vec::new());
        assert!(ended.is_ok() || ended.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset));
    }
}

fn metrics(cluster: &Cluster, node: u32) -> String {
    let mut stream = TcpStream::connect(cluster.metrics_address(node)).expect("metrics are served");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}
