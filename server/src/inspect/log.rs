//! Entries of the log.

use std::collections::BTreeMap;
use std::io::Write;

use lectern_lms::{StoreExt as _, Table, keys::key1};
use lectern_proto::internal::v1::{Command, TokenRecord};
use lectern_raft::eraftpb::{ConfChangeSingle, Entry, EntryType};
use lectern_raft::{configuration_change, look_at_entries};
use prost::Message as _;
use serde_json::{Value, json};

use super::document::Document;
use super::message::{self, Messages};
use crate::cli::Problem;
use crate::store::{LogDb, StateDb};

/// Bytes of entries read at once.
const PAGE_BYTES: u64 = 4 << 20;

/// Which entries to show.
pub(super) struct Entries<'a> {
    pub(super) log: &'a LogDb,
    pub(super) messages: &'a Messages,
    pub(super) from: u64,
    pub(super) to: Option<u64>,
    pub(super) limit: usize,
}

/// Who has which token now, to name who acted without naming the token.
struct Actors<'a> {
    state: Option<&'a StateDb>,
    known: BTreeMap<Vec<u8>, Option<String>>,
}

impl Entries<'_> {
    /// Writes them: `entries`, then whether there are `more_entries`.
    pub(super) fn write(
        &self,
        document: &mut Document<'_, impl Write>,
        state: Option<&StateDb>,
    ) -> Result<(), Problem> {
        let mut actors = Actors { state, known: BTreeMap::new() };
        let (mut next, mut left) = (self.from, self.limit);
        document.list("entries")?;
        let more = 'pages: loop {
            let page = look_at_entries(self.log, next, PAGE_BYTES)?;
            if page.is_empty() {
                break false;
            }
            for (index, entry) in page {
                if self.to.is_some_and(|to| index > to) {
                    break 'pages false;
                }
                if left == 0 {
                    break 'pages true;
                }
                let row = match entry {
                    Ok(entry) => self.entry(&entry, &mut actors)?,
                    Err(problem) => json!({ "index": index, "problem": problem.to_string() }),
                };
                document.row(&row)?;
                left -= 1;
                next = index + 1;
            }
        };
        document.end_list()?;
        document.value("more_entries", &json!(more))?;
        Ok(())
    }

    fn entry(&self, entry: &Entry, actors: &mut Actors<'_>) -> Result<Value, Problem> {
        let mut row = json!({ "index": entry.index, "term": entry.term, "bytes": entry.data.len() });
        match entry.get_entry_type() {
            EntryType::EntryNormal if entry.data.is_empty() => row["kind"] = "empty".into(),
            EntryType::EntryNormal if self.cluster_change(&entry.data, &mut row) => {}
            EntryType::EntryNormal => {
                row["kind"] = "command".into();
                self.command(&entry.data, actors, &mut row)?;
            }
            EntryType::EntryConfChange | EntryType::EntryConfChangeV2 => {
                row["kind"] = "configuration".into();
                configuration(entry, &mut row);
            }
        }
        Ok(row)
    }

    /// A change of who belongs to the cluster, if that is what the entry is: it stands in the log beside commands.
    fn cluster_change(&self, data: &[u8], row: &mut Value) -> bool {
        let Ok(shown) = self.messages.decode("ClusterEntry", data) else { return false };
        let mut shown = message::to_json(&shown);
        let Some(change) = shown.get_mut("change").map(Value::take) else { return false };
        row["kind"] = "cluster".into();
        row["actor"] = change["operator"].clone();
        row["content"] = change;
        true
    }

    fn command(&self, data: &[u8], actors: &mut Actors<'_>, row: &mut Value) -> Result<(), Problem> {
        let (Ok(shown), Ok(command)) = (self.messages.decode("Command", data), Command::decode(data)) else {
            row["problem"] = "it is not a command that this program can read".into();
            return Ok(());
        };
        row["actor"] = actors.name(&command.token_id)?;
        let shown = message::to_json(&shown);
        // The body is the one field that is an object.
        let body = shown.as_object().and_then(|fields| fields.iter().find(|(_, value)| value.is_object()));
        row["command"] = body.map_or(Value::Null, |(name, _)| name.as_str().into());
        row["content"] = shown;
        Ok(())
    }
}

impl Actors<'_> {
    /// The user whose token it is as far as the state knows it today; `null` where the token is gone, or there was none.
    fn name(&mut self, token_id: &[u8]) -> Result<Value, Problem> {
        let Some(state) = self.state.filter(|_| !token_id.is_empty()) else { return Ok(Value::Null) };
        if !self.known.contains_key(token_id) {
            let token: Option<TokenRecord> = state.newest().record(Table::Tokens, &key1(token_id))?;
            self.known.insert(token_id.to_vec(), token.map(|token| token.user_id));
        }
        Ok(self.known[token_id].clone().map_or(Value::Null, Value::from))
    }
}

fn configuration(entry: &Entry, row: &mut Value) {
    let Some(change) = configuration_change(entry) else {
        row["problem"] = "it is not a change of the configuration that this program makes".into();
        return;
    };
    let step =
        |step: &ConfChangeSingle| json!({ "node": step.node_id, "change": format!("{:?}", step.get_change_type()) });
    row["steps"] = change.changes.iter().map(step).collect();
    row["leaves_joint"] = change.changes.is_empty().into();
}
