//! What one extraction may use.

use std::time::Duration;

/// CPU time of the child where nothing else is said, in seconds.
pub const DEFAULT_CPU_SECONDS: u64 = 30;

/// Address space of the child where nothing else is said: 1 GiB.
pub const DEFAULT_ADDRESS_SPACE_BYTES: u64 = 1 << 30;

/// What one extraction may use. The defaults read every real document tried (Debian's manuals, 300 pages and more) in
/// a small part of each limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time from start to end, waiting included; the parent kills the child when it is over.
    pub wall: Duration,
    /// CPU time, enforced by the kernel.
    pub cpu_seconds: u64,
    /// Address space, enforced by the kernel: an allocation beyond it fails and ends the child.
    pub address_space_bytes: u64,
    /// Bytes the child may answer with: the text of all pages as JSON.
    pub max_output_bytes: u64,
}

impl Default for Limits {
    /// 60 s, 30 s of CPU, 1 GiB of address space, 32 MiB of output.
    fn default() -> Self {
        Self {
            wall: Duration::from_mins(1),
            cpu_seconds: DEFAULT_CPU_SECONDS,
            address_space_bytes: DEFAULT_ADDRESS_SPACE_BYTES,
            max_output_bytes: 32 << 20,
        }
    }
}
