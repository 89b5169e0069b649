//! Drafts: kept on the server with their revisions, for their writer alone.
//!
//! Every save is a new revision. When it was written on another revision than the latest, both are kept and the reply
//! names the one that came between: two laptops never overwrite each other. The last [`limits::DRAFT_REVISIONS`] are kept.

use lectern_proto::internal::v1::{DraftHeadRecord, DraftRevisionRecord};
use lectern_proto::v1::{self, EventKind};

use crate::actor::{Actor, CourseAccess};
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::{key2, key3};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, decode};
use crate::tables::Table;
use crate::{assignments, limits, paging, usage, validate};

/// Saves a revision of the caller's draft.
pub(crate) fn save_draft(tx: &mut Tx<'_, '_>, request: &v1::SaveDraftRequest) -> Result<v1::SaveDraftResponse> {
    let (access, assignment_id) = open(&*tx.store, &tx.actor, &request.course, &request.assignment)?;
    access.require_open()?;
    validate::body("the draft", &request.text, usize::try_from(limits::TEXT_BYTES).unwrap_or(usize::MAX))?;
    let device_label = validate::optional_line("device_label", &request.device_label)?;
    let user_id = tx.actor.user_id().to_owned();
    let head_key = key2(&assignment_id, &user_id);
    let head: Option<DraftHeadRecord> = tx.store.record(Table::Drafts, &head_key)?;
    let mut head = head.unwrap_or(DraftHeadRecord { latest_revision: 0, oldest_revision: 1 });
    let before = head.latest_revision;
    if request.base_revision > before {
        return refuse(
            Reason::InvalidArgument,
            format!("base_revision is {} and the latest is {before}; read the draft again", request.base_revision),
        );
    }
    head.latest_revision += 1;
    let revision = DraftRevisionRecord {
        revision: head.latest_revision,
        base_revision: request.base_revision,
        saved_at_ms: tx.now_ms(),
        device_label,
        text: request.text.clone(),
    };
    while head.latest_revision - head.oldest_revision >= limits::DRAFT_REVISIONS {
        let key = key3(&assignment_id, &user_id, head.oldest_revision);
        let oldest: Option<DraftRevisionRecord> = tx.store.record(Table::DraftRevisions, &key)?;
        let freed = oldest.map_or(0, |oldest| oldest.text.len());
        usage::free_text(tx, &access.course.course_id, Some(&user_id), freed)?;
        tx.delete(Table::DraftRevisions, key);
        head.oldest_revision += 1;
    }
    usage::charge_text(tx, &access.course, Some(&user_id), revision.text.len())?;
    tx.put(Table::DraftRevisions, key3(&assignment_id, &user_id, revision.revision), &revision);
    tx.put(Table::Drafts, head_key, &head);
    tx.event(EventKind::Draft, &access.course.course_id, &assignment_id, Audience::User(user_id));
    // The writer has the text; the reply, which is kept for repetitions, goes without.
    let saved = Some(to_proto(revision, false));
    Ok(v1::SaveDraftResponse { saved, conflicting_revision: (request.base_revision != before).then_some(before) })
}

/// One revision of the caller's draft, or the latest.
pub fn get_draft(view: &View<'_>, request: &v1::GetDraftRequest) -> Result<v1::GetDraftResponse> {
    let (_, assignment_id) = open(view.store, view.actor, &request.course, &request.assignment)?;
    let user_id = view.actor.user_id();
    let head: Option<DraftHeadRecord> = view.store.record(Table::Drafts, &key2(&assignment_id, user_id))?;
    let revision = match request.revision {
        0 => head.unwrap_or_default().latest_revision,
        revision => revision,
    };
    let found: Option<DraftRevisionRecord> =
        view.store.record(Table::DraftRevisions, &key3(&assignment_id, user_id, revision))?;
    let found = found.ok_or_else(|| match head {
        None => Refusal::new(Reason::NotFound, format!("you have no draft for `{}`", request.assignment)),
        Some(head) => Refusal::new(
            Reason::NotFound,
            format!(
                "no revision {revision} of your draft; {} to {} are kept",
                head.oldest_revision, head.latest_revision
            ),
        ),
    })?;
    Ok(v1::GetDraftResponse { draft: Some(to_proto(found, true)) })
}

/// The revisions of the caller's draft that are kept, newest first, without their texts.
pub fn list_draft_revisions(
    view: &View<'_>,
    request: &v1::ListDraftRevisionsRequest,
) -> Result<v1::ListDraftRevisionsResponse> {
    let (_, assignment_id) = open(view.store, view.actor, &request.course, &request.assignment)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let prefix = key2(&assignment_id, view.actor.user_id());
    let (revisions, next_page_token) =
        paging::collect(view.store, Table::DraftRevisions, &prefix, Order::Descending, &page, |_, bytes| {
            Ok(Some(to_proto(decode(Table::DraftRevisions, bytes)?, false)))
        })?;
    Ok(v1::ListDraftRevisionsResponse { revisions, next_page_token })
}

fn open(store: &dyn Store, actor: &Actor, course: &str, assignment: &str) -> Result<(CourseAccess, String)> {
    let access = CourseAccess::open(store, actor, course)?;
    access.require_student()?;
    let assignment = assignments::open(store, &access, assignment)?;
    Ok((access, assignment.assignment_id))
}

fn to_proto(record: DraftRevisionRecord, with_text: bool) -> v1::DraftRevision {
    v1::DraftRevision {
        revision: record.revision,
        base_revision: record.base_revision,
        saved_at_ms: record.saved_at_ms,
        device_label: record.device_label,
        text_bytes: record.text.len() as u64,
        text: if with_text { record.text } else { String::new() },
    }
}

#[cfg(test)]
#[path = "drafts_tests.rs"]
mod tests;
