//! Logs on standard error.

use std::fmt::Debug;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};

use crate::config::{Log, LogFormat};

/// The environment variable that says what is logged, before the configuration does.
pub const FILTER_VARIABLE: &str = "LECTERN_LOG";

/// Sends everything that is logged from now on to standard error.
pub fn start(log: &Log) -> Result<(), TryInitError> {
    let filter = EnvFilter::try_from_env(FILTER_VARIABLE).unwrap_or_else(|_| EnvFilter::new(&log.filter));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Human => builder.with_target(false).with_ansi(false).fmt_fields(for_people()).finish().try_init(),
        LogFormat::Json => builder.json().finish().try_init(),
    }
}

/// A message and its fields, without those that say where in its source raft logs.
fn for_people() -> impl for<'writer> FormatFields<'writer> {
    let fields = debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| match field.name() {
        "message" => write!(writer, "{value:?}"),
        name if name.starts_with("slog.") => Ok(()),
        name => write!(writer, "{name}={value:?}"),
    });
    fields.delimited(" ")
}

/// raft's own log, as part of this one.
pub(crate) fn raft_logger() -> slog::Logger {
    slog::Logger::root(tracing_slog::TracingSlogDrain, slog::o!())
}
