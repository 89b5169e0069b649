//! What the grades of a course are reckoned with: its published assignments, its groups and its policy, read once, ready for
//! one student after the other. The arithmetic is `lectern-grading`'s.

use lectern_grading::contract::{self, Counting};
use lectern_grading::{Mark, Percent, Plan, Scheme, Totals};
use lectern_proto::internal::v1::{AssignmentRecord, FinalGradeRecord};
use lectern_proto::v1::{AssignmentGroup, CourseTotal, GradingPolicy, GroupTotal};

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
        let scheme = contract::scheme(&policy).unwrap_or_default();
        let plan = contract::plan(&groups, assignments.iter().map(counting));
        Ok(Self { assignments, groups, policy, scheme, plan })
    }

    /// What these marks, one for each assignment, come to.
    pub(crate) fn totals(&mut self, marks: &[Mark]) -> Totals {
        self.plan.totals(marks)
    }

    /// The sums of the groups; last, with an empty id, those of what is in none.
    pub(crate) fn group_totals(&self, totals: &Totals) -> Vec<GroupTotal> {
        contract::group_totals(&self.groups, totals)
    }

    /// The percentages and their names, with the override where there is one.
    pub(crate) fn total(&self, totals: &Totals, set: Option<FinalGradeRecord>) -> CourseTotal {
        let set = set.unwrap_or_default();
        let total = contract::total(&self.scheme, totals, set.percent.map(Percent));
        CourseTotal { override_revision: set.revision, ..total }
    }
}

fn counting(assignment: &AssignmentRecord) -> Counting<'_> {
    Counting {
        assignment_id: &assignment.assignment_id,
        group_id: standing::group_id(assignment),
        possible: points_possible(assignment),
    }
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
