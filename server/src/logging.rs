//! Logs on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat};

/// The environment variable that says what is logged, before the configuration does.
pub const FILTER_VARIABLE: &str = "LECTERN_LOG";

/// Sends everything that is logged from now on to standard error.
pub fn start(log: &Log) -> Result<(), TryInitError> {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(&log.filter));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Human => builder.with_target(false).with_ansi(false).finish().try_init(),
        LogFormat::Json => builder.json().finish().try_init(),
    }
}

/// raft's own log, as part of this one.
pub(crate) fn raft_logger() -> slog::Logger {
    slog::Logger::root(tracing_slog::TracingSlogDrain, slog::o!())
}
