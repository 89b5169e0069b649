//! Operators: known by the certificate of their connection, and not by an account.
//!
//! A cluster without a quorum cannot look up anybody, and its operators are needed then more than ever: what they may do
//! depends on nothing but the authority that signed their certificates. Where there is no TLS, and so nothing but loopback, an
//! operator is who can read a node's files: they prove their name with the key that lies there ([`lectern_rpc::proof`]). A node
//! that passes an operator's call on proves in the same way whom it saw.

use lectern_rpc::Call;
use lectern_rpc::proof::{self, Prover};
use lectern_tls::{Name, is_operator_name};
use tonic::{Code, Request, Status};

use super::errors::{self, reasons};
use super::metadata;
use crate::listener::Origin;

/// Who operates the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What the operator is called.
    pub name: String,
}

impl Operator {
    /// Whose certificate a call's connection has, where it is an operator's. The listener has verified it: its chain, its time
    /// and that it is one of this cluster.
    pub fn of<Q>(request: &Request<Q>) -> Option<Self> {
        match Origin::of(request).name? {
            Name::Operator { name, .. } => Some(Self { name }),
            Name::Node { .. } => None,
        }
    }

    /// Who asks for something that only operators may ask for; `secured` says that the cluster has TLS.
    pub fn require<Q: Call>(request: &Request<Q>, prover: &Prover, secured: bool, now_ms: i64) -> Result<Self, Status> {
        // With TLS the word of a node counts, and of nobody else who may have got hold of the key.
        let hearsay = !secured || matches!(Origin::of(request).name, Some(Name::Node { .. }));
        let stated = || Self::stated(request, prover, now_ms).filter(|_| hearsay);
        Self::of(request).or_else(stated).ok_or_else(|| {
            let how = if secured {
                "show an operator's certificate (`lectern-server certs operator --name YOU` makes one)"
            } else {
                "this cluster has no TLS, so its operators are those who can read the file operator.key in a node's data directory; run \
                 this as one who can"
            };
            errors::status(Code::PermissionDenied, reasons::NOT_AN_OPERATOR, format!("only operators may do this: {how}"))
        })
    }

    /// States in the call's metadata whose call it is, for the node that it is passed on to.
    pub fn state<Q: Call>(&self, request: &mut Request<Q>, prover: &Prover, now_ms: i64) {
        let proof = prover.prove(request.get_ref(), &proof::operator(&self.name), now_ms);
        for (key, text) in [(proof::OPERATOR, &self.name), (proof::OPERATOR_PROOF, &proof)] {
            if let Some(value) = metadata::value(text) {
                request.metadata_mut().insert(key, value);
            }
        }
    }

    fn stated<Q: Call>(request: &Request<Q>, prover: &Prover, now_ms: i64) -> Option<Self> {
        let text = |key| request.metadata().get(key)?.to_str().ok();
        let (name, proof) = (text(proof::OPERATOR)?, text(proof::OPERATOR_PROOF)?);
        let believed = prover.check(request.get_ref(), &proof::operator(name), proof, now_ms);
        (believed && is_operator_name(name)).then(|| Self { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::v1::DrainNodeRequest;

    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn from<Q>(message: Q, name: Option<Name>) -> Request<Q> {
        let mut request = Request::new(message);
        request.extensions_mut().insert(Origin::from(None, name));
        request
    }

    fn ada() -> Operator {
        Operator { name: "ada".into() }
    }

    fn operator() -> Name {
        Name::Operator { cluster: "c".into(), name: "ada".into() }
    }

    fn node() -> Name {
        Name::Node { cluster: "c".into(), node: 1 }
    }

    #[test]
    fn an_operator_is_who_shows_the_certificate_of_one() {
        assert_eq!(Operator::of(&from((), Some(operator()))), Some(ada()));
        assert_eq!(Operator::of(&from((), Some(node()))), None);
        assert_eq!(Operator::of(&from((), None)), None);
        assert_eq!(Operator::of(&Request::new(())), None);
    }

    #[test]
    fn without_tls_an_operator_is_who_has_the_key() {
        let (prover, stranger) = (Prover::new([7; 32]), Prover::new([8; 32]));
        let mut request = from(DrainNodeRequest { node_id: 3, only_ask: false }, None);
        let refused = Operator::require(&request, &prover, false, NOW).unwrap_err();
        assert!(refused.code() == Code::PermissionDenied && refused.message().contains("operator.key"));
        ada().state(&mut request, &prover, NOW);
        assert_eq!(Operator::require(&request, &prover, false, NOW).unwrap(), ada());
        assert!(Operator::require(&request, &stranger, false, NOW).is_err());
        let mut nameless = from(DrainNodeRequest::default(), None);
        Operator { name: "a b\u{7f}".into() }.state(&mut nameless, &prover, NOW);
        assert!(Operator::require(&nameless, &prover, false, NOW).is_err());
    }

    #[test]
    fn with_tls_it_takes_a_certificate_or_the_word_of_a_node_that_saw_one() {
        let prover = Prover::new([7; 32]);
        let with = |name: Option<Name>| {
            let mut request = from(DrainNodeRequest { node_id: 3, only_ask: false }, name);
            ada().state(&mut request, &prover, NOW);
            Operator::require(&request, &prover, true, NOW)
        };
        assert!(with(None).unwrap_err().message().contains("certificate"), "who has the key alone is none");
        assert_eq!(with(Some(node())).unwrap(), ada());
        let shown = from(DrainNodeRequest::default(), Some(operator()));
        assert_eq!(Operator::require(&shown, &prover, true, NOW).unwrap(), ada());
        let node_itself = from(DrainNodeRequest::default(), Some(node()));
        assert!(Operator::require(&node_itself, &prover, true, NOW).is_err(), "a node is no operator");
    }
}
