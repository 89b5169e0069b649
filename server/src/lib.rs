//! One node of a Lectern cluster: RocksDB stores, threads around the replica, the transport between nodes, and the gRPC
//! services.
//!
//! `main.rs` reads the configuration and starts things; [`node`] runs the replica and is what the services stand on;
//! [`store`] keeps the log and the state; [`peer`] carries what nodes say to each other; [`tls`] and
//! `listener` decide with whom connections are made at all; [`backup`] makes backups and clusters from them, and `inspect` shows what a
//! stopped node holds.

pub mod backup;
pub mod belonging;
mod certs;
pub mod cli;
pub mod config;
mod descriptors;
pub mod fatal;
mod faults;
pub mod init;
mod inspect;
pub mod join;
pub mod join_token;
mod listener;
pub mod logging;
pub mod metrics;
pub mod node;
pub mod peer;
pub mod recover;
pub mod services;
pub mod store;
mod throttle;
pub mod tls;
pub mod wall_clock;
