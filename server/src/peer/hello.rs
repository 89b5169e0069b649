//! Introductions: between the wire's form and the replica's.

use lectern_proto::internal::v1::Hello;
use lectern_raft::Greeting;
use lectern_tls::Name;

use super::PROTOCOL;
use crate::node::Member;

/// What a node's log says of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Up to which entry it knows the configuration …
    pub(super) configured_at: u64,
    /// … and whether it is a member there.
    pub(super) member: bool,
    /// The last entry that is durable.
    pub(super) durable_index: u64,
}

/// What this node says of itself to `to`: who it is, which process, how it describes itself, and what is in its log.
pub(super) fn introduce(
    own: &lectern_raft::Hello,
    boot: &[u8],
    description: &Member,
    standing: Standing,
    to: u64,
) -> Hello {
    let Standing { configured_at, member, durable_index } = standing;
    Hello {
        protocol: PROTOCOL,
        cluster_id: own.cluster_id.clone(),
        epoch: own.epoch,
        node_id: own.node,
        incarnation: own.incarnation.clone(),
        to_node_id: to,
        client_address: description.client_address.clone(),
        peer_address: description.peer_address.clone(),
        version: description.version.clone(),
        max_feature_level: description.max_feature_level,
        configured_at,
        member,
        boot: boot.to_vec(),
        durable_index,
    }
}

/// What the replica judges, once the shell has seen that the hello is meant for this node at all. `welcomed` says that it
/// is the answer to this node's own hello, which it accepted.
pub(super) fn to_judge(hello: &Hello, own: &lectern_raft::Hello, welcomed: bool) -> Result<Greeting, String> {
    if hello.protocol != PROTOCOL {
        return Err(format!(
            "node {} speaks peer protocol {}, this node speaks {PROTOCOL}; run versions that fit together",
            hello.node_id, hello.protocol
        ));
    }
    if hello.to_node_id != own.node {
        return Err(format!(
            "node {} looked for node {} and found node {}; correct its [peers] addresses",
            hello.node_id, hello.to_node_id, own.node
        ));
    }
    if hello.node_id == own.node || hello.node_id == 0 {
        return Err(format!("two nodes run as node {}; each needs an id of its own", own.node));
    }
    Ok(Greeting {
        hello: identity(hello),
        configured_at: hello.configured_at,
        member: hello.member,
        durable: hello.durable_index,
        welcomed,
    })
}

/// Refuses a hello that says something else than the certificate of its connection.
pub(super) fn require_certified(hello: &Hello, certified: Option<&Name>) -> Result<(), String> {
    let said = Name::Node { cluster: hello.cluster_id.clone(), node: hello.node_id };
    match certified {
        Some(name) if *name == said => Ok(()),
        Some(name) => Err(format!(
            "it says that it is {} of cluster {}, and its certificate is one of {} of cluster {}",
            said.words(),
            said.cluster(),
            name.words(),
            name.cluster()
        )),
        None => Err(format!("it says that it is {}, and shows no certificate", said.words())),
    }
}

/// Who the peer is.
pub(super) fn identity(hello: &Hello) -> lectern_raft::Hello {
    lectern_raft::Hello {
        cluster_id: hello.cluster_id.clone(),
        epoch: hello.epoch,
        node: hello.node_id,
        incarnation: hello.incarnation.clone(),
    }
}

/// How the peer describes itself.
pub(super) fn member(hello: &Hello) -> Member {
    Member {
        client_address: hello.client_address.clone(),
        peer_address: hello.peer_address.clone(),
        version: hello.version.clone(),
        max_feature_level: hello.max_feature_level,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(node: u64) -> lectern_raft::Hello {
        lectern_raft::Hello { cluster_id: "c".into(), epoch: 1, node, incarnation: "i".into() }
    }

    fn say(from: u64, to: u64) -> Hello {
        let standing = Standing { configured_at: 0, member: false, durable_index: 0 };
        introduce(&own(from), b"boot", &Member::default(), standing, to)
    }

    #[test]
    fn a_hello_meant_for_this_node_is_handed_to_the_replica() {
        let standing = Standing { configured_at: 7, member: true, durable_index: 9 };
        let hello = introduce(&own(1), b"boot", &Member::default(), standing, 2);
        let greeting = Greeting { hello: own(1), configured_at: 7, member: true, durable: 9, welcomed: true };
        assert_eq!(to_judge(&hello, &own(2), true), Ok(greeting));
    }

    #[test]
    fn a_hello_must_say_what_the_certificate_says() {
        let hello = say(1, 2);
        let name = |cluster: &str, node| Name::Node { cluster: cluster.into(), node };
        assert_eq!(require_certified(&hello, Some(&name("c", 1))), Ok(()));
        let operator = Name::Operator { cluster: "c".into(), name: "ada".into() };
        for other in [Some(name("c", 2)), Some(name("d", 1)), Some(operator), None] {
            assert!(require_certified(&hello, other.as_ref()).is_err(), "{other:?}");
        }
    }

    #[test]
    fn a_hello_for_another_node_of_another_protocol_or_from_a_twin_is_refused() {
        let wrong_address = say(1, 3);
        let newer = Hello { protocol: PROTOCOL + 1, ..say(1, 2) };
        let twin = say(2, 2);
        for hello in [wrong_address, newer, twin] {
            assert!(to_judge(&hello, &own(2), false).is_err(), "{hello:?}");
        }
    }
}
