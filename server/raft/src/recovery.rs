//! Getting over a lost majority: one stopped node becomes the whole cluster, under a new epoch.
//!
//! Where a majority of the voters is gone for good, nothing can be committed any more, and no node may decide by itself that the
//! others will not come back. A person may. What is then lost cannot be known from what is left: entries that the lost majority
//! held and the survivors do not. It is least at the survivor whose log ends last (the higher term first, then the higher
//! index): it holds everything acknowledged that any survivor holds. So *one* node is recovered, the others join it empty;
//! [`prospect`] tells which one.
//!
//! The steps, each of which may be interrupted and repeated:
//!
//! 1. [`recover`] rewrites the log's disk in one synced batch: the new epoch, which every handshake of the old one is refused
//!    with; all other nodes as removed; changes of the configuration that were not applied yet as empty entries, since they would
//!    bring lost nodes back. From here on the node does not start.
//! 2. The caller writes [`Recovery::conf_state`] to the state machine's disk, beside an unchanged `applied`, with
//!    [`crate::membership::Roster::recovered`] called for it, and syncs.
//! 3. [`finish_recovery`] lets the node start. It elects itself and commits what its log holds.

use std::collections::BTreeSet;

use raft::eraftpb::{ConfState, Entry, EntryType};

use crate::{
    Applied, Batch, Disk, Identity, NodeId, OpenError,
    format::{self, entry_key},
    founding_state, load_identity,
    log::{Log, SCAN_BYTES},
    members,
    replica::voters,
};

/// What recovering this node would mean, to be compared with the other survivors and shown to the person who decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prospect {
    /// Whose disk it is.
    pub identity: Identity,
    /// Term and index of the last entry. The survivor with the greatest is to be recovered.
    pub last: (u64, u64),
    /// The last entry known to be committed.
    pub commit: u64,
    /// The last entry the state machine has applied durably.
    pub applied: u64,
    /// The voters of the configuration there.
    pub voters: Vec<NodeId>,
    /// Every other node, which is given up.
    pub given_up: Vec<NodeId>,
}

/// What [`recover`] has decided.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// Who this node is from now on: the same, in the new epoch.
    pub identity: Identity,
    /// The configuration to be stored beside `applied`: this node alone.
    pub conf_state: ConfState,
}

impl Prospect {
    /// What is lost and what becomes of the others, for the person who decides.
    #[must_use]
    pub fn warning(&self) -> String {
        let Self { identity, last: (term, index), commit, applied, .. } = self;
        let node = identity.node;
        let list = |nodes: &[NodeId]| nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!(
            "Recover node {node} only if a majority of the voters ({}) is lost for good.\n\
             \n\
             \x20 its log ends at   term {term}, entry {index}\n\
             \x20 committed         up to entry {commit}, as far as it knows\n\
             \x20 applied           up to entry {applied}\n\
             \n\
             Everything in this log is kept, also what was never confirmed to anyone.\n\
             What was confirmed after entry {commit} and is not in this log is lost.\n\
             The others ({}) are given up: start none of them again before its data directory\n\
             is empty, and let each join anew.\n\
             \n\
             Look at the other survivors first, and recover the one whose log ends at the highest term,\n\
             then the highest entry.\n",
            list(&self.voters),
            list(&self.given_up)
        )
    }
}

/// Looks at a stopped node's disk and changes nothing. `applied` is what its state machine has durably applied.
pub fn prospect<D: Disk>(disk: &D, applied: &Applied) -> Result<Prospect, OpenError> {
    let identity = load_identity(disk)?.ok_or(OpenError::NotFounded)?;
    refuse_unfinished(disk)?;
    let node = identity.node;
    let refuse = |why: &str| Err(OpenError::BadRecovery { node, why: why.to_owned() });
    let log = Log::open(disk, &identity, applied, 0, 0)?;
    let known = members(&applied.conf_state);
    if known.is_empty() {
        return refuse("it has never heard of a configuration, and holds nothing: recover another node");
    }
    if !known.contains(&node) {
        return refuse("it was removed from the cluster: recover a member");
    }
    if voters(&applied.conf_state) == [node] {
        return refuse("it is the only voter: start it, it needs nobody else");
    }
    let founders = founding_state(disk)?.conf_state.voters;
    let given_up: BTreeSet<NodeId> = known.into_iter().chain(founders).filter(|other| *other != node).collect();
    Ok(Prospect {
        last: (log.spans.last_term(), log.spans.last()),
        commit: log.hard_state.commit,
        applied: applied.index,
        voters: voters(&applied.conf_state),
        given_up: given_up.into_iter().collect(),
        identity,
    })
}

/// Step 1: see the module's text. `epoch` is above the present one; take one that two people cannot both take, such as the time
/// in seconds, so that two nodes recovered by mistake refuse each other. Repeated after an interruption, it answers as before.
pub fn recover<D: Disk>(disk: &D, applied: &Applied, epoch: u64) -> Result<Recovery, OpenError> {
    let identity = load_identity(disk)?.ok_or(OpenError::NotFounded)?;
    if let Some(value) = disk.get(format::RECOVERED)? {
        return Ok(Recovery { identity, conf_state: format::decode_conf_state(&value)? });
    }
    let Prospect { given_up, .. } = prospect(disk, applied)?;
    if epoch <= identity.epoch {
        let why = format!("epoch {epoch} is not above its present epoch {}: give a higher one", identity.epoch);
        return Err(OpenError::BadRecovery { node: identity.node, why });
    }
    let identity = Identity { epoch, ..identity };
    let conf_state = ConfState { voters: vec![identity.node], ..ConfState::default() };
    let mut batch = Batch::default();
    batch.put(format::RECOVERED, format::encode_conf_state(&conf_state));
    batch.put(format::IDENTITY, format::encode_identity(&identity));
    for node in given_up {
        batch.put(format::removed_key(node), format::encode_text(""));
    }
    empty_configurations(disk, applied.index + 1, &mut batch)?;
    disk.write(&batch)?;
    disk.sync()?;
    Ok(Recovery { identity, conf_state })
}

/// Step 3: the state machine's disk holds the new configuration, synced. The node may start.
pub fn finish_recovery<D: Disk>(disk: &D) -> Result<(), OpenError> {
    let mut batch = Batch::default();
    batch.delete_range(format::RECOVERED, [format::RECOVERED, &[0]].concat());
    disk.write(&batch)?;
    disk.sync()?;
    Ok(())
}

/// A recovery between its steps would let the node start with half of it.
pub(crate) fn refuse_unfinished<D: Disk>(disk: &D) -> Result<(), OpenError> {
    let unfinished = disk.get(format::RECOVERED)?.is_some();
    let identity = load_identity(disk)?.filter(|_| unfinished);
    identity.map_or(Ok(()), |identity| Err(OpenError::RecoveryUnfinished(identity.node)))
}

/// Makes the changes of the configuration from entry `next` on empty: they were decided by a majority that is gone.
fn empty_configurations<D: Disk>(disk: &D, mut next: u64, batch: &mut Batch) -> Result<(), OpenError> {
    loop {
        let chunk = disk.scan(&entry_key(next), format::ENTRIES_END, SCAN_BYTES)?;
        if chunk.is_empty() {
            return Ok(());
        }
        for (key, value) in chunk {
            let Entry { index, term, entry_type, .. } = format::decode_entry(&key, &value)?;
            if entry_type != EntryType::EntryNormal as i32 {
                batch.put(key, format::encode_entry(&Entry { index, term, ..Entry::default() }));
            }
            next = index + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effect, Hello, Input, Replica, found, log::load_peers, read_entries, sim::SimDisk};

    fn identity(node: NodeId) -> Identity {
        Hello { cluster_id: "c".into(), epoch: 1, node, incarnation: "i".into() }
    }

    /// A founding node of three, with two commands and a change of the configuration after entry 1.
    fn survivor() -> (SimDisk, Applied) {
        let disk = SimDisk::new();
        found(&disk, &identity(2), &[1, 2, 3]).unwrap();
        let applied = founding_state(&disk).unwrap();
        let mut log = Log::open(disk.clone(), &identity(2), &applied, 0, 0).unwrap();
        let command = |index, data: &str| Entry { index, term: 1, data: data.into(), ..Entry::default() };
        // Node 9 would vote, and nothing could be committed without it.
        let joins = crate::membership::Change::Promote { nodes: vec![9] }.entry().unwrap();
        let mut change = Entry { data: crate::codec::encode(&joins), ..command(3, "") };
        change.set_entry_type(EntryType::EntryConfChangeV2);
        let (_, batch) = log.append(1, &[command(2, "a"), change, command(4, "b")], None);
        disk.write(&batch).unwrap();
        disk.sync().unwrap();
        (disk, applied)
    }

    fn open(disk: &SimDisk, applied: Applied) -> Result<(Replica<SimDisk>, Vec<Effect>), OpenError> {
        let identity = load_identity(disk)?.ok_or(OpenError::NotFounded)?;
        let logger = slog::Logger::root(slog::Discard, slog::o!());
        Replica::open(crate::Config::new(identity), disk.clone(), applied, 1, &logger, 0)
    }

    #[test]
    fn a_survivor_alone_becomes_the_cluster_and_keeps_what_its_log_holds() {
        let (disk, mut applied) = survivor();
        let prospect = prospect(&disk, &applied).unwrap();
        assert_eq!((prospect.last, prospect.applied, &prospect.given_up[..]), ((1, 4), 1, &[1, 3][..]));
        assert!(prospect.warning().contains("What was confirmed after entry 1 and is not in this log is lost"));
        let recovery = recover(&disk, &applied, 7).unwrap();
        assert_eq!(recovery.identity, Hello { epoch: 7, ..identity(2) });
        applied.conf_state = recovery.conf_state;
        finish_recovery(&disk).unwrap();
        let (mut replica, mut effects) = open(&disk, applied).unwrap();
        let mut commands = Vec::new();
        for _ in 0..10 {
            let mut inputs = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Persist(persist) => {
                        disk.write(&persist.batch).unwrap();
                        inputs.push(Input::Persisted(persist.number));
                    }
                    Effect::Apply(entries) => commands.extend(entries.into_iter().map(|entry| entry.kind)),
                    _ => {}
                }
            }
            effects = replica.step(inputs, 0);
        }
        let texts: Vec<String> = commands.iter().map(|kind| format!("{kind:?}")).collect();
        assert_eq!(
            texts,
            ["Command([97])", "Empty", "Command([98])", "Empty"],
            "the change of the configuration is empty"
        );
        assert!(replica.status().ready);
        assert_eq!(load_peers(&disk, 2).unwrap().removed, [1, 3].into());
    }

    #[test]
    fn a_node_that_was_left_behind_stops_when_it_hears_of_the_recovery() {
        let stops = |hello: Hello| {
            let (disk, applied) = survivor();
            let (mut replica, _) = open(&disk, applied).unwrap();
            let greeting = crate::Greeting { hello, configured_at: 1, member: true, durable: 1, welcomed: false };
            let effects = replica.step([Input::Hello { connection: 1, greeting }], 0);
            effects.into_iter().find_map(|effect| match effect {
                Effect::Stop(reason) => Some(reason),
                _ => None,
            })
        };
        let later = Hello { epoch: 7, incarnation: "j".into(), ..identity(1) };
        let reason = stops(later.clone()).expect("it stops");
        assert!(
            reason.contains("recovered without this node") && reason.contains("Empty the data directory"),
            "{reason}"
        );
        assert_eq!(stops(Hello { node: 9, ..later.clone() }), None, "node 9 is nobody that it knows");
        assert_eq!(stops(Hello { cluster_id: "d".into(), ..later.clone() }), None, "of another cluster");
        assert_eq!(stops(Hello { epoch: 1, ..later }), None, "of its own time");
    }

    #[test]
    fn an_interrupted_recovery_keeps_the_node_from_starting_and_is_repeated() {
        let (disk, applied) = survivor();
        let first = recover(&disk, &applied, 7).unwrap();
        let refused = |applied| open(&disk, applied).map(|_| ()).unwrap_err();
        assert_eq!(refused(applied.clone()), OpenError::RecoveryUnfinished(2));
        assert_eq!(super::prospect(&disk, &applied), Err(OpenError::RecoveryUnfinished(2)));
        let alone = Applied { conf_state: first.conf_state.clone(), ..applied };
        assert_eq!(refused(alone.clone()), OpenError::RecoveryUnfinished(2));
        assert_eq!(recover(&disk, &alone, 9).unwrap(), first, "with the epoch it began with");
        finish_recovery(&disk).unwrap();
        finish_recovery(&disk).unwrap();
        assert!(open(&disk, alone).is_ok());
    }

    #[test]
    fn nonsense_is_refused_and_changes_nothing() {
        let (disk, applied) = survivor();
        let why = |result: Result<Recovery, OpenError>| result.unwrap_err().to_string();
        assert!(why(recover(&disk, &applied, 1)).contains("not above its present epoch 1"));
        let elsewhere = |voters: &[NodeId]| Applied {
            conf_state: ConfState { voters: voters.to_vec(), ..ConfState::default() },
            ..applied.clone()
        };
        assert!(why(recover(&disk, &elsewhere(&[1, 3]), 2)).contains("removed"));
        assert!(why(recover(&disk, &elsewhere(&[2]), 2)).contains("only voter"));
        assert!(why(recover(&disk, &Applied { index: 9, ..applied.clone() }, 2)).contains("does not hold"));
        let joiner = SimDisk::new();
        found(&joiner, &identity(4), &[]).unwrap();
        assert!(why(recover(&joiner, &Applied::default(), 2)).contains("holds nothing"));
        assert_eq!(recover(&SimDisk::new(), &applied, 2), Err(OpenError::NotFounded));
        assert_eq!(load_identity(&disk), Ok(Some(identity(2))));
        let kept = read_entries(&disk, 3, 4).unwrap();
        assert_eq!(kept[0].get_entry_type(), EntryType::EntryConfChangeV2);
    }
}
