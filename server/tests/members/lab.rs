//! Nodes in one process that join, leave and are lost: real disks, real sockets, real services.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lectern_proto::v1::{CreateJoinTokenRequest, MemberStanding, Membership};
use lectern_raft::Identity;
use lectern_rpc::Call;
use lectern_rpc::proof::{self, Prover};
use lectern_server::config::Config;
use lectern_server::init::{self, Genesis, GenesisMember};
use lectern_server::join::{self, Invitation, JoinError};
use lectern_server::node::{self, Node, Running};
use lectern_server::services::{self, ServeOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

pub const PATIENCE: Duration = Duration::from_mins(1);

/// A machine that may run a node.
struct Machine {
    client: SocketAddr,
    peer: SocketAddr,
    node: Option<RunningNode>,
}

/// One node, and the runtime it has for itself, so that it can be stopped whole.
struct RunningNode {
    runtime: Runtime,
    running: Running,
    stop: oneshot::Sender<()>,
}

impl RunningNode {
    fn stop(self) {
        let Self { runtime, running, stop } = self;
        let _gone = stop.send(());
        let stopped = runtime.block_on(running.shutdown());
        runtime.shutdown_timeout(Duration::from_secs(5));
        stopped.unwrap();
    }
}

/// Machines, numbered from 1.
pub struct Lab {
    dir: TempDir,
    machines: Vec<Machine>,
    runtime: Runtime,
}

impl Drop for Lab {
    /// No node may run whose data directory is deleted: it would call its disk damaged.
    fn drop(&mut self) {
        self.machines.iter_mut().filter_map(|machine| machine.node.take()).for_each(RunningNode::stop);
    }
}

impl Lab {
    /// So many machines, on the first `founders` of which a cluster was founded; none runs.
    pub fn new(machines: usize, founders: usize) -> Self {
        let listen = || std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let listeners: Vec<_> = (0..machines).map(|_| (listen(), listen())).collect();
        let address = |listener: &std::net::TcpListener| listener.local_addr().unwrap();
        let machines = listeners
            .iter()
            .map(|(client, peer)| Machine { client: address(client), peer: address(peer), node: None })
            .collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let lab = Self { dir: tempfile::tempdir().unwrap(), machines, runtime };
        let members = lab.machines[..founders].iter().zip(1..).map(|(machine, node)| GenesisMember {
            node,
            peer_address: machine.peer.to_string(),
            client_address: machine.client.to_string(),
        });
        let (genesis, _) = Genesis::new(members.collect(), "admin").unwrap();
        for machine in 1..=founders {
            init::found_node(&genesis, machine as u64, &lab.data_dir(machine)).unwrap();
        }
        lab
    }

    pub fn data_dir(&self, machine: usize) -> PathBuf {
        self.dir.path().join(format!("machine{machine}"))
    }

    pub fn client_address(&self, machine: usize) -> String {
        self.machines[machine - 1].client.to_string()
    }

    pub fn config(&self, machine: usize) -> Config {
        let Machine { client, peer, .. } = &self.machines[machine - 1];
        toml::from_str(&format!(
            "data_dir = \"{}\"\nclient_listen = \"{client}\"\npeer_listen = \"{peer}\"\n[membership]\nsettle_ms = 200\n\
             ready_ms = 300\ndegraded_ms = 1000\nreplace_ms = 600000\nforget_ms = 600000\nretry_ms = 300\n",
            self.data_dir(machine).display(),
        ))
        .unwrap()
    }

    pub fn start(&mut self, machine: usize) {
        let config = self.config(machine);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let Machine { client, peer, .. } = self.machines[machine - 1];
        let running = runtime.block_on(async {
            let running = node::start(&config, TcpListener::bind(peer).await.unwrap()).unwrap();
            let clients = TcpListener::bind(client).await.unwrap();
            let options = ServeOptions::new(config.data_dir.join("scratch"));
            tokio::spawn(services::serve(running.node(), options, clients, async move {
                let _stopped = stopped.await;
            }));
            running
        });
        self.machines[machine - 1].node = Some(RunningNode { runtime, running, stop });
    }

    pub fn stop(&mut self, machine: usize) {
        let node = self.machines[machine - 1].node.take().expect("it runs");
        node.runtime.block_on(node.running.hand_over());
        node.stop();
    }

    pub fn node(&self, machine: usize) -> Node {
        self.machines[machine - 1].node.as_ref().expect("it runs").running.node()
    }

    pub fn running(&self) -> Vec<usize> {
        (1..=self.machines.len()).filter(|machine| self.machines[machine - 1].node.is_some()).collect()
    }

    /// The machine whose node leads, once operators' calls are taken there.
    pub fn leader(&self) -> usize {
        eventually("a leader that takes operators' calls", || {
            let leads = |machine: &usize| self.node(*machine).leader().is_some_and(|leader| leader.is_self);
            let leader = self.running().into_iter().find(leads)?;
            self.operate(leader, lectern_proto::v1::ListJoinTokensRequest {}).is_ok().then_some(leader)
        })
    }

    /// What the leader says of the members.
    pub fn membership(&self) -> Option<Membership> {
        let seen = |machine: usize| self.node(machine).status().membership;
        self.running().into_iter().filter_map(seen).find(|membership| membership.seen_by_leader)
    }

    /// Waits until these vote and those learn, and nobody else belongs to the cluster.
    pub fn await_members(&self, voters: &[u64], learners: &[u64]) {
        eventually(&format!("voters {voters:?} and learners {learners:?}"), || {
            let membership = self.membership()?;
            let standing = |wanted: MemberStanding| -> Vec<u64> {
                let such = membership.members.iter().filter(|member| member.standing() == wanted);
                such.map(|member| member.node_id).collect()
            };
            let all = membership.members.len() == voters.len() + learners.len();
            let as_wanted = standing(MemberStanding::Voter) == voters && standing(MemberStanding::Learner) == learners;
            (all && as_wanted && !membership.joint).then_some(())
        });
    }

    /// A token for so many nodes.
    pub fn token(&self, uses: u32) -> String {
        let leader = self.leader();
        self.operate(leader, CreateJoinTokenRequest { uses, ..CreateJoinTokenRequest::default() }).unwrap().token
    }

    /// A machine's empty data directory joins the cluster of the first machine that runs.
    pub fn join(&self, machine: usize, token: &str) -> Result<Identity, JoinError> {
        let contacts = self.running().into_iter().map(|running| self.client_address(running)).collect();
        let invitation = Invitation { token: token.into(), contacts };
        self.runtime.block_on(join::join(&self.config(machine), &invitation))
    }

    /// A call of an operator who can read that machine's files.
    pub fn operate<Q: Call>(&self, machine: usize, request: Q) -> Result<Q::Response, Status> {
        let key = std::fs::read_to_string(self.data_dir(machine).join(proof::OPERATOR_KEY_FILE)).unwrap();
        self.call(machine, Some(&Prover::from_hex(&key).unwrap()), request)
    }

    /// As [`Lab::operate`], at any node, until there is a leader for it.
    pub fn operate_soon<Q: Call>(&self, machine: usize, request: &Q) -> Result<Q::Response, Status> {
        eventually("an answer of the leader", || match self.operate(machine, request.clone()) {
            Err(status) if status.code() == Code::Unavailable => None,
            answer => Some(answer),
        })
    }

    /// A call at one machine.
    pub fn call<Q: Call>(&self, machine: usize, prover: Option<&Prover>, message: Q) -> Result<Q::Response, Status> {
        let now_ms = self.node(machine).now_ms();
        let mut request = Request::new(message);
        if let Some(prover) = prover {
            let proof = prover.prove(request.get_ref(), &proof::operator("ada"), now_ms);
            request.metadata_mut().insert(proof::OPERATOR, "ada".parse().unwrap());
            request.metadata_mut().insert(proof::OPERATOR_PROOF, proof.parse().unwrap());
        }
        let endpoint = Endpoint::from_shared(format!("http://{}", self.client_address(machine))).unwrap();
        self.runtime.block_on(async {
            let channel = endpoint.connect().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let mut grpc = Grpc::new(channel);
            grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
            let codec = ProstCodec::<Q, Q::Response>::default();
            Ok(grpc.unary(request, PathAndQuery::from_static(Q::PATH), codec).await?.into_inner())
        })
    }
}

pub fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what} did not come within {PATIENCE:?}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
