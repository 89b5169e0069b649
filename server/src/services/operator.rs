//! Operators: known by the certificate of their connection, and not by an account.
//!
//! A cluster without a quorum cannot look up anybody, and its operators are needed then more than ever: what they may do
//! depends on nothing but the authority that signed their certificates.

use lectern_tls::Name;
use tonic::Request;

use crate::listener::Origin;

/// Who operates the cluster, as the certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// What the operator is called.
    pub name: String,
}

impl Operator {
    /// Who made a call, where it was an operator. The listener has verified the certificate: its chain, its time and that
    /// it is one of this cluster.
    pub fn of<Q>(request: &Request<Q>) -> Option<Self> {
        match Origin::of(request).name? {
            Name::Operator { name, .. } => Some(Self { name }),
            Name::Node { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: Option<Name>) -> Request<()> {
        let mut request = Request::new(());
        request.extensions_mut().insert(Origin { name, ..Origin::default() });
        request
    }

    #[test]
    fn an_operator_is_who_shows_the_certificate_of_one() {
        let operator = Name::Operator { cluster: "c".into(), name: "ada".into() };
        assert_eq!(Operator::of(&from(Some(operator))), Some(Operator { name: "ada".into() }));
        assert_eq!(Operator::of(&from(Some(Name::Node { cluster: "c".into(), node: 1 }))), None);
        assert_eq!(Operator::of(&from(None)), None);
        assert_eq!(Operator::of(&Request::new(())), None);
    }
}
