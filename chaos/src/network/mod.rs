//! The network between the nodes, and its faults.
//!
//! Node I reaches node J through a proxy of the run that listens at an address for this pair alone, and J knows I by the
//! address of the pair the other way round. In namespaces each node's kernel also has rules (`kernel.rs`) that lose what
//! it sends to J: at the pair's address and at J's own, where calls of clients are passed on to. So a partition takes
//! packets away, without a word to either side, and it can be one-way. Without namespaces the proxies hold back what they
//! carry, which cuts the replicas off and leaves the passing on of calls alone.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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

/// Where everybody is. A run has a *place* more than nodes, which is free for the next node to join: `127.X.Y.P` is the host of
/// place P, and a place has a namespace, a disk and proxies of its own.
///
/// Nodes are replaced oldest first, so that the cluster's numbers follow each other: of the nodes 1 to `nodes`, which is what
/// everybody else speaks of, node I is at each moment the member with the I-th number that is in use.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// `127.X.Y`.
    pub net: String,
    /// How many nodes there are.
    pub nodes: u32,
    /// How many members were replaced since the founding.
    replaced: Arc<AtomicU32>,
}

impl Addresses {
    /// Of a cluster that was just founded.
    pub fn new(net: impl Into<String>, nodes: u32) -> Self {
        Self { net: net.into(), nodes, replaced: Arc::default() }
    }

    /// Places are 1 to this.
    pub fn places(&self) -> u32 {
        self.nodes + 1
    }

    /// The number that the cluster knows a node by; of one more than there are, the next one's.
    pub fn number(&self, node: u32) -> u32 {
        self.replaced.load(Ordering::Relaxed) + node
    }

    /// Where the member with a number is, was or will be.
    pub fn place_of(&self, number: u32) -> u32 {
        (number - 1) % self.places() + 1
    }

    /// Where a node is.
    pub fn place(&self, node: u32) -> u32 {
        self.place_of(self.number(node))
    }

    /// The oldest member is replaced by the next one.
    pub fn move_on(&self) {
        self.replaced.fetch_add(1, Ordering::Relaxed);
    }

    /// A place's own host.
    pub fn host(&self, place: u32) -> String {
        format!("{}.{place}", self.net)
    }

    /// Where clients are served at a place.
    pub fn client(&self, place: u32) -> String {
        format!("{}:{CLIENT_PORT}", self.host(place))
    }

    /// Where peers are served at a place.
    pub fn peer(&self, place: u32) -> String {
        format!("{}:{PEER_PORT}", self.host(place))
    }

    /// The host by which the place `from` knows the place `to`.
    pub fn pair_host(&self, from: u32, to: u32) -> String {
        format!("{}.{}", self.net, 100 + 10 * from + to)
    }

    /// Where `from` reaches `to`.
    pub fn pair(&self, from: u32, to: u32) -> String {
        format!("{}:{PEER_PORT}", self.pair_host(from, to))
    }

    /// Every ordered pair of places.
    pub fn pairs(&self) -> Vec<(u32, u32)> {
        let places = self.places();
        (1..=places).flat_map(|from| (1..=places).filter(move |to| *to != from).map(move |to| (from, to))).collect()
    }
}

/// The network of a run.
#[derive(Debug)]
pub struct Network {
    addresses: Addresses,
    kernel: Option<Kernel>,
    proxies: Proxies,
    cuts: Cuts,
    loss: Vec<(u32, u64)>,
}

impl Network {
    /// A network without faults. With a kernel, partitions and loss are its.
    pub async fn open(addresses: &Addresses, kernel: Option<Kernel>) -> io::Result<Self> {
        let proxies = Proxies::open(addresses).await?;
        Ok(Self { addresses: addresses.clone(), kernel, proxies, cuts: Cuts::new(), loss: Vec::new() })
    }

    /// What partitions are made of, in words.
    pub fn words(&self) -> &'static str {
        if self.kernel.is_some() { "packets are dropped" } else { "proxies hold back" }
    }

    /// Cuts exactly these.
    pub fn cut(&mut self, cuts: Cuts) -> Result<(), String> {
        let place = |node| self.addresses.place(node);
        self.cuts = cuts.into_iter().map(|(from, to)| (place(from), place(to))).collect();
        if let Some(kernel) = &self.kernel {
            return kernel.rule(&self.cuts, &self.loss);
        }
        self.proxies.cut(&self.cuts);
        Ok(())
    }

    /// Loses so many of a hundred packets that these nodes send to others; none for nobody.
    pub fn lose(&mut self, loss: Vec<(u32, u64)>) -> Result<(), String> {
        self.loss = loss.into_iter().map(|(node, percent)| (self.addresses.place(node), percent)).collect();
        match &self.kernel {
            Some(kernel) => kernel.rule(&self.cuts, &self.loss),
            None if self.loss.is_empty() => Ok(()),
            None => Err("packets are lost only in network namespaces with nft".into()),
        }
    }

    /// Delays what goes to and from this node, or between all.
    pub fn delay(&self, node: Option<u32>, least: Duration, most: Duration) {
        let place = node.map(|node| self.addresses.place(node));
        self.proxies.weather(|from, to| {
            let hit = place.is_none_or(|place| place == from || place == to);
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
        let addresses = Addresses::new("127.77.0", 5);
        let pairs = addresses.pairs();
        assert_eq!(pairs.len(), 30);
        let hosts: BTreeSet<String> = pairs.iter().map(|(from, to)| addresses.pair_host(*from, *to)).collect();
        assert_eq!(hosts.len(), 30);
        assert!((1..=6).all(|node| !hosts.contains(&addresses.host(node))));
        assert_eq!(addresses.pair(1, 2), "127.77.0.112:7601");
    }

    #[test]
    fn the_place_of_the_oldest_is_the_next_ones_when_it_has_left() {
        let addresses = Addresses::new("127.77.0", 3);
        let places = |addresses: &Addresses| (1..=4).map(|node| addresses.place(node)).collect::<Vec<_>>();
        assert_eq!(places(&addresses), [1, 2, 3, 4]);
        addresses.clone().move_on();
        assert_eq!((places(&addresses), addresses.number(1)), (vec![2, 3, 4, 1], 2));
        (0..3).for_each(|_| addresses.move_on());
        assert_eq!((places(&addresses), addresses.number(4)), (vec![1, 2, 3, 4], 8));
    }
}
