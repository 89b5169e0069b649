//! The network between the nodes, and its faults.
//!
//! Node I reaches node J through a proxy of the run that listens at an address for this pair alone, and J knows I by the
//! address of the pair the other way round. In namespaces each node's kernel also has rules (`kernel.rs`) that lose what
//! it sends to J: at the pair's address and at J's own, where calls of clients are passed on to. So a partition takes
//! packets away, without a word to either side, and it can be one-way. Without namespaces the proxies hold back what they
//! carry, which cuts the replicas off and leaves the passing on of calls alone.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

pub mod kernel;
pub mod proxy;

use kernel::Kernel;
use proxy::{Proxies, Weather};

/// Who does not hear whom: `(I, J)`, what I sends does not come to J.
pub type Cuts = BTreeSet<(u32, u32)>;

/// Clients are served here.
pub const CLIENT_PORT: u16 = 7600;
/// Peers are served here, by nodes and by proxies.
pub const PEER_PORT: u16 = 7601;

/// Addresses of a run: `127.X.Y.N` is node N's.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// `127.X.Y`.
    pub net: String,
    /// How many nodes there are.
    pub nodes: u32,
}

impl Addresses {
    /// A node's own host.
    pub fn host(&self, node: u32) -> String {
        format!("{}.{node}", self.net)
    }

    /// Where a node serves clients.
    pub fn client(&self, node: u32) -> String {
        format!("{}:{CLIENT_PORT}", self.host(node))
    }

    /// Where a node serves its peers.
    pub fn peer(&self, node: u32) -> String {
        format!("{}:{PEER_PORT}", self.host(node))
    }

    /// The host by which `from` knows `to`.
    pub fn pair_host(&self, from: u32, to: u32) -> String {
        format!("{}.{}", self.net, 100 + 10 * from + to)
    }

    /// Where `from` reaches `to`.
    pub fn pair(&self, from: u32, to: u32) -> String {
        format!("{}:{PEER_PORT}", self.pair_host(from, to))
    }

    /// Every ordered pair of nodes.
    pub fn pairs(&self) -> Vec<(u32, u32)> {
        let nodes = self.nodes;
        (1..=nodes).flat_map(|from| (1..=nodes).filter(move |to| *to != from).map(move |to| (from, to))).collect()
    }
}

/// The network of a run.
#[derive(Debug)]
pub struct Network {
    kernel: Option<Kernel>,
    proxies: Proxies,
    cuts: Cuts,
    loss: Vec<(u32, u64)>,
}

impl Network {
    /// A network without faults. With a kernel, partitions and loss are its.
    pub async fn open(addresses: &Addresses, kernel: Option<Kernel>) -> io::Result<Self> {
        let proxies = Proxies::open(addresses).await?;
        Ok(Self { kernel, proxies, cuts: Cuts::new(), loss: Vec::new() })
    }

    /// What partitions are made of, in words.
    pub fn words(&self) -> &'static str {
        if self.kernel.is_some() { "packets are dropped" } else { "proxies hold back" }
    }

    /// Cuts exactly these.
    pub fn cut(&mut self, cuts: Cuts) -> Result<(), String> {
        self.cuts = cuts;
        if let Some(kernel) = &self.kernel {
            return kernel.rule(&self.cuts, &self.loss);
        }
        self.proxies.cut(&self.cuts);
        Ok(())
    }

    /// Loses so many of a hundred packets that these nodes send to others; none for nobody.
    pub fn lose(&mut self, loss: Vec<(u32, u64)>) -> Result<(), String> {
        self.loss = loss;
        match &self.kernel {
            Some(kernel) => kernel.rule(&self.cuts, &self.loss),
            None if self.loss.is_empty() => Ok(()),
            None => Err("packets are lost only in network namespaces with nft".into()),
        }
    }

    /// Delays what goes to and from this node, or between all.
    pub fn delay(&self, node: Option<u32>, least: Duration, most: Duration) {
        self.proxies.weather(|from, to| {
            let hit = node.is_none_or(|node| node == from || node == to);
            if hit { Weather { least, most } } else { Weather::default() }
        });
    }

    /// No delay any more.
    pub fn calm(&self) {
        self.proxies.weather(|_, _| Weather::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_has_an_address_of_its_own() {
        let addresses = Addresses { net: "127.77.0".into(), nodes: 5 };
        let pairs = addresses.pairs();
        assert_eq!(pairs.len(), 20);
        let hosts: BTreeSet<String> = pairs.iter().map(|(from, to)| addresses.pair_host(*from, *to)).collect();
        assert_eq!(hosts.len(), 20);
        assert!((1..=5).all(|node| !hosts.contains(&addresses.host(node))));
        assert_eq!(addresses.pair(1, 2), "127.77.0.112:7601");
    }
}
