//! Where a client is, when its call was passed on by another node.
//!
//! Guesses of passwords are counted by address, on the leader; a node that passes such a call on says where it came from.
//! Anyone can send metadata, and on loopback from a member's own address, so the word of an address counts for nothing:
//! what is believed is a *proof*, a keyed BLAKE3 over address, time, method and request, with a key that only the
//! cluster's nodes have (`Genesis::forwarding_key`). It is of use for that very call alone, and for a minute.

use std::net::IpAddr;

use lectern_rpc::Call;
use subtle::ConstantTimeEq as _;

/// How far the clocks of two nodes, and the way between them, may lie apart.
const MAX_AGE_MS: i64 = 60_000;

/// What nodes prove addresses with. Debug shows nothing of it.
#[derive(Clone)]
pub struct ForwardingKey([u8; blake3::KEY_LEN]);

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
        Self(key)
    }

    /// The statement for a call that is passed on now.
    pub fn state<Q: Call>(&self, request: &Q, address: IpAddr, now_ms: i64) -> Statement {
        let address = address.to_canonical().to_string();
        let proof = format!("{now_ms}.{}", self.code(request, &address, now_ms).to_hex());
        Statement { address, proof }
    }

    /// The address, where the statement was made by a node of this cluster, for this call, and just now.
    pub fn check<Q: Call>(&self, request: &Q, statement: &Statement, now_ms: i64) -> Option<IpAddr> {
        let (time, code) = statement.proof.split_once('.')?;
        let at_ms: i64 = time.parse().ok()?;
        let code = blake3::Hash::from_hex(code).ok()?;
        let fresh = now_ms.abs_diff(at_ms) <= MAX_AGE_MS.unsigned_abs();
        let expected = self.code(request, &statement.address, at_ms);
        let proven = bool::from(expected.as_bytes().ct_eq(code.as_bytes()));
        (fresh && proven).then(|| statement.address.parse().ok()).flatten()
    }

    fn code<Q: Call>(&self, request: &Q, address: &str, at_ms: i64) -> blake3::Hash {
        let request = blake3::hash(&request.encode_to_vec());
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&at_ms.to_be_bytes());
        for part in [address.as_bytes(), Q::PATH.as_bytes(), request.as_bytes()] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        hasher.finalize()
    }
}

impl std::fmt::Debug for ForwardingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ForwardingKey")
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::{ActivateRequest, SignInRequest};

    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));
    const NOW: i64 = 1_800_000_000_000;

    fn sign_in(username: &str) -> SignInRequest {
        SignInRequest { username: username.into(), ..SignInRequest::default() }
    }

    #[test]
    fn a_node_of_the_cluster_is_believed_for_a_minute() {
        let key = ForwardingKey::new([7; 32]);
        let statement = key.state(&sign_in("ada"), CLIENT, NOW);
        for age in [0, MAX_AGE_MS, -MAX_AGE_MS] {
            assert_eq!(key.check(&sign_in("ada"), &statement, NOW + age), Some(CLIENT));
        }
        for age in [MAX_AGE_MS + 1, -MAX_AGE_MS - 1] {
            assert_eq!(key.check(&sign_in("ada"), &statement, NOW + age), None);
        }
    }

    #[test]
    fn a_proof_is_for_one_call_of_one_address_with_one_key() {
        let key = ForwardingKey::new([7; 32]);
        let statement = key.state(&sign_in("ada"), CLIENT, NOW);
        assert_eq!(key.check(&sign_in("bob"), &statement, NOW), None);
        let activate = ActivateRequest { username: "ada".into(), ..ActivateRequest::default() };
        assert_eq!(key.check(&activate, &statement, NOW), None);
        let elsewhere = Statement { address: "192.0.2.8".into(), ..statement.clone() };
        assert_eq!(key.check(&sign_in("ada"), &elsewhere, NOW), None);
        assert_eq!(ForwardingKey::new([8; 32]).check(&sign_in("ada"), &statement, NOW), None);
        for proof in ["", "1", ".", "x.y", &format!("{NOW}."), &format!("{NOW}.{}", "0".repeat(64))] {
            let forged = Statement { proof: proof.into(), ..statement.clone() };
            assert_eq!(key.check(&sign_in("ada"), &forged, NOW), None, "{proof}");
        }
    }
}
