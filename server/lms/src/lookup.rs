//! Finding things by the names people use: slugs, usernames, ids.

use lectern_proto::internal::v1::{AssignmentRecord, ClusterRecord, CourseRecord, UserRecord};
use lectern_proto::v1::PersonRef;

use crate::ids::is_id;
use crate::keys::{key1, key2};
use crate::store::{Store, StoreError, StoreExt};
use crate::tables::Table;

/// The key of the one record in [`Table::Cluster`].
pub const CLUSTER_KEY: &[u8] = b"cluster";

/// The cluster's record; the default one before it is founded.
pub fn cluster(store: &dyn Store) -> Result<ClusterRecord, StoreError> {
    Ok(store.record(Table::Cluster, CLUSTER_KEY)?.unwrap_or_default())
}

/// A user by id, or by username in any case.
pub fn user(store: &dyn Store, name_or_id: &str) -> Result<Option<UserRecord>, StoreError> {
    if is_id(name_or_id)
        && let Some(user) = store.record(Table::Users, &key1(name_or_id))?
    {
        return Ok(Some(user));
    }
    match store.get(Table::UsersByName, name_or_id.to_lowercase().as_bytes())? {
        Some(id) => store.record(Table::Users, &id),
        None => Ok(None),
    }
}

/// A person as others see them; empty fields when the account is gone.
pub fn person(store: &dyn Store, user_id: &str) -> Result<PersonRef, StoreError> {
    let record: Option<UserRecord> = store.record(Table::Users, &key1(user_id))?;
    let user = record.and_then(|record| record.user).unwrap_or_default();
    Ok(PersonRef { user_id: user_id.into(), username: user.username, name: user.name })
}

/// A course by slug or id.
pub fn course(store: &dyn Store, slug_or_id: &str) -> Result<Option<CourseRecord>, StoreError> {
    if is_id(slug_or_id)
        && let Some(course) = store.record(Table::Courses, &key1(slug_or_id))?
    {
        return Ok(Some(course));
    }
    match store.get(Table::CoursesBySlug, slug_or_id.as_bytes())? {
        Some(id) => store.record(Table::Courses, &id),
        None => Ok(None),
    }
}

/// An assignment of a course by slug or id; deleted ones are not found.
pub fn assignment(
    store: &dyn Store,
    course_id: &str,
    slug_or_id: &str,
) -> Result<Option<AssignmentRecord>, StoreError> {
    let by_id = |id: &str| -> Result<Option<AssignmentRecord>, StoreError> {
        let record: Option<AssignmentRecord> = store.record(Table::Assignments, &key2(course_id, id))?;
        Ok(record.filter(|assignment| !assignment.deleted))
    };
    if is_id(slug_or_id)
        && let Some(found) = by_id(slug_or_id)?
    {
        return Ok(Some(found));
    }
    match store.get(Table::AssignmentsBySlug, &key2(course_id, slug_or_id))? {
        Some(id) => by_id(&String::from_utf8_lossy(&id)),
        None => Ok(None),
    }
}
