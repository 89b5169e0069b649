//! Files of RocksDB that it does not check as long as it runs: write-ahead logs and manifests, which it reads at start only,
//! and blob files, whose damage it reports without their name.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// RocksDB's logs consist of blocks of this size; no record crosses a border.
const LOG_BLOCK: usize = 32 << 10;
/// CRC (4), length (2), type (1).
const LOG_HEADER: usize = 7;
/// The same, and the number of the log (4): files that RocksDB uses again.
const REUSED_LOG_HEADER: usize = 11;
const BLOB_FILE_HEADER: u64 = 30;
const BLOB_FILE_FOOTER: u64 = 32;
/// Key size (8), value size (8), expiration (8), CRC of these (4), CRC of key and value (4).
const BLOB_RECORD_HEADER: usize = 32;
/// No key or value is larger.
const BLOB_MOST: u64 = 64 << 20;

/// A damaged place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and where.
    pub problem: String,
}

/// The files of a database directory whose names end like that, oldest first.
pub(super) fn files(dir: &Path, of: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(&of) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a file of that name is a write-ahead log or a manifest: they have the same form.
pub(super) fn is_log(name: &str) -> bool {
    name.starts_with("MANIFEST-") || (has_ending(name, "log") && name.starts_with(|first: char| first.is_ascii_digit()))
}

/// Whether a file of that name holds blobs.
pub(super) fn is_blob_file(name: &str) -> bool {
    has_ending(name, "blob")
}

/// Whether it has that extension, as RocksDB writes it.
pub(super) fn has_ending(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, found)| found == extension)
}

/// Checks every record of a log that was there when this began; RocksDB may append meanwhile. `read` hears of the bytes.
pub(super) fn check_log(path: &Path, mut read: impl FnMut(usize)) -> io::Result<Option<Damage>> {
    let Some((file, length)) = open(path)? else { return Ok(None) };
    let mut file = BufReader::with_capacity(LOG_BLOCK, file).take(length);
    let (mut block, mut at) = (Vec::with_capacity(LOG_BLOCK), 0_u64);
    loop {
        block.clear();
        file.by_ref().take(LOG_BLOCK as u64).read_to_end(&mut block)?;
        read(block.len());
        if let Some(offset) = damaged_record(&block) {
            let problem = format!("the record at {} does not have its checksum", at + offset as u64);
            return Ok(Some(Damage { path: path.into(), problem }));
        }
        if block.len() < LOG_BLOCK {
            return Ok(None);
        }
        at += LOG_BLOCK as u64;
    }
}

/// Where a block has a record that is whole and damaged.
fn damaged_record(block: &[u8]) -> Option<usize> {
    let mut offset = 0;
    while let Some(header) = block.get(offset..offset + LOG_HEADER) {
        let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
        let kind = header[6];
        if kind == 0 && length == 0 {
            // Room that is not used yet; and that no byte of it is anything else says that it is only that.
            return block[offset..].iter().position(|byte| *byte != 0).map(|_| offset);
        }
        let reused = matches!(kind, 5..=8 | 11 | 131);
        let end = offset + if reused { REUSED_LOG_HEADER } else { LOG_HEADER } + length;
        match block.get(offset + 6..end) {
            Some(record) if masked(crc32c::crc32c(record)) == number(header) => offset = end,
            // Cut off in the middle of a file that grows: not written yet. A length that leads out of the block never was.
            None if end <= LOG_BLOCK && block.len() < LOG_BLOCK => return None,
            Some(_) | None => return Some(offset),
        }
    }
    None
}

/// Checks every record of a blob file; `read` hears of the bytes.
pub(super) fn check_blob_file(path: &Path, mut read: impl FnMut(usize)) -> io::Result<Option<Damage>> {
    let Some((file, length)) = open(path)? else { return Ok(None) };
    let mut file = BufReader::with_capacity(1 << 20, file);
    let damage = |at: u64, what: &str| {
        Ok(Some(Damage { path: path.into(), problem: format!("the blob record at {at} {what}") }))
    };
    let mut at = BLOB_FILE_HEADER;
    file.seek_relative(i64::try_from(at).expect("a small number"))?;
    let mut record = Vec::new();
    while at + BLOB_RECORD_HEADER as u64 + BLOB_FILE_FOOTER <= length {
        let mut header = [0; BLOB_RECORD_HEADER];
        file.read_exact(&mut header)?;
        if masked(crc32c::crc32c(&header[..24])) != number(&header[24..]) {
            return damage(at, "has a damaged header");
        }
        let size = |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        let (key, value) = (size(&header[..8]), size(&header[8..16]));
        let after = at + BLOB_RECORD_HEADER as u64 + key.saturating_add(value);
        if key.max(value) > BLOB_MOST || after + BLOB_FILE_FOOTER > length {
            return damage(at, "is longer than its file");
        }
        record.resize(usize::try_from(key + value).expect("bounded above"), 0);
        file.read_exact(&mut record)?;
        read(BLOB_RECORD_HEADER + record.len());
        if masked(crc32c::crc32c(&record)) != number(&header[28..]) {
            return damage(at, "does not have its checksum");
        }
        at = after;
    }
    Ok(None)
}

/// The file and its length now; `None` where RocksDB has deleted it meanwhile.
fn open(path: &Path) -> io::Result<Option<(File, u64)>> {
    match File::open(path) {
        Ok(file) => {
            let length = file.metadata()?.len();
            Ok(Some((file, length)))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The first four bytes, little-endian.
fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes[..4].try_into().expect("four bytes"))
}

/// CRC-32C as RocksDB stores it.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}
