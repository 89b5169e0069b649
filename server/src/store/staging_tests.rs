use lectern_lms::{Change, Store as _, Table};
use lectern_proto::internal::v1::SnapshotRow;

use super::*;
use crate::store::{AppliedMeta, SnapshotSource, StateWrite, row_place};

fn caches() -> Caches {
    Caches::new(8 << 20, 8 << 20)
}

fn bytes_of_chunk(number: u8) -> Vec<u8> {
    vec![number; 20_000]
}

fn digest_of_chunk(number: u8) -> Vec<u8> {
    blake3::hash(&bytes_of_chunk(number)).as_bytes().to_vec()
}

/// A state that holds these chunks, and 500 users of that name.
fn state(path: &Path, name: &str, chunks: &[u8]) -> StateDb {
    let state = StateDb::open(path, &caches()).unwrap();
    let users = (0..500_u32).map(|user| Change {
        table: Table::Users,
        key: user.to_be_bytes().to_vec(),
        value: Some(format!("{name} {user}").into_bytes()),
    });
    let chunks = chunks.iter().map(|number| Change {
        table: Table::Chunks,
        key: digest_of_chunk(*number),
        value: Some(bytes_of_chunk(*number)),
    });
    let meta = AppliedMeta { index: 7, term: 2, conf_state: name.into(), chain: [1; 32] };
    state.write(&StateWrite { changes: users.chain(chunks).collect(), meta, members: Some(name.into()) }).unwrap();
    state
}

fn source(state: &StateDb, path: &Path) -> SnapshotSource {
    state.checkpoint(path).unwrap();
    SnapshotSource::open(path, &caches()).unwrap()
}

/// Sends at most `pieces` pieces of rows after those that are there; whether these were all.
fn send_rows(source: &SnapshotSource, staging: &Staging, have: &mut SnapshotHave, pieces: usize) -> bool {
    for _ in 0..pieces {
        let Some((table, rows)) = source.rows_after(row_place(have).as_ref(), 1_000).unwrap() else { return true };
        let rows = rows.into_iter().map(|(key, value)| SnapshotRow { key, value }).collect();
        staging.add_rows(SnapshotRows { table: table.into(), rows }, have).unwrap();
    }
    false
}

/// Begins with a snapshot of which no rows are here, and sends them all.
fn send_all_rows(source: &SnapshotSource, staging: &mut Staging, id: &str) {
    let mut have = staging.begin(id).unwrap();
    assert_eq!(have, SnapshotHave::default());
    assert!(send_rows(source, staging, &mut have, usize::MAX));
    assert_eq!(have.row_bytes, source.sum(|_| ()).unwrap().0.bytes);
}

/// Sends the chunks that are missing, and says how many those were.
fn send_chunks(source: &SnapshotSource, staging: &Staging) -> usize {
    let missing = staging.missing_after(None, usize::MAX).unwrap();
    assert_eq!(missing.iter().map(|(_, length)| length).sum::<u64>(), staging.missing_bytes().unwrap());
    for (digest, _) in &missing {
        staging.add_chunk(digest, &source.chunk(digest).unwrap().unwrap()).unwrap();
    }
    missing.len()
}

fn chunks_in(state: &StateDb) -> Vec<u8> {
    let is_here = |number: &u8| {
        let (digest, newest) = (digest_of_chunk(*number), state.newest());
        let here = newest.get(Table::Chunks, &digest).unwrap() == Some(bytes_of_chunk(*number));
        assert_eq!(state.lists_chunk(&digest).unwrap(), here, "the index fits the chunks");
        here
    };
    (0..=255).filter(is_here).collect()
}

#[test]
fn only_the_chunks_that_are_not_here_come_and_those_of_the_past_go() {
    let temp = tempfile::tempdir().unwrap();
    let own = state(&temp.path().join("own"), "old", &[1, 2, 3]);
    let source = source(&state(&temp.path().join("peer"), "new", &[2, 3, 4, 5]), &temp.path().join("checkpoint"));
    let path = temp.path().join("partial");
    let mut staging = Staging::open(&path, &own, Arc::default()).unwrap();
    send_all_rows(&source, &mut staging, "one");
    let (sum, chunk_bytes) = source.sum(|_| ()).unwrap();
    staging.check_rows(sum.rows, &sum.digest).unwrap();
    assert_eq!(chunk_bytes, 80_000);
    assert_eq!(staging.missing_bytes().unwrap(), 40_000);
    assert_eq!(send_chunks(&source, &staging), 2);
    staging.finish().unwrap();

    let staged = StateDb::open(&path, &caches()).unwrap();
    assert_eq!(staged.meta().unwrap().conf_state, b"new");
    assert_eq!(staged.members().unwrap().as_deref(), Some(&b"new"[..]));
    assert_eq!(staged.newest().get(Table::Users, &[0, 0, 1, 0]).unwrap().as_deref(), Some(&b"new 256"[..]));
    assert_eq!(chunks_in(&staged), [2, 3, 4, 5]);
    assert_eq!(chunks_in(&own), [1, 2, 3], "the state in use stays as it is");
}

#[test]
fn a_transfer_goes_on_where_what_was_flushed_ends() {
    let temp = tempfile::tempdir().unwrap();
    let own = state(&temp.path().join("own"), "old", &[1]);
    let source = source(&state(&temp.path().join("peer"), "new", &[1, 2, 3]), &temp.path().join("checkpoint"));
    let path = temp.path().join("partial");
    let mut staging = Staging::open(&path, &own, Arc::default()).unwrap();
    let mut have = staging.begin("one").unwrap();
    assert!(!send_rows(&source, &staging, &mut have, 4));
    staging.flush().unwrap();
    let flushed = have.clone();
    // What a crash takes: there is no write-ahead log.
    assert!(!send_rows(&source, &staging, &mut have, 2));
    drop_as_a_crash_does(staging, &path);

    let mut staging = Staging::open(&path, &own, Arc::default()).unwrap();
    let mut have = staging.begin("one").unwrap();
    assert_eq!(have, flushed);
    assert!(send_rows(&source, &staging, &mut have, usize::MAX));
    let (sum, _) = source.sum(|_| ()).unwrap();
    staging.check_rows(sum.rows, &sum.digest).unwrap();
    let missing = staging.missing_after(None, usize::MAX).unwrap();
    staging.add_chunk(&missing[0].0, &source.chunk(&missing[0].0).unwrap().unwrap()).unwrap();
    staging.flush().unwrap();
    drop(staging);

    // Another snapshot: its rows are sent again, and the chunk that came stays.
    let mut staging = Staging::open(&path, &own, Arc::default()).unwrap();
    send_all_rows(&source, &mut staging, "two");
    assert_eq!(send_chunks(&source, &staging), 1);
    staging.check_rows(sum.rows, &sum.digest).unwrap();
    staging.finish().unwrap();
    assert_eq!(chunks_in(&StateDb::open(&path, &caches()).unwrap()), [1, 2, 3]);
}

/// Puts the files back as they were before the database was closed, which flushes.
fn drop_as_a_crash_does(staging: Staging, path: &Path) {
    let copy = path.with_extension("copy");
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    drop(staging);
    fs::remove_dir_all(path).unwrap();
    fs::rename(copy, path).unwrap();
}

#[test]
fn a_chunk_that_came_to_the_state_in_use_meanwhile_need_not_come_again() {
    let temp = tempfile::tempdir().unwrap();
    let own = state(&temp.path().join("own"), "old", &[1]);
    let source = source(&state(&temp.path().join("peer"), "new", &[1, 2, 3]), &temp.path().join("checkpoint"));
    let mut staging = Staging::open(&temp.path().join("partial"), &own, Arc::default()).unwrap();
    let later = state(&temp.path().join("later"), "later", &[1, 2]);
    send_all_rows(&source, &mut staging, "one");
    staging.copy_chunks(&later).unwrap();
    assert_eq!(staging.missing_after(None, 10).unwrap(), [(digest_of_chunk(3), 20_000)]);
}

#[test]
fn what_is_damaged_or_incomplete_is_never_finished() {
    let temp = tempfile::tempdir().unwrap();
    let own = state(&temp.path().join("own"), "old", &[1]);
    let source = source(&state(&temp.path().join("peer"), "new", &[2]), &temp.path().join("checkpoint"));
    let mut staging = Staging::open(&temp.path().join("partial"), &own, Arc::default()).unwrap();
    send_all_rows(&source, &mut staging, "one");
    let (sum, _) = source.sum(|_| ()).unwrap();
    let row = SnapshotRow { key: b"conf_state".to_vec(), value: b"neW".to_vec() };
    let rows = SnapshotRows { table: SnapshotTable::Meta.into(), rows: vec![row] };
    staging.add_rows(rows, &mut SnapshotHave::default()).unwrap();
    assert!(matches!(staging.check_rows(sum.rows, &sum.digest), Err(StagingProblem::Damaged(_))));
    assert!(matches!(staging.add_chunk(&digest_of_chunk(2), b"other"), Err(StagingProblem::Damaged(_))));
    assert!(matches!(staging.finish(), Err(StagingProblem::Damaged(_))), "a chunk is missing");
}

#[test]
fn leftovers_that_no_database_can_open_are_begun_anew() {
    let temp = tempfile::tempdir().unwrap();
    let own = state(&temp.path().join("own"), "old", &[1]);
    let path = temp.path().join("partial");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("CURRENT"), "MANIFEST-000007\n").unwrap();
    let mut staging = Staging::open(&path, &own, Arc::default()).unwrap();
    assert_eq!(staging.begin("one").unwrap(), SnapshotHave::default());
}
