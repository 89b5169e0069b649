//! `lectern-server inspect`: what a stopped node holds, as one JSON document.
//!
//! The document is written as it is read, one row of a long list a line, so that a node of any size can be looked at. Nothing
//! in the directory is written, and the node cannot be started meanwhile.
//!
//! Secrets and their hashes are shown as `(secret)`: fields that the contract marks with `debug_redact`, and the parts of keys
//! that `lectern_lms::shapes` says are secret. The genesis, which holds the cluster's secret, is not read at all.

mod document;
mod log;
mod message;
mod tables;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use lectern_lms::{ALL_TABLES, Table, lookup, to_hex};
use lectern_proto::internal::v1::MembersRecord;
use lectern_raft::membership::{Record, Roster};
use lectern_raft::{Identity, LogView, decode_conf_state, eraftpb::ConfState};
use prost::Message as _;
use serde_json::{Value, json};

use crate::cli::Problem;
use crate::store::{DataDirError, DiskProblem, StateDb, StoppedNode};
use document::Document;
use message::Messages;

/// What stands in the place of a secret.
const SECRET: &str = "(secret)";
/// The format of the document.
const FORMAT: u32 = 1;

pub(crate) const HELP: &str = "Print what a stopped node holds, as one JSON document.

  lectern-server inspect --data DIR                            who it is, how far its log and its state are, the members
  lectern-server inspect --data DIR --log --from 1200          entries of its log
  lectern-server inspect --data DIR --table users --table submissions
  lectern-server inspect --data DIR --tables --limit 0         everything

Nothing is written. Passwords, tokens, one-time codes and their hashes are shown as (secret). A list that was cut at --limit
says \"more\": true. Rows of long lists are one a line, for tools that work by line.";

#[derive(Debug, Args)]
pub(crate) struct Inspect {
    /// The data directory of a stopped node
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Show entries of the log
    #[arg(long)]
    log: bool,
    /// The first entry to show
    #[arg(long, value_name = "INDEX", requires = "log")]
    from: Option<u64>,
    /// The last entry to show
    #[arg(long, value_name = "INDEX", requires = "log")]
    to: Option<u64>,
    /// Show the rows of all tables
    #[arg(long)]
    tables: bool,
    /// Show the rows of this table; may be repeated
    #[arg(long, value_name = "NAME", value_parser = parse_table, conflicts_with = "tables")]
    table: Vec<Table>,
    /// Only rows whose key begins so: an id, a name, or what the key begins with
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
    /// At most so many entries, and rows of each table; 0: all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

fn parse_table(name: &str) -> Result<Table, String> {
    let found = ALL_TABLES.iter().find(|table| tables::name(**table) == name).copied();
    found.ok_or_else(|| {
        let names: Vec<String> = ALL_TABLES.iter().map(|table| tables::name(*table)).collect();
        format!("there is no table {name}; there are {}", names.join(", "))
    })
}

impl Inspect {
    /// Writes the document. A reader that has seen enough ends it.
    pub(crate) fn run(&self, out: &mut impl Write) -> Result<(), Problem> {
        match self.write(out) {
            Err(problem) if is_broken_pipe(&problem) => Ok(()),
            written => written,
        }
    }

    fn write(&self, out: &mut impl Write) -> Result<(), Problem> {
        let node = StoppedNode::open(&self.data).map_err(|problem| match problem {
            DiskProblem::DataDir(DataDirError::Locked(path)) => Problem::from(format!(
                "a node is running on {}, or another command is at work there; stop it first (a running node is looked at with \
                 lectern-monitor)",
                path.display()
            )),
            problem => problem.into(),
        })?;
        let messages = Messages::new()?;
        let state = node.state()?;
        let limit = if self.limit == 0 { usize::MAX } else { self.limit };
        let mut document = Document::begin(out)?;
        document.value("format", &json!(FORMAT))?;
        document.value("identity", &identity(&node.view.identity))?;
        document.value("log", &log_json(&node.view))?;
        document.value(
            "state",
            &state.as_ref().map(|state| state_json(state, &messages)).transpose()?.unwrap_or(Value::Null),
        )?;
        if self.log {
            let from = self.from.unwrap_or(node.view.truncated.0 + 1);
            let entries = log::Entries { log: &node.log, messages: &messages, from, to: self.to, limit };
            entries.write(&mut document, state.as_ref())?;
        }
        let shown: &[Table] = if self.tables { ALL_TABLES } else { &self.table };
        if let (Some(state), false) = (&state, shown.is_empty()) {
            tables::write(&mut document, state, &messages, shown, self.key.as_deref(), limit)?;
        }
        document.end()?;
        Ok(())
    }
}

fn is_broken_pipe(problem: &Problem) -> bool {
    problem.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn identity(identity: &Identity) -> Value {
    json!({
        "cluster_id": identity.cluster_id,
        "epoch": identity.epoch,
        "node": identity.node,
        "incarnation": identity.incarnation,
    })
}

fn log_json(view: &LogView) -> Value {
    let hard_state = &view.hard_state;
    let incarnations: serde_json::Map<String, Value> =
        view.incarnations.iter().map(|(node, incarnation)| (node.to_string(), json!(incarnation))).collect();
    json!({
        "hard_state": { "term": hard_state.term, "vote": hard_state.vote, "commit": hard_state.commit },
        "truncated": { "index": view.truncated.0, "term": view.truncated.1 },
        "last": view.last,
        "founding": view.founding.as_ref().map(conf_state),
        "state_directory": view.state_directory,
        "recovery_unfinished": view.recovery_unfinished,
        "incarnations": incarnations,
        "removed": view.removed,
        "unmet": view.unmet,
    })
}

fn state_json(state: &StateDb, messages: &Messages) -> Result<Value, Problem> {
    let meta = state.meta()?;
    let cluster = lookup::cluster(&state.newest())?;
    Ok(json!({
        "index": meta.index,
        "term": meta.term,
        "chain": to_hex(&meta.chain),
        "configuration": decode_conf_state(&meta.conf_state).as_ref().map(conf_state),
        "members": state.members()?.map(|record| members_json(messages, &record)).transpose()?,
        "cluster_id": cluster.cluster_id,
        "feature_level": cluster.feature_level,
        "now_ms": cluster.now_ms,
        "founded_at_ms": cluster.founded_at_ms,
    }))
}

/// Who belongs to the cluster, as the state says beside `applied`.
fn members_json(messages: &Messages, record: &[u8]) -> Result<Value, Problem> {
    let mut shown = message::to_json(&messages.decode("MembersRecord", record)?);
    let roster = Roster::decode(&MembersRecord::decode(record)?.roster)?;
    let node = |(node, record): (&u64, &Record)| -> Result<Value, Problem> {
        Ok(json!({
            "node": node,
            "stage": format!("{:?}", record.stage).to_lowercase(),
            "drained": record.drained,
            "incarnation": record.incarnation,
            "card": message::to_json(&messages.decode("MemberCard", &record.card)?),
        }))
    };
    shown["roster"] = roster.records().iter().map(node).collect::<Result<_, _>>()?;
    Ok(shown)
}

fn conf_state(conf_state: &ConfState) -> Value {
    json!({
        "voters": conf_state.voters,
        "learners": conf_state.learners,
        "voters_outgoing": conf_state.voters_outgoing,
        "learners_next": conf_state.learners_next,
        "auto_leave": conf_state.auto_leave,
    })
}
