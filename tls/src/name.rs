//! The names that certificates carry.

use std::fmt;

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

use crate::Untrusted;

const SCHEME: &str = "lectern://";
/// As long as a file name or a line of a log bears.
const OPERATOR_CHARS: usize = 40;

/// Whom a certificate is for.
///
/// ```
/// use lectern_tls::Name;
/// let name: Name = "lectern://01K9/node/3".parse()?;
/// assert_eq!(name, Name::Node { cluster: "01K9".into(), node: 3 });
/// assert_eq!(name.to_string(), "lectern://01K9/node/3");
/// # Ok::<(), lectern_tls::Untrusted>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// A node of a cluster.
    Node {
        /// The cluster's id.
        cluster: String,
        /// The node's number.
        node: u64,
    },
    /// An operator of a cluster.
    Operator {
        /// The cluster's id.
        cluster: String,
        /// What the operator is called.
        name: String,
    },
}

impl Name {
    /// The cluster's id.
    pub fn cluster(&self) -> &str {
        match self {
            Self::Node { cluster, .. } | Self::Operator { cluster, .. } => cluster,
        }
    }

    /// In words: `node 3`, `operator ada`.
    pub fn words(&self) -> String {
        match self {
            Self::Node { node, .. } => format!("node {node}"),
            Self::Operator { name, .. } => format!("operator {name}"),
        }
    }

    /// The one name of ours in a certificate.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, Untrusted> {
        let parsed = EndEntityCert::try_from(certificate).map_err(|_| Untrusted::Unreadable)?;
        let mut ours = parsed.valid_uri_names().filter(|uri| uri.starts_with(SCHEME));
        match (ours.next(), ours.next()) {
            (Some(uri), None) => uri.parse(),
            _ => Err(Untrusted::Unnamed),
        }
    }
}

impl std::str::FromStr for Name {
    type Err = Untrusted;

    fn from_str(uri: &str) -> Result<Self, Untrusted> {
        let mut parts = uri.strip_prefix(SCHEME).ok_or(Untrusted::Unnamed)?.split('/');
        let (Some(cluster), Some(kind), Some(who), None) = (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Untrusted::Unnamed);
        };
        if !is_cluster(cluster) {
            return Err(Untrusted::Unnamed);
        }
        let cluster = cluster.to_owned();
        match kind {
            // As it is printed: no sign, no leading zero, so that a node has one name.
            "node" => match who.parse::<u64>() {
                Ok(node) if node > 0 && who == node.to_string() => Ok(Self::Node { cluster, node }),
                _ => Err(Untrusted::Unnamed),
            },
            "operator" if is_operator_name(who) => Ok(Self::Operator { cluster, name: who.to_owned() }),
            _ => Err(Untrusted::Unnamed),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { cluster, node } => write!(f, "{SCHEME}{cluster}/node/{node}"),
            Self::Operator { cluster, name } => write!(f, "{SCHEME}{cluster}/operator/{name}"),
        }
    }
}

/// Whether an operator can be called so: letters, digits, `-`, `_` and `.`, at most 40, beginning with a letter or digit.
pub fn is_operator_name(name: &str) -> bool {
    let sensible = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    name.len() <= OPERATOR_CHARS
        && name.bytes().all(sensible)
        && name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
}

fn is_cluster(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_its_text() {
        let node = Name::Node { cluster: "01K9".into(), node: 12 };
        let operator = Name::Operator { cluster: "01K9".into(), name: "ada.l-2".into() };
        for name in [node, operator] {
            assert_eq!(name.to_string().parse::<Name>().unwrap(), name);
        }
    }

    #[test]
    fn what_is_not_exactly_a_name_is_none() {
        for text in [
            "",
            "https://01K9/node/1",
            "lectern://01K9",
            "lectern://01K9/node",
            "lectern://01K9/node/0",
            "lectern://01K9/node/01",
            "lectern://01K9/node/+1",
            "lectern://01K9/node/1/",
            "lectern:///node/1",
            "lectern://01 K9/node/1",
            "lectern://01K9/client/1",
            "lectern://01K9/operator/",
            "lectern://01K9/operator/.a",
            "lectern://01K9/operator/a b",
            "lectern://01K9/operator/a\nb",
        ] {
            assert_eq!(text.parse::<Name>(), Err(Untrusted::Unnamed), "{text:?}");
        }
        assert!(!is_operator_name(&"a".repeat(41)));
    }
}
