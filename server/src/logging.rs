//! Logs on standard error.

use std::collections::HashMap;
use std::env::VarError;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata};
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::FilterExt as _;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::cli::Problem;
use crate::config::{Log, LogFormat};

/// The environment variable that says what is logged, before the configuration does.
pub const FILTER_VARIABLE: &str = "LECTERN_LOG";

/// The library for HTTP/2, as it calls itself in the log.
const HTTP2: &str = "h2";
/// The same line about callers is told this often.
const TELL_EVERY: Duration = Duration::from_secs(10);

/// Sends everything that is logged from now on to standard error.
pub fn start(log: &Log) -> Result<(), Problem> {
    let filter = match filter_of_environment()? {
        Some(filter) => filter,
        None => filter(&log.filter)?,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    // One that is of a type of its own for each format.
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.format {
        LogFormat::Human => lines.with_target(false).with_ansi(false).fmt_fields(for_people()).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let told = lines.with_filter(filter.and(Callers::default()));
    Ok(tracing_subscriber::registry().with(told).try_init()?)
}

/// What a filter lets through, or what is wrong with it. It names a level for all that it does not mention: a word that is no
/// level is the name of a part of the program, and everything else would be silent.
pub(crate) fn filter(text: &str) -> Result<EnvFilter, String> {
    let is_level = |directive: &str| directive.trim().parse::<LevelFilter>().is_ok() && !directive.trim().is_empty();
    let example = "such as info,raft=warn";
    if !text.split(',').any(is_level) {
        return Err(format!(
            "`{text}` has no level for everything (off, error, warn, info, debug or trace), {example}"
        ));
    }
    EnvFilter::builder().parse(text).map_err(|problem| format!("`{text}` is no filter, {example}: {problem}"))
}

/// What the environment says is logged, if it says anything.
pub(crate) fn filter_of_environment() -> Result<Option<EnvFilter>, String> {
    match std::env::var(FILTER_VARIABLE) {
        Ok(text) if !text.trim().is_empty() => {
            filter(&text).map(Some).map_err(|problem| format!("{FILTER_VARIABLE}: {problem}"))
        }
        Ok(_) | Err(VarError::NotPresent) => Ok(None),
        Err(problem @ VarError::NotUnicode(_)) => Err(format!("{FILTER_VARIABLE}: {problem}")),
    }
}

/// Lets each of the lines through once in a while that the library for HTTP/2 writes about callers: whoever resets streams by
/// the thousand would fill the disk with them.
#[derive(Default)]
struct Callers {
    told: Mutex<HashMap<Identifier, Instant>>,
}

impl Callers {
    fn lets_through(&self, line: Identifier, now: Instant) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match told.get(&line) {
            Some(before) if now.duration_since(*before) < TELL_EVERY => false,
            _ => {
                told.insert(line, now);
                true
            }
        }
    }
}

impl<S> Filter<S> for Callers {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        // Who asks for more than warnings of it wants to see all of it.
        let of_callers = metadata.target().starts_with(HTTP2) && *metadata.level() <= Level::WARN;
        if !of_callers {
            return true;
        }
        metrics::counter!("lectern_http2_warnings_total").increment(1);
        self.lets_through(metadata.callsite(), Instant::now())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_would_silence_everything_by_mistake_is_refused() {
        for sound in ["info", "info,raft=warn", "raft=warn, debug", "off", "WARN"] {
            filter(sound).expect(sound);
        }
        for nonsense in ["", "verbose", "raft=warn", "info,raft=loud", "info,[", " "] {
            filter(nonsense).expect_err(nonsense);
        }
    }

    #[test]
    fn a_flood_of_one_line_about_callers_is_one_line_and_others_are_told() {
        let subscriber = Lines::default();
        let lines = subscriber.0.clone();
        let registry = tracing_subscriber::registry().with(subscriber.with_filter(Callers::default()));
        tracing::subscriber::with_default(registry, || {
            for _ in 0..1_000 {
                tracing::warn!(target: "h2::proto::streams", "reset, reset");
                tracing::info!(target: "lectern", "own");
            }
            tracing::warn!(target: "h2::proto::streams", "another");
        });
        let lines = lines.lock().unwrap();
        let count = |target: &str| lines.iter().filter(|line| line.starts_with(target)).count();
        assert_eq!((count("h2"), count("lectern")), (2, 1_000));
    }

    /// Keeps the targets of all it is told.
    #[derive(Default)]
    struct Lines(std::sync::Arc<Mutex<Vec<String>>>);

    impl<S: tracing::Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            self.0.lock().unwrap().push(event.metadata().target().to_owned());
        }
    }
}
