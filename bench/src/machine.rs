//! The machine beside the measurements: its disk, and what processes take of it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

use crate::figures::Figures;

const MIB: usize = 1 << 20;
/// Of each write that is synced: about a group of small commands.
const SYNCED_BYTES: usize = 4 * 1024;
/// What /proc counts in: the same on every architecture that Linux has today.
const TICKS_PER_SECOND: f64 = 100.0;
const SYNCS: usize = 200;
/// Enough to outlast caches of the disk's own.
const SEQUENTIAL_MIB: usize = 256;

/// How long the disk takes to append 4 KiB and make them durable.
pub fn sync_latency(dir: &Path) -> io::Result<Figures> {
    let mut file = File::create(dir.join("syncs"))?;
    let block = [7; SYNCED_BYTES];
    let mut figures = Figures::default();
    let began = Instant::now();
    for _ in 0..SYNCS {
        let before = Instant::now();
        file.write_all(&block)?;
        file.sync_data()?;
        figures.answered(before.elapsed());
    }
    figures.passed(began.elapsed(), &[]);
    fs::remove_file(dir.join("syncs"))?;
    Ok(figures)
}

/// Bytes a second that the disk takes one after the other, durable at the end.
#[allow(clippy::cast_precision_loss, reason = "for people")]
pub fn sequential_rate(dir: &Path) -> io::Result<f64> {
    let mut file = File::create(dir.join("sequence"))?;
    let block: Vec<u8> = (0..MIB).map(|at| u8::try_from(at * 31 % 251).unwrap_or_default()).collect();
    let began = Instant::now();
    for _ in 0..SEQUENTIAL_MIB {
        file.write_all(&block)?;
    }
    file.sync_data()?;
    let rate = (SEQUENTIAL_MIB * MIB) as f64 / began.elapsed().as_secs_f64();
    fs::remove_file(dir.join("sequence"))?;
    Ok(rate)
}

/// Seconds of processor that a process has taken; 0 for one that is gone.
#[allow(clippy::cast_precision_loss, reason = "ticks of a process are far below 2^52")]
pub fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold spaces. User and system time are the 14th and 15th field, 12 and 13 after the name.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    ticks as f64 / TICKS_PER_SECOND
}

/// Bytes of memory that a process has resident; 0 for one that is gone.
pub fn resident_bytes(process: u32) -> u64 {
    field(&format!("/proc/{process}/status"), "VmRSS:") * 1024
}

/// Bytes that a process has given to the disk; 0 for one that is gone.
pub fn written_bytes(process: u32) -> u64 {
    field(&format!("/proc/{process}/io"), "write_bytes:")
}

fn field(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_this_process_takes_can_be_read_and_what_is_gone_takes_nothing() {
        let this = std::process::id();
        assert!(resident_bytes(this) > 100_000);
        let before = cpu_seconds(this);
        let mut sum = 0_u64;
        while cpu_seconds(this) <= before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert_eq!((resident_bytes(u32::MAX), written_bytes(u32::MAX)), (0, 0));
        assert!(cpu_seconds(u32::MAX).abs() < f64::EPSILON);
    }
}
