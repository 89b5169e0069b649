//! A file's BLAKE3 digest from its chunks, without reading them again.
//!
//! BLAKE3 is a binary tree over 1 KiB leaves. A chunk of 256 KiB that begins at a multiple of 256 KiB is one whole
//! subtree of it, so its chaining value is computed when the chunk arrives, and the digest of the file, the one that
//! `b3sum` prints, is merged from these values. The left side of every node is the largest power of two of chunks that
//! is smaller than the whole. A file of one chunk has no node to merge: its digest is the chunk's own.

use blake3::hazmat::{ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use lectern_proto::CHUNK_BYTES;

/// How many chunks a file of that size has.
pub(crate) fn chunk_count(size: u64) -> u32 {
    u32::try_from(size.div_ceil(CHUNK_BYTES as u64)).unwrap_or(u32::MAX)
}

/// How long the chunk with that index is, in a file of that size; 0 past its end.
pub(crate) fn chunk_length(size: u64, chunk_index: u32) -> u64 {
    size.saturating_sub(u64::from(chunk_index) * CHUNK_BYTES as u64).min(CHUNK_BYTES as u64)
}

/// The chaining value of the chunk with that index. `data` is not empty.
pub(crate) fn chaining_value(chunk_index: u32, data: &[u8]) -> ChainingValue {
    let mut hasher = blake3::Hasher::new();
    hasher.set_input_offset(u64::from(chunk_index) * CHUNK_BYTES as u64);
    hasher.update(data);
    hasher.finalize_non_root()
}

/// The digest of a file of two chunks or more, from their chaining values in order.
pub(crate) fn merge(values: &[ChainingValue]) -> blake3::Hash {
    assert!(values.len() >= 2, "a file of one chunk has the chunk's own digest");
    let (left, right) = values.split_at(left_chunks(values.len()));
    merge_subtrees_root(&subtree(left), &subtree(right), Mode::Hash)
}

fn subtree(values: &[ChainingValue]) -> ChainingValue {
    if let [value] = values {
        return *value;
    }
    let (left, right) = values.split_at(left_chunks(values.len()));
    merge_subtrees_non_root(&subtree(left), &subtree(right), Mode::Hash)
}

/// The largest power of two below `count`, which is at least 2.
fn left_chunks(count: usize) -> usize {
    count.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest_by_chunks(data: &[u8]) -> blake3::Hash {
        let chunks: Vec<&[u8]> = data.chunks(CHUNK_BYTES).collect();
        assert_eq!(chunks.len(), chunk_count(data.len() as u64) as usize);
        match chunks[..] {
            [] => blake3::hash(&[]),
            [only] => blake3::hash(only),
            _ => merge(&(0..).zip(&chunks).map(|(at, chunk)| chaining_value(at, chunk)).collect::<Vec<_>>()),
        }
    }

    #[test]
    fn merged_digests_are_what_b3sum_prints() {
        let mut data = vec![0; 18 * CHUNK_BYTES];
        blake3::Hasher::new_derive_key("lectern test bytes").finalize_xof().fill(&mut data);
        let edges = (0..=17).flat_map(|chunks| [0, 1, 1023, 1024, 1025].map(|more| chunks * CHUNK_BYTES + more));
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let sizes = std::iter::repeat_with(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(random >> 33).unwrap() % data.len()
        });
        for size in edges.chain(sizes.take(60).collect::<Vec<_>>()) {
            assert_eq!(digest_by_chunks(&data[..size]), blake3::hash(&data[..size]), "{size} bytes");
        }
    }

    #[test]
    fn the_last_chunk_has_what_is_left() {
        let size = 2 * CHUNK_BYTES as u64 + 5;
        let lengths: Vec<u64> = (0..4).map(|index| chunk_length(size, index)).collect();
        assert_eq!(lengths, [CHUNK_BYTES as u64, CHUNK_BYTES as u64, 5, 0]);
        assert_eq!((chunk_count(0), chunk_count(1), chunk_count(size)), (0, 1, 3));
    }
}
