//! A state that was restored from a backup begins another cluster.
//!
//! Everything in it stays but two things:
//!
//! * **The cluster's id.** Nodes and certificates of the old cluster have nothing to do with the new one.
//! * **Tokens.** A token that was revoked after the backup (a lost laptop, a person who left, a changed password) is valid in it
//!   again, and nobody knows which ones those are. So all of them end: people sign in again, scripts get new ones.
//!
//! Passwords and one-time codes are as they were: without them nobody could sign in at all. Time in the state is the backup's,
//! so that the first leader finds an outage from then until now, and dates that fell in it are extended.

use lectern_proto::internal::v1::{AuditRecord, ScheduleRecord, schedule_record::What};

use crate::keys::{NO_ID, key2};
use crate::lookup::{self, CLUSTER_KEY};
use crate::overlay::Overlay;
use crate::store::{Order, Store, StoreError, StoreExt, decode, encode};
use crate::tables::Table;

/// What a restored state is told.
#[derive(Clone, Copy, Debug)]
pub struct Restored<'a> {
    /// The new cluster's id.
    pub cluster_id: &'a str,
    /// The backup's, for the audit trail.
    pub backup_id: &'a str,
    /// A fresh ULID for the entry of the audit trail.
    pub audit_id: &'a str,
    /// The last entry that the state has applied.
    pub index: u64,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Tokens that are no longer valid.
    pub tokens: usize,
}

/// Makes a restored state that of a new cluster. The changes are in the overlay's running layer.
pub fn begin_anew(store: &mut Overlay<'_>, restored: Restored<'_>) -> Result<Ended, StoreError> {
    let mut cluster = lookup::cluster(store)?;
    let audit = AuditRecord {
        audit_id: restored.audit_id.into(),
        at_ms: cluster.now_ms,
        action: "cluster.restore".into(),
        subject: format!("backup {}", restored.backup_id),
        before: format!("cluster {}", cluster.cluster_id),
        after: format!("cluster {}", restored.cluster_id),
        index: restored.index,
        ..AuditRecord::default()
    };
    store.put(Table::Audit, key2(NO_ID, restored.audit_id), encode(&audit));
    cluster.cluster_id = restored.cluster_id.into();
    store.put(Table::Cluster, CLUSTER_KEY.to_vec(), encode(&cluster));
    let tokens = store.range(Table::Tokens, &[], None, Order::Ascending, usize::MAX)?;
    for (key, _) in &tokens {
        store.delete(Table::Tokens, key.clone());
    }
    for (key, _) in store.range(Table::TokensByUser, &[], None, Order::Ascending, usize::MAX)? {
        store.delete(Table::TokensByUser, key);
    }
    for (key, value) in store.prefix(Table::Schedule, &[], None, Order::Ascending, usize::MAX)? {
        let entry: ScheduleRecord = decode(Table::Schedule, &value)?;
        if matches!(entry.what, Some(What::TokenId(_))) {
            store.delete(Table::Schedule, key);
        }
    }
    Ok(Ended { tokens: tokens.len() })
}

#[cfg(test)]
mod tests {
    use lectern_proto::internal::v1::{IssueToken, command::Body};
    use lectern_proto::v1::{AccountRights, SignInResponse};

    use super::*;
    use crate::testing::{World, token};

    #[test]
    fn a_restored_state_is_another_clusters_and_nobody_is_signed_in() {
        let mut world = World::new();
        let root = world.person("root", AccountRights { admin: true, ..AccountRights::default() });
        let body = Body::IssueToken(IssueToken {
            user_id: root,
            password_version: 1,
            new_token_id: vec![7; 32],
            name: String::new(),
            lifetime_ms: 60_000,
        });
        world.run::<SignInResponse>("", body).unwrap();
        let (tables, users) = ([Table::Tokens, Table::TokensByUser, Table::Schedule], world.store.len(Table::Users));
        assert_eq!(tables.map(|table| world.store.len(table)), [2, 2, 1]);
        let id = world.id();
        let restored = Restored { cluster_id: "NEW", backup_id: "B", audit_id: &id, index: 9 };
        let mut overlay = Overlay::new(&world.store);
        assert_eq!(begin_anew(&mut overlay, restored).unwrap(), Ended { tokens: 2 });
        overlay.keep();
        let changes = overlay.into_changes();
        world.store.commit(changes);
        assert_eq!(tables.map(|table| world.store.len(table)), [0, 0, 0]);
        assert_eq!(world.store.len(Table::Users), users);
        assert_eq!(lookup::cluster(&world.store).unwrap().cluster_id, "NEW");
        assert!(world.store.get(Table::Tokens, &token("root")).unwrap().is_none());
        let audit: AuditRecord = world.store.record(Table::Audit, &key2(NO_ID, &id)).unwrap().unwrap();
        assert_eq!((audit.action.as_str(), audit.after.as_str()), ("cluster.restore", "cluster NEW"));
    }
}
