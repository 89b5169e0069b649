//! A node's certificates while it runs: read at the start, read again when they change, never without a sound set.
//!
//! Every new connection asks for the configuration of that moment, so that a renewed certificate, or another authority that
//! is trusted, counts from the next connection on. Connections that are open go on as they began.

mod expiry;
mod watch;

use std::sync::{Arc, PoisonError, RwLock};

use lectern_tls::{Accepts, ClientConfig, Connector, Fingerprint, Material, MaterialError, Name, Paths, ServerConfig};

pub(crate) use watch::keep;

/// The certificates of a node. Clones are the same ones.
#[derive(Clone, Debug)]
pub struct Tls(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    paths: Paths,
    owner: Name,
    current: RwLock<Arc<Current>>,
}

/// What new connections are made with.
#[derive(Debug)]
struct Current {
    material: Material,
    for_clients: Arc<ServerConfig>,
    for_peers: Arc<ServerConfig>,
}

impl Current {
    fn new(material: Material) -> Arc<Self> {
        let for_clients = material.server_config(Accepts::Everybody);
        let for_peers = material.server_config(Accepts::Nodes);
        Arc::new(Self { material, for_clients, for_peers })
    }
}

impl Tls {
    /// Reads the files.
    pub fn load(paths: Paths) -> Result<Self, MaterialError> {
        let material = Material::load(&paths)?;
        let owner = material.name().clone();
        let tls = Self(Arc::new(Inner { paths, owner, current: RwLock::new(Current::new(material)) }));
        expiry::export(&tls);
        Ok(tls)
    }

    /// Refuses the certificate of another node, or of another cluster's.
    pub(crate) fn require_owner(&self, cluster: &str, node: u64) -> Result<(), MaterialError> {
        let own = Name::Node { cluster: cluster.to_owned(), node };
        if self.0.owner == own {
            return Ok(());
        }
        let path = self.0.paths.certificate.clone();
        let own = format!("node {node} of cluster {cluster}");
        Err(MaterialError::OtherName { path, found: self.0.owner.clone(), own })
    }

    /// Reads the files again. What cannot be used changes nothing.
    fn reload(&self) -> Result<(), MaterialError> {
        let material = Material::load(&self.0.paths)?;
        if *material.name() != self.0.owner {
            let path = self.0.paths.certificate.clone();
            let own = format!("{} of cluster {}", self.0.owner.words(), self.0.owner.cluster());
            return Err(MaterialError::OtherName { path, found: material.name().clone(), own });
        }
        *self.0.current.write().unwrap_or_else(PoisonError::into_inner) = Current::new(material);
        expiry::export(self);
        Ok(())
    }

    /// For a connection that comes in now.
    pub(crate) fn accepting(&self, accepts: Accepts) -> Arc<ServerConfig> {
        let current = self.current();
        match accepts {
            Accepts::Everybody => current.for_clients.clone(),
            Accepts::Nodes => current.for_peers.clone(),
        }
    }

    /// The authority that this node's certificate leads to.
    pub(crate) fn authority(&self) -> Option<Fingerprint> {
        self.current().material.authority()
    }

    fn calling(&self, node: u64) -> Arc<ClientConfig> {
        self.current().material.client_config(node)
    }

    fn current(&self) -> Arc<Current> {
        self.0.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// How this node calls another one: in TLS where it has certificates, and then nobody else than that node.
pub(crate) fn connector(tls: Option<&Tls>, node: u64) -> Connector {
    match tls {
        None => Connector::clear(),
        Some(tls) => {
            let tls = tls.clone();
            Connector::tls(move || tls.calling(node))
        }
    }
}
