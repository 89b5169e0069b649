//! Time in the replicated state: it moves with every command, and what is due happens when it passes.

use lectern_proto::internal::v1::{Advance, ClusterRecord, OutageRecord, RaiseFeatureLevel};

use crate::context::Tx;
use crate::keys::key1;
use crate::overlay::Overlay;
use crate::refusal::Result;
use crate::store::encode;
use crate::tables::Table;
use crate::{idempotency, levels, lookup, rows};

/// Idempotency records forgotten by one `Advance`.
const EXPIRED_KEYS_PER_ADVANCE: usize = 100;

/// Keeps the time of the command just applied: time in apply never runs backwards.
pub(crate) fn record_time(store: &mut Overlay<'_>, mut cluster: ClusterRecord, now_ms: i64) {
    if cluster.now_ms < now_ms {
        cluster.now_ms = now_ms;
        store.put(Table::Cluster, lookup::CLUSTER_KEY.to_vec(), encode(&cluster));
    }
}

/// Time passes. At the start of a term the gap since the last leader was heard of is kept as an outage.
pub(crate) fn advance(tx: &mut Tx<'_, '_>, command: &Advance) -> Result<()> {
    let now_ms = tx.now_ms();
    if let Some(started_at_ms) = command.leaderless_since_ms
        && started_at_ms < now_ms
    {
        let outage = OutageRecord { started_at_ms, ended_at_ms: now_ms };
        tx.put(Table::Outages, key1(started_at_ms), &outage);
    }
    idempotency::forget_expired(tx.store, now_ms, EXPIRED_KEYS_PER_ADVANCE)?;
    crate::schedule::run_due(tx)
}

/// Raises what apply may do, once every member understands it; never lowers it.
pub(crate) fn raise_feature_level(tx: &mut Tx<'_, '_>, command: &RaiseFeatureLevel) -> Result<()> {
    let mut cluster = lookup::cluster(tx.store)?;
    let before = cluster.feature_level;
    cluster.feature_level = before.max(command.level);
    tx.put(Table::Cluster, lookup::CLUSTER_KEY.to_vec(), &cluster);
    if (before + 1..=cluster.feature_level).contains(&levels::GRADING) {
        rows::begin(tx)?;
    }
    Ok(())
}
