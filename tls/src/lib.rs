//! Who is who on the wire: names in certificates, what is trusted, and connections that hold to it.
//!
//! A cluster has one certificate authority of its own. It signs two kinds of certificates, told apart by a URI among their
//! alternative names:
//!
//! | URI | whose | good for |
//! |---|---|---|
//! | `lectern://CLUSTER/node/N` | node N | answering clients, and talking to the other nodes as node N |
//! | `lectern://CLUSTER/operator/NAME` | an operator | being known as that operator to the cluster's services |
//!
//! | who verifies | what it takes |
//! |---|---|
//! | a program | a chain to the authority it was told (a fingerprint, or a file), and the name of a node |
//! | a node that dials node N | a chain to one of its own authorities, and exactly the name of node N of its cluster |
//! | a node on its peer listener | a certificate, a chain, and the name of a node of its cluster; the hello must repeat it |
//! | a node on its client listener | no certificate, or one with a chain and a name of its cluster |
//!
//! Host names are not compared: the authority signs nodes of one cluster and nothing else, a node's name says more than
//! its address does, and tunnels and moved nodes go on working. Names of hosts are in the certificates for other people's
//! clients.
//!
//! Invariants:
//! * TLS 1.3 only, one provider (ring), ALPN `h2`, and no resumption: every connection verifies anew.
//! * A certificate with two names of ours has none.
//! * No key is in a message or in Debug.

mod certificate;
mod connector;
mod fingerprint;
mod material;
mod name;
mod stream;
mod trust;
mod untrusted;
mod verify;

pub use certificate::{CertificateDer, Chain, Validity, read_certificates};
pub use connector::Connector;
pub use fingerprint::Fingerprint;
pub use material::{Accepts, Material, MaterialError, Paths};
pub use name::{Name, is_operator_name};
pub use rustls::{ClientConfig, ServerConfig};
pub use stream::{CallerStream, Io, Problem};
pub use trust::{OwnCertificate, ProgramTls, Trust};
pub use untrusted::Untrusted;

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The protocol spoken inside.
pub(crate) const ALPN: &[u8] = b"h2";

/// The one provider of cryptography.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
