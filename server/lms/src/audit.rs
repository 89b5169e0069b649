//! The audit trail: who changed what, when and why.

use lectern_proto::internal::v1::AuditRecord;
use lectern_proto::v1::{AuditEntry, EventKind, ListAuditRequest, ListAuditResponse};

use crate::actor::CourseAccess;
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{NO_ID, key2};
use crate::refusal::Result;
use crate::store::{Order, decode};
use crate::tables::Table;
use crate::{lookup, paging};

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

/// Entries of a course, for its instructors, or of the installation, for admins who name no course; newest first.
pub fn list_audit(view: &View<'_>, request: &ListAuditRequest) -> Result<ListAuditResponse> {
    let scope = if request.course.is_empty() {
        view.actor.require_admin()?;
        NO_ID.to_owned()
    } else {
        let access = CourseAccess::open(view.store, view.actor, &request.course)?;
        access.require_instructor()?;
        access.course.course_id
    };
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let pick = |_: &[u8], bytes: &[u8]| to_proto(view, decode(Table::Audit, bytes)?).map(Some);
    let (entries, next_page_token) =
        paging::collect(view.store, Table::Audit, scope.as_bytes(), Order::Descending, &page, pick)?;
    Ok(ListAuditResponse { entries, next_page_token })
}

fn to_proto(view: &View<'_>, record: AuditRecord) -> Result<AuditEntry> {
    let actor = match record.actor_user_id.as_str() {
        "" => None,
        user_id => Some(lookup::person(view.store, user_id)?),
    };
    Ok(AuditEntry {
        audit_id: record.audit_id,
        at_ms: record.at_ms,
        actor,
        action: record.action,
        subject: record.subject,
        before: record.before,
        after: record.after,
        reason: record.reason,
        index: record.index,
    })
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
