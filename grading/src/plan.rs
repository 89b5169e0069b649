//! A course's groups and assignments, ready to add up one student after the other.

use crate::course::{Course, Group, Rules, Work};

/// Where an assignment counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Its group, by its place in [`Plan::new`]'s list; none for what is in no group.
    pub group: Option<usize>,
    /// The points it gives.
    pub possible: i64,
    /// Whether its group never drops it.
    pub never_drop: bool,
}

/// How a student stands with an assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The score that counts; none while there is no grade.
    pub score: Option<i64>,
    /// Whether it counts nowhere for this student.
    pub excused: bool,
}

/// A course's groups and assignments. What is in no group is one more group without rules: it counts where points are
/// added up, and has no weight where groups are weighed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    groups: Vec<Group>,
    /// Each assignment's group, and its place in it.
    places: Vec<(usize, usize)>,
}

/// What a student's marks come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The sums, and those of the groups; what is in no group comes last.
    pub course: Course,
    /// For each assignment, whether the current grade drops it.
    pub dropped: Vec<bool>,
    /// For each assignment, whether the final grade drops it.
    pub dropped_in_final: Vec<bool>,
}

impl Plan {
    /// Of these groups and assignments.
    pub fn new(rules: &[Rules], assignments: &[Place]) -> Self {
        let group = |rules: &Rules| Group { rules: *rules, work: Vec::new() };
        let mut groups: Vec<Group> = rules.iter().chain([&Rules::default()]).map(group).collect();
        let places = assignments
            .iter()
            .map(|place| {
                let at = place.group.filter(|at| *at < rules.len()).unwrap_or(rules.len());
                let Place { possible, never_drop, .. } = *place;
                groups[at].work.push(Work { possible, never_drop, ..Work::default() });
                (at, groups[at].work.len() - 1)
            })
            .collect();
        Self { groups, places }
    }

    /// Whether groups are weighed, rather than points added up.
    pub fn is_weighed(&self) -> bool {
        self.groups.iter().any(|group| group.rules.weight > 0)
    }

    /// What these marks, one for each assignment, come to.
    pub fn totals(&mut self, marks: &[Mark]) -> Totals {
        assert_eq!(marks.len(), self.places.len(), "one mark for each assignment");
        for ((group, at), mark) in self.places.iter().zip(marks) {
            let work = &mut self.groups[*group].work[*at];
            (work.score, work.excused) = (mark.score, mark.excused);
        }
        let course = Course::of(&self.groups);
        let dropped = |all: bool| {
            self.places
                .iter()
                .map(|(group, at)| {
                    let totals = &course.groups[*group];
                    let tally = if all { &totals.r#final } else { &totals.current };
                    tally.dropped.binary_search(at).is_ok()
                })
                .collect()
        };
        Totals { dropped: dropped(false), dropped_in_final: dropped(true), course }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Percent;

    #[test]
    fn assignments_find_their_groups_and_what_is_dropped_finds_its_assignment() {
        let rules = [Rules { drop_lowest: 1, ..Rules::default() }];
        let place = |group| Place { group, possible: 10, never_drop: false };
        let mut plan = Plan::new(&rules, &[place(Some(0)), place(None), place(Some(0)), place(Some(7))]);
        let marks = [Some(9), Some(2), Some(4), None].map(|score| Mark { score, excused: false });
        let totals = plan.totals(&marks);
        assert_eq!(totals.dropped, [false, false, true, false]);
        assert_eq!(totals.course.current, Some(Percent(5_500)), "11 of 20");
        assert_eq!(totals.course.r#final, Some(Percent(3_667)), "11 of 30");
        assert_eq!(totals.course.groups.len(), 2);
        let again = plan.totals(&[Mark::default(); 4]);
        assert_eq!((again.course.current, again.dropped), (None, vec![false; 4]), "nothing is left of the one before");
    }
}
