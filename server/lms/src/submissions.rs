//! Handing in: pledges and submissions.
//!
//! * A *pledge* stamps the digests of the files before their bytes arrive, and opens the upload session for them. Bytes
//!   that arrive within the window become a submission judged by the pledge's time: a slow train makes nobody late.
//! * A *submission* exists only once every byte of it is stored: its files are made in the same command.
//! * What is offered after the lock date is kept as an extension request (`extensions.rs`), never thrown away.
//! * Each submission is a new attempt; none replaces another. Which one counts is decided in `counted.rs`.
//!
//! `attempts.rs` reads what is written here.

use lectern_proto::internal::v1::{
    AssignmentRecord, FileUse, PledgeRecord, SubmissionRecord, Submitter, UploadPurpose, UploadRecord, submitter,
};
use lectern_proto::v1::{self, AssignmentSettings, EventKind, FileDeclaration, SubmissionType};

use crate::actor::CourseAccess;
use crate::assignment_settings::{max_file_bytes, max_text_bytes, takes};
use crate::context::{Audience, Tx};
use crate::counted::Standing;
use crate::dates::EffectiveDates;
use crate::keys::{key1, key3};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::uploads::Opening;
use crate::{
    assignments, attempts, counted, counts, dates, extensions, files, lateness, limits, rows, uploads, usage, validate,
};

pub use crate::attempts::{get_submission, list_attempts, list_submissions};

/// What a student hands in, checked: a text, files, or both.
pub(crate) struct Work {
    /// The text as it came; empty without one.
    pub text: String,
    /// The complete upload, where there is one.
    pub session: Option<UploadRecord>,
    /// The files are one directory.
    pub directory: bool,
    /// A note to the grader.
    pub comment: String,
    /// The time that judges it: the pledge's where there was one.
    pub at_ms: i64,
}

/// An assignment a student may hand something in for.
struct Open {
    access: CourseAccess,
    assignment: AssignmentRecord,
    settings: AssignmentSettings,
    dates: EffectiveDates,
    /// How the student's attempts stand before this command.
    standing: Standing,
}

/// Stamps the digests of the files and opens their upload.
pub(crate) fn pledge(tx: &mut Tx<'_, '_>, request: &v1::PledgeRequest) -> Result<v1::PledgeResponse> {
    let open = open(tx, &request.course, &request.assignment)?;
    let now_ms = tx.now_ms();
    require_unlocked(&open, now_ms)?;
    require_attempts_left(&open)?;
    let kind = if request.directory { SubmissionType::Directory } else { SubmissionType::Files };
    require_type(&open, kind)?;
    check_files(&open, &request.files)?;
    for (field, digest) in [("text_digest", &request.text_digest), ("comment_digest", &request.comment_digest)] {
        if !matches!(digest.len(), 0 | blake3::OUT_LEN) {
            return refuse(
                Reason::InvalidArgument,
                format!("{field} must be the 32 bytes of a BLAKE3 digest, or empty"),
            );
        }
    }
    let user_id = tx.actor.user_id().to_owned();
    let pledge_id = tx.ids.next_id();
    let session = uploads::open_session(
        tx,
        &Opening {
            course: &open.access.course,
            purpose: UploadPurpose::Submission,
            assignment_id: &open.assignment.assignment_id,
            pledge_id: &pledge_id,
            directory: request.directory,
            files: &request.files,
        },
    )?;
    let pledge = PledgeRecord {
        course_id: open.assignment.course_id.clone(),
        assignment_id: open.assignment.assignment_id.clone(),
        submitter: Some(by_user(&user_id)),
        pledged_at_ms: now_ms,
        expires_at_ms: session.expires_at_ms,
        upload_id: session.upload_id.clone(),
        directory: request.directory,
        after_lock: open.dates.is_past_lock(now_ms),
        text_digest: request.text_digest.clone(),
        comment_digest: request.comment_digest.clone(),
        pledge_id,
    };
    let key = key3(&pledge.assignment_id, &user_id, &pledge.pledge_id);
    tx.put_raw(Table::PledgesById, key1(&pledge.pledge_id), key.clone());
    tx.put(Table::Pledges, key, &pledge);
    tx.event(EventKind::Pledge, &pledge.course_id, &pledge.assignment_id, Audience::UserAndStaff(user_id));
    Ok(v1::PledgeResponse { pledge: Some(attempts::pledge_to_proto(&*tx.store, &pledge)?) })
}

/// Hands in a text, a pledge whose chunks have arrived, or both.
pub(crate) fn submit(tx: &mut Tx<'_, '_>, request: &v1::SubmitRequest) -> Result<v1::SubmitResponse> {
    let open = open(tx, &request.course, &request.assignment)?;
    let (work, pledge) = check_work(tx, &open, request)?;
    require_unlocked(&open, work.at_ms)?;
    require_attempts_left(&open)?;
    if let Some(pledge) = &pledge {
        forget_pledge(tx, &pledge.pledge_id)?;
    }
    let user_id = tx.actor.user_id().to_owned();
    usage::charge_text(tx, &open.access.course, Some(&user_id), work.text.len() + work.comment.len())?;
    if open.dates.is_past_lock(work.at_ms) {
        let kept = extensions::keep(tx, &open.assignment, work)?;
        let extension_request = Some(extensions::to_proto(&tx.view(), &open.access, kept)?);
        return Ok(v1::SubmitResponse { extension_request, ..v1::SubmitResponse::default() });
    }
    let file_ids = finish(tx, &work, FileUse::Submission, &open.assignment.assignment_id)?;
    let submission = SubmissionRecord {
        submission_id: tx.ids.next_id(),
        course_id: open.assignment.course_id.clone(),
        assignment_id: open.assignment.assignment_id.clone(),
        submitter: Some(by_user(&user_id)),
        submitted_at_ms: work.at_ms,
        stamped_at_ms: tx.now_ms(),
        due_at_ms: open.dates.due_at_ms,
        late: open.dates.is_late(work.at_ms),
        text_digest: text_digest(&work.text),
        text: work.text,
        file_ids,
        directory: work.directory,
        comment: work.comment,
        idempotency_key: tx.idempotency_key.clone(),
        ..SubmissionRecord::default()
    };
    let (submission, counted) = add_attempt(tx, &open.assignment, &open.standing, submission)?;
    let submission = Some(attempts::to_proto(&tx.view(), &open.access, &open.assignment, submission)?);
    Ok(v1::SubmitResponse { submission, extension_request: None, counted: Some(counted) })
}

/// Gives up a pledge that was not finished.
pub(crate) fn withdraw_pledge(
    tx: &mut Tx<'_, '_>,
    request: &v1::WithdrawPledgeRequest,
) -> Result<v1::WithdrawPledgeResponse> {
    tx.actor.user()?;
    let pledge = own_pledge(tx, &request.pledge_id)?.ok_or_else(|| {
        let id = &request.pledge_id;
        Refusal::new(
            Reason::NotFound,
            format!("no open pledge `{id}` of yours: it was handed in, or its window passed"),
        )
    })?;
    forget_pledge(tx, &pledge.pledge_id)?;
    if let Some(session) = tx.store.record::<UploadRecord>(Table::Uploads, &key1(&pledge.upload_id))? {
        uploads::drop_session(tx, &session)?;
    }
    Ok(v1::WithdrawPledgeResponse {})
}

/// Removes a pledge that was handed in, given up or has expired; its upload session is the caller's business.
pub(crate) fn forget_pledge(tx: &mut Tx<'_, '_>, pledge_id: &str) -> StoreResult<()> {
    let by_id = key1(pledge_id);
    let Some(key) = tx.store.get(Table::PledgesById, &by_id)? else {
        return Ok(());
    };
    if let Some(pledge) = tx.store.record::<PledgeRecord>(Table::Pledges, &key)? {
        let audience = Audience::UserAndStaff(attempts::user_of(pledge.submitter.as_ref()).into());
        tx.event(EventKind::Pledge, &pledge.course_id, &pledge.assignment_id, audience);
    }
    tx.delete(Table::Pledges, key);
    tx.delete(Table::PledgesById, by_id);
    Ok(())
}

/// Adds a submission as the next attempt of its submitter, whose attempts stood like this `before`, at this command's place in the
/// log; what counts with it.
pub(crate) fn add_attempt(
    tx: &mut Tx<'_, '_>,
    assignment: &AssignmentRecord,
    before: &Standing,
    mut submission: SubmissionRecord,
) -> StoreResult<(SubmissionRecord, v1::Counted)> {
    let user_id = attempts::user_of(submission.submitter.as_ref()).to_owned();
    let assignment_id = submission.assignment_id.clone();
    submission.attempt = before.attempts + 1;
    submission.index = tx.context.index;
    submission.term = tx.context.term;
    let counted = counted::take_new(tx, &user_id, before, &submission)?;
    let counts = counted.attempt == submission.attempt;
    if counts {
        submission.late_days = lateness::days_spent(&*tx.store, assignment, &user_id, &submission)?;
    }
    tx.put(Table::Submissions, key3(&assignment_id, &user_id, submission.attempt), &submission);
    if submission.attempt == 1 {
        counts::first_attempt(tx, &assignment_id)?;
    }
    rows::change(tx, assignment, &user_id, |cell| {
        cell.attempts = submission.attempt;
        if counts {
            cell.take_counted(&submission);
        }
    })?;
    if counts {
        counts::set_needs_grading(tx, assignment, &user_id, true)?;
    }
    tx.event(EventKind::Submission, &submission.course_id, &assignment_id, Audience::UserAndStaff(user_id));
    Ok((submission, counted))
}

/// Makes files of the work's upload; their ids.
pub(crate) fn finish(tx: &mut Tx<'_, '_>, work: &Work, file_use: FileUse, used_by_id: &str) -> Result<Vec<String>> {
    match &work.session {
        None => Ok(Vec::new()),
        Some(session) => {
            let files = files::finish_upload(tx, session, file_use, used_by_id)?;
            Ok(files.into_iter().map(|file| file.file_id).collect())
        }
    }
}

/// A user as a submitter.
pub(crate) fn by_user(user_id: &str) -> Submitter {
    Submitter { kind: Some(submitter::Kind::UserId(user_id.into())) }
}

/// BLAKE3 of a text; empty without one.
pub(crate) fn text_digest(text: &str) -> Vec<u8> {
    if text.is_empty() { Vec::new() } else { blake3::hash(text.as_bytes()).as_bytes().to_vec() }
}

fn open(tx: &Tx<'_, '_>, course: &str, assignment: &str) -> Result<Open> {
    let access = CourseAccess::open(&*tx.store, &tx.actor, course)?;
    access.require_student()?;
    access.require_open()?;
    let assignment = assignments::open(&*tx.store, &access, assignment)?;
    let dates = dates::effective(&*tx.store, &access.course, &assignment, tx.actor.user_id())?;
    let settings = assignment.settings.clone().unwrap_or_default();
    let standing = counted::of(&*tx.store, &assignment.assignment_id, tx.actor.user_id())?;
    Ok(Open { access, assignment, settings, dates, standing })
}

fn require_unlocked(open: &Open, at_ms: i64) -> Result<()> {
    if open.dates.is_unlocked(at_ms) {
        return Ok(());
    }
    let unlock = open.dates.unlock_at_ms.unwrap_or_default();
    let (slug, when) = (&open.assignment.slug, dates::rfc3339(unlock));
    Err(Refusal::new(Reason::NotUnlocked, format!("`{slug}` opens at {when}; hand in after that"))
        .with("unlock_at_ms", unlock)
        .into())
}

fn require_attempts_left(open: &Open) -> Result<()> {
    let allowed = open.dates.allowed_attempts(&open.settings);
    let used = open.standing.attempts;
    if allowed == 0 || used < allowed {
        return Ok(());
    }
    let slug = &open.assignment.slug;
    Err(Refusal::new(
        Reason::NoAttemptsLeft,
        format!("you have used {used} of {} at `{slug}`; ask your instructor for another", attempts_in_words(allowed)),
    )
    .with("used", used)
    .with("allowed", allowed)
    .into())
}

fn attempts_in_words(allowed: u32) -> String {
    validate::count(allowed as usize, "attempt")
}

fn require_type(open: &Open, kind: SubmissionType) -> Result<()> {
    if takes(&open.settings, kind) {
        return Ok(());
    }
    let name = |kind: SubmissionType| match kind {
        SubmissionType::Text => "text",
        SubmissionType::Files => "files",
        SubmissionType::Directory => "a directory",
        SubmissionType::OnPaper => "work on paper",
        SubmissionType::None | SubmissionType::Unspecified => "nothing",
    };
    let taken: Vec<&str> = open.settings.submission_types().map(name).collect();
    let (slug, taken) = (&open.assignment.slug, taken.join(" or "));
    refuse(Reason::WrongType, format!("`{slug}` does not take {}; it takes {taken}", name(kind)))
}

fn check_files(open: &Open, files: &[FileDeclaration]) -> Result<()> {
    let limit = max_file_bytes(&open.settings);
    let allowed = &open.settings.allowed_extensions;
    for file in files {
        let name = file.name.to_lowercase();
        let has = |extension: &String| name.strip_suffix(&**extension).is_some_and(|stem| stem.ends_with('.'));
        if !allowed.is_empty() && !allowed.iter().any(has) {
            return Err(Refusal::new(
                Reason::WrongType,
                format!(
                    "`{}` has none of the extensions `{}` takes: {}",
                    file.name,
                    open.assignment.slug,
                    allowed.join(", ")
                ),
            )
            .with("name", &file.name)
            .with("allowed", allowed.join(","))
            .into());
        }
        if file.size > limit {
            return Err(uploads::too_large(&file.name, file.size, limit));
        }
    }
    Ok(())
}

/// Checks everything about the work but the assignment's dates and attempts.
fn check_work(tx: &Tx<'_, '_>, open: &Open, request: &v1::SubmitRequest) -> Result<(Work, Option<PledgeRecord>)> {
    if request.text.is_empty() && request.pledge_id.is_empty() {
        return refuse(Reason::InvalidArgument, "nothing is handed in: give a text, or pledge files and upload them");
    }
    if !request.text.is_empty() {
        require_type(open, SubmissionType::Text)?;
        validate::body("the text", &request.text, max_text_bytes(&open.settings))?;
    }
    validate::body("the comment", &request.comment, limits::BODY_BYTES)?;
    let mut work = Work {
        text: request.text.clone(),
        session: None,
        directory: false,
        comment: request.comment.clone(),
        at_ms: tx.now_ms(),
    };
    if request.pledge_id.is_empty() {
        return Ok((work, None));
    }
    let pledge = own_pledge(tx, &request.pledge_id)?;
    // A pledge whose window has passed is collected some time later; both look the same to the student.
    let Some(pledge) = pledge.filter(|pledge| pledge.assignment_id == open.assignment.assignment_id) else {
        return refuse(
            Reason::UploadExpired,
            "this pledge is not open: it was handed in or withdrawn, or its window has passed; pledge the files again",
        );
    };
    require_pledged("text", &request.text, &pledge.text_digest)?;
    require_pledged("comment", &request.comment, &pledge.comment_digest)?;
    work.session = Some(uploads::own_session(tx, &pledge.upload_id)?);
    work.directory = pledge.directory;
    work.at_ms = pledge.pledged_at_ms;
    Ok((work, Some(pledge)))
}

/// What the pledge's time judges must have existed then: words written later are not handed in under it.
fn require_pledged(what: &str, words: &str, pledged: &[u8]) -> Result<()> {
    if words.is_empty() || blake3::hash(words.as_bytes()).as_bytes() == pledged {
        return Ok(());
    }
    refuse(
        Reason::DigestMismatch,
        format!("this is not the {what} that was pledged with the files; pledge both again, or leave the {what} out"),
    )
}

fn own_pledge(tx: &Tx<'_, '_>, pledge_id: &str) -> StoreResult<Option<PledgeRecord>> {
    let Some(key) = tx.store.get(Table::PledgesById, &key1(pledge_id))? else {
        return Ok(None);
    };
    let pledge: Option<PledgeRecord> = tx.store.record(Table::Pledges, &key)?;
    Ok(pledge.filter(|pledge| attempts::user_of(pledge.submitter.as_ref()) == tx.actor.user_id()))
}

#[cfg(test)]
#[path = "submissions_tests.rs"]
mod tests;
