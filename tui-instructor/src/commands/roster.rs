//! `roster …`: the people of a course.

use std::path::Path;

use lectern_cli::args::{CourseArg, ForceArg};
use lectern_cli::{Error, Result, Session, input, json, output, pages, text, transfer};
use lectern_proto::v1;
use serde_json::{Map, Value, json};

use super::account::show_codes;
use crate::cli::RosterCommand;

pub async fn run(command: RosterCommand, session: &Session) -> Result<()> {
    match command {
        RosterCommand::Import { course, enrollments, users, preview } => {
            import(&course, &enrollments, users.as_deref(), preview, session).await
        }
        RosterCommand::List { course, role } => {
            let kind = role.map_or(v1::EnrollmentType::Unspecified, Into::into);
            list(&course, kind, session).await
        }
        RosterCommand::Codes { course, output, force } => codes(&course, output.as_deref(), force, session).await,
        RosterCommand::Add { course, user, role, section } => {
            let kind = v1::EnrollmentType::from(role).into();
            let request = v1::EnrollRequest { course: course.to_string(), user, r#type: kind, section };
            let enrollment = session.call(request).await?.enrollment.unwrap_or_default();
            show(&enrollment, session)
        }
        RosterCommand::Role { course, user, role, reason } => {
            let kind = v1::EnrollmentType::from(role).into();
            let request = v1::UpdateEnrollmentRequest {
                course: course.to_string(),
                user,
                r#type: Some(kind),
                state: None,
                reason: reason.reason,
            };
            show(&session.call(request).await?.enrollment.unwrap_or_default(), session)
        }
        RosterCommand::Remove { course, user, reason } => {
            let state = v1::EnrollmentState::Deleted.into();
            let request = v1::UpdateEnrollmentRequest {
                course: course.to_string(),
                user,
                r#type: None,
                state: Some(state),
                reason: reason.reason,
            };
            show(&session.call(request).await?.enrollment.unwrap_or_default(), session)
        }
    }
}

async fn import(
    course: &CourseArg,
    enrollments: &Path,
    users: Option<&Path>,
    preview: bool,
    session: &Session,
) -> Result<()> {
    let request = v1::ImportRosterRequest {
        course: course.to_string(),
        enrollments_csv: input::read_bytes(enrollments)?,
        users_csv: users.map(input::read_bytes).transpose()?.unwrap_or_default(),
        preview,
    };
    let response = session.call(request).await?;
    let totals = [("invited", response.invited), ("enrolled", response.enrolled), ("unchanged", response.unchanged)];
    show_import(&response.rows, &totals, preview, session)
}

/// Prints what an import did, or would do.
pub fn show_import(rows: &[v1::ImportRow], totals: &[(&str, u32)], preview: bool, session: &Session) -> Result<()> {
    let mut value = Map::new();
    value.insert("preview".into(), preview.into());
    value.extend(totals.iter().map(|(name, count)| ((*name).to_owned(), Value::from(*count))));
    value.insert("rows".into(), rows.iter().map(json::import_row).collect());
    session.show(Value::Object(value), || {
        let lines = rows.iter().map(|row| {
            let action = json::name(row.action().as_str_name(), "IMPORT_ACTION");
            vec![row.line.to_string(), action, row.subject.clone(), row.message.clone()]
        });
        let table = text::table(&["line", "action", "who", ""], lines, "The files hold no rows.");
        let sums: Vec<String> = totals.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let head = if preview { "Nothing was changed. It would be" } else { "Done" };
        format!("{table}\n\n{head}: {}.", sums.join(", "))
    })
}

async fn list(course: &CourseArg, kind: v1::EnrollmentType, session: &Session) -> Result<()> {
    let enrollments = pages::all(session, |page_token| v1::ListEnrollmentsRequest {
        course: course.to_string(),
        r#type: kind.into(),
        page_token,
        ..Default::default()
    })
    .await?;
    let value = json::list("enrollments", enrollments.iter().map(json::enrollment).collect());
    session.show(value, || {
        let rows = enrollments.iter().map(|enrollment| {
            let person = enrollment.person.clone().unwrap_or_default();
            vec![
                person.username,
                person.name,
                json::role(enrollment.r#type()).as_str().unwrap_or_default().to_owned(),
                json::name(enrollment.state().as_str_name(), "ENROLLMENT_STATE"),
                enrollment.section.clone(),
                if enrollment.activated { String::new() } else { "never signed in".into() },
            ]
        });
        text::table(&["username", "name", "role", "state", "section", ""], rows, "Nobody takes part yet.")
    })
}

async fn codes(course: &CourseArg, path: Option<&Path>, force: ForceArg, session: &Session) -> Result<()> {
    let place = transfer::output_place(path, force)?;
    let request = v1::IssueCodesRequest { users: Vec::new(), course: course.to_string() };
    let codes = session.call(request).await?.codes;
    let (Some(place), Some(path)) = (place, path) else {
        return if path.is_some() {
            to_csv(&codes).map(|csv| output::bytes(&csv))
        } else {
            show_codes(&codes, session)
        };
    };
    place.write(&to_csv(&codes)?, force.force)?;
    let value = json!({"path": path.display().to_string(), "count": codes.len()});
    session.show(value, || {
        let codes = text::count(codes.len(), "code is", "codes are");
        format!("{codes} in {}; only you can read it.", path.display())
    })
}

fn to_csv(codes: &[v1::IssuedCode]) -> Result<Vec<u8>> {
    let written = || -> std::io::Result<Vec<u8>> {
        let mut csv = csv::Writer::from_writer(Vec::new());
        csv.write_record(["user_id", "login_id", "full_name", "email", "code", "expires_at"])?;
        for code in codes {
            let person = code.person.clone().unwrap_or_default();
            let until = lectern_cli::format::rfc3339(code.expires_at_ms);
            csv.write_record([&code.sis_user_id, &person.username, &person.name, &code.email, &code.code, &until])?;
        }
        csv.into_inner().map_err(csv::IntoInnerError::into_error)
    };
    written().map_err(|error| Error::io("the codes", error))
}

fn show(enrollment: &v1::Enrollment, session: &Session) -> Result<()> {
    session.show(json::enrollment(enrollment), || {
        let person = enrollment.person.clone().unwrap_or_default();
        let role = json::role(enrollment.r#type());
        let state = json::name(enrollment.state().as_str_name(), "ENROLLMENT_STATE");
        format!("{} is {} ({state}).", text::clean(&person.name), role.as_str().unwrap_or("nothing"))
    })
}
