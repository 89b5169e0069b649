//! What the grades of a course are reckoned with: its published assignments, its groups and its policy, read once, ready for
//! one student after the other. The arithmetic is `lectern-grading`'s.

use std::collections::BTreeSet;

use lectern_grading::{Mark, Percent, Place, Plan, Rules, Scheme, Totals};
use lectern_proto::internal::v1::{AssignmentRecord, FinalGradeRecord};
use lectern_proto::v1::{self, AssignmentGroup, CourseTotal, GradingPolicy, GroupTotal};

use crate::refusal::Result;
use crate::standing::{self, points_possible};
use crate::store::Store;
use crate::{grading_policy, groups};

/// A course's assignments, groups and policy.
pub(crate) struct Ledger {
    /// The published assignments, oldest first.
    pub assignments: Vec<AssignmentRecord>,
    /// The groups, in the order in which they were made.
    pub groups: Vec<AssignmentGroup>,
    /// The policy.
    pub policy: GradingPolicy,
    scheme: Scheme,
    plan: Plan,
}

impl Ledger {
    /// Of a course.
    pub(crate) fn open(store: &dyn Store, course_id: &str) -> Result<Self> {
        let assignments = standing::published_assignments(store, course_id)?;
        let groups = groups::list(store, course_id)?;
        let policy = grading_policy::read(store, course_id)?.policy.unwrap_or_default();
        let (scheme, plan) = (grading_policy::scheme(&policy), plan(&assignments, &groups));
        Ok(Self { assignments, groups, policy, scheme, plan })
    }

    /// What these marks, one for each assignment, come to.
    pub(crate) fn totals(&mut self, marks: &[Mark]) -> Totals {
        self.plan.totals(marks)
    }

    /// The sums of the groups; last, with an empty id, those of what is in none.
    pub(crate) fn group_totals(&self, totals: &Totals) -> Vec<GroupTotal> {
        let ids = self.groups.iter().map(|group| &*group.group_id).chain([""]);
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

    /// The percentages and their names, with the override where there is one.
    pub(crate) fn total(&self, totals: &Totals, set: Option<FinalGradeRecord>) -> CourseTotal {
        let level = |percent: Option<Percent>| {
            percent.and_then(|percent| self.scheme.level(percent)).unwrap_or_default().to_owned()
        };
        let set = set.unwrap_or_default();
        let (current, computed) = (totals.course.current, totals.course.r#final);
        CourseTotal {
            current: current.map(|percent| percent.0),
            r#final: computed.map(|percent| percent.0),
            current_level: level(current),
            final_level: level(set.percent.map(Percent).or(computed)),
            r#override: set.percent,
            override_revision: set.revision,
        }
    }
}

fn plan(assignments: &[AssignmentRecord], groups: &[AssignmentGroup]) -> Plan {
    let settings: Vec<v1::AssignmentGroupSettings> =
        groups.iter().map(|group| group.settings.clone().unwrap_or_default()).collect();
    let rules: Vec<Rules> = settings
        .iter()
        .map(|it| Rules { weight: it.weight, drop_lowest: it.drop_lowest, drop_highest: it.drop_highest })
        .collect();
    let never: BTreeSet<&String> = settings.iter().flat_map(|it| &it.never_drop).collect();
    let place = |assignment: &AssignmentRecord| Place {
        group: groups.iter().position(|group| group.group_id == standing::group_id(assignment)),
        possible: points_possible(assignment),
        never_drop: never.contains(&assignment.assignment_id),
    };
    Plan::new(&rules, &assignments.iter().map(place).collect::<Vec<_>>())
}

/// The plain sums over all groups, as `(current score, current possible, final score, final possible)`.
pub(crate) fn sums(totals: &Totals) -> (i64, i64, i64, i64) {
    totals.course.groups.iter().fold((0, 0, 0, 0), |sum, group| {
        (
            sum.0 + group.current.score,
            sum.1 + group.current.possible,
            sum.2 + group.r#final.score,
            sum.3 + group.r#final.possible,
        )
    })
}
