//! `override …`.

use jiff::tz::TimeZone;
use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::table::{cut, keep};
use lectern_cli::{Error, Result, Session, course, json, pages, text};
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::json;

use super::dates;
use crate::cli::{OverrideArgs, OverrideCommand, WhomArgs};

pub async fn run(command: OverrideCommand, session: &Session) -> Result<()> {
    match command {
        OverrideCommand::List { assignment } => list(&assignment, session).await,
        OverrideCommand::Set { assignment, whom, settings, reason } => {
            let course = course::get(&CourseArg::new(&assignment.course), session).await?;
            let current = current(&assignment, &whom, session).await?;
            let before = current.as_ref().and_then(|current| current.settings).unwrap_or_default();
            let settings = changed(&settings, before, &dates::zone(&course.time_zone)?)?;
            set(&assignment, &whom, settings, current.as_ref(), reason.reason, session).await
        }
        OverrideCommand::End { assignment, whom, reason } => {
            let current = current(&assignment, &whom, session).await?;
            if current.is_none() {
                let message = format!("there is no such override of {assignment}");
                return Err(Error::refused(Code::NotFound, "NOT_FOUND", message));
            }
            let nothing = v1::OverrideSettings::default();
            set(&assignment, &whom, nothing, current.as_ref(), reason.reason, session).await
        }
    }
}

async fn all(assignment: &AssignmentArg, session: &Session) -> Result<Vec<v1::Override>> {
    pages::all(session, |page_token| v1::ListOverridesRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        page_token,
        ..Default::default()
    })
    .await
}

async fn current(assignment: &AssignmentArg, whom: &WhomArgs, session: &Session) -> Result<Option<v1::Override>> {
    let all = all(assignment, session).await?;
    Ok(all.into_iter().find(|it| is_for(it, whom)))
}

fn is_for(it: &v1::Override, whom: &WhomArgs) -> bool {
    match (&it.student, &whom.student, &whom.section) {
        (Some(student), Some(name), _) => student.user_id == *name || student.username.eq_ignore_ascii_case(name),
        (None, _, Some(section)) => it.section == *section,
        _ => false,
    }
}

fn changed(args: &OverrideArgs, before: v1::OverrideSettings, zone: &TimeZone) -> Result<v1::OverrideSettings> {
    let date = |option: Option<&str>, current: Option<v1::OverriddenDate>| match option {
        None => Ok(current),
        Some("assignment") => Ok(None),
        Some("none") => Ok(Some(v1::OverriddenDate { at_ms: None })),
        Some(date) => dates::parse(date, zone).map(|ms| Some(v1::OverriddenDate { at_ms: Some(ms) })),
    };
    Ok(v1::OverrideSettings {
        unlock: date(args.unlock.as_deref(), before.unlock)?,
        due: date(args.due.as_deref(), before.due)?,
        lock: date(args.lock.as_deref(), before.lock)?,
        extra_attempts: args.extra_attempts.unwrap_or(before.extra_attempts),
        excused: args.excused.unwrap_or(before.excused),
    })
}

async fn set(
    assignment: &AssignmentArg,
    whom: &WhomArgs,
    settings: v1::OverrideSettings,
    current: Option<&v1::Override>,
    reason: String,
    session: &Session,
) -> Result<()> {
    let request = v1::SetOverrideRequest {
        course: assignment.course.clone(),
        assignment: assignment.assignment.clone(),
        user: whom.student.clone().unwrap_or_default(),
        section: whom.section.clone().unwrap_or_default(),
        settings: Some(settings),
        base_revision: current.map_or(0, |current| current.revision),
        reason,
    };
    let set = session.call(request).await?.r#override.unwrap_or_default();
    session.show(json!({ "override": json::overridden(&set) }), || {
        format!("{assignment} for {}: {}.", name(&set), in_words(&set.settings.unwrap_or_default()))
    })
}

async fn list(assignment: &AssignmentArg, session: &Session) -> Result<()> {
    let all = all(assignment, session).await?;
    let value = json::list("overrides", all.iter().map(json::overridden).collect());
    session.show(value, || {
        let rows = all.iter().map(|it| vec![name(it), in_words(&it.settings.unwrap_or_default())]);
        text::table(&[keep("for"), cut("instead")], rows, "Nobody has other dates than the assignment's own.")
    })
}

fn name(it: &v1::Override) -> String {
    match &it.student {
        Some(student) => text::clean(&student.username),
        None => format!("section {}", text::clean(&it.section)),
    }
}

/// Such as `due 2026-10-01 23:59, 1 more attempt`.
fn in_words(settings: &v1::OverrideSettings) -> String {
    let dates = [("opens", settings.unlock), ("due", settings.due), ("locks", settings.lock)];
    let mut words: Vec<String> = dates
        .into_iter()
        .filter_map(|(name, date)| Some(format!("{name} {}", date?.at_ms.map_or_else(|| "never".into(), text::time))))
        .collect();
    if settings.extra_attempts > 0 {
        words.push(text::count(settings.extra_attempts, "more attempt", "more attempts"));
    }
    if settings.excused {
        words.push("excused".into());
    }
    if words.is_empty() { "as for everyone".into() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_left_cleared_changed_or_given_back_one_by_one() {
        let before = v1::OverrideSettings {
            due: Some(v1::OverriddenDate { at_ms: Some(7) }),
            lock: Some(v1::OverriddenDate { at_ms: Some(9) }),
            extra_attempts: 1,
            ..Default::default()
        };
        let args = OverrideArgs {
            due: Some("none".into()),
            lock: Some("assignment".into()),
            excused: Some(true),
            ..OverrideArgs::default()
        };
        let after = changed(&args, before, &TimeZone::UTC).unwrap();
        assert_eq!((after.due, after.lock), (Some(v1::OverriddenDate { at_ms: None }), None));
        assert_eq!(in_words(&after), "due never, 1 more attempt, excused");
    }
}
