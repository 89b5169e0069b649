//! Feature levels: what apply does only once every node does it alike.
//!
//! Commands that an older release cannot read are not proposed below their level, and what an older release does not know of
//! the others is not done below it either: it leaves out fields that came later, and so does apply here.

use lectern_proto::internal::v1::command::Body;

use crate::lookup;
use crate::store::{Store, StoreResult};

/// From here on there are assignment groups, policies, overrides, final grades and rows of the gradebook.
pub const GRADING: u32 = 3;
/// From here on receipts are signed, and a late attempt does not take the place of one that came in time.
pub const HAND_INS: u32 = 4;
/// From here on questions can be put to the tutor, and accounts can be tutors'.
pub const TUTOR: u32 = 5;
/// From here on outcomes are forgotten many at a time, and not with each command.
pub const SWEEPS: u32 = 6;
/// The newest level that this domain knows.
pub const NEWEST: u32 = SWEEPS;

/// The level below which a command must not be proposed.
pub fn needed(body: &Body) -> u32 {
    let names_a_group = |settings: Option<&lectern_proto::v1::AssignmentSettings>| {
        settings.is_some_and(|settings| !settings.group.is_empty())
    };
    let makes_a_tutor = |rights: Option<&lectern_proto::v1::AccountRights>| rights.is_some_and(|rights| rights.tutor);
    let is_of_the_tutor = match body {
        Body::AskInstructor(_)
        | Body::EndorseAnswer(_)
        | Body::AnswerAsTutor(_)
        | Body::RegisterTutor(_)
        | Body::LeaveTutor(_) => true,
        Body::CreateThread(request) => request.asked_of() == lectern_proto::v1::AskedOf::Tutor,
        Body::CreateUser(request) => makes_a_tutor(request.rights.as_ref()),
        Body::UpdateUser(request) => makes_a_tutor(request.rights.as_ref()),
        _ => false,
    };
    if is_of_the_tutor {
        return TUTOR;
    }
    let is_grading = match body {
        Body::SetReceiptKey(_) | Body::ChooseAttempt(_) => return HAND_INS,
        Body::CreateAssignmentGroup(_)
        | Body::UpdateAssignmentGroup(_)
        | Body::DeleteAssignmentGroup(_)
        | Body::UpdateGradingPolicy(_)
        | Body::SetOverride(_)
        | Body::SetFinalGrade(_) => true,
        Body::CreateAssignment(request) => names_a_group(request.settings.as_ref()),
        Body::UpdateAssignment(request) => names_a_group(request.settings.as_ref()),
        Body::SetGrade(request) => request.waive_late,
        _ => false,
    };
    if is_grading { GRADING } else { 0 }
}

/// Whether the cluster is at [`SWEEPS`].
pub(crate) fn has_sweeps(store: &dyn Store) -> StoreResult<bool> {
    Ok(lookup::cluster(store)?.feature_level >= SWEEPS)
}

/// Whether the cluster is at [`GRADING`].
pub(crate) fn has_grading(store: &dyn Store) -> StoreResult<bool> {
    Ok(lookup::cluster(store)?.feature_level >= GRADING)
}

/// Whether the cluster is at [`HAND_INS`].
pub(crate) fn has_hand_ins(store: &dyn Store) -> StoreResult<bool> {
    Ok(lookup::cluster(store)?.feature_level >= HAND_INS)
}

#[cfg(test)]
#[path = "levels_tests.rs"]
mod tests;
