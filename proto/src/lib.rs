//! The messages of Lectern's contract: `lectern.v1` is public, `lectern.internal.v1` holds the replicated log's
//! commands, the values of the state tables and what nodes say to each other. Messages only: the gRPC stubs are in
//! `lectern-rpc`.

/// The public contract.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/lectern.v1.rs"));
}

/// Inside the cluster.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod internal {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/lectern.internal.v1.rs"));
    }
}

/// The encoded `FileDescriptorSet` of the public package, for server reflection.
pub const V1_DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lectern_v1_descriptors.bin"));

/// The encoded `FileDescriptorSet` of both packages, for showing messages. Fields that hold a secret, or the hash of one, are
/// marked `debug_redact` there.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/lectern_descriptors.bin"));

/// Size in bytes of every chunk of a file but its last.
pub const CHUNK_BYTES: usize = 256 * 1024;

/// Ten-thousandths of a point: the unit of every score.
pub const POINT: i64 = 10_000;

/// The largest single file, in bytes.
pub const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;

/// The largest request, in bytes: what is longer goes through an upload.
pub const MAX_REQUEST_BYTES: usize = 4 * 1024 * 1024;
