//! `policy …`.

use lectern_cli::args::CourseArg;
use lectern_cli::{Error, Result, Session, format, json};
use lectern_grading::Scheme;
use lectern_proto::v1;
use serde_json::json;

use crate::cli::PolicyCommand;

pub async fn run(command: PolicyCommand, session: &Session) -> Result<()> {
    match command {
        PolicyCommand::Show { course } => {
            let read = get(&course, session).await?;
            show(&read.policy.unwrap_or_default(), &read.groups, session)
        }
        PolicyCommand::Set { course, scheme, reason } => {
            let read = get(&course, session).await?;
            let mut policy = read.policy.unwrap_or_default();
            if let Some(scheme) = scheme {
                policy.levels = levels(&scheme).map_err(Error::usage)?;
            }
            let request = v1::UpdateGradingPolicyRequest {
                course: course.to_string(),
                policy: Some(policy),
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

/// Levels out of words such as `A=90 B=80 F=0`.
pub fn levels(text: &str) -> Result<Vec<v1::GradingLevel>, String> {
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
        for group in groups {
            let settings = group.settings.clone().unwrap_or_default();
            let weight = match settings.weight {
                0 => "no weight".into(),
                weight => format::percent(Some(weight.into())),
            };
            lines.push(format!("Group   {} ({}): {weight}", group.slug, lectern_cli::text::clean(&settings.name)));
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
}
