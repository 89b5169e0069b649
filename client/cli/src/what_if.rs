//! What grades would come to with other scores: the cluster's own arithmetic on what the cluster has told.

use std::collections::BTreeMap;

use lectern_grading::Mark;
use lectern_grading::contract::{self, Counting};
use lectern_proto::v1;

/// What a course comes to for the person who asks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reckoning {
    /// The percentages.
    pub total: v1::CourseTotal,
    /// The groups, in their order; last, with an empty id, what is in none.
    pub groups: Vec<v1::GroupTotal>,
    /// For each assignment, whether the current grade drops it.
    pub dropped: Vec<bool>,
}

/// What the grades come to when the scores of these assignments, by their slugs, are others; none stands for no score. An
/// excuse stays one.
pub fn reckon(
    grades: &[v1::MyGrade],
    groups: &[v1::AssignmentGroup],
    policy: &v1::GradingPolicy,
    supposed: &BTreeMap<String, Option<i64>>,
) -> Reckoning {
    let places = grades.iter().map(|row| Counting {
        assignment_id: &row.assignment_id,
        group_id: &row.group_id,
        possible: row.points_possible,
    });
    let mark = |row: &v1::MyGrade| {
        let real = || row.grade.as_ref().map(|grade| grade.score);
        let score = supposed.get(&row.assignment_slug).copied().unwrap_or_else(real);
        Mark { score, excused: row.excused }
    };
    let totals = contract::plan(groups, places).totals(&grades.iter().map(mark).collect::<Vec<_>>());
    Reckoning {
        total: contract::total(&contract::scheme(policy).unwrap_or_default(), &totals, None),
        groups: contract::group_totals(groups, &totals),
        dropped: totals.dropped,
    }
}

#[cfg(test)]
mod tests {
    use lectern_proto::POINT;

    use super::*;

    fn row(slug: &str, score: Option<i64>) -> v1::MyGrade {
        v1::MyGrade {
            assignment_slug: slug.into(),
            assignment_id: format!("id-{slug}"),
            group_id: "g".into(),
            points_possible: 10 * POINT,
            grade: score.map(|score| v1::Grade { score: score * POINT, ..v1::Grade::default() }),
            ..v1::MyGrade::default()
        }
    }

    #[test]
    fn supposed_scores_take_the_place_of_real_ones_and_of_none() {
        let settings = v1::AssignmentGroupSettings {
            drop_lowest: 1,
            never_drop: vec!["id-hw1".into()],
            ..v1::AssignmentGroupSettings::default()
        };
        let group =
            v1::AssignmentGroup { group_id: "g".into(), settings: Some(settings), ..v1::AssignmentGroup::default() };
        let level = |name: &str, from| v1::GradingLevel { name: name.into(), from };
        let policy =
            v1::GradingPolicy { levels: vec![level("A", 9_000), level("F", 0)], ..v1::GradingPolicy::default() };
        let grades = [row("hw1", Some(8)), row("hw2", Some(2)), row("hw3", None)];
        let with = |supposed: &[(&str, Option<i64>)]| {
            let supposed =
                supposed.iter().map(|(slug, score)| ((*slug).to_owned(), score.map(|score| score * POINT))).collect();
            reckon(&grades, std::slice::from_ref(&group), &policy, &supposed)
        };
        let now = with(&[]);
        assert_eq!((now.total.current, now.total.current_level.as_str()), (Some(8_000), "F"));
        assert_eq!(now.dropped, [false, true, false]);
        let then = with(&[("hw3", Some(10))]);
        assert_eq!((then.total.current, then.total.current_level.as_str()), (Some(9_000), "A"));
        assert_eq!(with(&[("hw1", None)]).total.current, Some(2_000), "one is always kept");
        let excused = [v1::MyGrade { excused: true, ..row("hw1", None) }];
        let supposed = BTreeMap::from([("hw1".to_owned(), Some(POINT))]);
        assert_eq!(reckon(&excused, &[], &policy, &supposed).total.current, None);
    }
}
