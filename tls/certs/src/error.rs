//! Why a certificate was not made.

use std::io;
use std::path::PathBuf;

/// What happened, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum CertsError {
    /// A file is in the way.
    #[error("{} exists; give --renew to replace it (the old one is kept in old/), or another --dir", path.display())]
    Exists {
        /// Which.
        path: PathBuf,
    },
    /// There is nothing to renew.
    #[error("{} does not exist, so there is nothing to renew; make it without --renew", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds no authority that can be used.
    #[error("{} holds no authority that can be used: {problem}; make one with `certs ca`", dir.display())]
    NoAuthority {
        /// Which folder.
        dir: PathBuf,
        /// Why.
        problem: String,
    },
    /// The certificate cannot be made as asked for.
    #[error("{0}")]
    Request(String),
    /// The library refused.
    #[error("the certificate cannot be made: {0}")]
    Making(#[from] rcgen::Error),
}
