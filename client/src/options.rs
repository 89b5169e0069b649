//! How a client behaves: where it begins, who it is, how long it is patient.

use std::time::Duration;

use lectern_tls::{OwnCertificate, Trust};

use crate::{OperatorKey, Secret};

/// What [`crate::Client::connect`] needs to know. Begin with [`ClientOptions::new`] and change what differs.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// Addresses of nodes, `HOST:PORT` or `lectern://HOST:PORT#sha256:…`; one that answers is enough, the others are learned
    /// from it.
    pub endpoints: Vec<String>,
    /// What is taken for the cluster; an endpoint with a fingerprint goes first.
    pub trust: Trust,
    /// The certificate to show, for operators.
    pub certificate: Option<OwnCertificate>,
    /// The key that proves calls of operators where there are no certificates.
    pub operator: Option<OperatorKey>,
    /// The bearer token, when signed in.
    pub token: Option<Secret>,
    /// How long one connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a call is retried: long enough for a failover.
    pub call_deadline: Duration,
    /// How long a call is retried while no node has ever answered this client: nobody wants to wait half a minute to
    /// hear that the address is wrong.
    pub first_contact_deadline: Duration,
    /// How long a first attempt waits for its answer before another node is asked; later attempts wait longer.
    pub attempt_timeout: Duration,
    /// The longest pause between two attempts.
    pub max_backoff: Duration,
    /// How long an upload or download goes on without any progress.
    pub transfer_patience: Duration,
    /// Name and version of the program, for the servers' logs.
    pub user_agent: String,
}

impl ClientOptions {
    /// Defaults for people and scripts: 30 s to live through a failover, 5 s for a wrong address.
    pub fn new(endpoints: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            trust: Trust::default(),
            certificate: None,
            operator: None,
            token: None,
            connect_timeout: Duration::from_secs(2),
            call_deadline: Duration::from_secs(30),
            first_contact_deadline: Duration::from_secs(5),
            attempt_timeout: Duration::from_secs(2),
            max_backoff: Duration::from_secs(1),
            transfer_patience: Duration::from_mins(2),
            user_agent: concat!("lectern-client/", env!("CARGO_PKG_VERSION")).into(),
        }
    }

    /// The same, signed in.
    #[must_use]
    pub fn with_token(mut self, token: Option<Secret>) -> Self {
        self.token = token;
        self
    }
}
