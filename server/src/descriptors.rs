//! Open files: how many this process may have, and who gets them.
//!
//! Connections, tables and pipes all take from one allowance of the system. Were it used up by callers, the databases could
//! open no file, and a node whose disk is sound would stop. It is therefore divided once, at the start.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A node that may open fewer files is not started.
const FEWEST: u64 = 256;
/// Databases that may be open at once: the log, the state, and a state that is coming or going.
const DATABASES: u64 = 3;
/// A database gains nothing from more.
const MOST_PER_DATABASE: u64 = 512;
/// Connections of other nodes: each has two or three.
pub(crate) const PEER_CONNECTIONS: usize = 64;
/// Connections of whoever collects metrics.
pub(crate) const COLLECTOR_CONNECTIONS: usize = 8;
/// Refused callers that are told why, on one listener.
pub(crate) const TOLD: usize = 16;
/// Logs, listeners, calls to other nodes, pipes to helpers.
const REST: u64 = 40;
/// More clients need a word in the configuration, because of the memory they take.
const MOST_CLIENTS: u64 = 4_096;

/// Who gets how many open files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// What the system allows this process.
    pub(crate) allowed: u64,
    /// Files of each database.
    pub(crate) per_database: i32,
    /// Connections of clients, as long as nothing else is configured …
    pub(crate) clients: usize,
    /// … and at most.
    pub(crate) most_clients: usize,
}

impl Descriptors {
    /// Asks for as many as the system gives without special rights, and divides them.
    pub(crate) fn claim() -> Result<Self, String> {
        let before = getrlimit(Resource::Nofile);
        // Refused in some sandboxes: then what there is has to do.
        let _refused = setrlimit(Resource::Nofile, Rlimit { current: before.maximum, maximum: before.maximum });
        Self::divide(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX))
    }

    fn divide(allowed: u64) -> Result<Self, String> {
        if allowed < FEWEST {
            return Err(format!(
                "this process may open {allowed} files, and a node needs {FEWEST}: raise its limit (`ulimit -n`, or LimitNOFILE in a \
                 unit of systemd)"
            ));
        }
        let per_database = (allowed / 8).min(MOST_PER_DATABASE);
        let most_clients = allowed - DATABASES * per_database - others();
        let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Self {
            allowed,
            per_database: i32::try_from(per_database).expect("bounded above"),
            clients: count(most_clients.min(MOST_CLIENTS)),
            most_clients: count(most_clients),
        })
    }
}

/// What is neither a client's nor a database's.
fn others() -> u64 {
    (PEER_CONNECTIONS + COLLECTOR_CONNECTIONS + TOLD) as u64 + REST
}

/// What to do about an error that says that no more files can be opened, beginning with a space; `None` for others.
pub(crate) fn advice(error: &str) -> Option<&'static str> {
    if error.contains("Too many open files in system") {
        Some(" (the whole machine has as many files open as it may, which is not the disk's fault: raise fs.file-max)")
    } else if error.contains("Too many open files") {
        Some(
            " (this process has as many files open as it may, which is not the disk's fault: raise its limit with `ulimit -n` or \
             LimitNOFILE and start again)",
        )
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_may_have_leaves_enough_for_disk_and_peers() {
        for allowed in [FEWEST, 512, 1_024, 4_096, 1 << 20, u64::MAX] {
            let parts = Descriptors::divide(allowed).unwrap();
            let databases = DATABASES * u64::try_from(parts.per_database).unwrap();
            assert!(databases + parts.most_clients as u64 + others() <= allowed, "{parts:?}");
            assert!(parts.clients >= 32 && parts.clients <= parts.most_clients, "{parts:?}");
        }
        assert_eq!(Descriptors::divide(1_024).unwrap().clients, 512);
        assert!(Descriptors::divide(FEWEST - 1).unwrap_err().contains("ulimit -n"));
    }

    #[test]
    fn a_process_out_of_files_is_not_told_to_mend_its_disk() {
        assert!(advice("IO error: While open a file: Too many open files").unwrap().contains("ulimit -n"));
        assert!(advice("Too many open files in system (os error 23)").unwrap().contains("fs.file-max"));
        assert_eq!(advice("No space left on device"), None);
    }
}
