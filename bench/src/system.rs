//! What is measured: three nodes of one system, each a real process with a folder of its own.

use std::time::Duration;

use tokio::runtime::Runtime;

use crate::Outcome;
use crate::caller::Caller;

/// Nodes of each system.
pub const NODES: u32 = 3;
/// Connections that the clients of one load share, in either system: a multiple of the nodes, so that they spread evenly.
pub const CONNECTIONS: usize = 9;
/// A start or an election takes no longer.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// How a node is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// SIGKILL: a crash of the process.
    Kill,
    /// SIGTERM: a node that is stopped in order.
    Term,
}

/// Three nodes.
pub trait System {
    /// For the tables.
    fn name(&self) -> &'static str;
    /// The processes of all nodes that run, by node.
    fn processes(&self) -> Vec<u32>;
    /// Who leads; waits for it.
    fn leader(&mut self, runtime: &Runtime) -> Outcome<u32>;
    /// A caller with a new connection to one node, the `number`th of its load.
    fn connect(&self, runtime: &Runtime, node: u32, number: usize) -> Outcome<Caller>;
    /// The `number`th caller over the connection of another, where callers are people of their own.
    fn share(&self, caller: &Caller, number: usize) -> Outcome<Caller>;
    /// Ends a node at once; returns before it is gone where it takes its time.
    fn end(&mut self, node: u32, how: End) -> Outcome<()>;
    /// Starts what was ended, and waits until all nodes are well.
    fn restore(&mut self, runtime: &Runtime) -> Outcome<()>;
}

/// So many callers over `connections` connections, which are dealt out evenly to `nodes`.
pub fn callers(
    system: &dyn System,
    runtime: &Runtime,
    (nodes, clients, connections): (&[u32], usize, usize),
) -> Outcome<Vec<Caller>> {
    let dealt = nodes.iter().cycle().take(connections).enumerate();
    let connected = dealt.map(|(number, node)| system.connect(runtime, *node, number)).collect::<Outcome<Vec<_>>>()?;
    (0..clients).map(|number| system.share(&connected[number % connections], number)).collect()
}
