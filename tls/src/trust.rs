//! What a program trusts, and who it is.

use std::path::Path;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::material::{Signer, client_config};
use crate::verify::Answerer;
use crate::{Chain, Fingerprint, MaterialError, read_certificates};

/// What a program takes for the cluster it was told to call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// Nothing is known: only this machine is called, in clear text.
    #[default]
    Loopback,
    /// The authority with this fingerprint, which nodes show in their chain, and what it signed.
    Fingerprint(Fingerprint),
    /// These authorities, and what they signed.
    Authorities(Chain),
}

impl Trust {
    /// The authorities in a PEM file.
    pub fn from_file(path: &Path) -> Result<Self, MaterialError> {
        read_certificates(path).map(Self::Authorities)
    }

    /// Whether both lead to one cluster: they name one authority, each in its way.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fingerprint(named), Self::Authorities(known))
            | (Self::Authorities(known), Self::Fingerprint(named)) => {
                known.iter().any(|authority| Fingerprint::of(authority) == *named)
            }
            (Self::Authorities(ours), Self::Authorities(theirs)) => {
                ours.iter().any(|authority| theirs.contains(authority))
            }
            _ => self == other,
        }
    }

    /// Whether connections are encrypted, so that they may leave this machine.
    pub fn is_secure(&self) -> bool {
        *self != Self::Loopback
    }
}

/// The TLS of a program: what it trusts, and whom it shows itself as.
#[derive(Clone, Debug)]
pub struct ProgramTls {
    config: Arc<ClientConfig>,
}

impl ProgramTls {
    /// Nothing for [`Trust::Loopback`]. `identity` is an operator's certificate, where there is one.
    pub fn new(trust: &Trust, identity: Option<&OwnCertificate>) -> Option<Self> {
        let signer = identity.map(|identity| identity.0.clone());
        trust.is_secure().then(|| Self { config: client_config(Answerer::AnyNode(trust.clone()), signer) })
    }

    /// For connecting.
    pub fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }
}

/// An operator's certificate and its key. Debug shows nothing of the key.
#[derive(Clone, Debug)]
pub struct OwnCertificate(Signer);

impl OwnCertificate {
    /// From PEM files.
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, MaterialError> {
        Signer::load(certificate, key).map(Self)
    }
}
