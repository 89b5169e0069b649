//! Memory shared by the node's RocksDB instances.

use rocksdb::{BlockBasedOptions, Cache, DBCompressionType, InfoLogger, LogLevel, Options, WriteBufferManager};

/// One block cache for the log and every state instance; what their write buffers take is charged to it, so that its size
/// bounds both. Indexes and filters of tables are blocks like others. Blobs are cached by nobody but the system: a chunk is
/// read once by whoever fetches a file.
#[derive(Clone)]
pub struct Caches {
    blocks: Cache,
    write_buffers: WriteBufferManager,
    open_files: i32,
}

impl Caches {
    /// `cache_bytes` for everything, of which `write_buffer_bytes` for what is not flushed yet.
    pub fn new(cache_bytes: usize, write_buffer_bytes: usize) -> Self {
        let blocks = Cache::new_lru_cache(cache_bytes);
        let write_buffers =
            WriteBufferManager::new_write_buffer_manager_with_cache(write_buffer_bytes, false, blocks.clone());
        Self { blocks, write_buffers, open_files: 512 }
    }

    /// With at most so many files of each database open.
    #[must_use]
    pub fn with_open_files(self, open_files: i32) -> Self {
        Self { open_files, ..self }
    }

    /// Options of a database: shared memory, few background jobs, bounded info logs.
    pub(super) fn database_options(&self) -> Options {
        let mut options = Options::default();
        options.set_write_buffer_manager(&self.write_buffers);
        options.set_max_background_jobs(2);
        options.set_keep_log_file_num(2);
        options.set_max_log_file_size(4 << 20);
        options.set_bytes_per_sync(1 << 20);
        options.set_max_open_files(self.open_files);
        options
    }

    /// Options of a database that is only looked at: RocksDB's own text log would be a file in it.
    pub(super) fn looking_options(&self) -> Options {
        let mut options = self.database_options();
        options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |level, text| {
            // Whatever is asked for, RocksDB writes down all of its options, too.
            if level != LogLevel::Header {
                tracing::error!(text, "RocksDB fails");
            }
        }));
        options
    }

    /// Options of a column family of small records.
    pub(super) fn table_options(&self) -> Options {
        let mut blocks = BlockBasedOptions::default();
        blocks.set_block_cache(&self.blocks);
        blocks.set_cache_index_and_filter_blocks(true);
        blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
        blocks.set_bloom_filter(10.0, false);
        let mut options = Options::default();
        options.set_block_based_table_factory(&blocks);
        options.set_write_buffer_size(16 << 20);
        // A key of idempotency is looked for before it exists.
        options.set_memtable_prefix_bloom_ratio(0.02);
        options.set_memtable_whole_key_filtering(true);
        options.set_compression_type(DBCompressionType::Lz4);
        options.set_bottommost_compression_type(DBCompressionType::Zstd);
        options
    }

    /// Options of the column family of chunks: values go to blob files, and are not rewritten by every compaction.
    pub(super) fn chunk_options(&self) -> Options {
        let mut options = self.table_options();
        options.set_enable_blob_files(true);
        options.set_min_blob_size(4096);
        options.set_blob_file_size(64 << 20);
        options.set_blob_compression_type(DBCompressionType::Lz4);
        options.set_enable_blob_gc(true);
        options
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use lectern_lms::{Change, Store as _, Table};
    use lectern_raft::{Batch, Disk as _};

    use super::*;
    use crate::store::{AppliedMeta, LogDb, StateDb, StateWrite};

    const MIB: usize = 1 << 20;

    #[test]
    fn log_and_state_together_stay_within_one_budget_however_much_is_written_and_read() {
        let temp = tempfile::tempdir().unwrap();
        let caches = Caches::new(24 * MIB, 8 * MIB);
        let log = LogDb::open(&temp.path().join("log"), &caches).unwrap();
        let state = StateDb::open(&temp.path().join("state"), &caches).unwrap();
        for round in 0..64_u64 {
            // Does not compress.
            let mut bytes = vec![0; MIB / 4];
            blake3::Hasher::new().update(&round.to_be_bytes()).finalize_xof().fill(&mut bytes);
            let mut batch = Batch::default();
            batch.put(round.to_be_bytes(), bytes.clone());
            log.write(&batch).unwrap();
            let rows = bytes.chunks(4096).zip(0_u64..).map(|(part, number)| Change {
                table: Table::Users,
                key: [round.to_be_bytes(), number.to_be_bytes()].concat(),
                value: Some(part.to_vec()),
            });
            let chunk = Change {
                table: Table::Chunks,
                key: blake3::hash(&bytes).as_bytes().to_vec(),
                value: Some(bytes.clone()),
            };
            let changes = rows.chain([chunk]).collect();
            state.write(&StateWrite { changes, meta: AppliedMeta::default(), members: None }).unwrap();
            for earlier in 0..round {
                let key = [earlier.to_be_bytes(), 7_u64.to_be_bytes()].concat();
                assert!(state.newest().get(Table::Users, &key).unwrap().is_some());
            }
            // What is being flushed is still in memory for a moment, and each memtable takes memory in pieces.
            let deadline = Instant::now() + Duration::from_mins(1);
            while caches.write_buffers.get_usage() > 2 * 8 * MIB {
                assert!(Instant::now() < deadline, "write buffers take {}", caches.write_buffers.get_usage());
                std::thread::yield_now();
            }
            let used = caches.blocks.get_usage();
            assert!(used <= 28 * MIB, "blocks and write buffers take {used}");
        }
        assert!(caches.blocks.get_usage() > 4 * MIB, "write buffers and blocks are charged to it");
    }
}
