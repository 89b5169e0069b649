//! `group …`.

use lectern_cli::args::{AssignmentArg, CourseArg};
use lectern_cli::table::{cut, keep};
use lectern_cli::{Error, Result, Session, format, json, text};
use lectern_client::Code;
use lectern_proto::v1;
use serde_json::json;

use crate::cli::{GroupArgs, GroupCommand};

pub async fn run(command: GroupCommand, session: &Session) -> Result<()> {
    match command {
        GroupCommand::List { course } => list(&course, session).await,
        GroupCommand::Create { group, settings } => create(&group, &settings, session).await,
        GroupCommand::Update { group, settings, reason } => update(&group, &settings, reason.reason, session).await,
        GroupCommand::Remove { group, reason } => {
            let request = v1::DeleteAssignmentGroupRequest {
                course: group.course.clone(),
                group: group.assignment.clone(),
                reason: reason.reason,
            };
            session.call(request).await?;
            session.show(json!({ "removed": group.to_string() }), || format!("{group} is removed."))
        }
    }
}

async fn list(course: &CourseArg, session: &Session) -> Result<()> {
    let groups = session.call(v1::GetGradingPolicyRequest { course: course.to_string() }).await?.groups;
    let value = json::list("groups", groups.iter().map(json::group).collect());
    session.show(value, || {
        let rows = groups.iter().map(|group| {
            let settings = group.settings.clone().unwrap_or_default();
            let weight =
                if settings.weight == 0 { "–".into() } else { format::percent(Some(settings.weight.into())) };
            vec![group.slug.clone(), settings.name.clone(), weight, drops(&settings)]
        });
        let columns = [keep("group"), cut("name"), keep("weight"), cut("dropped")];
        text::table(&columns, rows, "This course has no groups: points are added up.")
    })
}

/// Such as `2 lowest, 1 highest, never 3 of them`.
fn drops(settings: &v1::AssignmentGroupSettings) -> String {
    let mut words = Vec::new();
    if settings.drop_lowest > 0 {
        words.push(format!("{} lowest", settings.drop_lowest));
    }
    if settings.drop_highest > 0 {
        words.push(format!("{} highest", settings.drop_highest));
    }
    if !settings.never_drop.is_empty() {
        words.push(format!("never {} of them", settings.never_drop.len()));
    }
    if words.is_empty() { "nothing".into() } else { words.join(", ") }
}

async fn create(group: &AssignmentArg, args: &GroupArgs, session: &Session) -> Result<()> {
    let fresh = v1::AssignmentGroupSettings { name: group.assignment.clone(), ..Default::default() };
    let request = v1::CreateAssignmentGroupRequest {
        course: group.course.clone(),
        slug: group.assignment.clone(),
        settings: Some(changed(args, fresh)),
    };
    let made = session.call(request).await?.group.unwrap_or_default();
    show(group, &made, session)
}

async fn update(group: &AssignmentArg, args: &GroupArgs, reason: String, session: &Session) -> Result<()> {
    let groups = session.call(v1::GetGradingPolicyRequest { course: group.course.clone() }).await?.groups;
    let Some(current) = groups.into_iter().find(|it| it.slug == group.assignment) else {
        let message = format!("{} has no group {}", group.course, group.assignment);
        return Err(Error::refused(Code::NotFound, "NOT_FOUND", message));
    };
    let request = v1::UpdateAssignmentGroupRequest {
        course: group.course.clone(),
        group: current.group_id,
        settings: Some(changed(args, current.settings.unwrap_or_default())),
        revision: current.revision,
        reason,
    };
    let changed = session.call(request).await?.group.unwrap_or_default();
    show(group, &changed, session)
}

fn changed(args: &GroupArgs, mut settings: v1::AssignmentGroupSettings) -> v1::AssignmentGroupSettings {
    if let Some(name) = &args.name {
        settings.name.clone_from(name);
    }
    if let Some(weight) = args.weight {
        // More than the cluster takes stays more than it takes.
        settings.weight = u32::try_from(weight).unwrap_or(u32::MAX);
    }
    settings.drop_lowest = args.drop_lowest.unwrap_or(settings.drop_lowest);
    settings.drop_highest = args.drop_highest.unwrap_or(settings.drop_highest);
    if let Some(never) = &args.never_drop {
        settings.never_drop = never.iter().filter(|slug| *slug != "none" && !slug.is_empty()).cloned().collect();
    }
    settings
}

fn show(arg: &AssignmentArg, group: &v1::AssignmentGroup, session: &Session) -> Result<()> {
    session.show(json!({ "group": json::group(group) }), || {
        let settings = group.settings.clone().unwrap_or_default();
        let weight = match settings.weight {
            0 => "no weight".into(),
            weight => format!("weight {}", format::percent(Some(weight.into()))),
        };
        format!("{arg}: {}, {weight}, dropped: {}.", text::clean(&settings.name), drops(&settings))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_change_stays() {
        let before = v1::AssignmentGroupSettings {
            name: "Homework".into(),
            weight: 4_000,
            drop_lowest: 1,
            never_drop: vec!["id".into()],
            ..Default::default()
        };
        let args = GroupArgs { drop_highest: Some(2), ..GroupArgs::default() };
        let after = changed(&args, before.clone());
        assert_eq!(after, v1::AssignmentGroupSettings { drop_highest: 2, ..before.clone() });
        assert_eq!(drops(&after), "1 lowest, 2 highest, never 1 of them");
        let args = GroupArgs { never_drop: Some(vec!["none".into()]), ..GroupArgs::default() };
        assert!(changed(&args, before).never_drop.is_empty());
    }
}
