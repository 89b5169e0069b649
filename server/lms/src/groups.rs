//! Assignment groups: how the assignments of a course count beside each other, and which of them are dropped.
//!
//! Instructors write them, everyone in the course may read them. An assignment names its group by id in its settings; a group
//! goes only when no assignment names it.

use lectern_proto::internal::v1::{AssignmentGroupRecord, AssignmentRecord};
use lectern_proto::v1::{self, AssignmentGroup, AssignmentGroupSettings, EventKind};

use crate::actor::CourseAccess;
use crate::context::{Audience, Tx};
use crate::keys::{key1, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{audit, levels, limits, lookup, paging, validate};

/// A weight of 100 %.
const FULL_WEIGHT: u32 = 10_000;

/// Adds a group.
pub(crate) fn create_assignment_group(
    tx: &mut Tx<'_, '_>,
    request: &v1::CreateAssignmentGroupRequest,
) -> Result<v1::CreateAssignmentGroupResponse> {
    let access = open_for_change(tx, &request.course)?;
    let course_id = &access.course.course_id;
    validate::slug("slug", &request.slug)?;
    let settings = checked(&*tx.store, course_id, request.settings.as_ref())?;
    let there = list(&*tx.store, course_id)?;
    if there.iter().any(|group| group.slug == request.slug) {
        let (course, slug) = (&access.course.slug, &request.slug);
        return refuse(Reason::DuplicateName, format!("{course} has a group `{slug}`; choose another slug"));
    }
    if there.len() >= limits::GROUPS_PER_COURSE {
        let limit = limits::GROUPS_PER_COURSE;
        return refuse(Reason::TooMany, format!("{} has {limit} groups, which is the limit", access.course.slug));
    }
    let group = AssignmentGroup {
        group_id: tx.ids.next_id(),
        slug: request.slug.clone(),
        settings: Some(settings),
        revision: 1,
    };
    write_audit(tx, &access, "group.create", "", None, Some(&group));
    put(tx, course_id, &group);
    Ok(v1::CreateAssignmentGroupResponse { group: Some(group) })
}

/// Replaces a group's settings.
pub(crate) fn update_assignment_group(
    tx: &mut Tx<'_, '_>,
    request: &v1::UpdateAssignmentGroupRequest,
) -> Result<v1::UpdateAssignmentGroupResponse> {
    let access = open_for_change(tx, &request.course)?;
    let course_id = &access.course.course_id;
    let before = open(&*tx.store, &access, &request.group)?;
    let reason = validate::optional_line("reason", &request.reason)?;
    if before.revision != request.revision {
        let slug = &before.slug;
        return Err(Refusal::new(
            Reason::StaleRevision,
            format!("the group `{slug}` was changed by somebody else; read it again and repeat your change"),
        )
        .with("revision", before.revision)
        .into());
    }
    let settings = checked(&*tx.store, course_id, request.settings.as_ref())?;
    let group = AssignmentGroup { settings: Some(settings), revision: before.revision + 1, ..before.clone() };
    write_audit(tx, &access, "group.update", &reason, Some(&before), Some(&group));
    put(tx, course_id, &group);
    Ok(v1::UpdateAssignmentGroupResponse { group: Some(group) })
}

/// Deletes a group that no assignment names.
pub(crate) fn delete_assignment_group(
    tx: &mut Tx<'_, '_>,
    request: &v1::DeleteAssignmentGroupRequest,
) -> Result<v1::DeleteAssignmentGroupResponse> {
    let access = open_for_change(tx, &request.course)?;
    let course_id = &access.course.course_id;
    let group = open(&*tx.store, &access, &request.group)?;
    let reason = validate::optional_line("reason", &request.reason)?;
    let mut members = Vec::new();
    let limit = limits::ASSIGNMENTS_PER_COURSE;
    paging::each(&*tx.store, Table::Assignments, &key1(course_id), limit, |assignment: AssignmentRecord| {
        let names_it = assignment.settings.is_some_and(|settings| settings.group == group.group_id);
        if names_it && !assignment.deleted {
            members.push(assignment.slug);
        }
        Ok(())
    })?;
    if !members.is_empty() {
        let (slug, members) = (&group.slug, members.join(", "));
        return refuse(
            Reason::WrongState,
            format!("the group `{slug}` has assignments: {members}; put them in another group first"),
        );
    }
    write_audit(tx, &access, "group.delete", &reason, Some(&group), None);
    tx.delete(Table::AssignmentGroups, key2(course_id, &group.group_id));
    tx.event(EventKind::Grading, course_id, &group.group_id, Audience::Course);
    Ok(v1::DeleteAssignmentGroupResponse {})
}

/// The groups of a course, in the order in which they were made.
pub(crate) fn list(store: &dyn Store, course_id: &str) -> StoreResult<Vec<AssignmentGroup>> {
    let rows: Vec<(_, AssignmentGroupRecord)> =
        store.records(Table::AssignmentGroups, &key1(course_id), None, Order::Ascending, limits::GROUPS_PER_COURSE)?;
    Ok(rows.into_iter().filter_map(|(_, record)| record.group).collect())
}

/// The groups as students may know them: what is never dropped names published assignments alone.
pub(crate) fn without_unpublished(
    mut groups: Vec<AssignmentGroup>,
    published: &[AssignmentRecord],
) -> Vec<AssignmentGroup> {
    let is_published = |id: &String| published.iter().any(|assignment| assignment.assignment_id == *id);
    for settings in groups.iter_mut().filter_map(|group| group.settings.as_mut()) {
        settings.never_drop.retain(is_published);
    }
    groups
}

/// The id of the group that an assignment's settings name by slug or id; empty for none, and where there are none yet.
pub(crate) fn named(store: &dyn Store, course_id: &str, slug_or_id: &str) -> Result<String> {
    if slug_or_id.is_empty() || !levels::has_grading(store)? {
        return Ok(String::new());
    }
    let found = list(store, course_id)?.into_iter().find(|group| is_named(group, slug_or_id));
    match found {
        Some(group) => Ok(group.group_id),
        None => refuse(Reason::NotFound, format!("there is no assignment group `{slug_or_id}`; create it first")),
    }
}

fn is_named(group: &AssignmentGroup, slug_or_id: &str) -> bool {
    group.slug == slug_or_id || group.group_id == slug_or_id
}

fn open(store: &dyn Store, access: &CourseAccess, slug_or_id: &str) -> Result<AssignmentGroup> {
    let found = list(store, &access.course.course_id)?.into_iter().find(|group| is_named(group, slug_or_id));
    found.ok_or_else(|| {
        let message = format!("no assignment group `{slug_or_id}` in {}", access.course.slug);
        Refusal::new(Reason::NotFound, message).into()
    })
}

fn open_for_change(tx: &Tx<'_, '_>, course: &str) -> Result<CourseAccess> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, course)?;
    access.require_instructor()?;
    access.require_open()?;
    Ok(access)
}

/// The settings in their stored form: assignments by id.
fn checked(
    store: &dyn Store,
    course_id: &str,
    settings: Option<&AssignmentGroupSettings>,
) -> Result<AssignmentGroupSettings> {
    let Some(settings) = settings else { return refuse(Reason::InvalidArgument, "settings are missing") };
    let mut settings = settings.clone();
    settings.name = validate::line("name", &settings.name)?;
    if settings.weight > FULL_WEIGHT {
        return refuse(Reason::InvalidArgument, "a group's weight is at most 100 %");
    }
    let most = u32::try_from(limits::ASSIGNMENTS_PER_COURSE).unwrap_or(u32::MAX);
    if settings.drop_lowest > most || settings.drop_highest > most || settings.never_drop.len() > most as usize {
        return refuse(Reason::InvalidArgument, format!("a course has at most {most} assignments to drop or to keep"));
    }
    let mut ids = Vec::new();
    for name in &settings.never_drop {
        let Some(assignment) = lookup::assignment(store, course_id, name)? else {
            return refuse(Reason::NotFound, format!("never_drop names `{name}`, and there is no such assignment"));
        };
        if !ids.contains(&assignment.assignment_id) {
            ids.push(assignment.assignment_id);
        }
    }
    settings.never_drop = ids;
    Ok(settings)
}

fn put(tx: &mut Tx<'_, '_>, course_id: &str, group: &AssignmentGroup) {
    let record = AssignmentGroupRecord { course_id: course_id.into(), group: Some(group.clone()) };
    tx.put(Table::AssignmentGroups, key2(course_id, &group.group_id), &record);
    tx.event(EventKind::Grading, course_id, &group.group_id, Audience::Course);
}

fn write_audit(
    tx: &mut Tx<'_, '_>,
    access: &CourseAccess,
    action: &str,
    reason: &str,
    before: Option<&AssignmentGroup>,
    after: Option<&AssignmentGroup>,
) {
    let slug = before.or(after).map_or("", |group| &group.slug);
    let entry = audit::Entry {
        course_id: &access.course.course_id,
        action,
        subject: format!("{}/{slug}", access.course.slug),
        before: before.map(in_words).unwrap_or_default(),
        after: after.map(in_words).unwrap_or_default(),
        reason,
    };
    audit::write(tx, entry);
}

/// Such as `Homework, weight 40.00 %, drops 1 lowest, 0 highest, never 2 assignments`.
fn in_words(group: &AssignmentGroup) -> String {
    let settings = group.settings.clone().unwrap_or_default();
    let weight = lectern_grading::Percent(settings.weight.into());
    let never = validate::count(settings.never_drop.len(), "assignment");
    format!(
        "{}, weight {weight} %, drops {} lowest and {} highest, never {never}",
        settings.name, settings.drop_lowest, settings.drop_highest
    )
}

#[cfg(test)]
#[path = "groups_tests.rs"]
mod tests;
