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
use crate::{audit, groups, lateness, missing, standing, validate};

/// The policy of a course and its groups, for everyone in it.
pub fn get_grading_policy(
    view: &View<'_>,
    request: &v1::GetGradingPolicyRequest,
) -> Result<v1::GetGradingPolicyResponse> {
    let access = CourseAccess::open(view.store, view.actor, &request.course)?;
    let record = read(view.store, &access.course.course_id)?;
    let mut groups = groups::list(view.store, &access.course.course_id)?;
    if !access.is_staff() {
        let published = standing::published_assignments(view.store, &access.course.course_id)?;
        groups = groups::without_unpublished(groups, &published);
    }
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
    lateness::check(&policy)?;
    let after = GradingPolicyRecord { policy: Some(policy), revision: before.revision + 1 };
    let subject = access.course.slug.clone();
    let (before, words) = (in_words(&before.policy.unwrap_or_default()), in_words(after.policy.as_ref().expect("set")));
    audit::write(
        tx,
        audit::Entry { course_id, action: "policy.update", subject, before, after: words, reason: &reason },
    );
    tx.put(Table::GradingPolicies, key1(course_id), &after);
    missing::watch_all(tx, course_id)?;
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

/// Such as `A from 90.00 %, F from 0.00 %; late: 10.00 % a day, 50.00 % left; missing: 0.00 %; 3 late days`.
fn in_words(policy: &GradingPolicy) -> String {
    let percent = |hundredths: u32| Percent(hundredths.into());
    let level = |level: &v1::GradingLevel| format!("{} from {} %", level.name, Percent(level.from));
    let mut words = vec![match &*policy.levels {
        [] => "no grading scheme".into(),
        levels => levels.iter().map(level).collect::<Vec<_>>().join(", "),
    }];
    if let Some(late) = policy.late.filter(|late| late.deduct > 0) {
        let interval = if late.interval() == v1::LateInterval::Hour { "an hour" } else { "a day" };
        words.push(format!("late: {} % {interval}, {} % left", percent(late.deduct), percent(late.floor)));
    }
    if let Some(missing) = policy.missing_percent {
        words.push(format!("missing: {} %", percent(missing)));
    }
    if policy.late_days > 0 {
        words.push(validate::count(policy.late_days as usize, "late day"));
    }
    words.join("; ")
}

#[cfg(test)]
#[path = "grading_policy_tests.rs"]
mod tests;
