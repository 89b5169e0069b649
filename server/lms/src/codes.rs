//! One-time codes: they activate an invited account, or reset the password of one in use.

use lectern_proto::internal::v1::{EnrollmentRecord, SetCodes, UserRecord};
use lectern_proto::v1::{AccountRights, EnrollmentState, IssueCodesRequest, IssueCodesResponse, IssuedCode, UserState};

use crate::accounts::{self, state_in_words};
use crate::actor::{Actor, CourseAccess};
use crate::audit::{self, Entry};
use crate::auth::{HASH_BYTES, require_lifetime};
use crate::context::{Tx, View};
use crate::keys::key2;
use crate::refusal::{Reason, Result, refuse};
use crate::store::{Store, StoreExt};
use crate::tables::Table;
use crate::{enrollments, lookup};

/// Stores the hashes of fresh one-time codes. An active account keeps its password beside the code until that is used.
/// The response names the people in the order asked for, with `code` empty: only the door knows the codes.
pub(crate) fn set_codes(tx: &mut Tx<'_, '_>, request: &SetCodes) -> Result<IssueCodesResponse> {
    require_lifetime(request.lifetime_ms)?;
    let issuer = Issuer::new(tx.store, &tx.actor, &request.course)?;
    let expires_at_ms = tx.now_ms() + request.lifetime_ms;
    let mut codes = Vec::with_capacity(request.codes.len());
    for code in &request.codes {
        if code.code_hash.len() != HASH_BYTES {
            return refuse(Reason::InvalidArgument, "a code's hash has 32 bytes");
        }
        let mut record = accounts::existing(tx.store, &code.user_id)?;
        issuer.require(tx.store, &record)?;
        let user = record.user.clone().unwrap_or_default();
        record.code_hash.clone_from(&code.code_hash);
        record.code_expires_at_ms = expires_at_ms;
        accounts::save(tx, &record);
        let action = if record.ever_activated { "account.reset-code" } else { "account.code" };
        audit::write(
            tx,
            Entry { course_id: &issuer.course_id, action, subject: user.username.clone(), ..Entry::default() },
        );
        codes.push(IssuedCode {
            person: Some(lookup::person(tx.store, &user.user_id)?),
            sis_user_id: user.sis_user_id,
            email: user.email,
            code: String::new(),
            expires_at_ms,
        });
    }
    Ok(IssueCodesResponse { codes })
}

/// Whom the door is to make codes for: the named accounts, or everyone in the course who was invited and never
/// activated. Refused as the command would be. Returns user ids.
pub fn people_for_codes(view: &View<'_>, request: &IssueCodesRequest) -> Result<Vec<String>> {
    let issuer = Issuer::new(view.store, view.actor, &request.course)?;
    let mut user_ids = Vec::new();
    if !request.users.is_empty() {
        for name in &request.users {
            let record = accounts::existing(view.store, name)?;
            issuer.require(view.store, &record)?;
            user_ids.push(record.user.unwrap_or_default().user_id);
        }
        return Ok(user_ids);
    }
    if issuer.course_id.is_empty() {
        return refuse(Reason::InvalidArgument, "name the people, or a course whose invited members get codes");
    }
    for enrollment in enrollments::of_course(view.store, &issuer.course_id)? {
        let record = accounts::existing(view.store, &enrollment.user_id)?;
        if enrollment.state() == EnrollmentState::Invited && issuer.may(view.store, &record)? {
            user_ids.push(enrollment.user_id);
        }
    }
    Ok(user_ids)
}

/// Who issues codes, on what authority.
struct Issuer {
    user_id: String,
    admin: bool,
    /// Empty for an admin who names no course.
    course_id: String,
}

impl Issuer {
    fn new(store: &dyn Store, actor: &Actor, course: &str) -> Result<Self> {
        let (user_id, admin) = (actor.user()?.user_id.clone(), actor.rights().admin);
        if course.is_empty() {
            actor.require_admin()?;
            return Ok(Self { user_id, admin, course_id: String::new() });
        }
        let access = CourseAccess::open(store, actor, course)?;
        access.require_instructor()?;
        Ok(Self { user_id, admin, course_id: access.course.course_id })
    }

    /// Refuses unless a code may be issued for this account.
    fn require(&self, store: &dyn Store, record: &UserRecord) -> Result<()> {
        let user = record.user.clone().unwrap_or_default();
        if !matches!(user.state(), UserState::Invited | UserState::Active) {
            return refuse(
                Reason::AccountInactive,
                format!("{} is {}; codes are for accounts in use", user.username, state_in_words(user.state())),
            );
        }
        if self.admin || self.may(store, record)? {
            return Ok(());
        }
        refuse(
            Reason::WrongRole,
            format!(
                "instructors issue codes only for members of their course who never activated; ask an administrator \
                 about {}",
                user.username
            ),
        )
    }

    /// Whether the account is an invited, never activated member of the course. For an instructor it must also carry
    /// no more than they could give: no rights of the installation, no role in a course they do not teach.
    /// Otherwise enrolling an invited admin, or another course's student, and issuing a code for them would be a way to
    /// become them.
    fn may(&self, store: &dyn Store, record: &UserRecord) -> Result<bool> {
        let user = record.user.clone().unwrap_or_default();
        let member: Option<EnrollmentRecord> =
            store.record(Table::Enrollments, &key2(&self.course_id, &user.user_id))?;
        let member = member.is_some_and(|enrollment| enrollments::is_current(enrollment.state()));
        if !member || record.ever_activated || user.state() != UserState::Invited {
            return Ok(false);
        }
        if self.admin {
            return Ok(true);
        }
        if user.rights.unwrap_or_default() != AccountRights::default() {
            return Ok(false);
        }
        for enrollment in enrollments::of_user(store, &user.user_id)? {
            if enrollments::is_current(enrollment.state()) && !self.teaches(store, &enrollment.course_id)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn teaches(&self, store: &dyn Store, course_id: &str) -> Result<bool> {
        let Some(course) = lookup::course(store, course_id)? else { return Ok(false) };
        Ok(CourseAccess::to_record(store, &self.user_id, false, course)?.is_instructor())
    }
}

#[cfg(test)]
#[path = "codes_tests.rs"]
mod tests;
