//! One node of a Lectern cluster: RocksDB stores, threads around the replica, the transport between nodes, and the gRPC
//! services.
//!
//! `main.rs` reads the configuration and starts things; [`node`] runs the replica and is what the services stand on;
//! [`store`] keeps the log and the state; [`peer`] carries what nodes say to each other; [`tls`] and
//! `listener` decide with whom connections are made at all.

mod certs;
pub mod cli;
pub mod config;
pub mod fatal;
pub mod init;
mod listener;
pub mod logging;
pub mod metrics;
pub mod node;
pub mod peer;
pub mod services;
pub mod store;
mod throttle;
pub mod tls;
pub mod wall_clock;
