//! The nodes a client knows: their addresses, one connection each, and which of them to ask next.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lectern_tls::{Connector, ProgramTls, Trust};
use tonic::transport::{Channel, Endpoint};

use crate::address::{normalise_endpoint, trust_of};
use crate::{ClientError, ClientOptions};

/// One node, and the connection to it once there is one.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) address: String,
    endpoint: Endpoint,
    connector: Connector,
    /// Held while connecting, so that many calls make one connection. The number tells connections apart.
    channel: tokio::sync::Mutex<(u64, Option<Channel>)>,
}

impl Node {
    fn new(address: &str, connector: Connector, options: &ClientOptions) -> Result<Arc<Self>, ClientError> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))
            .and_then(|endpoint| endpoint.user_agent(options.user_agent.clone()))
            .map_err(|error| ClientError::usage(format!("{address:?} is not an address: {error}")))?
            .connect_timeout(options.connect_timeout)
            // A node that is stopped or cut off answers no pings: calls to it end instead of hanging.
            .http2_keep_alive_interval(options.attempt_timeout)
            .keep_alive_timeout(options.attempt_timeout.max(std::time::Duration::from_secs(1)));
        Ok(Arc::new(Self { address: address.into(), endpoint, connector, channel: tokio::sync::Mutex::default() }))
    }

    /// The connection, made now if there is none. The number is for [`Node::forget`].
    pub(crate) async fn channel(&self) -> Result<(u64, Channel), tonic::transport::Error> {
        let mut slot = self.channel.lock().await;
        if let (number, Some(channel)) = &*slot {
            return Ok((*number, channel.clone()));
        }
        let channel = self.endpoint.connect_with_connector(self.connector.clone()).await?;
        *slot = (slot.0 + 1, Some(channel.clone()));
        Ok((slot.0, channel))
    }

    /// Gives up a connection that failed, unless another one took its place meanwhile.
    pub(crate) async fn forget(&self, number: u64) {
        let mut slot = self.channel.lock().await;
        if slot.0 == number {
            slot.1 = None;
        }
    }
}

/// What is known of the cluster.
#[derive(Debug)]
struct Known {
    /// What is taken for the cluster.
    trust: Trust,
    /// How its nodes are called.
    connector: Connector,
    nodes: BTreeMap<String, Arc<Node>>,
    /// Order in which nodes are tried: as given, then as learned.
    order: Vec<String>,
    leader: Option<String>,
    /// The node that answered last.
    current: usize,
}

/// The nodes, shared by all clones of a client.
#[derive(Debug)]
pub(crate) struct Nodes {
    known: Mutex<Known>,
}

impl Nodes {
    pub(crate) fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        let trust = trust_of(&options.endpoints, &options.trust)?;
        let connector = match ProgramTls::new(&trust, options.certificate.as_ref()) {
            Some(tls) => Connector::tls(move || tls.config()),
            None => Connector::clear(),
        };
        let (nodes, order) = (BTreeMap::new(), Vec::new());
        let mut known = Known { trust, connector, nodes, order, leader: None, current: 0 };
        for text in &options.endpoints {
            known.learn(text, options)?;
        }
        if known.order.is_empty() {
            return Err(ClientError::usage("no address of a cluster is known: `connect lectern://HOST:PORT` first"));
        }
        Ok(Self { known: Mutex::new(known) })
    }

    /// Begins anew at other addresses.
    pub(crate) fn begin_at(
        &self,
        endpoints: &[String],
        trust: Trust,
        options: &ClientOptions,
    ) -> Result<(), ClientError> {
        let other = Self::new(&ClientOptions { endpoints: endpoints.to_vec(), trust, ..options.clone() })?;
        *self.known() = other.known.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing panics while holding it, and what it holds is valid after every statement.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Learns the address of a member. One that may not be talked to (in clear text, not loopback) is left out.
    pub(crate) fn learn(&self, address: &str, options: &ClientOptions) {
        // An address that does not parse is as good as none.
        let _ = self.known().learn(address, options);
    }

    /// The node at an address, learned now if it was not known.
    pub(crate) fn named(&self, address: &str, options: &ClientOptions) -> Result<Arc<Node>, ClientError> {
        let mut known = self.known();
        let address = known.learn(address, options)?;
        Ok(known.nodes[&address].clone())
    }

    pub(crate) fn set_leader(&self, address: &str, options: &ClientOptions) {
        let mut known = self.known();
        if let Ok(address) = known.learn(address, options) {
            known.leader = Some(address);
        }
    }

    /// Forgets who leads, if it is thought to be `address`.
    pub(crate) fn leader_failed(&self, address: &str) {
        let mut known = self.known();
        if known.leader.as_deref() == Some(address) {
            known.leader = None;
        }
    }

    pub(crate) fn leader(&self) -> Option<String> {
        self.known().leader.clone()
    }

    /// Notes that `address` answered: reads stay with it.
    pub(crate) fn answered(&self, address: &str) {
        let mut known = self.known();
        if let Some(position) = known.order.iter().position(|known| known == address) {
            known.current = position;
        }
    }

    /// The node to ask: for a write the leader where known, else the one that answered last, else the next one; never
    /// one of `avoid` while there is another.
    pub(crate) fn pick(&self, write: bool, avoid: &[String]) -> Arc<Node> {
        let known = self.known();
        let usable = |address: &&String| !avoid.contains(address);
        let leader = known.leader.as_ref().filter(|_| write).filter(usable);
        let in_turn = known.order.iter().cycle().skip(known.current).take(known.order.len());
        let address = leader.or_else(|| in_turn.clone().find(usable)).unwrap_or(&known.order[known.current]);
        known.nodes[address].clone()
    }

    /// Every known node, in the order in which they were learned.
    pub(crate) fn all(&self) -> Vec<Arc<Node>> {
        let known = self.known();
        known.order.iter().map(|address| known.nodes[address].clone()).collect()
    }

    /// What is taken for the cluster.
    pub(crate) fn trust(&self) -> Trust {
        self.known().trust.clone()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        self.known().order.clone()
    }
}

impl Known {
    /// Adds a node that is not known yet; returns its address in the one form.
    fn learn(&mut self, address: &str, options: &ClientOptions) -> Result<String, ClientError> {
        let address = normalise_endpoint(address, &self.trust)?;
        if !self.nodes.contains_key(&address) {
            self.nodes.insert(address.clone(), Node::new(&address, self.connector.clone(), options)?);
            self.order.push(address.clone());
        }
        Ok(address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> (Nodes, ClientOptions) {
        let options = ClientOptions::new(["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"]);
        (Nodes::new(&options).unwrap(), options)
    }

    #[test]
    fn a_write_goes_to_the_leader_and_a_read_to_the_node_that_answered_last() {
        let (nodes, options) = nodes();
        nodes.set_leader("127.0.0.1:3", &options);
        nodes.answered("127.0.0.1:2");
        assert_eq!(nodes.pick(true, &[]).address, "127.0.0.1:3");
        assert_eq!(nodes.pick(false, &[]).address, "127.0.0.1:2");
    }

    #[test]
    fn a_node_that_just_failed_is_asked_last() {
        let (nodes, options) = nodes();
        nodes.set_leader("127.0.0.1:1", &options);
        let avoid = ["127.0.0.1:1".to_owned()];
        assert_eq!(nodes.pick(true, &avoid).address, "127.0.0.1:2");
        nodes.leader_failed("127.0.0.1:2");
        assert_eq!(nodes.leader().as_deref(), Some("127.0.0.1:1"));
        nodes.leader_failed("127.0.0.1:1");
        assert_eq!(nodes.leader(), None);
        let all = nodes.addresses();
        assert_eq!(nodes.pick(true, &all).address, "127.0.0.1:1");
    }

    #[test]
    fn a_node_that_is_named_is_the_one_that_is_known() {
        let (nodes, options) = nodes();
        assert!(Arc::ptr_eq(&nodes.named("127.0.0.1:2", &options).unwrap(), &nodes.all()[1]));
        assert_eq!(nodes.named("127.0.0.1:4", &options).unwrap().address, "127.0.0.1:4");
        assert_eq!(nodes.addresses().len(), 4);
        assert!(nodes.named("10.0.0.1:7600", &options).is_err());
    }

    #[test]
    fn an_address_off_the_machine_is_not_learned() {
        let (nodes, options) = nodes();
        nodes.learn("10.0.0.1:7600", &options);
        nodes.set_leader("10.0.0.1:7600", &options);
        assert_eq!(nodes.addresses().len(), 3);
        assert_eq!(nodes.leader(), None);
    }

    #[test]
    fn nodes_of_a_cluster_that_is_known_are_learned_wherever_they_are() {
        let options = ClientOptions::new([format!("10.0.0.1:1#sha256:{}", "0".repeat(64))]);
        let nodes = Nodes::new(&options).unwrap();
        nodes.learn("10.0.0.2:1", &options);
        assert_eq!(nodes.addresses(), ["10.0.0.1:1", "10.0.0.2:1"]);
        nodes.begin_at(&["127.0.0.1:1".into()], Trust::Loopback, &options).unwrap();
        nodes.learn("10.0.0.2:1", &options);
        assert_eq!(nodes.addresses(), ["127.0.0.1:1"]);
    }
}
