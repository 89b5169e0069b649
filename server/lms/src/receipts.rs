//! Receipts: the keys that sign them, and what they are made of.
//!
//! The state holds the public half of every key there ever was, and with each the salt from which nodes derive the private
//! half, together with their cluster's secret: nothing that is stored, logged or backed up can sign. The last key signs. Whoever
//! leads sets the first one, and another one where the state came from another cluster's backup; admins rotate it.

use lectern_proto::internal::v1::{ReceiptKeyRecord, SetReceiptKey};
use lectern_proto::v1;

use crate::context::{Tx, View};
use crate::keys::key1;
use crate::lookup;
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{attempts, audit, validate};

/// Keys there may ever be: all of them are told to every program that verifies.
const MAX_KEYS: usize = 500;
/// A salt, and a public key.
const KEY_BYTES: usize = 32;

/// What a node signs, and with which key.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The cluster that says so.
    pub cluster_id: String,
    /// What is stored.
    pub submission: v1::Submission,
    /// The key that signs now.
    pub key: ReceiptKeyRecord,
}

/// The key that signs now; none where the cluster has not come so far.
pub fn current_key(store: &dyn Store) -> StoreResult<Option<ReceiptKeyRecord>> {
    Ok(last(store)?.map(|(_, key)| key))
}

fn last(store: &dyn Store) -> StoreResult<Option<(Vec<u8>, ReceiptKeyRecord)>> {
    Ok(store.records(Table::ReceiptKeys, &[], None, Order::Descending, 1)?.into_iter().next())
}

/// What the receipt of an attempt says: for the student whose it is, and for the course's staff.
pub fn get_receipt(view: &View<'_>, request: &v1::GetReceiptRequest) -> Result<Facts> {
    let wanted = v1::GetSubmissionRequest {
        course: request.course.clone(),
        assignment: request.assignment.clone(),
        user: request.user.clone(),
        attempt: request.attempt,
    };
    let submission = attempts::get_submission(view, &wanted)?.submission.unwrap_or_default();
    let key = current_key(view.store)?.ok_or_else(not_yet)?;
    Ok(Facts { cluster_id: lookup::cluster(view.store)?.cluster_id, submission, key })
}

/// Why there are no receipts at the moment.
pub fn not_yet() -> Refusal {
    Refusal::new(
        Reason::WrongState,
        "this cluster does not sign receipts yet: it begins once all of its nodes run the new release; ask again then. What was \
         handed in is stored all the same",
    )
}

/// The public halves of all keys, for everybody.
pub fn list_receipt_keys(store: &dyn Store) -> Result<v1::ListReceiptKeysResponse> {
    let rows: Vec<(_, ReceiptKeyRecord)> = store.records(Table::ReceiptKeys, &[], None, Order::Ascending, MAX_KEYS)?;
    let keys = rows.into_iter().map(|(_, key)| to_proto(key)).collect();
    Ok(v1::ListReceiptKeysResponse { cluster_id: lookup::cluster(store)?.cluster_id, keys })
}

/// From now on another key signs.
pub(crate) fn set_receipt_key(tx: &mut Tx<'_, '_>, request: &SetReceiptKey) -> Result<v1::RotateReceiptKeyResponse> {
    tx.actor.require_admin()?;
    if request.salt.len() != KEY_BYTES || request.public_key.len() != KEY_BYTES || request.key_id.is_empty() {
        return refuse(Reason::InvalidArgument, "a receipt key is a salt and a public key of 32 bytes each, and an id");
    }
    let reason = validate::optional_line("reason", &request.reason)?;
    if tx.store.range(Table::ReceiptKeys, &[], None, Order::Ascending, MAX_KEYS)?.len() == MAX_KEYS {
        return refuse(Reason::TooMany, format!("the cluster has had {MAX_KEYS} keys already, which is the most"));
    }
    let before = last(&*tx.store)?;
    if let Some((place, key)) = &before {
        let retired = ReceiptKeyRecord { retired_at_ms: Some(tx.now_ms()), ..key.clone() };
        tx.put(Table::ReceiptKeys, place.clone(), &retired);
    }
    let key = ReceiptKeyRecord {
        key_id: request.key_id.clone(),
        public_key: request.public_key.clone(),
        salt: request.salt.clone(),
        created_at_ms: tx.now_ms(),
        retired_at_ms: None,
    };
    tx.put(Table::ReceiptKeys, key1(tx.context.index), &key);
    let entry = audit::Entry {
        action: "receipt_key.set",
        subject: "the key that signs receipts".into(),
        before: before.map(|(_, key)| key.key_id).unwrap_or_default(),
        after: key.key_id.clone(),
        reason: &reason,
        ..audit::Entry::default()
    };
    audit::write(tx, entry);
    Ok(v1::RotateReceiptKeyResponse { key: Some(to_proto(key)) })
}

fn to_proto(key: ReceiptKeyRecord) -> v1::ReceiptKey {
    let ReceiptKeyRecord { key_id, public_key, created_at_ms, retired_at_ms, salt: _ } = key;
    v1::ReceiptKey { key_id, public_key, created_at_ms, retired_at_ms }
}

#[cfg(test)]
#[path = "receipts_tests.rs"]
mod tests;
