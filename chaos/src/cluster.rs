//! The nodes: real processes, their folders, disks, clocks and ends.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::network::Addresses;
use crate::network::kernel::{Kernel, run};

/// What a disk holds when it is not full.
const DISK_BYTES: u64 = 8 * 1024 * 1024 * 1024;
/// What is left on a full disk: some writes succeed before one fails.
const SLACK_BYTES: u64 = 64 * 1024;
/// The last lines of a log that are shown.
const TAIL: usize = 12;
/// Everyone's limits: little memory, and a log so short that a node which was away needs a snapshot.
const LIMITS: &str = "[limits]\ncache_mib = 32\nwrite_buffer_mib = 16\nlog_keep_entries = 500\n";

/// A node's process and what was done to it.
#[derive(Debug, Default)]
struct Node {
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
    nodes: Vec<Node>,
}

impl Cluster {
    /// Founds a cluster; no node runs yet.
    pub fn found(dir: &Path, server: &Path, addresses: &Addresses, isolated: bool) -> Result<Self, String> {
        if !server.exists() {
            return Err(format!("{} is not built; run `cargo build --release --workspace` first", server.display()));
        }
        let nodes = (0..addresses.nodes).map(|_| Node::default()).collect();
        let cluster = Self { dir: dir.into(), server: server.into(), addresses: addresses.clone(), isolated, nodes };
        let genesis = dir.join("genesis.json").display().to_string();
        let server = server.display().to_string();
        let mut init: Vec<String> =
            ["init", "--admin", "admin", "--print-code-only", "--genesis", &genesis].map(String::from).to_vec();
        for node in 1..=addresses.nodes {
            let (peer, client) = (addresses.peer(node), addresses.client(node));
            init.extend(["--member".into(), format!("{node}={peer},{client}")]);
        }
        let init: Vec<&str> = init.iter().map(String::as_str).collect();
        let code = run(&server, &init)?;
        write(&dir.join("admin-code"), code.trim())?;
        for node in 1..=addresses.nodes {
            cluster.prepare(node)?;
            let (number, data) = (node.to_string(), cluster.data(node).display().to_string());
            run(&server, &["init", "--from", &genesis, "--node", &number, "--data", &data])?;
        }
        Ok(cluster)
    }

    fn prepare(&self, node: u32) -> Result<(), String> {
        let disk = self.disk(node);
        fs::create_dir_all(&disk).map_err(|error| format!("{}: {error}", disk.display()))?;
        if self.isolated {
            self.mount(node, DISK_BYTES, false)?;
        }
        self.set_clock(node, 0)?;
        let Addresses { nodes, .. } = self.addresses;
        let peers: Vec<String> = (1..=nodes)
            .filter(|peer| *peer != node)
            .map(|peer| format!("{peer} = {:?}\n", self.addresses.pair(node, peer)))
            .collect();
        let text = format!(
            "data_dir = {:?}\nclient_listen = {:?}\npeer_listen = {:?}\n[peers]\n{}{LIMITS}",
            self.data(node).display().to_string(),
            self.addresses.client(node),
            self.addresses.peer(node),
            peers.concat()
        );
        write(&self.home(node).join("server.toml"), &text)
    }

    /// The founding administrator's one-time code.
    pub fn admin_code(&self) -> Result<String, String> {
        let path = self.dir.join("admin-code");
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn home(&self, node: u32) -> PathBuf {
        self.dir.join(format!("node{node}"))
    }

    fn disk(&self, node: u32) -> PathBuf {
        self.home(node).join("disk")
    }

    fn data(&self, node: u32) -> PathBuf {
        self.disk(node).join("data")
    }

    fn log_path(&self, node: u32) -> PathBuf {
        self.home(node).join("log")
    }

    fn node(&mut self, node: u32) -> &mut Node {
        &mut self.nodes[node as usize - 1]
    }

    /// Starts a node that does not run.
    pub fn start(&mut self, node: u32) -> Result<(), String> {
        if self.runs(node) {
            return Ok(());
        }
        let path = self.log_path(node);
        let log = File::options().create(true).append(true).open(&path);
        let log = log.map_err(|error| format!("{}: {error}", path.display()))?;
        let mut words = if self.isolated { Kernel::enter(node) } else { Vec::new() };
        let config = self.home(node).join("server.toml").display().to_string();
        words.extend([self.server.display().to_string(), "run".into(), "--config".into(), config]);
        let child = Command::new(&words[0])
            .args(&words[1..])
            .env("LECTERN_FAULT_CLOCK_OFFSET_MS", format!("@{}", self.clock_path(node).display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        let child = child.map_err(|error| format!("node {node} cannot be started: {error}"))?;
        let excused = self.node(node).excused;
        *self.node(node) = Node { child: Some(child), excused, ..Node::default() };
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
        let status = self.node(node).child.as_mut()?.try_wait().ok()??;
        self.node(node).child = None;
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
        for node in 1..=self.addresses.nodes {
            if self.node(node).excused || self.node(node).leaving {
                continue;
            }
            if let Some(status) = self.ended(node) {
                fallen.push((node, format!("it ended by itself ({status}); its log ends:\n{}", self.tail(node))));
            }
        }
        fallen
    }

    /// Leaves no room on a node's disk.
    pub fn fill_disk(&mut self, node: u32) -> Result<(), String> {
        if !self.isolated {
            return Err("a disk is filled only where the run may mount one".into());
        }
        let disk = self.disk(node);
        let stat = rustix::fs::statvfs(&disk).map_err(|error| format!("{}: {error}", disk.display()))?;
        self.node(node).excused = true;
        self.mount(node, (stat.f_blocks - stat.f_bfree) * stat.f_frsize + SLACK_BYTES, true)
    }

    /// Makes room again, where there may be none. The node may be gone.
    pub fn free_disk(&mut self, node: u32) -> Result<(), String> {
        if self.isolated { self.mount(node, DISK_BYTES, true) } else { Ok(()) }
    }

    /// From now on a node has no reason to end by itself.
    pub fn excuse_no_longer(&mut self, node: u32) {
        self.node(node).excused = false;
    }

    /// Whether a node may end by itself.
    pub fn is_excused(&mut self, node: u32) -> bool {
        self.node(node).excused
    }

    fn mount(&self, node: u32, bytes: u64, again: bool) -> Result<(), String> {
        let options = format!("{}size={bytes},mode=700", if again { "remount," } else { "" });
        run("mount", &["-t", "tmpfs", "-o", &options, "none", &self.disk(node).display().to_string()]).map(drop)
    }

    /// Sets a node's clock to so many milliseconds from the right time.
    pub fn set_clock(&self, node: u32, offset_ms: i64) -> Result<(), String> {
        let path = self.clock_path(node);
        // Written whole: the node reads it at any moment.
        let next = path.with_extension("next");
        write(&next, &offset_ms.to_string())?;
        fs::rename(&next, &path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn clock_path(&self, node: u32) -> PathBuf {
        self.home(node).join("clock-offset-ms")
    }

    /// Nodes whose log tells of a panic.
    pub fn panics(&self) -> Vec<(u32, String)> {
        let line = |node| {
            let log = fs::read(self.log_path(node)).ok()?;
            let log = String::from_utf8_lossy(&log);
            log.lines().find(|line| line.contains("panicked at")).map(|line| (node, line.to_owned()))
        };
        (1..=self.addresses.nodes).filter_map(line).collect()
    }

    fn tail(&self, node: u32) -> String {
        let log = fs::read(self.log_path(node)).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }

    /// Kills every node.
    pub fn kill_all(&mut self) {
        for node in 1..=self.addresses.nodes {
            // A process that cannot be killed is gone already.
            let _ = self.kill(node);
        }
    }

    /// Copies what the nodes keep in memory to where it outlives the run.
    pub fn keep_evidence(&self) -> Result<(), String> {
        if !self.isolated {
            return Ok(());
        }
        for node in 1..=self.addresses.nodes {
            let (from, to) = (self.data(node), self.home(node).join("data"));
            run("cp", &["-a", &from.display().to_string(), &to.display().to_string()])?;
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.kill_all();
        if self.isolated {
            for node in 1..=self.addresses.nodes {
                // It ends with the namespace at the latest.
                let _ = run("umount", &[&self.disk(node).display().to_string()]);
            }
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
