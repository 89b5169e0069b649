//! A stopped node's directory, for looking at.

use std::path::Path;

use lectern_raft::{LogView, OpenError};

use super::{Caches, DataDir, DiskProblem, INITIAL_STATE, LogDb, StateDb};

/// Memory for looking at a node: it serves nobody.
const CACHE_BYTES: usize = 32 << 20;

/// A stopped node. It cannot be started while this lives, and nothing in its directory is written.
pub struct StoppedNode {
    /// The directory.
    pub data: DataDir,
    /// Its log.
    pub log: LogDb,
    /// What the log says beside its entries.
    pub view: LogView,
    caches: Caches,
}

impl StoppedNode {
    /// Takes hold of the directory. A running node is refused.
    pub fn open(root: &Path) -> Result<Self, DiskProblem> {
        let data = DataDir::hold(root)?.ok_or(OpenError::NotFounded)?;
        if !data.log().is_dir() {
            return Err(OpenError::NotFounded.into());
        }
        let caches = Caches::new(CACHE_BYTES, CACHE_BYTES);
        let log = LogDb::open_read_only(&data.log(), &caches)?;
        let view = lectern_raft::look(&log)?;
        Ok(Self { data, log, view, caches })
    }

    /// Its state; `None` where the node was founded and never started.
    pub fn state(&self) -> Result<Option<StateDb>, DiskProblem> {
        let name = self.view.state_directory.as_deref().unwrap_or(INITIAL_STATE);
        let path = self.data.state(name);
        if !path.join("CURRENT").is_file() {
            return Ok(None);
        }
        Ok(Some(StateDb::open_read_only(&path, &self.caches)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::PathBuf;
    use std::time::SystemTime;

    use super::*;
    use crate::init::{self, Genesis};
    use crate::store::{AppliedMeta, DataDirError, StateWrite};

    fn founded(dir: &Path) {
        let member = init::parse_member("1=127.0.5.1:7601,127.0.5.1:7600").unwrap();
        init::found_node(&Genesis::new(vec![member], "root").unwrap().0, 1, dir).unwrap();
    }

    fn files(dir: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::metadata(&path).unwrap();
            if meta.is_dir() {
                found.extend(files(&path));
            } else {
                found.insert(path, (meta.len(), meta.modified().unwrap()));
            }
        }
        found
    }

    #[test]
    fn looking_at_a_stopped_node_changes_no_file_and_keeps_it_from_starting() {
        let temp = tempfile::tempdir().unwrap();
        founded(temp.path());
        let meta = AppliedMeta { index: 5, term: 2, ..AppliedMeta::default() };
        let data = DataDir::lock(temp.path()).unwrap();
        let state = StateDb::open(&data.state(INITIAL_STATE), &Caches::new(8 << 20, 8 << 20)).unwrap();
        state.write(&StateWrite { changes: Vec::new(), meta: meta.clone(), members: None }).unwrap();
        assert!(matches!(StoppedNode::open(temp.path()), Err(DiskProblem::DataDir(DataDirError::Locked(_)))));
        drop((state, data));
        let before = files(temp.path());
        let node = StoppedNode::open(temp.path()).unwrap();
        assert_eq!((node.view.identity.node, node.view.last), (1, 1));
        assert_eq!(node.state().unwrap().unwrap().meta().unwrap(), meta);
        assert!(matches!(DataDir::lock(temp.path()), Err(DataDirError::Locked(_))));
        drop(node);
        assert_eq!(files(temp.path()), before);
    }

    #[test]
    fn where_no_node_was_founded_there_is_nothing_to_look_at() {
        let temp = tempfile::tempdir().unwrap();
        let refused = |path: &Path| matches!(StoppedNode::open(path), Err(DiskProblem::Log(OpenError::NotFounded)));
        assert!(refused(temp.path()));
        assert!(refused(&temp.path().join("nowhere")));
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
        founded(temp.path());
        assert!(StoppedNode::open(temp.path()).unwrap().state().unwrap().is_none(), "it never started");
    }
}
