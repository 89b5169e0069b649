//! A cluster of real server processes in a temporary folder.

mod membership;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::program::{Person, Ran, bin};
use crate::wait;

pub use membership::QUICK_MEMBERSHIP;

/// An election, a start or a catch-up takes no longer, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_mins(1);

static NEXT_NET: AtomicU32 = AtomicU32::new(1);

/// Three nodes (or as many as asked for), killed and removed when dropped.
pub struct Cluster {
    dir: tempfile::TempDir,
    net: String,
    size: u32,
    nodes: Vec<Option<Child>>,
    /// Removed for good.
    gone: BTreeSet<u32>,
    people: AtomicU32,
    /// Where nodes have certificates: the fingerprint of the authority that the cluster was founded with.
    fingerprint: Option<String>,
    /// Environment of every node started from here on.
    pub node_env: Vec<(u32, String, String)>,
    /// Lines added to `server.toml` of every node started from here on.
    pub extra_config: String,
    /// How many files every node started from here on may open; as many as this process where it is absent.
    pub open_files: Option<u32>,
    /// The `lectern-server` of a node started from here on, where it is not the one that was built.
    pub programs: Vec<(u32, PathBuf)>,
    /// Lines added to that of one node.
    pub own_config: Vec<(u32, String)>,
}

impl Cluster {
    /// Founds and starts three nodes, and waits for a leader.
    pub fn start() -> Self {
        let mut cluster = Self::found(3);
        cluster.start_all();
        cluster
    }

    /// Founds `size` nodes and starts none.
    pub fn found(size: u32) -> Self {
        Self::found_as(size, false, None)
    }

    /// Founds `size` nodes by this `lectern-server` and starts none.
    pub fn found_by(size: u32, program: Option<PathBuf>) -> Self {
        Self::found_as(size, false, program)
    }

    /// Founds `size` nodes with certificates and starts none.
    pub fn found_secured(size: u32) -> Self {
        Self::found_as(size, true, None)
    }

    fn found_as(size: u32, secured: bool, program: Option<PathBuf>) -> Self {
        let program = program.unwrap_or_else(|| bin("lectern-server"));
        let dir = tempfile::tempdir().expect("a temporary folder");
        let pid = std::process::id();
        let net = format!(
            "127.{}.{}",
            100 + pid % 100,
            (pid / 100 + 31 * NEXT_NET.fetch_add(1, Ordering::Relaxed)) % 254 + 1
        );
        let nodes = (0..size).map(|_| None).collect();
        let mut cluster = Self {
            dir,
            net,
            size,
            nodes,
            gone: BTreeSet::new(),
            people: AtomicU32::new(0),
            fingerprint: None,
            node_env: Vec::new(),
            extra_config: String::new(),
            open_files: None,
            programs: Vec::new(),
            own_config: Vec::new(),
        };
        let genesis = cluster.path("genesis.json");
        let mut init = Command::new(&program);
        init.args(["init", "--admin", "admin", "--print-code-only", "--genesis"]).arg(&genesis);
        for node in 1..=size {
            init.args(["--member", &format!("{node}={},{}", cluster.peer_address(node), cluster.address(node))]);
        }
        let code = Ran::new("lectern-server init".into(), init.output().expect("lectern-server starts")).ok().stdout;
        fs::write(cluster.path("admin-code"), code.trim()).expect("the folder is writable");
        (1..=size).for_each(|node| cluster.found_with(&program, node));
        if secured {
            cluster.certs(&["ca", "--genesis", genesis.to_str().expect("UTF-8")]);
            for node in 1..=size {
                cluster.certs(&["node", "--node", &node.to_string(), "--host", &format!("{}.{node}", cluster.net)]);
            }
            cluster.fingerprint = Some(cluster.newest_fingerprint());
        }
        cluster
    }

    /// Makes the data directory of a founding node, which has none.
    pub fn found_again(&self, node: u32) {
        self.found_with(&bin("lectern-server"), node);
    }

    fn found_with(&self, program: &Path, node: u32) {
        let mut init = Command::new(program);
        init.arg("init").arg("--from").arg(self.path("genesis.json"));
        init.args(["--node", &node.to_string(), "--data"]).arg(self.data_dir(node));
        Ran::new(format!("lectern-server init --node {node}"), init.output().expect("lectern-server starts")).ok();
    }

    /// Runs `lectern-server certs` on the cluster's authority.
    pub fn certs(&self, args: &[&str]) -> Ran {
        let mut certs = Command::new(bin("lectern-server"));
        certs.arg("certs").args(args).arg("--dir").arg(self.certs_dir());
        Ran::new(format!("lectern-server certs {}", args.join(" ")), certs.output().expect("lectern-server starts"))
            .ok()
    }

    /// The authority's folder.
    pub fn certs_dir(&self) -> PathBuf {
        self.path("certs")
    }

    /// The fingerprint of the authority that signs now.
    pub fn newest_fingerprint(&self) -> String {
        self.certs(&["show", "--print-fingerprint-only"]).stdout.trim().to_owned()
    }

    fn tls_config(&self, node: u32) -> String {
        let dir = self.certs_dir();
        let dir = dir.display();
        format!("[tls]\ncert = \"{dir}/node-{node}.pem\"\nkey = \"{dir}/node-{node}.key\"\nca = \"{dir}/ca.pem\"\n")
    }

    /// Starts every node that does not run, and waits for a leader.
    pub fn start_all(&mut self) {
        for node in self.present().collect::<Vec<_>>() {
            if !self.runs(node) {
                self.start_node(node);
            }
        }
        self.await_leader();
        // One that is killed before all have met leaves others without a vote.
        wait::until("the founding nodes to have met", PATIENCE, || {
            let status = self.status();
            let is_met = |node: &Value| !node["notice"].as_str().unwrap_or_default().contains("does not vote yet");
            status["nodes"].as_array()?.iter().all(is_met).then_some(())
        });
    }

    /// Starts one node and returns at once.
    pub fn start_node(&mut self, node: u32) {
        let config = self.write_config(node);
        self.start_node_with(node, &config);
    }

    /// Writes how a node is configured; returns where.
    fn write_config(&self, node: u32) -> PathBuf {
        let config = self.path(&format!("node{node}.toml"));
        let own = self.own_config.iter().filter(|(of, _)| *of == node).map(|(_, lines)| lines.as_str());
        let text = format!(
            "data_dir = \"{}\"\nclient_listen = {:?}\npeer_listen = {:?}\nmetrics_listen = \"{}.{node}:7602\"\n{}{}{}",
            self.data_dir(node).display(),
            self.address(node),
            self.peer_address(node),
            self.net,
            self.extra_config,
            own.collect::<String>(),
            if self.fingerprint.is_some() { self.tls_config(node) } else { String::new() },
        );
        fs::write(&config, text).expect("the folder is writable");
        config
    }

    /// Starts one node with a configuration of its own and returns at once.
    pub fn start_node_with(&mut self, node: u32, config: &Path) {
        let log = File::options().create(true).append(true).open(self.log_path(node)).expect("the log opens");
        let own = self.programs.iter().find(|(of, _)| *of == node).map(|(_, program)| program.clone());
        let program = own.unwrap_or_else(|| bin("lectern-server"));
        let mut command = match self.open_files {
            None => Command::new(program),
            Some(count) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("ulimit -n {count} && exec \"$0\" \"$@\"")]).arg(program);
                shell
            }
        };
        command.arg("run").arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        for (of, key, value) in &self.node_env {
            if *of == node {
                command.env(key, value);
            }
        }
        self.nodes[node as usize - 1] = Some(command.spawn().expect("lectern-server starts"));
    }

    /// Sends SIGKILL to a node and waits until it is gone.
    pub fn kill(&mut self, node: u32) {
        if let Some(mut child) = self.nodes[node as usize - 1].take() {
            child.kill().expect("the node can be killed");
            child.wait().expect("the node ends");
        }
    }

    /// Sends SIGTERM to a node and returns its exit code.
    pub fn terminate(&mut self, node: u32) -> Option<i32> {
        let mut child = self.nodes[node as usize - 1].take().expect("the node runs");
        Self::signal_child(&child, "TERM");
        child.wait().expect("the node ends").code()
    }

    /// Sends a named signal, such as `STOP`, to a running node.
    pub fn signal(&self, node: u32, signal: &str) {
        Self::signal_child(self.nodes[node as usize - 1].as_ref().expect("the node runs"), signal);
    }

    fn signal_child(child: &Child, signal: &str) {
        let sent =
            Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success(), "kill -{signal} failed");
    }

    /// Whether a node's process runs.
    pub fn runs(&mut self, node: u32) -> bool {
        self.nodes[node as usize - 1].as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// A running node's process.
    pub fn process(&self, node: u32) -> Option<u32> {
        Some(self.nodes.get(node as usize - 1)?.as_ref()?.id())
    }

    /// Waits for a node that stops by itself; how it ended.
    pub fn collect(&mut self, node: u32) -> ExitStatus {
        let mut child = self.nodes[node as usize - 1].take().expect("the node was started");
        child.wait().expect("the node ends")
    }

    /// Kills the leader with SIGKILL; returns its number.
    pub fn kill_leader(&mut self) -> u32 {
        let leader = self.await_leader();
        self.kill(leader);
        leader
    }

    /// The cluster's status as `lectern-monitor status --json` prints it.
    pub fn status(&self) -> Value {
        Person::new("lectern-monitor", &self.path("monitor"), &self.endpoints()).run(&["status"]).json()
    }

    /// Waits until a majority reports one leader, and one that runs: for a moment the others still follow one that was
    /// killed. Returns its number.
    pub fn await_leader(&mut self) -> u32 {
        self.assert_none_stopped();
        wait::until("a leader", PATIENCE, || {
            let ran = Person::new("lectern-monitor", &self.path("monitor"), &self.endpoints()).run(&["status"]);
            let status: Value = serde_json::from_str(&ran.stdout).ok()?;
            let leader = u32::try_from(status["leader"].as_u64()?).ok()?;
            self.nodes[leader as usize - 1].is_some().then_some(leader)
        })
    }

    /// Waits until every running node has applied what the leader had committed when this was called.
    pub fn await_caught_up(&mut self) {
        let target = wait::until("a commit index", PATIENCE, || {
            let status = self.status();
            status["nodes"].as_array()?.iter().filter_map(|node| node["commit"].as_u64()).max()
        });
        wait::until_told(&format!("every node to apply entry {target}"), PATIENCE, || {
            let status = self.status();
            let nodes = status["nodes"].as_array().ok_or("no nodes")?;
            let caught_up = |node: &Value| node["reachable"] == false || node["applied"].as_u64() >= Some(target);
            let running = self.nodes.iter().flatten().count();
            let reachable = nodes.iter().filter(|node| node["reachable"] == true).count();
            let all = reachable == running && nodes.iter().all(caught_up);
            if all { Ok(()) } else { Err(format!("{running} nodes run, and the status is {status}")) }
        });
    }

    /// Panics, with the end of its log, when a node stopped by itself.
    pub fn assert_none_stopped(&mut self) {
        for node in 1..=self.size {
            let stopped = self.nodes[node as usize - 1].as_mut().and_then(|child| child.try_wait().ok().flatten());
            if let Some(status) = stopped {
                panic!("node {node} stopped by itself ({status}):\n{}", self.log(node));
            }
        }
    }

    /// What a node wrote to its log.
    pub fn log(&self, node: u32) -> String {
        fs::read_to_string(self.log_path(node)).unwrap_or_default()
    }

    /// Addresses of all nodes for clients, comma separated; with the fingerprint where nodes have certificates.
    pub fn endpoints(&self) -> String {
        self.present().map(|node| self.endpoint(node)).collect::<Vec<_>>().join(",")
    }

    /// A node's address for clients, with the fingerprint where nodes have certificates.
    pub fn endpoint(&self, node: u32) -> String {
        let mark = self.fingerprint.as_ref().map(|fingerprint| format!("#{fingerprint}"));
        format!("{}{}", self.address(node), mark.unwrap_or_default())
    }

    /// A node's address for clients.
    pub fn address(&self, node: u32) -> String {
        format!("{}.{node}:7600", self.net)
    }

    /// A node's address for metrics.
    pub fn metrics_address(&self, node: u32) -> String {
        format!("{}.{node}:7602", self.net)
    }

    /// A node's metrics, as text.
    pub fn metrics(&self, node: u32) -> String {
        let mut stream = TcpStream::connect(self.metrics_address(node)).expect("metrics listen");
        stream.write_all(b"GET /metrics HTTP/1.0\r\nHost: node\r\n\r\n").expect("writable");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("readable");
        text
    }

    /// A node's address for its peers.
    pub fn peer_address(&self, node: u32) -> String {
        format!("{}.{node}:7601", self.net)
    }

    /// A node's data.
    pub fn data_dir(&self, node: u32) -> PathBuf {
        self.path(&format!("node{node}"))
    }

    fn log_path(&self, node: u32) -> PathBuf {
        self.path(&format!("node{node}.log"))
    }

    /// A path in the cluster's temporary folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Somebody new with a configuration of their own.
    pub fn person(&self, program: &'static str) -> Person {
        let number = self.people.fetch_add(1, Ordering::Relaxed);
        Person::new(program, &self.path(&format!("person{number}")), &self.endpoints())
    }

    /// The administrator, activated with the founding code and signed in.
    pub fn admin(&self) -> Person {
        let code = fs::read_to_string(self.path("admin-code")).expect("the cluster was founded");
        self.activate("admin", code.trim())
    }

    /// An account activated with its one-time code and signed in, with the password `PASSWORD`.
    pub fn activate(&self, username: &str, code: &str) -> Person {
        let person = self.person("lectern-instructor");
        let input = format!("{code}\n{PASSWORD}\n");
        person.run_with_input(&["activate", username, "--code-stdin", "--password-stdin"], &input).ok();
        person
    }

    /// A new account, made, activated and signed in.
    pub fn account(&self, admin: &Person, username: &str, name: &str) -> Person {
        admin.run(&["account", "create", username, "--name", name, "--sis-id", &format!("sis-{username}")]).ok();
        let issued = admin.run(&["account", "code", username]).json();
        let code = issued["codes"][0]["code"].as_str().unwrap_or_else(|| panic!("no code in {issued}")).to_owned();
        self.activate(username, &code)
    }
}

/// The password of every account that the harness activates.
pub const PASSWORD: &str = "correct horse battery";

impl Drop for Cluster {
    fn drop(&mut self) {
        for node in 1..=self.size {
            self.kill(node);
            if std::thread::panicking() {
                let log = self.log(node);
                let tail: Vec<&str> = log.lines().rev().take(15).collect();
                eprintln!("--- node {node}, end of its log");
                tail.iter().rev().for_each(|line| eprintln!("{line}"));
            }
        }
    }
}

/// A file of `bytes` reproducible pseudo-random bytes.
pub fn make_file(path: &Path, bytes: usize, seed: u64) {
    let mut state = seed | 1;
    let mut data = Vec::with_capacity(bytes + 8);
    while data.len() < bytes {
        // xorshift64: incompressible enough for the purpose.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        data.extend_from_slice(&state.to_le_bytes());
    }
    data.truncate(bytes);
    fs::write(path, data).expect("the folder is writable");
}
