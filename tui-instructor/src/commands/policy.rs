//! `policy …`.

use lectern_cli::args::CourseArg;
use lectern_cli::{Error, Result, Session, format, json, text};
use lectern_grading::Scheme;
use lectern_proto::v1;
use serde_json::json;

use crate::cli::{IntervalArg, PolicyArgs, PolicyCommand};

pub async fn run(command: PolicyCommand, session: &Session) -> Result<()> {
    match command {
        PolicyCommand::Show { course } => {
            let read = get(&course, session).await?;
            show(&read.policy.unwrap_or_default(), &read.groups, session)
        }
        PolicyCommand::Set { course, policy, reason } => {
            let read = get(&course, session).await?;
            let changed = changed(&policy, read.policy.unwrap_or_default()).map_err(Error::usage)?;
            let request = v1::UpdateGradingPolicyRequest {
                course: course.to_string(),
                policy: Some(changed),
                revision: read.revision,
                reason: reason.reason,
            };
            let set = session.call(request).await?;
            show(&set.policy.unwrap_or_default(), &read.groups, session)
        }
    }
}

async fn get(course: &CourseArg, session: &Session) -> Result<v1::GetGradingPolicyResponse> {
    session.call(v1::GetGradingPolicyRequest { course: course.to_string() }).await
}

fn changed(args: &PolicyArgs, mut policy: v1::GradingPolicy) -> std::result::Result<v1::GradingPolicy, String> {
    // More than the cluster takes stays more than it takes.
    let percent = |value: i64| u32::try_from(value).unwrap_or(u32::MAX);
    if let Some(scheme) = &args.scheme {
        policy.levels = levels(scheme)?;
    }
    let mut late = policy.late.unwrap_or_default();
    late.deduct = args.late_percent.map_or(late.deduct, percent);
    late.floor = args.late_floor.map_or(late.floor, percent);
    match args.late_every {
        Some(IntervalArg::Hour) => late.set_interval(v1::LateInterval::Hour),
        Some(IntervalArg::Day) => late.set_interval(v1::LateInterval::Day),
        None if late.deduct > 0 && late.interval() == v1::LateInterval::Unspecified => {
            return Err("say with --late-every whether lateness is deducted by the hour or by the day".into());
        }
        None => {}
    }
    policy.late = Some(late).filter(|late| *late != v1::LatePolicy::default());
    match args.missing.as_deref() {
        Some("none") => policy.missing_percent = None,
        Some(typed) => policy.missing_percent = Some(percent(format::parse_percent(typed)?)),
        None => {}
    }
    policy.late_days = args.late_days.unwrap_or(policy.late_days);
    Ok(policy)
}

/// What lateness and missing work cost, a line each.
fn lateness(policy: &v1::GradingPolicy) -> Vec<String> {
    let percent = |hundredths: u32| format::percent(Some(hundredths.into()));
    let mut lines = Vec::new();
    match policy.late.filter(|late| late.deduct > 0) {
        Some(late) => {
            let interval = if late.interval() == v1::LateInterval::Hour { "hour" } else { "day" };
            let (deduct, floor) = (percent(late.deduct), percent(late.floor));
            lines.push(format!("Late    {deduct} of the points for each {interval} begun; at least {floor} are left"));
        }
        None => lines.push("Late    nothing is deducted".into()),
    }
    if policy.late_days > 0 {
        lines.push(format!("Bank    {} for each student", text::count(policy.late_days, "late day", "late days")));
    }
    if let Some(missing) = policy.missing_percent {
        lines.push(format!("Missing {} of the points", percent(missing)));
    }
    lines
}

/// Levels out of words such as `A=90 B=80 F=0`.
pub fn levels(text: &str) -> std::result::Result<Vec<v1::GradingLevel>, String> {
    if text.trim() == "none" {
        return Ok(Vec::new());
    }
    let scheme = Scheme::parse(text)?;
    Ok(scheme.levels().iter().map(|level| v1::GradingLevel { name: level.name.clone(), from: level.from.0 }).collect())
}

/// Words that [`levels`] reads back: `A=90.00 F=0.00`.
pub fn levels_in_words(levels: &[v1::GradingLevel]) -> String {
    let level = |level: &v1::GradingLevel| format!("{}={}", level.name, lectern_grading::Percent(level.from));
    levels.iter().map(level).collect::<Vec<_>>().join(" ")
}

fn show(policy: &v1::GradingPolicy, groups: &[v1::AssignmentGroup], session: &Session) -> Result<()> {
    let value = json!({"policy": json::policy(policy), "groups": groups.iter().map(json::group).collect::<Vec<_>>()});
    session.show(value, || {
        let mut lines = Vec::new();
        lines.push(match &*policy.levels {
            [] => "Percentages have no names.".into(),
            levels => format!("Names   {}", levels_in_words(levels)),
        });
        lines.extend(lateness(policy));
        for group in groups {
            let settings = group.settings.clone().unwrap_or_default();
            let weight = match settings.weight {
                0 => "no weight".into(),
                weight => format::percent(Some(weight.into())),
            };
            lines.push(format!("Group   {} ({}): {weight}", group.slug, text::clean(&settings.name)));
        }
        lines.join("\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_survive_their_words() {
        let read = levels("A=90 B+=87.5 F=0").unwrap();
        assert_eq!(levels_in_words(&read), "A=90.00 B+=87.50 F=0.00");
        assert_eq!(levels(&levels_in_words(&read)), Ok(read));
        assert_eq!(levels("none"), Ok(Vec::new()));
        assert!(levels("A=90").is_err());
    }

    #[test]
    fn what_is_left_out_of_a_policy_stays_and_a_deduction_needs_its_interval() {
        let before = v1::GradingPolicy { late_days: 3, missing_percent: Some(0), ..Default::default() };
        let late = PolicyArgs { late_percent: Some(1_000), ..PolicyArgs::default() };
        assert!(changed(&late, before.clone()).unwrap_err().contains("--late-every"));
        let late = PolicyArgs { late_every: Some(IntervalArg::Day), late_floor: Some(5_000), ..late };
        let after = changed(&late, before.clone()).unwrap();
        assert_eq!((after.late_days, after.missing_percent), (3, Some(0)));
        assert_eq!(lateness(&after)[0], "Late    10.00 % of the points for each day begun; at least 50.00 % are left");
        let none = PolicyArgs { missing: Some("none".into()), ..PolicyArgs::default() };
        assert_eq!(changed(&none, before).unwrap().missing_percent, None);
    }
}
