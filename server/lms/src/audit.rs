//! The audit trail: who changed what, when and why.

use lectern_proto::internal::v1::AuditRecord;
use lectern_proto::v1::EventKind;

use crate::context::{Audience, Tx};
use crate::keys::{NO_ID, key2};
use crate::tables::Table;

/// One change worth keeping.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The course, or empty for the installation.
    pub course_id: &'a str,
    /// What was done, such as `grade.set`.
    pub action: &'a str,
    /// To what, such as `cs101/hw1 ada`.
    pub subject: String,
    /// The value before; empty when there was none.
    pub before: String,
    /// The value after.
    pub after: String,
    /// Why, in the actor's words.
    pub reason: &'a str,
}

/// Writes the entry, in the running command's name and time.
pub fn write(tx: &mut Tx<'_, '_>, entry: Entry<'_>) {
    let audit_id = tx.ids.next_id();
    let scope = if entry.course_id.is_empty() { NO_ID } else { entry.course_id };
    let record = AuditRecord {
        audit_id: audit_id.clone(),
        at_ms: tx.now_ms(),
        actor_user_id: tx.actor.user_id().into(),
        action: entry.action.into(),
        subject: entry.subject,
        before: entry.before,
        after: entry.after,
        reason: entry.reason.into(),
        index: tx.context.index,
    };
    tx.put(Table::Audit, key2(scope, &audit_id), &record);
    let audience = if entry.course_id.is_empty() { Audience::Admins } else { Audience::Staff };
    tx.event(EventKind::Audit, entry.course_id, &audit_id, audience);
}
