use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use lectern_lms::{Change, Store as _, Table};
use lectern_raft::{Batch, Disk as _};

use super::*;
use crate::store::record_files::has_ending;
use crate::store::{AppliedMeta, Caches, StateWrite};

fn caches() -> Caches {
    Caches::new(8 << 20, 8 << 20)
}

/// Bytes that do not compress.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&seed.to_be_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

/// `<temp>/state/s` with 200 users and eight chunks, all in tables and blob files.
fn state_dir(data: &Path) -> PathBuf {
    let dir = data.join("state").join("s");
    let state = StateDb::open(&dir, &caches()).unwrap();
    let users = (0..200_u64).map(|user| (Table::Users, user.to_be_bytes().to_vec(), noise(user, 100)));
    let chunks = (0..8).map(|chunk| noise(chunk, 30_000));
    let chunks = chunks.map(|chunk| (Table::Chunks, blake3::hash(&chunk).as_bytes().to_vec(), chunk));
    let changes = users.chain(chunks).map(|(table, key, value)| Change { table, key, value: Some(value) });
    state.write(&StateWrite { changes: changes.collect(), meta: AppliedMeta::default(), members: None }).unwrap();
    for column in STATE_COLUMNS {
        state.db.flush_cf(state.column(column)).unwrap();
    }
    dir
}

fn scrub_state(dir: &Path) -> Result<usize, ScrubProblem> {
    let state = StateDb::open(dir, &caches())
        .map_err(|problem| ScrubProblem::Unreadable { path: dir.into(), problem: problem.to_string() })?;
    let copy = state.scrub_copy(&dir.with_extension("copy"))?;
    copy.look_up()?;
    let mut bytes = 0;
    for column in STATE_COLUMNS {
        let mut after = None;
        loop {
            let piece = copy.read(column, after.as_deref(), 5_000)?;
            bytes += piece.bytes;
            after = piece.last;
            if after.is_none() {
                break;
            }
        }
    }
    Ok(bytes)
}

/// Flips one bit in the middle of a file.
fn flip(path: &Path) {
    flip_at(path, fs::metadata(path).unwrap().len() / 2);
}

fn flip_at(path: &Path, at: u64) {
    let mut file = fs::File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.seek(SeekFrom::Start(at)).unwrap();
    file.read_exact(&mut byte).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&[byte[0] ^ 1]).unwrap();
}

fn largest(dir: &Path, of: impl Fn(&str) -> bool) -> PathBuf {
    files(dir, of).unwrap().into_iter().max_by_key(|path| fs::metadata(path).unwrap().len()).unwrap()
}

fn assert_names(problem: &ScrubProblem, damaged: &Path, data: &Path) {
    let said = problem.to_string();
    assert!(said.contains(&damaged.display().to_string()), "{said}");
    assert!(said.contains(&format!("remove the data directory {} and", data.display())), "{said}");
}

fn assert_answers_right(dir: &Path, flipped_at: u64) {
    let state = StateDb::open(dir, &caches()).unwrap();
    for user in 0..200_u64 {
        let found = state.read().get(Table::Users, &user.to_be_bytes());
        assert_eq!(found, Ok(Some(noise(user, 100))), "with a flipped bit at {flipped_at}");
    }
    assert_eq!(state.read().get(Table::Users, &200_u64.to_be_bytes()), Ok(None));
}

#[test]
fn a_good_state_is_read_whole() {
    let temp = tempfile::tempdir().unwrap();
    assert!(scrub_state(&state_dir(temp.path())).unwrap() > 8 * 30_000 + 200 * 100);
}

#[test]
fn a_flipped_bit_in_a_table_is_found_and_its_file_named() {
    let temp = tempfile::tempdir().unwrap();
    let dir = state_dir(temp.path());
    let table = largest(&dir, |name| has_ending(name, "sst"));
    flip(&table);
    assert_names(&scrub_state(&dir).unwrap_err(), &table, temp.path());
}

/// A database's files in another directory: who opens it may write new ones.
fn copied(dir: &Path, to: &Path) -> PathBuf {
    let copy = to.join("state").join("s");
    fs::create_dir_all(&copy).unwrap();
    for file in files(dir, |_| true).unwrap() {
        fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
    }
    copy
}

#[test]
fn a_flipped_bit_is_found_wherever_in_a_table_it_is_or_changes_no_answer() {
    const STEPS: u64 = 97;
    let temp = tempfile::tempdir().unwrap();
    let dir = state_dir(temp.path());
    let table = largest(&dir, |name| has_ending(name, "sst"));
    let length = fs::metadata(&table).unwrap().len();
    let mut harmless = 0;
    for at in (0..length).step_by(usize::try_from(length / STEPS).unwrap()) {
        let temp = tempfile::tempdir().unwrap();
        let copy = copied(&dir, temp.path());
        flip_at(&copy.join(table.file_name().unwrap()), at);
        // Where a file is damaged so that it cannot be opened, the database says so already.
        if scrub_state(&copy).is_ok() {
            harmless += 1;
            assert_answers_right(&copy, at);
        }
    }
    // The filter is a hundredth of this table: RocksDB reads on without one that is damaged.
    assert!(harmless <= 2, "{harmless} flipped bits of {STEPS} are not found");
    scrub_state(&copied(&dir, &temp.path().join("good"))).unwrap();
}

#[test]
fn a_flipped_bit_in_a_blob_file_is_found_and_its_file_named() {
    let temp = tempfile::tempdir().unwrap();
    let dir = state_dir(temp.path());
    let blobs = largest(&dir, is_blob_file);
    assert_eq!(check_blob_file(&blobs, |_| ()).unwrap(), None);
    flip(&blobs);
    assert_names(&scrub_state(&dir).unwrap_err(), &blobs, temp.path());
}

#[test]
fn a_chunk_with_another_digest_is_found_though_every_checksum_is_right() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("state").join("s");
    let state = StateDb::open(&dir, &caches()).unwrap();
    let changes = vec![Change { table: Table::Chunks, key: vec![7; 32], value: Some(noise(1, 9_000)) }];
    state.write(&StateWrite { changes, meta: AppliedMeta::default(), members: None }).unwrap();
    let problem = state.scrub_copy(&temp.path().join("copy")).unwrap().read(CHUNKS, None, 1 << 20).unwrap_err();
    assert!(problem.to_string().contains("digest"), "{problem}");
}

#[test]
fn a_flipped_bit_in_the_log_is_found_in_its_tables_and_before_it_gets_there() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("log");
    let log = LogDb::open(&dir, &caches()).unwrap();
    for entry in 0..300_u64 {
        let mut batch = Batch::default();
        batch.put(entry.to_be_bytes(), noise(entry, 1_000));
        log.write(&batch).unwrap();
    }
    log.sync().unwrap();
    // What is written while it is read is no damage.
    let mut read = 0;
    for path in logs(&dir).unwrap() {
        scrub_log(&path, |bytes| read += bytes).unwrap();
    }
    assert!(read > 300_000, "{read}");
    let newest = largest(&dir, is_log);
    let whole = fs::read(&newest).unwrap();
    for cut in [0, 1, 6, 7, 8, 40_000, whole.len() - 1] {
        let growing = temp.path().join("log").join("999999.log");
        fs::write(&growing, &whole[..cut]).unwrap();
        scrub_log(&growing, |_| ()).unwrap();
    }
    flip(&newest);
    assert_names(&scrub_log(&newest, |_| ()).unwrap_err(), &newest, temp.path());

    log.db.flush().unwrap();
    let scrub = || {
        let copy = log.scrub_copy(&temp.path().join("copy"))?;
        copy.read(DEFAULT_COLUMN_FAMILY_NAME, None, usize::MAX).map(|piece| piece.bytes)
    };
    assert!(scrub().unwrap() > 300_000);
    let table = largest(&dir, |name| has_ending(name, "sst"));
    flip(&table);
    assert_names(&scrub().unwrap_err(), &table, temp.path());
    assert!(!temp.path().join("copy").exists());
}
