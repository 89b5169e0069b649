//! `watch`: changes as they happen, one a line.

use clap::Args;
use lectern_client::WatchItem;
use serde_json::json;

use crate::args::CourseArg;
use crate::{Result, Session, json, output, text};

/// What to watch.
#[derive(Args, Debug)]
pub struct WatchArgs {
    /// Only these courses.
    pub courses: Vec<CourseArg>,
}

/// Prints changes until interrupted or refused.
pub async fn run(args: &WatchArgs, session: &Session) -> Result<()> {
    let mut events = session.client().watch(0, args.courses.iter().map(ToString::to_string).collect());
    while let Some(item) = events.next().await {
        let (value, line) = match item? {
            WatchItem::Event(event) => {
                let value = json::event(&event);
                let kind = value["kind"].as_str().unwrap_or_default().replace('_', " ");
                let line = format!("{}  {:>8}  {kind} {}", text::time(event.at_ms), event.index, event.id);
                (value, line)
            }
            WatchItem::Resync { index } => {
                (json!({"index": index, "kind": "resync"}), format!("up to {index}: anything may have changed"))
            }
        };
        output::show(session.is_json(), value, || line);
    }
    Ok(())
}
