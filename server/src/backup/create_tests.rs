use std::path::PathBuf;

use lectern_lms::lookup::CLUSTER_KEY;
use lectern_lms::{Change, Store, Table, encode};
use lectern_proto::internal::v1::{ClusterRecord, TokenRecord};
use lectern_raft::{Replica, decode_conf_state, encode_conf_state, eraftpb::ConfState};

use super::super::restore::{Choice, restore};
use super::super::verify::{Which, verify};
use super::*;
use crate::init::{self, Genesis};
use crate::store::{DataDir, INITIAL_STATE, LogDb, StateWrite, StoppedNode};

const PASSPHRASE: &[u8] = b"a passphrase for tests";
/// The newest, though nobody could confirm what a stopped node holds.
const ANY: Choice<'_> = Choice { backup: None, accept_loss: true };

/// A node that has applied something and was stopped, and a repository.
struct Stopped {
    temp: tempfile::TempDir,
    cluster_id: String,
}

fn caches() -> Caches {
    Caches::new(8 << 20, 8 << 20)
}

fn put(table: Table, key: &[u8], value: Vec<u8>) -> Change {
    Change { table, key: key.to_vec(), value: Some(value) }
}

impl Stopped {
    fn new(feature_level: u32) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let member = init::parse_member(init::DEFAULT_MEMBER).unwrap();
        let (genesis, _) = Genesis::new(vec![member], "root").unwrap();
        init::found_node(&genesis, 1, &temp.path().join("node")).unwrap();
        let stopped = Self { temp, cluster_id: genesis.cluster_id };
        Repository::init(&stopped.repository(), PASSPHRASE).unwrap();
        let now_ms = 1_790_000_000_000;
        let cluster = ClusterRecord { cluster_id: stopped.cluster_id.clone(), feature_level, now_ms, founded_at_ms: 1 };
        let token = TokenRecord { token_id: vec![7; 32], ..TokenRecord::default() };
        stopped.write(
            2,
            vec![
                put(Table::Cluster, CLUSTER_KEY, encode(&cluster)),
                put(Table::Tokens, &[7; 32], encode(&token)),
                put(Table::Chunks, b"first", vec![1; 200_000]),
            ],
        );
        stopped
    }

    fn node(&self) -> PathBuf {
        self.temp.path().join("node")
    }

    fn repository(&self) -> PathBuf {
        self.temp.path().join("repository")
    }

    /// The node runs for a moment and applies up to `index`.
    fn write(&self, index: u64, changes: Vec<Change>) {
        let data = DataDir::lock(&self.node()).unwrap();
        let state = StateDb::open(&data.state(INITIAL_STATE), &caches()).unwrap();
        let conf_state = encode_conf_state(&ConfState { voters: vec![1], ..ConfState::default() });
        let meta = AppliedMeta { index, term: 1, conf_state, chain: [9; 32] };
        state.write(&StateWrite { changes, meta, members: None }).unwrap();
        state.sync().unwrap();
    }

    fn back_up(&self) -> Created {
        create(&self.node(), &self.repository(), PASSPHRASE, false).unwrap()
    }

    fn restore_to(&self, name: &str) -> Result<PathBuf, BackupError> {
        let (data, member) =
            (self.temp.path().join(name), init::parse_member("5=127.0.5.9:7601,127.0.5.9:7600").unwrap());
        restore(&self.repository(), PASSPHRASE, ANY, &data, member).map(|_| data)
    }

    fn newest_is_good(&self) -> bool {
        let judged = verify(&self.repository(), PASSPHRASE, Which::Newest, self.temp.path()).unwrap();
        assert_eq!(judged.len(), 1);
        judged[0].found.is_ok()
    }

    /// Every sealed file of the repository, largest first.
    fn objects(&self) -> Vec<PathBuf> {
        let dirs = fs::read_dir(self.repository().join("objects")).unwrap();
        let mut files: Vec<PathBuf> =
            dirs.flat_map(|dir| fs::read_dir(dir.unwrap().path()).unwrap()).map(|file| file.unwrap().path()).collect();
        files.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).unwrap().len()));
        files
    }
}

#[test]
fn a_second_backup_adds_only_what_is_new() {
    let node = Stopped::new(1);
    let first = node.back_up();
    assert_eq!((first.manifest.index, first.manifest.added_bytes > 0), (2, true));
    let again = node.back_up();
    assert_eq!((again.added_files, again.manifest.added_bytes), (0, 0), "nothing has changed");
    assert_eq!(again.manifest.files, first.manifest.files);
    let mut noise = vec![0; 300_000];
    blake3::Hasher::new().finalize_xof().fill(&mut noise);
    node.write(3, vec![put(Table::Chunks, b"second", noise)]);
    let third = node.back_up();
    assert_eq!(third.manifest.index, 3);
    let added = third.manifest.added_bytes;
    assert!((300_000..500_000).contains(&added), "{added}");
    let reread = create(&node.node(), &node.repository(), PASSPHRASE, true).unwrap();
    assert_eq!((reread.added_files, &reread.manifest.files), (0, &third.manifest.files));
    let judged = verify(&node.repository(), PASSPHRASE, Which::All, node.temp.path()).unwrap();
    let rows: Vec<u64> = judged.into_iter().map(|one| one.found.unwrap().rows).collect();
    assert_eq!(rows, [3, 3, 4, 4]);
    assert!(
        fs::read_dir(node.temp.path()).unwrap().all(|entry| !entry
            .unwrap()
            .file_name()
            .to_string_lossy()
            .contains("verify"))
    );
}

#[test]
fn a_restored_node_is_the_first_of_a_new_cluster_with_the_same_tables_and_no_tokens() {
    let node = Stopped::new(1);
    node.back_up();
    let data = node.restore_to("restored").unwrap();
    let stopped = StoppedNode::open(&data).unwrap();
    let identity = stopped.view.identity.clone();
    assert_ne!(identity.cluster_id, node.cluster_id);
    assert_eq!((identity.node, stopped.view.truncated, stopped.view.last), (5, (2, 1), 2));
    let state = stopped.state().unwrap().unwrap();
    let meta = state.meta().unwrap();
    assert_eq!((meta.index, meta.term), (2, 1));
    assert_ne!(meta.chain, [9; 32]);
    let conf_state = decode_conf_state(&meta.conf_state).unwrap();
    assert_eq!(conf_state.voters, [5]);
    let tables = state.newest();
    assert_eq!(lookup::cluster(&tables).unwrap().cluster_id, identity.cluster_id);
    assert_eq!(tables.get(Table::Chunks, b"first").unwrap(), Some(vec![1; 200_000]));
    assert_eq!(tables.get(Table::Tokens, &[7; 32]).unwrap(), None);
    let genesis = Genesis::load(&data.join("genesis.json")).unwrap();
    assert_eq!(genesis.cluster_id, identity.cluster_id);
    // Log and state belong together: the replica opens.
    drop(tables);
    drop((state, stopped));
    let log = LogDb::open(&data.join("log"), &caches()).unwrap();
    let applied = lectern_raft::Applied { index: 2, term: 1, conf_state };
    let logger = slog::Logger::root(slog::Discard, slog::o!());
    Replica::open(lectern_raft::Config::new(identity), log, applied, 1, &logger, 0).unwrap();
}

#[test]
fn what_cannot_be_restored_is_refused_and_founds_no_node() {
    let node = Stopped::new(1);
    assert!(matches!(node.restore_to("a"), Err(BackupError::NoBackups(_))));
    node.back_up();
    fs::create_dir(node.temp.path().join("full")).unwrap();
    fs::write(node.temp.path().join("full").join("thesis.txt"), "mine").unwrap();
    assert!(matches!(node.restore_to("full"), Err(BackupError::NotEmpty(_))));
    let member = init::parse_member(init::DEFAULT_MEMBER).unwrap();
    let wrong = restore(&node.repository(), b"another passphrase", ANY, &node.temp.path().join("b"), member);
    assert!(matches!(wrong, Err(BackupError::WrongPassphrase(_))));
    let object = node.objects().remove(0);
    let mut bytes = fs::read(&object).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&object, bytes).unwrap();
    let problem = node.restore_to("c").unwrap_err().to_string();
    assert!(problem.contains(object.to_str().unwrap()) && problem.contains("damaged"), "{problem}");
    assert!(StoppedNode::open(&node.temp.path().join("c")).is_err(), "a half restored directory is no node");
    assert!(!node.newest_is_good());
}

#[test]
fn a_damaged_backup_does_not_hide_a_good_one() {
    let node = Stopped::new(1);
    let first = node.back_up().manifest;
    let second = node.back_up().manifest;
    fs::write(node.repository().join("backups").join(&second.id), "damaged").unwrap();
    let judged = verify(&node.repository(), PASSPHRASE, Which::All, node.temp.path()).unwrap();
    let good: Vec<(&str, bool)> = judged.iter().map(|one| (one.id.as_str(), one.found.is_ok())).collect();
    assert_eq!(good, [(first.id.as_str(), true), (second.id.as_str(), false)]);
    assert!(!node.newest_is_good());
}

#[test]
fn a_backup_of_a_newer_feature_level_is_refused() {
    let newer = Stopped::new(crate::node::features::newest() + 1);
    newer.back_up();
    assert!(matches!(newer.restore_to("a"), Err(BackupError::Newer { .. })));
}

#[test]
fn a_node_without_a_state_or_with_anothers_is_not_backed_up() {
    let node = Stopped::new(1);
    let fails = || create(&node.node(), &node.repository(), PASSPHRASE, false).unwrap_err();
    let stranger = ClusterRecord { cluster_id: "another".into(), ..ClusterRecord::default() };
    node.write(3, vec![put(Table::Cluster, CLUSTER_KEY, encode(&stranger))]);
    assert!(matches!(fails(), BackupError::Damaged { .. }));
    fs::remove_dir_all(node.node().join("state")).unwrap();
    assert!(fails().to_string().contains("no state yet"));
    let nowhere = create(&node.temp.path().join("nowhere"), &node.repository(), PASSPHRASE, false);
    assert!(matches!(nowhere, Err(BackupError::Disk(_))));
}

#[test]
fn an_interrupted_backup_harms_neither_the_one_before_nor_the_next() {
    let node = Stopped::new(1);
    let first = node.back_up();
    // It had stored something and begun to write something else when it was killed.
    let repository = Repository::open(&node.repository(), PASSPHRASE, Access::Write).unwrap();
    repository.store(&mut &b"of no backup"[..]).unwrap();
    drop(repository);
    fs::write(node.repository().join("partial").join("half"), "half").unwrap();
    assert!(node.newest_is_good());
    assert_eq!(node.back_up().manifest.files, first.manifest.files);
    let pruned = super::super::prune::prune(&node.repository(), PASSPHRASE, 1).unwrap();
    assert_eq!((pruned.backups.len(), pruned.files), (1, 1));
    assert!(node.newest_is_good());
}
