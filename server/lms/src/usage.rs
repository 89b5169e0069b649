//! Storage used: by each student in a course, and by the course.
//!
//! Both count the files that are kept, the files that open upload sessions declared (whoever was allowed to begin an upload
//! is never refused at its end), and what people write: submissions and extension requests with their comments, the kept
//! revisions of drafts, messages, announcements, feedback. What staff upload and write counts for the course only.
//! Descriptions and syllabuses are bounded by the number of assignments, and do not count.
//!
//! How often a student posts is bounded by the hour: a program that runs away must not bury a course's questions.

use lectern_proto::internal::v1::{CourseRecord, FileRecord, FileUse, UploadPurpose, UploadRecord, UsageRecord};

use crate::context::Tx;
use crate::keys::{NO_ID, key2};
use crate::refusal::{Reason, Refusal, Result, refuse};
use crate::store::{Store, StoreExt, StoreResult};
use crate::tables::Table;
use crate::{limits, validate};

/// Counts a session that opens, or refuses it: too many are open, or the student's or the course's storage is used up.
pub(crate) fn open_session(tx: &mut Tx<'_, '_>, course: &CourseRecord, session: &UploadRecord) -> Result<()> {
    let bytes = declared(session);
    let mut person = read(tx.store, &course.course_id, &session.user_id)?;
    let mut whole = read(tx.store, &course.course_id, NO_ID)?;
    if person.open_uploads as usize >= limits::OPEN_UPLOADS {
        let limit = limits::OPEN_UPLOADS;
        return refuse(
            Reason::TooMany,
            format!("{limit} uploads of yours are open in {}; finish or withdraw one first", course.slug),
        );
    }
    if session.purpose() == UploadPurpose::Submission {
        person.bytes = charge("student", person.bytes, bytes, course.student_quota_bytes)?;
    }
    whole.bytes = charge("course", whole.bytes, bytes, course.course_quota_bytes)?;
    person.open_uploads += 1;
    whole.open_uploads += 1;
    tx.put(Table::Usage, key2(&course.course_id, &session.user_id), &person);
    tx.put(Table::Usage, key2(&course.course_id, NO_ID), &whole);
    Ok(())
}

/// Counts a session that ends; its bytes go on counting when they became files.
pub(crate) fn close_session(tx: &mut Tx<'_, '_>, session: &UploadRecord, kept: bool) -> StoreResult<()> {
    let bytes = if kept { 0 } else { declared(session) };
    let of_person = if session.purpose() == UploadPurpose::Submission { bytes } else { 0 };
    for (who, freed) in [(&*session.user_id, of_person), (NO_ID, bytes)] {
        change(tx, &session.course_id, who, |usage| {
            usage.open_uploads = usage.open_uploads.saturating_sub(1);
            usage.bytes = usage.bytes.saturating_sub(freed);
        })?;
    }
    Ok(())
}

/// Counts what a student (or, without one, the staff) writes, or refuses it: their or the course's storage is used up.
pub(crate) fn charge_text(
    tx: &mut Tx<'_, '_>,
    course: &CourseRecord,
    student: Option<&str>,
    bytes: usize,
) -> Result<()> {
    let bytes = bytes as u64;
    let course_id = &course.course_id;
    if let Some(user_id) = student {
        let mut person = read(tx.store, course_id, user_id)?;
        person.bytes = charge("student", person.bytes, bytes, course.student_quota_bytes)?;
        tx.put(Table::Usage, key2(course_id, user_id), &person);
    }
    let mut whole = read(tx.store, course_id, NO_ID)?;
    whole.bytes = charge("course", whole.bytes, bytes, course.course_quota_bytes)?;
    tx.put(Table::Usage, key2(course_id, NO_ID), &whole);
    Ok(())
}

/// What a student posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Post {
    /// The beginning of a thread; its message is counted beside it.
    Thread,
    /// A message.
    Message,
}

/// Counts what a student posts, or refuses it: they have posted as much within an hour as anybody may. The hour begins with
/// the first post after the last hour has passed.
pub(crate) fn count_post(tx: &mut Tx<'_, '_>, course: &CourseRecord, student: &str, post: Post) -> Result<()> {
    const HOUR_MS: i64 = 60 * 60 * 1000;
    let mut person = read(tx.store, &course.course_id, student)?;
    if tx.now_ms() - person.posting_since_ms >= HOUR_MS {
        (person.posting_since_ms, person.threads_posted, person.messages_posted) = (tx.now_ms(), 0, 0);
    }
    let (posted, limit, what) = match post {
        Post::Thread => (&mut person.threads_posted, limits::THREADS_PER_HOUR, "threads started"),
        Post::Message => (&mut person.messages_posted, limits::MESSAGES_PER_HOUR, "messages written"),
    };
    if *posted >= limit {
        let until_ms = person.posting_since_ms + HOUR_MS;
        let minutes = (until_ms - tx.now_ms() + 59_999) / 60_000;
        let message = format!(
            "{limit} {what} by you in {} within an hour are the most; go on in {}",
            course.slug,
            validate::count(usize::try_from(minutes).unwrap_or(0), "minute")
        );
        return Err(Refusal::new(Reason::TooMany, message).with("limit", limit).with("until_ms", until_ms).into());
    }
    *posted += 1;
    tx.put(Table::Usage, key2(&course.course_id, student), &person);
    Ok(())
}

/// Counts text that must not be refused: a grade is never held up by full storage.
pub(crate) fn add_text(tx: &mut Tx<'_, '_>, course_id: &str, student: Option<&str>, bytes: usize) -> StoreResult<()> {
    for who in student.into_iter().chain([NO_ID]) {
        change(tx, course_id, who, |usage| usage.bytes = usage.bytes.saturating_add(bytes as u64))?;
    }
    Ok(())
}

/// Counts text that goes.
pub(crate) fn free_text(tx: &mut Tx<'_, '_>, course_id: &str, student: Option<&str>, bytes: usize) -> StoreResult<()> {
    for who in student.into_iter().chain([NO_ID]) {
        change(tx, course_id, who, |usage| usage.bytes = usage.bytes.saturating_sub(bytes as u64))?;
    }
    Ok(())
}

/// Counts a file that is deleted.
pub(crate) fn delete_file(tx: &mut Tx<'_, '_>, file: &FileRecord) -> StoreResult<()> {
    let free = |usage: &mut UsageRecord| usage.bytes = usage.bytes.saturating_sub(file.size);
    if matches!(file.r#use(), FileUse::Submission | FileUse::ExtensionRequest) {
        change(tx, &file.course_id, &file.owner_user_id, free)?;
    }
    change(tx, &file.course_id, NO_ID, free)
}

fn read(store: &dyn Store, course_id: &str, who: &str) -> StoreResult<UsageRecord> {
    Ok(store.record(Table::Usage, &key2(course_id, who))?.unwrap_or_default())
}

fn change(tx: &mut Tx<'_, '_>, course_id: &str, who: &str, how: impl FnOnce(&mut UsageRecord)) -> StoreResult<()> {
    let mut usage = read(tx.store, course_id, who)?;
    how(&mut usage);
    tx.put(Table::Usage, key2(course_id, who), &usage);
    Ok(())
}

fn declared(session: &UploadRecord) -> u64 {
    session.files.iter().map(|file| file.size).sum()
}

fn charge(whose: &str, used: u64, bytes: u64, quota: u64) -> Result<u64> {
    let wanted = used.saturating_add(bytes);
    if wanted <= quota {
        return Ok(wanted);
    }
    let whom = if whose == "student" { "your storage in this course" } else { "the course's storage" };
    Err(Refusal::new(
        Reason::QuotaExceeded,
        format!("{whom} is used up: {used} of {quota} bytes are taken and {bytes} more do not fit; ask the staff"),
    )
    .with("whose", whose)
    .with("used", used)
    .with("quota", quota)
    .with("wanted", bytes)
    .into())
}

#[cfg(test)]
#[path = "usage_tests.rs"]
mod tests;
