//! Accounts of the installation: made by admins and imports, never removed, only marked deleted.
//!
//! An account is `invited` until its one-time code is used, then `active`. Admins may suspend it, take that back, or
//! delete it for good; its record, its work and its audit trail stay, and its username is never given to another.

use lectern_proto::internal::v1::{ClusterRecord, FoundCluster, UserRecord};
use lectern_proto::v1::{
    AccountRights, CreateUserRequest, CreateUserResponse, EnrollmentState, EventKind, GetUserRequest, GetUserResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse, User, UserEnrollment, UserState,
};

use crate::actor::CourseAccess;
use crate::audit::{self, Entry};
use crate::context::{Audience, PageRequest, Tx, View};
use crate::keys::key1;
use crate::lookup::{self, CLUSTER_KEY};
use crate::refusal::{Failure, Reason, Refusal, Result, refuse};
use crate::store::{Order, Store, StoreError, StoreExt, decode};
use crate::tables::Table;
use crate::{auth, enrollments, limits, paging, validate};

/// The feature level a new cluster begins with.
const FIRST_FEATURE_LEVEL: u32 = 1;
/// How long the first admin's code works, in milliseconds: 30 days.
const FOUNDING_CODE_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// The cluster's first command: its identity and its first admin, invited by a one-time code.
pub(crate) fn found_cluster(tx: &mut Tx<'_, '_>, request: &FoundCluster) -> Result<()> {
    let before = lookup::cluster(tx.store)?;
    if !before.cluster_id.is_empty() {
        return refuse(Reason::WrongState, format!("this cluster is founded already, as {}", before.cluster_id));
    }
    if request.cluster_id.is_empty() {
        return refuse(Reason::InvalidArgument, "cluster_id is empty");
    }
    let founded = ClusterRecord {
        cluster_id: request.cluster_id.clone(),
        feature_level: before.feature_level.max(FIRST_FEATURE_LEVEL),
        now_ms: before.now_ms,
        founded_at_ms: tx.now_ms(),
    };
    tx.put(Table::Cluster, CLUSTER_KEY.to_vec(), &founded);
    let username = username(&request.admin_username)?;
    let rights = AccountRights { admin: true, ..AccountRights::default() };
    let admin = User { name: username.clone(), username, rights: Some(rights), ..User::default() };
    let mut record = create(tx, admin, "founding of the cluster");
    record.code_hash.clone_from(&request.admin_code_hash);
    record.code_expires_at_ms = tx.now_ms() + FOUNDING_CODE_MS;
    save(tx, &record);
    Ok(())
}

/// Makes an account, invited and without a code: an admin issues that separately.
pub(crate) fn create_user(tx: &mut Tx<'_, '_>, request: &CreateUserRequest) -> Result<CreateUserResponse> {
    tx.actor.require_admin()?;
    let user = User {
        username: username(&request.username)?,
        sis_user_id: validate::optional_line("sis_user_id", &request.sis_user_id)?,
        name: validate::line("name", &request.name)?,
        email: email(&request.email)?,
        time_zone: request.time_zone.clone(),
        rights: request.rights,
        ..User::default()
    };
    validate::time_zone(&user.time_zone)?;
    require_separate_tutor(user.rights.unwrap_or_default())?;
    if tx.store.contains(Table::UsersByName, &key1(&user.username))? {
        return refuse(Reason::DuplicateName, format!("the username `{}` is taken; choose another", user.username));
    }
    if !user.sis_user_id.is_empty() && tx.store.contains(Table::UsersBySis, &key1(&user.sis_user_id))? {
        return refuse(Reason::DuplicateName, format!("another account has the SIS id `{}`", user.sis_user_id));
    }
    Ok(CreateUserResponse { user: create(tx, user, "").user })
}

/// Stores a new invited account whose names were checked to be free.
pub(crate) fn create(tx: &mut Tx<'_, '_>, user: User, reason: &str) -> UserRecord {
    let user = User {
        user_id: tx.ids.next_id(),
        state: UserState::Invited.into(),
        rights: Some(user.rights.unwrap_or_default()),
        created_at_ms: tx.now_ms(),
        ..user
    };
    let id = user.user_id.clone();
    tx.put_raw(Table::UsersByName, key1(&user.username), id.clone().into_bytes());
    if !user.sis_user_id.is_empty() {
        tx.put_raw(Table::UsersBySis, key1(&user.sis_user_id), id.into_bytes());
    }
    let after = match rights_in_words(user.rights) {
        rights if rights.is_empty() => "invited".into(),
        rights => format!("invited, {rights}"),
    };
    let subject = user.username.clone();
    audit::write(tx, Entry { action: "account.create", subject, after, reason, ..Entry::default() });
    let record = UserRecord { user: Some(user), ..UserRecord::default() };
    save(tx, &record);
    record
}

/// Stores a changed account and tells its owner and the admins.
pub(crate) fn save(tx: &mut Tx<'_, '_>, record: &UserRecord) {
    let id = record.user.as_ref().expect("every account record holds its user").user_id.clone();
    tx.put(Table::Users, key1(&id), record);
    tx.event(EventKind::Account, "", &id, Audience::Admins);
    tx.event(EventKind::Account, "", &id, Audience::User(id.clone()));
}

/// Changes an account's name, address, zone, rights or state.
pub(crate) fn update_user(tx: &mut Tx<'_, '_>, request: &UpdateUserRequest) -> Result<UpdateUserResponse> {
    tx.actor.require_admin()?;
    let mut record = existing(tx.store, &request.user)?;
    let mut user = record.user.clone().unwrap_or_default();
    let before = user.clone();
    if before.state() == UserState::Deleted {
        return refuse(Reason::WrongState, format!("{} is deleted; that cannot be undone", before.username));
    }
    let reason = validate::optional_line("reason", &request.reason)?;
    if let Some(name) = &request.name {
        user.name = validate::line("name", name)?;
    }
    if let Some(address) = &request.email {
        user.email = email(address)?;
    }
    if let Some(zone) = &request.time_zone {
        validate::time_zone(zone)?;
        user.time_zone.clone_from(zone);
    }
    user.rights = Some(request.rights.or(user.rights).unwrap_or_default());
    if user.rights.unwrap_or_default().tutor != before.rights.unwrap_or_default().tutor {
        return refuse(
            Reason::InvalidArgument,
            "an account is a tutor's from its beginning or never; create another one for the tutor",
        );
    }
    require_separate_tutor(user.rights.unwrap_or_default())?;
    if request.state.is_some() {
        user.set_state(next_state(&record, request.state())?);
    }
    if is_active_admin(&before) && !is_active_admin(&user) {
        require_another_admin(tx.store, &user.user_id)?;
    }
    write_audit(tx, &before, &user, &reason);
    let state = user.state();
    if user.rights != before.rights && !record.ever_activated {
        // Whoever made the open code did so for an account with other rights: an instructor must not come to an
        // administrator's account by having handed its code out earlier.
        record.code_hash.clear();
        record.code_expires_at_ms = 0;
    }
    record.user = Some(user.clone());
    if state != before.state() && matches!(state, UserState::Suspended | UserState::Deleted) {
        record.code_hash.clear();
        record.code_expires_at_ms = 0;
        auth::revoke_all(tx, &user.user_id, None)?;
    }
    if state == UserState::Deleted {
        record.password_hash.clear();
        record.password_version += 1;
        enrollments::leave_all(tx, &user.user_id)?;
    }
    save(tx, &record);
    Ok(UpdateUserResponse { user: Some(user) })
}

/// A tutor's account has no other right: whoever takes the tutor's machine over must come to nothing by it.
fn require_separate_tutor(rights: AccountRights) -> Result<()> {
    if rights.tutor && (rights.admin || rights.course_creator || rights.operator) {
        return refuse(
            Reason::InvalidArgument,
            "an account of a tutor has no other right; create one for the tutor alone",
        );
    }
    Ok(())
}

/// The state an account comes to when `wanted` is asked for. An account that nobody has used yet goes back to invited,
/// never to active: it has no password.
fn next_state(record: &UserRecord, wanted: UserState) -> Result<UserState> {
    match wanted {
        UserState::Suspended | UserState::Deleted => Ok(wanted),
        UserState::Active if record.ever_activated => Ok(wanted),
        UserState::Invited if !record.ever_activated => Ok(wanted),
        UserState::Active => {
            refuse(Reason::WrongState, "the account was never activated; issue a code so that its owner can do so")
        }
        UserState::Invited => refuse(Reason::WrongState, "the account was activated before; ask for `active` instead"),
        UserState::Unspecified => refuse(Reason::InvalidArgument, "name a state: active, suspended or deleted"),
    }
}

fn write_audit(tx: &mut Tx<'_, '_>, before: &User, after: &User, reason: &str) {
    let changes = [
        ("account.rights", rights_in_words(before.rights), rights_in_words(after.rights)),
        ("account.state", state_in_words(before.state()).into(), state_in_words(after.state()).into()),
        ("account.name", before.name.clone(), after.name.clone()),
        ("account.email", before.email.clone(), after.email.clone()),
    ];
    for (action, before_text, after_text) in changes.into_iter().filter(|(_, before, after)| before != after) {
        let subject = before.username.clone();
        audit::write(tx, Entry { course_id: "", action, subject, before: before_text, after: after_text, reason });
    }
}

fn is_active_admin(user: &User) -> bool {
    user.state() == UserState::Active && user.rights.unwrap_or_default().admin
}

fn require_another_admin(store: &dyn Store, user_id: &str) -> Result<()> {
    const BATCH: usize = 500;
    let mut after: Option<Vec<u8>> = None;
    loop {
        let rows = store.records::<UserRecord>(Table::Users, b"", after.as_deref(), Order::Ascending, BATCH)?;
        let mut users = rows.iter().filter_map(|(_, record)| record.user.as_ref());
        if users.any(|user| user.user_id != user_id && is_active_admin(user)) {
            return Ok(());
        }
        if rows.len() < BATCH {
            return refuse(
                Reason::WrongState,
                "this is the last active administrator; make another account one and have it activated first",
            );
        }
        after = rows.into_iter().next_back().map(|(key, _)| key);
    }
}

/// An account: the caller's own, any for admins, members of the courses they staff for others.
pub fn get_user(view: &View<'_>, request: &GetUserRequest) -> Result<GetUserResponse> {
    let me = view.actor.user()?;
    let not_found = || Refusal::new(Reason::NotFound, format!("no account `{}` that you may see", request.user));
    let record = lookup::user(view.store, &request.user)?.ok_or_else(not_found)?;
    let user = record.user.clone().unwrap_or_default();
    let visible =
        user.user_id == me.user_id || view.actor.rights().admin || is_staff_of(view.store, &me.user_id, &user.user_id)?;
    if !visible {
        return Err(not_found().into());
    }
    let admin = view.actor.rights().admin;
    let code_expires_at_ms = record.code_expires_at_ms;
    Ok(GetUserResponse {
        enrollments: enrollments_seen(view, &user.user_id)?,
        code_expires_at_ms: (admin && !record.code_hash.is_empty()).then_some(code_expires_at_ms),
        user: Some(user),
    })
}

/// The enrolments of an account in the courses that the caller may open: their own, all for admins, those they staff for
/// others.
fn enrollments_seen(view: &View<'_>, user_id: &str) -> Result<Vec<UserEnrollment>> {
    let own = view.actor.user_id() == user_id;
    let mut seen = Vec::new();
    for enrollment in enrollments::of_user(view.store, user_id)? {
        let access = match CourseAccess::open(view.store, view.actor, &enrollment.course_id) {
            Ok(access) if own || access.is_staff() => access,
            Ok(_) | Err(Failure::Refused(_)) => continue,
            Err(error) => return Err(error),
        };
        if enrollment.state() != EnrollmentState::Deleted {
            seen.push(UserEnrollment {
                course_id: enrollment.course_id,
                course_slug: access.course.slug,
                course_title: access.course.title,
                r#type: enrollment.r#type,
                state: enrollment.state,
            });
        }
    }
    Ok(seen)
}

/// Whether `staff_id` is on the staff of a course that `member_id` belongs to.
fn is_staff_of(store: &dyn Store, staff_id: &str, member_id: &str) -> Result<bool> {
    for enrollment in enrollments::of_user(store, member_id)? {
        if enrollment.state() == EnrollmentState::Deleted {
            continue;
        }
        let Some(course) = lookup::course(store, &enrollment.course_id)? else { continue };
        if CourseAccess::to_record(store, staff_id, false, course)?.is_staff() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Every account, by username, for admins.
pub fn list_users(view: &View<'_>, request: &ListUsersRequest) -> Result<ListUsersResponse> {
    view.actor.require_admin()?;
    let page = PageRequest::new(request.page_size, &request.page_token)?;
    let wanted = request.contains.to_lowercase();
    let pick = |_: &[u8], user_id: &[u8]| {
        let record: Option<UserRecord> = view.store.record(Table::Users, user_id)?;
        let user = record.and_then(|record| record.user);
        Ok(user.filter(|user| user.username.contains(&wanted) || user.name.to_lowercase().contains(&wanted)))
    };
    let (users, next_page_token) = paging::collect(view.store, Table::UsersByName, b"", Order::Ascending, &page, pick)?;
    Ok(ListUsersResponse { users, next_page_token })
}

/// An account by username or id.
pub(crate) fn existing(store: &dyn Store, name_or_id: &str) -> Result<UserRecord> {
    let unknown = || Refusal::new(Reason::NotFound, format!("no account `{name_or_id}`; check the spelling"));
    Ok(lookup::user(store, name_or_id)?.ok_or_else(unknown)?)
}

/// The account that has this username or, if there is none, nothing. Ids are not taken.
pub(crate) fn by_username(store: &dyn Store, username: &str) -> std::result::Result<Option<UserRecord>, StoreError> {
    by_index(store, Table::UsersByName, &username.to_lowercase())
}

/// The account that has this SIS id.
pub(crate) fn by_sis_id(store: &dyn Store, sis_user_id: &str) -> std::result::Result<Option<UserRecord>, StoreError> {
    by_index(store, Table::UsersBySis, sis_user_id)
}

fn by_index(store: &dyn Store, index: Table, name: &str) -> std::result::Result<Option<UserRecord>, StoreError> {
    let Some(user_id) = store.get(index, name.as_bytes())? else { return Ok(None) };
    store.get(Table::Users, &user_id)?.map(|bytes| decode(Table::Users, &bytes)).transpose()
}

/// A username as it is stored, in lower case: letters, digits and `. _ @ + -`, beginning with a letter or digit.
pub(crate) fn username(text: &str) -> Result<String> {
    let text = text.trim().to_ascii_lowercase();
    let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= limits::USERNAME_CHARS
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._@+-".contains(&byte));
    if fits {
        return Ok(text);
    }
    refuse(
        Reason::InvalidArgument,
        format!(
            "the username `{text}` must be 1 to {} of a-z, 0-9 and . _ @ + -, beginning with a letter or digit",
            limits::USERNAME_CHARS
        ),
    )
}

/// An e-mail address, by its shape; empty is allowed.
pub(crate) fn email(text: &str) -> Result<String> {
    let text = validate::optional_line("email", text)?;
    let shaped = text.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
        && !text.contains(char::is_whitespace);
    if text.is_empty() || shaped {
        return Ok(text);
    }
    refuse(Reason::InvalidArgument, format!("`{text}` is no e-mail address such as ada@example.org"))
}

/// Rights as the audit names them, such as `admin, operator`; empty without any.
pub(crate) fn rights_in_words(rights: Option<AccountRights>) -> String {
    let rights = rights.unwrap_or_default();
    let named = [
        (rights.admin, "admin"),
        (rights.course_creator, "course creator"),
        (rights.operator, "operator"),
        (rights.tutor, "tutor"),
    ];
    named.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}

/// A state as the audit and messages name it.
pub(crate) fn state_in_words(state: UserState) -> &'static str {
    match state {
        UserState::Unspecified => "",
        UserState::Invited => "invited",
        UserState::Active => "active",
        UserState::Suspended => "suspended",
        UserState::Deleted => "deleted",
    }
}

#[cfg(test)]
#[path = "accounts_tests.rs"]
mod tests;
