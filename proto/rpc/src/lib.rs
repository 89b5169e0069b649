//! The gRPC stubs over `lectern-proto`'s messages.

/// Clients and servers of the public services.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/lectern.v1.rs"));
}

/// Clients and servers between nodes.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod internal {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/lectern.internal.v1.rs"));
    }
}

pub mod methods;
pub mod proof;

pub use methods::{Call, Kind};
