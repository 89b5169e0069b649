//! The contract's messages as JSON for scripts: RFC 3339 UTC times, decimal strings for scores, lower-case hex digests,
//! names instead of numbers for states.

use lectern_proto::v1;
use serde_json::{Value, json};

use lectern_grading::Percent;

use crate::format::{hex, points, rfc3339};

/// A time; `null` when absent.
pub fn time(ms: Option<i64>) -> Value {
    ms.map_or(Value::Null, |ms| Value::String(rfc3339(ms)))
}

/// A score; `null` when absent.
pub fn score(value: Option<i64>) -> Value {
    value.map_or(Value::Null, |value| Value::String(points(value)))
}

/// A digest; `null` when there is none.
pub fn digest(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { Value::String(hex(bytes)) }
}

/// An enum value's name without its prefix, lower case: `SUBMISSION_TYPE_TEXT` → `text`.
pub fn name(full: &str, prefix: &str) -> String {
    full.strip_prefix(prefix).unwrap_or(full).trim_start_matches('_').to_lowercase()
}

/// A list and where its next page begins.
pub fn list(field: &str, items: Vec<Value>) -> Value {
    let mut object = serde_json::Map::new();
    object.insert(field.into(), Value::Array(items));
    Value::Object(object)
}

/// A person.
pub fn person(person: Option<&v1::PersonRef>) -> Value {
    match person {
        Some(person) if !person.user_id.is_empty() => {
            json!({"id": person.user_id, "username": person.username, "name": person.name})
        }
        _ => Value::Null,
    }
}

/// A stored file.
pub fn file(file: &v1::FileRef) -> Value {
    json!({"id": file.file_id, "name": file.name, "size": file.size, "digest": digest(&file.digest)})
}

/// Files.
pub fn files(list: &[v1::FileRef]) -> Value {
    list.iter().map(file).collect()
}

/// An account.
pub fn user(user: &v1::User) -> Value {
    let rights = user.rights.unwrap_or_default();
    json!({
        "id": user.user_id, "username": user.username, "sis_user_id": user.sis_user_id, "name": user.name,
        "email": user.email, "time_zone": user.time_zone,
        "state": name(user.state().as_str_name(), "USER_STATE"),
        "admin": rights.admin, "course_creator": rights.course_creator, "operator": rights.operator,
        "tutor": rights.tutor, "created_at": rfc3339(user.created_at_ms),
    })
}

/// One-time codes.
pub fn code(code: &v1::IssuedCode) -> Value {
    let person = code.person.clone().unwrap_or_default();
    json!({
        "username": person.username, "name": person.name, "sis_user_id": code.sis_user_id, "email": code.email,
        "code": code.code, "expires_at": rfc3339(code.expires_at_ms),
    })
}

/// A course.
pub fn course(course: &v1::Course) -> Value {
    json!({
        "id": course.course_id, "slug": course.slug, "code": course.code, "title": course.title, "term": course.term,
        "time_zone": course.time_zone, "syllabus": course.syllabus,
        "state": name(course.state().as_str_name(), "COURSE_STATE"),
        "my_role": role(course.my_type()), "students": course.student_count, "grace_seconds": course.grace_seconds,
        "student_quota_bytes": course.student_quota_bytes, "course_quota_bytes": course.course_quota_bytes,
        "created_at": rfc3339(course.created_at_ms),
    })
}

/// A role; `null` without one.
pub fn role(kind: v1::EnrollmentType) -> Value {
    match kind {
        v1::EnrollmentType::Unspecified => Value::Null,
        kind => Value::String(name(kind.as_str_name(), "ENROLLMENT_TYPE")),
    }
}

/// An enrolment.
pub fn enrollment(enrollment: &v1::Enrollment) -> Value {
    json!({
        "person": person(enrollment.person.as_ref()), "role": role(enrollment.r#type()),
        "state": name(enrollment.state().as_str_name(), "ENROLLMENT_STATE"), "section": enrollment.section,
        "sis_user_id": enrollment.sis_user_id, "email": enrollment.email, "activated": enrollment.activated,
        "code_expires_at": time(enrollment.code_expires_at_ms),
    })
}

/// A row of an import or of its preview.
pub fn import_row(row: &v1::ImportRow) -> Value {
    json!({
        "line": row.line, "action": name(row.action().as_str_name(), "IMPORT_ACTION"), "subject": row.subject,
        "message": row.message,
    })
}

/// A module.
pub fn module(module: &v1::Module) -> Value {
    json!({
        "id": module.module_id, "name": module.name, "position": module.position,
        "release_at": time(module.release_at_ms),
    })
}

/// A material.
pub fn material(material: &v1::Material) -> Value {
    json!({
        "id": material.material_id, "slug": material.slug, "title": material.title,
        "kind": name(material.kind().as_str_name(), "MATERIAL_KIND"),
        "file": material.file.as_ref().map(file), "module_id": material.module_id, "position": material.position,
        "release_at": time(material.release_at_ms), "opened": material.opened, "opened_count": material.opened_count,
    })
}

/// A page of text.
pub fn page(page: &v1::Page) -> Value {
    json!({"number": page.number, "text": page.text, "scanned": page.scanned})
}

/// What kinds of work an assignment takes.
pub fn submission_types(settings: &v1::AssignmentSettings) -> Vec<String> {
    settings.submission_types().map(|kind| name(kind.as_str_name(), "SUBMISSION_TYPE")).collect()
}

/// An assignment.
pub fn assignment(assignment: &v1::Assignment) -> Value {
    let settings = assignment.settings.clone().unwrap_or_default();
    json!({
        "id": assignment.assignment_id, "course": assignment.course_slug, "slug": assignment.slug,
        "title": settings.title, "description": settings.description, "points_possible": points(settings.points_possible),
        "unlock_at": time(settings.unlock_at_ms), "due_at": time(settings.due_at_ms), "lock_at": time(settings.lock_at_ms),
        "submission_types": submission_types(&settings), "allowed_extensions": settings.allowed_extensions,
        "max_file_bytes": settings.max_file_bytes, "max_text_bytes": settings.max_text_bytes,
        "allowed_attempts": settings.allowed_attempts, "post_manually": settings.post_manually,
        "published": settings.published, "group_id": settings.group, "attachments": files(&assignment.attachments), "revision": assignment.revision,
        "content_hidden": assignment.content_hidden, "mine": assignment.mine.as_ref().map(my_state),
        "counts": assignment.counts.as_ref().map(|counts| json!({
            "students": counts.students, "submitted": counts.submitted, "graded": counts.graded,
            "posted": counts.posted, "needs_grading": counts.needs_grading,
        })),
    })
}

fn my_state(mine: &v1::MySubmissionState) -> Value {
    json!({
        "attempts_used": mine.attempts_used, "submitted_at": time(mine.submitted_at_ms), "late": mine.late,
        "missing": mine.missing, "unlock_at": time(mine.unlock_at_ms), "due_at": time(mine.due_at_ms),
        "lock_at": time(mine.lock_at_ms), "score": score(mine.score), "has_draft": mine.has_draft,
        "uploading": mine.uploading, "excused": mine.excused, "allowed_attempts": mine.allowed_attempts,
    })
}

/// A grade; `null` without one.
pub fn grade(grade: Option<&v1::Grade>) -> Value {
    let Some(grade) = grade else { return Value::Null };
    json!({
        "score": points(grade.score), "entered_score": points(grade.entered_score),
        "points_deducted": points(grade.points_deducted), "points_possible": points(grade.points_possible),
        "feedback": grade.feedback, "grader": person(grade.grader.as_ref()), "graded_at": rfc3339(grade.graded_at_ms),
        "posted": grade.posted, "posted_at": time(grade.posted_at_ms), "attempt": grade.attempt,
        "grade_matches_current_submission": grade.grade_matches_current_submission, "revision": grade.revision,
        "automatic": grade.automatic, "late_waived": grade.late_waived,
    })
}

/// A submission.
pub fn submission(submission: &v1::Submission) -> Value {
    json!({
        "id": submission.submission_id, "course": submission.course_slug, "assignment": submission.assignment_slug,
        "submitter": person(submission.submitter.as_ref()), "attempt": submission.attempt,
        "submitted_at": rfc3339(submission.submitted_at_ms), "stamped_at": rfc3339(submission.stamped_at_ms),
        "due_at": time(submission.due_at_ms), "late": submission.late, "late_days": submission.late_days, "text": submission.text,
        "text_digest": digest(&submission.text_digest), "files": files(&submission.files),
        "directory": submission.directory, "comment": submission.comment, "index": submission.index,
        "term": submission.term, "grade": grade(submission.grade.as_ref()),
    })
}

/// Which attempt counts, and why.
pub fn counted(counted: Option<&v1::Counted>) -> Value {
    counted.filter(|counted| counted.attempt > 0).map_or(Value::Null, |counted| {
        let because = name(counted.because().as_str_name(), "COUNTS_BECAUSE");
        json!({ "attempt": counted.attempt, "because": because, "chosen_at": time(counted.chosen_at_ms) })
    })
}

/// An upload under way.
pub fn pledge(pledge: &v1::Pledge) -> Value {
    let missing: usize = pledge.upload.iter().flat_map(|upload| &upload.files).map(|file| file.missing.len()).sum();
    let total: u32 = pledge.upload.iter().flat_map(|upload| &upload.files).map(|file| file.chunk_count).sum();
    json!({
        "id": pledge.pledge_id, "pledged_at": rfc3339(pledge.pledged_at_ms), "expires_at": rfc3339(pledge.expires_at_ms),
        "files": pledge.upload.iter().flat_map(|upload| &upload.files).filter_map(|file| file.declaration.as_ref())
            .map(|file| file.name.as_str()).collect::<Vec<_>>(),
        "missing_chunks": missing, "total_chunks": total, "after_lock": pledge.after_lock,
    })
}

/// A row of the list of submissions.
pub fn submission_summary(row: &v1::SubmissionSummary) -> Value {
    json!({
        "assignment": row.assignment_slug, "title": row.assignment_title,
        "submitter": person(row.submitter.as_ref()), "state": name(row.state().as_str_name(), "WORKFLOW_STATE"),
        "attempts": row.attempts, "submitted_at": time(row.submitted_at_ms), "late": row.late, "missing": row.missing,
        "uploading": row.uploading, "grade": grade(row.grade.as_ref()), "counted": counted(row.counted.as_ref()),
    })
}

/// A draft.
pub fn draft(draft: &v1::DraftRevision) -> Value {
    json!({
        "revision": draft.revision, "base_revision": draft.base_revision, "saved_at": rfc3339(draft.saved_at_ms),
        "device": draft.device_label, "text": draft.text, "bytes": draft.text_bytes,
    })
}

/// Work kept although it came after the lock date.
pub fn extension_request(request: &v1::ExtensionRequest) -> Value {
    json!({
        "id": request.request_id, "course": request.course_slug, "assignment": request.assignment_slug,
        "requester": person(request.requester.as_ref()), "offered_at": rfc3339(request.offered_at_ms),
        "state": name(request.state().as_str_name(), "EXTENSION_STATE"), "text": request.text,
        "files": files(&request.files), "directory": request.directory, "comment": request.comment, "decided_by": person(request.decided_by.as_ref()),
        "decided_at": time(request.decided_at_ms), "reason": request.reason,
    })
}

/// A row of the student's own grades.
pub fn my_grade(row: &v1::MyGrade) -> Value {
    json!({
        "assignment": row.assignment_slug, "title": row.title, "points_possible": points(row.points_possible),
        "due_at": time(row.due_at_ms), "submitted_at": time(row.submitted_at_ms), "attempts": row.attempts,
        "grade": grade(row.grade.as_ref()), "late": row.late, "missing": row.missing,
        "state": name(row.state().as_str_name(), "WORKFLOW_STATE"), "group_id": row.group_id, "excused": row.excused,
        "dropped": row.dropped, "dropped_in_final": row.dropped_in_final,
    })
}

/// A percentage as a decimal string, such as `66.67`; `null` when absent.
pub fn percent(hundredths: Option<i64>) -> Value {
    hundredths.map_or(Value::Null, |hundredths| Value::String(Percent(hundredths).to_string()))
}

/// A name that may be missing.
fn level(name: &str) -> Value {
    if name.is_empty() { Value::Null } else { name.into() }
}

/// What a course comes to.
pub fn total(total: Option<&v1::CourseTotal>) -> Value {
    let total = total.cloned().unwrap_or_default();
    json!({
        "current": percent(total.current), "current_level": level(&total.current_level),
        "final": percent(total.r#final), "final_level": level(&total.final_level), "override": percent(total.r#override),
        "override_revision": total.override_revision,
    })
}

/// What was kept of a group.
pub fn group_total(total: &v1::GroupTotal) -> Value {
    json!({
        "group_id": total.group_id, "current_score": points(total.current_score),
        "current_possible": points(total.current_possible), "final_score": points(total.final_score),
        "final_possible": points(total.final_possible),
    })
}

/// An assignment group.
pub fn group(group: &v1::AssignmentGroup) -> Value {
    let settings = group.settings.clone().unwrap_or_default();
    json!({
        "id": group.group_id, "slug": group.slug, "name": settings.name, "weight": percent(Some(settings.weight.into())),
        "drop_lowest": settings.drop_lowest, "drop_highest": settings.drop_highest, "never_drop": settings.never_drop,
        "revision": group.revision,
    })
}

/// A grading policy.
pub fn policy(policy: &v1::GradingPolicy) -> Value {
    let levels = policy.levels.iter().map(|level| json!({"name": level.name, "from": percent(Some(level.from))}));
    let late = policy.late.map(|late| {
        json!({
            "deduct": percent(Some(late.deduct.into())), "floor": percent(Some(late.floor.into())),
            "interval": name(late.interval().as_str_name(), "LATE_INTERVAL"),
        })
    });
    json!({
        "levels": levels.collect::<Vec<_>>(), "late": late,
        "missing": percent(policy.missing_percent.map(i64::from)), "late_days": policy.late_days,
    })
}

/// Dates, attempts and excuses of one student or section.
pub fn overridden(it: &v1::Override) -> Value {
    let settings = it.settings.unwrap_or_default();
    let date = |date: Option<v1::OverriddenDate>| {
        date.map_or(Value::Null, |date| date.at_ms.map_or_else(|| "none".into(), |ms| rfc3339(ms).into()))
    };
    json!({
        "assignment": it.assignment_slug, "student": person(it.student.as_ref()),
        "section": if it.section.is_empty() { Value::Null } else { it.section.clone().into() },
        "unlock_at": date(settings.unlock), "due_at": date(settings.due), "lock_at": date(settings.lock),
        "extra_attempts": settings.extra_attempts, "excused": settings.excused, "revision": it.revision,
    })
}

/// Statistics: of points for an assignment, of percentages for a course.
pub fn statistics(it: &v1::GetStatisticsResponse, of_course: bool) -> Value {
    let value = |value: i64| match it.count {
        0 => Value::Null,
        _ if of_course => percent(Some(value)),
        _ => points(value).into(),
    };
    json!({
        "students": it.students, "count": it.count, "lowest": value(it.lowest),
        "lower_quartile": value(it.lower_quartile), "median": value(it.median),
        "upper_quartile": value(it.upper_quartile), "highest": value(it.highest), "mean": value(it.mean),
        "histogram": it.histogram,
    })
}

/// A row of the gradebook.
pub fn gradebook_row(row: &v1::GradebookRow, columns: &[v1::GradebookColumn]) -> Value {
    let cells: serde_json::Map<String, Value> = columns
        .iter()
        .zip(&row.cells)
        .map(|(column, cell)| {
            let value = json!({
                "score": score(cell.score), "posted": cell.posted, "late": cell.late, "missing": cell.missing,
                "needs_grading": cell.needs_grading, "attempts": cell.attempts, "graded_attempt": cell.graded_attempt,
                "grade_revision": cell.grade_revision, "excused": cell.excused, "dropped": cell.dropped,
                "dropped_in_final": cell.dropped_in_final,
            });
            (column.slug.clone(), value)
        })
        .collect();
    json!({
        "student": person(row.student.as_ref()), "sis_user_id": row.sis_user_id, "section": row.section, "cells": cells,
        "current_score": points(row.current_score), "current_possible": points(row.current_possible),
        "final_score": points(row.final_score), "final_possible": points(row.final_possible),
        "groups": row.groups.iter().map(group_total).collect::<Vec<_>>(), "total": total(row.total.as_ref()),
    })
}

/// A thread.
pub fn thread(thread: &v1::Thread) -> Value {
    json!({
        "id": thread.thread_id, "course": thread.course_slug, "number": thread.number,
        "assignment": thread.assignment_slug, "title": thread.title,
        "visibility": name(thread.visibility().as_str_name(), "THREAD_VISIBILITY"), "anonymous": thread.anonymous,
        "state": name(thread.state().as_str_name(), "THREAD_STATE"), "author": person(thread.author.as_ref()),
        "created_at": rfc3339(thread.created_at_ms), "updated_at": rfc3339(thread.updated_at_ms),
        "messages": thread.message_count, "unread": thread.unread_count,
        "asked_of": name(thread.asked_of().as_str_name(), "ASKED_OF"),
    })
}

/// A message of a thread.
pub fn message(message: &v1::ThreadMessage) -> Value {
    json!({
        "number": message.number, "author": person(message.author.as_ref()), "from_staff": message.from_staff,
        "body": message.body, "created_at": rfc3339(message.created_at_ms), "unread": message.unread,
        "tutor": message.tutor.as_ref().map(tutor_answer), "endorsed_by": person(message.endorsed_by.as_ref()),
    })
}

/// How an answer of the tutor came about.
pub fn tutor_answer(answer: &v1::TutorAnswer) -> Value {
    json!({
        "citations": answer.citations.iter().map(citation).collect::<Vec<_>>(),
        "end": name(answer.end().as_str_name(), "TUTOR_END"), "model": answer.model, "level": answer.level,
        "attempts": answer.attempts, "template_digest": answer.template_digest, "prompt_tokens": answer.prompt_tokens,
        "answer_tokens": answer.answer_tokens,
    })
}

/// A passage of a material.
pub fn citation(citation: &v1::Citation) -> Value {
    json!({
        "material_id": citation.material_id, "material": citation.material_slug, "title": citation.material_title,
        "pages": citation.pages, "ordinal": citation.ordinal, "hash": citation.hash, "verified": citation.verified,
    })
}

/// An announcement.
pub fn announcement(announcement: &v1::Announcement) -> Value {
    json!({
        "id": announcement.announcement_id, "course": announcement.course_slug, "title": announcement.title,
        "body": announcement.body, "author": person(announcement.author.as_ref()),
        "created_at": rfc3339(announcement.created_at_ms), "unread": announcement.unread,
    })
}

/// An audit entry.
pub fn audit(entry: &v1::AuditEntry) -> Value {
    json!({
        "id": entry.audit_id, "at": rfc3339(entry.at_ms), "actor": person(entry.actor.as_ref()), "action": entry.action,
        "subject": entry.subject, "before": entry.before, "after": entry.after, "reason": entry.reason,
        "index": entry.index,
    })
}

/// What is due.
pub fn due(item: &v1::DueItem) -> Value {
    json!({
        "course": item.course_slug, "assignment": item.assignment_slug, "title": item.title,
        "points_possible": points(item.points_possible), "unlock_at": time(item.unlock_at_ms),
        "due_at": time(item.due_at_ms), "lock_at": time(item.lock_at_ms), "submitted": item.submitted,
        "missing": item.missing, "has_draft": item.has_draft, "uploading": item.uploading, "score": score(item.score),
    })
}

/// A thread or an announcement with something new.
fn unread(item: &v1::UnreadItem) -> Value {
    let announcement = (!item.announcement_id.is_empty()).then_some(&item.announcement_id);
    let thread = (item.thread_number > 0).then_some(item.thread_number);
    json!({
        "course": item.course_slug, "thread": thread, "announcement": announcement, "title": item.title,
        "at": rfc3339(item.at_ms), "count": item.count,
    })
}

/// The home view.
pub fn home(home: &v1::GetHomeResponse) -> Value {
    let courses: Vec<Value> = home
        .courses
        .iter()
        .map(|course| {
            let kind = i32::try_from(course.my_type).ok().and_then(|kind| v1::EnrollmentType::try_from(kind).ok());
            json!({
                "id": course.course_id, "slug": course.slug, "code": course.code, "title": course.title,
                "state": name(course.state().as_str_name(), "COURSE_STATE"), "time_zone": course.time_zone,
                "current_score": points(course.current_score), "current_possible": points(course.current_possible),
                "current": percent(course.current_percent),
                "my_role": role(kind.unwrap_or_default()), "unread_announcements": course.unread_announcements,
                "unread_messages": course.unread_messages, "needs_grading": course.needs_grading,
                "open_threads": course.open_threads, "pending_extension_requests": course.pending_extension_requests,
            })
        })
        .collect();
    let grades: Vec<Value> = home
        .grades
        .iter()
        .map(|grade| {
            json!({
                "course": grade.course_slug, "assignment": grade.assignment_slug, "title": grade.title,
                "score": points(grade.score), "points_possible": points(grade.points_possible),
                "posted_at": rfc3339(grade.posted_at_ms),
            })
        })
        .collect();
    let unread: Vec<Value> = home.unread.iter().map(unread).collect();
    json!({
        "now": rfc3339(home.now_ms), "user": home.user.as_ref().map(user), "courses": courses,
        "due": home.due.iter().map(due).collect::<Vec<_>>(), "grades": grades, "unread": unread,
    })
}

/// A change, for `watch`.
pub fn event(event: &v1::WatchEvent) -> Value {
    json!({
        "index": event.index, "kind": name(event.kind().as_str_name(), "EVENT_KIND"), "course_id": event.course_id,
        "id": event.id, "at": rfc3339(event.at_ms),
    })
}
