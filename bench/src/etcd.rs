//! Three nodes of etcd as Debian packages it, on loopback, with its defaults: each write is synced before it is acknowledged.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use etcd_client::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::caller::{Caller, READ_KEY, TEXT_BYTES, text_of};
use crate::system::{End, NODES, PATIENCE, System};

/// Between two looks at whether all are well.
const POLL: std::time::Duration = std::time::Duration::from_millis(50);

/// Three nodes, killed and removed when dropped.
pub struct Etcd {
    program: PathBuf,
    dir: tempfile::TempDir,
    nodes: Vec<Option<Child>>,
    /// Nodes that were told to end and may not be gone yet.
    ending: Vec<u32>,
}

impl Etcd {
    /// Starts three nodes, waits until they have a leader, and puts what will be read.
    pub fn start(runtime: &Runtime, program: &Path) -> Outcome<Self> {
        let nodes = (0..NODES).map(|_| None).collect();
        let mut etcd = Self { program: program.to_owned(), dir: tempfile::tempdir()?, nodes, ending: Vec::new() };
        etcd.restore(runtime)?;
        let leader = etcd.leader(runtime)?;
        runtime.block_on(async {
            let mut client = Client::connect([address(leader, 2379)], None).await?;
            client.put(READ_KEY, &text_of(READ_KEY)[..TEXT_BYTES], None).await
        })?;
        Ok(etcd)
    }

    fn spawn(&self, node: u32) -> Outcome<Child> {
        let log = File::options().create(true).append(true).open(self.dir.path().join(format!("node{node}.log")))?;
        let cluster: Vec<_> = (1..=NODES).map(|node| format!("node{node}=http://{}", address(node, 2380))).collect();
        let (client, peer) = (format!("http://{}", address(node, 2379)), format!("http://{}", address(node, 2380)));
        let child = Command::new(&self.program)
            .args(["--name", &format!("node{node}"), "--logger", "zap", "--log-outputs", "stderr"])
            .arg("--data-dir")
            .arg(self.dir.path().join(format!("node{node}")))
            .args(["--listen-client-urls", &client, "--advertise-client-urls", &client])
            .args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer])
            .args(["--initial-cluster", &cluster.join(","), "--initial-cluster-token", "lectern-bench"])
            .args(["--initial-cluster-state", "new"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        Ok(child)
    }

    /// Who leads, as every running node says; none while they differ or one does not answer.
    async fn agreed_leader(&self) -> Option<u32> {
        let mut members = Vec::new();
        let mut leaders = Vec::new();
        for node in (1..=NODES).filter(|node| self.nodes[*node as usize - 1].is_some()) {
            let asked = async { Client::connect([address(node, 2379)], None).await?.status().await };
            let status = tokio::time::timeout(20 * POLL, asked).await.ok()?.ok()?;
            members.push((status.header()?.member_id(), node));
            leaders.push(status.leader());
        }
        let leader = *leaders.first()?;
        let (_, node) = members.iter().find(|(member, _)| *member == leader)?;
        leaders.iter().all(|other| *other == leader).then_some(*node)
    }
}

fn address(node: u32, port: u16) -> String {
    format!("127.98.0.{node}:{port}")
}

impl System for Etcd {
    fn name(&self) -> &'static str {
        "etcd"
    }

    fn processes(&self) -> Vec<u32> {
        self.nodes.iter().flatten().map(Child::id).collect()
    }

    fn leader(&mut self, runtime: &Runtime) -> Outcome<u32> {
        let began = Instant::now();
        loop {
            if let Some(leader) = runtime.block_on(self.agreed_leader()) {
                return Ok(leader);
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("etcd has no leader after {} s", PATIENCE.as_secs()).into());
            }
            std::thread::sleep(POLL);
        }
    }

    fn connect(&self, runtime: &Runtime, node: u32, _: usize) -> Outcome<Caller> {
        let client = runtime.block_on(Client::connect([address(node, 2379)], None))?;
        Ok(Caller::Etcd(Box::new(client.kv_client())))
    }

    fn share(&self, caller: &Caller, _: usize) -> Outcome<Caller> {
        Ok(caller.clone())
    }

    fn end(&mut self, node: u32, how: End) -> Outcome<()> {
        let child = self.nodes[node as usize - 1].as_mut().ok_or("the node does not run")?;
        let process = Pid::from_raw(i32::try_from(child.id())?).ok_or("a process has a number")?;
        kill_process(process, if how == End::Kill { Signal::KILL } else { Signal::TERM })?;
        self.ending.push(node);
        Ok(())
    }

    fn restore(&mut self, runtime: &Runtime) -> Outcome<()> {
        for node in 1..=NODES {
            let at = node as usize - 1;
            if self.ending.contains(&node)
                && let Some(mut child) = self.nodes[at].take()
            {
                child.wait()?;
            }
            if self.nodes[at].is_none() {
                self.nodes[at] = Some(self.spawn(node)?);
            }
        }
        self.ending.clear();
        self.leader(runtime).map(|_| ())
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().flatten() {
            // It may be gone already, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
