//! Backups of a node's state, and clusters that begin from one.
//!
//! The state is a RocksDB directory in which every table and blob file is written once and never changed. So a backup is a
//! list of files with their digests, and an incremental backup is one most of whose files are there already.
//!
//! ```text
//! <repository>/repository.json      format, and the repository's key under the passphrase; written once
//! <repository>/lock                 held by who writes, shared by who reads
//! <repository>/objects/ab/abcd…     a file's content, sealed, under a name that says nothing about it
//! <repository>/backups/<id>         a manifest, sealed: which files, of which cluster, at which entry
//! <repository>/partial/             what is being written
//! ```
//!
//! * `keys.rs`: the passphrase opens the repository's key, from which the others are derived.
//! * `seal.rs`: one file, compressed where that helps, encrypted and authenticated in pieces.
//! * `repository.rs`: the directory above; `manifest.rs`: one backup; `prune.rs`: which of them to keep.
//! * `control.rs`, `serve.rs`: how a running node is asked for a checkpoint; `source.rs`: that, or a stopped node's directory.
//! * `create.rs`, `verify.rs`, `restore.rs`: what is done with it; `cli.rs`: the subcommands.
//!
//! Invariants:
//! * A manifest is written last, atomically, and only when everything it names is durable: there are no half backups. What an
//!   interrupted one leaves behind is used by the next one, or deleted by `prune`.
//! * Nothing in the repository is ever overwritten.
//! * A backup is one moment: the state after exactly the entry that it names, which is read from the checkpoint itself.
//! * Nothing that was read back is believed before its authentication and its digest are checked.
//! * The key, the passphrase and the cluster's secret are in no backup, message or log.

mod cli;
mod control;
mod create;
mod error;
mod keys;
mod manifest;
mod progress;
mod prune;
mod repository;
mod restore;
mod seal;
mod serve;
mod source;
mod verify;

pub(crate) use cli::{Backup, HELP, RESTORE_HELP, Restore};
pub use error::BackupError;
pub(crate) use serve::serve;
