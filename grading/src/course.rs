//! The totals of a course: groups of work, their rules, and what they come to.

use num_bigint::BigUint;

use crate::Percent;
use crate::drops::{self, Counted};

/// How a group counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Its weight beside the other groups, in any unit; 0 for none.
    pub weight: u32,
    /// How many of the lowest are dropped.
    pub drop_lowest: u32,
    /// How many of the highest are dropped, after the lowest.
    pub drop_highest: u32,
}

/// One assignment for one student.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// The points it gives.
    pub possible: i64,
    /// The score that counts; none while there is no grade.
    pub score: Option<i64>,
    /// Excused beats everything: it counts nowhere.
    pub excused: bool,
    /// Whether its group never drops it.
    pub never_drop: bool,
}

/// A group with a student's work in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// How it counts.
    pub rules: Rules,
    /// In the order of the course.
    pub work: Vec<Work>,
}

/// What was kept of a group, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Σ of the kept scores.
    pub score: i64,
    /// Σ of their possible points.
    pub possible: i64,
    /// What was dropped, by its place in [`Group::work`], ascending.
    pub dropped: Vec<usize>,
}

/// A group's sums.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupTotals {
    /// Over what has a score.
    pub current: Tally,
    /// Over everything, what has no score as 0.
    pub r#final: Tally,
}

/// A student's totals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Course {
    /// In the order of the groups.
    pub groups: Vec<GroupTotals>,
    /// Over what has a score; none where nothing counts yet.
    pub current: Option<Percent>,
    /// Over everything, what has no score as 0; none where nothing counts.
    pub r#final: Option<Percent>,
}

impl Course {
    /// The totals of these groups.
    pub fn of(groups: &[Group]) -> Self {
        let totals: Vec<GroupTotals> = groups
            .iter()
            .map(|group| GroupTotals { current: tally(group, false), r#final: tally(group, true) })
            .collect();
        let weights: Vec<u32> = groups.iter().map(|group| group.rules.weight).collect();
        let current = total(&weights, totals.iter().map(|group| &group.current));
        let r#final = total(&weights, totals.iter().map(|group| &group.r#final));
        Self { groups: totals, current, r#final }
    }
}

/// Adds up a group: with `all`, what has no score counts as 0.
fn tally(group: &Group, all: bool) -> Tally {
    let counts = |work: &Work| !work.excused && (all || work.score.is_some());
    let places: Vec<usize> = (0..group.work.len()).filter(|at| counts(&group.work[*at])).collect();
    let counted: Vec<Counted> = places
        .iter()
        .map(|at| {
            let Work { possible, score, never_drop, .. } = group.work[*at];
            Counted { score: score.unwrap_or(0), possible, never_drop }
        })
        .collect();
    let Rules { drop_lowest, drop_highest, .. } = group.rules;
    let dropped = drops::dropped(&counted, drop_lowest as usize, drop_highest as usize);
    let mut tally = Tally::default();
    for (at, work) in counted.iter().enumerate() {
        if dropped.binary_search(&at).is_err() {
            tally.score += work.score;
            tally.possible += work.possible;
        }
    }
    tally.dropped = dropped.into_iter().map(|at| places[at]).collect();
    tally
}

/// What the groups come to.
fn total<'a>(weights: &[u32], tallies: impl Iterator<Item = &'a Tally>) -> Option<Percent> {
    if weights.iter().all(|weight| *weight == 0) {
        let (score, possible) = tallies.fold((0, 0), |sum, tally| (sum.0 + tally.score, sum.1 + tally.possible));
        return Percent::of(score, possible);
    }
    // Σ weight · score / possible, over one denominator that grows with each group.
    let (mut numerator, mut denominator, mut shares) = (BigUint::ZERO, BigUint::from(1_u32), 0_u64);
    for (weight, tally) in weights.iter().zip(tallies) {
        if *weight == 0 || tally.possible == 0 {
            continue;
        }
        let (score, possible) = (tally.score.max(0).unsigned_abs(), tally.possible.unsigned_abs());
        numerator = numerator * possible + &denominator * score * *weight;
        denominator *= possible;
        shares += u64::from(*weight);
    }
    Percent::of_fraction(&numerator, &(denominator * shares))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::points::POINT;

    fn work(score: Option<i64>, possible: i64) -> Work {
        Work { possible: possible * POINT, score: score.map(|score| score * POINT), ..Work::default() }
    }

    fn group(weight: u32, drop_lowest: u32, work: Vec<Work>) -> Group {
        Group { rules: Rules { weight, drop_lowest, drop_highest: 0 }, work }
    }

    fn totals(groups: &[Group]) -> (String, String) {
        let course = Course::of(groups);
        let text = |percent: Option<Percent>| percent.map_or_else(|| "none".into(), |percent| percent.to_string());
        (text(course.current), text(course.r#final))
    }

    fn both(current: &str, r#final: &str) -> (String, String) {
        (current.into(), r#final.into())
    }

    #[test]
    fn ungraded_work_is_left_out_of_the_current_grade_and_0_in_the_final_one() {
        let groups = [group(0, 0, vec![work(Some(8), 10), work(None, 10)])];
        assert_eq!(totals(&groups), both("80.00", "40.00"));
    }

    #[test]
    fn excused_work_counts_nowhere_even_with_a_score() {
        let excused = Work { excused: true, ..work(Some(0), 100) };
        assert_eq!(totals(&[group(0, 0, vec![work(Some(8), 10), excused])]), both("80.00", "80.00"));
        assert_eq!(totals(&[group(0, 0, vec![excused])]), both("none", "none"));
    }

    #[test]
    fn weights_are_shared_among_the_groups_that_have_something_to_count() {
        let homework = group(60, 0, vec![work(Some(9), 10)]);
        let exam = group(40, 0, vec![work(None, 50)]);
        assert_eq!(totals(&[homework.clone(), exam.clone()]), both("90.00", "54.00"));
        let exam = group(40, 0, vec![work(Some(25), 50)]);
        assert_eq!(totals(&[homework.clone(), exam]), both("74.00", "74.00"));
        let unweighed = group(0, 0, vec![work(Some(0), 1_000)]);
        assert_eq!(totals(&[homework.clone(), unweighed]), both("90.00", "90.00"), "no weight, no share");
        let only_extra = group(40, 0, vec![work(Some(5), 0)]);
        assert_eq!(totals(&[homework, only_extra]), both("90.00", "90.00"), "5 of 0 is no share of anything");
    }

    #[test]
    fn work_of_no_points_adds_its_score() {
        assert_eq!(totals(&[group(0, 0, vec![work(Some(8), 10), work(Some(1), 0)])]), both("90.00", "90.00"));
        assert_eq!(totals(&[group(0, 0, vec![work(Some(8), 0)])]), both("none", "none"));
    }

    #[test]
    fn what_is_dropped_is_told_by_its_place_in_the_group() {
        let excused = Work { excused: true, ..work(Some(0), 10) };
        let course = Course::of(&[group(0, 1, vec![excused, work(Some(9), 10), work(None, 10), work(Some(2), 10)])]);
        assert_eq!(course.groups[0].current.dropped, [3]);
        assert_eq!(course.groups[0].r#final.dropped, [2]);
        assert_eq!((course.groups[0].r#final.score, course.groups[0].r#final.possible), (11 * POINT, 20 * POINT));
    }

    #[test]
    fn a_total_is_rounded_once_and_half_up() {
        // 1/3 and 1/6 with equal weights are 1/4; rounding each first would give 33.33 and 16.67, and 25.00 by luck.
        assert_eq!(totals(&[group(1, 0, vec![work(Some(1), 3)]), group(1, 0, vec![work(Some(1), 6)])]).0, "25.00");
        // 89.995 exactly.
        assert_eq!(totals(&[group(1, 0, vec![work(Some(17_999), 20_000)])]).0, "90.00");
        assert_eq!(totals(&[group(1, 0, vec![work(Some(179_989), 200_000)])]).0, "89.99");
    }

    #[test]
    fn a_hundred_groups_of_the_largest_points_are_added_exactly() {
        let most = 1_000_000 * POINT;
        let one = |score| Group {
            rules: Rules { weight: u32::MAX, ..Rules::default() },
            work: vec![Work { possible: most - score, score: Some((most - score) / 2), ..Work::default() }],
        };
        let groups: Vec<Group> = (0..100).map(|at| one(2 * at)).collect();
        assert_eq!(Course::of(&groups).current, Some(Percent(5_000)));
    }

    fn any_group() -> impl Strategy<Value = Group> {
        let any_work = (0_i64..40, prop::option::of(0_i64..50), prop::bool::weighted(0.2))
            .prop_map(|(possible, score, excused)| Work { possible, score, excused, never_drop: false });
        (0_u32..5, 0_u32..3, 0_u32..2, prop::collection::vec(any_work, 0..6)).prop_map(
            |(weight, drop_lowest, drop_highest, work)| Group {
                rules: Rules { weight, drop_lowest, drop_highest },
                work,
            },
        )
    }

    /// The same with fractions of small numbers over a common denominator that a person would write.
    fn by_hand(groups: &[Group], tallies: &[Tally]) -> Option<i128> {
        let weighed = groups.iter().any(|group| group.rules.weight > 0);
        let counting: Vec<(i128, &Tally)> = groups
            .iter()
            .zip(tallies)
            .map(|(group, tally)| (i128::from(group.rules.weight), tally))
            .filter(|(weight, tally)| !weighed || (*weight > 0 && tally.possible > 0))
            .collect();
        let (mut above, below) = (
            0,
            if weighed {
                counting.iter().map(|(weight, _)| weight).sum::<i128>() * product(&counting)
            } else {
                counting.iter().map(|(_, tally)| i128::from(tally.possible)).sum()
            },
        );
        for (weight, tally) in &counting {
            above += if weighed {
                weight * i128::from(tally.score) * product(&counting) / i128::from(tally.possible)
            } else {
                i128::from(tally.score)
            };
        }
        (below > 0).then(|| (20_000 * above + below) / (2 * below))
    }

    fn product(counting: &[(i128, &Tally)]) -> i128 {
        counting.iter().map(|(_, tally)| i128::from(tally.possible)).product()
    }

    proptest! {
        #[test]
        fn totals_are_what_a_person_with_fractions_gets(groups in prop::collection::vec(any_group(), 0..5)) {
            let course = Course::of(&groups);
            let current: Vec<Tally> = course.groups.iter().map(|group| group.current.clone()).collect();
            let r#final: Vec<Tally> = course.groups.iter().map(|group| group.r#final.clone()).collect();
            prop_assert_eq!(course.current.map(|percent| i128::from(percent.0)), by_hand(&groups, &current));
            prop_assert_eq!(course.r#final.map(|percent| i128::from(percent.0)), by_hand(&groups, &r#final));
        }

        #[test]
        fn a_better_score_never_makes_a_total_without_dropped_highest_worse(
            mut groups in prop::collection::vec(any_group(), 1..4),
            more in 1_i64..20,
            place: prop::sample::Index,
        ) {
            for group in &mut groups {
                group.rules.drop_highest = 0;
            }
            let before = Course::of(&groups);
            let scored: Vec<&mut Work> =
                groups.iter_mut().flat_map(|group| &mut group.work).filter(|work| work.score.is_some()).collect();
            if scored.is_empty() { return Ok(()); }
            let at = place.index(scored.len());
            let work = scored.into_iter().nth(at).unwrap();
            work.score = work.score.map(|score| score + more);
            let after = Course::of(&groups);
            prop_assert!(after.current >= before.current && after.r#final >= before.r#final);
        }
    }
}
