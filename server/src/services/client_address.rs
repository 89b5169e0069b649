//! Where a client is, when its call was passed on by another node.
//!
//! Guesses of passwords are counted by address, on the leader; a node that passes such a call on says where it came from.
//! What it says is believed because it is proven ([`lectern_rpc::proof`]) with a key that only the cluster's nodes have
//! (`ClusterKeys::forwarding_key`).

use std::net::IpAddr;

use lectern_rpc::Call;
use lectern_rpc::proof::Prover;

/// What nodes prove addresses with.
#[derive(Clone, Debug)]
pub struct ForwardingKey(Prover);

/// A client's address as a node that passes its call on states it: two values of metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// `lectern-client-address`.
    pub address: String,
    /// `lectern-client-address-proof`: milliseconds, a dot, 64 hexadecimal digits.
    pub proof: String,
}

impl ForwardingKey {
    /// From the cluster's genesis.
    pub fn new(key: [u8; blake3::KEY_LEN]) -> Self {
        Self(Prover::new(key))
    }

    /// The statement for a call that is passed on now.
    pub fn state<Q: Call>(&self, request: &Q, address: IpAddr, now_ms: i64) -> Statement {
        let address = address.to_canonical().to_string();
        let proof = self.0.prove(request, &address, now_ms);
        Statement { address, proof }
    }

    /// The address, where the statement was made by a node of this cluster, for this call, and just now.
    pub fn check<Q: Call>(&self, request: &Q, statement: &Statement, now_ms: i64) -> Option<IpAddr> {
        let proven = self.0.check(request, &statement.address, &statement.proof, now_ms);
        proven.then(|| statement.address.parse().ok()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::SignInRequest;

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const NOW: i64 = 1_800_000_000_000;

    fn sign_in(username: &str) -> SignInRequest {
        SignInRequest { username: username.into(), ..SignInRequest::default() }
    }

    #[test]
    fn a_node_of_the_cluster_is_believed_and_nobody_else() {
        let key = ForwardingKey::new([7; 32]);
        let statement = key.state(&sign_in("ada"), CLIENT, NOW);
        assert_eq!(key.check(&sign_in("ada"), &statement, NOW), Some(CLIENT));
        assert_eq!(key.check(&sign_in("bob"), &statement, NOW), None);
        let elsewhere = Statement { address: "192.0.2.8".into(), ..statement.clone() };
        assert_eq!(key.check(&sign_in("ada"), &elsewhere, NOW), None);
        assert_eq!(ForwardingKey::new([8; 32]).check(&sign_in("ada"), &statement, NOW), None);
    }
}
