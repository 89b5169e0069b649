//! Why a certificate does not convince.

use rustls::CertificateError;

use crate::certificate::date;
use crate::{Fingerprint, Name};

/// Why the other side's certificate was not accepted. Each message fits behind “its certificate is not accepted: ”.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It is not a certificate that can be read.
    #[error("it is damaged")]
    Unreadable,
    /// Its time is over.
    #[error("it expired on {}", date(*not_after))]
    Expired {
        /// Unix seconds.
        not_after: i64,
    },
    /// Its time has not come.
    #[error("it is not valid before {}; compare the clocks of both machines", date(*not_before))]
    NotYetValid {
        /// Unix seconds.
        not_before: i64,
    },
    /// No authority that is trusted here signed it.
    #[error("no authority that is trusted here signed it")]
    UnknownAuthority,
    /// A fingerprint was given, and what was shown does not lead to it.
    #[error(
        "the address says that the cluster's authority is {expected}, and this one {}; ask the operator for the \
         cluster's address",
        shown(found)
    )]
    OtherFingerprint {
        /// What the address says.
        expected: Fingerprint,
        /// The authorities that were shown.
        found: Vec<Fingerprint>,
    },
    /// It carries no name of a node or of an operator, or several.
    #[error("it carries no name of a node or of an operator")]
    Unnamed,
    /// An operator's, where a node's is needed.
    #[error("it belongs to {}, and only a node's is taken here", found.words())]
    NotANode {
        /// Whose it is.
        found: Name,
    },
    /// Another node's.
    #[error("it belongs to {}, and node {expected} was called", found.words())]
    OtherNode {
        /// Whose it is.
        found: Name,
        /// Who should have answered.
        expected: u64,
    },
    /// Another cluster's.
    #[error("it belongs to {} of another cluster, {}", found.words(), found.cluster())]
    OtherCluster {
        /// Whose it is.
        found: Name,
    },
    /// It may not be used for this.
    #[error("it is not made for this use")]
    OtherUse,
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Untrusted {
    /// For metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreadable | Self::Other(_) => "damaged",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not_yet_valid",
            Self::UnknownAuthority | Self::OtherFingerprint { .. } => "unknown_authority",
            Self::Unnamed => "unnamed",
            Self::NotANode { .. } => "not_a_node",
            Self::OtherNode { .. } => "other_node",
            Self::OtherCluster { .. } => "other_cluster",
            Self::OtherUse => "other_use",
        }
    }
}

fn shown(found: &[Fingerprint]) -> String {
    let list: Vec<String> = found.iter().map(ToString::to_string).collect();
    if list.is_empty() { "shows none".into() } else { format!("shows {}", list.join(", ")) }
}

impl From<Untrusted> for rustls::Error {
    /// In the form in which this side finds its own words again; the other side hears only that it is not trusted.
    fn from(untrusted: Untrusted) -> Self {
        Self::InvalidCertificate(CertificateError::Other(rustls::OtherError(std::sync::Arc::new(untrusted))))
    }
}
