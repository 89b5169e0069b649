//! Who belongs to the cluster, as the state holds it.

use lectern_raft::membership::{Record, Roster, Stage};
use lectern_raft::{NodeId, OpenError};
use prost_reflect::{DynamicMessage, Value as Field};
use serde_json::{Value, json};

use super::message::{self, Messages};
use crate::cli::Problem;
use crate::store::StateDb;

/// The nodes with their cards, the tokens that nodes join with, and what happened; `null` in a state that was never told of a
/// change.
pub(super) fn members(state: &StateDb, messages: &Messages) -> Result<Value, Problem> {
    let Some(record) = state.members()? else { return Ok(Value::Null) };
    let record = messages.decode("MembersRecord", &record)?;
    let roster = Roster::decode(&encoded_roster(&record)).map_err(|problem: OpenError| problem.to_string())?;
    let mut shown = message::to_json(&record);
    let nodes = roster.records().iter().map(|(node, record)| node_json(*node, record, messages));
    shown["roster"] = nodes.collect::<Result<Vec<_>, Problem>>()?.into();
    Ok(shown)
}

fn encoded_roster(record: &DynamicMessage) -> Vec<u8> {
    let field = record.get_field_by_name("roster");
    field.as_deref().and_then(Field::as_bytes).map(|bytes| bytes.to_vec()).unwrap_or_default()
}

fn node_json(node: NodeId, record: &Record, messages: &Messages) -> Result<Value, Problem> {
    let stage = match record.stage {
        Stage::Enrolled => "enrolled",
        Stage::Member => "member",
        Stage::Leaving => "leaving",
        Stage::Removed => "removed",
    };
    let card = messages.decode("MemberCard", &record.card)?;
    Ok(json!({
        "node": node,
        "stage": stage,
        "drained": record.drained,
        "incarnation": record.incarnation,
        "card": message::to_json(&card),
    }))
}
