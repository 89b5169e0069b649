//! Stopping the process when going on would be wrong.
//!
//! After a failed write or sync nothing the disk says may be believed (trap 7), and a panic in one thread would leave the
//! others waiting for ever: in both cases the whole process ends, says why, and a supervisor may start it again.

use std::backtrace::Backtrace;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::time::Duration;

/// Ends the process with exit code 1 and a message for a person: what happened and what to do.
pub fn stop(message: &str) -> ! {
    tracing::error!("{message}");
    say(&format!("lectern-server stops: {message}"));
    std::process::exit(1)
}

/// Ends the process on the spot, running nothing that might write or answer: a sync failed.
pub fn abort(message: &str) -> ! {
    say(&format!("lectern-server aborts: {message}"));
    std::process::abort()
}

/// Ends the process if it is still there after `limit`, whatever holds it up.
pub fn stop_within(limit: Duration, message: &'static str) -> io::Result<()> {
    let watch = move || {
        std::thread::sleep(limit);
        stop(message)
    };
    std::thread::Builder::new().name("end".into()).spawn(watch).map(drop)
}

/// Makes a panic in any thread end the process, with its message.
pub fn abort_on_panic() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("unnamed");
        abort(&format!("thread `{name}` panicked, which is a bug: {panic}\n{}", Backtrace::force_capture()));
    }));
}

/// A line on standard error, also when nobody reads it any more.
fn say(line: &str) {
    let mut stderr = std::io::stderr().lock();
    let _unreadable = writeln!(stderr, "{line}").and_then(|()| stderr.flush());
}
