//! The child's own limits, set before a byte of the file is read.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lowers the limits of this process. There is no way back up.
pub fn confine(cpu_seconds: u64, address_space_bytes: u64) -> io::Result<()> {
    // At the soft limit the kernel sends SIGXCPU, which ends the process and tells the parent why.
    lower(Resource::Cpu, cpu_seconds, cpu_seconds.saturating_add(1))?;
    lower(Resource::Core, 0, 0)?;
    match lower(Resource::As, address_space_bytes, address_space_bytes) {
        // Not every system lets a process bound its address space (macOS does not); the other limits still hold.
        Err(_) if !cfg!(target_os = "linux") => Ok(()),
        result => result,
    }
}

/// Sets a limit without going above what this process may have.
fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let ceiling = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    setrlimit(resource, Rlimit { current: Some(soft.min(ceiling)), maximum: Some(hard.min(ceiling)) })?;
    Ok(())
}
