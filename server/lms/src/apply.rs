//! Applying one command of the log.

use lectern_proto::internal::v1::{self as internal, Command, Outcome, command::Body, outcome};
use prost::Message;

use crate::actor::Actor;
use crate::context::{Context, Event, Tx};
use crate::ids::IdSource;
use crate::overlay::Overlay;
use crate::refusal::{Failure, Reason, Refusal, Result};
use crate::store::StoreError;
use crate::{idempotency, lookup};

/// The newest command format this program understands.
pub const COMMAND_VERSION: u32 = 1;

/// What applying a command came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// For the call that waits, and for repetitions of its key.
    pub outcome: Outcome,
    /// For watchers; empty when refused or repeated.
    pub events: Vec<Event>,
    /// BLAKE3 of the changes: a link of the replicas' hash chain.
    pub changes_digest: [u8; 32],
    /// Time after this command, Unix milliseconds.
    pub now_ms: i64,
}

/// The node cannot apply this entry and must stop: going on would let replicas diverge.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The state cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The entry does not decode.
    #[error("entry {index} is not a command this program can read ({problem}); run the newer lectern-server")]
    Undecodable {
        /// Which entry.
        index: u64,
        /// What the decoder said.
        problem: String,
    },
    /// The entry is from a newer version.
    #[error(
        "entry {index} has command format {version}, newer than this program understands; run the newer lectern-server"
    )]
    UnknownCommand {
        /// Which entry.
        index: u64,
        /// Its version.
        version: u32,
    },
}

/// Applies the command of the entry at (`index`, `term`) and keeps its changes in `store`. Deterministic: the same
/// entries over the same tables give the same changes on every node.
pub fn apply(
    index: u64,
    term: u64,
    command: &[u8],
    store: &mut Overlay<'_>,
) -> std::result::Result<Applied, ApplyError> {
    let command =
        Command::decode(command).map_err(|problem| ApplyError::Undecodable { index, problem: problem.to_string() })?;
    let (Some(body), COMMAND_VERSION) = (&command.body, command.version) else {
        return Err(ApplyError::UnknownCommand { index, version: command.version });
    };
    let mut cluster = lookup::cluster(store)?;
    cluster.now_ms = cluster.now_ms.max(command.stamped_at_ms);
    let context = Context { index, term, now_ms: cluster.now_ms };
    let (outcome, events) = match run(&context, &command, body, store) {
        Ok(done) => done,
        Err(Failure::Store(error)) => return Err(error.into()),
        Err(Failure::Refused(refusal)) => {
            store.discard();
            (refused(&refusal), Vec::new())
        }
    };
    let now = lookup::cluster(store)?;
    crate::clock::record_time(store, now, context.now_ms);
    let changes_digest = store.keep();
    Ok(Applied { outcome, events, changes_digest, now_ms: context.now_ms })
}

/// The outcome and events of a command whose actor and key allow it to run. A refusal of its handler is an `Ok` outcome:
/// it is recorded under the key like a success.
fn run(context: &Context, command: &Command, body: &Body, store: &mut Overlay<'_>) -> Result<(Outcome, Vec<Event>)> {
    let actor = find_actor(context, command, body, store)?;
    if let Some(recorded) = idempotency::recorded(store, &actor, command)? {
        return Ok((recorded, Vec::new()));
    }
    let ids = IdSource::new(&command.id_seed)
        .ok_or_else(|| Refusal::new(Reason::InvalidArgument, "the command's id seed is not a ULID"))?;
    let mut tx = Tx {
        context: context.clone(),
        actor: actor.clone(),
        idempotency_key: command.idempotency_key.clone(),
        ids,
        events: Vec::new(),
        store: &mut *store,
    };
    let handled = handle(&mut tx, body);
    let mut events = std::mem::take(&mut tx.events);
    let outcome = match handled {
        Ok(response) => Outcome { result: Some(outcome::Result::Response(response)) },
        Err(Failure::Refused(refusal)) => {
            store.discard();
            events.clear();
            refused(&refusal)
        }
        Err(error @ Failure::Store(_)) => return Err(error),
    };
    idempotency::record(store, context, &actor, command, &outcome)?;
    Ok((outcome, events))
}

fn refused(refusal: &Refusal) -> Outcome {
    Outcome { result: Some(outcome::Result::Refusal(refusal.to_proto())) }
}

fn find_actor(context: &Context, command: &Command, body: &Body, store: &Overlay<'_>) -> Result<Actor> {
    match body {
        Body::Advance(_) | Body::RaiseFeatureLevel(_) | Body::FoundCluster(_) => Ok(Actor::System),
        // A leader's own, or an administrator's.
        Body::SetReceiptKey(_) if command.token_id.is_empty() => Ok(Actor::System),
        Body::ActivateAccount(_) | Body::IssueToken(internal::IssueToken { password_version: 1.., .. }) => {
            Ok(Actor::Nobody)
        }
        _ => Actor::by_token(store, &command.token_id, context.now_ms),
    }
}

/// Runs one handler and encodes its response.
macro_rules! call {
    ($handler:path, $tx:expr, $request:expr) => {
        Ok($handler($tx, $request)?.encode_to_vec())
    };
}

fn handle(tx: &mut Tx<'_, '_>, body: &Body) -> Result<Vec<u8>> {
    use crate::{
        accounts, announcements, assignments, auth, clock, codes, counted, courses, drafts, enrollments, extensions,
        final_grades, grades, grading_policy, groups, home, materials, overrides, receipts, roster, submissions,
        threads, tutors, uploads,
    };
    match body {
        Body::Advance(it) => call!(clock::advance, tx, it),
        Body::RaiseFeatureLevel(it) => call!(clock::raise_feature_level, tx, it),
        Body::FoundCluster(it) => call!(accounts::found_cluster, tx, it),
        Body::SetReceiptKey(it) => call!(receipts::set_receipt_key, tx, it),
        Body::IssueToken(it) => call!(auth::issue_token, tx, it),
        Body::ActivateAccount(it) => call!(auth::activate_account, tx, it),
        Body::SignOut(it) => call!(auth::sign_out, tx, it),
        Body::SetPassword(it) => call!(auth::set_password, tx, it),
        Body::RevokeToken(it) => call!(auth::revoke_token, tx, it),
        Body::SetCodes(it) => call!(codes::set_codes, tx, it),
        Body::TouchToken(it) => call!(auth::touch_token, tx, it),
        Body::CreateUser(it) => call!(accounts::create_user, tx, it),
        Body::UpdateUser(it) => call!(accounts::update_user, tx, it),
        Body::ImportUsers(it) => call!(roster::import_users, tx, it),
        Body::CreateCourse(it) => call!(courses::create_course, tx, it),
        Body::UpdateCourse(it) => call!(courses::update_course, tx, it),
        Body::Enroll(it) => call!(enrollments::enroll, tx, it),
        Body::UpdateEnrollment(it) => call!(enrollments::update_enrollment, tx, it),
        Body::ImportRoster(it) => call!(roster::import_roster, tx, it),
        Body::BeginUpload(it) => call!(uploads::begin_upload, tx, it),
        Body::PutChunk(it) => call!(uploads::put_chunk, tx, it),
        Body::CreateModule(it) => call!(materials::create_module, tx, it),
        Body::UpdateModule(it) => call!(materials::update_module, tx, it),
        Body::CreateMaterial(it) => call!(materials::create_material, tx, it),
        Body::UpdateMaterial(it) => call!(materials::update_material, tx, it),
        Body::DeleteMaterial(it) => call!(materials::delete_material, tx, it),
        Body::MarkOpened(it) => call!(materials::mark_opened, tx, it),
        Body::CreateAssignment(it) => call!(assignments::create_assignment, tx, it),
        Body::UpdateAssignment(it) => call!(assignments::update_assignment, tx, it),
        Body::DeleteAssignment(it) => call!(assignments::delete_assignment, tx, it),
        Body::Pledge(it) => call!(submissions::pledge, tx, it),
        Body::Submit(it) => call!(submissions::submit, tx, it),
        Body::WithdrawPledge(it) => call!(submissions::withdraw_pledge, tx, it),
        Body::ChooseAttempt(it) => call!(counted::choose_attempt, tx, it),
        Body::SaveDraft(it) => call!(drafts::save_draft, tx, it),
        Body::DecideExtensionRequest(it) => call!(extensions::decide_extension_request, tx, it),
        Body::SetGrade(it) => call!(grades::set_grade, tx, it),
        Body::PostGrades(it) => call!(grades::post_grades, tx, it),
        Body::CreateAssignmentGroup(it) => call!(groups::create_assignment_group, tx, it),
        Body::UpdateAssignmentGroup(it) => call!(groups::update_assignment_group, tx, it),
        Body::DeleteAssignmentGroup(it) => call!(groups::delete_assignment_group, tx, it),
        Body::UpdateGradingPolicy(it) => call!(grading_policy::update_grading_policy, tx, it),
        Body::SetOverride(it) => call!(overrides::set_override, tx, it),
        Body::SetFinalGrade(it) => call!(final_grades::set_final_grade, tx, it),
        Body::CreateThread(it) => call!(threads::create_thread, tx, it),
        Body::ReplyThread(it) => call!(threads::reply_thread, tx, it),
        Body::SetThreadState(it) => call!(threads::set_thread_state, tx, it),
        Body::CreateAnnouncement(it) => call!(announcements::create_announcement, tx, it),
        Body::DeleteAnnouncement(it) => call!(announcements::delete_announcement, tx, it),
        Body::MarkRead(it) => call!(home::mark_read, tx, it),
        Body::AskInstructor(it) => call!(threads::ask_instructor, tx, it),
        Body::EndorseAnswer(it) => call!(threads::endorse_answer, tx, it),
        Body::AnswerAsTutor(it) => call!(threads::answer_as_tutor, tx, it),
        Body::RegisterTutor(it) => call!(tutors::register_tutor, tx, it),
        Body::LeaveTutor(it) => call!(tutors::leave_tutor, tx, it),
    }
}

#[cfg(test)]
#[path = "apply_tests.rs"]
mod tests;
