//! Getting over a lost majority, on a stopped node: see `lectern_raft::recover` for what it means and why it is one node.
//!
//! Log and state are two databases; a mark in the log keeps the node from starting between them, and running this again finishes
//! it.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use lectern_lms::lookup;
use lectern_raft::{
    Applied, Identity, OpenError, Prospect, decode_conf_state, encode_conf_state, finish_recovery, prospect, recover,
};

use crate::node::{Members, Moment, open_state};
use crate::store::{AppliedMeta, Caches, DiskProblem, NodeDisk, StateDb, StateWrite, StoreProblem};

/// A stopped node whose recovery is looked at.
pub struct Survivor {
    disk: NodeDisk,
    identity: Identity,
    state: StateDb,
    meta: AppliedMeta,
    members: Members,
}

/// The node cannot be recovered: why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The node's disk.
    #[error(transparent)]
    Disk(#[from] DiskProblem),
    /// A database.
    #[error(transparent)]
    Store(#[from] StoreProblem),
    /// The log, or what is wrong with the idea.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The tables.
    #[error(transparent)]
    Tables(#[from] lectern_lms::StoreError),
}

impl Survivor {
    /// Takes hold of a stopped node's directory; one that runs has it locked.
    pub fn open(data_dir: &Path) -> Result<Self, RecoverError> {
        if !data_dir.join("log").is_dir() {
            return Err(OpenError::NotFounded.into());
        }
        let caches = Caches::new(32 << 20, 32 << 20);
        let disk = NodeDisk::open(data_dir, &caches)?;
        let identity = disk.identity.clone().ok_or(OpenError::NotFounded)?;
        let (state, meta, members) = open_state(&disk.data, &disk.log, &caches)?;
        state.sync()?;
        Ok(Self { disk, identity, state, meta, members })
    }

    /// Whose directory it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What recovering it would mean; nothing where a recovery was begun and is to be finished.
    pub fn prospect(&self) -> Result<Option<Prospect>, RecoverError> {
        match prospect(&self.disk.log, &self.applied()?) {
            Ok(prospect) => Ok(Some(prospect)),
            Err(OpenError::RecoveryUnfinished(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes this node the cluster; who it is from now on.
    pub fn recover(mut self) -> Result<Identity, RecoverError> {
        let recovery = recover(&self.disk.log, &self.applied()?, epoch(self.identity.epoch))?;
        let alone = encode_conf_state(&recovery.conf_state);
        if self.meta.conf_state != alone {
            let now_ms = lookup::cluster(&self.state.newest())?.now_ms;
            self.members.recovered(Moment { index: self.meta.index, now_ms }, &recovery.conf_state);
            self.meta.conf_state = alone;
            let members = Some(self.members.encode());
            self.state.write(&StateWrite { changes: Vec::new(), meta: self.meta.clone(), members })?;
        }
        self.state.sync()?;
        finish_recovery(&self.disk.log)?;
        Ok(recovery.identity)
    }

    fn applied(&self) -> Result<Applied, RecoverError> {
        let path = || self.state.path().display().to_string();
        let conf_state = decode_conf_state(&self.meta.conf_state)
            .ok_or_else(|| StoreProblem::Damaged { what: "the configuration", path: path() })?;
        Ok(Applied { index: self.meta.index, term: self.meta.term, conf_state })
    }
}

/// Above the present one, and not one that two people choose.
fn epoch(present: u64) -> u64 {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    seconds.max(present + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::{Genesis, found_node, parse_member};

    fn founded(members: u64) -> tempfile::TempDir {
        let temp = tempfile::tempdir().unwrap();
        let members = (1..=members).map(|n| parse_member(&format!("{n}=127.0.5.{n}:1,127.0.5.{n}:2")).unwrap());
        let (genesis, _) = Genesis::new(members.collect(), "root").unwrap();
        found_node(&genesis, 2.min(genesis.members.len() as u64), temp.path()).unwrap();
        temp
    }

    #[test]
    fn a_survivor_becomes_the_cluster_and_the_others_are_gone() {
        let temp = founded(3);
        let survivor = Survivor::open(temp.path()).unwrap();
        assert!(Survivor::open(temp.path()).is_err(), "it is taken");
        let before = survivor.identity().clone();
        let warning = survivor.prospect().unwrap().unwrap().warning();
        assert!(
            warning.contains("Recover node 2 only if") && warning.contains("The others (1, 3) are given up"),
            "{warning}"
        );
        let after = survivor.recover().unwrap();
        assert!(after.epoch > 1_700_000_000 && after.node == 2 && after.incarnation == before.incarnation);
        let again = Survivor::open(temp.path()).unwrap();
        assert_eq!(again.identity(), &after);
        assert_eq!(again.members.present().into_keys().collect::<Vec<_>>(), [2]);
        assert!(again.prospect().unwrap_err().to_string().contains("only voter"));
    }

    #[test]
    fn an_interrupted_recovery_is_finished_by_running_it_again() {
        let temp = founded(3);
        let survivor = Survivor::open(temp.path()).unwrap();
        // The log says so, and the state does not yet.
        let first = recover(&survivor.disk.log, &survivor.applied().unwrap(), 77).unwrap();
        drop(survivor);
        let again = Survivor::open(temp.path()).unwrap();
        assert_eq!(again.prospect().unwrap(), None);
        assert_eq!(again.recover().unwrap(), first.identity);
        let done = Survivor::open(temp.path()).unwrap();
        assert_eq!(decode_conf_state(&done.meta.conf_state).unwrap().voters, [2]);
        assert!(done.prospect().unwrap_err().to_string().contains("only voter"));
    }

    #[test]
    fn an_empty_directory_and_a_cluster_of_one_are_refused() {
        let temp = tempfile::tempdir().unwrap();
        assert!(Survivor::open(temp.path()).is_err());
        let alone = founded(1);
        let refused = Survivor::open(alone.path()).unwrap().recover().unwrap_err();
        assert!(refused.to_string().contains("only voter"), "{refused}");
    }
}
