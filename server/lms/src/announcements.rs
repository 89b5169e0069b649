//! Announcements: what the staff tells everyone in a course, and who has read it.

use lectern_proto::internal::v1::{AnnouncementRecord, CourseRecord};
use lectern_proto::v1::{self, EventKind};

use crate::actor::CourseAccess;
use crate::context::{Audience, PageRequest, Tx, View};
use crate::ids::is_id;
use crate::keys::{key1, key2};
use crate::refusal::{Reason, Refusal, Result};
use crate::store::{Order, Store, StoreExt, decode};
use crate::tables::Table;
use crate::{audit, limits, lookup, paging, usage, validate};

/// Announcements of one course that are looked at for the unread count, newest first.
const MAX_COUNTED: usize = 200;

pub(crate) fn create_announcement(
    tx: &mut Tx<'_, '_>,
    request: &v1::CreateAnnouncementRequest,
) -> Result<v1::CreateAnnouncementResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_staff()?;
    access.require_open()?;
    let title = validate::line("title", &request.title)?;
    validate::body("body", &request.body, limits::BODY_BYTES)?;
    usage::charge_text(tx, &access.course, None, title.len() + request.body.len())?;
    let record = AnnouncementRecord {
        announcement_id: tx.ids.next_id(),
        course_id: access.course.course_id.clone(),
        title,
        body: request.body.clone(),
        author_user_id: tx.actor.user_id().into(),
        created_at_ms: tx.now_ms(),
    };
    tx.put(Table::Announcements, key2(&record.course_id, &record.announcement_id), &record);
    tx.put_raw(Table::AnnouncementReads, key2(tx.actor.user_id(), &record.announcement_id), Vec::new());
    tx.event(EventKind::Announcement, &record.course_id, &record.announcement_id, Audience::Course);
    Ok(v1::CreateAnnouncementResponse { announcement: Some(to_proto(&tx.view(), &access, record)?) })
}

pub(crate) fn delete_announcement(
    tx: &mut Tx<'_, '_>,
    request: &v1::DeleteAnnouncementRequest,
) -> Result<v1::DeleteAnnouncementResponse> {
    let access = CourseAccess::open(tx.store, &tx.actor, &request.course)?;
    access.require_staff()?;
    access.require_open()?;
    let record = find(tx.store, &access, &request.announcement_id)?;
    let course_id = &access.course.course_id;
    usage::free_text(tx, course_id, None, record.title.len() + record.body.len())?;
    tx.delete(Table::Announcements, key2(course_id, &record.announcement_id));
    let entry = audit::Entry {
        course_id,
        action: "announcement.delete",
        subject: access.course.slug.clone(),
        before: record.title,
        ..audit::Entry::default()
    };
    audit::write(tx, entry);
    tx.event(EventKind::Announcement, course_id, &record.announcement_id, Audience::Course);
    Ok(v1::DeleteAnnouncementResponse {})
}

/// The announcements of a course, newest first.
pub fn list_announcements(
    view: &View<'_>,
    request: &v1::ListAnnouncementsRequest,
) -> Result<v1::ListAnnouncementsResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let rows = (Table::Announcements, &*key1(&access.course.course_id), Order::Descending);
    let (announcements, next_page_token) =
        paging::scan(view.store, rows, &page, |record| to_proto(view, &access, record).map(Some))?;
    Ok(v1::ListAnnouncementsResponse { announcements, next_page_token })
}

/// Marks an announcement as read by the actor.
pub(crate) fn mark_read(tx: &mut Tx<'_, '_>, access: &CourseAccess, announcement_id: &str) -> Result<()> {
    let record = find(tx.store, access, announcement_id)?;
    let key = key2(tx.actor.user_id(), &record.announcement_id);
    if !tx.store.contains(Table::AnnouncementReads, &key)? {
        tx.put_raw(Table::AnnouncementReads, key, Vec::new());
        let me = Audience::User(tx.actor.user_id().into());
        tx.event(EventKind::ReadState, &record.course_id, &record.announcement_id, me);
    }
    Ok(())
}

/// Those of the course's latest announcements that the caller has not read.
pub(crate) fn unread(view: &View<'_>, course: &CourseRecord) -> Result<Vec<v1::UnreadItem>> {
    let course_id = &course.course_id;
    let rows = view.store.prefix(Table::Announcements, &key1(course_id), None, Order::Descending, MAX_COUNTED)?;
    let mut unread = Vec::new();
    for (key, bytes) in rows {
        let announcement_id = &key[course_id.len()..];
        if view.store.contains(Table::AnnouncementReads, &key2(view.actor.user_id(), announcement_id))? {
            continue;
        }
        let record: AnnouncementRecord = decode(Table::Announcements, &bytes)?;
        unread.push(v1::UnreadItem {
            course_slug: course.slug.clone(),
            announcement_id: record.announcement_id,
            title: record.title,
            at_ms: record.created_at_ms,
            count: 1,
            ..v1::UnreadItem::default()
        });
    }
    Ok(unread)
}

fn find(store: &dyn Store, access: &CourseAccess, announcement_id: &str) -> Result<AnnouncementRecord> {
    let record = if is_id(announcement_id) {
        store.record(Table::Announcements, &key2(&access.course.course_id, announcement_id))?
    } else {
        None
    };
    let slug = &access.course.slug;
    record.ok_or_else(|| {
        Refusal::new(
            Reason::NotFound,
            format!("no announcement `{announcement_id}` in {slug}; list them for their ids"),
        )
        .into()
    })
}

fn to_proto(view: &View<'_>, access: &CourseAccess, record: AnnouncementRecord) -> Result<v1::Announcement> {
    let read = key2(view.actor.user_id(), &record.announcement_id);
    Ok(v1::Announcement {
        course_slug: access.course.slug.clone(),
        title: record.title,
        body: record.body,
        author: Some(lookup::person(view.store, &record.author_user_id)?),
        created_at_ms: record.created_at_ms,
        unread: !view.store.contains(Table::AnnouncementReads, &read)?,
        announcement_id: record.announcement_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Class;
    use lectern_proto::internal::v1::command::Body;
    use lectern_proto::v1::CourseState;

    fn announce(class: &mut Class, who: &str, title: &str) -> std::result::Result<v1::Announcement, String> {
        let request = v1::CreateAnnouncementRequest {
            course: "cs101".into(),
            title: title.into(),
            body: "See you there.".into(),
        };
        let response: v1::CreateAnnouncementResponse = class.world.run(who, Body::CreateAnnouncement(request))?;
        Ok(response.announcement.unwrap())
    }

    fn list(
        class: &Class,
        who: &str,
        page_size: u32,
        page_token: &str,
    ) -> std::result::Result<(Vec<(String, bool)>, String), String> {
        let request = v1::ListAnnouncementsRequest { course: "cs101".into(), page_size, page_token: page_token.into() };
        let page = class.world.ask(who, |view| list_announcements(view, &request))?;
        Ok((page.announcements.into_iter().map(|it| (it.title, it.unread)).collect(), page.next_page_token))
    }

    #[test]
    fn announcements_are_listed_newest_first_and_unread_until_they_are_read() {
        let mut class = Class::new();
        let first = announce(&mut class, "ines", "Welcome").unwrap();
        announce(&mut class, "tom", "Room change").unwrap();
        assert_eq!(class.world.events[0].audience, Audience::Course);
        announce(&mut class, "root", "Maintenance").unwrap();
        let (page, token) = list(&class, "ada", 2, "").unwrap();
        assert_eq!(page, [("Maintenance".into(), true), ("Room change".into(), true)]);
        assert_eq!(list(&class, "ada", 2, &token).unwrap(), (vec![("Welcome".into(), true)], String::new()));
        let read = v1::MarkReadRequest {
            course: "cs101".into(),
            announcement_id: first.announcement_id.clone(),
            ..v1::MarkReadRequest::default()
        };
        class.world.run::<v1::MarkReadResponse>("ada", Body::MarkRead(read.clone())).unwrap();
        assert_eq!(class.world.events.len(), 1);
        class.world.run::<v1::MarkReadResponse>("ada", Body::MarkRead(read)).unwrap();
        assert!(class.world.events.is_empty(), "read already");
        assert_eq!(list(&class, "ada", 2, &token).unwrap().0, [("Welcome".into(), false)]);
        assert_eq!(list(&class, "bob", 2, &token).unwrap().0, [("Welcome".into(), true)]);
        assert!(!first.unread, "its author knows it");
    }

    #[test]
    fn only_staff_announce_and_delete() {
        let mut class = Class::new();
        assert_eq!(announce(&mut class, "ada", "Party").unwrap_err(), "WRONG_ROLE");
        assert_eq!(announce(&mut class, "eve", "Party").unwrap_err(), "NOT_FOUND");
        assert_eq!(announce(&mut class, "ines", " ").unwrap_err(), "INVALID_ARGUMENT");
        assert_eq!(announce(&mut class, "ines", &"x".repeat(201)).unwrap_err(), "TOO_LONG");
        let announcement_id = announce(&mut class, "ines", "Welcome").unwrap().announcement_id;
        let request = v1::DeleteAnnouncementRequest { course: "cs101".into(), announcement_id };
        let delete = |class: &mut Class, who: &str| {
            class.world.run::<v1::DeleteAnnouncementResponse>(who, Body::DeleteAnnouncement(request.clone()))
        };
        assert_eq!(delete(&mut class, "bob").unwrap_err(), "WRONG_ROLE");
        delete(&mut class, "tom").unwrap();
        assert_eq!(delete(&mut class, "tom").unwrap_err(), "NOT_FOUND");
        assert_eq!(list(&class, "ada", 0, "").unwrap().0, []);
        class.course_state(CourseState::Completed);
        assert_eq!(announce(&mut class, "ines", "Too late").unwrap_err(), "WRONG_STATE");
    }

    #[test]
    fn a_page_token_opens_no_other_course() {
        let mut class = Class::new();
        announce(&mut class, "ines", "Welcome").unwrap();
        let token = crate::to_hex(class.other_course_id.as_bytes());
        assert_eq!(list(&class, "ada", 0, &token).unwrap_err(), "INVALID_ARGUMENT");
        assert_eq!(list(&class, "ada", 0, "zz").unwrap_err(), "INVALID_ARGUMENT");
        assert_eq!(list(&class, "eve", 0, "").unwrap_err(), "NOT_FOUND");
    }
}
