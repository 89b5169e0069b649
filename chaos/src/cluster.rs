//! The nodes: real processes, their folders, disks, clocks and ends.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use lectern_client::{Client, ClientOptions, OperatorKey, OwnCertificate, Trust};
use rustix::process::{Pid, Signal, kill_process};

use crate::network::Addresses;
use crate::network::kernel::{Kernel, run};

/// What a disk holds when it is not full.
const DISK_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// Who orders nodes to leave.
const OPERATOR: &str = "chaos";
/// What is left on a full disk: some writes succeed before one fails.
const SLACK_BYTES: u64 = 64 * 1024;
/// The last lines of a log that are shown.
const TAIL: usize = 12;
/// Everyone's limits: little memory, and a log so short that a node which was away needs a snapshot. Who is only away keeps its
/// vote; who is to leave gives it to a spare soon.
const LIMITS: &str = "[limits]\ncache_mib = 32\nwrite_buffer_mib = 16\nlog_keep_entries = 500\n\
                      [membership]\nsettle_ms = 1000\nready_ms = 1000\nreplace_ms = 86400000\nretry_ms = 500\n";
/// The numbers of members that nodes know a way to.
pub const NUMBERS: u32 = 1_000;

/// What is at a place: a node's process, and what was done to it.
#[derive(Debug, Default)]
struct Node {
    /// As the cluster knows it; 0 where the place is free.
    number: u32,
    child: Option<Child>,
    /// It may end by itself without anything being wrong: its disk is full.
    excused: bool,
    /// It was told to end.
    leaving: bool,
    stopped: bool,
}

/// A cluster in a folder. Its processes end with it.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    server: PathBuf,
    addresses: Addresses,
    /// Namespaces and mounts of the run's own.
    isolated: bool,
    /// Nodes have certificates.
    secured: bool,
    /// By place.
    nodes: Vec<Node>,
}

impl Cluster {
    /// Founds a cluster; no node runs yet.
    pub fn found(
        dir: &Path,
        server: &Path,
        addresses: &Addresses,
        (isolated, secured): (bool, bool),
    ) -> Result<Self, String> {
        if !server.exists() {
            return Err(format!("{} is not built; run `cargo build --release --workspace` first", server.display()));
        }
        let node = |place| Node { number: if place <= addresses.nodes { place } else { 0 }, ..Node::default() };
        let nodes = (1..=addresses.places()).map(node).collect();
        let (dir, server, addresses) = (dir.into(), server.into(), addresses.clone());
        let cluster = Self { dir, server, addresses, isolated, secured, nodes };
        let genesis = cluster.dir.join("genesis.json").display().to_string();
        let mut init: Vec<String> =
            ["init", "--admin", "admin", "--print-code-only", "--genesis", &genesis].map(String::from).to_vec();
        for node in 1..=cluster.addresses.nodes {
            let (peer, client) = (cluster.addresses.peer(node), cluster.addresses.client(node));
            init.extend(["--member".into(), format!("{node}={peer},{client}")]);
        }
        let code = cluster.serve(&init)?;
        write(&cluster.dir.join("admin-code"), code.trim())?;
        if secured {
            cluster.certs(&["ca", "--genesis", &genesis])?;
            cluster.certs(&["operator", "--name", OPERATOR])?;
        }
        for place in 1..=cluster.addresses.places() {
            cluster.open(place)?;
        }
        for node in 1..=cluster.addresses.nodes {
            cluster.configure(node, node)?;
            let (number, data) = (node.to_string(), cluster.data(node).display().to_string());
            let init = ["init", "--from", &genesis, "--node", &number, "--data", &data].map(String::from);
            cluster.serve(&init)?;
        }
        Ok(cluster)
    }

    /// Runs a subcommand of the server to its end.
    fn serve(&self, args: &[String]) -> Result<String, String> {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        run(&self.server.display().to_string(), &args)
    }

    fn certs(&self, args: &[&str]) -> Result<(), String> {
        let dir = self.certs_dir().display().to_string();
        let args: Vec<String> = ["certs"].iter().chain(args).chain(&["--dir", &dir]).map(ToString::to_string).collect();
        self.serve(&args).map(drop)
    }

    fn certs_dir(&self) -> PathBuf {
        self.dir.join("certs")
    }

    /// A place's disk and clock.
    fn open(&self, place: u32) -> Result<(), String> {
        let disk = self.disk(place);
        fs::create_dir_all(&disk).map_err(|error| format!("{}: {error}", disk.display()))?;
        if self.isolated {
            self.mount(place, DISK_BYTES, false)?;
        }
        self.write_clock(place, 0)
    }

    /// How the member with a number is configured at its place.
    fn configure(&self, place: u32, number: u32) -> Result<(), String> {
        let peers: Vec<String> = (1..=NUMBERS)
            .map(|peer| (peer, self.addresses.place_of(peer)))
            .filter(|(_, other)| *other != place)
            .map(|(peer, other)| format!("{peer} = {:?}\n", self.addresses.pair(place, other)))
            .collect();
        let mut text = format!(
            "data_dir = {:?}\nclient_listen = {:?}\npeer_listen = {:?}\n[peers]\n{}{LIMITS}target_voters = {}\n",
            self.data(place).display().to_string(),
            self.addresses.client(place),
            self.addresses.peer(place),
            peers.concat(),
            self.addresses.nodes,
        );
        if self.secured {
            let host = self.addresses.host(place);
            self.certs(&["node", "--node", &number.to_string(), "--host", &host])?;
            let file = |name: String| self.certs_dir().join(name).display().to_string();
            let (cert, key) = (file(format!("node-{number}.pem")), file(format!("node-{number}.key")));
            let _ = write!(text, "[tls]\ncert = {cert:?}\nkey = {key:?}\nca = {:?}\n", file("ca.pem".into()));
        }
        write(&self.home(place).join("server.toml"), &text)
    }

    /// What is taken for the cluster.
    pub fn trust(&self) -> Result<Trust, String> {
        if !self.secured {
            return Ok(Trust::Loopback);
        }
        Trust::from_file(&self.certs_dir().join("ca.pem")).map_err(|error| error.to_string())
    }

    /// A client that is an operator, and begins at all nodes.
    pub fn operator(&self) -> Result<Client, String> {
        let nodes = 1..=self.addresses.nodes;
        let places = nodes.map(|node| self.addresses.place(node));
        let mut options = ClientOptions::new(places.map(|place| self.addresses.client(place)));
        options.trust = self.trust()?;
        if self.secured {
            let file = |ending: &str| self.certs_dir().join(format!("operator-{OPERATOR}.{ending}"));
            let certificate = OwnCertificate::load(&file("pem"), &file("key"));
            options.certificate = Some(certificate.map_err(|error| error.to_string())?);
        } else {
            let key = OperatorKey::load(&self.data(self.addresses.place(1)), OPERATOR);
            options.operator = Some(key.map_err(|error| error.to_string())?);
        }
        Client::connect(options).map_err(|error| error.to_string())
    }

    /// Prepares the free place for the next member, and says with which command it joins.
    pub fn enlist(&mut self, token: &str) -> Result<Vec<String>, String> {
        let number = self.addresses.number(self.addresses.nodes + 1);
        if number > NUMBERS {
            return Err(format!("all of the {NUMBERS} numbers that nodes know a way to are used up"));
        }
        let place = self.addresses.place_of(number);
        self.configure(place, number)?;
        *self.at(place) = Node { number, ..Node::default() };
        let mut words = ["join", "--token", token, "--config"].map(String::from).to_vec();
        words.push(self.home(place).join("server.toml").display().to_string());
        for node in 1..=self.addresses.nodes {
            words.extend(["--contact".into(), self.addresses.client(self.addresses.place(node))]);
        }
        words.insert(0, self.server.display().to_string());
        Ok(words)
    }

    /// The oldest member is told to leave: its process ends when it hears of it.
    pub fn let_oldest_go(&mut self) {
        self.node(1).leaving = true;
    }

    /// The oldest member is gone, and its place is free; the next one counts.
    pub fn retire_oldest(&mut self) -> Result<(), String> {
        self.kill(1)?;
        let place = self.addresses.place(1);
        let data = self.data(place);
        fs::remove_dir_all(&data).map_err(|error| format!("{}: {error}", data.display()))?;
        *self.at(place) = Node::default();
        self.addresses.move_on();
        Ok(())
    }

    /// The founding administrator's one-time code.
    pub fn admin_code(&self) -> Result<String, String> {
        let path = self.dir.join("admin-code");
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn home(&self, place: u32) -> PathBuf {
        self.dir.join(format!("node{place}"))
    }

    fn disk(&self, place: u32) -> PathBuf {
        self.home(place).join("disk")
    }

    fn data(&self, place: u32) -> PathBuf {
        self.disk(place).join("data")
    }

    fn log_path(&self, place: u32) -> PathBuf {
        self.home(place).join("log")
    }

    fn at(&mut self, place: u32) -> &mut Node {
        &mut self.nodes[place as usize - 1]
    }

    fn node(&mut self, node: u32) -> &mut Node {
        let place = self.addresses.place(node);
        self.at(place)
    }

    /// Starts a node that does not run; one more than there are is the next one, which has joined.
    pub fn start(&mut self, node: u32) -> Result<(), String> {
        if self.runs(node) {
            return Ok(());
        }
        let place = self.addresses.place(node);
        let path = self.log_path(place);
        let log = File::options().create(true).append(true).open(&path);
        let log = log.map_err(|error| format!("{}: {error}", path.display()))?;
        let mut words = if self.isolated { Kernel::enter(place) } else { Vec::new() };
        let config = self.home(place).join("server.toml").display().to_string();
        words.extend([self.server.display().to_string(), "run".into(), "--config".into(), config]);
        let child = Command::new(&words[0])
            .args(&words[1..])
            .env("LECTERN_FAULT_CLOCK_OFFSET_MS", format!("@{}", self.clock_path(place).display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = child.map_err(|error| format!("node {node} cannot be started: {error}"))?;
        let Node { excused, number, .. } = *self.node(node);
        *self.node(node) = Node { child: Some(child), excused, number, ..Node::default() };
        Ok(())
    }

    /// Whether a node's process is there, stopped or not.
    pub fn runs(&mut self, node: u32) -> bool {
        self.node(node).child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Nodes whose process is there and not stopped.
    pub fn running(&mut self) -> Vec<u32> {
        (1..=self.addresses.nodes).filter(|node| self.runs(*node) && !self.node(*node).stopped).collect()
    }

    /// Sends SIGKILL and waits until the node is gone.
    pub fn kill(&mut self, node: u32) -> Result<(), String> {
        if let Some(mut child) = self.node(node).child.take() {
            child
                .kill()
                .and_then(|()| child.wait())
                .map_err(|error| format!("node {node} cannot be killed: {error}"))?;
        }
        self.node(node).stopped = false;
        Ok(())
    }

    /// Sends SIGSTOP, or SIGCONT.
    pub fn pause(&mut self, node: u32, stop: bool) -> Result<(), String> {
        self.signal(node, if stop { Signal::STOP } else { Signal::CONT })?;
        self.node(node).stopped = stop;
        Ok(())
    }

    /// Sends SIGTERM; [`Cluster::ended`] tells when it is over.
    pub fn terminate(&mut self, node: u32) -> Result<(), String> {
        self.node(node).leaving = true;
        self.signal(node, Signal::TERM)
    }

    /// How the process ended that was told to, once it has.
    pub fn ended(&mut self, node: u32) -> Option<ExitStatus> {
        self.ended_at(self.addresses.place(node))
    }

    fn ended_at(&mut self, place: u32) -> Option<ExitStatus> {
        let status = self.at(place).child.as_mut()?.try_wait().ok()??;
        self.at(place).child = None;
        Some(status)
    }

    fn signal(&mut self, node: u32, signal: Signal) -> Result<(), String> {
        if !self.runs(node) {
            return Ok(());
        }
        let pid = self.node(node).child.as_ref().and_then(|child| i32::try_from(child.id()).ok());
        let pid = pid.and_then(Pid::from_raw).ok_or("a process without a number")?;
        kill_process(pid, signal).map_err(|error| format!("node {node} cannot be signalled: {error}"))
    }

    /// Nodes that ended though nobody told them to, each with the end of its log. Each is told of once.
    pub fn fallen(&mut self) -> Vec<(u32, String)> {
        let mut fallen = Vec::new();
        for place in 1..=self.addresses.places() {
            let Node { excused, leaving, number, .. } = *self.at(place);
            if excused || leaving {
                continue;
            }
            if let Some(status) = self.ended_at(place) {
                fallen.push((number, format!("it ended by itself ({status}); its log ends:\n{}", self.tail(place))));
            }
        }
        fallen
    }

    /// Leaves no room on a node's disk.
    pub fn fill_disk(&mut self, node: u32) -> Result<(), String> {
        if !self.isolated {
            return Err("a disk is filled only where the run may mount one".into());
        }
        let place = self.addresses.place(node);
        let disk = self.disk(place);
        let stat = rustix::fs::statvfs(&disk).map_err(|error| format!("{}: {error}", disk.display()))?;
        self.node(node).excused = true;
        self.mount(place, (stat.f_blocks - stat.f_bfree) * stat.f_frsize + SLACK_BYTES, true)
    }

    /// Makes room again, where there may be none. The node may be gone.
    pub fn free_disk(&mut self, node: u32) -> Result<(), String> {
        if self.isolated { self.mount(self.addresses.place(node), DISK_BYTES, true) } else { Ok(()) }
    }

    /// From now on a node has no reason to end by itself.
    pub fn excuse_no_longer(&mut self, node: u32) {
        self.node(node).excused = false;
    }

    /// Whether a node may end by itself.
    pub fn is_excused(&mut self, node: u32) -> bool {
        self.node(node).excused
    }

    fn mount(&self, place: u32, bytes: u64, again: bool) -> Result<(), String> {
        let options = format!("{}size={bytes},mode=700", if again { "remount," } else { "" });
        run("mount", &["-t", "tmpfs", "-o", &options, "none", &self.disk(place).display().to_string()]).map(drop)
    }

    /// Sets a node's clock to so many milliseconds from the right time.
    pub fn set_clock(&self, node: u32, offset_ms: i64) -> Result<(), String> {
        self.write_clock(self.addresses.place(node), offset_ms)
    }

    fn write_clock(&self, place: u32, offset_ms: i64) -> Result<(), String> {
        let path = self.clock_path(place);
        // Written whole: the node reads it at any moment.
        let next = path.with_extension("next");
        write(&next, &offset_ms.to_string())?;
        fs::rename(&next, &path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn clock_path(&self, place: u32) -> PathBuf {
        self.home(place).join("clock-offset-ms")
    }

    /// Places where a log tells of a panic.
    pub fn panics(&self) -> Vec<(u32, String)> {
        let line = |place| {
            let log = fs::read(self.log_path(place)).ok()?;
            let log = String::from_utf8_lossy(&log);
            log.lines().find(|line| line.contains("panicked at")).map(|line| (place, line.to_owned()))
        };
        (1..=self.addresses.places()).filter_map(line).collect()
    }

    fn tail(&self, place: u32) -> String {
        let log = fs::read(self.log_path(place)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// Kills every node, one that joins included.
    pub fn kill_all(&mut self) {
        for node in 1..=self.addresses.nodes + 1 {
            // A process that cannot be killed is gone already.
            let _ = self.kill(node);
        }
    }

    /// Copies what the nodes keep in memory to where it outlives the run.
    pub fn keep_evidence(&self) -> Result<(), String> {
        if !self.isolated {
            return Ok(());
        }
        let held = |place: &u32| self.data(*place).exists();
        for place in (1..=self.addresses.places()).filter(held) {
            let (from, to) = (self.data(place), self.home(place).join("data"));
            run("cp", &["-a", &from.display().to_string(), &to.display().to_string()])?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill_all();
        if self.isolated {
            for place in 1..=self.addresses.places() {
                // It ends with the namespace at the latest.
                let _ = run("umount", &[&self.disk(place).display().to_string()]);
            }
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
