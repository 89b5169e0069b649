//! Submissions: one attempt, the list of attempts, and which of them counts.

use lectern_proto::v1;
use serde_json::json;

use crate::args::{AssignmentArg, PagesArg};
use crate::{Error, Result, Session, json, material, text};

/// One attempt of `user` (the caller when empty); the one that counts when `attempt` is 0.
pub async fn get(assignment: &AssignmentArg, user: &str, attempt: u32, session: &Session) -> Result<v1::Submission> {
    Ok(get_with_counted(assignment, user, attempt, session).await?.0)
}

/// The same, and which attempt counts.
pub async fn get_with_counted(
    assignment: &AssignmentArg,
    user: &str,
    attempt: u32,
    session: &Session,
) -> Result<(v1::Submission, v1::Counted)> {
    let request = v1::GetSubmissionRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        user: user.into(),
        attempt,
    };
    let answer = session.call(request).await?;
    Ok((answer.submission.unwrap_or_default(), answer.counted.unwrap_or_default()))
}

/// Prints every attempt of `user` (the caller when empty), and uploads under way.
pub async fn attempts(assignment: &AssignmentArg, user: &str, session: &Session) -> Result<()> {
    let mut attempts = Vec::new();
    let mut pledges = Vec::new();
    let mut page_token = String::new();
    let counted = loop {
        let request = v1::ListAttemptsRequest {
            course: assignment.course.clone(),
            assignment: assignment.assignment.clone(),
            user: user.into(),
            page_token,
            ..Default::default()
        };
        let mut page = session.call(request).await?;
        attempts.append(&mut page.attempts);
        if !page.pledges.is_empty() {
            pledges = page.pledges;
        }
        if page.next_page_token.is_empty() {
            break page.counted;
        }
        page_token = page.next_page_token;
    };
    let value = json!({
        "attempts": attempts.iter().map(json::submission).collect::<Vec<_>>(),
        "pledges": pledges.iter().map(json::pledge).collect::<Vec<_>>(), "counted": json::counted(counted.as_ref()),
    });
    session.show(value, || {
        let mut blocks: Vec<String> = attempts.iter().map(describe).collect();
        blocks.extend(counted.filter(|_| attempts.len() > 1).map(|counted| which_counts(&counted)));
        blocks.extend(pledges.iter().map(under_way));
        if blocks.is_empty() { "Nothing was submitted.".into() } else { blocks.join("\n\n") }
    })
}

/// An upload that was begun and not finished: what it is of, and the two ways out of it.
fn under_way(pledge: &v1::Pledge) -> String {
    let declared = pledge.upload.iter().flat_map(|upload| &upload.files).filter_map(|file| file.declaration.as_ref());
    let names: Vec<String> = declared.map(|file| text::clean(&file.name)).collect();
    format!(
        "NOT submitted yet: {}, pledged at {}.\n\
         Hand the same in again to go on, or give it up: submission withdraw {}",
        if names.is_empty() { "an upload".into() } else { names.join(", ") },
        text::time(pledge.pledged_at_ms),
        pledge.pledge_id
    )
}

/// Prints pages of a file that was handed in: PDF and text of any kind. Its name may be left out where there is one file.
pub async fn read_file(
    submission: &v1::Submission,
    name: Option<&str>,
    pages: PagesArg,
    session: &Session,
) -> Result<()> {
    let file_id = find_file(&submission.files, name)?.file_id.clone();
    let request = v1::ReadFilePagesRequest { file_id, first_page: pages.page, page_count: pages.pages };
    material::show_pages(&session.call(request).await?, session)
}

fn find_file<'a>(files: &'a [v1::FileRef], name: Option<&str>) -> Result<&'a v1::FileRef> {
    let found = match (files, name) {
        ([only], None) => Some(only),
        (_, None) => None,
        (_, Some(name)) => files.iter().find(|file| file.name == name),
    };
    found.ok_or_else(|| {
        let names: Vec<String> = files.iter().map(|file| text::clean(&file.name)).collect();
        match (files.is_empty(), name) {
            (true, _) => Error::usage("no files were handed in"),
            (false, None) => Error::usage(format!("name one of the files with --file: {}", names.join(", "))),
            (false, Some(name)) => Error::usage(format!("no file `{name}`; there are {}", names.join(", "))),
        }
    })
}

/// What to say where another attempt counts than this one, for the student whose they are.
pub fn another_counts(submission: &v1::Submission, counted: &v1::Counted) -> String {
    let place = format!("{}/{}", submission.course_slug, submission.assignment_slug);
    let why = match counted.because() {
        v1::CountsBecause::Chosen => "you chose it",
        _ => "it came in time, and this one is late",
    };
    format!(
        "Attempt {} still counts: {why}. To make this one count: submission choose {place} {}",
        counted.attempt, submission.attempt
    )
}

/// Which attempt counts and why, in the words for everybody.
pub fn which_counts(counted: &v1::Counted) -> String {
    match counted.because() {
        v1::CountsBecause::Unspecified => "Nothing was handed in.".into(),
        v1::CountsBecause::Latest => format!("Attempt {} counts: it is the latest.", counted.attempt),
        v1::CountsBecause::OnTime => {
            format!("Attempt {} counts: it came in time, and those after it did not.", counted.attempt)
        }
        v1::CountsBecause::Chosen => {
            let when = text::optional_time(counted.chosen_at_ms);
            format!("Attempt {} counts: the student chose it at {when}.", counted.attempt)
        }
    }
}

/// An attempt for people.
pub fn describe(submission: &v1::Submission) -> String {
    let who = submission.submitter.as_ref().map(|person| text::clean(&person.name)).unwrap_or_default();
    let late = match (submission.late, submission.late_days) {
        (false, _) => "on time".into(),
        (true, 0) => "late".into(),
        (true, days) => format!("late, {} spent", text::count(days, "late day", "late days")),
    };
    let mut lines = vec![format!(
        "{}/{} attempt {} by {who}, submitted {} ({late})",
        submission.course_slug,
        submission.assignment_slug,
        submission.attempt,
        text::time(submission.submitted_at_ms)
    )];
    for file in &submission.files {
        let digest = text::hex(&file.digest);
        lines.push(format!("  {digest}  {} ({})", text::clean(&file.name), text::size(file.size)));
    }
    if !submission.comment.is_empty() {
        lines.push(format!("Note: {}", text::clean_body(&submission.comment)));
    }
    if let Some(grade) = &submission.grade {
        let posted = if grade.posted { "posted" } else { "hidden" };
        lines.push(format!(
            "Grade: {} of {} ({posted})",
            text::points(grade.score),
            text::points(grade.points_possible)
        ));
        if grade.points_deducted > 0 {
            let (entered, less) = (text::points(grade.entered_score), text::points(grade.points_deducted));
            lines.push(format!("{entered} given, {less} deducted for lateness"));
        }
        if !grade.feedback.is_empty() {
            lines.push(text::clean_body(&grade.feedback));
        }
    }
    if !submission.text.is_empty() {
        lines.push(String::new());
        lines.push(text::clean_body(&submission.text));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_upload_says_what_it_is_of_and_how_to_end_it() {
        let declaration = Some(v1::FileDeclaration { name: "hw1.py".into(), ..v1::FileDeclaration::default() });
        let files = vec![v1::UploadFile { declaration, ..v1::UploadFile::default() }];
        let upload = Some(v1::Upload { files, ..v1::Upload::default() });
        let words = under_way(&v1::Pledge { pledge_id: "P7".into(), upload, ..v1::Pledge::default() });
        assert!(words.contains("hw1.py") && words.contains("submission withdraw P7"), "{words}");
    }

    #[test]
    fn a_file_is_named_unless_there_is_only_one() {
        let file = |name: &str| v1::FileRef { name: name.into(), ..v1::FileRef::default() };
        let two = [file("a.pdf"), file("b.rs")];
        assert_eq!(find_file(&two[..1], None).unwrap().name, "a.pdf");
        assert_eq!(find_file(&two, Some("b.rs")).unwrap().name, "b.rs");
        for (files, name) in [(&two[..], None), (&two, Some("c")), (&[], None)] {
            assert!(find_file(files, name).is_err());
        }
    }
}
