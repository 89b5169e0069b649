//! The public gRPC services of one node.
//!
//! ```text
//! connection ─► measure (metrics, room) ─► one service trait for each proto service, all on [`Door`]
//!                                             │ write: write.rs        here when this node leads, else forward.rs, once
//!                                             │ read: read.rs          linearizable, on any node
//!                                             │ streams: stream.rs     download, export, watch, status
//!                                             ▼
//!                                          Node
//! ```
//!
//! Invariants:
//! * Every unary write takes the path of `write.rs`, so keys, forwarding and refusals are the same for all of them.
//! * No secret goes further than this module: the log sees hashes, and `tracing` sees neither requests nor metadata.
//! * Permission is judged by the domain, on the snapshot an answer comes from or in apply; never here.
//! * Whatever waits is bounded, and what does not fit is refused at once with BUSY.

mod accounts;
mod announcements;
mod assignments;
mod audit;
mod auth;
mod authenticator;
mod check;
mod client_address;
mod cluster;
mod courses;
mod errors;
mod files;
mod forward;
mod gate;
mod grades;
mod grading;
mod guessing;
mod health;
mod home;
mod materials;
mod measure;
mod membership;
mod metadata;
mod operator;
mod pages;
mod passwords;
mod read;
mod receipts;
pub mod secrets;
mod serve;
mod shares;
mod stream;
mod submissions;
mod threads;
mod touch;
mod tutors;
mod watch;
mod write;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use lectern_proto::MAX_REQUEST_BYTES;
use lectern_rpc::proof::Prover;
use tokio::sync::watch::Receiver;

use crate::node::Node;
use authenticator::{Authenticator, ByPassword};
use client_address::ForwardingKey;
pub(crate) use errors::reasons;
use forward::Forwarder;
use gate::Gate;
use guessing::Guessing;
use pages::Pages;
use passwords::Passwords;
pub use serve::{ServeError, ServeOptions, serve};
use shares::Shares;
use touch::Touches;

/// Chunks proposed at once: 2 MiB, so that small commands are not queued behind files.
const CHUNKS_AT_ONCE: usize = 8;
const CHUNKS_QUEUED: usize = 256;
/// Downloads and exports at once.
const DOWNLOADS_AT_ONCE: usize = 64;
const DOWNLOADS_QUEUED: usize = 256;
/// Of one account: under way, and in the queue.
const DOWNLOADS_PER_ACCOUNT: usize = 8;
/// Watchers; they do not queue.
const WATCHERS: usize = 4_096;
/// Of one account.
const WATCHERS_PER_ACCOUNT: usize = 32;

/// Watchers of the cluster's own state, who need no sign-in: apart, so that they take nobody's place.
const ONLOOKERS: usize = 64;

/// What all services stand on. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Door(Arc<Inner>);

/// The inside of a [`Door`].
pub(crate) struct Inner {
    node: Node,
    forwarder: Forwarder,
    forwarding_key: ForwardingKey,
    operators: Prover,
    authenticator: Box<dyn Authenticator>,
    passwords: Passwords,
    guessing: Mutex<Guessing>,
    touches: Touches,
    pages: Pages,
    chunks: Gate,
    downloads: Gate,
    own_downloads: Shares,
    watchers: Gate,
    own_watchers: Shares,
    onlookers: Gate,
    stopping: Receiver<bool>,
}

impl Deref for Door {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Door {
    fn new(node: Node, extracts: PathBuf, stopping: Receiver<bool>) -> Result<Self, ServeError> {
        let passwords = Passwords::new()?;
        let authenticator = Box::new(ByPassword { node: node.clone(), passwords: passwords.clone() });
        let forwarding_key = ForwardingKey::new(node.keys().forwarding_key());
        Ok(Self(Arc::new(Inner {
            forwarding_key,
            operators: node.keys().operators(),
            forwarder: Forwarder::new(node.tls().cloned()),
            node,
            authenticator,
            passwords,
            guessing: Mutex::default(),
            touches: Touches::default(),
            pages: Pages::new(extracts)?,
            chunks: Gate::new("uploads", CHUNKS_AT_ONCE, CHUNKS_QUEUED),
            downloads: Gate::new("downloads", DOWNLOADS_AT_ONCE, DOWNLOADS_QUEUED),
            own_downloads: Shares::new("downloads", DOWNLOADS_PER_ACCOUNT),
            watchers: Gate::new("watchers", WATCHERS, 0),
            own_watchers: Shares::new("watchers", WATCHERS_PER_ACCOUNT),
            onlookers: Gate::new("onlookers of the cluster", ONLOOKERS, 0),
            stopping,
        })))
    }

    /// Turns true when the node stops: streams end then.
    fn stopping(&self) -> Receiver<bool> {
        self.stopping.clone()
    }
}

/// Implements a service for [`Door`]: reads by their query, writes by their command's body, and whatever is `custom`.
macro_rules! service {
    (
        $service:ident {
            $(read $read:ident($read_request:ident) = $query:path;)*
            $(write $write:ident($write_request:ident) = $body:ident $(, checked by $check:path)?;)*
        }
        custom { $($custom:tt)* }
    ) => {
        #[tonic::async_trait]
        impl $service for $crate::services::Door {
            $(async fn $read(
                &self,
                request: tonic::Request<lectern_proto::v1::$read_request>,
            ) -> Result<
                tonic::Response<<lectern_proto::v1::$read_request as lectern_rpc::Call>::Response>,
                tonic::Status,
            > {
                self.read(request, $query).await
            })*
            $(async fn $write(
                &self,
                request: tonic::Request<lectern_proto::v1::$write_request>,
            ) -> Result<
                tonic::Response<<lectern_proto::v1::$write_request as lectern_rpc::Call>::Response>,
                tonic::Status,
            > {
                use lectern_proto::internal::v1::command::Body;
                self.write(request, $crate::services::check_or_none!($($check)?), Body::$body).await
            })*
            $($custom)*
        }
    };
}
macro_rules! check_or_none {
    () => {
        None
    };
    ($check:path) => {
        Some($check)
    };
}
use {check_or_none, service};
