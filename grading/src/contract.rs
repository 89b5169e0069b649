//! From the contract's messages to the arithmetic and back: the same for the cluster's answers and for a program's "what if".

use std::collections::BTreeSet;

use lectern_proto::v1::{AssignmentGroup, CourseTotal, GradingPolicy, GroupTotal};

use crate::{Level, Percent, Place, Plan, Rules, Scheme, SchemeError, Totals};

/// One assignment of a course, as far as it counts.
#[derive(Clone, Copy, Debug)]
pub struct Counting<'a> {
    /// Its id.
    pub assignment_id: &'a str,
    /// The id of its group; empty for none.
    pub group_id: &'a str,
    /// The points it gives.
    pub possible: i64,
}

/// The plan of a course with these groups and assignments.
pub fn plan<'a>(groups: &[AssignmentGroup], assignments: impl Iterator<Item = Counting<'a>>) -> Plan {
    let settings = || groups.iter().map(|group| group.settings.clone().unwrap_or_default());
    let rules: Vec<Rules> = settings()
        .map(|it| Rules { weight: it.weight, drop_lowest: it.drop_lowest, drop_highest: it.drop_highest })
        .collect();
    let never: BTreeSet<String> = settings().flat_map(|it| it.never_drop).collect();
    let place = |it: Counting<'_>| Place {
        group: groups.iter().position(|group| group.group_id == it.group_id),
        possible: it.possible,
        never_drop: never.contains(it.assignment_id),
    };
    Plan::new(&rules, &assignments.map(place).collect::<Vec<_>>())
}

/// The names of percentages that a policy gives.
pub fn scheme(policy: &GradingPolicy) -> Result<Scheme, SchemeError> {
    let levels = policy.levels.iter().map(|level| Level { name: level.name.clone(), from: Percent(level.from) });
    Scheme::new(levels.collect())
}

/// The sums of the groups; last, with an empty id, those of what is in none.
pub fn group_totals(groups: &[AssignmentGroup], totals: &Totals) -> Vec<GroupTotal> {
    let ids = groups.iter().map(|group| &*group.group_id).chain([""]);
    ids.zip(&totals.course.groups)
        .map(|(group_id, sums)| GroupTotal {
            group_id: group_id.into(),
            current_score: sums.current.score,
            current_possible: sums.current.possible,
            final_score: sums.r#final.score,
            final_possible: sums.r#final.possible,
        })
        .collect()
}

/// The percentages and their names; `set` is what counts instead of the computed final one.
pub fn total(scheme: &Scheme, totals: &Totals, set: Option<Percent>) -> CourseTotal {
    let level =
        |percent: Option<Percent>| percent.and_then(|percent| scheme.level(percent)).unwrap_or_default().to_owned();
    let (current, computed) = (totals.course.current, totals.course.r#final);
    CourseTotal {
        current: current.map(|percent| percent.0),
        r#final: computed.map(|percent| percent.0),
        current_level: level(current),
        final_level: level(set.or(computed)),
        r#override: set.map(|percent| percent.0),
        override_revision: 0,
    }
}
