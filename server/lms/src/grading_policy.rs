//! A course's grading policy: the names of its percentages, and what else holds for every assignment.

use lectern_grading::{Percent, contract};
use lectern_proto::internal::v1::GradingPolicyRecord;
use lectern_proto::v1::{self, EventKind, GradingPolicy};

use crate::actor::CourseAccess;
use crate::context::{Audience, Tx, View};
use crate::keys::key1;
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{audit, groups, validate};

/// The policy of a course and its groups, for everyone in it.
pub fn get_grading_policy(
    view: &View<'_>,
    request: &v1::GetGradingPolicyRequest,
) -> Result<v1::GetGradingPolicyResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let record = read(view.store, &access.course.course_id)?;
    let groups = groups::list(view.store, &access.course.course_id)?;
    Ok(v1::GetGradingPolicyResponse {
        policy: Some(record.policy.unwrap_or_default()),
        groups,
        revision: record.revision,
    })
}

/// Replaces the policy.
pub(crate) fn update_grading_policy(
    tx: &mut Tx<'_, '_>,
    request: &v1::UpdateGradingPolicyRequest,
) -> Result<v1::UpdateGradingPolicyResponse> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, &request.course)?;
    access.require_instructor()?;
    access.require_open()?;
    let course_id = &access.course.course_id;
    let reason = validate::optional_line("reason", &request.reason)?;
    let before = read(&*tx.store, course_id)?;
    if before.revision != request.revision {
        return Err(Refusal::new(
            Reason::StaleRevision,
            "the grading policy was changed by somebody else; read it again and repeat your change",
        )
        .with("revision", before.revision)
        .into());
    }
    let Some(policy) = request.policy.clone() else { return refuse(Reason::InvalidArgument, "the policy is missing") };
    check(&policy)?;
    let after = GradingPolicyRecord { policy: Some(policy), revision: before.revision + 1 };
    let subject = access.course.slug.clone();
    let (before, words) = (in_words(&before.policy.unwrap_or_default()), in_words(after.policy.as_ref().expect("set")));
    audit::write(
        tx,
        audit::Entry { course_id, action: "policy.update", subject, before, after: words, reason: &reason },
    );
    tx.put(Table::GradingPolicies, key1(course_id), &after);
    tx.event(EventKind::Grading, course_id, course_id, Audience::Course);
    Ok(v1::UpdateGradingPolicyResponse { policy: after.policy, revision: after.revision })
}

/// The policy of a course; the default one where none was set.
pub(crate) fn read(store: &dyn Store, course_id: &str) -> StoreResult<GradingPolicyRecord> {
    Ok(store.record(Table::GradingPolicies, &key1(course_id))?.unwrap_or_default())
}

fn check(policy: &GradingPolicy) -> Result<()> {
    for level in &policy.levels {
        validate::line("level", &level.name)?;
    }
    match contract::scheme(policy) {
        Ok(_) => Ok(()),
        Err(error) => refuse(Reason::InvalidArgument, format!("this is no grading scheme: {error}")),
    }
}

/// Such as `A from 90.00 %, F from 0.00 %`.
fn in_words(policy: &GradingPolicy) -> String {
    if policy.levels.is_empty() {
        return "no grading scheme".into();
    }
    let level = |level: &v1::GradingLevel| format!("{} from {} %", level.name, Percent(level.from));
    policy.levels.iter().map(level).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "grading_policy_tests.rs"]
mod tests;
