//! Looking at a stopped node's log without changing it: for inspection, and for a backup that wants to know how far the log is.

use std::collections::{BTreeMap, BTreeSet};

use raft::eraftpb::{ConfChangeV2, ConfState, Entry, EntryType, HardState};

use crate::{
    Disk, Identity, NodeId, OpenError, codec, format,
    format::entry_key,
    load_identity,
    log::{load_peers, state_directory},
};

/// What a log's disk holds beside its entries.
#[derive(Clone, Debug, PartialEq)]
pub struct LogView {
    /// Whose log it is.
    pub identity: Identity,
    /// Term, vote and commit.
    pub hard_state: HardState,
    /// Index and term of the last entry that was given up.
    pub truncated: (u64, u64),
    /// Index of the last entry.
    pub last: u64,
    /// The configuration the cluster was founded with, at a founding node.
    pub founding: Option<ConfState>,
    /// The state directory that an installed snapshot brought; `None` while it is the original one.
    pub state_directory: Option<String>,
    /// A recovery was interrupted between its steps: the node does not start.
    pub recovery_unfinished: bool,
    /// The first incarnation seen of each peer.
    pub incarnations: BTreeMap<NodeId, String>,
    /// Nodes that were removed for good.
    pub removed: BTreeSet<NodeId>,
    /// Founding nodes that have not accepted this one yet.
    pub unmet: BTreeSet<NodeId>,
}

/// Looks at a disk and changes nothing. What cannot be read is an error that names the record.
pub fn look<D: Disk>(disk: &D) -> Result<LogView, OpenError> {
    let identity = load_identity(disk)?.ok_or(OpenError::NotFounded)?;
    let required = |key: &[u8], record: &str| disk.get(key)?.ok_or_else(|| OpenError::corrupt(record, "it is missing"));
    let [index, term] = format::decode_numbers("truncated", &required(format::TRUNCATED, "truncated")?)?;
    let [last] = format::decode_numbers("last", &required(format::LAST, "last")?)?;
    let hard_state = disk.get(format::HARD_STATE)?.map(|value| format::decode_hard_state(&value)).transpose()?;
    let founding = disk.get(format::FOUNDING)?.map(|value| format::decode_conf_state(&value)).transpose()?;
    let peers = load_peers(disk, identity.node)?;
    Ok(LogView {
        hard_state: hard_state.unwrap_or_default(),
        truncated: (index, term),
        last,
        founding,
        state_directory: state_directory(disk)?,
        recovery_unfinished: disk.get(format::RECOVERED)?.is_some(),
        incarnations: peers.incarnations,
        removed: peers.removed,
        unmet: peers.unmet,
        identity,
    })
}

/// An entry's index, and the entry or what is wrong with it.
pub type LookedAt = (u64, Result<Entry, OpenError>);

/// Entries from index `from` on with their indexes, up to about `max_bytes` and at least one where there is one. One that is
/// damaged does not hide the others.
pub fn look_at_entries<D: Disk>(disk: &D, from: u64, max_bytes: u64) -> Result<Vec<LookedAt>, OpenError> {
    let rows = disk.scan(&entry_key(from), format::ENTRIES_END, max_bytes)?;
    let numbered = |(key, value): (Vec<u8>, Vec<u8>)| {
        let index = format::number_of(&key).ok_or_else(|| OpenError::corrupt("entry", "its key is not an index"))?;
        Ok((index, format::decode_entry(&key, &value)))
    };
    rows.into_iter().map(numbered).collect()
}

/// The change of the configuration in an entry of that type; `None` where it is none.
pub fn configuration_change(entry: &Entry) -> Option<ConfChangeV2> {
    (entry.get_entry_type() == EntryType::EntryConfChangeV2).then(|| codec::decode(&entry.data))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Applied, Batch, Hello, found, founding_state, log::Log, sim::SimDisk};

    fn founded() -> SimDisk {
        let identity = Hello { cluster_id: "c".into(), epoch: 1, node: 2, incarnation: "i".into() };
        let disk = SimDisk::new();
        found(&disk, &identity, &[1, 2, 3]).unwrap();
        let applied: Applied = founding_state(&disk).unwrap();
        let mut log = Log::open(disk.clone(), &identity, &applied, 0, 0).unwrap();
        let entry = |index| Entry { index, term: 1, data: vec![7; 100], ..Entry::default() };
        let (_, batch) = log.append(1, &[entry(2), entry(3), entry(4)], None);
        disk.write(&batch).unwrap();
        disk.sync().unwrap();
        disk
    }

    #[test]
    fn a_log_is_seen_as_it_is() {
        let disk = founded();
        let view = look(&disk).unwrap();
        assert_eq!((view.identity.node, view.truncated, view.last), (2, (1, 1), 4));
        assert_eq!(view.founding.unwrap().voters, [1, 2, 3]);
        assert_eq!(view.unmet, [1, 3].into());
        assert_eq!(view.hard_state.commit, 1);
        assert!(!view.recovery_unfinished && view.state_directory.is_none());
        assert_eq!(look(&SimDisk::new()), Err(OpenError::NotFounded));
    }

    #[test]
    fn a_change_of_the_configuration_is_told_from_a_command() {
        let change = crate::membership::Change::Promote { nodes: vec![9] }.entry().unwrap();
        let mut entry = Entry { index: 5, term: 1, data: codec::encode(&change), ..Entry::default() };
        assert!(configuration_change(&entry).is_none());
        entry.set_entry_type(EntryType::EntryConfChangeV2);
        assert_eq!(configuration_change(&entry).unwrap().changes[0].node_id, 9);
    }

    #[test]
    fn entries_come_in_pieces_and_a_damaged_one_does_not_hide_the_others() {
        let disk = founded();
        let mut batch = Batch::default();
        batch.put(entry_key(3), b"nonsense".to_vec());
        disk.write(&batch).unwrap();
        let all = look_at_entries(&disk, 1, u64::MAX).unwrap();
        assert_eq!(
            all.iter().map(|(index, entry)| (*index, entry.is_ok())).collect::<Vec<_>>(),
            [(2, true), (3, false), (4, true)]
        );
        let first = look_at_entries(&disk, 2, 1).unwrap();
        assert_eq!((first.len(), first[0].0), (1, 2));
        assert!(look_at_entries(&disk, 5, 1).unwrap().is_empty());
    }
}
